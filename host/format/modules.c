/* SPDX-License-Identifier: MIT
 * format/modules.c - see format/modules.h. */
#include "format/modules.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "model/tensors.h"
#include "shape/cell.h"

enum { MOST_LAYERS = 1001, MOST_NAME = 1024 };

typedef struct finder {
    const clrnn_tensors *set;
    const char *prefix, *file;
    const clrnn_log *log;
    clr_modules *found;
} finder;

/* --- tensors of a module ---------------------------------------------------------------------- */

static const clrnn_tensor *find(const finder *f, const clr_module *m, const char *leaf)
{
    char name[MOST_NAME];
    const int put =
        snprintf(name, sizeof name, "%s%s%s%s", f->prefix, m->path, *m->path ? "." : "", leaf);
    return put >= 0 && (size_t)put < sizeof name ? clrnn_tensors_find(f->set, name) : NULL;
}

static bool has(const finder *f, const clr_module *m, const char *leaf)
{
    return find(f, m, leaf) != NULL;
}

static bool is_shape(const clrnn_tensor *t, uint64_t rows, uint64_t columns)
{
    return t && t->rank == (columns ? 2u : 1u) && t->shape[0] == rows &&
           (!columns || t->shape[1] == columns);
}

static bool fits_u32(uint64_t size)
{
    return size > 0 && size <= INT32_MAX;
}

/* --- recurrent -------------------------------------------------------------------------------- */

static clrnn_status contradicts(const finder *f, const clr_module *m, const clrnn_tensor *t)
{
    return clr_fail(f->log, CLRNN_ERR_FORMAT,
                    "%s: module \"%s\": %s %s is of no RNN, LSTM or GRU with the other tensors",
                    f->file, clr_show(m->path).text, clr_show(t->name).text,
                    clr_show_shape(t->rank, t->shape).text);
}

static int cell_of(uint64_t rows, uint64_t hidden)
{
    for (int i = 0; i < CLR_CELL_COUNT; i++)
        if (hidden > 0 && rows == clr_cell_of((clrnn_cell)i)->info.gates * hidden)
            return i;
    return -1;
}

static uint32_t count_layers(const finder *f, const clr_module *m)
{
    char leaf[40];
    uint32_t layers = 0;
    do
        snprintf(leaf, sizeof leaf, "weight_hh_l%u", ++layers);
    while (layers < MOST_LAYERS && has(f, m, leaf));
    return layers;
}

/* What a tensor tells, and else what PyTorch has. */
static void take_options(const finder *f, clr_module *m, const char *end)
{
    clrnn_network_desc *n = &m->desc.network;
    for (size_t i = 0; i < CLR_OPTIONS; i++) {
        const clr_cell_option *o = &clr_options[i];
        char leaf[48];
        snprintf(leaf, sizeof leaf, "%s%s", o->tensor ? o->tensor : "", end);
        if (clr_cell_has(clr_cell_of(n->cell), o) && o->kind == CLR_OPTION_WORD)
            clr_option_set(n, o, o->tensor ? has(f, m, leaf) : o->imported);
    }
}

/* end: "_l0" of a layer, "" of a cell, which is a layer whose steps somebody else has walked. */
static clrnn_status take_recurrent(const finder *f, clr_module *m, const char *end)
{
    char leaf[4][32];
    static const char *const names[] = {"weight_ih", "weight_hh", "weight_hr", "bias_ih"};
    const clrnn_tensor *t[4];
    for (int i = 0; i < 4; i++) {
        snprintf(leaf[i], sizeof leaf[i], "%s%s", names[i], end);
        t[i] = find(f, m, leaf[i]);
    }
    clrnn_network_desc *n = &m->desc.network;
    const uint64_t hidden = t[2] && t[2]->rank == 2 ? t[2]->shape[1] : t[1]->shape[1];
    const int cell = t[1]->rank == 2 ? cell_of(t[1]->shape[0], hidden) : -1;
    if (cell < 0 || !fits_u32(hidden) || (t[2] && !is_shape(t[2], t[1]->shape[1], hidden)))
        return contradicts(f, m, t[1]);
    if (t[0]->rank != 2 || t[0]->shape[0] != t[1]->shape[0] || !fits_u32(t[0]->shape[1]))
        return contradicts(f, m, t[0]);
    *n = (clrnn_network_desc){.cell = (clrnn_cell)cell,
                              .hidden_size = (uint32_t)hidden,
                              .input_size = (uint32_t)t[0]->shape[1],
                              .num_layers = *end ? count_layers(f, m) : 1,
                              .proj_size = t[2] ? (uint32_t)t[2]->shape[0] : 0,
                              .bidirectional = has(f, m, "weight_hh_l0_reverse"),
                              .no_bias = !t[3]};
    take_options(f, m, end);
    m->is = CLR_IS_RECURRENT;
    m->desc.kind = CLRNN_NODE_RECURRENT;
    m->in = n->input_size;
    m->out = (uint64_t)(n->proj_size ? n->proj_size : n->hidden_size) * (n->bidirectional ? 2 : 1);
    return CLRNN_OK;
}

