/* SPDX-License-Identifier: MIT
 * format/hdf5/object.c - objects of an HDF5 file and their messages: see format/hdf5/image.h.
 *
 *     header   1, 0, messages (2 bytes), uses (4), size of the block (4), 4 bytes, the block; or
 *              "OHDR", 2, flags, what these say, size, the block
 *     block    messages: type (2; newer 1), size (2), flags (1), 3 bytes (newer 2 or none), what it
 *              holds; a continuation holds where another block is, and its size
 *     filters  1, how many, 6 bytes, and each: number, length of its name, flags, how many numbers
 *              (2 bytes each), name, numbers (4 each, an even count); newer: 2, how many, .. without
 *              name
 *     link     1, flags, what these say, length of its name, name, an address
 *     links    0, flags, 8 bytes (if 1 of the flags), addresses: a heap, a tree, (if 2) another tree;
 *              attributes the same with 2 bytes
 *     table    addresses: a tree, a heap */
#include "format/hdf5/image.h"

#include <string.h>

enum {
    NOTHING = 0,
    SPACE = 1,
    LINKS = 2,
    TYPE = 3,
    OLD_FILL = 4,
    FILL = 5,
    LINK = 6,
    FILES = 7,
    LAYOUT = 8,
    GROUP = 10,
    FILTERS = 11,
    ATTRIBUTE = 12,
    COMMENT = 13,
    OLD_TIME = 14,
    CONTINUATION = 16,
    TABLE = 17,
    TIME = 18,
    ATTRIBUTES = 21,
    USES = 22
};
enum { MOST_BLOCKS = 64, MOST_OBJECTS = 8192, MOST_DEPTH = 24 };

/* One header. Of a dataset the most that its messages say of its elements and their bytes, and the
 * least of the room that its data have. */
typedef struct header {
    size_t head; /* of a message */
    bool newer;
    unsigned blocks, depth;
    uint64_t messages; /* seen */
    uint64_t elements, bytes, room;
} header;

/* --- messages --------------------------------------------------------------------------------- */

/* Names of filters end within what they say they have. */
static bool filters_end(const unsigned char *at, size_t size)
{
    const size_t most = 32;
    if (size < 2 || at[0] < 1 || at[0] > 2 || at[1] > most)
        return false;
    size_t place = at[0] == 1 ? 8 : 2;
    for (unsigned i = 0; i < at[1]; i++) {
        if (place > size || size - place < 8)
            return false;
        const bool named = at[0] == 1 || clr_h5_number(at + place, 2) >= 256;
        const size_t name = named ? (size_t)clr_h5_number(at + place + 2, 2) : 0;
        const size_t numbers = place + (named ? 6 : 4);
        const size_t count = (size_t)clr_h5_number(at + numbers, 2);
        place = numbers + 2;
        if (name > size - place || (name && !memchr(at + place, 0, name)))
            return false;
        place += name + 4 * (count + (at[0] == 1 ? count % 2 : 0));
    }
    return place <= size;
}

/* A value to fill with ends within its message; -1 bytes: there is none. */
static bool fill_ends(const unsigned char *at, size_t size, bool old)
{
    if (!old && (size < 2 || at[0] < 1 || at[0] > 3))
        return false;
    if (!old && (at[0] == 3 ? !(at[1] & 32) : at[0] == 2 && size >= 4 && at[3] == 0))
        return true;
    const size_t head = old ? 0 : at[0] == 3 ? 2 : 4;
    if (size < head + 4)
        return false;
    const uint64_t held = clr_h5_number(at + head, 4);
    return held == UINT32_MAX || held <= size - head - 4;
}

/* Links or attributes that lie in the header, and not in a heap. */
static bool is_in_header(clr_h5_image *h, const unsigned char *at, size_t size, size_t index)
{
    bool none = false;
    const size_t begin = size >= 2 && at[1] & 1 ? 2 + index : 2;
    const unsigned count = size >= 2 && at[1] & 2 ? 3 : 2;
    if (size < begin + count * h->address)
        return clr_h5_wrong(h, "a header that ends too early");
    for (unsigned i = 0; i < count; i++) {
        clr_h5_address(h, at + begin + i * h->address, &none);
        if (!none)
            return clr_h5_wrong(h, "links or attributes in a heap of their own, which are not read "
                                   "(h5repack --high=0 makes a file that is)");
    }
    return true;
}

