/* SPDX-License-Identifier: MIT
 * format/keras_recurrent.c - SimpleRNN, GRU, LSTM, RNN of one of their cells, and Bidirectional.
 *
 * go_backwards reads x from its end, and y stays in the order in which it is made: ours, which is
 * in that of x, turned. Within Bidirectional the backward layer's y is turned round again, which is
 * what this library's second direction does. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/keras.h"
#include "format/keras_cell.h"

/* What the layer's own config says, beside that of its cell. */
typedef struct form {
    clrnn_network_desc network;
    float dropout;                            /* of x, by one mask for all steps */
    bool sequences, states, backwards, zeros; /* zeros: y of masked steps */
    const char *part;                         /* of its weights: "cell/" */
} form;

static const char *const known[] = {"units",
                                    "activation",
                                    "recurrent_activation",
                                    "use_bias",
                                    "return_sequences",
                                    "return_state",
                                    "go_backwards",
                                    "reset_after",
                                    "cell",
                                    "zero_output_for_mask",
                                    "dropout",
                                    "recurrent_dropout",
                                    NULL};

/* --- its config --------------------------------------------------------------------------------
 */

static clrnn_status take_form(clr_keras *k, const char *type, form *f)
{
    const cJSON *cell = clr_keras_member(k, "cell"), *own = k->config;
    clrnn_status status = clr_keras_check(k, known);
    *f = (form){.sequences = clr_keras_flag(k, "return_sequences", false),
                .states = clr_keras_flag(k, "return_state", false),
                .backwards = clr_keras_flag(k, "go_backwards", false),
                .zeros = clr_keras_flag(k, "zero_output_for_mask", false),
                .part = "cell/"};
    if (status != CLRNN_OK)
        return status;
    if (strcmp(type, "RNN") == 0) {
        type = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(cell, "class_name"));
        k->config = cJSON_GetObjectItemCaseSensitive(cell, "config");
        status = cJSON_IsObject(k->config) ? clr_keras_check(k, known)
                                           : clr_keras_unsupported(k, "its", "cell");
    }
    f->dropout = clr_keras_rate(k, "dropout");
    if (status == CLRNN_OK)
        status = clr_keras_take_cell(k, type, &f->network);
    k->config = own;
    return status;
}

/* --- weights -----------------------------------------------------------------------------------
 */

static uint32_t gates_of(const clrnn_network_desc *n)
{
    return clrnn_cell_get_info(n->cell)->gates;
}

/* Those of one direction; `first` is how many come before them. */
static clrnn_status put_weights(const clr_keras *k, const clrnn_network_desc *n, uint32_t in,
                                const char *part, uint32_t first, const char *suffix)
{
    double *values[3] = {NULL, NULL, NULL};
    const uint64_t wide = (uint64_t)gates_of(n) * n->hidden_size;
    const bool two = n->gru_reset == CLRNN_RESET_AFTER;
    const uint64_t kernel[] = {in, wide}, recurrent[] = {n->hidden_size, wide}, bias[] = {2, wide};
    clrnn_status status = clr_keras_weight(k, part, first, 0, 2, kernel, &values[0]);
    if (status == CLRNN_OK)
        status = clr_keras_weight(k, part, first, 1, 2, recurrent, &values[1]);
    if (status == CLRNN_OK && !n->no_bias)
        status =
            clr_keras_weight(k, part, first, 2, two ? 2 : 1, two ? bias : bias + 1, &values[2]);
    const clr_keras_cell cell = {values[0], values[1], values[2], two};
    if (status == CLRNN_OK)
        status = clr_keras_cell_put(k->graph, k->node, suffix, &cell);
    for (int i = 0; i < 3; i++)
        free(values[i]);
    return status;
}

/* --- values ------------------------------------------------------------------------------------
 */

/* A part of a value's axis. */
static clrnn_status slice(clr_keras *k, const char *value, uint32_t axis, int64_t begin,
                          int64_t end, int64_t step, const char *suffix, clr_keras_value *out)
{
    clrnn_value_info info;
    clrnn_node_desc desc = {.kind = CLRNN_NODE_SLICE};
    clrnn_status status = clr_keras_value_info(k, value, &info);
    if (status != CLRNN_OK)
        return status;
    desc.rank = info.rank;
    for (uint32_t i = 0; i < info.rank; i++)
        desc.end[i] = CLRNN_TO_END;
    desc.begin[axis] = begin;
    desc.end[axis] = end;
    desc.step[axis] = step;
    return clr_keras_add(k, &desc, suffix, value, out);
}

