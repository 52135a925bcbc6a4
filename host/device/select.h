/* SPDX-License-Identifier: MIT
 * device/select.h - which device a selector means. Pure functions of a list of devices. */
#ifndef CLR_DEVICE_SELECT_H
#define CLR_DEVICE_SELECT_H

#include <clrnn/context.h>

/**
 * Order the devices that `selector` allows, the best first: GPUs before accelerators before CPUs,
 * GPUs with memory of their own before those that share the host's, then compute units times clock,
 * then memory. A device that is not available or has no compiler is never allowed.
 *
 * selector: as clrnn_context_desc.device; NULL or empty = $CLRNN_DEVICE, else "auto".
 * order:    out [count]; the first *matches entries are indices into devices.
 * Returns:  CLRNN_OK with *matches > 0, CLRNN_ERR_NO_DEVICE (logged with a list of what exists)
 */
clrnn_status clr_select(const char *selector, const clrnn_device_info *devices, size_t count,
                        const clrnn_log *log, size_t *order, size_t *matches);

/* What has to be listed for a selector. */
typedef enum clr_wanted {
    CLR_WANT_ANY,
    CLR_WANT_NATIVE,      /* nothing else can match */
    CLR_WANT_NATIVE_FIRST /* others could match, but none goes before native */
} clr_wanted;

/** selector: as in clr_select. Threads: any. */
clr_wanted clr_select_wanted(const char *selector);

/** Fill is_auto and reason of every device, by the order that "auto" gives. */
void clr_select_explain(clrnn_device_info *devices, size_t count);

#endif
