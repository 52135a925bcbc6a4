/* SPDX-License-Identifier: MIT
 * graph/node_recurrent.c - a recurrent stack: a plan, in whatever order its axes come. */
#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"
#include "base/philox.h"
#include "device/buffer.h"
#include "graph/counted.h"
#include "layer/pass.h"

/* --- shapes ---------------------------------------------------------------------------------- */

/* Which axis is time: without symbols the first one that is not N. */
static int32_t time_axis(const clr_shape *x)
{
    return x->steps != CLR_NO_AXIS ? x->steps : x->rank == 3 && x->batch == 0 ? 1 : 0;
}

/* Which axis is N, or CLR_NO_AXIS: the one that is neither time nor the last. */
static int32_t rows_axis(const clr_shape *x)
{
    return x->rank == 3 ? (time_axis(x) == 0 ? 1 : 0) : CLR_NO_AXIS;
}

static uint64_t rows_of(const clr_shape *x)
{
    return x->rank == 3 ? x->size[rows_axis(x)] : 1;
}

static bool is_sequence(const clr_shape *x)
{
    const int32_t last = (int32_t)x->rank - 1;
    return (x->rank == 2 || x->rank == 3) && x->steps < last && x->batch < last &&
           x->size[last] > 0 && x->size[last] <= UINT32_MAX;
}

static clrnn_status recurrent_complete(const clr_infer *infer, clrnn_node_desc *desc)
{
    const clr_shape *x = infer->in[0];
    if (!is_sequence(x))
        return clr_node_fail(infer->log, desc, CLRNN_ERR_ARGUMENT,
                             "x is %s: it must be T and, if need be, N, then features",
                             clr_value_text(x).text);
    const uint32_t I = (uint32_t)x->size[x->rank - 1];
    if (desc->network.input_size && desc->network.input_size != I)
        return clr_node_fail(infer->log, desc, CLRNN_ERR_ARGUMENT, "input_size is %u, but x is %s",
                             desc->network.input_size, clr_value_text(x).text);
    desc->network.input_size = I;
    if (desc->network.num_layers == 0)
        desc->network.num_layers = 1;
    return CLRNN_OK;
}

static clrnn_status check_state(const clr_infer *infer, uint32_t i, uint64_t LD, uint64_t N,
                                uint64_t width)
{
    const clr_shape *s = infer->in[i];
    if (!s || (s->rank == 3 && s->steps == CLR_NO_AXIS && s->size[0] == LD && s->size[1] == N &&
               s->size[2] == width))
        return CLRNN_OK;
    return clr_node_fail(infer->log, infer->desc, CLRNN_ERR_ARGUMENT,
                         "%s is %s, but must be [%llu,N,%llu] with the N of x",
                         i == 1 ? "h0" : "c0", clr_value_text(s).text, (unsigned long long)LD,
                         (unsigned long long)width);
}

static clrnn_status recurrent_infer(clr_infer *infer)
{
    const clr_shape *x = infer->in[0];
    clr_network n;
    clrnn_status status = clr_node_network(infer, &n);
    if (status != CLRNN_OK)
        return status;
    if (x->size[x->rank - 1] != infer->desc->network.input_size)
        return clr_node_fail(infer->log, infer->desc, CLRNN_ERR_ARGUMENT,
                             "its input_size would depend on T or N");
    if (x->size[time_axis(x)] == 0 || rows_of(x) == 0)
        return clr_node_fail(infer->log, infer->desc, CLRNN_ERR_RANGE, "x has no %s",
                             rows_of(x) ? "steps" : "rows");
    const uint64_t LD = (uint64_t)n.layers * n.directions, N = rows_of(x);
    infer->outputs = n.has_cell_state ? 3 : 2;
    infer->out[0] = *x;
    infer->out[0].size[x->rank - 1] = n.width;
    for (uint32_t i = 1; i < 3; i++)
        infer->out[i] = (clr_shape){.rank = 3,
                                    .size = {LD, N, i == 1 ? n.state_size : n.desc.hidden_size},
                                    .steps = CLR_NO_AXIS,
                                    .batch = x->batch != CLR_NO_AXIS ? 1 : CLR_NO_AXIS,
                                    .lengths = CLR_ALL_STEPS};
    if (infer->in[2] && !n.has_cell_state)
        return clr_node_fail(infer->log, infer->desc, CLRNN_ERR_ARGUMENT,
                             "c0 is given, but this cell has h alone");
    status = check_state(infer, 1, LD, N, n.state_size);
    if (status == CLRNN_OK)
        status = check_state(infer, 2, LD, N, n.desc.hidden_size);
    if (status == CLRNN_OK)
        status = clr_counted_check(infer, x->size[time_axis(x)], N, time_axis(x) == 0);
    return status;
}

