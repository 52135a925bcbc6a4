/* SPDX-License-Identifier: MIT
 * run_graph.c - `clrnn run` of a model of another format, or a graph: arrays by its own names. */
#include "run_graph.h"

#include <stdlib.h>
#include <string.h>

#include "graph_pass.h"
#include "sound.h"
#include "system.h"

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
    tool_sound sound;    /* what the sounds that come in are, without samples */
    const char *sounded; /* where it comes from, or NULL */
    uint32_t rate;       /* steps a second of the model; 0: unknown */
    char names[GRAPH_ARRAYS][256];
    clrnn_import_size sizes[GRAPH_ARRAYS];
    char size_names[GRAPH_ARRAYS][64];
} job;

static bool ends_with(const char *text, const char *end)
{
    size_t length = strlen(text), tail = strlen(end);
    return length > tail && strcmp(text + length - tail, end) == 0;
}

bool run_is_graph(const char *path)
{
    static const char begin[] = "{\"graph\":";
    const char *format = clrnn_format_of_file(path, tool_log());
    cJSON *header = NULL;
    bool graph = false;
    if (!format)
        return false;
    if (!ends_with(path, ".safetensors") && strcmp(format, "clrnn") != 0)
        return true;
    header = tool_read_header(path);
    const cJSON *metadata = cJSON_GetObjectItemCaseSensitive(header, "__metadata__");
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(metadata, "clrnn"));
    graph = text && strncmp(text, begin, sizeof begin - 1) == 0;
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

/* The rate of the model, once it is known: its own, or that of what it is given. */
static int take_rate(job *j, const char *path, tool_sound *sound)
{
    const uint32_t own = j->rate ? j->rate : sound->rate;
    if (j->sounded && (sound->rate != j->sound.rate || sound->frames != j->sound.frames))
        return tool_error("run: %s: it has %zu frames, %u a second, but %s %zu, %u a second", path,
                          sound->frames, sound->rate, j->sounded, j->sound.frames, j->sound.rate);
    j->sound = *sound;
    j->sound.samples = NULL;
    j->sounded = path;
    j->rate = own;
    if (own == sound->rate)
        return TOOL_OK;
    int code = sound_resample("run", path, sound, own, 0);
    if (!code)
        tool_warn("run: %s: %u frames a second, but the model is made for %u: changed to that, and "
                  "back in what is written",
                  path, j->sound.rate, own);
    return code;
}

