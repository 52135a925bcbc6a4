/* SPDX-License-Identifier: MIT
 * tests/format/test_amplifiers.c - RTNeural's JSON, state_dicts as JSON and NAM's models
 * (tests/data/models), against the numbers that came with them. */
#include "brought.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "graph/graph.h"

#define RTNEURAL "models/rtneural/"

/* A column of numbers, one a line; to be freed. */
static double *column(const char *name, size_t *count)
{
    FILE *file = fopen(test_data(name), "r");
    double *values = calloc(5000, sizeof *values);
    assert_non_null(file);
    *count = 0;
    while (*count < 5000 && fscanf(file, "%lf", &values[*count]) == 1)
        ++*count;
    fclose(file);
    return values;
}

/* One channel over time; the largest difference must be below `tolerance`. */
static void check(void **state, const char *model, double *x, size_t x_count, const double *y,
                  size_t y_count, const char *output, double tolerance)
{
    size_t count = 0;
    clrnn_graph *graph = imported(model, NULL, NULL);
    const fed in = {"x", x};
    double *got = ran(state, graph, (uint32_t)x_count, 1, NULL, &in, 1, output, &count);
    double worst = 0;
    assert_int_equal(count, y_count);
    for (size_t i = 0; i < count; i++)
        worst = got[i] - y[i] > worst   ? got[i] - y[i]
                : y[i] - got[i] > worst ? y[i] - got[i]
                                        : worst;
    if (!(worst <= tolerance))
        fail_msg("%s: error %g", model, worst);
    free(got);
    clrnn_graph_destroy(&graph);
}

static void test_rtneural(void **state)
{
    static const struct {
        const char *name, *output;
    } models[] = {{"gru", "y"},     {"gru_1d", "y"},         {"lstm", "y"},
                  {"lstm_1d", "y"}, {"gru_torch", "logits"}, {"lstm_torch", "logits"}};
    for (size_t i = 0; i < sizeof models / sizeof *models; i++) {
        char model[64], path[80];
        size_t x_count = 0, y_count = 0;
        snprintf(path, sizeof path, RTNEURAL "%s_x_python.csv", models[i].name);
        double *x = column(path, &x_count);
        snprintf(path, sizeof path, RTNEURAL "%s_y_python.csv", models[i].name);
        double *y = column(path, &y_count);
        snprintf(model, sizeof model, RTNEURAL "%s.json", models[i].name);
        check(state, model, x, x_count, y, y_count, models[i].output, 5e-7);
        free(x);
        free(y);
    }
}

/* Dense, convolution and GRU in one file. */
static void test_rtneural_full(void **state)
{
    (void)state;
    static const clrnn_node_kind kinds[] = {CLRNN_NODE_DENSE,     CLRNN_NODE_ACTIVATION,
                                            CLRNN_NODE_CONV1D,    CLRNN_NODE_ACTIVATION,
                                            CLRNN_NODE_RECURRENT, CLRNN_NODE_DENSE};
    clrnn_graph *graph = imported(RTNEURAL "full_model.json", NULL, NULL);
    assert_int_equal(clrnn_graph_nodes(graph), 6);
    for (uint32_t i = 0; i < 6; i++)
        assert_int_equal(clrnn_graph_node(graph, i)->kind, kinds[i]);
    assert_true(clrnn_graph_node(graph, 2)->causal);
    assert_int_equal(clrnn_graph_node(graph, 2)->dilation[0], 2);
    clrnn_graph_destroy(&graph);
}

static float *floats(const char *name, size_t *count)
{
    void *data = NULL;
    size_t bytes = 0;
    assert_int_equal(clr_file_read(test_data(name), &test_log, &data, &bytes), CLRNN_OK);
    *count = bytes / sizeof(float);
    return data;
}

