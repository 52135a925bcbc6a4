/* SPDX-License-Identifier: MIT
 * train_loop.c - the steps of `clrnn train`: batches, losses, validation, checkpoints, signals. */
#include <inttypes.h>
#include <math.h>
#include <signal.h>
#include <string.h>

#include "train.h"

#define VALIDATION_BATCHES                                                 \
    100 /* at most; a step of validation costs about a third of training's \
         */

static volatile sig_atomic_t signalled;

static void on_signal(int number)
{
    (void)number;
    signalled = 1;
}

/* The first signal ends the training in order, the second one ends the process. */
static void catch_signals(void)
{
    struct sigaction action = {.sa_handler = on_signal};
    action.sa_flags = (int)SA_RESETHAND | SA_RESTART;
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

static uint64_t steps_done(const train_session *s)
{
    return clrnn_trainer_steps_done(s->trainer);
}

static uint64_t characters(const train_session *s, uint64_t steps)
{
    return steps * s->options->seq * s->batch;
}

double train_rate(const train_session *s)
{
    double seconds = tool_seconds() - s->timed_start - s->paused;
    return (double)characters(s, steps_done(s) - s->timed_first) / fmax(seconds, 1e-9);
}

double train_validation(const train_session *s)
{
    return s->validated == steps_done(s) ? s->validation : NAN;
}

static void show_progress(const train_session *s)
{
    const train_options *o = s->options;
    char text[160], left[32], rate[32];
    double done = (double)steps_done(s), seconds = tool_seconds() - s->start;
    double part = done / (double)o->steps;
    double remaining = (double)characters(s, o->steps - steps_done(s)) / train_rate(s);
    if (o->seconds) {
        part = fmax(part, seconds / (double)o->seconds);
        remaining = fmin(remaining, (double)o->seconds - seconds);
    }
    snprintf(text, sizeof text, "step %.0f/%" PRIu64 "  loss %#.5g  %#.4g bpc  %s char/s  %s left",
             done, o->steps, s->loss, train_bits(s->loss),
             tool_thousands((uint64_t)train_rate(s), rate), tool_clock(fmax(remaining, 0), left));
    tool_progress(part, text);
}

/* The mean over the held-out text from its beginning, in bits. Leaves s->validation as it was if a
 * signal comes. */
static int validate(train_session *s)
{
    uint64_t batches = clrnn_text_batches(s->text, true), counted = 0;
    double sum = 0, begun = tool_seconds();
    for (uint64_t i = 0; i < batches && i < VALIDATION_BATCHES; i++) {
        clrnn_batch batch = {.ids = s->ids, .targets = s->targets};
        double part;
        uint64_t count;
        if (signalled)
            return TOOL_OK;
        clrnn_text_batch(s->text, true, i, s->ids, s->targets, &batch.reset);
        clrnn_status status = clrnn_trainer_evaluate(s->trainer, &batch, &part, &count);
        if (status)
            return tool_failed(status);
        sum += part;
        counted += count;
    }
    s->validation = train_bits(sum / (double)counted);
    s->validated = steps_done(s);
    s->paused += tool_seconds() - begun;
    return TOOL_OK;
}

static int save(train_session *s)
{
    double begun = tool_seconds();
    clrnn_status status = clrnn_trainer_save(s->trainer, s->options->save);
    s->paused += tool_seconds() - begun;
    return status ? tool_failed(status) : TOOL_OK;
}

/* One line of results, with the mean of the losses read since the last one. */
static void print_results(train_session *s)
{
    char rate[32], measured[48] = "";
    double loss = s->loss_sum / s->loss_count;
    s->loss_sum = 0;
    s->loss_count = 0;
    if (s->options->json)
        return;
    if (!isnan(train_validation(s)))
        snprintf(measured, sizeof measured, "  validation %#.5g bpc", train_validation(s));
    tool_progress_clear();
    printf("step %7" PRIu64 "  loss %#.5g  %#.5g bpc%s  %s characters/s\n", steps_done(s), loss,
           train_bits(loss), measured, tool_thousands((uint64_t)train_rate(s), rate));
    fflush(stdout);
}

static int write_row(train_session *s)
{
    double norm = NAN;
    clrnn_status status = clrnn_trainer_gradient_norm(s->trainer, &norm);
    if (status)
        return tool_failed(status);
    return train_csv_row(&s->csv, steps_done(s), characters(s, steps_done(s)),
                         tool_seconds() - s->start, s->loss, train_validation(s), s->rate, norm);
}

static void note_loss(train_session *s)
{
    s->loss_sum += s->loss;
    s->loss_count++;
    if (isfinite(s->loss) || s->warned)
        return;
    s->warned = true;
    tool_warn("train: the loss is not finite after step %" PRIu64 "; begin anew with a lower --lr "
              "or with --clip",
              steps_done(s));
}

static bool every(uint64_t step, uint64_t period)
{
    return period && step % period == 0;
}

/* After a step that the log or a validation is due after. */
static int follow_up(train_session *s, bool last)
{
    const train_options *o = s->options;
    bool results = last || every(steps_done(s), o->validate_every);
    int code = TOOL_OK;
    if (results && clrnn_text_batches(s->text, true))
        code = validate(s);
    if (!code && s->csv.file)
        code = write_row(s);
    if (!code && results)
        print_results(s);
    return code;
}

/* One step. The loss is read back only now and then, so that the device need not wait for the host.
 */
static int step(train_session *s, bool last)
{
    const train_options *o = s->options;
    uint64_t next = steps_done(s) + 1;
    bool first = next == s->first + 1;
    bool due = last || every(next, o->log_every) || every(next, o->validate_every);
    clrnn_batch batch = {.ids = s->ids, .targets = s->targets};
    clrnn_text_batch(s->text, false, next - 1, s->ids, s->targets, &batch.reset);
    s->rate = clrnn_trainer_learning_rate(s->trainer);
    clrnn_status status = clrnn_trainer_step(s->trainer, &batch, due || first ? &s->loss : NULL);
    if (status)
        return tool_failed(status);
    if (due || first)
        note_loss(s);
    if (first && !last) {
        s->timed_first = next;
        s->timed_start = tool_seconds();
    }
    int code = due ? follow_up(s, last) : TOOL_OK;
    if (!code && !last && every(next, o->save_every))
        code = save(s);
    show_progress(s);
    return code;
}

int train_loop(train_session *s)
{
    const train_options *o = s->options;
    int code = TOOL_OK;
    bool last = steps_done(s) >= o->steps;
    if (last && clrnn_text_batches(s->text, true))
        code = validate(s);
    catch_signals();
    s->start = s->timed_start = tool_seconds();
    s->timed_first = s->first;
    s->paused = 0;
    while (!code && !last && !signalled) {
        bool late = o->seconds && tool_seconds() - s->start >= (double)o->seconds;
        last = late || steps_done(s) + 1 >= o->steps;
        code = step(s, last);
    }
    tool_progress_clear();
    s->interrupted = signalled && !last;
    return code ? code : save(s);
}
