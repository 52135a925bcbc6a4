/* SPDX-License-Identifier: MIT
 * layer/plan.h - a plan inside: its kernels and work memory, and what a strategy is. */
#ifndef CLR_LAYER_PLAN_H
#define CLR_LAYER_PLAN_H

#include <clrnn/plan.h>
#include <clrnn/problem.h>
#include <clrnn/tune.h>

#include "math/gemm.h"
#include "math/persistent.h"
#include "math/sequence.h"
#include "math/stepwise.h"
#include "shape/layout.h"

/* Steps begin..end-1 of one direction of one layer: what a strategy walks, upwards, or downwards
 * for direction 1. Forward leaves states and y, when training also activated gates and extra;
 * backward leaves da and du. */
typedef struct clr_walk {
    uint32_t layer, direction;
    uint32_t begin, end;
    uint32_t gates_first; /* the step whose gates (and extra) lie first in the layout */
    /* Forward: the layer's input [T',N,stride], that of step `begin` first. */
    clr_matrix input;
    /* Forward: [N,R] and [N,H], the states before the first step, and where those after the last
     * one go; absent: the slots of the layout. */
    clrnn_slice h_first, c_first, h_last, c_last;
    cl_mem lengths; /* [N] cl_int, NULL = all T */
    const clr_layout *layout;
    cl_mem store;    /* the block laid out */
    size_t store_at; /* where it begins */
    /* Forward: out y, backward: in dy; [T',N,stride], may be absent. The slice is that of step
     * y_first, row 0, this direction's first column. */
    clrnn_slice y;
    uint32_t y_first;
    size_t y_stride;
} clr_walk;

/* How time is walked. A strategy is one row of a table in plan.c. */
typedef struct clr_strategy {
    const char *name;
    clrnn_strategy id;
    const char *reason;       /* why `auto` takes it where it can */
    cl_device_type automatic; /* devices on which `auto` takes it */
    /** NULL if it can run such plans on this device, else why not. */
    const char *(*refuses)(const clrnn_context *context, const clr_network *network,
                           const clrnn_plan_desc *desc);
    /** Build kernels and allocate memory of its own. What was made is released even on failure. */
    clrnn_status (*init)(clrnn_plan *plan);
    void (*release)(clrnn_plan *plan);
    /** Prepare the weights of one cell from plan->weights, but for d_input. */
    clrnn_status (*pack)(clrnn_plan *plan, uint32_t layer, uint32_t direction);
    /** How many neighbouring layers of a stack without backward directions it takes at once, 1 or
     * 2; NULL: 1. */
    uint32_t (*layers)(const clrnn_plan *plan, uint32_t steps, uint32_t batch);
    /** Enqueue `count` walks: the directions of a layer, which do not depend on each other, or
     * layers, each of which reads the y of the one before. */
    clrnn_status (*forward)(clrnn_plan *plan, const clr_walk *walks, size_t count);
    /** Enqueue `count` walks back (the directions of a layer): plan->dh and dc hold the gradients
     * of final states, then those of the initial ones. */
    clrnn_status (*backward)(clrnn_plan *plan, const clr_walk *walks, size_t count);
    /** After the queue has been waited for: notice and log what went wrong on the device. */
    void (*notice)(clrnn_plan *plan);
} clr_strategy;

extern const clr_strategy clr_strategy_persistent, clr_strategy_resident, clr_strategy_stepwise;

/* The weight matrices of one layer and direction, prepared for products. Those for backward are
 * there in training plans only. */
typedef struct clr_cell_operands {
    clr_operand input;        /* W_ih^T [I',G*H] */
    clr_operand recurrent;    /* U^T [R,G*H]; reset before: [R,2H], of r and z */
    clr_operand candidate;    /* reset before: U_n^T [H,H] */
    clr_operand projection;   /* W_hr^T [H,P] */
    clr_operand d_input;      /* W_ih [G*H,I'] */
    clr_operand d_recurrent;  /* U [G*H,R]; reset before: [2H,R] */
    clr_operand d_candidate;  /* reset before: U_n [H,H] */
    clr_operand d_projection; /* W_hr [P,H] */
} clr_cell_operands;

/* The weights of all cells in panels (cl/storage.cl): where those of a cell begin, counted from its
 * first number, in numbers of their storage. */
typedef struct clr_panels {
    cl_mem buffer;
    size_t recurrent, projection;                  /* forward */
    size_t d_recurrent, d_candidate, d_projection; /* backward */
    size_t input;            /* persistent, forward; its size varies, so it is last */
    size_t first_step, step; /* from cell to cell in layer 0, above it */
    uint32_t repairs;        /* launches that had to be repaired, as far as noticed */
} clr_panels;

