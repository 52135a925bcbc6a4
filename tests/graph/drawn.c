/* SPDX-License-Identifier: MIT
 * tests/graph/drawn.c - see tests/graph/drawn.h. */
#include "drawn.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support.h"

#include "graph/kind.h"

enum { MOST_ENDS = 8 }; /* inputs or outputs of a graph */

uint32_t draw_below(drawn_numbers *numbers, uint32_t end)
{
    uint64_t z = numbers->state += 0x9E3779B97F4A7C15u;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    return end ? (uint32_t)((z ^ z >> 31) % end) : 0;
}

double draw_real(drawn_numbers *numbers)
{
    return (double)draw_below(numbers, 1u << 30) / (1u << 29) - 1;
}

char **drawn_arguments(int argc, char **argv, uint64_t *first, uint32_t *count)
{
    if (argc > 1)
        *first = strtoull(argv[1], NULL, 10);
    if (argc > 2)
        *count = (uint32_t)strtoul(argv[2], NULL, 10);
    return argv + (argc < 3 ? argc : 3);
}

clrnn_node_kind drawn_kind(const char *name)
{
    uint32_t kind = 0;
    while (kind < CLRNN_NODE_KINDS &&
           (!name || strcmp(name, clrnn_node_kind_name((clrnn_node_kind)kind)) != 0))
        kind++;
    return (clrnn_node_kind)kind;
}

/* --- graphs ---------------------------------------------------------------------------------- */

static bool chance(drawn_numbers *r, uint32_t percent)
{
    return draw_below(r, 100) < percent;
}

static uint32_t from_to(drawn_numbers *r, uint32_t low, uint32_t high)
{
    return low + draw_below(r, high - low + 1);
}

/* A function that is finite and smooth, or has a corner nobody meets. (What rounds has a gradient
 * that is not its own: test_elementary and test_graph_gradients.) */
static clrnn_function draw_function(drawn_numbers *r)
{
    return (clrnn_function)draw_below(r, CLRNN_FN_TO_F16);
}

/* What differs by rounding may fall on the other side of a step. */
static bool jumps(clrnn_function f)
{
    return f == CLRNN_FN_FLOOR || f == CLRNN_FN_CEIL || f == CLRNN_FN_ROUND || f == CLRNN_FN_SIGN ||
           f == CLRNN_FN_NOT;
}

static void draw_inputs(drawn_numbers *r, clrnn_graph *graph, bool image)
{
    static const int64_t layouts[][3] = {{CLRNN_STEPS, CLRNN_BATCH, 1},
                                         {CLRNN_BATCH, CLRNN_STEPS, 1},
                                         {CLRNN_BATCH, 1, CLRNN_STEPS}};
    const uint32_t layout = draw_below(r, 3);
    clrnn_graph_input_desc x = {.name = "x", .rank = 3}, w = {.name = "w", .rank = 2, .ids = true};
    const clrnn_graph_input_desc i = {
        .name = "i", .rank = 4, .shape = {CLRNN_BATCH, 2, from_to(r, 2, 4), from_to(r, 2, 4)}};
    clrnn_graph_input_desc s = {.name = "s", .rank = 2, .shape = {CLRNN_BATCH, from_to(r, 1, 4)}};
    for (uint32_t k = 0; k < 3; k++)
        x.shape[k] = layouts[layout][k] == 1 ? (int64_t)from_to(r, 1, 5) : layouts[layout][k];
    w.shape[0] = layout == 0 ? CLRNN_STEPS : CLRNN_BATCH;
    w.shape[1] = layout == 0 ? CLRNN_BATCH : CLRNN_STEPS;
    assert_int_equal(clrnn_graph_input(graph, &x), CLRNN_OK);
    if (chance(r, 30))
        assert_int_equal(clrnn_graph_input(graph, &w), CLRNN_OK);
    if (chance(r, 30))
        assert_int_equal(clrnn_graph_input(graph, &s), CLRNN_OK);
    if (chance(r, 50)) { /* a mask, in either order */
        clrnn_graph_input_desc m = {.name = "m", .rank = 2, .shape = {CLRNN_STEPS, CLRNN_BATCH}};
        if (chance(r, 50)) {
            m.shape[0] = CLRNN_BATCH;
            m.shape[1] = CLRNN_STEPS;
        }
        assert_int_equal(clrnn_graph_input(graph, &m), CLRNN_OK);
    }
    if (image || chance(r, 10))
        assert_int_equal(clrnn_graph_input(graph, &i), CLRNN_OK);
}

