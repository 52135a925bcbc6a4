/* SPDX-License-Identifier: MIT
 * reference/reference.c - scans sequences, layers, directions and steps around the cells.
 *
 * The rows of a batch know nothing of each other, so one sequence after the other goes through the
 * whole stack, forward and at once back. Lengths, padding and the direction of time come to this:
 * a direction takes `length` steps, its step k at time k, or length-1-k if it scans backward. */
#include "reference/reference.h"

#include <string.h>

#include "base/log.h"
#include "base/philox.h"
#include "reference/pass.h"

/* By clrnn_cell. */
#define CELL(id, name) [CLRNN_CELL_##id] = &clr_ref_##name,
static const clr_ref_cell *const cells[] = {CLR_CELLS(CELL)};

/* Vectors first..first+count-1 of this row of an array [*,N,width]; an absent one is zeros. */
static void load(const clr_ref_pass *p, double *to, const double *from, size_t first, size_t count,
                 size_t width)
{
    for (size_t k = 0; k < count; k++)
        for (size_t i = 0; i < width; i++)
            to[k * width + i] = from ? from[((first + k) * p->io->batch + p->row) * width + i] : 0;
}

/* The way back; nothing to store (NULL) is zeros, an array that is not wanted (NULL) stays away. */
static void store(const clr_ref_pass *p, double *to, const double *from, size_t first, size_t count,
                  size_t width)
{
    for (size_t k = 0; k < count && to; k++)
        for (size_t i = 0; i < width; i++)
            to[((first + k) * p->io->batch + p->row) * width + i] = from ? from[k * width + i] : 0;
}

/* A whole sequence, with zeros past its length. */
static void store_padded(const clr_ref_pass *p, double *to, const double *from, size_t width)
{
    store(p, to, from, 0, p->length, width);
    store(p, to, NULL, p->length, p->io->steps - p->length, width);
}

/* The parameters of layer norm, if there are any. */
static void place_norms(clr_ref_layer *l, const clr_cell_weights *at, const double *w, double *dw)
{
    if (at->ln_ih != CLR_ABSENT) {
        l->ln_ih = w + at->ln_ih;
        l->ln_hh = w + at->ln_hh;
        l->dln_ih = dw + at->ln_ih;
        l->dln_hh = dw + at->ln_hh;
    }
    if (at->ln_c != CLR_ABSENT) {
        l->ln_c = w + at->ln_c;
        l->bias_ln_c = w + at->bias_ln_c;
        l->dln_c = dw + at->ln_c;
        l->dbias_ln_c = dw + at->bias_ln_c;
    }
}

static clr_ref_layer layer_of(const clr_ref_pass *p, uint32_t layer, uint32_t direction)
{
    clr_cell_weights at = clr_network_cell(&p->net, layer, direction);
    const double *w = p->io->weights;
    double *dw = p->dweights;
    bool bias = at.b_ih != CLR_ABSENT, both = at.b_hh != CLR_ABSENT;
    bool projected = at.w_hr != CLR_ABSENT, params = at.params != CLR_ABSENT;
    clr_ref_layer l = {
        .desc = &p->net.desc,
        .gates = p->net.gates,
        .inputs = at.inputs,
        .hidden = p->net.desc.hidden_size,
        .state_size = p->net.state_size,
        .w_ih = w + at.w_ih,
        .w_hh = w + at.w_hh,
        .b_ih = bias ? w + at.b_ih : NULL,
        .b_hh = both ? w + at.b_hh : NULL,
        .w_hr = projected ? w + at.w_hr : NULL,
        .params = params ? w + at.params : NULL,
        .dw_ih = dw + at.w_ih,
        .dw_hh = dw + at.w_hh,
        .db_ih = bias ? dw + at.b_ih : NULL,
        .db_hh = both ? dw + at.b_hh : NULL,
        .dw_hr = projected ? dw + at.w_hr : NULL,
        .dparams = params ? dw + at.params : NULL,
        .epsilon = p->net.epsilon,
    };
    place_norms(&l, &at, w, dw);
    for (uint32_t i = 0; i < CLRNN_ACTIVATIONS; i++)
        l.activations[i] = clr_cell_activation(p->net.cell, &p->net.desc, direction, i);
    return l;
}

