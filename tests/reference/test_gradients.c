/* SPDX-License-Identifier: MIT
 * tests/reference/test_gradients.c - the backward pass of the float64 reference against finite
 * differences of its forward pass, for every cell in every form. */
#include "reference/reference.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "support.h"
#include "vectors.h"

/* Whether what zoneout keeps and recurrent dropout drops is drawn. */
static bool drawn;

/* loss = sum(y*dy) + sum(hn*dhn) + sum(cn*dcn), whose gradients by y, hn, cn are dy, dhn, dcn */
static double loss(const test_inputs *in, float dropout)
{
    test_sizes sizes = test_sizes_of(in);
    test_outputs out = test_outputs_make(in);
    clr_reference_io io = test_reference_io(in, &out);
    io.dropout = dropout;
    io.drawn = drawn;
    io.dropout_seed = 5;
    io.dropout_index = 3;
    assert_int_equal(clr_reference_forward(&in->desc, &io, &test_log), CLRNN_OK);
    double sum = 0;
    for (size_t i = 0; i < sizes.y; i++)
        sum += out.y[i] * in->dy[i];
    for (size_t i = 0; i < sizes.h; i++)
        sum += out.hn[i] * in->dhn[i];
    for (size_t i = 0; i < sizes.c; i++)
        sum += out.cn[i] * in->dcn[i];
    test_outputs_free(&out);
    return sum;
}

/* Along a random direction v of +-1 through one tensor: gradient . v = (loss(+hv) - loss(-hv)) / 2h
 */
static void check_gradient(const char *name, const char *tensor, const test_inputs *in,
                           float dropout, double *values, const double *gradient, size_t count)
{
    const double h = 1e-6;
    double slope = 0, norm = 0, side[2];
    double *saved = calloc(count, sizeof *saved), *v = test_random(count, count, 1);
    assert_non_null(saved);
    memcpy(saved, values, count * sizeof *saved);
    for (size_t i = 0; i < count; i++) {
        v[i] = v[i] < 0 ? -1 : 1;
        slope += gradient[i] * v[i];
        norm += gradient[i] * gradient[i];
    }
    for (int s = 0; s < 2; s++) {
        for (size_t i = 0; i < count; i++)
            values[i] = saved[i] + (s ? -h : h) * v[i];
        side[s] = loss(in, dropout);
    }
    memcpy(values, saved, count * sizeof *saved);
    double error = fabs(slope - (side[0] - side[1]) / (2 * h));
    if (!(norm > 1e-6 && error <= 1e-6 * sqrt(norm)))
        fail_msg("%s: gradient of %s (norm %g) is off by %g", name, tensor, sqrt(norm), error);
    free(saved);
    free(v);
}

static void check_gradients(const char *name, test_inputs *in, float dropout)
{
    test_sizes sizes = test_sizes_of(in);
    test_outputs out = test_outputs_make(in);
    clr_reference_io io = test_reference_io(in, &out);
    io.dropout = dropout;
    io.drawn = drawn;
    io.dropout_seed = 5;
    io.dropout_index = 3;
    assert_int_equal(clr_reference_backward(&in->desc, &io, &test_log), CLRNN_OK);
    check_gradient(name, "x", in, dropout, in->x, out.dx, sizes.x);
    check_gradient(name, "h0", in, dropout, in->h0, out.dh0, sizes.h);
    if (sizes.c)
        check_gradient(name, "c0", in, dropout, in->c0, out.dc0, sizes.c);
    size_t tensors = 0;
    assert_int_equal(clrnn_network_weights(&in->desc, &test_log, &tensors, NULL), CLRNN_OK);
    for (size_t i = 0; i < tensors; i++) {
        clrnn_weight_info w;
        assert_int_equal(clrnn_network_weight(&in->desc, &test_log, i, &w), CLRNN_OK);
        check_gradient(name, w.name, in, dropout, in->weights + w.offset, out.dweights + w.offset,
                       w.count);
    }
    test_outputs_free(&out);
}

static void finite_differences(void **state)
{
    (void)state;
    enum { T = 5, N = 4 };
    static const uint32_t ragged[N] = {3, 5, 0, 1};
    size_t done = 0;
    for (unsigned bits = 0; bits < TEST_FORMS * 32; bits++) {
        bool no_bias = bits & 1, bidirectional = bits & 2, is_ragged = bits & 4;
        bool stacked = bits & 8, dropout = bits & 16;
        if (dropout && !stacked)
            continue;
        clrnn_network_desc desc = test_form(bits / 32, stacked ? 2 : 1, bidirectional);
        desc.no_bias = no_bias;
        test_inputs in = test_inputs_random(&desc, T, N, is_ragged ? ragged : NULL, bits, 0.8);
        check_gradients(test_forms[bits / 32].name, &in, dropout ? 0.4f : 0);
        test_inputs_free(&in);
        done++;
    }
    assert_int_equal(done, TEST_FORMS * 8 * 3);
}

/* Peepholes see the cell state, whatever is then made of it. */
static void peepholes_and_projection(void **state)
{
    (void)state;
    enum { T = 6, N = 3 };
    static const uint32_t ragged[N] = {6, 0, 3};
    for (unsigned bits = 0; bits < 4; bits++) {
        clrnn_network_desc desc = {.input_size = 3,
                                   .hidden_size = 4,
                                   .proj_size = 2,
                                   .num_layers = 1 + bits / 2,
                                   .bidirectional = bits % 2,
                                   .peepholes = true};
        test_inputs in = test_inputs_random(&desc, T, N, ragged, bits, 0.8);
        check_gradients("lstm, peepholes and projection", &in, 0);
        test_inputs_free(&in);
    }
}

