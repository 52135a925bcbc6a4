/* SPDX-License-Identifier: MIT
 * reference/node_norm.c - softmax, layer norm and batch norm: elements of one group are normalised
 * together. */
#include <math.h>

#include "reference/node.h"

/* The elements of a group, by number k: `begin` + k/inner*outer_stride + k%inner. */
typedef struct group {
    size_t begin, count, inner, outer_stride;
} group;

static size_t member(const group *g, size_t k)
{
    return g->begin + k / g->inner * g->outer_stride + k % g->inner;
}

static size_t axis_of(const clr_ref_node *node)
{
    return (size_t)clr_shape_axis(node->in[0], node->desc->axis);
}

static size_t group_count(const clr_ref_node *node)
{
    const clr_shape *s = node->in[0];
    const size_t axis = axis_of(node);
    switch (node->desc->kind) {
    case CLRNN_NODE_LAYER_NORM:
        return clr_shape_part(s, 0, s->rank - node->desc->rank);
    case CLRNN_NODE_BATCH_NORM:
        return (size_t)s->size[axis];
    default:
        return clr_shape_count(s) / (size_t)s->size[axis];
    }
}

static group group_of(const clr_ref_node *node, size_t number)
{
    const clr_shape *s = node->in[0];
    const size_t axis = axis_of(node), all = clr_shape_count(s);
    if (node->desc->kind == CLRNN_NODE_LAYER_NORM) {
        const size_t K = clr_shape_part(s, s->rank - node->desc->rank, s->rank);
        return (group){number * K, K, K, 0};
    }
    const size_t inner = clr_shape_stride(s, (uint32_t)axis), C = (size_t)s->size[axis];
    if (node->desc->kind == CLRNN_NODE_BATCH_NORM)
        return (group){number * inner, all / C, inner, C * inner};
    return (group){number / inner * C * inner + number % inner, C, 1, inner};
}

static bool live(const clr_ref_node *node, const group *g, size_t k)
{
    return clr_ref_live(node, node->in[0], member(g, k));
}

/* --- softmax --------------------------------------------------------------------------------- */

static void softmax(const clr_ref_node *node, const group *g)
{
    const bool logarithm = node->desc->kind == CLRNN_NODE_LOG_SOFTMAX;
    double most = -INFINITY, sum = 0;
    for (size_t k = 0; k < g->count; k++)
        if (live(node, g, k))
            most = fmax(most, node->x[0][member(g, k)]);
    for (size_t k = 0; k < g->count; k++)
        if (live(node, g, k))
            sum += exp(node->x[0][member(g, k)] - most);
    for (size_t k = 0; k < g->count; k++) {
        const double shifted = node->x[0][member(g, k)] - most;
        const double y = logarithm ? shifted - log(sum) : exp(shifted) / sum;
        node->y[0][member(g, k)] = live(node, g, k) ? y : 0;
    }
}

static void softmax_back(const clr_ref_node *node, const group *g)
{
    const bool logarithm = node->desc->kind == CLRNN_NODE_LOG_SOFTMAX;
    const double *y = node->y[0], *dy = node->dy[0];
    double sum = 0;
    for (size_t k = 0; k < g->count; k++)
        sum += logarithm ? dy[member(g, k)] : dy[member(g, k)] * y[member(g, k)];
    for (size_t k = 0; k < g->count; k++) {
        const size_t i = member(g, k);
        if (live(node, g, k) && node->dx[0])
            node->dx[0][i] += logarithm ? dy[i] - exp(y[i]) * sum : y[i] * (dy[i] - sum);
    }
}

/* --- norms ----------------------------------------------------------------------------------- */

typedef struct moments {
    double mean, var;
    size_t count;
} moments;

