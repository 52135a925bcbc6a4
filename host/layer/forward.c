/* SPDX-License-Identifier: MIT
 * layer/forward.c - one forward pass: input products over many steps, then the strategy. */
#include "base/checked.h"
#include "base/log.h"
#include "device/buffer.h"
#include "layer/plan.h"

size_t clr_count_x(const clrnn_plan *plan, const clr_pass *pass)
{
    return (size_t)pass->steps * pass->batch * plan->network.desc.input_size;
}

size_t clr_count_y(const clrnn_plan *plan, const clr_pass *pass)
{
    return (size_t)pass->steps * pass->batch * plan->network.directions * plan->network.state;
}

size_t clr_count_h(const clrnn_plan *plan, const clr_pass *pass)
{
    const clr_network *n = &plan->network;
    return (size_t)n->layers * n->directions * pass->batch * n->state;
}

size_t clr_count_c(const clrnn_plan *plan, const clr_pass *pass)
{
    const clr_network *n = &plan->network;
    return (size_t)n->layers * n->directions * pass->batch * n->desc.hidden_size;
}

clrnn_status clr_slice_check(const clrnn_plan *plan, clrnn_slice slice, size_t count, size_t bytes,
                             const char *name)
{
    if (!slice.buffer)
        return CLRNN_OK;
    size_t have = clr_buffer_size(slice.buffer) / bytes;
    if (slice.offset > have || count > have - slice.offset)
        return clr_fail(&plan->context->log, CLRNN_ERR_RANGE,
                        "slice %s: needs %zu elements from offset %zu, the buffer holds %zu", name,
                        count, slice.offset, have);
    return CLRNN_OK;
}

static clrnn_status check_presence(const clrnn_plan *plan, const clrnn_forward_io *io)
{
    const clrnn_log *log = &plan->context->log;
    if (!plan->weights.buffer)
        return clr_fail(log, CLRNN_ERR_ARGUMENT, "forward: the plan has no weights yet");
    if (!io->x.buffer)
        return clr_fail(log, CLRNN_ERR_ARGUMENT, "forward: x is absent");
    if (!plan->network.has_cell_state && (io->c0.buffer || io->cn.buffer))
        return clr_fail(log, CLRNN_ERR_ARGUMENT, "forward: c0 and cn belong to LSTM only");
    if (plan->desc.train != (io->reserve.buffer != NULL))
        return clr_fail(log, CLRNN_ERR_ARGUMENT, "forward: the reserve is %s",
                        plan->desc.train ? "absent, but the plan trains"
                                         : "present, but the plan does not train");
    return CLRNN_OK;
}

static clrnn_status check_slices(const clrnn_plan *plan, const clrnn_forward_io *io,
                                 const clr_pass *pass)
{
    const struct {
        clrnn_slice slice;
        size_t count, bytes;
        const char *name;
    } all[] = {{io->x, clr_count_x(plan, pass), plan->sequence_bytes, "x"},
               {io->h0, clr_count_h(plan, pass), plan->real_bytes, "h0"},
               {io->c0, clr_count_c(plan, pass), plan->real_bytes, "c0"},
               {io->y, clr_count_y(plan, pass), plan->sequence_bytes, "y"},
               {io->hn, clr_count_h(plan, pass), plan->real_bytes, "hn"},
               {io->cn, clr_count_c(plan, pass), plan->real_bytes, "cn"},
               {io->reserve, pass->layout.total, plan->real_bytes, "reserve"}};
    clrnn_status status = CLRNN_OK;
    for (size_t i = 0; i < sizeof all / sizeof *all && status == CLRNN_OK; i++)
        status = clr_slice_check(plan, all[i].slice, all[i].count, all[i].bytes, all[i].name);
    return status;
}

static clrnn_status check_lengths(const clrnn_plan *plan, const uint32_t *lengths,
                                  const clr_pass *pass)
{
    for (uint32_t n = 0; lengths && n < pass->batch; n++)
        if (lengths[n] > pass->steps)
            return clr_fail(&plan->context->log, CLRNN_ERR_RANGE,
                            "lengths[%u] is %u, more than the %u steps", n, lengths[n],
                            pass->steps);
    return CLRNN_OK;
}

