/* SPDX-License-Identifier: MIT
 * system_posix.c - see system.h. */
#include "system.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* --- the process ------------------------------------------------------------------------------ */

/* Threads of PoCL that stay where they are: on few cores a system may let two of them share one for
 * milliseconds while another has nothing to do. What the user has set stays. */
static void pin_threads(void)
{
    (void)setenv("POCL_AFFINITY", "1", 0);
}

/* A signal that is ignored at the start stays so: SIGHUP under nohup, SIGINT of a script's job in
 * the background. Compilers inside OpenCL drivers install handlers whatever there was, so it is
 * also blocked, for this thread and those that it will make. */
static void keep_ignored(void)
{
    const int numbers[] = {SIGHUP, SIGINT, SIGQUIT, SIGPIPE, SIGTERM};
    sigset_t ignored;
    sigemptyset(&ignored);
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        struct sigaction action;
        if (sigaction(numbers[i], NULL, &action) == 0 && action.sa_handler == SIG_IGN)
            sigaddset(&ignored, numbers[i]);
    }
    sigprocmask(SIG_BLOCK, &ignored, NULL);
}

/* Where the shell has closed one of the three standard files (>&-), the next file that is opened
 * would get its number, and what is printed would go into a user's file. So something else is put
 * there, that cannot be written either. */
static void reserve_standard_files(void)
{
    for (int file = 0; file <= 2; file++)
        if (fcntl(file, F_GETFD) < 0)
            (void)!open("/dev/null", file ? O_RDONLY : O_WRONLY);
}

bool system_prepare(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    reserve_standard_files();
    keep_ignored();
    pin_threads();
    return true;
}

void system_catch_signals(void (*on_end)(int number))
{
    const int numbers[] = {SIGINT, SIGTERM, SIGHUP, SIGPIPE};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        struct sigaction action = {.sa_handler = on_end};
        action.sa_flags = numbers[i] == SIGINT ? (int)SA_RESETHAND | SA_RESTART : SA_RESTART;
        sigemptyset(&action.sa_mask);
        sigaction(numbers[i], &action, NULL);
    }
}

long system_process(void)
{
    return getpid();
}

double system_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

bool system_has_terminal(void)
{
    return isatty(STDERR_FILENO);
}

int system_columns(void)
{
    struct winsize size;
    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
        return size.ws_col;
    return 80;
}

/* --- files ------------------------------------------------------------------------------------ */

static void describe(const struct stat *about, system_file *file)
{
    *file = (system_file){.exists = true,
                          .is_regular = S_ISREG(about->st_mode),
                          .is_folder = S_ISDIR(about->st_mode),
                          .size = about->st_size > 0 ? (uint64_t)about->st_size : 0,
                          .device = (uint64_t)about->st_dev,
                          .number = (uint64_t)about->st_ino,
                          .mode = (unsigned)about->st_mode & 07777};
}

void system_look_at(const char *path, system_file *file)
{
    struct stat about;
    *file = (system_file){0};
    if (stat(path, &about) == 0)
        describe(&about, file);
}

bool system_look_at_standard(int number, system_file *file)
{
    struct stat about;
    if (fstat(number, &about) != 0)
        return false;
    describe(&about, file);
    return true;
}

/* Replace the symbolic link in `path` [TOOL_PATH_ROOM] by what it points to. */
static bool follow_link(char *path)
{
    char link[TOOL_PATH_ROOM];
    ssize_t length = readlink(path, link, sizeof link - 1);
    const char *slash = strrchr(path, '/');
    if (length < 0)
        return false;
    link[length] = 0;
    size_t folder = *link == '/' || !slash ? 0 : (size_t)(slash - path) + 1;
    if (folder + (size_t)length >= TOOL_PATH_ROOM)
        return false;
    memcpy(path + folder, link, (size_t)length + 1);
    return true;
}

void system_follow(char *path)
{
    enum { MOST_LINKS = 40 };
    struct stat about;
    for (int i = 0; i < MOST_LINKS && lstat(path, &about) == 0 && S_ISLNK(about.st_mode); i++)
        if (!follow_link(path))
            break;
}

const char *system_last_part(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

bool system_same_name(const char *a, const char *b)
{
    return strcmp(a, b) == 0;
}

/* Its mode counts for root, too. */
bool system_may_change(const char *path, const system_file *file)
{
    if (!(file->mode & (S_IWUSR | S_IWGRP | S_IWOTH)))
        return false;
    if (geteuid() == 0)
        return file->mode & S_IWUSR;
    return faccessat(AT_FDCWD, path, W_OK, AT_EACCESS) == 0;
}

bool system_may_make_in(const char *folder)
{
    return access(folder, W_OK | X_OK) == 0;
}

bool system_make_folder(const char *path)
{
    return mkdir(path, 0777) == 0;
}

FILE *system_open(const char *path, const char *mode)
{
    return fopen(path, mode);
}

bool system_replace(const char *from, const char *to)
{
    struct stat old;
    if (stat(to, &old) == 0)
        (void)chmod(from, old.st_mode & 07777);
    return rename(from, to) == 0;
}

void system_remove(const char *path)
{
    (void)remove(path);
}

bool system_cut(FILE *file, long end)
{
    return ftruncate(fileno(file), (off_t)end) == 0;
}

/* --- folders ---------------------------------------------------------------------------------- */

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool append(system_list *list, const char *name)
{
    char **names = realloc(list->names, (list->count + 1) * sizeof *names);
    char *copy = names ? strdup(name) : NULL;
    list->names = names ? names : list->names;
    if (copy)
        list->names[list->count++] = copy;
    return copy != NULL;
}

bool system_read_folder(const char *path, system_list *list)
{
    DIR *folder = opendir(path);
    bool fine = folder != NULL;
    *list = (system_list){0};
    for (struct dirent *entry; fine && (entry = readdir(folder)) != NULL;)
        if (entry->d_name[0] != '.')
            fine = append(list, entry->d_name);
    if (folder)
        closedir(folder);
    if (fine && list->count)
        qsort(list->names, list->count, sizeof *list->names, by_name);
    if (!fine)
        system_free_list(list);
    return fine;
}

void system_free_list(system_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        free(list->names[i]);
    free(list->names);
    *list = (system_list){0};
}
