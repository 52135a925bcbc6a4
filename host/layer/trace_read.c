/* SPDX-License-Identifier: MIT
 * layer/trace_read.c - see clrnn/trace.h: what is traced, as it is, as figures, and what is wrong
 * with it. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "device/buffer.h"
#include "layer/trace.h"

static clrnn_status check_given(const clrnn_plan *plan, const void *pass, const void *select,
                                const void *out)
{
    return pass && select && out
               ? CLRNN_OK
               : clr_fail(&plan->context->log, CLRNN_ERR_ARGUMENT, "trace: %s is NULL",
                          !pass     ? "pass"
                          : !select ? "select"
                                    : "what is to be written");
}

/* What is done with each block that has been gathered. */
typedef struct clr_visit {
    clr_trace t;
    void *out;
    clrnn_trace_each each;
    void *figures; /* host: as many as a block has */
    clrnn_status (*visit)(struct clr_visit *v, size_t index, uint32_t first, uint32_t steps);
} clr_visit;

/* index: of the layer and direction among those that are selected. */
static clrnn_status visit_all(clr_visit *v)
{
    const clrnn_trace_select *s = &v->t.select;
    clrnn_status status = CLRNN_OK;
    for (uint32_t cell = 0; cell < s->layers.count * s->directions.count; cell++)
        for (uint32_t done = 0, some; done < s->steps.count && status == CLRNN_OK; done += some) {
            some = s->steps.count - done < v->t.block ? s->steps.count - done : v->t.block;
            status = clr_trace_gather(&v->t, s->layers.first + cell / s->directions.count,
                                      s->directions.first + cell % s->directions.count,
                                      s->steps.first + done, some);
            if (status == CLRNN_OK)
                status = v->visit(v, cell, done, some);
        }
    return status;
}

/* --- reading --------------------------------------------------------------------------------- */

static clrnn_status copy_out(clr_visit *v, size_t index, uint32_t first, uint32_t steps)
{
    const clrnn_trace_select *s = &v->t.select;
    const size_t step = (size_t)s->rows.count * s->units.count * v->t.plan->real_bytes;
    unsigned char *to = (unsigned char *)v->out + (index * s->steps.count + first) * step;
    return clr_buffer_read(v->t.plan->context, v->t.plan->traced, 0, steps * step, to);
}

clrnn_status clrnn_trace_read(clrnn_plan *plan, const clrnn_trace_pass *pass,
                              const clrnn_trace_select *select, void *out)
{
    if (!plan)
        return CLRNN_ERR_ARGUMENT;
    clr_visit v = {.out = out, .visit = copy_out};
    clrnn_status status = check_given(plan, pass, select, out);
    if (status != CLRNN_OK)
        return status;
    status = clr_trace_begin(plan, pass, select, &v.t);
    if (status == CLRNN_OK)
        status = visit_all(&v);
    clr_trace_end(&v.t);
    return status;
}

/* --- figures --------------------------------------------------------------------------------- */

/* What trace_reduce gives, in its order. */
enum { SUM, LOST, SQUARES, LEAST, MOST, BELOW, ABOVE, WILD, ALL };

static double figure(const clr_visit *v, size_t k, int i)
{
    const size_t at = k * TRACE_FIGURES + (size_t)i;
    return v->t.plan->desc.precision == CLRNN_F64 ? ((const double *)v->figures)[at]
                                                  : (double)((const float *)v->figures)[at];
}

/* Add those of a block's unit or step; mean is the sum, and shares are numbers, until finish. */
static void add(const clr_visit *v, size_t k, clrnn_trace_figures *to)
{
    const double least = figure(v, k, LEAST), most = figure(v, k, MOST);
    const double largest = fmax(most, -least);
    to->count += figure(v, k, ALL);
    to->not_finite += figure(v, k, WILD);
    to->mean += figure(v, k, SUM) + figure(v, k, LOST);
    if (largest > 0 && isfinite(largest))
        to->norm = hypot(to->norm, largest * sqrt(figure(v, k, SQUARES)));
    to->least = fmin(to->least, least);
    to->most = fmax(to->most, most);
    to->below += figure(v, k, BELOW);
    to->above += figure(v, k, ABOVE);
}

