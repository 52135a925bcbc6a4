/* SPDX-License-Identifier: MIT
 * tests/format/brought.h - models of other programs, imported and run. */
#ifndef TEST_FORMAT_BROUGHT_H
#define TEST_FORMAT_BROUGHT_H

#include "support.h"

#include <clrnn/format.h>
#include <clrnn/graph_plan.h>

/** Import a file of tests/data; any failure fails the test. prefix, arch: or NULL. */
clrnn_graph *imported(const char *name, const char *arch, const char *prefix);

/** That a file of tests/data is refused with a message of one line that contains `part`. */
void refused(const char *name, const char *part);

/** All that an import allocates may fail in turn: it says so, and leaks nothing. */
void import_short_of_memory(const char *path, const char *arch);

/* What goes in, by the names of the inputs; float64 or int32 as the input wants. */
typedef struct fed {
    const char *name;
    const double *data;
} fed;

/** Run a graph, and give an output as float64: [*count], to be freed. T and N; lengths or NULL. */
double *ran(void **state, clrnn_graph *graph, uint32_t steps, uint32_t batch,
            const uint32_t *lengths, const fed *inputs, uint32_t input_count, const char *output,
            size_t *count);

/** A tensor as float64, to be freed. */
double *numbers_of(const clrnn_tensors *set, const char *name, size_t *count);

#endif
