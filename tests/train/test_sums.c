/* SPDX-License-Identifier: MIT
 * tests/train/test_sums.c - sums in a fixed order, and norms, against long double on the host. */
#include "kinds.h"

#include <math.h>
#include <stdlib.h>

#include "device/buffer.h"
#include "device/context.h"

enum { SUM_MAX = 5000 };

static double reduce(clr_loss *loss, const array *x, bool norm)
{
    array result = array_make(loss->context, loss->precision, NULL, 2);
    clrnn_status status = norm ? clr_norm(loss, x->buffer, x->count, result.buffer)
                               : clr_sum(loss, x->buffer, x->count, result.buffer);
    assert_int_equal(status, CLRNN_OK);
    double *read = array_read(&result), value = norm ? read[0] / read[1] : read[0];
    free(read);
    array_free(&result);
    return value;
}

/* The worst case of a sum of n numbers added in a tree this flat is far below 200 roundings. */
static void check_sums(clr_loss *loss, size_t count)
{
    long double sum = 0, absolute = 0, squares = 0;
    double *values = test_random(count, count, 3);
    for (size_t i = 0; i < count; i++) {
        values[i] = array_round(loss->precision, i % 5 ? values[i] : values[i] * 1000);
        sum += values[i];
        absolute += fabs(values[i]);
        squares += (long double)values[i] * values[i];
    }
    array x = array_make(loss->context, loss->precision, values, count);
    double got = reduce(loss, &x, false), norm = reduce(loss, &x, true);
    double loose = 200 * unit(loss->precision), expected = (double)sqrtl(squares);
    if (!(fabs(got - (double)sum) <= loose * (double)absolute))
        fail_msg("sum of %zu is %.17g, not %.17g", count, got, (double)sum);
    if (!(fabs(norm - expected) <= fmin(1e-6, loose) * expected))
        fail_msg("norm of %zu is %.17g, not %.17g", count, norm, expected);
    assert_true(got == reduce(loss, &x, false) && norm == reduce(loss, &x, true));
    array_free(&x);
    free(values);
}

static void each_count(clr_loss *loss)
{
    const size_t counts[] = {1, 7, 63, 64, 65, 4095, 4096, 4097, 8192, 8193, 100003, 1500007};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        check_sums(loss, counts[i]);
}

static void sums(void **state)
{
    each_kind(*state, 1500007, each_count);
}

/* Three levels of sums and more, in which a misplaced part would be lost or counted twice. */
enum { MANY = 4096 * 4096 + 5 };
static void each_level(clr_loss *loss)
{
    const size_t places[] = {0, 4095, 4096, 4096 * 4096 - 1, 4096 * 4096, MANY - 1};
    clrnn_context *context = loss->context;
    if (loss->precision != CLRNN_F32)
        return; /* memory; the indices are the same */
    array x = {context, CLRNN_F32, MANY, NULL};
    assert_int_equal(clr_buffer_create(context, MANY * sizeof(float), &x.buffer), CLRNN_OK);
    assert_int_equal(clr_buffer_zero(context, x.buffer, 0, MANY * sizeof(float)), CLRNN_OK);
    for (size_t i = 0; i < 6; i++) {
        float value = (float)(1 << i);
        assert_int_equal(
            clr_buffer_write(context, x.buffer, places[i] * sizeof value, sizeof value, &value),
            CLRNN_OK);
    }
    assert_true(reduce(loss, &x, false) == 63);
    assert_true(fabs(reduce(loss, &x, true) - sqrt(1365)) < 1e-5);
    array_free(&x);
}

static void many_levels(void **state)
{
    each_kind(*state, MANY, each_level);
}

/* A float's largest number is 3.4e38, and its least 1.4e-45; their squares are nothing to it. */
static const struct {
    double most, least; /* of the numbers, but for those that are 0 */
} spans[] = {
    {1e30, 1e30},   {3e38, 1e38}, {1e20, 1e-20}, {3e38, 1e-38},  {1e-22, 1e-22},
    {1e-30, 1e-38}, {1, 1e-30},   {2e19, 1e18},  {1e-20, 1e-23},
};

/* Numbers of a span, those of some size side by side; else mixed, and in part 0. [count] */
static double *make_span(clr_loss *loss, size_t count, size_t span, bool mixed)
{
    double *values = test_random(count, count + span, 1);
    double ratio = log(spans[span].most / spans[span].least);
    for (size_t i = 0; i < count; i++) {
        double where = mixed ? (double)(i * 7919 % 101) / 100 : (double)i / (double)count;
        double size = spans[span].least * exp(ratio * where);
        double sign = values[i] < 0 ? -1 : 1;
        values[i] = mixed && i % 3 == 1 ? 0 : (sign * 0.5 + values[i] * 0.5) * size;
        values[i] = array_round(loss->precision, values[i]);
    }
    return values;
}

