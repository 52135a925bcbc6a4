/* SPDX-License-Identifier: MIT
 * model/test_hostile_files.c - files that lie or contradict themselves: each gives an error that
 * names the field, and nothing else happens. */
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <clrnn/tensors.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* A copy in memory of exactly that size, so that a sanitizer sees each byte read beyond it. */
static clrnn_status parse(const void *bytes, size_t size, clrnn_tensors **set)
{
    void *copy = malloc(size ? size : 1);
    assert_non_null(copy);
    memcpy(copy, bytes, size);
    clrnn_status status = clrnn_tensors_parse(copy, size, "hostile", &test_log, set);
    free(copy);
    return status;
}

static void assert_refused(const void *bytes, size_t size, const char *error)
{
    clrnn_tensors *set = (clrnn_tensors *)&set;
    test_last_error[0] = 0;
    clrnn_status status = parse(bytes, size, &set);
    if (status != CLRNN_ERR_FORMAT)
        fail_msg("%s, expected an error with \"%s\"", clrnn_status_name(status), error);
    assert_null(set);
    assert_error_contains(error);
}

/* --- safetensors ---------------------------------------------------------------------------- */

/* The bytes of a file with this header and `data` zeros after it. */
static size_t build(unsigned char *file, uint64_t length, const char *header, size_t size,
                    size_t data)
{
    for (int i = 0; i < 8; i++)
        file[i] = (unsigned char)(length >> 8 * i);
    memcpy(file + 8, header, size);
    memset(file + 8 + size, 0, data);
    return 8 + size + data;
}

#define T(name, dtype, shape, offsets) \
    "\"" name "\":{\"dtype\":\"" dtype "\",\"shape\":[" shape "],\"data_offsets\":[" offsets "]}"
#define A(shape, offsets) "{" T("a", "F32", shape, offsets) "}"

