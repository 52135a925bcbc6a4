/* SPDX-License-Identifier: MIT
 * tests/format/imported.h - running what was imported, by the float64 reference and on a device. */
#ifndef TEST_FORMAT_IMPORTED_H
#define TEST_FORMAT_IMPORTED_H

#include <clrnn/format.h>
#include <clrnn/graph_plan.h>

/* An array by name. */
typedef struct imported_array {
    const char *name;
    const double *data;
} imported_array;

/** Output `name` of one pass over inputs by name, [*count], to be freed; those that the graph does
 *  not have are not looked at. By the reference; with a context, on the device. */
double *imported_output(clrnn_context *context, clrnn_graph *graph, uint32_t steps, uint32_t batch,
                        const imported_array *inputs, size_t input_count, const char *name,
                        size_t *count);

#endif
