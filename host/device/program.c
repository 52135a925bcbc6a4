/* SPDX-License-Identifier: MIT
 * device/program.c - see device/program.h. */
#include "device/program.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "device/binary_cache.h"
#include "device/build_spec.h"
#include "device/context.h"
#include "device/native.h"
#include "device/opencl.h"

/* A program of a context. */
struct clr_program {
    struct clr_program *next;
    char *key;
    cl_program program; /* NULL while a thread builds it */
};

static void release(cl_program program)
{
    (void)clr_cl(program)->clReleaseProgram(program);
    clr_live_count(-1);
}

/* Log why a program does not compile, in one line. Returns CLRNN_ERR_BUILD. */
static clrnn_status fail_build(clrnn_context *context, cl_program program,
                               const clr_build_spec *spec, cl_int code)
{
    cl_device_id device = context->info.device_id;
    size_t size = 0;
    char *text = NULL;
    if (clr_cl(program)->clGetProgramBuildInfo(program, device, CL_PROGRAM_BUILD_LOG, 0, NULL,
                                               &size) == CL_SUCCESS)
        text = clr_calloc(size + 1, 1);
    if (text && clr_cl(program)->clGetProgramBuildInfo(program, device, CL_PROGRAM_BUILD_LOG, size,
                                                       text, NULL) != CL_SUCCESS)
        text[0] = 0;
    for (char *c = text; c && *c; c++)
        if (*c == '\n' || *c == '\r')
            *c = '|';
    clrnn_status status = clr_fail(
        &context->log, CLRNN_ERR_BUILD, "%s does not compile on %s (driver %s) with %s: %s: %s",
        spec->name, context->info.name, context->info.driver, spec->options,
        clr_cl_error_name(code), text ? text : "the build log cannot be had");
    clr_lock_take(&context->lock);
    snprintf(context->build_failure, sizeof context->build_failure, "%s does not compile: %s: %s",
             spec->name, clr_cl_error_name(code), text ? text : "");
    clr_lock_give(&context->lock);
    free(text);
    return status;
}

/* Compile. Ownership: on success *program is the caller's; on failure NULL. */
static clrnn_status build_source(clrnn_context *context, const clr_build_spec *spec,
                                 cl_program *program)
{
    cl_int code = CL_OUT_OF_RESOURCES;
    cl_program made = NULL;
    *program = NULL;
    if (!clr_fault_hit(CLR_FAULT_OPENCL))
        made = clr_cl(context->context)
                   ->clCreateProgramWithSource(context->context, (cl_uint)spec->text_count,
                                               (const char **)spec->texts, NULL, &code);
    if (code != CL_SUCCESS)
        return clr_cl_check(&context->log, code, "clCreateProgramWithSource");
    clr_live_count(+1);
    code = CL_OUT_OF_RESOURCES;
    if (!clr_fault_hit(CLR_FAULT_OPENCL))
        code = clr_cl(made)->clBuildProgram(made, 1, &context->info.device_id, spec->options, NULL,
                                            NULL);
    if (code == CL_SUCCESS) {
        clr_log(&context->log, CLRNN_LOG_DEBUG, "compiled %s with %s", spec->name, spec->options);
        *program = made;
        return CLRNN_OK;
    }
    clrnn_status status = code == CL_BUILD_PROGRAM_FAILURE || code == CL_INVALID_BUILD_OPTIONS
                              ? fail_build(context, made, spec, code)
                              : clr_cl_check(&context->log, code, "clBuildProgram");
    release(made);
    return status;
}

/* Take the program from the cache folder; the caller's, or NULL when it is not there or the driver
 * does not accept it. */
static cl_program build_cached(const clrnn_context *context, const clr_build_spec *spec)
{
    clr_binary binary;
    cl_program made = NULL;
    cl_int code = CL_OUT_OF_RESOURCES;
    if (!context->keeps_programs ||
        !clr_cache_load(context->cache_dir, spec->key, &context->log, &binary))
        return NULL;
    if (!clr_fault_hit(CLR_FAULT_OPENCL))
        made = clr_cl(context->context)
                   ->clCreateProgramWithBinary(context->context, 1, &context->info.device_id,
                                               &binary.size, &binary.data, NULL, &code);
    free(binary.file);
    if (code == CL_SUCCESS) {
        clr_live_count(+1);
        code = CL_OUT_OF_RESOURCES;
        if (!clr_fault_hit(CLR_FAULT_OPENCL))
            code = clr_cl(made)->clBuildProgram(made, 1, &context->info.device_id, spec->options,
                                                NULL, NULL);
        if (code != CL_SUCCESS)
            release(made);
    }
    if (code != CL_SUCCESS) {
        clr_log(&context->log, CLRNN_LOG_INFO, "the driver refuses the cached binary of %s: %s",
                spec->name, clr_cl_error_name(code));
        return NULL;
    }
    clr_log(&context->log, CLRNN_LOG_DEBUG, "%s with %s comes from the cache", spec->name,
            spec->options);
    return made;
}

