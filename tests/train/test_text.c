/* SPDX-License-Identifier: MIT
 * tests/train/test_text.c - batches of text: every symbol where it belongs, and what is refused. */
#include "support.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <clrnn/text.h>

#include "base/memory.h"

/* Bytes that tell positions apart well: pseudo-random over `kinds` values from 'A' on. [size] */
static uint8_t *make_text(size_t size, unsigned kinds)
{
    double *random = test_random(size, 5, 0.5);
    uint8_t *bytes = malloc(size);
    assert_non_null(bytes);
    for (size_t i = 0; i < size; i++)
        bytes[i] = (uint8_t)('A' + (unsigned)((random[i] + 0.5) * kinds));
    free(random);
    return bytes;
}

static clrnn_text *create(const void *bytes, size_t size, clrnn_text_desc desc)
{
    clrnn_text *text = NULL;
    assert_int_equal(clrnn_text_create(bytes, size, &desc, &test_log, &text), CLRNN_OK);
    return text;
}

static void refuse(const void *bytes, size_t size, clrnn_text_desc desc, clrnn_status status,
                   const char *reason)
{
    clrnn_text *text = (clrnn_text *)&desc;
    assert_int_equal(clrnn_text_create(bytes, size, &desc, &test_log, &text), status);
    assert_null(text);
    assert_error_contains(reason);
}

/* Read one part batch by batch: stream n is the bytes from n*S on, without a gap, and each target
 * is the byte after its id. `bytes` [size] is the part itself. */
static void check_part(const clrnn_text *text, bool validation, const uint8_t *bytes, size_t size,
                       uint32_t T, uint32_t N)
{
    uint32_t V = 0;
    const uint8_t *vocabulary = clrnn_text_vocabulary(text, &V);
    size_t S = size / N;
    uint64_t batches = clrnn_text_batches(text, validation);
    assert_int_equal(batches, (S - 1) / T);
    assert_true(batches >= 1);
    int32_t *ids = calloc((size_t)T * N, sizeof *ids);
    int32_t *targets = calloc((size_t)T * N, sizeof *targets);
    assert_true(ids && targets);
    for (uint64_t k = 0; k < 2 * batches + 1; k++) {
        bool reset = k % 2;
        clrnn_text_batch(text, validation, k, ids, targets, &reset);
        assert_int_equal(reset, k == 0 || k == batches || k == 2 * batches);
        for (size_t n = 0; n < N; n++)
            for (size_t t = 0; t < T; t++) {
                size_t position = n * S + (size_t)(k % batches) * T + t;
                assert_true(position + 1 < size);
                assert_in_range(ids[t * N + n], 0, V - 1);
                assert_in_range(targets[t * N + n], 0, V - 1);
                assert_int_equal(vocabulary[ids[t * N + n]], bytes[position]);
                assert_int_equal(vocabulary[targets[t * N + n]], bytes[position + 1]);
            }
    }
    free(ids);
    free(targets);
}

static void every_symbol_in_its_place(void **state)
{
    (void)state;
    static const struct {
        size_t size;
        uint32_t T, N;
        double validation;
    } cases[] = {{101, 4, 3, 0},   {2, 1, 1, 0},        {15, 4, 3, 0},     {16, 4, 3, 0},
                 {100, 7, 2, 0.2}, {999, 10, 9, 0.101}, {3000, 1, 5, 0.5}, {257, 255, 1, 0}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t size = cases[i].size, held_out = (size_t)floor((double)size * cases[i].validation);
        uint32_t T = cases[i].T, N = cases[i].N;
        uint8_t *bytes = make_text(size, 40);
        clrnn_text *text =
            create(bytes, size, (clrnn_text_desc){T, N, cases[i].validation, NULL, 0});
        check_part(text, false, bytes, size - held_out, T, N);
        if (held_out)
            check_part(text, true, bytes + size - held_out, held_out, T, N);
        else
            assert_int_equal(clrnn_text_batches(text, true), 0);
        clrnn_text_destroy(&text);
        assert_null(text);
        clrnn_text_destroy(&text);
        free(bytes);
    }
}

