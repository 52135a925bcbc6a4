/* SPDX-License-Identifier: MIT
 * layer/scan.c - see layer/scan.h. */
#include "layer/scan.h"

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

clr_flow clr_flow_of(const clrnn_plan *plan, const clr_walk *w)
{
    const clr_network *n = &plan->network;
    size_t N = w->layout->batch, T = w->layout->steps, H = n->desc.hidden_size;
    return (clr_flow){.dh = w->direction * N * n->state,
                      .dc = w->direction * N * H,
                      .dproj = w->direction * T * N * n->state,
                      .da = w->direction * T * N * n->gates * H};
}

clr_packed_matrix clr_walk_weights(const clrnn_plan *plan, const clr_walk *w, clr_weight weight)
{
    return clr_weights_matrix(&plan->packed, plan->weights, w->layer, w->direction, weight);
}

clrnn_status clr_walk_inputs(clrnn_plan *plan, const clr_walk *w)
{
    const clr_network *n = &plan->network;
    const clr_packed_matrix w_ih = clr_walk_weights(plan, w, CLR_INPUT);
    size_t gates =
        clr_layout_gates(w->layout, n, w->layer, w->direction, w->begin - w->gates_first);
    const clr_gemm gemm = {
        .m = (size_t)(w->end - w->begin) * w->layout->batch,
        .a = w->input,
        .prepared = &w_ih,
        .c = {w->store, w->store_at + gates, (size_t)n->gates * n->desc.hidden_size}};
    return clr_gemm_run(&plan->gemms, &gemm);
}
