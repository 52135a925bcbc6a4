/* SPDX-License-Identifier: MIT
 * sizes.h - --size NAME=N of the command line: axes that a model leaves open. */
#ifndef TOOL_SIZES_H
#define TOOL_SIZES_H

#include "tool.h"

#define TOOL_SIZES 64

/* Zero-initialise. It stays where it is: `all` points into it. */
typedef struct tool_sizes {
    clrnn_import_size all[TOOL_SIZES]; /* [count] */
    char names[TOOL_SIZES][64];
    uint32_t count;
} tool_sizes;

/** The option, and what it was given; `command` begins an error. Returns TOOL_OK or TOOL_BAD_USE.
 */
tool_option tool_size(tool_list *target);
int tool_read_sizes(const char *command, const tool_list *given, tool_sizes *sizes);

#endif
