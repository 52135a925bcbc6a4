/* SPDX-License-Identifier: MIT
 * format/h5_heaps.c - whether the heaps of texts in an HDF5 file come to an end. libhdf5 (seen in
 * 1.10.8) goes from object to object by the size that each says it has, and of a free one that says
 * 0 it never comes away.
 *
 *     heap    "GCOL", version 1, 3 bytes, its size (a length), objects
 *     object  number (2 bytes; 0: free), uses (2 bytes), 4 bytes, its size (a length), what it holds;
 *             a free one's size has all of it, another's what it holds, which fills 8 bytes
 */
#include "format/h5_heaps.h"

#include <string.h>

static uint64_t number(const unsigned char *at, size_t bytes)
{
    uint64_t value = 0;
    for (size_t i = bytes; i-- > 0;)
        value = value << 8 | at[i];
    return value;
}

/* Bytes of a length, as the beginning of the file has it. */
static size_t length_of(const unsigned char *data, size_t bytes)
{
    const size_t at = bytes > 8 && data[8] < 2 ? 14 : 10;
    return bytes > at && data[at] <= sizeof(uint64_t) ? data[at] : 0;
}

/* From object to object, to the end of a heap or where there is no room for another one. */
static bool ends(const unsigned char *heap, uint64_t size, size_t length)
{
    const uint64_t head = (8 + length + 7) / 8 * 8; /* of the heap, and of each object */
    for (uint64_t at = head; at <= size && size - at >= head;) {
        const uint64_t held = number(heap + at + 8, length);
        const bool is_free = number(heap + at, 2) == 0;
        const uint64_t whole = is_free ? held : head + (held + 7) / 8 * 8;
        if (held > size || whole == 0 || whole > size - at)
            return false;
        at += whole;
    }
    return true;
}

bool clr_h5_heaps_end(const void *data, size_t bytes)
{
    const unsigned char *all = data;
    const size_t length = length_of(all, bytes);
    for (size_t at = 0; length > 0 && at + 8 + length <= bytes; at++) {
        const unsigned char *next = memchr(all + at, 'G', bytes - at);
        if (!next)
            return true;
        at = (size_t)(next - all);
        if (bytes - at < 8 + length || memcmp(next, "GCOL\1", 5) != 0)
            continue;
        const uint64_t size = number(next + 8, length);
        if (size <= bytes - at && !ends(next, size, length))
            return false;
    }
    return true;
}
