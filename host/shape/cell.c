/* SPDX-License-Identifier: MIT
 * shape/cell.c - see shape/cell.h: the table, and what is read from it. */
#include "shape/cell.h"

#include <string.h>

#include "../../cl/cell.cl"

#define NAMES(...) ((const char *const[]){__VA_ARGS__, NULL})
#define MEMBER(name)                                               \
    .member = #name, .offset = offsetof(clrnn_network_desc, name), \
    .size = sizeof((clrnn_network_desc *)NULL)->name
#define NUMBER(name) \
    MEMBER(name), .kind = CLR_OPTION_NUMBER, .key = #name, .field = #name, .seldom = true
#define ACTIVATION(direction, which)                                                    \
    MEMBER(activations[direction][which]), .kind = CLR_OPTION_FUNCTION, .seldom = true, \
                                           .bit = OPTION_FUNCTIONS

const clr_cell_option clr_options[CLR_OPTIONS] = {
    [CLR_OPTION_PROJECTION] = {MEMBER(proj_size), .kind = CLR_OPTION_SIZE, .key = "P",
                               .field = "proj_size", .bit = OPTION_PROJECTED,
                               .tensor = "weight_hr"},
    [CLR_OPTION_RESET] = {MEMBER(gru_reset), .key = "reset", .field = "reset",
                          .words = NAMES("before", "after"), .define = "CELL_RESET_BEFORE",
                          .defined = CLRNN_RESET_BEFORE, .must_say = true,
                          .imported = CLRNN_RESET_AFTER},
    [CLR_OPTION_UPDATE] = {MEMBER(gru_update), .key = "update", .field = "update",
                           .words = NAMES("replaces", "keeps"), .bit = OPTION_KEEPS,
                           .must_say = true, .imported = CLRNN_UPDATE_KEEPS},
    [CLR_OPTION_NONLINEARITY] = {MEMBER(nonlinearity), .key = "act", .field = "nonlinearity",
                                 .words = NAMES("tanh", "relu"), .bit = OPTION_RELU},
    [CLR_OPTION_PEEPHOLES] = {MEMBER(peepholes), .key = "peepholes", .field = "peepholes",
                              .words = NAMES("0", "1"), .bit = OPTION_PARAMS,
                              .tensor = "weight_peephole"},
    [CLR_OPTION_COUPLED] = {MEMBER(coupled_gates), .key = "coupled", .field = "coupled_gates",
                            .words = NAMES("0", "1"), .bit = OPTION_COUPLED, .seldom = true},
    [CLR_OPTION_GATE_CLIP] = {NUMBER(gate_clip), .bit = OPTION_GATE_CLIP},
    [CLR_OPTION_CELL_CLIP] = {NUMBER(cell_clip), .bit = OPTION_CELL_CLIP},
    [CLR_OPTION_PROJ_CLIP] = {NUMBER(proj_clip), .bit = OPTION_PROJ_CLIP},
    [CLR_OPTION_LAYER_NORM] = {MEMBER(layer_norm), .key = "layer_norm", .field = "layer_norm",
                               .words = NAMES("0", "1"), .bit = OPTION_NORM,
                               .tensor = "weight_ln_ih", .seldom = true},
    [CLR_OPTION_NORM_EPSILON] = {NUMBER(norm_epsilon)},
    [CLR_OPTION_ZONEOUT] = {NUMBER(zoneout), .below = 1, .bit = OPTION_ZONEOUT},
    [CLR_OPTION_ZONEOUT_CELL] = {NUMBER(zoneout_cell), .below = 1, .bit = OPTION_ZONE_CELL},
    [CLR_OPTION_RECURRENT_DROPOUT] = {NUMBER(recurrent_dropout), .below = 1, .training = true},
    [CLR_OPTION_ACTIVATIONS] = {ACTIVATION(0, 0), .key = "act_f", .field = "activation_f"},
    {ACTIVATION(0, 1), .key = "act_g", .field = "activation_g"},
    {ACTIVATION(0, 2), .key = "act_h", .field = "activation_h"},
    {ACTIVATION(1, 0), .key = "act_f_back", .field = "activation_f_reverse"},
    {ACTIVATION(1, 1), .key = "act_g_back", .field = "activation_g_reverse"},
    {ACTIVATION(1, 2), .key = "act_h_back", .field = "activation_h_reverse"},
};

