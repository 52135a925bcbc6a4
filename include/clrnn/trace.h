/* SPDX-License-Identifier: MIT
 * clrnn/trace.h - what a network did in a pass: its gates, the sums before them, its states and
 * their gradients, read again or as figures, and the first number that is not finite.
 *
 * A plan that trains keeps in the reserve all that is asked for here, so tracing is reading: it
 * changes no bit of a pass, costs nothing where nobody asks, and needs of its own some MiB of
 * device memory, however much is read. Inference is traced by a plan with `train` and no backward
 * pass. Letters: clrnn/network.h. */
#ifndef CLRNN_TRACE_INCLUDED
#define CLRNN_TRACE_INCLUDED

#include <clrnn/plan.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What there is to read. Units of X are the layer's inputs, of H and DH R, of all others H. */
typedef enum clrnn_traced {
    CLRNN_TRACE_GATE =
        0,           /* a gate as the step used it: with the options, f = 1 - i where coupled */
    CLRNN_TRACE_SUM, /* what its function was of: W x + U h + biases (+ peephole), not clipped */
    CLRNN_TRACE_H,   /* h_t after each step; past a row's length that of its last */
    CLRNN_TRACE_C,   /* c_t, the same; LSTM only */
    CLRNN_TRACE_X,   /* the layer's input; above the first the output below, after dropout */
    CLRNN_TRACE_DH,  /* dLoss/dh_t: `dh` of clrnn_backward_io */
    CLRNN_TRACE_DC   /* dLoss/dc_t: `dc`; LSTM only */
} clrnn_traced;

/* first..first+count-1; count 0: to the end. */
typedef struct clrnn_range {
    uint32_t first, count;
} clrnn_range;

/* What is wanted. Zero-initialise: all of gate 0. */
typedef struct clrnn_trace_select {
    clrnn_traced what;
    uint32_t gate; /* of GATE and SUM, in the order of clrnn_cell_info.gate_names */
    clrnn_range layers, directions, steps, rows, units;
    /* Of figures: where a gate is shut and open; both 0: 0.05 and 0.95. */
    float low, high;
} clrnn_trace_select;

/* The pass that is read, nothing of which has been changed since. */
typedef struct clrnn_trace_pass {
    const clrnn_forward_io *forward; /* what clrnn_forward was given, or */
    const clrnn_host_io *host;       /* what the plan's last clrnn_forward_host was given */
    clrnn_slice dh, dc;              /* of DH and DC: where clrnn_backward has put them */
} clrnn_trace_pass;

/**
 * Copy what is selected to host memory, and wait. Steps that do not count (past a length, masked)
 * are 0, but of H, C, DH and DC.
 *
 * out: [layers,directions,steps,rows,units] as far as selected, of the plan's precision
 * Threads: one call at a time for each plan.
 * Returns: CLRNN_OK
 *          CLRNN_ERR_ARGUMENT  the plan does not train, no pass or two, the cell has no such array,
 *                              dh or dc are absent
 *          CLRNN_ERR_RANGE     a gate or range that is not there
 *          CLRNN_ERR_MEMORY, CLRNN_ERR_OPENCL, CLRNN_ERR_BUILD
 */
CLRNN_API clrnn_status clrnn_trace_read(clrnn_plan *plan, const clrnn_trace_pass *pass,
                                        const clrnn_trace_select *select, void *out);

/* Figures of the numbers that count; those that are not finite are counted and else left out. */
typedef struct clrnn_trace_figures {
    double count, not_finite; /* how many there were in all, and of them NaN or infinite */
    double mean, norm;        /* norm: the root of the sum of squares */
    double least, most;       /* NaN if there were none */
    double below, above;      /* shares, 0..1, less than `low` and more than `high` */
} clrnn_trace_figures;

/* Of what figures are made. */
typedef enum clrnn_trace_each {
    CLRNN_TRACE_WHOLE = 0, /* one of each layer and direction */
    CLRNN_TRACE_STEP,      /* one of each step */
    CLRNN_TRACE_UNIT       /* one of each unit */
} clrnn_trace_each;

/**
 * Figures of what is selected, made on the device, which hands over those alone; always the same
 * bits.
 *
 * out: [layers,directions], [layers,directions,steps] or [layers,directions,units]
 * Threads, returns: as clrnn_trace_read.
 */
CLRNN_API clrnn_status clrnn_trace_measure(clrnn_plan *plan, const clrnn_trace_pass *pass,
                                           const clrnn_trace_select *select, clrnn_trace_each each,
                                           clrnn_trace_figures *out);

/**
 * After how many steps a unit has half forgotten: ln 0.5 / ln f, of the mean f of the part that it
 * keeps at a step (LSTM the forget gate, GRU 1-z or with CLRNN_UPDATE_KEEPS z). 0 where f is not
 * above 0, infinite from 1 on. `what`, `gate`, `low` and `high` of select do not matter.
 *
 * out: [layers,directions,units]
 * Threads, returns: as clrnn_trace_read; CLRNN_ERR_ARGUMENT also for a cell without such a gate.
 */
CLRNN_API clrnn_status clrnn_trace_half_lives(clrnn_plan *plan, const clrnn_trace_pass *pass,
                                              const clrnn_trace_select *select, double *out);

/* Where a pass first had a number that is NaN or infinite. */
typedef struct clrnn_trace_fault {
    bool found;
    clrnn_traced what; /* X if the layer was given it, else GATE, C or H */
    uint32_t gate;     /* of GATE */
    uint32_t layer, direction, step, row, unit;
    double value;
} clrnn_trace_fault;

/**
 * Find the first number of a pass that is not finite: of the lowest layer, there of the step that
 * comes first as the directions are scanned, there in the order x, gates, c, h.
 * Threads, returns: as clrnn_trace_read.
 */
CLRNN_API clrnn_status clrnn_trace_watch(clrnn_plan *plan, const clrnn_trace_pass *pass,
                                         clrnn_trace_fault *fault);

/** The same as a line, "layer 0, step 17, row 2: gate f of unit 5 is nan", or "all is finite"; cut
 *  to `size` bytes with the zero. Returns: CLRNN_OK, CLRNN_ERR_ARGUMENT (NULL) */
CLRNN_API clrnn_status clrnn_trace_fault_text(const clrnn_plan *plan,
                                              const clrnn_trace_fault *fault, char *text,
                                              size_t size);

#ifdef __cplusplus
}
#endif
#endif
