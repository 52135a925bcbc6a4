/* SPDX-License-Identifier: MIT
 * format/onnx_product.c - products of matrices: Gemm, MatMul, Einsum. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "format/onnx.h"

/* --- a known right side ------------------------------------------------------------------------
 */

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

/* --- Gemm --------------------------------------------------------------------------------------
 */

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

static clrnn_status gemm_build(onnx_node *n)
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

/* --- MatMul ------------------------------------------------------------------------------------
 */

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

/* --- Einsum ------------------------------------------------------------------------------------
 */

/* "ab,bc->ac": axes by letter. */
typedef struct term {
    char axes[CLRNN_MOST_AXES + 1];
    uint32_t rank;
} term;

static bool read_term(const char **text, term *t)
{
    *t = (term){.rank = 0};
    for (; **text && **text != ',' && **text != '-'; ++*text) {
        if (**text == ' ')
            continue;
        if (!isalpha((unsigned char)**text) || t->rank == CLRNN_MOST_AXES ||
            strchr(t->axes, **text))
            return false;
        t->axes[t->rank++] = **text;
    }
    return true;
}

/* Two operands and the result; where it is not given: letters that are there once, in order. */
static clrnn_status read_equation(onnx_node *n, term in[2], term *out)
{
    const ClrOnnx__Attribute *a = clr_onnx_attribute(n, "equation");
    char text[128] = "";
    if (a && a->s.len < sizeof text)
        memcpy(text, a->s.data, a->s.len);
    const char *p = text;
    bool fine = read_term(&p, &in[0]);
    in[1] = (term){.rank = 0};
    if (fine && *p == ',') {
        p++;
        fine = read_term(&p, &in[1]);
    }
    if (fine && strncmp(p, "->", 2) == 0) {
        p += 2;
        fine = read_term(&p, out);
    } else if (fine) {
        *out = (term){.rank = 0};
        for (char c = 'A'; c <= 'z'; c++)
            if (isalpha((unsigned char)c) && !strchr(in[0].axes, c) != !strchr(in[1].axes, c) &&
                out->rank < CLRNN_MOST_AXES)
                out->axes[out->rank++] = c;
    }
    for (uint32_t i = 0; fine && i < out->rank; i++)
        fine = strchr(in[0].axes, out->axes[i]) || strchr(in[1].axes, out->axes[i]);
    return fine && !*p && n->inputs <= 2
               ? CLRNN_OK
               : clr_onnx_fail(n, CLRNN_ERR_UNSUPPORTED, "the equation '%s'", text);
}

/* Letters of `from` that are (or are not) in each of two others. */
static uint32_t pick(const term *from, const term *a, bool in_a, const term *b, bool in_b, char *to)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < from->rank; i++)
        if (!strchr(a->axes, from->axes[i]) != in_a && !strchr(b->axes, from->axes[i]) != in_b)
            to[count++] = from->axes[i];
    return count;
}

/* Sum over what no one else has. */
static clrnn_status sum_own(onnx_node *n, term *t, const term *other, const term *out, uint32_t *at)
{
    uint32_t axes[CLRNN_MOST_AXES], count = 0, left = 0;
    term rest = {.rank = 0};
    for (uint32_t i = 0; i < t->rank; i++)
        if (strchr(other->axes, t->axes[i]) || strchr(out->axes, t->axes[i]))
            rest.axes[left++] = t->axes[i];
        else
            axes[count++] = i;
    rest.rank = left;
    clrnn_status status = clr_onnx_add_reduce(n, CLRNN_REDUCE_SUM, axes, count, false, *at, at);
    *t = rest;
    return status;
}

/* The axes of a value in the order of letters. */
static clrnn_status order(onnx_node *n, const term *t, const char *letters, uint32_t *at)
{
    uint32_t axes[CLRNN_MOST_AXES];
    for (uint32_t i = 0; i < t->rank; i++)
        axes[i] = (uint32_t)(strchr(t->axes, letters[i]) - t->axes);
    return clr_onnx_add_transpose(n, axes, *at, at);
}

/* The sizes of groups of axes, one after the other, each as one. */
static clrnn_status group(onnx_node *n, uint32_t batch, const uint32_t groups[2], uint32_t *at)
{
    uint64_t sizes[ONNX_WORLDS][CLRNN_MOST_AXES];
    uint64_t *const size[ONNX_WORLDS] = {sizes[0], sizes[1]};
    for (int w = 0; w < ONNX_WORLDS; w++) {
        uint32_t axis = batch;
        for (uint32_t i = 0; i < batch; i++)
            sizes[w][i] = clr_onnx_size(n, *at, i, w);
        for (uint32_t g = 0; g < 2; g++) {
            sizes[w][batch + g] = 1;
            for (uint32_t i = 0; i < groups[g]; i++)
                sizes[w][batch + g] *= clr_onnx_size(n, *at, axis++, w);
        }
    }
    return clr_onnx_add_reshape(n, batch + 2, size, *at, at);
}

