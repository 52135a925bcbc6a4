/* SPDX-License-Identifier: MIT
 * base/file.c - see base/file.h. */
#ifndef _WIN32
#define _XOPEN_SOURCE 700 /* realpath */
#endif
#include "base/file.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"

static clrnn_status fail_io(const clrnn_log *log, const char *doing, const char *path, int code)
{
    return clr_fail(log, CLRNN_ERR_IO, "cannot %s %s: %s", doing, path, strerror(code));
}

/* What CLR_FAULT_WRITE stands for: a disk that is full. */
static bool disk_full(void)
{
    if (!clr_fault_hit(CLR_FAULT_WRITE))
        return false;
    errno = ENOSPC;
    return true;
}

#ifdef _WIN32 /* plain C: not flushed to the disk, and the old file is removed just before */

clrnn_status clr_file_read(const char *path, const clrnn_log *log, void **data, size_t *size)
{
    clrnn_status status = CLRNN_ERR_IO;
    char *bytes = NULL;
    long end = 0;
    *data = NULL;
    *size = 0;
    FILE *file = fopen(path, "rb");
    if (!file || fseek(file, 0, SEEK_END) || (end = ftell(file)) < 0 || fseek(file, 0, SEEK_SET)) {
        status = fail_io(log, "read", path, errno);
        goto done;
    }
    bytes = clr_calloc((size_t)end + 1, 1);
    if (!bytes)
        status = clr_fail(log, CLRNN_ERR_MEMORY, "no memory for the %ld bytes of %s", end, path);
    else if (fread(bytes, 1, (size_t)end, file) != (size_t)end)
        status = fail_io(log, "read", path, errno);
    else
        status = CLRNN_OK;
done:
    if (file)
        (void)fclose(file);
    if (status != CLRNN_OK) {
        free(bytes);
        return status;
    }
    *data = bytes;
    *size = (size_t)end;
    return CLRNN_OK;
}

clrnn_status clr_file_write(const char *path, const clr_piece *pieces, size_t count,
                            const clrnn_log *log)
{
    size_t room = strlen(path) + sizeof ".tmp";
    char *temporary = clr_calloc(room, 1);
    if (!temporary)
        return clr_fail(log, CLRNN_ERR_MEMORY, "no memory to write %s", path);
    snprintf(temporary, room, "%s.tmp", path);
    FILE *file = fopen(temporary, "wb");
    bool good = file != NULL;
    for (size_t i = 0; good && i < count; i++)
        good = !disk_full() && fwrite(pieces[i].data, 1, pieces[i].size, file) == pieces[i].size;
    if (file && fclose(file) != 0)
        good = false;
    if (good) {
        (void)remove(path);
        good = rename(temporary, path) == 0;
    }
    clrnn_status status = good ? CLRNN_OK : fail_io(log, "write", path, errno);
    if (!good)
        (void)remove(temporary);
    free(temporary);
    return status;
}

#else /* POSIX */

#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <unistd.h>

/* Read exactly `size` bytes; errno says why not, 0 that the file ended early. */
static bool read_all(int file, char *data, size_t size)
{
    while (size) {
        ssize_t got = read(file, data, size < SSIZE_MAX ? size : SSIZE_MAX);
        if (got == 0)
            errno = 0;
        if (got == 0 || (got < 0 && errno != EINTR))
            return false;
        if (got > 0) {
            data += got;
            size -= (size_t)got;
        }
    }
    return true;
}

/* Read an open file whose kind is not yet known. Ownership and returns: as clr_file_read. */
static clrnn_status read_open(int file, const char *path, const clrnn_log *log, void **data,
                              size_t *size)
{
    struct stat about;
    if (fstat(file, &about) != 0)
        return fail_io(log, "read", path, errno);
    if (!S_ISREG(about.st_mode))
        return clr_fail(log, CLRNN_ERR_IO, "cannot read %s: it is not a regular file", path);
    if ((uintmax_t)about.st_size >= SIZE_MAX)
        return clr_fail(log, CLRNN_ERR_MEMORY, "%s is too large for memory", path);
    size_t bytes = (size_t)about.st_size;
    char *content = clr_calloc(bytes + 1, 1);
    if (!content)
        return clr_fail(log, CLRNN_ERR_MEMORY, "no memory for the %zu bytes of %s", bytes, path);
    if (!read_all(file, content, bytes)) {
        int code = errno;
        free(content);
        return code ? fail_io(log, "read", path, code)
                    : clr_fail(log, CLRNN_ERR_IO, "%s became shorter while it was read", path);
    }
    *data = content;
    *size = bytes;
    return CLRNN_OK;
}

