/* SPDX-License-Identifier: MIT
 * tests/format/brought.c - see tests/format/brought.h. */
#include "brought.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

clrnn_graph *imported(const char *name, const char *arch, const char *prefix)
{
    char path[512];
    clrnn_graph *graph = NULL;
    const clrnn_import_desc desc = {.arch = arch, .prefix = prefix};
    snprintf(path, sizeof path, "%s", test_data(name));
    assert_int_equal(clrnn_graph_import(path, &desc, &test_log, &graph), CLRNN_OK);
    assert_non_null(graph);
    return graph;
}

void refused(const char *name, const char *part)
{
    clrnn_graph *graph = (clrnn_graph *)&graph;
    const clrnn_status status = clrnn_graph_import(test_data(name), NULL, &test_log, &graph);
    assert_true(status == CLRNN_ERR_FORMAT || status == CLRNN_ERR_UNSUPPORTED);
    assert_null(graph);
    assert_null(strchr(test_last_error, '\n'));
    assert_error_contains(part);
}

void import_short_of_memory(const char *path, const char *arch)
{
    const clrnn_import_desc desc = {.arch = arch};
    clrnn_status status = CLRNN_ERR_MEMORY;
    for (long n = 1; status == CLRNN_ERR_MEMORY; n++) {
        clrnn_graph *graph = NULL;
        assert_true(n < 100000);
        clr_fault_inject(CLR_FAULT_MEMORY, n);
        status = clrnn_graph_import(path, &desc, &test_log, &graph);
        clr_fault_inject(CLR_FAULT_MEMORY, 0);
        assert_true(!graph == (status != CLRNN_OK));
        if (status != CLRNN_OK)
            assert_error_contains("");
        clrnn_graph_destroy(&graph);
    }
    assert_int_equal(status, CLRNN_OK);
}

/* An input as the graph wants it: float or int32, to be freed. */
static void *convert(const clrnn_graph *graph, const fed *in, uint32_t steps, uint32_t batch)
{
    clrnn_value_info info;
    size_t count = 1;
    assert_true(clrnn_graph_value(graph, in->name, &info));
    for (uint32_t i = 0; i < info.rank; i++)
        count *= info.shape[i] == CLRNN_STEPS   ? steps
                 : info.shape[i] == CLRNN_BATCH ? batch
                                                : (size_t)info.shape[i];
    float *reals = malloc(count * sizeof *reals);
    int32_t *ids = malloc(count * sizeof *ids);
    for (size_t i = 0; i < count; i++) {
        reals[i] = (float)in->data[i];
        ids[i] = (int32_t)in->data[i];
    }
    free(info.ids ? (void *)reals : (void *)ids);
    return info.ids ? (void *)ids : (void *)reals;
}

double *ran(void **state, clrnn_graph *graph, uint32_t steps, uint32_t batch,
            const uint32_t *lengths, const fed *inputs, uint32_t input_count, const char *output,
            size_t *count)
{
    clrnn_graph_source sources[8];
    clrnn_graph_plan *plan = NULL;
    uint32_t rank = 0;
    uint64_t shape[CLRNN_MOST_AXES];
    const clrnn_graph_plan_desc desc = {.max_steps = steps, .max_batch = batch};
    assert_int_equal(clrnn_graph_plan_create(*state, graph, &desc, &plan), CLRNN_OK);
    for (uint32_t i = 0; i < input_count; i++)
        sources[i] = (clrnn_graph_source){inputs[i].name, convert(graph, &inputs[i], steps, batch)};
    assert_int_equal(clrnn_graph_plan_shape(plan, output, steps, batch, &rank, shape), CLRNN_OK);
    *count = 1;
    for (uint32_t i = 0; i < rank; i++)
        *count *= (size_t)shape[i];
    float *out = calloc(*count, sizeof *out);
    const clrnn_graph_sink sink = {output, out};
    const clrnn_graph_io io = {.lengths = lengths,
                               .inputs = sources,
                               .input_count = input_count,
                               .outputs = &sink,
                               .output_count = 1};
    assert_int_equal(clrnn_graph_plan_forward(plan, &io), CLRNN_OK);
    double *y = calloc(*count, sizeof *y);
    for (size_t i = 0; i < *count; i++)
        y[i] = out[i];
    for (uint32_t i = 0; i < input_count; i++)
        free((void *)(uintptr_t)sources[i].data);
    free(out);
    clrnn_graph_plan_destroy(&plan);
    return y;
}

double *numbers_of(const clrnn_tensors *set, const char *name, size_t *count)
{
    const clrnn_tensor *t = clrnn_tensors_find(set, name);
    assert_non_null(t);
    double *values = calloc(t->count + 1, sizeof *values);
    clrnn_tensor_to_f64(t, values);
    *count = t->count;
    return values;
}
