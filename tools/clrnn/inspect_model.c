/* SPDX-License-Identifier: MIT
 * inspect_model.c - see inspect.h: a model file as a graph that keeps what traces read, and what
 * goes into it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "inspect.h"
#include "run.h"
#include "sound.h"
#include "system.h"

enum { most_text = 1 << 20 };

/* --- the model ------------------------------------------------------------------------------- */

static int find_node(inspect_model *m, const char *name)
{
    const uint32_t count = clrnn_graph_nodes(m->graph);
    for (m->node = 0; m->node < count; m->node++) {
        const clrnn_node_desc *node = clrnn_graph_node(m->graph, m->node);
        if (node->kind == CLRNN_NODE_RECURRENT && (!name || strcmp(node->name, name) == 0))
            return TOOL_OK;
    }
    return name ? tool_error("inspect: %s has no recurrent node %s", m->path, name)
                : tool_error("inspect: %s has no recurrent node", m->path);
}

static void describe(inspect_model *m)
{
    const clrnn_node_desc *node = clrnn_graph_node(m->graph, m->node);
    m->network = &node->network;
    m->cell = clrnn_cell_get_info(m->network->cell);
    m->layers = m->network->num_layers ? m->network->num_layers : 1;
    m->directions = m->network->bidirectional ? 2 : 1;
    m->width = m->network->proj_size ? m->network->proj_size : m->network->hidden_size;
}

/* Ids: how many there are, and which bytes, as far as the file says. */
static int find_symbols(inspect_model *m)
{
    const clrnn_model_source source = {.path = m->path};
    clrnn_value_info input;
    clrnn_model_desc desc;
    if (clrnn_graph_inputs(m->graph) != 1 || !clrnn_graph_input_at(m->graph, 0, &input))
        return tool_error("inspect: %s has %u inputs; one is what can be given", m->path,
                          clrnn_graph_inputs(m->graph));
    if (!input.ids)
        return TOOL_OK;
    m->symbols = 256;
    for (uint32_t i = 0; i < clrnn_graph_nodes(m->graph); i++) {
        const clrnn_node_desc *node = clrnn_graph_node(m->graph, i);
        m->symbols = node->vocabulary ? node->vocabulary : m->symbols;
    }
    const clrnn_log quiet = {0};
    if (clrnn_model_describe(&source, &quiet, &desc, m->bytes) == CLRNN_OK)
        m->has_bytes = desc.vocabulary != NULL;
    return TOOL_OK;
}

static double *numbers_of(const clrnn_tensors *set, const char *name)
{
    const clrnn_tensor *t = clrnn_tensors_find(set, name);
    double *values = t ? calloc(t->count ? t->count : 1, sizeof *values) : NULL;
    if (values)
        clrnn_tensor_to_f64(t, values);
    return values;
}

/* What clrnn train --data has brought to mean 0 and deviation 1: models of other programs say none.
 */
static int find_scale(inspect_model *m)
{
    clrnn_tensors *set = NULL;
    clrnn_status status = CLRNN_OK;
    if (!tool_ends_with(m->path, ".safetensors"))
        return TOOL_OK;
    status = clrnn_tensors_load(m->path, tool_log(), &set);
    if (status)
        return tool_failed(status);
    m->mean = numbers_of(set, "scale.x_mean");
    m->deviation = numbers_of(set, "scale.x_deviation");
    clrnn_tensors_destroy(&set);
    return TOOL_OK;
}

int inspect_load(const char *path, const char *node, inspect_model *model)
{
    *model = (inspect_model){.path = path};
    clrnn_status status = clrnn_graph_import(path, NULL, tool_log(), &model->graph);
    if (status)
        return tool_failed(status);
    int code = find_node(model, node);
    if (!code)
        describe(model);
    if (!code)
        code = find_symbols(model);
    return code ? code : find_scale(model);
}

int inspect_prepare(clrnn_context *context, inspect_model *model, uint32_t steps, uint32_t rows)
{
    const clrnn_graph_plan_desc desc = {.max_steps = steps, .max_batch = rows, .train = true};
    model->steps = steps;
    clrnn_graph_plan_destroy(&model->plan);
    clrnn_status status = clrnn_graph_plan_create(context, model->graph, &desc, &model->plan);
    return status ? tool_failed(status) : TOOL_OK;
}

void inspect_close(inspect_model *model)
{
    clrnn_graph_plan_destroy(&model->plan);
    clrnn_graph_destroy(&model->graph);
    free(model->mean);
    free(model->deviation);
}

/* --- running --------------------------------------------------------------------------------- */

/* The strides of T, N and features in a value of a graph, whose other axes are 1. */
static bool strides_of(const clrnn_value_info *info, uint32_t steps, uint32_t rows, uint32_t width,
                       size_t *step, size_t *row, size_t *feature)
{
    size_t stride = 1;
    *step = *row = *feature = 0;
    for (uint32_t i = info->rank; i-- > 0;) {
        const int64_t size = info->shape[i];
        if (size == CLRNN_STEPS)
            *step = stride;
        else if (size == CLRNN_BATCH)
            *row = stride;
        else if (size == (int64_t)width && !*feature)
            *feature = stride;
        else if (size != 1)
            return false;
        stride *= size == CLRNN_STEPS ? steps : size == CLRNN_BATCH ? rows : (size_t)size;
    }
    return *step && (*feature || width == 1) && (*row || rows == 1);
}

