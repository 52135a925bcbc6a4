/* SPDX-License-Identifier: MIT
 * tests/model/test_model_files.c - a model's way to and from named tensors and files. */
#include "model/passes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "device/context.h"

static const char *path_of(const char *name)
{
    static char path[512];
    snprintf(path, sizeof path, "%s/%s", test_folder(), name);
    return path;
}

/* Field by field: what lies between fields may differ. */
static void assert_same_network(const clrnn_network_desc *a, const clrnn_network_desc *b)
{
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
}

static void assert_same_desc(const clrnn_model_desc *a, const clrnn_model_desc *b)
{
    assert_same_network(&a->network, &b->network);
    assert_int_equal(a->input, b->input);
    assert_int_equal(a->vocabulary_size, b->vocabulary_size);
    assert_int_equal(a->output_size, b->output_size);
    assert_int_equal(a->vocabulary == NULL, b->vocabulary == NULL);
    if (a->vocabulary)
        assert_memory_equal(a->vocabulary, b->vocabulary, a->vocabulary_size);
}

/* Save, load in the same and in the other precision. */
static void round_trip(clrnn_context *context, const clrnn_model_desc *desc)
{
    clrnn_model *m = create(context, desc, 6), *again = NULL, *rounded = NULL;
    double *values = test_random(m->count, 7, 2);
    void *raw = encode(values, m->count, desc->precision);
    assert_int_equal(clrnn_model_set_parameters(m, raw), CLRNN_OK);
    assert_int_equal(clrnn_model_save(m, path_of("model.safetensors")), CLRNN_OK);
    assert_int_equal(
        clrnn_model_load(context, path_of("model.safetensors"), desc->precision, &again), CLRNN_OK);
    assert_same_desc(&m->desc, &again->desc);
    double *same = parameters_of(again);
    assert_memory_equal(values, same, m->count * sizeof *values);
    assert_int_equal(clrnn_model_load(context, path_of("model.safetensors"), CLRNN_F32, &rounded),
                     CLRNN_OK);
    assert_int_equal(rounded->desc.precision, CLRNN_F32);
    double *single = parameters_of(rounded);
    for (size_t i = 0; i < m->count; i++)
        assert_true(single[i] == (float)values[i]);
    free(single);
    free(same);
    free(raw);
    free(values);
    clrnn_model_destroy(&rounded);
    clrnn_model_destroy(&again);
    clrnn_model_destroy(&m);
}

static void test_round_trip(void **state)
{
    clrnn_context *context = *state;
    clrnn_model_desc descs[] = {
        full_model,
        {.network = {.cell = CLRNN_CELL_GRU, .hidden_size = 3, .gru_update = CLRNN_UPDATE_KEEPS},
         .input = CLRNN_INPUT_ONE_HOT,
         .vocabulary_size = 300,
         .output_size = 300},
        {.network = {.cell = CLRNN_CELL_RNN,
                     .input_size = 2,
                     .hidden_size = 4,
                     .no_bias = true,
                     .nonlinearity = CLRNN_RELU}},
        {.network = {.input_size = 2,
                     .hidden_size = 5,
                     .num_layers = 2,
                     .proj_size = 3,
                     .bidirectional = true,
                     .peepholes = true}},
    };
    for (size_t i = 0; i < COUNT(descs); i++) {
        round_trip(context, &descs[i]);
        descs[i].precision = CLRNN_F64;
        if (context->info.fp64)
            round_trip(context, &descs[i]);
    }
}

/* A GRU of I = 2, H = 3 as PyTorch's state_dict names it, weight_hh_l0 in float64. Its elements are
 * 0, 1, 2, ... in the order of the parameters. Without `biases` bias_hh_l0 is missing. */
static clrnn_tensors *pytorch_gru(const char *prefix, bool biases)
{
    float single[64];
    double twice[64];
    clrnn_tensors *set = NULL;
    for (int i = 0; i < 64; i++)
        single[i] = (float)(twice[i] = i);
    assert_int_equal(clrnn_tensors_create(&test_log, &set), CLRNN_OK);
    const struct {
        const char *name;
        clrnn_dtype dtype;
        uint32_t rank;
        uint64_t shape[2];
        const void *data;
    } tensors[] = {{"weight_ih_l0", CLRNN_DTYPE_F32, 2, {9, 2}, single},
                   {"weight_hh_l0", CLRNN_DTYPE_F64, 2, {9, 3}, twice + 18},
                   {"bias_ih_l0", CLRNN_DTYPE_F32, 1, {9, 0}, single + 45},
                   {"bias_hh_l0", CLRNN_DTYPE_F32, 1, {9, 0}, single + 54}};
    for (size_t i = 0; i < (biases ? 4 : 3); i++) {
        char name[64];
        snprintf(name, sizeof name, "%s%s", prefix, tensors[i].name);
        assert_int_equal(clrnn_tensors_add(set, name, tensors[i].dtype, tensors[i].rank,
                                           tensors[i].shape, tensors[i].data),
                         CLRNN_OK);
    }
    return set;
}

