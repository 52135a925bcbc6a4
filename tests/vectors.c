/* SPDX-License-Identifier: MIT
 * tests/vectors.c - see tests/vectors.h. */
#include "vectors.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "base/file.h"
#include "support.h"

const char *const test_vector_names[TEST_VECTOR_COUNT] = {
    "torch_gru_basic",        "torch_gru_batch_first",  "torch_gru_bi",
    "torch_gru_bi_stack2",    "torch_gru_long",         "torch_gru_no_bias",
    "torch_gru_one_step",     "torch_gru_ragged",       "torch_gru_ragged_bi_stack2",
    "torch_gru_saturated",    "torch_gru_stack3",       "torch_gru_wide",
    "torch_lstm_basic",       "torch_lstm_batch_first", "torch_lstm_bi",
    "torch_lstm_bi_stack2",   "torch_lstm_long",        "torch_lstm_no_bias",
    "torch_lstm_one_step",    "torch_lstm_proj",        "torch_lstm_proj_bi_stack2",
    "torch_lstm_proj_ragged", "torch_lstm_ragged",      "torch_lstm_ragged_bi_stack2",
    "torch_lstm_saturated",   "torch_lstm_stack3",      "torch_lstm_wide",
    "torch_rnn_basic",        "torch_rnn_batch_first",  "torch_rnn_bi",
    "torch_rnn_bi_stack2",    "torch_rnn_long",         "torch_rnn_no_bias",
    "torch_rnn_one_step",     "torch_rnn_ragged",       "torch_rnn_ragged_bi_stack2",
    "torch_rnn_relu",         "torch_rnn_saturated",    "torch_rnn_stack3",
    "torch_rnn_wide",
};

const char *const test_peephole_names[TEST_PEEPHOLE_COUNT] = {
    "glow_lstm", "onnx_lstm", "tflite_lstm_projected", "tflite_bilstm_projected"};

const char *const test_normed_names[TEST_NORMED_COUNT] = {
    "rnn",
    "rnn_relu_bi",
    "lstm",
    "lstm_ragged_bi_stack2",
    "lstm_proj_peepholes",
    "gru_after_keeps",
    "gru_after_bi",
    "gru_before_replaces_ragged",
};

const char *const test_zoned_names[TEST_ZONED_COUNT] = {
    "rnn_drawn",     "rnn_drawn_dropout", "lstm_drawn",         "lstm_drawn_proj_bi_stack2",
    "lstm_expected", "gru_before_drawn",  "gru_after_drawn_bi", "gru_before_expected",
};

const struct test_form test_forms[TEST_FORMS] = {
    {"rnn tanh", {.cell = CLRNN_CELL_RNN}},
    {"rnn relu", {.cell = CLRNN_CELL_RNN, .nonlinearity = CLRNN_RELU}},
    {"lstm", {.cell = CLRNN_CELL_LSTM}},
    {"lstm projected", {.cell = CLRNN_CELL_LSTM, .proj_size = 2}},
    {"gru before replaces", {.cell = CLRNN_CELL_GRU}},
    {"gru before keeps", {.cell = CLRNN_CELL_GRU, .gru_update = CLRNN_UPDATE_KEEPS}},
    {"gru after replaces", {.cell = CLRNN_CELL_GRU, .gru_reset = CLRNN_RESET_AFTER}},
    {"gru after keeps",
     {.cell = CLRNN_CELL_GRU, .gru_reset = CLRNN_RESET_AFTER, .gru_update = CLRNN_UPDATE_KEEPS}},
    {"lstm peepholes", {.cell = CLRNN_CELL_LSTM, .peepholes = true}},
};

bool test_is_usual(const clrnn_network_desc *d)
{
    return d->nonlinearity == CLRNN_TANH && !d->proj_size && !d->peepholes &&
           d->gru_reset == CLRNN_RESET_BEFORE && d->gru_update == CLRNN_UPDATE_REPLACES;
}

clrnn_network_desc test_form(size_t index, uint32_t layers, bool bidirectional)
{
    clrnn_network_desc desc = test_forms[index].desc;
    desc.input_size = 3;
    desc.hidden_size = 4;
    desc.num_layers = layers;
    desc.bidirectional = bidirectional;
    return desc;
}

