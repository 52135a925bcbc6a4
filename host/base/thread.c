/* SPDX-License-Identifier: MIT
 * base/thread.c - see base/thread.h. */
#ifdef __linux__
#define _GNU_SOURCE /* sched_getaffinity */
#endif
#include "base/thread.h"

#include <stdlib.h>

#include "base/memory.h"

#ifndef _WIN32
#include <unistd.h>
#endif

typedef struct clr_start {
    void (*body)(void *data);
    void *data;
} clr_start;

#ifdef _WIN32
static DWORD WINAPI begin(void *from)
#else
static void *begin(void *from)
#endif
{
    clr_start start = *(clr_start *)from;
    free(from);
    start.body(start.data);
    return 0;
}

bool clr_thread_start(clr_thread *thread, void (*body)(void *data), void *data)
{
    clr_start *start = clr_calloc(1, sizeof *start);
    if (!start)
        return false;
    *start = (clr_start){body, data};
#ifdef _WIN32
    *thread = CreateThread(NULL, 0, begin, start, 0, NULL);
    bool started = *thread != NULL;
#else
    bool started = pthread_create(thread, NULL, begin, start) == 0;
#endif
    if (!started)
        free(start);
    return started;
}

bool clr_thread_start_alone(void (*body)(void *data), void *data)
{
    clr_thread thread;
    if (!clr_thread_start(&thread, body, data))
        return false;
#ifdef _WIN32
    (void)CloseHandle(thread);
#else
    (void)pthread_detach(thread);
#endif
    return true;
}

void clr_thread_join(clr_thread thread)
{
#ifdef _WIN32
    (void)WaitForSingleObject(thread, INFINITE);
    (void)CloseHandle(thread);
#else
    (void)pthread_join(thread, NULL);
#endif
}

unsigned clr_processors(void)
{
#if defined(_WIN32)
    SYSTEM_INFO info;
    GetSystemInfo(&info);
    long count = (long)info.dwNumberOfProcessors;
#elif defined(__linux__)
    cpu_set_t set;
    long count = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set)
                                                             : sysconf(_SC_NPROCESSORS_ONLN);
#else
    long count = sysconf(_SC_NPROCESSORS_ONLN);
#endif
    return count > 1 ? (unsigned)count : 1;
}