static void test_pytorch_names(void **state)
{
    static const char *const prefixes[] = {"", "rnn."};
    for (size_t p = 0; p < 2; p++) {
        clrnn_tensors *set = pytorch_gru(prefixes[p], true);
        clrnn_model *m = NULL;
        assert_int_equal(clrnn_model_from_tensors(*state, set, CLRNN_F32, &m), CLRNN_OK);
        const clrnn_model_desc *desc = clrnn_model_get_desc(m);
        assert_int_equal(desc->network.cell, CLRNN_CELL_GRU);
        assert_int_equal(desc->network.input_size, 2);
        assert_int_equal(desc->network.hidden_size, 3);
        assert_int_equal(desc->network.gru_reset, CLRNN_RESET_AFTER);
        assert_int_equal(desc->network.gru_update, CLRNN_UPDATE_KEEPS);
        assert_int_equal(desc->output_size, 0);
        double *w = parameters_of(m);
        assert_int_equal(m->count, 63);
        for (int i = 0; i < 63; i++)
            assert_true(w[i] == i);
        free(w);
        clrnn_model_destroy(&m);
        clrnn_tensors_destroy(&set);
    }
}

static void test_broken_sets(void **state)
{
    clrnn_model *m = (clrnn_model *)&full_model;
    clrnn_tensors *bias_missing = pytorch_gru("rnn.", false), *empty = NULL;
    clrnn_tensors *wide = pytorch_gru("rnn.", true);
    static const float head[8] = {0};
    assert_int_equal(clrnn_model_from_tensors(*state, bias_missing, CLRNN_F32, &m),
                     CLRNN_ERR_FORMAT);
    assert_error_contains("bias_hh_l0");
    assert_null(m);
    assert_int_equal(
        clrnn_tensors_add(wide, "head.weight", CLRNN_DTYPE_F32, 2, (const uint64_t[]){2, 4}, head),
        CLRNN_OK);
    assert_int_equal(
        clrnn_tensors_add(wide, "head.bias", CLRNN_DTYPE_F32, 1, (const uint64_t[]){2}, head),
        CLRNN_OK);
    assert_int_equal(clrnn_model_from_tensors(*state, wide, CLRNN_F32, &m), CLRNN_ERR_FORMAT);
    assert_error_contains("head.weight");
    assert_int_equal(clrnn_tensors_create(&test_log, &empty), CLRNN_OK);
    assert_int_equal(clrnn_model_from_tensors(*state, empty, CLRNN_F32, &m), CLRNN_ERR_FORMAT);
    assert_null(m);
    assert_int_equal(clrnn_model_from_tensors(*state, NULL, CLRNN_F32, &m), CLRNN_ERR_ARGUMENT);
    assert_int_equal(clrnn_model_load(*state, path_of("none.safetensors"), CLRNN_F32, &m),
                     CLRNN_ERR_IO);
    assert_error_contains("none.safetensors");
    clrnn_tensors_destroy(&bias_missing);
    clrnn_tensors_destroy(&wide);
    clrnn_tensors_destroy(&empty);
}

static void test_save_refused(void **state)
{
    clrnn_model *m = create(*state, &full_model, 8);
    clrnn_tensors *set = NULL;
    assert_int_equal(clrnn_tensors_create(&test_log, &set), CLRNN_OK);
    assert_int_equal(clrnn_model_to_tensors(m, set), CLRNN_OK);
    assert_int_equal(clrnn_model_to_tensors(m, set), CLRNN_ERR_ARGUMENT);
    assert_error_contains("embedding.weight");
    assert_int_equal(clrnn_model_save(m, path_of("no folder/model.safetensors")), CLRNN_ERR_IO);
    assert_int_equal(clrnn_model_save(m, NULL), CLRNN_ERR_ARGUMENT);
    clrnn_tensors_destroy(&set);
    clrnn_model_destroy(&m);
}

/* Every refusal of the system is reported with a reason, and leaves nothing behind. */
static void test_faults(void **state)
{
    clrnn_status status = CLRNN_ERR_MEMORY;
    long alive = clr_live_objects(), k = 1;
    for (int fault = 0; fault < CLR_FAULT_KINDS; fault++) {
        status = CLRNN_ERR_MEMORY;
        for (k = 1; status != CLRNN_OK; k++) {
            clrnn_model *m = NULL, *again = NULL;
            test_last_error[0] = 0;
            clr_fault_inject((clr_fault)fault, k);
            status = clrnn_model_create(*state, &full_model, 9, &m);
            if (status == CLRNN_OK)
                status = clrnn_model_save(m, path_of("faults.safetensors"));
            if (status == CLRNN_OK)
                status = clrnn_model_load(*state, path_of("faults.safetensors"), CLRNN_F32, &again);
            clr_fault_inject((clr_fault)fault, 0);
            assert_int_equal(status == CLRNN_OK, again != NULL);
            assert_true(status == CLRNN_OK || test_last_error[0]);
            clrnn_model_destroy(&again);
            clrnn_model_destroy(&m);
            assert_int_equal(clr_live_objects(), alive);
        }
        assert_true(k > 2);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, test_open, test_close)
    const struct CMUnitTest tests[] = {
        TEST(test_round_trip),   TEST(test_pytorch_names), TEST(test_broken_sets),
        TEST(test_save_refused), TEST(test_faults),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
