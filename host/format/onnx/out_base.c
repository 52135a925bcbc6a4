/* SPDX-License-Identifier: MIT
 * format/onnx/out_base.c - writing ONNX: memory, names, and what a node of the graph reads. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "format/onnx/out.h"
#include "model/tensors.h"

/* --- memory ----------------------------------------------------------------------------------- */

void *clr_out_get(onnx_out *out, size_t count, size_t size)
{
    const bool fits = size == 0 || count <= SIZE_MAX / size;
    void *memory = fits ? clr_arena_get(&out->arena, count * size) : NULL;
    if (!memory && out->status == CLRNN_OK)
        out->status =
            clr_fail(out->log, CLRNN_ERR_MEMORY, "%s: no memory for the model", out->path);
    return memory;
}

char *clr_out_copy(onnx_out *out, const char *text)
{
    static char none[] = "";
    const size_t size = strlen(text);
    char *copy = clr_out_get(out, size + 1, 1);
    return copy ? memcpy(copy, text, size + 1) : none;
}

/* --- names ------------------------------------------------------------------------------------ */

const char *clr_out_named(onnx_out *out, const char *suffix)
{
    const char *node = out->node ? out->node->desc.name : "";
    const size_t size = strlen(node) + strlen(out->mark) + strlen(suffix) + 1;
    char *name = clr_out_get(out, size, 1);
    if (!name)
        return "";
    snprintf(name, size, "%s%s%s", node, out->mark, suffix);
    return name;
}

const char *clr_out_fresh(onnx_out *out)
{
    char number[16];
    snprintf(number, sizeof number, "%u", out->made++);
    return clr_out_named(out, number);
}

void clr_out_refuse(onnx_out *out, const char *why, ...)
{
    char text[400];
    va_list args;
    if (out->status != CLRNN_OK)
        return;
    va_start(args, why);
    vsnprintf(text, sizeof text, why, args);
    va_end(args);
    out->status = clr_fail(out->log, CLRNN_ERR_UNSUPPORTED, "%s: ONNX has no form of %s '%s': %s",
                           out->path, clrnn_node_kind_name(out->node->desc.kind),
                           clr_show(out->node->desc.name).text, text);
}

const char *clr_out_in(const onnx_out *out, uint32_t k)
{
    const clr_node *node = out->node;
    return k < node->input_count && node->inputs[k] != CLR_NO_VALUE ? out->names[node->inputs[k]]
                                                                    : NULL;
}

const char *clr_out_name(const onnx_out *out, uint32_t k)
{
    const uint32_t value = out->node->first_value + k;
    return k < out->node->outputs && (k == 0 || out->used[value]) ? out->names[value] : NULL;
}

const clr_shape *clr_out_in_shape(const onnx_out *out, uint32_t k)
{
    return &out->graph->values[out->node->inputs[k]].shape;
}

bool clr_out_is_fixed(const onnx_out *out, uint32_t k, uint32_t axis)
{
    const clr_value *value = &out->graph->values[out->node->inputs[k]];
    return value->shape.size[axis] == value->other.size[axis];
}

const clrnn_graph_parameter *clr_out_find(const onnx_out *out, const char *leaf)
{
    const clr_node *node = out->node;
    const size_t before = strlen(node->desc.name) + 1;
    for (uint32_t i = 0; i < node->parameters; i++) {
        const clrnn_graph_parameter *p = &out->graph->parameters[node->first_parameter + i].info;
        if (strcmp(p->name + before, leaf) == 0)
            return p;
    }
    return NULL;
}

int32_t clr_out_type(const onnx_out *out)
{
    return out->precision == CLRNN_F64 ? ONNX_DOUBLE : ONNX_FLOAT;
}
