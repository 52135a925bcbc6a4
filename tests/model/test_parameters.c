/* SPDX-License-Identifier: MIT
 * tests/model/test_parameters.c - a model's description and parameters: layout, fresh weights, and
 * the way to and from files. */
#include "model/passes.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "device/context.h"

/* --- layout --- */

/* Where the tensor of this name is; its shape must be [rows, columns], or [rows] with columns 0. */
static clrnn_weight_info find(const clrnn_model *m, const char *name, uint64_t rows,
                              uint64_t columns)
{
    clrnn_weight_info info = {.rank = 0};
    for (size_t i = 0; i < clr_model_tensors(m); i++) {
        clr_model_tensor(m, i, "rnn.", &info);
        if (strcmp(info.name, name) == 0) {
            assert_int_equal(info.rank, columns ? 2 : 1);
            assert_int_equal(info.shape[0], rows);
            assert_int_equal(info.shape[1], columns ? columns : 1);
            assert_int_equal(info.count, rows * (columns ? columns : 1));
            return info;
        }
    }
    fail_msg("no tensor %s", name);
    return info;
}

static void test_layout(void **state)
{
    clrnn_model *m = create(*state, &full_model, 1);
    size_t at = 0;
    for (size_t i = 0; i < clr_model_tensors(m); i++) {
        clrnn_weight_info info;
        clr_model_tensor(m, i, "rnn.", &info);
        assert_int_equal(info.offset, at);
        at += info.count;
    }
    assert_int_equal(at, clrnn_model_parameter_count(m));
    assert_int_equal(at, 1260 + 7 * 8 + 7 - (5 * 8 + 5)); /* test_known_bits, but its head */
    assert_int_equal(clr_model_tensors(m), 1 + 4 * 5 + 2);
    assert_int_equal(find(m, "embedding.weight", 5, 3).offset, 0);
    assert_int_equal(find(m, "rnn.weight_ih_l0", 24, 3).offset, 15);
    find(m, "rnn.weight_hh_l1_reverse", 24, 4);
    find(m, "rnn.weight_ih_l1", 24, 8);
    find(m, "rnn.bias_hh_l0_reverse", 24, 0);
    find(m, "rnn.weight_hr_l1", 4, 6);
    assert_int_equal(find(m, "head.weight", 7, 8).offset, at - 7 - 56);
    assert_int_equal(find(m, "head.bias", 7, 0).offset, at - 7);
    clrnn_model_destroy(&m);
    assert_null(m);
    clrnn_model_destroy(&m);
    clrnn_model_destroy(NULL);
}

static void test_description_is_completed(void **state)
{
    uint8_t bytes[] = {1, 2, 3};
    clrnn_model_desc desc = {.network = {.hidden_size = 4},
                             .input = CLRNN_INPUT_ONE_HOT,
                             .vocabulary_size = 3,
                             .vocabulary = bytes};
    clrnn_model *m = create(*state, &desc, 1);
    const clrnn_model_desc *got = clrnn_model_get_desc(m);
    bytes[0] = 9; /* was copied */
    assert_int_equal(got->network.input_size, 3);
    assert_int_equal(got->network.num_layers, 1);
    assert_ptr_not_equal(got->vocabulary, bytes);
    assert_int_equal(got->vocabulary[0], 1);
    assert_int_equal(clrnn_model_parameter_count(m), 4 * 4 * (3 + 4 + 1 + 1));
    assert_int_equal(clr_model_tensors(m), 4);
    clrnn_model_destroy(&m);
}

static void test_get_and_set(void **state)
{
    clrnn_model *m = create(*state, &full_model, 1);
    double *values = test_random(m->count, 2, 1);
    void *raw = encode(values, m->count, CLRNN_F32), *back = calloc(m->count, sizeof(float));
    uint64_t version = m->version;
    assert_int_equal(clrnn_model_set_parameters(m, raw), CLRNN_OK);
    assert_true(m->version > version);
    assert_int_equal(clrnn_model_get_parameters(m, back), CLRNN_OK);
    assert_memory_equal(raw, back, m->count * sizeof(float));
    assert_int_equal(clrnn_model_get_parameters(m, NULL), CLRNN_ERR_ARGUMENT);
    assert_int_equal(clrnn_model_set_parameters(NULL, raw), CLRNN_ERR_ARGUMENT);
    free(back);
    free(raw);
    free(values);
    clrnn_model_destroy(&m);
}

