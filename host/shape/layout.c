/* SPDX-License-Identifier: MIT
 * shape/layout.c - see shape/layout.h. */
#include "shape/layout.h"

#include "base/checked.h"
#include "base/log.h"

static clr_size product(uint64_t a, uint64_t b, uint64_t c)
{
    return clr_size_mul(clr_size_mul(clr_size_of(a), b), c);
}

/* Append `count` arrays of `each` elements to *total and give where the first begins. */
static size_t append(clr_size *total, clr_size each, uint64_t count)
{
    size_t at = total->value;
    *total = clr_size_add(*total, clr_size_mul(each, count));
    return at;
}

static clrnn_status finish(const clr_network *n, const clrnn_log *log, clr_layout *out)
{
    clr_layout l = *out;
    uint64_t H = n->desc.hidden_size, N = l.batch, D = n->directions, cells = D * n->layers;
    /* Cells with their own gates and saved: two layers may be scanned together. */
    uint64_t own = l.all_layers ? cells : D == 2 || n->layers > 1 ? 2 : 1;
    uint64_t below = n->layers - 1, ys = l.all_layers || below < 2 ? below : 2;
    clr_size gates = product(l.steps, N, n->gates * H);
    clr_size h = product(l.slots, N, n->state_size);
    clr_size c = product(n->has_cell_state ? l.slots : 0, N, H);
    clr_size saved = product(l.saved_steps, N, n->saved * H);
    clr_size normed = product(l.normed_steps, N, n->normed);
    clr_size y = product(ys ? l.y_steps : 0, N, n->width);
    clr_size total = {0};
    l.gates_at = append(&total, gates, own);
    l.h_at = append(&total, h, cells);
    l.c_at = append(&total, c, cells);
    l.saved_at = append(&total, saved, own);
    l.normed_at = append(&total, normed, own);
    l.y_at = append(&total, y, ys);
    if (total.overflow || clr_size_mul(total, sizeof(double)).overflow)
        return clr_fail(log, CLRNN_ERR_RANGE,
                        "%u steps of %u rows are more than memory can address", l.y_steps, l.batch);
    l.gates_size = gates.value;
    l.h_size = h.value;
    l.c_size = c.value;
    l.saved_size = saved.value;
    l.normed_size = normed.value;
    l.y_size = y.value;
    l.total = total.value;
    *out = l;
    return CLRNN_OK;
}

clrnn_status clr_layout_train(const clr_network *network, uint32_t steps, uint32_t batch,
                              const clrnn_log *log, clr_layout *layout)
{
    *layout = (clr_layout){.batch = batch,
                           .slots = steps + 1,
                           .steps = steps,
                           .saved_steps = steps,
                           .normed_steps = steps,
                           .y_steps = steps,
                           .all_layers = true};
    return finish(network, log, layout);
}

clrnn_status clr_layout_infer(const clr_network *network, uint32_t steps, uint32_t chunk,
                              uint32_t batch, const clrnn_log *log, clr_layout *layout)
{
    /* Going backward in time needs the whole output of the layer below; forward alone does not. */
    *layout = (clr_layout){.batch = batch,
                           .slots = 2,
                           .steps = chunk,
                           .saved_steps = 1,
                           .y_steps = network->back_in_time ? steps : chunk};
    return finish(network, log, layout);
}

static size_t cell_index(const clr_network *n, uint32_t layer, uint32_t direction)
{
    return (size_t)layer * n->directions + direction;
}

/* The same among those with their own gates and saved. */
static size_t own_index(const clr_layout *l, const clr_network *n, uint32_t layer,
                        uint32_t direction)
{
    return l->all_layers        ? cell_index(n, layer, direction)
           : n->directions == 2 ? direction
                                : layer % 2;
}

size_t clr_layout_gates(const clr_layout *l, const clr_network *n, uint32_t layer,
                        uint32_t direction, uint32_t t)
{
    size_t step = (size_t)l->batch * n->gates * n->desc.hidden_size;
    return l->gates_at + own_index(l, n, layer, direction) * l->gates_size + t * step;
}

size_t clr_layout_saved(const clr_layout *l, const clr_network *n, uint32_t layer,
                        uint32_t direction, uint32_t t)
{
    size_t step = (size_t)l->batch * n->saved * n->desc.hidden_size;
    return l->saved_at + own_index(l, n, layer, direction) * l->saved_size +
           t % l->saved_steps * step;
}

size_t clr_layout_normed(const clr_layout *l, const clr_network *n, uint32_t layer,
                         uint32_t direction, uint32_t t, clr_normed what)
{
    const size_t rows = (size_t)n->gates * n->desc.hidden_size;
    size_t at = l->normed_at + own_index(l, n, layer, direction) * l->normed_size +
                (size_t)t * l->batch * n->normed;
    if (what >= CLR_NORMED_SCALES)
        return at + n->normed - CLR_NORM_SCALES + (size_t)(what - CLR_NORMED_SCALES);
    return at + (size_t)what * rows;
}

size_t clr_layout_y(const clr_layout *l, uint32_t layer)
{
    return l->y_at + (l->all_layers ? layer : layer % 2) * l->y_size;
}

size_t clr_layout_h(const clr_layout *l, const clr_network *n, uint32_t layer, uint32_t direction,
                    uint32_t slot)
{
    return l->h_at + cell_index(n, layer, direction) * l->h_size +
           (size_t)(slot % l->slots) * l->batch * n->state_size;
}

size_t clr_layout_c(const clr_layout *l, const clr_network *n, uint32_t layer, uint32_t direction,
                    uint32_t slot)
{
    return l->c_at + cell_index(n, layer, direction) * l->c_size +
           (size_t)(slot % l->slots) * l->batch * n->desc.hidden_size;
}
