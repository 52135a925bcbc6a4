/* SPDX-License-Identifier: MIT
 * model/test_description.c - what model a set of tensors holds: with our JSON, with PyTorch's names
 * alone, and with each contradiction that there can be. */
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "model/description.h"
#include "shape/network.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

static clrnn_tensors *new_set(void)
{
    clrnn_tensors *set = NULL;
    assert_int_equal(clrnn_tensors_create(&test_log, &set), CLRNN_OK);
    return set;
}

static void add(clrnn_tensors *set, const char *name, uint32_t rank, uint64_t rows,
                uint64_t columns)
{
    assert_int_equal(
        clrnn_tensors_add(set, name, CLRNN_DTYPE_F32, rank, (uint64_t[]){rows, columns}, NULL),
        CLRNN_OK);
}

/* The tensors of a model, without any description. */
static clrnn_tensors *tensors_of(const clrnn_model_desc *desc, const char *prefix)
{
    clrnn_tensors *set = new_set();
    clr_network n;
    size_t count = 0;
    assert_int_equal(clr_network_init(&desc->network, &test_log, &n), CLRNN_OK);
    assert_int_equal(clrnn_network_weights(&desc->network, &test_log, &count, NULL), CLRNN_OK);
    if (desc->input == CLRNN_INPUT_EMBEDDING)
        add(set, "embedding.weight", 2, desc->vocabulary_size, desc->network.input_size);
    for (size_t i = 0; i < count; i++) {
        clrnn_weight_info info;
        char name[64];
        assert_int_equal(clrnn_network_weight(&desc->network, &test_log, i, &info), CLRNN_OK);
        snprintf(name, sizeof name, "%s%s", prefix, info.name);
        add(set, name, info.rank, info.shape[0], info.shape[1]);
    }
    if (desc->output_size > 0) {
        add(set, "head.weight", 2, desc->output_size, (uint64_t)n.directions * n.state);
        add(set, "head.bias", 1, desc->output_size, 1);
    }
    return set;
}

static void assert_reads(const clrnn_tensors *set, const clrnn_model_desc *expected,
                         const char *expected_prefix)
{
    clrnn_model_desc desc;
    uint8_t vocabulary[256];
    const char *prefix = NULL;
    memset(&desc, 0x55, sizeof desc);
    if (clr_description_read(set, &test_log, &desc, vocabulary, &prefix) != CLRNN_OK)
        fail_msg("not read: %s", test_last_error);
    const clrnn_network_desc *a = &desc.network, *b = &expected->network;
    assert_string_equal(prefix, expected_prefix);
    assert_int_equal(a->cell, b->cell);
    assert_int_equal(a->input_size, b->input_size);
    assert_int_equal(a->hidden_size, b->hidden_size);
    assert_int_equal(a->num_layers, b->num_layers);
    assert_int_equal(a->proj_size, b->proj_size);
    assert_int_equal(a->bidirectional, b->bidirectional);
    assert_int_equal(a->no_bias, b->no_bias);
    assert_int_equal(a->nonlinearity, b->nonlinearity);
    assert_int_equal(a->gru_reset, b->gru_reset);
    assert_int_equal(a->gru_update, b->gru_update);
    assert_int_equal(desc.input, expected->input);
    assert_int_equal(desc.vocabulary_size, expected->vocabulary_size);
    assert_int_equal(desc.output_size, expected->output_size);
    assert_int_equal(desc.vocabulary != NULL, expected->vocabulary != NULL);
    if (desc.vocabulary) {
        assert_ptr_equal(desc.vocabulary, vocabulary);
        assert_memory_equal(vocabulary, expected->vocabulary, expected->vocabulary_size);
    }
}

static void assert_refused(const clrnn_tensors *set, const char *error)
{
    clrnn_model_desc desc = {.output_size = 77};
    uint8_t vocabulary[256];
    const char *prefix = "untouched";
    test_last_error[0] = 0;
    clrnn_status status = clr_description_read(set, &test_log, &desc, vocabulary, &prefix);
    if (status != CLRNN_ERR_FORMAT)
        fail_msg("%s, expected an error with \"%s\"", clrnn_status_name(status), error);
    assert_error_contains(error);
    assert_int_equal(desc.output_size, 77);
    assert_string_equal(prefix, "untouched");
}

