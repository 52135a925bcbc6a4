/* SPDX-License-Identifier: MIT
 * tests/math/test_norm.c - layer norm of rows (cl/norm.cl) against plain C in double, and the same
 * bits however many work-items share a row. */
#include "math/norm.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "device/buffer.h"
#include "device/context.h"
#include "device/program.h"
#include "train/array.h"

/* Steps, sequences and numbers of a row; every length of the last turn of lanes. */
static const struct shape {
    size_t T, N, K;
} shapes[] = {{1, 1, 1},  {3, 2, 2},  {2, 3, 31}, {5, 1, 32},  {2, 4, 33},
              {3, 3, 63}, {1, 2, 64}, {2, 2, 65}, {4, 2, 130}, {1, 3, 517}};
enum { SHAPES = sizeof shapes / sizeof *shapes, GAP = 3, BEFORE = 5 };
static const double epsilon = 0.01;

/* Rows of a buffer that begins with BEFORE numbers of others, GAP more between rows. */
typedef struct rows {
    size_t count, K, stride, size;
} rows;

static rows rows_of(const struct shape *s)
{
    const size_t stride = s->K + GAP;
    return (rows){s->T * s->N, s->K, stride, BEFORE + s->T * s->N * stride};
}

static double *numbers(size_t count, clrnn_precision precision, uint64_t seed)
{
    double *values = test_random(count, seed, 2);
    for (size_t i = 0; i < count; i++)
        values[i] = array_round(precision, values[i]);
    return values;
}

/* A row that counts: hat, and returns scale. */
static double normalize(const double *x, size_t K, double *hat)
{
    double mean = 0, variance = 0;
    for (size_t k = 0; k < K; k++)
        mean += x[k] / (double)K;
    for (size_t k = 0; k < K; k++)
        variance += (x[k] - mean) * (x[k] - mean) / (double)K;
    for (size_t k = 0; k < K; k++)
        hat[k] = (x[k] - mean) / sqrt(variance + epsilon);
    return 1 / sqrt(variance + epsilon);
}

static void near(clrnn_precision precision, double got, double expected)
{
    const double u = precision == CLRNN_F64 ? 1e-13 : 2e-5;
    if (!(fabs(got - expected) <= u * (1 + fabs(expected))))
        fail_msg("%.17g, should be %.17g", got, expected);
}

/* What a test works on: x, gain and bias, hats with their scales, lengths. */
typedef struct work {
    rows r;
    double *x, *parameters;
    array in, weights, kept;
    clr_normed_rows job;
} work;

static work work_of(clrnn_context *context, clrnn_precision precision, const struct shape *s,
                    const cl_int *lengths)
{
    work w = {.r = rows_of(s)};
    w.x = numbers(w.r.size, precision, 1 + s->K);
    w.parameters = numbers(2 * s->K, precision, 2);
    for (size_t i = 0; i < w.r.count; i++) /* what does not count may be anything */
        if (i / s->N >= (size_t)lengths[i % s->N])
            w.x[BEFORE + i * w.r.stride] = NAN;
    w.in = array_make(context, precision, w.x, w.r.size);
    w.weights = array_make(context, precision, w.parameters, 2 * s->K);
    w.kept = array_make(context, precision, NULL, w.r.count * (s->K + 1));
    w.job = (clr_normed_rows){.rows = w.r.count,
                              .K = s->K,
                              .epsilon = epsilon,
                              .parameters = w.weights.buffer,
                              .bias = s->K,
                              .has_bias = s->N % 2,
                              .batch = s->N,
                              .kept = w.kept.buffer,
                              .scale = s->K,
                              .stride = s->K + 1};
    assert_int_equal(clr_buffer_create(context, s->N * sizeof *lengths, &w.job.live.lengths),
                     CLRNN_OK);
    assert_int_equal(
        clr_buffer_write(context, w.job.live.lengths, 0, s->N * sizeof *lengths, lengths),
        CLRNN_OK);
    return w;
}

static void work_free(work *w)
{
    free(w->x);
    free(w->parameters);
    array_free(&w->in);
    array_free(&w->weights);
    array_free(&w->kept);
    clr_buffer_destroy(&w->job.live.lengths);
}

static void check_forward(clr_norms *norms, const struct shape *s)
{
    cl_int lengths[4];
    for (size_t n = 0; n < s->N; n++)
        lengths[n] = (cl_int)(s->T - n % 2);
    work w = work_of(norms->context, norms->precision, s, lengths);
    const clr_matrix x = {w.in.buffer, BEFORE, w.r.stride};
    assert_int_equal(clr_norm_rows(norms, &w.job, x, x), CLRNN_OK);
    double *y = array_read(&w.in), *kept = array_read(&w.kept);
    double *hat = calloc(s->K, sizeof *hat);
    assert_non_null(hat);
    for (size_t i = 0; i < w.r.count; i++) {
        const size_t at = BEFORE + i * w.r.stride;
        const bool live = i / s->N < (size_t)lengths[i % s->N];
        const double scale = live ? normalize(w.x + at, s->K, hat) : 0;
        near(norms->precision, kept[i * (s->K + 1) + s->K], scale);
        for (size_t k = 0; k < s->K; k++) {
            const double bias = w.job.has_bias ? w.parameters[s->K + k] : 0;
            near(norms->precision, kept[i * (s->K + 1) + k], live ? hat[k] : 0);
            near(norms->precision, y[at + k], live ? hat[k] * w.parameters[k] + bias : 0);
        }
        for (size_t k = s->K; k < w.r.stride; k++)
            assert_true(y[at + k] == w.x[at + k]);
    }
    free(hat);
    free(y);
    free(kept);
    work_free(&w);
}

