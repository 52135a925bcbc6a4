/* SPDX-License-Identifier: MIT
 * base/library.c - see base/library.h. */
#include "base/library.h"

#include <stdio.h>

#ifdef _WIN32
#include <windows.h>

clr_library *clr_library_open(const char *name, char *reason, size_t room)
{
    HMODULE library = LoadLibraryA(name);
    if (!library)
        snprintf(reason, room, "%s: error %lu of LoadLibrary", name, (unsigned long)GetLastError());
    return (clr_library *)library;
}

void *clr_library_symbol(clr_library *library, const char *name)
{
    return (void *)(size_t)GetProcAddress((HMODULE)library, name);
}
#else
#include <dlfcn.h>

clr_library *clr_library_open(const char *name, char *reason, size_t room)
{
    void *library = dlopen(name, RTLD_NOW | RTLD_LOCAL);
    if (!library) {
        const char *words = dlerror();
        snprintf(reason, room, "%s", words ? words : name);
    }
    return library;
}

void *clr_library_symbol(clr_library *library, const char *name)
{
    return dlsym(library, name);
}
#endif