/* When step k of a direction takes place. */
static size_t time_of(const clr_ref_pass *p, uint32_t direction, size_t k)
{
    return clr_network_down(&p->net, direction) ? p->length - 1 - k : k;
}

/* Whether step t counts; whether the state before it is 0. */
static bool is_live(const clr_ref_pass *p, size_t t)
{
    return !p->io->mask || p->io->mask[t * p->io->batch + p->row];
}

static bool is_reset(const clr_ref_pass *p, size_t t)
{
    return p->io->resets && p->io->resets[t * p->io->batch + p->row];
}

/* Where in a layer's output a direction's part is; two that are added share it. */
static size_t column_of(const clr_ref_pass *p, uint32_t direction)
{
    return p->net.width == p->net.state_size ? 0 : direction * p->net.state_size;
}

/* Step k: from state k to state k+1. */
static clr_ref_step step_of(const clr_ref_pass *p, uint32_t layer, uint32_t direction, size_t k)
{
    const clr_ref_flow *input = &p->activations[layer];
    const clr_ref_trace *tr = &p->traces[layer * p->net.directions + direction];
    size_t t = time_of(p, direction, k), R = p->net.state_size, M = p->memory,
           reset = is_reset(p, t);
    return (clr_ref_step){
        .x = input->v + t * input->width,
        .h_prev = reset ? tr->zeros : tr->h + k * R,
        .c_prev = reset ? tr->zeros : tr->c + k * M,
        .h = tr->h + (k + 1) * R,
        .c = tr->c + (k + 1) * M,
        .saved = tr->saved + k * p->cell->slots * p->net.desc.hidden_size,
        .a = tr->a,
        .u = tr->u,
        .normed = tr->normed + (p->net.normed ? k * clr_ref_normed(&p->net) : 0),
        .dh = tr->dh + (k + 1) * R,
        .dc = tr->dc + (k + 1) * M,
        .dx = input->dv + t * input->width,
        .dh_prev = reset ? tr->lost : tr->dh + k * R,
        .dc_prev = reset ? tr->lost : tr->dc + k * M,
    };
}

/* Of the top layer alone: what others make of such steps does not count there either. */
static bool repeats(const clr_ref_pass *p, uint32_t layer)
{
    return p->io->repeat && layer + 1 == p->net.layers;
}

/* Past its length a sequence repeats its last output, on the way up; back, the gradients of that.
 */
static void repeat_tail(const clr_ref_pass *p, uint32_t layer, uint32_t direction, double *last,
                        bool back)
{
    const clr_ref_flow *output = &p->activations[layer + 1];
    for (size_t t = p->length; t < p->io->steps && repeats(p, layer); t++)
        for (size_t i = 0; i < p->net.state_size && !clr_network_down(&p->net, direction); i++) {
            size_t at = t * output->width + column_of(p, direction) + i;
            if (back)
                last[i] += output->dv[at];
            else
                output->v[at] += last[i];
        }
}

/* Let whoever wants to see a step: after its forward, or before its backward. */
static void observe(const clr_ref_pass *p, const clr_ref_layer *weights, const clr_ref_step *step,
                    uint32_t layer, uint32_t direction, size_t t, bool back)
{
    const clr_ref_seen seen = {weights, step, layer, direction, (uint32_t)t, p->row, back};
    if (p->io->observe)
        p->io->observe(p->io->observer, &seen);
}