static void set_pair(clrnn_network_desc *desc, const char *key, const char *value)
{
    const uint32_t number = (uint32_t)strtoul(value, NULL, 10);
    if (strcmp(key, "cell") == 0)
        for (int i = 0; clr_cell_names[i]; i++)
            desc->cell = strcmp(clr_cell_names[i], value) == 0 ? (clrnn_cell)i : desc->cell;
    else if (strcmp(key, "D") == 0)
        desc->bidirectional = number == 2;
    else if (strcmp(key, "L") == 0)
        desc->num_layers = number;
    else if (strcmp(key, "bias") == 0)
        desc->single_bias = strcmp(value, "one") == 0;
    else if (strcmp(key, "reverse") == 0)
        desc->reverse = number;
    else if (strcmp(key, "merge") == 0)
        desc->merge = strcmp(value, "sum") == 0 ? CLRNN_MERGE_SUM : CLRNN_MERGE_CONCAT;
    for (size_t i = 0; i < CLR_OPTIONS; i++) {
        const clr_cell_option *o = &clr_options[i];
        if (strcmp(o->key, key) != 0)
            continue;
        for (uint32_t word = 0; word < clr_option_values(o); word++)
            if (strcmp(o->words[word], value) == 0)
                clr_option_set(desc, o, word);
        if (o->kind == CLR_OPTION_SIZE)
            clr_option_set(desc, o, number);
        else if (o->kind != CLR_OPTION_WORD)
            assert_true(clr_option_read(desc, o, value));
    }
}

clrnn_network_desc test_network(const char *pairs)
{
    clrnn_network_desc desc = {.input_size = 3, .hidden_size = 4, .num_layers = 1};
    char key[32], value[64];
    for (int used = 0; sscanf(pairs, "%31[^=]=%63[^,]%n", key, value, &used) == 2; used = 0) {
        set_pair(&desc, key, value);
        pairs += used + (pairs[used] == ',');
    }
    return desc;
}

/* --- inputs and outputs ------------------------------------------------------------------- */

test_sizes test_sizes_of(const test_inputs *in)
{
    clr_network net = {0};
    assert_int_equal(clr_network_init(&in->desc, &test_log, &net), CLRNN_OK);
    size_t steps = (size_t)in->steps * in->batch;
    size_t cells = (size_t)net.layers * net.directions * in->batch;
    bool lstm = net.desc.cell == CLRNN_CELL_LSTM;
    return (test_sizes){.weights = net.weights,
                        .x = steps * net.desc.input_size,
                        .h = cells * net.state_size,
                        .c = lstm ? cells * net.desc.hidden_size : 0,
                        .y = steps * net.width};
}

static uint32_t *copy_lengths(const uint32_t *lengths, uint32_t batch)
{
    uint32_t *copy = calloc(batch, sizeof *copy);
    assert_non_null(copy);
    memcpy(copy, lengths, batch * sizeof *copy);
    return copy;
}

test_inputs test_inputs_random(const clrnn_network_desc *desc, uint32_t steps, uint32_t batch,
                               const uint32_t *lengths, uint64_t seed, double scale)
{
    test_inputs in = {.desc = *desc, .steps = steps, .batch = batch};
    test_sizes sizes = test_sizes_of(&in);
    in.lengths = lengths ? copy_lengths(lengths, batch) : NULL;
    seed *= 8;
    in.weights = test_random(sizes.weights, seed, scale);
    in.x = test_random(sizes.x, seed + 1, 1);
    in.h0 = test_random(sizes.h, seed + 2, 1);
    in.dhn = test_random(sizes.h, seed + 3, 1);
    in.dy = test_random(sizes.y, seed + 4, 1);
    in.c0 = sizes.c ? test_random(sizes.c, seed + 5, 1) : NULL;
    in.dcn = sizes.c ? test_random(sizes.c, seed + 6, 1) : NULL;
    return in;
}

void test_inputs_free(test_inputs *in)
{
    free(in->lengths);
    free(in->mask);
    free(in->resets);
    free(in->weights);
    free(in->x);
    free(in->h0);
    free(in->dhn);
    free(in->c0);
    free(in->dcn);
    free(in->dy);
    *in = (test_inputs){0};
}

