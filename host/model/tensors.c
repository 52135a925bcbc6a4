/* SPDX-License-Identifier: MIT
 * model/tensors.c - a set of named arrays in memory, and elements as numbers. */
#include "model/tensors.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/log.h"
#include "base/memory.h"

/* --- memory --------------------------------------------------------------------------------- */

struct clr_block {
    struct clr_block *next;
};

void *clr_tensors_keep(clrnn_tensors *set, size_t bytes)
{
    if (bytes > SIZE_MAX - sizeof(struct clr_block) - CLR_ALIGNMENT)
        return NULL;
    struct clr_block *block = clr_calloc(sizeof *block + CLR_ALIGNMENT + bytes, 1);
    if (!block)
        return NULL;
    block->next = set->blocks;
    set->blocks = block;
    return (char *)block + (clr_aligned((uintptr_t)(block + 1)) - (uintptr_t)block);
}

static char *keep_string(clrnn_tensors *set, const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = clr_tensors_keep(set, size);
    return copy ? memcpy(copy, text, size) : NULL;
}

/* Release what was kept after `mark` was the newest block. */
static void release_to(clrnn_tensors *set, struct clr_block *mark)
{
    while (set->blocks != mark) {
        struct clr_block *next = set->blocks->next;
        free(set->blocks);
        set->blocks = next;
    }
}

/* Make room for one more element; on failure the array stays as it is. */
static bool grow(void **array, size_t size, size_t count, size_t capacity)
{
    void *larger = clr_calloc(capacity, size);
    if (!larger)
        return false;
    if (count > 0)
        memcpy(larger, *array, count * size);
    free(*array);
    *array = larger;
    return true;
}

static clrnn_status no_memory(const clrnn_tensors *set)
{
    return clr_fail(&set->log, CLRNN_ERR_MEMORY, "tensors: no memory for %zu tensors and one more",
                    set->count);
}

/* --- names in messages ----------------------------------------------------------------------- */

bool clr_utf8_valid(const char *text, size_t size)
{
    const unsigned char *at = (const unsigned char *)text, *end = at + size;
    while (at < end) {
        unsigned c = *at++;
        /* How many bytes follow the first, and the smallest code that needs so many. */
        unsigned more = c < 0x80   ? 0
                        : c < 0xC2 ? 4
                        : c < 0xE0 ? 1
                        : c < 0xF0 ? 2
                        : c < 0xF5 ? 3
                                   : 4;
        static const unsigned least[] = {0, 0x80, 0x800, 0x10000};
        if (more == 4 || (size_t)(end - at) < more)
            return false;
        unsigned code = more == 0 ? c : c & (0x3Fu >> more);
        for (unsigned i = 0; i < more; i++, at++) {
            if ((*at & 0xC0) != 0x80)
                return false;
            code = code << 6 | (*at & 0x3F);
        }
        if (code < least[more] || code > 0x10FFFF || (code >= 0xD800 && code < 0xE000))
            return false;
    }
    return true;
}

clr_shown clr_show(const char *name)
{
    clr_shown shown = {""};
    size_t n = 0;
    for (; name[n] && n < CLR_SHOWN; n++)
        shown.text[n] = (unsigned char)name[n] < ' ' || name[n] == 127 ? '?' : name[n];
    if (name[n]) { /* cut where a character begins */
        while (n > 0 && ((unsigned char)name[n] & 0xC0) == 0x80)
            n--;
        memcpy(shown.text + n, "...", 4);
    }
    return shown;
}

clr_shape_text clr_show_shape(uint32_t rank, const uint64_t *shape)
{
    clr_shape_text shown = {"["};
    size_t n = 1;
    for (uint32_t d = 0; d < rank; d++)
        n += (size_t)snprintf(shown.text + n, sizeof shown.text - n, "%s%" PRIu64, d ? "," : "",
                              shape[d]);
    snprintf(shown.text + n, sizeof shown.text - n, "]");
    return shown;
}

/* --- the set -------------------------------------------------------------------------------- */

clrnn_status clrnn_tensors_create(const clrnn_log *log, clrnn_tensors **set)
{
    if (!set)
        return clr_fail(log, CLRNN_ERR_ARGUMENT, "clrnn_tensors_create: set is NULL");
    *set = clr_calloc(1, sizeof **set);
    if (!*set)
        return clr_fail(log, CLRNN_ERR_MEMORY, "tensors: no memory for a set");
    if (log)
        (*set)->log = *log;
    return CLRNN_OK;
}

