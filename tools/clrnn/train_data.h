/* SPDX-License-Identifier: MIT
 * train_data.h - the parts of `clrnn train --data` and `--task`, and of `clrnn predict`. */
#ifndef TOOL_TRAIN_DATA_H
#define TOOL_TRAIN_DATA_H

#include "train.h"

/* As clrnn_task counts them; and of images, which --data names. */
#define DATA_TASKS "adding|copy|recall|parity|brackets|digits|permuted"
enum { DATA_DIGITS = 2 + CLRNN_TASK_BRACKETS, DATA_PERMUTED }; /* values of --task */
/* As clrnn_loss counts them. */
#define DATA_LOSSES "cross_entropy|mean_squared|mean_absolute|huber|binary|gaussian|esr|ctc"
#define DATA_KEY    "clrnn.data." /* begins what a file says of the data that its model is for */

/* Arrays of one data set, read and shaped. */
typedef struct data_arrays {
    clrnn_tensors *sets[8]; /* owned */
    size_t set_count;
    const clrnn_tensor *x, *targets, *lengths, *mask, *parts; /* in the sets; NULL = none */
    bool batch_first, series; /* the shape of x: [N,T,I]; [S,I], to be cut into windows */
    uint32_t rate;            /* frames of sounds a second; 0: none has been read */
    bool rolls;               /* notes of a piano: targets are labels, x needs no scale */
    char columns[2000];       /* names of the inputs, or "" */
    char classes[2000];       /* names of the classes between commas, or "" */
    uint32_t class_count;     /* of a model's that is gone on with; 0: those that occur */
} data_arrays;

/* What is asked of the files, by train and by predict. */
typedef struct data_files {
    const char *command; /* "train", for messages */
    const char *data, *targets, *lengths, *mask, *parts;
    const char *columns, *target_columns, *group;
    uint32_t window; /* of sounds: steps of a sequence; 0 = all are one */
    bool batch_first, flatten, series;
    bool last;       /* of a .csv: only targets at the end of a group count */
    bool digits;     /* rows of a .csv are images, a pixel a step, with a label */
    uint32_t pixels; /* of them; 0 = what there is besides a label */
} data_files;

/** Read and shape the arrays. Returns TOOL_OK or TOOL_BAD_USE; data_free in any case. */
int data_read(const data_files *files, data_arrays *arrays);

/* What the options of `command` name; nothing without --data. */
int data_read_options(const char *command, const train_options *o, data_arrays *arrays);
void data_free(data_arrays *arrays);

/** A JSON file of sequences, {"train":[{"label":..,"x":[[..],..]},..],"test":[..]}, as tensors x
 *  [N,T,I], targets, lengths, parts and the names of the classes. Returns TOOL_OK or TOOL_BAD_USE.
 */
int data_read_json(const char *command, const char *path, clrnn_tensors **set, char classes[2000]);

/** The target column of a table whose classes are words, as numbers from 0 on, and their names.
 * *set NULL: it is none, and is to be read as numbers. Returns TOOL_OK or TOOL_BAD_USE. */
int data_read_words(const data_files *files, clrnn_tensors **set, char classes[2000]);

/** Number the classes that have names as a model does that is gone on with (NULL: none). Returns
 *  TOOL_OK or TOOL_BAD_USE. */
int data_match_classes(const train_options *o, data_arrays *arrays, const clrnn_tensors *model);

/** Images and labels in IDX files (LeCun et al. 1998) as tensors x [N,T,1], a pixel a step, and
 *  targets [N]. labels: NULL = none. Returns TOOL_OK or TOOL_BAD_USE. */
int data_read_idx(const char *command, const char *path, const char *labels, clrnn_tensors **set);

/* What a model of ctc tells: probabilities [N,T,O], NaN past lengths. */
typedef struct predict_told {
    const double *told;
    const clrnn_data_info *info;
    uint32_t outputs, beam; /* beam: 0 = the best path */
} predict_told;

/** The labels of each sequence to a .npy, [N,S] padded with -1, or a .csv. Returns TOOL_OK or
 *  TOOL_BAD_USE. */
int predict_labels(const predict_told *p, const char *path);

/** A sound as x [N,T,channels], N parts of `window` frames, without the rest that fills none;
 * window 0: N = 1. rate: in, frames a second that it must have, 0 = any; out, those it has. Returns
 * TOOL_OK or TOOL_BAD_USE. */
int data_read_sound(const char *command, const char *path, const char *name, uint32_t window,
                    uint32_t *rate, clrnn_tensors **set);

/** Whether a file's name ends as that of a sound does. */
bool data_is_sound(const char *path);

/** Piano rolls as in JSB_Chorales.json, {"train": [[[60,64],..],..], "valid": .., "test": ..}: the
 *  notes of each step, as x [N,T,88], a 1 for each key of a piano, and targets the same a step
 *  later; lengths and parts. Returns TOOL_OK or TOOL_BAD_USE. */
