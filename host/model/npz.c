/* SPDX-License-Identifier: MIT
 * model/npz.c - NumPy's .npz: a ZIP archive of .npy files. */
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "model/archive.h"
#include "model/tensors.h"

/* Add the one array of a set under a name. */
static clrnn_status add_array(clrnn_tensors *set, const char *name, size_t length,
                              const clrnn_tensors *from)
{
    const clrnn_tensor *t = clrnn_tensors_at(from, 0);
    char *text = clr_calloc(length + 1, 1);
    if (!text)
        return clr_fail(&set->log, CLRNN_ERR_MEMORY, "no memory for the name of an array");
    memcpy(text, name, length);
    clrnn_status status = clrnn_tensors_add(set, text, t->dtype, t->rank, t->shape, t->data);
    free(text);
    return status == CLRNN_ERR_ARGUMENT ? CLRNN_ERR_FORMAT : status; /* a name twice */
}

/* Whether the archive is a program of torch.export's. */
static bool is_program(const clr_zip *zip)
{
    clr_zip_entry entry;
    for (int64_t i = 0; i < zip->entries; i++)
        if (clr_zip_at(zip, (uint64_t)i, &entry) == CLRNN_OK &&
            clr_ends_in(entry.name, CLR_TORCH_PROGRAM))
            return true;
    return false;
}

/* *left: what the entries from this one on may come to. */
static clrnn_status read_array(clrnn_tensors *set, const clr_zip *zip, uint64_t index,
                               uint64_t *left)
{
    clr_zip_entry entry;
    clrnn_status status = clr_zip_at(zip, index, &entry);
    if (status != CLRNN_OK)
        return status;
    const size_t length = strlen(entry.name);
    if ((length < 5 || strcmp(entry.name + length - 4, ".npy") != 0) && is_program(zip))
        return clr_fail(&set->log, CLRNN_ERR_UNSUPPORTED,
                        "%s: an archive of torch.export, which is a program; in Python write its "
                        "tensors: torch.save(torch.export.load(..).state_dict, ..)",
                        zip->file);
    if (length < 5 || strcmp(entry.name + length - 4, ".npy") != 0)
        return clr_fail(&set->log, CLRNN_ERR_FORMAT, "%s: entry %s is no .npy", zip->file,
                        clr_show(entry.name).text);
    if (entry.size > *left)
        return clr_fail(&set->log, CLRNN_ERR_FORMAT,
                        "%s: refused: with %s it would unpack to far more than the file has; "
                        "without compression (numpy.savez) there is no such bound",
                        zip->file, clr_show(entry.name).text);
    *left -= entry.size;
    void *data = NULL;
    clrnn_tensors *one = NULL;
    status = clr_zip_read(zip, &entry, &data);
    if (status == CLRNN_OK)
        status = clrnn_tensors_create(&set->log, &one);
    if (status == CLRNN_OK)
        status = clr_npy_read(one, data, (size_t)entry.size, zip->file);
    if (status == CLRNN_OK)
        status = add_array(set, entry.name, length - 4, one);
    clrnn_tensors_destroy(&one);
    free(data);
    return status;
}

clrnn_status clr_npz_read(clrnn_tensors *set, const clr_zip *zip)
{
    uint64_t left = clr_zip_most(zip);
    clrnn_status status = CLRNN_OK;
    if (zip->entries < 1)
        status = clr_fail(&set->log, CLRNN_ERR_FORMAT, "%s: no arrays", zip->file);
    for (int64_t i = 0; i < zip->entries && status == CLRNN_OK; i++)
        status = read_array(set, zip, (uint64_t)i, &left);
    return status;
}
