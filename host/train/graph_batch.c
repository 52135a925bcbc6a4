/* SPDX-License-Identifier: MIT
 * train/graph_batch.c - see train/graph_batch.h. */
#include "train/graph_batch.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "device/context.h"
#include "train/options.h"

int32_t clr_class_axis(const clr_value *value)
{
    const clr_shape *s = &value->shape;
    for (int32_t axis = (int32_t)s->rank - 1; axis >= 0; axis--)
        if (axis != s->steps && axis != s->batch && s->size[axis] == value->other.size[axis])
            return axis;
    return CLR_NO_AXIS;
}

clr_rows clr_rows_of(const clrnn_graph_plan *plan, uint32_t value)
{
    const clr_shape *s = &plan->shapes[value];
    const int32_t axis = clr_class_axis(&plan->graph->values[value]);
    if (axis == CLR_NO_AXIS)
        return (clr_rows){clr_shape_count(s), 1, 1};
    return (clr_rows){clr_shape_part(s, 0, (uint32_t)axis), (size_t)s->size[axis],
                      clr_shape_stride(s, (uint32_t)axis)};
}

uint32_t clr_logits_of(const clrnn_graph *graph, uint32_t value, clrnn_loss loss)
{
    const clr_value *v = &graph->values[value];
    if (v->node == CLR_NO_VALUE)
        return value;
    const clr_node *node = &graph->nodes[v->node];
    const clrnn_node_desc *d = &node->desc;
    const bool sigmoid = d->function == CLRNN_FN_SIGMOID;
    if (loss == CLRNN_LOSS_BINARY && sigmoid)
        return d->kind == CLRNN_NODE_ACTIVATION ? node->inputs[0] : CLR_NO_VALUE;
    const bool softmax = !clr_loss_has_values(loss) && d->kind == CLRNN_NODE_SOFTMAX &&
                         clr_shape_axis(&v->shape, d->axis) == clr_class_axis(v);
    return softmax ? node->inputs[0] : value;
}

void clr_graph_staging_free(clr_graph_staging *staging)
{
    free(staging->x);
    free(staging->values);
    free(staging->output);
    free(staging->classes);
    *staging = (clr_graph_staging){.x = NULL};
}

/* Room for an array of at least `bytes`. */
static clrnn_status reserve(const clrnn_graph_plan *plan, void **memory, size_t *have, size_t bytes)
{
    if (*memory && bytes <= *have)
        return CLRNN_OK;
    free(*memory);
    *memory = clr_calloc(bytes ? bytes : 1, 1);
    *have = *memory ? bytes : 0;
    return *memory ? CLRNN_OK
                   : clr_fail(&plan->context->log, CLRNN_ERR_MEMORY,
                              "graph: no memory for a batch (%zu bytes)", bytes);
}

/* --- layouts -------------------------------------------------------------------------------- */

/* Elements from one step, sequence, class to the next in a value's layout; 0: it has no such axis,
 * and all share what is there. */
typedef struct strides {
    size_t t, n, k;
    uint32_t T, N;
    size_t K;
} strides;

/* Of a value that is no more than T, N and one axis more. */
static bool strides_of(const clrnn_graph_plan *plan, uint32_t value, strides *out)
{
    const clr_shape *s = &plan->shapes[value];
    const int32_t axis = clr_class_axis(&plan->graph->values[value]);
    const uint32_t known =
        (s->steps != CLR_NO_AXIS) + (s->batch != CLR_NO_AXIS) + (axis != CLR_NO_AXIS);
    *out = (strides){.T = plan->steps, .N = plan->batch, .K = 1};
    if (s->steps != CLR_NO_AXIS)
        out->t = clr_shape_stride(s, (uint32_t)s->steps);
    if (s->batch != CLR_NO_AXIS)
        out->n = clr_shape_stride(s, (uint32_t)s->batch);
    if (axis != CLR_NO_AXIS) {
        out->k = clr_shape_stride(s, (uint32_t)axis);
        out->K = (size_t)s->size[axis];
    }
    return s->rank == known && (s->steps == CLR_NO_AXIS || s->size[s->steps] == plan->steps) &&
           (s->batch != CLR_NO_AXIS || plan->batch == 1);
}

