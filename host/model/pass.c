/* SPDX-License-Identifier: MIT
 * model/pass.c - the memory of one pass through a model, and the pass with arrays of the host. */
#include "model/pass.h"

#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/log.h"
#include "base/memory.h"
#include "device/buffer.h"
#include "layer/plan.h"

enum { PASS_BUFFERS = 13 };

/* One array of a pass. */
typedef struct part {
    cl_mem *buffer;
    bool wanted;
    size_t unit; /* bytes of an element */
    uint64_t shape[3];
} part;

static void list_parts(clr_model_pass *pass, part parts[PASS_BUFFERS])
{
    const clrnn_model *model = pass->model;
    const clr_network *net = &model->network;
    bool symbols = clr_model_has_symbols(model), head = clr_model_has_head(model),
         lstm = clr_model_has_cell_state(model);
    bool train = pass->train, embed = train && model->embedding != CLR_ABSENT;
    size_t real = clr_model_element(model);
    uint64_t T = pass->max_steps, N = pass->max_batch, I = net->desc.input_size;
    uint64_t LD = (uint64_t)net->layers * net->directions, R = net->state_size;
    uint64_t H = net->desc.hidden_size, DR = clr_model_width(model), O = model->desc.output_size;
    const part all[PASS_BUFFERS] = {
        {&pass->x, true, real, {T, N, I}},
        {&pass->ids, symbols, sizeof(cl_int), {T, N, 1}},
        {&pass->h0, true, real, {LD, N, R}},
        {&pass->hn, true, real, {LD, N, R}},
        {&pass->c0, lstm, real, {LD, N, H}},
        {&pass->cn, lstm, real, {LD, N, H}},
        {&pass->y, true, real, {T, N, DR}},
        {&pass->logits, head, real, {T, N, O}},
        {&pass->dlogits, train && head, real, {T, N, O}},
        {&pass->dy, train, real, {T, N, DR}},
        {&pass->dx, embed, real, {T, N, I}},
        {&pass->starts, embed, sizeof(cl_uint), {(uint64_t)model->desc.vocabulary_size + 1, 1, 1}},
        {&pass->positions, embed, sizeof(cl_uint), {T, N, 1}},
    };
    memcpy(parts, all, sizeof all);
}

static clrnn_status make_buffers(clr_model_pass *pass)
{
    clrnn_context *context = pass->model->context;
    part parts[PASS_BUFFERS];
    list_parts(pass, parts);
    const size_t range = clr_gemms_index_range(&pass->gemms);
    for (size_t i = 0; i < PASS_BUFFERS; i++) {
        const part *p = &parts[i];
        clr_size bytes = clr_size_of(p->unit);
        for (size_t d = 0; d < 3; d++)
            bytes = clr_size_mul(bytes, p->shape[d]);
        if (p->wanted && !bytes.overflow && bytes.value / p->unit > range)
            return clr_fail(&context->log, CLRNN_ERR_RANGE,
                            "model: an array for %u steps of %u rows has %zu elements, and CLBlast "
                            "cannot reach beyond %zu: use fewer steps or rows at a time",
                            pass->max_steps, pass->max_batch, bytes.value / p->unit, range);
        if (p->wanted && bytes.overflow)
            return clr_fail(
                &context->log, CLRNN_ERR_RANGE,
                "model: an array for %u steps of %u rows is more than memory can address",
                pass->max_steps, pass->max_batch);
        clrnn_status status =
            p->wanted ? clr_buffer_create(context, bytes.value, p->buffer) : CLRNN_OK;
        if (status != CLRNN_OK)
            return status;
    }
    size_t reserve = clrnn_plan_get_info(pass->plan)->reserve_bytes;
    return pass->train ? clr_buffer_create(context, reserve, &pass->reserve) : CLRNN_OK;
}

