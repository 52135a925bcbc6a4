/* SPDX-License-Identifier: MIT
 * layer/walks.c - see layer/walks.h. */
#include "layer/walks.h"

#include "base/clock.h"
#include "base/log.h"
#include "device/buffer.h"
#include "math/packed.h"

/* At the least speed that a device is thought to have a launch of so many operations takes 0.1 s,
 * and nothing else on the queue waits longer. Phases are counted in 32 bits. */
static const double operations_per_second = 2e10, launch_operations = 2e9;
enum { most_steps = 1 << 16 };

clrnn_status clr_walks_init(clrnn_plan *plan, const clr_walk_kind *kind)
{
    clrnn_status status =
        clr_persistent_init(plan->context, &plan->network, kind, &plan->persistent);
    if (status == CLRNN_OK && !plan->gemms.own) /* our own kernel packs the panels all the same */
        status =
            clr_packed_init(plan->context, kind->precision, kind->storage, &plan->gemms.packed);
    if (status == CLRNN_OK && plan->persistent.packs)
        status = clr_packed_share(&plan->gemms.packed, plan->persistent.packs);
    return status;
}

void clr_walks_release(clrnn_plan *plan)
{
    clr_persistent_free(&plan->persistent);
    clr_buffer_destroy(&plan->panels.buffer);
}

