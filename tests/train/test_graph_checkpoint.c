/* SPDX-License-Identifier: MIT
 * tests/train/test_graph_checkpoint.c - checkpoints of graphs, what is frozen, rates, and what is
 * refused. */
#include "learner.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct path_of {
    char text[600];
} path_of;

static path_of file(const char *name)
{
    path_of p;
    snprintf(p.text, sizeof p.text, "%s/%s", test_folder(), name);
    return p;
}

static const clrnn_graph_loss both[] = {
    {.output = "y"}, {.output = "squares", .loss = CLRNN_LOSS_MEAN_SQUARED, .weight = 0.3}};

static clrnn_graph_trainer_desc describe(clrnn_optimizer optimizer)
{
    const bool adamw = optimizer == CLRNN_ADAMW;
    return (clrnn_graph_trainer_desc){.training = {.max_steps = STEPS,
                                                   .max_batch = ROWS,
                                                   .optimizer = optimizer,
                                                   .learning_rate = 0.02,
                                                   .momentum = optimizer == CLRNN_SGD ? 0.9 : 0,
                                                   .weight_decay = adamw ? 0.1 : 0,
                                                   .clip = 0.5,
                                                   .schedule = CLRNN_SCHEDULE_COSINE,
                                                   .warmup_steps = 3,
                                                   .total_steps = 12,
                                                   .seed = 77},
                                      .losses = both,
                                      .loss_count = 2};
}

/* Steps first, first+1, .. each with its own batch. The last loss. */
static double train(clrnn_trainer *trainer, int first, int steps)
{
    double loss = NAN;
    for (int k = first; k < first + steps; k++) {
        learner_batch b = learner_random(CLRNN_F32, k % 2, (uint64_t)(k + 1));
        const clrnn_graph_source x = {"x", b.io.x};
        const clrnn_graph_target targets[] = {{.classes = b.io.targets}, {.values = b.io.values}};
        const clrnn_graph_batch batch = {.lengths = b.io.lengths,
                                         .inputs = &x,
                                         .targets = targets,
                                         .input_count = 1,
                                         .target_count = 2};
        assert_int_equal(clrnn_graph_trainer_step(trainer, &batch, &loss), CLRNN_OK);
        learner_batch_free(&b);
    }
    return loss;
}

static void assert_same(clrnn_trainer *a, clrnn_trainer *b, const clrnn_graph *graph)
{
    double *p = learner_parameters(a, graph), *q = learner_parameters(b, graph);
    assert_memory_equal(p, q, clrnn_graph_parameter_count(graph) * sizeof *p);
    free(p);
    free(q);
}

/* A run that is stopped and resumed, in other graphs and trainers, is the same run, bit for bit. */
static void resumed_is_the_same_run(void **state)
{
    const path_of path = file("resume.safetensors");
    for (int kind = CLRNN_ADAM; kind <= CLRNN_RMSPROP; kind++) {
        const clrnn_graph_trainer_desc desc = describe((clrnn_optimizer)kind);
        clrnn_graph *graph = learner_graph(TIME_MAJOR, CLRNN_F32, 0.2, 3);
        clrnn_graph *other = learner_graph(TIME_MAJOR, CLRNN_F32, 0.2, 4), *loaded = NULL;
        clrnn_trainer *straight = learner_trainer(*state, graph, &desc);
        clrnn_trainer *first = learner_trainer(*state, graph, &desc);
        clrnn_trainer *second = learner_trainer(*state, other, &desc);
        (void)train(straight, 0, 10);
        (void)train(first, 0, 5);
        (void)train(second, 40, 1); /* all that is resumed was something else before */
        assert_int_equal(clrnn_trainer_save(first, path.text), CLRNN_OK);
        assert_int_equal(clrnn_trainer_resume(second, path.text), CLRNN_OK);
        assert_int_equal(clrnn_trainer_steps_done(second), 5);
        assert_same(first, second, graph);
        (void)train(second, 5, 5);
        assert_same(straight, second, graph);
        assert_true(train(straight, 10, 1) == train(second, 10, 1));
        /* And the file is one of the graph. */
        assert_int_equal(clrnn_graph_load(path.text, CLRNN_F32, &test_log, &loaded), CLRNN_OK);
        float *parameters = calloc(clrnn_graph_parameter_count(graph), sizeof *parameters);
        assert_int_equal(clrnn_trainer_get_parameters(first, parameters), CLRNN_OK);
        assert_memory_equal(parameters, clrnn_graph_data(loaded),
                            clrnn_graph_parameter_count(graph) * sizeof *parameters);
        free(parameters);
        clrnn_trainer_destroy(&straight);
        clrnn_trainer_destroy(&first);
        clrnn_trainer_destroy(&second);
        clrnn_graph_destroy(&graph);
        clrnn_graph_destroy(&other);
        clrnn_graph_destroy(&loaded);
    }
}

