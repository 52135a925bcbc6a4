/* SPDX-License-Identifier: MIT
 * model/describe.c - the description of a model as JSON. */
#include <stdlib.h>

#include "base/decimal.h"
#include "base/log.h"
#include "model/description.h"
#include "model/init.h"
#include "model/json.h"
#include "shape/cell.h"

const char *const clr_input_names[] = {"dense", "one_hot", "embedding", NULL};

static void put_name(clr_json *json, const char *name)
{
    clr_json_put(json, json->length > 1 ? "," : "");
    clr_json_quote(json, name);
    clr_json_put(json, ":");
}

static void put_word(clr_json *json, const char *name, const char *word)
{
    put_name(json, name);
    clr_json_quote(json, word);
}

static void put_size(clr_json *json, const char *name, uint32_t value)
{
    put_name(json, name);
    clr_json_number(json, value);
}

static void put_bool(clr_json *json, const char *name, bool value)
{
    put_name(json, name);
    clr_json_put(json, value ? "true" : "false");
}

/* A size has been put, or its tensor tells it. */
static void put_option(clr_json *json, const clrnn_network_desc *n, const clr_cell_option *o)
{
    char text[CLR_OPTION_ROOM];
    const bool set = clr_option_get(n, o) != 0, boolean = o->size == sizeof(bool);
    if (o->kind == CLR_OPTION_SIZE || !clr_cell_has(clr_cell_of(n->cell), o) ||
        (!set && (o->seldom || o->tensor)))
        return;
    clr_option_write(n, o, text);
    if (boolean) {
        put_bool(json, o->field, true);
    } else if (o->kind == CLR_OPTION_NUMBER) {
        put_name(json, o->field);
        clr_json_put(json, text);
    } else {
        put_word(json, o->field, text);
    }
}

static void put_network(clr_json *json, const clrnn_network_desc *n)
{
    put_word(json, "cell", clr_cell_names[n->cell]);
    put_size(json, "input_size", n->input_size);
    put_size(json, "hidden_size", n->hidden_size);
    put_size(json, "num_layers", n->num_layers ? n->num_layers : 1);
    put_bool(json, "bidirectional", n->bidirectional);
    put_size(json, "proj_size", n->proj_size);
    put_bool(json, "bias", !n->no_bias);
    if (n->single_bias)
        put_bool(json, "single_bias", true);
    if (n->reverse) /* readers before these do not know them */
        put_bool(json, "reverse", true);
    if (n->merge == CLRNN_MERGE_SUM)
        put_word(json, "merge", "sum");
    for (const clr_cell_option *o = clr_options; o < clr_options + CLR_OPTIONS; o++)
        put_option(json, n, o);
}

static void put_real(clr_json *json, const char *name, double value)
{
    char text[CLR_DECIMAL_ROOM];
    clr_decimal_write(text, 17, value);
    put_name(json, name);
    clr_json_put(json, text);
}

static void put_init(clr_json *json, const clrnn_init_desc *init)
{
    if (init->kind == CLRNN_INIT_AUTO)
        return; /* nobody has said */
    put_word(json, "init", clr_init_names[init->kind]);
    if (init->longest_lag)
        put_size(json, "longest_lag", init->longest_lag);
    if (init->has_forget_bias)
        put_real(json, "forget_bias", init->forget_bias);
}

clrnn_status clr_description_write(const clrnn_model_desc *desc, const clrnn_log *log, char **json)
{
    clr_json out = {0};
    *json = NULL;
    clr_json_put(&out, "{");
    put_network(&out, &desc->network);
    put_word(&out, "input", clr_input_names[desc->input]);
    if (desc->input != CLRNN_INPUT_DENSE)
        put_size(&out, "vocabulary_size", desc->vocabulary_size);
    if (desc->vocabulary) {
        put_name(&out, "vocabulary");
        for (uint32_t v = 0; v < desc->vocabulary_size; v++) {
            clr_json_put(&out, v ? "," : "[");
            clr_json_number(&out, desc->vocabulary[v]);
        }
        clr_json_put(&out, "]");
    }
    put_size(&out, "output_size", desc->output_size);
    put_init(&out, &desc->init);
    clr_json_put(&out, "}");
    if (out.failed) {
        free(out.text);
        return clr_fail(log, CLRNN_ERR_MEMORY, "no memory for the description of a model");
    }
    *json = out.text;
    return CLRNN_OK;
}
