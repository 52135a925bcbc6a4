/* SPDX-License-Identifier: MIT
 * tests/layer/test_stream.c - a sequence in blocks: the bits of one pass over the whole, states in
 * and out, several streams on a plan. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "layer/blocks.h"
#include "layer/partitions.h"

/* --- blocks ------------------------------------------------------------------------------- */

/* From given states in blocks of one size, the last one shorter. */
static void check_blocks(const test_blocks *b, const char *what, uint32_t block)
{
    char text[128];
    uint32_t T = b->in.steps;
    snprintf(text, sizeof text, "%s, blocks of %u", what, block);
    clrnn_stream *stream = test_stream_make(b->plan);
    test_blocks_start(b, stream);
    for (uint32_t t = 0; t < T; t += block)
        test_blocks_process(b, stream, t, T - t < block ? T - t : block);
    test_blocks_same(text, b, stream);
    clrnn_stream_destroy(&stream);
    assert_null(stream);
}

static void check_form(clrnn_context *context, size_t form, uint32_t layers, uint32_t batch,
                       clrnn_precision precision, size_t config)
{
    enum { T = 130, MOST = 100 };
    static const uint32_t blocks[] = {1, 7, 64, MOST};
    char what[128];
    clrnn_network_desc network = test_sized_form(form, 5, 40, 9);
    network.num_layers = layers;
    test_blocks b = test_blocks_open(context, &network, T, batch, MOST, precision, config);
    snprintf(what, sizeof what, "%s %s, %s, L=%u N=%u", test_configs[config].name,
             test_forms[form].name, test_precision_name(precision), layers, batch);
    for (size_t i = 0; i < COUNT(blocks); i++)
        check_blocks(&b, what, blocks[i]);
    test_blocks_close(&b);
}

static void any_blocks(void **state)
{
    for (size_t form = 0; form < TEST_FORMS; form++)
        for (uint32_t layers = 1; layers <= 2; layers++)
            for (uint32_t batch = 1; batch <= 3; batch += 2)
                check_form(*state, form, layers, batch, CLRNN_F32, test_last_way(*state));
}

static void any_precision(void **state)
{
    for (size_t form = 2; form < TEST_FORMS && test_precisions(*state) == 2; form += 2)
        if (test_varies(*state, form))
            check_form(*state, form, 2, 2, CLRNN_F64, test_last_way(*state));
}

/* The other strategy, with products of our own; with CLBlast the bits may differ. */
static void stepwise(void **state)
{
    for (size_t form = 3; form < TEST_FORMS; form++)
        check_form(*state, form, 2, 2, CLRNN_F32, STEPWISE_PACKED);
}

/* Units of several panels, so that there are grid barriers if they are allowed. */
static void many_units(void **state)
{
    clrnn_network_desc network = {.input_size = 3, .hidden_size = 300, .num_layers = 2};
    test_blocks b = test_blocks_open(*state, &network, 20, 1, 8, CLRNN_F32, test_last_way(*state));
    check_blocks(&b, "300 units", 3);
    check_blocks(&b, "300 units", 8);
    test_blocks_close(&b);
}

/* Inputs of which the products of a large block come before its scan. */
static void many_inputs(void **state)
{
    clrnn_network_desc network = {.input_size = 520, .hidden_size = 64};
    test_blocks b =
        test_blocks_open(*state, &network, 100, 1, 40, CLRNN_F32, test_last_way(*state));
    check_blocks(&b, "520 inputs", 40);
    check_blocks(&b, "520 inputs", 25);
    test_blocks_close(&b);
}

/* Groups that wait for one another in vain, at any point of a block: whoever completes it finds the
 * states it began with, though the stream's final ones go to the same place. */
