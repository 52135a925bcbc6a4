/* SPDX-License-Identifier: MIT
 * device/build_spec.h - what a program is made of, as texts; its key tells equal programs. */
#ifndef CLR_DEVICE_BUILD_SPEC_H
#define CLR_DEVICE_BUILD_SPEC_H

#include "device/program.h"

enum { CLR_MOST_SOURCES = 20 };

typedef struct clr_build_spec {
    const char *name; /* of the last source, for messages */
    char *options;    /* of the compiler: "-cl-std=CL1.2 -DA=1 -DB=2", the defines sorted by name */
    char *source;     /* all sources, one after the other */
    const char *texts[CLR_MOST_SOURCES]; /* each of them; the embedded ones themselves */
    size_t text_count;
    char *key; /* all that the binary depends on */
} clr_build_spec;

/** Fill a spec; call clr_build_spec_free also on failure.
 *  Returns: CLRNN_OK, CLRNN_ERR_MEMORY, CLRNN_ERR_OPENCL. Threads: any. */
clrnn_status clr_build_spec_make(const clrnn_context *context, const clr_source *const *sources,
                                 size_t source_count, const clr_define *defines,
                                 size_t define_count, clr_build_spec *spec);

void clr_build_spec_free(clr_build_spec *spec);

#endif
