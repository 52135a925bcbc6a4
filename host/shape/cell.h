/* SPDX-License-Identifier: MIT
 * shape/cell.h - the table of cells: one row says what a cell is, and everybody reads it.
 *
 * Nobody else asks which cell a network has. A new cell is a name in clrnn_cell and in CLR_CELLS, a
 * row in shape/cell.c, its equations in cl/NAME.cl and in reference/NAME.c, and tests. */
#ifndef CLR_SHAPE_CELL_H
#define CLR_SHAPE_CELL_H

#include <clrnn/network.h>

/* All cells as X(CLRNN_CELL_..., name), in the order of clrnn_cell. cl/name.cl is the source
 * clr_cl_name, reference/name.c defines clr_ref_name. */
#define CLR_CELLS(X) X(LSTM, lstm) X(GRU, gru) X(RNN, rnn)

#define CLR_CELL_ONE(id, name) +1
enum { CLR_CELL_COUNT = 0 CLR_CELLS(CLR_CELL_ONE) };

/* The names of all cells by clrnn_cell, ended by NULL. */
extern const char *const clr_cell_names[];

/* --- options -------------------------------------------------------------------------------- */

/* What the member is. */
typedef enum clr_option_kind {
    CLR_OPTION_WORD = 0, /* an enum or, of the words 0 and 1, a bool */
    CLR_OPTION_SIZE,     /* a uint32_t */
    CLR_OPTION_NUMBER,   /* a float, not negative and less than `below`, if that is not 0 */
    CLR_OPTION_FUNCTION  /* a clrnn_activation */
} clr_option_kind;

/* A member of clrnn_network_desc that some cells have; 0 is the default, and for the others the
 * only value. */
typedef struct clr_cell_option {
    const char *member;
    size_t offset, size; /* of the member */
    clr_option_kind kind;
    float below;
    const char *key;          /* its name in problem strings and in clrnn_cell_info.options */
    const char *field;        /* its name in the descriptions of files */
    const char *const *words; /* a word: its values from 0 on, ended by NULL; else NULL */
    /* What kernels know it by: a bit OPTION_ of cl/cell.cl, set unless the value is 0; or where
     * code cannot be the same for both, a define, 1 for the value `defined`. */
    uint32_t bit;
    const char *define;
    uint32_t defined;
    /* In files: the tensor of layer 0 whose presence tells it, or NULL: a description has to say,
     * and of a file without one it is that of the library that most such files are from. */
    const char *tensor;
    bool must_say; /* a description of such a cell must not leave it out */
    bool seldom;   /* it does, where the value is 0: readers before it do not know the field */
    uint32_t imported;
    bool training; /* what does not train computes without it */
} clr_cell_option;

/* In the order in which problem strings have them. */
enum {
    CLR_OPTION_PROJECTION,
    CLR_OPTION_RESET,
    CLR_OPTION_UPDATE,
    CLR_OPTION_NONLINEARITY,
    CLR_OPTION_PEEPHOLES,
    CLR_OPTION_COUPLED,
    CLR_OPTION_GATE_CLIP,
    CLR_OPTION_CELL_CLIP,
    CLR_OPTION_PROJ_CLIP,
    CLR_OPTION_LAYER_NORM,
    CLR_OPTION_NORM_EPSILON,
    CLR_OPTION_ZONEOUT,
    CLR_OPTION_ZONEOUT_CELL,
    CLR_OPTION_RECURRENT_DROPOUT,
    CLR_OPTION_ACTIVATIONS, /* f g h, then those of the way back in time */
    CLR_OPTIONS = CLR_OPTION_ACTIVATIONS + 2 * CLRNN_ACTIVATIONS
};
extern const clr_cell_option clr_options[CLR_OPTIONS];

/** A word or size; of a number whether it is not 0, of an activation its function. */
uint32_t clr_option_get(const clrnn_network_desc *desc, const clr_cell_option *option);
void clr_option_set(clrnn_network_desc *desc, const clr_cell_option *option, uint32_t value);

/** How many values an option has that is no size. */
uint32_t clr_option_values(const clr_cell_option *option);

enum { CLR_OPTION_ROOM = 64 };

/** The whole value as text, as problem strings have it. A function is its name, with alpha and beta
 *  if they are not ONNX's: "hard_sigmoid:0.25:0.5". A word that is none is "?". */
