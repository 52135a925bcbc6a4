/* SPDX-License-Identifier: MIT
 * run_graph.c - `clrnn run` of a model of another format, or a graph: arrays by its own names. */
#include "run_graph.h"

#include <stdlib.h>
#include <string.h>

#include "graph_pass.h"
#include "run_sound.h"
#include "system.h"
#include "values.h"

/* NAME=FILE or FILE. */
typedef struct place {
    char name[256]; /* "": not given */
    const char *path;
} place;

typedef struct job {
    const run_graph_wishes *w;
    const tool_list *in, *sizes_given;
    graph_pass pass;
    clrnn_tensors *sets[GRAPH_ARRAYS], *outputs;
    run_sound sound;
    char names[GRAPH_ARRAYS][256];
    tool_sizes sizes;
} job;

/* Whether a file without a description has more than one network and what a model of ours has
 * around it: then it is read by names, as a state_dict in .pt is. */
static bool is_state_dict(const cJSON *header)
{
    static const char *const own[] = {"rnn.", "head.", "embedding.", "weight_", "bias_", "scale."};
    for (const cJSON *i = header ? header->child : NULL; i; i = i->next) {
        bool known = strcmp(i->string, "__metadata__") == 0;
        for (size_t k = 0; k < sizeof own / sizeof *own; k++)
            known = known || strncmp(i->string, own[k], strlen(own[k])) == 0;
        if (!known)
            return true;
    }
    return false;
}

bool run_is_graph(const char *path, const char *prefix)
{
    static const char begin[] = "{\"graph\":";
    const char *format = clrnn_format_of_file(path, tool_log());
    cJSON *header = NULL;
    bool graph = false;
    if (!format) /* the error of what is a model of no format is that of graphs */
        return tool_file_exists(path) && !tool_ends_with(path, ".safetensors");
    if (!tool_ends_with(path, ".safetensors") && strcmp(format, "clrnn") != 0)
        return true;
    header = tool_read_header(path);
    const cJSON *metadata = cJSON_GetObjectItemCaseSensitive(header, "__metadata__");
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(metadata, "clrnn"));
    graph = text ? strncmp(text, begin, sizeof begin - 1) == 0 : !prefix && is_state_dict(header);
    cJSON_Delete(header);
    return graph;
}

/* A name ends at the first '=', unless a file is so called. */
static int split(const char *argument, const char *option, place *p)
{
    const char *equals = strchr(argument, '=');
    system_file file;
    *p = (place){.path = argument};
    system_look_at(argument, &file);
    if (equals && equals > argument && !file.exists) {
        p->path = equals + 1;
        if ((size_t)(equals - argument) >= sizeof p->name)
            return tool_error("run: --%s %s: the name is too long", option, argument);
        memcpy(p->name, argument, (size_t)(equals - argument));
    }
    return *p->path ? TOOL_OK : tool_error("run: --%s %s: no file name", option, argument);
}

/* --- in --------------------------------------------------------------------------------------- */

static int add_input(job *j, const char *name, const clrnn_tensor *tensor, bool sound)
{
    char *own = j->names[j->pass.count < GRAPH_ARRAYS ? j->pass.count : 0];
    if (j->pass.count == GRAPH_ARRAYS)
        return tool_error("run: more than %d arrays", GRAPH_ARRAYS);
    snprintf(own, sizeof j->names[0], "%s", name);
    if (sound)
        graph_pass_add_sound(&j->pass, *own ? own : NULL, tensor);
    else
        graph_pass_add(&j->pass, *own ? own : NULL, tensor);
    return TOOL_OK;
}

static int load_sound(job *j, const place *p, clrnn_tensors **set)
{
    int code = run_sound_load(&j->sound, p->path, set);
    return code ? code : add_input(j, p->name, clrnn_tensors_at(*set, 0), true);
}

/* One array, or of a .safetensors file without a name all of them. */
static int load_input(job *j, const place *p, clrnn_tensors **set)
{
    clrnn_status status = clrnn_tensors_load(p->path, tool_log(), set);
    if (status)
        return tool_failed(status);
    const clrnn_tensor *one = clrnn_tensors_find(*set, *p->name ? p->name : "");
    if (!one && clrnn_tensors_count(*set) == 1 && *p->name)
        one = clrnn_tensors_find(*set, "");
    if (one)
        return add_input(j, p->name, one, false);
    if (*p->name)
        return tool_error("run: %s: no tensor is called %s", p->path, p->name);
    int code = TOOL_OK;
    for (size_t i = 0; i < clrnn_tensors_count(*set) && !code; i++)
        code = add_input(j, clrnn_tensors_at(*set, i)->name, clrnn_tensors_at(*set, i), false);
    return code;
}

