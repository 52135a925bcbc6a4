/* SPDX-License-Identifier: MIT
 * base/os_windows.h - locks and threads of Windows, for base/lock.h and base/thread.h. SRW locks
 * need no library but Windows' own, and no destruction. */
#ifndef CLR_BASE_OS_WINDOWS_H
#define CLR_BASE_OS_WINDOWS_H

#ifndef WIN32_LEAN_AND_MEAN
#define WIN32_LEAN_AND_MEAN
#endif
#include <windows.h>
#undef min
#undef max
#undef near
#undef far

#include <clrnn/status.h>

typedef HANDLE clr_thread;
typedef SRWLOCK clr_lock;
typedef CONDITION_VARIABLE clr_condition;

#define CLR_LOCK_INIT      SRWLOCK_INIT
#define CLR_CONDITION_INIT CONDITION_VARIABLE_INIT

static inline void clr_lock_take(clr_lock *lock)
{
    AcquireSRWLockExclusive(lock);
}

static inline void clr_lock_give(clr_lock *lock)
{
    ReleaseSRWLockExclusive(lock);
}

static inline void clr_condition_wait(clr_condition *condition, clr_lock *lock)
{
    (void)SleepConditionVariableSRW(condition, lock, INFINITE, 0);
}

static inline void clr_condition_wait_some(clr_condition *condition, clr_lock *lock)
{
    (void)SleepConditionVariableSRW(condition, lock, CLR_WAIT_MS, 0);
}

static inline void clr_condition_wake(clr_condition *condition)
{
    WakeAllConditionVariable(condition);
}

static inline void clr_yield(void)
{
    (void)SwitchToThread();
}

/** The wide text of UTF-8, to be freed, or NULL: ERROR_NOT_ENOUGH_MEMORY, or no UTF-8
 *  (GetLastError). Threads: any. */
wchar_t *clr_wide(const char *text);

/** UTF-8 of wide text into text [room]; false if it does not fit. Threads: any. */
bool clr_narrow(const wchar_t *wide, char *text, size_t room);

/** What Windows says of an error of GetLastError, in English where it has that, without a line
 *  break, into text [room]. Threads: any. */
void clr_error_text(DWORD code, char *text, size_t room);

#endif
