/* SPDX-License-Identifier: MIT
 * base/memory.c - see base/memory.h. */
#include "base/memory.h"

#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

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

size_t clr_lines_of(size_t bytes)
{
    if (clr_fault_hit(CLR_FAULT_MEMORY) || bytes > SIZE_MAX - CLR_LINE)
        return 0;
    return (bytes ? bytes + CLR_LINE - 1 : CLR_LINE) / CLR_LINE * CLR_LINE;
}
