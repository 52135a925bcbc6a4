/* SPDX-License-Identifier: MIT
 * base/library.h - shared libraries that are opened at run time. */
#ifndef CLR_BASE_LIBRARY_H
#define CLR_BASE_LIBRARY_H

#include <stddef.h>

typedef struct clr_library clr_library;

/**
 * Open a shared library by name or path, for the rest of the process: what a driver has started
 * is not safely ended.
 *
 * reason: [room], out, the system's words where NULL is returned.
 * Threads: any.
 */
clr_library *clr_library_open(const char *name, char *reason, size_t room);

/** Add why one of several files does not serve to what is said of those before it: "..; ..".
 *  reasons: [room], ended by 0. Threads: any. */
void clr_library_reason(char *reasons, size_t room, const char *more);

typedef enum clr_library_state {
    CLR_LIBRARY_LOADED, /* it is in this process */
    CLR_LIBRARY_LOADS,  /* it is not, but could be loaded */
    CLR_LIBRARY_FAILS
} clr_library_state;

/**
 * Whether a shared library is loaded or can be. One that is not is loaded to see that, and
 * unloaded.
 *
 * reason: [room], out, the system's words where it fails.
 * Threads: any.
 */
clr_library_state clr_library_look(const char *name, char *reason, size_t room);

/** Keep the library that holds `address` in memory until the process ends: for a thread that may be
 *  in it at any time. Threads: any. */
void clr_library_stay(const void *address);

/** The address of a function, which the caller copies into a pointer of its type; NULL: there is
 *  none. Threads: any. */
void *clr_library_symbol(clr_library *library, const char *name);

#endif
