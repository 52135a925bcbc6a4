/* SPDX-License-Identifier: MIT
 * compare.h - the parts of `clrnn compare`: cells trained alike, and what came of it. */
#ifndef TOOL_COMPARE_H
#define TOOL_COMPARE_H

#include "inspect.h"
#include "train_data.h"

#define COMPARE_CELLS 4
#define COMPARE_LAGS  8

/* A cell in the form that takes part. */
typedef struct compare_cell {
    const char *name;  /* "gru-after", in the names of files */
    const char *title; /* "GRU, reset after" */
    clrnn_cell cell;
    clrnn_gru_reset reset;
    const char *gates, *state, *use; /* the source's table */
} compare_cell;

extern const compare_cell compare_cells[COMPARE_CELLS];

/* A row of the course of a training. */
typedef struct compare_point {
    double step, seconds, loss, validation, norm; /* NaN: not measured */
} compare_point;

/* One training. */
typedef struct compare_run {
    uint64_t seed, steps;
    double seconds, step_ms;
    double loss; /* of the held-out part, bits for each character or as the trainer has it */
    double accuracy, baseline; /* NaN: none */
    compare_point *course;
    size_t points;
    inspect_flow first, last; /* before and after */
} compare_run;

/* All trainings of a cell. */
typedef struct compare_result {
    const compare_cell *cell;
    uint32_t hidden;
    uint64_t parameters, memory;
    compare_run *runs; /* [seeds] */
    uint32_t lag;      /* the longest that was learned; 0: none */
} compare_result;

/* The whole. */
typedef struct compare_job {
    train_options o;
    const char *folder;
    uint32_t parameters; /* the budget; 0: equal hidden size */
    uint32_t lag[COMPARE_LAGS], lags;
    uint64_t lag_steps;
    bool json;
    clrnn_context *context;
    data_arrays arrays;
    compare_result results[COMPARE_CELLS];
    uint32_t steps_back; /* T of the gradient flow */
    const char *measure; /* what the loss is: "bits for each character" */
    const char *held;    /* on what: "validation" */
    char command[2000];  /* that was run */
    double start;
} compare_job;

enum { COMPARE_PATH = 4096 };

/** "DIR/NAME" into text, which is returned. */
const char *compare_path(const compare_job *job, char text[COMPARE_PATH], const char *format, ...)
    TOOL_PRINTF(3, 4);

/** Train one cell from one seed, and see how far its gradients come. Returns an exit code. */
int compare_train(compare_job *job, compare_result *result, uint32_t index);

/** See that no file of a training is one that is read, and that all can be written. Returns TOOL_OK
 *  or TOOL_BAD_USE. */
int compare_check_files(compare_job *job);

/** Find the hidden size of each cell: the one given, or what suits the budget. */
int compare_size(compare_job *job);

/** Which lag a cell still learns to recall. */
int compare_recall(compare_job *job, compare_result *result);

/** Mean and standard deviation of a member over the runs, NaN left out. */
void compare_spread(const compare_job *job, const compare_result *result, size_t offset,
                    double *mean, double *deviation);

/** Write results.json, the pictures, and report.html. Return an exit code. */
int compare_write_json(const compare_job *job);
int compare_write_pictures(const compare_job *job);
int compare_write_report(const compare_job *job);

/* The pictures of a report. */
enum {
    COMPARE_BY_STEP,
    COMPARE_BY_SECONDS,
    COMPARE_FLOW_FIRST,
    COMPARE_FLOW_LAST,
    COMPARE_PICTURES
};
extern const char *const compare_picture_names[COMPARE_PICTURES];

/** One of them as SVG, light or dark; NULL: memory is short, or a build without cairo. */
uint8_t *compare_picture(const compare_job *job, int which, bool dark, size_t *bytes);

#endif
