/* SPDX-License-Identifier: MIT
 * tests/train/test_graph_trainer.c - training of graphs: as of the models that some are, in every
 * layout, with several losses and the caller's own, and what no optimiser moves. */
#include "learner.h"
#include "task.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TRAINED = 5 };

/* --- a model as a graph ---------------------------------------------------------------------- */

/* A file of a model is three nodes: trained alike, all bits are alike, also with gaps in values. */
static void check_model(clrnn_context *context, clrnn_input input, clrnn_loss loss,
                        clrnn_optimizer optimizer)
{
    static const uint32_t lengths[ROWS] = {2, STEPS, 0, 4};
    const clrnn_model_desc desc = task_desc((clrnn_cell)(optimizer % 3), input, 2, CLRNN_F32);
    const clrnn_trainer_desc how = {.max_steps = STEPS,
                                    .max_batch = ROWS,
                                    .loss = loss,
                                    .missing = loss != CLRNN_LOSS_CROSS_ENTROPY,
                                    .dc_weight = loss == CLRNN_LOSS_ESR ? 1 : 0,
                                    .optimizer = optimizer,
                                    .clip = 0.5,
                                    .learning_rate = 0.01,
                                    .carry_state = optimizer % 2};
    char path[600];
    snprintf(path, sizeof path, "%s/model.safetensors", test_folder());
    clrnn_model *model = task_model(context, &desc, 1);
    clrnn_graph *graph = NULL;
    assert_int_equal(clrnn_model_save(model, path), CLRNN_OK);
    assert_int_equal(clrnn_graph_load(path, CLRNN_F32, &test_log, &graph), CLRNN_OK);
    const clrnn_graph_loss of_logits = {
        .output = "logits", .loss = loss, .missing = how.missing, .dc_weight = how.dc_weight};
    clrnn_graph_trainer_desc as_graph = {.training = how, .losses = &of_logits, .loss_count = 1};
    as_graph.training.loss = (clrnn_loss)0;
    as_graph.training.missing = false;
    as_graph.training.dc_weight = 0;
    clrnn_trainer *a = task_trainer(model, &how), *b = learner_trainer(context, graph, &as_graph);
    for (uint64_t k = 0; k < TRAINED; k++) {
        task_batch batch = task_random(model, STEPS, ROWS, 20 + k);
        batch.io.lengths = k % 2 ? lengths : NULL;
        batch.io.reset = k == 3;
        for (size_t i = k; how.missing && i < STEPS * ROWS; i += 7)
            ((float *)batch.owned[3])[i] = NAN;
        double sum[2], norm[2];
        uint64_t count[2];
        assert_true(task_step(a, &batch.io) == task_step(b, &batch.io));
        assert_int_equal(clrnn_trainer_gradient_norm(a, &norm[0]), CLRNN_OK);
        assert_int_equal(clrnn_trainer_gradient_norm(b, &norm[1]), CLRNN_OK);
        assert_true(norm[0] == norm[1]);
        assert_int_equal(clrnn_trainer_evaluate(a, &batch.io, &sum[0], &count[0]), CLRNN_OK);
        assert_int_equal(clrnn_trainer_evaluate(b, &batch.io, &sum[1], &count[1]), CLRNN_OK);
        assert_true(sum[0] == sum[1] && count[0] == count[1]);
        task_free(&batch);
    }
    double *p = task_parameters(model), *q = learner_parameters(b, graph);
    assert_memory_equal(p, q, clrnn_model_parameter_count(model) * sizeof *p);
    free(p);
    free(q);
    clrnn_trainer_destroy(&a);
    clrnn_trainer_destroy(&b);
    clrnn_graph_destroy(&graph);
    clrnn_model_destroy(&model);
}

static void a_model_as_a_graph(void **state)
{
    for (int kind = CLRNN_ADAM; kind <= CLRNN_RMSPROP; kind++)
        check_model(*state, (clrnn_input)(kind % 3), (clrnn_loss)kind, (clrnn_optimizer)kind);
    check_model(*state, CLRNN_INPUT_EMBEDDING, CLRNN_LOSS_BINARY, CLRNN_ADAM);
    check_model(*state, CLRNN_INPUT_DENSE, CLRNN_LOSS_GAUSSIAN, CLRNN_SGD);
    check_model(*state, CLRNN_INPUT_DENSE, CLRNN_LOSS_ESR, CLRNN_ADAM);
    check_model(*state, CLRNN_INPUT_EMBEDDING, CLRNN_LOSS_CROSS_ENTROPY, CLRNN_SGD);
}

