/* SPDX-License-Identifier: MIT
 * inspect_flow.c - see inspect.h: how far back in time gradients come. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <clrnn/buffer.h>
#include <clrnn/trace.h>

#include "inspect.h"

/* What is needed on the way back. */
typedef struct way {
    clrnn_context *context;
    inspect_model *model;
    uint32_t steps, rows, layer;
    clrnn_slice dh, dc;
    clrnn_value_info out; /* the output, and its axes for these steps and rows */
    uint64_t shape[CLRNN_MOST_AXES];
    size_t count;
} way;

/* Where element k of row n of the last step lies in an output whose axes are T, N and features. */
static size_t place(const clrnn_value_info *out, const uint64_t *shape, size_t t, size_t n,
                    size_t k)
{
    size_t at = 0;
    for (uint32_t i = 0; i < out->rank; i++) {
        const size_t index = out->shape[i] == CLRNN_STEPS   ? t
                             : out->shape[i] == CLRNN_BATCH ? n
                             : i + 1 == out->rank           ? k
                                                            : 0;
        at = at * (size_t)shape[i] + index;
    }
    return at;
}

/* dL_T/dy: of the cross-entropy of `target`, or of a sum with signs that a seed draws. */
static void fill_row(float *dy, const float *y, const clrnn_value_info *out, const uint64_t *shape,
                     size_t t, size_t n, int32_t target)
{
    const size_t width = (size_t)shape[out->rank - 1];
    uint64_t seed = 1 + n;
    double most = -INFINITY, sum = 0;
    for (size_t k = 0; k < width; k++)
        most = fmax(most, y[place(out, shape, t, n, k)]);
    for (size_t k = 0; k < width; k++)
        sum += exp(y[place(out, shape, t, n, k)] - most);
    for (size_t k = 0; k < width; k++) {
        const size_t at = place(out, shape, t, n, k);
        const double sign = tool_random(&seed) < 0.5 ? -1 : 1;
        dy[at] = target < 0 ? (float)sign
                            : (float)(exp(y[at] - most) / sum - ((size_t)target == k ? 1 : 0));
    }
}

/* Before the pass, which this would end. */
static int find_output(way *w)
{
    uint32_t rank = 0;
    (void)clrnn_graph_output_at(w->model->graph, 0, &w->out);
    clrnn_status status =
        clrnn_graph_plan_shape(w->model->plan, w->out.name, w->steps, w->rows, &rank, w->shape);
    w->count = 1;
    for (uint32_t i = 0; i < rank; i++)
        w->count *= (size_t)w->shape[i];
    return status ? tool_failed(status) : TOOL_OK;
}

static int go_back(way *w, const float *y, const int32_t *targets)
{
    inspect_model *m = w->model;
    float *dy = calloc(w->count, sizeof *dy);
    if (!dy)
        return tool_no_memory();
    const bool symbols = targets && w->shape[w->out.rank - 1] >= m->symbols;
    for (uint32_t n = 0; n < w->rows; n++)
        fill_row(dy, y, &w->out, w->shape, w->steps - 1, n, symbols ? targets[n] : -1);
    const clrnn_graph_source source = {w->out.name, dy};
    const clrnn_graph_gradients gradients = {.outputs = &source, .output_count = 1};
    clrnn_status status = clrnn_graph_plan_state_gradients(m->plan, m->node, w->dh, w->dc);
    if (!status)
        status = clrnn_graph_plan_backward(m->plan, &gradients);
    free(dy);
    return status ? tool_failed(status) : TOOL_OK;
}

/* Norms of a step, of the mean row: the root of the mean of their squares. */
static int measure(const way *w, clrnn_traced what, double *norms)
{
    clrnn_plan *plan;
    clrnn_forward_io io;
    clrnn_trace_figures *figures = calloc((size_t)w->steps, sizeof *figures);
    clrnn_status status = clrnn_graph_plan_trace(w->model->plan, w->model->node, &plan, &io);
    const clrnn_trace_pass pass = {.forward = &io, .dh = w->dh, .dc = w->dc};
    const clrnn_trace_select select = {.what = what, .layers = {w->layer, 1}, .directions = {0, 1}};
    if (!figures)
        return tool_no_memory();
    if (!status)
        status = clrnn_trace_measure(plan, &pass, &select, CLRNN_TRACE_STEP, figures);
    for (uint32_t k = 0; k < w->steps && !status; k++)
        norms[k] = figures[w->steps - 1 - k].norm / sqrt(w->rows);
    free(figures);
    return status ? tool_failed(status) : TOOL_OK;
}

static int make_room(way *w)
{
    const inspect_model *m = w->model;
    const size_t rows = (size_t)m->layers * m->directions * w->steps * w->rows * sizeof(float);
    clrnn_status status = clrnn_buffer_create(w->context, rows * m->width, &w->dh.buffer);
    if (!status && m->cell->has_cell_state)
        status = clrnn_buffer_create(w->context, rows * m->network->hidden_size, &w->dc.buffer);
    return status ? tool_failed(status) : TOOL_OK;
}

int inspect_flow_of(clrnn_context *context, inspect_model *model, const int32_t *ids,
                    const float *x, uint32_t steps, uint32_t rows, uint32_t layer,
                    inspect_flow *flow)
{
    way w = {.context = context, .model = model, .steps = steps, .rows = rows, .layer = layer};
    float *y = NULL;
    uint32_t width = 0;
    *flow = (inspect_flow){.steps = steps};
    snprintf(flow->name, sizeof flow->name, "%s", model->cell->name);
    if (layer >= model->layers)
        return tool_error("inspect: --layer %u: the node has %u layers, counted from 0", layer,
                          model->layers);
    flow->dh = calloc(steps, sizeof *flow->dh);
    flow->dc = model->cell->has_cell_state ? calloc(steps, sizeof *flow->dc) : NULL;
    if (!flow->dh || (model->cell->has_cell_state && !flow->dc))
        return tool_no_memory();
    int code = make_room(&w);
    if (!code)
        code = find_output(&w);
    if (!code)
        code = inspect_run(model, ids, x, steps, rows, &y, &width);
    if (!code)
        code = go_back(&w, y, ids ? ids + (size_t)steps * rows : NULL);
    if (!code)
        code = measure(&w, CLRNN_TRACE_DH, flow->dh);
    if (!code && flow->dc)
        code = measure(&w, CLRNN_TRACE_DC, flow->dc);
    if (model->plan)
        (void)clrnn_graph_plan_state_gradients(model->plan, model->node, (clrnn_slice){0},
                                               (clrnn_slice){0});
    clrnn_buffer_destroy(&w.dh.buffer);
    clrnn_buffer_destroy(&w.dc.buffer);
    free(y);
    return code;
}

void inspect_flow_free(inspect_flow *flow)
{
    free(flow->dh);
    free(flow->dc);
}