/* x [T,rows,I] in the order of the graph's input, scaled; to be freed. */
static float *in_order(const inspect_model *m, const clrnn_value_info *info, const float *x,
                       uint32_t steps, uint32_t rows, uint32_t width)
{
    size_t step, row, feature;
    float *to = strides_of(info, steps, rows, width, &step, &row, &feature)
                    ? calloc((size_t)steps * rows * width, sizeof *to)
                    : NULL;
    for (size_t i = 0; to && i < (size_t)steps * rows * width; i++) {
        const size_t k = i % width, n = i / width % rows, t = i / width / rows;
        double value = x[i];
        if (m->mean && m->deviation)
            value = (value - m->mean[k]) / m->deviation[k];
        to[t * step + n * row + k * feature] = (float)value;
    }
    return to;
}

static uint32_t features_of(const clrnn_value_info *info)
{
    for (uint32_t i = 0; i < info->rank; i++)
        if (info->shape[i] > 1)
            return (uint32_t)info->shape[i];
    return 1;
}

/* Ids lie as [T,N] or [N,T]. */
static int32_t *ids_in_order(const clrnn_value_info *info, const int32_t *ids, uint32_t steps,
                             uint32_t rows)
{
    size_t step, row, feature;
    int32_t *to = strides_of(info, steps, rows, 1, &step, &row, &feature)
                      ? calloc((size_t)steps * rows, sizeof *to)
                      : NULL;
    for (size_t i = 0; to && i < (size_t)steps * rows; i++)
        to[i / rows * step + i % rows * row] = ids[i];
    return to;
}

int inspect_run(inspect_model *model, const int32_t *ids, const float *x, uint32_t steps,
                uint32_t rows, float **y, uint32_t *width)
{
    clrnn_value_info in, out;
    (void)clrnn_graph_input_at(model->graph, 0, &in);
    (void)clrnn_graph_output_at(model->graph, 0, &out);
    void *data = ids ? (void *)ids_in_order(&in, ids, steps, rows)
                     : (void *)in_order(model, &in, x, steps, rows, features_of(&in));
    if (!data)
        return tool_error("inspect: %s: its input %s is none of steps, rows and features",
                          model->path, in.name);
    const clrnn_graph_source source = {in.name, data};
    clrnn_graph_sink sink = {out.name, NULL};
    clrnn_graph_io io = {.steps = steps, .batch = rows, .inputs = &source, .input_count = 1};
    uint64_t shape[CLRNN_MOST_AXES], count = 1;
    uint32_t rank = 0;
    clrnn_status status = clrnn_graph_plan_shape(model->plan, out.name, steps, rows, &rank, shape);
    for (uint32_t i = 0; i < rank; i++)
        count *= shape[i];
    if (!status && y) {
        *y = calloc(count, sizeof **y);
        *width = (uint32_t)shape[rank - 1];
        sink.data = *y;
        io.outputs = &sink;
        io.output_count = 1;
    }
    if (!status && (!y || *y))
        status = clrnn_graph_plan_forward(model->plan, &io);
    free(data);
    return status ? tool_failed(status) : y && !*y ? tool_no_memory() : TOOL_OK;
}

/* --- what goes in ---------------------------------------------------------------------------- */

static int symbol_of(const inspect_model *m, uint8_t byte)
{
    const uint8_t *found = m->has_bytes ? memchr(m->bytes, byte, m->symbols) : NULL;
    return m->has_bytes ? (found ? (int)(found - m->bytes) : -1) : byte < m->symbols ? byte : -1;
}

static int read_text(const inspect_options *o, const inspect_model *m, inspect_input *in)
{
    const uint64_t wanted = (uint64_t)o->first + o->steps;
    if (!m->symbols)
        return tool_error("inspect: --text %s: %s takes numbers, not symbols; add --in FILE",
                          o->text, m->path);
    FILE *file = system_open(o->text, "rb");
    if (!file)
        return tool_error("inspect: %s: cannot read it: %s", o->text, strerror(errno));
    in->bytes = calloc(most_text, 1);
    in->ids = calloc(most_text, sizeof *in->ids);
    size_t size = in->bytes && in->ids ? fread(in->bytes, 1, most_text, file) : 0;
    const bool bad = ferror(file);
    fclose(file);
    if (!in->bytes || !in->ids)
        return tool_no_memory();
    if (bad || size <= o->first)
        return bad ? tool_error("inspect: %s: cannot read it", o->text)
                   : tool_error("inspect: %s has %zu bytes, and --first is %u", o->text, size,
                                o->first);
    in->more = size > wanted;
    in->steps = in->more ? (uint32_t)wanted : (uint32_t)size;
    for (uint32_t i = 0; i < in->steps + in->more; i++) {
        const int id = symbol_of(m, in->bytes[i]);
        if (id < 0)
            return tool_error("inspect: %s: byte 0x%02x at %u is not in the model's vocabulary",
                              o->text, in->bytes[i], i);
        in->ids[i] = id;
    }
    return TOOL_OK;
}