static const struct {
    const char *header;
    size_t data;
    const char *error;
} headers[] = {
    {"", 0, "header length"},
    {"[]", 0, "begins with {"},
    {" {}", 0, "begins with {"},
    {"{", 0, "begins with {"},
    {"{{", 0, "name in quotes"},
    {"{}x", 0, "nothing after }"},
    {"{}{}", 0, "nothing after }"},
    {"{\"a\"}", 0, ": after a name"},
    {"{\"a}", 0, "name in quotes"},
    {"{a:1}", 0, "name in quotes"},
    {"{\"a\\q\":1}", 0, "name in quotes"},
    {"{\"a\\ud800\":1}", 0, "name in quotes"},
    {"{" T("a", "F32", "0", "0,0") ",}", 0, "name in quotes"},
    {"{" T("a", "F32", "0", "0,0") T("b", "F32", "0", "0,0") "}", 0, ", or }"},
    {"{" T("a", "F32", "0", "0,0"), 0, ", or }"},
    {"{\"\xFF\":{}}", 0, "UTF-8"},
    {"{\"a\\u0000b\":{}}", 0, "control character"},
    {"{\"a\x01\":{}}", 0, "control character"},
    {"{}", 1, "last 1 bytes"},
    /* entries */
    {"{\"a\":1}", 0, "JSON object"},
    {"{\"a\":[]}", 0, "JSON object"},
    {"{\"a\":\xEF\xBB\xBF{}}", 0, "JSON object"},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[0,4]}", 4, ", or }"},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[0,4]", 4, "JSON object"},
    {"{\"a\":{}}", 0, "field dtype"},
    {"{\"a\":{\"dtype\":\"F32\"}}", 0, "field shape"},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[]}}", 0, "field data_offsets"},
    {"{\"a\":{\"dtype\":\"F32\",\"Shape\":[],\"data_offsets\":[0,4]}}", 4, "field shape"},
    {"{\"a\":{\"dtype\":\"F32\",\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[0,4]}}", 4,
     "field dtype"},
    {"{\"a\":{\"dtype\":7,\"shape\":[],\"data_offsets\":[0,4]}}", 4, "field dtype"},
    {"{" T("a", "F8_E4M3", "4", "0,4") "}", 4, "\"F8_E4M3\""},
    {"{" T("a", "f32", "1", "0,4") "}", 4, "\"f32\""},
    {"{" T("a\\n\\u00e9", "X", "", "0,4") "}", 4, "tensor \"a?\xC3\xA9\", field dtype"},
    /* shapes */
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":{},\"data_offsets\":[0,4]}}", 4, "field shape"},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":1,\"data_offsets\":[0,4]}}", 4, "field shape"},
    {A("\\\"1\\\"", "0,4"), 4, "JSON object"},
    {A("-1", "0,4"), 4, "field shape"},
    {A("1.5", "0,6"), 6, "field shape"},
    {A("1e400", "0,4"), 4, "field shape"},
    {A("null", "0,4"), 4, "field shape"},
    {A("[1]", "0,4"), 4, "field shape"},
    {A("1,1,1,1,1,1,1,1,1", "0,4"), 4, "field shape"},
    {A("9007199254740992,0", "0,0"), 0, "field shape"},
    {A("4294967296,4294967296", "0,0"), 0, "shape [4294967296,4294967296]"},
    {A("4294967296,4294967296,4", "0,4"), 4, "does not fit"},
    {A("4503599627370496,1024", "0,0"), 0, "does not fit"},
    {A("2", "0,4"), 4, "shape [2]"},
    {A("1", "0,8"), 8, "data_offsets [0,8]"},
    {A("0", "0,4"), 4, "does not fit"},
    /* offsets */
    {A("1", "4"), 4, "field data_offsets"},
    {A("1", "0,4,8"), 8, "field data_offsets"},
    {A("1", "-4,0"), 4, "field data_offsets"},
    {A("1", "0.5,4.5"), 5, "field data_offsets"},
    {A("1", "4,0"), 4, "data_offsets: [4,0]"},
    {A("1", "4,8"), 4, "[4,8] in 4 bytes"},
    {A("1", "1e30,2e30"), 4, "field data_offsets"},
    {A("1", "18446744073709551612,18446744073709551616"), 4, "field data_offsets"},
    {A("1", "9007199254740988,9007199254740991"), 4, "data_offsets: [9007199254740988"},
    {A("1", "1,5"), 5, "without hole or overlap"},
    {A("1", "0,4"), 5, "last 1 bytes"},
    {"{" T("a", "F32", "1", "0,4") "," T("b", "F32", "1", "0,4") "}", 8, "hole or overlap"},
    {"{" T("a", "F32", "2", "0,8") "," T("b", "F32", "1", "4,8") "}", 8, "hole or overlap"},
    {"{" T("a", "F32", "1", "0,4") "," T("b", "F32", "1", "8,12") "}", 12, "hole or overlap"},
    {"{" T("a", "F32", "1", "0,4") "," T("b", "F32", "0", "2,2") "}", 4, "hole or overlap"},
    {"{" T("a", "F32", "1", "0,4") "," T("a", "F32", "1", "4,8") "}", 8, "tensor \"a\" occurs"},
    {"{" T("a", "F32", "1", "0,4") "," T("\\u0061", "U8", "0", "4,4") "}", 4, "\"a\" occurs"},
    /* metadata */
    {"{\"__metadata__\":{\"k\":1}}", 0, "__metadata__"},
    {"{\"__metadata__\":{\"k\":null}}", 0, "__metadata__"},
    {"{\"__metadata__\":{\"k\":{}}}", 0, "__metadata__"},
    {"{\"__metadata__\":[]}", 0, "expected {"},
    {"{\"__metadata__\":\"x\"}", 0, "expected {"},
    {"{\"__metadata__\":{},\"__metadata__\":{}}", 0, "__metadata__ occurs twice"},
    {"{\"__metadata__\":{\"k\":\"1\",\"j\":\"\",\"k\":\"2\"}}", 0, "metadata \"k\" occurs twice"},
    {"{\"__metadata__\":{\"k\":\"\\u0000\"}}", 0, "control character"},
};

