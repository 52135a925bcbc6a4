/* SPDX-License-Identifier: MIT
 * format/onnx/lookup.c - see format/onnx/lookup.h. */
#include "format/onnx/lookup.h"

#include <stdlib.h>

#include "base/memory.h"

enum { MOST = 1 << 24 }; /* single precision has all whole numbers up to it */

static uint32_t with_axes(onnx_body *b, const char *op, uint32_t x, int64_t axis)
{
    return ONNX_SAY(b, op, ONNX_PLAIN, x, clr_onnx_say_list(b, &axis, 1));
}

static uint32_t number(onnx_body *b, uint64_t x)
{
    return clr_onnx_say_number(b, ONNX_INT, (double)x);
}

uint32_t clr_onnx_lookup(onnx_body *b, uint32_t table, uint32_t ids)
{
    return ONNX_SAY(b, "Gather", ((onnx_given){.name = "axis"}), table, ids);
}

uint64_t clr_onnx_say_count(onnx_body *b, uint32_t x, uint32_t first, uint32_t end)
{
    uint64_t count = 1;
    for (uint32_t i = first; i < end && b->status == CLRNN_OK; i++) {
        count *= clr_onnx_say_size(b, x, i);
        if (count > MOST)
            b->status = clr_onnx_fail(b->n, CLRNN_ERR_UNSUPPORTED,
                                      "its indices are computed: of at most %d elements", MOST);
    }
    return b->status == CLRNN_OK ? count : 1;
}

uint32_t clr_onnx_say_steps(onnx_body *b, uint64_t count, uint64_t step, uint32_t behind)
{
    int64_t *list = b->status == CLRNN_OK ? clr_calloc((size_t)count, sizeof *list) : NULL;
    int64_t shape[CLRNN_MOST_AXES] = {(int64_t)count, 1, 1, 1, 1, 1, 1, 1};
    if (b->status == CLRNN_OK && !list)
        b->status = clr_onnx_fail(b->n, CLRNN_ERR_MEMORY, "out of memory");
    for (uint64_t i = 0; list && i < count; i++)
        list[i] = (int64_t)(i * step);
    const uint32_t steps = list ? clr_onnx_say_list(b, list, (size_t)count) : 0;
    free(list);
    return ONNX_SAY(b, "Reshape", ONNX_PLAIN, steps, clr_onnx_say_list(b, shape, 1 + behind));
}

/* Indices of an axis of K, all from its begin on. */
static uint32_t from_begin(onnx_body *b, uint32_t ids, uint64_t K)
{
    const uint32_t negative = ONNX_SAY(b, "Less", ONNX_PLAIN, ids, number(b, 0));
    const uint32_t moved = ONNX_SAY(b, "Add", ONNX_PLAIN, ids, number(b, K));
    return ONNX_SAY(b, "Where", ONNX_PLAIN, negative, moved, ids);
}

/* A place among `all`; behind them, where a gather gives 0, if its index is none of an axis of K.
 */
static uint32_t checked(onnx_body *b, uint32_t index, uint64_t K, uint32_t place, uint64_t all)
{
    const uint32_t low = ONNX_SAY(b, "Less", ONNX_PLAIN, index, number(b, 0));
    const uint32_t inside = ONNX_SAY(b, "Less", ONNX_PLAIN, index, number(b, K));
    const uint32_t above = ONNX_SAY(b, "Where", ONNX_PLAIN, inside, place, number(b, all));
    return ONNX_SAY(b, "Where", ONNX_PLAIN, low, number(b, all), above);
}

/* --- GatherElements --------------------------------------------------------------------------- */

