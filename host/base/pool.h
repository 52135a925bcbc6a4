/* SPDX-License-Identifier: MIT
 * base/pool.h - some threads that do many tasks together. */
#ifndef CLR_BASE_POOL_H
#define CLR_BASE_POOL_H

#include <stdbool.h>
#include <stdint.h>

typedef void clr_task(void *data, uint32_t index);

typedef struct clr_pool clr_pool;

/* Somebody else's threads: to call job(data, i) for all i below count, and return when all calls
 * have returned. */
typedef void clr_run_jobs(void *user, uint32_t count, void (*job)(void *data, uint32_t index),
                          void *data);

/**
 * A pool of `threads` threads, of which the one that calls clr_pool_run is the first: 1 needs none
 * of its own. If the system refuses some of them there are fewer.
 *
 * Ownership: the caller's, to be given to clr_pool_destroy; NULL: no memory.
 */
clr_pool *clr_pool_create(uint32_t threads);
void clr_pool_destroy(clr_pool **pool);

/** A pool without threads of its own: `run` is asked to do all runs of more than one task, on
 *  `threads` threads at once at most. What it leaves undone the caller's thread does. Ownership: as
 *  above. */
clr_pool *clr_pool_create_on(clr_run_jobs *run, void *user, uint32_t threads);

/** How many threads there are, the caller's included. */
uint32_t clr_pool_threads(const clr_pool *pool);

/**
 * task(data, i) for all i below count, each once, and return when all are done. Up to as many tasks
 * as there are threads run at the same time: task i may wait for task j if both are below that.
 * (With 1 task, 1 thread, or more than 65535 tasks: in the caller's thread, without lock,
 * allocation or system call.)
 *
 * Threads: any; of several callers one goes first. Somebody else's threads get them at the same
 *          time, without a lock.
 */
void clr_pool_run(clr_pool *pool, uint32_t count, clr_task *task, void *data);

#endif
