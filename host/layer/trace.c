/* SPDX-License-Identifier: MIT
 * layer/trace.c - see layer/trace.h and clrnn/trace.h: finding in the reserve what is asked for. */
#include "layer/trace.h"

#include <math.h>

#include "base/log.h"
#include "device/buffer.h"
#include "layer/staging.h"
#include "math/cell.h"

enum { block_elements = 1 << 20 };

/* --- what is asked for ----------------------------------------------------------------------- */

static bool is_of_gate(clrnn_traced what)
{
    return what == CLRNN_TRACE_GATE || what == CLRNN_TRACE_SUM;
}

/* How many units there are of an array. */
static uint32_t width_of(const clr_network *n, clrnn_traced what, uint32_t layer)
{
    switch (what) {
    case CLRNN_TRACE_X:
        return layer == 0 ? n->desc.input_size : n->width;
    case CLRNN_TRACE_H:
    case CLRNN_TRACE_DH:
        return n->state_size;
    default:
        return n->desc.hidden_size;
    }
}

static clrnn_status check_range(const clrnn_log *log, clrnn_range *range, uint32_t total,
                                const char *name)
{
    if (range->first >= total || range->count > total - range->first)
        return clr_fail(log, CLRNN_ERR_RANGE, "trace: %s %u.. of %u are asked for, there are %u",
                        name, range->first, range->count, total);
    if (range->count == 0)
        range->count = total - range->first;
    return CLRNN_OK;
}

static clrnn_status check_what(const clr_trace *t)
{
    const clr_network *n = &t->plan->network;
    const clrnn_log *log = &t->plan->context->log;
    const clrnn_trace_select *s = &t->select;
    if ((unsigned)s->what > CLRNN_TRACE_DC)
        return clr_fail(log, CLRNN_ERR_ARGUMENT, "trace: %d is nothing that can be traced",
                        (int)s->what);
    if (is_of_gate(s->what) && s->gate >= n->gates)
        return clr_fail(log, CLRNN_ERR_RANGE, "trace: gate %u is asked for, there are %u", s->gate,
                        n->gates);
    if ((s->what == CLRNN_TRACE_C || s->what == CLRNN_TRACE_DC) && !n->has_cell_state)
        return clr_fail(log, CLRNN_ERR_ARGUMENT, "trace: c is asked for, but belongs to LSTM only");
    if ((s->what == CLRNN_TRACE_DH && !t->dh.buffer) ||
        (s->what == CLRNN_TRACE_DC && !t->dc.buffer))
        return clr_fail(log, CLRNN_ERR_ARGUMENT, "trace: %s is asked for, but absent",
                        s->what == CLRNN_TRACE_DH ? "dh" : "dc");
    return CLRNN_OK;
}

/* Layers of different widths are read one by one. */
static clrnn_status check_widths(clr_trace *t)
{
    const clr_network *n = &t->plan->network;
    clrnn_trace_select *s = &t->select;
    const uint32_t width = width_of(n, s->what, s->layers.first);
    const uint32_t last = s->layers.first + s->layers.count - 1;
    if (width_of(n, s->what, last) != width)
        return clr_fail(&t->plan->context->log, CLRNN_ERR_RANGE,
                        "trace: the inputs of layers %u..%u have different widths, %u and %u",
                        s->layers.first, last, width, width_of(n, s->what, last));
    return check_range(&t->plan->context->log, &s->units, width, "units");
}

static clrnn_status check_select(clr_trace *t)
{
    const clr_network *n = &t->plan->network;
    const clrnn_log *log = &t->plan->context->log;
    clrnn_trace_select *s = &t->select;
    clrnn_status status = check_what(t);
    if (status == CLRNN_OK)
        status = check_range(log, &s->layers, n->layers, "layers");
    if (status == CLRNN_OK)
        status = check_range(log, &s->directions, n->directions, "directions");
    if (status == CLRNN_OK)
        status = check_range(log, &s->steps, t->pass.steps, "steps");
    if (status == CLRNN_OK)
        status = check_range(log, &s->rows, t->pass.batch, "rows");
    if (status == CLRNN_OK)
        status = check_widths(t);
    if (s->low == 0 && s->high == 0) {
        s->low = 0.05f;
        s->high = 0.95f;
    }
    return status;
}

