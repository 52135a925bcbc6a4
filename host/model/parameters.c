/* SPDX-License-Identifier: MIT
 * model/parameters.c - see model/parameters.h. */
#include "model/parameters.h"

#include "base/log.h"

clrnn_status clr_model_check_parameters(const clrnn_model *model)
{
    if (!model->lost || model->lost != model->version)
        return CLRNN_OK;
    return clr_fail(&model->context->log, CLRNN_ERR_ARGUMENT,
                    "model: its parameters were lost when setting them failed; set them again");
}
