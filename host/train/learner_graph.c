/* SPDX-License-Identifier: MIT
 * train/learner_graph.c - a graph as what learns: making its trainer. */
#include "train/learner_graph.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "device/buffer.h"
#include "train/options.h"

static const clrnn_log *log_of(const clrnn_trainer *trainer)
{
    return &trainer->context->log;
}

/* --- options -------------------------------------------------------------------------------- */

static clrnn_status check_desc(const clrnn_trainer *trainer, const clrnn_graph_trainer_desc *d)
{
    const clrnn_trainer_desc *t = &d->training;
    const bool given = d->loss_count || d->own_loss;
    const char *wrong = NULL;
    if (d->loss_count > CLRNN_MOST_LOSSES || (d->loss_count && !d->losses))
        return clr_fail(log_of(trainer), CLRNN_ERR_ARGUMENT, "trainer: %u losses, %s",
                        d->loss_count, d->losses ? "more than there may be" : "but losses is NULL");
    if (t->dropout != 0 || t->input_dropout != 0 || t->variational)
        wrong = "dropout, input_dropout or variational is set; a graph has nodes for it";
    else if (given && (t->loss || t->huber_delta != 0 || t->missing || t->class_weights ||
                       t->pre_emphasis != 0 || t->dc_weight != 0))
        wrong = "losses are given, so the loss in `training` must be zero";
    else if (!d->own_loss != !d->own_output_count || (d->own_output_count && !d->own_outputs))
        wrong = "own_loss and own_outputs belong together";
    else if (d->own_output_count > CLRNN_MOST_INPUTS)
        wrong = "own_output_count is more than there may be";
    return wrong ? clr_fail(log_of(trainer), CLRNN_ERR_ARGUMENT, "trainer: %s", wrong) : CLRNN_OK;
}

/* What is checked as a trainer's options are; the graph's T and N may be none. */
static clrnn_status check_options(clrnn_trainer *trainer, const clrnn_graph *graph,
                                  const clrnn_trainer_desc *given)
{
    clrnn_trainer_desc d = *given;
    bool steps = false, batch = false;
    for (uint32_t i = 0; i < graph->input_count; i++) {
        const clr_shape *s = &graph->values[graph->inputs[i]].shape;
        steps = steps || s->steps != CLR_NO_AXIS;
        batch = batch || s->batch != CLR_NO_AXIS;
    }
    d.max_steps = steps ? d.max_steps : 1;
    d.max_batch = batch ? d.max_batch : 1;
    return clr_options_check(&d, log_of(trainer), &trainer->desc);
}

/* --- losses --------------------------------------------------------------------------------- */

/* Outputs by their names, NULL for the first; CLR_NO_VALUE (logged): there is none. */
static uint32_t value_of(const clrnn_trainer *trainer, const clrnn_graph *graph, const char *name)
{
    for (uint32_t i = 0; i < graph->output_count; i++)
        if (!name || strcmp(graph->outputs[i].name, name) == 0)
            return graph->outputs[i].value;
    clr_log(log_of(trainer), CLRNN_LOG_ERROR, "trainer: there is no output '%s'", name ? name : "");
    return CLR_NO_VALUE;
}

static clrnn_status check_gradient(const clrnn_graph_plan *plan, uint32_t value, const char *name)
{
    return plan->values[value].has_gradient
               ? CLRNN_OK
               : clr_fail(&plan->context->log, CLRNN_ERR_ARGUMENT,
                          "trainer: output '%s' depends on no parameter",
                          name ? name : plan->graph->outputs[0].name);
}

/* The values that losses take. */
static clrnn_status find_values(clrnn_trainer *trainer, const clrnn_graph *graph)
{
    clr_graph_learner *learner = trainer->graph;
    for (uint32_t i = 0; i < learner->loss_count; i++) {
        const clrnn_graph_loss *loss = &learner->losses[i];
        const uint32_t v = value_of(trainer, graph, loss->output);
        if (v == CLR_NO_VALUE)
            return CLRNN_ERR_ARGUMENT;
        learner->heads[i].value = clr_logits_of(graph, v, loss->loss);
        if (learner->heads[i].value == CLR_NO_VALUE)
            return clr_node_fail(log_of(trainer), &graph->nodes[graph->values[v].node].desc,
                                 CLRNN_ERR_ARGUMENT,
                                 "a binary loss takes logits, but its function is sigmoid: make "
                                 "that a node of its own");
    }
    return CLRNN_OK;
}

