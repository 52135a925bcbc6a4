/* SPDX-License-Identifier: MIT
 * tests/base/test_left_over.c - temporary files of killed processes are removed at the next write,
 * and nothing else is. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "support.h"

static const char *in_folder(const char *name)
{
    static char path[512];
    snprintf(path, sizeof path, "%s/%s", test_folder(), name);
    return path;
}

static void make(const char *name)
{
    int file = open(in_folder(name), O_WRONLY | O_CREAT | O_EXCL, 0600);
    assert_true(file >= 0);
    assert_int_equal(write(file, "left", 4), 4);
    close(file);
}

static bool is_there(const char *name)
{
    struct stat about;
    return lstat(in_folder(name), &about) == 0;
}

static void write_file(const char *name)
{
    const clr_piece piece = {"content", 7};
    assert_int_equal(clr_file_write(in_folder(name), &piece, 1, &test_log), CLRNN_OK);
}

/* The number of a process that was and is no more. */
static long dead_process(void)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        _exit(0);
    assert_int_equal(waitpid(child, NULL, 0), child);
    return (long)child;
}

/* "m.PROCESS-7.tmp" and the like, in one of a few static buffers. */
static const char *left_by(long process, const char *base)
{
    static char names[4][256];
    static int turn;
    turn = (turn + 1) % 4;
    snprintf(names[turn], sizeof names[turn], "%s.%ld-7.tmp", base, process);
    return names[turn];
}

static void make_old(const char *name)
{
    const struct timespec times[2] = {{1000000000, 0}, {1000000000, 0}}; /* 2001 */
    make(name);
    assert_int_equal(utimensat(AT_FDCWD, in_folder(name), times, 0), 0);
}

static void those_of_the_dead_go(void **state)
{
    (void)state;
    long dead = dead_process();
    make(left_by(dead, "m"));
    make("m.99999999-0.tmp");
    write_file("m");
    assert_false(is_there(left_by(dead, "m")));
    assert_false(is_there("m.99999999-0.tmp"));
    assert_true(is_there("m"));
    /* a file of the library's own, and one behind a link */
    const clr_piece piece = {"content", 7};
    make(left_by(dead, "m"));
    assert_int_equal(clr_file_write_nofollow(in_folder("m"), &piece, 1, &test_log), CLRNN_OK);
    assert_false(is_there(left_by(dead, "m")));
    make(left_by(dead, "m"));
    make(left_by(dead, "link"));
    assert_int_equal(symlink("m", in_folder("link")), 0);
    write_file("link");
    assert_false(is_there(left_by(dead, "m")));
    assert_true(is_there(left_by(dead, "link"))); /* no name of a file that was written here */
    assert_int_equal(remove(in_folder(left_by(dead, "link"))), 0);
    assert_int_equal(remove(in_folder("link")), 0);
    assert_int_equal(remove(in_folder("m")), 0);
}

static void what_is_not_ours_stays(void **state)
{
    (void)state;
    long dead = dead_process();
    const char *const names[] = {"m.tmp",
                                 "m.x-7.tmp",
                                 "m.-7.tmp",
                                 "m.0-7.tmp",
                                 "m.099999-7.tmp",
                                 "m.99999999-07.tmp",
                                 "m.99999999.tmp",
                                 "m.99999999-.tmp",
                                 "m.99999999-7.tmp2",
                                 "m.99999999-7.TMP",
                                 "m.99999999-7-7.tmp",
                                 "m.99999999999999999999-7.tmp",
                                 "m.4294967295-7.tmp",
                                 "m2.99999999-7.tmp",
                                 "xm.99999999-7.tmp",
                                 ".99999999-7.tmp"};
    const size_t count = sizeof names / sizeof *names;
    for (size_t i = 0; i < count; i++)
        make(names[i]);
    assert_int_equal(mkdir(in_folder(left_by(dead, "m")), 0700), 0);
    assert_int_equal(symlink("m.tmp", in_folder("m.99999998-7.tmp")), 0);
    make(left_by((long)getpid(), "m"));
    make(left_by((long)getppid(), "m"));
    write_file("m");
    for (size_t i = 0; i < count; i++)
        if (!is_there(names[i]))
            fail_msg("%s is gone", names[i]);
    assert_true(is_there(left_by(dead, "m")) && is_there("m.99999998-7.tmp"));
    assert_true(is_there(left_by((long)getpid(), "m")));
    assert_true(is_there(left_by((long)getppid(), "m")));
    for (size_t i = 0; i < count; i++)
        assert_int_equal(remove(in_folder(names[i])), 0);
    assert_int_equal(remove(in_folder(left_by(dead, "m"))), 0);
    assert_int_equal(remove(in_folder("m.99999998-7.tmp")), 0);
    assert_int_equal(remove(in_folder(left_by((long)getpid(), "m"))), 0);
    assert_int_equal(remove(in_folder(left_by((long)getppid(), "m"))), 0);
    assert_int_equal(remove(in_folder("m")), 0);
}

