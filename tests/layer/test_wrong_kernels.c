/* SPDX-License-Identifier: MIT
 * tests/layer/test_wrong_kernels.c - kernels that are wrong in one of the things that users let
 * them do: the self-test sees each. This program brings its own files of cl/, which the linker
 * takes in place of the library's, and puts one mistake at a time into them. */
#include <clrnn/plan.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "device/context.h"
#include "math/sources.h"
#include "support.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

enum { ROOM = 1 << 16 }; /* each file is blank to its end */

#define FILES(X)          \
    X(scan)               \
    X(scan_forward)       \
    X(scan_backward)      \
    X(partition)          \
    X(persistent)         \
    X(persistent_forward) \
    X(resident)           \
    X(resident_forward)   \
    X(fused)              \
    X(fused_forward)      \
    X(fused_backward)     \
    X(turns)

enum {
#define X(name) FILE_##name,
    FILES(X)
#undef X
        FILE_COUNT
};

static char texts[FILE_COUNT][ROOM];
static const char *const names[] = {
#define X(name) #name ".cl",
    FILES(X)
#undef X
};

#define X(name) const clr_source clr_cl_##name = {#name ".cl", texts[FILE_##name], ROOM - 1};
FILES(X)
#undef X

/* Add a file of cl/ to a text of which `used` is there, and in their places those that it includes.
 */
static void add_file(const char *name, char *text, size_t *used)
{
    static const char directive[] = "#include \"";
    char path[64];
    void *file = NULL;
    size_t size = 0;
    snprintf(path, sizeof path, "../../cl/%s", name);
    assert_int_equal(clr_file_read(test_data(path), &test_log, &file, &size), CLRNN_OK);
    for (char *line = file, *all = line + size; line < all;) {
        char *end = memchr(line, '\n', (size_t)(all - line));
        assert_non_null(end);
        size_t length = (size_t)(end + 1 - line);
        if (length > sizeof directive && memcmp(line, directive, sizeof directive - 1) == 0) {
            end[-1] = 0; /* the second quotation mark */
            add_file(line + sizeof directive - 1, text, used);
        } else {
            assert_true(*used + length < ROOM);
            memcpy(text + *used, line, length);
            *used += length;
        }
        line = end + 1;
    }
    free(file);
}

/* Read the files of cl/ as they are. */
static void bring_right_files(void)
{
    for (int i = 0; i < FILE_COUNT; i++) {
        size_t used = 0;
        memset(texts[i], '\n', ROOM - 1);
        add_file(names[i], texts[i], &used);
    }
}

/* Put `wrong` in every place of `right`, of which there is one at least: templates come several
 * times.
 */
static void replace(int file, const char *right, const char *wrong)
{
    char *text = texts[file], *at = strstr(text, right);
    const size_t r = strlen(right), w = strlen(wrong);
    if (!at)
        fail_msg("%s has no \"%s\": what takes its place now?", names[file], right);
    for (; at; at = strstr(at + w, right)) {
        size_t left = (size_t)(text + ROOM - 1 - at); /* blanks at the end come or go */
        memmove(at + w, at + r, left - (r > w ? r : w));
        memcpy(at, wrong, w);
        if (r > w)
            memset(text + ROOM - 1 - (r - w), '\n', r - w);
    }
}

static const clrnn_network_desc lstm = {.input_size = 3, .hidden_size = 4};

/* A mistake, in kernels that then must not be used. */
typedef struct mistake {
    const char *what;
    clrnn_strategy strategy;
    bool train;
    int file;
    const char *right, *wrong;
} mistake;

static void is_seen(clrnn_context *context, const mistake *m, uint32_t units)
{
    clrnn_plan_desc desc = {.network = lstm,
                            .max_steps = 2,
                            .max_batch = 2,
                            .train = m->train,
                            .strategy = m->strategy};
    clrnn_plan *plan = NULL;
    desc.network.hidden_size = units;
    bring_right_files();
    replace(m->file, m->right, m->wrong);
    clr_self_tests_forget(context);
    clrnn_status status = clrnn_plan_create(context, &desc, &plan);
    clrnn_plan_destroy(&plan);
    if (status != CLRNN_ERR_SELF_TEST)
        fail_msg("%s: %s (%s)", m->what, clrnn_status_name(status), test_last_error);
    assert_error_contains("wrong results");
}

static void stepwise(void **state)
{
    test_need(*state, TEST_COMPILER);
    static const mistake all[] = {{"lengths", CLRNN_STRATEGY_STEPWISE, false, FILE_scan_forward,
                                   "store_some(live ? h_new : h_old,", "store_some(h_new,"},
                                  {"lengths, back", CLRNN_STRATEGY_STEPWISE, true,
                                   FILE_scan_backward, "store_some(live ? a[k] : (REALV)0, da_of",
                                   "store_some(a[k], da_of"},
                                  {"a long loop", CLRNN_STRATEGY_STEPWISE, false, FILE_turns,
                                   "turn < turns", "turn < min(turns, 65535u)"}};
    for (size_t i = 0; i < COUNT(all); i++)
        is_seen(*state, &all[i], lstm.hidden_size);
}

