/* SPDX-License-Identifier: MIT
 * layer/report.h - what self-tests have said, for a report. */
#ifndef CLR_LAYER_REPORT_H
#define CLR_LAYER_REPORT_H

#include "device/report.h"

/** Add the self-tests of a context, the one that ran first coming first. */
void clr_report_add_self_tests(clrnn_report *report, clrnn_context *context);

#endif