clrnn_status clr_file_read(const char *path, const clrnn_log *log, void **data, size_t *size)
{
    *data = NULL;
    *size = 0;
    /* without O_NONBLOCK the opening of a pipe that has no writer would wait forever */
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (file < 0)
        return fail_io(log, "read", path, errno);
    clrnn_status status = read_open(file, path, log, data, size);
    (void)close(file);
    return status;
}

static bool write_all(int file, const char *data, size_t size)
{
    while (size) {
        ssize_t put = disk_full() ? -1 : write(file, data, size < SSIZE_MAX ? size : SSIZE_MAX);
        if (put < 0 && errno != EINTR)
            return false;
        if (put > 0) {
            data += put;
            size -= (size_t)put;
        }
    }
    return true;
}

/* Create a file beside `path` under a name that nobody else uses. temporary: out [room]. Returns
 * the descriptor, or -1 with errno set. */
static int create_beside(const char *path, char *temporary, size_t room)
{
    static atomic_uint counter;
    int file = -1;
    do { /* a name may be left over from a process of the same number that was killed */
        snprintf(temporary, room, "%s.%ld-%u.tmp", path, (long)getpid(),
                 atomic_fetch_add(&counter, 1u));
        file = disk_full() ? -1 : open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    } while (file < 0 && errno == EEXIST);
    return file;
}

/* Write the pieces and bring them to the disk; closes the file. On failure errno says why. */
static bool fill(int file, const clr_piece *pieces, size_t count, const struct stat *old)
{
    bool good = true;
    if (old)
        (void)fchmod(file, old->st_mode & 07777); /* not every file system has modes */
    for (size_t i = 0; good && i < count; i++)
        good = write_all(file, pieces[i].data, pieces[i].size);
    good = good && !disk_full() && fsync(file) == 0;
    int code = errno;
    if (close(file) != 0 && good)
        return false;
    errno = code;
    return good;
}

/* Bring a renaming in the folder of `path` to the disk; `folder` [strlen(path) + 2] is scratch. The
 * file is whole in any case, so that this cannot be done is worth a warning at most. */
static void flush_folder(const char *path, char *folder, const clrnn_log *log)
{
    const char *slash = strrchr(path, '/');
    size_t length = slash ? (size_t)(slash - path) + 1 : 0;
    memcpy(folder, path, length);
    memcpy(folder + length, ".", 2);
    int file = open(folder, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return; /* a folder that may be written but not read */
    if (fsync(file) != 0 && errno != EINVAL && errno != ENOTSUP)
        clr_log(log, CLRNN_LOG_WARN, "%s is written, but its folder was not flushed: %s", path,
                strerror(errno));
    (void)close(file);
}

clrnn_status clr_file_write(const char *path, const clr_piece *pieces, size_t count,
                            const clrnn_log *log)
{
    char real[PATH_MAX]; /* a symbolic link stays, and what it points to is replaced */
    const char *target = realpath(path, real) ? real : path;
    struct stat old;
    bool exists = stat(target, &old) == 0;
    if (exists && !S_ISREG(old.st_mode))
        return clr_fail(log, CLRNN_ERR_IO, "cannot write %s: it is not a regular file", path);
    size_t room = strlen(target) + 48;
    char *temporary = clr_calloc(room, 1);
    if (!temporary)
        return clr_fail(log, CLRNN_ERR_MEMORY, "no memory to write %s", path);

    clrnn_status status = CLRNN_ERR_IO;
    int file = create_beside(target, temporary, room);
    if (file < 0) {
        status = fail_io(log, "write", path, errno);
    } else if (!fill(file, pieces, count, exists ? &old : NULL) || disk_full() ||
               rename(temporary, target) != 0) {
        status = fail_io(log, "write", path, errno);
        (void)unlink(temporary);
    } else {
        flush_folder(target, temporary, log);
        status = CLRNN_OK;
    }
    free(temporary);
    return status;
}

#endif
