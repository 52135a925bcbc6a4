/* SPDX-License-Identifier: MIT
 * layer/problem.c - problem strings. */
#include <clrnn/problem.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "shape/network.h"

/* A word that a key may have as its value, and what it stands for; ends with a NULL word. */
typedef struct clr_word {
    const char *word;
    int value;
} clr_word;

static const clr_word cells[] = {
    {"lstm", CLRNN_CELL_LSTM}, {"gru", CLRNN_CELL_GRU}, {"rnn", CLRNN_CELL_RNN}, {NULL, 0}};
enum { MODE_INFER, MODE_TRAIN, MODE_STREAM };
static const clr_word modes[] = {
    {"infer", MODE_INFER}, {"train", MODE_TRAIN}, {"stream", MODE_STREAM}, {NULL, 0}};
static const clr_word storages[] = {{"f32", CLRNN_WEIGHTS_F32},
                                    {"f16", CLRNN_WEIGHTS_F16},
                                    {"bf16", CLRNN_WEIGHTS_BF16},
                                    {"int8", CLRNN_WEIGHTS_INT8},
                                    {NULL, 0}};
static const clr_word resets[] = {
    {"before", CLRNN_RESET_BEFORE}, {"after", CLRNN_RESET_AFTER}, {NULL, 0}};
static const clr_word updates[] = {
    {"replaces", CLRNN_UPDATE_REPLACES}, {"keeps", CLRNN_UPDATE_KEEPS}, {NULL, 0}};
static const clr_word acts[] = {{"tanh", CLRNN_TANH}, {"relu", CLRNN_RELU}, {NULL, 0}};
static const clr_word flags[] = {{"0", 0}, {"1", 1}, {NULL, 0}};
static const clr_word lengths[] = {{"full", 0}, {"ragged", 1}, {NULL, 0}};
static const clr_word precisions[] = {{"f32", CLRNN_F32}, {"f64", CLRNN_F64}, {NULL, 0}};
static const clr_word strategies[] = {{"auto", CLRNN_STRATEGY_AUTO},
                                      {"stepwise", CLRNN_STRATEGY_STEPWISE},
                                      {"persistent", CLRNN_STRATEGY_PERSISTENT},
                                      {"resident", CLRNN_STRATEGY_RESIDENT},
                                      {NULL, 0}};

static const clr_word gemms[] = {{"auto", CLRNN_GEMM_AUTO},
                                 {"clblast", CLRNN_GEMM_CLBLAST},
                                 {"packed", CLRNN_GEMM_PACKED},
                                 {NULL, 0}};

/* The values of a problem as plain numbers, in the order in which they are written. */
typedef struct clr_values {
    uint32_t cell, T, N, I, H, L, D, mode, weights; /* always written */
    uint32_t block, P, reset, update, act, bias, lengths, precision, strategy,
        gemm; /* if not the default */
} clr_values;

static const clr_values defaults = {
    .cell = CLRNN_CELL_LSTM, .T = 100, .N = 1, .I = 256, .H = 256, .L = 1, .D = 1, .bias = 1};

/* One row for each key: words == NULL means a number of at least `least`. */
static const struct clr_key {
    const char *name;
    size_t offset;
    const clr_word *words;
    uint32_t least;
    int always;
} keys[] = {{"cell", offsetof(clr_values, cell), cells, 0, 1},
            {"T", offsetof(clr_values, T), NULL, 1, 1},
            {"N", offsetof(clr_values, N), NULL, 1, 1},
            {"I", offsetof(clr_values, I), NULL, 1, 1},
            {"H", offsetof(clr_values, H), NULL, 1, 1},
            {"L", offsetof(clr_values, L), NULL, 1, 1},
            {"D", offsetof(clr_values, D), NULL, 1, 1},
            {"mode", offsetof(clr_values, mode), modes, 0, 1},
            {"weights", offsetof(clr_values, weights), storages, 0, 1},
            {"block", offsetof(clr_values, block), NULL, 1, 0},
            {"P", offsetof(clr_values, P), NULL, 0, 0},
            {"reset", offsetof(clr_values, reset), resets, 0, 0},
            {"update", offsetof(clr_values, update), updates, 0, 0},
            {"act", offsetof(clr_values, act), acts, 0, 0},
            {"bias", offsetof(clr_values, bias), flags, 0, 0},
            {"lengths", offsetof(clr_values, lengths), lengths, 0, 0},
            {"precision", offsetof(clr_values, precision), precisions, 0, 0},
            {"strategy", offsetof(clr_values, strategy), strategies, 0, 0},
            {"gemm", offsetof(clr_values, gemm), gemms, 0, 0}};

