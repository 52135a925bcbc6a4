/* SPDX-License-Identifier: MIT
 * graph/fuse.c - what a plan that does not train spares itself. A function is taken by the node
 * that makes what it is taken of. A value that is another one seen in other places (a transpose, a
 * slice, a reshape) is not made where all who read it can read it there.
 *
 * Which kinds can is said by their rows: takes_function, is_function, view, strided. */
#include <stdlib.h>

#include "base/memory.h"
#include "device/context.h"
#include "graph/infer.h"
#include "graph/plan.h"

void clr_plan_take_nodes(clrnn_graph_plan *plan)
{
    const clrnn_graph *g = plan->graph;
    for (uint32_t i = 0; i < g->node_count; i++)
        plan->nodes[i].node = g->nodes[i];
    for (uint32_t v = 0; v < g->value_count; v++) {
        plan->values[v].maker = g->values[v].node;
        plan->values[v].of = CLR_NO_VALUE;
    }
}

/* --- functions ------------------------------------------------------------------------------- */

/* The one node that reads a value, and once; or CLR_NO_VALUE. */
static uint32_t only_reader(const clrnn_graph_plan *plan, uint32_t v)
{
    uint32_t reader = CLR_NO_VALUE, count = 0;
    for (uint32_t i = 0; i < plan->graph->node_count; i++)
        for (uint32_t k = 0; k < plan->nodes[i].node.input_count; k++)
            if (plan->nodes[i].node.inputs[k] == v) {
                reader = i;
                count++;
            }
    return count == 1 ? reader : CLR_NO_VALUE;
}

static void take_function(clrnn_graph_plan *plan, uint32_t i)
{
    clr_node *node = &plan->nodes[i].node;
    const uint32_t made = node->first_value;
    const uint32_t reader = plan->values[made].is_output ? CLR_NO_VALUE : only_reader(plan, made);
    if (!node->kind->takes_function || node->desc.function != CLRNN_FN_IDENTITY ||
        reader == CLR_NO_VALUE || !plan->nodes[reader].node.kind->is_function)
        return;
    const clr_node *taken = &plan->nodes[reader].node;
    node->desc.function = taken->desc.function;
    node->desc.alpha = taken->desc.alpha;
    node->desc.beta = taken->desc.beta;
    node->first_value = taken->first_value;
    plan->values[made].wanted = false;
    plan->values[taken->first_value].maker = i;
    plan->nodes[reader].silent = true;
}

/* --- views ----------------------------------------------------------------------------------- */

/* y of a view, where x[0] lies as *view. */
static bool see_through(const clr_node *node, const clr_shape *shapes, clr_strides *view)
{
    const clr_run run = {
        .node = node, .in = {shapes[node->inputs[0]]}, .out = {shapes[node->first_value]}};
    return node->kind->view(&run, view);
}

/* Whether everybody who reads a value can where it lies like this. */
static bool all_can_read(const clrnn_graph_plan *plan, uint32_t v, const clr_shape *shape,
                         const clr_strides *view)
{
    if (clr_strides_are_flat(view, shape))
        return true;
    for (uint32_t i = 0; i < plan->graph->node_count; i++) {
        const clr_node *node = &plan->nodes[i].node;
        for (uint32_t k = 0; k < node->input_count; k++)
            if (node->inputs[k] == v && !(node->kind->strided >> k & 1))
                return false;
    }
    return true;
}

/* What is past the lengths of y must be 0 in x too. */
static bool same_lengths(const clr_shape *x, const clr_shape *y)
{
    return y->lengths == CLR_ALL_STEPS || y->lengths == x->lengths;
}

static void take_view(clrnn_graph_plan *plan, uint32_t i, const clr_shape *shapes,
                      clr_strides *views)
{
    clr_node_place *place = &plan->nodes[i];
    const clr_node *node = &place->node;
    if (place->silent || !node->kind->view || plan->values[node->first_value].is_output)
        return;
    const uint32_t x = node->inputs[0], y = node->first_value;
    clr_strides view = views[x];
    if (!same_lengths(&shapes[x], &shapes[y]) || !see_through(node, shapes, &view) ||
        !all_can_read(plan, y, &shapes[y], &view))
        return;
    views[y] = view;
    plan->values[y].of = plan->values[x].of == CLR_NO_VALUE ? x : plan->values[x].of;
    place->silent = true;
}

/* As they lie for any T and N: while these are primes that no number is like, or 1 where the plan
 * has no others. */
static void take_views(clrnn_graph_plan *plan, clr_shape *shapes, clr_strides *views,
                       clr_length_rule *rules)
{
    const clrnn_graph *g = plan->graph;
    const clrnn_log silent = {0};
    const uint64_t T = plan->desc.max_steps == 1 ? 1 : CLR_PROBE_STEPS;
    const uint64_t N = plan->desc.max_batch == 1 ? 1 : CLR_PROBE_BATCH;
    if (clr_infer_all(g, &silent, T, N, shapes, rules) != CLRNN_OK)
        return;
    for (uint32_t v = 0; v < g->value_count; v++)
        views[v] = clr_strides_of(&shapes[v]);
    for (uint32_t i = 0; i < g->node_count; i++)
        take_view(plan, i, shapes, views);
}

clrnn_status clr_plan_fuse(clrnn_graph_plan *plan)
{
    const clrnn_graph *g = plan->graph;
    if (plan->desc.train)
        return CLRNN_OK;
    clr_shape *shapes = clr_calloc(g->value_count, sizeof *shapes);
    clr_strides *views = clr_calloc(g->value_count, sizeof *views);
    clr_length_rule *rules = clr_calloc((size_t)g->node_count + 1, sizeof *rules);
    const bool there = shapes && views && rules;
    for (uint32_t i = 0; i < g->node_count && there; i++)
        take_function(plan, i);
    if (there)
        take_views(plan, shapes, views, rules);
    free(shapes);
    free(views);
    free(rules);
    return there ? CLRNN_OK
                 : clr_fail(&plan->context->log, CLRNN_ERR_MEMORY, "graph plan: out of memory");
}

void clr_plan_see(clrnn_graph_plan *plan)
{
    const clrnn_graph *g = plan->graph;
    for (uint32_t v = 0; v < g->value_count; v++)
        plan->strides[v] = clr_strides_of(&plan->shapes[v]);
    for (uint32_t i = 0; i < g->node_count; i++) {
        const clr_node *node = &plan->nodes[i].node;
        if (plan->values[node->first_value].of == CLR_NO_VALUE)
            continue;
        plan->strides[node->first_value] = plan->strides[node->inputs[0]];
        (void)see_through(node, plan->shapes, &plan->strides[node->first_value]);
    }
}
