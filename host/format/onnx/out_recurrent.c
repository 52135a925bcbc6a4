/* SPDX-License-Identifier: MIT
 * format/onnx/out_recurrent.c - writing ONNX: recurrent nodes, a node RNN, LSTM or GRU for each
 * layer. */
#include "format/onnx/out.h"

#include <stdio.h>

#include "shape/cell.h"
#include "shape/network.h"

/* --- cells ------------------------------------------------------------------------------------ */

/* ONNX's gate k is our gate order[k]; its peephole k ours peep[k] of i f o. */
typedef struct cell_form {
    const char *op;
    uint32_t order[4], peep[3], functions;
} cell_form;

static const cell_form forms[] = {[CLRNN_CELL_LSTM] = {"LSTM", {0, 3, 1, 2}, {0, 2, 1}, 3},
                                  [CLRNN_CELL_GRU] = {"GRU", {1, 0, 2}, {0}, 2},
                                  [CLRNN_CELL_RNN] = {"RNN", {0}, {0}, 1}};

/* A stack while it is written: x is [T,N,I]. */
typedef struct stack {
    clr_network n;
    const cell_form *form;
    const char *lengths, *states[2]; /* h0 and c0 of all layers, NULL: zeros */
    uint32_t layer;
} stack;

static const clrnn_graph_parameter *weight(const onnx_out *out, const stack *s, const char *what,
                                           uint32_t direction)
{
    char leaf[48];
    snprintf(leaf, sizeof leaf, "%s_l%u%s", what, s->layer, direction ? "_reverse" : "");
    return clr_out_find(out, leaf);
}

/* Rows of our gates in ONNX's order, of both directions: `blocks` such arrays, one after the other
 * in each direction. */
static const char *gates(onnx_out *out, const stack *s, const char *const *what, uint32_t blocks,
                         uint32_t rank, int64_t columns)
{
    const uint32_t D = s->n.directions, G = s->n.gates, H = s->n.desc.hidden_size;
    const size_t gate = (size_t)H * (size_t)columns;
    const int64_t dims[] = {D, (int64_t)blocks * G * H, columns};
    char suffix[48];
    snprintf(suffix, sizeof suffix, "%s_l%u", *what, s->layer);
    const ClrOnnx__Tensor *t = clr_out_tensor(out, suffix, rank, dims);
    const bool turns = clr_cell_is_turned(s->n.cell, &s->n.desc);
    for (uint32_t k = 0; k < D * blocks * G; k++) {
        const uint32_t own = s->form->order[k % G];
        const clrnn_graph_parameter *p = weight(out, s, what[k / G % blocks], k / G / blocks);
        if (p) /* one bias alone leaves the other 0 */
            clr_out_piece(out, (onnx_piece){.to = k * gate,
                                            .from = p->offset + own * gate,
                                            .rows = H,
                                            .cols = (size_t)columns,
                                            .negated = turns && own == s->n.cell->turned_gate});
    }
    return t ? t->name : "";
}

static const char *bias(onnx_out *out, const stack *s)
{
    static const char *const what[] = {"bias_ih", "bias_hh"};
    return s->n.desc.no_bias ? NULL : gates(out, s, what, 2, 2, 1);
}

static const char *peepholes(onnx_out *out, const stack *s)
{
    const size_t H = s->n.desc.hidden_size;
    const int64_t dims[] = {s->n.directions, 3 * (int64_t)H};
    if (!s->n.desc.peepholes)
        return NULL;
    char suffix[48];
    snprintf(suffix, sizeof suffix, "weight_peephole_l%u", s->layer);
    const ClrOnnx__Tensor *t = clr_out_tensor(out, suffix, 2, dims);
    for (uint32_t k = 0; k < 3 * s->n.directions; k++) {
        const clrnn_graph_parameter *p = weight(out, s, "weight_peephole", k / 3);
        if (p)
            clr_out_piece(out, (onnx_piece){.to = k * H,
                                            .from = p->offset + s->form->peep[k % 3] * H,
                                            .rows = 1,
                                            .cols = H});
    }
    return t ? t->name : "";
}

