/* SPDX-License-Identifier: MIT
 * base/clock.h - the time of day, for measuring how long something takes. */
#ifndef CLR_BASE_CLOCK_H
#define CLR_BASE_CLOCK_H

#include <time.h>

/** Seconds since some day; may jump when somebody sets the clock. Threads: any. */
static inline double clr_seconds(void)
{
    struct timespec now = {0};
    (void)timespec_get(&now, TIME_UTC);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

#endif
