/* SPDX-License-Identifier: MIT
 * model/test_tensor_files.c - files there and back, files written by NumPy and the safetensors
 * package (tests/data/tensors), and disks and memory that run out. */
#include "support.h"

#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <clrnn/tensors.h>

#include "base/file.h"
#include "base/memory.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

static const char *in_folder(const char *name)
{
    static char path[512];
    snprintf(path, sizeof path, "%s/%s", test_folder(), name);
    return path;
}

static clrnn_tensors *new_set(void)
{
    clrnn_tensors *set = NULL;
    assert_int_equal(clrnn_tensors_create(&test_log, &set), CLRNN_OK);
    return set;
}

static clrnn_tensors *load(const char *path)
{
    clrnn_tensors *set = NULL;
    if (clrnn_tensors_load(path, &test_log, &set) != CLRNN_OK)
        fail_msg("%s: %s", path, test_last_error);
    return set;
}

static clrnn_tensors *load_data(const char *name)
{
    char path[64];
    snprintf(path, sizeof path, "tensors/%s", name);
    return load(test_data(path));
}

static void assert_same(const clrnn_tensor *a, const clrnn_tensor *b)
{
    assert_non_null(a);
    assert_int_equal(a->dtype, b->dtype);
    assert_int_equal(a->rank, b->rank);
    assert_memory_equal(a->shape, b->shape, sizeof a->shape);
    assert_int_equal(a->count, b->count);
    assert_int_equal(a->bytes, b->bytes);
    assert_int_equal((uintptr_t)a->data % 64, 0);
    if (a->bytes > 0)
        assert_memory_equal(a->data, b->data, a->bytes);
}

/* --- there and back ------------------------------------------------------------------------- */

static const uint64_t shapes[][CLRNN_MAX_RANK] = {
    {0}, {7}, {2, 3}, {3, 1, 5}, {2, 0, 3}, {0}, {1, 2, 1, 2}, {2, 1, 1, 3, 1, 1, 1, 2}};
static const uint32_t ranks[] = {0, 1, 2, 3, 3, 1, 4, 8};

/* Every dtype with every shape, all bytes different from their neighbours. */
static clrnn_tensors *many_tensors(void)
{
    clrnn_tensors *set = new_set();
    unsigned char bytes[1000];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (unsigned char)(i * 73 + 5);
    for (size_t s = 0; s < COUNT(ranks); s++)
        for (int d = 0; d < CLRNN_DTYPE_COUNT; d++) {
            char name[40];
            snprintf(name, sizeof name, "%s \"\\\x01\x7F\xC3\xA9 %zu", clrnn_dtype_name(d), s);
            assert_int_equal(clrnn_tensors_add(set, name, (clrnn_dtype)d, ranks[s], shapes[s],
                                               bytes + 8 * s + (size_t)d),
                             CLRNN_OK);
        }
    return set;
}

static void test_safetensors_round_trip(void **state)
{
    (void)state;
    clrnn_tensors *out = many_tensors();
    assert_int_equal(clrnn_tensors_set_metadata(out, "k\n", "v\"\\\t\xE4\xB8\x96"), CLRNN_OK);
    assert_int_equal(clrnn_tensors_set_metadata(out, "", ""), CLRNN_OK);
    assert_int_equal(clrnn_tensors_save(out, in_folder("many.safetensors")), CLRNN_OK);
    clrnn_tensors *in = load(in_folder("many.safetensors"));
    assert_int_equal(clrnn_tensors_count(in), clrnn_tensors_count(out));
    for (size_t i = 0; i < clrnn_tensors_count(out); i++) {
        const clrnn_tensor *t = clrnn_tensors_at(out, i);
        assert_same(clrnn_tensors_find(in, t->name), t);
        const clrnn_tensor *read = clrnn_tensors_at(in, i);
        assert_ptr_equal(clrnn_tensors_find(in, read->name), read);
        if (i > 0 && read->count > 0) { /* the largest elements first */
            const clrnn_tensor *before = clrnn_tensors_at(in, i - 1);
            assert_true(before->count == 0 ||
                        before->bytes / before->count >= read->bytes / read->count);
        }
    }
    assert_string_equal(clrnn_tensors_metadata(in, "k\n"), "v\"\\\t\xE4\xB8\x96");
    assert_string_equal(clrnn_tensors_metadata(in, ""), "");
    clrnn_tensors_destroy(&in);
    clrnn_tensors_destroy(&out);

    out = new_set();
    assert_int_equal(clrnn_tensors_save(out, in_folder("none")), CLRNN_OK);
    in = load(in_folder("none"));
    assert_int_equal(clrnn_tensors_count(in), 0);
    clrnn_tensors_destroy(&in);
    clrnn_tensors_destroy(&out);
}