static cl_int ask(cl_program program, cl_program_info what, size_t size, void *answer)
{
    if (clr_fault_hit(CLR_FAULT_OPENCL))
        return CL_OUT_OF_RESOURCES;
    return clr_cl(program)->clGetProgramInfo(program, what, size, answer, NULL);
}

/* The binary of a program for the context's device, to be freed; NULL when it cannot be had. A
 * caller's context may have several devices: a program then has a binary, or none, for each. */
static unsigned char *get_binary(const clrnn_context *context, cl_program program, size_t *size)
{
    cl_uint count = 0;
    cl_device_id *devices = NULL;
    size_t *sizes = NULL;
    unsigned char **binaries = NULL, *binary = NULL;
    if (ask(program, CL_PROGRAM_NUM_DEVICES, sizeof count, &count) != CL_SUCCESS)
        return NULL;
    devices = clr_calloc(count, sizeof *devices);
    sizes = clr_calloc(count, sizeof *sizes);
    binaries = clr_calloc(count, sizeof *binaries);
    if (devices && sizes && binaries &&
        ask(program, CL_PROGRAM_DEVICES, count * sizeof *devices, devices) == CL_SUCCESS &&
        ask(program, CL_PROGRAM_BINARY_SIZES, count * sizeof *sizes, sizes) == CL_SUCCESS) {
        cl_uint own = 0;
        while (own < count && devices[own] != context->info.device_id)
            own++;
        if (own < count && sizes[own] > 0)
            binary = binaries[own] = clr_calloc(sizes[own], 1);
        if (binary &&
            ask(program, CL_PROGRAM_BINARIES, count * sizeof *binaries, binaries) == CL_SUCCESS) {
            *size = sizes[own];
        } else {
            free(binary);
            binary = NULL;
        }
    }
    free(binaries);
    free(sizes);
    free(devices);
    return binary;
}

/* Put a program into the cache folder. That it cannot be done is worth one warning. */
static void store(clrnn_context *context, const clr_build_spec *spec, cl_program program)
{
    char reason[CLR_REASON] = "the driver does not give out its binary";
    const clrnn_log keep = clr_reason_log(reason);
    size_t size = 0;
    if (!context->cache_dir || !context->keeps_programs)
        return;
    unsigned char *binary = get_binary(context, program, &size);
    if (binary && clr_cache_store(context->cache_dir, spec->key, binary, size, &keep) == CLRNN_OK)
        reason[0] = 0;
    free(binary);
    if (!reason[0])
        return;
    clr_lock_take(&context->lock);
    bool warned = context->cache_warned;
    context->cache_warned = true;
    clr_lock_give(&context->lock);
    if (!warned)
        clr_log(&context->log, CLRNN_LOG_WARN, "compiled kernels are not cached: %s", reason);
}

/* From the cache folder, or compiled; takes seconds. Ownership: as build_source. */
static clrnn_status build(clrnn_context *context, const clr_build_spec *spec, cl_program *program)
{
    if (context->before_build)
        context->before_build(context->before_build_user, spec->name);
    *program = build_cached(context, spec);
    if (*program)
        return CLRNN_OK;
    clrnn_status status = build_source(context, spec, program);
    if (status == CLRNN_OK)
        store(context, spec, *program);
    return status;
}

/* Where the list has a program, or its end. The lock is held. */
static struct clr_program **find(clrnn_context *context, const char *key)
{
    struct clr_program **at = &context->programs;
    while (*at && strcmp((*at)->key, key) != 0)
        at = &(*at)->next;
    return at;
}

/* The program of a key, also if another thread is building it just now: that is waited for. NULL:
 * there is none, and the caller has to build it, for which `entry` is put into the list. */
static cl_program find_or_enter(clrnn_context *context, struct clr_program *entry)
{
    clr_lock_take(&context->lock);
    struct clr_program **at = find(context, entry->key);
    while (*at && !(*at)->program) {
        clr_condition_wait(&context->built, &context->lock);
        at = find(context, entry->key); /* it may have failed, and be gone */
    }
    cl_program program = *at ? (*at)->program : NULL;
    if (!program)
        *at = entry;
    clr_lock_give(&context->lock);
    return program;
}

/* The entry's program is built; NULL: it failed, and others who want it may try. */
static void leave(clrnn_context *context, struct clr_program *entry, cl_program program)
{
    clr_lock_take(&context->lock);
    entry->program = program;
    if (!program)
        *find(context, entry->key) = entry->next;
    clr_condition_wake(&context->built);
    clr_lock_give(&context->lock);
}

