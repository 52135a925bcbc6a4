/* SPDX-License-Identifier: MIT
 * base/library.c - see base/library.h. */
#ifdef __linux__
#define _GNU_SOURCE /* dladdr */
#endif
#include "base/library.h"

#include <stdbool.h>
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

clr_library_state clr_library_look(const char *name, char *reason, size_t room)
{
    if (GetModuleHandleA(name))
        return CLR_LIBRARY_LOADED;
    clr_library *library = clr_library_open(name, reason, room);
    if (!library)
        return CLR_LIBRARY_FAILS;
    (void)FreeLibrary((HMODULE)library);
    return CLR_LIBRARY_LOADS;
}

void clr_library_stay(const void *address)
{
    HMODULE library;
    (void)GetModuleHandleExA(GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS | GET_MODULE_HANDLE_EX_FLAG_PIN,
                             (LPCSTR)address, &library);
}

void *clr_library_symbol(clr_library *library, const char *name)
{
    return (void *)(size_t)GetProcAddress((HMODULE)library, name);
}
#else
#include <dlfcn.h>

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
#endif
