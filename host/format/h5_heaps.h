/* SPDX-License-Identifier: MIT
 * format/h5_heaps.h - what libhdf5 does not see by itself. */
#ifndef CLR_FORMAT_H5_HEAPS_H
#define CLR_FORMAT_H5_HEAPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Whether every heap of texts in an HDF5 file comes to an end; those that say they are larger than
 *  the file are libhdf5's to refuse. */
bool clr_h5_heaps_end(const void *data, size_t bytes);

#endif
