/* SPDX-License-Identifier: MIT
 * layer/check_arrays.h - what a check puts in, and what the reference says comes out. */
#ifndef CLR_LAYER_CHECK_ARRAYS_H
#define CLR_LAYER_CHECK_ARRAYS_H

#include <clrnn/problem.h>

#include "shape/network.h"

/* The arrays, all in float64; what goes in is rounded to the plan's type: both see the same. */
enum { WEIGHTS, X, H0, C0, DY, DHN, DCN, INPUTS };
enum { Y, HN, CN, FORWARD_OUTPUTS, DX = FORWARD_OUTPUTS, DH0, DC0, DWEIGHTS, OUTPUTS };

typedef struct clr_arrays {
    const clrnn_problem *problem;
    clr_network network;
    size_t in_count[INPUTS], out_count[OUTPUTS];
    double *in[INPUTS];
    double *expected[OUTPUTS], *got[OUTPUTS];
    double *unrounded[FORWARD_OUTPUTS]; /* expected of the weights before they are rounded */
    double *moved[OUTPUTS];             /* clr_arrays_move; else NULL */
    void *device_in[INPUTS], *device_out[OUTPUTS]; /* of the plan's type */
    uint32_t *lengths;
    uint8_t *mask, *resets; /* [T,N] */
} clr_arrays;

/** Inputs from a seed, and room for the rest; problem and network are set, all else is 0. False:
 *  there is no memory for them. Even then clr_arrays_free follows. */
bool clr_arrays_make(clr_arrays *arrays, uint64_t seed);
void clr_arrays_free(clr_arrays *arrays);

/** How many of the outputs there are. */
int clr_arrays_outputs(const clr_arrays *arrays);

/** What is expected of the weights as they are, and of what is kept of them. Returns: as
 *  clr_reference_forward. */
clrnn_status clr_arrays_expect(clr_arrays *arrays, const clrnn_log *log);

/** After that, for each output: by how many units u of half a last place it moves at most when each
 *  input moves by up to u of its own size, a few times at random. A sum whose terms nearly cancel,
 *  or a function that lets little of its sums through, makes that more than the output itself: then
 *  no arithmetic with rounding is as exact as the output is small. Returns: as
 *  clr_reference_forward. */
clrnn_status clr_arrays_move(clr_arrays *arrays, const clrnn_log *log);

#endif