/* Nothing has changed where a file is refused. */
static void refused(clrnn_trainer *trainer, const clrnn_graph *graph, const char *path,
                    const char *why)
{
    double *before = learner_parameters(trainer, graph);
    const uint64_t done = clrnn_trainer_steps_done(trainer);
    assert_int_equal(clrnn_trainer_resume(trainer, path), CLRNN_ERR_FORMAT);
    assert_error_contains(why);
    double *after = learner_parameters(trainer, graph);
    assert_memory_equal(before, after, clrnn_graph_parameter_count(graph) * sizeof *after);
    assert_int_equal(clrnn_trainer_steps_done(trainer), done);
    free(before);
    free(after);
}

static void other_files(void **state)
{
    const path_of path = file("of.safetensors"), plain = file("plain.safetensors");
    const clrnn_graph_trainer_desc desc = describe(CLRNN_ADAM), sgd = describe(CLRNN_SGD);
    clrnn_graph *graph = learner_graph(TIME_MAJOR, CLRNN_F32, 0.2, 3);
    clrnn_graph *dropout = learner_graph(TIME_MAJOR, CLRNN_F32, 0.3, 3);
    clrnn_graph *layout = learner_graph(CHANNELS, CLRNN_F32, 0.2, 3);
    clrnn_trainer *a = learner_trainer(*state, graph, &desc);
    clrnn_trainer *others[] = {learner_trainer(*state, dropout, &desc),
                               learner_trainer(*state, layout, &desc),
                               learner_trainer(*state, graph, &sgd)};
    const clrnn_graph *const of[] = {dropout, layout, graph};
    const char *const why[] = {"another graph: node 'dropout' differs",
                               "another graph: node 'turned' differs", "optimizer"};
    (void)train(a, 0, 1);
    assert_int_equal(clrnn_trainer_save(a, path.text), CLRNN_OK);
    assert_int_equal(clrnn_graph_save(graph, plain.text), CLRNN_OK);
    for (int i = 0; i < 3; i++) {
        refused(others[i], of[i], path.text, why[i]);
        clrnn_trainer_destroy(&others[i]);
    }
    refused(a, graph, plain.text, "not a checkpoint");
    clrnn_trainer_destroy(&a);
    clrnn_graph_destroy(&graph);
    clrnn_graph_destroy(&dropout);
    clrnn_graph_destroy(&layout);
}

/* --- frozen, and rates ----------------------------------------------------------------------- */

static void frozen(void **state)
{
    const clrnn_graph_trainer_desc desc = describe(CLRNN_ADAMW);
    clrnn_graph *graph = learner_graph(TIME_MAJOR, CLRNN_F32, 0.2, 3);
    clrnn_trainer *trainer = learner_trainer(*state, graph, &desc);
    assert_int_equal(clrnn_trainer_freeze(trainer, "norm."), CLRNN_OK);
    assert_int_equal(clrnn_trainer_freeze(trainer, "wide.weight_hh"), CLRNN_OK);
    assert_int_equal(clrnn_trainer_freeze(trainer, "nobody"), CLRNN_ERR_ARGUMENT);
    assert_error_contains("narrow.weight_ih_l0");
    (void)train(trainer, 0, 3);
    double *after = learner_parameters(trainer, graph), *gradient;
    gradient = learner_gradient(trainer, graph);
    const float *before = clrnn_graph_data(graph);
    clrnn_graph_parameter p;
    for (size_t i = 0; clrnn_graph_parameter_at(graph, i, &p); i++) {
        const bool still = strncmp(p.name, "norm.", 5) == 0 || strstr(p.name, "wide.weight_hh");
        bool same = true, zero = true;
        for (size_t k = p.offset; k < p.offset + p.count; k++) {
            same = same && after[k] == (double)before[k];
            zero = zero && gradient[k] == 0;
        }
        if (same != still || zero != still)
            fail_msg("%s", p.name);
    }
    free(after);
    free(gradient);
    clrnn_trainer_destroy(&trainer);
    clrnn_graph_destroy(&graph);
}