/* A trained amplifier, from the states that it begins with. */
static void test_nam(void **state)
{
    size_t x_count = 0, y_count = 0;
    float *x = floats("models/nam/x_4096.f32", &x_count);
    float *y = floats("models/nam/y_4096.f32", &y_count);
    double *in = calloc(x_count, sizeof *in), *out = calloc(y_count, sizeof *out);
    for (size_t i = 0; i < x_count && i < y_count; i++) {
        in[i] = x[i];
        out[i] = y[i];
    }
    check(state, "models/nam/lstm.nam", in, x_count, out, y_count, "y", 5e-7);
    free(in);
    free(out);
    free(x);
    free(y);
}

/* --- small files written here ----------------------------------------------------------------- */

static const char *written(const char *text)
{
    static char path[600];
    snprintf(path, sizeof path, "%s/model.json", test_folder());
    const clr_piece piece = {text, strlen(text)};
    assert_int_equal(clr_file_write(path, &piece, 1, &test_log), CLRNN_OK);
    return path;
}

static void expect(void **state, const char *text, const double *x, uint32_t steps, const double *y,
                   size_t y_count, const char *output)
{
    clrnn_graph *graph = NULL;
    size_t count = 0;
    assert_int_equal(clrnn_graph_import(written(text), NULL, &test_log, &graph), CLRNN_OK);
    const fed in = {"x", x};
    double *got = ran(state, graph, steps, 1, NULL, &in, 1, output, &count);
    assert_int_equal(count, y_count);
    assert_true(test_error(got, y, count) < 1e-6);
    free(got);
    clrnn_graph_destroy(&graph);
}

#define MODEL(layers) "{\"in_shape\":[null,null,2],\"layers\":[" layers "]}"
#define SHAPE         "\"shape\":[null,null,2]"

/* A PReLU is several nodes, which are written as the one layer that they were. */
static void test_rtneural_prelu_back(void **state)
{
    const double x[] = {1, -2, -0.5, 3}, y[] = {1, -1, -0.125, 3};
    char path[700];
    clrnn_graph *graph = NULL, *back = NULL;
    snprintf(path, sizeof path, "%s/back.json", test_folder());
    const char *text =
        MODEL("{\"type\":\"prelu\",\"activation\":\"\"," SHAPE ",\"weights\":[[[0.25,0.5]]]},"
              "{\"type\":\"prelu\",\"activation\":\"\"," SHAPE ",\"weights\":[[[1,1]]]}");
    assert_int_equal(clrnn_graph_import(written(text), NULL, &test_log, &graph), CLRNN_OK);
    assert_int_equal(clrnn_graph_export(graph, path, "rtneural"), CLRNN_OK);
    assert_int_equal(clrnn_graph_import(path, NULL, &test_log, &back), CLRNN_OK);
    assert_int_equal(clrnn_graph_nodes(back), clrnn_graph_nodes(graph));
    size_t count = 0;
    const fed in = {"x", x};
    double *got = ran(state, back, 2, 1, NULL, &in, 1, "y", &count);
    assert_int_equal(count, 4);
    assert_true(test_error(got, y, count) < 1e-6);
    free(got);
    clrnn_graph_destroy(&graph);
    clrnn_graph_destroy(&back);
    assert_int_equal(remove(path), 0);
}

