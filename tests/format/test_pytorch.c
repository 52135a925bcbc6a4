/* SPDX-License-Identifier: MIT
 * tests/format/test_pytorch.c - files of torch.save (tests/data/models/pytorch): what they compute,
 * and which are refused. */
#include "brought.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FOLDER "models/pytorch/"

static clrnn_tensors *load(const char *name)
{
    clrnn_tensors *set = NULL;
    assert_int_equal(clrnn_tensors_load(test_data(name), &test_log, &set), CLRNN_OK);
    return set;
}

/* Run a file over NAME.x of the results; y must be NAME.y. */
static void check(void **state, const char *file, const char *name, const char *arch,
                  const char *output, uint32_t steps, uint32_t batch)
{
    char path[128], key[64];
    size_t x_count = 0, y_count = 0, count = 0;
    const bool own = strcmp(name, "norm") == 0;
    clrnn_tensors *results = load(own ? FOLDER "norm.safetensors" : FOLDER "results.safetensors");
    snprintf(path, sizeof path, FOLDER "%s", file);
    clrnn_graph *graph = imported(path, arch, NULL);
    snprintf(key, sizeof key, "%s.x", name);
    double *x = numbers_of(results, key, &x_count);
    snprintf(key, sizeof key, "%s.y", name);
    double *expected = numbers_of(results, key, &y_count);
    const fed in = {"x", x};
    double *y = ran(state, graph, steps, batch, NULL, &in, 1, output, &count);
    assert_int_equal(count, y_count);
    const double error = test_error(y, expected, count);
    if (error > 2e-6)
        fail_msg("%s: error %g", file, error);
    free(x);
    free(y);
    free(expected);
    clrnn_graph_destroy(&graph);
    clrnn_tensors_destroy(&results);
}

/* A checkpoint, a prefix, an embedding, a stack in both directions, a norm, a linear layer. */
static void test_by_names(void **state)
{
    check(state, "tagger.pt", "tagger", NULL, "logits", 7, 2);
}

/* Views of one storage, matrices whose elements do not stand in order; protocol 5. */
static void test_views(void **state)
{
    check(state, "views.pth", "views", NULL, "y", 5, 2);
}

/* A vocabulary beside the tensors, some of whose keys are no names: those are left out. */
static void test_keys_without_a_name(void **state)
{
    (void)state;
    clrnn_tensors *set = load(FOLDER "letters.pt");
    assert_int_equal(clrnn_tensors_count(set), 1);
    assert_non_null(clrnn_tensors_find(set, "weight"));
    assert_string_equal(clrnn_tensors_metadata(set, "letters.a"), "1");
    clrnn_tensors_destroy(&set);
}

/* Sets, bytes and NumPy's numbers beside a state_dict: nothing is kept of them. An array of
 * NumPy's, which may be weights, is refused. */
static void test_checkpoint(void **state)
{
    (void)state;
    clrnn_tensors *set = load(FOLDER "checkpoint.pt");
    assert_int_equal(clrnn_tensors_count(set), 4);
    assert_non_null(clrnn_tensors_find(set, "rnn.weight_hh_l0"));
    assert_string_equal(clrnn_tensors_metadata(set, "epoch"), "4");
    assert_string_equal(clrnn_tensors_metadata(set, "losses.train.1"), "0.5");
    clrnn_tensors_destroy(&set);
    refused(FOLDER "odd_checkpoint.pt", "it uses numpy._core.multiarray._reconstruct");
}

static void test_projected_float64(void **state)
{
    check(state, "projected.bin", "projected", NULL, "y", 6, 3);
}

/* nn.LSTMCell walked over time, bfloat16. */
static void test_cell(void **state)
{
    check(state, "cell.pt", "cell", NULL, "y", 4, 2);
}

/* The container from before 1.6. */
static void test_old(void **state)
{
    check(state, "old.pt", "old", NULL, "y", 3, 2);
}

/* What names and shapes do not say, from a file and as text. */
static void test_architecture(void **state)
{
    char path[512];
    snprintf(path, sizeof path, "%s", test_data(FOLDER "net.json"));
    check(state, "net.pt", "net", path, "y", 8, 2);
    FILE *file = fopen(path, "rb");
    char *text = calloc(1, 4096);
    assert_non_null(file);
    assert_true(fread(text, 1, 4095, file) > 0);
    fclose(file);
    check(state, "net.pt", "net", text, "y", 8, 2);
    free(text);
}

static void test_metadata(void **state)
{
    (void)state;
    clrnn_tensors *set = load(FOLDER "tagger.pt");
    assert_string_equal(clrnn_tensors_metadata(set, "epoch"), "3");
    assert_string_equal(clrnn_tensors_metadata(set, "loss"), "0.25");
    assert_string_equal(clrnn_tensors_metadata(set, "name"), "tagger");
    assert_null(clrnn_tensors_find(set, "optimizer.state.0.step"));
    clrnn_tensors_destroy(&set);
}

