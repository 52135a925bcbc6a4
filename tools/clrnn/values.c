/* SPDX-License-Identifier: MIT
 * values.c - --value NAME=V of the command line: inputs that must be known to read a model. */
#include "values.h"

#include <stdlib.h>
#include <string.h>

tool_option tool_known(tool_list *target)
{
    return tool_many("value", "NAME=V", target,
                     "of an input that shapes or an If depend on: a number or FILE");
}

/* One number, as an array without axes. */
static clrnn_status make_number(const char *text, clrnn_tensors **set, bool *is_number)
{
    char *end = NULL;
    const int64_t whole = strtoll(text, &end, 10);
    const bool is_whole = end > text && !*end;
    const double real = is_whole ? 0 : strtod(text, &end);
    *is_number = end > text && !*end;
    if (!*is_number)
        return CLRNN_OK;
    clrnn_status status = clrnn_tensors_create(tool_log(), set);
    return status     ? status
           : is_whole ? clrnn_tensors_add(*set, "", CLRNN_DTYPE_I64, 0, NULL, &whole)
                      : clrnn_tensors_add(*set, "", CLRNN_DTYPE_F64, 0, NULL, &real);
}

static int read_value(const char *command, const char *text, tool_values *values)
{
    const char *equals = strchr(text, '=');
    const uint32_t k = values->count;
    bool is_number = false;
    if (!equals || equals == text || !equals[1] ||
        (size_t)(equals - text) >= sizeof values->names[0])
        return tool_error("%s: --value %s: NAME=NUMBER or NAME=FILE is meant", command, text);
    memcpy(values->names[k], text, (size_t)(equals - text));
    clrnn_status status = make_number(equals + 1, &values->sets[k], &is_number);
    if (!status && !is_number)
        status = clrnn_tensors_load(equals + 1, tool_log(), &values->sets[k]);
    if (status)
        return tool_failed(status);
    values->count++;
    if (clrnn_tensors_count(values->sets[k]) != 1)
        return tool_error("%s: --value %s: a file of one array is meant", command, text);
    const clrnn_tensor *value = clrnn_tensors_at(values->sets[k], 0);
    clrnn_import_input *in = &values->all[k];
    *in = (clrnn_import_input){
        .name = values->names[k], .has_shape = !is_number, .rank = value->rank, .value = value};
    for (uint32_t i = 0; i < value->rank && i < CLRNN_MOST_AXES; i++)
        in->shape[i] = (int64_t)value->shape[i];
    return TOOL_OK;
}

int tool_read_values(const char *command, const tool_list *given, tool_values *values)
{
    if (given->count > TOOL_VALUES)
        return tool_error("%s: more than %d --value", command, TOOL_VALUES);
    int code = TOOL_OK;
    for (size_t i = 0; i < given->count && !code; i++)
        code = read_value(command, given->items[i], values);
    return code;
}

void tool_free_values(tool_values *values)
{
    for (uint32_t k = 0; k < values->count; k++)
        clrnn_tensors_destroy(&values->sets[k]);
}

int tool_not_read(clrnn_status status, bool sized)
{
    const char *hint = status == CLRNN_ERR_NEEDS_VALUE ? "--value NAME=V"
                       : status == CLRNN_ERR_NEEDS_SIZE && !sized
                           ? "--size NAME=N says how long an open axis is"
                           : NULL;
    if (!hint)
        return tool_failed(status);
    tool_error("%s (%s)", tool_last_error(status), hint);
    return tool_exit_code(status);
}
