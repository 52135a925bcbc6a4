/* SPDX-License-Identifier: MIT
 * tests/layer/test_packed_rows.c - rows of sequences without padding, and back. */
#include <clrnn/pack.h>

#include <stdlib.h>
#include <string.h>

#include "support.h"

enum { T = 4, N = 3, K = 2, LIVE = 7 };
static const uint32_t lengths[N] = {2, 4, 1};

/* Step t of sequence n: 10*n + t and its negative. */
static void fill(const clrnn_packing *p, float *padded)
{
    for (uint32_t n = 0; n < N; n++)
        for (uint32_t t = 0; t < T; t++) {
            float *row = padded + K * (p->batch_first ? n * T + t : t * N + n);
            row[0] = (float)(10 * n + t);
            row[1] = -row[0];
        }
}

static clrnn_packing packing_of(int order, bool batch_first)
{
    return (clrnn_packing){.steps = T,
                           .batch = N,
                           .lengths = lengths,
                           .row_bytes = K * sizeof(float),
                           .order = (clrnn_packed_order)order,
                           .batch_first = batch_first};
}

static void order_of_rows(void **state)
{
    (void)state;
    static const float expected[2][LIVE] = {{0, 10, 20, 1, 11, 12, 13}, {0, 1, 10, 11, 12, 13, 20}};
    for (int i = 0; i < 4; i++) {
        const clrnn_packing p = packing_of(i / 2, i % 2);
        float padded[T * N * K], packed[LIVE * K + 1];
        size_t rows = 0;
        fill(&p, padded);
        packed[LIVE * K] = 77;
        assert_int_equal(clrnn_pack_count(&p, &test_log, &rows), CLRNN_OK);
        assert_int_equal(rows, LIVE);
        assert_int_equal(clrnn_pack_rows(&p, &test_log, padded, packed), CLRNN_OK);
        for (size_t r = 0; r < LIVE; r++)
            assert_true(packed[r * K] == expected[i / 2][r] && packed[r * K + 1] == -packed[r * K]);
        assert_true(packed[LIVE * K] == 77);
    }
}

/* What was there comes back, padding is what was asked for. */
static void round_trip(void **state)
{
    (void)state;
    static const float other[K] = {5, 6}, zeros[K] = {0, 0};
    for (int i = 0; i < 8; i++) {
        const clrnn_packing p = packing_of(i / 2 % 2, i % 2);
        const float *padding = i / 4 ? other : NULL, *expected = i / 4 ? other : zeros;
        float padded[T * N * K], packed[LIVE * K], again[T * N * K];
        fill(&p, padded);
        memset(again, 0x55, sizeof again);
        assert_int_equal(clrnn_pack_rows(&p, &test_log, padded, packed), CLRNN_OK);
        assert_int_equal(clrnn_unpack_rows(&p, &test_log, packed, padding, again), CLRNN_OK);
        for (uint32_t n = 0; n < N; n++)
            for (uint32_t t = 0; t < T; t++) {
                const size_t at = K * (p.batch_first ? n * T + t : t * N + n);
                assert_memory_equal(again + at, t < lengths[n] ? padded + at : expected,
                                    p.row_bytes);
            }
    }
}

/* Without lengths all rows count: by step those of [T,N,K] as they lie. */
static void without_lengths(void **state)
{
    (void)state;
    clrnn_packing p = packing_of(CLRNN_PACKED_BY_STEP, false);
    float padded[T * N * K], packed[T * N * K];
    size_t rows = 0;
    fill(&p, padded);
    p.lengths = NULL;
    assert_int_equal(clrnn_pack_count(&p, &test_log, &rows), CLRNN_OK);
    assert_int_equal(rows, T * N);
    assert_int_equal(clrnn_pack_rows(&p, &test_log, padded, packed), CLRNN_OK);
    assert_memory_equal(packed, padded, sizeof padded);
    p.steps = 0;
    assert_int_equal(clrnn_pack_count(&p, &test_log, &rows), CLRNN_OK);
    assert_int_equal(rows, 0);
    assert_int_equal(clrnn_pack_rows(&p, &test_log, padded, packed), CLRNN_OK);
}

static void refused(void **state)
{
    (void)state;
    static const uint32_t too_long[N] = {2, 5, 1};
    const struct {
        clrnn_packing packing;
        clrnn_status status;
        const char *text;
    } cases[] = {
        {{.steps = T, .batch = N, .lengths = too_long, .row_bytes = 4},
         CLRNN_ERR_RANGE,
         "lengths[1] is 5, more than the 4 steps"},
        {{.steps = T, .batch = N}, CLRNN_ERR_ARGUMENT, "row_bytes is 0"},
        {{.steps = T, .batch = N, .row_bytes = 4, .order = (clrnn_packed_order)2},
         CLRNN_ERR_ARGUMENT,
         "order 2 is unknown"},
        {{.steps = UINT32_MAX, .batch = UINT32_MAX, .row_bytes = SIZE_MAX / 2},
         CLRNN_ERR_RANGE,
         "more than memory can address"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        float packed[T * N], padded[T * N];
        size_t rows = 99;
        memset(packed, 0x55, sizeof packed);
        memcpy(padded, packed, sizeof packed);
        const clrnn_packing *p = &cases[i].packing;
        assert_int_equal(clrnn_pack_count(p, &test_log, &rows), cases[i].status);
        assert_error_contains(cases[i].text);
        assert_int_equal(rows, 99);
        assert_int_equal(clrnn_pack_rows(p, &test_log, padded, packed), cases[i].status);
        assert_int_equal(clrnn_unpack_rows(p, &test_log, packed, NULL, padded), cases[i].status);
        assert_memory_equal(packed, padded, sizeof packed);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(order_of_rows),
        cmocka_unit_test(round_trip),
        cmocka_unit_test(without_lengths),
        cmocka_unit_test(refused),
    };
    return cmocka_run_group_tests_name("packed rows", tests, NULL, NULL);
}
