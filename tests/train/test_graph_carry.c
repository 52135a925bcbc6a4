/* SPDX-License-Identifier: MIT
 * tests/train/test_graph_carry.c - states of a graph's nodes from batch to batch: chunks are one
 * long sequence, and their gradients those of the chunk alone. */
#include "learner.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "graph/graph.h"

enum { CHUNK = 4, CHUNKS = 3, ALL = CHUNK * CHUNKS, N = 3, I = 2, O = 2 };

static void add(clrnn_graph *graph, clrnn_node_desc desc)
{
    assert_int_equal(clrnn_graph_add(graph, &desc, NULL), CLRNN_OK);
}

/* An average, an LSTM of two layers that begins with learned states, a GRU, and a head. */
static clrnn_graph *make_graph(clrnn_precision precision, bool batch_major)
{
    static const double begin[2 * N * 3] = {0.5, -0.25, 0.125};
    clrnn_graph *g = NULL;
    const clrnn_graph_input_desc x = {.name = "x",
                                      .rank = 3,
                                      .shape = {batch_major ? CLRNN_BATCH : CLRNN_STEPS,
                                                batch_major ? CLRNN_STEPS : CLRNN_BATCH, I}};
    assert_int_equal(clrnn_graph_create(&test_log, &(clrnn_graph_desc){precision}, &g), CLRNN_OK);
    assert_int_equal(clrnn_graph_input(g, &x), CLRNN_OK);
    add(g, (clrnn_node_desc){.kind = CLRNN_NODE_CONSTANT,
                             .name = "h0",
                             .rank = 3,
                             .shape = {2, 1, 3},
                             .data = begin,
                             .trainable = true});
    add(g,
        (clrnn_node_desc){
            .kind = CLRNN_NODE_EXPAND, .name = "begin", .rank = 3, .shape = {0, CLRNN_BATCH, 0}});
    add(g,
        (clrnn_node_desc){.kind = CLRNN_NODE_EMA, .name = "average", .inputs = {"x"}, .axis = -1});
    add(g,
        (clrnn_node_desc){.kind = CLRNN_NODE_RECURRENT,
                          .name = "lstm",
                          .inputs = {"average", "begin"},
                          .network = {.cell = CLRNN_CELL_LSTM, .hidden_size = 3, .num_layers = 2}});
    add(g, (clrnn_node_desc){.kind = CLRNN_NODE_RECURRENT,
                             .name = "gru",
                             .network = {.cell = CLRNN_CELL_GRU, .hidden_size = 4}});
    add(g, (clrnn_node_desc){.kind = CLRNN_NODE_DENSE, .name = "head", .units = O});
    assert_int_equal(clrnn_graph_output(g, "y", "head"), CLRNN_OK);
    assert_int_equal(clrnn_graph_output(g, "state", "lstm.hn"), CLRNN_OK);
    assert_int_equal(clrnn_graph_initialize(g, 5), CLRNN_OK);
    return g;
}

static const clrnn_graph_loss loss_of_y = {.output = "y", .loss = CLRNN_LOSS_MEAN_SQUARED};

static clrnn_trainer *make_trainer(clrnn_context *context, clrnn_graph *graph, bool carry,
                                   double rate)
{
    const clrnn_graph_trainer_desc desc = {.training = {.max_steps = ALL,
                                                        .max_batch = N,
                                                        .optimizer = CLRNN_SGD,
                                                        .learning_rate = rate,
                                                        .carry_state = carry},
                                           .losses = &loss_of_y,
                                           .loss_count = 1};
    return learner_trainer(context, graph, &desc);
}

/* Steps first.. of one long sequence, [T,N,..]. */
static clrnn_batch part_of(const double *x, const double *values, int first, int steps)
{
    return (clrnn_batch){.steps = (uint32_t)steps,
                         .batch = N,
                         .x = x + (size_t)first * N * I,
                         .values = values + (size_t)first * N * O};
}