/* --- the pass -------------------------------------------------------------------------------- */

/* A pass on host memory: its reserve is the plan's own, and x comes to the device again where it is
 * read. */
static clrnn_status stage(clr_trace *t, const clrnn_host_io *host, clrnn_forward_io *io)
{
    clrnn_plan *plan = t->plan;
    const size_t steps = host->steps ? host->steps : plan->desc.max_steps;
    const size_t batch = host->batch ? host->batch : plan->desc.max_batch;
    const size_t bytes = steps * batch * plan->network.desc.input_size * plan->real_bytes;
    if (!plan->staging || !plan->staging->forward_done || !host->x)
        return clr_fail(&plan->context->log, CLRNN_ERR_ARGUMENT,
                        host->x ? "trace: there was no forward pass before it"
                                : "trace: x is NULL");
    if (steps > plan->desc.max_steps || batch > plan->desc.max_batch)
        return clr_fail(&plan->context->log, CLRNN_ERR_RANGE,
                        "trace: T=%zu N=%zu, but the plan is for T=%u N=%u at most", steps, batch,
                        plan->desc.max_steps, plan->desc.max_batch);
    clrnn_status status = clr_buffer_create(plan->context, bytes, &t->own_x);
    if (status == CLRNN_OK)
        status = clr_buffer_write(plan->context, t->own_x, 0, bytes, host->x);
    *io = (clrnn_forward_io){.steps = host->steps,
                             .batch = host->batch,
                             .lengths = host->lengths,
                             .mask = host->mask,
                             .resets = host->resets,
                             .repeat = host->repeat,
                             .x = {t->own_x, 0},
                             .reserve = {plan->staging->reserve, 0}};
    return status;
}

static clrnn_status begin_pass(clr_trace *t, const clrnn_trace_pass *pass)
{
    clrnn_plan *plan = t->plan;
    clrnn_forward_io staged;
    const clrnn_forward_io *io = pass->forward ? pass->forward : &staged;
    clrnn_status status = CLRNN_OK;
    if (!plan->desc.train)
        return clr_fail(&plan->context->log, CLRNN_ERR_ARGUMENT,
                        "trace: the plan does not train, so it keeps nothing to trace");
    if (!pass->forward == !pass->host)
        return clr_fail(&plan->context->log, CLRNN_ERR_ARGUMENT, "trace: the pass is given %s",
                        pass->host ? "twice" : "nowhere");
    if (pass->host)
        status = stage(t, pass->host, &staged);
    if (status == CLRNN_OK && (io->steps == CLRNN_NONE || io->batch == CLRNN_NONE))
        return clr_fail(&plan->context->log, CLRNN_ERR_RANGE, "trace: the pass is of nothing");
    if (status == CLRNN_OK)
        status = clr_pass_begin(plan, io, &t->pass);
    if (status == CLRNN_OK)
        status = clr_pass_start(plan, io, &t->pass);
    t->x = io->x;
    t->dh = pass->dh;
    t->dc = pass->dc;
    return status;
}

static clrnn_status check_gradients(const clr_trace *t)
{
    const clrnn_plan *plan = t->plan;
    const size_t T = t->pass.steps;
    clrnn_status status =
        clr_slice_check(plan, t->dh, T * clr_count_h(plan, &t->pass), plan->real_bytes, "dh");
    return status == CLRNN_OK ? clr_slice_check(plan, t->dc, T * clr_count_c(plan, &t->pass),
                                                plan->real_bytes, "dc")
                              : status;
}

/* Room for a block and for the figures of it. */
static clrnn_status make_room(clr_trace *t)
{
    clrnn_plan *plan = t->plan;
    const size_t step = (size_t)t->select.rows.count * t->select.units.count;
    const size_t most = step < block_elements ? block_elements / step : 1;
    t->block = most < t->select.steps.count ? (uint32_t)most : t->select.steps.count;
    t->figures = t->block * step;
    const size_t each = t->block > t->select.units.count ? t->block : t->select.units.count;
    const size_t bytes = (t->figures + each * TRACE_FIGURES) * plan->real_bytes;
    if (plan->traced && clr_buffer_size(plan->traced) >= bytes)
        return CLRNN_OK;
    clr_buffer_destroy(&plan->traced);
    return clr_buffer_create(plan->context, bytes, &plan->traced);
}

