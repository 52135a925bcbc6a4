/* SPDX-License-Identifier: MIT
 * device/native_objects.h - the objects of device/native.h. */
#ifndef CLR_DEVICE_NATIVE_OBJECTS_H
#define CLR_DEVICE_NATIVE_OBJECTS_H

#include <stdatomic.h>

#include "base/pool.h"
#include "device/native.h"
#include "device/native_kernels.h"

/* Each object: its functions first, then how many hold it. */
struct _cl_platform_id {
    const clr_driver *driver;
};

struct _cl_device_id {
    const clr_driver *driver;
};

struct _cl_event {
    const clr_driver *driver;
};

struct _cl_context {
    const clr_driver *driver;
    atomic_uint users;
    clr_pool *pool;
};

struct _cl_command_queue {
    const clr_driver *driver;
    atomic_uint users;
    cl_context context;
};

struct _cl_mem {
    const clr_driver *driver;
    atomic_uint users;
    unsigned char *memory;
    size_t size;
    bool own; /* the memory is freed with the object */
};

struct _cl_program {
    const clr_driver *driver;
    atomic_uint users;
    char *sources; /* names, as in clr_native_program */
    const clr_native_program *program;
    char log[512];
};

enum { CLR_NATIVE_ARGUMENTS = 48, CLR_NATIVE_VALUES = 1 << 12 };

struct _cl_kernel {
    const clr_driver *driver;
    atomic_uint users;
    const clr_native_kernel *kernel;
    cl_program program;
    void *buffers[CLR_NATIVE_ARGUMENTS];   /* memory of those arguments that are buffers */
    void *arguments[CLR_NATIVE_ARGUMENTS]; /* where each one's value is; NULL: not set yet */
    _Alignas(16) unsigned char values[CLR_NATIVE_VALUES];
};

/* Filled by clr_native_driver, before there is any object. */
extern clr_driver clr_native_table;
extern struct _cl_platform_id clr_native_platform;
extern struct _cl_device_id clr_native_device;

/** The level in use; NULL: this processor runs none. */
const clr_native_level *clr_native_used(void);

/** An object of `size` bytes that begins with its functions and one user; NULL: no memory. */
void *clr_native_object(size_t size);

/** What a function of OpenCL gives back that makes something. */
void *clr_native_made(void *object, cl_int *code);

/** The same where it made nothing: NULL. */
void *clr_native_refused(cl_int why, cl_int *code);

/** Give one answer of a clGet..Info. */
cl_int clr_native_answer(const void *from, size_t bytes, size_t room, void *value, size_t *size);

/** The event of a command: always complete. CL_INVALID_EVENT_WAIT_LIST where one of the events to
 *  wait for is another driver's. */
cl_int clr_native_done(cl_uint waits, const cl_event *wait, cl_event *event);

/** Put the functions for some kinds of objects into the table. */
void clr_native_take_device(clr_driver *table);
void clr_native_take_buffers(clr_driver *table);
void clr_native_take_programs(clr_driver *table);

#endif
