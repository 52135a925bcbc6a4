/* SPDX-License-Identifier: MIT
 * layer/stepwise.c - the strategy that is always right: for each step a recurrent product and a
 * kernel of the cell. */
#include "device/buffer.h"
#include "layer/plan.h"

static const char *refuses(const clrnn_context *context, const clr_network *network,
                           const clrnn_plan_desc *desc)
{
    (void)context;
    (void)network;
    (void)desc;
    return NULL;
}

static clrnn_status init(clrnn_plan *plan)
{
    const clr_network *n = &plan->network;
    uint64_t N = plan->desc.max_batch, H = n->desc.hidden_size;
    clrnn_status status =
        clr_stepwise_init(plan->context, n, plan->desc.precision, &plan->stepwise);
    if (status == CLRNN_OK)
        status = clr_gemms_prepare(&plan->gemms);
    if (status == CLRNN_OK)
        status = clr_plan_allocate(plan, &plan->rec, N, n->gates * H);
    if (status == CLRNN_OK && plan->desc.train && n->desc.proj_size)
        status = clr_plan_allocate(plan, &plan->dhid, N, H);
    return status;
}

static void release(clrnn_plan *plan)
{
    clr_stepwise_free(&plan->stepwise);
    clr_buffer_destroy(&plan->rec);
    clr_buffer_destroy(&plan->dhid);
}

static clrnn_status pack_cell(clrnn_plan *plan, uint32_t layer, uint32_t direction)
{
    const clr_network *n = &plan->network;
    clr_cell_weights w = clr_network_cell(n, layer, direction);
    clr_cell_operands *o = &plan->operands[(size_t)layer * n->directions + direction];
    size_t H = n->desc.hidden_size, R = n->state;
    size_t first = n->form->phase[0].count * H; /* rows whose U acts on h itself */
    clrnn_status status =
        clr_plan_pack_matrix(plan, w.w_ih, n->gates * H, w.inputs, &o->input, NULL);
    if (status == CLRNN_OK)
        status = clr_plan_pack_matrix(plan, w.w_hh, first, R, &o->recurrent, &o->d_recurrent);
    if (status == CLRNN_OK && n->form->phases > 1)
        status =
            clr_plan_pack_matrix(plan, w.w_hh + first * R, H, R, &o->candidate, &o->d_candidate);
    if (status == CLRNN_OK && n->desc.proj_size)
        status = clr_plan_pack_matrix(plan, w.w_hr, R, H, &o->projection, &o->d_projection);
    return status;
}

static void notice(clrnn_plan *plan)
{
    (void)plan;
}

static clrnn_slice at(cl_mem buffer, size_t offset)
{
    return (clrnn_slice){buffer, offset};
}

/* The arrays of step t of a walk, as far as forward and backward share them. */
static clr_step step_of(const clrnn_plan *plan, const clr_walk *w, uint32_t t)
{
    const clr_network *n = &plan->network;
    const clr_layout *l = w->layout;
    clr_cell_weights cell = clr_network_cell(n, w->layer, w->direction);
    uint32_t prev = t + w->direction, next = t + 1 - w->direction, kept = t - w->gates_first;
    size_t bias = plan->weights.offset;
    clr_step s = {.t = t, .batch = l->batch, .lengths = w->lengths, .y_stride = w->y_stride};
    s.weights = plan->weights.buffer;
    s.b_ih = cell.b_ih == CLR_ABSENT ? CLR_ABSENT : bias + cell.b_ih;
    s.b_hh = cell.b_hh == CLR_ABSENT ? CLR_ABSENT : bias + cell.b_hh;
    s.params = cell.params == CLR_ABSENT ? CLR_ABSENT : bias + cell.params;
    s.gates = at(w->store, w->store_at + clr_layout_gates(l, n, w->layer, w->direction, kept));
    s.rec = at(plan->rec, 0);
    s.h = w->store;
    s.h_prev = w->store_at + clr_layout_h(l, n, w->layer, w->direction, prev);
    s.h_next = w->store_at + clr_layout_h(l, n, w->layer, w->direction, next);
    if (n->has_cell_state) {
        s.c = w->store;
        s.c_prev = w->store_at + clr_layout_c(l, n, w->layer, w->direction, prev);
        s.c_next = w->store_at + clr_layout_c(l, n, w->layer, w->direction, next);
    }
    if (n->saved)
        s.extra = at(w->store, w->store_at + clr_layout_extra(l, n, w->layer, w->direction, kept));
    if (w->y.buffer)
        s.y = at(w->y.buffer, w->y.offset + (size_t)(t - w->y_first) * l->batch * w->y_stride);
    return s;
}

