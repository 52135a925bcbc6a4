/* SPDX-License-Identifier: MIT
 * format/hdf5/h5.c - see format/hdf5/h5.h. */
#include "format/hdf5/h5.h"

#include <hdf5.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/lock.h"
#include "base/log.h"
#include "base/memory.h"
#include "format/hdf5/image.h"
#include "model/tensors.h"

enum { MOST_DEPTH = 24, MOST_OBJECTS = 8192, MOST_PATH = 1024 };

typedef struct reader {
    clrnn_tensors *set;
    const char *file;
    uint64_t left; /* bytes that data may take yet */
    unsigned objects;
    char path[MOST_PATH];
} reader;

static clr_lock lock = CLR_LOCK_INIT; /* the library is not made for threads */

static clrnn_status damaged(const reader *r, const char *what)
{
    return clr_fail(&r->set->log, CLRNN_ERR_FORMAT, "%s: damaged: %s: %s", r->file,
                    *r->path ? clr_show(r->path).text : "/", what);
}

static clrnn_status unsupported(const reader *r, const char *what)
{
    return clr_fail(&r->set->log, CLRNN_ERR_UNSUPPORTED, "%s: %s: %s is not supported", r->file,
                    *r->path ? clr_show(r->path).text : "/", what);
}

static clrnn_status no_memory(const reader *r)
{
    return clr_fail(&r->set->log, CLRNN_ERR_MEMORY, "%s: %s: no memory", r->file,
                    clr_show(r->path).text);
}

/* --- texts ------------------------------------------------------------------------------------ */

/* Append texts, with '\n' between them, to what an attribute is to be. */
static bool join(char **text, size_t *length, const char *from, size_t size)
{
    char *longer = clr_calloc(*length + size + 2, 1);
    if (!longer)
        return false;
    if (*text)
        memcpy(longer, *text, *length);
    if (*text)
        longer[(*length)++] = '\n';
    memcpy(longer + *length, from, size);
    *length += size;
    free(*text);
    *text = longer;
    return true;
}

/* All elements of fixed size. */
static clrnn_status read_fixed(const reader *r, hid_t attribute, hid_t type, size_t count,
                               char **text, size_t *length)
{
    const size_t size = H5Tget_size(type);
    if (size == 0 || count > r->left / size)
        return damaged(r, "a text larger than the file");
    char *all = clr_calloc(count, size);
    clrnn_status status = all ? CLRNN_OK : no_memory(r);
    if (status == CLRNN_OK && count > 0 && H5Aread(attribute, type, all) < 0)
        status = damaged(r, "a text that cannot be read");
    for (size_t i = 0; i < count && status == CLRNN_OK; i++)
        if (!join(text, length, all + i * size, strnlen(all + i * size, size)))
            status = no_memory(r);
    free(all);
    return status;
}

static clrnn_status read_variable(const reader *r, hid_t attribute, hid_t type, hid_t space,
                                  size_t count, char **text, size_t *length)
{
    char **all = count <= MOST_OBJECTS ? clr_calloc(count, sizeof *all) : NULL;
    clrnn_status status = all ? CLRNN_OK : no_memory(r);
    if (status == CLRNN_OK && count > 0 && H5Aread(attribute, type, all) < 0)
        status = damaged(r, "a text that cannot be read");
    else if (status == CLRNN_OK) {
        for (size_t i = 0; i < count && status == CLRNN_OK; i++)
            if (all[i] && !join(text, length, all[i], strlen(all[i])))
                status = no_memory(r);
        if (count > 0)
            H5Dvlen_reclaim(type, space, H5P_DEFAULT, all);
    }
    free(all);
    return status;
}

static clrnn_status read_attribute(const reader *r, hid_t object, const char *name, char **text,
                                   size_t *length)
{
    const hid_t attribute = H5Aopen(object, name, H5P_DEFAULT);
    const hid_t space = attribute >= 0 ? H5Aget_space(attribute) : -1;
    const hid_t type = attribute >= 0 ? H5Aget_type(attribute) : -1;
    const hssize_t count = space >= 0 ? H5Sget_simple_extent_npoints(space) : -1;
    clrnn_status status = CLRNN_OK;
    if (type < 0 || count < 0 || (uint64_t)count > r->left)
        status = damaged(r, name);
    else if (H5Tget_class(type) != H5T_STRING)
        status = count > 0 ? unsupported(r, "an attribute that is no text") : CLRNN_OK;
    else if (H5Tis_variable_str(type) > 0)
        status = read_variable(r, attribute, type, space, (size_t)count, text, length);
    else
        status = read_fixed(r, attribute, type, (size_t)count, text, length);
    if (type >= 0)
        H5Tclose(type);
    if (space >= 0)
        H5Sclose(space);
    if (attribute >= 0)
        H5Aclose(attribute);
    return status;
}

