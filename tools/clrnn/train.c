/* SPDX-License-Identifier: MIT
 * train.c - `clrnn train`: a character model from text. Options, and what is said at the end. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "train_data.h"

static void print_start(const train_session *s)
{
    const clrnn_device_info *device = clrnn_context_device(s->context);
    const clrnn_model_desc *desc = clrnn_model_get_desc(s->model);
    char parameters[32], batches[32];
    uint32_t symbols;
    clrnn_text_vocabulary(s->text, &symbols);
    printf("device %u:%u  %s, %s, driver %s\n", device->platform_index, device->device_index,
           device->name, device->platform, device->driver);
    printf("model  %s, %u layer%s of %u, %s parameters\n",
           clrnn_cell_get_info(desc->network.cell)->name, desc->network.num_layers,
           desc->network.num_layers == 1 ? "" : "s", desc->network.hidden_size,
           tool_thousands(clrnn_model_parameter_count(s->model), parameters));
    printf("text   %u symbols, unigram %#.5g bpc, a pass is %s batches of %u x %u\n", symbols,
           clrnn_text_unigram_bits(s->text),
           tool_thousands(clrnn_text_batches(s->text, false), batches), s->batch, s->options->seq);
    if (s->first)
        printf("resume %s after step %" PRIu64 "\n", s->options->resume, s->first);
    fflush(stdout);
}

static int print_summary_json(const train_session *s)
{
    const clrnn_device_info *device = clrnn_context_device(s->context);
    const clrnn_network_desc *network = &clrnn_model_get_desc(s->model)->network;
    const uint64_t steps = clrnn_trainer_steps_done(s->trainer);
    cJSON *object = cJSON_CreateObject();
    cJSON_AddStringToObject(object, "device", device->name);
    cJSON_AddStringToObject(object, "driver", device->driver);
    cJSON_AddStringToObject(object, "cell", clrnn_cell_get_info(network->cell)->name);
    cJSON_AddNumberToObject(object, "hidden", network->hidden_size);
    cJSON_AddNumberToObject(object, "layers", network->num_layers);
    cJSON_AddNumberToObject(object, "parameters", (double)clrnn_model_parameter_count(s->model));
    cJSON_AddNumberToObject(object, "batch", s->batch);
    cJSON_AddNumberToObject(object, "seq", s->options->seq);
    cJSON_AddNumberToObject(object, "steps", (double)steps);
    cJSON_AddNumberToObject(object, "characters", (double)(steps * s->batch * s->options->seq));
    cJSON_AddNumberToObject(object, "seconds", s->csv.before + tool_seconds() - s->start);
    cJSON_AddNumberToObject(object, "characters_per_second", train_rate(s));
    cJSON_AddNumberToObject(object, "train_bpc", train_bits(s->loss));
    cJSON_AddNumberToObject(object, "validation_bpc", train_validation(s));
    cJSON_AddNumberToObject(object, "unigram_bpc", clrnn_text_unigram_bits(s->text));
    cJSON_AddBoolToObject(object, "interrupted", s->interrupted != 0);
    cJSON_AddStringToObject(object, "save", s->options->save);
    return tool_print_json(object, true);
}

static int print_summary(const train_session *s)
{
    char parameters[32], steps[32], rate[32], validation[48] = "";
    if (s->options->json)
        return print_summary_json(s);
    if (!isnan(train_validation(s)))
        snprintf(validation, sizeof validation, ", validation %#.5g bpc", train_validation(s));
    printf("%s parameters, %s steps, %s characters/s%s, unigram %#.5g bpc -> %s\n",
           tool_thousands(clrnn_model_parameter_count(s->model), parameters),
           tool_thousands(clrnn_trainer_steps_done(s->trainer), steps),
           tool_thousands((uint64_t)train_rate(s), rate), validation,
           clrnn_text_unigram_bits(s->text), s->options->save);
    return TOOL_OK;
}

/* An option of the cell must be one that it has; a resumed model is looked at when it is there. */
static int check_cell_option(const train_options *o, const char *name)
{
    const char *cell = clrnn_cell_get_info((clrnn_cell)o->cell)->name;
    if (o->resume || !tool_given(o->table, name) || tool_cell_has((clrnn_cell)o->cell, name))
        return TOOL_OK;
    for (int i = 0; clrnn_cell_get_info((clrnn_cell)i); i++)
        if (tool_cell_has((clrnn_cell)i, name))
            cell = clrnn_cell_get_info((clrnn_cell)i)->name;
    return tool_error("train: --%s is not of this cell; add --cell %s", name, cell);
}

