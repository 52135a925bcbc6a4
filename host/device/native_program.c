/* SPDX-License-Identifier: MIT
 * device/native_program.c - programs and kernels of device/native.h, and running them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "device/native_objects.h"

/* --- programs ------------------------------------------------------------------------------ */

/* The names of sources that begin with #line 1 "cl/NAME" each, joined by blanks. */
static char *names_of(cl_uint count, const char **strings)
{
    static const char before[] = "#line 1 \"cl/";
    size_t room = 1, used = 0;
    for (cl_uint i = 0; i < count; i++)
        room += 64;
    char *names = clr_calloc(room, 1);
    for (cl_uint i = 0; names && i < count; i++) {
        const char *name = strings[i] + sizeof before - 1;
        bool known = strncmp(strings[i], before, sizeof before - 1) == 0;
        size_t length = known ? strcspn(name, "\"\n") : 0;
        int put = snprintf(names + used, room - used, "%s%.*s", i ? " " : "",
                           (int)(length < 60 ? length : 60), name);
        used += put > 0 ? (size_t)put : 0;
    }
    return names;
}

static cl_program CL_API_CALL create_program_with_source(cl_context context, cl_uint count,
                                                         const char **strings,
                                                         const size_t *lengths, cl_int *code)
{
    (void)context, (void)lengths;
    cl_program program = clr_native_object(sizeof *program);
    if (program)
        program->sources = names_of(count, strings);
    if (program && !program->sources) {
        free(program);
        program = NULL;
    }
    return clr_native_made(program, code);
}

static cl_program CL_API_CALL create_program_with_binary(cl_context context, cl_uint devices,
                                                         const cl_device_id *device,
                                                         const size_t *lengths,
                                                         const unsigned char **binaries,
                                                         cl_int *status, cl_int *code)
{
    (void)context, (void)devices, (void)device, (void)lengths, (void)binaries, (void)status;
    return clr_native_refused(CL_INVALID_BINARY, code);
}

static const clr_native_program *given;
static uint32_t given_count;

void clr_native_give(const clr_native_program *programs, uint32_t count)
{
    given = programs;
    given_count = count;
}

static const clr_native_program *find_program(const clr_native_program *programs, uint32_t count,
                                              const char *sources, const char *options)
{
    for (uint32_t i = 0; i < count; i++)
        if (strcmp(programs[i].sources, sources) == 0 && strcmp(programs[i].options, options) == 0)
            return &programs[i];
    return NULL;
}

static cl_int CL_API_CALL build_program(cl_program program, cl_uint devices,
                                        const cl_device_id *device, const char *options,
                                        void(CL_CALLBACK *notify)(cl_program, void *), void *user)
{
    (void)devices, (void)device, (void)notify, (void)user;
    const clr_native_level *level = clr_native_used();
    const char *defines = options ? strstr(options, "-D") : NULL;
    defines = defines ? defines : "";
    program->program = find_program(given, given_count, program->sources, defines);
    if (!program->program && level)
        program->program = find_program(level->programs, level->count, program->sources, defines);
    if (program->program)
        return CL_SUCCESS;
    snprintf(program->log, sizeof program->log, "not compiled ahead of time: %s with %s",
             program->sources, defines);
    return CL_BUILD_PROGRAM_FAILURE;
}

static cl_int CL_API_CALL get_program_info(cl_program program, cl_program_info what, size_t room,
                                           void *value, size_t *size)
{
    (void)program, (void)what, (void)room, (void)value, (void)size;
    return CL_INVALID_VALUE; /* no binaries */
}

static cl_int CL_API_CALL get_program_build_info(cl_program program, cl_device_id device,
                                                 cl_program_build_info what, size_t room,
                                                 void *value, size_t *size)
{
    (void)device;
    return what == CL_PROGRAM_BUILD_LOG
               ? clr_native_answer(program->log, strlen(program->log) + 1, room, value, size)
               : CL_INVALID_VALUE;
}

static cl_int CL_API_CALL release_program(cl_program program)
{
    if (atomic_fetch_sub(&program->users, 1) == 1) {
        free(program->sources);
        free(program);
    }
    return CL_SUCCESS;
}

/* --- kernels ------------------------------------------------------------------------------- */

