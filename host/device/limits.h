/* SPDX-License-Identifier: MIT
 * device/limits.h - what a device is, made definite, and pretended limits. */
#ifndef CLR_DEVICE_LIMITS_H
#define CLR_DEVICE_LIMITS_H

#include <clrnn/context.h>

/** Exactly one of GPU, CPU and ACCELERATOR, of whatever a driver says: one that is CPU and GPU at
 *  once, as a simulator is, is treated as a GPU; one that is neither as an accelerator. */
cl_device_type clr_device_kind(cl_device_type type);

/**
 * Let a device seem smaller than it is, so that what other devices lack can be tested here.
 *
 * text: "key=value,..", NULL or empty: nothing. Keys: type (gpu, cpu, accelerator), and numbers, of
 * which none can be raised: fp64, fp16, device_fence, rounded_division (0), local_memory (bytes),
 * max_work_group, compute_units, vector_width.
 * Returns: CLRNN_OK, CLRNN_ERR_ARGUMENT (logged)
 */
clrnn_status clr_limits_apply(const char *text, const clrnn_log *log, clrnn_device_info *info);

#endif
