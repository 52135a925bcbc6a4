/* SPDX-License-Identifier: MIT
 * tests/layer/test_weights.c - packed weights: where the numbers of each matrix lie, and how often
 * something is packed. */
#include "layer/weights.h"

#include <stdlib.h>
#include <string.h>

#include "device/buffer.h"
#include "layer/device.h"

/* What the strategies' own kernels multiply with: nothing, all but d_input, all but inputs. */
static const unsigned sets[] = {0, ~CLR_BIT(CLR_D_INPUT),
                                ~(CLR_BIT(CLR_INPUT) | CLR_BIT(CLR_D_INPUT))};

/* A network of a form, with so many units that panels are full, or are not. */
static clr_network network_of(size_t form, uint32_t hidden)
{
    clrnn_network_desc desc = test_forms[form].desc;
    clr_network network;
    desc.input_size = 5;
    desc.hidden_size = hidden;
    desc.proj_size = desc.proj_size ? hidden / 2 + 1 : 0;
    desc.num_layers = 3;
    desc.bidirectional = form % 2;
    assert_int_equal(clr_network_init(&desc, &test_log, &network), CLRNN_OK);
    return network;
}

/* The canonical weights of a network, no two of them equal. */
static cl_mem numbered(clrnn_context *context, size_t offset, size_t count)
{
    float *values = calloc(offset + count, sizeof *values);
    cl_mem buffer = NULL;
    assert_non_null(values);
    for (size_t i = 0; i < count; i++)
        values[offset + i] = (float)(i + 1);
    assert_int_equal(clr_buffer_create(context, (offset + count) * sizeof *values, &buffer),
                     CLRNN_OK);
    assert_int_equal(
        clr_buffer_write(context, buffer, 0, (offset + count) * sizeof *values, values), CLRNN_OK);
    free(values);
    return buffer;
}

/* --- where the numbers lie ---------------------------------------------------------------- */

/* Element (row,column) of a canonical matrix, as numbered() has it. */
typedef struct source {
    size_t at, rows, columns;
} source;

/* A matrix of a cell: what is multiplied with it are its rows, forward, or its columns. */
static source source_of(const clr_network *n, uint32_t layer, uint32_t direction, clr_weight weight)
{
    const clr_cell_weights cell = clr_network_cell(n, layer, direction);
    const size_t H = n->desc.hidden_size, G = n->gates, R = n->state_size;
    const size_t before = n->form->phases > 1 ? 1 : 0;
    switch (weight) {
    case CLR_INPUT:
    case CLR_D_INPUT:
        return (source){cell.w_ih, G * H, cell.inputs};
    case CLR_RECURRENT:
    case CLR_D_RECURRENT:
        return (source){cell.w_hh, (G - before) * H, R};
    case CLR_CANDIDATE:
    case CLR_D_CANDIDATE:
        return (source){cell.w_hh + 2 * H * R, before * H, R};
    default:
        return (source){cell.w_hr, n->desc.proj_size, H};
    }
}

/* [k,n] in panels from `panels` on: all of them there, and zeros beside the last column. Where a
 * number is found, it is taken away. */
static void find_panels(const clr_gemms *gemms, float *panels, const source *s, size_t row,
                        size_t n, size_t k, bool forward)
{
    const size_t width = gemms->packed.tile_n, columns = (n + width - 1) / width * width;
    for (size_t j = 0; j < columns; j++)
        for (size_t i = 0; i < k; i++) {
            float *found = &panels[j / width * width * k + i * width + j % width];
            size_t r = row + (forward ? j : i), c = forward ? i : j;
            size_t expected = j < n ? s->at + r * s->columns + c + 1 : 0;
            if (*found != (float)expected)
                fail_msg("element (%zu,%zu) is %g, should be %zu", i, j, (double)*found, expected);
            *found = -1;
        }
}

