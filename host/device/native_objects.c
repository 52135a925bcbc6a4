/* SPDX-License-Identifier: MIT
 * device/native_objects.c - what the objects of device/native.h have in common. */
#include "device/native_objects.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

clr_driver clr_native_table;
struct _cl_platform_id clr_native_platform = {&clr_native_table};
struct _cl_device_id clr_native_device = {&clr_native_table};
static struct _cl_event complete = {&clr_native_table};

static const char *wanted_level(void)
{
    const char *wanted = getenv("CLRNN_NATIVE_LEVEL");
    return wanted && *wanted ? wanted : NULL;
}

const clr_native_level *clr_native_used(void)
{
    const char *wanted = wanted_level();
    for (uint32_t i = 0; i < clr_native_level_count; i++) {
        const clr_native_level *level = &clr_native_levels[i];
        if (clr_native_level_runs(level->name) && (!wanted || strcmp(wanted, level->name) == 0))
            return level;
    }
    return NULL;
}

const char *clr_native_text(void)
{
    if (clr_native_level_count == 0)
        return "native kernels are not in this build: it had no clang";
    if (clr_native_used())
        return clr_native_used()->name;
    return wanted_level()
               ? "native kernels are left out: CLRNN_NATIVE_LEVEL is off, or no level that "
                 "this build and this processor have"
               : "native kernels are for other processors than this one";
}

bool clr_is_native(const void *object)
{
    const clr_driver *first = NULL;
    if (object)
        memcpy(&first, object, sizeof first);
    return first == &clr_native_table;
}

void *clr_native_object(size_t size)
{
    struct {
        const clr_driver *driver;
        atomic_uint users;
    } *object = clr_calloc(1, size);
    if (object) {
        object->driver = &clr_native_table;
        atomic_store(&object->users, 1);
    }
    return object;
}

cl_int clr_native_answer(const void *from, size_t bytes, size_t room, void *value, size_t *size)
{
    if (value && room < bytes)
        return CL_INVALID_VALUE;
    if (value)
        memcpy(value, from, bytes);
    if (size)
        *size = bytes;
    return CL_SUCCESS;
}

/* What a function that makes something gives back. */
void *clr_native_made(void *object, cl_int *code)
{
    if (code)
        *code = object ? CL_SUCCESS : CL_OUT_OF_HOST_MEMORY;
    return object;
}

void *clr_native_refused(cl_int why, cl_int *code)
{
    if (code)
        *code = why;
    return NULL;
}

cl_int clr_native_done(cl_uint waits, const cl_event *wait, cl_event *event)
{
    for (cl_uint i = 0; i < waits; i++)
        if (!wait || !clr_is_native(wait[i]))
            return CL_INVALID_EVENT_WAIT_LIST;
    if (event)
        *event = &complete;
    return CL_SUCCESS;
}
