/* SPDX-License-Identifier: MIT
 * reference/node_product.c - dense, embedding, one-hot, gather, and the recurrent stack. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/philox.h"
#include "reference/node.h"
#include "reference/reference.h"
#include "shape/network.h"

/* --- dense ----------------------------------------------------------------------------------- */

void clr_ref_dense(const clr_ref_node *node, bool back)
{
    const clrnn_node_desc *d = node->desc;
    const size_t I = (size_t)node->in[0]->size[node->in[0]->rank - 1], U = d->units;
    const double *weight = node->parameters, *bias = weight + U * I;
    for (size_t o = 0; o < clr_shape_count(node->out[0]); o++) {
        const size_t row = o / U, u = o % U;
        const double *x = node->x[0] + row * I;
        double a = d->no_bias ? 0 : bias[u];
        for (size_t i = 0; i < I; i++)
            a += weight[u * I + i] * x[i];
        const bool live = clr_ref_live(node, node->out[0], o);
        if (!back)
            node->y[0][o] = live ? clr_ref_function(d->function, d->alpha, d->beta, a) : 0;
        if (!back || !live)
            continue;
        const double g = node->dy[0][o] * clr_ref_derivative(d->function, d->alpha, d->beta, a);
        for (size_t i = 0; i < I; i++) {
            node->gradient[u * I + i] += g * x[i];
            if (node->dx[0])
                node->dx[0][row * I + i] += g * weight[u * I + i];
        }
        if (!d->no_bias)
            node->gradient[U * I + u] += g;
    }
}

/* --- ids ------------------------------------------------------------------------------------- */

static void embedding(const clr_ref_node *node, bool back)
{
    const size_t U = node->desc->units;
    for (size_t o = 0; o < clr_shape_count(node->out[0]); o++) {
        const size_t at = (size_t)node->x[0][o / U] * U + o % U;
        if (!clr_ref_live(node, node->out[0], o)) {
            if (!back)
                node->y[0][o] = 0;
        } else if (back) {
            node->gradient[at] += node->dy[0][o];
        } else {
            node->y[0][o] = node->parameters[at];
        }
    }
}

static void one_hot(const clr_ref_node *node)
{
    const size_t V = node->desc->vocabulary;
    for (size_t o = 0; o < clr_shape_count(node->out[0]); o++)
        node->y[0][o] =
            clr_ref_live(node, node->out[0], o) && (size_t)node->x[0][o / V] == o % V ? 1 : 0;
}

static void gather(const clr_ref_node *node, bool back)
{
    const clr_shape *x = node->in[0];
    const uint32_t axis = (uint32_t)clr_shape_axis(x, node->desc->axis);
    const size_t K = (size_t)x->size[axis], inner = clr_shape_stride(x, axis);
    const size_t M = clr_shape_count(node->in[1]);
    for (size_t o = 0; o < clr_shape_count(node->out[0]); o++) {
        double id = node->x[1][o / inner % M];
        id += id < 0 ? (double)K : 0;
        const bool there = id >= 0 && id < (double)K && clr_ref_live(node, node->out[0], o);
        const size_t at = there ? (o / inner / M * K + (size_t)id) * inner + o % inner : 0;
        if (!back)
            node->y[0][o] = there ? node->x[0][at] : 0;
        else if (there && clr_ref_live(node, x, at))
            node->dx[0][at] += node->dy[0][o];
    }
}

void clr_ref_pick(const clr_ref_node *node, bool back)
{
    if (node->desc->kind == CLRNN_NODE_EMBEDDING)
        embedding(node, back);
    else if (node->desc->kind == CLRNN_NODE_ONE_HOT && !back)
        one_hot(node);
    else if (node->desc->kind == CLRNN_NODE_GATHER && (!back || node->dx[0]))
        gather(node, back);
}

/* --- recurrent ------------------------------------------------------------------------------- */

/* Time and rows: without symbols the first axis that is not N is time. */
static int32_t time_axis(const clr_shape *x)
{
    return x->steps != CLR_NO_AXIS ? x->steps : x->rank == 3 && x->batch == 0 ? 1 : 0;
}

static int32_t rows_axis(const clr_shape *x)
{
    return x->rank == 3 ? (time_axis(x) == 0 ? 1 : 0) : CLR_NO_AXIS;
}

/* [T,N,width] from the order of the graph, or back and added. */
static void reorder(const clr_shape *graph, const double *from, double *to, bool to_time_major)
{
    const size_t width = (size_t)graph->size[graph->rank - 1];
    const int32_t rows = rows_axis(graph);
    const size_t N = rows == CLR_NO_AXIS ? 1 : (size_t)graph->size[rows];
    uint64_t index[CLRNN_MOST_AXES];
    for (size_t i = 0; i < clr_shape_count(graph); i++) {
        clr_ref_index(graph, i, index);
        const size_t n = rows == CLR_NO_AXIS ? 0 : (size_t)index[rows];
        const size_t at = ((size_t)index[time_axis(graph)] * N + n) * width + i % width;
        if (to_time_major)
            to[at] = from[i];
        else
            to[i] += from[at];
    }
}

static void add(double *to, const double *from, size_t count)
{
    for (size_t i = 0; to && from && i < count; i++)
        to[i] += from[i];
}

/* x, y, dx, dy in time-major order, and what the reference gives of gradients. */
typedef struct copies {
    double *x, *y, *dx, *dy, *dh0, *dc0, *dweights;
    uint32_t *lengths; /* of its own, within T and those of the pass; NULL: none */
    uint8_t *mask;     /* [T,N]; NULL: none */
} copies;

