/* SPDX-License-Identifier: MIT
 * files.c - what a command line names as files: none may be lost that the user did not mean. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tool.h"

/* Where a path leads, all symbolic links followed, also if no file is there yet. */
typedef struct place {
    char path[PATH_MAX], folder[PATH_MAX];
    const char *name;        /* in path: its last part */
    bool exists, is_regular; /* a file */
    bool has_folder;
    struct stat file, above; /* of the file and the folder, if they exist */
} place;

/* Replace the symbolic link in `path` [PATH_MAX] by what it points to. */
static bool follow_link(char *path)
{
    char link[PATH_MAX];
    ssize_t length = readlink(path, link, sizeof link - 1);
    const char *slash = strrchr(path, '/');
    if (length < 0)
        return false;
    link[length] = 0;
    size_t folder = *link == '/' || !slash ? 0 : (size_t)(slash - path) + 1;
    if (folder + (size_t)length >= PATH_MAX)
        return false;
    memcpy(path + folder, link, (size_t)length + 1);
    return true;
}

static void find_place(const char *path, place *p)
{
    enum { MOST_LINKS = 40 };
    struct stat about;
    p->exists = stat(path, &p->file) == 0;
    p->is_regular = p->exists && S_ISREG(p->file.st_mode);
    snprintf(p->path, sizeof p->path, "%s", path);
    for (int i = 0; i < MOST_LINKS && lstat(p->path, &about) == 0 && S_ISLNK(about.st_mode); i++)
        if (!follow_link(p->path))
            break;
    const char *slash = strrchr(p->path, '/');
    p->name = slash ? slash + 1 : p->path;
    snprintf(p->folder, sizeof p->folder, "%.*s", slash ? (int)(slash - p->path) + 1 : 1,
             slash ? p->path : ".");
    p->has_folder = stat(p->folder, &p->above) == 0;
}

static bool same_node(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

static bool same_folder(const place *a, const place *b)
{
    return a->has_folder && b->has_folder && same_node(&a->above, &b->above);
}

/* Files that are there are compared themselves, so through hard links too; what is no file but a
 * terminal or a pipe may be named twice. */
static bool same_file(const place *a, const place *b)
{
    if (a->exists || b->exists)
        return a->is_regular && b->is_regular && same_node(&a->file, &b->file);
    return same_folder(a, b) && strcmp(a->name, b->name) == 0;
}

bool tool_same_file(const char *a, const char *b)
{
    place x, y;
    find_place(a, &x);
    find_place(b, &y);
    return same_file(&x, &y);
}

/* Whether what this command prints goes to the file. */
static bool is_printed_to(const place *p)
{
    struct stat out;
    for (int i = STDOUT_FILENO; i <= STDERR_FILENO; i++)
        if (p->is_regular && fstat(i, &out) == 0 && same_node(&p->file, &out))
            return true;
    return false;
}

static const char *skip_digits(const char *text)
{
    return text + strspn(text, "0123456789");
}

/* Whether `rest` has the name of what an interrupted write of `file` leaves behind, which the next
 * one removes: FILE.PROCESS-NUMBER.tmp. */
static bool is_rest_of(const place *rest, const place *file)
{
    size_t length = strlen(file->name);
    if (!same_folder(rest, file) || strncmp(rest->name, file->name, length) != 0 ||
        rest->name[length] != '.')
        return false;
    const char *dash = skip_digits(rest->name + length + 1);
    return *dash == '-' && strcmp(skip_digits(dash + 1), ".tmp") == 0;
}

static int check_pair(const char *command, const tool_file *written, const tool_file *other)
{
    place a, b;
    find_place(written->path, &a);
    find_place(other->path, &b);
    if (same_file(&a, &b))
        return tool_error("%s: %s %s and %s %s are the same file; give another name", command,
                          written->option, written->path, other->option, other->path);
    if (is_rest_of(&b, &a))
        return tool_error("%s: %s %s is what an interrupted write of %s %s leaves, and the next "
                          "one removes it; rename it first",
                          command, other->option, other->path, written->option, written->path);
    return TOOL_OK;
}

int tool_check_files(const char *command, const tool_file *files, size_t count)
{
    int code = TOOL_OK;
    for (size_t i = 0; i < count && !code; i++)
        for (size_t j = 0; j < count && !code; j++)
            if (i != j && files[i].path && files[j].path && files[i].written)
                code = check_pair(command, &files[i], &files[j]);
    return code;
}

cJSON *tool_read_header(const char *path)
{
    enum { MOST = 100000000 }; /* bytes, as the format has it */
    unsigned char size[8];
    uint64_t length = 0;
    char *text = NULL;
    cJSON *header = NULL;
    FILE *file = tool_file_exists(path) ? fopen(path, "rb") : NULL;
    if (!file || fread(size, 1, sizeof size, file) != sizeof size)
        goto done;
    for (size_t i = sizeof size; i-- > 0;)
        length = length << 8 | size[i];
    text = length <= MOST ? malloc(length + 1) : NULL;
    if (text && fread(text, 1, length, file) == length)
        header = cJSON_ParseWithLength(text, length);
done:
    if (file)
        fclose(file);
    free(text);
    return header;
}

bool tool_file_exists(const char *path)
{
    place p;
    find_place(path, &p);
    return p.is_regular && p.file.st_size > 0;
}

/* Whether the file's own permissions let this process change it; its mode counts for root, too. */
static bool may_change(const place *p)
{
    if (!(p->file.st_mode & (S_IWUSR | S_IWGRP | S_IWOTH)))
        return false;
    if (geteuid() == 0)
        return p->file.st_mode & S_IWUSR;
    return faccessat(AT_FDCWD, p->path, W_OK, AT_EACCESS) == 0;
}

int tool_check_output(const char *command, const tool_file *file, bool whole)
{
    place p;
    find_place(file->path, &p);
    if (!*file->path || (p.exists && S_ISDIR(p.file.st_mode)) || (!p.exists && !*p.name))
        return tool_error("%s: %s %s: not the name of a file", command, file->option, file->path);
    if (p.exists && whole && !p.is_regular)
        return tool_error("%s: %s %s: it is not a regular file", command, file->option, file->path);
    if (is_printed_to(&p))
        return tool_error("%s: %s %s: what is printed goes there, too; give another name", command,
                          file->option, file->path);
    if (p.is_regular && !may_change(&p))
        return tool_error("%s: %s %s: it is read-only (mode %04o); give another name, or chmod u+w",
                          command, file->option, file->path, (unsigned)(p.file.st_mode & 07777));
    if (p.exists && !whole)
        return TOOL_OK;
    if (access(p.folder, W_OK | X_OK))
        return tool_error("%s: %s %s: cannot write to the folder %s: %s", command, file->option,
                          file->path, p.folder, strerror(errno));
    return TOOL_OK;
}