static const clr_cell_spec cells[] = {
    /* c_t = f*c_{t-1} + i*g;  h_t = o*tanh(c_t), of which a projection saves what it multiplies;
     * peepholes: i and f see c_{t-1}, o sees c_t */
    [CLRNN_CELL_LSTM] = {.info = {.name = "lstm",
                                  .gates = 4,
                                  .gate_names = NAMES("i", "f", "g", "o"),
                                  .has_cell_state = true,
                                  .options =
                                      NAMES("P", "peepholes", "coupled", "gate_clip", "cell_clip",
                                            "proj_clip", "layer_norm", "norm_epsilon", "zoneout",
                                            "zoneout_cell", "recurrent_dropout", "act_f", "act_g",
                                            "act_h", "act_f_back", "act_g_back", "act_h_back")},
                         .title = "LSTM",
                         .forms = {{.phases = 1, .phase = {{0, 4}}}},
                         .parameters = {.tensor = "weight_peephole",
                                        .key = "peepholes",
                                        .count = 3,
                                        .each = {{0, false}, {1, false}, {3, true}}},
                         .functions = {CLRNN_FN_SIGMOID, CLRNN_FN_TANH, CLRNN_FN_TANH},
                         .function_of = {0, 0, 1, 0},
                         .keeping = {.sign = 1, .gate = 1, .admits = 0, .usual = 1}},
    /* before: r and z first, then n of the saved r*h_{t-1};  after: saved U_n h_{t-1} + b_n */
    [CLRNN_CELL_GRU] =
        {.info = {.name = "gru",
                  .gates = 3,
                  .gate_names = NAMES("r", "z", "n"),
                  .options =
                      NAMES("reset", "update", "gate_clip", "layer_norm", "norm_epsilon", "zoneout",
                            "recurrent_dropout", "act_f", "act_g", "act_f_back", "act_g_back")},
         .title = "GRU",
         .chooses = "reset",
         .forms = {[CLRNN_RESET_BEFORE] = {.phases = 2, .phase = {{0, 2}, {2, 1}}, .saved = 1},
                   [CLRNN_RESET_AFTER] =
                       {.phases = 1, .phase = {{0, 3}}, .saved = 1, .two_inputs = true}},
         .functions = {CLRNN_FN_SIGMOID, CLRNN_FN_TANH},
         .function_of = {0, 0, 1},
         .turns = "update",
         .turned_gate = 1,
         .keeping = {.sign = -1, .gate = 1, .admits = 1}},
    [CLRNN_CELL_RNN] = {.info = {.name = "rnn",
                                 .gates = 1,
                                 .gate_names = NAMES("h"),
                                 .options =
                                     NAMES("act", "gate_clip", "layer_norm", "norm_epsilon",
                                           "zoneout", "recurrent_dropout", "act_f", "act_f_back")},
                        .title = "RNN",
                        .forms = {{.phases = 1, .phase = {{0, 1}}}},
                        .functions = {CLRNN_FN_TANH}},
};

#define NAME(id, name) #name,
const char *const clr_cell_names[] = {CLR_CELLS(NAME) NULL};

/* --- cells ---------------------------------------------------------------------------------- */

const clr_cell_spec *clr_cell_of(clrnn_cell cell)
{
    return (size_t)cell < sizeof cells / sizeof *cells ? &cells[cell] : NULL;
}

bool clr_cell_has(const clr_cell_spec *cell, const clr_cell_option *option)
{
    for (const char *const *key = cell->info.options; *key; key++)
        if (strcmp(*key, option->key) == 0)
            return true;
    return false;
}

/* The value of the option with this key; 0 without a key. */
static uint32_t value_of(const clrnn_network_desc *desc, const char *key)
{
    for (size_t i = 0; i < CLR_OPTIONS && key; i++)
        if (strcmp(clr_options[i].key, key) == 0)
            return clr_option_get(desc, &clr_options[i]);
    return 0;
}

const clr_cell_form *clr_cell_form_of(const clr_cell_spec *cell, const clrnn_network_desc *desc)
{
    return &cell->forms[value_of(desc, cell->chooses)];
}

uint32_t clr_cell_parameters(const clr_cell_spec *cell, const clrnn_network_desc *desc)
{
    return value_of(desc, cell->parameters.key) ? cell->parameters.count : 0;
}

clrnn_activation clr_cell_activation(const clr_cell_spec *cell, const clrnn_network_desc *desc,
                                     uint32_t direction, uint32_t which)
{
    const clrnn_activation own = desc->activations[direction][which];
    const bool relu = desc->nonlinearity == CLRNN_RELU && which == 0;
    return own.function != CLRNN_FN_USUAL ? own
           : relu                         ? clrnn_activation_of(CLRNN_FN_RELU)
                                          : clrnn_activation_of(cell->functions[which]);
}

float clr_cell_keeping_sign(const clr_cell_spec *cell, const clrnn_network_desc *desc)
{
    return value_of(desc, cell->turns) ? -cell->keeping.sign : cell->keeping.sign;
}

bool clr_cell_is_turned(const clr_cell_spec *cell, const clrnn_network_desc *desc)
{
    return cell->turns && value_of(desc, cell->turns) == 0;
}

const clrnn_cell_info *clrnn_cell_get_info(clrnn_cell cell)
{
    const clr_cell_spec *spec = clr_cell_of(cell);
    return spec ? &spec->info : NULL;
}