static void find_weight(const clr_weights *w, float *all, uint32_t layer, uint32_t direction,
                        clr_weight weight, bool by_gate)
{
    const source s = source_of(w->network, layer, direction, weight);
    const bool forward = weight < CLR_D_RECURRENT;
    const size_t gates = by_gate ? s.rows / w->network->desc.hidden_size : 1;
    for (size_t gate = 0; gate < gates && s.rows; gate++) {
        size_t rows = s.rows / gates, at = clr_weights_at(w, layer, direction, weight, gate);
        find_panels(w->gemms, all + at, &s, gate * rows, forward ? rows : s.columns,
                    forward ? s.columns : rows, forward);
    }
}

static void check_places(clrnn_context *context, const clr_network *n, unsigned set, bool train)
{
    const clr_own_weights own = {set, &clr_packing_panels};
    const size_t offset = 3;
    clr_gemms gemms;
    clr_weights w;
    cl_mem canonical = numbered(context, offset, n->weights);
    assert_int_equal(
        clr_gemms_init(context, CLRNN_F32, CLRNN_WEIGHTS_F32, CLRNN_GEMM_PACKED, &gemms), CLRNN_OK);
    assert_int_equal(clr_weights_init(n, &gemms, train, own, &w), CLRNN_OK);
    assert_int_equal(clr_weights_pack(&w, (clrnn_slice){canonical, offset}), CLRNN_OK);
    float *all = malloc(w.bytes);
    assert_non_null(all);
    assert_int_equal(w.bytes, clr_buffer_size(w.buffer));
    assert_int_equal(clr_buffer_read(context, w.buffer, 0, w.bytes, all), CLRNN_OK);
    for (uint32_t layer = 0; layer < n->layers; layer++)
        for (uint32_t d = 0; d < n->directions; d++)
            for (int i = 0; i < (train ? CLR_WEIGHTS : CLR_D_RECURRENT); i++)
                find_weight(&w, all, layer, d, (clr_weight)i,
                            set & CLR_BIT(i) && i < CLR_D_RECURRENT && i != CLR_PROJECTION);
    for (size_t i = 0; i < w.bytes / sizeof *all; i++)
        assert_true(all[i] == -1); /* there is nothing else */
    free(all);
    clr_weights_free(&w);
    clr_gemms_free(&gemms);
    clr_buffer_destroy(&canonical);
}

static void every_number_in_its_place(void **state)
{
    static const uint32_t hidden[] = {13, 64};
    for (size_t form = 0; form < TEST_FORMS; form++)
        for (size_t h = 0; h < COUNT(hidden); h++)
            for (size_t i = 0; i < COUNT(sets); i++) {
                const clr_network n = network_of(form, hidden[h]);
                check_places(*state, &n, sets[i], (form + i) % 2);
            }
}

/* --- how often something is packed -------------------------------------------------------- */

/* A layout that the library does not have: it only notes what it is asked for. */
static size_t calls, noted;

static size_t note_bytes(const clr_gemms *gemms, size_t n, size_t k)
{
    (void)gemms;
    return (n * k + 7) * sizeof(cl_float);
}

static bool seamless(const clr_gemms *gemms, size_t n)
{
    (void)gemms;
    return n % 16 == 0;
}

static clrnn_status note(clr_gemms *gemms, const clr_packed_matrix *m)
{
    (void)gemms;
    calls++;
    noted += m->n * m->k;
    assert_true(m->buffer != NULL);
    assert_true((m->at + m->n * m->k + 7) * sizeof(cl_float) <= clr_buffer_size(m->buffer));
    return CLRNN_OK;
}

