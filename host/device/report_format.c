/* SPDX-License-Identifier: MIT
 * device/report_format.c - a report as text and as JSON; see clrnn/report.h. */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/decimal.h"
#include "base/log.h"
#include "device/report.h"

/* Text that is written as snprintf does it. */
typedef struct clr_out {
    char *text;
    size_t size, used;
    bool begun; /* JSON: a member or element has been written, so a comma comes before the next */
} clr_out;

static void put(clr_out *out, const char *format, ...) CLR_PRINTF(2, 3);
static void put(clr_out *out, const char *format, ...)
{
    const size_t room = out->used < out->size ? out->size - out->used : 0;
    va_list args;
    va_start(args, format);
    int length = vsnprintf(room ? out->text + out->used : NULL, room, format, args);
    va_end(args);
    out->used += length > 0 ? (size_t)length : 0;
}

/* --- JSON ------------------------------------------------------------------------------------ */

/* The text is one line of UTF-8. */
static void put_string(clr_out *out, const char *text)
{
    put(out, "\"");
    for (; *text; text++)
        put(out, *text == '"' || *text == '\\' ? "\\%c" : "%c", *text);
    put(out, "\"");
}

static void key(clr_out *out, const char *name)
{
    put(out, "%s\"%s\": ", out->begun ? ", " : "", name);
    out->begun = true;
}

static void text_member(clr_out *out, const char *name, const char *text)
{
    key(out, name);
    put_string(out, text);
}

/* null for what is no number. */
static void real_member(clr_out *out, const char *name, double value)
{
    char text[CLR_DECIMAL_ROOM];
    clr_decimal_write(text, 9, value);
    key(out, name);
    put(out, "%s", isfinite(value) ? text : "null");
}

static void whole_member(clr_out *out, const char *name, uint64_t value)
{
    key(out, name);
    put(out, "%llu", (unsigned long long)value);
}

static void bool_member(clr_out *out, const char *name, bool value)
{
    key(out, name);
    put(out, value ? "true" : "false");
}

static const char *kind_of(const clrnn_device_info *d)
{
    return d->type & CL_DEVICE_TYPE_GPU   ? "gpu"
           : d->type & CL_DEVICE_TYPE_CPU ? "cpu"
                                          : "accelerator";
}

static void device_members(clr_out *out, const clrnn_device_info *d)
{
    char selector[32];
    snprintf(selector, sizeof selector, "%u:%u", (unsigned)d->platform_index,
             (unsigned)d->device_index);
    text_member(out, "device", selector);
    text_member(out, "platform", d->platform);
    text_member(out, "vendor", d->vendor);
    text_member(out, "type", kind_of(d));
    text_member(out, "version", d->version);
    text_member(out, "driver", d->driver);
    whole_member(out, "global_memory_bytes", d->global_memory);
    whole_member(out, "max_allocation_bytes", d->max_allocation);
    whole_member(out, "local_memory_bytes", d->local_memory);
    whole_member(out, "compute_units", d->compute_units);
    whole_member(out, "clock_mhz", d->clock_mhz);
    whole_member(out, "vector_width", d->vector_width);
    whole_member(out, "max_work_group", d->max_work_group);
    bool_member(out, "fp64", d->fp64);
    bool_member(out, "fp16", d->fp16);
    bool_member(out, "unified_memory", d->unified_memory);
    bool_member(out, "available", d->available);
    bool_member(out, "has_compiler", d->has_compiler);
}

static void entry_object(clr_out *out, const clrnn_report_entry *e)
{
    put(out, "%s\n    {", out->begun ? "," : "");
    out->begun = false;
    text_member(out, "kind", clrnn_report_kind_word(e->kind));
    text_member(out, "outcome", clrnn_report_outcome_words(e->outcome));
    text_member(out, "status", clrnn_status_name(e->status));
    text_member(out, "name", e->name);
    text_member(out, "reason", e->reason);
    if (e->seconds > 0)
        real_member(out, "seconds", e->seconds);
    if (e->problem[0]) {
        text_member(out, "problem", e->problem);
        real_member(out, "forward_error", e->forward_error);
        real_member(out, "forward_bound", e->forward_bound);
        real_member(out, "gradient_error", e->gradient_error);
        real_member(out, "gradient_bound", e->gradient_bound);
    }
    if (e->device)
        device_members(out, e->device);
    put(out, "}");
    out->begun = true;
}

static void write_json(clr_out *out, const clrnn_report *report)
{
    const clrnn_report_entry *e;
    put(out, "{\"report\": %d, \"library\": \"%s\", \"entries\": [", CLRNN_REPORT_VERSION,
        clrnn_version_text());
    for (size_t i = 0; (e = clrnn_report_at(report, i)) != NULL; i++)
        entry_object(out, e);
    put(out, "%s]}", out->begun ? "\n" : "");
}

/* --- text ------------------------------------------------------------------------------------ */

static void write_text(clr_out *out, const clrnn_report *report)
{
    const clrnn_report_entry *e;
    for (size_t i = 0; (e = clrnn_report_at(report, i)) != NULL; i++) {
        put(out, "%-9s %-10s ", clrnn_report_kind_word(e->kind),
            clrnn_report_outcome_words(e->outcome));
        put(out, "%s", e->name);
        if (e->device)
            put(out, " (%s, driver %s)", e->device->platform, e->device->driver);
        if (e->reason[0])
            put(out, "%s%s", e->name[0] ? ": " : "", e->reason);
        put(out, "\n");
    }
}

int clrnn_report_format(const clrnn_report *report, clrnn_report_form form, char *text, size_t size)
{
    clr_out out = {.text = text, .size = text ? size : 0};
    if (out.size)
        text[0] = 0;
    if (!report || (form != CLRNN_REPORT_TEXT && form != CLRNN_REPORT_JSON))
        return -1;
    if (form == CLRNN_REPORT_JSON)
        write_json(&out, report);
    else
        write_text(&out, report);
    return (int)out.used;
}