static void test_rtneural_layers(void **state)
{
    const double x[] = {1, -2, -0.5, 3};
    const double prelu[] = {1, -1, -0.125, 3};
    const double norm[] = {(1 - 0.5) / 2 * 3 + 1, (-2 + 1) / 1.0, (-0.5 - 0.5) / 2 * 3 + 1, 4};
    const double skip[] = {2, -2, -0.5, 6}, plain[] = {0.25, -1, -0.5, 4};
    expect(state,
           MODEL("{\"type\":\"prelu\",\"activation\":\"\"," SHAPE ",\"weights\":[[[0.25,0.5]]]}"),
           x, 2, prelu, 4, "y");
    expect(state,
           MODEL("{\"type\":\"batchnorm\",\"activation\":\"\"," SHAPE
                 ",\"weights\":[[3,1],[1,0],[0.5,-1],[3.5,0.5]],\"epsilon\":0.5}"),
           x, 2, norm, 4, "y");
    expect(state,
           MODEL("{\"type\":\"batchnorm\",\"activation\":\"\"," SHAPE
                 ",\"weights\":[[0.5,-1],[3.5,0.5]],\"epsilon\":0.5}"),
           x, 2, plain, 4, "y");
    expect(state,
           "{\"in_shape\":[null,null,2],\"in_skip\":1,\"layers\":[{\"type\":\"activation\","
           "\"activation\":\"relu\"," SHAPE ",\"weights\":[]}]}",
           x, 2, skip, 4, "y");
}

/* AIDA-X: gains in dB before the layers and behind what is added to them; of a sound with a setting
 * the sound alone is louder, and added. */
static void test_aida(void **state)
{
    const double x[] = {1, -1, 0.5}, louder[] = {2, -1, 1}, silent[] = {0, 0, 0};
    const double with_setting[] = {1, 2, -1, 3},
                 added[] = {3 * 10 + 5 * 2 + 10, -3 * 10 + 5 * 3 - 10};
    expect(state,
           "{\"in_shape\":[null,null,1],\"in_skip\":1,\"in_gain\":20,\"out_gain\":-20.0,"
           "\"input_batch\":[1,2],\"output_batch\":[3],\"layers\":[{\"type\":\"activation\","
           "\"activation\":\"relu\",\"shape\":[null,null,1],\"weights\":[]}]}",
           x, 3, louder, 3, "y");
    expect(state,
           "{\"in_shape\":[null,null,1],\"out_gain\":-90,\"layers\":[{\"type\":\"activation\","
           "\"activation\":\"relu\",\"shape\":[null,null,1],\"weights\":[]}]}",
           x, 3, silent, 3, "y");
    expect(
        state,
        "{\"in_shape\":[null,null,2],\"in_skip\":1,\"in_gain\":20,\"layers\":[{\"type\":\"dense\","
        "\"activation\":\"\",\"shape\":[null,null,1],\"weights\":[[[3],[5]],[0]]}]}",
        with_setting, 2, added, 2, "y");
}

/* A convolution in groups, causal and dilated: y[t] = w0 x[t-2] + w1 x[t] + b. */
static void test_rtneural_groups(void **state)
{
    const double x[] = {1, 10, 2, 20, 3, 30};
    const double y[] = {1 * 2 + 0.5, 10 * 4, 2 * 2 + 0.5, 20 * 4, 3 * 2 + 1 + 0.5, 30 * 4 + 3 * 10};
    expect(state,
           MODEL("{\"type\":\"conv1d\",\"activation\":\"\"," SHAPE
                 ",\"kernel_size\":[2],\"dilation\":[2],\"groups\":2,"
                 "\"weights\":[[[[1,3]],[[2,4]]],[0.5,0]]}"),
           x, 3, y, 6, "y");
}

/* GuitarML's files: what comes in is added, but for the setting of a knob. */
static void test_guitarml(void **state)
{
    const double x[] = {1, -1}, knob[] = {1, 7, -1, 8};
    const double y[] = {0.5 + 1, 0.5 - 1};
    expect(state,
           "{\"model_data\":{\"model\":\"SimpleRNN\",\"unit_type\":\"LSTM\",\"skip\":1,"
           "\"input_size\":2},\"state_dict\":{\"rec.weight_ih_l0\":[[0,0],[0,0],[0,0],[0,0]],"
           "\"rec.weight_hh_l0\":[[0],[0],[0],[0]],\"rec.bias_ih_l0\":[0,0,0,0],"
           "\"rec.bias_hh_l0\":[0,0,0,0],\"lin.weight\":[[3]],\"lin.bias\":[0.5]}}",
           knob, 2, y, 2, "y");
    expect(state,
           "{\"model_data\":{\"model\":\"SimpleRNN\",\"unit_type\":\"LSTM\",\"skip\":1,"
           "\"num_layers\":1},\"state_dict\":{\"rec.weight_ih_l0\":[[0],[0],[0],[0]],"
           "\"rec.weight_hh_l0\":[[0],[0],[0],[0]],\"rec.bias_ih_l0\":[0,0,0,0],"
           "\"rec.bias_hh_l0\":[0,0,0,0],\"lin.weight\":[[3]],\"lin.bias\":[0.5]}}",
           x, 2, y, 2, "y");
}

