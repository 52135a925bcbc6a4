/* SPDX-License-Identifier: MIT
 * model/torch_old.c - the container that torch.save wrote before 1.6: five pickles one behind the
 * other, a number that tells it, a version, the machine, the object, the keys of its storages; then
 * for each key the number of elements, 8 bytes, and the elements. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "model/tensors.h"
#include "model/torch.h"

/* The number, 0x1950a86a20f9469cfc6c, as a pickle. */
static const unsigned char magic[] = {0x80, 2,    0x8a, 10,   0x6c, 0xfc, 0x9c, 0x46,
                                      0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, '.'};

typedef struct reader {
    clr_torch torch;
    const char *at, *end;
    clr_storage_ref *storages;
    clr_storage_ref **by_key; /* [count], owned */
    size_t count;
} reader;

static clrnn_status damaged(const reader *r, const char *what)
{
    return clr_fail(&r->torch.set->log, CLRNN_ERR_FORMAT, "%s: damaged: %s", r->torch.file, what);
}

/* The next pickle. */
static clrnn_status next(reader *r, clr_pickled **value, clr_storage_ref **storages)
{
    size_t used = 0;
    clrnn_status status =
        clr_pickle_run(r->at, (size_t)(r->end - r->at), r->torch.file, &r->torch.set->log,
                       &r->torch.arena, value, &used, storages);
    r->at += used;
    return status;
}

static bool is_little_endian(const clr_pickled *machine)
{
    const clr_pickled *little = clr_pickled_get(machine, "little_endian");
    return little && little->kind == CLR_PICKLED_BOOL && little->integer;
}

static int compare_keys(const void *a, const void *b)
{
    return strcmp((*(clr_storage_ref *const *)a)->key, (*(clr_storage_ref *const *)b)->key);
}

static clrnn_status sort_storages(reader *r)
{
    for (const clr_storage_ref *s = r->storages; s; s = s->next) {
        if (s->is_view)
            return clr_fail(&r->torch.set->log, CLRNN_ERR_UNSUPPORTED,
                            "%s: storage %s is a view of another, as only files before PyTorch 0.4 "
                            "have them",
                            r->torch.file, clr_show(s->key).text);
        r->count++;
    }
    r->by_key = clr_calloc(r->count, sizeof(clr_storage_ref *));
    if (!r->by_key)
        return clr_torch_no_memory(&r->torch);
    size_t i = 0;
    for (clr_storage_ref *s = r->storages; s; s = s->next)
        r->by_key[i++] = s;
    qsort(r->by_key, r->count, sizeof *r->by_key, compare_keys);
    return CLRNN_OK;
}

/* The first storage of a key. */
static size_t find_key(const reader *r, const char *key)
{
    size_t low = 0, high = r->count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (strcmp(r->by_key[middle]->key, key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* The data of one key, which all storages of that key have. */
static clrnn_status take_storage(reader *r, const char *key)
{
    uint64_t count = 0;
    size_t i = find_key(r, key);
    if (i == r->count || strcmp(r->by_key[i]->key, key) != 0)
        return damaged(r, "a storage of a key that no tensor has");
    if (r->end - r->at < 8)
        return damaged(r, "it ends before its storages");
    memcpy(&count, r->at, sizeof count);
    r->at += sizeof count;
    const size_t element = clr_dtypes[r->by_key[i]->dtype].bytes;
    if (count > (uint64_t)(r->end - r->at) / element)
        return damaged(r, "a storage beyond its end");
    for (; i < r->count && strcmp(r->by_key[i]->key, key) == 0; i++) {
        if (r->by_key[i]->count != count || clr_dtypes[r->by_key[i]->dtype].bytes != element)
            return damaged(r, "a storage of another size than its tensors need");
        r->by_key[i]->data = r->at;
    }
    r->at += count * element;
    return CLRNN_OK;
}

static clrnn_status take_storages(reader *r, const clr_pickled *keys)
{
    clrnn_status status =
        keys->kind == CLR_PICKLED_LIST ? sort_storages(r) : damaged(r, "no list of storages");
    for (uint32_t i = 0; status == CLRNN_OK && i < keys->count; i++)
        status = keys->items[i]->kind == CLR_PICKLED_TEXT ? take_storage(r, keys->items[i]->text)
                                                          : damaged(r, "a key that is no text");
    for (size_t i = 0; status == CLRNN_OK && i < r->count; i++)
        if (!r->by_key[i]->data)
            status = damaged(r, "a tensor without storage");
    return status;
}

static clrnn_status read_pickles(reader *r)
{
    clr_pickled *number = NULL, *version = NULL, *machine = NULL, *root = NULL, *keys = NULL;
    clrnn_status status = next(r, &number, NULL);
    if (status == CLRNN_OK)
        status = next(r, &version, NULL);
    if (status == CLRNN_OK)
        status = next(r, &machine, NULL);
    if (status == CLRNN_OK && !is_little_endian(machine))
        status = clr_fail(&r->torch.set->log, CLRNN_ERR_UNSUPPORTED,
                          "%s: written by a big-endian machine", r->torch.file);
    if (status == CLRNN_OK)
        status = next(r, &root, &r->storages);
    if (status == CLRNN_OK)
        status = next(r, &keys, NULL);
    if (status == CLRNN_OK)
        status = take_storages(r, keys);
    if (status == CLRNN_OK)
        status = clr_torch_find_tensors(&r->torch, root);
    return status == CLRNN_OK ? clr_torch_read_data(&r->torch) : status;
}

bool clr_torch_is_old(const void *data, size_t bytes)
{
    return bytes >= sizeof magic && memcmp(data, magic, sizeof magic) == 0;
}

bool clr_is_pickle(const void *data, size_t bytes)
{
    const unsigned char *in = data;
    return bytes > 8 && in[0] == 0x80 && in[1] >= 2 && in[1] <= 5 && in[8] != '{'; /* safetensors */
}

clrnn_status clr_torch_read_old(clrnn_tensors *set, const void *data, size_t bytes,
                                const char *file)
{
    reader *r = clr_calloc(1, sizeof *r);
    if (!r)
        return clr_fail(&set->log, CLRNN_ERR_MEMORY, "%s: no memory", file);
    r->torch = (clr_torch){.set = set, .file = file};
    r->torch.arena.most = CLR_TORCH_VALUES;
    r->torch.left = ((uint64_t)64 << 20) + 8 * (uint64_t)bytes;
    r->at = data;
    r->end = r->at + bytes;
    clrnn_status status = read_pickles(r);
    clr_arena_free(&r->torch.arena);
    free(r->by_key);
    free(r);
    return status;
}
