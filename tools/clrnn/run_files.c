/* SPDX-License-Identifier: MIT
 * run_files.c - see run.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "run.h"
#include "sound.h"

static const char *const input_names[RUN_INPUTS] = {"x", "h0", "c0", "lengths"};
static const char *const output_names[RUN_OUTPUTS] = {"y", "hn", "cn", "logits"};

const char *run_input_name(int input)
{
    return input_names[input];
}
const char *run_output_name(int output)
{
    return output_names[output];
}

/* Take "NAME=FILE" or "FILE" (which means the first name) apart. What stands before '=' is a name
 * only if it is made of letters, digits and '_', so ./a=b.npy is a file. Returns the place of the
 * name, or -1 after an error. */
static int split(const char *argument, const char *option, const char *const *names, int count,
                 const char **path)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";
    size_t length = strspn(argument, letters);
    bool named = length > 0 && argument[length] == '=';
    *path = named ? argument + length + 1 : argument;
    for (int i = 0; i < count; i++)
        if (!named || (strlen(names[i]) == length && strncmp(argument, names[i], length) == 0)) {
            if (**path)
                return i;
            tool_error("run: --%s %s: no file name", option, argument);
            return -1;
        }
    tool_error("run: --%s %s: no array is called %.*s; there are %s, %s, %s and %s", option,
               argument, (int)length, argument, names[0], names[1], names[2], names[3]);
    return -1;
}

int run_name_inputs(const tool_list *list, run_input inputs[RUN_INPUTS])
{
    for (size_t k = 0; k < list->count; k++) {
        const char *path;
        int i = split(list->items[k], "in", input_names, RUN_INPUTS, &path);
        if (i < 0)
            return TOOL_BAD_USE;
        if (inputs[i].path)
            return tool_error("run: --in %s: %s is already read from %s", list->items[k],
                              input_names[i], inputs[i].path);
        inputs[i].path = path;
    }
    return TOOL_OK;
}

int run_name_outputs(const tool_list *list, run_output outputs[RUN_OUTPUTS])
{
    for (size_t k = 0; k < list->count; k++) {
        const char *path;
        int i = split(list->items[k], "out", output_names, RUN_OUTPUTS, &path);
        if (i < 0)
            return TOOL_BAD_USE;
        if (outputs[i].path)
            return tool_error("run: --out %s: %s already goes to %s", list->items[k],
                              output_names[i], outputs[i].path);
        bool npy = tool_ends_with(path, ".npy");
        if (!npy && !tool_ends_with(path, ".safetensors"))
            return tool_error("run: --out %s: the file's name must end in .npy or .safetensors",
                              path);
        for (int other = 0; npy && other < RUN_OUTPUTS; other++)
            if (outputs[other].path && strcmp(outputs[other].path, path) == 0)
                return tool_error("run: --out %s: an .npy file holds one array; use .safetensors",
                                  path);
        outputs[i].path = path;
    }
    return TOOL_OK;
}

/* The path of an output, or NULL if there is none or an output before it has the same. */
static const char *new_path(const run_output outputs[RUN_OUTPUTS], int output)
{
    const char *path = outputs[output].path;
    for (int i = 0; i < output && path; i++)
        if (outputs[i].path && strcmp(outputs[i].path, path) == 0)
            path = NULL;
    return path;
}

/* Whether a file that is there is no array and no set of outputs: a model, for example, which may
 * have cost days. */
static bool holds_others(const char *path)
{
    bool others = false;
    if (tool_ends_with(path, ".npy") || !tool_file_exists(path))
        return false;
    cJSON *header = tool_read_header(path);
    for (const cJSON *tensor = header ? header->child : NULL; tensor; tensor = tensor->next) {
        bool known = false;
        for (int i = 0; i < RUN_OUTPUTS; i++)
            known = known || strcmp(tensor->string, output_names[i]) == 0;
        others = others || !known;
    }
    bool is_set = cJSON_IsObject(header);
    cJSON_Delete(header);
    return others || !is_set;
}

