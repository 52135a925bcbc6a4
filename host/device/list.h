/* SPDX-License-Identifier: MIT
 * device/list.h - asking OpenCL what there is. */
#ifndef CLR_DEVICE_LIST_H
#define CLR_DEVICE_LIST_H

#include "device/report.h"

/**
 * As clrnn_devices_list, and report on OpenCL, native, drivers and platforms (not on devices).
 *
 * report:       may be NULL.
 * native_alone: OpenCL is not even loaded, if there is a native device.
 */
clrnn_status clr_devices_list(const clrnn_log *log, clrnn_report *report, bool native_alone,
                              clrnn_device_info **devices, size_t *count);

/**
 * What the device of the caller's own queue is, as if from clrnn_devices_list; a device that is not
 * listed, such as a part of one, gets UINT32_MAX for its indices.
 * Returns: CLRNN_OK, CLRNN_ERR_MEMORY, CLRNN_ERR_OPENCL
 */
clrnn_status clr_queue_device(const clrnn_log *log, cl_command_queue queue,
                              clrnn_device_info *info);

/** A text of a platform, the caller's, to be freed. On failure NULL. */
clrnn_status clr_platform_text(const clrnn_log *log, cl_platform_id platform, cl_platform_info what,
                               char **text);

#endif