/* Parameters whose setting failed may be anything: nothing is made of them, until they are set. */
static void test_set_that_fails(void **state)
{
    clrnn_model *m = create(*state, &full_model, 1);
    const int32_t ids[2] = {0, 1};
    float logits[64];
    const clrnn_model_io io = {.steps = 2, .batch = 1, .ids = ids, .logits = logits};
    float *raw = calloc(m->count, sizeof *raw);
    assert_non_null(raw);
    assert_true(2 * m->desc.output_size <= sizeof logits / sizeof *logits);
    assert_int_equal(clrnn_model_forward(m, &io), CLRNN_OK);
    clr_fault_inject(CLR_FAULT_OPENCL, 1);
    assert_int_equal(clrnn_model_set_parameters(m, raw), CLRNN_ERR_OPENCL);
    clr_fault_inject(CLR_FAULT_OPENCL, 0);
    test_last_error[0] = 0;
    assert_int_equal(clrnn_model_forward(m, &io), CLRNN_ERR_ARGUMENT);
    assert_error_contains("lost when setting them failed");
    assert_int_equal(clrnn_model_get_parameters(m, raw), CLRNN_ERR_ARGUMENT);
    assert_error_contains("lost when setting them failed");
    assert_int_equal(clrnn_model_set_parameters(m, NULL), CLRNN_ERR_ARGUMENT);
    assert_int_equal(clrnn_model_forward(m, &io), CLRNN_ERR_ARGUMENT);
    assert_int_equal(clrnn_model_set_parameters(m, raw), CLRNN_OK);
    assert_int_equal(clrnn_model_forward(m, &io), CLRNN_OK);
    assert_true(logits[0] == 0 && logits[1] == 0);
    assert_int_equal(clrnn_model_get_parameters(m, raw), CLRNN_OK);
    free(raw);
    clrnn_model_destroy(&m);
}

