/* SPDX-License-Identifier: MIT
 * tests/model/test_csv.c - tables of numbers: what is read of them, and what is no table. */
#include "support.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include <clrnn/tensors.h>

static const char *write_file(const char *text, size_t size)
{
    static char path[300];
    snprintf(path, sizeof path, "%s/table.csv", test_folder());
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, size, file), size);
    fclose(file);
    return path;
}

/* values: up to the first 999 all rows, as they should be; -1: NaN */
static void reads(const char *text, const char *columns, const char *names, uint64_t rows,
                  uint64_t count, const double *values)
{
    clrnn_tensors *set = NULL;
    clrnn_status status = clrnn_csv_load(write_file(text, strlen(text)), columns, &test_log, &set);
    if (status)
        fail_msg("%s: %s", text, test_last_error);
    const clrnn_tensor *t = clrnn_tensors_find(set, "");
    assert_true(t->dtype == CLRNN_DTYPE_F64 && t->rank == 2);
    assert_int_equal(t->shape[0], rows);
    assert_int_equal(t->shape[1], count);
    for (size_t i = 0; i < rows * count; i++) {
        const double v = ((const double *)t->data)[i];
        if (values[i] == -1 ? !isnan(v) : v != values[i])
            fail_msg("%s: number %zu is %g, not %g", text, i, v, values[i]);
    }
    assert_string_equal(clrnn_tensors_metadata(set, "columns"), names);
    clrnn_tensors_destroy(&set);
}

static void tables(void **state)
{
    (void)state;
    const double v[] = {1, 2, 3, 4, 5, 6};
    reads("a,b,c\n1,2,3\n4,5,6\n", NULL, "a,b,c", 2, 3, v);
    reads("1,2,3\n4,5,6", NULL, "1,2,3", 2, 3, v);
    reads("\xef\xbb\xbf\"a\";\"b\";c\r\n1;2;3\r\n\r\n4;5;6\r\n\r\n", NULL, "a,b,c", 2, 3, v);
    reads("x\ty\tz\n 1 \t2.0\t+3\n4e0\t.5e1\t6\n", NULL, "x,y,z", 2, 3, v);
    reads("\"a \"\"q\"\"\",b\n1,2\n3,4\n5,6\n", NULL, "a \"q\",b", 3, 2, v);
    reads("a,b,c,d\n9,1,9,2\n9,3,9,4\n9,5,9,6\n", "b,d", "b,d", 3, 2, v);
    reads("a,b,c,d\n9,1,2,9\n9,3,4,9\n9,5,6,9\n", "b-c", "b,c", 3, 2, v);
    reads("a,b,c,d\n9,2,1,9\n9,4,3,9\n9,6,5,9\n", "3,2", "c,b", 3, 2, v);
    reads("day,b,c\nmon,1,2\ntue,3,4\nwed,5,6\n", "2-", "b,c", 3, 2, v);
    reads("day,b,c\nmon,1,2\ntue,3,4\nwed,5,6\n", "!day", "b,c", 3, 2, v);
    const double gaps[] = {1, -1, -1, 4, -1, 6};
    reads("a,b,c\n1,,NA\n4,nan,6\n", NULL, "a,b,c", 2, 3, gaps);
}

static void reads_words(const char *text, const char *column, const char *words, uint64_t rows,
                        const double *values)
{
    clrnn_tensors *set = NULL;
    if (clrnn_csv_load_words(write_file(text, strlen(text)), column, &test_log, &set))
        fail_msg("%s: %s", text, test_last_error);
    const clrnn_tensor *t = clrnn_tensors_find(set, "");
    assert_true(t->dtype == CLRNN_DTYPE_F64 && t->rank == 2 && t->shape[1] == 1);
    assert_int_equal(t->shape[0], rows);
    for (size_t i = 0; i < rows; i++) {
        const double v = ((const double *)t->data)[i];
        assert_true(values[i] == -1 ? isnan(v) : v == values[i]);
    }
    assert_string_equal(clrnn_tensors_metadata(set, "words"), words);
    clrnn_tensors_destroy(&set);
}

