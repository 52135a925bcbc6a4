/* SPDX-License-Identifier: MIT
 * reference/node_matmul.c - products of two values, and casts. */
#include <math.h>

#include "reference/node.h"

/* The element of x where an element of the result has its axes before the last two, and the last
 * two are r and c. */
static size_t element_of(const clr_shape *x, const clr_shape *out, const uint64_t *index, size_t r,
                         size_t c)
{
    uint64_t own[CLRNN_MOST_AXES];
    for (uint32_t i = 0; i + 2 < x->rank; i++)
        own[i] = x->size[i] == 1 ? 0 : index[out->rank - x->rank + i];
    own[x->rank - 2] = r;
    own[x->rank - 1] = c;
    return clr_ref_element(x, own);
}

/* c = sum over k of a[..,m,k] b[..,k,n] */
void clr_ref_matmul(const clr_ref_node *node, bool back)
{
    const clr_shape *a = node->in[0], *b = node->in[1], *out = node->out[0];
    const size_t K = (size_t)a->size[a->rank - 1];
    uint64_t index[CLRNN_MOST_AXES];
    for (size_t o = 0; o < clr_shape_count(out); o++) {
        const bool live = clr_ref_live(node, out, o);
        double sum = 0;
        clr_ref_index(out, o, index);
        for (size_t k = 0; k < K; k++) {
            const size_t i = element_of(a, out, index, (size_t)index[out->rank - 2], k);
            const size_t j = element_of(b, out, index, k, (size_t)index[out->rank - 1]);
            sum += node->x[0][i] * node->x[1][j];
            if (back && live && node->dx[0])
                node->dx[0][i] += node->dy[0][o] * node->x[1][j];
            if (back && live && node->dx[1])
                node->dx[1][j] += node->dy[0][o] * node->x[0][i];
        }
        if (!back)
            node->y[0][o] = live ? sum : 0;
    }
}

static double whole(double x)
{
    return x != x ? 0 : fmax(INT32_MIN, fmin(INT32_MAX, trunc(x)));
}

/* Numbers become whole ones towards 0. */
void clr_ref_cast(const clr_ref_node *node, bool back)
{
    for (size_t i = 0; i < clr_shape_count(node->out[0]) && !back; i++)
        node->y[0][i] = node->out[0]->ids ? whole(node->x[0][i]) : node->x[0][i];
}