static void test_types(void **state)
{
    (void)state;
    clrnn_tensors *set = load(FOLDER "types.pt");
    static const struct {
        const char *name;
        clrnn_dtype dtype;
    } all[] = {
        {"float32", CLRNN_DTYPE_F32},   {"float64", CLRNN_DTYPE_F64}, {"float16", CLRNN_DTYPE_F16},
        {"bfloat16", CLRNN_DTYPE_BF16}, {"int8", CLRNN_DTYPE_I8},     {"uint8", CLRNN_DTYPE_U8},
        {"int16", CLRNN_DTYPE_I16},     {"uint16", CLRNN_DTYPE_U16},  {"int32", CLRNN_DTYPE_I32},
        {"uint32", CLRNN_DTYPE_U32},    {"int64", CLRNN_DTYPE_I64},   {"uint64", CLRNN_DTYPE_U64},
        {"bool", CLRNN_DTYPE_BOOL}};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        const clrnn_tensor *t = clrnn_tensors_find(set, all[i].name);
        double values[3];
        assert_non_null(t);
        assert_int_equal(t->dtype, all[i].dtype);
        clrnn_tensor_to_f64(t, values);
        assert_true(values[0] == 0 && values[1] == 1 && values[2] == 1);
    }
    assert_int_equal(clrnn_tensors_count(set), CLRNN_DTYPE_COUNT);
    clrnn_tensors_destroy(&set);
}

/* The message has an architecture that can be completed: it names what was found. */
static void test_template(void **state)
{
    (void)state;
    refused(FOLDER "net.pt", "{\"kind\":\"conv1d\",\"name\":\"conv\",\"inputs\":[\"x\"]");
    refused(FOLDER "net.pt", "\"kernel\":[3,0]");
    refused(FOLDER "net.pt", "stride, padding and dilation");
    /* a tensor without a module's name, and what reads it */
    refused(FOLDER "alone.pt", "\"name\":\"?\",\"has\":\"basis [2,3,4]\"}");
    refused(FOLDER "alone.pt", "\"name\":\"conv\",\"inputs\":[\"?\"]");
    refused(FOLDER "alone.pt", "\"name\":\"rnn\",\"inputs\":[\"conv\"]");
}

/* What is known of a PReLU and of a CRF: as it stands, the template is the architecture. */
static void test_slopes(void **state)
{
    clrnn_graph *graph = NULL;
    assert_int_equal(clrnn_graph_import(test_data(FOLDER "slopes.pt"), NULL, &test_log, &graph),
                     CLRNN_ERR_FORMAT);
    const char *template = strstr(test_last_error, "{\"graph\"");
    assert_non_null(template);
    char *arch = strdup(template);
    assert_null(strchr(arch, '?'));
    assert_non_null(strstr(arch, "\"unused\":[\"crf.*\"]"));
    check(state, "slopes.pt", "slopes", arch, "y", 5, 2);
    free(arch);
}

/* Weights as weight_norm leaves them, of today, of before, over another axis and over all; beside
 * the loss as a tensor. */
static void test_weight_norm(void **state)
{
    check(state, "norm_today.pt", "norm", NULL, "logits", 5, 2);
    check(state, "norm_before.pt", "norm", NULL, "logits", 5, 2);
}

static void test_prefix(void **state)
{
    (void)state;
    clrnn_graph *graph = imported(FOLDER "net.pt", NULL, "rnn.");
    assert_int_equal(clrnn_graph_nodes(graph), 1);
    clrnn_graph_destroy(&graph);
    clrnn_import_desc desc = {.prefix = "nothing."};
    assert_int_equal(clrnn_graph_import(test_data(FOLDER "net.pt"), &desc, &test_log, &graph),
                     CLRNN_ERR_FORMAT);
    assert_error_contains("no tensors whose names begin with nothing.");
}

static void test_refused(void **state)
{
    (void)state;
    refused(FOLDER "bare.pt", "a bare pickle");
    refused(FOLDER "module.pt", "torch.nn.modules.rnn.LSTM");
    refused(FOLDER "script.pt", "TorchScript");
    refused(FOLDER "program.pt2", "torch.export");
}

