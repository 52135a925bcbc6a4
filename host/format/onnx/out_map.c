/* SPDX-License-Identifier: MIT
 * format/onnx/out_map.c - writing ONNX: functions of one number, and what computes element by
 * element. */
#include "format/onnx/out.h"

/* --- functions -------------------------------------------------------------------------------- */

/* Functions that are an operator. */
static const char *operator_of(clrnn_function function)
{
    static const char *const names[CLRNN_FUNCTIONS] = {[CLRNN_FN_IDENTITY] = "Identity",
                                                       [CLRNN_FN_TANH] = "Tanh",
                                                       [CLRNN_FN_SIGMOID] = "Sigmoid",
                                                       [CLRNN_FN_RELU] = "Relu",
                                                       [CLRNN_FN_SOFTSIGN] = "Softsign",
                                                       [CLRNN_FN_SOFTPLUS] = "Softplus",
                                                       [CLRNN_FN_HARD_SWISH] = "HardSwish",
                                                       [CLRNN_FN_EXP] = "Exp",
                                                       [CLRNN_FN_LOG] = "Log",
                                                       [CLRNN_FN_SQRT] = "Sqrt",
                                                       [CLRNN_FN_ABS] = "Abs",
                                                       [CLRNN_FN_NEGATE] = "Neg",
                                                       [CLRNN_FN_RECIPROCAL] = "Reciprocal",
                                                       [CLRNN_FN_SIGN] = "Sign",
                                                       [CLRNN_FN_FLOOR] = "Floor",
                                                       [CLRNN_FN_CEIL] = "Ceil",
                                                       [CLRNN_FN_ERF] = "Erf",
                                                       [CLRNN_FN_SIN] = "Sin",
                                                       [CLRNN_FN_COS] = "Cos",
                                                       [CLRNN_FN_ROUND] = "Round"};
    return names[function];
}

static const char *single(onnx_out *out, const char *op, const char *x)
{
    const char *y = clr_out_fresh(out);
    (void)clr_out_op(out, op, y, 1, x);
    return y;
}

static const char *times(onnx_out *out, const char *x, double factor)
{
    return clr_out_made(out, "Mul", x, clr_out_real(out, factor));
}

/* x times what is computed of it. */
static void product(onnx_out *out, const char *x, const char *other, const char *y)
{
    (void)clr_out_op(out, "Mul", y, 2, x, other);
}

/* x/2 (1 + inner) */
static void half_of(onnx_out *out, const char *x, const char *inner, const char *y)
{
    const char *half = times(out, x, 0.5);
    product(out, half, clr_out_made(out, "Add", inner, clr_out_real(out, 1)), y);
}

/* tanh(sqrt(2/pi) (x + 0.044715 x^3)) */
static const char *gelu_tanh(onnx_out *out, const char *x)
{
    const char *cube =
        times(out, clr_out_made(out, "Mul", clr_out_made(out, "Mul", x, x), x), 0.044715);
    return single(out, "Tanh",
                  times(out, clr_out_made(out, "Add", x, cube), 0.79788456080286535588));
}

/* Those with one or two numbers, as attributes. */
static bool with_attributes(onnx_out *out, const clrnn_node_desc *d, const char *x, const char *y)
{
    static const struct {
        clrnn_function function;
        const char *name, *alpha, *beta;
    } own[] = {{CLRNN_FN_LEAKY_RELU, "LeakyRelu", "alpha", NULL},
               {CLRNN_FN_HARD_SIGMOID, "HardSigmoid", "alpha", "beta"},
               {CLRNN_FN_ELU, "Elu", "alpha", NULL},
               {CLRNN_FN_SELU, "Selu", "alpha", "gamma"}};
    for (size_t i = 0; i < sizeof own / sizeof *own; i++) {
        if (own[i].function != d->function)
            continue;
        ClrOnnx__Node *node = clr_out_op(out, own[i].name, y, 1, x);
        clr_out_float(out, node, own[i].alpha, d->alpha);
        if (own[i].beta)
            clr_out_float(out, node, own[i].beta, d->beta);
        return true;
    }
    return false;
}

/* x == 0, as a number. */
static void is_zero(onnx_out *out, const char *x, const char *y)
{
    const char *truth = clr_out_made(out, "Equal", x, clr_out_real(out, 0));
    clr_out_int(out, clr_out_op(out, "Cast", y, 1, truth), "to", clr_out_type(out));
}