/* Calls for an LSTM of three layers, or a GRU; every weight is asked for once, to train twice. */
static void as_often_as_needed(void **state)
{
    test_need(*state, TEST_CLBLAST);
    static const struct {
        clrnn_cell cell;
        uint32_t hidden;
        bool train;
        size_t set, calls; /* of a cell */
    } all[] = {{CLRNN_CELL_LSTM, 13, false, 1, 4 + 4},
               {CLRNN_CELL_LSTM, 16, false, 1, 1 + 1},
               {CLRNN_CELL_LSTM, 13, true, 1, 4 + 4 + 1},
               {CLRNN_CELL_LSTM, 13, true, 2, 4 + 1},
               {CLRNN_CELL_GRU, 13, true, 1, 3 + 3 + 1 + 1},
               {CLRNN_CELL_GRU, 16, true, 1, 1 + 1 + 1 + 1 + 1}};
    static const clr_packing packing = {.bytes = note_bytes, .seamless = seamless, .pack = note};
    for (size_t i = 0; i < COUNT(all); i++) {
        const clrnn_network_desc desc = {.cell = all[i].cell,
                                         .input_size = 5,
                                         .hidden_size = all[i].hidden,
                                         .num_layers = 3,
                                         .no_bias = true};
        const clr_own_weights own = {sets[all[i].set], &packing};
        clr_network n;
        clr_gemms gemms;
        clr_weights w;
        assert_int_equal(clr_network_init(&desc, &test_log, &n), CLRNN_OK);
        assert_int_equal(
            clr_gemms_init(*state, CLRNN_F32, CLRNN_WEIGHTS_F32, CLRNN_GEMM_CLBLAST, &gemms),
            CLRNN_OK);
        assert_int_equal(clr_weights_init(&n, &gemms, all[i].train, own, &w), CLRNN_OK);
        calls = noted = 0;
        assert_int_equal(clr_weights_pack(&w, (clrnn_slice){w.buffer, 0}), CLRNN_OK);
        assert_int_equal(calls, 3 * all[i].calls);
        size_t inputs = n.gates * n.desc.hidden_size * (size_t)(5 + 2 * n.state_size);
        size_t forward = n.weights - (all[i].set == 1 ? 0 : inputs);
        assert_int_equal(noted, forward + (all[i].train ? n.weights - inputs : 0));
        clr_weights_free(&w);
        clr_gemms_free(&gemms);
    }
}

/* What CLBlast reads: the caller's weights themselves, or of rounded ones a buffer for each. */
static void for_clblast(void **state)
{
    test_need(*state, TEST_CLBLAST);
    for (int storage = 0; storage < 4; storage++) {
        const clr_network n = network_of(2, 13);
        clr_gemms gemms;
        clr_weights w;
        cl_mem canonical = numbered(*state, 0, n.weights);
        assert_int_equal(
            clr_gemms_init(*state, CLRNN_F32, (clrnn_storage)storage, CLRNN_GEMM_CLBLAST, &gemms),
            CLRNN_OK);
        assert_int_equal(clr_weights_init(&n, &gemms, false, (clr_own_weights){0}, &w), CLRNN_OK);
        assert_int_equal(clr_weights_pack(&w, (clrnn_slice){canonical, 0}), CLRNN_OK);
        for (uint32_t layer = 0; layer < n.layers; layer++) {
            const clr_packed_matrix m =
                clr_weights_matrix(&w, (clrnn_slice){canonical, 0}, layer, 0, CLR_INPUT);
            const clr_cell_weights cell = clr_network_cell(&n, layer, 0);
            assert_int_equal(m.from.offset, cell.w_ih);
            assert_int_equal(m.n, n.gates * n.desc.hidden_size);
            assert_int_equal(m.k, cell.inputs);
            assert_int_equal(m.at, 0);
            assert_true(storage ? clr_buffer_size(m.buffer) == m.n * m.k * sizeof(float)
                                : m.buffer == NULL);
        }
        assert_true(storage ? w.bytes > 0 && !w.buffer : w.bytes == 0);
        clr_weights_free(&w);
        clr_gemms_free(&gemms);
        clr_buffer_destroy(&canonical);
    }
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, test_open, test_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_number_in_its_place),
        TEST(as_often_as_needed),
        TEST(for_clblast),
    };
    return cmocka_run_group_tests_name("packed weights", tests, NULL, NULL);
}
