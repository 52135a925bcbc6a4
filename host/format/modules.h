/* SPDX-License-Identifier: MIT
 * format/modules.h - the modules of a state_dict: what names and shapes say of each. */
#ifndef CLR_FORMAT_MODULES_H
#define CLR_FORMAT_MODULES_H

#include <clrnn/format.h>

#include "base/arena.h"

enum { CLR_MOST_MODULES = 256 };

/* What a module may be: bits, for a matrix without bias may be two things. */
enum {
    CLR_IS_RECURRENT = 1 << 0,
    CLR_IS_EMBEDDING = 1 << 1,
    CLR_IS_DENSE = 1 << 2,
    CLR_IS_NORM = 1 << 3,  /* layer or batch */
    CLR_IS_CONV = 1 << 4,  /* whose stride, padding and dilation nothing says */
    CLR_IS_SLOPE = 1 << 5, /* x above 0, below times a number for each feature, or for all: PReLU */
    CLR_IS_CRF = 1 << 6,   /* numbers for decoding what the last module makes: no part of it */
    CLR_IS_UNKNOWN = 1 << 7
};

typedef struct clr_module {
    const char *path; /* "encoder.lstm"; "" if it is the whole file */
    unsigned is;
    /* Of what it is first of all; with inputs NULL. */
    clrnn_node_desc desc;
    uint64_t in, out;          /* features of x and y */
    uint64_t rows;             /* of a matrix without bias, and columns: in */
    const clrnn_tensor *shown; /* one of its tensors */
} clr_module;

typedef struct clr_modules {
    clr_module *list; /* [count], in the order of the file; in the arena */
    uint32_t count;
    clr_arena arena;
} clr_modules;

/**
 * Sort tensors into modules by what their names begin with.
 *
 * prefix: as of clrnn_import_desc; paths are without it
 * Ownership: modules->arena is to be freed, also on failure.
 * Returns: CLRNN_OK; CLRNN_ERR_FORMAT (no tensors, too many modules, a recurrent module whose
 *          shapes contradict: the log names it); CLRNN_ERR_MEMORY
 */
clrnn_status clr_modules_find(const clrnn_tensors *set, const char *prefix, const char *file,
                              const clrnn_log *log, clr_modules *modules);

#endif
