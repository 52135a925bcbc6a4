/* SPDX-License-Identifier: MIT
 * device/ask.c - see device/ask.h. */
#include "device/ask.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "device/compiler.h"
#include "device/context.h"
#include "device/limits.h"
#include "device/native.h"
#include "device/opencl.h"

#define CLR_DEVICE_ATOMIC_FENCE_CAPABILITIES 0x1064 /* OpenCL 3.0 */

enum { most_text = 1 << 20 };

static cl_int ask(const clr_question *to, cl_uint what, size_t size, void *answer, size_t *needed)
{
    if (clr_fault_hit(CLR_FAULT_OPENCL))
        return CL_OUT_OF_RESOURCES;
    return to->device
               ? clr_cl(to->device)->clGetDeviceInfo(to->device, what, size, answer, needed)
               : clr_cl(to->platform)->clGetPlatformInfo(to->platform, what, size, answer, needed);
}

clrnn_status clr_ask_value(const clr_question *to, cl_uint what, size_t size, void *answer)
{
    cl_int code = ask(to, what, size, answer, NULL);
    return clr_cl_check(to->log, code, "clGetDeviceInfo");
}

clrnn_status clr_ask_text(const clr_question *to, cl_uint what, char **text)
{
    const char *call = to->device ? "clGetDeviceInfo" : "clGetPlatformInfo";
    size_t size = 0;
    *text = NULL;
    cl_int code = ask(to, what, 0, NULL, &size);
    if (code != CL_SUCCESS)
        return clr_cl_check(to->log, code, call);
    if (size > most_text)
        return clr_fail(to->log, CLRNN_ERR_OPENCL, "%s gives a text of %zu bytes", call, size);
    char *answer = clr_calloc(size + 1, 1);
    if (!answer)
        return clr_fail(to->log, CLRNN_ERR_MEMORY, "no memory for the text of a device");
    code = ask(to, what, size, answer, NULL);
    if (code != CL_SUCCESS) {
        free(answer);
        return clr_cl_check(to->log, code, call);
    }
    *text = answer;
    return CLRNN_OK;
}

clrnn_status clr_ask_short_text(const clr_question *to, cl_uint what, char *out, size_t room)
{
    char *text = NULL;
    clrnn_status status = clr_ask_text(to, what, &text);
    if (status != CLRNN_OK)
        return status;
    clr_copy_line(out, room, text + strspn(text, " \t\r\n"));
    for (size_t length = strlen(out); length && out[length - 1] == ' ';)
        out[--length] = 0;
    free(text);
    return CLRNN_OK;
}

/* Whether `name` stands in a list of names separated by blanks. */
static bool has_word(const char *list, const char *name)
{
    size_t length = strlen(name);
    for (const char *at = list; (at = strstr(at, name)) != NULL; at += length)
        if ((at == list || at[-1] == ' ') && (at[length] == 0 || at[length] == ' '))
            return true;
    return false;
}

static clrnn_status ask_bool(const clr_question *to, cl_uint what, bool *out)
{
    cl_bool value = CL_FALSE;
    clrnn_status status = clr_ask_value(to, what, sizeof value, &value);
    *out = value != CL_FALSE;
    return status;
}

static clrnn_status ask_texts(const clr_question *to, clrnn_device_info *info)
{
    clr_question platform = {to->log, to->platform, NULL};
    char *extensions = NULL;
    clrnn_status status =
        clr_ask_short_text(&platform, CL_PLATFORM_NAME, info->platform, sizeof info->platform);
    if (status == CLRNN_OK)
        status = clr_ask_short_text(to, CL_DEVICE_NAME, info->name, sizeof info->name);
    if (status == CLRNN_OK)
        status = clr_ask_short_text(to, CL_DEVICE_VENDOR, info->vendor, sizeof info->vendor);
    if (status == CLRNN_OK)
        status = clr_ask_short_text(to, CL_DEVICE_VERSION, info->version, sizeof info->version);
    if (status == CLRNN_OK)
        status = clr_ask_short_text(to, CL_DRIVER_VERSION, info->driver, sizeof info->driver);
    if (status == CLRNN_OK)
        status = clr_ask_text(to, CL_DEVICE_EXTENSIONS, &extensions);
    if (status != CLRNN_OK)
        return status;
    info->fp64 = has_word(extensions, "cl_khr_fp64");
    info->fp16 = has_word(extensions, "cl_khr_fp16");
    free(extensions);
    return CLRNN_OK;
}

