/* SPDX-License-Identifier: MIT
 * graph/node_matmul.c - C = A B of two values, over the last two axes, the others broadcast. */
#include "graph/kind.h"

/* --- shapes ---------------------------------------------------------------------------------- */

/* The axes before the last two. */
static clr_shape outer_of(const clr_shape *x)
{
    clr_shape s = *x;
    s.rank -= 2;
    if (s.steps >= (int32_t)s.rank)
        s.steps = CLR_NO_AXIS;
    if (s.batch >= (int32_t)s.rank)
        s.batch = CLR_NO_AXIS;
    return s;
}

/* Which axis of the result an axis of a, or of b (`right`), becomes; CLR_NO_AXIS: none, it is
 * summed over. */
static int32_t place_of(int32_t axis, const clr_shape *x, bool right, uint32_t rank)
{
    const int32_t outer = (int32_t)x->rank - 2, kept = right ? outer + 1 : outer;
    return axis == CLR_NO_AXIS ? CLR_NO_AXIS
           : axis < outer      ? axis + (int32_t)(rank - x->rank)
           : axis == kept      ? (int32_t)rank - (right ? 1 : 2)
                               : CLR_NO_AXIS;
}

/* T and N of the result: those of what has lengths, since these come with them, else of a. */
static void place_roles(const clr_shape *a, const clr_shape *b, clr_shape *out)
{
    const clr_shape *const x[] = {a, b};
    int32_t steps[2], batch[2];
    bool ragged[2];
    for (int i = 0; i < 2; i++) {
        steps[i] = place_of(x[i]->steps, x[i], i, out->rank);
        batch[i] = place_of(x[i]->batch, x[i], i, out->rank);
        ragged[i] =
            x[i]->lengths != CLR_ALL_STEPS && steps[i] != CLR_NO_AXIS && batch[i] != CLR_NO_AXIS;
    }
    const int first = !ragged[0] && ragged[1], other = 1 - first;
    out->steps = steps[first] != CLR_NO_AXIS ? steps[first] : steps[other];
    out->batch = batch[first] != CLR_NO_AXIS ? batch[first] : batch[other];
    out->lengths = ragged[first] ? x[first]->lengths : CLR_ALL_STEPS;
}

static clrnn_status matmul_infer(clr_infer *infer)
{
    const clr_shape *a = infer->in[0], *b = infer->in[1];
    clr_shape out;
    bool fits = a->rank >= 2 && b->rank >= 2 && a->size[a->rank - 1] == b->size[b->rank - 2] &&
                a->size[a->rank - 1] > 0;
    if (fits) {
        const clr_shape outer_a = outer_of(a), outer_b = outer_of(b);
        fits = clr_broadcast(&outer_a, &outer_b, &out);
    }
    if (!fits)
        return clr_node_fail(infer->log, infer->desc, CLRNN_ERR_ARGUMENT,
                             "%s and %s cannot be multiplied", clr_value_text(a).text,
                             clr_value_text(b).text);
    out.size[out.rank++] = a->size[a->rank - 2];
    out.size[out.rank++] = b->size[b->rank - 1];
    place_roles(a, b, &out);
    infer->out[0] = out;
    return CLRNN_OK;
}

/* --- running --------------------------------------------------------------------------------- */

typedef struct sizes {
    size_t M, K, N, outer;
} sizes;

static sizes sizes_of(const clr_run *run)
{
    const clr_shape *a = &run->in[0], *b = &run->in[1], *c = &run->out[0];
    sizes s = {.M = (size_t)a->size[a->rank - 2],
               .K = (size_t)a->size[a->rank - 1],
               .N = (size_t)b->size[b->rank - 1],
               .outer = clr_shape_part(c, 0, c->rank - 2)};
    /* One matrix b for all of a: their rows are one matrix. */
    if (clr_shape_part(b, 0, b->rank - 2) == 1 && clr_shape_part(a, 0, a->rank - 2) == s.outer) {
        s.M *= s.outer;
        s.outer = 1;
    }
    return s;
}

