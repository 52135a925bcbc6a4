/* SPDX-License-Identifier: MIT
 * graph/reference.c - see graph/reference.h. */
#include "graph/reference.h"

#include <stdlib.h>

#include "base/memory.h"
#include "graph/infer.h"
#include "reference/node.h"

static bool allocate(clr_graph_reference *r)
{
    const clrnn_graph *g = r->graph;
    r->shapes = clr_calloc(g->value_count, sizeof *r->shapes);
    r->values = clr_calloc(g->value_count, sizeof *r->values);
    r->gradients = clr_calloc(g->value_count, sizeof *r->gradients);
    r->parameters = clr_calloc(g->elements, sizeof *r->parameters);
    r->gradient = clr_calloc(g->elements, sizeof *r->gradient);
    return r->shapes && r->values && r->gradients && r->parameters && r->gradient;
}

/* lengths: NULL, all of T. */
static bool apply_rules(clr_graph_reference *r, const clr_length_rule *rules,
                        const uint32_t *lengths, uint32_t steps)
{
    r->lengths = clr_calloc(((size_t)r->graph->node_count + 1) * r->batch, sizeof *r->lengths);
    for (uint32_t n = 0; n < r->batch && r->lengths; n++)
        r->lengths[n] = lengths ? lengths[n] : steps;
    for (uint32_t i = 1; i <= r->graph->node_count && r->lengths; i++)
        for (uint32_t n = 0; n < r->batch && rules[i].stride; n++)
            r->lengths[i * (size_t)r->batch + n] = (uint32_t)clr_length_apply(
                &rules[i], r->lengths[rules[i].parent * (size_t)r->batch + n]);
    return r->lengths != NULL;
}

clrnn_status clr_graph_reference_make(const clrnn_graph *graph, uint32_t steps, uint32_t batch,
                                      const uint32_t *lengths, clr_graph_reference *out)
{
    *out = (clr_graph_reference){.graph = graph, .batch = batch};
    clr_length_rule *rules = clr_calloc((size_t)graph->node_count + 1, sizeof *rules);
    clrnn_status status = CLRNN_ERR_MEMORY;
    if (rules && allocate(out))
        status = clr_infer_all(graph, &graph->log, steps, batch, out->shapes, rules);
    for (uint32_t v = 0; v < graph->value_count && status == CLRNN_OK; v++) {
        const size_t count = clr_shape_count(&out->shapes[v]);
        out->values[v] = clr_calloc(count, sizeof(double));
        out->gradients[v] = clr_calloc(count, sizeof(double));
        if (!out->values[v] || !out->gradients[v])
            status = CLRNN_ERR_MEMORY;
    }
    if (status == CLRNN_OK && (lengths || clr_infer_empties(graph, out->shapes)) &&
        !apply_rules(out, rules, lengths, steps))
        status = CLRNN_ERR_MEMORY;
    for (size_t i = 0; i < graph->elements && status == CLRNN_OK; i++)
        out->parameters[i] = clr_graph_get(graph, i);
    free(rules);
    return status;
}

void clr_graph_reference_free(clr_graph_reference *r)
{
    for (uint32_t v = 0; r->graph && v < r->graph->value_count; v++) {
        if (r->values)
            free(r->values[v]);
        if (r->gradients)
            free(r->gradients[v]);
    }
    free(r->shapes);
    free(r->values);
    free(r->gradients);
    free(r->parameters);
    free(r->gradient);
    free(r->lengths);
    *r = (clr_graph_reference){0};
}

static clr_ref_node node_of(const clr_graph_reference *r, const clr_node *node)
{
    const clrnn_graph *g = r->graph;
    const size_t at = node->parameters ? g->parameters[node->first_parameter].info.offset : 0;
    clr_ref_node n = {.desc = &node->desc,
                      .number = node->number,
                      .inputs = node->input_count,
                      .outputs = node->outputs,
                      .parameters = r->parameters + at,
                      .gradient = r->gradient + at,
                      .lengths = r->lengths,
                      .stride = r->batch,
                      .train = r->train,
                      .dropout_seed = r->dropout_seed,
                      .dropout_index = r->dropout_index};
    for (uint32_t i = 0; i < node->input_count; i++) {
        const uint32_t v = node->inputs[i];
        if (v == CLR_NO_VALUE)
            continue;
        n.in[i] = &r->shapes[v];
        n.x[i] = r->values[v];
        n.dx[i] = r->gradients[v];
    }
    for (uint32_t i = 0; i < node->outputs; i++) {
        const uint32_t v = node->first_value + i;
        n.out[i] = &r->shapes[v];
        n.y[i] = r->values[v];
        n.dy[i] = r->gradients[v];
    }
    return n;
}

/* 0 past the lengths. */
static void mask(const clr_graph_reference *r, uint32_t value, double *array)
{
    const clr_ref_node lengths = {.lengths = r->lengths, .stride = r->batch};
    for (size_t i = 0; i < clr_shape_count(&r->shapes[value]); i++)
        if (!clr_ref_live(&lengths, &r->shapes[value], i))
            array[i] = 0;
}

clrnn_status clr_graph_reference_forward(clr_graph_reference *r)
{
    clrnn_status status = CLRNN_OK;
    for (uint32_t i = 0; i < r->graph->input_count; i++)
        mask(r, r->graph->inputs[i], r->values[r->graph->inputs[i]]);
    for (uint32_t i = 0; i < r->graph->node_count && status == CLRNN_OK; i++) {
        const clr_ref_node n = node_of(r, &r->graph->nodes[i]);
        status = clr_ref_forward(&n);
    }
    return status;
}

/* Whether an output depends on what a node makes: from others nothing comes back, not even the NaN
 * that 0 times infinity would be. */
static bool is_read(const clrnn_graph *g, const clr_node *node)
{
    for (uint32_t v = node->first_value; v < node->first_value + node->outputs; v++) {
        for (uint32_t i = 0; i < g->output_count; i++)
            if (g->outputs[i].value == v)
                return true;
        for (uint32_t i = node->number + 1; i < g->node_count; i++)
            for (uint32_t k = 0; k < g->nodes[i].input_count; k++)
                if (g->nodes[i].inputs[k] == v && is_read(g, &g->nodes[i]))
                    return true;
    }
    return false;
}

clrnn_status clr_graph_reference_backward(clr_graph_reference *r)
{
    clrnn_status status = CLRNN_OK;
    for (uint32_t i = r->graph->node_count; i-- > 0 && status == CLRNN_OK;) {
        const clr_node *node = &r->graph->nodes[i];
        const clr_ref_node n = node_of(r, node);
        for (uint32_t v = node->first_value; v < node->first_value + node->outputs; v++)
            mask(r, v, r->gradients[v]);
        status = is_read(r->graph, node) ? clr_ref_backward(&n) : CLRNN_OK;
    }
    for (uint32_t i = 0; i < r->graph->input_count; i++)
        mask(r, r->graph->inputs[i], r->gradients[r->graph->inputs[i]]);
    return status;
}
