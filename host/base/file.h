/* SPDX-License-Identifier: MIT
 * base/file.h - reading and writing whole files. */
#ifndef CLR_BASE_FILE_H
#define CLR_BASE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <clrnn/status.h>

/** Whether a name ends so. */
static inline bool clr_ends_in(const char *name, const char *end)
{
    const size_t length = strlen(name), most = strlen(end);
    return length >= most && strcmp(name + length - most, end) == 0;
}

/**
 * Read a whole regular file.
 * Ownership: on success *data is the caller's, to be freed; it holds *size bytes and a zero after
 *            them. On failure NULL.
 * Returns:   CLRNN_OK, CLRNN_ERR_IO (the log gives path and reason), CLRNN_ERR_MEMORY
 */
clrnn_status clr_file_read(const char *path, const clrnn_log *log, void **data, size_t *size);

/** The same for a file of the library's own, as in a cache: a symbolic link is an error. */
clrnn_status clr_file_read_nofollow(const char *path, const clrnn_log *log, void **data,
                                    size_t *size);

/** Of a file beside one that is read, which too may be no symbolic link: at most `most` bytes from
 *  `offset` on, none where it ends before. A large file is so read part by part. */
clrnn_status clr_file_read_part(const char *path, uint64_t offset, size_t most,
                                const clrnn_log *log, void **data, size_t *size);

/* One piece of a file to be written. */
typedef struct clr_piece {
    const void *data;
    size_t size;
} clr_piece;

/**
 * Write a user's file whole or not at all: to a temporary name in the same folder, flushed to the
 * disk, renamed over `path`, the folder flushed. On failure the temporary file is removed and the
 * old file is untouched; a kill at any moment leaves the old file or the new one, and perhaps a
 * temporary file, which the next write removes. Symbolic links stay, and what they lead to is
 * replaced, or made where it is not there yet. Mode and, if possible, owner stay those of the old
 * file; one that is read-only is not replaced, whatever its folder allows, not even by root.
 * On Windows the new file has the permissions that its folder gives, its attributes stay, a link
 * that leads nowhere is an error, and what another program has open is not replaced.
 * Returns: CLRNN_OK, CLRNN_ERR_IO (the log gives path and reason), CLRNN_ERR_MEMORY
 */
clrnn_status clr_file_write(const char *path, const clr_piece *pieces, size_t count,
                            const clrnn_log *log);

/** The same for a file of the library's own: a symbolic link at `path` is itself replaced. */
clrnn_status clr_file_write_nofollow(const char *path, const clr_piece *pieces, size_t count,
                                     const clrnn_log *log);

#endif
