/* SPDX-License-Identifier: MIT
 * graph_pass.c - see graph_pass.h. */
#include "graph_pass.h"

#include <stdlib.h>
#include <string.h>

#include "graph_blocks.h"
#include "graph_sizes.h"
#include "graph_sound.h"
#include "graph_turn.h"
#include "graph_words.h"

/* One run: host arrays of all inputs and outputs of the graph. */
typedef struct arrays {
    clrnn_graph_source *sources;
    clrnn_graph_sink *sinks;
    uint32_t inputs, outputs;
    graph_sizes sizes;
    uint32_t *lengths;  /* [N], or NULL */
    clrnn_tensors *own; /* sounds, and what was turned, as the model takes them */
    clrnn_graph *open;  /* the model with T and N, where files begin with N; or NULL */
} arrays;

bool graph_pass_add(graph_pass *pass, const char *name, const clrnn_tensor *value)
{
    if (pass->count == GRAPH_ARRAYS)
        return false;
    clrnn_import_input *in = &pass->inputs[pass->count++];
    *in =
        (clrnn_import_input){.name = name, .has_shape = true, .rank = value->rank, .value = value};
    for (uint32_t i = 0; i < value->rank; i++)
        in->shape[i] = (int64_t)value->shape[i];
    return true;
}

bool graph_pass_add_sound(graph_pass *pass, const char *name, const clrnn_tensor *value)
{
    if (!graph_pass_add(pass, name, value))
        return false;
    pass->sound[pass->count - 1] = true;
    return true;
}

/* What given array k is called, by itself or by its place. */
static const char *name_of(const graph_pass *pass, const clrnn_tensors *names, uint32_t k)
{
    const clrnn_tensor *name = clrnn_tensors_at(names, k);
    return pass->inputs[k].name ? pass->inputs[k].name : name ? name->name : "";
}

/* Which given array is for an input; pass->count: none. */
static uint32_t find(const graph_pass *pass, const clrnn_tensors *names, const char *name)
{
    uint32_t k = 0;
    while (k < pass->count && strcmp(name_of(pass, names, k), name) != 0)
        k++;
    return k;
}

static const clrnn_tensor *given(const graph_pass *pass, const clrnn_tensors *names,
                                 const char *name)
{
    const uint32_t k = find(pass, names, name);
    return k < pass->count ? pass->inputs[k].value : NULL;
}

/* Of a format that says no names: those of the graph. */
static clrnn_status take_names(const clrnn_graph *graph, clrnn_tensors *names)
{
    const uint64_t empty = 0;
    clrnn_value_info info;
    clrnn_status status = CLRNN_OK;
    for (uint32_t i = 0; clrnn_tensors_count(names) == i && status == CLRNN_OK &&
                         clrnn_graph_input_at(graph, i, &info);
         i++)
        status = clrnn_tensors_add(names, info.name, CLRNN_DTYPE_F32, 1, &empty, NULL);
    return status;
}

/* --- the model ------------------------------------------------------------------------------- */

/* The model as a graph. With arrays all is known of its shapes; what comes in blocks, or is a
 * sound, has T and N. */
static clrnn_status read_graph(const graph_pass *pass, bool shapes, clrnn_graph **graph)
{
    clrnn_import_input inputs[GRAPH_ARRAYS];
    const clrnn_import_desc desc = {.precision = pass->precision,
                                    .arch = pass->arch,
                                    .prefix = pass->prefix,
                                    .sizes = pass->sizes,
                                    .size_count = pass->size_count,
                                    .inputs = inputs,
                                    .input_count = pass->count};
    for (uint32_t k = 0; k < pass->count; k++) {
        inputs[k] = pass->inputs[k];
        if (!shapes || pass->block || pass->sound[k])
            inputs[k].has_shape = false;
        if (pass->sound[k])
            inputs[k].value = NULL;
    }
    return clrnn_graph_import(pass->path, &desc, tool_log(), graph);
}

/* --- sounds ----------------------------------------------------------------------------------- */

