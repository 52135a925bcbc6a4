/* SPDX-License-Identifier: MIT
 * format/onnx/out_move.c - writing ONNX: what cuts, joins, picks and orders. */
#include "format/onnx/out.h"

#include <string.h>

/* --- ids -------------------------------------------------------------------------------------- */

void clr_out_embedding(onnx_out *out)
{
    ClrOnnx__Node *node = clr_out_op(out, "Gather", clr_out_name(out, 0), 2,
                                     clr_out_parameter(out, "weight"), clr_out_in(out, 0));
    clr_out_int(out, node, "axis", 0);
}

void clr_out_gather(onnx_out *out)
{
    ClrOnnx__Node *node =
        clr_out_op(out, "Gather", clr_out_name(out, 0), 2, clr_out_in(out, 0), clr_out_in(out, 1));
    clr_out_int(out, node, "axis", clr_shape_axis(clr_out_in_shape(out, 0), out->node->desc.axis));
}

/* id == 0, 1, .. (OneHot would count negative ids from the end). */
void clr_out_one_hot(onnx_out *out)
{
    const uint32_t V = out->node->desc.vocabulary;
    const char *column = clr_out_fresh(out), *hit = clr_out_fresh(out);
    const int64_t last[] = {-1};
    int32_t *ids = clr_out_get(out, V, sizeof *ids);
    for (uint32_t i = 0; ids && i < V; i++)
        ids[i] = (int32_t)i;
    if (!ids)
        return;
    (void)clr_out_op(out, "Unsqueeze", column, 2, clr_out_in(out, 0), clr_out_shape(out, last, 1));
    (void)clr_out_op(out, "Equal", hit, 2, column, clr_out_whole(out, ids, V));
    clr_out_int(out, clr_out_op(out, "Cast", clr_out_name(out, 0), 1, hit), "to",
                clr_out_type(out));
}

/* --- concat, slice, pad ----------------------------------------------------------------------- */

void clr_out_concat(onnx_out *out)
{
    ClrOnnx__Node *node = clr_out_op(
        out, "Concat", clr_out_name(out, 0), CLRNN_MOST_INPUTS, clr_out_in(out, 0),
        clr_out_in(out, 1), clr_out_in(out, 2), clr_out_in(out, 3), clr_out_in(out, 4),
        clr_out_in(out, 5), clr_out_in(out, 6), clr_out_in(out, 7), clr_out_in(out, 8),
        clr_out_in(out, 9), clr_out_in(out, 10), clr_out_in(out, 11), clr_out_in(out, 12),
        clr_out_in(out, 13), clr_out_in(out, 14), clr_out_in(out, 15));
    clr_out_int(out, node, "axis", clr_shape_axis(clr_out_in_shape(out, 0), out->node->desc.axis));
}

void clr_out_cut(onnx_out *out, const char *x, onnx_cut cut, const char *y)
{
    const char *begin = clr_out_shape(out, cut.begin, cut.rank);
    const char *end = clr_out_shape(out, cut.end, cut.rank);
    const char *axes = cut.axes ? clr_out_shape(out, cut.axes, cut.rank) : NULL;
    const char *step = cut.step ? clr_out_shape(out, cut.step, cut.rank) : NULL;
    (void)clr_out_op(out, "Slice", y, 5, x, begin, end, axes, step);
}

/* Where a backward slice begins in an axis of n elements: before the first there is nothing, but
 * ONNX Runtime takes the first then. */
static bool begins_before(const onnx_out *out, uint32_t i)
{
    const clrnn_node_desc *d = &out->node->desc;
    const int64_t n = (int64_t)clr_out_in_shape(out, 0)->size[i];
    return d->step[i] < 0 && d->begin[i] < 0 && d->begin[i] < -n && clr_out_is_fixed(out, 0, i);
}

