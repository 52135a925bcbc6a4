/* SPDX-License-Identifier: MIT
 * device/vendors.c - see device/vendors.h. */
#include "device/vendors.h"

#ifndef __linux__

void clr_vendors_report(clrnn_report *report, const clrnn_log *log, unsigned platforms)
{
    (void)report, (void)log, (void)platforms;
}

bool clr_vendors_may_have_gpu(void)
{
    return true;
}

#else

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/library.h"

/* Drivers that have no GPU where none of these files is there, by what their libraries' names
 * begin with. (PoCL serves the processor; its drivers for GPUs stand on CUDA and Level Zero, and
 * the one for other machines wants POCL_DEVICES.) */
static const char *const known[] = {
    "libpocl",     "libMesaOpenCL",    "libRusticlOpenCL", "libigdrcl",
    "libintelocl", "libnvidia-opencl", "libamdocl",
};
static const char *const nodes[] = {"/dev/dri", "/dev/nvidiactl", "/dev/nvidia0", "/dev/nvidia-uvm",
                                    "/dev/kfd", "/dev/dxg",       "/dev/accel"};

enum { path_room = 4096 };

/* Called for each driver. */
typedef void clr_vendor_seen(void *user, const char *library);

static bool is_folder(const char *path)
{
    struct stat found;
    return stat(path, &found) == 0 && S_ISDIR(found.st_mode);
}

static bool ends(const char *text, const char *end)
{
    size_t length = strlen(text), tail = strlen(end);
    return length >= tail && strcmp(text + length - tail, end) == 0;
}

/* An .icd file: a library, on its first line. */
static void see_file(const char *path, clr_vendor_seen *seen, void *user)
{
    void *text = NULL;
    size_t size = 0;
    if (clr_file_read(path, NULL, &text, &size) != CLRNN_OK)
        return;
    char *name = text;
    name[strcspn(name, "\r\n")] = 0;
    if (*name)
        seen(user, name);
    free(text);
}

static unsigned see_folder(const char *folder, clr_vendor_seen *seen, void *user)
{
    unsigned count = 0;
    DIR *open = opendir(folder);
    for (struct dirent *e; open && (e = readdir(open)) != NULL;) {
        char path[path_room];
        int length = snprintf(path, sizeof path, "%s/%s", folder, e->d_name);
        if (!ends(e->d_name, ".icd") || length >= (int)sizeof path)
            continue;
        see_file(path, seen, user);
        count++;
    }
    if (open)
        (void)closedir(open);
    return count;
}

/* OCL_ICD_FILENAMES: libraries, with colons between them, which come before those of the folder. */
static unsigned see_list(const char *list, clr_vendor_seen *seen, void *user)
{
    unsigned count = 0;
    while (list && *list) {
        char name[path_room];
        size_t length = strcspn(list, ":");
        if (length && length < sizeof name) {
            memcpy(name, list, length);
            name[length] = 0;
            seen(user, name);
            count++;
        }
        list += length + (list[length] == ':');
    }
    return count;
}

static const char *place(void)
{
    const char *vendors = getenv("OCL_ICD_VENDORS"), *path = getenv("OPENCL_VENDOR_PATH");
    return vendors && *vendors ? vendors : path && *path ? path : "/etc/OpenCL/vendors";
}

/* All drivers, as ocl-icd and Khronos' loader find them. Returns how many there are. */
static unsigned see_all(clr_vendor_seen *seen, void *user)
{
    const char *where = place();
    unsigned count = see_list(getenv("OCL_ICD_FILENAMES"), seen, user);
    if (is_folder(where))
        return count + see_folder(where, seen, user);
    struct stat found;
    if (ends(where, ".icd") && stat(where, &found) == 0) {
        see_file(where, seen, user);
        return count + 1;
    }
    if (strstr(where, ".so")) {
        seen(user, where);
        return count + 1;
    }
    return count;
}

/* --- reporting -------------------------------------------------------------------------------- */

typedef struct clr_telling {
    clrnn_report *report;
    const clrnn_log *log;
    unsigned platforms; /* of all drivers */
    unsigned loaded;    /* drivers so far */
} clr_telling;

static void tell_empty(const clr_telling *to, const char *library, const char *what)
{
    clr_report_add(to->report, CLRNN_REPORT_VENDOR, CLRNN_REPORT_EMPTY, CLRNN_OK, library,
                   "it %s, but gives no platform", what);
    clr_log(to->log, CLRNN_LOG_INFO, "OpenCL driver %s has no platform", library);
}

static void tell_loaded(clr_telling *to, const char *library)
{
    to->loaded++;
    if (to->platforms == 0)
        tell_empty(to, library, "is loaded");
    else
        clr_report_add(to->report, CLRNN_REPORT_VENDOR, CLRNN_REPORT_PRESENT, CLRNN_OK, library,
                       "it is loaded");
}

static void tell(void *user, const char *library)
{
    clr_telling *to = user;
    char reason[512] = "";
    switch (clr_library_look(library, reason, sizeof reason)) {
    case CLR_LIBRARY_LOADED:
        tell_loaded(to, library);
        break;
    case CLR_LIBRARY_LOADS:
        tell_empty(to, library, "loads");
        break;
    case CLR_LIBRARY_FAILS:
        clr_report_add(to->report, CLRNN_REPORT_VENDOR, CLRNN_REPORT_NOT_LOADED, CLRNN_ERR_OPENCL,
                       library, "%s", reason);
        clr_log(to->log, CLRNN_LOG_INFO, "OpenCL driver %s fails at load: %s", library, reason);
        break;
    }
}

void clr_vendors_report(clrnn_report *report, const clrnn_log *log, unsigned platforms)
{
    clr_telling to = {report, log, platforms, 0};
    if (see_all(tell, &to)) {
        /* Which platform is which driver's is not known. */
        if (platforms && to.loaded > platforms)
            clr_report_add(report, CLRNN_REPORT_VENDOR, CLRNN_REPORT_EMPTY, CLRNN_OK, place(),
                           "of its %u drivers that are loaded some give no platform: there are %u",
                           to.loaded, platforms);
        return;
    }
    const char *what = is_folder(place()) ? "it names no driver" : "there is no such folder";
    clr_report_add(report, CLRNN_REPORT_VENDOR, CLRNN_REPORT_ABSENT, CLRNN_OK, place(), "%s", what);
    clr_log(log, CLRNN_LOG_INFO, "no OpenCL driver: %s: %s", place(), what);
}

/* --- without loading anything ----------------------------------------------------------------- */

static void is_unknown(void *user, const char *library)
{
    bool *unknown = user, found = false;
    const char *slash = strrchr(library, '/'), *name = slash ? slash + 1 : library;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        found = found || strncmp(name, known[i], strlen(known[i])) == 0;
    *unknown = *unknown || !found;
}

bool clr_vendors_may_have_gpu(void)
{
    const char *library = getenv("CLRNN_OPENCL"), *remote = getenv("POCL_DEVICES");
    bool unknown = false;
    struct stat found;
    if ((library && *library) || (remote && *remote))
        return true;
    for (size_t i = 0; i < sizeof nodes / sizeof *nodes; i++)
        if (stat(nodes[i], &found) == 0)
            return true;
    /* Without any the OpenCL library alone is loaded, which is soon done, and tells. */
    return see_all(is_unknown, &unknown) == 0 || unknown;
}

#endif