static void forward(void **state)
{
    for (int precision = 0; precision < precisions(*state); precision++) {
        clr_norms norms;
        assert_int_equal(clr_norms_init(*state, (clrnn_precision)precision, &norms), CLRNN_OK);
        for (size_t i = 0; i < SHAPES; i++)
            check_forward(&norms, &shapes[i]);
        clr_norms_free(&norms);
    }
}

/* From random hats and scales: dx = scale*(d - mean d - hat mean(d*hat)), d = dy*gain. */
static void check_back(clr_norms *norms, const struct shape *s, bool accumulate)
{
    const rows r = rows_of(s), k = {r.count, s->K, s->K + 1, r.count * (s->K + 1)};
    double *dy = numbers(r.size, norms->precision, 3), *gain = numbers(s->K, norms->precision, 4);
    double *kept = numbers(k.size, norms->precision, 5);
    array d = array_make(norms->context, norms->precision, dy, r.size);
    array g = array_make(norms->context, norms->precision, gain, s->K);
    array h = array_make(norms->context, norms->precision, kept, k.size);
    array out = array_make(norms->context, norms->precision, dy, r.size);
    const clr_normed_rows job = {.rows = r.count,
                                 .K = s->K,
                                 .parameters = g.buffer,
                                 .kept = h.buffer,
                                 .scale = s->K,
                                 .stride = k.stride};
    const clr_matrix from = {accumulate ? d.buffer : out.buffer, BEFORE, r.stride};
    const clr_matrix to = {out.buffer, BEFORE, r.stride};
    assert_int_equal(clr_norm_rows_back(norms, &job, from, to, accumulate), CLRNN_OK);
    double *dx = array_read(&out);
    for (size_t i = 0; i < r.count; i++) {
        const double *own = dy + BEFORE + i * r.stride, *hat = kept + i * k.stride;
        double mean = 0, product = 0;
        for (size_t j = 0; j < s->K; j++) {
            mean += own[j] * gain[j] / (double)s->K;
            product += own[j] * gain[j] * hat[j] / (double)s->K;
        }
        for (size_t j = 0; j < s->K; j++)
            near(norms->precision, dx[BEFORE + i * r.stride + j],
                 hat[s->K] * (own[j] * gain[j] - mean - hat[j] * product) +
                     (accumulate ? own[j] : 0));
    }
    free(dx);
    free(dy);
    free(gain);
    free(kept);
    array_free(&d);
    array_free(&g);
    array_free(&h);
    array_free(&out);
}

static void back(void **state)
{
    for (int precision = 0; precision < precisions(*state); precision++) {
        clr_norms norms;
        assert_int_equal(clr_norms_init(*state, (clrnn_precision)precision, &norms), CLRNN_OK);
        for (size_t i = 0; i < SHAPES; i++) {
            check_back(&norms, &shapes[i], false);
            check_back(&norms, &shapes[i], true);
        }
        clr_norms_free(&norms);
    }
}

/* One work-item for a row or one for each lane: a GPU's kernels and a CPU's. */
static void same_bits(void **state)
{
    clrnn_context *context = *state;
    const cl_device_type own = context->info.type;
    const struct shape s = {2, 3, 133};
    const cl_int lengths[3] = {2, 1, 2};
    double *results[2];
    if (!clr_compiles(context))
        skip();
    for (int gpu = 0; gpu < 2; gpu++) {
        clr_norms norms;
        context->info.type = gpu ? CL_DEVICE_TYPE_GPU : CL_DEVICE_TYPE_CPU;
        assert_int_equal(clr_norms_init(context, CLRNN_F32, &norms), CLRNN_OK);
        assert_true((norms.group > 1) == (gpu == 1));
        work w = work_of(context, CLRNN_F32, &s, lengths);
        const clr_matrix x = {w.in.buffer, BEFORE, w.r.stride};
        const clr_matrix again = {w.kept.buffer, 0, w.job.stride};
        assert_int_equal(clr_norm_rows(&norms, &w.job, x, x), CLRNN_OK);
        assert_int_equal(clr_norm_rows_back(&norms, &w.job, again, x, true), CLRNN_OK);
        results[gpu] = array_read(&w.in);
        work_free(&w);
        clr_norms_free(&norms);
    }
    context->info.type = own;
    for (size_t i = 0; i < s.T * s.N * s.K; i++) {
        const size_t at = BEFORE + i / s.K * (s.K + GAP) + i % s.K;
        assert_memory_equal(&results[0][at], &results[1][at], sizeof(double));
    }
    free(results[0]);
    free(results[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(forward, test_open, test_close),
        cmocka_unit_test_setup_teardown(back, test_open, test_close),
        cmocka_unit_test_setup_teardown(same_bits, test_open, test_close),
    };
    return cmocka_run_group_tests_name("norm", tests, NULL, NULL);
}