/* --- layouts --------------------------------------------------------------------------------- */

static clrnn_graph_trainer_desc of_output(const clrnn_graph_loss *loss)
{
    return (clrnn_graph_trainer_desc){
        .training = {.max_steps = STEPS, .max_batch = ROWS}, .losses = loss, .loss_count = 1};
}

/* The same batches, whatever the layout: the same losses, and parameters. */
static void check_layouts(clrnn_context *context, const clrnn_graph_loss *loss, bool ragged)
{
    double *first = NULL, losses[TRAINED];
    for (int layout = TIME_MAJOR; layout <= CHANNELS; layout++) {
        clrnn_graph *graph = learner_graph((learner_layout)layout, CLRNN_F32, 0, 3);
        const clrnn_graph_trainer_desc desc = of_output(loss);
        clrnn_trainer *trainer = learner_trainer(context, graph, &desc);
        for (int k = 0; k < TRAINED; k++) {
            learner_batch batch = learner_random(CLRNN_F32, ragged, (uint64_t)(k + 1));
            for (int i = k; loss->missing && i < STEPS * ROWS; i += 3)
                ((float *)batch.owned[2])[i] = NAN;
            const double now = learner_step(trainer, &batch.io);
            if (layout == TIME_MAJOR)
                losses[k] = now;
            assert_true(fabs(now - losses[k]) < 1e-5 * losses[k]);
            learner_batch_free(&batch);
        }
        double *parameters = learner_parameters(trainer, graph);
        first = first ? first : parameters;
        const double error = test_error(parameters, first, clrnn_graph_parameter_count(graph));
        if (!(error < 1e-4))
            fail_msg("layout %d: %g", layout, error);
        if (first != parameters)
            free(parameters);
        clrnn_trainer_destroy(&trainer);
        clrnn_graph_destroy(&graph);
    }
    free(first);
}

static void layouts(void **state)
{
    const clrnn_graph_loss losses[] = {
        {.output = "y"},
        {.output = "last"},
        {.output = "squares", .loss = CLRNN_LOSS_HUBER},
        {.output = "squares", .loss = CLRNN_LOSS_MEAN_ABSOLUTE, .missing = true},
        {.output = "y", .loss = CLRNN_LOSS_BINARY}};
    for (size_t i = 0; i < sizeof losses / sizeof *losses; i++)
        for (int ragged = 0; ragged < 2; ragged++)
            check_layouts(*state, &losses[i], ragged);
}

/* An output without T has the target of the last step that has one, in every layout: another target
 * before it changes nothing, another at it does. */
static void the_last_target(void **state)
{
    clrnn_graph *graph = learner_graph(TIME_MAJOR, CLRNN_F32, 0, 3);
    const clrnn_graph_loss loss = {.output = "last"};
    const clrnn_graph_trainer_desc desc = of_output(&loss);
    clrnn_trainer *trainer = learner_trainer(*state, graph, &desc);
    learner_batch batch = learner_random(CLRNN_F32, true, 1);
    int32_t *targets = batch.owned[1];
    uint64_t count = 0;
    double before, after;
    for (int i = 0; i < STEPS * ROWS; i++)
        targets[i] = i % CLASSES;
    assert_int_equal(clrnn_trainer_evaluate(trainer, &batch.io, &before, &count), CLRNN_OK);
    assert_int_equal(count, ROWS);
    targets[1 * ROWS + 0] = (targets[1 * ROWS + 0] + 1) % CLASSES; /* row 0 has 3 steps */
    targets[3 * ROWS + 0] = 7;                                     /* past its length: not read */
    assert_int_equal(clrnn_trainer_evaluate(trainer, &batch.io, &after, &count), CLRNN_OK);
    assert_true(before == after);
    targets[2 * ROWS + 0] = -1; /* so that of step 1 counts */
    assert_int_equal(clrnn_trainer_evaluate(trainer, &batch.io, &after, &count), CLRNN_OK);
    assert_true(before != after && count == ROWS);
    targets[1 * ROWS + 0] = targets[0 * ROWS + 0] = -1; /* it has none */
    assert_int_equal(clrnn_trainer_evaluate(trainer, &batch.io, &after, &count), CLRNN_OK);
    assert_int_equal(count, ROWS - 1);
    learner_batch_free(&batch);
    clrnn_trainer_destroy(&trainer);
    clrnn_graph_destroy(&graph);
}

