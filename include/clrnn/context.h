/* SPDX-License-Identifier: MIT
 * clrnn/context.h - OpenCL devices, and the context that everything else is made from. */
#ifndef CLRNN_CONTEXT_H
#define CLRNN_CONTEXT_H

#ifndef CL_TARGET_OPENCL_VERSION
#define CL_TARGET_OPENCL_VERSION 120
#endif
#if defined(__APPLE__) && !defined(CLRNN_KHRONOS_HEADERS)
#include <OpenCL/opencl.h> /* the same types, in the system's framework */
#else
#include <CL/cl.h>
#endif
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <clrnn/status.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What a device is and can do, read once. Sizes in bytes. */
typedef struct clrnn_device_info {
    uint32_t platform_index; /* PLATFORM:DEVICE is a selector of exactly this device */
    uint32_t device_index;
    char platform[128];
    char name[128];
    char vendor[128];
    char version[128]; /* "OpenCL 3.0 ..." */
    char driver[128];
    cl_device_type type; /* one of CL_DEVICE_TYPE_GPU, _CPU and _ACCELERATOR */
    cl_platform_id platform_id;
    cl_device_id device_id;
    uint64_t global_memory;
    uint64_t max_allocation;
    uint64_t local_memory;
    uint32_t compute_units;
    uint32_t clock_mhz;
    uint32_t vector_width; /* native, in floats: 8 on a CPU with AVX2, 1 on most GPUs */
    size_t max_work_group;
    bool fp64; /* REAL=double kernels can be built */
    bool fp16; /* cl_khr_fp16; not needed for f16 weights, which are converted on load */
    bool rounded_division; /* f32 quotients are rounded correctly; else kernels take more steps */
    bool device_fence;     /* kernels can have fences for all work-groups: strategy resident */
    bool unified_memory;
    bool available; /* a device without this or the next is never chosen; not one that does not
                       answer what is asked, of which the numbers above may be 0 */
    bool has_compiler;
    bool is_auto;     /* the one that "auto" takes */
    char reason[160]; /* why `auto` takes it, or why not */
} clrnn_device_info;

/**
 * List the native device, if it is in this build, and every OpenCL device of every platform, in the
 * order of `clrnn devices`.
 *
 * `is_auto` and `reason` say what the selector "auto" would do, without running the self-test.
 *
 * Ownership: on success *devices is the caller's, to be given to clrnn_devices_free; on failure,
 *            and when there is no device, it is NULL and *count is 0.
 * Threads:   any.
 * Returns:   CLRNN_OK             also when there is no device at all
 *            CLRNN_ERR_ARGUMENT   devices or count is NULL; CLRNN_LIMITS names no limit
 *            CLRNN_ERR_MEMORY
 *            CLRNN_ERR_OPENCL     a platform refused to be listed, and no other has a device; else
 *                                 it is left out with a warning
 */
CLRNN_API clrnn_status clrnn_devices_list(const clrnn_log *log, clrnn_device_info **devices,
                                          size_t *count);

/** Free a list of clrnn_devices_list and set the pointer to NULL; NULL is accepted. */
CLRNN_API void clrnn_devices_free(clrnn_device_info **devices);

/* The application's own threads, which the device `native` then uses instead of some of its own.
 * Zero-initialised: none. */
typedef struct clrnn_parallel {
    /**
     * Call job(data, i) for each i below count, on any threads and in any order, and return when
     * all these calls have returned.
     *
     * A job is worth some tens of microseconds and calls nothing of the application. Jobs of one
     * run may wait for each other, but never for longer than some milliseconds: with threads that
     * run them one after the other, or only some of them at the same time, all that is lost is
     * time, and the numbers are the same bits. It may fail: what it leaves undone the calling
     * thread does. No job may be called after it has returned, and it must not throw or jump out.
     *
     * Threads: called by the thread that has called clrnn, without a lock held, so by several at
     *          the same time if several do that; if one of the application's own threads calls
     *          clrnn, its run is nested. It must not call clrnn with this context.
     */
    void (*run)(void *user, uint32_t count, void (*job)(void *data, uint32_t index), void *data);
    void *user;
} clrnn_parallel;

typedef struct clrnn_report clrnn_report; /* clrnn/report.h */

