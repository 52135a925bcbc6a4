/* SPDX-License-Identifier: MIT
 * shape/network.c - checking a network description; where each weight lies. */
#include "shape/network.h"

#include <stdio.h>

#include "base/checked.h"
#include "base/log.h"

/* The cells that have an option, in words: "GRU". */
static void write_owners(const clr_cell_option *option, char *text, size_t size)
{
    const clr_cell_spec *cell;
    size_t at = 0;
    text[0] = 0;
    for (int i = 0; (cell = clr_cell_of((clrnn_cell)i)) && at < size; i++)
        if (clr_cell_has(cell, option))
            at += (size_t)snprintf(text + at, size - at, "%s%s", at ? " and " : "", cell->title);
}

typedef struct option_text {
    char text[CLR_OPTION_ROOM];
} option_text;

/* Words as their number, as callers of C know them. */
static option_text show_option(const clrnn_network_desc *d, const clr_cell_option *option)
{
    option_text value;
    if (option->kind == CLR_OPTION_WORD)
        snprintf(value.text, sizeof value.text, "%u", clr_option_get(d, option));
    else
        clr_option_write(d, option, value.text);
    return value;
}

/* What only goes with something else. */
static clrnn_status check_pairs(const clrnn_network_desc *d, const clrnn_log *log)
{
    if ((unsigned)d->merge > CLRNN_MERGE_SUM)
        return clr_fail(log, CLRNN_ERR_ARGUMENT, "network: merge %d is unknown, not in 0..%d",
                        (int)d->merge, CLRNN_MERGE_SUM);
    if (d->no_bias && d->single_bias)
        return clr_fail(log, CLRNN_ERR_ARGUMENT, "network: no_bias and single_bias are both given");
    if (d->reverse && d->bidirectional)
        return clr_fail(log, CLRNN_ERR_ARGUMENT,
                        "network: reverse and bidirectional are both given");
    if (d->merge && !d->bidirectional)
        return clr_fail(log, CLRNN_ERR_ARGUMENT,
                        "network: merge is %d, but there is one direction, nothing to merge",
                        (int)d->merge);
    if (d->proj_clip > 0 && !d->proj_size)
        return clr_fail(log, CLRNN_ERR_ARGUMENT,
                        "network: proj_clip is %g, but there is no projection, proj_size is 0",
                        (double)d->proj_clip);
    if (d->norm_epsilon > 0 && !d->layer_norm)
        return clr_fail(log, CLRNN_ERR_ARGUMENT,
                        "network: norm_epsilon is %g, but layer_norm is not given",
                        (double)d->norm_epsilon);
    if (d->zoneout_cell > 0 && d->layer_norm)
        return clr_fail(log, CLRNN_ERR_ARGUMENT,
                        "network: zoneout_cell is %g, but with layer_norm h is made of the norm of "
                        "the new c, which nothing keeps beside the old one; zoneout is of h",
                        (double)d->zoneout_cell);
    if (d->nonlinearity && d->activations[0][0].function)
        return clr_fail(log, CLRNN_ERR_ARGUMENT,
                        "network: nonlinearity and activations[0][0] are both given");
    for (int i = 0; i < CLRNN_ACTIVATIONS && !d->bidirectional; i++)
        if (d->activations[1][i].function)
            return clr_fail(log, CLRNN_ERR_ARGUMENT,
                            "network: activations[1][%d] is %s, but the network has no second "
                            "direction",
                            i, clrnn_function_name(d->activations[1][i].function));
    return CLRNN_OK;
}

static clrnn_status check_options(const clrnn_network_desc *d, const clrnn_log *log)
{
    const clr_cell_spec *cell = clr_cell_of(d->cell);
    char owners[64];
    if (!cell)
        return clr_fail(log, CLRNN_ERR_ARGUMENT, "network: cell %d is unknown, not in 0..%d",
                        (int)d->cell, CLR_CELL_COUNT - 1);
    for (const clr_cell_option *o = clr_options; o < clr_options + CLR_OPTIONS; o++)
        if (o->words && clr_option_get(d, o) >= clr_option_values(o))
            return clr_fail(log, CLRNN_ERR_ARGUMENT, "network: %s %d is unknown, not in 0..%u",
                            o->member, (int)clr_option_get(d, o), clr_option_values(o) - 1);
        else if (!clr_option_valid(d, o))
            return clr_fail(log, CLRNN_ERR_ARGUMENT,
                            o->below > 0 ? "network: %s is %s, not a number from 0 on and below 1"
                            : o->kind == CLR_OPTION_NUMBER
                                ? "network: %s is %s, not a finite number from 0 on"
                                : "network: %s is %s: no function, or alpha or beta is not finite",
                            o->member, show_option(d, o).text);
    for (const clr_cell_option *o = clr_options; o < clr_options + CLR_OPTIONS; o++) {
        write_owners(o, owners, sizeof owners);
        if (clr_option_get(d, o) && !clr_cell_has(cell, o))
            return clr_fail(log, CLRNN_ERR_ARGUMENT,
                            "network: %s is %s, but %s is an option of %s only", o->member,
                            show_option(d, o).text, o->member, owners);
    }
    return CLRNN_OK;
}

