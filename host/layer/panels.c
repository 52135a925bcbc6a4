/* SPDX-License-Identifier: MIT
 * layer/panels.c - the weights of the strategies persistent and resident, in panels. */
#include "device/buffer.h"
#include "layer/plan.h"
#include "math/packed.h"
#include "math/storage.h"

/* Numbers in the panels of a [k,columns]. */
static size_t panel_numbers(const clrnn_plan *plan, size_t columns, size_t k)
{
    size_t width = plan->persistent.tile_n;
    return (columns + width - 1) / width * width * clr_storage_rows(plan->desc.weights, k);
}

/* resident leaves input products to the gemm. */
static bool has_inputs(const clrnn_plan *plan)
{
    return plan->persistent.kind.items == 1;
}

/* Lay out the panels of one cell. */
static void place_panels(const clrnn_plan *plan, clr_panels *p)
{
    const clr_network *n = &plan->network;
    size_t H = n->desc.hidden_size, R = n->state, at = 0;
    bool projected = n->desc.proj_size > 0, train = plan->desc.train;
    p->recurrent = at;
    at += n->gates * panel_numbers(plan, H, R);
    p->projection = at;
    at += projected ? panel_numbers(plan, R, H) : 0;
    p->d_recurrent = at;
    at += train ? panel_numbers(plan, R, n->form->phase[0].count * H) : 0;
    p->d_candidate = at;
    at += train && n->form->phases > 1 ? panel_numbers(plan, H, H) : 0;
    p->d_projection = at;
    at += train && projected ? panel_numbers(plan, H, R) : 0;
    p->input = at;
    size_t gates = has_inputs(plan) ? n->gates : 0;
    p->first_step = at + gates * panel_numbers(plan, H, n->desc.input_size);
    p->step = at + gates * panel_numbers(plan, H, (size_t)n->directions * R);
}

size_t clr_panels_at(const clrnn_plan *plan, uint32_t layer, uint32_t direction)
{
    const clr_panels *p = &plan->panels;
    size_t D = plan->network.directions;
    return layer == 0 ? direction * p->first_step
                      : D * p->first_step + ((layer - 1) * D + direction) * p->step;
}

clrnn_status clr_panels_make(clrnn_plan *plan)
{
    place_panels(plan, &plan->panels);
    size_t bytes = clr_panels_at(plan, plan->network.layers, 0) * plan->weight_bytes;
    return clr_plan_allocate(plan, &plan->panels.buffer, 1,
                             (bytes + plan->real_bytes - 1) / plan->real_bytes);
}

/* Pack [rows,columns] at `offset` of the weights, transposed or not, into panels from `at`. */
static clrnn_status pack_matrix(clrnn_plan *plan, size_t offset, size_t rows, size_t columns,
                                bool transposed, size_t at)
{
    const clr_matrix matrix = {plan->weights.buffer, plan->weights.offset + offset, columns};
    return clr_packed_pack(&plan->gemms.packed, matrix, transposed, transposed ? rows : columns,
                           transposed ? columns : rows, plan->panels.buffer, at);
}

clrnn_status clr_panels_pack(clrnn_plan *plan, uint32_t layer, uint32_t direction)
{
    const clr_network *n = &plan->network;
    const clr_panels *p = &plan->panels;
    clr_cell_weights w = clr_network_cell(n, layer, direction);
    size_t H = n->desc.hidden_size, R = n->state, columns = n->form->phase[0].count * H;
    size_t at = clr_panels_at(plan, layer, direction);
    bool projected = n->desc.proj_size > 0, train = plan->desc.train;
    clrnn_status status = CLRNN_OK;
    for (size_t gate = 0; gate < n->gates && status == CLRNN_OK; gate++) {
        status = pack_matrix(plan, w.w_hh + gate * H * R, H, R, true,
                             at + p->recurrent + gate * panel_numbers(plan, H, R));
        if (status == CLRNN_OK && has_inputs(plan))
            status = pack_matrix(plan, w.w_ih + gate * H * w.inputs, H, w.inputs, true,
                                 at + p->input + gate * panel_numbers(plan, H, w.inputs));
    }
    if (status == CLRNN_OK && projected)
        status = pack_matrix(plan, w.w_hr, R, H, true, at + p->projection);
    if (status == CLRNN_OK && train)
        status = pack_matrix(plan, w.w_hh, columns, R, false, at + p->d_recurrent);
    if (status == CLRNN_OK && train && n->form->phases > 1)
        status = pack_matrix(plan, w.w_hh + columns * R, H, H, false, at + p->d_candidate);
    if (status == CLRNN_OK && train && projected)
        status = pack_matrix(plan, w.w_hr, R, H, false, at + p->d_projection);
    return status;
}
