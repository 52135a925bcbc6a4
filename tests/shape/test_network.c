/* SPDX-License-Identifier: MIT
 * tests/shape/test_network.c - checked descriptions, where weights lie (PyTorch's order), and that
 * the arrays of a pass fill their block without overlapping. */
#include "shape/network.h"

#include <stdio.h>
#include <stdlib.h>

#include "shape/layout.h"
#include "shape/value.h"
#include "support.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

static void assert_weight(const clrnn_network_desc *desc, size_t index, const char *name,
                          uint32_t rank, uint64_t rows, uint64_t columns, size_t offset)
{
    clrnn_weight_info w;
    assert_int_equal(clrnn_network_weight(desc, &test_log, index, &w), CLRNN_OK);
    assert_string_equal(w.name, name);
    assert_int_equal(w.rank, rank);
    assert_int_equal(w.shape[0], rows);
    assert_int_equal(w.shape[1], columns);
    assert_int_equal(w.offset, offset);
    assert_int_equal(w.count, rows * columns);
}

static void assert_total(const clrnn_network_desc *desc, size_t tensors, size_t elements)
{
    size_t got_tensors = 0, got_elements = 0;
    clrnn_weight_info w;
    assert_int_equal(clrnn_network_weights(desc, &test_log, &got_tensors, &got_elements), CLRNN_OK);
    assert_int_equal(got_tensors, tensors);
    assert_int_equal(got_elements, elements);
    assert_int_equal(clrnn_network_weights(desc, &test_log, NULL, NULL), CLRNN_OK);
    assert_int_equal(clrnn_network_weight(desc, &test_log, tensors, &w), CLRNN_ERR_RANGE);
    assert_error_contains("weight");
}

/* The whole list, written out as torch.nn.LSTM(5, 7, 2, bidirectional=True, proj_size=3) names and
 * shapes its parameters. */
static void projected_lstm_is_pytorchs_list(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        uint32_t rank, rows, columns;
    } list[] = {{"weight_ih_l0", 2, 28, 5},         {"weight_hh_l0", 2, 28, 3},
                {"bias_ih_l0", 1, 28, 1},           {"bias_hh_l0", 1, 28, 1},
                {"weight_hr_l0", 2, 3, 7},          {"weight_ih_l0_reverse", 2, 28, 5},
                {"weight_hh_l0_reverse", 2, 28, 3}, {"bias_ih_l0_reverse", 1, 28, 1},
                {"bias_hh_l0_reverse", 1, 28, 1},   {"weight_hr_l0_reverse", 2, 3, 7},
                {"weight_ih_l1", 2, 28, 6},         {"weight_hh_l1", 2, 28, 3},
                {"bias_ih_l1", 1, 28, 1},           {"bias_hh_l1", 1, 28, 1},
                {"weight_hr_l1", 2, 3, 7},          {"weight_ih_l1_reverse", 2, 28, 6},
                {"weight_hh_l1_reverse", 2, 28, 3}, {"bias_ih_l1_reverse", 1, 28, 1},
                {"bias_hh_l1_reverse", 1, 28, 1},   {"weight_hr_l1_reverse", 2, 3, 7}};
    const clrnn_network_desc desc = {
        .input_size = 5, .hidden_size = 7, .num_layers = 2, .proj_size = 3, .bidirectional = true};
    size_t offset = 0;
    for (size_t i = 0; i < COUNT(list); i++) {
        assert_weight(&desc, i, list[i].name, list[i].rank, list[i].rows, list[i].columns, offset);
        offset += (size_t)list[i].rows * list[i].columns;
    }
    assert_total(&desc, COUNT(list), offset);
}