/* The projection [D,P,H], NULL: none. */
static const char *projection(onnx_out *out, const stack *s)
{
    const int64_t P = s->n.desc.proj_size, H = s->n.desc.hidden_size;
    const int64_t dims[] = {s->n.directions, P, H};
    char suffix[48];
    if (P == 0)
        return NULL;
    snprintf(suffix, sizeof suffix, "weight_hr_l%u", s->layer);
    const ClrOnnx__Tensor *t = clr_out_tensor(out, suffix, 3, dims);
    for (uint32_t d = 0; d < s->n.directions; d++) {
        const clrnn_graph_parameter *p = weight(out, s, "weight_hr", d);
        if (p)
            clr_out_piece(out, (onnx_piece){.to = d * (size_t)(P * H),
                                            .from = p->offset,
                                            .rows = (size_t)P,
                                            .cols = (size_t)H});
    }
    return t ? t->name : "";
}

/* --- attributes ------------------------------------------------------------------------------- */

static const struct {
    const char *name;
    bool alpha, beta;
} functions[CLRNN_FUNCTIONS] = {[CLRNN_FN_TANH] = {"Tanh", false, false},
                                [CLRNN_FN_SIGMOID] = {"Sigmoid", false, false},
                                [CLRNN_FN_RELU] = {"Relu", false, false},
                                [CLRNN_FN_AFFINE] = {"Affine", true, true},
                                [CLRNN_FN_LEAKY_RELU] = {"LeakyRelu", true, false},
                                [CLRNN_FN_THRESHOLDED_RELU] = {"ThresholdedRelu", true, false},
                                [CLRNN_FN_SCALED_TANH] = {"ScaledTanh", true, true},
                                [CLRNN_FN_HARD_SIGMOID] = {"HardSigmoid", true, true},
                                [CLRNN_FN_ELU] = {"Elu", true, false},
                                [CLRNN_FN_SOFTSIGN] = {"Softsign", false, false},
                                [CLRNN_FN_SOFTPLUS] = {"Softplus", false, false}};

/* All of them where one is not the usual one, and the numbers of those that have some. */
static void put_functions(onnx_out *out, const stack *s, ClrOnnx__Node *node)
{
    const clrnn_network_desc *n = &s->n.desc;
    const char *names[2 * CLRNN_ACTIVATIONS];
    float alpha[2 * CLRNN_ACTIVATIONS], beta[2 * CLRNN_ACTIVATIONS];
    uint32_t count = 0, alphas = 0, betas = 0;
    bool usual = n->nonlinearity == CLRNN_TANH;
    for (uint32_t d = 0; d < s->n.directions; d++)
        for (uint32_t i = 0; i < s->form->functions; i++) {
            const clrnn_activation a = clr_cell_activation(s->n.cell, n, d, i);
            usual = usual && n->activations[d][i].function == CLRNN_FN_USUAL;
            names[count++] = functions[a.function].name;
            if (functions[a.function].alpha)
                alpha[alphas++] = a.alpha;
            if (functions[a.function].beta)
                beta[betas++] = a.beta;
        }
    if (usual)
        return;
    clr_out_words(out, node, "activations", names, count);
    if (alphas)
        clr_out_floats(out, node, "activation_alpha", alpha, alphas);
    if (betas)
        clr_out_floats(out, node, "activation_beta", beta, betas);
}

static void put_attributes(onnx_out *out, const stack *s, ClrOnnx__Node *node)
{
    const clrnn_network_desc *n = &s->n.desc;
    clr_out_int(out, node, "hidden_size", n->hidden_size);
    clr_out_word(out, node, "direction",
                 n->bidirectional ? "bidirectional"
                 : n->reverse     ? "reverse"
                                  : "forward");
    put_functions(out, s, node);
    if (n->gate_clip > 0)
        clr_out_float(out, node, "clip", n->gate_clip);
    if (n->coupled_gates)
        clr_out_int(out, node, "input_forget", 1);
    if (clr_cell_has(s->n.cell, &clr_options[CLR_OPTION_RESET]))
        clr_out_int(out, node, "linear_before_reset", n->gru_reset == CLRNN_RESET_AFTER);
}

/* --- layers ----------------------------------------------------------------------------------- */

