/* SPDX-License-Identifier: MIT
 * math/packed.h - matrix products by our own kernels on packed operands (cl/gemm.cl): the fast way
 * on CPU devices. The same bits for an element whatever rows and columns are around it. */
#ifndef CLR_MATH_PACKED_H
#define CLR_MATH_PACKED_H

#include "device/context.h"
#include "math/product.h"
#include "math/storage.h"

/* cl/conv_launch.cl and cl/map_launch.cl, as the host sees them. */
#define ulong cl_ulong
#include "../../cl/conv_launch.cl"
#include "../../cl/map_launch.cl"
#undef ulong

/* Our own kernels and their scratch memory. One thread at a time. */
typedef struct clr_packed {
    clrnn_context *context;
    clrnn_precision precision;
    clrnn_storage storage;   /* of panels of B */
    clr_converter converter; /* unless that is f32 */
    uint32_t tile_n;
    cl_kernel pack, lanes, gemm, gemm_of_windows, conv, conv_apart;
    cl_mem scratch[2]; /* A and B of products that are packed only once */
    size_t scratch_bytes[2];
    bool holds_a; /* there is the transposed A of the product before */
} clr_packed;

/** Kernels are built when they are first needed, but what packs into another storage now. storage:
 *  of the panels of B; other than f32 they must be packed beforehand. Returns: as
 *  clr_program_get. */
clrnn_status clr_packed_init(clrnn_context *context, clrnn_precision precision,
                             clrnn_storage storage, clr_packed *packed);

/** Build what multiplies, now and not at the first product: who only packs need not. Returns: as
 *  clr_program_get. */
clrnn_status clr_packed_prepare(clr_packed *packed);
void clr_packed_free(clr_packed *packed);

/** A kernel of the program that multiplies, unless it is there. Returns: as clr_program_get. */
clrnn_status clr_packed_kernel(clr_packed *packed, const char *name, cl_kernel *kernel);

/** Rows and columns of C for a work-item: multiples of TILE_M and tile_n. */
void clr_packed_blocks(const clr_packed *packed, const clr_gemm *gemm, size_t *block_m,
                       size_t *block_n);

/** Take what packs from a program that has cl/pack.cl too, in the same precision: a program more is
 *  a tenth of a second of PoCL's compiler, and half of that when it comes from PoCL's cache. */
clrnn_status clr_packed_share(clr_packed *packed, cl_program program);

/** The same of cl/lanes.cl, which nobody else has: for clr_packed_lanes. */
clrnn_status clr_packed_share_lanes(clr_packed *packed, cl_program program);

/** Columns of a panel on this device (TILE_N): two of its own vectors. */
uint32_t clr_packed_width(const clrnn_context *context, clrnn_precision precision);

/** Numbers in a vector of the kernels: 1, 8 or 16 (VEC), where there is such a type a whole panel.
 * A cell then works on two of the device's vectors side by side, which hide each other's latency.
 */
uint32_t clr_packed_vector(const clrnn_context *context, clrnn_precision precision);

/** Whether clr_packed_conv and products of windows can run: on devices with vectors, and weights as
 *  they are. */
bool clr_packed_has_conv(const clr_packed *packed);

/** Numbers in the panels, `width` columns each, of an op(B) of [k,n], of clr_storage_bytes each. */
size_t clr_packed_panel_count(const clr_packed *packed, uint32_t width, size_t n, size_t k);

/** Pack op(B), [k,n], into panels of `width` columns, in `panels` from number `panels_at` on. */
clrnn_status clr_packed_pack(clr_packed *packed, uint32_t width, clr_matrix b, bool transposed,
                             size_t n, size_t k, cl_mem panels, size_t panels_at);

/** Numbers in the lanes of an op(B) of [k,n] (cl/lanes.cl): whole pieces of 16 bytes. */
size_t clr_packed_lane_count(const clr_packed *packed, size_t n, size_t k);

/** Pack op(B), [k,n], into lanes, from number `at` of `lanes` on, a multiple of 16 bytes. After
 *  clr_packed_share_lanes. */
clrnn_status clr_packed_lanes(clr_packed *packed, clr_matrix b, bool transposed, size_t n, size_t k,
                              cl_mem lanes, size_t at);

/** Enqueue a product, of the panels of gemm->prepared, or of gemm->b, which is packed now. */
clrnn_status clr_packed_run(clr_packed *packed, const clr_gemm *gemm);

/** Enqueue a convolution (cl/conv.cl); blocks are chosen here. Behind x there are tile_n numbers
 *  that can be read. of: alpha and beta of the function. bias: any buffer where there is none. */
clrnn_status clr_packed_conv(clr_packed *packed, const conv_launch *launch, const double of[2],
                             cl_mem weight, cl_mem x, cl_mem bias, cl_mem y);

/** The same of groups whose rows each thread pads for itself, so that they stay near: x as `window`
 *  says. padded: from window->cols_at on [groups] planes, each with tile_n numbers more. */
clrnn_status clr_packed_conv_apart(clr_packed *packed, const conv_launch *launch,
                                   const double of[2], const window_launch *window,
                                   const window_planes *planes, cl_mem weight, cl_mem x,
                                   cl_mem padded, cl_mem bias, cl_mem y);

/** Whether that is a function that they can take of what they make. */
bool clr_packed_conv_has(clrnn_function function);

/** Tiles of the windows of a row and group: each line's, and those of all lines joined. */
size_t clr_packed_line_tiles(const clr_packed *packed, const conv_launch *launch);
size_t clr_packed_joined_tiles(const clr_packed *packed, const conv_launch *launch);

#endif