/* Time within lengths of the node's own, which are 0..T whatever they say. */
static void put_reverse(onnx_out *out)
{
    const clr_shape *x = clr_out_in_shape(out, 0);
    const clrnn_node_desc *d = &out->node->desc;
    const int32_t none[] = {0};
    uint32_t time = 0, rows, order[CLRNN_MOST_AXES], back[CLRNN_MOST_AXES], k = 2;
    while (x->steps == CLR_NO_AXIS ? d->step[time] >= 0 : time != (uint32_t)x->steps)
        time++;
    rows = x->batch != CLR_NO_AXIS ? (uint32_t)x->batch : time == 0 ? 1 : 0;
    order[0] = time;
    order[1] = rows;
    for (uint32_t i = 0; i < x->rank; i++)
        if (i != time && i != rows)
            order[k++] = i;
    for (uint32_t i = 0; i < x->rank; i++)
        back[order[i]] = i;
    const bool moved = time > 1 || rows > 1;
    const char *in = clr_out_in(out, 0), *y = clr_out_name(out, 0), *most = clr_out_fresh(out);
    const char *size = clr_out_axis_size(out, in, time), *whole = clr_out_fresh(out);
    clr_out_int(out, clr_out_op(out, "Cast", most, 1, size), "to", ONNX_INT32);
    const char *zero = clr_out_whole(out, none, 1);
    const char *lengths = clr_out_made(out, "Max", clr_out_in(out, 1), zero);
    lengths = clr_out_made(out, "Min", lengths, most);
    clr_out_int(out, clr_out_op(out, "Cast", whole, 1, lengths), "to", ONNX_INT64);
    const char *first = moved ? clr_out_fresh(out) : in, *turned = moved ? clr_out_fresh(out) : y;
    if (moved)
        clr_out_transpose(out, in, order, x->rank, first);
    ClrOnnx__Node *node = clr_out_op(out, "ReverseSequence", turned, 2, first, whole);
    clr_out_int(out, node, "time_axis", moved ? 0 : time);
    clr_out_int(out, node, "batch_axis", moved ? 1 : rows);
    if (moved)
        clr_out_transpose(out, turned, back, x->rank, y);
}

void clr_out_slice(onnx_out *out)
{
    const clrnn_node_desc *d = &out->node->desc;
    if (clr_out_in(out, 1)) {
        put_reverse(out);
        return;
    }
    int64_t begin[CLRNN_MOST_AXES], end[CLRNN_MOST_AXES], step[CLRNN_MOST_AXES];
    int64_t axes[CLRNN_MOST_AXES];
    for (uint32_t i = 0; i < d->rank; i++) {
        axes[i] = i;
        step[i] = d->step[i] ? d->step[i] : 1;
        begin[i] = d->begin[i];
        end[i] = d->end[i] == CLRNN_TO_END && step[i] < 0 ? INT64_MIN : d->end[i];
        if (begins_before(out, i))
            begin[i] = end[i] = 0;
        else if (step[i] < 0 && begin[i] < -1 && !clr_out_is_fixed(out, 0, i))
            clr_out_refuse(out, "axis %u, of T or N, goes backwards from %lld", i,
                           (long long)begin[i]);
    }
    clr_out_cut(out, clr_out_in(out, 0), (onnx_cut){d->rank, begin, end, axes, step},
                clr_out_name(out, 0));
}

/* What is cut off goes first: ONNX leaves open what more than there is would be. */
void clr_out_pad(onnx_out *out)
{
    const clrnn_node_desc *d = &out->node->desc;
    const uint32_t rank = clr_out_in_shape(out, 0)->rank;
    int64_t pads[2 * CLRNN_MOST_AXES] = {0}, begin[CLRNN_MOST_AXES], end[CLRNN_MOST_AXES];
    const char *x = clr_out_in(out, 0), *y = clr_out_name(out, 0);
    bool cuts = false, adds = false;
    for (uint32_t i = 0; i < d->rank; i++) {
        const int64_t before = d->begin[i] < 0 ? -d->begin[i] : 0;
        const int64_t behind = d->end[i] < 0 ? -d->end[i] : 0;
        const uint64_t size = clr_out_in_shape(out, 0)->size[i];
        begin[i] = before;
        end[i] = behind ? -behind : INT64_MAX;
        cuts = cuts || before || behind;
        pads[i] = d->begin[i] > 0 ? d->begin[i] : 0;
        pads[rank + i] = d->end[i] > 0 ? d->end[i] : 0;
        adds = adds || pads[i] || pads[rank + i];
        if ((uint64_t)before + (uint64_t)behind > size)
            clr_out_refuse(out, "more is cut off than there is along axis %u", i);
    }
    if (cuts) {
        const char *part = adds ? clr_out_fresh(out) : y;
        clr_out_cut(out, x, (onnx_cut){d->rank, begin, end, NULL, NULL}, part);
        x = part;
    }
    if (!adds && !cuts) /* ONNX Runtime pads nothing that has no axes */
        (void)clr_out_op(out, "Identity", y, 1, x);
    if (!adds)
        return;
    const char *around = clr_out_shape(out, pads, 2 * (size_t)rank);
    (void)clr_out_op(out, "Pad", y, 3, x, around, clr_out_real(out, d->value));
}

/* --- other axes ------------------------------------------------------------------------------- */

