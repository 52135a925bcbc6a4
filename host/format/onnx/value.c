/* SPDX-License-Identifier: MIT
 * format/onnx/value.c - values by name, known and not. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "format/onnx/onnx.h"

/* --- names ------------------------------------------------------------------------------------ */

onnx_value *clr_onnx_find(const onnx_import *m, const char *name)
{
    const uint32_t i = clr_names_find(&m->names, name);
    return i == CLR_NO_NAME ? NULL : m->values[i];
}

void clr_onnx_value_free(onnx_value *value)
{
    clr_onnx_array_free(&value->array[0]);
    if (!value->same)
        clr_onnx_array_free(&value->array[1]);
}

static bool grow(onnx_import *m)
{
    const uint32_t capacity = m->capacity ? 2 * m->capacity : 64;
    onnx_value **values = clr_calloc(capacity, sizeof *values);
    if (!values)
        return false;
    if (m->count)
        memcpy(values, m->values, m->count * sizeof *values);
    free(m->values);
    m->values = values;
    m->capacity = capacity;
    return true;
}

clrnn_status clr_onnx_define(onnx_import *m, const onnx_value *value)
{
    onnx_value *own = clr_calloc(1, sizeof *own);
    if (!own || (m->count == m->capacity && !grow(m)) || !clr_names_add(&m->names, value->name)) {
        onnx_value copy = *value;
        clr_onnx_value_free(&copy);
        free(own);
        return clr_fail(m->log, CLRNN_ERR_MEMORY, "%s: out of memory", m->file->path);
    }
    *own = *value;
    m->values[m->count++] = own;
    return CLRNN_OK;
}

clrnn_status clr_onnx_define_tensors(onnx_import *m, const ClrOnnx__Graph *g)
{
    clrnn_status status = CLRNN_OK;
    for (size_t i = 0; i < g->n_initializer && status == CLRNN_OK; i++) {
        const ClrOnnx__Tensor *t = g->initializer[i];
        onnx_value value = {.name = t->name ? t->name : "",
                            .known = true,
                            .same = true,
                            .tensor = t,
                            .at = CLR_NO_VALUE,
                            .bits = clr_onnx_bits_of(t->data_type)};
        if (!clr_onnx_type_of(t->data_type, &value.type))
            value.type = ONNX_REAL; /* an error where it is used */
        status = clr_onnx_define(m, &value);
    }
    return status;
}

void clr_onnx_forget(onnx_import *m, uint32_t count)
{
    clr_names_cut(&m->names, count);
    while (m->count > count) {
        onnx_value *last = m->values[--m->count];
        clr_onnx_value_free(last);
        free(last);
    }
}

/* --- what is known ---------------------------------------------------------------------------- */

/* The names of inputs that a value is made of, for a message. */
static void name_origins(const onnx_import *m, uint64_t origins, char *text, size_t room)
{
    const ClrOnnx__Graph *g = m->model->graph;
    size_t used = 0;
    *text = 0;
    for (size_t i = 0; i < g->n_input && i < ONNX_INPUTS && used < room; i++)
        if (origins >> i & 1)
            used += (size_t)snprintf(text + used, room - used, "%s'%.60s'", used ? ", " : "",
                                     g->input[i]->name);
}

static clrnn_status not_known(onnx_node *n, const onnx_value *value, const char *what)
{
    char names[300];
    if (value->list)
        return clr_onnx_fail(n, CLRNN_ERR_UNSUPPORTED, "its %s '%.80s' is a sequence", what,
                             value->name);
    n->m->needed |= value->origins;
    name_origins(n->m, value->origins, names, sizeof names);
    if (*names)
        return clr_onnx_fail(
            n, CLRNN_ERR_NEEDS_VALUE,
            "its %s '%.80s' must be known, but depends on the input %s of the model: "
            "give its value",
            what, value->name, names);
    return clr_onnx_fail(
        n, CLRNN_ERR_UNSUPPORTED,
        "its %s '%.80s' must be known, but is made by nodes that are not computed in "
        "advance",
        what, value->name);
}

