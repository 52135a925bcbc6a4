/* SPDX-License-Identifier: MIT
 * format/onnx/control.c - graphs in graphs, and If by its condition. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "format/onnx/inner.h"

/* --- inner graphs ----------------------------------------------------------------------------- */

clrnn_status clr_onnx_inner_graph(onnx_node *n, const char *name, const ClrOnnx__Graph **graph)
{
    const ClrOnnx__Attribute *a = clr_onnx_attribute(n, name);
    *graph = a ? a->g : NULL;
    return *graph ? CLRNN_OK : clr_onnx_fail(n, CLRNN_ERR_FORMAT, "it has no %s", name);
}

/* A copy of what a value is, under another name. */
clrnn_status clr_onnx_copy_value(onnx_node *n, const onnx_value *from, const char *name,
                                 onnx_value *to)
{
    *to = *from;
    to->name = name;
    if (!from->known || from->tensor)
        return CLRNN_OK;
    bool fine = clr_onnx_copy(&from->array[0], &to->array[0]);
    to->array[1] = to->array[0];
    if (fine && !from->same && !clr_onnx_copy(&from->array[1], &to->array[1])) {
        clr_onnx_array_free(&to->array[0]);
        fine = false;
    }
    if (!fine)
        *to = (onnx_value){.name = name, .at = CLR_NO_VALUE};
    return fine ? CLRNN_OK : clr_onnx_fail(n, CLRNN_ERR_MEMORY, "out of memory");
}

/* Walk an inner graph whose inputs are `in` (taken over), and copy its outputs to `out`, one for
 * each; what it defined is forgotten. */
clrnn_status clr_onnx_walk_inner(onnx_node *n, const ClrOnnx__Graph *g, onnx_value *in,
                                 size_t inputs, onnx_value *out)
{
    onnx_import *m = n->m;
    const uint32_t count = m->count;
    clrnn_status status = CLRNN_OK;
    if (++m->depth > ONNX_MOST_NEST)
        status = clr_onnx_fail(n, CLRNN_ERR_UNSUPPORTED, "graphs nested too deep");
    for (size_t i = 0; i < inputs; i++) {
        if (status == CLRNN_OK && i < g->n_input && g->input[i]->name) {
            in[i].name = g->input[i]->name;
            status = clr_onnx_define(m, &in[i]);
        } else {
            clr_onnx_value_free(&in[i]);
        }
        in[i] = (onnx_value){.at = CLR_NO_VALUE};
    }
    if (status == CLRNN_OK)
        status = clr_onnx_define_tensors(m, g);
    if (status == CLRNN_OK)
        status = m->walk(m, g->node, g->n_node);
    for (size_t i = 0; i < g->n_output && status == CLRNN_OK; i++) {
        const char *name = g->output[i]->name ? g->output[i]->name : "";
        const onnx_value *made = clr_onnx_find(m, name);
        status = made ? clr_onnx_copy_value(n, made, name, &out[i])
                      : clr_onnx_fail(n, CLRNN_ERR_FORMAT, "its graph makes no '%.80s'", name);
    }
    clr_onnx_forget(m, count);
    m->depth--;
    return status;
}

onnx_value *clr_onnx_new_values(size_t count)
{
    onnx_value *values = clr_calloc(count + 1, sizeof *values);
    for (size_t i = 0; values && i < count; i++)
        values[i].at = CLR_NO_VALUE;
    return values;
}

void clr_onnx_free_values(onnx_value *values, size_t count)
{
    for (size_t i = 0; values && i < count; i++)
        if (values[i].known)
            clr_onnx_value_free(&values[i]);
    free(values);
}

/* --- If --------------------------------------------------------------------------------------- */

static clrnn_status if_build(onnx_node *n)
{
    double condition = 0;
    const ClrOnnx__Graph *branch[2];
    clrnn_status status = clr_onnx_inner_graph(n, "else_branch", &branch[0]);
    if (status == CLRNN_OK)
        status = clr_onnx_inner_graph(n, "then_branch", &branch[1]);
    if (status == CLRNN_OK)
        status = clr_onnx_need_number(n, 0, "condition", 0, &condition);
    if (status != CLRNN_OK)
        return status;
    const ClrOnnx__Graph *g = branch[condition != 0];
    if (g->n_output != n->outputs)
        return clr_onnx_fail(n, CLRNN_ERR_FORMAT, "%zu outputs of its graph, %u of its own",
                             g->n_output, n->outputs);
    onnx_value *out = clr_onnx_new_values(g->n_output);
    status = out ? clr_onnx_walk_inner(n, g, NULL, 0, out)
                 : clr_onnx_fail(n, CLRNN_ERR_MEMORY, "out of memory");
    for (uint32_t k = 0; k < n->outputs && status == CLRNN_OK; k++)
        status = clr_onnx_set_alias(n, k, &out[k]);
    clr_onnx_free_values(out, g->n_output);
    return status;
}

const onnx_op clr_onnx_ops_control[] = {{"If", 1, 1, ONNX_MOST_OUT, NULL, if_build, false}, {0}};
