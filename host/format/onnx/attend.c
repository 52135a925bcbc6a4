/* SPDX-License-Identifier: MIT
 * format/onnx/attend.c - Attention, RotaryEmbedding and CumProd, as the operators that they are of.
 */
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "format/onnx/body.h"

static onnx_given axis_is(int64_t axis)
{
    return (onnx_given){.name = "axis", .i = axis};
}

static uint32_t reshaped(onnx_body *b, uint32_t x, const int64_t *sizes, size_t count)
{
    const uint32_t list = clr_onnx_say_list(b, sizes, count);
    return ONNX_SAY(b, "Reshape", ONNX_PLAIN, x, list);
}

static uint32_t turned(onnx_body *b, uint32_t x, const int64_t order[4])
{
    return ONNX_SAY(b, "Transpose", ((onnx_given){.name = "perm", .ints = order, .count = 4}), x);
}

static uint32_t one_more(onnx_body *b, uint32_t x, int64_t axis)
{
    const uint32_t list = clr_onnx_say_list(b, &axis, 1);
    return ONNX_SAY(b, "Unsqueeze", ONNX_PLAIN, x, list);
}

/* --- RotaryEmbedding -------------------------------------------------------------------------- */

/* A table as [N,T,1,R/2] or [N,1,T,R/2]; by position_ids, where they are given. */
static uint32_t angles(onnx_body *b, uint32_t k, int64_t heads_axis)
{
    const uint32_t table = clr_onnx_say_input(b, k), ids = clr_onnx_say_input(b, 3);
    const uint32_t rows =
        ids == ONNX_NOTHING ? table : ONNX_SAY(b, "Gather", axis_is(0), table, ids);
    return one_more(b, rows, heads_axis);
}

/* Pairs (x, y) of the last axis, which are its halves or neighbours, turned: x cos - y sin, x sin +
 * y cos. x: [..,R] */
static uint32_t rotated(onnx_body *b, uint32_t x, uint32_t cosine, uint32_t sine, bool neighbours,
                        int64_t R)
{
    const uint32_t first =
        neighbours ? clr_onnx_say_cut(b, x, -1, 0, R, 2) : clr_onnx_say_cut(b, x, -1, 0, R / 2, 1);
    const uint32_t second =
        neighbours ? clr_onnx_say_cut(b, x, -1, 1, R, 2) : clr_onnx_say_cut(b, x, -1, R / 2, R, 1);
    const uint32_t a = ONNX_SAY(b, "Mul", ONNX_PLAIN, first, cosine);
    const uint32_t c = ONNX_SAY(b, "Mul", ONNX_PLAIN, second, sine);
    const uint32_t d = ONNX_SAY(b, "Mul", ONNX_PLAIN, first, sine);
    const uint32_t e = ONNX_SAY(b, "Mul", ONNX_PLAIN, second, cosine);
    uint32_t low = ONNX_SAY(b, "Sub", ONNX_PLAIN, a, c);
    uint32_t high = ONNX_SAY(b, "Add", ONNX_PLAIN, d, e);
    if (!neighbours)
        return ONNX_SAY(b, "Concat", axis_is(-1), low, high);
    low = one_more(b, low, -1);
    high = one_more(b, high, -1);
    return reshaped(b, ONNX_SAY(b, "Concat", axis_is(-1), low, high), (int64_t[]){0, 0, 0, R}, 4);
}

static clrnn_status rotary_build(onnx_node *n)
{
    onnx_body b = {.n = n};
    int64_t heads = 0, R = 0, neighbours = 0;
    clrnn_status status = clr_onnx_integer(n, "num_heads", 0, &heads);
    if (status == CLRNN_OK)
        status = clr_onnx_integer(n, "rotary_embedding_dim", 0, &R);
    if (status == CLRNN_OK)
        status = clr_onnx_integer(n, "interleaved", 0, &neighbours);
    if (status != CLRNN_OK)
        return status;
    uint32_t x = clr_onnx_say_input(&b, 0);
    const uint32_t rank = clr_onnx_say_rank(&b, x);
    const bool flat = rank == 3;
    if ((rank != 3 && rank != 4) || (flat && heads < 1))
        b.status =
            clr_onnx_fail(n, CLRNN_ERR_FORMAT, "X of %u axes, %lld heads", rank, (long long)heads);
    if (flat)
        x = reshaped(&b, x, (int64_t[]){0, 0, heads, -1}, 4);
    const int64_t D = (int64_t)clr_onnx_say_size(&b, x, -1);
    R = R ? R : D;
    if (b.status == CLRNN_OK && (R < 2 || R > D || R % 2))
        b.status =
            clr_onnx_fail(n, CLRNN_ERR_FORMAT, "it turns %lld of %lld", (long long)R, (long long)D);
    const uint32_t cosine = angles(&b, 1, flat ? 2 : 1), sine = angles(&b, 2, flat ? 2 : 1);
    const uint32_t part = R < D ? clr_onnx_say_cut(&b, x, -1, 0, R, 1) : x;
    uint32_t y = rotated(&b, part, cosine, sine, neighbours != 0, R);
    if (R < D)
        y = ONNX_SAY(&b, "Concat", axis_is(-1), y, clr_onnx_say_cut(&b, x, -1, R, D, 1));
    if (flat)
        y = reshaped(&b, y, (int64_t[]){0, 0, -1}, 3);
    clr_onnx_say_output(&b, 0, y);
    return clr_onnx_body_end(&b);
}