/* What most networks have not. */
static void draw_options(drawn_numbers *r, clrnn_network_desc *n)
{
    static const uint32_t functions[] = {
        [CLRNN_CELL_LSTM] = 3, [CLRNN_CELL_GRU] = 2, [CLRNN_CELL_RNN] = 1};
    n->single_bias = !n->no_bias && chance(r, 20);
    n->reverse = !n->bidirectional && chance(r, 20);
    n->merge = n->bidirectional && chance(r, 40) ? CLRNN_MERGE_SUM : CLRNN_MERGE_CONCAT;
    n->coupled_gates = n->cell == CLRNN_CELL_LSTM && chance(r, 10);
    n->gate_clip = chance(r, 10) ? 0.75f : 0;
    n->cell_clip = n->cell == CLRNN_CELL_LSTM && chance(r, 10) ? 0.5f : 0;
    n->layer_norm = chance(r, 20);
    n->norm_epsilon = n->layer_norm ? 0.5f : 0; /* few numbers may be nearly alike */
    n->proj_clip = n->proj_size && chance(r, 30) ? 0.2f : 0;
    n->zoneout = chance(r, 20) ? 0.25f : 0;
    n->zoneout_cell = n->cell == CLRNN_CELL_LSTM && !n->layer_norm && chance(r, 20) ? 0.5f : 0;
    n->recurrent_dropout = chance(r, 20) ? 0.25f : 0;
    for (uint32_t i = 0; i < functions[n->cell]; i++)
        for (uint32_t d = 0; d < (n->bidirectional ? 2 : 1) && chance(r, 20); d++)
            n->activations[d][i] =
                clrnn_activation_of((clrnn_function)from_to(r, CLRNN_FN_TANH, CLRNN_FN_SOFTPLUS));
}

static void draw_network(drawn_numbers *r, clrnn_network_desc *n)
{
    n->cell = (clrnn_cell)draw_below(r, 3);
    n->hidden_size = from_to(r, 1, 9);
    n->num_layers = from_to(r, 1, 2);
    n->bidirectional = chance(r, 30);
    n->no_bias = chance(r, 20);
    if (n->cell == CLRNN_CELL_LSTM && n->hidden_size > 2 && chance(r, 20))
        n->proj_size = 2;
    if (n->cell == CLRNN_CELL_LSTM)
        n->peepholes = chance(r, 20);
    if (n->cell == CLRNN_CELL_RNN)
        n->nonlinearity = (clrnn_nonlinearity)(chance(r, 20));
    if (n->cell == CLRNN_CELL_GRU) {
        n->gru_reset = (clrnn_gru_reset)draw_below(r, 2);
        n->gru_update = (clrnn_gru_update)draw_below(r, 2);
    }
    if (chance(r, 40))
        draw_options(r, n);
}

static void draw_window(drawn_numbers *r, clrnn_node_desc *d, uint32_t axes)
{
    d->units = from_to(r, 1, 3) * (d->groups = from_to(r, 1, 2));
    for (uint32_t i = 0; i < axes; i++) {
        d->kernel[i] = from_to(r, 1, 3);
        d->stride[i] = chance(r, 30) ? 2 : 1;
        d->dilation[i] = from_to(r, 1, 2);
        if (i > 0 || !chance(r, 40)) {
            d->pad_begin[i] = draw_below(r, 3);
            d->pad_end[i] = draw_below(r, 3);
        } else if (d->kind == CLRNN_NODE_CONV1D) {
            d->causal = true;
        }
    }
}

static void draw_axes(drawn_numbers *r, const clr_shape *in, clrnn_node_desc *d)
{
    for (uint32_t i = 0; i < in->rank; i++) {
        const int64_t size = (int64_t)in->size[i];
        const bool role = (int32_t)i == in->steps || (int32_t)i == in->batch;
        d->order[i] = i;
        d->end[i] = CLRNN_TO_END;
        if (role && !chance(r, (int32_t)i == in->steps ? 30 : 10))
            continue;
        d->begin[i] = (int64_t)draw_below(r, (uint32_t)(role || size > 3 ? 3 : size));
        d->step[i] = chance(r, 30) ? 2 : 0;
        if ((int32_t)i == in->batch) { /* not of one row: a recurrent node wants some */
            d->begin[i] = 0;
            d->end[i] = 1 + (int64_t)draw_below(r, 4);
        } else if (role && chance(r, 40)) { /* time turned */
            d->begin[i] = -1;
            d->step[i] = d->step[i] ? -2 : -1;
        }
        if (!role && chance(r, 20)) {
            d->begin[i] = CLRNN_TO_END;
            d->step[i] = -1;
        }
    }
    for (uint32_t i = in->rank; i > 1; i--) {
        const uint32_t k = draw_below(r, i), other = d->order[k];
        d->order[k] = d->order[i - 1];
        d->order[i - 1] = other;
    }
    d->rank = in->rank;
}

