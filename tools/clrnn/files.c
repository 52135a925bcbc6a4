/* SPDX-License-Identifier: MIT
 * files.c - what a command line names as files: none may be lost that the user did not mean. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "system.h"
#include "tool.h"

/* Where a path leads, all symbolic links followed, also if no file is there yet. */
typedef struct place {
    char path[TOOL_PATH_ROOM], folder[TOOL_PATH_ROOM];
    const char *name;        /* in path: its last part */
    system_file file, above; /* the file and its folder */
} place;

static void find_place(const char *path, place *p)
{
    system_look_at(path, &p->file);
    snprintf(p->path, sizeof p->path, "%s", path);
    system_follow(p->path);
    p->name = system_last_part(p->path);
    int length = (int)(p->name - p->path);
    snprintf(p->folder, sizeof p->folder, "%.*s", length ? length : 1, length ? p->path : ".");
    system_look_at(p->folder, &p->above);
}

static bool same_node(const system_file *a, const system_file *b)
{
    return a->device == b->device && a->number == b->number;
}

static bool same_folder(const place *a, const place *b)
{
    return a->above.exists && b->above.exists && same_node(&a->above, &b->above);
}

/* Files that are there are compared themselves, so through hard links too; what is no file but a
 * terminal or a pipe may be named twice. */
static bool same_file(const place *a, const place *b)
{
    if (a->file.exists || b->file.exists)
        return a->file.is_regular && b->file.is_regular && same_node(&a->file, &b->file);
    return same_folder(a, b) && system_same_name(a->name, b->name);
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
    system_file out;
    for (int i = 1; i <= 2; i++)
        if (p->file.is_regular && system_look_at_standard(i, &out) && same_node(&p->file, &out))
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
    FILE *file = tool_file_exists(path) ? system_open(path, "rb") : NULL;
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

bool tool_ends_with(const char *path, const char *end)
{
    const size_t length = strlen(path), tail = strlen(end);
    return length > tail && strcmp(path + length - tail, end) == 0;
}

bool tool_file_exists(const char *path)
{
    place p;
    find_place(path, &p);
    return p.file.is_regular && p.file.size > 0;
}

int tool_check_output(const char *command, const tool_file *file, bool whole)
{
    place p;
    find_place(file->path, &p);
    if (!*file->path || p.file.is_folder || (!p.file.exists && !*p.name))
        return tool_error("%s: %s %s: not the name of a file", command, file->option, file->path);
    if (p.file.exists && whole && !p.file.is_regular)
        return tool_error("%s: %s %s: it is not a regular file", command, file->option, file->path);
    if (is_printed_to(&p))
        return tool_error("%s: %s %s: what is printed goes there, too; give another name", command,
                          file->option, file->path);
    if (p.file.is_regular && !system_may_change(p.path, &p.file))
        return tool_error("%s: %s %s: it is read-only for this user (mode %04o)", command,
                          file->option, file->path, p.file.mode);
    if (p.file.exists && !whole)
        return TOOL_OK;
    if (!system_may_make_in(p.folder))
        return tool_error("%s: %s %s: cannot write to the folder %s: %s", command, file->option,
                          file->path, p.folder, strerror(errno));
    return TOOL_OK;
}