/* --- written again ---------------------------------------------------------------------------- */

#define AMPLIFIER(more, width)                                                                     \
    "{\"in_shape\":[null,null," width "],\"layers\":[{\"type\":\"dense\",\"activation\":\"tanh\"," \
    "\"shape\":[null,null,1],\"weights\":" more "}"
#define LSTM_OF(inputs, zero)                                                                   \
    "{\"model_data\":{\"model\":\"SimpleRNN\",\"unit_type\":\"LSTM\",\"skip\":1,\"input_"       \
    "size\":" inputs "},\"state_dict\":{\"rec.weight_ih_l0\":[" zero "," zero "," zero "," zero \
    "],"                                                                                        \
    "\"rec.weight_hh_l0\":[[1],[0],[0.5],[0]],\"rec.bias_ih_l0\":[0,0,1,0],"                    \
    "\"rec.bias_hh_l0\":[0,0,0,0],\"lin.weight\":[[3]],\"lin.bias\":[0.5]}}"

/* The bits of two graphs of four numbers. */
static void same_output(void **state, clrnn_graph *graph, clrnn_graph *other, const double x[4])
{
    clrnn_value_info info;
    size_t count = 0, again = 0;
    assert_true(clrnn_graph_input_at(graph, 0, &info));
    const fed in = {info.name, x}, in_other = {"x", x};
    const uint32_t steps = info.shape[2] == 2 ? 2 : 4;
    double *y = ran(state, graph, steps, 1, NULL, &in, 1, "y", &count);
    double *y_other = ran(state, other, steps, 1, NULL, &in_other, 1, "y", &again);
    assert_int_equal(count, again);
    assert_memory_equal(y, y_other, count * sizeof *y);
    free(y);
    free(y_other);
}

/* What is added, and gains in dB, come back as they were, to the bit; with a warning. */
static void test_around_back(void **state)
{
    static const char *const texts[] = {
        AMPLIFIER("[[[3]],[0.1]]", "1") "],\"in_skip\":1}",
        AMPLIFIER("[[[3]],[0.1]]", "1") "],\"in_gain\":7.3}",
        AMPLIFIER("[[[3]],[0.1]]", "1") "],\"in_skip\":1,\"in_gain\":-3.77,\"out_gain\":1e-2}",
        AMPLIFIER("[[[3]],[0.1]]", "1") "],\"out_gain\":-90}",
        AMPLIFIER("[[[3],[1]],[0.1]]", "2") "],\"in_skip\":1,\"in_gain\":1.123456789012345}",
        AMPLIFIER("[[[3]],[0.1]]", "1") ",{\"type\":\"prelu\",\"activation\":\"\","
                                        "\"shape\":[null,null,1],\"weights\":[[[0.2]]]}],"
                                        "\"in_skip\":1}",
        LSTM_OF("1", "[1]"),
        LSTM_OF("2", "[1,2]")};
    const double x[] = {0.3, -0.7, 0.11, 0.9};
    char path[700];
    snprintf(path, sizeof path, "%s/back.json", test_folder());
    for (size_t i = 0; i < 2 * (sizeof texts / sizeof *texts); i++) {
        const clrnn_import_desc desc = {.precision = i % 2 ? CLRNN_F64 : CLRNN_F32};
        clrnn_graph *graph = NULL, *back = NULL;
        assert_int_equal(clrnn_graph_import(written(texts[i / 2]), &desc, &test_log, &graph),
                         CLRNN_OK);
        test_last_error[0] = 0;
        assert_int_equal(clrnn_graph_export(graph, path, "rtneural"), CLRNN_OK);
        assert_int_equal(clrnn_graph_import(path, &desc, &test_log, &back), CLRNN_OK);
        assert_int_equal(clrnn_graph_nodes(back), clrnn_graph_nodes(graph));
        if (i % 2 == 0)
            same_output(state, graph, back, x);
        else if (i / 2 < 6) /* an LSTM's two biases are added up */
            assert_memory_equal(back->data, graph->data, graph->elements * sizeof(double));
        clrnn_graph_destroy(&graph);
        clrnn_graph_destroy(&back);
    }
    assert_int_equal(remove(path), 0);
}

