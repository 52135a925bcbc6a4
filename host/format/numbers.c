/* SPDX-License-Identifier: MIT
 * format/numbers.c - see format/numbers.h. */
#include "format/numbers.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/decimal.h"

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
    *other = "[0]";
    if (cJSON_IsArray(object) && object->child)
        return false;
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

static double rate_in(const cJSON *object)
{
    static const char *const names[] = {"sample_rate", "samplerate"};
    double rate = 0;
    for (size_t i = 0; i < 2; i++) {
        const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, names[i]);
        const char *text = cJSON_GetStringValue(item);
        char copy[CLR_DECIMAL_ROOM];
        if (text && rate == 0)
            rate = strtod(clr_decimal_local(text, strlen(text), copy, sizeof copy), NULL);
        else if (cJSON_IsNumber(item) && rate == 0)
            rate = item->valuedouble;
    }
    return rate >= 1 && rate <= 1e6 ? rate : 0;
}

double clr_json_sample_rate(const cJSON *root)
{
    static const char *const inside[] = {"metadata", "model_data", "config"};
    double rate = rate_in(root);
    for (size_t i = 0; i < sizeof inside / sizeof *inside && rate == 0; i++)
        rate = rate_in(cJSON_GetObjectItemCaseSensitive(root, inside[i]));
    return rate;
}
