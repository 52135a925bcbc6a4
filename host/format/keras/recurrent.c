/* SPDX-License-Identifier: MIT
 * format/keras/recurrent.c - SimpleRNN, GRU, LSTM, RNN of cells one behind the other.
 *
 * go_backwards reads x from its end, and y stays in the order in which it is made: ours, which is
 * in that of x, turned. */
#include "format/keras/recurrent.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/keras/cell.h"

/* --- its config ------------------------------------------------------------------------------- */

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

static clrnn_status take_cell(clr_keras *k, const char *type, clr_keras_form *f)
{
    if (f->count == CLR_KERAS_CELLS)
        return clr_keras_unsupported(k, "a stack of", "more than eight cells");
    clrnn_status status = clr_keras_check(k, known);
    if (status == CLRNN_OK && f->count == 0)
        f->dropout = clr_keras_rate(k, "dropout");
    if (status == CLRNN_OK && f->count > 0 && clr_keras_rate(k, "dropout") > 0)
        status = clr_keras_unsupported(k, "between cells its", "dropout");
    if (status == CLRNN_OK)
        status = clr_keras_take_cell(k, type, &f->cells[f->count]);
    f->types[f->count++] = type;
    return status;
}

/* A cell, or StackedRNNCells, as {"class_name": .., "config": ..}. */
static clrnn_status take_cells(clr_keras *k, const cJSON *item, clr_keras_form *f)
{
    static const char *const stack[] = {"cells", NULL};
    const char *type = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(item, "class_name"));
    const cJSON *own = k->config;
    clrnn_status status = CLRNN_OK;
    k->config = cJSON_GetObjectItemCaseSensitive(item, "config");
    if (!type || !cJSON_IsObject(k->config))
        status = clr_keras_unsupported(k, "its", "cell");
    else if (strcmp(type, "StackedRNNCells") != 0)
        status = take_cell(k, type, f);
    else {
        const cJSON *cells = clr_keras_member(k, "cells");
        status = clr_keras_check(k, stack);
        f->stacked = true;
        if (status == CLRNN_OK && (!cJSON_IsArray(cells) || !cells->child))
            status = clr_keras_wrong(k, "a stack without cells");
        for (const cJSON *i = cells ? cells->child : NULL; i && status == CLRNN_OK; i = i->next) {
            const char *inner =
                cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(i, "class_name"));
            k->config = cJSON_GetObjectItemCaseSensitive(i, "config");
            status = inner && cJSON_IsObject(k->config) ? take_cell(k, inner, f)
                                                        : clr_keras_unsupported(k, "its", "cell");
        }
    }
    k->config = own;
    return status;
}

clrnn_status clr_keras_take_form(clr_keras *k, const char *type, clr_keras_form *f)
{
    clrnn_status status = clr_keras_check(k, known);
    *f = (clr_keras_form){.sequences = clr_keras_flag(k, "return_sequences", false),
                          .states = clr_keras_flag(k, "return_state", false),
                          .backwards = clr_keras_flag(k, "go_backwards", false),
                          .zeros = clr_keras_flag(k, "zero_output_for_mask", false)};
    if (status != CLRNN_OK)
        return status;
    return strcmp(type, "RNN") == 0 ? take_cells(k, clr_keras_member(k, "cell"), f)
                                    : take_cell(k, type, f);
}

uint32_t clr_keras_states(const clrnn_network_desc *n)
{
    return clrnn_cell_get_info(n->cell)->has_cell_state ? 2 : 1;
}

uint32_t clr_keras_all_states(const clr_keras_form *f)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < f->count; i++)
        count += clr_keras_states(&f->cells[i]);
    return count;
}

/* --- weights ---------------------------------------------------------------------------------- */

/* "LSTMCell" as "lstm_cell", a second one as "lstm_cell_1": the group of cell i of a stack. */
static void name_cell(const clr_keras_form *f, uint32_t i, char out[40])
{
    const char *type = f->types[i];
    uint32_t before = 0;
    for (uint32_t j = 0; j < i; j++)
        before += strcmp(f->types[j], type) == 0;
    const char *name = strncmp(type, "LSTM", 4) == 0  ? "lstm_cell"
                       : strncmp(type, "GRU", 3) == 0 ? "gru_cell"
                                                      : "simple_rnn_cell";
    snprintf(out, 40, before ? "%s_%u" : "%s", name, before);
}

