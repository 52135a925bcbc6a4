/* SPDX-License-Identifier: MIT
 * base/file.h - reading and writing whole files. */
#ifndef CLR_BASE_FILE_H
#define CLR_BASE_FILE_H

#include <stddef.h>

#include <clrnn/status.h>

/**
 * Read a whole regular file.
 * Ownership: on success *data is the caller's, to be freed; it holds *size bytes and a zero after
 *            them. On failure NULL.
 * Returns:   CLRNN_OK, CLRNN_ERR_IO (the log gives path and reason), CLRNN_ERR_MEMORY
 */
clrnn_status clr_file_read(const char *path, const clrnn_log *log, void **data, size_t *size);

/* One piece of a file to be written. */
typedef struct clr_piece {
    const void *data;
    size_t size;
} clr_piece;

/**
 * Write a file whole or not at all: to a temporary name in the same folder, flushed to the disk,
 * renamed over `path`, the folder flushed. On failure the temporary file is removed and the old
 * file is untouched; a kill at any moment leaves the old file or the new one. Returns: CLRNN_OK,
 * CLRNN_ERR_IO (the log gives path and reason), CLRNN_ERR_MEMORY
 */
clrnn_status clr_file_write(const char *path, const clr_piece *pieces, size_t count,
                            const clrnn_log *log);

#endif
