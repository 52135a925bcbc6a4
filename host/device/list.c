/* SPDX-License-Identifier: MIT
 * device/list.c - see device/list.h and clrnn/context.h. */
#include "device/list.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "device/compiler.h"
#include "device/context.h"
#include "device/limits.h"
#include "device/native.h"
#include "device/opencl.h"
#include "device/select.h"

#define CLR_PLATFORM_NOT_FOUND_KHR           (-1001) /* cl_khr_icd: the loader knows no driver */
#define CLR_DEVICE_ATOMIC_FENCE_CAPABILITIES 0x1064  /* OpenCL 3.0 */

/* One question to a platform or to a device. */
typedef struct clr_question {
    const clrnn_log *log;
    cl_platform_id platform;
    cl_device_id device; /* NULL: the question goes to the platform */
} clr_question;

static cl_int ask(const clr_question *to, cl_uint what, size_t size, void *answer, size_t *needed)
{
    if (clr_fault_hit(CLR_FAULT_OPENCL))
        return CL_OUT_OF_RESOURCES;
    return to->device
               ? clr_cl(to->device)->clGetDeviceInfo(to->device, what, size, answer, needed)
               : clr_cl(to->platform)->clGetPlatformInfo(to->platform, what, size, answer, needed);
}

static clrnn_status ask_value(const clr_question *to, cl_uint what, size_t size, void *answer)
{
    cl_int code = ask(to, what, size, answer, NULL);
    return clr_cl_check(to->log, code, "clGetDeviceInfo");
}

