/* SPDX-License-Identifier: MIT
 * shape/network.h - a checked network description with its derived sizes and weight offsets. */
#ifndef CLR_SHAPE_NETWORK_H
#define CLR_SHAPE_NETWORK_H

#include "shape/cell.h"

#define CLR_NORM_SCALES 4 /* of the products W x, U h of either phase, and of c */

/* A network whose description has been checked: num_layers is at least 1. */
typedef struct clr_network {
    clrnn_network_desc desc;
    uint32_t gates;      /* G */
    uint32_t layers;     /* L */
    uint32_t directions; /* D */
    uint32_t state_size; /* R: width of a hidden state, P or H */
    uint32_t width;      /* features of a layer's output: D*R, or of a sum R */
    uint32_t biases;     /* for each gate: 2, 1 or 0 */
    bool back_in_time;   /* a direction is scanned so: the whole sequence is needed */
    size_t weights;      /* elements of the canonical weights */
    const clr_cell_spec *cell;
    const clr_cell_form *form;
    bool has_cell_state;
    bool resets;         /* what makes a plan says so: passes may reset states within a sequence */
    uint32_t parameters; /* of each unit: how many of cell->parameters there are, all or none */
    double epsilon;      /* of layer norm, if there is one; else 0 */
    uint32_t normed;     /* numbers that a row and step saves of it: see shape/layout.h; or 0 */
    /* Values saved for each unit and step beside gates and c: the cell's, then what a projection
     * multiplies, then, with zoneout_cell, c before zoneout. */
    uint32_t saved;
} clr_network;

/** Check a description and derive the rest. Returns: as clrnn_network_weights. */
clrnn_status clr_network_init(const clrnn_network_desc *desc, const clrnn_log *log,
                              clr_network *network);

#define CLR_ABSENT ((size_t)-1)

/* Where the weights of one layer and direction begin in the canonical array, in elements. */
typedef struct clr_cell_weights {
    uint32_t inputs;  /* I': width of this layer's input: I, or D*R above the first layer */
    size_t w_ih;      /* [G*H, I'] */
    size_t w_hh;      /* [G*H, R]  */
    size_t b_ih;      /* [G*H], CLR_ABSENT without bias */
    size_t b_hh;      /* [G*H], CLR_ABSENT without a second bias */
    size_t w_hr;      /* [P, H], CLR_ABSENT without projection */
    size_t params;    /* [parameters*H], CLR_ABSENT if there are none */
    size_t ln_ih;     /* [G*H], CLR_ABSENT without layer norm, as the next three */
    size_t ln_hh;     /* [G*H] */
    size_t ln_c;      /* [H], CLR_ABSENT also without cell state, as the next one */
    size_t bias_ln_c; /* [H] */
    size_t end;       /* one past the last */
} clr_cell_weights;

/** Whether a direction is scanned from the last step to the first. */
bool clr_network_down(const clr_network *network, uint32_t direction);

/** layer 0..L-1, direction 0 or 1. */
clr_cell_weights clr_network_cell(const clr_network *network, uint32_t layer, uint32_t direction);

#endif