clrnn_status clr_pass_begin(clrnn_plan *plan, const clrnn_forward_io *io, clr_pass *pass)
{
    const clrnn_log *log = &plan->context->log;
    clr_pass p = {.steps = io->steps ? io->steps : plan->desc.max_steps,
                  .batch = io->batch ? io->batch : plan->desc.max_batch,
                  .ragged = io->lengths != NULL};
    if (p.steps > plan->desc.max_steps || p.batch > plan->desc.max_batch)
        return clr_fail(log, CLRNN_ERR_RANGE, "T=%u N=%u, but the plan is for T=%u N=%u at most",
                        p.steps, p.batch, plan->desc.max_steps, plan->desc.max_batch);
    uint32_t piece = p.steps < plan->piece ? p.steps : plan->piece;
    p.store = plan->desc.train ? io->reserve.buffer : plan->store;
    p.store_at = plan->desc.train ? io->reserve.offset : 0;
    clrnn_status status = check_presence(plan, io);
    if (status == CLRNN_OK)
        status = plan->desc.train
                     ? clr_layout_train(&plan->network, p.steps, p.batch, log, &p.layout)
                     : clr_layout_infer(&plan->network, p.steps, piece, p.batch, log, &p.layout);
    if (status == CLRNN_OK)
        status = check_slices(plan, io, &p);
    if (status == CLRNN_OK)
        status = check_lengths(plan, io->lengths, &p);
    *pass = p;
    return status;
}

clr_matrix clr_layer_input(const clrnn_plan *plan, const clr_pass *pass, clrnn_slice x,
                           uint32_t layer)
{
    if (layer == 0)
        return (clr_matrix){x.buffer, x.offset, plan->network.desc.input_size};
    return (clr_matrix){pass->store, pass->store_at + clr_layout_y(&pass->layout, layer - 1),
                        (size_t)plan->network.directions * plan->network.state};
}

clr_walk clr_walk_of(const clrnn_plan *plan, const clr_pass *pass, uint32_t layer,
                     uint32_t direction, uint32_t begin, uint32_t end)
{
    return (clr_walk){.layer = layer,
                      .direction = direction,
                      .begin = begin,
                      .end = end,
                      .gates_first = plan->desc.train ? 0 : begin,
                      .lengths = pass->ragged ? plan->lengths : NULL,
                      .layout = &pass->layout,
                      .store = pass->store,
                      .store_at = pass->store_at};
}

clrnn_slice clr_walk_slot(const clrnn_plan *plan, const clr_walk *w, bool memory, uint32_t slot)
{
    const clr_network *n = &plan->network;
    size_t at = memory ? clr_layout_c(w->layout, n, w->layer, w->direction, slot)
                       : clr_layout_h(w->layout, n, w->layer, w->direction, slot);
    return (clrnn_slice){w->store, w->store_at + at};
}

/* The part of a walk's cell in a caller's array of states [L*D,N,width]. */
static clrnn_slice state_of(const clrnn_plan *plan, const clr_walk *w, clrnn_slice array,
                            bool memory)
{
    const clr_network *n = &plan->network;
    size_t width = memory ? n->desc.hidden_size : n->state;
    size_t cell = (size_t)w->layer * n->directions + w->direction;
    return (clrnn_slice){array.buffer, array.offset + cell * w->layout->batch * width};
}

/* Inference begins with the caller's states where they lie, or with zeros. */
static clrnn_slice first_state(const clrnn_plan *plan, const clr_walk *w, clrnn_slice array,
                               bool memory)
{
    return array.buffer ? state_of(plan, w, array, memory) : (clrnn_slice){plan->zeros, 0};
}

/* Whether final states may be written where the initial ones lie: not in the same step, in which
 * groups read what others write. */
static bool lasts_directly(const clr_pass *pass, clrnn_slice first, clrnn_slice last)
{
    return last.buffer && (pass->steps > 1 || first.buffer != last.buffer);
}

/* Where the states of a walk come from and go, if it is the first or the last of its cell. Training
 * keeps them all in the reserve, from which its copies are made. */
static void place_states(const clrnn_plan *plan, const clr_pass *pass, const clrnn_forward_io *io,
                         bool first, bool last, clr_walk *w)
{
    bool memory = plan->network.has_cell_state;
    if (plan->desc.train)
        return;
    if (first)
        w->h_first = first_state(plan, w, io->h0, false);
    if (first && memory)
        w->c_first = first_state(plan, w, io->c0, true);
    if (last && lasts_directly(pass, io->h0, io->hn))
        w->h_last = state_of(plan, w, io->hn, false);
    if (last && memory && lasts_directly(pass, io->c0, io->cn))
        w->c_last = state_of(plan, w, io->cn, true);
}

