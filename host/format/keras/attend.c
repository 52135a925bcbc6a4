/* SPDX-License-Identifier: MIT
 * format/keras/attend.c - attention: layers of Keras that look from each step at others.
 *
 * scores [N,Tq,Tv] = query [N,Tq,F] key [N,Tv,F]^T, values by softmax(scores) value [N,Tv,F]. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/keras/keras.h"

/* --- attention -------------------------------------------------------------------------------- */

static clrnn_status take_scalar(clr_keras *k, uint32_t i, double *number)
{
    double *values = NULL;
    clrnn_status status = clr_keras_weight(k, "", 0, i, 0, NULL, &values);
    if (status == CLRNN_OK)
        *number = values[0];
    free(values);
    return status;
}

/* sum over features of scale tanh(times (query + key)). scale: [F] or one number */
static clrnn_status score_sums(clr_keras *k, const char *query, const char *key, double times,
                               const double *scale, uint64_t F, clr_keras_value *scores)
{
    clrnn_value_info q, v;
    clr_keras_value a, b, by;
    clrnn_status status = clr_keras_value_info(k, query, &q);
    if (status == CLRNN_OK)
        status = clr_keras_value_info(k, key, &v);
    if (status == CLRNN_OK)
        status = clr_keras_shape(k, 4, (const int64_t[]){q.shape[0], q.shape[1], 1, q.shape[2]},
                                 query, &a);
    if (status == CLRNN_OK)
        status = clr_keras_shape(k, 4, (const int64_t[]){v.shape[0], 1, v.shape[1], v.shape[2]},
                                 key, &b);
    if (status == CLRNN_OK)
        status = clr_keras_pair(k, CLRNN_NODE_ADD, a.name, b.name, &a);
    if (status == CLRNN_OK && times != 1)
        status = clr_keras_bend(k, CLRNN_FN_AFFINE, times, 0, a.name, &a);
    if (status == CLRNN_OK)
        status = clr_keras_bend(k, CLRNN_FN_TANH, 0, 0, a.name, &a);
    if (status == CLRNN_OK && scale) {
        status = clr_keras_constant(k, 1, &F, scale, true, &by);
        if (status == CLRNN_OK)
            status = clr_keras_pair(k, CLRNN_NODE_MUL, a.name, by.name, &a);
    }
    return status == CLRNN_OK ? clr_keras_reduce(k, CLRNN_REDUCE_SUM, 3, 1, false, a.name, scores)
                              : status;
}

static clrnn_status score_products(clr_keras *k, const char *query, const char *key,
                                   clr_keras_value *scores)
{
    double scale = 1;
    clr_keras_value turned;
    clrnn_status status = clr_keras_transpose(k, 3, (const uint32_t[]){0, 2, 1}, key, &turned);
    if (status == CLRNN_OK && clr_keras_flag(k, "use_scale", false))
        status = take_scalar(k, 0, &scale);
    if (status == CLRNN_OK)
        status = clr_keras_pair(k, CLRNN_NODE_MATMUL, query, turned.name, scores);
    return status == CLRNN_OK && scale != 1
               ? clr_keras_bend(k, CLRNN_FN_AFFINE, scale, 0, scores->name, scores)
               : status;
}

/* Attention with score_mode "concat": tanh of a scaled sum, and one weight for all features. */
static clrnn_status score_concat(clr_keras *k, const char *query, const char *key,
                                 clr_keras_value *scores)
{
    const bool scaled = clr_keras_flag(k, "use_scale", false);
    double scale = 1, weight = 1;
    clrnn_status status = scaled ? take_scalar(k, 0, &scale) : CLRNN_OK;
    if (status == CLRNN_OK)
        status = take_scalar(k, scaled ? 1 : 0, &weight);
    if (status == CLRNN_OK)
        status = score_sums(k, query, key, scale, NULL, 0, scores);
    return status == CLRNN_OK ? clr_keras_bend(k, CLRNN_FN_AFFINE, weight, 0, scores->name, scores)
                              : status;
}