/* A model of every kind there is: digits of `k` choose. False if that combination is no model. */
enum { VARIANTS = 3 * 4 * 2 * 2 * 2 * 3 * 2 * 2 };
static bool variant(int k, clrnn_model_desc *desc)
{
    static const uint8_t bytes[] = {0, 255, 34, 92, 10, 128};
    clrnn_network_desc n = {.input_size = 6, .hidden_size = 5};
    n.cell = (clrnn_cell)(k % 3);
    const int option = (k /= 3) % 4;
    n.num_layers = 1 + (uint32_t)((k /= 4) % 2);
    n.bidirectional = (k /= 2) % 2;
    n.no_bias = (k /= 2) % 2;
    const clrnn_input input = (clrnn_input)((k /= 2) % 3);
    *desc = (clrnn_model_desc){.input = input};
    if (input != CLRNN_INPUT_DENSE)
        desc->vocabulary_size = 6;
    if ((k /= 3) % 2)
        desc->vocabulary = input == CLRNN_INPUT_DENSE ? NULL : bytes;
    desc->output_size = (k /= 2) % 2 ? 3 : 0;
    if (n.cell == CLRNN_CELL_LSTM)
        n.proj_size = option % 2 ? 2 : 0;
    else if (n.cell == CLRNN_CELL_RNN)
        n.nonlinearity = (clrnn_nonlinearity)(option % 2);
    else {
        n.gru_reset = (clrnn_gru_reset)(option % 2);
        n.gru_update = (clrnn_gru_update)(option / 2);
    }
    desc->network = n;
    return n.cell == CLRNN_CELL_GRU || option < 2;
}

/* What is written is read again, for every variant, with either prefix. */
static void test_round_trip(void **state)
{
    (void)state;
    for (int k = 0; k < VARIANTS; k++) {
        clrnn_model_desc desc;
        char *json = NULL;
        if (!variant(k, &desc))
            continue;
        const char *prefix = k % 2 ? "rnn." : "";
        clrnn_tensors *set = tensors_of(&desc, prefix);
        assert_int_equal(clr_description_write(&desc, &test_log, &json), CLRNN_OK);
        assert_null(strchr(json, '\n'));
        assert_int_equal(clrnn_tensors_set_metadata(set, "clrnn", json), CLRNN_OK);
        assert_reads(set, &desc, prefix);
        free(json);
        clrnn_tensors_destroy(&set);
    }
}

/* The same without JSON: PyTorch's variants, dense or with an embedding. */
static void test_pytorch(void **state)
{
    (void)state;
    int read = 0;
    for (int k = 0; k < VARIANTS; k++) {
        clrnn_model_desc desc;
        if (!variant(k, &desc) || desc.input == CLRNN_INPUT_ONE_HOT || desc.vocabulary ||
            desc.network.nonlinearity != CLRNN_TANH)
            continue;
        const char *prefix = k % 2 ? "rnn." : "";
        clrnn_tensors *set = tensors_of(&desc, prefix);
        add(set, "optimizer.rnn.weight_ih_l0", 1, 1, 1); /* of others: not looked at */
        add(set, "step", 1, 1, 1);
        if (desc.network.cell == CLRNN_CELL_GRU) {
            desc.network.gru_reset = CLRNN_RESET_AFTER;
            desc.network.gru_update = CLRNN_UPDATE_KEEPS;
        }
        assert_reads(set, &desc, prefix);
        read++;
        clrnn_tensors_destroy(&set);
    }
    assert_int_equal(read, (2 + 4 + 1) * 8 * 2 * 2 + 7 * 8 * 2);
}

static void test_exact_json(void **state)
{
    (void)state;
    static const uint8_t bytes[] = {10, 65};
    clrnn_model_desc desc = {.input = CLRNN_INPUT_ONE_HOT,
                             .vocabulary_size = 2,
                             .vocabulary = bytes,
                             .output_size = 2,
                             .network = {.cell = CLRNN_CELL_GRU,
                                         .input_size = 2,
                                         .hidden_size = 3,
                                         .bidirectional = true,
                                         .gru_update = CLRNN_UPDATE_KEEPS}};
    char *json = NULL;
    assert_int_equal(clr_description_write(&desc, &test_log, &json), CLRNN_OK);
    assert_string_equal(json,
                        "{\"cell\":\"gru\",\"input_size\":2,\"hidden_size\":3,\"num_layers\":1,"
                        "\"bidirectional\":true,\"proj_size\":0,\"bias\":true,\"reset\":\"before\","
                        "\"update\":\"keeps\",\"input\":\"one_hot\",\"vocabulary_size\":2,"
                        "\"vocabulary\":[10,65],\"output_size\":2}");
    free(json);
}

