/* SPDX-License-Identifier: MIT
 * layer/staging.c - see layer/staging.h. */
#include "layer/staging.h"

#include <stdlib.h>

#include "device/buffer.h"

void clr_staging_free(clr_staging **staging)
{
    if (!*staging)
        return;
    for (int i = 0; i < CLR_STAGED; i++)
        clr_buffer_destroy(&(*staging)->device[i]);
    clr_buffer_destroy(&(*staging)->reserve);
    free(*staging);
    *staging = NULL;
}
