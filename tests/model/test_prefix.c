/* SPDX-License-Identifier: MIT
 * model/test_prefix.c - models whose names have something before them: taken with a prefix, and
 * without one refused with the names there are and the prefixes that fit. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "model/descriptions.h"
#include "model/model.h"

/* Add the tensors of a model under `prefix`; the network's names begin with `inner` after that. The
 * elements are `first`, first + 1, .. over all tensors. */
static void add_under(clrnn_tensors *set, const char *prefix, const clrnn_model_desc *desc,
                      const char *inner, float first)
{
    clrnn_tensors *plain = tensors_of(desc, inner);
    for (size_t i = 0; i < clrnn_tensors_count(plain); i++) {
        const clrnn_tensor *t = clrnn_tensors_at(plain, i);
        char name[256];
        float *data = calloc(t->count, sizeof *data);
        assert_non_null(data);
        for (size_t k = 0; k < t->count; k++)
            data[k] = first++;
        snprintf(name, sizeof name, "%s%s", prefix, t->name);
        assert_int_equal(clrnn_tensors_add(set, name, t->dtype, t->rank, t->shape, data), CLRNN_OK);
        free(data);
    }
    clrnn_tensors_destroy(&plain);
}

static clrnn_status describe(const clrnn_tensors *set, const char *prefix, clrnn_model_desc *desc)
{
    static uint8_t vocabulary[256];
    const clrnn_model_source source = {.tensors = set, .prefix = prefix};
    test_last_error[0] = 0;
    return clrnn_model_describe(&source, &test_log, desc, vocabulary);
}

/* Refused, for a reason that contains each of the texts up to NULL. */
static void refuse(const clrnn_tensors *set, const char *prefix, const char *const *texts)
{
    clrnn_model_desc desc = {.output_size = 77};
    assert_int_equal(describe(set, prefix, &desc), CLRNN_ERR_FORMAT);
    assert_int_equal(desc.output_size, 77);
    assert_null(strchr(test_last_error, '\n'));
    for (; *texts; texts++)
        if (!strstr(test_last_error, *texts))
            fail_msg("no \"%s\" in \"%s\"", *texts, test_last_error);
}

#define REFUSE(set, prefix, ...) refuse(set, prefix, (const char *const[]){__VA_ARGS__, NULL})

/* --- what is taken ---------------------------------------------------------------------------- */

static void test_parameters(void **state)
{
    static const char *const prefixes[] = {"encoder.", "encoder.lstm.", "x", "a.rnn.", "\xc3\xa4/"};
    static const char *const inners[] = {"rnn.", ""};
    for (size_t p = 0; p < COUNT(prefixes) * COUNT(inners); p++) {
        const char *prefix = prefixes[p / 2], *inner = inners[p % 2];
        clrnn_tensors *set = new_set();
        clrnn_model *m = NULL;
        add_under(set, "other.", &gru_desc, "rnn.", 1000);
        add_under(set, prefix, &lstm_desc, inner, 0);
        add_under(set, "zzz.", &gru_desc, "", 5000);
        const clrnn_model_source source = {.tensors = set, .prefix = prefix};
        assert_int_equal(clrnn_model_open(*state, &source, &m), CLRNN_OK);
        assert_int_equal(m->desc.vocabulary_size, lstm_desc.vocabulary_size);
        assert_int_equal(m->desc.output_size, lstm_desc.output_size);
        float *w = calloc(m->count, sizeof *w);
        assert_int_equal(clrnn_model_get_parameters(m, w), CLRNN_OK);
        for (size_t i = 0; i < m->count; i++) /* the order of the tensors is the parameters' */
            assert_true(w[i] == (float)i);
        free(w);
        clrnn_model_destroy(&m);
        clrnn_tensors_destroy(&set);
    }
}

