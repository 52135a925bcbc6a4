/* SPDX-License-Identifier: MIT
 * device/compiler.h - what a device's compiler can be asked for, and what is known of some. */
#ifndef CLR_DEVICE_COMPILER_H
#define CLR_DEVICE_COMPILER_H

#include <clrnn/context.h>

/**
 * Whether kernels can have fences for all work-groups of a device: those of OpenCL C 2.0 or 3.0, or
 * those of a compiler that cl/partition.cl knows.
 *
 * fences: what CL_DEVICE_ATOMIC_FENCE_CAPABILITIES says, 0 if nothing.
 */
bool clr_has_device_fence(const clrnn_device_info *info, cl_ulong fences);

/** The OpenCL C (120, 200 or 300) of kernels with such fences. */
long clr_fence_language(const clrnn_device_info *info);

#endif