static clrnn_status score_additive(clr_keras *k, const char *query, const char *key,
                                   clr_keras_value *scores)
{
    double *scale = NULL;
    uint32_t features = 0;
    clrnn_status status = clr_keras_features(k, &features);
    const uint64_t F = features;
    if (status == CLRNN_OK && clr_keras_flag(k, "use_scale", true))
        status = clr_keras_weight(k, "", 0, 0, 1, &F, &scale);
    if (status == CLRNN_OK)
        status = score_sums(k, query, key, 1, scale, F, scores);
    free(scale);
    return status;
}

/* What training drops of the shares. zero: where nothing may be looked at, nothing is */
static clrnn_status spread(clr_keras *k, const char *mask, bool zero, clr_keras_value *scores)
{
    const clrnn_node_desc softmax = {.kind = CLRNN_NODE_SOFTMAX, .axis = -1};
    const clrnn_node_desc drop = {.kind = CLRNN_NODE_DROPOUT,
                                  .probability = clr_keras_rate(k, "dropout")};
    clrnn_status status = *mask ? clr_keras_select(k, mask, -1e9, scores) : CLRNN_OK;
    if (status == CLRNN_OK)
        status = clr_keras_part(k, &softmax, scores->name, scores);
    if (status == CLRNN_OK && *mask && zero)
        status = clr_keras_select(k, mask, 0, scores);
    return status == CLRNN_OK && drop.probability > 0
               ? clr_keras_part(k, &drop, scores->name, scores)
               : status;
}

/* Two or three sequences. */
static clrnn_status check_sequences(const clr_keras *k)
{
    if (k->input_count < 2 || k->input_count > 3)
        return clr_keras_wrong(k, "it needs a query, values and perhaps keys");
    for (uint32_t i = 0; i < k->input_count; i++) {
        clrnn_value_info x;
        clrnn_status status = clr_keras_value_info(k, k->inputs[i].name, &x);
        if (status == CLRNN_OK && (x.rank != 3 || x.ids))
            status = clr_keras_unsupported(k, "what it reads:", "a value that is not [N,T,F]");
        if (status != CLRNN_OK)
            return status;
    }
    return CLRNN_OK;
}

/* The query's steps that are masked become 0, and stay masked. */
static clrnn_status mask_query(clr_keras *k, clr_keras_value *y)
{
    const char *mask = k->inputs[0].mask;
    clr_keras_value deep;
    clrnn_status status = *mask ? clr_keras_deepen(k, mask, 2, &deep) : CLRNN_OK;
    if (status == CLRNN_OK && *mask)
        status = clr_keras_select(k, deep.name, 0, y);
    memcpy(y->mask, mask, sizeof y->mask);
    return status;
}

static clrnn_status add_attention(clr_keras *k)
{
    static const char *const known[] = {"use_scale", "score_mode", "dropout", NULL};
    const char *mode = clr_keras_text(k, "score_mode", "dot");
    const char *query = k->inputs[0].name, *value = k->inputs[1].name;
    const char *key = k->input_count > 2 ? k->inputs[2].name : value;
    clr_keras_value scores, mask;
    clrnn_status status = clr_keras_check(k, known);
    if (status == CLRNN_OK)
        status = check_sequences(k);
    if (status == CLRNN_OK)
        status = clr_keras_may_see(k, false, &mask);
    if (status != CLRNN_OK)
        return status;
    if (strcmp(k->type, "AdditiveAttention") == 0)
        status = score_additive(k, query, key, &scores);
    else if (strcmp(mode, "dot") == 0)
        status = score_products(k, query, key, &scores);
    else
        status = strcmp(mode, "concat") == 0 ? score_concat(k, query, key, &scores)
                                             : clr_keras_unsupported(k, "score_mode", mode);
    if (status == CLRNN_OK)
        status = spread(k, mask.name, false, &scores);
    if (status == CLRNN_OK)
        status = clr_keras_pair(k, CLRNN_NODE_MATMUL, scores.name, value, &k->outputs[0]);
    k->outputs[1] = scores;
    k->output_count = k->scores ? 2 : 1;
    return status == CLRNN_OK ? mask_query(k, &k->outputs[0]) : status;
}

