/* SPDX-License-Identifier: MIT
 * format/onnx/axes.c - see format/onnx/axes.h. */
#include "format/onnx/axes.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "model/tensors.h"

/* --- what the caller says --------------------------------------------------------------------- */

/* By its name, or by its place. */
const clrnn_import_input *clr_onnx_axes_input(const onnx_import *m, size_t i)
{
    const ClrOnnx__Graph *g = m->model->graph;
    const clrnn_import_desc *desc = m->desc;
    for (uint32_t k = 0; k < desc->input_count; k++)
        if (desc->inputs[k].name ? strcmp(desc->inputs[k].name, g->input[i]->name) == 0 : k == i)
            return &desc->inputs[k];
    return NULL;
}

static const clrnn_import_size *size_of(const clrnn_import_desc *desc, const char *name)
{
    for (uint32_t i = 0; i < desc->size_count; i++)
        if (desc->sizes[i].name && strcmp(desc->sizes[i].name, name) == 0)
            return &desc->sizes[i];
    return NULL;
}

/* The size that an input which is given has under a name; 0: none. */
static int64_t named_size(const onnx_import *m, const char *name)
{
    const ClrOnnx__Graph *g = m->model->graph;
    for (size_t i = 0; i < g->n_input; i++) {
        const clrnn_import_input *given = clr_onnx_axes_input(m, i);
        const ClrOnnx__Type *type = g->input[i]->type;
        const ClrOnnx__Shape *shape = type && type->tensor_type ? type->tensor_type->shape : NULL;
        for (uint32_t k = 0; given && given->has_shape && shape && k < given->rank; k++)
            if (k < shape->n_dim && shape->dim[k]->dim_param &&
                strcmp(shape->dim[k]->dim_param, name) == 0 && given->shape[k] > 0)
                return given->shape[k];
    }
    return 0;
}

static bool is_size(int64_t size)
{
    return size > 0 || size == CLRNN_STEPS || size == CLRNN_BATCH;
}

/* --- open axes -------------------------------------------------------------------------------- */

/* What a name sounds like: a batch (> 0) or time (< 0). */
static int leaning_of(const char *name, uint32_t axis)
{
    static const char *const batch[] = {"batch", "bs", "num_seq"};
    static const char *const time[] = {"time",  "seq",  "step", "frame", "len",
                                       "sampl", "word", "char", "token"};
    char low[80];
    size_t i = 0;
    for (; name[i] && i + 1 < sizeof low; i++)
        low[i] = (char)tolower((unsigned char)name[i]);
    low[i] = 0;
    for (size_t k = 0; k < sizeof batch / sizeof *batch; k++)
        if (strstr(low, batch[k]))
            return 8;
    for (size_t k = 0; k < sizeof time / sizeof *time; k++)
        if (strstr(low, time[k]))
            return -8;
    if (strcmp(low, "n") == 0 || strcmp(low, "b") == 0)
        return 4;
    if (strcmp(low, "t") == 0 || strcmp(low, "l") == 0 || strcmp(low, "s") == 0)
        return -4;
    return axis == 0 ? 2 : -2;
}

static clrnn_status open_axis(const onnx_import *m, onnx_ends *axes, const char *name,
                              uint32_t axis, uint8_t *out)
{
    for (uint32_t i = 0; i < axes->count; i++)
        if (strcmp(axes->open[i].name, name) == 0) {
            *out = (uint8_t)i;
            return CLRNN_OK;
        }
    if (axes->count == ONNX_MOST_OPEN)
        return clr_fail(m->log, CLRNN_ERR_NEEDS_SIZE,
                        "%s: more than %d axes are open, '%s' among them: give them sizes",
                        m->file->path, ONNX_MOST_OPEN, clr_show(name).text);
    onnx_open *open = &axes->open[axes->count];
    snprintf(open->name, sizeof open->name, "%s", name);
    open->leaning = leaning_of(name, axis);
    *out = (uint8_t)axes->count++;
    return CLRNN_OK;
}

