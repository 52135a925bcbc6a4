/* SPDX-License-Identifier: MIT
 * base/clock.h - a clock that only goes forward, for measuring how long something takes. */
#ifndef CLR_BASE_CLOCK_H
#define CLR_BASE_CLOCK_H

/** Seconds since some moment; no setting of the time of day moves it. Threads: any. */
double clr_seconds(void);

#endif
