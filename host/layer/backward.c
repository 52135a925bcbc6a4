/* SPDX-License-Identifier: MIT
 * layer/backward.c - one backward pass: the strategy scans back, then whole-sequence products give
 * the gradients of weights and inputs. */
#include "base/log.h"
#include "device/buffer.h"
#include "layer/empty.h"
#include "layer/norm.h"
#include "layer/scan.h"
#include "layer/state_gradients.h"
#include "layer/strategy.h"

/* What the functions below share. */
typedef struct clr_back {
    clrnn_plan *plan;
    const clrnn_backward_io *io;
    clr_pass pass;
    clr_cell_weights cell; /* of the layer and direction at hand */
    clr_scan scan;
    clr_flow flow;
    clr_matrix input; /* of the layer: [T*N, I'], 0 past a row's length */
    bool apart;       /* dy has both directions side by side, though the layer adds them */
} clr_back;

static clrnn_status check(const clr_back *b)
{
    const clrnn_plan *plan = b->plan;
    const clrnn_backward_io *io = b->io;
    const clr_pass *pass = &b->pass;
    if (!plan->network.has_cell_state && (io->dcn.buffer || io->dc0.buffer || io->dc.buffer))
        return clr_fail(&plan->context->log, CLRNN_ERR_ARGUMENT,
                        "backward: %s is given, but belongs to LSTM only",
                        io->dcn.buffer   ? "dcn"
                        : io->dc0.buffer ? "dc0"
                                         : "dc");
    const struct {
        clrnn_slice slice;
        size_t count;
        const char *name;
    } all[] = {{io->dy, clr_count_y(plan, pass), "dy"},
               {io->dhn, clr_count_h(plan, pass), "dhn"},
               {io->dcn, clr_count_c(plan, pass), "dcn"},
               {io->dx, clr_count_x(plan, pass), "dx"},
               {io->dh0, clr_count_h(plan, pass), "dh0"},
               {io->dc0, clr_count_c(plan, pass), "dc0"},
               {io->dweights, plan->network.weights, "dweights"},
               {io->dh, pass->steps * clr_count_h(plan, pass), "dh"},
               {io->dc, pass->steps * clr_count_c(plan, pass), "dc"}};
    clrnn_status status = CLRNN_OK;
    for (size_t i = 0; i < sizeof all / sizeof *all && status == CLRNN_OK; i++)
        status = clr_slice_check(plan, all[i].slice, all[i].count, plan->real_bytes, all[i].name);
    return status;
}

/* `from`, [T*N,width], with zeros past the rows' lengths: da is 0 there, but a product needs more,
 * since x may be anything, and the state that a row holds NaN; `kept`: zeros also where the state
 * before a step was reset. Without lengths that is `from`
 * itself; else it goes to *room, made when it is first needed. */
static clrnn_status mask_padding(clr_back *b, clr_matrix from, size_t width, bool kept,
                                 cl_mem *room, clr_matrix *masked)
{
    clrnn_plan *plan = b->plan;
    *masked = from;
    if (!b->pass.ragged)
        return CLRNN_OK;
    clrnn_status status = CLRNN_OK;
    if (!*room)
        status = clr_plan_allocate(plan, room,
                                   (uint64_t)plan->desc.max_steps * plan->desc.max_batch, width);
    *masked = (clr_matrix){*room, 0, width};
    if (status == CLRNN_OK)
        status = clr_mask(&plan->sequence, from, *masked, clr_pass_live(plan, &b->pass, kept), 0,
                          (size_t)b->pass.steps * b->pass.batch, b->pass.batch, width, 0);
    return status;
}

/* Copy the gradient of one cell's state, at `from` in `state`, in from `array` (absent: zeros) or,
 * `out`, back to it. */
static clrnn_status move_gradient(clr_back *b, cl_mem state, size_t from, clrnn_slice array,
                                  size_t width, bool out)
{
    clrnn_context *context = b->plan->context;
    size_t bytes = b->pass.batch * width * b->plan->real_bytes, begin = from * b->plan->real_bytes;
    size_t cell = (size_t)b->scan.layer * b->plan->network.directions + b->scan.direction;
    size_t at = array.offset * b->plan->real_bytes + cell * bytes;
    if (!array.buffer)
        return out ? CLRNN_OK : clr_buffer_zero(context, state, begin, bytes);
    return out ? clr_buffer_copy(context, state, begin, array.buffer, at, bytes)
               : clr_buffer_copy(context, array.buffer, at, state, begin, bytes);
}

