/* SPDX-License-Identifier: MIT
 * layer/problem.c - problem strings. */
#include <clrnn/problem.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "shape/network.h"

/* The values of a key that has words, counted from 0; ended by NULL. */
typedef const char *const *clr_words;

#define WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})
enum { MODE_INFER, MODE_TRAIN, MODE_STREAM };

/* The values of a problem as plain numbers. */
typedef struct clr_values {
    uint32_t cell, T, N, I, H, L, D, mode, weights; /* always written */
    uint32_t block, option[CLR_OPTIONS], bias, reverse, merge, lengths, mask, resets, precision,
        strategy, gemm;         /* if not the default */
    clrnn_network_desc network; /* options that are numbers or functions */
} clr_values;

static const clr_values defaults = {
    .T = 100, .N = 1, .I = 256, .H = 256, .L = 1, .D = 1, .bias = 1};

/* One row for each key: words == NULL means a number of at least `least`. */
typedef struct clr_key {
    const char *name;
    size_t offset;
    clr_words words;
    uint32_t least;
    bool always;
    const clr_cell_option *option; /* a number or function; else NULL */
} clr_key;

#define AT(name) offsetof(clr_values, name)

/* In the order in which they are written, but that the options of cells come after the first
 * `before_options`. */
static const clr_key fixed_keys[] = {
    {"cell", AT(cell), clr_cell_names, 0, true, NULL},
    {"T", AT(T), NULL, 1, true, NULL},
    {"N", AT(N), NULL, 1, true, NULL},
    {"I", AT(I), NULL, 1, true, NULL},
    {"H", AT(H), NULL, 1, true, NULL},
    {"L", AT(L), NULL, 1, true, NULL},
    {"D", AT(D), NULL, 1, true, NULL},
    {"mode", AT(mode), WORDS("infer", "train", "stream"), 0, true, NULL},
    {"weights", AT(weights), WORDS("f32", "f16", "bf16", "int8"), 0, true, NULL},
    {"block", AT(block), NULL, 1, false, NULL},
    {"bias", AT(bias), WORDS("0", "1", "one"), 0, false, NULL},
    {"reverse", AT(reverse), WORDS("0", "1"), 0, false, NULL},
    {"merge", AT(merge), WORDS("concat", "sum"), 0, false, NULL},
    {"lengths", AT(lengths), WORDS("full", "ragged"), 0, false, NULL},
    {"mask", AT(mask), WORDS("none", "zero", "repeat"), 0, false, NULL},
    {"resets", AT(resets), WORDS("0", "1"), 0, false, NULL},
    {"precision", AT(precision), WORDS("f32", "f64"), 0, false, NULL},
    {"strategy", AT(strategy), WORDS("auto", "stepwise", "persistent", "resident", "fused"), 0,
     false, NULL},
    {"gemm", AT(gemm), WORDS("auto", "clblast", "packed"), 0, false, NULL}};

enum { before_options = 10, key_count = sizeof fixed_keys / sizeof *fixed_keys + CLR_OPTIONS };

static clr_key key_at(int i)
{
    if (i < before_options)
        return fixed_keys[i];
    if (i >= before_options + CLR_OPTIONS)
        return fixed_keys[i - CLR_OPTIONS];
    const clr_cell_option *option = &clr_options[i - before_options];
    bool other = option->kind == CLR_OPTION_NUMBER || option->kind == CLR_OPTION_FUNCTION;
    return (clr_key){.name = option->key,
                     .offset = AT(option[i - before_options]),
                     .words = option->words,
                     .option = other ? option : NULL};
}

static uint32_t *value_at(clr_values *values, const clr_key *key)
{
    return (uint32_t *)(void *)((char *)values + key->offset);
}

/* Append a name to a list, as far as there is room. */
static void list(char *text, size_t size, const char *name)
{
    size_t used = strlen(text);
    snprintf(text + used, size - used, "%s%s", used ? "|" : "", name);
}

