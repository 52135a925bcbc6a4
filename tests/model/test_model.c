/* SPDX-License-Identifier: MIT
 * tests/model/test_model.c - passes through a model, against host/reference and a plain head in
 * float64. */
#include "model/passes.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "device/context.h"

/* Device against host: each output, and each tensor's gradient by itself. */
static void compare(clrnn_context *context, const problem *p)
{
    bool f64 = p->desc.precision == CLRNN_F64;
    double bound = f64 ? 1e-13 : 3e-6;
    clrnn_model *m = create(context, &p->desc, 42);
    sizes s = sizes_of(m, p);
    double *w = test_random(s.count, 6, 0.5);
    void *raw = encode(w, s.count, p->desc.precision);
    assert_int_equal(clrnn_model_set_parameters(m, raw), CLRNN_OK);
    arrays device = inputs_of(m, p);
    on_device(m, p, &device); /* rounds the inputs */
    arrays host = device;
    on_host(m, p, &host, w);
    check(p, "y", device.y, host.y, s.y, bound);
    check(p, "hn", device.hn, host.hn, s.h, bound);
    check(p, "cn", device.cn, host.cn, s.c, bound);
    check(p, "logits", device.logits, host.logits, s.logits, bound);
    for (size_t i = 0; i < clr_model_tensors(m); i++) {
        clrnn_weight_info info;
        clr_model_tensor(m, i, "rnn.", &info);
        check(p, info.name, device.gradient + info.offset, host.gradient + info.offset, info.count,
              4 * bound);
    }
    host.x = host.h0 = host.c0 = host.dout = NULL; /* the device's */
    host.ids = NULL;
    release(&host);
    release(&device);
    free(raw);
    free(w);
    clrnn_model_destroy(&m);
}

static const uint32_t ragged[] = {3, 5, 0, 1};

static const clrnn_network_desc networks[] = {
    {.cell = CLRNN_CELL_LSTM, .hidden_size = 9},
    {.cell = CLRNN_CELL_LSTM, .hidden_size = 8, .proj_size = 3, .num_layers = 2},
    {.cell = CLRNN_CELL_GRU, .hidden_size = 7, .bidirectional = true, .num_layers = 2},
    {.cell = CLRNN_CELL_RNN, .hidden_size = 6, .no_bias = true},
    {.cell = CLRNN_CELL_LSTM, .hidden_size = 5, .peepholes = true, .bidirectional = true},
};

/* Every kind of input, with and without a head, ragged or full, with or without initial states. */
static void every_kind(clrnn_context *context, clrnn_precision precision)
{
    static const char *const inputs[] = {"dense", "one-hot", "embedding"};
    for (unsigned i = 0; i < COUNT(networks) * 3 * 2; i++) {
        clrnn_input input = (clrnn_input)(i / 2 % 3);
        bool head = i % 2, symbols = input != CLRNN_INPUT_DENSE;
        char name[96];
        snprintf(name, sizeof name, "network %u, %s, %s, %s", i / 6, inputs[input],
                 head ? "head" : "no head", precision == CLRNN_F64 ? "f64" : "f32");
        problem p = {.name = name,
                     .desc = {.network = networks[i / 6],
                              .input = input,
                              .vocabulary_size = symbols ? 5 : 0,
                              .output_size = head ? 4 : 0,
                              .precision = precision},
                     .steps = 5,
                     .batch = 4,
                     .lengths = (i + i / 6) % 2 ? ragged : NULL,
                     .initial_state = i / 2 % 2};
        p.desc.network.input_size = input == CLRNN_INPUT_ONE_HOT ? 0 : 3;
        compare(context, &p);
    }
}

static void test_against_reference_f32(void **state)
{
    every_kind(*state, CLRNN_F32);
}

static void test_against_reference_f64(void **state)
{
    clrnn_context *context = *state;
    if (context->info.fp64)
        every_kind(context, CLRNN_F64);
    else { /* then this is what must happen */
        clrnn_model_desc desc = {.network = {.input_size = 1, .hidden_size = 1},
                                 .precision = CLRNN_F64};
        clrnn_model *model = NULL;
        assert_int_equal(clrnn_model_create(context, &desc, 0, &model), CLRNN_ERR_UNSUPPORTED);
    }
}

/* --- what else a pass promises --- */

static const clrnn_model_desc embedded = {
    .network = {.cell = CLRNN_CELL_GRU, .input_size = 3, .hidden_size = 5},
    .input = CLRNN_INPUT_EMBEDDING,
    .vocabulary_size = 6,
    .output_size = 4};

