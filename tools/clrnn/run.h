/* SPDX-License-Identifier: MIT
 * run.h - the files of `clrnn run`: which array comes from or goes to which file. */
#ifndef TOOL_RUN_H
#define TOOL_RUN_H

#include "tool.h"

/* The arrays a model takes and gives, in the order of their names in run_files.c. */
enum { RUN_X, RUN_H0, RUN_C0, RUN_LENGTHS, RUN_INPUTS };
enum { RUN_Y, RUN_HN, RUN_CN, RUN_LOGITS, RUN_OUTPUTS };

/* An array that is read. */
typedef struct run_input {
    const char *path;           /* NULL = not given */
    clrnn_tensors *set;         /* the file, owned */
    const clrnn_tensor *tensor; /* in `set` */
} run_input;

/* An array that is written. */
typedef struct run_output {
    const char *path; /* NULL = not wanted */
    uint32_t rank;
    uint64_t shape[3];
    void *data; /* owned */
} run_output;

/** The name of an input or output, as on the command line. */
const char *run_input_name(int input);
const char *run_output_name(int output);

/** MODEL FILE is MODEL --in FILE: move what stands behind the model. Returns TOOL_CONTINUE or
 *  TOOL_BAD_USE. */
int run_take_places(tool_list *models, tool_list *in);

/** Whether one of these files is a sound. */
bool run_has_sound(const tool_list *list);

/** Sort [NAME=]FILE arguments into their places. Returns TOOL_OK or TOOL_BAD_USE. */
int run_name_inputs(const tool_list *list, run_input inputs[RUN_INPUTS]);
int run_name_outputs(const tool_list *list, run_output outputs[RUN_OUTPUTS]);

/** See that every output can be written, and is not the model, an input, or another output but by
 *  the same name, which is how one .safetensors file takes several arrays; and, unless `force`,
 *  that none is there already and holds something else than outputs. Returns TOOL_OK or
 *  TOOL_BAD_USE. */
int run_check_files(const char *model, const run_input inputs[RUN_INPUTS],
                    const run_output outputs[RUN_OUTPUTS], bool force);

/** Read every input that has a path. Returns an exit code; free with run_free in any case. */
int run_load(run_input inputs[RUN_INPUTS]);

/** Write every output that has a path, those of one .safetensors file together; say so on stdout.
 */
int run_save(const run_output outputs[RUN_OUTPUTS], clrnn_dtype dtype);

/* --- arrays: run_arrays.c -------------------------------------------------------------------- */

/** "[5,2,7]" */
const char *run_shape_text(const clrnn_tensor *tensor, char text[200]);

bool run_is_integer(const clrnn_tensor *tensor);

/** Elements as float or double, `element` bytes each: [count], to be freed; NULL = no memory. */
void *run_reals(const clrnn_tensor *tensor, size_t element);

/** Element `i` of a tensor of integers; those beyond int64_t at its limit. */
int64_t run_integer_at(const clrnn_tensor *tensor, size_t i);

/** Elements of a tensor of integers, those beyond int32_t at its limits: [count], to be freed. */
int32_t *run_integers(const clrnn_tensor *tensor);

/** An array that is as `from`, or zeros where that is NULL: [count], to be freed; NULL = no memory.
 */
void *run_copy(const void *from, size_t count, size_t element);

/** Lengths of sequences, each 0 to T: [N], to be freed in any case. Returns TOOL_OK or
 *  TOOL_BAD_USE. */
int run_lengths(const run_input *in, uint32_t steps, uint32_t **lengths);

/** Turn *data [a,b,row bytes] into [b,a,row bytes]. False = no memory; *data is then NULL. */
bool run_swap(void **data, size_t a, size_t b, size_t row);

void run_free(run_input inputs[RUN_INPUTS], run_output outputs[RUN_OUTPUTS]);

#endif
