/* SPDX-License-Identifier: MIT
 * base/temporary_posix.c - see base/temporary.h. */
#define _DEFAULT_SOURCE /* flock, CLOCK_BOOTTIME */

#include "base/temporary.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"

/* --- making one ----------------------------------------------------------------------------- */

/* Lock a file that was just made. False: a sweep of another machine or container, which does not
 * see this process, has removed it before. Without locks on this file system, true. */
static bool lock_new(int file)
{
    struct stat about;
    while (flock(file, LOCK_EX) != 0 && errno == EINTR)
        ;
    return fstat(file, &about) != 0 || about.st_nlink > 0;
}

int clr_temporary_create(const char *path, char *name, size_t room)
{
    static atomic_uint counter;
    for (;;) {
        snprintf(name, room, "%s.%ld-%u.tmp", path, (long)getpid(), atomic_fetch_add(&counter, 1u));
        int file = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (file >= 0 && lock_new(file))
            return file;
        /* a name may be left over from a process of the same number that was killed */
        if (file < 0 && errno != EEXIST)
            return -1;
        if (file >= 0)
            (void)close(file);
    }
}

/* --- removing what is left over ------------------------------------------------------------- */

/* Behind a number as printf writes it; `text` itself if there is none. */
static const char *skip_number(const char *text)
{
    const char *end = text + strspn(text, "0123456789");
    return *text == '0' && end > text + 1 ? text : end;
}

/* The process in "BASE.PROCESS-NUMBER.tmp", or 0 when the name is of another form. */
static pid_t process_of(const char *name, const char *base)
{
    size_t length = strlen(base);
    if (strncmp(name, base, length) != 0 || name[length] != '.')
        return 0;
    const char *process = name + length + 1, *dash = skip_number(process), *number = dash + 1;
    if (dash == process || *dash != '-' || skip_number(number) == number ||
        strcmp(skip_number(number), ".tmp") != 0)
        return 0;
    errno = 0;
    long value = strtol(process, NULL, 10);
    return errno || value > INT_MAX ? 0 : (pid_t)value;
}

#ifdef __linux__
/* Field 22 of /proc/PROCESS/stat, when it began, in clock ticks since the system did; -1: unknown.
 * The fields follow the process's name, in which anything may stand, in brackets. */
static double ticks_at_start(pid_t process)
{
    char path[64], text[1024];
    snprintf(path, sizeof path, "/proc/%ld/stat", (long)process);
    FILE *file = fopen(path, "re");
    if (!file)
        return -1;
    text[fread(text, 1, sizeof text - 1, file)] = 0;
    (void)fclose(file);
    const char *at = strrchr(text, ')');
    for (int field = 2; at && field < 22; field++)
        at = strchr(at + 1, ' ');
    return at ? strtod(at, NULL) : -1;
}

/* Whether the process is younger than the file, so not its writer: numbers are used again. */
static bool began_after(pid_t process, const struct stat *about)
{
    enum { SLACK = 10 }; /* seconds that clocks may differ by */
    struct timespec now, up;
    double ticks = ticks_at_start(process);
    if (ticks < 0 || clock_gettime(CLOCK_REALTIME, &now) || clock_gettime(CLOCK_BOOTTIME, &up))
        return false;
    double start = (double)now.tv_sec - (double)up.tv_sec + ticks / (double)sysconf(_SC_CLK_TCK);
    return start > (double)about->st_mtime + SLACK;
}
#else
static bool began_after(pid_t process, const struct stat *about)
{
    (void)process;
    (void)about;
    return false;
}
#endif

static bool is_dead(pid_t process, const struct stat *about)
{
    if (kill(process, 0) != 0 && errno == ESRCH)
        return true;
    return began_after(process, about);
}

/* Whether nobody holds the file's lock, which is then ours until it is closed. */
static bool is_unlocked(int file)
{
    if (flock(file, LOCK_EX | LOCK_NB) == 0)
        return true;
    return errno != EWOULDBLOCK && errno != EINTR; /* a file system without locks */
}

/* Remove an entry of the folder that has the name of a temporary file. */
static void remove_left_over(int folder, const char *name, pid_t process, const clrnn_log *log)
{
    struct stat about;
    int file = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (file < 0)
        return;
    if (fstat(file, &about) == 0 && S_ISREG(about.st_mode) && about.st_uid == geteuid() &&
        is_dead(process, &about) && is_unlocked(file) && unlinkat(folder, name, 0) == 0)
        clr_log(log, CLRNN_LOG_INFO, "removed %s, which a process that was killed left behind",
                name);
    (void)close(file);
}

/* The folder of a path, opened, or NULL; *base: the name in it, "" if the path names a folder. */
static DIR *open_folder(const char *path, const char **base)
{
    char name[PATH_MAX] = ".";
    const char *slash = strrchr(path, '/');
    *base = slash ? slash + 1 : path;
    if (slash && (size_t)(slash - path) + 1 < sizeof name)
        snprintf(name, sizeof name, "%.*s", (int)(slash - path) + 1, path);
    return opendir(name);
}

void clr_temporary_sweep(const char *path, const clrnn_log *log)
{
    const char *base;
    DIR *folder = open_folder(path, &base);
    for (struct dirent *entry; folder && *base && (entry = readdir(folder)) != NULL;) {
        pid_t process = process_of(entry->d_name, base);
        if (process > 0)
            remove_left_over(dirfd(folder), entry->d_name, process, log);
    }
    if (folder)
        (void)closedir(folder);
}
