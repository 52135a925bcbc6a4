/* SPDX-License-Identifier: MIT
 * format/onnx/body.c - see format/onnx/body.h. */
#include "format/onnx/body.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "format/onnx/inner.h"

enum { OPSET = 18 };            /* the one in whose form operators are said */
enum { INTEGER = 2, LIST = 7 }; /* numbers of types of attributes in files */
enum { NAME = 32, WORD = 32, MOST_VALUES = 1 << 16 };

/* --- one operator ----------------------------------------------------------------------------- */

/* What a graph of one node is made of. */
typedef struct pieces {
    char (*name)[NAME]; /* [count] */
    char **names;       /* [count] "" where left out */
    ClrOnnx__ValueInfo *infos, **list;
    onnx_value *in; /* [given] */
    char op[WORD], y[2], attribute[WORD];
    int64_t *ints;
} pieces;

static bool allocate(pieces *p, onnx_given given, size_t count)
{
    p->name = clr_calloc(count + 1, sizeof *p->name);
    p->names = clr_calloc(count + 1, sizeof *p->names);
    p->infos = clr_calloc(count + 2, sizeof *p->infos);
    p->list = clr_calloc(count + 2, sizeof *p->list);
    p->ints = clr_calloc(given.count + 1, sizeof *p->ints);
    p->in = clr_onnx_new_values(count);
    return p->name && p->names && p->infos && p->list && p->ints && p->in;
}

static void free_pieces(pieces *p, size_t count)
{
    clr_onnx_free_values(p->in, count);
    free(p->name);
    free(p->names);
    free(p->infos);
    free(p->list);
    free(p->ints);
}

static void fill_attribute(pieces *p, onnx_given given, ClrOnnx__Attribute *a)
{
    clr_onnx__attribute__init(a);
    snprintf(p->attribute, WORD, "%s", given.name);
    a->name = p->attribute;
    a->has_type = true;
    a->type = given.ints ? LIST : INTEGER;
    a->has_i = !given.ints;
    a->i = given.i;
    for (size_t i = 0; i < given.count; i++)
        p->ints[i] = given.ints[i];
    a->ints = p->ints;
    a->n_ints = given.count;
}

/* Names of what is given, which no file has: they begin with a byte 1. */
static clrnn_status name_inputs(onnx_node *n, pieces *p, const onnx_value *const *in, size_t count,
                                size_t *given)
{
    clrnn_status status = CLRNN_OK;
    for (size_t i = 0; i < count && status == CLRNN_OK; i++) {
        p->names[i] = p->name[i];
        if (!in[i])
            continue;
        snprintf(p->name[i], NAME, "\001%zu", i);
        clr_onnx__value_info__init(&p->infos[*given]);
        p->infos[*given].name = p->name[i];
        p->list[*given] = &p->infos[*given];
        status = clr_onnx_copy_value(n, in[i], "", &p->in[(*given)++]);
    }
    return status;
}

clrnn_status clr_onnx_apply(onnx_node *n, const char *op, onnx_given given,
                            const onnx_value *const *in, size_t count, onnx_value *out)
{
    pieces p = {.y = "\001"};
    size_t taken = 0;
    const int64_t opset = n->m->opset;
    ClrOnnx__Attribute a, *attribute = &a;
    ClrOnnx__Node node, *nodes = &node;
    ClrOnnx__Graph g;
    char *y = p.y;
    *out = (onnx_value){.at = CLR_NO_VALUE};
    clrnn_status status = allocate(&p, given, count)
                              ? name_inputs(n, &p, in, count, &taken)
                              : clr_onnx_fail(n, CLRNN_ERR_MEMORY, "out of memory");
    if (status == CLRNN_OK) {
        clr_onnx__graph__init(&g);
        clr_onnx__node__init(&node);
        snprintf(p.op, WORD, "%s", op);
        node.op_type = p.op;
        node.name = n->proto->name && *n->proto->name ? n->proto->name : n->proto->output[0];
        node.input = p.names;
        node.n_input = count;
        node.output = &y;
        node.n_output = 1;
        if (given.name) {
            fill_attribute(&p, given, &a);
            node.attribute = &attribute;
            node.n_attribute = 1;
        }
        clr_onnx__value_info__init(&p.infos[taken]);
        p.infos[taken].name = y;
        p.list[taken] = &p.infos[taken];
        g.node = &nodes;
        g.n_node = 1;
        g.input = p.list;
        g.n_input = taken;
        g.output = p.list + taken;
        g.n_output = 1;
        n->m->opset = OPSET;
        status = clr_onnx_walk_inner(n, &g, p.in, taken, out);
        n->m->opset = opset;
    }
    out->name = ""; /* its own ends here */
    free_pieces(&p, count);
    return status;
}

/* --- several ---------------------------------------------------------------------------------- */

static bool grow(onnx_body *b)
{
    const uint32_t capacity = b->capacity ? 2 * b->capacity : 64;
    onnx_value *value = b->count < MOST_VALUES ? clr_calloc(capacity, sizeof *value) : NULL;
    if (!value)
        return false;
    if (b->count)
        memcpy(value, b->value, b->count * sizeof *value);
    free(b->value);
    b->value = value;
    b->capacity = capacity;
    return true;
}

