/* SPDX-License-Identifier: MIT
 * device/binary_cache.c - see device/binary_cache.h. */
#include "device/binary_cache.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/os.h"

/* "clrnnpb" and the version of the format, in the byte order of the machine. */
#define CLR_MAGIC UINT64_C(0x636c726e6e706201)

enum { HEADER_MAGIC, HEADER_KEY, HEADER_BINARY, HEADER_CHECKSUM, HEADER_COUNT };

/* FNV-1a: Fowler, Noll, Vo; the constants of 64 bits. */
static uint64_t hash(const void *data, size_t size)
{
    const unsigned char *bytes = data;
    uint64_t h = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < size; i++)
        h = (h ^ bytes[i]) * UINT64_C(0x100000001b3);
    return h;
}

/* base/tail, the caller's; base may be NULL or empty: no folder. */
static clrnn_status folder_below(const char *base, const char *tail, const clrnn_log *log,
                                 char **folder)
{
    *folder = NULL;
    if (!base || !*base)
        return CLRNN_OK;
    size_t room = strlen(base) + strlen(tail) + 1;
    *folder = clr_calloc(room, 1);
    if (!*folder)
        return clr_fail(log, CLRNN_ERR_MEMORY, "no memory for the name of the cache folder");
    snprintf(*folder, room, "%s%s", base, tail);
    return CLRNN_OK;
}

clrnn_status clr_cache_folder(const char *wanted, const clrnn_log *log, char **folder)
{
    char text[CLR_VARIABLE_ROOM];
    const char *tail = "", *own = wanted ? wanted : clr_variable("CLRNN_CACHE_DIR", text);
    if (!own)
        own = clr_user_cache(&tail, text);
    return folder_below(own, tail, log, folder);
}

/* Make a folder and those above it; `path` is changed for a while. reason [room]: out, why not. */
static bool make_folders(char *path, char *reason, size_t room)
{
    if (clr_make_folder(path, reason, room))
        return true;
    for (char *c = path + 1; *c; c++) {
        char separator = *c;
        if (!clr_is_separator(separator))
            continue;
        *c = 0;
        (void)clr_make_folder(path, reason, room);
        *c = separator;
    }
    return clr_make_folder(path, reason, room);
}

/* Path of the file of a key, to be freed, or NULL. */
static char *file_of(const char *folder, const char *key)
{
    size_t room = strlen(folder) + 32;
    char *path = clr_calloc(room, 1);
    if (path)
        snprintf(path, room, "%s/%016" PRIx64 ".clbin", folder, hash(key, strlen(key)));
    return path;
}

/* Find the binary in the bytes of a file. Returns what is wrong with them, or NULL. */
static const char *parse(const char *key, clr_binary *binary, size_t file_size)
{
    uint64_t header[HEADER_COUNT];
    size_t key_size = strlen(key);
    if (file_size < sizeof header)
        return "it is cut short";
    memcpy(header, binary->file, sizeof header);
    const unsigned char *rest = (const unsigned char *)binary->file + sizeof header;
    size_t left = file_size - sizeof header;
    if (header[HEADER_MAGIC] != CLR_MAGIC)
        return "it is of another kind or version";
    if (header[HEADER_KEY] != key_size || left < key_size || memcmp(rest, key, key_size) != 0)
        return "it is of another program";
    if (header[HEADER_BINARY] != left - key_size || left == key_size)
        return "it has a wrong size";
    binary->data = rest + key_size;
    binary->size = left - key_size;
    return header[HEADER_CHECKSUM] == hash(binary->data, binary->size) ? NULL
                                                                       : "its checksum is wrong";
}

bool clr_cache_load(const char *folder, const char *key, const clrnn_log *log, clr_binary *binary)
{
    size_t size = 0;
    *binary = (clr_binary){NULL, NULL, 0};
    char *path = folder ? file_of(folder, key) : NULL;
    /* that there is no file yet is no error */
    bool found = path && clr_file_read_nofollow(path, NULL, &binary->file, &size) == CLRNN_OK;
    const char *wrong = found ? parse(key, binary, size) : NULL;
    if (wrong) {
        clr_log(log, CLRNN_LOG_INFO, "cache file %s is ignored: %s", path, wrong);
        free(binary->file);
        *binary = (clr_binary){NULL, NULL, 0};
    }
    free(path);
    return found && !wrong;
}

clrnn_status clr_cache_store(const char *folder, const char *key, const void *data, size_t size,
                             const clrnn_log *log)
{
    const uint64_t header[HEADER_COUNT] = {CLR_MAGIC, strlen(key), size, hash(data, size)};
    const clr_piece pieces[] = {{header, sizeof header}, {key, strlen(key)}, {data, size}};
    clrnn_status status = CLRNN_ERR_MEMORY;
    char reason[200];
    char *path = file_of(folder, key), *parents = clr_strdup(folder);
    if (!path || !parents)
        (void)clr_fail(log, status, "no memory for the name of a cache file");
    else if (!make_folders(parents, reason, sizeof reason))
        status = clr_fail(log, CLRNN_ERR_IO, "cannot make the folder %s: %s", folder, reason);
    else
        status = clr_file_write_nofollow(path, pieces, sizeof pieces / sizeof *pieces, log);
    free(parents);
    free(path);
    return status;
}
