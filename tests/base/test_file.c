/* SPDX-License-Identifier: MIT
 * tests/base/test_file.c - reading and writing whole files, and what may come between. */
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "support.h"

static const char *in_folder(const char *name)
{
    static char path[2][512];
    static int turn;
    turn ^= 1;
    snprintf(path[turn], sizeof path[turn], "%s/%s", test_folder(), name);
    return path[turn];
}

/* Entries of the test folder, all but "." and "..". */
static int count_entries(void)
{
    int count = 0;
    DIR *folder = opendir(test_folder());
    assert_non_null(folder);
    while (readdir(folder))
        count++;
    closedir(folder);
    return count - 2;
}

static clrnn_status write_text(const char *path, const char *text)
{
    const clr_piece piece = {text, strlen(text)};
    return clr_file_write(path, &piece, 1, &test_log);
}

static void assert_content(const char *path, const char *text)
{
    void *data = NULL;
    size_t size = 0;
    assert_int_equal(clr_file_read(path, &test_log, &data, &size), CLRNN_OK);
    assert_int_equal(size, strlen(text));
    assert_string_equal(data, text); /* a zero stands after the bytes */
    free(data);
}

static void test_round_trip(void **state)
{
    (void)state;
    const char *path = in_folder("pieces");
    const clr_piece pieces[] = {{"one ", 4}, {NULL, 0}, {"two", 3}};
    assert_int_equal(clr_file_write(path, pieces, 3, &test_log), CLRNN_OK);
    assert_content(path, "one two");
    assert_int_equal(clr_file_write(path, NULL, 0, &test_log), CLRNN_OK);
    assert_content(path, "");
    assert_int_equal(remove(path), 0);
    assert_int_equal(count_entries(), 0);
}

static void test_without_folder(void **state)
{
    (void)state;
    int before = open(".", O_RDONLY);
    assert_int_equal(chdir(test_folder()), 0);
    assert_int_equal(write_text("plain", "here"), CLRNN_OK);
    assert_content("plain", "here");
    assert_int_equal(remove("plain"), 0);
    assert_int_equal(fchdir(before), 0);
    close(before);
    assert_int_equal(count_entries(), 0);
}

static void assert_unreadable(const char *path, const char *reason)
{
    void *data = (void *)path;
    size_t size = 7;
    assert_int_equal(clr_file_read(path, &test_log, &data, &size), CLRNN_ERR_IO);
    assert_null(data);
    assert_non_null(strstr(test_last_error, path));
    assert_error_contains(reason);
}

static void test_refusals(void **state)
{
    (void)state;
    const char *pipe = in_folder("pipe");
    assert_unreadable(in_folder("missing"), "No such file");
    assert_unreadable(test_folder(), "not a regular file");
    assert_int_equal(mkfifo(pipe, 0600), 0);
    assert_unreadable(pipe, "not a regular file"); /* and does not wait for a writer */
    assert_int_equal(write_text(pipe, "x"), CLRNN_ERR_IO);
    assert_error_contains("not a regular file");
    assert_int_equal(remove(pipe), 0);
    assert_int_equal(write_text(test_folder(), "x"), CLRNN_ERR_IO);
    assert_error_contains(test_folder());
    assert_int_equal(write_text(in_folder("missing/file"), "x"), CLRNN_ERR_IO);
    assert_error_contains("missing/file");
    assert_int_equal(count_entries(), 0);
}

static void test_mode_and_link(void **state)
{
    (void)state;
    const char *file = in_folder("file"), *link = in_folder("link");
    struct stat about;
    mode_t mask = umask(027);
    assert_int_equal(write_text(file, "new"), CLRNN_OK);
    umask(mask);
    assert_int_equal(stat(file, &about), 0);
    assert_int_equal(about.st_mode & 07777, 0640);
    assert_int_equal(chmod(file, 0604), 0);
    assert_int_equal(symlink("file", link), 0);
    assert_int_equal(write_text(link, "through the link"), CLRNN_OK);
    assert_content(file, "through the link");
    assert_int_equal(stat(file, &about), 0);
    assert_int_equal(about.st_mode & 07777, 0604);
    assert_int_equal(lstat(link, &about), 0);
    assert_true(S_ISLNK(about.st_mode));
    assert_int_equal(remove(link), 0);
    assert_int_equal(remove(file), 0);
}

