/* SPDX-License-Identifier: MIT
 * tests/base/test_pool.c - tasks of a pool of threads: each once, some of them at the same time. */
#include <stdatomic.h>
#include <stdlib.h>
#ifndef _WIN32
#include <sys/wait.h>
#include <unistd.h>
#endif

#include "base/memory.h"
#include "base/pool.h"
#include "base/thread.h"
#include "support.h"

enum { MOST = 300 };

typedef struct counts {
    atomic_int task[MOST];
} counts;

static void count(void *data, uint32_t index)
{
    counts *c = data;
    atomic_fetch_add(&c->task[index], 1);
}

static void assert_counts(const counts *c, uint32_t some, int each)
{
    for (uint32_t i = 0; i < MOST; i++)
        assert_int_equal(atomic_load(&c->task[i]), i < some ? each : 0);
}

static void each_task_once(void **state)
{
    (void)state;
    for (uint32_t threads = 0; threads <= 5; threads++) {
        clr_pool *pool = clr_pool_create(threads);
        assert_non_null(pool);
        assert_int_equal(clr_pool_threads(pool), threads ? threads : 1);
        for (uint32_t tasks = 0; tasks <= MOST; tasks += tasks < 10 ? 1 : 29) {
            counts c = {0};
            for (int run = 0; run < 20; run++)
                clr_pool_run(pool, tasks, count, &c);
            assert_counts(&c, tasks, 20);
        }
        clr_pool_destroy(&pool);
        assert_null(pool);
    }
}

/* Each waits for all others: they end only if all run at the same time. */
static void wait_for_all(void *data, uint32_t index)
{
    atomic_int *arrived = data;
    (void)index;
    atomic_fetch_add(arrived, 1);
    while (atomic_load(arrived) < 4)
        clr_yield();
}

static void as_many_at_once_as_threads(void **state)
{
    (void)state;
    clr_pool *pool = clr_pool_create(4);
    for (int run = 0; run < 200; run++) {
        atomic_int arrived = 0;
        clr_pool_run(pool, 4, wait_for_all, &arrived);
        assert_int_equal(atomic_load(&arrived), 4);
    }
    clr_pool_destroy(&pool);
}

typedef struct caller {
    clr_pool *pool;
    counts c;
} caller;

static void call_often(void *data)
{
    caller *c = data;
    for (int run = 0; run < 500; run++)
        clr_pool_run(c->pool, 7, count, &c->c);
}

static void several_callers(void **state)
{
    (void)state;
    clr_pool *pool = clr_pool_create(3);
    caller callers[3] = {{.pool = pool}, {.pool = pool}, {.pool = pool}};
    clr_thread threads[3];
    for (int i = 0; i < 3; i++)
        assert_true(clr_thread_start(&threads[i], call_often, &callers[i]));
    for (int i = 0; i < 3; i++) {
        clr_thread_join(threads[i]);
        assert_counts(&callers[i].c, 7, 500);
    }
    clr_pool_destroy(&pool);
}

static void no_memory(void **state)
{
    (void)state;
    for (long k = 1; k <= 2; k++) {
        clr_fault_inject(CLR_FAULT_MEMORY, k);
        clr_pool *pool = clr_pool_create(3);
        clr_fault_inject(CLR_FAULT_MEMORY, 0);
        assert_null(pool);
    }
    clr_fault_inject(CLR_FAULT_MEMORY, 3); /* of the first thread: then the caller works alone */
    clr_pool *pool = clr_pool_create(3);
    clr_fault_inject(CLR_FAULT_MEMORY, 0);
    assert_non_null(pool);
    assert_int_equal(clr_pool_threads(pool), 1);
    counts c = {0};
    clr_pool_run(pool, 9, count, &c);
    assert_counts(&c, 9, 1);
    clr_pool_destroy(&pool);
}

#ifndef _WIN32
/* A child that was forked has none of the threads: its own does all, and ends. */
static void forked(void **state)
{
    (void)state;
    clr_pool *pool = clr_pool_create(4);
    counts c = {0};
    int result = 0;
    clr_pool_run(pool, 9, count, &c);
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        (void)alarm(20); /* what would wait for threads waits for ever */
        clr_pool_run(pool, 9, count, &c);
        for (uint32_t i = 0; i < MOST; i++)
            result |= atomic_load(&c.task[i]) != (i < 9 ? 2 : 0);
        clr_pool_destroy(&pool);
        _exit(result);
    }
    assert_int_equal(waitpid(child, &result, 0), child);
    assert_int_equal(result, 0);
    clr_pool_run(pool, 9, count, &c); /* the parent's go on */
    assert_counts(&c, 9, 2);
    clr_pool_destroy(&pool);
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_task_once),  cmocka_unit_test(as_many_at_once_as_threads),
        cmocka_unit_test(several_callers), cmocka_unit_test(no_memory),
#ifndef _WIN32
        cmocka_unit_test(forked),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