/* A hard link leads to an object; others nobody follows, and what they hold nobody needs. */
static bool link_is_sound(clr_h5_image *h, const unsigned char *at, size_t size, unsigned depth)
{
    const unsigned flags = size >= 2 ? at[1] : 0;
    const size_t wide = (size_t)1 << (flags & 3);
    size_t place = 2 + (flags & 8 ? 1u : 0u) + (flags & 4 ? 8u : 0u) + (flags & 16 ? 1u : 0u);
    if (size < place + wide)
        return clr_h5_wrong(h, "a header that ends too early");
    const unsigned kind = flags & 8 ? at[2] : 0;
    const uint64_t name = clr_h5_number(at + place, wide);
    place += wide;
    if (name > size - place)
        return clr_h5_wrong(h, "a header that ends too early");
    const unsigned char *own = at + place;
    place += (size_t)name;
    bool none;
    if (kind)
        clr_h5_wrong(h, "a link that leads elsewhere, which is not followed");
    else if (size - place < h->address)
        return clr_h5_wrong(h, "a header that ends too early");
    return (!kind && clr_h5_object(h, clr_h5_address(h, at + place, &none), depth + 1)) ||
           clr_h5_within(h, own, (size_t)name);
}

static bool table_is_sound(clr_h5_image *h, const unsigned char *at, size_t size, unsigned depth)
{
    bool none[2];
    if (size < 2 * h->address)
        return clr_h5_wrong(h, "a header that ends too early");
    const uint64_t tree = clr_h5_address(h, at, &none[0]);
    const uint64_t heap = clr_h5_address(h, at + h->address, &none[1]);
    return none[0] || none[1] ? clr_h5_wrong(h, "a group without members")
                              : clr_h5_members(h, tree, heap, depth, clr_h5_object);
}

static bool block_is_sound(clr_h5_image *h, header *o, uint64_t from, uint64_t size);

static bool continues(clr_h5_image *h, header *o, const unsigned char *at, size_t size)
{
    if (size < h->address + h->length)
        return clr_h5_wrong(h, "a header that ends too early");
    const uint64_t from = clr_h5_number(at, h->address);
    const uint64_t bytes = clr_h5_number(at + h->address, h->length);
    const uint64_t around = o->newer ? 4 : 0; /* a signature, and a checksum */
    return bytes >= 2 * around && from <= h->bytes
               ? block_is_sound(h, o, from + around, bytes - 2 * around)
               : clr_h5_wrong(h, "a header that lies outside the file");
}

/* A message of a dataset. */
static bool data_are_sound(clr_h5_image *h, header *o, unsigned type, const unsigned char *at,
                           size_t size)
{
    uint64_t elements = 0, bytes = 0, base, room = UINT64_MAX;
    const bool sound = type == SPACE  ? clr_h5_space(h, at, size, &elements)
                       : type == TYPE ? clr_h5_type(h, at, size, &bytes, &base)
                                      : clr_h5_layout(h, at, size, &room);
    o->elements = elements > o->elements ? elements : o->elements;
    o->bytes = bytes > o->bytes ? bytes : o->bytes;
    o->room = room < o->room ? room : o->room;
    if (sound && o->bytes && o->elements > o->room / o->bytes)
        return clr_h5_wrong(h, "data that are fewer than its shape says");
    return sound;
}

static bool message_is_sound(clr_h5_image *h, header *o, unsigned type, const unsigned char *at,
                             size_t size)
{
    switch (type) {
    case SPACE:
    case TYPE:
    case LAYOUT:
        return data_are_sound(h, o, type, at, size);
    case LINKS:
        return is_in_header(h, at, size, 8);
    case ATTRIBUTES:
        return is_in_header(h, at, size, 2);
    case OLD_FILL:
    case FILL:
        return fill_ends(at, size, type == OLD_FILL) || clr_h5_wrong(h, "a value to fill with");
    case LINK:
        return link_is_sound(h, at, size, o->depth);
    case FILES:
        h->elsewhere = true;
        return false;
    case FILTERS:
        return filters_end(at, size) || clr_h5_wrong(h, "filters that end too early");
    case ATTRIBUTE:
        return clr_h5_attribute(h, at, size);
    case CONTINUATION:
        return continues(h, o, at, size);
    case TABLE:
        return table_is_sound(h, at, size, o->depth);
    case GROUP:
        return (size >= 2 && size >= 2u + (at[1] & 1 ? 4u : 0u) + (at[1] & 2 ? 4u : 0u)) ||
               clr_h5_wrong(h, "a header that ends too early");
    case TIME:
    case USES:
        return size >= 5 || clr_h5_wrong(h, "a header that ends too early");
    case OLD_TIME:
        return size >= 16 || clr_h5_wrong(h, "a header that ends too early");
    case COMMENT:
        return memchr(at, 0, size) || clr_h5_wrong(h, "a comment without end");
    default:
        return type == NOTHING || clr_h5_wrong(h, "its header");
    }
}

