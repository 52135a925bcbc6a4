/* SPDX-License-Identifier: MIT
 * inspect_view.c - see inspect.h: the gates and states of a layer and direction. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <clrnn/trace.h>

#include "inspect.h"

/* What is read from. */
typedef struct reading {
    inspect_view *view;
    clrnn_plan *plan;
    clrnn_forward_io io;
    clrnn_trace_pass pass;
    clrnn_trace_select select;
} reading;

/* An array of the selection; to be freed. NULL: memory is short, or *status says what is wrong. */
static double *read_values(reading *r, clrnn_traced what, uint32_t gate, uint32_t units,
                           clrnn_status *status)
{
    const size_t count = (size_t)r->view->steps * units;
    float *raw = calloc(count, sizeof *raw);
    double *values = calloc(count, sizeof *values);
    r->select.what = what;
    r->select.gate = gate;
    if (raw && values && !*status)
        *status = clrnn_trace_read(r->plan, &r->pass, &r->select, raw);
    for (size_t i = 0; raw && values && i < count; i++)
        values[i] = raw[i];
    free(raw);
    return values;
}

static clrnn_status read_gate(reading *r, uint32_t k)
{
    inspect_view *v = r->view;
    inspect_gate *g = &v->gate[k];
    clrnn_status status = CLRNN_OK;
    g->name = v->model->cell->gate_names[k];
    g->logistic = strchr("iforz", g->name[0]) != NULL;
    g->values = read_values(r, CLRNN_TRACE_GATE, k, v->units, &status);
    g->by_step = calloc(v->steps, sizeof *g->by_step);
    g->by_unit = calloc(v->units, sizeof *g->by_unit);
    if (status || !g->values || !g->by_step || !g->by_unit)
        return status ? status : CLRNN_ERR_MEMORY;
    r->select.low = g->logistic ? 0.05f : -0.95f;
    r->select.high = 0.95f;
    status = clrnn_trace_measure(r->plan, &r->pass, &r->select, CLRNN_TRACE_WHOLE, &g->whole);
    for (size_t i = 0; i < (size_t)v->steps * v->units; i++) {
        g->by_step[i / v->units] += g->values[i] / v->units;
        g->by_unit[i % v->units] += g->values[i] / v->steps;
    }
    return status;
}

/* --- the order of units ---------------------------------------------------------------------- */

/* How slow a unit is: its half-life, or where there is none how little h changes. */
static double slowness(const inspect_view *v, uint32_t unit)
{
    double change = 0;
    if (v->half_lives)
        return v->half_lives[unit];
    for (uint32_t t = 1; t < v->steps && unit < v->state; t++)
        change += fabs(v->h[(size_t)t * v->state + unit] - v->h[(size_t)(t - 1) * v->state + unit]);
    return -change;
}

/* A unit and how slow it is. */
typedef struct ranked {
    double slow;
    uint32_t unit;
} ranked;

static int slower(const void *a, const void *b)
{
    const ranked *x = a, *y = b;
    if (x->slow != y->slow)
        return x->slow > y->slow ? -1 : 1;
    return x->unit < y->unit ? -1 : x->unit > y->unit;
}

static clrnn_status rank_units(inspect_view *v)
{
    ranked *all = calloc(v->units, sizeof *all);
    v->order = calloc(v->units, sizeof *v->order);
    for (uint32_t j = 0; all && v->order && j < v->units; j++)
        all[j] = (ranked){slowness(v, j), j};
    if (all && v->order)
        qsort(all, v->units, sizeof *all, slower);
    for (uint32_t j = 0; all && v->order && j < v->units; j++)
        v->order[j] = all[j].unit;
    const bool made = all && v->order;
    free(all);
    return made ? CLRNN_OK : CLRNN_ERR_MEMORY;
}

/* --- looking --------------------------------------------------------------------------------- */

static clrnn_status look(reading *r)
{
    inspect_view *v = r->view;
    clrnn_trace_fault fault;
    clrnn_status status = CLRNN_OK;
    for (uint32_t k = 0; k < v->gates && !status; k++)
        status = read_gate(r, k);
    v->h = read_values(r, CLRNN_TRACE_H, 0, v->state, &status);
    if (v->model->cell->has_cell_state)
        v->c = read_values(r, CLRNN_TRACE_C, 0, v->units, &status);
    if (!status && (!v->h || (v->model->cell->has_cell_state && !v->c)))
        status = CLRNN_ERR_MEMORY;
    v->half_lives = calloc(v->units, sizeof *v->half_lives);
    if (!status && v->half_lives && v->gates > 1) {
        status = clrnn_trace_half_lives(r->plan, &r->pass, &r->select, v->half_lives);
    } else {
        free(v->half_lives);
        v->half_lives = NULL;
    }
    if (!status)
        status = rank_units(v);
    if (!status)
        status = clrnn_trace_watch(r->plan, &r->pass, &fault);
    if (!status)
        status = clrnn_trace_fault_text(r->plan, &fault, v->fault, sizeof v->fault);
    return status;
}

int inspect_look(inspect_model *model, const inspect_input *input, const inspect_options *options,
                 inspect_view *view)
{
    *view = (inspect_view){.model = model,
                           .input = input,
                           .layer = options->layer,
                           .direction = (uint32_t)options->direction,
                           .first = options->first,
                           .steps = input->steps - options->first,
                           .units = model->network->hidden_size,
                           .state = model->width,
                           .gates = model->cell->gates};
    if (view->layer >= model->layers)
        return tool_error("inspect: --layer %u: the node has %u layers, counted from 0",
                          view->layer, model->layers);
    if (view->direction >= model->directions)
        return tool_error("inspect: --direction backward: the node has one direction");
    reading r = {.view = view,
                 .select = {.layers = {view->layer, 1},
                            .directions = {view->direction, 1},
                            .steps = {view->first, view->steps}}};
    clrnn_status status = clrnn_graph_plan_trace(model->plan, model->node, &r.plan, &r.io);
    r.pass.forward = &r.io;
    if (!status)
        status = look(&r);
    return status == CLRNN_ERR_MEMORY ? tool_no_memory() : status ? tool_failed(status) : TOOL_OK;
}

void inspect_view_free(inspect_view *view)
{
    for (uint32_t k = 0; k < INSPECT_GATES; k++) {
        free(view->gate[k].values);
        free(view->gate[k].by_step);
        free(view->gate[k].by_unit);
    }
    free(view->h);
    free(view->c);
    free(view->half_lives);
    free(view->order);
}