static bool takes(clrnn_loss loss, const clr_shape *s)
{
    return loss < CLRNN_LOSS_GAUSSIAN || (s->rank == 3 && s->steps == 0 && s->batch == 1);
}

static clrnn_status open_loss(clrnn_trainer *trainer, uint32_t i, const clrnn_graph_loss *loss)
{
    const clrnn_graph_plan *plan = trainer->graph->plan;
    clr_graph_head *head = &trainer->graph->heads[i];
    clr_objective *o = &trainer->objectives[i];
    const clrnn_trainer_desc check = {.max_steps = 1,
                                      .max_batch = 1,
                                      .loss = loss->loss,
                                      .huber_delta = loss->huber_delta,
                                      .pre_emphasis = loss->pre_emphasis,
                                      .dc_weight = loss->dc_weight,
                                      .missing = loss->missing,
                                      .class_weights = loss->class_weights};
    clrnn_trainer_desc full;
    clrnn_status status = clr_options_check(&check, log_of(trainer), &full);
    if (status == CLRNN_OK)
        status = check_gradient(plan, head->value, loss->output);
    if (status != CLRNN_OK)
        return status;
    const clr_value *value = &plan->graph->values[head->value];
    const clr_rows rows = clr_rows_of(plan, head->value); /* of the largest T and N */
    const size_t bytes = plan->values[head->value].count * plan->real;
    if (!takes(loss->loss, &value->shape))
        return clr_fail(log_of(trainer), CLRNN_ERR_ARGUMENT,
                        "trainer: output '%s' is %s, but the loss %s takes [T,N,O]",
                        loss->output ? loss->output : plan->graph->outputs[0].name,
                        clr_value_text(&value->shape).text, clr_loss_name(loss->loss));
    if (loss->loss == CLRNN_LOSS_CROSS_ENTROPY && clr_class_axis(value) == CLR_NO_AXIS)
        return clr_fail(log_of(trainer), CLRNN_ERR_ARGUMENT,
                        "trainer: output '%s' is %s, which has no axis of classes",
                        loss->output ? loss->output : plan->graph->outputs[0].name,
                        clr_value_text(&value->shape).text);
    if (!(loss->weight >= 0 && loss->weight < INFINITY))
        return clr_fail(log_of(trainer), CLRNN_ERR_ARGUMENT,
                        "trainer: the weight of loss %u is %g, must be in [0,inf)", i,
                        loss->weight);
    *o = (clr_objective){.kind = loss->loss,
                         .huber_delta = full.huber_delta,
                         .pre_emphasis = loss->pre_emphasis,
                         .dc_weight = loss->dc_weight,
                         .batch = plan->desc.max_batch,
                         .missing = loss->missing,
                         .factor = loss->weight == 0 ? 1 : loss->weight,
                         .outputs = rows.O,
                         .rows = plan->values[head->value].count / rows.O};
    trainer->objective_count = i + 1;
    status = clr_buffer_create(trainer->context, bytes, &head->logits);
    if (status == CLRNN_OK)
        status = clr_buffer_create(trainer->context, bytes, &head->dlogits);
    return status == CLRNN_OK ? clr_objective_open(trainer, o, loss->class_weights) : status;
}

static clrnn_status open_losses(clrnn_trainer *trainer)
{
    const clr_graph_learner *learner = trainer->graph;
    clrnn_status status = CLRNN_OK;
    trainer->objectives = clr_calloc(CLRNN_MOST_LOSSES, sizeof *trainer->objectives);
    if (!trainer->objectives)
        return clr_fail(log_of(trainer), CLRNN_ERR_MEMORY, "trainer: no memory");
    for (uint32_t i = 0; i < learner->loss_count && status == CLRNN_OK; i++)
        status = open_loss(trainer, i, &learner->losses[i]);
    return status;
}