static bool recurrent_parameter(const clr_infer *infer, uint32_t i, clr_parameter *p, char name[64])
{
    clrnn_weight_info info;
    size_t count = 0;
    (void)clrnn_network_weights(&infer->desc->network, NULL, &count, NULL);
    if (i >= count || clrnn_network_weight(&infer->desc->network, NULL, i, &info) != CLRNN_OK)
        return false;
    snprintf(name, 64, "%s", info.name);
    p->info.rank = info.rank;
    p->info.shape[0] = info.shape[0];
    p->info.shape[1] = info.shape[1];
    p->info.trainable = true;
    p->fill = CLR_FILL_NETWORK;
    return true;
}

/* What the node keeps: the plan, lengths and mask of its own, those of the pass, the last block. */
typedef struct recurrent_own {
    clrnn_plan *plan;
    clr_counted counted;
    clr_repeated last;
} recurrent_own;

static clrnn_plan *plan_of(const clr_run *run)
{
    return ((recurrent_own *)*run->own)->plan;
}

static void recurrent_destroy(void *memory)
{
    recurrent_own *own = memory;
    if (!own)
        return;
    clrnn_plan_destroy(&own->plan);
    clr_counted_free(&own->counted);
    free(own);
}

/* --- memory ---------------------------------------------------------------------------------- */

static bool is_time_major(const clr_shape *x)
{
    return x->rank == 2 || time_axis(x) == 0;
}

static size_t x_count(const clr_run *run)
{
    return is_time_major(&run->in[0]) ? 0 : clr_shape_count(&run->in[0]);
}

static size_t y_count(const clr_run *run)
{
    return is_time_major(&run->in[0]) ? 0 : clr_shape_count(&run->out[0]);
}

/* Kept: the reserve, from a multiple of 64 bytes on, and x as [T,N,I] where it is not. */
static size_t reserve_count(const clr_run *run)
{
    const clrnn_plan_info *info = clrnn_plan_get_info(plan_of(run));
    return (info->reserve_bytes / clr_tools_real(run->tools) + 31) / 16 * 16;
}

static void recurrent_memory(const clr_run *run, clr_node_memory *memory)
{
    memory->kept = reserve_count(run) + x_count(run);
    memory->forward = x_count(run) + y_count(run);
    memory->backward = x_count(run) + y_count(run);
}

static clrnn_status recurrent_create(clr_run *run)
{
    const clr_tools *tools = run->tools;
    const clr_shape *x = &run->in[0];
    const uint64_t T = x->size[time_axis(x)], N = rows_of(x);
    const clrnn_plan_desc desc = {.network = run->node->desc.network,
                                  .max_steps = (uint32_t)T,
                                  .max_batch = (uint32_t)N,
                                  .train = run->train,
                                  .precision = tools->precision,
                                  .strategy = tools->strategy,
                                  .gemm = tools->gemm,
                                  .weights =
                                      run->train ? CLRNN_WEIGHTS_F32 : run->node->desc.weights};
    if (T > UINT32_MAX || N > UINT32_MAX)
        return clr_node_fail(&tools->context->log, &run->node->desc, CLRNN_ERR_RANGE,
                             "T or N is more than %u", UINT32_MAX);
    recurrent_own *own = *run->own = clr_calloc(1, sizeof *own);
    if (!own || !clr_counted_make(run, T, N, &own->counted))
        return clr_node_fail(&tools->context->log, &run->node->desc, CLRNN_ERR_MEMORY,
                             "out of memory");
    return clrnn_plan_create(tools->context, &desc, &own->plan);
}

/* --- running --------------------------------------------------------------------------------- */

