/* SPDX-License-Identifier: MIT
 * train/decode.c - the labels of a sequence from what a network tells of its steps (clrnn/ctc.h).
 */
#include <clrnn/ctc.h>

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/memory.h"
#include "train/decode.h"

static double log_add(double a, double b)
{
    const double most = fmax(a, b);
    return most == -INFINITY ? most : most + log1p(exp(fmin(a, b) - most));
}

static double decode_path(const double *log_y, uint32_t steps, uint32_t O, int32_t *labels,
                          uint32_t *count)
{
    double log_p = 0;
    uint32_t before = 0;
    for (uint32_t t = 0; t < steps; t++) {
        const double *y = log_y + (size_t)t * O;
        uint32_t best = 0;
        for (uint32_t k = 1; k < O; k++)
            best = y[k] > y[best] ? k : best;
        if (best && best != before)
            labels[(*count)++] = (int32_t)best;
        before = best;
        log_p += y[best];
    }
    return log_p;
}

/* --- search --------------------------------------------------------------------------------- */

#define NOWHERE UINT32_MAX

/* A beginning: the one before it and a label more. Number 0 has none. */
typedef struct prefix {
    uint32_t before, label, length;
    uint32_t first_child, next_child;
} prefix;

/* A beginning that is kept: log p of the paths to it that end in a blank, and in its label. */
typedef struct beam_entry {
    uint32_t prefix;
    double blank, label;
} beam_entry;

typedef struct search {
    prefix *prefixes;
    size_t prefix_count, prefix_room;
    uint32_t *place;        /* [prefix_room], where a prefix is in `next`, or NOWHERE */
    beam_entry *now, *next; /* [beam], [next_room] */
    size_t now_count, next_count, next_room;
} search;

static double total(const beam_entry *e)
{
    return log_add(e->blank, e->label);
}

/* The most probable first; of equals the one that was found first. */
static int compare(const void *a, const void *b)
{
    const beam_entry *p = a, *q = b;
    const double x = total(p), y = total(q);
    return x > y ? -1 : x < y ? 1 : p->prefix < q->prefix ? -1 : p->prefix > q->prefix;
}

static bool grow_prefixes(search *s)
{
    const size_t room = s->prefix_room ? 2 * s->prefix_room : 256;
    prefix *prefixes = realloc(s->prefixes, room * sizeof *prefixes);
    s->prefixes = prefixes ? prefixes : s->prefixes;
    uint32_t *place = prefixes ? realloc(s->place, room * sizeof *place) : NULL;
    s->place = place ? place : s->place;
    if (!place || room > UINT32_MAX / 2)
        return false;
    s->prefix_room = room;
    return true;
}

/* The beginning with one label more; NOWHERE: no memory. */
static uint32_t child_of(search *s, uint32_t before, uint32_t label)
{
    for (uint32_t c = s->prefixes[before].first_child; c != NOWHERE; c = s->prefixes[c].next_child)
        if (s->prefixes[c].label == label)
            return c;
    if (s->prefix_count == s->prefix_room && !grow_prefixes(s))
        return NOWHERE;
    const uint32_t made = (uint32_t)s->prefix_count++;
    s->prefixes[made] = (prefix){before, label, s->prefixes[before].length + 1, NOWHERE,
                                 s->prefixes[before].first_child};
    s->prefixes[before].first_child = made;
    s->place[made] = NOWHERE;
    return made;
}

/* Its entry for the next step; there is room for all. */
static beam_entry *entry_of(search *s, uint32_t prefix_index)
{
    if (s->place[prefix_index] == NOWHERE) {
        s->place[prefix_index] = (uint32_t)s->next_count;
        s->next[s->next_count++] = (beam_entry){prefix_index, -INFINITY, -INFINITY};
    }
    return &s->next[s->place[prefix_index]];
}

/* What entry e becomes by a step: itself, by a blank or its own label; or one label more, which,
 * where that is its last one again, only follows a blank. */
