/* SPDX-License-Identifier: MIT
 * tests/train/test_optimizer.c - each optimiser against its formula in float64 on the host. */
#include "array.h"
#include "device/arithmetic.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <clrnn/trainer.h>

#include "math/loss.h"
#include "math/optimizer.h"

enum { STEPS = 6 };

/* One optimiser with its options. clip: part of the gradient's norm, 0 = off. */
typedef struct setting {
    clrnn_optimizer kind;
    double rate, clip, momentum, beta1, beta2, rho, epsilon, decay;
} setting;

static const setting settings[] = {
    {CLRNN_SGD, .rate = 0.1},
    {CLRNN_SGD, .rate = 0.05, .momentum = 0.9},
    {CLRNN_SGD, .rate = 0.1, .momentum = 0.5, .clip = 0.3},
    {CLRNN_ADAM, .rate = 0.001, .beta1 = 0.9, .beta2 = 0.999, .epsilon = 1e-8},
    {CLRNN_ADAM, .rate = 0.1, .beta1 = 0.5, .beta2 = 0.7, .epsilon = 1e-3, .clip = 0.25},
    {CLRNN_ADAMW, .rate = 0.01, .beta1 = 0.9, .beta2 = 0.99, .epsilon = 1e-8, .decay = 0.5},
    {CLRNN_ADAMW, .rate = 0.01, .beta1 = 0.9, .beta2 = 0.99, .epsilon = 1e-8, .decay = 0.1,
     .clip = 2},
    {CLRNN_RMSPROP, .rate = 0.01, .rho = 0.99, .epsilon = 1e-8},
    {CLRNN_RMSPROP, .rate = 0.01, .rho = 0.5, .epsilon = 1e-2, .clip = 0.125},
};
enum { SETTINGS = sizeof settings / sizeof *settings };

/* What an optimiser changes, all [count]; u is v's other name. */
typedef struct weights {
    double *w, *m, *v;
} weights;

/* Step k of the formulas in clrnn/trainer.h on one number. */
static void formula(const setting *s, int k, double g, double *w, double *m, double *v)
{
    switch (s->kind) {
    case CLRNN_SGD:
        *v = s->momentum * *v + g;
        *w -= s->rate * *v;
        break;
    case CLRNN_ADAMW:
        *w -= s->rate * s->decay * *w;
        /* fall through */
    case CLRNN_ADAM:
        *m = s->beta1 * *m + (1 - s->beta1) * g;
        *v = s->beta2 * *v + (1 - s->beta2) * g * g;
        *w -= s->rate * (*m / (1 - pow(s->beta1, k))) /
              (sqrt(*v / (1 - pow(s->beta2, k))) + s->epsilon);
        break;
    case CLRNN_RMSPROP:
        *v = s->rho * *v + (1 - s->rho) * g * g;
        *w -= s->rate * g / (sqrt(*v) + s->epsilon);
        break;
    }
}

static void step(clr_optimizer *optimizer, const setting *s, const clr_update *update, int k,
                 cl_mem m, cl_mem v)
{
    clrnn_status status = CLRNN_ERR_ARGUMENT;
    clr_update all = *update;
    all.step = (uint64_t)k;
    if (s->kind == CLRNN_SGD)
        status = clr_optimizer_sgd(optimizer, &all, v, s->momentum);
    else if (s->kind == CLRNN_RMSPROP)
        status = clr_optimizer_rmsprop(optimizer, &all, v, s->rho, s->epsilon);
    else
        status =
            clr_optimizer_adam(optimizer, &all, m, v, s->beta1, s->beta2, s->epsilon, s->decay);
    assert_int_equal(status, CLRNN_OK);
}

/* Gradients of step k: of a scale that changes from element to element by up to 1e15. [count] */
static double *make_gradient(clrnn_precision precision, size_t count, int k, bool extreme)
{
    static const double scales[] = {0, 1, 1e-30, 1e-4, 1e9, 1};
    double *g = test_random(count, (uint64_t)(100 + k), 1);
    for (size_t i = 0; i < count; i++)
        g[i] = array_round(precision, extreme ? g[i] * scales[(i + (size_t)k) % 6] : g[i]);
    return g;
}

static double norm_of(const double *g, size_t count)
{
    long double sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += (long double)g[i] * g[i];
    return (double)sqrtl(sum);
}

/* The expected numbers are sums in long double. valgrind computes that as double, less exactly. */
static double slack(void)
{
    volatile long double one = 1, next = one + LDBL_EPSILON;
    return next > one ? 1 : 100;
}

