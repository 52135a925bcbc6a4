/* SPDX-License-Identifier: MIT
 * layer/trial.h - opening a device and seeing whether it computes right, for a bounded time. */
#ifndef CLR_LAYER_TRIAL_H
#define CLR_LAYER_TRIAL_H

#include "device/context.h"
#include "device/report.h"

/**
 * Open a device and, if `test`, run its self-test; with `test` and an OpenCL driver in a thread,
 * which is left behind if it takes longer than desc->timeout_ms: it then releases what it has
 * opened when the driver lets it. Messages go to desc->log in the calling thread. How it went is
 * added to the report; chosen: why, if it serves.
 *
 * Ownership, returns: as clrnn_context_create; CLRNN_ERR_BUILD also where it took too long,
 * CLRNN_ERR_SELF_TEST (not logged).
 */
clrnn_status clr_try_device(const clrnn_context_desc *desc, const clrnn_device_info *device,
                            bool test, const char *chosen, clrnn_report *report,
                            clrnn_context **context);

/** Whether a failure is the device's, so that another one may do, and not the caller's. */
bool clr_is_devices_fault(clrnn_status status);

#endif
