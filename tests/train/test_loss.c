/* SPDX-License-Identifier: MIT
 * tests/train/test_loss.c - losses and their gradients against float64 on the host. */
#include "kinds.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "device/buffer.h"
#include "device/context.h"
#include "math/loss.h"

enum { ROWS = 37 };

/* What one run of a loss gives: losses [ROWS], dlogits [ROWS,O]. */
typedef struct outcome {
    double *losses, *dlogits;
} outcome;

static void outcome_free(outcome *o)
{
    free(o->losses);
    free(o->dlogits);
}

/* -log softmax(x)[target] and its gradient, row by row. */
static outcome cross_entropy(const double *x, const int32_t *targets, size_t O, double scale)
{
    outcome out = {calloc(ROWS, sizeof(double)), calloc(ROWS * O, sizeof(double))};
    assert_true(out.losses && out.dlogits);
    for (size_t row = 0; row < ROWS; row++, x += O) {
        double m = -INFINITY, s = 0;
        for (size_t k = 0; k < O; k++)
            m = fmax(m, x[k]);
        for (size_t k = 0; k < O; k++)
            s += exp(x[k] - m);
        if (targets[row] < 0)
            continue;
        out.losses[row] = log(s) - (x[targets[row]] - m);
        for (size_t k = 0; k < O; k++)
            out.dlogits[row * O + k] =
                (exp(x[k] - m) / s - (k == (size_t)targets[row] ? 1 : 0)) * scale;
    }
    return out;
}

static outcome mean_squared(const double *x, const double *values, const int32_t *targets, size_t O,
                            double scale)
{
    outcome out = {calloc(ROWS, sizeof(double)), calloc(ROWS * O, sizeof(double))};
    assert_true(out.losses && out.dlogits);
    for (size_t row = 0; row < ROWS; row++)
        for (size_t i = row * O; targets[row] >= 0 && i < (row + 1) * O; i++) {
            double error = x[i] - values[i];
            out.losses[row] += error * error / (double)O;
            out.dlogits[i] = 2 * error / (double)O * scale;
        }
    return out;
}

/* values NULL: cross-entropy. gradient false: evaluation mode, dlogits must stay untouched. */
static outcome run(clr_loss *loss, const double *logits, const double *values,
                   const int32_t *targets, size_t O, double scale, bool gradient)
{
    clrnn_context *context = loss->context;
    cl_mem device_targets = NULL;
    array x = array_make(context, loss->precision, logits, ROWS * O);
    array v = array_make(context, loss->precision, values, ROWS * O);
    array losses = array_make(context, loss->precision, NULL, ROWS);
    array dlogits = array_make(context, loss->precision, NULL, ROWS * O);
    cl_mem d = gradient ? dlogits.buffer : NULL;
    assert_int_equal(clr_buffer_create(context, ROWS * sizeof *targets, &device_targets), CLRNN_OK);
    assert_int_equal(clr_buffer_write(context, device_targets, 0, ROWS * sizeof *targets, targets),
                     CLRNN_OK);
    clrnn_status status = values ? clr_loss_mean_squared(loss, x.buffer, v.buffer, device_targets,
                                                         ROWS, O, scale, losses.buffer, d)
                                 : clr_loss_cross_entropy(loss, x.buffer, device_targets, ROWS, O,
                                                          scale, losses.buffer, d);
    assert_int_equal(status, CLRNN_OK);
    outcome out = {array_read(&losses), array_read(&dlogits)};
    free(array_read(&x));
    clr_buffer_destroy(&device_targets);
    array_free(&x);
    array_free(&v);
    array_free(&losses);
    array_free(&dlogits);
    return out;
}

/* |a-b| <= absolute + relative*|b|; what is not finite must be so in both, and alike. */
static void assert_close(const double *a, const double *b, size_t count, double absolute,
                         double relative, const char *what)
{
    for (size_t i = 0; i < count; i++) {
        bool same = isfinite(b[i]) ? fabs(a[i] - b[i]) <= absolute + relative * fabs(b[i])
                                   : (isnan(a[i]) && isnan(b[i])) || a[i] == b[i];
        if (!same)
            fail_msg("%s[%zu] is %.17g, not %.17g", what, i, a[i], b[i]);
    }
}

/* Logits [ROWS,O] of a kind, as the device sees them. Row 5 is not counted. */
enum { RANDOM, LARGE, EQUAL, MINUS_INFINITY, NOT_A_NUMBER, UNCOUNTED_NAN, KINDS };
static double *make_logits(int kind, clrnn_precision precision, size_t O)
{
    double *x = test_random(ROWS * O, 17 + O, kind == LARGE ? 1e4 : 4);
    for (size_t i = 0; i < ROWS * O; i++) {
        size_t row = i / O, k = i % O;
        if (kind == EQUAL)
            x[i] = -3.25;
        if (kind == MINUS_INFINITY && k == row % O)
            x[i] = -INFINITY;
        if (kind == NOT_A_NUMBER && row == 3 && k == O / 2)
            x[i] = NAN;
        if (kind == UNCOUNTED_NAN && row % 4 == 1)
            x[i] = k % 2 ? NAN : INFINITY;
        x[i] = array_round(precision, x[i]);
    }
    return x;
}