static void direction_forward(const clr_ref_pass *p, uint32_t layer, uint32_t direction)
{
    size_t index = (size_t)layer * p->net.directions + direction;
    size_t R = p->net.state_size, M = p->memory;
    const clr_ref_trace *tr = &p->traces[index];
    const clr_ref_flow *output = &p->activations[layer + 1];
    clr_ref_layer weights = layer_of(p, layer, direction);

    weights.factors = clr_ref_factors(p, tr, (uint32_t)index);
    memset(tr->last, 0, R * sizeof *tr->last);
    load(p, tr->h, p->io->h0, index, 1, R);
    load(p, tr->c, p->io->c0, index, 1, M);
    for (size_t k = 0; k < p->length; k++) {
        const size_t t = time_of(p, direction, k);
        clr_ref_step step = step_of(p, layer, direction, k);
        double *y = output->v + t * output->width + column_of(p, direction);
        if (is_live(p, t)) {
            const clr_ref_step inner = clr_ref_inner(p, tr, k, &step);
            p->cell->forward(&weights, &inner);
            clr_ref_zone(p, (uint32_t)index, t, &inner, &step);
            memcpy(tr->last, step.h, R * sizeof *y);
            observe(p, &weights, &step, layer, direction, t, false);
        } else {
            memcpy(step.h, step.h_prev, R * sizeof *y);
            memcpy(step.c, step.c_prev, M * sizeof *y);
        }
        for (size_t i = 0; i < R; i++)
            y[i] += is_live(p, t) ? step.h[i] : repeats(p, layer) ? tr->last[i] : 0;
    }
    repeat_tail(p, layer, direction, tr->last, false);
    store(p, p->io->hn, tr->h + p->length * R, index, 1, R);
    store(p, p->io->cn, tr->c + p->length * M, index, 1, M);
}

static void direction_backward(const clr_ref_pass *p, uint32_t layer, uint32_t direction)
{
    size_t index = (size_t)layer * p->net.directions + direction;
    size_t R = p->net.state_size, M = p->memory;
    const clr_ref_trace *tr = &p->traces[index];
    const clr_ref_flow *output = &p->activations[layer + 1];
    clr_ref_layer weights = layer_of(p, layer, direction);

    weights.factors = clr_ref_factors(p, tr, (uint32_t)index);
    memset(tr->last, 0, R * sizeof *tr->last);
    repeat_tail(p, layer, direction, tr->last, true);
    memset(tr->dh, 0, p->length * R * sizeof *tr->dh);
    memset(tr->dc, 0, p->length * M * sizeof *tr->dc);
    load(p, tr->dh + p->length * R, p->io->dhn, index, 1, R);
    load(p, tr->dc + p->length * M, p->io->dcn, index, 1, M);
    for (size_t k = p->length; k-- > 0;) {
        const size_t t = time_of(p, direction, k);
        clr_ref_step step = step_of(p, layer, direction, k);
        const double *dy = output->dv + t * output->width + column_of(p, direction);
        if (!is_live(p, t)) {
            for (size_t i = 0; i < R; i++) {
                step.dh_prev[i] += step.dh[i];
                tr->last[i] += repeats(p, layer) ? dy[i] : 0;
            }
            for (size_t i = 0; i < M; i++)
                step.dc_prev[i] += step.dc[i];
            observe(p, &weights, &step, layer, direction, t, true);
            continue;
        }
        for (size_t i = 0; i < R; i++) {
            tr->dh[(k + 1) * R + i] += dy[i] + tr->last[i];
            tr->last[i] = 0;
        }
        observe(p, &weights, &step, layer, direction, t, true);
        const clr_ref_step inner = clr_ref_inner(p, tr, k, &step);
        clr_ref_zone_back(p, tr, (uint32_t)index, t, &step);
        p->cell->backward(&weights, &inner);
    }
    store(p, p->io->dh0, tr->dh, index, 1, R);
    store(p, p->io->dc0, tr->dc, index, 1, M);
}

/* After each layer but the last, the same factors forward and backward:
 * y(t,u) *= factor   dy(t,u) *= factor */
static void dropout(const clr_ref_pass *p, uint32_t layer, double *v)
{
    const clr_reference_io *io = p->io;
    size_t width = p->activations[layer + 1].width;
    if (layer + 1 == p->net.layers)
        return;
    for (size_t t = 0; t < p->length; t++)
        for (size_t u = 0; u < width; u++)
            v[t * width + u] *=
                clr_dropout_factor(io->dropout, io->dropout_seed, io->dropout_index, layer,
                                   io->variational ? 0 : (uint32_t)t, p->row, (uint32_t)u);
}