/* --- Attention -------------------------------------------------------------------------------- */

typedef struct attention {
    int64_t heads, shared, causal, mode; /* heads of queries; of keys and values */
    double scale, cap;
} attention;

static clrnn_status read_attention(onnx_node *n, attention *a)
{
    int64_t precision = 0; /* we have one */
    clrnn_status status = clr_onnx_integer(n, "q_num_heads", 0, &a->heads);
    if (status == CLRNN_OK)
        status = clr_onnx_integer(n, "kv_num_heads", 0, &a->shared);
    if (status == CLRNN_OK)
        status = clr_onnx_integer(n, "is_causal", 0, &a->causal);
    if (status == CLRNN_OK)
        status = clr_onnx_real(n, "scale", 0, &a->scale);
    if (status == CLRNN_OK)
        status = clr_onnx_real(n, "softcap", 0, &a->cap);
    if (status == CLRNN_OK)
        status = clr_onnx_integer(n, "qk_matmul_output_mode", 0, &a->mode);
    if (status == CLRNN_OK && (a->mode < 0 || a->mode > 3))
        status =
            clr_onnx_fail(n, CLRNN_ERR_FORMAT, "qk_matmul_output_mode %lld", (long long)a->mode);
    return status == CLRNN_OK ? clr_onnx_integer(n, "softmax_precision", 1, &precision) : status;
}

/* Input k as [N,heads,T,D]. */
static uint32_t in_heads(onnx_body *b, uint32_t k, int64_t heads, bool flat)
{
    const uint32_t x = clr_onnx_say_input(b, k);
    if (!flat)
        return x;
    return turned(b, reshaped(b, x, (int64_t[]){0, 0, heads, -1}, 4), (int64_t[]){0, 2, 1, 3});
}

/* With what is there from before, in front. */
static uint32_t with_past(onnx_body *b, uint32_t k, uint32_t x)
{
    const uint32_t past = clr_onnx_say_input(b, k);
    return past == ONNX_NOTHING ? x : ONNX_SAY(b, "Concat", axis_is(2), past, x);
}

/* Each head `times` times, one after the other. */
static uint32_t for_all(onnx_body *b, uint32_t x, int64_t heads, int64_t times)
{
    if (times == 1)
        return x;
    const int64_t D = (int64_t)clr_onnx_say_size(b, x, -1);
    const uint32_t list = clr_onnx_say_list(b, (int64_t[]){1, 1, times, 1, 1}, 5);
    const uint32_t wide = ONNX_SAY(b, "Expand", ONNX_PLAIN, one_more(b, x, 2), list);
    return reshaped(b, wide, (int64_t[]){0, heads, -1, D}, 4);
}

/* 0, 1, .. below count, as int64. */
static uint32_t counted(onnx_body *b, uint64_t count)
{
    const uint32_t first = clr_onnx_say_number(b, ONNX_INT, 0);
    const uint32_t step = clr_onnx_say_number(b, ONNX_INT, 1);
    return ONNX_SAY(b, "Range", ONNX_PLAIN, first, clr_onnx_say_number(b, ONNX_INT, (double)count),
                    step);
}

/* Which keys a query does not see: those behind the used ones of its row, of which there are
 * `used` [N] (or all), and if it is causal those later than itself, where the last query comes with
 * the last key of `used`, or with that behind the `before` ones. ONNX_NOTHING: it sees all. */
