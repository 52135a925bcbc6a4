/* SPDX-License-Identifier: MIT
 * model/no_archive.c - a build without libzip. */
#include "model/archive.h"

#include <string.h>

#include "base/log.h"

bool clr_zip_is(const void *data, size_t bytes)
{
    return bytes >= 4 && (memcmp(data, "PK\3\4", 4) == 0 || memcmp(data, "PK\5\6", 4) == 0);
}

clrnn_status clr_zip_open(const void *data, size_t bytes, const char *file, const clrnn_log *log,
                          clr_zip *zip)
{
    (void)data;
    (void)bytes;
    *zip = (clr_zip){.file = file, .log = log};
    return clr_fail(log, CLRNN_ERR_UNSUPPORTED,
                    "%s: this build reads no ZIP archives (.npz, .pt, .keras), for it was made "
                    "without libzip",
                    file);
}

void clr_zip_close(clr_zip *zip)
{
    (void)zip;
}

clrnn_status clr_zip_at(const clr_zip *zip, uint64_t index, clr_zip_entry *entry)
{
    (void)zip;
    (void)index;
    (void)entry;
    return CLRNN_ERR_UNSUPPORTED;
}

bool clr_zip_find(const clr_zip *zip, const char *name, clr_zip_entry *entry)
{
    (void)zip;
    (void)name;
    (void)entry;
    return false;
}

clrnn_status clr_zip_read(const clr_zip *zip, const clr_zip_entry *entry, void **data)
{
    (void)zip;
    (void)entry;
    *data = NULL;
    return CLRNN_ERR_UNSUPPORTED;
}

clrnn_status clr_zip_write(const char *path, const clr_zip_part *parts, size_t count,
                           const clrnn_log *log)
{
    (void)parts;
    (void)count;
    return clr_fail(log, CLRNN_ERR_UNSUPPORTED,
                    "%s: this build writes no .npz, for it was made without libzip", path);
}
