/* SPDX-License-Identifier: MIT
 * values.h - --value NAME=V of the command line: inputs that must be known to read a model. */
#ifndef TOOL_VALUES_H
#define TOOL_VALUES_H

#include "tool.h"

#define TOOL_VALUES 16

/* Zero-initialise. It stays where it is: `all` points into it. */
typedef struct tool_values {
    clrnn_import_input all[TOOL_VALUES]; /* [count] */
    clrnn_tensors *sets[TOOL_VALUES];
    char names[TOOL_VALUES][128];
    uint32_t count;
} tool_values;

/** The option, what it was given, and giving that back; `command` begins an error. Returns TOOL_OK
 *  or the exit code of an error. */
tool_option tool_known(tool_list *target);
int tool_read_values(const char *command, const tool_list *given, tool_values *values);
void tool_free_values(tool_values *values);

/** As tool_failed, of a model that was not read: where a value or a size would help (none is given
 *  unless `sized`), the line says how to give it. */
int tool_not_read(clrnn_status status, bool sized);

#endif
