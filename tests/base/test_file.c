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
    static char path[4][512];
    static int turn;
    turn = (turn + 1) % 4;
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

/* A link to a file that is not there yet: the file is made, the link stays. */
static void test_dangling_links(void **state)
{
    (void)state;
    struct stat about;
    char target[600];
    char link[512];
    snprintf(link, sizeof link, "%s", in_folder("link"));
    snprintf(target, sizeof target, "%s/b/../b/file", test_folder());
    assert_int_equal(mkdir(in_folder("a"), 0777), 0);
    assert_int_equal(mkdir(in_folder("b"), 0777), 0);
    assert_int_equal(symlink("a/one", link), 0);
    assert_int_equal(symlink("../two", in_folder("a/one")), 0);
    assert_int_equal(symlink(target, in_folder("two")), 0);
    assert_int_equal(write_text(link, "made"), CLRNN_OK);
    assert_content(in_folder("b/file"), "made");
    assert_int_equal(write_text(link, "replaced"), CLRNN_OK);
    assert_content(in_folder("b/file"), "replaced");
    for (int i = 0; i < 3; i++) {
        const char *const links[] = {"link", "a/one", "two"};
        assert_int_equal(lstat(in_folder(links[i]), &about), 0);
        assert_true(S_ISLNK(about.st_mode));
    }
    assert_int_equal(remove(in_folder("b/file")), 0);
    assert_int_equal(remove(in_folder("b")), 0);
    assert_int_equal(write_text(link, "x"), CLRNN_ERR_IO); /* its folder is gone */
    assert_error_contains(link);
    assert_int_equal(remove(in_folder("two")), 0);
    assert_int_equal(symlink("link", in_folder("two")), 0);
    assert_int_equal(write_text(link, "x"), CLRNN_ERR_IO); /* a circle */
    assert_error_contains("symbolic links");
    assert_int_equal(remove(in_folder("a/one")), 0);
    assert_int_equal(remove(in_folder("a")), 0);
    assert_int_equal(remove(in_folder("two")), 0);
    assert_int_equal(remove(link), 0);
    assert_int_equal(count_entries(), 0);
}

/* The link of /proc to an open file that was removed looks like a path and is none. */
static void test_file_without_a_name(void **state)
{
    (void)state;
    char path[64];
    int file = open(in_folder("gone"), O_WRONLY | O_CREAT, 0666);
    assert_true(file >= 0);
    assert_int_equal(remove(in_folder("gone")), 0);
    snprintf(path, sizeof path, "/proc/self/fd/%d", file);
    if (access(path, F_OK) == 0) {
        assert_int_equal(write_text(path, "x"), CLRNN_ERR_IO);
        assert_error_contains(path);
    }
    close(file);
    assert_int_equal(count_entries(), 0);
}

static void assert_read_only(const char *path)
{
    test_last_error[0] = 0;
    assert_int_equal(write_text(path, "new"), CLRNN_ERR_IO);
    assert_error_contains("read-only");
    assert_content(path, "old");
}

/* A folder lets anybody who may write to it rename over any file in it, root always. */
static void test_read_only(void **state)
{
    (void)state;
    const mode_t modes[] = {0444, 0400, 0555};
    const char *file = in_folder("file"), *link = in_folder("link");
    assert_int_equal(write_text(file, "old"), CLRNN_OK);
    assert_int_equal(symlink("file", link), 0);
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        struct stat about;
        assert_int_equal(chmod(file, modes[i]), 0);
        assert_read_only(file);
        assert_read_only(link);
        const clr_piece piece = {"new", 3};
        assert_int_equal(clr_file_write_nofollow(file, &piece, 1, &test_log), CLRNN_ERR_IO);
        assert_content(file, "old");
        assert_int_equal(stat(file, &about), 0);
        assert_int_equal(about.st_mode & 07777, modes[i]);
    }
    assert_int_equal(chmod(file, 0466), 0); /* others may, the owner may not */
    assert_read_only(file);
    assert_int_equal(chmod(file, 0644), 0);
    assert_int_equal(write_text(link, "new"), CLRNN_OK);
    assert_content(file, "new");
    assert_int_equal(remove(link), 0);
    assert_int_equal(remove(file), 0);
    assert_int_equal(count_entries(), 0);
}

