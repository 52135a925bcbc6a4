/* SPDX-License-Identifier: MIT
 * train/graph_pass.c - a batch of a graph: forward, its losses and the caller's own, and back. */
#include <clrnn/trace.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "device/buffer.h"
#include "train/learner_graph.h"
#include "train/options.h"

/* --- a batch -------------------------------------------------------------------------------- */

static clrnn_status adapt(clrnn_trainer *trainer, clrnn_graph_plan *plan, const clrnn_batch *batch,
                          clr_adapted *adapted)
{
    clr_graph_learner *learner = trainer->graph;
    if (trainer->objective_count != 1)
        return clr_fail(&trainer->context->log, CLRNN_ERR_ARGUMENT,
                        "batch: one of sequences is for one loss, but there are %u: use "
                        "clrnn_graph_trainer_step and the like",
                        trainer->objective_count);
    clrnn_status status = clr_adapt_input(plan, batch, &learner->staging, adapted);
    return status == CLRNN_OK
               ? clr_adapt_targets(plan, learner->heads[0].value, batch, &learner->staging, adapted)
               : status;
}

/* Begin a pass of the plan and make the batch one of a graph: `adapted` is memory for it. */
static clrnn_status begin(clrnn_trainer *trainer, clrnn_graph_plan *plan, clr_any_batch any,
                          clr_adapted *adapted, const clrnn_graph_batch **batch)
{
    const clrnn_batch *s = any.sequences;
    const uint32_t T = s ? s->steps : any.graph->steps, N = s ? s->batch : any.graph->batch;
    const uint32_t *lengths = s ? s->lengths : any.graph->lengths;
    clrnn_status status =
        clr_plan_begin(plan, T ? T : plan->desc.max_steps, N ? N : plan->desc.max_batch, lengths);
    if (status == CLRNN_OK && s)
        status = adapt(trainer, plan, s, adapted);
    if (status == CLRNN_OK)
        status =
            clr_graph_begin_states(trainer, plan, plan->batch, s ? s->reset : any.graph->reset);
    *batch = s ? &adapted->batch : any.graph;
    if (status == CLRNN_OK && (*batch)->target_count != trainer->objective_count)
        status = clr_fail(&trainer->context->log, CLRNN_ERR_ARGUMENT,
                          "batch: there are %u targets, but %u losses", (*batch)->target_count,
                          trainer->objective_count);
    if (status == CLRNN_OK && (((*batch)->target_count && !(*batch)->targets) ||
                               ((*batch)->input_count && !(*batch)->inputs)))
        status =
            clr_fail(&trainer->context->log, CLRNN_ERR_ARGUMENT, "batch: a count without an array");
    return status;
}

/* --- targets -------------------------------------------------------------------------------- */

/* The element of a value at which row i has class k. */
static size_t element_of(const clr_rows *rows, size_t i, size_t k)
{
    return (i / rows->inner * rows->O + k) * rows->inner + i % rows->inner;
}

static clrnn_status stage_classes(clrnn_trainer *trainer, const clrnn_graph_plan *plan, uint32_t i,
                                  const clr_rows *rows, const int32_t *targets, int32_t *staged)
{
    const clr_objective *o = &trainer->objectives[i];
    const uint32_t value = trainer->graph->heads[i].value;
    const bool classes = !clr_loss_has_values(o->kind);
    for (size_t row = 0; row < rows->outer * rows->inner; row++) {
        const int32_t target = targets ? targets[row] : 0;
        const bool counts = target >= 0 && (o->kind == CLRNN_LOSS_CTC || /* of a sequence */
                                            clr_plan_within(plan, value, element_of(rows, row, 0)));
        if (counts && classes && (size_t)target >= rows->O)
            return clr_fail(&trainer->context->log, CLRNN_ERR_RANGE,
                            "batch: target %zu of loss %u is %d, must be less than %zu", row, i,
                            (int)target, rows->O);
        staged[row] = counts ? target : -1;
    }
    return CLRNN_OK;
}

/* values: [outer,O,inner]; staged: out [rows,O] */
static void stage_values(const clr_rows *rows, size_t element, const void *values, void *staged)
{
    const size_t count = rows->outer * rows->inner;
    if (rows->inner == 1) {
        memcpy(staged, values, count * rows->O * element);
        return;
    }
    for (size_t row = 0; row < count; row++)
        for (size_t k = 0; k < rows->O; k++)
            memcpy((char *)staged + (row * rows->O + k) * element,
                   (const char *)values + element_of(rows, row, k) * element, element);
}

