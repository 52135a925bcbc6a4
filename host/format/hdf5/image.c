/* SPDX-License-Identifier: MIT
 * format/hdf5/image.c - see format/hdf5/image.h. */
#include "format/hdf5/image.h"

#include <string.h>

uint64_t clr_h5_number(const unsigned char *at, size_t bytes)
{
    uint64_t value = 0;
    for (size_t i = bytes; i-- > 0;)
        value = value << 8 | at[i];
    return value;
}

const unsigned char *clr_h5_at(const clr_h5_image *h, uint64_t address, uint64_t bytes)
{
    return address <= h->bytes && bytes <= h->bytes - address ? h->data + address : NULL;
}

uint64_t clr_h5_address(const clr_h5_image *h, const unsigned char *at, bool *none)
{
    const uint64_t address = clr_h5_number(at, h->address);
    *none = address == UINT64_MAX >> (64 - 8 * h->address);
    return address;
}

bool clr_h5_wrong(clr_h5_image *h, const char *what)
{
    h->wrong = h->wrong ? h->wrong : what;
    return false;
}

bool clr_h5_within(clr_h5_image *h, const unsigned char *name, size_t length)
{
    const size_t before = strlen(h->path), slash = before > 0;
    if (before + slash + length >= sizeof h->path)
        return false;
    memmove(h->path + length + slash, h->path, before + 1);
    memcpy(h->path, name, length);
    if (slash)
        h->path[length] = '/';
    return false;
}
