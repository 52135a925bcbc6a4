/* SPDX-License-Identifier: MIT
 * system_windows.c - see system.h. Names are UTF-8 here and UTF-16 for Windows, whatever its code
 * page. */
#include "system.h"

#define WIN32_LEAN_AND_MEAN
#include <windows.h>

#include <direct.h>
#include <errno.h>
#include <fcntl.h>
#include <io.h>
#include <shellapi.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

/* --- text ------------------------------------------------------------------------------------- */

/* UTF-16 of UTF-8 into wide [TOOL_PATH_ROOM]; false: it is none, or too long. */
static bool widen(const char *text, wchar_t *wide)
{
    return MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, text, -1, wide, TOOL_PATH_ROOM) > 0;
}

/* UTF-8 of UTF-16, to be freed, or NULL. */
static char *narrow(const wchar_t *wide)
{
    int size = WideCharToMultiByte(CP_UTF8, 0, wide, -1, NULL, 0, NULL, NULL);
    char *text = size > 0 ? malloc((size_t)size) : NULL;
    if (text)
        (void)WideCharToMultiByte(CP_UTF8, 0, wide, -1, text, size, NULL, NULL);
    return text;
}

/* --- the process ------------------------------------------------------------------------------ */

static UINT code_page; /* that the console had before, 0 = there is none */

static void restore_console(void)
{
    (void)SetConsoleOutputCP(code_page);
}

/* The command line in UTF-8; it lives as long as the process. */
static bool read_arguments(int *argc, char ***argv)
{
    int count = 0;
    wchar_t **wide = CommandLineToArgvW(GetCommandLineW(), &count);
    char **texts = wide ? calloc((size_t)count + 1, sizeof *texts) : NULL;
    bool good = texts != NULL;
    for (int i = 0; good && i < count; i++) {
        texts[i] = narrow(wide[i]);
        good = texts[i] != NULL;
    }
    LocalFree(wide);
    if (good) {
        *argc = count;
        *argv = texts;
    }
    return good;
}

bool system_prepare(int *argc, char ***argv)
{
    for (int file = 0; file <= 2; file++)
        (void)_setmode(file, _O_BINARY);
    code_page = GetConsoleOutputCP();
    if (code_page && SetConsoleOutputCP(CP_UTF8))
        (void)atexit(restore_console);
    return read_arguments(argc, argv);
}

static void (*volatile on_end_of_process)(int number);

/* In a thread of the system's. When it returns from an event that cannot be refused, the process is
 * ended at once, so it waits for main, which Windows allows for some seconds. */
static BOOL WINAPI on_console_event(DWORD event)
{
    static volatile LONG interrupts;
    if (event == CTRL_C_EVENT || event == CTRL_BREAK_EVENT) {
        if (InterlockedIncrement(&interrupts) > 1)
            return FALSE; /* a second one ends the process */
        on_end_of_process(SIGINT);
        return TRUE;
    }
    on_end_of_process(SIGTERM);
    Sleep(INFINITE);
    return TRUE;
}

void system_catch_signals(void (*on_end)(int number))
{
    if (!on_end_of_process) {
        on_end_of_process = on_end;
        (void)SetConsoleCtrlHandler(on_console_event, TRUE);
    }
}

long system_process(void)
{
    return (long)GetCurrentProcessId();
}

double system_seconds(void)
{
    LARGE_INTEGER now, each_second;
    (void)QueryPerformanceCounter(&now);
    (void)QueryPerformanceFrequency(&each_second);
    return (double)now.QuadPart / (double)each_second.QuadPart;
}

bool system_has_terminal(void)
{
    HANDLE console = GetStdHandle(STD_ERROR_HANDLE);
    DWORD mode = 0;
    return GetConsoleMode(console, &mode) &&
           SetConsoleMode(console,
                          mode | ENABLE_PROCESSED_OUTPUT | ENABLE_VIRTUAL_TERMINAL_PROCESSING);
}

int system_columns(void)
{
    CONSOLE_SCREEN_BUFFER_INFO about;
    int columns = 0;
    if (GetConsoleScreenBufferInfo(GetStdHandle(STD_ERROR_HANDLE), &about))
        columns = about.srWindow.Right - about.srWindow.Left + 1;
    return columns > 0 ? columns : 80;
}

/* --- files ------------------------------------------------------------------------------------ */

static bool describe(HANDLE handle, system_file *file)
{
    BY_HANDLE_FILE_INFORMATION about;
    *file = (system_file){0};
    if (handle == INVALID_HANDLE_VALUE || !handle)
        return false;
    file->exists = true;
    if (GetFileType(handle) != FILE_TYPE_DISK || !GetFileInformationByHandle(handle, &about))
        return true;
    file->is_folder = about.dwFileAttributes & FILE_ATTRIBUTE_DIRECTORY;
    file->is_regular = !file->is_folder;
    file->size = (uint64_t)about.nFileSizeHigh << 32 | about.nFileSizeLow;
    file->device = about.dwVolumeSerialNumber;
    file->number = (uint64_t)about.nFileIndexHigh << 32 | about.nFileIndexLow;
    file->mode = about.dwFileAttributes & FILE_ATTRIBUTE_READONLY ? 0444 : 0644;
    return true;
}