/* Take the program of the spec from memory, or from the cache folder, or compile it. Of two
 * threads that want the same program one builds it and the other waits; who wants another one, or
 * what else the lock is for, does not. */
static clrnn_status find_or_build(clrnn_context *context, clr_build_spec *spec, cl_program *program)
{
    struct clr_program *entry = clr_calloc(1, sizeof *entry);
    if (!entry)
        return clr_fail(&context->log, CLRNN_ERR_MEMORY, "no memory for a program");
    entry->key = spec->key;
    *program = find_or_enter(context, entry);
    if (*program) {
        free(entry);
        return CLRNN_OK;
    }
    clrnn_status status = build(context, spec, program);
    leave(context, entry, *program);
    if (status == CLRNN_OK)
        spec->key = NULL; /* the entry's */
    else
        free(entry);
    return status;
}

clrnn_status clr_program_get(clrnn_context *context, const clr_source *const *sources,
                             size_t source_count, const clr_define *defines, size_t define_count,
                             cl_program *program)
{
    clr_build_spec spec;
    *program = NULL;
    context = context->root;
    clrnn_status status =
        clr_build_spec_make(context, sources, source_count, defines, define_count, &spec);
    if (status == CLRNN_OK)
        status = find_or_build(context, &spec, program);
    clr_build_spec_free(&spec);
    return status;
}

bool clr_compiles(const clrnn_context *context)
{
    return !clr_is_native(context->queue) && !context->options_from_launch;
}

void clr_programs_free(clrnn_context *context)
{
    while (context->programs) {
        struct clr_program *first = context->programs;
        context->programs = first->next;
        release(first->program);
        free(first->key);
        free(first);
    }
}

clrnn_status clr_kernel_create(clrnn_context *context, cl_program program, const char *name,
                               cl_kernel *kernel)
{
    cl_int code = CL_OUT_OF_RESOURCES;
    char call[96];
    *kernel = NULL;
    if (!clr_fault_hit(CLR_FAULT_OPENCL))
        *kernel = clr_cl(program)->clCreateKernel(program, name, &code);
    if (code == CL_SUCCESS) {
        clr_live_count(+1);
        return CLRNN_OK;
    }
    *kernel = NULL;
    snprintf(call, sizeof call, "clCreateKernel(%s)", name);
    return clr_cl_check(&context->log, code, call);
}

clrnn_status clr_kernels_create(clrnn_context *context, cl_program program,
                                const clr_kernel_place *places, size_t count)
{
    clrnn_status status = CLRNN_OK;
    for (size_t i = 0; i < count && status == CLRNN_OK; i++)
        status = clr_kernel_create(context, program, places[i].name, places[i].kernel);
    return status;
}

clrnn_status clr_program_kernels(clrnn_context *context, const clr_source *const *sources,
                                 size_t source_count, const clr_define *defines,
                                 size_t define_count, const clr_kernel_place *places, size_t count)
{
    cl_program program = NULL;
    clrnn_status status =
        clr_program_get(context, sources, source_count, defines, define_count, &program);
    if (status == CLRNN_OK)
        status = clr_kernels_create(context, program, places, count);
    for (size_t i = 0; i < count && status != CLRNN_OK; i++)
        clr_kernel_destroy(places[i].kernel);
    return status;
}

uint64_t clr_kernel_spilled(const clrnn_context *context, cl_kernel kernel)
{
    cl_ulong bytes = 0;
    cl_int code = clr_cl(kernel)->clGetKernelWorkGroupInfo(
        kernel, context->info.device_id, CL_KERNEL_PRIVATE_MEM_SIZE, sizeof bytes, &bytes, NULL);
    return code == CL_SUCCESS ? bytes : 0;
}

clrnn_status clr_kernel_local(const clrnn_context *context, cl_kernel kernel, size_t *bytes)
{
    cl_ulong local = 0;
    cl_int code = CL_OUT_OF_RESOURCES;
    if (!clr_fault_hit(CLR_FAULT_OPENCL))
        code = clr_cl(kernel)->clGetKernelWorkGroupInfo(
            kernel, context->info.device_id, CL_KERNEL_LOCAL_MEM_SIZE, sizeof local, &local, NULL);
    *bytes = code != CL_SUCCESS ? 0 : local < SIZE_MAX ? (size_t)local : SIZE_MAX;
    return clr_cl_check(&context->log, code, "clGetKernelWorkGroupInfo");
}

void clr_kernel_destroy(cl_kernel *kernel)
{
    if (!kernel || !*kernel)
        return;
    (void)clr_cl(*kernel)->clReleaseKernel(*kernel);
    *kernel = NULL;
    clr_live_count(-1);
}
