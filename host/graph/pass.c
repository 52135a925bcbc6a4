/* SPDX-License-Identifier: MIT
 * graph/pass.c - one pass through a graph: shapes and lengths, then node by node, forward and
 * back. */
#include <string.h>

#include "base/log.h"
#include "device/buffer.h"
#include "device/context.h"
#include "graph/empty.h"
#include "graph/infer.h"
#include "graph/plan.h"

/* --- before ---------------------------------------------------------------------------------- */

static clrnn_status check_sizes(const clrnn_graph_plan *plan, uint32_t steps, uint32_t batch,
                                const uint32_t *lengths)
{
    const clrnn_log *log = &plan->context->log;
    if (steps == 0 || steps > plan->desc.max_steps)
        return clr_fail(log, CLRNN_ERR_RANGE, "graph: %u steps are not in 1..%u", steps,
                        plan->desc.max_steps);
    if (batch == 0 || batch > plan->desc.max_batch)
        return clr_fail(log, CLRNN_ERR_RANGE, "graph: %u rows are not in 1..%u", batch,
                        plan->desc.max_batch);
    for (uint32_t n = 0; lengths && n < batch; n++)
        if (lengths[n] > steps)
            return clr_fail(log, CLRNN_ERR_RANGE, "graph: lengths[%u] is %u, more than %u steps", n,
                            lengths[n], steps);
    return CLRNN_OK;
}

/* Lengths of every rule; rule 0 is those that were given. A node's rule stands on one before it. */
static void apply_rules(clrnn_graph_plan *plan, const uint32_t *lengths)
{
    const size_t stride = plan->desc.max_batch;
    for (uint32_t n = 0; n < plan->batch; n++)
        plan->lengths[n] = lengths ? lengths[n] : plan->steps;
    for (uint32_t i = 1; i <= plan->graph->node_count; i++) {
        const clr_length_rule *rule = &plan->rules[i];
        for (uint32_t n = 0; n < plan->batch && rule->stride; n++)
            plan->lengths[i * stride + n] =
                (uint32_t)clr_length_apply(rule, plan->lengths[rule->parent * stride + n]);
    }
}

/* Shapes of this T and N, if those of the last pass are others. */
static clrnn_status take_shapes(clrnn_graph_plan *plan, uint32_t steps, uint32_t batch)
{
    const clrnn_graph *g = plan->graph;
    if (plan->steps == steps && plan->batch == batch)
        return CLRNN_OK;
    plan->steps = plan->batch = 0;
    clrnn_status status =
        clr_infer_all(g, &plan->context->log, steps, batch, plan->shapes, plan->rules);
    for (uint32_t v = 0; v < g->value_count && status == CLRNN_OK; v++)
        if (clr_shape_count(&plan->shapes[v]) > plan->values[v].count)
            status = clr_fail(&plan->context->log, CLRNN_ERR_RANGE,
                              "graph: '%s' of %u steps of %u rows is larger than that of the "
                              "largest call",
                              g->values[v].name, steps, batch);
    if (status == CLRNN_OK) {
        clr_plan_see(plan);
        plan->steps = steps;
        plan->batch = batch;
    }
    return status;
}

clrnn_status clr_plan_begin(clrnn_graph_plan *plan, uint32_t steps, uint32_t batch,
                            const uint32_t *lengths)
{
    const clrnn_graph *g = plan->graph;
    clrnn_status status = check_sizes(plan, steps, batch, lengths);
    plan->ran = plan->empty = false;
    if (status == CLRNN_OK)
        status = take_shapes(plan, steps, batch);
    if (status != CLRNN_OK)
        return status;
    plan->ragged = lengths || clr_infer_empties(g, plan->shapes);
    if (!plan->ragged)
        return CLRNN_OK;
    apply_rules(plan, lengths);
    return clr_buffer_write_async(
        plan->context, plan->lengths_buffer, 0,
        ((size_t)g->node_count + 1) * plan->desc.max_batch * sizeof(cl_int), plan->lengths);
}

