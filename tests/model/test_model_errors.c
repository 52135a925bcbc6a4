/* SPDX-License-Identifier: MIT
 * tests/model/test_model_errors.c - what a pass through a model refuses, and failures of the
 * system. */
#include "model/passes.h"

#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "device/buffer.h"
#include "device/context.h"

static const clrnn_model_desc embedded = {
    .network = {.cell = CLRNN_CELL_GRU, .input_size = 3, .hidden_size = 5},
    .input = CLRNN_INPUT_EMBEDDING,
    .vocabulary_size = 6,
    .output_size = 4};

static const int32_t some_ids[] = {0, 1, 2, 3, 4, 5, 0, 1, 2, 3, 4, 5};

static void test_symbol_out_of_range(void **state)
{
    static const uint32_t lengths[] = {2, 1};
    static const int32_t bad[] = {6, -1, INT32_MIN, INT32_MAX};
    clrnn_model *m = create(*state, &embedded, 13);
    int32_t ids[] = {0, 5, 1, INT32_MAX}; /* the last is padding */
    float hn[10], before[10];
    clrnn_model_io io = {.steps = 2, .batch = 2, .lengths = lengths, .ids = ids, .hn = before};
    assert_int_equal(clrnn_model_forward(m, &io), CLRNN_OK);
    for (size_t i = 0; i < COUNT(bad); i++) {
        char expected[64];
        ids[2] = bad[i];
        memset(hn, 0x55, sizeof hn);
        io.hn = hn;
        assert_int_equal(clrnn_model_forward(m, &io), CLRNN_ERR_RANGE);
        snprintf(expected, sizeof expected, "step 1 of row 0 is %d, must be 0 to 5", (int)bad[i]);
        assert_error_contains(expected);
        assert_int_equal(((unsigned char *)hn)[0], 0x55);
    }
    ids[2] = 1;
    assert_int_equal(clrnn_model_forward(m, &io), CLRNN_OK);
    assert_memory_equal(hn, before, sizeof hn);
    clrnn_model_destroy(&m);
}

static void refuse(clrnn_model *m, clrnn_model_io io, clrnn_status status, const char *message)
{
    assert_int_equal(clrnn_model_forward(m, &io), status);
    assert_error_contains(message);
}

static void test_forward_arguments(void **state)
{
    static const uint32_t lengths[] = {1, 3};
    float x[64] = {0};
    clrnn_model_desc desc = {
        .network = {.cell = CLRNN_CELL_RNN, .input_size = 2, .hidden_size = 3}};
    clrnn_model *m = create(*state, &desc, 14), *symbols = create(*state, &embedded, 14);
    clrnn_model_io good = {.steps = 2, .batch = 2, .x = x}, io = good;
    io.logits = x;
    refuse(m, io, CLRNN_ERR_ARGUMENT, "without a head");
    io = good, io.cn = x;
    refuse(m, io, CLRNN_ERR_ARGUMENT, "only an LSTM");
    io = good, io.ids = some_ids;
    refuse(m, io, CLRNN_ERR_ARGUMENT, "no `ids`");
    io = good, io.x = NULL;
    refuse(m, io, CLRNN_ERR_ARGUMENT, "no `ids`");
    refuse(symbols, good, CLRNN_ERR_ARGUMENT, "no `x`");
    io = good, io.ids = some_ids;
    refuse(symbols, io, CLRNN_ERR_ARGUMENT, "no `x`");
    io = good, io.steps = 0;
    refuse(m, io, CLRNN_ERR_RANGE, "neither may be 0");
    io = good, io.batch = 0;
    refuse(m, io, CLRNN_ERR_RANGE, "neither may be 0");
    io = good, io.lengths = lengths;
    refuse(m, io, CLRNN_ERR_RANGE, "length 3 of row 1");
    assert_null(clrnn_model_plan_info(m));
    assert_int_equal(clrnn_model_forward(NULL, &good), CLRNN_ERR_ARGUMENT);
    assert_int_equal(clrnn_model_forward(m, NULL), CLRNN_ERR_ARGUMENT);
    clrnn_model_destroy(&symbols);
    clrnn_model_destroy(&m);
}