/* The mask, in whatever order its axes stand: as their symbols say, else as in x. */
static bool copy_mask(const clr_ref_node *node, copies *c)
{
    const clr_shape *s = node->in[0], *m = node->in[4];
    const int32_t rows = rows_axis(s);
    const size_t T = (size_t)s->size[time_axis(s)];
    const size_t N = rows == CLR_NO_AXIS ? 1 : (size_t)s->size[rows];
    bool rows_first = m->rank == 2 && time_axis(s) == 1;
    if (m->rank == 2 && m->steps != CLR_NO_AXIS)
        rows_first = m->steps == 1;
    else if (m->rank == 2 && m->batch != CLR_NO_AXIS)
        rows_first = m->batch == 0;
    c->mask = clr_calloc(T * N, sizeof *c->mask);
    for (size_t t = 0; c->mask && t < T; t++)
        for (size_t n = 0; n < N; n++)
            c->mask[t * N + n] = node->x[4][rows_first ? n * T + t : t * N + n] != 0;
    return c->mask != NULL;
}

static bool make_copies(const clr_ref_node *node, size_t weights, copies *c)
{
    const size_t x = clr_shape_count(node->in[0]), y = clr_shape_count(node->out[0]);
    const size_t h = clr_shape_count(node->out[1]);
    const size_t cells = node->outputs > 2 ? clr_shape_count(node->out[2]) : 1;
    const size_t counts[] = {x, y, x, y, h, cells, weights};
    double **all[] = {&c->x, &c->y, &c->dx, &c->dy, &c->dh0, &c->dc0, &c->dweights};
    bool there = true;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        *all[i] = clr_calloc(counts[i], sizeof(double));
        there = there && *all[i];
    }
    if (there && node->inputs > 3 && node->x[3]) {
        const clr_shape *s = node->in[0];
        const bool ragged = node->lengths && s->lengths != CLR_ALL_STEPS;
        const double T = (double)s->size[time_axis(s)];
        c->lengths = clr_calloc((size_t)node->in[3]->size[0], sizeof *c->lengths);
        for (size_t n = 0; c->lengths && n < node->in[3]->size[0]; n++) {
            const double pass = ragged ? node->lengths[s->lengths * node->stride + n] : T;
            c->lengths[n] = (uint32_t)fmax(0, fmin(node->x[3][n], fmin(pass, T)));
        }
        there = c->lengths != NULL;
    }
    if (there && node->inputs > 4 && node->x[4])
        there = copy_mask(node, c);
    return there;
}

static void free_copies(copies *c)
{
    double *all[] = {c->x, c->y, c->dx, c->dy, c->dh0, c->dc0, c->dweights};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        free(all[i]);
    free(c->lengths);
    free(c->mask);
}

static clr_reference_io io_of(const clr_ref_node *node, copies *c)
{
    const clr_shape *x = node->in[0];
    const bool ragged = node->lengths && x->lengths != CLR_ALL_STEPS;
    const int32_t rows = rows_axis(x);
    return (clr_reference_io){.steps = (uint32_t)x->size[time_axis(x)],
                              .batch = rows == CLR_NO_AXIS ? 1 : (uint32_t)x->size[rows],
                              .lengths = c->lengths ? c->lengths
                                         : ragged   ? node->lengths + x->lengths * node->stride
                                                    : NULL,
                              .mask = c->mask,
                              .repeat = node->desc->repeat,
                              .padding = (float)node->desc->value,
                              .drawn = node->train,
                              .dropout_seed = clr_node_seed(node->dropout_seed, node->number),
                              .dropout_index = node->dropout_index,
                              .weights = node->parameters,
                              .x = c->x,
                              .h0 = node->x[1],
                              .c0 = node->x[2],
                              .y = c->y,
                              .hn = node->y[1],
                              .cn = node->y[2]};
}

static clrnn_status backward(const clr_ref_node *node, const clr_network *n, copies *c)
{
    clr_reference_io io = io_of(node, c);
    io.hn = io.cn = NULL; /* forward has made them */
    if (node->dy[0])
        reorder(node->out[0], node->dy[0], c->dy, true);
    io.dy = c->dy;
    io.dhn = node->dy[1];
    io.dcn = node->dy[2];
    io.dx = c->dx;
    io.dh0 = c->dh0;
    io.dc0 = n->has_cell_state ? c->dc0 : NULL;
    io.dweights = c->dweights;
    clrnn_status status = clr_reference_backward(&node->desc->network, &io, NULL);
    if (status != CLRNN_OK)
        return status;
    if (node->dx[0])
        reorder(node->in[0], c->dx, node->dx[0], false);
    add(node->dx[1], c->dh0, clr_shape_count(node->out[1]));
    if (n->has_cell_state)
        add(node->dx[2], c->dc0, clr_shape_count(node->out[2]));
    add(node->gradient, c->dweights, n->weights);
    return CLRNN_OK;
}

clrnn_status clr_ref_recurrent(const clr_ref_node *node, bool back)
{
    clr_network n;
    copies c = {0};
    clrnn_status status = clr_network_init(&node->desc->network, NULL, &n);
    if (status == CLRNN_OK && !make_copies(node, n.weights, &c))
        status = CLRNN_ERR_MEMORY;
    if (status == CLRNN_OK) {
        reorder(node->in[0], node->x[0], c.x, true);
        if (back) {
            status = backward(node, &n, &c);
        } else {
            clr_reference_io io = io_of(node, &c);
            status = clr_reference_forward(&node->desc->network, &io, NULL);
            if (node->y[0]) {
                memset(node->y[0], 0, clr_shape_count(node->out[0]) * sizeof(double));
                reorder(node->out[0], c.y, node->y[0], false);
                for (size_t i = 0; i < clr_shape_count(node->out[0]); i++)
                    if (!clr_ref_live(node, node->out[0], i))
                        node->y[0][i] = 0;
            }
        }
    }
    free_copies(&c);
    return status;
}