/* How kernels compute and wait. */
static clrnn_status ask_arithmetic(const clr_question *to, clrnn_device_info *info)
{
    cl_device_fp_config floats = 0;
    cl_ulong fences = 0;
    clrnn_status status = clr_ask_value(to, CL_DEVICE_SINGLE_FP_CONFIG, sizeof floats, &floats);
    /* Of OpenCL 3.0; others refuse the question. */
    if (ask(to, CLR_DEVICE_ATOMIC_FENCE_CAPABILITIES, sizeof fences, &fences, NULL) != CL_SUCCESS)
        fences = 0;
    info->rounded_division = floats & CL_FP_CORRECTLY_ROUNDED_DIVIDE_SQRT;
    info->device_fence = clr_has_device_fence(info, fences);
    return status;
}

static clrnn_status ask_limits(const clr_question *to, clrnn_device_info *info)
{
    const struct {
        cl_device_info what;
        size_t size;
        void *value;
    } limits[] = {
        {CL_DEVICE_TYPE, sizeof info->type, &info->type},
        {CL_DEVICE_GLOBAL_MEM_SIZE, sizeof info->global_memory, &info->global_memory},
        {CL_DEVICE_MAX_MEM_ALLOC_SIZE, sizeof info->max_allocation, &info->max_allocation},
        {CL_DEVICE_LOCAL_MEM_SIZE, sizeof info->local_memory, &info->local_memory},
        {CL_DEVICE_MAX_COMPUTE_UNITS, sizeof info->compute_units, &info->compute_units},
        {CL_DEVICE_MAX_CLOCK_FREQUENCY, sizeof info->clock_mhz, &info->clock_mhz},
        {CL_DEVICE_NATIVE_VECTOR_WIDTH_FLOAT, sizeof info->vector_width, &info->vector_width},
        {CL_DEVICE_MAX_WORK_GROUP_SIZE, sizeof info->max_work_group, &info->max_work_group},
    };
    clrnn_status status = CLRNN_OK;
    for (size_t i = 0; status == CLRNN_OK && i < sizeof limits / sizeof *limits; i++)
        status = clr_ask_value(to, limits[i].what, limits[i].size, limits[i].value);
    if (status == CLRNN_OK)
        status = ask_bool(to, CL_DEVICE_HOST_UNIFIED_MEMORY, &info->unified_memory);
    if (status == CLRNN_OK)
        status = ask_bool(to, CL_DEVICE_COMPILER_AVAILABLE, &info->has_compiler);
    if (status == CLRNN_OK)
        status = ask_bool(to, CL_DEVICE_AVAILABLE, &info->available);
    return status;
}

clrnn_status clr_read_device(const clrnn_log *log, cl_platform_id platform, cl_device_id device,
                             clrnn_device_info *info)
{
    clr_question to = {log, platform, device};
    memset(info, 0, sizeof *info);
    info->platform_id = platform;
    info->device_id = device;
    clrnn_status status = ask_texts(&to, info);
    if (status == CLRNN_OK)
        status = ask_limits(&to, info);
    if (status == CLRNN_OK)
        status = ask_arithmetic(&to, info);
    info->type = clr_device_kind(info->type);
    const cl_device_type type = info->type;
    if (status == CLRNN_OK)
        status = clr_limits_apply(getenv("CLRNN_LIMITS"), log, info);
    if (clr_is_native(device)) /* its kernels are a processor's, and there are no others */
        info->type = type;
    return status;
}
