/* SPDX-License-Identifier: MIT
 * base/os_posix.c - see base/os.h, clock.h, library.h, memory.h, thread.h. */
#ifdef __linux__
#define _GNU_SOURCE /* sched_getaffinity, dladdr */
#endif
#include "base/os.h"

#include <dlfcn.h>
#include <errno.h>
#include <locale.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#ifdef __APPLE__
#include <xlocale.h>
#endif

#include "base/clock.h"
#include "base/library.h"
#include "base/memory.h"
#include "base/thread.h"

double clr_seconds(void)
{
    struct timespec now = {0};
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* --- locale ---------------------------------------------------------------------------------- */

void *clr_point_begin(void)
{
    const locale_t plain = newlocale(LC_NUMERIC_MASK, "C", (locale_t)0);
    return plain ? (void *)uselocale(plain) : NULL;
}

void clr_point_end(void *before)
{
    if (before)
        freelocale(uselocale((locale_t)before));
}

/* --- memory ---------------------------------------------------------------------------------- */

void *clr_aligned_alloc(size_t bytes)
{
    bytes = clr_lines_of(bytes);
#ifdef MADV_HUGEPAGE
    /* In large pages, of which a core knows the places of a few thousand: numbers that lie far from
     * each other, as of channels and units, are found sooner. */
    const size_t large = (size_t)1 << 21;
    void *memory = NULL;
    if (bytes >= large) {
        if (posix_memalign(&memory, large, bytes))
            return NULL;
        (void)madvise(memory, bytes, MADV_HUGEPAGE);
        return memory;
    }
#endif
    return bytes ? aligned_alloc(CLR_LINE, bytes) : NULL;
}

void clr_aligned_free(void *memory)
{
    free(memory);
}

size_t clr_physical_memory(void)
{
    long pages = sysconf(_SC_PHYS_PAGES), bytes = sysconf(_SC_PAGESIZE);
    return pages > 0 && bytes > 0 ? (size_t)pages * (size_t)bytes : SIZE_MAX / 4;
}

/* --- threads --------------------------------------------------------------------------------- */

typedef struct clr_start {
    void (*body)(void *data);
    void *data;
} clr_start;

static void *begin(void *from)
{
    clr_start start = *(clr_start *)from;
    free(from);
    start.body(start.data);
    return NULL;
}

bool clr_thread_start(clr_thread *thread, void (*body)(void *data), void *data)
{
    clr_start *start = clr_calloc(1, sizeof *start);
    if (!start)
        return false;
    *start = (clr_start){body, data};
    bool started = pthread_create(thread, NULL, begin, start) == 0;
    if (!started)
        free(start);
    return started;
}

bool clr_thread_start_alone(void (*body)(void *data), void *data)
{
    clr_thread thread;
    if (!clr_thread_start(&thread, body, data))
        return false;
    (void)pthread_detach(thread);
    return true;
}

void clr_thread_join(clr_thread thread)
{
    (void)pthread_join(thread, NULL);
}

unsigned long clr_process(void)
{
    return (unsigned long)getpid();
}

unsigned clr_processors(void)
{
#ifdef __linux__
    cpu_set_t set;
    long count = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set)
                                                             : sysconf(_SC_NPROCESSORS_ONLN);
#else
    long count = sysconf(_SC_NPROCESSORS_ONLN);
#endif
    return count > 1 ? (unsigned)count : 1;
}

/* --- shared libraries ------------------------------------------------------------------------ */

#ifdef __APPLE__
const char *const clr_opencl_files[] = {"/System/Library/Frameworks/OpenCL.framework/OpenCL",
                                        "libOpenCL.1.dylib", "libOpenCL.dylib", NULL};
const char *const clr_clblast_files[] = {"libclblast.1.dylib", "/opt/homebrew/lib/libclblast.dylib",
                                         "/usr/local/lib/libclblast.dylib", NULL};
#else
const char *const clr_opencl_files[] = {"libOpenCL.so.1", "libOpenCL.so", NULL};
const char *const clr_clblast_files[] = {"libclblast.so.1", NULL};
#endif

#ifndef RTLD_NODELETE
#define RTLD_NODELETE 0
#endif

clr_library *clr_library_open(const char *name, char *reason, size_t room)
{
    void *library = dlopen(name, RTLD_NOW | RTLD_LOCAL);
    if (!library) {
        const char *words = dlerror();
        snprintf(reason, room, "%s", words ? words : name);
    }
    return library;
}

clr_library_state clr_library_look(const char *name, char *reason, size_t room)
{
    void *library = dlopen(name, RTLD_LAZY | RTLD_LOCAL | RTLD_NOLOAD);
    const bool loaded = library != NULL;
    if (!loaded)
        library = clr_library_open(name, reason, room);
    if (!library)
        return CLR_LIBRARY_FAILS;
    (void)dlclose(library);
    return loaded ? CLR_LIBRARY_LOADED : CLR_LIBRARY_LOADS;
}

void clr_library_stay(const void *address)
{
    Dl_info info; /* the handle is never closed */
    if (dladdr(address, &info) && info.dli_fname)
        (void)!dlopen(info.dli_fname, RTLD_LAZY | RTLD_NOLOAD | RTLD_NODELETE);
}

void *clr_library_symbol(clr_library *library, const char *name)
{
    return dlsym(library, name);
}

/* --- environment and folders ----------------------------------------------------------------- */

const char *clr_variable(const char *name, char *text)
{
    (void)text;
    return getenv(name);
}

const char *clr_user_cache(const char **tail, char *text)
{
    const char *xdg = clr_variable("XDG_CACHE_HOME", text);
    /* the XDG Base Directory specification ignores relative paths */
    bool given = xdg && *xdg == '/';
    *tail = given ? "/clrnn" : "/.cache/clrnn";
    return given ? xdg : clr_variable("HOME", text);
}

bool clr_make_folder(const char *path, char *reason, size_t room)
{
    if (mkdir(path, 0700) == 0 || errno == EEXIST)
        return true;
    snprintf(reason, room, "%s", strerror(errno));
    return false;
}

bool clr_is_separator(char character)
{
    return character == '/';
}

bool clr_is_link(const char *path)
{
    struct stat about;
    return lstat(path, &about) == 0 && S_ISLNK(about.st_mode);
}
