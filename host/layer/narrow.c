/* SPDX-License-Identifier: MIT
 * layer/narrow.c - x and y in fewer bits: x becomes floats before steps are scanned, y is rounded
 * after them, whatever the strategy. */
#include "layer/narrow.h"

static bool narrow(const clrnn_plan *plan)
{
    return plan->desc.sequences != CLRNN_WEIGHTS_F32;
}

clrnn_status clr_narrow_make(clrnn_plan *plan, uint32_t steps)
{
    const clr_network *n = &plan->network;
    uint64_t rows = (uint64_t)steps * plan->desc.max_batch;
    if (!narrow(plan))
        return CLRNN_OK;
    clrnn_status status =
        clr_converter_init(plan->context, plan->desc.sequences, &plan->sequence_converter);
    if (status == CLRNN_OK)
        status = clr_plan_allocate(plan, &plan->wide_x, rows, n->desc.input_size);
    if (status == CLRNN_OK)
        status = clr_plan_allocate(plan, &plan->wide_y, rows, n->width);
    return status;
}

clrnn_status clr_narrow_enter(clrnn_plan *plan, const clrnn_forward_io *io, uint32_t begin,
                              uint32_t end, clr_pass *pass, clrnn_forward_io *wide)
{
    const size_t step = (size_t)pass->batch * plan->network.desc.input_size;
    *wide = *io;
    if (!narrow(plan))
        return CLRNN_OK;
    pass->first = begin;
    wide->x = (clrnn_slice){plan->wide_x, 0};
    if (io->y.buffer)
        wide->y = (clrnn_slice){plan->wide_y, 0};
    return clr_converter_widen(&plan->sequence_converter, io->x.buffer, io->x.offset + begin * step,
                               (end - begin) * step, plan->wide_x);
}

clrnn_status clr_narrow_leave(clrnn_plan *plan, const clrnn_forward_io *io, uint32_t begin,
                              uint32_t end, const clr_pass *pass)
{
    const size_t step = (size_t)pass->batch * plan->network.width;
    if (!narrow(plan) || !io->y.buffer)
        return CLRNN_OK;
    return clr_converter_narrow(&plan->sequence_converter, plan->wide_y, (end - begin) * step,
                                io->y.buffer, io->y.offset + begin * step);
}
