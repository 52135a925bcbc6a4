/* SPDX-License-Identifier: MIT
 * graph/node_map.c - nodes that compute element by element: functions, two values broadcast,
 * comparison, selection, expansion, dropout. */
#include <string.h>

#include "graph/kind.h"

static clrnn_status same_shape(clr_infer *infer)
{
    infer->out[0] = *infer->in[0];
    return CLRNN_OK;
}

/* y = function(combine) of the first `count` inputs, each broadcast. */
static clrnn_status compute(clr_run *run, uint32_t combine, uint32_t count)
{
    const clrnn_node_desc *d = &run->node->desc;
    map_launch l = clr_launch_over(run, &run->out[0], run->y[0]);
    cl_mem in[MAP_INPUTS] = {NULL};
    l.combine = combine;
    l.function = d->function;
    for (uint32_t i = 0; i < count; i++) {
        clr_launch_reads(run, &l, i, &run->out[0], i);
        in[i] = run->x[i].buffer;
    }
    return clr_map(&run->tools->maps, &l, run->y[0].buffer, in, d->alpha, d->beta);
}

/* --- functions ------------------------------------------------------------------------------- */

static clrnn_status activation_forward(clr_run *run)
{
    return compute(run, COMBINE_FIRST, 1);
}

static clrnn_status activation_backward(clr_run *run)
{
    const clrnn_node_desc *d = &run->node->desc;
    map_launch l = clr_launch_over(run, &run->in[0], run->dx[0]);
    const cl_mem in[MAP_INPUTS] = {run->x[0].buffer, NULL, run->dy[0].buffer};
    clr_launch_takes(&l, 0, &run->in[0], &run->in[0], run->x[0]);
    clr_launch_takes(&l, 2, &run->in[0], &run->in[0], run->dy[0]);
    l.function = d->function;
    l.gradient = 1;
    return run->dx[0].buffer
               ? clr_map(&run->tools->maps, &l, run->dx[0].buffer, in, d->alpha, d->beta)
               : CLRNN_OK;
}

const clr_kind clr_kind_activation = {.id = CLRNN_NODE_ACTIVATION,
                                      .least = 1,
                                      .most = 1,
                                      .strided = 1,
                                      .is_function = true,
                                      .uses = CLR_USES_FUNCTION,
                                      .outputs = {""},
                                      .infer = same_shape,
                                      .forward = activation_forward,
                                      .backward = activation_backward};

/* --- two values ------------------------------------------------------------------------------ */

static clrnn_status broadcast_two(clr_infer *infer)
{
    const clr_shape *a = infer->in[0], *b = infer->in[1];
    if (clr_broadcast(a, b, &infer->out[0]))
        return CLRNN_OK;
    return clr_node_fail(infer->log, infer->desc, CLRNN_ERR_ARGUMENT,
                         "%s and %s cannot be broadcast to one shape", clr_value_text(a).text,
                         clr_value_text(b).text);
}

static uint32_t combine_of(const clrnn_node_desc *d)
{
    static const uint32_t of[CLRNN_NODE_KINDS] = {
        [CLRNN_NODE_ADD] = COMBINE_ADD, [CLRNN_NODE_SUB] = COMBINE_SUB,
        [CLRNN_NODE_MUL] = COMBINE_MUL, [CLRNN_NODE_DIV] = COMBINE_DIV,
        [CLRNN_NODE_MIN] = COMBINE_MIN, [CLRNN_NODE_MAX] = COMBINE_MAX,
        [CLRNN_NODE_POW] = COMBINE_POW};
    return d->kind == CLRNN_NODE_COMPARE ? COMBINE_LESS + (uint32_t)d->comparison : of[d->kind];
}

