/* SPDX-License-Identifier: MIT
 * tests/format/imported.c - see tests/format/imported.h. */
#include "format/imported.h"

#include <stdlib.h>
#include <string.h>

#include "support.h"

#include "graph/reference.h"

static const double *find(const imported_array *inputs, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(inputs[i].name, name) == 0)
            return inputs[i].data;
    fail_msg("no input '%s'", name);
    return NULL;
}

static double *by_reference(clrnn_graph *graph, uint32_t steps, uint32_t batch,
                            const imported_array *inputs, size_t input_count, const char *name,
                            size_t *count)
{
    clr_graph_reference r;
    double *out = NULL;
    assert_int_equal(clr_graph_reference_make(graph, steps, batch, NULL, &r), CLRNN_OK);
    for (uint32_t i = 0; i < graph->input_count; i++) {
        const uint32_t v = graph->inputs[i];
        memcpy(r.values[v], find(inputs, input_count, graph->values[v].name),
               clr_shape_count(&r.shapes[v]) * sizeof(double));
    }
    assert_int_equal(clr_graph_reference_forward(&r), CLRNN_OK);
    for (uint32_t i = 0; i < graph->output_count; i++)
        if (strcmp(graph->outputs[i].name, name) == 0) {
            const uint32_t v = graph->outputs[i].value;
            *count = clr_shape_count(&r.shapes[v]);
            out = calloc(*count + 1, sizeof *out);
            assert_non_null(out);
            memcpy(out, r.values[v], *count * sizeof *out);
        }
    clr_graph_reference_free(&r);
    assert_non_null(out);
    return out;
}

/* Elements of an input, ids as ints. */
static void *elements(const double *from, size_t count, bool ids)
{
    double *to = calloc(count + 1, sizeof *to);
    assert_non_null(to);
    for (size_t i = 0; i < count; i++) {
        const int32_t id = ids ? (int32_t)from[i] : 0;
        if (ids)
            memcpy((char *)to + i * sizeof id, &id, sizeof id);
        else
            to[i] = from[i];
    }
    return to;
}

static size_t count_of(clrnn_graph_plan *plan, const char *name, uint32_t steps, uint32_t batch)
{
    uint64_t shape[CLRNN_MOST_AXES];
    uint32_t rank = 0;
    size_t count = 1;
    assert_int_equal(clrnn_graph_plan_shape(plan, name, steps, batch, &rank, shape), CLRNN_OK);
    for (uint32_t i = 0; i < rank; i++)
        count *= (size_t)shape[i];
    return count;
}

static double *on_device(clrnn_context *context, clrnn_graph *graph, uint32_t steps, uint32_t batch,
                         const imported_array *inputs, size_t input_count, const char *name,
                         size_t *count)
{
    const clrnn_graph_plan_desc desc = {.max_steps = steps, .max_batch = batch};
    clrnn_graph_plan *plan = NULL;
    clrnn_graph_source sources[16];
    clrnn_value_info info;
    if (graph->precision == CLRNN_F64)
        test_need(context, TEST_DOUBLES);
    assert_int_equal(clrnn_graph_plan_create(context, graph, &desc, &plan), CLRNN_OK);
    for (uint32_t i = 0; clrnn_graph_input_at(graph, i, &info); i++) {
        const size_t n = count_of(plan, info.name, steps, batch);
        sources[i] = (clrnn_graph_source){
            info.name, elements(find(inputs, input_count, info.name), n, info.ids)};
    }
    *count = count_of(plan, name, steps, batch);
    double *out = calloc(*count + 1, sizeof *out);
    const clrnn_graph_sink sink = {name, out};
    const clrnn_graph_io io = {.steps = steps,
                               .batch = batch,
                               .inputs = sources,
                               .input_count = clrnn_graph_inputs(graph),
                               .outputs = &sink,
                               .output_count = 1};
    assert_int_equal(clrnn_graph_plan_forward(plan, &io), CLRNN_OK);
    for (uint32_t i = 0; i < io.input_count; i++)
        free((void *)sources[i].data);
    clrnn_graph_plan_destroy(&plan);
    return out;
}

double *imported_output(clrnn_context *context, clrnn_graph *graph, uint32_t steps, uint32_t batch,
                        const imported_array *inputs, size_t input_count, const char *name,
                        size_t *count)
{
    return (context ? on_device(context, graph, steps, batch, inputs, input_count, name, count)
                    : by_reference(graph, steps, batch, inputs, input_count, name, count));
}
