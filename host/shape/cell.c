/* SPDX-License-Identifier: MIT
 * shape/cell.c - see shape/cell.h: the table, and what is read from it. */
#include "shape/cell.h"

#include <string.h>

#include "../../cl/cell.cl"

#define NAMES(...) ((const char *const[]){__VA_ARGS__, NULL})
#define MEMBER(name)                                               \
    .member = #name, .offset = offsetof(clrnn_network_desc, name), \
    .size = sizeof((clrnn_network_desc *)NULL)->name

const clr_cell_option clr_options[CLR_OPTIONS] = {
    [CLR_OPTION_PROJECTION] = {MEMBER(proj_size), .key = "P", .field = "proj_size",
                               .bit = OPTION_PROJECTED, .tensor = "weight_hr"},
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
};

static const clr_cell_spec cells[] = {
    /* c_t = f*c_{t-1} + i*g;  h_t = o*tanh(c_t), of which a projection saves what it multiplies;
     * peepholes: i and f see c_{t-1}, o sees c_t */
    [CLRNN_CELL_LSTM] = {.info = {.name = "lstm",
                                  .gates = 4,
                                  .gate_names = NAMES("i", "f", "g", "o"),
                                  .has_cell_state = true,
                                  .options = NAMES("P", "peepholes")},
                         .title = "LSTM",
                         .forms = {{.phases = 1, .phase = {{0, 4}}}},
                         .parameters = {.tensor = "weight_peephole",
                                        .key = "peepholes",
                                        .count = 3,
                                        .each = {{0, false}, {1, false}, {3, true}}},
                         .keeping = {.sign = 1, .gate = 1, .admits = 0, .usual = 1}},
    /* before: r and z first, then n of the saved r*h_{t-1};  after: saved U_n h_{t-1} + b_n */
    [CLRNN_CELL_GRU] =
        {.info = {.name = "gru",
                  .gates = 3,
                  .gate_names = NAMES("r", "z", "n"),
                  .options = NAMES("reset", "update")},
         .title = "GRU",
         .chooses = "reset",
         .forms = {[CLRNN_RESET_BEFORE] = {.phases = 2, .phase = {{0, 2}, {2, 1}}, .saved = 1},
                   [CLRNN_RESET_AFTER] =
                       {.phases = 1, .phase = {{0, 3}}, .saved = 1, .two_inputs = true}},
         .turns = "update",
         .turned_gate = 1,
         .keeping = {.sign = -1, .gate = 1, .admits = 1}},
    [CLRNN_CELL_RNN] =
        {.info = {.name = "rnn", .gates = 1, .gate_names = NAMES("h"), .options = NAMES("act")},
         .title = "RNN",
         .forms = {{.phases = 1, .phase = {{0, 1}}}}},
};

#define NAME(id, name) #name,
const char *const clr_cell_names[] = {CLR_CELLS(NAME) NULL};

/* --- options -------------------------------------------------------------------------------- */

uint32_t clr_option_get(const clrnn_network_desc *desc, const clr_cell_option *option)
{
    const char *member = (const char *)desc + option->offset;
    uint32_t value = 0;
    if (option->size == sizeof(bool))
        return *(const bool *)member;
    memcpy(&value, member, sizeof value);
    return value;
}

void clr_option_set(clrnn_network_desc *desc, const clr_cell_option *option, uint32_t value)
{
    char *member = (char *)desc + option->offset;
    if (option->size == sizeof(bool))
        *(bool *)member = value != 0;
    else
        memcpy(member, &value, sizeof value);
}

uint32_t clr_option_values(const clr_cell_option *option)
{
    uint32_t count = 0;
    while (option->words && option->words[count])
        count++;
    return count;
}

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

float clr_cell_keeping_sign(const clr_cell_spec *cell, const clrnn_network_desc *desc)
{
    return value_of(desc, cell->turns) ? -cell->keeping.sign : cell->keeping.sign;
}

const clrnn_cell_info *clrnn_cell_get_info(clrnn_cell cell)
{
    const clr_cell_spec *spec = clr_cell_of(cell);
    return spec ? &spec->info : NULL;
}
