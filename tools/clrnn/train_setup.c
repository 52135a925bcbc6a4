/* SPDX-License-Identifier: MIT
 * train_setup.c - text, model, trainer and log of `clrnn train`. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "system.h"
#include "train.h"

#define USUAL_BATCH 32

/* All texts, one after the other. */
typedef struct bytes {
    char *data; /* owned */
    size_t size, room;
} bytes;

static int append_file(bytes *all, const char *path)
{
    FILE *file = system_open(path, "rb");
    if (!file)
        return tool_error("train: --text %s: cannot open it: %s", path, strerror(errno));
    int code = TOOL_OK;
    for (size_t got = 1; got > 0 && !code;) {
        if (all->room - all->size < 65536) {
            size_t room = all->room * 2 + 65536;
            char *data = realloc(all->data, room);
            if (!data) {
                code = tool_no_memory();
                break;
            }
            all->data = data;
            all->room = room;
        }
        errno = 0;
        got = fread(all->data + all->size, 1, all->room - all->size, file);
        all->size += got;
        if (ferror(file))
            code = tool_error("train: --text %s: cannot read it: %s", path, strerror(errno));
    }
    fclose(file);
    return code;
}

/* N if the command line does not say: the usual one, or fewer if the text is too short for that. */
static uint32_t choose_batch(const train_options *o, size_t size)
{
    double held_out = floor((double)size * o->validation);
    double smaller = held_out > 0 ? fmin(held_out, (double)size - held_out) : (double)size;
    double fits = floor(smaller / ((double)o->seq + 1));
    return fits >= USUAL_BATCH ? USUAL_BATCH : fits >= 1 ? (uint32_t)fits : 1;
}

static int read_texts(const train_options *o, bytes *all)
{
    int code = TOOL_OK;
    for (size_t i = 0; i < o->texts.count && !code; i++) {
        size_t before = all->size;
        code = append_file(all, o->texts.items[i]);
        if (!code && !o->binary)
            code = train_check_text(o->texts.items[i], all->data + before, all->size - before);
    }
    return code;
}

static int make_text(train_session *s, const bytes *all)
{
    const train_options *o = s->options;
    s->batch = o->batch ? o->batch : choose_batch(o, all->size);
    clrnn_text_desc desc = {.steps = o->seq, .batch = s->batch, .validation = o->validation};
    if (s->model) {
        desc.vocabulary = clrnn_model_get_desc(s->model)->vocabulary;
        desc.vocabulary_size = clrnn_model_get_desc(s->model)->vocabulary_size;
    }
    clrnn_status status = clrnn_text_create(all->data, all->size, &desc, tool_log(), &s->text);
    return status ? tool_failed(status) : TOOL_OK;
}

int train_regular(const train_options *o, clrnn_network_desc *n)
{
    const char *text = o->zoneout ? o->zoneout : "0";
    char *end = NULL;
    const double p = strtod(text, &end), cell = *end == ',' ? strtod(end + 1, &end) : 0;
    if (end == text || *end || end[-1] == ',' || !(p >= 0 && p < 1 && cell >= 0 && cell < 1))
        return tool_error("train: --zoneout %s: must be P or P,PC, numbers from 0 on and below 1",
                          text);
    if (cell > 0 && !tool_cell_has(n->cell, "zoneout_cell"))
        return tool_error("train: --zoneout %s: PC is of the LSTM's cell state; leave it out",
                          text);
    n->zoneout = (float)p;
    n->zoneout_cell = (float)cell;
    n->recurrent_dropout = (float)o->recurrent_dropout;
    return TOOL_OK;
}

bool train_regular_differs(const train_options *o, const clrnn_network_desc *n)
{
    clrnn_network_desc asked = {.cell = n->cell};
    if (train_regular(o, &asked))
        return true;
    return (o->zoneout && (asked.zoneout != n->zoneout || asked.zoneout_cell != n->zoneout_cell)) ||
           (tool_given(o->table, "recurrent-dropout") &&
            asked.recurrent_dropout != n->recurrent_dropout);
}

/* A new model for the symbols of the text. */
static int make_model(train_session *s)
{
    const train_options *o = s->options;
    clrnn_model_desc desc = {.network = {.cell = (clrnn_cell)o->cell,
                                         .hidden_size = o->hidden,
                                         .num_layers = o->layers,
                                         .gru_reset = (clrnn_gru_reset)o->reset,
                                         .gru_update = (clrnn_gru_update)o->update,
                                         .peepholes = o->peepholes,
                                         .layer_norm = o->layer_norm}};
    desc.vocabulary = clrnn_text_vocabulary(s->text, &desc.vocabulary_size);
    desc.output_size = desc.vocabulary_size;
    desc.input = o->embedding ? CLRNN_INPUT_EMBEDDING : CLRNN_INPUT_ONE_HOT;
    desc.network.input_size = o->embedding ? o->embedding : desc.vocabulary_size;
    int code = train_init(o, &desc.init);
    if (!code)
        code = train_regular(o, &desc.network);
    if (code)
        return code;
    clrnn_status status = clrnn_model_create(s->context, &desc, o->seed, &s->model);
    return status ? tool_failed(status) : TOOL_OK;
}

