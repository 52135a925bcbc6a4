/* SPDX-License-Identifier: MIT
 * format/hdf5/no_h5.c - a build without libhdf5. */
#include "format/hdf5/h5.h"

#include <string.h>

#include "base/log.h"

bool clr_h5_is(const void *data, size_t bytes)
{
    return bytes >= 8 && memcmp(data, "\x89HDF\r\n\x1a\n", 8) == 0;
}

clrnn_status clr_h5_read(const void *data, size_t bytes, const char *file, const clrnn_log *log,
                         clrnn_tensors **set)
{
    (void)data;
    (void)bytes;
    *set = NULL;
    return clr_fail(log, CLRNN_ERR_UNSUPPORTED,
                    "%s: this build reads no HDF5 (Keras's .h5 and .keras), for it was made "
                    "without libhdf5 (Meson option keras)",
                    file);
}
