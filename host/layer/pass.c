/* SPDX-License-Identifier: MIT
 * layer/pass.c - see layer/pass.h. */
#include "layer/pass.h"

#include "base/log.h"
#include "device/buffer.h"
#include "math/scan.h"

size_t clr_count_x(const clrnn_plan *plan, const clr_pass *pass)
{
    return (size_t)pass->steps * pass->batch * plan->network.desc.input_size;
}

size_t clr_count_y(const clrnn_plan *plan, const clr_pass *pass)
{
    return (size_t)pass->steps * pass->batch * plan->network.width;
}

size_t clr_count_h(const clrnn_plan *plan, const clr_pass *pass)
{
    const clr_network *n = &plan->network;
    return (size_t)n->layers * n->directions * pass->batch * n->state_size;
}

size_t clr_count_c(const clrnn_plan *plan, const clr_pass *pass)
{
    const clr_network *n = &plan->network;
    return (size_t)n->layers * n->directions * pass->batch * n->desc.hidden_size;
}

static clrnn_status check_presence(const clrnn_plan *plan, const clrnn_forward_io *io)
{
    const clrnn_log *log = &plan->context->log;
    clrnn_status status = clr_plan_check_weights(plan, "forward");
    if (status != CLRNN_OK)
        return status;
    if (!io->x.buffer)
        return clr_fail(log, CLRNN_ERR_ARGUMENT, "forward: x is absent");
    if (io->wait_count > 0 && !io->wait_list)
        return clr_fail(log, CLRNN_ERR_ARGUMENT, "forward: wait_list is NULL, wait_count is %u",
                        io->wait_count);
    if (!plan->network.has_cell_state && (io->c0.buffer || io->cn.buffer))
        return clr_fail(log, CLRNN_ERR_ARGUMENT, "forward: %s is given, but belongs to LSTM only",
                        io->c0.buffer ? "c0" : "cn");
    if (plan->desc.train != (io->reserve.buffer != NULL))
        return clr_fail(log, CLRNN_ERR_ARGUMENT, "forward: the reserve is %s",
                        plan->desc.train ? "absent, but the plan trains"
                                         : "present, but the plan does not train");
    return CLRNN_OK;
}

static clrnn_status check_slices(const clrnn_plan *plan, const clrnn_forward_io *io,
                                 const clr_pass *pass)
{
    const struct {
        clrnn_slice slice;
        size_t count, bytes;
        const char *name;
    } all[] = {{io->x, clr_count_x(plan, pass), plan->sequence_bytes, "x"},
               {io->h0, clr_count_h(plan, pass), plan->real_bytes, "h0"},
               {io->c0, clr_count_c(plan, pass), plan->real_bytes, "c0"},
               {io->y, clr_count_y(plan, pass), plan->sequence_bytes, "y"},
               {io->hn, clr_count_h(plan, pass), plan->real_bytes, "hn"},
               {io->cn, clr_count_c(plan, pass), plan->real_bytes, "cn"},
               {io->device_lengths, pass->batch, sizeof(cl_int), "device_lengths"},
               {io->reserve, pass->layout.total, plan->real_bytes, "reserve"}};
    clrnn_status status = CLRNN_OK;
    for (size_t i = 0; i < sizeof all / sizeof *all && status == CLRNN_OK; i++)
        status = clr_slice_check(plan, all[i].slice, all[i].count, all[i].bytes, all[i].name);
    return status;
}

/* Which steps count may be said in one way, where it can be done. */
static clrnn_status check_steps(const clrnn_plan *plan, const clrnn_forward_io *io)
{
    const clrnn_log *log = &plan->context->log;
    bool device = io->device_lengths.buffer;
    if (device && (io->lengths || io->mask || io->resets))
        return clr_fail(log, CLRNN_ERR_ARGUMENT, "forward: device_lengths and %s are both given",
                        io->lengths ? "lengths"
                        : io->mask  ? "mask"
                                    : "resets");
    if (io->resets && !plan->desc.resets)
        return clr_fail(log, CLRNN_ERR_ARGUMENT,
                        "forward: resets are given, but the plan was made without `resets`");
    if (io->repeat && plan->desc.sequences != CLRNN_WEIGHTS_F32)
        return clr_fail(log, CLRNN_ERR_ARGUMENT,
                        "forward: steps cannot repeat others where y is not f32");
    if (io->repeat && device)
        return clr_fail(log, CLRNN_ERR_ARGUMENT,
                        "forward: steps cannot repeat others with device_lengths");
    if (io->repeat && io->padding != 0)
        return clr_fail(log, CLRNN_ERR_ARGUMENT, "forward: repeat and padding %g are both given",
                        (double)io->padding);
    return CLRNN_OK;
}

