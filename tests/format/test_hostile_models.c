/* SPDX-License-Identifier: MIT
 * tests/format/test_hostile_models.c - files made to harm a reader (tests/data/models/hostile), and
 * good ones cut at every byte or with bits turned over. */
#include "brought.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"

#define FOLDER "models/hostile/"

/* Nothing is run, unpacked or followed: one line says what. */
static void test_archives(void **state)
{
    (void)state;
    refused(FOLDER "runs2.pt", "it uses posix.system");
    refused(FOLDER "runs4.pt", "it uses posix.system");
    refused(FOLDER "text.pt", "it uses os.system");
    refused(FOLDER "instance.pt", "opcode 0x69");
    refused(FOLDER "itself.pt", "32 deep");
    refused(FOLDER "laughs.pt", "1048576 parts");
    refused(FOLDER "deep.pt", "32 deep");
    refused(FOLDER "many.pt", "its objects need more than");
    refused(FOLDER "memo.pt", "its objects need more than");
    refused(FOLDER "long.pt", "a string beyond the end");
    refused(FOLDER "number.pt", "more than 255 bytes");
    refused(FOLDER "large_pickle.pt", "its data.pkl would unpack to 120000000 bytes");
    refused(FOLDER "expanded.pt", "far more memory than the file");
    refused(FOLDER "bomb.pt", "far more memory than the file");
    refused(FOLDER "claims.npz", "it would unpack to far more than the file has");
    refused(FOLDER "pair.pt", "a key that is neither text nor a number");
    refused(FOLDER "short.pt", "has 50 bytes, but its tensors need 100");
}

static void test_hdf5(void **state)
{
    (void)state;
    clrnn_graph *graph = NULL;
    if (clrnn_graph_import(test_data(FOLDER "loop.h5"), NULL, &test_log, &graph) ==
            CLRNN_ERR_UNSUPPORTED &&
        strstr(test_last_error, "reads no HDF5"))
        skip(); /* a build without libhdf5 */
    refused(FOLDER "loop.h5", "a loop of links");
    refused(FOLDER "endless.h5", "texts without end");
    refused(FOLDER "elsewhere.h5", "a link that leads elsewhere");
    refused(FOLDER "soft.h5", "a link that leads elsewhere");
    refused(FOLDER "other_file.h5", "a dataset that lies in other files");
    refused(FOLDER "virtual.h5", "a dataset that lies in other files");
    refused(FOLDER "large.h5", "far more memory than the file");
    refused(FOLDER "chunk.h5", "chunks unpack to far more");
}

static void *read_file(const char *name, size_t *size)
{
    void *data = NULL;
    assert_int_equal(clr_file_read(test_data(name), &test_log, &data, size), CLRNN_OK);
    return data;
}

/* It ends, with tensors or a message. */
static void try_tensors(const void *data, size_t size)
{
    clrnn_tensors *set = NULL;
    char *copy =
        malloc(size + !size); /* of its own size, so that a sanitizer sees what is beyond */
    memcpy(copy, data, size);
    const clrnn_status status = clrnn_tensors_parse(copy, size, "file", &test_log, &set);
    assert_true(!set == (status != CLRNN_OK));
    if (status != CLRNN_OK)
        assert_error_contains("");
    clrnn_tensors_destroy(&set);
    free(copy);
}

static void test_pytorch_cut(void **state)
{
    (void)state;
    static const char *const files[] = {"models/pytorch/cell.pt", "models/pytorch/old.pt"};
    for (int i = 0; i < 2; i++) {
        size_t size = 0;
        char *data = read_file(files[i], &size);
        for (size_t cut = 0; cut < size; cut++)
            try_tensors(data, cut);
        free(data);
    }
}

static void test_pytorch_bits(void **state)
{
    (void)state;
    static const char *const files[] = {"models/pytorch/cell.pt", "models/pytorch/old.pt",
                                        "models/pytorch/types.pt"};
    for (int f = 0; f < 3; f++) {
        size_t size = 0;
        char *data = read_file(files[f], &size);
        for (size_t i = 0; i < size; i++) {
            const char whole = data[i];
            for (int bit = 0; bit < 8; bit += 1 + f) {
                data[i] = (char)(whole ^ 1 << bit);
                try_tensors(data, size);
            }
            data[i] = whole;
        }
        free(data);
    }
}

static void try_model(const void *data, size_t size, const char *ending)
{
    char path[600];
    clrnn_graph *graph = NULL;
    snprintf(path, sizeof path, "%s/damaged%s", test_folder(), ending);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, size, file), size);
    fclose(file);
    const clrnn_status status = clrnn_graph_import(path, NULL, &test_log, &graph);
    assert_true(!graph == (status != CLRNN_OK));
    if (status != CLRNN_OK)
        assert_error_contains("");
    clrnn_graph_destroy(&graph);
}

static void test_json(void **state)
{
    (void)state;
    size_t size = 0;
    char *data = read_file("models/nam/lstm.nam", &size);
    for (size_t cut = 0; cut < size; cut += 7)
        try_model(data, cut, ".nam");
    for (size_t i = 0; i < size; i += 3) {
        const char whole = data[i];
        data[i] = (char)(whole ^ 1 << i % 8);
        try_model(data, size, ".nam");
        data[i] = whole;
    }
    free(data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_archives),    cmocka_unit_test(test_hdf5),
        cmocka_unit_test(test_pytorch_cut), cmocka_unit_test(test_pytorch_bits),
        cmocka_unit_test(test_json),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
