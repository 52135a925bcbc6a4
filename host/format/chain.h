/* SPDX-License-Identifier: MIT
 * format/chain.h - modules of a state_dict one behind the other, where only one order is possible.
 */
#ifndef CLR_FORMAT_CHAIN_H
#define CLR_FORMAT_CHAIN_H

#include "format/modules.h"

/**
 * The graph of a state_dict: an embedding or x [T,N,I], recurrent modules and norms, a linear layer
 * at the end (its value is the output "logits", that before it "y"). Widths must allow one order
 * alone; between two linear layers there may be anything, so there is one at most, and a
 * convolution has sizes that no tensor tells: such files need an architecture.
 *
 * Returns: CLRNN_OK; CLRNN_ERR_FORMAT: the log says why, and has an architecture with what was
 *          found, to be completed; CLRNN_ERR_MEMORY
 */
clrnn_status clr_chain_build(const clr_modules *modules, const char *file,
                             const clrnn_import_desc *desc, const clrnn_log *log,
                             clrnn_graph **graph);

#endif
