/* SPDX-License-Identifier: MIT
 * train/compare_models.c - whether a checkpoint is of this model. */
#include <inttypes.h>
#include <string.h>

#include "base/log.h"
#include "train/learner_model.h"

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

clrnn_status clr_models_compare(const clrnn_model *a, const clrnn_model *b, const char *path)
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
        {"vocabulary_size", a->desc.vocabulary_size, b->desc.vocabulary_size},
        {"output_size", a->desc.output_size, b->desc.output_size},
    };
    clrnn_status status = CLRNN_OK;
    for (size_t i = 0; i < sizeof fields / sizeof *fields && status == CLRNN_OK; i++)
        status = compare(log, path, fields[i].name, fields[i].a, fields[i].b);
    for (const clr_cell_option *o = clr_options;
         o < clr_options + CLR_OPTIONS && status == CLRNN_OK; o++)
        status = compare(log, path, o->field, clr_option_get(x, o), clr_option_get(y, o));
    const uint8_t *v = a->desc.vocabulary, *w = b->desc.vocabulary;
    if (status == CLRNN_OK && (!v != !w || (v && memcmp(v, w, b->desc.vocabulary_size) != 0)))
        status = clr_fail(log, CLRNN_ERR_FORMAT,
                          "checkpoint %s is of another model: its vocabulary differs", path);
    return status;
}
