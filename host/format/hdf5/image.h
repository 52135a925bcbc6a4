/* SPDX-License-Identifier: MIT
 * format/hdf5/image.h - an HDF5 file in memory, and what is looked at in it before libhdf5 is let
 * near it: that library (seen in 1.10.8) believes much of what a file says of itself, and reads
 * past it, goes in circles or takes all memory where it is not so.
 *
 * The names are those of the "HDF5 File Format Specification", version 3.0. */
#ifndef CLR_FORMAT_H5_IMAGE_H
#define CLR_FORMAT_H5_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct clr_h5_image {
    const unsigned char *data;
    size_t bytes;
    size_t address, length; /* bytes of each kind of number */
    unsigned leaf, inner; /* how many members half a leaf of a group's tree has, and half a node */
    unsigned objects, nodes; /* seen */
    const char *wrong;       /* what, once something is; NULL */
    bool elsewhere;          /* a dataset lies in other files */
    char path[256];          /* of the object where that is, as far as there is room */
} clr_h5_image;

/** Look at the whole file. False: image->wrong or image->elsewhere says why. */
bool clr_h5_is_sound(const void *data, size_t bytes, clr_h5_image *image);

/* --- parts of it ------------------------------------------------------------------------------ */

uint64_t clr_h5_number(const unsigned char *at, size_t bytes);

/** So many bytes from an address on; NULL: they do not lie in the file. */
const unsigned char *clr_h5_at(const clr_h5_image *image, uint64_t address, uint64_t bytes);

/** An address that is stored here; *none: it is of nothing. */
uint64_t clr_h5_address(const clr_h5_image *image, const unsigned char *at, bool *none);

/** Say what is wrong, if nothing was before. Returns false. */
bool clr_h5_wrong(clr_h5_image *image, const char *what);

/** Of what is not sound: it is in a member of that name. Returns false. */
bool clr_h5_within(clr_h5_image *image, const unsigned char *name, size_t length);

/** The header of an object, and, of a group, all that is in it. */
bool clr_h5_object(clr_h5_image *image, uint64_t address, unsigned depth);

/** A group's members, as a tree and a heap of names, and each of them by clr_h5_object. */
bool clr_h5_members(clr_h5_image *image, uint64_t tree, uint64_t heap, unsigned depth,
                    bool (*object)(clr_h5_image *image, uint64_t address, unsigned depth));

/** A message of a dataset: where its data lie. room: receives how many bytes they are, if it says.
 */
bool clr_h5_layout(clr_h5_image *image, const unsigned char *at, size_t size, uint64_t *room);

/** A message that is an attribute. */
bool clr_h5_attribute(clr_h5_image *image, const unsigned char *at, size_t size);

/** Messages that are a shape or a type. elements: receives how many; bytes: of one. base: receives
 *  the bytes of the base type of what has a length of its own and lies in a heap; 0: it has none.
 */
bool clr_h5_space(clr_h5_image *image, const unsigned char *at, size_t size, uint64_t *elements);
bool clr_h5_type(clr_h5_image *image, const unsigned char *at, size_t size, uint64_t *bytes,
                 uint64_t *base);

#endif