/* Between the order of the graph and [T,N,width]. */
static clrnn_status reorder(clr_run *run, const clr_shape *graph, clrnn_slice from, clrnn_slice to,
                            bool to_time_major)
{
    map_launch l = clr_launch_over(run, graph, to);
    const size_t width = (size_t)graph->size[graph->rank - 1];
    cl_ulong *of_time_major = to_time_major ? l.out_stride : l.stride[0];
    clr_launch_takes(&l, 0, graph, graph, from);
    for (uint32_t i = 0; i < graph->rank; i++)
        of_time_major[i] = (int32_t)i == time_axis(graph)   ? rows_of(graph) * width
                           : (int32_t)i == rows_axis(graph) ? width
                                                            : 1;
    return clr_move(run, &l, to.buffer, from.buffer, false);
}

/* Lengths of the pass, or NULL. */
static const uint32_t *pass_lengths(const clr_run *run)
{
    const clr_shape *x = &run->in[0];
    return run->ragged && x->lengths != CLR_ALL_STEPS
               ? run->lengths + x->lengths * run->lengths_stride
               : NULL;
}

static clrnn_status read_counted(const clr_run *run)
{
    const clr_shape *x = &run->in[0];
    return clr_counted_read(run, (uint32_t)x->size[time_axis(x)], (uint32_t)rows_of(x),
                            time_axis(x) == 0, pass_lengths(run),
                            &((recurrent_own *)*run->own)->counted);
}

/* What is left out within the lengths of the pass has a y: past them y is 0. */
static clrnn_status clear_past_lengths(clr_run *run, clrnn_slice y)
{
    map_launch l = clr_launch_over(run, &run->out[0], y);
    clr_launch_takes(&l, 0, &run->out[0], &run->out[0], y);
    const bool other = run->node->desc.repeat || run->node->desc.value != 0;
    return other && l.within.some ? clr_move(run, &l, y.buffer, y.buffer, false) : CLRNN_OK;
}

/* Whether it begins with the states that the pass before has left. */
static bool is_carried(const clr_run *run)
{
    return run->begun && run->state[0].buffer;
}

/* What forward and backward have in common: x in time-major order is in place. */
static clrnn_forward_io io_of(const clr_run *run, clrnn_slice x)
{
    const clr_shape *shape = &run->in[0];
    const clr_counted *own = &((const recurrent_own *)*run->own)->counted;
    clrnn_forward_io io = {.steps = (uint32_t)shape->size[time_axis(shape)],
                           .batch = (uint32_t)rows_of(shape),
                           .lengths = own->lengths ? own->lengths : pass_lengths(run),
                           .mask = own->mask,
                           .repeat = run->node->desc.repeat,
                           .padding = (float)run->node->desc.value,
                           .dropout_seed = clr_node_seed(run->dropout_seed, run->node->number),
                           .dropout_index = run->dropout_index,
                           .x = x,
                           .h0 = run->x[1],
                           .c0 = run->x[2]};
    if (run->train)
        io.reserve = run->kept;
    if (run->stream || is_carried(run)) {
        io.h0 = run->state[0];
        io.c0 = run->state[1];
    }
    return io;
}

static clrnn_status set_weights(clr_run *run)
{
    return run->packed
               ? CLRNN_OK
               : clrnn_plan_set_weights(plan_of(run), (clrnn_slice){run->parameters, run->at[0]});
}

static clrnn_slice ordered_x(const clr_run *run)
{
    if (is_time_major(&run->in[0]))
        return run->x[0];
    return run->train ? clr_part(run->kept, reserve_count(run)) : run->scratch;
}

static clrnn_status recurrent_forward(clr_run *run)
{
    const bool ordered = is_time_major(&run->in[0]);
    const clrnn_slice x = ordered_x(run);
    clrnn_status status = read_counted(run);
    clrnn_forward_io io = io_of(run, x);
    if (status == CLRNN_OK)
        status = set_weights(run);
    io.y = ordered ? run->y[0] : clr_part(run->scratch, x_count(run));
    const clrnn_slice *states = run->stream ? run->state : run->next[0].buffer ? run->next : NULL;
    io.hn = states ? states[0] : run->y[1];
    io.cn = states ? states[1] : run->y[2];
    if (status == CLRNN_OK && !ordered)
        status = reorder(run, &run->in[0], run->x[0], x, true);
    if (status == CLRNN_OK)
        status = run->stream && !io.lengths && !io.mask /* all arrays are the graph's plan's */
                     ? clr_pass_again(plan_of(run), &io, &((recurrent_own *)*run->own)->last)
                     : clrnn_forward(plan_of(run), &io, NULL);
    if (status == CLRNN_OK && ordered && io.y.buffer)
        status = clear_past_lengths(run, io.y);
    if (status == CLRNN_OK && !ordered)
        status = reorder(run, &run->out[0], io.y, run->y[0], false);
    return status == CLRNN_OK && states ? clr_carry_give(run, states) : status;
}