/* The description in a file counts with a prefix too, and must agree. */
static void test_description(void **state)
{
    clrnn_tensors *set = new_set();
    clrnn_model_desc desc;
    (void)state;
    add_under(set, "a.", &gru_desc, "", 0);
    assert_int_equal(
        clrnn_tensors_set_metadata(set, "clrnn", "{\"reset\":\"before\",\"update\":\"replaces\"}"),
        CLRNN_OK);
    assert_int_equal(describe(set, "a.", &desc), CLRNN_OK);
    assert_int_equal(desc.network.gru_reset, CLRNN_RESET_BEFORE);
    assert_int_equal(clrnn_tensors_set_metadata(set, "clrnn", "{\"hidden_size\":6}"), CLRNN_OK);
    REFUSE(set, "a.", "prefix \"a.\": metadata clrnn, field hidden_size: found 6");
    clrnn_tensors_destroy(&set);
}

/* An empty prefix is none; precision and text of the symbols are told. */
static void test_no_prefix(void **state)
{
    static const char json[] = "{\"vocabulary\":[7,6,5,4,3,2]}";
    clrnn_tensors *set = tensors_of(&lstm_desc, "rnn.");
    uint8_t vocabulary[256] = {0};
    (void)state;
    assert_int_equal(clrnn_tensors_set_metadata(set, "clrnn", json), CLRNN_OK);
    for (int i = 0; i < 2; i++) {
        clrnn_model_desc desc;
        const clrnn_model_source source = {
            .tensors = set, .prefix = i ? "" : NULL, .precision = CLRNN_F64};
        assert_int_equal(clrnn_model_describe(&source, &test_log, &desc, vocabulary), CLRNN_OK);
        assert_int_equal(desc.precision, CLRNN_F64);
        assert_int_equal(desc.network.num_layers, 2);
        assert_ptr_equal(desc.vocabulary, vocabulary);
        assert_int_equal(vocabulary[1], 6);
    }
    clrnn_tensors_destroy(&set);
}

static void test_arguments(void **state)
{
    clrnn_tensors *set = tensors_of(&gru_desc, "");
    clrnn_model *m = (clrnn_model *)&set; /* must become NULL */
    clrnn_model_desc desc;
    uint8_t vocabulary[256];
    const clrnn_model_source none = {.prefix = "a."}, both = {.path = "a", .tensors = set};
    const clrnn_model_source good = {.tensors = set};
    assert_int_equal(clrnn_model_open(*state, &none, &m), CLRNN_ERR_ARGUMENT);
    assert_null(m);
    assert_error_contains("path and tensors of the source are both NULL");
    assert_int_equal(clrnn_model_open(*state, &both, &m), CLRNN_ERR_ARGUMENT);
    assert_error_contains("path and tensors of the source are both given");
    assert_int_equal(clrnn_model_open(*state, NULL, &m), CLRNN_ERR_ARGUMENT);
    assert_error_contains("clrnn_model_open: source is NULL");
    assert_int_equal(clrnn_model_open(*state, &good, NULL), CLRNN_ERR_ARGUMENT);
    assert_error_contains("clrnn_model_open: model is NULL");
    assert_int_equal(clrnn_model_open(NULL, &good, &m), CLRNN_ERR_ARGUMENT);
    assert_int_equal(clrnn_model_describe(NULL, &test_log, &desc, vocabulary), CLRNN_ERR_ARGUMENT);
    assert_error_contains("clrnn_model_describe: source is NULL");
    assert_int_equal(clrnn_model_describe(&good, &test_log, NULL, vocabulary), CLRNN_ERR_ARGUMENT);
    assert_error_contains("clrnn_model_describe: desc is NULL");
    assert_int_equal(clrnn_model_describe(&good, &test_log, &desc, NULL), CLRNN_ERR_ARGUMENT);
    assert_error_contains("clrnn_model_describe: vocabulary is NULL");
    assert_int_equal(clrnn_model_describe(&good, NULL, &desc, vocabulary), CLRNN_OK);
    clrnn_tensors_destroy(&set);
}

/* --- what is refused -------------------------------------------------------------------------- */

