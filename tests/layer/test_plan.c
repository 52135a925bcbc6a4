/* SPDX-License-Identifier: MIT
 * tests/layer/test_plan.c - passes on the device against the float64 reference: every cell in every
 * form and every way, awkward sizes, extreme numbers. */
#include "layer/device.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "device/program.h"
#include "layer/plan.h"

/* One pass to be compared, and what is allowed. */
typedef struct trial {
    const char *name;
    clrnn_network_desc desc;
    uint32_t steps, batch;
    const uint32_t *lengths;
    clrnn_precision precision;
    size_t config;
    bool infer, extreme;
    float dropout;
    bool variational;
    double scale; /* of the weights */
    double forward, gradient;
} trial;

static void run_trial_on(clrnn_context *context, const trial *t, test_inputs *in)
{
    char what[256];
    test_inputs_round(in, t->precision);
    snprintf(what, sizeof what,
             "%s, %s, %s, I %u H %u P %u L %u D %d bias %d T %u N %u%s dropout %g%s", t->name,
             test_precision_name(t->precision), test_configs[t->config].name, t->desc.input_size,
             t->desc.hidden_size, t->desc.proj_size, t->desc.num_layers, 1 + t->desc.bidirectional,
             !t->desc.no_bias, t->steps, t->batch, t->lengths ? " ragged" : "", (double)t->dropout,
             t->variational ? " variational" : "");
    clrnn_plan_desc desc = test_plan_desc(in, t->precision, !t->infer, t->config);
    desc.dropout = t->dropout;
    desc.variational = t->variational;
    clrnn_plan *plan = test_plan_make(context, &desc, in);
    test_outputs got = test_run(plan, in),
                 expected = test_reference_dropout(in, t->dropout, t->variational);
    test_compare(what, in, &got, &expected, t->forward, t->gradient);
    test_outputs_free(&got);
    test_outputs_free(&expected);
    clrnn_plan_destroy(&plan);
}

/* The kernels of resident take PoCL 2 s each: so in double they have their tests in test_resident.c
 * alone, and none here without bias, of extreme numbers, or, where they are compiled, of each form:
 * how a cell computes is the same code. */
static bool is_left_out(clrnn_context *context, const trial *t)
{
    return t->config == RESIDENT && (t->precision == CLRNN_F64 || t->desc.no_bias || t->extreme ||
                                     (clr_compiles(context) && !test_is_usual(&t->desc)));
}

/* The trial in every way; how many there were. */
static size_t run_trial(clrnn_context *context, trial *t, uint64_t seed)
{
    size_t done = 0;
    test_inputs in = test_inputs_random(&t->desc, t->steps, t->batch, t->lengths, seed, t->scale);
    for (t->config = test_next_way(context, 0); t->config < TEST_CONFIGS;
         t->config = test_next_way(context, t->config + 1))
        if (!is_left_out(context, t)) {
            run_trial_on(context, t, &in);
            done++;
        }
    test_inputs_free(&in);
    return done;
}

/* Every form x layers x directions x bias x lengths x dropout, small. */
static void every_form(void **state)
{
    enum { T = 6, N = 4 };
    static const uint32_t ragged[N] = {3, 6, 0, 1};
    size_t done = 0;
    /* A compiler takes a second for each program: without biases in single precision alone. */
    const bool fewer = clr_compiles(*state);
    for (int precision = 0; precision < test_precisions(*state); precision++)
        for (unsigned bits = 0; bits < TEST_FORMS * 32; bits++) {
            bool stacked = bits & 1, bidirectional = bits & 2, dropout = bits & 8;
            if ((dropout && !stacked) || (fewer && precision && bits & 16) ||
                ((precision || bits & 16) && !test_varies(*state, bits / 32)))
                continue;
            trial t = {.name = test_forms[bits / 32].name,
                       .desc = test_form(bits / 32, stacked ? 2 : 1, bidirectional),
                       .steps = T,
                       .batch = N,
                       .lengths = bits & 4 ? ragged : NULL,
                       .precision = (clrnn_precision)precision,
                       .dropout = dropout ? 0.4f : 0,
                       .variational = dropout && (bits & 4) / 4 != (bits & 2) / 2,
                       .scale = 0.8,
                       .forward = precision ? 5e-15 : 1e-6,
                       .gradient = precision ? 2e-14 : 4e-6};
            t.desc.no_bias = bits & 16;
            done += run_trial(*state, &t, bits);
        }
    /* 12 variants with biases and 12 without; resident has those of single precision with them. */
    const size_t all = test_varied_forms(*state), doubles = (size_t)test_precisions(*state) - 1;
    const size_t resident = test_has_way(*state, RESIDENT);
    const size_t others = test_config_count(*state) - resident;
    assert_int_equal(done, 12 * (resident * all + others * (TEST_FORMS + all) +
                                 others * doubles * all * (fewer ? 1 : 2)));
}

