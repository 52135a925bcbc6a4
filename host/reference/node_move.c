/* SPDX-License-Identifier: MIT
 * reference/node_move.c - nodes that move elements: where each element of the output comes from. */
#include "reference/node.h"

#define FROM_NOWHERE SIZE_MAX

/* Which input has the element, and where. */
static size_t of_concat(const clr_ref_node *node, uint64_t index[CLRNN_MOST_AXES], uint32_t *input)
{
    const int32_t axis = clr_shape_axis(node->out[0], node->desc->axis);
    for (*input = 0; index[axis] >= node->in[*input]->size[axis]; (*input)++)
        index[axis] -= node->in[*input]->size[axis];
    return clr_ref_element(node->in[*input], index);
}

/* How many steps of x there are before its time turns: those of its row n, within the node's own.
 */
static uint64_t end_of(const clr_ref_node *node, uint64_t n, uint64_t length)
{
    const double own = node->inputs > 1 && node->x[1] ? node->x[1][n] : (double)length;
    return own < 0 ? 0 : own < (double)length ? (uint64_t)own : length;
}

/* Which axis goes backwards from its last element: of time, where there is one. */
static int32_t turned_axis(const clr_ref_node *node)
{
    const clrnn_node_desc *d = node->desc;
    const int32_t steps = node->in[0]->steps;
    for (uint32_t i = 0; i < d->rank; i++)
        if (d->step[i] < 0 && d->begin[i] == -1 && d->end[i] == CLRNN_TO_END &&
            (steps == CLR_NO_AXIS || steps == (int32_t)i))
            return (int32_t)i;
    return CLR_NO_AXIS;
}

static size_t of_slice(const clr_ref_node *node, uint64_t index[CLRNN_MOST_AXES])
{
    const clrnn_node_desc *d = node->desc;
    const clr_shape *x = node->in[0];
    const int32_t turned = turned_axis(node);
    const uint64_t t = turned == CLR_NO_AXIS ? 0 : index[turned];
    for (uint32_t i = 0; i < d->rank; i++) {
        const int64_t size = (int64_t)node->in[0]->size[i], step = d->step[i] ? d->step[i] : 1;
        const int64_t last = step > 0 ? size : size - 1; /* where a begin beyond it is put */
        int64_t begin = d->begin[i] < 0 ? d->begin[i] + size : d->begin[i];
        begin = begin < 0 ? 0 : begin > last ? last : begin;
        index[i] = (uint64_t)(begin + (int64_t)index[i] * step);
    }
    if (turned == CLR_NO_AXIS)
        return clr_ref_element(x, index);
    const int32_t rows = x->batch != CLR_NO_AXIS ? x->batch : turned == 0 ? 1 : 0;
    const uint64_t n = (uint32_t)rows < x->rank ? index[rows] : 0;
    const bool ragged = node->lengths && x->steps != CLR_NO_AXIS && x->lengths != CLR_ALL_STEPS;
    const uint64_t row = x->batch == CLR_NO_AXIS ? 0 : n;
    const uint64_t length =
        ragged ? node->lengths[x->lengths * node->stride + row] : x->size[turned];
    const uint64_t end = end_of(node, n, length), back = t * (uint64_t)-d->step[turned];
    if (back >= end && (end == length || t >= length))
        return FROM_NOWHERE;
    index[turned] = back < end ? end - 1 - back : t;
    return clr_ref_element(x, index);
}

static size_t of_transpose(const clr_ref_node *node, const uint64_t index[CLRNN_MOST_AXES])
{
    uint64_t own[CLRNN_MOST_AXES];
    for (uint32_t i = 0; i < node->out[0]->rank; i++)
        own[node->desc->order[i]] = index[i];
    return clr_ref_element(node->in[0], own);
}

static size_t of_pad(const clr_ref_node *node, uint64_t index[CLRNN_MOST_AXES])
{
    for (uint32_t i = 0; i < node->desc->rank; i++) {
        const int64_t at = (int64_t)index[i] - node->desc->begin[i];
        if (at < 0 || at >= (int64_t)node->in[0]->size[i])
            return FROM_NOWHERE;
        index[i] = (uint64_t)at;
    }
    return clr_ref_element(node->in[0], index);
}

static size_t source_of(const clr_ref_node *node, size_t element, uint32_t *input)
{
    uint64_t index[CLRNN_MOST_AXES];
    clr_ref_index(node->out[0], element, index);
    *input = 0;
    switch (node->desc->kind) {
    case CLRNN_NODE_CONCAT:
        return of_concat(node, index, input);
    case CLRNN_NODE_SLICE:
        return of_slice(node, index);
    case CLRNN_NODE_TRANSPOSE:
        return of_transpose(node, index);
    case CLRNN_NODE_PAD:
        return of_pad(node, index);
    default: /* reshape, constant */
        return element;
    }
}

void clr_ref_move(const clr_ref_node *node, bool back)
{
    const bool constant = node->desc->kind == CLRNN_NODE_CONSTANT;
    for (size_t i = 0; i < clr_shape_count(node->out[0]); i++) {
        uint32_t k = 0;
        const size_t at = source_of(node, i, &k);
        const bool live = clr_ref_live(node, node->out[0], i);
        if (!back)
            node->y[0][i] = !live                ? 0
                            : at == FROM_NOWHERE ? node->desc->value
                            : constant           ? node->parameters[at]
                                                 : node->x[k][at];
        else if (constant && node->desc->trainable)
            node->gradient[at] += node->dy[0][i];
        else if (!constant && live && at != FROM_NOWHERE && node->dx[k])
            node->dx[k][at] += node->dy[0][i];
    }
}
