/* SPDX-License-Identifier: MIT
 * base/lock.h - a mutex, and a condition to wait for, that need no destruction.
 *
 * clr_lock: begins as CLR_LOCK_INIT; clr_lock_take, clr_lock_give.
 * clr_condition: begins as CLR_CONDITION_INIT.
 *     clr_condition_wait   give the lock, wait, take it again: also when nothing has happened
 *     clr_condition_wait_some   the same, but not longer than CLR_WAIT_MS
 *     clr_condition_wake   all who wait */
#ifndef CLR_BASE_LOCK_H
#define CLR_BASE_LOCK_H

#include "base/os.h"

#endif