clrnn_status clr_walk_inputs(clrnn_plan *plan, const clr_walk *w)
{
    const clr_network *n = &plan->network;
    size_t gates =
        clr_layout_gates(w->layout, n, w->layer, w->direction, w->begin - w->gates_first);
    const clr_gemm gemm = {
        .m = (size_t)(w->end - w->begin) * w->layout->batch,
        .a = w->input,
        .prepared = &clr_plan_operands(plan, w->layer, w->direction)->input,
        .c = {w->store, w->store_at + gates, (size_t)n->gates * n->desc.hidden_size}};
    return clr_gemm_run(&plan->gemms, &gemm);
}

/* Copy a state [N,width] of every cell between a contiguous array [L*D,N,width] and the slot of the
 * layout where it begins (`initial`) or ends; an absent array stands for zeros. */
static clrnn_status move_states(clrnn_plan *plan, const clr_pass *pass, clrnn_slice array,
                                bool memory, bool initial)
{
    const clr_network *n = &plan->network;
    size_t bytes = pass->batch * (memory ? n->desc.hidden_size : n->state) * plan->real_bytes;
    clrnn_status status = CLRNN_OK;
    for (uint32_t cell = 0; cell < n->layers * n->directions && status == CLRNN_OK; cell++) {
        uint32_t layer = cell / n->directions, direction = cell % n->directions;
        clr_walk w = clr_walk_of(plan, pass, layer, direction, 0, pass->steps);
        clrnn_slice inside =
            clr_walk_slot(plan, &w, memory, (direction == 1) == initial ? pass->steps : 0);
        size_t store = inside.offset * plan->real_bytes;
        size_t outside = array.offset * plan->real_bytes + cell * bytes;
        if (!array.buffer)
            status = clr_buffer_zero(plan->context, pass->store, store, bytes);
        else if (initial)
            status =
                clr_buffer_copy(plan->context, array.buffer, outside, pass->store, store, bytes);
        else
            status =
                clr_buffer_copy(plan->context, pass->store, store, array.buffer, outside, bytes);
    }
    return status;
}

static clrnn_status begin_states(clrnn_plan *plan, const clr_pass *pass, const clrnn_forward_io *io)
{
    if (!plan->desc.train)
        return CLRNN_OK;
    clrnn_status status = move_states(plan, pass, io->h0, false, true);
    if (status == CLRNN_OK && plan->network.has_cell_state)
        status = move_states(plan, pass, io->c0, true, true);
    return status;
}

static clrnn_status end_states(clrnn_plan *plan, const clr_pass *pass, const clrnn_forward_io *io)
{
    bool all = plan->desc.train;
    clrnn_status status = CLRNN_OK;
    if (io->hn.buffer && (all || !lasts_directly(pass, io->h0, io->hn)))
        status = move_states(plan, pass, io->hn, false, false);
    if (status == CLRNN_OK && io->cn.buffer && (all || !lasts_directly(pass, io->c0, io->cn)))
        status = move_states(plan, pass, io->cn, true, false);
    return status;
}

/* The walk of a layer and direction over steps begin..end-1 (counted from the end for the backward
 * direction). */
static clr_walk piece_of(const clrnn_plan *plan, const clr_pass *pass, const clrnn_forward_io *io,
                         uint32_t layer, uint32_t direction, uint32_t begin, uint32_t end)
{
    const clr_network *n = &plan->network;
    bool top = layer + 1 == n->layers;
    /* Below the top, forward-only inference keeps the output of the present piece alone. */
    uint32_t y_first = pass->layout.y_steps == pass->steps ? 0 : begin;
    uint32_t input_first = layer == 0 ? pass->first : y_first;
    uint32_t T = pass->steps;
    clr_walk w = direction == 0 ? clr_walk_of(plan, pass, layer, 0, begin, end)
                                : clr_walk_of(plan, pass, layer, 1, T - end, T - begin);
    w.input = clr_layer_input(plan, pass, io->x, layer);
    w.input.offset += (size_t)(w.begin - input_first) * pass->batch * w.input.stride;
    w.y = top ? io->y
              : (clrnn_slice){pass->store, pass->store_at + clr_layout_y(&pass->layout, layer)};
    w.y.offset += (size_t)direction * n->state;
    w.y_first = top ? pass->first : y_first;
    w.y_stride = (size_t)n->directions * n->state;
    place_states(plan, pass, io, begin == 0, end == T, &w);
    return w;
}