/* --- nodes, forward and back ------------------------------------------------------------------ */

/* Whether it makes nothing, of a T that nodes before have made 0. */
static bool is_empty(const clr_run *run)
{
    return clr_shape_count(&run->out[0]) == 0;
}

/* Of nothing that is made nothing comes back. */
static clrnn_status zeros_back(clrnn_graph_plan *plan, const clr_run *run)
{
    clrnn_status status = CLRNN_OK;
    for (uint32_t i = 0; i < run->node->input_count && status == CLRNN_OK; i++)
        if (run->dx[i].buffer)
            status =
                clr_buffer_zero(plan->context, run->dx[i].buffer, run->dx[i].offset * plan->real,
                                clr_shape_count(&run->in[i]) * plan->real);
    return status;
}

clrnn_status clr_plan_forward(clrnn_graph_plan *plan)
{
    clrnn_status status = clr_plan_begin_states(plan);
    bool all = true;
    for (uint32_t i = 0; i < plan->graph->node_count && status == CLRNN_OK; i++) {
        if (plan->nodes[i].silent || clr_plan_follows(plan, i))
            continue;
        clr_run run = clr_plan_run(plan, i, false);
        if (clr_plan_leads(plan, i))
            status = clr_plan_lead(plan, i, &all);
        else if (is_empty(&run))
            all = false;
        else
            status = run.node->kind->forward(&run);
    }
    plan->packed = status == CLRNN_OK && all;
    plan->ran = status == CLRNN_OK;
    return status;
}

/* gradient += what a node wrote beside it. */
static clrnn_status add_gradient(clrnn_graph_plan *plan, clr_run *run, uint32_t input)
{
    const clr_value_place *v = &plan->values[run->node->inputs[input]];
    const size_t count = clr_shape_count(&run->in[input]);
    const map_launch l = {.rank = 1,
                          .size = {count},
                          .out_at = v->gradient,
                          .out_stride = {1},
                          .at = {v->gradient, run->dx[input].offset},
                          .stride = {{1}, {1}},
                          .combine = COMBINE_ADD};
    const cl_mem in[MAP_INPUTS] = {plan->arena, run->dx[input].buffer, NULL};
    return clr_map(&plan->tools.maps, &l, plan->arena, in, 1, 0);
}

/* A gradient that nobody wrote is 0. */
static clrnn_status complete_dy(clrnn_graph_plan *plan, const clr_node *node)
{
    clrnn_status status = CLRNN_OK;
    clr_value_place *v = &plan->values[node->first_value];
    if (!v->written && v->has_gradient) {
        status = clr_buffer_zero(plan->context, plan->arena, v->gradient * plan->real,
                                 v->count * plan->real);
        v->written = true;
    }
    return status;
}

static clrnn_status node_back(clrnn_graph_plan *plan, uint32_t i)
{
    const clr_node *node = &plan->graph->nodes[i];
    clrnn_status status = complete_dy(plan, node);
    clr_run run = clr_plan_run(plan, i, true);
    if (status == CLRNN_OK)
        status = is_empty(&run) ? zeros_back(plan, &run) : node->kind->backward(&run);
    for (uint32_t k = 0; k < node->input_count && status == CLRNN_OK; k++) {
        if (!run.dx[k].buffer)
            continue;
        if (run.in[k].lengths != run.out[0].lengths ||
            node->kind->crosses) /* dy is 0 past others */
            status = clr_plan_mask(plan, node->inputs[k], run.dx[k].offset);
        if (status == CLRNN_OK && plan->nodes[i].dx[k] != CLR_NOWHERE)
            status = add_gradient(plan, &run, k);
        plan->values[node->inputs[k]].written = true;
    }
    return status;
}

