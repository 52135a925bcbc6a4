/* SPDX-License-Identifier: MIT
 * offline_driver.c - an OpenCL library of one GPU that is not there, for tools/offline: what is to
 * be compiled for it is written down, and nothing runs. CLRNN_OPENCL names it.
 *
 * $OFFLINE_OUT: a folder; program number i becomes i.cl there, its options i.options, and for each
 * launch a line of i.launches: the kernel, bytes of local memory that its arguments are, groups.
 * $OFFLINE_GPU: "platform;name;vendor;version;fences;rounded;fp64;local memory;largest
 * group;units". It says that nothing was spilled, as drivers do that do not tell. */
#define CL_TARGET_OPENCL_VERSION 120
#include <CL/cl.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Much that is asked has one answer. */
#pragma GCC diagnostic ignored "-Wunused-parameter"

#define EXPORT __attribute__((visibility("default")))

typedef struct object {
    const void *first; /* some address that is not our own executor's */
    char *text;        /* of a program: its source; of a kernel: its name */
    size_t bytes;
    cl_uint arguments;
    int number;       /* of a built program and its kernels: that of its files */
    size_t local[32]; /* of a kernel: local memory of each argument */
} object;

static const char nothing;

static object *make(size_t bytes, const char *text, cl_int *code)
{
    object *o = calloc(1, sizeof *o);
    o->first = &nothing;
    o->text = text ? strdup(text) : NULL;
    o->bytes = bytes;
    code ? *code = CL_SUCCESS : 0;
    return o;
}

/* --- what is asked ------------------------------------------------------------------------- */

/* Word number `index` of $OFFLINE_GPU; static storage. */
static const char *word(int index)
{
    static char words[10][128];
    const char *at = getenv("OFFLINE_GPU");
    for (int i = 0; at && i < index && (at = strchr(at, ';')) != NULL; i++)
        at++;
    snprintf(words[index], sizeof words[index], "%.*s", at ? (int)strcspn(at, ";") : 0,
             at ? at : "");
    return words[index];
}

static cl_int answer(const void *value, size_t size, size_t room, void *out, size_t *needed)
{
    if (needed)
        *needed = size;
    if (out && room < size)
        return CL_INVALID_VALUE;
    if (out)
        memcpy(out, value, size);
    return CL_SUCCESS;
}

static cl_int text(const char *value, size_t room, void *out, size_t *needed)
{
    return answer(value, strlen(value) + 1, room, out, needed);
}

/* All numbers that are asked for are whole, and as wide as there is room for. */
static cl_int number(unsigned long long value, size_t room, void *out, size_t *needed)
{
    return answer(&value, room ? room : sizeof value, room, out, needed);
}

EXPORT cl_int clGetPlatformIDs(cl_uint room, cl_platform_id *out, cl_uint *count)
{
    if (count)
        *count = 1;
    if (room && out)
        *out = (cl_platform_id)make(0, NULL, NULL);
    return CL_SUCCESS;
}

EXPORT cl_int clGetPlatformInfo(cl_platform_id p, cl_platform_info what, size_t room, void *out,
                                size_t *needed)
{
    return text(what == CL_PLATFORM_NAME ? word(0) : word(3), room, out, needed);
}

EXPORT cl_int clGetDeviceIDs(cl_platform_id p, cl_device_type type, cl_uint room, cl_device_id *out,
                             cl_uint *count)
{
    if (count)
        *count = 1;
    if (room && out)
        *out = (cl_device_id)make(0, NULL, NULL);
    return CL_SUCCESS;
}

EXPORT cl_int clGetDeviceInfo(cl_device_id d, cl_device_info what, size_t room, void *out,
                              size_t *needed)
{
    switch (what) {
    case CL_DEVICE_NAME:
        return text(word(1), room, out, needed);
    case CL_DEVICE_VENDOR:
        return text(word(2), room, out, needed);
    case CL_DEVICE_VERSION:
        return text(word(3), room, out, needed);
    case CL_DRIVER_VERSION:
        return text("1", room, out, needed);
    case CL_DEVICE_EXTENSIONS:
        return text(atoi(word(6)) ? "cl_khr_fp64 cl_khr_fp16" : "cl_khr_fp16", room, out, needed);
    case 0x1064: /* CL_DEVICE_ATOMIC_FENCE_CAPABILITIES */
        return number(strtoull(word(4), NULL, 0), room, out, needed);
    case CL_DEVICE_SINGLE_FP_CONFIG:
        return number(atoi(word(5)) ? CL_FP_CORRECTLY_ROUNDED_DIVIDE_SQRT | CL_FP_FMA : CL_FP_FMA,
                      room, out, needed);
    case CL_DEVICE_TYPE:
        return number(CL_DEVICE_TYPE_GPU, room, out, needed);
    case CL_DEVICE_LOCAL_MEM_SIZE:
        return number(strtoull(word(7), NULL, 0), room, out, needed);
    case CL_DEVICE_MAX_WORK_GROUP_SIZE:
        return number(strtoull(word(8), NULL, 0), room, out, needed);
    case CL_DEVICE_MAX_COMPUTE_UNITS:
        return number(strtoull(word(9), NULL, 0), room, out, needed);
    case CL_DEVICE_GLOBAL_MEM_SIZE:
    case CL_DEVICE_MAX_MEM_ALLOC_SIZE:
        return number(1ull << 34, room, out, needed);
    case CL_DEVICE_HOST_UNIFIED_MEMORY:
        return number(0, room, out, needed);
    default: /* a clock, a vector's width, whether there is a compiler, ... */
        return number(1, room, out, needed);
    }
}

