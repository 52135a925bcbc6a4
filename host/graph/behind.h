/* SPDX-License-Identifier: MIT
 * graph/behind.h - who alone reads what a node makes, also where views have moved it on the way:
 * what is done to elements one by one may as well be done before they are moved. */
#ifndef CLR_GRAPH_BEHIND_H
#define CLR_GRAPH_BEHIND_H

#include "graph/plan.h"

typedef struct clr_behind {
    uint32_t reader;  /* a node that is no view */
    uint32_t value;   /* what it reads */
    uint32_t maker;   /* who makes this: the node itself, or the last view */
    clr_strides view; /* how it lies where the node has made it */
} clr_behind;

/** Behind node i, for values of these shapes (NULL: unknown, so past no view). False: several read
 * it, or an output is on the way, or a view leaves something out or changes what is past the
 * lengths. */
bool clr_plan_behind(const clrnn_graph_plan *plan, const clr_shape *shapes, uint32_t i,
                     clr_behind *behind);

/** The axis of the value behind that goes through all of the node's, and no other does; or
 *  CLR_NO_AXIS. */
int32_t clr_plan_axis_behind(const clr_shape *shapes, uint32_t made, uint32_t axis,
                             const clr_behind *behind);

/** What the reader makes is made where it was moved to. */
void clr_plan_make_behind(clrnn_graph_plan *plan, const clr_behind *behind);

/** y of a view, where x[0] lies as *view. False: it does not see it there. */
bool clr_plan_see_through(const clr_node *node, const clr_shape *shapes, clr_strides *view);

#endif
