/* SPDX-License-Identifier: MIT
 * model/test_description.c - what model a set of tensors holds: with our JSON, with part of it, and
 * with PyTorch's names alone. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "model/descriptions.h"

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
    if (n.cell == CLRNN_CELL_LSTM) {
        n.proj_size = option % 2 ? 2 : 0;
        n.peepholes = option / 2;
    } else if (n.cell == CLRNN_CELL_RNN)
        n.nonlinearity = (clrnn_nonlinearity)(option % 2);
    else {
        n.gru_reset = (clrnn_gru_reset)(option % 2);
        n.gru_update = (clrnn_gru_update)(option / 2);
    }
    desc->network = n;
    return n.cell != CLRNN_CELL_RNN || option < 2;
}

/* What files say only where it is there. */
static void add_options(clrnn_network_desc *n)
{
    const bool lstm = n->cell == CLRNN_CELL_LSTM;
    n->gate_clip = 0.1f;
    n->single_bias = !n->no_bias;
    n->reverse = !n->bidirectional;
    n->merge = n->bidirectional ? CLRNN_MERGE_SUM : CLRNN_MERGE_CONCAT;
    n->layer_norm = true;
    n->norm_epsilon = n->bidirectional ? 0.003f : 0;
    n->coupled_gates = lstm;
    n->cell_clip = lstm ? 3.25f : 0;
    if (n->cell != CLRNN_CELL_RNN)
        n->activations[0][1] = (clrnn_activation){CLRNN_FN_AFFINE, 0.3f, -1e-7f};
    if (n->bidirectional)
        n->activations[1][0] = clrnn_activation_of(CLRNN_FN_SOFTSIGN);
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
        if (k / 3 % 2)
            add_options(&desc.network);
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
        desc.network.layer_norm = k % 3 == 0; /* tensors tell */
        clrnn_tensors *set = tensors_of(&desc, prefix);
        add_zeros(set, "optimizer.rnn.weight_ih_l0", 1, 1, 1); /* of others: not looked at */
        add_zeros(set, "step", 1, 1, 1);
        if (desc.network.cell == CLRNN_CELL_GRU) {
            desc.network.gru_reset = CLRNN_RESET_AFTER;
            desc.network.gru_update = CLRNN_UPDATE_KEEPS;
        }
        assert_reads(set, &desc, prefix);
        read++;
        clrnn_tensors_destroy(&set);
    }
    assert_int_equal(read, (4 + 4 + 1) * 8 * 2 * 2 + 9 * 8 * 2);
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
    /* What older readers do not know is written only where it is there. */
    const clrnn_model_desc lstm = {.network = {.input_size = 2, .hidden_size = 3}};
    clrnn_model_desc peepholes = lstm;
    peepholes.network.peepholes = true;
    assert_int_equal(clr_description_write(&lstm, &test_log, &json), CLRNN_OK);
    assert_null(strstr(json, "peepholes"));
    free(json);
    assert_int_equal(clr_description_write(&peepholes, &test_log, &json), CLRNN_OK);
    assert_non_null(strstr(json, "\"bias\":true,\"peepholes\":true,\"input\":\"dense\""));
    free(json);
}

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
        "{\"peepholes\":false}",
        "{\"bidirectional\":true}",
        "{\"bias\":true}",
        "{\"input\":\"embedding\"}",
        "{\"vocabulary_size\":6}",
        "{\"output_size\":3}",
        "{\"reset\":\"before\",\"update\":\"keeps\",\"nonlinearity\":\"tanh\"}",
        "{\"Cell\":\"gru\",\"more\":{\"cell\":[\"gru\"]},\"\":null}"};
    for (size_t i = 0; i < COUNT(rows); i++) {
        clrnn_tensors *set = tensors_of(&lstm_desc, "rnn.");
        assert_int_equal(clrnn_tensors_set_metadata(set, "clrnn", rows[i]), CLRNN_OK);
        assert_reads(set, &lstm_desc, "rnn.");
        clrnn_tensors_destroy(&set);
    }
    static const uint8_t bytes[] = {3, 2, 1, 0};
    clrnn_model_desc one_hot = gru_desc;
    one_hot.network.gru_update = CLRNN_UPDATE_KEEPS;
    one_hot.input = CLRNN_INPUT_ONE_HOT;
    one_hot.vocabulary_size = 4;
    one_hot.vocabulary = bytes;
    clrnn_tensors *set = tensors_of(&gru_desc, "");
    assert_int_equal(
        clrnn_tensors_set_metadata(
            set, "clrnn", "{\"vocabulary\":[3,2,1,0],\"update\":\"keeps\",\"reset\":\"before\"}"),
        CLRNN_OK);
    assert_reads(set, &one_hot, "");
    clrnn_tensors_destroy(&set);
}

static void test_memory(void **state)
{
    (void)state;
    clrnn_tensors *set = tensors_of(&lstm_desc, "rnn.");
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
        status = clr_description_write(&lstm_desc, &test_log, &json);
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
        cmocka_unit_test(test_round_trip), cmocka_unit_test(test_pytorch),
        cmocka_unit_test(test_exact_json), cmocka_unit_test(test_partial_json),
        cmocka_unit_test(test_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