static int load_inputs(job *j)
{
    const tool_list *in = j->in;
    int code =
        in->count > GRAPH_ARRAYS ? tool_error("run: more than %d --in", GRAPH_ARRAYS) : TOOL_OK;
    for (size_t i = 0; i < in->count && !code; i++) {
        place p;
        code = split(in->items[i], "in", &p);
        if (!code)
            code = sound_is_named(p.path) ? load_sound(j, &p, &j->sets[i])
                                          : load_input(j, &p, &j->sets[i]);
    }
    return code;
}

static int read_sizes(job *j)
{
    const int code = tool_read_sizes("run", j->sizes_given, &j->sizes);
    j->pass.sizes = j->sizes.all;
    j->pass.size_count = j->sizes.count;
    return code;
}

/* --- out -------------------------------------------------------------------------------------- */

static int find_output(const job *j, const place *p, const clrnn_tensor **tensor)
{
    char names[400] = "";
    *tensor = *p->name ? clrnn_tensors_find(j->outputs, p->name) : clrnn_tensors_at(j->outputs, 0);
    for (size_t i = 0; !*tensor && i < clrnn_tensors_count(j->outputs); i++) {
        const size_t used = strlen(names);
        snprintf(names + used, sizeof names - used, "%s%s", i ? ", " : "",
                 clrnn_tensors_at(j->outputs, i)->name);
    }
    return *tensor ? TOOL_OK
                   : tool_error("run: the model has no output %s; there are %s", p->name, names);
}

/* The arrays that go to one file: one, or of a .safetensors file without a name all of them. */
static clrnn_status fill_file(const job *j, const char *path, const clrnn_tensor *one,
                              clrnn_tensors *set)
{
    clrnn_status status = CLRNN_OK;
    for (size_t i = 0; i < clrnn_tensors_count(j->outputs) && !status; i++) {
        const clrnn_tensor *t = clrnn_tensors_at(j->outputs, i);
        char text[200];
        if (one && t != one)
            continue;
        status = clrnn_tensors_add(set, tool_ends_with(path, ".npy") ? "" : t->name, t->dtype,
                                   t->rank, t->shape, t->data);
        if (!status)
            printf("%s %s %s -> %s\n", t->name, clrnn_dtype_name(t->dtype), run_shape_text(t, text),
                   path);
    }
    return status;
}

/* File k, with what later ones put into it under other names. */
static int save_output(const job *j, const place *places, size_t count, size_t k)
{
    clrnn_tensors *set = NULL;
    const clrnn_tensor *one = NULL;
    int code = TOOL_OK;
    if (sound_is_named(places[k].path))
        return run_sound_save(&j->sound, &j->pass, j->outputs, places[k].name, places[k].path);
    for (size_t i = 0; i < k; i++)
        if (strcmp(places[i].path, places[k].path) == 0)
            return TOOL_OK;
    clrnn_status status = clrnn_tensors_create(tool_log(), &set);
    for (size_t i = k; i < count && !status && !code; i++) {
        const bool npy = tool_ends_with(places[i].path, ".npy");
        if (strcmp(places[i].path, places[k].path) != 0)
            continue;
        code = npy || *places[i].name ? find_output(j, &places[i], &one) : TOOL_OK;
        if (!code)
            status = fill_file(j, places[i].path, npy || *places[i].name ? one : NULL, set);
    }
    if (!status && !code)
        status = clrnn_tensors_save(set, places[k].path);
    clrnn_tensors_destroy(&set);
    return code ? code : status ? tool_failed(status) : TOOL_OK;
}

/* Whether the name of output k says what it is. */
static int check_name(const place *places, size_t k)
{
    const char *path = places[k].path;
    const bool sound = sound_is_named(path), npy = tool_ends_with(path, ".npy");
    if (!sound && !npy && !tool_ends_with(path, ".safetensors"))
        return tool_error("run: --out %s: the file's name must end in .npy, .safetensors or .wav",
                          path);
    for (size_t i = 0; i < k && (sound || npy); i++)
        if (strcmp(path, places[i].path) == 0)
            return tool_error("run: --out %s: %s file holds one array; use .safetensors", path,
                              sound ? "a .wav" : "an .npy");
    return sound ? sound_check("run", path) : TOOL_OK;
}

