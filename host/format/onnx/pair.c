/* SPDX-License-Identifier: MIT
 * format/onnx/pair.c - operators of two values, broadcast to one shape. */
#include <math.h>
#include <string.h>

#include "format/onnx/math.h"

typedef enum pair_id {
    ADD,
    SUB,
    MUL,
    DIV,
    MOD,
    POW,
    AND,
    OR,
    XOR,
    EQUAL,
    LESS,
    LESS_EQUAL,
    GREATER,
    GREATER_EQUAL,
    MIN,
    MAX,
    SUM,
    MEAN,
    PAIRS
} pair_id;

static const char *const names[PAIRS] = {
    "Add", "Sub", "Mul",   "Div",  "Mod",         "Pow",     "And",
    "Or",  "Xor", "Equal", "Less", "LessOrEqual", "Greater", "GreaterOrEqual",
    "Min", "Max", "Sum",   "Mean"};

static pair_id id_of(const onnx_node *n)
{
    pair_id id = ADD;
    while (strcmp(names[id], n->op) != 0)
        id++;
    return id;
}

static bool is_comparison(pair_id id)
{
    return id >= AND && id <= GREATER_EQUAL;
}

/* --- here ------------------------------------------------------------------------------------- */

/* Whole numbers are divided towards 0, and what remains has the sign of the divisor, or with fmod
 * that of the dividend. */
static double whole(pair_id id, double a, double b, bool fmod_of_c)
{
    if (b == 0)
        return 0; /* undefined; not worth a signal */
    if (id == DIV)
        return trunc(a / b);
    const double rest = fmod(a, b);
    return !fmod_of_c && rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest;
}

static double compute(pair_id id, double a, double b)
{
    switch (id) {
    case ADD:
    case SUM:
    case MEAN:
        return a + b;
    case SUB:
        return a - b;
    case MUL:
        return a * b;
    case DIV:
        return a / b;
    case MOD:
        return fmod(a, b);
    case POW:
        return pow(a, b);
    case AND:
        return a != 0 && b != 0;
    case OR:
        return a != 0 || b != 0;
    case XOR:
        return (a != 0) != (b != 0);
    case EQUAL:
        return a == b;
    case LESS:
        return a < b;
    case LESS_EQUAL:
        return a <= b;
    case GREATER:
        return a > b;
    case GREATER_EQUAL:
        return a >= b;
    case MIN:
        return a != a || a < b ? a : b;
    default:
        return a != a || a > b ? a : b;
    }
}

static clrnn_status fold_pair(onnx_node *n, const onnx_array *a, const onnx_array *b,
                              onnx_array *out)
{
    const pair_id id = id_of(n);
    int64_t c_rule = 0;
    clrnn_status status = id == MOD ? clr_onnx_integer(n, "fmod", 0, &c_rule) : CLRNN_OK;
    const bool integers = a->type == ONNX_INT && b->type == ONNX_INT && (id == DIV || id == MOD);
    *out = (onnx_array){.type = is_comparison(id) ? ONNX_BOOL : a->type};
    if (!clr_onnx_broadcast(a, b, out))
        return clr_onnx_fail(n, CLRNN_ERR_FORMAT, "its inputs cannot be broadcast to one shape");
    out->filled = a->filled && b->filled;
    if (status == CLRNN_OK)
        status = clr_onnx_allocate(n, out);
    for (size_t i = 0; status == CLRNN_OK && i < (out->filled ? 1 : clr_onnx_count(out)); i++) {
        const double x = clr_onnx_at(a, clr_onnx_broadcast_at(out, i, a));
        const double y = clr_onnx_at(b, clr_onnx_broadcast_at(out, i, b));
        out->data[i] = integers ? whole(id, x, y, c_rule != 0) : compute(id, x, y);
    }
    return status;
}

clrnn_status clr_onnx_pair_fold(onnx_node *n, const onnx_array *const *in, onnx_array *out)
{
    onnx_array sum = {0};
    if (!clr_onnx_copy(in[0], &sum))
        return clr_onnx_fail(n, CLRNN_ERR_MEMORY, "out of memory");
    clrnn_status status = CLRNN_OK;
    for (uint32_t k = 1; k < n->inputs && status == CLRNN_OK; k++) {
        onnx_array next = {0};
        status = in[k] ? fold_pair(n, &sum, in[k], &next)
                       : clr_onnx_fail(n, CLRNN_ERR_FORMAT, "its input %u is missing", k);
        clr_onnx_array_free(&sum);
        sum = next;
    }
    for (size_t i = 0;
         status == CLRNN_OK && id_of(n) == MEAN && i < (sum.filled ? 1 : clr_onnx_count(&sum)); i++)
        sum.data[i] /= n->inputs;
    *out = sum;
    return status;
}

/* Whether comparing what depends on T or N says the same for all of them: against what is no size
 * of an axis, as 0 or -1, it does. */
