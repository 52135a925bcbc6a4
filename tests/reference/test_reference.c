/* SPDX-License-Identifier: MIT
 * tests/reference/test_reference.c - the float64 reference against PyTorch's numbers, against
 * finite differences of itself, and at its edges. */
#include "reference/reference.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/philox.h"
#include "support.h"
#include "vectors.h"

enum { T = 5, N = 4 };
static const uint32_t ragged[N] = {3, 5, 0, 1};

/* --- values that others computed ---------------------------------------------------------- */

/* Most files round to 12 digits, which moves the results by 1e-11: that, not the reference, sets
 * this limit. */
static const double limit = 1e-10;

static void pytorch_vectors(void **state)
{
    (void)state;
    size_t done = 0;
    for (; done < TEST_VECTOR_COUNT; done++) {
        test_vector v = test_vector_load(test_vector_names[done]);
        char tensor[64];

        test_outputs out = test_outputs_make(&v.in);
        clr_reference_io io = test_reference_io(&v.in, &out);
        assert_int_equal(clr_reference_forward(&v.in.desc, &io, &test_log), CLRNN_OK);
        test_outputs values = {.y = out.y, .hn = out.hn, .cn = out.cn};
        double error = test_outputs_error(&v.in, &values, &v.expected, tensor);
        if (!(error < limit))
            fail_msg("%s, forward: %s is wrong by %g", v.name, tensor, error);
        test_outputs_free(&out);

        out = test_reference(&v.in);
        error = test_outputs_error(&v.in, &out, &v.expected, tensor);
        if (!(error < limit))
            fail_msg("%s, backward: %s is wrong by %g", v.name, tensor, error);
        test_outputs_free(&out);
        test_vector_free(&v);
    }
    assert_int_equal(done, 40);
}

/* Forward and every gradient, as drawn in training and as expected. */
static void zoneout(void **state)
{
    (void)state;
    for (size_t i = 0; i < TEST_ZONED_COUNT; i++) {
        bool drawn;
        test_vector v = test_zoned_load(test_zoned_names[i], &drawn);
        char tensor[64];
        test_outputs out = test_outputs_make(&v.in);
        clr_reference_io io = test_reference_io(&v.in, &out);
        io.drawn = drawn;
        io.dropout_seed = TEST_DROPOUT_SEED;
        io.dropout_index = TEST_DROPOUT_INDEX;
        assert_int_equal(clr_reference_backward(&v.in.desc, &io, &test_log), CLRNN_OK);
        double error = test_outputs_error(&v.in, &out, &v.expected, tensor);
        if (!(error < 1e-12))
            fail_msg("%s: %s is wrong by %g", v.name, tensor, error);
        test_outputs_free(&out);
        test_vector_free(&v);
    }
}

/* Forward and every gradient, of numbers with 17 digits. */
static void layer_norm(void **state)
{
    (void)state;
    for (size_t i = 0; i < TEST_NORMED_COUNT; i++) {
        test_vector v = test_normed_load(test_normed_names[i]);
        char tensor[64];
        test_outputs out = test_reference(&v.in);
        double error = test_outputs_error(&v.in, &out, &v.expected, tensor);
        if (!(error < 1e-12))
            fail_msg("%s: %s is wrong by %g", v.name, tensor, error);
        test_outputs_free(&out);
        test_vector_free(&v);
    }
}

/* The sources give 7 to 9 digits, computed in single precision; the outputs of the backward
 * direction are differences of such. */
static void peepholes_of_others(void **state)
{
    (void)state;
    for (size_t i = 0; i < TEST_PEEPHOLE_COUNT; i++) {
        test_vector v = test_peephole_load(test_peephole_names[i]);
        assert_true(v.in.desc.peepholes && (v.expected.y || v.expected.hn));
        test_outputs out = test_outputs_make(&v.in);
        clr_reference_io io = test_reference_io(&v.in, &out);
        char tensor[64];
        assert_int_equal(clr_reference_forward(&v.in.desc, &io, &test_log), CLRNN_OK);
        double error = test_outputs_error(&v.in, &out, &v.expected, tensor);
        if (!(error < (v.in.desc.bidirectional ? 3e-5 : 1e-6)))
            fail_msg("%s: %s is wrong by %g", v.name, tensor, error);
        test_outputs_free(&out);
        test_vector_free(&v);
    }
}

