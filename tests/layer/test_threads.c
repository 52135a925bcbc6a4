/* SPDX-License-Identifier: MIT
 * tests/layer/test_threads.c - who runs the groups of the native device: any number of threads, or
 * the application's own, also those that run one job after the other, or do not do them all. The
 * bits are the same. */
#include "layer/device.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/thread.h"
#include "device/native.h"
#include "layer/partitions.h"

static const struct {
    size_t form;
    uint32_t layers, steps, batch, units;
    bool both, train;
} works[] = {
    {0, 1, 5, 1, 64, false, false},  {2, 2, 6, 17, 93, true, true},
    {4, 1, 9, 40, 130, false, true}, {6, 1, 9, 1, 150, true, false},
    {7, 2, 11, 1, 40, false, false},
};

static clrnn_status open_with(const clrnn_context_desc *desc, clrnn_context **context)
{
    clrnn_context_desc own = *desc;
    own.device = "native";
    own.log = test_log;
    own.cache_dir = "";
    return clrnn_context_create(&own, context);
}

static test_inputs inputs_of(size_t work)
{
    clrnn_network_desc network = test_form(works[work].form, works[work].layers, works[work].both);
    network.input_size = 17;
    network.hidden_size = works[work].units;
    network.proj_size = network.proj_size ? 37 : 0;
    return test_inputs_random(&network, works[work].steps, works[work].batch, NULL, work + 1, 0.3);
}

static test_outputs run_work(clrnn_context *context, size_t work, const test_inputs *in)
{
    clrnn_plan_desc desc = test_plan_desc(in, CLRNN_F32, works[work].train, 0);
    clrnn_plan *plan = NULL;
    desc.strategy = CLRNN_STRATEGY_AUTO;
    desc.gemm = CLRNN_GEMM_AUTO;
    plan = test_plan_make(context, &desc, in);
    test_outputs out = test_run(plan, in);
    clrnn_plan_destroy(&plan);
    return out;
}

/* All outputs of all works in one array, the caller's, to be freed. */
static double *run_all(const clrnn_context_desc *desc, size_t *count)
{
    clrnn_context *context = NULL;
    double *all = NULL;
    *count = 0;
    if (open_with(desc, &context) != CLRNN_OK)
        fail_msg("no context: %s", test_last_error);
    for (size_t w = 0; w < COUNT(works); w++) {
        test_inputs in = inputs_of(w);
        test_outputs out = run_work(context, w, &in);
        const test_sizes s = test_sizes_of(&in);
        const struct {
            const double *from;
            size_t size;
        } parts[] = {{out.y, s.y},
                     {out.hn, s.h},
                     {works[w].train ? out.dx : NULL, s.x},
                     {works[w].train ? out.dweights : NULL, s.weights}};
        for (size_t i = 0; i < COUNT(parts); i++) {
            size_t size = parts[i].from ? parts[i].size : 0;
            all = realloc(all, (*count + size + 1) * sizeof *all);
            assert_non_null(all);
            if (size)
                memcpy(all + *count, parts[i].from, size * sizeof *all);
            *count += size;
        }
        test_outputs_free(&out);
        test_inputs_free(&in);
    }
    clrnn_context_destroy(&context);
    return all;
}

static double *right; /* with one thread */
static size_t right_count;

static void check(const char *what, const clrnn_context_desc *desc)
{
    size_t count = 0;
    double *got = run_all(desc, &count);
    assert_int_equal(count, right_count);
    for (size_t i = 0; i < count; i++)
        if (memcmp(&got[i], &right[i], sizeof *got) != 0)
            fail_msg("%s: number %zu of %zu is %.9g and not %.9g", what, i, count, got[i],
                     right[i]);
    free(got);
}

static void numbers_of_threads(void **state)
{
    (void)state;
    for (uint32_t threads = 0; threads <= 7; threads += threads < 3 ? 1 : 2) {
        char what[32];
        const clrnn_context_desc desc = {.threads = threads};
        snprintf(what, sizeof what, "%u threads", threads);
        check(what, &desc);
    }
}

/* --- the application's own threads ------------------------------------------------------------ */

typedef struct own_pool {
    int kind;
    unsigned long runs, jobs;
} own_pool;

enum { IN_ORDER, BACKWARDS, HALF, NONE, TOO_OFTEN, EACH_A_THREAD, KINDS };

typedef struct one_job {
    void (*job)(void *, uint32_t);
    void *data;
    uint32_t index;
} one_job;

static void do_one(void *from)
{
    const one_job *j = from;
    j->job(j->data, j->index);
}

/* Up to four at the same time. */
static void with_threads(uint32_t count, void (*job)(void *, uint32_t), void *data)
{
    clr_thread threads[4];
    one_job jobs[4];
    for (uint32_t i = 0; i < count; i += 4) {
        uint32_t some = count - i < 4 ? count - i : 4;
        for (uint32_t k = 0; k < some; k++) {
            jobs[k] = (one_job){job, data, i + k};
            assert_true(clr_thread_start(&threads[k], do_one, &jobs[k]));
        }
        for (uint32_t k = 0; k < some; k++)
            clr_thread_join(threads[k]);
    }
}

