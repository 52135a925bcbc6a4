/* SPDX-License-Identifier: MIT
 * format/onnx/recurrent.c - RNN, LSTM and GRU. Letters: clrnn/network.h. In files:
 *
 *     X [T,N,I]   W [D,G*H,I]   R [D,G*H,H]   B [D,2*G*H], of W then of R   initial_h, initial_c
 *     [D,N,H]   P [D,3*H]   Y [T,D,N,H]   Y_h, Y_c [D,N,H]; with layout 1 N stands first
 *
 * Gates: LSTM i o f c, P i o f; GRU z r h. Ours: LSTM i f g o, peepholes i f o; GRU r z n. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "format/onnx/cell.h"

enum { X, W, R, B, LENGTHS, H0, C0, P };

static const uint32_t lstm_gates[] = {0, 2, 3, 1}, gru_gates[] = {1, 0, 2}, rnn_gates[] = {0};
static const uint32_t peephole_gates[] = {0, 2, 1};

/* --- weights ---------------------------------------------------------------------------------- */

/* A tensor of weights: known, of the shape that it must have. */
static clrnn_status check_weight(onnx_node *n, uint32_t k, const char *what, uint32_t rank,
                                 const uint64_t *size)
{
    clrnn_status status = clr_onnx_need_same(n, k, what);
    if (status != CLRNN_OK)
        return status;
    const onnx_array *a = &n->in[k]->array[0];
    bool fits = a->rank == rank;
    for (uint32_t i = 0; fits && i < rank; i++)
        fits = size[i] == 0 || a->size[i] == size[i];
    if (!fits)
        return clr_onnx_fail(n, CLRNN_ERR_FORMAT,
                             "%s is of another shape than its hidden_size says", what);
    for (uint32_t i = 0; i < rank; i++)
        if (a->size[i] == 0 || a->size[i] > UINT32_MAX)
            return clr_onnx_fail(n, CLRNN_ERR_FORMAT, "%s is empty", what);
    status = clr_onnx_spread(n, &n->in[k]->array[0]);
    n->in[k]->array[1] = n->in[k]->array[0];
    return status;
}

static clrnn_status check_weights(onnx_node *n, const onnx_cell *c)
{
    const uint64_t D = c->directions, H = c->H, GH = (uint64_t)c->gates * H;
    clrnn_status status = check_weight(n, W, "W", 3, (uint64_t[]){D, GH, 0});
    if (status == CLRNN_OK)
        status = check_weight(n, R, "R", 3, (uint64_t[]){D, GH, H});
    if (status == CLRNN_OK && clr_onnx_has(n, B))
        status = check_weight(n, B, "B", 2, (uint64_t[]){D, 2 * GH});
    if (status == CLRNN_OK && clr_onnx_has(n, P))
        status = check_weight(n, P, "P", 2, (uint64_t[]){D, 3 * H});
    return status;
}

/* Blocks of `row` numbers in our order of gates. */
static void reorder(double *to, const double *from, const uint32_t *gates, uint32_t count,
                    size_t row)
{
    for (uint32_t g = 0; g < count; g++)
        memcpy(to + g * row, from + gates[g] * row, row * sizeof *to);
}

