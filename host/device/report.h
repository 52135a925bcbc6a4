/* SPDX-License-Identifier: MIT
 * device/report.h - making the reports of clrnn/report.h. */
#ifndef CLR_DEVICE_REPORT_H
#define CLR_DEVICE_REPORT_H

#include <clrnn/report.h>

#include <stdbool.h>

#include "base/log.h"

/** An empty report, the caller's, to be given to clrnn_report_destroy; NULL: no memory. */
clrnn_report *clr_report_create(void);

/** Add an entry. Where there is no memory for it, it is lost, and the report says that it has lost
 *  something; nothing is done for a report that is NULL. Returns: the entry, whose numbers may be
 *  filled in, or NULL. Threads: one at a time. */
clrnn_report_entry *clr_report_add(clrnn_report *report, clrnn_report_kind kind,
                                   clrnn_report_outcome outcome, clrnn_status status,
                                   const char *name, const char *format, ...) CLR_PRINTF(6, 7);

/** The same for a device. */
clrnn_report_entry *clr_report_add_device(clrnn_report *report, clrnn_report_outcome outcome,
                                          clrnn_status status, const clrnn_device_info *info,
                                          const char *reason);

/** Another device has been chosen, since that which was has failed. */
void clr_report_demote_others(clrnn_report *report, cl_device_id chosen,
                              clrnn_report_outcome outcome, clrnn_status status);

/** Whether an entry is about this device, and it was tried. */
bool clr_report_has_tried(const clrnn_report *report, cl_device_id device);

/** Add the entries of another one. */
void clr_report_add_all(clrnn_report *report, const clrnn_report *from);

/** Give an entry its problem, which is copied. */
void clr_report_set_problem(clrnn_report_entry *entry, const char *problem);

/** Whether entries have been lost. */
bool clr_report_lost(const clrnn_report *report);

#endif
