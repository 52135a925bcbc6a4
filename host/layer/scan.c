/* SPDX-License-Identifier: MIT
 * layer/scan.c - see layer/scan.h. */
#include "layer/scan.h"

#include <math.h>
#include <string.h>

#include "base/philox.h"
#include "math/cell.h"

clr_scan clr_scan_of(const clrnn_plan *plan, const clr_pass *pass, uint32_t layer,
                     uint32_t direction, uint32_t begin, uint32_t end)
{
    return (clr_scan){.layer = layer,
                      .direction = direction,
                      .down = clr_network_down(&plan->network, direction),
                      .begin = begin,
                      .end = end,
                      .gates_first = plan->desc.train ? 0 : begin,
                      .lengths = clr_pass_live(plan, pass, false).lengths,
                      .flagged = pass->flagged,
                      .seed = pass->seed,
                      .index = pass->index,
                      .layout = &pass->layout,
                      .workspace = pass->workspace,
                      .workspace_at = pass->workspace_at};
}

clrnn_slice clr_scan_slot(const clrnn_plan *plan, const clr_scan *w, bool cell_state, uint32_t slot)
{
    const clr_network *n = &plan->network;
    size_t at = cell_state ? clr_layout_c(w->layout, n, w->layer, w->direction, slot)
                           : clr_layout_h(w->layout, n, w->layer, w->direction, slot);
    return (clrnn_slice){w->workspace, w->workspace_at + at};
}

uint32_t clr_scan_cell(const clrnn_plan *plan, const clr_scan *w)
{
    return w->layer * plan->network.directions + w->direction;
}

bool clr_drops_hidden(const clrnn_plan *plan)
{
    return plan->desc.train && plan->network.desc.recurrent_dropout > 0;
}

clrnn_status clr_drop_hidden(clrnn_plan *plan, const clr_scan *w, clr_matrix from, clr_matrix to,
                             bool add, size_t rows, size_t columns)
{
    const clr_drop drop = {.p = plan->network.desc.recurrent_dropout,
                           .seed = clr_cell_key(w->seed, CLR_KEY_HIDDEN, clr_scan_cell(plan, w)),
                           .index = w->index};
    return clr_drop_rows(&plan->sequence, from, to, add, rows, w->layout->batch, columns, &drop);
}

clr_flow clr_flow_of(const clrnn_plan *plan, const clr_scan *w)
{
    const clr_network *n = &plan->network;
    size_t N = w->layout->batch, T = w->layout->steps, H = n->desc.hidden_size;
    return (clr_flow){.dh = w->direction * N * n->state_size,
                      .dc = w->direction * N * H,
                      .dproj = w->direction * T * N * n->state_size,
                      .da = w->direction * T * N * n->gates * H,
                      .dz = w->direction * T * N * H};
}

clr_packed_matrix clr_scan_weights(const clrnn_plan *plan, const clr_scan *w, clr_weight weight)
{
    return clr_weights_matrix(&plan->packed, plan->weights, w->layer, w->direction, weight);
}

clrnn_status clr_scan_inputs(clrnn_plan *plan, const clr_scan *w)
{
    const clr_network *n = &plan->network;
    const clr_packed_matrix w_ih = clr_scan_weights(plan, w, CLR_INPUT);
    size_t gates =
        clr_layout_gates(w->layout, n, w->layer, w->direction, w->begin - w->gates_first);
    const clr_gemm gemm = {
        .m = (size_t)(w->end - w->begin) * w->layout->batch,
        .a = w->input,
        .prepared = &w_ih,
        .c = {w->workspace, w->workspace_at + gates, (size_t)n->gates * n->desc.hidden_size}};
    return clr_gemm_run(&plan->gemms, &gemm);
}

/* --- what a launch is told ------------------------------------------------------------------ */

static size_t y_of(const clr_scan *w, uint32_t begin)
{
    return w->y.offset + (size_t)(begin - w->y_first) * w->layout->batch * w->y_stride;
}

static size_t weight_at(const clrnn_plan *plan, size_t offset)
{
    return offset == CLR_ABSENT ? 0 : plan->weights.offset + offset;
}

