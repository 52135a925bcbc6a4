/* SPDX-License-Identifier: MIT
 * train/checkpoint_model.c - see train/checkpoint.h. */
#include "train/checkpoint.h"

#include <inttypes.h>
#include <string.h>

#include "base/log.h"
#include "shape/cell.h"

/* A number of the checkpoint's model, and that of the trainer's. */
static clrnn_status compare(const clrnn_log *log, const char *path, const char *name, uint64_t a,
                            uint64_t b)
{
    if (a == b)
        return CLRNN_OK;
    return clr_fail(log, CLRNN_ERR_FORMAT,
                    "checkpoint %s is of another model: %s is %" PRIu64
                    ", this model's is %" PRIu64,
                    path, name, a, b);
}

static clrnn_status compare_option(const clrnn_log *log, const char *path,
                                   const clr_cell_option *option, const clrnn_network_desc *a,
                                   const clrnn_network_desc *b)
{
    char own[CLR_OPTION_ROOM], other[CLR_OPTION_ROOM];
    if (option->kind == CLR_OPTION_WORD || option->kind == CLR_OPTION_SIZE)
        return compare(log, path, option->field, clr_option_get(a, option),
                       clr_option_get(b, option));
    clr_option_write(a, option, other);
    clr_option_write(b, option, own);
    if (strcmp(own, other) == 0)
        return CLRNN_OK;
    return clr_fail(log, CLRNN_ERR_FORMAT,
                    "checkpoint %s is of another model: %s is %s, this model's is %s", path,
                    option->field, other, own);
}

clrnn_status clr_checkpoint_compare(const clrnn_model *a, const clrnn_model *b, const char *path)
{
    const clrnn_network_desc *x = &a->desc.network, *y = &b->desc.network;
    const clrnn_log *log = &b->context->log;
    const struct {
        const char *name;
        uint64_t a, b;
    } fields[] = {
        {"cell", x->cell, y->cell},
        {"input", a->desc.input, b->desc.input},
        {"input_size", x->input_size, y->input_size},
        {"hidden_size", x->hidden_size, y->hidden_size},
        {"num_layers", x->num_layers, y->num_layers},
        {"bidirectional", x->bidirectional, y->bidirectional},
        {"bias", !x->no_bias, !y->no_bias},
        {"single_bias", x->single_bias, y->single_bias},
        {"reverse", x->reverse, y->reverse},
        {"merge", x->merge, y->merge},
        {"vocabulary_size", a->desc.vocabulary_size, b->desc.vocabulary_size},
        {"output_size", a->desc.output_size, b->desc.output_size},
    };
    clrnn_status status = CLRNN_OK;
    for (size_t i = 0; i < sizeof fields / sizeof *fields && status == CLRNN_OK; i++)
        status = compare(log, path, fields[i].name, fields[i].a, fields[i].b);
    for (const clr_cell_option *o = clr_options;
         o < clr_options + CLR_OPTIONS && status == CLRNN_OK; o++)
        status = compare_option(log, path, o, x, y);
    const uint8_t *v = a->desc.vocabulary, *w = b->desc.vocabulary;
    if (status == CLRNN_OK && (!v != !w || (v && memcmp(v, w, b->desc.vocabulary_size) != 0)))
        status = clr_fail(log, CLRNN_ERR_FORMAT,
                          "checkpoint %s is of another model: its vocabulary differs", path);
    return status;
}