/* A text of any length. Ownership: *text is the caller's, to be freed; on failure NULL. */
static clrnn_status ask_text(const clr_question *to, cl_uint what, char **text)
{
    const char *call = to->device ? "clGetDeviceInfo" : "clGetPlatformInfo";
    size_t size = 0;
    *text = NULL;
    cl_int code = ask(to, what, 0, NULL, &size);
    if (code != CL_SUCCESS)
        return clr_cl_check(to->log, code, call);
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

/* The text without blanks around it, cut to [room] between two characters of UTF-8. */
static clrnn_status ask_short_text(const clr_question *to, cl_uint what, char *out, size_t room)
{
    char *text = NULL;
    clrnn_status status = ask_text(to, what, &text);
    if (status != CLRNN_OK)
        return status;
    const char *from = text + strspn(text, " \t\n");
    size_t length = strlen(from);
    if (length > room - 1)
        for (length = room - 1; length && ((unsigned char)from[length] & 0xC0) == 0x80;)
            length--;
    while (length && strchr(" \t\n", from[length - 1]))
        length--;
    memcpy(out, from, length);
    out[length] = 0;
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
    clrnn_status status = ask_value(to, what, sizeof value, &value);
    *out = value != CL_FALSE;
    return status;
}

static clrnn_status ask_texts(const clr_question *to, clrnn_device_info *info)
{
    clr_question platform = {to->log, to->platform, NULL};
    char *extensions = NULL;
    clrnn_status status =
        ask_short_text(&platform, CL_PLATFORM_NAME, info->platform, sizeof info->platform);
    if (status == CLRNN_OK)
        status = ask_short_text(to, CL_DEVICE_NAME, info->name, sizeof info->name);
    if (status == CLRNN_OK)
        status = ask_short_text(to, CL_DEVICE_VENDOR, info->vendor, sizeof info->vendor);
    if (status == CLRNN_OK)
        status = ask_short_text(to, CL_DEVICE_VERSION, info->version, sizeof info->version);
    if (status == CLRNN_OK)
        status = ask_short_text(to, CL_DRIVER_VERSION, info->driver, sizeof info->driver);
    if (status == CLRNN_OK)
        status = ask_text(to, CL_DEVICE_EXTENSIONS, &extensions);
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
    clrnn_status status = ask_value(to, CL_DEVICE_SINGLE_FP_CONFIG, sizeof floats, &floats);
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
        status = ask_value(to, limits[i].what, limits[i].size, limits[i].value);
    if (status == CLRNN_OK)
        status = ask_bool(to, CL_DEVICE_HOST_UNIFIED_MEMORY, &info->unified_memory);
    if (status == CLRNN_OK)
        status = ask_bool(to, CL_DEVICE_COMPILER_AVAILABLE, &info->has_compiler);
    if (status == CLRNN_OK)
        status = ask_bool(to, CL_DEVICE_AVAILABLE, &info->available);
    return status;
}

static clrnn_status read_device(const clrnn_log *log, cl_platform_id platform, cl_device_id device,
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
    return status == CLRNN_OK ? clr_limits_apply(getenv("CLRNN_LIMITS"), log, info) : status;
}

typedef struct clr_device_list {
    clrnn_device_info *devices;
    size_t count;
} clr_device_list;

/* Append the devices of one platform. On failure the list keeps those it had. */
static clrnn_status add_platform(const clrnn_log *log, cl_platform_id platform, uint32_t index,
                                 clr_device_list *list)
{
    clrnn_status status = CLRNN_ERR_MEMORY;
    cl_device_id *ids = NULL;
    clrnn_device_info *longer = NULL;
    cl_uint count = 0;
    cl_int code = CL_OUT_OF_RESOURCES;
    if (!clr_fault_hit(CLR_FAULT_OPENCL))
        code = clr_cl(platform)->clGetDeviceIDs(platform, CL_DEVICE_TYPE_ALL, 0, NULL, &count);
    if (code == CL_DEVICE_NOT_FOUND || (code == CL_SUCCESS && count == 0))
        return CLRNN_OK;
    if (code != CL_SUCCESS)
        return clr_cl_check(log, code, "clGetDeviceIDs");

    ids = clr_calloc(count, sizeof *ids);
    longer = clr_calloc(list->count + count, sizeof *longer);
    if (!ids || !longer) {
        (void)clr_fail(log, status, "no memory for a list of %u devices", (unsigned)count);
        goto done;
    }
    code = CL_OUT_OF_RESOURCES;
    if (!clr_fault_hit(CLR_FAULT_OPENCL))
        code = clr_cl(platform)->clGetDeviceIDs(platform, CL_DEVICE_TYPE_ALL, count, ids, NULL);
    status = clr_cl_check(log, code, "clGetDeviceIDs");
    for (cl_uint i = 0; status == CLRNN_OK && i < count; i++) {
        clrnn_device_info *info = &longer[list->count + i];
        status = read_device(log, platform, ids[i], info);
        info->platform_index = index;
        info->device_index = i;
    }
    if (status != CLRNN_OK)
        goto done;
    if (list->count)
        memcpy(longer, list->devices, list->count * sizeof *longer);
    free(list->devices);
    list->devices = longer;
    list->count += count;
    longer = NULL;
done:
    free(longer);
    free(ids);
    return status;
}

/* The platforms of one driver. *platforms is the caller's, to be freed; on failure, and when there
 * is none, NULL and 0. */
static clrnn_status list_platforms(const clrnn_log *log, const clr_driver *driver,
                                   cl_platform_id **platforms, cl_uint *count)
{
    cl_uint found = 0;
    cl_int code = CL_OUT_OF_RESOURCES;
    *platforms = NULL;
    *count = 0;
    if (!driver)
        return CLRNN_OK;
    if (!clr_fault_hit(CLR_FAULT_OPENCL))
        code = driver->clGetPlatformIDs(0, NULL, &found);
    if (code == CLR_PLATFORM_NOT_FOUND_KHR || (code == CL_SUCCESS && found == 0))
        return CLRNN_OK;
    if (code != CL_SUCCESS)
        return clr_cl_check(log, code, "clGetPlatformIDs");
    cl_platform_id *ids = clr_calloc(found, sizeof *ids);
    if (!ids)
        return clr_fail(log, CLRNN_ERR_MEMORY, "no memory for a list of platforms");
    code = CL_OUT_OF_RESOURCES;
    if (!clr_fault_hit(CLR_FAULT_OPENCL))
        code = driver->clGetPlatformIDs(found, ids, NULL);
    if (code != CL_SUCCESS) {
        free(ids);
        return clr_cl_check(log, code, "clGetPlatformIDs");
    }
    *platforms = ids;
    *count = found;
    return CLRNN_OK;
}

/* Append the devices of all platforms of a driver. A platform that cannot be listed is left out
 * with a warning, a driver too; *failure is then why. Returns: CLRNN_OK, CLRNN_ERR_MEMORY. */
static clrnn_status add_driver(const clrnn_log *log, const clr_driver *driver, cl_uint *index,
                               clr_device_list *list, clrnn_status *failure, char *reason)
{
    cl_platform_id *platforms = NULL;
    cl_uint count = 0;
    const clrnn_log keep = clr_reason_log(reason);
    clrnn_status status = list_platforms(&keep, driver, &platforms, &count);
    if (status != CLRNN_OK) {
        *failure = status;
        clr_log(log, CLRNN_LOG_WARN, "OpenCL platforms are left out: %s", reason);
    }
    for (cl_uint i = 0; i < count && status != CLRNN_ERR_MEMORY; i++, ++*index) {
        status = add_platform(&keep, platforms[i], *index, list);
        if (status == CLRNN_OK)
            continue;
        *failure = status;
        clr_log(log, CLRNN_LOG_WARN, "OpenCL platform %u is left out: %s", (unsigned)*index,
                reason);
    }
    free(platforms);
    return status == CLRNN_ERR_MEMORY ? status : CLRNN_OK;
}

/* The devices of all platforms that can be listed, our own executor last. Returns: CLRNN_OK, also
 * where some cannot. */
static clrnn_status list_devices(const clrnn_log *log, clr_device_list *list)
{
    char reason[CLR_REASON] = "";
    const char *library = NULL;
    cl_uint index = 0;
    clrnn_status failure = CLRNN_OK;
    const clr_driver *opencl = clr_opencl(&library);
    clr_log(log, CLRNN_LOG_DEBUG, "%s", library);
    clrnn_status status = add_driver(log, opencl, &index, list, &failure, reason);
    if (status == CLRNN_OK)
        status = add_driver(log, clr_native_driver(), &index, list, &failure, reason);
    if (status != CLRNN_OK || (failure != CLRNN_OK && list->count == 0))
        return clr_fail(log, failure, "OpenCL devices cannot be listed: %s", reason);
    return CLRNN_OK;
}

clrnn_status clrnn_devices_list(const clrnn_log *log, clrnn_device_info **devices, size_t *count)
{
    if (devices)
        *devices = NULL;
    if (count)
        *count = 0;
    if (!devices || !count)
        return clr_fail(log, CLRNN_ERR_ARGUMENT, "clrnn_devices_list: %s is NULL",
                        devices ? "count" : "devices");
    clr_device_list list = {NULL, 0};
    clrnn_status status = list_devices(log, &list);
    if (status != CLRNN_OK) {
        free(list.devices);
        return status;
    }
    clr_select_explain(list.devices, list.count);
    *devices = list.devices;
    *count = list.count;
    return CLRNN_OK;
}

void clrnn_devices_free(clrnn_device_info **devices)
{
    if (!devices)
        return;
    free(*devices);
    *devices = NULL;
}

clrnn_status clr_queue_device(const clrnn_log *log, cl_command_queue queue, clrnn_device_info *info)
{
    cl_device_id device = NULL;
    cl_platform_id platform = NULL;
    clrnn_device_info *devices = NULL;
    size_t count = 0, i = 0;
    cl_int code = CL_OUT_OF_RESOURCES;
    if (!clr_fault_hit(CLR_FAULT_OPENCL))
        code = clr_cl(queue)->clGetCommandQueueInfo(queue, CL_QUEUE_DEVICE, sizeof device, &device,
                                                    NULL);
    if (code != CL_SUCCESS)
        return clr_cl_check(log, code, "clGetCommandQueueInfo");
    clrnn_status status = clrnn_devices_list(log, &devices, &count);
    if (status != CLRNN_OK)
        return status;
    while (i < count && devices[i].device_id != device)
        i++;
    if (i < count) {
        *info = devices[i];
    } else {
        clr_question to = {log, NULL, device};
        status = ask_value(&to, CL_DEVICE_PLATFORM, sizeof platform, &platform);
        if (status == CLRNN_OK)
            status = read_device(log, platform, device, info);
        info->platform_index = info->device_index = UINT32_MAX;
    }
    clrnn_devices_free(&devices);
    return status;
}

clrnn_status clr_platform_text(const clrnn_log *log, cl_platform_id platform, cl_platform_info what,
                               char **text)
{
    clr_question to = {log, platform, NULL};
    return ask_text(&to, what, text);
}