static clrnn_status check_sizes(const clrnn_network_desc *d, const clrnn_log *log)
{
    /* Kernels count gate rows in 32 bits. */
    const uint32_t most = 1u << 28;
    if (d->input_size == 0 || d->input_size > most)
        return clr_fail(log, CLRNN_ERR_RANGE, "network: input_size is %u, not in 1..%u",
                        d->input_size, most);
    if (d->hidden_size == 0 || d->hidden_size > most)
        return clr_fail(log, CLRNN_ERR_RANGE, "network: hidden_size is %u, not in 1..%u",
                        d->hidden_size, most);
    if (d->num_layers > 1000)
        return clr_fail(log, CLRNN_ERR_RANGE, "network: num_layers is %u, not in 0..1000",
                        d->num_layers);
    if (d->proj_size && d->proj_size >= d->hidden_size)
        return clr_fail(log, CLRNN_ERR_RANGE,
                        "network: proj_size %u is not less than hidden_size %u", d->proj_size,
                        d->hidden_size);
    return CLRNN_OK;
}

clrnn_status clr_network_init(const clrnn_network_desc *desc, const clrnn_log *log,
                              clr_network *network)
{
    if (!desc)
        return clr_fail(log, CLRNN_ERR_ARGUMENT, "network: no description, desc is NULL");
    clrnn_status status = check_options(desc, log);
    if (status == CLRNN_OK)
        status = check_pairs(desc, log);
    if (status == CLRNN_OK)
        status = check_sizes(desc, log);
    if (status != CLRNN_OK)
        return status;

    clr_network n = {.desc = *desc};
    if (n.desc.num_layers == 0)
        n.desc.num_layers = 1;
    n.cell = clr_cell_of(desc->cell);
    n.form = clr_cell_form_of(n.cell, desc);
    n.gates = n.cell->info.gates;
    n.has_cell_state = n.cell->info.has_cell_state;
    n.layers = n.desc.num_layers;
    n.directions = desc->bidirectional ? 2 : 1;
    n.state_size = desc->proj_size ? desc->proj_size : desc->hidden_size;
    n.biases = desc->no_bias ? 0 : desc->single_bias ? 1 : 2;
    n.back_in_time = desc->bidirectional || desc->reverse;
    n.width = desc->merge == CLRNN_MERGE_SUM ? n.state_size : n.directions * n.state_size;
    n.saved = n.form->saved + (desc->proj_size ? 1 : 0) + (desc->zoneout_cell > 0 ? 1 : 0);
    n.parameters = clr_cell_parameters(n.cell, desc);
    clr_size rows = clr_size_mul(clr_size_of(n.gates), desc->hidden_size);
    const uint64_t norms = desc->layer_norm ? 2 * n.gates + (n.has_cell_state ? 2 : 0) : 0;
    if (desc->layer_norm) {
        n.epsilon = desc->norm_epsilon > 0 ? (double)desc->norm_epsilon : 1e-5;
        n.normed = (2 * n.gates + n.has_cell_state) * desc->hidden_size + CLR_NORM_SCALES;
    }

    clr_size total = {0};
    for (uint32_t layer = 0; layer < n.layers; layer++) {
        uint64_t inputs = layer ? n.width : desc->input_size;
        uint64_t columns = inputs + n.state_size + n.biases;
        clr_size cell = clr_size_mul(rows, columns);
        uint64_t others = (uint64_t)desc->proj_size + n.parameters + norms; /* times H */
        cell = clr_size_add(cell, clr_size_mul(clr_size_of(others), desc->hidden_size));
        total = clr_size_add(total, clr_size_mul(cell, n.directions));
    }
    /* Offsets in bytes must not overflow either. */
    if (total.overflow || clr_size_mul(total, sizeof(double)).overflow)
        return clr_fail(log, CLRNN_ERR_RANGE,
                        "network: the weights (input_size %u, hidden_size %u, num_layers %u) are "
                        "more than memory can address",
                        desc->input_size, desc->hidden_size, n.layers);
    n.weights = total.value;
    *network = n;
    return CLRNN_OK;
}

