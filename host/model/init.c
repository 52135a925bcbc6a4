/* SPDX-License-Identifier: MIT
 * model/init.c - fresh weights: Glorot uniform, orthogonal, normal, and biases that let gates keep.
 * Shapes and kinds: clrnn/model.h.
 *
 * The same seed gives the same bits on every machine: draws are counter-based integers, and what
 * follows is float64 + - * / and square root in a fixed order, which IEEE 754 defines to the last
 * bit. So no log or cos of the C library, and no fused multiply-add (host/meson.build forbids
 * contraction).
 *
 * X. Glorot, Y. Bengio, "Understanding the difficulty of training deep feedforward neural
 * networks", AISTATS 2010: weights uniform in +-sqrt(6/(inputs + outputs)). A. Saxe, J. McClelland,
 * S. Ganguli, "Exact solutions to the nonlinear dynamics of learning in deep linear neural
 * networks", ICLR 2014: orthogonal weights keep the length of what they multiply. R. Jozefowicz, W.
 * Zaremba, I. Sutskever, "An empirical exploration of recurrent network architectures", ICML 2015:
 * a forget gate that begins open (bias 1). C. Tallec, Y. Ollivier, "Can recurrent neural networks
 * warp time?", ICLR 2018: chrono. Q. Le, N. Jaitly, G. Hinton, "A simple way to initialize
 * recurrent networks of rectified linear units", 2015: irnn. */
#include "model/init.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "base/philox.h"
#include "device/context.h"

/* One tensor's stream of random numbers, and where its values go. */
static void put(const clr_init_stream *s, size_t at, double value)
{
    if (s->precision == CLRNN_F64)
        ((double *)s->out)[at] = value;
    else
        ((float *)s->out)[at] = (float)value;
}

/* Random block `index`. The last word keeps clear of the counters of dropout, where it is a
 * training iteration, should both have one seed. */
static clr_philox_block draw(const clr_init_stream *s, uint64_t index)
{
    uint32_t counter[4] = {(uint32_t)index, (uint32_t)(index >> 32), s->tensor, UINT32_MAX};
    return clr_philox(s->seed, counter);
}

static double normal(const clr_init_stream *s, uint64_t index)
{
    return clr_normal(draw(s, index));
}

/* out[at .. at+count): uniform in +-bound. */
static void uniform(const clr_init_stream *s, size_t at, size_t count, double bound)
{
    for (size_t i = 0; i < count; i += 4) {
        clr_philox_block block = draw(s, i / 4);
        for (size_t j = 0; j < 4 && i + j < count; j++)
            put(s, at + i + j, bound * (2 * clr_uniform(block.word[j]) - 1));
    }
}

void clr_init_glorot(const clr_init_stream *s, size_t at, size_t count, uint64_t inputs,
                     uint64_t outputs)
{
    uniform(s, at, count, sqrt(6.0 / ((double)inputs + (double)outputs)));
}

void clr_init_normal(const clr_init_stream *s, size_t at, size_t count, double deviation)
{
    for (size_t i = 0; i < count; i++)
        put(s, at + i, deviation * normal(s, i));
}

/* The natural logarithm of x >= 1, within 2 units of the last place: with x = m 2^e, m about 1, and
 * z = (m-1)/(m+1) it is e ln 2 + 2 (z + z^3/3 + z^5/5 + ...), where |z| < 0.172. */
static double logarithm(double x)
{
    int e;
    double m = frexp(x, &e), series = 0;
    if (m < 0.70710678118654752440) {
        m *= 2;
        e--;
    }
    double z = (m - 1) / (m + 1), square = z * z;
    for (int k = 23; k >= 1; k -= 2)
        series = series * square + 1.0 / k;
    return (double)e * 0.69314718055994530942 + 2 * z * series;
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
static void orthogonal(const clr_init_stream *s, uint64_t first, size_t rows, size_t columns,
                       double *q, double *v, double *w)
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

/* weight_hh [G*H,R]: orthonormal columns, of `blocks` matrices one below the other. */
static clrnn_status recurrent(const clr_network *net, const clrnn_log *log,
                              const clr_init_stream *s, size_t at, size_t blocks)
{
    size_t rows = net->gates * net->desc.hidden_size / blocks;
    size_t columns = net->state_size, size = rows * columns;
    double *q = clr_calloc(size + rows + columns, sizeof *q);
    if (!q)
        return clr_fail(log, CLRNN_ERR_MEMORY,
                        "initial weights: no memory for an orthogonal matrix of %zu x %zu", rows,
                        columns);
    for (size_t block = 0; block < blocks; block++) {
        orthogonal(s, block * size, rows, columns, q, q + size, q + size + rows);
        for (size_t i = 0; i < size; i++)
            put(s, at + block * size + i, q[i]);
    }
    free(q);
    return CLRNN_OK;
}

static void identity(const clr_init_stream *s, size_t at, size_t rows, size_t columns)
{
    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < columns; j++)
            put(s, at + i * columns + j, i == j);
}

/* --- a network ------------------------------------------------------------------------------ */

/* All of a cell is uniform in one range. */
static void all_uniform(const clr_network *net, const clr_cell_weights *part,
                        const clr_init_stream *s, size_t at)
{
    size_t end = part->params != CLR_ABSENT  ? part->params
                 : part->ln_ih != CLR_ABSENT ? part->ln_ih
                                             : part->end;
    double bound = 1 / sqrt((double)net->desc.hidden_size);
    uniform(s, at + part->w_ih, end - part->w_ih, bound);
}