/* T and N as they are, an axis cut in two or two made one. */
static void draw_shape(drawn_numbers *r, const clr_value *value, clrnn_node_desc *d)
{
    const clr_shape *in = &value->shape;
    d->rank = 0;
    for (uint32_t i = 0; i < in->rank && d->rank < CLRNN_MOST_AXES; i++) {
        const bool role = (int32_t)i == in->steps || (int32_t)i == in->batch;
        const bool fixed = in->size[i] == value->other.size[i];
        if (!role && fixed && in->size[i] % 2 == 0 && chance(r, 50) &&
            d->rank + 2 < CLRNN_MOST_AXES) {
            d->shape[d->rank++] = 2;
            d->shape[d->rank++] = (int64_t)in->size[i] / 2;
        } else if (!role && (in->size[i] != value->other.size[i] || chance(r, 20))) {
            d->shape[d->rank++] = CLRNN_REST;
        } else {
            d->shape[d->rank++] = (int32_t)i == in->steps   ? CLRNN_STEPS
                                  : (int32_t)i == in->batch ? CLRNN_BATCH
                                                            : (int64_t)in->size[i];
        }
    }
    if (chance(r, 20))
        d->shape[d->rank++] = 1;
    if (in->batch + in->steps == 1 && chance(r, 15)) { /* rows cut otherwise: T and N are no more */
        const int64_t first = d->shape[0];
        d->shape[0] = d->shape[1];
        d->shape[1] = first;
    }
}

/* Steps left out, by the input that is there for it or what nodes have made of anything: in single
 * precision that may be 0 in one place and nearly so in another. Whether y repeats or is padded. */
static void draw_mask(drawn_numbers *r, const clrnn_graph *graph, clrnn_node_desc *d)
{
    for (uint32_t i = 1; i < 4 && chance(r, 80); i++) /* what is drawn hardly ever fits */
        d->inputs[i] = NULL;
    if (clr_graph_find(graph, "m") != CLR_NO_VALUE && chance(r, 80))
        d->inputs[4] = "m";
    else if (graph->precision == CLRNN_F64 && chance(r, 20))
        d->inputs[4] = graph->values[draw_below(r, graph->value_count)].name;
    if (!d->inputs[3] && !d->inputs[4])
        return;
    d->repeat = chance(r, 40);
    d->value = !d->repeat && chance(r, 30) ? 0.5 : 0;
}

static double constant_data[1024];