/* --- several losses -------------------------------------------------------------------------- */

/* loss = half the sum of squares of "y", beyond lengths some nonsense */
static clrnn_status own_squares(void *user, const clrnn_graph_batch *batch,
                                const clrnn_graph_view *views, uint32_t count, double *loss)
{
    const double *y = views[0].data;
    double *gradient = views[0].gradient;
    size_t elements = 1;
    assert_int_equal(count, 1);
    assert_string_equal(views[0].name, "y");
    assert_ptr_equal(batch->own, user);
    for (uint32_t i = 0; i < views[0].rank; i++)
        elements *= views[0].shape[i];
    for (size_t i = 0; i < elements; i++) {
        const size_t t = i / CLASSES / ROWS, n = i / CLASSES % ROWS;
        const bool live = !batch->lengths || t < batch->lengths[n];
        *loss += live ? y[i] * y[i] / 2 : 0;
        if (gradient)
            gradient[i] = live ? y[i] : 1e30;
    }
    return *(clrnn_status *)user;
}

/* A loss that weighs as much has the same gradient, times its weight. */
static void check_weight(clrnn_context *context, clrnn_graph *graph, clrnn_graph_loss loss,
                         const clrnn_graph_batch *batch, const double *weighted)
{
    const size_t parameters = clrnn_graph_parameter_count(graph);
    const double weight = loss.weight;
    double value, norm;
    loss.weight = 0; /* 1 */
    const clrnn_graph_trainer_desc desc = of_output(&loss);
    clrnn_trainer *trainer = learner_trainer(context, graph, &desc);
    assert_int_equal(clrnn_graph_trainer_differentiate(trainer, batch, &value, &norm), CLRNN_OK);
    double *gradient = learner_gradient(trainer, graph);
    for (size_t i = 0; i < parameters; i++)
        gradient[i] *= weight;
    assert_true(test_error(weighted, gradient, parameters) < 1e-13);
    free(gradient);
    clrnn_trainer_destroy(&trainer);
}

/* One, two, three losses, and the caller's own, as a sum. */
static void several_losses(void **state)
{
    static const char *const own_outputs[] = {"y"};
    clrnn_context *context = *state;
    clrnn_status user = CLRNN_OK;
    if (!clrnn_context_device(context)->fp64)
        skip();
    clrnn_graph *graph = learner_graph(TIME_MAJOR, CLRNN_F64, 0, 3);
    const size_t parameters = clrnn_graph_parameter_count(graph);
    const clrnn_graph_loss all[] = {{.output = "y", .weight = 0.25},
                                    {.output = "squares", .loss = CLRNN_LOSS_MEAN_SQUARED},
                                    {.output = "y", .loss = CLRNN_LOSS_BINARY, .weight = 2}};
    learner_batch b = learner_random(CLRNN_F64, true, 9);
    const clrnn_graph_source x = {"x", b.io.x};
    const clrnn_graph_target targets[] = {{.classes = b.io.targets},
                                          {.classes = b.io.targets, .values = b.io.values},
                                          {.values = b.io.values}};
    double *sum = calloc(parameters, sizeof *sum), losses[5], norm, sums[4];
    uint64_t counts[4];
    for (uint32_t k = 0; k < 5; k++) { /* each alone, the own one, and all of them */
        clrnn_graph_trainer_desc desc = {.training = {.max_steps = STEPS, .max_batch = ROWS}};
        clrnn_graph_batch batch = {.lengths = b.io.lengths, .inputs = &x, .input_count = 1};
        if (k != 3) {
            desc.losses = k == 4 ? all : &all[k];
            batch.targets = k == 4 ? targets : &targets[k];
            batch.target_count = desc.loss_count = k == 4 ? 3 : 1;
        }
        if (k >= 3) {
            desc.own_loss = own_squares;
            desc.own_user = batch.own = &user;
            desc.own_outputs = own_outputs;
            desc.own_output_count = 1;
        }
        clrnn_trainer *trainer = learner_trainer(context, graph, &desc);
        assert_int_equal(clrnn_graph_trainer_differentiate(trainer, &batch, &losses[k], &norm),
                         CLRNN_OK);
        double *gradient = learner_gradient(trainer, graph);
        for (size_t i = 0; i < parameters; i++) /* what the own loss gives past lengths is not */
            assert_true(fabs(gradient[i]) < 1e10);
        if (k == 0)
            check_weight(context, graph, all[0], &batch, gradient);
        if (k == 4) {
            assert_true(test_error(gradient, sum, parameters) < 1e-13);
            assert_true(fabs(losses[0] + losses[1] + losses[2] + losses[3] - losses[4]) <
                        1e-13 * losses[4]);
            assert_int_equal(clrnn_graph_trainer_evaluate(trainer, &batch, sums, counts), CLRNN_OK);
            assert_int_equal(counts[0], counts[1]);
            assert_int_equal(counts[2], 3 + STEPS + 1 + 5);
            assert_int_equal(counts[3], 1);
            /* Its running mean and variance are others, so the numbers are, too. */
            assert_true(sums[0] > 0 && sums[1] > 0 && sums[2] > 0 && sums[3] > 0);
        }
        for (size_t i = 0; i < parameters; i++)
            sum[i] += gradient[i];
        free(gradient);
        clrnn_trainer_destroy(&trainer);
    }
    free(sum);
    learner_batch_free(&b);
    clrnn_graph_destroy(&graph);
}