static double *nans(size_t count)
{
    double *array = calloc(count ? count : 1, sizeof *array);
    assert_non_null(array);
    for (size_t i = 0; i < count; i++)
        array[i] = NAN;
    return array;
}

test_outputs test_outputs_make(const test_inputs *in)
{
    test_sizes sizes = test_sizes_of(in);
    return (test_outputs){.y = nans(sizes.y),
                          .hn = nans(sizes.h),
                          .cn = sizes.c ? nans(sizes.c) : NULL,
                          .dx = nans(sizes.x),
                          .dh0 = nans(sizes.h),
                          .dc0 = sizes.c ? nans(sizes.c) : NULL,
                          .dweights = nans(sizes.weights)};
}

void test_outputs_free(test_outputs *out)
{
    free(out->y);
    free(out->hn);
    free(out->cn);
    free(out->dx);
    free(out->dh0);
    free(out->dc0);
    free(out->dweights);
    *out = (test_outputs){0};
}

/* The error of one tensor, if it is there on both sides, and its name if it is the worst so far. */
static double worse(double worst, const double *got, const double *expected, size_t count,
                    const char *prefix, const char *name, char tensor[64])
{
    if (!got || !expected)
        return worst;
    double error = test_error(got, expected, count);
    if (error > worst || !tensor[0])
        snprintf(tensor, 64, "%s%s", prefix, name);
    return fmax(error, worst);
}

double test_outputs_error(const test_inputs *in, const test_outputs *got,
                          const test_outputs *expected, char tensor[64])
{
    test_sizes sizes = test_sizes_of(in);
    double worst = 0;
    tensor[0] = 0;
    worst = worse(worst, got->y, expected->y, sizes.y, "", "y", tensor);
    worst = worse(worst, got->hn, expected->hn, sizes.h, "", "hn", tensor);
    worst = worse(worst, got->cn, expected->cn, sizes.c, "", "cn", tensor);
    worst = worse(worst, got->dx, expected->dx, sizes.x, "", "dx", tensor);
    worst = worse(worst, got->dh0, expected->dh0, sizes.h, "", "dh0", tensor);
    worst = worse(worst, got->dc0, expected->dc0, sizes.c, "", "dc0", tensor);
    if (!got->dweights || !expected->dweights)
        return worst;
    size_t tensors = 0;
    assert_int_equal(clrnn_network_weights(&in->desc, &test_log, &tensors, NULL), CLRNN_OK);
    for (size_t i = 0; i < tensors; i++) {
        clrnn_weight_info w;
        assert_int_equal(clrnn_network_weight(&in->desc, &test_log, i, &w), CLRNN_OK);
        worst = worse(worst, got->dweights + w.offset, expected->dweights + w.offset, w.count, "d",
                      w.name, tensor);
    }
    return worst;
}

clr_reference_io test_reference_io(const test_inputs *in, const test_outputs *out)
{
    return (clr_reference_io){.steps = in->steps,
                              .batch = in->batch,
                              .mask = in->mask,
                              .resets = in->resets,
                              .repeat = in->repeat,
                              .lengths = in->lengths,
                              .weights = in->weights,
                              .x = in->x,
                              .h0 = in->h0,
                              .c0 = in->c0,
                              .y = out->y,
                              .hn = out->hn,
                              .cn = out->cn,
                              .dy = in->dy,
                              .dhn = in->dhn,
                              .dcn = in->dcn,
                              .dx = out->dx,
                              .dh0 = out->dh0,
                              .dc0 = out->dc0,
                              .dweights = out->dweights};
}

test_outputs test_reference(const test_inputs *in)
{
    test_outputs out = test_outputs_make(in);
    clr_reference_io io = test_reference_io(in, &out);
    assert_int_equal(clr_reference_backward(&in->desc, &io, &test_log), CLRNN_OK);
    return out;
}

/* --- files -------------------------------------------------------------------------------- */

static const cJSON *member(const cJSON *object, const char *key)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
    if (!item)
        fail_msg("\"%s\" is missing", key);
    return item;
}

