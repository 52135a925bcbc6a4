/* SPDX-License-Identifier: MIT
 * format/h5_object.h - what an object of an HDF5 file says of itself, before it is opened. */
#ifndef CLR_FORMAT_H5_OBJECT_H
#define CLR_FORMAT_H5_OBJECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Whether its header has messages of groups and of datasets in this file alone, whose texts have
 *  an end. libhdf5 (seen in 1.10.8) believes lists of other files, and names of filters, when it
 *  opens the object, and reads beyond them. data: the whole file [bytes]. *elsewhere: that it is a
 *  dataset that lies in other files. group: a hid_t. */
bool clr_h5_is_plain(int64_t group, const char *name, const void *data, size_t bytes,
                     bool *elsewhere);

#endif
