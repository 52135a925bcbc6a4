/* SPDX-License-Identifier: MIT
 * cl/map_launch.cl - what the host tells the kernels of cl/map.cl, and the numbers of what they
 * compute.
 *
 * host/math/map.h reads this file too, with ulong as cl_ulong: so both sides have one layout. Hence
 * ulong alone. Offsets and strides in elements; a stride may be negative, modulo 2^64. */
#ifndef CLR_MAP_LAUNCH
#define CLR_MAP_LAUNCH
#define MAP_AXES   8
#define MAP_INPUTS 3

/* v = combine(a, b, c), of which the function is taken */
#define COMBINE_FIRST         0 /* a */
#define COMBINE_ADD           1
#define COMBINE_SUB           2
#define COMBINE_MUL           3
#define COMBINE_DIV           4
#define COMBINE_MIN           5
#define COMBINE_MAX           6
#define COMBINE_POW           7
#define COMBINE_LESS          8 /* the comparisons: 1 or 0 */
#define COMBINE_LESS_EQUAL    9
#define COMBINE_EQUAL         10
#define COMBINE_NOT_EQUAL     11
#define COMBINE_GREATER       12
#define COMBINE_GREATER_EQUAL 13
#define COMBINE_SELECT        14 /* a != 0 ? b : c */
#define COMBINE_MUL_ADD       15 /* a*b + c */
#define COMBINE_WHERE         16 /* a != 0 ? b : 0 */
#define COMBINE_WHERE_NOT     17 /* a != 0 ? 0 : b */
#define COMBINE_DIV_BACK      18 /* -a*b/(c*c): the gradient a of b/c by c */
#define COMBINE_LAST          19 /* a at the last step of a row, else 0 */

/* Which elements of a row-major array, by their number i, are within the lengths: those with
 * (i / t_stride) % t_size < lengths[lengths_at + (i / n_stride) % n_size]. */
typedef struct map_lengths {
    ulong some; /* 0: all are */
    ulong lengths_at;
    ulong t_stride, t_size;
    ulong n_stride, n_size;
} map_lengths;

typedef struct map_launch {
    ulong rank;
    ulong size[MAP_AXES]; /* what is computed, row-major */
    ulong out_at, out_stride[MAP_AXES];
    ulong at[MAP_INPUTS], stride[MAP_INPUTS][MAP_AXES];
    ulong combine, function;
    ulong gradient; /* 1: c f'(combine(a, b)) in place of f(combine(a, b, c)) */
    map_lengths within;
} map_launch;

/* What is combined of one array in place of a, b, c: a(i + at[k]), k < count. */
#define MAP_TERMS 9
typedef struct map_terms {
    ulong count, at[MAP_TERMS];
} map_terms;

/* y, row-major, of x backwards in time: step t of y is step end - 1 - t*step of x, where `end` is
 * the length of x's row. With lengths of its own, whose step is 1, it is the lesser of both, and
 * what is behind it stays where it is. */
typedef struct turn_launch {
    ulong rank, count;
    ulong size[MAP_AXES]; /* of y */
    ulong y_at, x_at, x_stride[MAP_AXES];
    ulong t_axis, T, step;         /* T: of x */
    ulong n_axis, n_begin, n_step; /* which rows of x; the rank: there is one */
    ulong some, lengths_at;        /* lengths of x; 0: all T */
    ulong own, own_at;             /* lengths of its own; 0: none */
    ulong back;                    /* 1: x is set from y, a gradient */
} turn_launch;

#define REDUCE_MEAN  0
#define REDUCE_SUM   1
#define REDUCE_MAX   2
#define REDUCE_MIN   3
#define REDUCE_LAST  4
#define REDUCE_COUNT 5

/* Some axes of a row-major array a, the others one after the other. Lengths are those of a. */
typedef struct reduce_launch {
    ulong rank, count; /* of the axes that stay: how many, and elements */
    ulong size[MAP_AXES], stride[MAP_AXES];
    ulong inner_rank, inner_count;
    ulong inner_size[MAP_AXES], inner_stride[MAP_AXES];
    ulong out_at, a_at;
    ulong operation;
    map_lengths within;
} reduce_launch;

/* A window of two axes A, B slides over x: cols [outer][out A][out B][channel][window A][window B],
 * 0 where the window lies in the padding. */
typedef struct window_launch {
    ulong x_at, x_outer, x_channel, x_stride[2]; /* elements between neighbours */
    ulong x_size[2], out_size[2];
    ulong outer, channels;
    ulong kernel_size[2], step[2], dilation[2], pad[2]; /* pad: before the first */
    ulong cols_at;
    map_lengths within; /* of scatter: of x */
} window_launch;

/* Where window_overlap finds what is under windows of a channel: one element of the window behind
 * the other; or, where each channel has one of its own, x, times the weight. */
typedef struct overlap_launch {
    ulong outer, channel, element; /* between places of the outer axis, channels, of the window */
    ulong units;                   /* channels of y to one of x; 1 */
    ulong weighs, weight_at;
    ulong has_bias, bias_at, relu;
} overlap_launch;

/* A channel of x as windows see it that go by step[0] and step[1]: every step-th line and column
 * lies in a plane of its own, [count 0][count 1][size 0][size 1], so that neighbouring windows see
 * neighbours. */
typedef struct window_planes {
    ulong count[2], size[2];
} window_planes;
#endif
