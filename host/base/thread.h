/* SPDX-License-Identifier: MIT
 * base/thread.h - threads. clr_yield() gives the processor to somebody else who wants it. */
#ifndef CLR_BASE_THREAD_H
#define CLR_BASE_THREAD_H

#include <stdbool.h>

#include "base/os.h"

/** Start body(data) in a thread of its own, to be joined; false: the system refuses. */
bool clr_thread_start(clr_thread *thread, void (*body)(void *data), void *data);
void clr_thread_join(clr_thread thread);

/** Start body(data) in a thread that nobody joins; false: the system refuses. */
bool clr_thread_start_alone(void (*body)(void *data), void *data);

/** The number of this process. */
unsigned long clr_process(void);

/** Processors that this process may use, at least 1. */
unsigned clr_processors(void);

/* Between two looks at what another thread changes: lets the other thread of the core work. */
static inline void clr_pause(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield" ::: "memory");
#endif
}

#endif