enum { key_count = sizeof keys / sizeof *keys };

static uint32_t *value_at(clr_values *values, const struct clr_key *key)
{
    return (uint32_t *)(void *)((char *)values + key->offset);
}

/* Append a name to a list, as far as there is room. */
static void list(char *text, size_t size, const char *name)
{
    size_t used = strlen(text);
    snprintf(text + used, size - used, "%s%s", used ? "|" : "", name);
}

static clrnn_status read_number(const struct clr_key *key, const char *text, const clrnn_log *log,
                                uint32_t *out)
{
    char *end = NULL;
    errno = 0;
    unsigned long long number = strtoull(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end)
        return clr_fail(log, CLRNN_ERR_ARGUMENT, "problem: %s=%s is not a whole number in %u..%u",
                        key->name, text, key->least, UINT32_MAX);
    if (errno || number > UINT32_MAX || number < key->least)
        return clr_fail(log, CLRNN_ERR_RANGE, "problem: %s=%s is not in %u..%u", key->name, text,
                        key->least, UINT32_MAX);
    *out = (uint32_t)number;
    return CLRNN_OK;
}

static clrnn_status read_word(const struct clr_key *key, const char *text, const clrnn_log *log,
                              uint32_t *out)
{
    const clr_word *w = key->words;
    char known[128] = "";
    while (w->word && strcmp(w->word, text) != 0)
        list(known, sizeof known, (w++)->word);
    if (!w->word)
        return clr_fail(log, CLRNN_ERR_ARGUMENT, "problem: %s=%s is unknown, must be one of %s",
                        key->name, text, known);
    *out = (uint32_t)w->value;
    return CLRNN_OK;
}

/* One "key=value". */
static clrnn_status read_pair(char *pair, const clrnn_log *log, clr_values *values)
{
    char *equals = strchr(pair, '='), known[256] = "";
    if (!equals)
        return clr_fail(log, CLRNN_ERR_ARGUMENT, "problem: \"%s\" is not KEY=VALUE", pair);
    *equals = 0;
    for (int i = 0; i < key_count; list(known, sizeof known, keys[i++].name))
        if (strcmp(keys[i].name, pair) == 0)
            return keys[i].words
                       ? read_word(&keys[i], equals + 1, log, value_at(values, &keys[i]))
                       : read_number(&keys[i], equals + 1, log, value_at(values, &keys[i]));
    return clr_fail(log, CLRNN_ERR_ARGUMENT, "problem: key %s is unknown, must be one of %s", pair,
                    known);
}

/* What goes with mode=stream; its block gets the default. */
static clrnn_status check_stream(clr_values *v, const clrnn_log *log)
{
    const uint32_t usual = 64;
    if (v->mode != MODE_STREAM)
        return v->block ? clr_fail(log, CLRNN_ERR_ARGUMENT,
                                   "problem: block=%u, but block is an option of mode=stream only",
                                   v->block)
                        : CLRNN_OK;
    if (v->D == 2 || v->lengths)
        return clr_fail(log, CLRNN_ERR_ARGUMENT, "problem: %s is impossible with mode=stream",
                        v->lengths ? "lengths=ragged" : "D=2");
    if (v->block > v->T)
        return clr_fail(log, CLRNN_ERR_RANGE, "problem: block=%u is not in 1..T, which is %u",
                        v->block, v->T);
    if (!v->block)
        v->block = v->T < usual ? v->T : usual;
    return CLRNN_OK;
}

