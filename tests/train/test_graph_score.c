/* SPDX-License-Identifier: MIT
 * tests/train/test_graph_score.c - graphs that end in probabilities, and how well one does on a
 * data set. */
#include "learner.h"

#include <clrnn/data.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

static void assert_same(clrnn_trainer *a, clrnn_trainer *b, const clrnn_graph *graph)
{
    double *p = learner_parameters(a, graph), *q = learner_parameters(b, graph);
    assert_memory_equal(p, q, clrnn_graph_parameter_count(graph) * sizeof *p);
    free(p);
    free(q);
}

/* Logits, their softmax and their sigmoid as outputs. */
static clrnn_graph *with_probabilities(void)
{
    clrnn_graph *graph = learner_graph(TIME_MAJOR, CLRNN_F32, 0, 3);
    const clrnn_node_desc nodes[] = {
        {.kind = CLRNN_NODE_SOFTMAX, .name = "p", .inputs = {"head"}, .axis = -1},
        {.kind = CLRNN_NODE_ACTIVATION,
         .name = "s",
         .inputs = {"head"},
         .function = CLRNN_FN_SIGMOID},
        {.kind = CLRNN_NODE_DENSE,
         .name = "within",
         .inputs = {"wide"},
         .units = CLASSES,
         .function = CLRNN_FN_SIGMOID}};
    for (int i = 0; i < 3; i++) {
        assert_int_equal(clrnn_graph_add(graph, &nodes[i], NULL), CLRNN_OK);
        assert_int_equal(clrnn_graph_output(graph, nodes[i].name, NULL), CLRNN_OK);
    }
    return graph;
}

/* What ends in probabilities is trained by what they are made of: the same bits. */
static void probabilities(void **state)
{
    clrnn_graph *graph = with_probabilities();
    for (int binary = 0; binary < 2; binary++) {
        const clrnn_graph_loss losses[] = {
            {.output = "y", .loss = binary ? CLRNN_LOSS_BINARY : CLRNN_LOSS_CROSS_ENTROPY},
            {.output = binary ? "s" : "p",
             .loss = binary ? CLRNN_LOSS_BINARY : CLRNN_LOSS_CROSS_ENTROPY}};
        clrnn_trainer *trainers[2];
        for (int k = 0; k < 2; k++) {
            const clrnn_graph_trainer_desc desc = {
                .training = {.max_steps = STEPS, .max_batch = ROWS, .learning_rate = 0.01},
                .losses = &losses[k],
                .loss_count = 1};
            trainers[k] = learner_trainer(*state, graph, &desc);
        }
        for (uint64_t i = 0; i < 4; i++) {
            learner_batch b = learner_random(CLRNN_F32, i % 2, i + 1);
            double sums[2];
            uint64_t counts[2];
            assert_true(learner_step(trainers[0], &b.io) == learner_step(trainers[1], &b.io));
            for (int k = 0; k < 2; k++)
                assert_int_equal(clrnn_trainer_evaluate(trainers[k], &b.io, &sums[k], &counts[k]),
                                 CLRNN_OK);
            assert_true(sums[0] == sums[1] && counts[0] == counts[1]);
            learner_batch_free(&b);
        }
        assert_same(trainers[0], trainers[1], graph);
        clrnn_trainer_destroy(&trainers[0]);
        clrnn_trainer_destroy(&trainers[1]);
    }
    const clrnn_graph_loss inside = {.output = "within", .loss = CLRNN_LOSS_BINARY};
    const clrnn_graph_trainer_desc desc = {
        .training = {.max_steps = STEPS, .max_batch = ROWS}, .losses = &inside, .loss_count = 1};
    clrnn_trainer *trainer = NULL;
    assert_int_equal(clrnn_graph_trainer_create(*state, graph, &desc, &trainer),
                     CLRNN_ERR_ARGUMENT);
    assert_error_contains("node 'within' (dense): a binary loss takes logits");
    clrnn_graph_destroy(&graph);
}

