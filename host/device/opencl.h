/* SPDX-License-Identifier: MIT
 * device/opencl.h - OpenCL as a table of functions, found at run time: a program starts where there
 * is no OpenCL, and two things can stand behind the table, the OpenCL library of the machine and
 * our own executor (device/native.h), which is an OpenCL implementation of just the functions
 * listed below. The type of the table, and that an OpenCL object begins with a pointer to it, are
 * those of Khronos' cl_khr_icd.
 *
 * Only the files of host/device/ call OpenCL, and always through clr_cl or clr_opencl. */
#ifndef CLR_DEVICE_OPENCL_H
#define CLR_DEVICE_OPENCL_H

#include <clrnn/context.h>

/* The functions that clrnn calls: of OpenCL 1.2, all others are NULL. */
#define CLR_OPENCL_FUNCTIONS(X)     \
    X(clGetPlatformIDs)             \
    X(clGetPlatformInfo)            \
    X(clGetDeviceIDs)               \
    X(clGetDeviceInfo)              \
    X(clCreateContext)              \
    X(clRetainContext)              \
    X(clReleaseContext)             \
    X(clCreateCommandQueue)         \
    X(clRetainCommandQueue)         \
    X(clReleaseCommandQueue)        \
    X(clGetCommandQueueInfo)        \
    X(clCreateBuffer)               \
    X(clRetainMemObject)            \
    X(clReleaseMemObject)           \
    X(clGetMemObjectInfo)           \
    X(clCreateProgramWithSource)    \
    X(clCreateProgramWithBinary)    \
    X(clBuildProgram)               \
    X(clGetProgramInfo)             \
    X(clGetProgramBuildInfo)        \
    X(clReleaseProgram)             \
    X(clCreateKernel)               \
    X(clReleaseKernel)              \
    X(clSetKernelArg)               \
    X(clGetKernelInfo)              \
    X(clGetKernelWorkGroupInfo)     \
    X(clEnqueueNDRangeKernel)       \
    X(clEnqueueWriteBuffer)         \
    X(clEnqueueReadBuffer)          \
    X(clEnqueueCopyBuffer)          \
    X(clEnqueueFillBuffer)          \
    X(clEnqueueMapBuffer)           \
    X(clEnqueueUnmapMemObject)      \
    X(clEnqueueMarkerWithWaitList)  \
    X(clEnqueueBarrierWithWaitList) \
    X(clWaitForEvents)              \
    X(clGetEventInfo)               \
    X(clRetainEvent)                \
    X(clReleaseEvent)               \
    X(clFlush)                      \
    X(clFinish)

#ifdef __APPLE__
/* No objects of other makers go through the OpenCL of this system, and it has no cl_icd.h. */
typedef struct clr_driver {
#define CLR_DRIVER_MEMBER(name) __typeof__(&(name)) name;
    CLR_OPENCL_FUNCTIONS(CLR_DRIVER_MEMBER)
#undef CLR_DRIVER_MEMBER
} clr_driver;
#else
#include <CL/cl_icd.h>
typedef cl_icd_dispatch clr_driver;
#endif

/**
 * The OpenCL library of this machine, opened at the first call; NULL if there is none.
 *
 * $CLRNN_OPENCL names another file, or is "off". reason: out if not NULL, why there is none, or
 * which file it is; static storage.
 * Threads: any.
 */
const clr_driver *clr_opencl(const char **reason);

/** The functions for an object that OpenCL, or our own executor, has made; NULL for NULL.
 *  Threads: any. */
const clr_driver *clr_cl(const void *object);

#endif