static moments moments_of(const clr_ref_node *node, const group *g)
{
    moments m = {0};
    for (size_t k = 0; k < g->count; k++)
        if (live(node, g, k)) {
            m.mean += node->x[0][member(g, k)];
            m.count++;
        }
    m.mean = m.count ? m.mean / (double)m.count : 0;
    for (size_t k = 0; k < g->count; k++)
        if (live(node, g, k))
            m.var += pow(node->x[0][member(g, k)] - m.mean, 2);
    m.var = m.count ? m.var / (double)m.count : 0;
    return m;
}

/* Weight and bias of element k of a group: of layer norm by element, of batch norm by group. */
static size_t affine_at(const clr_ref_node *node, size_t number, size_t k)
{
    return node->desc->kind == CLRNN_NODE_BATCH_NORM ? number : k;
}

static size_t affine_count(const clr_ref_node *node)
{
    return node->desc->kind == CLRNN_NODE_BATCH_NORM ? group_count(node) : group_of(node, 0).count;
}

/* Batch norm: what training moves, and inference takes. */
static moments running(const clr_ref_node *node, size_t number, moments own)
{
    const size_t C = group_count(node);
    double *mean = node->parameters + (node->desc->no_bias ? 0 : 2 * C), *var = mean + C;
    const double momentum = node->desc->momentum;
    if (!node->train)
        return (moments){mean[number], var[number], own.count};
    if (own.count == 0)
        return own;
    const double sample =
        own.count > 1 ? own.var * (double)own.count / (double)(own.count - 1) : own.var;
    mean[number] = (1 - momentum) * mean[number] + momentum * own.mean;
    var[number] = (1 - momentum) * var[number] + momentum * sample;
    return own;
}

static void norm(const clr_ref_node *node, const group *g, size_t number)
{
    moments m = moments_of(node, g);
    if (node->desc->kind == CLRNN_NODE_BATCH_NORM)
        m = running(node, number, m);
    const double *weight = node->parameters, *bias = weight + affine_count(node);
    for (size_t k = 0; k < g->count; k++) {
        const size_t a = affine_at(node, number, k);
        double y = (node->x[0][member(g, k)] - m.mean) / sqrt(m.var + node->desc->epsilon);
        if (!node->desc->no_bias)
            y = y * weight[a] + bias[a];
        node->y[0][member(g, k)] = live(node, g, k) ? y : 0;
    }
}

/* With g = dy weight: dx = (g - mean g - xhat mean(g xhat)) / sqrt(var + epsilon). */
static void norm_back(const clr_ref_node *node, const group *g, size_t number)
{
    const moments m = moments_of(node, g);
    const double scale = 1 / sqrt(m.var + node->desc->epsilon), count = (double)m.count;
    const double *weight = node->parameters;
    double *dweight = node->gradient, *dbias = dweight + affine_count(node);
    double sum = 0, product = 0;
    for (int pass = 0; pass < 2; pass++)
        for (size_t k = 0; k < g->count; k++) {
            const size_t i = member(g, k), a = affine_at(node, number, k);
            if (!live(node, g, k))
                continue;
            const double hat = (node->x[0][i] - m.mean) * scale, dy = node->dy[0][i];
            const double d = node->desc->no_bias ? dy : dy * weight[a];
            if (pass == 1) {
                if (node->dx[0])
                    node->dx[0][i] += scale * (d - sum / count - hat * product / count);
                continue;
            }
            sum += d;
            product += d * hat;
            if (!node->desc->no_bias) {
                dweight[a] += dy * hat;
                dbias[a] += dy;
            }
        }
}

void clr_ref_norm(const clr_ref_node *node, bool back)
{
    const clrnn_node_kind kind = node->desc->kind;
    const bool soft = kind == CLRNN_NODE_SOFTMAX || kind == CLRNN_NODE_LOG_SOFTMAX;
    for (size_t number = 0; number < group_count(node); number++) {
        const group g = group_of(node, number);
        if (soft && back)
            softmax_back(node, &g);
        else if (soft)
            softmax(node, &g);
        else if (back)
            norm_back(node, &g, number);
        else
            norm(node, &g, number);
    }
}
