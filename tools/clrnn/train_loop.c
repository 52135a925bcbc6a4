/* SPDX-License-Identifier: MIT
 * train_loop.c - the steps of `clrnn train`: batches, losses, validation, checkpoints, signals. */
#include <inttypes.h>
#include <math.h>
#include <signal.h>
#include <string.h>

#include "system.h"
#include "train.h"

#define VALIDATION_BATCHES 100 /* at most; one costs about a third of a step of training */
#define LOOK_EVERY         100 /* steps, after which a loss that is not finite is seen in any case */

static volatile sig_atomic_t signalled; /* the number of the first signal, or 0 */

static void on_signal(int number)
{
    if (!signalled)
        signalled = number;
}

/* To be called before each step: a compiler in an OpenCL driver takes the signals for itself when
 * it first runs, which may be late. */
static void catch_signals(void)
{
    if (!signalled)
        system_catch_signals(on_signal);
}

void train_catch_signals(void)
{
    catch_signals();
}

int train_signal(void)
{
    return signalled;
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

/* Say what is not finite, and what to change. */
static int not_finite(const train_session *s, const char *what)
{
    const train_options *o = s->options;
    char clip[64] = "with --clip 1";
    if (o->clip > 0)
        snprintf(clip, sizeof clip, "a lower --clip than %g", o->clip);
    tool_error(
        "train: %s; begin anew, or go on from an earlier checkpoint, with a lower --lr or %s; "
        "%s %s",
        what, clip, o->save, tool_file_exists(o->save) ? "stays as it was" : "is not written");
    return TOOL_FAILED;
}

static int not_finite_after(const train_session *s, const char *what)
{
    char text[80];
    snprintf(text, sizeof text, "the %s after step %" PRIu64 " is not finite", what, steps_done(s));
    return not_finite(s, text);
}

static int failed(const train_session *s, clrnn_status status)
{
    return status == CLRNN_ERR_NOT_FINITE ? not_finite(s, tool_last_error(status))
                                          : tool_failed(status);
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
            return failed(s, status);
        sum += part;
        counted += count;
    }
    if (!isfinite(sum))
        return not_finite_after(s, "validation loss");
    s->validation = train_bits(sum / (double)counted);
    s->validated = steps_done(s);
    s->paused += tool_seconds() - begun;
    return TOOL_OK;
}

/* The next step's loss and gradient, before what it would start from replaces a good checkpoint: a
 * rate that is too high makes parameters that are finite, and nothing else is. */
static int prove(train_session *s)
{
    clrnn_batch batch = {.ids = s->ids, .targets = s->targets};
    double loss, norm;
    clrnn_text_batch(s->text, false, steps_done(s), s->ids, s->targets, &batch.reset);
    clrnn_status status = clrnn_trainer_differentiate(s->trainer, &batch, &loss, &norm);
    if (status)
        return failed(s, status);
    if (!isfinite(loss))
        return not_finite_after(s, "next loss");
    return isfinite(norm) ? TOOL_OK : not_finite_after(s, "next gradient");
}

/* The checkpoint, and what it does not know: how long to train, and on which part of the text. */
static clrnn_status write_checkpoint(train_session *s)
{
    const train_options *o = s->options;
    clrnn_tensors *set = NULL;
    clrnn_status status = clrnn_tensors_create(tool_log(), &set);
    if (!status)
        status = clrnn_trainer_to_tensors(s->trainer, set);
    if (!status)
        status = train_keep(o, "steps", set);
    if (!status)
        status = train_keep(o, "validation", set);
    if (!status)
        status = clrnn_tensors_save(set, o->save);
    clrnn_tensors_destroy(&set);
    return status;
}

static int save(train_session *s)
{
    double begun = tool_seconds();
    int code = prove(s);
    clrnn_status status = code ? CLRNN_OK : write_checkpoint(s);
    s->paused += tool_seconds() - begun;
    return status ? failed(s, status) : code;
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
    bool look = due || first || every(next, LOOK_EVERY);
    clrnn_batch batch = {.ids = s->ids, .targets = s->targets};
    clrnn_text_batch(s->text, false, next - 1, s->ids, s->targets, &batch.reset);
    s->rate = clrnn_trainer_learning_rate(s->trainer);
    clrnn_status status = clrnn_trainer_step(s->trainer, &batch, look ? &s->loss : NULL);
    if (status)
        return failed(s, status);
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
    s->start = s->timed_start = tool_seconds();
    s->timed_first = s->first;
    s->paused = 0;
    while (!code && !last && !signalled) {
        catch_signals();
        bool late = o->seconds && tool_seconds() - s->start >= (double)o->seconds;
        last = late || steps_done(s) + 1 >= o->steps;
        code = step(s, last);
    }
    tool_progress_clear();
    s->interrupted = last ? 0 : signalled;
    if (code && !s->csv.failed)
        return code;
    int saved = save(s); /* a log on a full disk takes no training with it */
    return code ? code : saved;
}