clrnn_status clr_trace_begin(clrnn_plan *plan, const clrnn_trace_pass *pass,
                             const clrnn_trace_select *select, clr_trace *trace)
{
    *trace = (clr_trace){.plan = plan, .select = *select};
    clrnn_status status = begin_pass(trace, pass);
    if (status == CLRNN_OK)
        status = check_select(trace);
    if (status == CLRNN_OK)
        status = check_gradients(trace);
    if (status == CLRNN_OK)
        status = clr_plan_want_tracer(plan);
    return status == CLRNN_OK ? make_room(trace) : status;
}

void clr_trace_end(clr_trace *trace)
{
    clr_buffer_destroy(&trace->own_x);
}

/* --- where it lies --------------------------------------------------------------------------- */

/* An array [..,N,width] of which `step` and `row` are what one takes; `at`: of step `first`. */
static trace_view view_of(const clr_trace *t, size_t at, size_t row)
{
    return (trace_view){at + t->select.rows.first * row, t->pass.batch * row, row};
}

/* States before or after step `first`. */
static trace_view states(const clr_trace *t, const clr_scan *w, bool cell_state, bool after,
                         uint32_t first)
{
    const clr_network *n = &t->plan->network;
    const uint32_t slots = w->layout->slots;
    const uint32_t slot =
        after ? slot_after(first, w->down, slots) : slot_before(first, w->down, slots);
    return view_of(t, clr_scan_slot(t->plan, w, cell_state, slot).offset,
                   cell_state ? n->desc.hidden_size : n->state_size);
}

/* What the forward pass has left of gate `gate`: it, or with rare options its sum. */
static trace_view gates(const clr_trace *t, const clr_scan *w, uint32_t gate, uint32_t first)
{
    const clr_network *n = &t->plan->network;
    const size_t H = n->desc.hidden_size;
    const size_t at = clr_layout_gates(w->layout, n, w->layer, w->direction, first);
    trace_view v = view_of(t, w->workspace_at + at, n->gates * H);
    v.at += gate * H;
    return v;
}

static trace_view saved(const clr_trace *t, const clr_scan *w, uint32_t first)
{
    const clr_network *n = &t->plan->network;
    const size_t at = clr_layout_saved(w->layout, n, w->layer, w->direction, first);
    return view_of(t, w->workspace_at + at, (size_t)n->saved * n->desc.hidden_size);
}

static trace_view gradients(const clr_trace *t, const clr_scan *w, clrnn_slice array, size_t width,
                            uint32_t first)
{
    const size_t cell = (size_t)w->layer * t->plan->network.directions + w->direction;
    const size_t step = cell * t->pass.steps + first;
    return view_of(t, array.offset + step * t->pass.batch * width, width);
}

static trace_view inputs(const clr_trace *t, uint32_t layer, uint32_t first, cl_mem *buffer)
{
    const clr_matrix x = clr_layer_input(t->plan, &t->pass, t->x, layer);
    *buffer = x.buffer;
    return view_of(t, x.offset + (size_t)first * t->pass.batch * x.stride, x.stride);
}

/* --- gathering ------------------------------------------------------------------------------- */

/* Whether the reserve has the sums of gates in place of the gates. */
static bool keeps_sums(const clr_network *n)
{
    return clr_cell_options(n) & OPTIONS_RARE;
}

/* How a gate comes from what was left of gate *from. */
static clr_trace_function function_of(const clr_network *n, uint32_t direction, uint32_t gate,
                                      uint32_t *from)
{
    const clr_cell_spec *cell = n->cell;
    clr_trace_function f = {.gate_clip = n->desc.gate_clip > 0 ? n->desc.gate_clip : INFINITY};
    f.complement = n->desc.coupled_gates && gate == cell->keeping.gate;
    *from = f.complement ? cell->keeping.admits : gate;
    if (keeps_sums(n))
        f.function = clr_cell_activation(cell, &n->desc, direction, cell->function_of[*from]);
    return f;
}

