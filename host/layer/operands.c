/* SPDX-License-Identifier: MIT
 * layer/operands.c - the weight matrices of a plan, prepared for products. */
#include <stdlib.h>

#include "base/log.h"
#include "base/memory.h"
#include "layer/plan.h"

const clr_cell_operands *clr_plan_operands(const clrnn_plan *plan, uint32_t layer,
                                           uint32_t direction)
{
    return &plan->operands[(size_t)layer * plan->network.directions + direction];
}

/* Pack the matrix of [rows, columns] at `offset` of the weights, as it is or transposed. */
static clrnn_status pack(clrnn_plan *plan, size_t offset, size_t rows, size_t columns,
                         bool transposed, clr_operand *operand)
{
    const clr_matrix matrix = {plan->weights.buffer, plan->weights.offset + offset, columns};
    return clr_operand_pack(&plan->gemms, matrix, transposed, transposed ? rows : columns,
                            transposed ? columns : rows, operand);
}

clrnn_status clr_plan_pack_matrix(clrnn_plan *plan, size_t offset, size_t rows, size_t columns,
                                  clr_operand *forward, clr_operand *backward)
{
    clrnn_status status = CLRNN_OK;
    if (forward)
        status = pack(plan, offset, rows, columns, true, forward);
    if (status == CLRNN_OK && plan->desc.train && backward)
        status = pack(plan, offset, rows, columns, false, backward);
    return status;
}

clrnn_status clr_plan_pack(clrnn_plan *plan)
{
    const clr_network *n = &plan->network;
    size_t rows = (size_t)n->gates * n->desc.hidden_size;
    clrnn_status status = CLRNN_OK;
    if (!plan->operands)
        plan->operands = clr_calloc((size_t)n->layers * n->directions, sizeof *plan->operands);
    if (!plan->operands)
        return clr_fail(&plan->context->log, CLRNN_ERR_MEMORY, "plan: out of memory");
    for (uint32_t layer = 0; layer < n->layers; layer++)
        for (uint32_t d = 0; d < n->directions && status == CLRNN_OK; d++) {
            clr_cell_weights w = clr_network_cell(n, layer, d);
            clr_cell_operands *o = &plan->operands[(size_t)layer * n->directions + d];
            status = clr_plan_pack_matrix(plan, w.w_ih, rows, w.inputs, NULL, &o->d_input);
            if (status == CLRNN_OK)
                status = plan->strategy->pack(plan, layer, d);
        }
    return status;
}

void clr_plan_free_operands(clrnn_plan *plan)
{
    size_t cells = plan->operands ? (size_t)plan->network.layers * plan->network.directions : 0;
    for (size_t i = 0; i < cells; i++) {
        clr_cell_operands *o = &plan->operands[i];
        clr_operand *const all[] = {&o->input,       &o->recurrent,   &o->candidate,
                                    &o->projection,  &o->d_input,     &o->d_recurrent,
                                    &o->d_candidate, &o->d_projection};
        for (size_t k = 0; k < sizeof all / sizeof *all; k++)
            clr_operand_free(all[k]);
    }
    free(plan->operands);
    plan->operands = NULL;
}
