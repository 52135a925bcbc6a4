/* SPDX-License-Identifier: MIT
 * format/onnx/ops.c - walking the nodes of a graph: which operator, known or built. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "format/onnx/math.h"
#include "format/onnx/onnx.h"
#include "model/tensors.h"

static const onnx_op *const families[] = {
    clr_onnx_ops_recurrent, clr_onnx_ops_math,    clr_onnx_ops_shape,   clr_onnx_ops_product,
    clr_onnx_ops_norm,      clr_onnx_ops_reduce,  clr_onnx_ops_move,    clr_onnx_ops_window,
    clr_onnx_ops_conv,      clr_onnx_ops_control, clr_onnx_ops_loop,    clr_onnx_ops_pick,
    clr_onnx_ops_signal,    clr_onnx_ops_fourier, clr_onnx_ops_compose, clr_onnx_ops_layout,
    clr_onnx_ops_most,      clr_onnx_ops_powers,  clr_onnx_ops_arc,     clr_onnx_ops_scatter,
    clr_onnx_ops_rms,       clr_onnx_ops_known,   clr_onnx_ops_attend,  clr_onnx_ops_list,
    clr_onnx_ops_grid,      clr_onnx_ops_cast};

static const onnx_op *find_in(const onnx_op *family, const char *name)
{
    while (family->name && strcmp(family->name, name) != 0)
        family++;
    return family->name ? family : NULL;
}

static bool is_own(const char *domain)
{
    return !domain || !*domain || strcmp(domain, "ai.onnx") == 0;
}

static const onnx_op *find_op(const ClrOnnx__Node *node, const char *name)
{
    const onnx_op *op = NULL;
    if (!is_own(node->domain))
        return strcmp(node->domain, "com.microsoft") == 0 ? find_in(clr_onnx_ops_fused, name)
                                                          : NULL;
    for (size_t i = 0; i < sizeof families / sizeof *families && !op; i++)
        op = find_in(families[i], name);
    return op;
}

/* --- what is known ---------------------------------------------------------------------------- */

static bool all_known(const onnx_node *n)
{
    for (uint32_t i = 0; i < n->inputs; i++)
        if (n->in[i] && !n->in[i]->known)
            return false;
    return true;
}

static clrnn_status fold_world(onnx_node *n, const onnx_op *op, int world, onnx_array *out)
{
    const onnx_array **in = clr_calloc(n->inputs + 4u, sizeof *in); /* more may be asked for */
    if (!in)
        return clr_onnx_fail(n, CLRNN_ERR_MEMORY, "out of memory");
    for (uint32_t i = 0; i < n->inputs; i++)
        in[i] = n->in[i] ? &n->in[i]->array[world] : NULL;
    clrnn_status status = op->fold(n, in, out);
    free(in);
    return status;
}

/* Compute it here, in one world if that is enough. */
static clrnn_status fold(onnx_node *n, const onnx_op *op)
{
    onnx_array out[ONNX_WORLDS][ONNX_MOST_OUT] = {{{0}}};
    bool same = true;
    clrnn_status status = CLRNN_OK;
    for (uint32_t i = 0; i < n->inputs && status == CLRNN_OK; i++) {
        status = n->in[i] ? clr_onnx_need(n, i, "input") : CLRNN_OK;
        same = same && (!n->in[i] || n->in[i]->same);
    }
    if (status == CLRNN_OK && !same && op->fold == clr_onnx_pair_fold && !clr_onnx_pair_is_sure(n))
        status = clr_onnx_fail(n, CLRNN_ERR_NEEDS_SIZE,
                               "it compares with T or N: give the axes of the model numbers");
    for (int w = 0; w < (same ? 1 : ONNX_WORLDS) && status == CLRNN_OK && !n->unfolded; w++)
        status = fold_world(n, op, w, out[w]);
    /* Numbers in a shape of T and N are an array of the graph, unless they are all one number. */
    for (uint32_t k = 0; k < n->outputs && k < ONNX_MOST_OUT && status == CLRNN_OK; k++)
        if (!same && op->build && out[0][k].data && out[0][k].type == ONNX_REAL &&
            !out[0][k].filled && clr_onnx_count(&out[0][k]) != clr_onnx_count(&out[1][k]))
            n->unfolded = true;
    for (uint32_t k = 0; k < ONNX_MOST_OUT; k++) { /* of some that it makes it names none */
        const bool fine = status == CLRNN_OK && !n->unfolded && k < n->outputs && out[0][k].data;
        const bool differ = fine && !same && !clr_onnx_equal(&out[0][k], &out[1][k]);
        if (!differ)
            clr_onnx_array_free(&out[1][k]);
        if (fine)
            clr_onnx_set_known(n, k, &out[0][k], differ ? &out[1][k] : NULL);
        clr_onnx_array_free(&out[0][k]);
    }
    return status;
}

