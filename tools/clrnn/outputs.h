/* SPDX-License-Identifier: MIT
 * outputs.h - files that the command writes itself, whole or not at all, as the library does its.
 */
#ifndef TOOL_OUTPUTS_H
#define TOOL_OUTPUTS_H

#include "system.h"

/* A file on the way: until its end it has a temporary name beside its place, NAME.PROCESS-0.tmp. */
typedef struct tool_output {
    FILE *file;
    char path[TOOL_PATH_ROOM], temporary[TOOL_PATH_ROOM + 32];
} tool_output;

/** Open one, which may be there; symbolic links are followed. NULL: see errno; end it all the same.
 */
FILE *tool_output_begin(tool_output *output, const char *path);

/** Close it, and put it in its place if all is good, else leave what was there. False: see errno.
 */
bool tool_output_end(tool_output *output, bool good);

/** Write a whole one. False: see errno. */
bool tool_output_write(const char *path, const void *data, size_t size);

#endif
