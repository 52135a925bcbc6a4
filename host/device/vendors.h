/* SPDX-License-Identifier: MIT
 * device/vendors.h - the OpenCL drivers that this machine names, which an OpenCL library that only
 * loads drivers (ocl-icd, Khronos' loader) passes over without a word where they fail. */
#ifndef CLR_DEVICE_VENDORS_H
#define CLR_DEVICE_VENDORS_H

#include <stdbool.h>

#include "device/report.h"

/**
 * Report and log each driver that fails at load or has no platform, and a folder without any. After
 * the platforms have been listed, so that those that serve are loaded; platforms: how many there
 * are. Nothing where drivers are not found through files (Windows, macOS).
 * Threads: any.
 */
void clr_vendors_report(clrnn_report *report, const clrnn_log *log, unsigned platforms);

/** Whether OpenCL should be asked for a GPU: not where there are drivers, but all are known to find
 *  none without a file in /dev that belongs to one. Threads: any. */
bool clr_vendors_may_have_gpu(void);

#endif
