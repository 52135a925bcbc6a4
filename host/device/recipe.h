/* SPDX-License-Identifier: MIT
 * device/recipe.h - what a program is made of, as texts; its key tells equal programs. */
#ifndef CLR_DEVICE_RECIPE_H
#define CLR_DEVICE_RECIPE_H

#include "device/program.h"

enum { CLR_MOST_SOURCES = 16 };

typedef struct clr_recipe {
    const char *name; /* of the last source, for messages */
    char *options;    /* of the compiler: "-cl-std=CL1.2 -DA=1 -DB=2", the defines sorted by name */
    char *source;     /* all sources, one after the other */
    const char *texts[CLR_MOST_SOURCES]; /* each of them; the embedded ones themselves */
    size_t text_count;
    char *key; /* all that the binary depends on */
} clr_recipe;

/** Fill a recipe; call clr_recipe_free also on failure.
 *  Returns: CLRNN_OK, CLRNN_ERR_MEMORY, CLRNN_ERR_OPENCL. Threads: any. */
clrnn_status clr_recipe_make(const clrnn_context *context, const clr_source *const *sources,
                             size_t source_count, const clr_define *defines, size_t define_count,
                             clr_recipe *recipe);

void clr_recipe_free(clr_recipe *recipe);

#endif