/* PyTorch has one form of the GRU. All four, two steps, weights sin(1), sin(2), ...; y computed
 * with NumPy from the equations in clrnn/network.h. */
static void gru_forms(void **state)
{
    (void)state;
    static const double expected[4][4] = {
        {-0.7757191500601107, -0.7226353064479649, -0.4520989443534233, -0.7696523236673081},
        {0.1367624610932244, -0.8200546740452757, 0.07798538032154335, -0.8200026910896621},
        {-0.7426266993399253, -0.7245836090688254, -0.03976483755204413, -0.5686059667448022},
        {0.1417841530577627, -0.8235506745902486, 0.1308574234022879, -0.8004509973586882}};
    double weights[30], x[2] = {0.5, -1}, h0[2] = {0.3, -0.6}, y[4];
    for (int i = 0; i < 30; i++)
        weights[i] = sin(i + 1);
    for (int k = 0; k < 4; k++) {
        clrnn_network_desc desc = test_forms[4 + k].desc;
        desc.input_size = 1;
        desc.hidden_size = 2;
        clr_reference_io io = {
            .steps = 2, .batch = 1, .weights = weights, .x = x, .h0 = h0, .y = y};
        assert_int_equal(clr_reference_forward(&desc, &io, &test_log), CLRNN_OK);
        if (!(test_error(y, expected[k], 4) < 1e-14))
            fail_msg("%s", test_forms[4 + k].name);
    }
}