clrnn_status clr_onnx_need(onnx_node *n, uint32_t k, const char *what)
{
    onnx_value *value = n->in[k];
    char name[128];
    if (!value->known)
        return not_known(n, value, what);
    if (!value->tensor)
        return CLRNN_OK;
    snprintf(name, sizeof name, "tensor '%.90s'", value->name);
    clrnn_status status =
        clr_onnx_decode(n->m->file, n->m->log, value->tensor, name, &value->array[0]);
    value->array[1] = value->array[0];
    value->same = true;
    if (status == CLRNN_OK)
        value->tensor = NULL;
    return status;
}

clrnn_status clr_onnx_need_same(onnx_node *n, uint32_t k, const char *what)
{
    clrnn_status status = clr_onnx_need(n, k, what);
    if (status == CLRNN_OK && !n->in[k]->same)
        status =
            clr_onnx_fail(n, CLRNN_ERR_NEEDS_SIZE,
                          "its %s '%.80s' depends on T or N: give the axes of the model numbers",
                          what, n->in[k]->name);
    return status;
}

clrnn_status clr_onnx_need_number(onnx_node *n, uint32_t k, const char *what, double otherwise,
                                  double *out)
{
    *out = otherwise;
    if (!clr_onnx_has(n, k))
        return CLRNN_OK;
    clrnn_status status = clr_onnx_need_same(n, k, what);
    if (status == CLRNN_OK && clr_onnx_count(&n->in[k]->array[0]) != 1)
        status = clr_onnx_fail(n, CLRNN_ERR_FORMAT, "its %s is not one number", what);
    if (status == CLRNN_OK)
        *out = n->in[k]->array[0].data[0];
    return status;
}

/* --- results ---------------------------------------------------------------------------------- */

static uint64_t origins_of(const onnx_node *n)
{
    uint64_t origins = 0;
    for (uint32_t i = 0; i < n->inputs; i++)
        if (n->in[i])
            origins |= n->in[i]->origins;
    return origins;
}

static onnx_value *output(onnx_node *n, uint32_t k)
{
    onnx_value *out = &n->out[k];
    *out = (onnx_value){
        .name = n->proto->output[k], .at = CLR_NO_VALUE, .origins = origins_of(n), .bits = n->bits};
    return out;
}

void clr_onnx_set_known(onnx_node *n, uint32_t k, onnx_array *array, onnx_array *other)
{
    if (k >= n->outputs) {
        clr_onnx_array_free(array);
        if (other)
            clr_onnx_array_free(other);
        return;
    }
    onnx_value *out = output(n, k);
    out->known = true;
    out->type = array->type;
    out->same = !other;
    out->array[0] = *array;
    out->array[1] = other ? *other : *array;
    array->data = NULL;
    if (other)
        other->data = NULL;
}

void clr_onnx_set_graph(onnx_node *n, uint32_t k, uint32_t at, onnx_type type)
{
    if (k >= n->outputs)
        return;
    onnx_value *out = output(n, k);
    out->at = at;
    out->type = type;
}

void clr_onnx_set_list(onnx_node *n, uint32_t k, const onnx_list *list)
{
    if (k < n->outputs)
        output(n, k)->list = list;
}

clrnn_status clr_onnx_set_alias(onnx_node *n, uint32_t k, const onnx_value *value)
{
    if (k >= n->outputs)
        return CLRNN_OK;
    onnx_value *out = output(n, k);
    const char *name = out->name;
    *out = *value;
    out->name = name;
    if (!value->known || value->tensor)
        return CLRNN_OK;
    bool copied = clr_onnx_copy(&value->array[0], &out->array[0]);
    out->array[1] = out->array[0];
    if (copied && !value->same)
        copied = clr_onnx_copy(&value->array[1], &out->array[1]);
    if (copied)
        return CLRNN_OK;
    clr_onnx_array_free(&out->array[0]);
    out->same = true;
    out->array[1].data = NULL;
    return clr_onnx_fail(n, CLRNN_ERR_MEMORY, "out of memory");
}
