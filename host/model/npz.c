/* SPDX-License-Identifier: MIT
 * model/npz.c - NumPy's .npz: a ZIP archive of .npy files, by libzip. */
#include <zip.h>

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
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

/* The bytes of an entry, to be freed. */
static clrnn_status read_entry(const clrnn_tensors *set, zip_t *zip, zip_uint64_t index,
                               const zip_stat_t *about, const char *file, void **data)
{
    *data = about->size < SIZE_MAX ? clr_calloc((size_t)about->size + 1, 1) : NULL;
    if (!*data)
        return clr_fail(&set->log, CLRNN_ERR_MEMORY, "%s: no memory for %s", file,
                        clr_show(about->name).text);
    zip_file_t *entry = zip_fopen_index(zip, index, 0);
    zip_int64_t got = entry ? zip_fread(entry, *data, about->size) : -1;
    char more;
    if (got >= 0 && zip_fread(entry, &more, 1) != 0)
        got = -1; /* the checksum is looked at behind the last byte */
    if (entry)
        zip_fclose(entry);
    return got == (zip_int64_t)about->size
               ? CLRNN_OK
               : clr_fail(&set->log, CLRNN_ERR_FORMAT, "%s: %s is damaged: %s", file,
                          clr_show(about->name).text, zip_strerror(zip));
}

static clrnn_status read_array(clrnn_tensors *set, zip_t *zip, zip_uint64_t index, const char *file)
{
    zip_stat_t about;
    const zip_uint64_t needed = ZIP_STAT_NAME | ZIP_STAT_SIZE;
    zip_stat_init(&about);
    if (zip_stat_index(zip, index, 0, &about) || (about.valid & needed) != needed)
        return clr_fail(&set->log, CLRNN_ERR_FORMAT, "%s: entry %llu is damaged", file,
                        (unsigned long long)index);
    const size_t length = strlen(about.name);
    if (length < 5 || strcmp(about.name + length - 4, ".npy") != 0)
        return clr_fail(&set->log, CLRNN_ERR_FORMAT, "%s: entry %s is no .npy", file,
                        clr_show(about.name).text);
    void *data = NULL;
    clrnn_tensors *one = NULL;
    clrnn_status status = read_entry(set, zip, index, &about, file, &data);
    if (status == CLRNN_OK)
        status = clrnn_tensors_create(&set->log, &one);
    if (status == CLRNN_OK)
        status = clr_npy_read(one, data, (size_t)about.size, file);
    if (status == CLRNN_OK)
        status = add_array(set, about.name, length - 4, one);
    clrnn_tensors_destroy(&one);
    free(data);
    return status;
}

clrnn_status clr_npz_read(clrnn_tensors *set, const void *data, size_t bytes, const char *file)
{
    zip_error_t error;
    zip_error_init(&error);
    zip_source_t *source = zip_source_buffer_create(data, bytes, 0, &error);
    zip_t *zip = source ? zip_open_from_source(source, ZIP_RDONLY, &error) : NULL;
    clrnn_status status = CLRNN_OK;
    if (!zip) {
        status = clr_fail(&set->log, CLRNN_ERR_FORMAT, "%s: not a ZIP archive: %s", file,
                          zip_error_strerror(&error));
        if (source)
            zip_source_free(source);
    }
    const zip_int64_t entries = zip ? zip_get_num_entries(zip, 0) : 0;
    if (zip && entries < 1)
        status = clr_fail(&set->log, CLRNN_ERR_FORMAT, "%s: no arrays", file);
    for (zip_int64_t i = 0; i < entries && status == CLRNN_OK; i++)
        status = read_array(set, zip, (zip_uint64_t)i, file);
    if (zip)
        zip_discard(zip);
    zip_error_fini(&error);
    return status;
}
