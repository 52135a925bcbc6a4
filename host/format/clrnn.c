/* SPDX-License-Identifier: MIT
 * format/clrnn.c - our own files: safetensors with a description in metadata "clrnn". */
#include <string.h>

#include "format/format.h"

/* A header of JSON behind its length, and "clrnn" in it. */
static clr_match probe(const clr_format_file *file)
{
    static const char key[] = "\"clrnn\"";
    uint64_t header = 0;
    for (int i = 7; i >= 0 && file->bytes > 8; i--)
        header = header << 8 | file->data[i];
    if (header < sizeof key || header > file->bytes - 8 || file->data[8] != '{')
        return CLR_MATCH_NO;
    const unsigned char *text = file->data + 8;
    for (size_t i = 0; i + sizeof key - 1 <= header; i++)
        if (text[i] == '"' && memcmp(text + i, key, sizeof key - 1) == 0)
            return CLR_MATCH_YES;
    return CLR_MATCH_MAYBE;
}

static clrnn_status read(const clr_format_file *file, const clrnn_import_desc *desc,
                         const clrnn_log *log, clrnn_graph **graph)
{
    return clrnn_graph_load(file->path, desc->precision, log, graph);
}

static clrnn_status write(const clrnn_graph *graph, const char *path, const clrnn_log *log)
{
    (void)log; /* the graph's own */
    return clrnn_graph_save(graph, path);
}

const clr_format clr_format_clrnn = {.name = "clrnn",
                                     .summary = "our own, safetensors with a description",
                                     .endings = {".safetensors"},
                                     .probe = probe,
                                     .read = read,
                                     .write = write};
