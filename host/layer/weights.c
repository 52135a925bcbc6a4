/* SPDX-License-Identifier: MIT
 * layer/weights.c - see layer/weights.h. */
#include "layer/weights.h"

#include <stdlib.h>

#include "base/checked.h"
#include "base/log.h"
#include "base/memory.h"
#include "device/buffer.h"
#include "device/context.h"

/* --- the matrices of a cell ------------------------------------------------------------------ */

/* A matrix among the canonical weights: [rows,columns] from element `from` on. */
typedef struct clr_span {
    size_t from, rows, columns;
} clr_span;

static clr_span span_of(const clr_network *n, const clr_cell_weights *cell, clr_weight weight)
{
    const size_t H = n->desc.hidden_size, R = n->state_size, rows = n->gates * H;
    const size_t first = n->form->phase[0].count * H; /* rows whose U acts on h itself */
    switch (weight) {
    case CLR_INPUT:
    case CLR_D_INPUT:
        return (clr_span){cell->w_ih, rows, cell->inputs};
    case CLR_RECURRENT:
    case CLR_D_RECURRENT:
        return (clr_span){cell->w_hh, first, R};
    case CLR_CANDIDATE:
    case CLR_D_CANDIDATE:
        return (clr_span){cell->w_hh + first * R, rows - first, R};
    default:
        return (clr_span){cell->w_hr, n->desc.proj_size, H};
    }
}

static bool is_forward(clr_weight weight)
{
    return weight < CLR_D_RECURRENT;
}

/* How a matrix is kept, but not yet where. Forward multiplies by the transpose of what is stored.
 */
static clr_weight_form form_of(const clr_network *n, const clr_gemms *gemms, bool train,
                               const clr_own_weights *own, uint32_t layer, clr_weight weight)
{
    const clr_cell_weights cell = clr_network_cell(n, layer, 0);
    const clr_span span = span_of(n, &cell, weight);
    const bool is_own = own->set & CLR_BIT(weight);
    const bool by_gate = is_own && is_forward(weight) && weight != CLR_PROJECTION;
    if (span.rows == 0 || !(train || is_forward(weight)))
        return (clr_weight_form){.gates = 0};
    const size_t gates = by_gate ? span.rows / n->desc.hidden_size : 1, rows = span.rows / gates;
    return (clr_weight_form){.packing = is_own ? own->packing : clr_packing_of(gemms),
                             .gates = gates,
                             .n = is_forward(weight) ? rows : span.columns,
                             .k = is_forward(weight) ? span.columns : rows,
                             .from = span.from - cell.w_ih};
}

/* --- where they lie -------------------------------------------------------------------------- */

/* The next number at which a packing may begin. */
static clr_size aligned(const clr_weights *w, clr_size at, const clr_packing *packing)
{
    const size_t step = packing ? packing->alignment / w->number_bytes : 0;
    return step ? clr_size_add(at, clr_size_of((step - at.value % step) % step)) : at;
}

/* The matrices of a cell, one behind the other. */
static clrnn_status lay_out(clr_weights *w, bool train, const clr_own_weights *own, uint32_t layer)
{
    clr_size end = clr_size_of(0);
    for (int i = 0; i < CLR_WEIGHTS; i++) {
        clr_weight_form f = form_of(w->network, w->gemms, train, own, layer, (clr_weight)i);
        if (f.gates)
            end = aligned(w, end, f.packing);
        if (f.gates && !f.packing->apart)
            f.numbers = f.packing->bytes(w->gemms, f.n, f.k) / w->number_bytes;
        f.at = end.value;
        end = clr_size_add(end, clr_size_mul(clr_size_of(f.gates), f.numbers));
        w->forms[layer][i] = f;
    }
    end = aligned(w, end, own->packing);
    w->cell[layer] = end.value;
    return end.overflow ? CLRNN_ERR_RANGE : CLRNN_OK;
}

static size_t cell_index(const clr_weights *w, uint32_t layer, uint32_t direction)
{
    return (size_t)layer * w->network->directions + direction;
}

size_t clr_weights_at(const clr_weights *w, uint32_t layer, uint32_t direction, clr_weight weight,
                      size_t gate)
{
    const clr_weight_form *f = &w->forms[layer > 0][weight];
    const size_t cell = cell_index(w, layer, direction), D = w->network->directions;
    const size_t begin = layer ? D * w->cell[0] + (cell - D) * w->cell[1] : cell * w->cell[0];
    return begin + f->at + gate * f->numbers;
}

/* `count` gates from `gate` on, as one matrix. */
static clr_packed_matrix gates_at(const clr_weights *w, clrnn_slice canonical, uint32_t layer,
                                  uint32_t direction, clr_weight weight, size_t gate, size_t count)
{
    const clr_weight_form *f = &w->forms[layer > 0][weight];
    const bool transposed = is_forward(weight);
    const size_t from = clr_network_cell(w->network, layer, direction).w_ih + f->from;
    clr_packed_matrix m = {.from = {canonical.buffer, canonical.offset + from + gate * f->n * f->k,
                                    transposed ? f->k : f->n},
                           .transposed = transposed,
                           .n = count * f->n,
                           .k = f->k};
    if (f->packing->apart)
        m.buffer = w->apart[cell_index(w, layer, direction) * CLR_WEIGHTS + weight];
    else if (f->numbers)
        m.buffer = w->buffer;
    if (f->numbers)
        m.at = clr_weights_at(w, layer, direction, weight, gate);
    return m;
}