/* Whether it lies as [T,N,K]. */
static bool is_ordered(const strides *s)
{
    return s->t == s->N * s->K && (s->n == s->K || s->N == 1) && (s->k == 1 || s->K == 1);
}

/* Between [T,N,K] and a layout; element: bytes. */
static void reorder(const strides *s, size_t element, const void *from, void *to, bool to_layout)
{
    for (size_t t = 0; t < s->T; t++)
        for (size_t n = 0; n < s->N; n++)
            for (size_t k = 0; k < s->K; k++) {
                const size_t plain = ((t * s->N + n) * s->K + k) * element;
                const size_t there = (t * s->t + n * s->n + k * s->k) * element;
                memcpy((char *)to + (to_layout ? there : plain),
                       (const char *)from + (to_layout ? plain : there), element);
            }
}

/* --- batches -------------------------------------------------------------------------------- */

static clrnn_status not_sequences(const clrnn_graph_plan *plan, const char *what, uint32_t value)
{
    return clr_fail(&plan->context->log, CLRNN_ERR_ARGUMENT,
                    "graph: %s '%s' is %s, which is not T, N and features in some order, of all "
                    "steps: use clrnn_graph_trainer_step and the like",
                    what, plan->graph->values[value].name,
                    clr_value_text(&plan->graph->values[value].shape).text);
}

clrnn_status clr_adapt_input(const clrnn_graph_plan *plan, const clrnn_batch *batch,
                             clr_graph_staging *staging, clr_adapted *adapted)
{
    const clrnn_graph *g = plan->graph;
    const clrnn_log *log = &plan->context->log;
    strides s;
    *adapted = (clr_adapted){.batch = {.steps = batch->steps,
                                       .batch = batch->batch,
                                       .lengths = batch->lengths,
                                       .inputs = &adapted->input,
                                       .targets = &adapted->target,
                                       .input_count = 1,
                                       .target_count = 1}};
    if (g->input_count != 1)
        return clr_fail(log, CLRNN_ERR_ARGUMENT,
                        "graph: a batch of sequences is for one input, but there are %u",
                        g->input_count);
    const uint32_t v = g->inputs[0];
    const bool ids = plan->shapes[v].ids;
    const void *data = ids ? (const void *)batch->ids : batch->x;
    if (!data || (ids ? batch->x != NULL : batch->ids != NULL))
        return clr_fail(log, CLRNN_ERR_ARGUMENT, "graph: this graph takes %s",
                        ids ? "`ids`, and no `x`" : "`x`, and no `ids`");
    if (!strides_of(plan, v, &s) || !s.t)
        return not_sequences(plan, "input", v);
    adapted->input = (clrnn_graph_source){g->values[v].name, data};
    if (is_ordered(&s))
        return CLRNN_OK;
    const size_t element = ids ? sizeof(int32_t) : plan->real;
    clrnn_status status =
        reserve(plan, &staging->x, &staging->x_bytes, clr_shape_count(&plan->shapes[v]) * element);
    if (status != CLRNN_OK)
        return status;
    reorder(&s, element, data, staging->x, true);
    adapted->input.data = staging->x;
    return CLRNN_OK;
}

/* The last step of a sequence that has a target, or T. */
static uint32_t last_target(const clrnn_batch *batch, const strides *s, uint32_t n)
{
    uint32_t t = batch->lengths ? batch->lengths[n] : s->T;
    for (; t > 0; t--)
        if (!batch->targets || batch->targets[(size_t)(t - 1) * s->N + n] >= 0)
            return t - 1;
    return s->T;
}

/* Of an output without T: one target for each sequence. */
static void stage_last(const clrnn_graph_plan *plan, const clrnn_batch *batch, const strides *s,
                       clr_graph_staging *staging)
{
    for (uint32_t n = 0; n < s->N; n++) {
        const uint32_t t = last_target(batch, s, n);
        const size_t row = (size_t)t * s->N + n;
        staging->classes[n] = t == s->T ? -1 : batch->targets ? batch->targets[row] : 0;
        for (size_t k = 0; k < s->K && batch->values && t < s->T; k++)
            memcpy((char *)staging->values + (n * s->n + k * s->k) * plan->real,
                   (const char *)batch->values + (row * s->K + k) * plan->real, plan->real);
    }
}

