/* SPDX-License-Identifier: MIT
 * format/onnx/reduce.c - operators that reduce axes. */
#include <math.h>
#include <string.h>

#include "format/onnx/math.h"
#include "format/onnx/slice.h"

typedef enum reduce_id {
    MEAN,
    SUM,
    MAXIMUM,
    MINIMUM,
    PROD,
    L1,
    L2,
    LOG_SUM,
    LOG_SUM_EXP,
    SQUARES
} reduce_id;

static const char *const names[] = {
    "ReduceMean", "ReduceSum", "ReduceMax",    "ReduceMin",       "ReduceProd",
    "ReduceL1",   "ReduceL2",  "ReduceLogSum", "ReduceLogSumExp", "ReduceSumSquare"};

static reduce_id id_of(const onnx_node *n)
{
    reduce_id id = MEAN;
    while (strcmp(names[id], n->op) != 0)
        id++;
    return id;
}

/* The axes, which are all of them where none are given; none at all: nothing is done. */
static clrnn_status read_axes(onnx_node *n, uint32_t rank, uint32_t *axes, uint32_t *count,
                              bool *keep, bool *nothing)
{
    int64_t keep_axes = 1, noop = 0;
    bool given = false;
    clrnn_status status = clr_onnx_axes(n, 1, rank, axes, count, &given);
    if (status == CLRNN_OK)
        status = clr_onnx_integer(n, "keepdims", 1, &keep_axes);
    if (status == CLRNN_OK)
        status = clr_onnx_integer(n, "noop_with_empty_axes", 0, &noop);
    *keep = keep_axes != 0;
    *nothing = *count == 0 && noop != 0;
    if (*count == 0 && !*nothing)
        for (; *count < rank; ++*count)
            axes[*count] = *count;
    return status;
}

/* --- here ------------------------------------------------------------------------------------- */

static double join(reduce_id id, double sum, double x)
{
    switch (id) {
    case MAXIMUM:
        return sum != sum || sum > x ? sum : x;
    case MINIMUM:
        return sum != sum || sum < x ? sum : x;
    case PROD:
        return sum * x;
    case L1:
        return sum + fabs(x);
    case L2:
    case SQUARES:
        return sum + x * x;
    case LOG_SUM_EXP:
        return sum + exp(x);
    default:
        return sum + x;
    }
}

static double finish(reduce_id id, double sum, size_t count)
{
    return id == MEAN                           ? sum / (double)count
           : id == L2                           ? sqrt(sum)
           : id == LOG_SUM || id == LOG_SUM_EXP ? log(sum)
                                                : sum;
}

static clrnn_status reduce_fold(onnx_node *n, const onnx_array *const *in, onnx_array *out)
{
    const reduce_id id = id_of(n);
    uint32_t axes[CLRNN_MOST_AXES], count = 0, bits = 0;
    bool keep = true, nothing = false;
    onnx_array big = *in[0];
    clrnn_status status = read_axes(n, big.rank, axes, &count, &keep, &nothing);
    for (uint32_t i = 0; i < count; i++)
        bits |= 1u << axes[i];
    *out = (onnx_array){.type = big.type, .rank = big.rank};
    for (uint32_t i = 0; i < big.rank; i++)
        out->size[i] = bits >> i & 1 ? 1 : big.size[i];
    if (status == CLRNN_OK)
        status = clr_onnx_allocate(n, out);
    if (status != CLRNN_OK)
        return status;
    const size_t all = clr_onnx_count(&big), results = clr_onnx_count(out);
    if (results == 0 || all / results > ((size_t)1 << 26))
        return clr_onnx_fail(n, CLRNN_ERR_UNSUPPORTED, "too many or no elements");
    for (size_t i = 0; i < results; i++)
        out->data[i] = id == MAXIMUM ? -INFINITY : id == MINIMUM ? INFINITY : id == PROD;
    for (size_t i = 0; i < all; i++) {
        double *sum = &out->data[clr_onnx_broadcast_at(&big, i, out)];
        *sum = join(id, *sum, clr_onnx_at(in[0], i));
    }
    for (size_t i = 0; i < results; i++)
        out->data[i] = finish(id, out->data[i], all / results);
    uint32_t rank = 0;
    for (uint32_t i = 0; i < big.rank; i++)
        if (keep || !(bits >> i & 1))
            out->size[rank++] = out->size[i];
    out->rank = rank;
    return CLRNN_OK;
}

/* --- in the graph ----------------------------------------------------------------------------- */

/* One element after the other. */
static clrnn_status product(onnx_node *n, uint32_t axis, uint32_t in, uint32_t *at)
{
    const uint64_t size = clr_onnx_size(n, in, axis, 0);
    uint32_t part = 0;
    if (size != clr_onnx_size(n, in, axis, 1) || size > 1024 || size == 0)
        return clr_onnx_fail(n, CLRNN_ERR_UNSUPPORTED,
                             "a product of so many elements, or of T or N");
    clrnn_status status = clr_onnx_cut(n, axis, 0, 1, 1, in, at);
    for (uint64_t i = 1; i < size && status == CLRNN_OK; i++) {
        status = clr_onnx_cut(n, axis, (int64_t)i, (int64_t)i + 1, 1, in, &part);
        if (status == CLRNN_OK)
            status = clr_onnx_add_pair(n, CLRNN_NODE_MUL, *at, part, at);
    }
    return status;
}

static clrnn_status products(onnx_node *n, const uint32_t *axes, uint32_t count, bool keep,
                             uint32_t in, uint32_t *at)
{
    clrnn_status status = CLRNN_OK;
    *at = in;
    for (uint32_t i = 0; i < count && status == CLRNN_OK; i++)
        status = product(n, axes[i], *at, at);
    return status == CLRNN_OK && !keep ? clr_onnx_add_squeeze(n, axes, count, *at, at) : status;
}

