/* SPDX-License-Identifier: MIT
 * graph/fold.c - what nodes behind a product or a convolution do to each of its channels alone, as
 * a batch norm, or numbers that are multiplied or added: in a plan that does not train its weights
 * and bias are such that it does it, too.
 *
 * These weights lie behind the parameters of the graph, which stay as they are.
 *
 * Which kinds can is said by their rows: channels. */
#include <math.h>
#include <stdlib.h>

#include "base/memory.h"
#include "device/buffer.h"
#include "device/context.h"
#include "graph/behind.h"

/* --- who can be taken ------------------------------------------------------------------------ */

static uint32_t constant_of(const clrnn_graph_plan *plan, uint32_t v)
{
    const uint32_t maker = plan->values[v].maker;
    return maker != CLR_NO_VALUE && plan->nodes[maker].node.desc.kind == CLRNN_NODE_CONSTANT
               ? maker
               : CLR_NO_VALUE;
}

/* Where a constant is in the parameters; *count: how many numbers. */
static size_t numbers_of(const clrnn_graph_plan *plan, uint32_t constant, size_t *count)
{
    const clr_node *node = &plan->graph->nodes[constant];
    const clrnn_graph_parameter *p = &plan->graph->parameters[node->first_parameter].info;
    *count = p->count;
    return p->offset;
}

/* Whether an array has a number for each channel, or one for all. */
static bool is_by_channel(const clr_shape *c, const clr_shape *y, uint32_t axis)
{
    for (uint32_t i = 0; i < c->rank && c->rank <= y->rank; i++) {
        const bool channels = i + y->rank - c->rank == axis && c->size[i] == y->size[axis];
        if (c->size[i] != 1 && !channels)
            return false;
    }
    return c->rank <= y->rank;
}

/* The input of a pair that is no constant is `v`. */
static bool is_pair(const clrnn_graph_plan *plan, const clr_node *node, uint32_t v, uint32_t axis)
{
    const uint32_t k = node->inputs[0] == v, c = constant_of(plan, node->inputs[k]);
    size_t count = 0;
    if (c == CLR_NO_VALUE || (node->desc.kind == CLRNN_NODE_DIV && k == 0) ||
        !is_by_channel(&plan->shapes[node->inputs[k]], &plan->shapes[v], axis))
        return false;
    const size_t at = numbers_of(plan, c, &count);
    for (size_t i = 0; i < count; i++) {
        const double number = clr_graph_get(plan->graph, at + i);
        if (!isfinite(number) || (node->desc.kind == CLRNN_NODE_DIV && number == 0))
            return false;
    }
    return true;
}

/* Whether a node that reads v does the same to all of a channel: scales it, and adds to it. */
static bool is_step(const clrnn_graph_plan *plan, const clr_node *node, uint32_t v, uint32_t axis)
{
    switch (node->desc.kind) {
    case CLRNN_NODE_ACTIVATION:
        return node->desc.function == CLRNN_FN_AFFINE;
    case CLRNN_NODE_BATCH_NORM:
        return (uint32_t)clr_shape_axis(&plan->shapes[v], node->desc.axis) == axis;
    case CLRNN_NODE_ADD:
    case CLRNN_NODE_SUB:
    case CLRNN_NODE_MUL:
    case CLRNN_NODE_DIV:
        return is_pair(plan, node, v, axis);
    default:
        return false;
    }
}

static clr_channels channels_of(const clrnn_graph_plan *plan, uint32_t i)
{
    const clr_node *node = &plan->graph->nodes[i];
    return node->kind->channels(node, &plan->shapes[node->inputs[0]]);
}

/* The weights of node i, and a bias. */
static void make_room(clrnn_graph_plan *plan, uint32_t i, uint32_t axis)
{
    clr_node_place *place = &plan->nodes[i];
    const clr_node *node = &plan->graph->nodes[i];
    place->at[0] = plan->graph->elements + plan->folded;
    place->at[1] = place->at[0] + plan->graph->parameters[node->first_parameter].info.count;
    place->node.desc.no_bias = false;
    place->folds = true;
    plan->folded =
        place->at[1] + (size_t)plan->shapes[node->first_value].size[axis] - plan->graph->elements;
}

void clr_plan_fold(clrnn_graph_plan *plan, const clr_shape *shapes, uint32_t i)
{
    const clr_node *node = &plan->nodes[i].node;
    clr_behind behind;
    if (!node->kind->channels || node->desc.function != CLRNN_FN_IDENTITY)
        return;
    const uint32_t axis = channels_of(plan, i).axis;
    while (clr_plan_behind(plan, shapes, i, &behind)) {
        const int32_t there = clr_plan_axis_behind(shapes, node->first_value, axis, &behind);
        const uint32_t reader = behind.reader;
        if (there == CLR_NO_AXIS ||
            !is_step(plan, &plan->nodes[reader].node, behind.value, (uint32_t)there))
            return;
        if (!plan->nodes[i].folds)
            make_room(plan, i, axis);
        clr_plan_make_behind(plan, &behind);
        plan->nodes[reader].into = i;
        plan->nodes[i].last_part =
            reader > plan->nodes[i].last_part ? reader : plan->nodes[i].last_part;
        clr_plan_leave_readers(plan, reader);
        plan->nodes[reader].silent = plan->nodes[reader].taken = true;
    }
}

/* --- the weights ----------------------------------------------------------------------------- */

static double number_at(const clrnn_graph_plan *plan, const void *parameters, size_t at)
{
    return plan->graph->precision == CLRNN_F64 ? ((const double *)parameters)[at]
                                               : ((const float *)parameters)[at];
}