struct clrnn_plan {
    clrnn_context *context;
    clrnn_plan_desc desc;
    clr_network network;
    clrnn_plan_info info;
    const clr_strategy *strategy;
    clr_sequence sequence; /* training */
    clr_gemms gemms;
    clr_cell_operands *operands; /* [L*D] */
    clr_stepwise stepwise;
    clr_persistent persistent; /* of persistent and resident, as are those: */
    clr_panels panels;
    uint32_t together; /* resident: how many of its groups run at the same time */
    clrnn_way way; /* measured the fastest for max_batch; its shares are 0 where a rule decides */
    /* Tests and self-tests: how every launch is cut, its directions left out. */
    const clr_shares *forced;
    double launch_operations; /* tests: how many a launch may take, 0 = as usual */
    size_t real_bytes;        /* of one element */
    size_t sequence_bytes;    /* of one element of x and y */
    size_t weight_bytes;      /* of one element of a weight matrix as it is kept */
    uint32_t piece;           /* steps whose gates fit the work memory; T when training */
    clrnn_slice weights;      /* canonical, retained; absent until they are set */
    cl_mem lengths;           /* [max N] cl_int */
    cl_mem rec;               /* [max N,G*H] */
    cl_mem store;             /* inference: the block of clr_layout_infer */
    cl_mem zeros; /* inference: [max N, max(R,H)], the states that the caller does not give */
    clr_store sequence_store; /* x and y in fewer bits; as floats, of as many steps as go through */
    cl_mem wide_x, wide_y;    /* all layers at once: [T',N,I], [T',N,D*R] */
    /* training: gradients on their way; clr_flow_of says where those of a direction are */
    cl_mem da, du;   /* [D,T,N,G*H]; du if the cell has two inputs */
    cl_mem dh, dc;   /* [D,N,R], [D,N,H] */
    cl_mem dhid;     /* [N,H], projected, stepwise */
    cl_mem dproj;    /* [D,T,N,R], projected */
    cl_mem dy[2];    /* [T,N,D*R] of layers below the top, taking turns */
    cl_mem masked_x; /* [T,N,I], made when lengths are first used */
    cl_mem masked_h; /* [T,N,R], the same */
    /* host-memory calls: made on demand */
    struct clr_staging *staging;
};

/* A plan without the self-test of its kernels: what the self-test itself uses. way: as measured, or
 * all zeros. */
clrnn_status clr_plan_create_untested(clrnn_context *context, const clrnn_plan_desc *desc,
                                      const clrnn_way *way, clrnn_plan **plan);

/** A plan that runs in a given way, if it can and passes its self-test. Returns: as
 *  clrnn_plan_create. */
clrnn_status clr_plan_create_way(clrnn_context *context, const clrnn_plan_desc *desc,
                                 const clrnn_way *way, clrnn_plan **plan);

/** Run the self-test of the kernels of such plans on this device, once for each context.
 *  Returns: CLRNN_OK, CLRNN_ERR_SELF_TEST (not logged as an error), or why it could not run. */
clrnn_status clr_self_test(clrnn_context *context, const clrnn_plan_desc *desc,
                           clrnn_strategy strategy);

typedef enum clr_verdict { CLR_UNTESTED, CLR_PASSED, CLR_FAILED } clr_verdict;

/** What that self-test has said on this context so far. */
clr_verdict clr_self_test_verdict(clrnn_context *context, const clrnn_plan_desc *desc,
                                  clrnn_strategy strategy);

/** Take it as said. Returns: CLRNN_OK, CLRNN_ERR_MEMORY. */
clrnn_status clr_self_test_note(clrnn_context *context, const clrnn_plan_desc *desc,
                                clrnn_strategy strategy, bool passed);

/** Run a problem with a plan for it, as clrnn_problem_check does. */
clrnn_status clr_check_plan(clrnn_context *context, const clrnn_problem *problem, uint64_t seed,
                            clrnn_plan *plan, clrnn_check *check);

/** The plan that a problem wants. */
clrnn_plan_desc clr_problem_plan(const clrnn_problem *problem);

/* A forward pass that has been checked: its sizes. */
typedef struct clr_pass {
    uint32_t steps, batch; /* T, N */
    bool ragged;           /* plan->lengths holds the lengths */
    uint32_t first;        /* the step that comes first in x and y */
    clr_layout layout;
    cl_mem store;
    size_t store_at;
} clr_pass;

