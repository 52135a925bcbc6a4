/* SPDX-License-Identifier: MIT
 * tests/graph/test_graph_swap.c - streams of whole models in use: a rest state, another model while
 * blocks are played, with or without a fade, and rows that lie apart. */
#include "support.h"

#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <clrnn/graph_parameters.h>
#include <clrnn/graph_stream.h>

#include "base/memory.h"
#include "drawn.h"

enum {
    BLOCK = 8,
    ROWS = 2,
    INPUTS = 2,
    OUTPUTS = 3,
    BLOCKS = 12,
    X = BLOCK * ROWS * INPUTS,
    Y = BLOCK * ROWS * OUTPUTS
};

/* Convolution, LSTM, average, head; time-major or not. seed: of its parameters. */
static clrnn_graph *model(uint64_t seed, uint32_t hidden, const char *output, bool batch_major)
{
    clrnn_graph *graph = NULL;
    clrnn_graph_input_desc x = {.name = "x", .rank = 3, .shape = {0, 0, INPUTS}};
    const clrnn_node_desc nodes[] = {
        {.kind = CLRNN_NODE_CONV1D, .units = 4, .kernel = {3}, .causal = true},
        {.kind = CLRNN_NODE_RECURRENT, .network = {.hidden_size = hidden}},
        {.kind = CLRNN_NODE_EMA, .axis = -1},
        {.kind = CLRNN_NODE_DENSE, .units = OUTPUTS}};
    drawn_numbers r = {seed};
    x.shape[0] = batch_major ? CLRNN_BATCH : CLRNN_STEPS;
    x.shape[1] = batch_major ? CLRNN_STEPS : CLRNN_BATCH;
    assert_int_equal(clrnn_graph_create(&test_log, NULL, &graph), CLRNN_OK);
    assert_int_equal(clrnn_graph_input(graph, &x), CLRNN_OK);
    for (size_t i = 0; i < sizeof nodes / sizeof *nodes; i++)
        assert_int_equal(clrnn_graph_add(graph, &nodes[i], NULL), CLRNN_OK);
    assert_int_equal(clrnn_graph_output(graph, output, NULL), CLRNN_OK);
    float *parameters = clrnn_graph_data(graph);
    for (size_t i = 0; i < clrnn_graph_parameter_count(graph); i++)
        parameters[i] = (float)draw_real(&r);
    return graph;
}

static clrnn_graph_stream *stream_of(clrnn_context *context, clrnn_graph *graph)
{
    clrnn_graph_stream *stream = NULL;
    assert_int_equal(
        clrnn_graph_stream_create(
            context, graph, &(clrnn_graph_stream_desc){.max_steps = BLOCK, .rows = ROWS}, &stream),
        CLRNN_OK);
    return stream;
}

static clrnn_graph_stream *of_seed(clrnn_context *context, uint64_t seed, uint32_t hidden)
{
    clrnn_graph *graph = model(seed, hidden, "y", false);
    clrnn_graph_stream *stream = stream_of(context, graph);
    clrnn_graph_destroy(&graph);
    return stream;
}

/* Block `index`, [T,N,INPUTS]. */
static void samples(int index, float x[X])
{
    drawn_numbers r = {(uint64_t)index + 100};
    for (size_t i = 0; i < X; i++)
        x[i] = (float)draw_real(&r);
}

/* The first `steps` of a block through it. */
static void play(clrnn_graph_stream *stream, int index, uint32_t steps, float y[Y])
{
    float x[X];
    samples(index, x);
    const clrnn_graph_io io = {.steps = steps,
                               .inputs = &(clrnn_graph_source){"x", x},
                               .outputs = &(clrnn_graph_sink){"y", y},
                               .input_count = 1,
                               .output_count = 1};
    assert_int_equal(clrnn_graph_stream_process(stream, &io), CLRNN_OK);
}

/* --- rest ------------------------------------------------------------------------------------ */