/* A data set's score by a plan is that of the trainer's evaluation, of logits and probabilities. */
static void scores(void **state)
{
    clrnn_graph *graph = with_probabilities();
    clrnn_graph_plan *plan = NULL;
    clrnn_tensors *set = NULL;
    clrnn_data *data = NULL;
    const uint64_t x_shape[] = {STEPS, ROWS, FEATURES}, y_shape[] = {STEPS, ROWS};
    learner_batch b = learner_random(CLRNN_F32, false, 4);
    double *told[2], sum;
    uint64_t count;
    assert_int_equal(clrnn_tensors_create(&test_log, &set), CLRNN_OK);
    assert_int_equal(clrnn_tensors_add(set, "x", CLRNN_DTYPE_F32, 3, x_shape, b.io.x), CLRNN_OK);
    assert_int_equal(clrnn_tensors_add(set, "y", CLRNN_DTYPE_I32, 2, y_shape, b.io.targets),
                     CLRNN_OK);
    const clrnn_data_desc arrays = {.x = clrnn_tensors_find(set, "x"),
                                    .targets = clrnn_tensors_find(set, "y"),
                                    .output_size = CLASSES,
                                    .batch = 3};
    assert_int_equal(clrnn_data_create(&arrays, &test_log, &data), CLRNN_OK);
    assert_int_equal(
        clrnn_graph_plan_create(
            *state, graph, &(clrnn_graph_plan_desc){.max_steps = STEPS, .max_batch = 2}, &plan),
        CLRNN_OK);
    const clrnn_graph_loss loss = {.output = "y"};
    const clrnn_graph_trainer_desc desc = {
        .training = {.max_steps = STEPS, .max_batch = ROWS}, .losses = &loss, .loss_count = 1};
    clrnn_trainer *trainer = learner_trainer(*state, graph, &desc);
    assert_int_equal(clrnn_trainer_evaluate(trainer, &b.io, &sum, &count), CLRNN_OK);
    for (int k = 0; k < 2; k++) {
        clrnn_score score;
        told[k] = calloc(STEPS * ROWS * CLASSES, sizeof *told[k]);
        assert_int_equal(
            clrnn_data_score_graph(data, plan, k ? "p" : "y", CLRNN_PART_TRAIN, &score), CLRNN_OK);
        assert_true(score.counted == count && fabs(score.loss - sum / (double)count) < 1e-5);
        assert_int_equal(clrnn_data_predict_graph(data, plan, k ? "p" : "y", told[k]), CLRNN_OK);
    }
    assert_true(test_error(told[1], told[0], STEPS * ROWS * CLASSES) < 1e-5);
    assert_int_equal(clrnn_data_predict_graph(data, plan, "squares", told[0]), CLRNN_ERR_ARGUMENT);
    assert_error_contains("'squares' [T,N,2]");
    for (int k = 0; k < 2; k++)
        free(told[k]);
    learner_batch_free(&b);
    clrnn_trainer_destroy(&trainer);
    clrnn_graph_plan_destroy(&plan);
    clrnn_data_destroy(&data);
    clrnn_tensors_destroy(&set);
    clrnn_graph_destroy(&graph);
}

/* Two nodes that begin alike, which plans that do not train compute at once, and one whose numbers
 * go into another's weights: what a trainer evaluates is of the parameters of now. */
static void evaluates_now(void **state)
{
    clrnn_graph *graph = learner_graph(TIME_MAJOR, CLRNN_F32, 0, 5);
    static const char *const weights[] = {"a.weight", "b.weight"};
    const clrnn_node_desc nodes[] = {
        {.kind = CLRNN_NODE_DENSE, .name = "a", .inputs = {"wide"}, .units = CLASSES},
        {.kind = CLRNN_NODE_DENSE, .name = "b", .inputs = {"wide"}, .units = CLASSES},
        {.kind = CLRNN_NODE_ACTIVATION, .name = "bent", .function = CLRNN_FN_TANH},
        {.kind = CLRNN_NODE_ADD, .name = "sum", .inputs = {"a", "bent"}},
        {.kind = CLRNN_NODE_DENSE, .name = "c", .units = CLASSES},
        {.kind = CLRNN_NODE_BATCH_NORM, .name = "d", .axis = -1}};
    double same[7 * CLASSES], sums[2];
    uint64_t counts[2];
    for (int i = 0; i < 7 * CLASSES; i++)
        same[i] = 0.1 * (i % 11) - 0.5;
    for (size_t i = 0; i < sizeof nodes / sizeof *nodes; i++)
        assert_int_equal(clrnn_graph_add(graph, &nodes[i], NULL), CLRNN_OK);
    assert_int_equal(clrnn_graph_output(graph, "now", NULL), CLRNN_OK);
    for (int i = 0; i < 2; i++)
        assert_int_equal(clrnn_graph_set_parameter(graph, weights[i], same, 7 * CLASSES), CLRNN_OK);
    const clrnn_graph_loss loss = {.output = "now", .loss = CLRNN_LOSS_CROSS_ENTROPY};
    const clrnn_graph_trainer_desc desc = {
        .training = {.max_steps = STEPS, .max_batch = ROWS, .learning_rate = 0.1},
        .losses = &loss,
        .loss_count = 1};
    learner_batch b = learner_random(CLRNN_F32, false, 3);
    for (int k = 0; k < 2; k++) {
        clrnn_trainer *trainer = learner_trainer(*state, graph, &desc);
        for (int i = 0; i < 4 && k == 0; i++) {
            assert_int_equal(clrnn_trainer_evaluate(trainer, &b.io, &sums[0], &counts[0]),
                             CLRNN_OK);
            learner_step(trainer, &b.io);
        }
        assert_int_equal(clrnn_trainer_evaluate(trainer, &b.io, &sums[k], &counts[k]), CLRNN_OK);
        float *now = calloc(clrnn_graph_parameter_count(graph), sizeof *now);
        assert_int_equal(clrnn_trainer_get_parameters(trainer, now), CLRNN_OK);
        memcpy(clrnn_graph_data(graph), now, clrnn_graph_parameter_count(graph) * sizeof *now);
        free(now);
        clrnn_trainer_destroy(&trainer);
    }
    assert_true(sums[0] == sums[1] && counts[0] == counts[1]);
    learner_batch_free(&b);
    clrnn_graph_destroy(&graph);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(evaluates_now, test_open, test_close),
        cmocka_unit_test_setup_teardown(probabilities, test_open, test_close),
        cmocka_unit_test_setup_teardown(scores, test_open, test_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
