/* SPDX-License-Identifier: MIT
 * format/rtneural_layers.c - see format/rtneural_layers.h. */
#include "format/rtneural_layers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "format/keras/cell.h"

/* --- what fits -------------------------------------------------------------------------------- */

static clrnn_status wrong(const clr_rtneural *r, const char *what)
{
    return clr_fail(r->log, CLRNN_ERR_FORMAT, "%s: layer %u (%s): %s", r->file->path, r->number,
                    clr_show(r->type).text, what);
}

static clrnn_status unsupported(const clr_rtneural *r, const char *what, const char *which)
{
    return clr_fail(r->log, CLRNN_ERR_UNSUPPORTED, "%s: layer %u (%s): %s %s is not supported",
                    r->file->path, r->number, clr_show(r->type).text, what, clr_show(which).text);
}

static const cJSON *field(const clr_rtneural *r, const char *name)
{
    return cJSON_GetObjectItemCaseSensitive(r->layer, name);
}

static clrnn_status check_fields(const clr_rtneural *r, const char *const *known)
{
    const char *other = NULL;
    return clr_json_known(r->layer, known, &other) ? CLRNN_OK : unsupported(r, "field", other);
}

/* The weights' array number k, which must be of this shape. */
static clrnn_status take(clr_rtneural *r, uint32_t k, uint32_t rank, const uint64_t *shape)
{
    const cJSON *array = cJSON_GetArrayItem(field(r, "weights"), (int)k);
    char what[480];
    uint64_t found[CLRNN_MOST_AXES];
    size_t count = 1;
    for (uint32_t i = 0; i < rank; i++)
        count = count < SIZE_MAX / 16 / (shape[i] + 1) ? count * (size_t)shape[i] : SIZE_MAX / 16;
    /* a number takes two bytes of the file at least */
    double *values = count <= r->file->bytes ? clr_calloc(count, sizeof *values) : NULL;
    if (values && clr_json_numbers(array, rank, shape, values)) {
        r->values[k] = values;
        return CLRNN_OK;
    }
    free(values);
    snprintf(what, sizeof what, "weights %u are %s, but must be numbers of shape %s", k,
             clr_show_shape(clr_json_shape(array, found), found).text,
             clr_show_shape(rank, shape).text);
    return wrong(r, what);
}

static clrnn_status take_count(const clr_rtneural *r, int count)
{
    char what[80];
    const int found = cJSON_GetArraySize(field(r, "weights"));
    if (found == count)
        return CLRNN_OK;
    snprintf(what, sizeof what, "it has %d arrays of weights, but needs %d", found, count);
    return wrong(r, what);
}

/* --- activations ------------------------------------------------------------------------------ */

static clrnn_status find_function(const clr_rtneural *r, const char *name, clrnn_function *function)
{
    static const clrnn_function known[] = {CLRNN_FN_TANH, CLRNN_FN_RELU, CLRNN_FN_SIGMOID,
                                           CLRNN_FN_ELU};
    *function = CLRNN_FN_IDENTITY;
    if (!*name || strcmp(name, "linear") == 0)
        return CLRNN_OK;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(clrnn_function_name(known[i]), name) == 0) {
            *function = known[i];
            return CLRNN_OK;
        }
    return unsupported(r, "activation", name);
}

static const char *activation(const clr_rtneural *r)
{
    const char *name = cJSON_GetStringValue(field(r, "activation"));
    return name ? name : "";
}

/* What follows a node as a node of its own. */
static clrnn_status add_activation(const clr_rtneural *r)
{
    clrnn_node_desc desc = {.kind = CLRNN_NODE_SOFTMAX, .axis = -1};
    if (strcmp(activation(r), "softmax") == 0)
        return clrnn_graph_add(r->graph, &desc, NULL);
    desc = (clrnn_node_desc){.kind = CLRNN_NODE_ACTIVATION};
    clrnn_status status = find_function(r, activation(r), &desc.function);
    return status == CLRNN_OK && desc.function != CLRNN_FN_IDENTITY
               ? clrnn_graph_add(r->graph, &desc, NULL)
               : status;
}