/* Both inputs are seen in the array of one, which lies as they do: see graph/fuse.c. */
static clrnn_status of_terms(clr_run *run)
{
    const clrnn_node_desc *d = &run->node->desc;
    const map_terms all =
        clr_terms_joined(run->terms[0], run->terms[1], run->x[1].offset - run->x[0].offset);
    map_launch l = clr_launch_over(run, &run->out[0], run->y[0]);
    clr_launch_reads(run, &l, 0, &run->out[0], 0);
    l.combine = combine_of(d);
    l.function = d->function;
    return clr_map_of_terms(&run->tools->maps, &l, &all, run->y[0].buffer, run->x[0].buffer,
                            d->alpha, d->beta);
}

static clrnn_status two_forward(clr_run *run)
{
    const bool more = run->terms[0]->count + run->terms[1]->count > 2;
    return more ? of_terms(run) : compute(run, combine_of(&run->node->desc), 2);
}

static bool same_size(const clr_shape *a, const clr_shape *b)
{
    return a->rank == b->rank && memcmp(a->size, b->size, a->rank * sizeof a->size[0]) == 0;
}

/* The gradient by an input: computed where it is broadcast, then summed. */
static clrnn_status gradient_by(clr_run *run, uint32_t i, uint32_t combine, uint32_t count,
                                const clr_shape *const shapes[], const clrnn_slice arrays[],
                                uint32_t function)
{
    const clr_shape *over = &run->out[0];
    const bool direct = same_size(over, &run->in[i]);
    const clrnn_slice to = direct ? run->dx[i] : run->scratch;
    map_launch l = clr_launch_over(run, over, to);
    cl_mem in[MAP_INPUTS] = {NULL};
    if (!run->dx[i].buffer)
        return CLRNN_OK;
    l.combine = combine;
    l.function = function;
    for (uint32_t k = 0; k < count; k++) {
        clr_launch_takes(&l, k, over, shapes[k], arrays[k]);
        in[k] = arrays[k].buffer;
    }
    clrnn_status status = clr_map(&run->tools->maps, &l, to.buffer, in, 1, 0);
    if (status == CLRNN_OK && !direct)
        status = clr_sum_to(run, over, run->scratch, &run->in[i], run->dx[i]);
    return status;
}

static clrnn_status linear_backward(clr_run *run)
{
    const clr_shape *shapes[] = {&run->out[0]};
    const bool negative = run->node->desc.kind == CLRNN_NODE_SUB;
    clrnn_status status = gradient_by(run, 0, COMBINE_FIRST, 1, shapes, run->dy, CLRNN_FN_IDENTITY);
    if (status == CLRNN_OK)
        status = gradient_by(run, 1, COMBINE_FIRST, 1, shapes, run->dy,
                             negative ? CLRNN_FN_NEGATE : CLRNN_FN_IDENTITY);
    return status;
}

static clrnn_status mul_backward(clr_run *run)
{
    const clr_shape *a[] = {&run->out[0], &run->in[1]}, *b[] = {&run->out[0], &run->in[0]};
    const clrnn_slice by_a[] = {run->dy[0], run->x[1]}, by_b[] = {run->dy[0], run->x[0]};
    clrnn_status status = gradient_by(run, 0, COMBINE_MUL, 2, a, by_a, CLRNN_FN_IDENTITY);
    return status == CLRNN_OK ? gradient_by(run, 1, COMBINE_MUL, 2, b, by_b, CLRNN_FN_IDENTITY)
                              : status;
}

static clrnn_status div_backward(clr_run *run)
{
    const clr_shape *a[] = {&run->out[0], &run->in[1]};
    const clr_shape *b[] = {&run->out[0], &run->in[0], &run->in[1]};
    const clrnn_slice by_a[] = {run->dy[0], run->x[1]};
    const clrnn_slice by_b[] = {run->dy[0], run->x[0], run->x[1]};
    clrnn_status status = gradient_by(run, 0, COMBINE_DIV, 2, a, by_a, CLRNN_FN_IDENTITY);
    return status == CLRNN_OK ? gradient_by(run, 1, COMBINE_DIV_BACK, 3, b, by_b, CLRNN_FN_IDENTITY)
                              : status;
}

/* Where an input is broadcast its gradient is first computed for all. */
static void broadcast_memory(const clr_run *run, clr_node_memory *memory)
{
    memory->backward = clr_shape_count(&run->out[0]);
}

