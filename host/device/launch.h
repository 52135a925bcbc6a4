/* SPDX-License-Identifier: MIT
 * device/launch.h - launching a kernel: its arguments as one ordered array. */
#ifndef CLR_DEVICE_LAUNCH_H
#define CLR_DEVICE_LAUNCH_H

#include <clrnn/context.h>

/* One kernel argument. Only these types cross to the device: never size_t, bool or a 3-vector; and
 * structures of cl_ulong and cl_uint by their address, without padding. */
typedef struct clr_arg {
    size_t size;
    union {
        cl_mem mem;
        cl_int i;
        cl_uint u;
        cl_ulong ul;
        cl_float f;
        cl_double d;
    } value;
    const void *structure; /* or NULL */
    bool local;            /* size bytes of local memory */
} clr_arg;

#define CLR_ARG_MEM(x) ((clr_arg){sizeof(cl_mem), {.mem = (x)}, NULL, false})
/* A kernel argument must be some buffer even where the kernel does not look at it. */
#define CLR_ARG_SOME(wanted, other) CLR_ARG_MEM((wanted) ? (wanted) : (other))
#define CLR_ARG_INT(x)              ((clr_arg){sizeof(cl_int), {.i = (cl_int)(x)}, NULL, false})
#define CLR_ARG_UINT(x)             ((clr_arg){sizeof(cl_uint), {.u = (cl_uint)(x)}, NULL, false})
#define CLR_ARG_ULONG(x)            ((clr_arg){sizeof(cl_ulong), {.ul = (cl_ulong)(x)}, NULL, false})
#define CLR_ARG_FLOAT(x)            ((clr_arg){sizeof(cl_float), {.f = (cl_float)(x)}, NULL, false})
#define CLR_ARG_STRUCT(x)           ((clr_arg){sizeof(x), {0}, &(x), false})
#define CLR_ARG_LOCAL(bytes)        ((clr_arg){(bytes), {0}, NULL, true})
/* A scalar of the kernel's REAL type. */
#define CLR_ARG_REAL(precision, x)                                                               \
    ((precision) == CLRNN_F64 ? (clr_arg){sizeof(cl_double), {.d = (cl_double)(x)}, NULL, false} \
                              : CLR_ARG_FLOAT(x))
#define CLR_COUNT(array) (sizeof(array) / sizeof *(array))

/* How many work-items: [columns, rows] and the same of a group; local[0] = 0 means the usual group,
 * 64 x 1: a size that does not vary, since PoCL compiles a kernel anew for every size of group.
 * Global sizes are rounded up to whole groups, so a kernel tests its bounds. */
typedef struct clr_range {
    size_t global[2];
    size_t local[2];
} clr_range;

/**
 * Enqueue a kernel. An empty range enqueues nothing.
 * Threads: one at a time for each kernel.
 * Returns: CLRNN_OK; CLRNN_ERR_ARGUMENT (the count differs from the kernel's, logged);
 *          CLRNN_ERR_OPENCL
 */
clrnn_status clr_launch(clrnn_context *context, cl_kernel kernel, clr_range range,
                        const clr_arg *args, size_t count);

/**
 * Enqueue a kernel again, with the arguments that its last launch had, but `count` of them from
 * number `first` on: a driver takes a twentieth to a tenth of a microsecond for each.
 * Threads: as clr_launch.
 * Returns: CLRNN_OK, CLRNN_ERR_OPENCL
 */
clrnn_status clr_launch_again(clrnn_context *context, cl_kernel kernel, clr_range range,
                              size_t first, const clr_arg *args, size_t count);

#endif