int data_read_rolls(const char *command, const char *path, const cJSON *root, clrnn_tensors **set);

/** Whether a JSON file's sequences are lists of notes. */
bool data_is_rolls(const cJSON *root);

/** Sequences as the arrays of a set: x of the shape [N,T,I], targets [N] (target_rank 1) or as x
 * (3), lengths and parts [N]. Returns: as clrnn_tensors_add. */
clrnn_status data_add_sequences(clrnn_tensors *set, const uint64_t shape[3], uint32_t target_rank,
                                const double *x, const double *targets, const double *lengths,
                                const double *parts);

/** Images as rows of a .csv, as x [N,T,1] and targets [N]: the label is the column called label,
 *  target, class or digit, else the last one. With --targets all columns are pixels. Returns
 * TOOL_OK or TOOL_BAD_USE. */
int data_read_digits(const data_files *files, clrnn_tensors **set);

/** Whether a task is of images. */
static inline bool data_is_digits(const train_options *o)
{
    return o->task == DATA_DIGITS || o->task == DATA_PERMUTED;
}

/** Whether a file begins as an IDX file does. */
bool data_is_idx(const char *path);

/* One training. */
typedef struct data_session {
    const train_options *o;
    clrnn_context *context;
    clrnn_model *model; /* or */
    clrnn_graph *graph;
    clrnn_graph_plan *plan; /* of it, that validates */
    const char *output;     /* of it, what is trained */
    clrnn_data *data;
    clrnn_trainer *trainer;
    const clrnn_data_info *info;
    data_arrays *arrays;
    clrnn_tensors *checkpoint; /* of --resume or --model; NULL = none */
    uint64_t seed;
    uint64_t steps, validate_every; /* as they came out */
    size_t parameters;              /* of the model */
    float *best;                    /* [parameters] after the best validation */
    double best_loss;               /* of it; NaN = none yet */
    uint64_t best_step;
    uint64_t idle,
        idle_rate;          /* validations without a better one: in all, and since the rate fell */
    double rate;            /* what the schedule multiplies */
    bool stopped;           /* early */
    clrnn_score validation; /* the last one */
    double start, loss, loss_sum;
    unsigned loss_count;
    uint64_t first;
    FILE *log;
    double log_before; /* seconds that earlier runs took */
    bool log_failed;   /* a row could not be written */
    int interrupted;
    clrnn_score test, baseline, last_value, seasonal; /* of the test part, else of validation */
} data_session;

/** Add the options of data and tasks to a table that ends there. */
void data_add_options(tool_option *end, train_options *o);

/** Whether the command line asks for data or a task; that no option is given that its way does not
 *  use. Returns TOOL_OK or TOOL_BAD_USE. */
bool data_is_asked(const train_options *o);
int data_check_options(const train_options *o);

/** Train on data or a task. Returns the exit code. */
int data_train(train_options *o, int argc, char **argv);

/** Open all for one training, from `seed`. Returns an exit code; data_close in any case. */
int data_open(data_session *s, clrnn_context *context, const train_options *o, uint64_t seed,
              data_arrays *arrays, clrnn_tensors *checkpoint);
void data_close(data_session *s);

/** Make the model that the options describe, or load the one, or the graph, that they name; check
 * it against data and options. Return an exit code. */
int data_make_model(data_session *s);
int data_load_model(data_session *s);

/** How well it does as it is now. Returns: as clrnn_data_score */
clrnn_status data_score(data_session *s, clrnn_part part, clrnn_score *score);

/** "gru, 1 layer of 32". */
const char *data_describe_model(const data_session *s, char text[100]);

/** The options that a checkpoint remembers, to and from it. Return an exit code. */
int data_keep_options(const train_options *o, uint64_t validate_every, clrnn_tensors *set);
int data_take_options(const train_options *o, const clrnn_tensors *set, const char *path);

/** Train until the end, early or not, or a signal. Returns an exit code. */
int data_loop(data_session *s);

/** Write the checkpoint: the best model so far, and what is needed to go on. Returns an exit code.
 */
int data_save(data_session *s);

/** Take over where a checkpoint's training stood. Returns an exit code. */
int data_resume(data_session *s);

/** What is told at the start, at a validation, at the end. */
void data_print_start(const data_session *s);
void data_print_score(const data_session *s, const char *name, const clrnn_score *score);
int data_finish(data_session *s);
void data_show_progress(const data_session *s);
cJSON *data_summary(const data_session *s);

/** One line of a score: "loss 0.1 accuracy 0.9". */
const char *data_score_text(const clrnn_score *score, char text[160]);

/** The log. Return TOOL_OK or TOOL_BAD_USE. */
int data_log_open(data_session *s);
int data_log_row(data_session *s, double rate, double norm, bool validated);

#endif
