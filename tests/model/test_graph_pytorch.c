/* SPDX-License-Identifier: MIT
 * tests/model/test_graph_pytorch.c - graphs against what PyTorch computed in float64
 * (tests/data/graph): fifty steps of training, and functions with their derivatives. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support.h"

#include <clrnn/graph_parameters.h>
#include <clrnn/graph_trainer.h>

enum { T = 9, N = 4, I = 3, O = 5, TRAINING = 50 };

static clrnn_tensors *load(const char *name)
{
    clrnn_tensors *set = NULL;
    assert_int_equal(clrnn_tensors_load(test_data(name), &test_log, &set), CLRNN_OK);
    return set;
}

static const double *tensor(const clrnn_tensors *set, const char *name, size_t count)
{
    const clrnn_tensor *t = clrnn_tensors_find(set, name);
    assert_non_null(t);
    assert_int_equal(t->count, count);
    return t->data;
}

static void add(clrnn_graph *graph, clrnn_node_desc desc)
{
    assert_int_equal(clrnn_graph_add(graph, &desc, NULL), CLRNN_OK);
}

static clrnn_graph *network(const clrnn_tensors *set)
{
    clrnn_graph *g = NULL;
    const clrnn_graph_input_desc x = {
        .name = "x", .rank = 3, .shape = {CLRNN_STEPS, CLRNN_BATCH, I}};
    assert_int_equal(clrnn_graph_create(&test_log, &(clrnn_graph_desc){CLRNN_F64}, &g), CLRNN_OK);
    assert_int_equal(clrnn_graph_input(g, &x), CLRNN_OK);
    add(g, (clrnn_node_desc){.kind = CLRNN_NODE_CONV1D,
                             .name = "conv",
                             .units = 6,
                             .kernel = {3},
                             .dilation = {2},
                             .groups = 3,
                             .causal = true,
                             .function = CLRNN_FN_TANH});
    add(g, (clrnn_node_desc){.kind = CLRNN_NODE_BATCH_NORM, .name = "norm", .axis = -1});
    add(g, (clrnn_node_desc){
               .kind = CLRNN_NODE_RECURRENT, .name = "wide", .network = {.hidden_size = 7}});
    add(g, (clrnn_node_desc){
               .kind = CLRNN_NODE_RECURRENT, .name = "narrow", .network = {.hidden_size = 4}});
    add(g, (clrnn_node_desc){.kind = CLRNN_NODE_DENSE, .name = "head", .units = O});
    add(g, (clrnn_node_desc){.kind = CLRNN_NODE_LOG_SOFTMAX, .axis = -1});
    assert_int_equal(clrnn_graph_output(g, "y", NULL), CLRNN_OK);
    clrnn_graph_parameter p;
    for (size_t i = 0; clrnn_graph_parameter_at(g, i, &p); i++) {
        char name[80];
        snprintf(name, sizeof name, "before.%s", p.name);
        assert_int_equal(clrnn_graph_set_parameter(g, p.name, tensor(set, name, p.count), p.count),
                         CLRNN_OK);
    }
    return g;
}

/* -log of what the log-softmax gives for the targets: the loss that PyTorch had, by hand. */
static clrnn_status likelihood(void *user, const clrnn_graph_batch *batch,
                               const clrnn_graph_view *views, uint32_t count, double *loss)
{
    const double *targets = user, *y = views[0].data;
    (void)batch, (void)count;
    for (size_t i = 0; i < T * N; i++) {
        const size_t at = i * O + (size_t)targets[i];
        *loss -= y[at] / (T * N);
        ((double *)views[0].gradient)[at] = -1.0 / (T * N);
    }
    return CLRNN_OK;
}

/* Fifty steps; own: with that loss, else with the trainer's cross-entropy, for which logits may
 * have been through a log-softmax already. */
