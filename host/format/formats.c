/* SPDX-License-Identifier: MIT
 * format/formats.c - the table of formats: which one a file has, reading and writing by it. */
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "format/format.h"
#include "graph/graph.h"

#define CLR_FORMAT_POINTER(name) &clr_format_##name,
static const clr_format *const formats[] = {CLR_FORMAT_LIST(CLR_FORMAT_POINTER)};
#define FORMATS (sizeof formats / sizeof formats[0])

/* --- which ------------------------------------------------------------------------------------ */

static bool has_ending(const clr_format *format, const char *path)
{
    for (size_t i = 0; i < sizeof format->endings / sizeof *format->endings; i++)
        if (format->endings[i] && clr_ends_in(path, format->endings[i]))
            return true;
    return false;
}

/* The first that is sure; else the first that may be and whose ending the name has. */
static const clr_format *format_of(const clr_format_file *file)
{
    const clr_format *maybe = NULL;
    for (size_t i = 0; i < FORMATS; i++) {
        const clr_match match = formats[i]->probe(file);
        if (match == CLR_MATCH_YES)
            return formats[i];
        if (match == CLR_MATCH_MAYBE && !maybe && has_ending(formats[i], file->path))
            maybe = formats[i];
    }
    return maybe;
}

static clrnn_status open_file(const char *path, const clrnn_log *log, clr_format_file *file,
                              void **data)
{
    size_t bytes = 0;
    clrnn_status status = clr_file_read(path, log, data, &bytes);
    const char *slash = strrchr(path, '/');
    *file = (clr_format_file){
        .path = path, .name = slash ? slash + 1 : path, .data = *data, .bytes = bytes};
    return status;
}

bool clrnn_format_at(uint32_t i, clrnn_format_info *info)
{
    if (i >= FORMATS || !info)
        return false;
    *info = (clrnn_format_info){.name = formats[i]->name,
                                .summary = formats[i]->summary,
                                .reads = formats[i]->read != NULL,
                                .writes = formats[i]->write != NULL};
    return true;
}

const char *clrnn_format_of_file(const char *path, const clrnn_log *log)
{
    clr_format_file file;
    void *data = NULL;
    const clr_format *format = NULL;
    if (!path)
        (void)clr_fail(log, CLRNN_ERR_ARGUMENT, "clrnn_format_of_file: path is NULL");
    else if (open_file(path, log, &file, &data) == CLRNN_OK)
        format = format_of(&file);
    free(data);
    return format ? format->name : NULL;
}

/* --- reading ---------------------------------------------------------------------------------- */

static clrnn_status no_format(const clr_format_file *file, const clrnn_log *log)
{
    char names[256] = "";
    if (file->bytes >= 8 && memcmp((const char *)file->data + 4, "ORTM", 4) == 0)
        return clr_fail(
            log, CLRNN_ERR_UNSUPPORTED,
            "%s: ONNX Runtime's own format (.ort) is not supported: take the .onnx that "
            "it was made of",
            file->path);
    for (size_t i = 0; i < FORMATS; i++)
        if (strlen(names) + strlen(formats[i]->name) + 3 < sizeof names) {
            strcat(names, i ? ", " : "");
            strcat(names, formats[i]->name);
        }
    return clr_fail(log, CLRNN_ERR_FORMAT, "%s: a model of no format that is known (%s)",
                    file->path, names);
}

static clrnn_status read_as(const clr_format *format, const clr_format_file *file,
                            const clrnn_import_desc *desc, const clrnn_log *log,
                            clrnn_graph **graph)
{
    if (format->missing)
        return clr_fail(log, CLRNN_ERR_UNSUPPORTED,
                        "%s: this build reads no %s, for it was made without %s", file->path,
                        format->name, format->missing);
    if (!format->read)
        return clr_fail(log, CLRNN_ERR_UNSUPPORTED, "%s: %s is written, but not read", file->path,
                        format->name);
    if (desc->size_count && !format->sized)
        return clr_fail(log, CLRNN_ERR_ARGUMENT, "%s: %s leaves no axes open, but a size is given",
                        file->path, format->name);
    return format->read(file, desc, log, graph);
}

clrnn_status clrnn_graph_import(const char *path, const clrnn_import_desc *desc,
                                const clrnn_log *log, clrnn_graph **graph)
{
    if (graph)
        *graph = NULL;
    if (!path || !graph)
        return clr_fail(log, CLRNN_ERR_ARGUMENT, "clrnn_graph_import: %s is NULL",
                        path ? "graph" : "path");
    clr_format_file file;
    void *data = NULL;
    clrnn_status status = open_file(path, log, &file, &data);
    if (status == CLRNN_OK) {
        const clr_format *format = format_of(&file);
        const clrnn_import_desc defaults = {0};
        status = format ? read_as(format, &file, desc ? desc : &defaults, log, graph)
                        : no_format(&file, log);
    }
    free(data);
    if (status != CLRNN_OK)
        clrnn_graph_destroy(graph);
    return status;
}

clrnn_status clrnn_format_inputs(const char *path, const clrnn_log *log, clrnn_tensors **names)
{
    if (names)
        *names = NULL;
    if (!path || !names)
        return clr_fail(log, CLRNN_ERR_ARGUMENT, "clrnn_format_inputs: %s is NULL",
                        path ? "names" : "path");
    clr_format_file file;
    void *data = NULL;
    clrnn_status status = open_file(path, log, &file, &data);
    const clr_format *format = status == CLRNN_OK ? format_of(&file) : NULL;
    if (status == CLRNN_OK && !format)
        status = no_format(&file, log);
    if (status == CLRNN_OK)
        status = clrnn_tensors_create(log, names);
    if (status == CLRNN_OK && format->inputs)
        status = format->inputs(&file, log, *names);
    free(data);
    if (status != CLRNN_OK)
        clrnn_tensors_destroy(names);
    return status;
}

/* --- writing ---------------------------------------------------------------------------------- */

clrnn_status clrnn_graph_export(const clrnn_graph *graph, const char *path, const char *name)
{
    const clr_format *format = NULL;
    if (!graph)
        return CLRNN_ERR_ARGUMENT;
    const clrnn_log *log = &graph->log;
    if (!path)
        return clr_fail(log, CLRNN_ERR_ARGUMENT, "clrnn_graph_export: path is NULL");
    for (size_t i = 0; i < FORMATS && !format; i++)
        if (name ? strcmp(formats[i]->name, name) == 0 : has_ending(formats[i], path))
            format = formats[i];
    if (!format)
        return clr_fail(log, CLRNN_ERR_ARGUMENT, "%s: no format %s %s", path,
                        name ? "is called" : "has such an ending", name ? name : "");
    if (format->missing || !format->write)
        return clr_fail(log, CLRNN_ERR_UNSUPPORTED, "%s: this build writes no %s%s%s", path,
                        format->name, format->missing ? ", for it was made without " : "",
                        format->missing ? format->missing : "");
    return format->write(graph, path, log);
}
