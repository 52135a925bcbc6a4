/* SPDX-License-Identifier: MIT
 * tests/format/test_keras.c - Keras's own tests of its recurrent layers (tests/data/models/keras)
 * as models, without a file: config and weights as the reader has them. */
#include "brought.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "base/file.h"
#include "format/keras/keras.h"

/* Lengths do what a mask does that ends each row, if its steps do not repeat the output. */
enum { CASES = 47, MASKED = 18, ENDED = 3 };

typedef struct layer_case {
    const cJSON *json, *attributes, *inputs;
    const char *type;
    uint32_t units, features, steps, batch;
    clrnn_tensors *weights;
} layer_case;

static const cJSON *get(const cJSON *object, const char *name)
{
    return cJSON_GetObjectItemCaseSensitive(object, name);
}

static double number(const cJSON *object, const char *name)
{
    assert_true(cJSON_IsNumber(get(object, name)));
    return get(object, name)->valuedouble;
}

static bool flag(const cJSON *object, const char *name, bool otherwise)
{
    return get(object, name) ? cJSON_IsTrue(get(object, name)) : otherwise;
}

/* {"shape": [..], "data": [..]} as float64, to be freed. */
static double *array_of(const cJSON *array, size_t *count)
{
    const cJSON *data = get(array, "data");
    *count = (size_t)cJSON_GetArraySize(data);
    double *values = calloc(*count + 1, sizeof *values), *to = values;
    for (const cJSON *i = data->child; i; i = i->next)
        *to++ = i->valuedouble;
    return values;
}

static void add_weight(layer_case *c, const char *name, uint32_t rank, uint64_t a, uint64_t b,
                       double value)
{
    const uint64_t shape[] = {a, b};
    const size_t count = (size_t)(rank == 2 ? a * b : a);
    double *values = calloc(count, sizeof *values);
    for (size_t i = 0; i < count; i++)
        values[i] = value;
    assert_int_equal(clrnn_tensors_add(c->weights, name, CLRNN_DTYPE_F64, rank, shape, values),
                     CLRNN_OK);
    free(values);
}

/* All weights of a kind are one number; the LSTM's forget gate has the bias 1. */
static void make_weights(layer_case *c)
{
    const bool lstm = strcmp(c->type, "LSTM") == 0, gru = strcmp(c->type, "GRU") == 0;
    const uint64_t H = c->units, wide = (lstm ? 4 : gru ? 3 : 1) * H;
    const double bias = number(c->attributes, "bias_initializer");
    char name[64], group[32];
    snprintf(group, sizeof group, "layers/%s/cell/vars",
             lstm  ? "lstm"
             : gru ? "gru"
                   : "simple_rnn");
    assert_int_equal(clrnn_tensors_create(&test_log, &c->weights), CLRNN_OK);
    snprintf(name, sizeof name, "%s/0", group);
    add_weight(c, name, 2, c->features, wide, number(c->attributes, "kernel_initializer"));
    snprintf(name, sizeof name, "%s/1", group);
    add_weight(c, name, 2, H, wide, number(c->attributes, "recurrent_initializer"));
    snprintf(name, sizeof name, "%s/2", group);
    if (gru && flag(c->attributes, "reset_after", true))
        add_weight(c, name, 2, 2, wide, bias);
    else
        add_weight(c, name, 1, wide, 0, bias);
    if (lstm && flag(c->attributes, "unit_forget_bias", true)) {
        double *b = (double *)(uintptr_t)clrnn_tensors_find(c->weights, name)->data;
        for (uint64_t i = H; i < 2 * H; i++)
            b[i] = 1;
    }
}

