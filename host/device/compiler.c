/* SPDX-License-Identifier: MIT
 * device/compiler.c - see device/compiler.h. */
#include "device/compiler.h"

#include <stdlib.h>
#include <string.h>

/* CL_DEVICE_ATOMIC_ORDER_ACQ_REL and CL_DEVICE_ATOMIC_SCOPE_DEVICE of OpenCL 3.0. */
#define ORDER_ACQ_REL ((cl_ulong)1 << 1)
#define SCOPE_DEVICE  ((cl_ulong)1 << 5)

/* Platforms whose fences reach the whole device also in OpenCL C 1.2, by name, and why. */
static const char *const fencing_platforms[] = {
    "AMD Accelerated Parallel Processing", /* clang's __builtin_amdgcn_fence of scope agent */
    "NVIDIA CUDA",                         /* PTX membar.gl */
    "Oclgrind",                            /* a simulator: one work-item at a time */
};

static bool platform_fences(const clrnn_device_info *info)
{
    bool found = false;
    for (size_t i = 0; i < sizeof fencing_platforms / sizeof *fencing_platforms; i++)
        found = found || strcmp(info->platform, fencing_platforms[i]) == 0;
    return found;
}

/* 3 of "OpenCL 3.0 ...". */
static unsigned long major_version(const clrnn_device_info *info)
{
    static const char begin[] = "OpenCL ";
    const size_t length = sizeof begin - 1;
    return strncmp(info->version, begin, length) ? 0 : strtoul(info->version + length, NULL, 10);
}

bool clr_has_device_fence(const clrnn_device_info *info, cl_ulong fences)
{
    const cl_ulong both = ORDER_ACQ_REL | SCOPE_DEVICE;
    const unsigned long major = major_version(info);
    return platform_fences(info) || major == 2 || (major > 2 && (fences & both) == both);
}

long clr_fence_language(const clrnn_device_info *info)
{
    if (platform_fences(info))
        return 120;
    return major_version(info) > 2 ? 300 : 200;
}