static void put(const clrnn_graph_plan *plan, void *parameters, size_t at, double value)
{
    if (plan->graph->precision == CLRNN_F64)
        ((double *)parameters)[at] = value;
    else
        ((float *)parameters)[at] = (float)value;
}

/* y = scale y + shift */
typedef struct step {
    double scale, shift;
} step;

static step norm_of(const clrnn_graph_plan *plan, const clr_node *node, const void *from, size_t c)
{
    double own[4] = {1, 0};
    const uint32_t first = node->desc.no_bias ? 2 : 0;
    for (uint32_t k = first; k < 4; k++)
        own[k] = number_at(
            plan, from, plan->graph->parameters[node->first_parameter + k - first].info.offset + c);
    const double scale = own[0] / sqrt(own[3] + node->desc.epsilon);
    return (step){scale, own[1] - own[2] * scale};
}

/* What node i of the graph does to channel c. */
static step step_of(const clrnn_graph_plan *plan, uint32_t i, const void *from, size_t c)
{
    const clr_node *node = &plan->graph->nodes[i];
    if (node->desc.kind == CLRNN_NODE_ACTIVATION)
        return (step){node->desc.alpha, node->desc.beta};
    if (node->desc.kind == CLRNN_NODE_BATCH_NORM)
        return norm_of(plan, node, from, c);
    const bool second = constant_of(plan, node->inputs[0]) == CLR_NO_VALUE;
    size_t count = 0;
    const size_t at = numbers_of(plan, constant_of(plan, node->inputs[second]), &count);
    const double number = number_at(plan, from, at + (count > 1 ? c : 0));
    switch (node->desc.kind) {
    case CLRNN_NODE_MUL:
        return (step){number, 0};
    case CLRNN_NODE_DIV:
        return (step){1 / number, 0};
    case CLRNN_NODE_SUB:
        return second ? (step){1, -number} : (step){-1, number};
    default:
        return (step){1, number};
    }
}

/* scale and bias of each channel of node i: with its own bias, then what is behind it. */
static void steps_of(const clrnn_graph_plan *plan, uint32_t i, const void *from, size_t units,
                     step *steps)
{
    const clr_node *node = &plan->graph->nodes[i];
    const clr_parameter *own = &plan->graph->parameters[node->first_parameter];
    for (size_t u = 0; u < units; u++)
        steps[u] =
            (step){1, node->desc.no_bias ? 0 : number_at(plan, from, own[1].info.offset + u)};
    for (uint32_t j = i + 1; j <= plan->nodes[i].last_part; j++)
        for (size_t u = 0; u < units && plan->nodes[j].into == i; u++) {
            const step next = step_of(plan, j, from, u);
            steps[u].scale *= next.scale;
            steps[u].shift = steps[u].shift * next.scale + next.shift;
        }
}

static clrnn_status write(clrnn_graph_plan *plan, uint32_t i, const void *from)
{
    const clr_node_place *place = &plan->nodes[i];
    const clr_channels c = channels_of(plan, i);
    const size_t units = (size_t)plan->shapes[place->node.first_value].size[c.axis];
    const size_t count = place->at[1] - place->at[0];
    const clr_parameter *own = &plan->graph->parameters[place->node.first_parameter];
    step *steps = clr_calloc(units, sizeof *steps);
    void *folded = clr_calloc(count + units, plan->real);
    clrnn_status status = steps && folded ? CLRNN_OK
                                          : clr_fail(&plan->context->log, CLRNN_ERR_MEMORY,
                                                     "graph plan: out of memory");
    if (status == CLRNN_OK) {
        steps_of(plan, i, from, units, steps);
        for (size_t e = 0; e < count; e++)
            put(plan, folded, e,
                number_at(plan, from, own->info.offset + e) *
                    steps[e / c.within % c.units + e / c.span * c.units].scale);
        for (size_t u = 0; u < units; u++)
            put(plan, folded, count + u, steps[u].shift);
        status = clr_buffer_write(plan->context, plan->parameters, place->at[0] * plan->real,
                                  (count + units) * plan->real, folded);
    }
    free(steps);
    free(folded);
    return status;
}

clrnn_status clr_plan_write_folded(clrnn_graph_plan *plan, const void *parameters)
{
    clrnn_status status = CLRNN_OK;
    for (uint32_t i = 0; i < plan->graph->node_count && status == CLRNN_OK; i++)
        if (plan->nodes[i].folds)
            status = write(plan, i, parameters);
    return status;
}

/* --- alike ----------------------------------------------------------------------------------- */

/* The node behind j that is a part of node i; CLR_NO_VALUE: there are no more. */
static uint32_t next_of(const clrnn_graph_plan *plan, uint32_t i, uint32_t j)
{
    while (++j <= plan->nodes[i].last_part)
        if (plan->nodes[j].into == i)
            return j;
    return CLR_NO_VALUE;
}

bool clr_plan_same_folds(const clrnn_graph_plan *plan, uint32_t a, uint32_t b,
                         const void *parameters)
{
    if (!plan->nodes[a].folds && !plan->nodes[b].folds)
        return true;
    const uint32_t axis = channels_of(plan, a).axis;
    const size_t units = (size_t)plan->shapes[plan->nodes[a].node.first_value].size[axis];
    uint32_t x = next_of(plan, a, a), y = next_of(plan, b, b);
    for (; x != CLR_NO_VALUE && y != CLR_NO_VALUE; x = next_of(plan, a, x), y = next_of(plan, b, y))
        for (size_t u = 0; u < units; u++) {
            const step s = step_of(plan, x, parameters, u), t = step_of(plan, y, parameters, u);
            if (s.scale != t.scale || s.shift != t.shift)
                return false;
        }
    return x == y;
}
