/* SPDX-License-Identifier: MIT
 * base/clock.h - a clock that only goes forward, for measuring how long something takes. */
#ifndef CLR_BASE_CLOCK_H
#define CLR_BASE_CLOCK_H

#ifdef _WIN32
#include <windows.h>
/** Seconds since some moment; no setting of the time of day moves it. Threads: any. */
static inline double clr_seconds(void)
{
    LARGE_INTEGER now, each_second;
    (void)QueryPerformanceCounter(&now);
    (void)QueryPerformanceFrequency(&each_second);
    return (double)now.QuadPart / (double)each_second.QuadPart;
}
#else
#include <time.h>
static inline double clr_seconds(void)
{
    struct timespec now = {0};
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}
#endif

#endif