/* From all elements, of which place = the sum of index * stride over all axes. */
static uint32_t by_place(onnx_body *b, uint32_t x, uint32_t ids, uint32_t axis)
{
    const uint32_t rank = clr_onnx_say_rank(b, ids);
    const uint64_t K = clr_onnx_say_size(b, x, axis), all = clr_onnx_say_count(b, x, 0, rank);
    const uint32_t index = from_begin(b, ids, K);
    uint32_t base = number(b, 0);
    for (uint32_t i = 0; i < rank && b->status == CLRNN_OK; i++) {
        const uint64_t size = clr_onnx_say_size(b, ids, i);
        if (i == axis)
            continue;
        if (size > clr_onnx_say_size(b, x, i) && b->status == CLRNN_OK)
            b->status =
                clr_onnx_fail(b->n, CLRNN_ERR_FORMAT, "indices of a larger shape than its data");
        base = ONNX_SAY(
            b, "Add", ONNX_PLAIN, base,
            clr_onnx_say_steps(b, size, clr_onnx_say_count(b, x, i + 1, rank), rank - 1 - i));
    }
    const uint32_t stride = number(b, clr_onnx_say_count(b, x, axis + 1, rank));
    const uint32_t along = ONNX_SAY(b, "Mul", ONNX_PLAIN, index, stride);
    const uint32_t place = ONNX_SAY(b, "Add", ONNX_PLAIN, along, base);
    const int64_t flat[] = {-1};
    return clr_onnx_lookup(b, ONNX_SAY(b, "Reshape", ONNX_PLAIN, x, clr_onnx_say_list(b, flat, 1)),
                           checked(b, index, K, place, all));
}

/* Data as large as the indices but along the axis. */
static uint32_t cut_to(onnx_body *b, uint32_t x, uint32_t ids, uint32_t axis)
{
    for (uint32_t i = 0; i < clr_onnx_say_rank(b, ids); i++) {
        uint64_t wide[ONNX_WORLDS] = {0}, wanted[ONNX_WORLDS] = {0};
        clr_onnx_say_sizes(b, x, i, wide);
        clr_onnx_say_sizes(b, ids, i, wanted);
        if (i == axis || (wide[0] == wanted[0] && wide[1] == wanted[1]))
            continue;
        if (wanted[0] != wanted[1] || wanted[0] > wide[0])
            b->status = clr_onnx_fail(b->n, CLRNN_ERR_UNSUPPORTED,
                                      "axis %u of its indices is another than that of its data", i);
        x = clr_onnx_say_cut(b, x, i, 0, (int64_t)wanted[0], 1);
    }
    return x;
}

/* Where T or N are among the axes: the sum over the axis of what is at the index, and else 0. */
static uint32_t by_matching(onnx_body *b, uint32_t x, uint32_t ids, uint32_t axis)
{
    const uint32_t rank = clr_onnx_say_rank(b, ids);
    const uint64_t K = clr_onnx_say_count(b, x, axis, axis + 1);
    const int64_t last = -1;
    int64_t order[CLRNN_MOST_AXES + 1] = {0};
    for (uint32_t i = 0; i < rank; i++)
        order[i] = i + (i > axis);
    order[rank] = axis + 1;
    const uint32_t index = with_axes(b, "Unsqueeze", from_begin(b, ids, K), rank);
    const uint32_t hit = ONNX_SAY(b, "Equal", ONNX_PLAIN, index, clr_onnx_say_steps(b, K, 1, 0));
    const uint32_t apart = with_axes(b, "Unsqueeze", cut_to(b, x, ids, axis), axis);
    const onnx_given turned = {.name = "perm", .ints = order, .count = rank + 1};
    const uint32_t data = ONNX_SAY(b, "Transpose", turned, apart);
    const uint32_t none = clr_onnx_say_number(b, ONNX_REAL, 0);
    const uint32_t found = ONNX_SAY(b, "Where", ONNX_PLAIN, hit, data, none);
    return ONNX_SAY(b, "ReduceSum", ((onnx_given){.name = "keepdims"}), found,
                    clr_onnx_say_list(b, &last, 1));
}

static bool is_open(const onnx_body *b, uint32_t x)
{
    bool open = false;
    for (uint32_t i = 0; i < clr_onnx_say_rank(b, x); i++) {
        uint64_t size[ONNX_WORLDS] = {0};
        clr_onnx_say_sizes(b, x, i, size);
        open = open || size[0] != size[1];
    }
    return open;
}