static void timeouts(void **state)
{
    static const uint32_t blocks[] = {1, 2, 5};
    uint32_t fallbacks = 0;
    for (size_t form = 0; form < TEST_FORMS && test_config_count(*state) == TEST_CONFIGS; form++) {
        clrnn_network_desc network = test_sized_form(form, 5, 130, 65);
        network.num_layers = 2;
        test_blocks b = test_blocks_open(*state, &network, 12, 2, 5, CLRNN_F32, TEST_CONFIGS - 1);
        for (uint32_t i = 0; i < 18; i++) {
            const clr_partition cut = {
                .row_parts = 1, .unit_parts = 2 + i % 3, .most_spins = 1u << i / 2};
            test_force(b.plan, &cut);
            check_blocks(&b, test_forms[form].name, blocks[i % COUNT(blocks)]);
            test_force(b.plan, NULL);
        }
        fallbacks += test_fallbacks(b.plan);
        test_blocks_close(&b);
    }
    assert_true(fallbacks > 0 || test_config_count(*state) < TEST_CONFIGS);
}

/* As in a plug-in that works in place. */
static void y_may_be_x(void **state)
{
    const clrnn_network_desc network = {.input_size = 9, .hidden_size = 9};
    test_blocks b = test_blocks_open(*state, &network, 21, 2, 7, CLRNN_F32, test_last_way(*state));
    clrnn_stream *stream = test_stream_make(b.plan);
    test_blocks_start(&b, stream);
    memcpy(b.y, b.host.io.x, b.in.steps * b.x_step);
    for (uint32_t t = 0; t < b.in.steps; t += 7)
        assert_int_equal(clrnn_stream_process(stream, b.y + t * b.x_step, 7, b.y + t * b.x_step),
                         CLRNN_OK);
    test_blocks_same("y over x", &b, stream);
    clrnn_stream_destroy(&stream);
    test_blocks_close(&b);
}

/* --- states ------------------------------------------------------------------------------- */

static void start_and_reset(void **state)
{
    for (int cell = CLRNN_CELL_LSTM; cell <= CLRNN_CELL_RNN; cell++) {
        test_blocks b = test_blocks_from_zero(*state, (clrnn_cell)cell);
        clrnn_stream *stream = test_stream_make(b.plan);
        for (int round = 0; round < 4; round++) {
            if (round == 1) {
                assert_int_equal(clrnn_stream_reset(stream), CLRNN_OK);
            } else if (round > 1) {
                test_blocks_start(&b, stream);
                test_blocks_process(&b, stream, 3, 5);
                assert_int_equal(round == 2 ? clrnn_stream_reset(stream)
                                            : clrnn_stream_set_state(stream, NULL, NULL),
                                 CLRNN_OK);
            }
            test_blocks_process(&b, stream, 0, 6);
            test_blocks_process(&b, stream, 6, 6);
            test_blocks_same("from zero", &b, stream);
        }
        clrnn_stream_destroy(&stream);
        test_blocks_close(&b);
    }
}

/* A state that is left out is zero to set, and not written to get. */
static void half_a_state(void **state)
{
    test_blocks b = test_blocks_from_zero(*state, CLRNN_CELL_LSTM);
    const size_t count = b.host.sizes.c;
    const char zeros[12 * 17 * sizeof(float)] = {0};
    clrnn_stream *stream = test_stream_make(b.plan);
    assert_int_equal(count, b.host.sizes.h);
    test_blocks_start(&b, stream);
    assert_int_equal(clrnn_stream_set_state(stream, NULL, b.host.io.c0), CLRNN_OK);
    assert_int_equal(clrnn_stream_get_state(stream, b.h, NULL), CLRNN_OK);
    assert_memory_equal(b.h, zeros, count * b.element);
    assert_int_equal((unsigned char)b.c[0], 0xff);
    assert_int_equal(clrnn_stream_get_state(stream, NULL, b.c), CLRNN_OK);
    assert_memory_equal(b.c, b.host.io.c0, count * b.element);
    test_blocks_start(&b, stream);
    assert_int_equal(clrnn_stream_set_state(stream, b.host.io.h0, NULL), CLRNN_OK);
    assert_int_equal(clrnn_stream_get_state(stream, b.h, b.c), CLRNN_OK);
    assert_memory_equal(b.h, b.host.io.h0, count * b.element);
    assert_memory_equal(b.c, zeros, count * b.element);
    assert_int_equal(clrnn_stream_get_state(stream, NULL, NULL), CLRNN_OK);
    clrnn_stream_destroy(&stream);
    test_blocks_close(&b);
}

