/* SPDX-License-Identifier: MIT
 * format/hdf5/data.c - shapes, types, attributes and where data lie, of an HDF5 file: see
 * format/hdf5/image.h.
 *
 *     space      1, axes, flags, 5 bytes, a length for each axis, and (1 of the flags) the most it may
 *                be; or 2, axes, flags, kind, ..
 *     type       kind and version (a byte), 3 bytes, size (4), what the kind says
 *     attribute  1, 0, bytes of its name, its type and its space (2 each), these, each filled to 8
 *                bytes, data; 2 and 3 without filling, 3 with a byte before the name
 *     layout     3, 0: bytes (2), data; 3, 1: address, bytes (a length); 3, 2: axes and one more,
 *                address, 4 bytes each; 4 as 3 but for kind 2; older: version, axes, kind, 5 bytes, ..
 *     chunks     as a tree of members, kind 1; keys: bytes (4), filters (4), 8 bytes for each axis
 *     text       bytes (4), address of a heap, number (4)
 *     heap       "GCOL", version 1, 3 bytes, its size (a length), objects
 *     object     number (2 bytes; 0: free), uses (2 bytes), 4 bytes, its size (a length), what it
 *                holds; a free one's size has all of it, another's what it holds, which fills 8 */
#include "format/hdf5/image.h"

#include <string.h>

/* --- shapes and types ------------------------------------------------------------------------- */

bool clr_h5_space(clr_h5_image *h, const unsigned char *at, size_t size, uint64_t *elements)
{
    const unsigned most_axes = 32;
    const size_t head = size > 0 && at[0] == 1 ? 8 : 4;
    *elements = 1;
    if (size < head || at[0] < 1 || at[0] > 2 || at[1] > most_axes || (at[0] == 1 && at[2] & 2) ||
        size - head < at[1] * h->length * (at[2] & 1 ? 2u : 1u))
        return clr_h5_wrong(h, "a shape that ends too early");
    for (unsigned i = 0; i < at[1]; i++) {
        const uint64_t axis = clr_h5_number(at + head + i * h->length, h->length);
        if (axis && *elements > UINT64_MAX / axis)
            return clr_h5_wrong(h, "a shape of too many numbers");
        *elements *= axis;
    }
    if (at[0] == 2 && at[3] == 2) /* of nothing */
        *elements = 0;
    return true;
}

bool clr_h5_type(clr_h5_image *h, const unsigned char *at, size_t size, uint64_t *bytes,
                 uint64_t *base)
{
    enum { WHOLE = 0, REAL = 1, TEXT = 3, BITS = 4, REFERENCE = 7, ENUM = 8, VARIABLE = 9 };
    const unsigned kind = size ? at[0] & 15 : 15;
    const size_t after = kind == WHOLE || kind == BITS ? 4 : kind == REAL ? 12 : 0;
    *base = 0;
    *bytes = size < 8 ? 0 : clr_h5_number(at + 4, 4);
    if (size < 8 + after || *bytes == 0)
        return clr_h5_wrong(h, "a type that ends too early");
    if (kind == VARIABLE) {
        uint64_t again;
        return *bytes == 8 + h->address && clr_h5_type(h, at + 8, size - 8, base, &again) &&
                       !again && *base <= UINT16_MAX
                   ? true
                   : clr_h5_wrong(h, "a type of texts that is none");
    }
    if (kind == WHOLE || kind == REAL || kind == BITS) {
        const uint64_t offset = clr_h5_number(at + 8, 2), bits = clr_h5_number(at + 10, 2);
        return *bytes <= 16 && bits > 0 && offset + bits <= 8 * *bytes
                   ? true
                   : clr_h5_wrong(h, "a type of numbers that is none");
    }
    if (kind == ENUM) {
        uint64_t of_base;
        return clr_h5_type(h, at + 8, size - 8, &of_base, base) && !*base && of_base == *bytes
                   ? true
                   : clr_h5_wrong(h, "a type of names that is none");
    }
    return kind == TEXT || kind == REFERENCE ? true : clr_h5_wrong(h, "a type that is not read");
}

/* --- attributes ------------------------------------------------------------------------------- */

/* The heap comes to an end, and has an object of that number, with so many bytes and no more:
 * libhdf5 copies them all to where it has room for so many. */
static bool heap_has(const clr_h5_image *h, uint64_t address, uint64_t number, uint64_t bytes)
{
    const uint64_t head = (8 + h->length + 7) / 8 * 8; /* of the heap, and of each object */
    const unsigned char *heap = clr_h5_at(h, address, head);
    const uint64_t size = heap ? clr_h5_number(heap + 8, h->length) : 0;
    bool found = false;
    if (!heap || memcmp(heap, "GCOL\1", 5) != 0 || size < 4096 || !clr_h5_at(h, address, size))
        return false;
    for (uint64_t at = head; at <= size && size - at >= head;) {
        const uint64_t held = clr_h5_number(heap + at + 8, h->length);
        const uint64_t own = clr_h5_number(heap + at, 2);
        const uint64_t whole = own == 0 ? held : head + (held + 7) / 8 * 8;
        if (held > size || whole < head || whole > size - at)
            return false;
        const bool wanted = own > 0 && own == number;
        if (wanted && held != bytes)
            return false;
        found = found || wanted;
        at += whole;
    }
    return found;
}

