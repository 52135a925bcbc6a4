/* SPDX-License-Identifier: MIT
 * math/persistent.h - typed functions for the kernels of cl/persistent_*.cl. */
#ifndef CLR_MATH_PERSISTENT_H
#define CLR_MATH_PERSISTENT_H

#include "device/context.h"
#include "math/gemm.h"
#include "shape/network.h"

/* The kernels for one network variant. One thread at a time. */
typedef struct clr_persistent {
    clrnn_context *context;
    const clr_network *network;
    uint32_t tile_n; /* width of a panel */
    cl_kernel forward, backward, probe;
    cl_mem sync;    /* where groups meet */
    bool unsettled; /* `sync` is not as the next launch needs it: a repair is missing */
} clr_persistent;

/** Build (backward only with `train`, and then storage f32); on failure everything is released.
 * `network` must outlive it. Returns: as clr_program_get. */
clrnn_status clr_persistent_init(clrnn_context *context, const clr_network *network,
                                 clrnn_precision precision, clrnn_storage storage, bool train,
                                 clr_persistent *persistent);
void clr_persistent_free(clr_persistent *persistent);

/** How many groups, of at most `most`, meet within a bounded wait: tried from `most` down to 2,
 * each several times; 1 if none do. Waits. */
clrnn_status clr_persistent_probe(clr_persistent *persistent, uint32_t most, uint32_t *together);

/** How many launches had to be repaired so far. Waits. */
clrnn_status clr_persistent_repairs(clr_persistent *persistent, uint32_t *repairs);

/* How a launch is cut: directions*row_shares*unit_shares groups. If unit_shares > 1 they meet, and
 * row_shares must be 1. */
typedef struct clr_shares {
    uint32_t directions, row_shares, unit_shares;
    uint32_t most_spins; /* how long a group waits for another */
} clr_shares;

/* The arrays of a launch. Offsets are those of direction 0 (backward: of its direction), `.._step`
 * the distance to direction 1. */
typedef struct clr_persistent_walk {
    uint32_t count, batch;  /* steps kept and walked, N */
    uint32_t first_t[2];    /* t of the first kept step of each direction */
    uint32_t slots, extras; /* as in shape/layout.h */
    cl_mem lengths;         /* [N] cl_int, NULL = all live */
    cl_mem weights;         /* canonical */
    size_t b_ih, b_hh;      /* CLR_ABSENT without bias */
    size_t bias_step;
    cl_mem panels;
    size_t recurrent_at, projection_at, panels_step;        /* forward */
    size_t d_recurrent_at, d_candidate_at, d_projection_at; /* backward */
    cl_mem store;
    size_t gates_at, gates_step;
    size_t h_at, h_step;
    size_t c_at, c_step;
    size_t extra_at, extra_step;
    cl_mem y;                     /* forward: y, NULL = not wanted; backward: dy, NULL = zeros */
    size_t y_at[2];               /* of the first kept step, row 0, of each direction */
    size_t y_stride;              /* from row to row */
    bool down;                    /* backward: the walk was that of direction 1 */
    cl_mem dh, dc, dproj, da, du; /* backward, from offset 0 */
} clr_persistent_walk;

/** Enqueue a walk and, if groups meet, its repair. Returns: CLRNN_OK, CLRNN_ERR_OPENCL. */
clrnn_status clr_persistent_forward(clr_persistent *persistent, const clr_persistent_walk *walk,
                                    const clr_shares *shares);
clrnn_status clr_persistent_backward(clr_persistent *persistent, const clr_persistent_walk *walk,
                                     const clr_shares *shares);

#endif
