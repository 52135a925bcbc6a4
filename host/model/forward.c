/* SPDX-License-Identifier: MIT
 * model/forward.c - one pass through a model: symbols or x in, logits out, and back again.
 *
 *     forward     x = input(ids);  (y, hn, cn) = network(x, h0, c0);  logits = y W^T + b
 *     backward    dW = dlogits^T y;  db = sum of the rows of dlogits;  dy = dlogits W;
 *                 (dx, dweights) = network backward(dy);  dtable = scatter of dx by ids
 * with W [O,D*R] and b [O] of the head. */
#include <string.h>

#include "base/log.h"
#include "device/buffer.h"
#include "math/gemm.h"
#include "model/pass.h"

/* --- input --- */

static bool is_live(const uint32_t *lengths, uint32_t t, uint32_t n)
{
    return !lengths || t < lengths[n];
}

/* Every symbol within a row's length is one of the vocabulary. */
static clrnn_status check_ids(const clrnn_model *model, uint32_t steps, uint32_t batch,
                              const uint32_t *lengths, const int32_t *ids)
{
    uint32_t V = model->desc.vocabulary_size;
    for (uint32_t t = 0; t < steps; t++)
        for (uint32_t n = 0; n < batch; n++) {
            int32_t id = ids[(size_t)t * batch + n];
            if (is_live(lengths, t, n) && (uint32_t)id >= V) /* V <= INT32_MAX: or negative */
                return clr_fail(&model->context->log, CLRNN_ERR_RANGE,
                                "model: the symbol at step %u of row %u is %d, must be 0 to %u", t,
                                n, (int)id, V - 1);
        }
    return CLRNN_OK;
}

clrnn_status clr_model_check_input(const clrnn_model *model, const clr_model_input *in)
{
    const clrnn_log *log = &model->context->log;
    bool symbols = clr_model_has_symbols(model);
    if (symbols ? !in->ids || in->x : !in->x || in->ids)
        return clr_fail(log, CLRNN_ERR_ARGUMENT, "model: this model takes %s",
                        symbols ? "`ids`, and no `x`" : "`x`, and no `ids`");
    if (in->steps == 0 || in->batch == 0)
        return clr_fail(log, CLRNN_ERR_RANGE, "model: %u steps of %u rows, neither may be 0",
                        in->steps, in->batch);
    for (uint32_t n = 0; in->lengths && n < in->batch; n++)
        if (in->lengths[n] > in->steps)
            return clr_fail(log, CLRNN_ERR_RANGE, "model: length %u of row %u exceeds %u steps",
                            in->lengths[n], n, in->steps);
    return symbols ? check_ids(model, in->steps, in->batch, in->lengths, in->ids) : CLRNN_OK;
}

/* ids, but 0 past a row's length. */
static clrnn_status upload_ids(clr_model_pass *pass, const clr_model_input *in)
{
    clrnn_context *context = pass->model->context;
    uint32_t N = in->batch;
    size_t rows = (size_t)in->steps * N, bytes = rows * sizeof *in->ids;
    void *memory = NULL;
    clrnn_status status = clr_uploads_take(context, &pass->uploads, bytes, &memory);
    if (status != CLRNN_OK)
        return status;
    int32_t *ids = memory;
    for (size_t p = 0; p < rows; p++)
        ids[p] = is_live(in->lengths, (uint32_t)(p / N), (uint32_t)(p % N)) ? in->ids[p] : 0;
    return clr_uploads_send(context, &pass->uploads, bytes, pass->ids);
}

/* x, from the host or made from symbols. Training does not wait for it; what only runs forward is
 * waited for in any case, and saves the copy. */
static clrnn_status upload(clr_model_pass *pass, const clr_model_input *in)
{
    const clrnn_model *model = pass->model;
    clrnn_context *context = model->context;
    uint32_t width = model->desc.network.input_size;
    size_t rows = (size_t)in->steps * in->batch, bytes = rows * width * clr_model_element(model);
    if (!clr_model_has_symbols(model))
        return pass->train ? clr_uploads_copy(context, &pass->uploads, in->x, bytes, pass->x)
                           : clr_buffer_write(context, pass->x, 0, bytes, in->x);
    clrnn_status status = upload_ids(pass, in);
    if (status != CLRNN_OK)
        return status;
    if (model->desc.input == CLRNN_INPUT_ONE_HOT)
        return clr_one_hot(&pass->symbols, pass->ids, rows, width, pass->x);
    return clr_embedding_gather(&pass->symbols, model->parameters, model->embedding, pass->ids,
                                rows, width, pass->x);
}

