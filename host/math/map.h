/* SPDX-License-Identifier: MIT
 * math/map.h - the kernels of a graph's nodes (cl/map.cl, cl/normalize.cl, cl/window.cl), one typed
 * function for each. Arrays are row-major; offsets and strides in elements. */
#ifndef CLR_MATH_MAP_H
#define CLR_MATH_MAP_H

#include <clrnn/context.h>
#include <clrnn/network.h>

#include "device/launch.h"
#include "math/sequence.h"

/* cl/map_launch.cl, as the host sees it. */
#define ulong cl_ulong
#include "../../cl/function.cl"
#include "../../cl/map_launch.cl"
#undef ulong

/* The kernels of cl/nodes.cl, each made when it is first asked for, so that a driver that compiles
 * a kernel then does it for what is used. One thread at a time. */
enum { CLR_MAP_KERNELS = 40 };

typedef struct clr_maps {
    clrnn_context *context;
    clrnn_precision precision;
    cl_program program;
    size_t columns; /* MAP_COLUMNS */
    cl_mem lengths; /* what a launch's lengths count from; any buffer where there are none */
    struct {
        const char *name;
        cl_kernel kernel;
    } kernels[CLR_MAP_KERNELS];
    size_t kernel_count;
} clr_maps;

/** Build. Returns: as clr_program_get. */
clrnn_status clr_maps_init(clrnn_context *context, clrnn_precision precision, clr_maps *maps);
void clr_maps_free(clr_maps *maps);

/** Enqueue a kernel by its name, a literal, over [columns, rows]: what a kind of node has for
 * itself alone. Returns: as clr_launch; CLRNN_ERR_RANGE: there are more kernels than
 * CLR_MAP_KERNELS */
clrnn_status clr_maps_launch(clr_maps *maps, const char *name, size_t columns, size_t rows,
                             const clr_arg *args, size_t count);

/* Each enqueues the kernel of its name, which several kinds share; see there. Returns: CLRNN_OK,
 * CLRNN_ERR_OPENCL. */

/** b, c: NULL buffers where the combination does not read them. Axes that lie one behind the other
 *  are made one. */
clrnn_status clr_map(clr_maps *maps, const map_launch *launch, cl_mem out, const cl_mem in[3],
                     double alpha, double beta);
/** The same of terms of one array. */
clrnn_status clr_map_of_terms(clr_maps *maps, const map_launch *launch, const map_terms *terms,
                              cl_mem out, cl_mem in, double alpha, double beta);
clrnn_status clr_map_ids(clr_maps *maps, const map_launch *launch, cl_mem out, cl_mem in);
/** ids: whether x and y are; own: NULL where it has none. */
clrnn_status clr_turn(clr_maps *maps, const turn_launch *launch, bool ids, cl_mem x, cl_mem y,
                      cl_mem own);
/** y [count] from x: numbers of ids, or ids of numbers. */
clrnn_status clr_cast(clr_maps *maps, bool from_ids, size_t count, clrnn_slice x, clrnn_slice y);
clrnn_status clr_map_dropout(clr_maps *maps, const map_launch *launch, cl_mem out, cl_mem in,
                             const clr_drop *drop);
clrnn_status clr_reduce(clr_maps *maps, const reduce_launch *launch, cl_mem out, cl_mem in);
clrnn_status clr_reduce_back(clr_maps *maps, const reduce_launch *launch, clrnn_slice dx, cl_mem in,
                             clrnn_slice y, clrnn_slice dy);

/* An array as [outer, K, inner]. */
typedef struct clr_folded {
    size_t outer, K, inner;
    map_lengths within;
} clr_folded;

clrnn_status clr_softmax(clr_maps *maps, const clr_folded *shape, bool logarithm, clrnn_slice x,
                         clrnn_slice y);
clrnn_status clr_softmax_back(clr_maps *maps, const clr_folded *shape, bool logarithm,
                              clrnn_slice y, clrnn_slice dy, clrnn_slice dx);

/* Weight and bias of a norm; without buffer there are none. */
typedef struct clr_affine {
    clrnn_slice weight, bias; /* of one buffer */
} clr_affine;

/** kept: absent = nothing is kept */
clrnn_status clr_layer_norm(clr_maps *maps, const clr_folded *shape, double epsilon,
                            clr_affine affine, clrnn_slice x, clrnn_slice y, clrnn_slice kept);
clrnn_status clr_layer_norm_back(clr_maps *maps, const clr_folded *shape, clr_affine affine,
                                 clrnn_slice kept, clrnn_slice dy, clrnn_slice dx);

/** running: mean and variance, in one buffer */
clrnn_status clr_channel_statistics(clr_maps *maps, const clr_folded *shape, double momentum,
                                    clr_affine running, clrnn_slice x, clrnn_slice statistics);
clrnn_status clr_channel_fold(clr_maps *maps, size_t channels, double epsilon, clr_affine from,
                              clr_affine affine, clrnn_slice folded);
/** dx: absent = not wanted; gradient: of weight and bias */
clrnn_status clr_channel_back(clr_maps *maps, const clr_folded *shape, double epsilon,
                              clr_affine affine, clrnn_slice statistics, clrnn_slice x,
                              clrnn_slice dy, clrnn_slice dx, clr_affine gradient);

clrnn_status clr_window_gather(clr_maps *maps, const window_launch *launch, cl_mem x, cl_mem cols);
/** x with its padding, [outer][channel] planes, from cols_at on. */
clrnn_status clr_window_pad(clr_maps *maps, const window_launch *launch,
                            const window_planes *planes, cl_mem x, cl_mem padded);
clrnn_status clr_window_scatter(clr_maps *maps, const window_launch *launch, cl_mem x, cl_mem cols);

/** That on a CPU, of cols that lie as `overlap` says; there are no lengths. */
clrnn_status clr_window_overlap(clr_maps *maps, const window_launch *launch,
                                const overlap_launch *overlap, cl_mem x, cl_mem cols,
                                cl_mem parameters);

/** history [H,N,C] from steps [H+T,N,C]; lengths of the rule that begins at `lengths_at`, or all T
 */
clrnn_status clr_window_history(clr_maps *maps, clrnn_slice steps, clrnn_slice history,
                                bool has_lengths, size_t lengths_at, size_t H, size_t T, size_t N,
                                size_t C);

/** y [outer,M,inner] from x [outer,K,inner]; `within` of y */
clrnn_status clr_pick(clr_maps *maps, const clr_folded *shape, size_t M, clrnn_slice x,
                      clrnn_slice ids, clrnn_slice y);
clrnn_status clr_pick_hot(clr_maps *maps, const map_lengths *within, size_t V, size_t M,
                          clrnn_slice ids, clrnn_slice y);
/** dx of it, from dy */
clrnn_status clr_pick_back(clr_maps *maps, const clr_folded *shape, size_t M, clrnn_slice dy,
                           clrnn_slice ids, clrnn_slice dx);

#endif