/* How to open a context. Zero-initialise, then set what you need. */
typedef struct clrnn_context_desc {
    /* Selector: "auto" (the best GPU that passes its self-test, else the native kernels, else an
     * OpenCL CPU), "gpu", "cpu", "native", "nvidia", "amd", "intel", "pocl", a part of the device's
     * name, or "PLATFORM:DEVICE" (case ignored). NULL: the environment variable CLRNN_DEVICE, or
     * "auto" where that is not set. */
    const char *device;
    /* The caller's own context and in-order queue; both or neither. `device` is then ignored. Both
     * are retained until the clrnn context is destroyed. */
    cl_context context;
    cl_command_queue queue;
    clrnn_log log;
    /* Folder for what clrnn_tune measures, and for program binaries (but those of PoCL, which has a
     * cache of its own). NULL: $CLRNN_CACHE_DIR, else $XDG_CACHE_HOME/clrnn, else
     * ~/.cache/clrnn (on Windows %LOCALAPPDATA%\clrnn\cache). "", or the variable set but empty: no
     * cache on disk. A folder that cannot be written costs a warning. */
    const char *cache_dir;
    /* For the device native: how many threads run its groups, the calling one included. 1: that one
     * alone. 0: $CLRNN_THREADS, and where that is not set or 0, one for each processor. At most
     * 1024. With `parallel`: how many jobs that runs at the same time. Results are the same bits
     * for any number. */
    uint32_t threads;
    clrnn_parallel parallel;
    /* How long an OpenCL driver may take to open and to pass its self-test where there is another
     * device to go to, in milliseconds; 0: 60,000. A driver that takes longer is passed over, and a
     * thread is left behind in it: it ends when the driver's compiler does. Until then the driver
     * stays in use, this library stays in memory, and a process that ends meanwhile ends as the
     * driver lets it. A driver that hangs while it is loaded or lists its devices is waited for. */
    uint32_t timeout_ms;
    /* Out, if not NULL: what was tried, as by clrnn_context_report, also where no device could be
     * opened; the caller's, to be destroyed. NULL where there was no memory for it. */
    clrnn_report **report;
} clrnn_context_desc;

typedef struct clrnn_context clrnn_context;

/**
 * Open a device.
 *
 * desc: NULL means all defaults.
 * Ownership: on success *context is the caller's, to be destroyed after everything made from it; on
 *            failure it is NULL.
 * Threads:   any. A context may be shared: calls that take it directly may run concurrently, but
 *            all work goes to its one queue. After fork() the child may open contexts of the device
 *            `native`, and go on with those of its parent, then in the calling thread alone, if no
 *            other thread was in a call of this library. OpenCL drivers do not go along: what is on
 *            one of them may hang or fail in a child.
 * Returns:   CLRNN_OK
 *            CLRNN_ERR_ARGUMENT   only one of context and queue, a queue that is out of order, or
 *                                 CLRNN_THREADS that is no number
 *            CLRNN_ERR_RANGE      more than 1024 threads
 *            CLRNN_ERR_NO_DEVICE  nothing matches; the log lists what exists and what may be
 *                                 chosen, and names CLRNN_DEVICE if the selector is from there
 *            CLRNN_ERR_SELF_TEST  the devices that match compute wrong results
 *            CLRNN_ERR_MEMORY, CLRNN_ERR_OPENCL, CLRNN_ERR_BUILD
 */
CLRNN_API clrnn_status clrnn_context_create(const clrnn_context_desc *desc,
                                            clrnn_context **context);

/** Wait for the queue, release everything and set the pointer to NULL; NULL is accepted. Where
 *  CLBlast does the products it keeps its kernels, and with them the cl_context, until the process
 *  ends or the application calls CLBlastClearCache(), which this library never does. */
CLRNN_API void clrnn_context_destroy(clrnn_context **context);

/** What the device of a context is; valid as long as the context. Where the selector allows several
 *  devices, the first plan or model decides: if no strategy computes it right on this device, the
 *  context goes on to the next one, unless a buffer has been made or the context's OpenCL objects
 *  have been asked for. Threads: any, but not during the first clrnn_plan_create or
 *  clrnn_model_create. */
CLRNN_API const clrnn_device_info *clrnn_context_device(const clrnn_context *context);

/** The context's OpenCL objects, still its own; for callers that enqueue their own work. */
CLRNN_API cl_context clrnn_context_cl(const clrnn_context *context);
CLRNN_API cl_command_queue clrnn_context_queue(const clrnn_context *context);

/**
 * Wait until everything enqueued so far has completed.
 * Threads: any.  Returns: CLRNN_OK, CLRNN_ERR_ARGUMENT (NULL), CLRNN_ERR_OPENCL.
 */
CLRNN_API clrnn_status clrnn_context_finish(clrnn_context *context);

/* A part of a device buffer. Zero-initialised: absent. Whoever wants no OpenCL in his program makes
 * buffers with clrnn/buffer.h; on the device native these are memory of this process, behind the
 * same type. */
typedef struct clrnn_slice {
    cl_mem buffer;
    size_t offset; /* elements of the precision of its user */
} clrnn_slice;

/* Which kernels do matrix products. */
typedef enum clrnn_gemm {
    CLRNN_GEMM_AUTO = 0, /* packed on CPU devices, else clblast */
    CLRNN_GEMM_CLBLAST,
    CLRNN_GEMM_PACKED /* our own: an element has the same bits whatever rows are around it */
} clrnn_gemm;

#ifdef __cplusplus
}
#endif
#endif