int run_check_files(const char *model, const run_input inputs[RUN_INPUTS],
                    const run_output outputs[RUN_OUTPUTS], bool force)
{
    tool_file files[1 + RUN_INPUTS + RUN_OUTPUTS] = {{"MODEL", model, false}};
    size_t count = 1;
    for (int i = 0; i < RUN_INPUTS; i++)
        files[count++] = (tool_file){"--in", inputs[i].path, false};
    for (int i = 0; i < RUN_OUTPUTS; i++)
        files[count++] = (tool_file){"--out", new_path(outputs, i), true};
    int code = tool_check_files("run", files, count);
    for (size_t i = 0; i < count && !code; i++)
        if (files[i].written && files[i].path) {
            code = tool_check_output("run", &files[i], true);
            if (!code && !force && holds_others(files[i].path))
                code = tool_error("run: --out %s: the file exists and holds something else, as a "
                                  "model; add --force to replace it",
                                  files[i].path);
        }
    return code;
}

/* Names of the tensors of a set, as far as they fit. */
static const char *list_names(const clrnn_tensors *set, char *text, size_t size)
{
    size_t used = 0, count = clrnn_tensors_count(set);
    snprintf(text, size, "none");
    for (size_t i = 0; i < count && used < size; i++)
        used += (size_t)snprintf(text + used, size - used, "%s%s", i ? ", " : "",
                                 clrnn_tensors_at(set, i)->name);
    return text;
}

int run_load(run_input inputs[RUN_INPUTS])
{
    for (int i = 0; i < RUN_INPUTS; i++) {
        run_input *in = &inputs[i];
        if (!in->path)
            continue;
        clrnn_status status = clrnn_tensors_load(in->path, tool_log(), &in->set);
        if (status)
            return tool_failed(status);
        in->tensor = clrnn_tensors_find(in->set, input_names[i]);
        if (!in->tensor)
            in->tensor = clrnn_tensors_find(in->set, ""); /* the array of an .npy file */
        char names[400];
        if (!in->tensor)
            return tool_error("run: %s: no tensor is called %s; it has: %s", in->path,
                              input_names[i], list_names(in->set, names, sizeof names));
    }
    return TOOL_OK;
}

/* All outputs from `first` on that go to the same file as it. */
static clrnn_status save_file(const run_output outputs[RUN_OUTPUTS], int first, clrnn_dtype dtype)
{
    clrnn_tensors *set = NULL;
    const char *path = outputs[first].path;
    clrnn_status status = clrnn_tensors_create(tool_log(), &set);
    for (int i = first; i < RUN_OUTPUTS && !status; i++)
        if (outputs[i].path && strcmp(outputs[i].path, path) == 0)
            status = clrnn_tensors_add(set, output_names[i], dtype, outputs[i].rank,
                                       outputs[i].shape, outputs[i].data);
    if (!status)
        status = clrnn_tensors_save(set, path);
    clrnn_tensors_destroy(&set);
    return status;
}

int run_save(const run_output outputs[RUN_OUTPUTS], clrnn_dtype dtype)
{
    for (int i = 0; i < RUN_OUTPUTS; i++) {
        clrnn_status status = new_path(outputs, i) ? save_file(outputs, i, dtype) : CLRNN_OK;
        if (status)
            return tool_failed(status);
    }
    for (int i = 0; i < RUN_OUTPUTS; i++)
        if (outputs[i].path)
            printf("%-6s %s [%llu,%llu,%llu] -> %s\n", output_names[i], clrnn_dtype_name(dtype),
                   (unsigned long long)outputs[i].shape[0], (unsigned long long)outputs[i].shape[1],
                   (unsigned long long)outputs[i].shape[2], outputs[i].path);
    return TOOL_OK;
}

void run_free(run_input inputs[RUN_INPUTS], run_output outputs[RUN_OUTPUTS])
{
    for (int i = 0; i < RUN_INPUTS; i++)
        clrnn_tensors_destroy(&inputs[i].set);
    for (int i = 0; i < RUN_OUTPUTS; i++)
        free(outputs[i].data);
}

int run_take_places(tool_list *models, tool_list *in)
{
    const size_t more = models->count > 1 ? models->count - 1 : 0;
    const char **items = more ? calloc(more + in->count, sizeof *items) : NULL;
    if (!more)
        return TOOL_CONTINUE;
    if (!items)
        return tool_no_memory();
    for (size_t i = 0; i < more + in->count; i++)
        items[i] = i < more ? models->items[1 + i] : in->items[i - more];
    free(in->items);
    *in = (tool_list){items, more + in->count};
    models->count = 1;
    return TOOL_CONTINUE;
}

bool run_has_sound(const tool_list *list)
{
    bool has = false;
    for (size_t i = 0; i < list->count; i++)
        has = has || sound_is_named(list->items[i]);
    return has;
}
