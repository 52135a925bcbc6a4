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
    uint32_t steps, batch; /* T and N, 1 where no input has them */
    uint32_t *lengths;     /* [N], or NULL */
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
    char text[1000];
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

/* "[T,N,3]" */
static const char *shape_text(const clrnn_value_info *info, char text[200])
{
    size_t used = 1;
    strcpy(text, "[");
    for (uint32_t i = 0; i < info->rank; i++) {
        const int64_t size = info->shape[i];
        char number[24];
        snprintf(number, sizeof number, "%lld", (long long)size);
        used += (size_t)snprintf(text + used, 200 - used, "%s%s", i ? "," : "",
                                 size == CLRNN_STEPS   ? "T"
                                 : size == CLRNN_BATCH ? "N"
                                                       : number);
    }
    snprintf(text + used, 200 - used, "]");
    return text;
}

/* Whether a size is that of an axis; T and N are what the first array says that has them. */
static bool take_size(int64_t axis, uint64_t size, arrays *a, bool known[2])
{
    if (axis != CLRNN_STEPS && axis != CLRNN_BATCH)
        return axis >= 0 && (uint64_t)axis == size;
    uint32_t *own = axis == CLRNN_STEPS ? &a->steps : &a->batch;
    bool *is_known = &known[axis == CLRNN_BATCH];
    if (size == 0 || size > INT32_MAX || (*is_known && *own != size))
        return false;
    *is_known = true;
    *own = (uint32_t)size;
    return true;
}

/* T and N by the shapes that are given; one sequence may come without the axis of N. */
static clrnn_status take_shape(const clrnn_value_info *info, const clrnn_tensor *value, arrays *a,
                               bool known[2])
{
    bool fits = true, has_batch = false;
    char text[600], wanted[200], found[200];
    for (uint32_t i = 0; i < info->rank; i++)
        has_batch = has_batch || info->shape[i] == CLRNN_BATCH;
    const bool single = has_batch && value->rank + 1 == info->rank;
    uint32_t k = 0;
    for (uint32_t i = 0; i < info->rank && fits; i++) {
        const bool left_out = single && info->shape[i] == CLRNN_BATCH;
        fits = (left_out || k < value->rank) &&
               take_size(info->shape[i], left_out ? 1 : value->shape[k], a, known);
        k += !left_out;
    }
    if (fits && k == value->rank)
        return CLRNN_OK;
    clrnn_value_info other = {.rank = value->rank};
    for (uint32_t i = 0; i < value->rank; i++)
        other.shape[i] = (int64_t)value->shape[i];
    snprintf(text, sizeof text, "input '%s' is %s, but the model takes %s%s", info->name,
             shape_text(&other, found), shape_text(info, wanted),
             has_batch ? ", T and N the same in all inputs" : "");
    return complain(CLRNN_ERR_RANGE, "%s", text);
}

/* An array called "lengths", where the model has no such input. */
static clrnn_status take_lengths(const clrnn_tensor *value, arrays *a)
{
    double *numbers = value->count == a->batch ? calloc(value->count, sizeof *numbers) : NULL;
    if (!numbers)
        return complain(CLRNN_ERR_RANGE, "'%s' must be one whole number for each sequence",
                        "lengths");
    clrnn_tensor_to_f64(value, numbers);
    a->lengths = calloc(a->batch, sizeof *a->lengths);
    clrnn_status status = a->lengths ? CLRNN_OK : CLRNN_ERR_MEMORY;
    for (uint32_t n = 0; n < a->batch && status == CLRNN_OK; n++) {
        const double x = numbers[n];
        if (!(x >= 0 && x <= a->steps) || x != (uint32_t)x)
            status = complain(CLRNN_ERR_RANGE, "'%s' must be whole numbers from 0 to T", "lengths");
        else
            a->lengths[n] = (uint32_t)x;
    }
    free(numbers);
    return status;
}

/* What is given must be an input, and say the same T and N as the others. */
static clrnn_status take_shapes(const graph_pass *pass, const clrnn_tensors *names,
                                const clrnn_graph *graph, arrays *a)
{
    clrnn_value_info info;
    const clrnn_tensor *lengths = given(pass, names, "lengths");
    bool known[2] = {false, false};
    clrnn_status status = CLRNN_OK;
    a->steps = a->batch = 1;
    for (uint32_t i = 0; status == CLRNN_OK && clrnn_graph_input_at(graph, i, &info); i++) {
        const clrnn_tensor *value = given(pass, names, info.name);
        if (value)
            status = take_shape(&info, value, a, known);
        if (strcmp(info.name, "lengths") == 0)
            lengths = NULL;
    }
    for (uint32_t k = 0; k < pass->count && status == CLRNN_OK; k++) {
        const char *name = name_of(pass, names, k);
        if (!*name || (!clrnn_tensors_find(names, name) && pass->inputs[k].value != lengths))
            status = complain(CLRNN_ERR_ARGUMENT, "the model has no input '%s'",
                              *name ? name : "of that place");
    }
    return status == CLRNN_OK && lengths ? take_lengths(lengths, a) : status;
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
    free(a->lengths);
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
    clrnn_graph *graph = NULL;
    clrnn_graph_plan *plan = NULL;
    clrnn_tensors *names = NULL;
    arrays a = {0};
    *outputs = NULL;
    clrnn_status status = clrnn_format_inputs(pass->path, tool_log(), &names);
    if (status == CLRNN_OK)
        status = clrnn_graph_import(pass->path, &desc, tool_log(), &graph);
    if (status == CLRNN_OK)
        status = take_names(graph, names);
    if (status == CLRNN_OK)
        status = take_shapes(pass, names, graph, &a);
    const clrnn_graph_plan_desc planned = {
        .max_steps = a.steps, .max_batch = a.batch, .strategy = pass->strategy};
    if (status == CLRNN_OK)
        status = clrnn_graph_plan_create(context, graph, &planned, &plan);
    if (status == CLRNN_OK)
        status = clrnn_tensors_create(tool_log(), outputs);
    if (status == CLRNN_OK)
        status = make_arrays(pass, names, graph, plan, *outputs, &a);
    const clrnn_graph_io io = {.lengths = a.lengths,
                               .inputs = a.sources,
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
