/* SPDX-License-Identifier: MIT
 * graph/behind.c - see graph/behind.h. */
#include "graph/behind.h"

bool clr_plan_see_through(const clr_node *node, const clr_shape *shapes, clr_strides *view)
{
    const clr_run run = {
        .node = node, .in = {shapes[node->inputs[0]]}, .out = {shapes[node->first_value]}};
    return node->kind->view(&run, view);
}

/* Whether a view of v has all of it, within the same lengths. */
static bool keeps_all(const clr_node *node, const clr_shape *shapes, uint32_t v)
{
    const clr_shape *x = &shapes[v], *y = &shapes[node->first_value];
    return node->inputs[0] == v && node->outputs == 1 && x->lengths == y->lengths &&
           clr_shape_count(y) >= clr_shape_count(x);
}

bool clr_plan_behind(const clrnn_graph_plan *plan, const clr_shape *shapes, uint32_t i,
                     clr_behind *behind)
{
    clr_behind b = {.value = plan->nodes[i].node.first_value, .maker = i};
    if (shapes)
        b.view = clr_strides_of(&shapes[b.value]);
    for (;;) {
        b.reader = clr_plan_only_reader(plan, b.value);
        if (b.reader == CLR_NO_VALUE)
            return false;
        const clr_node *node = &plan->nodes[b.reader].node;
        if (!node->kind->view)
            break;
        if (!shapes || !keeps_all(node, shapes, b.value) ||
            !clr_plan_see_through(node, shapes, &b.view))
            return false;
        b.maker = b.reader;
        b.value = node->first_value;
    }
    *behind = b;
    return true;
}

/* Whether steps along other axes, together, stay within a step along this one or go past all of
 * it. */
static bool is_apart(const clr_shape *y, const clr_strides *view, uint32_t axis, uint64_t all)
{
    const uint64_t step = view->stride[axis];
    uint64_t inner = view->begin % all;
    for (uint32_t i = 0; i < y->rank; i++) {
        const uint64_t stride = view->stride[i];
        if (i == axis || y->size[i] == 1 || stride % all == 0)
            continue;
        if (stride >= step)
            return false;
        inner += stride * (y->size[i] - 1);
    }
    return inner < step;
}

int32_t clr_plan_axis_behind(const clr_shape *shapes, uint32_t made, uint32_t axis,
                             const clr_behind *behind)
{
    if (made == behind->value)
        return (int32_t)axis;
    const clr_shape *x = &shapes[made], *y = &shapes[behind->value];
    const uint64_t step = clr_shape_stride(x, axis), all = step * x->size[axis];
    for (uint32_t i = 0; i < y->rank && all > step; i++)
        if (y->size[i] == x->size[axis] && behind->view.stride[i] == step &&
            is_apart(y, &behind->view, i, all))
            return (int32_t)i;
    return CLR_NO_AXIS;
}

void clr_plan_make_behind(clrnn_graph_plan *plan, const clr_behind *behind)
{
    const uint32_t y = plan->nodes[behind->reader].node.first_value;
    plan->nodes[behind->maker].node.first_value = y;
    plan->values[behind->value].wanted = false;
    plan->values[y].wanted = true;
    plan->values[y].maker = behind->maker;
}
