/* SPDX-License-Identifier: MIT
 * device/program.h - building kernels, with a cache in memory and on disk. */
#ifndef CLR_DEVICE_PROGRAM_H
#define CLR_DEVICE_PROGRAM_H

#include <clrnn/context.h>

/* One embedded .cl file; text begins with a #line directive. */
typedef struct clr_source {
    const char *name;
    const char *text;
    size_t length;
} clr_source;

/* One -D NAME=VALUE; of CLR_LANGUAGE, which is no macro, the value is the OpenCL C that a program
 * is written in (200 is 2.0), without it 1.2. */
#define CLR_LANGUAGE "language"
typedef struct clr_define {
    const char *name;
    long value;
} clr_define;

/**
 * A built program: the concatenated sources under the defines, from the context's memory, from its
 * cache folder, or compiled (and then cached).
 *
 * Cache key: sources, defines (sorted), device name, driver version. A cache file that is damaged,
 * truncated, of another key, or that the driver does not accept is ignored and replaced.
 *
 * Ownership: the program stays the context's; do not release it.
 * Threads:   any.
 * Returns:   CLRNN_OK; CLRNN_ERR_BUILD (device, driver, defines and the build log are logged);
 *            CLRNN_ERR_MEMORY, CLRNN_ERR_OPENCL
 */
clrnn_status clr_program_get(clrnn_context *context, const clr_source *const *sources,
                             size_t source_count, const clr_define *defines, size_t define_count,
                             cl_program *program);

/** Whether the device has a compiler, so that a program can be made for one network: native has
 *  programs compiled ahead of time, in which options are values of a launch. */
bool clr_compiles(const clrnn_context *context);

/** Release all programs of a context (clrnn_context_destroy does). */
void clr_programs_free(clrnn_context *context);

/** A kernel of a program; the caller's, for one thread at a time. On failure NULL. */
clrnn_status clr_kernel_create(clrnn_context *context, cl_program program, const char *name,
                               cl_kernel *kernel);

/* The name of a kernel, and where it is kept. */
typedef struct clr_kernel_place {
    const char *name;
    cl_kernel *kernel;
} clr_kernel_place;

/** Several of one program. On failure those behind the one that failed are left as they were. */
clrnn_status clr_kernels_create(clrnn_context *context, cl_program program,
                                const clr_kernel_place *places, size_t count);

/** clr_program_get and clr_kernels_create; the places hold NULL before, and on failure after. */
clrnn_status clr_program_kernels(clrnn_context *context, const clr_source *const *sources,
                                 size_t source_count, const clr_define *defines,
                                 size_t define_count, const clr_kernel_place *places, size_t count);

/** Bytes of memory that a work-item of a kernel needs since registers do not suffice, as the driver
 *  tells; 0 if it does not tell. */
uint64_t clr_kernel_spilled(const clrnn_context *context, cl_kernel kernel);

/** *bytes: of local memory that a group of a kernel takes by itself, to which that of its arguments
 *  comes. Only before these are given. Returns: CLRNN_OK, CLRNN_ERR_OPENCL. */
clrnn_status clr_kernel_local(const clrnn_context *context, cl_kernel kernel, size_t *bytes);

void clr_kernel_destroy(cl_kernel *kernel);

#endif