static void test_refused_descriptions(void **state)
{
    static const uint8_t twice[] = {4, 5, 4};
    static const clrnn_network_desc net = {.input_size = 3, .hidden_size = 4};
    static const clrnn_network_desc no_input = {.hidden_size = 4}, no_hidden = {.input_size = 3};
    const struct {
        clrnn_model_desc desc;
        clrnn_status status;
        const char *message;
    } cases[] = {
        {{.network = net, .vocabulary_size = 3}, CLRNN_ERR_ARGUMENT, "vocabulary_size is 3"},
        {{.network = net, .vocabulary = twice}, CLRNN_ERR_ARGUMENT, "no vocabulary"},
        {{.network = net, .input = CLRNN_INPUT_EMBEDDING}, CLRNN_ERR_RANGE, "vocabulary_size is 0"},
        {{.network = no_input, .input = CLRNN_INPUT_ONE_HOT},
         CLRNN_ERR_RANGE,
         "vocabulary_size is 0"},
        {{.network = net, .input = CLRNN_INPUT_EMBEDDING, .vocabulary_size = 1u << 31},
         CLRNN_ERR_RANGE,
         "vocabulary_size is 2147483648"},
        {{.network = net, .input = CLRNN_INPUT_ONE_HOT, .vocabulary_size = 4},
         CLRNN_ERR_ARGUMENT,
         "do not fit input_size 3"},
        {{.network = no_input, .input = CLRNN_INPUT_EMBEDDING, .vocabulary_size = 3},
         CLRNN_ERR_RANGE,
         "input_size"},
        {{.network = net,
          .input = CLRNN_INPUT_EMBEDDING,
          .vocabulary_size = 3,
          .vocabulary = twice},
         CLRNN_ERR_ARGUMENT,
         "symbol 2 of the vocabulary stands for byte 4"},
        {{.network = net,
          .input = CLRNN_INPUT_EMBEDDING,
          .vocabulary_size = 257,
          .vocabulary = twice},
         CLRNN_ERR_ARGUMENT,
         "257 symbols"},
        {{.network = net, .input = (clrnn_input)3}, CLRNN_ERR_ARGUMENT, "kind of input 3"},
        {{.network = net, .precision = (clrnn_precision)7}, CLRNN_ERR_ARGUMENT, "precision 7"},
        {{.network = no_hidden}, CLRNN_ERR_RANGE, "hidden_size"},
        {{.network = no_input}, CLRNN_ERR_RANGE, "input_size"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        clrnn_model *m = (clrnn_model *)cases;
        assert_int_equal(clrnn_model_create(*state, &cases[i].desc, 0, &m), cases[i].status);
        assert_error_contains(cases[i].message);
        assert_null(m);
    }
    clrnn_model *m = NULL;
    assert_int_equal(clrnn_model_create(NULL, &full_model, 0, &m), CLRNN_ERR_ARGUMENT);
    assert_int_equal(clrnn_model_create(*state, NULL, 0, &m), CLRNN_ERR_ARGUMENT);
    assert_int_equal(clrnn_model_create(*state, &full_model, 0, NULL), CLRNN_ERR_ARGUMENT);
}

/* --- fresh weights --- */

/* The bits of a fresh model in float64, as a program of its own in another language computed them:
 * FNV-1a of the bytes, little-endian. In float32 they are the same numbers, rounded. */
static void test_known_bits(void **state)
{
    clrnn_model_desc desc = full_model;
    desc.output_size = 5;
    desc.init.kind = CLRNN_INIT_ORTHOGONAL;
    clrnn_model *m = create(*state, &desc, UINT64_C(1234567890123));
    double *single = parameters_of(m), *values = calloc(m->count, sizeof *values);
    assert_int_equal(m->count, 1260);
    m->desc.precision = CLRNN_F64; /* no device is asked */
    assert_int_equal(clr_model_init(m, UINT64_C(1234567890123), values), CLRNN_OK);
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < m->count; i++) {
        uint64_t bits;
        memcpy(&bits, &values[i], sizeof bits);
        for (int b = 0; b < 8; b++)
            hash = (hash ^ (bits >> (8 * b) & 0xFF)) * UINT64_C(0x100000001b3);
        assert_true(single[i] == (float)values[i]);
    }
    assert_int_equal(hash, UINT64_C(0xabac6c739e296aa9));
    m->desc.precision = CLRNN_F32;
    free(values);
    free(single);
    clrnn_model_destroy(&m);
}

static void test_seeds(void **state)
{
    clrnn_model *a = create(*state, &full_model, 3), *b = create(*state, &full_model, 3);
    clrnn_model *c = create(*state, &full_model, UINT64_C(3) << 32);
    double *wa = parameters_of(a), *wb = parameters_of(b), *wc = parameters_of(c);
    assert_memory_equal(wa, wb, a->count * sizeof *wa);
    size_t same = 0;
    for (size_t i = 0; i < a->count; i++)
        same += wa[i] == wc[i];
    assert_int_equal(same, 2 * 2 * 48 + 7); /* the biases */
    clrnn_weight_info one = find(a, "rnn.weight_ih_l1", 24, 8),
                      other = find(a, "rnn.weight_ih_l1_reverse", 24, 8);
    assert_true(wa[one.offset] != wa[other.offset]);
    free(wa);
    free(wb);
    free(wc);
    clrnn_model_destroy(&a);
    clrnn_model_destroy(&b);
    clrnn_model_destroy(&c);
}

/* Mean, deviation and largest magnitude of w[0..count). */
static void moments(const double *w, size_t count, double *mean, double *deviation, double *largest)
{
    double sum = 0, squares = 0;
    *largest = 0;
    for (size_t i = 0; i < count; i++) {
        sum += w[i];
        squares += w[i] * w[i];
        *largest = fmax(*largest, fabs(w[i]));
    }
    *mean = sum / (double)count;
    *deviation = sqrt(squares / (double)count - *mean * *mean);
}

/* Uniform in +-bound: within it, nearly reaching it, mean 0, deviation bound/sqrt(3). */
static void assert_uniform(const double *w, size_t count, double bound)
{
    double mean, deviation, largest, error = bound / sqrt((double)count);
    moments(w, count, &mean, &deviation, &largest);
    assert_true(largest <= bound * (1 + 1e-7) && largest > 0.95 * bound);
    assert_true(fabs(mean) < 4 * error);
    assert_true(fabs(deviation - bound / sqrt(3)) < 4 * error);
}

