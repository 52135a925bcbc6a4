/* SPDX-License-Identifier: MIT
 * tests/layer/test_cell_options.c - every option of cells and passes on the device, forward and
 * back, against the reference; padding, lengths in device memory, and passes of nothing. */
#include "layer/device.h"

#include <clrnn/problem.h>

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "device/buffer.h"
#include "device/program.h"

/* The first `compiled` also where each is a program that a driver compiles. */
static const char *const problems[] = {
    "cell=lstm,layer_norm=1,D=2,peepholes=1,P=7,resets=1,mask=repeat,lengths=ragged",
    "cell=gru,layer_norm=1,L=2,resets=1,lengths=ragged",
    "cell=lstm,D=2,peepholes=1,coupled=1,gate_clip=0.7,cell_clip=0.4,act_g=softsign,act_h=elu:-0.7,"
    "act_f_back=hard_sigmoid,act_g_back=softplus,mask=repeat,resets=1,lengths=ragged,merge=sum",
    "cell=gru,reverse=1,bias=one,act_f=hard_sigmoid:0.3:0.4,act_g=leaky_relu:-0.5,mask=zero,resets="
    "1",
    "cell=lstm,P=7,proj_clip=0.05,D=2,L=2,lengths=ragged",
    "cell=lstm,zoneout=0.3,zoneout_cell=0.4,peepholes=1,D=2,resets=1,mask=zero,lengths=ragged",
    "cell=gru,zoneout=0.3,recurrent_dropout=0.4,L=2,resets=1,lengths=ragged",
    "cell=lstm,coupled=1",
    "cell=lstm,coupled=1,peepholes=1,D=2,lengths=ragged",
    "cell=lstm,gate_clip=0.3",
    "cell=lstm,cell_clip=0.2,peepholes=1",
    "cell=lstm,act_f=hard_sigmoid,act_g=softsign,act_h=elu:0.7",
    "cell=lstm,act_f=softplus,act_g=relu,act_h=affine:0.5:0.1",
    "cell=lstm,D=2,act_g=scaled_tanh:1.2:0.6,act_h=leaky_relu:0.2,act_f_back=hard_sigmoid:0.3:0.4",
    "cell=gru,reset=after,act_f=softsign,act_g=elu:-0.4,gate_clip=0.5",
    "cell=gru,update=keeps,D=2,act_f=affine:0.3:0.4,act_g_back=thresholded_relu:-0.2",
    "cell=rnn,act=relu,gate_clip=0.5",
    "cell=rnn,D=2,act_f=softplus,act_f_back=scaled_tanh:0.5:2",
    "cell=lstm,bias=one",
    "cell=gru,reset=after,bias=one",
    "cell=lstm,reverse=1,L=2,peepholes=1,lengths=ragged",
    "cell=lstm,D=2,L=2,merge=sum",
    "cell=rnn,D=2,merge=sum,mask=repeat",
    "cell=gru,D=2,L=2,mask=repeat,lengths=ragged",
    "cell=lstm,D=2,mask=zero,resets=1,peepholes=1",
    "cell=lstm,D=2,L=2,P=6,resets=1,mask=zero,proj_clip=0.1,lengths=ragged",
    "cell=gru,D=2,resets=1",
    "cell=rnn,act=relu,L=2,resets=1,lengths=ragged",
    "cell=rnn,layer_norm=1,act=relu",
    "cell=rnn,layer_norm=1,D=2,L=2,bias=one,lengths=ragged",
    "cell=lstm,layer_norm=1",
    "cell=lstm,layer_norm=1,D=2,peepholes=1,P=6,proj_clip=0.4,norm_epsilon=0.001,lengths=ragged",
    "cell=lstm,layer_norm=1,reverse=1,coupled=1,cell_clip=0.7,gate_clip=1.5,act_h=softsign,L=2",
    "cell=lstm,layer_norm=1,L=2,resets=1,mask=zero,lengths=ragged",
    "cell=lstm,layer_norm=1,D=2,P=6,resets=1,mask=repeat,merge=sum",
    "cell=gru,layer_norm=1,L=2,lengths=ragged",
    "cell=gru,layer_norm=1,D=2,update=keeps,resets=1,mask=zero",
    "cell=gru,layer_norm=1,reset=after,update=keeps,D=2,lengths=ragged",
    "cell=gru,layer_norm=1,reset=after,resets=1,bias=one,mask=repeat,act_f=hard_sigmoid",
    "cell=lstm,zoneout_cell=0.4,coupled=1,cell_clip=0.5,act_h=softsign",
    "cell=lstm,zoneout=0.5,P=6,proj_clip=0.3,resets=1,mask=repeat,D=2,merge=sum",
    "cell=lstm,zoneout=0.2,zoneout_cell=0.6,P=6,recurrent_dropout=0.4,L=2,peepholes=1,resets=1",
    "cell=lstm,zoneout=0.3,layer_norm=1,D=2,resets=1,mask=zero,lengths=ragged",
    "cell=lstm,zoneout=0.3,layer_norm=1,P=6,recurrent_dropout=0.4,resets=1",
    "cell=gru,zoneout=0.3,D=2,mask=repeat,resets=1",
    "cell=gru,reset=after,zoneout=0.3,D=2,resets=1,mask=zero",
    "cell=gru,reset=after,recurrent_dropout=0.4,L=2,lengths=ragged",
    "cell=gru,layer_norm=1,recurrent_dropout=0.4,D=2,resets=1",
    "cell=rnn,zoneout=0.7,L=2,reverse=1,lengths=ragged",
    "cell=rnn,recurrent_dropout=0.9,D=2,merge=sum",
};
enum { PROBLEMS = sizeof problems / sizeof *problems, compiled = 7 };

