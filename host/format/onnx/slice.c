/* SPDX-License-Identifier: MIT
 * format/onnx/slice.c - Slice and Split; see format/onnx/slice.h. */
#include "format/onnx/slice.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "format/onnx/pick.h"

/* --- in the graph ----------------------------------------------------------------------------- */

/* The last step of each sequence, which slice could not find: it counts from the first. */
static clrnn_status last_step(onnx_node *n, uint32_t in, uint32_t *at)
{
    clrnn_node_desc desc = {
        .kind = CLRNN_NODE_POOL, .reduction = CLRNN_REDUCE_LAST, .keep_axes = true};
    return clr_onnx_add(n, &desc, &in, 1, at);
}

clrnn_status clr_onnx_cut(onnx_node *n, uint32_t axis, int64_t begin, int64_t end, int64_t step,
                          uint32_t in, uint32_t *at)
{
    clrnn_node_desc desc = {.kind = CLRNN_NODE_SLICE, .rank = axis + 1};
    const int64_t size = (int64_t)clr_onnx_size(n, in, axis, 0);
    *at = in;
    if (begin == 0 && step == 1 && (end == CLRNN_TO_END || end == size))
        return CLRNN_OK;
    if ((int32_t)axis == clr_onnx_shape(n, in)->steps && begin == -1 && end == CLRNN_TO_END &&
        step == 1)
        return last_step(n, in, at);
    /* Time is cut from its first step on: what counts from the last is picked. */
    if ((int32_t)axis == clr_onnx_shape(n, in)->steps && begin < 0 && begin >= -4096 && step == 1 &&
        end == CLRNN_TO_END)
        return clr_onnx_pick_range(n, axis, begin, 1, (size_t)-begin, in, at);
    if ((int32_t)axis == clr_onnx_shape(n, in)->steps && step < 0 && begin >= 0 && begin < 4096 &&
        end != CLRNN_TO_END && end >= 0)
        return clr_onnx_pick_range(n, axis, begin, step,
                                   (size_t)(end < begin ? (begin - end - 1) / -step + 1 : 0), in,
                                   at);
    for (uint32_t i = 0; i < axis; i++)
        desc.end[i] = CLRNN_TO_END;
    desc.begin[axis] = begin;
    desc.end[axis] = end;
    desc.step[axis] = step;
    return clr_onnx_add(n, &desc, &in, 1, at);
}

clrnn_status clr_onnx_join(onnx_node *n, uint32_t axis, const uint32_t *in, uint32_t count,
                           uint32_t *at)
{
    uint32_t part[CLRNN_MOST_INPUTS], used = 0;
    clrnn_status status = CLRNN_OK;
    for (uint32_t i = 0; i < count && status == CLRNN_OK; i++) {
        part[used++] = in[i];
        if (used > 1 && (used == CLRNN_MOST_INPUTS || i + 1 == count)) {
            clrnn_node_desc desc = {.kind = CLRNN_NODE_CONCAT, .axis = (int32_t)axis};
            status = clr_onnx_add(n, &desc, part, used, &part[0]);
            used = 1;
        }
    }
    *at = part[0];
    return status;
}

clrnn_status clr_onnx_repeat(onnx_node *n, uint32_t axis, uint32_t times, uint32_t in, uint32_t *at)
{
    uint32_t *parts = clr_calloc(times, sizeof *parts);
    if (!parts)
        return clr_onnx_fail(n, CLRNN_ERR_MEMORY, "out of memory");
    for (uint32_t i = 0; i < times; i++)
        parts[i] = in;
    clrnn_status status = clr_onnx_join(n, axis, parts, times, at);
    free(parts);
    return status;
}

/* --- ranges ----------------------------------------------------------------------------------- */

/* What Slice says of each axis: in one world. */
typedef struct cuts {
    int64_t begin[CLRNN_MOST_AXES], end[CLRNN_MOST_AXES], step[CLRNN_MOST_AXES];
} cuts;