/* One tensor of ours from that of the file. */
static clrnn_status fill(onnx_node *n, const onnx_cell *c, const clrnn_graph_parameter *p)
{
    const char *name = strrchr(p->name, '.') + 1;
    const size_t H = c->H, GH = c->gates * H;
    const size_t d = c->directions == 2 && strstr(name, "_reverse") ? 1 : 0;
    const uint32_t *gates = c->gates == 4 ? lstm_gates : c->gates == 3 ? gru_gates : rnn_gates;
    double *values = clr_calloc(p->count, sizeof *values);
    if (!values)
        return clr_onnx_fail(n, CLRNN_ERR_MEMORY, "out of memory");
    if (strncmp(name, "weight_ih", 9) == 0)
        reorder(values, n->in[W]->array[0].data + d * p->count, gates, c->gates,
                p->count / c->gates);
    else if (strncmp(name, "weight_hh", 9) == 0)
        reorder(values, n->in[R]->array[0].data + d * p->count, gates, c->gates,
                p->count / c->gates);
    else if (strncmp(name, "bias_ih", 7) == 0)
        reorder(values, n->in[B]->array[0].data + 2 * d * GH, gates, c->gates, H);
    else if (strncmp(name, "bias_hh", 7) == 0)
        reorder(values, n->in[B]->array[0].data + (2 * d + 1) * GH, gates, c->gates, H);
    else
        reorder(values, n->in[P]->array[0].data + 3 * d * H, peephole_gates, 3, H);
    clrnn_status status = clrnn_graph_set_parameter(n->m->graph, p->name, values, p->count);
    free(values);
    return status;
}

static clrnn_status fill_all(onnx_node *n, const onnx_cell *c)
{
    const clrnn_graph *g = n->m->graph;
    const clr_node *node = &g->nodes[g->node_count - 1];
    clrnn_status status = CLRNN_OK;
    for (uint32_t i = 0; i < node->parameters && status == CLRNN_OK; i++)
        status = fill(n, c, &g->parameters[node->first_parameter + i].info);
    return status;
}

/* --- arrays ----------------------------------------------------------------------------------- */

/* X as [T,N,I]. */
static clrnn_status order_x(onnx_node *n, const onnx_cell *c, uint32_t *at)
{
    clrnn_status status = clr_onnx_number_in(n, X, at);
    if (status == CLRNN_OK && clr_onnx_shape(n, *at)->rank != 3)
        status = clr_onnx_fail(n, CLRNN_ERR_FORMAT, "X has %u axes", clr_onnx_shape(n, *at)->rank);
    if (status == CLRNN_OK && c->layout)
        status = clr_onnx_add_transpose(n, (uint32_t[]){1, 0, 2}, *at, at);
    if (status != CLRNN_OK)
        return status;
    const clr_shape *x = clr_onnx_shape(n, *at);
    if (x->steps > 0 || (x->batch != CLR_NO_AXIS && x->batch != 1))
        return clr_onnx_fail(n, CLRNN_ERR_UNSUPPORTED, "X is %s, where [T,N,I] should be",
                             clr_value_text(x).text);
    return CLRNN_OK;
}

static bool is_zero(const onnx_array *a)
{
    for (size_t i = 0; i < (a->filled ? 1 : clr_onnx_count(a)); i++)
        if (a->data[i] != 0)
            return false;
    return true;
}

/* A state as [D,N,H]; left out where it is 0. */
static clrnn_status order_state(onnx_node *n, const onnx_cell *c, uint32_t k, uint32_t *at)
{
    *at = CLR_NO_VALUE;
    if (!clr_onnx_has(n, k))
        return CLRNN_OK;
    if (n->in[k]->known) {
        clrnn_status status = clr_onnx_need(n, k, "state");
        if (status != CLRNN_OK || (is_zero(&n->in[k]->array[0]) && is_zero(&n->in[k]->array[1])))
            return status;
    }
    clrnn_status status = clr_onnx_number_in(n, k, at);
    if (status == CLRNN_OK && clr_onnx_shape(n, *at)->rank != 3)
        status =
            clr_onnx_fail(n, CLRNN_ERR_FORMAT, "a state of %u axes", clr_onnx_shape(n, *at)->rank);
    if (status == CLRNN_OK && c->layout)
        status = clr_onnx_add_transpose(n, (uint32_t[]){1, 0, 2}, *at, at);
    return status;
}