/* What an axis is called: as the file does, or by its input and place. */
static void name_axis(const ClrOnnx__ValueInfo *info, uint32_t i, char name[80])
{
    const char *own = info->type->tensor_type->shape->dim[i]->dim_param;
    if (own && *own)
        snprintf(name, 80, "%s", own);
    else
        snprintf(name, 80, "%.60s[%u]", info->name, i);
}

static clrnn_status read_axis(const onnx_import *m, onnx_ends *axes, const ClrOnnx__ValueInfo *info,
                              const clrnn_import_input *given, struct onnx_input_axes *in,
                              uint32_t i)
{
    const ClrOnnx__Dimension *dim = info->type->tensor_type->shape->dim[i];
    char name[80];
    if (given && given->has_shape && given->shape[i] > 0 && dim->has_dim_value &&
        dim->dim_value > 0 && given->shape[i] != dim->dim_value)
        return clr_fail(m->log, CLRNN_ERR_ARGUMENT,
                        "%s: axis %u of input '%s' is %lld, but %lld is given", m->file->path, i,
                        clr_show(info->name).text, (long long)dim->dim_value,
                        (long long)given->shape[i]);
    if (given && given->has_shape && given->shape[i] != 0) {
        in->shape[i] = given->shape[i];
        return is_size(in->shape[i])
                   ? CLRNN_OK
                   : clr_fail(m->log, CLRNN_ERR_ARGUMENT, "input '%s': axis %u cannot be %lld",
                              info->name, i, (long long)in->shape[i]);
    }
    if (dim->has_dim_value && dim->dim_value > 0) {
        in->shape[i] = dim->dim_value;
        return CLRNN_OK;
    }
    name_axis(info, i, name);
    const clrnn_import_size *size = size_of(m->desc, name);
    in->shape[i] = size ? 0 : named_size(m, name);
    if (in->shape[i])
        return CLRNN_OK;
    if (size && !is_size(size->size))
        return clr_fail(m->log, CLRNN_ERR_ARGUMENT, "the size '%s' cannot be %lld", name,
                        (long long)size->size);
    in->shape[i] = size ? size->size : 0;
    return size ? CLRNN_OK : open_axis(m, axes, name, i, &in->open[i]);
}

/* What an input is that is no tensor. */
static const char *other_type(const ClrOnnx__Type *type)
{
    return !type                          ? NULL
           : type->has_sequence_type      ? "a sequence"
           : type->has_map_type           ? "a map"
           : type->has_sparse_tensor_type ? "a sparse tensor"
           : type->has_optional_type      ? "an optional value"
                                          : NULL;
}

static clrnn_status read_input(const onnx_import *m, onnx_ends *axes, size_t number)
{
    const ClrOnnx__ValueInfo *info = m->model->graph->input[number];
    struct onnx_input_axes *in = &axes->input[number];
    const clrnn_import_input *given = clr_onnx_axes_input(m, number);
    const ClrOnnx__TensorType *type = info->type ? info->type->tensor_type : NULL;
    in->has_value = given && given->value;
    in->is_empty = in->has_value && given->value->count == 0;
    if (other_type(info->type))
        return clr_fail(m->log, CLRNN_ERR_UNSUPPORTED, "%s: input '%s' is %s, not supported",
                        m->file->path, clr_show(info->name).text, other_type(info->type));
    if (given && given->has_shape && (!type || !type->shape)) {
        in->rank = given->rank;
        memcpy(in->shape, given->shape, sizeof in->shape);
        return CLRNN_OK;
    }
    if (!type || !type->shape)
        return clr_fail(m->log, CLRNN_ERR_NEEDS_SIZE, "%s: input '%s' has no shape: give it one",
                        m->file->path, clr_show(info->name).text);
    if (type->shape->n_dim > CLRNN_MOST_AXES)
        return clr_fail(m->log, CLRNN_ERR_UNSUPPORTED, "%s: input '%s' has %zu axes, more than %d",
                        m->file->path, clr_show(info->name).text, type->shape->n_dim,
                        CLRNN_MOST_AXES);
    in->rank = (uint32_t)type->shape->n_dim;
    if (in->rank == 0 && given && given->value && given->value->count == 1)
        return CLRNN_OK; /* one number, however many axes of 1 it is given with */
    if (given && given->has_shape && given->rank != in->rank)
        return clr_fail(m->log, CLRNN_ERR_ARGUMENT, "%s: input '%s' has %u axes, but %u are given",
                        m->file->path, clr_show(info->name).text, in->rank, given->rank);
    clrnn_status status = CLRNN_OK;
    for (uint32_t i = 0; i < in->rank && status == CLRNN_OK; i++)
        status = read_axis(m, axes, info, given, in, i);
    return status;
}