static void assert_near(const array *got, const double *expected, double tolerance,
                        const setting *s, const char *what)
{
    double *values = array_read(got);
    double error = test_error(values, expected, got->count);
    if (!(error <= tolerance * slack()))
        fail_msg("optimizer %d, setting %d, count %zu, precision %d: %s is off by %g", (int)s->kind,
                 (int)(s - settings), got->count, (int)got->precision, what, error);
    free(values);
}

static void check(clr_optimizer *optimizer, clr_loss *loss, const setting *s, size_t count,
                  bool extreme)
{
    clrnn_context *context = optimizer->context;
    clrnn_precision real = optimizer->precision;
    double *zeros = calloc(count, sizeof *zeros);
    weights host = {test_random(count, 1, 2), calloc(count, sizeof(double)),
                    calloc(count, sizeof(double))};
    assert_true(zeros && host.m && host.v);
    for (size_t i = 0; i < count; i++)
        host.w[i] = array_round(real, host.w[i]);
    array w = array_make(context, real, host.w, count), m = array_make(context, real, zeros, count);
    array v = array_make(context, real, zeros, count), norm = array_make(context, real, NULL, 2);
    for (int k = 1; k <= STEPS; k++) {
        double *gradient = make_gradient(real, count, k, extreme);
        double length = norm_of(gradient, count), clip = s->clip * length;
        double factor = clip > 0 && length > clip ? clip / length : 1;
        array g = array_make(context, real, gradient, count);
        clr_update update = {.w = w.buffer,
                             .g = g.buffer,
                             .norm = norm.buffer,
                             .count = count,
                             .clip = clip,
                             .rate = s->rate};
        if (clip > 0)
            assert_int_equal(clr_norm(loss, g.buffer, count, norm.buffer), CLRNN_OK);
        step(optimizer, s, &update, k, m.buffer, v.buffer);
        for (size_t i = 0; i < count; i++)
            formula(s, k, gradient[i] * factor, &host.w[i], &host.m[i], &host.v[i]);
        assert_near(&g, gradient, 0, s, "the gradient");
        array_free(&g);
        free(gradient);
    }
    double tolerance = STEPS * 16 * (real == CLRNN_F64 ? ldexp(1, -53) : ldexp(1, -24));
    assert_near(&w, host.w, tolerance, s, "w");
    assert_near(&v, host.v, tolerance, s, "v or u");
    assert_near(&m, host.m, tolerance, s, "m");
    array_free(&w);
    array_free(&m);
    array_free(&v);
    array_free(&norm);
    free(host.w);
    free(host.m);
    free(host.v);
    free(zeros);
}

static void formulas(void **state)
{
    clrnn_context *context = *state;
    const size_t counts[] = {1, 7, 17, 64, 1000, 100003};
    for (int p = 0; p < precisions(context); p++) {
        clr_optimizer optimizer;
        clr_loss loss;
        assert_int_equal(clr_optimizer_init(context, (clrnn_precision)p, &optimizer), CLRNN_OK);
        assert_int_equal(clr_loss_init(context, (clrnn_precision)p, 100003, &loss), CLRNN_OK);
        for (size_t i = 0; i < SETTINGS; i++)
            for (size_t j = 0; j < sizeof counts / sizeof *counts; j++) {
                check(&optimizer, &loss, &settings[i], counts[j], false);
                check(&optimizer, &loss, &settings[i], counts[j], true);
            }
        clr_optimizer_free(&optimizer);
        clr_loss_free(&loss);
    }
}

/* One step of plain SGD at rate 1 from w = 0 shows the clipped gradient itself, negated. */
static double *clipped(clr_optimizer *optimizer, const double *gradient, size_t count,
                       double norm_value, double scale, double clip)
{
    clrnn_context *context = optimizer->context;
    double *zeros = calloc(count, sizeof *zeros);
    assert_non_null(zeros);
    array w = array_make(context, CLRNN_F32, zeros, count);
    array u = array_make(context, CLRNN_F32, zeros, count);
    array g = array_make(context, CLRNN_F32, gradient, count);
    array norm = array_make(context, CLRNN_F32, (double[]){norm_value * scale, scale}, 2);
    clr_update update = {
        .w = w.buffer, .g = g.buffer, .norm = norm.buffer, .count = count, .clip = clip, .rate = 1};
    assert_int_equal(clr_optimizer_sgd(optimizer, &update, u.buffer, 0), CLRNN_OK);
    double *result = array_read(&w);
    array_free(&w);
    array_free(&u);
    array_free(&g);
    array_free(&norm);
    free(zeros);
    return result;
}

