/* SPDX-License-Identifier: MIT
 * base/file_posix.c - see base/file.h. */
#define _XOPEN_SOURCE 700 /* fchown, symbolic links */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/memory.h"
#include "base/temporary.h"

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

/* What is read of a file. */
typedef struct part {
    uint64_t offset;
    size_t most;
} part;

static const part whole = {0, SIZE_MAX};

/* Read an open file whose kind is not yet known. Ownership and returns: as clr_file_read. */
static clrnn_status read_open(int file, const char *path, const part *p, const clrnn_log *log,
                              void **data, size_t *size)
{
    struct stat about;
    if (fstat(file, &about) != 0)
        return fail_io(log, "read", path, errno);
    if (!S_ISREG(about.st_mode))
        return clr_fail(log, CLRNN_ERR_IO, "cannot read %s: it is not a regular file", path);
    if ((uintmax_t)about.st_size >= SIZE_MAX)
        return clr_fail(log, CLRNN_ERR_MEMORY, "%s is too large for memory", path);
    const uint64_t left =
        (uint64_t)about.st_size > p->offset ? (uint64_t)about.st_size - p->offset : 0;
    const size_t bytes = left < p->most ? (size_t)left : p->most;
    if (bytes && p->offset && lseek(file, (off_t)p->offset, SEEK_SET) < 0)
        return fail_io(log, "read", path, errno);
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

static clrnn_status read_file(const char *path, int flags, const part *p, const clrnn_log *log,
                              void **data, size_t *size)
{
    *data = NULL;
    *size = 0;
    /* without O_NONBLOCK the opening of a pipe that has no writer would wait forever */
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | flags);
    if (file < 0 && errno == ELOOP && flags)
        return clr_fail(log, CLRNN_ERR_IO, "cannot read %s: it is a symbolic link", path);
    if (file < 0)
        return fail_io(log, "read", path, errno);
    clrnn_status status = read_open(file, path, p, log, data, size);
    (void)close(file);
    return status;
}

clrnn_status clr_file_read(const char *path, const clrnn_log *log, void **data, size_t *size)
{
    return read_file(path, 0, &whole, log, data, size);
}

clrnn_status clr_file_read_nofollow(const char *path, const clrnn_log *log, void **data,
                                    size_t *size)
{
    return read_file(path, O_NOFOLLOW, &whole, log, data, size);
}

clrnn_status clr_file_read_part(const char *path, uint64_t offset, size_t most,
                                const clrnn_log *log, void **data, size_t *size)
{
    return read_file(path, O_NOFOLLOW, &(part){offset, most}, log, data, size);
}

/* --- where a file goes ---------------------------------------------------------------------- */

/* The file that a write replaces or makes. */
typedef struct place {
    char path[PATH_MAX]; /* no symbolic link itself, unless that is what is replaced */
    bool exists;
    struct stat old; /* if it exists */
} place;

/* Replace the symbolic link in `path` [PATH_MAX] by what it points to. False: errno says why. */
static bool follow_link(char *path)
{
    char link[PATH_MAX];
    ssize_t length = readlink(path, link, sizeof link - 1);
    if (length < 0)
        return false;
    link[length] = 0;
    const char *slash = strrchr(path, '/');
    size_t folder = *link == '/' || !slash ? 0 : (size_t)(slash - path) + 1;
    if (folder + (size_t)length >= PATH_MAX) {
        errno = ENAMETOOLONG;
        return false;
    }
    memcpy(path + folder, link, (size_t)length + 1);
    return true;
}

/* Follow links to their end, also to a file that is not there yet. False: errno says why. */
static bool follow_links(place *p)
{
    enum { MOST_LINKS = 40 }; /* as Linux */
    struct stat about;
    for (int i = 0; i < MOST_LINKS; i++) {
        if (lstat(p->path, &about) != 0)
            return errno == ENOENT;
        if (!S_ISLNK(about.st_mode))
            return true;
        if (!follow_link(p->path))
            return false;
    }
    errno = ELOOP;
    return false;
}

/* Whether the file's own permissions let this process change it: renaming asks its folder only.
 * The mode counts for root too, which the system lets write everywhere. */
