/* SPDX-License-Identifier: MIT
 * reference/node_reduce.c - sums, means and extremes over axes. */
#include <math.h>

#include "reference/node.h"

static bool is_reduced(const clr_ref_node *node, uint32_t axis)
{
    bool reduced = false;
    if (node->desc->kind == CLRNN_NODE_POOL)
        return (int32_t)axis == node->in[0]->steps;
    for (uint32_t i = 0; i < node->desc->rank; i++)
        reduced = reduced || node->desc->order[i] == axis;
    return reduced;
}

/* The element of the output that an element of x goes into. */
static size_t target_of(const clr_ref_node *node, size_t element)
{
    uint64_t index[CLRNN_MOST_AXES];
    size_t at = 0;
    clr_ref_index(node->in[0], element, index);
    for (uint32_t i = 0; i < node->in[0]->rank; i++)
        if (!is_reduced(node, i))
            at = at * (size_t)node->in[0]->size[i] + (size_t)index[i];
    return at;
}

/* How many elements go into o, and which are the last and the extreme one. */
typedef struct found {
    size_t count, last, extreme;
    double sum;
} found;

static found look(const clr_ref_node *node, size_t o)
{
    const bool least = node->desc->reduction == CLRNN_REDUCE_MIN;
    found f = {0};
    for (size_t i = 0; i < clr_shape_count(node->in[0]); i++) {
        if (target_of(node, i) != o || !clr_ref_live(node, node->in[0], i))
            continue;
        const double v = node->x[0][i];
        if (f.count == 0 || isnan(v) ||
            (least ? v < node->x[0][f.extreme] : v > node->x[0][f.extreme]))
            f.extreme = i;
        f.last = i;
        f.sum += v;
        f.count++;
    }
    return f;
}

static double value_of(const clr_ref_node *node, const found *f)
{
    if (f->count == 0)
        return 0;
    switch (node->desc->reduction) {
    case CLRNN_REDUCE_MEAN:
        return f->sum / (double)f->count;
    case CLRNN_REDUCE_SUM:
        return f->sum;
    case CLRNN_REDUCE_LAST:
        return node->x[0][f->last];
    default:
        return node->x[0][f->extreme];
    }
}

static void spread(const clr_ref_node *node, size_t o, const found *f)
{
    const double dy = node->dy[0][o];
    const clrnn_reduction reduction = node->desc->reduction;
    if (f->count == 0 || !node->dx[0])
        return;
    if (reduction == CLRNN_REDUCE_LAST)
        node->dx[0][f->last] += dy;
    else if (reduction == CLRNN_REDUCE_MAX || reduction == CLRNN_REDUCE_MIN)
        node->dx[0][f->extreme] += dy;
    else
        for (size_t i = 0; i < clr_shape_count(node->in[0]); i++)
            if (target_of(node, i) == o && clr_ref_live(node, node->in[0], i))
                node->dx[0][i] += reduction == CLRNN_REDUCE_MEAN ? dy / (double)f->count : dy;
}

void clr_ref_reduce(const clr_ref_node *node, bool back)
{
    for (size_t o = 0; o < clr_shape_count(node->out[0]); o++) {
        const found f = look(node, o);
        if (back)
            spread(node, o, &f);
        else
            node->y[0][o] = value_of(node, &f);
    }
}
