/* SPDX-License-Identifier: MIT
 * format/format.h - a file format: one row of the table says all that reading and writing asks.
 *
 * A new format is a row in its own file, a line in CLR_FORMAT_LIST and its tests. A build without
 * the library that a format needs has the row in no_NAME.c, with a probe alone and `missing`. */
#ifndef CLR_FORMAT_FORMAT_H
#define CLR_FORMAT_FORMAT_H

#include <clrnn/format.h>

#include "base/log.h"

/* A file that has been read. */
typedef struct clr_format_file {
    const char *path;
    const char *name; /* path without folders, for messages */
    const unsigned char *data;
    size_t bytes; /* a zero follows them */
} clr_format_file;

/* How sure a probe is. */
typedef enum clr_match {
    CLR_MATCH_NO = 0,
    CLR_MATCH_MAYBE, /* only if the ending of the name says so too */
    CLR_MATCH_YES
} clr_match;

typedef struct clr_format {
    const char *name, *summary;
    const char *endings[4]; /* ".onnx" */
    bool sized;             /* reading takes sizes of axes that a file leaves open */
    /** By contents alone; reads no further than it must. */
    clr_match (*probe)(const clr_format_file *file);
    /** desc is never NULL; on failure *graph may hold what there is, and is destroyed.
     *  Returns: as clrnn_graph_import. NULL: not read. */
    clrnn_status (*read)(const clr_format_file *file, const clrnn_import_desc *desc,
                         const clrnn_log *log, clrnn_graph **graph);
    /** The names of inputs to a set. NULL: it says none. */
    clrnn_status (*inputs)(const clr_format_file *file, const clrnn_log *log, clrnn_tensors *names);
    /** Returns: as clrnn_graph_export. NULL: not written. */
    clrnn_status (*write)(const clrnn_graph *graph, const char *path, const clrnn_log *log);
    const char *missing; /* "protobuf-c (Meson option onnx)": what the build lacks; else NULL */
} clr_format;

/* The formats, in the order in which they are asked. */
#define CLR_FORMAT_LIST(X) \
    X(clrnn)               \
    X(onnx)                \
    X(pytorch)             \
    X(rtneural)            \
    X(nam)                 \
    X(keras)               \
    X(npz)                 \
    X(state_json)

#define CLR_FORMAT_ROW(name) extern const clr_format clr_format_##name;
CLR_FORMAT_LIST(CLR_FORMAT_ROW)
#undef CLR_FORMAT_ROW

/** Whether a ZIP archive has an entry whose name is `name`, or ends so where `ending`. False if it
 *  is none. */
bool clr_zip_has(const clr_format_file *file, const char *name, bool ending);

/** Whether a file is JSON whose outermost object has a key (looks at the text, does not parse). */
bool clr_json_has(const clr_format_file *file, const char *key);

#endif