/* Rows of a value; T and N of one that is [T,N,O]. */
static clr_batch_rows batch_rows(const clrnn_graph_plan *plan, uint32_t value)
{
    const clr_shape *s = &plan->shapes[value];
    const bool ragged = plan->ragged && s->lengths != CLR_ALL_STEPS;
    const clr_rows rows = clr_rows_of(plan, value);
    clr_batch_rows all = {.count = rows.outer * rows.inner, .inner = rows.inner};
    if (s->rank == 3 && s->steps == 0 && s->batch == 1) {
        all.T = (uint32_t)s->size[0];
        all.N = (uint32_t)s->size[1];
        all.lengths = ragged ? plan->lengths + s->lengths * (size_t)plan->desc.max_batch : NULL;
    }
    return all;
}

/* What loss i is told, on its way to the device, and what of it counts. */
static clrnn_status stage(clrnn_trainer *trainer, const clrnn_graph_plan *plan, uint32_t i,
                          const clrnn_graph_target *target, clr_counted *counted)
{
    clrnn_context *context = trainer->context;
    clr_objective *o = &trainer->objectives[i];
    const clr_rows rows = clr_rows_of(plan, trainer->graph->heads[i].value);
    const size_t count = rows.outer * rows.inner, real = trainer->real;
    const bool has_values = clr_loss_has_values(o->kind);
    const size_t width = clr_loss_values(o->kind, rows.O);
    const clr_rows told = {rows.outer, width, rows.inner};
    const clr_batch_rows all = batch_rows(plan, trainer->graph->heads[i].value);
    void *values = NULL, *classes = NULL;
    *counted = (clr_counted){0};
    if (has_values ? !target->values : !target->classes)
        return clr_fail(&context->log, CLRNN_ERR_ARGUMENT, "batch: loss %u (%s) needs `%s`", i,
                        clr_loss_name(o->kind), has_values ? "values" : "classes");
    if (count == 0)
        return CLRNN_OK;
    clrnn_status status = CLRNN_OK;
    if (has_values)
        status = clr_uploads_take(context, &trainer->uploads, count * width * real, &values);
    if (status == CLRNN_OK && has_values) {
        stage_values(&told, real, target->values, values);
        status = clr_uploads_send(context, &trainer->uploads, count * width * real, o->values);
    }
    if (status == CLRNN_OK)
        status = clr_uploads_take(context, &trainer->uploads, count * sizeof(cl_int), &classes);
    if (status == CLRNN_OK)
        status = stage_classes(trainer, plan, i, &rows, target->classes, classes);
    if (status != CLRNN_OK)
        return status;
    /* Of the caller's array: memory that was sent may be that of the classes by now. */
    *counted = clr_objective_count(trainer, o, target->values, classes, &all);
    status = clr_objective_paths(trainer, o, classes, &all);
    if (status == CLRNN_OK)
        status = clr_uploads_send(context, &trainer->uploads, count * sizeof(cl_int), o->targets);
    return status == CLRNN_OK ? clr_objective_send_paths(trainer, o, &all) : status;
}

/* --- losses --------------------------------------------------------------------------------- */

/* Between an output's place in the arena, [outer,O,inner], and [rows,O]. */
static map_launch launch_of(const clr_rows *rows, bool to_rows)
{
    const size_t O = rows->O, inner = rows->inner;
    map_launch l = {.rank = 3, .size = {rows->outer, inner, O}};
    const cl_ulong plain[3] = {inner * O, O, 1}, there[3] = {O * inner, 1, inner};
    memcpy(l.out_stride, to_rows ? plain : there, sizeof plain);
    memcpy(l.stride[0], to_rows ? there : plain, sizeof plain);
    memcpy(l.stride[1], there, sizeof there); /* what is added to */
    return l;
}

/* Loss i of what the plan has computed; scale: of its gradient, 0 = it is not wanted. */
static clrnn_status run_loss(clrnn_trainer *trainer, clrnn_graph_plan *plan, uint32_t i,
                             const clr_counted *counted, double scale)
{
    clr_graph_head *head = &trainer->graph->heads[i];
    const clr_rows rows = clr_rows_of(plan, head->value);
    const size_t count = rows.outer * rows.inner;
    const cl_mem in[MAP_INPUTS] = {plan->arena, NULL, NULL};
    map_launch l = launch_of(&rows, true);
    l.at[0] = plan->values[head->value].value;
    if (count == 0)
        return clr_buffer_zero(trainer->context, trainer->sums ? trainer->sums : trainer->sum,
                               i * trainer->real, trainer->real);
    const clr_batch_rows all = batch_rows(plan, head->value);
    clrnn_status status = clr_map(&plan->tools.maps, &l, head->logits, in, 1, 0);
    if (status == CLRNN_OK)
        status = clr_objective_run(trainer, &trainer->objectives[i], head->logits, &all, counted,
                                   scale, scale > 0 ? head->dlogits : NULL);
    return status == CLRNN_OK ? clr_objective_sum(trainer, i, count) : status;
}

