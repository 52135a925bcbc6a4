/* SPDX-License-Identifier: MIT
 * tests/base/test_base.c - status codes, log, checked arithmetic, memory, random bits, files. */
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

#include "base/checked.h"
#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/philox.h"
#include "support.h"

static void test_status(void **state)
{
    (void)state;
    const char *names[] = {
#define NAME(name, text) "CLRNN_" #name,
        CLRNN_STATUS_LIST(NAME)
#undef NAME
    };
    assert_int_equal(CLRNN_OK, 0);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        assert_string_equal(clrnn_status_name((clrnn_status)i), names[i]);
        assert_true(strlen(clrnn_status_text((clrnn_status)i)) > 5);
    }
    assert_string_equal(clrnn_status_name(CLRNN_ERR_FORMAT), "CLRNN_ERR_FORMAT");
    assert_non_null(clrnn_status_name((clrnn_status)1000));
    assert_non_null(clrnn_status_text((clrnn_status)-1));
}

/* --- log ------------------------------------------------------------------------------------ */

typedef struct heard {
    int lines;
    clrnn_log_level level;
    char text[10000];
} heard;

static void hear(void *user, clrnn_log_level level, const char *text)
{
    heard *h = user;
    h->lines++;
    h->level = level;
    snprintf(h->text, sizeof h->text, "%s", text);
}

static void test_log_levels(void **state)
{
    (void)state;
    heard h = {0};
    clrnn_log log = {CLRNN_LOG_WARN, hear, &h};
    clr_log(NULL, CLRNN_LOG_ERROR, "nobody hears this");
    clr_log(&log, CLRNN_LOG_INFO, "nor this");
    assert_int_equal(h.lines, 0);
    clr_log(&log, CLRNN_LOG_WARN, "%d of %s", 3, "four");
    assert_int_equal(h.lines, 1);
    assert_int_equal(h.level, CLRNN_LOG_WARN);
    assert_string_equal(h.text, "3 of four");
    assert_int_equal(clr_fail(&log, CLRNN_ERR_RANGE, "T=%d", 0), CLRNN_ERR_RANGE);
    assert_int_equal(h.level, CLRNN_LOG_ERROR);
    assert_string_equal(h.text, "T=0");
    log.level = CLRNN_LOG_NONE;
    assert_int_equal(clr_fail(&log, CLRNN_ERR_IO, "silent"), CLRNN_ERR_IO);
    assert_int_equal(clr_fail(NULL, CLRNN_ERR_IO, "silent"), CLRNN_ERR_IO);
    log = (clrnn_log){CLRNN_LOG_DEBUG, NULL, NULL};
    assert_int_equal(clr_fail(&log, CLRNN_ERR_IO, "silent"), CLRNN_ERR_IO);
    assert_int_equal(h.lines, 2);
}

static void test_log_cut(void **state)
{
    (void)state;
    heard h = {0};
    const clrnn_log log = {CLRNN_LOG_DEBUG, hear, &h};
    char *text = malloc(20001);
    assert_non_null(text);
    memset(text, 'x', 20000);
    text[20000] = 0;
    clr_log(&log, CLRNN_LOG_INFO, "%s", text);
    assert_in_range(strlen(h.text), 8000, 8192);
    free(text);
}

/* --- arithmetic, memory, random bits ---------------------------------------------------------- */

static void test_checked(void **state)
{
    (void)state;
    clr_size a = clr_size_mul(clr_size_of(6), 7);
    assert_int_equal(a.value, 42);
    assert_false(a.overflow);
    assert_int_equal(clr_size_add(a, clr_size_of(8)).value, 50);
    assert_false(clr_size_of(SIZE_MAX).overflow);
    assert_false(clr_size_mul(clr_size_of(0), UINT64_MAX).overflow);
    assert_false(clr_size_mul(clr_size_of(UINT32_MAX), UINT32_MAX).overflow);
    clr_size over = clr_size_mul(clr_size_of(SIZE_MAX / 2 + 1), 2);
    assert_true(over.overflow);
    assert_true(clr_size_mul(over, 0).overflow); /* once lost, always lost */
    assert_true(clr_size_add(over, clr_size_of(1)).overflow);
    assert_true(clr_size_add(clr_size_of(1), over).overflow);
    assert_true(clr_size_add(clr_size_of(SIZE_MAX), clr_size_of(1)).overflow);
    assert_false(clr_size_add(clr_size_of(SIZE_MAX - 1), clr_size_of(1)).overflow);
}

