/* SPDX-License-Identifier: MIT
 * base/file_windows.c - see base/file.h.
 *
 * A file is written as PATH.PROCESS-NUMBER.tmp, which its writer holds open without sharing until
 * all of it is on the disk, and then moved over PATH in one step. What a killed process left behind
 * is held by nobody, and the number of a process that is gone, or that began later. */
#include "base/file.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "base/log.h"
#include "base/memory.h"
#include "base/os.h"

/* ReadFile and WriteFile count in 32 bits; network drives refuse more than 64 MiB at once. */
#define MOST_AT_ONCE ((size_t)32 << 20)

static clrnn_status fail_io(const clrnn_log *log, const char *doing, const char *path, DWORD code)
{
    char why[200];
    clr_error_text(code, why, sizeof why);
    return clr_fail(log, code == ERROR_NOT_ENOUGH_MEMORY ? CLRNN_ERR_MEMORY : CLRNN_ERR_IO,
                    "cannot %s %s: %s", doing, path, why);
}

/* What CLR_FAULT_WRITE stands for: a disk that is full. */
static bool disk_full(void)
{
    if (!clr_fault_hit(CLR_FAULT_WRITE))
        return false;
    SetLastError(ERROR_DISK_FULL);
    return true;
}

/* Whether an open file, opened as itself, is a symbolic link. */
static bool is_link(HANDLE file)
{
    FILE_ATTRIBUTE_TAG_INFO about;
    return GetFileInformationByHandleEx(file, FileAttributeTagInfo, &about, sizeof about) &&
           (about.FileAttributes & FILE_ATTRIBUTE_REPARSE_POINT) &&
           about.ReparseTag == IO_REPARSE_TAG_SYMLINK;
}

/* --- reading --------------------------------------------------------------------------------- */

/* Read exactly `size` bytes. On failure *code is the reason, 0 that the file ended early. */
static bool read_all(HANDLE file, char *data, size_t size, DWORD *code)
{
    while (size) {
        DWORD got = 0;
        bool good =
            ReadFile(file, data, (DWORD)(size < MOST_AT_ONCE ? size : MOST_AT_ONCE), &got, NULL);
        *code = good ? 0 : GetLastError();
        if (!good || !got)
            return false;
        data += got;
        size -= got;
    }
    return true;
}

/* Read an open file whose kind is not yet known, from `from` on. Ownership and returns: as
 * clr_file_read_part. */
static clrnn_status read_open(HANDLE file, const char *path, uint64_t from, size_t most,
                              const clrnn_log *log, void **data, size_t *size)
{
    LARGE_INTEGER end;
    DWORD code = 0;
    if (GetFileType(file) != FILE_TYPE_DISK)
        return clr_fail(log, CLRNN_ERR_IO, "cannot read %s: it is not a regular file", path);
    if (!GetFileSizeEx(file, &end))
        return fail_io(log, "read", path, GetLastError());
    if ((uint64_t)end.QuadPart >= SIZE_MAX)
        return clr_fail(log, CLRNN_ERR_MEMORY, "%s is too large for memory", path);
    const uint64_t left = (uint64_t)end.QuadPart > from ? (uint64_t)end.QuadPart - from : 0;
    const size_t bytes = left < most ? (size_t)left : most;
    end.QuadPart = (LONGLONG)from;
    if (bytes && !SetFilePointerEx(file, end, NULL, FILE_BEGIN))
        return fail_io(log, "read", path, GetLastError());
    char *content = clr_calloc(bytes + 1, 1);
    if (!content)
        return clr_fail(log, CLRNN_ERR_MEMORY, "no memory for the %zu bytes of %s", bytes, path);
    if (!read_all(file, content, bytes, &code)) {
        free(content);
        return code ? fail_io(log, "read", path, code)
                    : clr_fail(log, CLRNN_ERR_IO, "%s became shorter while it was read", path);
    }
    *data = content;
    *size = bytes;
    return CLRNN_OK;
}

