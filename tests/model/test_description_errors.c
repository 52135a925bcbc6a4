/* SPDX-License-Identifier: MIT
 * model/test_description_errors.c - files whose JSON, names and shapes contradict each other: each
 * is refused with an error that names the field or tensor. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/descriptions.h"

static void test_json_errors(void **state)
{
    (void)state;
    static const struct {
        const clrnn_model_desc *desc;
        const char *json, *error;
    } rows[] = {
        {&lstm_desc, "", "JSON object"},
        {&lstm_desc, "[]", "JSON object"},
        {&lstm_desc, "\"cell\"", "JSON object"},
        {&lstm_desc, "{\"cell\":\"lstm\"", "JSON object"},
        {&lstm_desc, "{\"cell\":\"lstm\"}}", "JSON object"},
        {&lstm_desc, "{\"cell\":\"lstm\\u0000x\"}", "JSON object"},
        {&lstm_desc, "{\"cell\":\"lstm\x01\"}", "JSON object"},
        {&lstm_desc, "{\"cell\":\"lstm\",\"cell\":\"lstm\"}", "field cell: found twice"},
        {&lstm_desc, "{\"cell\":\"LSTM\"}",
         "field cell: found \"LSTM\", expected lstm, gru or rnn"},
        {&lstm_desc, "{\"cell\":4}", "field cell: found 4, expected"},
        {&lstm_desc, "{\"cell\":null}", "field cell: found null"},
        {&lstm_desc, "{\"cell\":[\"lstm\"]}", "field cell: found an array"},
        {&lstm_desc, "{\"cell\":\"gru\"}",
         "field cell: found gru, but the shapes of the tensors say lstm"},
        {&gru_desc, "{\"cell\":\"rnn\",\"reset\":\"after\",\"update\":\"keeps\"}",
         "field cell: found rnn, but the shapes of the tensors say gru"},
        {&lstm_desc, "{\"input_size\":7}", "field input_size: found 7, but the tensors say 6"},
        {&lstm_desc, "{\"input_size\":0}", "field input_size: found 0"},
        {&lstm_desc, "{\"input_size\":-6}", "field input_size: found -6"},
        {&lstm_desc, "{\"input_size\":\"6\"}", "field input_size: found \"6\", but"},
        {&lstm_desc, "{\"hidden_size\":5.5}",
         "field hidden_size: found 5.5, but the tensors say 5"},
        {&lstm_desc, "{\"hidden_size\":2147483649}", "field hidden_size: found 2147483649"},
        {&lstm_desc, "{\"hidden_size\":4294967301}", "field hidden_size: found 4294967301"},
        {&lstm_desc, "{\"hidden_size\":1e999}", "field hidden_size: found inf"},
        {&lstm_desc, "{\"hidden_size\":true}", "field hidden_size: found true"},
        {&lstm_desc, "{\"num_layers\":1}", "field num_layers: found 1, but the tensors say 2"},
        {&lstm_desc, "{\"num_layers\":3}", "field num_layers: found 3"},
        {&lstm_desc, "{\"proj_size\":2}", "field proj_size: found 2, but the tensors say 0"},
        {&lstm_desc, "{\"peepholes\":true}",
         "field peepholes: found true, but the tensors say false"},
        {&lstm_desc, "{\"bidirectional\":false}", "field bidirectional: found false"},
        {&lstm_desc, "{\"bidirectional\":1}", "field bidirectional: found 1"},
        {&lstm_desc, "{\"bias\":false}", "field bias: found false, but the tensors say true"},
        {&lstm_desc, "{\"nonlinearity\":\"relu\"}", "field nonlinearity: found relu"},
        {&lstm_desc, "{\"nonlinearity\":\"sigmoid\"}", "expected tanh or relu"},
        {&lstm_desc, "{\"reset\":\"never\"}",
         "field reset: found \"never\", expected before or after"},
        {&lstm_desc, "{\"update\":true}", "field update: found true, expected replaces or keeps"},
        {&gru_desc, "{\"reset\":\"after\"}", "field update: missing"},
        {&gru_desc, "{\"update\":\"keeps\"}", "field reset: missing"},
        {&gru_desc, "{\"nonlinearity\":\"relu\",\"reset\":\"after\",\"update\":\"keeps\"}",
         "field nonlinearity"},
        {&lstm_desc, "{\"input\":\"onehot\"}",
         "field input: found \"onehot\", expected dense, one_hot or"},
        {&lstm_desc, "{\"input\":\"dense\"}", "tensor embedding.weight"},
        {&lstm_desc, "{\"input\":\"one_hot\"}", "tensor embedding.weight"},
        {&lstm_desc, "{\"vocabulary_size\":5}",
         "field vocabulary_size: found 5, but the tensors say 6"},
        {&lstm_desc, "{\"vocabulary\":[0,1,2,3,4]}", "field vocabulary: found 5 bytes"},
        {&lstm_desc, "{\"vocabulary\":[0,1,2,3,4,5,6]}", "field vocabulary: found 7 bytes"},
        {&lstm_desc, "{\"vocabulary\":[0,1,2,3,4,256]}", "field vocabulary: found 256"},
        {&lstm_desc, "{\"vocabulary\":[0,1,2,3,4,-1]}", "field vocabulary: found -1"},
        {&lstm_desc, "{\"vocabulary\":[0,1,2,3,4,4]}", "each once"},
        {&lstm_desc, "{\"vocabulary\":[0,1,2,3,4,\"5\"]}",
         "field vocabulary: found \"5\", expected bytes"},
        {&lstm_desc, "{\"vocabulary\":\"abcdef\"}", "field vocabulary"},
        {&lstm_desc, "{\"vocabulary\":[],\"vocabulary\":[]}", "field vocabulary: found twice"},
        {&lstm_desc, "{\"output_size\":0}", "field output_size: found 0, but the tensors say 3"},
        {&gru_desc, "{\"reset\":\"after\",\"update\":\"keeps\",\"output_size\":2}",
         "field output_size"},
        {&gru_desc, "{\"reset\":\"after\",\"update\":\"keeps\",\"input\":\"embedding\"}",
         "tensor embedding.weight: missing"},
        {&gru_desc,
         "{\"reset\":\"after\",\"update\":\"keeps\",\"input\":\"dense\",\"vocabulary_size\":4}",
         "field vocabulary_size: found 4"},
        {&gru_desc,
         "{\"reset\":\"after\",\"update\":\"keeps\",\"input\":\"dense\",\"vocabulary\":[1]}",
         "field vocabulary: found 1"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        clrnn_tensors *set = tensors_of(rows[i].desc, "rnn.");
        assert_int_equal(clrnn_tensors_set_metadata(set, "clrnn", rows[i].json), CLRNN_OK);
        assert_refused(set, rows[i].error);
        clrnn_tensors_destroy(&set);
    }
    clrnn_tensors *set = tensors_of(&lstm_desc, "rnn.");
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
    clrnn_model_desc projected = lstm_desc;
    projected.network.proj_size = 2;
    const clrnn_model_desc *descs[] = {&lstm_desc, &gru_desc, &projected};
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
        clrnn_tensors *set = tensors_of(&lstm_desc, rows[i].prefix);
        add_zeros(set, rows[i].name, 1, 1, 1);
        if (rows[i].error)
            assert_refused(set, rows[i].error);
        else
            assert_reads(set, &lstm_desc, rows[i].prefix);
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
        add_zeros(set, alone[i].name, alone[i].rank, alone[i].rows, alone[i].columns);
        assert_refused(set, alone[i].error);
        clrnn_tensors_destroy(&set);
    }
}

/* Sizes within a matrix that no network may have. */
static void test_limits(void **state)
{
    (void)state;
    clrnn_tensors *set = new_set();
    add_zeros(set, "weight_ih_l0", 2, 4, 1);
    add_zeros(set, "weight_hr_l0", 2, 1, 1);
    add_zeros(set, "weight_hh_l0", 2, 4, 1);
    assert_refused(set, "proj_size 1 is not less than hidden_size 1");
    clrnn_tensors_destroy(&set);

    set = new_set();
    add_zeros(set, "weight_ih_l0", 2, 1, 1);
    for (int layer = 0; layer < 1002; layer++) {
        char name[32];
        snprintf(name, sizeof name, "weight_hh_l%d", layer);
        add_zeros(set, name, 2, 1, 1);
    }
    assert_refused(set, "num_layers is 1001");
    clrnn_tensors_destroy(&set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_json_errors),
        cmocka_unit_test(test_wrong_tensors),
        cmocka_unit_test(test_other_tensors),
        cmocka_unit_test(test_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