static void draw_node(drawn_numbers *r, const clrnn_graph *graph, clrnn_node_kind kind,
                      clrnn_node_desc *d)
{
    const clr_kind *row = clr_kind_of(kind);
    *d = (clrnn_node_desc){.kind = kind};
    const uint32_t most = row->most < 4 ? row->most : 4;
    const uint32_t count = most ? from_to(r, row->least, most) : 0;
    for (uint32_t i = 0; i < count; i++)
        d->inputs[i] = graph->values[draw_below(r, graph->value_count)].name;
    const clr_shape none = {0};
    const uint32_t at = count ? clr_graph_find(graph, d->inputs[0]) : 0;
    const clr_shape *in = count ? &graph->values[at].shape : &none;
    /* What nodes make differs by rounding, which a cast to whole numbers would make 1. */
    if (kind == CLRNN_NODE_CAST && !in->ids && graph->values[at].node != CLR_NO_VALUE)
        d->inputs[0] = graph->values[graph->inputs[0]].name;
    if (kind == CLRNN_NODE_COMPARE && graph->precision == CLRNN_F32)
        d->inputs[0] = d->inputs[1] = graph->values[graph->inputs[0]].name;
    if (row->uses & CLR_USES_NETWORK)
        draw_network(r, &d->network);
    if (row->uses & CLR_USES_REPEAT)
        draw_mask(r, graph, d);
    if (row->uses & CLR_USES_FUNCTION && chance(r, 70))
        d->function = draw_function(r);
    if (jumps(d->function) && graph->precision == CLRNN_F32)
        d->function = CLRNN_FN_TANH;
    if (row->uses & CLR_USES_UNITS)
        d->units = from_to(r, 1, 6);
    if (row->uses & CLR_USES_VOCABULARY)
        d->vocabulary = 5;
    d->no_bias = row->uses & CLR_USES_NO_BIAS && chance(r, 20);
    if (row->uses & CLR_USES_AXIS)
        d->axis = (int32_t)draw_below(r, in->rank ? 2 * in->rank : 1) - (int32_t)in->rank;
    if (row->uses & CLR_USES_COMPARISON)
        d->comparison = (clrnn_comparison)draw_below(r, CLRNN_COMPARISONS);
    if (row->uses & CLR_USES_REDUCTION)
        d->reduction = (clrnn_reduction)draw_below(r, CLRNN_REDUCTIONS);
    d->keep_axes = row->uses & CLR_USES_KEEP_AXES && chance(r, 30);
    if (row->uses & CLR_USES_WINDOW)
        draw_window(r, d, kind == CLRNN_NODE_CONV1D || kind == CLRNN_NODE_CONV_TRANSPOSE1D ? 1 : 2);
    if (row->uses & CLR_USES_PROBABILITY)
        d->probability = draw_below(r, 4) * 0.25;
    if (row->uses & CLR_USES_VARIATIONAL)
        d->variational = draw_below(r, 2);
    if (row->uses & (CLR_USES_BEGIN | CLR_USES_ORDER))
        draw_axes(r, in, d);
    if (row->uses & CLR_USES_ORDER && kind == CLRNN_NODE_REDUCE)
        d->rank = from_to(r, 1, in->rank ? in->rank : 1);
    if (!(row->uses & CLR_USES_ORDER))
        memset(d->order, 0, sizeof d->order);
    if (!(row->uses & CLR_USES_BEGIN)) {
        memset(d->begin, 0, sizeof d->begin);
        memset(d->end, 0, sizeof d->end);
    }
    if (!(row->uses & CLR_USES_STEP))
        memset(d->step, 0, sizeof d->step);
    if (kind == CLRNN_NODE_PAD)
        for (uint32_t i = 0; i < in->rank; i++) {
            d->begin[i] = (int64_t)draw_below(r, 4) - 1;
            d->end[i] = (int64_t)draw_below(r, 4) - 1;
            d->value = 0.5;
        }
    if (kind == CLRNN_NODE_LAYER_NORM)
        d->rank = draw_below(r, 2);
    if (kind == CLRNN_NODE_RESHAPE || kind == CLRNN_NODE_EXPAND)
        draw_shape(r, &graph->values[at], d);
    if (kind == CLRNN_NODE_CONSTANT) {
        d->rank = draw_below(r, 3);
        for (uint32_t i = 0; i < d->rank; i++)
            d->shape[i] = from_to(r, 1, 4);
        for (size_t i = 0; i < 1024; i++)
            constant_data[i] = draw_real(r);
        d->data = constant_data;
        d->trainable = chance(r, 70);
    }
}

/* Try until a node of this kind fits, or give up. */
static bool add_one(drawn_numbers *r, clrnn_graph *graph, clrnn_node_kind kind)
{
    for (int attempt = 0; attempt < 40; attempt++) {
        clrnn_node_desc d;
        const clrnn_node_kind some =
            kind == CLRNN_NODE_KINDS ? (clrnn_node_kind)draw_below(r, CLRNN_NODE_KINDS) : kind;
        draw_node(r, graph, some, &d);
        if (clrnn_graph_add(graph, &d, NULL) == CLRNN_OK)
            return true;
    }
    return false;
}

static void draw_parameters(drawn_numbers *r, clrnn_graph *graph)
{
    for (size_t i = 0; i < graph->elements; i++)
        clr_graph_put(graph, i, 0.7 * draw_real(r));
    for (size_t i = 0; i < graph->parameter_count; i++) /* a variance is positive */
        if (strstr(graph->parameters[i].info.name, "running_var"))
            for (size_t k = 0; k < graph->parameters[i].info.count; k++)
                clr_graph_put(graph, graph->parameters[i].info.offset + k, 0.5 + 0.1 * (double)k);
}

