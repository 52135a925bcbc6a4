/* SPDX-License-Identifier: MIT
 * reference/node_ema.c - exponential moving averages along time:
 *
 *     y_t = y_{t-1} + a (x_t - y_{t-1}),  a = 1/(1 + e^-rate),  y_{-1} = 0
 */
#include <math.h>

#include "reference/node.h"

/* The element a step before or behind that of `element`. */
static size_t beside(const clr_shape *shape, size_t element, uint64_t t)
{
    uint64_t index[CLRNN_MOST_AXES];
    clr_ref_index(shape, element, index);
    index[shape->steps] = t;
    return clr_ref_element(shape, index);
}

static size_t channel_of(const clr_ref_node *node, size_t element)
{
    uint64_t index[CLRNN_MOST_AXES];
    clr_ref_index(node->in[0], element, index);
    return (size_t)index[clr_shape_axis(node->in[0], node->desc->axis)];
}

static void series(const clr_ref_node *node, size_t first, bool back)
{
    const clr_shape *s = node->in[0];
    const uint64_t T = s->size[s->steps];
    const size_t c = channel_of(node, first);
    const double a = 1 / (1 + exp(-node->parameters[c]));
    double h = 0, g = 0;
    for (uint64_t t = 0; t < T && !back; t++) {
        const size_t i = beside(s, first, t);
        const bool live = clr_ref_live(node, s, i);
        h += live ? a * (node->x[0][i] - h) : 0;
        node->y[0][i] = live ? h : 0;
    }
    for (uint64_t t = T; t-- > 0 && back;) {
        const size_t i = beside(s, first, t);
        if (!clr_ref_live(node, s, i))
            continue;
        const double before = t > 0 ? node->y[0][beside(s, first, t - 1)] : 0;
        g = node->dy[0][i] + (1 - a) * g;
        node->gradient[c] += g * (node->x[0][i] - before) * a * (1 - a);
        if (node->dx[0])
            node->dx[0][i] += a * g;
    }
}

void clr_ref_ema(const clr_ref_node *node, bool back)
{
    const clr_shape *s = node->in[0];
    for (size_t i = 0; i < clr_shape_count(s); i++)
        if (i == beside(s, i, 0))
            series(node, i, back);
}
