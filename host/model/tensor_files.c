/* SPDX-License-Identifier: MIT
 * model/tensor_files.c - a set of named arrays from and to a file, whose format its contents or its
 * name say. */
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "model/archive.h"
#include "model/tensors.h"

static clrnn_status read_archive(clrnn_tensors *set, const void *data, size_t bytes,
                                 const char *name)
{
    clr_zip zip;
    clr_zip_entry pickle;
    clrnn_status status = clr_zip_open(data, bytes, name, &set->log, &zip);
    if (status == CLRNN_OK)
        status = clr_torch_find(&zip, &pickle) ? clr_torch_read(set, &zip, &pickle)
                                               : clr_npz_read(set, &zip);
    clr_zip_close(&zip);
    return status;
}

static clrnn_status fail_of_pickle(const clrnn_tensors *set, const char *name)
{
    return clr_fail(&set->log, CLRNN_ERR_UNSUPPORTED,
                    "%s: a bare pickle, which torch.save does not write; read it in Python and "
                    "write its tensors: torch.save(..)",
                    name);
}

/* What nothing else begins like: safetensors, or what its name says that it is and it is not. */
static clrnn_status read_others(clrnn_tensors *set, const void *data, size_t bytes,
                                const char *name)
{
    static const char *const others[] = {".npy", ".npz", ".pt", ".pth"};
    const bool like = bytes > 8 && ((const char *)data)[8] == '{';
    for (size_t i = 0; i < sizeof others / sizeof *others && !like; i++)
        if (clr_ends_in(name, others[i]))
            return clr_fail(&set->log, CLRNN_ERR_FORMAT,
                            "%s: not %s: %zu bytes that do not begin like one, or like another "
                            "file of arrays",
                            name, others[i], bytes);
    return clr_safetensors_read(set, data, bytes, name);
}

clrnn_status clrnn_tensors_parse(const void *data, size_t bytes, const char *name,
                                 const clrnn_log *log, clrnn_tensors **set)
{
    if (set)
        *set = NULL;
    if (!set || !name || (!data && bytes > 0))
        return clr_fail(log, CLRNN_ERR_ARGUMENT, "clrnn_tensors_parse: %s is NULL",
                        !set    ? "set"
                        : !name ? "name"
                                : "data");
    clrnn_tensors *made = NULL;
    clrnn_status status = clrnn_tensors_create(log, &made);
    if (status != CLRNN_OK)
        return status;
    bool npy = bytes >= 6 && memcmp(data, "\x93NUMPY", 6) == 0;
    status = npy                             ? clr_npy_read(made, data, bytes, name)
             : clr_zip_is(data, bytes)       ? read_archive(made, data, bytes, name)
             : clr_torch_is_old(data, bytes) ? clr_torch_read_old(made, data, bytes, name)
             : clr_is_pickle(data, bytes)    ? fail_of_pickle(made, name)
                                             : read_others(made, data, bytes, name);
    if (status != CLRNN_OK)
        clrnn_tensors_destroy(&made);
    *set = made;
    return status;
}

clrnn_status clrnn_tensors_load(const char *path, const clrnn_log *log, clrnn_tensors **set)
{
    if (set)
        *set = NULL;
    if (!path || !set)
        return clr_fail(log, CLRNN_ERR_ARGUMENT, "clrnn_tensors_load: %s is NULL",
                        path ? "set" : "path");
    void *data = NULL;
    size_t bytes = 0;
    clrnn_status status = clr_file_read(path, log, &data, &bytes);
    if (status == CLRNN_OK)
        status = clrnn_tensors_parse(data, bytes, path, log, set);
    free(data);
    return status;
}

clrnn_status clrnn_tensors_save(const clrnn_tensors *set, const char *path)
{
    if (!set || !path)
        return clr_fail(set ? &set->log : NULL, CLRNN_ERR_ARGUMENT,
                        "clrnn_tensors_save: %s is NULL", set ? "path" : "set");
    return clr_ends_in(path, ".npy") ? clr_npy_write(set, path) : clr_safetensors_write(set, path);
}