/* The state [L*D,N,H] of one direction as [N,H]. */
static clrnn_status take_state(clr_keras *k, const char *state, const clrnn_network_desc *n,
                               uint32_t direction, const char *suffix, clr_keras_value *out)
{
    char value[CLR_KERAS_NAME + 8], first[32];
    clr_keras_value part;
    const clrnn_node_desc flat = {
        .kind = CLRNN_NODE_RESHAPE, .rank = 2, .shape = {CLRNN_BATCH, n->hidden_size}};
    snprintf(value, sizeof value, "%s.%s", k->node, state);
    snprintf(first, sizeof first, "%s.part", suffix);
    clrnn_status status =
        n->bidirectional ? slice(k, value, 0, direction, direction + 1, 1, first, &part) : CLRNN_OK;
    return status == CLRNN_OK
               ? clr_keras_add(k, &flat, suffix, n->bidirectional ? part.name : value, out)
               : status;
}

/* A state [N,H] that is given as [1,N,H]. */
static clrnn_status give_state(clr_keras *k, uint32_t input, const clrnn_network_desc *n,
                               const char *suffix, clr_keras_value *out)
{
    const clrnn_node_desc deep = {
        .kind = CLRNN_NODE_RESHAPE, .rank = 3, .shape = {1, CLRNN_BATCH, n->hidden_size}};
    return clr_keras_add(k, &deep, suffix, k->inputs[input].name, out);
}

/* x as training reads it; both directions have the same of it, where Keras draws two masks. */
static clrnn_status drop_inputs(clr_keras *k, const form *f, clr_keras_value *x)
{
    const clrnn_node_desc drop = {
        .kind = CLRNN_NODE_DROPOUT, .probability = f->dropout, .variational = true};
    *x = k->inputs[0];
    return f->dropout > 0 ? clr_keras_add(k, &drop, ".dropout", k->inputs[0].name, x) : CLRNN_OK;
}

static clrnn_status add_node(clr_keras *k, const form *f, uint32_t *in)
{
    clrnn_node_desc desc = {.kind = CLRNN_NODE_RECURRENT, .network = f->network};
    clr_keras_value x, states[2], y;
    const bool has_cell_state = clrnn_cell_get_info(f->network.cell)->has_cell_state;
    const uint32_t given = k->input_count - 1;
    clrnn_value_info info;
    clrnn_status status = clr_keras_value_info(k, k->inputs[0].name, &info);
    if (status == CLRNN_OK && (info.rank != 3 || info.shape[2] <= 0 || info.shape[2] > INT32_MAX))
        status = clr_keras_wrong(k, "what it reads is not [N,T,F]");
    if (status == CLRNN_OK && info.shape[0] != CLRNN_BATCH)
        status = clr_keras_unsupported(k, "for each step", "a recurrent layer");
    if (status == CLRNN_OK && given != 0 && given != (has_cell_state ? 2u : 1u))
        status = clr_keras_wrong(k, "it is given another number of states than it has");
    if (status == CLRNN_OK && given && f->network.bidirectional)
        status = clr_keras_unsupported(k, "an", "initial state of both directions");
    if (status != CLRNN_OK)
        return status;
    *in = (uint32_t)info.shape[2];
    status = drop_inputs(k, f, &x);
    desc.network.reverse = f->backwards;
    desc.inputs[4] = k->mask[0] ? k->mask : NULL;
    desc.repeat = k->mask[0] && !f->zeros;
    for (uint32_t i = 0; i < given && status == CLRNN_OK; i++) {
        status = give_state(k, i + 1, &f->network, i ? ".c0" : ".h0", &states[i]);
        desc.inputs[i + 1] = states[i].name;
    }
    return status == CLRNN_OK ? clr_keras_add(k, &desc, "", x.name, &y) : status;
}

/* y of the first step or the last, which is not the state where that is masked. */
static clrnn_status take_step(clr_keras *k, const clrnn_network_desc *n, bool last)
{
    const clrnn_node_desc flat = {
        .kind = CLRNN_NODE_RESHAPE, .rank = 2, .shape = {CLRNN_BATCH, n->hidden_size}};
    clr_keras_value step;
    clrnn_status status =
        slice(k, k->node, 1, last ? -1 : 0, last ? CLRNN_TO_END : 1, 1, ".step", &step);
    return status == CLRNN_OK ? clr_keras_add(k, &flat, ".last", step.name, &k->outputs[0])
                              : status;
}

