/* SPDX-License-Identifier: MIT
 * layer/pass.h - one pass that has been checked: its sizes, the arrays it works on, and how it
 * begins and ends in the queue. */
#ifndef CLR_LAYER_PASS_H
#define CLR_LAYER_PASS_H

#include "layer/plan.h"
#include "shape/layout.h"

/* A forward pass that has been checked: its sizes. */
typedef struct clr_pass {
    uint32_t steps, batch; /* T, N */
    bool ragged;           /* not all steps of all rows count: plan->lengths says which do, */
    bool flagged;          /* or plan->flags */
    bool repeat;           /* clrnn_forward_io */
    uint32_t first;        /* the step that comes first in x and y */
    uint64_t seed;         /* of what is drawn */
    uint64_t number;       /* of the plan's: passes that have it differ in what their arrays hold,
                              in nothing else; 0: none */
    uint32_t index;
    clr_layout layout;
    cl_mem workspace;
    size_t workspace_at;
} clr_pass;

/** Check a forward io against the plan and lay it out; nothing is enqueued. */
clrnn_status clr_pass_begin(clrnn_plan *plan, const clrnn_forward_io *io, clr_pass *pass);

/** Before anything of a checked pass is enqueued: notice what went wrong in earlier ones, let it
 *  begin after the events of its wait list, and upload its lengths. Does not wait. */
clrnn_status clr_pass_start(clrnn_plan *plan, const clrnn_forward_io *io, const clr_pass *pass);

/* The last pass over the same arrays, of an owner who keeps them; zeros: none yet. */
typedef struct clr_repeated {
    clrnn_forward_io io;
    clr_pass pass;
} clr_repeated;

/** As clrnn_forward, but an io like that of `last` is not checked and laid out again: a block of a
 *  stream like the one before. io: without anything of the host's but sizes and seeds. */
clrnn_status clr_pass_again(clrnn_plan *plan, const clrnn_forward_io *io, clr_repeated *last);

/** Which steps of which rows count; and, `kept`, of which the state before is one that is kept. */
clr_live clr_pass_live(const clrnn_plan *plan, const clr_pass *pass, bool kept);

/** With `repeat`: in y [T,N,D*R], steps that do not count become those that they repeat. */
clrnn_status clr_pass_fill(clrnn_plan *plan, const clr_pass *pass, clrnn_slice y);

/** With padding: that it is in io->y for steps first..last-1 that do not count. */
clrnn_status clr_pass_pad(clrnn_plan *plan, const clr_pass *pass, const clrnn_forward_io *io,
                          uint32_t first, uint32_t last);

/** The gradient of y of each direction apart, [T,N,D*R], with `repeat`; else dy as it is. */
clrnn_status clr_pass_gather(clrnn_plan *plan, const clr_pass *pass, clrnn_slice *dy);

/** After all of it is: let the device begin with it. done: out, the event of its end, or NULL. */
clrnn_status clr_pass_end(clrnn_plan *plan, cl_event *done);

/** Elements of the arrays of a pass. */
size_t clr_count_x(const clrnn_plan *plan, const clr_pass *pass);
size_t clr_count_y(const clrnn_plan *plan, const clr_pass *pass);
size_t clr_count_h(const clrnn_plan *plan, const clr_pass *pass);
size_t clr_count_c(const clrnn_plan *plan, const clr_pass *pass);

/** The input of layer `layer` over all T: [T*N, I'] (below: training passes only). */
clr_matrix clr_layer_input(const clrnn_plan *plan, const clr_pass *pass, clrnn_slice x,
                           uint32_t layer);

/** What of the output of layer `layer` is dropped in a training pass. */
clr_drop clr_drop_of(const clrnn_plan *plan, const clrnn_forward_io *io, uint32_t layer);

#endif
