/* SPDX-License-Identifier: MIT
 * layer/open.c - opening a context: the best device that computes right. */
#include "layer/open.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "device/list.h"
#include "device/select.h"
#include "layer/report.h"
#include "layer/trial.h"

/* What `auto` would do is no reason where it has not been done. */
static const char *why_chosen(const clrnn_device_info *device, bool after_others)
{
    return after_others      ? "those that go before it cannot be used"
           : device->is_auto ? device->reason
                             : "the selector asks for it";
}

clrnn_status clr_open_best(const clrnn_context_desc *desc, const clr_candidates *c,
                           clrnn_report *report, clrnn_context **context)
{
    clrnn_status status = CLRNN_ERR_NO_DEVICE;
    const clrnn_device_info *last = NULL;
    *context = NULL;
    size_t tried = 0;
    do {
        last = &c->devices[c->order[tried++]];
        status = clr_try_device(desc, last, c->choice || c->matches > 1,
                                why_chosen(last, c->left_out || tried > 1), report, context);
    } while (tried < c->matches && clr_is_devices_fault(status));
    for (; tried < c->matches; tried++)
        clr_report_add_device(report, CLRNN_REPORT_NOT_TRIED, CLRNN_OK,
                              &c->devices[c->order[tried]], "another goes before it");
    if (!clr_is_devices_fault(status) || c->matches + c->choice < 2) /* it has given its reason */
        return status;
    return clr_fail(&desc->log, status,
                    "of %zu devices that match none can be used: %s, driver %s: %s; choose another "
                    "device",
                    c->matches, last->name, last->driver, clrnn_status_text(status));
}

static void report_others(const clr_candidates *c, clrnn_report *report)
{
    for (size_t i = 0; i < c->count; i++) {
        const clrnn_device_info *info = &c->devices[i];
        const bool usable = info->available && info->has_compiler;
        bool match = false;
        for (size_t k = 0; k < c->matches; k++)
            match = match || c->order[k] == i;
        if (!match)
            clr_report_add_device(report, usable ? CLRNN_REPORT_NOT_TRIED : CLRNN_REPORT_UNUSABLE,
                                  CLRNN_OK, info,
                                  usable ? "it is not what the selector asks for" : info->reason);
    }
}

/* Without those that have been tried. */
static void leave_out_tried(clr_candidates *c, const clrnn_report *report)
{
    size_t kept = 0;
    for (size_t i = 0; i < c->matches; i++)
        if (!clr_report_has_tried(report, c->devices[c->order[i]].device_id))
            c->order[kept++] = c->order[i];
    c->left_out = kept < c->matches;
    c->matches = kept;
}

/* One of the devices that there are and that have not been tried. native_alone: native is all that
 * is looked for. choice: there are others, or were. */
static clrnn_status open_listed(const clrnn_context_desc *desc, bool native_alone, bool choice,
                                clrnn_report *report, clrnn_context **context)
{
    clrnn_device_info *devices = NULL;
    clr_candidates c = {.choice = choice};
    clrnn_status status = clr_devices_list(&desc->log, report, native_alone, &devices, &c.count);
    if (status != CLRNN_OK)
        return status;
    c.devices = devices;
    c.order = clr_calloc(c.count, sizeof *c.order);
    status = c.order ? clr_select(desc->device, devices, c.count, &desc->log, c.order, &c.matches)
                     : clr_fail(&desc->log, CLRNN_ERR_MEMORY,
                                "context: no memory to order %zu devices", c.count);
    if (status == CLRNN_OK)
        leave_out_tried(&c, report);
    if (status == CLRNN_OK)
        status = c.matches ? clr_open_best(desc, &c, report, context) : CLRNN_ERR_NO_DEVICE;
    if (c.order)
        report_others(&c, report);
    free(c.order);
    clrnn_devices_free(&devices);
    return status;
}

/* Native needs no driver, and where no other can be better none is loaded, which takes longer than
 * all that follows. */
static clrnn_status open_selected(const clrnn_context_desc *desc, clrnn_report *report,
                                  clrnn_context **context)
{
    const clr_wanted wanted = clr_select_wanted(desc->device);
    const bool first = wanted == CLR_WANT_NATIVE_FIRST;
    clrnn_status status = open_listed(desc, wanted != CLR_WANT_ANY, first, report, context);
    if (!first || !clr_is_devices_fault(status))
        return status;
    clrnn_status second = open_listed(desc, false, true, report, context);
    return second == CLRNN_ERR_NO_DEVICE ? status : second;
}