/* The config of a functional model: x, and states if there are any, into the layer. */
static cJSON *make_model(const layer_case *c, int states, bool masked)
{
    static const char mask[] =
        ",{\"class_name\":\"InputLayer\",\"config\":{\"name\":\"m\",\"batch_shape\":[null,null],"
        "\"dtype\":\"bool\"},\"inbound_nodes\":[]}";
    char text[4000], inputs[600] = "", history[600] = "";
    cJSON *config = cJSON_Duplicate(c->attributes, true);
    for (int i = 0; i < states; i++) {
        snprintf(inputs + strlen(inputs), sizeof inputs - strlen(inputs),
                 ",{\"class_name\":\"InputLayer\",\"config\":{\"name\":\"s%d\",\"batch_shape\":"
                 "[null,%u]},\"inbound_nodes\":[]}",
                 i, c->units);
        snprintf(history + strlen(history), sizeof history - strlen(history), ",[\"s%d\",0,0,{}]",
                 i);
    }
    cJSON_DeleteItemFromObject(config, "kernel_initializer");
    cJSON_DeleteItemFromObject(config, "recurrent_initializer");
    cJSON_DeleteItemFromObject(config, "bias_initializer");
    cJSON_AddStringToObject(config, "name", "layer");
    if (strcmp(c->type, "GRU") == 0 && !get(config, "reset_after"))
        cJSON_AddTrueToObject(config, "reset_after");
    char *printed = cJSON_PrintUnformatted(config);
    snprintf(
        text, sizeof text,
        "{\"class_name\":\"Functional\",\"config\":{\"layers\":[{\"class_name\":\"InputLayer\","
        "\"config\":{\"name\":\"x\",\"batch_shape\":[null,%u,%u]},\"inbound_nodes\":[]}%s%s,"
        "{\"class_name\":\"%s\",\"config\":%s,\"inbound_nodes\":[[[\"x\",0,0,{%s}]%s]]}],"
        "\"output_layers\":[[\"layer\",0,0]]}}",
        c->steps, c->features, inputs, masked ? mask : "", c->type, printed,
        masked ? "\"mask\":[\"m\",0,0]" : "", history);
    free(printed);
    cJSON_Delete(config);
    cJSON *model = cJSON_Parse(text);
    assert_non_null(model);
    return model;
}

/* The mask as it is fed, [N,T] (to be freed); whether lengths are the same, then *lengths. */
static double *take_mask(const layer_case *c, uint32_t *lengths, bool *ended)
{
    double *values = calloc((size_t)c->batch * c->steps, sizeof *values), *to = values;
    const cJSON *mask = get(c->inputs, "mask");
    const bool repeats = flag(c->attributes, "return_sequences", false) &&
                         !flag(c->attributes, "zero_output_for_mask", false);
    bool ends = true;
    uint32_t n = 0;
    for (const cJSON *row = mask->child; row; row = row->next, n++) {
        bool on = true;
        lengths[n] = 0;
        for (const cJSON *i = row->child; i; i = i->next) {
            ends = ends && (on || !i->valueint);
            on = on && i->valueint;
            lengths[n] += on;
            *to++ = i->valueint;
        }
    }
    assert_true(to == values + (size_t)c->batch * c->steps);
    *ended = ends && !repeats;
    return values;
}

/* A test that compares y of row 0 or 1 alone. */
static void compare(const layer_case *c, const double *y, size_t count)
{
    const char *which = get(c->json, "compare")->valuestring;
    size_t expected_count = 0;
    double *expected = array_of(get(c->json, "expected"), &expected_count);
    if (strncmp(which, "output[", 7) == 0)
        y += (size_t)(which[7] - '0') * expected_count;
    else
        assert_int_equal(count, expected_count);
    for (size_t i = 0; i < expected_count; i++)
        if (!(y[i] - expected[i] < 1e-5 && expected[i] - y[i] < 1e-5))
            fail_msg("%s: element %zu is %g, not %g", get(c->json, "id")->valuestring, i, y[i],
                     expected[i]);
    free(expected);
}

