/* SPDX-License-Identifier: MIT
 * base/pool.c - see base/pool.h.
 *
 * A run is published as a ticket: its number, how many tasks it has, and how many have been taken.
 * Who wants a task reads the run and then takes the next ticket of that very run, which there is
 * only while the run has tasks to give, and so has not been replaced. */
#include "base/pool.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "base/lock.h"
#include "base/memory.h"
#include "base/thread.h"

/* How often a thread looks for more work before it sleeps, or at what others still do before it
 * lets them have its processor: some tens of microseconds. */
enum { looks_before_sleep = 2000, looks_before_yield = 2000 };

struct clr_pool {
    unsigned long process; /* that has the threads */
    clr_lock callers;      /* one run at a time */
    clr_lock lock;         /* of sleeping */
    clr_condition wake;
    clr_thread *thread;
    uint32_t started;  /* threads of the pool's own */
    clr_run_jobs *run; /* or somebody else's: `others` of them beside the caller's */
    void *user;
    uint32_t others;
    atomic_uint sleeping;
    atomic_bool stop;
    /* the run */
    _Atomic(clr_task *) task;
    _Atomic(void *) data;
    _Atomic uint64_t ticket; /* number of the run << 32 | its tasks << 16 | those taken */
    atomic_uint done;
};

enum { most_tasks = 0xffff };

/* A child that was forked has none of its parent's, and perhaps their locks. */
static bool has_threads(const clr_pool *p)
{
    return p->started && p->process == clr_process();
}

/* Do tasks of the present run while it has any. Returns the ticket after which there was none. */
static uint64_t work(clr_pool *p)
{
    uint64_t ticket = atomic_load(&p->ticket);
    for (;;) {
        clr_task *task = atomic_load(&p->task);
        void *data = atomic_load(&p->data);
        uint32_t index = ticket & most_tasks, count = ticket >> 16 & most_tasks;
        if (index >= count)
            return ticket;
        if (!atomic_compare_exchange_weak(&p->ticket, &ticket, ticket + 1))
            continue;
        task(data, index);
        atomic_fetch_add(&p->done, 1);
        ticket = atomic_load(&p->ticket);
    }
}

/* Wait for another run than that of the ticket. */
static void await(clr_pool *p, uint64_t ticket)
{
    const uint64_t run = ticket >> 32;
    for (int i = 0; i < looks_before_sleep; i++) {
        if (atomic_load(&p->ticket) >> 32 != run || atomic_load(&p->stop))
            return;
        clr_pause();
    }
    clr_lock_take(&p->lock);
    atomic_fetch_add(&p->sleeping, 1);
    while (atomic_load(&p->ticket) >> 32 == run && !atomic_load(&p->stop))
        clr_condition_wait(&p->wake, &p->lock);
    atomic_fetch_sub(&p->sleeping, 1);
    clr_lock_give(&p->lock);
}

static void body(void *from)
{
    clr_pool *p = from;
    while (!atomic_load(&p->stop))
        await(p, work(p));
}

clr_pool *clr_pool_create(uint32_t threads)
{
    clr_pool *p = clr_calloc(1, sizeof *p);
    uint32_t own = threads > 1 ? threads - 1 : 0;
    if (!p)
        return NULL;
    p->process = clr_process();
    p->callers = (clr_lock)CLR_LOCK_INIT;
    p->lock = (clr_lock)CLR_LOCK_INIT;
    p->wake = (clr_condition)CLR_CONDITION_INIT;
    p->thread = clr_calloc(own, sizeof *p->thread);
    if (!p->thread) {
        free(p);
        return NULL;
    }
    while (p->started < own && clr_thread_start(&p->thread[p->started], body, p))
        p->started++;
    return p;
}

clr_pool *clr_pool_create_on(clr_run_jobs *run, void *user, uint32_t threads)
{
    clr_pool *p = clr_pool_create(1);
    if (p) {
        p->run = run;
        p->user = user;
        p->others = threads > 1 ? threads - 1 : 0;
    }
    return p;
}

void clr_pool_destroy(clr_pool **pool)
{
    if (!pool || !*pool)
        return;
    clr_pool *p = *pool;
    if (has_threads(p)) {
        clr_lock_take(&p->lock);
        atomic_store(&p->stop, true);
        clr_condition_wake(&p->wake);
        clr_lock_give(&p->lock);
        for (uint32_t i = 0; i < p->started; i++)
            clr_thread_join(p->thread[i]);
    }
    free(p->thread);
    free(p);
    *pool = NULL;
}

uint32_t clr_pool_threads(const clr_pool *pool)
{
    return pool->started + pool->others + 1;
}

/* A run on somebody else's threads. */
typedef struct clr_jobs {
    clr_task *task;
    void *data;
    uint32_t count;
    atomic_uint next, done;
} clr_jobs;

/* Whichever job this is, it does the next task: so each is done once, and the first ones first,
 * whatever is called how often and in which order. */
static void do_job(void *data, uint32_t index)
{
    clr_jobs *jobs = data;
    (void)index;
    uint32_t next = atomic_load(&jobs->next);
    do {
        if (next >= jobs->count)
            return;
    } while (!atomic_compare_exchange_weak(&jobs->next, &next, next + 1));
    jobs->task(jobs->data, next);
    atomic_fetch_add(&jobs->done, 1);
}

static void run_elsewhere(clr_pool *p, uint32_t count, clr_task *task, void *data)
{
    clr_jobs jobs = {.task = task, .data = data, .count = count};
    p->run(p->user, count, do_job, &jobs);
    while (atomic_load(&jobs.next) < count)
        do_job(&jobs, 0);
    while (atomic_load(&jobs.done) < count) /* it has returned too early */
        clr_yield();
}

/* Publish a run, after the last one has been done. */
static void publish(clr_pool *p, uint32_t count, clr_task *task, void *data)
{
    uint64_t run = (atomic_load(&p->ticket) >> 32) + 1;
    atomic_store(&p->task, task);
    atomic_store(&p->data, data);
    atomic_store(&p->done, 0);
    atomic_store(&p->ticket, run << 32 | (uint64_t)count << 16);
    if (atomic_load(&p->sleeping) == 0)
        return;
    clr_lock_take(&p->lock);
    clr_condition_wake(&p->wake);
    clr_lock_give(&p->lock);
}

void clr_pool_run(clr_pool *p, uint32_t count, clr_task *task, void *data)
{
    if (count > 1 && p->run) {
        run_elsewhere(p, count, task, data);
        return;
    }
    if (count <= 1 || count > most_tasks || !has_threads(p)) {
        for (uint32_t i = 0; i < count; i++)
            task(data, i);
        return;
    }
    clr_lock_take(&p->callers);
    publish(p, count, task, data);
    (void)work(p);
    for (uint32_t looks = 0; atomic_load(&p->done) < count; looks++)
        if (looks < looks_before_yield)
            clr_pause();
        else
            clr_yield();
    clr_lock_give(&p->callers);
}