/* An own loss that fails, or is not finite, changes nothing. */
static void own_loss_that_fails(void **state)
{
    static const char *const own_outputs[] = {"y"};
    clrnn_context *context = *state;
    clrnn_status user = CLRNN_OK;
    if (!clrnn_context_device(context)->fp64)
        skip();
    clrnn_graph *graph = learner_graph(TIME_MAJOR, CLRNN_F64, 0, 3);
    learner_batch b = learner_random(CLRNN_F64, false, 9);
    const clrnn_graph_source x = {"x", b.io.x};
    const clrnn_graph_batch batch = {.inputs = &x, .input_count = 1, .own = &user};
    const clrnn_graph_trainer_desc desc = {
        .training = {.max_steps = STEPS, .max_batch = ROWS, .learning_rate = 0.01},
        .own_loss = own_squares,
        .own_user = &user,
        .own_outputs = own_outputs,
        .own_output_count = 1};
    clrnn_trainer *trainer = learner_trainer(context, graph, &desc);
    double loss[3], *before, *after;
    assert_int_equal(clrnn_graph_trainer_step(trainer, &batch, &loss[0]), CLRNN_OK);
    before = learner_parameters(trainer, graph);
    user = CLRNN_ERR_IO;
    assert_int_equal(clrnn_graph_trainer_step(trainer, &batch, &loss[1]), CLRNN_ERR_IO);
    after = learner_parameters(trainer, graph);
    assert_memory_equal(before, after, clrnn_graph_parameter_count(graph) * sizeof *after);
    assert_int_equal(clrnn_trainer_steps_done(trainer), 1);
    free(before);
    free(after);
    user = CLRNN_OK;
    for (int k = 0; k < 40; k++)
        assert_int_equal(clrnn_graph_trainer_step(trainer, &batch, &loss[1]), CLRNN_OK);
    assert_true(loss[1] < loss[0] / 2);
    clrnn_trainer_destroy(&trainer);
    learner_batch_free(&b);
    clrnn_graph_destroy(&graph);
}

/* --- what no optimiser moves ----------------------------------------------------------------- */

static clrnn_graph_parameter find(const clrnn_graph *graph, const char *name)
{
    clrnn_graph_parameter p;
    assert_true(clrnn_graph_parameter_find(graph, name, &p));
    return p;
}

/* Running means move in a step, and neither in an evaluation nor in differentiate nor by weight
 * decay: what they become is what a plan's forward pass makes of them. */