static void test_headers(void **state)
{
    (void)state;
    static unsigned char file[4096];
    for (size_t i = 0; i < COUNT(headers); i++) {
        size_t length = strlen(headers[i].header);
        size_t size = build(file, length, headers[i].header, length, headers[i].data);
        assert_refused(file, size, headers[i].error);
    }
    /* A NUL in the header, and lengths that lie. */
    static const uint64_t lengths[] = {1, 11, 100000001, 1ull << 32, 1ull << 63, UINT64_MAX - 7};
    assert_refused(file, build(file, 5, "{\"\0\":", 5, 0), "control character");
    for (size_t i = 0; i < COUNT(lengths); i++)
        assert_refused(file, build(file, lengths[i], "{}", 2, 8), "header length");
    assert_refused(file, 0, "0 bytes");

    /* A header that is there, but longer than the format allows. */
    enum { MOST = 100000000 };
    unsigned char *large = calloc(8 + MOST + 1, 1);
    clrnn_tensors *set = NULL;
    assert_non_null(large);
    build(large, MOST + 1, "{}", 2, 0);
    assert_int_equal(clrnn_tensors_parse(large, 8 + MOST + 1, "large", &test_log, &set),
                     CLRNN_ERR_FORMAT);
    assert_error_contains("header length 100000001");
    free(large);
}

/* What looks odd and is right. */
static void test_legal_headers(void **state)
{
    (void)state;
    static const struct {
        const char *header;
        size_t data, count;
    } rows[] = {
        {"{}", 0, 0},
        {"{ \"a\" :\n{\"data_offsets\": [0 , 4],\t\"shape\" : [ ], \"dtype\":\"F32\" } }   ", 4, 1},
        {"{\"__metadata__\":{}}", 0, 0},
        {"{" T("b", "F32", "1", "4,8") "," T("a", "F32", "1", "0,4") "}", 8, 2},
        {"{" T("z", "U8", "0", "4,4") "," T("a", "F32", "1", "0,4") "," T("", "U8", "3,0",
                                                                          "0,0") "}",
         4, 3},
        {"{" T("a\\\\u0000", "F32", "1e0", "0,4") "}", 4, 1},
        {"{\"a\":{\"dtype\":\"U8\",\"shape\":[],\"data_offsets\":[0,1],\"more\":[{}]}}", 1, 1},
    };
    static unsigned char file[4096];
    for (size_t i = 0; i < COUNT(rows); i++) {
        size_t length = strlen(rows[i].header);
        clrnn_tensors *set = NULL;
        size_t size = build(file, length, rows[i].header, length, rows[i].data);
        if (parse(file, size, &set) != CLRNN_OK)
            fail_msg("%s: %s", rows[i].header, test_last_error);
        assert_int_equal(clrnn_tensors_count(set), rows[i].count);
        clrnn_tensors_destroy(&set);
    }
}

/* Deep nesting and long entries end early: an entry is parsed from a window of bounded size. */
static void test_large_headers(void **state)
{
    (void)state;
    enum { SIZE = 1 << 20 };
    char *header = malloc(SIZE);
    unsigned char *file = malloc(SIZE + 8);
    assert_non_null(header);
    assert_non_null(file);
    static const char *const starts[] = {"{\"a\":", "{\"a\":{\"shape\":[", "{\"a\":{"};
    static const char *const repeats[] = {"[", "0,", "\"dtype\":{"};
    for (size_t i = 0; i < COUNT(starts); i++) {
        size_t n = strlen(starts[i]), step = strlen(repeats[i]);
        memcpy(header, starts[i], n);
        for (; n + step <= SIZE; n += step)
            memcpy(header + n, repeats[i], step);
        assert_refused(file, build(file, n, header, n, 0), "tensor \"a\"");
    }
    free(file);
    free(header);
}

/* --- .npy ----------------------------------------------------------------------------------- */

#define NPY(descr, fortran, shape) \
    "{'descr': " descr ", 'fortran_order': " fortran ", 'shape': " shape ", }\n"

