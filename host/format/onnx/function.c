/* SPDX-License-Identifier: MIT
 * format/onnx/function.c - functions that a model brings itself: their nodes in place of the call.
 */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "format/onnx/inner.h"

/* The version of ONNX's own operators within it. */
static int64_t opset_of(const ClrOnnx__Function *f, int64_t otherwise)
{
    for (size_t i = 0; i < f->n_opset_import; i++)
        if (clr_onnx_same(f->opset_import[i]->domain, "") ||
            clr_onnx_same(f->opset_import[i]->domain, "ai.onnx"))
            return f->opset_import[i]->version;
    return otherwise;
}

/* Names as an inner graph has them. infos: [count] */
static void name_all(char *const *names, size_t count, ClrOnnx__ValueInfo *infos,
                     ClrOnnx__ValueInfo **list)
{
    for (size_t i = 0; i < count; i++) {
        clr_onnx__value_info__init(&infos[i]);
        infos[i].name = names[i];
        list[i] = &infos[i];
    }
}

static clrnn_status walk(onnx_node *n, const ClrOnnx__Function *f, const ClrOnnx__Graph *g,
                         onnx_value *in, onnx_value *out)
{
    onnx_import *m = n->m;
    const onnx_node *caller = m->caller;
    const int64_t opset = m->opset;
    clrnn_status status = CLRNN_OK;
    for (uint32_t i = 0; i < n->inputs && status == CLRNN_OK; i++)
        status = n->in[i] ? clr_onnx_copy_value(n, n->in[i], "", &in[i])
                          : clr_onnx_fail(n, CLRNN_ERR_UNSUPPORTED, "its input %u is left out", i);
    m->caller = n;
    m->opset = opset_of(f, opset);
    if (status == CLRNN_OK)
        status = clr_onnx_walk_inner(n, g, in, n->inputs, out);
    m->caller = caller;
    m->opset = opset;
    return status;
}

clrnn_status clr_onnx_call(onnx_node *n, const ClrOnnx__Function *f)
{
    const size_t count = f->n_input + f->n_output;
    ClrOnnx__ValueInfo *infos = clr_calloc(count + 1, sizeof *infos);
    ClrOnnx__ValueInfo **list = clr_calloc(count + 1, sizeof *list);
    onnx_value *in = clr_onnx_new_values(n->inputs), *out = clr_onnx_new_values(f->n_output);
    ClrOnnx__Graph g;
    clr_onnx__graph__init(&g);
    clrnn_status status =
        infos && list && in && out ? CLRNN_OK : clr_onnx_fail(n, CLRNN_ERR_MEMORY, "out of memory");
    if (status == CLRNN_OK && (n->inputs != f->n_input || n->outputs > f->n_output))
        status = clr_onnx_fail(n, CLRNN_ERR_UNSUPPORTED,
                               "%u inputs and %u outputs, its function has %zu and %zu", n->inputs,
                               n->outputs, f->n_input, f->n_output);
    if (status == CLRNN_OK) {
        name_all(f->input, f->n_input, infos, list);
        name_all(f->output, f->n_output, infos + f->n_input, list + f->n_input);
        g.node = f->node;
        g.n_node = f->n_node;
        g.input = list;
        g.n_input = f->n_input;
        g.output = list + f->n_input;
        g.n_output = f->n_output;
        status = walk(n, f, &g, in, out);
    }
    for (uint32_t k = 0; k < n->outputs && status == CLRNN_OK; k++)
        status = clr_onnx_set_alias(n, k, &out[k]);
    n->seen = UINT64_MAX; /* what its nodes refer to they have asked for */
    clr_onnx_free_values(in, n->inputs);
    clr_onnx_free_values(out, f->n_output);
    free(infos);
    free(list);
    return status;
}