static void train(clrnn_context *context, bool own)
{
    static const char *const outputs[] = {"y"};
    clrnn_tensors *set = load("graph/training.safetensors");
    clrnn_graph *graph = network(set);
    clrnn_trainer *trainer = NULL;
    double *parameters = clrnn_graph_data(graph), loss = 0;
    double *targets = (double *)(uintptr_t)tensor(set, "targets", T * N);
    const double *losses = tensor(set, "losses", TRAINING);
    int32_t classes[T * N];
    clrnn_graph_trainer_desc desc = {
        .training = {.max_steps = T, .max_batch = N, .optimizer = CLRNN_SGD, .learning_rate = 0.1}};
    const clrnn_graph_source x = {"x", tensor(set, "x", T * N * I)};
    const clrnn_graph_target target = {.classes = classes};
    const clrnn_graph_batch batch = {
        .inputs = &x, .targets = &target, .input_count = 1, .target_count = own ? 0 : 1};
    for (size_t i = 0; i < T * N; i++)
        classes[i] = (int32_t)targets[i];
    if (own) {
        desc.own_loss = likelihood;
        desc.own_user = targets;
        desc.own_outputs = outputs;
        desc.own_output_count = 1;
    }
    assert_int_equal(clrnn_graph_trainer_create(context, graph, &desc, &trainer), CLRNN_OK);
    for (int step = 0; step < TRAINING; step++) {
        assert_int_equal(clrnn_graph_trainer_step(trainer, &batch, &loss), CLRNN_OK);
        assert_true(fabs(loss - losses[step]) < 1e-9);
    }
    assert_int_equal(clrnn_trainer_get_parameters(trainer, parameters), CLRNN_OK);
    clrnn_graph_parameter p;
    for (size_t i = 0; clrnn_graph_parameter_at(graph, i, &p); i++) {
        char name[80];
        snprintf(name, sizeof name, "after.%s", p.name);
        if (test_error(parameters + p.offset, tensor(set, name, p.count), p.count) > 1e-9)
            fail_msg("%s differs by %g", p.name,
                     test_error(parameters + p.offset, tensor(set, name, p.count), p.count));
    }
    clrnn_trainer_destroy(&trainer);
    clrnn_graph_destroy(&graph);
    clrnn_tensors_destroy(&set);
}

static void test_training(void **state)
{
    test_need(*state, TEST_DOUBLES);
    train(*state, false);
    train(*state, true);
}

static void one_function(clrnn_context *context, const clrnn_tensors *set, clrnn_function function)
{
    enum { COUNT = 33 };
    char name[64];
    clrnn_graph *graph = NULL;
    clrnn_graph_plan *plan = NULL;
    double y[COUNT], dx[COUNT], dy[COUNT];
    const clrnn_graph_input_desc x = {.name = "x", .rank = 1, .shape = {COUNT}};
    snprintf(name, sizeof name, "%s.y", clrnn_function_name(function));
    if (!clrnn_tensors_find(set, name))
        return; /* PyTorch has none of this name */
    assert_int_equal(clrnn_graph_create(&test_log, &(clrnn_graph_desc){CLRNN_F64}, &graph),
                     CLRNN_OK);
    assert_int_equal(clrnn_graph_input(graph, &x), CLRNN_OK);
    clrnn_node_desc node = {.kind = CLRNN_NODE_ACTIVATION, .function = function};
    if (function == CLRNN_FN_SELU) { /* ONNX has these as floats, PyTorch does not */
        node.alpha = 1.6732632423543772848;
        node.beta = 1.0507009873554804934;
    }
    add(graph, node);
    assert_int_equal(clrnn_graph_output(graph, "y", NULL), CLRNN_OK);
    assert_int_equal(clrnn_graph_plan_create(
                         context, graph,
                         &(clrnn_graph_plan_desc){.train = true, .input_gradients = true}, &plan),
                     CLRNN_OK);
    const clrnn_graph_io io = {.inputs = &(clrnn_graph_source){"x", tensor(set, "x", COUNT)},
                               .outputs = &(clrnn_graph_sink){"y", y},
                               .input_count = 1,
                               .output_count = 1};
    for (int i = 0; i < COUNT; i++)
        dy[i] = 1;
    assert_int_equal(clrnn_graph_plan_forward(plan, &io), CLRNN_OK);
    assert_int_equal(clrnn_graph_plan_backward(
                         plan, &(clrnn_graph_gradients){.outputs = &(clrnn_graph_source){"y", dy},
                                                        .inputs = &(clrnn_graph_sink){"x", dx},
                                                        .output_count = 1,
                                                        .input_count = 1}),
                     CLRNN_OK);
    if (test_error(y, tensor(set, name, COUNT), COUNT) > 1e-12)
        fail_msg("%s", name);
    snprintf(name, sizeof name, "%s.dx", clrnn_function_name(function));
    if (test_error(dx, tensor(set, name, COUNT), COUNT) > 1e-12)
        fail_msg("%s", name);
    clrnn_graph_plan_destroy(&plan);
    clrnn_graph_destroy(&graph);
}

static void test_functions(void **state)
{
    test_need(*state, TEST_DOUBLES);
    clrnn_tensors *set = load("graph/functions.safetensors");
    assert_int_equal(clrnn_tensors_count(set), 1 + 2 * 16);
    for (uint32_t f = 0; f < CLRNN_FUNCTIONS; f++)
        one_function(*state, set, (clrnn_function)f);
    clrnn_tensors_destroy(&set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_training, test_open, test_close),
        cmocka_unit_test_setup_teardown(test_functions, test_open, test_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
