/* SPDX-License-Identifier: MIT
 * format/keras/dot.c - Dot, and what attention may look at. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "format/keras/keras.h"

/* --- Dot -------------------------------------------------------------------------------------- */

/* Which axis of each value is summed over. */
static clrnn_status take_axes(const clr_keras *k, const clrnn_value_info x[2], uint32_t axes[2])
{
    const cJSON *item = clr_keras_member(k, "axes");
    for (int i = 0; i < 2; i++) {
        const cJSON *number = cJSON_IsArray(item) ? cJSON_GetArrayItem(item, i) : item;
        double at = cJSON_IsNumber(number) ? number->valuedouble : NAN;
        at += at < 0 ? x[i].rank : 0;
        if (!(at >= 1 && at < x[i].rank && at == floor(at)))
            return clr_keras_unsupported(k, "its config's", "axes");
        axes[i] = (uint32_t)at;
    }
    return CLRNN_OK;
}

/* [N,F] as [N,F,1]: the axis that is summed over stays where it is. */
static clrnn_status to_three(clr_keras *k, const clrnn_value_info *x, clr_keras_value *value)
{
    return x->rank == 3 ? CLRNN_OK
                        : clr_keras_shape(k, 3, (const int64_t[]){x->shape[0], x->shape[1], 1},
                                          value->name, value);
}

clrnn_status clr_keras_dot(clr_keras *k)
{
    static const char *const known[] = {"axes", "normalize", NULL};
    static const uint32_t turned[] = {0, 2, 1};
    clr_keras_value x[2] = {k->inputs[0], k->inputs[1]}, product;
    clrnn_value_info info[2];
    uint32_t axes[2] = {0, 0};
    clrnn_status status = clr_keras_check(k, known);
    if (status == CLRNN_OK && k->input_count != 2)
        status = clr_keras_wrong(k, "it needs two inputs");
    for (int i = 0; i < 2 && status == CLRNN_OK; i++)
        status = clr_keras_value_info(k, x[i].name, &info[i]);
    for (int i = 0; i < 2 && status == CLRNN_OK; i++)
        if (info[i].rank < 2 || info[i].rank > 3)
            status = clr_keras_unsupported(k, "what it reads:", "more than three axes");
    if (status == CLRNN_OK)
        status = take_axes(k, info, axes);
    for (uint32_t i = 0; i < 2 && status == CLRNN_OK; i++) {
        if (clr_keras_flag(k, "normalize", false))
            status = clr_keras_unit(k, axes[i], &x[i], &x[i]);
        if (status == CLRNN_OK)
            status = to_three(k, &info[i], &x[i]);
        if (status == CLRNN_OK && (axes[i] == 2) == (i == 1))
            status = clr_keras_transpose(k, 3, turned, x[i].name, &x[i]);
    }
    if (status == CLRNN_OK)
        status = clr_keras_pair(k, CLRNN_NODE_MATMUL, x[0].name, x[1].name, &product);
    if (status == CLRNN_OK && (info[0].rank == 2 || info[1].rank == 2)) {
        const clrnn_value_info *wide = info[0].rank == 3 ? &info[0] : &info[1];
        const uint32_t axis = info[0].rank == 3 ? axes[0] : axes[1];
        const int64_t rest = wide->rank == 2 ? 1 : wide->shape[axis == 1 ? 2 : 1];
        const int64_t shape[] = {wide->shape[0], rest};
        status = clr_keras_shape(k, 2, shape, product.name, &product);
    }
    product.mask[0] = 0;
    k->outputs[0] = product;
    return status;
}

/* --- what attention may look at --------------------------------------------------------------- */

