/* SPDX-License-Identifier: MIT
 * graph/trace.c - see clrnn/graph_plan.h: the recurrent nodes of a graph, for traces. */
#include "base/log.h"
#include "graph/plan.h"

static clrnn_status check_node(const clrnn_graph_plan *plan, uint32_t node)
{
    const clrnn_log *log = &plan->context->log;
    if (!plan->desc.train)
        return clr_fail(log, CLRNN_ERR_ARGUMENT,
                        "graph trace: the plan does not train, so it keeps nothing to trace");
    if (node >= plan->graph->node_count || !plan->graph->nodes[node].kind->pass)
        return clr_fail(log, CLRNN_ERR_ARGUMENT, "graph trace: node %u is not recurrent", node);
    return CLRNN_OK;
}

clrnn_status clrnn_graph_plan_trace(clrnn_graph_plan *plan, uint32_t node, clrnn_plan **own,
                                    clrnn_forward_io *pass)
{
    if (!plan)
        return CLRNN_ERR_ARGUMENT;
    if (!own || !pass)
        return clr_fail(&plan->context->log, CLRNN_ERR_ARGUMENT, "graph trace: %s is NULL",
                        own ? "pass" : "own");
    clrnn_status status = check_node(plan, node);
    if (status == CLRNN_OK && !plan->ran)
        status = clr_fail(&plan->context->log, CLRNN_ERR_ARGUMENT,
                          "graph trace: there was no forward pass before it");
    if (status != CLRNN_OK)
        return status;
    const clr_run run = clr_plan_run(plan, node, false);
    *pass = run.node->kind->pass(&run, own);
    return CLRNN_OK;
}

clrnn_status clrnn_graph_plan_state_gradients(clrnn_graph_plan *plan, uint32_t node, clrnn_slice dh,
                                              clrnn_slice dc)
{
    if (!plan)
        return CLRNN_ERR_ARGUMENT;
    clrnn_status status = check_node(plan, node);
    if (status != CLRNN_OK)
        return status;
    plan->nodes[node].traced[0] = dh;
    plan->nodes[node].traced[1] = dc;
    return CLRNN_OK;
}