/* What root saves for others stays theirs. */
static void test_owner(void **state)
{
    (void)state;
    struct stat about;
    const char *file = in_folder("file");
    if (geteuid() != 0)
        skip();
    assert_int_equal(write_text(file, "old"), CLRNN_OK);
    assert_int_equal(chown(file, 1234, 2345), 0);
    assert_int_equal(chmod(file, 0640), 0);
    assert_int_equal(write_text(file, "new"), CLRNN_OK);
    assert_int_equal(stat(file, &about), 0);
    assert_int_equal(about.st_uid, 1234);
    assert_int_equal(about.st_gid, 2345);
    assert_int_equal(about.st_mode & 07777, 0640);
    assert_int_equal(remove(file), 0);
}

/* A part of a file, whatever the file has of it; no link. */
static void test_a_part(void **state)
{
    (void)state;
    static const struct {
        uint64_t offset;
        size_t most;
        const char *text;
    } parts[] = {{0, 4, "a us"}, {2, SIZE_MAX, "user's"}, {7, 5, "s"},
                 {8, 3, ""},     {UINT64_MAX, 9, ""},     {3, 0, ""}};
    const char *file = in_folder("file"), *link = in_folder("link");
    void *data = NULL;
    size_t size = 0;
    assert_int_equal(write_text(file, "a user's"), CLRNN_OK);
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        assert_int_equal(
            clr_file_read_part(file, parts[i].offset, parts[i].most, &test_log, &data, &size),
            CLRNN_OK);
        assert_string_equal(data, parts[i].text);
        assert_int_equal(size, strlen(parts[i].text));
        free(data);
    }
    assert_int_equal(symlink("file", link), 0);
    assert_int_equal(clr_file_read_part(link, 0, 9, &test_log, &data, &size), CLRNN_ERR_IO);
    assert_error_contains("it is a symbolic link");
    assert_int_equal(remove(link), 0);
    assert_int_equal(remove(file), 0);
}

/* A file of the library's own, where a link can only have been planted. */
static void test_nofollow(void **state)
{
    (void)state;
    const clr_piece piece = {"cached", 6};
    const char *file = in_folder("file"), *link = in_folder("link");
    const char *const targets[] = {"file", "missing", "."};
    assert_int_equal(write_text(file, "a user's"), CLRNN_OK);
    for (size_t i = 0; i < sizeof targets / sizeof *targets; i++) {
        void *data = NULL;
        size_t size = 0;
        assert_int_equal(symlink(targets[i], link), 0);
        assert_int_equal(clr_file_read_nofollow(link, &test_log, &data, &size), CLRNN_ERR_IO);
        assert_null(data);
        assert_int_equal(clr_file_write_nofollow(link, &piece, 1, &test_log), CLRNN_OK);
        assert_int_equal(clr_file_read_nofollow(link, &test_log, &data, &size), CLRNN_OK);
        assert_string_equal(data, "cached");
        free(data);
        assert_content(file, "a user's");
        assert_int_equal(count_entries(), 2);
        assert_int_equal(remove(link), 0);
    }
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
        cmocka_unit_test(test_round_trip),     cmocka_unit_test(test_without_folder),
        cmocka_unit_test(test_refusals),       cmocka_unit_test(test_mode_and_link),
        cmocka_unit_test(test_dangling_links), cmocka_unit_test(test_file_without_a_name),
        cmocka_unit_test(test_read_only),      cmocka_unit_test(test_owner),
        cmocka_unit_test(test_a_part),         cmocka_unit_test(test_nofollow),
        cmocka_unit_test(test_faults),         cmocka_unit_test(test_limit),
        cmocka_unit_test(test_whole),
    };
    return cmocka_run_group_tests_name("file", tests, NULL, NULL);
}
