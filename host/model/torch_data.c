/* SPDX-License-Identifier: MIT
 * model/torch_data.c - the storages of a file of torch.save, and what of them tensors are. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "model/tensors.h"
#include "model/torch.h"

clrnn_status clr_torch_no_memory(const clr_torch *r)
{
    return clr_fail(&r->set->log, CLRNN_ERR_MEMORY, "%s: no memory for %zu tensors", r->file,
                    r->set->count);
}

/* --- their data ------------------------------------------------------------------------------- */

/* Elements of a tensor of any strides, in order. */
static void copy_strided(const clr_tensor_ref *t, size_t element, const char *from, char *to)
{
    uint64_t at[CLRNN_MAX_RANK] = {0};
    const uint64_t inner = t->rank ? t->shape[t->rank - 1] : 1;
    const uint64_t step = t->rank ? t->stride[t->rank - 1] : 1;
    for (;;) {
        uint64_t place = t->offset;
        for (uint32_t i = 0; i + 1 < t->rank; i++)
            place += at[i] * t->stride[i];
        for (uint64_t i = 0; i < inner; i++, to += element)
            memcpy(to, from + (place + i * step) * element, element);
        uint32_t axis = t->rank ? t->rank - 1 : 0;
        while (axis-- > 0 && ++at[axis] == t->shape[axis])
            at[axis] = 0;
        if (axis == UINT32_MAX)
            return;
    }
}

static bool is_contiguous(const clr_tensor_ref *t)
{
    uint64_t expected = 1;
    for (uint32_t i = t->rank; i-- > 0; expected *= t->shape[i])
        if (t->shape[i] != 1 && t->stride[i] != expected)
            return false;
    return true;
}

static clrnn_status fill(const clr_torch *r, size_t i, const char *storage)
{
    const clr_tensor_ref *ref = r->refs[i];
    clrnn_tensor *t = r->set->tensors[i];
    char *data = clr_tensors_keep(r->set, t->bytes);
    if (!data)
        return clr_torch_no_memory(r);
    t->data = data;
    const size_t element = clr_dtypes[t->dtype].bytes;
    if (t->count > 0 && is_contiguous(ref))
        memcpy(data, storage + ref->offset * element, t->bytes);
    else if (t->count > 0)
        copy_strided(ref, element, storage, data);
    return CLRNN_OK;
}

/* The entry of a storage, which must be as long as the pickle says. */
static clrnn_status find_storage(const clr_torch *r, const clr_storage_ref *s, clr_zip_entry *entry)
{
    char name[CLR_TORCH_NAME];
    const uint64_t bytes = s->count * clr_dtypes[s->dtype].bytes;
    const int put = snprintf(name, sizeof name, "%sdata/%s", r->folder, s->key);
    if (put < 0 || (size_t)put >= sizeof name || !clr_zip_find(r->zip, name, entry))
        return clr_fail(&r->set->log, CLRNN_ERR_FORMAT, "%s: damaged: there is no entry data/%s",
                        r->file, clr_show(s->key).text);
    if (entry->size != bytes)
        return clr_fail(&r->set->log, CLRNN_ERR_FORMAT,
                        "%s: damaged: %s has %" PRIu64 " bytes, but its tensors need %" PRIu64,
                        r->file, clr_show(entry->name).text, entry->size, bytes);
    return CLRNN_OK;
}

typedef struct place {
    const clr_storage_ref *storage;
    size_t tensor;
} place;

static int compare_places(const void *a, const void *b)
{
    return strcmp(((const place *)a)->storage->key, ((const place *)b)->storage->key);
}

/* All storages together must fit before one is read. order: by key */
static clrnn_status check_sizes(const clr_torch *r, const place *order)
{
    uint64_t left = r->zip ? clr_zip_most(r->zip) : 0;
    for (size_t i = 0; r->zip && i < r->set->count; i++) {
        clr_zip_entry entry;
        clrnn_status status = find_storage(r, order[i].storage, &entry);
        if (status != CLRNN_OK)
            return status;
        if (i > 0 && compare_places(&order[i - 1], &order[i]) == 0)
            continue;
        if (entry.size > left)
            return clr_fail(&r->set->log, CLRNN_ERR_FORMAT,
                            "%s: refused: its storages would unpack to far more than the file has",
                            r->file);
        left -= entry.size;
    }
    return CLRNN_OK;
}

static clrnn_status fill_all(const clr_torch *r, const place *order)
{
    clrnn_status status = CLRNN_OK;
    void *storage = NULL;
    for (size_t i = 0; i < r->set->count && status == CLRNN_OK; i++) {
        const bool other = i == 0 || compare_places(&order[i - 1], &order[i]) != 0;
        if (other && r->zip) {
            clr_zip_entry entry;
            free(storage);
            storage = NULL;
            status = find_storage(r, order[i].storage, &entry);
            if (status == CLRNN_OK)
                status = clr_zip_read(r->zip, &entry, &storage);
        }
        if (status == CLRNN_OK)
            status = fill(r, order[i].tensor, r->zip ? storage : order[i].storage->data);
    }
    free(storage);
    return status;
}

clrnn_status clr_torch_read_data(clr_torch *r)
{
    place *order = clr_calloc(r->set->count, sizeof *order);
    if (!order)
        return clr_torch_no_memory(r);
    for (size_t i = 0; i < r->set->count; i++)
        order[i] = (place){r->refs[i]->storage, i};
    qsort(order, r->set->count, sizeof *order, compare_places);
    clrnn_status status = check_sizes(r, order);
    if (status == CLRNN_OK)
        status = fill_all(r, order);
    free(order);
    const char *twice = status == CLRNN_OK ? clr_tensors_sort(r->set) : NULL;
    if (twice)
        return clr_fail(&r->set->log, CLRNN_ERR_FORMAT, "%s: tensor \"%s\" occurs twice", r->file,
                        clr_show(twice).text);
    return status;
}
