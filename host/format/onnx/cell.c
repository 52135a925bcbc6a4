/* SPDX-License-Identifier: MIT
 * format/onnx/cell.c - see format/onnx/cell.h. */
#include "format/onnx/cell.h"

#include <ctype.h>
#include <string.h>

#include "model/tensors.h"

/* --- functions of gates ----------------------------------------------------------------------- */

/* Which of the numbers of activation_alpha and activation_beta a function takes. */
static const struct {
    const char *name; /* in lower case: files differ */
    clrnn_function function;
    bool alpha, beta;
} functions[] = {{"sigmoid", CLRNN_FN_SIGMOID, false, false},
                 {"tanh", CLRNN_FN_TANH, false, false},
                 {"relu", CLRNN_FN_RELU, false, false},
                 {"affine", CLRNN_FN_AFFINE, true, true},
                 {"leakyrelu", CLRNN_FN_LEAKY_RELU, true, false},
                 {"thresholdedrelu", CLRNN_FN_THRESHOLDED_RELU, true, false},
                 {"scaledtanh", CLRNN_FN_SCALED_TANH, true, true},
                 {"hardsigmoid", CLRNN_FN_HARD_SIGMOID, true, true},
                 {"elu", CLRNN_FN_ELU, true, false},
                 {"softsign", CLRNN_FN_SOFTSIGN, false, false},
                 {"softplus", CLRNN_FN_SOFTPLUS, false, false}};
#define FUNCTIONS (sizeof functions / sizeof functions[0])

typedef struct scales {
    double alpha[2 * CLRNN_ACTIVATIONS], beta[2 * CLRNN_ACTIVATIONS];
    uint32_t alphas, betas, alpha_at, beta_at;
} scales;

static clrnn_status find_function(const onnx_node *n, const ProtobufCBinaryData *text, size_t *out)
{
    char name[32] = "";
    for (size_t i = 0; i < text->len && i < sizeof name - 1; i++)
        name[i] = (char)tolower(text->data[i]);
    for (*out = 0; *out < FUNCTIONS; ++*out)
        if (strcmp(functions[*out].name, name) == 0)
            return CLRNN_OK;
    return clr_onnx_fail(n, CLRNN_ERR_UNSUPPORTED, "the activation '%s' is not known",
                         clr_show(name).text);
}

static clrnn_activation take(size_t which, scales *s)
{
    double alpha = 0, beta = 0;
    clrnn_function_defaults(functions[which].function, &alpha, &beta);
    if (functions[which].alpha && s->alpha_at < s->alphas)
        alpha = s->alpha[s->alpha_at++];
    if (functions[which].beta && s->beta_at < s->betas)
        beta = s->beta[s->beta_at++];
    return (clrnn_activation){functions[which].function, (float)alpha, (float)beta};
}

/* activations: f, g and h of each direction. Those that the cell has anyhow stay 0. */
static clrnn_status read_activations(onnx_node *n, onnx_cell *c)
{
    const uint32_t each = c->gates == 4 ? 3 : c->gates == 3 ? 2 : 1;
    const ClrOnnx__Attribute *a = clr_onnx_attribute(n, "activations");
    scales s = {0};
    clrnn_status status =
        clr_onnx_reals(n, "activation_alpha", 2 * CLRNN_ACTIVATIONS, s.alpha, &s.alphas);
    if (status == CLRNN_OK)
        status = clr_onnx_reals(n, "activation_beta", 2 * CLRNN_ACTIVATIONS, s.beta, &s.betas);
    if (status != CLRNN_OK || !a || a->n_strings == 0)
        return status;
    if (a->n_strings != (size_t)each * c->directions)
        return clr_onnx_fail(n, CLRNN_ERR_FORMAT, "%zu activations, but it has %u", a->n_strings,
                             each * c->directions);
    for (uint32_t i = 0; i < each * c->directions && status == CLRNN_OK; i++) {
        size_t which = 0;
        status = find_function(n, &a->strings[i], &which);
        if (status != CLRNN_OK)
            break;
        const clrnn_activation own = take(which, &s);
        const clrnn_function usual =
            i % each == 0 && c->gates > 1 ? CLRNN_FN_SIGMOID : CLRNN_FN_TANH;
        const uint32_t d = i / each;
        if (own.function != usual)
            c->network.activations[d][i % each] = own;
    }
    return status;
}

