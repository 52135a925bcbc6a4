/* SPDX-License-Identifier: MIT
 * format/keras/cells.c - which cell of ours a cell of Keras is. */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "format/keras/recurrent.h"

/* A layer of Keras 2 for NVIDIA's cards alone. */
static bool is_cudnn(const char *type)
{
    return type && strncmp(type, "CuDNN", 5) == 0;
}

static int cell_of(const char *type)
{
    static const struct {
        const char *type;
        clrnn_cell cell;
    } types[] = {{"LSTM", CLRNN_CELL_LSTM},      {"LSTMCell", CLRNN_CELL_LSTM},
                 {"GRU", CLRNN_CELL_GRU},        {"GRUCell", CLRNN_CELL_GRU},
                 {"CuDNNLSTM", CLRNN_CELL_LSTM}, {"CuDNNGRU", CLRNN_CELL_GRU},
                 {"SimpleRNN", CLRNN_CELL_RNN},  {"SimpleRNNCell", CLRNN_CELL_RNN}};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (type && strcmp(types[i].type, type) == 0)
            return (int)types[i].cell;
    return -1;
}

/* One of those that cells know; the usual one is not said. */
static clrnn_status take_function(const clr_keras *k, const clrnn_node_desc *f, bool gate,
                                  clrnn_activation *out)
{
    const clrnn_function own = f->function == CLRNN_FN_IDENTITY ? CLRNN_FN_AFFINE : f->function;
    if (own == (gate ? CLRNN_FN_SIGMOID : CLRNN_FN_TANH))
        return CLRNN_OK;
    if (own > CLRNN_FN_SOFTPLUS)
        return clr_keras_unsupported(k, "in a cell the function", clrnn_function_name(own));
    *out = clrnn_activation_of(own);
    if (f->alpha != 0 || f->beta != 0) {
        out->alpha = (float)f->alpha;
        out->beta = (float)f->beta;
    }
    return CLRNN_OK;
}

static clrnn_status take_functions(const clr_keras *k, clrnn_network_desc *n)
{
    clrnn_node_desc f = {0}, g = {0};
    clrnn_node_kind softmax[2] = {CLRNN_NODE_KINDS, CLRNN_NODE_KINDS};
    const bool gated = n->cell != CLRNN_CELL_RNN;
    clrnn_status status = clr_keras_function(k, "activation", "tanh", &g, &softmax[0]);
    if (status == CLRNN_OK && gated)
        status = clr_keras_function(k, "recurrent_activation", "sigmoid", &f, &softmax[1]);
    if (status != CLRNN_OK)
        return status;
    if (softmax[0] != CLRNN_NODE_KINDS || softmax[1] != CLRNN_NODE_KINDS)
        return clr_keras_unsupported(k, "activation", "softmax of a cell");
    const clrnn_node_desc *of[2][CLRNN_ACTIVATIONS] = {{&g}, {&f, &g, &g}};
    for (uint32_t i = 0; i < CLRNN_ACTIVATIONS && status == CLRNN_OK; i++)
        if (of[gated][i] && (i < 2 || n->cell == CLRNN_CELL_LSTM))
            status = take_function(k, of[gated][i], gated && i == 0, &n->activations[0][i]);
    return status;
}

clrnn_status clr_keras_take_cell(const clr_keras *k, const char *type, clrnn_network_desc *n)
{
    const int cell = cell_of(type);
    if (cell < 0)
        return clr_keras_unsupported(k, "cell", type ? type : "(none)");
    n->cell = (clrnn_cell)cell;
    if (!clr_keras_size(k, "units", &n->hidden_size))
        return clr_keras_wrong(k, "units is no size");
    n->no_bias = !is_cudnn(type) && !clr_keras_flag(k, "use_bias", true);
    if (n->cell == CLRNN_CELL_GRU) {
        /* before Keras 2.1 there was no such member, and no reset after */
        n->gru_reset = is_cudnn(type) || clr_keras_flag(k, "reset_after", false)
                           ? CLRNN_RESET_AFTER
                           : CLRNN_RESET_BEFORE;
        n->gru_update = CLRNN_UPDATE_KEEPS;
    }
    n->single_bias = !n->no_bias && n->gru_reset != CLRNN_RESET_AFTER;
    n->recurrent_dropout = clr_keras_rate(k, "recurrent_dropout");
    return take_functions(k, n);
}

/* --- weights ---------------------------------------------------------------------------------- */

/* Of CuDNNLSTM and CuDNNGRU: each gate's block [in,H] of the array holds [H,in], as cuDNN has it.
 */
static clrnn_status turn_gates(const clr_keras *k, double *w, size_t in, size_t gates, size_t H)
{
    const size_t count = in * gates * H;
    double *turned = clr_calloc(count, sizeof *turned);
    if (!turned)
        return clr_fail(k->log, CLRNN_ERR_MEMORY, "%s: no memory for weights", k->file);
    for (size_t g = 0; g < gates; g++)
        for (size_t h = 0; h < H; h++)
            for (size_t i = 0; i < in; i++) {
                const size_t at = h * in + i;
                turned[(i * gates + g) * H + h] = w[(at / H * gates + g) * H + at % H];
            }
    memcpy(w, turned, count * sizeof *w);
    free(turned);
    return CLRNN_OK;
}

void clr_keras_cell_free(clr_keras_weights *w)
{
    free(w->kernel);
    free(w->recurrent);
    free(w->bias);
}

clrnn_status clr_keras_read_cell(const clr_keras *k, const char *type, const clrnn_network_desc *n,
                                 const char *part, uint32_t first, uint32_t in,
                                 clr_keras_weights *w)
{
    const uint32_t gates = clrnn_cell_get_info(n->cell)->gates, H = n->hidden_size;
    const uint64_t wide = (uint64_t)gates * H;
    const bool two = n->gru_reset == CLRNN_RESET_AFTER, cudnn = is_cudnn(type);
    const uint64_t kernel[] = {in, wide}, recurrent[] = {H, wide}, bias[] = {2, wide};
    const uint64_t flat = 2 * wide;
    *w = (clr_keras_weights){.two_biases = two};
    clrnn_status status = clr_keras_weight(k, part, first, 0, 2, kernel, &w->kernel);
    if (status == CLRNN_OK)
        status = clr_keras_weight(k, part, first, 1, 2, recurrent, &w->recurrent);
    if (status == CLRNN_OK && cudnn)
        status = clr_keras_weight(k, part, first, 2, 1, &flat, &w->bias);
    else if (status == CLRNN_OK && !n->no_bias)
        status = clr_keras_weight(k, part, first, 2, two ? 2 : 1, two ? bias : bias + 1, &w->bias);
    if (status == CLRNN_OK && cudnn)
        status = turn_gates(k, w->kernel, in, gates, H);
    if (status == CLRNN_OK && cudnn)
        status = turn_gates(k, w->recurrent, H, gates, H);
    for (uint64_t i = 0; status == CLRNN_OK && cudnn && !two && i < wide; i++)
        w->bias[i] += w->bias[wide + i]; /* that of W x and that of U h: their sum counts */
    return status;
}
