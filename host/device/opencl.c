/* SPDX-License-Identifier: MIT
 * device/opencl.c - see device/opencl.h. */
#include "device/opencl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/library.h"
#include "base/lock.h"
#include "base/os.h"
#include "device/native.h"

/* Of the whole process, as a library that is loaded is. */
static struct {
    clr_lock lock;
    bool tried;
    bool found;
    char reason[600];
    clr_driver driver;
} opencl = {.lock = CLR_LOCK_INIT};

#ifdef CLR_LINK_OPENCL
/* Linked to the library instead (the option `opencl` of the build). */
static bool load(void)
{
#define CLR_TAKE_LINKED(name) opencl.driver.name = name;
    CLR_OPENCL_FUNCTIONS(CLR_TAKE_LINKED)
    snprintf(opencl.reason, sizeof opencl.reason, "OpenCL is linked");
    return true;
}
#else

static const struct {
    const char *name;
    size_t offset; /* in clr_driver */
} functions[] = {
#define CLR_FUNCTION_ROW(name) {#name, offsetof(clr_driver, name)},
    CLR_OPENCL_FUNCTIONS(CLR_FUNCTION_ROW)};

static bool load_file(const char *file, char *reason, size_t room)
{
    clr_library *library = clr_library_open(file, reason, room);
    if (!library)
        return false;
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
        void *address = clr_library_symbol(library, functions[i].name);
        if (!address) {
            snprintf(reason, room, "%s has no function %s", file, functions[i].name);
            return false;
        }
        memcpy((char *)&opencl.driver + functions[i].offset, &address, sizeof address);
    }
    snprintf(opencl.reason, sizeof opencl.reason, "OpenCL is %s", file);
    return true;
}

static bool load(void)
{
    char text[CLR_VARIABLE_ROOM];
    const char *wanted = clr_variable("CLRNN_OPENCL", text);
    if (wanted && strcmp(wanted, "off") == 0) {
        snprintf(opencl.reason, sizeof opencl.reason, "OpenCL is off (CLRNN_OPENCL)");
        return false;
    }
    const char *const alone[] = {wanted, NULL};
    for (const char *const *file = wanted && *wanted ? alone : clr_opencl_files; *file; file++) {
        char why[320];
        if (load_file(*file, why, sizeof why))
            return true;
        clr_library_reason(opencl.reason, sizeof opencl.reason, why);
    }
    return false;
}
#endif

const clr_driver *clr_opencl(const char **reason)
{
    clr_lock_take(&opencl.lock);
    if (!opencl.tried)
        opencl.found = load();
    opencl.tried = true;
    clr_lock_give(&opencl.lock);
    if (reason)
        *reason = opencl.reason;
    return opencl.found ? &opencl.driver : NULL;
}

const clr_driver *clr_cl(const void *object)
{
    const clr_driver *first = NULL;
    if (!object)
        return NULL;
    memcpy(&first, object, sizeof first);
    return clr_is_native(object) ? first : &opencl.driver;
}