/* Who cannot see the writer, in another container or on another machine, sees its lock. */
static void what_is_locked_stays(void **state)
{
    (void)state;
    make("m.99999999-7.tmp");
    int file = open(in_folder("m.99999999-7.tmp"), O_RDONLY);
    assert_int_equal(flock(file, LOCK_EX), 0);
    write_file("m");
    assert_true(is_there("m.99999999-7.tmp"));
    close(file);
    write_file("m");
    assert_false(is_there("m.99999999-7.tmp"));
    assert_int_equal(remove(in_folder("m")), 0);
}

/* A number that another process has got since, as this one's own in a container. */
static void a_number_used_again(void **state)
{
    (void)state;
    if (access("/proc/self/stat", R_OK) != 0)
        skip();
    make_old(left_by((long)getpid(), "m"));
    make_old(left_by(1, "m"));
    write_file("m");
    assert_false(is_there(left_by((long)getpid(), "m")));
    assert_false(is_there(left_by(1, "m")));
    assert_int_equal(remove(in_folder("m")), 0);
}

static void what_others_own_stays(void **state)
{
    (void)state;
    if (geteuid() != 0)
        skip();
    make("m.99999999-7.tmp");
    assert_int_equal(chown(in_folder("m.99999999-7.tmp"), 1234, 1234), 0);
    write_file("m");
    assert_true(is_there("m.99999999-7.tmp"));
    assert_int_equal(remove(in_folder("m.99999999-7.tmp")), 0);
    assert_int_equal(remove(in_folder("m")), 0);
}

/* Wait until `file` has been replaced `times` times. */
static void wait_for_writes(const char *file, int times)
{
    struct stat about;
    for (ino_t last = 0; times > 0;)
        if (stat(file, &about) == 0 && about.st_ino != last) {
            last = about.st_ino;
            times--;
        }
}

/* A writer that is killed again and again, at any moment, leaves at most its last file. */
static void killed_writers(void **state)
{
    (void)state;
    static char text[300000];
    const clr_piece piece = {text, sizeof text};
    for (int i = 0; i < 20; i++) {
        pid_t writer = fork();
        assert_true(writer >= 0);
        while (writer == 0)
            if (clr_file_write(in_folder("m"), &piece, 1, NULL) != CLRNN_OK)
                _exit(1);
        wait_for_writes(in_folder("m"), 2 + i % 3);
        assert_int_equal(kill(writer, SIGKILL), 0);
        assert_int_equal(waitpid(writer, NULL, 0), writer);
    }
    write_file("m");
    assert_int_equal(remove(in_folder("m")), 0);
    assert_int_equal(rmdir(test_folder()), 0); /* it was empty */
    assert_int_equal(mkdir(test_folder(), 0700), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(those_of_the_dead_go),  cmocka_unit_test(what_is_not_ours_stays),
        cmocka_unit_test(what_is_locked_stays),  cmocka_unit_test(a_number_used_again),
        cmocka_unit_test(what_others_own_stays), cmocka_unit_test(killed_writers),
    };
    return cmocka_run_group_tests_name("left over", tests, NULL, NULL);
}
