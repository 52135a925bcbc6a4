/* SPDX-License-Identifier: MIT
 * layer/open.h - opening the best of several devices. */
#ifndef CLR_LAYER_OPEN_H
#define CLR_LAYER_OPEN_H

#include "device/report.h"

/* Devices to choose from. */
typedef struct clr_candidates {
    const clrnn_device_info *devices; /* [count] */
    size_t count;
    size_t *order; /* [matches], indices of devices, the best first */
    size_t matches;
    bool choice;   /* there are others still */
    bool left_out; /* some that go before these have been tried */
} clr_candidates;

/**
 * Open the first candidate that can be opened and, where there is a choice, passes a self-test
 * (where there is none, the first plan runs it). What becomes of each is reported.
 * Ownership, returns: as clrnn_context_create; what the last one failed with.
 */
clrnn_status clr_open_best(const clrnn_context_desc *desc, const clr_candidates *candidates,
                           clrnn_report *report, clrnn_context **context);

/**
 * The device of a context computes wrong (status: or does not compile) what an application wants:
 * take the next one that its selector allows and that has not been tried, if nothing stands on this
 * one yet. With context->moving.
 * Returns: CLRNN_OK, or `status` where there is none.
 */
clrnn_status clr_open_next(clrnn_context *context, clrnn_status status);

#endif
