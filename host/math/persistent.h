/* SPDX-License-Identifier: MIT
 * math/persistent.h - typed functions for the kernels of cl/persistent_*.cl. */
#ifndef CLR_MATH_PERSISTENT_H
#define CLR_MATH_PERSISTENT_H

#include "device/context.h"
#include "math/gemm.h"
#include "shape/network.h"

/* cl/walks.cl, as the host sees it. */
#define ulong cl_ulong
#define uint  cl_uint
#include "../../cl/walks.cl"
#undef ulong
#undef uint

/* The kernels for one network variant. One thread at a time. */
typedef struct clr_persistent {
    clrnn_context *context;
    const clr_network *network;
    uint32_t tile_n; /* width of a panel */
    cl_kernel forward, backward, probe;
    cl_mem sync;    /* where groups meet */
    bool unsettled; /* `sync` is not as the next launch needs it: a repair is missing */
    /* How many launches had to be repaired so far: up to date when the queue has been waited for.
     * On the heap, since the device writes it. */
    cl_int *repairs;
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

/* How a launch is cut: directions*row_shares*unit_shares groups. If unit_shares > 1 they meet, and
 * row_shares must be 1. */
typedef struct clr_shares {
    uint32_t directions, row_shares, unit_shares;
    uint32_t most_spins; /* how long a group waits for another */
} clr_shares;

/* The arrays of a walk forward, and where in them it begins; absent ones are NULL. */
typedef struct clr_forward_walk {
    cl_mem panels, weights, store, x, h_first, c_first, h_last, c_last, y;
    cl_mem lengths; /* [N] cl_int, NULL = all live */
    walk_launch launch;
} clr_forward_walk;

/* The arrays of a walk back. */
typedef struct clr_backward_walk {
    cl_mem panels, store, dy, dh, dc, dproj, da, du;
    cl_mem lengths;
    walk_launch launch;
} clr_backward_walk;

/** Enqueue a walk and, if groups meet, its repair. `shares` fills its part of the launch.
 *  Returns: CLRNN_OK, CLRNN_ERR_OPENCL. */
clrnn_status clr_persistent_forward(clr_persistent *persistent, clr_forward_walk *walk,
                                    const clr_shares *shares);
clrnn_status clr_persistent_backward(clr_persistent *persistent, clr_backward_walk *walk,
                                     const clr_shares *shares);

#endif