static int64_t whole(double d)
{
    return d >= 9e18 ? INT64_MAX : d <= -9e18 ? INT64_MIN : (int64_t)d;
}

/* Begin and end within an axis: a step back ends at -1, before the first. */
static void clamp(int64_t size, int64_t step, int64_t *begin, int64_t *end)
{
    const int64_t low = step > 0 ? 0 : -1, high = step > 0 ? size : size - 1;
    int64_t *const both[] = {begin, end};
    for (int i = 0; i < 2; i++) {
        int64_t v = *both[i];
        v = v < -size ? low : v < 0 ? v + size : v;
        *both[i] = v < low ? low : v > high ? high : v;
    }
}

/* Starts, ends, axes and steps: attributes up to opset 9, then inputs. */
static clrnn_status read_lists(onnx_node *n, int world, int64_t *list[4], uint32_t count[4])
{
    static const char *const names[] = {"starts", "ends", "axes", "steps"};
    clrnn_status status = CLRNN_OK;
    for (uint32_t i = 0; i < 4 && status == CLRNN_OK; i++) {
        if (n->m->opset < 10) {
            status = i < 3 ? clr_onnx_integers(n, names[i], CLRNN_MOST_AXES, list[i], &count[i])
                           : CLRNN_OK;
            continue;
        }
        if (!clr_onnx_has(n, i + 1))
            continue;
        status = clr_onnx_need(n, i + 1, names[i]);
        if (status != CLRNN_OK)
            return status;
        const onnx_array *a = &n->in[i + 1]->array[world];
        if (clr_onnx_count(a) > CLRNN_MOST_AXES)
            return clr_onnx_fail(n, CLRNN_ERR_FORMAT, "its %s are too many", names[i]);
        count[i] = (uint32_t)clr_onnx_count(a);
        for (uint32_t k = 0; k < count[i]; k++)
            list[i][k] = whole(clr_onnx_at(a, k));
    }
    return status;
}

static clrnn_status read_cuts(onnx_node *n, int world, uint32_t rank, const uint64_t *size, cuts *c)
{
    int64_t lists[4][CLRNN_MOST_AXES] = {{0}};
    int64_t *list[4] = {lists[0], lists[1], lists[2], lists[3]};
    uint32_t count[4] = {0}, axis = 0;
    clrnn_status status = read_lists(n, world, list, count);
    for (uint32_t i = 0; i < rank; i++) {
        c->begin[i] = 0;
        c->end[i] = (int64_t)size[i];
        c->step[i] = 1;
    }
    if (status == CLRNN_OK && (count[0] != count[1] || (count[2] && count[2] != count[0]) ||
                               (count[3] && count[3] != count[0])))
        status = clr_onnx_fail(n, CLRNN_ERR_FORMAT, "lists of %u, %u, %u and %u", count[0],
                               count[1], count[2], count[3]);
    for (uint32_t i = 0; i < count[0] && status == CLRNN_OK; i++) {
        status = clr_onnx_axis(n, count[2] ? lists[2][i] : (int64_t)i, rank, &axis);
        if (status != CLRNN_OK)
            break;
        c->begin[axis] = lists[0][i];
        c->end[axis] = lists[1][i];
        c->step[axis] = count[3] ? lists[3][i] : 1;
        if (c->step[axis] == 0 || c->step[axis] == INT64_MIN)
            return clr_onnx_fail(n, CLRNN_ERR_FORMAT, "a step of 0");
        clamp((int64_t)size[axis], c->step[axis], &c->begin[axis], &c->end[axis]);
    }
    return status;
}

static uint64_t count_of(const cuts *c, uint32_t axis)
{
    const int64_t step = c->step[axis], span = c->end[axis] - c->begin[axis];
    if (step > 0)
        return span > 0 ? (uint64_t)((span - 1) / step + 1) : 0;
    return span < 0 ? (uint64_t)((-span - 1) / -step + 1) : 0;
}