/* --- what is compiled ---------------------------------------------------------------------- */

static void write_file(int program, const char *end, const char *mode, const char *content)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%d.%s", getenv("OFFLINE_OUT"), program, end);
    FILE *file = fopen(path, mode);
    if (!file || fputs(content, file) < 0 || fclose(file)) {
        fprintf(stderr, "offline: cannot write %s\n", path);
        exit(1);
    }
}

EXPORT cl_program clCreateProgramWithSource(cl_context c, cl_uint count, const char **strings,
                                            const size_t *lengths, cl_int *code)
{
    size_t room = 1;
    for (cl_uint i = 0; i < count; i++)
        room += lengths && lengths[i] ? lengths[i] : strlen(strings[i]);
    char *all = calloc(room, 1);
    for (cl_uint i = 0; i < count; i++)
        strncat(all, strings[i], lengths && lengths[i] ? lengths[i] : strlen(strings[i]));
    cl_program program = (cl_program)make(0, all, code);
    free(all);
    return program;
}

EXPORT cl_program clCreateProgramWithBinary(cl_context c, cl_uint n, const cl_device_id *d,
                                            const size_t *lengths, const unsigned char **binaries,
                                            cl_int *status, cl_int *code)
{
    *code = CL_INVALID_BINARY;
    return NULL;
}

EXPORT cl_int clBuildProgram(cl_program p, cl_uint n, const cl_device_id *d, const char *options,
                             void(CL_CALLBACK *notify)(cl_program, void *), void *user)
{
    static int count;
    write_file(count, "cl", "w", ((object *)p)->text);
    write_file(count, "options", "w", options);
    ((object *)p)->number = count++;
    return CL_SUCCESS;
}

EXPORT cl_int clGetProgramInfo(cl_program p, cl_program_info what, size_t room, void *out,
                               size_t *needed)
{
    return CL_INVALID_VALUE;
}

EXPORT cl_int clGetProgramBuildInfo(cl_program p, cl_device_id d, cl_program_build_info what,
                                    size_t room, void *out, size_t *needed)
{
    return text("", room, out, needed);
}

/* Arguments of a kernel: one more than there are commas behind its name. */
static cl_uint count_arguments(const char *source, const char *name)
{
    const size_t length = strlen(name);
    for (const char *at = source; (at = strstr(at, name)) != NULL; at += length) {
        const char *line = at;
        while (line > source && line[-1] != ';' && line[-1] != '}')
            line--;
        const char *kernel = strstr(line, "kernel void");
        if (at[length] != '(' || !kernel || kernel > at)
            continue;
        cl_uint count = 1;
        for (at += length; *at && *at != ')'; at++)
            count += *at == ',';
        return count;
    }
    return 0;
}

EXPORT cl_kernel clCreateKernel(cl_program p, const char *name, cl_int *code)
{
    object *kernel = make(0, name, code);
    kernel->arguments = count_arguments(((object *)p)->text, name);
    kernel->number = ((object *)p)->number;
    return (cl_kernel)kernel;
}

EXPORT cl_int clGetKernelInfo(cl_kernel k, cl_kernel_info what, size_t room, void *out,
                              size_t *needed)
{
    object *kernel = (object *)k;
    return what == CL_KERNEL_NUM_ARGS ? number(kernel->arguments, room, out, needed)
                                      : text(kernel->text, room, out, needed);
}

/* Local memory of its own: what resident has in structures, about. */
EXPORT cl_int clGetKernelWorkGroupInfo(cl_kernel k, cl_device_id d, cl_kernel_work_group_info what,
                                       size_t room, void *out, size_t *needed)
{
    return number(what == CL_KERNEL_LOCAL_MEM_SIZE ? 1024 : 0, room, out, needed);
}

static cl_uint
    turns; /* the one result that there is: those of a loop, as cl/turns.cl counts them */

EXPORT cl_int clSetKernelArg(cl_kernel k, cl_uint index, size_t size, const void *value)
{
    if (index < sizeof((object *)k)->local / sizeof(size_t))
        ((object *)k)->local[index] = value ? 0 : size;
    if (value && size == sizeof turns && strcmp(((object *)k)->text, "count_turns") == 0)
        memcpy(&turns, value, size);
    return CL_SUCCESS;
}

/* --- what would run ------------------------------------------------------------------------ */

EXPORT cl_context clCreateContext(const cl_context_properties *p, cl_uint n, const cl_device_id *d,
                                  void(CL_CALLBACK *notify)(const char *, const void *, size_t,
                                                            void *),
                                  void *user, cl_int *code)
{
    return (cl_context)make(0, NULL, code);
}

