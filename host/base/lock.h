/* SPDX-License-Identifier: MIT
 * base/lock.h - a mutex that needs no destruction. */
#ifndef CLR_BASE_LOCK_H
#define CLR_BASE_LOCK_H

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
#else
#include <pthread.h>
typedef pthread_mutex_t clr_lock;
#define CLR_LOCK_INIT PTHREAD_MUTEX_INITIALIZER
static inline void clr_lock_take(clr_lock *lock)
{
    (void)pthread_mutex_lock(lock);
}
static inline void clr_lock_give(clr_lock *lock)
{
    (void)pthread_mutex_unlock(lock);
}
#endif

#endif
