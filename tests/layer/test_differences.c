/* SPDX-License-Identifier: MIT
 * tests/layer/test_differences.c - the backward kernels in double precision against finite
 * differences of the forward kernels: the gradients of the device itself, not those of a model. */
#include "layer/device.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "layer/plan.h"

/* What is differentiated. */
typedef struct subject {
    const char *name;
    clrnn_plan *plan;
    test_inputs *in;
    test_host host;
    double gradients; /* how many were compared */
} subject;

/* loss = sum(y*dy) + sum(hn*dhn) + sum(cn*dcn), whose gradients by y, hn, cn are dy, dhn, dcn; with
 * dy only as far as the rows go: past them y is 0. */
static double loss(subject *s)
{
    double sum = 0;
    const test_sizes *z = &s->host.sizes;
    const clrnn_host_io *io = &s->host.io;
    test_plan_weights(s->plan, s->in);
    assert_int_equal(clrnn_forward_host(s->plan, io), CLRNN_OK);
    for (size_t i = 0; i < z->y; i++)
        sum += ((double *)io->y)[i] * s->in->dy[i];
    for (size_t i = 0; i < z->h; i++)
        sum += ((double *)io->hn)[i] * s->in->dhn[i];
    for (size_t i = 0; i < z->c; i++)
        sum += ((double *)io->cn)[i] * s->in->dcn[i];
    return sum;
}

/* (loss(values + h*v) - loss(values - h*v)) / 2h: right to h^2 */
static double slope_of(subject *s, double *values, size_t count, const double *v)
{
    const double h = 1e-5;
    double side[2], *saved = calloc(count, sizeof *saved);
    assert_non_null(saved);
    memcpy(saved, values, count * sizeof *saved);
    for (int k = 0; k < 2; k++) {
        for (size_t i = 0; i < count; i++)
            values[i] = saved[i] + (k ? -h : h) * v[i];
        side[k] = loss(s);
    }
    memcpy(values, saved, count * sizeof *saved);
    free(saved);
    return (side[0] - side[1]) / (2 * h);
}

/* One direction v of one tensor: gradient . v is the slope. */
static void compare(subject *s, const char *tensor, double *values, const double *gradient,
                    size_t count, const double *v)
{
    double expected = 0, norm = 0, reach = 0;
    for (size_t i = 0; i < count; i++) {
        expected += gradient[i] * v[i];
        norm += gradient[i] * gradient[i];
        reach += v[i] * v[i];
    }
    double error = fabs(slope_of(s, values, count, v) - expected);
    if (!(norm > 1e-6 && error <= 1e-7 * sqrt(norm * reach)))
        fail_msg("%s: the gradient of %s (norm %g) is off by %g", s->name, tensor, sqrt(norm),
                 error);
    s->gradients++;
}

/* A random direction, and two elements by themselves. values: what the host arrays hold. */
static void check_tensor(subject *s, const char *tensor, double *values, const double *gradient,
                         size_t count)
{
    double *v = test_random(count, count, 1);
    compare(s, tensor, values, gradient, count, v);
    const size_t single[] = {count / 3, count - 1};
    for (size_t i = 0; i < COUNT(single); i++) {
        memset(v, 0, count * sizeof *v);
        v[single[i]] = 1;
        compare(s, tensor, values, gradient, count, v);
    }
    free(v);
}

static void check_all(subject *s)
{
    const test_sizes *z = &s->host.sizes;
    const clrnn_host_io *io = &s->host.io;
    size_t tensors = 0;
    (void)loss(s);
    assert_int_equal(clrnn_backward_host(s->plan, io), CLRNN_OK);
    test_outputs d = test_host_outputs(&s->host);
    check_tensor(s, "x", (double *)(uintptr_t)io->x, d.dx, z->x);
    check_tensor(s, "h0", (double *)(uintptr_t)io->h0, d.dh0, z->h);
    if (z->c)
        check_tensor(s, "c0", (double *)(uintptr_t)io->c0, d.dc0, z->c);
    assert_int_equal(clrnn_network_weights(&s->in->desc, &test_log, &tensors, NULL), CLRNN_OK);
    for (size_t i = 0; i < tensors; i++) {
        clrnn_weight_info w;
        assert_int_equal(clrnn_network_weight(&s->in->desc, &test_log, i, &w), CLRNN_OK);
        check_tensor(s, w.name, s->in->weights + w.offset, d.dweights + w.offset, w.count);
    }
    test_outputs_free(&d);
}

/* A form, stacked in both directions or alone, full or ragged, with dropout. */
static void check_form(clrnn_context *context, size_t form, bool stacked, bool is_ragged,
                       size_t config)
{
    enum { T = 4, N = 3 };
    static const uint32_t ragged[N] = {3, 4, 1};
    clrnn_network_desc desc = test_form(form, stacked ? 2 : 1, stacked);
    test_inputs in = test_inputs_random(&desc, T, N, is_ragged ? ragged : NULL,
                                        form * 4 + (is_ragged ? 2 : 0) + stacked, 0.8);
    subject s = {.name = test_forms[form].name, .in = &in};
    clrnn_plan_desc plan_desc = test_plan_desc(&in, CLRNN_F64, true, config);
    plan_desc.dropout = stacked && is_ragged ? 0.3f : 0;
    s.plan = test_plan_make(context, &plan_desc, &in);
    s.host = test_host_make(s.plan, &in);
    check_all(&s);
    assert_true(s.gradients >= 3 * (2 + 4));
    test_host_free(&s.host);
    clrnn_plan_destroy(&s.plan);
    test_inputs_free(&in);
}

static void every_form(void **state)
{
    if (test_precisions(*state) < 2)
        skip(); /* the device has no double precision */
    for (size_t config = test_next_way(*state, 0); config < TEST_CONFIGS;
         config = test_next_way(*state, config + 1))
        for (unsigned bits = 0; bits < TEST_FORMS * 4; bits++)
            if (test_varies(*state, bits / 4) &&
                (config != RESIDENT || test_is_usual(&test_forms[bits / 4].desc))) /* 2 s each */
                check_form(*state, bits / 4, bits & 1, bits & 2, config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_form, test_open, test_close),
    };
    return cmocka_run_group_tests_name("differences", tests, NULL, NULL);
}