static void running_means(void **state)
{
    clrnn_context *context = *state;
    clrnn_graph *graph = learner_graph(TIME_MAJOR, CLRNN_F32, 0, 3);
    const size_t parameters = clrnn_graph_parameter_count(graph);
    const clrnn_graph_loss loss = {.output = "y"};
    clrnn_graph_trainer_desc desc = of_output(&loss);
    desc.training.optimizer = CLRNN_ADAMW;
    desc.training.weight_decay = 10;
    clrnn_trainer *trainer = learner_trainer(context, graph, &desc);
    learner_batch batch = learner_random(CLRNN_F32, true, 5);
    const clrnn_graph_source x = {"x", batch.io.x};
    const clrnn_graph_io io = {.lengths = batch.io.lengths, .inputs = &x, .input_count = 1};
    clrnn_graph_plan *plan = NULL;
    float *expected = calloc(parameters, sizeof *expected), *got = calloc(parameters, sizeof *got);
    double sum, norm;
    uint64_t count;
    assert_int_equal(
        clrnn_graph_plan_create(
            context, graph,
            &(clrnn_graph_plan_desc){.max_steps = STEPS, .max_batch = ROWS, .train = true}, &plan),
        CLRNN_OK);
    assert_int_equal(clrnn_graph_plan_forward(plan, &io), CLRNN_OK);
    assert_int_equal(clrnn_graph_plan_get_parameters(plan, expected), CLRNN_OK);
    assert_int_equal(clrnn_trainer_evaluate(trainer, &batch.io, &sum, &count), CLRNN_OK);
    assert_int_equal(clrnn_trainer_differentiate(trainer, &batch.io, &sum, &norm), CLRNN_OK);
    assert_int_equal(clrnn_trainer_get_parameters(trainer, got), CLRNN_OK);
    assert_memory_equal(got, clrnn_graph_data(graph), parameters * sizeof *got);
    (void)learner_step(trainer, &batch.io);
    assert_int_equal(clrnn_trainer_get_parameters(trainer, got), CLRNN_OK);
    const char *const names[] = {"norm.running_mean", "norm.running_var"};
    for (int i = 0; i < 2; i++) {
        const clrnn_graph_parameter p = find(graph, names[i]);
        assert_memory_equal(got + p.offset, expected + p.offset, p.count * sizeof *got);
    }
    assert_memory_not_equal(got, expected, parameters * sizeof *got);
    free(expected);
    free(got);
    clrnn_graph_plan_destroy(&plan);
    learner_batch_free(&batch);
    clrnn_trainer_destroy(&trainer);
    clrnn_graph_destroy(&graph);
}

/* A step that is not finite has not been, running means included; and nor has one that nobody
 * waited for. */
static void not_finite(void **state)
{
    clrnn_graph *graph = learner_graph(TIME_MAJOR, CLRNN_F32, 0.2, 3);
    const clrnn_graph_loss loss = {.output = "squares", .loss = CLRNN_LOSS_MEAN_SQUARED};
    const clrnn_graph_trainer_desc desc = of_output(&loss);
    clrnn_trainer *a = learner_trainer(*state, graph, &desc);
    clrnn_trainer *b = learner_trainer(*state, graph, &desc);
    learner_batch good = learner_random(CLRNN_F32, false, 5);
    learner_batch bad = learner_random(CLRNN_F32, false, 6);
    ((float *)bad.owned[2])[3] = INFINITY;
    ((int32_t *)bad.owned[1])[1] = 0; /* it counts */
    double value;
    (void)learner_step(a, &good.io);
    (void)learner_step(b, &good.io);
    assert_int_equal(clrnn_trainer_step(a, &bad.io, NULL), CLRNN_OK);
    assert_int_equal(clrnn_trainer_step(a, &good.io, NULL), CLRNN_OK);
    assert_int_equal(clrnn_trainer_step(a, &good.io, &value), CLRNN_ERR_NOT_FINITE);
    assert_error_contains("step 2");
    assert_int_equal(clrnn_trainer_steps_done(a), 1);
    for (int k = 0; k < 2; k++)
        assert_true(learner_step(a, &good.io) == learner_step(b, &good.io));
    double *p = learner_parameters(a, graph), *q = learner_parameters(b, graph);
    assert_memory_equal(p, q, clrnn_graph_parameter_count(graph) * sizeof *p);
    free(p);
    free(q);
    learner_batch_free(&good);
    learner_batch_free(&bad);
    clrnn_trainer_destroy(&a);
    clrnn_trainer_destroy(&b);
    clrnn_graph_destroy(&graph);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_model_as_a_graph, test_open, test_close),
        cmocka_unit_test_setup_teardown(layouts, test_open, test_close),
        cmocka_unit_test_setup_teardown(the_last_target, test_open, test_close),
        cmocka_unit_test_setup_teardown(several_losses, test_open, test_close),
        cmocka_unit_test_setup_teardown(own_loss_that_fails, test_open, test_close),
        cmocka_unit_test_setup_teardown(running_means, test_open, test_close),
        cmocka_unit_test_setup_teardown(not_finite, test_open, test_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
