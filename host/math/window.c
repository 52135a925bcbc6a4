/* SPDX-License-Identifier: MIT
 * math/window.c - the kernels of cl/window.cl that slide windows: see math/map.h. */
#include "math/map.h"

static size_t window_of(const window_launch *l)
{
    return (size_t)(l->channels * l->kernel_size[0] * l->kernel_size[1]);
}

clrnn_status clr_window_gather(clr_maps *m, const window_launch *l, cl_mem x, cl_mem cols)
{
    const clr_arg args[] = {CLR_ARG_MEM(x), CLR_ARG_MEM(cols), CLR_ARG_STRUCT(*l)};
    const size_t rows = (size_t)(l->outer * l->out_size[0] * l->out_size[1]);
    return clr_maps_launch(m, "window_gather", (window_of(l) + m->columns - 1) / m->columns, rows,
                           args, CLR_COUNT(args));
}

clrnn_status clr_window_pad(clr_maps *m, const window_launch *l, const window_planes *planes,
                            cl_mem x, cl_mem padded)
{
    const clr_arg args[] = {CLR_ARG_MEM(x), CLR_ARG_MEM(padded), CLR_ARG_STRUCT(*l),
                            CLR_ARG_STRUCT(*planes)};
    return clr_maps_launch(m, "window_pad", (size_t)l->channels, (size_t)l->outer, args,
                           CLR_COUNT(args));
}

clrnn_status clr_window_scatter(clr_maps *m, const window_launch *l, cl_mem x, cl_mem cols)
{
    const clr_arg args[] = {CLR_ARG_MEM(x), CLR_ARG_MEM(cols),
                            CLR_ARG_MEM(m->lengths ? m->lengths : x), CLR_ARG_STRUCT(*l)};
    const size_t places = (size_t)(l->outer * l->x_size[0] * l->x_size[1]);
    return clr_maps_launch(m, "window_scatter", (size_t)l->channels, places, args, CLR_COUNT(args));
}

clrnn_status clr_window_overlap(clr_maps *m, const window_launch *l, const overlap_launch *o,
                                cl_mem x, cl_mem cols, cl_mem parameters)
{
    const clr_arg args[] = {CLR_ARG_MEM(x),          CLR_ARG_MEM(cols),  CLR_ARG_MEM(parameters),
                            CLR_ARG_MEM(parameters), CLR_ARG_STRUCT(*l), CLR_ARG_STRUCT(*o)};
    return clr_maps_launch(m, "window_overlap", (size_t)l->channels,
                           (size_t)(l->outer * l->x_size[0]), args, CLR_COUNT(args));
}

clrnn_status clr_window_history(clr_maps *m, clrnn_slice steps, clrnn_slice history,
                                bool has_lengths, size_t lengths_at, size_t H, size_t T, size_t N,
                                size_t C)
{
    const clr_arg args[] = {CLR_ARG_MEM(steps.buffer),
                            CLR_ARG_ULONG(steps.offset),
                            CLR_ARG_MEM(history.buffer),
                            CLR_ARG_ULONG(history.offset),
                            CLR_ARG_MEM(m->lengths ? m->lengths : steps.buffer),
                            CLR_ARG_ULONG(lengths_at),
                            CLR_ARG_UINT(has_lengths),
                            CLR_ARG_ULONG(H),
                            CLR_ARG_ULONG(T),
                            CLR_ARG_ULONG(N),
                            CLR_ARG_ULONG(C)};
    return clr_maps_launch(m, "window_history", C, H * N, args, CLR_COUNT(args));
}