/* Rows of symbols that do not occur, or only in padding, are exactly 0; others are not. */
static void test_embedding_gradient(void **state)
{
    static const uint32_t lengths[] = {3, 1};
    static int32_t ids[] = {2, 4, 2, 1, 0, 5}; /* row 0: 2 2 0; row 1: 4, then padding 1 5 */
    problem p = {.name = "rows", .desc = embedded, .steps = 3, .batch = 2, .lengths = lengths};
    clrnn_model *m = create(*state, &p.desc, 7);
    arrays a = inputs_of(m, &p);
    memcpy(a.ids, ids, sizeof ids);
    on_device(m, &p, &a);
    for (int32_t v = 0; v < 6; v++) {
        bool zero = true;
        for (size_t e = 0; e < 3; e++)
            zero = zero && a.gradient[m->embedding + (size_t)v * 3 + e] == 0;
        assert_int_equal(zero, v == 1 || v == 3 || v == 5);
    }
    release(&a);
    clrnn_model_destroy(&m);
}

static void assert_same(const double *a, const double *b, size_t count)
{
    assert_memory_equal(a, b, count * sizeof *a);
}

static void test_repeats_bit_for_bit(void **state)
{
    problem p = {.name = "repeat", .desc = embedded, .steps = 5, .batch = 4, .lengths = ragged};
    clrnn_model *m = create(*state, &p.desc, 8);
    sizes s = sizes_of(m, &p);
    arrays first = inputs_of(m, &p), second = inputs_of(m, &p);
    on_device(m, &p, &first);
    on_device(m, &p, &second);
    assert_same(first.logits, second.logits, s.logits);
    assert_same(first.gradient, second.gradient, s.count);
    release(&first);
    release(&second);
    clrnn_model_destroy(&m);
}

/* logits [T,N,4] of the ids, to be freed. */
static double *logits_of(clrnn_model *m, uint32_t steps, uint32_t batch, const int32_t *ids)
{
    size_t count = (size_t)steps * batch * m->desc.output_size;
    void *raw = calloc(count, clr_model_element(m));
    clrnn_model_io io = {.steps = steps, .batch = batch, .ids = ids, .logits = raw};
    assert_int_equal(clrnn_model_forward(m, &io), CLRNN_OK);
    double *out = decode(raw, count, m->desc.precision);
    free(raw);
    return out;
}

static const int32_t some_ids[] = {0, 1, 2, 3, 4, 5, 0, 1, 2, 3, 4, 5};

/* The pass grows, takes new parameters and another strategy, and remembers nothing. */
static void test_forward_again(void **state)
{
    clrnn_model *m = create(*state, &embedded, 9);
    assert_null(clrnn_model_plan_info(m));
    double *small = logits_of(m, 3, 2, some_ids);
    const bool cpu = clrnn_context_device(*state)->type & CL_DEVICE_TYPE_CPU;
    assert_string_equal(clrnn_model_plan_info(m)->strategy, cpu ? "persistent" : "stepwise");
    double *tall = logits_of(m, 6, 1, some_ids), *wide = logits_of(m, 1, 7, some_ids);
    assert_int_equal(clrnn_model_set_strategy(m, CLRNN_STRATEGY_STEPWISE), CLRNN_OK);
    double *again = logits_of(m, 3, 2, some_ids);
    assert_string_equal(clrnn_model_plan_info(m)->strategy, "stepwise");
    assert_int_equal(m->pass->strategy, CLRNN_STRATEGY_STEPWISE);
    assert_true(test_error(again, small, 3 * 2 * 4) < 1e-6);
    assert_true(test_error(wide, small, 2 * 4) < 1e-6);
    assert_true(test_error(tall, small, 4) < 1e-6);
    free(again);

    float *parameters = calloc(m->count, sizeof *parameters);
    parameters[m->head_bias + 1] = 3;
    assert_int_equal(clrnn_model_set_parameters(m, parameters), CLRNN_OK);
    again = logits_of(m, 3, 2, some_ids);
    for (size_t i = 0; i < 3 * 2 * 4; i++)
        assert_true(again[i] == (i % 4 == 1 ? 3 : 0));
    assert_int_equal(clrnn_model_set_strategy(m, (clrnn_strategy)(CLRNN_STRATEGY_FUSED + 1)),
                     CLRNN_ERR_ARGUMENT);
    assert_int_equal(clrnn_model_set_strategy(NULL, CLRNN_STRATEGY_AUTO), CLRNN_ERR_ARGUMENT);
    free(parameters);
    free(again);
    free(small);
    free(tall);
    free(wide);
    clrnn_model_destroy(&m);
}