static clrnn_status fit_sounds(graph_pass *pass, const clrnn_tensors *names,
                               const clrnn_graph *graph, arrays *a)
{
    clrnn_value_info info;
    clrnn_status status = CLRNN_OK;
    for (uint32_t i = 0; status == CLRNN_OK && clrnn_graph_input_at(graph, i, &info); i++) {
        const uint32_t k = find(pass, names, info.name);
        if (k < pass->count && pass->sound[k])
            status = graph_sound_fit(&info, &a->own, &pass->inputs[k].value);
    }
    return status;
}

/* --- files that begin with N ------------------------------------------------------------------ */

/* Arrays as the model takes them, of which *has_time says whether any begins with T and N. */
static clrnn_status turn_inputs(graph_pass *pass, const clrnn_tensors *names, arrays *a,
                                bool *has_time)
{
    clrnn_value_info info;
    clrnn_status status = CLRNN_OK;
    for (uint32_t i = 0; status == CLRNN_OK && clrnn_graph_input_at(a->open, i, &info); i++) {
        const uint32_t k = find(pass, names, info.name);
        clrnn_import_input *in = k < pass->count ? &pass->inputs[k] : NULL;
        *has_time = *has_time || graph_has_time(&info);
        if (!in || pass->sound[k] || !graph_is_time_first(&info) || in->value->rank != info.rank)
            continue;
        status = graph_turn(in->value, info.name, &a->own, &in->value);
        in->shape[0] = status == CLRNN_OK ? (int64_t)in->value->shape[0] : 0;
        in->shape[1] = status == CLRNN_OK ? (int64_t)in->value->shape[1] : 0;
    }
    return status;
}

/* Which arrays begin with T and N is known before their shapes are: the model is read twice. */
static clrnn_status read_batch_first(graph_pass *pass, clrnn_tensors *names, arrays *a)
{
    clrnn_value_info info;
    bool has_time = false;
    clrnn_status status = read_graph(pass, false, &a->open);
    if (status == CLRNN_OK)
        status = take_names(a->open, names);
    if (status == CLRNN_OK)
        status = turn_inputs(pass, names, a, &has_time);
    for (uint32_t i = 0; status == CLRNN_OK && clrnn_graph_output_at(a->open, i, &info); i++)
        has_time = has_time || graph_has_time(&info);
    if (status == CLRNN_OK && !has_time)
        status = graph_complain(CLRNN_ERR_ARGUMENT,
                                "%s: --batch-first: no array of the model begins with T and N; "
                                "give them as it has them",
                                pass->path);
    return status;
}

/* --- arrays ----------------------------------------------------------------------------------- */

/* What is given must be an input, and say the same T and N as the others. */
static clrnn_status take_shapes(const graph_pass *pass, const clrnn_tensors *names,
                                const clrnn_graph *graph, arrays *a)
{
    clrnn_value_info info;
    const clrnn_tensor *lengths = given(pass, names, "lengths");
    clrnn_status status = CLRNN_OK;
    a->sizes = (graph_sizes){.steps = 1, .batch = 1};
    for (uint32_t i = 0; status == CLRNN_OK && clrnn_graph_input_at(graph, i, &info); i++) {
        const clrnn_tensor *value = given(pass, names, info.name);
        if (value)
            status = graph_sizes_take(&info, value, &a->sizes);
        if (strcmp(info.name, "lengths") == 0)
            lengths = NULL;
    }
    for (uint32_t k = 0; k < pass->count && status == CLRNN_OK; k++) {
        const char *name = name_of(pass, names, k);
        if (!*name || (!clrnn_tensors_find(names, name) && pass->inputs[k].value != lengths))
            status = graph_complain(CLRNN_ERR_ARGUMENT, "the model has no input '%s'",
                                    *name ? name : "of that place");
    }
    return status == CLRNN_OK && lengths ? graph_sizes_lengths(lengths, &a->sizes, &a->lengths)
                                         : status;
}