void clr_plan_back_begin(clrnn_graph_plan *plan)
{
    for (uint32_t v = 0; v < plan->graph->value_count; v++)
        plan->values[v].written = false;
}

static clrnn_status given_gradients(clrnn_graph_plan *plan, const clrnn_graph_gradients *given)
{
    clrnn_status status = CLRNN_OK;
    for (uint32_t i = 0; i < given->output_count && status == CLRNN_OK; i++) {
        const uint32_t v = clr_plan_output(plan, given->outputs[i].name);
        if (v == CLR_NO_VALUE || !given->outputs[i].data)
            return v == CLR_NO_VALUE
                       ? CLRNN_ERR_ARGUMENT
                       : clr_fail(&plan->context->log, CLRNN_ERR_ARGUMENT,
                                  "graph: the gradient of '%s' is NULL", given->outputs[i].name);
        if (!plan->values[v].has_gradient)
            continue;
        if (plan->values[v].written)
            return clr_fail(&plan->context->log, CLRNN_ERR_ARGUMENT,
                            "graph: output '%s' is a value whose gradient is given already",
                            given->outputs[i].name);
        status = clr_plan_write(plan, v, plan->values[v].gradient, given->outputs[i].data);
        plan->values[v].written = true;
    }
    return status;
}

/* Outputs of which the loss does not depend have the gradient 0. */
static clrnn_status complete_outputs(clrnn_graph_plan *plan)
{
    clrnn_status status = CLRNN_OK;
    for (uint32_t v = 0; v < plan->graph->value_count && status == CLRNN_OK; v++) {
        clr_value_place *p = &plan->values[v];
        if (p->is_output && p->has_gradient && !p->written) {
            status = clr_buffer_zero(plan->context, plan->arena, p->gradient * plan->real,
                                     p->count * plan->real);
            p->written = true;
        }
    }
    return status;
}

clrnn_status clr_plan_back(clrnn_graph_plan *plan)
{
    clrnn_status status = complete_outputs(plan);
    if (status == CLRNN_OK)
        status =
            clr_buffer_zero(plan->context, plan->gradient, 0, plan->graph->elements * plan->real);
    for (uint32_t i = plan->graph->node_count; i-- > 0 && status == CLRNN_OK;)
        if (plan->nodes[i].back)
            status = node_back(plan, i);
    return status;
}

static clrnn_status end_gradients(clrnn_graph_plan *plan, const clrnn_graph_gradients *given)
{
    clrnn_status status = CLRNN_OK;
    for (uint32_t i = 0; i < given->input_count && status == CLRNN_OK; i++) {
        const uint32_t v = clr_plan_gradient_input(plan, &given->inputs[i]);
        if (v == CLR_NO_VALUE)
            return CLRNN_ERR_ARGUMENT;
        if (plan->values[v].written)
            status = clr_plan_read(plan, v, plan->values[v].gradient, given->inputs[i].data);
        else /* no output depends on it */
            memset(given->inputs[i].data, 0, clr_shape_count(&plan->shapes[v]) * plan->real);
    }
    if (status == CLRNN_OK && given->parameters)
        status = clr_buffer_read_async(plan->context, plan->gradient, 0,
                                       plan->graph->elements * plan->real, given->parameters);
    return status;
}

clrnn_status clrnn_graph_plan_backward(clrnn_graph_plan *plan,
                                       const clrnn_graph_gradients *gradients)
{
    if (!plan)
        return CLRNN_ERR_ARGUMENT;
    if (!gradients || !plan->desc.train || (!plan->ran && !plan->empty))
        return clr_fail(&plan->context->log, CLRNN_ERR_ARGUMENT, "graph backward: %s",
                        !gradients         ? "gradients is NULL"
                        : plan->desc.train ? "there was no forward pass"
                                           : "the plan does not train");
    if ((gradients->output_count && !gradients->outputs) ||
        (gradients->input_count && !gradients->inputs))
        return clr_fail(&plan->context->log, CLRNN_ERR_ARGUMENT,
                        "graph backward: a count without an array");
    if (plan->empty)
        return clr_graph_empty_backward(plan, gradients);
    clr_plan_back_begin(plan);
    clrnn_status status = given_gradients(plan, gradients);
    if (status == CLRNN_OK)
        status = clr_plan_back(plan);
    if (status == CLRNN_OK)
        status = end_gradients(plan, gradients);
    clrnn_status finished = clrnn_context_finish(plan->context);
    return status == CLRNN_OK ? finished : status;
}

