/* SPDX-License-Identifier: MIT
 * ours.c - clrnn for ours.py: a few functions with plain arguments, so that Python need not know
 * the structures of the public headers. One thread. Shapes: clrnn/plan.h. */
#include <clrnn/clrnn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

/* --- whole models ----------------------------------------------------------------------------- */

enum { MOST = 32 };

typedef struct ours_model {
    clrnn_graph *graph;
    clrnn_graph_plan *plan;
    clrnn_tensors *values;
    clrnn_graph_source in[MOST];
    clrnn_graph_sink out[MOST];
    uint32_t ins, outs, steps, batch; /* T and N, of a graph that has them */
    char strategies[128];
} ours_model;

void ours_close_model(ours_model *m)
{
    if (!m)
        return;
    clrnn_graph_plan_destroy(&m->plan);
    clrnn_graph_destroy(&m->graph);
    clrnn_tensors_destroy(&m->values);
    free(m);
}

/* What the recurrent nodes run as, each strategy once. */
static void note_strategies(ours_model *m)
{
    for (uint32_t i = 0; i < clrnn_graph_nodes(m->graph); i++) {
        const clrnn_plan_info *info = clrnn_graph_plan_node_info(m->plan, i);
        const size_t used = strlen(m->strategies);
        if (info && !strstr(m->strategies, info->strategy) && used < sizeof m->strategies)
            snprintf(m->strategies + used, sizeof m->strategies - used, "%s%s", used ? "+" : "",
                     info->strategy);
    }
}

/* T and N, from the inputs' shapes. */
static void take_sizes(ours_model *m, const clrnn_import_input *inputs, uint32_t count)
{
    clrnn_value_info info;
    m->steps = m->batch = 1;
    for (uint32_t i = 0; clrnn_graph_input_at(m->graph, i, &info); i++)
        for (uint32_t k = 0; k < count; k++)
            for (uint32_t a = 0; strcmp(inputs[k].name, info.name) == 0 && a < info.rank; a++)
                if (info.shape[a] == CLRNN_STEPS)
                    m->steps = (uint32_t)inputs[k].shape[a];
                else if (info.shape[a] == CLRNN_BATCH)
                    m->batch = (uint32_t)inputs[k].shape[a];
}

/* A file of a model for inputs of these shapes: ranks [count], sizes one after the other; of whole
 * numbers (whole [count]) the values, int64. NULL after an error. */
ours_model *ours_open_model(clrnn_context *context, const char *path, uint32_t count,
                            const char *const *names, const uint32_t *ranks, const uint64_t *sizes,
                            const void *const *whole)
{
    clrnn_import_input inputs[MOST] = {{0}};
    clrnn_import_desc desc = {.inputs = inputs, .input_count = count};
    ours_model *m = count <= MOST ? calloc(1, sizeof *m) : NULL;
    clrnn_status status = m ? clrnn_tensors_create(&ears, &m->values) : CLRNN_ERR_MEMORY;
    for (uint32_t i = 0; i < count && !status; sizes += ranks[i++]) {
        inputs[i] = (clrnn_import_input){.name = names[i], .has_shape = true, .rank = ranks[i]};
        for (uint32_t k = 0; k < ranks[i]; k++)
            inputs[i].shape[k] = (int64_t)sizes[k];
        if (whole[i])
            status =
                clrnn_tensors_add(m->values, names[i], CLRNN_DTYPE_I64, ranks[i], sizes, whole[i]);
        if (whole[i] && !status)
            inputs[i].value = clrnn_tensors_find(m->values, names[i]);
    }
    if (!status)
        status = clrnn_graph_import(path, &desc, &ears, &m->graph);
    if (!status) {
        take_sizes(m, inputs, count);
        const clrnn_graph_plan_desc how = {.max_steps = m->steps, .max_batch = m->batch};
        status = clrnn_graph_plan_create(context, m->graph, &how, &m->plan);
    }
    if (!status) {
        note_strategies(m);
        return m;
    }
    ours_close_model(m);
    return NULL;
}

const char *ours_model_strategies(const ours_model *m)
{
    return m->strategies;
}

/* Input or output i: its name, or NULL; its shape. whole: int32, else float. */
const char *ours_model_value(ours_model *m, int output, uint32_t i, uint32_t *rank, uint64_t *shape,
                             int *whole)
{
    clrnn_value_info info;
    if (!(output ? clrnn_graph_output_at(m->graph, i, &info)
                 : clrnn_graph_input_at(m->graph, i, &info)))
        return NULL;
    *whole = info.ids;
    return clrnn_graph_plan_shape(m->plan, info.name, m->steps, m->batch, rank, shape) ? NULL
                                                                                       : info.name;
}

/* Where input or output i lies, as long as the model runs. */
void ours_model_array(ours_model *m, int output, uint32_t i, const char *name, void *data)
{
    if (output && i < MOST) {
        m->out[i] = (clrnn_graph_sink){name, data};
        m->outs = i + 1;
    } else if (i < MOST) {
        m->in[i] = (clrnn_graph_source){name, data};
        m->ins = i + 1;
    }
}

/* Returns 0, or not after an error. */
int ours_run_model(ours_model *m)
{
    const clrnn_graph_io io = {
        .inputs = m->in, .outputs = m->out, .input_count = m->ins, .output_count = m->outs};
    return (int)clrnn_graph_plan_forward(m->plan, &io);
}
