/* SPDX-License-Identifier: MIT
 * graph_words.c - see graph_words.h. */
#include "graph_words.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

clrnn_status graph_complain(clrnn_status status, const char *format, const char *name)
{
    char text[1000];
    snprintf(text, sizeof text, format, name);
    tool_log()->message(tool_log()->user, CLRNN_LOG_ERROR, text);
    return status;
}

const char *graph_shape_text(const clrnn_value_info *info, char text[200])
{
    size_t used = 1;
    strcpy(text, "[");
    for (uint32_t i = 0; i < info->rank; i++) {
        const int64_t size = info->shape[i];
        char number[24];
        snprintf(number, sizeof number, "%lld", (long long)size);
        used += (size_t)snprintf(text + used, 200 - used, "%s%s", i ? "," : "",
                                 size == CLRNN_STEPS   ? "T"
                                 : size == CLRNN_BATCH ? "N"
                                                       : number);
    }
    snprintf(text + used, 200 - used, "]");
    return text;
}

/* Ids in place of numbers [count], the first bytes of which they take. */
static clrnn_status make_ids(double *numbers, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        const double x = numbers[i];
        if (!(x == floor(x)))
            return graph_complain(CLRNN_ERR_RANGE, "input '%s' takes whole numbers", name);
        const int32_t id = x >= INT32_MAX ? INT32_MAX : x <= INT32_MIN ? INT32_MIN : (int32_t)x;
        memcpy((char *)numbers + i * sizeof id, &id, sizeof id);
    }
    return CLRNN_OK;
}

clrnn_status graph_elements(const clrnn_tensor *value, const clrnn_value_info *info,
                            clrnn_precision precision, void **out)
{
    double *numbers = calloc(value->count ? value->count : 1, sizeof *numbers);
    *out = numbers;
    if (!numbers)
        return CLRNN_ERR_MEMORY;
    if (!info->ids && precision == CLRNN_F32) {
        clrnn_tensor_to_f32(value, (float *)(void *)numbers);
        return CLRNN_OK;
    }
    clrnn_tensor_to_f64(value, numbers);
    return info->ids ? make_ids(numbers, value->count, info->name) : CLRNN_OK;
}
