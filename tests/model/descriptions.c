/* SPDX-License-Identifier: MIT
 * model/descriptions.c - see model/descriptions.h. */
#include "model/descriptions.h"

#include <stdio.h>
#include <string.h>

#include "shape/network.h"

const clrnn_model_desc lstm_desc = {
    .network = {.input_size = 6, .hidden_size = 5, .num_layers = 2, .bidirectional = true},
    .input = CLRNN_INPUT_EMBEDDING,
    .vocabulary_size = 6,
    .output_size = 3};
const clrnn_model_desc gru_desc = {
    .network = {.cell = CLRNN_CELL_GRU, .input_size = 4, .num_layers = 1, .hidden_size = 5}};

clrnn_tensors *new_set(void)
{
    clrnn_tensors *set = NULL;
    assert_int_equal(clrnn_tensors_create(&test_log, &set), CLRNN_OK);
    return set;
}

void add_zeros(clrnn_tensors *set, const char *name, uint32_t rank, uint64_t rows, uint64_t columns)
{
    assert_int_equal(
        clrnn_tensors_add(set, name, CLRNN_DTYPE_F32, rank, (uint64_t[]){rows, columns}, NULL),
        CLRNN_OK);
}

/* The tensors of a model, without any description. */
clrnn_tensors *tensors_of(const clrnn_model_desc *desc, const char *prefix)
{
    clrnn_tensors *set = new_set();
    clr_network n;
    size_t count = 0;
    assert_int_equal(clr_network_init(&desc->network, &test_log, &n), CLRNN_OK);
    assert_int_equal(clrnn_network_weights(&desc->network, &test_log, &count, NULL), CLRNN_OK);
    if (desc->input == CLRNN_INPUT_EMBEDDING)
        add_zeros(set, "embedding.weight", 2, desc->vocabulary_size, desc->network.input_size);
    for (size_t i = 0; i < count; i++) {
        clrnn_weight_info info;
        char name[64];
        assert_int_equal(clrnn_network_weight(&desc->network, &test_log, i, &info), CLRNN_OK);
        snprintf(name, sizeof name, "%s%s", prefix, info.name);
        add_zeros(set, name, info.rank, info.shape[0], info.shape[1]);
    }
    if (desc->output_size > 0) {
        add_zeros(set, "head.weight", 2, desc->output_size, n.width);
        add_zeros(set, "head.bias", 1, desc->output_size, 1);
    }
    return set;
}

void assert_reads(const clrnn_tensors *set, const clrnn_model_desc *expected,
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
    assert_int_equal(a->peepholes, b->peepholes);
    assert_int_equal(a->coupled_gates, b->coupled_gates);
    assert_true(a->gate_clip == b->gate_clip && a->cell_clip == b->cell_clip);
    assert_true(a->single_bias == b->single_bias && a->reverse == b->reverse);
    assert_int_equal(a->merge, b->merge);
    assert_true(a->layer_norm == b->layer_norm && a->norm_epsilon == b->norm_epsilon);
    assert_memory_equal(a->activations, b->activations, sizeof a->activations);
    assert_int_equal(desc.input, expected->input);
    assert_int_equal(desc.vocabulary_size, expected->vocabulary_size);
    assert_int_equal(desc.output_size, expected->output_size);
    assert_int_equal(desc.vocabulary != NULL, expected->vocabulary != NULL);
    if (desc.vocabulary) {
        assert_ptr_equal(desc.vocabulary, vocabulary);
        assert_memory_equal(vocabulary, expected->vocabulary, expected->vocabulary_size);
    }
}

void assert_refused(const clrnn_tensors *set, const char *error)
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
