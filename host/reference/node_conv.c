/* SPDX-License-Identifier: MIT
 * reference/node_conv.c - convolutions and transposed ones, each product by itself.
 *
 *     conv:       y[n,u,a,b] = f(bias[u] + sum over c, k, l of x[n,c,a s + k d - p,..] w[u,c,k,l])
 *     transposed: y[n,u,a s + k d - p,..] += x[n,c,a,b] w[c,u,k,l]
 * c within the group of u. */
#include "reference/node.h"

/* Which axes n, channel, a and b are; CLR_NO_AXIS: there is none, so its index is 0. */
typedef struct roles {
    int32_t n, c, a, b;
} roles;

static roles roles_of(const clr_ref_node *node)
{
    const clr_shape *x = node->in[0];
    const clrnn_node_kind kind = node->desc->kind;
    roles r = {0, 1, 2, 3};
    if (kind == CLRNN_NODE_CONV2D || kind == CLRNN_NODE_CONV_TRANSPOSE2D)
        return r;
    r.b = CLR_NO_AXIS;
    r.a = x->steps != CLR_NO_AXIS ? x->steps : (int32_t)x->rank - 1;
    r.n = x->batch;
    if (x->rank == 3 && r.n == CLR_NO_AXIS)
        r.n = r.a == 0 ? 1 : 0;
    for (int32_t i = 0; i < (int32_t)x->rank; i++)
        if (i != r.a && i != r.n)
            r.c = i;
    return r;
}

static uint64_t size_of(const clr_shape *s, int32_t axis)
{
    return axis == CLR_NO_AXIS ? 1 : s->size[axis];
}

static size_t element_of(const clr_shape *s, const roles *r, uint64_t n, uint64_t c, uint64_t a,
                         uint64_t b)
{
    uint64_t index[CLRNN_MOST_AXES] = {0};
    if (r->n != CLR_NO_AXIS)
        index[r->n] = n;
    index[r->c] = c;
    index[r->a] = a;
    if (r->b != CLR_NO_AXIS)
        index[r->b] = b;
    return clr_ref_element(s, index);
}

/* Where the window that begins at `at` has its element k on an axis of `size`; size: outside. */
static uint64_t under(const clrnn_node_desc *d, int axis, uint64_t at, uint64_t k, uint64_t size)
{
    const uint64_t place = at * d->stride[axis] + k * d->dilation[axis];
    return place < d->pad_begin[axis] || place - d->pad_begin[axis] >= size
               ? size
               : place - d->pad_begin[axis];
}

/* One product of a convolution: x and weight; SIZE_MAX if it lies in the padding. */
static size_t x_under(const clr_ref_node *node, const roles *r, uint64_t n, uint64_t c, uint64_t a,
                      uint64_t b, uint64_t k, uint64_t l)
{
    const uint64_t A = size_of(node->in[0], r->a), B = size_of(node->in[0], r->b);
    const uint64_t at_a = under(node->desc, 0, a, k, A), at_b = under(node->desc, 1, b, l, B);
    return at_a < A && at_b < B ? element_of(node->in[0], r, n, c, at_a, at_b) : SIZE_MAX;
}

/* g = 0 on the way forward; returns the sum of all products. On the way back their gradients. */
static double window(const clr_ref_node *node, const roles *r, uint64_t n, uint64_t u, uint64_t a,
                     uint64_t b, bool back, double g)
{
    const clrnn_node_desc *d = node->desc;
    const uint64_t C = node->in[0]->size[r->c] / d->groups, KA = d->kernel[0], KB = d->kernel[1];
    const uint64_t first = u / (d->units / d->groups) * C;
    double sum = 0;
    for (uint64_t c = 0; c < C; c++)
        for (uint64_t k = 0; k < KA; k++)
            for (uint64_t l = 0; l < KB; l++) {
                const size_t x = x_under(node, r, n, first + c, a, b, k, l);
                const size_t w = (size_t)(((u * C + c) * KA + k) * KB + l);
                if (x == SIZE_MAX)
                    continue;
                sum += node->x[0][x] * node->parameters[w];
                if (back)
                    node->gradient[w] += g * node->x[0][x];
                if (back && node->dx[0])
                    node->dx[0][x] += g * node->parameters[w];
            }
    return sum;
}

