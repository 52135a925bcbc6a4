/* SPDX-License-Identifier: MIT
 * draw.c - problems drawn at random over all that a network and a pass can be. */
#include <clrnn/problem.h>

#include <stdio.h>
#include <string.h>

#include "tool.h"

/* Steele, Lea and Flood 2014, splitmix64. */
static uint64_t draw(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static uint32_t draw_from(uint64_t *s, uint32_t least, uint32_t most)
{
    return least + (uint32_t)(draw(s) % (most - least + 1));
}

static bool one_in(uint64_t *s, uint32_t n)
{
    return draw(s) % n == 0;
}

/* A number with few digits, in hundredths. */
static float draw_number(uint64_t *s, int least, int most)
{
    return (float)(least + (int)(draw(s) % (unsigned)(most - least + 1))) / 100;
}

/* Sizes that fit tiles and sizes that do not; small, since a reference goes with each. */
static uint32_t draw_size(uint64_t *s, uint32_t most)
{
    static const uint32_t awkward[] = {1, 7, 8, 15, 16, 17, 31, 32, 33, 40, 47, 48, 49};
    uint32_t size = one_in(s, 2) ? awkward[draw(s) % (sizeof awkward / sizeof *awkward)]
                                 : draw_from(s, 1, most);
    return size < most ? size : most;
}

static clrnn_activation draw_function(uint64_t *s)
{
    clrnn_activation a =
        clrnn_activation_of((clrnn_function)draw_from(s, CLRNN_FN_USUAL, CLRNN_FN_SOFTPLUS));
    if (one_in(s, 2))
        return a;
    switch (a.function) { /* of either sign, where a network with it does not explode */
    case CLRNN_FN_AFFINE:
    case CLRNN_FN_HARD_SIGMOID:
    case CLRNN_FN_SCALED_TANH:
        a.alpha = draw_number(s, -80, 80);
        a.beta = draw_number(s, -50, 80);
        break;
    case CLRNN_FN_LEAKY_RELU:
    case CLRNN_FN_THRESHOLDED_RELU:
    case CLRNN_FN_ELU:
        a.alpha = draw_number(s, -80, 80);
        break;
    default:
        break;
    }
    return a;
}

static bool has(const clrnn_network_desc *n, const char *option)
{
    return tool_cell_has(n->cell, option);
}

static void draw_options(uint64_t *s, clrnn_network_desc *n)
{
    static const char *const keys[] = {"act_f", "act_g", "act_h"};
    n->gru_reset = has(n, "reset") ? (clrnn_gru_reset)draw_from(s, 0, 1) : 0;
    n->gru_update = has(n, "update") ? (clrnn_gru_update)draw_from(s, 0, 1) : 0;
    n->nonlinearity = has(n, "act") && one_in(s, 4) ? CLRNN_RELU : CLRNN_TANH;
    n->peepholes = has(n, "peepholes") && one_in(s, 3);
    n->coupled_gates = has(n, "coupled") && one_in(s, 3);
    n->proj_size =
        has(n, "P") && n->hidden_size > 1 && one_in(s, 3) ? draw_from(s, 1, n->hidden_size - 1) : 0;
    n->gate_clip = has(n, "gate_clip") && one_in(s, 4) ? draw_number(s, 10, 200) : 0;
    n->cell_clip = has(n, "cell_clip") && one_in(s, 4) ? draw_number(s, 10, 150) : 0;
    n->proj_clip = n->proj_size && one_in(s, 2) ? draw_number(s, 5, 60) : 0;
    n->layer_norm = has(n, "layer_norm") && one_in(s, 4);
    n->norm_epsilon = n->layer_norm && one_in(s, 3) ? draw_number(s, 1, 20) : 0;
    n->zoneout = has(n, "zoneout") && one_in(s, 5) ? draw_number(s, 5, 95) : 0;
    n->zoneout_cell =
        has(n, "zoneout_cell") && !n->layer_norm && one_in(s, 5) ? draw_number(s, 5, 95) : 0;
    n->recurrent_dropout = has(n, "recurrent_dropout") && one_in(s, 6) ? draw_number(s, 5, 60) : 0;
    const bool functions = one_in(s, 3);
    for (int d = 0; d < (n->bidirectional ? 2 : 1) && functions; d++)
        for (int i = 0; i < 3; i++)
            if (has(n, keys[i]) && !(i == 0 && n->nonlinearity))
                n->activations[d][i] = draw_function(s);
}

/* Whether a gate of other than 0..1 weighs states, as an f of those that have no bounds does: then
 * they may grow with every step, and errors as they do. */
static bool may_grow(const clrnn_network_desc *n)
{
    bool may = false;
    for (int d = 0; d < 2; d++) {
        const clrnn_function f = n->activations[d][0].function;
        const bool gate =
            f == CLRNN_FN_USUAL || f == CLRNN_FN_SIGMOID || f == CLRNN_FN_HARD_SIGMOID;
        may = may || !gate;
    }
    return may;
}

/* Whether the slope of something jumps: where it does, the least rounding may decide on which side
 * a value lies, and then a gradient is another one. */
static bool has_corners(const clrnn_network_desc *n)
{
    bool corners = n->nonlinearity || n->gate_clip > 0 || n->cell_clip > 0 || n->proj_clip > 0;
    for (int i = 0; i < 2 * CLRNN_ACTIVATIONS; i++)
        switch (n->activations[i / CLRNN_ACTIVATIONS][i % CLRNN_ACTIVATIONS].function) {
        case CLRNN_FN_RELU:
        case CLRNN_FN_LEAKY_RELU:
        case CLRNN_FN_THRESHOLDED_RELU:
        case CLRNN_FN_HARD_SIGMOID:
        case CLRNN_FN_ELU:
            corners = true;
            break;
        default:
            break;
        }
    return corners;
}

static void draw_pass(uint64_t *s, bool fp64, clrnn_problem *p)
{
    const bool corners = has_corners(&p->network);
    p->train = one_in(s, 2);
    p->precision = fp64 && (one_in(s, 3) || (corners && p->train)) ? CLRNN_F64 : CLRNN_F32;
    p->strategy = (clrnn_strategy)draw_from(s, CLRNN_STRATEGY_AUTO, CLRNN_STRATEGY_FUSED);
    p->gemm = one_in(s, 2) ? CLRNN_GEMM_PACKED : CLRNN_GEMM_AUTO;
    if (!p->train && p->precision == CLRNN_F32 && !corners)
        p->weights = (clrnn_storage)draw_from(s, CLRNN_WEIGHTS_F32, CLRNN_WEIGHTS_INT8);
    if (!p->train && !p->network.bidirectional && !p->network.reverse && one_in(s, 4)) {
        p->block = draw_from(s, 1, p->steps);
        return;
    }
    p->ragged = one_in(s, 2);
    p->mask = one_in(s, 3) ? draw_from(s, 1, 2) : 0;
    p->resets = one_in(s, 4);
}

void tool_draw_problem(uint64_t seed, uint32_t index, bool fp64, char *text, size_t size)
{
    uint64_t state = seed * 0x9e3779b97f4a7c15u ^ ((uint64_t)index << 32), *s = &state;
    clrnn_problem p = {.steps = draw_from(s, 1, 12), .batch = draw_from(s, 1, 9)};
    clrnn_network_desc *n = &p.network;
    int cells = 0;
    while (clrnn_cell_get_info((clrnn_cell)cells))
        cells++;
    n->cell = (clrnn_cell)draw_from(s, 0, (uint32_t)cells - 1);
    n->input_size = draw_size(s, 40);
    n->hidden_size = draw_size(s, 49);
    n->num_layers = draw_from(s, 1, 3);
    n->bidirectional = one_in(s, 2);
    n->reverse = !n->bidirectional && one_in(s, 3);
    n->merge = n->bidirectional && one_in(s, 2) ? CLRNN_MERGE_SUM : CLRNN_MERGE_CONCAT;
    n->no_bias = one_in(s, 5);
    n->single_bias = !n->no_bias && one_in(s, 4);
    draw_options(s, n);
    if (may_grow(n)) {
        n->num_layers = 1;
        p.steps = p.steps < 3 ? p.steps : 3;
    }
    draw_pass(s, fp64, &p);
    clrnn_problem_format(&p, text, size);
}