static void test_names_and_shapes(void **state)
{
    clrnn_tensors *set = new_set();
    (void)state;
    REFUSE(set, NULL, "no network", "it has no tensors");
    add_zeros(set, "lstm/kernel", 2, 3, 24);
    REFUSE(set, NULL, "it has 1 tensor: lstm/kernel [3,24]");
    add_zeros(set, "lstm/bias\x1b[31m", 1, 24, 1);
    REFUSE(set, NULL, "it has 2 tensors: lstm/kernel [3,24], lstm/bias?[31m [24]");
    assert_null(strstr(test_last_error, "prefix"));
    add_zeros(set, "", 1, 1, 1);
    REFUSE(set, "lstm/", "prefix \"lstm/\": no network", "(no name) [1]");
    clrnn_tensors_destroy(&set);
}

static void test_one_prefix(void **state)
{
    clrnn_tensors *set = new_set();
    (void)state;
    add_under(set, "encoder.lstm.", &gru_desc, "", 0);
    add_zeros(set, "fc.weight", 2, 3, 5);
    REFUSE(set, NULL, "the prefix \"encoder.lstm.\" would make it fit", "--prefix",
           "encoder.lstm.weight_hh_l0 [15,5]", "fc.weight [3,5]");
    REFUSE(set, "encoder", "prefix \"encoder\": no network", "the prefix \"encoder.lstm.\" would");
    clrnn_tensors_destroy(&set);

    set = tensors_of(&gru_desc, "rnn."); /* with a prefix that is not needed */
    REFUSE(set, "rnnn.", "the prefix \"\" would make it fit");
    clrnn_tensors_destroy(&set);

    set = new_set(); /* of a model the prefix stands before "rnn.", so that it has its head */
    add_under(set, "model.", &lstm_desc, "rnn.", 0);
    REFUSE(set, NULL, "the prefix \"model.\" would make it fit");
    clrnn_tensors_destroy(&set);

    set = new_set(); /* but not in the middle of a word */
    add_under(set, "my_rnn.", &gru_desc, "", 0);
    REFUSE(set, NULL, "the prefix \"my_rnn.\" would make it fit");
    clrnn_tensors_destroy(&set);
}

static void test_several_prefixes(void **state)
{
    clrnn_tensors *set = new_set();
    (void)state;
    add_under(set, "decoder.", &lstm_desc, "rnn.", 0);
    add_under(set, "encoder.", &gru_desc, "", 0);
    add_under(set, "broken.", &gru_desc, "", 0);
    add_zeros(set, "broken.bias_hh_l3", 1, 1, 1);
    REFUSE(set, NULL, "each of the prefixes \"decoder.\", \"encoder.\" would make it fit");
    assert_null(strstr(test_last_error, "\"broken.\""));
    clrnn_tensors_destroy(&set);
}

/* The names are there under a prefix, but do not make a network: why not. */
static void test_near_prefix(void **state)
{
    clrnn_tensors *set = new_set();
    (void)state;
    add_zeros(set, "lstm.weight_hh_l0", 2, 8, 2);
    REFUSE(set, NULL, "prefix \"lstm.\" would not do: tensor weight_ih_l0: missing");
    REFUSE(set, "lstm.", "prefix \"lstm.\": tensor weight_ih_l0: missing");
    clrnn_tensors_destroy(&set);
}

/* However many there are, and however long their names: a line, and what is left out is counted. */
static void test_many(void **state)
{
    enum { NETWORKS = 300 };
    char name[200], prefix[100];
    clrnn_tensors *set = new_set();
    (void)state;
    for (int i = 0; i < NETWORKS; i++) {
        memset(prefix, 'x', sizeof prefix);
        snprintf(prefix + 80, sizeof prefix - 80, "%03d.", i);
        add_under(set, prefix, &gru_desc, "", 0);
    }
    REFUSE(set, NULL, "xxx000.\", ", "xxx015.\" and more would make it fit", "it has 1200 tensors",
           " and 1184 more");
    assert_null(strstr(test_last_error, "xxx016.\""));
    assert_true(strlen(test_last_error) < 8000);
    clrnn_tensors_destroy(&set);

    set = new_set(); /* each prefix begins with all before it */
    for (int i = 0; i < 180; i++) {
        memset(name, 'y', sizeof name);
        snprintf(name + i, sizeof name - (size_t)i, "weight_hh_l0");
        add_zeros(set, name, 2, 15, 5);
    }
    REFUSE(set, "z", "would not do", "it has 180 tensors");
    clrnn_tensors_destroy(&set);
}

