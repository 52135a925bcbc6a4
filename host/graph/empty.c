/* SPDX-License-Identifier: MIT
 * graph/empty.c - see graph/empty.h. */
#include "graph/empty.h"

#include <string.h>

#include "base/log.h"
#include "graph/plan.h"

bool clr_graph_is_empty(uint32_t steps, uint32_t batch)
{
    return steps == CLRNN_NONE || batch == CLRNN_NONE;
}

static clrnn_status take_sizes(clrnn_graph_plan *plan, const clrnn_graph_io *io)
{
    const clrnn_graph_plan_desc *d = &plan->desc;
    const clrnn_log *log = &plan->context->log;
    const uint32_t T = io->steps ? io->steps : d->max_steps;
    const uint32_t N = io->batch ? io->batch : d->max_batch;
    plan->ran = plan->empty = false;
    if (T != CLRNN_NONE && T > d->max_steps)
        return clr_fail(log, CLRNN_ERR_RANGE, "graph: %u steps are not in 1..%u", T, d->max_steps);
    if (N != CLRNN_NONE && N > d->max_batch)
        return clr_fail(log, CLRNN_ERR_RANGE, "graph: %u rows are not in 1..%u", N, d->max_batch);
    for (uint32_t n = 0; io->lengths && N != CLRNN_NONE && n < N; n++)
        if (io->lengths[n])
            return clr_fail(log, CLRNN_ERR_RANGE,
                            "graph: lengths[%u] is %u, but there are no steps", n, io->lengths[n]);
    plan->empty_steps = T == CLRNN_NONE ? 0 : T;
    plan->empty_batch = N == CLRNN_NONE ? 0 : N;
    return CLRNN_OK;
}

/* How many numbers an input or output has in such a pass. */
static size_t count_of(const clrnn_graph_plan *plan, uint32_t value)
{
    const clr_shape *s = &plan->graph->values[value].shape;
    size_t count = 1;
    for (uint32_t i = 0; i < s->rank; i++)
        count *= (int32_t)i == s->steps   ? plan->empty_steps
                 : (int32_t)i == s->batch ? plan->empty_batch
                                          : (size_t)s->size[i];
    return count;
}

clrnn_status clr_graph_empty_forward(clrnn_graph_plan *plan, const clrnn_graph_io *io)
{
    clrnn_status status = take_sizes(plan, io);
    for (uint32_t i = 0; i < io->output_count && status == CLRNN_OK; i++) {
        const uint32_t v = clr_plan_output(plan, io->outputs[i].name);
        if (count_of(plan, v) > 0)
            status = clr_fail(&plan->context->log, CLRNN_ERR_RANGE,
                              "graph: output '%s' has numbers also without %s, which no pass makes",
                              io->outputs[i].name, plan->empty_batch ? "steps" : "rows");
    }
    plan->empty = status == CLRNN_OK;
    return status;
}

clrnn_status clr_graph_empty_backward(clrnn_graph_plan *plan, const clrnn_graph_gradients *given)
{
    for (uint32_t i = 0; i < given->output_count; i++)
        if (clr_plan_output(plan, given->outputs[i].name) == CLR_NO_VALUE)
            return CLRNN_ERR_ARGUMENT;
    for (uint32_t i = 0; i < given->input_count; i++) {
        const uint32_t v = clr_plan_gradient_input(plan, &given->inputs[i]);
        if (v == CLR_NO_VALUE)
            return CLRNN_ERR_ARGUMENT;
        memset(given->inputs[i].data, 0, count_of(plan, v) * plan->real);
    }
    if (given->parameters)
        memset(given->parameters, 0, plan->graph->elements * plan->real);
    return CLRNN_OK;
}
