/* SPDX-License-Identifier: MIT
 * graph/node_cast.c - whole numbers that choose as numbers that are computed with, and back. */
#include "graph/kind.h"

static clrnn_status cast_infer(clr_infer *infer)
{
    infer->out[0] = *infer->in[0];
    infer->out[0].ids = !infer->in[0]->ids;
    return CLRNN_OK;
}

static clrnn_status cast_forward(clr_run *run)
{
    return clr_cast(&run->tools->maps, run->in[0].ids, clr_shape_count(&run->in[0]), run->x[0],
                    run->y[0]);
}

static clrnn_status nothing(clr_run *run)
{
    (void)run;
    return CLRNN_OK;
}

const clr_kind clr_kind_cast = {.id = CLRNN_NODE_CAST,
                                .least = 1,
                                .most = 1,
                                .any = true,
                                .outputs = {""},
                                .infer = cast_infer,
                                .forward = cast_forward,
                                .backward = nothing,
                                .flat = 1 /* what was rounded */};
