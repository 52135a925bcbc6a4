/* SPDX-License-Identifier: MIT
 * device/context.c - see device/context.h and clrnn/context.h. */
#include "device/context.h"
#include "device/opencl.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "device/binary_cache.h"
#include "device/native.h"
#include "device/program.h"
#include "device/report.h"

/* Make an in-order queue. */
static clrnn_status open_queue(clrnn_context *context)
{
    cl_int code = CL_OUT_OF_RESOURCES;
    if (!clr_fault_hit(CLR_FAULT_OPENCL))
        context->queue =
            clr_cl(context->context)
                ->clCreateCommandQueue(context->context, context->info.device_id, 0, &code);
    if (code != CL_SUCCESS) {
        context->queue = NULL;
        return clr_cl_check(&context->log, code, "clCreateCommandQueue");
    }
    clr_live_count(+1);
    return CLRNN_OK;
}

enum { most_threads = 1024 };

/* What desc and environment say about threads; 0: one for each processor. */
static clrnn_status choose_threads(const clrnn_context_desc *desc, uint32_t *threads)
{
    const char *variable = getenv("CLRNN_THREADS");
    const bool asked = !desc->threads && !desc->parallel.run && variable && *variable;
    char *end = NULL;
    *threads = desc->threads;
    if (!asked && *threads > most_threads)
        return clr_fail(&desc->log, CLRNN_ERR_RANGE, "context: threads is %u, not in 0..%d",
                        (unsigned)*threads, most_threads);
    if (!asked)
        return CLRNN_OK;
    unsigned long number = strtoul(variable, &end, 10);
    if (*variable < '0' || *variable > '9' || *end || number > most_threads)
        return clr_fail(&desc->log, CLRNN_ERR_ARGUMENT,
                        "CLRNN_THREADS=\"%s\" is no number in 0..%d (0: one for each processor)",
                        variable, most_threads);
    *threads = (uint32_t)number;
    return CLRNN_OK;
}

/* Who runs the groups of native: each thread is a unit of it. */
static clrnn_status take_threads(clrnn_context *context, const clrnn_context_desc *desc)
{
    uint32_t threads = 0;
    if (!clr_is_native(context->context))
        return CLRNN_OK;
    clrnn_status status = choose_threads(desc, &threads);
    if (status != CLRNN_OK)
        return status;
    cl_int code = clr_native_threads(context->context, threads, &desc->parallel);
    if (code != CL_SUCCESS)
        return clr_cl_check(&context->log, code, "starting threads");
    if (threads || desc->parallel.run)
        context->info.compute_units = clr_native_thread_count(context->context);
    return CLRNN_OK;
}

/* Make a context and an in-order queue for the device. */
static clrnn_status open_own(clrnn_context *context, const clrnn_context_desc *desc)
{
    const cl_context_properties properties[] = {
        CL_CONTEXT_PLATFORM, (cl_context_properties)context->info.platform_id, 0};
    cl_int code = CL_OUT_OF_RESOURCES;
    if (!clr_fault_hit(CLR_FAULT_OPENCL))
        context->context =
            clr_cl(context->info.platform_id)
                ->clCreateContext(properties, 1, &context->info.device_id, NULL, NULL, &code);
    if (code != CL_SUCCESS) {
        context->context = NULL;
        return clr_cl_check(&context->log, code, "clCreateContext");
    }
    clr_live_count(+1);
    clrnn_status status = take_threads(context, desc);
    return status == CLRNN_OK ? open_queue(context) : status;
}