/* log sum exp(x) = m + log sum exp(x - m), m the largest. */
static clrnn_status log_sum_exp(onnx_node *n, const uint32_t *axes, uint32_t count, bool keep,
                                uint32_t in, uint32_t *at)
{
    uint32_t most = 0, sum = 0;
    clrnn_status status = clr_onnx_add_reduce(n, CLRNN_REDUCE_MAX, axes, count, true, in, &most);
    if (status == CLRNN_OK)
        status = clr_onnx_add_pair(n, CLRNN_NODE_SUB, in, most, &sum);
    if (status == CLRNN_OK)
        status = clr_onnx_add_function(n, CLRNN_FN_EXP, 0, 0, sum, &sum);
    if (status == CLRNN_OK)
        status = clr_onnx_add_reduce(n, CLRNN_REDUCE_SUM, axes, count, true, sum, &sum);
    if (status == CLRNN_OK)
        status = clr_onnx_add_function(n, CLRNN_FN_LOG, 0, 0, sum, &sum);
    if (status == CLRNN_OK)
        status = clr_onnx_add_pair(n, CLRNN_NODE_ADD, sum, most, at);
    return status == CLRNN_OK && !keep ? clr_onnx_add_squeeze(n, axes, count, *at, at) : status;
}

static clrnn_status reduce_build(onnx_node *n)
{
    const reduce_id id = id_of(n);
    uint32_t axes[CLRNN_MOST_AXES], count = 0, at = 0;
    bool keep = true, nothing = false;
    clrnn_status status = clr_onnx_number_in(n, 0, &at);
    if (status == CLRNN_OK)
        status = read_axes(n, clr_onnx_shape(n, at)->rank, axes, &count, &keep, &nothing);
    if (status == CLRNN_OK && (id == L2 || id == SQUARES))
        status = clr_onnx_add_function(n, CLRNN_FN_SQUARE, 0, 0, at, &at);
    if (status == CLRNN_OK && id == L1)
        status = clr_onnx_add_function(n, CLRNN_FN_ABS, 0, 0, at, &at);
    if (status == CLRNN_OK && id == PROD)
        status = products(n, axes, count, keep, at, &at);
    else if (status == CLRNN_OK && id == LOG_SUM_EXP)
        status = log_sum_exp(n, axes, count, keep, at, &at);
    else if (status == CLRNN_OK)
        status = clr_onnx_add_reduce(n,
                                     id == MEAN      ? CLRNN_REDUCE_MEAN
                                     : id == MAXIMUM ? CLRNN_REDUCE_MAX
                                     : id == MINIMUM ? CLRNN_REDUCE_MIN
                                                     : CLRNN_REDUCE_SUM,
                                     axes, count, keep, at, &at);
    if (status == CLRNN_OK && id == L2)
        status = clr_onnx_add_function(n, CLRNN_FN_SQRT, 0, 0, at, &at);
    if (status == CLRNN_OK && id == LOG_SUM)
        status = clr_onnx_add_function(n, CLRNN_FN_LOG, 0, 0, at, &at);
    if (status == CLRNN_OK)
        clr_onnx_set_graph(n, 0, at, n->in[0]->type);
    return status;
}

/* Over all axes but the first two. */
static clrnn_status global_build(onnx_node *n)
{
    uint32_t axes[CLRNN_MOST_AXES], count = 0, at = 0;
    const bool most = strcmp(n->op, "GlobalMaxPool") == 0;
    const bool powers = strcmp(n->op, "GlobalLpPool") == 0;
    int64_t power = 2;
    clrnn_status status = clr_onnx_number_in(n, 0, &at);
    if (status == CLRNN_OK && powers)
        status = clr_onnx_integer(n, "p", 2, &power);
    if (status == CLRNN_OK && powers)
        status = clr_onnx_add_powers(n, power, at, &at);
    for (uint32_t i = 2; status == CLRNN_OK && i < clr_onnx_shape(n, at)->rank; i++)
        axes[count++] = i;
    if (status == CLRNN_OK)
        status = clr_onnx_add_reduce(n,
                                     most     ? CLRNN_REDUCE_MAX
                                     : powers ? CLRNN_REDUCE_SUM
                                              : CLRNN_REDUCE_MEAN,
                                     axes, count, true, at, &at);
    if (status == CLRNN_OK && powers)
        status = clr_onnx_add_root(n, power, at, &at);
    if (status == CLRNN_OK)
        clr_onnx_set_graph(n, 0, at, ONNX_REAL);
    return status;
}

#define REDUCE(name)                                    \
    {                                                   \
        name, 1, 2, 1, reduce_fold, reduce_build, false \
    }

const onnx_op clr_onnx_ops_reduce[] = {REDUCE("ReduceMean"),
                                       REDUCE("ReduceSum"),
                                       REDUCE("ReduceMax"),
                                       REDUCE("ReduceMin"),
                                       REDUCE("ReduceProd"),
                                       REDUCE("ReduceL1"),
                                       REDUCE("ReduceL2"),
                                       REDUCE("ReduceLogSum"),
                                       REDUCE("ReduceLogSumExp"),
                                       REDUCE("ReduceSumSquare"),
                                       {"GlobalAveragePool", 1, 1, 1, NULL, global_build, false},
                                       {"GlobalMaxPool", 1, 1, 1, NULL, global_build, false},
                                       {"GlobalLpPool", 1, 1, 1, NULL, global_build, false},
                                       {0}};
