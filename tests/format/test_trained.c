/* SPDX-License-Identifier: MIT
 * tests/format/test_trained.c - models that somebody has trained and uses (tests/data/models): a
 * denoiser, a reader of digits. */
#include "brought.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"

static double *floats(const char *name, size_t *count)
{
    void *data = NULL;
    size_t bytes = 0;
    assert_int_equal(clr_file_read(test_data(name), &test_log, &data, &bytes), CLRNN_OK);
    *count = bytes / sizeof(float);
    double *out = calloc(*count, sizeof *out);
    for (size_t i = 0; i < *count; i++)
        out[i] = ((float *)data)[i];
    free(data);
    return out;
}

/* DTLN's first model: a step a call, both states in one array that goes out and comes in. */
static void test_denoiser(void **state)
{
    enum { STEPS = 60, BINS = 257, STATES = 2 * 128 * 2 };
    clrnn_graph *graph = NULL;
    size_t x_count = 0, y_count = 0;
    double *x = floats("models/dtln/mag_60x257.f32", &x_count);
    double *wanted = floats("models/dtln/mask_60x257.f32", &y_count);
    double *got = calloc(STEPS * BINS, sizeof *got), *states = calloc(STATES, sizeof *states);
    clrnn_status status =
        clrnn_graph_import(test_data("models/dtln/model_1.onnx"), NULL, &test_log, &graph);
    if (status == CLRNN_ERR_UNSUPPORTED && strstr(test_last_error, "protobuf-c"))
        skip();
    assert_int_equal(status, CLRNN_OK);
    assert_int_equal(x_count, STEPS * BINS);
    assert_int_equal(y_count, STEPS * BINS);
    for (size_t t = 0; t < STEPS; t++) {
        const fed in[] = {{"input_2", x + t * BINS}, {"input_3", states}};
        size_t count = 0;
        double *mask = ran(state, graph, 1, 1, NULL, in, 2, "activation_2", &count);
        assert_int_equal(count, BINS);
        memcpy(got + t * BINS, mask, BINS * sizeof *mask);
        double *next = ran(state, graph, 1, 1, NULL, in, 2, "tf_op_layer_stack_2", &count);
        assert_int_equal(count, STATES);
        memcpy(states, next, STATES * sizeof *next);
        free(mask);
        free(next);
    }
    assert_true(test_error(got, wanted, STEPS * BINS) < 1e-5);
    free(got);
    free(states);
    free(x);
    free(wanted);
    clrnn_graph_destroy(&graph);
}

/* Ten pictures, row by row; all outputs side by side, [N,28*20], say which digit it is. */
static void test_digits(void **state)
{
    static const char arch[] =
        "{\"graph\":1,\"inputs\":[{\"name\":\"x\",\"shape\":[-2,28,28]}],\"nodes\":["
        "{\"kind\":\"recurrent\",\"name\":\"rnn\",\"inputs\":[\"x\"],"
        "\"network\":{\"cell\":\"lstm\",\"hidden_size\":20,\"num_layers\":1}},"
        "{\"kind\":\"reshape\",\"name\":\"all\",\"inputs\":[\"rnn\"],\"rank\":2,"
        "\"shape\":[-2,560,0,0,0,0,0,0]},"
        "{\"kind\":\"dense\",\"name\":\"head\",\"inputs\":[\"all\"],\"units\":10},"
        "{\"kind\":\"softmax\",\"name\":\"p\",\"inputs\":[\"head\"],\"axis\":-1}],"
        "\"outputs\":[{\"name\":\"y\",\"value\":\"p\"}],\"unused\":[\"pictures\",\"softmax\"]}";
    enum { N = 10, PIXELS = 28 * 28 };
    clrnn_graph *graph = imported("models/digits/digits.safetensors", arch, NULL);
    clrnn_tensors *set = NULL;
    size_t count = 0, pixels = 0;
    assert_int_equal(
        clrnn_tensors_load(test_data("models/digits/digits.safetensors"), &test_log, &set),
        CLRNN_OK);
    double *x = numbers_of(set, "pictures", &pixels), *wanted = numbers_of(set, "softmax", &count);
    assert_int_equal(pixels, N * PIXELS);
    for (size_t i = 0; i < pixels; i++)
        x[i] /= 255;
    double *y = ran(state, graph, 1, N, NULL, &(fed){"x", x}, 1, "y", &count);
    assert_int_equal(count, N * 10);
    assert_true(test_error(y, wanted, count) < 1e-5);
    for (size_t n = 0; n < N; n++)
        for (size_t k = 0; k < 10; k++)
            assert_true(k == n || y[n * 10 + k] < y[n * 10 + n]);
    free(x);
    free(y);
    free(wanted);
    clrnn_tensors_destroy(&set);
    clrnn_graph_destroy(&graph);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_denoiser, test_open, test_close),
        cmocka_unit_test_setup_teardown(test_digits, test_open, test_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