static void run_case(void **state, layer_case *c, const uint32_t *lengths, const double *mask)
{
    const cJSON *given = get(c->inputs, "initial_state");
    double *states[2] = {NULL, NULL};
    size_t count = 0;
    if (!cJSON_IsArray(given))
        given = get(c->inputs, "stateful_prior_state");
    const int n = cJSON_IsArray(given) ? cJSON_GetArraySize(given) : 0;
    fed in[] = {{"x", array_of(get(c->inputs, "sequence"), &count)},
                {"s0", NULL},
                {"s1", NULL},
                {NULL, NULL}};
    if (mask)
        in[n + 1] = (fed){"m", mask};
    for (int i = 0; i < n; i++)
        in[i + 1].data = states[i] = array_of(cJSON_GetArrayItem(given, i), &count);
    cJSON *model = make_model(c, n, mask != NULL);
    clrnn_graph *graph = NULL;
    make_weights(c);
    assert_int_equal(clr_keras_build(model, c->weights, false, "case", &(clrnn_import_desc){0},
                                     &test_log, &graph),
                     CLRNN_OK);
    double *y = ran(state, graph, c->steps, c->batch, lengths, in, (uint32_t)n + 1 + (mask != NULL),
                    "layer", &count);
    compare(c, y, count);
    free(y);
    free((void *)(uintptr_t)in[0].data);
    free(states[0]);
    free(states[1]);
    cJSON_Delete(model);
    clrnn_tensors_destroy(&c->weights);
    clrnn_graph_destroy(&graph);
}

static void test_layers(void **state)
{
    void *text = NULL;
    size_t size = 0;
    int done = 0, masked = 0, ended = 0;
    assert_int_equal(
        clr_file_read(test_data("models/keras/keras_rnn.json"), &test_log, &text, &size), CLRNN_OK);
    cJSON *root = cJSON_Parse(text);
    for (const cJSON *i = get(root, "cases")->child; i; i = i->next) {
        layer_case c = {.json = i, .attributes = get(i, "attributes"), .inputs = get(i, "inputs")};
        const cJSON *shape = get(get(c.inputs, "sequence"), "shape");
        c.type = get(i, "op")->valuestring;
        c.units = (uint32_t)number(c.attributes, "units");
        c.batch = (uint32_t)cJSON_GetArrayItem(shape, 0)->valueint;
        c.steps = (uint32_t)cJSON_GetArrayItem(shape, 1)->valueint;
        c.features = (uint32_t)cJSON_GetArrayItem(shape, 2)->valueint;
        uint32_t lengths[8];
        bool ends = false;
        assert_true(c.batch <= 8);
        double *mask = cJSON_IsArray(get(c.inputs, "mask")) ? take_mask(&c, lengths, &ends) : NULL;
        run_case(state, &c, NULL, mask);
        if (ends)
            run_case(state, &c, lengths, NULL);
        masked += mask != NULL;
        ended += ends;
        done++;
        free(mask);
    }
    assert_int_equal(done, CASES);
    assert_int_equal(masked, MASKED);
    assert_int_equal(ended, ENDED);
    cJSON_Delete(root);
    free(text);
}

/* --- configs ---------------------------------------------------------------------------------- */

#define ROW(layers)                                                                          \
    "{\"class_name\":\"Sequential\",\"config\":{\"layers\":[{\"class_name\":\"InputLayer\"," \
    "\"config\":{\"name\":\"i\",\"batch_shape\":[null,null,2]}}," layers "]}}"
#define LAYER(type, config) "{\"class_name\":\"" type "\",\"config\":{\"name\":\"l\"" config "}}"