/* Names, shapes and offsets of any network, by PyTorch's rules. */
static void check_weights(const clrnn_network_desc *desc, uint32_t gates)
{
    const uint32_t layers = desc->num_layers ? desc->num_layers : 1;
    const uint32_t directions = desc->bidirectional ? 2 : 1;
    const uint64_t H = desc->hidden_size, R = desc->proj_size ? desc->proj_size : H;
    const uint64_t rows = gates * H;
    size_t index = 0, offset = 0;
    for (uint32_t layer = 0; layer < layers; layer++)
        for (uint32_t d = 0; d < directions; d++) {
            const struct {
                const char *name;
                uint32_t rank;
                uint64_t rows, columns;
                bool present;
            } tensors[] = {
                {"weight_ih", 2, rows, layer ? directions * R : desc->input_size, true},
                {"weight_hh", 2, rows, R, true},
                {"bias_ih", 1, rows, 1, !desc->no_bias},
                {"bias_hh", 1, rows, 1, !desc->no_bias},
                {"weight_hr", 2, R, H, desc->proj_size > 0},
                {"weight_peephole", 1, 3 * H, 1, desc->peepholes},
            };
            for (size_t i = 0; i < COUNT(tensors); i++) {
                char name[48];
                if (!tensors[i].present)
                    continue;
                snprintf(name, sizeof name, "%s_l%u%s", tensors[i].name, layer,
                         d ? "_reverse" : "");
                assert_weight(desc, index++, name, tensors[i].rank, tensors[i].rows,
                              tensors[i].columns, offset);
                offset += (size_t)(tensors[i].rows * tensors[i].columns);
            }
        }
    assert_total(desc, index, offset);
}

static void weights_of_every_variant(void **state)
{
    (void)state;
    static const clrnn_network_desc cells[] = {
        {.cell = CLRNN_CELL_RNN},
        {.cell = CLRNN_CELL_RNN, .nonlinearity = CLRNN_RELU},
        {.cell = CLRNN_CELL_LSTM},
        {.cell = CLRNN_CELL_LSTM, .proj_size = 4},
        {.cell = CLRNN_CELL_LSTM, .peepholes = true},
        {.cell = CLRNN_CELL_LSTM, .proj_size = 4, .peepholes = true},
        {.cell = CLRNN_CELL_GRU},
        {.cell = CLRNN_CELL_GRU, .gru_reset = CLRNN_RESET_AFTER},
        {.cell = CLRNN_CELL_GRU, .gru_update = CLRNN_UPDATE_KEEPS},
    };
    for (size_t i = 0; i < COUNT(cells); i++)
        for (unsigned bits = 0; bits < 16; bits++) {
            clrnn_network_desc desc = cells[i];
            desc.input_size = 7;
            desc.hidden_size = 13;
            desc.num_layers = bits / 4; /* 0 means 1 */
            desc.bidirectional = bits & 1;
            desc.no_bias = bits & 2;
            check_weights(&desc, desc.cell == CLRNN_CELL_LSTM  ? 4
                                 : desc.cell == CLRNN_CELL_GRU ? 3
                                                               : 1);
        }
}

/* Counts that PyTorch gives for these modules. */
static void known_counts(void **state)
{
    (void)state;
    const clrnn_network_desc lstm = {.input_size = 256, .hidden_size = 256};
    const clrnn_network_desc gru = {.cell = CLRNN_CELL_GRU,
                                    .input_size = 10,
                                    .hidden_size = 20,
                                    .num_layers = 2,
                                    .bidirectional = true};
    const clrnn_network_desc rnn = {
        .cell = CLRNN_CELL_RNN, .input_size = 3, .hidden_size = 1, .no_bias = true};
    assert_total(&lstm, 4, 526336);
    assert_total(&gru, 16, 11280);
    assert_total(&rnn, 2, 4);
}

static void derived_sizes(void **state)
{
    (void)state;
    clr_network n;
    const clrnn_network_desc lstm = {
        .input_size = 2, .hidden_size = 5, .proj_size = 3, .bidirectional = true};
    assert_int_equal(clr_network_init(&lstm, &test_log, &n), CLRNN_OK);
    assert_true(n.gates == 4 && n.layers == 1 && n.directions == 2 && n.state_size == 3);
    assert_true(n.has_cell_state && n.saved == 1 && n.form->phases == 1 && !n.form->two_inputs);
    assert_int_equal(n.desc.num_layers, 1);

    clrnn_network_desc gru = {.cell = CLRNN_CELL_GRU, .input_size = 2, .hidden_size = 5};
    assert_int_equal(clr_network_init(&gru, &test_log, &n), CLRNN_OK);
    assert_true(n.gates == 3 && n.state_size == 5 && n.saved == 1 && !n.has_cell_state);
    assert_true(n.form->phases == 2 && n.form->phase[0].count == 2 && n.form->phase[1].first == 2);
    assert_true(n.form->phase[1].count == 1 && !n.form->two_inputs);
    gru.gru_reset = CLRNN_RESET_AFTER;
    assert_int_equal(clr_network_init(&gru, &test_log, &n), CLRNN_OK);
    assert_true(n.form->phases == 1 && n.form->phase[0].count == 3 && n.form->two_inputs);
    assert_true(n.saved == 1 && !n.has_cell_state);

    const clrnn_network_desc rnn = {.cell = CLRNN_CELL_RNN, .input_size = 2, .hidden_size = 5};
    assert_int_equal(clr_network_init(&rnn, &test_log, &n), CLRNN_OK);
    assert_true(n.gates == 1 && n.saved == 0 && n.form->phases == 1 && !n.form->two_inputs);
    assert_true(!n.has_cell_state);
}

