/* SPDX-License-Identifier: MIT
 * graph_pass.c - see graph_pass.h. */
#include "graph_pass.h"

#include <stdlib.h>
#include <string.h>

/* One run: host arrays of all inputs and outputs of the graph. */
typedef struct arrays {
    clrnn_graph_source *sources;
    clrnn_graph_sink *sinks;
    uint32_t inputs, outputs;
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

static clrnn_status complain(clrnn_status status, const char *format, const char *name)
{
    char text[300];
    snprintf(text, sizeof text, format, name);
    tool_log()->message(tool_log()->user, CLRNN_LOG_ERROR, text);
    return status;
}

/* What given array k is called, by itself or by its place. */
static const char *name_of(const graph_pass *pass, const clrnn_tensors *names, uint32_t k)
{
    const clrnn_tensor *name = clrnn_tensors_at(names, k);
    return pass->inputs[k].name ? pass->inputs[k].name : name ? name->name : "";
}

static const clrnn_tensor *given(const graph_pass *pass, const clrnn_tensors *names,
                                 const char *name)
{
    for (uint32_t k = 0; k < pass->count; k++)
        if (strcmp(name_of(pass, names, k), name) == 0)
            return pass->inputs[k].value;
    return NULL;
}

/* Elements as the graph takes them: [count], to be freed; NULL: no memory. */
static void *converted(const clrnn_tensor *value, bool ids, clrnn_precision precision)
{
    double *numbers = calloc(value->count ? value->count : 1, sizeof *numbers);
    if (!numbers)
        return NULL;
    if (!ids && precision == CLRNN_F32) {
        clrnn_tensor_to_f32(value, (float *)(void *)numbers);
        return numbers;
    }
    clrnn_tensor_to_f64(value, numbers);
    for (size_t i = 0; ids && i < value->count; i++) { /* in place: ints are narrower */
        const double x = numbers[i];
        const int32_t id = x >= INT32_MAX ? INT32_MAX : x <= INT32_MIN ? INT32_MIN : (int32_t)x;
        memcpy((char *)numbers + i * sizeof id, &id, sizeof id);
    }
    return numbers;
}

/* An input by what was given; else zeros, if they are allowed. */
static clrnn_status fill_source(const graph_pass *pass, const clrnn_tensors *names,
                                clrnn_graph_plan *plan, const clrnn_value_info *info,
                                clrnn_graph_source *source)
{
    const clrnn_tensor *value = given(pass, names, info->name);
    uint64_t shape[CLRNN_MOST_AXES];
    uint32_t rank = 0;
    size_t count = 1;
    clrnn_status status = clrnn_graph_plan_shape(plan, info->name, 0, 0, &rank, shape);
    for (uint32_t i = 0; i < rank && status == CLRNN_OK; i++)
        count *= (size_t)shape[i];
    if (status != CLRNN_OK)
        return status;
    if (!value && !pass->zeros)
        return complain(CLRNN_ERR_ARGUMENT, "input '%s' is not given", info->name);
    if (value && value->count != count)
        return complain(CLRNN_ERR_RANGE, "input '%s' is of another shape than it is given",
                        info->name);
    if (!value)
        tool_warn("input '%s' is not given: zeros", info->name);
    *source = (clrnn_graph_source){info->name, value ? converted(value, info->ids, pass->precision)
                                                     : calloc(count, sizeof(double))};
    return source->data ? CLRNN_OK : CLRNN_ERR_MEMORY;
}

static clrnn_status make_sink(clrnn_graph_plan *plan, const clrnn_value_info *info,
                              clrnn_precision precision, clrnn_tensors *set, clrnn_graph_sink *sink)
{
    uint64_t shape[CLRNN_MOST_AXES];
    uint32_t rank = 0;
    const clrnn_dtype dtype = info->ids                ? CLRNN_DTYPE_I32
                              : precision == CLRNN_F64 ? CLRNN_DTYPE_F64
                                                       : CLRNN_DTYPE_F32;
    clrnn_status status = clrnn_graph_plan_shape(plan, info->name, 0, 0, &rank, shape);
    if (status == CLRNN_OK)
        status = clrnn_tensors_add(set, info->name, dtype, rank, shape, NULL);
    const clrnn_tensor *made = status == CLRNN_OK ? clrnn_tensors_find(set, info->name) : NULL;
    *sink = (clrnn_graph_sink){info->name, made ? (void *)made->data : NULL};
    return status;
}

static clrnn_status make_arrays(const graph_pass *pass, const clrnn_tensors *names,
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
        status = fill_source(pass, names, plan, &info, &a->sources[i]);
    for (uint32_t i = 0; status == CLRNN_OK && clrnn_graph_output_at(graph, i, &info); i++)
        status = make_sink(plan, &info, pass->precision, set, &a->sinks[i]);
    return status;
}

static void free_arrays(arrays *a)
{
    for (uint32_t i = 0; a->sources && i < a->inputs; i++)
        free((void *)a->sources[i].data);
    free(a->sources);
    free(a->sinks);
}

clrnn_status graph_pass_run(clrnn_context *context, const graph_pass *pass, clrnn_tensors **outputs)
{
    const clrnn_import_desc desc = {.precision = pass->precision,
                                    .arch = pass->arch,
                                    .prefix = pass->prefix,
                                    .sizes = pass->sizes,
                                    .size_count = pass->size_count,
                                    .inputs = pass->inputs,
                                    .input_count = pass->count};
    const clrnn_graph_plan_desc planned = {
        .max_steps = 1, .max_batch = 1, .strategy = pass->strategy};
    clrnn_graph *graph = NULL;
    clrnn_graph_plan *plan = NULL;
    clrnn_tensors *names = NULL;
    arrays a = {0};
    *outputs = NULL;
    clrnn_status status = clrnn_format_inputs(pass->path, tool_log(), &names);
    if (status == CLRNN_OK)
        status = clrnn_graph_import(pass->path, &desc, tool_log(), &graph);
    if (status == CLRNN_OK)
        status = clrnn_graph_plan_create(context, graph, &planned, &plan);
    if (status == CLRNN_OK)
        status = clrnn_tensors_create(tool_log(), outputs);
    if (status == CLRNN_OK)
        status = make_arrays(pass, names, graph, plan, *outputs, &a);
    const clrnn_graph_io io = {.inputs = a.sources,
                               .input_count = a.inputs,
                               .outputs = a.sinks,
                               .output_count = a.outputs};
    if (status == CLRNN_OK)
        status = clrnn_graph_plan_forward(plan, &io);
    free_arrays(&a);
    clrnn_graph_plan_destroy(&plan);
    clrnn_graph_destroy(&graph);
    clrnn_tensors_destroy(&names);
    if (status != CLRNN_OK)
        clrnn_tensors_destroy(outputs);
    return status;
}