static clrnn_status read_number(const clr_key *key, const char *text, const clrnn_log *log,
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

static clrnn_status read_word(const clr_key *key, const char *text, const clrnn_log *log,
                              uint32_t *out)
{
    uint32_t value = 0;
    char known[128] = "";
    while (key->words[value] && strcmp(key->words[value], text) != 0)
        list(known, sizeof known, key->words[value++]);
    if (!key->words[value])
        return clr_fail(log, CLRNN_ERR_ARGUMENT, "problem: %s=%s is unknown, must be one of %s",
                        key->name, text, known);
    *out = value;
    return CLRNN_OK;
}

static clrnn_status read_option(const clr_key *key, const char *text, const clrnn_log *log,
                                clr_values *values)
{
    char known[256] = "";
    if (clr_option_read(&values->network, key->option, text))
        return CLRNN_OK;
    if (key->option->kind == CLR_OPTION_NUMBER)
        return clr_fail(log, CLRNN_ERR_ARGUMENT, "problem: %s=%s is not a number from 0 on%s",
                        key->name, text, key->option->below > 0 ? " and below 1" : "");
    for (size_t f = 0; clr_option_function(f); f++)
        list(known, sizeof known, clr_option_function(f));
    return clr_fail(log, CLRNN_ERR_ARGUMENT,
                    "problem: %s=%s is no function, must be one of %s, or with FUNCTION:ALPHA or "
                    "FUNCTION:ALPHA:BETA the numbers that it has",
                    key->name, text, known);
}

static clrnn_status read_value(const clr_key *key, const char *text, const clrnn_log *log,
                               clr_values *values)
{
    if (key->option)
        return read_option(key, text, log, values);
    return key->words ? read_word(key, text, log, value_at(values, key))
                      : read_number(key, text, log, value_at(values, key));
}

/* One "key=value". */
static clrnn_status read_pair(char *pair, const clrnn_log *log, clr_values *values)
{
    char *equals = strchr(pair, '='), known[400] = "";
    if (!equals)
        return clr_fail(log, CLRNN_ERR_ARGUMENT, "problem: \"%s\" is not KEY=VALUE", pair);
    *equals = 0;
    for (int i = 0; i < key_count; i++) {
        const clr_key key = key_at(i);
        if (strcmp(key.name, pair) == 0)
            return read_value(&key, equals + 1, log, values);
        list(known, sizeof known, key.name);
    }
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
    const char *impossible = v->lengths   ? "lengths=ragged"
                             : v->D == 2  ? "D=2"
                             : v->reverse ? "reverse=1"
                             : v->mask    ? "mask"
                             : v->resets  ? "resets=1"
                                          : NULL;
    if (impossible)
        return clr_fail(log, CLRNN_ERR_ARGUMENT, "problem: %s is impossible with mode=stream",
                        impossible);
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
    v.network.cell = (clrnn_cell)v.cell;
    v.network.input_size = v.I;
    v.network.hidden_size = v.H;
    v.network.num_layers = v.L;
    v.network.bidirectional = v.D == 2;
    v.network.no_bias = !v.bias;
    v.network.single_bias = v.bias == 2;
    v.network.reverse = v.reverse;
    v.network.merge = (clrnn_merge)v.merge;
    for (size_t i = 0; i < CLR_OPTIONS; i++)
        if (!key_at(before_options + (int)i).option)
            clr_option_set(&v.network, &clr_options[i], v.option[i]);
    *problem = (clrnn_problem){.network = v.network,
                               .steps = v.T,
                               .batch = v.N,
                               .train = v.mode == MODE_TRAIN,
                               .block = v.block,
                               .ragged = v.lengths,
                               .mask = v.mask,
                               .resets = v.resets,
                               .precision = (clrnn_precision)v.precision,
                               .strategy = (clrnn_strategy)v.strategy,
                               .gemm = (clrnn_gemm)v.gemm,
                               .weights = (clrnn_storage)v.weights};
    clr_network network;
    return clr_network_init(&problem->network, log, &network);
}

/* A number that stands for no word is "?". */
static void write_value(const clr_key *key, uint32_t value, char *text, size_t size)
{
    uint32_t words = 0;
    while (key->words && key->words[words])
        words++;
    if (key->words)
        snprintf(text, size, "%s", value < words ? key->words[value] : "?");
    else
        snprintf(text, size, "%u", value);
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
                    .bias = n->no_bias       ? 0
                            : n->single_bias ? 2
                                             : 1,
                    .reverse = n->reverse,
                    .merge = (uint32_t)n->merge,
                    .mask = problem->mask,
                    .resets = problem->resets,
                    .lengths = problem->ragged,
                    .precision = (uint32_t)problem->precision,
                    .strategy = (uint32_t)problem->strategy,
                    .gemm = (uint32_t)problem->gemm};
    clr_values usual = defaults;
    size_t at = 0;
    for (size_t i = 0; i < CLR_OPTIONS; i++)
        v.option[i] = clr_option_get(n, &clr_options[i]);
    for (int i = 0; i < key_count; i++) {
        const clr_key key = key_at(i);
        uint32_t value = *value_at(&v, &key);
        char word[CLR_OPTION_ROOM];
        if (!key.always && value == *value_at(&usual, &key))
            continue;
        if (key.option)
            clr_option_write(n, key.option, word);
        else
            write_value(&key, value, word, sizeof word);
        size_t room = at < size ? size - at : 0;
        int written =
            snprintf(room ? text + at : NULL, room, "%s%s=%s", at ? "," : "", key.name, word);
        at += written > 0 ? (size_t)written : 0;
    }
    return (int)at;
}
