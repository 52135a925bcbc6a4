/* SPDX-License-Identifier: MIT
 * base/checked.h - arithmetic on sizes that cannot wrap around unseen. */
#ifndef CLR_BASE_CHECKED_H
#define CLR_BASE_CHECKED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A size under computation: once it overflows it stays invalid, so one test at the end will do. */
typedef struct clr_size {
    size_t value;
    bool overflow;
} clr_size;

static inline clr_size clr_size_of(uint64_t value)
{
    return (clr_size){(size_t)value, value > SIZE_MAX};
}

static inline clr_size clr_size_mul(clr_size a, uint64_t b)
{
    bool wraps = a.value != 0 && b > SIZE_MAX / a.value;
    return (clr_size){wraps ? 0 : (size_t)(a.value * b), a.overflow || wraps || b > SIZE_MAX};
}

static inline clr_size clr_size_add(clr_size a, clr_size b)
{
    bool wraps = a.value > SIZE_MAX - b.value;
    return (clr_size){wraps ? 0 : a.value + b.value, a.overflow || b.overflow || wraps};
}

#endif