clrnn_status clrnn_problem_parse(const char *text, const clrnn_log *log, clrnn_problem *problem)
{
    clr_values v = defaults;
    char copy[512];
    if (!text || !problem)
        return clr_fail(log, CLRNN_ERR_ARGUMENT, "clrnn_problem_parse: %s is NULL",
                        text ? "problem" : "text");
    if (strlen(text) >= sizeof copy)
        return clr_fail(log, CLRNN_ERR_RANGE, "problem: %zu characters, longer than %zu characters",
                        strlen(text), sizeof copy - 1);
    strcpy(copy, text);
    for (char *pair = copy; pair && *copy;) {
        char *comma = strchr(pair, ',');
        if (comma)
            *comma++ = 0;
        clrnn_status status = read_pair(pair, log, &v);
        if (status != CLRNN_OK)
            return status;
        pair = comma;
    }
    if (v.D > 2)
        return clr_fail(log, CLRNN_ERR_RANGE, "problem: D=%u is not 1 or 2", v.D);
    clrnn_status status = check_stream(&v, log);
    if (status != CLRNN_OK)
        return status;
    *problem = (clrnn_problem){.network = {.cell = (clrnn_cell)v.cell,
                                           .input_size = v.I,
                                           .hidden_size = v.H,
                                           .num_layers = v.L,
                                           .proj_size = v.P,
                                           .bidirectional = v.D == 2,
                                           .no_bias = !v.bias,
                                           .nonlinearity = (clrnn_nonlinearity)v.act,
                                           .gru_reset = (clrnn_gru_reset)v.reset,
                                           .gru_update = (clrnn_gru_update)v.update},
                               .steps = v.T,
                               .batch = v.N,
                               .train = v.mode == MODE_TRAIN,
                               .block = v.block,
                               .ragged = v.lengths,
                               .precision = (clrnn_precision)v.precision,
                               .strategy = (clrnn_strategy)v.strategy,
                               .gemm = (clrnn_gemm)v.gemm,
                               .weights = (clrnn_storage)v.weights};
    clr_network network;
    return clr_network_init(&problem->network, log, &network);
}

static const char *word_of(const clr_word *words, uint32_t value)
{
    while (words->word && (uint32_t)words->value != value)
        words++;
    return words->word ? words->word : "?";
}

int clrnn_problem_format(const clrnn_problem *problem, char *text, size_t size)
{
    if (!text)
        size = 0;
    if (size)
        text[0] = 0;
    if (!problem)
        return 0;
    const clrnn_network_desc *n = &problem->network;
    clr_values v = {.cell = (uint32_t)n->cell,
                    .T = problem->steps,
                    .N = problem->batch,
                    .I = n->input_size,
                    .H = n->hidden_size,
                    .L = n->num_layers ? n->num_layers : 1,
                    .D = n->bidirectional ? 2 : 1,
                    .mode = problem->train   ? MODE_TRAIN
                            : problem->block ? MODE_STREAM
                                             : MODE_INFER,
                    .block = problem->block,
                    .weights = (uint32_t)problem->weights,
                    .P = n->proj_size,
                    .reset = (uint32_t)n->gru_reset,
                    .update = (uint32_t)n->gru_update,
                    .act = (uint32_t)n->nonlinearity,
                    .bias = !n->no_bias,
                    .lengths = problem->ragged,
                    .precision = (uint32_t)problem->precision,
                    .strategy = (uint32_t)problem->strategy,
                    .gemm = (uint32_t)problem->gemm};
    clr_values usual = defaults;
    size_t at = 0;
    for (int i = 0; i < key_count; i++) {
        uint32_t value = *value_at(&v, &keys[i]);
        char number[16];
        if (!keys[i].always && value == *value_at(&usual, &keys[i]))
            continue;
        snprintf(number, sizeof number, "%u", value);
        size_t room = at < size ? size - at : 0;
        int written =
            snprintf(room ? text + at : NULL, room, "%s%s=%s", at ? "," : "", keys[i].name,
                     keys[i].words ? word_of(keys[i].words, value) : number);
        at += written > 0 ? (size_t)written : 0;
    }
    return (int)at;
}