/* --- one node --------------------------------------------------------------------------------- */

static clrnn_status find_inputs(onnx_node *n)
{
    for (uint32_t i = 0; i < n->inputs; i++) {
        const char *name = n->proto->input[i];
        if (!*name)
            continue;
        n->in[i] = clr_onnx_find(n->m, name);
        if (!n->in[i])
            return clr_onnx_fail(n, CLRNN_ERR_FORMAT,
                                 "it reads '%s', which nothing before it makes",
                                 clr_show(name).text);
    }
    while (n->inputs > 0 && !n->in[n->inputs - 1])
        n->inputs--;
    return CLRNN_OK;
}

/* Results have the type of the first input that is of numbers, or the one that an attribute says.
 */
static void find_bits(onnx_node *n)
{
    n->bits = CLRNN_FN_IDENTITY;
    for (uint32_t i = 0; i < n->inputs && n->bits == CLRNN_FN_IDENTITY; i++)
        if (n->in[i] && n->in[i]->type == ONNX_REAL)
            n->bits = n->in[i]->bits;
    for (size_t i = 0; i < n->proto->n_attribute; i++) {
        const ClrOnnx__Attribute *a = n->proto->attribute[i];
        if (a->t && clr_onnx_same(a->name, "value"))
            n->bits = clr_onnx_bits_of(a->t->data_type);
        else if (clr_onnx_same(a->name, "dtype"))
            n->bits = clr_onnx_bits_of((int32_t)a->i);
    }
}

static clrnn_status check_counts(const onnx_node *n, const onnx_op *op)
{
    if (n->inputs < op->least || n->inputs > op->most)
        return clr_onnx_fail(n, CLRNN_ERR_FORMAT, "%u inputs, but it takes %u to %u", n->inputs,
                             op->least, op->most);
    for (uint32_t i = 0; i < op->least; i++)
        if (!n->in[i])
            return clr_onnx_fail(n, CLRNN_ERR_FORMAT, "its input %u is missing", i);
    if (n->outputs > op->outputs)
        return clr_onnx_fail(n, CLRNN_ERR_UNSUPPORTED, "%u outputs, but %u are supported",
                             n->outputs, op->outputs);
    return CLRNN_OK;
}

/* Results to names. What is left out has the name "". */
static clrnn_status publish(onnx_node *n)
{
    clrnn_status status = CLRNN_OK;
    for (uint32_t k = 0; k < n->outputs; k++) {
        const bool wanted = *n->proto->output[k] != 0;
        if (wanted && !n->out[k].name && status == CLRNN_OK)
            status = clr_onnx_fail(n, CLRNN_ERR_UNSUPPORTED, "its output %u is not supported", k);
        if (wanted && n->out[k].name && status == CLRNN_OK)
            status = clr_onnx_define(n->m, &n->out[k]);
        else if (n->out[k].known)
            clr_onnx_value_free(&n->out[k]);
    }
    return status;
}

static void drop(onnx_node *n)
{
    for (uint32_t k = 0; k < n->outputs; k++)
        if (n->out[k].known)
            clr_onnx_value_free(&n->out[k]);
}