clrnn_status clr_adapt_targets(const clrnn_graph_plan *plan, uint32_t output,
                               const clrnn_batch *batch, clr_graph_staging *staging,
                               clr_adapted *adapted)
{
    strides s;
    if (!strides_of(plan, output, &s))
        return not_sequences(plan, "output", output);
    adapted->target = (clrnn_graph_target){batch->targets, batch->values};
    if (is_ordered(&s))
        return CLRNN_OK;
    const size_t rows = s.t ? (size_t)s.T * s.N : s.N;
    clrnn_status status =
        reserve(plan, (void **)&staging->classes, &staging->classes_bytes, rows * sizeof(int32_t));
    if (status == CLRNN_OK)
        status = reserve(plan, &staging->values, &staging->values_bytes, rows * s.K * plan->real);
    if (status != CLRNN_OK)
        return status;
    adapted->target.classes = batch->targets || !s.t ? staging->classes : NULL;
    adapted->target.values = batch->values ? staging->values : NULL;
    if (!s.t) {
        stage_last(plan, batch, &s, staging);
        return CLRNN_OK;
    }
    strides classes = s; /* the same without its axis of classes */
    classes.K = classes.k = 1;
    classes.t = s.t < s.n ? 1 : s.N;
    classes.n = s.t < s.n ? s.T : 1;
    if (batch->targets)
        reorder(&classes, sizeof(int32_t), batch->targets, staging->classes, true);
    if (batch->values)
        reorder(&s, plan->real, batch->values, staging->values, true);
    return CLRNN_OK;
}

/* Of probabilities: log p, and log p/(1-p), of which softmax and sigmoid make them. */
static void bring_back(const clrnn_graph_plan *plan, clrnn_loss loss, void *logits, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        float *f = (float *)logits + i;
        double *d = (double *)logits + i;
        double p = plan->real == sizeof(double) ? *d : (double)*f;
        p = p > 1e-300 ? p : 1e-300;
        const double x =
            loss == CLRNN_LOSS_BINARY ? log(p) - log1p(p < 1 ? -p : -1 + 1e-16) : log(p);
        if (plan->real == sizeof(double))
            *d = x;
        else
            *f = (float)x;
    }
}

/* T, N and lengths of a batch through the plan, and the output to `to`. */
static clrnn_status run(clrnn_graph_plan *plan, uint32_t output, const clrnn_batch *batch,
                        clr_graph_staging *staging)
{
    clr_adapted adapted;
    clrnn_status status = clr_adapt_input(plan, batch, staging, &adapted);
    const size_t bytes = clr_shape_count(&plan->shapes[output]) * plan->real;
    if (status == CLRNN_OK)
        status = reserve(plan, &staging->output, &staging->output_bytes, bytes);
    if (status == CLRNN_OK)
        status = clr_plan_inputs(plan, &adapted.input, 1);
    if (status == CLRNN_OK)
        status = clr_plan_forward(plan);
    if (status == CLRNN_OK)
        status = clr_plan_read(plan, output, plan->values[output].value, staging->output);
    clrnn_status finished = clrnn_context_finish(plan->context);
    return status == CLRNN_OK ? finished : status;
}

clrnn_status clr_graph_logits(clrnn_graph_plan *plan, uint32_t output, const clrnn_batch *batch,
                              clrnn_loss loss, clr_graph_staging *staging, void *logits)
{
    strides s;
    clrnn_status status = clr_plan_begin(plan, batch->steps, batch->batch, batch->lengths);
    if (status == CLRNN_OK && !strides_of(plan, output, &s))
        status = not_sequences(plan, "output", output);
    if (status == CLRNN_OK)
        status = run(plan, output, batch, staging);
    if (status != CLRNN_OK)
        return status;
    reorder(&s, plan->real, staging->output, logits, false);
    if (clr_logits_of(plan->graph, output, loss) != output)
        bring_back(plan, loss, logits, (size_t)s.T * s.N * s.K);
    return CLRNN_OK;
}