static void rest(void **state)
{
    clrnn_graph_stream *stream = of_seed(*state, 1, 7), *fork = NULL;
    float first[Y], settled[Y], again[Y];
    const size_t count = clrnn_graph_stream_state_count(stream);
    float *kept = calloc(count, sizeof *kept), *zero = calloc(count, sizeof *zero);
    play(stream, 0, BLOCK, first);
    assert_int_equal(clrnn_graph_stream_capture_rest(stream, 1), CLRNN_OK); /* of row 1, for both */
    assert_int_equal(clrnn_graph_stream_get_state(stream, 1, kept), CLRNN_OK);
    assert_int_equal(clrnn_graph_stream_set_state(stream, 0, kept), CLRNN_OK);
    play(stream, 0, BLOCK, settled);
    assert_memory_not_equal(first, settled, sizeof first);
    play(stream, 3, BLOCK, again); /* somewhere else */
    assert_int_equal(clrnn_graph_stream_reset(stream, CLRNN_ALL_ROWS), CLRNN_OK);
    assert_int_equal(clrnn_graph_stream_fork(stream, &fork), CLRNN_OK);
    play(stream, 0, BLOCK, again);
    assert_memory_equal(again, settled, sizeof settled);
    /* One row alone; the other goes on. */
    assert_int_equal(clrnn_graph_stream_reset(stream, 0), CLRNN_OK);
    play(stream, 0, BLOCK, again);
    for (size_t t = 0; t < BLOCK; t++)
        assert_memory_equal(again + t * ROWS * OUTPUTS, settled + t * ROWS * OUTPUTS,
                            OUTPUTS * sizeof *again);
    assert_memory_not_equal(again, settled, sizeof settled);
    /* A fork has it too, and reset brings it back. */
    play(fork, 5, BLOCK, again);
    assert_int_equal(clrnn_graph_stream_reset(fork, CLRNN_ALL_ROWS), CLRNN_OK);
    play(fork, 0, BLOCK, again);
    assert_memory_equal(again, settled, sizeof settled);
    /* Zeros, and what was kept, from the host. */
    for (int i = 0; i < 3; i++) {
        assert_int_equal(clrnn_graph_stream_set_rest(stream, i == 0   ? NULL
                                                             : i == 1 ? kept
                                                                      : zero),
                         CLRNN_OK);
        assert_int_equal(clrnn_graph_stream_reset(stream, CLRNN_ALL_ROWS), CLRNN_OK);
        play(stream, 0, BLOCK, again);
        assert_memory_equal(again, i == 1 ? settled : first, sizeof first);
    }
    assert_int_equal(clrnn_graph_stream_capture_rest(stream, ROWS), CLRNN_ERR_RANGE);
    assert_error_contains("row 2 is not in 0..1");
    free(kept);
    free(zero);
    clrnn_graph_stream_destroy(&fork);
    clrnn_graph_stream_destroy(&stream);
}

/* --- swap ------------------------------------------------------------------------------------ */

/* Each model alone over all blocks. */
static void alone(clrnn_context *context, uint64_t seed, uint32_t hidden, int first,
                  float y[BLOCKS][Y])
{
    clrnn_graph_stream *stream = of_seed(context, seed, hidden);
    for (int i = first; i < BLOCKS; i++)
        play(stream, i, BLOCK, y[i]);
    clrnn_graph_stream_destroy(&stream);
}

/* At the border of a block, with the states it came with; what it was goes on elsewhere. */
static void at_once(void **state)
{
    static float a[BLOCKS][Y], b[BLOCKS][Y], y[Y];
    clrnn_graph_stream *stream = of_seed(*state, 1, 7), *next = of_seed(*state, 2, 9);
    clrnn_graph_stream *unwanted = of_seed(*state, 3, 5), *older = unwanted;
    alone(*state, 1, 7, 0, a);
    alone(*state, 2, 9, 3, b);
    for (int i = 0; i < 5; i++) {
        play(stream, i, BLOCK, y);
        assert_memory_equal(y, a[i], sizeof y);
    }
    for (int i = 3; i < 5; i++) /* it has been played to, too */
        play(next, i, BLOCK, y);
    assert_null(clrnn_graph_stream_collect(stream));
    assert_int_equal(clrnn_graph_stream_offer(stream, &older, 0), CLRNN_OK);
    assert_null(older);
    clrnn_graph_stream *own = next;
    assert_int_equal(clrnn_graph_stream_offer(stream, &next, 0), CLRNN_OK);
    assert_ptr_equal(next, unwanted); /* which was not taken */
    for (int i = 5; i < BLOCKS; i++) {
        play(stream, i, BLOCK, y);
        assert_memory_equal(y, b[i], sizeof y);
    }
    clrnn_graph_stream *old = clrnn_graph_stream_collect(stream);
    assert_ptr_equal(old, own);
    for (int i = 5; i < BLOCKS; i++) {
        play(old, i, BLOCK, y);
        assert_memory_equal(y, a[i], sizeof y);
    }
    clrnn_graph_stream_destroy(&old);
    clrnn_graph_stream_destroy(&next);
    clrnn_graph_stream_destroy(&stream);
}