static void check_loss(clr_loss *loss, int kind, size_t O, bool squared)
{
    const double scale = array_round(loss->precision, 1.0 / 28), u = unit(loss->precision);
    int32_t targets[ROWS];
    for (size_t row = 0; row < ROWS; row++)
        targets[row] = row % 4 == 1 ? (row % 8 == 1 ? -1 : INT32_MIN) : (int32_t)(row * 7 % O);
    double *x = make_logits(kind, loss->precision, O), *values = NULL;
    if (squared) {
        values = test_random(ROWS * O, 99, 2);
        for (size_t i = 0; i < ROWS * O; i++)
            values[i] = array_round(loss->precision, values[i]);
    }
    outcome expected =
        squared ? mean_squared(x, values, targets, O, scale) : cross_entropy(x, targets, O, scale);
    outcome got = run(loss, x, values, targets, O, scale, true);
    outcome again = run(loss, x, values, targets, O, scale, true);
    outcome evaluated = run(loss, x, values, targets, O, scale, false);

    /* The exponent x-m is exact to u*|x-m|, and e^x feels that error absolutely. */
    double range = kind == LARGE ? 2e4 : 8;
    double loose = squared ? (double)(O + 8) * u : (8 + range) * u;
    assert_close(got.losses, expected.losses, ROWS, squared ? 0 : loose, loose, "losses");
    assert_close(got.dlogits, expected.dlogits, ROWS * O, squared ? 0 : loose * scale, loose,
                 "dlogits");
    assert_memory_equal(got.losses, again.losses, ROWS * sizeof(double));
    assert_memory_equal(got.dlogits, again.dlogits, ROWS * O * sizeof(double));
    assert_memory_equal(got.losses, evaluated.losses, ROWS * sizeof(double));
    for (size_t row = 0; row < ROWS; row++) {
        if (targets[row] < 0)
            assert_true(got.losses[row] == 0 && got.dlogits[row * O] == 0 &&
                        got.dlogits[row * O + O - 1] == 0);
        assert_true(isnan(evaluated.dlogits[row * O])); /* still the pattern */
    }
    outcome_free(&expected);
    outcome_free(&got);
    outcome_free(&again);
    outcome_free(&evaluated);
    free(x);
    free(values);
}

static void each_loss(clr_loss *loss)
{
    const size_t sizes[] = {1, 2, 7, 64, 65, 130, 1000};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        for (int kind = 0; kind < KINDS; kind++) {
            check_loss(loss, kind, sizes[i], false);
            check_loss(loss, kind, sizes[i], true);
        }
}

static void losses(void **state)
{
    each_kind(*state, 1, each_loss);
}

/* Known without arithmetic: equal logits cost log O, whatever they are. */
static void equal_logits_cost_log_of_outputs(void **state)
{
    int32_t targets[ROWS] = {0};
    double *x = make_logits(EQUAL, CLRNN_F32, 65);
    clr_loss loss;
    assert_int_equal(clr_loss_init(*state, CLRNN_F32, 1, &loss), CLRNN_OK);
    outcome got = run(&loss, x, NULL, targets, 65, 1, true);
    for (size_t row = 0; row < ROWS; row++) {
        assert_true(fabs(got.losses[row] - log(65)) < 1e-6);
        assert_true(fabs(got.dlogits[row * 65] + 64.0 / 65) < 1e-6);
        assert_true(fabs(got.dlogits[row * 65 + 64] - 1.0 / 65) < 1e-7);
    }
    outcome_free(&got);
    clr_loss_free(&loss);
    free(x);
}

/* Of logits 0 and x < -40 the second one's gradient is e^x, and O equal ones cost log O: the
 * functions themselves, to a few units in the last place of each value. */
static void exp_and_log(clr_loss *loss)
{
    const double u = unit(loss->precision), most = loss->precision == CLRNN_F64 ? 707 : 86.5;
    int32_t targets[ROWS] = {0};
    double *x = calloc(ROWS * 2, sizeof *x);
    assert_non_null(x);
    for (size_t row = 0; row < ROWS; row++)
        x[2 * row + 1] = array_round(loss->precision, -40 - (most - 40) * (double)row / (ROWS - 1));
    x[1] = -1.5 * most; /* nothing is left */
    outcome got = run(loss, x, NULL, targets, 2, 1, true);
    for (size_t row = 0; row < ROWS; row++) {
        double wanted = row ? exp(x[2 * row + 1]) : 0, is = got.dlogits[2 * row + 1];
        if (!(fabs(is - wanted) <= 6 * u * wanted))
            fail_msg("e^%.17g is %.17g, not %.17g", x[2 * row + 1], is, wanted);
    }
    outcome_free(&got);
    free(x);
    for (size_t O = 1; O < 1000; O += O / 5 + 1) {
        x = make_logits(EQUAL, loss->precision, O);
        got = run(loss, x, NULL, targets, O, 1, false);
        if (!(fabs(got.losses[0] - log((double)O)) <= 4 * u * log((double)O)))
            fail_msg("log %zu is %.17g", O, got.losses[0]);
        outcome_free(&got);
        free(x);
    }
}

static void accuracy(void **state)
{
    each_kind(*state, 1, exp_and_log);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(losses, test_open, test_close),
        cmocka_unit_test_setup_teardown(accuracy, test_open, test_close),
        cmocka_unit_test_setup_teardown(equal_logits_cost_log_of_outputs, test_open, test_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