/* y in the order in which it is made. Its mask is that of x, not turned: Keras leaves it as it is.
 */
static clrnn_status take_turned(clr_keras *k)
{
    return slice(k, k->node, 1, -1, CLRNN_TO_END, -1, ".turned", &k->outputs[0]);
}

static clrnn_status add_states(clr_keras *k, const clrnn_network_desc *n)
{
    const bool has_cell_state = clrnn_cell_get_info(n->cell)->has_cell_state;
    clrnn_status status = take_state(k, "hn", n, 0, ".h", &k->outputs[1]);
    if (status == CLRNN_OK && has_cell_state)
        status = take_state(k, "cn", n, 0, ".c", &k->outputs[2]);
    k->output_count = has_cell_state ? 3 : 2;
    return status;
}

static clrnn_status add_one_way(clr_keras *k)
{
    const clrnn_node_desc last = {.kind = CLRNN_NODE_POOL, .reduction = CLRNN_REDUCE_LAST};
    form f;
    uint32_t in = 0;
    clrnn_value_info x;
    clrnn_status status = take_form(k, k->type, &f);
    if (status == CLRNN_OK)
        status = add_node(k, &f, &in);
    if (status == CLRNN_OK)
        status = clr_keras_value_info(k, k->inputs[0].name, &x);
    if (status == CLRNN_OK)
        status = put_weights(k, &f.network, in, f.part, 0, "_l0");
    if (status != CLRNN_OK)
        return status;
    k->outputs[0].mask[0] = 0;
    memcpy(k->outputs[0].name, k->node, sizeof k->node);
    if (f.backwards && f.sequences)
        status = take_turned(k);
    else if (f.backwards && k->mask[0])
        status = take_step(k, &f.network, false);
    else if (f.backwards) /* the last that is made is that of the first step */
        status = take_state(k, "hn", &f.network, 0, ".last", &k->outputs[0]);
    else if (!f.sequences && x.shape[1] != CLRNN_STEPS)
        status = take_step(k, &f.network, true);
    else if (!f.sequences)
        status = clr_keras_add(k, &last, ".last", k->node, &k->outputs[0]);
    if (f.sequences && !k->masks_given)
        memcpy(k->outputs[0].mask, k->mask[0] ? k->mask : k->inputs[0].mask, sizeof k->mask);
    return status == CLRNN_OK && f.states ? add_states(k, &f.network) : status;
}

/* --- both directions ---------------------------------------------------------------------------
 */

/* Put what the directions make together as merge_mode says. parts: [2] */
static clrnn_status merge(clr_keras *k, const char *mode, const clr_keras_value parts[2])
{
    clrnn_node_desc desc = {.inputs = {parts[0].name, parts[1].name}};
    const clrnn_node_desc half = {
        .kind = CLRNN_NODE_ACTIVATION, .function = CLRNN_FN_AFFINE, .alpha = 0.5};
    clr_keras_value sum;
    if (strcmp(mode, "concat") == 0) {
        desc.kind = CLRNN_NODE_CONCAT;
        desc.axis = -1;
    } else if (strcmp(mode, "sum") == 0 || strcmp(mode, "ave") == 0)
        desc.kind = CLRNN_NODE_ADD;
    else if (strcmp(mode, "mul") == 0)
        desc.kind = CLRNN_NODE_MUL;
    else
        return clr_keras_unsupported(k, "merge_mode", mode);
    clrnn_status status = clr_keras_add(k, &desc, ".merge", NULL, &sum);
    k->outputs[0] = sum;
    return status == CLRNN_OK && strcmp(mode, "ave") == 0
               ? clr_keras_add(k, &half, ".half", sum.name, &k->outputs[0])
               : status;
}

/* y or the last states of each direction. */
static clrnn_status take_parts(clr_keras *k, const form *f, clr_keras_value parts[2])
{
    const uint32_t H = f->network.hidden_size;
    static const char *const suffixes[] = {".forward", ".backward"};
    clrnn_status status = CLRNN_OK;
    for (uint32_t d = 0; d < 2 && status == CLRNN_OK; d++)
        status = f->sequences ? slice(k, k->node, 2, (int64_t)d * H, (int64_t)(d + 1) * H, 1,
                                      suffixes[d], &parts[d])
                              : take_state(k, "hn", &f->network, d, suffixes[d], &parts[d]);
    return status;
}

