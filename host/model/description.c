/* SPDX-License-Identifier: MIT
 * model/description.c - what model a set of tensors holds: from their names and shapes first, then
 * whatever the JSON says must agree with that. */
#include "model/description.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "base/os.h"
#include "model/description_reader.h"
#include "model/json.h"
#include "model/tensors.h"
#include "shape/network.h"

#define MAX_SIZE   INT32_MAX
#define MAX_LAYERS 1001      /* one more than a network may have, for which it is then refused */
#define MAX_JSON   (1 << 16) /* bytes; a vocabulary needs 1,300 */

/* --- tensors -------------------------------------------------------------------------------- */

typedef struct full_name {
    char text[64];
} full_name;

static full_name in_network(const clr_reader *r, const char *name)
{
    full_name full;
    snprintf(full.text, sizeof full.text, "%s%s", r->prefix, name);
    return full;
}

static bool has(const clr_reader *r, full_name name)
{
    return clrnn_tensors_find(r->set, name.text);
}

/* Dimension d of a matrix that must be there. Never 0. */
static uint32_t dimension(clr_reader *r, full_name name, uint32_t d)
{
    const clrnn_tensor *t = clrnn_tensors_find(r->set, name.text);
    if (r->status != CLRNN_OK)
        return 1;
    if (!t)
        WRONG(r, "tensor %s: missing", name.text);
    else if (t->rank != 2 || t->shape[d] < 1 || t->shape[d] > MAX_SIZE)
        WRONG(r, "tensor %s: found shape %s, expected a matrix of sizes from 1 to %d", name.text,
              clr_show_shape(t->rank, t->shape).text, MAX_SIZE);
    return r->status == CLRNN_OK ? (uint32_t)t->shape[d] : 1;
}

static uint32_t count_layers(const clr_reader *r)
{
    for (uint32_t layers = 0;; layers++) {
        char name[32];
        snprintf(name, sizeof name, "weight_hh_l%" PRIu32, layers);
        if (layers == MAX_LAYERS || !has(r, in_network(r, name)))
            return layers;
    }
}

/* How many gates each cell has, in words: "4 (lstm), 3 (gru) or 1 (rnn)". */
static void write_gates(char *text, size_t size)
{
    size_t at = 0;
    for (int i = 0; clr_cell_names[i] && at < size; i++) {
        const char *next = clr_cell_names[i + 1];
        at += (size_t)snprintf(text + at, size - at, "%" PRIu32 " (%s)%s",
                               clr_cell_of((clrnn_cell)i)->info.gates, clr_cell_names[i],
                               !next                   ? ""
                               : clr_cell_names[i + 2] ? ", "
                                                       : " or ");
    }
}

/* The first cell of so many gates, or (0) with projection; -1: none is. */
static int cell_with(uint32_t gates)
{
    for (int i = 0; clr_cell_names[i]; i++) {
        const clr_cell_spec *cell = clr_cell_of((clrnn_cell)i);
        if (gates ? cell->info.gates == gates
                  : clr_cell_has(cell, &clr_options[CLR_OPTION_PROJECTION]))
            return i;
    }
    return -1;
}

static void derive_network(clr_reader *r, clrnn_network_desc *n)
{
    const full_name hh = in_network(r, "weight_hh_l0"), hr = in_network(r, "weight_hr_l0");
    const uint32_t rows = dimension(r, hh, 0), columns = dimension(r, hh, 1);
    const bool projected = has(r, hr);
    /* With projection the columns are fewer; claim_all looks at all shapes. */
    const int cell = cell_with(projected ? 0 : rows % columns ? UINT32_MAX : rows / columns);
    char all[100];
    write_gates(all, sizeof all);
    if (r->status == CLRNN_OK && cell < 0)
        WRONG(r,
              "tensor %s: found shape [%" PRIu32 ",%" PRIu32 "], expected %s times as many rows "
              "as columns",
              hh.text, rows, columns, all);
    n->cell = (clrnn_cell)(cell < 0 ? 0 : cell);
    n->hidden_size = projected ? dimension(r, hr, 1) : columns;
    n->proj_size = projected ? dimension(r, hr, 0) : 0;
    n->input_size = dimension(r, in_network(r, "weight_ih_l0"), 1);
    n->num_layers = count_layers(r);
    n->bidirectional = has(r, in_network(r, "weight_hh_l0_reverse"));
    n->no_bias = !has(r, in_network(r, "bias_ih_l0"));
    for (const clr_cell_option *o = clr_options; o < clr_options + CLR_OPTIONS; o++) {
        char name[32];
        snprintf(name, sizeof name, "%s_l0", o->tensor ? o->tensor : "");
        if (o->words && has(r, in_network(r, name)))
            clr_option_set(n, o, true);
    }
}