/* Sizes that are no multiple of anything, and those around work-group and vector widths. */
static void awkward_sizes(void **state)
{
    static const struct {
        uint32_t I, H, P, T, N, L, D;
    } sizes[] = {{1, 1, 0, 3, 1, 1, 2},     {7, 17, 7, 5, 3, 2, 1},   {17, 7, 1, 9, 8, 1, 2},
                 {33, 65, 33, 5, 17, 1, 1}, {65, 33, 17, 4, 1, 2, 2}, {93, 130, 65, 4, 3, 1, 2},
                 {130, 93, 92, 3, 8, 3, 1}};
    for (size_t form = 0; form < TEST_FORMS; form++)
        for (size_t i = 0; i < COUNT(sizes); i++) {
            const int precision =
                test_varies(*state, form) ? (int)(form + i) % test_precisions(*state) : CLRNN_F32;
            uint32_t lengths[17];
            for (uint32_t n = 0; n < sizes[i].N; n++)
                lengths[n] = (n * 5 + (uint32_t)form) % (sizes[i].T + 1);
            trial t = {.name = test_forms[form].name,
                       .desc = test_forms[form].desc,
                       .steps = sizes[i].T,
                       .batch = sizes[i].N,
                       .lengths = (form + i) % 3 == 0 ? lengths : NULL,
                       .precision = (clrnn_precision)precision,
                       .scale = 1 / sqrt(sizes[i].H),
                       .forward = precision ? 1e-14 : 2e-6,
                       .gradient = precision ? 1e-14 : 5e-6};
            t.desc.input_size = sizes[i].I;
            t.desc.hidden_size = sizes[i].H;
            t.desc.num_layers = sizes[i].L;
            t.desc.bidirectional = sizes[i].D == 2;
            if (t.desc.proj_size) {
                if (sizes[i].P == 0)
                    continue; /* H = 1 has no projection */
                t.desc.proj_size = sizes[i].P;
            }
            run_trial(*state, &t, 100 + i);
        }
}

/* --- extreme numbers ---------------------------------------------------------------------- */

/* Large weights: gates at 0 and 1, where sigmoid and tanh must neither overflow nor lose digits. */
static void saturating_weights(void **state)
{
    for (int precision = 0; precision < test_precisions(*state); precision++)
        for (size_t form = 0; form < TEST_FORMS; form++) {
            if (precision && !test_varies(*state, form))
                continue;
            bool relu = test_forms[form].desc.nonlinearity == CLRNN_RELU;
            bool peepholes = test_forms[form].desc.peepholes; /* more: of 12 times a state */
            trial t = {.name = test_forms[form].name,
                       .desc = test_form(form, 1, true),
                       .steps = 5,
                       .batch = 8,
                       .precision = (clrnn_precision)precision,
                       .scale = 12,
                       .extreme = true,
                       .forward = precision ? 1e-13 : 1e-5,
                       .gradient = precision   ? 1e-12
                                   : relu      ? 1e-5
                                   : peepholes ? 2e-4
                                               : 5e-5};
            run_trial(*state, &t, 200 + form);
        }
}