static clrnn_status recurrent_backward(clr_run *run)
{
    const bool ordered = is_time_major(&run->in[0]);
    clrnn_backward_io io = {.forward = io_of(run, ordered_x(run)),
                            .dy = run->dy[0],
                            .dhn = run->dy[1],
                            .dcn = run->dy[2],
                            .dx = run->dx[0],
                            .dh0 = run->dx[1],
                            .dc0 = run->dx[2],
                            .dweights = {run->gradient, run->at[0]},
                            .dh = run->traced[0],
                            .dc = run->traced[1]};
    clrnn_status status = CLRNN_OK;
    if (is_carried(run)) { /* h0 and c0 had no part in it */
        io.dh0 = io.dc0 = (clrnn_slice){NULL, 0};
        status = clr_carry_clear(run);
    }
    if (status == CLRNN_OK && !ordered && run->dy[0].buffer) {
        io.dy = clr_part(run->scratch, x_count(run));
        status = reorder(run, &run->out[0], run->dy[0], io.dy, true);
    }
    if (!ordered && run->dx[0].buffer)
        io.dx = run->scratch;
    if (status == CLRNN_OK)
        status = clrnn_backward(plan_of(run), &io, NULL);
    if (status == CLRNN_OK && !ordered && run->dx[0].buffer)
        status = reorder(run, &run->in[0], io.dx, run->dx[0], false);
    return status;
}

static clrnn_forward_io recurrent_pass(const clr_run *run, clrnn_plan **own)
{
    *own = plan_of(run);
    return io_of(run, ordered_x(run));
}

/* --- streams --------------------------------------------------------------------------------- */

static const char *recurrent_no_stream(const clr_infer *infer)
{
    if (infer->desc->network.bidirectional || infer->desc->network.reverse)
        return "its backward direction needs the whole sequence";
    if (infer->in[3])
        return "it has lengths of its own";
    if (infer->desc->repeat)
        return "a stream keeps no output for steps that are left out to repeat";
    const bool fixed = infer->in[0]->batch == CLR_NO_AXIS && rows_of(infer->in[0]) != 1;
    return fixed ? "its number of rows is fixed" : NULL;
}

static uint32_t recurrent_state(const clr_infer *infer, clr_state_part parts[CLR_STATE_PARTS])
{
    clr_network n;
    if (clr_network_init(&infer->desc->network, infer->log, &n) != CLRNN_OK)
        return 0;
    const size_t scans = (size_t)n.layers * n.directions;
    parts[0] = (clr_state_part){"h", scans, n.state_size};
    parts[1] = (clr_state_part){"c", scans, n.desc.hidden_size};
    return n.has_cell_state ? 2 : 1;
}

const clr_kind clr_kind_recurrent = {.id = CLRNN_NODE_RECURRENT,
                                     .least = 1,
                                     .most = 5,
                                     .ids = 1 << CLR_COUNTED_LENGTHS,
                                     .uses = CLR_USES_NETWORK | CLR_USES_WEIGHTS | CLR_USES_VALUE |
                                             CLR_USES_REPEAT,
                                     .outputs = {"", "hn", "cn"},
                                     .complete = recurrent_complete,
                                     .infer = recurrent_infer,
                                     .parameter = recurrent_parameter,
                                     .memory = recurrent_memory,
                                     .create = recurrent_create,
                                     .destroy = recurrent_destroy,
                                     .forward = recurrent_forward,
                                     .backward = recurrent_backward,
                                     .pass = recurrent_pass,
                                     .no_stream = recurrent_no_stream,
                                     .state = recurrent_state,
                                     .carries = true,
                                     .flat = 1 << CLR_COUNTED_LENGTHS | 1 << CLR_COUNTED_MASK,
                                     .begins = 1};