static clrnn_status read_file(const char *path, bool follow, uint64_t from, size_t most,
                              const clrnn_log *log, void **data, size_t *size)
{
    *data = NULL;
    *size = 0;
    wchar_t *wide = clr_wide(path);
    if (!wide)
        return fail_io(log, "read", path, GetLastError());
    DWORD attributes = GetFileAttributesW(wide);
    HANDLE file = INVALID_HANDLE_VALUE;
    clrnn_status status = CLRNN_ERR_IO;
    if (attributes != INVALID_FILE_ATTRIBUTES && (attributes & FILE_ATTRIBUTE_DIRECTORY)) {
        free(wide);
        return clr_fail(log, status, "cannot read %s: it is not a regular file", path);
    }
    file = CreateFileW(wide, GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE,
                       NULL, OPEN_EXISTING,
                       FILE_ATTRIBUTE_NORMAL | (follow ? 0 : FILE_FLAG_OPEN_REPARSE_POINT), NULL);
    free(wide);
    if (file == INVALID_HANDLE_VALUE)
        return fail_io(log, "read", path, GetLastError());
    if (!follow && is_link(file))
        status = clr_fail(log, status, "cannot read %s: it is a symbolic link", path);
    else
        status = read_open(file, path, from, most, log, data, size);
    (void)CloseHandle(file);
    return status;
}

clrnn_status clr_file_read(const char *path, const clrnn_log *log, void **data, size_t *size)
{
    return read_file(path, true, 0, SIZE_MAX, log, data, size);
}

clrnn_status clr_file_read_nofollow(const char *path, const clrnn_log *log, void **data,
                                    size_t *size)
{
    return read_file(path, false, 0, SIZE_MAX, log, data, size);
}

clrnn_status clr_file_read_part(const char *path, uint64_t offset, size_t most,
                                const clrnn_log *log, void **data, size_t *size)
{
    return read_file(path, false, offset, most, log, data, size);
}

/* --- where a file goes ----------------------------------------------------------------------- */

/* The file that a write replaces or makes. */
typedef struct place {
    wchar_t *path;    /* owned */
    DWORD attributes; /* of the old file, or what a new one gets */
} place;

/* Replace p->path, a symbolic link, by the file that it leads to. False: GetLastError. */
static bool follow_link(place *p)
{
    HANDLE file = CreateFileW(p->path, 0, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE,
                              NULL, OPEN_EXISTING, FILE_FLAG_BACKUP_SEMANTICS, NULL);
    if (file == INVALID_HANDLE_VALUE)
        return false;
    DWORD room = GetFinalPathNameByHandleW(file, NULL, 0, FILE_NAME_NORMALIZED);
    wchar_t *path = room ? clr_calloc((size_t)room + 1, sizeof *path) : NULL;
    bool good = path && GetFinalPathNameByHandleW(file, path, room + 1, FILE_NAME_NORMALIZED);
    (void)CloseHandle(file);
    if (!good) {
        free(path);
        return false;
    }
    free(p->path);
    p->path = path;
    p->attributes = GetFileAttributesW(path);
    return p->attributes != INVALID_FILE_ATTRIBUTES;
}

/* Whether p->path itself is a symbolic link. */
static bool leads_on(const place *p)
{
    if (!(p->attributes & FILE_ATTRIBUTE_REPARSE_POINT))
        return false;
    HANDLE file =
        CreateFileW(p->path, 0, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, NULL,
                    OPEN_EXISTING, FILE_FLAG_OPEN_REPARSE_POINT | FILE_FLAG_BACKUP_SEMANTICS, NULL);
    bool link = file != INVALID_HANDLE_VALUE && is_link(file);
    if (file != INVALID_HANDLE_VALUE)
        (void)CloseHandle(file);
    return link;
}

/* Find out where `path` leads, and whether it may be written. Ownership: p->path is the caller's,
 * also on failure. */
