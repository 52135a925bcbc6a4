/* SPDX-License-Identifier: MIT
 * format/hdf5/members.c - members of an HDF5 file's groups: see format/hdf5/image.h.
 *
 *     tree    "TREE", kind (0: of a group), level, entries (2 bytes), the addresses of two
 *             neighbours, a key (a length), and for each entry an address and a key
 *     leaf    "SNOD", 1, 0, members (2 bytes), and each: where in the heap its name is, the address
 *             of its header (both addresses), kind (4 bytes), 4 bytes, 16 bytes that kind 1 has for
 *             addresses of a tree and a heap
 *     heap    "HEAP", 0, 3 bytes, size, where what is free begins (lengths; 1: nowhere), the address
 *             of what it holds; of what is free: where the next one is, and its size (lengths) */
#include "format/hdf5/image.h"

#include <string.h>

/* A heap of names: what it holds; and what looks at those who have them. */
typedef struct names {
    const unsigned char *data;
    uint64_t bytes;
    bool (*object)(clr_h5_image *h, uint64_t address, unsigned depth);
} names;

static bool heap_is_sound(clr_h5_image *h, uint64_t address, names *n)
{
    const unsigned char *at = clr_h5_at(h, address, 8 + 2 * h->length + h->address);
    bool none;
    if (!at || memcmp(at, "HEAP\0", 5) != 0)
        return clr_h5_wrong(h, "a group without names");
    n->bytes = clr_h5_number(at + 8, h->length);
    n->data = clr_h5_at(h, clr_h5_address(h, at + 8 + 2 * h->length, &none), n->bytes);
    if (!n->data)
        return clr_h5_wrong(h, "names that lie outside the file");
    uint64_t free_at = clr_h5_number(at + 8 + h->length, h->length);
    for (uint64_t left = n->bytes; free_at != 1; left -= 2 * h->length) {
        if (left < 2 * h->length || free_at > n->bytes || n->bytes - free_at < 2 * h->length)
            return clr_h5_wrong(h, "names whose free room has no end");
        const uint64_t size = clr_h5_number(n->data + free_at + h->length, h->length);
        if (size > n->bytes - free_at)
            return clr_h5_wrong(h, "names whose free room has no end");
        free_at = clr_h5_number(n->data + free_at, h->length);
    }
    return true;
}

static bool member_is_sound(clr_h5_image *h, const names *n, const unsigned char *at,
                            unsigned depth)
{
    const unsigned char *more = at + 2 * h->address;
    const uint64_t name = clr_h5_number(at, h->address);
    const uint64_t kind = clr_h5_number(more, 4);
    bool none;
    if (name >= n->bytes || !memchr(n->data + name, 0, (size_t)(n->bytes - name)))
        return clr_h5_wrong(h, "a member without name");
    if (kind == 2) /* a soft link */
        return clr_h5_wrong(h, "a link that leads elsewhere, which is not followed") ||
               clr_h5_within(h, n->data + name, strlen((const char *)n->data + name));
    for (unsigned i = 0; i < 2 && kind == 1; i++)
        if (!clr_h5_at(h, clr_h5_address(h, more + 8 + i * h->address, &none), 8))
            return clr_h5_wrong(h, "an object that lies outside the file");
    if (kind > 1)
        return clr_h5_wrong(h, "a member of an unknown kind");
    return n->object(h, clr_h5_address(h, at + h->address, &none), depth + 1) ||
           clr_h5_within(h, n->data + name, strlen((const char *)n->data + name));
}

static bool leaf_is_sound(clr_h5_image *h, const names *n, uint64_t address, unsigned depth)
{
    const size_t each = 2 * h->address + 24;
    const unsigned char *at = clr_h5_at(h, address, 8 + (uint64_t)2 * h->leaf * each);
    if (!at || memcmp(at, "SNOD\1", 5) != 0)
        return clr_h5_wrong(h, "a group's members are not where it says");
    const uint64_t count = clr_h5_number(at + 6, 2);
    if (count > 2 * h->leaf)
        return clr_h5_wrong(h, "a group has more members than it has room for");
    for (uint64_t i = 0; i < count; i++)
        if (!member_is_sound(h, n, at + 8 + i * each, depth))
            return false;
    return true;
}

/* A node whose level is `level`, or any if that is above 255. */
static bool tree_is_sound(clr_h5_image *h, const names *n, uint64_t address, unsigned level,
                          unsigned depth)
{
    const size_t head = 8 + 2 * h->address, each = h->address + h->length;
    const unsigned char *at =
        clr_h5_at(h, address, head + h->length + (uint64_t)2 * h->inner * each);
    const unsigned most_levels = 8, most_nodes = 1u << 14;
    bool none[2];
    if (h->nodes++ == most_nodes)
        return clr_h5_wrong(h, "a group of more than 16384 parts, or a loop of them");
    if (!at || memcmp(at, "TREE\0", 5) != 0 || at[5] > most_levels ||
        (level < 256 && at[5] != level))
        return clr_h5_wrong(h, "a group's members are not where it says");
    const uint64_t left = clr_h5_address(h, at + 8, &none[0]);
    const uint64_t right = clr_h5_address(h, at + 8 + h->address, &none[1]);
    const uint64_t count = clr_h5_number(at + 6, 2);
    if (count > 2 * h->inner || (!none[0] && !clr_h5_at(h, left, head)) ||
        (!none[1] && !clr_h5_at(h, right, head)))
        return clr_h5_wrong(h, "a group has more members than it has room for");
    for (uint64_t i = 0; i <= count; i++)
        if (clr_h5_number(at + head + i * each, h->length) >= n->bytes && n->bytes > 0)
            return clr_h5_wrong(h, "a member without name");
    for (uint64_t i = 0; i < count; i++) {
        bool nowhere;
        const uint64_t child = clr_h5_address(h, at + head + h->length + i * each, &nowhere);
        if (at[5] == 0 ? !leaf_is_sound(h, n, child, depth)
                       : !tree_is_sound(h, n, child, at[5] - 1u, depth))
            return false;
    }
    return true;
}

bool clr_h5_members(clr_h5_image *h, uint64_t tree, uint64_t heap, unsigned depth,
                    bool (*object)(clr_h5_image *h, uint64_t address, unsigned depth))
{
    names n = {.object = object};
    return heap_is_sound(h, heap, &n) && tree_is_sound(h, &n, tree, 256, depth);
}
