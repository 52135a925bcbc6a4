/* SPDX-License-Identifier: MIT
 * clrnn/format.h - models of other programs as graphs (clrnn/graph.h), and back. Needs no device.
 *
 * A format is found by what a file holds, not by its name: clrnn_format_at lists them. What a file
 * says and this library does not know (an operator, an attribute, a layer, an activation) is an
 * error that names the node: nothing is left out in silence. Readers treat a file as hostile. */
#ifndef CLRNN_FORMAT_H
#define CLRNN_FORMAT_H

#include <clrnn/graph_parameters.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A size that a file leaves open under a name, as ONNX's "batch". */
typedef struct clrnn_import_size {
    const char *name;
    int64_t size; /* a number, CLRNN_STEPS or CLRNN_BATCH */
} clrnn_import_size;

/* What the caller knows of an input of the file. Zero-initialise, then set name and more. */
typedef struct clrnn_import_input {
    const char *name; /* NULL: the one that stands at this place of the file's inputs */
    /* Its axes instead of those in the file: numbers, CLRNN_STEPS, CLRNN_BATCH, or 0: as the file
     * says. */
    bool has_shape;
    uint32_t rank;
    int64_t shape[CLRNN_MOST_AXES];
    /* Its elements. Where a graph has only parameters (weights of a node), or what is to be
     * computed depends on it (a shape, the condition of an If), they become part of the graph, and
     * the input is none any more; where that is not needed they are not looked at. NULL: unknown.
     */
    const clrnn_tensor *value;
} clrnn_import_input;

/* How to read. Zero-initialise, then set what you need. */
typedef struct clrnn_import_desc {
    clrnn_precision precision; /* of the graph; elements are converted */
    /* Formats that hold names and shapes alone (state_dict, .npz): what they make up, as JSON text
     * (it begins with '{') or the path of a file of it. */
    const char *arch;
    /* Formats of named tensors: only those whose names begin so count. NULL: all. */
    const char *prefix;
    /* Formats whose axes may be open (ONNX), by the names that they have there, or "INPUT[AXIS]".
     * What nobody says becomes T or N as the recurrent nodes and convolutions of the model need it.
     */
    const clrnn_import_size *sizes; /* [size_count] */
    uint32_t size_count;
    const clrnn_import_input *inputs; /* [input_count], in any order */
    uint32_t input_count;
} clrnn_import_desc;

/**
 * Read a model as a graph.
 *
 * desc: NULL means all defaults
 * Ownership: on success *graph is the caller's. On failure NULL.
 * Threads:   any.
 * Returns:   CLRNN_OK
 *            CLRNN_ERR_ARGUMENT     a NULL; desc names what the file does not have
 *            CLRNN_ERR_IO           it cannot be read
 *            CLRNN_ERR_FORMAT       damaged, of no known format, or it contradicts itself: the log
 *                                   names node, tensor or field
 *            CLRNN_ERR_UNSUPPORTED  it needs what this library or this build does not have: the log
 *                                   names the node, or the option of the build
 *            CLRNN_ERR_NEEDS_SIZE   an axis that the model leaves open must be a number (`sizes`, or
 *                                   the shape of an input): the log names the node
 *            CLRNN_ERR_NEEDS_VALUE  the value of an input must be known (`value` of an input): the
 *                                   log names both
 *            CLRNN_ERR_RANGE, CLRNN_ERR_MEMORY
 */
CLRNN_API clrnn_status clrnn_graph_import(const char *path, const clrnn_import_desc *desc,
                                          const clrnn_log *log, clrnn_graph **graph);

/**
 * Write a graph. The file appears whole or not at all.
 *
 * ONNX: opset 17, for sequences of one length (lengths of a pass are no part of a graph). Its
 * metadata says what ONNX cannot: read back it is the graph that was written, to the bit, with T
 * and N as symbols, unless the caller of clrnn_graph_import gives sizes, or axes without a value,
 * or somebody has changed its nodes: then it is read as any other file.
 *
 * format: its name ("onnx"); NULL: what the ending of the path says
 * Returns: CLRNN_OK, CLRNN_ERR_IO, CLRNN_ERR_MEMORY, CLRNN_ERR_ARGUMENT (a NULL, no such format),
 *          CLRNN_ERR_UNSUPPORTED (a format that is only read, or has no form of a node: the log
 *          names it)
 */
CLRNN_API clrnn_status clrnn_graph_export(const clrnn_graph *graph, const char *path,
                                          const char *format);

/**
 * The names of the inputs that a file says it has, in order: a set of empty arrays so called. Some
 * may be no inputs of the graph that it becomes (clrnn_import_input's value). Formats that say
 * none: an empty set.
 *
 * Ownership, threads: as clrnn_tensors_load.
 * Returns: as clrnn_graph_import
 */
CLRNN_API clrnn_status clrnn_format_inputs(const char *path, const clrnn_log *log,
                                           clrnn_tensors **names);

/**
 * Read a file of one ONNX tensor (.pb), as ONNX's own tests have them: a set of one, by its name.
 * Whole numbers and truths are I64, numbers F64 or, where the file has float or less, F32. The
 * metadata string "type" is the file's, "float16".
 *
 * Ownership, threads: as clrnn_tensors_load.
 * Returns: CLRNN_OK, CLRNN_ERR_ARGUMENT, CLRNN_ERR_IO, CLRNN_ERR_FORMAT, CLRNN_ERR_MEMORY,
 *          CLRNN_ERR_UNSUPPORTED (no numbers, or a build without protobuf-c)
 */
CLRNN_API clrnn_status clrnn_onnx_tensor_load(const char *path, const clrnn_log *log,
                                              clrnn_tensors **set);

/* A format that this build knows. */
typedef struct clrnn_format_info {
    const char *name;    /* "onnx" */
    const char *summary; /* "ONNX, opset 5 and later" */
    bool reads, writes;  /* false also where the build was made without its library */
} clrnn_format_info;

/** Format number i, false past the last one. Threads: any. */
CLRNN_API bool clrnn_format_at(uint32_t i, clrnn_format_info *info);

/** The name of the format of a file ("onnx"), static storage; NULL: it is of none, or cannot be
 *  read (the log says why). Threads: any. */
CLRNN_API const char *clrnn_format_of_file(const char *path, const clrnn_log *log);

#ifdef __cplusplus
}
#endif
#endif
