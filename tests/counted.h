/* SPDX-License-Identifier: MIT
 * tests/counted.h - counting what a process does: allocations, system calls, locks, looks at the
 * clock. Programs that link it have its malloc; locks and the clock need --wrap. */
#ifndef TEST_COUNTED_H
#define TEST_COUNTED_H

#include <stdbool.h>
#include <stdlib.h> /* says whether it is glibc */

/* Where it can be done. */
#if defined(__linux__) && defined(__GLIBC__) && (defined(__x86_64__) || defined(__aarch64__))
#define COUNTED 1

/* Sanitizers make the frames of functions larger. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED
#endif
#endif
#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED
#endif

/* What a process found out, for its parent. */
typedef struct found {
    bool filtered; /* the filter could be had */
    bool done;
    long allocations, calls, locks, clocks;
    long first_call; /* its number */
    char failure[256];
} found;

extern found *shared; /* memory that a child shares with its parent; counted_open makes it */
extern _Thread_local bool watched;

/** False: no memory. */
bool counted_open(void);

void begin_counting(void);

/** From now on until this process ends its system calls are counted, not made. */
bool filter_calls(void);

/** Run `child` in a process of its own, and see what it found. Fails the test if it is not done.
 *  name: of what, for that. False: it could not filter system calls. */
bool counted_run(void (*child)(const void *work), const void *work, const char *name, found *f);

/** Fails the test if anything was counted; skips it if system calls were not. */
void counted_none(const found *f, bool filtered, const char *name, unsigned threads);

/** End a child that cannot go on. */
void give_up(const char *what);
#endif

#endif
