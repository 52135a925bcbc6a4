/* SPDX-License-Identifier: MIT
 * graph/node_dense.c - y = function(x weight^T + bias): a product, then one pass over what it
 * gave. */
#include <stdio.h>

#include "graph/kind.h"

static clrnn_status dense_infer(clr_infer *infer)
{
    const clr_shape *in = infer->in[0];
    const int32_t last = (int32_t)in->rank - 1;
    infer->out[0] = *in;
    if (infer->desc->units == 0)
        return clr_node_fail(infer->log, infer->desc, CLRNN_ERR_RANGE, "units is 0");
    if (last < 0 || last == in->steps || last == in->batch || in->size[last] == 0)
        return clr_node_fail(infer->log, infer->desc, CLRNN_ERR_ARGUMENT,
                             "the last axis of %s must be a number", clr_value_text(in).text);
    infer->out[0].size[last] = infer->desc->units;
    return CLRNN_OK;
}

static bool dense_parameter(const clr_infer *infer, uint32_t i, clr_parameter *p, char name[64])
{
    const uint64_t I = infer->in[0]->size[infer->in[0]->rank - 1], U = infer->desc->units;
    if (i > 1 || (i == 1 && infer->desc->no_bias))
        return false;
    snprintf(name, 64, "%s", i ? "bias" : "weight");
    p->info.rank = i ? 1 : 2;
    p->info.shape[0] = U;
    p->info.shape[1] = I;
    p->info.trainable = true;
    p->fill = i ? CLR_FILL_ZERO : CLR_FILL_GLOROT;
    p->fan_in = I;
    p->fan_out = U;
    return true;
}

typedef struct sizes {
    size_t rows, I, U;
} sizes;

static sizes sizes_of(const clr_run *run)
{
    const clr_shape *in = &run->in[0];
    return (sizes){clr_shape_part(in, 0, in->rank - 1), (size_t)in->size[in->rank - 1],
                   run->node->desc.units};
}

static void dense_memory(const clr_run *run, clr_node_memory *memory)
{
    const sizes s = sizes_of(run);
    const bool bent = run->node->desc.function != CLRNN_FN_IDENTITY;
    memory->lasting = clr_prepared_count(run->tools, s.U, s.I);
    memory->kept = bent ? s.rows * s.U : 0; /* what the function is taken of, without bias */
    memory->backward = bent ? s.rows * s.U : 0;
}

/* combine of what the product gave and the bias, and its function. */
static map_launch epilogue(const clr_run *run, clrnn_slice product, clrnn_slice out, cl_mem in[3])
{
    const clrnn_node_desc *d = &run->node->desc;
    map_launch l = clr_launch_over(run, &run->out[0], out);
    clr_launch_takes(&l, 0, &run->out[0], &run->out[0], product);
    in[0] = product.buffer;
    in[1] = in[2] = NULL;
    if (!d->no_bias) {
        l.combine = COMBINE_ADD;
        l.at[1] = run->at[1];
        l.stride[1][run->out[0].rank - 1] = 1;
        in[1] = run->parameters;
    }
    l.function = d->function;
    return l;
}

static clrnn_status dense_forward(clr_run *run)
{
    const sizes s = sizes_of(run);
    const clrnn_node_desc *d = &run->node->desc;
    const bool keep = run->train && d->function != CLRNN_FN_IDENTITY;
    const clrnn_slice product = keep ? run->kept : run->y[0];
    cl_mem in[MAP_INPUTS];
    clrnn_status status =
        clr_times_weight(run, (clr_matrix){run->x[0].buffer, run->x[0].offset, s.I}, NULL, s.rows,
                         (clr_matrix){run->parameters, run->at[0], s.I}, s.U, s.I, 0,
                         (clr_matrix){product.buffer, product.offset, s.U});
    map_launch l = epilogue(run, product, run->y[0], in);
    if (status == CLRNN_OK && (keep || !d->no_bias || d->function != CLRNN_FN_IDENTITY))
        status = clr_map(&run->tools->maps, &l, run->y[0].buffer, in, d->alpha, d->beta);
    return status;
}

static clrnn_status dense_backward(clr_run *run)
{
    const sizes s = sizes_of(run);
    const clrnn_node_desc *d = &run->node->desc;
    clr_gemms *gemms = &run->tools->gemms;
    const bool bent = d->function != CLRNN_FN_IDENTITY;
    const clrnn_slice g = bent ? run->scratch : run->dy[0];
    const clr_matrix sums = {g.buffer, g.offset, s.U};
    clrnn_status status = CLRNN_OK;
    if (bent) {
        cl_mem in[MAP_INPUTS];
        map_launch l = epilogue(run, run->kept, g, in);
        clr_launch_takes(&l, 2, &run->out[0], &run->out[0], run->dy[0]);
        in[2] = run->dy[0].buffer;
        l.gradient = 1;
        status = clr_map(&run->tools->maps, &l, g.buffer, in, d->alpha, d->beta);
    }
    const clr_gemm dw = {.m = s.U,
                         .n = s.I,
                         .k = s.rows,
                         .transpose_a = true,
                         .a = sums,
                         .b = {run->x[0].buffer, run->x[0].offset, s.I},
                         .c = {run->gradient, run->at[0], s.I}};
    const clr_gemm dx = {.m = s.rows,
                         .n = s.I,
                         .k = s.U,
                         .a = sums,
                         .b = {run->parameters, run->at[0], s.I},
                         .c = {run->dx[0].buffer, run->dx[0].offset, s.I}};
    if (status == CLRNN_OK)
        status = clr_gemm_run(gemms, &dw);
    if (status == CLRNN_OK && !d->no_bias)
        status = clr_column_sums(&run->tools->sequence, sums, s.rows, s.U, run->gradient,
                                 run->at[1], false);
    if (status == CLRNN_OK && run->dx[0].buffer)
        status = clr_gemm_run(gemms, &dx);
    return status;
}

static clr_channels dense_channels(const clr_node *node, const clr_shape *x)
{
    const size_t I = (size_t)x->size[x->rank - 1], U = node->desc.units;
    return (clr_channels){.axis = x->rank - 1, .within = I, .units = U, .span = U * I};
}

const clr_kind clr_kind_dense = {.id = CLRNN_NODE_DENSE,
                                 .least = 1,
                                 .most = 1,
                                 .takes_function = true,
                                 .by_rows = true,
                                 .uses = CLR_USES_UNITS | CLR_USES_NO_BIAS | CLR_USES_FUNCTION,
                                 .outputs = {""},
                                 .infer = dense_infer,
                                 .parameter = dense_parameter,
                                 .memory = dense_memory,
                                 .forward = dense_forward,
                                 .channels = dense_channels,
                                 .backward = dense_backward};
