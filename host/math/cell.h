/* SPDX-License-Identifier: MIT
 * math/cell.h - composing a program from a cell and a strategy. */
#ifndef CLR_MATH_CELL_H
#define CLR_MATH_CELL_H

#include "device/context.h"
#include "device/program.h"
#include "shape/network.h"

#include "../../cl/cell.cl"
#include "../../cl/function.cl"

/** The options of a network: bits OPTION_ of cl/cell.cl. */
uint32_t clr_cell_options(const clr_network *network);

/**
 * Build the program prelude + cell + the strategy's sources, with the defines that the network's
 * cell and options need, how weights are kept, and those of the strategy's own.
 * With context->options_from_launch one program serves all options of a cell.
 * Returns: as clr_program_get.
 */
clrnn_status clr_cell_program(clrnn_context *context, const clr_network *network,
                              clrnn_precision precision, clrnn_storage storage,
                              const clr_source *const *strategy, size_t source_count,
                              const clr_define *own, size_t own_count, cl_program *program);

#endif
