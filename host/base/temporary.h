/* SPDX-License-Identifier: MIT
 * base/temporary.h - files that are being written, under names of their own beside the final one.
 *
 * PATH.PROCESS-NUMBER.tmp, locked (flock) by its writer from its making until it has its final
 * name. What a killed process left behind has no lock, and the number of a process that is gone,
 * or that began after the file was last written. POSIX only: base/file_windows.c has its own. */
#ifndef CLR_BASE_TEMPORARY_H
#define CLR_BASE_TEMPORARY_H

#include <stddef.h>

#include <clrnn/status.h>

enum { CLR_TEMPORARY_ROOM = 48 }; /* what a temporary name takes beyond its path, with the zero */

/** Create a file beside `path` under a name that nobody else uses, and lock it.
 *  name: out [room]. Returns the descriptor, or -1 with errno set. Threads: any. */
int clr_temporary_create(const char *path, char *name, size_t room);

/** Remove temporary files of `path` whose process is dead. What cannot be told or removed stays.
 *  Threads: any. */
void clr_temporary_sweep(const char *path, const clrnn_log *log);

#endif