/* To a type and back. */
static void rounded(onnx_out *out, const char *x, int64_t type, const char *y)
{
    const char *narrow = clr_out_fresh(out);
    clr_out_int(out, clr_out_op(out, "Cast", narrow, 1, x), "to", type);
    clr_out_int(out, clr_out_op(out, "Cast", y, 1, narrow), "to", clr_out_type(out));
}

/* a and b as arrays of no axes. */
typedef struct numbers {
    const char *a, *b;
} numbers;

static numbers numbers_of(onnx_out *out, double a, double b)
{
    numbers n;
    n.a = clr_out_real(out, a);
    n.b = clr_out_real(out, b);
    return n;
}

static void affine(onnx_out *out, const char *x, numbers n, const char *y)
{
    (void)clr_out_op(out, "Add", y, 2, clr_out_made(out, "Mul", x, n.a), n.b);
}

/* x < a ? b : x, for ONNX's ThresholdedRelu is 0 at alpha itself. */
static void thresholded(onnx_out *out, const char *x, numbers n, const char *y)
{
    (void)clr_out_op(out, "Where", y, 3, clr_out_made(out, "Less", x, n.a), n.b, x);
}

void clr_out_function(onnx_out *out, const char *x, const char *y)
{
    const clrnn_node_desc *d = &out->node->desc;
    numbers n;
    if (operator_of(d->function)) {
        (void)clr_out_op(out, operator_of(d->function), y, 1, x);
        return;
    }
    if (with_attributes(out, d, x, y))
        return;
    switch (d->function) {
    case CLRNN_FN_AFFINE:
        affine(out, x, numbers_of(out, d->alpha, d->beta), y);
        break;
    case CLRNN_FN_THRESHOLDED_RELU:
        thresholded(out, x, numbers_of(out, d->alpha, 0), y);
        break;
    case CLRNN_FN_SCALED_TANH:
        n = numbers_of(out, d->alpha, d->beta);
        product(out, single(out, "Tanh", clr_out_made(out, "Mul", x, n.b)), n.a, y);
        break;
    case CLRNN_FN_GELU:
        half_of(out, x, single(out, "Erf", times(out, x, 0.70710678118654752440)), y);
        break;
    case CLRNN_FN_GELU_TANH:
        half_of(out, x, gelu_tanh(out, x), y);
        break;
    case CLRNN_FN_SILU:
        product(out, x, single(out, "Sigmoid", times(out, x, d->alpha)), y);
        break;
    case CLRNN_FN_MISH:
        product(out, x, single(out, "Tanh", single(out, "Softplus", x)), y);
        break;
    case CLRNN_FN_CLIP:
        n = numbers_of(out, d->alpha, d->beta);
        (void)clr_out_op(out, "Clip", y, 3, x, n.a, n.b);
        break;
    case CLRNN_FN_SQUARE:
        product(out, x, x, y);
        break;
    case CLRNN_FN_NOT:
        is_zero(out, x, y);
        break;
    case CLRNN_FN_TO_F16:
        rounded(out, x, ONNX_FLOAT16, y);
        break;
    case CLRNN_FN_TO_BF16:
        rounded(out, x, ONNX_BFLOAT16, y);
        break;
    default:
        clr_out_refuse(out, "the function %s", clrnn_function_name(d->function));
    }
}

const char *clr_out_before_function(onnx_out *out, const char *y)
{
    return out->node->desc.function == CLRNN_FN_IDENTITY ? y : clr_out_fresh(out);
}

void clr_out_activation(onnx_out *out)
{
    clr_out_function(out, clr_out_in(out, 0), clr_out_name(out, 0));
}

/* --- along an axis ---------------------------------------------------------------------------- */

void clr_out_softmax(onnx_out *out)
{
    const clrnn_node_desc *d = &out->node->desc;
    const char *op = d->kind == CLRNN_NODE_SOFTMAX ? "Softmax" : "LogSoftmax";
    ClrOnnx__Node *node = clr_out_op(out, op, clr_out_name(out, 0), 1, clr_out_in(out, 0));
    clr_out_int(out, node, "axis", clr_shape_axis(clr_out_in_shape(out, 0), d->axis));
}

