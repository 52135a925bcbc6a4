/* SPDX-License-Identifier: MIT
 * device/select.c - see device/select.h. */
#include "device/select.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "device/native.h"
#include "device/vendors.h"

#define VARIABLE "CLRNN_DEVICE"

/* Selectors that name a vendor, and what of the vendor, platform or device name tells it. */
static const struct {
    const char *selector, *parts[2];
} vendors[] = {
    {"nvidia", {"nvidia", NULL}}, {"amd", {"amd", "advanced micro devices"}},
    {"intel", {"intel", NULL}},   {"pocl", {"pocl", "portable computing language"}},
    {"native", {"native", NULL}},
};

/* Upper-case letters of ASCII as lower-case, whatever the locale. */
static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool begins(const char *text, const char *part)
{
    while (*part && lower(*text) == lower(*part))
        text++, part++;
    return !*part;
}

static bool contains(const char *text, const char *part)
{
    for (; *text; text++)
        if (begins(text, part))
            return true;
    return false;
}

static bool equals(const char *a, const char *b)
{
    return strlen(a) == strlen(b) && begins(a, b);
}

static bool usable(const clrnn_device_info *device)
{
    return device->available && device->has_compiler;
}

static const char *kind(const clrnn_device_info *device)
{
    if (device->type & CL_DEVICE_TYPE_GPU)
        return "GPU";
    return device->type & CL_DEVICE_TYPE_CPU ? "CPU" : "accelerator";
}

/* Whether `selector` is PLATFORM:DEVICE, two decimal numbers. */
static bool parse_numbers(const char *selector, unsigned long numbers[2])
{
    for (int i = 0; i < 2; i++) {
        char *end = NULL;
        if (*selector < '0' || *selector > '9')
            return false;
        numbers[i] = strtoul(selector, &end, 10);
        if (*end != (i == 0 ? ':' : 0))
            return false;
        selector = end + 1;
    }
    return true;
}

static bool matches_vendor(const clrnn_device_info *device, const char *part)
{
    return part && (contains(device->vendor, part) || contains(device->platform, part) ||
                    contains(device->name, part));
}

static bool allowed(const char *selector, const clrnn_device_info *device)
{
    unsigned long numbers[2];
    if (!usable(device))
        return false;
    if (equals(selector, "auto"))
        return true;
    if (equals(selector, "gpu"))
        return (device->type & CL_DEVICE_TYPE_GPU) != 0;
    if (equals(selector, "cpu"))
        return (device->type & CL_DEVICE_TYPE_CPU) != 0;
    for (size_t i = 0; i < sizeof vendors / sizeof *vendors; i++)
        if (equals(selector, vendors[i].selector))
            return matches_vendor(device, vendors[i].parts[0]) ||
                   matches_vendor(device, vendors[i].parts[1]);
    if (parse_numbers(selector, numbers))
        return numbers[0] == device->platform_index && numbers[1] == device->device_index;
    return contains(device->name, selector);
}

/* GPUs with memory of their own, other GPUs, accelerators, our own executor, CPUs. */
static int rank(const clrnn_device_info *device)
{
    if (device->type & CL_DEVICE_TYPE_GPU)
        return device->unified_memory ? 1 : 0;
    if (device->type & CL_DEVICE_TYPE_CPU)
        return clr_is_native(device->device_id) ? 3 : 4;
    return 2;
}

static bool better(const clrnn_device_info *a, const clrnn_device_info *b)
{
    if (rank(a) != rank(b))
        return rank(a) < rank(b);
    uint64_t speed_a = (uint64_t)a->compute_units * a->clock_mhz;
    uint64_t speed_b = (uint64_t)b->compute_units * b->clock_mhz;
    return speed_a != speed_b ? speed_a > speed_b : a->global_memory > b->global_memory;
}

/* Indices of the devices that `selector` allows, the best first; equals stay in listed order. */
static size_t sort(const char *selector, const clrnn_device_info *devices, size_t count,
                   size_t *order)
{
    size_t matches = 0;
    for (size_t i = 0; i < count; i++) {
        if (!allowed(selector, &devices[i]))
            continue;
        size_t at = matches++;
        for (; at > 0 && better(&devices[i], &devices[order[at - 1]]); at--)
            order[at] = order[at - 1];
        order[at] = i;
    }
    return matches;
}

