/* SPDX-License-Identifier: MIT
 * format/onnx/out.c - the model of a graph: names, inputs, outputs, and its nodes one by one. */
#include "format/onnx/out.h"

#include <stdio.h>
#include <string.h>

#include "model/tensors.h"

/* --- values of the graph ---------------------------------------------------------------------- */

static const char not_utf8[] = "is no UTF-8, which names in ONNX are";

static clrnn_status refuse_name(onnx_out *out, const char *name, const char *why)
{
    return out->status = clr_fail(out->log, CLRNN_ERR_UNSUPPORTED, "%s: '%s' %s", out->path,
                                  clr_show(name).text, why);
}

/* Names of nodes and inputs have no '#', but those of outputs may: as many of them as none has. */
static clrnn_status choose_mark(onnx_out *out)
{
    const clrnn_graph *g = out->graph;
    size_t length = 1;
    out->mark[0] = '#';
    for (uint32_t i = 0; i < g->output_count && length < sizeof out->mark;)
        if (strstr(g->outputs[i].name, out->mark)) {
            out->mark[length++] = '#';
            i = 0;
        } else {
            i++;
        }
    if (length < sizeof out->mark)
        return CLRNN_OK;
    out->mark[0] = 0;
    return refuse_name(out, g->outputs[0].name,
                       "and other outputs have too many '#' in their names");
}

/* The value that has the name of an output but is another, so no input, gives way. */
static void give_way(onnx_out *out, uint32_t same)
{
    char suffix[32];
    if (out->names[same])
        return;
    out->node = &out->graph->nodes[out->graph->values[same].node];
    snprintf(suffix, sizeof suffix, "value%u", same - out->node->first_value);
    out->names[same] = clr_out_named(out, suffix);
}

/* ONNX has one space of names: those of inputs and outputs stay. A value that is an output, and no
 * input, is called so at once. */
static clrnn_status name_outputs(onnx_out *out)
{
    const clrnn_graph *g = out->graph;
    for (uint32_t i = 0; i < g->output_count; i++) {
        const char *name = g->outputs[i].name;
        const uint32_t v = g->outputs[i].value, same = clr_graph_find(g, name);
        if (!clr_utf8_valid(name, strlen(name)))
            return refuse_name(out, name, not_utf8);
        if (same != CLR_NO_VALUE && same != v)
            give_way(out, same);
        if (g->values[v].node != CLR_NO_VALUE && (same == v || !out->names[v]))
            out->names[v] = name;
        out->used[v] = true;
    }
    return CLRNN_OK;
}

static clrnn_status name_values(onnx_out *out)
{
    const clrnn_graph *g = out->graph;
    out->names = clr_out_get(out, g->value_count, sizeof *out->names);
    out->used = clr_out_get(out, g->value_count, sizeof *out->used);
    clrnn_status status = out->status;
    if (status == CLRNN_OK)
        status = choose_mark(out);
    if (status == CLRNN_OK)
        status = name_outputs(out);
    for (uint32_t v = 0; v < g->value_count && status == CLRNN_OK; v++) {
        if (!out->names[v])
            out->names[v] = g->values[v].name;
        if (!clr_utf8_valid(g->values[v].name, strlen(g->values[v].name)))
            status = refuse_name(out, g->values[v].name, not_utf8);
    }
    for (uint32_t i = 0; i < g->node_count && status == CLRNN_OK; i++)
        for (uint32_t k = 0; k < g->nodes[i].input_count; k++)
            if (g->nodes[i].inputs[k] != CLR_NO_VALUE)
                out->used[g->nodes[i].inputs[k]] = true;
    return status;
}

/* An axis: a number, T, N, or, made of those, nothing. */
static ClrOnnx__Dimension *dimension(onnx_out *out, const clr_value *value, uint32_t axis)
{
    ClrOnnx__Dimension *d = clr_out_get(out, 1, sizeof *d);
    const clr_shape *s = &value->shape;
    if (!d)
        return NULL;
    clr_onnx__dimension__init(d);
    if ((int32_t)axis == s->steps && s->size[axis] == CLR_PROBE_STEPS)
        d->dim_param = clr_out_copy(out, "T");
    else if ((int32_t)axis == s->batch && s->size[axis] == CLR_PROBE_BATCH)
        d->dim_param = clr_out_copy(out, "N");
    else if (s->size[axis] == value->other.size[axis]) {
        d->has_dim_value = true;
        d->dim_value = (int64_t)s->size[axis];
    }
    return d;
}

