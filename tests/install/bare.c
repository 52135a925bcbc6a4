/* SPDX-License-Identifier: MIT
 * tests/install/bare.c - an application: it starts, trains and infers with whatever device there
 * is, prints the report as JSON, and what the library logs on stderr. Exit: 0, or 1 if anything
 * failed, or if training does not make the loss smaller. */
#include <stdio.h>
#include <stdlib.h>

#include <clrnn/clrnn.h>

enum { T = 8, N = 4, V = 5, STEPS = 30 };

static void say(void *user, clrnn_log_level level, const char *text)
{
    (void)user;
    fprintf(stderr, "%d %s\n", (int)level, text);
}

static void print_report(clrnn_context *context)
{
    clrnn_report *report = NULL;
    if (clrnn_context_report(context, &report) != CLRNN_OK)
        exit(1);
    size_t room = (size_t)clrnn_report_format(report, CLRNN_REPORT_JSON, NULL, 0) + 1;
    char *text = malloc(room);
    if (!text)
        exit(1);
    clrnn_report_format(report, CLRNN_REPORT_JSON, text, room);
    puts(text);
    free(text);
    clrnn_report_destroy(&report);
}

/* The next symbol of a row is one more than the last. */
static clrnn_status train(clrnn_model *model, const clrnn_batch *batch, double *first, double *last)
{
    const clrnn_trainer_desc desc = {.max_steps = T, .max_batch = N, .learning_rate = 0.05};
    clrnn_trainer *trainer = NULL;
    clrnn_status status = clrnn_trainer_create(model, &desc, &trainer);
    for (int i = 0; i < STEPS && status == CLRNN_OK; i++)
        status = clrnn_trainer_step(trainer, batch, i ? last : first);
    clrnn_trainer_destroy(&trainer);
    return status;
}

int main(void)
{
    static const clrnn_model_desc desc = {.network = {.cell = CLRNN_CELL_GRU, .hidden_size = 16},
                                          .input = CLRNN_INPUT_ONE_HOT,
                                          .vocabulary_size = V,
                                          .output_size = V};
    const clrnn_context_desc opening = {.log = {CLRNN_LOG_INFO, say, NULL}, .cache_dir = ""};
    static int32_t ids[T * N], targets[T * N];
    static float logits[T * N * V];
    clrnn_context *context = NULL;
    clrnn_model *model = NULL;
    double first = 0, last = 0;
    for (int i = 0; i < T * N; i++) {
        ids[i] = (i / N + i % N) % V;
        targets[i] = (ids[i] + 1) % V;
    }
    const clrnn_batch batch = {.ids = ids, .targets = targets};
    const clrnn_model_io io = {.steps = T, .batch = N, .ids = ids, .logits = logits};
    clrnn_status status = clrnn_context_create(&opening, &context);
    if (status == CLRNN_OK)
        status = clrnn_model_create(context, &desc, 1, &model);
    if (status == CLRNN_OK)
        status = train(model, &batch, &first, &last);
    if (status == CLRNN_OK)
        status = clrnn_model_forward(model, &io);
    if (status == CLRNN_OK)
        print_report(context);
    clrnn_model_destroy(&model);
    clrnn_context_destroy(&context);
    int right = 0;
    for (int i = 0; i < T * N; i++) {
        int best = 0;
        for (int v = 1; v < V; v++)
            best = logits[i * V + v] > logits[i * V + best] ? v : best;
        right += best == targets[i];
    }
    return status != CLRNN_OK || !(last < 0.5 * first) || right < T * N * 3 / 4;
}