static void clipping(void **state)
{
    const double gradient[] = {3, -4, 0};
    const struct {
        double norm, clip, first, second;
    } cases[] = {
        {5, 0, -3, 4},       /* off */
        {5, 5, -3, 4},       /* just allowed */
        {5, 6, -3, 4},       /* below */
        {5, 2.5, -1.5, 2},   /* halved */
        {INFINITY, 1, 0, 0}, /* an overflowed norm: no step rather than a wild one */
        {NAN, 1, NAN, NAN},  /* not hidden */
        {NAN, 0, -3, 4},     /* not read */
    };
    clr_optimizer optimizer;
    assert_int_equal(clr_optimizer_init(*state, CLRNN_F32, &optimizer), CLRNN_OK);
    for (size_t i = 0; i < 3 * sizeof cases / sizeof *cases; i++) {
        double scale = (double[]){1, 0x1p-100, 0x1p100}[i % 3]; /* which changes nothing */
        double *w = clipped(&optimizer, gradient, 3, cases[i / 3].norm, scale, cases[i / 3].clip);
        if (isnan(cases[i / 3].first))
            assert_true(isnan(w[0]) && isnan(w[1]) && isnan(w[2]));
        else
            assert_true(w[0] == cases[i / 3].first && w[1] == cases[i / 3].second && w[2] == 0);
        free(w);
    }
    clr_optimizer_free(&optimizer);
}

/* A gradient of any finite size is shortened to the norm asked for, and keeps its direction. */
static void clipping_of_extremes(void **state)
{
    const double sizes[] = {1e-40, 1e-37, 1e-30, 1, 1e18, 1e20, 1e30, 6e37};
    clr_optimizer optimizer;
    clr_loss loss;
    assert_int_equal(clr_optimizer_init(*state, CLRNN_F32, &optimizer), CLRNN_OK);
    assert_int_equal(clr_loss_init(*state, CLRNN_F32, 3, &loss), CLRNN_OK);
    for (size_t i = !device_keeps_denormals(*state); i < sizeof sizes / sizeof *sizes; i++)
        for (int k = 0; k < 2; k++) {
            const double size = sizes[i], gradient[] = {3 * size, -4 * size, 0};
            const double clip = k ? size : 1, factor = fmin(1, clip / (5 * size));
            array g = array_make(*state, CLRNN_F32, gradient, 3);
            array norm = array_make(*state, CLRNN_F32, NULL, 2);
            assert_int_equal(clr_norm(&loss, g.buffer, 3, norm.buffer), CLRNN_OK);
            double *n = array_read(&norm);
            double *w = clipped(&optimizer, gradient, 3, n[0] / n[1], n[1], clip);
            const double expected[] = {-gradient[0] * factor, -gradient[1] * factor, 0};
            double allowed = 1e-6 * fabs(expected[1]) + (size < 1e-36 ? 0x1p-148 : 0);
            if (!(fabs(w[0] - expected[0]) <= allowed && fabs(w[1] - expected[1]) <= allowed))
                fail_msg("gradient of %g clipped to %g: %g, %g", 5 * size, clip, w[0], w[1]);
            free(w);
            free(n);
            array_free(&g);
            array_free(&norm);
        }
    clr_optimizer_free(&optimizer);
    clr_loss_free(&loss);
}

static void what_is_not_finite_stays_in_its_place(void **state)
{
    const double gradient[] = {1, NAN, INFINITY, -1};
    const double zeros[4] = {0};
    clr_optimizer optimizer;
    assert_int_equal(clr_optimizer_init(*state, CLRNN_F32, &optimizer), CLRNN_OK);
    for (size_t i = 0; i < SETTINGS; i++) {
        array w = array_make(*state, CLRNN_F32, zeros, 4),
              m = array_make(*state, CLRNN_F32, zeros, 4);
        array v = array_make(*state, CLRNN_F32, zeros, 4);
        array g = array_make(*state, CLRNN_F32, gradient, 4);
        clr_update update = {
            .w = w.buffer, .g = g.buffer, .norm = w.buffer, .count = 4, .rate = settings[i].rate};
        step(&optimizer, &settings[i], &update, 1, m.buffer, v.buffer);
        double *read = array_read(&w);
        assert_true(read[0] < 0 && isnan(read[1]) && !isfinite(read[2]) && read[3] == -read[0]);
        free(read);
        array_free(&w);
        array_free(&m);
        array_free(&v);
        array_free(&g);
    }
    clr_optimizer_free(&optimizer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(formulas, test_open, test_close),
        cmocka_unit_test_setup_teardown(clipping, test_open, test_close),
        cmocka_unit_test_setup_teardown(clipping_of_extremes, test_open, test_close),
        cmocka_unit_test_setup_teardown(what_is_not_finite_stays_in_its_place, test_open,
                                        test_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