/** Check a forward io against the plan, lay it out and upload the lengths. */
clrnn_status clr_pass_begin(clrnn_plan *plan, const clrnn_forward_io *io, clr_pass *pass);

/** Whether `slice` has room for `count` elements of `bytes`; logs the name if not. */
clrnn_status clr_slice_check(const clrnn_plan *plan, clrnn_slice slice, size_t count, size_t bytes,
                             const char *name);

/** x and y in fewer bits; nothing where they are not. Room for so many steps, in making a plan;
 *  before and after the steps begin..end-1 of a pass, in the plan's own x and y, which it is then
 *  given in place of the caller's (`wide`). */
clrnn_status clr_sequences_make(clrnn_plan *plan, uint32_t steps);
clrnn_status clr_sequences_enter(clrnn_plan *plan, const clrnn_forward_io *io, uint32_t begin,
                                 uint32_t end, clr_pass *pass, clrnn_forward_io *wide);
clrnn_status clr_sequences_leave(clrnn_plan *plan, const clrnn_forward_io *io, uint32_t begin,
                                 uint32_t end, const clr_pass *pass);

/** Elements of the arrays of a pass. */
size_t clr_count_x(const clrnn_plan *plan, const clr_pass *pass);
size_t clr_count_y(const clrnn_plan *plan, const clr_pass *pass);
size_t clr_count_h(const clrnn_plan *plan, const clr_pass *pass);
size_t clr_count_c(const clrnn_plan *plan, const clr_pass *pass);

/** The input of layer `layer` over all T: [T*N, I'] (below: training passes only). */
clr_matrix clr_layer_input(const clrnn_plan *plan, const clr_pass *pass, clrnn_slice x,
                           uint32_t layer);

/** The operands of one layer and direction. */
const clr_cell_operands *clr_plan_operands(const clrnn_plan *plan, uint32_t layer,
                                           uint32_t direction);

/** Prepare all weight matrices from plan->weights. */
clrnn_status clr_plan_pack(clrnn_plan *plan);

/** Prepare the matrix [rows,columns] at `offset` of the weights for its uses: transposed forward,
 * as it is backward (training plans only). NULL: not for that one. */
clrnn_status clr_plan_pack_matrix(clrnn_plan *plan, size_t offset, size_t rows, size_t columns,
                                  clr_operand *forward, clr_operand *backward);

/* Where the gradients of one direction begin in plan->dh, dc, dproj, da and du. */
typedef struct clr_flow {
    size_t dh, dc;
    size_t dproj, da; /* of step 0; du as da */
} clr_flow;

clr_flow clr_flow_of(const clrnn_plan *plan, const clr_walk *walk);

/** The input products of a walk: its steps' gates = X W_ih^T. */
clrnn_status clr_walk_inputs(clrnn_plan *plan, const clr_walk *walk);

/** Where in the layout the state before step `slot` of a walk's direction lies (downwards: before
 *  step slot-1). */
clrnn_slice clr_walk_slot(const clrnn_plan *plan, const clr_walk *walk, bool memory, uint32_t slot);

/** Whether the products of this plan reach all of their operands at its largest T and N, for which
 *  `layout` is; where the caller's slices begin is not known yet. Returns: CLRNN_OK,
 *  CLRNN_ERR_RANGE (the log says what to reduce). */
clrnn_status clr_plan_check_reach(const clrnn_plan *plan, const clr_layout *layout);

/** The panels of persistent and resident: lay them out and allocate them; where those of a cell
 * begin; pack a cell's. Their buffer is the plan's. */
clrnn_status clr_panels_make(clrnn_plan *plan);
size_t clr_panels_at(const clrnn_plan *plan, uint32_t layer, uint32_t direction);
clrnn_status clr_panels_pack(clrnn_plan *plan, uint32_t layer, uint32_t direction);

/** After the queue has been waited for: let the strategy notice what went wrong on the device. */
void clr_plan_notice(clrnn_plan *plan);

/** Allocate rows*elements of the plan's type, counted in work_bytes. */
clrnn_status clr_plan_allocate(clrnn_plan *plan, cl_mem *buffer, uint64_t rows, uint64_t elements);
void clr_plan_free_operands(clrnn_plan *plan);

/** The walk of one direction of one layer over steps begin..end-1, without y. */
clr_walk clr_walk_of(const clrnn_plan *plan, const clr_pass *pass, uint32_t layer,
                     uint32_t direction, uint32_t begin, uint32_t end);

void clr_staging_free(struct clr_staging **staging);

#endif