/* A plan is made for some more steps and rows than there are. */
static uint32_t most_steps(const drawn_graph *d)
{
    return d->steps + (uint32_t)(d->seed % 3);
}

static uint32_t most_rows(const drawn_graph *d)
{
    return d->batch + (uint32_t)(d->seed % 2);
}

static bool suits_all(const drawn_graph *d, uint32_t steps, uint32_t batch)
{
    clr_graph_reference r;
    const bool fits = clr_graph_reference_make(d->graph, steps, batch, NULL, &r) == CLRNN_OK;
    clr_graph_reference_free(&r);
    return fits;
}

/* T and N that suit all nodes: windows want some steps, an odd T may be what two ways to halve and
 * double it agree on. */
static bool suits(const drawn_graph *d)
{
    return suits_all(d, d->steps, d->batch) && suits_all(d, most_steps(d), most_rows(d));
}

drawn_graph draw_graph(uint64_t seed, clrnn_precision precision, uint32_t most,
                       clrnn_node_kind kind)
{
    drawn_numbers r = {seed};
    drawn_graph d = {.seed = seed};
    const clrnn_log silent = {0};
    assert_int_equal(
        clrnn_graph_create(&silent, &(clrnn_graph_desc){.precision = precision}, &d.graph),
        CLRNN_OK);
    draw_inputs(&r, d.graph, kind == CLRNN_NODE_CONV2D || kind == CLRNN_NODE_CONV_TRANSPOSE2D);
    const uint32_t count = from_to(&r, 1, most);
    for (uint32_t i = 0; i < count; i++)
        (void)add_one(&r, d.graph, i == 0 ? kind : CLRNN_NODE_KINDS);
    assert_int_equal(clrnn_graph_output(d.graph, "last", NULL), CLRNN_OK);
    for (uint32_t i = 0; i < 2; i++) {
        char name[16];
        snprintf(name, sizeof name, "more%u", i);
        const uint32_t v = draw_below(&r, d.graph->value_count);
        if (chance(&r, 40) && v != d.graph->outputs[0].value &&
            (i == 0 || d.graph->output_count < 2 || v != d.graph->outputs[1].value))
            assert_int_equal(clrnn_graph_output(d.graph, name, d.graph->values[v].name), CLRNN_OK);
    }
    draw_parameters(&r, d.graph);
    d.batch = from_to(&r, 1, 5);
    for (d.steps = from_to(&r, 1, 8); !suits(&d) && d.batch < 9;) {
        d.batch += d.steps / 40;
        d.steps = d.steps % 40 + 1;
    }
    if (d.batch == 9) {
        d.graph->log = test_log;
        (void)suits(&d);
        drawn_print(&d);
        fail_msg("no T suits it: %s", test_last_error);
    }
    if (chance(&r, 60)) {
        d.lengths = calloc(d.batch, sizeof *d.lengths);
        for (uint32_t n = 0; n < d.batch; n++)
            d.lengths[n] = draw_below(&r, d.steps + 1);
    }
    d.dropout_index = draw_below(&r, 1000);
    for (uint32_t i = 0; i < d.graph->node_count; i++)
        d.forward_only = d.forward_only || !d.graph->nodes[i].kind->backward;
    return d;
}

bool drawn_by_rows(const drawn_graph *d)
{
    const clrnn_graph *g = d->graph;
    bool *of_rows = calloc(g->value_count, sizeof *of_rows), good = true;
    for (uint32_t v = 0; v < g->value_count && good; v++) {
        const clr_value *value = &g->values[v];
        const clr_shape *s = &value->shape;
        const clr_node *node = value->node == CLR_NO_VALUE ? NULL : &g->nodes[value->node];
        of_rows[v] = s->batch != CLR_NO_AXIS;
        for (uint32_t i = 0; node && i < node->input_count; i++)
            of_rows[v] =
                of_rows[v] || (node->inputs[i] != CLR_NO_VALUE && of_rows[node->inputs[i]]);
        good = (s->batch != CLR_NO_AXIS || !of_rows[v]) && s->made == 0 &&
               (s->steps == CLR_NO_AXIS || s->lengths != CLR_ALL_STEPS);
        if (node &&
            (node->desc.kind == CLRNN_NODE_SOFTMAX || node->desc.kind == CLRNN_NODE_LOG_SOFTMAX))
            good = good && clr_shape_axis(s, node->desc.axis) != s->batch;
        if (node && node->desc.kind == CLRNN_NODE_RECURRENT) /* of two axes the first is time */
            good = good && (s->rank != 2 || s->batch != 0);
        if (node && node->desc.kind == CLRNN_NODE_GATHER) { /* from among the steps, or the rows */
            const clr_shape *x = &g->values[node->inputs[0]].shape;
            const int32_t axis = clr_shape_axis(x, node->desc.axis);
            good = good && axis != x->steps && axis != x->batch;
        }
    }
    free(of_rows);
    return good;
}