/* --- layers ----------------------------------------------------------------------------------- */

static clrnn_status set(const clr_rtneural *r, const char *leaf, const double *values, size_t count)
{
    char name[128];
    snprintf(name, sizeof name, "%s.%s", r->name, leaf);
    return clrnn_graph_set_parameter(r->graph, name, values, count);
}

static clrnn_status read_dense(clr_rtneural *r)
{
    static const char *const known[] = {"type", "activation", "shape", "weights", NULL};
    const clrnn_node_desc desc = {.kind = CLRNN_NODE_DENSE, .name = r->name, .units = r->out};
    const uint64_t kernel[] = {r->in, r->out}, bias[] = {r->out};
    clrnn_status status = check_fields(r, known);
    if (status == CLRNN_OK)
        status = take_count(r, 2);
    if (status == CLRNN_OK)
        status = take(r, 0, 2, kernel);
    if (status == CLRNN_OK)
        status = take(r, 1, 1, bias);
    if (status == CLRNN_OK)
        status = clrnn_graph_add(r->graph, &desc, NULL);
    double *turned = status == CLRNN_OK ? clr_calloc((size_t)r->in * r->out, sizeof *turned) : NULL;
    if (status == CLRNN_OK && !turned)
        status = clr_fail(r->log, CLRNN_ERR_MEMORY, "%s: no memory", r->file->path);
    for (size_t i = 0; turned && i < (size_t)r->in * r->out; i++)
        turned[i] = r->values[0][i % r->in * r->out + i / r->in];
    if (status == CLRNN_OK)
        status = set(r, "weight", turned, (size_t)r->in * r->out);
    if (status == CLRNN_OK)
        status = set(r, "bias", r->values[1], r->out);
    free(turned);
    return status == CLRNN_OK ? add_activation(r) : status;
}

/* Kernel [K,I/groups,O] to [O,I/groups,K]. */
static clrnn_status set_kernel(const clr_rtneural *r, uint32_t kernel, uint32_t inputs)
{
    const size_t count = (size_t)kernel * inputs * r->out;
    double *turned = clr_calloc(count, sizeof *turned), *to = turned;
    if (!turned)
        return clr_fail(r->log, CLRNN_ERR_MEMORY, "%s: no memory", r->file->path);
    for (size_t o = 0; o < r->out; o++)
        for (size_t i = 0; i < inputs; i++)
            for (size_t k = 0; k < kernel; k++)
                *to++ = r->values[0][(k * inputs + i) * r->out + o];
    clrnn_status status = set(r, "weight", turned, count);
    free(turned);
    return status;
}

static clrnn_status read_conv1d(clr_rtneural *r)
{
    static const char *const known[] = {"type",        "activation", "shape",  "weights",
                                        "kernel_size", "dilation",   "groups", NULL};
    clrnn_node_desc desc = {
        .kind = CLRNN_NODE_CONV1D, .name = r->name, .units = r->out, .groups = 1, .causal = true};
    clrnn_status status = check_fields(r, known);
    if (status == CLRNN_OK &&
        (!clr_json_last(field(r, "kernel_size"), &desc.kernel[0]) ||
         !clr_json_last(field(r, "dilation"), &desc.dilation[0]) ||
         (field(r, "groups") && !clr_json_last(field(r, "groups"), &desc.groups)) ||
         r->in % desc.groups))
        status = wrong(r, "kernel_size, dilation and groups must be sizes that fit");
    const uint64_t kernel[] = {desc.kernel[0], r->in / desc.groups, r->out}, bias[] = {r->out};
    if (status == CLRNN_OK)
        status = take_count(r, 2);
    if (status == CLRNN_OK)
        status = take(r, 0, 3, kernel);
    if (status == CLRNN_OK)
        status = take(r, 1, 1, bias);
    if (status == CLRNN_OK)
        status = clrnn_graph_add(r->graph, &desc, NULL);
    if (status == CLRNN_OK)
        status = set_kernel(r, desc.kernel[0], (uint32_t)kernel[1]);
    if (status == CLRNN_OK)
        status = set(r, "bias", r->values[1], r->out);
    return status == CLRNN_OK ? add_activation(r) : status;
}