/* --- others ----------------------------------------------------------------------------------- */

static void take_norm(const finder *f, clr_module *m, const clrnn_tensor *size, bool batch)
{
    const clrnn_tensor *weight = find(f, m, "weight"), *bias = find(f, m, "bias");
    if (size->rank != 1 || !weight != !bias || (weight && !is_shape(weight, size->shape[0], 0)) ||
        (bias && !is_shape(bias, size->shape[0], 0)))
        return;
    m->is = CLR_IS_NORM;
    m->in = m->out = size->shape[0];
    m->desc.kind = batch ? CLRNN_NODE_BATCH_NORM : CLRNN_NODE_LAYER_NORM;
    m->desc.axis = batch ? -1 : 0;
    m->desc.no_bias = !weight;
}

/* Whether the last part of a path has a word, also with a capital. */
static bool is_called(const char *path, const char *word)
{
    const char *dot = strrchr(path, '.');
    for (const char *p = dot ? dot : path; *p; p++)
        if (strncmp(p, word, strlen(word)) == 0 ||
            (*p == word[0] - 'a' + 'A' && strncmp(p + 1, word + 1, strlen(word) - 1) == 0))
            return true;
    return false;
}

/* One tensor alone: a norm without bias has that, too, but of more than one number. */
static void take_slope(clr_module *m, const clrnn_tensor *weight)
{
    if (weight->count != 1 && !is_called(m->path, "prelu") && !is_called(m->path, "act"))
        return;
    m->is = CLR_IS_SLOPE;
    m->desc.kind = CLRNN_NODE_CONSTANT;
    m->in = m->out = weight->count == 1 ? 0 : weight->count;
}

/* As pytorch-crf and AllenNLP name it. */
static bool is_crf(const finder *f, const clr_module *m)
{
    const clrnn_tensor *t = find(f, m, "transitions");
    return *m->path && t && t->rank == 2 && t->shape[0] == t->shape[1];
}

static void take_matrix(const finder *f, clr_module *m, const clrnn_tensor *weight)
{
    const clrnn_tensor *bias = find(f, m, "bias");
    const uint64_t rows = weight->shape[0], columns = weight->shape[1];
    if (!fits_u32(rows) || !fits_u32(columns) || (bias && !is_shape(bias, rows, 0)))
        return;
    m->is = bias ? CLR_IS_DENSE : CLR_IS_DENSE | CLR_IS_EMBEDDING;
    if (!bias && is_called(m->path, "emb"))
        m->is = CLR_IS_EMBEDDING;
    m->rows = rows;
    m->in = columns;
    m->out = m->is == CLR_IS_EMBEDDING ? columns : rows;
    if (m->is == CLR_IS_EMBEDDING)
        m->desc = (clrnn_node_desc){
            .kind = CLRNN_NODE_EMBEDDING, .vocabulary = (uint32_t)rows, .units = (uint32_t)columns};
    else
        m->desc =
            (clrnn_node_desc){.kind = CLRNN_NODE_DENSE, .units = (uint32_t)rows, .no_bias = !bias};
}

