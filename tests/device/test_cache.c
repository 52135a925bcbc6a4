/* SPDX-License-Identifier: MIT
 * tests/device/test_cache.c - a file of the cache is never a symbolic link, neither read nor
 * written through. Without a device. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "device/binary_cache.h"
#include "support.h"

static const char key[] = "a key", binary[] = "a binary";

static bool is_cached(const char *folder)
{
    clr_binary found;
    bool there = clr_cache_load(folder, key, &test_log, &found);
    if (there) {
        assert_int_equal(found.size, sizeof binary);
        assert_memory_equal(found.data, binary, sizeof binary);
    }
    free(found.file);
    return there;
}

/* Path of the only file in the folder, into path [1000]. */
static void only_file(const char *folder, char *path)
{
    int count = 0;
    DIR *entries = opendir(folder);
    assert_non_null(entries);
    for (struct dirent *e; (e = readdir(entries)) != NULL;)
        if (e->d_name[0] != '.') {
            snprintf(path, 1000, "%s/%s", folder, e->d_name);
            count++;
        }
    closedir(entries);
    assert_int_equal(count, 1);
}

static void planted_links(void **state)
{
    (void)state;
    char folder[512], user[512], cached[1000];
    struct stat about;
    snprintf(folder, sizeof folder, "%s/cache", test_folder());
    snprintf(user, sizeof user, "%s/user", test_folder());
    assert_int_equal(clr_cache_store(folder, key, binary, sizeof binary, &test_log), CLRNN_OK);
    assert_true(is_cached(folder));
    only_file(folder, cached);
    /* a good file, but behind a link */
    assert_int_equal(rename(cached, user), 0);
    assert_int_equal(symlink(user, cached), 0);
    assert_false(is_cached(folder));
    const clr_piece piece = {"mine", 4};
    assert_int_equal(clr_file_write(user, &piece, 1, &test_log), CLRNN_OK);
    assert_int_equal(clr_cache_store(folder, key, binary, sizeof binary, &test_log), CLRNN_OK);
    assert_true(is_cached(folder));
    assert_int_equal(lstat(cached, &about), 0);
    assert_true(S_ISREG(about.st_mode));
    assert_int_equal(stat(user, &about), 0);
    assert_int_equal(about.st_size, 4);
    /* and one to nowhere, which must stay nowhere */
    assert_int_equal(remove(cached), 0);
    assert_int_equal(remove(user), 0);
    assert_int_equal(symlink(user, cached), 0);
    assert_int_equal(clr_cache_store(folder, key, binary, sizeof binary, &test_log), CLRNN_OK);
    assert_true(is_cached(folder));
    assert_int_not_equal(stat(user, &about), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(planted_links)};
    return cmocka_run_group_tests_name("cache", tests, NULL, NULL);
}
