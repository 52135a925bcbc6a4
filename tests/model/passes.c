/* SPDX-License-Identifier: MIT
 * tests/model/passes.c - see tests/model/passes.h. */
#include "model/passes.h"

#include <stdlib.h>
#include <string.h>

#include "device/buffer.h"
#include "device/context.h"
#include "reference/reference.h"

static const uint8_t letters[] = {'x', 0, 255, 'a', ' '};

const clrnn_model_desc full_model = {.network = {.cell = CLRNN_CELL_LSTM,
                                                 .input_size = 3,
                                                 .hidden_size = 6,
                                                 .proj_size = 4,
                                                 .num_layers = 2,
                                                 .bidirectional = true},
                                     .input = CLRNN_INPUT_EMBEDDING,
                                     .vocabulary_size = 5,
                                     .output_size = 7,
                                     .vocabulary = letters};

static size_t element_size(clrnn_precision precision)
{
    return precision == CLRNN_F64 ? sizeof(double) : sizeof(float);
}

void *encode(double *values, size_t count, clrnn_precision precision)
{
    if (!values)
        return NULL;
    char *out = malloc(count * element_size(precision) + 1);
    assert_non_null(out);
    for (size_t i = 0; i < count; i++) {
        float single = (float)values[i];
        if (precision == CLRNN_F32)
            values[i] = single;
        memcpy(out + i * element_size(precision),
               precision == CLRNN_F64 ? (void *)&values[i] : (void *)&single,
               element_size(precision));
    }
    return out;
}

double *decode(const void *values, size_t count, clrnn_precision precision)
{
    double *out = calloc(count + 1, sizeof *out);
    assert_non_null(out);
    for (size_t i = 0; i < count; i++)
        out[i] = precision == CLRNN_F64 ? ((const double *)values)[i] : ((const float *)values)[i];
    return out;
}

static double *read_buffer(const clrnn_model *model, cl_mem buffer, size_t count)
{
    char *raw = malloc(count * element_size(model->desc.precision) + 1);
    assert_int_equal(clr_buffer_read(model->context, buffer, 0,
                                     count * element_size(model->desc.precision), raw),
                     CLRNN_OK);
    double *out = decode(raw, count, model->desc.precision);
    free(raw);
    return out;
}

double *parameters_of(const clrnn_model *model)
{
    return read_buffer(model, model->parameters, model->count);
}

clrnn_model *create(clrnn_context *context, const clrnn_model_desc *desc, uint64_t seed)
{
    clrnn_model *model = NULL;
    assert_int_equal(clrnn_model_create(context, desc, seed, &model), CLRNN_OK);
    assert_non_null(model);
    return model;
}

/* --- a whole problem, on the host and on the device --- */

sizes sizes_of(const clrnn_model *m, const problem *p)
{
    const clr_network *net = &m->network;
    size_t rows = (size_t)p->steps * p->batch, states = net->layers * net->directions * p->batch;
    size_t width = (size_t)net->directions * net->state_size;
    return (sizes){.rows = rows,
                   .inputs = net->desc.input_size,
                   .width = width,
                   .x = rows * net->desc.input_size,
                   .h = states * net->state_size,
                   .c = net->desc.cell == CLRNN_CELL_LSTM ? states * net->desc.hidden_size : 0,
                   .y = rows * width,
                   .logits = rows * m->desc.output_size,
                   .count = m->count};
}

void release(arrays *a)
{
    double *all[] = {a->x, a->h0, a->c0, a->dout, a->y, a->logits, a->hn, a->cn, a->gradient};
    for (size_t i = 0; i < COUNT(all); i++)
        free(all[i]);
    free(a->ids);
}

static bool is_live(const problem *p, size_t row)
{
    return !p->lengths || row / p->batch < p->lengths[row % p->batch];
}

arrays inputs_of(const clrnn_model *m, const problem *p)
{
    sizes s = sizes_of(m, p);
    arrays a = {0};
    if (m->desc.input == CLRNN_INPUT_DENSE)
        a.x = test_random(s.x, 1, 1);
    else {
        double *draw = test_random(s.rows, 2, 1);
        a.ids = calloc(s.rows, sizeof *a.ids);
        for (size_t r = 0; r < s.rows; r++) /* the last symbol never occurs; padding is nonsense */
            a.ids[r] = is_live(p, r) ? (int32_t)((draw[r] + 1) / 2 * (m->desc.vocabulary_size - 1))
                                     : INT32_MIN + (int32_t)r;
        free(draw);
    }
    a.h0 = p->initial_state ? test_random(s.h, 3, 1) : NULL;
    a.c0 = p->initial_state && s.c ? test_random(s.c, 4, 1) : NULL;
    size_t columns = m->desc.output_size ? m->desc.output_size : s.width;
    a.dout = test_random(s.rows * columns, 5, 1);
    for (size_t i = 0; i < s.rows * columns; i++)
        if (!is_live(p, i / columns))
            a.dout[i] = 0;
    return a;
}

