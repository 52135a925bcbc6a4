/* SPDX-License-Identifier: MIT
 * graph_turn.c - see graph_turn.h. */
#include "graph_turn.h"

#include <string.h>

bool graph_is_time_first(const clrnn_value_info *info)
{
    return info->rank > 1 && info->shape[0] == CLRNN_STEPS && info->shape[1] == CLRNN_BATCH;
}

bool graph_has_time(const clrnn_value_info *info)
{
    return graph_is_time_first(info) ||
           (info->rank > 1 && info->shape[0] == CLRNN_BATCH && info->shape[1] == CLRNN_STEPS);
}

static void turn(const clrnn_tensor *from, char *to)
{
    const char *data = from->data;
    const size_t a = (size_t)from->shape[0], b = (size_t)from->shape[1];
    const size_t row = a && b ? from->bytes / a / b : 0;
    for (size_t i = 0; i < a && row; i++)
        for (size_t k = 0; k < b; k++)
            memcpy(to + (k * a + i) * row, data + (i * b + k) * row, row);
}

clrnn_status graph_turn(const clrnn_tensor *array, const char *name, clrnn_tensors **set,
                        const clrnn_tensor **turned)
{
    uint64_t shape[CLRNN_MAX_RANK];
    memcpy(shape, array->shape, sizeof shape);
    shape[0] = array->shape[1];
    shape[1] = array->shape[0];
    clrnn_status status = *set ? CLRNN_OK : clrnn_tensors_create(tool_log(), set);
    if (status == CLRNN_OK)
        status = clrnn_tensors_add(*set, name, array->dtype, array->rank, shape, NULL);
    *turned = status == CLRNN_OK ? clrnn_tensors_find(*set, name) : NULL;
    if (*turned)
        turn(array, (char *)(*turned)->data);
    return status;
}

clrnn_status graph_turn_outputs(const clrnn_graph *graph, clrnn_tensors **outputs, int *timed,
                                size_t room)
{
    clrnn_tensors *set = NULL;
    const clrnn_tensor *turned;
    clrnn_value_info info;
    clrnn_status status = clrnn_tensors_create(tool_log(), &set);
    for (uint32_t i = 0; status == CLRNN_OK && clrnn_graph_output_at(graph, i, &info); i++) {
        const clrnn_tensor *y = clrnn_tensors_at(*outputs, i);
        if (!graph_is_time_first(&info))
            status = clrnn_tensors_add(set, y->name, y->dtype, y->rank, y->shape, y->data);
        else
            status = graph_turn(y, y->name, &set, &turned);
        if (graph_is_time_first(&info) && i < room)
            timed[i] = 1;
    }
    clrnn_tensors_destroy(outputs);
    *outputs = status == CLRNN_OK ? set : NULL;
    if (status != CLRNN_OK)
        clrnn_tensors_destroy(&set);
    return status;
}
