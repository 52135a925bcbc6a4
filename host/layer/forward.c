/* SPDX-License-Identifier: MIT
 * layer/forward.c - one forward pass: input products over many steps, then the strategy. */
#include "base/log.h"
#include "device/buffer.h"
#include "layer/empty.h"
#include "layer/narrow.h"
#include "layer/scan.h"
#include "layer/strategy.h"
#include "math/persistent.h"

/* The part of a scan's cell in a caller's array of states [L*D,N,width]. */
static clrnn_slice state_of(const clrnn_plan *plan, const clr_scan *w, clrnn_slice array,
                            bool cell_state)
{
    const clr_network *n = &plan->network;
    size_t width = cell_state ? n->desc.hidden_size : n->state_size;
    size_t cell = (size_t)w->layer * n->directions + w->direction;
    return (clrnn_slice){array.buffer, array.offset + cell * w->layout->batch * width};
}

/* Inference begins with the caller's states where they lie, or with zeros. */
static clrnn_slice first_state(const clrnn_plan *plan, const clr_scan *w, clrnn_slice array,
                               bool cell_state)
{
    return array.buffer ? state_of(plan, w, array, cell_state) : (clrnn_slice){plan->zeros, 0};
}

/* Whether final states may be written where the initial ones lie: not in the same step, in which
 * groups read what others write. */
static bool lasts_directly(const clr_pass *pass, clrnn_slice first, clrnn_slice last)
{
    return last.buffer && (pass->steps > 1 || first.buffer != last.buffer);
}

/* Where the states of a scan come from and go, if it is the first or the last of its cell. Training
 * keeps them all in the reserve, from which its copies are made. */
static void place_states(const clrnn_plan *plan, const clr_pass *pass, const clrnn_forward_io *io,
                         bool first, bool last, clr_scan *w)
{
    bool cell_state = plan->network.has_cell_state;
    if (plan->desc.train)
        return;
    if (first)
        w->h_first = first_state(plan, w, io->h0, false);
    if (first && cell_state)
        w->c_first = first_state(plan, w, io->c0, true);
    if (last && lasts_directly(pass, io->h0, io->hn))
        w->h_last = state_of(plan, w, io->hn, false);
    if (last && cell_state && lasts_directly(pass, io->c0, io->cn))
        w->c_last = state_of(plan, w, io->cn, true);
}

/* Copy a state [N,width] of every cell between a contiguous array [L*D,N,width] and the slot of the
 * layout where it begins (`initial`) or ends; an absent array stands for zeros. */