/* Without repeat, what does not count is padding. */
static void pad(const clr_ref_pass *p, clr_ref_flow *top)
{
    for (size_t t = 0; t < p->io->steps && !p->io->repeat; t++)
        for (size_t i = 0; i < top->width && !(t < p->length && is_live(p, t)); i++)
            top->v[t * top->width + i] = p->io->padding;
}

static void sequence_forward(const clr_ref_pass *p)
{
    uint32_t L = p->net.layers, D = p->net.directions;
    load(p, p->activations[0].v, p->io->x, 0, p->length, p->activations[0].width);
    for (uint32_t layer = 0; layer < L; layer++) {
        clr_ref_flow *output = &p->activations[layer + 1];
        memset(output->v, 0, p->io->steps * output->width * sizeof *output->v);
        for (uint32_t direction = 0; direction < D; direction++)
            direction_forward(p, layer, direction);
        dropout(p, layer, p->activations[layer + 1].v);
    }
    pad(p, &p->activations[L]);
    store(p, p->io->y, p->activations[L].v, 0, p->io->steps, p->activations[L].width);
}

static void sequence_backward(const clr_ref_pass *p)
{
    uint32_t L = p->net.layers, D = p->net.directions;
    load(p, p->activations[L].dv, p->io->dy, 0, p->io->steps, p->activations[L].width);
    for (uint32_t layer = L; layer-- > 0;) {
        clr_ref_flow *input = &p->activations[layer];
        memset(input->dv, 0, p->length * input->width * sizeof *input->dv);
        dropout(p, layer, p->activations[layer + 1].dv);
        for (uint32_t direction = 0; direction < D; direction++)
            direction_backward(p, layer, direction);
    }
    store_padded(p, p->io->dx, p->activations[0].dv, p->activations[0].width);
}

static clrnn_status check_io(const clr_reference_io *io, const clrnn_log *log)
{
    if (!io || !io->weights)
        return clr_fail(log, CLRNN_ERR_ARGUMENT, "reference: no weights, %s is NULL",
                        io ? "weights" : "io");
    if (!(io->dropout >= 0 && io->dropout < 1))
        return clr_fail(log, CLRNN_ERR_ARGUMENT, "reference: dropout is %g, not in [0,1)",
                        (double)io->dropout);
    for (uint32_t n = 0; n < io->batch && io->lengths; n++)
        if (io->lengths[n] > io->steps)
            return clr_fail(log, CLRNN_ERR_RANGE,
                            "reference: lengths[%u] is %u, more than steps %u", n, io->lengths[n],
                            io->steps);
    return CLRNN_OK;
}

static clrnn_status run(const clrnn_network_desc *desc, const clr_reference_io *io, bool backward,
                        const clrnn_log *log)
{
    clr_ref_pass p = {.io = io};
    clrnn_status status = clr_network_init(desc, log, &p.net);
    if (status == CLRNN_OK)
        status = check_io(io, log);
    if (status != CLRNN_OK)
        return status;
    p.cell = cells[desc->cell];
    p.memory = p.net.has_cell_state ? desc->hidden_size : 0;
    if (clr_ref_pass_make(&p)) {
        for (; p.row < io->batch; p.row++) {
            p.length = io->lengths ? io->lengths[p.row] : io->steps;
            sequence_forward(&p);
            if (backward)
                sequence_backward(&p);
        }
        if (backward && io->dweights)
            memcpy(io->dweights, p.dweights, p.net.weights * sizeof *p.dweights);
    } else {
        status =
            clr_fail(log, CLRNN_ERR_MEMORY, "reference: not enough memory for %u steps", io->steps);
    }
    clr_ref_pass_free(&p);
    return status;
}

clrnn_status clr_reference_forward(const clrnn_network_desc *desc, const clr_reference_io *io,
                                   const clrnn_log *log)
{
    return run(desc, io, false, log);
}

clrnn_status clr_reference_backward(const clrnn_network_desc *desc, const clr_reference_io *io,
                                    const clrnn_log *log)
{
    return run(desc, io, true, log);
}
