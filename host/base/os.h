/* SPDX-License-Identifier: MIT
 * base/os.h - which operating system this is: the one place in host/ that asks. What differs from
 * one to the next is in os_posix, file_posix and temporary_posix, or in os_windows and
 * file_windows; their headers define the locks and the threads of lock.h and thread.h. */
#ifndef CLR_BASE_OS_H
#define CLR_BASE_OS_H

#include <stdbool.h>
#include <stddef.h>

#define CLR_WAIT_MS 100 /* the longest of clr_condition_wait_some */

#ifdef _WIN32
#include "base/os_windows.h"
#else
#include "base/os_posix.h"
#endif

/** Files to try, in order, for OpenCL and for CLBlast; a NULL ends the list. */
extern const char *const clr_opencl_files[], *const clr_clblast_files[];

enum { CLR_VARIABLE_ROOM = 1024 }; /* for the value of a variable that is a path */

/** A variable of the environment, in UTF-8, or NULL if it is not set (or does not fit).
 *  text: [CLR_VARIABLE_ROOM], scratch that the result may be in. Threads: as getenv. */
const char *clr_variable(const char *name, char *text);

/** The folder that the system has for this user's caches. tail: out, what of it a program called
 *  clrnn takes, "/.cache/clrnn". NULL: none is known. text: as above. Threads: as getenv. */
const char *clr_user_cache(const char **tail, char *text);

/** Make a folder that only this user can read, where the system has such; its parent is there.
 *  True: it is there now, or was already. Else reason [room] says why not. Threads: any. */
bool clr_make_folder(const char *path, char *reason, size_t room);

/** From here to the end this thread reads and writes numbers with a point, whatever locale the
 *  application has set: around code of others that does not care. Threads: any. On Windows nothing
 *  changes. before: what clr_point_begin gave. */
void *clr_point_begin(void);
void clr_point_end(void *before);

/** Whether a character divides the folders in a path. */
bool clr_is_separator(char character);

/** Whether a path is a link to another place; false, too, if there is nothing. */
bool clr_is_link(const char *path);

#endif