static double mean_of(clrnn_trainer *trainer, clrnn_batch batch, bool train)
{
    double sum = 0;
    uint64_t count = 0;
    if (train)
        return learner_step(trainer, &batch) * batch.steps;
    assert_int_equal(clrnn_trainer_evaluate(trainer, &batch, &sum, &count), CLRNN_OK);
    return sum / (double)count * batch.steps;
}

/* Twice through the chunks, the second time begun anew: the loss is that of the whole. */
static void chunks_are_one_sequence(void **state)
{
    if (!clrnn_context_device(*state)->fp64)
        skip();
    double *x = test_random(ALL * N * I, 1, 1), *values = test_random(ALL * N * O, 2, 1);
    for (int bits = 0; bits < 4; bits++) {
        const bool train = bits & 1;
        clrnn_graph *graph = make_graph(CLRNN_F64, bits & 2);
        clrnn_trainer *whole = make_trainer(*state, graph, false, 1e-300),
                      *trainer = make_trainer(*state, graph, true, 1e-300),
                      *without = make_trainer(*state, graph, false, 1e-300);
        const double expected = mean_of(whole, part_of(x, values, 0, ALL), train);
        for (int turn = 0; turn < 2; turn++) {
            double sum = 0, apart = 0;
            for (int c = 0; c < CHUNKS; c++) {
                clrnn_batch part = part_of(x, values, c * CHUNK, CHUNK);
                part.reset = c == 0;
                sum += mean_of(trainer, part, train);
                apart += mean_of(without, part, train);
            }
            if (!(fabs(sum - expected) < 1e-13 * expected))
                fail_msg("bits %d, turn %d: %.17g, should be %.17g", bits, turn, sum, expected);
            assert_true(fabs(apart - expected) > 1e-4 * expected);
        }
        clrnn_trainer_destroy(&whole);
        clrnn_trainer_destroy(&trainer);
        clrnn_trainer_destroy(&without);
        clrnn_graph_destroy(&graph);
    }
    free(x);
    free(values);
}

/* The second chunk's gradient by central differences, while what it begins with stays. */
static void gradients_of_a_chunk(void **state)
{
    const double h = 1e-5;
    if (!clrnn_context_device(*state)->fp64)
        skip();
    double *x = test_random(ALL * N * I, 3, 1), *values = test_random(ALL * N * O, 4, 1);
    clrnn_graph *graph = make_graph(CLRNN_F64, true);
    clrnn_trainer *trainer = make_trainer(*state, graph, true, 1e-300);
    const clrnn_batch first = part_of(x, values, 0, CHUNK),
                      second = part_of(x, values, CHUNK, CHUNK);
    (void)learner_step(trainer, &first);
    double loss, norm, *w = learner_parameters(trainer, graph);
    assert_int_equal(clrnn_trainer_differentiate(trainer, &second, &loss, &norm), CLRNN_OK);
    double *gradient = learner_gradient(trainer, graph);
    for (size_t i = 0; i < clrnn_graph_parameters(graph); i++) {
        clrnn_graph_parameter p;
        double side[2];
        assert_true(clrnn_graph_parameter_at(graph, i, &p));
        for (size_t e = p.offset; e < p.offset + p.count; e++) {
            for (int k = 0; k < 2; k++) {
                const double kept = w[e];
                w[e] += k ? h : -h;
                assert_int_equal(clrnn_trainer_set_parameters(trainer, w), CLRNN_OK);
                assert_int_equal(clrnn_trainer_differentiate(trainer, &second, &side[k], &norm),
                                 CLRNN_OK);
                w[e] = kept;
            }
            const double slope = (side[1] - side[0]) / (2 * h);
            if (!(fabs(slope - gradient[e]) < 1e-8))
                fail_msg("%s[%zu]: %.9g, measured %.9g", p.name, e - p.offset, gradient[e], slope);
            if (strcmp(p.name, "h0.value") == 0)
                assert_true(gradient[e] == 0);
        }
    }
    free(x);
    free(values);
    free(w);
    free(gradient);
    clrnn_trainer_destroy(&trainer);
    clrnn_graph_destroy(&graph);
}