/* The losses that were given, or the usual one; only while the trainer is made. */
static void take_losses(clr_graph_learner *learner, const clrnn_graph_trainer_desc *d)
{
    const clrnn_trainer_desc *t = &d->training;
    const bool usual = !d->loss_count && !d->own_loss;
    learner->loss_count = usual ? 1 : d->loss_count;
    for (uint32_t i = 0; i < d->loss_count; i++)
        learner->losses[i] = d->losses[i];
    if (usual)
        learner->losses[0] = (clrnn_graph_loss){.loss = t->loss,
                                                .huber_delta = t->huber_delta,
                                                .pre_emphasis = t->pre_emphasis,
                                                .dc_weight = t->dc_weight,
                                                .missing = t->missing,
                                                .class_weights = t->class_weights};
}

static clrnn_status open_own(clrnn_trainer *trainer, const clrnn_graph_trainer_desc *d)
{
    clr_graph_learner *learner = trainer->graph;
    const clrnn_graph_plan *plan = learner->plan;
    clrnn_status status = CLRNN_OK;
    learner->own_loss = d->own_loss;
    learner->own_user = d->own_user;
    trainer->has_own = d->own_loss != NULL;
    learner->own = clr_calloc(d->own_output_count ? d->own_output_count : 1, sizeof *learner->own);
    if (!learner->own)
        return clr_fail(log_of(trainer), CLRNN_ERR_MEMORY, "trainer: no memory");
    for (uint32_t i = 0; i < d->own_output_count && status == CLRNN_OK; i++) {
        clr_graph_own *own = &learner->own[learner->own_count++];
        own->value = value_of(trainer, plan->graph, d->own_outputs[i]);
        if (own->value == CLR_NO_VALUE)
            return CLRNN_ERR_ARGUMENT;
        status = check_gradient(plan, own->value, d->own_outputs[i]);
        if (status != CLRNN_OK)
            return status;
        for (uint32_t k = 0; k < plan->graph->output_count; k++)
            if (d->own_outputs[i] && strcmp(plan->graph->outputs[k].name, d->own_outputs[i]) == 0)
                own->name = plan->graph->outputs[k].name;
        own->name = own->name ? own->name : plan->graph->outputs[0].name;
        const size_t count = plan->values[own->value].count;
        own->data = clr_calloc(count ? count : 1, plan->real);
        own->gradient = clr_calloc(count ? count : 1, plan->real);
        if (!own->data || !own->gradient)
            return clr_fail(log_of(trainer), CLRNN_ERR_MEMORY, "trainer: no memory for '%s'",
                            own->name);
        status = clr_buffer_create(trainer->context, count * plan->real, &own->device);
    }
    return status;
}

/* --- making one ----------------------------------------------------------------------------- */

/* What no optimiser moves; neighbours as one. */
static clrnn_status list_untrained(clrnn_trainer *trainer, const clrnn_graph *graph)
{
    clr_extents *list = &trainer->untrained.extents;
    list->all = clr_calloc(graph->parameter_count + 1, sizeof *list->all);
    if (!list->all)
        return clr_fail(log_of(trainer), CLRNN_ERR_MEMORY, "trainer: no memory");
    for (size_t i = 0; i < graph->parameter_count; i++) {
        const clrnn_graph_parameter *p = &graph->parameters[i].info;
        struct clr_extent *last = list->count ? &list->all[list->count - 1] : NULL;
        if (p->trainable || p->count == 0)
            continue;
        if (last && last->first + last->count == p->offset)
            last->count += p->count;
        else
            list->all[list->count++] = (struct clr_extent){p->offset, p->count};
    }
    return CLRNN_OK;
}

