/* SPDX-License-Identifier: MIT
 * graph/run.c - a node of a plan in the present pass: where its arrays lie. */
#include "graph/plan.h"

static clrnn_slice at_place(const clrnn_graph_plan *plan, size_t place, bool ids)
{
    if (place == CLR_NOWHERE || !plan->arena)
        return (clrnn_slice){NULL, 0};
    return (clrnn_slice){plan->arena, ids ? place * (plan->real / sizeof(cl_int)) : place};
}

uint32_t clr_plan_twin(const clrnn_graph_plan *plan, uint32_t i)
{
    const clr_node_place *place = &plan->nodes[i];
    const clr_node_place *twin = place->twins ? &plan->nodes[place->twin] : NULL;
    return twin && clr_shape_count(&plan->shapes[twin->node.inputs[0]]) > 0 ? place->twin : i;
}

clr_run clr_plan_run(clrnn_graph_plan *plan, uint32_t index, bool back)
{
    clr_node_place *place = &plan->nodes[index];
    const clr_node *node = &place->node;
    const uint32_t twin = clr_plan_twin(plan, index);
    clr_run run = {.tools = &plan->tools,
                   .node = node,
                   .max_steps = plan->desc.max_steps,
                   .max_batch = plan->desc.max_batch,
                   .kept = at_place(plan, place->kept, false),
                   .scratch = at_place(plan, back ? place->backward : place->forward, false),
                   .lasting = {plan->lasting, plan->nodes[twin].lasting},
                   .parameters = plan->parameters,
                   .gradient = plan->gradient,
                   .at = plan->nodes[twin].at,
                   .train = plan->desc.train,
                   .turned = place->turned,
                   .packed = twin == index ? plan->packed && !place->twins : true,
                   .ragged = plan->ragged,
                   .lengths = plan->lengths,
                   .lengths_stride = plan->desc.max_batch,
                   .dropout_seed = plan->dropout_seed,
                   .dropout_index = plan->dropout_index,
                   .stream = plan->stream,
                   .begun = plan->carries && plan->begun,
                   .own = &place->own};
    for (uint32_t i = 0; i < node->input_count; i++) {
        const uint32_t v = node->inputs[i];
        if (v == CLR_NO_VALUE)
            continue;
        run.in[i] = plan->shapes[v];
        const uint32_t of = plan->values[v].of != CLR_NO_VALUE ? plan->values[v].of : v;
        run.strides[i] = &plan->strides[v];
        run.terms[i] = &plan->terms[v];
        run.x[i] =
            clr_part(at_place(plan, plan->values[of].value, run.in[i].ids), plan->strides[v].begin);
        if (back && plan->values[v].has_gradient && clr_node_differentiates(node, i))
            run.dx[i] = at_place(
                plan, place->dx[i] != CLR_NOWHERE ? place->dx[i] : plan->values[v].gradient, false);
    }
    for (uint32_t i = 0; i < node->outputs; i++) {
        const clr_value_place *v = &plan->values[node->first_value + i];
        run.out[i] = plan->shapes[node->first_value + i];
        run.y[i] = v->wanted ? at_place(plan, v->value, run.out[i].ids) : run.y[i];
        if (back && v->written)
            run.dy[i] = at_place(plan, v->gradient, false);
    }
    for (uint32_t i = 0; i < place->part_count; i++) {
        run.state[i] = (clrnn_slice){plan->state, place->state[i]};
        run.next[i] = (clrnn_slice){plan->next, place->state[i]};
    }
    for (uint32_t i = 0; i < CLR_STATE_PARTS; i++)
        run.traced[i] = place->traced[i];
    return run;
}
