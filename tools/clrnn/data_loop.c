/* SPDX-License-Identifier: MIT
 * data_loop.c - the steps of a training on data: validation, stopping early, the best model. */
#include <math.h>
#include <string.h>

#include "train_data.h"

#define LOOK_EVERY 100 /* steps, after which a loss that is not finite is seen in any case */

static uint64_t steps_done(const data_session *s)
{
    return clrnn_trainer_steps_done(s->trainer);
}

static int failed(const data_session *s, clrnn_status status)
{
    if (status != CLRNN_ERR_NOT_FINITE)
        return tool_failed(status);
    tool_error("train: %s; begin anew with a lower --lr or --clip; %s %s", tool_last_error(status),
               s->o->save, tool_file_exists(s->o->save) ? "stays as it was" : "is not written");
    return TOOL_FAILED;
}

/* Lower the rate where it has not become better for a while. */
static clrnn_status lower_rate(data_session *s)
{
    if (!s->o->plateau || s->idle_rate < s->o->plateau)
        return CLRNN_OK;
    s->idle_rate = 0;
    s->rate *= s->o->plateau_factor;
    return clrnn_trainer_set_learning_rate(s->trainer, s->rate);
}

static int validate(data_session *s)
{
    clrnn_status status = data_score(s, CLRNN_PART_VALIDATION, &s->validation);
    if (status)
        return failed(s, status);
    if (!isfinite(s->validation.loss)) {
        tool_error("train: the validation loss after step %llu is not finite; begin anew with a "
                   "lower --lr",
                   (unsigned long long)steps_done(s));
        return TOOL_FAILED;
    }
    const bool better = isnan(s->best_loss) || s->validation.loss < s->best_loss;
    s->idle = better ? 0 : s->idle + 1;
    s->idle_rate = better ? 0 : s->idle_rate + 1;
    if (better) {
        s->best_loss = s->validation.loss;
        s->best_step = steps_done(s);
        status = clrnn_trainer_get_parameters(s->trainer, s->best);
    }
    if (!status)
        status = lower_rate(s);
    s->stopped = s->o->patience && s->idle >= s->o->patience;
    return status ? tool_failed(status) : TOOL_OK;
}

static void print_results(data_session *s)
{
    char text[160];
    const double loss = s->loss_count ? s->loss_sum / s->loss_count : s->loss;
    s->loss_sum = 0;
    s->loss_count = 0;
    if (s->o->json)
        return;
    tool_progress_clear();
    printf("step %7llu  loss %#.5g", (unsigned long long)steps_done(s), loss);
    if (s->info->part[CLRNN_PART_VALIDATION])
        printf("  validation %s%s", data_score_text(&s->validation, text),
               s->best_step == steps_done(s) ? "  best" : "");
    printf("\n");
    fflush(stdout);
}

static bool every(uint64_t step, uint64_t period)
{
    return period && step % period == 0;
}

/* After a step that the log or a validation is due after. */
static int follow_up(data_session *s, double rate, bool last)
{
    const bool results = last || every(steps_done(s), s->validate_every);
    double norm = NAN;
    int code = TOOL_OK;
    if (results && s->info->part[CLRNN_PART_VALIDATION])
        code = validate(s);
    if (!code && s->log) {
        clrnn_status status = clrnn_trainer_gradient_norm(s->trainer, &norm);
        code = status ? tool_failed(status) : data_log_row(s, rate, norm, results);
    }
    if (!code && results)
        print_results(s);
    return code;
}

static int step(data_session *s, bool last)
{
    const train_options *o = s->o;
    const uint64_t next = steps_done(s) + 1;
    const bool due = last || every(next, o->log_every) || every(next, s->validate_every);
    const double rate = clrnn_trainer_learning_rate(s->trainer);
    clrnn_batch batch;
    clrnn_status status = clrnn_data_batch(s->data, CLRNN_PART_TRAIN, next - 1, &batch);
    if (!status)
        status = clrnn_trainer_step(s->trainer, &batch,
                                    due || every(next, LOOK_EVERY) ? &s->loss : NULL);
    double again; /* where it was not seen at once: the step that failed, to be told where */
    if (status == CLRNN_ERR_NOT_FINITE && steps_done(s) + 1 < next &&
        !clrnn_data_batch(s->data, CLRNN_PART_TRAIN, steps_done(s), &batch))
        status = clrnn_trainer_step(s->trainer, &batch, &again) ? CLRNN_ERR_NOT_FINITE : status;
    if (status)
        return failed(s, status);
    if (due) {
        s->loss_sum += s->loss;
        s->loss_count++;
    }
    int code = due ? follow_up(s, rate, last) : TOOL_OK;
    if (!code && !last && o->seeds == 1 && every(next, o->save_every))
        code = data_save(s);
    data_show_progress(s);
    return code;
}

int data_loop(data_session *s)
{
    int code = TOOL_OK;
    bool last = steps_done(s) >= s->steps;
    s->start = tool_seconds();
    while (!code && !last && !s->stopped && !train_signal()) {
        train_catch_signals();
        const double seconds = tool_seconds() - s->start;
        last = steps_done(s) + 1 >= s->steps || (s->o->seconds && seconds >= (double)s->o->seconds);
        code = step(s, last);
    }
    tool_progress_clear();
    s->interrupted = last || s->stopped ? 0 : train_signal();
    return code;
}