static clrnn_status read_recurrent(clr_rtneural *r)
{
    static const char *const known[] = {"type", "activation", "shape", "weights", NULL};
    const bool gru = strcmp(r->type, "gru") == 0;
    const uint64_t wide = (uint64_t)(gru ? 3 : 4) * r->out;
    const uint64_t kernel[] = {r->in, wide}, recurrent[] = {r->out, wide};
    const uint64_t bias[] = {gru ? 2 : wide, wide};
    const clrnn_node_desc desc = {.kind = CLRNN_NODE_RECURRENT,
                                  .name = r->name,
                                  .network = {.cell = gru ? CLRNN_CELL_GRU : CLRNN_CELL_LSTM,
                                              .hidden_size = r->out,
                                              .single_bias = !gru,
                                              .gru_reset = gru ? CLRNN_RESET_AFTER : 0,
                                              .gru_update = gru ? CLRNN_UPDATE_KEEPS : 0}};
    clrnn_status status = check_fields(r, known);
    if (status == CLRNN_OK && *activation(r) && strcmp(activation(r), "tanh") != 0)
        status = unsupported(r, "activation", activation(r));
    if (status == CLRNN_OK)
        status = take_count(r, 3);
    if (status == CLRNN_OK)
        status = take(r, 0, 2, kernel);
    if (status == CLRNN_OK)
        status = take(r, 1, 2, recurrent);
    if (status == CLRNN_OK)
        status = take(r, 2, gru ? 2 : 1, bias);
    if (status == CLRNN_OK)
        status = clrnn_graph_add(r->graph, &desc, NULL);
    const clr_keras_cell cell = {r->values[0], r->values[1], r->values[2], gru};
    return status == CLRNN_OK ? clr_keras_cell_put(r->graph, r->name, "_l0", &cell) : status;
}

/* alpha [[[..]]] or [[..]], one for each feature: relu(x) - alpha relu(-x). */
static clrnn_status read_prelu(clr_rtneural *r)
{
    static const char *const known[] = {"type", "activation", "shape", "weights", NULL};
    const uint64_t shape[] = {1, r->out};
    char alpha[80], plus[80], minus[80], below[80], x[64];
    const uint32_t nodes = clrnn_graph_nodes(r->graph);
    snprintf(x, sizeof x, "%s", nodes ? clrnn_graph_node(r->graph, nodes - 1)->name : "x");
    snprintf(alpha, sizeof alpha, "%s.alpha", r->name);
    snprintf(plus, sizeof plus, "%s.plus", r->name);
    snprintf(minus, sizeof minus, "%s.minus", r->name);
    snprintf(below, sizeof below, "%s.below", r->name);
    clrnn_status status = check_fields(r, known);
    if (status == CLRNN_OK && r->out != r->in)
        status = wrong(r, "its shape is not that of what it reads");
    if (status == CLRNN_OK)
        status = take_count(r, 1);
    if (status == CLRNN_OK)
        status = take(r, 0, 2, shape);
    const clrnn_node_desc descs[] = {
        {.kind = CLRNN_NODE_CONSTANT,
         .name = alpha,
         .rank = 1,
         .shape = {r->out},
         .data = r->values[0],
         .trainable = true},
        {.kind = CLRNN_NODE_ACTIVATION, .name = plus, .inputs = {x}, .function = CLRNN_FN_RELU},
        {.kind = CLRNN_NODE_ACTIVATION, .name = minus, .inputs = {x}, .function = CLRNN_FN_NEGATE},
        {.kind = CLRNN_NODE_ACTIVATION, .inputs = {minus}, .function = CLRNN_FN_RELU},
        {.kind = CLRNN_NODE_MUL, .name = below, .inputs = {NULL, alpha}},
        {.kind = CLRNN_NODE_SUB, .name = r->name, .inputs = {plus, below}}};
    for (size_t i = 0; i < sizeof descs / sizeof *descs && status == CLRNN_OK; i++) {
        clrnn_node_desc desc = descs[i];
        if (desc.kind == CLRNN_NODE_MUL)
            desc.inputs[0] = clrnn_graph_node(r->graph, clrnn_graph_nodes(r->graph) - 1)->name;
        status = clrnn_graph_add(r->graph, &desc, NULL);
    }
    return status;
}

