/* SPDX-License-Identifier: MIT
 * math/packed_conv.c - convolutions of cl/conv.cl: see math/packed.h. */
#include "device/launch.h"
#include "math/packed.h"

static size_t tiles_of(const clr_packed *p, cl_ulong windows)
{
    return ((size_t)windows + p->tile_n - 1) / p->tile_n;
}

size_t clr_packed_line_tiles(const clr_packed *p, const conv_launch *w)
{
    return (size_t)w->out_size[0] * tiles_of(p, w->out_size[1]);
}

size_t clr_packed_joined_tiles(const clr_packed *p, const conv_launch *w)
{
    return tiles_of(p, (w->out_size[0] - 1) * w->x_line + w->out_size[1]);
}

bool clr_packed_conv_has(clrnn_function function)
{
    switch (function) {
    case CLRNN_FN_IDENTITY:
    case CLRNN_FN_RELU:
    case CLRNN_FN_LEAKY_RELU:
    case CLRNN_FN_CLIP:
    case CLRNN_FN_HARD_SIGMOID:
    case CLRNN_FN_HARD_SWISH:
    case CLRNN_FN_TANH:
    case CLRNN_FN_SIGMOID:
    case CLRNN_FN_SILU:
        return true;
    default:
        return false;
    }
}

clrnn_status clr_packed_conv(clr_packed *p, const conv_launch *launch, const double of[2],
                             cl_mem weight, cl_mem x, cl_mem bias, cl_mem y)
{
    conv_launch w = *launch;
    const size_t tiles = w.joined ? clr_packed_joined_tiles(p, &w) : clr_packed_line_tiles(p, &w);
    /* As a product: its blocks are of whole tiles. */
    const clr_gemm product = {.m = (size_t)w.units,
                              .n = (size_t)(w.groups * w.rows) * tiles * p->tile_n,
                              .k = (size_t)(w.channels * w.kernel_size[0] * w.kernel_size[1])};
    size_t block_m = 0, block_n = 0;
    clrnn_status status = clr_packed_kernel(p, "conv", &p->conv);
    clr_packed_blocks(p, &product, &block_m, &block_n);
    w.block_m = block_m;
    w.block_n = block_n / p->tile_n;
    const clr_arg args[] = {CLR_ARG_MEM(weight),
                            CLR_ARG_MEM(x),
                            CLR_ARG_MEM(bias),
                            CLR_ARG_MEM(y),
                            CLR_ARG_STRUCT(w),
                            CLR_ARG_REAL(p->precision, of[0]),
                            CLR_ARG_REAL(p->precision, of[1])};
    const size_t down = (product.m + block_m - 1) / block_m;
    const size_t right = (product.n + block_n - 1) / block_n;
    return status == CLRNN_OK ? clr_launch(p->context, p->conv, (clr_range){{right, down}, {1, 1}},
                                           args, CLR_COUNT(args))
                              : status;
}

clrnn_status clr_packed_conv_apart(clr_packed *p, const conv_launch *launch, const double of[2],
                                   const window_launch *window, const window_planes *planes,
                                   cl_mem weight, cl_mem x, cl_mem padded, cl_mem bias, cl_mem y)
{
    const size_t units = p->context->info.compute_units ? p->context->info.compute_units : 1;
    const size_t count = (size_t)(launch->rows * launch->groups);
    const size_t items = launch->groups < 8 * units ? (size_t)launch->groups : 8 * units;
    conv_launch w = *launch;
    clrnn_status status = clr_packed_kernel(p, "conv_apart", &p->conv_apart);
    w.block_n = (count + items - 1) / items;
    const clr_arg args[] = {CLR_ARG_MEM(weight),
                            CLR_ARG_MEM(x),
                            CLR_ARG_MEM(padded),
                            CLR_ARG_MEM(bias),
                            CLR_ARG_MEM(y),
                            CLR_ARG_STRUCT(w),
                            CLR_ARG_STRUCT(*window),
                            CLR_ARG_STRUCT(*planes),
                            CLR_ARG_REAL(p->precision, of[0]),
                            CLR_ARG_REAL(p->precision, of[1])};
    const size_t right = (size_t)((count + w.block_n - 1) / w.block_n);
    return status == CLRNN_OK ? clr_launch(p->context, p->conv_apart,
                                           (clr_range){{right, 1}, {1, 1}}, args, CLR_COUNT(args))
                              : status;
}