void drawn_free(drawn_graph *d)
{
    clrnn_graph_destroy(&d->graph);
    free(d->lengths);
}

void drawn_print(const drawn_graph *d)
{
    fprintf(stderr, "seed %llu: T %u, N %u%s;", (unsigned long long)d->seed, d->steps, d->batch,
            d->lengths ? " ragged" : "");
    for (uint32_t n = 0; d->lengths && n < d->batch; n++)
        fprintf(stderr, " %u", d->lengths[n]);
    for (uint32_t v = 0; v < d->graph->value_count; v++) {
        const clr_value *value = &d->graph->values[v];
        fprintf(stderr, "; %s%s", value->name, clr_value_text(&value->shape).text);
        for (uint32_t k = 0;
             value->node != CLR_NO_VALUE && k < d->graph->nodes[value->node].input_count; k++)
            fprintf(stderr, " %s",
                    d->graph->nodes[value->node].desc.inputs[k]
                        ? d->graph->nodes[value->node].desc.inputs[k]
                        : "-");
    }
    fprintf(stderr, "\n");
}

/* --- passes ---------------------------------------------------------------------------------- */

double drawn_weight(uint32_t output, size_t element)
{
    return cos(1.7 * (double)(element + 1) + output);
}

/* To and from the precision of the graph. */
static void *to_real(const clrnn_graph *g, const double *from, size_t count, bool ids)
{
    void *to = calloc(count ? count : 1, sizeof(double));
    for (size_t i = 0; i < count; i++)
        if (ids)
            ((int32_t *)to)[i] = (int32_t)from[i];
        else if (g->precision == CLRNN_F64)
            ((double *)to)[i] = from[i];
        else
            ((float *)to)[i] = (float)from[i];
    return to;
}

static double *from_real(const clrnn_graph *g, const void *from, size_t count, bool ids)
{
    double *to = calloc(count ? count : 1, sizeof(double));
    for (size_t i = 0; i < count; i++)
        to[i] = ids                         ? ((const int32_t *)from)[i]
                : g->precision == CLRNN_F64 ? ((const double *)from)[i]
                                            : (double)((const float *)from)[i];
    return to;
}

static size_t count_of(const drawn_pass *pass, uint32_t v)
{
    return clr_shape_count(&pass->reference.shapes[v]);
}

static void fill_inputs(const drawn_graph *d, drawn_pass *pass)
{
    const clrnn_graph *g = d->graph;
    drawn_numbers r = {d->seed ^ 0x5EED};
    for (uint32_t i = 0; i < g->input_count; i++) {
        const uint32_t v = g->inputs[i];
        const bool is_mask = strcmp(g->values[v].name, "m") == 0;
        for (size_t k = 0; k < count_of(pass, v); k++)
            pass->reference.values[v][k] = g->values[v].shape.ids              ? draw_below(&r, 5)
                                           : is_mask && draw_below(&r, 3) == 0 ? 0
                                           : g->precision == CLRNN_F64
                                               ? draw_real(&r)
                                               : (double)(float)draw_real(&r);
    }
}