/* The sum of a gate, whose function alone was kept. */
static trace_sum sum_of(const clr_trace *t, const clr_scan *w, uint32_t gate, uint32_t first,
                        cl_mem *x)
{
    const clr_network *n = &t->plan->network;
    const clr_cell_weights at = clr_network_cell(n, w->layer, w->direction);
    const size_t base = t->plan->weights.offset, H = n->desc.hidden_size;
    const size_t row = gate * H + t->select.units.first;
    const bool later = n->form->phases > 1 && gate >= n->form->phase[1].first;
    const bool gated = n->form->two_inputs && gate + 1 == n->gates;
    trace_sum s = {.x = inputs(t, w->layer, first, x),
                   .v = later ? saved(t, w, first) : states(t, w, false, false, first),
                   .u = {.at = TRACE_NOWHERE},
                   .w_ih = base + at.w_ih + row * at.inputs,
                   .w_hh = base + at.w_hh + row * n->state_size,
                   .b_ih = at.b_ih == CLR_ABSENT ? TRACE_NOWHERE : base + at.b_ih + row,
                   .b_hh = at.b_hh == CLR_ABSENT ? TRACE_NOWHERE : base + at.b_hh + row,
                   .p = TRACE_NOWHERE,
                   .inputs = at.inputs,
                   .width = n->state_size};
    if (gated) {
        s.u = saved(t, w, first);
        s.r = gates(t, w, 0, first);
        s.u.at += t->select.units.first;
        s.r.at += t->select.units.first;
    }
    for (uint32_t k = 0; k < n->parameters; k++)
        if (n->cell->parameters.each[k].gate == gate) {
            s.p = base + at.params + k * H + t->select.units.first;
            s.c = states(t, w, true, n->cell->parameters.each[k].next, first);
            s.c.at += t->select.units.first;
        }
    return s;
}

trace_block clr_trace_gathered(const clr_trace *t, uint32_t first, uint32_t steps)
{
    trace_block b = clr_trace_block(&t->pass, first, steps, t->select.units.count);
    b.rows = t->select.rows.count;
    b.first_row = t->select.rows.first;
    if (t->select.what != CLRNN_TRACE_X && !is_of_gate(t->select.what))
        b.has_lengths = 0;
    return b;
}

clrnn_status clr_trace_gather(clr_trace *t, uint32_t layer, uint32_t direction, uint32_t first,
                              uint32_t steps)
{
    clrnn_plan *plan = t->plan;
    const clr_network *n = &plan->network;
    const clr_scan w = clr_scan_of(plan, &t->pass, layer, direction, 0, t->pass.steps);
    const trace_block block = clr_trace_gathered(t, first, steps);
    const clrnn_traced what = t->select.what;
    cl_mem from = t->pass.workspace, lengths = clr_trace_lengths(plan, &t->pass);
    clr_trace_function f = {.gate_clip = INFINITY};
    uint32_t gate = t->select.gate;
    trace_view v;
    if (what == CLRNN_TRACE_SUM && !keeps_sums(n)) {
        const trace_sum s = sum_of(t, &w, gate, first, &from);
        return clr_trace_sums(&plan->tracer, from, t->pass.workspace, plan->weights.buffer, &s,
                              &block, lengths, plan->traced);
    }
    if (what == CLRNN_TRACE_GATE)
        f = function_of(n, direction, gate, &gate);
    if (is_of_gate(what))
        v = gates(t, &w, gate, first);
    else if (what == CLRNN_TRACE_X)
        v = inputs(t, layer, first, &from);
    else if (what == CLRNN_TRACE_H || what == CLRNN_TRACE_C)
        v = states(t, &w, what == CLRNN_TRACE_C, true, first);
    else
        v = gradients(t, &w, what == CLRNN_TRACE_DH ? t->dh : t->dc, width_of(n, what, layer),
                      first);
    if (what == CLRNN_TRACE_DH || what == CLRNN_TRACE_DC)
        from = what == CLRNN_TRACE_DH ? t->dh.buffer : t->dc.buffer;
    v.at += t->select.units.first;
    return clr_trace_values(&plan->tracer, from, &v, &block, lengths, &f, plan->traced);
}