static void check(clrnn_context *context, const char *text, const char *more)
{
    char whole[512];
    clrnn_problem p;
    clrnn_check c;
    snprintf(whole, sizeof whole, "%s,T=9,N=5,I=6,H=21,%s", text, more);
    assert_int_equal(clrnn_problem_parse(whole, &test_log, &p), CLRNN_OK);
    if (p.precision == CLRNN_F64 && !test_has(context, TEST_DOUBLES))
        return;
    assert_int_equal(clrnn_problem_check(context, &p, 7, &c), CLRNN_OK);
    if (!c.passed)
        fail_msg("%s: forward %.3g of %.3g (%s), gradients %.3g of %.3g (%s)", whole,
                 c.forward_error, c.forward_bound, c.forward_tensor, c.gradient_error,
                 c.gradient_bound, c.gradient_tensor);
}

static void every_option(void **state)
{
    const bool compiles = clr_compiles(*state);
    for (size_t i = 0; i < (compiles ? compiled : PROBLEMS); i++) {
        check(*state, problems[i], "mode=train,precision=f64,strategy=auto");
        if (!compiles) {
            check(*state, problems[i], "mode=train,precision=f64,strategy=stepwise");
            check(*state, problems[i], "mode=train,precision=f32,strategy=auto");
            check(*state, problems[i],
                  "mode=infer,precision=f64,strategy=auto"); /* others' kernels */
        }
    }
}

/* Sums of hundreds, of which e^x is no number, in a function that does not saturate. */
static void softplus_far_from_zero(void **state)
{
    clrnn_problem p;
    assert_int_equal(clrnn_problem_parse("cell=rnn,act_f=softplus,I=6,H=21", &test_log, &p), 0);
    for (int precision = 0; precision < test_precisions(*state); precision++) {
        test_inputs in = test_inputs_random(&p.network, 1, 5, NULL, 11, precision ? 3000 : 400);
        test_inputs_round(&in, (clrnn_precision)precision);
        const clrnn_plan_desc desc =
            test_plan_desc(&in, (clrnn_precision)precision, false, test_last_way(*state));
        clrnn_plan *plan = test_plan_make(*state, &desc, &in);
        test_outputs got = test_run(plan, &in), expected = test_reference(&in);
        test_compare("softplus", &in, &got, &expected, precision ? 1e-14 : 1e-6, 0);
        test_outputs_free(&got);
        test_outputs_free(&expected);
        clrnn_plan_destroy(&plan);
        test_inputs_free(&in);
    }
}