static clrnn_status no_operator(const onnx_node *n)
{
    static const char *const quantised[] = {"Quantize", "Dequantize", "QLinear", "Integer",
                                            "DynamicQuantize"};
    for (size_t i = 0; i < sizeof quantised / sizeof *quantised; i++)
        if (strstr(n->op, quantised[i]))
            return clr_onnx_fail(n, CLRNN_ERR_UNSUPPORTED, "quantised operators are not supported");
    if (!is_own(n->proto->domain))
        return clr_onnx_fail(n, CLRNN_ERR_UNSUPPORTED,
                             "this operator of the domain '%s' is not supported",
                             clr_show(n->proto->domain).text);
    return clr_onnx_fail(n, CLRNN_ERR_UNSUPPORTED, "this operator is not supported");
}

static clrnn_status read_node(onnx_node *n)
{
    const onnx_op *op = find_op(n->proto, n->op);
    const ClrOnnx__Function *function = clr_onnx_function(n);
    if (function) {
        const clrnn_status found = find_inputs(n);
        return found == CLRNN_OK ? clr_onnx_call(n, function) : found;
    }
    if (!op)
        return no_operator(n);
    clrnn_status status = find_inputs(n);
    if (status == CLRNN_OK)
        status = check_counts(n, op);
    for (uint32_t i = 0; i < n->inputs && status == CLRNN_OK; i++)
        if (n->in[i] && n->in[i]->list && !clr_onnx_takes_list(op))
            status = clr_onnx_fail(n, CLRNN_ERR_FORMAT, "its input %u is a sequence", i);
        else if (n->in[i] && op->sees)
            status = clr_onnx_round(n, i);
    find_bits(n);
    if (status == CLRNN_OK)
        n->unfolded = !op->fold || !all_known(n);
    if (status == CLRNN_OK && !n->unfolded)
        status = fold(n, op);
    for (uint32_t i = 0; i < n->inputs && status == CLRNN_OK && n->unfolded && !op->build; i++)
        status = n->in[i] ? clr_onnx_need(n, i, "input") : CLRNN_OK;
    if (status == CLRNN_OK && n->unfolded)
        status = op->build ? op->build(n)
                           : clr_onnx_fail(n, CLRNN_ERR_UNSUPPORTED,
                                           "it is supported only where its inputs are known");
    if (status == CLRNN_OK)
        status = clr_onnx_check_attributes(n);
    return status;
}

/* Of one model, so that loops that are unrolled end. */
#define MOST_NODES 1000000

static clrnn_status walk_node(onnx_import *m, const ClrOnnx__Node *proto)
{
    onnx_node n = {.m = m,
                   .proto = proto,
                   .caller = m->caller,
                   .op = proto->op_type ? proto->op_type : "",
                   .inputs = (uint32_t)proto->n_input,
                   .outputs = (uint32_t)proto->n_output};
    const char *name = proto->name && *proto->name ? proto->name
                       : proto->n_output           ? proto->output[0]
                                                   : "";
    snprintf(n.label, sizeof n.label, "%.60s '%s'", clr_show(n.op).text, clr_show(name).text);
    if (++m->nodes > MOST_NODES || proto->n_input > 65536 || proto->n_output > ONNX_MOST_OUT)
        return clr_onnx_fail(&n, CLRNN_ERR_UNSUPPORTED, "too many nodes, inputs or outputs");
    n.in = clr_calloc(n.inputs + 1u, sizeof(onnx_value *));
    n.out = clr_calloc(n.outputs + 1u, sizeof *n.out);
    clrnn_status status =
        n.in && n.out ? read_node(&n) : clr_onnx_fail(&n, CLRNN_ERR_MEMORY, "out of memory");
    if (status == CLRNN_OK)
        status = publish(&n);
    else if (n.out)
        drop(&n);
    free(n.in);
    free(n.out);
    return status;
}

clrnn_status clr_onnx_walk(onnx_import *m, ClrOnnx__Node *const *nodes, size_t count)
{
    clrnn_status status = CLRNN_OK;
    for (size_t i = 0; i < count && status == CLRNN_OK; i++)
        status = walk_node(m, nodes[i]);
    return status;
}