/* The files of a run; those that are written under one name once. */
static size_t list_files(const job *j, const place *outs, size_t count, tool_file *files)
{
    size_t used = 0;
    place in;
    files[used++] = (tool_file){"MODEL", j->w->model, false};
    files[used++] = (tool_file){"--arch", j->w->arch, false};
    for (size_t i = 0; i < j->in->count; i++)
        if (!split(j->in->items[i], "in", &in))
            files[used++] = (tool_file){"--in", in.path, false};
    for (size_t i = 0; i < count; i++) {
        bool again = false;
        for (size_t k = 0; k < i; k++)
            again = again || strcmp(outs[i].path, outs[k].path) == 0;
        if (!again)
            files[used++] = (tool_file){"--out", outs[i].path, true};
    }
    return used;
}

/* Before anything is computed: files that can be written, and are not what is read. */
static int check_outputs(const job *j, const place *places, size_t count)
{
    tool_file *files = calloc(2 + j->in->count + count, sizeof *files);
    int code = files ? TOOL_OK : tool_no_memory();
    const size_t used = files ? list_files(j, places, count, files) : 0;
    for (size_t i = 0; i < count && !code; i++)
        code = check_name(places, i);
    if (!code)
        code = tool_check_files("run", files, used);
    for (size_t i = 0; i < used && !code; i++)
        if (files[i].written)
            code = tool_check_output("run", &files[i], true);
    free(files);
    return code;
}

/* --- all -------------------------------------------------------------------------------------- */

static int compute(job *j)
{
    clrnn_context *context = NULL;
    int code = tool_open(j->w->selector, &context);
    if (code)
        return code;
    clrnn_status status = graph_pass_run(context, &j->pass, &j->outputs);
    clrnn_context_destroy(&context);
    return status == CLRNN_ERR_NEEDS_SIZE ? tool_not_read(status, j->pass.size_count != 0)
           : status                       ? tool_failed(status)
                                          : TOOL_OK;
}

/* How long blocks took, and what part of what they last. */
static void print_times(const job *j)
{
    const graph_times *t = &j->pass.times;
    printf("%zu blocks of %u steps: median %.1f us, 99.9 %% within %.1f us, slowest %.1f us",
           t->blocks, j->pass.block, 1e6 * t->median, 1e6 * t->late, 1e6 * t->worst);
    if (j->sound.rate) {
        const double lasts = (double)j->pass.block / j->sound.rate;
        printf(", %.3g of the %.1f us that a block lasts at %u a second", t->worst / lasts,
               1e6 * lasts, j->sound.rate);
    }
    printf("\n");
}

/* A graph has its own storage of weights. */
static int check_use(const run_graph_wishes *w, const tool_list *out)
{
    if (w->weights)
        return tool_error("run: --weights is not for %s",
                          run_is_graph(w->model, w->prefix) ? "a graph" : "blocks and sounds");
    return out->count ? TOOL_OK : tool_error("run: nothing to write; add --out FILE");
}

/* Whether how many steps there are in a second matters. */
static bool hears(const run_graph_wishes *w, const tool_list *in, const tool_list *out)
{
    bool sound = w->block > 0;
    for (size_t i = 0; i < in->count; i++)
        sound = sound || sound_is_named(in->items[i]);
    for (size_t i = 0; i < out->count; i++)
        sound = sound || sound_is_named(out->items[i]);
    return sound;
}

int run_graph(const run_graph_wishes *w, const tool_list *in, const tool_list *out,
              const tool_list *sizes)
{
    int code = check_use(w, out);
    if (code)
        return code;
    job *j = calloc(1, sizeof *j);
    const size_t count = out->count;
    place *places = calloc(count + 1, sizeof *places);
    code = j && places ? TOOL_OK : tool_no_memory();
    if (!code) {
        j->w = w;
        j->in = in;
        j->sizes_given = sizes;
        j->pass = (graph_pass){.path = w->model,
                               .precision = w->precision,
                               .strategy = w->strategy,
                               .prefix = w->prefix,
                               .arch = w->arch,
                               .zeros = true,
                               .batch_first = w->batch_first,
                               .block = w->block};
        if (hears(w, in, out))
            j->sound.rate = sound_model_rate(w->model, w->arch, w->prefix);
    }
    for (size_t i = 0; i < count && !code; i++)
        code = split(out->items[i], "out", &places[i]);
    if (!code)
        code = check_outputs(j, places, count);
    if (!code)
        code = load_inputs(j);
    if (!code)
        code = read_sizes(j);
    if (!code)
        code = compute(j);
    for (size_t i = 0; i < count && !code; i++)
        code = save_output(j, places, count, i);
    if (!code && w->block)
        print_times(j);
    for (size_t i = 0; j && i < GRAPH_ARRAYS; i++)
        clrnn_tensors_destroy(&j->sets[i]);
    if (j)
        clrnn_tensors_destroy(&j->outputs);
    free(places);
    free(j);
    return code;
}