/* The shape of an input or output, which of a stream has no other axes than T, N and numbers. */
static clrnn_status shape_of(clrnn_graph_plan *plan, const arrays *a, const clrnn_value_info *info,
                             uint32_t *rank, uint64_t shape[CLRNN_MOST_AXES])
{
    if (plan)
        return clrnn_graph_plan_shape(plan, info->name, 0, 0, rank, shape);
    *rank = info->rank;
    for (uint32_t i = 0; i < info->rank; i++) {
        const int64_t size = info->shape[i];
        if (size < 0 && size != CLRNN_STEPS && size != CLRNN_BATCH)
            return graph_complain(CLRNN_ERR_ARGUMENT,
                                  "an axis of '%s' depends on T: it cannot come in blocks",
                                  info->name);
        shape[i] = size == CLRNN_STEPS   ? a->sizes.steps
                   : size == CLRNN_BATCH ? a->sizes.batch
                                         : (uint64_t)size;
    }
    return CLRNN_OK;
}

/* An input by what was given; else zeros, if they are allowed. */
static clrnn_status fill_source(const graph_pass *pass, const clrnn_tensors *names, const arrays *a,
                                clrnn_graph_plan *plan, const clrnn_value_info *info,
                                clrnn_graph_source *source)
{
    const clrnn_tensor *value = given(pass, names, info->name);
    uint64_t shape[CLRNN_MOST_AXES];
    uint32_t rank = 0;
    size_t count = 1;
    clrnn_status status = shape_of(plan, a, info, &rank, shape);
    for (uint32_t i = 0; i < rank && status == CLRNN_OK; i++)
        count *= (size_t)shape[i];
    if (status != CLRNN_OK)
        return status;
    if (!value && (!pass->zeros || pass->count == 0))
        return graph_complain(CLRNN_ERR_ARGUMENT,
                              pass->zeros ? "no input; add --in [NAME=]FILE ('%s' is one)"
                                          : "input '%s' is not given",
                              info->name);
    if (value && value->count != count)
        return graph_complain(CLRNN_ERR_RANGE, "input '%s' is of another shape than it is given",
                              info->name);
    if (!value)
        tool_warn("input '%s' is not given: zeros", info->name);
    void *data = NULL;
    if (value)
        status = graph_elements(value, info, pass->precision, &data);
    else if (!(data = calloc(count, sizeof(double))))
        status = CLRNN_ERR_MEMORY;
    *source = (clrnn_graph_source){info->name, data};
    return status;
}

static clrnn_status make_sink(clrnn_graph_plan *plan, const arrays *a, const clrnn_value_info *info,
                              clrnn_precision precision, clrnn_tensors *set, clrnn_graph_sink *sink)
{
    uint64_t shape[CLRNN_MOST_AXES];
    uint32_t rank = 0;
    const clrnn_dtype dtype = info->ids                ? CLRNN_DTYPE_I32
                              : precision == CLRNN_F64 ? CLRNN_DTYPE_F64
                                                       : CLRNN_DTYPE_F32;
    clrnn_status status = shape_of(plan, a, info, &rank, shape);
    if (status == CLRNN_OK)
        status = clrnn_tensors_add(set, info->name, dtype, rank, shape, NULL);
    const clrnn_tensor *made = status == CLRNN_OK ? clrnn_tensors_find(set, info->name) : NULL;
    *sink = (clrnn_graph_sink){info->name, made ? (void *)made->data : NULL};
    return status;
}

/* Which axis is time, or -1. */
static int time_axis(const clrnn_value_info *info)
{
    int axis = -1;
    for (uint32_t i = 0; i < info->rank; i++)
        axis = info->shape[i] == CLRNN_STEPS ? (int)i : axis;
    return axis;
}

