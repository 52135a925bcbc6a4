/* SPDX-License-Identifier: MIT
 * format/onnx/cast.c - Cast and CastLike, and the rounding to 16 bits that is left to who sees it.
 */
#include <math.h>
#include <string.h>

#include "format/onnx/onnx.h"
#include "reference/function.h"

static double cast(double x, onnx_type from, onnx_type to, clrnn_function rounds)
{
    return to == ONNX_BOOL                       ? x != 0
           : to == ONNX_INT && from == ONNX_REAL ? trunc(x)
                                                 : clr_ref_function(rounds, 0, 0, x);
}

/* n->bits is what rounds. */
static clrnn_status cast_to(onnx_node *n, onnx_type *to)
{
    int64_t type = 0;
    clrnn_status status = CLRNN_OK;
    if (strcmp(n->op, "CastLike") == 0) {
        *to = n->in[1]->type;
        n->bits = *to == ONNX_REAL ? n->in[1]->bits : CLRNN_FN_IDENTITY;
        return CLRNN_OK;
    }
    *to = ONNX_REAL;
    status = clr_onnx_integer(n, "to", 1, &type);
    (void)clr_onnx_attribute(n, "saturate");   /* of float8 alone */
    (void)clr_onnx_attribute(n, "round_mode"); /* the same */
    if (status == CLRNN_OK && !clr_onnx_type_of(type < INT32_MAX ? (int32_t)type : 0, to))
        status = clr_onnx_fail(n, CLRNN_ERR_UNSUPPORTED, "to %s",
                               clr_onnx_type_name(type < INT32_MAX ? (int32_t)type : -1));
    n->bits = clr_onnx_bits_of((int32_t)type);
    return status;
}

static clrnn_status cast_fold(onnx_node *n, const onnx_array *const *in, onnx_array *out)
{
    onnx_type to;
    clrnn_status status = cast_to(n, &to);
    *out = clr_onnx_like(in[0]);
    if (status == CLRNN_OK)
        status = clr_onnx_allocate(n, out);
    if (status != CLRNN_OK)
        return status;
    for (size_t i = 0; i < (out->filled ? 1 : clr_onnx_count(out)); i++)
        out->data[i] = cast(in[0]->data[i], in[0]->type, to, n->bits);
    out->type = to;
    return status;
}

/* What is known, to a type that is known by what is not. */
static clrnn_status cast_known(onnx_node *n)
{
    onnx_array out[ONNX_WORLDS] = {{0}};
    clrnn_status status = clr_onnx_need(n, 0, "input");
    const bool same = n->in[0]->same;
    for (int w = 0; w < (same ? 1 : ONNX_WORLDS) && status == CLRNN_OK; w++)
        status = cast_fold(n, (const onnx_array *[]){&n->in[0]->array[w]}, &out[w]);
    if (status == CLRNN_OK)
        clr_onnx_set_known(n, 0, &out[0], same ? NULL : &out[1]);
    clr_onnx_array_free(&out[0]);
    clr_onnx_array_free(&out[1]);
    return status;
}

static clrnn_status cast_build(onnx_node *n)
{
    onnx_type to, from = n->in[0]->type;
    uint32_t at = 0;
    clrnn_status status = cast_to(n, &to);
    if (status == CLRNN_OK && n->in[0]->known)
        return cast_known(n);
    if (status == CLRNN_OK && from == to) {
        status = clr_onnx_set_alias(n, 0, n->in[0]);
        n->out[0].rounds = n->out[0].bits = n->bits;
        return status;
    }
    if (status == CLRNN_OK)
        status = clr_onnx_number_in(n, 0, &at);
    if (status == CLRNN_OK && to == ONNX_INT && from == ONNX_REAL)
        status = clr_onnx_truncate(n, at, &at);
    if (status == CLRNN_OK && to == ONNX_BOOL) {
        status = clr_onnx_add_function(n, CLRNN_FN_NOT, 0, 0, at, &at);
        if (status == CLRNN_OK)
            status = clr_onnx_add_function(n, CLRNN_FN_NOT, 0, 0, at, &at);
    }
    if (status == CLRNN_OK) {
        clr_onnx_set_graph(n, 0, at, to);
        n->out[0].rounds = n->bits;
    }
    return status;
}

clrnn_status clr_onnx_round(onnx_node *n, uint32_t k)
{
    onnx_value value = *n->in[k];
    if (value.rounds == CLRNN_FN_IDENTITY)
        return CLRNN_OK;
    clrnn_status status = clr_onnx_add_function(n, value.rounds, 0, 0, value.at, &value.at);
    value.rounds = CLRNN_FN_IDENTITY;
    value.name = ""; /* nobody else's */
    if (status == CLRNN_OK)
        status = clr_onnx_define(n->m, &value);
    if (status == CLRNN_OK)
        n->in[k] = n->m->values[n->m->count - 1];
    return status;
}

const onnx_op clr_onnx_ops_cast[] = {{"Cast", 1, 1, 1, cast_fold, cast_build, true},
                                     {"CastLike", 2, 2, 1, cast_fold, cast_build, true},
                                     {0}};
