/* SPDX-License-Identifier: MIT
 * model/prefix.h - the tensors of one prefix; and where there is no network among tensors, which
 * there are, and which prefixes would make it fit. */
#ifndef CLR_MODEL_PREFIX_H
#define CLR_MODEL_PREFIX_H

#include <clrnn/tensors.h>

/** The tensors whose names begin with `prefix`, by their names without it, and all metadata, as a
 *  set of its own that points into the other one, which must outlive it and stay as it is. On
 *  success *part is the caller's. Returns: CLRNN_OK (also if there is none), CLRNN_ERR_MEMORY */
clrnn_status clr_tensors_part(const clrnn_tensors *set, const char *prefix, const clrnn_log *log,
                              clrnn_tensors **part);

/** Whether a set has the tensor that every network has. */
bool clr_has_network(const clrnn_tensors *set);

/** Log that it has not, the names and shapes of its first tensors, and the prefixes under which
 *  there is a network. Returns: CLRNN_ERR_FORMAT, CLRNN_ERR_MEMORY */
clrnn_status clr_fail_without_network(const clrnn_tensors *set, const clrnn_log *log);

#endif