#define TWO(ID, NAME, ...)                                        \
    const clr_kind clr_kind_##NAME = {.id = CLRNN_NODE_##ID,      \
                                      .least = 2,                 \
                                      .most = 2,                  \
                                      .strided = 3,               \
                                      .takes_function = true,     \
                                      .outputs = {""},            \
                                      .infer = broadcast_two,     \
                                      .memory = broadcast_memory, \
                                      .forward = two_forward,     \
                                      __VA_ARGS__}
TWO(ADD, add, .backward = linear_backward);
TWO(SUB, sub, .backward = linear_backward);
TWO(MUL, mul, .backward = mul_backward);
TWO(DIV, div, .backward = div_backward);
TWO(MIN, min, .in_any_order = true, .backward = NULL);
TWO(MAX, max, .in_any_order = true, .backward = NULL);
TWO(POW, pow, .backward = NULL);

/* Whatever the loss, a comparison changes nothing a little: nobody asks for its gradient. */
static clrnn_status nothing(clr_run *run)
{
    (void)run;
    return CLRNN_OK;
}
TWO(COMPARE, compare, .uses = CLR_USES_COMPARISON, .flat = 3, .backward = nothing);

/* --- selection ------------------------------------------------------------------------------- */

static clrnn_status select_infer(clr_infer *infer)
{
    clr_shape both;
    if (clr_broadcast(infer->in[1], infer->in[2], &both) &&
        clr_broadcast(infer->in[0], &both, &infer->out[0]))
        return CLRNN_OK;
    return clr_node_fail(infer->log, infer->desc, CLRNN_ERR_ARGUMENT,
                         "%s, %s and %s cannot be broadcast to one shape",
                         clr_value_text(infer->in[0]).text, clr_value_text(infer->in[1]).text,
                         clr_value_text(infer->in[2]).text);
}

static clrnn_status select_forward(clr_run *run)
{
    return compute(run, COMBINE_SELECT, 3);
}

static clrnn_status select_backward(clr_run *run)
{
    const clr_shape *shapes[] = {&run->in[0], &run->out[0]};
    const clrnn_slice arrays[] = {run->x[0], run->dy[0]};
    clrnn_status status = gradient_by(run, 1, COMBINE_WHERE, 2, shapes, arrays, CLRNN_FN_IDENTITY);
    return status == CLRNN_OK
               ? gradient_by(run, 2, COMBINE_WHERE_NOT, 2, shapes, arrays, CLRNN_FN_IDENTITY)
               : status;
}

const clr_kind clr_kind_select = {.id = CLRNN_NODE_SELECT,
                                  .least = 3,
                                  .most = 3,
                                  .strided = 7,
                                  .takes_function = true,
                                  .outputs = {""},
                                  .infer = select_infer,
                                  .memory = broadcast_memory,
                                  .forward = select_forward,
                                  .backward = select_backward,
                                  .flat = 1};

/* --- expansion ------------------------------------------------------------------------------- */

static clrnn_status expand_infer(clr_infer *infer)
{
    const clrnn_node_desc *d = infer->desc;
    const clr_shape *in = infer->in[0];
    clr_shape to = {
        .rank = d->rank, .steps = CLR_NO_AXIS, .batch = CLR_NO_AXIS, .lengths = CLR_ALL_STEPS};
    for (uint32_t i = 0; i < d->rank; i++) {
        const int64_t s = d->shape[i];
        const uint32_t missing = d->rank > in->rank ? d->rank - in->rank : 0;
        to.size[i] = s > 0 ? (uint64_t)s : 1;
        if (s == CLRNN_STEPS) {
            to.steps = (int32_t)i;
            to.size[i] = infer->steps;
        } else if (s == CLRNN_BATCH) {
            to.batch = (int32_t)i;
            to.size[i] = infer->batch;
        } else if (s < 0 || (s == 0 && i < missing)) {
            return clr_node_fail(infer->log, d, CLRNN_ERR_ARGUMENT,
                                 "axis %u of the shape cannot be %lld", i, (long long)s);
        }
    }
    if (to.steps != CLR_NO_AXIS && to.batch != CLR_NO_AXIS)
        to.lengths = 0;
    if (clr_broadcast(in, &to, &infer->out[0]) && infer->out[0].rank == d->rank)
        return CLRNN_OK;
    return clr_node_fail(infer->log, d, CLRNN_ERR_ARGUMENT, "%s cannot be broadcast to %s",
                         clr_value_text(in).text, clr_value_text(&to).text);
}