/* How many layers from `layer` up are walked at once over `steps` steps. */
static uint32_t layers_at_once(const clrnn_plan *plan, const clr_pass *pass, uint32_t layer,
                               uint32_t steps)
{
    const clr_network *n = &plan->network;
    if (n->directions == 2 || layer + 1 == n->layers || plan->desc.dropout > 0 ||
        !plan->strategy->layers)
        return 1;
    return plan->strategy->layers(plan, steps, pass->batch);
}

/* Run steps begin..end-1 of some layers. */
static clrnn_status run_piece(clrnn_plan *plan, const clr_pass *pass, const clrnn_forward_io *io,
                              uint32_t layer, uint32_t layers, uint32_t begin, uint32_t end)
{
    clr_walk walks[MOST_WALKS];
    size_t count = 0;
    for (uint32_t i = layer; i < layer + layers; i++)
        for (uint32_t d = 0; d < plan->network.directions; d++)
            walks[count++] = piece_of(plan, pass, io, i, d, begin, end);
    return plan->strategy->forward(plan, walks, count);
}

/* Run all steps of some layers. */
static clrnn_status run_whole(clrnn_plan *plan, const clr_pass *pass, const clrnn_forward_io *io,
                              uint32_t layer, uint32_t layers)
{
    const clr_network *n = &plan->network;
    uint32_t T = pass->steps, piece = pass->layout.steps;
    clrnn_status status = CLRNN_OK;
    for (uint32_t begin = 0, end; begin < T && status == CLRNN_OK; begin = end) {
        end = T - begin < piece ? T : begin + piece;
        status = run_piece(plan, pass, io, layer, layers, begin, end);
    }
    if (status == CLRNN_OK && plan->desc.dropout > 0 && layer + 1 < n->layers)
        status = clr_dropout(&plan->sequence, clr_layer_input(plan, pass, io->x, layer + 1), T,
                             pass->batch, (size_t)n->directions * n->state, plan->desc.dropout,
                             io->dropout_seed, io->dropout_index, layer);
    return status;
}

/* Run steps begin..end-1 of all layers. through: a piece that goes through all of them, so that of
 * no layer the whole output is kept; else all steps, each layer complete before the next one. */
static clrnn_status run_layers(clrnn_plan *plan, const clr_pass *pass, const clrnn_forward_io *io,
                               bool through, uint32_t begin, uint32_t end)
{
    clr_pass own = *pass;
    clrnn_forward_io wide;
    clrnn_status status = clr_sequences_enter(plan, io, begin, end, &own, &wide);
    for (uint32_t layer = 0, some; layer < plan->network.layers && status == CLRNN_OK;
         layer += some) {
        some = layers_at_once(plan, &own, layer, end - begin);
        status = through ? run_piece(plan, &own, &wide, layer, some, begin, end)
                         : run_whole(plan, &own, &wide, layer, some);
    }
    return status == CLRNN_OK ? clr_sequences_leave(plan, io, begin, end, &own) : status;
}

/* With a backward direction, or to train, each layer must be complete before the next one. */
static clrnn_status run(clrnn_plan *plan, const clr_pass *pass, const clrnn_forward_io *io)
{
    bool through = plan->network.directions == 1 && !plan->desc.train;
    uint32_t T = pass->steps, piece = through ? pass->layout.steps : T;
    clrnn_status status = CLRNN_OK;
    for (uint32_t begin = 0, end; begin < T && status == CLRNN_OK; begin = end) {
        end = T - begin < piece ? T : begin + piece;
        status = run_layers(plan, pass, io, through, begin, end);
    }
    return status;
}

clrnn_status clrnn_forward(clrnn_plan *plan, const clrnn_forward_io *io, cl_event *done)
{
    if (!plan)
        return CLRNN_ERR_ARGUMENT;
    if (!io)
        return clr_fail(&plan->context->log, CLRNN_ERR_ARGUMENT, "forward: io is NULL");
    clr_pass pass;
    clrnn_status status = clr_pass_begin(plan, io, &pass);
    if (status == CLRNN_OK && pass.ragged)
        status = clr_buffer_write(plan->context, plan->lengths, 0, pass.batch * sizeof(cl_int),
                                  io->lengths);
    if (status == CLRNN_OK)
        status = begin_states(plan, &pass, io);
    if (status == CLRNN_OK)
        status = run(plan, &pass, io);
    if (status == CLRNN_OK)
        status = end_states(plan, &pass, io);
    if (status == CLRNN_OK && done)
        status = clr_marker(plan->context, done);
    return status;
}