/* What is added elsewhere, or is not what comes in, has no form. */
static void test_around_refused(void **state)
{
    (void)state;
    static const char *const sums[][2] = {{"a", "x"}, {"b", "a"}, {"b", "x"}};
    for (int i = 0; i < 3; i++) {
        clrnn_graph *g = NULL;
        const clrnn_graph_input_desc x = {
            .name = "x", .rank = 3, .shape = {CLRNN_STEPS, CLRNN_BATCH, 1}};
        clrnn_node_desc dense = {.kind = CLRNN_NODE_DENSE, .name = "a", .units = 1};
        clrnn_node_desc sum = {
            .kind = CLRNN_NODE_ADD, .name = "sum", .inputs = {sums[i][0], sums[i][1]}};
        char path[700];
        snprintf(path, sizeof path, "%s/sum.json", test_folder());
        assert_int_equal(clrnn_graph_create(&test_log, NULL, &g), CLRNN_OK);
        assert_int_equal(clrnn_graph_input(g, &x), CLRNN_OK);
        assert_int_equal(clrnn_graph_add(g, &dense, NULL), CLRNN_OK);
        dense.name = "b";
        if (i > 0)
            assert_int_equal(clrnn_graph_add(g, &dense, NULL), CLRNN_OK);
        assert_int_equal(clrnn_graph_add(g, &sum, NULL), CLRNN_OK);
        if (i == 0)
            assert_int_equal(clrnn_graph_add(g, &dense, NULL), CLRNN_OK);
        assert_int_equal(clrnn_graph_output(g, "y", NULL), CLRNN_OK);
        assert_int_equal(clrnn_graph_export(g, path, "rtneural"),
                         i == 2 ? CLRNN_OK : CLRNN_ERR_UNSUPPORTED);
        if (i < 2)
            assert_error_contains("node 'sum' (add): RTNeural has no form: only what comes in");
        clrnn_graph_destroy(&g);
        remove(path);
    }
}

