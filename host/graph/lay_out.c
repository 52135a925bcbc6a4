/* SPDX-License-Identifier: MIT
 * graph/lay_out.c - which values have gradients, and where everything lies in the arena: what is
 * not needed at the same time shares its memory. */
#include <stdlib.h>

#include "base/memory.h"
#include "device/context.h"
#include "graph/infer.h"
#include "graph/items.h"
#include "graph/plan.h"

/* --- gradients ------------------------------------------------------------------------------- */

static bool trains(const clrnn_graph *g, const clr_node *node)
{
    for (uint32_t i = 0; i < node->parameters; i++)
        if (g->parameters[node->first_parameter + i].info.trainable)
            return true;
    return false;
}

/* What depends on a parameter, or on an input whose gradient is wanted. */
static void mark_differentiable(clrnn_graph_plan *plan)
{
    const clrnn_graph *g = plan->graph;
    for (uint32_t i = 0; i < g->input_count; i++)
        plan->values[g->inputs[i]].differentiable =
            plan->desc.input_gradients && !g->values[g->inputs[i]].shape.ids;
    for (uint32_t i = 0; i < g->node_count; i++) {
        const clr_node *node = &g->nodes[i];
        bool any = trains(g, node);
        for (uint32_t k = 0; k < node->input_count; k++)
            any = any || (clr_node_differentiates(node, k) &&
                          plan->values[node->inputs[k]].differentiable);
        for (uint32_t k = 0; k < node->outputs; k++)
            plan->values[node->first_value + k].differentiable =
                any && !g->values[node->first_value + k].shape.ids;
    }
}

static bool has_gradient(const clrnn_graph_plan *plan, const clr_node *node)
{
    bool any = false;
    for (uint32_t k = 0; k < node->outputs; k++)
        any = any || plan->values[node->first_value + k].has_gradient;
    return any;
}

static void mark_wanted(clrnn_graph_plan *plan)
{
    const clrnn_graph *g = plan->graph;
    for (uint32_t i = 0; i < g->input_count; i++)
        plan->values[g->inputs[i]].wanted = true;
    for (uint32_t i = 0; i < g->node_count; i++) {
        plan->values[g->nodes[i].first_value].wanted = true;
        for (uint32_t k = 0; k < g->nodes[i].input_count; k++)
            if (g->nodes[i].inputs[k] != CLR_NO_VALUE)
                plan->values[g->nodes[i].inputs[k]].wanted = true;
    }
    for (uint32_t i = 0; i < g->output_count; i++) {
        plan->values[g->outputs[i].value].wanted = true;
        plan->values[g->outputs[i].value].is_output = true;
    }
    for (uint32_t i = 0; i < plan->kept_count; i++)
        if (plan->kept[i] != CLR_NO_VALUE)
            plan->values[plan->kept[i]].wanted = plan->values[plan->kept[i]].is_output = true;
}

clrnn_status clr_plan_differentiate(clrnn_graph_plan *plan)
{
    const clrnn_graph *g = plan->graph;
    mark_wanted(plan);
    if (!plan->desc.train)
        return CLRNN_OK;
    mark_differentiable(plan);
    for (uint32_t i = 0; i < g->value_count; i++)
        plan->values[i].has_gradient = plan->values[i].is_output && plan->values[i].differentiable;
    for (uint32_t i = g->node_count; i-- > 0;) {
        const clr_node *node = &g->nodes[i];
        plan->nodes[i].back = has_gradient(plan, node);
        if (!plan->nodes[i].back)
            continue;
        if (!node->kind->backward)
            return clr_node_fail(&plan->context->log, &node->desc, CLRNN_ERR_ARGUMENT,
                                 "it runs forward only, so a plan that trains cannot have it "
                                 "between a parameter and an output");
        for (uint32_t k = 0; k < node->input_count; k++)
            if (clr_node_differentiates(node, k) && plan->values[node->inputs[k]].differentiable)
                plan->values[node->inputs[k]].has_gradient = true;
    }
    return CLRNN_OK;
}

/* --- the arena ---------------------------------------------------------------------------------
 * Moments: 0 inputs are there, i + 1 node i runs, n + 1 outputs are read, n + 2 gradients are
 * there, 2n + 2 - i node i goes back. */