static cl_int CL_API_CALL release_kernel(cl_kernel kernel);

static const clr_native_kernel *find_kernel(const clr_native_program *program, const char *name)
{
    for (uint32_t i = 0; program && i < program->count; i++)
        if (strcmp(program->kernels[i].name, name) == 0)
            return &program->kernels[i];
    return NULL;
}

/* Where each argument's value will be: those of buffers in `buffers`, others in `values`. */
static bool place_arguments(cl_kernel k)
{
    size_t used = 0;
    if (k->kernel->count > CLR_NATIVE_ARGUMENTS)
        return false;
    for (uint32_t i = 0; i < k->kernel->count; i++) {
        size_t size = k->kernel->sizes[i] & CLR_NATIVE_LOCAL ? 0 : k->kernel->sizes[i];
        k->arguments[i] = size ? (void *)(k->values + used) : (void *)&k->buffers[i];
        used += (size + 15) / 16 * 16;
    }
    return used <= sizeof k->values;
}

static cl_kernel CL_API_CALL create_kernel(cl_program program, const char *name, cl_int *code)
{
    const clr_native_kernel *found = find_kernel(program->program, name);
    if (!found)
        return clr_native_refused(CL_INVALID_KERNEL_NAME, code);
    cl_kernel kernel = clr_native_object(sizeof *kernel);
    if (!kernel)
        return clr_native_made(NULL, code);
    kernel->kernel = found;
    kernel->program = program;
    atomic_fetch_add(&program->users, 1);
    if (!place_arguments(kernel)) {
        (void)release_kernel(kernel);
        return clr_native_refused(CL_OUT_OF_RESOURCES, code);
    }
    return clr_native_made(kernel, code);
}

static cl_int CL_API_CALL release_kernel(cl_kernel kernel)
{
    if (atomic_fetch_sub(&kernel->users, 1) == 1) {
        (void)release_program(kernel->program);
        free(kernel);
    }
    return CL_SUCCESS;
}

static cl_int CL_API_CALL set_kernel_arg(cl_kernel kernel, cl_uint index, size_t size,
                                         const void *value)
{
    if (index >= kernel->kernel->count)
        return CL_INVALID_ARG_INDEX;
    size_t wanted = kernel->kernel->sizes[index];
    if (wanted & CLR_NATIVE_LOCAL)
        return value || !size                     ? CL_INVALID_ARG_VALUE
               : size > wanted - CLR_NATIVE_LOCAL ? CL_OUT_OF_RESOURCES
                                                  : CL_SUCCESS;
    if (wanted) {
        if (size != wanted || !value)
            return CL_INVALID_ARG_SIZE;
        memcpy(kernel->arguments[index], value, size);
        return CL_SUCCESS;
    }
    cl_mem buffer = NULL;
    if (size != sizeof(cl_mem))
        return CL_INVALID_ARG_SIZE;
    if (value)
        memcpy(&buffer, value, sizeof(cl_mem));
    if (buffer && !clr_is_native(buffer))
        return CL_INVALID_MEM_OBJECT;
    kernel->buffers[index] = buffer ? buffer->memory : NULL;
    return CL_SUCCESS;
}

static cl_int CL_API_CALL get_kernel_info(cl_kernel kernel, cl_kernel_info what, size_t room,
                                          void *value, size_t *size)
{
    const char *name = kernel->kernel->name;
    const cl_uint count = kernel->kernel->count;
    switch (what) {
    case CL_KERNEL_FUNCTION_NAME:
        return clr_native_answer(name, strlen(name) + 1, room, value, size);
    case CL_KERNEL_NUM_ARGS:
        return clr_native_answer(&count, sizeof count, room, value, size);
    default:
        return CL_INVALID_VALUE;
    }
}

static cl_int CL_API_CALL get_kernel_work_group_info(cl_kernel kernel, cl_device_id device,
                                                     cl_kernel_work_group_info what, size_t room,
                                                     void *value, size_t *size)
{
    const cl_ulong none = 0;
    const size_t one = 1;
    (void)kernel, (void)device;
    if (what == CL_KERNEL_WORK_GROUP_SIZE)
        return clr_native_answer(&one, sizeof one, room, value, size);
    return what == CL_KERNEL_PRIVATE_MEM_SIZE || what == CL_KERNEL_LOCAL_MEM_SIZE
               ? clr_native_answer(&none, sizeof none, room, value, size)
               : CL_INVALID_VALUE;
}