/* Several streams in turns, another pass on the same plan between them, one that moves on. */
static void streams_of_one_plan(void **state)
{
    test_blocks b = test_blocks_from_zero(*state, CLRNN_CELL_GRU);
    clrnn_stream *first = test_stream_make(b.plan), *second = test_stream_make(b.plan);
    char *y = test_room(b.host.sizes.y * b.element);
    test_blocks_process(&b, first, 0, 5);
    assert_int_equal(clrnn_stream_process(second, test_blocks_x(&b, 4), 6, y), CLRNN_OK);
    test_blocks_process(&b, first, 5, 2);
    assert_int_equal(clrnn_stream_process(second, test_blocks_x(&b, 2), 3, y), CLRNN_OK);
    const clrnn_host_io other = {.steps = 6, .x = test_blocks_x(&b, 3), .h0 = b.host.io.h0, .y = y};
    assert_int_equal(clrnn_forward_host(b.plan, &other), CLRNN_OK);
    assert_int_equal(clrnn_stream_get_state(first, b.h, NULL), CLRNN_OK);
    clrnn_stream_destroy(&first);
    clrnn_stream *third = test_stream_make(b.plan);
    assert_int_equal(clrnn_stream_set_state(third, b.h, NULL), CLRNN_OK);
    test_blocks_process(&b, third, 7, 5);
    test_blocks_same("in turns", &b, third);
    free(y);
    clrnn_stream_destroy(&second);
    clrnn_stream_destroy(&third);
    test_blocks_close(&b);
}

/* Blocks of one length, which are the same pass but for the stream, others of this length between
 * them. */
static void blocks_of_one_length(void **state)
{
    test_blocks b = test_blocks_from_zero(*state, CLRNN_CELL_GRU);
    clrnn_stream *first = test_stream_make(b.plan), *second = NULL;
    char *y = test_room(b.host.sizes.y * b.element);
    const clrnn_host_io other = {.steps = 3, .x = test_blocks_x(&b, 3), .h0 = b.host.io.h0, .y = y};
    for (uint32_t t = 0; t < 12; t += 3) {
        test_blocks_process(&b, first, t, 3);
        if (t == 3)
            assert_int_equal(clrnn_forward_host(b.plan, &other), CLRNN_OK);
        if (t % 2)
            continue;
        second = test_stream_make(b.plan);
        assert_int_equal(clrnn_stream_process(second, test_blocks_x(&b, 1), 3, y), CLRNN_OK);
        assert_int_equal(clrnn_stream_process(second, test_blocks_x(&b, 5), 3, y), CLRNN_OK);
        clrnn_stream_destroy(&second);
    }
    test_blocks_same("one length", &b, first);
    free(y);
    clrnn_stream_destroy(&first);
    test_blocks_close(&b);
}

/* New weights are used from the next block on. */
static void weights_between_blocks(void **state)
{
    test_blocks b = test_blocks_from_zero(*state, CLRNN_CELL_LSTM);
    clrnn_stream *stream = test_stream_make(b.plan);
    float *others = calloc(b.host.sizes.weights, sizeof *others);
    assert_non_null(others);
    assert_int_equal(clrnn_plan_set_weights_host(b.plan, others), CLRNN_OK);
    test_blocks_process(&b, stream, 0, 6);
    assert_memory_not_equal(b.y, b.host.io.y, 6 * b.y_step);
    test_blocks_process(&b, stream, 0, 6);
    assert_int_equal(clrnn_stream_reset(stream), CLRNN_OK);
    test_plan_weights(b.plan, &b.in);
    test_blocks_process(&b, stream, 0, 6);
    test_blocks_process(&b, stream, 6, 6);
    test_blocks_same("own weights", &b, stream);
    free(others);
    clrnn_stream_destroy(&stream);
    test_blocks_close(&b);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, test_open, test_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(any_blocks),          TEST(any_precision),        TEST(stepwise),
        TEST(many_units),          TEST(many_inputs),          TEST(timeouts),
        TEST(y_may_be_x),          TEST(start_and_reset),      TEST(half_a_state),
        TEST(streams_of_one_plan), TEST(blocks_of_one_length), TEST(weights_between_blocks),
    };
    return cmocka_run_group_tests_name("stream", tests, NULL, NULL);
}
