/* SPDX-License-Identifier: MIT
 * graph_sizes.h - T and N of a pass, by the arrays that are given. */
#ifndef TOOL_GRAPH_SIZES_H
#define TOOL_GRAPH_SIZES_H

#include "tool.h"

typedef struct graph_sizes {
    uint32_t steps, batch;         /* T and N, 1 where no array has them */
    bool knows_steps, knows_batch; /* an array has said it */
} graph_sizes;

/** See that an array fits an input and what others say of T and N, and take what it says of them;
 *  one sequence may come without the axis of N. Returns: CLRNN_OK, CLRNN_ERR_RANGE, which is said
 */
clrnn_status graph_sizes_take(const clrnn_value_info *info, const clrnn_tensor *value,
                              graph_sizes *sizes);

/** An array called "lengths", where the model has no such input: *lengths [N], to be freed.
 *  Returns: CLRNN_OK, CLRNN_ERR_MEMORY, CLRNN_ERR_RANGE, which is said */
clrnn_status graph_sizes_lengths(const clrnn_tensor *value, const graph_sizes *sizes,
                                 uint32_t **lengths);

#endif