/* Which strategies have layer norm: who asks for another one is told, `auto` takes it. */
static void layer_norm_strategies(void **state)
{
    const bool cpu = clrnn_context_device(*state)->type == CL_DEVICE_TYPE_CPU;
    const struct {
        clrnn_strategy strategy;
        bool train;
        clrnn_storage weights;
        const char *taken; /* NULL: refused */
    } cases[] = {{CLRNN_STRATEGY_PERSISTENT, false, CLRNN_WEIGHTS_F32, cpu ? "persistent" : NULL},
                 {CLRNN_STRATEGY_PERSISTENT, true, CLRNN_WEIGHTS_F32, cpu ? "persistent" : NULL},
                 {CLRNN_STRATEGY_PERSISTENT, false, CLRNN_WEIGHTS_BF16, NULL},
                 {CLRNN_STRATEGY_RESIDENT, false, CLRNN_WEIGHTS_F32, NULL},
                 {CLRNN_STRATEGY_AUTO, false, CLRNN_WEIGHTS_F32, cpu ? "persistent" : "stepwise"},
                 {CLRNN_STRATEGY_AUTO, false, CLRNN_WEIGHTS_INT8, "stepwise"},
                 {CLRNN_STRATEGY_AUTO, true, CLRNN_WEIGHTS_F32, cpu ? "persistent" : "stepwise"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const clrnn_plan_desc desc = {.network = test_network("cell=lstm,layer_norm=1"),
                                      .max_steps = 2,
                                      .max_batch = 2,
                                      .strategy = cases[i].strategy,
                                      .train = cases[i].train,
                                      .weights = cases[i].weights};
        clrnn_plan *plan = NULL;
        const clrnn_status status = clrnn_plan_create(*state, &desc, &plan);
        assert_int_equal(status, cases[i].taken ? CLRNN_OK : CLRNN_ERR_UNSUPPORTED);
        if (cases[i].taken)
            assert_string_equal(clrnn_plan_get_info(plan)->strategy, cases[i].taken);
        else if (cpu)
            assert_error_contains("layer norm");
        clrnn_plan_destroy(&plan);
    }
}

/* How its steps are cut, into rows, units and layers, does not change a bit: the sums of a row are
 * those of stepwise. */
static void layer_norm_bits(void **state)
{
    static const char *const texts[] = {
        "cell=lstm,P=17,peepholes=1,N=9,L=2", "cell=lstm,D=2,N=5,mask=repeat,lengths=ragged",
        "cell=gru,N=7,resets=1,lengths=ragged", "cell=gru,reset=after,N=1,L=3",
        "cell=rnn,act=relu,N=13,D=2,merge=sum"};
    if (clrnn_context_device(*state)->type != CL_DEVICE_TYPE_CPU || clr_compiles(*state))
        skip();
    for (size_t i = 0; i < 2 * sizeof texts / sizeof *texts; i++) {
        clrnn_check c[2];
        for (int k = 0; k < 2; k++) {
            char whole[512];
            clrnn_problem p;
            snprintf(whole, sizeof whole, "%s,T=9,I=6,H=33,layer_norm=1,gemm=packed,%sstrategy=%s",
                     texts[i / 2], i % 2 ? "mode=train," : "", k ? "persistent" : "stepwise");
            assert_int_equal(clrnn_problem_parse(whole, &test_log, &p), CLRNN_OK);
            assert_int_equal(clrnn_problem_check(*state, &p, 7, &c[k]), CLRNN_OK);
            assert_true(c[k].passed);
        }
        assert_true(c[0].forward_digest == c[1].forward_digest);
        assert_true(c[0].gradient_digest == c[1].gradient_digest);
    }
}

/* To train with recurrent dropout, too; zoneout is in every strategy of the device, and inference,
 * which has nothing to drop. */
static void recurrent_dropout_is_stepwise(void **state)
{
    static const clrnn_strategy others[] = {CLRNN_STRATEGY_PERSISTENT, CLRNN_STRATEGY_RESIDENT};
    clrnn_plan_desc desc = {.network = test_network("cell=gru,recurrent_dropout=0.5,zoneout=0.5"),
                            .max_steps = 2,
                            .max_batch = 2};
    clrnn_plan *plan = NULL;
    assert_int_equal(clrnn_plan_create(*state, &desc, &plan), CLRNN_OK);
    char inference[32];
    snprintf(inference, sizeof inference, "%s", clrnn_plan_get_info(plan)->strategy);
    clrnn_plan_destroy(&plan);
    desc.train = true;
    for (size_t i = 0; i < 2; i++) {
        desc.strategy = others[i];
        assert_int_equal(clrnn_plan_create(*state, &desc, &plan), CLRNN_ERR_UNSUPPORTED);
        assert_null(plan);
        assert_error_contains("recurrent dropout");
    }
    desc.strategy = CLRNN_STRATEGY_AUTO;
    assert_int_equal(clrnn_plan_create(*state, &desc, &plan), CLRNN_OK);
    assert_string_equal(clrnn_plan_get_info(plan)->strategy, "stepwise");
    clrnn_plan_destroy(&plan);
    desc.network.recurrent_dropout = 0;
    assert_int_equal(clrnn_plan_create(*state, &desc, &plan), CLRNN_OK);
    assert_string_equal(clrnn_plan_get_info(plan)->strategy, inference);
    clrnn_plan_destroy(&plan);
}

/* A probability of 1 or more, what the cell has not, and c without h~ of its own. */
static void bad_probabilities(void **state)
{
    static const struct {
        clrnn_network_desc desc;
        const char *says;
    } bad[] = {{{.zoneout = 1}, "zoneout is 1, not a number from 0 on and below 1"},
               {{.zoneout_cell = -0.5f}, "zoneout_cell is -0.5"},
               {{.recurrent_dropout = 2}, "recurrent_dropout is 2"},
               {{.cell = CLRNN_CELL_GRU, .zoneout_cell = 0.5f}, "an option of LSTM only"},
               {{.layer_norm = true, .zoneout_cell = 0.5f},
                "with layer_norm h is made of the norm of the new c"}};
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        clrnn_network_desc desc = bad[i].desc;
        desc.input_size = desc.hidden_size = 3;
        assert_int_equal(clrnn_network_weights(&desc, &test_log, NULL, NULL), CLRNN_ERR_ARGUMENT);
        assert_error_contains(bad[i].says);
    }
}

