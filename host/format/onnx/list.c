/* SPDX-License-Identifier: MIT
 * format/onnx/list.c - sequences of arrays, whose lengths are known: they are gone when the model
 * has been read. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "format/onnx/body.h"
#include "format/onnx/inner.h"

enum { MOST_ITEMS = 1 << 20 }; /* of all sequences of a model */

/* Its items are others' too: each belongs to the sequence that was made with it. */
struct onnx_list {
    onnx_list *next;         /* of the model */
    const onnx_value **item; /* [count] */
    onnx_value *own;         /* [owned] */
    uint32_t count, owned;
};

void clr_onnx_lists_free(onnx_import *m)
{
    while (m->lists) {
        onnx_list *list = m->lists;
        m->lists = list->next;
        clr_onnx_free_values(list->own, list->owned);
        free(list->item);
        free(list);
    }
    m->listed = 0;
}

static clrnn_status make_list(onnx_node *n, size_t count, size_t owned, onnx_list **made)
{
    onnx_list *list = clr_calloc(1, sizeof *list);
    *made = list;
    if (!list)
        return clr_onnx_fail(n, CLRNN_ERR_MEMORY, "out of memory");
    list->next = n->m->lists;
    n->m->lists = list;
    n->m->listed += count + 1;
    if (n->m->listed > MOST_ITEMS)
        return clr_onnx_fail(n, CLRNN_ERR_UNSUPPORTED, "too many items of sequences");
    list->item = clr_calloc(count + 1, sizeof *list->item);
    list->own = clr_onnx_new_values(owned);
    if (!list->item || !list->own)
        return clr_onnx_fail(n, CLRNN_ERR_MEMORY, "out of memory");
    list->count = (uint32_t)count;
    list->owned = (uint32_t)owned;
    return CLRNN_OK;
}

static clrnn_status need_list(onnx_node *n, const onnx_list **list)
{
    *list = n->in[0]->list;
    return *list ? CLRNN_OK : clr_onnx_fail(n, CLRNN_ERR_FORMAT, "its input is no sequence");
}

/* A place by input k: below `end`, or where that is left out the last. */
static clrnn_status place(onnx_node *n, uint32_t k, uint32_t end, uint32_t *at)
{
    double where = 0;
    clrnn_status status = clr_onnx_need_number(n, k, "position", (double)end - 1, &where);
    if (status == CLRNN_OK && !(where >= -(double)end && where < (double)end))
        status = clr_onnx_fail(n, CLRNN_ERR_FORMAT, "position %g of %u", where, end);
    if (status == CLRNN_OK)
        *at = (uint32_t)(where < 0 ? where + (double)end : where);
    return status;
}

/* --- made of arrays --------------------------------------------------------------------------- */

static clrnn_status construct_build(onnx_node *n)
{
    onnx_list *list = NULL;
    int64_t type = 0; /* of nothing, which has no elements */
    clrnn_status status = make_list(n, n->inputs, n->inputs, &list);
    if (status == CLRNN_OK && strcmp(n->op, "SequenceEmpty") == 0)
        status = clr_onnx_integer(n, "dtype", 1, &type);
    for (uint32_t i = 0; i < n->inputs && status == CLRNN_OK; i++) {
        list->item[i] = &list->own[i];
        if (!n->in[i])
            return clr_onnx_fail(n, CLRNN_ERR_FORMAT, "its input %u is missing", i);
        status = n->in[i]->list ? clr_onnx_fail(n, CLRNN_ERR_UNSUPPORTED, "a sequence of sequences")
                                : clr_onnx_copy_value(n, n->in[i], "", &list->own[i]);
    }
    if (status == CLRNN_OK)
        clr_onnx_set_list(n, 0, list);
    return status;
}

