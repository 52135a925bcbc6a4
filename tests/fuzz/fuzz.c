/* SPDX-License-Identifier: MIT
 * tests/fuzz/fuzz.c - the readers of files over whatever bytes: for libFuzzer one program for each
 * FUZZ_ number of the list below (tests/meson.build, tests/fuzz/run); with FUZZ_MAIN the test
 * `fuzz`, which goes through the corpus and changes of it, the same every time. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <clrnn/data.h>
#include <clrnn/model.h>

#include "format/format.h"

enum {
    FUZZ_onnx,
    FUZZ_pytorch,
    FUZZ_keras,
    FUZZ_json,
    FUZZ_npz,
    FUZZ_graph,
    FUZZ_arch,
    FUZZ_table,
    FUZZ_tensors
};

#ifdef FUZZ_MAIN
static int chosen;
#define FUZZ chosen
#endif

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

static const clr_format *const formats[][3] = {
    [FUZZ_onnx] = {&clr_format_onnx},
    [FUZZ_pytorch] = {&clr_format_pytorch},
    [FUZZ_keras] = {&clr_format_keras},
    [FUZZ_json] = {&clr_format_rtneural, &clr_format_nam, &clr_format_state_json},
    [FUZZ_npz] = {&clr_format_npz},
    [FUZZ_graph] = {&clr_format_clrnn},
    [FUZZ_arch] = {&clr_format_npz},
    [FUZZ_tensors] = {NULL}, /* no format of models */
};

/* Read a file as each format, asked or not. */
static void read_formats(const clr_format_file *file, const clrnn_import_desc *desc)
{
    for (int i = 0; i < 3 && formats[FUZZ][i]; i++) {
        clrnn_graph *graph = NULL;
        (void)formats[FUZZ][i]->probe(file);
        if (formats[FUZZ][i]->read)
            (void)formats[FUZZ][i]->read(file, desc, NULL, &graph);
        clrnn_graph_destroy(&graph);
    }
}

/* Arrays of a graph as `.npz` has them, for architectures. */
static clr_format_file arrays(void)
{
    static void *data;
    static size_t bytes;
    const char *path = getenv("FUZZ_ARRAYS");
    FILE *in = !data && path ? fopen(path, "rb") : NULL;
    if (in && (data = calloc(1 << 20, 1)))
        bytes = fread(data, 1, (1 << 20) - 1, in);
    if (in)
        fclose(in);
    return (clr_format_file){
        .path = "arrays.npz", .name = "arrays.npz", .data = data, .bytes = bytes};
}

/* A file by its path: in memory, so that nothing is left behind. */
static void read_path(const char *path)
{
    clrnn_tensors *set = NULL;
    if (FUZZ == FUZZ_table) {
        (void)clrnn_csv_load_words(path, "1", NULL, &set);
        clrnn_tensors_destroy(&set);
        (void)clrnn_csv_load(path, NULL, NULL, &set);
    } else
        (void)clrnn_tensors_load(path, NULL, &set);
    clrnn_tensors_destroy(&set);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    static int memory = -1;
    static char path[64];
    char *copy = malloc(size + 1); /* a zero follows, as of files */
    if (memory < 0) {
        memory = memfd_create("fuzz", 0);
        snprintf(path, sizeof path, "/proc/self/fd/%d", memory);
    }
    if (!copy)
        return 0;
    memcpy(copy, data, size);
    copy[size] = 0;
    if (ftruncate(memory, 0) || pwrite(memory, data, size, 0) != (ssize_t)size)
        abort();
    const clr_format_file own = {
        .path = path, .name = path, .data = (unsigned char *)copy, .bytes = size};
    const clr_format_file file = FUZZ == FUZZ_arch ? arrays() : own;
    const clrnn_import_desc desc = {.precision = CLRNN_F32,
                                    .arch = FUZZ == FUZZ_arch && copy[0] == '{' ? copy : NULL};
    if (FUZZ == FUZZ_table || FUZZ == FUZZ_tensors)
        read_path(path);
    else
        read_formats(&file, &desc);
    free(copy);
    return 0;
}

#ifdef FUZZ_MAIN

enum { CHANGES = 60, LARGEST = 200000 };

/* splitmix64 */
static uint64_t draw(uint64_t *state)
{
    uint64_t z = (*state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

/* Bytes changed, a part taken out or twice, an end cut off. Returns the size. */
static size_t change(unsigned char *data, size_t size, uint64_t *state)
{
    for (uint64_t i = draw(state) % 4 + 1; i-- > 0 && size > 8;) {
        const size_t at = draw(state) % size, count = draw(state) % (size - at) % 64;
        switch (draw(state) % 5) {
        case 0:
            data[at] ^= (unsigned char)(1 << draw(state) % 8);
            break;
        case 1:
            data[at] = (unsigned char)(draw(state) % 2 ? 255 : draw(state));
            break;
        case 2:
            memmove(data + at, data + at + count, size - at - count);
            size -= count;
            break;
        case 3:
            memmove(data + at + count, data + at, size - at);
            size += count;
            break;
        default:
            size = draw(state) % 8 ? size : at;
        }
    }
    return size;
}

static int go_through(const char *path, uint64_t *state)
{
    unsigned char *data = calloc(LARGEST, 2), *copy = malloc(2 * LARGEST);
    FILE *in = data && copy ? fopen(path, "rb") : NULL;
    const size_t size = in ? fread(data, 1, LARGEST, in) : 0;
    if (in)
        fclose(in);
    /* libhdf5 itself does not survive everything: what it reads stays as it is. */
    const int changes = FUZZ == FUZZ_keras && data && memcmp(data, "PK", 2) ? 0 : CHANGES;
    for (int i = 0; i <= changes && in; i++) {
        memcpy(copy, data, 2 * LARGEST);
        LLVMFuzzerTestOneInput(copy, i ? change(copy, size, state) : size);
    }
    free(data);
    free(copy);
    return in != NULL;
}

/* TARGET FILE... */
int main(int argc, char **argv)
{
    static const char *const names[] = {"onnx",  "pytorch", "keras", "json",   "npz",
                                        "graph", "arch",    "table", "tensors"};
    uint64_t state = 1;
    int done = 0;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (argc > 1 && strcmp(argv[1], names[i]) == 0)
            chosen = (int)i;
    for (int i = 2; i < argc; i++)
        done += go_through(argv[i], &state);
    printf("%s: %d files\n", argc > 1 ? argv[1] : "", done);
    return done != argc - 2 || done == 0;
}

#endif