/* [N,columns of B] (+)= from [N,k] B, for a prepared matrix B. */
static clrnn_status multiply(clrnn_plan *plan, const clr_step *s, clrnn_slice from, size_t stride,
                             const clr_operand *b, clr_matrix to, bool accumulate)
{
    const clr_gemm gemm = {.m = s->batch,
                           .accumulate = accumulate,
                           .a = {from.buffer, from.offset, stride},
                           .prepared = b,
                           .c = to};
    return clr_gemm_run(&plan->gemms, &gemm);
}

static clrnn_status step_forward(clrnn_plan *plan, const clr_walk *w, const clr_step *s)
{
    const clr_network *n = &plan->network;
    const clr_cell_operands *o = clr_plan_operands(plan, w->layer, w->direction);
    size_t H = n->desc.hidden_size, R = n->state;
    clr_matrix rec = {s->rec.buffer, s->rec.offset, n->gates * H};

    /* rec = h_{t-1} U^T */
    clrnn_status status = multiply(plan, s, at(s->h, s->h_prev), R, &o->recurrent, rec, false);
    if (status == CLRNN_OK && n->form->phases > 1) {
        status = clr_step_reset(&plan->stepwise, s);
        rec.offset += n->form->phase[1].first * H; /* rec_n = (r*h_{t-1}) U_n^T */
        if (status == CLRNN_OK)
            status = multiply(plan, s, s->extra, H, &o->candidate, rec, false);
    }
    if (status == CLRNN_OK)
        status = clr_step_forward(&plan->stepwise, s);
    if (status == CLRNN_OK && n->desc.proj_size) {
        /* h_t = W_hr (o*tanh(c_t)) */
        status =
            multiply(plan, s, s->extra, H, &o->projection, (clr_matrix){s->h, s->h_next, R}, false);
        if (status == CLRNN_OK)
            status = clr_step_project(&plan->stepwise, s);
    }
    return status;
}

/* A state from outside the layout to its slot, or back; an absent one is in its slot. */
static clrnn_status move_state(clrnn_plan *plan, const clr_walk *w, clrnn_slice outside,
                               bool memory, bool in)
{
    const clr_network *n = &plan->network;
    uint32_t slot = (w->direction == 1) == in ? w->end : w->begin;
    clrnn_slice inside = clr_walk_slot(plan, w, memory, slot);
    size_t bytes = w->layout->batch * (memory ? n->desc.hidden_size : n->state) * plan->real_bytes;
    clrnn_slice from = in ? outside : inside, to = in ? inside : outside;
    if (!outside.buffer)
        return CLRNN_OK;
    return clr_buffer_copy(plan->context, from.buffer, from.offset * plan->real_bytes, to.buffer,
                           to.offset * plan->real_bytes, bytes);
}

static clrnn_status walk_forward(clrnn_plan *plan, const clr_walk *w)
{
    clrnn_status status = clr_walk_inputs(plan, w);
    if (status == CLRNN_OK)
        status = move_state(plan, w, w->h_first, false, true);
    if (status == CLRNN_OK)
        status = move_state(plan, w, w->c_first, true, true);
    for (uint32_t k = 0; k < w->end - w->begin && status == CLRNN_OK; k++) {
        clr_step s = step_of(plan, w, w->direction ? w->end - 1 - k : w->begin + k);
        status = step_forward(plan, w, &s);
    }
    if (status == CLRNN_OK)
        status = move_state(plan, w, w->h_last, false, false);
    if (status == CLRNN_OK)
        status = move_state(plan, w, w->c_last, true, false);
    return status;
}

