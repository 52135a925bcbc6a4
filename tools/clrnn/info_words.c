/* SPDX-License-Identifier: MIT
 * info_words.c - what a network is, in words. */
#include "info.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

/* Whether the library accepts these options: so it is asked which ones a cell has. */
static bool accepted(const clrnn_network_desc *network)
{
    return clrnn_network_weights(network, NULL, NULL, NULL) == CLRNN_OK;
}

static void add(char *text, size_t size, const char *word)
{
    size_t used = strlen(text);
    snprintf(text + used, size - used, "%s", word);
}

/* The options that a cell has, whatever they are set to. */
static void add_options(const clrnn_network_desc *n, char *text, size_t size)
{
    clrnn_network_desc reset = *n, update = *n, act = *n;
    reset.gru_reset = CLRNN_RESET_AFTER;
    update.gru_update = CLRNN_UPDATE_KEEPS;
    act.nonlinearity = CLRNN_RELU;
    if (accepted(&act))
        add(text, size, n->nonlinearity == CLRNN_RELU ? ", relu" : ", tanh");
    if (accepted(&reset))
        add(text, size,
            n->gru_reset == CLRNN_RESET_AFTER ? ", reset after the product"
                                              : ", reset before the product");
    if (accepted(&update))
        add(text, size,
            n->gru_update == CLRNN_UPDATE_KEEPS ? ", an open update gate keeps"
                                                : ", an open update gate replaces");
}

/* The problem string begins with the name of the cell: "cell=gru,T=.." */
void info_put_words(info_network *network)
{
    const clrnn_network_desc *n = &network->desc.network;
    char *words = network->words;
    const size_t size = sizeof network->words;
    const char *cell = strchr(network->problem, '=');
    cell = cell ? cell + 1 : "";
    snprintf(network->cell, sizeof network->cell, "%.*s", (int)strcspn(cell, ","), cell);
    size_t used = (size_t)snprintf(words, size, "%s, %u layer%s of %u units", network->cell,
                                   n->num_layers, n->num_layers == 1 ? "" : "s", n->hidden_size);
    for (char *c = words; *c && *c != ','; c++)
        *c = (char)toupper((unsigned char)*c);
    if (n->proj_size)
        snprintf(words + used, size - used, " projected to %u", n->proj_size);
    if (n->bidirectional)
        add(words, size, n->merge ? ", both directions added" : ", both directions");
    if (n->reverse)
        add(words, size, ", backward in time");
    if (n->no_bias)
        add(words, size, ", no biases");
    if (n->single_bias)
        add(words, size, ", one bias");
    add_options(n, words, size);
}

const char *info_input(const clrnn_model_desc *desc, char text[128])
{
    const char *with = desc->vocabulary ? " with text" : "";
    switch (desc->input) {
    case CLRNN_INPUT_DENSE:
        snprintf(text, 128, "x of %u numbers a step", desc->network.input_size);
        break;
    case CLRNN_INPUT_ONE_HOT:
        snprintf(text, 128, "one-hot, %u symbols%s", desc->vocabulary_size, with);
        break;
    case CLRNN_INPUT_EMBEDDING:
        snprintf(text, 128, "embedding, %u symbols%s, %u numbers each", desc->vocabulary_size, with,
                 desc->network.input_size);
        break;
    }
    return text;
}

bool info_is_training(const info_file *file)
{
    return clrnn_tensors_metadata(file->set, INFO_TRAIN "step") != NULL;
}

/* What a file says, with '?' for what would move a terminal's cursor or colour it: the control
 * characters of ASCII, and those of Unicode, C2 80 to C2 9F. At most `most` bytes, then "...".
 * Returns the bytes written. */
size_t info_print_clean(const char *text, size_t most)
{
    size_t i = 0;
    for (; text[i] && i < most; i++) {
        const unsigned char c = (unsigned char)text[i], next = (unsigned char)text[i + 1];
        if (c == 0xC2 && next >= 0x80 && next < 0xA0) {
            fputs("??", stdout);
            i++;
        } else {
            putchar(c < 32 || c == 127 ? '?' : c);
        }
    }
    while (((unsigned char)text[i] & 0xC0) == 0x80) /* the rest of a character */
        putchar(text[i++]);
    if (text[i])
        fputs("...", stdout);
    return text[i] ? i + 3 : i;
}
