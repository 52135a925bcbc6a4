/* SPDX-License-Identifier: MIT
 * graph/arrays.c - host arrays in and out of a pass through a graph. */
#include <string.h>

#include "base/log.h"
#include "device/buffer.h"
#include "device/context.h"
#include "graph/infer.h"
#include "graph/plan.h"

static size_t unit_of(const clrnn_graph_plan *plan, uint32_t value)
{
    return plan->shapes[value].ids ? sizeof(cl_int) : plan->real;
}

clrnn_status clr_plan_mask(clrnn_graph_plan *plan, uint32_t value, size_t place)
{
    const clr_shape *shape = &plan->shapes[value];
    clr_run run = {
        .tools = &plan->tools, .ragged = plan->ragged, .lengths_stride = plan->desc.max_batch};
    const clrnn_slice at = {plan->arena,
                            shape->ids ? place * (plan->real / sizeof(cl_int)) : place};
    map_launch l = clr_launch_over(&run, shape, at);
    clr_launch_takes(&l, 0, shape, shape, at);
    return l.within.some ? clr_move(&run, &l, plan->arena, plan->arena, shape->ids) : CLRNN_OK;
}

clrnn_status clr_plan_write(clrnn_graph_plan *plan, uint32_t value, size_t place, const void *data)
{
    const size_t bytes = clr_shape_count(&plan->shapes[value]) * unit_of(plan, value);
    clrnn_status status =
        clr_buffer_write_async(plan->context, plan->arena, place * plan->real, bytes, data);
    return status == CLRNN_OK ? clr_plan_mask(plan, value, place) : status;
}

clrnn_status clr_plan_read(clrnn_graph_plan *plan, uint32_t value, size_t place, void *data)
{
    const size_t bytes = clr_shape_count(&plan->shapes[value]) * unit_of(plan, value);
    return clr_buffer_read_async(plan->context, plan->arena, place * plan->real, bytes, data);
}

uint32_t clr_plan_output(const clrnn_graph_plan *plan, const char *name)
{
    const clrnn_graph *g = plan->graph;
    for (uint32_t i = 0; name && i < g->output_count; i++)
        if (strcmp(g->outputs[i].name, name) == 0)
            return g->outputs[i].value;
    clr_log(&plan->context->log, CLRNN_LOG_ERROR, "graph: there is no output '%s'",
            name ? name : "");
    return CLR_NO_VALUE;
}

uint32_t clr_plan_input(const clrnn_graph_plan *plan, const char *name)
{
    const clrnn_graph *g = plan->graph;
    for (uint32_t i = 0; name && i < g->input_count; i++)
        if (strcmp(g->values[g->inputs[i]].name, name) == 0)
            return g->inputs[i];
    clr_log(&plan->context->log, CLRNN_LOG_ERROR, "graph: there is no input '%s'",
            name ? name : "");
    return CLR_NO_VALUE;
}

uint32_t clr_plan_gradient_input(const clrnn_graph_plan *plan, const clrnn_graph_sink *to)
{
    const uint32_t v = clr_plan_input(plan, to->name);
    const bool has =
        v != CLR_NO_VALUE && plan->desc.input_gradients && !plan->graph->values[v].shape.ids;
    if (v != CLR_NO_VALUE && !(has && to->data))
        clr_log(&plan->context->log, CLRNN_LOG_ERROR,
                has ? "graph: the gradient of '%s' is NULL"
                    : "graph: '%s' has no gradient in this plan",
                to->name);
    return has && to->data ? v : CLR_NO_VALUE;
}

bool clr_plan_within(const clrnn_graph_plan *plan, uint32_t value, size_t element)
{
    const clr_shape *s = &plan->shapes[value];
    if (!plan->ragged || s->lengths == CLR_ALL_STEPS || s->steps == CLR_NO_AXIS)
        return true;
    const size_t t = element / clr_shape_stride(s, (uint32_t)s->steps) % s->size[s->steps];
    const size_t n = s->batch == CLR_NO_AXIS
                         ? 0
                         : element / clr_shape_stride(s, (uint32_t)s->batch) % s->size[s->batch];
    return t < plan->lengths[s->lengths * (size_t)plan->desc.max_batch + n];
}