/* The context keeps what is needed to go on to another device. Without memory it stays. */
static void keep_choice(clrnn_context *context, const clrnn_context_desc *desc)
{
    context->selector = desc->device ? clr_strdup(desc->device) : NULL;
    context->movable = !desc->device || context->selector;
    context->parallel = desc->parallel;
    context->threads = desc->threads;
    context->timeout_ms = desc->timeout_ms;
}

clrnn_status clr_open_next(clrnn_context *context, clrnn_status status)
{
    clrnn_context *other = NULL;
    const clrnn_context_desc desc = {.device = context->selector,
                                     .log = context->log,
                                     .cache_dir = context->cache_dir ? context->cache_dir : "",
                                     .threads = context->threads,
                                     .parallel = context->parallel,
                                     .timeout_ms = context->timeout_ms};
    if (!context->movable || atomic_load(&context->fixed))
        return status;
    clrnn_status found = open_listed(&desc, clr_select_wanted(desc.device) == CLR_WANT_NATIVE, true,
                                     context->report, &other);
    if (found != CLRNN_OK)
        return status;
    clr_log(&context->log, CLRNN_LOG_WARN, "device %s is not used any longer, but %s",
            context->info.name, other->info.name);
    clr_report_demote_others(
        context->report, other->info.device_id,
        status == CLRNN_ERR_BUILD ? CLRNN_REPORT_NOT_BUILT : CLRNN_REPORT_WRONG, status);
    clr_report_add_self_tests(context->report, context);
    clr_context_exchange(context, other);
    clrnn_context_destroy(&other);
    return CLRNN_OK;
}

/* In the caller's own context and queue. */
static clrnn_status open_given(const clrnn_context_desc *desc, clrnn_report *report,
                               clrnn_context **context)
{
    clrnn_device_info info;
    memset(&info, 0, sizeof info);
    clrnn_status status = desc->queue ? clr_queue_device(&desc->log, desc->queue, &info) : CLRNN_OK;
    if (status == CLRNN_OK)
        status = clr_context_open(desc, &info, context);
    if (status == CLRNN_OK)
        clr_report_add_device(report, CLRNN_REPORT_CHOSEN, CLRNN_OK, &info,
                              "the device of the caller's queue");
    return status;
}

clrnn_status clrnn_context_create(const clrnn_context_desc *desc, clrnn_context **context)
{
    const clrnn_context_desc defaults = {0};
    desc = desc ? desc : &defaults;
    if (desc->report)
        *desc->report = NULL;
    if (!context)
        return clr_fail(&desc->log, CLRNN_ERR_ARGUMENT, "clrnn_context_create: context is NULL");
    *context = NULL;
    clrnn_report *report = clr_report_create();
    if (!report)
        return clr_fail(&desc->log, CLRNN_ERR_MEMORY, "context: no memory for its report");
    const bool given = desc->context || desc->queue;
    clrnn_status status =
        given ? open_given(desc, report, context) : open_selected(desc, report, context);
    if (desc->report && (*desc->report = clr_report_create()) != NULL)
        clr_report_add_all(*desc->report, report);
    if (status == CLRNN_OK)
        (*context)->report = report;
    else
        clrnn_report_destroy(&report);
    if (status == CLRNN_OK && !given)
        keep_choice(*context, desc);
    return status;
}

clrnn_status clrnn_devices_report(const clrnn_log *log, clrnn_report **report)
{
    clrnn_device_info *devices = NULL;
    size_t count = 0;
    if (!report)
        return clr_fail(log, CLRNN_ERR_ARGUMENT, "clrnn_devices_report: report is NULL");
    *report = clr_report_create();
    if (!*report)
        return clr_fail(log, CLRNN_ERR_MEMORY, "no memory for a report");
    clrnn_status status = clr_devices_list(log, *report, false, &devices, &count);
    for (size_t i = 0; i < count; i++) {
        const bool usable = devices[i].available && devices[i].has_compiler;
        clr_report_add_device(*report, usable ? CLRNN_REPORT_PRESENT : CLRNN_REPORT_UNUSABLE,
                              CLRNN_OK, &devices[i], devices[i].reason);
    }
    clrnn_devices_free(&devices);
    if (status == CLRNN_OK && clr_report_lost(*report))
        status = clr_fail(log, CLRNN_ERR_MEMORY, "no memory for a report");
    if (status != CLRNN_OK)
        clrnn_report_destroy(report);
    return status;
}