/* Every row by itself: its name, its gates, each of which is in one phase and in its order, and
 * that its options are known. */
static void the_table_of_cells(void **state)
{
    (void)state;
    const clr_cell_spec *cell;
    int count = 0;
    for (; (cell = clr_cell_of((clrnn_cell)count)); count++) {
        assert_ptr_equal(clrnn_cell_get_info((clrnn_cell)count), &cell->info);
        assert_string_equal(cell->info.name, clr_cell_names[count]);
        assert_true(cell->info.gates >= 1 && cell->info.gates <= CLR_MOST_GATES);
        for (uint32_t g = 0; g < cell->info.gates; g++)
            assert_non_null(cell->info.gate_names[g]);
        assert_null(cell->info.gate_names[cell->info.gates]);
        for (uint32_t f = 0; f < COUNT(cell->forms) && (!f || cell->chooses); f++) {
            uint32_t gates = 0;
            for (uint32_t p = 0; p < cell->forms[f].phases; p++) {
                assert_int_equal(cell->forms[f].phase[p].first, gates);
                gates += cell->forms[f].phase[p].count;
            }
            assert_int_equal(gates, cell->info.gates);
        }
        size_t known = 0, options = 0;
        for (size_t i = 0; i < CLR_OPTIONS; i++)
            known += clr_cell_has(cell, &clr_options[i]);
        while (cell->info.options[options])
            options++;
        assert_int_equal(known, options);
    }
    assert_null(clr_cell_names[count]);
    assert_null(clrnn_cell_get_info((clrnn_cell)-1));
    assert_string_equal(clrnn_cell_get_info(CLRNN_CELL_LSTM)->name, "lstm");
    assert_string_equal(clrnn_cell_get_info(CLRNN_CELL_GRU)->name, "gru");
    assert_string_equal(clrnn_cell_get_info(CLRNN_CELL_RNN)->name, "rnn");
}

static void options_of_every_type(void **state)
{
    (void)state;
    for (size_t i = 0; i < CLR_OPTIONS; i++) {
        clrnn_network_desc desc = {.input_size = 3, .hidden_size = 5};
        const clr_cell_option *option = &clr_options[i];
        assert_int_equal(clr_option_get(&desc, option), 0);
        clr_option_set(&desc, option, 1);
        for (size_t k = 0; k < CLR_OPTIONS; k++)
            assert_int_equal(clr_option_get(&desc, &clr_options[k]), k == i);
        assert_true(desc.input_size == 3 && desc.hidden_size == 5);
        clr_option_set(&desc, option, 0);
        const clrnn_network_desc zero = {.input_size = 3, .hidden_size = 5};
        assert_memory_equal(&desc, &zero, sizeof zero);
    }
}