bool clr_onnx_pair_is_sure(const onnx_node *n)
{
    const pair_id id = id_of(n);
    if (id < EQUAL || id > GREATER_EQUAL || n->inputs != 2)
        return true;
    for (uint32_t k = 0; k < 2; k++) {
        const onnx_value *v = n->in[k], *other = n->in[1 - k];
        if (v->same || v->type == ONNX_BOOL)
            continue;
        if (!other->same)
            return false;
        for (size_t i = 0; i < (other->array[0].filled ? 1 : clr_onnx_count(&other->array[0])); i++)
            if (other->array[0].data[i] > 0)
                return false;
    }
    return true;
}

/* --- in the graph ----------------------------------------------------------------------------- */

/* A known input of one number that leaves the other's shape alone. */
static bool is_number(const onnx_node *n, uint32_t k, double *value)
{
    const onnx_value *v = n->in[k];
    if (!v->known || v->tensor || !v->same || clr_onnx_count(&v->array[0]) != 1)
        return false;
    const onnx_value *other = n->in[1 - k];
    if (other->at == CLR_NO_VALUE || v->array[0].rank > clr_onnx_shape(n, other->at)->rank)
        return false;
    *value = v->array[0].data[0];
    return isfinite(*value);
}

/* As one function of the other input. False: it is none. */
static bool as_function(onnx_node *n, pair_id id, uint32_t k, double c, clrnn_node_desc *desc)
{
    *desc =
        (clrnn_node_desc){.kind = CLRNN_NODE_ACTIVATION, .function = CLRNN_FN_AFFINE, .alpha = 1};
    if (n->in[1 - k]->type == ONNX_INT && id == DIV)
        return false;
    switch (id) {
    case ADD:
        desc->beta = c;
        return true;
    case SUB:
        desc->alpha = k == 1 ? 1 : -1;
        desc->beta = k == 1 ? -c : c;
        return true;
    case MUL:
        desc->alpha = c;
        return c != 0;
    case DIV:
        desc->alpha = k == 1 ? 1 / c : 0;
        return k == 1 && c != 0 && isfinite(1 / c);
    case POW:
        desc->function = c == 2 ? CLRNN_FN_SQUARE : CLRNN_FN_SQRT;
        desc->alpha = 0;
        return k == 1 && (c == 2 || c == 0.5);
    default:
        return false;
    }
}

static clrnn_status by_number(onnx_node *n, pair_id id, bool *done)
{
    double c = 0;
    clrnn_node_desc desc;
    uint32_t at = 0;
    *done = false;
    for (uint32_t k = 0; k < 2 && n->inputs == 2; k++)
        if (n->in[k]->tensor) {
            clrnn_status status = clr_onnx_need(n, k, "input");
            if (status != CLRNN_OK)
                return status;
        }
    for (uint32_t k = 2; k-- > 0 && n->inputs == 2;) {
        if (!is_number(n, k, &c) || !as_function(n, id, k, c, &desc))
            continue;
        clrnn_status status = clr_onnx_number_in(n, 1 - k, &at);
        if (status == CLRNN_OK)
            status = clr_onnx_add(n, &desc, &at, 1, &at);
        if (status == CLRNN_OK)
            clr_onnx_set_graph(n, 0, at, n->in[1 - k]->type);
        *done = true;
        return status;
    }
    return CLRNN_OK;
}

static clrnn_node_kind kind_of(pair_id id)
{
    switch (id) {
    case ADD:
    case SUM:
    case MEAN:
        return CLRNN_NODE_ADD;
    case SUB:
        return CLRNN_NODE_SUB;
    case AND:
    case MUL:
        return CLRNN_NODE_MUL;
    case DIV:
        return CLRNN_NODE_DIV;
    case POW:
        return CLRNN_NODE_POW;
    case MIN:
        return CLRNN_NODE_MIN;
    case OR:
    case MAX:
        return CLRNN_NODE_MAX;
    default:
        return CLRNN_NODE_COMPARE;
    }
}

static bool is_finite(const onnx_value *value)
{
    bool finite = value->known;
    for (int w = 0; w < ONNX_WORLDS && finite; w++) {
        const onnx_array *a = &value->array[w];
        for (size_t i = 0; i < (a->filled ? 1 : clr_onnx_count(a)) && a->data; i++)
            finite = finite && isfinite(a->data[i]);
    }
    return finite;
}

/* Where b is infinite a/b b is no number: a remains, or b where that has to give the sign. Of
 * infinite a nothing does. */
