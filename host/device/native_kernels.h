/* SPDX-License-Identifier: MIT
 * device/native_kernels.h - the table of kernels compiled ahead of time, which tools/native.py
 * writes. */
#ifndef CLR_DEVICE_NATIVE_KERNELS_H
#define CLR_DEVICE_NATIVE_KERNELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Work-items x0..x1-1 of rows y0..y1-1: native_range of cl/native.cl. */
typedef struct clr_native_range {
    uint64_t x0, x1, y0, y1;
} clr_native_range;

/* What a work-item is worth: a number or so, many numbers, a thread. */
typedef enum clr_native_weight {
    CLR_NATIVE_LIGHT,
    CLR_NATIVE_LONG,
    CLR_NATIVE_HEAVY
} clr_native_weight;

/* One kernel. arguments: the size of each value in bytes, 0 for a buffer, for local memory (which
 * is the kernel's own) its most, with this bit. */
#define CLR_NATIVE_LOCAL 0x80000000u
typedef struct clr_native_kernel {
    const char *name;
    void (*run)(const clr_native_range *range, void *const *arguments);
    const uint32_t *sizes; /* [count] */
    uint32_t count;
    clr_native_weight weight;
} clr_native_kernel;

/* One program: kernels of a level that belong to the same sources and defines. */
typedef struct clr_native_program {
    const char *sources; /* "prelude.cl storage.cl .." */
    const char *options; /* "-DA=1 -DB=2", sorted */
    const clr_native_kernel *kernels;
    uint32_t count;
} clr_native_program;

typedef struct clr_native_level {
    const char *name; /* "x86-64-v3" */
    uint32_t vector;  /* floats in a register */
    const clr_native_program *programs;
    uint32_t count;
} clr_native_level;

/* From the strongest to the weakest. */
extern const clr_native_level clr_native_levels[];
extern const uint32_t clr_native_level_count;

/** Called by kernels that wait for one another: gives the processor to another thread that wants
 * it.
 */
void clr_native_yield(void);

/** Tests: programs that are looked for before those of a level: of their own, or in place of these.
 *  They must stay; NULL, 0: none. While no program is built. */
void clr_native_give(const clr_native_program *programs, uint32_t count);

/** Whether this processor can run a level. */
bool clr_native_level_runs(const char *name);

#endif