enum { T = 4, N = 3, I = 3, H = 4 };

static clrnn_plan *plan_of(clrnn_context *context, const test_inputs *in, bool train)
{
    const clrnn_plan_desc desc = {.network = in->desc,
                                  .max_steps = T,
                                  .max_batch = N,
                                  .train = train,
                                  .precision = CLRNN_F32};
    return test_plan_make(context, &desc, in);
}

/* What does not count is padding; all else is as without. */
static void padding(void **state)
{
    static const uint32_t lengths[N] = {2, 4, 0};
    const clrnn_network_desc desc = test_network("cell=gru");
    test_inputs in = test_inputs_random(&desc, T, N, lengths, 3, 0.5);
    clrnn_plan *plan = plan_of(*state, &in, false);
    test_outputs plain = test_run(plan, &in);
    test_host host = test_host_make(plan, &in);
    host.io.padding = -7.5f;
    assert_int_equal(clrnn_forward_host(plan, &host.io), CLRNN_OK);
    test_outputs padded = test_host_outputs(&host);
    for (size_t i = 0; i < (size_t)T * N * H; i++) {
        const size_t t = i / (N * H), n = i / H % N;
        assert_true(padded.y[i] == (t < lengths[n] ? plain.y[i] : -7.5));
    }
    host.io.repeat = true;
    assert_int_equal(clrnn_forward_host(plan, &host.io), CLRNN_ERR_ARGUMENT);
    assert_error_contains("padding");
    test_outputs_free(&plain);
    test_outputs_free(&padded);
    test_host_free(&host);
    clrnn_plan_destroy(&plan);
    test_inputs_free(&in);
}

