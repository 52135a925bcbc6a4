/* SPDX-License-Identifier: MIT
 * layer/norm.h - layer norm of what a network multiplies, of whole scans and of single steps. Each
 * does nothing and returns CLRNN_OK if the network has none. Returns else: as clr_norm_rows. */
#ifndef CLR_LAYER_NORM_H
#define CLR_LAYER_NORM_H

#include "layer/scan.h"

/** The input products of a scan, W x in its gates, of all of its steps at once. */
clrnn_status clr_norm_inputs(clrnn_plan *plan, const clr_scan *scan);

/** The sums U h of a phase of step t: in `sums`, [N,G*H], the columns of its gates. */
clrnn_status clr_norm_sums(clrnn_plan *plan, const clr_scan *scan, uint32_t t, uint32_t phase,
                           cl_mem sums);

/** LN(c) of the cell state after step t, [N,H], to `to`. Back it is made again: keep says no. */
clrnn_status clr_norm_cell(clrnn_plan *plan, const clr_scan *scan, uint32_t t, clrnn_slice c,
                           clr_matrix to, bool keep);

/** Back from plan->dz of step t: dc, [N,H], += what comes through LN. */
clrnn_status clr_norm_cell_back(clrnn_plan *plan, const clr_scan *scan, uint32_t t, clr_matrix dc);

/** Back from du, [N,G*H] of a step: to plan->dsums the columns of a phase. */
clrnn_status clr_norm_sums_back(clrnn_plan *plan, const clr_scan *scan, uint32_t t, uint32_t phase,
                                clrnn_slice du);

/** The gradients of the parameters, from da and du [T*N,G*H] and plan->dz of a whole scan. */
clrnn_status clr_norm_gradients(clrnn_plan *plan, const clr_scan *scan, clr_matrix da,
                                clr_matrix du, clrnn_slice dweights, bool accumulate);

/** After that: da of a whole scan becomes the gradient of W x, in place. */
clrnn_status clr_norm_inputs_back(clrnn_plan *plan, const clr_scan *scan, clr_matrix da);

/** Where the steps of a launch of `count` scans find what layer norm needs: for kernels that do all
 *  of it themselves, with the sums of a step of each scan in an array of [scans,max N,G*H]. */
norm_launch clr_norm_launch_of(const clrnn_plan *plan, const clr_scan *scans, size_t count,
                               const scan_launch *launch);

#endif