/* --- attempts --------------------------------------------------------------------------------- */

static int score(const onnx_ends *axes, uint32_t choice)
{
    int sum = 0;
    for (uint32_t i = 0; i < axes->count; i++)
        sum += choice >> i & 1 ? axes->open[i].leaning : -axes->open[i].leaning;
    return sum;
}

/* Whether no input has T or N twice. */
static bool is_possible(const onnx_ends *axes, uint32_t choice)
{
    for (uint32_t k = 0; k < axes->inputs; k++) {
        int steps = 0, batch = 0;
        for (uint32_t i = 0; i < axes->input[k].rank; i++) {
            const int64_t s = axes->input[k].shape[i];
            const bool n = s == CLRNN_BATCH || (s == 0 && (choice >> axes->input[k].open[i] & 1));
            batch += n;
            steps += !n && s <= 0;
        }
        if (steps > 1 || batch > 1)
            return false;
    }
    return true;
}

static void order_attempts(onnx_ends *axes)
{
    for (uint32_t c = 0; c < 1u << axes->count; c++) {
        if (!is_possible(axes, c))
            continue;
        uint32_t at = axes->attempts++;
        for (; at > 0 && score(axes, axes->order[at - 1]) < score(axes, c); at--)
            axes->order[at] = axes->order[at - 1];
        axes->order[at] = c;
    }
}

static clrnn_status check_names(const onnx_import *m)
{
    const ClrOnnx__Graph *g = m->model->graph;
    for (uint32_t k = 0; k < m->desc->input_count; k++) {
        bool found = false;
        for (size_t i = 0; i < g->n_input && !found; i++)
            found = clr_onnx_axes_input(m, i) == &m->desc->inputs[k];
        if (found)
            continue;
        if (!m->desc->inputs[k].name)
            return clr_fail(m->log, CLRNN_ERR_ARGUMENT, "%s: it has no input number %u",
                            m->file->path, k);
        return clr_fail(m->log, CLRNN_ERR_ARGUMENT, "%s: it has no input '%s'", m->file->path,
                        clr_show(m->desc->inputs[k].name).text);
    }
    return CLRNN_OK;
}

/* Whether an input has an open axis of that name; all of them as text. */
static bool find_axis(const onnx_import *m, const char *wanted, char text[200])
{
    const ClrOnnx__Graph *g = m->model->graph;
    char name[80];
    size_t used = 0;
    *text = 0;
    for (size_t i = 0; i < g->n_input; i++) {
        const ClrOnnx__Type *type = g->input[i]->type;
        const ClrOnnx__Shape *shape = type && type->tensor_type ? type->tensor_type->shape : NULL;
        for (uint32_t k = 0; shape && k < shape->n_dim; k++) {
            if (shape->dim[k]->has_dim_value && shape->dim[k]->dim_value > 0)
                continue;
            name_axis(g->input[i], k, name);
            if (strcmp(name, wanted) == 0)
                return true;
            if (used < 200)
                used += (size_t)snprintf(text + used, 200 - used, "%s'%s'", used ? ", " : "",
                                         clr_show(name).text);
        }
    }
    return false;
}