static void invalid_descriptions(void **state)
{
    (void)state;
    enum { MOST = 1 << 28 };
    static const struct {
        clrnn_network_desc desc;
        clrnn_status status;
        const char *text;
    } bad[] = {
        {{.cell = (clrnn_cell)3, .input_size = 1, .hidden_size = 1},
         CLRNN_ERR_ARGUMENT,
         "cell 3 is unknown"},
        {{.cell = CLRNN_CELL_RNN,
          .input_size = 1,
          .hidden_size = 1,
          .nonlinearity = (clrnn_nonlinearity)2},
         CLRNN_ERR_ARGUMENT,
         "nonlinearity 2 is unknown"},
        {{.cell = CLRNN_CELL_GRU,
          .input_size = 1,
          .hidden_size = 1,
          .gru_reset = (clrnn_gru_reset)2},
         CLRNN_ERR_ARGUMENT,
         "gru_reset 2 is unknown"},
        {{.cell = CLRNN_CELL_GRU,
          .input_size = 1,
          .hidden_size = 1,
          .gru_update = (clrnn_gru_update)7},
         CLRNN_ERR_ARGUMENT,
         "gru_update 7 is unknown"},
        {{.cell = CLRNN_CELL_LSTM, .input_size = 1, .hidden_size = 1, .nonlinearity = CLRNN_RELU},
         CLRNN_ERR_ARGUMENT,
         "nonlinearity is an option of RNN only"},
        {{.cell = CLRNN_CELL_LSTM,
          .input_size = 1,
          .hidden_size = 1,
          .gru_reset = CLRNN_RESET_AFTER},
         CLRNN_ERR_ARGUMENT,
         "gru_reset is an option of GRU only"},
        {{.cell = CLRNN_CELL_RNN,
          .input_size = 1,
          .hidden_size = 1,
          .gru_update = CLRNN_UPDATE_KEEPS},
         CLRNN_ERR_ARGUMENT,
         "gru_update is an option of GRU only"},
        {{.cell = CLRNN_CELL_GRU, .input_size = 1, .hidden_size = 3, .peepholes = true},
         CLRNN_ERR_ARGUMENT,
         "peepholes is an option of LSTM only"},
        {{.cell = CLRNN_CELL_GRU, .input_size = 1, .hidden_size = 3, .proj_size = 2},
         CLRNN_ERR_ARGUMENT,
         "proj_size is an option of LSTM only"},
        {{.input_size = 0, .hidden_size = 1}, CLRNN_ERR_RANGE, "input_size is 0"},
        {{.input_size = MOST + 1, .hidden_size = 1}, CLRNN_ERR_RANGE, "input_size is 268435457"},
        {{.input_size = 1, .hidden_size = 0}, CLRNN_ERR_RANGE, "hidden_size is 0"},
        {{.input_size = 1, .hidden_size = UINT32_MAX},
         CLRNN_ERR_RANGE,
         "hidden_size is 4294967295"},
        {{.input_size = 1, .hidden_size = 1, .num_layers = 1001},
         CLRNN_ERR_RANGE,
         "num_layers is 1001"},
        {{.input_size = 1, .hidden_size = 4, .proj_size = 4},
         CLRNN_ERR_RANGE,
         "proj_size 4 is not less than hidden_size 4"},
        /* 2^61 weights: 2^64 bytes in double precision */
        {{.input_size = MOST, .hidden_size = MOST, .num_layers = 4},
         CLRNN_ERR_RANGE,
         "more than memory can address"},
        {{.input_size = MOST, .hidden_size = MOST, .num_layers = 1000, .bidirectional = true},
         CLRNN_ERR_RANGE,
         "more than memory can address"},
    };
    for (size_t i = 0; i < COUNT(bad); i++) {
        size_t tensors = 99, elements = 99;
        clrnn_weight_info w;
        assert_int_equal(clrnn_network_weights(&bad[i].desc, &test_log, &tensors, &elements),
                         bad[i].status);
        assert_error_contains(bad[i].text);
        assert_int_equal(clrnn_network_weight(&bad[i].desc, &test_log, 0, &w), bad[i].status);
        assert_error_contains(bad[i].text);
        assert_true(tensors == 99 && elements == 99);
    }
}

static void missing_arguments(void **state)
{
    (void)state;
    const clrnn_network_desc good = {.input_size = 1, .hidden_size = 1};
    clrnn_weight_info w;
    size_t tensors;
    assert_int_equal(clrnn_network_weights(NULL, &test_log, &tensors, NULL), CLRNN_ERR_ARGUMENT);
    assert_error_contains("no description");
    assert_int_equal(clrnn_network_weight(NULL, &test_log, 0, &w), CLRNN_ERR_ARGUMENT);
    assert_error_contains("no description");
    assert_int_equal(clrnn_network_weight(&good, &test_log, 0, NULL), CLRNN_ERR_ARGUMENT);
    assert_error_contains("info is NULL");
    assert_int_equal(clrnn_network_weight(&good, &test_log, SIZE_MAX, &w), CLRNN_ERR_RANGE);
    assert_error_contains("weight");
    assert_int_equal(clrnn_network_weights(NULL, NULL, NULL, NULL), CLRNN_ERR_ARGUMENT);
}