/* The gate that keeps what there was: a bias in favour of that, the same for all units, or one that
 * gives each unit a memory of its own length. */
static void gate_biases(const clr_network *net, const clrnn_init_desc *init,
                        const clr_cell_weights *part, const clr_init_stream *s, size_t at)
{
    const clr_keeping *keeping = &net->cell->keeping;
    const bool chrono = init->kind == CLRNN_INIT_CHRONO;
    const double sign = (double)clr_cell_keeping_sign(net->cell, &net->desc);
    const size_t H = net->desc.hidden_size, b_ih = at + part->b_ih;
    if (part->b_ih == CLR_ABSENT || !(chrono || init->has_forget_bias))
        return;
    for (size_t j = 0; j < H; j++) {
        double u = clr_uniform(draw(s, j / 4).word[j % 4]), bias = init->forget_bias;
        if (chrono)
            bias = logarithm(1 + u * ((double)init->longest_lag - 2));
        put(s, b_ih + keeping->gate * H + j, sign * bias + 0.0); /* no -0 */
        if (part->b_hh != CLR_ABSENT)
            put(s, at + part->b_hh + keeping->gate * H + j, 0);
        if (chrono && keeping->admits != keeping->gate)
            put(s, b_ih + keeping->admits * H + j, -bias);
    }
}

/* One layer and direction. weight_ih [G*H,I'] is Glorot for each gate: I' inputs, H outputs. */
static clrnn_status cell(const clr_network *net, const clrnn_init_desc *init, const clrnn_log *log,
                         size_t at, uint32_t layer, uint32_t direction, clr_init_stream *s)
{
    const clrnn_init_kind kind = init->kind;
    clr_cell_weights part = clr_network_cell(net, layer, direction);
    size_t H = net->desc.hidden_size, R = net->state_size, rows = net->gates * H;
    size_t w_ih = at + part.w_ih, w_hh = at + part.w_hh;
    clrnn_status status = CLRNN_OK;
    s->tensor++;
    if (kind == CLRNN_INIT_PYTORCH)
        all_uniform(net, &part, s, at);
    else if (kind == CLRNN_INIT_IRNN)
        clr_init_normal(s, w_ih, rows * part.inputs, 0.001);
    else
        clr_init_glorot(s, w_ih, rows * part.inputs, part.inputs,
                        kind == CLRNN_INIT_KERAS ? rows : H);
    s->tensor++;
    if (kind == CLRNN_INIT_IRNN)
        identity(s, w_hh, rows, R);
    else if (kind != CLRNN_INIT_PYTORCH)
        status = recurrent(net, log, s, w_hh, kind == CLRNN_INIT_KERAS ? 1 : net->gates);
    s->tensor++;
    if (part.w_hr != CLR_ABSENT && kind != CLRNN_INIT_PYTORCH)
        clr_init_glorot(s, at + part.w_hr, R * H, H, R);
    for (size_t i = 0; part.ln_ih != CLR_ABSENT && i < 2 * rows; i++)
        put(s, at + part.ln_ih + i, 1);
    for (size_t j = 0; part.ln_c != CLR_ABSENT && j < H; j++)
        put(s, at + part.ln_c + j, 1);
    clr_init_stream biases = *s;
    biases.tensor |= 0x80000000u;
    gate_biases(net, init, &part, &biases, at);
    return status;
}

clrnn_status clr_init_network(const clr_network *net, const clrnn_init_desc *init,
                              const clrnn_log *log, clr_init_stream *s, size_t at)
{
    clrnn_status status = CLRNN_OK;
    for (uint32_t l = 0; l < net->layers && status == CLRNN_OK; l++)
        for (uint32_t d = 0; d < net->directions && status == CLRNN_OK; d++)
            status = cell(net, init, log, at, l, d, s);
    return status;
}

static void embedding(const clrnn_model *model, const clr_init_stream *s)
{
    const clrnn_model_desc *desc = &model->desc;
    size_t E = desc->network.input_size, count = desc->vocabulary_size * E;
    if (desc->init.kind == CLRNN_INIT_KERAS)
        uniform(s, model->embedding, count, 0.05);
    else
        clr_init_normal(s, model->embedding, count,
                        desc->init.kind == CLRNN_INIT_PYTORCH ? 1 : 1 / sqrt((double)E));
}

static void head(const clrnn_model *model, const clr_init_stream *s)
{
    size_t inputs = clr_model_width(model), outputs = model->desc.output_size;
    clr_init_stream biases = *s;
    biases.tensor |= 0x80000000u;
    if (model->desc.init.kind != CLRNN_INIT_PYTORCH) {
        clr_init_glorot(s, model->head_weight, inputs * outputs, inputs, outputs);
        return;
    }
    uniform(s, model->head_weight, inputs * outputs, 1 / sqrt((double)inputs));
    uniform(&biases, model->head_bias, outputs, 1 / sqrt((double)inputs));
}

clrnn_status clr_model_init(const clrnn_model *model, uint64_t seed, void *parameters)
{
    const clr_network *net = &model->network;
    clr_init_stream s = {.seed = seed, .precision = model->desc.precision, .out = parameters};
    if (model->embedding != CLR_ABSENT)
        embedding(model, &s);
    s.tensor = 1;
    if (model->head_weight != CLR_ABSENT)
        head(model, &s);
    return clr_init_network(net, &model->desc.init, &model->context->log, &s, model->rnn);
}