static clrnn_status move_gradients(clr_back *b, bool out)
{
    const clrnn_backward_io *io = b->io;
    const clr_network *n = &b->plan->network;
    clrnn_status status =
        move_gradient(b, b->plan->dh, b->flow.dh, out ? io->dh0 : io->dhn, n->state_size, out);
    if (status == CLRNN_OK && n->has_cell_state)
        status = move_gradient(b, b->plan->dc, b->flow.dc, out ? io->dc0 : io->dcn,
                               n->desc.hidden_size, out);
    return status;
}

/* The initial states' gradients to the caller; none has come to a state that the first step has
 * reset. */
static clrnn_status end_gradients(clr_back *b)
{
    const clr_network *n = &b->plan->network;
    const size_t N = b->pass.batch, first = b->scan.down ? (b->pass.steps - 1) * N : 0;
    const clr_live kept = {b->plan->flags, FLAG_RESET, 0};
    const clr_matrix dh = {b->plan->dh, b->flow.dh, n->state_size};
    const clr_matrix dc = {b->plan->dc, b->flow.dc, n->desc.hidden_size};
    clrnn_status status = CLRNN_OK;
    if (b->io->forward.resets)
        status = clr_mask(&b->plan->sequence, dh, dh, kept, first, N, N, dh.stride, 0);
    if (status == CLRNN_OK && b->io->forward.resets && n->has_cell_state)
        status = clr_mask(&b->plan->sequence, dc, dc, kept, first, N, N, dc.stride, 0);
    return status == CLRNN_OK ? move_gradients(b, true) : status;
}

/* dweights at `offset`, [rows,columns], (+)= d^T from, where d and from have T*N rows. same: d is
 * that of the gradient before. */
static clrnn_status weight_gradient(clr_back *b, clr_matrix d, bool same, size_t rows,
                                    clr_matrix from, size_t columns, size_t offset)
{
    const clr_gemm gemm = {.m = rows,
                           .n = columns,
                           .k = (size_t)b->pass.steps * b->pass.batch,
                           .transpose_a = true,
                           .accumulate = b->io->accumulate,
                           .same_a = same,
                           .a = d,
                           .b = from,
                           .c = {b->io->dweights.buffer, b->io->dweights.offset + offset, columns}};
    return clr_gemm_run(&b->plan->gemms, &gemm);
}

/* Gradients of the biases that there are: sums of da and du, which are the same unless a cell has
 * two inputs. */
static clrnn_status bias_gradients(clr_back *b, clr_matrix da, clr_matrix du)
{
    clr_sequence *s = &b->plan->sequence;
    const clrnn_backward_io *io = b->io;
    size_t rows = (size_t)b->pass.steps * b->pass.batch, columns = da.stride;
    cl_mem to = io->dweights.buffer;
    if (b->cell.b_ih == CLR_ABSENT)
        return CLRNN_OK;
    size_t b_ih = io->dweights.offset + b->cell.b_ih, b_hh = io->dweights.offset + b->cell.b_hh;
    clrnn_status status = clr_column_sums(s, da, rows, columns, to, b_ih, io->accumulate);
    if (status != CLRNN_OK || b->cell.b_hh == CLR_ABSENT)
        return status;
    return b->plan->network.form->two_inputs
               ? clr_column_sums(s, du, rows, columns, to, b_hh, io->accumulate)
               : clr_column_sums_again(s, rows, columns, to, b_hh, io->accumulate);
}

/* Value `which` of those that all steps have saved of the cell at hand, [T*N,H]. */
static clr_matrix saved_value(const clr_back *b, size_t which)
{
    const clr_network *n = &b->plan->network;
    const clr_scan *w = &b->scan;
    const size_t H = n->desc.hidden_size,
                 at = clr_layout_saved(w->layout, n, w->layer, w->direction, 0);
    return (clr_matrix){w->workspace, w->workspace_at + at + which * H, n->saved * H};
}

/* Those of the parameters of units: sums of da times the cell state that each multiplies. */
static clrnn_status parameter_gradients(clr_back *b, clr_matrix da)
{
    const clr_network *n = &b->plan->network;
    const clrnn_slice to = b->io->dweights;
    const clr_scan *w = &b->scan;
    size_t H = n->desc.hidden_size, rows = (size_t)b->pass.steps * b->pass.batch;
    clrnn_status status = CLRNN_OK;
    for (uint32_t k = 0; k < n->parameters && status == CLRNN_OK; k++) {
        const clr_unit_parameter *p = &n->cell->parameters.each[k];
        uint32_t slot = p->next ? !w->down : w->down;
        size_t state = w->workspace_at + clr_layout_c(w->layout, n, w->layer, w->direction, slot);
        clr_matrix of_state = {w->workspace, state, H};
        if (p->next && n->desc.zoneout_cell > 0) /* what the gate has seen of it */
            of_state = saved_value(b, n->saved - 1);
        status = clr_column_products(
            &b->plan->sequence, (clr_matrix){da.buffer, da.offset + p->gate * H, da.stride},
            of_state, clr_pass_live(b->plan, &b->pass, !p->next), b->pass.batch, rows, H, to.buffer,
            to.offset + b->cell.params + k * H, b->io->accumulate);
    }
    return status;
}