static void test_memory(void **state)
{
    (void)state;
    int *numbers = clr_calloc(3, sizeof *numbers);
    assert_non_null(numbers);
    assert_int_equal(numbers[0] | numbers[1] | numbers[2], 0);
    free(numbers);
    void *nothing = clr_calloc(0, 8);
    assert_non_null(nothing);
    free(nothing);
    assert_null(clr_calloc(SIZE_MAX / 2, 3));
    char *copy = clr_strdup("gate");
    assert_string_equal(copy, "gate");
    free(copy);
}

static void test_faults(void **state)
{
    (void)state;
    assert_false(clr_fault_hit(CLR_FAULT_OPENCL));
    clr_fault_inject(CLR_FAULT_OPENCL, 3);
    assert_false(clr_fault_hit(CLR_FAULT_WRITE));
    assert_false(clr_fault_hit(CLR_FAULT_OPENCL));
    assert_false(clr_fault_hit(CLR_FAULT_OPENCL));
    assert_true(clr_fault_hit(CLR_FAULT_OPENCL));
    assert_true(clr_fault_hit(CLR_FAULT_OPENCL));
    clr_fault_inject(CLR_FAULT_OPENCL, 0);
    assert_false(clr_fault_hit(CLR_FAULT_OPENCL));
    clr_fault_inject(CLR_FAULT_OPENCL, -2);
    assert_false(clr_fault_hit(CLR_FAULT_OPENCL));
    assert_true(clr_fault_hit(CLR_FAULT_OPENCL)); /* this one alone */
    assert_false(clr_fault_hit(CLR_FAULT_OPENCL));
    clr_fault_inject(CLR_FAULT_MEMORY, 1);
    assert_null(clr_calloc(1, 1));
    assert_null(clr_strdup("x"));
    clr_fault_inject(CLR_FAULT_MEMORY, 0);
}

/* Known answers of Random123 1.14, tests/kat_vectors, philox4x32 with 10 rounds. */
static void test_philox(void **state)
{
    (void)state;
    static const struct {
        uint64_t key;
        uint32_t counter[4], expected[4];
    } known[] = {
        {0, {0, 0, 0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
        {UINT64_MAX,
         {UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX},
         {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
        {UINT64_C(0x299f31d0a4093822),
         {0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
         {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        clr_philox_block block = clr_philox(known[i].key, known[i].counter);
        assert_memory_equal(block.word, known[i].expected, sizeof block.word);
    }
    assert_true(clr_uniform(0) == 0.0);
    assert_true(clr_uniform(UINT32_MAX) < 1.0);
}

/* --- files ------------------------------------------------------------------------------------ */

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

static void test_file_round_trip(void **state)
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

static void test_file_without_folder(void **state)
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

static void test_file_refusals(void **state)
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

static void test_file_mode_and_link(void **state)
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
static void test_file_faults(void **state)
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
static void test_file_limit(void **state)
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
static void test_file_whole(void **state)
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
        cmocka_unit_test(test_status),
        cmocka_unit_test(test_log_levels),
        cmocka_unit_test(test_log_cut),
        cmocka_unit_test(test_checked),
        cmocka_unit_test(test_memory),
        cmocka_unit_test(test_faults),
        cmocka_unit_test(test_philox),
        cmocka_unit_test(test_file_round_trip),
        cmocka_unit_test(test_file_without_folder),
        cmocka_unit_test(test_file_refusals),
        cmocka_unit_test(test_file_mode_and_link),
        cmocka_unit_test(test_file_faults),
        cmocka_unit_test(test_file_limit),
        cmocka_unit_test(test_file_whole),
    };
    return cmocka_run_group_tests_name("base", tests, NULL, NULL);
}