clrnn_status clr_onnx_slice_fold(onnx_node *n, const onnx_array *const *in, onnx_array *out)
{
    cuts c;
    const int world = in[0] == &n->in[0]->array[1];
    clrnn_status status = read_cuts(n, world, in[0]->rank, in[0]->size, &c);
    *out = clr_onnx_like(in[0]);
    for (uint32_t i = 0; i < out->rank && status == CLRNN_OK; i++)
        out->size[i] = count_of(&c, i);
    if (status == CLRNN_OK)
        status = clr_onnx_allocate(n, out);
    for (size_t i = 0; status == CLRNN_OK && i < (out->filled ? 1 : clr_onnx_count(out)); i++) {
        size_t rest = i, stride = 1;
        int64_t from = 0;
        for (uint32_t a = out->rank; a-- > 0 && !out->filled;) {
            const int64_t index = (int64_t)(rest % (size_t)out->size[a]);
            from += (c.begin[a] + index * c.step[a]) * (int64_t)stride;
            rest /= (size_t)out->size[a];
            stride *= (size_t)in[0]->size[a];
        }
        out->data[i] = in[0]->data[from];
    }
    return status;
}

/* A bound as the graph takes it: a number, or counted from the end. */
static clrnn_status bound_of(const onnx_node *n, const int64_t value[2], const int64_t size[2],
                             bool end, int64_t step, int64_t *out)
{
    if (end && ((step > 0 && value[0] == size[0] && value[1] == size[1]) ||
                (step < 0 && value[0] == -1 && value[1] == -1)))
        *out = CLRNN_TO_END;
    else if (value[0] == value[1])
        *out = value[0];
    else if (value[0] - size[0] == value[1] - size[1] && value[0] < size[0])
        *out = value[0] - size[0];
    else
        return clr_onnx_fail(n, CLRNN_ERR_NEEDS_SIZE,
                             "it cuts where T or N says: give the axes of the model numbers");
    return CLRNN_OK;
}

clrnn_status clr_onnx_slice_build(onnx_node *n)
{
    cuts c[ONNX_WORLDS];
    uint32_t at = 0;
    clrnn_status status = clr_onnx_graph_in(n, 0, &at);
    const uint32_t rank = status == CLRNN_OK ? clr_onnx_shape(n, at)->rank : 0;
    for (int w = 0; w < ONNX_WORLDS && status == CLRNN_OK; w++) {
        uint64_t size[CLRNN_MOST_AXES] = {0};
        for (uint32_t i = 0; i < rank; i++)
            size[i] = clr_onnx_size(n, at, i, w);
        status = read_cuts(n, w, rank, size, &c[w]);
    }
    for (uint32_t i = 0; i < rank && status == CLRNN_OK; i++) {
        const int64_t size[] = {(int64_t)clr_onnx_size(n, at, i, 0),
                                (int64_t)clr_onnx_size(n, at, i, 1)};
        const int64_t step = c[0].step[i];
        int64_t begin = 0, end = 0;
        if (step != c[1].step[i])
            return clr_onnx_fail(n, CLRNN_ERR_UNSUPPORTED, "a step that T or N says");
        status = bound_of(n, (int64_t[]){c[0].begin[i], c[1].begin[i]}, size, false, step, &begin);
        if (status == CLRNN_OK)
            status = bound_of(n, (int64_t[]){c[0].end[i], c[1].end[i]}, size, true, step, &end);
        if (status == CLRNN_OK)
            status = clr_onnx_cut(n, i, begin, end, step, at, &at);
    }
    if (status == CLRNN_OK)
        clr_onnx_set_graph(n, 0, at, n->in[0]->type);
    return status;
}

/* --- split ------------------------------------------------------------------------------------ */