/* Sizes of the parts of an axis of K: input 1, or 1. */
static clrnn_status part_sizes(onnx_node *n, uint64_t K, int64_t **sizes, size_t *count)
{
    const bool given = clr_onnx_has(n, 1);
    clrnn_status status = given ? clr_onnx_need_same(n, 1, "split") : CLRNN_OK;
    if (status != CLRNN_OK)
        return status;
    const onnx_array *split = given ? &n->in[1]->array[0] : NULL;
    const bool many = given && split->rank == 1;
    const double each = given ? clr_onnx_at(split, 0) : 1;
    if (!many && !(each >= 1 && each <= 1e9))
        return clr_onnx_fail(n, CLRNN_ERR_FORMAT, "parts of %g", each);
    *count = many ? (size_t)split->size[0] : (size_t)((K + (uint64_t)each - 1) / (uint64_t)each);
    if (*count > MOST_ITEMS)
        return clr_onnx_fail(n, CLRNN_ERR_UNSUPPORTED, "%zu parts", *count);
    *sizes = clr_calloc(*count + 1, sizeof **sizes);
    if (!*sizes)
        return clr_onnx_fail(n, CLRNN_ERR_MEMORY, "out of memory");
    double left = (double)K;
    for (size_t i = 0; i < *count; i++) {
        const double size = many ? clr_onnx_at(split, i) : each < left ? each : left;
        left -= size;
        if (!(size >= 0 && left >= 0))
            return clr_onnx_fail(n, CLRNN_ERR_FORMAT, "a part of %g", size);
        (*sizes)[i] = (int64_t)size;
    }
    return left == 0 ? CLRNN_OK : clr_onnx_fail(n, CLRNN_ERR_FORMAT, "parts that leave %g", left);
}

static clrnn_status split_build(onnx_node *n)
{
    int64_t axis = 0, keep = 1, *sizes = NULL, begin = 0;
    size_t count = 0;
    onnx_list *list = NULL;
    onnx_body b = {.n = n};
    clrnn_status status = clr_onnx_integer(n, "axis", 0, &axis);
    if (status == CLRNN_OK)
        status = clr_onnx_integer(n, "keepdims", 1, &keep);
    if (status != CLRNN_OK)
        return status;
    const uint32_t x = clr_onnx_say_input(&b, 0);
    const uint64_t K = clr_onnx_say_size(&b, x, axis);
    if (b.status == CLRNN_OK)
        b.status = part_sizes(n, K, &sizes, &count);
    if (b.status == CLRNN_OK)
        b.status = make_list(n, count, count, &list);
    for (size_t i = 0; i < count && b.status == CLRNN_OK; i++) {
        uint32_t part = clr_onnx_say_cut(&b, x, axis, begin, begin + sizes[i], 1);
        if (!keep && !clr_onnx_has(n, 1)) {
            const uint32_t axes = clr_onnx_say_list(&b, &axis, 1);
            part = ONNX_SAY(&b, "Squeeze", ONNX_PLAIN, part, axes);
        }
        begin += sizes[i];
        list->item[i] = &list->own[i];
        if (b.status == CLRNN_OK)
            b.status = clr_onnx_copy_value(n, &b.value[part], "", &list->own[i]);
    }
    if (b.status == CLRNN_OK)
        clr_onnx_set_list(n, 0, list);
    free(sizes);
    return clr_onnx_body_end(&b);
}

/* --- changed ---------------------------------------------------------------------------------- */

static clrnn_status insert_build(onnx_node *n)
{
    const onnx_list *from = NULL;
    onnx_list *list = NULL;
    uint32_t at = 0;
    clrnn_status status = need_list(n, &from);
    if (status == CLRNN_OK && n->in[1]->list)
        status = clr_onnx_fail(n, CLRNN_ERR_UNSUPPORTED, "a sequence of sequences");
    if (status == CLRNN_OK && clr_onnx_has(n, 2)) {
        double where = 0; /* -1: before the last */
        status = clr_onnx_need_number(n, 2, "position", 0, &where);
        const double end = (double)from->count;
        if (status == CLRNN_OK && !(where >= -end && where <= end))
            status = clr_onnx_fail(n, CLRNN_ERR_FORMAT, "position %g of %g", where, end);
        if (status == CLRNN_OK)
            at = (uint32_t)(where < 0 ? where + end : where);
    } else if (status == CLRNN_OK) {
        at = from->count;
    }
    if (status == CLRNN_OK)
        status = make_list(n, from->count + 1u, 1, &list);
    if (status == CLRNN_OK)
        status = clr_onnx_copy_value(n, n->in[1], "", list->own);
    for (uint32_t i = 0; status == CLRNN_OK && i <= from->count; i++)
        list->item[i] = i == at ? list->own : from->item[i < at ? i : i - 1];
    if (status == CLRNN_OK)
        clr_onnx_set_list(n, 0, list);
    return status;
}

static clrnn_status erase_build(onnx_node *n)
{
    const onnx_list *from = NULL;
    onnx_list *list = NULL;
    uint32_t at = 0;
    clrnn_status status = need_list(n, &from);
    if (status == CLRNN_OK)
        status = place(n, 1, from->count, &at);
    if (status == CLRNN_OK)
        status = make_list(n, from->count - 1u, 0, &list);
    for (uint32_t i = 0; status == CLRNN_OK && i + 1 < from->count; i++)
        list->item[i] = from->item[i < at ? i : i + 1];
    if (status == CLRNN_OK)
        clr_onnx_set_list(n, 0, list);
    return status;
}