/* A path is told in every message, the system's and the format's. */
static void test_path(void **state)
{
    char path[512];
    clrnn_model *m = NULL;
    clrnn_tensors *set = new_set();
    snprintf(path, sizeof path, "%s/foreign.safetensors", test_folder());
    add_under(set, "a.", &gru_desc, "", 0);
    assert_int_equal(clrnn_tensors_save(set, path), CLRNN_OK);
    assert_int_equal(clrnn_model_load(*state, path, CLRNN_F32, &m), CLRNN_ERR_FORMAT);
    assert_error_contains("foreign.safetensors: no network");
    assert_null(m);
    clrnn_model_source source = {.path = path, .prefix = "b."};
    assert_int_equal(clrnn_model_open(*state, &source, &m), CLRNN_ERR_FORMAT);
    assert_error_contains("foreign.safetensors, prefix \"b.\": no network");
    source.prefix = "a.";
    assert_int_equal(clrnn_model_open(*state, &source, &m), CLRNN_OK);
    clrnn_model_destroy(&m);
    source.path = "/no/such/file";
    assert_int_equal(clrnn_model_open(*state, &source, &m), CLRNN_ERR_IO);
    assert_error_contains("/no/such/file");
    clrnn_tensors_destroy(&set);
}

/* Without memory there is no list, but a reason. */
static void test_faults(void **state)
{
    clrnn_tensors *set = new_set();
    clrnn_model_desc desc;
    (void)state;
    add_under(set, "a.", &gru_desc, "", 0);
    for (int given = 0; given < 2; given++) {
        clrnn_status status = CLRNN_ERR_MEMORY;
        long k = 0;
        while (status == CLRNN_ERR_MEMORY) {
            clr_fault_inject(CLR_FAULT_MEMORY, ++k);
            status = describe(set, given ? "a." : NULL, &desc);
            clr_fault_inject(CLR_FAULT_MEMORY, 0);
            assert_true(status == CLRNN_OK || test_last_error[0]);
        }
        assert_int_equal(status, given ? CLRNN_OK : CLRNN_ERR_FORMAT);
        assert_true(k > 5);
    }
    clrnn_tensors_destroy(&set);
}

static void test_metadata(void **state)
{
    clrnn_tensors *set = new_set();
    const char *value = "untouched";
    (void)state;
    assert_null(clrnn_tensors_metadata_at(set, 0, &value));
    assert_null(value);
    assert_int_equal(clrnn_tensors_set_metadata(set, "b", "1"), CLRNN_OK);
    assert_int_equal(clrnn_tensors_set_metadata(set, "a", "2"), CLRNN_OK);
    assert_string_equal(clrnn_tensors_metadata_at(set, 0, &value), "b");
    assert_string_equal(value, "1");
    assert_string_equal(clrnn_tensors_metadata_at(set, 1, NULL), "a");
    assert_null(clrnn_tensors_metadata_at(set, 2, &value));
    assert_null(clrnn_tensors_metadata_at(NULL, 0, NULL));
    clrnn_tensors_destroy(&set);
}

int main(void)
{
#define DEVICE(name) cmocka_unit_test_setup_teardown(name, test_open, test_close)
    const struct CMUnitTest tests[] = {
        DEVICE(test_parameters),
        cmocka_unit_test(test_description),
        cmocka_unit_test(test_no_prefix),
        DEVICE(test_arguments),
        cmocka_unit_test(test_names_and_shapes),
        cmocka_unit_test(test_one_prefix),
        cmocka_unit_test(test_several_prefixes),
        cmocka_unit_test(test_near_prefix),
        cmocka_unit_test(test_many),
        DEVICE(test_path),
        cmocka_unit_test(test_faults),
        cmocka_unit_test(test_metadata),
    };
    return cmocka_run_group_tests_name("prefix", tests, NULL, NULL);
}