/* Elements of each part. */
static clrnn_status parts_of(onnx_node *n, uint32_t rank, const uint64_t *size, uint32_t *axis,
                             int64_t *part)
{
    int64_t where = 0, parts = 0;
    uint32_t count = 0;
    bool given = false;
    clrnn_status status = clr_onnx_integer(n, "axis", 0, &where);
    if (status == CLRNN_OK)
        status = clr_onnx_integer(n, "num_outputs", n->outputs, &parts);
    if (status == CLRNN_OK)
        status = clr_onnx_axis(n, where, rank, axis);
    if (status == CLRNN_OK)
        status = clr_onnx_list(n, "split", 1, ONNX_MOST_OUT, part, &count, &given);
    if (status != CLRNN_OK)
        return status;
    const int64_t all = (int64_t)size[*axis];
    if (!given && parts > 0) { /* the last one is what is left */
        const int64_t each = (all + parts - 1) / parts;
        for (count = 0; count < n->outputs; count++)
            part[count] = each * (count + 1) <= all ? each : all - each * count;
    }
    int64_t sum = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (part[i] < 0 || part[i] > all)
            return clr_onnx_fail(n, CLRNN_ERR_FORMAT, "a part of %lld", (long long)part[i]);
        sum += part[i];
    }
    if (count != n->outputs || sum != all)
        return clr_onnx_fail(n, CLRNN_ERR_FORMAT, "its parts are not the whole of axis %u (%lld)",
                             *axis, (long long)all);
    return CLRNN_OK;
}

clrnn_status clr_onnx_split_fold(onnx_node *n, const onnx_array *const *in, onnx_array *out)
{
    int64_t part[ONNX_MOST_OUT], begin = 0;
    uint32_t axis = 0;
    clrnn_status status = parts_of(n, in[0]->rank, in[0]->size, &axis, part);
    size_t outer = 1, inner = 1;
    for (uint32_t i = 0; i < in[0]->rank; i++)
        *(i < axis ? &outer : &inner) *= i == axis ? 1 : (size_t)in[0]->size[i];
    for (uint32_t k = 0; k < n->outputs && status == CLRNN_OK; begin += part[k], k++) {
        out[k] = *in[0];
        out[k].data = NULL;
        out[k].size[axis] = (uint64_t)part[k];
        status = clr_onnx_allocate(n, &out[k]);
        const size_t row = (size_t)part[k] * inner;
        for (size_t i = 0; status == CLRNN_OK && i < (out[k].filled ? 1 : outer * row); i++)
            out[k].data[i] =
                out[k].filled
                    ? in[0]->data[0]
                    : in[0]->data[(i / row * (size_t)in[0]->size[axis] + (size_t)begin) * inner +
                                  i % row];
    }
    return status;
}

clrnn_status clr_onnx_split_build(onnx_node *n)
{
    int64_t part[ONNX_MOST_OUT], begin = 0;
    uint32_t axis = 0, at = 0, to = 0;
    uint64_t size[CLRNN_MOST_AXES];
    clrnn_status status = clr_onnx_graph_in(n, 0, &at);
    const uint32_t rank = status == CLRNN_OK ? clr_onnx_shape(n, at)->rank : 0;
    for (uint32_t i = 0; i < rank; i++)
        size[i] = clr_onnx_size(n, at, i, 0);
    if (status == CLRNN_OK)
        status = parts_of(n, rank, size, &axis, part);
    if (status == CLRNN_OK && n->outputs > 1 && size[axis] != clr_onnx_size(n, at, axis, 1))
        status = clr_onnx_fail(n, CLRNN_ERR_UNSUPPORTED, "it splits an axis that is T or N");
    for (uint32_t k = 0; k < n->outputs && status == CLRNN_OK; begin += part[k], k++) {
        status = clr_onnx_cut(n, axis, begin, begin + part[k], 1, at, &to);
        if (status == CLRNN_OK)
            clr_onnx_set_graph(n, k, to, n->in[0]->type);
    }
    return status;
}