static clrnn_status find_place(const char *path, bool follow, const clrnn_log *log, place *p)
{
    enum { KEPT = FILE_ATTRIBUTE_HIDDEN | FILE_ATTRIBUTE_SYSTEM | FILE_ATTRIBUTE_ARCHIVE };
    p->path = clr_wide(path);
    if (!p->path)
        return fail_io(log, "write", path, GetLastError());
    p->attributes = GetFileAttributesW(p->path);
    if (p->attributes == INVALID_FILE_ATTRIBUTES) {
        DWORD code = GetLastError();
        p->attributes = FILE_ATTRIBUTE_NORMAL;
        return code == ERROR_FILE_NOT_FOUND ? CLRNN_OK : fail_io(log, "write", path, code);
    }
    if (follow && leads_on(p) && !follow_link(p))
        return fail_io(log, "write", path, GetLastError());
    if (p->attributes & (FILE_ATTRIBUTE_DIRECTORY | FILE_ATTRIBUTE_DEVICE))
        return clr_fail(log, CLRNN_ERR_IO, "cannot write %s: it is not a regular file", path);
    if (p->attributes & FILE_ATTRIBUTE_READONLY)
        return clr_fail(log, CLRNN_ERR_IO, "cannot write %s: it is read-only", path);
    p->attributes &= KEPT;
    if (!p->attributes)
        p->attributes = FILE_ATTRIBUTE_NORMAL;
    return CLRNN_OK;
}

/* --- what killed processes left --------------------------------------------------------------- */

/* Behind a number as printf writes it; `text` itself if there is none. */
static const wchar_t *skip_number(const wchar_t *text)
{
    const wchar_t *end = text + wcsspn(text, L"0123456789");
    return *text == L'0' && end > text + 1 ? text : end;
}

/* The process in "BASE.PROCESS-NUMBER.tmp", or 0 when the name is of another form. */
static DWORD process_of(const wchar_t *name, const wchar_t *base)
{
    size_t length = wcslen(base);
    if (_wcsnicmp(name, base, length) != 0 || name[length] != L'.')
        return 0;
    const wchar_t *process = name + length + 1, *dash = skip_number(process);
    if (dash == process || *dash != L'-' || skip_number(dash + 1) == dash + 1 ||
        wcscmp(skip_number(dash + 1), L".tmp") != 0)
        return 0;
    unsigned long long value = wcstoull(process, NULL, 10);
    return value > MAXDWORD ? 0 : (DWORD)value;
}

/* Whether the process is gone, or younger than the file: numbers are used again. */
static bool is_dead(DWORD process, const FILETIME *written)
{
    enum { SLACK = 100000000 }; /* 10 s, in units of 100 ns, that clocks may differ by */
    FILETIME begun, ended, kernel, user;
    HANDLE handle = OpenProcess(PROCESS_QUERY_LIMITED_INFORMATION | SYNCHRONIZE, FALSE, process);
    if (!handle)
        return GetLastError() == ERROR_INVALID_PARAMETER; /* there is none of that number */
    bool dead = WaitForSingleObject(handle, 0) == WAIT_OBJECT_0;
    if (!dead && GetProcessTimes(handle, &begun, &ended, &kernel, &user)) {
        ULARGE_INTEGER start = {.u = {begun.dwLowDateTime, begun.dwHighDateTime}},
                       last = {.u = {written->dwLowDateTime, written->dwHighDateTime}};
        dead = start.QuadPart > last.QuadPart + SLACK;
    }
    (void)CloseHandle(handle);
    return dead;
}

/* The last part of a path, behind its folder. */
static wchar_t *last_part(wchar_t *path)
{
    wchar_t *last = path;
    for (wchar_t *c = path; *c; c++)
        if (*c == L'/' || *c == L'\\' || (*c == L':' && c == path + 1))
            last = c + 1;
    return last;
}

/* Remove temporary files of `path` whose process is dead; `scratch` [room] is for names. A file
 * that somebody holds is not removed by Windows. */
static void sweep(const place *p, wchar_t *scratch, size_t room, const clrnn_log *log)
{
    WIN32_FIND_DATAW entry;
    char name[1024];
    const wchar_t *base = last_part(p->path);
    size_t folder = (size_t)(base - p->path);
    swprintf(scratch, room, L"%ls.*.tmp", p->path);
    HANDLE search = FindFirstFileW(scratch, &entry);
    if (search == INVALID_HANDLE_VALUE)
        return;
    do {
        DWORD process = process_of(entry.cFileName, base);
        if (!process || (entry.dwFileAttributes & FILE_ATTRIBUTE_DIRECTORY) ||
            folder + wcslen(entry.cFileName) >= room || !is_dead(process, &entry.ftLastWriteTime))
            continue;
        wcscpy(scratch + folder, entry.cFileName);
        if (DeleteFileW(scratch) && clr_narrow(entry.cFileName, name, sizeof name))
            clr_log(log, CLRNN_LOG_INFO, "removed %s, which a process that was killed left behind",
                    name);
    } while (FindNextFileW(search, &entry));
    (void)FindClose(search);
}

