/* SPDX-License-Identifier: MIT
 * graph/implicit.c - see graph/implicit.h. */
#include "graph/implicit.h"

#include "device/buffer.h"

/* Columns that our products have narrow tiles for, of a matrix alone: NARROW of cl/gemm.cl. */
enum { narrow = 4 };

/* More padding than this along an axis may be much more than what windows see of it. */
enum { most_padding = 4096 };

static uint64_t padding_of(const clrnn_node_desc *d, uint32_t axis)
{
    return (uint64_t)d->pad_begin[axis] + d->pad_end[axis];
}

bool clr_implicit_can(const clr_run *run, size_t units)
{
    const clrnn_node_desc *d = &run->node->desc;
    const clr_gemms *gemms = &run->tools->gemms;
    return gemms->own && clr_packed_has_conv(&gemms->packed) && units > narrow &&
           padding_of(d, 0) <= most_padding && padding_of(d, 1) <= most_padding;
}

/* x with its padding. */
static clr_shape padded_shape(const clr_run *run, const clr_axes *axes)
{
    clr_shape shape = run->in[0];
    for (uint32_t i = 0; i < axes->spaces; i++)
        shape.size[axes->space[i]] += padding_of(&run->node->desc, i);
    return shape;
}

static bool is_padded(const clr_run *run)
{
    const clrnn_node_desc *d = &run->node->desc;
    return !run->stream && padding_of(d, 0) + padding_of(d, 1) > 0;
}

size_t clr_implicit_count(const clr_run *run, const clr_axes *axes)
{
    const clr_shape shape = padded_shape(run, axes);
    return is_padded(run) ? clr_shape_count(&shape) : 0;
}

/* padded = x, and zeros around it; w: as x lies there. */
static clrnn_status pad(clr_run *run, const clr_axes *axes, clrnn_slice padded, window_launch *w)
{
    const clr_shape shape = padded_shape(run, axes), *x = &run->in[0];
    const size_t real = clr_tools_real(run->tools);
    map_launch l = clr_launch_over(run, x, padded);
    clr_launch_reads(run, &l, 0, x, 0);
    l.within = (map_lengths){0}; /* there x is 0 */
    for (uint32_t i = 0; i < x->rank; i++)
        l.out_stride[i] = clr_shape_stride(&shape, i);
    for (uint32_t i = 0; i < axes->spaces; i++) {
        const uint32_t axis = (uint32_t)axes->space[i];
        w->x_stride[i] = l.out_stride[axis];
        l.out_at += run->node->desc.pad_begin[i] * l.out_stride[axis];
    }
    w->x_at = padded.offset;
    w->x_channel = l.out_stride[axes->channel];
    w->x_outer = axes->outer == CLR_NO_AXIS ? 0 : l.out_stride[axes->outer];
    clrnn_status status = clr_buffer_zero(run->tools->context, padded.buffer, padded.offset * real,
                                          clr_implicit_count(run, axes) * real);
    return status == CLRNN_OK ? clr_move(run, &l, padded.buffer, run->x[0].buffer, false) : status;
}

clrnn_status clr_implicit_read(clr_run *run, const clr_axes *axes, const window_launch *launch,
                               clrnn_slice padded, cl_mem *x, gemm_windows *windows)
{
    window_launch w = *launch;
    clrnn_status status = CLRNN_OK;
    if (is_padded(run)) {
        status = pad(run, axes, padded, &w);
        *x = padded.buffer;
    }
    *windows = (gemm_windows){.at = w.x_at, .stride = {w.x_outer}, .k_stride = {w.x_channel}};
    for (int i = 0; i < 2; i++) {
        windows->size[i] = w.out_size[i];
        windows->stride[i + 1] = w.step[i] * w.x_stride[i];
        windows->k_size[i] = w.kernel_size[i];
        windows->k_stride[i + 1] = w.dilation[i] * w.x_stride[i];
    }
    return status;
}