/* What is not known is named with its layer. */
static void test_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text, *part;
    } cases[] = {
        {ROW(LAYER("Lambda", "")), "layer l (Lambda): a layer of class Lambda"},
        {ROW(LAYER("Dense", ",\"units\":2,\"strange\":1")), "its config's strange"},
        {ROW(LAYER("Activation", ",\"activation\":\"tanhh\"")), "activation tanhh"},
        {ROW(LAYER("Dense", ",\"units\":2")), "its weight 0 of shape [2,2] is not in the file"},
        {ROW(LAYER("Dense", ",\"units\":-2")), "units is no size"},
        {ROW(LAYER("Dense", ",\"units\":2,\"dtype\":{\"class_name\":\"QuantizedDTypePolicy\"}")),
         "a policy that quantises"},
        {ROW(LAYER("LSTM", ",\"units\":2,\"activation\":\"gelu\"")), "in a cell the function gelu"},
        {ROW(LAYER("LSTM", ",\"units\":2,\"time_major\":true")), "its config's time_major"},
        {ROW(LAYER("Masking", ",\"mask_value\":{\"config\":1}")), "a mask_value that is no number"},
        {ROW(LAYER("Masking", "") "," LAYER("Softmax", "")), "of what it reads a mask"},
        {ROW(LAYER("Bidirectional", ",\"merge_mode\":\"max\",\"layer\":{\"class_name\":\"GRU\","
                                    "\"config\":{\"units\":2}}")),
         "its weight 0"},
        {ROW(LAYER("TimeDistributed", ",\"layer\":{\"class_name\":\"Own\",\"config\":{}}")),
         "a layer of class Own"},
        {ROW(LAYER("Conv1D", ",\"filters\":2,\"kernel_size\":[3],\"strides\":[2],"
                             "\"dilation_rate\":[1],\"padding\":\"same\"")),
         "same with strides"},
        {ROW(LAYER("BatchNormalization", ",\"axis\":1")), "axis 1"},
        {ROW(LAYER("Flatten", "")), "time made into features"},
        {ROW("{\"class_name\":\"Dense\"}"), "case: damaged: a layer without config or name"},
        {"{\"class_name\":\"Model\",\"config\":{\"layers\":[{\"class_name\":\"Dense\",\"config\":{"
         "\"name\":\"a\"},\"inbound_nodes\":[[[\"b\",0,0,{}]]]},{\"class_name\":\"Dense\","
         "\"config\":{\"name\":\"b\"},\"inbound_nodes\":[[[\"a\",0,0,{}]]]}]}}",
         "read each other in a circle"},
        {"{\"class_name\":\"Model\",\"config\":{\"layers\":[{\"class_name\":\"Dense\",\"config\":{"
         "\"name\":\"a\"},\"inbound_nodes\":[[[\"c\",0,0,{}]]]}]}}",
         "reads one that there is not"},
        {"{\"class_name\":\"Subclassed\",\"config\":{}}", "a model of class Subclassed"},
        {ROW(LAYER("MaxPooling1D", ",\"pool_size\":2048") "," LAYER("AveragePooling1D",
                                                                    ",\"pool_size\":2049")),
         "windows of more than 4096 in all"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        clrnn_graph *graph = NULL;
        clrnn_tensors *none = NULL;
        cJSON *model = cJSON_Parse(cases[i].text);
        assert_non_null(model);
        assert_int_equal(clrnn_tensors_create(&test_log, &none), CLRNN_OK);
        assert_int_not_equal(
            clr_keras_build(model, none, false, "case", &(clrnn_import_desc){0}, &test_log, &graph),
            CLRNN_OK);
        assert_error_contains(cases[i].part);
        clrnn_graph_destroy(&graph);
        clrnn_tensors_destroy(&none);
        cJSON_Delete(model);
    }
}

/* --- rules of versions ------------------------------------------------------------------------ */

#define MASKED(name)                                                                         \
    "{\"class_name\":\"InputLayer\",\"config\":{\"name\":\"" name                            \
    "\",\"batch_shape\":[null,null,1]},"                                                     \
    "\"inbound_nodes\":[]},{\"class_name\":\"Masking\",\"config\":{\"name\":\"m" name "\"}," \
    "\"inbound_nodes\":[[[\"" name "\",0,0,{}]]]},"