/* x or its gradient, [T,N,I], as the input is dropped: with the number of the top layer, of whose
 * output nothing is. */
static clrnn_status drop_input(clr_model_pass *pass, cl_mem x)
{
    const clr_model_input *in = &pass->input;
    const size_t width = pass->model->desc.network.input_size;
    const clr_drop drop = {.p = pass->dropout.input,
                           .seed = in->dropout_seed,
                           .index = in->dropout_index,
                           .layer = pass->model->network.layers - 1,
                           .variational = pass->dropout.variational};
    return drop.p > 0 ? clr_dropout(&pass->sequence, (clr_matrix){x, 0, width}, in->steps,
                                    in->batch, width, &drop)
                      : CLRNN_OK;
}

/* --- forward --- */

clrnn_forward_io clr_model_pass_io(const clr_model_pass *pass, const uint32_t *lengths)
{
    const clr_model_input *in = &pass->input;
    return (clrnn_forward_io){.steps = in->steps,
                              .batch = in->batch,
                              .lengths = lengths,
                              .x = {pass->x, 0},
                              .h0 = {in->initial_state ? pass->h0 : NULL, 0},
                              .c0 = {in->initial_state ? pass->c0 : NULL, 0},
                              .y = {pass->y, 0},
                              .hn = {pass->hn, 0},
                              .cn = {pass->cn, 0},
                              .reserve = {pass->reserve, 0},
                              .dropout_seed = in->dropout_seed,
                              .dropout_index = in->dropout_index};
}

/* logits = y W^T + b.  Past a row's length y is 0, so the bias remains. */
static clrnn_status head_forward(clr_model_pass *pass)
{
    const clrnn_model *model = pass->model;
    size_t rows = (size_t)pass->input.steps * pass->input.batch, O = model->desc.output_size;
    size_t width = clr_model_width(model);
    clr_matrix logits = {pass->logits, 0, O};
    clr_gemm gemm = {.m = rows,
                     .n = O,
                     .k = width,
                     .transpose_b = true,
                     .a = {pass->y, 0, width},
                     .b = {model->parameters, model->head_weight, width},
                     .c = logits};
    clrnn_status status = clr_gemm_run(&pass->gemms, &gemm);
    if (status != CLRNN_OK)
        return status;
    return clr_add_row(&pass->sequence, logits, rows, O, model->parameters, model->head_bias);
}

/* Forward of a checked input. */
static clrnn_status run(clr_model_pass *pass, const clr_model_input *in)
{
    const clrnn_model *model = pass->model;
    clrnn_slice weights = {model->parameters, model->rnn};
    clrnn_forward_io io = clr_model_pass_io(pass, in->lengths);
    clrnn_status status = upload(pass, in);
    if (status == CLRNN_OK)
        status = drop_input(pass, pass->x);
    if (status == CLRNN_OK && pass->version != model->version)
        status = clrnn_plan_set_weights(pass->plan, weights);
    if (status != CLRNN_OK)
        return status;
    pass->version = model->version;
    status = clrnn_forward(pass->plan, &io, NULL);
    if (status == CLRNN_OK && clr_model_has_head(model))
        status = head_forward(pass);
    return status;
}

clrnn_status clr_model_pass_forward(clr_model_pass *pass, const clr_model_input *input)
{
    clrnn_status status = clr_model_check_parameters(pass->model);
    if (status == CLRNN_OK)
        status = clr_model_check_input(pass->model, input);
    if (status != CLRNN_OK)
        return status;
    if (input->steps > pass->max_steps || input->batch > pass->max_batch)
        return clr_fail(&pass->model->context->log, CLRNN_ERR_RANGE,
                        "model: %u steps of %u rows, made for at most %u of %u", input->steps,
                        input->batch, pass->max_steps, pass->max_batch);
    pass->input = *input;
    pass->input.lengths = NULL;
    pass->input.x = NULL;
    pass->input.ids = NULL;
    status = run(pass, input);
    if (status != CLRNN_OK)
        pass->input.steps = 0; /* nothing to go back through */
    return status;
}

/* --- backward --- */