/* --- writing --------------------------------------------------------------------------------- */

/* Create a file beside the place under a name that nobody else uses. name: out [room]. */
static HANDLE create_beside(const place *p, wchar_t *name, size_t room)
{
    static atomic_uint counter;
    for (;;) {
        swprintf(name, room, L"%ls.%lu-%u.tmp", p->path, (unsigned long)GetCurrentProcessId(),
                 atomic_fetch_add(&counter, 1u));
        HANDLE file = CreateFileW(name, GENERIC_WRITE, 0, NULL, CREATE_NEW, p->attributes, NULL);
        /* a name may be left over from a process of the same number that was killed */
        if (file != INVALID_HANDLE_VALUE || GetLastError() != ERROR_FILE_EXISTS)
            return file;
    }
}

static bool write_all(HANDLE file, const char *data, size_t size)
{
    while (size) {
        DWORD put = 0;
        if (disk_full() ||
            !WriteFile(file, data, (DWORD)(size < MOST_AT_ONCE ? size : MOST_AT_ONCE), &put, NULL))
            return false;
        data += put;
        size -= put;
    }
    return true;
}

/* Write the pieces and bring them to the disk. False: GetLastError. */
static bool fill(HANDLE file, const clr_piece *pieces, size_t count)
{
    bool good = true;
    for (size_t i = 0; good && i < count; i++)
        good = write_all(file, pieces[i].data, pieces[i].size);
    return good && !disk_full() && FlushFileBuffers(file);
}

/* Give a written file its name. Windows does not replace a file that a program has open; programs
 * that look at every new file (indexing, virus scanners) let go of it after some milliseconds. */
static bool move_over(const wchar_t *from, const wchar_t *to)
{
    enum { TRIES = 8 };
    for (int i = 0; !disk_full(); i++) {
        if (MoveFileExW(from, to, MOVEFILE_REPLACE_EXISTING | MOVEFILE_WRITE_THROUGH))
            return true;
        DWORD code = GetLastError();
        if ((code != ERROR_ACCESS_DENIED && code != ERROR_SHARING_VIOLATION) || i == TRIES)
            return false;
        Sleep(1u << i); /* milliseconds: half a second in all */
        SetLastError(code);
    }
    return false;
}

/* Write to `name` [room], out, beside the place, and move it there. False: GetLastError. */
static bool write_beside(const place *p, wchar_t *name, size_t room, const clr_piece *pieces,
                         size_t count)
{
    HANDLE file = disk_full() ? INVALID_HANDLE_VALUE : create_beside(p, name, room);
    if (file == INVALID_HANDLE_VALUE)
        return false;
    bool good = fill(file, pieces, count);
    DWORD code = GetLastError();
    (void)CloseHandle(file);
    if (good && move_over(name, p->path))
        return true;
    if (good)
        code = GetLastError();
    (void)DeleteFileW(name);
    SetLastError(code);
    return false;
}

static clrnn_status write_file(const char *path, bool follow, const clr_piece *pieces, size_t count,
                               const clrnn_log *log)
{
    enum { MORE = 272 }; /* for the temporary name, and for any other name in the folder */
    place target = {NULL, FILE_ATTRIBUTE_NORMAL};
    clrnn_status status = find_place(path, follow, log, &target);
    size_t room = target.path ? wcslen(target.path) + MORE : 0;
    wchar_t *name = status == CLRNN_OK ? clr_calloc(room, sizeof *name) : NULL;
    if (status == CLRNN_OK && !name)
        status = clr_fail(log, CLRNN_ERR_MEMORY, "no memory to write %s", path);
    if (name) {
        sweep(&target, name, room, log);
        if (!write_beside(&target, name, room, pieces, count))
            status = fail_io(log, "write", path, GetLastError());
    }
    free(name);
    free(target.path);
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
