/* SPDX-License-Identifier: MIT
 * format/onnx/fused.c - operators of the domain com.microsoft that ONNX Runtime's optimiser puts
 * in the place of several. */
#include "format/onnx/fused.h"

#include <float.h>
#include <string.h>

#include "format/onnx/math.h"
#include "model/tensors.h"

/* --- a function behind ------------------------------------------------------------------------ */

/* One that may follow, with how many numbers it takes. */
static const struct {
    const char *name;
    clrnn_function function;
    uint32_t numbers;
} functions[] = {{"Relu", CLRNN_FN_RELU, 0},         {"Tanh", CLRNN_FN_TANH, 0},
                 {"Sigmoid", CLRNN_FN_SIGMOID, 0},   {"Softplus", CLRNN_FN_SOFTPLUS, 0},
                 {"Softsign", CLRNN_FN_SOFTSIGN, 0}, {"LeakyRelu", CLRNN_FN_LEAKY_RELU, 1},
                 {"Elu", CLRNN_FN_ELU, 1},           {"HardSigmoid", CLRNN_FN_HARD_SIGMOID, 2},
                 {"Clip", CLRNN_FN_CLIP, 2}};
#define FUNCTIONS (sizeof functions / sizeof *functions)

/* Its numbers: activation_params, or activation_alpha and activation_beta. */
static clrnn_status read_numbers(onnx_node *n, uint32_t wanted, double out[2])
{
    static const char *const names[] = {"activation_alpha", "activation_beta"};
    double list[2] = {0, 1}; /* what else leaky_relu and elu multiply by */
    uint32_t count = 0;
    clrnn_status status = clr_onnx_reals(n, "activation_params", 2, list, &count);
    for (uint32_t k = 0; k < 2 && status == CLRNN_OK; k++) {
        count += clr_onnx_attribute(n, names[k]) != NULL;
        status = clr_onnx_real(n, names[k], list[k], &list[k]);
    }
    if (status == CLRNN_OK && (count < wanted || (wanted && list[0] == 0 && list[1] == 0)))
        status = clr_onnx_fail(n, CLRNN_ERR_UNSUPPORTED, "an activation of other numbers than %u",
                               wanted);
    out[0] = list[0];
    out[1] = list[1];
    return status;
}

/* The function that its attribute `activation` names, of what output 0 is. */
static clrnn_status activate(onnx_node *n)
{
    char name[32];
    size_t f = 0;
    double numbers[2] = {0};
    uint32_t at = n->out[0].at;
    clrnn_status status = clr_onnx_word(n, "activation", "", name);
    while (status == CLRNN_OK && f < FUNCTIONS && strcmp(functions[f].name, name) != 0)
        f++;
    if (status == CLRNN_OK && f == FUNCTIONS && *name)
        status = clr_onnx_fail(n, CLRNN_ERR_UNSUPPORTED, "activation '%s'", clr_show(name).text);
    if (status != CLRNN_OK || !*name)
        return status;
    if (functions[f].numbers)
        status = read_numbers(n, functions[f].numbers, numbers);
    for (int k = 0; k < 2; k++)
        numbers[k] = numbers[k] > DBL_MAX ? DBL_MAX : numbers[k] < -DBL_MAX ? -DBL_MAX : numbers[k];
    if (status == CLRNN_OK)
        status = clr_onnx_add_function(n, functions[f].function, numbers[0], numbers[1], at, &at);
    if (status == CLRNN_OK)
        clr_onnx_set_graph(n, 0, at, ONNX_REAL);
    return status;
}

/* f(conv(x) + z) */
static clrnn_status conv_build(onnx_node *n)
{
    uint32_t z = 0, at = 0;
    clrnn_status status = clr_onnx_conv_build(n);
    if (status == CLRNN_OK && clr_onnx_has(n, 3)) {
        status = clr_onnx_number_in(n, 3, &z);
        if (status == CLRNN_OK)
            status = clr_onnx_add_pair(n, CLRNN_NODE_ADD, n->out[0].at, z, &at);
        if (status == CLRNN_OK)
            clr_onnx_set_graph(n, 0, at, ONNX_REAL);
    }
    return status == CLRNN_OK ? activate(n) : status;
}

static clrnn_status gemm_build(onnx_node *n)
{
    clrnn_status status = clr_onnx_gemm_build(n);
    return status == CLRNN_OK ? activate(n) : status;
}

/* --- gelu ------------------------------------------------------------------------------------- */