/* Half of the steps, a file, the other half: all bits are those of one run. */
static void a_checkpoint_brings_states_back(void **state)
{
    char path[600];
    float x[ALL * N * I], values[ALL * N * O];
    double *random = test_random(ALL * N * (I + O), 6, 1);
    for (size_t i = 0; i < ALL * N * I; i++)
        x[i] = (float)random[i];
    for (size_t i = 0; i < ALL * N * O; i++)
        values[i] = (float)random[ALL * N * I + i];
    free(random);
    snprintf(path, sizeof path, "%s/carried.safetensors", test_folder());
    clrnn_graph *graph = make_graph(CLRNN_F32, false);
    clrnn_trainer *trainers[] = {make_trainer(*state, graph, true, 0.1),
                                 make_trainer(*state, graph, true, 0.1)};
    for (int c = 0; c < CHUNKS; c++) {
        const clrnn_batch part = {.steps = CHUNK,
                                  .batch = N,
                                  .x = x + (size_t)c * CHUNK * N * I,
                                  .values = values + (size_t)c * CHUNK * N * O};
        const double loss = learner_step(trainers[0], &part);
        if (c > 0)
            assert_true(learner_step(trainers[1], &part) == loss);
        if (c > 0)
            continue;
        assert_int_equal(clrnn_trainer_save(trainers[0], path), CLRNN_OK);
        assert_int_equal(clrnn_trainer_resume(trainers[1], path), CLRNN_OK);
    }
    double *a = learner_parameters(trainers[0], graph), *b = learner_parameters(trainers[1], graph);
    assert_memory_equal(a, b, clrnn_graph_parameter_count(graph) * sizeof *a);
    free(a);
    free(b);
    clrnn_trainer *other = make_trainer(*state, graph, false, 0.1);
    assert_int_equal(clrnn_trainer_resume(other, path), CLRNN_ERR_FORMAT);
    assert_error_contains("carry_state");
    clrnn_trainer_destroy(&other);
    clrnn_trainer_destroy(&trainers[0]);
    clrnn_trainer_destroy(&trainers[1]);
    clrnn_graph_destroy(&graph);
}

static void what_cannot_be_carried(void **state)
{
    const clrnn_graph_input_desc x = {
        .name = "x", .rank = 3, .shape = {CLRNN_STEPS, CLRNN_BATCH, I}};
    const clrnn_graph_trainer_desc desc = {
        .training = {.max_steps = ALL, .max_batch = N, .carry_state = true},
        .losses = &loss_of_y,
        .loss_count = 1};
    clrnn_graph *graph = NULL;
    clrnn_trainer *trainer = NULL;
    assert_int_equal(clrnn_graph_create(&test_log, NULL, &graph), CLRNN_OK);
    assert_int_equal(clrnn_graph_input(graph, &x), CLRNN_OK);
    add(graph, (clrnn_node_desc){.kind = CLRNN_NODE_DENSE, .name = "head", .units = O});
    assert_int_equal(clrnn_graph_output(graph, "y", NULL), CLRNN_OK);
    assert_int_equal(clrnn_graph_trainer_create(*state, graph, &desc, &trainer),
                     CLRNN_ERR_ARGUMENT);
    assert_error_contains("no node has a state along T");
    clrnn_graph_destroy(&graph);
    graph = make_graph(CLRNN_F32, false);
    trainer = make_trainer(*state, graph, true, 0.1);
    float zeros[ALL * N * (I + O)] = {0};
    const clrnn_batch fewer = {.steps = CHUNK, .batch = N - 1, .x = zeros, .values = zeros};
    double loss;
    assert_int_equal(clrnn_trainer_step(trainer, &fewer, &loss), CLRNN_ERR_RANGE);
    assert_error_contains("with carry_state it must be max_batch, 3");
    clrnn_trainer_destroy(&trainer);
    clrnn_graph_destroy(&graph);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(chunks_are_one_sequence, test_open, test_close),
        cmocka_unit_test_setup_teardown(gradients_of_a_chunk, test_open, test_close),
        cmocka_unit_test_setup_teardown(a_checkpoint_brings_states_back, test_open, test_close),
        cmocka_unit_test_setup_teardown(what_cannot_be_carried, test_open, test_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