static uint32_t number(const cJSON *json, const char *key)
{
    const cJSON *item = member(json, key);
    assert_true(cJSON_IsNumber(item));
    return (uint32_t)item->valuedouble;
}

/* Copy an array of `count` numbers to `to`. */
static void read_numbers(const cJSON *json, const char *key, double *to, size_t count)
{
    const cJSON *array = member(member(json, key), "data"), *item = NULL;
    assert_int_equal(cJSON_GetArraySize(array), count);
    cJSON_ArrayForEach(item, array)
    {
        assert_true(cJSON_IsNumber(item));
        *to++ = item->valuedouble;
    }
}

/* NULL: the file need not have it, and has not. */
static double *read_array(const cJSON *json, const char *key, const test_vector *v, size_t count)
{
    if (!v->whole && !cJSON_HasObjectItem(json, key))
        return NULL;
    double *array = nans(count);
    read_numbers(json, key, array, count);
    return array;
}

/* An array over time: [T,N,*], whatever it is in the file. */
static double *read_sequence(const cJSON *json, const char *key, const test_vector *v, size_t count)
{
    double *array = read_array(json, key, v, count);
    if (!v->batch_first || !array)
        return array;
    size_t T = v->in.steps, N = v->in.batch, width = count / (T * N);
    double *swapped = nans(count);
    for (size_t n = 0; n < N; n++)
        for (size_t t = 0; t < T; t++)
            memcpy(swapped + (t * N + n) * width, array + (n * T + t) * width,
                   width * sizeof *array);
    free(array);
    return swapped;
}

/* Tensors by PyTorch's names into one flat canonical array. */
static double *read_weights(const cJSON *json, const char *key, const test_vector *v)
{
    const clrnn_network_desc *desc = &v->in.desc;
    if (!v->whole && !cJSON_HasObjectItem(json, key))
        return NULL;
    const cJSON *params = member(json, key);
    size_t tensors = 0, elements = 0;
    assert_int_equal(clrnn_network_weights(desc, &test_log, &tensors, &elements), CLRNN_OK);
    assert_int_equal(cJSON_GetArraySize(params), tensors);
    double *weights = nans(elements);
    for (size_t i = 0; i < tensors; i++) {
        clrnn_weight_info w;
        assert_int_equal(clrnn_network_weight(desc, &test_log, i, &w), CLRNN_OK);
        read_numbers(params, w.name, weights + w.offset, w.count);
    }
    return weights;
}

static bool is_word(const cJSON *json, const char *key, const char *word)
{
    const char *value = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, key));
    return value && strcmp(value, word) == 0;
}

static float number_or_0(const cJSON *json, const char *name)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(json, name);
    return item ? (float)item->valuedouble : 0;
}

static clrnn_network_desc read_desc(const cJSON *json)
{
    const char *cell = cJSON_GetStringValue(member(json, "cell"));
    const char *act = cJSON_GetStringValue(member(json, "nonlinearity"));
    clrnn_network_desc desc = {.input_size = number(json, "input_size"),
                               .hidden_size = number(json, "hidden_size"),
                               .num_layers = number(json, "num_layers"),
                               .proj_size = number(json, "proj_size"),
                               .bidirectional = cJSON_IsTrue(member(json, "bidirectional")),
                               .no_bias = !cJSON_IsTrue(member(json, "bias"))};
    assert_non_null(cell);
    if (strcmp(cell, "gru") == 0) {
        desc.cell = CLRNN_CELL_GRU;
        const bool before = is_word(json, "reset", "before");
        const bool replaces = is_word(json, "update", "replaces");
        desc.gru_reset = before ? CLRNN_RESET_BEFORE : CLRNN_RESET_AFTER;
        desc.gru_update = replaces ? CLRNN_UPDATE_REPLACES : CLRNN_UPDATE_KEEPS;
    } else if (strcmp(cell, "rnn") == 0) {
        desc.cell = CLRNN_CELL_RNN;
        desc.nonlinearity = act && strcmp(act, "relu") == 0 ? CLRNN_RELU : CLRNN_TANH;
    } else {
        assert_string_equal(cell, "lstm");
        desc.peepholes = cJSON_HasObjectItem(json, "peepholes");
    }
    desc.layer_norm = cJSON_HasObjectItem(json, "layer_norm");
    const cJSON *epsilon = cJSON_GetObjectItemCaseSensitive(json, "norm_epsilon");
    desc.norm_epsilon = epsilon ? (float)epsilon->valuedouble : 0;
    desc.zoneout = number_or_0(json, "zoneout");
    desc.zoneout_cell = number_or_0(json, "zoneout_cell");
    desc.recurrent_dropout = number_or_0(json, "recurrent_dropout");
    return desc;
}