/* A step that one of two added values masks: left out before Keras 3, and not since. */
static void test_versions(void **state)
{
    static const char text[] = "{\"class_name\":\"Functional\",\"config\":{\"layers\":[" MASKED("a")
        MASKED("b") "{\"class_name\":\"Add\",\"config\":{\"name\":\"sum\"},\"inbound_nodes\":[[["
                    "\"ma\",0,0,{}],"
                    "[\"mb\",0,0,{}]]]},{\"class_name\":\"SimpleRNN\",\"config\":{\"name\":"
                    "\"layer\",\"units\":1,"
                    "\"return_sequences\":true},\"inbound_nodes\":[[[\"sum\",0,0,{}]]]}],"
                    "\"output_layers\":[[\"layer\",0,0]]}}";
    static const double a[] = {1, 0, 2, 0}, b[] = {1, 1, 1, 0};
    const fed in[] = {{"a", a}, {"b", b}};
    layer_case c = {.type = "SimpleRNN", .units = 1, .features = 1};
    cJSON *attributes = cJSON_Parse("{\"kernel_initializer\":0.5,\"recurrent_initializer\":0.25,"
                                    "\"bias_initializer\":0.125}");
    cJSON *model = cJSON_Parse(text);
    assert_non_null(model);
    c.attributes = attributes;
    make_weights(&c);
    for (int before_3 = 0; before_3 < 2; before_3++) {
        clrnn_graph *graph = NULL;
        size_t count = 0;
        assert_int_equal(clr_keras_build(model, c.weights, before_3, "case",
                                         &(clrnn_import_desc){0}, &test_log, &graph),
                         CLRNN_OK);
        double *y = ran(state, graph, 4, 1, NULL, in, 2, "layer", &count);
        assert_int_equal(count, 4);
        assert_true((y[1] == y[0]) == before_3);
        assert_true(y[2] != y[1]);
        assert_true(y[3] == y[2]); /* both mask it */
        free(y);
        clrnn_graph_destroy(&graph);
    }
    clrnn_tensors_destroy(&c.weights);
    cJSON_Delete(attributes);
    cJSON_Delete(model);
}

/* What a layer drops when it is trained, of x and of h, stays; at 1 Keras drops nothing. */
static void check_dropout(const layer_case *c, const char *text, double of_x, double of_h)
{
    clrnn_graph *graph = NULL;
    cJSON *model = cJSON_Parse(text);
    assert_non_null(model);
    assert_int_equal(clr_keras_build(model, c->weights, false, "case", &(clrnn_import_desc){0},
                                     &test_log, &graph),
                     CLRNN_OK);
    const clrnn_node_desc *first = clrnn_graph_node(graph, 0),
                          *layer = clrnn_graph_node(graph, of_x > 0);
    assert_int_equal(first->kind, of_x > 0 ? CLRNN_NODE_DROPOUT : CLRNN_NODE_RECURRENT);
    assert_true(first->probability == of_x && first->variational == (of_x > 0));
    assert_int_equal(layer->kind, CLRNN_NODE_RECURRENT);
    assert_true(layer->network.recurrent_dropout == of_h);
    clrnn_graph_destroy(&graph);
    cJSON_Delete(model);
}

#define RATES(x, h) ",\"units\":1,\"dropout\":" x ",\"recurrent_dropout\":" h

static void test_dropout(void **state)
{
    (void)state;
    layer_case c = {.type = "SimpleRNN", .units = 1, .features = 2};
    cJSON *attributes = cJSON_Parse("{\"kernel_initializer\":1,\"recurrent_initializer\":1,"
                                    "\"bias_initializer\":1}");
    c.attributes = attributes;
    make_weights(&c);
    check_dropout(&c, ROW(LAYER("SimpleRNN", RATES("0", "0.5"))), 0, 0.5);
    check_dropout(&c, ROW(LAYER("SimpleRNN", RATES("0.25", "0.0"))), 0.25, 0);
    check_dropout(&c, ROW(LAYER("SimpleRNN", RATES("0.25", "0.5"))), 0.25, 0.5);
    check_dropout(&c, ROW(LAYER("SimpleRNN", RATES("1", "-1"))), 0, 0);
    check_dropout(&c, ROW(LAYER("SimpleRNN", RATES("null", "0.999999999"))), 0, 0);
    clrnn_tensors_destroy(&c.weights);
    cJSON_Delete(attributes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_layers, test_open, test_close),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_dropout),
        cmocka_unit_test_setup_teardown(test_versions, test_open, test_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
