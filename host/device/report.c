/* SPDX-License-Identifier: MIT
 * device/report.c - see device/report.h and clrnn/report.h. */
#include "device/report.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

/* How many bytes the character at `text` has; 0: it is not UTF-8. */
static size_t character(const unsigned char *text)
{
    size_t length = text[0] < 0x80                       ? 1
                    : text[0] >= 0xC2 && text[0] <= 0xDF ? 2
                    : text[0] >= 0xE0 && text[0] <= 0xEF ? 3
                    : text[0] >= 0xF0 && text[0] <= 0xF4 ? 4
                                                         : 0;
    for (size_t i = 1; i < length; i++)
        if ((text[i] & 0xC0) != 0x80)
            return 0;
    const unsigned second = length > 1 ? text[1] : 0;
    const bool wrong = (text[0] == 0xE0 && second < 0xA0) || (text[0] == 0xED && second > 0x9F) ||
                       (text[0] == 0xF0 && second < 0x90) || (text[0] == 0xF4 && second > 0x8F);
    return wrong ? 0 : length;
}

/* What drivers and compilers say, as one line of UTF-8, cut between two characters. */
static void copy_line(char *out, size_t room, const char *text)
{
    size_t used = 0;
    while (*text) {
        size_t length = character((const unsigned char *)text);
        if (used + (length ? length : 1) >= room)
            break;
        if (length > 1)
            memcpy(out + used, text, length);
        else
            out[used] = length == 0 ? '?' : (unsigned char)*text < 32 || *text == 127 ? ' ' : *text;
        used += length ? length : 1;
        text += length ? length : 1;
    }
    out[used] = 0;
}

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
    copy_line(line->name, sizeof line->name, name);
    copy_line(line->reason, sizeof line->reason, reason);
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
            copy_line(l->reason, sizeof l->reason,
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
        copy_line(line->problem, sizeof line->problem, problem);
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