/* The initial states of a layer, of [L*D,N,width]. */
static const char *state_of_layer(onnx_out *out, const stack *s, uint32_t k)
{
    const int64_t D = s->n.directions, begin[] = {s->layer * D}, end[] = {s->layer * D + D};
    if (!s->states[k] || s->n.layers == 1)
        return s->states[k];
    const char *y = clr_out_fresh(out);
    clr_out_cut(out, s->states[k], (onnx_cut){1, begin, end, NULL, NULL}, y);
    return y;
}

/* What comes out of all directions [T,D,N,R] as features [T,N,..]. */
static const char *merged(onnx_out *out, const stack *s, const char *y, const char *to)
{
    static const uint32_t order[] = {0, 2, 1, 3};
    const int64_t axis[] = {1}, together[] = {0, 0, -1};
    const bool sum = s->n.desc.merge == CLRNN_MERGE_SUM;
    if (s->n.directions == 1) {
        (void)clr_out_op(out, "Squeeze", to, 2, y, clr_out_shape(out, axis, 1));
    } else if (sum) {
        ClrOnnx__Node *node = clr_out_op(out, "ReduceSum", to, 2, y, clr_out_shape(out, axis, 1));
        clr_out_int(out, node, "keepdims", 0);
    } else {
        const char *turned = clr_out_fresh(out);
        clr_out_transpose(out, y, order, 4, turned);
        (void)clr_out_op(out, "Reshape", to, 2, turned, clr_out_shape(out, together, 3));
    }
    return to;
}

/* A layer: y = what it makes of x, as features; its last states to ends. A projection is that of h
 * on the way out, and its product with U on the way round: U (Whr m) = (U Whr) m. */
static void put_layer(onnx_out *out, const stack *s, const char *x, const char *y,
                      const char *ends[2])
{
    static const char *const of_x[] = {"weight_ih"}, *const of_h[] = {"weight_hh"};
    static const uint32_t turned[] = {0, 2, 1};
    const clrnn_graph_parameter *W = weight(out, s, *of_x, 0), *U = weight(out, s, *of_h, 0);
    const char *hr = projection(out, s), *all = clr_out_fresh(out), *last = clr_out_fresh(out);
    const char *w = gates(out, s, of_x, 1, 3, (int64_t)W->shape[1]);
    const char *u = gates(out, s, of_h, 1, 3, (int64_t)U->shape[1]);
    const char *of_c = s->n.has_cell_state ? clr_out_fresh(out) : NULL;
    if (hr)
        u = clr_out_made(out, "MatMul", u, hr);
    const char *b = bias(out, s), *p = peepholes(out, s);
    const char *h0 = state_of_layer(out, s, 0), *c0 = state_of_layer(out, s, 1);
    ClrOnnx__Node *node = clr_out_op(out, s->form->op, all, 8, x, w, u, b, s->lengths, h0, c0, p);
    clr_out_output(out, node, last);
    if (of_c)
        clr_out_output(out, node, of_c);
    put_attributes(out, s, node);
    if (hr) {
        const char *back = clr_out_fresh(out);
        clr_out_transpose(out, hr, turned, 3, back);
        all = clr_out_made(out, "MatMul", all, back);
        last = clr_out_made(out, "MatMul", last, back);
    }
    ends[0] = last;
    ends[1] = of_c;
    (void)merged(out, s, all, y);
}

/* --- the stack -------------------------------------------------------------------------------- */

/* Lengths are 0..T whatever the input says. */
static const char *bounded_lengths(onnx_out *out, const char *x)
{
    const int32_t none[] = {0};
    const char *lengths = clr_out_in(out, 3), *most = clr_out_fresh(out);
    if (!lengths)
        return NULL;
    clr_out_int(out, clr_out_op(out, "Cast", most, 1, clr_out_axis_size(out, x, 0)), "to",
                ONNX_INT32);
    return clr_out_made(out, "Min", clr_out_made(out, "Max", lengths, clr_out_whole(out, none, 1)),
                        most);
}

static void put_ends(onnx_out *out, const char *(*ends)[2], uint32_t layers)
{
    for (uint32_t k = 0; k < 2; k++) {
        const char *name = clr_out_name(out, k + 1), *all = name;
        if (!name)
            continue;
        if (layers == 1) {
            (void)clr_out_op(out, "Identity", name, 1, ends[0][k]);
            continue;
        }
        for (uint32_t l = 1; l < layers; l++) {
            const char *sum = l + 1 < layers ? clr_out_fresh(out) : all;
            ClrOnnx__Node *node = clr_out_op(out, "Concat", sum, 2, ends[0][k], ends[l][k]);
            clr_out_int(out, node, "axis", 0);
            ends[0][k] = sum;
        }
    }
}