/* Over one axis or two. A bias for each number of the second axis tells a transposed one. */
static void take_conv(const finder *f, clr_module *m, const clrnn_tensor *weight)
{
    const clrnn_tensor *bias = find(f, m, "bias");
    const bool two = weight->rank == 4;
    for (uint32_t i = 0; i < weight->rank; i++)
        if (!fits_u32(weight->shape[i]))
            return;
    const bool turned = bias && !is_shape(bias, weight->shape[0], 0);
    if (turned && !is_shape(bias, weight->shape[1], 0))
        return;
    m->is = CLR_IS_CONV;
    m->in = weight->shape[!turned];
    m->out = weight->shape[turned];
    m->desc = (clrnn_node_desc){
        .kind = turned ? (two ? CLRNN_NODE_CONV_TRANSPOSE2D : CLRNN_NODE_CONV_TRANSPOSE1D)
                       : (two ? CLRNN_NODE_CONV2D : CLRNN_NODE_CONV1D),
        .units = (uint32_t)m->out,
        .kernel = {(uint32_t)weight->shape[2], two ? (uint32_t)weight->shape[3] : 0},
        .stride = {1, two},
        .dilation = {1, two},
        .groups = 1,
        .no_bias = !bias};
}

static clrnn_status recognise(const finder *f, clr_module *m)
{
    const clrnn_tensor *weight = find(f, m, "weight"), *mean = find(f, m, "running_mean");
    m->is = CLR_IS_UNKNOWN;
    m->desc.kind = CLRNN_NODE_KINDS;
    if (has(f, m, "weight_ih_l0") && has(f, m, "weight_hh_l0"))
        return take_recurrent(f, m, "_l0");
    if (has(f, m, "weight_ih") && has(f, m, "weight_hh"))
        return take_recurrent(f, m, "");
    if (mean && is_shape(find(f, m, "running_var"), mean->shape[0], 0))
        take_norm(f, m, mean, true);
    else if (weight && weight->rank == 1 && has(f, m, "bias"))
        take_norm(f, m, weight, false);
    else if (weight && weight->rank == 1)
        take_slope(m, weight);
    else if (is_crf(f, m))
        m->is = CLR_IS_CRF;
    else if (weight && weight->rank == 2)
        take_matrix(f, m, weight);
    else if (weight && (weight->rank == 3 || weight->rank == 4))
        take_conv(f, m, weight);
    return CLRNN_OK;
}

/* --- all -------------------------------------------------------------------------------------- */

/* The module of a path that has `length` bytes, or a new one. */
static clrnn_status add(const finder *f, const clrnn_tensor *t, const char *path, size_t length)
{
    clr_modules *all = f->found;
    for (uint32_t i = 0; i < all->count; i++)
        if (strlen(all->list[i].path) == length && memcmp(all->list[i].path, path, length) == 0)
            return CLRNN_OK;
    if (all->count == CLR_MOST_MODULES)
        return clr_fail(f->log, CLRNN_ERR_FORMAT, "%s: more than %d modules", f->file,
                        CLR_MOST_MODULES);
    const char *copy = clr_arena_copy(&all->arena, path, length);
    if (!copy)
        return clr_fail(f->log, CLRNN_ERR_MEMORY, "%s: no memory for its modules", f->file);
    all->list[all->count++] = (clr_module){.path = copy, .shown = t};
    return CLRNN_OK;
}

clrnn_status clr_modules_find(const clrnn_tensors *set, const char *prefix, const char *file,
                              const clrnn_log *log, clr_modules *modules)
{
    const finder f = {set, prefix ? prefix : "", file, log, modules};
    const size_t skipped = strlen(f.prefix);
    clrnn_status status = CLRNN_OK;
    *modules = (clr_modules){.arena = {.most = (size_t)16 << 20}};
    modules->list = clr_arena_get(&modules->arena, CLR_MOST_MODULES * sizeof *modules->list);
    if (!modules->list)
        return clr_fail(log, CLRNN_ERR_MEMORY, "%s: no memory for its modules", file);
    for (size_t i = 0; i < set->count && status == CLRNN_OK; i++) {
        const char *name = set->tensors[i]->name;
        if (strncmp(name, f.prefix, skipped) != 0 || strcmp(name + skipped, "n_averaged") == 0)
            continue; /* that one counts, as of an AveragedModel */
        const char *dot = strrchr(name + skipped, '.');
        status =
            add(&f, set->tensors[i], name + skipped, dot ? (size_t)(dot - (name + skipped)) : 0);
    }
    if (status == CLRNN_OK && modules->count == 0)
        status = clr_fail(log, CLRNN_ERR_FORMAT, "%s: no tensors%s%s", file,
                          *f.prefix ? " whose names begin with " : "", clr_show(f.prefix).text);
    for (uint32_t i = 0; i < modules->count && status == CLRNN_OK; i++)
        status = recognise(&f, &modules->list[i]);
    return status;
}
