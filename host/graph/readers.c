/* SPDX-License-Identifier: MIT
 * graph/readers.c - who reads a value of a plan, and nodes that have nothing left to do. */
#include "graph/plan.h"

static void count(clrnn_graph_plan *plan, uint32_t i, bool more)
{
    const clr_node *node = &plan->nodes[i].node;
    for (uint32_t k = 0; k < node->input_count; k++) {
        if (node->inputs[k] == CLR_NO_VALUE)
            continue;
        clr_value_place *value = &plan->values[node->inputs[k]];
        value->readers += more ? 1 : UINT32_MAX;
        value->sum_of_readers += more ? i : -(uint64_t)i;
    }
}

void clr_plan_join_readers(clrnn_graph_plan *plan, uint32_t i)
{
    count(plan, i, true);
}

void clr_plan_leave_readers(clrnn_graph_plan *plan, uint32_t i)
{
    count(plan, i, false);
    plan->nodes[i].node.input_count = 0;
}

uint32_t clr_plan_only_reader(const clrnn_graph_plan *plan, uint32_t v)
{
    const clr_value_place *value = &plan->values[v];
    return value->readers == 1 && !value->is_output ? (uint32_t)value->sum_of_readers
                                                    : CLR_NO_VALUE;
}

void clr_plan_leave_out(clrnn_graph_plan *plan, uint32_t i)
{
    clr_node_place *place = &plan->nodes[i];
    plan->values[place->node.first_value].wanted = false;
    clr_plan_leave_readers(plan, i);
    place->silent = place->taken = true;
}

void clr_plan_leave_constants(clrnn_graph_plan *plan)
{
    for (uint32_t i = 0; i < plan->graph->node_count; i++) {
        const clr_node *node = &plan->nodes[i].node;
        const clr_value_place *value = &plan->values[node->first_value];
        if (node->desc.kind == CLRNN_NODE_CONSTANT && !value->is_output && value->readers == 0)
            clr_plan_leave_out(plan, i);
    }
}