/* A tensor that the model needs. */
static void claim(clr_reader *r, const char *name, uint32_t rank, const uint64_t *shape)
{
    const clrnn_tensor *t = clrnn_tensors_find(r->set, name);
    if (r->status != CLRNN_OK)
        return;
    if (!t)
        WRONG(r, "tensor %s: missing, expected shape %s", name, clr_show_shape(rank, shape).text);
    else if (t->rank != rank || memcmp(t->shape, shape, rank * sizeof *shape) != 0)
        WRONG(r, "tensor %s: found shape %s, expected %s", name,
              clr_show_shape(t->rank, t->shape).text, clr_show_shape(rank, shape).text);
    else if (t->dtype != CLRNN_DTYPE_F32 && t->dtype != CLRNN_DTYPE_F64 &&
             t->dtype != CLRNN_DTYPE_F16 && t->dtype != CLRNN_DTYPE_BF16)
        WRONG(r, "tensor %s: found type %s, expected F32, F64, F16 or BF16", name,
              clrnn_dtype_name(t->dtype));
    else
        r->claimed[clr_tensors_position(r->set, name)] = true;
}

static void claim_all(clr_reader *r, const clrnn_model_desc *desc)
{
    clr_network network = {0};
    size_t tensors = 0;
    if (r->status == CLRNN_OK && clr_network_init(&desc->network, r->log, &network) != CLRNN_OK)
        r->status = CLRNN_ERR_FORMAT; /* the log says why */
    if (r->status == CLRNN_OK)
        r->status = clrnn_network_weights(&desc->network, r->log, &tensors, NULL);
    for (size_t i = 0; i < tensors && r->status == CLRNN_OK; i++) {
        clrnn_weight_info info = {.rank = 0};
        r->status = clrnn_network_weight(&desc->network, r->log, i, &info);
        claim(r, in_network(r, info.name).text, info.rank, info.shape);
    }
    if (desc->input == CLRNN_INPUT_EMBEDDING)
        claim(r, "embedding.weight", 2,
              (uint64_t[]){desc->vocabulary_size, desc->network.input_size});
    if (desc->output_size > 0) {
        claim(r, "head.weight", 2, (uint64_t[]){desc->output_size, network.width});
        claim(r, "head.bias", 1, (uint64_t[]){desc->output_size});
    }
}

/* Tensors that look like parts of the model must be parts of it. */
static void check_unclaimed(clr_reader *r)
{
    static const char *const parts[] = {"rnn.", "head.", "embedding.", "weight_", "bias_"};
    const int count = *r->prefix ? 3 : 5; /* without prefix, the last two are the network's */
    for (size_t i = 0; i < r->set->count && r->status == CLRNN_OK; i++) {
        const char *name = r->set->by_name[i]->name;
        for (int p = 0; p < count && !r->claimed[i] && r->status == CLRNN_OK; p++)
            if (strncmp(name, parts[p], strlen(parts[p])) == 0)
                WRONG(r, "tensor %s: found, but the network that the others make has none such",
                      clr_show(name).text);
    }
}

/* --- JSON ----------------------------------------------------------------------------------- */

static void parse_json(clr_reader *r)
{
    const char *text = clrnn_tensors_metadata(r->set, "clrnn");
    if (!text || r->status != CLRNN_OK)
        return;
    size_t length = strlen(text);
    if (length > MAX_JSON)
        WRONG(r, "metadata clrnn: found %zu bytes, expected at most %d", length, MAX_JSON);
    else if (clr_json_clean(text, length)) {
        void *locale = clr_point_begin(); /* as clr_json_parse, but to the end of the text */
        r->json = cJSON_ParseWithLengthOpts(text, length + 1, NULL, true);
        clr_point_end(locale);
    }
    if (r->status == CLRNN_OK && !cJSON_IsObject(r->json))
        WRONG(r, "metadata clrnn: expected a JSON object, found \"%s\"", clr_show(text).text);
}

/* A size, if it is given, must be what the tensors say. */
static void check_size(clr_reader *r, const char *name, uint64_t expected)
{
    uint64_t value;
    const cJSON *item = clr_reader_field(r, name);
    if (item && (!clr_json_integer(item, MAX_SIZE, &value) || value != expected))
        WRONG(r, "metadata clrnn, field %s: found %s, but the tensors say %" PRIu64, name,
              clr_json_show(item).text, expected);
}