void clr_ref_conv(const clr_ref_node *node, bool back)
{
    const clrnn_node_desc *d = node->desc;
    const roles r = roles_of(node);
    const clr_shape *out = node->out[0];
    const size_t bias =
        (size_t)(d->units * (node->in[0]->size[r.c] / d->groups) * d->kernel[0] * d->kernel[1]);
    uint64_t index[CLRNN_MOST_AXES];
    for (size_t o = 0; o < clr_shape_count(out); o++) {
        clr_ref_index(out, o, index);
        const uint64_t n = r.n == CLR_NO_AXIS ? 0 : index[r.n], u = index[r.c], a = index[r.a];
        const uint64_t b = r.b == CLR_NO_AXIS ? 0 : index[r.b];
        const double sum =
            window(node, &r, n, u, a, b, false, 0) + (d->no_bias ? 0 : node->parameters[bias + u]);
        const bool live = clr_ref_live(node, out, o);
        if (!back)
            node->y[0][o] = live ? clr_ref_function(d->function, d->alpha, d->beta, sum) : 0;
        if (!back || !live)
            continue;
        const double g = node->dy[0][o] * clr_ref_derivative(d->function, d->alpha, d->beta, sum);
        (void)window(node, &r, n, u, a, b, true, g);
        if (!d->no_bias)
            node->gradient[bias + u] += g;
    }
}

/* All that an element of x gives to y. */
static void give(const clr_ref_node *node, const roles *r, uint64_t n, uint64_t c, uint64_t a,
                 uint64_t b, double x)
{
    const clrnn_node_desc *d = node->desc;
    const uint64_t U = d->units / d->groups, KA = d->kernel[0], KB = d->kernel[1];
    const uint64_t first = c / (node->in[0]->size[r->c] / d->groups) * U;
    const uint64_t A = size_of(node->out[0], r->a), B = size_of(node->out[0], r->b);
    for (uint64_t u = 0; u < U; u++)
        for (uint64_t k = 0; k < KA; k++)
            for (uint64_t l = 0; l < KB; l++) {
                const uint64_t at_a = under(d, 0, a, k, A), at_b = under(d, 1, b, l, B);
                if (at_a < A && at_b < B)
                    node->y[0][element_of(node->out[0], r, n, first + u, at_a, at_b)] +=
                        x * node->parameters[((c * U + u) * KA + k) * KB + l];
            }
}

void clr_ref_conv_transpose(const clr_ref_node *node, bool back)
{
    const clrnn_node_desc *d = node->desc;
    const roles r = roles_of(node);
    const clr_shape *in = node->in[0], *out = node->out[0];
    const size_t bias =
        (size_t)(in->size[r.c] * (d->units / d->groups) * d->kernel[0] * d->kernel[1]);
    uint64_t index[CLRNN_MOST_AXES];
    if (back)
        return;
    for (size_t o = 0; o < clr_shape_count(out); o++)
        node->y[0][o] = 0;
    for (size_t i = 0; i < clr_shape_count(in); i++) {
        clr_ref_index(in, i, index);
        give(node, &r, r.n == CLR_NO_AXIS ? 0 : index[r.n], index[r.c], index[r.a],
             r.b == CLR_NO_AXIS ? 0 : index[r.b], node->x[0][i]);
    }
    for (size_t o = 0; o < clr_shape_count(out); o++) {
        clr_ref_index(out, o, index);
        const double sum = node->y[0][o] + (d->no_bias ? 0 : node->parameters[bias + index[r.c]]);
        node->y[0][o] =
            clr_ref_live(node, out, o) ? clr_ref_function(d->function, d->alpha, d->beta, sum) : 0;
    }
}
