/* SPDX-License-Identifier: MIT
 * tests/base/test_base.c - status codes, log, checked arithmetic, memory, random bits, the clock,
 * names. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/checked.h"
#include "base/clock.h"
#include "base/digest.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/names.h"
#include "base/philox.h"
#include "support.h"

static void test_status(void **state)
{
    (void)state;
    const char *names[] = {
#define NAME(name, text) "CLRNN_" #name,
        CLRNN_STATUS_LIST(NAME)
#undef NAME
    };
    assert_int_equal(CLRNN_OK, 0);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        assert_string_equal(clrnn_status_name((clrnn_status)i), names[i]);
        assert_true(strlen(clrnn_status_text((clrnn_status)i)) > 5);
    }
    assert_string_equal(clrnn_status_name(CLRNN_ERR_FORMAT), "CLRNN_ERR_FORMAT");
    assert_non_null(clrnn_status_name((clrnn_status)1000));
    assert_non_null(clrnn_status_text((clrnn_status)-1));
}

/* What Meson has read from the header, which packages are named after. */
static void test_version(void **state)
{
    (void)state;
    int major, minor, patch;
    assert_string_equal(clrnn_version_text(), TEST_VERSION);
    assert_int_equal(sscanf(clrnn_version_text(), "%d.%d.%d", &major, &minor, &patch), 3);
    assert_int_equal(clrnn_version(), CLRNN_MAKE_VERSION(major, minor, patch));
    assert_int_equal(clrnn_version(), CLRNN_VERSION);
    assert_true(CLRNN_MAKE_VERSION(1, 0, 0) > CLRNN_MAKE_VERSION(0, 255, 255));
    assert_true(CLRNN_MAKE_VERSION(0, 2, 0) > CLRNN_MAKE_VERSION(0, 1, 255));
}

/* --- log ------------------------------------------------------------------------------------ */

typedef struct heard {
    int lines;
    clrnn_log_level level;
    char text[10000];
} heard;

static void hear(void *user, clrnn_log_level level, const char *text)
{
    heard *h = user;
    h->lines++;
    h->level = level;
    snprintf(h->text, sizeof h->text, "%s", text);
}

static void test_log_levels(void **state)
{
    (void)state;
    heard h = {0};
    clrnn_log log = {CLRNN_LOG_WARN, hear, &h};
    clr_log(NULL, CLRNN_LOG_ERROR, "nobody hears this");
    clr_log(&log, CLRNN_LOG_INFO, "nor this");
    assert_int_equal(h.lines, 0);
    clr_log(&log, CLRNN_LOG_WARN, "%d of %s", 3, "four");
    assert_int_equal(h.lines, 1);
    assert_int_equal(h.level, CLRNN_LOG_WARN);
    assert_string_equal(h.text, "3 of four");
    assert_int_equal(clr_fail(&log, CLRNN_ERR_RANGE, "T=%d", 0), CLRNN_ERR_RANGE);
    assert_int_equal(h.level, CLRNN_LOG_ERROR);
    assert_string_equal(h.text, "T=0");
    log.level = CLRNN_LOG_NONE;
    assert_int_equal(clr_fail(&log, CLRNN_ERR_IO, "silent"), CLRNN_ERR_IO);
    assert_int_equal(clr_fail(NULL, CLRNN_ERR_IO, "silent"), CLRNN_ERR_IO);
    log = (clrnn_log){CLRNN_LOG_DEBUG, NULL, NULL};
    assert_int_equal(clr_fail(&log, CLRNN_ERR_IO, "silent"), CLRNN_ERR_IO);
    assert_int_equal(h.lines, 2);
}

static void test_log_cut(void **state)
{
    (void)state;
    heard h = {0};
    const clrnn_log log = {CLRNN_LOG_DEBUG, hear, &h};
    char *text = malloc(20001);
    assert_non_null(text);
    memset(text, 'x', 20000);
    text[20000] = 0;
    clr_log(&log, CLRNN_LOG_INFO, "%s", text);
    assert_in_range(strlen(h.text), 8000, 8192);
    free(text);
}

/* --- arithmetic, memory, random bits ---------------------------------------------------------- */

static void test_checked(void **state)
{
    (void)state;
    clr_size a = clr_size_mul(clr_size_of(6), 7);
    assert_int_equal(a.value, 42);
    assert_false(a.overflow);
    assert_int_equal(clr_size_add(a, clr_size_of(8)).value, 50);
    assert_false(clr_size_of(SIZE_MAX).overflow);
    assert_false(clr_size_mul(clr_size_of(0), UINT64_MAX).overflow);
    assert_false(clr_size_mul(clr_size_of(UINT32_MAX), UINT32_MAX).overflow);
    clr_size over = clr_size_mul(clr_size_of(SIZE_MAX / 2 + 1), 2);
    assert_true(over.overflow);
    assert_true(clr_size_mul(over, 0).overflow); /* once lost, always lost */
    assert_true(clr_size_add(over, clr_size_of(1)).overflow);
    assert_true(clr_size_add(clr_size_of(1), over).overflow);
    assert_true(clr_size_add(clr_size_of(SIZE_MAX), clr_size_of(1)).overflow);
    assert_false(clr_size_add(clr_size_of(SIZE_MAX - 1), clr_size_of(1)).overflow);
}