/* sequence_lens, left out where they are all of T. */
static clrnn_status order_lengths(onnx_node *n, uint32_t x, uint32_t *at)
{
    *at = CLR_NO_VALUE;
    if (!clr_onnx_has(n, LENGTHS))
        return CLRNN_OK;
    if (n->in[LENGTHS]->known) {
        clrnn_status status = clr_onnx_need(n, LENGTHS, "sequence_lens");
        bool all = status == CLRNN_OK;
        for (int w = 0; w < ONNX_WORLDS && all; w++) {
            const onnx_array *a = &n->in[LENGTHS]->array[w];
            for (size_t i = 0; i < (a->filled ? 1 : clr_onnx_count(a)); i++)
                all = all && a->data[i] == (double)clr_onnx_size(n, x, 0, w);
        }
        if (all || status != CLRNN_OK)
            return status;
    }
    return clr_onnx_ids_in(n, LENGTHS, at);
}

/* y [T,N,D*H] as Y. */
static clrnn_status order_y(onnx_node *n, const onnx_cell *c, uint32_t y)
{
    uint64_t sizes[ONNX_WORLDS][4];
    uint64_t *const size[ONNX_WORLDS] = {sizes[0], sizes[1]};
    uint32_t at = 0;
    for (int w = 0; w < ONNX_WORLDS; w++) {
        sizes[w][0] = clr_onnx_size(n, y, 0, w);
        sizes[w][1] = clr_onnx_size(n, y, 1, w);
        sizes[w][2] = c->directions;
        sizes[w][3] = c->H;
    }
    clrnn_status status = clr_onnx_add_reshape(n, 4, size, y, &at);
    if (status == CLRNN_OK)
        status = clr_onnx_add_transpose(
            n, c->layout ? (uint32_t[]){1, 0, 2, 3} : (uint32_t[]){0, 2, 1, 3}, at, &at);
    if (status == CLRNN_OK)
        clr_onnx_set_graph(n, 0, at, ONNX_REAL);
    return status;
}

static clrnn_status order_final(onnx_node *n, const onnx_cell *c, uint32_t k, uint32_t state)
{
    uint32_t at = state;
    if (k >= n->outputs || !*n->proto->output[k])
        return CLRNN_OK;
    clrnn_status status =
        c->layout ? clr_onnx_add_transpose(n, (uint32_t[]){1, 0, 2}, state, &at) : CLRNN_OK;
    if (status == CLRNN_OK)
        clr_onnx_set_graph(n, k, at, ONNX_REAL);
    return status;
}

static clrnn_status build(onnx_node *n)
{
    onnx_cell c;
    uint32_t in[4], y = 0;
    clrnn_status status = clr_onnx_read_cell(n, &c);
    if (status == CLRNN_OK)
        status = check_weights(n, &c);
    if (status == CLRNN_OK)
        status = order_x(n, &c, &in[0]);
    if (status == CLRNN_OK)
        status = order_state(n, &c, H0, &in[1]);
    if (status == CLRNN_OK)
        status = order_state(n, &c, c.gates == 4 ? C0 : 99, &in[2]);
    if (status == CLRNN_OK)
        status = order_lengths(n, in[0], &in[3]);
    if (status != CLRNN_OK)
        return status;
    c.network.no_bias = !clr_onnx_has(n, B);
    c.network.peepholes = clr_onnx_has(n, P);
    c.network.input_size = (uint32_t)n->in[W]->array[0].size[2];
    clrnn_node_desc desc = {.kind = CLRNN_NODE_RECURRENT, .network = c.network};
    status = clr_onnx_add(n, &desc, in, 4, &y);
    if (status == CLRNN_OK)
        status = fill_all(n, &c);
    if (status == CLRNN_OK && n->outputs > 0 && *n->proto->output[0])
        status = order_y(n, &c, y);
    if (status == CLRNN_OK)
        status = order_final(n, &c, 1, y + 1);
    return status == CLRNN_OK && c.gates == 4 ? order_final(n, &c, 2, y + 2) : status;
}

const onnx_op clr_onnx_ops_recurrent[] = {{"RNN", 3, 6, 2, NULL, build, false},
                                          {"GRU", 3, 6, 2, NULL, build, false},
                                          {"LSTM", 3, 8, 3, NULL, build, false},
                                          {0}};