/* Columns of q [rows,columns] are orthonormal. */
static void assert_orthonormal(const double *q, size_t rows, size_t columns)
{
    for (size_t a = 0; a < columns; a++)
        for (size_t b = a; b < columns; b++) {
            double dot = 0;
            for (size_t i = 0; i < rows; i++)
                dot += q[i * columns + a] * q[i * columns + b];
            assert_true(fabs(dot - (a == b)) < 1e-6);
        }
}

static void assert_all(const double *w, size_t count, double value)
{
    for (size_t i = 0; i < count; i++)
        assert_true(w[i] == value);
}

static void test_statistics(void **state)
{
    enum { I = 20, H = 33, P = 14, O = 40, V = 256 };
    clrnn_model_desc desc = {
        .network = {.input_size = I, .hidden_size = H, .proj_size = P, .peepholes = true},
        .input = CLRNN_INPUT_EMBEDDING,
        .vocabulary_size = V,
        .output_size = O};
    clrnn_model *m = create(*state, &desc, 4);
    double *w = parameters_of(m), mean, deviation, largest;
    assert_uniform(w + find(m, "rnn.weight_ih_l0", 4 * H, I).offset, 4 * H * I,
                   sqrt(6.0 / (I + H)));
    assert_uniform(w + find(m, "rnn.weight_hr_l0", P, H).offset, P * H, sqrt(6.0 / (P + H)));
    assert_uniform(w + find(m, "head.weight", O, P).offset, O * P, sqrt(6.0 / (O + P)));
    assert_all(w + find(m, "head.bias", O, 0).offset, O, 0);
    assert_all(w + find(m, "rnn.bias_hh_l0", 4 * H, 0).offset, 4 * H, 0);
    const double *bias = w + find(m, "rnn.bias_ih_l0", 4 * H, 0).offset; /* i f g o */
    assert_all(bias, H, 0);
    assert_all(bias + H, H, 1);
    assert_all(bias + 2 * H, 2 * H, 0);
    assert_all(w + find(m, "rnn.weight_peephole_l0", 3 * H, 0).offset, 3 * H, 0);
    for (size_t gate = 0; gate < 4; gate++)
        assert_orthonormal(w + find(m, "rnn.weight_hh_l0", 4 * H, P).offset + gate * H * P, H, P);
    moments(w, V * I, &mean, &deviation, &largest);
    assert_true(fabs(mean) < 4 / sqrt(V * I * I));
    assert_true(fabs(deviation * sqrt(I) - 1) < 0.05);
    assert_true(largest * sqrt(I) > 3 && largest * sqrt(I) < 5);
    free(w);
    clrnn_model_destroy(&m);
}

static void test_other_cells(void **state)
{
    clrnn_network_desc gru = {.cell = CLRNN_CELL_GRU, .input_size = 1, .hidden_size = 17};
    clrnn_network_desc rnn = {.cell = CLRNN_CELL_RNN, .input_size = 5, .hidden_size = 1};
    clrnn_model *m = create(*state, &(clrnn_model_desc){.network = gru}, 5);
    double *w = parameters_of(m);
    for (size_t gate = 0; gate < 3; gate++)
        assert_orthonormal(w + find(m, "rnn.weight_hh_l0", 51, 17).offset + gate * 289, 17, 17);
    const double *bias = w + find(m, "rnn.bias_ih_l0", 51, 0).offset; /* r z n */
    assert_all(bias, 17, 0);
    assert_all(bias + 17, 17, -1); /* an open update gate replaces what there was */
    assert_all(bias + 34, 17, 0);
    free(w);
    clrnn_model_destroy(&m);
    m = create(*state, &(clrnn_model_desc){.network = rnn}, 5);
    w = parameters_of(m);
    assert_true(fabs(w[5]) == 1); /* weight_hh [1,1] */
    free(w);
    clrnn_model_destroy(&m);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, test_open, test_close)
    const struct CMUnitTest tests[] = {
        TEST(test_layout),
        TEST(test_description_is_completed),
        TEST(test_get_and_set),
        TEST(test_set_that_fails),
        TEST(test_refused_descriptions),
        TEST(test_known_bits),
        TEST(test_seeds),
        TEST(test_statistics),
        TEST(test_other_cells),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