static uint32_t unseen(onnx_body *b, bool causal, uint32_t q, uint32_t k, uint64_t before)
{
    const uint32_t used = clr_onnx_say_input(b, 6);
    if (!causal && used == ONNX_NOTHING)
        return ONNX_NOTHING;
    const uint32_t keys = counted(b, clr_onnx_say_size(b, k, 2));
    uint32_t end = used;
    if (used != ONNX_NOTHING)
        end = ONNX_SAY(b, "Unsqueeze", ONNX_PLAIN, used,
                       clr_onnx_say_list(b, (int64_t[]){1, 2, 3}, 3));
    if (!causal)
        return ONNX_SAY(b, "GreaterOrEqual", ONNX_PLAIN, keys, end);
    const uint64_t T = clr_onnx_say_size(b, q, 2);
    const uint32_t queries = one_more(b, counted(b, T), 1);
    const uint32_t shift =
        used == ONNX_NOTHING
            ? clr_onnx_say_number(b, ONNX_INT, (double)before)
            : ONNX_SAY(b, "Sub", ONNX_PLAIN, end, clr_onnx_say_number(b, ONNX_INT, (double)T));
    return ONNX_SAY(b, "Greater", ONNX_PLAIN, keys, ONNX_SAY(b, "Add", ONNX_PLAIN, queries, shift));
}

/* Scores with what the mask adds; of truths what is false is left out. */
static uint32_t masked(onnx_body *b, uint32_t scores, uint32_t mask, uint32_t hidden)
{
    const uint32_t none = clr_onnx_say_number(b, ONNX_REAL, -INFINITY);
    if (mask != ONNX_NOTHING && b->status == CLRNN_OK)
        scores = b->value[mask].type == ONNX_BOOL
                     ? ONNX_SAY(b, "Where", ONNX_PLAIN, mask, scores, none)
                     : ONNX_SAY(b, "Add", ONNX_PLAIN, scores, mask);
    if (hidden != ONNX_NOTHING)
        scores = ONNX_SAY(b, "Where", ONNX_PLAIN, hidden, none, scores);
    return scores;
}

/* 0 in rows that see nothing. */
static uint32_t softmax_of(onnx_body *b, uint32_t scores, bool guarded)
{
    const uint32_t share = ONNX_SAY(b, "Softmax", axis_is(-1), scores);
    if (!guarded)
        return share;
    const uint32_t none = clr_onnx_say_number(b, ONNX_REAL, -INFINITY);
    const uint32_t last = clr_onnx_say_list(b, (int64_t[]){-1}, 1);
    const uint32_t most = ONNX_SAY(b, "ReduceMax", ONNX_PLAIN, scores, last);
    const uint32_t blind = ONNX_SAY(b, "Equal", ONNX_PLAIN, most, none);
    return ONNX_SAY(b, "Where", ONNX_PLAIN, blind, clr_onnx_say_number(b, ONNX_REAL, 0), share);
}

/* Shares of keys, and output 3 on the way. */
static uint32_t weighted(onnx_body *b, const attention *a, uint32_t q, uint32_t k, uint64_t before)
{
    const double D = (double)clr_onnx_say_size(b, q, -1);
    const uint32_t scale =
        clr_onnx_say_number(b, ONNX_REAL, a->scale != 0 ? a->scale : 1 / sqrt(D));
    const uint32_t mask = clr_onnx_say_input(b, 3);
    uint32_t stage[4];
    stage[0] = ONNX_SAY(b, "MatMul", ONNX_PLAIN, ONNX_SAY(b, "Mul", ONNX_PLAIN, q, scale),
                        turned(b, k, (int64_t[]){0, 1, 3, 2}));
    stage[1] = stage[0];
    if (a->cap > 0) {
        const uint32_t cap = clr_onnx_say_number(b, ONNX_REAL, a->cap);
        const uint32_t share = ONNX_SAY(b, "Div", ONNX_PLAIN, stage[0], cap);
        stage[1] = ONNX_SAY(b, "Mul", ONNX_PLAIN, ONNX_SAY(b, "Tanh", ONNX_PLAIN, share), cap);
    }
    stage[2] = masked(b, stage[1], mask, unseen(b, a->causal != 0, q, k, before));
    stage[3] = softmax_of(b, stage[2], mask != ONNX_NOTHING || clr_onnx_has(b->n, 6));
    clr_onnx_say_output(b, 3, stage[a->mode]);
    return stage[3];
}