/* Weights of 10^30 in inputs of +-1: the sums overflow exp, the gates are exactly 0 and 1. */
static void overflowing_gates(void **state)
{
    for (int precision = 0; precision < test_precisions(*state); precision++)
        for (size_t form = 0; form < TEST_FORMS; form++) {
            if (precision && !test_varies(*state, form))
                continue;
            trial t = {.name = test_forms[form].name,
                       .desc = test_form(form, 1, false),
                       .steps = 1,
                       .batch = 8,
                       .precision = (clrnn_precision)precision,
                       .scale = 1e30,
                       .extreme = true,
                       .infer = true,
                       .forward = 1e-6};
            run_trial(*state, &t, 300 + form);
        }
}

static void zeros(void **state)
{
    for (int precision = 0; precision < test_precisions(*state); precision++)
        for (size_t form = 0; form < TEST_FORMS; form++) {
            if (precision && !test_varies(*state, form))
                continue;
            trial t = {.name = test_forms[form].name,
                       .desc = test_form(form, 2, true),
                       .steps = 3,
                       .batch = 3,
                       .precision = (clrnn_precision)precision,
                       .extreme = true,
                       .forward = 1e-6,
                       .gradient = 1e-6};
            run_trial(*state, &t, 400); /* weights of 0 */
            t.scale = 0.5;
            test_inputs in =
                test_inputs_random(&t.desc, t.steps, t.batch, NULL, 401 + form, t.scale);
            test_sizes s = test_sizes_of(&in);
            memset(in.x, 0, s.x * sizeof *in.x);
            memset(in.h0, 0, s.h * sizeof *in.h0);
            if (s.c)
                memset(in.c0, 0, s.c * sizeof *in.c0);
            for (t.config = test_next_way(*state, 0); t.config < TEST_CONFIGS;
                 t.config = test_next_way(*state, t.config + 1))
                if (!is_left_out(*state, &t))
                    run_trial_on(*state, &t, &in);
            test_inputs_free(&in);
        }
}

static void scale_all(double *values, size_t count, double factor)
{
    for (size_t i = 0; i < count; i++)
        values[i] *= factor;
}

/* Inputs and states too small for a normal number: a device may take them for 0, and no more. */
static void denormals(void **state)
{
    for (size_t form = 0; form < TEST_FORMS; form++) {
        if (!test_varies(*state, form))
            continue; /* without biases */
        clrnn_network_desc desc = test_form(form, 2, false);
        test_inputs in = test_inputs_random(&desc, 4, 3, NULL, 500 + form, 1);
        test_sizes s = test_sizes_of(&in);
        desc.no_bias = in.desc.no_bias = true; /* uses the front part of the weights */
        scale_all(in.x, s.x, 1e-40);
        scale_all(in.h0, s.h, 1e-40);
        if (s.c)
            scale_all(in.c0, s.c, 1e-40);
        test_inputs_round(&in, CLRNN_F32);
        const clrnn_plan_desc plan_desc =
            test_plan_desc(&in, CLRNN_F32, false, test_nth_way(*state, form));
        clrnn_plan *plan = test_plan_make(*state, &plan_desc, &in);
        test_outputs got = test_run(plan, &in), expected = test_reference(&in);
        for (size_t i = 0; i < s.y; i++)
            if (!(fabs(got.y[i] - expected.y[i]) <= 16 * (double)FLT_MIN))
                fail_msg("%s: y[%zu] is %g, should be %g", test_forms[form].name, i, got.y[i],
                         expected.y[i]);
        test_outputs_free(&got);
        test_outputs_free(&expected);
        clrnn_plan_destroy(&plan);
        test_inputs_free(&in);
    }
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, test_open, test_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_form),        TEST(awkward_sizes), TEST(saturating_weights),
        TEST(overflowing_gates), TEST(zeros),         TEST(denormals),

    };
    return cmocka_run_group_tests_name("plan", tests, NULL, NULL);
}