/* Where a cell's weights lie when they begin at `at`. */
static clr_cell_weights place(const clr_network *n, uint32_t layer, size_t at)
{
    size_t rows = (size_t)n->gates * n->desc.hidden_size;
    clr_cell_weights w = {.b_ih = CLR_ABSENT,
                          .b_hh = CLR_ABSENT,
                          .w_hr = CLR_ABSENT,
                          .params = CLR_ABSENT,
                          .ln_ih = CLR_ABSENT,
                          .ln_hh = CLR_ABSENT,
                          .ln_c = CLR_ABSENT,
                          .bias_ln_c = CLR_ABSENT};
    w.inputs = layer ? n->width : n->desc.input_size;
    w.w_ih = at;
    w.w_hh = w.w_ih + rows * w.inputs;
    w.end = w.w_hh + rows * n->state_size;
    if (n->biases > 0) {
        w.b_ih = w.end;
        w.end += rows;
    }
    if (n->biases > 1) {
        w.b_hh = w.end;
        w.end += rows;
    }
    if (n->desc.proj_size) {
        w.w_hr = w.end;
        w.end = w.w_hr + (size_t)n->desc.proj_size * n->desc.hidden_size;
    }
    if (n->parameters) {
        w.params = w.end;
        w.end = w.params + (size_t)n->parameters * n->desc.hidden_size;
    }
    if (n->normed) {
        w.ln_ih = w.end;
        w.ln_hh = w.ln_ih + rows;
        w.end = w.ln_hh + rows;
    }
    if (n->normed && n->has_cell_state) {
        w.ln_c = w.end;
        w.bias_ln_c = w.ln_c + n->desc.hidden_size;
        w.end = w.bias_ln_c + n->desc.hidden_size;
    }
    return w;
}

bool clr_network_down(const clr_network *network, uint32_t direction)
{
    return network->desc.reverse || direction == 1;
}

clr_cell_weights clr_network_cell(const clr_network *network, uint32_t layer, uint32_t direction)
{
    /* All cells of one layer have the same size, and so have all cells above the first layer. */
    size_t first = place(network, 0, 0).end, other = place(network, 1, 0).end;
    size_t at = layer ? network->directions * (first + (layer - 1) * other) : 0;
    return place(network, layer, at + direction * (layer ? other : first));
}

clrnn_status clrnn_network_weights(const clrnn_network_desc *desc, const clrnn_log *log,
                                   size_t *tensors, size_t *elements)
{
    clr_network n;
    clrnn_status status = clr_network_init(desc, log, &n);
    if (status != CLRNN_OK)
        return status;
    size_t per_cell = 2 + n.biases + (desc->proj_size ? 1 : 0) + (n.parameters ? 1 : 0);
    if (n.normed)
        per_cell += n.has_cell_state ? 4 : 2;
    if (tensors)
        *tensors = per_cell * n.layers * n.directions;
    if (elements)
        *elements = n.weights;
    return CLRNN_OK;
}

clrnn_status clrnn_network_weight(const clrnn_network_desc *desc, const clrnn_log *log,
                                  size_t index, clrnn_weight_info *info)
{
    size_t tensors = 0;
    clr_network n;
    clrnn_status status = clrnn_network_weights(desc, log, &tensors, NULL);
    if (status != CLRNN_OK)
        return status;
    if (!info)
        return clr_fail(log, CLRNN_ERR_ARGUMENT, "network: info is NULL");
    if (index >= tensors)
        return clr_fail(log, CLRNN_ERR_RANGE, "network: weight index is %zu, not in 0..%zu", index,
                        tensors - 1);
    (void)clr_network_init(desc, log, &n);

    size_t per_cell = tensors / ((size_t)n.layers * n.directions);
    uint32_t cell = (uint32_t)(index / per_cell);
    uint32_t layer = cell / n.directions, direction = cell % n.directions;
    clr_cell_weights w = clr_network_cell(&n, layer, direction);
    uint64_t rows = (uint64_t)n.gates * n.desc.hidden_size;
    const struct {
        const char *name;
        size_t offset;
        uint32_t rank;
        uint64_t shape[2];
    } all[] = {
        {"weight_ih", w.w_ih, 2, {rows, w.inputs}},
        {"weight_hh", w.w_hh, 2, {rows, n.state_size}},
        {"bias_ih", w.b_ih, 1, {rows, 1}},
        {"bias_hh", w.b_hh, 1, {rows, 1}},
        {"weight_hr", w.w_hr, 2, {n.desc.proj_size, n.desc.hidden_size}},
        {n.cell->parameters.tensor, w.params, 1, {(uint64_t)n.parameters * n.desc.hidden_size, 1}},
        {"weight_ln_ih", w.ln_ih, 1, {rows, 1}},
        {"weight_ln_hh", w.ln_hh, 1, {rows, 1}},
        {"weight_ln_c", w.ln_c, 1, {n.desc.hidden_size, 1}},
        {"bias_ln_c", w.bias_ln_c, 1, {n.desc.hidden_size, 1}}};
    size_t wanted = index % per_cell, i = 0;
    while (all[i].offset == CLR_ABSENT || wanted-- > 0)
        i++;
    *info = (clrnn_weight_info){.rank = all[i].rank,
                                .shape = {all[i].shape[0], all[i].shape[1]},
                                .offset = all[i].offset,
                                .count = (size_t)(all[i].shape[0] * all[i].shape[1])};
    snprintf(info->name, sizeof info->name, "%s_l%u%s", all[i].name, layer,
             direction ? "_reverse" : "");
    return CLRNN_OK;
}