static clrnn_status open_trainer(clrnn_trainer *trainer, clrnn_graph *graph,
                                 const clrnn_graph_trainer_desc *d)
{
    clr_graph_learner *learner = trainer->graph = clr_calloc(1, sizeof *learner);
    if (!learner)
        return clr_fail(log_of(trainer), CLRNN_ERR_MEMORY, "trainer: no memory");
    clrnn_status status = check_desc(trainer, d);
    if (status == CLRNN_OK)
        status = check_options(trainer, graph, &d->training);
    if (status != CLRNN_OK)
        return status;
    const clrnn_graph_plan_desc plan = {.max_steps = trainer->desc.max_steps,
                                        .max_batch = trainer->desc.max_batch,
                                        .train = true,
                                        .strategy = d->strategy,
                                        .gemm = d->gemm};
    take_losses(learner, d);
    status = find_values(trainer, graph);
    if (status == CLRNN_OK)
        status = clr_graph_make_plan(trainer, graph, &plan, &learner->plan);
    if (status == CLRNN_OK)
        status = clr_graph_check_carry(trainer);
    if (status != CLRNN_OK)
        return status;
    learner->version = 1;
    trainer->parameters = &learner->plan->parameters;
    trainer->gradient = learner->plan->gradient; /* one and the same */
    status = clr_buffer_retain(trainer->context, trainer->gradient);
    if (status != CLRNN_OK)
        trainer->gradient = NULL;
    if (status == CLRNN_OK)
        status = list_untrained(trainer, graph);
    if (status == CLRNN_OK)
        status = open_losses(trainer);
    if (status == CLRNN_OK)
        status = open_own(trainer, d);
    memset(learner->losses, 0, sizeof learner->losses); /* they point to what is the caller's */
    trainer->desc.class_weights = NULL;
    return status == CLRNN_OK ? clr_trainer_open(trainer) : status;
}

clrnn_status clrnn_graph_trainer_create(clrnn_context *context, clrnn_graph *graph,
                                        const clrnn_graph_trainer_desc *desc,
                                        clrnn_trainer **trainer)
{
    if (trainer)
        *trainer = NULL;
    if (!context || !graph || !desc || !trainer)
        return clr_fail(context ? &context->log : NULL, CLRNN_ERR_ARGUMENT,
                        "clrnn_graph_trainer_create: %s is NULL",
                        !context ? "context"
                        : !graph ? "graph"
                        : !desc  ? "desc"
                                 : "trainer");
    if (graph->elements == 0)
        return clr_fail(&context->log, CLRNN_ERR_ARGUMENT, "trainer: the graph has no parameters");
    clrnn_trainer *made = clr_calloc(1, sizeof *made);
    if (!made)
        return clr_fail(&context->log, CLRNN_ERR_MEMORY, "trainer: no memory");
    made->context = context;
    made->learner = &clr_learner_graph;
    made->precision = graph->precision;
    made->real = clr_graph_real(graph);
    made->count = graph->elements;
    clrnn_status status = open_trainer(made, graph, desc);
    if (status != CLRNN_OK)
        clrnn_trainer_destroy(&made);
    *trainer = made;
    return status;
}

static void destroy(clrnn_trainer *trainer)
{
    clr_graph_learner *learner = trainer->graph;
    if (!learner)
        return;
    for (uint32_t i = 0; i < CLRNN_MOST_LOSSES; i++) {
        clr_buffer_destroy(&learner->heads[i].logits);
        clr_buffer_destroy(&learner->heads[i].dlogits);
    }
    for (uint32_t i = 0; i < learner->own_count; i++) {
        clr_buffer_destroy(&learner->own[i].device);
        free(learner->own[i].data);
        free(learner->own[i].gradient);
    }
    free(learner->own);
    clr_graph_staging_free(&learner->staging);
    clrnn_graph_plan_destroy(&learner->evaluation);
    clrnn_graph_plan_destroy(&learner->plan);
    free(learner);
}

/* --- parameters ----------------------------------------------------------------------------- */

static uint64_t version(const clrnn_trainer *trainer)
{
    return trainer->graph->version;
}

static void changed(clrnn_trainer *trainer)
{
    trainer->graph->version++;
    trainer->graph->plan->packed = false;
}

const clr_learner clr_learner_graph = {.noun = "graph",
                                       .differentiate = clr_graph_differentiate,
                                       .carry = clr_graph_carry,
                                       .states = clr_graph_states,
                                       .evaluate = clr_graph_evaluate,
                                       .version = version,
                                       .changed = changed,
                                       .tensors = clr_graph_tensors,
                                       .tensor = clr_graph_tensor,
                                       .save = clr_graph_save,
                                       .load = clr_graph_load,
                                       .fault = clr_graph_fault,
                                       .destroy = destroy};