/* Every option of cells and passes; values are such that no step h ends at a corner. */
static void options(void **state)
{
    (void)state;
    static const char *const networks[] = {
        "cell=lstm,coupled=1,peepholes=1",
        "cell=lstm,gate_clip=0.5",
        "cell=lstm,cell_clip=0.3,peepholes=1,D=2",
        "cell=lstm,P=2,proj_clip=0.1,cell_clip=0.4,L=2",
        "cell=lstm,act_f=softplus,act_g=softsign,act_h=scaled_tanh:0.7:1.3",
        "cell=lstm,D=2,act_g=leaky_relu:-0.4,act_f_back=hard_sigmoid,act_g_back=affine:0.4",
        "cell=gru,act_f=hard_sigmoid:0.3:0.4,act_g=elu:-0.6",
        "cell=gru,reset=after,gate_clip=0.4,act_g=softplus",
        "cell=gru,update=keeps,D=2,act_g_back=thresholded_relu:0.2,act_g=relu",
        "cell=rnn,act_f=softsign,gate_clip=0.8,L=2",
        "cell=rnn,D=2,act_f=leaky_relu,act_f_back=elu:0.7",
        "cell=lstm,bias=one,reverse=1,peepholes=1",
        "cell=gru,reset=after,bias=one,reverse=1,L=2",
        "cell=lstm,D=2,L=2,merge=sum",
        "cell=rnn,layer_norm=1,D=2,L=2",
        "cell=lstm,layer_norm=1,D=2,L=2",
        "cell=lstm,layer_norm=1,norm_epsilon=0.05,peepholes=1,coupled=1,P=2,cell_clip=0.6",
        "cell=lstm,layer_norm=1,bias=one,reverse=1,act_h=softsign,gate_clip=0.9",
        "cell=gru,layer_norm=1,D=2",
        "cell=gru,layer_norm=1,reset=after,update=keeps,norm_epsilon=0.01,act_g=softplus",
        "cell=lstm,zoneout=0.3,zoneout_cell=0.4,peepholes=1,D=2",
        "cell=lstm,zoneout=0.3,zoneout_cell=0.4,recurrent_dropout=0.3,P=2,cell_clip=0.4,L=2",
        "cell=gru,zoneout=0.3,recurrent_dropout=0.3,D=2",
        "cell=gru,reset=after,zoneout=0.3,recurrent_dropout=0.3,L=2",
        "cell=rnn,zoneout=0.3,recurrent_dropout=0.3,layer_norm=1",
    };
    enum { T = 5, N = 4 };
    static const uint32_t ragged[N] = {3, 5, 0, 4};
    static const uint8_t mask[T * N] = {0, 1, 1, 1, 1, 1, 1, 0, 1, 1, 0, 1, 1, 0, 1, 1, 1, 1, 1, 0};
    static const uint8_t resets[T * N] = {0, 1, 0, 0, 0, 0, 0, 1, 1, 0,
                                          0, 0, 0, 1, 0, 1, 0, 0, 1, 0};
    for (unsigned bits = 0; bits < sizeof networks / sizeof *networks * 8; bits++) {
        const char *text = networks[bits / 8];
        const clrnn_network_desc desc = test_network(text);
        test_inputs in = test_inputs_random(&desc, T, N, bits & 1 ? ragged : NULL, bits, 0.8);
        if (bits & 2) {
            in.mask = calloc(T * N, 1);
            assert_non_null(in.mask);
            memcpy(in.mask, mask, T * N);
            in.repeat = bits & 1;
        }
        if (bits & 4) {
            in.resets = calloc(T * N, 1);
            assert_non_null(in.resets);
            memcpy(in.resets, resets, T * N);
        }
        for (int training = 0; training < 2; training++) {
            drawn = training;
            check_gradients(text, &in, 0);
        }
        drawn = false;
        test_inputs_free(&in);
    }
}

/* A unit of relu that is off passes no gradient, be it infinite. */
static void relu_selects(void **state)
{
    (void)state;
    enum { T = 3, N = 2 };
    clrnn_network_desc desc = test_form(1, 1, false);
    test_inputs in = test_inputs_random(&desc, T, N, NULL, 1, 0.8);
    test_sizes s = test_sizes_of(&in);
    size_t H = desc.hidden_size;
    char tensor[64];
    in.weights[s.weights - 2 * H] = -100; /* its bias: unit 0 is always off */
    test_outputs finite = test_reference(&in);
    for (size_t i = 0; i < s.y; i += H)
        in.dy[i] = INFINITY;
    test_outputs out = test_reference(&in);
    assert_true(test_outputs_error(&in, &out, &finite, tensor) == 0);
    test_outputs_free(&out);
    test_outputs_free(&finite);
    test_inputs_free(&in);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finite_differences),
        cmocka_unit_test(peepholes_and_projection),
        cmocka_unit_test(options),
        cmocka_unit_test(relu_selects),
    };
    return cmocka_run_group_tests_name("gradients", tests, NULL, NULL);
}