static void run_plan(const drawn_graph *d, drawn_pass *pass)
{
    const clrnn_graph *g = d->graph;
    clrnn_graph_source in[MOST_ENDS] = {{0}};
    clrnn_graph_sink out[MOST_ENDS] = {{0}};
    void *inputs[MOST_ENDS] = {NULL}, *outputs[MOST_ENDS] = {NULL};
    for (uint32_t i = 0; i < g->input_count; i++) {
        const uint32_t v = g->inputs[i];
        inputs[i] =
            to_real(g, pass->reference.values[v], count_of(pass, v), g->values[v].shape.ids);
        in[i] = (clrnn_graph_source){g->values[v].name, inputs[i]};
    }
    for (uint32_t i = 0; i < g->output_count; i++) {
        outputs[i] = calloc(count_of(pass, g->outputs[i].value) + 1, sizeof(double));
        out[i] = (clrnn_graph_sink){g->outputs[i].name, outputs[i]};
    }
    const clrnn_graph_io io = {.steps = d->steps,
                               .batch = d->batch,
                               .lengths = d->lengths,
                               .inputs = in,
                               .outputs = out,
                               .input_count = g->input_count,
                               .output_count = g->output_count,
                               .dropout_seed = d->seed,
                               .dropout_index = d->dropout_index};
    if (clrnn_graph_plan_forward(pass->plan, &io) != CLRNN_OK) {
        drawn_print(d);
        fail_msg("forward: %s", test_last_error);
    }
    for (uint32_t i = 0; i < g->output_count; i++) {
        const uint32_t v = g->outputs[i].value;
        free(pass->outputs[i]);
        pass->outputs[i] = from_real(g, outputs[i], count_of(pass, v), g->values[v].shape.ids);
        free(outputs[i]);
    }
    for (uint32_t i = 0; i < g->input_count; i++)
        free(inputs[i]);
}

static void go_back(const drawn_graph *d, drawn_pass *pass)
{
    const clrnn_graph *g = d->graph;
    clrnn_graph_source dy[MOST_ENDS] = {{0}};
    clrnn_graph_sink dx[MOST_ENDS] = {{0}};
    void *sources[MOST_ENDS] = {NULL}, *sinks[MOST_ENDS] = {NULL};
    uint32_t wanted = 0;
    void *gradient = calloc(g->elements + 1, sizeof(double));
    for (uint32_t i = 0; i < g->output_count; i++) {
        const uint32_t v = g->outputs[i].value;
        for (size_t k = 0; k < count_of(pass, v); k++)
            pass->reference.gradients[v][k] =
                g->precision == CLRNN_F64 ? drawn_weight(i, k) : (double)(float)drawn_weight(i, k);
        sources[i] = to_real(g, pass->reference.gradients[v], count_of(pass, v), false);
        dy[i] = (clrnn_graph_source){g->outputs[i].name, sources[i]};
    }
    for (uint32_t i = 0; i < g->input_count; i++)
        if (!g->values[g->inputs[i]].shape.ids) {
            sinks[i] = calloc(count_of(pass, g->inputs[i]) + 1, sizeof(double));
            dx[wanted++] = (clrnn_graph_sink){g->values[g->inputs[i]].name, sinks[i]};
        }
    if (clrnn_graph_plan_backward(pass->plan,
                                  &(clrnn_graph_gradients){.outputs = dy,
                                                           .inputs = dx,
                                                           .output_count = g->output_count,
                                                           .input_count = wanted,
                                                           .parameters = gradient}) != CLRNN_OK) {
        drawn_print(d);
        fail_msg("backward: %s", test_last_error);
    }
    for (uint32_t i = 0; i < g->input_count; i++)
        if (sinks[i]) {
            pass->input_gradients[i] = from_real(g, sinks[i], count_of(pass, g->inputs[i]), false);
            free(sinks[i]);
        }
    pass->gradient = from_real(g, gradient, g->elements, false);
    for (uint32_t i = 0; i < g->output_count; i++)
        free(sources[i]);
    free(gradient);
}

drawn_pass drawn_run(const drawn_graph *d, clrnn_context *context, bool train)
{
    const clrnn_graph *g = d->graph;
    drawn_pass pass = {0};
    const clrnn_graph_plan_desc desc = {.max_steps = most_steps(d),
                                        .max_batch = most_rows(d),
                                        .train = train,
                                        .input_gradients = train};
    if (g->precision == CLRNN_F64)
        test_need(context, TEST_DOUBLES);
    assert_int_equal(clr_graph_reference_make(g, d->steps, d->batch, d->lengths, &pass.reference),
                     CLRNN_OK);
    pass.reference.train = train;
    pass.reference.dropout_seed = d->seed;
    pass.reference.dropout_index = d->dropout_index;
    pass.outputs = calloc(MOST_ENDS, sizeof *pass.outputs);
    pass.input_gradients = calloc(MOST_ENDS, sizeof *pass.input_gradients);
    fill_inputs(d, &pass);
    if (clrnn_graph_plan_create(context, d->graph, &desc, &pass.plan) != CLRNN_OK) {
        drawn_print(d);
        fail_msg("plan: %s", test_last_error);
    }
    run_plan(d, &pass);
    assert_int_equal(clr_graph_reference_forward(&pass.reference), CLRNN_OK);
    if (train) {
        go_back(d, &pass);
        assert_int_equal(clr_graph_reference_backward(&pass.reference), CLRNN_OK);
    }
    void *parameters = calloc(g->elements + 1, sizeof(double));
    assert_int_equal(clrnn_graph_plan_get_parameters(pass.plan, parameters), CLRNN_OK);
    pass.parameters = from_real(g, parameters, g->elements, false);
    free(parameters);
    return pass;
}