/* Host memory for the counts of symbols; their positions are counted in 32 bits. */
static clrnn_status make_counts(clr_model_pass *pass)
{
    const clrnn_model *model = pass->model;
    const clrnn_log *log = &model->context->log;
    uint64_t positions = (uint64_t)pass->max_steps * pass->max_batch;
    if (!clr_model_has_symbols(model))
        return CLRNN_OK;
    if (positions > UINT32_MAX)
        return clr_fail(
            log, CLRNN_ERR_RANGE,
            "model: %u steps of %u rows are %llu symbols, more than %u: use fewer in one call",
            pass->max_steps, pass->max_batch, (unsigned long long)positions, UINT32_MAX);
    pass->counts = clr_calloc((size_t)model->desc.vocabulary_size + 1, sizeof *pass->counts);
    if (!pass->counts)
        return clr_fail(log, CLRNN_ERR_MEMORY, "model: no memory for the counts of %u symbols",
                        model->desc.vocabulary_size);
    return CLRNN_OK;
}

static clrnn_status make_pass(clrnn_model *model, uint32_t max_steps, uint32_t max_batch,
                              bool train, clr_model_dropout dropout, clrnn_storage weights,
                              clr_model_pass **out)
{
    clrnn_context *context = model->context;
    clrnn_precision precision = model->desc.precision;
    clrnn_plan_desc desc = {.network = model->desc.network,
                            .max_steps = max_steps,
                            .max_batch = max_batch,
                            .train = train,
                            .precision = precision,
                            .strategy = model->strategy,
                            .weights = weights,
                            .dropout = dropout.layers,
                            .variational = dropout.variational && dropout.layers > 0};
    clr_model_pass *pass = *out = NULL;
    clrnn_status status = CLRNN_ERR_MEMORY;
    pass = clr_calloc(1, sizeof *pass);
    if (!pass) {
        clr_log(&context->log, CLRNN_LOG_ERROR, "model: no memory for a pass");
        return status;
    }
    pass->model = model;
    pass->max_steps = max_steps;
    pass->max_batch = max_batch;
    pass->train = train;
    pass->dropout = dropout;
    pass->strategy = model->strategy;
    pass->weights = weights;
    status = clrnn_plan_create(context, &desc, &pass->plan);
    if (status == CLRNN_OK)
        status =
            clr_gemms_init(context, precision, CLRNN_WEIGHTS_F32, CLRNN_GEMM_AUTO, &pass->gemms);
    if (status == CLRNN_OK && clr_model_has_head(model))
        status = clr_sequence_init(context, precision, &pass->sequence);
    if (status == CLRNN_OK && clr_model_has_head(model))
        status = clr_gemms_prepare(&pass->gemms);
    if (status == CLRNN_OK && clr_model_has_symbols(model))
        status = clr_symbols_init(context, precision, &pass->symbols);
    if (status == CLRNN_OK)
        status = make_counts(pass);
    if (status == CLRNN_OK)
        status = make_buffers(pass);
    if (status == CLRNN_OK)
        *out = pass;
    else
        clr_model_pass_destroy(&pass);
    return status;
}

clrnn_status clr_model_pass_create(clrnn_model *model, uint32_t max_steps, uint32_t max_batch,
                                   bool train, clr_model_dropout dropout, clr_model_pass **pass)
{
    return make_pass(model, max_steps, max_batch, train, dropout, CLRNN_WEIGHTS_F32, pass);
}

void clr_model_pass_destroy(clr_model_pass **pass)
{
    clr_model_pass *p = *pass;
    if (!p)
        return;
    part parts[PASS_BUFFERS];
    list_parts(p, parts);
    clrnn_plan_destroy(&p->plan);
    for (size_t i = 0; i < PASS_BUFFERS; i++)
        clr_buffer_destroy(parts[i].buffer);
    clr_buffer_destroy(&p->reserve);
    clr_symbols_free(&p->symbols);
    clr_sequence_free(&p->sequence);
    clr_gemms_free(&p->gemms);
    clr_uploads_free(&p->uploads);
    free(p->counts);
    free(p);
    *pass = NULL;
}

/* --- host arrays --- */

static clrnn_status check_state_and_output(const clrnn_model *model, const clrnn_model_io *io)
{
    const clrnn_log *log = &model->context->log;
    if (io->logits && !clr_model_has_head(model))
        return clr_fail(log, CLRNN_ERR_ARGUMENT,
                        "model: logits is given, but of a model without a head");
    if ((io->c0 || io->cn) && !clr_model_has_cell_state(model))
        return clr_fail(log, CLRNN_ERR_ARGUMENT,
                        "model: %s is given, but only an LSTM has c0 and cn", io->c0 ? "c0" : "cn");
    return CLRNN_OK;
}