/* dW = dlogits^T y;  db = sum of the rows of dlogits;  dy = dlogits W */
static clrnn_status head_backward(clr_model_pass *pass, cl_mem gradient)
{
    const clrnn_model *model = pass->model;
    size_t rows = (size_t)pass->input.steps * pass->input.batch, O = model->desc.output_size;
    size_t width = clr_model_width(model);
    clr_matrix dlogits = {pass->dlogits, 0, O};
    clr_gemm dweight = {.m = O,
                        .n = width,
                        .k = rows,
                        .transpose_a = true,
                        .a = dlogits,
                        .b = {pass->y, 0, width},
                        .c = {gradient, model->head_weight, width}};
    clr_gemm dy = {.m = rows,
                   .n = width,
                   .k = O,
                   .a = dlogits,
                   .b = {model->parameters, model->head_weight, width},
                   .c = {pass->dy, 0, width}};
    clrnn_status status = clr_gemm_run(&pass->gemms, &dweight);
    if (status == CLRNN_OK)
        status =
            clr_column_sums(&pass->sequence, dlogits, rows, O, gradient, model->head_bias, false);
    if (status == CLRNN_OK)
        status = clr_gemm_run(&pass->gemms, &dy);
    return status;
}

/* A counting sort: pass->counts[v] to counts[v+1] - 1 become the places in `positions` of those
 * with symbol v, ascending. Positions past a row's length are left out. */
static void sort_positions(clr_model_pass *pass, const uint32_t *lengths, const int32_t *ids,
                           uint32_t *positions)
{
    uint32_t V = pass->model->desc.vocabulary_size, N = pass->input.batch;
    uint32_t rows = pass->input.steps * N, *starts = pass->counts;
    memset(starts, 0, ((size_t)V + 1) * sizeof *starts);
    for (uint32_t p = 0; p < rows; p++)
        if (is_live(lengths, p / N, p % N))
            starts[ids[p] + 1]++;
    for (uint32_t v = 0; v < V; v++)
        starts[v + 1] += starts[v];
    for (uint32_t p = 0; p < rows; p++)
        if (is_live(lengths, p / N, p % N))
            positions[starts[ids[p]]++] = p;
    memmove(starts + 1, starts, V * sizeof *starts); /* each had advanced to the next one's start */
    starts[0] = 0;
}

static clrnn_status embedding_backward(clr_model_pass *pass, const uint32_t *lengths,
                                       const int32_t *ids, cl_mem gradient)
{
    const clrnn_model *model = pass->model;
    clrnn_context *context = model->context;
    size_t V = model->desc.vocabulary_size, E = model->desc.network.input_size;
    size_t rows = (size_t)pass->input.steps * pass->input.batch;
    void *positions = NULL;
    clrnn_status status =
        clr_uploads_take(context, &pass->uploads, rows * sizeof(cl_uint), &positions);
    if (status != CLRNN_OK)
        return status;
    sort_positions(pass, lengths, ids, positions);
    status = clr_uploads_send(context, &pass->uploads, pass->counts[V] * sizeof(cl_uint),
                              pass->positions);
    if (status == CLRNN_OK)
        status = clr_uploads_copy(context, &pass->uploads, pass->counts,
                                  (V + 1) * sizeof *pass->counts, pass->starts);
    if (status == CLRNN_OK)
        status = clr_embedding_gradient(&pass->symbols, pass->dx, pass->starts, pass->positions, V,
                                        E, gradient, model->embedding);
    return status;
}

clrnn_status clr_model_pass_backward(clr_model_pass *pass, const uint32_t *lengths,
                                     const int32_t *ids, cl_mem gradient)
{
    const clrnn_model *model = pass->model;
    const clrnn_log *log = &model->context->log;
    bool embed = model->embedding != CLR_ABSENT;
    if (!pass->train || pass->input.steps == 0)
        return clr_fail(log, CLRNN_ERR_ARGUMENT, "model: backward %s",
                        pass->train ? "without a forward pass" : "of a pass that does not train");
    if (embed && !ids)
        return clr_fail(log, CLRNN_ERR_ARGUMENT,
                        "model: backward: ids is NULL, but the model has an embedding");
    clrnn_status status =
        embed ? check_ids(model, pass->input.steps, pass->input.batch, lengths, ids) : CLRNN_OK;
    if (status == CLRNN_OK && clr_model_has_head(model))
        status = head_backward(pass, gradient);
    if (status != CLRNN_OK)
        return status;
    clrnn_backward_io io = {.forward = clr_model_pass_io(pass, lengths),
                            .dy = {pass->dy, 0},
                            .dx = {pass->dx, 0},
                            .dweights = {gradient, model->rnn}};
    status = clrnn_backward(pass->plan, &io, NULL);
    if (status == CLRNN_OK && embed)
        status = drop_input(pass, pass->dx);
    if (status == CLRNN_OK && embed)
        status = embedding_backward(pass, lengths, ids, gradient);
    return status;
}
