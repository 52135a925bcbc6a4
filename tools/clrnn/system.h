/* SPDX-License-Identifier: MIT
 * system.h - what the command asks the operating system: system_posix.c and system_windows.c. */
#ifndef TOOL_SYSTEM_H
#define TOOL_SYSTEM_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum { TOOL_PATH_ROOM = 4096 };

/* --- the process ------------------------------------------------------------------------------ */

/** Before anything else: arguments in UTF-8, standard files that are open and carry bytes as they
 *  are, signals that were ignored stay so. Returns false if memory is short. */
bool system_prepare(int *argc, char ***argv);

/**
 * Call on_end(number) at the first wish to end the process: SIGINT (Ctrl-C), SIGTERM, SIGHUP,
 * SIGPIPE. A second Ctrl-C ends the process; the others may come twice without anybody's wish:
 * `timeout` sends SIGTERM to the process and to its group, and a terminal that goes away sends
 * SIGHUP as its shell does. SIGPIPE comes when what reads the output is gone, as `tee` after
 * Ctrl-C. What was ignored at the start stays so. May be called again: a compiler in an OpenCL
 * driver takes signals for itself. On Windows Ctrl-Break is as Ctrl-C, and the closing of the
 * console, logging off and shutting down are SIGTERM, all in a thread of the system's.
 */
void system_catch_signals(void (*on_end)(int number));

/** The number of the process. */
long system_process(void);

/** Seconds on a clock that never goes back. */
double system_seconds(void);

/** Whether stderr is a terminal that can erase a line, and how many columns it has. */
bool system_has_terminal(void);
int system_columns(void);

/* --- files ------------------------------------------------------------------------------------ */

/* What is at the end of a path, symbolic links followed. */
typedef struct system_file {
    bool exists, is_regular, is_folder;
    uint64_t size;
    uint64_t device, number; /* together the same for two names of one file */
    unsigned mode;           /* as POSIX counts */
} system_file;

void system_look_at(const char *path, system_file *file);

/** The same for what stdout (1) or stderr (2) is; false: it is none. */
bool system_look_at_standard(int number, system_file *file);

/** Replace `path` [TOOL_PATH_ROOM] by where it leads, all symbolic links at its end followed, also
 *  if no file is there yet. */
void system_follow(char *path);

/** The last part of a path: behind its folder. */
const char *system_last_part(const char *path);

/** Whether two names in one folder are the same to the system. */
bool system_same_name(const char *a, const char *b);

/** Whether the file's own permissions let this process change it. */
bool system_may_change(const char *path, const system_file *file);

/** Whether files can be made in a folder; else why not, in errno. */
bool system_may_make_in(const char *folder);

/** Make a folder. On failure errno. */
bool system_make_folder(const char *path);

/** fopen, of a name in UTF-8, with bytes as they are. On failure errno. */
FILE *system_open(const char *path, const char *mode);

/** Put a file in the place of another, or where none is; it gets that one's mode. On failure errno.
 */
bool system_replace(const char *from, const char *to);

void system_remove(const char *path);

/* Names in a folder, in order. */
typedef struct system_list {
    char **names; /* [count] */
    size_t count;
} system_list;

/** What a folder holds, but names that begin with a dot. False: it cannot be read, or memory is
 *  short. */
bool system_read_folder(const char *path, system_list *list);
void system_free_list(system_list *list);

/** End an open file at a place. On failure errno. */
bool system_cut(FILE *file, long end);

#endif