/* Which matrix of an operand goes into matrix `o` of the result; *first: it is the first that it
 * goes into. */
static size_t matrix_of(const clr_shape *out, const clr_shape *x, size_t o, bool *first)
{
    size_t at = 0, stride = 1;
    *first = true;
    for (uint32_t i = out->rank - 2; i-- > 0;) {
        const size_t index = o % (size_t)out->size[i];
        const uint32_t behind = out->rank - i;
        const size_t size = behind <= x->rank ? (size_t)x->size[x->rank - behind] : 1;
        o /= (size_t)out->size[i];
        at += size == 1 ? 0 : index * stride;
        *first = *first && (size > 1 || index == 0);
        stride *= size;
    }
    return at;
}

static clr_matrix part(clrnn_slice x, size_t matrix, size_t rows, size_t columns)
{
    return (clr_matrix){x.buffer, x.offset + matrix * rows * columns, columns};
}

static clrnn_status matmul_forward(clr_run *run)
{
    const sizes s = sizes_of(run);
    clrnn_status status = CLRNN_OK;
    bool first;
    for (size_t o = 0; o < s.outer && status == CLRNN_OK; o++) {
        const bool one = s.outer == 1;
        const size_t a = one ? 0 : matrix_of(&run->out[0], &run->in[0], o, &first);
        const size_t b = one ? 0 : matrix_of(&run->out[0], &run->in[1], o, &first);
        const clr_gemm g = {.m = s.M,
                            .n = s.N,
                            .k = s.K,
                            .a = part(run->x[0], a, s.M, s.K),
                            .b = part(run->x[1], b, s.K, s.N),
                            .c = part(run->y[0], o, s.M, s.N)};
        status = clr_gemm_run(&run->tools->gemms, &g);
    }
    return status;
}

/* dA = dC B^T, dB = A^T dC, added up where an operand was broadcast. */
static clrnn_status matmul_backward(clr_run *run)
{
    const sizes s = sizes_of(run);
    clrnn_status status = CLRNN_OK;
    bool first_a = true, first_b = true;
    for (size_t o = 0; o < s.outer && status == CLRNN_OK; o++) {
        const bool one = s.outer == 1;
        const size_t a = one ? 0 : matrix_of(&run->out[0], &run->in[0], o, &first_a);
        const size_t b = one ? 0 : matrix_of(&run->out[0], &run->in[1], o, &first_b);
        const clr_matrix dc = part(run->dy[0], o, s.M, s.N);
        const clr_gemm da = {.m = s.M,
                             .n = s.K,
                             .k = s.N,
                             .transpose_b = true,
                             .accumulate = !first_a,
                             .a = dc,
                             .b = part(run->x[1], b, s.K, s.N),
                             .c = part(run->dx[0], a, s.M, s.K)};
        const clr_gemm db = {.m = s.K,
                             .n = s.N,
                             .k = s.M,
                             .transpose_a = true,
                             .accumulate = !first_b,
                             .a = part(run->x[0], a, s.M, s.K),
                             .b = dc,
                             .c = part(run->dx[1], b, s.K, s.N)};
        if (run->dx[0].buffer)
            status = clr_gemm_run(&run->tools->gemms, &da);
        if (status == CLRNN_OK && run->dx[1].buffer)
            status = clr_gemm_run(&run->tools->gemms, &db);
    }
    return status;
}

static const char *matmul_no_stream(const clr_infer *infer)
{
    const clr_shape *a = infer->in[0], *b = infer->in[1];
    const bool over = a->steps == (int32_t)a->rank - 1 ||
                      (b->steps != CLR_NO_AXIS && b->steps >= (int32_t)b->rank - 2);
    return over ? "it needs the whole sequence" : NULL;
}

const clr_kind clr_kind_matmul = {.id = CLRNN_NODE_MATMUL,
                                  .least = 2,
                                  .most = 2,
                                  .outputs = {""},
                                  .crosses = true,
                                  .infer = matmul_infer,
                                  .forward = matmul_forward,
                                  .backward = matmul_backward,
                                  .no_stream = matmul_no_stream};