/* The bytes themselves: header padded so that the data begins at a multiple of 64. */
static void test_safetensors_bytes(void **state)
{
    (void)state;
    static const char expected[] =
        "{\"__metadata__\":{\"a\":\"b\"},\"y\":{\"dtype\":\"F64\",\"shape\":[],\"data_offsets\":"
        "[0,8]},\"x\":{\"dtype\":\"I16\",\"shape\":[1,3],\"data_offsets\":[8,14]}}";
    static const int16_t x[] = {1, 2, 0x0403};
    static const double y = 1;
    clrnn_tensors *set = new_set();
    assert_int_equal(clrnn_tensors_add(set, "x", CLRNN_DTYPE_I16, 2, (uint64_t[]){1, 3}, x),
                     CLRNN_OK);
    assert_int_equal(clrnn_tensors_add(set, "y", CLRNN_DTYPE_F64, 0, NULL, &y), CLRNN_OK);
    assert_int_equal(clrnn_tensors_set_metadata(set, "a", "b"), CLRNN_OK);
    assert_int_equal(clrnn_tensors_save(set, in_folder("small.safetensors")), CLRNN_OK);
    void *data = NULL;
    size_t size = 0;
    assert_int_equal(clr_file_read(in_folder("small.safetensors"), &test_log, &data, &size),
                     CLRNN_OK);
    const unsigned char *bytes = data;
    assert_int_equal(size, 192 + 14);
    assert_memory_equal(bytes, "\xB8\0\0\0\0\0\0\0", 8);
    assert_memory_equal(bytes + 8, expected, sizeof expected - 1);
    for (size_t i = 8 + sizeof expected - 1; i < 192; i++)
        assert_int_equal(bytes[i], ' ');
    assert_memory_equal(bytes + 192, "\0\0\0\0\0\0\xF0\x3F\1\0\2\0\3\4", 14);
    free(data);
    clrnn_tensors_destroy(&set);
}

static void test_npy_round_trip(void **state)
{
    (void)state;
    clrnn_tensors *all = many_tensors();
    for (size_t i = 0; i < clrnn_tensors_count(all); i++) {
        const clrnn_tensor *t = clrnn_tensors_at(all, i);
        clrnn_tensors *out = new_set(), *in = NULL;
        assert_int_equal(clrnn_tensors_add(out, t->name, t->dtype, t->rank, t->shape, t->data),
                         CLRNN_OK);
        clrnn_status status = clrnn_tensors_save(out, in_folder("one.npy"));
        if (t->dtype == CLRNN_DTYPE_BF16) {
            assert_int_equal(status, CLRNN_ERR_UNSUPPORTED);
            assert_error_contains("BF16");
        } else {
            assert_int_equal(status, CLRNN_OK);
            in = load(in_folder("one.npy"));
            assert_int_equal(clrnn_tensors_count(in), 1);
            assert_same(clrnn_tensors_find(in, ""), t);
        }
        clrnn_tensors_destroy(&in);
        clrnn_tensors_destroy(&out);
    }
    assert_int_equal(clrnn_tensors_save(all, in_folder("all.npy")), CLRNN_ERR_ARGUMENT);
    assert_error_contains("104 tensors");
    clrnn_tensors_destroy(&all);

    clrnn_tensors *set = load_data("f4_grid.npy");
    assert_int_equal(clrnn_tensors_set_metadata(set, "k", "v"), CLRNN_OK);
    assert_int_equal(clrnn_tensors_save(set, in_folder("k.npy")), CLRNN_ERR_ARGUMENT);
    assert_error_contains("1 strings");
    clrnn_tensors_destroy(&set);
}

/* --- files of others ------------------------------------------------------------------------ */

/* Element i of "extremes" of an integer of `bits` bits. */
static double extreme(size_t i, int bits, bool is_signed)
{
    const double least = is_signed ? -ldexp(1, bits - 1) : 0;
    const double most = ldexp(1, is_signed ? bits - 1 : bits) - 1;
    return (const double[]){least, most, 0, 1, 77}[i];
}

