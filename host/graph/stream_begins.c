/* SPDX-License-Identifier: MIT
 * graph/stream_begins.c - the states that nodes of a stream begin with, as an amplifier's h0 and
 * c0: where they are made of constants and parameters alone, they are its rest state. */
#include <stdlib.h>

#include "base/log.h"
#include "base/memory.h"
#include "device/buffer.h"
#include "device/context.h"
#include "graph/stream.h"

/* Of each value an input of the graph that it depends on, or CLR_NO_VALUE. [value_count] */
static void trace_inputs(const clrnn_graph *graph, uint32_t *from)
{
    for (uint32_t v = 0; v < graph->value_count; v++)
        from[v] = graph->values[v].node == CLR_NO_VALUE ? v : CLR_NO_VALUE;
    for (uint32_t i = 0; i < graph->node_count; i++) {
        const clr_node *node = &graph->nodes[i];
        for (uint32_t k = 0; k < node->input_count; k++)
            for (uint32_t o = 0; o < node->outputs; o++)
                if (node->inputs[k] != CLR_NO_VALUE && from[node->inputs[k]] != CLR_NO_VALUE)
                    from[node->first_value + o] = from[node->inputs[k]];
    }
}

/* The value that part k of a node's state begins with, or CLR_NO_VALUE. */
static uint32_t begin_of(const clr_node *node, uint32_t k)
{
    const uint32_t input = node->kind->begins + k;
    return node->kind->begins && input < node->input_count ? node->inputs[input] : CLR_NO_VALUE;
}

static bool has_begins(const clrnn_graph *graph)
{
    bool has = false;
    for (uint32_t i = 0; i < graph->node_count; i++)
        for (uint32_t k = 0; k < CLR_STATE_PARTS; k++)
            has = has || begin_of(&graph->nodes[i], k) != CLR_NO_VALUE;
    return has;
}

clrnn_status clr_stream_check_begins(const clrnn_context *context, const clrnn_graph *graph)
{
    uint32_t *from = clr_calloc((size_t)graph->value_count + 1, sizeof *from);
    clrnn_status status = CLRNN_OK;
    if (!from)
        return clr_fail(&context->log, CLRNN_ERR_MEMORY, "graph stream: out of memory");
    trace_inputs(graph, from);
    for (uint32_t i = 0; i < graph->node_count && status == CLRNN_OK; i++)
        for (uint32_t k = 0; k < CLR_STATE_PARTS && status == CLRNN_OK; k++) {
            const uint32_t v = begin_of(&graph->nodes[i], k);
            if (v != CLR_NO_VALUE && from[v] != CLR_NO_VALUE)
                status = clr_node_fail(&context->log, &graph->nodes[i].desc, CLRNN_ERR_ARGUMENT,
                                       "it cannot be in a stream, which keeps its states: those "
                                       "that it begins with depend on input '%s'",
                                       graph->values[from[v]].name);
        }
    free(from);
    return status;
}

/* Row 0 of what part k of a node begins with, to its place in the rest state. */
static clrnn_status copy_begin(clrnn_graph_stream *stream, const clr_run *run,
                               const clr_state_part *part, uint32_t k, size_t at_rest)
{
    const uint32_t input = run->node->kind->begins + k;
    const size_t N = (size_t)run->in[input].size[1];
    const map_launch l = {.rank = 2,
                          .size = {part->outer, part->inner},
                          .out_at = at_rest,
                          .out_stride = {part->inner, 1},
                          .at = {run->x[input].offset},
                          .stride = {{N * part->inner, 1}}};
    const cl_mem in[MAP_INPUTS] = {run->x[input].buffer, NULL, NULL};
    return clr_map(&stream->plan->tools.maps, &l, stream->rest, in, 1, 0);
}

/* Node i, before it runs. *at: of its state in the rest state. */
static clrnn_status copy_begins(clrnn_graph_stream *stream, uint32_t i, const clr_run *run,
                                size_t *at)
{
    const clr_node_place *place = &stream->plan->nodes[i];
    clrnn_status status = CLRNN_OK;
    for (uint32_t k = 0; k < place->part_count && status == CLRNN_OK; k++) {
        if (begin_of(run->node, k) != CLR_NO_VALUE)
            status = copy_begin(stream, run, &place->parts[k], k, *at);
        *at += place->parts[k].outer * place->parts[k].inner;
    }
    return status;
}

clrnn_status clr_stream_begins(clrnn_graph_stream *stream)
{
    clrnn_graph_plan *plan = stream->plan;
    size_t at = 0;
    if (!has_begins(plan->graph))
        return CLRNN_OK;
    clrnn_status status = clr_buffer_zero(plan->context, plan->arena, 0,
                                          (plan->arena_count ? plan->arena_count : 1) * plan->real);
    if (status == CLRNN_OK)
        status = clr_plan_begin(plan, plan->desc.max_steps, plan->desc.max_batch, NULL);
    for (uint32_t i = 0; i < plan->graph->node_count && status == CLRNN_OK; i++) {
        clr_run run = clr_plan_run(plan, i, false);
        status = copy_begins(stream, i, &run, &at);
        if (status == CLRNN_OK && !plan->nodes[i].silent && clr_shape_count(&run.out[0]) > 0)
            status = run.node->kind->forward(&run);
    }
    clrnn_status finished = clrnn_context_finish(plan->context);
    return status == CLRNN_OK ? finished : status;
}
