/* SPDX-License-Identifier: MIT
 * ours.c - clrnn for ours.py: a few functions with plain arguments, so that Python need not know
 * the structures of the public headers. One thread. Shapes: clrnn/plan.h. */
#include <clrnn/clrnn.h>
#include <stdio.h>

static char reason[1024] = "no reason given"; /* of the last failure */

static void hear(void *user, clrnn_log_level level, const char *text)
{
    (void)user;
    (void)level;
    snprintf(reason, sizeof reason, "%s", text);
}

static const clrnn_log ears = {.level = CLRNN_LOG_ERROR, .message = hear};

const char *ours_reason(void)
{
    return reason;
}

/* NULL after an error, like ours_plan. */
clrnn_context *ours_context(const char *selector)
{
    clrnn_context *context;
    clrnn_context_create(&(clrnn_context_desc){.device = selector, .log = ears}, &context);
    return context;
}

const char *ours_device(const clrnn_context *context)
{
    return clrnn_context_device(context)->name;
}

const char *ours_platform(const clrnn_context *context)
{
    return clrnn_context_device(context)->platform;
}

const char *ours_driver(const clrnn_context *context)
{
    return clrnn_context_device(context)->driver;
}

int ours_is_cpu(const clrnn_context *context)
{
    return clrnn_context_device(context)->type & CL_DEVICE_TYPE_CPU ? 1 : 0;
}

void ours_close_context(clrnn_context *context)
{
    clrnn_context_destroy(&context);
}

/* A plan with its weights: count elements in the canonical layout. */
clrnn_plan *ours_plan(clrnn_context *context, const char *text, const float *weights, size_t count)
{
    clrnn_problem p;
    clrnn_plan *plan = NULL;
    if (clrnn_problem_parse(text, &ears, &p))
        return NULL;
    clrnn_plan_desc desc = {.network = p.network,
                            .max_steps = p.steps,
                            .max_batch = p.batch,
                            .train = p.train,
                            .strategy = p.strategy,
                            .gemm = p.gemm};
    if (clrnn_plan_create(context, &desc, &plan))
        return NULL;
    if (clrnn_plan_get_info(plan)->weight_count != count)
        snprintf(reason, sizeof reason, "%zu weights given, not %zu", count,
                 clrnn_plan_get_info(plan)->weight_count);
    else if (clrnn_plan_set_weights_host(plan, weights) == CLRNN_OK)
        return plan;
    clrnn_plan_destroy(&plan);
    return NULL;
}

const char *ours_strategy(const clrnn_plan *plan)
{
    return clrnn_plan_get_info(plan)->strategy;
}

const char *ours_gemm(const clrnn_plan *plan)
{
    return clrnn_plan_get_info(plan)->gemm;
}

void ours_close_plan(clrnn_plan *plan)
{
    clrnn_plan_destroy(&plan);
}

/* Forward; with dy also backward. cn is NULL but for LSTM. Returns 0, or not after an error. */
int ours_run(clrnn_plan *plan, const float *x, float *y, float *hn, float *cn, const float *dy,
             float *dx, float *dweights)
{
    clrnn_host_io io = {
        .x = x, .y = y, .hn = hn, .cn = cn, .dy = dy, .dx = dx, .dweights = dweights};
    clrnn_status status = clrnn_forward_host(plan, &io);
    if (status == CLRNN_OK && dy)
        status = clrnn_backward_host(plan, &io);
    return (int)status;
}

/* A stream of blocks of a plan that infers, from states of zeros. NULL after an error. */
clrnn_stream *ours_stream(clrnn_plan *plan)
{
    clrnn_stream *stream;
    clrnn_stream_create(plan, &stream);
    return stream;
}

/* Returns 0, or not after an error. */
int ours_stream_run(clrnn_stream *stream, const float *x, uint32_t steps, float *y)
{
    return (int)clrnn_stream_process(stream, x, steps, y);
}

void ours_close_stream(clrnn_stream *stream)
{
    clrnn_stream_destroy(&stream);
}