static void check_values(const clrnn_tensor *t, const char *name)
{
    double value[64] = {0};
    assert_non_null(t);
    assert_true(t->count <= COUNT(value));
    clrnn_tensor_to_f64(t, value);
    const bool grid = strstr(name, "grid") || strstr(name, "version") || strstr(name, "endian") ||
                      strstr(name, "fortran");
    if (grid) {
        static const uint64_t shape[] = {2, 3, 4};
        assert_int_equal(t->rank, 3);
        assert_memory_equal(t->shape, shape, sizeof shape);
        for (int i = 0; i < 24; i++)
            assert_true(value[i] == (i - 7.25) * (*name == 'i' ? 4 : 1));
    } else if (strstr(name, "scalar")) {
        assert_int_equal(t->rank, 0);
        assert_true(value[0] == -1.5e300);
    } else if (strstr(name, "empty")) {
        static const uint64_t shape[] = {0, 3};
        assert_int_equal(t->rank, 2);
        assert_int_equal(t->count, 0);
        assert_memory_equal(t->shape, shape, sizeof shape);
    } else if (strstr(name, "bool")) {
        assert_int_equal(t->rank, 2);
        assert_true(value[0] == 1 && value[1] == 0 && value[2] == 1 && t->count == 3);
    } else if (strstr(name, "values")) { /* the bits; what they mean: test_tensors.c */
        static const uint16_t f16[] = {0,      0x8000, 0x0001, 0x83FF, 0x0400, 0x7BFF,
                                       0x3C00, 0xBC01, 0x7C00, 0xFC00, 0x7E00};
        static const uint16_t bf16[] = {0,      0x8000, 0x0001, 0x807F, 0x0080, 0x7F7F,
                                        0x3F80, 0xBF81, 0x7F80, 0xFF80, 0x7FC0};
        const uint16_t *bits = t->data;
        assert_memory_equal(bits, *name == 'b' ? bf16 : f16, sizeof f16);
        for (size_t i = 11; i < t->count; i++)
            assert_int_equal(bits[i], (i - 11) << 10 | 0x155);
        assert_int_equal(t->count, *name == 'b' ? 11 : 42);
    } else {
        const int bytes = name[1] - '0';
        assert_int_equal(t->count, 5);
        assert_int_equal(t->bytes, 5 * bytes);
        for (size_t i = 0; i < 5; i++)
            assert_true(value[i] == extreme(i, 8 * bytes, *name == 'i'));
    }
}

static void test_numpy_files(void **state)
{
    (void)state;
    static const char *const names[] = {
        "f4_grid.npy",     "f4_version2.npy", "f4_version3.npy",           "f4_big_endian.npy",
        "f8_fortran.npy",  "f2_values.npy",   "i2_big_endian_fortran.npy", "f8_scalar.npy",
        "f4_empty.npy",    "bool.npy",        "i1_extremes.npy",           "u1_extremes.npy",
        "i2_extremes.npy", "u2_extremes.npy", "i4_extremes.npy",           "u4_extremes.npy",
        "i8_extremes.npy", "u8_extremes.npy"};
    for (size_t i = 0; i < COUNT(names); i++) {
        clrnn_tensors *set = load_data(names[i]);
        assert_int_equal(clrnn_tensors_count(set), 1);
        check_values(clrnn_tensors_find(set, ""), names[i]);
        const bool as_written = !strstr(names[i], "version") && !strstr(names[i], "endian") &&
                                !strstr(names[i], "fortran");
        if (as_written) { /* and what is written is NumPy's file byte for byte */
            char path[64];
            void *ours = NULL, *theirs = NULL;
            size_t our_size = 0, their_size = 1;
            snprintf(path, sizeof path, "tensors/%s", names[i]);
            assert_int_equal(clrnn_tensors_save(set, in_folder("again.npy")), CLRNN_OK);
            assert_int_equal(clr_file_read(in_folder("again.npy"), NULL, &ours, &our_size), 0);
            assert_int_equal(clr_file_read(test_data(path), NULL, &theirs, &their_size), 0);
            assert_int_equal(our_size, their_size);
            assert_memory_equal(ours, theirs, our_size);
            free(ours);
            free(theirs);
        }
        clrnn_tensors_destroy(&set);
    }
}

static void test_safetensors_files(void **state)
{
    (void)state;
    clrnn_tensors *set = load_data("all_types.safetensors");
    assert_int_equal(clrnn_tensors_count(set), 16);
    const char *odd = "name \"quoted\" \\ \xC3\xA9\xE4\xB8\x96\xF0\x9F\x98\x80\t";
    for (size_t i = 0; i < 16; i++) {
        const clrnn_tensor *t = clrnn_tensors_at(set, i);
        if (strcmp(t->name, odd) != 0)
            check_values(t, t->name);
    }
    assert_true(*(const float *)clrnn_tensors_find(set, odd)->data == 1);
    assert_string_equal(clrnn_tensors_metadata(set, "plain"), "text");
    assert_string_equal(clrnn_tensors_metadata(set, "quoted \"key\""),
                        "line\nbreak \\ \xC3\xA9\xE4\xB8\x96\xF0\x9F\x98\x80");
    clrnn_tensors_destroy(&set);

    set = load_data("no_metadata.safetensors");
    static const float one[] = {1, 2};
    assert_memory_equal(clrnn_tensors_find(set, "one")->data, one, sizeof one);
    clrnn_tensors_destroy(&set);
    set = load_data("nothing.safetensors");
    assert_int_equal(clrnn_tensors_count(set), 0);
    clrnn_tensors_destroy(&set);

    static const char *const refused[][2] = {{"complex.npy", "'<c16'"},
                                             {"structured.npy", "descr"},
                                             {"text.npy", "'<U3'"},
                                             {"complex.safetensors", "\"C64\""}};
    for (size_t i = 0; i < COUNT(refused); i++) {
        char path[64];
        snprintf(path, sizeof path, "tensors/%s", refused[i][0]);
        assert_int_equal(clrnn_tensors_load(test_data(path), &test_log, &set), CLRNN_ERR_FORMAT);
        assert_null(set);
        assert_error_contains(refused[i][1]);
    }
}

