/* SPDX-License-Identifier: MIT
 * tests/fuzz/fuzz_onnx.c - the reader of ONNX over whatever bytes, for libFuzzer. */
#include <stdlib.h>
#include <string.h>

#include "format/format.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    const clrnn_import_desc desc = {.precision = CLRNN_F32};
    clrnn_graph *graph = NULL;
    char *copy = malloc(size + 1); /* a zero follows, as of files */
    if (!copy)
        return 0;
    memcpy(copy, data, size);
    copy[size] = 0;
    static const char path[] = "/nowhere/fuzz.onnx";
    const clr_format_file file = {.path = path,
                                  .name = path + sizeof "/nowhere",
                                  .data = (unsigned char *)copy,
                                  .bytes = size};
    (void)clr_format_onnx.probe(&file);
    (void)clr_format_onnx.read(&file, &desc, NULL, &graph);
    clrnn_graph_destroy(&graph);
    free(copy);
    return 0;
}
