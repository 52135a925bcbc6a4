/* SPDX-License-Identifier: MIT
 * layer/open.h - opening the best of several devices. */
#ifndef CLR_LAYER_OPEN_H
#define CLR_LAYER_OPEN_H

#include <clrnn/context.h>

/**
 * Open the first of devices[order[0..matches-1]] that can be opened and, where there is a choice,
 * passes a self-test (where there is none, the first plan runs it). matches is at least 1.
 * Ownership, returns: as clrnn_context_create; CLRNN_ERR_SELF_TEST if the last one computes wrong
 * results.
 */
clrnn_status clr_open_best(const clrnn_context_desc *desc, const clrnn_device_info *devices,
                           const size_t *order, size_t matches, clrnn_context **context);

#endif
