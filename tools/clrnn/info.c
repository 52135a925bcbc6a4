/* SPDX-License-Identifier: MIT
 * info.c - `clrnn info`: what a model, checkpoint or array is. Needs no device. */
#include "info.h"
#include "run_graph.h"
#include "system.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What tells a network, at the end of a name; and what may stand before it within a model. */
#define MARK "weight_hh_l0"
#define RNN  "rnn."

#define MOST_NETWORKS 64 /* that are looked for: a file may have a million names */

/* --- a network as numbers -------------------------------------------------------------------- */

static uint64_t count_parameters(const clrnn_model_desc *desc)
{
    const clrnn_network_desc *n = &desc->network;
    size_t weights = 0;
    uint64_t width = (uint64_t)(n->proj_size ? n->proj_size : n->hidden_size);
    uint64_t head = desc->output_size * (width * (n->bidirectional && !n->merge ? 2 : 1) + 1);
    uint64_t table =
        desc->input == CLRNN_INPUT_EMBEDDING ? (uint64_t)desc->vocabulary_size * n->input_size : 0;
    (void)clrnn_network_weights(n, NULL, NULL, &weights);
    return weights + head + table;
}

/* The type of the tensor that every network has, which has been found. */
static clrnn_dtype dtype_of(const clrnn_tensors *set, const char *prefix)
{
    static const char *const inside[] = {RNN, ""};
    clrnn_dtype dtype = CLRNN_DTYPE_F32;
    for (int i = 0; i < 2; i++) {
        size_t size = strlen(prefix) + sizeof RNN MARK;
        char *name = calloc(size, 1);
        if (!name)
            return dtype;
        snprintf(name, size, "%s%s" MARK, prefix, inside[i]);
        const clrnn_tensor *tensor = clrnn_tensors_find(set, name);
        free(name);
        if (tensor)
            return tensor->dtype;
    }
    return dtype;
}

/* A size in the metadata of a training, or `otherwise`. */
static uint32_t trained_size(const info_file *file, const char *key, uint32_t otherwise)
{
    const char *text = clrnn_tensors_metadata(file->set, key);
    char *end = NULL;
    unsigned long value = text ? strtoul(text, &end, 10) : 0;
    bool good = text && *text >= '0' && *text <= '9' && !*end && value > 0 && value < UINT32_MAX;
    return good ? (uint32_t)value : otherwise;
}

/* T and N are those of the training, where there is one, else the usual ones. */
static void put_problem(const info_file *file, info_network *network, clrnn_dtype dtype)
{
    clrnn_problem problem;
    if (clrnn_problem_parse("", NULL, &problem) != CLRNN_OK)
        return;
    problem.network = network->desc.network;
    problem.precision = dtype == CLRNN_DTYPE_F64 ? CLRNN_F64 : CLRNN_F32;
    if (info_is_training(file) && !*network->prefix) {
        problem.train = true;
        problem.steps = trained_size(file, INFO_TRAIN "max_steps", problem.steps);
        problem.batch = trained_size(file, INFO_TRAIN "max_batch", problem.batch);
    }
    clrnn_problem_format(&problem, network->problem, sizeof network->problem);
}

/* --- the networks of a file ------------------------------------------------------------------ */

static char *copy(const char *text, size_t length)
{
    char *out = calloc(length + 1, 1);
    return out ? memcpy(out, text, length) : NULL;
}

/* Whether a prefix is on the list. */
static bool known(const info_file *file, const char *prefix, size_t length)
{
    for (size_t i = 0; i < file->count; i++)
        if (strlen(file->networks[i].prefix) == length &&
            memcmp(file->networks[i].prefix, prefix, length) == 0)
            return true;
    return false;
}

/* Put what is found under a prefix on the list, be it a network or why it is none. */
static int look_under(info_file *file, const char *prefix, size_t length)
{
    info_network *network = &file->networks[file->count];
    if (known(file, prefix, length))
        return TOOL_OK;
    network->prefix = copy(prefix, length);
    if (!network->prefix)
        return tool_no_memory();
    file->count++;
    const clrnn_model_source source = {.tensors = file->set, .prefix = network->prefix};
    clrnn_status status =
        clrnn_model_describe(&source, tool_log(), &network->desc, network->vocabulary);
    if (status == CLRNN_ERR_MEMORY)
        return tool_failed(status);
    if (status) {
        const char *reason = tool_last_error(status);
        network->reason = copy(reason, strlen(reason));
        return network->reason ? TOOL_OK : tool_no_memory();
    }
    clrnn_dtype dtype = dtype_of(file->set, network->prefix);
    network->dtype = clrnn_dtype_name(dtype);
    network->parameters = count_parameters(&network->desc);
    put_problem(file, network, dtype);
    info_put_words(network);
    return TOOL_OK;
}

