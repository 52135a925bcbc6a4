/* SPDX-License-Identifier: MIT
 * format/hdf5/h5.h - what Keras keeps in HDF5 files, as named tensors, by libhdf5. */
#ifndef CLR_FORMAT_H5_H
#define CLR_FORMAT_H5_H

#include <clrnn/tensors.h>

/** Whether a file begins as HDF5 files do. */
bool clr_h5_is(const void *data, size_t bytes);

/**
 * All datasets of numbers by their paths ("layers/lstm/cell/vars/0"), as F32, F64 or I64; and as
 * metadata the texts that Keras hangs to groups, by "PATH@NAME" ("@model_config"); a list of texts
 * has '\n' between them. Only hard links are followed; depth, the number of objects and what data
 * unpack to are bounded.
 *
 * Ownership: on success *set is the caller's. On failure NULL.
 * Threads:   any, but not while another part of the program uses libhdf5: one lock of our own.
 * Returns:   CLRNN_OK; CLRNN_ERR_FORMAT (damaged, a loop of links, a link to elsewhere);
 *            CLRNN_ERR_UNSUPPORTED (a type, layout or filter; a build without libhdf5);
 *            CLRNN_ERR_MEMORY
 */
clrnn_status clr_h5_read(const void *data, size_t bytes, const char *file, const clrnn_log *log,
                         clrnn_tensors **set);

#endif