/* Open only to ask about it. */
static HANDLE open_to_ask(const wchar_t *path)
{
    return CreateFileW(path, 0, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, NULL,
                       OPEN_EXISTING, FILE_FLAG_BACKUP_SEMANTICS, NULL);
}

void system_look_at(const char *path, system_file *file)
{
    wchar_t wide[TOOL_PATH_ROOM];
    HANDLE handle = widen(path, wide) ? open_to_ask(wide) : INVALID_HANDLE_VALUE;
    if (describe(handle, file))
        (void)CloseHandle(handle);
}

bool system_look_at_standard(int number, system_file *file)
{
    return describe(GetStdHandle(number == 1 ? STD_OUTPUT_HANDLE : STD_ERROR_HANDLE), file);
}

void system_follow(char *path)
{
    wchar_t wide[TOOL_PATH_ROOM], end[TOOL_PATH_ROOM];
    DWORD attributes = widen(path, wide) ? GetFileAttributesW(wide) : INVALID_FILE_ATTRIBUTES;
    if (attributes == INVALID_FILE_ATTRIBUTES || !(attributes & FILE_ATTRIBUTE_REPARSE_POINT))
        return;
    HANDLE file = open_to_ask(wide);
    if (file == INVALID_HANDLE_VALUE)
        return;
    DWORD length = GetFinalPathNameByHandleW(file, end, TOOL_PATH_ROOM, FILE_NAME_NORMALIZED);
    char *text = length && length < TOOL_PATH_ROOM ? narrow(end) : NULL;
    if (text && strlen(text) < TOOL_PATH_ROOM)
        strcpy(path, text);
    free(text);
    (void)CloseHandle(file);
}

const char *system_last_part(const char *path)
{
    const char *last = path;
    for (const char *c = path; *c; c++)
        if (*c == '/' || *c == '\\' || (*c == ':' && c == path + 1))
            last = c + 1;
    return last;
}

bool system_same_name(const char *a, const char *b)
{
    wchar_t x[TOOL_PATH_ROOM], y[TOOL_PATH_ROOM];
    return widen(a, x) && widen(b, y) && CompareStringOrdinal(x, -1, y, -1, TRUE) == CSTR_EQUAL;
}

bool system_may_change(const char *path, const system_file *file)
{
    wchar_t wide[TOOL_PATH_ROOM];
    if (!(file->mode & 0222) || !widen(path, wide))
        return false;
    HANDLE handle =
        CreateFileW(wide, GENERIC_WRITE, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE,
                    NULL, OPEN_EXISTING, FILE_ATTRIBUTE_NORMAL, NULL);
    bool may = handle != INVALID_HANDLE_VALUE || GetLastError() == ERROR_SHARING_VIOLATION;
    if (handle != INVALID_HANDLE_VALUE)
        (void)CloseHandle(handle);
    return may;
}

bool system_make_folder(const char *path)
{
    wchar_t wide[TOOL_PATH_ROOM];
    return widen(path, wide) && _wmkdir(wide) == 0;
}

bool system_may_make_in(const char *folder)
{
    system_file about;
    system_look_at(folder, &about);
    errno = about.exists ? ENOTDIR : ENOENT;
    return about.is_folder; /* who may write there is told by writing only */
}

FILE *system_open(const char *path, const char *mode)
{
    wchar_t wide[TOOL_PATH_ROOM], wide_mode[8];
    if (strlen(mode) >= 8 || !widen(path, wide) ||
        !MultiByteToWideChar(CP_UTF8, 0, mode, -1, wide_mode, 8)) {
        errno = EINVAL;
        return NULL;
    }
    return _wfopen(wide, wide_mode);
}

bool system_replace(const char *from, const char *to)
{
    wchar_t wide[TOOL_PATH_ROOM], wide_to[TOOL_PATH_ROOM];
    if (widen(from, wide) && widen(to, wide_to) &&
        MoveFileExW(wide, wide_to, MOVEFILE_REPLACE_EXISTING))
        return true;
    errno = EACCES; /* another program has it open */
    return false;
}

void system_remove(const char *path)
{
    wchar_t wide[TOOL_PATH_ROOM];
    if (widen(path, wide))
        (void)DeleteFileW(wide);
}

bool system_cut(FILE *file, long end)
{
    return _chsize_s(_fileno(file), end) == 0;
}

/* --- folders ---------------------------------------------------------------------------------- */

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool append(system_list *list, const wchar_t *name)
{
    char **names = realloc(list->names, (list->count + 1) * sizeof *names);
    char *copy = names ? narrow(name) : NULL;
    list->names = names ? names : list->names;
    if (copy)
        list->names[list->count++] = copy;
    return copy != NULL;
}

bool system_read_folder(const char *path, system_list *list)
{
    wchar_t wide[TOOL_PATH_ROOM];
    char pattern[TOOL_PATH_ROOM];
    WIN32_FIND_DATAW entry;
    *list = (system_list){0};
    snprintf(pattern, sizeof pattern, "%s/*", path);
    HANDLE search = widen(pattern, wide) ? FindFirstFileW(wide, &entry) : INVALID_HANDLE_VALUE;
    bool fine = search != INVALID_HANDLE_VALUE;
    for (bool more = fine; fine && more; more = FindNextFileW(search, &entry) != 0)
        if (entry.cFileName[0] != L'.')
            fine = append(list, entry.cFileName);
    if (search != INVALID_HANDLE_VALUE)
        (void)FindClose(search);
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