/* Every name that ends in MARK is a network's; before its "rnn." stands the prefix of a model. */
static int look_for_networks(info_file *file)
{
    const size_t mark = strlen(MARK), rnn = strlen(RNN);
    int code = TOOL_OK;
    for (size_t i = 0; i < clrnn_tensors_count(file->set) && !code; i++) {
        const char *name = clrnn_tensors_at(file->set, i)->name;
        size_t length = strlen(name);
        if (length < mark || strcmp(name + length - mark, MARK) != 0)
            continue;
        if (file->count == MOST_NETWORKS) {
            file->more = true;
            break;
        }
        length -= mark;
        bool inside = length >= rnn && memcmp(name + length - rnn, RNN, rnn) == 0;
        if (inside && (length == rnn || name[length - rnn - 1] == '.'))
            length -= rnn;
        code = look_under(file, name, length);
    }
    return code;
}

/* The one network that was asked for must be there. */
static int look_for_prefix(info_file *file)
{
    int code = look_under(file, file->prefix, strlen(file->prefix));
    if (!code && file->networks[0].reason)
        code = tool_error("info: %s, %s", file->path, file->networks[0].reason);
    return code;
}

/* What a graph runs as on a device. */
static int look_on_device(info_file *file)
{
    const clrnn_graph_plan_desc usual = {.max_steps = 100, .max_batch = 1};
    int code = tool_open(file->selector, &file->context);
    if (code)
        return code;
    clrnn_status status = clrnn_graph_plan_create(file->context, file->graph, &usual, &file->plan);
    return status ? tool_failed(status) : TOOL_OK;
}

/* A graph says so first of all. */
static int look_for_graph(info_file *file)
{
    if (file->graph)
        return file->selector ? look_on_device(file) : TOOL_OK;
    if (file->prefix || !tool_is_graph(file->set))
        return !file->selector
                   ? TOOL_OK
                   : tool_error("info: --device %s says what a graph runs as, and %s is "
                                "none",
                                file->selector, file->path);
    clrnn_status status = clrnn_graph_from_tensors(file->set, CLRNN_F32, tool_log(), &file->graph);
    if (status)
        return tool_failed(status);
    return file->selector ? look_on_device(file) : TOOL_OK;
}

/* --- the command ----------------------------------------------------------------------------- */

/* Whether the file as a whole is a model, whatever else it has under prefixes. */
static bool is_model(const info_file *file)
{
    for (size_t i = 0; i < file->count; i++)
        if (!*file->networks[i].prefix)
            return !file->networks[i].reason;
    return false;
}

static void put_kind(info_file *file)
{
    const clrnn_tensor *first = clrnn_tensors_at(file->set, 0);
    bool array = clrnn_tensors_count(file->set) == 1 && !*first->name;
    if (!file->format)
        file->format = array ? "npy" : "safetensors";
    file->kind = array ? "array" : "tensors";
    if (file->graph)
        file->kind = "graph";
    else if (!file->states && is_model(file))
        file->kind = info_is_training(file) ? "checkpoint" : "model";
}

/* Whether a file begins as ZIP archives do, or as what torch.save wrote before it wrote those. */
static bool is_archive(const char *path)
{
    char begin[4] = "";
    FILE *in = tool_file_exists(path) ? system_open(path, "rb") : NULL;
    const bool is = in && fread(begin, 1, 4, in) == 4 &&
                    (memcmp(begin, "PK", 2) == 0 ||
                     (begin[0] == '\x80' && memcmp(begin + 2, "\x8a\n", 2) == 0));
    if (in)
        fclose(in);
    return is;
}

/* Named tensors of whatever kind; a model of another program is a graph, and has none. Of a
 * state_dict, or an .npz that we have written, also the graph that `clrnn run` makes of it. */