static void finish(clrnn_trace_figures *f)
{
    const double finite = f->count - f->not_finite;
    f->mean = finite > 0 ? f->mean / finite : NAN;
    f->least = finite > 0 ? f->least : NAN;
    f->most = finite > 0 ? f->most : NAN;
    f->below = finite > 0 ? f->below / finite : 0;
    f->above = finite > 0 ? f->above / finite : 0;
}

static size_t count_each(const clr_visit *v)
{
    const clrnn_trace_select *s = &v->t.select;
    return v->each == CLRNN_TRACE_STEP   ? s->steps.count
           : v->each == CLRNN_TRACE_UNIT ? s->units.count
                                         : 1;
}

/* Enqueue the figures of a gathered block, and wait for them. */
static clrnn_status reduce(clr_visit *v, uint32_t first, uint32_t steps, bool by_unit)
{
    const clr_trace *t = &v->t;
    clrnn_plan *plan = t->plan;
    const trace_block b = clr_trace_gathered(t, t->select.steps.first + first, steps);
    const size_t count = (by_unit ? (size_t)b.units : steps) * TRACE_FIGURES;
    clrnn_status status =
        clr_trace_reduce(&plan->tracer, plan->traced, t->figures, &b,
                         clr_trace_lengths(plan, &t->pass), by_unit, t->select.low, t->select.high);
    return status == CLRNN_OK
               ? clr_buffer_read(plan->context, plan->traced, t->figures * plan->real_bytes,
                                 count * plan->real_bytes, v->figures)
               : status;
}

static clrnn_status measure(clr_visit *v, size_t index, uint32_t first, uint32_t steps)
{
    const bool by_unit = v->each != CLRNN_TRACE_STEP;
    clrnn_trace_figures *to = (clrnn_trace_figures *)v->out + index * count_each(v);
    clrnn_status status = reduce(v, first, steps, by_unit);
    const size_t count = by_unit ? v->t.select.units.count : steps;
    for (size_t k = 0; k < count && status == CLRNN_OK; k++)
        add(v, k,
            v->each == CLRNN_TRACE_STEP   ? &to[first + k]
            : v->each == CLRNN_TRACE_UNIT ? &to[k]
                                          : to);
    return status;
}

static clrnn_status make_figures(clr_visit *v)
{
    const clr_trace *t = &v->t;
    const size_t each = t->block > t->select.units.count ? t->block : t->select.units.count;
    v->figures = clr_calloc(each * TRACE_FIGURES, sizeof(double));
    return v->figures ? CLRNN_OK
                      : clr_fail(&t->plan->context->log, CLRNN_ERR_MEMORY, "trace: out of memory");
}

clrnn_status clrnn_trace_measure(clrnn_plan *plan, const clrnn_trace_pass *pass,
                                 const clrnn_trace_select *select, clrnn_trace_each each,
                                 clrnn_trace_figures *out)
{
    if (!plan)
        return CLRNN_ERR_ARGUMENT;
    clr_visit v = {.out = out, .each = each, .visit = measure};
    clrnn_status status = check_given(plan, pass, select, out);
    if (status == CLRNN_OK && (unsigned)each > CLRNN_TRACE_UNIT)
        status = clr_fail(&plan->context->log, CLRNN_ERR_ARGUMENT,
                          "trace: figures of %d are not known", (int)each);
    if (status != CLRNN_OK)
        return status;
    status = clr_trace_begin(plan, pass, select, &v.t);
    if (status == CLRNN_OK)
        status = make_figures(&v);
    const size_t count = status == CLRNN_OK ? (size_t)v.t.select.layers.count *
                                                  v.t.select.directions.count * count_each(&v)
                                            : 0;
    for (size_t i = 0; i < count; i++)
        out[i] = (clrnn_trace_figures){.least = INFINITY, .most = -INFINITY};
    if (status == CLRNN_OK)
        status = visit_all(&v);
    for (size_t i = 0; i < count; i++)
        finish(&out[i]);
    free(v.figures);
    clr_trace_end(&v.t);
    return status;
}

/* --- half-lives ------------------------------------------------------------------------------ */

