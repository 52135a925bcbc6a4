/* SPDX-License-Identifier: MIT
 * shape/layout.h - where the arrays of one pass lie in one block of memory, in elements.
 *
 * A training pass keeps everything (the block is the reserve); an inference pass keeps the last two
 * states, and the gates of a chunk of the sequence. Per layer and direction:
 *     gates [steps,N,G*H]   W x, then the activated gates
 *     h     [slots,N,R]     states; before step t in slot t (backward direction: t+1), after it in
 *     c     [slots,N,H]     the other; the slot number counts modulo `slots`
 *     saved [steps,N,H]     what else a cell saves, for each of clr_network.saved values
 *     normed [steps,N,..]   training with layer norm: the normalised W x [G*H] and U h [G*H] and,
 *                           of a cell state, c [H] of a row, and 1/sqrt(variance + epsilon) of each
 * and per layer below the top one  y [y_steps,N,D*R, of a sum R], its output after dropout. */
#ifndef CLR_SHAPE_LAYOUT_H
#define CLR_SHAPE_LAYOUT_H

#include "shape/network.h"

typedef struct clr_layout {
    uint32_t batch;        /* N */
    uint32_t slots;        /* states kept: T+1, or 2 */
    uint32_t steps;        /* steps of gates kept: T, or those of a chunk */
    uint32_t saved_steps;  /* steps of saved kept: T, or 1 */
    uint32_t normed_steps; /* steps of normed kept: T, or 0 */
    uint32_t y_steps;      /* steps of y kept: T, or those of a chunk */
    bool
        all_layers; /* each layer has its own gates, saved and y; else they alternate between two */
    /* elements of one array */
    size_t gates_size, h_size, c_size, saved_size, normed_size, y_size;
    /* where the arrays of layer 0, direction 0 begin */
    size_t gates_at, h_at, c_at, saved_at, normed_at, y_at;
    size_t total;
} clr_layout;

/** Lay out a training pass of T steps and N rows. Returns: CLRNN_OK, CLRNN_ERR_RANGE (overflow). */
clrnn_status clr_layout_train(const clr_network *network, uint32_t steps, uint32_t batch,
                              const clrnn_log *log, clr_layout *layout);

/** Lay out an inference pass of T steps and N rows that is scanned in chunks of `chunk` steps. */
clrnn_status clr_layout_infer(const clr_network *network, uint32_t steps, uint32_t chunk,
                              uint32_t batch, const clrnn_log *log, clr_layout *layout);

/* What of a row of normed: an array of normalised numbers, or one of the scales. */
typedef enum clr_normed {
    CLR_NORMED_X,      /* [G*H] */
    CLR_NORMED_U,      /* [G*H] */
    CLR_NORMED_C,      /* [H] */
    CLR_NORMED_SCALES, /* that of W x; then of U h, in each phase */
    CLR_NORMED_U_SCALE,
    CLR_NORMED_C_SCALE = CLR_NORMED_SCALES + CLR_NORM_SCALES - 1
} clr_normed;

/* Where an array begins. `t`: the step, counted from the first one that the array keeps. */
size_t clr_layout_gates(const clr_layout *layout, const clr_network *network, uint32_t layer,
                        uint32_t direction, uint32_t t);
size_t clr_layout_saved(const clr_layout *layout, const clr_network *network, uint32_t layer,
                        uint32_t direction, uint32_t t);
size_t clr_layout_normed(const clr_layout *layout, const clr_network *network, uint32_t layer,
                         uint32_t direction, uint32_t t, clr_normed what);
size_t clr_layout_y(const clr_layout *layout, uint32_t layer);

/* `slot`: any number, taken modulo slots. */
size_t clr_layout_h(const clr_layout *layout, const clr_network *network, uint32_t layer,
                    uint32_t direction, uint32_t slot);
size_t clr_layout_c(const clr_layout *layout, const clr_network *network, uint32_t layer,
                    uint32_t direction, uint32_t slot);

#endif
