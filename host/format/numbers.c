/* SPDX-License-Identifier: MIT
 * format/numbers.c - see format/numbers.h. */
#include "format/numbers.h"

#include <math.h>
#include <string.h>

clrnn_status clr_json_file(const clr_format_file *file, const clrnn_log *log, cJSON **root)
{
    const char *text = (const char *)file->data;
    *root = NULL;
    if (file->bytes > CLR_MOST_JSON)
        return clr_fail(log, CLRNN_ERR_FORMAT, "%s: JSON of more than %zu bytes", file->path,
                        CLR_MOST_JSON);
    *root = clr_json_parse(text, file->bytes);
    if (cJSON_IsObject(*root))
        return CLRNN_OK;
    cJSON_Delete(*root);
    *root = NULL;
    return clr_fail(log, CLRNN_ERR_FORMAT, "%s: damaged: it is no JSON object", file->path);
}

/* Moves *out past what it has filled. */
static bool numbers(const cJSON *item, uint32_t rank, const uint64_t *shape, double **out)
{
    if (rank == 0) {
        if (!cJSON_IsNumber(item) || !isfinite(item->valuedouble))
            return false;
        *(*out)++ = item->valuedouble;
        return true;
    }
    uint64_t count = 0;
    if (!cJSON_IsArray(item))
        return false;
    for (const cJSON *i = item->child; i; i = i->next)
        if (count++ == shape[0] || !numbers(i, rank - 1, shape + 1, out))
            return false;
    return count == shape[0];
}

bool clr_json_numbers(const cJSON *array, uint32_t rank, const uint64_t *shape, double *out)
{
    return numbers(array, rank, shape, &out);
}

uint32_t clr_json_shape(const cJSON *array, uint64_t shape[CLRNN_MOST_AXES])
{
    uint32_t rank = 0;
    for (; cJSON_IsArray(array) && rank < CLRNN_MOST_AXES; array = array->child)
        shape[rank++] = (uint64_t)cJSON_GetArraySize(array);
    return rank;
}

bool clr_json_last(const cJSON *item, uint32_t *value)
{
    uint64_t number = 0;
    if (cJSON_IsArray(item) && item->child)
        item = item->child->prev; /* cJSON keeps the last there */
    if (!clr_json_integer(item, INT32_MAX, &number) || number == 0)
        return false;
    *value = (uint32_t)number;
    return true;
}

bool clr_json_known(const cJSON *object, const char *const *known, const char **other)
{
    for (const cJSON *i = object ? object->child : NULL; i; i = i->next) {
        const char *const *k = known;
        while (*k && strcmp(*k, i->string) != 0)
            k++;
        *other = i->string;
        if (!*k)
            return false;
    }
    return true;
}