/* u = g at first, so w moves by rate * g. */
static void rate_between_steps(void **state)
{
    clrnn_graph_trainer_desc desc = describe(CLRNN_SGD);
    desc.training = (clrnn_trainer_desc){
        .max_steps = STEPS, .max_batch = ROWS, .optimizer = CLRNN_SGD, .learning_rate = 0.5};
    clrnn_graph *graph = learner_graph(TIME_MAJOR, CLRNN_F32, 0, 3);
    clrnn_trainer *trainer = learner_trainer(*state, graph, &desc);
    const size_t count = clrnn_graph_parameter_count(graph);
    float *data = clrnn_graph_data(graph);
    for (int k = 0; k < 2; k++) {
        const double rate = k ? 0.125 : 0.5;
        if (k)
            assert_int_equal(clrnn_trainer_set_learning_rate(trainer, rate), CLRNN_OK);
        assert_int_equal(clrnn_trainer_set_parameters(trainer, data), CLRNN_OK);
        (void)train(trainer, 0, 1);
        double *after = learner_parameters(trainer, graph), *g = learner_gradient(trainer, graph);
        for (size_t i = 0; i < count; i++)
            if (g[i] != 0)
                assert_true(fabs((double)data[i] - rate * g[i] - after[i]) < 1e-6);
        free(after);
        free(g);
    }
    clrnn_trainer_destroy(&trainer);
    clrnn_graph_destroy(&graph);
}

/* --- refused --------------------------------------------------------------------------------- */

static clrnn_status no_loss(void *user, const clrnn_graph_batch *batch,
                            const clrnn_graph_view *views, uint32_t count, double *loss)
{
    (void)user, (void)batch, (void)views, (void)count, (void)loss;
    return CLRNN_OK;
}

static void refused_options(void **state)
{
    static const char *const nobody[] = {"nobody"};
    const clrnn_graph_loss wrong[] = {{.output = "nobody"},
                                      {.output = "y", .loss = (clrnn_loss)9},
                                      {.output = "y", .huber_delta = 1},
                                      {.output = "y", .weight = -1},
                                      {.output = "x2"},
                                      {.output = "sum"}};
    const char *const why[] = {
        "no output 'nobody'",   "loss 9 is unknown",       "huber_delta",
        "the weight of loss 0", "depends on no parameter", "no axis of classes"};
    clrnn_graph *graph = learner_graph(TIME_MAJOR, CLRNN_F32, 0, 3);
    const clrnn_node_desc copy = {
        .kind = CLRNN_NODE_ACTIVATION, .name = "copy", .inputs = {"x"}, .function = CLRNN_FN_ABS};
    const clrnn_node_desc sum = {.kind = CLRNN_NODE_REDUCE,
                                 .name = "sum",
                                 .inputs = {"head"},
                                 .reduction = CLRNN_REDUCE_SUM,
                                 .rank = 1,
                                 .order = {2}};
    clrnn_trainer *trainer = NULL;
    assert_int_equal(clrnn_graph_add(graph, &copy, NULL), CLRNN_OK);
    assert_int_equal(clrnn_graph_add(graph, &sum, NULL), CLRNN_OK);
    assert_int_equal(clrnn_graph_output(graph, "x2", "copy"), CLRNN_OK);
    assert_int_equal(clrnn_graph_output(graph, "sum", NULL), CLRNN_OK);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        clrnn_graph_trainer_desc desc = describe(CLRNN_ADAM);
        desc.losses = &wrong[i];
        desc.loss_count = 1;
        assert_int_equal(clrnn_graph_trainer_create(*state, graph, &desc, &trainer),
                         CLRNN_ERR_ARGUMENT);
        assert_null(trainer);
        assert_error_contains(why[i]);
    }
    struct {
        const char *why;
        clrnn_graph_trainer_desc desc;
    } others[] = {{"nodes for it", describe(CLRNN_ADAM)},
                  {"nodes for it", describe(CLRNN_ADAM)},
                  {"in `training`", describe(CLRNN_ADAM)},
                  {"belong together", describe(CLRNN_ADAM)},
                  {"no output 'nobody'", describe(CLRNN_ADAM)}};
    others[0].desc.training.dropout = 0.5f;
    others[1].desc.training.input_dropout = 0.5f;
    others[2].desc.training.loss = CLRNN_LOSS_HUBER;
    others[3].desc.own_loss = no_loss;
    others[4].desc.own_loss = no_loss;
    others[4].desc.own_outputs = nobody;
    others[4].desc.own_output_count = 1;
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        assert_int_equal(clrnn_graph_trainer_create(*state, graph, &others[i].desc, &trainer),
                         CLRNN_ERR_ARGUMENT);
        assert_error_contains(others[i].why);
    }
    clrnn_graph_destroy(&graph);
}

