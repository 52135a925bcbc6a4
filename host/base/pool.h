/* SPDX-License-Identifier: MIT
 * base/pool.h - some threads that do many tasks together. */
#ifndef CLR_BASE_POOL_H
#define CLR_BASE_POOL_H

#include <stdbool.h>
#include <stdint.h>

typedef void clr_task(void *data, uint32_t index);

typedef struct clr_pool clr_pool;

/**
 * A pool of `threads` threads, of which the one that calls clr_pool_run is the first: 1 needs none
 * of its own. If the system refuses some of them there are fewer.
 *
 * Ownership: the caller's, to be given to clr_pool_destroy; NULL: no memory.
 */
clr_pool *clr_pool_create(uint32_t threads);
void clr_pool_destroy(clr_pool **pool);

/** How many threads there are, the caller's included. */
uint32_t clr_pool_threads(const clr_pool *pool);

/**
 * task(data, i) for all i below count, each once, and return when all are done. Up to as many tasks
 * as there are threads run at the same time: task i may wait for task j if both are below that.
 * (With 1 task, 1 thread, or more than 65535 tasks: in the caller's thread, without lock,
 * allocation or system call.)
 *
 * Threads: any; of several callers one goes first.
 */
void clr_pool_run(clr_pool *pool, uint32_t count, clr_task *task, void *data);

#endif
