/* SPDX-License-Identifier: MIT
 * device/binary_cache.h - built programs on disk: one file for each key in the cache folder.
 *
 * A file is four numbers of 64 bits (magic, size of the key, size of the binary, checksum of the
 * binary), the key, the binary. It is named after a hash of the key, but only believed when the key
 * itself is the same; a file in which anything does not fit counts as absent. */
#ifndef CLR_DEVICE_BINARY_CACHE_H
#define CLR_DEVICE_BINARY_CACHE_H

#include <clrnn/context.h>

/**
 * The folder for program binaries that `wanted` (clrnn_context_desc.cache_dir) means.
 * Ownership: *folder is the caller's, to be freed; NULL for no cache on disk.
 * Returns:   CLRNN_OK, CLRNN_ERR_MEMORY
 */
clrnn_status clr_cache_folder(const char *wanted, const clrnn_log *log, char **folder);

/* A binary read from the cache. */
typedef struct clr_binary {
    void *file; /* the whole file, to be freed */
    const unsigned char *data;
    size_t size;
} clr_binary;

/** Whether the folder (NULL: no cache) holds the binary of a key. Ownership: on success
 * binary->file is the caller's. Threads: any. */
bool clr_cache_load(const char *folder, const char *key, const clrnn_log *log, clr_binary *binary);

/** Put the binary of a key into the folder, which is made if need be. Returns: CLRNN_OK, or why
 * not, logged as an error. Threads: any. */
clrnn_status clr_cache_store(const char *folder, const char *key, const void *data, size_t size,
                             const clrnn_log *log);

#endif