static bool extend(search *s, const beam_entry *e, const double *y, uint32_t O)
{
    const uint32_t last = s->prefixes[e->prefix].label;
    beam_entry *same = entry_of(s, e->prefix);
    same->blank = log_add(same->blank, total(e) + y[0]);
    if (last)
        same->label = log_add(same->label, e->label + y[last]);
    for (uint32_t k = 1; k < O; k++) {
        const double p = (k == last ? e->blank : total(e)) + y[k];
        if (p == -INFINITY)
            continue;
        const uint32_t child = child_of(s, e->prefix, k);
        if (child == NOWHERE)
            return false;
        beam_entry *more = entry_of(s, child);
        more->label = log_add(more->label, p);
    }
    return true;
}

static bool step(search *s, const double *y, uint32_t O, uint32_t beam)
{
    s->next_count = 0;
    for (size_t i = 0; i < s->now_count; i++)
        if (!extend(s, &s->now[i], y, O))
            return false;
    for (size_t i = 0; i < s->next_count; i++)
        s->place[s->next[i].prefix] = NOWHERE;
    qsort(s->next, s->next_count, sizeof *s->next, compare);
    s->now_count = s->next_count < beam ? s->next_count : beam;
    for (size_t i = 0; i < s->now_count; i++)
        s->now[i] = s->next[i];
    return true;
}

static bool open_search(search *s, uint32_t O, uint32_t beam)
{
    *s = (search){.next_room = (size_t)beam * O};
    s->now = clr_calloc(beam, sizeof *s->now);
    s->next = clr_calloc(s->next_room, sizeof *s->next);
    if (!s->now || !s->next || !grow_prefixes(s))
        return false;
    s->prefixes[0] = (prefix){NOWHERE, 0, 0, NOWHERE, NOWHERE};
    s->place[0] = NOWHERE;
    s->prefix_count = s->now_count = 1;
    s->now[0] = (beam_entry){0, 0, -INFINITY};
    return true;
}

static bool decode_beam(const double *log_y, uint32_t steps, uint32_t O, uint32_t beam,
                        int32_t *labels, uint32_t *count, double *log_p)
{
    search s;
    bool good = open_search(&s, O, beam);
    for (uint32_t t = 0; t < steps && good; t++)
        good = step(&s, log_y + (size_t)t * O, O, beam);
    if (good) {
        uint32_t at = s.now[0].prefix;
        *count = s.prefixes[at].length;
        *log_p = total(&s.now[0]);
        for (uint32_t i = *count; i-- > 0; at = s.prefixes[at].before)
            labels[i] = (int32_t)s.prefixes[at].label;
    }
    free(s.prefixes);
    free(s.place);
    free(s.now);
    free(s.next);
    return good;
}

clrnn_status clrnn_ctc_decode(const double *log_y, uint32_t steps, uint32_t O, uint32_t beam,
                              int32_t *labels, uint32_t *count, double *log_p)
{
    double p = 0;
    if (count)
        *count = 0;
    if (!log_y || !labels || !count || O < 2)
        return CLRNN_ERR_ARGUMENT;
    for (size_t i = 0; i < (size_t)steps * O; i++)
        if (isnan(log_y[i]))
            return CLRNN_ERR_ARGUMENT;
    if (beam == 0)
        p = decode_path(log_y, steps, O, labels, count);
    else if (!decode_beam(log_y, steps, O, beam, labels, count, &p))
        return CLRNN_ERR_MEMORY;
    if (log_p)
        *log_p = p;
    return CLRNN_OK;
}

/* --- how far off ---------------------------------------------------------------------------- */

/* Levenshtein 1966, a row at a time. row: scratch [b_count + 1] */
uint32_t clr_edit_distance(const int32_t *a, uint32_t a_count, const int32_t *b, uint32_t b_count,
                           uint32_t *row)
{
    for (uint32_t j = 0; j <= b_count; j++)
        row[j] = j;
    for (uint32_t i = 1; i <= a_count; i++) {
        uint32_t corner = row[0];
        row[0] = i;
        for (uint32_t j = 1; j <= b_count; j++) {
            const uint32_t change = corner + (a[i - 1] != b[j - 1]);
            const uint32_t less = (row[j] < row[j - 1] ? row[j] : row[j - 1]) + 1;
            corner = row[j];
            row[j] = change < less ? change : less;
        }
    }
    return row[b_count];
}
