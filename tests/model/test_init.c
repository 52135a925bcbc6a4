/* SPDX-License-Identifier: MIT
 * tests/model/test_init.c - how fresh weights are drawn: each kind by what defines it, those that
 * do not fit a cell, and the choice in files. */
#include "model/passes.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <clrnn/tensors.h>

#include "model/init.h"

enum { I = 7, H = 30, O = 6 };

static clrnn_model_desc desc_of(clrnn_cell cell, clrnn_init_kind kind)
{
    return (clrnn_model_desc){.network = {.cell = cell, .input_size = I, .hidden_size = H},
                              .output_size = O,
                              .precision = CLRNN_F32,
                              .init = {.kind = kind}};
}

/* A fresh model's parameters, and one tensor of them. */
typedef struct fresh {
    clrnn_model *model;
    float *w;
} fresh;

static fresh fresh_of(clrnn_context *context, const clrnn_model_desc *desc)
{
    fresh f = {create(context, desc, 11), NULL};
    f.w = calloc(clrnn_model_parameter_count(f.model), sizeof *f.w);
    assert_non_null(f.w);
    assert_int_equal(clrnn_model_get_parameters(f.model, f.w), CLRNN_OK);
    return f;
}

static void fresh_free(fresh *f)
{
    free(f->w);
    clrnn_model_destroy(&f->model);
}

static const float *tensor(const fresh *f, const char *name)
{
    for (size_t i = 0; i < clr_model_tensors(f->model); i++) {
        clrnn_weight_info info;
        clr_model_tensor(f->model, i, "", &info);
        if (strcmp(info.name, name) == 0)
            return f->w + info.offset;
    }
    fail_msg("no tensor %s", name);
    return NULL;
}

static void assert_all(const float *w, size_t count, double value)
{
    for (size_t i = 0; i < count; i++)
        if (fabs((double)w[i] - value) > 1e-7)
            fail_msg("element %zu is %g, not %g", i, (double)w[i], value);
}

/* Within +-bound, and nearly reaching both ends. */
static void assert_range(const float *w, size_t count, double bound)
{
    double least = INFINITY, most = -INFINITY;
    for (size_t i = 0; i < count; i++) {
        least = fmin(least, (double)w[i]);
        most = fmax(most, (double)w[i]);
    }
    if (!(least >= -bound * 1.0001 && least < -0.9 * bound && most <= bound * 1.0001 &&
          most > 0.9 * bound))
        fail_msg("range %g to %g, not +-%g", least, most, bound);
}

static void assert_orthonormal(const float *q, size_t rows, size_t columns)
{
    for (size_t a = 0; a < columns; a++)
        for (size_t b = a; b < columns; b++) {
            double dot = 0;
            for (size_t i = 0; i < rows; i++)
                dot += (double)q[i * columns + a] * (double)q[i * columns + b];
            assert_true(fabs(dot - (a == b)) < 1e-5);
        }
}

/* Layer norm begins as it would be without gains and biases, whatever draws the rest. */
static void layer_norm(void **state)
{
    static const clrnn_init_kind kinds[] = {CLRNN_INIT_AUTO, CLRNN_INIT_PYTORCH, CLRNN_INIT_KERAS};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        clrnn_model_desc desc = desc_of(CLRNN_CELL_LSTM, kinds[i]);
        desc.network.layer_norm = desc.network.peepholes = true;
        fresh f = fresh_of(*state, &desc);
        assert_all(tensor(&f, "weight_ln_ih_l0"), 4 * H, 1);
        assert_all(tensor(&f, "weight_ln_hh_l0"), 4 * H, 1);
        assert_all(tensor(&f, "weight_ln_c_l0"), H, 1);
        assert_all(tensor(&f, "bias_ln_c_l0"), H, 0);
        assert_all(tensor(&f, "weight_peephole_l0"), 3 * H, 0);
        fresh_free(&f);
        desc = desc_of(CLRNN_CELL_GRU, kinds[i]);
        desc.network.layer_norm = true;
        f = fresh_of(*state, &desc);
        assert_all(tensor(&f, "weight_ln_hh_l0"), 3 * H, 1);
        fresh_free(&f);
    }
}