void clr_option_write(const clrnn_network_desc *desc, const clr_cell_option *option,
                      char text[CLR_OPTION_ROOM]);

/** The way back, of a number or an activation. Returns false, and leaves the value, if the text is
 *  none. */
bool clr_option_read(clrnn_network_desc *desc, const clr_cell_option *option, const char *text);

/** What texts call a function of cells: 0 is "usual"; NULL past the last one. */
const char *clr_option_function(size_t function);

/** Whether a number or activation that a caller has set is one. */
bool clr_option_valid(const clrnn_network_desc *desc, const clr_cell_option *option);

/* --- cells ---------------------------------------------------------------------------------- */

#define CLR_MOST_GATES  4
#define CLR_MOST_PHASES 2

/* A phase of a step: the products of some gates' rows of weight_hh, then the cell's equations. The
 * first multiplies h_{t-1}; a later one what the cell has made of it in the phase before, a value
 * that is saved. */
typedef struct clr_phase {
    uint32_t first, count; /* gates */
} clr_phase;

/* What depends on a cell's options, as far as the host has to know. */
typedef struct clr_cell_form {
    uint32_t phases;
    clr_phase phase[CLR_MOST_PHASES];
    uint32_t saved;  /* values saved for each unit and step beside the activated gates and c */
    bool two_inputs; /* du, the gradient of U h + b_hh, differs from da, that of W x + b_ih */
} clr_cell_form;

#define CLR_MOST_PARAMETERS 3

typedef struct clr_unit_parameter {
    uint32_t gate;
    bool next; /* times c_t, else c_{t-1} */
} clr_unit_parameter;

/* Parameters of each unit, [count*H], that times the unit's cell state are added to gates' sums. */
typedef struct clr_unit_parameters {
    const char *tensor; /* "weight_peephole" */
    const char *key;    /* of the option that brings them */
    uint32_t count;
    clr_unit_parameter each[CLR_MOST_PARAMETERS];
} clr_unit_parameters;

/* The gate that keeps what there was when its sum is large (sign 1) or when it is small (-1; the
 * other way round with the option `turns`); sign 0: there is none. `admits` is the gate that lets
 * in what is new, which may be the same one. `usual`: its bias in a fresh model in favour of what
 * there was, unless something is said. */
typedef struct clr_keeping {
    float sign;
    uint32_t gate, admits;
    float usual;
} clr_keeping;

/* One row. */
typedef struct clr_cell_spec {
    clrnn_cell_info info;
    const char *title; /* in messages: "LSTM" */
    /* Its form is forms[value of the option `chooses`]; NULL: the first. */
    const char *chooses;
    clr_cell_form forms[2];
    clr_unit_parameters parameters;
    clrnn_function functions[CLRNN_ACTIVATIONS]; /* its usual ones; 0: it has not */
    uint32_t function_of[CLR_MOST_GATES];        /* which of them each gate is */
    clr_keeping keeping;
    /* Conversion: with the rows of this gate negated (of W, U and both biases), the two values of
     * the option `turns` are the same function; NULL: of none. */
    const char *turns;
    uint32_t turned_gate;
} clr_cell_spec;

/** The row of a cell; NULL if there is no such cell. */
const clr_cell_spec *clr_cell_of(clrnn_cell cell);

/** Whether it is an option of this cell. */
bool clr_cell_has(const clr_cell_spec *cell, const clr_cell_option *option);

/** How many parameters of each unit a checked description has. */
uint32_t clr_cell_parameters(const clr_cell_spec *cell, const clrnn_network_desc *desc);

/** An activation of a checked description: the usual one is named. */
clrnn_activation clr_cell_activation(const clr_cell_spec *cell, const clrnn_network_desc *desc,
                                     uint32_t direction, uint32_t which);

/** Of the gate that keeps: 1 if it does so when its sum is large, -1: when small, 0: no gate. */
float clr_cell_keeping_sign(const clr_cell_spec *cell, const clrnn_network_desc *desc);

/** Whether an open gate replaces where that of other libraries keeps: their weights are ours with
 * the rows of `turned_gate` negated. */
bool clr_cell_is_turned(const clr_cell_spec *cell, const clrnn_network_desc *desc);

/** The form that a checked description has. */
const clr_cell_form *clr_cell_form_of(const clr_cell_spec *cell, const clrnn_network_desc *desc);

#endif