static int check_options(const train_options *o)
{
    if (o->texts.count == 0 && !data_is_asked(o))
        return tool_error(
            "train: nothing to learn from; add --text FILE, --data FILE or --task NAME");
    if (!o->save)
        return tool_error("train: nowhere to keep the model; add --save FILE");
    int code = check_cell_option(o, "peepholes");
    if (!code)
        code = check_cell_option(o, "reset");
    if (!code)
        code = check_cell_option(o, "update");
    if (!code && !o->resume)
        code = train_check_used(o, o->layers); /* else once they are known */
    return code ? code : train_check_files(o);
}

static int work(const train_options *o, int argc, char **argv)
{
    train_session s;
    int code = train_open(o, &s);
    if (!code && !o->json)
        print_start(&s);
    if (!code)
        code = train_loop(&s);
    if (!code)
        code = print_summary(&s);
    if (!code && s.interrupted) {
        train_print_resume(o, clrnn_trainer_steps_done(s.trainer), argc, argv);
        code = TOOL_SIGNAL + s.interrupted;
    }
    train_close(&s);
    return code;
}

void train_table(train_options *o, tool_option options[TRAIN_TABLE])
{
    *o = (train_options){.hidden = 128,
                         .layers = 1,
                         .seq = 64,
                         .steps = 1000,
                         .log_every = 10,
                         .validate_every = 250,
                         .save_every = 500,
                         .lr = 0.002,
                         .clip = 1,
                         .validation = 0.1};
    const tool_option rows[] = {
        tool_many("text", "FILE", &o->texts, "text to learn; several are joined"),
        tool_flag("binary", &o->binary, "learn bytes of any kind, not text alone"),
        tool_text("save", "FILE", &o->save, "checkpoint to write, which is also the model"),
        tool_text("resume", "FILE", &o->resume, "checkpoint to continue from"),
        tool_flag("force", &o->force, "replace files of --save and --log that exist"),
        tool_text("log", "CSV", &o->log, "table of the training's course; continued on a resume"),
        tool_flag("json", &o->json, "print nothing but a summary, as JSON"),
        tool_choice("cell", tool_cells(), &o->cell, "(lstm)"),
        tool_u32("hidden", "H", &o->hidden, 1, "hidden units of a layer (128)"),
        tool_u32("layers", "L", &o->layers, 1, "layers (1)"),
        tool_u32("embedding", "E", &o->embedding, 0, "width of the embedding; 0: one-hot (0)"),
        tool_flag("peepholes", &o->peepholes, "LSTM: gates see the cell state"),
        tool_flag("layer-norm", &o->layer_norm, "layer norm within each step"),
        tool_text("zoneout", "P[,PC]", &o->zoneout,
                  "units of h (and of an LSTM's c) that a step leaves as they are (0)"),
        tool_real("recurrent-dropout", "P", &o->recurrent_dropout, 0, 0.999,
                  "of what recurrent weights multiply: a mask for all steps (0)"),
        tool_choice("reset", "before|after", &o->reset, "GRU: reset gate and product (before)"),
        tool_choice("update", "replaces|keeps", &o->update, "GRU: an open update gate (replaces)"),
        tool_u32("batch", "N", &o->batch, 1, "sequences side by side (32, fewer for a short text)"),
        tool_u32("seq", "T", &o->seq, 1, "characters that gradients flow through (64)"),
        tool_u64("steps", "K", &o->steps, "steps in all, those before a resume too (1000)"),
        tool_u64("seconds", "S", &o->seconds, "end after S seconds, if that comes first"),
        tool_choice("optimizer", TRAIN_OPTIMIZERS, &o->optimizer, "(adam)"),
        tool_real("lr", "R", &o->lr, 1e-30, 1e38, "learning rate (0.002)"),
        tool_choice("schedule", TRAIN_SCHEDULES, &o->schedule, "of the learning rate (constant)"),
        tool_u64("warmup", "W", &o->warmup, "steps over which the rate rises from 0 (0)"),
        tool_u64("step-every", "K", &o->step_every, "step: steps between falls of the rate"),
        tool_real("step-factor", "F", &o->step_factor, 0, 0.999999, "step: times this (0.1)"),
        tool_choice("init", TRAIN_INITS, &o->init, "how fresh weights are drawn (auto)"),
        tool_u32("longest-lag", "T", &o->longest_lag, 2, "chrono: steps that memories last"),
        tool_real("forget-bias", "B", &o->forget_bias, -1e6, 1e6,
                  "LSTM: of a fresh forget gate (1)"),
        tool_real("update-bias", "B", &o->update_bias, -1e6, 1e6,
                  "GRU: of a fresh update gate, for what there was (1)"),
        tool_real("momentum", "M", &o->momentum, 0, 0.999999, "of sgd (0)"),
        tool_real("weight-decay", "D", &o->weight_decay, 0, 1e6, "of adamw (0)"),
        tool_real("clip", "C", &o->clip, 0, 1e30, "largest norm of the gradient; 0: any (1)"),
        tool_real("dropout", "P", &o->dropout, 0, 0.999, "between layers (0)"),
        tool_real("input-dropout", "P", &o->input_dropout, 0, 0.999,
                  "of what the network reads (0)"),
        tool_flag("variational", &o->variational, "dropout: one mask for all steps of a sequence"),
        tool_real("drop-connect", "P", &o->drop_connect, 0, 0.999,
                  "of recurrent weights, anew for each step of training (0)"),
        tool_real("weight-noise", "S", &o->weight_noise, 0, 1e6,
                  "deviation of noise on weights, anew for each step of training (0)"),
        tool_real("validation", "F", &o->validation, 0, 0.999, "part of the text held out (0.1)"),
        tool_u64("validate-every", "K", &o->validate_every, "steps between validations (250)"),
        tool_u64("log-every", "K", &o->log_every, "steps between rows of the log (10)"),
        tool_u64("save-every", "K", &o->save_every,
                 "steps between checkpoints; 0: at the end (500)"),
        tool_u64("seed", "S", &o->seed, "of first weights, dropout and noise (0)"),
        tool_choice("strategy", TOOL_STRATEGIES, &o->strategy, "how time is scanned (auto)"),
        tool_device(&o->selector)};
    const size_t count = sizeof rows / sizeof *rows;
    memset(options, 0, TRAIN_TABLE * sizeof *options);
    memcpy(options, rows, sizeof rows);
    data_add_options(options + count, o);
}