static int differs(const train_options *o, const char *name, uint32_t asked, uint32_t found)
{
    if (!tool_given(o->table, name) || asked == found)
        return TOOL_OK;
    return tool_error("train: --%s %u: the checkpoint %s has %u; leave the option out", name, asked,
                      o->resume, found);
}

/* What is said about the model must agree with the checkpoint. */
static int check_model(const train_session *s)
{
    const train_options *o = s->options;
    const clrnn_model_desc *desc = clrnn_model_get_desc(s->model);
    const clrnn_network_desc *network = &desc->network;
    if (desc->input == CLRNN_INPUT_DENSE || !desc->vocabulary ||
        desc->output_size != desc->vocabulary_size || network->bidirectional)
        return tool_error("train: --resume %s: not a character model that clrnn train has saved",
                          o->resume);
    if ((tool_given(o->table, "cell") && (int)network->cell != o->cell) ||
        (tool_given(o->table, "reset") && (int)network->gru_reset != o->reset) ||
        (tool_given(o->table, "update") && (int)network->gru_update != o->update) ||
        (o->peepholes && !network->peepholes) || (o->layer_norm && !network->layer_norm) ||
        train_regular_differs(o, network))
        return tool_error(
            "train: --resume %s: the checkpoint has another cell than --cell, --reset, --update, "
            "--peepholes, --layer-norm, --zoneout or --recurrent-dropout say; leave them out",
            o->resume);
    int code = differs(o, "hidden", o->hidden, network->hidden_size);
    if (!code)
        code = differs(o, "layers", o->layers, network->num_layers);
    if (!code)
        code = differs(o, "embedding", o->embedding,
                       desc->input == CLRNN_INPUT_EMBEDDING ? network->input_size : 0);
    return code;
}

int train_check_used(const train_options *o, uint32_t layers)
{
    const char *optimizer = tool_word(TRAIN_OPTIMIZERS, o->optimizer);
    if (o->momentum > 0 && o->optimizer != CLRNN_SGD)
        return tool_error("train: --momentum %g: %s does not use it, only --optimizer sgd does",
                          o->momentum, optimizer);
    if (o->weight_decay > 0 && o->optimizer != CLRNN_ADAMW)
        return tool_error("train: --weight-decay %g: %s does not use it, only --optimizer adamw "
                          "does",
                          o->weight_decay, optimizer);
    if (o->dropout > 0 && layers < 2)
        return tool_error("train: --dropout %g: it acts between layers, and there is one; it needs "
                          "--layers 2 or more",
                          o->dropout);
    if (o->variational && !(o->dropout > 0 || o->input_dropout > 0))
        return tool_error(
            "train: --variational: it says how --dropout and --input-dropout draw; add "
            "one of them");
    return TOOL_OK;
}

clrnn_status train_keep(const train_options *o, const char *name, clrnn_tensors *set)
{
    char key[64], text[64];
    snprintf(key, sizeof key, TRAIN_OPTION "%s", name);
    const char *value = tool_value(o->table, name, text);
    return *value ? clrnn_tensors_set_metadata(set, key, value) : CLRNN_OK;
}

/* What the command line leaves open is as it was; a checkpoint may still have a number in what was
 * not used. */
static int take_options(const train_options *o, const clrnn_tensors *checkpoint, uint32_t layers)
{
    static const char *const names[][2] = {{"batch", "clrnn.train.max_batch"},
                                           {"seq", "clrnn.train.max_steps"},
                                           {"seed", "clrnn.train.seed"},
                                           {"optimizer", "clrnn.train.optimizer"},
                                           {"lr", "clrnn.train.learning_rate"},
                                           {"schedule", "clrnn.train.schedule"},
                                           {"warmup", "clrnn.train.warmup_steps"},
                                           {"step-every", "clrnn.train.step_every"},
                                           {"step-factor", "clrnn.train.step_factor"},
                                           {"momentum", "clrnn.train.momentum"},
                                           {"weight-decay", "clrnn.train.weight_decay"},
                                           {"clip", "clrnn.train.clip"},
                                           {"dropout", "clrnn.train.dropout"},
                                           {"input-dropout", "clrnn.train.input_dropout"},
                                           {"variational", "clrnn.train.variational"},
                                           {"drop-connect", "clrnn.train.drop_connect"},
                                           {"weight-noise", "clrnn.train.weight_noise"},
                                           {"steps", TRAIN_OPTION "steps"},
                                           {"validation", TRAIN_OPTION "validation"}};
    int code = TOOL_OK;
    for (size_t i = 0; i < sizeof names / sizeof names[0] && !code; i++) {
        const char *name = names[i][0];
        bool unused = strcmp(name, "momentum") == 0       ? o->optimizer != CLRNN_SGD
                      : strcmp(name, "weight-decay") == 0 ? o->optimizer != CLRNN_ADAMW
                      : strncmp(name, "step-", 5) == 0    ? o->schedule != CLRNN_SCHEDULE_STEP
                      : strcmp(name, "dropout") == 0      ? layers < 2
                                                          : false;
        if (!unused)
            code = tool_default(o->table, name, clrnn_tensors_metadata(checkpoint, names[i][1]),
                                o->resume);
    }
    const char *total = clrnn_tensors_metadata(checkpoint, "clrnn.train.total_steps");
    if (!code && (o->schedule == CLRNN_SCHEDULE_COSINE || o->schedule == CLRNN_SCHEDULE_ONE_CYCLE))
        code = tool_default(o->table, "steps", total, o->resume);
    return code;
}