clrnn_status clr_keras_deepen(clr_keras *k, const char *mask, uint32_t axis, clr_keras_value *value)
{
    clrnn_node_desc desc = {.kind = CLRNN_NODE_RESHAPE};
    clrnn_value_info info;
    clrnn_status status = clr_keras_value_info(k, mask, &info);
    if (status == CLRNN_OK && (axis > info.rank || info.rank == CLRNN_MOST_AXES))
        status = clr_keras_unsupported(k, "of such a shape", "a mask");
    for (uint32_t i = 0; status == CLRNN_OK && i <= info.rank; i++)
        desc.shape[desc.rank++] = i < axis ? info.shape[i] : i == axis ? 1 : info.shape[i - 1];
    return status == CLRNN_OK ? clr_keras_part(k, &desc, mask, value) : status;
}

clrnn_status clr_keras_select(clr_keras *k, const char *condition, double number,
                              clr_keras_value *value)
{
    clr_keras_value other;
    clrnn_status status = clr_keras_constant(k, 0, NULL, &number, false, &other);
    const clrnn_node_desc desc = {.kind = CLRNN_NODE_SELECT,
                                  .inputs = {condition, value->name, other.name}};
    return status == CLRNN_OK ? clr_keras_part(k, &desc, NULL, value) : status;
}

/* [1,Tq,Tv]: a step of the query sees those up to its own. */
static clrnn_status add_causal(clr_keras *k, clr_keras_value *value)
{
    clrnn_value_info q, v;
    clrnn_status status = clr_keras_value_info(k, k->inputs[0].name, &q);
    if (status == CLRNN_OK)
        status = clr_keras_value_info(k, k->inputs[1].name, &v);
    if (status != CLRNN_OK)
        return status;
    if (q.shape[1] < 1 || v.shape[1] < 1 || q.shape[1] > 8192 || v.shape[1] > 8192)
        return clr_keras_unsupported(k, "over steps of any number", "use_causal_mask");
    const uint64_t shape[] = {1, (uint64_t)q.shape[1], (uint64_t)v.shape[1]};
    double *sees = clr_calloc((size_t)(shape[1] * shape[2]), sizeof *sees);
    if (!sees)
        return clr_fail(k->log, CLRNN_ERR_MEMORY, "%s: no memory for a mask", k->file);
    for (uint64_t i = 0; i < shape[1]; i++)
        for (uint64_t j = 0; j <= i && j < shape[2]; j++)
            sees[i * shape[2] + j] = 1;
    status = clr_keras_constant(k, 3, shape, sees, false, value);
    free(sees);
    return status;
}

/* Where both are 1; the first may be empty. */
static clrnn_status both(clr_keras *k, const clr_keras_value *next, clr_keras_value *mask)
{
    if (!mask->name[0]) {
        *mask = *next;
        return CLRNN_OK;
    }
    return clr_keras_pair(k, CLRNN_NODE_MUL, mask->name, next->name, mask);
}

clrnn_status clr_keras_may_see(clr_keras *k, bool heads, clr_keras_value *mask)
{
    clrnn_status status = CLRNN_OK;
    clr_keras_value next;
    mask->name[0] = mask->mask[0] = 0;
    for (uint32_t i = heads ? 0 : 1; i < (heads ? k->input_count : 2) && status == CLRNN_OK; i++) {
        const bool same = i == 2 && strcmp(k->inputs[2].name, k->inputs[1].name) == 0;
        if (!k->inputs[i].mask[0] || same)
            continue;
        status = clr_keras_deepen(k, k->inputs[i].mask, i == 0 ? 2 : 1, &next);
        if (status == CLRNN_OK)
            status = both(k, &next, mask);
    }
    if (status == CLRNN_OK && k->causal) {
        status = add_causal(k, &next);
        if (status == CLRNN_OK)
            status = both(k, &next, mask);
    }
    if (status == CLRNN_OK && k->attention_mask[0]) {
        memcpy(next.name, k->attention_mask, sizeof next.name);
        next.mask[0] = 0;
        status = both(k, &next, mask);
    }
    return status == CLRNN_OK && heads && mask->name[0] ? clr_keras_deepen(k, mask->name, 1, mask)
                                                        : status;
}
