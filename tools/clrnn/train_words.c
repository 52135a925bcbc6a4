/* SPDX-License-Identifier: MIT
 * train_words.c - what the command line says of fresh weights, and the command line that continues.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "train.h"

/* A word as a shell reads it back. */
static void append_quoted(char *text, size_t size, const char *word)
{
    static const char safe[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                               "_-+=./,:@%";
    size_t used = strlen(text);
    if (*word && word[strspn(word, safe)] == 0) {
        snprintf(text + used, size - used, " %s", word);
        return;
    }
    used += (size_t)snprintf(text + used, size - used, " '");
    for (; *word && used + 6 < size; word++)
        used += (size_t)snprintf(text + used, size - used, *word == '\'' ? "'\\''" : "%c", *word);
    snprintf(text + used, size - used, "'");
}

/* How many words of the line, from this one on, a command that continues must not have. */
static int left_out(const char *word)
{
    static const char *const options[] = {"--resume", "--model", "--seeds"};
    for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
        const size_t length = strlen(options[i]);
        if (strncmp(word, options[i], length) == 0 && (!word[length] || word[length] == '='))
            return word[length] ? 1 : 2;
    }
    return strcmp(word, "--force") == 0;
}

/* Tell the command that continues: this one, with --resume as it must now be. */
void train_print_resume(const train_options *options, uint64_t steps, int argc, char **argv)
{
    char line[7000] = "clrnn";
    for (int i = 0, left = 0; i < argc; i += left ? left : 1) {
        left = left_out(argv[i]);
        if (!left)
            append_quoted(line, sizeof line, argv[i]);
    }
    append_quoted(line, sizeof line, "--resume");
    append_quoted(line, sizeof line, options->save);
    fprintf(stderr, "clrnn: stopped after step %" PRIu64 ", saved; to continue%s: %s\n", steps,
            options->seeds > 1 ? " with this seed" : "", line);
}

/* Whether the cell has a gate of that name. */
static bool has_gate(clrnn_cell cell, const char *name)
{
    const clrnn_cell_info *info = clrnn_cell_get_info(cell);
    uint32_t i = 0;
    while (i < info->gates && strcmp(info->gate_names[i], name) != 0)
        i++;
    return i < info->gates;
}

int train_init(const train_options *o, clrnn_init_desc *init)
{
    const bool forget = tool_given(o->table, "forget-bias");
    const bool update = tool_given(o->table, "update-bias");
    *init = (clrnn_init_desc){.kind = (clrnn_init_kind)o->init, .longest_lag = o->longest_lag};
    if (forget && !has_gate((clrnn_cell)o->cell, "f"))
        return tool_error("train: --forget-bias is of the LSTM; a GRU has --update-bias");
    if (update && !has_gate((clrnn_cell)o->cell, "z"))
        return tool_error("train: --update-bias is of the GRU; an LSTM has --forget-bias");
    init->has_forget_bias = forget || update;
    init->forget_bias = forget ? o->forget_bias : update ? o->update_bias : 0;
    return TOOL_OK;
}
