/* SPDX-License-Identifier: MIT
 * cl/conv_launch.cl - what the host tells the kernel of cl/conv.cl: host/math/packed.h reads this
 * file too, with ulong as cl_ulong. Offsets and strides in elements. */
#ifndef CLR_CONV_LAUNCH
#define CLR_CONV_LAUNCH

/* A window of two axes A, B slides over rows of x, which are planes with padding (window_planes in
 * cl/map_launch.cl). */
typedef struct conv_launch {
    ulong weight_at, x_at, bias_at, y_at;
    ulong rows, x_row, y_row;         /* their number; between rows of x, of y */
    ulong groups;                     /* each with channels, weights, units of its own */
    ulong channels;                   /* of a group */
    ulong x_channel, x_plane, x_line; /* elements of a channel of x, of a plane, of a line */
    ulong planes;                     /* along B */
    ulong kernel_size[2], dilation[2], step[2];
    ulong out_size[2];
    ulong joined;           /* 1: lines of windows one behind the other, what is between them too */
    ulong units;            /* of a group */
    ulong block_m, block_n; /* units and tiles of a work-item */
    ulong has_bias, function; /* as cl/function.cl numbers it */
} conv_launch;
#endif
