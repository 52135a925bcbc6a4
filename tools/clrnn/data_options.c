/* SPDX-License-Identifier: MIT
 * data_options.c - the options of `clrnn train` for data and tasks: which belong together, and
 * which a checkpoint remembers. */
#include <inttypes.h>
#include <string.h>

#include "train_data.h"

void data_add_options(tool_option *end, train_options *o)
{
    o->huber_delta = 1;
    o->pre_emphasis = 0.85;
    o->dc_weight = 1;
    o->plateau_factor = 0.5;
    o->length = 100;
    o->seeds = 1;
    o->step_factor = 0;
    const tool_option options[] = {
        tool_text("data", "FILE", &o->data, "x: .npy, .npz, .safetensors, .csv, .json, .wav, IDX"),
        tool_text("targets", "FILE", &o->targets, "what is to be told"),
        tool_text("lengths", "FILE", &o->lengths, "steps of each sequence"),
        tool_text("mask", "FILE", &o->mask, "0 where a target is missing"),
        tool_text("parts", "FILE", &o->parts, "of each sequence: 0 train, 1 validation, 2 test"),
        tool_flag("batch-first", &o->batch_first, "x and targets are [N,T,...]"),
        tool_choice("target-at", "auto|every|last", &o->target_at,
                    "steps with a target (by shape)"),
        tool_choice("loss", "auto|" DATA_LOSSES, &o->loss, "(by the targets' type)"),
        tool_real("huber-delta", "D", &o->huber_delta, 1e-30, 1e30, "of huber (1)"),
        tool_real("pre-emphasis", "C", &o->pre_emphasis, 0, 0.999999,
                  "esr: of errors e[t] - C e[t-1] (0.85)"),
        tool_real("dc-weight", "W", &o->dc_weight, 0, 1e30, "esr: of the error's mean (1)"),
        tool_u32("classes", "K", &o->classes, 1, "classes there are (those that occur)"),
        tool_text("class-weights", "W,..", &o->class_weights,
                  "balanced, or a number for each class"),
        tool_choice("standardise", "auto|none|x|targets|both", &o->standardise,
                    "to mean 0 and deviation 1 (x, and targets that are values)"),
        tool_text("columns", "NAMES", &o->columns,
                  "of a .csv: A,B or A-D or 2-; inputs (the rest)"),
        tool_text("target-columns", "NAMES", &o->target_columns, "of a .csv: targets"),
        tool_text("group", "NAME", &o->group, "of a .csv: its rows of one sequence agree there"),
        tool_flag("flatten", &o->flatten, "of a .csv: columns follow each other in time"),
        tool_u32("forecast", "H", &o->forecast, 1, "tell a series H steps before"),
        tool_u32("window", "W", &o->window, 1, "steps of a series that are looked at (24)"),
        tool_u32("season", "P", &o->season, 1, "steps of a season, for a baseline"),
        tool_choice("split", "auto|time|random", &o->split,
                    "what is held out (random; series: time)"),
        tool_real("test", "F", &o->test, 0, 0.999, "part of the data to test on at the end (0)"),
        tool_u64("epochs", "E", &o->epochs, "passes through the data, instead of --steps"),
        tool_u64("patience", "K", &o->patience, "end after K validations without a better one"),
        tool_u64("plateau", "K", &o->plateau, "lower the rate after K validations without ..."),
        tool_real("plateau-factor", "F", &o->plateau_factor, 1e-6, 0.999999, "... by this (0.5)"),
        tool_u32("seeds", "K", &o->seeds, 1, "train K times, from --seed on; keep the best (1)"),
        tool_text("model", "FILE", &o->model, "start from this model, graph or foreign model"),
        tool_text("output", "NAME", &o->output,
                  "of a graph: what is trained (logits, or its first)"),
        tool_many("freeze", "PREFIX", &o->freeze, "leave tensors so named as they are"),
        tool_flag("bidirectional", &o->bidirectional, "both directions"),
        tool_choice("act", "tanh|relu", &o->act, "RNN: its nonlinearity (tanh)"),
        tool_choice("task", "none|" DATA_TASKS, &o->task, "a task that is made up"),
        tool_u32("length", "T", &o->length, 2, "steps of a task (100)"),
        {0}};
    memcpy(end, options, sizeof options);
}

bool data_is_asked(const train_options *o)
{
    return o->data || o->task || tool_given(o->table, "task");
}

/* An option that is given though its way of training does not use it. */
static int refuse(const train_options *o, const char *const *names, const char *way)
{
    for (; *names; names++)
        if (tool_given(o->table, *names))
            return tool_error("train: --%s is not %s; leave it out", *names, way);
    return TOOL_OK;
}

static int check_task(const train_options *o)
{
    static const char *const others[] = {"data",          "targets",
                                         "lengths",       "mask",
                                         "parts",         "batch-first",
                                         "target-at",     "loss",
                                         "huber-delta",   "classes",
                                         "class-weights", "standardise",
                                         "columns",       "target-columns",
                                         "group",         "flatten",
                                         "forecast",      "window",
                                         "season",        "split",
                                         "test",          "epochs",
                                         "validation",    "pre-emphasis",
                                         "dc-weight",     NULL};
    if (!o->task)
        return tool_error("train: --task none: choose one of " DATA_TASKS);
    return refuse(o, others, "of a task");
}

/* Images: as data, of which it is known what it is. */
static int check_digits(const train_options *o)
{
    static const char *const others[] = {"length",         "lengths",      "mask",      "target-at",
                                         "loss",           "huber-delta",  "window",    "columns",
                                         "target-columns", "group",        "flatten",   "forecast",
                                         "season",         "pre-emphasis", "dc-weight", NULL};
    if (!o->data)
        return tool_error("train: --task %s: its images are not made up; add --data FILE, IDX with "
                          "--targets, or a .csv of a row of pixels and a label for each",
                          tool_word("none|" DATA_TASKS, o->task));
    return refuse(o, others, "of --task digits and permuted");
}