static bool texts_are_sound(clr_h5_image *h, const unsigned char *at, uint64_t count, uint64_t base)
{
    for (uint64_t i = 0; i < count; i++, at += 8 + h->address) {
        bool none;
        const uint64_t bytes = clr_h5_number(at, 4) * base,
                       address = clr_h5_address(h, at + 4, &none);
        const uint64_t number = clr_h5_number(at + 4 + h->address, 4);
        if (address > 0 && !none && !heap_has(h, address, number, bytes))
            return clr_h5_wrong(h, "texts without end, or that are not there");
        if ((address == 0 || none) && bytes > 0)
            return clr_h5_wrong(h, "texts without end, or that are not there");
    }
    return true;
}

bool clr_h5_attribute(clr_h5_image *h, const unsigned char *at, size_t size)
{
    if (size < 8 || at[0] < 1 || at[0] > 3 || (at[0] > 1 && at[1]))
        return clr_h5_wrong(h, "an attribute that ends too early");
    const size_t fill = at[0] == 1 ? 8 : 1, head = at[0] == 3 ? 9 : 8;
    size_t part[3], held[3], place = head;
    for (unsigned i = 0; i < 3; i++) {
        held[i] = (size_t)clr_h5_number(at + 2 + 2 * i, 2);
        part[i] = place;
        place += (held[i] + fill - 1) / fill * fill;
    }
    uint64_t bytes = 0, base = 0, count = 0;
    if (place > size || !memchr(at + part[0], 0, held[0]))
        return clr_h5_wrong(h, "an attribute that ends too early");
    if (!clr_h5_type(h, at + part[1], held[1], &bytes, &base) ||
        !clr_h5_space(h, at + part[2], held[2], &count))
        return false;
    if (count > (size - place) / bytes)
        return clr_h5_wrong(h, "an attribute that ends too early");
    return !base || texts_are_sound(h, at + place, count, base);
}

/* --- data ------------------------------------------------------------------------------------- */

static bool chunks_are_sound(clr_h5_image *h, uint64_t address, unsigned axes, unsigned level)
{
    const size_t head = 8 + 2 * h->address, key = 8 + (size_t)8 * axes, each = key + h->address;
    const unsigned most_levels = 8, most_nodes = 1u << 14;
    const unsigned char *at = clr_h5_at(h, address, head);
    const uint64_t count = at ? clr_h5_number(at + 6, 2) : 0;
    bool none[2];
    if (h->nodes++ == most_nodes)
        return clr_h5_wrong(h, "data of more than 16384 parts, or a loop of them");
    if (!at || memcmp(at, "TREE\1", 5) != 0 || at[5] > most_levels ||
        (level < 256 && at[5] != level) || !clr_h5_at(h, address, head + count * each + key))
        return clr_h5_wrong(h, "chunks that are not where it says");
    const uint64_t left = clr_h5_address(h, at + 8, &none[0]);
    const uint64_t right = clr_h5_address(h, at + 8 + h->address, &none[1]);
    if ((!none[0] && !clr_h5_at(h, left, head)) || (!none[1] && !clr_h5_at(h, right, head)))
        return clr_h5_wrong(h, "chunks that are not where it says");
    for (uint64_t i = 0; i < count; i++) {
        const unsigned char *entry = at + head + i * each;
        bool nowhere;
        const uint64_t child = clr_h5_address(h, entry + key, &nowhere);
        if (at[5] == 0 && !clr_h5_at(h, child, clr_h5_number(entry, 4)))
            return clr_h5_wrong(h, "chunks that are not where it says");
        if (at[5] > 0 && !chunks_are_sound(h, child, axes, at[5] - 1u))
            return false;
    }
    return true;
}

/* Those in the message itself; the older has them behind the sizes of the axes. */
static bool is_compact(clr_h5_image *h, const unsigned char *at, size_t size, size_t count,
                       size_t wide, uint64_t *room)
{
    if (size < count + wide)
        return clr_h5_wrong(h, "data that are not where it says");
    *room = clr_h5_number(at + count, wide);
    return *room <= size - count - wide || clr_h5_wrong(h, "data that are not where it says");
}

bool clr_h5_layout(clr_h5_image *h, const unsigned char *at, size_t size, uint64_t *room)
{
    enum { COMPACT, WHOLE, CHUNKS };
    const bool older = size > 0 && at[0] < 3;
    const size_t own = older ? 2 : 1, head = older ? 8 : 2;
    if (size < head + 2)
        return clr_h5_wrong(h, "data that are not where it says");
    const unsigned kind = at[own], axes = older ? at[1] : kind == CHUNKS ? at[2] : 0;
    bool none = true, fits = false;
    h->elsewhere = h->elsewhere || kind > CHUNKS;
    if (kind == COMPACT)
        return is_compact(h, at, size, older ? head + 4 * axes : 2, older ? 4 : 2, room);
    const size_t begin = older || kind == WHOLE ? head : 3;
    const size_t sizes = older ? 4 * axes : kind == WHOLE ? h->length : 4 * axes;
    if (kind > CHUNKS || (at[0] > 3 && kind == CHUNKS) || axes > 33 ||
        size < begin + h->address + sizes)
        return clr_h5_wrong(h, "data that are kept in a way that is not read");
    const uint64_t address = clr_h5_address(h, at + begin, &none);
    if (kind == WHOLE && !older && !none)
        *room = clr_h5_number(at + begin + h->address, h->length);
    if (kind == WHOLE)
        fits = none || clr_h5_at(h, address, older ? 1 : *room) != NULL;
    else
        fits = axes > 0;
    if (!fits)
        return clr_h5_wrong(h, "data that are not where it says");
    return kind == WHOLE || none || chunks_are_sound(h, address, axes, 256);
}