/* An architecture says nothing that is not understood, and leaves nothing over. */
static void test_wrong_architectures(void **state)
{
    (void)state;
    static const struct {
        const char *arch, *part;
    } cases[] = {
        {"{\"graph\":1,\"nods\":[]}", "nods: there is no such field"},
        {"{\"graph\":1,\"tensors\":[1]}", "tensors is no object"},
        {"{\"graph\":1,\"inputs\":[],\"nodes\":[{\"kind\":\"dense\",\"name\":\"a\",\"inputs\":[],"
         "\"unit\":3}]}",
         "node 'a' has a field 'unit'"},
        {"{\"graph\":1,\"inputs\":[],\"nodes\":[{\"kind\":\"recurrent\",\"name\":\"r\",\"inputs\":["
         "],\"network\":"
         "{\"cell\":\"gru\",\"hidden_size\":3,\"num_layers\":1,\"size\":3}}]}",
         "node 'r' has a field 'size'"},
        {"{\"graph\":1", "no JSON object"},
        {"/missing/arch.json", "/missing/arch.json"},
        {"{\"graph\":1,\"inputs\":[{\"name\":\"x\",\"shape\":[-1,-2,5]}],\"nodes\":[{\"kind\":"
         "\"dense\",\"name\":\"a\",\"inputs\":[],\"units\":4}],\"outputs\":[]}",
         "tensors that belong to no node"},
        {"{\"graph\":1,\"inputs\":[{\"name\":\"x\",\"shape\":[-1,-2,6]}],\"nodes\":[{\"kind\":"
         "\"dense\",\"name\":\"a\",\"inputs\":[],\"units\":4}],\"outputs\":[]}",
         "a.weight is [4,6]"},
        {"{\"graph\":1,\"inputs\":[{\"name\":\"x\",\"shape\":[-1,-2,5]}],\"nodes\":[{\"kind\":"
         "\"dense\",\"name\":\"c\",\"inputs\":[],\"units\":4}],\"outputs\":[]}",
         "there is no tensor c.weight"},
        {"{\"graph\":1,\"inputs\":[{\"name\":\"x\",\"shape\":[-1,-2,5]}],\"nodes\":[{\"kind\":"
         "\"dense\",\"name\":\"a\",\"inputs\":[],\"units\":4}],\"outputs\":[],\"tensors\":"
         "{\"b.weight\":\"a.weight\"}}",
         "b.weight is no parameter"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        clrnn_graph *graph = NULL;
        const clrnn_import_desc desc = {.arch = cases[i].arch};
        assert_int_not_equal(
            clrnn_graph_import(test_data(FOLDER "net.pt"), &desc, &test_log, &graph), CLRNN_OK);
        assert_null(graph);
        assert_error_contains(cases[i].part);
    }
}

/* Names of its own, matrices the other way round, gates in another order, tensors left out. */
static void test_mapped(void **state)
{
    (void)state;
    static const char arch[] =
        "{\"graph\":1,\"inputs\":[{\"name\":\"x\",\"shape\":[-1,-2,3]}],\"nodes\":[{\"kind\":"
        "\"recurrent\",\"name\":\"r\",\"inputs\":[],\"network\":{\"cell\":\"gru\",\"hidden_size\":"
        "4,"
        "\"num_layers\":1,\"bias\":true,\"update\":\"keeps\",\"reset\":\"after\"}}],\"outputs\":[],"
        "\"tensors\":{\"r.weight_ih_l0\":{\"tensor\":\"weight_ih_l0_reverse\",\"gates\":\"zrh\"},"
        "\"r.bias_hh_l0\":\"bias_ih_l0\"},\"unused\":[\"bias_hh*\",\"weight_hh_l0_reverse\","
        "\"weight_ih_l0\",\"bias_ih_l0_reverse\"]}";
    clrnn_graph *graph = imported(FOLDER "views.pth", arch, NULL);
    clrnn_tensors *set = load(FOLDER "views.pth");
    const float *data = clrnn_graph_data(graph);
    const float *ih = clrnn_tensors_find(set, "weight_ih_l0_reverse")->data;
    assert_memory_equal(data, ih + 12, 12 * sizeof *ih);      /* r is their second gate */
    assert_memory_equal(data + 12, ih, 12 * sizeof *ih);      /* z the first */
    assert_memory_equal(data + 24, ih + 24, 12 * sizeof *ih); /* n is their h */
    clrnn_tensors_destroy(&set);
    clrnn_graph_destroy(&graph);
}

static void test_no_memory(void **state)
{
    (void)state;
    char path[512];
    static const char *const files[] = {FOLDER "tagger.pt", FOLDER "old.pt"};
    for (int i = 0; i < 2; i++) {
        snprintf(path, sizeof path, "%s", test_data(files[i]));
        import_short_of_memory(path, NULL);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_by_names, test_open, test_close),
        cmocka_unit_test(test_keys_without_a_name),
        cmocka_unit_test_setup_teardown(test_views, test_open, test_close),
        cmocka_unit_test(test_checkpoint),
        cmocka_unit_test_setup_teardown(test_projected_float64, test_open, test_close),
        cmocka_unit_test_setup_teardown(test_cell, test_open, test_close),
        cmocka_unit_test_setup_teardown(test_old, test_open, test_close),
        cmocka_unit_test_setup_teardown(test_architecture, test_open, test_close),
        cmocka_unit_test(test_metadata),
        cmocka_unit_test(test_types),
        cmocka_unit_test(test_template),
        cmocka_unit_test_setup_teardown(test_slopes, test_open, test_close),
        cmocka_unit_test_setup_teardown(test_weight_norm, test_open, test_close),
        cmocka_unit_test(test_prefix),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_wrong_architectures),
        cmocka_unit_test(test_mapped),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
