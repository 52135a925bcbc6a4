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
        for (uint32_t k = 0; k < node->outputs && status == CLRNN_OK; k++)
            shapes[node->first_value + k] = infer.out[k];
        if (infer.has_rule)
            rules[i + 1] = infer.rule;
    }
    return status;
}