/* CLRNN_OK if the caller's queue belongs to the context and device, and keeps order. */
static clrnn_status check_queue(const clrnn_context *context, const clrnn_context_desc *desc)
{
    cl_context owner = NULL;
    cl_device_id device = NULL;
    cl_command_queue_properties properties = 0;
    cl_int code = CL_OUT_OF_RESOURCES;
    if (!clr_fault_hit(CLR_FAULT_OPENCL))
        code =
            clr_cl(desc->queue)
                ->clGetCommandQueueInfo(desc->queue, CL_QUEUE_CONTEXT, sizeof owner, &owner, NULL);
    if (code == CL_SUCCESS)
        code =
            clr_cl(desc->queue)
                ->clGetCommandQueueInfo(desc->queue, CL_QUEUE_DEVICE, sizeof device, &device, NULL);
    if (code == CL_SUCCESS)
        code = clr_cl(desc->queue)
                   ->clGetCommandQueueInfo(desc->queue, CL_QUEUE_PROPERTIES, sizeof properties,
                                           &properties, NULL);
    if (code != CL_SUCCESS)
        return clr_cl_check(&context->log, code, "clGetCommandQueueInfo");
    if (owner != desc->context)
        return clr_fail(&context->log, CLRNN_ERR_ARGUMENT,
                        "the queue does not belong to the context: give a queue made from it");
    if (device != context->info.device_id)
        return clr_fail(&context->log, CLRNN_ERR_ARGUMENT,
                        "the queue is for another device than %s", context->info.name);
    if (properties & CL_QUEUE_OUT_OF_ORDER_EXEC_MODE_ENABLE)
        return clr_fail(&context->log, CLRNN_ERR_ARGUMENT,
                        "the queue is out of order: give an in-order queue");
    return CLRNN_OK;
}

static clrnn_status retain_context(clrnn_context *context, cl_context retained)
{
    cl_int code = clr_fault_hit(CLR_FAULT_OPENCL) ? CL_OUT_OF_RESOURCES
                                                  : clr_cl(retained)->clRetainContext(retained);
    if (code != CL_SUCCESS)
        return clr_cl_check(&context->log, code, "clRetainContext");
    context->context = retained;
    clr_live_count(+1);
    return CLRNN_OK;
}

/* Retain the context and queue of the caller. */
static clrnn_status open_callers(clrnn_context *context, const clrnn_context_desc *desc)
{
    if (!desc->context || !desc->queue)
        return clr_fail(&context->log, CLRNN_ERR_ARGUMENT,
                        "%s is given, but %s is NULL: give both or neither",
                        desc->queue ? "queue" : "context", desc->queue ? "context" : "queue");
    clrnn_status status = check_queue(context, desc);
    if (status == CLRNN_OK)
        status = retain_context(context, desc->context);
    if (status != CLRNN_OK)
        return status;
    cl_int code = clr_fault_hit(CLR_FAULT_OPENCL)
                      ? CL_OUT_OF_RESOURCES
                      : clr_cl(desc->queue)->clRetainCommandQueue(desc->queue);
    if (code != CL_SUCCESS)
        return clr_cl_check(&context->log, code, "clRetainCommandQueue");
    context->queue = desc->queue;
    clr_live_count(+1);
    return CLRNN_OK;
}

/* What platforms do that cannot be asked for. */
static const struct {
    const char *platform;
    bool keeps_kernels; /* has a cache of its own, and a binary costs more than it saves */
} quirks[] = {
    /* PoCL 3.1: asked for a program's binary it compiles every kernel for groups of any size
     * (pocl_driver_build_poclbinary), and those that are used once more for their size: the first
     * result comes after 2.5 times as long. */
    {"Portable Computing Language", true},
    {"native", true}, /* compiled with the library */
};

static bool keeps_programs(const clrnn_device_info *info)
{
    for (size_t i = 0; i < sizeof quirks / sizeof *quirks; i++)
        if (strcmp(info->platform, quirks[i].platform) == 0)
            return !quirks[i].keeps_kernels;
    return true;
}

clrnn_status clr_context_open(const clrnn_context_desc *desc, const clrnn_device_info *info,
                              clrnn_context **context)
{
    static const clrnn_context_desc defaults;
    if (!desc)
        desc = &defaults;
    *context = NULL;
    clrnn_context *made = clr_calloc(1, sizeof *made);
    if (!made)
        return clr_fail(&desc->log, CLRNN_ERR_MEMORY, "no memory for a context");
    made->root = made;
    made->log = desc->log;
    made->info = *info;
    made->keeps_programs = keeps_programs(info);
    made->lock = made->moving = (clr_lock)CLR_LOCK_INIT;
    made->built = (clr_condition)CLR_CONDITION_INIT;
    clrnn_status status = clr_cache_folder(desc->cache_dir, &desc->log, &made->cache_dir);
    if (status == CLRNN_OK)
        status = desc->context || desc->queue ? open_callers(made, desc) : open_own(made, desc);
    if (status != CLRNN_OK) {
        clrnn_context_destroy(&made);
        return status;
    }
    clr_log(&made->log, CLRNN_LOG_INFO, "device %s (%s, driver %s)%s", info->name, info->platform,
            info->driver, desc->queue ? ", in the caller's context" : "");
    *context = made;
    return CLRNN_OK;
}

