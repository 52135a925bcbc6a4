/* SPDX-License-Identifier: MIT
 * device/native.h - our own executor: an OpenCL implementation of the functions of device/opencl.h,
 * with one device, this machine's processor, and no compiler at run time. Its kernels are the files
 * of cl/, compiled by clang together with the library for some levels of the processor
 * (tools/native.py says for which programs); a program is found by the names of its sources and its
 * defines.
 *
 * A work-group is one work-item. Commands are done when the call that enqueues them returns: in the
 * caller's thread where there is one group, else by a pool of threads of the context. So there is
 * nothing to wait for, and no command takes a lock, allocates memory or calls the system but those
 * of several groups.
 *
 * Objects begin with the table of their functions, as those of every OpenCL driver (cl_khr_icd): an
 * application that has an OpenCL loader may give them to its functions, as far as device/opencl.h
 * lists these. */
#ifndef CLR_DEVICE_NATIVE_H
#define CLR_DEVICE_NATIVE_H

#include "device/opencl.h"

/** The functions; NULL where the library was built without clang. Threads: any. */
const clr_driver *clr_native_driver(void);

/** In one sentence, which level of the processor is used or why there is no native device. */
const char *clr_native_text(void);

/** Whether an object was made by native. */
bool clr_is_native(const void *object);

/** Let a context of native have its groups run by `threads` threads (0: a thread for each
 *  processor), or by the application (parallel, as in clrnn_context_desc). Before anything is
 *  enqueued. Returns: CL_SUCCESS, CL_OUT_OF_HOST_MEMORY. */
cl_int clr_native_threads(cl_context context, uint32_t threads, const clrnn_parallel *parallel);

/** By how many threads its groups are run at the same time, at most. */
uint32_t clr_native_thread_count(cl_context context);

#endif