static uint32_t max(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

/* last[v]: one more than the last node that reads a value, or what is that value seen in another
 * way; 0: none does. */
static void find_last(const clrnn_graph_plan *plan, const clr_node *node, uint32_t i,
                      uint32_t *last)
{
    for (uint32_t k = 0; k < node->input_count; k++) {
        const uint32_t v = node->inputs[k];
        if (v == CLR_NO_VALUE)
            continue;
        last[v] = i + 1;
        if (plan->values[v].of != CLR_NO_VALUE)
            last[plan->values[v].of] = i + 1;
    }
}

/* From when and until when a value is needed. */
static bool add_values(clrnn_graph_plan *plan, clr_items *list)
{
    const clrnn_graph *g = plan->graph;
    const uint32_t n = g->node_count, end = 2 * n + 3;
    uint32_t *lasts = clr_calloc(g->value_count, sizeof *lasts);
    for (uint32_t i = 0; i < n && lasts; i++) {
        find_last(plan, &g->nodes[i], i, lasts);
        find_last(plan, &plan->nodes[i].node, i, lasts);
    }
    for (uint32_t v = 0; v < g->value_count && lasts; v++) {
        clr_value_place *place = &plan->values[v];
        const uint32_t made = place->maker == CLR_NO_VALUE ? 0 : place->maker + 1;
        uint32_t last = max(made, lasts[v]);
        const uint32_t last_reader = lasts[v] ? last : 0;
        if (place->is_output)
            last = n + 1;
        if (plan->desc.train)
            last = end - made;
        place->count = clr_shape_count(&plan->shapes[v]);
        const bool lies = place->wanted && place->of == CLR_NO_VALUE;
        clr_items_add(list, &place->value, lies ? place->count : 0, made, last);
        const uint32_t begun = place->is_output ? n + 2 : end - last_reader;
        clr_items_add(list, &place->gradient, place->has_gradient ? place->count : 0, begun,
                      end - made);
        if (place->count == 0) /* nothing, but somewhere */
            place->value = place->gradient = 0;
    }
    free(lasts);
    return lasts != NULL;
}

/* Gradients of inputs of which a node is not the first to write: going back, the last one is. */
static void add_sums(clrnn_graph_plan *plan, clr_items *list)
{
    const clrnn_graph *g = plan->graph;
    clr_plan_back_begin(plan);
    for (uint32_t i = g->node_count; i-- > 0;) {
        const uint32_t back = 2 * g->node_count + 2 - i;
        for (uint32_t k = 0; k < CLRNN_MOST_INPUTS; k++) {
            const uint32_t v = k < g->nodes[i].input_count ? g->nodes[i].inputs[k] : CLR_NO_VALUE;
            clr_value_place *place = v == CLR_NO_VALUE ? NULL : &plan->values[v];
            const bool writes = place && place->has_gradient && plan->nodes[i].back &&
                                clr_node_differentiates(&g->nodes[i], k);
            const bool adds = writes && (place->is_output || place->written);
            clr_items_add(list, &plan->nodes[i].dx[k], adds ? place->count : 0, back, back);
            if (writes)
                place->written = true;
        }
    }
}

static void add_nodes(clrnn_graph_plan *plan, clr_items *list)
{
    const clrnn_graph *g = plan->graph;
    const uint32_t end = 2 * g->node_count + 3;
    for (uint32_t i = 0; i < g->node_count; i++) {
        clr_node_place *place = &plan->nodes[i];
        const clr_run run = clr_plan_run(plan, i, false);
        clr_node_memory m = {0};
        if (run.node->kind->memory && !place->silent)
            run.node->kind->memory(&run, &m);
        const uint32_t back = end - (i + 1);
        clr_items_add(list, &place->kept, plan->desc.train ? m.kept : 0, i + 1, back);
        clr_items_add(list, &place->forward, m.forward, i + 1, i + 1);
        const size_t rows = clr_plan_shared_rows(plan, i);
        for (uint32_t k = 0; k < 2; k++)
            clr_items_add(list, &place->rows[k], rows * clr_plan_row(&run, k), i + 1, i + 1);
        clr_items_add(list, &place->backward, place->back ? m.backward : 0, back, back);
        place->lasting = plan->lasting_count;
        plan->lasting_count += (m.lasting + 15) / 16 * 16;
    }
}

/* Whether a node has a state: in a stream, or one that goes on along T from pass to pass. */
static bool keeps_state(const clrnn_graph_plan *plan, const clr_node *node)
{
    if (plan->carries)
        return node->kind->carries && plan->shapes[node->inputs[0]].steps != CLR_NO_AXIS;
    return plan->stream && node->kind->state;
}

/* States, one after the other. */
static void add_states(clrnn_graph_plan *plan)
{
    const clrnn_graph *g = plan->graph;
    for (uint32_t i = 0; i < g->node_count; i++) {
        const clr_node *node = &g->nodes[i];
        clr_node_place *place = &plan->nodes[i];
        const clr_infer infer = clr_infer_known(g, node, &plan->context->log, plan->shapes);
        place->part_count = keeps_state(plan, node) ? node->kind->state(&infer, place->parts) : 0;
        for (uint32_t k = 0; k < place->part_count; k++) {
            place->state[k] = plan->state_count;
            const size_t count =
                place->parts[k].outer * plan->desc.max_batch * place->parts[k].inner;
            plan->state_count += (count + 15) / 16 * 16;
        }
    }
}

clrnn_status clr_plan_lay_out(clrnn_graph_plan *plan)
{
    const clrnn_graph *g = plan->graph;
    const size_t room =
        2 * (size_t)g->value_count + (size_t)g->node_count * (5 + CLRNN_MOST_INPUTS);
    clr_items list = {0};
    clrnn_status status =
        clr_items_make(&list, room) && add_values(plan, &list) ? CLRNN_OK : CLRNN_ERR_MEMORY;
    if (status == CLRNN_OK) {
        add_nodes(plan, &list);
        add_sums(plan, &list);
        add_states(plan);
        status = clr_items_place(&list, 2 * g->node_count + 4, &plan->arena_count);
    }
    clr_items_free(&list);
    return status == CLRNN_OK ? CLRNN_OK
           : status == CLRNN_ERR_MEMORY
               ? clr_fail(&plan->context->log, status, "graph plan: out of memory")
               : clr_fail(&plan->context->log, status,
                          "graph plan: %u steps of %u rows are more than memory can address",
                          plan->desc.max_steps, plan->desc.max_batch);
}
