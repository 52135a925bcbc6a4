/* SPDX-License-Identifier: MIT
 * format/onnx/product.c - products of matrices: Gemm, MatMul. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "format/onnx/einsum.h"
#include "format/onnx/fused.h"

/* --- a known right side ----------------------------------------------------------------------- */

/* b [I,U], or [U,I] where it is transposed, as the weight [U,I] of dense, times `scale`. */
static clrnn_status dense(onnx_node *n, const onnx_array *b, bool transposed, double scale,
                          const double *bias, uint32_t x, uint32_t *at)
{
    const size_t U = (size_t)b->size[transposed ? 0 : 1], I = (size_t)b->size[transposed ? 1 : 0];
    clrnn_node_desc desc = {.kind = CLRNN_NODE_DENSE, .units = (uint32_t)U, .no_bias = !bias};
    if (U == 0 || I == 0 || U > UINT32_MAX ||
        clr_onnx_size(n, x, clr_onnx_shape(n, x)->rank - 1, 0) != I)
        return clr_onnx_fail(n, CLRNN_ERR_FORMAT, "%s cannot be multiplied with [%zu,%zu]",
                             clr_value_text(clr_onnx_shape(n, x)).text, I, U);
    double *weight = clr_calloc(U * I, sizeof *weight);
    if (!weight)
        return clr_onnx_fail(n, CLRNN_ERR_MEMORY, "out of memory");
    for (size_t u = 0; u < U; u++)
        for (size_t i = 0; i < I; i++)
            weight[u * I + i] = scale * clr_onnx_at(b, transposed ? u * I + i : i * U + u);
    clrnn_status status = clr_onnx_add(n, &desc, &x, 1, at);
    if (status == CLRNN_OK)
        status = clr_onnx_set_parameter(n, "weight", weight, U * I);
    if (status == CLRNN_OK && bias)
        status = clr_onnx_set_parameter(n, "bias", bias, U);
    free(weight);
    return status;
}

static bool is_matrix(onnx_node *n, uint32_t k, clrnn_status *status)
{
    if (!n->in[k]->known)
        return false;
    *status = clr_onnx_need(n, k, "matrix");
    return *status == CLRNN_OK && n->in[k]->same && n->in[k]->array[0].rank == 2;
}

/* --- Gemm ------------------------------------------------------------------------------------- */

typedef struct gemm {
    double alpha, beta;
    int64_t transpose_a, transpose_b;
} gemm;

static clrnn_status read_gemm(onnx_node *n, gemm *g)
{
    clrnn_status status = clr_onnx_real(n, "alpha", 1, &g->alpha);
    if (status == CLRNN_OK)
        status = clr_onnx_real(n, "beta", 1, &g->beta);
    if (status == CLRNN_OK)
        status = clr_onnx_integer(n, "transA", 0, &g->transpose_a);
    return status == CLRNN_OK ? clr_onnx_integer(n, "transB", 0, &g->transpose_b) : status;
}

/* C as the bias of dense, beta in it: NULL where it is no vector over the units. */
static clrnn_status vector(onnx_node *n, double beta, size_t units, double **bias)
{
    *bias = NULL;
    if (!clr_onnx_has(n, 2) || !n->in[2]->known)
        return CLRNN_OK;
    clrnn_status status = clr_onnx_need_same(n, 2, "C");
    const onnx_array *c = &n->in[2]->array[0];
    if (status != CLRNN_OK || clr_onnx_count(c) != units ||
        c->size[c->rank ? c->rank - 1 : 0] != units)
        return status;
    *bias = clr_calloc(units, sizeof **bias);
    if (!*bias)
        return clr_onnx_fail(n, CLRNN_ERR_MEMORY, "out of memory");
    for (size_t i = 0; i < units; i++)
        (*bias)[i] = beta * clr_onnx_at(c, i);
    return CLRNN_OK;
}

static clrnn_status add_c(onnx_node *n, double beta, uint32_t *at)
{
    uint32_t c = 0;
    if (!clr_onnx_has(n, 2) || beta == 0)
        return CLRNN_OK;
    clrnn_status status = clr_onnx_number_in(n, 2, &c);
    if (status == CLRNN_OK && beta != 1)
        status = clr_onnx_add_function(n, CLRNN_FN_AFFINE, beta, 0, c, &c);
    return status == CLRNN_OK ? clr_onnx_add_pair(n, CLRNN_NODE_ADD, *at, c, at) : status;
}

