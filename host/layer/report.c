/* SPDX-License-Identifier: MIT
 * layer/report.c - what is known of a context by now; see clrnn/report.h. */
#include "layer/report.h"

#include "base/log.h"
#include "device/context.h"
#include "math/clblast.h"

/* The self-tests, the one that ran first coming first. With the context's lock. */
static void add_self_tests(clrnn_report *report, const clr_tested *tested)
{
    if (!tested)
        return;
    add_self_tests(report, tested->next);
    clrnn_report_entry *entry = clr_report_add(report, CLRNN_REPORT_STRATEGY,
                                               !tested->built    ? CLRNN_REPORT_NOT_BUILT
                                               : !tested->passed ? CLRNN_REPORT_WRONG
                                                                 : CLRNN_REPORT_PASSED,
                                               !tested->built    ? CLRNN_ERR_BUILD
                                               : !tested->passed ? CLRNN_ERR_SELF_TEST
                                                                 : CLRNN_OK,
                                               tested->strategy, "%s%s%s", tested->problem,
                                               tested->reason[0] ? ": " : "", tested->reason);
    clr_report_set_problem(entry, tested->problem);
    if (!entry)
        return;
    entry->forward_error = tested->forward_error;
    entry->forward_bound = tested->forward_bound;
    entry->gradient_error = tested->gradient_error;
    entry->gradient_bound = tested->gradient_bound;
}

void clr_report_add_self_tests(clrnn_report *report, clrnn_context *context)
{
    clr_lock_take(&context->lock);
    add_self_tests(report, context->self_tests);
    clr_lock_give(&context->lock);
}

static void add_products(clrnn_report *report, const clrnn_context *context)
{
    const char *reason = "";
    const bool usable = clr_clblast_usable(context, &reason);
    clr_report_add(report, CLRNN_REPORT_PRODUCTS, CLRNN_REPORT_PRESENT, CLRNN_OK, "packed", "%s",
                   "products of this library");
    clr_report_add(report, CLRNN_REPORT_PRODUCTS,
                   usable ? CLRNN_REPORT_PRESENT : CLRNN_REPORT_ABSENT, CLRNN_OK, "clblast", "%s",
                   reason);
}

clrnn_status clrnn_context_report(clrnn_context *context, clrnn_report **report)
{
    if (report)
        *report = NULL;
    if (!context || !report)
        return clr_fail(context ? &context->log : NULL, CLRNN_ERR_ARGUMENT,
                        "clrnn_context_report: %s is NULL", context ? "report" : "context");
    clrnn_report *made = clr_report_create();
    if (made) {
        clr_report_add_all(made, context->report);
        clr_report_add_self_tests(made, context);
        add_products(made, context);
    }
    if (!made || clr_report_lost(made)) {
        clrnn_report_destroy(&made);
        return clr_fail(&context->log, CLRNN_ERR_MEMORY, "no memory for a report");
    }
    *report = made;
    return CLRNN_OK;
}