/* LSTM, I = 6, H = 5, two layers, both directions, embedding of 6 symbols, head of 3. */
static const clrnn_model_desc lstm = {
    .network = {.input_size = 6, .hidden_size = 5, .num_layers = 2, .bidirectional = true},
    .input = CLRNN_INPUT_EMBEDDING,
    .vocabulary_size = 6,
    .output_size = 3};
static const clrnn_model_desc gru = {
    .network = {.cell = CLRNN_CELL_GRU, .input_size = 4, .num_layers = 1, .hidden_size = 5}};

/* Each field alone, and fields and values that do not matter. */
static void test_partial_json(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "{}",
        " { \"cell\" : \"lstm\" } ",
        "{\"input_size\":6.0}",
        "{\"hidden_size\":5}",
        "{\"num_layers\":2e0}",
        "{\"proj_size\":0}",
        "{\"bidirectional\":true}",
        "{\"bias\":true}",
        "{\"input\":\"embedding\"}",
        "{\"vocabulary_size\":6}",
        "{\"output_size\":3}",
        "{\"reset\":\"before\",\"update\":\"keeps\",\"nonlinearity\":\"tanh\"}",
        "{\"Cell\":\"gru\",\"more\":{\"cell\":[\"gru\"]},\"\":null}"};
    for (size_t i = 0; i < COUNT(rows); i++) {
        clrnn_tensors *set = tensors_of(&lstm, "rnn.");
        assert_int_equal(clrnn_tensors_set_metadata(set, "clrnn", rows[i]), CLRNN_OK);
        assert_reads(set, &lstm, "rnn.");
        clrnn_tensors_destroy(&set);
    }
    static const uint8_t bytes[] = {3, 2, 1, 0};
    clrnn_model_desc one_hot = gru;
    one_hot.network.gru_update = CLRNN_UPDATE_KEEPS;
    one_hot.input = CLRNN_INPUT_ONE_HOT;
    one_hot.vocabulary_size = 4;
    one_hot.vocabulary = bytes;
    clrnn_tensors *set = tensors_of(&gru, "");
    assert_int_equal(
        clrnn_tensors_set_metadata(
            set, "clrnn", "{\"vocabulary\":[3,2,1,0],\"update\":\"keeps\",\"reset\":\"before\"}"),
        CLRNN_OK);
    assert_reads(set, &one_hot, "");
    clrnn_tensors_destroy(&set);
}