static clrnn_status forward(clrnn_plan *plan, const clr_walk *walks, size_t count)
{
    clrnn_status status = CLRNN_OK;
    for (size_t i = 0; i < count && status == CLRNN_OK; i++)
        status = walk_forward(plan, &walks[i]);
    return status;
}

static clrnn_status step_backward(clrnn_plan *plan, const clr_walk *w, const clr_step *s)
{
    const clr_network *n = &plan->network;
    const clr_cell_operands *o = clr_plan_operands(plan, w->layer, w->direction);
    size_t H = n->desc.hidden_size, R = n->state, columns = n->gates * H;
    clrnn_slice du = n->form->two_inputs ? s->du : s->da;
    clrnn_status status = CLRNN_OK;

    if (n->desc.proj_size) {
        /* d(o*tanh(c_t)) = dh_t W_hr */
        status = clr_step_project_backward(&plan->stepwise, s);
        if (status == CLRNN_OK)
            status = multiply(plan, s, s->dproj, R, &o->d_projection,
                              (clr_matrix){s->dhid.buffer, s->dhid.offset, H}, false);
    }
    if (status == CLRNN_OK)
        status = clr_step_backward(&plan->stepwise, s);
    if (status == CLRNN_OK && n->form->phases > 1) {
        /* d(r*h_{t-1}) = da_n U_n */
        status =
            multiply(plan, s, at(s->da.buffer, s->da.offset + n->form->phase[1].first * H), columns,
                     &o->d_candidate, (clr_matrix){s->rec.buffer, s->rec.offset, H}, false);
        if (status == CLRNN_OK)
            status = clr_step_reset_backward(&plan->stepwise, s);
    }
    /* dh_{t-1} += du U */
    if (status == CLRNN_OK)
        status = multiply(plan, s, du, columns, &o->d_recurrent,
                          (clr_matrix){s->dh.buffer, s->dh.offset, R}, true);
    return status;
}

static clrnn_status walk_backward(clrnn_plan *plan, const clr_walk *w)
{
    const clr_network *n = &plan->network;
    const clr_flow flow = clr_flow_of(plan, w);
    size_t step = (size_t)w->layout->batch * n->gates * n->desc.hidden_size;
    size_t projected = (size_t)w->layout->batch * n->state;
    clrnn_status status = CLRNN_OK;
    for (uint32_t k = 0; k < w->end - w->begin && status == CLRNN_OK; k++) {
        uint32_t t = w->direction ? w->begin + k : w->end - 1 - k;
        clr_step s = step_of(plan, w, t);
        s.dh = at(plan->dh, flow.dh);
        s.dc = at(plan->dc, flow.dc);
        s.dhid = at(plan->dhid, 0);
        s.dproj = at(plan->dproj, flow.dproj + t * projected);
        s.da = at(plan->da, flow.da + t * step);
        s.du = at(plan->du, flow.da + t * step);
        status = step_backward(plan, w, &s);
    }
    return status;
}

static clrnn_status backward(clrnn_plan *plan, const clr_walk *walks, size_t count)
{
    clrnn_status status = CLRNN_OK;
    for (size_t i = 0; i < count && status == CLRNN_OK; i++)
        status = walk_backward(plan, &walks[i]);
    return status;
}

const clr_strategy clr_strategy_stepwise = {.name = "stepwise",
                                            .id = CLRNN_STRATEGY_STEPWISE,
                                            .reason = "it runs every network on every device",
                                            .automatic = CL_DEVICE_TYPE_ALL,
                                            .refuses = refuses,
                                            .init = init,
                                            .release = release,
                                            .pack = pack_cell,
                                            .forward = forward,
                                            .backward = backward,
                                            .notice = notice};
