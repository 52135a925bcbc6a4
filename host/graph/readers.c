/* SPDX-License-Identifier: MIT
 * graph/readers.c - who reads a value of a plan, and nodes that have nothing left to do. */
#include "graph/plan.h"

uint32_t clr_plan_only_reader(const clrnn_graph_plan *plan, uint32_t v)
{
    uint32_t reader = CLR_NO_VALUE, count = 0;
    for (uint32_t i = 0; i < plan->graph->node_count; i++)
        for (uint32_t k = 0; k < plan->nodes[i].node.input_count; k++)
            if (plan->nodes[i].node.inputs[k] == v) {
                reader = i;
                count++;
            }
    return count == 1 && !plan->values[v].is_output ? reader : CLR_NO_VALUE;
}

void clr_plan_leave_out(clrnn_graph_plan *plan, uint32_t i)
{
    clr_node_place *place = &plan->nodes[i];
    plan->values[place->node.first_value].wanted = false;
    place->node.input_count = 0;
    place->silent = place->taken = true;
}

void clr_plan_leave_constants(clrnn_graph_plan *plan)
{
    for (uint32_t i = 0; i < plan->graph->node_count; i++) {
        const clr_node *node = &plan->nodes[i].node;
        bool read =
            node->desc.kind != CLRNN_NODE_CONSTANT || plan->values[node->first_value].is_output;
        for (uint32_t j = i + 1; j < plan->graph->node_count && !read; j++)
            for (uint32_t k = 0; k < plan->nodes[j].node.input_count; k++)
                read = read || plan->nodes[j].node.inputs[k] == node->first_value;
        if (!read)
            clr_plan_leave_out(plan, i);
    }
}
