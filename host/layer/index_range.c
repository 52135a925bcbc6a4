/* SPDX-License-Identifier: MIT
 * layer/index_range.c - whether the products of a plan reach all of their operands. */
#include "layer/index_range.h"

#include "base/checked.h"
#include "base/log.h"
#include "layer/strategy.h"

static clr_size product(uint64_t a, uint64_t b, uint64_t c)
{
    return clr_size_mul(clr_size_mul(clr_size_of(a), b), c);
}

/* How far products go into the block of a pass: the outputs of lower layers come last in it, before
 * them saved, before that the states, and gates first. */
static size_t end_in_block(const clrnn_plan *plan, const clr_layout *l)
{
    const clr_network *n = &plan->network;
    if (n->layers > 1)
        return l->total;
    return n->form->phases > 1 || n->desc.proj_size ? l->normed_at : l->c_at;
}

/* How far they go into the weights, or of weights kept in fewer bits, which have a buffer for each
 * matrix, into the largest matrix. */
static size_t end_in_weights(const clrnn_plan *plan)
{
    const clr_network *n = &plan->network;
    size_t rows = (size_t)n->gates * n->desc.hidden_size, end = 0;
    for (uint32_t layer = 0; layer < n->layers; layer++) {
        clr_cell_weights w = clr_network_cell(n, layer, n->directions - 1);
        size_t widest = w.inputs > n->state_size ? w.inputs : n->state_size;
        size_t last = w.w_hr == CLR_ABSENT ? w.w_hh + rows * n->state_size
                                           : w.w_hr + (size_t)n->state_size * n->desc.hidden_size;
        if (plan->desc.weights != CLRNN_WEIGHTS_F32)
            last = rows * widest;
        end = last > end ? last : end;
    }
    return end;
}

clrnn_status clr_plan_check_index_range(const clrnn_plan *plan, const clr_layout *layout)
{
    const uint32_t T = plan->desc.max_steps, N = plan->desc.max_batch;
    /* Gradients of weights and inputs always are, and without a strategy's own kernels for the
     * inputs these are. */
    bool products = plan->desc.train || !(plan->strategy->own.set & CLR_BIT(CLR_INPUT));
    const size_t reach = products ? clr_gemms_index_range(&plan->gemms) : SIZE_MAX;
    const struct {
        const char *name, *remedy;
        clr_size end;
    } all[] = {{"x has", "max_steps or max_batch", product(T, N, plan->network.desc.input_size)},
               {plan->desc.train ? "the reserve has" : "the work memory has",
                "max_steps, max_batch or the network", clr_size_of(end_in_block(plan, layout))},
               {"the weights have", "the network", clr_size_of(end_in_weights(plan))}};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (all[i].end.overflow || all[i].end.value > reach)
            return clr_fail(&plan->context->log, CLRNN_ERR_RANGE,
                            "plan: T=%u, N=%u: %s %zu elements, and CLBlast cannot reach beyond "
                            "%zu: reduce %s, or let the plan take CLRNN_GEMM_PACKED",
                            T, N, all[i].name, all[i].end.value, reach, all[i].remedy);
    return CLRNN_OK;
}