/* Lengths in device memory give what those in host memory do; more than T is T, less than 0 is 0.
 */
static void lengths_on_the_device(void **state)
{
    static const uint32_t lengths[N] = {2, 4, 0};
    static const cl_int on_device[N + 1] = {99, 2, 1000, INT_MIN}; /* from offset 1 */
    clrnn_context *context = *state;
    const clrnn_network_desc desc = test_network("cell=lstm,D=2");
    test_inputs in = test_inputs_random(&desc, T, N, lengths, 5, 0.5);
    clrnn_plan *plan = plan_of(context, &in, false);
    test_outputs expected = test_run(plan, &in);
    clrnn_forward_io io = {0};
    const size_t y_bytes = (size_t)T * N * 2 * H * sizeof(float);
    float x[T * N * I], y[T * N * 2 * H];
    for (size_t i = 0; i < T * N * I; i++)
        x[i] = (float)in.x[i];
    assert_int_equal(clr_buffer_create(context, sizeof x, &io.x.buffer), CLRNN_OK);
    assert_int_equal(clr_buffer_create(context, y_bytes, &io.y.buffer), CLRNN_OK);
    assert_int_equal(clr_buffer_create(context, sizeof on_device, &io.device_lengths.buffer),
                     CLRNN_OK);
    io.device_lengths.offset = 1;
    assert_int_equal(clr_buffer_write(context, io.x.buffer, 0, sizeof x, x), CLRNN_OK);
    assert_int_equal(
        clr_buffer_write(context, io.device_lengths.buffer, 0, sizeof on_device, on_device),
        CLRNN_OK);
    io.lengths = lengths;
    assert_int_equal(clrnn_forward(plan, &io, NULL), CLRNN_ERR_ARGUMENT);
    assert_error_contains("device_lengths");
    io.lengths = NULL;
    assert_int_equal(clrnn_forward(plan, &io, NULL), CLRNN_OK);
    assert_int_equal(clr_buffer_read(context, io.y.buffer, 0, y_bytes, y), CLRNN_OK);
    /* From the states that test_run had, zeros here: so only what comes past the lengths is the
     * same; whose rows are whole is seen by that. */
    for (size_t i = 0; i < (size_t)T * N * 2 * H; i++)
        assert_int_equal(y[i] == 0, expected.y[i] == 0);
    clr_buffer_destroy(&io.x.buffer);
    clr_buffer_destroy(&io.y.buffer);
    clr_buffer_destroy(&io.device_lengths.buffer);
    test_outputs_free(&expected);
    clrnn_plan_destroy(&plan);
    test_inputs_free(&in);
}

