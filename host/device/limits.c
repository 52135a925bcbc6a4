/* SPDX-License-Identifier: MIT
 * device/limits.c - see device/limits.h. */
#include "device/limits.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"

cl_device_type clr_device_kind(cl_device_type type)
{
    if (type & CL_DEVICE_TYPE_GPU)
        return CL_DEVICE_TYPE_GPU;
    return type & CL_DEVICE_TYPE_CPU ? CL_DEVICE_TYPE_CPU : CL_DEVICE_TYPE_ACCELERATOR;
}

static bool is(const char *text, size_t length, const char *word)
{
    return strlen(word) == length && strncmp(text, word, length) == 0;
}

static bool set_type(const char *value, size_t length, clrnn_device_info *info)
{
    static const struct {
        const char *name;
        cl_device_type type;
    } types[] = {{"gpu", CL_DEVICE_TYPE_GPU},
                 {"cpu", CL_DEVICE_TYPE_CPU},
                 {"accelerator", CL_DEVICE_TYPE_ACCELERATOR}};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (is(value, length, types[i].name)) {
            info->type = types[i].type;
            return true;
        }
    return false;
}

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static bool set_number(const char *key, size_t length, uint64_t value, clrnn_device_info *info)
{
    if (is(key, length, "fp64"))
        info->fp64 = info->fp64 && value;
    else if (is(key, length, "fp16"))
        info->fp16 = info->fp16 && value;
    else if (is(key, length, "device_fence"))
        info->device_fence = info->device_fence && value;
    else if (is(key, length, "rounded_division"))
        info->rounded_division = info->rounded_division && value;
    else if (is(key, length, "local_memory"))
        info->local_memory = least(info->local_memory, value);
    else if (is(key, length, "max_work_group"))
        info->max_work_group = (size_t)least(info->max_work_group, value);
    else if (is(key, length, "compute_units"))
        info->compute_units = (uint32_t)least(info->compute_units, value);
    else if (is(key, length, "vector_width"))
        info->vector_width = (uint32_t)least(info->vector_width, value);
    else
        return false;
    return true;
}

/* One "key=value" of `length` characters. */
static bool set(const char *text, size_t length, clrnn_device_info *info)
{
    const char *equal = memchr(text, '=', length);
    if (!equal)
        return false;
    const char *value = equal + 1;
    size_t key = (size_t)(equal - text), rest = length - key - 1;
    if (is(text, key, "type"))
        return set_type(value, rest, info);
    char *end = NULL;
    if (!rest || *value < '0' || *value > '9')
        return false;
    uint64_t number = strtoull(value, &end, 10);
    return end == value + rest && set_number(text, key, number, info);
}

clrnn_status clr_limits_apply(const char *text, const clrnn_log *log, clrnn_device_info *info)
{
    while (text && *text) {
        size_t length = strcspn(text, ",");
        if (!set(text, length, info))
            return clr_fail(log, CLRNN_ERR_ARGUMENT,
                            "CLRNN_LIMITS: \"%.*s\" is none of type=gpu|cpu|accelerator, fp64=0, "
                            "fp16=0, device_fence=0, rounded_division=0, local_memory=BYTES, "
                            "max_work_group=N, compute_units=N, vector_width=N",
                            (int)length, text);
        text += length + (text[length] == ',');
    }
    return CLRNN_OK;
}