/* That the second layer is the first one backwards. */
static clrnn_status check_backward(clr_keras *k, const form *f)
{
    const cJSON *layer = clr_keras_member(k, "backward_layer"), *own = k->config;
    const char *type = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(layer, "class_name"));
    form b;
    if (!layer)
        return CLRNN_OK;
    k->config = cJSON_GetObjectItemCaseSensitive(layer, "config");
    clrnn_status status = type && cJSON_IsObject(k->config)
                              ? take_form(k, type, &b)
                              : clr_keras_wrong(k, "its backward_layer has no config");
    k->config = own;
    if (status == CLRNN_OK &&
        (memcmp(&b.network, &f->network, sizeof b.network) != 0 || b.sequences != f->sequences ||
         b.states != f->states || b.backwards == f->backwards))
        status = clr_keras_unsupported(k, "a", "backward_layer that differs from the other");
    return status;
}

static clrnn_status take_both(clr_keras *k, form *f, uint32_t *in)
{
    static const char *const fields[] = {"layer", "backward_layer", "merge_mode", NULL};
    const cJSON *layer = clr_keras_member(k, "layer"), *own = k->config;
    const char *type = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(layer, "class_name"));
    clrnn_status status = clr_keras_check(k, fields);
    k->config = cJSON_GetObjectItemCaseSensitive(layer, "config");
    if (status == CLRNN_OK)
        status = type && cJSON_IsObject(k->config) ? take_form(k, type, f)
                                                   : clr_keras_wrong(k, "its layer has no config");
    k->config = own;
    if (status == CLRNN_OK)
        status = check_backward(k, f);
    if (status == CLRNN_OK && f->backwards)
        status = clr_keras_unsupported(k, "a", "layer that goes backwards itself");
    if (status == CLRNN_OK && f->states)
        status = clr_keras_unsupported(k, "its layer's", "return_state");
    if (status != CLRNN_OK)
        return status;
    f->network.bidirectional = true;
    f->zeros = f->sequences; /* as Keras sets it in its layers, whatever they say */
    memcpy(f->network.activations[1], f->network.activations[0], sizeof f->network.activations[1]);
    return add_node(k, f, in);
}

static clrnn_status make_bidirectional(clr_keras *k, bool *sequences)
{
    const bool says =
        cJSON_GetObjectItemCaseSensitive(k->config, "merge_mode"); /* null: no merge */
    const char *mode = clr_keras_text(k, "merge_mode", says ? NULL : "concat");
    clr_keras_value parts[2];
    form f;
    uint32_t in = 0;
    clrnn_status status = take_both(k, &f, &in);
    *sequences = status == CLRNN_OK && f.sequences;
    const uint32_t each = status == CLRNN_OK && f.network.no_bias ? 2 : 3;
    if (status == CLRNN_OK)
        status = put_weights(k, &f.network, in, "forward_layer/cell/", 0, "_l0");
    if (status == CLRNN_OK)
        status = put_weights(k, &f.network, in, "backward_layer/cell/", each, "_l0_reverse");
    if (status != CLRNN_OK)
        return status;
    if (mode && strcmp(mode, "concat") == 0 && f.sequences) {
        memcpy(k->outputs[0].name, k->node, sizeof k->node);
        return CLRNN_OK;
    }
    status = take_parts(k, &f, parts);
    if (status == CLRNN_OK && mode)
        return merge(k, mode, parts);
    k->outputs[0] = parts[0];
    k->outputs[1] = parts[1];
    k->output_count = 2;
    return status;
}

/* Each output of sequences has the mask of what it reads. */
static clrnn_status add_bidirectional(clr_keras *k)
{
    bool sequences = false;
    clrnn_status status = make_bidirectional(k, &sequences);
    for (uint32_t i = 0; i < k->output_count && status == CLRNN_OK; i++)
        memcpy(k->outputs[i].mask, sequences && !k->masks_given ? k->mask : "\0",
               sequences && !k->masks_given ? sizeof k->mask : 1);
    return status;
}

clrnn_status clr_keras_recurrent(clr_keras *k, bool *is)
{
    const bool both = strcmp(k->type, "Bidirectional") == 0;
    *is = both || strcmp(k->type, "RNN") == 0 || strcmp(k->type, "LSTM") == 0 ||
          strcmp(k->type, "GRU") == 0 || strcmp(k->type, "SimpleRNN") == 0;
    return !*is ? CLRNN_OK : both ? add_bidirectional(k) : add_one_way(k);
}