/* --- arrays made of them ---------------------------------------------------------------------- */

static clrnn_status at_build(onnx_node *n)
{
    const onnx_list *from = NULL;
    uint32_t at = 0;
    clrnn_status status = need_list(n, &from);
    if (status == CLRNN_OK)
        status = place(n, 1, from->count, &at);
    return status == CLRNN_OK ? clr_onnx_set_alias(n, 0, from->item[at]) : status;
}

static clrnn_status length_build(onnx_node *n)
{
    const onnx_list *from = NULL;
    onnx_array array = {.type = ONNX_INT};
    clrnn_status status = need_list(n, &from);
    if (status == CLRNN_OK)
        status = clr_onnx_allocate(n, &array);
    if (status != CLRNN_OK)
        return status;
    array.data[0] = from->count;
    clr_onnx_set_known(n, 0, &array, NULL);
    return CLRNN_OK;
}

static clrnn_status join_build(onnx_node *n)
{
    const onnx_list *from = NULL;
    int64_t axis = 0, fresh = 0;
    onnx_body b = {.n = n};
    onnx_value joined = {.at = CLR_NO_VALUE};
    const onnx_value **parts = NULL;
    clrnn_status status = need_list(n, &from);
    if (status == CLRNN_OK && !clr_onnx_attribute(n, "axis"))
        status = clr_onnx_fail(n, CLRNN_ERR_FORMAT, "it has no axis");
    if (status == CLRNN_OK)
        status = clr_onnx_integer(n, "axis", 0, &axis);
    if (status == CLRNN_OK)
        status = clr_onnx_integer(n, "new_axis", 0, &fresh);
    if (status == CLRNN_OK && from->count == 0)
        status = clr_onnx_fail(n, CLRNN_ERR_UNSUPPORTED, "a sequence of nothing");
    if (status != CLRNN_OK)
        return status;
    onnx_value *wide = clr_onnx_new_values(from->count);
    parts = clr_calloc(from->count, sizeof *parts);
    const uint32_t axes = clr_onnx_say_list(&b, &axis, 1);
    if (b.status == CLRNN_OK && (!wide || !parts))
        b.status = clr_onnx_fail(n, CLRNN_ERR_MEMORY, "out of memory");
    for (uint32_t i = 0; i < from->count && b.status == CLRNN_OK; i++) {
        parts[i] = fresh ? &wide[i] : from->item[i];
        if (fresh)
            b.status =
                clr_onnx_apply(n, "Unsqueeze", ONNX_PLAIN,
                               (const onnx_value *[]){from->item[i], &b.value[axes]}, 2, &wide[i]);
    }
    if (b.status == CLRNN_OK)
        b.status = clr_onnx_apply(n, "Concat", (onnx_given){.name = "axis", .i = axis}, parts,
                                  from->count, &joined);
    if (b.status == CLRNN_OK)
        b.status = clr_onnx_set_alias(n, 0, &joined);
    if (joined.known)
        clr_onnx_value_free(&joined);
    clr_onnx_free_values(wide, from->count);
    free(parts);
    return clr_onnx_body_end(&b);
}

const onnx_op clr_onnx_ops_list[] = {
    {"SequenceEmpty", 0, 0, 1, NULL, construct_build, false},
    {"SequenceConstruct", 1, 65536, 1, NULL, construct_build, true},
    {"SplitToSequence", 1, 2, 1, NULL, split_build, true},
    {"SequenceInsert", 2, 3, 1, NULL, insert_build, true},
    {"SequenceErase", 1, 2, 1, NULL, erase_build, false},
    {"SequenceAt", 2, 2, 1, NULL, at_build, false},
    {"SequenceLength", 1, 1, 1, NULL, length_build, false},
    {"ConcatFromSequence", 1, 1, 1, NULL, join_build, false},
    {0}};

bool clr_onnx_takes_list(const onnx_op *op)
{
    static const char *const others[] = {"Identity", "If", "Loop", "Scan"};
    bool found = false;
    for (const onnx_op *own = clr_onnx_ops_list; own->name; own++)
        found = found || own == op;
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        found = found || strcmp(others[i], op->name) == 0;
    return found;
}