static void pytorch(void **state)
{
    clrnn_model_desc desc = desc_of(CLRNN_CELL_GRU, CLRNN_INIT_PYTORCH);
    fresh f = fresh_of(*state, &desc);
    const double bound = 1 / sqrt(H);
    assert_range(tensor(&f, "weight_ih_l0"), 3 * H * I, bound);
    assert_range(tensor(&f, "weight_hh_l0"), 3 * H * H, bound);
    assert_range(tensor(&f, "bias_ih_l0"), 3 * H, bound);
    assert_range(tensor(&f, "bias_hh_l0"), 3 * H, bound);
    assert_range(tensor(&f, "head.weight"), O * H, bound);
    for (size_t i = 0; i < O; i++)
        assert_true(tensor(&f, "head.bias")[i] != 0);
    assert_true(tensor(&f, "bias_ih_l0")[0] != tensor(&f, "bias_hh_l0")[0]);
    fresh_free(&f);
    desc.init.has_forget_bias = true;
    desc.init.forget_bias = 2;
    f = fresh_of(*state, &desc);
    assert_all(tensor(&f, "bias_ih_l0") + H, H, -2);
    assert_all(tensor(&f, "bias_hh_l0") + H, H, 0);
    fresh_free(&f);
}

static void keras(void **state)
{
    const clrnn_model_desc desc = desc_of(CLRNN_CELL_LSTM, CLRNN_INIT_KERAS);
    fresh f = fresh_of(*state, &desc);
    assert_range(tensor(&f, "weight_ih_l0"), 4 * H * I, sqrt(6.0 / (I + 4 * H)));
    assert_orthonormal(tensor(&f, "weight_hh_l0"), 4 * H, H);
    assert_all(tensor(&f, "bias_ih_l0"), H, 0);
    assert_all(tensor(&f, "bias_ih_l0") + H, H, 1);
    fresh_free(&f);
    const clrnn_model_desc gru = desc_of(CLRNN_CELL_GRU, CLRNN_INIT_KERAS);
    f = fresh_of(*state, &gru);
    assert_all(tensor(&f, "bias_ih_l0"), 3 * H, 0);
    fresh_free(&f);
}

/* exp(b) is uniform in [1, lag-1]. */
static void assert_lags(const float *b, double sign, double lag)
{
    double least = INFINITY, most = 0, sum = 0;
    for (size_t j = 0; j < H; j++) {
        double u = exp(sign * (double)b[j]);
        least = fmin(least, u);
        most = fmax(most, u);
        sum += u;
    }
    assert_true(least >= 0.9999 && least < lag / 5 && most <= lag - 0.9999 && most > lag * 0.8);
    assert_true(fabs(sum / H - lag / 2) < 4 * lag / sqrt(12.0 * H));
}

static void chrono(void **state)
{
    clrnn_model_desc desc = desc_of(CLRNN_CELL_LSTM, CLRNN_INIT_CHRONO);
    desc.network.num_layers = 2;
    desc.init.longest_lag = 200;
    fresh f = fresh_of(*state, &desc);
    for (int layer = 0; layer < 2; layer++) {
        const float *b = tensor(&f, layer ? "bias_ih_l1" : "bias_ih_l0");
        assert_lags(b + H, 1, 200);
        for (size_t j = 0; j < H; j++)
            assert_true(b[j] == -b[H + j]);
        assert_all(b + 2 * H, 2 * H, 0);
    }
    assert_true(memcmp(tensor(&f, "bias_ih_l0") + H, tensor(&f, "bias_ih_l1") + H, H * 4) != 0);
    fresh_free(&f);
    for (int keeps = 0; keeps < 2; keeps++) {
        clrnn_model_desc gru = desc_of(CLRNN_CELL_GRU, CLRNN_INIT_CHRONO);
        gru.network.gru_update = keeps ? CLRNN_UPDATE_KEEPS : CLRNN_UPDATE_REPLACES;
        gru.init.longest_lag = 50;
        f = fresh_of(*state, &gru);
        assert_all(tensor(&f, "bias_ih_l0"), H, 0);
        assert_lags(tensor(&f, "bias_ih_l0") + H, keeps ? 1 : -1, 50);
        assert_all(tensor(&f, "bias_ih_l0") + 2 * H, H, 0);
        fresh_free(&f);
    }
}

static void irnn(void **state)
{
    clrnn_model_desc desc = desc_of(CLRNN_CELL_RNN, CLRNN_INIT_IRNN);
    desc.network.nonlinearity = CLRNN_RELU;
    fresh f = fresh_of(*state, &desc);
    for (size_t i = 0; i < H * H; i++)
        assert_true(tensor(&f, "weight_hh_l0")[i] == (i % (H + 1) == 0));
    double squares = 0;
    for (size_t i = 0; i < H * I; i++)
        squares += pow((double)tensor(&f, "weight_ih_l0")[i], 2);
    assert_true(fabs(sqrt(squares / (H * I)) - 0.001) < 0.0002);
    assert_all(tensor(&f, "bias_ih_l0"), H, 0);
    fresh_free(&f);
}

