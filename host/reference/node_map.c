/* SPDX-License-Identifier: MIT
 * reference/node_map.c - nodes that compute element by element. */
#include <math.h>

#include "base/philox.h"
#include "reference/node.h"

/* --- one element: v[i] what the inputs have there -------------------------------------------- */

static double compare(clrnn_comparison comparison, double a, double b)
{
    switch (comparison) {
    case CLRNN_LESS:
        return a < b;
    case CLRNN_LESS_EQUAL:
        return a <= b;
    case CLRNN_EQUAL:
        return a == b;
    case CLRNN_NOT_EQUAL:
        return a != b;
    case CLRNN_GREATER:
        return a > b;
    default:
        return a >= b;
    }
}

static double forward_of(const clrnn_node_desc *d, const double v[3])
{
    switch (d->kind) {
    case CLRNN_NODE_ACTIVATION:
        return clr_ref_function(d->function, d->alpha, d->beta, v[0]);
    case CLRNN_NODE_ADD:
        return v[0] + v[1];
    case CLRNN_NODE_SUB:
        return v[0] - v[1];
    case CLRNN_NODE_MUL:
        return v[0] * v[1];
    case CLRNN_NODE_DIV:
        return v[0] / v[1];
    case CLRNN_NODE_MIN:
        return v[0] < v[1] || isnan(v[0]) ? v[0] : v[1];
    case CLRNN_NODE_MAX:
        return v[0] > v[1] || isnan(v[0]) ? v[0] : v[1];
    case CLRNN_NODE_POW:
        return pow(v[0], v[1]);
    case CLRNN_NODE_COMPARE:
        return compare(d->comparison, v[0], v[1]);
    case CLRNN_NODE_SELECT:
        return v[0] != 0 ? v[1] : v[2];
    default: /* expand, dropout */
        return v[0];
    }
}

/* d[i] = dy times the derivative by input i */
static void backward_of(const clrnn_node_desc *desc, const double v[3], double dy, double d[3])
{
    switch (desc->kind) {
    case CLRNN_NODE_ACTIVATION:
        d[0] = dy * clr_ref_derivative(desc->function, desc->alpha, desc->beta, v[0]);
        break;
    case CLRNN_NODE_ADD:
        d[0] = d[1] = dy;
        break;
    case CLRNN_NODE_SUB:
        d[0] = dy;
        d[1] = -dy;
        break;
    case CLRNN_NODE_MUL:
        d[0] = dy * v[1];
        d[1] = dy * v[0];
        break;
    case CLRNN_NODE_DIV:
        d[0] = dy / v[1];
        d[1] = -dy * v[0] / (v[1] * v[1]);
        break;
    case CLRNN_NODE_SELECT:
        d[v[0] != 0 ? 1 : 2] = dy;
        break;
    case CLRNN_NODE_COMPARE:
        break;
    default:
        d[0] = dy;
    }
}

/* 1, or the factor of dropout. Unit: the number of the element among those of its t and n. */
static double factor_of(const clr_ref_node *node, size_t element)
{
    const clr_shape *s = node->out[0];
    uint64_t index[CLRNN_MOST_AXES];
    size_t unit = 0;
    if (node->desc->kind != CLRNN_NODE_DROPOUT || !node->train || node->desc->probability == 0)
        return 1;
    clr_ref_index(s, element, index);
    for (uint32_t i = 0; i < s->rank; i++)
        if ((int32_t)i != s->steps && (int32_t)i != s->batch)
            unit = unit * (size_t)s->size[i] + (size_t)index[i];
    const bool same = s->steps == CLR_NO_AXIS || node->desc->variational;
    const uint32_t t = same ? 0 : (uint32_t)index[s->steps];
    const uint32_t n = s->batch == CLR_NO_AXIS ? 0 : (uint32_t)index[s->batch];
    return clr_dropout_factor(node->desc->probability, node->dropout_seed, node->dropout_index,
                              node->number, t, n, (uint32_t)unit);
}

void clr_ref_map(const clr_ref_node *node, bool back)
{
    const clr_shape *out = node->out[0];
    for (size_t i = 0; i < clr_shape_count(out); i++) {
        double v[3] = {0}, d[3] = {0};
        size_t at[3] = {0};
        const bool live = clr_ref_live(node, out, i);
        for (uint32_t k = 0; k < node->inputs; k++) {
            at[k] = clr_ref_broadcast(out, i, node->in[k]);
            v[k] = node->x[k][at[k]];
        }
        const double factor = factor_of(node, i);
        if (!back)
            node->y[0][i] = live ? factor * forward_of(node->desc, v) : 0;
        if (!back || !live)
            continue;
        backward_of(node->desc, v, node->dy[0][i] * factor, d);
        for (uint32_t k = 0; k < node->inputs; k++)
            if (node->dx[k])
                node->dx[k][at[k]] += d[k];
    }
}