static double half_life(double kept)
{
    return !(kept > 0) ? 0 : kept >= 1 ? INFINITY : log(0.5) / log(kept);
}

/* How many a range is, if it is one. */
static size_t count_of(clrnn_range range, uint32_t total)
{
    const uint32_t most = range.first < total ? total - range.first : 0;
    return range.count && range.count < most ? range.count : most;
}

clrnn_status clrnn_trace_half_lives(clrnn_plan *plan, const clrnn_trace_pass *pass,
                                    const clrnn_trace_select *select, double *out)
{
    if (!plan)
        return CLRNN_ERR_ARGUMENT;
    const clr_network *n = &plan->network;
    clrnn_status status = check_given(plan, pass, select, out);
    if (status != CLRNN_OK)
        return status;
    const float sign = clr_cell_keeping_sign(n->cell, &n->desc);
    if (sign == 0)
        return clr_fail(&plan->context->log, CLRNN_ERR_ARGUMENT,
                        "trace: %s has no gate that keeps, so no half-lives", n->cell->title);
    clrnn_trace_select wanted = *select;
    wanted.what = CLRNN_TRACE_GATE;
    wanted.gate = n->cell->keeping.gate;
    const size_t units = count_of(select->units, n->desc.hidden_size);
    const size_t count =
        units * count_of(select->layers, n->layers) * count_of(select->directions, n->directions);
    clrnn_trace_figures *figures = clr_calloc(count + 1, sizeof *figures);
    if (!figures)
        return clr_fail(&plan->context->log, CLRNN_ERR_MEMORY, "trace: out of memory");
    status = clrnn_trace_measure(plan, pass, &wanted, CLRNN_TRACE_UNIT, figures);
    for (size_t i = 0; i < count && status == CLRNN_OK; i++)
        out[i] = half_life(sign > 0 ? figures[i].mean : 1 - figures[i].mean);
    free(figures);
    return status;
}

/* --- what is not finite ---------------------------------------------------------------------- */

/* How far a step comes in the order in which its direction is scanned. */
static uint32_t order_of(const clrnn_plan *plan, uint32_t direction, uint32_t steps, uint32_t step)
{
    return clr_network_down(&plan->network, direction) ? steps - 1 - step : step;
}

/* The first element of the step at hand that is not finite. */
static clrnn_status locate(clrnn_plan *plan, const clrnn_trace_pass *pass,
                           const clrnn_trace_select *select, clrnn_trace_fault *fault)
{
    clr_visit v = {.visit = copy_out};
    clrnn_status status = clr_trace_begin(plan, pass, select, &v.t);
    const size_t units = v.t.select.units.count, count = units * v.t.select.rows.count;
    void *values = status == CLRNN_OK ? clr_calloc(count, sizeof(double)) : NULL;
    v.out = values;
    if (status == CLRNN_OK && !values)
        status = clr_fail(&plan->context->log, CLRNN_ERR_MEMORY, "trace: out of memory");
    if (status == CLRNN_OK)
        status = visit_all(&v);
    for (size_t i = 0; i < count && status == CLRNN_OK; i++) {
        const double value = plan->desc.precision == CLRNN_F64 ? ((const double *)values)[i]
                                                               : (double)((const float *)values)[i];
        if (isfinite(value))
            continue;
        fault->row = (uint32_t)(i / units);
        fault->unit = (uint32_t)(i % units);
        fault->value = value;
        break;
    }
    free(values);
    clr_trace_end(&v.t);
    return status;
}

/* Look at one array; it becomes the fault if a step of it is wrong that comes before the one that
 * is known. */
static clrnn_status look(clrnn_plan *plan, const clrnn_trace_pass *pass,
                         const clrnn_trace_select *select, uint32_t steps,
                         clrnn_trace_figures *figures, clrnn_trace_fault *fault)
{
    const uint32_t d = select->directions.first;
    clrnn_status status = clrnn_trace_measure(plan, pass, select, CLRNN_TRACE_STEP, figures);
    for (uint32_t i = 0; i < steps && status == CLRNN_OK; i++) {
        const uint32_t t = order_of(plan, d, steps, i);
        if (figures[t].not_finite == 0)
            continue;
        if (!fault->found || i < order_of(plan, fault->direction, steps, fault->step))
            *fault = (clrnn_trace_fault){.found = true,
                                         .what = select->what,
                                         .gate = select->gate,
                                         .layer = select->layers.first,
                                         .direction = d,
                                         .step = t};
        break;
    }
    return status;
}