/* The largest networks that are accepted: their offsets must not have wrapped around. */
static void large_networks(void **state)
{
    (void)state;
    const uint64_t most = 1u << 28;
    const clrnn_network_desc wide = {
        .input_size = (uint32_t)most, .hidden_size = (uint32_t)most, .num_layers = 2};
    const clrnn_network_desc deep = {.cell = CLRNN_CELL_GRU,
                                     .input_size = 3,
                                     .hidden_size = 1000,
                                     .num_layers = 1000,
                                     .bidirectional = true};
    check_weights(&wide, 4);
    check_weights(&deep, 3);
}

/* --- layouts ------------------------------------------------------------------------------ */

/* Claim [at, at + count) of the block: nobody may have it yet. */
static void claim(unsigned char *owned, size_t total, size_t at, size_t count)
{
    if (at > total || count > total - at)
        fail_msg("[%zu, +%zu) does not fit %zu elements", at, count, total);
    for (size_t i = at; i < at + count; i++)
        if (owned[i]++)
            fail_msg("element %zu belongs to two arrays", i);
}

/* Of each row: W x, U h and c, and a scale of each, that of U h for each phase. */
static void claim_normed(unsigned char *owned, const clr_network *n, const clr_layout *l,
                         uint32_t layer, uint32_t d, uint32_t t)
{
    const size_t H = n->desc.hidden_size, rows = n->gates * H;
    for (size_t row = 0; row < l->batch; row++) {
        for (int i = 0; i < 2; i++)
            claim(owned, l->total,
                  clr_layout_normed(l, n, layer, d, t, CLR_NORMED_X + i) + row * n->normed, rows);
        if (n->has_cell_state)
            claim(owned, l->total,
                  clr_layout_normed(l, n, layer, d, t, CLR_NORMED_C) + row * n->normed, H);
        for (int i = 0; i < CLR_NORM_SCALES; i++)
            claim(owned, l->total,
                  clr_layout_normed(l, n, layer, d, t, CLR_NORMED_SCALES + i) + row * n->normed, 1);
    }
}

/* Every step of every array gets its own elements, and none is left over. */
static void check_layout(const clr_network *n, const clr_layout *l)
{
    const size_t N = l->batch, H = n->desc.hidden_size, R = n->state_size;
    const uint32_t own_layers = l->all_layers || n->layers == 1 ? n->layers
                                : n->directions == 2            ? 1
                                                                : 2;
    const uint32_t ys = l->all_layers || n->layers < 3 ? n->layers - 1 : 2;
    unsigned char *owned = calloc(l->total + 1, 1);
    assert_non_null(owned);
    for (uint32_t layer = 0; layer < n->layers; layer++)
        for (uint32_t d = 0; d < n->directions; d++) {
            for (uint32_t slot = 0; slot < l->slots; slot++) {
                claim(owned, l->total, clr_layout_h(l, n, layer, d, slot), N * R);
                if (n->has_cell_state)
                    claim(owned, l->total, clr_layout_c(l, n, layer, d, slot), N * H);
            }
            for (uint32_t t = 0; t < l->steps && layer < own_layers; t++)
                claim(owned, l->total, clr_layout_gates(l, n, layer, d, t), N * n->gates * H);
            for (uint32_t t = 0; n->saved && t < l->saved_steps && layer < own_layers; t++)
                claim(owned, l->total, clr_layout_saved(l, n, layer, d, t), N * n->saved * H);
            for (uint32_t t = 0; n->normed && t < l->normed_steps && layer < own_layers; t++)
                claim_normed(owned, n, l, layer, d, t);
        }
    for (uint32_t layer = 0; layer < ys; layer++)
        claim(owned, l->total, clr_layout_y(l, layer), (size_t)l->y_steps * N * n->directions * R);
    for (size_t i = 0; i < l->total; i++)
        assert_int_equal(owned[i], 1);
    free(owned);
}

/* Layers that take turns in the same memory: never the two that are used together, neighbours if
 * there is no backward direction. */
static void check_turns(const clr_network *n, const clr_layout *l)
{
    for (uint32_t layer = 1; layer < n->layers; layer++) {
        bool shared = clr_layout_gates(l, n, layer, 0, 0) == clr_layout_gates(l, n, 0, 0, 0);
        assert_int_equal(shared, !l->all_layers && (n->directions == 2 || layer % 2 == 0));
        if (layer + 1 < n->layers)
            assert_int_not_equal(clr_layout_y(l, layer), clr_layout_y(l, layer - 1));
    }
    for (uint32_t t = 0; t < 4; t++) /* states take turns, so the next never hides the last */
        assert_int_not_equal(clr_layout_h(l, n, 0, 0, t), clr_layout_h(l, n, 0, 0, t + 1));
}

