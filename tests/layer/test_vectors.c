/* SPDX-License-Identifier: MIT
 * tests/layer/test_vectors.c - the plan on the device against the 40 files that PyTorch computed,
 * forward and every gradient, and against what others wrote of LSTMs with peepholes. */
#include "device/program.h"
#include "foreign.h"
#include "layer/device.h"

#include <stdio.h>
#include <string.h>

/* The largest error of a tensor over its largest value. Most files round to 12 digits, which moves
 * the results by 1e-11; those with large weights, which it would move by 1.8e-10, have 17. */
typedef struct bounds {
    double forward, gradient;
} bounds;

static bounds bounds_of(const char *name, clrnn_precision precision)
{
    const bool saturated = strstr(name, "saturated");
    if (precision == CLRNN_F64)
        return (bounds){1e-10, 1e-10};
    return saturated ? (bounds){1e-5, 5e-5} : (bounds){2e-6, 5e-6};
}

static void check_vector(clrnn_context *context, const test_vector *v, clrnn_precision precision,
                         size_t config)
{
    char what[128];
    bounds b = bounds_of(v->name, precision);
    const clrnn_plan_desc train = test_plan_desc(&v->in, precision, true, config);
    const clrnn_plan_desc infer = test_plan_desc(&v->in, precision, false, config);
    clrnn_plan *plan = test_plan_make(context, &train, &v->in);
    test_outputs out = test_run(plan, &v->in);
    /* Nothing that PyTorch gives may be missing here, or the comparison would leave it out. */
    assert_true(out.y && out.hn && out.dx && out.dh0 && out.dweights);
    assert_true(!v->expected.cn == !out.cn && !v->expected.dc0 == !out.dc0);
    snprintf(what, sizeof what, "%s %s %s", v->name, test_precision_name(precision),
             test_configs[config].name);
    test_compare(what, &v->in, &out, &v->expected, b.forward, b.gradient);
    if (precision == CLRNN_F64) {
        test_outputs reference = test_reference(&v->in);
        test_compare(what, &v->in, &out, &reference, 1e-13, 1e-12);
        test_outputs_free(&reference);
    }
    test_outputs_free(&out);
    clrnn_plan_destroy(&plan);

    plan = test_plan_make(context, &infer, &v->in);
    out = test_run(plan, &v->in);
    assert_true(out.y && out.hn && !out.dx);
    test_compare(what, &v->in, &out, &v->expected, b.forward, 0);
    test_outputs_free(&out);
    clrnn_plan_destroy(&plan);
}

/* PoCL takes 2 s for each kernel of resident; those in double, and all forms, have test_resident.
 */
static bool is_left_out(clrnn_context *context, const test_vector *v, size_t config, int precision)
{
    return config == RESIDENT &&
           (precision == CLRNN_F64 || (clr_compiles(context) && !test_is_usual(&v->in.desc)));
}

static void every_file(void **state)
{
    const size_t others = test_config_count(*state) - test_has_way(*state, RESIDENT);
    const size_t runs = (size_t)test_precisions(*state) * others;
    size_t done = 0, saturated = 0;
    for (size_t i = 0; i < TEST_VECTOR_COUNT; i++) {
        test_vector v = test_vector_load(test_vector_names[i]);
        for (int precision = 0; precision < test_precisions(*state); precision++)
            for (size_t config = test_next_way(*state, 0); config < TEST_CONFIGS;
                 config = test_next_way(*state, config + 1)) {
                if (is_left_out(*state, &v, config, precision))
                    continue;
                check_vector(*state, &v, (clrnn_precision)precision, config);
                saturated += config != RESIDENT && strstr(v.name, "saturated");
                done += config != RESIDENT;
            }
        test_vector_free(&v);
    }
    assert_int_equal(done, 40 * runs);
    assert_int_equal(saturated, 3 * runs);
}

/* Zoneout and recurrent dropout: what is drawn by plans that train, else the expectation. */
static void zoneout(void **state)
{
    for (size_t i = 0; i < TEST_ZONED_COUNT; i++) {
        bool drawn;
        test_vector v = test_zoned_load(test_zoned_names[i], &drawn);
        for (int precision = 0; precision < test_precisions(*state); precision++) {
            const double bound = precision == CLRNN_F64 ? 1e-12 : 2e-5;
            clrnn_plan_desc desc = test_plan_desc(&v.in, (clrnn_precision)precision, drawn, 0);
            desc.strategy = CLRNN_STRATEGY_AUTO;
            desc.gemm = CLRNN_GEMM_AUTO;
            clrnn_plan *plan = test_plan_make(*state, &desc, &v.in);
            test_outputs out = test_run(plan, &v.in);
            test_compare(v.name, &v.in, &out, &v.expected, bound, drawn ? bound : 0);
            test_outputs_free(&out);
            clrnn_plan_destroy(&plan);
        }
        test_vector_free(&v);
    }
}