static void persistent(void **state)
{
    test_need(*state, TEST_COMPILER);
    static const clrnn_strategy s = CLRNN_STRATEGY_PERSISTENT;
    const mistake all[] = {
        {"one row", s, false, FILE_persistent, "sum[g][0][j] = k0 + b == 0 ? part",
         "sum[g][0][j] = k0 + b == 0 ? part * (REALV)1.01f"},
        {"five rows", s, false, FILE_persistent,
         "add_tile_6(from, stride, left, panel, k, count, chain, add, sum + i);",
         "add_tile_6(from, stride, min(left, 4u), panel, k, count, chain, add, sum + i);"},
        {"the fifth step", s, false, FILE_scan, "prev = slot_before(s->t, w->down, w->slots)",
         "prev = slot_before(s->t + (s->t == 4), w->down, w->slots)"},
        {"downwards", s, false, FILE_scan, "next = slot_after(s->t, w->down, w->slots)",
         "next = slot_after(s->t, 0, w->slots)"},
        {"a stack", s, false, FILE_persistent_forward, "lag = l.stacked ? l.block * parts : 0",
         "lag = l.stacked ? parts : 0"},
        {"three groups", s, false, FILE_partition,
         "return (uint)((ulong)whole * (part + 1) / parts);",
         "return (uint)((ulong)whole * (part + 1) / parts) - (part == 1 && parts > 2);"},
        {"steal", s, false, FILE_partition, "return (uint)(next - first);",
         "return (uint)(next - first + 1);"},
        {"lengths", s, false, FILE_scan_forward, "store_some(live ? h_new : h_old,",
         "store_some(h_new,"},
        {"fallback", s, false, FILE_partition, "            return last;\n",
         "            return false;\n"},
        {"lengths, back", s, true, FILE_scan_backward, "store_some(live ? a[k] : (REALV)0, da_of",
         "store_some(a[k], da_of"}};
    if (!(clrnn_context_device(*state)->type & CL_DEVICE_TYPE_CPU))
        skip();
    for (size_t i = 0; i < COUNT(all); i++)
        is_seen(*state, &all[i], lstm.hidden_size);
}

static void resident(void **state)
{
    test_need(*state, TEST_COMPILER);
    static const clrnn_strategy s = CLRNN_STRATEGY_RESIDENT;
    const mistake all[] = {{"one row", s, false, FILE_resident_forward, "lane * rows * width",
                            "lane * max(rows, 2u) * width"},
                           {"five rows", s, false, FILE_resident_forward,
                            "bring(p, a + n0 * stride, stride, rows, round, first, from);",
                            "bring(p, a, stride, rows, round, first, from);"},
                           {"directions", s, false, FILE_resident_forward,
                            "group < l->row_parts * parts ? 0 : 1", "0"},
                           {"fallback", s, false, FILE_resident_forward,
                            "s.h_prev, l.R, row0, row1, l.rows, !fallback,",
                            "s.h_prev, l.R, row0, row1, l.rows, true,"}};
    for (size_t i = 0; i < COUNT(all); i++)
        is_seen(*state, &all[i], lstm.hidden_size);
    is_seen(*state, &all[1], 1025); /* long sums have a self-test of their own */
}

static void fused(void **state)
{
    test_need(*state, TEST_COMPILER);
    test_need(*state, TEST_FUSED);
    static const clrnn_strategy s = CLRNN_STRATEGY_FUSED;
    const mistake all[] = {{"the last values of k", s, false, FILE_fused_forward,
                            "const uint count = min(p->K - k, (uint)DEPTH);",
                            "const uint count = min(p->K - k, (uint)4);    "},
                           {"the second panel", s, false, FILE_fused, "min(number, count - 1)",
                            "min(number, 0u)       "},
                           {"several rows", s, false, FILE_fused_forward,
                            "min(p->row0 + at / DEPTH, p->N - 1)",
                            "min(p->row0 + at / DEPTH, 1u)      "},
                           {"directions", s, false, FILE_fused_forward, "pick_arrays(l, d, &at);",
                            "pick_arrays(l, 0, &at);"},
                           {"the first step back", s, true, FILE_fused_backward,
                            "step_back_of(&w, 0, &s);", "step_back_of(&w, 1, &s);"},
                           {"lengths, back", s, true, FILE_scan_backward,
                            "store_some(live ? a[k] : (REALV)0, da_of", "store_some(a[k], da_of"}};
    for (size_t i = 0; i < COUNT(all); i++)
        is_seen(*state, &all[i], lstm.hidden_size);
}

/* As they are they pass: so the files above are those that are compiled. */
static void right_kernels(void **state)
{
    test_need(*state, TEST_COMPILER);
    clrnn_context *context = *state;
    const bool cpu = context->info.type & CL_DEVICE_TYPE_CPU;
    bring_right_files();
    for (int strategy = CLRNN_STRATEGY_STEPWISE; strategy <= CLRNN_STRATEGY_FUSED; strategy++)
        for (int train = 0; train < 2; train++) {
            const clrnn_plan_desc desc = {.network = lstm,
                                          .max_steps = 2,
                                          .max_batch = 2,
                                          .train = train,
                                          .strategy = (clrnn_strategy)strategy};
            clrnn_plan *plan = NULL;
            if (strategy == CLRNN_STRATEGY_PERSISTENT && !cpu)
                continue;
            assert_int_equal(clrnn_plan_create(context, &desc, &plan), CLRNN_OK);
            clrnn_plan_destroy(&plan);
        }
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, test_open, test_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(right_kernels), TEST(stepwise), TEST(persistent), TEST(resident), TEST(fused),
    };
    return cmocka_run_group_tests_name("wrong kernels", tests, NULL, NULL);
}