static clrnn_status two_axes(onnx_node *n, uint32_t k, bool transpose, uint32_t *at)
{
    clrnn_status status = clr_onnx_number_in(n, k, at);
    if (status == CLRNN_OK && clr_onnx_shape(n, *at)->rank != 2)
        status = clr_onnx_fail(n, CLRNN_ERR_FORMAT, "its input %u has %u axes", k,
                               clr_onnx_shape(n, *at)->rank);
    return status == CLRNN_OK && transpose ? clr_onnx_add_transpose(n, (uint32_t[]){1, 0}, *at, at)
                                           : status;
}

clrnn_status clr_onnx_gemm_build(onnx_node *n)
{
    gemm g;
    uint32_t a = 0, b = 0, at = 0;
    double *bias = NULL;
    clrnn_status status = read_gemm(n, &g);
    if (status == CLRNN_OK)
        status = two_axes(n, 0, g.transpose_a != 0, &a);
    const bool weights = status == CLRNN_OK && is_matrix(n, 1, &status);
    if (status == CLRNN_OK && weights) {
        const onnx_array *w = &n->in[1]->array[0];
        status = vector(n, g.beta, (size_t)w->size[g.transpose_b ? 0 : 1], &bias);
        if (status == CLRNN_OK)
            status = dense(n, w, g.transpose_b != 0, g.alpha, bias, a, &at);
    } else if (status == CLRNN_OK) {
        status = two_axes(n, 1, g.transpose_b != 0, &b);
        if (status == CLRNN_OK)
            status = clr_onnx_add_pair(n, CLRNN_NODE_MATMUL, a, b, &at);
        if (status == CLRNN_OK && g.alpha != 1)
            status = clr_onnx_add_function(n, CLRNN_FN_AFFINE, g.alpha, 0, at, &at);
    }
    if (status == CLRNN_OK && !bias)
        status = add_c(n, g.beta, &at);
    if (status == CLRNN_OK)
        clr_onnx_set_graph(n, 0, at, ONNX_REAL);
    free(bias);
    return status;
}

/* --- MatMul ----------------------------------------------------------------------------------- */

/* The axes before the last two, broadcast: of out, whose last two are [M,N]. */
static bool batch_axes(const onnx_array *a, const onnx_array *b, onnx_array *out)
{
    onnx_array x = *a, y = *b;
    x.rank -= 2;
    y.rank -= 2;
    const uint64_t M = a->size[a->rank - 2], N = b->size[b->rank - 1];
    if (!clr_onnx_broadcast(&x, &y, out))
        return false;
    out->size[out->rank++] = M;
    out->size[out->rank++] = N;
    return true;
}

/* Where the matrix begins that goes into the one at `element` of out. */
static size_t matrix_of(const onnx_array *out, size_t element, const onnx_array *of)
{
    onnx_array big = *out, small = *of;
    big.rank -= 2;
    small.rank -= 2;
    const size_t each = (size_t)(out->size[out->rank - 2] * out->size[out->rank - 1]);
    return clr_onnx_broadcast_at(&big, element / each, &small) *
           (size_t)(of->size[of->rank - 2] * of->size[of->rank - 1]);
}

static clrnn_status matmul_fold(onnx_node *n, const onnx_array *const *in, onnx_array *out)
{
    const onnx_array *a = in[0], *b = in[1];
    n->unfolded = a->rank < 2 || b->rank < 2;
    if (n->unfolded)
        return CLRNN_OK;
    const size_t M = (size_t)a->size[a->rank - 2], K = (size_t)a->size[a->rank - 1];
    const size_t N = (size_t)b->size[b->rank - 1];
    *out = (onnx_array){.type = a->type};
    if (b->size[b->rank - 2] != K || !batch_axes(a, b, out))
        return clr_onnx_fail(n, CLRNN_ERR_FORMAT, "[..,%zu,%zu] by [..,%llu,%zu]", M, K,
                             (unsigned long long)b->size[b->rank - 2], N);
    const size_t most = clr_onnx_count(out);
    const uint64_t work = most < 1u << 30 && K < 1u << 20 ? most * K : UINT64_C(1) << 40;
    n->unfolded = out->rank > 2 && work > 1u << 26; /* there are nodes for it */
    if (n->unfolded)
        return CLRNN_OK;
    n->m->folded += work;
    clrnn_status status = clr_onnx_allocate(n, out);
    const size_t count = status == CLRNN_OK ? most : 0;
    for (size_t i = 0; i < count; i++) {
        const size_t row = matrix_of(out, i, a) + i / N % M * K, column = matrix_of(out, i, b);
        for (size_t k = 0; k < K; k++)
            out->data[i] += clr_onnx_at(a, row + k) * clr_onnx_at(b, column + k * N + i % N);
    }
    return status;
}