void clr_out_transpose(onnx_out *out, const char *x, const uint32_t *order, uint32_t rank,
                       const char *y)
{
    int64_t perm[CLRNN_MOST_AXES];
    for (uint32_t i = 0; i < rank; i++)
        perm[i] = order[i];
    clr_out_ints(out, clr_out_op(out, "Transpose", y, 1, x), "perm", perm, rank);
}

void clr_out_move(onnx_out *out)
{
    const clrnn_node_desc *d = &out->node->desc;
    clr_out_transpose(out, clr_out_in(out, 0), d->order, d->rank, clr_out_name(out, 0));
}

const char *clr_out_axis_size(onnx_out *out, const char *x, int64_t axis)
{
    const char *y = clr_out_fresh(out);
    ClrOnnx__Node *node = clr_out_op(out, "Shape", y, 1, x);
    clr_out_int(out, node, "start", axis);
    clr_out_int(out, node, "end", axis + 1);
    return y;
}

/* A shape of numbers and sizes of arrays, which `from` names where it is no number. */
static const char *joined(onnx_out *out, const int64_t *sizes, const char *const *from,
                          uint32_t rank)
{
    const char *parts[CLRNN_MOST_AXES] = {NULL};
    const char *shape = clr_out_fresh(out);
    for (uint32_t i = 0; i < rank; i++)
        parts[i] = from[i] ? from[i] : clr_out_shape(out, &sizes[i], 1);
    ClrOnnx__Node *node = clr_out_op(out, "Concat", shape, CLRNN_MOST_AXES, parts[0], parts[1],
                                     parts[2], parts[3], parts[4], parts[5], parts[6], parts[7]);
    clr_out_int(out, node, "axis", 0);
    return shape;
}

/* T and N stay where they are as 0, one that has moved is what is left (if nothing else is), more
 * are asked for. */
void clr_out_reshape(onnx_out *out)
{
    const clrnn_node_desc *d = &out->node->desc;
    const clr_shape *in = clr_out_in_shape(out, 0);
    int64_t sizes[CLRNN_MOST_AXES] = {0};
    int32_t moved[CLRNN_MOST_AXES];
    const char *from[CLRNN_MOST_AXES] = {NULL};
    bool rest = false, asks = false;
    for (uint32_t i = 0; i < d->rank; i++)
        rest = rest || d->shape[i] == CLRNN_REST;
    for (uint32_t i = 0; i < d->rank; i++) {
        const int64_t s = d->shape[i];
        const int32_t axis = s == CLRNN_STEPS ? in->steps : s == CLRNN_BATCH ? in->batch : -1;
        moved[i] = axis == (int32_t)i ? -1 : axis;
        sizes[i] = s > 0 ? s : s == CLRNN_REST ? -1 : 0;
        if (s == 0 && rest && in->size[i] == 0)
            clr_out_refuse(out, "an array without elements, of which an axis is what is left");
        if (moved[i] < 0)
            continue;
        sizes[i] = -1;
        if (rest)
            from[i] = clr_out_axis_size(out, clr_out_in(out, 0), moved[i]);
        asks = asks || from[i];
        rest = true;
    }
    (void)clr_out_op(out, "Reshape", clr_out_name(out, 0), 2, clr_out_in(out, 0),
                     asks ? joined(out, sizes, from, d->rank) : clr_out_shape(out, sizes, d->rank));
}

/* T or N as [1], of an input of the model that has it. */
static const char *size_of_symbol(onnx_out *out, bool steps)
{
    const clrnn_graph *g = out->graph;
    for (uint32_t i = 0; i < g->input_count; i++) {
        const clr_shape *s = &g->values[g->inputs[i]].shape;
        const int32_t axis = steps ? s->steps : s->batch;
        if (axis != CLR_NO_AXIS)
            return clr_out_axis_size(out, g->values[g->inputs[i]].name, axis);
    }
    clr_out_refuse(out, "no input has %s, so nothing says how large it is", steps ? "T" : "N");
    return NULL;
}

void clr_out_expand(onnx_out *out)
{
    const clrnn_node_desc *d = &out->node->desc;
    int64_t sizes[CLRNN_MOST_AXES] = {0};
    const char *from[CLRNN_MOST_AXES] = {NULL};
    bool asks = false;
    for (uint32_t i = 0; i < d->rank; i++) {
        sizes[i] = d->shape[i] > 0 ? d->shape[i] : 1;
        if (d->shape[i] < 0)
            from[i] = size_of_symbol(out, d->shape[i] == CLRNN_STEPS);
        asks = asks || d->shape[i] < 0;
    }
    (void)clr_out_op(out, "Expand", clr_out_name(out, 0), 2, clr_out_in(out, 0),
                     asks ? joined(out, sizes, from, d->rank) : clr_out_shape(out, sizes, d->rank));
}
