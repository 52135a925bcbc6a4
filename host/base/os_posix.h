/* SPDX-License-Identifier: MIT
 * base/os_posix.h - locks and threads of POSIX, for base/lock.h and base/thread.h. */
#ifndef CLR_BASE_OS_POSIX_H
#define CLR_BASE_OS_POSIX_H

#include <pthread.h>
#include <sched.h>
#include <time.h>

typedef pthread_t clr_thread;
typedef pthread_mutex_t clr_lock;
typedef pthread_cond_t clr_condition;

#define CLR_LOCK_INIT      PTHREAD_MUTEX_INITIALIZER
#define CLR_CONDITION_INIT PTHREAD_COND_INITIALIZER

static inline void clr_lock_take(clr_lock *lock)
{
    (void)pthread_mutex_lock(lock);
}

static inline void clr_lock_give(clr_lock *lock)
{
    (void)pthread_mutex_unlock(lock);
}

static inline void clr_condition_wait(clr_condition *condition, clr_lock *lock)
{
    (void)pthread_cond_wait(condition, lock);
}

/* By the time of day: C11 and POSIX.1-2008 have no other; if that is set, one wait is shorter or
 * longer. */
static inline void clr_condition_wait_some(clr_condition *condition, clr_lock *lock)
{
    struct timespec until = {0};
    (void)clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += CLR_WAIT_MS * 1000000L;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    (void)pthread_cond_timedwait(condition, lock, &until);
}

static inline void clr_condition_wake(clr_condition *condition)
{
    (void)pthread_cond_broadcast(condition);
}

static inline void clr_yield(void)
{
    (void)sched_yield();
}

#endif
