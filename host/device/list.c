/* SPDX-License-Identifier: MIT
 * device/list.c - see device/list.h and clrnn/context.h. */
#include "device/list.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "device/ask.h"
#include "device/context.h"
#include "device/native.h"
#include "device/opencl.h"
#include "device/select.h"
#include "device/vendors.h"

#define CLR_PLATFORM_NOT_FOUND_KHR (-1001) /* cl_khr_icd: the loader knows no driver */

/* More platforms, or devices of one, are none that a driver has counted. */
enum { most_listed = 4096 };

typedef struct clr_device_list {
    clrnn_device_info *devices;
    size_t count;
} clr_device_list;

/* Whether a failure is no driver's, so that no other one will do. */
static bool ends_list(clrnn_status status)
{
    return status != CLRNN_OK && status != CLRNN_ERR_OPENCL;
}

/* What is known of a device; of one that does not answer so much as it said, and why it is never
 * chosen. Returns: CLRNN_OK, CLRNN_ERR_MEMORY, CLRNN_ERR_ARGUMENT (limits in the environment). */
static clrnn_status read_device(const clrnn_log *log, cl_platform_id platform, cl_device_id device,
                                clrnn_device_info *info)
{
    char why[CLR_REASON] = "";
    const clrnn_log keep = clr_reason_log(why);
    clrnn_status status = clr_read_device(&keep, platform, device, info);
    if (ends_list(status))
        return clr_fail(log, status, "%s", why);
    if (!info->name[0])
        clr_copy_line(info->name, sizeof info->name, "unnamed");
    if (status == CLRNN_OK)
        return status;
    info->available = false;
    clr_copy_line(info->reason, sizeof info->reason, why);
    return CLRNN_OK;
}

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
    if (count > most_listed)
        return clr_fail(log, CLRNN_ERR_OPENCL, "clGetDeviceIDs gives %u devices", (unsigned)count);

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
    while (status == CLRNN_OK && count && !ids[count - 1]) /* some have gone */
        count--;
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
    if (found > most_listed)
        return clr_fail(log, CLRNN_ERR_OPENCL, "clGetPlatformIDs gives %u platforms",
                        (unsigned)found);
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
    while (found && !ids[found - 1]) /* some have gone */
        found--;
    *platforms = ids;
    *count = found;
    return CLRNN_OK;
}

/* One listing. */
typedef struct clr_listing {
    const clrnn_log *log;
    clrnn_report *report; /* may be NULL */
    clr_device_list list;
    cl_uint index;        /* of the next platform */
    clrnn_status failure; /* of a platform or driver that was left out, and why */
    char reason[CLR_REASON];
} clr_listing;

/* What has become of a platform, of which the list had `before` devices. */
static void tell_platform(clr_listing *l, cl_platform_id platform, clrnn_status status,
                          size_t before)
{
    char name[128] = "";
    const clrnn_log silent = {CLRNN_LOG_NONE, NULL, NULL};
    const clr_question to = {&silent, platform, NULL};
    const bool empty = l->list.count == before;
    if (l->report)
        (void)clr_ask_short_text(&to, CL_PLATFORM_NAME, name, sizeof name);
    if (status == CLRNN_OK)
        clr_report_add(l->report, CLRNN_REPORT_PLATFORM,
                       empty ? CLRNN_REPORT_EMPTY : CLRNN_REPORT_PRESENT, CLRNN_OK, name,
                       "platform %u", (unsigned)l->index);
    else
        clr_report_add(l->report, CLRNN_REPORT_PLATFORM, CLRNN_REPORT_FAILED, status, name,
                       "platform %u: %s", (unsigned)l->index, l->reason);
    if (status == CLRNN_OK && empty)
        clr_log(l->log, CLRNN_LOG_INFO, "OpenCL platform %u has no devices", (unsigned)l->index);
    if (status != CLRNN_OK && !ends_list(status))
        clr_log(l->log, CLRNN_LOG_WARN, "OpenCL platform %u is left out: %s", (unsigned)l->index,
                l->reason);
}

/* Append the devices of all platforms of a driver. A platform that cannot be listed is left out
 * with a warning, a driver too. Returns: CLRNN_OK, CLRNN_ERR_MEMORY, CLRNN_ERR_ARGUMENT. */