clrnn_status clr_onnx_lookup_elements(onnx_node *n)
{
    onnx_body b = {.n = n};
    int64_t where = 0;
    uint32_t axis = 0;
    b.status = clr_onnx_integer(n, "axis", 0, &where);
    const uint32_t x = clr_onnx_say_input(&b, 0), ids = clr_onnx_say_input(&b, 1);
    const uint32_t rank = clr_onnx_say_rank(&b, ids);
    if (b.status == CLRNN_OK && rank != clr_onnx_say_rank(&b, x))
        b.status = clr_onnx_fail(n, CLRNN_ERR_FORMAT, "indices of %u axes", rank);
    if (b.status == CLRNN_OK)
        b.status = clr_onnx_axis(n, where, rank, &axis);
    const bool open = is_open(&b, x) || is_open(&b, ids);
    clr_onnx_say_output(&b, 0, open ? by_matching(&b, x, ids, axis) : by_place(&b, x, ids, axis));
    return clr_onnx_body_end(&b);
}

/* --- GatherND --------------------------------------------------------------------------------- */

/* Rows of x whose place the k numbers along the last axis of ids say, behind `shared` axes that
 * both have. */
static uint32_t named_rows(onnx_body *b, uint32_t x, uint32_t ids, uint32_t shared, uint32_t k)
{
    const uint32_t rank = clr_onnx_say_rank(b, x), rows = shared + k;
    const uint32_t front = clr_onnx_say_rank(b, ids) - 1;
    const uint64_t all = clr_onnx_say_count(b, x, 0, rows);
    int64_t shape[CLRNN_MOST_AXES + 1] = {-1};
    uint32_t place = number(b, 0);
    for (uint32_t i = rows; i < rank; i++)
        shape[i - rows + 1] = (int64_t)clr_onnx_say_size(b, x, i);
    for (uint32_t i = 0; i < shared; i++)
        place = ONNX_SAY(b, "Add", ONNX_PLAIN, place,
                         clr_onnx_say_steps(b, clr_onnx_say_size(b, x, i),
                                            clr_onnx_say_count(b, x, i + 1, rows), front - 1 - i));
    for (uint32_t i = 0; i < k && b->status == CLRNN_OK; i++) {
        const uint64_t K = clr_onnx_say_size(b, x, shared + i);
        const uint32_t own = with_axes(b, "Squeeze", clr_onnx_say_cut(b, ids, -1, i, i + 1, 1), -1);
        const uint32_t index = from_begin(b, own, K);
        const uint32_t stride = number(b, clr_onnx_say_count(b, x, shared + i + 1, rows));
        const uint32_t along = ONNX_SAY(b, "Mul", ONNX_PLAIN, index, stride);
        place = checked(b, index, K, ONNX_SAY(b, "Add", ONNX_PLAIN, place, along), all);
    }
    const uint32_t list = clr_onnx_say_list(b, shape, rank - rows + 1);
    return clr_onnx_lookup(b, ONNX_SAY(b, "Reshape", ONNX_PLAIN, x, list), place);
}

clrnn_status clr_onnx_lookup_named(onnx_node *n)
{
    onnx_body b = {.n = n};
    int64_t shared = 0;
    b.status = clr_onnx_integer(n, "batch_dims", 0, &shared);
    const uint32_t x = clr_onnx_say_input(&b, 0), ids = clr_onnx_say_input(&b, 1);
    const uint32_t rank = clr_onnx_say_rank(&b, x), front = clr_onnx_say_rank(&b, ids) - 1;
    const uint64_t k = clr_onnx_say_size(&b, ids, -1);
    if (b.status == CLRNN_OK &&
        (shared < 0 || shared > front || k > rank || (uint64_t)shared + k > rank))
        b.status = clr_onnx_fail(n, CLRNN_ERR_FORMAT, "indices of another shape than its data");
    clr_onnx_say_output(&b, 0,
                        b.status != CLRNN_OK ? 0
                        : k == 1 && shared == 0
                            ? clr_onnx_lookup(&b, x, with_axes(&b, "Squeeze", ids, -1))
                            : named_rows(&b, x, ids, (uint32_t)shared, (uint32_t)k));
    return clr_onnx_body_end(&b);
}
