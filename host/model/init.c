/* SPDX-License-Identifier: MIT
 * model/init.c - fresh weights: Glorot uniform, orthogonal, normal. Shapes: clrnn/model.h.
 *
 * The same seed gives the same bits on every machine: draws are counter-based integers, and what
 * follows is float64 + - * / and square root in a fixed order, which IEEE 754 defines to the last
 * bit. So no log or cos, and no fused multiply-add (host/meson.build forbids contraction).
 *
 * X. Glorot, Y. Bengio, "Understanding the difficulty of training deep feedforward neural
 * networks", AISTATS 2010: weights uniform in +-sqrt(6/(inputs + outputs)). A. Saxe, J. McClelland,
 * S. Ganguli, "Exact solutions to the nonlinear dynamics of learning in deep linear neural
 * networks", ICLR 2014: orthogonal weights keep the length of what they multiply. R. Jozefowicz, W.
 * Zaremba, I. Sutskever, "An empirical exploration of recurrent network architectures", ICML 2015:
 * a forget gate that begins open (bias 1). */
#include "model/init.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "base/philox.h"
#include "device/context.h"

/* One tensor's stream of random numbers, and where its values go. */
typedef struct stream {
    uint64_t seed;
    uint32_t tensor; /* no two tensors of a model share a number */
    clrnn_precision precision;
    void *out; /* all parameters, of that precision */
} stream;

static void put(const stream *s, size_t at, double value)
{
    if (s->precision == CLRNN_F64)
        ((double *)s->out)[at] = value;
    else
        ((float *)s->out)[at] = (float)value;
}

/* Random block `index`. The last word keeps clear of the counters of dropout, where it is a
 * training iteration, should both have one seed. */
static clr_philox_block draw(const stream *s, uint64_t index)
{
    uint32_t counter[4] = {(uint32_t)index, (uint32_t)(index >> 32), s->tensor, UINT32_MAX};
    return clr_philox(s->seed, counter);
}

/* Approximately normal, mean 0, deviation 1: the sum of eight 16-bit uniforms (Irwin-Hall), whose
 * variance is 8/12. Within 4.9 deviations, kurtosis 2.85 where the normal's is 3. */
static double normal(const stream *s, uint64_t index)
{
    static const double scale = 1.2247448713915890491 / 65536; /* sqrt(12/8) */
    clr_philox_block block = draw(s, index);
    uint32_t sum = 0;
    for (int i = 0; i < 4; i++)
        sum += (block.word[i] & 0xFFFF) + (block.word[i] >> 16);
    return ((double)sum - 8 * 32767.5) * scale;
}

/* out[at .. at+count): uniform in +-sqrt(6 / (inputs + outputs)). */
static void glorot(const stream *s, size_t at, size_t count, uint64_t inputs, uint64_t outputs)
{
    double bound = sqrt(6.0 / ((double)inputs + (double)outputs));
    for (size_t i = 0; i < count; i += 4) {
        clr_philox_block block = draw(s, i / 4);
        for (size_t j = 0; j < 4 && i + j < count; j++)
            put(s, at + i + j, bound * (2 * clr_uniform(block.word[j]) - 1));
    }
}

/* y += a x.  x, y: [count] */
static void axpy(double *restrict y, double a, const double *restrict x, size_t count)
{
    for (size_t i = 0; i < count; i++)
        y[i] += a * x[i];
}

/* q = a random matrix with orthonormal columns: the Q of the QR decomposition (R's diagonal
 * positive) of a matrix of normal numbers, without that matrix: each Householder vector is drawn at
 * once. G. W. Stewart, "The efficient generation of random orthogonal matrices", SIAM J. Numer.
 * Anal. 17, 1980. With Q_k = I - beta v v^T, from the last k to the first: q = Q_k q.
 *
 * q: out [rows,columns], rows >= columns; v: [rows], w: [columns] scratch; first: number of the
 * first block of random bits, of rows*columns. */
