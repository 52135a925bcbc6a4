/* SPDX-License-Identifier: MIT
 * format/pytorch.h - the graph of a state_dict, whatever kind of file it was in. */
#ifndef CLR_FORMAT_PYTORCH_H
#define CLR_FORMAT_PYTORCH_H

#include "format/format.h"

/** By the architecture that desc has, else by names and shapes. Returns: as clrnn_graph_import */
clrnn_status clr_state_dict_import(const clrnn_tensors *set, const clr_format_file *file,
                                   const clrnn_import_desc *desc, const clrnn_log *log,
                                   clrnn_graph **graph);

#endif