/* --- memory and disk ------------------------------------------------------------------------ */

static void test_memory(void **state)
{
    (void)state;
    static const char *const names[] = {"all_types.safetensors", "f8_fortran.npy"};
    for (size_t n = 0; n < COUNT(names); n++) {
        char path[64];
        clrnn_tensors *set = NULL;
        clrnn_status status = CLRNN_ERR_MEMORY;
        snprintf(path, sizeof path, "tensors/%s", names[n]);
        long failures = -1;
        for (long k = 1; status == CLRNN_ERR_MEMORY; k++, failures++) {
            test_last_error[0] = 0;
            assert_null(set);
            clr_fault_inject(CLR_FAULT_MEMORY, k);
            status = clrnn_tensors_load(test_data(path), &test_log, &set);
            clr_fault_inject(CLR_FAULT_MEMORY, 0);
            if (status != CLRNN_OK)
                assert_error_contains("memory");
        }
        assert_int_equal(status, CLRNN_OK);
        assert_true(failures >= 4);
        const char *out = in_folder(n ? "memory.npy" : "memory.safetensors");
        status = CLRNN_ERR_MEMORY;
        for (long k = 1; status == CLRNN_ERR_MEMORY; k++) {
            clr_fault_inject(CLR_FAULT_MEMORY, k);
            status = clrnn_tensors_save(set, out);
            clr_fault_inject(CLR_FAULT_MEMORY, 0);
        }
        assert_int_equal(status, CLRNN_OK);
        clrnn_tensors_destroy(&set);
    }
}

static int files_in(const char *folder)
{
    int count = 0;
    DIR *dir = opendir(folder);
    assert_non_null(dir);
    for (struct dirent *entry; (entry = readdir(dir));)
        count += entry->d_name[0] != '.' || strlen(entry->d_name) > 2;
    closedir(dir);
    return count;
}

static void test_full_disk(void **state)
{
    (void)state;
    static const char *const names[] = {"disk.safetensors", "disk.npy"};
    for (size_t n = 0; n < COUNT(names); n++) {
        clrnn_tensors *old = load_data("f4_grid.npy"), *set = load_data("f8_scalar.npy");
        assert_int_equal(clrnn_tensors_save(old, in_folder(names[n])), CLRNN_OK);
        const int files = files_in(test_folder());
        clrnn_status status = CLRNN_ERR_IO;
        long failures = -1;
        for (long k = 1; status == CLRNN_ERR_IO; k++, failures++) {
            clr_fault_inject(CLR_FAULT_WRITE, k);
            status = clrnn_tensors_save(set, in_folder(names[n]));
            clr_fault_inject(CLR_FAULT_WRITE, 0);
            assert_int_equal(files_in(test_folder()), files);
            clrnn_tensors *found = load(in_folder(names[n]));
            assert_same(clrnn_tensors_at(found, 0),
                        clrnn_tensors_at(status == CLRNN_OK ? set : old, 0));
            clrnn_tensors_destroy(&found);
        }
        assert_int_equal(status, CLRNN_OK);
        assert_true(failures >= 1);
        clrnn_tensors_destroy(&set);
        clrnn_tensors_destroy(&old);
    }
    clrnn_tensors *set = load_data("f4_grid.npy"), *none = NULL;
    assert_int_equal(clrnn_tensors_save(set, in_folder("no/such/folder")), CLRNN_ERR_IO);
    assert_error_contains("no/such/folder");
    assert_int_equal(clrnn_tensors_load(in_folder("missing"), &test_log, &none), CLRNN_ERR_IO);
    assert_error_contains("missing");
    assert_null(none);
    clrnn_tensors_destroy(&set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_safetensors_round_trip),
        cmocka_unit_test(test_safetensors_bytes),
        cmocka_unit_test(test_npy_round_trip),
        cmocka_unit_test(test_numpy_files),
        cmocka_unit_test(test_safetensors_files),
        cmocka_unit_test(test_memory),
        cmocka_unit_test(test_full_disk),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