static clrnn_status expand_forward(clr_run *run)
{
    return compute(run, COMBINE_FIRST, 1);
}

static bool expand_view(const clr_run *run, clr_strides *view)
{
    const clr_shape *x = &run->in[0], *y = &run->out[0];
    const clr_strides from = *view;
    const uint32_t missing = y->rank - x->rank;
    for (uint32_t i = 0; i < y->rank; i++)
        view->stride[i] = i < missing || x->size[i - missing] == 1 ? 0 : from.stride[i - missing];
    return true;
}

static clrnn_status expand_backward(clr_run *run)
{
    const clr_shape *shapes[] = {&run->out[0]};
    return gradient_by(run, 0, COMBINE_FIRST, 1, shapes, run->dy, CLRNN_FN_IDENTITY);
}

const clr_kind clr_kind_expand = {.id = CLRNN_NODE_EXPAND,
                                  .least = 1,
                                  .most = 1,
                                  .strided = 1,
                                  .uses = CLR_USES_RANK | CLR_USES_SHAPE,
                                  .outputs = {""},
                                  .infer = expand_infer,
                                  .memory = broadcast_memory,
                                  .forward = expand_forward,
                                  .view = expand_view,
                                  .backward = expand_backward};

/* --- dropout --------------------------------------------------------------------------------- */

static clrnn_status drop(clr_run *run, clrnn_slice from, clrnn_slice to)
{
    const clrnn_node_desc *d = &run->node->desc;
    map_launch l = {.rank = 1,
                    .size = {clr_shape_count(&run->out[0])},
                    .out_at = to.offset,
                    .at = {from.offset},
                    .within = clr_within(run, &run->out[0])};
    const clr_drop drop = {.p = (float)d->probability,
                           .seed = run->dropout_seed,
                           .index = run->dropout_index,
                           .layer = run->node->number,
                           .variational = d->variational};
    return clr_map_dropout(&run->tools->maps, &l, to.buffer, from.buffer, &drop);
}

static clrnn_status dropout_forward(clr_run *run)
{
    if (run->train && run->node->desc.probability > 0)
        return drop(run, run->x[0], run->y[0]);
    return expand_forward(run);
}

/* Without training it is x. */
static bool dropout_view(const clr_run *run, clr_strides *view)
{
    (void)run, (void)view;
    return true;
}

static clrnn_status dropout_backward(clr_run *run)
{
    if (!run->dx[0].buffer)
        return CLRNN_OK;
    return run->node->desc.probability > 0 ? drop(run, run->dy[0], run->dx[0])
                                           : expand_backward(run);
}

static clrnn_status dropout_complete(const clr_infer *infer, clrnn_node_desc *desc)
{
    if (desc->probability >= 0 && (float)desc->probability < 1) /* kernels take a float */
        return CLRNN_OK;
    return clr_node_fail(infer->log, desc, CLRNN_ERR_ARGUMENT,
                         "probability %.17g is not in [0,1), or rounds to 1", desc->probability);
}

const clr_kind clr_kind_dropout = {.id = CLRNN_NODE_DROPOUT,
                                   .least = 1,
                                   .most = 1,
                                   .strided = 1,
                                   .uses = CLR_USES_PROBABILITY | CLR_USES_VARIATIONAL,
                                   .outputs = {""},
                                   .complete = dropout_complete,
                                   .infer = same_shape,
                                   .memory = broadcast_memory,
                                   .forward = dropout_forward,
                                   .view = dropout_view,
                                   .backward = dropout_backward};
