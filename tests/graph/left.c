/* SPDX-License-Identifier: MIT
 * tests/graph/left.c - see tests/graph/left.h. */
#include "left.h"

#include <stdio.h>
#include <stdlib.h>

#include "support.h"

#include <clrnn/graph_parameters.h>

static void add(const drawn_graph *d, clrnn_tensors *set, const char *prefix, const char *name,
                const clr_shape *shape, const double *data)
{
    char full[300];
    const size_t size = clr_shape_count(shape);
    const bool narrow = d->graph->precision == CLRNN_F32;
    float *floats = calloc(size + 1, sizeof *floats);
    int32_t *ids = calloc(size + 1, sizeof *ids);
    for (size_t i = 0; i < size; i++) {
        floats[i] = (float)data[i];
        ids[i] = shape->ids ? (int32_t)data[i] : 0;
    }
    snprintf(full, sizeof full, "%s.%s", prefix, name);
    assert_int_equal(clrnn_tensors_add(set, full,
                                       shape->ids ? CLRNN_DTYPE_I32
                                       : narrow   ? CLRNN_DTYPE_F32
                                                  : CLRNN_DTYPE_F64,
                                       shape->rank, shape->size,
                                       shape->ids ? (const void *)ids
                                       : narrow   ? (const void *)floats
                                                  : (const void *)data),
                     CLRNN_OK);
    free(floats);
    free(ids);
}

static void add_pass(const drawn_graph *d, const drawn_pass *pass, clrnn_tensors *set, bool train)
{
    const clrnn_graph *g = d->graph;
    const clr_graph_reference *r = &pass->reference;
    for (uint32_t i = 0; i < g->input_count; i++) {
        const uint32_t v = g->inputs[i];
        add(d, set, "in", g->values[v].name, &r->shapes[v], r->values[v]);
        if (train && pass->input_gradients[i])
            add(d, set, "din", g->values[v].name, &r->shapes[v], pass->input_gradients[i]);
    }
    for (uint32_t i = 0; i < g->output_count; i++) {
        const uint32_t v = g->outputs[i].value;
        const char *name = g->outputs[i].name;
        add(d, set, "out", name, &r->shapes[v], r->values[v]);
        add(d, set, "own", name, &r->shapes[v], pass->outputs[i]);
        const size_t count = clr_shape_count(&r->shapes[v]);
        clr_shape numbers = r->shapes[v];
        numbers.ids = false;
        double *dout = calloc(count + 1, sizeof *dout);
        for (size_t k = 0; k < count; k++)
            dout[k] = drawn_weight(i, k);
        if (train)
            add(d, set, "dout", name, &numbers, dout);
        free(dout);
    }
}

static void add_parameters(const drawn_graph *d, const drawn_pass *pass, clrnn_tensors *set)
{
    for (size_t i = 0; i < d->graph->parameter_count; i++) {
        const clrnn_graph_parameter *p = &d->graph->parameters[i].info;
        clr_shape shape = {.rank = p->rank};
        for (uint32_t k = 0; k < p->rank; k++)
            shape.size[k] = p->shape[k];
        add(d, set, "d", p->name, &shape, pass->gradient + p->offset);
        add(d, set, "after", p->name, &shape, pass->parameters + p->offset);
    }
}

void drawn_leave(const drawn_graph *d, const drawn_pass *pass, bool train, const char *folder)
{
    char text[600];
    clrnn_tensors *set = NULL;
    const uint64_t rows = d->batch;
    assert_int_equal(clrnn_tensors_create(&test_log, &set), CLRNN_OK);
    assert_int_equal(clrnn_graph_to_tensors(d->graph, set), CLRNN_OK);
    snprintf(text, sizeof text,
             "{\"steps\":%u,\"batch\":%u,\"train\":%s,\"seed\":%llu,\"index\":%u}", d->steps,
             d->batch, train ? "true" : "false", (unsigned long long)d->seed, d->dropout_index);
    assert_int_equal(clrnn_tensors_set_metadata(set, "pass", text), CLRNN_OK);
    if (d->lengths)
        assert_int_equal(clrnn_tensors_add(set, "lengths", CLRNN_DTYPE_U32, 1, &rows, d->lengths),
                         CLRNN_OK);
    add_pass(d, pass, set, train);
    if (train)
        add_parameters(d, pass, set);
    snprintf(text, sizeof text, "%s/%llu.safetensors", folder, (unsigned long long)d->seed);
    assert_int_equal(clrnn_tensors_save(set, text), CLRNN_OK);
    clrnn_tensors_destroy(&set);
}
