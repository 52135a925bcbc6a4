/* SPDX-License-Identifier: MIT
 * clrnn/plan.h - running a recurrent network, forward and backward. Letters: clrnn/network.h. */
#ifndef CLRNN_PLAN_H
#define CLRNN_PLAN_H

#include <clrnn/context.h>
#include <clrnn/network.h>

#ifdef __cplusplus
extern "C" {
#endif

/* How time is scanned. */
typedef enum clrnn_strategy {
    CLRNN_STRATEGY_AUTO = 0,
    CLRNN_STRATEGY_STEPWISE,   /* one GEMM and one cell kernel for each step: works everywhere */
    CLRNN_STRATEGY_PERSISTENT, /* one launch scans many steps, a work-item in a group; CPU devices
                                */
    CLRNN_STRATEGY_RESIDENT,   /* the same with large groups that keep the recurrent weights in
                                * their registers; made for GPUs, runs on CPUs too */
    CLRNN_STRATEGY_FUSED       /* one launch for each step: a product whose end is the cell; made
                                * for GPUs and many rows, runs on CPUs too */
} clrnn_strategy;

/* What a plan is made for. Zero-initialise, then set what you need. */
typedef struct clrnn_plan_desc {
    clrnn_network_desc network;
    uint32_t max_steps; /* largest T of a call, must be set */
    uint32_t max_batch; /* largest N of a call, must be set */
    bool train;         /* keep the reserve, allow clrnn_backward */
    clrnn_precision precision;
    clrnn_strategy strategy;
    clrnn_gemm gemm;
    clrnn_storage weights; /* other than f32: not with `train`, single precision only */
    /* Of x and y, also in host arrays: f32, f16 or bf16 (CLRNN_WEIGHTS_F16, CLRNN_WEIGHTS_BF16),
     * as `weights` not with `train` or double precision. What is computed, and states, remain as
     * they are; y is rounded to the nearest, ties to even. */
    clrnn_storage sequences;
    bool resets;      /* passes may reset states inside a sequence: clrnn_forward_io.resets */
    float dropout;    /* 0 <= p < 1, between layers, in training plans of two or more only */
    bool variational; /* dropout: a row has one mask for all its steps (Gal, Ghahramani 2016) */
} clrnn_plan_desc;

typedef struct clrnn_plan clrnn_plan;

/* What a plan came to. Sizes in bytes unless the name says otherwise. */
typedef struct clrnn_plan_info {
    const char *strategy;        /* "stepwise", ... */
    const char *strategy_reason; /* one sentence */
    const char *gemm;            /* "clblast", ... */
    size_t weight_count;         /* elements of the canonical weights */
    size_t reserve_bytes;        /* what the slice `reserve` must hold; 0 unless it trains */
    size_t work_bytes;           /* device memory the plan itself holds */
} clrnn_plan_info;

/**
 * Make a plan: choose the strategy, build the kernels, allocate the work memory.
 *
 * The first plan of a cell on a device also runs a self-test of a few milliseconds.
 *
 * Ownership: on success *plan is the caller's and keeps no pointer into desc; the context must
 *            outlive it. On failure *plan is NULL.
 * Threads:   any.
 * Returns:   CLRNN_OK
 *            CLRNN_ERR_ARGUMENT     as clrnn_network_weights, or dropout outside [0,1), without
 *                                   `train` or with one layer, or `weights` with `train` or double
 *                                   precision
 *            CLRNN_ERR_RANGE        a zero or overflowing size, or one whose products CLBlast
 *                                   cannot address; the log says what to reduce
 *            CLRNN_ERR_UNSUPPORTED  double precision on a device without it, or a forced strategy
 *                                   that cannot run this network; the log says which
 *            CLRNN_ERR_SELF_TEST    every strategy gives wrong results on this device
 *            CLRNN_ERR_MEMORY, CLRNN_ERR_OPENCL, CLRNN_ERR_BUILD
 */
CLRNN_API clrnn_status clrnn_plan_create(clrnn_context *context, const clrnn_plan_desc *desc,
                                         clrnn_plan **plan);

/** Wait for the plan's work, free it and set the pointer to NULL; NULL is accepted. */
CLRNN_API void clrnn_plan_destroy(clrnn_plan **plan);

/** What the plan came to; valid as long as the plan. Threads: any. */
CLRNN_API const clrnn_plan_info *clrnn_plan_get_info(const clrnn_plan *plan);

/**
 * Give a plan its weights: weight_count elements in the canonical layout.
 *
 * The plan retains the buffer and may read it in every later call, so after changing its contents
 * (enqueue the change on the context's queue) call this again before the next forward.
 *
 * Ownership: the buffer remains the caller's.
 * Threads:   one call at a time for each plan.
 * Returns:   CLRNN_OK
 *            CLRNN_ERR_ARGUMENT, CLRNN_ERR_RANGE (too short): the plan keeps those it has
 *            CLRNN_ERR_MEMORY, CLRNN_ERR_OPENCL: it keeps those it has, whole, or has none, and
 *                                every pass says so until they are set again
 */
CLRNN_API clrnn_status clrnn_plan_set_weights(clrnn_plan *plan, clrnn_slice weights);

/** The same from host memory: weight_count elements, read before the call returns. */
CLRNN_API clrnn_status clrnn_plan_set_weights_host(clrnn_plan *plan, const void *weights);

/* For steps or batch of a pass: there are none. (0 means as many as the plan is for.) Nothing is
 * computed: hn and cn become h0 and c0, and so dh0 and dc0 dhn and dcn; gradients of weights are 0.
 * Needs no weights, x, reserve or, back, forward pass, and looks at none; without steps each of
 * lengths is 0. */
#define CLRNN_NONE UINT32_MAX

/* Slices used by one forward pass. Zero-initialise, then set what you need. */
typedef struct clrnn_forward_io {
    uint32_t steps;          /* T; 0 means max_steps of the plan, CLRNN_NONE that there are none */
    uint32_t batch;          /* N; 0 means max_batch, CLRNN_NONE that there are none */
    const uint32_t *lengths; /* in  host [N], each 0..T, any order; NULL = all T. Copied: it may be
                              * changed when the call returns. */
    clrnn_slice x;           /* in  [T,N,I]; steps past a row's length are not used; its offset and
                              * that of y count elements of their own storage */
    clrnn_slice h0;          /* in  [L*D,N,R]; absent = zeros */
    clrnn_slice c0;          /* in  [L*D,N,H]; absent = zeros; LSTM only */
    clrnn_slice y;           /* out [T,N,D*R, of a sum R]; steps that do not count: `repeat`; may be
                              * absent; not over x */
    clrnn_slice hn;      /* out [L*D,N,R]; state after each row's last valid step; may be absent */
    clrnn_slice cn;      /* out [L*D,N,H]; the same; may be absent; LSTM only */
    clrnn_slice reserve; /* out reserve_bytes of the plan; present if and only if it trains */
    /* Steps of a row that do not count: its states stay, as past its length. All in host memory,
     * copied as lengths are. */
    const uint8_t *mask;   /* in  [T,N], 0: row n leaves step t out; NULL = none are left out */
    const uint8_t *resets; /* in  [T,N], not 0: the state before step t is 0, in the direction in
                            * which it is scanned; not past a row's length; NULL = none; a plan
                            * with `resets` */
    clrnn_slice device_lengths; /* in  [N] cl_int, in place of lengths; more than T is T, less than
                                 * 0 is 0; not with mask, resets or repeat */
    bool repeat;   /* y of a step that does not count is that of the one before it that did, or 0
                    * (Keras); such a y has gradients. With f32 sequences only. */
    float padding; /* without repeat: y of steps that do not count */
    uint64_t dropout_seed;     /* with the layer, step, row and unit the key of each dropout draw */
    uint32_t dropout_index;    /* changes from one training iteration to the next */
    uint32_t wait_count;       /* events in wait_list */
    const cl_event *wait_list; /* in  the work begins after these, of any queue of the context */
} clrnn_forward_io;

/**
 * Enqueue one forward pass: (y, hn, cn) = network(x, h0, c0).
 *
 * Checks, enqueues, flushes the queue and returns without waiting, also with lengths and whatever
 * the queue has yet to do; outputs are valid once `done` has completed, which may be waited for in
 * any thread or queue, or after clrnn_context_finish. hn and cn may be h0 and c0 unless the plan
 * trains.
 *
 * done: NULL if not wanted; else the caller releases it (only set on success).
 * Ownership: every buffer remains the caller's, on success and on failure.
 * Threads:   one call at a time for each plan; different plans may run concurrently.
 * Returns:   CLRNN_OK
 *            CLRNN_ERR_ARGUMENT  no weights set, x absent, lengths twice, resets in a plan without,
 *                                repeat or padding that cannot be, c0 or cn without LSTM, a reserve though
 *                                the plan does not train, or none though it does, wait_count
 *                                without wait_list
 *            CLRNN_ERR_RANGE     steps, batch or a length out of range, or a slice too short;
 *                                nothing was enqueued
 *            CLRNN_ERR_MEMORY    there is none to keep the lengths in; nothing was enqueued
 *            CLRNN_ERR_OPENCL    the driver refused; outputs are undefined, the code was logged
 */
CLRNN_API clrnn_status clrnn_forward(clrnn_plan *plan, const clrnn_forward_io *io, cl_event *done);

/* Slices used by one backward pass. `forward` repeats what the forward pass was given: its steps,
 * batch, lengths, mask, resets, repeat, x, h0, c0, reserve and dropout keys must be the same and
 * unchanged; its wait list
 * is that of this pass. */
typedef struct clrnn_backward_io {
    clrnn_forward_io forward;
    clrnn_slice dy;       /* in  as y; absent = zeros; ignored of steps that do not count, unless
                           * they repeat one */
    clrnn_slice dhn;      /* in  [L*D,N,R]; absent = zeros */
    clrnn_slice dcn;      /* in  [L*D,N,H]; absent = zeros; LSTM only */
    clrnn_slice dx;       /* out [T,N,I]; 0 past a row's length; may be absent */
    clrnn_slice dh0;      /* out [L*D,N,R]; may be absent */
    clrnn_slice dc0;      /* out [L*D,N,H]; may be absent; LSTM only */
    clrnn_slice dweights; /* out weight_count elements, canonical layout; may be absent */
    bool accumulate;      /* add to dweights instead of overwriting it */
    /* The gradients by the states after each step, of h_t with what comes from y_t; c_t, as cn,
     * stands beside h_t, so what goes through h_t is not in dc. Of steps that do not count what
     * goes through them. With either the scan back goes step by step, to the same bits. */
    clrnn_slice dh; /* out [L*D,T,N,R]; may be absent */
    clrnn_slice dc; /* out [L*D,T,N,H]; may be absent; LSTM only */
} clrnn_backward_io;

/**
 * Enqueue one backward pass: the gradients of a scalar loss, from its gradients by y, hn and cn.
 *
 * The reserve is only read, so a pass may be repeated. Waiting, ownership and threads as
 * clrnn_forward.
 * Returns: CLRNN_OK
 *          CLRNN_ERR_ARGUMENT  the plan does not train, or as clrnn_forward
 *          CLRNN_ERR_RANGE, CLRNN_ERR_MEMORY, CLRNN_ERR_OPENCL  as clrnn_forward
 */
CLRNN_API clrnn_status clrnn_backward(clrnn_plan *plan, const clrnn_backward_io *io,
                                      cl_event *done);

/* The same arrays in host memory, elements of the plan's precision (float or double). */
typedef struct clrnn_host_io {
    uint32_t steps; /* as in clrnn_forward_io */
    uint32_t batch;
    const uint32_t *lengths;
    const uint8_t *mask, *resets;
    bool repeat;
    float padding;
    const void *x, *h0, *c0; /* in  */
    void *y, *hn, *cn;       /* out */
    uint64_t dropout_seed;
    uint32_t dropout_index;
    const void *dy, *dhn, *dcn;      /* in,  clrnn_backward_host only */
    void *dx, *dh0, *dc0, *dweights; /* out, clrnn_backward_host only */
} clrnn_host_io;

/**
 * One forward pass over host arrays, and a wait: outputs are complete when it returns. CPU devices
 * work in the arrays themselves; for others they are copied in and out. Outputs may lie where
 * inputs do, as a whole or in part, but not over one another. A training plan keeps the reserve
 * inside. Ownership, threads, returns: as clrnn_forward. After a failure
 * outputs are undefined, and the arrays are no longer used.
 */
CLRNN_API clrnn_status clrnn_forward_host(clrnn_plan *plan, const clrnn_host_io *io);

/**
 * The backward pass that belongs to the last clrnn_forward_host of this plan, which must have had
 * the same steps, batch, lengths, x, h0, c0 and dropout keys.
 * Returns: as clrnn_backward; CLRNN_ERR_ARGUMENT also when there was no forward pass.
 */
CLRNN_API clrnn_status clrnn_backward_host(clrnn_plan *plan, const clrnn_host_io *io);

#ifdef __cplusplus
}
#endif
#endif