clrnn_status clr_context_beside(clrnn_context *context, clrnn_context **beside)
{
    *beside = NULL;
    clrnn_context *made = clr_calloc(1, sizeof *made);
    if (!made)
        return clr_fail(&context->log, CLRNN_ERR_MEMORY, "no memory for a context");
    made->root = context;
    made->log = context->log;
    made->info = context->info;
    made->lock = (clr_lock)CLR_LOCK_INIT;
    made->options_from_launch = context->options_from_launch;
    clrnn_status status = retain_context(made, context->context);
    if (status == CLRNN_OK)
        status = open_queue(made);
    if (status != CLRNN_OK)
        clrnn_context_destroy(&made);
    *beside = made;
    return status;
}

void clr_context_exchange(clrnn_context *a, clrnn_context *b)
{
#define CLR_EXCHANGE(type, field) \
    do {                          \
        type kept = a->field;     \
        a->field = b->field;      \
        b->field = kept;          \
    } while (0)
    clr_lock_take(&a->lock);
    CLR_EXCHANGE(clrnn_device_info, info);
    CLR_EXCHANGE(cl_context, context);
    CLR_EXCHANGE(cl_command_queue, queue);
    CLR_EXCHANGE(bool, keeps_programs);
    CLR_EXCHANGE(struct clr_program *, programs);
    CLR_EXCHANGE(uint32_t, co_resident);
    CLR_EXCHANGE(double, back_off_until);
    CLR_EXCHANGE(double, back_off_last);
    CLR_EXCHANGE(clr_tested *, self_tests);
    clr_lock_give(&a->lock);
#undef CLR_EXCHANGE
}

void clr_self_tests_forget(clrnn_context *context)
{
    clr_lock_take(&context->lock);
    while (context->self_tests) {
        clr_tested *next = context->self_tests->next;
        free(context->self_tests);
        context->self_tests = next;
    }
    clr_lock_give(&context->lock);
}

void clrnn_context_destroy(clrnn_context **context)
{
    if (!context || !*context)
        return;
    clrnn_context *c = *context;
    if (c->queue)
        (void)clr_cl(c->queue)->clFinish(c->queue);
    clr_programs_free(c);
    clr_self_tests_forget(c);
    clrnn_report_destroy(&c->report);
    if (c->queue) {
        (void)clr_cl(c->queue)->clReleaseCommandQueue(c->queue);
        clr_live_count(-1);
    }
    if (c->context) {
        (void)clr_cl(c->context)->clReleaseContext(c->context);
        clr_live_count(-1);
    }
    free(c->selector);
    free(c->cache_dir);
    free(c);
    *context = NULL;
}

const clrnn_device_info *clrnn_context_device(const clrnn_context *context)
{
    return context ? &context->info : NULL;
}

cl_context clrnn_context_cl(const clrnn_context *context)
{
    if (context)
        atomic_store(&context->root->fixed, true);
    return context ? context->context : NULL;
}

cl_command_queue clrnn_context_queue(const clrnn_context *context)
{
    if (context)
        atomic_store(&context->root->fixed, true);
    return context ? context->queue : NULL;
}

clrnn_status clrnn_context_finish(clrnn_context *context)
{
    if (!context)
        return CLRNN_ERR_ARGUMENT;
    cl_int code =
        clr_cl(context->queue)
            ->clFinish(context->queue); /* nothing is left under way by an injected fault */
    clr_wait_count(context);
    if (clr_fault_hit(CLR_FAULT_OPENCL))
        code = CL_OUT_OF_RESOURCES;
    return clr_cl_check(&context->log, code, "clFinish");
}