static clrnn_status move_states(clrnn_plan *plan, const clr_pass *pass, clrnn_slice array,
                                bool cell_state, bool initial)
{
    const clr_network *n = &plan->network;
    size_t bytes =
        pass->batch * (cell_state ? n->desc.hidden_size : n->state_size) * plan->real_bytes;
    clrnn_status status = CLRNN_OK;
    for (uint32_t cell = 0; cell < n->layers * n->directions && status == CLRNN_OK; cell++) {
        uint32_t layer = cell / n->directions, direction = cell % n->directions;
        clr_scan w = clr_scan_of(plan, pass, layer, direction, 0, pass->steps);
        clrnn_slice inside =
            clr_scan_slot(plan, &w, cell_state, w.down == initial ? pass->steps : 0);
        size_t workspace = inside.offset * plan->real_bytes;
        size_t outside = array.offset * plan->real_bytes + cell * bytes;
        if (!array.buffer)
            status = clr_buffer_zero(plan->context, pass->workspace, workspace, bytes);
        else if (initial)
            status = clr_buffer_copy(plan->context, array.buffer, outside, pass->workspace,
                                     workspace, bytes);
        else
            status = clr_buffer_copy(plan->context, pass->workspace, workspace, array.buffer,
                                     outside, bytes);
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

/* The scan of a layer and direction over steps begin..end-1 (counted from the end for the backward
 * direction). */
static clr_scan chunk_of(const clrnn_plan *plan, const clr_pass *pass, const clrnn_forward_io *io,
                         uint32_t layer, uint32_t direction, uint32_t begin, uint32_t end)
{
    const clr_network *n = &plan->network;
    bool top = layer + 1 == n->layers;
    /* Below the top, forward-only inference keeps the output of the present chunk alone. */
    uint32_t y_first = pass->layout.y_steps == pass->steps ? 0 : begin;
    uint32_t input_first = layer == 0 ? pass->first : y_first;
    uint32_t T = pass->steps;
    clr_scan w = !clr_network_down(n, direction)
                     ? clr_scan_of(plan, pass, layer, direction, begin, end)
                     : clr_scan_of(plan, pass, layer, direction, T - end, T - begin);
    w.input = clr_layer_input(plan, pass, io->x, layer);
    w.input.offset += (size_t)(w.begin - input_first) * pass->batch * w.input.stride;
    w.y = top ? io->y
              : (clrnn_slice){pass->workspace,
                              pass->workspace_at + clr_layout_y(&pass->layout, layer)};
    w.y_first = top ? pass->first : y_first;
    if (plan->apart && w.y.buffer) {
        w.y = (clrnn_slice){plan->apart, 0};
        w.y_first = 0;
    }
    w.y.offset += (size_t)direction * n->state_size;
    w.y_stride = (size_t)n->directions * n->state_size;
    place_states(plan, pass, io, begin == 0, end == T, &w);
    return w;
}

/* How many layers from `layer` up are scanned at once over `steps` steps. */
static uint32_t layers_at_once(const clrnn_plan *plan, const clr_pass *pass, uint32_t layer,
                               uint32_t steps)
{
    const clr_network *n = &plan->network;
    if (n->back_in_time || layer + 1 == n->layers || plan->desc.dropout > 0 ||
        !plan->strategy->layers)
        return 1;
    return plan->strategy->layers(plan, steps, pass->batch);
}

/* The scans of steps begin..end-1 of some layers. Returns how many there are. */
static size_t list_scans(const clrnn_plan *plan, const clr_pass *pass, const clrnn_forward_io *io,
                         uint32_t layer, uint32_t layers, uint32_t begin, uint32_t end,
                         clr_scan scans[MOST_SCANS])
{
    size_t count = 0;
    for (uint32_t i = layer; i < layer + layers; i++)
        for (uint32_t d = 0; d < plan->network.directions; d++)
            scans[count++] = chunk_of(plan, pass, io, i, d, begin, end);
    return count;
}

/* The output of a layer that has another above it. */
static clrnn_status drop_out(clrnn_plan *plan, const clr_pass *pass, const clrnn_forward_io *io,
                             uint32_t layer)
{
    const clr_network *n = &plan->network;
    if (plan->desc.dropout == 0 || layer + 1 == n->layers)
        return CLRNN_OK;
    const clr_drop drop = clr_drop_of(plan, io, layer);
    return clr_dropout(&plan->sequence, clr_layer_input(plan, pass, io->x, layer + 1), pass->steps,
                       pass->batch, n->width, &drop);
}

/* What two directions of a layer have made apart, added: its output. With `repeat` steps of the top
 * one that do not count repeat others first. */
static clrnn_status add_directions(clrnn_plan *plan, const clr_pass *pass,
                                   const clrnn_forward_io *io, uint32_t layer)
{
    const clr_network *n = &plan->network;
    const bool top = layer + 1 == n->layers;
    const clrnn_slice to =
        top ? io->y
            : (clrnn_slice){pass->workspace,
                            pass->workspace_at + clr_layout_y(&pass->layout, layer)};
    clrnn_status status = CLRNN_OK;
    if (!plan->apart || !to.buffer)
        return CLRNN_OK;
    if (top)
        status = clr_pass_fill(plan, pass, (clrnn_slice){plan->apart, 0});
    return status == CLRNN_OK ? clr_add_halves(&plan->sequence, (clrnn_slice){plan->apart, 0}, to,
                                               (size_t)pass->steps * pass->batch, n->state_size)
                              : status;
}

/* How time is cut here. A span of steps goes through all layers, from the lowest up, one or two of
 * them at once; and in each through chunks, whose gates fit the work memory:
 *
 *     with a backward direction, or to train, each layer must be complete before the next one: one
 *     span of all T, in chunks
 *
 *     else a span is a chunk, so that of no layer the whole output is kept */
static clrnn_status run(clrnn_plan *plan, const clr_pass *pass, const clrnn_forward_io *io)
{
    clrnn_status status = CLRNN_OK;
    if (pass->number && pass->number == plan->repeatable && plan->strategy->again &&
        plan->strategy->again(plan, &status))
        return status;
    plan->repeatable = 0;
    const bool whole = plan->network.back_in_time || plan->desc.train;
    const uint32_t T = pass->steps, chunk = pass->layout.steps, span = whole ? T : chunk;
    uint32_t calls = 0;
    for (uint32_t first = 0, last; first < T && status == CLRNN_OK; first = last) {
        last = T - first < span ? T : first + span;
        clr_pass own = *pass;
        clrnn_forward_io wide;
        status = clr_narrow_enter(plan, io, first, last, &own, &wide);
        for (uint32_t layer = 0, some; layer < plan->network.layers && status == CLRNN_OK;
             layer += some) {
            some = layers_at_once(plan, &own, layer, last - first);
            for (uint32_t begin = first, end; begin < last && status == CLRNN_OK; begin = end) {
                end = last - begin < chunk ? last : begin + chunk;
                clr_scan scans[MOST_SCANS];
                size_t count = list_scans(plan, &own, &wide, layer, some, begin, end, scans);
                status = plan->strategy->forward(plan, scans, count);
                calls++;
            }
            if (status == CLRNN_OK)
                status = add_directions(plan, &own, &wide, layer);
            if (status == CLRNN_OK)
                status = drop_out(plan, &own, &wide, layer);
        }
        if (status == CLRNN_OK)
            status = clr_pass_pad(plan, &own, &wide, first, last);
        if (status == CLRNN_OK)
            status = clr_narrow_leave(plan, io, first, last, &own);
    }
    if (status == CLRNN_OK && !plan->apart)
        status = clr_pass_fill(plan, pass, io->y);
    plan->repeatable = status == CLRNN_OK && calls == 1 ? pass->number : 0;
    return status;
}

static clrnn_status pass_forward(clrnn_plan *plan, const clrnn_forward_io *io, const clr_pass *pass,
                                 cl_event *done)
{
    clrnn_status status = clr_pass_start(plan, io, pass);
    if (status == CLRNN_OK)
        status = begin_states(plan, pass, io);
    if (status == CLRNN_OK)
        status = run(plan, pass, io);
    if (status == CLRNN_OK)
        status = end_states(plan, pass, io);
    return status == CLRNN_OK ? clr_pass_end(plan, done) : status;
}

static bool is_same(clrnn_slice a, clrnn_slice b)
{
    return a.buffer == b.buffer && a.offset == b.offset;
}

static bool is_alike(const clrnn_forward_io *a, const clrnn_forward_io *b)
{
    return a->steps == b->steps && a->batch == b->batch && a->dropout_seed == b->dropout_seed &&
           a->dropout_index == b->dropout_index && is_same(a->x, b->x) && is_same(a->h0, b->h0) &&
           is_same(a->c0, b->c0) && is_same(a->y, b->y) && is_same(a->hn, b->hn) &&
           is_same(a->cn, b->cn) && is_same(a->reserve, b->reserve);
}

clrnn_status clr_pass_again(clrnn_plan *plan, const clrnn_forward_io *io, clr_repeated *last)
{
    clrnn_status status = CLRNN_OK;
    if (!last->pass.number || !is_alike(&last->io, io)) {
        last->io = *io;
        status = clr_pass_begin(plan, io, &last->pass);
        last->pass.number = status == CLRNN_OK ? ++plan->numbered : 0;
    }
    return status == CLRNN_OK ? pass_forward(plan, io, &last->pass, NULL) : status;
}

clrnn_status clrnn_forward(clrnn_plan *plan, const clrnn_forward_io *io, cl_event *done)
{
    if (!plan)
        return CLRNN_ERR_ARGUMENT;
    if (!io)
        return clr_fail(&plan->context->log, CLRNN_ERR_ARGUMENT, "forward: io is NULL");
    if (clr_is_empty(io->steps, io->batch))
        return clr_empty_forward(plan, io, done);
    clr_pass pass;
    clrnn_status status = clr_pass_begin(plan, io, &pass);
    return status == CLRNN_OK ? pass_forward(plan, io, &pass, done) : status;
}