static clrnn_status keep_text(reader *r, const char *name, const char *text, size_t length)
{
    const size_t size = strlen(r->path) + strlen(name) + 2;
    char *key = clr_tensors_keep(r->set, size), *value = clr_tensors_keep(r->set, length + 1);
    if (!key || !value || length > r->left)
        return no_memory(r);
    r->left -= length;
    snprintf(key, size, "%s@%s", r->path, name);
    memcpy(value, text, length);
    return clr_utf8_valid(value, length) ? clr_metadata_append(r->set, key, value)
                                         : damaged(r, "a text that is not UTF-8");
}

/* The texts that say something. Long lists are cut in parts, "layer_names0", "layer_names1".. */
static clrnn_status read_texts(reader *r, hid_t object)
{
    static const char *const names[] = {"model_config", "keras_version", "layer_names",
                                        "weight_names", "name"};
    clrnn_status status = CLRNN_OK;
    for (size_t i = 0; i < sizeof names / sizeof *names && status == CLRNN_OK; i++) {
        char *text = NULL, part[40];
        size_t length = 0;
        unsigned number = 0;
        if (H5Aexists(object, names[i]) > 0)
            status = read_attribute(r, object, names[i], &text, &length);
        for (;; number++) {
            snprintf(part, sizeof part, "%s%u", names[i], number);
            if (status != CLRNN_OK || H5Aexists(object, part) <= 0)
                break;
            status = read_attribute(r, object, part, &text, &length);
        }
        if (status == CLRNN_OK && text)
            status = keep_text(r, names[i], text, length);
        free(text);
    }
    return status;
}

/* --- numbers ---------------------------------------------------------------------------------- */

/* That its data lie in this file, and unpack to what the shape says. */
static clrnn_status check_storage(const reader *r, hid_t dataset, size_t element)
{
    const hid_t list = H5Dget_create_plist(dataset);
    const H5D_layout_t layout = list >= 0 ? H5Pget_layout(list) : H5D_LAYOUT_ERROR;
    hsize_t chunk[CLRNN_MAX_RANK];
    uint64_t bytes = element;
    clrnn_status status = CLRNN_OK;
    if (layout != H5D_COMPACT && layout != H5D_CONTIGUOUS && layout != H5D_CHUNKED)
        status = unsupported(r, "a dataset that lies in other files");
    else if (layout == H5D_CONTIGUOUS && H5Pget_external_count(list) != 0)
        status = unsupported(r, "a dataset that lies in other files");
    const int rank =
        status == CLRNN_OK && layout == H5D_CHUNKED ? H5Pget_chunk(list, CLRNN_MAX_RANK, chunk) : 0;
    for (int i = 0; i < rank && i < CLRNN_MAX_RANK; i++)
        bytes = chunk[i] && bytes > r->left / chunk[i] ? UINT64_MAX / 2 : bytes * chunk[i];
    if (status == CLRNN_OK && (rank < 0 || bytes > r->left))
        status = damaged(r, "its chunks unpack to far more than the file has");
    for (int i = 0, n = rank > 0 ? H5Pget_nfilters(list) : 0; i < n && status == CLRNN_OK; i++) {
        unsigned flags = 0, config = 0;
        size_t values = 0;
        const H5Z_filter_t filter =
            H5Pget_filter2(list, (unsigned)i, &flags, &values, NULL, 0, NULL, &config);
        if (filter != H5Z_FILTER_DEFLATE && filter != H5Z_FILTER_SHUFFLE &&
            filter != H5Z_FILTER_FLETCHER32)
            status = unsupported(r, "a filter other than deflate, shuffle and fletcher32");
    }
    if (list >= 0)
        H5Pclose(list);
    return status;
}

