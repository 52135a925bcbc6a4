/* SPDX-License-Identifier: MIT
 * format/nam.c - Neural Amp Modeler's .nam: JSON with one flat array of weights. Of an LSTM for
 * each layer W [4H,I'+H] (weight_ih and weight_hh side by side, gates i f g o), bias [4H], the
 * states it begins with h [H], c [H]; then the head's weight [O,H] and bias [O].
 *
 * The graph's x is [T,N,I]; the states it begins with are constants "h0.value" and "c0.value". */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "format/numbers.h"
#include "format/state_probes.h"

typedef struct model {
    const clr_format_file *file;
    const clrnn_log *log;
    uint32_t I, H, L, O;
    double *weights; /* [count], owned */
    size_t count;
    double *rnn, *h0, *c0,
        *head; /* in our order: canonical, [L,1,H], [L,1,H], [O,H] and [O]; owned */
    size_t rnn_count;
} model;

static clrnn_status wrong(const model *m, const char *what)
{
    return clr_fail(m->log, CLRNN_ERR_FORMAT, "%s: damaged: %s", m->file->path, what);
}

static clrnn_status no_memory(const model *m)
{
    return clr_fail(m->log, CLRNN_ERR_MEMORY, "%s: no memory for its weights", m->file->path);
}

/* A size of `config`, or `otherwise` where it is not there; false if it is no size. */
static bool size_of(const cJSON *config, const char *name, uint32_t otherwise, uint32_t *size)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(config, name);
    uint64_t number = otherwise;
    if (item && !clr_json_integer(item, 1 << 20, &number))
        return false;
    *size = (uint32_t)number;
    return number > 0;
}

static clrnn_status read_config(model *m, const cJSON *root)
{
    static const char *const known[] = {"input_size",  "hidden_size",  "num_layers", "output_size",
                                        "in_channels", "out_channels", NULL};
    const cJSON *config = cJSON_GetObjectItemCaseSensitive(root, "config");
    const char *other = NULL;
    if (!cJSON_IsObject(config))
        return wrong(m, "no config");
    if (!clr_json_known(config, known, &other))
        return clr_fail(m->log, CLRNN_ERR_UNSUPPORTED, "%s: config: field %s is not supported",
                        m->file->path, clr_show(other).text);
    uint32_t in = 0, out = 0;
    if (!size_of(config, "in_channels", 1, &in) || !size_of(config, "out_channels", 1, &out) ||
        !size_of(config, "input_size", in, &m->I) || !size_of(config, "output_size", out, &m->O) ||
        !size_of(config, "hidden_size", 0, &m->H) || !size_of(config, "num_layers", 0, &m->L))
        return wrong(m, "input_size, hidden_size and num_layers of config must be sizes");
    return CLRNN_OK;
}

/* Weights of so many layers of that size, or more than the file can hold. */
static uint64_t expected_count(const model *m)
{
    uint64_t total = (uint64_t)m->O * (m->H + 1);
    for (uint32_t l = 0; l < m->L && total <= m->file->bytes; l++)
        total += 4 * (uint64_t)m->H * ((l ? m->H : m->I) + m->H + 1) + 2 * (uint64_t)m->H;
    return total;
}

static clrnn_status read_weights(model *m, const cJSON *root)
{
    const cJSON *array = cJSON_GetObjectItemCaseSensitive(root, "weights");
    const uint64_t expected = expected_count(m);
    const uint64_t count = (uint64_t)cJSON_GetArraySize(array);
    if (!cJSON_IsArray(array) || count != expected)
        return clr_fail(m->log, CLRNN_ERR_FORMAT,
                        "%s: it has %llu weights, but an LSTM of %u layers of %u units needs %llu",
                        m->file->path, (unsigned long long)count, m->L, m->H,
                        (unsigned long long)expected);
    m->count = (size_t)count;
    m->weights = clr_calloc(m->count, sizeof *m->weights);
    if (!m->weights)
        return no_memory(m);
    return clr_json_numbers(array, 1, &count, m->weights) ? CLRNN_OK
                                                          : wrong(m, "a weight that is no number");
}

/* Take the flat array apart. */
static clrnn_status order_weights(model *m)
{
    const size_t H = m->H, L = m->L;
    m->rnn = clr_calloc(m->count, sizeof *m->rnn);
    m->h0 = clr_calloc(L * H, sizeof *m->h0);
    m->c0 = clr_calloc(L * H, sizeof *m->c0);
    if (!m->rnn || !m->h0 || !m->c0)
        return no_memory(m);
    const double *from = m->weights;
    double *to = m->rnn;
    for (size_t l = 0; l < L; l++) {
        const size_t I = l ? H : m->I;
        for (size_t r = 0; r < 4 * H; r++) {
            memcpy(to + r * I, from + r * (I + H), I * sizeof *to);
            memcpy(to + 4 * H * I + r * H, from + r * (I + H) + I, H * sizeof *to);
        }
        from += 4 * H * (I + H);
        to += 4 * H * (I + H);
        memcpy(to, from, 4 * H * sizeof *to);
        from += 4 * H;
        to += 4 * H;
        memcpy(m->h0 + l * H, from, H * sizeof *from);
        memcpy(m->c0 + l * H, from + H, H * sizeof *from);
        from += 2 * H;
    }
    m->rnn_count = (size_t)(to - m->rnn);
    m->head = m->weights + (from - m->weights);
    return CLRNN_OK;
}

