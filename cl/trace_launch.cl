/* SPDX-License-Identifier: MIT
 * cl/trace_launch.cl - what the host tells the kernels of cl/trace.cl. host/math/trace.h reads this
 * file too, with ulong as cl_ulong: hence no other types. */
#ifndef CLR_TRACE_LAUNCH
#define CLR_TRACE_LAUNCH

/* A value of step t, row n, unit j of an array lies at `at` + t*step + n*row + j, in elements; t, n
 * and j count from the first that are wanted. */
typedef struct trace_view {
    ulong at, step, row;
} trace_view;

/* The block of steps, rows and units that are wanted: [steps,rows,units], and which of all T and N
 * they are. */
typedef struct trace_block {
    ulong steps, rows, units;
    ulong first_step, first_row, batch; /* batch: N */
    ulong has_lengths;                  /* of cl/scan_launch.cl, or 0: all count */
} trace_block;

#define TRACE_NOWHERE 0xfffffffffffffffful

/* The sum of one gate: b_ih + W x + factor*(b_hh + U v) + p*c. Offsets in elements. */
typedef struct trace_sum {
    trace_view x, v, c;  /* x, v without a unit j: a whole row each */
    trace_view u, r;     /* reset after: factor and b_hh + U v as they were saved; else nowhere */
    ulong w_ih, w_hh;    /* weights of unit 0: its rows [I'] and [R] */
    ulong b_ih, b_hh, p; /* TRACE_NOWHERE: there is none */
    ulong inputs, width; /* I', R */
} trace_sum;

/* How many figures trace_reduce gives of a unit or step. */
#define TRACE_FIGURES 9
#endif