static clrnn_status make_arrays(graph_pass *pass, const clrnn_tensors *names,
                                const clrnn_graph *graph, clrnn_graph_plan *plan,
                                clrnn_tensors *set, arrays *a)
{
    clrnn_value_info info;
    a->inputs = clrnn_graph_inputs(graph);
    a->outputs = clrnn_graph_outputs(graph);
    a->sources = calloc(a->inputs + 1u, sizeof *a->sources);
    a->sinks = calloc(a->outputs + 1u, sizeof *a->sinks);
    clrnn_status status = a->sources && a->sinks ? CLRNN_OK : CLRNN_ERR_MEMORY;
    for (uint32_t i = 0; status == CLRNN_OK && clrnn_graph_input_at(graph, i, &info); i++)
        status = fill_source(pass, names, a, plan, &info, &a->sources[i]);
    for (uint32_t i = 0; status == CLRNN_OK && clrnn_graph_output_at(graph, i, &info); i++) {
        status = make_sink(plan, a, &info, pass->precision, set, &a->sinks[i]);
        if (i < GRAPH_ARRAYS)
            pass->timed[i] = time_axis(&info);
    }
    return status;
}

static void free_arrays(arrays *a)
{
    for (uint32_t i = 0; a->sources && i < a->inputs; i++)
        free((void *)a->sources[i].data);
    free(a->sources);
    free(a->sinks);
    free(a->lengths);
    clrnn_tensors_destroy(&a->own);
    clrnn_graph_destroy(&a->open);
}

/* --- all -------------------------------------------------------------------------------------- */

/* In one pass, or in blocks where there is no plan. */
static clrnn_status run(clrnn_context *context, graph_pass *pass, clrnn_graph *graph,
                        clrnn_graph_plan *plan, const arrays *a)
{
    const clrnn_graph_io io = {.lengths = a->lengths,
                               .inputs = a->sources,
                               .input_count = a->inputs,
                               .outputs = a->sinks,
                               .output_count = a->outputs};
    const graph_blocks blocks = {.graph = graph,
                                 .is_double = pass->precision == CLRNN_F64,
                                 .block =
                                     pass->block < a->sizes.steps ? pass->block : a->sizes.steps,
                                 .steps = a->sizes.steps,
                                 .batch = a->sizes.batch,
                                 .lengths = a->lengths,
                                 .sources = a->sources,
                                 .sinks = a->sinks,
                                 .inputs = a->inputs,
                                 .outputs = a->outputs,
                                 .strategy = pass->strategy};
    return plan ? clrnn_graph_plan_forward(plan, &io)
                : graph_blocks_run(context, &blocks, &pass->times);
}

clrnn_status graph_pass_run(clrnn_context *context, graph_pass *pass, clrnn_tensors **outputs)
{
    clrnn_graph *graph = NULL;
    clrnn_graph_plan *plan = NULL;
    clrnn_tensors *names = NULL;
    arrays a = {0};
    *outputs = NULL;
    clrnn_status status = clrnn_format_inputs(pass->path, tool_log(), &names);
    if (status == CLRNN_OK && pass->batch_first)
        status = read_batch_first(pass, names, &a);
    if (status == CLRNN_OK)
        status = read_graph(pass, true, &graph);
    if (status == CLRNN_OK)
        status = take_names(graph, names);
    if (status == CLRNN_OK)
        status = fit_sounds(pass, names, graph, &a);
    if (status == CLRNN_OK)
        status = take_shapes(pass, names, graph, &a);
    const clrnn_graph_plan_desc planned = {
        .max_steps = a.sizes.steps, .max_batch = a.sizes.batch, .strategy = pass->strategy};
    if (status == CLRNN_OK && !pass->block)
        status = clrnn_graph_plan_create(context, graph, &planned, &plan);
    if (status == CLRNN_OK)
        status = clrnn_tensors_create(tool_log(), outputs);
    if (status == CLRNN_OK)
        status = make_arrays(pass, names, graph, plan, *outputs, &a);
    if (status == CLRNN_OK)
        status = run(context, pass, graph, plan, &a);
    if (status == CLRNN_OK && pass->batch_first)
        status = graph_turn_outputs(a.open, outputs, pass->timed, GRAPH_ARRAYS);
    free_arrays(&a);
    clrnn_graph_plan_destroy(&plan);
    clrnn_graph_destroy(&graph);
    clrnn_tensors_destroy(&names);
    if (status != CLRNN_OK)
        clrnn_tensors_destroy(outputs);
    return status;
}