/* A full disk, and no memory, at every point in turn: reported, the old file whole, nothing left.
 */
static void test_faults(void **state)
{
    (void)state;
    const clr_fault faults[] = {CLR_FAULT_WRITE, CLR_FAULT_MEMORY};
    const clrnn_status expected[] = {CLRNN_ERR_IO, CLRNN_ERR_MEMORY};
    const char *path = in_folder("kept");
    for (size_t i = 0; i < 2; i++) {
        long failures = 0;
        clrnn_status status = CLRNN_ERR_IO;
        assert_int_equal(write_text(path, "old"), CLRNN_OK);
        for (long k = 1; status != CLRNN_OK; k++) {
            clr_fault_inject(faults[i], k);
            status = write_text(path, "new");
            clr_fault_inject(faults[i], 0);
            if (status == CLRNN_OK)
                break;
            failures++;
            assert_int_equal(status, expected[i]);
            assert_error_contains(path);
            assert_content(path, "old");
            assert_int_equal(count_entries(), 1);
        }
        assert_in_range(failures, 1, 20);
        assert_content(path, "new");
    }
    void *data = NULL;
    size_t size = 0;
    clr_fault_inject(CLR_FAULT_MEMORY, 1);
    assert_int_equal(clr_file_read(path, &test_log, &data, &size), CLRNN_ERR_MEMORY);
    clr_fault_inject(CLR_FAULT_MEMORY, 0);
    assert_null(data);
    assert_int_equal(remove(path), 0);
    assert_int_equal(count_entries(), 0);
}

/* A refusal of the system itself, in the middle of a piece: the largest size of a file. */
static void test_limit(void **state)
{
    (void)state;
    static char large[65536];
    const clr_piece piece = {large, sizeof large};
    const char *path = in_folder("large");
    struct rlimit before, limit;
    assert_int_equal(write_text(path, "old"), CLRNN_OK);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    limit = before;
    limit.rlim_cur = 10000;
    void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    clrnn_status status = clr_file_write(path, &piece, 1, &test_log);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    signal(SIGXFSZ, handler);
    assert_int_equal(status, CLRNN_ERR_IO);
    assert_error_contains("File too large");
    assert_content(path, "old");
    assert_int_equal(count_entries(), 1);
    assert_int_equal(remove(path), 0);
}

/* Write two contents in turn until killed. */
static void write_forever(const char *path, char *text, size_t size)
{
    const clr_piece piece = {text, size};
    for (char c = 'a';; c ^= 'a' ^ 'b') {
        memset(text, c, size);
        if (clr_file_write(path, &piece, 1, NULL) != CLRNN_OK)
            _exit(1);
    }
}

/* Whoever reads while another writes sees one whole content or the other, also when the writer is
 * killed at some moment. */
static void test_whole(void **state)
{
    (void)state;
    static char text[100000];
    const char *path = in_folder("whole");
    const clr_piece piece = {text, sizeof text};
    memset(text, 'a', sizeof text);
    assert_int_equal(clr_file_write(path, &piece, 1, &test_log), CLRNN_OK);
    pid_t writer = fork();
    assert_true(writer >= 0);
    if (writer == 0)
        write_forever(path, text, sizeof text);
    for (int i = 0; i < 100; i++) {
        char *data = NULL;
        size_t size = 0;
        if (i == 90) {
            int status = 0;
            assert_int_equal(kill(writer, SIGKILL), 0);
            assert_int_equal(waitpid(writer, &status, 0), writer);
            assert_true(WIFSIGNALED(status)); /* it wrote until it was killed */
        }
        assert_int_equal(clr_file_read(path, &test_log, (void **)&data, &size), CLRNN_OK);
        assert_int_equal(size, sizeof text);
        assert_true(data[0] == 'a' || data[0] == 'b');
        assert_memory_equal(data, data + 1, size - 1);
        free(data);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip), cmocka_unit_test(test_without_folder),
        cmocka_unit_test(test_refusals),   cmocka_unit_test(test_mode_and_link),
        cmocka_unit_test(test_faults),     cmocka_unit_test(test_limit),
        cmocka_unit_test(test_whole),
    };
    return cmocka_run_group_tests_name("file", tests, NULL, NULL);
}