void clrnn_tensors_destroy(clrnn_tensors **set)
{
    if (!set || !*set)
        return;
    release_to(*set, NULL);
    free((*set)->tensors);
    free((*set)->by_name);
    free((*set)->metadata);
    free(*set);
    *set = NULL;
}

bool clr_tensor_measure(clrnn_tensor *tensor)
{
    clr_size count = clr_size_of(1);
    bool fits = true;
    for (uint32_t d = 0; d < tensor->rank; d++) {
        count = clr_size_mul(count, tensor->shape[d]);
        fits = fits && tensor->shape[d] <= CLR_MAX_DIMENSION;
    }
    clr_size bytes = clr_size_mul(count, clr_dtypes[tensor->dtype].bytes);
    tensor->count = count.value;
    tensor->bytes = bytes.value;
    return fits && !bytes.overflow;
}

clrnn_status clr_tensors_append(clrnn_tensors *set, const clrnn_tensor *tensor)
{
    if (set->count == set->capacity) {
        size_t capacity = set->capacity ? 2 * set->capacity : 16;
        if (!grow((void **)&set->tensors, sizeof *set->tensors, set->count, capacity) ||
            !grow((void **)&set->by_name, sizeof *set->by_name, set->count, capacity))
            return no_memory(set);
        set->capacity = capacity;
    }
    clrnn_tensor *kept = clr_tensors_keep(set, sizeof *kept);
    if (!kept)
        return no_memory(set);
    *kept = *tensor;
    set->tensors[set->count] = set->by_name[set->count] = kept;
    set->count++;
    return CLRNN_OK;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp((*(clrnn_tensor *const *)a)->name, (*(clrnn_tensor *const *)b)->name);
}

const char *clr_tensors_sort(clrnn_tensors *set)
{
    if (set->count > 0)
        qsort(set->by_name, set->count, sizeof *set->by_name, compare_names);
    for (size_t i = 1; i < set->count; i++)
        if (strcmp(set->by_name[i - 1]->name, set->by_name[i]->name) == 0)
            return set->by_name[i]->name;
    return NULL;
}

/* The first place in by_name, below `count`, whose name is not less than `name`. */
static size_t lower_bound(const clrnn_tensors *set, size_t count, const char *name)
{
    size_t low = 0;
    while (low < count) {
        size_t middle = low + (count - low) / 2;
        if (strcmp(set->by_name[middle]->name, name) < 0)
            low = middle + 1;
        else
            count = middle;
    }
    return low;
}

size_t clr_tensors_position(const clrnn_tensors *set, const char *name)
{
    size_t at = lower_bound(set, set->count, name);
    return at < set->count && strcmp(set->by_name[at]->name, name) == 0 ? at : set->count;
}

const clrnn_tensor *clrnn_tensors_find(const clrnn_tensors *set, const char *name)
{
    if (!set || !name)
        return NULL;
    size_t at = clr_tensors_position(set, name);
    return at < set->count ? set->by_name[at] : NULL;
}

static clrnn_status check_new(const clrnn_tensors *set, const char *name, clrnn_dtype dtype,
                              uint32_t rank, const uint64_t *shape)
{
    if (!set || !name || (rank > 0 && !shape))
        return clr_fail(set ? &set->log : NULL, CLRNN_ERR_ARGUMENT, "clrnn_tensors_add: %s is NULL",
                        !set    ? "set"
                        : !name ? "name"
                                : "shape");
    if (!clr_utf8_valid(name, strlen(name)) || strcmp(name, "__metadata__") == 0)
        return clr_fail(&set->log, CLRNN_ERR_ARGUMENT,
                        "tensors: \"%s\" cannot be a tensor's name: not UTF-8, or reserved",
                        clr_show(name).text);
    if (clrnn_tensors_find(set, name))
        return clr_fail(&set->log, CLRNN_ERR_ARGUMENT, "tensors: \"%s\" exists already",
                        clr_show(name).text);
    if ((unsigned)dtype >= CLRNN_DTYPE_COUNT)
        return clr_fail(&set->log, CLRNN_ERR_ARGUMENT,
                        "tensor \"%s\": dtype %d is unknown, not in 0..%d", clr_show(name).text,
                        (int)dtype, CLRNN_DTYPE_COUNT - 1);
    if (rank > CLRNN_MAX_RANK)
        return clr_fail(&set->log, CLRNN_ERR_RANGE,
                        "tensor \"%s\": rank %" PRIu32 " is not in 0..%d", clr_show(name).text,
                        rank, CLRNN_MAX_RANK);
    return CLRNN_OK;
}

