/* SPDX-License-Identifier: MIT
 * sample.c - `clrnn sample`: text from a character model, one symbol at a time. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tool.h"

#define CHUNK 64 /* symbols of the prompt that are fed in one call */

/* A model that is being sampled; h and c are carried from call to call. */
typedef struct sampler {
    clrnn_model *model;
    const uint8_t *bytes; /* the text of each symbol, [V] */
    uint32_t symbols;     /* V */
    bool has_cell_state;
    float *h, *c; /* [L,1,R], [L,1,H] */
    float *h_next, *c_next;
    float *logits;  /* [CHUNK,1,V], the last row of the last call first */
    double *weight; /* [V] */
    uint64_t random;
} sampler;

/* Which symbol stands for a byte, or -1. */
static int32_t symbol_of(const sampler *s, uint8_t byte)
{
    const uint8_t *found = memchr(s->bytes, byte, s->symbols);
    return found ? (int32_t)(found - s->bytes) : -1;
}

static void swap(float **a, float **b)
{
    float *keep = *a;
    *a = *b;
    *b = keep;
}

/* Feed `count` symbols, at most CHUNK; leaves the logits of the last one in s->logits. */
static int feed(sampler *s, const int32_t *ids, uint32_t count)
{
    clrnn_model_io io = {.steps = count,
                         .batch = 1,
                         .ids = ids,
                         .h0 = s->h,
                         .c0 = s->has_cell_state ? s->c : NULL,
                         .hn = s->h_next,
                         .cn = s->has_cell_state ? s->c_next : NULL,
                         .logits = s->logits};
    clrnn_status status = clrnn_model_forward(s->model, &io);
    if (status)
        return tool_failed(status);
    memmove(s->logits, s->logits + (size_t)(count - 1) * s->symbols,
            s->symbols * sizeof *s->logits);
    swap(&s->h, &s->h_next);
    swap(&s->c, &s->c_next);
    return TOOL_OK;
}

static int not_in_vocabulary(const char *prompt, size_t at)
{
    uint8_t byte = (uint8_t)prompt[at];
    char shown[8] = "";
    if (byte > 32 && byte < 127)
        snprintf(shown, sizeof shown, " '%c'", byte);
    return tool_error(
        "sample: --prompt: byte 0x%02x%s at %zu is not in the model's vocabulary; use "
        "characters of its training text",
        byte, shown, at);
}

/* Feed and print the prompt; without one a newline (else the first symbol) is fed, not printed. */
static int feed_prompt(sampler *s, const char *prompt)
{
    int32_t ids[CHUNK] = {symbol_of(s, '\n')};
    size_t length = strlen(prompt);
    for (size_t i = 0; i < length; i++)
        if (symbol_of(s, (uint8_t)prompt[i]) < 0)
            return not_in_vocabulary(prompt, i);
    if (length == 0) {
        ids[0] = ids[0] < 0 ? 0 : ids[0];
        return feed(s, ids, 1);
    }
    int code = TOOL_OK;
    for (size_t at = 0; at < length && !code; at += CHUNK) {
        size_t count = length - at < CHUNK ? length - at : CHUNK;
        for (size_t i = 0; i < count; i++)
            ids[i] = symbol_of(s, (uint8_t)prompt[at + i]);
        code = feed(s, ids, (uint32_t)count);
    }
    if (!code)
        fputs(prompt, stdout);
    return code;
}

/* Draw from softmax(logits / temperature); temperature 0 takes the largest. -1 if not finite. */
static int32_t draw(sampler *s, double temperature)
{
    uint32_t best = 0;
    for (uint32_t v = 0; v < s->symbols; v++) {
        if (!isfinite(s->logits[v]))
            return -1;
        if (s->logits[v] > s->logits[best])
            best = v;
    }
    if (temperature <= 0)
        return (int32_t)best;
    double sum = 0;
    for (uint32_t v = 0; v < s->symbols; v++) {
        s->weight[v] = exp(((double)s->logits[v] - s->logits[best]) / temperature);
        sum += s->weight[v];
    }
    double left = tool_random(&s->random) * sum;
    for (uint32_t v = 0; v < s->symbols; v++) {
        left -= s->weight[v];
        if (left < 0)
            return (int32_t)v;
    }
    return (int32_t)best; /* rounding used up the sum */
}