/* The gradient of an output (+)= what is at `from`. */
static clrnn_status put_gradient(clrnn_graph_plan *plan, uint32_t value, map_launch *l, cl_mem from)
{
    clr_value_place *place = &plan->values[value];
    const cl_mem in[MAP_INPUTS] = {from, place->written ? plan->arena : NULL, NULL};
    l->out_at = place->gradient;
    l->at[1] = place->gradient;
    l->combine = place->written ? COMBINE_ADD : COMBINE_FIRST;
    place->written = true;
    return clr_map(&plan->tools.maps, l, plan->arena, in, 1, 0);
}

/* --- the caller's own ----------------------------------------------------------------------- */

static clrnn_status read_outputs(clrnn_trainer *trainer, clrnn_graph_plan *plan)
{
    clrnn_status status = CLRNN_OK;
    for (uint32_t i = 0; i < trainer->graph->own_count && status == CLRNN_OK; i++) {
        clr_graph_own *own = &trainer->graph->own[i];
        status = clr_plan_read(plan, own->value, plan->values[own->value].value, own->data);
    }
    clrnn_status finished = clrnn_context_finish(trainer->context);
    return status == CLRNN_OK ? finished : status;
}

static clrnn_status run_own(clrnn_trainer *trainer, clrnn_graph_plan *plan,
                            const clrnn_graph_batch *batch, bool gradients, double *loss)
{
    clr_graph_learner *learner = trainer->graph;
    clrnn_graph_view views[CLRNN_MOST_INPUTS];
    if (!trainer->has_own)
        return CLRNN_OK;
    clrnn_status status = read_outputs(trainer, plan);
    for (uint32_t i = 0; i < learner->own_count; i++) {
        clr_graph_own *own = &learner->own[i];
        const clr_shape *shape = &plan->shapes[own->value];
        views[i] = (clrnn_graph_view){.name = own->name,
                                      .data = own->data,
                                      .gradient = gradients ? own->gradient : NULL,
                                      .rank = shape->rank};
        memcpy(views[i].shape, shape->size, sizeof views[i].shape);
        memset(own->gradient, 0, clr_shape_count(shape) * plan->real);
    }
    if (status == CLRNN_OK)
        status = learner->own_loss(learner->own_user, batch, views, learner->own_count, loss);
    return status;
}

static clrnn_status put_own(clrnn_trainer *trainer, clrnn_graph_plan *plan)
{
    clrnn_status status = CLRNN_OK;
    for (uint32_t i = 0; i < trainer->graph->own_count && status == CLRNN_OK; i++) {
        clr_graph_own *own = &trainer->graph->own[i];
        const size_t count = clr_shape_count(&plan->shapes[own->value]);
        map_launch l = {.rank = 1, .size = {count}, .out_stride = {1}, .stride = {{1}, {1}}};
        if (count == 0)
            continue;
        status =
            clr_buffer_write(trainer->context, own->device, 0, count * plan->real, own->gradient);
        if (status == CLRNN_OK)
            status = put_gradient(plan, own->value, &l, own->device);
        if (status == CLRNN_OK)
            status = clr_plan_mask(plan, own->value, plan->values[own->value].gradient);
    }
    return status;
}

/* --- passes --------------------------------------------------------------------------------- */

/* Targets, inputs, and all nodes. */
static clrnn_status forward(clrnn_trainer *trainer, clrnn_graph_plan *plan,
                            const clrnn_graph_batch *batch, bool trains, clr_tally *tally)
{
    clrnn_status status = CLRNN_OK;
    for (uint32_t i = 0; i < trainer->objective_count && status == CLRNN_OK; i++)
        status = stage(trainer, plan, i, &batch->targets[i], &tally->each[i]);
    if (status == CLRNN_OK && trains)
        status = clr_trainer_counts(trainer, tally);
    plan->dropout_seed = trainer->desc.seed;
    plan->dropout_index = (uint32_t)trainer->steps_done;
    if (status == CLRNN_OK)
        status = clr_plan_inputs(plan, batch->inputs, batch->input_count);
    if (status == CLRNN_OK)
        status = clr_plan_forward(plan);
    for (uint32_t i = 0; i < trainer->objective_count && status == CLRNN_OK; i++) {
        const double weight = tally->each[i].weight;
        const bool wanted = trains && weight > 0;
        status = run_loss(trainer, plan, i, &tally->each[i],
                          wanted ? trainer->objectives[i].factor / weight : 0);
    }
    if (status == CLRNN_OK)
        status = run_own(trainer, plan, batch, trains, &tally->own);
    return status;
}