static bool may_replace(const place *p)
{
    if (!(p->old.st_mode & (S_IWUSR | S_IWGRP | S_IWOTH)))
        return false;
    if (geteuid() == 0)
        return p->old.st_mode & S_IWUSR;
    return faccessat(AT_FDCWD, p->path, W_OK, AT_EACCESS) == 0;
}

/* Find out where `path` leads, and whether it may be written. */
static clrnn_status find_place(const char *path, bool follow, const clrnn_log *log, place *p)
{
    struct stat named;
    if (strlen(path) >= sizeof p->path)
        return fail_io(log, "write", path, ENAMETOOLONG);
    snprintf(p->path, sizeof p->path, "%s", path);
    bool reaches = follow && stat(path, &named) == 0;
    if (reaches && !S_ISREG(named.st_mode))
        return clr_fail(log, CLRNN_ERR_IO, "cannot write %s: it is not a regular file", path);
    if (follow && !follow_links(p))
        return fail_io(log, "write", path, errno);
    p->exists = lstat(p->path, &p->old) == 0;
    /* links of /proc to open files, whose text is no path */
    if (reaches && (!p->exists || p->old.st_dev != named.st_dev || p->old.st_ino != named.st_ino))
        return clr_fail(log, CLRNN_ERR_IO, "cannot write %s: the file it leads to has no name",
                        path);
    if (p->exists && !follow && S_ISLNK(p->old.st_mode))
        p->exists = false; /* the link itself is replaced */
    if (!p->exists)
        return CLRNN_OK;
    if (!S_ISREG(p->old.st_mode))
        return clr_fail(log, CLRNN_ERR_IO, "cannot write %s: it is not a regular file", path);
    if (!may_replace(p))
        return clr_fail(log, CLRNN_ERR_IO,
                        "cannot write %s: it is read-only for this user (mode %04o)", path,
                        (unsigned)(p->old.st_mode & 07777));
    return CLRNN_OK;
}

/* --- writing -------------------------------------------------------------------------------- */

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

/* Owner and mode of the file that is replaced, as far as the system allows it. */
static void take_over(int file, const struct stat *old)
{
    if (fchown(file, old->st_uid, old->st_gid) != 0)
        (void)!fchown(file, (uid_t)-1, old->st_gid);
    (void)fchmod(file, old->st_mode & 07777); /* not every file system has modes */
}

/* Write the pieces and bring them to the disk. On failure errno says why. */
static bool fill(int file, const clr_piece *pieces, size_t count, const place *p)
{
    bool good = true;
    if (p->exists)
        take_over(file, &p->old);
    for (size_t i = 0; good && i < count; i++)
        good = write_all(file, pieces[i].data, pieces[i].size);
    return good && !disk_full() && fsync(file) == 0;
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

static clrnn_status write_file(const char *path, bool follow, const clr_piece *pieces, size_t count,
                               const clrnn_log *log)
{
    place target;
    clrnn_status status = find_place(path, follow, log, &target);
    if (status != CLRNN_OK)
        return status;
    size_t room = strlen(target.path) + CLR_TEMPORARY_ROOM;
    char *temporary = clr_calloc(room, 1);
    if (!temporary)
        return clr_fail(log, CLRNN_ERR_MEMORY, "no memory to write %s", path);

    clr_temporary_sweep(target.path, log);
    int file = disk_full() ? -1 : clr_temporary_create(target.path, temporary, room);
    if (file < 0) {
        status = fail_io(log, "write", path, errno);
    } else if (!fill(file, pieces, count, &target) || disk_full() ||
               rename(temporary, target.path) != 0) {
        status = fail_io(log, "write", path, errno);
        (void)unlink(temporary);
    } else {
        flush_folder(target.path, temporary, log);
    }
    if (file >= 0)
        (void)close(file); /* not earlier: until it has its name, its lock says that we live */
    free(temporary);
    return status;
}

clrnn_status clr_file_write(const char *path, const clr_piece *pieces, size_t count,
                            const clrnn_log *log)
{
    return write_file(path, true, pieces, count, log);
}

clrnn_status clr_file_write_nofollow(const char *path, const clr_piece *pieces, size_t count,
                                     const clrnn_log *log)
{
    return write_file(path, false, pieces, count, log);
}