static int bad_shape(const inspect_options *o, const clrnn_tensor *t, uint32_t width, bool ids)
{
    char text[200];
    if (ids)
        return tool_error("inspect: --in %s: x is %s, but the model takes symbols [T,N] or [T]",
                          o->in, run_shape_text(t, text));
    return tool_error("inspect: --in %s: x is %s, but the model takes [T,N,%u] or [T,%u]", o->in,
                      run_shape_text(t, text), width, width);
}

/* Row `row` of x [T,N,I], [N,T,I] or [T,I], or of symbols [T,N], [N,T] or [T]. */
static int take_row(const inspect_options *o, const inspect_model *m, const clrnn_tensor *t,
                    inspect_input *in)
{
    const bool ids = m->symbols > 0;
    const uint32_t rank = ids ? 2 : 3, last = t->rank - 1;
    clrnn_value_info info;
    (void)clrnn_graph_input_at(m->graph, 0, &info);
    in->width = ids ? 1 : features_of(&info);
    if ((t->rank != rank && t->rank != rank - 1) || (!ids && t->shape[last] != in->width) ||
        t->count == 0 || t->shape[0] > INT32_MAX || t->shape[last > 0] > INT32_MAX)
        return bad_shape(o, t, in->width, ids);
    const bool several = t->rank == rank, rows_first = several && o->batch_first;
    const size_t rows = several ? (size_t)t->shape[rows_first ? 0 : 1] : 1;
    const size_t steps = (size_t)t->shape[rows_first ? 1 : 0];
    if (o->row >= rows || steps <= o->first)
        return tool_error(
            "inspect: --in %s has %zu steps of %zu sequences, so no --%s %u%s", o->in, steps, rows,
            o->row >= rows ? "row" : "first", o->row >= rows ? o->row : o->first,
            several && !rows_first ? "; where sequences come first, add --batch-first" : "");
    const uint64_t wanted = (uint64_t)o->first + o->steps;
    in->steps = steps < wanted ? (uint32_t)steps : (uint32_t)wanted;
    float *all = ids ? NULL : run_reals(t, sizeof(float));
    int32_t *symbols = ids ? run_integers(t) : NULL;
    in->x = ids ? NULL : calloc((size_t)in->steps * in->width, sizeof *in->x);
    in->ids = ids ? calloc(in->steps, sizeof *in->ids) : NULL;
    const bool made = ids ? symbols && in->ids : all && in->x;
    for (size_t i = 0; made && i < (size_t)in->steps * in->width; i++) {
        const size_t step = i / in->width;
        const size_t from =
            (rows_first ? o->row * steps + step : step * rows + o->row) * in->width + i % in->width;
        if (ids)
            in->ids[i] = symbols[from];
        else
            in->x[i] = all[from];
    }
    free(all);
    free(symbols);
    return made ? TOOL_OK : tool_no_memory();
}

static int load_sound(const inspect_options *o, clrnn_tensors **set)
{
    tool_sound sound;
    int code = sound_read("inspect", o->in, (uint64_t)o->first + o->steps, &sound);
    const uint64_t shape[] = {sound.frames, sound.channels};
    clrnn_status status = code ? CLRNN_OK : clrnn_tensors_create(tool_log(), set);
    if (!code && !status)
        status = clrnn_tensors_add(*set, "x", CLRNN_DTYPE_F32, 2, shape, sound.samples);
    sound_free(&sound);
    return status ? tool_failed(status) : code;
}

static int read_array(const inspect_options *o, const inspect_model *m, inspect_input *in)
{
    clrnn_tensors *set = NULL;
    int code = TOOL_OK;
    if (sound_is_named(o->in)) {
        code = load_sound(o, &set);
    } else {
        clrnn_status status = clrnn_tensors_load(o->in, tool_log(), &set);
        code = status ? tool_failed(status) : TOOL_OK;
    }
    const clrnn_tensor *t = NULL;
    if (!code)
        t = clrnn_tensors_count(set) == 1 ? clrnn_tensors_at(set, 0) : clrnn_tensors_find(set, "x");
    if (!code && !t)
        code = tool_error("inspect: --in %s has no tensor x", o->in);
    if (!code)
        code = take_row(o, m, t, in);
    clrnn_tensors_destroy(&set);
    return code;
}

int inspect_read(const inspect_options *options, const inspect_model *model, inspect_input *input)
{
    *input = (inspect_input){0};
    return options->text ? read_text(options, model, input) : read_array(options, model, input);
}

void inspect_input_free(inspect_input *input)
{
    free(input->ids);
    free(input->x);
    free(input->bytes);
}