/* --- two and three values --------------------------------------------------------------------- */

void clr_out_pair(onnx_out *out)
{
    static const char *const names[CLRNN_NODE_KINDS] = {
        [CLRNN_NODE_ADD] = "Add", [CLRNN_NODE_SUB] = "Sub", [CLRNN_NODE_MUL] = "Mul",
        [CLRNN_NODE_DIV] = "Div", [CLRNN_NODE_MIN] = "Min", [CLRNN_NODE_MAX] = "Max",
        [CLRNN_NODE_POW] = "Pow"};
    (void)clr_out_op(out, names[out->node->desc.kind], clr_out_name(out, 0), 2, clr_out_in(out, 0),
                     clr_out_in(out, 1));
}

void clr_out_compare(onnx_out *out)
{
    static const char *const names[] = {
        [CLRNN_LESS] = "Less",       [CLRNN_LESS_EQUAL] = "LessOrEqual",
        [CLRNN_EQUAL] = "Equal",     [CLRNN_NOT_EQUAL] = "Equal",
        [CLRNN_GREATER] = "Greater", [CLRNN_GREATER_EQUAL] = "GreaterOrEqual"};
    const clrnn_comparison comparison = out->node->desc.comparison;
    const char *truth =
        clr_out_made(out, names[comparison], clr_out_in(out, 0), clr_out_in(out, 1));
    if (comparison == CLRNN_NOT_EQUAL)
        truth = single(out, "Not", truth);
    clr_out_int(out, clr_out_op(out, "Cast", clr_out_name(out, 0), 1, truth), "to",
                clr_out_type(out));
}

void clr_out_select(onnx_out *out)
{
    const char *condition = clr_out_fresh(out);
    ClrOnnx__Node *cast = clr_out_op(out, "Cast", condition, 1, clr_out_in(out, 0));
    clr_out_int(out, cast, "to", ONNX_BOOLEAN);
    (void)clr_out_op(out, "Where", clr_out_name(out, 0), 3, condition, clr_out_in(out, 1),
                     clr_out_in(out, 2));
}

/* Nothing, where nobody trains. */
void clr_out_dropout(onnx_out *out)
{
    (void)clr_out_op(out, "Dropout", clr_out_name(out, 0), 2, clr_out_in(out, 0),
                     clr_out_real(out, out->node->desc.probability));
}

void clr_out_cast(onnx_out *out)
{
    ClrOnnx__Node *node = clr_out_op(out, "Cast", clr_out_name(out, 0), 1, clr_out_in(out, 0));
    clr_out_int(out, node, "to", clr_out_in_shape(out, 0)->ids ? clr_out_type(out) : ONNX_INT32);
}

void clr_out_constant(onnx_out *out)
{
    (void)clr_out_op(out, "Identity", clr_out_name(out, 0), 1, clr_out_parameter(out, "value"));
}

/* --- products --------------------------------------------------------------------------------- */

void clr_out_matmul(onnx_out *out)
{
    (void)clr_out_op(out, "MatMul", clr_out_name(out, 0), 2, clr_out_in(out, 0),
                     clr_out_in(out, 1));
}

/* weight [units,I], transposed. */
static const char *dense_weight(onnx_out *out)
{
    const clrnn_graph_parameter *p = clr_out_find(out, "weight");
    const size_t U = (size_t)p->shape[0], I = (size_t)p->shape[1];
    const int64_t dims[] = {(int64_t)I, (int64_t)U};
    const ClrOnnx__Tensor *t = clr_out_tensor(out, "weight", 2, dims);
    clr_out_piece(out, (onnx_piece){.from = p->offset, .rows = I, .cols = U, .transposed = true});
    return t ? t->name : "";
}

void clr_out_dense(onnx_out *out)
{
    const clrnn_node_desc *d = &out->node->desc;
    const char *y = clr_out_name(out, 0), *sum = clr_out_before_function(out, y);
    const char *product = d->no_bias ? sum : clr_out_fresh(out);
    (void)clr_out_op(out, "MatMul", product, 2, clr_out_in(out, 0), dense_weight(out));
    if (!d->no_bias)
        (void)clr_out_op(out, "Add", sum, 2, product, clr_out_parameter(out, "bias"));
    if (sum != y)
        clr_out_function(out, sum, y);
}
