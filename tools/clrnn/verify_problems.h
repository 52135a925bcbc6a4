/* SPDX-License-Identifier: MIT
 * verify_problems.h - the problems of `clrnn verify`. */
#ifndef CLRNN_VERIFY_PROBLEMS_H
#define CLRNN_VERIFY_PROBLEMS_H

#include <stdbool.h>

typedef struct tool_problem {
    const char *problem; /* NULL: the end */
    bool quick;          /* also with --quick */
} tool_problem;

extern const tool_problem tool_problems[], tool_stored_problems[];

#endif
