/* SPDX-License-Identifier: MIT
 * format/onnx/attribute.c - attributes of nodes; one that nobody asks for is an error. */
#include <stdio.h>
#include <string.h>

#include "format/onnx/onnx.h"
#include "model/tensors.h"

/* The number of a type of attributes in files. */
enum { NO_TYPE, REAL, INTEGER, STRING, TENSOR, GRAPH, REALS, INTEGERS, STRINGS };

/* --- functions of the model ------------------------------------------------------------------- */

enum { MOST_FUNCTIONS = 512 };

bool clr_onnx_same(const char *a, const char *b)
{
    return strcmp(a ? a : "", b ? b : "") == 0;
}

const ClrOnnx__Function *clr_onnx_function(const onnx_node *n)
{
    const ClrOnnx__Model *model = n->m->model;
    if (!n->proto->domain || !*n->proto->domain)
        return NULL;
    for (size_t i = 0; i < model->n_functions && i < MOST_FUNCTIONS; i++) {
        const ClrOnnx__Function *f = model->functions[i];
        if (clr_onnx_same(f->name, n->op) && clr_onnx_same(f->domain, n->proto->domain) &&
            clr_onnx_same(f->overload, n->proto->overload))
            return f;
    }
    return NULL;
}

/* What an attribute of a function's node that refers to one of the call is there, or by default;
 * NULL: not there. */
static const ClrOnnx__Attribute *referred(const onnx_node *n, const ClrOnnx__Attribute *a)
{
    const onnx_node *caller = n->caller;
    const ClrOnnx__Attribute *found = a;
    for (unsigned depth = 0; found && found->ref_attr_name && *found->ref_attr_name; depth++) {
        const char *name = found->ref_attr_name;
        const ClrOnnx__Function *f = caller ? clr_onnx_function(caller) : NULL;
        if (!f || depth > ONNX_MOST_NEST)
            return a; /* that refers to nothing: an error of who asks for it */
        found = NULL;
        for (size_t i = 0; i < caller->proto->n_attribute && !found; i++)
            if (clr_onnx_same(caller->proto->attribute[i]->name, name))
                found = caller->proto->attribute[i];
        for (size_t i = 0; i < f->n_attribute_proto && !found; i++)
            if (clr_onnx_same(f->attribute_proto[i]->name, name))
                return f->attribute_proto[i];
        caller = caller->caller;
    }
    return found;
}

/* --- one attribute ---------------------------------------------------------------------------- */

const ClrOnnx__Attribute *clr_onnx_attribute(onnx_node *n, const char *name)
{
    for (size_t i = 0; i < n->proto->n_attribute && i < 64; i++)
        if (n->proto->attribute[i]->name && strcmp(n->proto->attribute[i]->name, name) == 0) {
            n->seen |= UINT64_C(1) << i;
            return referred(n, n->proto->attribute[i]);
        }
    return NULL;
}

/* Old files say no type. */
static clrnn_status check(const onnx_node *n, const ClrOnnx__Attribute *a, int32_t type, bool there)
{
    if (a->ref_attr_name && *a->ref_attr_name)
        return clr_onnx_fail(n, CLRNN_ERR_UNSUPPORTED, "its attribute %.60s refers to another",
                             a->name);
    if ((a->has_type && a->type != type) || (!a->has_type && !there))
        return clr_onnx_fail(n, CLRNN_ERR_FORMAT,
                             "its attribute %.60s is of another type than it has", a->name);
    return CLRNN_OK;
}

clrnn_status clr_onnx_integer(onnx_node *n, const char *name, int64_t otherwise, int64_t *out)
{
    const ClrOnnx__Attribute *a = clr_onnx_attribute(n, name);
    *out = a ? a->i : otherwise;
    return a ? check(n, a, INTEGER, a->has_i) : CLRNN_OK;
}

clrnn_status clr_onnx_real(onnx_node *n, const char *name, double otherwise, double *out)
{
    const ClrOnnx__Attribute *a = clr_onnx_attribute(n, name);
    *out = a ? a->f : otherwise;
    return a ? check(n, a, REAL, a->has_f) : CLRNN_OK;
}

static clrnn_status too_many(const onnx_node *n, const char *name, size_t count)
{
    return clr_onnx_fail(n, CLRNN_ERR_UNSUPPORTED, "%zu numbers in its attribute %s", count, name);
}