static void any_index_wraps(void **state)
{
    (void)state;
    uint8_t *bytes = make_text(500, 30);
    clrnn_text *text = create(bytes, 500, (clrnn_text_desc){7, 4, 0, NULL, 0});
    uint64_t batches = clrnn_text_batches(text, false);
    assert_int_equal(batches, 17);
    int32_t ids[2][28], targets[2][28];
    bool reset[2];
    clrnn_text_batch(text, false, UINT64_MAX, ids[0], targets[0], &reset[0]);
    clrnn_text_batch(text, false, UINT64_MAX % batches, ids[1], targets[1], &reset[1]);
    assert_memory_equal(ids[0], ids[1], sizeof ids[0]);
    assert_memory_equal(targets[0], targets[1], sizeof targets[0]);
    assert_int_equal(reset[0], reset[1]);
    clrnn_text_destroy(&text);
    free(bytes);
}

static void nothing_held_out_counts_nothing(void **state)
{
    (void)state;
    clrnn_text *text = create("hello", 5, (clrnn_text_desc){2, 1, 0, NULL, 0});
    int32_t ids[2] = {9, 9}, targets[2] = {9, 9};
    bool reset = false;
    clrnn_text_batch(text, true, 3, ids, targets, &reset);
    assert_int_equal(clrnn_text_batches(text, true), 0);
    assert_true(reset && ids[0] == 0 && ids[1] == 0 && targets[0] == -1 && targets[1] == -1);
    clrnn_text_destroy(&text);
}

static void vocabularies(void **state)
{
    (void)state;
    uint32_t V = 0;
    int32_t ids[5], targets[5];
    bool reset;
    clrnn_text *text = create("hello!", 6, (clrnn_text_desc){5, 1, 0, NULL, 0});
    assert_memory_equal(clrnn_text_vocabulary(text, &V), "!ehlo", 5);
    assert_int_equal(V, 5);
    clrnn_text_destroy(&text);

    const uint8_t own[] = {'o', 'z', 'l', 'e', 'h', 0xff};
    text = create("hello\xff", 6, (clrnn_text_desc){5, 1, 0, own, 6});
    assert_memory_equal(clrnn_text_vocabulary(text, &V), own, 6);
    assert_int_equal(V, 6);
    clrnn_text_batch(text, false, 0, ids, targets, &reset);
    assert_memory_equal(ids, ((int32_t[]){4, 3, 2, 2, 0}), sizeof ids);
    assert_memory_equal(targets, ((int32_t[]){3, 2, 2, 0, 5}), sizeof targets);
    clrnn_text_destroy(&text);

    uint8_t all[256];
    for (size_t i = 0; i < 256; i++)
        all[i] = (uint8_t)(255 - i);
    text = create(all, 256, (clrnn_text_desc){5, 1, 0, all, 256});
    clrnn_text_batch(text, false, 0, ids, targets, &reset);
    assert_memory_equal(ids, ((int32_t[]){0, 1, 2, 3, 4}), sizeof ids);
    clrnn_text_destroy(&text);
}

static void refusals(void **state)
{
    (void)state;
    const clrnn_text_desc good = {.steps = 2, .batch = 1};
    clrnn_text_desc d = good;
    d.steps = 0;
    refuse("hello", 5, d, CLRNN_ERR_ARGUMENT, "steps (0)");
    d = good, d.batch = 0;
    refuse("hello", 5, d, CLRNN_ERR_ARGUMENT, "batch (0)");
    const double bad[] = {-0.1, 1, NAN, INFINITY};
    for (size_t i = 0; i < 4; i++) {
        d = good, d.validation = bad[i];
        refuse("hello", 5, d, CLRNN_ERR_ARGUMENT, "validation");
    }
    d = good, d.vocabulary_size = 4;
    refuse("hello", 5, d, CLRNN_ERR_ARGUMENT, "vocabulary_size is 4");
    d = good, d.vocabulary = (const uint8_t *)"helo";
    refuse("hello", 5, d, CLRNN_ERR_ARGUMENT, "vocabulary_size is 0");
    d.vocabulary_size = 257;
    refuse("hello", 5, d, CLRNN_ERR_ARGUMENT, "vocabulary_size is 257");
    d.vocabulary_size = 3;
    refuse("hello", 5, d, CLRNN_ERR_RANGE, "byte 0x6f at position 4");
    d.vocabulary = (const uint8_t *)"hehlo", d.vocabulary_size = 5;
    refuse("hello", 5, d, CLRNN_ERR_ARGUMENT, "vocabulary[0] and vocabulary[2] are both byte 0x68");
    refuse(NULL, 5, good, CLRNN_ERR_ARGUMENT, "bytes");

    clrnn_text *text = NULL;
    assert_int_equal(clrnn_text_create("hello", 5, NULL, &test_log, &text), CLRNN_ERR_ARGUMENT);
    assert_error_contains("desc");
    assert_int_equal(clrnn_text_create("hello", 5, &good, &test_log, NULL), CLRNN_ERR_ARGUMENT);
    assert_error_contains("NULL");
    clrnn_text_destroy(NULL);
}

