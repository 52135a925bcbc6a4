/* SPDX-License-Identifier: MIT
 * layer/create.h - making a plan that runs as it was measured. */
#ifndef CLR_LAYER_CREATE_H
#define CLR_LAYER_CREATE_H

#include "layer/exec_config.h"

/** A plan that runs as `config` says, if it can and passes its self-test. Returns: as
 *  clrnn_plan_create. */
clrnn_status clr_plan_create_config(clrnn_context *context, const clrnn_plan_desc *desc,
                                    const clrnn_exec_config *config, clrnn_plan **plan);

/** Before anything is made from a context: find the device for such plans, as clrnn_plan_create
 *  does. Nothing where that has been done. Returns: as clrnn_plan_create. */
clrnn_status clr_plan_settle(clrnn_context *context, const clrnn_plan_desc *desc);

#endif