static uint32_t *read_lengths(const cJSON *json, uint32_t batch)
{
    const cJSON *array = member(json, "lengths"), *item = NULL;
    if (cJSON_IsNull(array))
        return NULL;
    assert_int_equal(cJSON_GetArraySize(array), batch);
    uint32_t *lengths = calloc(batch, sizeof *lengths), n = 0;
    assert_non_null(lengths);
    cJSON_ArrayForEach(item, array) lengths[n++] = (uint32_t)item->valuedouble;
    return lengths;
}

static void read_vector(const cJSON *json, test_vector *v)
{
    v->batch_first = cJSON_IsTrue(member(json, "batch_first"));
    test_inputs *in = &v->in;
    in->desc = read_desc(json);
    in->steps = number(json, "T");
    in->batch = number(json, "N");
    in->lengths = read_lengths(json, in->batch);

    test_sizes sizes = test_sizes_of(in);
    in->weights = read_weights(json, "params", v);
    in->x = read_sequence(json, "x", v, sizes.x);
    in->dy = read_sequence(json, "dy", v, sizes.y);
    in->h0 = read_array(json, "h0", v, sizes.h);
    in->dhn = read_array(json, "dhn", v, sizes.h);

    v->expected = (test_outputs){.y = read_sequence(json, "y", v, sizes.y),
                                 .hn = read_array(json, "hn", v, sizes.h),
                                 .dx = read_sequence(json, "dx", v, sizes.x),
                                 .dh0 = read_array(json, "dh0", v, sizes.h),
                                 .dweights = read_weights(json, "dparams", v)};
    if (sizes.c) {
        in->c0 = read_array(json, "c0", v, sizes.c);
        in->dcn = read_array(json, "dcn", v, sizes.c);
        v->expected.cn = read_array(json, "cn", v, sizes.c);
        v->expected.dc0 = read_array(json, "dc0", v, sizes.c);
    }
}

/* more: out, a member that may be there and true. */
static test_vector load_with(const char *folder, const char *name, bool whole, const char *more,
                             bool *is_true)
{
    test_vector v = {.whole = whole};
    char file[128];
    void *text = NULL;
    size_t size = 0;
    snprintf(v.name, sizeof v.name, "%s", name);
    snprintf(file, sizeof file, "%s/%s.json", folder, name);
    assert_int_equal(clr_file_read(test_data(file), &test_log, &text, &size), CLRNN_OK);
    cJSON *json = cJSON_ParseWithLength(text, size);
    free(text);
    if (!json)
        fail_msg("%s is not JSON", file);
    read_vector(json, &v);
    *is_true = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(json, more));
    cJSON_Delete(json);
    return v;
}

static test_vector load(const char *folder, const char *name, bool whole)
{
    bool unused;
    return load_with(folder, name, whole, "drawn", &unused);
}

test_vector test_vector_load(const char *name)
{
    return load("pytorch", name, true);
}

test_vector test_peephole_load(const char *name)
{
    return load("peepholes", name, false);
}

test_vector test_normed_load(const char *name)
{
    test_vector v = load("layer_norm", name, true);
    assert_true(v.in.desc.layer_norm);
    return v;
}

test_vector test_zoned_load(const char *name, bool *drawn)
{
    test_vector v = load_with("zoneout", name, true, "drawn", drawn);
    const clrnn_network_desc *n = &v.in.desc;
    assert_true(n->zoneout > 0 || n->recurrent_dropout > 0);
    return v;
}

void test_vector_free(test_vector *vector)
{
    test_inputs_free(&vector->in);
    test_outputs_free(&vector->expected);
}
