/* SPDX-License-Identifier: MIT
 * layer/pass.h - one pass that has been checked: its sizes, and the arrays it works on. */
#ifndef CLR_LAYER_PASS_H
#define CLR_LAYER_PASS_H

#include "layer/plan.h"
#include "shape/layout.h"

/* A forward pass that has been checked: its sizes. */
typedef struct clr_pass {
    uint32_t steps, batch; /* T, N */
    bool ragged;           /* plan->lengths holds the lengths */
    uint32_t first;        /* the step that comes first in x and y */
    clr_layout layout;
    cl_mem store;
    size_t store_at;
} clr_pass;

/** Check a forward io against the plan and lay it out. */
clrnn_status clr_pass_begin(clrnn_plan *plan, const clrnn_forward_io *io, clr_pass *pass);

/** Elements of the arrays of a pass. */
size_t clr_count_x(const clrnn_plan *plan, const clr_pass *pass);
size_t clr_count_y(const clrnn_plan *plan, const clr_pass *pass);
size_t clr_count_h(const clrnn_plan *plan, const clr_pass *pass);
size_t clr_count_c(const clrnn_plan *plan, const clr_pass *pass);

/** The input of layer `layer` over all T: [T*N, I'] (below: training passes only). */
clr_matrix clr_layer_input(const clrnn_plan *plan, const clr_pass *pass, clrnn_slice x,
                           uint32_t layer);

#endif