/* The known answers that come with Random123. */
static void philox_known_answers(void **state)
{
    (void)state;
    static const struct {
        uint64_t key;
        uint32_t counter[4], word[4];
    } answers[] = {
        {0, {0, 0, 0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
        {UINT64_MAX,
         {UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX},
         {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
        {0x299f31d0a4093822,
         {0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
         {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
    };
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        clr_philox_block block = clr_philox(answers[i].key, answers[i].counter);
        assert_memory_equal(block.word, answers[i].word, sizeof block.word);
    }
}

/* --- properties --------------------------------------------------------------------------- */

/* Negate the rows that the cell's row of the table names: of a GRU z, the middle third of each
 * tensor. */
static void negate_z(const clrnn_network_desc *desc, double *weights)
{
    const clr_cell_spec *cell = clr_cell_of(desc->cell);
    size_t tensors = 0;
    assert_string_equal(cell->turns, "update");
    assert_string_equal(cell->info.gate_names[cell->turned_gate], "z");
    assert_int_equal(clrnn_network_weights(desc, &test_log, &tensors, NULL), CLRNN_OK);
    for (size_t i = 0; i < tensors; i++) {
        clrnn_weight_info w;
        assert_int_equal(clrnn_network_weight(desc, &test_log, i, &w), CLRNN_OK);
        size_t rows = w.count / cell->info.gates;
        for (size_t e = 0; e < rows; e++)
            weights[w.offset + cell->turned_gate * rows + e] *= -1;
    }
}

static void update_replaces_is_keeps_with_z_negated(void **state)
{
    (void)state;
    for (size_t k = 4; k < 8; k += 2) {
        clrnn_network_desc desc = test_form(k, 2, true);
        char tensor[64];
        test_inputs in = test_inputs_random(&desc, T, N, ragged, k, 0.8);
        test_outputs replaces = test_reference(&in);
        negate_z(&desc, in.weights);
        in.desc.gru_update = CLRNN_UPDATE_KEEPS;
        test_outputs keeps = test_reference(&in);
        assert_true(test_outputs_error(&in, &keeps, &replaces, tensor) > 0.1);
        negate_z(&desc, keeps.dweights);
        assert_true(test_outputs_error(&in, &keeps, &replaces, tensor) < 1e-13);
        test_outputs_free(&keeps);
        test_outputs_free(&replaces);
        test_inputs_free(&in);
    }
}

/* Two layers with dropout are: the first, its outputs times the factors, the second. */
static void dropout_is_between_layers(void **state)
{
    (void)state;
    const float p = 0.4f;
    clrnn_network_desc both = test_form(2, 2, true), first = test_form(2, 1, true), second = first;
    second.input_size = 8;
    test_inputs in = test_inputs_random(&both, T, N, ragged, 1, 0.8);
    test_outputs out = test_outputs_make(&in);
    clr_reference_io io = test_reference_io(&in, &out);
    io.dropout = p;
    io.dropout_seed = 0x123456789abcdef;
    io.dropout_index = 7;
    assert_int_equal(clr_reference_forward(&both, &io, &test_log), CLRNN_OK);

    enum { Y = T * N * 8, STATES = 2 * N * 4 };
    double middle[Y], y[Y];
    size_t offset = 0, dropped = 0;
    assert_int_equal(clrnn_network_weights(&first, &test_log, NULL, &offset), CLRNN_OK);
    clr_reference_io a = {.steps = T,
                          .batch = N,
                          .lengths = ragged,
                          .weights = in.weights,
                          .x = in.x,
                          .h0 = in.h0,
                          .c0 = in.c0,
                          .y = middle};
    assert_int_equal(clr_reference_forward(&first, &a, &test_log), CLRNN_OK);
    for (uint32_t i = 0; i < Y; i++) {
        const uint32_t t = io.variational ? 0 : (uint32_t)(i / 8 / N);
        double factor = clr_dropout_factor(p, io.dropout_seed, 7, 0, t, i / 8 % N, i % 8);
        assert_true(factor == 0 || fabs(factor - 1 / 0.6) < 1e-6);
        dropped += factor == 0;
        middle[i] *= factor;
    }
    assert_in_range(dropped, Y / 4, Y * 5 / 8); /* about 0.4 of 160 */
    a.weights += offset;
    a.x = middle;
    a.h0 += STATES;
    a.c0 += STATES;
    a.y = y;
    assert_int_equal(clr_reference_forward(&second, &a, &test_log), CLRNN_OK);
    assert_true(test_error(out.y, y, Y) == 0);
    test_outputs_free(&out);
    test_inputs_free(&in);
}

/* --- edges -------------------------------------------------------------------------------- */

/* Element i of a [T,N,width] array lies past its row's length. */
static bool is_past(size_t i, size_t width)
{
    return i / width / N >= ragged[i / width % N];
}

static void nothing_past_a_length_is_read(void **state)
{
    (void)state;
    for (size_t k = 0; k < TEST_FORMS; k++) {
        clrnn_network_desc desc = test_form(k, 2, true);
        char tensor[64];
        test_inputs in = test_inputs_random(&desc, T, N, ragged, k, 0.8);
        test_sizes sizes = test_sizes_of(&in);
        size_t y_width = sizes.y / (T * N);
        test_outputs clean = test_reference(&in);
        for (size_t i = 0; i < sizes.x; i++)
            in.x[i] = is_past(i, 3) ? NAN : in.x[i];
        for (size_t i = 0; i < sizes.y; i++)
            in.dy[i] = is_past(i, y_width) ? NAN : in.dy[i];
        test_outputs out = test_reference(&in);
        assert_true(test_outputs_error(&in, &out, &clean, tensor) == 0);
        for (size_t i = 0; i < sizes.y; i++)
            assert_true((out.y[i] == 0) == is_past(i, y_width) || k == 1 /* relu */);
        for (size_t i = 0; i < sizes.x; i++)
            assert_true(!is_past(i, 3) || out.dx[i] == 0);
        test_outputs_free(&out);
        test_outputs_free(&clean);
        test_inputs_free(&in);
    }
}

/* Row 2 has no steps: its final states are its initial ones, and so are their gradients. */
static void zero_length_row(void **state)
{
    (void)state;
    for (size_t k = 0; k < TEST_FORMS; k++) {
        clrnn_network_desc desc = test_form(k, 2, true);
        test_inputs in = test_inputs_random(&desc, T, N, ragged, k, 0.8);
        test_sizes sizes = test_sizes_of(&in);
        test_outputs out = test_reference(&in);
        for (size_t cell = 0; cell < 4; cell++) {
            size_t h = sizes.h / (4 * N), c = sizes.c / (4 * N), row = cell * N + 2;
            assert_memory_equal(out.hn + row * h, in.h0 + row * h, h * sizeof(double));
            assert_memory_equal(out.dh0 + row * h, in.dhn + row * h, h * sizeof(double));
            if (c == 0)
                continue;
            assert_memory_equal(out.cn + row * c, in.c0 + row * c, c * sizeof(double));
            assert_memory_equal(out.dc0 + row * c, in.dcn + row * c, c * sizeof(double));
        }
        test_outputs_free(&out);
        test_inputs_free(&in);
    }
}

static void nan_weights_give_nan(void **state)
{
    (void)state;
    for (size_t k = 0; k < TEST_FORMS; k++) {
        clrnn_network_desc desc = test_form(k, 2, true);
        test_inputs in = test_inputs_random(&desc, T, N, ragged, k, 0.8);
        test_sizes sizes = test_sizes_of(&in);
        for (size_t i = 0; i < sizes.weights; i++)
            in.weights[i] = NAN;
        test_outputs out = test_reference(&in);
        for (size_t i = 0; i < sizes.y; i++)
            assert_true(is_past(i, sizes.y / (T * N)) ? out.y[i] == 0 : isnan(out.y[i]));
        for (size_t i = 0; i < sizes.weights; i++)
            assert_true(isnan(out.dweights[i]));
        test_outputs_free(&out);
        test_inputs_free(&in);
    }
}

/* A NaN in x spoils its own row from that step on, and no other. */
static void nan_input_stays_in_its_row(void **state)
{
    (void)state;
    for (size_t k = 0; k < TEST_FORMS; k++) {
        clrnn_network_desc desc = test_form(k, 1, false);
        test_inputs in = test_inputs_random(&desc, T, N, NULL, k, 0.8);
        test_outputs out = test_outputs_make(&in);
        clr_reference_io io = test_reference_io(&in, &out);
        size_t width = test_sizes_of(&in).y / (T * N);
        in.x[(2 * N + 1) * 3] = NAN; /* step 2, row 1 */
        assert_int_equal(clr_reference_forward(&desc, &io, &test_log), CLRNN_OK);
        for (size_t i = 0; i < T * N * width; i++)
            assert_true(!isnan(out.y[i]) == !(i / width / N >= 2 && i / width % N == 1));
        test_outputs_free(&out);
        test_inputs_free(&in);
    }
}

static void absent_inputs_are_zeros(void **state)
{
    (void)state;
    for (size_t k = 0; k < TEST_FORMS; k++) {
        clrnn_network_desc desc = test_form(k, 2, true);
        char tensor[64];
        test_inputs in = test_inputs_random(&desc, T, N, ragged, k, 0.8);
        test_sizes sizes = test_sizes_of(&in);
        memset(in.x, 0, sizes.x * sizeof(double));
        memset(in.h0, 0, sizes.h * sizeof(double));
        memset(in.dhn, 0, sizes.h * sizeof(double));
        if (sizes.c) {
            memset(in.c0, 0, sizes.c * sizeof(double));
            memset(in.dcn, 0, sizes.c * sizeof(double));
        }
        test_outputs zeros = test_reference(&in), out = test_outputs_make(&in);
        clr_reference_io io = test_reference_io(&in, &out);
        io.x = io.h0 = io.c0 = io.dhn = io.dcn = NULL;
        assert_int_equal(clr_reference_backward(&desc, &io, &test_log), CLRNN_OK);
        assert_true(test_outputs_error(&in, &out, &zeros, tensor) == 0);

        clr_reference_io nothing = {.steps = T, .batch = N, .weights = in.weights};
        assert_int_equal(clr_reference_backward(&desc, &nothing, &test_log), CLRNN_OK);
        nothing.steps = nothing.batch = 0;
        assert_int_equal(clr_reference_backward(&desc, &nothing, &test_log), CLRNN_OK);
        test_outputs_free(&out);
        test_outputs_free(&zeros);
        test_inputs_free(&in);
    }
}

/* --- failures ----------------------------------------------------------------------------- */

static void expect(clrnn_status status, const clrnn_network_desc *desc, const clr_reference_io *io,
                   const char *reason)
{
    assert_int_equal(clr_reference_forward(desc, io, &test_log), status);
    assert_error_contains(reason);
    assert_int_equal(clr_reference_backward(desc, io, &test_log), status);
    assert_error_contains(reason);
}

static void bad_arguments(void **state)
{
    (void)state;
    clrnn_network_desc desc = test_form(2, 1, false), bad = desc;
    test_inputs in = test_inputs_random(&desc, T, N, ragged, 1, 0.8);
    test_outputs out = test_outputs_make(&in);
    clr_reference_io io = test_reference_io(&in, &out);

    in.lengths[1] = T + 1;
    expect(CLRNN_ERR_RANGE, &desc, &io, "lengths[1]");
    in.lengths[1] = T;
    expect(CLRNN_ERR_ARGUMENT, NULL, &io, "description");
    expect(CLRNN_ERR_ARGUMENT, &desc, NULL, "weights");
    bad.hidden_size = 0;
    expect(CLRNN_ERR_RANGE, &bad, &io, "hidden_size");
    bad = desc;
    bad.cell = (clrnn_cell)99;
    expect(CLRNN_ERR_ARGUMENT, &bad, &io, "cell");
    bad = desc;
    bad.nonlinearity = CLRNN_RELU;
    expect(CLRNN_ERR_ARGUMENT, &bad, &io, "nonlinearity");
    io.dropout = 1;
    expect(CLRNN_ERR_ARGUMENT, &desc, &io, "dropout");
    io.dropout = NAN;
    expect(CLRNN_ERR_ARGUMENT, &desc, &io, "dropout");
    io.dropout = 0;
    io.weights = NULL;
    expect(CLRNN_ERR_ARGUMENT, &desc, &io, "weights");
    for (size_t i = 0; i < test_sizes_of(&in).y; i++)
        assert_true(isnan(out.y[i])); /* nothing was written */
    test_outputs_free(&out);
    test_inputs_free(&in);
}

static void memory_failures(void **state)
{
    (void)state;
    for (size_t k = 0; k < TEST_FORMS; k++) {
        clrnn_network_desc desc = test_form(k, 2, true);
        test_inputs in = test_inputs_random(&desc, T, N, ragged, k, 0.8);
        test_outputs out = test_outputs_make(&in);
        clr_reference_io io = test_reference_io(&in, &out);
        long failures = 0;
        clrnn_status status = CLRNN_ERR_MEMORY;
        while (status != CLRNN_OK) {
            clr_fault_inject(CLR_FAULT_MEMORY, failures + 1);
            status = clr_reference_backward(&desc, &io, &test_log);
            clr_fault_inject(CLR_FAULT_MEMORY, 0);
            if (status == CLRNN_OK)
                break;
            assert_int_equal(status, CLRNN_ERR_MEMORY);
            assert_error_contains("memory");
            failures++;
        }
        assert_in_range(failures, 5, 100);
        test_outputs_free(&out);
        test_inputs_free(&in);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pytorch_vectors),
        cmocka_unit_test(layer_norm),
        cmocka_unit_test(zoneout),
        cmocka_unit_test(peepholes_of_others),
        cmocka_unit_test(gru_forms),
        cmocka_unit_test(philox_known_answers),
        cmocka_unit_test(update_replaces_is_keeps_with_z_negated),
        cmocka_unit_test(dropout_is_between_layers),
        cmocka_unit_test(nothing_past_a_length_is_read),
        cmocka_unit_test(zero_length_row),
        cmocka_unit_test(nan_weights_give_nan),
        cmocka_unit_test(nan_input_stays_in_its_row),
        cmocka_unit_test(absent_inputs_are_zeros),
        cmocka_unit_test(bad_arguments),
        cmocka_unit_test(memory_failures),
    };
    return cmocka_run_group_tests_name("reference", tests, NULL, NULL);
}