/* What a model is asked to remember it does: with a bias of 4 and no input, a state fades as
 * sigm(4)^t. */
static void a_forget_bias_keeps(void **state)
{
    for (int cell = CLRNN_CELL_LSTM; cell <= CLRNN_CELL_GRU; cell++)
        for (int keeps = 0; keeps < 2; keeps++) {
            clrnn_model_desc desc = desc_of((clrnn_cell)cell, CLRNN_INIT_ORTHOGONAL);
            if (cell == CLRNN_CELL_GRU)
                desc.network.gru_update = keeps ? CLRNN_UPDATE_KEEPS : CLRNN_UPDATE_REPLACES;
            desc.init.has_forget_bias = true;
            desc.init.forget_bias = 4;
            fresh f = fresh_of(*state, &desc);
            float x[50 * I] = {0}, h0[H], c0[H], hn[H], cn[H];
            for (size_t j = 0; j < H; j++)
                h0[j] = c0[j] = 0.05f;
            bool has_c = cell == CLRNN_CELL_LSTM;
            clrnn_model_io io = {.steps = 50, .batch = 1, .x = x, .h0 = h0, .hn = hn};
            io.c0 = has_c ? c0 : NULL;
            io.cn = has_c ? cn : NULL;
            assert_int_equal(clrnn_model_forward(f.model, &io), CLRNN_OK);
            double kept = 0;
            for (size_t j = 0; j < H; j++)
                kept += fabs((double)(has_c ? cn : hn)[j]) / H / 0.05;
            assert_true(kept > 0.2); /* without the bias 1e-4 of it is left */
            fresh_free(&f);
        }
}

/* --- refused, and in files ------------------------------------------------------------------- */