/* With recurrent dropout: what U has multiplied, in place of `from`, [T*N,width]. */
static clrnn_status drop_hidden(clr_back *b, clr_matrix *from, size_t width)
{
    clrnn_plan *plan = b->plan;
    const size_t rows = (size_t)b->pass.steps * b->pass.batch;
    clrnn_status status = CLRNN_OK;
    if (!clr_drops_hidden(plan))
        return CLRNN_OK;
    if (!plan->masked_h)
        status = clr_plan_allocate(plan, &plan->masked_h,
                                   (uint64_t)plan->desc.max_steps * plan->desc.max_batch, width);
    const clr_matrix dropped = {plan->masked_h, 0, width};
    if (status == CLRNN_OK)
        status = clr_drop_hidden(plan, &b->scan, *from, dropped, false, rows, width);
    *from = dropped;
    return status;
}

/* dU = du^T H_prev, where the gates of a later phase take the saved value in place of h. After dW,
 * whose da may be du. */
static clrnn_status recurrent_gradient(clr_back *b, clr_matrix du)
{
    const clr_network *n = &b->plan->network;
    const clr_scan *w = &b->scan;
    size_t H = n->desc.hidden_size, R = n->state_size, first = du.offset;
    /* States before each step, in order of t. */
    clr_matrix h_prev = {
        w->workspace, w->workspace_at + clr_layout_h(w->layout, n, w->layer, w->direction, w->down),
        R};
    clr_matrix saved = saved_value(b, 0);
    clrnn_status status = mask_padding(b, h_prev, R, true, &b->plan->masked_h, &h_prev);
    if (status == CLRNN_OK)
        status = drop_hidden(b, &h_prev, R);
    const bool same = n->form->phases == 1 && !n->form->two_inputs && !n->normed;
    for (uint32_t i = 0; i < n->form->phases && status == CLRNN_OK; i++) {
        const size_t row = n->form->phase[i].first * H, rows = n->form->phase[i].count * H;
        du.offset = first + row;
        if (i > 0) /* which takes the room of h_prev */
            status = drop_hidden(b, &saved, H);
        if (status != CLRNN_OK)
            break;
        status = weight_gradient(b, du, same, rows, i ? saved : h_prev, R, b->cell.w_hh + row * R);
    }
    return status;
}

/* dW_hr = dproj^T (o*tanh(c)) */
static clrnn_status projection_gradient(clr_back *b)
{
    const clr_network *n = &b->plan->network;
    return weight_gradient(b, (clr_matrix){b->plan->dproj, b->flow.dproj, n->state_size}, false,
                           n->state_size, saved_value(b, 0), n->desc.hidden_size, b->cell.w_hr);
}

/* da of the cell at hand, over all T. */
static clr_matrix of_inputs(const clr_back *b)
{
    const clr_network *n = &b->plan->network;
    return (clr_matrix){b->plan->da, b->flow.da, (size_t)n->gates * n->desc.hidden_size};
}

/* Every weight gradient of the cell at hand, from da and du over all T. With layer norm da then is
 * the gradient of W x. */
static clrnn_status weight_gradients(clr_back *b)
{
    const clr_network *n = &b->plan->network;
    const clr_matrix da = of_inputs(b);
    const size_t columns = da.stride;
    const clr_matrix du = {n->form->two_inputs ? b->plan->du : b->plan->da, b->flow.da, columns};
    const clr_matrix dsums = {n->normed ? b->plan->dsums : du.buffer, b->flow.da, columns};
    clrnn_status status = bias_gradients(b, da, du);
    if (status == CLRNN_OK)
        status = parameter_gradients(b, da);
    if (status == CLRNN_OK)
        status = clr_norm_gradients(b->plan, &b->scan, da, du, b->io->dweights, b->io->accumulate);
    if (status == CLRNN_OK)
        status = clr_norm_inputs_back(b->plan, &b->scan, da);
    if (status == CLRNN_OK)
        status = weight_gradient(b, da, false, columns, b->input, b->cell.inputs, b->cell.w_ih);
    if (status == CLRNN_OK)
        status = recurrent_gradient(b, dsums);
    if (status == CLRNN_OK && n->desc.proj_size)
        status = projection_gradient(b);
    return status;
}

