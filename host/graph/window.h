/* SPDX-License-Identifier: MIT
 * graph/window.h - what convolutions have in common: which axes a window slides over, and the
 * bias and function behind the product. */
#ifndef CLR_GRAPH_WINDOW_H
#define CLR_GRAPH_WINDOW_H

#include "graph/kind.h"

/* Axes of x: outer may be CLR_NO_AXIS; one or two that the window slides over. */
typedef struct clr_axes {
    int32_t outer, channel, space[2];
    uint32_t spaces;
} clr_axes;

/** Zeros of window members become what they mean. Returns: CLRNN_OK, CLRNN_ERR_ARGUMENT,
 *  CLRNN_ERR_RANGE */
clrnn_status clr_window_complete(const clr_infer *infer, clrnn_node_desc *desc);

/** Find the axes, and check channels against groups. */
clrnn_status clr_window_axes(const clr_infer *infer, clr_axes *axes);
/** The same of what has been checked; false if there are none. */
bool clr_window_axes_of(const clrnn_node_desc *desc, const clr_shape *x, clr_axes *axes);

/* An axis of `size`, at least `least`, becomes one of (size*up + add) / stride + 1. */
typedef struct clr_window_rule {
    int64_t up, add, stride;
    uint64_t least;
} clr_window_rule;

/** The shape of y: units channels, and the axes that the window slides over as the rule says, with
 *  the lengths of time. refuse: says why an axis is too small. */
clrnn_status
clr_window_infer(clr_infer *infer, clr_window_rule (*rule_of)(const clrnn_node_desc *d, uint32_t i),
                 clrnn_status (*refuse)(const clr_infer *infer, uint32_t i, uint64_t size));

/** Weight [units,channels/groups,kernel..] (transposed: [channels,units/groups,kernel..]) and bias
 *  [units]. */
bool clr_window_parameter(const clr_infer *infer, uint32_t i, bool transposed,
                          clr_parameter *parameter, char name[64]);

/** Whose the weights are: see clr_kind. */
clr_channels clr_window_channels(const clr_node *node, const clr_shape *x);

/** Windows over `x` that give `positions`; offsets are the caller's to set. */
window_launch clr_window_launch(const clr_run *run, const clr_axes *axes, const clr_shape *x,
                                const clr_shape *positions);

/** They slide over x[0], however it lies. */
void clr_window_reads(const clr_run *run, const clr_axes *axes, window_launch *launch);

/** One axis is the last of two, along which neighbours are gathered together. */
void clr_window_turn(window_launch *launch);

/** Two axes become the last one, if that makes no difference; a last one of one place the first. */
void clr_window_join(window_launch *launch);

/** Strides of y's axes in a product, [outer,positions,units]. */
void clr_window_turned(const clr_axes *axes, const clr_shape *y, cl_ulong strides[MAP_AXES]);

/** y = function(product + bias); y may be the product, if it lies so. */
clrnn_status clr_window_finish(clr_run *run, const clr_axes *axes, clrnn_slice product,
                               clrnn_slice y);

/** y = function(y + bias), y: the product itself. */
clrnn_status clr_window_finish_in_place(clr_run *run, const clr_axes *axes, clrnn_slice y);
/** The same of one place of the outer axis. There are no lengths. */
clrnn_status clr_window_finish_row(clr_run *run, const clr_axes *axes, clrnn_slice y, size_t row);

/** sums = dy times the derivative at kept + bias (or dy alone), in the order of the product. */
clrnn_status clr_window_begin_back(clr_run *run, const clr_axes *axes, clrnn_slice sums);

#endif