static clrnn_status add_driver(clr_listing *l, const clr_driver *driver)
{
    cl_platform_id *platforms = NULL;
    cl_uint count = 0;
    const clrnn_log keep = clr_reason_log(l->reason);
    clrnn_status status = list_platforms(&keep, driver, &platforms, &count);
    if (status != CLRNN_OK) {
        l->failure = status;
        clr_report_add(l->report, CLRNN_REPORT_PLATFORM, CLRNN_REPORT_FAILED, status, "", "%s",
                       l->reason);
        clr_log(l->log, CLRNN_LOG_WARN, "OpenCL platforms are left out: %s", l->reason);
    }
    for (cl_uint i = 0; i < count && !ends_list(status); i++, l->index++) {
        const size_t before = l->list.count;
        status = add_platform(&keep, platforms[i], l->index, &l->list);
        tell_platform(l, platforms[i], status, before);
        l->failure = status == CLRNN_OK ? l->failure : status;
    }
    free(platforms);
    return ends_list(status) ? status : CLRNN_OK;
}

/* That there is an OpenCL library or none, and which of its drivers, that have so many platforms,
 * do not serve. */
static void tell_opencl(clr_listing *l, const clr_driver *opencl, const char *library,
                        cl_uint platforms)
{
    const char *file = getenv("CLRNN_OPENCL");
    const bool loads_drivers = !file || !*file || strstr(file, "libOpenCL.so");
    clr_log(l->log, CLRNN_LOG_INFO, opencl ? "%s" : "no OpenCL library: %s", library);
    clr_report_add(l->report, CLRNN_REPORT_OPENCL,
                   opencl ? CLRNN_REPORT_PRESENT : CLRNN_REPORT_ABSENT, CLRNN_OK, "", "%s",
                   library);
    if (opencl && loads_drivers)
        clr_vendors_report(l->report, l->log, (unsigned)platforms);
}

static clrnn_status add_opencl(clr_listing *l)
{
    const char *library = NULL;
    const clr_driver *opencl = clr_opencl(&library);
    const cl_uint before = l->index;
    clrnn_status status = add_driver(l, opencl);
    tell_opencl(l, opencl, library, l->index - before);
    return status;
}

static clrnn_status add_native(clr_listing *l)
{
    const clr_driver *native = clr_native_driver();
    const size_t before = l->list.count;
    clrnn_status status = add_driver(l, native);
    if (l->list.count == before)
        clr_log(l->log, CLRNN_LOG_INFO, "no native device: %s", clr_native_text());
    if (l->list.count == before)
        clr_report_add(l->report, CLRNN_REPORT_NATIVE, CLRNN_REPORT_ABSENT, CLRNN_OK, "", "%s",
                       clr_native_text());
    else
        clr_report_add(l->report, CLRNN_REPORT_NATIVE, CLRNN_REPORT_PRESENT, CLRNN_OK,
                       clr_native_text(), "kernels compiled with the library");
    return status;
}

/* The devices of all platforms that can be listed, our own executor first: so its number is the
 * same whatever drivers there are. Returns: CLRNN_OK, also where some cannot be listed. */
static clrnn_status list_devices(clr_listing *l, bool native_alone)
{
    static const char no_need[] =
        "the native device is asked for, or the drivers that there are find no GPU in /dev";
    clrnn_status status = add_native(l);
    const bool alone = native_alone && l->list.count;
    if (status == CLRNN_OK && alone)
        clr_log(l->log, CLRNN_LOG_INFO, "OpenCL is not loaded: %s", no_need);
    if (status == CLRNN_OK && alone)
        clr_report_add(l->report, CLRNN_REPORT_OPENCL, CLRNN_REPORT_NOT_TRIED, CLRNN_OK, "", "%s",
                       no_need);
    else if (status == CLRNN_OK)
        status = add_opencl(l);
    if (status != CLRNN_OK || (l->failure != CLRNN_OK && l->list.count == 0))
        return clr_fail(l->log, l->failure, "devices cannot be listed: %s", l->reason);
    return CLRNN_OK;
}

clrnn_status clr_devices_list(const clrnn_log *log, clrnn_report *report, bool native_alone,
                              clrnn_device_info **devices, size_t *count)
{
    clr_listing l = {.log = log, .report = report};
    clrnn_status status = list_devices(&l, native_alone);
    *devices = NULL;
    *count = 0;
    if (status != CLRNN_OK) {
        free(l.list.devices);
        return status;
    }
    clr_select_explain(l.list.devices, l.list.count);
    *devices = l.list.devices;
    *count = l.list.count;
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
    return clr_devices_list(log, NULL, false, devices, count);
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
        status = clr_ask_value(&to, CL_DEVICE_PLATFORM, sizeof platform, &platform);
        if (status == CLRNN_OK)
            status = clr_read_device(log, platform, device, info);
        info->platform_index = info->device_index = UINT32_MAX;
    }
    clrnn_devices_free(&devices);
    return status;
}

clrnn_status clr_platform_text(const clrnn_log *log, cl_platform_id platform, cl_platform_info what,
                               char **text)
{
    clr_question to = {log, platform, NULL};
    return clr_ask_text(&to, what, text);
}