EXPORT cl_command_queue clCreateCommandQueue(cl_context c, cl_device_id d,
                                             cl_command_queue_properties p, cl_int *code)
{
    return (cl_command_queue)make(0, NULL, code);
}

EXPORT cl_int clGetCommandQueueInfo(cl_command_queue q, cl_command_queue_info what, size_t room,
                                    void *out, size_t *needed)
{
    return number(0, room, out, needed);
}

EXPORT cl_mem clCreateBuffer(cl_context c, cl_mem_flags flags, size_t bytes, void *host,
                             cl_int *code)
{
    return (cl_mem)make(bytes, NULL, code);
}

EXPORT cl_int clGetMemObjectInfo(cl_mem m, cl_mem_info what, size_t room, void *out, size_t *needed)
{
    return number(what == CL_MEM_TYPE ? CL_MEM_OBJECT_BUFFER : ((object *)m)->bytes, room, out,
                  needed);
}

static cl_int done(cl_event *event)
{
    if (event)
        *event = (cl_event)make(0, NULL, NULL);
    return CL_SUCCESS;
}

EXPORT cl_int clEnqueueNDRangeKernel(cl_command_queue q, cl_kernel k, cl_uint n, const size_t *from,
                                     const size_t *global, const size_t *local, cl_uint waits,
                                     const cl_event *wait, cl_event *event)
{
    const object *kernel = (const object *)k;
    char line[200];
    size_t bytes = 0;
    for (size_t i = 0; i < sizeof kernel->local / sizeof *kernel->local; i++)
        bytes += kernel->local[i];
    snprintf(line, sizeof line, "%s %zu %zu\n", kernel->text, bytes, global[0] / local[0]);
    write_file(kernel->number, "launches", "a", line);
    return done(event);
}

EXPORT cl_int clEnqueueWriteBuffer(cl_command_queue q, cl_mem m, cl_bool now, size_t at,
                                   size_t bytes, const void *from, cl_uint waits,
                                   const cl_event *wait, cl_event *event)
{
    return done(event);
}

EXPORT cl_int clEnqueueReadBuffer(cl_command_queue q, cl_mem m, cl_bool now, size_t at,
                                  size_t bytes, void *to, cl_uint waits, const cl_event *wait,
                                  cl_event *event)
{
    memset(to, 0, bytes);
    memcpy(to, &turns, bytes == sizeof turns ? bytes : 0);
    turns = 0;
    return done(event);
}

EXPORT cl_int clEnqueueCopyBuffer(cl_command_queue q, cl_mem a, cl_mem b, size_t from, size_t to,
                                  size_t bytes, cl_uint waits, const cl_event *wait,
                                  cl_event *event)
{
    return done(event);
}

EXPORT cl_int clEnqueueFillBuffer(cl_command_queue q, cl_mem m, const void *pattern, size_t size,
                                  size_t at, size_t bytes, cl_uint waits, const cl_event *wait,
                                  cl_event *event)
{
    return done(event);
}

EXPORT void *clEnqueueMapBuffer(cl_command_queue q, cl_mem m, cl_bool now, cl_map_flags flags,
                                size_t at, size_t bytes, cl_uint waits, const cl_event *wait,
                                cl_event *event, cl_int *code)
{
    *code = CL_SUCCESS;
    return calloc(bytes ? bytes : 1, 1);
}

EXPORT cl_int clEnqueueUnmapMemObject(cl_command_queue q, cl_mem m, void *at, cl_uint waits,
                                      const cl_event *wait, cl_event *event)
{
    free(at);
    return done(event);
}

#define MARK(name)                                                                               \
    EXPORT cl_int name(cl_command_queue q, cl_uint waits, const cl_event *wait, cl_event *event) \
    {                                                                                            \
        return done(event);                                                                      \
    }
MARK(clEnqueueMarkerWithWaitList)
MARK(clEnqueueBarrierWithWaitList)

EXPORT cl_int clWaitForEvents(cl_uint count, const cl_event *events)
{
    return CL_SUCCESS;
}

EXPORT cl_int clGetEventInfo(cl_event e, cl_event_info what, size_t room, void *out, size_t *needed)
{
    return number(CL_COMPLETE, room, out, needed);
}

/* Objects are few, and the process is short. */
#define KEEP(name, type)                          \
    EXPORT cl_int name(type o)                    \
    {                                             \
        return o ? CL_SUCCESS : CL_INVALID_VALUE; \
    }
KEEP(clRetainContext, cl_context)
KEEP(clReleaseContext, cl_context)
KEEP(clRetainCommandQueue, cl_command_queue)
KEEP(clReleaseCommandQueue, cl_command_queue)
KEEP(clRetainMemObject, cl_mem)
KEEP(clReleaseMemObject, cl_mem)
KEEP(clReleaseProgram, cl_program)
KEEP(clReleaseKernel, cl_kernel)
KEEP(clRetainEvent, cl_event)
KEEP(clReleaseEvent, cl_event)
KEEP(clFlush, cl_command_queue)
KEEP(clFinish, cl_command_queue)
