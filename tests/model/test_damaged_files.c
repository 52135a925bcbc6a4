/* SPDX-License-Identifier: MIT
 * model/test_damaged_files.c - good files, cut short or changed at random: no crash, and an error
 * or a set that is whole. The changes are the same in every run. */
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <clrnn/tensors.h>

#include "base/file.h"
#include "base/philox.h"
#include "model/description.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* A copy in memory of exactly that size, so that a sanitizer sees each byte read beyond it. */
static clrnn_status parse(const void *bytes, size_t size, clrnn_tensors **set)
{
    void *copy = malloc(size ? size : 1);
    assert_non_null(copy);
    memcpy(copy, bytes, size);
    clrnn_status status = clrnn_tensors_parse(copy, size, "damaged", &test_log, set);
    free(copy);
    return status;
}

static unsigned char *read_data(const char *name, size_t *size)
{
    void *bytes = NULL;
    assert_int_equal(clr_file_read(test_data(name), &test_log, &bytes, size), CLRNN_OK);
    return bytes;
}

static const char *const files[] = {"tensors/all_types.safetensors", "tensors/f8_fortran.npy",
                                    "tensors/f4_version2.npy", "tensors/i2_big_endian_fortran.npy"};

static void test_every_truncation(void **state)
{
    (void)state;
    for (size_t f = 0; f < COUNT(files); f++) {
        size_t size = 0;
        unsigned char *bytes = read_data(files[f], &size);
        for (size_t cut = 0; cut < size; cut++) {
            clrnn_tensors *set = NULL;
            assert_int_equal(parse(bytes, cut, &set), CLRNN_ERR_FORMAT);
            assert_null(set);
            assert_error_contains("damaged: ");
        }
        free(bytes);
    }
}

/* A model's file, for its description to be damaged too. */
static unsigned char *model_file(size_t *size)
{
    static const char json[] = "{\"cell\":\"gru\",\"input_size\":2,\"hidden_size\":1,\"reset\":"
                               "\"after\",\"update\":\"keeps\",\"vocabulary\":[10,65]}";
    clrnn_tensors *set = NULL;
    char path[512];
    snprintf(path, sizeof path, "%s/model.safetensors", test_folder());
    assert_int_equal(clrnn_tensors_create(&test_log, &set), CLRNN_OK);
    static const struct {
        const char *name;
        uint32_t rank;
        uint64_t shape[2];
    } rows[] = {{"rnn.weight_ih_l0", 2, {3, 2}},
                {"rnn.weight_hh_l0", 2, {3, 1}},
                {"rnn.bias_ih_l0", 1, {3}},
                {"rnn.bias_hh_l0", 1, {3}}};
    for (size_t i = 0; i < COUNT(rows); i++)
        assert_int_equal(clrnn_tensors_add(set, rows[i].name, CLRNN_DTYPE_F16, rows[i].rank,
                                           rows[i].shape, NULL),
                         CLRNN_OK);
    assert_int_equal(clrnn_tensors_set_metadata(set, "clrnn", json), CLRNN_OK);
    assert_int_equal(clrnn_tensors_save(set, path), CLRNN_OK);
    clrnn_tensors_destroy(&set);
    void *bytes = NULL;
    assert_int_equal(clr_file_read(path, &test_log, &bytes, size), CLRNN_OK);
    return bytes;
}

/* Touch everything that a set offers. Gives 1 if it also describes a model. */
static int use(const clrnn_tensors *set)
{
    for (size_t i = 0; i < clrnn_tensors_count(set); i++) {
        const clrnn_tensor *t = clrnn_tensors_at(set, i);
        double *values = malloc((t->count + 1) * sizeof *values);
        assert_non_null(values);
        assert_ptr_equal(clrnn_tensors_find(set, t->name), t);
        clrnn_tensor_to_f64(t, values);
        free(values);
    }
    clrnn_model_desc desc;
    uint8_t vocabulary[256];
    const char *prefix = NULL;
    clrnn_status status = clr_description_read(set, &test_log, &desc, vocabulary, &prefix);
    assert_true(status == CLRNN_OK || status == CLRNN_ERR_FORMAT);
    const clrnn_model_source source = {.tensors = set}, part = {.tensors = set, .prefix = "rnn."};
    assert_int_equal(clrnn_model_describe(&source, &test_log, &desc, vocabulary), status);
    clrnn_status inside = clrnn_model_describe(&part, &test_log, &desc, vocabulary);
    assert_true(inside == CLRNN_OK || inside == CLRNN_ERR_FORMAT);
    return status == CLRNN_OK;
}

static void test_random_damage(void **state)
{
    (void)state;
    for (size_t f = 0; f <= COUNT(files); f++) {
        size_t size = 0;
        unsigned char *bytes = f < COUNT(files) ? read_data(files[f], &size) : model_file(&size);
        unsigned char *damaged = malloc(size);
        assert_non_null(damaged);
        int taken = 0, refused = 0, models = 0;
        for (uint32_t round = 0; round < 3000; round++) {
            memcpy(damaged, bytes, size);
            for (uint32_t k = 0; k <= round % 4; k++) {
                clr_philox_block random = clr_philox(f, (uint32_t[4]){round, k, 0, 0});
                size_t at = random.word[0] % size;
                /* A random byte, a flipped bit, or another byte of the file. */
                damaged[at] = random.word[1] % 3 == 0   ? (unsigned char)random.word[2]
                              : random.word[1] % 3 == 1 ? damaged[at] ^ 1u << random.word[2] % 8
                                                        : bytes[random.word[2] % size];
            }
            clrnn_tensors *set = NULL;
            test_last_error[0] = 0;
            clrnn_status status = parse(damaged, size, &set);
            if (status == CLRNN_OK) {
                taken++;
                models += use(set);
            } else {
                refused++;
                assert_int_equal(status, CLRNN_ERR_FORMAT);
                assert_null(set);
                assert_error_contains("damaged: ");
            }
            clrnn_tensors_destroy(&set);
        }
        assert_true(taken > 100 && refused > 100 && (f < COUNT(files) || models > 100));
        free(damaged);
        free(bytes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_truncation),
        cmocka_unit_test(test_random_damage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