/* Layer norm, forward and every gradient; inference too. */
static void layer_norm(void **state)
{
    for (size_t i = 0; i < TEST_NORMED_COUNT; i++) {
        test_vector v = test_normed_load(test_normed_names[i]);
        for (int precision = 0; precision < test_precisions(*state); precision++)
            for (int train = 0; train < 2; train++) {
                const double bound = precision == CLRNN_F64 ? 1e-12 : 2e-5;
                clrnn_plan_desc desc = test_plan_desc(&v.in, (clrnn_precision)precision, train, 0);
                desc.strategy = CLRNN_STRATEGY_AUTO;
                desc.gemm = CLRNN_GEMM_AUTO;
                clrnn_plan *plan = test_plan_make(*state, &desc, &v.in);
                test_outputs out = test_run(plan, &v.in);
                test_compare(v.name, &v.in, &out, &v.expected, bound, train ? bound : 0);
                test_outputs_free(&out);
                clrnn_plan_destroy(&plan);
            }
        test_vector_free(&v);
    }
}

/* The sources give 7 to 9 digits. */
static void peepholes(void **state)
{
    for (size_t i = 0; i < TEST_PEEPHOLE_COUNT; i++) {
        test_vector v = test_peephole_load(test_peephole_names[i]);
        const double bound = v.in.desc.bidirectional ? 3e-5 : 2e-6;
        for (int precision = 0; precision < test_precisions(*state); precision++)
            for (size_t config = test_next_way(*state, 0); config < TEST_CONFIGS;
                 config = test_next_way(*state, config + 1)) {
                if (is_left_out(*state, &v, config, precision))
                    continue;
                const clrnn_plan_desc desc =
                    test_plan_desc(&v.in, (clrnn_precision)precision, false, config);
                clrnn_plan *plan = test_plan_make(*state, &desc, &v.in);
                test_outputs out = test_run(plan, &v.in);
                test_compare(v.name, &v.in, &out, &v.expected, bound, 0);
                test_outputs_free(&out);
                clrnn_plan_destroy(&plan);
            }
        test_vector_free(&v);
    }
}

static void check_case(clrnn_context *context, const test_foreign *f, clrnn_precision precision,
                       bool stepwise, double bound)
{
    clrnn_plan_desc desc = test_plan_desc(&f->in, precision, false, 0);
    desc.gemm = CLRNN_GEMM_AUTO;
    desc.strategy = stepwise ? CLRNN_STRATEGY_STEPWISE : CLRNN_STRATEGY_AUTO;
    clrnn_plan *plan = test_plan_make(context, &desc, &f->in);
    test_outputs out = test_run(plan, &f->in);
    test_compare(f->name, &f->in, &out, &f->expected, bound, 0);
    test_outputs_free(&out);
    clrnn_plan_destroy(&plan);
}

/* ONNX's semantics (ONNX Runtime, Glow), Keras's masks, coupled gates of TensorFlow Lite; the
 * sources give 4 to 9 digits. */
static void other_libraries(void **state)
{
    static const struct {
        const char *file;
        double bound;
        size_t count;
    } files[] = {{"onnxruntime.json", 2e-5, 75},
                 {"glow.json", 1e-5, 17},
                 {"keras.json", 1e-5, 35},
                 {"tflite.json", 1e-5, 6}};
    const bool compiles = clr_compiles(*state); /* most cases are a program of their own */
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        size_t count = 0;
        test_foreign *cases = test_foreign_load(files[i].file, &count);
        assert_int_equal(count, files[i].count);
        for (size_t k = 0; k < count; k++)
            for (int precision = 0; precision < (compiles ? 1 : test_precisions(*state));
                 precision++)
                for (int stepwise = 0; stepwise < (compiles ? 1 : 2); stepwise++)
                    check_case(*state, &cases[k], (clrnn_precision)precision, stepwise,
                               files[i].bound);
        test_foreign_free(cases, count);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_file, test_open, test_close),
        cmocka_unit_test_setup_teardown(layer_norm, test_open, test_close),
        cmocka_unit_test_setup_teardown(zoneout, test_open, test_close),
        cmocka_unit_test_setup_teardown(peepholes, test_open, test_close),
        cmocka_unit_test_setup_teardown(other_libraries, test_open, test_close),
    };
    return cmocka_run_group_tests_name("vectors", tests, NULL, NULL);
}