/* Over FADE steps, whatever the blocks; then exactly what the new one gives. */
static void faded(void **state)
{
    enum { FADE = 21 };
    static const uint32_t cuts[] = {BLOCK, 3, BLOCK, 1, BLOCK, BLOCK, 2, BLOCK};
    clrnn_graph_stream *stream = of_seed(*state, 1, 7), *a = of_seed(*state, 1, 7);
    clrnn_graph_stream *b = of_seed(*state, 2, 9), *next = of_seed(*state, 2, 9);
    clrnn_graph_stream *third = of_seed(*state, 3, 7);
    float of_a[Y], of_b[Y], y[Y];
    double done = 0;
    play(stream, 50, BLOCK, y);
    play(a, 50, BLOCK, y);
    assert_int_equal(clrnn_graph_stream_offer(stream, &next, FADE), CLRNN_OK);
    for (size_t i = 0; i < sizeof cuts / sizeof *cuts; i++) {
        play(a, (int)i, cuts[i], of_a);
        play(b, (int)i, cuts[i], of_b);
        play(stream, (int)i, cuts[i], y);
        if (i == 0)
            assert_int_equal(clrnn_graph_stream_offer(stream, &third, 4), CLRNN_OK); /* waits */
        for (size_t t = 0; t < cuts[i]; t++, done++)
            for (size_t k = t * ROWS * OUTPUTS; k < (t + 1) * ROWS * OUTPUTS; k++) {
                const double part = fmin((done + 1) / FADE, 1);
                const double wanted = (double)of_a[k] + part * ((double)of_b[k] - (double)of_a[k]);
                assert_true(part < 1 ? fabs((double)y[k] - wanted) < 1e-6 : y[k] == of_b[k]);
            }
    }
    assert_true(done > FADE);
    clrnn_graph_stream *old = clrnn_graph_stream_collect(stream);
    assert_non_null(old);
    clrnn_graph_stream_destroy(&old);
    play(b, 9, BLOCK, of_b);
    play(stream, 9, BLOCK, y); /* the third begins */
    assert_memory_not_equal(y, of_b, sizeof y);
    clrnn_graph_stream_destroy(&a);
    clrnn_graph_stream_destroy(&b);
    clrnn_graph_stream_destroy(&stream); /* in the middle of a fade or with one to collect */
}

static void reset_while_it_fades(void **state)
{
    clrnn_graph_stream *stream = of_seed(*state, 1, 7), *next = of_seed(*state, 2, 9);
    float first[Y], again[Y];
    assert_int_equal(clrnn_graph_stream_offer(stream, &next, 1000), CLRNN_OK);
    play(stream, 0, 4, first);
    play(stream, 1, 4, again);
    assert_int_equal(clrnn_graph_stream_reset(stream, CLRNN_ALL_ROWS), CLRNN_OK);
    play(stream, 0, 4, again); /* both are anew, only further in the fade */
    for (size_t i = 0; i < 4 * ROWS * OUTPUTS; i++)
        assert_true(fabs((double)first[i] - (double)again[i]) < 0.05);
    clrnn_graph_stream_destroy(&stream);
}

static void refuse(clrnn_context *context, clrnn_graph_stream *stream, clrnn_graph *graph,
                   const clrnn_graph_stream_desc *desc, const char *why)
{
    clrnn_graph_stream *next = NULL;
    assert_int_equal(clrnn_graph_stream_create(context, graph, desc, &next), CLRNN_OK);
    clrnn_graph_stream *before = next;
    assert_int_equal(clrnn_graph_stream_offer(stream, &next, 0), CLRNN_ERR_ARGUMENT);
    assert_ptr_equal(next, before);
    assert_error_contains(why);
    clrnn_graph_stream_destroy(&next);
    clrnn_graph_destroy(&graph);
}