/* x [T,N,I]: given, one-hot, or rows of the embedding. */
static double *host_x(const clrnn_model *m, const problem *p, const arrays *a, const double *w)
{
    sizes s = sizes_of(m, p);
    double *x = calloc(s.x, sizeof *x);
    for (size_t i = 0; i < s.x; i++) {
        size_t r = i / s.inputs, k = i % s.inputs;
        if (a->x)
            x[i] = a->x[i];
        else if (is_live(p, r))
            x[i] = m->desc.input == CLRNN_INPUT_ONE_HOT
                       ? (size_t)a->ids[r] == k
                       : w[m->embedding + (size_t)a->ids[r] * s.inputs + k];
    }
    return x;
}

void on_host(const clrnn_model *m, const problem *p, arrays *a, const double *w)
{
    sizes s = sizes_of(m, p);
    size_t O = m->desc.output_size;
    double *x = host_x(m, p, a, w), *dx = calloc(s.x, sizeof *dx), *dy = calloc(s.y, sizeof *dy);
    a->y = calloc(s.y, sizeof *a->y);
    a->hn = calloc(s.h, sizeof *a->hn);
    a->cn = calloc(s.c + 1, sizeof *a->cn);
    a->logits = calloc(s.logits + 1, sizeof *a->logits);
    a->gradient = calloc(s.count, sizeof *a->gradient);
    clr_reference_io io = {.steps = p->steps,
                           .batch = p->batch,
                           .lengths = p->lengths,
                           .weights = w + m->rnn,
                           .x = x,
                           .h0 = a->h0,
                           .c0 = a->c0,
                           .y = a->y,
                           .hn = a->hn,
                           .cn = s.c ? a->cn : NULL};
    assert_int_equal(clr_reference_forward(&m->desc.network, &io, &test_log), CLRNN_OK);
    if (O == 0)
        memcpy(dy, a->dout, s.y * sizeof *dy);
    for (size_t r = 0; r < s.rows; r++)
        for (size_t o = 0; o < O; o++) {
            double sum = w[m->head_bias + o], dlogit = a->dout[r * O + o];
            for (size_t k = 0; k < s.width; k++) {
                sum += a->y[r * s.width + k] * w[m->head_weight + o * s.width + k];
                dy[r * s.width + k] += dlogit * w[m->head_weight + o * s.width + k];
                a->gradient[m->head_weight + o * s.width + k] += dlogit * a->y[r * s.width + k];
            }
            a->logits[r * O + o] = sum;
            a->gradient[m->head_bias + o] += dlogit;
        }
    io.dy = dy;
    io.dx = dx;
    io.dweights = a->gradient + m->rnn;
    assert_int_equal(clr_reference_backward(&m->desc.network, &io, &test_log), CLRNN_OK);
    for (size_t i = 0; i < s.x && m->embedding != CLR_ABSENT; i++)
        if (is_live(p, i / s.inputs))
            a->gradient[m->embedding + (size_t)a->ids[i / s.inputs] * s.inputs + i % s.inputs] +=
                dx[i];
    free(x);
    free(dx);
    free(dy);
}

/* Write `values` of the model's precision to a buffer of a pass; rounds them. */
static void put(const clrnn_model *m, cl_mem buffer, double *values, size_t count)
{
    void *raw = encode(values, count, m->desc.precision);
    if (raw)
        assert_int_equal(
            clr_buffer_write(m->context, buffer, 0, count * element_size(m->desc.precision), raw),
            CLRNN_OK);
    free(raw);
}

void on_device(clrnn_model *m, const problem *p, arrays *a)
{
    sizes s = sizes_of(m, p);
    clr_model_pass *pass = NULL;
    cl_mem gradient = NULL;
    assert_int_equal(
        clr_model_pass_create(m, p->steps + 2, p->batch + 1, true, (clr_model_dropout){0}, &pass),
        CLRNN_OK);
    assert_int_equal(
        clr_buffer_create(m->context, s.count * element_size(m->desc.precision), &gradient),
        CLRNN_OK);
    double *garbage = test_random(s.count, 99, 1e3);
    put(m, gradient, garbage, s.count);
    put(m, pass->h0, a->h0, s.h);
    put(m, pass->c0, a->c0, s.c);
    put(m, m->desc.output_size ? pass->dlogits : pass->dy, a->dout,
        m->desc.output_size ? s.logits : s.y);
    void *x = encode(a->x, s.x, m->desc.precision);
    clr_model_input in = {.steps = p->steps,
                          .batch = p->batch,
                          .lengths = p->lengths,
                          .x = x,
                          .ids = a->ids,
                          .initial_state = p->initial_state};
    assert_int_equal(clr_model_pass_forward(pass, &in), CLRNN_OK);
    assert_int_equal(clr_model_pass_backward(pass, p->lengths, a->ids, gradient), CLRNN_OK);
    a->y = read_buffer(m, pass->y, s.y);
    a->logits = m->desc.output_size ? read_buffer(m, pass->logits, s.logits) : NULL;
    a->hn = read_buffer(m, pass->hn, s.h);
    a->cn = s.c ? read_buffer(m, pass->cn, s.c) : NULL;
    a->gradient = read_buffer(m, gradient, s.count);
    free(x);
    free(garbage);
    clr_buffer_destroy(&gradient);
    clr_model_pass_destroy(&pass);
    assert_null(pass);
}

void check(const problem *p, const char *what, const double *device, const double *host,
           size_t count, double bound)
{
    double error = test_error(device, host, count);
    if (!(error <= bound))
        fail_msg("%s: %s is off by %g, bound %g", p->name, what, error, bound);
}