/* Letters of both and the result, of one and the result, of both alone. */
typedef struct letters {
    char both[9], a[9], b[9], sum[9];
    uint32_t boths, as, bs, sums;
} letters;

static clrnn_status multiply(onnx_node *n, const term in[2], const term *out, uint32_t at[2],
                             uint32_t *to)
{
    letters l = {.boths = 0};
    char order_a[40] = "", order_b[40] = "", result[40] = "";
    l.boths = pick(&in[0], &in[1], true, out, true, l.both);
    l.sums = pick(&in[0], &in[1], true, out, false, l.sum);
    l.as = pick(&in[0], &in[1], false, out, true, l.a);
    l.bs = pick(&in[1], &in[0], false, out, true, l.b);
    strcat(strcat(strcpy(order_a, l.both), l.a), l.sum);
    strcat(strcat(strcpy(order_b, l.both), l.sum), l.b);
    strcat(strcat(strcpy(result, l.both), l.a), l.b);
    uint64_t sizes[ONNX_WORLDS][CLRNN_MOST_AXES];
    uint64_t *const size[ONNX_WORLDS] = {sizes[0], sizes[1]};
    if (l.boths + 2 > CLRNN_MOST_AXES)
        return clr_onnx_fail(n, CLRNN_ERR_UNSUPPORTED, "too many axes");
    clrnn_status status = order(n, &in[0], order_a, &at[0]);
    if (status == CLRNN_OK)
        status = order(n, &in[1], order_b, &at[1]);
    for (int w = 0; w < ONNX_WORLDS && status == CLRNN_OK; w++) {
        for (uint32_t i = 0; i < l.boths + l.as; i++)
            sizes[w][i] = clr_onnx_size(n, at[0], i, w);
        for (uint32_t i = 0; i < l.bs; i++)
            sizes[w][l.boths + l.as + i] = clr_onnx_size(n, at[1], l.boths + l.sums + i, w);
    }
    if (status == CLRNN_OK)
        status = group(n, l.boths, (uint32_t[]){l.as, l.sums}, &at[0]);
    if (status == CLRNN_OK)
        status = group(n, l.boths, (uint32_t[]){l.sums, l.bs}, &at[1]);
    if (status == CLRNN_OK)
        status = clr_onnx_add_pair(n, CLRNN_NODE_MATMUL, at[0], at[1], to);
    if (status == CLRNN_OK)
        status = clr_onnx_add_reshape(n, l.boths + l.as + l.bs, size, *to, to);
    term made = {.rank = (uint32_t)strlen(result)};
    memcpy(made.axes, result, made.rank);
    return status == CLRNN_OK ? order(n, &made, out->axes, to) : status;
}

static clrnn_status einsum_build(onnx_node *n)
{
    term in[2], out;
    uint32_t at[2] = {0}, to = 0;
    clrnn_status status = read_equation(n, in, &out);
    for (uint32_t k = 0; k < n->inputs && status == CLRNN_OK; k++) {
        status = clr_onnx_number_in(n, k, &at[k]);
        if (status == CLRNN_OK && clr_onnx_shape(n, at[k])->rank != in[k].rank)
            status = clr_onnx_fail(n, CLRNN_ERR_FORMAT, "its input %u has %u axes", k,
                                   clr_onnx_shape(n, at[k])->rank);
        if (status == CLRNN_OK)
            status = sum_own(n, &in[k], &in[1 - k], &out, &at[k]);
    }
    if (status == CLRNN_OK && n->inputs == 1) {
        status = order(n, &in[0], out.axes, &at[0]);
        to = at[0];
    } else if (status == CLRNN_OK) {
        status = multiply(n, in, &out, at, &to);
    }
    if (status == CLRNN_OK)
        clr_onnx_set_graph(n, 0, to, ONNX_REAL);
    return status;
}

const onnx_op clr_onnx_ops_product[] = {{"Gemm", 2, 3, 1, NULL, gemm_build},
                                        {"MatMul", 2, 2, 1, matmul_fold, matmul_build},
                                        {"Einsum", 1, 2, 1, NULL, einsum_build},
                                        {0}};
