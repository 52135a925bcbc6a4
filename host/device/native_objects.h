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

extern struct _cl_platform_id clr_native_platform;
extern struct _cl_device_id clr_native_device;

/** The level in use; NULL: this processor runs none. */
const clr_native_level *clr_native_used(void);

/** An object of `size` bytes that begins with its functions and one user; NULL: no memory. */
void *clr_native_object(size_t size);

/* The functions of native_program.c for the table. */
cl_program CL_API_CALL clr_native_clCreateProgramWithSource(cl_context context, cl_uint count,
                                                            const char **strings,
                                                            const size_t *lengths, cl_int *code);
cl_program CL_API_CALL clr_native_clCreateProgramWithBinary(cl_context context, cl_uint devices,
                                                            const cl_device_id *device,
                                                            const size_t *lengths,
                                                            const unsigned char **binaries,
                                                            cl_int *status, cl_int *code);
cl_int CL_API_CALL clr_native_clBuildProgram(cl_program program, cl_uint devices,
                                             const cl_device_id *device, const char *options,
                                             void(CL_CALLBACK *notify)(cl_program, void *),
                                             void *user);
cl_int CL_API_CALL clr_native_clGetProgramInfo(cl_program program, cl_program_info what,
                                               size_t room, void *value, size_t *size);
cl_int CL_API_CALL clr_native_clGetProgramBuildInfo(cl_program program, cl_device_id device,
                                                    cl_program_build_info what, size_t room,
                                                    void *value, size_t *size);
cl_int CL_API_CALL clr_native_clReleaseProgram(cl_program program);
cl_kernel CL_API_CALL clr_native_clCreateKernel(cl_program program, const char *name, cl_int *code);
cl_int CL_API_CALL clr_native_clReleaseKernel(cl_kernel kernel);
cl_int CL_API_CALL clr_native_clSetKernelArg(cl_kernel kernel, cl_uint index, size_t size,
                                             const void *value);
cl_int CL_API_CALL clr_native_clGetKernelInfo(cl_kernel kernel, cl_kernel_info what, size_t room,
                                              void *value, size_t *size);
cl_int CL_API_CALL clr_native_clGetKernelWorkGroupInfo(cl_kernel kernel, cl_device_id device,
                                                       cl_kernel_work_group_info what, size_t room,
                                                       void *value, size_t *size);
cl_int CL_API_CALL clr_native_clEnqueueNDRangeKernel(cl_command_queue queue, cl_kernel kernel,
                                                     cl_uint dimensions, const size_t *offset,
                                                     const size_t *global, const size_t *local,
                                                     cl_uint waits, const cl_event *wait,
                                                     cl_event *event);

/** Give one answer of a clGet..Info. */
cl_int clr_native_answer(const void *from, size_t bytes, size_t room, void *value, size_t *size);

/** The event of a command: always complete. CL_INVALID_EVENT_WAIT_LIST where one of the events to
 *  wait for is another driver's. */
cl_int clr_native_done(cl_uint waits, const cl_event *wait, cl_event *event);

#endif