static clrnn_status check_lengths(const clrnn_plan *plan, const uint32_t *lengths,
                                  const clr_pass *pass)
{
    for (uint32_t n = 0; lengths && n < pass->batch; n++)
        if (lengths[n] > pass->steps)
            return clr_fail(&plan->context->log, CLRNN_ERR_RANGE,
                            "pass: lengths[%u] is %u, more than the %u steps", n, lengths[n],
                            pass->steps);
    return CLRNN_OK;
}

clrnn_status clr_pass_begin(clrnn_plan *plan, const clrnn_forward_io *io, clr_pass *pass)
{
    const clrnn_log *log = &plan->context->log;
    clr_pass p = {.steps = io->steps ? io->steps : plan->desc.max_steps,
                  .batch = io->batch ? io->batch : plan->desc.max_batch,
                  .ragged = io->lengths || io->mask || io->resets || io->device_lengths.buffer,
                  .flagged = io->mask || io->resets || (io->lengths && io->repeat),
                  .repeat = io->repeat,
                  .seed = io->dropout_seed,
                  .index = io->dropout_index};
    if (p.steps > plan->desc.max_steps || p.batch > plan->desc.max_batch)
        return clr_fail(log, CLRNN_ERR_RANGE,
                        "pass: T=%u N=%u, but the plan is for T=%u N=%u at most", p.steps, p.batch,
                        plan->desc.max_steps, plan->desc.max_batch);
    uint32_t chunk = p.steps < plan->chunk ? p.steps : plan->chunk;
    p.workspace = plan->desc.train ? io->reserve.buffer : plan->workspace;
    p.workspace_at = plan->desc.train ? io->reserve.offset : 0;
    clrnn_status status = check_presence(plan, io);
    if (status == CLRNN_OK)
        status = plan->desc.train
                     ? clr_layout_train(&plan->network, p.steps, p.batch, log, &p.layout)
                     : clr_layout_infer(&plan->network, p.steps, chunk, p.batch, log, &p.layout);
    if (status == CLRNN_OK)
        status = check_slices(plan, io, &p);
    if (status == CLRNN_OK)
        status = check_lengths(plan, io->lengths, &p);
    if (status == CLRNN_OK)
        status = check_steps(plan, io);
    *pass = p;
    return status;
}

static clrnn_status want_kernels(clrnn_plan *plan)
{
    if (plan->sequence.context)
        return CLRNN_OK;
    return clr_sequence_init(plan->context, plan->desc.precision, &plan->sequence);
}

static clrnn_status send_lengths(clrnn_plan *plan, const clrnn_forward_io *io, const clr_pass *pass)
{
    const size_t bytes = pass->batch * sizeof(cl_int);
    if (!io->device_lengths.buffer)
        return clr_uploads_copy(plan->context, &plan->uploads, io->lengths, bytes, plan->lengths);
    const clrnn_status status = want_kernels(plan);
    return status == CLRNN_OK ? clr_take_lengths(&plan->sequence, io->device_lengths, plan->lengths,
                                                 pass->steps, pass->batch)
                              : status;
}

/* Whether the state before step i = t*N + n is reset; past a row's length nothing is. */
static bool resets(const clrnn_forward_io *io, size_t i, size_t N)
{
    return io->resets[i] && (!io->lengths || i / N < io->lengths[i % N]);
}

/* [T,N] */
static void make_flags(const clrnn_forward_io *io, const clr_pass *pass, cl_int *flags)
{
    const size_t T = pass->steps, N = pass->batch;
    for (size_t i = 0; i < T * N; i++) {
        bool live = (!io->mask || io->mask[i]) && (!io->lengths || i / N < io->lengths[i % N]);
        flags[i] = live ? FLAG_LIVE : 0;
        if (io->resets && resets(io, i, N))
            flags[i] |= FLAG_RESET;
        if (io->resets && i / N + 1 < T && resets(io, i + N, N))
            flags[i] |= FLAG_CUT_UP;
        if (io->resets && i >= N && resets(io, i - N, N))
            flags[i] |= FLAG_CUT_DOWN;
    }
}

static clrnn_status send_flags(clrnn_plan *plan, const clrnn_forward_io *io, const clr_pass *pass)
{
    const size_t bytes = (size_t)pass->steps * pass->batch * sizeof(cl_int);
    const size_t most = (size_t)plan->desc.max_steps * plan->desc.max_batch * sizeof(cl_int);
    void *flags = NULL;
    clrnn_status status = CLRNN_OK;
    if (!plan->flags)
        status = clr_buffer_create(plan->context, most, &plan->flags);
    if (status == CLRNN_OK)
        status = clr_uploads_take(plan->context, &plan->uploads, bytes, &flags);
    if (status != CLRNN_OK)
        return status;
    make_flags(io, pass, flags);
    return clr_uploads_send(plan->context, &plan->uploads, bytes, plan->flags);
}