/* One byte more would do, and the log says how many are needed. */
static void too_short(void **state)
{
    (void)state;
    char zeros[200] = {0};
    clrnn_text_desc d = {.steps = 4, .batch = 3};
    refuse("", 0, d, CLRNN_ERR_RANGE, "0 bytes of training text, one batch needs 15");
    refuse(NULL, 0, d, CLRNN_ERR_RANGE, "0 bytes of training text");
    refuse(zeros, 14, d, CLRNN_ERR_RANGE, "14 bytes of training text, one batch needs 15");
    clrnn_text *text = create(zeros, 15, d);
    clrnn_text_destroy(&text);
    d.validation = 0.1;
    refuse(zeros, 149, d, CLRNN_ERR_RANGE, "14 bytes of validation text, one batch needs 15");
    text = create(zeros, 150, d);
    clrnn_text_destroy(&text);
    d.validation = 0.9;
    refuse(zeros, 140, d, CLRNN_ERR_RANGE, "14 bytes of training text, one batch needs 15");
    d = (clrnn_text_desc){.steps = UINT32_MAX, .batch = UINT32_MAX};
    refuse(zeros, 200, d, CLRNN_ERR_RANGE, "one batch needs 18446744069414584320");
}

static void unigram_bits(void **state)
{
    (void)state;
    /* Training "aaab" and validation "abcb": p(a)=4/7, p(b)=2/7, p(c)=1/7. */
    clrnn_text *text = create("aaababcb", 8, (clrnn_text_desc){1, 1, 0.5, NULL, 0});
    double expected = -(log2(4.0 / 7) + 2 * log2(2.0 / 7) + log2(1.0 / 7)) / 4;
    assert_true(fabs(clrnn_text_unigram_bits(text) - expected) < 1e-14);
    clrnn_text_destroy(&text);

    /* Without validation text: the training text itself, under a vocabulary with a spare symbol. */
    text = create("aab", 3, (clrnn_text_desc){1, 1, 0, (const uint8_t *)"abz", 3});
    expected = -(2 * log2(3.0 / 6) + log2(2.0 / 6)) / 3;
    assert_true(fabs(clrnn_text_unigram_bits(text) - expected) < 1e-14);
    clrnn_text_destroy(&text);
}

static void no_memory(void **state)
{
    (void)state;
    const clrnn_text_desc desc = {.steps = 2, .batch = 1};
    for (long k = 1; k <= 2; k++) {
        clrnn_text *text = NULL;
        clr_fault_inject(CLR_FAULT_MEMORY, k);
        assert_int_equal(clrnn_text_create("hello", 5, &desc, &test_log, &text), CLRNN_ERR_MEMORY);
        clr_fault_inject(CLR_FAULT_MEMORY, 0);
        assert_null(text);
        assert_error_contains("memory");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_symbol_in_its_place),
        cmocka_unit_test(any_index_wraps),
        cmocka_unit_test(nothing_held_out_counts_nothing),
        cmocka_unit_test(vocabularies),
        cmocka_unit_test(refusals),
        cmocka_unit_test(too_short),
        cmocka_unit_test(unigram_bits),
        cmocka_unit_test(no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