static void put_layers(onnx_out *out, stack *s, const char *x, const char *y)
{
    const char *(*ends)[2] = clr_out_get(out, s->n.layers, sizeof *ends);
    for (s->layer = 0; ends && s->layer < s->n.layers && out->status == CLRNN_OK; s->layer++) {
        const char *to = s->layer + 1 < s->n.layers ? clr_out_fresh(out) : y;
        put_layer(out, s, x, to, ends[s->layer]);
        x = to;
    }
    if (ends && out->status == CLRNN_OK)
        put_ends(out, ends, s->n.layers);
}

/* --- x in the order of its axes --------------------------------------------------------------- */

/* x [T,N,I] of what has time and rows elsewhere, or no rows; layers; and back. */
static void put_ordered(onnx_out *out, stack *s)
{
    const clr_shape *in = clr_out_in_shape(out, 0);
    const uint32_t rows_first[] = {1, 0, 2};
    const bool flat = in->rank == 2;
    const bool turn = !flat && (in->steps == 1 || (in->steps == CLR_NO_AXIS && in->batch == 0));
    const int64_t rows[] = {1};
    const char *x = clr_out_in(out, 0), *y = clr_out_name(out, 0);
    const char *inner = flat || turn ? clr_out_fresh(out) : y;
    if (flat)
        x = clr_out_made(out, "Unsqueeze", x, clr_out_shape(out, rows, 1));
    if (turn) {
        const char *time_first = clr_out_fresh(out);
        clr_out_transpose(out, x, rows_first, 3, time_first);
        x = time_first;
    }
    s->lengths = bounded_lengths(out, x);
    put_layers(out, s, x, inner);
    if (flat)
        (void)clr_out_op(out, "Squeeze", y, 2, inner, clr_out_shape(out, rows, 1));
    if (turn)
        clr_out_transpose(out, inner, rows_first, 3, y);
}

/* An update gate that opens the other way is turned round by its sign: 1 - f(a) = f(-a), which is
 * so of few functions. */
static bool turns_round(const clr_network *n)
{
    bool turns = true;
    for (uint32_t d = 0; d < n->directions; d++) {
        const clrnn_activation f = clr_cell_activation(n->cell, &n->desc, d, 0);
        turns = turns && (f.function == CLRNN_FN_SIGMOID ||
                          (f.function == CLRNN_FN_HARD_SIGMOID && f.beta == 0.5f));
    }
    return turns || !clr_cell_is_turned(n->cell, &n->desc);
}

void clr_out_recurrent(onnx_out *out)
{
    const clrnn_network_desc *d = &out->node->desc.network;
    stack s = {.form = &forms[d->cell], .states = {clr_out_in(out, 1), clr_out_in(out, 2)}};
    if (out->status == CLRNN_OK)
        out->status = clr_network_init(d, out->log, &s.n);
    if (d->cell_clip > 0)
        clr_out_refuse(out, "a bound of the cell state (cell_clip)");
    if (d->proj_clip > 0)
        clr_out_refuse(out, "a bound of what is projected (proj_clip)");
    if (d->layer_norm)
        clr_out_refuse(out, "layer norm within a step (layer_norm)");
    if (d->zoneout > 0 || d->zoneout_cell > 0)
        clr_out_refuse(out, "zoneout, of which inference has the expectation (%s)",
                       d->zoneout > 0 ? "zoneout" : "zoneout_cell");
    if (clr_out_in(out, 4))
        clr_out_refuse(out, "a mask of steps");
    if (clr_out_in(out, 3) && (out->node->desc.repeat || out->node->desc.value != 0))
        clr_out_refuse(out, "lengths past which y is not 0");
    if (out->status == CLRNN_OK && !turns_round(&s.n))
        clr_out_refuse(out, "an update gate that replaces, with the function %s",
                       clrnn_function_name(d->activations[0][0].function));
    if (d->proj_size && s.states[0])
        clr_out_refuse(out, "a projection together with an initial state h0");
    if (out->status == CLRNN_OK)
        put_ordered(out, &s);
}
