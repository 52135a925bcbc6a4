/* SPDX-License-Identifier: MIT
 * tests/format/written.c - see tests/format/written.h. */
#include "written.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support.h"

#include "graph/kind.h"
#include "model/graph_description.h"

const char *onnx_path(const char *name)
{
    static char path[600];
    snprintf(path, sizeof path, "%s/%s", test_folder(), name);
    return path;
}

clrnn_graph *onnx_read_back(const char *path, const clrnn_import_desc *desc)
{
    clrnn_graph *back = NULL;
    if (clrnn_graph_import(path, desc, &test_log, &back) != CLRNN_OK)
        fail_msg("%s", test_last_error);
    return back;
}

/* --- written and read ------------------------------------------------------------------------- */

bool onnx_written(const drawn_graph *d, const char *path)
{
    d->graph->log = test_log;
    const clrnn_status status = clrnn_graph_export(d->graph, path, "onnx");
    if (status == CLRNN_OK)
        return true;
    if (status != CLRNN_ERR_UNSUPPORTED || !strstr(test_last_error, "ONNX has no form of")) {
        drawn_print(d);
        fail_msg("seed %llu: %s", (unsigned long long)d->seed, test_last_error);
    }
    return false;
}

void assert_same_graphs(const clrnn_graph *a, const clrnn_graph *b)
{
    char *x = NULL, *y = NULL;
    assert_int_equal(clr_graph_describe(a, &test_log, &x), CLRNN_OK);
    assert_int_equal(clr_graph_describe(b, &test_log, &y), CLRNN_OK);
    assert_string_equal(x, y);
    assert_int_equal(a->precision, b->precision);
    assert_int_equal(a->elements, b->elements);
    if (a->elements)
        assert_memory_equal(a->data, b->data, a->elements * clr_graph_real(a));
    free(x);
    free(y);
}

void onnx_round_trip(const drawn_graph *d, uint32_t *refused)
{
    const char *path = onnx_path("drawn.onnx");
    const clrnn_import_desc desc = {.precision = d->graph->precision};
    if (!onnx_written(d, path)) {
        ++*refused;
        return;
    }
    clrnn_graph *back = onnx_read_back(path, &desc);
    assert_same_graphs(d->graph, back);
    clrnn_graph_destroy(&back);
}

/* --- as a stranger's -------------------------------------------------------------------------- */

/* Outputs by the reference, on the inputs that `of` has by the same names. */
static clr_graph_reference computed(const clrnn_graph *graph, const drawn_graph *d,
                                    const clr_graph_reference *of)
{
    clr_graph_reference r;
    if (clr_graph_reference_make(graph, d->steps, d->batch, NULL, &r) != CLRNN_OK) {
        drawn_print(d);
        fail_msg("seed %llu: %s", (unsigned long long)d->seed, test_last_error);
    }
    drawn_numbers numbers = {d->seed ^ 0x5EED};
    for (uint32_t i = 0; i < graph->input_count; i++) {
        const uint32_t v = graph->inputs[i];
        const uint32_t from = of ? clr_graph_find(of->graph, graph->values[v].name) : 0;
        for (size_t k = 0; k < clr_shape_count(&r.shapes[v]); k++)
            r.values[v][k] = of                           ? of->values[from][k]
                             : graph->values[v].shape.ids ? draw_below(&numbers, 5)
                                                          : (double)(float)draw_real(&numbers);
    }
    assert_int_equal(clr_graph_reference_forward(&r), CLRNN_OK);
    return r;
}

static void compare_outputs(const drawn_graph *d, const clr_graph_reference *a,
                            const clr_graph_reference *b)
{
    for (uint32_t i = 0; i < d->graph->output_count; i++) {
        const clrnn_graph *other = b->graph;
        const uint32_t v = d->graph->outputs[i].value;
        uint32_t k = 0;
        while (k < other->output_count &&
               strcmp(other->outputs[k].name, d->graph->outputs[i].name) != 0)
            k++;
        assert_true(k < other->output_count);
        const uint32_t w = other->outputs[k].value;
        const size_t size = clr_shape_count(&a->shapes[v]);
        assert_int_equal(size, clr_shape_count(&b->shapes[w]));
        const double error = test_error(b->values[w], a->values[v], size);
        if (error <= 2e-5)
            continue;
        drawn_print(d);
        fail_msg("seed %llu: output %s differs by %g", (unsigned long long)d->seed,
                 d->graph->outputs[i].name, error);
    }
}

/* Whoever asks for axes by their names gets what the nodes of the file say. */
bool onnx_meant(const drawn_graph *d, bool known)
{
    const clrnn_import_size axes[] = {{"T", known ? (int64_t)d->steps : CLRNN_STEPS},
                                      {"N", known ? (int64_t)d->batch : CLRNN_BATCH}};
    const clrnn_import_desc desc = {.sizes = axes, .size_count = 2};
    const char *path = onnx_path("drawn.onnx");
    clrnn_graph *back = NULL;
    if (!onnx_written(d, path))
        return false;
    const clrnn_status status = clrnn_graph_import(path, &desc, &test_log, &back);
    if (status != CLRNN_OK) {
        if (getenv("TEST_VERBOSE"))
            fprintf(stderr, "seed %llu: %s\n", (unsigned long long)d->seed, test_last_error);
        assert_int_equal(status, CLRNN_ERR_UNSUPPORTED);
        return false;
    }
    clr_graph_reference a = computed(d->graph, d, NULL), b = computed(back, d, &a);
    compare_outputs(d, &a, &b);
    clr_graph_reference_free(&a);
    clr_graph_reference_free(&b);
    clrnn_graph_destroy(&back);
    return true;
}
