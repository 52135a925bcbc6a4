/* SPDX-License-Identifier: MIT
 * tests/train/learner.c - see tests/train/learner.h. */
#include "learner.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "graph/graph.h"

static void add(clrnn_graph *graph, clrnn_node_desc desc)
{
    assert_int_equal(clrnn_graph_add(graph, &desc, NULL), CLRNN_OK);
}

static void add_head(clrnn_graph *graph, learner_layout layout)
{
    add(graph,
        (clrnn_node_desc){
            .kind = CLRNN_NODE_DENSE, .name = "head", .inputs = {"narrow"}, .units = CLASSES});
    add(graph, (clrnn_node_desc){
                   .kind = CLRNN_NODE_DENSE, .name = "values", .inputs = {"wide"}, .units = 2});
    add(graph, (clrnn_node_desc){.kind = CLRNN_NODE_POOL,
                                 .name = "pooled",
                                 .inputs = {"head"},
                                 .reduction = CLRNN_REDUCE_LAST});
    if (layout == CHANNELS) {
        add(graph, (clrnn_node_desc){.kind = CLRNN_NODE_TRANSPOSE,
                                     .name = "y",
                                     .inputs = {"head"},
                                     .rank = 3,
                                     .order = {0, 2, 1}});
        add(graph, (clrnn_node_desc){.kind = CLRNN_NODE_TRANSPOSE,
                                     .name = "squares",
                                     .inputs = {"values"},
                                     .rank = 3,
                                     .order = {0, 2, 1}});
    }
    const bool plain = layout != CHANNELS;
    assert_int_equal(clrnn_graph_output(graph, "y", plain ? "head" : "y"), CLRNN_OK);
    assert_int_equal(clrnn_graph_output(graph, "last", "pooled"), CLRNN_OK);
    assert_int_equal(clrnn_graph_output(graph, "squares", plain ? "values" : "squares"), CLRNN_OK);
}

clrnn_graph *learner_graph(learner_layout layout, clrnn_precision precision, double dropout,
                           uint64_t seed)
{
    static const int64_t shapes[][3] = {{CLRNN_STEPS, CLRNN_BATCH, FEATURES},
                                        {CLRNN_BATCH, CLRNN_STEPS, FEATURES},
                                        {CLRNN_BATCH, FEATURES, CLRNN_STEPS}};
    clrnn_graph *g = NULL;
    clrnn_graph_input_desc x = {.name = "x", .rank = 3};
    memcpy(x.shape, shapes[layout], sizeof shapes[layout]);
    assert_int_equal(clrnn_graph_create(&test_log, &(clrnn_graph_desc){precision}, &g), CLRNN_OK);
    assert_int_equal(clrnn_graph_input(g, &x), CLRNN_OK);
    if (layout == CHANNELS)
        add(g, (clrnn_node_desc){
                   .kind = CLRNN_NODE_TRANSPOSE, .name = "turned", .rank = 3, .order = {0, 2, 1}});
    add(g, (clrnn_node_desc){.kind = CLRNN_NODE_CONV1D,
                             .name = "conv",
                             .units = 4,
                             .kernel = {2},
                             .causal = true,
                             .function = CLRNN_FN_TANH});
    add(g, (clrnn_node_desc){.kind = CLRNN_NODE_BATCH_NORM, .name = "norm", .axis = -1});
    add(g,
        (clrnn_node_desc){.kind = CLRNN_NODE_DROPOUT, .name = "dropout", .probability = dropout});
    add(g, (clrnn_node_desc){.kind = CLRNN_NODE_RECURRENT,
                             .name = "wide",
                             .network = {.cell = CLRNN_CELL_LSTM, .hidden_size = 7}});
    add(g, (clrnn_node_desc){.kind = CLRNN_NODE_RECURRENT,
                             .name = "narrow",
                             .network = {.cell = CLRNN_CELL_GRU, .hidden_size = 4}});
    add_head(g, layout);
    assert_int_equal(clrnn_graph_initialize(g, seed), CLRNN_OK);
    return g;
}

clrnn_trainer *learner_trainer(clrnn_context *context, clrnn_graph *graph,
                               const clrnn_graph_trainer_desc *desc)
{
    clrnn_trainer *trainer = NULL;
    assert_int_equal(clrnn_graph_trainer_create(context, graph, desc, &trainer), CLRNN_OK);
    return trainer;
}

static void *convert(clrnn_precision precision, double *values, size_t count)
{
    for (size_t i = 0; i < count && precision == CLRNN_F32; i++) {
        const float narrow = (float)values[i];
        memcpy((float *)(void *)values + i, &narrow, sizeof narrow);
    }
    return values;
}

learner_batch learner_random(clrnn_precision precision, bool ragged, uint64_t seed)
{
    enum { POSITIONS = STEPS * ROWS };
    static const uint32_t lengths[ROWS] = {3, STEPS, 1, 5};
    learner_batch b = {.io = {.steps = STEPS, .batch = ROWS}};
    double *random = test_random(POSITIONS, seed, 0.5);
    int32_t *targets = calloc(POSITIONS, sizeof *targets);
    assert_non_null(targets);
    for (size_t i = 0; i < POSITIONS; i++)
        targets[i] = i % 5 == 3 ? -1 : (int32_t)((random[i] + 0.5) * CLASSES);
    free(random);
    b.owned[0] =
        convert(precision, test_random(POSITIONS * FEATURES, seed + 1, 1), POSITIONS * FEATURES);
    b.owned[1] = targets;
    b.owned[2] =
        convert(precision, test_random(POSITIONS * CLASSES, seed + 2, 1), POSITIONS * CLASSES);
    b.io.x = b.owned[0];
    b.io.targets = targets;
    b.io.values = b.owned[2];
    b.io.lengths = ragged ? lengths : NULL;
    return b;
}

void learner_batch_free(learner_batch *batch)
{
    for (size_t i = 0; i < 3; i++)
        free(batch->owned[i]);
}

double learner_step(clrnn_trainer *trainer, const clrnn_batch *batch)
{
    double loss = NAN;
    assert_int_equal(clrnn_trainer_step(trainer, batch, &loss), CLRNN_OK);
    return loss;
}

static double *widen(const clrnn_graph *graph, double *raw)
{
    const size_t count = clrnn_graph_parameter_count(graph);
    double *out = calloc(count, sizeof *out);
    assert_non_null(out);
    for (size_t i = 0; i < count; i++)
        out[i] = graph->precision == CLRNN_F64 ? raw[i] : (double)((float *)(void *)raw)[i];
    free(raw);
    return out;
}

double *learner_parameters(clrnn_trainer *trainer, const clrnn_graph *graph)
{
    double *raw = calloc(clrnn_graph_parameter_count(graph), sizeof *raw);
    assert_non_null(raw);
    assert_int_equal(clrnn_trainer_get_parameters(trainer, raw), CLRNN_OK);
    return widen(graph, raw);
}

double *learner_gradient(clrnn_trainer *trainer, const clrnn_graph *graph)
{
    double *raw = calloc(clrnn_graph_parameter_count(graph), sizeof *raw);
    assert_non_null(raw);
    assert_int_equal(clrnn_trainer_get_gradient(trainer, raw), CLRNN_OK);
    return widen(graph, raw);
}
