/* SPDX-License-Identifier: MIT
 * base/os_windows.c - see base/os.h, clock.h, library.h, memory.h, thread.h. Names are UTF-8 for
 * the library's users and UTF-16 for Windows, whatever its code page. */
#include "base/os.h"

#include <malloc.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/library.h"
#include "base/memory.h"
#include "base/thread.h"

double clr_seconds(void)
{
    LARGE_INTEGER now, each_second;
    (void)QueryPerformanceCounter(&now);
    (void)QueryPerformanceFrequency(&each_second);
    return (double)now.QuadPart / (double)each_second.QuadPart;
}

/* --- text ------------------------------------------------------------------------------------ */

wchar_t *clr_wide(const char *text)
{
    int count = MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, text, -1, NULL, 0);
    if (count <= 0)
        return NULL;
    wchar_t *wide = clr_calloc((size_t)count, sizeof *wide);
    if (!wide)
        SetLastError(ERROR_NOT_ENOUGH_MEMORY);
    else
        (void)MultiByteToWideChar(CP_UTF8, 0, text, -1, wide, count);
    return wide;
}

bool clr_narrow(const wchar_t *wide, char *text, size_t room)
{
    return WideCharToMultiByte(CP_UTF8, 0, wide, -1, text, (int)room, NULL, NULL) > 0;
}

void clr_error_text(DWORD code, char *text, size_t room)
{
    enum { FLAGS = FORMAT_MESSAGE_FROM_SYSTEM | FORMAT_MESSAGE_IGNORE_INSERTS };
    wchar_t wide[256];
    const DWORD length = sizeof wide / sizeof *wide;
    if (!(FormatMessageW(FLAGS, NULL, code, MAKELANGID(LANG_ENGLISH, SUBLANG_ENGLISH_US), wide,
                         length, NULL) ||
          FormatMessageW(FLAGS, NULL, code, 0, wide, length, NULL)) ||
        !clr_narrow(wide, text, room)) {
        snprintf(text, room, "error %lu of Windows", (unsigned long)code);
        return;
    }
    size_t end = strlen(text);
    while (end && strchr("\r\n .", text[end - 1]))
        text[--end] = 0;
}

/* --- memory ---------------------------------------------------------------------------------- */

void *clr_aligned_alloc(size_t bytes)
{
    bytes = clr_lines_of(bytes);
    return bytes ? _aligned_malloc(bytes, CLR_LINE) : NULL;
}

void clr_aligned_free(void *memory)
{
    _aligned_free(memory);
}

size_t clr_physical_memory(void)
{
    MEMORYSTATUSEX memory = {.dwLength = sizeof memory};
    return GlobalMemoryStatusEx(&memory) ? (size_t)memory.ullTotalPhys : SIZE_MAX / 4;
}

/* --- threads --------------------------------------------------------------------------------- */

typedef struct clr_start {
    void (*body)(void *data);
    void *data;
} clr_start;

static DWORD WINAPI begin(void *from)
{
    clr_start start = *(clr_start *)from;
    free(from);
    start.body(start.data);
    return 0;
}

bool clr_thread_start(clr_thread *thread, void (*body)(void *data), void *data)
{
    clr_start *start = clr_calloc(1, sizeof *start);
    if (!start)
        return false;
    *start = (clr_start){body, data};
    *thread = CreateThread(NULL, 0, begin, start, 0, NULL);
    if (!*thread)
        free(start);
    return *thread != NULL;
}

bool clr_thread_start_alone(void (*body)(void *data), void *data)
{
    clr_thread thread;
    if (!clr_thread_start(&thread, body, data))
        return false;
    (void)CloseHandle(thread);
    return true;
}

void clr_thread_join(clr_thread thread)
{
    (void)WaitForSingleObject(thread, INFINITE);
    (void)CloseHandle(thread);
}

static unsigned ones(DWORD_PTR bits)
{
    unsigned count = 0;
    for (; bits; bits &= bits - 1)
        count++;
    return count;
}

unsigned long clr_process(void)
{
    return GetCurrentProcessId();
}

unsigned clr_processors(void)
{
    DWORD_PTR own = 0, all = 0;
    /* a process in several groups of 64 processors is told no mask */
    if (GetProcessAffinityMask(GetCurrentProcess(), &own, &all) && own)
        return ones(own);
    DWORD count = GetActiveProcessorCount(ALL_PROCESSOR_GROUPS);
    return count > 1 ? count : 1;
}

/* --- locale ---------------------------------------------------------------------------------- */

void *clr_point_begin(void)
{
    return NULL;
}

void clr_point_end(void *before)
{
    (void)before;
}

/* --- shared libraries ------------------------------------------------------------------------ */

const char *const clr_opencl_files[] = {"OpenCL.dll", NULL};
const char *const clr_clblast_files[] = {"clblast.dll", "libclblast.dll", NULL};

clr_library *clr_library_open(const char *name, char *reason, size_t room)
{
    char why[200];
    wchar_t *wide = clr_wide(name);
    HMODULE library = wide ? LoadLibraryW(wide) : NULL;
    if (!library) {
        clr_error_text(GetLastError(), why, sizeof why);
        snprintf(reason, room, "%s: %s", name, why);
    }
    free(wide);
    return (clr_library *)library;
}

clr_library_state clr_library_look(const char *name, char *reason, size_t room)
{
    wchar_t *wide = clr_wide(name);
    bool loaded = wide && GetModuleHandleW(wide) != NULL;
    free(wide);
    if (loaded)
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
    (void)GetModuleHandleExW(GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS | GET_MODULE_HANDLE_EX_FLAG_PIN,
                             (LPCWSTR)address, &library);
}

void *clr_library_symbol(clr_library *library, const char *name)
{
    FARPROC function = GetProcAddress((HMODULE)library, name);
    void *address = NULL;
    memcpy(&address, &function, sizeof address);
    return address;
}

/* --- environment and folders ----------------------------------------------------------------- */

const char *clr_variable(const char *name, char *text)
{
    wchar_t wide_name[64], wide[CLR_VARIABLE_ROOM];
    if (!MultiByteToWideChar(CP_UTF8, 0, name, -1, wide_name, sizeof wide_name / sizeof *wide_name))
        return NULL;
    SetLastError(ERROR_SUCCESS);
    DWORD length = GetEnvironmentVariableW(wide_name, wide, CLR_VARIABLE_ROOM);
    if (length >= CLR_VARIABLE_ROOM || (!length && GetLastError() != ERROR_SUCCESS))
        return NULL;
    return clr_narrow(wide, text, CLR_VARIABLE_ROOM) ? text : NULL;
}

const char *clr_user_cache(const char **tail, char *text)
{
    *tail = "\\clrnn\\cache";
    return clr_variable("LOCALAPPDATA", text);
}

bool clr_make_folder(const char *path, char *reason, size_t room)
{
    wchar_t *wide = clr_wide(path);
    bool made = wide && (CreateDirectoryW(wide, NULL) || GetLastError() == ERROR_ALREADY_EXISTS);
    if (!made)
        clr_error_text(GetLastError(), reason, room);
    free(wide);
    return made;
}

bool clr_is_separator(char character)
{
    return character == '/' || character == '\\';
}

/* A symbolic link or a junction. */
bool clr_is_link(const char *path)
{
    wchar_t *wide = clr_wide(path);
    const DWORD attributes = wide ? GetFileAttributesW(wide) : INVALID_FILE_ATTRIBUTES;
    free(wide);
    return attributes != INVALID_FILE_ATTRIBUTES && (attributes & FILE_ATTRIBUTE_REPARSE_POINT);
}