/* --- objects ---------------------------------------------------------------------------------- */

static bool block_is_sound(clr_h5_image *h, header *o, uint64_t from, uint64_t size)
{
    const unsigned char *at = clr_h5_at(h, from, size), *end = at ? at + size : NULL;
    if (!at || o->blocks++ == MOST_BLOCKS)
        return clr_h5_wrong(h, "a header that lies outside the file");
    while ((size_t)(end - at) >= o->head) {
        const size_t wide = o->newer ? 1 : 2, held = (size_t)clr_h5_number(at + wide, 2);
        const unsigned char *message = at + o->head;
        const bool shared = at[wide + 2] & 2; /* it is another object's */
        if (held > (size_t)(end - message) || shared)
            return clr_h5_wrong(h, "its header");
        if (!message_is_sound(h, o, (unsigned)clr_h5_number(at, wide), message, held))
            return false;
        at = message + held;
        o->messages++;
    }
    return true;
}

bool clr_h5_object(clr_h5_image *h, uint64_t address, unsigned depth)
{
    const unsigned char *at = clr_h5_at(h, address, 40);
    header o = {.depth = depth, .head = 8, .room = UINT64_MAX};
    if (h->objects++ == MOST_OBJECTS || depth > MOST_DEPTH)
        return clr_h5_wrong(h, "more than 8192 objects or 24 groups deep, or a loop of links");
    if (!at)
        return clr_h5_wrong(h, "an object that lies outside the file");
    o.newer = memcmp(at, "OHDR\2", 5) == 0;
    if (!o.newer) {
        if (at[0] != 1)
            return clr_h5_wrong(h, "its header");
        return block_is_sound(h, &o, address + 16, clr_h5_number(at + 8, 4)) &&
               (o.messages >= clr_h5_number(at + 2, 2) ||
                clr_h5_wrong(h, "a header that ends too early"));
    }
    const unsigned flags = at[5];
    const size_t wide = (size_t)1 << (flags & 3);
    const size_t before = 6 + (flags & 32 ? 16u : 0u) + (flags & 16 ? 4u : 0u);
    o.head = flags & 4 ? 6 : 4;
    return block_is_sound(h, &o, address + before + wide, clr_h5_number(at + before, wide));
}

/* The superblock: sizes of numbers, and where the root is. */
bool clr_h5_is_sound(const void *data, size_t bytes, clr_h5_image *image)
{
    clr_h5_image h = {.data = data, .bytes = bytes, .leaf = 4, .inner = 16};
    const size_t least = 112;
    const bool newer = bytes > 8 && h.data[8] > 1;
    if (bytes < least || h.data[8] > 3)
        clr_h5_wrong(&h, "it is no HDF5 file");
    else {
        h.address = h.data[newer ? 9 : 13];
        h.length = h.data[newer ? 10 : 14];
    }
    const bool known = h.address >= 2 && h.address <= 8 && h.length >= 2 && h.length <= 8;
    if (known && !newer) {
        h.leaf = (unsigned)clr_h5_number(h.data + 16, 2);
        h.inner = (unsigned)clr_h5_number(h.data + 18, 2);
    }
    const size_t base = newer ? 12 : known && h.data[8] ? 28 : 24;
    bool none[2] = {false, true}; /* of more to the superblock, and of a driver */
    uint64_t root = 0;
    if (known) {
        root = clr_h5_address(&h, h.data + base + (newer ? 3 : 5) * h.address, &none[0]);
        clr_h5_address(&h, h.data + base + (newer ? 1 : 3) * h.address, &none[1]);
    }
    bool sound = known && h.leaf > 0 && h.inner > 0 &&
                 clr_h5_number(h.data + base, h.address) == 0 && none[1];
    sound = sound ? clr_h5_object(&h, root, 0) : clr_h5_wrong(&h, "its first block");
    *image = h;
    return sound;
}