static clrnn_status read_batch_norm(clr_rtneural *r)
{
    static const char *const known[] = {"type", "activation", "shape", "weights", "epsilon", NULL};
    static const char *const leaves[] = {"weight", "bias", "running_mean", "running_var"};
    const int count = cJSON_GetArraySize(field(r, "weights"));
    const cJSON *epsilon = field(r, "epsilon");
    const uint64_t shape[] = {r->out};
    clrnn_status status = check_fields(r, known);
    if (status == CLRNN_OK && (r->in != r->out || (count != 2 && count != 4) ||
                               !cJSON_IsNumber(epsilon) || !(epsilon->valuedouble > 0)))
        status = wrong(r, "it needs epsilon and two or four arrays of weights of its width");
    for (int i = 0; i < count && status == CLRNN_OK; i++)
        status = take(r, (uint32_t)i, 1, shape);
    const clrnn_node_desc desc = {.kind = CLRNN_NODE_BATCH_NORM,
                                  .name = r->name,
                                  .axis = -1,
                                  .epsilon = status == CLRNN_OK ? epsilon->valuedouble : 0,
                                  .no_bias = count == 2};
    if (status == CLRNN_OK)
        status = clrnn_graph_add(r->graph, &desc, NULL);
    for (int i = 0; i < count && status == CLRNN_OK; i++)
        status = set(r, leaves[i + (count == 2 ? 2 : 0)], r->values[i], r->out);
    return status == CLRNN_OK ? add_activation(r) : status;
}

static clrnn_status read_activation(clr_rtneural *r)
{
    static const char *const known[] = {"type", "activation", "shape", "weights", NULL};
    clrnn_status status = check_fields(r, known);
    if (status == CLRNN_OK && r->in != r->out)
        status = wrong(r, "its shape is not that of what it reads");
    return status == CLRNN_OK ? add_activation(r) : status;
}

clrnn_status clr_rtneural_layer(clr_rtneural *r)
{
    static const struct {
        const char *type;
        clrnn_status (*read)(clr_rtneural *r);
    } types[] = {{"dense", read_dense},          {"time-distributed-dense", read_dense},
                 {"conv1d", read_conv1d},        {"gru", read_recurrent},
                 {"lstm", read_recurrent},       {"prelu", read_prelu},
                 {"batchnorm", read_batch_norm}, {"activation", read_activation}};
    r->type = cJSON_GetStringValue(field(r, "type"));
    if (!r->type || !clr_json_last(field(r, "shape"), &r->out)) {
        r->type = r->type ? r->type : "?";
        return wrong(r, "it needs a type and a shape");
    }
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (strcmp(types[i].type, r->type) == 0) {
            snprintf(r->name, sizeof r->name, "layer%u", r->number);
            return types[i].read(r);
        }
    return clr_fail(r->log, CLRNN_ERR_UNSUPPORTED, "%s: layer %u: its type %s is not supported",
                    r->file->path, r->number, clr_show(r->type).text);
}