static uint32_t smaller(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

/* After an overrun groups do not meet for a while, twice as long after each further one: a core
 * that others use makes every meeting as long as their turn. */
static const double apart_first = 0.02, apart_most = 2;

/* Whether groups may meet in the next launch. A clock that was set back keeps nobody apart. */
bool clr_may_meet(clrnn_context *context)
{
    double now = clr_seconds();
    clr_lock_take(&context->lock);
    bool may = now >= context->apart_until || context->apart_until > now + apart_most;
    clr_lock_give(&context->lock);
    return may;
}

/* Note an overrun. Returns for how long groups are kept apart. */
static double keep_apart(clrnn_context *context)
{
    double now = clr_seconds();
    clr_lock_take(&context->lock);
    double last = context->apart_last;
    bool again = last > 0 && now < context->apart_until + 4 * last;
    double pause = !again ? apart_first : 2 * last < apart_most ? 2 * last : apart_most;
    context->apart_last = pause;
    context->apart_until = now + pause;
    clr_lock_give(&context->lock);
    return pause;
}

/* On a GPU a step of any size takes some microseconds, of which most are for the meeting: counted
 * as operations. */
static const double gpu_step_operations = 2e5;

static uint32_t steps_of_launch(const clrnn_plan *plan, uint32_t inputs, uint32_t batch,
                                size_t walks)
{
    const clr_network *n = &plan->network;
    double step =
        2.0 * n->gates * n->desc.hidden_size * ((double)inputs + n->state) * (double)walks * batch;
    if (plan->persistent.kind.items > 1)
        step += gpu_step_operations;
    double steps =
        (plan->launch_operations > 0 ? plan->launch_operations : launch_operations) / step;
    return steps < 1 ? 1 : steps < most_steps ? (uint32_t)steps : most_steps;
}

/* In units of a look at a counter, which takes some tens of nanoseconds: how much longer than a
 * step the input product of a block of `rows` may take. */
static uint32_t input_spins(const clrnn_plan *plan, uint32_t inputs, uint64_t rows)
{
    const clr_network *n = &plan->network;
    double operations = 2.0 * n->gates * n->desc.hidden_size * inputs * (double)rows;
    double spins = operations / operations_per_second / 10e-9;
    return spins < 1u << 30 ? (uint32_t)spins : 1u << 30;
}

/* The first meeting may wait longer: a system may let two groups begin on one core, and not see for
 * some milliseconds that another one has nothing to do. */
static uint32_t first_wait(const clr_shares *shares)
{
    return shares->most_spins < 1u << 28 ? 4 * shares->most_spins : shares->most_spins;
}

static size_t y_of(const clr_walk *w, uint32_t begin)
{
    return w->y.offset + (size_t)(begin - w->y_first) * w->layout->batch * w->y_stride;
}

static size_t weight_at(const clrnn_plan *plan, size_t offset)
{
    return offset == CLR_ABSENT ? 0 : plan->weights.offset + offset;
}

static cl_ulong from_of(cl_mem buffer, cl_mem store)
{
    return !buffer ? FROM_NOWHERE : buffer == store ? FROM_STORE : FROM_ARGUMENT;
}

/* Where the arrays lie for `steps` steps after `done` of a walk, or of a walk back. */
static walk_places places_of(const clrnn_plan *plan, const clr_walk *w, uint32_t done,
                             uint32_t steps, bool back)
{
    const clr_network *n = &plan->network;
    const clr_layout *l = w->layout;
    clr_cell_weights cell = clr_network_cell(n, w->layer, w->direction);
    bool down = (w->direction == 1) != back;
    uint32_t first = down ? w->end - done - steps : w->begin + done;
    uint32_t kept = first - w->gates_first;
    size_t panels = clr_panels_at(plan, w->layer, w->direction);
    walk_places at = {.x =
                          w->input.offset + (size_t)(first - w->begin) * l->batch * w->input.stride,
                      .input = panels + plan->panels.input,
                      .recurrent = panels + plan->panels.recurrent,
                      .projection = panels + plan->panels.projection,
                      .b_ih = weight_at(plan, cell.b_ih),
                      .b_hh = weight_at(plan, cell.b_hh),
                      .params = weight_at(plan, cell.params),
                      .gates = w->store_at + clr_layout_gates(l, n, w->layer, w->direction, kept),
                      .h = clr_walk_slot(plan, w, false, 0).offset,
                      .x_from = from_of(w->input.buffer, w->store),
                      .x_stride = w->input.stride,
                      .I = clr_network_cell(n, w->layer, 0).inputs,
                      .y = w->y.buffer ? y_of(w, first) : 0,
                      .y_from = from_of(w->y.buffer, w->store),
                      .y_stride = w->y_stride,
                      .first_t = first,
                      .down = w->direction};
    if (n->has_cell_state)
        at.c = clr_walk_slot(plan, w, true, 0).offset;
    if (n->saved)
        at.extra = w->store_at + clr_layout_extra(l, n, w->layer, w->direction, kept);
    return at;
}

/* The state before or after the steps of a launch: outside if it is the walk's own and given there,
 * else in its slot. */
static clrnn_slice state_of(const clrnn_plan *plan, const clr_walk *w, clrnn_slice outside,
                            bool own, bool memory, uint32_t done)
{
    if (memory && !plan->network.has_cell_state)
        return (clrnn_slice){NULL, 0};
    if (own && outside.buffer)
        return outside;
    return clr_walk_slot(plan, w, memory, w->direction ? w->end - done : w->begin + done);
}

static void place_states(const clrnn_plan *plan, const clr_walk *w, uint32_t done, uint32_t steps,
                         clr_forward_walk *f, walk_places *at)
{
    bool first = done == 0, last = done + steps == w->end - w->begin;
    clrnn_slice h_first = state_of(plan, w, w->h_first, first, false, done);
    clrnn_slice c_first = state_of(plan, w, w->c_first, first, true, done);
    clrnn_slice h_last = state_of(plan, w, w->h_last, last, false, done + steps);
    clrnn_slice c_last = state_of(plan, w, w->c_last, last, true, done + steps);
    f->h_first = h_first.buffer;
    f->c_first = c_first.buffer;
    f->h_last = h_last.buffer;
    f->c_last = c_last.buffer;
    at->h_first = h_first.offset;
    at->c_first = c_first.offset;
    at->h_last = h_last.offset;
    at->c_last = c_last.offset;
}

static uint32_t most_inputs(const clrnn_plan *plan, const clr_walk *walks, size_t count)
{
    size_t most = 0;
    for (size_t i = 0; i < count; i++) {
        size_t inputs = clr_network_cell(&plan->network, walks[i].layer, 0).inputs;
        most = inputs > most ? inputs : most;
    }
    return (uint32_t)most;
}

/* Steps whose input products come at once: INPUT_ROWS rows. Of a stack each layer keeps a block
 * behind the one below, so there an eighth of the steps, but two tiles of rows. */
static uint32_t block_of(const clr_shares *shares, uint32_t batch, uint32_t steps)
{
    const uint32_t few_rows = 12;
    uint32_t most = batch < INPUT_ROWS ? INPUT_ROWS / batch : 1;
    uint32_t least = batch < few_rows ? few_rows / batch : 1;
    uint32_t part = steps / 8 > least ? steps / 8 : least;
    return shares->stacked && !shares->solo ? smaller(part, most) : most;
}

clrnn_status clr_walks_forward(clrnn_plan *plan, const clr_walk *walks, size_t count,
                               const clr_shares *shares)
{
    const clr_walk *w = walks;
    const clr_layout *l = w->layout;
    /* resident finds the input products there. */
    bool alone = plan->persistent.kind.items == 1;
    uint32_t inputs = alone ? most_inputs(plan, walks, count) : 0;
    uint32_t total = w->end - w->begin, most = steps_of_launch(plan, inputs, l->batch, count);
    clrnn_status status = CLRNN_OK;
    for (uint32_t done = 0, steps; done < total && status == CLRNN_OK; done += steps) {
        steps = smaller(total - done, most);
        clr_forward_walk f = {.panels = plan->panels.buffer,
                              .weights = plan->weights.buffer,
                              .store = w->store,
                              .x = alone ? w->input.buffer : NULL,
                              .y = walks[count - 1].y.buffer,
                              .lengths = w->lengths,
                              .launch = {.keep = plan->desc.train,
                                         .slots = l->slots,
                                         .extras = smaller(l->extras, steps),
                                         .count = steps,
                                         .H = plan->network.desc.hidden_size,
                                         .R = plan->network.state,
                                         .N = l->batch,
                                         .block = block_of(shares, l->batch, steps)}};
        for (size_t d = 0; d < count; d++) {
            f.launch.walks[d] = places_of(plan, &walks[d], done, steps, false);
            place_states(plan, &walks[d], done, steps, &f, &f.launch.walks[d]);
        }
        f.launch.first_spins =
            first_wait(shares) +
            input_spins(plan, inputs, l->batch > INPUT_ROWS ? l->batch : INPUT_ROWS);
        status = clr_persistent_forward(&plan->persistent, &f, shares);
    }
    return status;
}

static void place_gradients(const clrnn_plan *plan, const clr_walk *w, walk_places *at)
{
    const clr_network *n = &plan->network;
    const clr_flow flow = clr_flow_of(plan, w);
    size_t panels = clr_panels_at(plan, w->layer, w->direction);
    size_t row = (size_t)at->first_t * w->layout->batch;
    at->d_recurrent = panels + plan->panels.d_recurrent;
    at->d_candidate = panels + plan->panels.d_candidate;
    at->d_projection = panels + plan->panels.d_projection;
    at->dh = flow.dh;
    at->dc = flow.dc;
    at->dproj = flow.dproj + row * n->state;
    at->da = flow.da + row * n->gates * n->desc.hidden_size;
}

clrnn_status clr_walks_backward(clrnn_plan *plan, const clr_walk *walks, size_t count,
                                const clr_shares *shares)
{
    const clr_walk *w = walks;
    const clr_layout *l = w->layout;
    uint32_t total = w->end - w->begin, most = steps_of_launch(plan, 0, l->batch, count);
    clrnn_status status = CLRNN_OK;
    for (uint32_t done = 0, steps; done < total && status == CLRNN_OK; done += steps) {
        steps = smaller(total - done, most);
        clr_backward_walk b = {.panels = plan->panels.buffer,
                               .weights = plan->weights.buffer,
                               .store = w->store,
                               .dy = w->y.buffer,
                               .dh = plan->dh,
                               .dc = plan->dc,
                               .dproj = plan->dproj,
                               .da = plan->da,
                               .du = plan->du,
                               .lengths = w->lengths,
                               .launch = {.slots = l->slots,
                                          .extras = smaller(l->extras, steps),
                                          .count = steps,
                                          .H = plan->network.desc.hidden_size,
                                          .R = plan->network.state,
                                          .N = l->batch,
                                          .first_spins = first_wait(shares)}};
        for (size_t d = 0; d < count; d++) {
            b.launch.walks[d] = places_of(plan, &walks[d], done, steps, true);
            place_gradients(plan, &walks[d], &b.launch.walks[d]);
        }
        status = clr_persistent_backward(&plan->persistent, &b, shares);
    }
    return status;
}

void clr_walks_notice(clrnn_plan *plan)
{
    clrnn_context *context = plan->context;
    uint32_t repairs = plan->persistent.repairs ? (uint32_t)*plan->persistent.repairs : 0;
    if (repairs == plan->panels.repairs)
        return;
    clr_log(&context->log, CLRNN_LOG_INFO,
            "%s: in %u launches work-groups waited for one another in vain, as when other programs "
            "use the cores; the results are right; groups do not meet for %.0f ms",
            context->info.name, repairs - plan->panels.repairs, 1e3 * keep_apart(context));
    plan->panels.repairs = repairs;
}
