/* SPDX-License-Identifier: MIT
 * model/prefix.c - see model/prefix.h. */
#include "model/prefix.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "device/context.h"
#include "model/description.h"
#include "model/tensors.h"

/* What tells a network, at the end of a name; and what may stand before it within a model. */
#define MARK "weight_hh_l0"
#define RNN  "rnn."

enum {
    MOST_TENSORS = 16, /* that a message lists */
    MOST_PREFIXES = 16,
    MOST_TRIALS = 64 /* of names that end in MARK: a file may have a million */
};

clrnn_status clr_tensors_part(const clrnn_tensors *set, const char *prefix, const clrnn_log *log,
                              clrnn_tensors **part)
{
    const size_t length = strlen(prefix);
    size_t first = 0;
    clrnn_tensors *made = NULL;
    *part = NULL;
    clrnn_status status = clrnn_tensors_create(log, &made);
    while (first < set->count && strncmp(set->by_name[first]->name, prefix, length) < 0)
        first++;
    /* sorted names that begin alike follow each other, and stay sorted without their beginnings */
    for (size_t i = first; i < set->count && status == CLRNN_OK; i++) {
        clrnn_tensor tensor = *set->by_name[i];
        if (strncmp(tensor.name, prefix, length) != 0)
            break;
        tensor.name += length;
        status = clr_tensors_append(made, &tensor);
    }
    for (size_t i = 0; i < set->metadata_count && status == CLRNN_OK; i++)
        status = clr_metadata_append(made, set->metadata[i].key, set->metadata[i].value);
    if (status != CLRNN_OK)
        clrnn_tensors_destroy(&made);
    *part = made;
    return status;
}

/* --- what there is --- */

/* A text under construction; what does not fit is left out. */
typedef struct message {
    char text[6000];
    size_t used;
} message;

static void add(message *m, const char *format, ...) CLR_PRINTF(2, 3);
static void add(message *m, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int put = vsnprintf(m->text + m->used, sizeof m->text - m->used, format, args);
    va_end(args);
    m->used += put > 0 ? (size_t)put : 0;
    if (m->used >= sizeof m->text)
        m->used = sizeof m->text - 1;
}

static void list_tensors(message *m, const clrnn_tensors *set)
{
    if (set->count == 0) {
        add(m, "it has no tensors");
        return;
    }
    add(m, "it has %zu tensor%s: ", set->count, set->count == 1 ? "" : "s");
    for (size_t i = 0; i < set->count && i < MOST_TENSORS; i++) {
        const clrnn_tensor *t = set->tensors[i];
        add(m, "%s%s %s", i ? ", " : "", *t->name ? clr_show(t->name).text : "(no name)",
            clr_show_shape(t->rank, t->shape).text);
    }
    if (set->count > MOST_TENSORS)
        add(m, " and %zu more", set->count - MOST_TENSORS);
}

bool clr_has_network(const clrnn_tensors *set)
{
    return clrnn_tensors_find(set, RNN MARK) || clrnn_tensors_find(set, MARK);
}

/* --- prefixes --- */

/* Whether a name belongs to a network under a prefix: *length of that. The prefix of a model stands
 * before its "rnn.". */
static bool find_prefix(const char *name, size_t *length)
{
    const size_t size = strlen(name), mark = strlen(MARK), rnn = strlen(RNN);
    if (size < mark || strcmp(name + size - mark, MARK) != 0)
        return false;
    *length = size - mark;
    bool inside = *length >= rnn && memcmp(name + *length - rnn, RNN, rnn) == 0;
    if (inside && (*length == rnn || name[*length - rnn - 1] == '.'))
        *length -= rnn;
    return true;
}

/* Prefixes tried, and which of them fit. */
typedef struct prefixes {
    const clrnn_tensors *set;
    char *text;    /* scratch for one, room for the longest */
    message fits;  /* those that fit, in quotes, with commas between */
    size_t count;  /* of those */
    size_t trials; /* of all */
    message near;  /* of the first that does not fit: itself and why */
} prefixes;

