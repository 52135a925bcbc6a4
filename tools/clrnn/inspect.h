/* SPDX-License-Identifier: MIT
 * inspect.h - what `clrnn inspect` sees of a model, and its forms: numbers, blocks, a picture. */
#ifndef TOOL_INSPECT_H
#define TOOL_INSPECT_H

#include "tool.h"

#define INSPECT_GATES 4 /* of a cell, at most */

/* What is looked at. */
typedef struct inspect_options {
    const char *model_path, *prefix, *text, *in, *out, *node, *selector;
    tool_list others; /* models whose gradients are shown beside */
    uint32_t layer, first, steps, row;
    int direction;
    bool json, force, gradients, batch_first;
} inspect_options;

/* What goes into a model: one sequence of `steps`, of symbols or of numbers [T,I]. */
typedef struct inspect_input {
    uint32_t steps;
    uint32_t more; /* 1: there is a symbol behind the last step, which the model would foretell */
    int32_t *ids;  /* [steps+more], or */
    float *x;      /* [steps,width] */
    uint32_t width;
    uint8_t *bytes; /* [steps+more] of text; NULL: there is none */
} inspect_input;

/* A model that is ready to run. */
typedef struct inspect_model {
    const char *path;
    clrnn_graph *graph;
    clrnn_graph_plan *plan;
    uint32_t node; /* which recurrent node is looked at */
    const clrnn_network_desc *network;
    const clrnn_cell_info *cell;
    uint32_t layers, directions, width; /* L, D, R */
    uint32_t steps;                     /* of the plan */
    uint32_t symbols;                   /* V; 0: it takes numbers */
    uint8_t bytes[256];                 /* of each symbol */
    bool has_bytes;
    double *mean, *deviation; /* [I] of its inputs; NULL: they go in as they are */
} inspect_model;

/* Figures of a gate. */
typedef struct inspect_gate {
    const char *name;
    double *values; /* [steps,units] */
    double *by_step, *by_unit;
    clrnn_trace_figures whole;
    bool logistic; /* in 0..1; else shown from -1 to 1 */
} inspect_gate;

/* One layer and direction over the steps that are shown. */
typedef struct inspect_view {
    const inspect_model *model;
    const inspect_input *input;
    uint32_t layer, direction, first, steps, units, state;
    uint32_t gates;
    inspect_gate gate[INSPECT_GATES];
    double *h, *c;      /* [steps,state], [steps,units]; c may be NULL */
    double *half_lives; /* [units]; NULL: the cell has no gate that keeps */
    uint32_t *order; /* [units] from the longest half-life, or the least change, to the other end */
    char fault[160]; /* of the watch */
} inspect_view;

/* Norms of gradients over the distance to the last step. */
typedef struct inspect_flow {
    char name[200];
    uint32_t steps;
    double *dh, *dc; /* [steps], [k]: k steps before the last; dc may be NULL */
} inspect_flow;

/* --- inspect_model.c ------------------------------------------------------------------------ */

/** Load a graph or model. node: its name, NULL: the first recurrent one. Returns an exit code; in
 *  any case inspect_close follows. */
int inspect_load(const char *path, const char *node, inspect_model *model);
/** Make it ready to run so many steps of `rows` sequences. */
int inspect_prepare(clrnn_context *context, inspect_model *model, uint32_t steps, uint32_t rows);
void inspect_close(inspect_model *model);

/** Run it. ids [T,rows] or x [T,rows,I]; y: NULL, or out what it gives, [T,rows,*width]. */
int inspect_run(inspect_model *model, const int32_t *ids, const float *x, uint32_t steps,
                uint32_t rows, float **y, uint32_t *width);

/** Read the sequence that an options' --text or --in names, for this model. */
int inspect_read(const inspect_options *options, const inspect_model *model, inspect_input *input);
void inspect_input_free(inspect_input *input);

/* --- what is seen: inspect_view.c, inspect_flow.c ------------------------------------------- */

/** After inspect_run: look. Returns an exit code; in any case inspect_view_free follows. */
int inspect_look(inspect_model *model, const inspect_input *input, const inspect_options *options,
                 inspect_view *view);
void inspect_view_free(inspect_view *view);

/** How the norms of dL_T/dh_t and dL_T/dc_t change with the distance from T: L_T is the
 *  cross-entropy of the symbol behind the last step where there is one, else a sum of the outputs
 *  with signs. ids [T+1,rows] or x [T,rows,I]; of all layers the one given. */
int inspect_flow_of(clrnn_context *context, inspect_model *model, const int32_t *ids,
                    const float *x, uint32_t steps, uint32_t rows, uint32_t layer,
                    inspect_flow *flow);
void inspect_flow_free(inspect_flow *flow);

/** The character (UTF-8) that begins with the byte of step t of those shown; "" where none does, or
 *  one that cannot be seen, other than the end of a line. Returns its bytes, 1 or more. */
#define INSPECT_CHARACTER 5
uint32_t inspect_character(const inspect_view *view, uint32_t t, char text[INSPECT_CHARACTER]);

/** "LSTM" of "lstm". */
const char *inspect_title(const char *cell, char text[16]);

/* --- forms ---------------------------------------------------------------------------------- */

cJSON *inspect_json(const inspect_view *view);
cJSON *inspect_flows_json(const inspect_flow *flows, size_t count);
void inspect_print(const inspect_view *view);
void inspect_print_flows(const inspect_flow *flows, size_t count);

/** Write a .png or .svg. Returns an exit code, TOOL_BAD_USE in a build without cairo. */
int inspect_picture(const inspect_view *view, const char *path);
int inspect_flow_picture(const inspect_flow *flows, size_t count, const char *path);

/** Whether this build makes pictures. */
bool inspect_has_pictures(void);

#endif
