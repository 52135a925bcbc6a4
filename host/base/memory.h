/* SPDX-License-Identifier: MIT
 * base/memory.h - host memory, and faults that tests inject. */
#ifndef CLR_BASE_MEMORY_H
#define CLR_BASE_MEMORY_H

#include <stdbool.h>
#include <stddef.h>

/** `count` zeroed elements of `size` bytes, or NULL (also on overflow). Count 0 gives a valid
 *  pointer. Release with free. Threads: any. */
void *clr_calloc(size_t count, size_t size);

/** A copy of a string, or NULL. Release with free. */
char *clr_strdup(const char *text);

/** Memory that begins at a cache line, contents undefined, or NULL. Release with
 *  clr_aligned_free. Threads: any. */
void *clr_aligned_alloc(size_t bytes);
void clr_aligned_free(void *memory);

/** What clr_aligned_alloc takes for so many bytes: whole cache lines, at least one, or 0 where it
 * has to fail. */
size_t clr_lines_of(size_t bytes);
enum { CLR_LINE = 64 };

/** Bytes of memory that this machine has. */
size_t clr_physical_memory(void);

/* What can be made to fail. */
typedef enum clr_fault {
    CLR_FAULT_MEMORY, /* clr_calloc, clr_strdup, clr_aligned_alloc */
    CLR_FAULT_OPENCL, /* every checked OpenCL call: device/ asks clr_fault_hit before it */
    CLR_FAULT_WRITE,  /* writing a file: as if the disk were full */
    CLR_FAULT_KINDS
} clr_fault;

/** Tests: let the call number `countdown` (1 = the next) of this kind fail, and every later one too
 *  until this is called again; -1, -2, ...: that call alone; 0 = none. Not for use by the library.
 *  Threads: one at a time. */
void clr_fault_inject(clr_fault fault, long countdown);

/** Whether the caller must now behave as if the system had refused. Threads: any. */
bool clr_fault_hit(clr_fault fault);

#endif