void drawn_check(const drawn_graph *d, const drawn_pass *pass, double bound)
{
    char name[64];
    const double error = drawn_error(d, pass, false, name);
    if (!(error <= (d->graph->precision == CLRNN_F64 ? bound : 1e-5))) {
        drawn_print(d);
        fail_msg("seed %llu: %s differs by %g", (unsigned long long)d->seed, name, error);
    }
}

double drawn_loss(const drawn_graph *d, drawn_pass *pass)
{
    double loss = 0;
    run_plan(d, pass);
    for (uint32_t i = 0; i < d->graph->output_count; i++)
        for (size_t k = 0; k < count_of(pass, d->graph->outputs[i].value); k++)
            loss += pass->outputs[i][k] * drawn_weight(i, k);
    return loss;
}

void drawn_pass_free(const drawn_graph *d, drawn_pass *pass)
{
    clrnn_graph_plan_destroy(&pass->plan);
    for (uint32_t i = 0; i < d->graph->output_count; i++)
        free(pass->outputs[i]);
    for (uint32_t i = 0; i < d->graph->input_count; i++)
        free(pass->input_gradients[i]);
    free(pass->outputs);
    free(pass->input_gradients);
    free(pass->gradient);
    free(pass->parameters);
    clr_graph_reference_free(&pass->reference);
}

static void worse(double *worst, char name[64], double error, const char *what, const char *of)
{
    if (error <= *worst)
        return;
    *worst = error;
    snprintf(name, 64, "%s %s", what, of);
}

/* Infinity and NaN go different ways back: 0 times NaN is NaN, a product that is left out is none.
 */
static bool is_finite(const drawn_graph *d, const drawn_pass *pass)
{
    for (uint32_t v = 0; v < d->graph->value_count; v++)
        for (size_t i = 0; i < count_of(pass, v); i++)
            if (!isfinite(pass->reference.values[v][i]) ||
                !isfinite(pass->reference.gradients[v][i]))
                return false;
    return true;
}

/* test_error, but what is small is compared with 1/1000, in single precision with 1: a sum that
 * cancels out, as of the gradients that a norm gives, is nothing but rounding. */
static double error_of(const drawn_graph *d, const double *a, const double *b, size_t count)
{
    const double least = d->graph->precision == CLRNN_F64 ? 1e-3 : 1;
    double largest = 0;
    for (size_t i = 0; i < count; i++)
        largest = fmax(largest, fabs(b[i]));
    const double error = test_error(a, b, count);
    if (least == 1 && largest > 1e6) /* floats overflow where doubles do not */
        return 0;
    return largest > 0 && largest < least ? error * largest / least : error;
}

double drawn_error(const drawn_graph *d, const drawn_pass *pass, bool train, char name[64])
{
    const clrnn_graph *g = d->graph;
    const clr_graph_reference *r = &pass->reference;
    double worst = 0;
    train = train && is_finite(d, pass);
    snprintf(name, 64, "-");
    for (uint32_t i = 0; i < g->output_count; i++) {
        const uint32_t v = g->outputs[i].value;
        worse(&worst, name, error_of(d, pass->outputs[i], r->values[v], count_of(pass, v)),
              "output", g->outputs[i].name);
    }
    for (uint32_t i = 0; train && i < g->input_count; i++)
        if (pass->input_gradients[i])
            worse(&worst, name,
                  error_of(d, pass->input_gradients[i], r->gradients[g->inputs[i]],
                           count_of(pass, g->inputs[i])),
                  "gradient of", g->values[g->inputs[i]].name);
    for (size_t i = 0; i < g->parameter_count; i++) {
        const clrnn_graph_parameter *p = &g->parameters[i].info;
        if (train)
            worse(&worst, name,
                  error_of(d, pass->gradient + p->offset, r->gradient + p->offset, p->count),
                  "gradient of", p->name);
        worse(&worst, name,
              error_of(d, pass->parameters + p->offset, r->parameters + p->offset, p->count),
              "parameter", p->name);
    }
    return worst;
}