static ClrOnnx__ValueInfo *value_info(onnx_out *out, const clr_value *value, const char *name)
{
    ClrOnnx__ValueInfo *info = clr_out_get(out, 1, sizeof *info);
    ClrOnnx__Type *type = clr_out_get(out, 1, sizeof *type);
    ClrOnnx__TensorType *array = clr_out_get(out, 1, sizeof *array);
    ClrOnnx__Shape *shape = clr_out_get(out, 1, sizeof *shape);
    ClrOnnx__Dimension **dims = clr_out_get(out, value->shape.rank, sizeof(void *));
    if (!info || !type || !array || !shape || !dims)
        return NULL;
    clr_onnx__value_info__init(info);
    clr_onnx__type__init(type);
    clr_onnx__tensor_type__init(array);
    clr_onnx__shape__init(shape);
    info->name = clr_out_copy(out, name);
    info->type = type;
    type->tensor_type = array;
    array->has_elem_type = true;
    array->elem_type = value->shape.ids ? ONNX_INT32 : clr_out_type(out);
    array->shape = shape;
    shape->n_dim = value->shape.rank;
    shape->dim = dims;
    for (uint32_t i = 0; i < value->shape.rank; i++)
        dims[i] = dimension(out, value, i);
    return info;
}

static void put_inputs(onnx_out *out, ClrOnnx__Graph *graph)
{
    const clrnn_graph *g = out->graph;
    onnx_list list = {0};
    for (uint32_t i = 0; i < g->input_count; i++) {
        const clr_value *value = &g->values[g->inputs[i]];
        clr_out_append(out, &list, value_info(out, value, value->name));
    }
    graph->n_input = list.count;
    graph->input = (ClrOnnx__ValueInfo **)list.items;
}

/* An output that is an input, or a value that is called otherwise, is a copy. */
static void put_outputs(onnx_out *out, ClrOnnx__Graph *graph)
{
    const clrnn_graph *g = out->graph;
    onnx_list list = {0};
    for (uint32_t i = 0; i < g->output_count; i++) {
        const uint32_t v = g->outputs[i].value;
        const char *name = g->outputs[i].name;
        clr_out_append(out, &list, value_info(out, &g->values[v], name));
        if (strcmp(out->names[v], name) != 0)
            (void)clr_out_op(out, "Identity", name, 1, out->names[v]);
    }
    graph->n_output = list.count;
    graph->output = (ClrOnnx__ValueInfo **)list.items;
}

/* --- nodes ------------------------------------------------------------------------------------ */