static void test_memory(void **state)
{
    (void)state;
    int *numbers = clr_calloc(3, sizeof *numbers);
    assert_non_null(numbers);
    assert_int_equal(numbers[0] | numbers[1] | numbers[2], 0);
    free(numbers);
    void *nothing = clr_calloc(0, 8);
    assert_non_null(nothing);
    free(nothing);
    assert_null(clr_calloc(SIZE_MAX / 2, 3));
    char *copy = clr_strdup("gate");
    assert_string_equal(copy, "gate");
    free(copy);
}

static void test_faults(void **state)
{
    (void)state;
    assert_false(clr_fault_hit(CLR_FAULT_OPENCL));
    clr_fault_inject(CLR_FAULT_OPENCL, 3);
    assert_false(clr_fault_hit(CLR_FAULT_WRITE));
    assert_false(clr_fault_hit(CLR_FAULT_OPENCL));
    assert_false(clr_fault_hit(CLR_FAULT_OPENCL));
    assert_true(clr_fault_hit(CLR_FAULT_OPENCL));
    assert_true(clr_fault_hit(CLR_FAULT_OPENCL));
    clr_fault_inject(CLR_FAULT_OPENCL, 0);
    assert_false(clr_fault_hit(CLR_FAULT_OPENCL));
    clr_fault_inject(CLR_FAULT_OPENCL, -2);
    assert_false(clr_fault_hit(CLR_FAULT_OPENCL));
    assert_true(clr_fault_hit(CLR_FAULT_OPENCL)); /* this one alone */
    assert_false(clr_fault_hit(CLR_FAULT_OPENCL));
    clr_fault_inject(CLR_FAULT_MEMORY, 1);
    assert_null(clr_calloc(1, 1));
    assert_null(clr_strdup("x"));
    clr_fault_inject(CLR_FAULT_MEMORY, 0);
}

/* Known answers: kat_vectors of Random123, philox4x32 with 10 rounds. */
static void test_philox(void **state)
{
    (void)state;
    static const struct {
        uint64_t key;
        uint32_t counter[4], expected[4];
    } known[] = {
        {0, {0, 0, 0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
        {UINT64_MAX,
         {UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX},
         {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
        {UINT64_C(0x299f31d0a4093822),
         {0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
         {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        clr_philox_block block = clr_philox(known[i].key, known[i].counter);
        assert_memory_equal(block.word, known[i].expected, sizeof block.word);
    }
    assert_true(clr_uniform(0) == 0.0);
    assert_true(clr_uniform(UINT32_MAX) < 1.0);
}

static double monotonic(void)
{
    struct timespec now = {0};
    assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &now), 0);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* The clock that nobody can set, not the time of day. */
static void test_clock(void **state)
{
    (void)state;
    double before = monotonic(), now = clr_seconds(), after = monotonic();
    assert_true(before <= now && now <= after);
}

/* FNV-1a of eight zero bytes is known; all NaN are one, and as values both zeros. */
static void test_digest(void **state)
{
    (void)state;
    const double plus[] = {1, 0, NAN, -2}, minus[] = {1, -0.0, -NAN, -2}, other[] = {1, 0, NAN, 2};
    const uint64_t start = CLR_DIGEST_START;
    assert_true(clr_digest(start, plus + 1, 1) == 0xa8c7f832281a39c5u);
    assert_true(clr_digest(start, plus, 4) != clr_digest(start, minus, 4));
    assert_true(clr_digest(start, plus + 2, 2) == clr_digest(start, minus + 2, 2));
    assert_true(clr_digest_values(start, plus, 4) == clr_digest(start, plus, 4));
    assert_true(clr_digest_values(start, minus, 4) == clr_digest(start, plus, 4));
    assert_true(clr_digest_values(start, other, 4) != clr_digest(start, plus, 4));
}

/* The last of a name is found, and what was before it when it is gone; of very many, too. */
static void test_names(void **state)
{
    enum { MANY = 1000 };
    static char text[MANY][8];
    clr_names names = {0};
    (void)state;
    assert_int_equal(clr_names_find(&names, "a"), CLR_NO_NAME);
    for (uint32_t i = 0; i < MANY; i++) {
        snprintf(text[i], sizeof text[i], "%u", i % (MANY / 2));
        assert_true(clr_names_add(&names, text[i]));
    }
    for (uint32_t left = MANY; left > 0; left -= 50) {
        clr_names_cut(&names, left);
        assert_int_equal(clr_names_find(&names, "a"), CLR_NO_NAME);
        for (uint32_t i = 0; i < MANY / 2; i++)
            assert_int_equal(clr_names_find(&names, text[i]), i + MANY / 2 < left ? i + MANY / 2
                                                              : i < left          ? i
                                                                                  : CLR_NO_NAME);
    }
    clr_names_free(&names);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_status),  cmocka_unit_test(test_log_levels),
        cmocka_unit_test(test_log_cut), cmocka_unit_test(test_checked),
        cmocka_unit_test(test_memory),  cmocka_unit_test(test_faults),
        cmocka_unit_test(test_philox),  cmocka_unit_test(test_version),
        cmocka_unit_test(test_clock),   cmocka_unit_test(test_digest),
        cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests_name("base", tests, NULL, NULL);
}