/* --- several heads ---------------------------------------------------------------------------- */

typedef struct heads {
    uint32_t count, width, value_width;
    bool no_bias;
} heads;

/* Dense of one part: Keras's kernel [in,heads,width], which lies as [in,heads*width]; or that of
 * the output, [heads,width,out]. which: of the layer's parts */
static clrnn_status project(clr_keras *k, const heads *h, uint32_t which, const char *x,
                            uint32_t in, uint32_t units, uint32_t width, clr_keras_value *y)
{
    static const char *const parts[] = {"query_dense/", "key_dense/", "value_dense/",
                                        "output_dense/"};
    static const char *const names[] = {"query", "key", "value", "output"};
    const bool out = which == 3;
    const uint64_t shape[] = {out ? h->count : in, out ? h->value_width : h->count,
                              out ? units : width};
    const uint64_t flat[] = {in, units};
    const uint64_t *of_bias = out ? shape + 2 : shape + 1;
    const clrnn_node_desc dense = {.kind = CLRNN_NODE_DENSE, .units = units, .no_bias = h->no_bias};
    const uint32_t first = which * (h->no_bias ? 1 : 2);
    char part[24] = "_", leaf[24];
    double *kernel = NULL, *bias = NULL;
    strcat(part, parts[which]); /* as the first files of Keras 3 have it */
    const char *at = clr_keras_has_weight(k, part, first, 0) ? part : parts[which];
    clrnn_status status = clr_keras_weight(k, at, first, 0, 3, shape, &kernel);
    if (status == CLRNN_OK && !h->no_bias)
        status = clr_keras_weight(k, at, first, 1, out ? 1 : 2, of_bias, &bias);
    snprintf(leaf, sizeof leaf, ".%s", names[which]);
    if (status == CLRNN_OK)
        status = clr_keras_add(k, &dense, leaf, x, y);
    snprintf(leaf, sizeof leaf, "%s.weight", names[which]);
    if (status == CLRNN_OK)
        status = clr_keras_set_moved(k, leaf, kernel, 2, flat, (const uint32_t[]){1, 0});
    snprintf(leaf, sizeof leaf, "%s.bias", names[which]);
    if (status == CLRNN_OK && bias)
        status = clr_keras_set(k, leaf, bias, units);
    free(kernel);
    free(bias);
    return status;
}

/* Input i by part `which`, as [N,heads,T,width], or `turned` [N,heads,width,T]. */
static clrnn_status take_heads(clr_keras *k, const heads *h, uint32_t which, uint32_t i,
                               clr_keras_value *y)
{
    static const uint32_t orders[2][4] = {{0, 2, 1, 3}, {0, 2, 3, 1}};
    const uint32_t width = which == 2 ? h->value_width : h->width;
    clrnn_value_info x;
    clrnn_status status = clr_keras_value_info(k, k->inputs[i].name, &x);
    if (status != CLRNN_OK)
        return status;
    if (x.shape[2] <= 0 || x.shape[2] > INT32_MAX)
        return clr_keras_wrong(k, "the features that it reads have no size");
    status =
        project(k, h, which, k->inputs[i].name, (uint32_t)x.shape[2], h->count * width, width, y);
    if (status == CLRNN_OK)
        status = clr_keras_shape(k, 4, (const int64_t[]){x.shape[0], x.shape[1], h->count, width},
                                 y->name, y);
    return status == CLRNN_OK ? clr_keras_transpose(k, 4, orders[which == 1], y->name, y) : status;
}