static uint32_t layers_of(const train_session *s)
{
    return clrnn_model_get_desc(s->model)->network.num_layers;
}

static int load_checkpoint(train_session *s)
{
    clrnn_tensors *checkpoint;
    clrnn_status status = clrnn_tensors_load(s->options->resume, tool_log(), &checkpoint);
    if (!status && !clrnn_tensors_metadata(checkpoint, "clrnn.train.step")) {
        clrnn_tensors_destroy(&checkpoint);
        return tool_error("train: --resume %s: not a checkpoint that clrnn train has saved; "
                          "clrnn info tells what it is",
                          s->options->resume);
    }
    if (!status)
        status = clrnn_model_from_tensors(s->context, checkpoint, CLRNN_F32, &s->model);
    int code = status ? tool_failed(status) : check_model(s);
    if (!code)
        code = take_options(s->options, checkpoint, layers_of(s));
    if (!code)
        code = train_check_used(s->options, layers_of(s));
    clrnn_tensors_destroy(&checkpoint);
    return code;
}

clrnn_trainer_desc train_describe(const train_options *o)
{
    return (clrnn_trainer_desc){.optimizer = (clrnn_optimizer)o->optimizer,
                                .learning_rate = o->lr,
                                .momentum = o->momentum,
                                .weight_decay = o->weight_decay,
                                .clip = o->clip,
                                .dropout = (float)o->dropout,
                                .input_dropout = (float)o->input_dropout,
                                .variational = o->variational,
                                .drop_connect = (float)o->drop_connect,
                                .weight_noise = o->weight_noise,
                                .schedule = (clrnn_schedule)o->schedule,
                                .warmup_steps = o->warmup,
                                .step_every = o->step_every,
                                .step_factor = o->step_factor,
                                .seed = o->seed};
}

static int make_trainer(train_session *s)
{
    const train_options *o = s->options;
    clrnn_trainer_desc desc = train_describe(o);
    desc.max_steps = o->seq;
    desc.max_batch = s->batch;
    desc.carry_state = true;
    if (o->schedule == CLRNN_SCHEDULE_COSINE || o->schedule == CLRNN_SCHEDULE_ONE_CYCLE)
        desc.total_steps = o->steps;
    clrnn_status status = clrnn_model_set_strategy(s->model, (clrnn_strategy)o->strategy);
    if (!status)
        status = clrnn_trainer_create(s->model, &desc, &s->trainer);
    if (!status && o->resume)
        status = clrnn_trainer_resume(s->trainer, o->resume);
    return status ? tool_failed(status) : TOOL_OK;
}

int train_open(const train_options *options, train_session *s)
{
    bytes all = {0};
    *s = (train_session){.options = options, .loss = NAN, .validation = NAN};
    int code = read_texts(options, &all);
    if (!code)
        code = tool_open(options->selector, &s->context);
    if (!code && options->resume)
        code = load_checkpoint(s);
    if (!code)
        code = make_text(s, &all);
    free(all.data);
    if (!code && !options->resume)
        code = make_model(s);
    if (!code)
        code = make_trainer(s);
    if (code)
        return code;
    s->ids = calloc((size_t)options->seq * s->batch, sizeof *s->ids);
    s->targets = calloc((size_t)options->seq * s->batch, sizeof *s->targets);
    if (!s->ids || !s->targets)
        return tool_no_memory();
    s->first = clrnn_trainer_steps_done(s->trainer);
    return train_csv_open(&s->csv, options->log, options->resume != NULL, s->first);
}

void train_close(train_session *s)
{
    if (s->csv.file)
        fclose(s->csv.file);
    clrnn_trainer_destroy(&s->trainer);
    clrnn_text_destroy(&s->text);
    clrnn_model_destroy(&s->model);
    clrnn_context_destroy(&s->context);
    free(s->ids);
    free(s->targets);
}