static clrnn_status add_nodes(const model *m, clrnn_graph *graph)
{
    const clrnn_graph_input_desc x = {
        .name = "x", .rank = 3, .shape = {CLRNN_STEPS, CLRNN_BATCH, m->I}};
    const int64_t LNH[] = {m->L, CLRNN_BATCH, m->H};
    clrnn_node_desc states[] = {
        {.kind = CLRNN_NODE_CONSTANT, .name = "h0", .data = m->h0, .trainable = true},
        {.kind = CLRNN_NODE_EXPAND, .name = "h0.rows", .inputs = {"h0"}},
        {.kind = CLRNN_NODE_CONSTANT, .name = "c0", .data = m->c0, .trainable = true},
        {.kind = CLRNN_NODE_EXPAND, .name = "c0.rows", .inputs = {"c0"}}};
    const clrnn_node_desc rnn = {
        .kind = CLRNN_NODE_RECURRENT,
        .name = "rnn",
        .inputs = {"x", "h0.rows", "c0.rows"},
        .network = {.hidden_size = m->H, .num_layers = m->L, .single_bias = true}};
    const clrnn_node_desc head = {.kind = CLRNN_NODE_DENSE, .name = "head", .units = m->O};
    clrnn_status status = clrnn_graph_input(graph, &x);
    for (int i = 0; i < 4 && status == CLRNN_OK; i++) {
        states[i].rank = 3;
        memcpy(states[i].shape, LNH, sizeof LNH);
        if (states[i].kind == CLRNN_NODE_CONSTANT)
            states[i].shape[1] = 1;
        status = clrnn_graph_add(graph, &states[i], NULL);
    }
    if (status == CLRNN_OK)
        status = clrnn_graph_add(graph, &rnn, NULL);
    if (status == CLRNN_OK)
        status = clrnn_graph_add(graph, &head, NULL);
    return status == CLRNN_OK ? clrnn_graph_output(graph, "y", NULL) : status;
}

/* The weights of the node "rnn" stand one behind the other, as in m->rnn. */
static clrnn_status fill(const model *m, clrnn_graph *graph)
{
    clrnn_graph_parameter p;
    const double *from = m->rnn;
    const size_t H = m->H, O = m->O;
    clrnn_status status = CLRNN_OK;
    for (size_t i = 0; status == CLRNN_OK && clrnn_graph_parameter_at(graph, i, &p); i++)
        if (strncmp(p.name, "rnn.", 4) == 0) {
            status = clrnn_graph_set_parameter(graph, p.name, from, p.count);
            from += p.count;
        }
    if (status == CLRNN_OK)
        status = clrnn_graph_set_parameter(graph, "head.weight", m->head, O * H);
    return status == CLRNN_OK ? clrnn_graph_set_parameter(graph, "head.bias", m->head + O * H, O)
                              : status;
}

static clrnn_status read_model(model *m, const cJSON *root, clrnn_precision precision,
                               clrnn_graph **graph)
{
    static const char *const known[] = {
        "version", "metadata", "architecture", "config", "weights", "sample_rate", NULL};
    const char *kind = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(root, "architecture"));
    const char *other = NULL;
    if (!kind || strcmp(kind, "LSTM") != 0)
        return clr_fail(m->log, CLRNN_ERR_UNSUPPORTED,
                        "%s: its architecture %s is not supported, only LSTM", m->file->path,
                        kind ? clr_show(kind).text : "(none)");
    if (!clr_json_known(root, known, &other))
        return clr_fail(m->log, CLRNN_ERR_UNSUPPORTED, "%s: field %s is not supported",
                        m->file->path, clr_show(other).text);
    clrnn_status status = read_config(m, root);
    if (status == CLRNN_OK)
        status = read_weights(m, root);
    if (status == CLRNN_OK)
        status = order_weights(m);
    if (status == CLRNN_OK)
        status = clrnn_graph_create(m->log, &(clrnn_graph_desc){.precision = precision}, graph);
    if (status == CLRNN_OK)
        status = add_nodes(m, *graph);
    return status == CLRNN_OK ? fill(m, *graph) : status;
}

static clrnn_status read(const clr_format_file *file, const clrnn_import_desc *desc,
                         const clrnn_log *log, clrnn_graph **graph)
{
    model m = {.file = file, .log = log};
    cJSON *root = NULL;
    clrnn_status status = clr_json_file(file, log, &root);
    if (status == CLRNN_OK)
        status = read_model(&m, root, desc->precision, graph);
    if (status == CLRNN_OK)
        status = clrnn_graph_set_sample_rate(*graph, clr_json_sample_rate(root));
    cJSON_Delete(root);
    free(m.weights);
    free(m.rnn);
    free(m.h0);
    free(m.c0);
    return status == CLRNN_ERR_ARGUMENT || status == CLRNN_ERR_RANGE ? CLRNN_ERR_FORMAT : status;
}

const clr_format clr_format_nam = {.name = "nam",
                                   .summary = "Neural Amp Modeler, LSTM",
                                   .endings = {".nam"},
                                   .probe = clr_nam_probe,
                                   .read = read};
