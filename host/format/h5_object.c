/* SPDX-License-Identifier: MIT
 * format/h5_object.c - see format/h5_object.h.
 *
 *     header   1, 0, messages (2 bytes), uses (4), size of the block (4), 4 bytes, the block; or
 *              "OHDR", 2, flags, what these say, size, the block
 *     block    messages: type (2; newer 1), size (2), flags (1), 3 bytes (newer 2 or none), what it
 *              holds; a continuation holds where another block is, and its size
 *     filters  1, how many, 6 bytes, and each: number, length of its name, flags, how many numbers
 *              (2 bytes each), name, numbers (4 each, an even count); newer: 2, how many, .. without
 *              name
 *     layout   version 3 or 4, class (2: chunks, 3: of other files); older: version, axes, class */
#include "format/h5_object.h"

#include <hdf5.h>

#include <string.h>

enum { FILES = 7, LAYOUT = 8, FILTERS = 11, CONTINUATION = 16, MOST_BLOCKS = 64 };

typedef struct walk {
    const unsigned char *data;
    size_t bytes;
    size_t address, length; /* bytes of each kind of number */
    size_t head;            /* of a message */
    bool newer;
    bool elsewhere; /* it lies in other files */
    unsigned blocks;
} walk;

static uint64_t number(const unsigned char *at, size_t bytes)
{
    uint64_t value = 0;
    for (size_t i = bytes; i-- > 0;)
        value = value << 8 | at[i];
    return value;
}

/* Bytes of addresses and lengths; false: the file does not begin at 0, or says no sizes. */
static bool read_sizes(walk *w)
{
    const size_t at = w->bytes > 48 ? (w->data[8] < 2 ? 13 : 9) : 0;
    const size_t base = at == 9 ? 12 : w->bytes > 48 && w->data[8] == 1 ? 28 : 24;
    w->address = at ? w->data[at] : 0;
    w->length = at ? w->data[at + 1] : 0;
    return w->address > 0 && w->address <= 8 && w->length > 0 && w->length <= 8 &&
           number(w->data + base, w->address) == 0;
}

/* Names of filters end within what they say they have. */
static bool filters_end(const unsigned char *at, size_t size)
{
    if (size < 2 || at[0] != 1)
        return size >= 2 && at[0] == 2;
    size_t place = 8;
    for (unsigned i = 0; i < at[1]; i++) {
        if (place > size || size - place < 8)
            return false;
        const size_t name = (size_t)number(at + place + 2, 2);
        const size_t count = (size_t)number(at + place + 6, 2);
        place += 8;
        if (name > size - place || (name && !memchr(at + place, 0, name)))
            return false;
        place += name + 4 * (count + count % 2);
    }
    return true;
}

/* Data lie in one piece here. */
static bool lies_here(walk *w, const unsigned char *at, size_t size)
{
    const unsigned kind = size < 3 ? 3 : at[at[0] > 2 ? 1 : 2];
    w->elsewhere = w->elsewhere || kind > 2;
    return kind <= 2;
}

static bool block_is_plain(walk *w, uint64_t from, uint64_t size);

static bool message_is_plain(walk *w, unsigned type, const unsigned char *at, size_t size)
{
    if (type == FILTERS)
        return filters_end(at, size);
    if (type == LAYOUT)
        return lies_here(w, at, size);
    if (type != CONTINUATION)
        return true;
    if (size < w->address + w->length)
        return false;
    uint64_t from = number(at, w->address), bytes = number(at + w->address, w->length);
    const uint64_t around = w->newer ? 4 : 0; /* a signature, and a checksum */
    return bytes >= 2 * around && from <= w->bytes &&
           block_is_plain(w, from + around, bytes - 2 * around);
}

static bool block_is_plain(walk *w, uint64_t from, uint64_t size)
{
    if (from > w->bytes || size > w->bytes - from || w->blocks++ == MOST_BLOCKS)
        return false;
    const unsigned char *at = w->data + from, *end = at + size;
    while ((size_t)(end - at) >= w->head) {
        const size_t type = w->newer ? 1 : 2, held = (size_t)number(at + type, 2);
        const unsigned char *message = at + w->head;
        const unsigned number_of = (unsigned)number(at, type);
        const bool shared = at[type + 2] & 2; /* it is another object's */
        if (held > (size_t)(end - message) ||
            (shared && (number_of == LAYOUT || number_of == FILTERS)) ||
            !message_is_plain(w, number_of, message, held))
            return false;
        at = message + held;
    }
    return true;
}

static bool header_is_plain(walk *w, uint64_t at)
{
    if (!read_sizes(w) || at > w->bytes || w->bytes - at < 40)
        return false;
    const unsigned char *header = w->data + at;
    w->newer = memcmp(header, "OHDR\2", 5) == 0;
    if (!w->newer) {
        w->head = 8;
        return header[0] == 1 && block_is_plain(w, at + 16, number(header + 8, 4));
    }
    const unsigned flags = header[5];
    const size_t wide = (size_t)1 << (flags & 3);
    const size_t before = 6 + (flags & 32 ? 16u : 0u) + (flags & 16 ? 4u : 0u);
    w->head = flags & 4 ? 6 : 4;
    return block_is_plain(w, at + before + wide, number(header + before, wide));
}

/* Messages that there are, as bits; where the header is. False: nobody can say. */
static bool ask(hid_t group, const char *name, uint64_t *present, uint64_t *at)
{
#if H5_VERSION_GE(1, 12, 0)
    H5O_native_info_t info;
    H5O_info2_t place;
    haddr_t address = 0;
    if (H5Oget_native_info_by_name(group, name, &info, H5O_NATIVE_INFO_HDR, H5P_DEFAULT) < 0 ||
        H5Oget_info_by_name3(group, name, &place, H5O_INFO_BASIC, H5P_DEFAULT) < 0 ||
        H5VLnative_token_to_addr(group, place.token, &address) < 0)
        return false;
    *at = address;
#else
    H5O_info_t info;
    if (H5Oget_info_by_name2(group, name, &info, H5O_INFO_HDR | H5O_INFO_BASIC, H5P_DEFAULT) < 0)
        return false;
    *at = info.addr;
#endif
    *present = info.hdr.mesg.present;
    return true;
}

bool clr_h5_is_plain(int64_t group, const char *name, const void *data, size_t bytes,
                     bool *elsewhere)
{
    enum {
        SPACE = 1 << 1,
        LINKS = 1 << 2,
        TYPE = 1 << 3,
        FILL = 1 << 4 | 1 << 5,
        LINK = 1 << 6,
        GROUP = 1 << 10,
        ATTRIBUTES = 1 << 12 | 1 << 21,
        COMMENT = 1 << 13,
        TIMES = 1 << 14 | 1 << 18,
        TABLE = 1 << 17,
        COUNT = 1 << 22
    };
    const uint64_t known = 1 | SPACE | LINKS | TYPE | FILL | LINK | 1 << LAYOUT | GROUP |
                           1 << FILTERS | ATTRIBUTES | COMMENT | TIMES | 1 << CONTINUATION | TABLE |
                           COUNT;
    walk w = {.data = data, .bytes = bytes};
    uint64_t present = 0, at = 0;
    const bool asked = ask(group, name, &present, &at);
    const bool plain = asked && !(present & ~known) && header_is_plain(&w, at);
    *elsewhere = w.elsewhere || (asked && present >> FILES & 1);
    return plain;
}