static void check_span(clr_loss *loss, size_t count, size_t span, bool mixed)
{
    double *values = make_span(loss, count, span, mixed);
    long double squares = 0;
    for (size_t i = 0; i < count; i++)
        squares += (long double)values[i] * values[i];
    array x = array_make(loss->context, loss->precision, values, count);
    double norm = reduce(loss, &x, true), expected = (double)sqrtl(squares);
    double loose = fmin(1e-6, 200 * unit(loss->precision)) * expected;
    if (!(fabs(norm - expected) <= loose + 1e-45))
        fail_msg("norm of %zu numbers from %g to %g is %.17g, not %.17g", count, spans[span].least,
                 spans[span].most, norm, expected);
    assert_true(norm == reduce(loss, &x, true));
    array_free(&x);
    free(values);
}

static void each_span(clr_loss *loss)
{
    const size_t counts[] = {1, 2, 63, 64, 65, 4097, 300001};
    for (size_t span = 0; span < sizeof spans / sizeof *spans; span++)
        for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
            for (int mixed = 0; mixed < 2; mixed++)
                check_span(loss, counts[i], span, mixed);
}

static void norms_of_extremes(void **state)
{
    each_kind(*state, 300001, each_span);
}

/* The same bits as sums of plain squares, wherever those are good: from 1e-9 to 1e15. */
static void each_plain_norm(clr_loss *loss)
{
    enum { count = 64 * 64 * 3 + 5 };
    const double sizes[] = {1e-8, 1, 1e7, 1e14};
    for (size_t k = 0; k < 4 && loss->precision == CLRNN_F32 && loss->group == 1; k++) {
        double *values = test_random(count, k, sizes[k]);
        float level[count / 64 + 1] = {0}, sum = 0;
        for (size_t i = 0; i < count; i++) {
            float value = (float)values[i], square = value * value;
            level[i / 64] = level[i / 64] + square;
        }
        size_t left = (count - 1) / 64 + 1;
        for (; left > 1; left = (left - 1) / 64 + 1)
            for (size_t i = 0; i < left; i++) {
                sum = i % 64 ? sum + level[i] : level[i];
                level[i / 64] = sum;
            }
        array x = array_make(loss->context, CLRNN_F32, values, count);
        double norm = reduce(loss, &x, true), expected = (double)sqrtf(level[0]);
        if (norm != expected)
            fail_msg("norm of numbers of %g is %.9g, not %.9g", sizes[k], norm, expected);
        array_free(&x);
        free(values);
    }
}

static void ordinary_norms_keep_their_bits(void **state)
{
    if (clrnn_context_device(*state)->type & CL_DEVICE_TYPE_CPU) /* else sqrt may be another */
        each_kind(*state, 64 * 64 * 4, each_plain_norm);
}

static void what_is_not_finite_shows(void **state)
{
    double values[SUM_MAX] = {0};
    clr_loss loss;
    assert_int_equal(clr_loss_init(*state, CLRNN_F32, SUM_MAX, &loss), CLRNN_OK);
    const double bad[] = {NAN, INFINITY, -INFINITY};
    for (size_t i = 0; i < 9; i++) {
        values[0] = i < 3 ? 0 : i < 6 ? 1e30 : 1e-30;
        values[SUM_MAX - 1] = bad[i % 3];
        array x = array_make(*state, CLRNN_F32, values, SUM_MAX);
        double norm = reduce(&loss, &x, true);
        assert_true(i % 3 == 0 ? isnan(norm) : isinf(norm));
        array_free(&x);
    }
    array x = array_make(*state, CLRNN_F32, NULL, SUM_MAX + 1);
    assert_int_equal(clr_sum(&loss, x.buffer, SUM_MAX + 1, x.buffer), CLRNN_ERR_RANGE);
    assert_error_contains("5001");
    assert_int_equal(clr_norm(&loss, x.buffer, 0, x.buffer), CLRNN_ERR_RANGE);
    array_free(&x);
    clr_loss_free(&loss);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(sums, test_open, test_close),
        cmocka_unit_test_setup_teardown(many_levels, test_open, test_close),
        cmocka_unit_test_setup_teardown(norms_of_extremes, test_open, test_close),
        cmocka_unit_test_setup_teardown(ordinary_norms_keep_their_bits, test_open, test_close),
        cmocka_unit_test_setup_teardown(what_is_not_finite_shows, test_open, test_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