/* named: the selector comes from the environment, so the message tells which variable to mend. */
static clrnn_status fail_no_match(const char *selector, bool named,
                                  const clrnn_device_info *devices, size_t count,
                                  const clrnn_log *log)
{
    char list[4096] = "";
    size_t used = 0;
    bool native = false;
    if (count == 0)
        return clr_fail(log, CLRNN_ERR_NO_DEVICE,
                        "no OpenCL device: install the OpenCL driver of your GPU, or PoCL for the "
                        "CPU (Debian: pocl-opencl-icd); and no native one: %s",
                        clr_native_text());
    for (size_t i = 0; i < count && used < sizeof list - 1; i++) {
        const clrnn_device_info *d = &devices[i];
        int put = snprintf(list + used, sizeof list - used, "%s%u:%u %s (%s, %s%s)", i ? "; " : "",
                           (unsigned)d->platform_index, (unsigned)d->device_index, d->name, kind(d),
                           d->platform, usable(d) ? "" : ", cannot be used");
        used += put > 0 ? (size_t)put : 0;
        native = native || strcmp(d->platform, "native") == 0;
    }
    return clr_fail(log, CLRNN_ERR_NO_DEVICE,
                    "no usable device matches %s\"%s\"; there is %s%s%s; choose auto, gpu, cpu, "
                    "native, nvidia, amd, intel, pocl, a part of a name, or PLATFORM:DEVICE",
                    named ? VARIABLE "=" : "", selector, list,
                    native ? "" : ", and no native one: ", native ? "" : clr_native_text());
}

/* The selector that counts. named: out, it is from the environment. */
static const char *effective(const char *selector, bool *named)
{
    const char *variable = getenv(VARIABLE);
    *named = (!selector || !*selector) && variable && *variable;
    return *named ? variable : selector && *selector ? selector : "auto";
}

clr_wanted clr_select_wanted(const char *selector)
{
    bool named = false;
    selector = effective(selector, &named);
    if (equals(selector, "native"))
        return CLR_WANT_NATIVE;
    return equals(selector, "auto") && !clr_vendors_may_have_gpu() ? CLR_WANT_NATIVE_FIRST
                                                                   : CLR_WANT_ANY;
}

clrnn_status clr_select(const char *selector, const clrnn_device_info *devices, size_t count,
                        const clrnn_log *log, size_t *order, size_t *matches)
{
    bool named = false;
    selector = effective(selector, &named);
    *matches = sort(selector, devices, count, order);
    return *matches ? CLRNN_OK : fail_no_match(selector, named, devices, count, log);
}

static void explain(clrnn_device_info *device, const clrnn_device_info *best)
{
    char *reason = device->reason, why[sizeof device->reason - 16];
    size_t room = sizeof device->reason;
    clr_copy_line(why, sizeof why, reason);
    device->is_auto = device == best;
    if (!device->available)
        snprintf(reason, room, "never chosen: %s", why[0] ? why : "it is not available");
    else if (!device->has_compiler)
        snprintf(reason, room, "never chosen: it has no compiler");
    else if (device == best && (device->type & CL_DEVICE_TYPE_GPU))
        snprintf(reason, room, "best GPU: %u units at %u MHz", (unsigned)device->compute_units,
                 (unsigned)device->clock_mhz);
    else if (device == best)
        snprintf(reason, room, "%s, used when there is no GPU", kind(device));
    else if (strcmp(kind(device), kind(best)) != 0)
        snprintf(reason, room, "not chosen: %ss go before %ss", kind(best), kind(device));
    else if (rank(device) != rank(best) && (device->type & CL_DEVICE_TYPE_CPU))
        snprintf(reason, room, "not chosen: the native kernels of %u:%u need no driver",
                 (unsigned)best->platform_index, (unsigned)best->device_index);
    else if (rank(device) != rank(best))
        snprintf(reason, room, "not chosen: %u:%u has memory of its own",
                 (unsigned)best->platform_index, (unsigned)best->device_index);
    else
        snprintf(reason, room, "not chosen: %u:%u is larger or listed first",
                 (unsigned)best->platform_index, (unsigned)best->device_index);
}

void clr_select_explain(clrnn_device_info *devices, size_t count)
{
    const clrnn_device_info *best = NULL;
    for (size_t i = 0; i < count; i++)
        if (usable(&devices[i]) && (!best || better(&devices[i], best)))
            best = &devices[i];
    for (size_t i = 0; i < count; i++)
        explain(&devices[i], best);
}
