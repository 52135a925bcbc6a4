/* SPDX-License-Identifier: MIT
 * reference/reference.h - what everything is judged against: forward and backward in plain C and
 * float64, formula first, speed last. Letters: clrnn/network.h. */
#ifndef CLR_REFERENCE_H
#define CLR_REFERENCE_H

#include <clrnn/network.h>

/* A step of one layer, direction and row as it is seen: types of reference/cell.h. */
typedef struct clr_ref_seen {
    const struct clr_ref_layer *weights;
    const struct clr_ref_step *step;
    uint32_t layer, direction, t, row;
    bool back; /* forward: the step is done; backward: dh and dc have all that comes to them */
} clr_ref_seen;

/* Arrays of one pass, all float64 and the caller's. Zero-initialise; NULL inputs but weights are
 * zeros, NULL outputs are not wanted. Outputs must not overlap inputs. */
typedef struct clr_reference_io {
    uint32_t steps, batch;   /* T, N */
    const uint32_t *lengths; /* [N], each 0..T; NULL = all T */
    const uint8_t *mask;     /* [T,N], 0: a step that is left out; NULL = none */
    const uint8_t *resets;   /* [T,N], not 0: the state before the step is 0; NULL = none */
    bool repeat;             /* y of what does not count is the last one that did, else padding */
    double padding;
    const double *weights; /* in  canonical, clrnn_network_weights */
    const double *x;       /* in  [T,N,I] */
    const double *h0;      /* in  [L*D,N,R] */
    const double *c0;      /* in  [L*D,N,H], LSTM */
    double *y;             /* out [T,N,D*R or R] */
    double *hn;            /* out [L*D,N,R] */
    double *cn;            /* out [L*D,N,H], LSTM */
    float dropout;         /* p, after each layer but the last; factors: clr_dropout_factor */
    uint64_t dropout_seed;
    uint32_t dropout_index;
    bool variational; /* the factors of t = 0 at all steps */
    bool drawn;       /* as in training: what zoneout keeps and recurrent dropout drops is drawn, by
                         the same seed and index; else zoneout's expectation, and nothing dropped */
    /* backward only */
    const double *dy, *dhn, *dcn; /* in, shaped as y, hn, cn; dy of what does not count is ignored,
                                    but with repeat */
    double *dx;                   /* out [T,N,I], 0 past a row's length */
    double *dh0, *dc0;            /* out */
    double *dweights;             /* out canonical, overwritten */
    /* May be NULL: shown each step that counts, in backward all within a row's length. */
    void (*observe)(void *observer, const clr_ref_seen *seen);
    void *observer;
} clr_reference_io;

/**
 * (y, hn, cn) = network(x, h0, c0).
 *
 * Values of x past a row's length are never read. NaN and infinity come out where they belong.
 * Threads: any.
 * Returns: CLRNN_OK; CLRNN_ERR_ARGUMENT or CLRNN_ERR_RANGE as clrnn_network_weights; ARGUMENT also
 *          without weights or for dropout outside [0,1), RANGE for a length greater than T;
 *          CLRNN_ERR_MEMORY
 */
clrnn_status clr_reference_forward(const clrnn_network_desc *desc, const clr_reference_io *io,
                                   const clrnn_log *log);

/** All gradients of a scalar loss from its gradients by y, hn and cn; runs the forward pass itself
 *  (and gives y, hn, cn too where wanted). Returns: as clr_reference_forward. */
clrnn_status clr_reference_backward(const clrnn_network_desc *desc, const clr_reference_io *io,
                                    const clrnn_log *log);

#endif