static void refused_batches(void **state)
{
    const clrnn_graph_trainer_desc desc = describe(CLRNN_ADAM);
    clrnn_graph *graph = learner_graph(TIME_MAJOR, CLRNN_F32, 0.2, 3);
    clrnn_trainer *trainer = learner_trainer(*state, graph, &desc);
    learner_batch b = learner_random(CLRNN_F32, true, 1);
    const clrnn_graph_source x = {"x", b.io.x};
    clrnn_graph_target targets[] = {{.classes = b.io.targets}, {.values = b.io.values}};
    clrnn_graph_batch batch = {.lengths = b.io.lengths,
                               .inputs = &x,
                               .targets = targets,
                               .input_count = 1,
                               .target_count = 2};
    double loss;
    assert_int_equal(clrnn_trainer_step(trainer, &b.io, &loss), CLRNN_ERR_ARGUMENT);
    assert_error_contains("there are 2");
    batch.target_count = 1;
    assert_int_equal(clrnn_graph_trainer_step(trainer, &batch, &loss), CLRNN_ERR_ARGUMENT);
    assert_error_contains("1 targets, but 2 losses");
    batch.target_count = 2;
    targets[1].values = NULL;
    assert_int_equal(clrnn_graph_trainer_step(trainer, &batch, &loss), CLRNN_ERR_ARGUMENT);
    assert_error_contains("loss 1 (mean_squared) needs `values`");
    targets[1].values = b.io.values;
    ((int32_t *)b.owned[1])[1] = CLASSES;
    assert_int_equal(clrnn_graph_trainer_step(trainer, &batch, &loss), CLRNN_ERR_RANGE);
    assert_error_contains("target 1 of loss 0 is 5, must be less than 5");
    ((int32_t *)b.owned[1])[1] = 0;
    batch.steps = STEPS + 1;
    assert_int_equal(clrnn_graph_trainer_step(trainer, &batch, &loss), CLRNN_ERR_RANGE);
    batch.steps = 0;
    batch.input_count = 0;
    assert_int_equal(clrnn_graph_trainer_step(trainer, &batch, &loss), CLRNN_ERR_ARGUMENT);
    assert_error_contains("input 'x' is missing");
    const uint32_t none[ROWS] = {0};
    batch.input_count = 1;
    batch.lengths = none;
    assert_int_equal(clrnn_graph_trainer_step(trainer, &batch, &loss), CLRNN_ERR_RANGE);
    assert_error_contains("no step is counted");
    assert_int_equal(clrnn_trainer_steps_done(trainer), 0);
    float *now = calloc(clrnn_graph_parameter_count(graph), sizeof *now);
    assert_int_equal(clrnn_trainer_get_parameters(trainer, now), CLRNN_OK);
    assert_memory_equal(now, clrnn_graph_data(graph),
                        clrnn_graph_parameter_count(graph) * sizeof *now);
    free(now);
    learner_batch_free(&b);
    clrnn_trainer_destroy(&trainer);
    clrnn_graph_destroy(&graph);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(resumed_is_the_same_run, test_open, test_close),
        cmocka_unit_test_setup_teardown(other_files, test_open, test_close),
        cmocka_unit_test_setup_teardown(frozen, test_open, test_close),
        cmocka_unit_test_setup_teardown(rate_between_steps, test_open, test_close),
        cmocka_unit_test_setup_teardown(refused_options, test_open, test_close),
        cmocka_unit_test_setup_teardown(refused_batches, test_open, test_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