static void run_jobs(void *user, uint32_t count, void (*job)(void *, uint32_t), void *data)
{
    own_pool *pool = user;
    pool->runs++;
    pool->jobs += count;
    if (pool->kind == EACH_A_THREAD) {
        with_threads(count, job, data);
        return;
    }
    uint32_t some = pool->kind == HALF ? count / 2 : pool->kind == NONE ? 0 : count;
    for (uint32_t i = 0; i < some; i++)
        job(data, pool->kind == BACKWARDS ? count - 1 - i : i);
    for (uint32_t i = 0; pool->kind == TOO_OFTEN && i < count; i++)
        job(data, i);
}

static void own_threads(void **state)
{
    static const char *const names[KINDS] = {"in order", "backwards",      "half of them",
                                             "none",     "each one twice", "a thread for each"};
    (void)state;
    for (int kind = 0; kind < KINDS; kind++)
        for (uint32_t threads = kind == IN_ORDER ? 1 : 4; threads <= 4; threads += 3) {
            own_pool pool = {.kind = kind};
            const clrnn_context_desc desc = {.threads = threads, .parallel = {run_jobs, &pool}};
            check(names[kind], &desc);
            /* one thread never has anything to share */
            assert_true(threads == 1 ? pool.runs == 0 : pool.runs > 0 && pool.jobs > pool.runs);
        }
}

#ifdef __linux__

/* --- waiting ---------------------------------------------------------------------------------- */

/* Calls of the first are those of the second, in tests/meson.build. */
void __wrap_clr_native_yield(void);
void __real_clr_native_yield(void);

static unsigned long yields;

void __wrap_clr_native_yield(void)
{
    yields++;
    __real_clr_native_yield();
}

/* A group that waits gives its processor to others every 1,024 looks. On one thread each of three
 * waits in vain for the next, until it gives up; the last one completes what they left. */
static void waiting_gives_way(void **state)
{
    static const clr_partition cut = {.row_parts = 1, .unit_parts = 3, .most_spins = 4096};
    const clrnn_network_desc network = {.input_size = 5, .hidden_size = 130};
    const clrnn_context_desc one = {.threads = 1};
    clrnn_context *context = NULL;
    (void)state;
    if (open_with(&one, &context) != CLRNN_OK)
        fail_msg("no context: %s", test_last_error);
    test_inputs in = test_inputs_random(&network, 3, 2, NULL, 1, 0.3);
    clrnn_plan *plan = test_stepwise(context, &in, CLRNN_F32, true);
    test_outputs expected = test_run(plan, &in);
    clrnn_plan_destroy(&plan);
    plan = test_persistent(context, &in, CLRNN_F32, true, &cut);
    const unsigned long before = yields;
    test_run_same("one thread", plan, &in, &expected);
    assert_true(yields >= before + 2 * 4); /* forward and back */
    assert_true(test_fallbacks(plan) > 0);
    clrnn_plan_destroy(&plan);
    test_outputs_free(&expected);
    test_inputs_free(&in);
    clrnn_context_destroy(&context);
}

#endif

/* --- the variable, and what is refused -------------------------------------------------------- */

static uint32_t units_with(const char *variable, uint32_t threads)
{
    clrnn_context *context = NULL;
    const clrnn_context_desc desc = {.threads = threads};
    setenv("CLRNN_THREADS", variable, 1);
    clrnn_status status = open_with(&desc, &context);
    unsetenv("CLRNN_THREADS");
    uint32_t units = status == CLRNN_OK ? clrnn_context_device(context)->compute_units : 0;
    clrnn_context_destroy(&context);
    return units;
}

static void the_variable(void **state)
{
    static const char *const wrong[] = {"x", "-1", "1.5", "3 ", "1025", "99999999999999999999"};
    (void)state;
    assert_int_equal(units_with("3", 0), 3);
    assert_int_equal(units_with("3", 2), 2); /* what code says goes first */
    assert_int_equal(units_with("", 0), clr_processors());
    assert_int_equal(units_with("0", 0), clr_processors());
    for (size_t i = 0; i < COUNT(wrong); i++) {
        assert_int_equal(units_with(wrong[i], 0), 0);
        assert_error_contains(wrong[i]);
    }
    assert_int_equal(units_with("", 1025), 0);
    assert_error_contains("threads is 1025, not in 0..1024");
}

static int begin(void **state)
{
    const clrnn_context_desc one = {.threads = 1};
    (void)state;
    if (!clr_native_driver()) {
        printf("%s: skipped\n", clr_native_text());
        exit(77);
    }
    right = run_all(&one, &right_count);
    return 0;
}

static int end(void **state)
{
    (void)state;
    free(right);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_of_threads),
        cmocka_unit_test(own_threads),
#ifdef __linux__
        cmocka_unit_test(waiting_gives_way),
#endif
        cmocka_unit_test(the_variable),
    };
    return cmocka_run_group_tests_name("threads", tests, begin, end);
}