static clrnn_status read_values(reader *r, hid_t dataset, clrnn_tensor *t, hid_t memory)
{
    if (!clr_tensor_measure(t) || t->bytes > r->left)
        return damaged(r, "its data would take far more memory than the file");
    clrnn_status status = check_storage(r, dataset, clr_dtypes[t->dtype].bytes);
    char *name = clr_tensors_keep(r->set, strlen(r->path) + 1);
    void *data = status == CLRNN_OK ? clr_tensors_keep(r->set, t->bytes) : NULL;
    if (status != CLRNN_OK)
        return status;
    if (!name || !data)
        return no_memory(r);
    r->left -= t->bytes;
    strcpy(name, r->path);
    t->name = name;
    t->data = data;
    if (t->count > 0 && H5Dread(dataset, memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, data) < 0)
        return damaged(r, "its data cannot be read");
    return clr_tensors_append(r->set, t);
}

static clrnn_status read_dataset(reader *r, hid_t dataset)
{
    clrnn_tensor t = {0};
    hsize_t shape[CLRNN_MAX_RANK];
    const hid_t space = H5Dget_space(dataset), type = H5Dget_type(dataset);
    const int rank = space >= 0 ? H5Sget_simple_extent_ndims(space) : -1;
    const H5T_class_t kind = type >= 0 ? H5Tget_class(type) : H5T_NO_CLASS;
    const size_t size = type >= 0 ? H5Tget_size(type) : 0;
    const bool real = kind == H5T_FLOAT && size <= 8, whole = kind == H5T_INTEGER && size <= 8;
    clrnn_status status = CLRNN_OK;
    if (rank < 0)
        status = damaged(r, "a dataset without shape");
    else if (rank > CLRNN_MAX_RANK || (!real && !whole))
        status = unsupported(r, rank > CLRNN_MAX_RANK ? "a dataset of more than 8 axes"
                                                      : "a dataset that is not of numbers");
    if (status == CLRNN_OK && rank > 0 && H5Sget_simple_extent_dims(space, shape, NULL) < 0)
        status = damaged(r, "a dataset without shape");
    t.rank = rank > 0 ? (uint32_t)rank : 0;
    for (uint32_t i = 0; i < t.rank && status == CLRNN_OK; i++)
        t.shape[i] = shape[i];
    t.dtype = whole ? CLRNN_DTYPE_I64 : size > 4 ? CLRNN_DTYPE_F64 : CLRNN_DTYPE_F32;
    if (status == CLRNN_OK)
        status = read_values(r, dataset, &t,
                             whole      ? H5T_NATIVE_INT64
                             : size > 4 ? H5T_NATIVE_DOUBLE
                                        : H5T_NATIVE_FLOAT);
    if (type >= 0)
        H5Tclose(type);
    if (space >= 0)
        H5Sclose(space);
    return status;
}

/* --- groups ----------------------------------------------------------------------------------- */

static clrnn_status read_group(reader *r, hid_t group, unsigned depth);

static clrnn_status read_object(reader *r, hid_t object, unsigned depth)
{
    if (r->objects++ == MOST_OBJECTS || depth > MOST_DEPTH)
        return damaged(r, "more than 8192 objects or 24 groups deep, or a loop of links");
    const H5I_type_t type = H5Iget_type(object);
    return type == H5I_GROUP     ? read_group(r, object, depth)
           : type == H5I_DATASET ? read_dataset(r, object)
                                 : unsupported(r, "what is neither a group nor a dataset");
}

static clrnn_status read_member(reader *r, hid_t group, hsize_t index, unsigned depth)
{
    const size_t used = strlen(r->path), slash = used > 0;
    H5L_info_t link;
    r->path[used] = slash ? '/' : 0;
    const ssize_t length =
        H5Lget_name_by_idx(group, ".", H5_INDEX_NAME, H5_ITER_INC, index, r->path + used + slash,
                           sizeof r->path - used - slash, H5P_DEFAULT);
    clrnn_status status = CLRNN_OK;
    const char *name = r->path + used + slash;
    if (length <= 0 || (size_t)length >= sizeof r->path - used - slash ||
        !clr_utf8_valid(name, (size_t)length) || strlen(name) != (size_t)length) {
        r->path[used] = 0;
        return damaged(r, "a member without name");
    }
    if (H5Lget_info(group, name, &link, H5P_DEFAULT) < 0)
        status = damaged(r, "a link that cannot be read");
    else if (link.type != H5L_TYPE_HARD)
        status = damaged(r, "a link that leads elsewhere, which is not followed");
    const hid_t object = status == CLRNN_OK ? H5Oopen(group, name, H5P_DEFAULT) : -1;
    if (status == CLRNN_OK)
        status = object >= 0 ? read_object(r, object, depth) : damaged(r, "it cannot be opened");
    if (object >= 0)
        H5Oclose(object);
    r->path[used] = 0;
    return status;
}