static void layouts_do_not_overlap(void **state)
{
    (void)state;
    static const clrnn_network_desc cells[] = {
        {.cell = CLRNN_CELL_RNN},
        {.cell = CLRNN_CELL_LSTM},
        {.cell = CLRNN_CELL_LSTM, .proj_size = 2},
        {.cell = CLRNN_CELL_GRU},
        {.cell = CLRNN_CELL_GRU, .gru_reset = CLRNN_RESET_AFTER},
        {.cell = CLRNN_CELL_LSTM, .layer_norm = true},
        {.cell = CLRNN_CELL_GRU, .layer_norm = true},
    };
    for (size_t i = 0; i < COUNT(cells); i++)
        for (unsigned bits = 0; bits < 8; bits++) {
            const uint32_t T = 1 + bits * 3 % 7, N = 1 + bits % 3;
            clrnn_network_desc desc = cells[i];
            clr_network n;
            clr_layout l;
            desc.input_size = 2;
            desc.hidden_size = 5;
            desc.num_layers = 1 + bits % 4;
            desc.bidirectional = bits & 4;
            assert_int_equal(clr_network_init(&desc, &test_log, &n), CLRNN_OK);
            assert_int_equal(clr_layout_train(&n, T, N, &test_log, &l), CLRNN_OK);
            assert_true(l.all_layers && l.slots == T + 1 && l.steps == T && l.y_steps == T);
            check_layout(&n, &l);
            check_turns(&n, &l);
            for (uint32_t chunk = 1; chunk <= T; chunk += 2) {
                assert_int_equal(clr_layout_infer(&n, T, chunk, N, &test_log, &l), CLRNN_OK);
                assert_true(!l.all_layers && l.slots == 2 && l.steps == chunk);
                assert_int_equal(l.y_steps, desc.bidirectional ? T : chunk);
                check_layout(&n, &l);
                check_turns(&n, &l);
            }
        }
}

static void layouts_that_overflow(void **state)
{
    (void)state;
    const clrnn_network_desc desc = {.input_size = 1, .hidden_size = 1u << 20, .num_layers = 2};
    clr_network n;
    clr_layout l;
    assert_int_equal(clr_network_init(&desc, &test_log, &n), CLRNN_OK);
    assert_int_equal(clr_layout_train(&n, 1u << 30, 1u << 20, &test_log, &l), CLRNN_ERR_RANGE);
    assert_error_contains("1073741824 steps of 1048576 rows are more than memory can address");
    assert_int_equal(clr_layout_infer(&n, 1u << 30, 1u << 30, 1u << 20, &test_log, &l),
                     CLRNN_ERR_RANGE);
    assert_error_contains("more than memory can address");
    assert_int_equal(clr_layout_infer(&n, 1u << 30, 16, 1u << 10, &test_log, &l), CLRNN_OK);
}

/* What a window of 3 by steps of 2 makes of lengths, counted by hand; a slice from 1 on up to 4. */
static void lengths_of_windows(void **state)
{
    static const clr_length_rule window = {.limit = UINT64_MAX, .up = 1, .add = -3, .stride = 2};
    static const clr_length_rule slice = {.limit = 4, .up = 1, .add = -2, .stride = 1};
    static const uint64_t windows[] = {0, 0, 0, 1, 1, 2, 2, 3}, slices[] = {0, 0, 1, 2, 3, 3, 3, 3};
    (void)state;
    for (uint64_t length = 0; length < 8; length++) {
        assert_int_equal(clr_length_apply(&window, length), windows[length]);
        assert_int_equal(clr_length_apply(&slice, length), slices[length]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lengths_of_windows),
        cmocka_unit_test(projected_lstm_is_pytorchs_list),
        cmocka_unit_test(weights_of_every_variant),
        cmocka_unit_test(known_counts),
        cmocka_unit_test(derived_sizes),
        cmocka_unit_test(the_table_of_cells),
        cmocka_unit_test(options_of_every_type),
        cmocka_unit_test(invalid_descriptions),
        cmocka_unit_test(missing_arguments),
        cmocka_unit_test(large_networks),
        cmocka_unit_test(layouts_do_not_overlap),
        cmocka_unit_test(layouts_that_overflow),
    };
    return cmocka_run_group_tests_name("network", tests, NULL, NULL);
}