static clrnn_status check_sizes(const onnx_import *m)
{
    char open[200];
    for (uint32_t k = 0; k < m->desc->size_count; k++) {
        const char *name = m->desc->sizes[k].name;
        if (name && !find_axis(m, name, open))
            return clr_fail(m->log, CLRNN_ERR_ARGUMENT, "%s: no axis '%s' is open; there are: %s",
                            m->file->path, clr_show(name).text, *open ? open : "none");
    }
    return CLRNN_OK;
}

clrnn_status clr_onnx_axes_read(const onnx_import *m, onnx_ends *axes)
{
    const ClrOnnx__Graph *g = m->model->graph;
    axes->inputs = (uint32_t)g->n_input;
    axes->input = clr_calloc(g->n_input, sizeof *axes->input);
    if (!axes->input)
        return clr_fail(m->log, CLRNN_ERR_MEMORY, "%s: out of memory", m->file->path);
    clrnn_status status = CLRNN_OK;
    for (size_t i = 0; i < g->n_input && status == CLRNN_OK; i++)
        if (!g->input[i]->name || !*g->input[i]->name)
            status =
                clr_fail(m->log, CLRNN_ERR_FORMAT, "%s: input %zu has no name", m->file->path, i);
    if (status == CLRNN_OK)
        status = check_names(m);
    if (status == CLRNN_OK)
        status = check_sizes(m);
    for (size_t i = 0; i < g->n_input && status == CLRNN_OK; i++)
        status = read_input(m, axes, i);
    order_attempts(axes);
    if (status == CLRNN_OK && axes->attempts == 0)
        status = clr_fail(m->log, CLRNN_ERR_NEEDS_SIZE,
                          "%s: an input has more open axes than T and N: give them sizes",
                          m->file->path);
    return status;
}

void clr_onnx_axes_free(onnx_ends *axes)
{
    free(axes->input);
    axes->input = NULL;
}

uint64_t clr_onnx_axes_values(const onnx_ends *axes)
{
    uint64_t values = 0;
    for (uint32_t i = 0; i < axes->inputs && i < ONNX_INPUTS; i++)
        values |= (uint64_t)axes->input[i].has_value << i;
    return values;
}

uint64_t clr_onnx_axes_empty(const onnx_ends *axes)
{
    uint64_t values = 0;
    for (uint32_t i = 0; i < axes->inputs && i < ONNX_INPUTS; i++)
        values |= (uint64_t)axes->input[i].is_empty << i;
    return values;
}

static void choose(onnx_ends *axes)
{
    for (uint32_t i = 0; i < axes->count; i++)
        axes->open[i].size = axes->order[axes->attempt] >> i & 1 ? CLRNN_BATCH : CLRNN_STEPS;
}

void clr_onnx_axes_begin(onnx_ends *axes)
{
    axes->attempt = 0;
    choose(axes);
}

bool clr_onnx_axes_next(onnx_ends *axes)
{
    if (axes->attempt + 1 >= axes->attempts)
        return false;
    axes->attempt++;
    choose(axes);
    return true;
}

clrnn_status clr_onnx_axes_of(const onnx_ends *axes, size_t input, uint32_t *rank,
                              int64_t shape[CLRNN_MOST_AXES])
{
    const struct onnx_input_axes *in = &axes->input[input];
    *rank = in->rank;
    for (uint32_t i = 0; i < in->rank; i++)
        shape[i] = in->shape[i] ? in->shape[i] : axes->open[in->open[i]].size;
    return CLRNN_OK;
}

void clr_onnx_axes_tell(const onnx_ends *axes, const clrnn_log *log)
{
    for (uint32_t i = 0; i < axes->count; i++)
        clr_log(log, CLRNN_LOG_INFO, "onnx: the axis '%s' is %s", axes->open[i].name,
                axes->open[i].size == CLRNN_BATCH ? "N (batch)" : "T (steps)");
}