static void refused(void **state)
{
    const clrnn_graph_stream_desc usual = {.max_steps = BLOCK, .rows = ROWS};
    const clrnn_graph_stream_desc longer = {.max_steps = BLOCK + 1, .rows = ROWS};
    const clrnn_graph_stream_desc more = {.max_steps = BLOCK, .rows = ROWS + 1};
    clrnn_graph_stream *stream = of_seed(*state, 1, 7), *self = stream;
    refuse(*state, stream, model(1, 7, "z", false), &usual,
           "output 'z' where the one that runs has 'y'");
    refuse(*state, stream, model(1, 7, "y", true), &usual, "'x' is [N,T,2]");
    refuse(*state, stream, model(1, 7, "y", false), &longer, "takes blocks of 9 steps");
    refuse(*state, stream, model(1, 7, "y", false), &more, "of 3 rows, the one");
    assert_int_equal(clrnn_graph_stream_offer(stream, &self, 0), CLRNN_ERR_ARGUMENT);
    assert_error_contains("the stream itself");
    clrnn_graph_stream_destroy(&stream);
}

/* --- from another thread --------------------------------------------------------------------- */

typedef struct maker {
    clrnn_context *context;
    clrnn_graph_stream *stream;
    atomic_bool stop;
    int offered, collected;
} maker;

/* y = gain x: nothing but the gain tells the models apart. */
static clrnn_graph_stream *amplifier(clrnn_context *context, double gain)
{
    clrnn_graph *graph = NULL;
    const clrnn_graph_input_desc x = {
        .name = "x", .rank = 3, .shape = {CLRNN_STEPS, CLRNN_BATCH, 1}};
    const clrnn_log silent = {0};
    const clrnn_node_desc node = {
        .kind = CLRNN_NODE_DENSE, .name = "n", .units = 1, .no_bias = true};
    if (clrnn_graph_create(&silent, NULL, &graph) != CLRNN_OK ||
        clrnn_graph_input(graph, &x) != CLRNN_OK ||
        clrnn_graph_add(graph, &node, NULL) != CLRNN_OK ||
        clrnn_graph_output(graph, "y", NULL) != CLRNN_OK ||
        clrnn_graph_set_parameter(graph, "n.weight", &gain, 1) != CLRNN_OK)
        abort();
    clrnn_graph_stream *stream = NULL;
    (void)clrnn_graph_stream_create(context, graph, &(clrnn_graph_stream_desc){.max_steps = BLOCK},
                                    &stream);
    clrnn_graph_destroy(&graph);
    return stream;
}

static void *make_models(void *data)
{
    maker *m = data;
    while (!atomic_load(&m->stop)) {
        clrnn_graph_stream *next = amplifier(m->context, m->offered % 2 ? 1 : 2);
        if (next &&
            clrnn_graph_stream_offer(m->stream, &next, (uint32_t)m->offered % 3 * 4) == CLRNN_OK)
            m->offered++;
        clrnn_graph_stream_destroy(&next);
        clrnn_graph_stream *old = clrnn_graph_stream_collect(m->stream);
        m->collected += old != NULL;
        clrnn_graph_stream_destroy(&old);
    }
    return NULL;
}

/* Whatever comes when: every sample is amplified by 1, by 2, or by something between. */
static void while_it_plays(void **state)
{
    maker m = {.context = *state, .stream = amplifier(*state, 1)};
    pthread_t thread;
    float x[BLOCK], y[BLOCK];
    bool once = false, twice = false;
    assert_non_null(m.stream);
    assert_int_equal(pthread_create(&thread, NULL, make_models, &m), 0);
    for (int i = 0; i < 200000 && !(i > 2000 && once && twice); i++) {
        for (int t = 0; t < BLOCK; t++)
            x[t] = (float)(t + 1);
        const clrnn_graph_io io = {.inputs = &(clrnn_graph_source){"x", x},
                                   .outputs = &(clrnn_graph_sink){"y", y},
                                   .input_count = 1,
                                   .output_count = 1};
        assert_int_equal(clrnn_graph_stream_process(m.stream, &io), CLRNN_OK);
        for (int t = 0; t < BLOCK; t++) {
            const float gain = y[t] / x[t];
            assert_true(gain > 0.999f && gain < 2.001f);
            once = once || gain == 1;
            twice = twice || gain == 2;
        }
    }
    atomic_store(&m.stop, true);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_true(once && twice && m.offered > 1 && m.collected > 0);
    clrnn_graph_stream_destroy(&m.stream);
}

/* --- rows apart, and memory ------------------------------------------------------------------ */