static void check_bool(clr_reader *r, const char *name, bool expected)
{
    const cJSON *item = clr_reader_field(r, name);
    if (item && (!cJSON_IsBool(item) || cJSON_IsTrue(item) != expected))
        WRONG(r, "metadata clrnn, field %s: found %s, but the tensors say %s", name,
              clr_json_show(item).text, expected ? "true" : "false");
}

/* Which of `words` a field is; `absent` if it is not given. */
static int read_word(clr_reader *r, const char *name, const char *const *words, int absent)
{
    const cJSON *item = clr_reader_field(r, name);
    if (!item)
        return absent;
    for (int i = 0; words[i] && cJSON_IsString(item); i++)
        if (strcmp(words[i], item->valuestring) == 0)
            return i;
    WRONG(r, "metadata clrnn, field %s: found %s, expected %s%s%s%s%s", name,
          clr_json_show(item).text, words[0], words[2] ? ", " : "", words[2] ? words[1] : "",
          " or ", words[words[2] ? 2 : 1]);
    return absent;
}

/* What shapes do not determine. Of a file without a description it is as in PyTorch; with one, a
 * GRU must say which kind it is, since PyTorch's and the library's default differ. */
static void read_option(clr_reader *r, const clr_cell_option *o, clrnn_network_desc *n)
{
    const clr_cell_spec *cell = clr_cell_of(n->cell);
    const int absent = !o->must_say ? 0 : r->json ? -1 : (int)o->imported;
    const int value = read_word(r, o->field, o->words, absent);
    if (r->status != CLRNN_OK)
        return;
    if (!clr_cell_has(cell, o)) {
        if (value > 0 && !o->must_say)
            WRONG(r, "metadata clrnn, field %s: found %s, which no %s has", o->field,
                  o->words[value], cell->info.name);
    } else if (value < 0) {
        WRONG(r, "metadata clrnn, field %s: missing, a %s needs it", o->field, cell->info.name);
    } else {
        clr_option_set(n, o, (uint32_t)value);
    }
}

/* One that files have only where it is not 0: a bool, a number, or a function as text. */
static void read_seldom(clr_reader *r, const clr_cell_option *o, clrnn_network_desc *n)
{
    static const char *const expected[] = {"true or false", "", "a number from 0 on",
                                           "a function of gates"}; /* by clr_option_kind */
    const cJSON *item = clr_reader_field(r, o->field);
    bool good = false;
    if (!item)
        return;
    if (o->kind == CLR_OPTION_WORD && cJSON_IsBool(item)) {
        clr_option_set(n, o, cJSON_IsTrue(item));
        good = true;
    } else if (o->kind == CLR_OPTION_NUMBER && cJSON_IsNumber(item)) {
        const float number = (float)item->valuedouble;
        memcpy((char *)n + o->offset, &number, sizeof number);
        good = clr_option_valid(n, o);
    } else if (o->kind == CLR_OPTION_FUNCTION && cJSON_IsString(item)) {
        good = clr_option_read(n, o, item->valuestring);
    }
    if (!good)
        WRONG(r, "metadata clrnn, field %s: found %s, expected %s", o->field,
              clr_json_show(item).text, expected[o->kind]);
    else if (clr_option_get(n, o) && !clr_cell_has(clr_cell_of(n->cell), o))
        WRONG(r, "metadata clrnn, field %s: found %s, which no %s has", o->field,
              clr_json_show(item).text, clr_cell_of(n->cell)->info.name);
}

/* What only a description says: true, or false where it is not given. */
static bool read_flag(clr_reader *r, const char *name)
{
    const cJSON *item = clr_reader_field(r, name);
    if (item && !cJSON_IsBool(item))
        WRONG(r, "metadata clrnn, field %s: found %s, expected true or false", name,
              clr_json_show(item).text);
    return cJSON_IsTrue(item);
}

