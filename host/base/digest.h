/* SPDX-License-Identifier: MIT
 * base/digest.h - one number for the bits of many, the same on every machine. */
#ifndef CLR_BASE_DIGEST_H
#define CLR_BASE_DIGEST_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define CLR_DIGEST_START 0xcbf29ce484222325u

/** A digest and `count` numbers more: FNV-1a of their bytes as float64, the low one first. All NaN
 *  count as one. */
static inline uint64_t clr_digest(uint64_t digest, const double *numbers, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        uint64_t bits = 0x7ff8000000000000u;
        if (!isnan(numbers[i]))
            memcpy(&bits, &numbers[i], sizeof bits);
        for (unsigned shift = 0; shift < 64; shift += 8)
            digest = (digest ^ (bits >> shift & 0xff)) * 0x100000001b3u;
    }
    return digest;
}

/** The same of what numbers are worth: 0 and -0 count as one. */
static inline uint64_t clr_digest_values(uint64_t digest, const double *numbers, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        double number = numbers[i] == 0 ? 0 : numbers[i];
        digest = clr_digest(digest, &number, 1);
    }
    return digest;
}

#endif