clr_packed_matrix clr_weights_matrix(const clr_weights *w, clrnn_slice canonical, uint32_t layer,
                                     uint32_t direction, clr_weight weight)
{
    return gates_at(w, canonical, layer, direction, weight, 0, w->forms[layer > 0][weight].gates);
}

/* --- their memory ---------------------------------------------------------------------------- */

static clrnn_status allocate(clr_weights *w, size_t bytes, cl_mem *buffer)
{
    clrnn_status status = clr_buffer_create(w->gemms->context, bytes, buffer);
    w->bytes += status == CLRNN_OK ? bytes : 0;
    return status;
}

static clrnn_status allocate_together(clr_weights *w)
{
    const clr_network *n = w->network;
    clr_size numbers = clr_size_mul(clr_size_of(n->layers - 1), w->cell[1]);
    numbers = clr_size_mul(clr_size_add(numbers, clr_size_of(w->cell[0])), n->directions);
    const clr_size bytes = clr_size_mul(numbers, w->number_bytes);
    if (bytes.overflow)
        return CLRNN_ERR_RANGE;
    return bytes.value ? allocate(w, bytes.value, &w->buffer) : CLRNN_OK;
}

static clrnn_status allocate_apart(clr_weights *w)
{
    const size_t D = w->network->directions, cells = w->network->layers * D;
    clrnn_status status = CLRNN_OK;
    w->apart = clr_calloc(cells * CLR_WEIGHTS, sizeof *w->apart);
    if (!w->apart)
        return clr_fail(&w->gemms->context->log, CLRNN_ERR_MEMORY, "plan: out of memory");
    for (size_t i = 0; i < cells * CLR_WEIGHTS && status == CLRNN_OK; i++) {
        const clr_weight_form *f = &w->forms[i / CLR_WEIGHTS >= D][i % CLR_WEIGHTS];
        if (f->gates && f->packing->apart)
            status = allocate(w, f->packing->bytes(w->gemms, f->n, f->k), &w->apart[i]);
    }
    return status;
}

clrnn_status clr_weights_init(const clr_network *network, clr_gemms *gemms, bool train,
                              clr_own_weights own, clr_weights *weights)
{
    clr_weights w = {.network = network,
                     .gemms = gemms,
                     .number_bytes = clr_storage_bytes(gemms->storage, gemms->precision)};
    clrnn_status status = lay_out(&w, train, &own, 0);
    if (status == CLRNN_OK)
        status = lay_out(&w, train, &own, 1);
    if (status == CLRNN_OK)
        status = allocate_together(&w);
    if (status == CLRNN_ERR_RANGE)
        status = clr_fail(&gemms->context->log, status, "plan: packed weights overflow");
    if (status == CLRNN_OK && clr_packing_of(gemms)->apart)
        status = allocate_apart(&w);
    if (status != CLRNN_OK)
        clr_weights_free(&w);
    *weights = w;
    return status;
}

void clr_weights_free(clr_weights *w)
{
    const size_t cells = w->apart ? (size_t)w->network->layers * w->network->directions : 0;
    for (size_t i = 0; i < cells * CLR_WEIGHTS; i++)
        clr_buffer_destroy(&w->apart[i]);
    free(w->apart);
    w->apart = NULL;
    clr_buffer_destroy(&w->buffer);
}

/* --- packing --------------------------------------------------------------------------------- */

/* Gates without a seam between them are packed at once. */
static clrnn_status pack_weight(clr_weights *w, clrnn_slice canonical, uint32_t layer,
                                uint32_t direction, clr_weight weight)
{
    const clr_weight_form *f = &w->forms[layer > 0][weight];
    const clr_packing *p = f->packing;
    clrnn_status status = CLRNN_OK;
    if (f->gates == 0)
        return CLRNN_OK;
    const size_t step = p->seamless && p->seamless(w->gemms, f->n) ? f->gates : 1;
    for (size_t gate = 0; gate < f->gates && status == CLRNN_OK; gate += step) {
        const clr_packed_matrix m = gates_at(w, canonical, layer, direction, weight, gate, step);
        status = p->pack(w->gemms, &m);
    }
    return status;
}

clrnn_status clr_weights_pack(clr_weights *w, clrnn_slice canonical)
{
    clrnn_status status = CLRNN_OK;
    for (uint32_t layer = 0; layer < w->network->layers; layer++)
        for (uint32_t d = 0; d < w->network->directions; d++)
            for (int i = 0; i < CLR_WEIGHTS && status == CLRNN_OK; i++)
                status = pack_weight(w, canonical, layer, d, (clr_weight)i);
    return status;
}