static clrnn_status backward(clrnn_trainer *trainer, clrnn_graph_plan *plan, const clr_tally *tally)
{
    clrnn_status status = CLRNN_OK;
    clr_plan_back_begin(plan);
    for (uint32_t i = 0; i < trainer->objective_count && status == CLRNN_OK; i++) {
        const clr_graph_head *head = &trainer->graph->heads[i];
        const clr_rows rows = clr_rows_of(plan, head->value);
        map_launch l = launch_of(&rows, false);
        if (tally->each[i].weight > 0)
            status = put_gradient(plan, head->value, &l, head->dlogits);
    }
    if (status == CLRNN_OK)
        status = put_own(trainer, plan);
    return status == CLRNN_OK ? clr_plan_back(plan) : status;
}

clrnn_status clr_graph_differentiate(clrnn_trainer *trainer, clr_any_batch any, clr_tally *tally)
{
    clrnn_graph_plan *plan = trainer->graph->plan;
    const clrnn_graph_batch *batch = NULL;
    clr_adapted adapted;
    clrnn_status status = begin(trainer, plan, any, &adapted, &batch);
    if (status == CLRNN_OK)
        status = forward(trainer, plan, batch, true, tally);
    if (status == CLRNN_OK)
        status = backward(trainer, plan, tally);
    clrnn_status finished = clrnn_context_finish(trainer->context);
    return status == CLRNN_OK ? finished : status;
}

void clr_graph_fault(clrnn_trainer *trainer, char text[CLR_FAULT_TEXT])
{
    clrnn_graph_plan *plan = trainer->graph->plan;
    for (uint32_t i = 0; i < plan->graph->node_count && !*text; i++) {
        const clrnn_node_desc *node = &plan->graph->nodes[i].desc;
        clrnn_plan *own = NULL;
        clrnn_forward_io io;
        clrnn_trace_fault fault = {.found = false};
        const clrnn_trace_pass traced = {.forward = &io};
        if (node->kind != CLRNN_NODE_RECURRENT ||
            clrnn_graph_plan_trace(plan, i, &own, &io) != CLRNN_OK ||
            clrnn_trace_watch(own, &traced, &fault) != CLRNN_OK || !fault.found)
            continue;
        const int used = snprintf(text, CLR_FAULT_TEXT, "node '%.60s', ", node->name);
        (void)clrnn_trace_fault_text(own, &fault, text + used, CLR_FAULT_TEXT - (size_t)used);
    }
}

/* The plan that evaluates, with the parameters of now. */
static clrnn_status ready(clrnn_trainer *trainer)
{
    clr_graph_learner *learner = trainer->graph;
    clrnn_graph_plan_desc desc = learner->plan->desc;
    clrnn_status status = CLRNN_OK;
    desc.train = false;
    if (!learner->evaluation)
        status = clr_graph_make_plan(trainer, learner->plan->graph, &desc, &learner->evaluation);
    if (status != CLRNN_OK || learner->evaluated == learner->version)
        return status;
    void *now = clr_calloc(trainer->count + (size_t)1, trainer->real);
    status = now ? clrnn_graph_plan_get_parameters(learner->plan, now)
                 : clr_fail(&trainer->context->log, CLRNN_ERR_MEMORY, "trainer: out of memory");
    if (status == CLRNN_OK)
        status = clrnn_graph_plan_set_parameters(learner->evaluation, now);
    free(now);
    learner->evaluated = status == CLRNN_OK ? learner->version : 0;
    return status;
}

clrnn_status clr_graph_evaluate(clrnn_trainer *trainer, clr_any_batch any, clr_tally *tally)
{
    const clrnn_graph_batch *batch = NULL;
    clr_adapted adapted;
    clrnn_status status = ready(trainer);
    if (status == CLRNN_OK)
        status = begin(trainer, trainer->graph->evaluation, any, &adapted, &batch);
    if (status == CLRNN_OK)
        status = forward(trainer, trainer->graph->evaluation, batch, false, tally);
    if (status == CLRNN_OK && trainer->desc.carry_state) {
        clr_plan_carry(trainer->graph->evaluation);
        trainer->evaluation.started = true;
    }
    clrnn_status finished = clrnn_context_finish(trainer->context);
    return status == CLRNN_OK ? finished : status;
}
