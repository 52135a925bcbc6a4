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

/** The address of a function, which the caller copies into a pointer of its type; NULL: there is
 *  none. Threads: any. */
void *clr_library_symbol(clr_library *library, const char *name);

#endif
