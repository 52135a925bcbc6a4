/* SPDX-License-Identifier: MIT
 * format/onnx/axes.h - the axes of a model's inputs that its file leaves open: which is T,
 * which N.
 */
#ifndef CLR_FORMAT_ONNX_AXES_H
#define CLR_FORMAT_ONNX_AXES_H

#include "format/onnx/onnx.h"

#define ONNX_MOST_OPEN 6

/* An open axis: those of one name are one. */
typedef struct onnx_open {
    char name[80];
    int64_t size; /* what this attempt makes of it: CLRNN_STEPS or CLRNN_BATCH */
    int leaning;  /* > 0: sounds like a batch */
} onnx_open;

typedef struct onnx_ends {
    uint32_t inputs;
    struct onnx_input_axes {
        uint32_t rank;
        int64_t shape[CLRNN_MOST_AXES]; /* a number, a symbol, or 0: open[] has it */
        uint8_t open[CLRNN_MOST_AXES];
        bool has_value, is_empty;
    } * input; /* [inputs] of the model */
    onnx_open open[ONNX_MOST_OPEN];
    uint32_t count;
    uint32_t order[1u << ONNX_MOST_OPEN]; /* attempts: bit i: open[i] is N */
    uint32_t attempts, attempt;
} onnx_ends;

/** From the model and what the caller says. Returns: CLRNN_OK, CLRNN_ERR_ARGUMENT,
 *  CLRNN_ERR_FORMAT, CLRNN_ERR_UNSUPPORTED, CLRNN_ERR_NEEDS_SIZE (too many are open),
 *  CLRNN_ERR_MEMORY */
clrnn_status clr_onnx_axes_read(const onnx_import *m, onnx_ends *axes);
void clr_onnx_axes_free(onnx_ends *axes);

/** What the caller says of input i of the model, or NULL. */
const clrnn_import_input *clr_onnx_axes_input(const onnx_import *m, size_t i);

/** Inputs whose values the caller gives, as bits. */
uint64_t clr_onnx_axes_values(const onnx_ends *axes);

/** Those of them that have no elements. */
uint64_t clr_onnx_axes_empty(const onnx_ends *axes);

/** The attempts, the likeliest first. False: there are no more. */
void clr_onnx_axes_begin(onnx_ends *axes);
bool clr_onnx_axes_next(onnx_ends *axes);

/** The axes of an input in this attempt. */
clrnn_status clr_onnx_axes_of(const onnx_ends *axes, size_t input, uint32_t *rank,
                              int64_t shape[CLRNN_MOST_AXES]);

/** What became of the open axes, to the log. */
void clr_onnx_axes_tell(const onnx_ends *axes, const clrnn_log *log);

#endif