/* Returns: CLRNN_OK also if it does not fit; CLRNN_ERR_MEMORY */
static clrnn_status try_prefix(prefixes *p, const clrnn_log *log)
{
    clrnn_tensors *part = NULL;
    clrnn_model_desc desc;
    uint8_t vocabulary[256];
    const char *names = NULL;
    char reason[CLR_REASON] = "";
    const clrnn_log keep = clr_reason_log(reason);
    clrnn_status status = clr_tensors_part(p->set, p->text, log, &part);
    if (status != CLRNN_OK)
        return status;
    status = clr_description_read(part, &keep, &desc, vocabulary, &names);
    clrnn_tensors_destroy(&part);
    if (status == CLRNN_ERR_MEMORY)
        return clr_fail(log, status, "%s", reason);
    if (status != CLRNN_OK && !p->near.used)
        add(&p->near, "prefix \"%s\" would not do: %s", clr_show(p->text).text, reason);
    if (status == CLRNN_OK && p->count++ < MOST_PREFIXES)
        add(&p->fits, "%s\"%s\"", p->count > 1 ? ", " : "", clr_show(p->text).text);
    return CLRNN_OK;
}

/* Try the prefix of every name that ends in MARK, in alphabetical order. */
static clrnn_status try_prefixes(prefixes *p, const clrnn_log *log)
{
    clrnn_status status = CLRNN_OK;
    size_t longest = 0, length = 0;
    for (size_t i = 0; i < p->set->count; i++)
        if (find_prefix(p->set->by_name[i]->name, &length) && length > longest)
            longest = length;
    p->text = clr_calloc(longest + sizeof RNN MARK, 1);
    if (!p->text)
        return clr_fail(log, CLRNN_ERR_MEMORY, "no memory for a name of %zu bytes", longest);
    for (size_t i = 0; i < p->set->count && status == CLRNN_OK && p->trials < MOST_TRIALS; i++) {
        const char *name = p->set->by_name[i]->name;
        if (!find_prefix(name, &length))
            continue;
        memcpy(p->text, name, length);
        memcpy(p->text + length, RNN MARK, sizeof RNN MARK);
        if (strcmp(name + length, MARK) == 0 && clrnn_tensors_find(p->set, p->text))
            continue; /* found by that name */
        p->text[length] = 0;
        p->trials++;
        status = try_prefix(p, log);
    }
    free(p->text);
    return status;
}

static void tell_prefixes(message *m, const prefixes *p)
{
    if (p->count == 1)
        add(m, "the prefix %s would make it fit (--prefix in the shell); ", p->fits.text);
    else if (p->count > 1)
        add(m, "each of the prefixes %s%s would make it fit, choose one (--prefix in the shell); ",
            p->fits.text, p->count > MOST_PREFIXES || p->trials == MOST_TRIALS ? " and more" : "");
    else if (p->near.used)
        add(m, "%s; ", p->near.text);
}

clrnn_status clr_fail_without_network(const clrnn_tensors *set, const clrnn_log *log)
{
    static const char none[] = "no network: there is neither " RNN MARK " nor " MARK "; ";
    clrnn_status status = CLRNN_ERR_MEMORY;
    prefixes *p = clr_calloc(1, sizeof *p);
    message *m = clr_calloc(1, sizeof *m);
    if (!p || !m) {
        (void)clr_fail(log, status, "no memory to say what %zu tensors are", set->count);
        goto done;
    }
    p->set = set;
    status = try_prefixes(p, log);
    if (status != CLRNN_OK)
        goto done;
    add(m, "%s", none);
    tell_prefixes(m, p);
    list_tensors(m, set);
    status = clr_fail(log, CLRNN_ERR_FORMAT, "%s", m->text);
done:
    free(m);
    free(p);
    return status;
}