static void test_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text, *part;
    } cases[] = {
        {MODEL("{\"type\":\"lstm\",\"activation\":\"relu\"," SHAPE ",\"weights\":[]}"),
         "layer 0 (lstm): activation relu is not supported"},
        {MODEL("{\"type\":\"dense\",\"activation\":\"gelu\"," SHAPE
               ",\"weights\":[[[1,0],[0,1]],[0,0]]}"),
         "activation gelu is not supported"},
        {MODEL("{\"type\":\"dense\"," SHAPE ",\"weights\":[[[1,0],[0]],[0,0]]}"),
         "must be numbers of shape [2,2]"},
        {MODEL("{\"type\":\"dense\"," SHAPE ",\"weights\":[[[1,0],[0,1]]]}"),
         "it has 1 arrays of weights, but needs 2"},
        {MODEL("{\"type\":\"dense\"," SHAPE ",\"weights\":[[[1,0],[0,\"1\"]],[0,0]]}"),
         "must be numbers of shape [2,2]"},
        {MODEL("{\"type\":\"attention\"," SHAPE ",\"weights\":[]}"), "its type attention"},
        {MODEL("{\"type\":\"dense\",\"strange\":1," SHAPE ",\"weights\":[]}"), "field strange"},
        {"{\"in_shape\":[null,null,1],\"layers\":[],\"in_gain\":\"3\"}",
         "in_gain \"3\" is no number"},
        {"{\"in_shape\":[null,null,1],\"layers\":[],\"gain\":3}", "field gain"},
        {"{\"in_shape\":[null,null,1],\"layers\":[]}", "no layers"},
        {MODEL("{\"type\":\"batchnorm\"," SHAPE ",\"weights\":[[1,2],[1,2]]}"), "it needs epsilon"},
        {"{\"version\":\"0.5\",\"architecture\":\"WaveNet\",\"config\":{},\"weights\":[]}",
         "architecture WaveNet is not supported"},
        {"{\"version\":\"0.5\",\"architecture\":\"LSTM\",\"config\":{\"input_size\":1,"
         "\"hidden_size\":1,\"num_layers\":1},\"weights\":[1,2,3]}",
         "it has 3 weights, but an LSTM of 1 layers of 1 units needs 16"},
        {"{\"version\":\"0.5\",\"architecture\":\"LSTM\",\"config\":{\"input_size\":1,"
         "\"hidden_size\":1048576,\"num_layers\":1048576},\"weights\":[1,2,3]}",
         "it has 3 weights"},
        {"{\"version\":\"0.5\",\"architecture\":\"LSTM\",\"config\":{\"hidden_size\":1,\"gate\":2},"
         "\"weights\":[]}",
         "config: field gate"},
        {"{\"state_dict\":{\"a.weight\":[[1],[2,3]]}}", "a.weight is no array of numbers"},
        {"{\"class_name\":\"Sequential\",\"config\":{\"layers\":[]},\"keras_version\":\"2\"}",
         "Keras without its weights: save the whole model"},
        {"{\"graph\":1,\"inputs\":[],\"nodes\":[]}", "give it as --arch"},
        {"{\"state_dict\":{},\"model_data\":{\"skip\":2}}", "skip 2 is not supported"},
        {"{\"state_dict\":{},\"model_data\":[1]}", "model_data: field [0] is not supported"},
        {"{\"state_dict\":[[1.5]],\"model_data\":{}}", "state_dict is no object"},
        {"{\"state_dict\":{},\"model_data\":{\"model\":\"WaveNet\"}}", "model WaveNet"},
    };
    refused(RTNEURAL "bad_lstm.json", "layer 0 (lstm): weights 0 are [1,80]");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        clrnn_graph *graph = NULL;
        assert_int_not_equal(clrnn_graph_import(written(cases[i].text), NULL, &test_log, &graph),
                             CLRNN_OK);
        assert_null(graph);
        assert_error_contains(cases[i].part);
    }
}

static void test_no_memory(void **state)
{
    (void)state;
    import_short_of_memory(test_data("models/nam/lstm.nam"), NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_rtneural, test_open, test_close),
        cmocka_unit_test(test_rtneural_full),
        cmocka_unit_test_setup_teardown(test_nam, test_open, test_close),
        cmocka_unit_test_setup_teardown(test_rtneural_prelu_back, test_open, test_close),
        cmocka_unit_test_setup_teardown(test_rtneural_layers, test_open, test_close),
        cmocka_unit_test_setup_teardown(test_rtneural_groups, test_open, test_close),
        cmocka_unit_test_setup_teardown(test_aida, test_open, test_close),
        cmocka_unit_test_setup_teardown(test_guitarml, test_open, test_close),
        cmocka_unit_test_setup_teardown(test_around_back, test_open, test_close),
        cmocka_unit_test(test_around_refused),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
