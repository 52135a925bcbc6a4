/* SPDX-License-Identifier: MIT
 * sizes.c - --size NAME=N of the command line: axes that a model leaves open. */
#include "sizes.h"

#include <stdlib.h>
#include <string.h>

int tool_read_sizes(const char *command, const tool_list *given, tool_sizes *sizes)
{
    if (given->count > TOOL_SIZES)
        return tool_error("%s: more than %d --size", command, TOOL_SIZES);
    for (size_t i = 0; i < given->count; i++) {
        const char *text = given->items[i], *equals = strrchr(text, '=');
        char *end = NULL;
        const long long number = equals ? strtoll(equals + 1, &end, 10) : 0;
        if (!equals || *end || number < 1 || (size_t)(equals - text) >= sizeof sizes->names[0])
            return tool_error("%s: --size %s: NAME=NUMBER is meant", command, text);
        memcpy(sizes->names[i], text, (size_t)(equals - text));
        sizes->all[i] = (clrnn_import_size){sizes->names[i], number};
    }
    sizes->count = (uint32_t)given->count;
    return TOOL_OK;
}

tool_option tool_size(tool_list *target)
{
    return tool_many("size", "NAME=N", target, "of an axis that the model leaves open");
}