/* All arrays of a layer, in the order in which a step makes them. */
static clrnn_status look_at_layer(clrnn_plan *plan, const clrnn_trace_pass *pass, uint32_t layer,
                                  uint32_t steps, clrnn_trace_figures *figures,
                                  clrnn_trace_fault *fault)
{
    const clr_network *n = &plan->network;
    const uint32_t arrays = n->gates + 3;
    clrnn_status status = CLRNN_OK;
    for (uint32_t i = 0; i < arrays * n->directions && status == CLRNN_OK; i++) {
        const uint32_t k = i % arrays;
        const clrnn_traced what = k == 0              ? CLRNN_TRACE_X
                                  : k <= n->gates     ? CLRNN_TRACE_GATE
                                  : k == n->gates + 1 ? CLRNN_TRACE_C
                                                      : CLRNN_TRACE_H;
        const clrnn_trace_select select = {.what = what,
                                           .gate = what == CLRNN_TRACE_GATE ? k - 1 : 0,
                                           .layers = {layer, 1},
                                           .directions = {i / arrays, 1}};
        if (what != CLRNN_TRACE_C || n->has_cell_state)
            status = look(plan, pass, &select, steps, figures, fault);
    }
    return status;
}

clrnn_status clrnn_trace_watch(clrnn_plan *plan, const clrnn_trace_pass *pass,
                               clrnn_trace_fault *fault)
{
    if (!plan)
        return CLRNN_ERR_ARGUMENT;
    clrnn_status status = check_given(plan, pass, plan, fault);
    if (status != CLRNN_OK)
        return status;
    const clrnn_trace_select all = {0};
    clr_trace t;
    status = clr_trace_begin(plan, pass, &all, &t);
    const uint32_t steps = t.pass.steps;
    clr_trace_end(&t);
    if (status != CLRNN_OK)
        return status;
    clrnn_trace_figures *figures = clr_calloc(steps, sizeof *figures);
    if (!figures)
        return clr_fail(&plan->context->log, CLRNN_ERR_MEMORY, "trace: out of memory");
    *fault = (clrnn_trace_fault){0};
    for (uint32_t layer = 0; layer < plan->network.layers && !fault->found && status == CLRNN_OK;
         layer++)
        status = look_at_layer(plan, pass, layer, steps, figures, fault);
    if (status == CLRNN_OK && fault->found) {
        const clrnn_trace_select where = {.what = fault->what,
                                          .gate = fault->gate,
                                          .layers = {fault->layer, 1},
                                          .directions = {fault->direction, 1},
                                          .steps = {fault->step, 1}};
        status = locate(plan, pass, &where, fault);
    }
    free(figures);
    return status;
}

clrnn_status clrnn_trace_fault_text(const clrnn_plan *plan, const clrnn_trace_fault *fault,
                                    char *text, size_t size)
{
    if (!plan || !fault || !text)
        return CLRNN_ERR_ARGUMENT;
    const clrnn_cell_info *cell = &plan->network.cell->info;
    const char *gate = fault->gate < cell->gates ? cell->gate_names[fault->gate] : "?";
    const char *back = plan->network.directions == 2 && fault->direction ? ", backward" : "";
    if (!fault->found)
        snprintf(text, size, "all is finite");
    else if (fault->what == CLRNN_TRACE_GATE)
        snprintf(text, size, "layer %u%s, step %u, row %u: gate %s of unit %u is %g", fault->layer,
                 back, fault->step, fault->row, gate, fault->unit, fault->value);
    else
        snprintf(text, size, "layer %u%s, step %u, row %u: %s of unit %u is %g", fault->layer, back,
                 fault->step, fault->row,
                 fault->what == CLRNN_TRACE_X   ? "input"
                 : fault->what == CLRNN_TRACE_C ? "c"
                                                : "h",
                 fault->unit, fault->value);
    return CLRNN_OK;
}