static int read_tensors(info_file *file)
{
    const char *format = clrnn_format_of_file(file->path, NULL);
    const bool states = format && strcmp(format, "pytorch") == 0;
    const bool named =
        !format || states || strcmp(format, "clrnn") == 0 || strcmp(format, "npz") == 0;
    const clrnn_import_desc desc = {.sizes = file->sizes.all,
                                    .size_count = file->sizes.count,
                                    .inputs = file->values.all,
                                    .input_count = file->values.count};
    if (!named || is_archive(file->path))
        file->format = format;
    file->named = named;
    clrnn_status status = named ? clrnn_tensors_load(file->path, tool_log(), &file->set)
                                : clrnn_tensors_create(tool_log(), &file->set);
    file->states = states && !file->prefix && run_is_graph(file->path, NULL);
    if (!status && (file->states || (format && strcmp(format, "npz") == 0 && !file->prefix)))
        (void)clrnn_graph_import(file->path, NULL, NULL, &file->graph);
    if (status && !format && !tool_ends_with(file->path, ".safetensors"))
        status = clrnn_graph_import(file->path, NULL, tool_log(), &file->graph);
    if (status || named)
        return status ? tool_failed(status) : TOOL_OK;
    status = clrnn_graph_import(file->path, &desc, tool_log(), &file->graph);
    return status ? tool_not_read(status, desc.size_count != 0) : TOOL_OK;
}

static int read_file(info_file *file)
{
    system_file about;
    int code = read_tensors(file);
    if (code)
        return code;
    if (file->named && (file->sizes.count || file->values.count))
        return tool_error("info: %s leaves no axes open: --size and --value are of models that do",
                          file->path);
    if (file->graph && file->prefix)
        return tool_error("info: %s is %s: --prefix is of files of named tensors", file->path,
                          file->format);
    system_look_at(file->path, &about);
    file->bytes = about.size;
    file->networks = calloc(MOST_NETWORKS, sizeof *file->networks);
    if (!file->networks)
        return tool_no_memory();
    code = look_for_graph(file);
    if (!code && (!file->graph || file->named) && !tool_is_graph(file->set))
        code = file->prefix ? look_for_prefix(file) : look_for_networks(file);
    put_kind(file);
    return code;
}

static void release(info_file *file)
{
    for (size_t i = 0; i < file->count; i++) {
        free(file->networks[i].prefix);
        free(file->networks[i].reason);
    }
    free(file->networks);
    clrnn_graph_plan_destroy(&file->plan);
    clrnn_graph_destroy(&file->graph);
    clrnn_context_destroy(&file->context);
    clrnn_tensors_destroy(&file->set);
}

static int run(int argc, char **argv)
{
    info_file file = {0};
    bool json = false;
    tool_list files = {0}, sizes = {0}, values = {0};
    tool_option options[] = {
        tool_flag("json", &json, "print one JSON object"),
        tool_prefix(&file.prefix),
        tool_size(&sizes),
        tool_known(&values),
        tool_text("device", "SEL", &file.selector, "also what a graph's stacks run as there"),
        {0}};
    int code = tool_parse(&tool_info, argc, argv, options, &files);
    if (code == TOOL_CONTINUE && files.count != 1)
        code = tool_error("info: %s; clrnn info --help tells the use",
                          files.count ? "more than one file given" : "no file given");
    if (code == TOOL_CONTINUE) {
        file.path = files.items[0];
        code = tool_read_sizes("info", &sizes, &file.sizes);
        if (!code)
            code = tool_read_values("info", &values, &file.values);
        if (!code)
            code = read_file(&file);
        if (!code)
            code = json ? info_print_json(&file) : info_print(&file);
        release(&file);
    }
    tool_list_free(&files);
    tool_list_free(&sizes);
    tool_list_free(&values);
    tool_free_values(&file.values);
    return code;
}

const tool_command tool_info = {
    "info", "FILE [--prefix P] [--size NAME=N]... [--value NAME=V]... [--device SEL] [--json]",
    "tell what a model, checkpoint or array is",
    "FILE is .safetensors, .npy or .npz, whoever made it, or a model that clrnn convert reads:\n"
    "its kind and size, the nodes of a graph as a table,\n"
    "the networks in it with their problem strings and numbers of parameters, how far a training\n"
    "has come, and all tensors and metadata. A network under a prefix is shown with it; the other "
    "commands take it as --prefix.\n"
    "No device is needed, but for the strategies of a graph's stacks (of 100 steps, one row).\n"
    "Exit: 0, or 2 if the file cannot be read or is damaged.\n",
    run};