static clrnn_status by_infinity(onnx_node *n, bool fmod_of_c, uint32_t a, uint32_t b, uint32_t *at)
{
    static const double infinity = INFINITY, none = 0;
    clrnn_node_desc constant = {.kind = CLRNN_NODE_CONSTANT, .data = &infinity};
    clrnn_node_desc zero = {.kind = CLRNN_NODE_CONSTANT, .data = &none};
    clrnn_node_desc equal = {.kind = CLRNN_NODE_COMPARE, .comparison = CLRNN_EQUAL};
    clrnn_node_desc less = {.kind = CLRNN_NODE_COMPARE, .comparison = CLRNN_LESS};
    clrnn_node_desc choose = {.kind = CLRNN_NODE_SELECT};
    uint32_t size = 0, most = 0, is = 0, other = a, signs = 0, nought = 0, gone = 0;
    clrnn_status status = clr_onnx_add_function(n, CLRNN_FN_ABS, 0, 0, b, &size);
    if (status == CLRNN_OK)
        status = clr_onnx_add(n, &constant, NULL, 0, &most);
    if (status == CLRNN_OK)
        status = clr_onnx_add(n, &equal, (uint32_t[]){size, most}, 2, &is);
    if (status == CLRNN_OK && !fmod_of_c) {
        status = clr_onnx_add(n, &zero, NULL, 0, &nought);
        if (status == CLRNN_OK)
            status = clr_onnx_add_pair(n, CLRNN_NODE_MUL, a, b, &signs);
        if (status == CLRNN_OK)
            status = clr_onnx_add(n, &less, (uint32_t[]){signs, nought}, 2, &signs);
        if (status == CLRNN_OK)
            status = clr_onnx_add(n, &choose, (uint32_t[]){signs, b, a}, 3, &other);
    }
    if (status == CLRNN_OK)
        status = clr_onnx_add_pair(n, CLRNN_NODE_SUB, a, a, &gone);
    if (status == CLRNN_OK)
        status = clr_onnx_add_pair(n, CLRNN_NODE_ADD, other, gone, &other);
    return status == CLRNN_OK ? clr_onnx_add(n, &choose, (uint32_t[]){is, other, *at}, 3, at)
                              : status;
}

/* What remains: a - b floor(a/b), or with fmod, as in C, a - b trunc(a/b). */
static clrnn_status modulo(onnx_node *n, uint32_t a, uint32_t b, uint32_t *at)
{
    int64_t c_rule = 0;
    clrnn_status status = clr_onnx_integer(n, "fmod", 0, &c_rule);
    if (status == CLRNN_OK)
        status = clr_onnx_add_pair(n, CLRNN_NODE_DIV, a, b, at);
    if (status == CLRNN_OK)
        status = c_rule ? clr_onnx_truncate(n, *at, at)
                        : clr_onnx_add_function(n, CLRNN_FN_FLOOR, 0, 0, *at, at);
    if (status == CLRNN_OK)
        status = clr_onnx_add_pair(n, CLRNN_NODE_MUL, *at, b, at);
    if (status == CLRNN_OK)
        status = clr_onnx_add_pair(n, CLRNN_NODE_SUB, a, *at, at);
    return status == CLRNN_OK && n->in[1]->type == ONNX_REAL && !is_finite(n->in[1])
               ? by_infinity(n, c_rule != 0, a, b, at)
               : status;
}

static clrnn_status join(onnx_node *n, pair_id id, uint32_t a, uint32_t b, uint32_t *at)
{
    static const clrnn_comparison comparisons[] = {
        [XOR] = CLRNN_NOT_EQUAL,   [EQUAL] = CLRNN_EQUAL,
        [LESS] = CLRNN_LESS,       [LESS_EQUAL] = CLRNN_LESS_EQUAL,
        [GREATER] = CLRNN_GREATER, [GREATER_EQUAL] = CLRNN_GREATER_EQUAL};
    clrnn_node_desc desc = {.kind = kind_of(id)};
    if (id == MOD)
        return modulo(n, a, b, at);
    if (desc.kind == CLRNN_NODE_COMPARE)
        desc.comparison = comparisons[id];
    return clr_onnx_add(n, &desc, (uint32_t[]){a, b}, 2, at);
}

clrnn_status clr_onnx_pair_build(onnx_node *n)
{
    const pair_id id = id_of(n);
    const onnx_type type = is_comparison(id) ? ONNX_BOOL : n->in[0]->type;
    uint32_t at = 0, next = 0;
    bool done = false;
    clrnn_status status = by_number(n, id, &done);
    if (done || status != CLRNN_OK)
        return status;
    status = clr_onnx_number_in(n, 0, &at);
    for (uint32_t k = 1; k < n->inputs && status == CLRNN_OK; k++) {
        if (!n->in[k])
            return clr_onnx_fail(n, CLRNN_ERR_FORMAT, "its input %u is missing", k);
        status = clr_onnx_number_in(n, k, &next);
        if (status == CLRNN_OK)
            status = join(n, id, at, next, &at);
    }
    if (status == CLRNN_OK && id == MEAN)
        status = clr_onnx_add_function(n, CLRNN_FN_AFFINE, 1.0 / n->inputs, 0, at, &at);
    if (status == CLRNN_OK && id == DIV && type == ONNX_INT)
        status = clr_onnx_truncate(n, at, &at);
    if (status == CLRNN_OK)
        clr_onnx_set_graph(n, 0, at, type);
    return status;
}