static int generate(sampler *s, uint64_t length, double temperature)
{
    int code = TOOL_OK;
    for (uint64_t i = 0; i < length && !code; i++) {
        int32_t symbol = draw(s, temperature);
        if (symbol < 0) {
            fputc('\n', stdout);
            return tool_error("sample: the model's output is not finite; train it anew with a "
                              "lower --lr or with --clip");
        }
        fputc(s->bytes[symbol], stdout);
        fflush(stdout);
        if (i + 1 < length)
            code = feed(s, &symbol, 1);
    }
    fputc('\n', stdout);
    return code;
}

static int check_model(const clrnn_model_desc *desc, const char *path)
{
    if (desc->input == CLRNN_INPUT_DENSE || !desc->vocabulary)
        return tool_error("sample: %s: not a character model: it has no vocabulary; clrnn train "
                          "makes one",
                          path);
    if (desc->output_size != desc->vocabulary_size)
        return tool_error("sample: %s: the head has %u outputs, but the vocabulary %u symbols",
                          path, desc->output_size, desc->vocabulary_size);
    if (desc->network.bidirectional)
        return tool_error("sample: %s: a bidirectional model cannot be sampled, it needs the "
                          "text's end",
                          path);
    return TOOL_OK;
}

static int prepare(sampler *s, const clrnn_model_desc *desc)
{
    const clrnn_network_desc *network = &desc->network;
    size_t width = network->proj_size ? network->proj_size : network->hidden_size;
    s->bytes = desc->vocabulary;
    s->symbols = desc->vocabulary_size;
    s->has_cell_state = clrnn_cell_get_info(network->cell)->has_cell_state;
    s->h = calloc(network->num_layers * width, sizeof *s->h);
    s->h_next = calloc(network->num_layers * width, sizeof *s->h);
    s->c = calloc((size_t)network->num_layers * network->hidden_size, sizeof *s->c);
    s->c_next = calloc((size_t)network->num_layers * network->hidden_size, sizeof *s->c);
    s->logits = calloc((size_t)CHUNK * s->symbols, sizeof *s->logits);
    s->weight = calloc(s->symbols, sizeof *s->weight);
    bool done = s->h && s->h_next && s->c && s->c_next && s->logits && s->weight;
    return done ? TOOL_OK : tool_no_memory();
}

static void release(sampler *s)
{
    clrnn_model_destroy(&s->model);
    free(s->h);
    free(s->h_next);
    free(s->c);
    free(s->c_next);
    free(s->logits);
    free(s->weight);
}

/* What was asked for. */
typedef struct wish {
    const char *path, *prefix, *prompt, *selector;
    uint64_t length, seed;
    double temperature;
} wish;

static int work(const wish *w)
{
    sampler s = {.random = w->seed};
    clrnn_context *context;
    int code = tool_open(w->selector, &context);
    if (code)
        return code;
    const clrnn_model_source source = {.path = w->path, .prefix = w->prefix};
    clrnn_status status = clrnn_model_open(context, &source, &s.model);
    code = status ? tool_failed(status) : TOOL_OK;
    if (!code)
        code = check_model(clrnn_model_get_desc(s.model), w->path);
    if (!code)
        code = prepare(&s, clrnn_model_get_desc(s.model));
    if (!code)
        code = feed_prompt(&s, w->prompt);
    if (!code)
        code = generate(&s, w->length, w->temperature);
    release(&s);
    clrnn_context_destroy(&context);
    return code;
}

static int run(int argc, char **argv)
{
    wish w = {.prompt = "", .length = 500, .temperature = 0.8};
    tool_list models = {0};
    tool_option options[] = {
        tool_text("prompt", "TEXT", &w.prompt, "text to continue"),
        tool_u64("length", "K", &w.length, "characters to write after the prompt (500)"),
        tool_real("temperature", "X", &w.temperature, 0, 1000,
                  "0 takes the likeliest, 1 draws as learned (0.8)"),
        tool_u64("seed", "S", &w.seed, "of the pseudo-random numbers (0)"),
        tool_prefix(&w.prefix),
        tool_device(&w.selector),
        {0}};
    int code = tool_parse(&tool_sample, argc, argv, options, &models);
    if (code == TOOL_CONTINUE && models.count != 1)
        code = tool_error("sample: %s; clrnn sample --help tells the use",
                          models.count ? "more than one model given" : "no model given");
    if (code == TOOL_CONTINUE) {
        w.path = models.items[0];
        code = work(&w);
    }
    tool_list_free(&models);
    return code;
}

const tool_command tool_sample = {
    "sample", "MODEL [--prompt TEXT] [--length K] [--temperature X] [--seed S]",
    "write text with a character model",
    "MODEL is a file that clrnn train has saved. The prompt is printed first. Without one the "
    "model\n"
    "begins as after a line break. The same seed gives the same text on the same device.\n",
    run};