/* Gelu, BiasGelu and FastGelu: of x + bias, by erf or by tanh. */
static clrnn_status gelu_build(onnx_node *n)
{
    const bool fast = strcmp(n->op, "FastGelu") == 0;
    uint32_t at = 0, bias = 0;
    clrnn_status status = clr_onnx_number_in(n, 0, &at);
    if (status == CLRNN_OK && clr_onnx_has(n, 1)) {
        status = clr_onnx_number_in(n, 1, &bias);
        if (status == CLRNN_OK)
            status = clr_onnx_add_pair(n, CLRNN_NODE_ADD, at, bias, &at);
    }
    if (status == CLRNN_OK)
        status = clr_onnx_add_function(n, fast ? CLRNN_FN_GELU_TANH : CLRNN_FN_GELU, 0, 0, at, &at);
    if (status == CLRNN_OK)
        clr_onnx_set_graph(n, 0, at, ONNX_REAL);
    return status;
}

/* x sigmoid(alpha x) */
static clrnn_status quick_gelu_build(onnx_node *n)
{
    double alpha = 0;
    uint32_t x = 0, at = 0;
    clrnn_status status = clr_onnx_real(n, "alpha", (double)1.702f, &alpha);
    if (status == CLRNN_OK)
        status = clr_onnx_number_in(n, 0, &x);
    if (status == CLRNN_OK)
        status = clr_onnx_add_function(n, CLRNN_FN_AFFINE, alpha, 0, x, &at);
    if (status == CLRNN_OK)
        status = clr_onnx_add_function(n, CLRNN_FN_SIGMOID, 0, 0, at, &at);
    if (status == CLRNN_OK)
        status = clr_onnx_add_pair(n, CLRNN_NODE_MUL, x, at, &at);
    if (status == CLRNN_OK)
        clr_onnx_set_graph(n, 0, at, ONNX_REAL);
    return status;
}

/* --- norms of sums ---------------------------------------------------------------------------- */

/* at OP= input k, where it is given. */
static clrnn_status take(onnx_node *n, clrnn_node_kind kind, uint32_t k, uint32_t *at)
{
    uint32_t other = 0;
    if (!clr_onnx_has(n, k))
        return CLRNN_OK;
    clrnn_status status = clr_onnx_number_in(n, k, &other);
    return status == CLRNN_OK ? clr_onnx_add_pair(n, kind, *at, other, at) : status;
}

/* norm(x + skip + bias) gamma + beta over the last axis; output 3 is the sum. Inputs x, skip,
 * gamma, beta, bias; without a mean (Simplified) there is no beta. */
static clrnn_status skip_build(onnx_node *n)
{
    const bool simple = strcmp(n->op, "SkipSimplifiedLayerNormalization") == 0;
    clrnn_node_desc desc = {.kind = CLRNN_NODE_LAYER_NORM, .rank = 1, .no_bias = true};
    uint32_t sum = 0, at = 0;
    clrnn_status status = clr_onnx_real(n, "epsilon", 1e-12, &desc.epsilon);
    if (status == CLRNN_OK)
        status = clr_onnx_number_in(n, 0, &sum);
    if (status == CLRNN_OK)
        status = take(n, CLRNN_NODE_ADD, 1, &sum);
    if (status == CLRNN_OK)
        status = take(n, CLRNN_NODE_ADD, simple ? 3 : 4, &sum);
    if (status == CLRNN_OK)
        status = simple
                     ? clr_onnx_add_rms(n, clr_onnx_shape(n, sum)->rank - 1, desc.epsilon, sum, &at)
                     : clr_onnx_add(n, &desc, &sum, 1, &at);
    if (status == CLRNN_OK)
        status = take(n, CLRNN_NODE_MUL, 2, &at);
    if (status == CLRNN_OK && !simple)
        status = take(n, CLRNN_NODE_ADD, 3, &at);
    if (status == CLRNN_OK) {
        clr_onnx_set_graph(n, 0, at, ONNX_REAL);
        clr_onnx_set_graph(n, 3, sum, ONNX_REAL);
    }
    return status;
}

const onnx_op clr_onnx_ops_fused[] = {
    {"FusedConv", 2, 4, 1, NULL, conv_build, false},
    {"FusedGemm", 2, 3, 1, NULL, gemm_build, false},
    {"FusedMatMul", 2, 2, 1, NULL, clr_onnx_fused_matmul_build, false},
    {"TransposeMatMul", 2, 2, 1, NULL, clr_onnx_fused_matmul_build, false},
    {"Gelu", 1, 1, 1, NULL, gelu_build, false},
    {"BiasGelu", 2, 2, 1, NULL, gelu_build, false},
    {"FastGelu", 1, 2, 1, NULL, gelu_build, false},
    {"QuickGelu", 1, 1, 1, NULL, quick_gelu_build, false},
    {"SkipLayerNormalization", 3, 5, 4, NULL, skip_build, false},
    {"SkipSimplifiedLayerNormalization", 3, 4, 4, NULL, skip_build, false},
    {0}};