/* --- whole passes ----------------------------------------------------------------------------- */

static clrnn_status check_io(const clrnn_graph_plan *plan, const clrnn_graph_io *io)
{
    if (!io)
        return clr_fail(&plan->context->log, CLRNN_ERR_ARGUMENT, "graph forward: io is NULL");
    if ((io->input_count && !io->inputs) || (io->output_count && !io->outputs))
        return clr_fail(&plan->context->log, CLRNN_ERR_ARGUMENT,
                        "graph forward: a count without an array");
    for (uint32_t i = 0; i < io->output_count; i++)
        if (clr_plan_output(plan, io->outputs[i].name) == CLR_NO_VALUE)
            return CLRNN_ERR_ARGUMENT;
    return CLRNN_OK;
}

clrnn_status clrnn_graph_plan_forward(clrnn_graph_plan *plan, const clrnn_graph_io *io)
{
    if (!plan)
        return CLRNN_ERR_ARGUMENT;
    clrnn_status status = check_io(plan, io);
    if (status != CLRNN_OK)
        return status;
    if (clr_graph_is_empty(io->steps, io->batch))
        return clr_graph_empty_forward(plan, io);
    plan->dropout_seed = io->dropout_seed;
    plan->dropout_index = io->dropout_index;
    status = clr_plan_begin(plan, io->steps ? io->steps : plan->desc.max_steps,
                            io->batch ? io->batch : plan->desc.max_batch, io->lengths);
    if (status == CLRNN_OK)
        status = clr_plan_inputs(plan, io->inputs, io->input_count);
    if (status == CLRNN_OK)
        status = clr_plan_forward(plan);
    if (status == CLRNN_OK)
        status = clr_plan_outputs(plan, io->outputs, io->output_count);
    clrnn_status finished = clrnn_context_finish(plan->context);
    return status == CLRNN_OK ? finished : status;
}

clrnn_status clrnn_graph_plan_shape(clrnn_graph_plan *plan, const char *name, uint32_t steps,
                                    uint32_t batch, uint32_t *rank, uint64_t shape[CLRNN_MOST_AXES])
{
    if (!plan)
        return CLRNN_ERR_ARGUMENT;
    if (!name || !rank || !shape)
        return clr_fail(&plan->context->log, CLRNN_ERR_ARGUMENT,
                        "clrnn_graph_plan_shape: %s is NULL",
                        !name   ? "name"
                        : !rank ? "rank"
                                : "shape");
    clrnn_status status = clr_plan_begin(plan, steps ? steps : plan->desc.max_steps,
                                         batch ? batch : plan->desc.max_batch, NULL);
    uint32_t v = CLR_NO_VALUE;
    for (uint32_t i = 0; i < plan->graph->input_count; i++)
        if (strcmp(plan->graph->values[plan->graph->inputs[i]].name, name) == 0)
            v = plan->graph->inputs[i];
    if (status == CLRNN_OK && v == CLR_NO_VALUE)
        v = clr_plan_output(plan, name);
    if (status != CLRNN_OK || v == CLR_NO_VALUE)
        return status == CLRNN_OK ? CLRNN_ERR_ARGUMENT : status;
    *rank = plan->shapes[v].rank;
    memcpy(shape, plan->shapes[v].size, sizeof plan->shapes[v].size);
    return CLRNN_OK;
}
