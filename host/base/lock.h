/* SPDX-License-Identifier: MIT
 * base/lock.h - a mutex, and a condition to wait for, that need no destruction. */
#ifndef CLR_BASE_LOCK_H
#define CLR_BASE_LOCK_H

#define CLR_WAIT_MS 100

#ifdef _WIN32
#include <windows.h>
typedef SRWLOCK clr_lock;
#define CLR_LOCK_INIT SRWLOCK_INIT
static inline void clr_lock_take(clr_lock *lock)
{
    AcquireSRWLockExclusive(lock);
}
static inline void clr_lock_give(clr_lock *lock)
{
    ReleaseSRWLockExclusive(lock);
}
typedef CONDITION_VARIABLE clr_condition;
#define CLR_CONDITION_INIT CONDITION_VARIABLE_INIT
static inline void clr_condition_wait(clr_condition *condition, clr_lock *lock)
{
    (void)SleepConditionVariableSRW(condition, lock, INFINITE, 0);
}
static inline void clr_condition_wake(clr_condition *condition)
{
    WakeAllConditionVariable(condition);
}
static inline void clr_condition_wait_some(clr_condition *condition, clr_lock *lock)
{
    (void)SleepConditionVariableSRW(condition, lock, CLR_WAIT_MS, 0);
}
#else
#include <pthread.h>
#include <time.h>
typedef pthread_mutex_t clr_lock;
#define CLR_LOCK_INIT      PTHREAD_MUTEX_INITIALIZER
static inline void clr_lock_take(clr_lock *lock)
{
    (void)pthread_mutex_lock(lock);
}
static inline void clr_lock_give(clr_lock *lock)
{
    (void)pthread_mutex_unlock(lock);
}
typedef pthread_cond_t clr_condition;
#define CLR_CONDITION_INIT PTHREAD_COND_INITIALIZER
/* Give the lock, wait, take it again: also when nothing has happened. */
static inline void clr_condition_wait(clr_condition *condition, clr_lock *lock)
{
    (void)pthread_cond_wait(condition, lock);
}
/* All who wait. */
static inline void clr_condition_wake(clr_condition *condition)
{
    (void)pthread_cond_broadcast(condition);
}
/* As clr_condition_wait, but not longer than CLR_WAIT_MS. (By the time of day: C11 and POSIX.1-2008
 * have no other; if that is set, one wait is shorter or longer.) */
static inline void clr_condition_wait_some(clr_condition *condition, clr_lock *lock)
{
    struct timespec until = {0};
    (void)clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += CLR_WAIT_MS * 1000000L;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    (void)pthread_cond_timedwait(condition, lock, &until);
}
#endif

#endif