clrnn_status clr_keras_put_weights(const clr_keras *k, const clr_keras_form *f, uint32_t i,
                                   const char *node, uint32_t in, const char *root, uint32_t first,
                                   const char *suffix)
{
    const clrnn_network_desc *n = &f->cells[i];
    char part[128], cell[40];
    name_cell(f, i, cell);
    if (f->stacked)
        snprintf(part, sizeof part, "%scell/cells/%s/", root, cell);
    else
        snprintf(part, sizeof part, "%scell/", root);
    clr_keras_weights w;
    clrnn_status status = clr_keras_read_cell(k, f->types[i], n, part, first, in, &w);
    if (status == CLRNN_OK)
        status = clr_keras_cell_put(k->graph, node, suffix,
                                    &(clr_keras_cell){w.kernel, w.recurrent, w.bias, w.two_biases});
    clr_keras_cell_free(&w);
    return status;
}

/* --- values ----------------------------------------------------------------------------------- */

/* A part of a value's axis. */
clrnn_status clr_keras_cut(clr_keras *k, const char *value, uint32_t axis, int64_t begin,
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

/* What has one row for each of x, as [rows,H]. */
static clrnn_status flatten(clr_keras *k, const char *value, int64_t rows, uint32_t H,
                            const char *suffix, clr_keras_value *out)
{
    const clrnn_node_desc flat = {.kind = CLRNN_NODE_RESHAPE, .rank = 2, .shape = {rows, H}};
    return clr_keras_add(k, &flat, suffix, value, out);
}

clrnn_status clr_keras_take_state(clr_keras *k, const char *state, int64_t rows,
                                  const clrnn_network_desc *n, uint32_t direction,
                                  const char *suffix, clr_keras_value *out)
{
    char value[CLR_KERAS_NAME + 8], first[32];
    clr_keras_value part;
    clrnn_status status = CLRNN_OK;
    snprintf(value, sizeof value, "%s.%s", k->node, state);
    snprintf(first, sizeof first, "%s.part", suffix);
    if (n->bidirectional)
        status = clr_keras_cut(k, value, 0, direction, direction + 1, 1, first, &part);
    return status == CLRNN_OK
               ? flatten(k, n->bidirectional ? part.name : value, rows, n->hidden_size, suffix, out)
               : status;
}

/* x as training reads it; both directions have the same of it, where Keras draws two masks. */
static clrnn_status drop_inputs(clr_keras *k, const clr_keras_form *f, clr_keras_value *x)
{
    const clrnn_node_desc drop = {
        .kind = CLRNN_NODE_DROPOUT, .probability = f->dropout, .variational = true};
    return f->dropout > 0 ? clr_keras_add(k, &drop, ".dropout", x->name, x) : CLRNN_OK;
}

clrnn_status clr_keras_enter(clr_keras *k, const clr_keras_form *f, clr_keras_steps *s)
{
    clrnn_value_info info;
    s->x = k->inputs[0];
    clrnn_status status = clr_keras_value_info(k, s->x.name, &info);
    if (status == CLRNN_OK && (info.rank != 3 || info.shape[2] <= 0 || info.shape[2] > INT32_MAX))
        status = clr_keras_wrong(k, "what it reads is not [N,T,F]");
    if (status != CLRNN_OK)
        return status;
    s->in = (uint32_t)info.shape[2];
    s->rows = info.shape[0] == CLRNN_BATCH ? CLRNN_BATCH : CLRNN_REST;
    s->whole = info.shape[1] == CLRNN_STEPS;
    s->turned = s->rows != CLRNN_BATCH && !s->whole;
    status = drop_inputs(k, f, &s->x);
    return status == CLRNN_OK && s->turned
               ? clr_keras_transpose(k, 3, (const uint32_t[]){1, 0, 2}, s->x.name, &s->x)
               : status;
}

clrnn_status clr_keras_leave(clr_keras *k, const clr_keras_steps *s, clr_keras_value *y)
{
    return s->turned ? clr_keras_transpose(k, 3, (const uint32_t[]){1, 0, 2}, y->name, y)
                     : CLRNN_OK;
}

/* --- one direction ---------------------------------------------------------------------------- */

/* Node k->node of cell i, which reads s->x and states from input `state` on (0: none). */
static clrnn_status add_cell(clr_keras *k, const clr_keras_form *f, uint32_t i, uint32_t state,
                             const clr_keras_steps *s)
{
    const clrnn_network_desc *n = &f->cells[i];
    clrnn_node_desc desc = {.kind = CLRNN_NODE_RECURRENT, .network = *n};
    const clrnn_node_desc deep = {
        .kind = CLRNN_NODE_RESHAPE, .rank = 3, .shape = {1, CLRNN_BATCH, n->hidden_size}};
    clr_keras_value states[2], y;
    clrnn_status status = CLRNN_OK;
    desc.network.reverse = f->backwards;
    desc.inputs[4] = k->mask[0] ? k->mask : NULL;
    desc.repeat = k->mask[0] && !f->zeros;
    for (uint32_t j = 0; state && j < clr_keras_states(n) && status == CLRNN_OK; j++) {
        status = clr_keras_add(k, &deep, j ? ".c0" : ".h0", k->inputs[state + j].name, &states[j]);
        desc.inputs[j + 1] = states[j].name;
    }
    return status == CLRNN_OK ? clr_keras_add(k, &desc, "", s->x.name, &y) : status;
}

/* y [N,T,H] of the first step or the last, which is not the state where that is masked. */
static clrnn_status take_step(clr_keras *k, const clr_keras_steps *s, const char *y, uint32_t H,
                              bool last, clr_keras_value *out)
{
    clr_keras_value step;
    clrnn_status status = clr_keras_cut(k, y, s->turned ? 0 : 1, last ? -1 : 0,
                                        last ? CLRNN_TO_END : 1, 1, ".step", &step);
    return status == CLRNN_OK ? flatten(k, step.name, s->rows, H, ".last", out) : status;
}

/* What the layer gives of node k->node. in_order: y stays as x is */
static clrnn_status take_y(clr_keras *k, const clr_keras_form *f, const clr_keras_steps *s,
                           bool in_order, clr_keras_value *out)
{
    const clrnn_node_desc pool = {.kind = CLRNN_NODE_POOL, .reduction = CLRNN_REDUCE_LAST};
    const clrnn_network_desc *n = &f->cells[f->count - 1];
    clr_keras_value y = {.mask = ""};
    memcpy(y.name, k->node, sizeof y.name);
    *out = y;
    if (f->sequences) {
        clrnn_status status = clr_keras_leave(k, s, out);
        return status == CLRNN_OK && f->backwards && !in_order
                   ? clr_keras_cut(k, out->name, 1, -1, CLRNN_TO_END, -1, ".turned", out)
                   : status;
    }
    if (f->backwards && !k->mask[0]) /* the last that is made is that of the first step */
        return clr_keras_take_state(k, "hn", s->rows, n, 0, ".last", out);
    if (f->backwards || !s->whole)
        return take_step(k, s, y.name, n->hidden_size, !f->backwards, out);
    return clr_keras_add(k, &pool, ".last", y.name, out);
}

clrnn_status clr_keras_one_way(clr_keras *k, const clr_keras_form *f, const char *root,
                               uint32_t first, uint32_t state, bool in_order)
{
    char node[CLR_KERAS_NAME];
    clr_keras_steps s;
    uint32_t made = 1;
    clrnn_status status = clr_keras_enter(k, f, &s);
    memcpy(node, k->node, sizeof node);
    for (uint32_t i = 0; i < f->count && status == CLRNN_OK; i++) {
        const clrnn_network_desc *n = &f->cells[i];
        if (i + 1 < f->count)
            snprintf(k->node, sizeof k->node, "%.240s.%u", node, i);
        else
            memcpy(k->node, node, sizeof node);
        status = add_cell(k, f, i, state, &s);
        if (status == CLRNN_OK)
            status = clr_keras_put_weights(k, f, i, k->node, s.in, root, first, "_l0");
        first += n->no_bias ? 2 : 3;
        state += state ? clr_keras_states(n) : 0;
        for (uint32_t j = 0; f->states && j < clr_keras_states(n) && status == CLRNN_OK; j++)
            status = made < CLR_KERAS_OUTPUTS
                         ? clr_keras_take_state(k, j ? "cn" : "hn", s.rows, n, 0, j ? ".c" : ".h",
                                                &k->outputs[made++])
                         : clr_keras_unsupported(k, "so many", "states");
        memcpy(s.x.name, k->node, sizeof s.x.name);
        s.in = n->hidden_size;
    }
    memcpy(k->node, node, sizeof node);
    k->output_count = made;
    return status == CLRNN_OK ? take_y(k, f, &s, in_order, &k->outputs[0]) : status;
}