static void orthogonal(const stream *s, uint64_t first, size_t rows, size_t columns, double *q,
                       double *v, double *w)
{
    memset(q, 0, rows * columns * sizeof *q);
    for (size_t k = columns; k-- > 0;) {
        double square = 0;
        for (size_t i = k; i < rows; i++) {
            v[i] = normal(s, first + k * rows + i);
            square += v[i] * v[i];
        }
        double norm = sqrt(square), sign = v[k] < 0 ? -1 : 1;
        q[k * columns + k] = -sign; /* makes R's diagonal positive */
        if (norm == 0)
            continue;
        v[k] += sign * norm;
        double beta = 1 / (norm * fabs(v[k]));
        memset(w, 0, columns * sizeof *w);
        for (size_t i = k; i < rows; i++) /* w = v^T q */
            axpy(w + k, v[i], q + i * columns + k, columns - k);
        for (size_t i = k; i < rows; i++) /* q -= beta v w */
            axpy(q + i * columns + k, -beta * v[i], w + k, columns - k);
    }
}

/* weight_hh [G*H,R]: orthonormal columns for each gate. */
static clrnn_status recurrent(const clrnn_model *model, const stream *s, size_t at)
{
    const clr_network *net = &model->network;
    size_t rows = net->desc.hidden_size, columns = net->state_size, size = rows * columns;
    double *q = clr_calloc(size + rows + columns, sizeof *q);
    if (!q)
        return clr_fail(&model->context->log, CLRNN_ERR_MEMORY,
                        "initial weights: no memory for an orthogonal matrix of %zu x %zu", rows,
                        columns);
    for (size_t gate = 0; gate < net->gates; gate++) {
        orthogonal(s, gate * size, rows, columns, q, q + size, q + size + rows);
        for (size_t i = 0; i < size; i++)
            put(s, at + gate * size + i, q[i]);
    }
    free(q);
    return CLRNN_OK;
}

/* One layer and direction. weight_ih [G*H,I'] is Glorot for each gate: I' inputs, H outputs. */
static clrnn_status cell(const clrnn_model *model, uint32_t layer, uint32_t direction, stream *s)
{
    const clr_network *net = &model->network;
    clr_cell_weights part = clr_network_cell(net, layer, direction);
    size_t H = net->desc.hidden_size, R = net->state_size;
    s->tensor++;
    glorot(s, model->rnn + part.w_ih, net->gates * H * part.inputs, part.inputs, H);
    s->tensor++;
    clrnn_status status = recurrent(model, s, model->rnn + part.w_hh);
    s->tensor++;
    if (part.w_hr != CLR_ABSENT)
        glorot(s, model->rnn + part.w_hr, R * H, H, R);
    for (size_t k = 0; k < net->gates * H && part.b_ih != CLR_ABSENT; k++)
        put(s, model->rnn + part.b_ih + k, (double)net->cell->first_bias[k / H]);
    return status;
}

clrnn_status clr_model_init(const clrnn_model *model, uint64_t seed, void *parameters)
{
    const clrnn_model_desc *desc = &model->desc;
    const clr_network *net = &model->network;
    stream s = {.seed = seed, .precision = desc->precision, .out = parameters};
    if (model->embedding != CLR_ABSENT) {
        size_t E = desc->network.input_size;
        double deviation = 1 / sqrt((double)E);
        for (size_t i = 0; i < desc->vocabulary_size * E; i++)
            put(&s, model->embedding + i, deviation * normal(&s, i));
    }
    s.tensor = 1;
    if (model->head_weight != CLR_ABSENT) {
        uint64_t inputs = clr_model_width(model), outputs = desc->output_size;
        glorot(&s, model->head_weight, inputs * outputs, inputs, outputs);
    }
    clrnn_status status = CLRNN_OK;
    for (uint32_t l = 0; l < net->layers && status == CLRNN_OK; l++)
        for (uint32_t d = 0; d < net->directions && status == CLRNN_OK; d++)
            status = cell(model, l, d, &s);
    return status;
}