static clrnn_status attend(clr_keras *k, const heads *h, clr_keras_value *y)
{
    const bool zero = k->scores || (!k->before_3 && clr_keras_rate(k, "dropout") > 0);
    clr_keras_value query, key, value, mask;
    clrnn_value_info x;
    clrnn_status status = clr_keras_may_see(k, true, &mask);
    if (status == CLRNN_OK)
        status = take_heads(k, h, 0, 0, &query);
    if (status == CLRNN_OK)
        status = take_heads(k, h, 1, k->input_count - 1, &key);
    if (status == CLRNN_OK)
        status = take_heads(k, h, 2, 1, &value);
    if (status == CLRNN_OK)
        status = clr_keras_bend(k, CLRNN_FN_AFFINE, 1 / sqrt(h->width), 0, query.name, &query);
    if (status == CLRNN_OK)
        status = clr_keras_pair(k, CLRNN_NODE_MATMUL, query.name, key.name, y);
    if (status == CLRNN_OK)
        status = spread(k, mask.name, zero, y);
    k->outputs[1] = *y;
    k->output_count = k->scores ? 2 : 1;
    if (status == CLRNN_OK)
        status = clr_keras_pair(k, CLRNN_NODE_MATMUL, y->name, value.name, y);
    if (status == CLRNN_OK)
        status = clr_keras_transpose(k, 4, (const uint32_t[]){0, 2, 1, 3}, y->name, y);
    if (status == CLRNN_OK)
        status = clr_keras_value_info(k, k->inputs[0].name, &x);
    return status == CLRNN_OK
               ? clr_keras_shape(
                     k, 3,
                     (const int64_t[]){x.shape[0], x.shape[1], (int64_t)h->count * h->value_width},
                     y->name, y)
               : status;
}

static clrnn_status add_heads(clr_keras *k)
{
    static const char *const known[] = {
        "num_heads", "key_dim",     "value_dim", "dropout",     "output_shape", "attention_axes",
        "use_bias",  "query_shape", "key_shape", "value_shape", /* Keras 2 */
        NULL};
    const cJSON *axes = clr_keras_member(k, "attention_axes");
    heads h = {.no_bias = !clr_keras_flag(k, "use_bias", true)};
    uint32_t units = 0;
    clr_keras_value y;
    clrnn_status status = clr_keras_check(k, known);
    if (status == CLRNN_OK)
        status = check_sequences(k);
    if (status == CLRNN_OK)
        status = clr_keras_features(k, &units);
    if (status == CLRNN_OK && axes &&
        !(cJSON_GetArraySize(axes) == 1 && axes->child->valuedouble == 1))
        status = clr_keras_unsupported(k, "its config's", "attention_axes");
    if (status == CLRNN_OK &&
        (!clr_keras_size(k, "num_heads", &h.count) || !clr_keras_size(k, "key_dim", &h.width)))
        status = clr_keras_wrong(k, "num_heads or key_dim is no size");
    h.value_width = h.width;
    if (status == CLRNN_OK && clr_keras_member(k, "value_dim") &&
        !clr_keras_size(k, "value_dim", &h.value_width))
        status = clr_keras_wrong(k, "value_dim is no size");
    if (status == CLRNN_OK && clr_keras_member(k, "output_shape") &&
        !clr_keras_size(k, "output_shape", &units))
        status = clr_keras_unsupported(k, "its config's", "output_shape");
    if (status == CLRNN_OK &&
        ((uint64_t)h.count * h.width > INT32_MAX || (uint64_t)h.count * h.value_width > INT32_MAX))
        status = clr_keras_wrong(k, "its heads are too wide");
    if (status == CLRNN_OK)
        status = attend(k, &h, &y);
    if (status == CLRNN_OK)
        status = project(k, &h, 3, y.name, h.count * h.value_width, units, 0, &k->outputs[0]);
    memcpy(k->outputs[0].mask, k->inputs[0].mask, sizeof k->outputs[0].mask);
    return status;
}

clrnn_status clr_keras_attend(clr_keras *k, bool *is)
{
    static const clr_keras_type types[] = {{"Dot", clr_keras_dot},
                                           {"Attention", add_attention},
                                           {"AdditiveAttention", add_attention},
                                           {"MultiHeadAttention", add_heads},
                                           {NULL, NULL}};
    return clr_keras_one_of(k, types, is);
}
