/* SPDX-License-Identifier: MIT
 * graph_sizes.c - see graph_sizes.h. */
#include "graph_sizes.h"

#include <stdlib.h>

#include "graph_turn.h"
#include "graph_words.h"

/* Whether a size is that of an axis; T and N are what the first array says that has them. */
static bool take_size(int64_t axis, uint64_t size, graph_sizes *sizes)
{
    if (axis != CLRNN_STEPS && axis != CLRNN_BATCH)
        return axis >= 0 && (uint64_t)axis == size;
    uint32_t *own = axis == CLRNN_STEPS ? &sizes->steps : &sizes->batch;
    bool *is_known = axis == CLRNN_STEPS ? &sizes->knows_steps : &sizes->knows_batch;
    if (size == 0 || size > INT32_MAX || (*is_known && *own != size))
        return false;
    *is_known = true;
    *own = (uint32_t)size;
    return true;
}

/* Whether a value would fit with its first two axes exchanged: batch-major data, time-major model.
 */
static bool is_swapped(const clrnn_value_info *info, const clrnn_tensor *value,
                       const graph_sizes *sizes)
{
    graph_sizes trial = *sizes;
    bool fits = value->rank == info->rank && info->rank > 1;
    for (uint32_t i = 0; i < info->rank && fits; i++)
        fits = take_size(info->shape[i], value->shape[i < 2 ? 1 - i : i], &trial);
    return fits;
}

static clrnn_status refuse(const clrnn_value_info *info, const clrnn_tensor *value, bool has_batch,
                           const graph_sizes *before)
{
    char text[600], wanted[200], found[200];
    clrnn_value_info other = {.rank = value->rank};
    for (uint32_t i = 0; i < value->rank; i++)
        other.shape[i] = (int64_t)value->shape[i];
    snprintf(text, sizeof text, "input '%s' is %s, but the model takes %s%s%s%s", info->name,
             graph_shape_text(&other, found), graph_shape_text(info, wanted),
             has_batch ? ", T and N the same in all inputs" : "",
             is_swapped(info, value, before) ? "; its first two axes look swapped" : "",
             is_swapped(info, value, before) && graph_is_time_first(info) ? ": add --batch-first"
                                                                          : "");
    return graph_complain(CLRNN_ERR_RANGE, "%s", text);
}

clrnn_status graph_sizes_take(const clrnn_value_info *info, const clrnn_tensor *value,
                              graph_sizes *sizes)
{
    const graph_sizes before = *sizes;
    bool fits = true, has_batch = false;
    for (uint32_t i = 0; i < info->rank; i++)
        has_batch = has_batch || info->shape[i] == CLRNN_BATCH;
    const bool single = has_batch && value->rank + 1 == info->rank;
    uint32_t k = 0;
    for (uint32_t i = 0; i < info->rank && fits; i++) {
        const bool left_out = single && info->shape[i] == CLRNN_BATCH;
        fits = (left_out || k < value->rank) &&
               take_size(info->shape[i], left_out ? 1 : value->shape[k], sizes);
        k += !left_out;
    }
    return fits && k == value->rank ? CLRNN_OK : refuse(info, value, has_batch, &before);
}

clrnn_status graph_sizes_lengths(const clrnn_tensor *value, const graph_sizes *sizes,
                                 uint32_t **lengths)
{
    double *numbers = value->count == sizes->batch ? calloc(value->count, sizeof *numbers) : NULL;
    if (!numbers)
        return graph_complain(CLRNN_ERR_RANGE, "'%s' must be one whole number for each sequence",
                              "lengths");
    clrnn_tensor_to_f64(value, numbers);
    *lengths = calloc(sizes->batch, sizeof **lengths);
    clrnn_status status = *lengths ? CLRNN_OK : CLRNN_ERR_MEMORY;
    for (uint32_t n = 0; n < sizes->batch && status == CLRNN_OK; n++) {
        const double x = numbers[n];
        if (!(x >= 0 && x <= sizes->steps) || x != (uint32_t)x)
            status = graph_complain(CLRNN_ERR_RANGE, "'%s' must be whole numbers from 0 to T",
                                    "lengths");
        else
            (*lengths)[n] = (uint32_t)x;
    }
    free(numbers);
    return status;
}
