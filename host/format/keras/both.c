/* SPDX-License-Identifier: MIT
 * format/keras/both.c - recurrent layers, and Bidirectional: one node of both directions, or where
 * the layers differ, or states come and go, one of each.
 *
 * The backward layer's y is turned round again, which is what this library's second direction does.
 */
#include <stdio.h>
#include <string.h>

#include "format/keras/recurrent.h"

/* --- its config ------------------------------------------------------------------------------- */

static clrnn_status take_layer(clr_keras *k, const char *member, clr_keras_form *f)
{
    const cJSON *layer = clr_keras_member(k, member), *own = k->config;
    const char *type = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(layer, "class_name"));
    k->config = cJSON_GetObjectItemCaseSensitive(layer, "config");
    clrnn_status status = type && cJSON_IsObject(k->config)
                              ? clr_keras_take_form(k, type, f)
                              : clr_keras_wrong(k, "its layer has no config");
    k->config = own;
    return status;
}

/* The two layers: the second one, where the file does not say, is the first one backwards. */
static clrnn_status take_forms(clr_keras *k, clr_keras_form f[2])
{
    clrnn_status status = take_layer(k, "layer", &f[0]);
    f[1] = f[0];
    f[1].backwards = !f[0].backwards;
    if (status == CLRNN_OK && clr_keras_member(k, "backward_layer"))
        status = take_layer(k, "backward_layer", &f[1]);
    if (status == CLRNN_OK && (f[0].sequences != f[1].sequences || f[0].states != f[1].states ||
                               f[0].backwards == f[1].backwards))
        status = clr_keras_wrong(k, "its two layers do not fit each other");
    if (status == CLRNN_OK && f[0].backwards)
        status = clr_keras_unsupported(k, "a", "layer that goes backwards itself");
    for (int i = 0; i < 2 && status == CLRNN_OK; i++)
        f[i].zeros = f[i].sequences; /* as Keras sets it in its layers, whatever they say */
    return status;
}

/* Whether one node does. */
static bool is_one_node(const clr_keras *k, const clr_keras_form f[2])
{
    return f[0].count == 1 && f[1].count == 1 && !f[0].states && k->input_count == 1 &&
           memcmp(f[0].cells, f[1].cells, sizeof f[0].cells[0]) == 0 &&
           strcmp(f[0].types[0], f[1].types[0]) == 0;
}

/* --- values ----------------------------------------------------------------------------------- */

static uint32_t weights_of(const clr_keras_form *f)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < f->count; i++)
        count += f->cells[i].no_bias ? 2 : 3;
    return count;
}

/* A node of both directions; parts[2], what each gives, or where they are concatenated anyway
 * *whole. */
static clrnn_status add_node(clr_keras *k, const clr_keras_form *f, bool concat,
                             clr_keras_value parts[2], bool *whole)
{
    static const char *const suffixes[] = {".forward", ".backward"};
    clrnn_node_desc desc = {.kind = CLRNN_NODE_RECURRENT, .network = f->cells[0]};
    clrnn_network_desc *n = &desc.network;
    clr_keras_steps s;
    clr_keras_value y;
    clrnn_status status = clr_keras_enter(k, f, &s);
    const uint32_t H = n->hidden_size, each = weights_of(f);
    n->bidirectional = true;
    memcpy(n->activations[1], n->activations[0], sizeof n->activations[1]);
    desc.inputs[4] = k->mask[0] ? k->mask : NULL;
    desc.repeat = k->mask[0] && !f->zeros;
    if (status == CLRNN_OK)
        status = clr_keras_add(k, &desc, "", s.x.name, &y);
    if (status == CLRNN_OK)
        status = clr_keras_put_weights(k, f, 0, k->node, s.in, "forward_layer/", 0, "_l0");
    if (status == CLRNN_OK)
        status =
            clr_keras_put_weights(k, f, 0, k->node, s.in, "backward_layer/", each, "_l0_reverse");
    if (status == CLRNN_OK && f->sequences)
        status = clr_keras_leave(k, &s, &y);
    *whole = concat && f->sequences;
    if (*whole)
        parts[0] = y;
    for (uint32_t d = 0; d < 2 && !*whole && status == CLRNN_OK; d++)
        status = f->sequences ? clr_keras_cut(k, y.name, 2, (int64_t)d * H, (int64_t)(d + 1) * H, 1,
                                              suffixes[d], &parts[d])
                              : clr_keras_take_state(k, "hn", s.rows, n, d, suffixes[d], &parts[d]);
    return status;
}