static size_t weights_at(const clrnn_plan *plan, const clr_scan *w, clr_weight weight)
{
    return clr_weights_at(&plan->packed, w->layer, w->direction, weight, 0);
}

static cl_ulong from_of(cl_mem buffer, cl_mem workspace)
{
    return !buffer ? FROM_NOWHERE : buffer == workspace ? FROM_WORKSPACE : FROM_ARGUMENT;
}

/* A number as bits of the plan's type. */
static cl_ulong bits_of(const clrnn_plan *plan, float number)
{
    const double wide = number;
    cl_ulong bits = 0;
    cl_uint low = 0;
    if (plan->desc.precision == CLRNN_F64) {
        memcpy(&bits, &wide, sizeof bits);
        return bits;
    }
    memcpy(&low, &number, sizeof low);
    return low;
}

/* A bound; 0: there is none. */
static cl_ulong clip_of(const clrnn_plan *plan, float clip)
{
    return bits_of(plan, clip > 0 ? clip : INFINITY);
}

static void place_functions(const clrnn_plan *plan, const clr_scan *w, scan_arrays *at)
{
    const clr_network *n = &plan->network;
    for (uint32_t i = 0; i < CLRNN_ACTIVATIONS; i++) {
        const clrnn_activation a = clr_cell_activation(n->cell, &n->desc, w->direction, i);
        at->function[i] = a.function;
        at->alpha[i] = bits_of(plan, a.alpha);
        at->beta[i] = bits_of(plan, a.beta);
    }
}

/* Where the arrays lie for `steps` steps after `done` of a scan, or of a scan back. */
static scan_arrays arrays_of(const clrnn_plan *plan, const clr_scan *w, uint32_t done,
                             uint32_t steps, bool back)
{
    const clr_network *n = &plan->network;
    const clr_layout *l = w->layout;
    clr_cell_weights cell = clr_network_cell(n, w->layer, w->direction);
    bool down = w->down != back;
    uint32_t first = down ? w->end - done - steps : w->begin + done;
    uint32_t index = first - w->gates_first;
    scan_arrays at = {
        .x = w->input.offset + (size_t)(first - w->begin) * l->batch * w->input.stride,
        .input = weights_at(plan, w, CLR_INPUT),
        .recurrent = weights_at(plan, w, CLR_RECURRENT),
        .projection = weights_at(plan, w, CLR_PROJECTION),
        .b_ih = weight_at(plan, cell.b_ih),
        .b_hh = weight_at(plan, cell.b_hh),
        .params = weight_at(plan, cell.params),
        .gates = w->workspace_at + clr_layout_gates(l, n, w->layer, w->direction, index),
        .h = clr_scan_slot(plan, w, false, 0).offset,
        .x_from = from_of(w->input.buffer, w->workspace),
        .x_stride = w->input.stride,
        .I = clr_network_cell(n, w->layer, 0).inputs,
        .y = w->y.buffer ? y_of(w, first) : 0,
        .y_from = from_of(w->y.buffer, w->workspace),
        .y_stride = w->y_stride,
        .first_t = first,
        .down = w->down};
    if (n->has_cell_state)
        at.c = clr_scan_slot(plan, w, true, 0).offset;
    if (n->saved)
        at.saved = w->workspace_at + clr_layout_saved(l, n, w->layer, w->direction, index);
    place_functions(plan, w, &at);
    at.zone_key = clr_cell_key(w->seed, CLR_KEY_ZONEOUT, clr_scan_cell(plan, w));
    return at;
}

/* The state before or after the steps of a launch: outside if it is the scan's own and given there,
 * else in its slot. */
static clrnn_slice state_at(const clrnn_plan *plan, const clr_scan *w, clrnn_slice outside,
                            bool own, bool cell_state, uint32_t done)
{
    if (cell_state && !plan->network.has_cell_state)
        return (clrnn_slice){NULL, 0};
    if (own && outside.buffer)
        return outside;
    return clr_scan_slot(plan, w, cell_state, w->down ? w->end - done : w->begin + done);
}