/* No steps: states and their gradients go through; no rows: nothing is touched. */
static void passes_of_nothing(void **state)
{
    const clrnn_network_desc desc = test_network("cell=lstm");
    test_inputs in = test_inputs_random(&desc, T, N, NULL, 9, 0.5);
    clrnn_plan *plan = plan_of(*state, &in, true);
    float h0[N * H], c0[N * H], hn[N * H], cn[N * H], dh0[N * H];
    float *dweights = calloc(test_sizes_of(&in).weights, sizeof *dweights);
    assert_non_null(dweights);
    for (size_t i = 0; i < N * H; i++) {
        h0[i] = (float)in.h0[i];
        c0[i] = (float)in.c0[i];
        hn[i] = cn[i] = dh0[i] = 5;
    }
    dweights[3] = 5;
    clrnn_host_io io = {.steps = CLRNN_NONE,
                        .h0 = h0,
                        .c0 = c0,
                        .hn = hn,
                        .cn = cn,
                        .dhn = c0,
                        .dh0 = dh0,
                        .dweights = dweights};
    assert_int_equal(clrnn_forward_host(plan, &io), CLRNN_OK);
    assert_int_equal(clrnn_backward_host(plan, &io), CLRNN_OK);
    assert_memory_equal(hn, h0, sizeof hn);
    assert_memory_equal(cn, c0, sizeof cn);
    assert_memory_equal(dh0, c0, sizeof dh0);
    assert_true(dweights[3] == 0);
    uint32_t lengths[N] = {0};
    io.lengths = lengths;
    assert_int_equal(clrnn_forward_host(plan, &io), CLRNN_OK);
    lengths[N - 1] = 1;
    assert_int_equal(clrnn_forward_host(plan, &io), CLRNN_ERR_RANGE);
    assert_error_contains("lengths[");
    assert_int_equal(clrnn_backward_host(plan, &io), CLRNN_ERR_RANGE);
    clrnn_backward_io back = {.forward = {.steps = CLRNN_NONE, .lengths = lengths}};
    assert_int_equal(clrnn_forward(plan, &back.forward, NULL), CLRNN_ERR_RANGE);
    assert_int_equal(clrnn_backward(plan, &back, NULL), CLRNN_ERR_RANGE);
    back.forward.batch = CLRNN_NONE; /* no rows that a length could be of */
    assert_int_equal(clrnn_backward(plan, &back, NULL), CLRNN_OK);
    io.lengths = NULL;
    io.h0 = NULL;
    assert_int_equal(clrnn_forward_host(plan, &io), CLRNN_OK);
    assert_true(hn[0] == 0 && hn[N * H - 1] == 0);
    hn[0] = 5;
    io.batch = CLRNN_NONE;
    assert_int_equal(clrnn_forward_host(plan, &io), CLRNN_OK);
    assert_true(hn[0] == 5);
    io.batch = N + 1;
    assert_int_equal(clrnn_forward_host(plan, &io), CLRNN_ERR_RANGE);
    free(dweights);
    clrnn_plan_destroy(&plan);
    test_inputs_free(&in);
}

static void resets_need_a_plan(void **state)
{
    static const uint8_t resets[T * N] = {0};
    const clrnn_network_desc desc = test_network("cell=rnn");
    test_inputs in = test_inputs_random(&desc, T, N, NULL, 9, 0.5);
    clrnn_plan *plan = plan_of(*state, &in, false);
    test_host host = test_host_make(plan, &in);
    host.io.resets = resets;
    assert_int_equal(clrnn_forward_host(plan, &host.io), CLRNN_ERR_ARGUMENT);
    assert_error_contains("resets");
    test_host_free(&host);
    clrnn_plan_destroy(&plan);
    test_inputs_free(&in);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_option, test_open, test_close),
        cmocka_unit_test_setup_teardown(softplus_far_from_zero, test_open, test_close),
        cmocka_unit_test_setup_teardown(layer_norm_strategies, test_open, test_close),
        cmocka_unit_test_setup_teardown(layer_norm_bits, test_open, test_close),
        cmocka_unit_test_setup_teardown(recurrent_dropout_is_stepwise, test_open, test_close),
        cmocka_unit_test_setup_teardown(bad_probabilities, test_open, test_close),
        cmocka_unit_test_setup_teardown(padding, test_open, test_close),
        cmocka_unit_test_setup_teardown(lengths_on_the_device, test_open, test_close),
        cmocka_unit_test_setup_teardown(passes_of_nothing, test_open, test_close),
        cmocka_unit_test_setup_teardown(resets_need_a_plan, test_open, test_close),
    };
    return cmocka_run_group_tests_name("options of cells", tests, NULL, NULL);
}