static int load_sound(job *j, const place *p, clrnn_tensors **set)
{
    tool_sound sound;
    int code = sound_read("run", p->path, 0, &sound);
    if (!code)
        code = take_rate(j, p->path, &sound);
    const uint64_t shape[] = {sound.frames, sound.channels};
    clrnn_status status = code ? CLRNN_OK : clrnn_tensors_create(tool_log(), set);
    if (!code && !status)
        status = clrnn_tensors_add(*set, "", CLRNN_DTYPE_F32, 2, shape, sound.samples);
    sound_free(&sound);
    if (status)
        return tool_failed(status);
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

/* NAME=NUMBER, of axes that the model leaves open. */
static int read_sizes(job *j)
{
    const tool_list *sizes = j->sizes_given;
    if (sizes->count > GRAPH_ARRAYS)
        return tool_error("run: more than %d --size", GRAPH_ARRAYS);
    for (size_t i = 0; i < sizes->count; i++) {
        const char *text = sizes->items[i], *equals = strrchr(text, '=');
        char *end = NULL;
        const long long number = equals ? strtoll(equals + 1, &end, 10) : 0;
        if (!equals || *end || number < 1 || (size_t)(equals - text) >= sizeof j->size_names[0])
            return tool_error("run: --size %s: NAME=NUMBER is meant", text);
        memcpy(j->size_names[i], text, (size_t)(equals - text));
        j->sizes[i] = (clrnn_import_size){j->size_names[i], number};
    }
    j->pass.sizes = j->sizes;
    j->pass.size_count = (uint32_t)sizes->count;
    return TOOL_OK;
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

/* Channels of an output as a sound: what is not time. 0: it has no axis of time. */
static size_t channels_of(const job *j, size_t output)
{
    const clrnn_tensor *t = clrnn_tensors_at(j->outputs, output);
    const int axis = t && output < GRAPH_ARRAYS ? j->pass.timed[output] : -1;
    return axis < 0 || t->shape[axis] == 0 ? 0 : t->count / (size_t)t->shape[axis];
}

/* Output k of the model, or SIZE_MAX: without a name the first one that has as many channels as
 * what came in. */
static size_t sound_output(const job *j, const place *p)
{
    const size_t wanted = j->sounded ? j->sound.channels : 1;
    for (size_t i = 0; i < clrnn_tensors_count(j->outputs); i++)
        if (*p->name ? strcmp(clrnn_tensors_at(j->outputs, i)->name, p->name) == 0
                     : channels_of(j, i) == wanted)
            return i;
    return SIZE_MAX;
}

/* An output [outer,T,inner] as frames of outer*inner channels. */
static int interleave(const job *j, size_t output, tool_sound *sound)
{
    const clrnn_tensor *t = clrnn_tensors_at(j->outputs, output);
    const int axis = j->pass.timed[output];
    size_t T = (size_t)t->shape[axis], inner = 1;
    float *numbers = run_reals(t, sizeof(float));
    for (uint32_t i = (uint32_t)axis + 1; i < t->rank; i++)
        inner *= (size_t)t->shape[i];
    const size_t channels = t->count / T;
    *sound = (tool_sound){.samples = calloc(t->count, sizeof(float)),
                          .frames = T,
                          .channels = (uint32_t)channels,
                          .rate = j->rate,
                          .format = j->sound.format};
    for (size_t i = 0; numbers && sound->samples && i < t->count; i++)
        sound->samples[i / inner % T * channels + i / inner / T * inner + i % inner] = numbers[i];
    free(numbers);
    return numbers && sound->samples ? TOOL_OK : tool_no_memory();
}

static int save_sound(const job *j, const place *p)
{
    enum { most = 32 };
    const size_t output = sound_output(j, p);
    const size_t channels = output == SIZE_MAX ? 0 : channels_of(j, output);
    tool_sound sound = {0};
    if (channels == 0 || channels > most)
        return tool_error("run: --out %s: %s of the model is a sound of 1 to %d channels", p->path,
                          *p->name ? "that output" : "no output", most);
    if (!j->rate)
        return tool_error("run: --out %s: nothing says how many steps a second has; give a .wav, "
                          "or write .npy",
                          p->path);
    int code = interleave(j, output, &sound);
    if (!code && j->sounded && j->sound.rate != j->rate)
        code = sound_resample("run", p->path, &sound, j->sound.rate, j->sound.frames);
    if (!code)
        code = sound_write("run", p->path, &sound);
    if (!code)
        printf("%s %zu frames of %u channel%s, %u a second -> %s\n",
               clrnn_tensors_at(j->outputs, output)->name, sound.frames, sound.channels,
               sound.channels > 1 ? "s" : "", sound.rate, p->path);
    sound_free(&sound);
    return code;
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
        status = clrnn_tensors_add(set, ends_with(path, ".npy") ? "" : t->name, t->dtype, t->rank,
                                   t->shape, t->data);
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
        return save_sound(j, &places[k]);
    for (size_t i = 0; i < k; i++)
        if (strcmp(places[i].path, places[k].path) == 0)
            return TOOL_OK;
    clrnn_status status = clrnn_tensors_create(tool_log(), &set);
    for (size_t i = k; i < count && !status && !code; i++) {
        const bool npy = ends_with(places[i].path, ".npy");
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

/* Before anything is computed: files that can be written, and are not what is read. */
static int check_outputs(const job *j, const place *places, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        tool_file files[2] = {{"MODEL", j->w->model, false}, {"--out", places[i].path, true}};
        const bool sound = sound_is_named(places[i].path);
        if (!sound && !ends_with(places[i].path, ".npy") &&
            !ends_with(places[i].path, ".safetensors"))
            return tool_error("run: --out %s: the file's name must end in .npy, .safetensors or "
                              ".wav",
                              places[i].path);
        int code = sound ? sound_check("run", places[i].path) : TOOL_OK;
        if (!code)
            code = tool_check_files("run", files, 2);
        if (!code)
            code = tool_check_output("run", &files[1], true);
        for (size_t k = 0; k < i && !code; k++)
            if ((sound || ends_with(places[i].path, ".npy")) &&
                strcmp(places[i].path, places[k].path) == 0)
                code = tool_error("run: --out %s: %s file holds one array; use .safetensors",
                                  places[i].path, sound ? "a .wav" : "an .npy");
        if (code)
            return code;
    }
    return TOOL_OK;
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
    return status ? tool_failed(status) : TOOL_OK;
}

/* How long blocks took, and what part of what they last. */
static void print_times(const job *j)
{
    const graph_times *t = &j->pass.times;
    printf("%zu blocks of %u steps: median %.1f us, 99.9 %% within %.1f us, slowest %.1f us",
           t->blocks, j->pass.block, 1e6 * t->median, 1e6 * t->late, 1e6 * t->worst);
    if (j->rate) {
        const double lasts = (double)j->pass.block / j->rate;
        printf(", %.3g of the %.1f us that a block lasts at %u a second", t->worst / lasts,
               1e6 * lasts, j->rate);
    }
    printf("\n");
}

/* A graph has its own order of axes, and its own storage of weights. */
static int check_use(const run_graph_wishes *w, const tool_list *in, const tool_list *out)
{
    if (w->not_for_graphs)
        return tool_error("run: --batch-first and --weights are not for %s",
                          run_is_graph(w->model) ? "a graph" : "blocks and sounds");
    if (in->count == 0)
        return tool_error("run: no input; add --in [NAME=]FILE");
    return out->count ? TOOL_OK : tool_error("run: nothing to write; add --out FILE");
}

int run_graph(const run_graph_wishes *w, const tool_list *in, const tool_list *out,
              const tool_list *sizes)
{
    int code = check_use(w, in, out);
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
                               .block = w->block};
        j->rate = sound_model_rate(w->model);
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
