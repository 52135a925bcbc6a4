/* SPDX-License-Identifier: MIT
 * train/graph_carry.c - states of a graph's nodes from batch to batch. */
#include <string.h>

#include "base/log.h"
#include "train/learner_graph.h"

clrnn_status clr_graph_make_plan(const clrnn_trainer *trainer, clrnn_graph *graph,
                                 const clrnn_graph_plan_desc *desc, clrnn_graph_plan **plan)
{
    const clr_graph_learner *learner = trainer->graph;
    uint32_t kept[CLRNN_MOST_LOSSES];
    for (uint32_t i = 0; i < learner->loss_count; i++)
        kept[i] = learner->heads[i].value;
    return clr_graph_plan_keep(trainer->context, graph, desc, kept, learner->loss_count,
                               trainer->desc.carry_state, plan);
}

/* Whether a recurrent node has more rows than a batch: N times something, in one axis. */
static bool has_other_rows(const clrnn_graph_plan *plan, uint32_t node)
{
    const clr_node *n = &plan->graph->nodes[node];
    const clr_state_part *h = &plan->nodes[node].parts[0];
    return n->desc.kind == CLRNN_NODE_RECURRENT && plan->nodes[node].part_count &&
           clr_shape_count(&plan->shapes[n->first_value + 1]) >
               h->outer * h->inner * plan->desc.max_batch;
}

clrnn_status clr_graph_check_carry(const clrnn_trainer *trainer)
{
    const clrnn_graph_plan *plan = trainer->graph->plan;
    const clrnn_log *log = &trainer->context->log;
    if (!trainer->desc.carry_state)
        return CLRNN_OK;
    if (plan->state_count == 0)
        return clr_fail(log, CLRNN_ERR_ARGUMENT,
                        "trainer: carry_state is set, but no node has a state along T to carry");
    for (uint32_t i = 0; i < plan->graph->node_count; i++)
        if (has_other_rows(plan, i))
            return clr_node_fail(log, &plan->graph->nodes[i].desc, CLRNN_ERR_ARGUMENT,
                                 "carry_state is set, but its rows are more than those of a batch");
    return CLRNN_OK;
}

static clr_stream *stream_of(clrnn_trainer *trainer, const clrnn_graph_plan *plan)
{
    return plan == trainer->graph->plan ? &trainer->training : &trainer->evaluation;
}

clrnn_status clr_graph_begin_states(clrnn_trainer *trainer, clrnn_graph_plan *plan, uint32_t batch,
                                    bool reset)
{
    plan->begun = !reset && stream_of(trainer, plan)->started;
    if (!trainer->desc.carry_state || batch == plan->desc.max_batch)
        return CLRNN_OK;
    return clr_fail(&trainer->context->log, CLRNN_ERR_RANGE,
                    "batch: batch is %u, with carry_state it must be max_batch, %u", batch,
                    plan->desc.max_batch);
}

clrnn_status clr_graph_carry(clrnn_trainer *trainer)
{
    if (trainer->desc.carry_state) {
        clr_plan_carry(trainer->graph->plan);
        trainer->training.started = true;
    }
    return CLRNN_OK;
}

void clr_graph_states(clrnn_trainer *trainer, clr_saved_array states[CLR_STATES])
{
    clrnn_graph_plan *plan = trainer->graph->plan;
    states[0] =
        (clr_saved_array){"state.nodes", &plan->state, 1, {plan->state_count}, plan->state_count};
}