/* Each direction alone; its states behind those of the other. */
static clrnn_status add_nodes(clr_keras *k, const clr_keras_form f[2], clr_keras_value parts[2],
                              clr_keras_value *states, uint32_t *state_count)
{
    static const char *const roots[] = {"forward_layer/", "backward_layer/"};
    const uint32_t given = k->input_count - 1;
    char node[CLR_KERAS_NAME];
    clrnn_status status = CLRNN_OK;
    if (given && given != clr_keras_all_states(&f[0]) + clr_keras_all_states(&f[1]))
        return clr_keras_wrong(k, "it is given another number of states than it has");
    memcpy(node, k->node, sizeof node);
    for (int d = 0; d < 2 && status == CLRNN_OK; d++) {
        const uint32_t state = !given ? 0 : d ? 1 + clr_keras_all_states(&f[0]) : 1;
        snprintf(k->node, sizeof k->node, "%.240s%s", node, d ? ".backward" : ".forward");
        status = clr_keras_one_way(k, &f[d], roots[d], d ? weights_of(&f[0]) : 0, state, true);
        parts[d] = k->outputs[0];
        for (uint32_t i = 1; i < k->output_count && status == CLRNN_OK; i++)
            if (*state_count < CLR_KERAS_OUTPUTS)
                states[(*state_count)++] = k->outputs[i];
            else
                status = clr_keras_unsupported(k, "so many", "states");
    }
    memcpy(k->node, node, sizeof node);
    return status;
}

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

static clrnn_status make(clr_keras *k, const char *mode, const clr_keras_form f[2])
{
    clr_keras_value parts[2], states[CLR_KERAS_OUTPUTS];
    uint32_t state_count = 0;
    bool whole = false;
    clrnn_status status =
        is_one_node(k, f) ? add_node(k, &f[0], mode && strcmp(mode, "concat") == 0, parts, &whole)
                          : add_nodes(k, f, parts, states, &state_count);
    if (status != CLRNN_OK)
        return status;
    k->output_count = mode ? 1 : 2;
    k->outputs[0] = parts[0];
    if (!mode)
        k->outputs[1] = parts[1];
    else if (!whole)
        status = merge(k, mode, parts);
    if (status == CLRNN_OK && k->output_count + state_count > CLR_KERAS_OUTPUTS)
        status = clr_keras_unsupported(k, "so many", "states");
    /* Each output of sequences has the mask of what it reads. */
    for (uint32_t i = 0; i < k->output_count && status == CLRNN_OK; i++)
        memcpy(k->outputs[i].mask, f[0].sequences ? clr_keras_mask_on(k) : "\0",
               f[0].sequences ? sizeof k->mask : 1);
    for (uint32_t i = 0; i < state_count && status == CLRNN_OK; i++)
        k->outputs[k->output_count++] = states[i];
    return status;
}

static clrnn_status add_both(clr_keras *k)
{
    static const char *const fields[] = {"layer", "backward_layer", "merge_mode", NULL};
    const bool says =
        cJSON_GetObjectItemCaseSensitive(k->config, "merge_mode"); /* null: no merge */
    const char *mode = clr_keras_text(k, "merge_mode", says ? NULL : "concat");
    clr_keras_form f[2];
    clrnn_status status = clr_keras_check(k, fields);
    if (status == CLRNN_OK)
        status = take_forms(k, f);
    return status == CLRNN_OK ? make(k, mode, f) : status;
}

/* --- all -------------------------------------------------------------------------------------- */

static clrnn_status add_one_way(clr_keras *k)
{
    clr_keras_form f;
    const uint32_t given = k->input_count - 1;
    clrnn_status status = clr_keras_take_form(k, k->type, &f);
    if (status == CLRNN_OK && given != 0 && given != clr_keras_all_states(&f))
        status = clr_keras_wrong(k, "it is given another number of states than it has");
    if (status == CLRNN_OK)
        status = clr_keras_one_way(k, &f, "", 0, given ? 1 : 0, false);
    if (status == CLRNN_OK && f.sequences)
        memcpy(k->outputs[0].mask, clr_keras_mask_on(k), sizeof k->mask);
    return status;
}

clrnn_status clr_keras_recurrent(clr_keras *k, bool *is)
{
    static const clr_keras_type types[] = {{"Bidirectional", add_both}, {"RNN", add_one_way},
                                           {"LSTM", add_one_way},       {"GRU", add_one_way},
                                           {"SimpleRNN", add_one_way},  {"CuDNNLSTM", add_one_way},
                                           {"CuDNNGRU", add_one_way},   {NULL, NULL}};
    return clr_keras_one_of(k, types, is);
}
