/* SPDX-License-Identifier: MIT
 * tests/layer/blocks.h - a sequence to be run in blocks, and what one pass over the whole makes of
 * it. */
#ifndef TEST_LAYER_BLOCKS_H
#define TEST_LAYER_BLOCKS_H

#include <clrnn/stream.h>

#include "layer/device.h"

/* Inputs, and what one pass makes of them, in the type of the plan. */
typedef struct test_blocks {
    test_inputs in;
    clrnn_plan *plan; /* for the streams */
    test_host host;
    size_t element;        /* bytes of one */
    size_t x_step, y_step; /* bytes of [N,I] and [N,R] */
    char *y, *h, *c;       /* room for what a stream makes of them */
} test_blocks;

/** Bytes to be freed, all 0xff. */
void *test_room(size_t bytes);

/** most: how many steps a block may have; the pass over the whole is another plan's.
 *  config: an index of test_configs. */
test_blocks test_blocks_open(clrnn_context *context, const clrnn_network_desc *network,
                             uint32_t steps, uint32_t batch, uint32_t most,
                             clrnn_precision precision, size_t config);
void test_blocks_close(test_blocks *b);

/** T 12, N 2, I 3, H 17, blocks of 6 at most; expects that a stream starts with zero states. */
test_blocks test_blocks_from_zero(clrnn_context *context, clrnn_cell cell);

/** A stream on a plan; must succeed. */
clrnn_stream *test_stream_make(clrnn_plan *plan);

/** Give a stream the initial states. */
void test_blocks_start(const test_blocks *b, clrnn_stream *stream);

/** The inputs from step t on. */
const char *test_blocks_x(const test_blocks *b, uint32_t t);

/** Run steps t.. through a stream into their place in y; must succeed. */
void test_blocks_process(const test_blocks *b, clrnn_stream *stream, uint32_t t, uint32_t steps);

/** Fails, naming `what` and the tensor, unless y and the stream's states have the bits of the pass
 *  over the whole; forgets y. */
void test_blocks_same(const char *what, const test_blocks *b, clrnn_stream *stream);

#endif