/* Of an input that nodes with a vocabulary read: each id must be in it. */
static clrnn_status check_ids(const clrnn_graph_plan *plan, uint32_t value, const int32_t *ids)
{
    const clrnn_graph *g = plan->graph;
    const clr_shape *shape = &plan->shapes[value];
    const size_t count = clr_shape_count(shape);
    for (uint32_t k = 0; k < g->node_count; k++) {
        const clr_node *node = &g->nodes[k];
        if (node->inputs[0] != value || !(node->kind->uses & CLR_USES_VOCABULARY))
            continue;
        for (size_t i = 0; i < count; i++)
            if ((ids[i] < 0 || (uint32_t)ids[i] >= node->desc.vocabulary) &&
                clr_plan_within(plan, value, i))
                return clr_node_fail(&plan->context->log, &node->desc, CLRNN_ERR_RANGE,
                                     "'%s' element %zu is %d, not in 0..%u", g->values[value].name,
                                     i, ids[i], node->desc.vocabulary - 1);
    }
    return CLRNN_OK;
}

/* Of two arrays of one name nobody could tell which counts. */
static clrnn_status check_names(const clrnn_graph_plan *plan, const clrnn_graph_source *inputs,
                                uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (clr_plan_input(plan, inputs[i].name) == CLR_NO_VALUE)
            return CLRNN_ERR_ARGUMENT;
        for (uint32_t k = 0; k < i; k++)
            if (strcmp(inputs[i].name, inputs[k].name) == 0)
                return clr_fail(&plan->context->log, CLRNN_ERR_ARGUMENT,
                                "graph: input '%s' is given twice", inputs[i].name);
    }
    return CLRNN_OK;
}

static const void *find(const clrnn_graph_source *inputs, uint32_t count, const char *name)
{
    for (uint32_t i = 0; i < count; i++)
        if (inputs[i].name && strcmp(inputs[i].name, name) == 0)
            return inputs[i].data;
    return NULL;
}

static clrnn_status check_inputs(const clrnn_graph_plan *plan, const clrnn_graph_source *inputs,
                                 uint32_t count)
{
    const clrnn_graph *g = plan->graph;
    clrnn_status status = check_names(plan, inputs, count);
    for (uint32_t i = 0; i < g->input_count && status == CLRNN_OK; i++) {
        const uint32_t v = g->inputs[i];
        const void *data = find(inputs, count, g->values[v].name);
        if (!data)
            status = clr_fail(&plan->context->log, CLRNN_ERR_ARGUMENT,
                              "graph: input '%s' is missing", g->values[v].name);
        else if (g->values[v].shape.ids)
            status = check_ids(plan, v, data);
    }
    return status;
}

clrnn_status clr_plan_inputs(clrnn_graph_plan *plan, const clrnn_graph_source *inputs,
                             uint32_t count)
{
    const clrnn_graph *g = plan->graph;
    clrnn_status status = check_inputs(plan, inputs, count);
    for (uint32_t i = 0; i < g->input_count && status == CLRNN_OK; i++)
        status = clr_plan_write(plan, g->inputs[i], plan->values[g->inputs[i]].value,
                                find(inputs, count, g->values[g->inputs[i]].name));
    return status;
}

clrnn_status clr_plan_outputs(clrnn_graph_plan *plan, const clrnn_graph_sink *outputs,
                              uint32_t count)
{
    clrnn_status status = CLRNN_OK;
    for (uint32_t i = 0; i < count && status == CLRNN_OK; i++) {
        const uint32_t v = clr_plan_output(plan, outputs[i].name);
        if (v == CLR_NO_VALUE)
            return CLRNN_ERR_ARGUMENT;
        if (outputs[i].data)
            status = clr_plan_read(plan, v, plan->values[v].value, outputs[i].data);
    }
    return status;
}
