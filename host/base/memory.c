/* SPDX-License-Identifier: MIT
 * base/memory.c - see base/memory.h. */
#include "base/memory.h"

#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#ifdef _WIN32
#include <malloc.h>
#include <windows.h>
#else
#include <unistd.h>
#endif

/* Calls until the fault; 0 = no fault is injected, 1 = this call and all later ones fail, -1 = this
 * call alone. */
static atomic_long countdowns[CLR_FAULT_KINDS];

void clr_fault_inject(clr_fault fault, long countdown)
{
    atomic_store(&countdowns[fault], countdown);
}

bool clr_fault_hit(clr_fault fault)
{
    long left = atomic_load(&countdowns[fault]);
    while (left != 0 && left != 1)
        if (atomic_compare_exchange_weak(&countdowns[fault], &left, left > 0 ? left - 1 : left + 1))
            return left == -1;
    return left == 1;
}

void *clr_calloc(size_t count, size_t size)
{
    if (clr_fault_hit(CLR_FAULT_MEMORY) || (size && count > SIZE_MAX / size))
        return NULL;
    return calloc(count ? count : 1, size ? size : 1);
}

char *clr_strdup(const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = clr_calloc(size, 1);
    return copy ? memcpy(copy, text, size) : NULL;
}

void *clr_aligned_alloc(size_t bytes)
{
    const size_t line = 64;
    if (clr_fault_hit(CLR_FAULT_MEMORY) || bytes > SIZE_MAX - line)
        return NULL;
    bytes = (bytes ? bytes + line - 1 : line) / line * line;
#ifdef _WIN32
    return _aligned_malloc(bytes, line);
#else
    return aligned_alloc(line, bytes);
#endif
}

void clr_aligned_free(void *memory)
{
#ifdef _WIN32
    _aligned_free(memory);
#else
    free(memory);
#endif
}

size_t clr_physical_memory(void)
{
#ifdef _WIN32
    MEMORYSTATUSEX memory = {.dwLength = sizeof memory};
    return GlobalMemoryStatusEx(&memory) ? (size_t)memory.ullTotalPhys : SIZE_MAX / 4;
#else
    long pages = sysconf(_SC_PHYS_PAGES), bytes = sysconf(_SC_PAGESIZE);
    return pages > 0 && bytes > 0 ? (size_t)pages * (size_t)bytes : SIZE_MAX / 4;
#endif
}