/* The largest T and N so far, as long as that is not much more than any call needed. */
static void test_growth(void **state)
{
    static const struct {
        uint32_t steps, batch, most_steps, most_batch;
    } calls[] = {
        {3, 2, 3, 2},    {6, 1, 6, 2},       {5, 2, 6, 2},
        {1, 7, 1, 7}, /* 6*7 is more than twice 10 */
        {4, 2, 4, 2},    {4, 4, 4, 4},       {5, 4, 5, 4},
        {4, 5, 5, 5},    {8, 1, 8, 5}, /* 8*5 is twice 20 */
        {9, 1, 9, 1},    {1000, 1, 1000, 1}, {1, 1000, 1, 1000},
        {1, 1, 1, 1000},
    };
    static const int32_t ids[1000] = {0};
    clrnn_model *m = create(*state, &embedded, 9);
    for (size_t i = 0; i < COUNT(calls); i++) {
        free(logits_of(m, calls[i].steps, calls[i].batch, ids));
        if (m->pass->max_steps != calls[i].most_steps || m->pass->max_batch != calls[i].most_batch)
            fail_msg("call %zu: there is room for T=%u N=%u", i, m->pass->max_steps,
                     m->pass->max_batch);
    }
    clrnn_model_destroy(&m);
}

/* Weights kept in fewer bits change the numbers a little, for clrnn_model_forward alone; back in
 * float they are what they were. */
static void test_storage(void **state)
{
    const double rounding[] = {0, 0x1p-11, 0x1p-8, 1. / 254};
    clrnn_model *m = create(*state, &embedded, 9);
    clr_model_pass *other = NULL;
    double *exact = logits_of(m, 3, 2, some_ids);
    for (int weights = CLRNN_WEIGHTS_INT8; weights >= CLRNN_WEIGHTS_F32; weights--) {
        assert_int_equal(clrnn_model_set_storage(m, (clrnn_storage)weights), CLRNN_OK);
        double *now = logits_of(m, 3, 2, some_ids);
        double error = test_error(now, exact, 3 * 2 * 4);
        assert_true(error <= 5 * rounding[weights] && error >= rounding[weights] / 100);
        assert_int_equal(m->pass->weights, weights);
        assert_int_equal(clr_model_pass_create(m, 1, 1, false, (clr_model_dropout){0}, &other),
                         CLRNN_OK);
        assert_int_equal(other->weights, CLRNN_WEIGHTS_F32);
        clr_model_pass_destroy(&other);
        free(now);
    }
    assert_int_equal(clrnn_model_set_storage(m, (clrnn_storage)4), CLRNN_ERR_ARGUMENT);
    assert_error_contains("unknown storage of weights 4");
    assert_int_equal(clrnn_model_set_storage(NULL, CLRNN_WEIGHTS_F32), CLRNN_ERR_ARGUMENT);
    m->desc.precision = CLRNN_F64;
    assert_int_equal(clrnn_model_set_storage(m, CLRNN_WEIGHTS_F16), CLRNN_ERR_ARGUMENT);
    assert_error_contains("double precision");
    assert_int_equal(clrnn_model_set_storage(m, CLRNN_WEIGHTS_F32), CLRNN_OK);
    free(exact);
    clrnn_model_destroy(&m);
}

/* A plan packs its weights: parameters that are set between two passes are packed anew. */
static void test_parameters_between_passes(void **state)
{
    static const clrnn_strategy strategies[] = {CLRNN_STRATEGY_AUTO, CLRNN_STRATEGY_STEPWISE,
                                                CLRNN_STRATEGY_RESIDENT};
    clrnn_model *first = create(*state, &embedded, 17), *second = create(*state, &embedded, 18);
    double *w[] = {parameters_of(first), parameters_of(second)};
    const size_t count = COUNT(strategies) - !test_has(*state, TEST_RESIDENT);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(clrnn_model_set_strategy(first, strategies[i]), CLRNN_OK);
        assert_int_equal(clrnn_model_set_strategy(second, strategies[i]), CLRNN_OK);
        double *own[] = {logits_of(first, 3, 2, some_ids), logits_of(second, 3, 2, some_ids)};
        assert_true(test_error(own[0], own[1], 3 * 2 * 4) > 0.01);
        for (size_t k = 0; k < 4; k++) { /* of the other, its own, and so again */
            size_t which = (k + 1) % 2;
            void *raw = encode(w[which], first->count, CLRNN_F32);
            assert_int_equal(clrnn_model_set_parameters(first, raw), CLRNN_OK);
            double *now = logits_of(first, 3, 2, some_ids);
            assert_same(now, own[which], 3 * 2 * 4);
            free(now);
            free(raw);
        }
        free(own[0]);
        free(own[1]);
    }
    free(w[0]);
    free(w[1]);
    clrnn_model_destroy(&first);
    clrnn_model_destroy(&second);
}

