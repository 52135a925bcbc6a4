/* SPDX-License-Identifier: MIT
 * graph/infer.c - see graph/infer.h. */
#include "graph/infer.h"

clr_infer clr_infer_of(const clrnn_graph *graph, const clr_node *node)
{
    clr_infer infer = {.log = &graph->log,
                       .desc = &node->desc,
                       .inputs = node->input_count,
                       .own_rule = node->number + 1,
                       .steps = CLR_PROBE_STEPS,
                       .batch = CLR_PROBE_BATCH};
    while (infer.outputs < CLR_MOST_OUTPUTS && node->kind->outputs[infer.outputs])
        infer.outputs++;
    return infer;
}

clrnn_status clr_infer_run(clr_infer *infer)
{
    clrnn_status status = clr_kind_of(infer->desc->kind)->infer(infer);
    for (uint32_t i = 0; i < infer->outputs && status == CLRNN_OK; i++) {
        infer->out[i].made = 0; /* of one that was copied */
        if (clr_shape_count(&infer->out[i]) > SIZE_MAX / (4 * sizeof(double)))
            status = clr_node_fail(infer->log, infer->desc, CLRNN_ERR_RANGE,
                                   "%s is more than memory can address",
                                   clr_value_text(&infer->out[i]).text);
    }
    return status;
}

clr_infer clr_infer_known(const clrnn_graph *graph, const clr_node *node, const clrnn_log *log,
                          const clr_shape *shapes)
{
    clr_infer infer = clr_infer_of(graph, node);
    infer.log = log;
    for (uint32_t i = 0; i < node->input_count; i++)
        infer.in[i] = node->inputs[i] == CLR_NO_VALUE ? NULL : &shapes[node->inputs[i]];
    for (uint32_t i = 0; i < node->outputs; i++)
        infer.out[i] = shapes[node->first_value + i];
    infer.outputs = node->outputs;
    return infer;
}

static clr_shape input_of(const clr_shape *probe, uint64_t steps, uint64_t batch)
{
    clr_shape s = *probe;
    if (s.steps != CLR_NO_AXIS)
        s.size[s.steps] = steps;
    if (s.batch != CLR_NO_AXIS)
        s.size[s.batch] = batch;
    return s;
}

/* Which axes are T and N, and what the others are that are not made of them, does not depend on how
 * many these are: one row in a shape that would be another one of more is no reason to see them
 * elsewhere, and rows that are cut from fewer are not there. */
static clrnn_status hold(const clr_infer *infer, const clr_value *value, clr_shape *s)
{
    s->steps = value->shape.steps;
    s->batch = value->shape.batch;
    if (value->shape.lengths == CLR_ALL_STEPS)
        s->lengths = CLR_ALL_STEPS;
    for (uint32_t i = 0; i < s->rank; i++) {
        const bool fixed = value->shape.size[i] == value->other.size[i];
        if (fixed && s->size[i] != value->shape.size[i])
            return clr_node_fail(infer->log, infer->desc, CLRNN_ERR_RANGE,
                                 "axis %u of its %s would be %llu where T is %llu and N is %llu", i,
                                 clr_value_text(&value->shape).text, (unsigned long long)s->size[i],
                                 (unsigned long long)infer->steps,
                                 (unsigned long long)infer->batch);
    }
    return CLRNN_OK;
}

clrnn_status clr_infer_all(const clrnn_graph *graph, const clrnn_log *log, uint64_t steps,
                           uint64_t batch, clr_shape *shapes, clr_length_rule *rules)
{
    clrnn_status status = CLRNN_OK;
    for (uint32_t i = 0; i < graph->input_count; i++)
        shapes[graph->inputs[i]] = input_of(&graph->values[graph->inputs[i]].shape, steps, batch);
    for (uint32_t i = 0; i < graph->node_count && status == CLRNN_OK; i++) {
        const clr_node *node = &graph->nodes[i];
        clr_infer infer = clr_infer_known(graph, node, log, shapes);
        infer.steps = steps;
        infer.batch = batch;
        status = clr_infer_run(&infer);
        for (uint32_t k = 0; k < node->outputs && status == CLRNN_OK; k++) {
            const uint32_t v = node->first_value + k;
            shapes[v] = infer.out[k];
            status = hold(&infer, &graph->values[v], &shapes[v]);
        }
        if (infer.has_rule)
            rules[i + 1] = infer.rule;
    }
    return status;
}

bool clr_infer_empties(const clrnn_graph *graph, const clr_shape *shapes)
{
    bool empty = false;
    for (uint32_t v = 0; v < graph->value_count; v++)
        empty = empty || (shapes[v].steps != CLR_NO_AXIS && shapes[v].size[shapes[v].steps] == 0);
    return empty;
}