static void (*const writers[CLRNN_NODE_KINDS])(onnx_out *out) = {
    [CLRNN_NODE_RECURRENT] = clr_out_recurrent,
    [CLRNN_NODE_DENSE] = clr_out_dense,
    [CLRNN_NODE_EMBEDDING] = clr_out_embedding,
    [CLRNN_NODE_ONE_HOT] = clr_out_one_hot,
    [CLRNN_NODE_ACTIVATION] = clr_out_activation,
    [CLRNN_NODE_SOFTMAX] = clr_out_softmax,
    [CLRNN_NODE_LOG_SOFTMAX] = clr_out_softmax,
    [CLRNN_NODE_ADD] = clr_out_pair,
    [CLRNN_NODE_SUB] = clr_out_pair,
    [CLRNN_NODE_MUL] = clr_out_pair,
    [CLRNN_NODE_DIV] = clr_out_pair,
    [CLRNN_NODE_MIN] = clr_out_pair,
    [CLRNN_NODE_MAX] = clr_out_pair,
    [CLRNN_NODE_POW] = clr_out_pair,
    [CLRNN_NODE_COMPARE] = clr_out_compare,
    [CLRNN_NODE_SELECT] = clr_out_select,
    [CLRNN_NODE_CONCAT] = clr_out_concat,
    [CLRNN_NODE_SLICE] = clr_out_slice,
    [CLRNN_NODE_RESHAPE] = clr_out_reshape,
    [CLRNN_NODE_TRANSPOSE] = clr_out_move,
    [CLRNN_NODE_CONV1D] = clr_out_conv,
    [CLRNN_NODE_CONV2D] = clr_out_conv,
    [CLRNN_NODE_CONV_TRANSPOSE1D] = clr_out_conv,
    [CLRNN_NODE_CONV_TRANSPOSE2D] = clr_out_conv,
    [CLRNN_NODE_BATCH_NORM] = clr_out_batch_norm,
    [CLRNN_NODE_LAYER_NORM] = clr_out_layer_norm,
    [CLRNN_NODE_POOL] = clr_out_reduce,
    [CLRNN_NODE_REDUCE] = clr_out_reduce,
    [CLRNN_NODE_DROPOUT] = clr_out_dropout,
    [CLRNN_NODE_PAD] = clr_out_pad,
    [CLRNN_NODE_GATHER] = clr_out_gather,
    [CLRNN_NODE_EXPAND] = clr_out_expand,
    [CLRNN_NODE_MATMUL] = clr_out_matmul,
    [CLRNN_NODE_CAST] = clr_out_cast,
    [CLRNN_NODE_CONSTANT] = clr_out_constant,
    [CLRNN_NODE_EMA] = clr_out_ema,
};

static void put_nodes(onnx_out *out)
{
    const clrnn_graph *g = out->graph;
    for (uint32_t i = 0; i < g->node_count && out->status == CLRNN_OK; i++) {
        out->node = &g->nodes[i];
        out->made = 0;
        if (writers[out->node->desc.kind])
            writers[out->node->desc.kind](out);
        else
            clr_out_refuse(out, "this kind of node");
    }
    out->node = NULL;
    out->made = 0;
}

/* --- all -------------------------------------------------------------------------------------- */

static void put_head(onnx_out *out, ClrOnnx__Model *model)
{
    ClrOnnx__OperatorSet **sets = clr_out_get(out, 1, sizeof *sets);
    ClrOnnx__OperatorSet *set = clr_out_get(out, 1, sizeof *set);
    if (!sets || !set)
        return;
    clr_onnx__operator_set__init(set);
    set->domain = clr_out_copy(out, "");
    set->has_version = true;
    set->version = ONNX_OPSET;
    sets[0] = set;
    model->n_opset_import = 1;
    model->opset_import = sets;
    model->has_ir_version = true;
    model->ir_version = ONNX_IR;
    model->producer_name = clr_out_copy(out, "clrnn");
    model->producer_version = clr_out_copy(out, clrnn_version_text());
}

clrnn_status clr_onnx_out_make(onnx_out *out)
{
    if (out->arena.most == 0)
        out->arena.most = SIZE_MAX;
    ClrOnnx__Model *model = clr_out_get(out, 1, sizeof *model);
    ClrOnnx__Graph *graph = clr_out_get(out, 1, sizeof *graph);
    if (!model || !graph || name_values(out) != CLRNN_OK)
        return out->status;
    if (out->graph->output_count == 0)
        return out->status =
                   clr_fail(out->log, CLRNN_ERR_UNSUPPORTED,
                            "%s: the graph has no output, and a model in ONNX has", out->path);
    clr_onnx__model__init(model);
    clr_onnx__graph__init(graph);
    put_head(out, model);
    put_inputs(out, graph);
    put_nodes(out);
    put_outputs(out, graph);
    graph->name = clr_out_copy(out, "clrnn");
    graph->n_node = out->nodes.count;
    graph->node = (ClrOnnx__Node **)out->nodes.items;
    graph->n_initializer = out->tensors.count;
    graph->initializer = (ClrOnnx__Tensor **)out->tensors.items;
    model->graph = graph;
    out->model = model;
    return out->status;
}

void clr_onnx_out_free(onnx_out *out)
{
    clr_arena_free(&out->arena);
}