static int run(int argc, char **argv)
{
    train_options o;
    tool_option options[TRAIN_TABLE];
    train_table(&o, options);
    o.table = options;
    int code = tool_parse(&tool_train, argc, argv, options, NULL);
    if (code == TOOL_CONTINUE) {
        code = check_options(&o);
        if (!code)
            code = data_check_options(&o);
        if (!code)
            code = data_is_asked(&o) ? data_train(&o, argc, argv) : work(&o, argc, argv);
    }
    tool_list_free(&o.texts);
    tool_list_free(&o.freeze);
    return code;
}

const tool_command tool_train = {
    "train", "--text FILE... | --data FILE | --task NAME  --save FILE [OPTION]...",
    "train a model on text, on arrays, or on a task",
    "--text: a character model. Each byte that occurs is a symbol. Ctrl-C ends in order: the "
    "checkpoint is saved, and the\n"
    "command that continues is printed; a second one ends at once. So do SIGTERM and SIGHUP, and "
    "a\n"
    "reader of the output that goes away; what was ignored at the start (nohup) stays ignored.\n"
    "A resumed training takes over the model and all options not given but the text's; with the\n"
    "same text it ends with the same bits as one that was not interrupted. A loss or gradient "
    "that\n"
    "is not finite ends the training before anything is saved. bpc: bits for each character.\n"
    "--data: x [T,N,I] in .npy, .npz, .safetensors; a table in .csv; labelled sequences in .json;\n"
    "images in IDX. Targets are classes (integers: cross_entropy) or values (mean_squared), one "
    "for\n"
    "each sequence or for each step; NaN, a negative class or --mask: missing. --forecast H "
    "learns\n"
    "what a series will be H steps later. The best model by validation is saved, and where the\n"
    "training stood, so --resume ends with the same bits. --task: what is made up to see what a "
    "cell\n"
    "remembers. clrnn predict uses the model.\n"
    "Columns of the log of a text: step, characters, seconds, loss_nats, train_bpc, validation_bpc "
    "(empty\n"
    "where not measured), learning_rate, gradient_norm (before clipping).\n"
    "Exit: 0 done, 1 not finite, 2 bad use or bad input, 3 no device; saved, but ended by a "
    "signal\n"
    "before the last step: 130 Ctrl-C (SIGINT), 143 SIGTERM, 129 SIGHUP, 141 SIGPIPE.\n",
    run};
