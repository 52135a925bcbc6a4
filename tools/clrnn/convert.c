/* SPDX-License-Identifier: MIT
 * convert.c - `clrnn convert`: a model of one format as one of another. Needs no device. */
#include <stdio.h>
#include <string.h>

#include "sizes.h"
#include "values.h"

typedef struct job {
    const char *in, *out, *arch, *prefix, *to;
    int precision;
    bool force;
    tool_list sizes_given, values_given;
    tool_sizes sizes;
    tool_values values;
} job;

/* The formats that are written or read, between commas. */
static const char *list_formats(bool written, char *text, size_t size)
{
    clrnn_format_info info;
    size_t used = 0;
    *text = 0;
    for (uint32_t i = 0; clrnn_format_at(i, &info) && used < size; i++)
        if (written ? info.writes : info.reads)
            used += (size_t)snprintf(text + used, size - used, "%s%s", used ? ", " : "", info.name);
    return text;
}

static int check_format(const job *j)
{
    clrnn_format_info info;
    char names[300];
    for (uint32_t i = 0; j->to && clrnn_format_at(i, &info); i++)
        if (info.writes && strcmp(info.name, j->to) == 0)
            return TOOL_OK;
    return j->to ? tool_error("convert: --to %s: no such format is written; there are: %s", j->to,
                              list_formats(true, names, sizeof names))
                 : TOOL_OK;
}

static int check_use(job *j, const tool_list *files)
{
    if (files->count != 2)
        return tool_error("convert: two files are needed, IN and OUT; clrnn convert --help tells "
                          "the use");
    j->in = files->items[0];
    j->out = files->items[1];
    const bool is_file = j->arch && *j->arch != '{';
    const tool_file all[] = {
        {"IN", j->in, false}, {"--arch", is_file ? j->arch : NULL, false}, {"OUT", j->out, true}};
    int code = check_format(j);
    if (!code)
        code = tool_check_files("convert", all, 3);
    if (!code)
        code = tool_check_output("convert", &all[2], true);
    if (!code && !j->force && tool_file_exists(j->out))
        code = tool_error("convert: OUT %s: the file exists; add --force to replace it", j->out);
    return code;
}

static int work(const job *j)
{
    const clrnn_import_desc desc = {.precision = (clrnn_precision)j->precision,
                                    .arch = j->arch,
                                    .prefix = j->prefix,
                                    .sizes = j->sizes.all,
                                    .size_count = j->sizes.count,
                                    .inputs = j->values.all,
                                    .input_count = j->values.count};
    clrnn_graph *graph = NULL;
    char number[32];
    clrnn_status status = clrnn_graph_import(j->in, &desc, tool_log(), &graph);
    if (status)
        return tool_not_read(status, j->sizes.count != 0);
    status = clrnn_graph_export(graph, j->out, j->to);
    if (!status)
        printf("%s: %u nodes, %s parameters -> %s\n", j->in, clrnn_graph_nodes(graph),
               tool_thousands(clrnn_graph_parameter_count(graph), number), j->out);
    clrnn_graph_destroy(&graph);
    return status ? tool_failed(status) : TOOL_OK;
}

static int run(int argc, char **argv)
{
    job j = {0};
    tool_list files = {0};
    tool_option options[] = {
        tool_text("to", "FORMAT", &j.to, "the format of OUT (that of its ending)"),
        tool_text("arch", "FILE", &j.arch, "JSON: what a file of names and shapes leaves open"),
        tool_prefix(&j.prefix),
        tool_choice("precision", "f32|f64", &j.precision, "of the parameters of OUT (f32)"),
        tool_size(&j.sizes_given),
        tool_known(&j.values_given),
        tool_flag("force", &j.force, "replace OUT if it exists"),
        {0}};
    int code = tool_parse(&tool_convert, argc, argv, options, &files);
    if (code == TOOL_CONTINUE) {
        code = check_use(&j, &files);
        if (!code)
            code = tool_read_sizes("convert", &j.sizes_given, &j.sizes);
        if (!code)
            code = tool_read_values("convert", &j.values_given, &j.values);
        if (!code)
            code = work(&j);
    }
    tool_list_free(&files);
    tool_list_free(&j.sizes_given);
    tool_list_free(&j.values_given);
    tool_free_values(&j.values);
    return code;
}

const tool_command tool_convert = {
    "convert", "IN OUT [OPTION]...", "write a model in another format",
    "IN is a model of any format that clrnn reads: ONNX, PyTorch's .pt and .safetensors, Keras's\n"
    ".keras and .h5, RTNeural's and NAM's JSON, .npz, its own. OUT by its ending: .safetensors "
    "(our\n"
    "own, whose names are PyTorch's), .onnx, .json (RTNeural's), .npz. --to pytorch writes a\n"
    "state_dict that load_state_dict takes, or says why PyTorch has no such module.\n"
    "--size fixes an axis that IN leaves open, by the name that it has there; an input of --value\n"
    "(sr=16000) becomes a part of OUT where the model is made by it.\n"
    "No device is needed. Exit: 0, or 2 if IN cannot be read or OUT has no form of it.\n",
    run};
