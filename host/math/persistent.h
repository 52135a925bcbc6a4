/* SPDX-License-Identifier: MIT
 * math/persistent.h - typed functions for the kernels that scan many steps in one launch:
 * cl/persistent_*.cl and cl/resident_*.cl. */
#ifndef CLR_MATH_PERSISTENT_H
#define CLR_MATH_PERSISTENT_H

#include "device/context.h"
#include "math/gemm.h"
#include "math/scan.h"

/* What kernels are built for. */
typedef struct clr_scan_kind {
    clrnn_precision precision;
    clrnn_storage storage;
    bool train; /* backward too, and then storage f32 */
    /* Work-items of a group: 1 = cl/persistent_*.cl, vectors and weights from the caches; more =
     * cl/resident_*.cl, weights in registers, and so many at most. */
    uint32_t items;
    uint32_t kept; /* weights that a work-item keeps in registers; 0 = as many as there are */
    uint32_t rows; /* ROWS of cl/persistent.cl; 0 = as it says */
} clr_scan_kind;

/* The kernel of one way through time. */
typedef struct clr_scan_kernel {
    cl_kernel kernel;
    cl_kernel single; /* persistent, forward: a few rows by one group, or NULL */
    /* resident: TAKE and KEPT, TAKE_2 and KEPT_2 of cl/resident.cl; of local memory that the kernel
     * takes by itself */
    uint32_t take[2], kept[2];
    size_t own_bytes;
} clr_scan_kernel;

/* The kernels for one network variant. One thread at a time. */
typedef struct clr_persistent {
    clrnn_context *context;
    const clr_network *network;
    clr_scan_kind kind;
    uint32_t tile_n; /* width of a panel */
    clr_scan_kernel forward, backward;
    cl_program packs; /* one that has cl/pack.cl too, resident cl/lanes.cl */
    cl_mem sync;      /* where groups wait: cl/scan_launch.cl */
    /* How many launches fell back so far. On the heap, since the device writes it: not to
     * be looked at while that is under way. */
    cl_int *fallbacks;
    cl_event reading; /* that it has been written, or NULL */
    bool unread;      /* there were grid barriers since that was enqueued */
    /* The last scan forward, of which the kernel still has the arguments; NULL: nobody may enqueue
     * it again. */
    cl_kernel last;
    clr_range last_range;
} clr_persistent;

/** Build; on failure everything is released. `network` must outlive it. Returns: as
 *  clr_program_get; CLRNN_ERR_UNSUPPORTED (resident, not logged): no group fits local memory. */
clrnn_status clr_persistent_init(clrnn_context *context, const clr_network *network,
                                 const clr_scan_kind *kind, clr_persistent *persistent);
void clr_persistent_free(clr_persistent *persistent);

/** How many groups, of at most `most`, pass a grid barrier within a bounded wait: tried from `most`
 * down to 2, each several times; 1 if none do. Waits. */
clrnn_status clr_persistent_probe(clr_persistent *persistent, uint32_t most, uint32_t *co_resident);

/* How a launch is cut: scans*row_parts*unit_parts groups. If unit_parts > 1 those that share
 * rows wait for each other. */
typedef struct clr_partition {
    uint32_t scans, row_parts, unit_parts;
    bool stacked; /* persistent, forward: the scans are two layers, which wait for each other too */
    bool single_group; /* stacked: one group does it all; then there is one part of rows and of
                          units */
    bool steal; /* persistent, forward, with grid barriers: who is done takes from the others */
    uint32_t most_spins; /* how long a group waits for another */
} clr_partition;

/** Whether a group that scans so many rows with so many inputs forward, all of the same length and
 *  all units of them, has a kernel of its own for that: about twice as fast. */
bool clr_persistent_is_single(const clr_persistent *persistent, uint32_t rows, size_t inputs);

/** Enqueue a scan. `partition` fills its part of the launch.
 *  Returns: CLRNN_OK, CLRNN_ERR_OPENCL. */
clrnn_status clr_persistent_forward(clr_persistent *persistent, clr_forward_scan *scan,
                                    const clr_partition *partition);

/** Enqueue the last scan forward once more, which has succeeded, whose groups did not wait for each
 *  other. False: they did. */
bool clr_persistent_again(clr_persistent *persistent, clrnn_status *status);

clrnn_status clr_persistent_backward(clr_persistent *persistent, clr_backward_scan *scan,
                                     const clr_partition *partition);

/** If there was a grid barrier, enqueue reading how many launches fell back; but not while an
 *  earlier reading is under way: then a later call does. Returns: CLRNN_OK, CLRNN_ERR_OPENCL. */
clrnn_status clr_persistent_report(clr_persistent *persistent);

/** How many launches fell back, as far as what was enqueued has come in. Does not wait.
 *  False: it is under way. */
bool clr_persistent_fallbacks(clr_persistent *persistent, uint32_t *fallbacks);

#endif