clrnn_status clrnn_tensors_add(clrnn_tensors *set, const char *name, clrnn_dtype dtype,
                               uint32_t rank, const uint64_t *shape, const void *data)
{
    clrnn_status status = check_new(set, name, dtype, rank, shape);
    if (status != CLRNN_OK)
        return status;
    clrnn_tensor tensor = {.dtype = dtype, .rank = rank};
    if (rank > 0)
        memcpy(tensor.shape, shape, rank * sizeof *shape);
    if (!clr_tensor_measure(&tensor))
        return clr_fail(&set->log, CLRNN_ERR_RANGE,
                        "tensor \"%s\": shape %s is too large: at most 2^53-1 a size, %zu bytes",
                        clr_show(name).text, clr_show_shape(rank, shape).text, SIZE_MAX);

    struct clr_block *mark = set->blocks;
    void *copy = clr_tensors_keep(set, tensor.bytes);
    tensor.name = keep_string(set, name);
    tensor.data = copy;
    status = copy && tensor.name ? clr_tensors_append(set, &tensor) : no_memory(set);
    if (status != CLRNN_OK) {
        release_to(set, mark);
        return status;
    }
    if (data && tensor.bytes > 0)
        memcpy(copy, data, tensor.bytes);
    size_t at = lower_bound(set, set->count - 1, name);
    memmove(&set->by_name[at + 1], &set->by_name[at], (set->count - 1 - at) * sizeof *set->by_name);
    set->by_name[at] = set->tensors[set->count - 1];
    return CLRNN_OK;
}

size_t clrnn_tensors_count(const clrnn_tensors *set)
{
    return set ? set->count : 0;
}

const clrnn_tensor *clrnn_tensors_at(const clrnn_tensors *set, size_t index)
{
    return set && index < set->count ? set->tensors[index] : NULL;
}

static clr_metadata *find_metadata(const clrnn_tensors *set, const char *key)
{
    for (size_t i = 0; i < set->metadata_count; i++)
        if (strcmp(set->metadata[i].key, key) == 0)
            return &set->metadata[i];
    return NULL;
}

const char *clrnn_tensors_metadata(const clrnn_tensors *set, const char *key)
{
    const clr_metadata *found = set && key ? find_metadata(set, key) : NULL;
    return found ? found->value : NULL;
}

const char *clrnn_tensors_metadata_at(const clrnn_tensors *set, size_t index, const char **value)
{
    bool there = set && index < set->metadata_count;
    if (value)
        *value = there ? set->metadata[index].value : NULL;
    return there ? set->metadata[index].key : NULL;
}

clrnn_status clr_metadata_append(clrnn_tensors *set, const char *key, const char *value)
{
    if (set->metadata_count == set->metadata_capacity) {
        size_t capacity = set->metadata_capacity ? 2 * set->metadata_capacity : 4;
        if (!grow((void **)&set->metadata, sizeof *set->metadata, set->metadata_count, capacity))
            return no_memory(set);
        set->metadata_capacity = capacity;
    }
    set->metadata[set->metadata_count++] = (clr_metadata){key, value};
    return CLRNN_OK;
}

clrnn_status clrnn_tensors_set_metadata(clrnn_tensors *set, const char *key, const char *value)
{
    if (!set || !key || !value)
        return clr_fail(set ? &set->log : NULL, CLRNN_ERR_ARGUMENT,
                        "clrnn_tensors_set_metadata: %s is NULL",
                        !set   ? "set"
                        : !key ? "key"
                               : "value");
    if (!clr_utf8_valid(key, strlen(key)) || !clr_utf8_valid(value, strlen(value)))
        return clr_fail(&set->log, CLRNN_ERR_ARGUMENT, "metadata \"%s\" is not UTF-8",
                        clr_show(key).text);
    struct clr_block *mark = set->blocks;
    clr_metadata *old = find_metadata(set, key);
    const char *new_value = keep_string(set, value);
    if (old && new_value) {
        old->value = new_value;
        return CLRNN_OK;
    }
    const char *new_key = keep_string(set, key);
    clrnn_status status =
        new_key && new_value ? clr_metadata_append(set, new_key, new_value) : no_memory(set);
    if (status != CLRNN_OK)
        release_to(set, mark);
    return status;
}