static clrnn_status attention_build(onnx_node *n)
{
    onnx_body b = {.n = n};
    attention a = {0};
    uint64_t before = 0;
    clrnn_status status = read_attention(n, &a);
    if (status != CLRNN_OK)
        return status;
    const uint32_t rank = clr_onnx_say_rank(&b, clr_onnx_say_input(&b, 0));
    const bool flat = rank == 3;
    if ((rank != 3 && rank != 4) || (flat && (a.heads < 1 || a.shared < 1)))
        b.status = clr_onnx_fail(n, CLRNN_ERR_FORMAT, "Q of %u axes, %lld and %lld heads", rank,
                                 (long long)a.heads, (long long)a.shared);
    const uint32_t q = in_heads(&b, 0, a.heads, flat);
    const uint32_t k = with_past(&b, 4, in_heads(&b, 1, a.shared, flat));
    const uint32_t v = with_past(&b, 5, in_heads(&b, 2, a.shared, flat));
    if (a.causal && clr_onnx_has(n, 4))
        before = clr_onnx_say_size(&b, clr_onnx_say_input(&b, 4), 2);
    a.heads = (int64_t)clr_onnx_say_size(&b, q, 1);
    a.shared = (int64_t)clr_onnx_say_size(&b, k, 1);
    if (b.status == CLRNN_OK && a.heads % a.shared)
        b.status = clr_onnx_fail(n, CLRNN_ERR_FORMAT, "%lld heads share %lld", (long long)a.heads,
                                 (long long)a.shared);
    const int64_t times = b.status == CLRNN_OK ? a.heads / a.shared : 1;
    const uint32_t share = weighted(&b, &a, q, for_all(&b, k, a.heads, times), before);
    uint32_t y = ONNX_SAY(&b, "MatMul", ONNX_PLAIN, share, for_all(&b, v, a.heads, times));
    if (flat)
        y = reshaped(&b, turned(&b, y, (int64_t[]){0, 2, 1, 3}), (int64_t[]){0, 0, -1}, 3);
    clr_onnx_say_output(&b, 0, y);
    clr_onnx_say_output(&b, 1, k);
    clr_onnx_say_output(&b, 2, v);
    return clr_onnx_body_end(&b);
}

/* --- CumProd ---------------------------------------------------------------------------------- */

enum { MOST_FACTORS = 1024 };

static clrnn_status products_build(onnx_node *n)
{
    onnx_body b = {.n = n};
    int64_t exclusive = 0, reverse = 0;
    double axis = 0;
    uint32_t parts[MOST_FACTORS], before = ONNX_NOTHING;
    clrnn_status status = clr_onnx_integer(n, "exclusive", 0, &exclusive);
    if (status == CLRNN_OK)
        status = clr_onnx_integer(n, "reverse", 0, &reverse);
    if (status == CLRNN_OK)
        status = clr_onnx_need_number(n, 1, "axis", 0, &axis);
    if (status != CLRNN_OK)
        return status;
    const uint32_t x = clr_onnx_say_input(&b, 0);
    const uint64_t K = clr_onnx_say_size(&b, x, (int64_t)axis);
    if (K > MOST_FACTORS)
        b.status = clr_onnx_fail(n, CLRNN_ERR_UNSUPPORTED, "more than %d factors", MOST_FACTORS);
    for (uint64_t i = 0; i < K && b.status == CLRNN_OK; i++) {
        const uint64_t row = reverse ? K - 1 - i : i;
        const int64_t at = (int64_t)row;
        const uint32_t part = clr_onnx_say_cut(&b, x, (int64_t)axis, at, at + 1, 1);
        const uint32_t one = clr_onnx_say_number(&b, n->in[0]->type, 1);
        if (before == ONNX_NOTHING)
            before =
                ONNX_SAY(&b, "Expand", ONNX_PLAIN, one, ONNX_SAY(&b, "Shape", ONNX_PLAIN, part));
        const uint32_t with = ONNX_SAY(&b, "Mul", ONNX_PLAIN, before, part);
        parts[row] = exclusive ? before : with;
        before = with;
    }
    if (b.status == CLRNN_OK)
        clr_onnx_say_output(&b, 0, clr_onnx_say(&b, "Concat", axis_is((int64_t)axis), parts, K));
    return clr_onnx_body_end(&b);
}

const onnx_op clr_onnx_ops_attend[] = {{"RotaryEmbedding", 3, 4, 1, NULL, rotary_build, false},
                                       {"Attention", 3, 7, 4, NULL, attention_build, false},
                                       {"CumProd", 2, 2, 1, NULL, products_build, false},
                                       {0}};