clr_live clr_pass_live(const clrnn_plan *plan, const clr_pass *pass, bool kept)
{
    if (!pass->flagged)
        return (clr_live){.lengths = pass->ragged ? plan->lengths : NULL};
    return (clr_live){plan->flags, FLAG_LIVE | (kept ? FLAG_RESET : 0), FLAG_LIVE};
}

clrnn_status clr_pass_start(clrnn_plan *plan, const clrnn_forward_io *io, const clr_pass *pass)
{
    clrnn_status status = CLRNN_OK;
    clr_plan_poll_errors(plan);
    if (io->wait_count > 0)
        status = clr_barrier(plan->context, io->wait_count, io->wait_list);
    if (status == CLRNN_OK && pass->flagged)
        status = send_flags(plan, io, pass);
    else if (status == CLRNN_OK && pass->ragged)
        status = send_lengths(plan, io, pass);
    return status;
}

clrnn_status clr_pass_fill(clrnn_plan *plan, const clr_pass *pass, clrnn_slice y)
{
    const clr_network *n = &plan->network;
    const size_t stride = (size_t)n->directions * n->state_size;
    if (!pass->repeat || !pass->flagged || !y.buffer)
        return CLRNN_OK;
    clrnn_status status = want_kernels(plan);
    for (uint32_t d = 0; d < n->directions && status == CLRNN_OK; d++)
        status = clr_repeat_last(
            &plan->sequence, (clr_matrix){y.buffer, y.offset + (size_t)d * n->state_size, stride},
            clr_pass_live(plan, pass, false), clr_network_down(n, d), pass->steps, pass->batch,
            n->state_size);
    return status;
}

clrnn_status clr_pass_pad(clrnn_plan *plan, const clr_pass *pass, const clrnn_forward_io *io,
                          uint32_t first, uint32_t last)
{
    const size_t width = plan->network.width, N = pass->batch;
    const clr_matrix y = {io->y.buffer, io->y.offset + (size_t)(first - pass->first) * N * width,
                          width};
    if (io->padding == 0 || !pass->ragged || !y.buffer)
        return CLRNN_OK;
    clrnn_status status = want_kernels(plan);
    return status == CLRNN_OK ? clr_mask(&plan->sequence, y, y, clr_pass_live(plan, pass, false),
                                         first * N, (last - first) * N, N, width, io->padding)
                              : status;
}

clrnn_status clr_pass_gather(clrnn_plan *plan, const clr_pass *pass, clrnn_slice *dy)
{
    const clr_network *n = &plan->network;
    const size_t stride = (size_t)n->directions * n->state_size;
    clrnn_status status = CLRNN_OK;
    if (!pass->repeat || !pass->flagged || !dy->buffer)
        return CLRNN_OK;
    if (!plan->filled)
        status = clr_plan_allocate(plan, &plan->filled,
                                   (uint64_t)plan->desc.max_steps * plan->desc.max_batch, stride);
    for (uint32_t d = 0; d < n->directions && status == CLRNN_OK; d++) {
        const size_t column = n->width == n->state_size ? 0 : (size_t)d * n->state_size;
        status = clr_repeat_last_back(&plan->sequence,
                                      (clr_matrix){dy->buffer, dy->offset + column, n->width},
                                      (clr_matrix){plan->filled, (size_t)d * n->state_size, stride},
                                      clr_pass_live(plan, pass, false), clr_network_down(n, d),
                                      pass->steps, pass->batch, n->state_size);
    }
    *dy = (clrnn_slice){plan->filled, 0};
    return status;
}

clrnn_status clr_pass_end(clrnn_plan *plan, cl_event *done)
{
    clrnn_status status = clr_plan_report(plan);
    if (status != CLRNN_OK)
        return status;
    return done ? clr_marker(plan->context, done) : clr_flush(plan->context);
}

clr_drop clr_drop_of(const clrnn_plan *plan, const clrnn_forward_io *io, uint32_t layer)
{
    return (clr_drop){.p = plan->desc.dropout,
                      .seed = io->dropout_seed,
                      .index = io->dropout_index,
                      .layer = layer,
                      .variational = plan->desc.variational};
}

clr_matrix clr_layer_input(const clrnn_plan *plan, const clr_pass *pass, clrnn_slice x,
                           uint32_t layer)
{
    if (layer == 0)
        return (clr_matrix){x.buffer, x.offset, plan->network.desc.input_size};
    return (clr_matrix){pass->workspace,
                        pass->workspace_at + clr_layout_y(&pass->layout, layer - 1),
                        plan->network.width};
}