static void words(void **state)
{
    (void)state;
    char text[200];
    const double v[] = {2, 0, -1, 2, 1};
    reads_words("a,b\n1,up\n2,10\n3,\n4,up\n5,down\n", "b", "10\ndown\nup", 5, v);
    reads_words("a,b\n1,up\n2,2\nx,NA\n4,up\n5,10\n", "2", "2\n10\nup", 5, v);
    reads_words("a,b\n1,b a\n2,\"a,\"\n3,?\n4,b a\n5,b\n", "b", "a,\nb\nb a", 5, v);
    reads_words("a,b\n1,\n2,NA\n", "b", "", 2, (const double[]){-1, -1});
    static const struct {
        const char *text, *columns;
        clrnn_status status;
        const char *message;
    } bad[] = {{"a,b\n1,x\n", "a-b", CLRNN_ERR_ARGUMENT, "\"a-b\" is 2 columns"},
               {"a,b\n1,x\n", "c", CLRNN_ERR_ARGUMENT, "there are a, b"},
               {"a,b\n1,\"x\ny\"\n", "b", CLRNN_ERR_FORMAT, "line 2, column b: a word of"},
               {"a,b\n", "b", CLRNN_ERR_FORMAT, "without rows"}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        clrnn_tensors *set = (clrnn_tensors *)(void *)&text;
        const char *path = write_file(bad[i].text, strlen(bad[i].text));
        assert_int_equal(clrnn_csv_load_words(path, bad[i].columns, &test_log, &set),
                         bad[i].status);
        assert_null(set);
        assert_error_contains(bad[i].message);
    }
    for (int length = 119; length <= 120; length++) {
        clrnn_tensors *set = NULL;
        const int size = snprintf(text, sizeof text, "a\n%0*d\n", length, 1);
        text[3] = 'x';
        assert_int_equal(clrnn_csv_load_words(write_file(text, (size_t)size), "a", &test_log, &set),
                         length < 120 ? CLRNN_OK : CLRNN_ERR_FORMAT);
        clrnn_tensors_destroy(&set);
    }
}

static void is_none(const char *text, size_t size, const char *columns, clrnn_status status,
                    const char *message)
{
    clrnn_tensors *set = (clrnn_tensors *)(void *)&status;
    assert_int_equal(clrnn_csv_load(write_file(text, size), columns, &test_log, &set), status);
    assert_null(set);
    assert_error_contains(message);
}

static void no_tables(void **state)
{
    (void)state;
#define NONE(text, columns, status, message) \
    is_none(text, sizeof(text) - 1, columns, status, message)
    NONE("", NULL, CLRNN_ERR_FORMAT, "without rows");
    NONE("\n\n", NULL, CLRNN_ERR_FORMAT, "without rows");
    NONE("a,b\n", NULL, CLRNN_ERR_FORMAT, "without rows");
    NONE("a,b\n1,x\n", NULL, CLRNN_ERR_FORMAT, "line 2, column b: \"x\"");
    NONE("a,b\n1,2\n\n1,0x10\n", NULL, CLRNN_ERR_FORMAT, "line 4, column b");
    NONE("a,b\n1,inf\n", NULL, CLRNN_ERR_FORMAT, "column b");
    NONE("a,b\n1,1e999\n", NULL, CLRNN_ERR_FORMAT, "column b");
    NONE("a,b\n1,2,3\n", NULL, CLRNN_ERR_FORMAT, "line 2 has 3 columns");
    NONE("a,b\n1\n", NULL, CLRNN_ERR_FORMAT, "line 2 has 1 columns");
    NONE("a,b\n1,\0\n", NULL, CLRNN_ERR_FORMAT, "zero");
    NONE("a,b\n1,\"2\n", NULL, CLRNN_ERR_FORMAT, "column b");
    NONE("a,b\n1,2\n", "c", CLRNN_ERR_ARGUMENT, "there are a, b");
    NONE("a,b\n1,2\n", "b-a", CLRNN_ERR_ARGUMENT, "b-a");
    NONE("a,b\n1,2\n", "3", CLRNN_ERR_ARGUMENT, "\"3\"");
    NONE("a,b\n1,2\n", "!a,b", CLRNN_ERR_ARGUMENT, "no column is left");
}

/* Any cut of a table is a table or none, and nothing else happens. */
static void cut_anywhere(void **state)
{
    (void)state;
    static const char text[] = "\"a\",b\r\n1,\"2\"\r\n-3.5e-1,\"4\"\"\"\n,NA\n";
    for (size_t size = 0; size < sizeof text; size++) {
        clrnn_tensors *set = NULL;
        clrnn_status status = clrnn_csv_load(write_file(text, size), NULL, &test_log, &set);
        assert_true(status == CLRNN_OK || status == CLRNN_ERR_FORMAT);
        clrnn_tensors_destroy(&set);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tables),
        cmocka_unit_test(words),
        cmocka_unit_test(no_tables),
        cmocka_unit_test(cut_anywhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