static void place_states(const clrnn_plan *plan, const clr_scan *w, uint32_t done, uint32_t steps,
                         clr_forward_scan *f, scan_arrays *at)
{
    bool first = done == 0, last = done + steps == w->end - w->begin;
    clrnn_slice h_first = state_at(plan, w, w->h_first, first, false, done);
    clrnn_slice c_first = state_at(plan, w, w->c_first, first, true, done);
    clrnn_slice h_last = state_at(plan, w, w->h_last, last, false, done + steps);
    clrnn_slice c_last = state_at(plan, w, w->c_last, last, true, done + steps);
    f->h_first = h_first.buffer;
    f->c_first = c_first.buffer;
    f->h_last = h_last.buffer;
    f->c_last = c_last.buffer;
    at->h_first = h_first.offset;
    at->c_first = c_first.offset;
    at->h_last = h_last.offset;
    at->c_last = c_last.offset;
}

/* The part of a launch that forward and back have in common. */
static scan_launch launch_of(const clrnn_plan *plan, const clr_scan *w, uint32_t steps)
{
    const clrnn_network_desc *d = &plan->network.desc;
    return (scan_launch){.gate_clip = clip_of(plan, d->gate_clip),
                         .cell_clip = clip_of(plan, d->cell_clip),
                         .proj_clip = clip_of(plan, d->proj_clip),
                         .zone = bits_of(plan, d->zoneout),
                         .zone_cell = bits_of(plan, d->zoneout_cell),
                         .zone_index = w->index,
                         .zone_drawn = plan->desc.train,
                         .options = clr_cell_options(&plan->network),
                         .has_lengths = w->flagged   ? HAS_FLAGS
                                        : w->lengths ? HAS_LENGTHS
                                                     : 0,
                         /* Layer norm of c comes between the gates and h. */
                         .save_gates = plan->desc.train || plan->network.normed,
                         .slots = w->layout->slots,
                         .saved_steps =
                             w->layout->saved_steps < steps ? w->layout->saved_steps : steps,
                         .count = steps,
                         .H = plan->network.desc.hidden_size,
                         .R = plan->network.state_size,
                         .N = w->layout->batch};
}

clr_forward_scan clr_forward_scan_of(const clrnn_plan *plan, const clr_scan *scans, size_t count,
                                     uint32_t done, uint32_t steps)
{
    clr_forward_scan f = {.weights = plan->weights.buffer,
                          .workspace = scans->workspace,
                          .y = scans[count - 1].y.buffer,
                          .lengths = scans->lengths,
                          .launch = launch_of(plan, scans, steps)};
    for (size_t d = 0; d < count; d++) {
        f.launch.scans[d] = arrays_of(plan, &scans[d], done, steps, false);
        place_states(plan, &scans[d], done, steps, &f, &f.launch.scans[d]);
    }
    return f;
}

static void place_gradients(const clrnn_plan *plan, const clr_scan *w, scan_arrays *at)
{
    const clr_network *n = &plan->network;
    const clr_flow flow = clr_flow_of(plan, w);
    size_t row = (size_t)at->first_t * w->layout->batch;
    at->d_recurrent = weights_at(plan, w, CLR_D_RECURRENT);
    at->d_candidate = weights_at(plan, w, CLR_D_CANDIDATE);
    at->d_projection = weights_at(plan, w, CLR_D_PROJECTION);
    at->dh = flow.dh;
    at->dc = flow.dc;
    at->dproj = flow.dproj + row * n->state_size;
    at->da = flow.da + row * n->gates * n->desc.hidden_size;
}

clr_backward_scan clr_backward_scan_of(const clrnn_plan *plan, const clr_scan *scans, size_t count,
                                       uint32_t done, uint32_t steps)
{
    clr_backward_scan b = {.weights = plan->weights.buffer,
                           .workspace = scans->workspace,
                           .dy = scans->y.buffer,
                           .dh = plan->dh,
                           .dc = plan->dc,
                           .dproj = plan->dproj,
                           .da = plan->da,
                           .du = plan->du,
                           .lengths = scans->lengths,
                           .launch = launch_of(plan, scans, steps)};
    for (size_t d = 0; d < count; d++) {
        b.launch.scans[d] = arrays_of(plan, &scans[d], done, steps, true);
        place_gradients(plan, &scans[d], &b.launch.scans[d]);
    }
    return b;
}