/* Through the public call: states in and out, absent ones zero, logits past a length the bias. */
static void test_forward_states(void **state)
{
    static const uint32_t lengths[] = {2, 1};
    clrnn_model_desc desc = {.network = {.input_size = 2, .hidden_size = 3}, .output_size = 2};
    problem p = {.name = "states", .desc = desc, .steps = 2, .batch = 2, .lengths = lengths};
    clrnn_model *m = create(*state, &desc, 10);
    double *w = parameters_of(m), *x = test_random(8, 11, 1), *c0 = test_random(6, 12, 1);
    float *x32 = encode(x, 8, CLRNN_F32), *c32 = encode(c0, 6, CLRNN_F32);
    float y[12], hn[6], cn[6], logits[8];
    clrnn_model_io io = {.steps = 2,
                         .batch = 2,
                         .lengths = lengths,
                         .x = x32,
                         .c0 = c32,
                         .y = y,
                         .hn = hn,
                         .cn = cn,
                         .logits = logits};
    io.h0 = c32; /* must not be there the next time */
    assert_int_equal(clrnn_model_forward(m, &io), CLRNN_OK);
    io.h0 = NULL;
    assert_int_equal(clrnn_model_forward(m, &io), CLRNN_OK);
    arrays a = {.x = x, .c0 = c0, .dout = calloc(8, sizeof(double))};
    on_host(m, &p, &a, w);
    double *device[] = {decode(y, 12, CLRNN_F32), decode(hn, 6, CLRNN_F32),
                        decode(cn, 6, CLRNN_F32), decode(logits, 8, CLRNN_F32)};
    check(&p, "y", device[0], a.y, 12, 3e-6);
    check(&p, "hn", device[1], a.hn, 6, 3e-6);
    check(&p, "cn", device[2], a.cn, 6, 3e-6);
    check(&p, "logits", device[3], a.logits, 8, 3e-6);
    assert_true(logits[6] == (float)w[m->head_bias] && logits[7] == (float)w[m->head_bias + 1]);
    io = (clrnn_model_io){.steps = 2, .batch = 2, .x = x32};
    assert_int_equal(clrnn_model_forward(m, &io), CLRNN_OK); /* nothing wanted */
    for (size_t i = 0; i < COUNT(device); i++)
        free(device[i]);
    release(&a);
    free(x32);
    free(c32);
    free(w);
    clrnn_model_destroy(&m);
}

/* A NaN in a parameter is not hidden: it comes out where the mathematics takes it. */
static void test_nan_parameters(void **state)
{
    problem p = {.name = "NaN", .desc = embedded, .steps = 2, .batch = 2};
    clrnn_model *m = create(*state, &embedded, 16);
    double *w = parameters_of(m);
    size_t places[] = {m->embedding, m->rnn + 4, m->head_weight + 1, m->head_bias + 2};
    for (size_t i = 0; i < COUNT(places); i++) {
        double kept = w[places[i]];
        w[places[i]] = NAN;
        void *raw = encode(w, m->count, CLRNN_F32);
        assert_int_equal(clrnn_model_set_parameters(m, raw), CLRNN_OK);
        double *logits = logits_of(m, 2, 2, some_ids);
        arrays a = inputs_of(m, &p);
        memcpy(a.ids, some_ids, 4 * sizeof *some_ids);
        on_host(m, &p, &a, w);
        bool any = false;
        for (size_t k = 0; k < 16; k++)
            any = any || isnan(a.logits[k]);
        assert_true(any);
        check(&p, "logits", logits, a.logits, 16, 3e-6);
        w[places[i]] = kept;
        release(&a);
        free(logits);
        free(raw);
    }
    free(w);
    clrnn_model_destroy(&m);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, test_open, test_close)
    const struct CMUnitTest tests[] = {
        TEST(test_against_reference_f32),
        TEST(test_against_reference_f64),
        TEST(test_embedding_gradient),
        TEST(test_repeats_bit_for_bit),
        TEST(test_forward_again),
        TEST(test_growth),
        TEST(test_storage),
        TEST(test_forward_states),
        TEST(test_nan_parameters),
        TEST(test_parameters_between_passes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