/* --- attributes ------------------------------------------------------------------------------- */

static clrnn_status read_direction(onnx_node *n, onnx_cell *c)
{
    char word[32];
    clrnn_status status = clr_onnx_word(n, "direction", "forward", word);
    c->directions = strcmp(word, "bidirectional") == 0 ? 2 : 1;
    c->network.bidirectional = c->directions == 2;
    c->network.reverse = strcmp(word, "reverse") == 0;
    if (status == CLRNN_OK && c->directions == 1 && !c->network.reverse &&
        strcmp(word, "forward") != 0)
        status = clr_onnx_fail(n, CLRNN_ERR_FORMAT, "direction '%s'", clr_show(word).text);
    return status;
}

/* hidden_size, or what R says. */
static clrnn_status read_hidden(onnx_node *n, onnx_cell *c)
{
    int64_t hidden = 0;
    clrnn_status status = clr_onnx_need_same(n, 2, "R");
    if (status == CLRNN_OK && n->in[2]->array[0].rank != 3)
        status = clr_onnx_fail(n, CLRNN_ERR_FORMAT, "R has %u axes", n->in[2]->array[0].rank);
    if (status == CLRNN_OK)
        status = clr_onnx_integer(n, "hidden_size", (int64_t)n->in[2]->array[0].size[2], &hidden);
    if (status == CLRNN_OK && (hidden < 1 || hidden > INT32_MAX / 8))
        status = clr_onnx_fail(n, CLRNN_ERR_FORMAT, "hidden_size %lld", (long long)hidden);
    c->H = c->network.hidden_size = (uint32_t)hidden;
    return status;
}

static clrnn_status read_flag(onnx_node *n, const char *name, bool *out)
{
    int64_t value = 0;
    clrnn_status status = clr_onnx_integer(n, name, 0, &value);
    if (status == CLRNN_OK && value != 0 && value != 1)
        status = clr_onnx_fail(n, CLRNN_ERR_FORMAT, "%s is %lld", name, (long long)value);
    *out = value == 1;
    return status;
}

static clrnn_status read_clip(onnx_node *n, onnx_cell *c)
{
    double clip = 0;
    clrnn_status status = clr_onnx_real(n, "clip", 0, &clip);
    if (status == CLRNN_OK && clr_onnx_attribute(n, "clip") && !(clip > 0))
        status = clr_onnx_fail(n, CLRNN_ERR_FORMAT, "clip is %g", clip);
    c->network.gate_clip = (float)clip;
    return status;
}

clrnn_status clr_onnx_read_cell(onnx_node *n, onnx_cell *c)
{
    bool flag = false;
    *c = (onnx_cell){.gates = *n->op == 'L' ? 4 : *n->op == 'G' ? 3 : 1};
    c->network.cell = *n->op == 'L'   ? CLRNN_CELL_LSTM
                      : *n->op == 'G' ? CLRNN_CELL_GRU
                                      : CLRNN_CELL_RNN;
    clrnn_status status = read_direction(n, c);
    if (status == CLRNN_OK)
        status = read_hidden(n, c);
    if (status == CLRNN_OK)
        status = read_activations(n, c);
    if (status == CLRNN_OK)
        status = read_clip(n, c);
    if (status == CLRNN_OK && n->m->opset >= 14)
        status = read_flag(n, "layout", &c->layout);
    if (status == CLRNN_OK && c->gates == 4)
        status = read_flag(n, "input_forget", &c->network.coupled_gates);
    if (status == CLRNN_OK && c->gates == 3) {
        status = read_flag(n, "linear_before_reset", &flag);
        c->network.gru_update = CLRNN_UPDATE_KEEPS;
        c->network.gru_reset = flag ? CLRNN_RESET_AFTER : CLRNN_RESET_BEFORE;
    }
    return status;
}
