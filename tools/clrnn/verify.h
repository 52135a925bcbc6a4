/* SPDX-License-Identifier: MIT
 * verify.h - what `clrnn verify` tells of machine, drivers and devices beside its checks. */
#ifndef TOOL_VERIFY_H
#define TOOL_VERIFY_H

#include "tool.h"

/** The machine: {"os", "release", "machine", "processor", "processors", "memory_bytes"}. */
cJSON *verify_system(void);

/** A report as JSON, and NULL freed: an empty object where there is no memory. */
cJSON *verify_report_object(clrnn_report **report);

/** Library and machine, and what has become of OpenCL, drivers and devices. */
void verify_print_machine(void);

/** What is known of a device after its checks: limits, what each strategy's self-tests said, its
 *  report, and the time of some problems (quick: of one). Into `device`, or on stdout if NULL.
 *  Returns an exit code. */
int verify_tell_device(clrnn_context *context, bool quick, cJSON *device);

#endif