/* dX (+)= da W_ih; the second direction adds to the first. */
static clrnn_status input_gradient(clr_back *b, clrnn_slice dx)
{
    const clr_packed_matrix w_ih = clr_scan_weights(b->plan, &b->scan, CLR_D_INPUT);
    const clr_gemm gemm = {.m = (size_t)b->pass.steps * b->pass.batch,
                           .accumulate = b->scan.direction == 1,
                           .a = of_inputs(b),
                           .prepared = &w_ih,
                           .c = {dx.buffer, dx.offset, b->cell.inputs}};
    return clr_gemm_run(&b->plan->gemms, &gemm);
}

/* Take up one direction of one layer. dy: [T,N,D*R] of the layer. */
static void take_up(clr_back *b, uint32_t layer, uint32_t direction, clrnn_slice dy)
{
    const clr_network *n = &b->plan->network;
    b->cell = clr_network_cell(n, layer, direction);
    b->scan = clr_scan_of(b->plan, &b->pass, layer, direction, 0, b->pass.steps);
    b->scan.y = dy;
    b->scan.y_stride = b->apart ? (size_t)n->directions * n->state_size : n->width;
    if (b->scan.y_stride > n->state_size)
        b->scan.y.offset += (size_t)direction * n->state_size;
    b->flow = clr_flow_of(b->plan, &b->scan);
}

/* One layer. dx: [T,N,I'], may be absent. */
static clrnn_status run_layer(clr_back *b, uint32_t layer, clrnn_slice dy, clrnn_slice dx)
{
    uint32_t directions = b->plan->network.directions;
    clr_scan scans[2];
    clrnn_status status = CLRNN_OK;
    for (uint32_t d = 0; d < directions && status == CLRNN_OK; d++) {
        take_up(b, layer, d, dy);
        scans[d] = b->scan;
        status = move_gradients(b, false);
    }
    if (status == CLRNN_OK)
        status =
            b->io->dh.buffer || b->io->dc.buffer
                ? clr_scan_back_by_steps(b->plan, &b->pass, scans, directions, b->io->dh, b->io->dc)
                : b->plan->strategy->backward(b->plan, scans, directions);
    for (uint32_t d = 0; d < directions && status == CLRNN_OK; d++) {
        take_up(b, layer, d, dy);
        status = end_gradients(b);
        if (status == CLRNN_OK && b->io->dweights.buffer)
            status = weight_gradients(b);
        else if (status == CLRNN_OK && dx.buffer)
            status = clr_norm_inputs_back(b->plan, &b->scan, of_inputs(b));
        if (status == CLRNN_OK && dx.buffer)
            status = input_gradient(b, dx);
    }
    return status;
}

static clrnn_status run_layers(clr_back *b)
{
    clrnn_plan *plan = b->plan;
    const clr_network *n = &plan->network;
    const clrnn_forward_io *io = &b->io->forward;
    clrnn_slice dy = b->io->dy;
    clrnn_status status = clr_pass_gather(plan, &b->pass, &dy);
    for (uint32_t layer = n->layers; layer-- > 0 && status == CLRNN_OK;) {
        clrnn_slice dx = layer ? (clrnn_slice){plan->dy[(layer - 1) % 2], 0} : b->io->dx;
        b->input = clr_layer_input(plan, &b->pass, io->x, layer);
        b->apart = dy.buffer && dy.buffer == plan->filled;
        if (layer == 0 && b->io->dweights.buffer)
            status = mask_padding(b, b->input, b->input.stride, false, &plan->masked_x, &b->input);
        if (status == CLRNN_OK)
            status = run_layer(b, layer, dy, dx);
        if (status == CLRNN_OK && layer && plan->desc.dropout > 0) {
            const clr_drop drop = clr_drop_of(plan, io, layer - 1);
            status = clr_dropout(&plan->sequence, (clr_matrix){dx.buffer, 0, b->cell.inputs},
                                 b->pass.steps, b->pass.batch, b->cell.inputs, &drop);
        }
        dy = dx;
    }
    return status;
}

clrnn_status clrnn_backward(clrnn_plan *plan, const clrnn_backward_io *io, cl_event *done)
{
    if (!plan)
        return CLRNN_ERR_ARGUMENT;
    if (!io || !plan->desc.train)
        return clr_fail(&plan->context->log, CLRNN_ERR_ARGUMENT, "backward: %s",
                        io ? "the plan does not train" : "io is NULL");
    if (clr_is_empty(io->forward.steps, io->forward.batch))
        return clr_empty_backward(plan, io, done);
    clr_back b = {.plan = plan, .io = io};
    clrnn_status status = clr_pass_begin(plan, &io->forward, &b.pass);
    if (status == CLRNN_OK)
        status = check(&b);
    if (status == CLRNN_OK)
        status = clr_pass_start(plan, &io->forward, &b.pass);
    if (status == CLRNN_OK)
        status = run_layers(&b);
    return status == CLRNN_OK ? clr_pass_end(plan, done) : status;
}