static void refused(void **state)
{
    const struct {
        clrnn_cell cell;
        clrnn_nonlinearity act;
        clrnn_init_desc init;
        bool no_bias;
        const char *message;
    } cases[] = {
        {CLRNN_CELL_RNN, CLRNN_TANH, {.kind = CLRNN_INIT_CHRONO, .longest_lag = 9}, false, "RNN"},
        {CLRNN_CELL_GRU, CLRNN_TANH, {.kind = CLRNN_INIT_CHRONO, .longest_lag = 9}, true, "GRU"},
        {CLRNN_CELL_RNN, CLRNN_TANH, {.kind = CLRNN_INIT_IRNN}, false, "tanh"},
        {CLRNN_CELL_LSTM, CLRNN_TANH, {.kind = CLRNN_INIT_IRNN}, false, "LSTM"},
        {CLRNN_CELL_GRU, CLRNN_TANH, {.kind = CLRNN_INIT_CHRONO}, false, "longest_lag is 0"},
        {CLRNN_CELL_GRU, CLRNN_TANH, {.kind = CLRNN_INIT_CHRONO, .longest_lag = 1}, false, "is 1"},
        {CLRNN_CELL_GRU, CLRNN_TANH, {.longest_lag = 5}, false, "only init chrono"},
        {CLRNN_CELL_RNN, CLRNN_TANH, {.has_forget_bias = true}, false, "forget_bias"},
        {CLRNN_CELL_LSTM, CLRNN_TANH, {.has_forget_bias = true, .forget_bias = NAN}, false, "nan"},
        {CLRNN_CELL_LSTM,
         CLRNN_TANH,
         {.kind = CLRNN_INIT_CHRONO, .longest_lag = 5, .has_forget_bias = true},
         false,
         "no place"},
        {CLRNN_CELL_LSTM, CLRNN_TANH, {.kind = (clrnn_init_kind)6}, false, "6 is unknown"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        clrnn_model_desc desc = desc_of(cases[i].cell, CLRNN_INIT_AUTO);
        desc.init = cases[i].init;
        desc.network.no_bias = cases[i].no_bias;
        desc.network.nonlinearity = cases[i].act;
        clrnn_model *m = (clrnn_model *)&desc;
        assert_int_equal(clrnn_model_create(*state, &desc, 1, &m), CLRNN_ERR_ARGUMENT);
        assert_null(m);
        assert_error_contains(cases[i].message);
    }
}

static clrnn_status describe(const char *json, clrnn_model_desc *desc)
{
    const clrnn_model_desc model = desc_of(CLRNN_CELL_LSTM, CLRNN_INIT_AUTO);
    clrnn_tensors *set = NULL;
    uint8_t vocabulary[256];
    const uint64_t ih[] = {4 * H, I}, hh[] = {4 * H, H}, b[] = {4 * H};
    assert_int_equal(clrnn_tensors_create(&test_log, &set), CLRNN_OK);
    clrnn_tensors_add(set, "rnn.weight_ih_l0", CLRNN_DTYPE_F32, 2, ih, NULL);
    clrnn_tensors_add(set, "rnn.weight_hh_l0", CLRNN_DTYPE_F32, 2, hh, NULL);
    clrnn_tensors_add(set, "rnn.bias_ih_l0", CLRNN_DTYPE_F32, 1, b, NULL);
    clrnn_tensors_add(set, "rnn.bias_hh_l0", CLRNN_DTYPE_F32, 1, b, NULL);
    assert_int_equal(clrnn_tensors_set_metadata(set, "clrnn", json), CLRNN_OK);
    *desc = model;
    clrnn_status status =
        clrnn_model_describe(&(clrnn_model_source){.tensors = set}, &test_log, desc, vocabulary);
    clrnn_tensors_destroy(&set);
    return status;
}

static void in_files(void **state)
{
    (void)state;
    clrnn_model_desc desc;
    assert_int_equal(describe("{}", &desc), CLRNN_OK); /* of before there was a choice */
    assert_int_equal(desc.init.kind, CLRNN_INIT_AUTO);
    assert_int_equal(describe("{\"init\":\"chrono\",\"longest_lag\":70}", &desc), CLRNN_OK);
    assert_int_equal(desc.init.kind, CLRNN_INIT_CHRONO);
    assert_int_equal(desc.init.longest_lag, 70);
    assert_false(desc.init.has_forget_bias);
    static const char *const wrong[] = {"{\"init\":\"auto\"}",
                                        "{\"init\":\"best\"}",
                                        "{\"init\":3}",
                                        "{\"init\":\"chrono\",\"longest_lag\":1}",
                                        "{\"init\":\"chrono\",\"longest_lag\":-4}",
                                        "{\"init\":\"keras\",\"forget_bias\":\"x\"}",
                                        "{\"init\":\"keras\",\"forget_bias\":1e999}",
                                        "{\"init\":\"keras\",\"init\":\"keras\"}"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_int_equal(describe(wrong[i], &desc), CLRNN_ERR_FORMAT);
        assert_error_contains("metadata clrnn");
    }
}

/* Whatever a model was made with is what its file says, and the model that comes back. */
static void round_trip(void **state)
{
    clrnn_model_desc cases[] = {
        desc_of(CLRNN_CELL_LSTM, CLRNN_INIT_AUTO), desc_of(CLRNN_CELL_GRU, CLRNN_INIT_AUTO),
        desc_of(CLRNN_CELL_RNN, CLRNN_INIT_AUTO), desc_of(CLRNN_CELL_GRU, CLRNN_INIT_CHRONO),
        desc_of(CLRNN_CELL_GRU, CLRNN_INIT_PYTORCH)};
    cases[3].init.longest_lag = 33;
    cases[4].init.has_forget_bias = true;
    cases[4].init.forget_bias = 0.1;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        clrnn_model *m = create(*state, &cases[i], 3), *back = NULL;
        char path[300];
        snprintf(path, sizeof path, "%s/m.safetensors", test_folder());
        assert_int_equal(clrnn_model_save(m, path), CLRNN_OK);
        assert_int_equal(clrnn_model_load(*state, path, CLRNN_F32, &back), CLRNN_OK);
        const clrnn_init_desc *a = &clrnn_model_get_desc(m)->init;
        const clrnn_init_desc *b = &clrnn_model_get_desc(back)->init;
        assert_int_equal(a->kind, b->kind);
        assert_int_not_equal(b->kind, CLRNN_INIT_AUTO);
        assert_int_equal(a->longest_lag, b->longest_lag);
        assert_int_equal(a->has_forget_bias, b->has_forget_bias);
        assert_true(a->forget_bias == b->forget_bias);
        clrnn_model_destroy(&m);
        m = back;
        back = NULL;
        clrnn_model_desc again = *clrnn_model_get_desc(m); /* a model like it can be made */
        assert_int_equal(clrnn_model_create(*state, &again, 4, &back), CLRNN_OK);
        clrnn_model_destroy(&back);
        clrnn_model_destroy(&m);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, test_open, test_close)
    const struct CMUnitTest tests[] = {
        TEST(layer_norm), TEST(pytorch),
        TEST(keras),      TEST(chrono),
        TEST(irnn),       TEST(a_forget_bias_keeps),
        TEST(refused),    cmocka_unit_test(in_files),
        TEST(round_trip),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
