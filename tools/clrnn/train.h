/* SPDX-License-Identifier: MIT
 * train.h - the parts of `clrnn train`. T steps of a sequence, N sequences. */
#ifndef TOOL_TRAIN_H
#define TOOL_TRAIN_H

#include <stdio.h>

#include "tool.h"

#define TRAIN_OPTIMIZERS "adam|adamw|sgd|rmsprop" /* as clrnn_optimizer counts them */

/* What the command line asks for. */
typedef struct train_options {
    tool_list texts;
    const char *save, *resume, *log, *selector;
    int cell, reset, update, optimizer, schedule, strategy; /* values of the library's enums */
    uint32_t hidden, layers, embedding;
    uint32_t batch; /* N; 0 = what suits the text */
    uint32_t seq;   /* T */
    uint64_t steps, seconds, seed, warmup;
    uint64_t log_every, validate_every, save_every;
    double input_dropout, drop_connect, weight_noise;
    double lr, clip, dropout, momentum, weight_decay, validation;
    bool json, force, binary, peepholes, layer_norm, variational;
    const char *zoneout; /* P or P,PC */
    double recurrent_dropout;
    /* How fresh weights are drawn. */
    int init;
    uint32_t longest_lag;
    double forget_bias, update_bias;
    uint64_t step_every; /* of schedules */
    double step_factor;
    /* Of data and tasks: train_data.h. */
    const char *data, *targets, *lengths, *mask, *parts, *columns, *target_columns, *group;
    const char *model, *output, *class_weights;
    tool_list freeze;
    int task, loss, target_at, standardise, split, act;
    uint32_t length, forecast, window, season, classes, seeds;
    uint64_t epochs, patience, plateau;
    double plateau_factor, test, huber_delta, pre_emphasis, dc_weight;
    bool batch_first, flatten, bidirectional;
    const tool_option *table; /* to ask which were given, and to fill in those that were not */
} train_options;

enum { TRAIN_TABLE = 100 };

/** --zoneout and --recurrent-dropout for a fresh network; and whether they say anything else than a
 *  network has. Returns TOOL_OK, or TOOL_USAGE after a line. */
int train_regular(const train_options *options, clrnn_network_desc *network);
bool train_regular_differs(const train_options *options, const clrnn_network_desc *network);

/** The defaults, and the table of all options; it ends with a zeroed one. */
void train_table(train_options *options, tool_option table[TRAIN_TABLE]);

/* The CSV log. */
typedef struct train_csv {
    FILE *file;    /* NULL = no log */
    double before; /* seconds that earlier runs took */
    bool failed;   /* a row could not be written */
    const char *path;
} train_csv;

/* A training under way. */
typedef struct train_session {
    const train_options *options;
    clrnn_context *context;
    clrnn_model *model;
    clrnn_text *text;
    clrnn_trainer *trainer;
    uint32_t batch;         /* N */
    int32_t *ids, *targets; /* [T,N] */
    train_csv csv;
    uint64_t first;       /* steps done before this run */
    double start;         /* when it began, of tool_seconds */
    uint64_t timed_first; /* speed is measured after this step, the first, which builds kernels, */
    double timed_start;   /* from here */
    double paused;        /* seconds since then that were spent on validation and saving */
    double loss;          /* the last one read, nats; NaN = none yet */
    double loss_sum;      /* of those read since the last line of results */
    unsigned loss_count;
    double rate;       /* of learning, in the last step */
    double validation; /* after step `validated`, bits for each character; NaN = none yet */
    uint64_t validated;
    int interrupted; /* by the signal of this number; 0 = not */
} train_session;

#define TRAIN_SCHEDULES "constant|cosine|step|one_cycle" /* as clrnn_schedule counts them */
#define TRAIN_INITS     "auto|orthogonal|pytorch|keras|chrono|irnn" /* as clrnn_init_kind */

/** What the command line says of fresh weights, for this cell. Returns TOOL_OK or TOOL_BAD_USE. */
int train_init(const train_options *options, clrnn_init_desc *init);

/** Let signals end a training in order; the number of the one that came, or 0. To be called before
 *  each step. */
void train_catch_signals(void);
int train_signal(void);

/** Keep an option in a checkpoint's metadata, TRAIN_OPTION and its name, as tool_default takes it.
 *  One that is not set is left out. */
#define TRAIN_OPTION "clrnn.option."
clrnn_status train_keep(const train_options *options, const char *name, clrnn_tensors *set);

/** Tell the command that continues, on stderr. */
void train_print_resume(const train_options *options, uint64_t steps, int argc, char **argv);

/** What the options say of optimiser, schedule and seed; sizes, loss and steps are left at 0. */
clrnn_trainer_desc train_describe(const train_options *options);

/** That no option is given which the optimiser, or a model of so many layers, does not use. Returns
 *  an exit code. */
int train_check_used(const train_options *options, uint32_t layers);

/** Look at the files before anything is opened: that all can be written, and that nothing is lost
 *  that was not meant. Returns TOOL_OK or TOOL_BAD_USE. */
int train_check_files(const train_options *options);

/** See that the bytes of a file [size] are not plainly something else than text. Returns TOOL_OK or
 *  TOOL_BAD_USE. */
int train_check_text(const char *path, const char *data, size_t size);

/** Open everything. Returns an exit code; train_close in any case. */
int train_open(const train_options *options, train_session *session);
void train_close(train_session *session);

/** Train to the end, to the time limit or to a signal, then save. Returns an exit code; TOOL_FAILED
 *  with nothing saved if a loss or gradient is not finite. */
int train_loop(train_session *session);

/** Characters for each second of training in this run. */
double train_rate(const train_session *session);

/** Bits for each character of the held-out text after the last step; NaN = not measured. */
double train_validation(const train_session *session);

/** Begin the log, or continue it after `step`: rows of later steps, of a run whose checkpoint was
 *  not reached, are removed. path: NULL = no log. Returns TOOL_OK or TOOL_BAD_USE. */
int train_csv_open(train_csv *csv, const char *path, bool resume, uint64_t step);

/** Nats to bits. */
double train_bits(double nats);

/** validation: NaN = not measured. Returns TOOL_OK or TOOL_BAD_USE. */
int train_csv_row(train_csv *csv, uint64_t step, uint64_t characters, double seconds, double loss,
                  double validation, double learning_rate, double gradient_norm);

#endif
