/* SPDX-License-Identifier: MIT
 * model/no_npz.c - a build without libzip. */
#include "base/log.h"
#include "model/tensors.h"

clrnn_status clr_npz_read(clrnn_tensors *set, const void *data, size_t bytes, const char *file)
{
    (void)data;
    (void)bytes;
    return clr_fail(&set->log, CLRNN_ERR_UNSUPPORTED,
                    "%s: this build reads no .npz, for it was made without libzip", file);
}
