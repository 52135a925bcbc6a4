/* SPDX-License-Identifier: MIT
 * cl/conv_launch.cl - what the host tells the kernel of cl/conv.cl: host/math/packed.h reads this
 * file too, with ulong as cl_ulong. Offsets and strides in elements. */
#ifndef CLR_CONV_LAUNCH
#define CLR_CONV_LAUNCH

/* A window of two axes A, B slides over rows of x, whose padding lies in memory; along B step by
 * step. */
typedef struct conv_launch {
    ulong weight_at, x_at, bias_at, y_at;
    ulong rows, x_row, y_row;          /* their number; between rows of x, of y */
    ulong groups;                      /* each with channels, weights, units of its own */
    ulong channels, x_channel, x_line; /* of a group of x: number; between channels, along A */
    ulong kernel_size[2], dilation[2];
    ulong step; /* along A */
    ulong out_size[2];
    ulong units;            /* of a group */
    ulong block_m, block_n; /* units and tiles of a work-item */
    ulong has_bias, relu;
} conv_launch;
#endif