static clrnn_status read_group(reader *r, hid_t group, unsigned depth)
{
    H5G_info_t info;
    if (H5Gget_info(group, &info) < 0)
        return damaged(r, "a group that cannot be read");
    clrnn_status status = read_texts(r, group);
    for (hsize_t i = 0; i < info.nlinks && status == CLRNN_OK; i++)
        status = read_member(r, group, i, depth + 1);
    return status;
}

/* An image must have a name that no file can have, for libhdf5 looks. */
static const char nowhere[] = "/dev/null/image";

static clrnn_status read_image(reader *r, const void *data, size_t bytes)
{
    clrnn_status status = CLRNN_OK;
    const hid_t access = H5Pcreate(H5P_FILE_ACCESS);
    hid_t file = -1, root = -1;
    if (access < 0 || H5Pset_fapl_core(access, 1 << 16, 0) < 0 ||
        H5Pset_file_image(access, (void *)(uintptr_t)data, bytes) < 0)
        status = no_memory(r);
    if (status == CLRNN_OK)
        file = H5Fopen(nowhere, H5F_ACC_RDONLY, access);
    if (file >= 0)
        root = H5Gopen2(file, "/", H5P_DEFAULT);
    if (status == CLRNN_OK)
        status = root >= 0 ? read_group(r, root, 0) : damaged(r, "it is no HDF5 file");
    if (root >= 0)
        H5Gclose(root);
    if (file >= 0)
        H5Fclose(file);
    if (access >= 0)
        H5Pclose(access);
    return status;
}

bool clr_h5_is(const void *data, size_t bytes)
{
    return bytes >= 8 && memcmp(data, "\x89HDF\r\n\x1a\n", 8) == 0;
}

/* Before libhdf5 does. */
static clrnn_status look(reader *r, const void *data, size_t bytes)
{
    clr_h5_image image;
    if (clr_h5_is_sound(data, bytes, &image))
        return CLRNN_OK;
    memcpy(r->path, image.path, sizeof image.path);
    return image.elsewhere ? unsupported(r, "a dataset that lies in other files")
                           : damaged(r, image.wrong);
}

clrnn_status clr_h5_read(const void *data, size_t bytes, const char *file, const clrnn_log *log,
                         clrnn_tensors **set)
{
    H5E_auto2_t print = NULL;
    void *client = NULL;
    unsigned plugins = 0;
    reader *r = clr_calloc(1, sizeof *r);
    *set = NULL;
    clrnn_status status =
        r ? clrnn_tensors_create(log, set) : clr_fail(log, CLRNN_ERR_MEMORY, "%s: no memory", file);
    if (status == CLRNN_OK) {
        *r = (reader){.set = *set, .file = file};
        r->left = ((uint64_t)64 << 20) + 8 * (uint64_t)bytes;
        status = look(r, data, bytes);
    }
    if (status == CLRNN_OK) {
        clr_lock_take(&lock);
        H5Eget_auto2(H5E_DEFAULT, &print, &client);
        H5Eset_auto2(H5E_DEFAULT, NULL, NULL); /* a library does not print */
        H5PLget_loading_state(&plugins);
        H5PLset_loading_state(0); /* a file must not choose code to be loaded */
        status = read_image(r, data, bytes);
        H5PLset_loading_state(plugins);
        H5Eset_auto2(H5E_DEFAULT, print, client);
        clr_lock_give(&lock);
    }
    if (status == CLRNN_OK && clr_tensors_sort(*set))
        status = damaged(r, "a name twice");
    free(r);
    if (status != CLRNN_OK)
        clrnn_tensors_destroy(set);
    return status;
}
