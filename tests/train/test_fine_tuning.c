/* SPDX-License-Identifier: MIT
 * tests/train/test_fine_tuning.c - models of PyTorch, imported by their state_dict and trained on:
 * fifty steps against PyTorch in float64 (tests/data/finetuned; make.py says what the files hold).
 * With arguments, FOLDER NAME...: those files, which tools/interop draws. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support.h"

#include <clrnn/format.h>
#include <clrnn/graph_trainer.h>

#define BOUND 1e-9

static const char *folder; /* of the arguments */
static char *const *names;
static int name_count;

static const char *path_of(const char *name, const char *ending)
{
    static char path[600];
    char own[200];
    snprintf(own, sizeof own, "finetuned/%s%s", name, ending);
    if (folder)
        snprintf(path, sizeof path, "%s/%s%s", folder, name, ending);
    else
        snprintf(path, sizeof path, "%s", test_data(own));
    return path;
}

/* --- what the file says ---------------------------------------------------------------------- */

static double number(const clrnn_tensors *set, const char *key)
{
    const char *text = clrnn_tensors_metadata(set, key);
    return text ? strtod(text, NULL) : 0;
}

static int word(const clrnn_tensors *set, const char *key, const char *const *words)
{
    const char *text = clrnn_tensors_metadata(set, key);
    for (int i = 0; text && words[i]; i++)
        if (strcmp(words[i], text) == 0)
            return i;
    fail_msg("no %s, or none that is known", key);
    return 0;
}

static clrnn_graph_trainer_desc options_of(const clrnn_tensors *set, const clrnn_graph_loss *loss)
{
    static const char *const optimizers[] = {"adam", "adamw", "sgd", "rmsprop", NULL};
    const clrnn_tensor *x = clrnn_tensors_find(set, "x");
    return (clrnn_graph_trainer_desc){
        .training = {.max_steps = (uint32_t)x->shape[1],
                     .max_batch = (uint32_t)x->shape[2],
                     .optimizer = (clrnn_optimizer)word(set, "optimizer", optimizers),
                     .learning_rate = number(set, "learning_rate"),
                     .momentum = number(set, "momentum"),
                     .beta1 = number(set, "beta1"),
                     .beta2 = number(set, "beta2"),
                     .rho = number(set, "rho"),
                     .epsilon = number(set, "epsilon"),
                     .weight_decay = number(set, "weight_decay")},
        .losses = loss,
        .loss_count = 1};
}

/* What a tensor [B,..] has for a step. NULL: there is no such tensor. */
static const void *part(const clrnn_tensors *set, const char *name, size_t step)
{
    const clrnn_tensor *t = clrnn_tensors_find(set, name);
    const size_t which = t ? step % t->shape[0] : 0;
    return t ? (const char *)t->data + which * (t->bytes / t->shape[0]) : NULL;
}

/* --- training -------------------------------------------------------------------------------- */

static void check_steps(clrnn_trainer *trainer, const clrnn_tensors *set, const char *input,
                        const char *name)
{
    const clrnn_tensor *losses = clrnn_tensors_find(set, "losses");
    assert_non_null(losses);
    for (size_t k = 0; k < losses->count; k++) {
        const double wanted = ((const double *)losses->data)[k];
        const clrnn_graph_source x = {input, part(set, "x", k)};
        const clrnn_graph_target target = {.classes = part(set, "targets", k),
                                           .values = part(set, "values", k)};
        const clrnn_graph_batch batch = {.lengths = part(set, "lengths", k),
                                         .inputs = &x,
                                         .targets = &target,
                                         .input_count = 1,
                                         .target_count = 1};
        double loss = NAN;
        assert_int_equal(clrnn_graph_trainer_step(trainer, &batch, &loss), CLRNN_OK);
        if (!(fabs(loss - wanted) <= BOUND * (1 + fabs(wanted))))
            fail_msg("%s: the loss of step %zu is %.17g, not %.17g", name, k, loss, wanted);
    }
}

/* The parameters afterwards, each by its name in the state_dict, and how far they have come: what
 * does not move could not be wrong. */
static void check_after(clrnn_trainer *trainer, clrnn_graph *graph, const clrnn_tensors *set,
                        const char *name)
{
    clrnn_graph_parameter p;
    const double *data = clrnn_graph_data(graph);
    const size_t count = clrnn_graph_parameter_count(graph);
    double *before = calloc(count, sizeof *before), moved = 0, worst = 0;
    memcpy(before, data, count * sizeof *before);
    assert_int_equal(clrnn_trainer_get_parameters(trainer, clrnn_graph_data(graph)), CLRNN_OK);
    for (size_t i = 0; clrnn_graph_parameter_at(graph, i, &p); i++) {
        char key[200];
        snprintf(key, sizeof key, "after.%s", p.name);
        const clrnn_tensor *t = clrnn_tensors_find(set, key);
        if (!t)
            fail_msg("%s: no tensor %s", name, key);
        assert_int_equal(t->count, p.count);
        const double error = test_error(data + p.offset, t->data, p.count);
        if (!(error <= BOUND))
            fail_msg("%s: %s differs by %g", name, p.name, error);
        worst = fmax(worst, error);
        moved = fmax(moved, test_error(data + p.offset, before + p.offset, p.count));
    }
    assert_true(moved > 0.01);
    if (folder)
        printf("%s %.1e\n", name, worst);
    free(before);
}

static void train(clrnn_context *context, const char *name)
{
    static const char *const losses[] = {"cross_entropy", "mean_squared", "mean_absolute",
                                         "huber",         "binary",       NULL};
    clrnn_tensors *set = NULL;
    clrnn_graph *graph = NULL;
    clrnn_trainer *trainer = NULL;
    clrnn_value_info input;
    assert_int_equal(clrnn_tensors_load(path_of(name, ".safetensors"), &test_log, &set), CLRNN_OK);
    const clrnn_import_desc how = {.precision = CLRNN_F64,
                                   .arch = clrnn_tensors_metadata(set, "arch")};
    assert_int_equal(clrnn_graph_import(path_of(name, ".pt"), &how, &test_log, &graph), CLRNN_OK);
    const clrnn_graph_loss loss = {.output = "logits",
                                   .loss = (clrnn_loss)word(set, "loss", losses)};
    const clrnn_graph_trainer_desc desc = options_of(set, &loss);
    assert_int_equal(clrnn_graph_trainer_create(context, graph, &desc, &trainer), CLRNN_OK);
    assert_true(clrnn_graph_input_at(graph, 0, &input));
    check_steps(trainer, set, input.name, name);
    check_after(trainer, graph, set, name);
    clrnn_trainer_destroy(&trainer);
    clrnn_graph_destroy(&graph);
    clrnn_tensors_destroy(&set);
}

static void test_as_pytorch(void **state)
{
    static const char *const own[] = {"lstm_adam",       "lstm_momentum",  "gru_adam",
                                      "gru_momentum",    "embedding_adam", "embedding_momentum",
                                      "projected_adamw", "norm_rmsprop",   "conv_adam"};
    test_need(*state, TEST_DOUBLES);
    for (size_t i = 0; !folder && i < sizeof own / sizeof *own; i++)
        train(*state, own[i]);
    for (int i = 0; i < name_count; i++)
        train(*state, names[i]);
}

int main(int argc, char **argv)
{
    folder = argc > 1 ? argv[1] : NULL;
    names = argc > 2 ? argv + 2 : NULL;
    name_count = argc > 2 ? argc - 2 : 0;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_as_pytorch, test_open, test_close)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