/* Of one axis: a row before, a column behind, which goes again. */
static clrnn_status matmul_build(onnx_node *n)
{
    uint32_t in[2] = {0}, at = 0;
    clrnn_status status = clr_onnx_number_in(n, 0, &in[0]);
    if (status == CLRNN_OK && clr_onnx_shape(n, in[0])->rank == 0)
        status = clr_onnx_fail(n, CLRNN_ERR_FORMAT, "its input is one number");
    if (status == CLRNN_OK && is_matrix(n, 1, &status)) {
        status = dense(n, &n->in[1]->array[0], false, 1, NULL, in[0], &at);
    } else if (status == CLRNN_OK) {
        bool vector[2] = {false, false};
        status = clr_onnx_number_in(n, 1, &in[1]);
        for (uint32_t k = 0; k < 2 && status == CLRNN_OK; k++) {
            vector[k] = clr_onnx_shape(n, in[k])->rank == 1;
            if (vector[k])
                status = clr_onnx_add_unsqueeze(n, &k, 1, in[k], &in[k]);
        }
        if (status == CLRNN_OK)
            status = clr_onnx_add_pair(n, CLRNN_NODE_MATMUL, in[0], in[1], &at);
        for (uint32_t k = 2; k-- > 0 && status == CLRNN_OK;) {
            const uint32_t axis = clr_onnx_shape(n, at)->rank - (k ? 1 : vector[1] ? 1 : 2);
            if (vector[k])
                status = clr_onnx_add_squeeze(n, &axis, 1, at, &at);
        }
    }
    if (status == CLRNN_OK)
        clr_onnx_set_graph(n, 0, at, n->in[0]->type);
    return status;
}

/* --- with a factor ---------------------------------------------------------------------------- */

/* Input k, its last two axes exchanged where an attribute says so. */
static clrnn_status operand(onnx_node *n, uint32_t k, bool transposed, uint32_t *at)
{
    uint32_t order[CLRNN_MOST_AXES];
    clrnn_status status = clr_onnx_number_in(n, k, at);
    const uint32_t rank = status == CLRNN_OK ? clr_onnx_shape(n, *at)->rank : 0;
    if (status == CLRNN_OK && rank < 2)
        status = clr_onnx_fail(n, CLRNN_ERR_UNSUPPORTED, "its input %u has %u axes", k, rank);
    if (status != CLRNN_OK || !transposed)
        return status;
    for (uint32_t i = 0; i < rank; i++)
        order[i] = i + 2 == rank ? rank - 1 : i + 1 == rank ? rank - 2 : i;
    return clr_onnx_add_transpose(n, order, *at, at);
}

clrnn_status clr_onnx_fused_matmul_build(onnx_node *n)
{
    static const char *const names[] = {"transA", "transB", "transBatchA", "transBatchB"};
    int64_t flags[4] = {0};
    double alpha = 1;
    uint32_t a = 0, b = 0, at = 0;
    clrnn_status status = clr_onnx_real(n, "alpha", 1, &alpha);
    for (int i = 0; i < 4 && status == CLRNN_OK; i++)
        status = clr_onnx_integer(n, names[i], 0, &flags[i]);
    if (status == CLRNN_OK && (flags[2] || flags[3]))
        status = clr_onnx_fail(n, CLRNN_ERR_UNSUPPORTED, "transBatchA or transBatchB");
    if (status == CLRNN_OK)
        status = operand(n, 0, flags[0] != 0, &a);
    if (status == CLRNN_OK && is_matrix(n, 1, &status)) {
        status = dense(n, &n->in[1]->array[0], flags[1] != 0, alpha, NULL, a, &at);
    } else if (status == CLRNN_OK) {
        status = operand(n, 1, flags[1] != 0, &b);
        if (status == CLRNN_OK)
            status = clr_onnx_add_pair(n, CLRNN_NODE_MATMUL, a, b, &at);
        if (status == CLRNN_OK && alpha != 1)
            status = clr_onnx_add_function(n, CLRNN_FN_AFFINE, alpha, 0, at, &at);
    }
    if (status == CLRNN_OK)
        clr_onnx_set_graph(n, 0, at, ONNX_REAL);
    return status;
}

const onnx_op clr_onnx_ops_product[] = {{"Gemm", 2, 3, 1, NULL, clr_onnx_gemm_build, false},
                                        {"MatMul", 2, 2, 1, matmul_fold, matmul_build, false},
                                        {"Einsum", 1, 8, 1, NULL, clr_onnx_einsum_build, false},
                                        {0}};