/* --- running ------------------------------------------------------------------------------- */

/* How work-items become tasks. */
typedef enum clr_native_cut { CUT_COLUMNS, CUT_ROWS, CUT_ITEMS } clr_native_cut;

typedef struct clr_native_run {
    cl_kernel kernel;
    uint64_t columns, rows;
    uint32_t tasks;
    clr_native_cut cut;
} clr_native_run;

static clr_native_range range_of(const clr_native_run *r, uint32_t index)
{
    if (r->cut == CUT_ITEMS) {
        uint64_t x = index % r->columns, y = index / r->columns;
        return (clr_native_range){x, x + 1, y, y + 1};
    }
    bool rows = r->cut == CUT_ROWS;
    uint64_t whole = rows ? r->rows : r->columns;
    uint64_t first = whole * index / r->tasks, last = whole * (index + 1) / r->tasks;
    return rows ? (clr_native_range){0, r->columns, first, last}
                : (clr_native_range){first, last, 0, r->rows};
}

static void run_task(void *data, uint32_t index)
{
    const clr_native_run *r = data;
    const clr_native_range range = range_of(r, index);
    r->kernel->kernel->run(&range, r->kernel->arguments);
}

/* Work-items that are worth the waking of another thread. */
static const uint64_t few_items[] = {
    [CLR_NATIVE_LIGHT] = 1 << 13, [CLR_NATIVE_LONG] = 1 << 9, [CLR_NATIVE_HEAVY] = 0};

static cl_int CL_API_CALL enqueue_range_kernel(cl_command_queue queue, cl_kernel kernel,
                                               cl_uint dimensions, const size_t *offset,
                                               const size_t *global, const size_t *local,
                                               cl_uint waits, const cl_event *wait, cl_event *event)
{
    if (dimensions != 2 || offset)
        return CL_INVALID_WORK_DIMENSION;
    if (local && (local[0] != 1 || local[1] != 1))
        return CL_INVALID_WORK_GROUP_SIZE;
    cl_int code = clr_native_done(waits, wait, event);
    if (code != CL_SUCCESS)
        return code;
    const bool heavy = kernel->kernel->weight == CLR_NATIVE_HEAVY;
    const uint64_t items = (uint64_t)global[0] * global[1];
    const uint32_t threads = clr_pool_threads(queue->context->pool);
    /* A few tasks for each thread, so that all finish together. */
    const uint64_t most = heavy ? 64 * (uint64_t)threads : 4 * (uint64_t)threads;
    clr_native_run run = {.kernel = kernel,
                          .columns = global[0],
                          .rows = global[1],
                          .tasks = 1,
                          .cut = global[1] > 1 ? CUT_ROWS : CUT_COLUMNS};
    uint64_t whole = run.cut == CUT_ROWS ? run.rows : run.columns;
    if (heavy && items <= most) {
        run.cut = CUT_ITEMS;
        whole = items;
    }
    if (threads > 1 && items >= few_items[kernel->kernel->weight])
        run.tasks = (uint32_t)(whole < most ? whole : most);
    if (run.tasks == 1) /* as one rectangle */
        run.cut = CUT_COLUMNS;
    clr_pool_run(queue->context->pool, run.tasks, run_task, &run);
    return CL_SUCCESS;
}

void clr_native_take_programs(clr_driver *table)
{
    table->clCreateProgramWithSource = create_program_with_source;
    table->clCreateProgramWithBinary = create_program_with_binary;
    table->clBuildProgram = build_program;
    table->clGetProgramInfo = get_program_info;
    table->clGetProgramBuildInfo = get_program_build_info;
    table->clReleaseProgram = release_program;
    table->clCreateKernel = create_kernel;
    table->clReleaseKernel = release_kernel;
    table->clSetKernelArg = set_kernel_arg;
    table->clGetKernelInfo = get_kernel_info;
    table->clGetKernelWorkGroupInfo = get_kernel_work_group_info;
    table->clEnqueueNDRangeKernel = enqueue_range_kernel;
}