clrnn_status clr_onnx_integers(onnx_node *n, const char *name, uint32_t room, int64_t *out,
                               uint32_t *count)
{
    const ClrOnnx__Attribute *a = clr_onnx_attribute(n, name);
    *count = a ? (uint32_t)a->n_ints : 0;
    if (!a)
        return CLRNN_OK;
    if (a->n_ints > room)
        return too_many(n, name, a->n_ints);
    for (uint32_t i = 0; i < *count; i++)
        out[i] = a->ints[i];
    return check(n, a, INTEGERS, true);
}

clrnn_status clr_onnx_reals(onnx_node *n, const char *name, uint32_t room, double *out,
                            uint32_t *count)
{
    const ClrOnnx__Attribute *a = clr_onnx_attribute(n, name);
    *count = a ? (uint32_t)a->n_floats : 0;
    if (!a)
        return CLRNN_OK;
    if (a->n_floats > room)
        return too_many(n, name, a->n_floats);
    for (uint32_t i = 0; i < *count; i++)
        out[i] = a->floats[i];
    return check(n, a, REALS, true);
}

clrnn_status clr_onnx_word(onnx_node *n, const char *name, const char *otherwise, char out[32])
{
    const ClrOnnx__Attribute *a = clr_onnx_attribute(n, name);
    snprintf(out, 32, "%s", otherwise);
    if (!a)
        return CLRNN_OK;
    if (a->s.len > 31)
        return clr_onnx_fail(n, CLRNN_ERR_UNSUPPORTED, "its attribute %s is too long", name);
    if (a->s.len)
        memcpy(out, a->s.data, a->s.len);
    out[a->s.len] = 0;
    return check(n, a, STRING, a->has_s);
}

clrnn_status clr_onnx_check_attributes(const onnx_node *n)
{
    if (n->proto->n_attribute > 64)
        return clr_onnx_fail(n, CLRNN_ERR_FORMAT, "%zu attributes", n->proto->n_attribute);
    for (size_t i = 0; i < n->proto->n_attribute; i++)
        if (!(n->seen >> i & 1)) {
            const char *name = n->proto->attribute[i]->name;
            return clr_onnx_fail(n, CLRNN_ERR_UNSUPPORTED,
                                 "its attribute '%s' is unknown, or is not "
                                 "supported with this opset (%lld)",
                                 clr_show(name ? name : "").text, (long long)n->m->opset);
        }
    return CLRNN_OK;
}

/* --- what became an input --------------------------------------------------------------------- */

clrnn_status clr_onnx_list(onnx_node *n, const char *attribute, uint32_t k, uint32_t room,
                           int64_t *out, uint32_t *count, bool *given)
{
    *count = 0;
    *given = clr_onnx_attribute(n, attribute) != NULL;
    if (*given)
        return clr_onnx_integers(n, attribute, room, out, count);
    *given = clr_onnx_has(n, k);
    if (!*given)
        return CLRNN_OK;
    clrnn_status status = clr_onnx_need_same(n, k, attribute);
    if (status != CLRNN_OK)
        return status;
    const onnx_array *a = &n->in[k]->array[0];
    const size_t numbers = clr_onnx_count(a);
    if (a->rank > 1 || numbers > room)
        return clr_onnx_fail(n, CLRNN_ERR_FORMAT, "its %s are not a list of at most %u numbers",
                             attribute, room);
    *count = (uint32_t)numbers;
    for (uint32_t i = 0; i < *count; i++) {
        const double d = clr_onnx_at(a, i);
        if (!(d >= -9.3e18 && d <= 9.3e18))
            return clr_onnx_fail(n, CLRNN_ERR_FORMAT, "its %s hold no numbers", attribute);
        out[i] = d >= 9.2e18 ? INT64_MAX : d <= -9.2e18 ? INT64_MIN : (int64_t)d;
    }
    return CLRNN_OK;
}

clrnn_status clr_onnx_axes(onnx_node *n, uint32_t k, uint32_t rank, uint32_t *out, uint32_t *count,
                           bool *given)
{
    int64_t list[CLRNN_MOST_AXES];
    uint32_t seen = 0;
    clrnn_status status = clr_onnx_list(n, "axes", k, CLRNN_MOST_AXES, list, count, given);
    for (uint32_t i = 0; i < *count && status == CLRNN_OK; i++) {
        status = clr_onnx_axis(n, list[i], rank, &out[i]);
        if (status == CLRNN_OK && (seen >> out[i] & 1))
            status = clr_onnx_fail(n, CLRNN_ERR_FORMAT, "axis %u twice", out[i]);
        else if (status == CLRNN_OK)
            seen |= 1u << out[i];
    }
    return status;
}
