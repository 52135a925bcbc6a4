/* SPDX-License-Identifier: MIT
 * tests/layer/blocks.c - see tests/layer/blocks.h. */
#include "layer/blocks.h"

#include <stdlib.h>
#include <string.h>

void *test_room(size_t bytes)
{
    void *array = malloc(bytes + 1);
    assert_non_null(array);
    return memset(array, 0xff, bytes + 1);
}

test_blocks test_blocks_open(clrnn_context *context, const clrnn_network_desc *network,
                             uint32_t steps, uint32_t batch, uint32_t most,
                             clrnn_precision precision, size_t config)
{
    test_blocks b = {.in = test_inputs_random(network, steps, batch, NULL, 40, 0.3)};
    test_sizes s = test_sizes_of(&b.in);
    clrnn_plan_desc desc = test_plan_desc(&b.in, precision, false, config);
    clrnn_plan *whole = test_plan_make(context, &desc, &b.in);
    b.host = test_host_make(whole, &b.in);
    assert_int_equal(clrnn_forward_host(whole, &b.host.io), CLRNN_OK);
    clrnn_plan_destroy(&whole);
    desc.max_steps = most;
    b.plan = test_plan_make(context, &desc, &b.in);
    b.element = precision == CLRNN_F64 ? sizeof(double) : sizeof(float);
    b.x_step = s.x / steps * b.element;
    b.y_step = s.y / steps * b.element;
    b.y = test_room(s.y * b.element);
    b.h = test_room(s.h * b.element);
    b.c = test_room(s.c * b.element);
    return b;
}

void test_blocks_close(test_blocks *b)
{
    clrnn_plan_destroy(&b->plan);
    test_host_free(&b->host);
    test_inputs_free(&b->in);
    free(b->y);
    free(b->h);
    free(b->c);
}

clrnn_stream *test_stream_make(clrnn_plan *plan)
{
    clrnn_stream *stream = NULL;
    assert_int_equal(clrnn_stream_create(plan, &stream), CLRNN_OK);
    assert_non_null(stream);
    return stream;
}

const char *test_blocks_x(const test_blocks *b, uint32_t t)
{
    return (const char *)b->host.io.x + t * b->x_step;
}

void test_blocks_process(const test_blocks *b, clrnn_stream *stream, uint32_t t, uint32_t steps)
{
    char *y = b->y + t * b->y_step;
    if (clrnn_stream_process(stream, test_blocks_x(b, t), steps, y) != CLRNN_OK)
        fail_msg("block of %u steps at %u: %s", steps, t, test_last_error);
}

void test_blocks_start(const test_blocks *b, clrnn_stream *stream)
{
    assert_int_equal(clrnn_stream_set_state(stream, b->host.io.h0, b->host.io.c0), CLRNN_OK);
}

void test_blocks_same(const char *what, const test_blocks *b, clrnn_stream *stream)
{
    const test_sizes *s = &b->host.sizes;
    assert_int_equal(clrnn_stream_get_state(stream, b->h, s->c ? b->c : NULL), CLRNN_OK);
    const struct {
        const char *name, *got;
        const void *expected;
        size_t count;
    } all[] = {{"y", b->y, b->host.io.y, s->y},
               {"hn", b->h, b->host.io.hn, s->h},
               {"cn", b->c, b->host.io.cn, s->c}};
    for (size_t i = 0; i < COUNT(all); i++)
        if (all[i].count && memcmp(all[i].got, all[i].expected, all[i].count * b->element) != 0)
            fail_msg("%s: %s is not that of the whole sequence", what, all[i].name);
    memset(b->y, 0xff, s->y * b->element);
}

test_blocks test_blocks_from_zero(clrnn_context *context, clrnn_cell cell)
{
    const clrnn_network_desc network = {.cell = cell, .input_size = 3, .hidden_size = 17};
    test_blocks b =
        test_blocks_open(context, &network, 12, 2, 6, CLRNN_F32, test_last_way(context));
    clrnn_plan_desc desc = test_plan_desc(&b.in, CLRNN_F32, false, test_last_way(context));
    clrnn_plan *whole = test_plan_make(context, &desc, &b.in);
    clrnn_host_io io = b.host.io;
    io.h0 = io.c0 = NULL;
    assert_int_equal(clrnn_forward_host(whole, &io), CLRNN_OK);
    clrnn_plan_destroy(&whole);
    return b;
}