static void read_network(clr_reader *r, clrnn_network_desc *n)
{
    derive_network(r, n);
    const int cell = read_word(r, "cell", clr_cell_names, (int)n->cell);
    if (r->status == CLRNN_OK && cell != (int)n->cell)
        WRONG(r, "metadata clrnn, field cell: found %s, but the shapes of the tensors say %s",
              clr_cell_names[cell], clr_cell_names[n->cell]);
    check_size(r, "input_size", n->input_size);
    check_size(r, "hidden_size", n->hidden_size);
    check_size(r, "num_layers", n->num_layers);
    check_size(r, "proj_size", n->proj_size);
    check_bool(r, "bidirectional", n->bidirectional);
    check_bool(r, "bias", !n->no_bias);
    n->single_bias = read_flag(r, "single_bias");
    n->reverse = read_flag(r, "reverse");
    n->merge = (clrnn_merge)read_word(r, "merge", (const char *[]){"concat", "sum", NULL}, 0);
    for (const clr_cell_option *o = clr_options; o < clr_options + CLR_OPTIONS; o++)
        if (o->seldom)
            read_seldom(r, o, n);
        else if (!o->tensor && r->status == CLRNN_OK)
            read_option(r, o, n);
        else if (o->words)
            check_bool(r, o->field, clr_option_get(n, o));
}

/* The byte of each symbol. */
static void read_vocabulary(clr_reader *r, clrnn_model_desc *desc, uint8_t vocabulary[256])
{
    const cJSON *item = clr_reader_field(r, "vocabulary");
    bool seen[256] = {false};
    uint32_t count = 0;
    if (!item)
        return;
    for (const cJSON *i = cJSON_IsArray(item) ? item->child : NULL; i; i = i->next, count++) {
        uint64_t byte = 0;
        if (!clr_json_integer(i, 255, &byte) || seen[byte]) {
            WRONG(r,
                  "metadata clrnn, field vocabulary: found %s, expected bytes from 0 to 255, "
                  "each once",
                  clr_json_show(i).text);
            return;
        }
        seen[byte] = true;
        vocabulary[count] = (uint8_t)byte;
    }
    if (!cJSON_IsArray(item) || count != desc->vocabulary_size)
        WRONG(r,
              "metadata clrnn, field vocabulary: found %" PRIu32 " bytes, expected an array of "
              "%" PRIu32,
              count, desc->vocabulary_size);
    desc->vocabulary = vocabulary;
}

static void read_input_and_head(clr_reader *r, clrnn_model_desc *desc, uint8_t vocabulary[256])
{
    const full_name embedding = {"embedding.weight"}, head = {"head.weight"};
    bool symbols = clr_reader_field(r, "vocabulary") || clr_reader_field(r, "vocabulary_size");
    int kind = has(r, embedding) ? CLRNN_INPUT_EMBEDDING
               : symbols         ? CLRNN_INPUT_ONE_HOT
                                 : CLRNN_INPUT_DENSE;
    desc->input = (clrnn_input)read_word(r, "input", clr_input_names, kind);
    if (desc->input == CLRNN_INPUT_EMBEDDING)
        desc->vocabulary_size = dimension(r, embedding, 0);
    else if (desc->input == CLRNN_INPUT_ONE_HOT)
        desc->vocabulary_size = desc->network.input_size;
    check_size(r, "vocabulary_size", desc->vocabulary_size);
    read_vocabulary(r, desc, vocabulary);
    desc->output_size = has(r, head) ? dimension(r, head, 0) : 0;
    check_size(r, "output_size", desc->output_size);
}

clrnn_status clr_description_read(const clrnn_tensors *set, const clrnn_log *log,
                                  clrnn_model_desc *desc, uint8_t vocabulary[256],
                                  const char **prefix)
{
    clr_reader r = {.set = set, .log = log, .prefix = "rnn.", .status = CLRNN_OK};
    clrnn_model_desc found = {.output_size = 0};
    r.claimed = clr_calloc(set->count, sizeof *r.claimed);
    if (!r.claimed)
        return clr_fail(log, CLRNN_ERR_MEMORY, "no memory to describe %zu tensors", set->count);
    if (!has(&r, (full_name){"rnn.weight_hh_l0"}))
        r.prefix = "";
    if (!has(&r, in_network(&r, "weight_hh_l0")))
        WRONG(&r, "tensor rnn.weight_hh_l0: missing, and so is weight_hh_l0: this is no network");
    parse_json(&r);
    read_network(&r, &found.network);
    read_input_and_head(&r, &found, vocabulary);
    clr_reader_init(&r, &found.init);
    claim_all(&r, &found);
    check_unclaimed(&r);
    cJSON_Delete(r.json);
    free(r.claimed);
    if (r.status == CLRNN_OK) {
        *desc = found;
        *prefix = r.prefix;
    }
    return r.status;
}
