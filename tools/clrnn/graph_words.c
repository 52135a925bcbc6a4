/* SPDX-License-Identifier: MIT
 * graph_words.c - see graph_words.h. */
#include "graph_words.h"

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
