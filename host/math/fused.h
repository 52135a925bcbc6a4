/* SPDX-License-Identifier: MIT
 * math/fused.h - one typed function for each kernel of cl/fused_forward.cl and fused_backward.cl:
 * products of steps that end in the cell. */
#ifndef CLR_MATH_FUSED_H
#define CLR_MATH_FUSED_H

#include "device/context.h"
#include "math/packing.h"
#include "math/scan.h"
#include "shape/network.h"

#include "../../cl/fused_launch.cl"

enum { CLR_FUSED_MOST_ROWS = 128 }; /* of a tile */

/* Panels of FUSED_SIDE columns, whatever the device's width. */
extern const clr_packing clr_packing_fused;

/* The kernels for one network variant. One thread at a time. */
typedef struct clr_fused {
    clrnn_context *context;
    const clr_network *network;
    clrnn_precision precision;
    uint32_t rows; /* of a tile */
    cl_kernel forward, back_first, back;
    cl_kernel second, back_second; /* two phases, or projected */
} clr_fused;

/** Rows of a tile: as few as there are tiles for, since more of them keep more of a device at work.
 */
uint32_t clr_fused_rows(clrnn_precision precision, uint32_t batch);

/** A batch that has so many rows in a tile, FUSED_SIDE of them or more; of many rows one of
 *  more than a tile. */
uint32_t clr_fused_batch(uint32_t rows);

/** Why the device cannot run them, or NULL. */
const char *clr_fused_refuses(const clrnn_context *context, clrnn_precision precision);

/** Build what forward needs, and back if `train`, for products of up to `batch` rows; on failure
 *  everything is released. `network` must outlive it. Returns: as clr_program_get. */
clrnn_status clr_fused_init(clrnn_context *context, const clr_network *network,
                            clrnn_precision precision, clrnn_storage storage, bool train,
                            uint32_t batch, clr_fused *fused);
void clr_fused_free(clr_fused *fused);

/* Steps of a launch in order, 0 first: those after it have its arguments but one. */

/** Enqueue phase `phase` of a step of all directions of the launch: its product, of h, then of a
 *  cell with two phases or of a projection that of what was saved. index: which step, from 0, in
 *  the order in which they are scanned. Returns: CLRNN_OK, CLRNN_ERR_OPENCL. */
clrnn_status clr_fused_forward(clr_fused *fused, const clr_forward_scan *scan, uint32_t index,
                               uint32_t phase);

/** Enqueue the first phase of the step that is scanned back first, of all directions. Returns:
 *  CLRNN_OK, CLRNN_ERR_OPENCL. */
clrnn_status clr_fused_back_first(clr_fused *fused, const clr_backward_scan *scan);

/** Enqueue the product of a step of what comes back through the recurrent weights, and the first
 *  phase of the step after it, if there is one. number: the step, from 0, in the order in which
 *  they are scanned back. Returns: the same. */
clrnn_status clr_fused_back(clr_fused *fused, const clr_backward_scan *scan, uint32_t number);

/** Enqueue the phase between these, of a cell that has two, or of a projection. Returns: the same.
 */
clrnn_status clr_fused_back_second(clr_fused *fused, const clr_backward_scan *scan,
                                   uint32_t number);

#endif
