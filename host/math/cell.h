/* SPDX-License-Identifier: MIT
 * math/cell.h - composing a program from a cell and a strategy. */
#ifndef CLR_MATH_CELL_H
#define CLR_MATH_CELL_H

#include "device/context.h"
#include "device/program.h"
#include "shape/network.h"

/**
 * Build the program prelude + cell + the strategy's sources, with the defines that the network's
 * variant needs and `vector`, the numbers that one work-item computes (VEC).
 * Returns: as clr_program_get.
 */
clrnn_status clr_cell_program(clrnn_context *context, const clr_network *network,
                              clrnn_precision precision, uint32_t vector,
                              const clr_source *const *strategy, size_t count, cl_program *program);

#endif