/* In arrays of their own, one idle now and then, in either layout: the same bits as together. */
static void rows_apart(void **state)
{
    clrnn_graph *graphs[] = {model(4, 6, "y", false), model(4, 6, "y", true)};
    for (int layout = 0; layout < 2; layout++) {
        clrnn_graph_stream *apart = stream_of(*state, graphs[layout]);
        clrnn_graph_stream *together = stream_of(*state, graphs[0]);
        for (int i = 0; i < 6; i++) {
            const uint32_t T = 1 + (uint32_t)(i * 3) % BLOCK, lengths[ROWS] = {T, i % 3 ? T : 0};
            float x[X], y[Y], in[ROWS][BLOCK * INPUTS], out[ROWS][BLOCK * OUTPUTS];
            samples(i, x);
            const clrnn_graph_io io = {.steps = T,
                                       .lengths = lengths,
                                       .inputs = &(clrnn_graph_source){"x", x},
                                       .outputs = &(clrnn_graph_sink){"y", y},
                                       .input_count = 1,
                                       .output_count = 1};
            assert_int_equal(clrnn_graph_stream_process(together, &io), CLRNN_OK);
            for (uint32_t n = 0; n < ROWS; n++)
                for (uint32_t t = 0; t < T; t++)
                    memcpy(in[n] + t * INPUTS, x + (t * ROWS + n) * INPUTS, INPUTS * sizeof(float));
            const void *from[ROWS] = {in[0], i % 3 ? in[1] : NULL};
            void *to[ROWS] = {out[0], out[1]};
            assert_int_equal(clrnn_graph_stream_process_rows(apart, T, from, to), CLRNN_OK);
            const clrnn_graph_io none = {.steps = CLRNN_NONE};
            const void *nothing[ROWS] = {NULL};
            assert_int_equal(clrnn_graph_stream_process(together, &none), CLRNN_OK);
            assert_int_equal(clrnn_graph_stream_process_rows(apart, CLRNN_NONE, nothing, to),
                             CLRNN_OK);
            for (uint32_t n = 0; n < ROWS; n++)
                for (uint32_t t = 0; t < T && from[n]; t++)
                    assert_memory_equal(out[n] + t * OUTPUTS, y + (t * ROWS + n) * OUTPUTS,
                                        OUTPUTS * sizeof(float));
        }
        clrnn_graph_stream_destroy(&apart);
        clrnn_graph_stream_destroy(&together);
    }
    clrnn_graph_destroy(&graphs[0]);
    clrnn_graph_destroy(&graphs[1]);
}

/* Taking, fading, rows, rests: no memory is to be had while blocks are played. */
static void no_memory(void **state)
{
    clrnn_graph_stream *stream = of_seed(*state, 1, 7), *next = of_seed(*state, 2, 9);
    float y[Y], x[ROWS][BLOCK * INPUTS] = {{0}}, out[ROWS][BLOCK * OUTPUTS];
    const void *from[ROWS] = {x[0], NULL};
    void *to[ROWS] = {out[0], NULL};
    clr_fault_inject(CLR_FAULT_MEMORY, 1);
    play(stream, 0, BLOCK, y);
    assert_int_equal(clrnn_graph_stream_offer(stream, &next, 2 * BLOCK), CLRNN_OK);
    for (int i = 0; i < 4; i++) {
        play(stream, i, BLOCK - (uint32_t)i, y);
        assert_int_equal(clrnn_graph_stream_process_rows(stream, 0, from, to), CLRNN_OK);
        assert_int_equal(clrnn_graph_stream_capture_rest(stream, 0), CLRNN_OK);
        assert_int_equal(clrnn_graph_stream_reset(stream, i % 2 ? CLRNN_ALL_ROWS : 1), CLRNN_OK);
    }
    clr_fault_inject(CLR_FAULT_MEMORY, 0);
    clrnn_graph_stream_destroy(&stream);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(rest, test_open, test_close),
        cmocka_unit_test_setup_teardown(at_once, test_open, test_close),
        cmocka_unit_test_setup_teardown(faded, test_open, test_close),
        cmocka_unit_test_setup_teardown(reset_while_it_fades, test_open, test_close),
        cmocka_unit_test_setup_teardown(refused, test_open, test_close),
        cmocka_unit_test_setup_teardown(while_it_plays, test_open, test_close),
        cmocka_unit_test_setup_teardown(rows_apart, test_open, test_close),
        cmocka_unit_test_setup_teardown(no_memory, test_open, test_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
