/* SPDX-License-Identifier: MIT
 * device/report.c - see device/report.h and clrnn/report.h. */
#include "device/report.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"

/* An entry, first, and what its pointers lead to. */
typedef struct clr_report_line {
    clrnn_report_entry entry;
    struct clr_report_line *next;
    clrnn_device_info device;
    char name[160], reason[640], problem[512];
} clr_report_line;

struct clrnn_report {
    clr_report_line *first, *last;
    size_t count;
    bool lost;
};

clrnn_report *clr_report_create(void)
{
    return clr_calloc(1, sizeof(clrnn_report));
}

static clr_report_line *add_line(clrnn_report *report)
{
    clr_report_line *line = report ? clr_calloc(1, sizeof *line) : NULL;
    if (!line) {
        if (report)
            report->lost = true;
        return NULL;
    }
    line->entry.name = line->name;
    line->entry.reason = line->reason;
    line->entry.problem = line->problem;
    *(report->last ? &report->last->next : &report->first) = line;
    report->last = line;
    report->count++;
    return line;
}

clrnn_report_entry *clr_report_add(clrnn_report *report, clrnn_report_kind kind,
                                   clrnn_report_outcome outcome, clrnn_status status,
                                   const char *name, const char *format, ...)
{
    clr_report_line *line = add_line(report);
    char reason[2048];
    if (!line)
        return NULL;
    va_list args;
    va_start(args, format);
    vsnprintf(reason, sizeof reason, format, args);
    va_end(args);
    line->entry.kind = kind;
    line->entry.outcome = outcome;
    line->entry.status = status;
    clr_copy_line(line->name, sizeof line->name, name);
    clr_copy_line(line->reason, sizeof line->reason, reason);
    return &line->entry;
}

clrnn_report_entry *clr_report_add_device(clrnn_report *report, clrnn_report_outcome outcome,
                                          clrnn_status status, const clrnn_device_info *info,
                                          const char *reason)
{
    clrnn_report_entry *entry =
        clr_report_add(report, CLRNN_REPORT_DEVICE, outcome, status, info->name, "%s", reason);
    if (!entry)
        return NULL;
    clr_report_line *line = report->last;
    line->device = *info;
    entry->device = &line->device;
    return entry;
}

void clr_report_demote_others(clrnn_report *report, cl_device_id chosen,
                              clrnn_report_outcome outcome, clrnn_status status)
{
    for (clr_report_line *l = report->first; l; l = l->next)
        if (l->entry.outcome == CLRNN_REPORT_CHOSEN && l->device.device_id != chosen) {
            l->entry.outcome = outcome;
            l->entry.status = status;
            clr_copy_line(
                l->reason, sizeof l->reason,
                "its first self-test passed, but no strategy that the first plan could use");
        }
}

bool clr_report_has_tried(const clrnn_report *report, cl_device_id device)
{
    bool tried = false;
    for (const clr_report_line *l = report->first; l; l = l->next)
        tried = tried || (l->entry.device && l->device.device_id == device &&
                          l->entry.outcome != CLRNN_REPORT_NOT_TRIED);
    return tried;
}

void clr_report_add_all(clrnn_report *report, const clrnn_report *from)
{
    if (!report || !from)
        return;
    report->lost = report->lost || from->lost;
    for (const clr_report_line *l = from->first; l; l = l->next) {
        clr_report_line *line = add_line(report);
        if (!line)
            continue;
        const clr_report_line made = *line;
        *line = *l;
        line->next = NULL;
        line->entry.name = made.entry.name;
        line->entry.reason = made.entry.reason;
        line->entry.problem = made.entry.problem;
        line->entry.device = l->entry.device ? &line->device : NULL;
    }
}

void clr_report_set_problem(clrnn_report_entry *entry, const char *problem)
{
    if (entry) { /* the first member of its line */
        clr_report_line *line = (clr_report_line *)(void *)entry;
        clr_copy_line(line->problem, sizeof line->problem, problem);
    }
}

bool clr_report_lost(const clrnn_report *report)
{
    return report->lost;
}

void clrnn_report_destroy(clrnn_report **report)
{
    if (!report || !*report)
        return;
    for (clr_report_line *line = (*report)->first, *next; line; line = next) {
        next = line->next;
        free(line);
    }
    free(*report);
    *report = NULL;
}

size_t clrnn_report_count(const clrnn_report *report)
{
    return report ? report->count : 0;
}

const clrnn_report_entry *clrnn_report_at(const clrnn_report *report, size_t index)
{
    const clr_report_line *line = report ? report->first : NULL;
    for (; line && index; index--)
        line = line->next;
    return line ? &line->entry : NULL;
}

const char *clrnn_report_kind_word(clrnn_report_kind kind)
{
    static const char *const words[] = {
#define CLR_WORD(name, word) word,
        CLRNN_REPORT_KIND_LIST(CLR_WORD)};
    return (size_t)kind < sizeof words / sizeof *words ? words[kind] : "unknown";
}

const char *clrnn_report_outcome_words(clrnn_report_outcome outcome)
{
    static const char *const words[] = {CLRNN_REPORT_OUTCOME_LIST(CLR_WORD)};
#undef CLR_WORD
    return (size_t)outcome < sizeof words / sizeof *words ? words[outcome] : "unknown";
}