/* A new value, or NULL. */
static onnx_value *fresh(onnx_body *b)
{
    if (b->status == CLRNN_OK && b->count == b->capacity && !grow(b))
        b->status = clr_onnx_fail(b->n, CLRNN_ERR_MEMORY, "out of memory, or of too many parts");
    if (b->status != CLRNN_OK)
        return NULL;
    b->value[b->count] = (onnx_value){.name = "", .at = CLR_NO_VALUE};
    return &b->value[b->count++];
}

uint32_t clr_onnx_say(onnx_body *b, const char *op, onnx_given given, const uint32_t *in,
                      size_t count)
{
    onnx_value *out = fresh(b);
    const onnx_value **list = out ? clr_calloc(count + 1, sizeof *list) : NULL;
    if (out && !list)
        b->status = clr_onnx_fail(b->n, CLRNN_ERR_MEMORY, "out of memory");
    for (size_t i = 0; i < count && b->status == CLRNN_OK; i++)
        list[i] = in[i] == ONNX_NOTHING ? NULL : &b->value[in[i]];
    if (b->status == CLRNN_OK)
        b->status = clr_onnx_apply(b->n, op, given, list, count, out);
    free(list);
    return b->status == CLRNN_OK ? b->count - 1 : 0;
}

uint32_t clr_onnx_say_input(onnx_body *b, uint32_t k)
{
    if (!clr_onnx_has(b->n, k))
        return ONNX_NOTHING;
    onnx_value *out = fresh(b);
    if (out)
        b->status = clr_onnx_copy_value(b->n, b->n->in[k], "", out);
    return b->status == CLRNN_OK ? b->count - 1 : 0;
}

static uint32_t known(onnx_body *b, onnx_array array, const int64_t *list, double x)
{
    onnx_value *out = fresh(b);
    if (out)
        b->status = clr_onnx_allocate(b->n, &array);
    if (b->status != CLRNN_OK)
        return 0;
    for (size_t i = 0; i < clr_onnx_count(&array); i++)
        array.data[i] = list ? (double)list[i] : x;
    *out = (onnx_value){.name = "", .known = true, .same = true, .type = array.type};
    out->at = CLR_NO_VALUE;
    out->array[0] = out->array[1] = array;
    return b->count - 1;
}

uint32_t clr_onnx_say_number(onnx_body *b, onnx_type type, double x)
{
    return known(b, (onnx_array){.type = type}, NULL, x);
}

uint32_t clr_onnx_say_list(onnx_body *b, const int64_t *list, size_t count)
{
    return known(b, (onnx_array){.type = ONNX_INT, .rank = 1, .size = {count}}, list, 0);
}

uint32_t clr_onnx_say_cut(onnx_body *b, uint32_t x, int64_t axis, int64_t begin, int64_t end,
                          int64_t step)
{
    const uint32_t from = clr_onnx_say_list(b, &begin, 1), to = clr_onnx_say_list(b, &end, 1);
    const uint32_t along = clr_onnx_say_list(b, &axis, 1), by = clr_onnx_say_list(b, &step, 1);
    return ONNX_SAY(b, "Slice", ONNX_PLAIN, x, from, to, along, by);
}

uint32_t clr_onnx_say_rank(const onnx_body *b, uint32_t x)
{
    if (b->status != CLRNN_OK || x == ONNX_NOTHING)
        return 0;
    return clr_onnx_rank(b->n, &b->value[x]);
}

void clr_onnx_say_sizes(const onnx_body *b, uint32_t x, uint32_t axis, uint64_t size[ONNX_WORLDS])
{
    const onnx_value *v = &b->value[x];
    for (int w = 0; w < ONNX_WORLDS; w++)
        size[w] = v->tensor  ? (uint64_t)v->tensor->dims[axis]
                  : v->known ? v->array[v->same ? 0 : w].size[axis]
                             : clr_onnx_size(b->n, v->at, axis, w);
}

uint64_t clr_onnx_say_size(onnx_body *b, uint32_t x, int64_t axis)
{
    uint32_t at = 0;
    uint64_t size[ONNX_WORLDS] = {0, 0};
    if (b->status == CLRNN_OK)
        b->status = clr_onnx_axis(b->n, axis, clr_onnx_say_rank(b, x), &at);
    if (b->status != CLRNN_OK)
        return 0;
    clr_onnx_say_sizes(b, x, at, size);
    if (size[0] != size[1] || size[0] == 0)
        b->status = clr_onnx_fail(b->n, CLRNN_ERR_NEEDS_SIZE,
                                  "it needs the size of an axis that is T, N or 0: give the axes "
                                  "of the model numbers");
    return b->status == CLRNN_OK ? size[0] : 0;
}

void clr_onnx_say_output(onnx_body *b, uint32_t k, uint32_t x)
{
    if (b->status == CLRNN_OK && x != ONNX_NOTHING)
        b->status = clr_onnx_set_alias(b->n, k, &b->value[x]);
}

clrnn_status clr_onnx_body_end(onnx_body *b)
{
    clr_onnx_free_values(b->value, b->count);
    b->value = NULL;
    return b->status;
}