static void test_json_errors(void **state)
{
    (void)state;
    static const struct {
        const clrnn_model_desc *desc;
        const char *json, *error;
    } rows[] = {
        {&lstm, "", "JSON object"},
        {&lstm, "[]", "JSON object"},
        {&lstm, "\"cell\"", "JSON object"},
        {&lstm, "{\"cell\":\"lstm\"", "JSON object"},
        {&lstm, "{\"cell\":\"lstm\"}}", "JSON object"},
        {&lstm, "{\"cell\":\"lstm\\u0000x\"}", "JSON object"},
        {&lstm, "{\"cell\":\"lstm\x01\"}", "JSON object"},
        {&lstm, "{\"cell\":\"lstm\",\"cell\":\"lstm\"}", "field cell: found twice"},
        {&lstm, "{\"cell\":\"LSTM\"}", "field cell: found \"LSTM\", expected lstm, gru or rnn"},
        {&lstm, "{\"cell\":4}", "field cell: found 4, expected"},
        {&lstm, "{\"cell\":null}", "field cell: found null"},
        {&lstm, "{\"cell\":[\"lstm\"]}", "field cell: found an array"},
        {&lstm, "{\"cell\":\"gru\"}",
         "field cell: found gru, but the shapes of the tensors say lstm"},
        {&gru, "{\"cell\":\"rnn\",\"reset\":\"after\",\"update\":\"keeps\"}",
         "field cell: found rnn, but the shapes of the tensors say gru"},
        {&lstm, "{\"input_size\":7}", "field input_size: found 7, but the tensors say 6"},
        {&lstm, "{\"input_size\":0}", "field input_size: found 0"},
        {&lstm, "{\"input_size\":-6}", "field input_size: found -6"},
        {&lstm, "{\"input_size\":\"6\"}", "field input_size: found \"6\", but"},
        {&lstm, "{\"hidden_size\":5.5}", "field hidden_size: found 5.5, but the tensors say 5"},
        {&lstm, "{\"hidden_size\":2147483649}", "field hidden_size: found 2147483649"},
        {&lstm, "{\"hidden_size\":4294967301}", "field hidden_size: found 4294967301"},
        {&lstm, "{\"hidden_size\":1e999}", "field hidden_size: found inf"},
        {&lstm, "{\"hidden_size\":true}", "field hidden_size: found true"},
        {&lstm, "{\"num_layers\":1}", "field num_layers: found 1, but the tensors say 2"},
        {&lstm, "{\"num_layers\":3}", "field num_layers: found 3"},
        {&lstm, "{\"proj_size\":2}", "field proj_size: found 2, but the tensors say 0"},
        {&lstm, "{\"bidirectional\":false}", "field bidirectional: found false"},
        {&lstm, "{\"bidirectional\":1}", "field bidirectional: found 1"},
        {&lstm, "{\"bias\":false}", "field bias: found false, but the tensors say true"},
        {&lstm, "{\"nonlinearity\":\"relu\"}", "field nonlinearity: found relu"},
        {&lstm, "{\"nonlinearity\":\"sigmoid\"}", "expected tanh or relu"},
        {&lstm, "{\"reset\":\"never\"}", "field reset: found \"never\", expected before or after"},
        {&lstm, "{\"update\":true}", "field update: found true, expected replaces or keeps"},
        {&gru, "{\"reset\":\"after\"}", "field update: missing"},
        {&gru, "{\"update\":\"keeps\"}", "field reset: missing"},
        {&gru, "{\"nonlinearity\":\"relu\",\"reset\":\"after\",\"update\":\"keeps\"}",
         "field nonlinearity"},
        {&lstm, "{\"input\":\"onehot\"}",
         "field input: found \"onehot\", expected dense, one_hot or"},
        {&lstm, "{\"input\":\"dense\"}", "tensor embedding.weight"},
        {&lstm, "{\"input\":\"one_hot\"}", "tensor embedding.weight"},
        {&lstm, "{\"vocabulary_size\":5}", "field vocabulary_size: found 5, but the tensors say 6"},
        {&lstm, "{\"vocabulary\":[0,1,2,3,4]}", "field vocabulary: found 5 bytes"},
        {&lstm, "{\"vocabulary\":[0,1,2,3,4,5,6]}", "field vocabulary: found 7 bytes"},
        {&lstm, "{\"vocabulary\":[0,1,2,3,4,256]}", "field vocabulary: found 256"},
        {&lstm, "{\"vocabulary\":[0,1,2,3,4,-1]}", "field vocabulary: found -1"},
        {&lstm, "{\"vocabulary\":[0,1,2,3,4,4]}", "each once"},
        {&lstm, "{\"vocabulary\":[0,1,2,3,4,\"5\"]}",
         "field vocabulary: found \"5\", expected bytes"},
        {&lstm, "{\"vocabulary\":\"abcdef\"}", "field vocabulary"},
        {&lstm, "{\"vocabulary\":[],\"vocabulary\":[]}", "field vocabulary: found twice"},
        {&lstm, "{\"output_size\":0}", "field output_size: found 0, but the tensors say 3"},
        {&gru, "{\"reset\":\"after\",\"update\":\"keeps\",\"output_size\":2}", "field output_size"},
        {&gru, "{\"reset\":\"after\",\"update\":\"keeps\",\"input\":\"embedding\"}",
         "tensor embedding.weight: missing"},
        {&gru,
         "{\"reset\":\"after\",\"update\":\"keeps\",\"input\":\"dense\",\"vocabulary_size\":4}",
         "field vocabulary_size: found 4"},
        {&gru, "{\"reset\":\"after\",\"update\":\"keeps\",\"input\":\"dense\",\"vocabulary\":[1]}",
         "field vocabulary: found 1"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        clrnn_tensors *set = tensors_of(rows[i].desc, "rnn.");
        assert_int_equal(clrnn_tensors_set_metadata(set, "clrnn", rows[i].json), CLRNN_OK);
        assert_refused(set, rows[i].error);
        clrnn_tensors_destroy(&set);
    }
    clrnn_tensors *set = tensors_of(&lstm, "rnn.");
    char *large = malloc(70000);
    assert_non_null(large);
    memset(large, ' ', 70000);
    memcpy(large, "{}", 2);
    large[69999] = 0;
    assert_int_equal(clrnn_tensors_set_metadata(set, "clrnn", large), CLRNN_OK);
    assert_refused(set, "69999 bytes");
    free(large);
    clrnn_tensors_destroy(&set);
}

/* A copy of the tensors in which one is left out, or has another shape or type. */
static clrnn_tensors *changed(const clrnn_tensors *set, size_t index, int how)
{
    clrnn_tensors *copy = new_set();
    for (size_t i = 0; i < clrnn_tensors_count(set); i++) {
        clrnn_tensor t = *clrnn_tensors_at(set, i);
        if (i == index && how == 0)
            continue;
        if (i == index && how <= 2)
            t.shape[how - 1] += 1;
        else if (i == index && how == 3)
            t.rank = 3 - t.rank;
        else if (i == index && how == 4)
            t.dtype = CLRNN_DTYPE_I32;
        else if (i == index)
            t.shape[0] = 0;
        assert_int_equal(clrnn_tensors_add(copy, t.name, t.dtype, t.rank, t.shape, NULL), CLRNN_OK);
    }
    return copy;
}

/* Whichever tensor is missing or wrong: refused, for a reason that names a tensor. */
static void test_wrong_tensors(void **state)
{
    (void)state;
    clrnn_model_desc projected = lstm;
    projected.network.proj_size = 2;
    const clrnn_model_desc *descs[] = {&lstm, &gru, &projected};
    for (size_t d = 0; d < COUNT(descs); d++) {
        clrnn_tensors *set = tensors_of(descs[d], d ? "" : "rnn.");
        for (size_t i = 0; i < clrnn_tensors_count(set); i++)
            for (int how = 0; how < 6; how++) {
                const clrnn_tensor *t = clrnn_tensors_at(set, i);
                if (how == 2 && t->rank == 1)
                    continue;
                clrnn_tensors *wrong = changed(set, i, how);
                /* Three changes make another model, of which nothing is wrong. */
                clrnn_model_desc other = *descs[d];
                const bool embedding = strcmp(t->name, "embedding.weight") == 0;
                if (embedding && how == 0) {
                    other.input = CLRNN_INPUT_DENSE;
                    other.vocabulary_size = 0;
                    assert_reads(wrong, &other, d ? "" : "rnn.");
                } else if (embedding && how == 1) {
                    other.vocabulary_size += 1;
                    assert_reads(wrong, &other, d ? "" : "rnn.");
                } else if (d == 1 && how == 2 && strcmp(t->name, "weight_ih_l0") == 0) {
                    other.network.input_size += 1;
                    other.network.gru_reset = CLRNN_RESET_AFTER;
                    other.network.gru_update = CLRNN_UPDATE_KEEPS;
                    assert_reads(wrong, &other, "");
                } else {
                    assert_refused(wrong, "tensor ");
                }
                clrnn_tensors_destroy(&wrong);
            }
        clrnn_tensors_destroy(&set);
    }
}

static void test_other_tensors(void **state)
{
    (void)state;
    static const struct {
        const char *prefix, *name, *error; /* no error: of others */
    } rows[] = {
        {"rnn.", "rnn.weight_hh_l3", "tensor rnn.weight_hh_l3: found"},
        {"rnn.", "rnn.weight_hh_l00", "tensor rnn.weight_hh_l00"},
        {"rnn.", "rnn.weight_hh_l1_reversed", "tensor rnn.weight_hh_l1_reversed"},
        {"rnn.", "rnn.", "tensor rnn."},
        {"rnn.", "rnn.a\nb", "tensor rnn.a?b"},
        {"rnn.", "head.scale", "tensor head.scale"},
        {"rnn.", "embedding.bias", "tensor embedding.bias"},
        {"rnn.", "weight_zz", NULL},
        {"rnn.", "weight_hh_l0", NULL},
        {"rnn.", "optimizer.m", NULL},
        {"rnn.", "rnn", NULL},
        {"rnn.", "", NULL},
        {"", "weight_zz", "tensor weight_zz"},
        {"", "bias_ih_l2", "tensor bias_ih_l2"},
        {"", "rnn.x", "tensor rnn.x"},
        {"", "head.x", "tensor head.x"},
        {"", "weights", NULL},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        clrnn_tensors *set = tensors_of(&lstm, rows[i].prefix);
        add(set, rows[i].name, 1, 1, 1);
        if (rows[i].error)
            assert_refused(set, rows[i].error);
        else
            assert_reads(set, &lstm, rows[i].prefix);
        clrnn_tensors_destroy(&set);
    }
    static const struct {
        const char *name;
        uint32_t rank;
        uint64_t rows, columns;
        const char *error;
    } alone[] = {
        {"x", 1, 1, 1, "tensor rnn.weight_hh_l0: missing"},
        {"rnn.weight_hh_l0", 1, 4, 1, "expected a matrix"},
        {"rnn.weight_hh_l0", 2, 0, 8, "found shape [0,8]"},
        {"rnn.weight_hh_l0", 2, 8, 0, "found shape [8,0]"},
        {"rnn.weight_hh_l0", 2, 10, 5, "found shape [10,5], expected 4 (lstm), 3 (gru)"},
        {"rnn.weight_hh_l0", 2, 6, 4, "found shape [6,4], expected 4"},
        {"rnn.weight_hh_l0", 2, 4, 8, "found shape [4,8], expected 4"},
        {"rnn.weight_hh_l0", 2, 8, 2, "tensor rnn.weight_ih_l0: missing"},
        {"rnn.weight_ih_l0", 2, 8, 2, "tensor rnn.weight_hh_l0: missing"},
    };
    for (size_t i = 0; i < COUNT(alone); i++) {
        clrnn_tensors *set = new_set();
        add(set, alone[i].name, alone[i].rank, alone[i].rows, alone[i].columns);
        assert_refused(set, alone[i].error);
        clrnn_tensors_destroy(&set);
    }
}

/* Sizes within a matrix that no network may have. */
static void test_limits(void **state)
{
    (void)state;
    clrnn_tensors *set = new_set();
    add(set, "weight_ih_l0", 2, 4, 1);
    add(set, "weight_hr_l0", 2, 1, 1);
    add(set, "weight_hh_l0", 2, 4, 1);
    assert_refused(set, "proj_size 1 is not less than hidden_size 1");
    clrnn_tensors_destroy(&set);

    set = new_set();
    add(set, "weight_ih_l0", 2, 1, 1);
    for (int layer = 0; layer < 1002; layer++) {
        char name[32];
        snprintf(name, sizeof name, "weight_hh_l%d", layer);
        add(set, name, 2, 1, 1);
    }
    assert_refused(set, "num_layers is 1001");
    clrnn_tensors_destroy(&set);
}

static void test_memory(void **state)
{
    (void)state;
    clrnn_tensors *set = tensors_of(&lstm, "rnn.");
    clrnn_model_desc desc;
    uint8_t vocabulary[256];
    const char *prefix;
    char *json = NULL;
    clr_fault_inject(CLR_FAULT_MEMORY, 1);
    assert_int_equal(clr_description_read(set, &test_log, &desc, vocabulary, &prefix),
                     CLRNN_ERR_MEMORY);
    assert_error_contains("no memory");
    long failures = 0;
    for (clrnn_status status = CLRNN_ERR_MEMORY; status != CLRNN_OK; failures++) {
        clr_fault_inject(CLR_FAULT_MEMORY, failures + 1);
        status = clr_description_write(&lstm, &test_log, &json);
        assert_true(status == CLRNN_OK || (status == CLRNN_ERR_MEMORY && !json));
    }
    clr_fault_inject(CLR_FAULT_MEMORY, 0);
    assert_true(failures > 1);
    free(json);
    clrnn_tensors_destroy(&set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),    cmocka_unit_test(test_pytorch),
        cmocka_unit_test(test_exact_json),    cmocka_unit_test(test_partial_json),
        cmocka_unit_test(test_json_errors),   cmocka_unit_test(test_wrong_tensors),
        cmocka_unit_test(test_other_tensors), cmocka_unit_test(test_limits),
        cmocka_unit_test(test_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
