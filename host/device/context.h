/* SPDX-License-Identifier: MIT
 * device/context.h - an opened device: what every call on the device needs.
 *
 * Only the files of host/device/ call cl* functions. */
#ifndef CLR_DEVICE_CONTEXT_H
#define CLR_DEVICE_CONTEXT_H

#include <clrnn/context.h>

#include <stdatomic.h>

#include "base/lock.h"

struct clr_program;

/* Room for a reason that is kept. */
#define CLR_REASON 512

/* The result of a self-test. */
typedef struct clr_tested {
    struct clr_tested *next;
    const char *strategy; /* its name */
    bool built;           /* else its kernels do not compile: tried again when next wanted */
    bool passed;
    char reason[CLR_REASON]; /* why not */
    /* The worst of what it has measured, and what is allowed. */
    double forward_error, forward_bound, gradient_error, gradient_bound;
    char problem[]; /* what has run, as a problem string */
} clr_tested;

struct clrnn_context {
    /* Whose lock, programs and knowledge of the device it uses: its own, but for one made beside
     * another. */
    clrnn_context *root;
    clrnn_log log;
    clrnn_device_info info;
    cl_context context;
    cl_command_queue queue; /* in-order */
    char *cache_dir;        /* of program binaries and measured configs; NULL = no cache on disk */
    bool keeps_programs;    /* binaries are kept there: not where the driver keeps its own */
    atomic_long waits;      /* tests: how often the host has waited for this queue */
    bool options_from_launch; /* tests: kernels are not compiled for the options of one network */
    /* Tests: called, without the lock, by a thread that is about to build a program. */
    void (*before_build)(void *user, const char *name);
    void *before_build_user;
    _Atomic uint32_t
        co_resident; /* layer/: how many groups run at the same time; 0 = not yet known */
    clr_lock lock; /* of what follows; nobody keeps it while something is compiled or waited for */
    clr_condition built; /* a thread that was building a program is done */
    struct clr_program *programs;
    double back_off_until;  /* layer/: when grid barriers are allowed again, by clr_seconds */
    double back_off_last;   /* layer/: how long the last back-off was */
    bool cache_warned;      /* that the cache folder cannot be written has been said */
    clr_tested *self_tests; /* layer/: those that have run */
    clrnn_report *report;   /* layer/: how it was opened; NULL where nobody chose */
    char build_failure[CLR_REASON]; /* of the program that failed last */
    /* layer/: another device may take the place of this one, as long as nothing stands on it and
     * no object of its is known outside; which selector then counts, and who is just about to do
     * so, or to make the first plan. */
    bool movable;
    atomic_bool fixed;
    char *selector;
    clrnn_parallel parallel;
    uint32_t threads, timeout_ms;
    clr_lock moving;
};

/**
 * Open one device, without any self-test: a context and an in-order queue of its own, or those of
 * `desc` retained (info must then be what clr_queue_device of device/list.h says of the queue).
 * Ownership, returns: as clrnn_context_create.
 */
clrnn_status clr_context_open(const clrnn_context_desc *desc, const clrnn_device_info *info,
                              clrnn_context **context);

/**
 * Another context on the same device, with an in-order queue of its own: what takes long there, as
 * the first launch of a kernel does where drivers compile it then, delays nobody's work. It has the
 * programs of `context`, which must outlive it. Ownership, returns: as clrnn_context_create.
 */
clrnn_status clr_context_beside(clrnn_context *context, clrnn_context **beside);

/** Let two contexts exchange their devices, and what has been found out and compiled there. Nothing
 *  may stand on either. */
void clr_context_exchange(clrnn_context *a, clrnn_context *b);

/** Forget the results of all self-tests. */
void clr_self_tests_forget(clrnn_context *context);

/* What is alive in this process, made by this library and not yet released: contexts, queues,
 * buffers, programs, kernels and events. Zero after everything has been destroyed. */
long clr_live_objects(void);

/* How often this library has waited for a device in this process. */
long clr_waits(void);

/* For the files of host/device/ alone: count one object made (+1) or released (-1), and a wait. */
void clr_live_count(int change);
void clr_wait_count(clrnn_context *context);

/* The same: a log that keeps its last error as `reason` [CLR_REASON], for what may fail without
 * being an error of the whole call. */
clrnn_log clr_reason_log(char *reason);

/** CLRNN_OK, or log "CALL failed: NAME (code)" and give CLRNN_ERR_OPENCL (or CLRNN_ERR_MEMORY for
 * an allocation that the device refused). */
clrnn_status clr_cl_check(const clrnn_log *log, cl_int code, const char *call);

/** The name of an OpenCL error code ("CL_INVALID_VALUE"), never NULL. */
const char *clr_cl_error_name(cl_int code);

#endif