static const struct {
    const char *header;
    size_t data;
    const char *error; /* NULL = right */
} npy[] = {
    {NPY("'<f4'", "False", "(2, 3)"), 24, NULL},
    {"{\"shape\":(2,3,),\n\"descr\" :'f4' , 'fortran_order':True}", 24, NULL},
    {NPY("'=f4'", "False", "(6L,)"), 24, NULL},
    {NPY("'|u1'", "True", "()"), 1, NULL},
    {NPY("'>i8'", "True", "(2, 0, 3)"), 0, NULL},
    {"", 0, "(start)"},
    {"[]", 0, "(start)"},
    {"{", 0, "(key)"},
    {"{}", 0, "field descr"},
    {"{'descr': '<f4', 'fortran_order': False}", 4, "field shape"},
    {"{'descr': '<f4', 'shape': ()}", 4, "field fortran_order"},
    {"{'descr': '<f4' 'shape': ()}", 4, "(key)"},
    {"{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': ()}", 4, "field descr"},
    {"{'descr': '<f4', 'fortran_order': False, 'shape': (), 'x': 1}", 4, "field x"},
    {NPY("'<f4'", "False", "()") "x", 4, "(end)"},
    {NPY("'<f4", "False", "()"), 4, "descr"},
    {NPY("<f4", "False", "()"), 4, "field descr"},
    {NPY("''", "False", "()"), 4, "type ''"},
    {NPY("'<'", "False", "()"), 4, "type '<'"},
    {NPY("'<f3'", "False", "()"), 4, "type '<f3'"},
    {NPY("'<f16'", "False", "()"), 16, "type '<f16'"},
    {NPY("'|O'", "False", "()"), 8, "type '|O'"},
    {NPY("'<c8'", "False", "()"), 8, "type '<c8'"},
    {NPY("'<V2'", "False", "()"), 2, "type '<V2'"},
    {NPY("'<aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'", "False", "()"), 2, "field descr"},
    {NPY("[('a', '<f4')]", "False", "()"), 4, "field descr"},
    {NPY("'<f4'", "0", "()"), 4, "field fortran_order"},
    {NPY("'<f4'", "false", "()"), 4, "field fortran_order"},
    {NPY("'<f4'", "False", "[1]"), 4, "field shape"},
    {NPY("'<f4'", "False", "(1)"), 4, "field shape"},
    {NPY("'<f4'", "False", "1"), 4, "field shape"},
    {NPY("'<f4'", "False", "(-1,)"), 4, "field shape"},
    {NPY("'<f4'", "False", "(1.5,)"), 4, "field shape"},
    {NPY("'<f4'", "False", "(1 2)"), 8, "field shape"},
    {NPY("'<f4'", "False", "(1,,2)"), 8, "field shape"},
    {NPY("'<f4'", "False", "(,)"), 4, "field shape"},
    {NPY("'<f4'", "False", "(1,1,1,1,1,1,1,1,1)"), 4, "more than 8"},
    {NPY("'<f4'", "False", "(9007199254740992, 0)"), 0, "9007199254740992"},
    {NPY("'<f4'", "False", "(99999999999999999999999,)"), 0, "field shape"},
    {NPY("'<f4'", "False", "(4294967296, 4294967296)"), 0, "too large"},
    {NPY("'<f4'", "True", "(4294967296, 4294967296)"), 0, "too large"},
    {NPY("'<f4'", "False", "(2, 3)"), 23, "23 bytes"},
    {NPY("'<f4'", "False", "(2, 3)"), 25, "needs 24"},
    {NPY("'<f4'", "False", "(0,)"), 4, "needs 0"},
};

static void test_npy(void **state)
{
    (void)state;
    unsigned char file[512] = "\x93NUMPY\1";
    for (size_t i = 0; i < COUNT(npy); i++) {
        size_t length = strlen(npy[i].header);
        file[8] = (unsigned char)length;
        memcpy(file + 10, npy[i].header, length);
        memset(file + 10 + length, 0, npy[i].data);
        clrnn_tensors *set = NULL;
        if (npy[i].error) {
            assert_refused(file, 10 + length + npy[i].data, npy[i].error);
        } else {
            if (parse(file, 10 + length + npy[i].data, &set) != CLRNN_OK)
                fail_msg("%s: %s", npy[i].header, test_last_error);
            assert_int_equal(clrnn_tensors_at(set, 0)->bytes, npy[i].data);
            clrnn_tensors_destroy(&set);
        }
    }
    static const char *const starts[] = {"\x93NUMPY\0\0\2\0{}", "\x93NUMPY\4\0\2\0{}",
                                         "\x93NUMPY\1\1\2\0{}", "\x93NUMPY\1\0\3\0{}",
                                         "\x93NUMPY\2\0\1\0\0\1"};
    for (size_t i = 0; i < COUNT(starts); i++)
        assert_refused(starts[i], 12, i < 3 ? "version" : "header length");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_headers),
        cmocka_unit_test(test_legal_headers),
        cmocka_unit_test(test_large_headers),
        cmocka_unit_test(test_npy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