/* The pass of clrnn_model_forward, large enough for T steps and N rows. A new one has room for the
 * largest T and N so far, so that calls that differ a little share it; but only for T and N if that
 * would be more than twice the memory of the largest call, as for 1000 steps of one row and then
 * one step of 1000 rows. */
static clrnn_status grow(clrnn_model *model, uint32_t T, uint32_t N)
{
    const clr_model_pass *old = model->pass;
    uint64_t positions = (uint64_t)T * N;
    if (old) {
        uint32_t steps = T > old->max_steps ? T : old->max_steps;
        uint32_t batch = N > old->max_batch ? N : old->max_batch;
        bool fits = steps == old->max_steps && batch == old->max_batch;
        if (fits && old->strategy == model->strategy && old->weights == model->weights)
            return CLRNN_OK;
        uint64_t most = positions > old->largest_call ? positions : old->largest_call;
        if ((uint64_t)steps * batch <= 2 * most) {
            T = steps;
            N = batch;
            positions = most;
        }
    }
    clr_model_pass_destroy(&model->pass); /* first: there may not be room for both */
    clrnn_status status = make_pass(model, T, N, false, (clr_model_dropout){.layers = 0},
                                    model->weights, &model->pass);
    if (status == CLRNN_OK)
        model->pass->largest_call = positions;
    return status;
}

/* from: host [bytes], NULL = zeros */
static clrnn_status put_state(clrnn_context *context, cl_mem to, size_t bytes, const void *from)
{
    return from ? clr_buffer_write(context, to, 0, bytes, from)
                : clr_buffer_zero(context, to, 0, bytes);
}

clrnn_status clrnn_model_forward(clrnn_model *model, const clrnn_model_io *io)
{
    if (!model || !io)
        return clr_fail(model ? &model->context->log : NULL, CLRNN_ERR_ARGUMENT,
                        "clrnn_model_forward: %s is NULL", model ? "io" : "model");
    clrnn_context *context = model->context;
    const clr_network *net = &model->network;
    clr_model_input in = {.steps = io->steps,
                          .batch = io->batch,
                          .lengths = io->lengths,
                          .x = io->x,
                          .ids = io->ids,
                          .initial_state = io->h0 || io->c0};
    clrnn_status status = check_state_and_output(model, io);
    if (status == CLRNN_OK)
        status = clr_model_check_input(model, &in);
    if (status == CLRNN_OK)
        status = grow(model, io->steps, io->batch);
    if (status != CLRNN_OK)
        return status;
    clr_model_pass *pass = model->pass;
    size_t real = clr_model_element(model), states = (size_t)net->layers * net->directions;
    size_t column_bytes = (size_t)io->steps * io->batch * real;
    size_t h_bytes = states * io->batch * net->state_size * real;
    size_t c_bytes = states * io->batch * net->desc.hidden_size * real;
    if (in.initial_state)
        status = put_state(context, pass->h0, h_bytes, io->h0);
    if (status == CLRNN_OK && in.initial_state && clr_model_has_cell_state(model))
        status = put_state(context, pass->c0, c_bytes, io->c0);
    if (status == CLRNN_OK)
        status = clr_model_pass_forward(pass, &in);
    const struct {
        cl_mem from;
        size_t bytes;
        void *to;
    } outputs[] = {{pass->y, column_bytes * clr_model_width(model), io->y},
                   {pass->logits, column_bytes * model->desc.output_size, io->logits},
                   {pass->hn, h_bytes, io->hn},
                   {pass->cn, c_bytes, io->cn}};
    for (size_t i = 0; i < 4 && status == CLRNN_OK; i++)
        if (outputs[i].to)
            status = clr_buffer_read(context, outputs[i].from, 0, outputs[i].bytes, outputs[i].to);
    if (status == CLRNN_OK)
        status = clrnn_context_finish(context);
    if (status == CLRNN_OK)
        clr_plan_poll_errors(pass->plan);
    return status;
}

const clrnn_plan_info *clrnn_model_plan_info(const clrnn_model *model)
{
    return model && model->pass ? clrnn_plan_get_info(model->pass->plan) : NULL;
}