static int check_data(const train_options *o)
{
    static const char *const of_tasks[] = {"length", NULL};
    static const char *const of_series[] = {"season", NULL};
    static const char *const of_esr[] = {"pre-emphasis", "dc-weight", NULL};
    static const char *const of_steps[] = {"window", NULL};
    static const char *const not_of_series[] = {"lengths", "group", "parts", NULL};
    int code = refuse(o, of_tasks, "of data but of --task");
    if (!code && !o->forecast)
        code = refuse(o, of_series, "of data without --forecast");
    if (!code && !o->forecast && !data_is_sound(o->data))
        code = refuse(o, of_steps, "of data without --forecast, but of sounds");
    if (!code && o->loss - 1 != CLRNN_LOSS_ESR)
        code = refuse(o, of_esr, "of this loss; add --loss esr");
    if (!code && o->forecast)
        code = refuse(o, not_of_series, "of --forecast");
    return code;
}

static int check_both(const train_options *o)
{
    static const char *const of_texts[] = {"text", "binary", "seq", "embedding", NULL};
    int code = refuse(o, of_texts, "of --data or --task");
    if (!code)
        code = data_is_digits(o)                         ? check_digits(o)
               : o->task || tool_given(o->table, "task") ? check_task(o)
                                                         : check_data(o);
    if (code)
        return code;
    if (o->resume && o->model)
        return tool_error("train: --model starts a training, --resume goes on with one; leave one "
                          "out");
    if (o->output && !o->model && !o->resume)
        return tool_error("train: --output %s is of a graph; add --model FILE", o->output);
    if (o->seeds > 1 && o->resume)
        return tool_error("train: --resume goes on with one training; leave --seeds out");
    if (tool_given(o->table, "epochs") && !o->epochs)
        return tool_error("train: --epochs 0: must be 1 or more");
    if (o->epochs && tool_given(o->table, "steps"))
        return tool_error("train: --epochs and --steps both say how long; leave one out");
    if (tool_given(o->table, "act") && !tool_cell_has((clrnn_cell)o->cell, "act"))
        return tool_error("train: --act is not of this cell; add --cell rnn");
    return TOOL_OK;
}

int data_check_options(const train_options *o)
{
    static const char *const of_data[] = {"targets",        "lengths",
                                          "mask",           "parts",
                                          "batch-first",    "target-at",
                                          "loss",           "huber-delta",
                                          "classes",        "class-weights",
                                          "standardise",    "columns",
                                          "target-columns", "group",
                                          "flatten",        "forecast",
                                          "window",         "season",
                                          "split",          "test",
                                          "epochs",         "patience",
                                          "plateau",        "plateau-factor",
                                          "seeds",          "model",
                                          "output",         "freeze",
                                          "bidirectional",  "act",
                                          "length",         "pre-emphasis",
                                          "dc-weight",      NULL};
    return data_is_asked(o) ? check_both(o) : refuse(o, of_data, "of --text");
}

/* --- in checkpoints ------------------------------------------------------------------------- */

static const char *const remembered[] = {
    "batch",         "seed",         "steps",        "optimizer",      "lr",
    "schedule",      "warmup",       "step-every",   "step-factor",    "momentum",
    "weight-decay",  "clip",         "dropout",      "input-dropout",  "variational",
    "drop-connect",  "weight-noise", "validation",   "validate-every", "test",
    "split",         "target-at",    "loss",         "huber-delta",    "classes",
    "class-weights", "standardise",  "columns",      "target-columns", "group",
    "flatten",       "forecast",     "window",       "season",         "batch-first",
    "epochs",        "patience",     "plateau",      "plateau-factor", "task",
    "length",        "output",       "pre-emphasis", "dc-weight",      NULL};

/* Each of the prefixes that --freeze names. */
static void frozen_key(size_t index, char key[64])
{
    snprintf(key, 64, "clrnn.option.freeze.%zu", index);
}

int data_keep_options(const train_options *o, uint64_t validate_every, clrnn_tensors *set)
{
    clrnn_status status = CLRNN_OK;
    char every[32];
    snprintf(every, sizeof every, "%" PRIu64, validate_every); /* as it came out */
    for (size_t i = 0; remembered[i] && !status; i++)
        status = train_keep(o, remembered[i], set);
    if (!status)
        status = clrnn_tensors_set_metadata(set, TRAIN_OPTION "validate-every", every);
    for (size_t i = 0; i < o->freeze.count && !status; i++) {
        char key[64];
        frozen_key(i, key);
        status = clrnn_tensors_set_metadata(set, key, o->freeze.items[i]);
    }
    return status ? tool_failed(status) : TOOL_OK;
}

int data_take_options(const train_options *o, const clrnn_tensors *set, const char *path)
{
    int code = TOOL_OK;
    for (size_t i = 0; remembered[i] && !code; i++) {
        char key[64];
        snprintf(key, sizeof key, TRAIN_OPTION "%s", remembered[i]);
        if (strncmp(remembered[i], "step-", 5) == 0 && o->schedule != CLRNN_SCHEDULE_STEP)
            continue; /* another schedule has been asked for */
        code = tool_default(o->table, remembered[i], clrnn_tensors_metadata(set, key), path);
    }
    const char *prefix = "";
    for (size_t i = 0; prefix && !code; i++) {
        char key[64];
        frozen_key(i, key);
        prefix = clrnn_tensors_metadata(set, key);
        code = tool_default(o->table, "freeze", prefix, path);
    }
    return code;
}