static void test_pass_arguments(void **state)
{
    clrnn_model *m = create(*state, &embedded, 15);
    clr_model_pass *infer = NULL, *train = NULL;
    assert_int_equal(clr_model_pass_create(m, 0, 1, true, (clr_model_dropout){0}, &train),
                     CLRNN_ERR_RANGE);
    assert_int_equal(
        clr_model_pass_create(m, 1u << 31, 1u << 31, true, (clr_model_dropout){0}, &train),
        CLRNN_ERR_RANGE);
    assert_null(train);
    assert_int_equal(clr_model_pass_create(m, 2, 2, false, (clr_model_dropout){0}, &infer),
                     CLRNN_OK);
    assert_int_equal(clr_model_pass_create(m, 2, 2, true, (clr_model_dropout){0}, &train),
                     CLRNN_OK);
    clr_model_input in = {.steps = 3, .batch = 2, .ids = some_ids};
    assert_int_equal(clr_model_pass_forward(infer, &in), CLRNN_ERR_RANGE);
    in = (clr_model_input){.steps = 2, .batch = 3, .ids = some_ids};
    assert_int_equal(clr_model_pass_forward(infer, &in), CLRNN_ERR_RANGE);
    assert_error_contains("2 steps of 3 rows, made for at most 2 of 2");
    in.batch = 2;
    cl_mem g = m->parameters; /* must not be written */
    assert_int_equal(clr_model_pass_backward(train, NULL, some_ids, g), CLRNN_ERR_ARGUMENT);
    assert_int_equal(clr_model_pass_forward(infer, &in), CLRNN_OK);
    assert_int_equal(clr_model_pass_backward(infer, NULL, some_ids, g), CLRNN_ERR_ARGUMENT);
    assert_int_equal(clr_model_pass_forward(train, &in), CLRNN_OK);
    assert_int_equal(clr_model_pass_backward(train, NULL, NULL, g), CLRNN_ERR_ARGUMENT);
    clr_model_pass_destroy(&infer);
    clr_model_pass_destroy(&train);
    clr_model_pass_destroy(&train);
    clrnn_model_destroy(&m);
}

/* Where CLBlast computes the products, logits that it cannot reach are refused before they are
 * made. */
static void test_logits_out_of_reach(void **state)
{
    test_need(*state, TEST_CLBLAST);
    clrnn_context *context = *state;
    const cl_device_type type = context->info.type;
    static const float x[2048] = {0};
    const clrnn_model_desc desc = {
        .network = {.cell = CLRNN_CELL_RNN, .input_size = 1, .hidden_size = 1},
        .output_size = 1u << 20};
    clrnn_model *m = create(context, &desc, 16);
    context->info.type = CL_DEVICE_TYPE_GPU; /* as if it were one */
    refuse(m, (clrnn_model_io){.steps = 2048, .batch = 1, .x = x}, CLRNN_ERR_RANGE,
           "an array for 2048 steps of 1 rows has 2147483648 elements");
    assert_null(clrnn_model_plan_info(m));
    context->info.type = type;
    clrnn_model_destroy(&m);
}

/* One round of everything that can fail on the device; the first failure ends it. */
static clrnn_status whole_round(clrnn_context *context)
{
    clrnn_model *m = NULL;
    clr_model_pass *pass = NULL;
    cl_mem gradient = NULL;
    float logits[8];
    clrnn_model_io io = {.steps = 2, .batch = 1, .ids = some_ids, .logits = logits};
    clr_model_input in = {.steps = 2, .batch = 1, .ids = some_ids};
    clrnn_model_desc stacked = embedded;
    stacked.network.num_layers = 2; /* for the dropout */
    clrnn_status status = clrnn_model_create(context, &stacked, 1, &m);
    assert_int_equal(status == CLRNN_OK, m != NULL);
    if (status == CLRNN_OK)
        status = clrnn_model_forward(m, &io);
    if (status == CLRNN_OK)
        status = clr_model_pass_create(m, 2, 1, true, (clr_model_dropout){.layers = 0.5f}, &pass);
    if (status == CLRNN_OK)
        status = clr_model_pass_forward(pass, &in);
    if (status == CLRNN_OK)
        status = clr_buffer_create(context, m->count * sizeof(float), &gradient);
    if (status == CLRNN_OK)
        status = clr_model_pass_backward(pass, NULL, some_ids, gradient);
    if (status == CLRNN_OK)
        status = clrnn_context_finish(context);
    clr_buffer_destroy(&gradient);
    clr_model_pass_destroy(&pass);
    clrnn_model_destroy(&m);
    return status;
}

/* Every refusal of the system is reported with a reason, and leaves nothing behind. */
static void test_faults(void **state)
{
    static const clr_fault faults[] = {CLR_FAULT_MEMORY, CLR_FAULT_OPENCL};
    assert_int_equal(whole_round(*state), CLRNN_OK); /* programs are built, self-tests done */
    long alive = clr_live_objects();
    for (size_t f = 0; f < COUNT(faults); f++) {
        clrnn_status status = CLRNN_ERR_MEMORY;
        long k = 1;
        for (; status != CLRNN_OK; k++) {
            test_last_error[0] = 0;
            clr_fault_inject(faults[f], k);
            status = whole_round(*state);
            clr_fault_inject(faults[f], 0);
            assert_true(status == CLRNN_OK || test_last_error[0]); /* destroying may log too */
            assert_true(status == CLRNN_OK || status == CLRNN_ERR_MEMORY ||
                        (f == 1 && status == CLRNN_ERR_OPENCL));
            assert_int_equal(clr_live_objects(), alive);
        }
        assert_true(k > 10);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, test_open, test_close)
    const struct CMUnitTest tests[] = {
        TEST(test_symbol_out_of_range),
        TEST(test_forward_arguments),
        TEST(test_pass_arguments),
        TEST(test_logits_out_of_reach),
        TEST(test_faults),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
