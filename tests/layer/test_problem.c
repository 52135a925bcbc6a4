/* SPDX-License-Identifier: MIT
 * tests/layer/test_problem.c - problem strings: defaults, round trips, every kind of bad one; and
 * the check of a problem, which must pass, and fail when the device is wrong. */
#include <clrnn/problem.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "device/context.h"
#include "layer/check_arrays.h"
#include "support.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

static clrnn_problem parse(const char *text)
{
    clrnn_problem p;
    memset(&p, 0xff, sizeof p);
    if (clrnn_problem_parse(text, &test_log, &p) != CLRNN_OK)
        fail_msg("\"%s\": %s", text, test_last_error);
    return p;
}

static void assert_format(const clrnn_problem *problem, const char *expected)
{
    char text[512];
    int length = clrnn_problem_format(problem, text, sizeof text);
    assert_string_equal(text, expected);
    assert_int_equal(length, strlen(expected));
}

static const char usual[] = "cell=lstm,T=100,N=1,I=256,H=256,L=1,D=1,mode=infer,weights=f32";

static void defaults(void **state)
{
    (void)state;
    clrnn_problem p = parse("");
    assert_true(p.network.cell == CLRNN_CELL_LSTM && p.steps == 100 && p.batch == 1);
    assert_true(p.network.input_size == 256 && p.network.hidden_size == 256);
    assert_true(p.network.num_layers == 1 && p.network.proj_size == 0);
    assert_true(!p.network.bidirectional && !p.network.no_bias && !p.train && !p.ragged);
    assert_int_equal(p.block, 0);
    assert_true(p.precision == CLRNN_F32 && p.strategy == CLRNN_STRATEGY_AUTO);
    assert_true(p.gemm == CLRNN_GEMM_AUTO && p.weights == CLRNN_WEIGHTS_F32 &&
                p.network.nonlinearity == CLRNN_TANH);
    assert_true(p.network.gru_reset == CLRNN_RESET_BEFORE);
    assert_true(p.network.gru_update == CLRNN_UPDATE_REPLACES);
    assert_format(&p, usual);
    p.network.num_layers = 0; /* means 1 */
    assert_format(&p, usual);
    p = parse(usual);
    assert_format(&p, usual);
}

static void every_key(void **state)
{
    (void)state;
    clrnn_problem p =
        parse("gemm=clblast,strategy=stepwise,precision=f64,lengths=ragged,bias=0,P=4,"
              "weights=f32,mode=train,D=2,L=3,H=5,I=6,N=7,T=8,cell=lstm");
    assert_true(p.steps == 8 && p.batch == 7 && p.train && p.ragged);
    assert_true(p.network.input_size == 6 && p.network.hidden_size == 5);
    assert_true(p.network.num_layers == 3 && p.network.proj_size == 4);
    assert_true(p.network.bidirectional && p.network.no_bias && p.precision == CLRNN_F64);
    assert_true(p.strategy == CLRNN_STRATEGY_STEPWISE && p.gemm == CLRNN_GEMM_CLBLAST);
    p = parse("weights=f16");
    assert_int_equal(p.weights, CLRNN_WEIGHTS_F16);
    p = parse("cell=gru,reset=after,update=keeps");
    assert_true(p.network.cell == CLRNN_CELL_GRU && p.network.gru_reset == CLRNN_RESET_AFTER);
    assert_true(p.network.gru_update == CLRNN_UPDATE_KEEPS);
    p = parse("peepholes=1,P=3");
    assert_true(p.network.peepholes && p.network.proj_size == 3);
    p = parse("layer_norm=1,norm_epsilon=0.25");
    assert_true(p.network.layer_norm && p.network.norm_epsilon == 0.25f);
    p = parse("peepholes=0");
    assert_false(p.network.peepholes);
    p = parse("D=2,merge=sum,bias=one,mask=repeat,resets=1,coupled=1,cell_clip=0.1,gate_clip=1.5,"
              "act_f=hard_sigmoid,act_g_back=affine:0.25:-1e-3");
    assert_true(p.network.merge == CLRNN_MERGE_SUM && p.network.single_bias && !p.network.no_bias);
    assert_true(p.mask == 2 && p.resets && p.network.coupled_gates);
    assert_true(p.network.cell_clip == 0.1f && p.network.gate_clip == 1.5f);
    assert_true(p.network.activations[0][0].function == CLRNN_FN_HARD_SIGMOID &&
                p.network.activations[0][0].alpha == 0.2f &&
                p.network.activations[0][0].beta == 0.5f);
    assert_true(p.network.activations[1][1].function == CLRNN_FN_AFFINE &&
                p.network.activations[1][1].beta == -1e-3f);
    assert_format(&p,
                  "cell=lstm,T=100,N=1,I=256,H=256,L=1,D=2,mode=infer,weights=f32,coupled=1,"
                  "gate_clip=1.5,cell_clip=0.1,act_f=hard_sigmoid,act_g_back=affine:0.25:-0.001,"
                  "bias=one,merge=sum,mask=repeat,resets=1");
    p = parse("cell=gru,reverse=1");
    assert_true(p.network.reverse && !p.network.bidirectional);
    p = parse("mode=stream,block=16,T=100");
    assert_true(p.block == 16 && p.steps == 100 && !p.train);
    p = parse("block=100,T=100,mode=stream");
    assert_int_equal(p.block, 100);
    p = parse("mode=stream,T=100");
    assert_int_equal(p.block, 64);
    p = parse("T=63,mode=stream");
    assert_int_equal(p.block, 63);
    p = parse("cell=rnn,act=relu");
    assert_true(p.network.cell == CLRNN_CELL_RNN && p.network.nonlinearity == CLRNN_RELU);
}

/* What is read is written, and what is written is read. */
static void round_trips(void **state)
{
    (void)state;
    static const char *const texts[] = {
        usual,
        "cell=gru,T=1,N=4294967295,I=1,H=1,L=1,D=1,mode=train,weights=f32",
        "cell=gru,T=5,N=3,I=2,H=4,L=2,D=2,mode=infer,weights=f32,reset=after",
        "cell=gru,T=5,N=3,I=2,H=4,L=2,D=2,mode=infer,weights=f32,reset=after,update=keeps",
        "cell=gru,T=5,N=3,I=2,H=4,L=2,D=2,mode=infer,weights=f32,update=keeps,gemm=packed",
        "cell=rnn,T=5,N=3,I=2,H=4,L=2,D=1,mode=train,weights=f32,act=relu,bias=0,lengths=ragged",
        "cell=lstm,T=5,N=3,I=2,H=4,L=2,D=2,mode=train,weights=f32,P=3,lengths=ragged,precision=f64",
        "cell=lstm,T=5,N=3,I=2,H=4,L=1,D=1,mode=infer,weights=f32,strategy=stepwise,gemm=clblast",
        "cell=lstm,T=5,N=3,I=2,H=4,L=1,D=1,mode=infer,weights=f32,strategy=persistent",
        "cell=lstm,T=5,N=3,I=2,H=4,L=1,D=1,mode=infer,weights=f16",
        "cell=gru,T=5,N=3,I=2,H=4,L=1,D=1,mode=infer,weights=bf16,gemm=packed",
        "cell=rnn,T=5,N=3,I=2,H=4,L=1,D=1,mode=infer,weights=int8,act=relu",
        "cell=lstm,T=5,N=3,I=2,H=4,L=2,D=1,mode=stream,weights=f32,block=5,P=2",
        "cell=lstm,T=5,N=3,I=2,H=4,L=2,D=2,mode=infer,weights=f16,peepholes=1,lengths=ragged",
        "cell=lstm,T=5,N=3,I=2,H=4,L=1,D=1,mode=train,weights=f32,P=2,peepholes=1,bias=0",
        "cell=gru,T=5,N=3,I=2,H=4,L=1,D=1,mode=train,weights=f32,layer_norm=1,norm_epsilon=0.001",
        "cell=gru,T=999,N=1,I=2,H=4,L=1,D=1,mode=stream,weights=f16,block=64",
    };
    for (size_t i = 0; i < COUNT(texts); i++) {
        clrnn_problem p = parse(texts[i]);
        assert_format(&p, texts[i]);
    }
}

/* As snprintf: the length without the limit, always terminated, nothing past the end. */
static void short_buffers(void **state)
{
    (void)state;
    const clrnn_problem p = parse("");
    for (size_t size = 0; size <= sizeof usual + 1; size++) {
        char text[128];
        memset(text, '#', sizeof text);
        assert_int_equal(clrnn_problem_format(&p, text, size), strlen(usual));
        size_t written = size > strlen(usual) ? strlen(usual) : size ? size - 1 : 0;
        assert_memory_equal(text, usual, written);
        if (size)
            assert_int_equal(text[written], 0);
        for (size_t i = size ? written + 1 : 0; i < sizeof text; i++)
            assert_int_equal(text[i], '#');
    }
    assert_int_equal(clrnn_problem_format(&p, NULL, 0), strlen(usual));
}

static void bad_strings(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        clrnn_status status;
        const char *message;
    } bad[] = {
        {"cell", CLRNN_ERR_ARGUMENT, "\"cell\" is not KEY=VALUE"},
        {"cell=lstm,", CLRNN_ERR_ARGUMENT, "\"\" is not KEY=VALUE"},
        {",T=1", CLRNN_ERR_ARGUMENT, "\"\" is not KEY=VALUE"},
        {"T=1,,N=1", CLRNN_ERR_ARGUMENT, "\"\" is not KEY=VALUE"},
        {"=1", CLRNN_ERR_ARGUMENT, "key  is unknown"},
        {"X=1", CLRNN_ERR_ARGUMENT, "key X is unknown"},
        {"t=1", CLRNN_ERR_ARGUMENT, "key t is unknown"},
        {" T=1", CLRNN_ERR_ARGUMENT, "key  T is unknown"},
        {"cell=", CLRNN_ERR_ARGUMENT, "cell= is unknown"},
        {"cell=LSTM", CLRNN_ERR_ARGUMENT, "cell=LSTM is unknown"},
        {"mode=test", CLRNN_ERR_ARGUMENT, "mode=test is unknown"},
        {"weights=f64", CLRNN_ERR_ARGUMENT, "weights=f64 is unknown"},
        {"cell=gru,reset=both", CLRNN_ERR_ARGUMENT, "reset=both is unknown"},
        {"cell=gru,update=maybe", CLRNN_ERR_ARGUMENT, "update=maybe is unknown"},
        {"cell=rnn,act=gelu", CLRNN_ERR_ARGUMENT, "act=gelu is unknown"},
        {"bias=2", CLRNN_ERR_ARGUMENT, "bias=2 is unknown"},
        {"cell_clip=-1", CLRNN_ERR_ARGUMENT, "cell_clip=-1 is not a number from 0 on"},
        {"gate_clip=1e999", CLRNN_ERR_ARGUMENT, "gate_clip=1e999 is not a number"},
        {"proj_clip=1", CLRNN_ERR_ARGUMENT, "there is no projection"},
        {"cell=gru,coupled=1", CLRNN_ERR_ARGUMENT, "coupled_gates is an option of LSTM only"},
        {"cell=gru,act_h=relu", CLRNN_ERR_ARGUMENT, "is an option of LSTM only"},
        {"act_f=gelu", CLRNN_ERR_ARGUMENT, "act_f=gelu is no function, must be one of usual|tanh"},
        {"act_f=tanh:1", CLRNN_ERR_ARGUMENT, "act_f=tanh:1 is no function"},
        {"act_f=elu:1:2", CLRNN_ERR_ARGUMENT, "act_f=elu:1:2 is no function"},
        {"act_f_back=relu", CLRNN_ERR_ARGUMENT, "no second direction"},
        {"cell=rnn,act=relu,act_f=tanh", CLRNN_ERR_ARGUMENT, "are both given"},
        {"D=2,reverse=1", CLRNN_ERR_ARGUMENT, "reverse and bidirectional"},
        {"merge=sum", CLRNN_ERR_ARGUMENT, "nothing to merge"},
        {"mode=stream,mask=zero", CLRNN_ERR_ARGUMENT, "mask is impossible"},
        {"lengths=some", CLRNN_ERR_ARGUMENT, "lengths=some is unknown"},
        {"precision=f16", CLRNN_ERR_ARGUMENT, "precision=f16 is unknown"},
        {"strategy=fast", CLRNN_ERR_ARGUMENT, "strategy=fast is unknown"},
        {"gemm=own", CLRNN_ERR_ARGUMENT, "gemm=own is unknown"},
        {"T=", CLRNN_ERR_ARGUMENT, "T= is not a whole number"},
        {"T=ten", CLRNN_ERR_ARGUMENT, "T=ten is not a whole number"},
        {"T=-1", CLRNN_ERR_ARGUMENT, "T=-1 is not a whole number"},
        {"T=+1", CLRNN_ERR_ARGUMENT, "T=+1 is not a whole number"},
        {"T= 1", CLRNN_ERR_ARGUMENT, "T= 1 is not a whole number"},
        {"T=1.5", CLRNN_ERR_ARGUMENT, "T=1.5 is not a whole number"},
        {"T=0x10", CLRNN_ERR_ARGUMENT, "T=0x10 is not a whole number"},
        {"T=0", CLRNN_ERR_RANGE, "T=0 is not in 1..4294967295"},
        {"N=0", CLRNN_ERR_RANGE, "N=0 is not in 1..4294967295"},
        {"I=0", CLRNN_ERR_RANGE, "I=0 is not in"},
        {"H=0", CLRNN_ERR_RANGE, "H=0 is not in"},
        {"L=0", CLRNN_ERR_RANGE, "L=0 is not in"},
        {"D=0", CLRNN_ERR_RANGE, "D=0 is not in"},
        {"D=3", CLRNN_ERR_RANGE, "D=3 is not 1 or 2"},
        {"block=64", CLRNN_ERR_ARGUMENT, "block is an option of mode=stream only"},
        {"mode=train,block=1", CLRNN_ERR_ARGUMENT, "block is an option of mode=stream only"},
        {"mode=stream,block=0", CLRNN_ERR_RANGE, "block=0 is not in"},
        {"mode=stream,block=101", CLRNN_ERR_RANGE, "block=101 is not in 1..T, which is 100"},
        {"mode=stream,D=2", CLRNN_ERR_ARGUMENT, "D=2 is impossible with mode=stream"},
        {"mode=stream,lengths=ragged", CLRNN_ERR_ARGUMENT, "lengths=ragged is impossible"},
        {"T=4294967296", CLRNN_ERR_RANGE, "T=4294967296 is not in"},
        {"T=99999999999999999999999", CLRNN_ERR_RANGE, "is not in"},
        {"H=999999999", CLRNN_ERR_RANGE, "hidden_size is 999999999"},
        {"L=1001", CLRNN_ERR_RANGE, "num_layers is 1001"},
        {"I=268435456,H=268435456,L=9", CLRNN_ERR_RANGE, "more than memory can address"},
        {"P=256", CLRNN_ERR_RANGE, "proj_size 256 is not less than hidden_size 256"},
        {"cell=gru,peepholes=1", CLRNN_ERR_ARGUMENT, "peepholes is an option of LSTM only"},
        {"peepholes=2", CLRNN_ERR_ARGUMENT, "peepholes=2 is unknown"},
        {"layer_norm=2", CLRNN_ERR_ARGUMENT, "layer_norm=2 is unknown"},
        {"norm_epsilon=0.1", CLRNN_ERR_ARGUMENT, "layer_norm is not given"},
        {"layer_norm=1,norm_epsilon=-1", CLRNN_ERR_ARGUMENT, "norm_epsilon=-1 is not a number"},
        {"cell=gru,P=3", CLRNN_ERR_ARGUMENT, "proj_size is an option of LSTM only"},
        {"act=relu", CLRNN_ERR_ARGUMENT, "nonlinearity is an option of RNN only"},
        {"reset=after", CLRNN_ERR_ARGUMENT, "gru_reset is an option of GRU only"},
        {"cell=rnn,update=keeps", CLRNN_ERR_ARGUMENT, "gru_update is an option of GRU only"},
    };
    for (size_t i = 0; i < COUNT(bad); i++) {
        clrnn_problem p;
        clrnn_status status = clrnn_problem_parse(bad[i].text, &test_log, &p);
        if (status != bad[i].status)
            fail_msg("\"%s\" gives %s", bad[i].text, clrnn_status_name(status));
        assert_error_contains(bad[i].message);
    }
}

static void too_long_and_missing(void **state)
{
    (void)state;
    char text[600];
    clrnn_problem p;
    memset(text, '0', sizeof text);
    memcpy(text, "T=", 2);
    text[sizeof text - 1] = 0;
    assert_int_equal(clrnn_problem_parse(text, &test_log, &p), CLRNN_ERR_RANGE);
    assert_error_contains("longer than 511 characters");
    text[511] = 0;
    text[510] = '7';
    p = parse(text);
    assert_int_equal(p.steps, 7);
    assert_int_equal(clrnn_problem_parse(NULL, &test_log, &p), CLRNN_ERR_ARGUMENT);
    assert_error_contains("NULL");
    assert_int_equal(clrnn_problem_parse("", &test_log, NULL), CLRNN_ERR_ARGUMENT);
    assert_error_contains("NULL");
}

/* --- checks ------------------------------------------------------------------------------- */

static void assert_passes(clrnn_context *context, const char *text, uint64_t seed)
{
    const clrnn_problem p = parse(text);
    clrnn_check c;
    assert_int_equal(clrnn_problem_check(context, &p, seed, &c), CLRNN_OK);
    if (!c.passed)
        fail_msg("%s: forward %.3g of %.3g (%s), gradients %.3g of %.3g (%s)", text,
                 c.forward_error, c.forward_bound, c.forward_tensor, c.gradient_error,
                 c.gradient_bound, c.gradient_tensor);
    /* Rounding errors there are, and bounds that do not allow everything. */
    assert_true(c.forward_error > 0 && c.forward_bound < 1e-4 && c.forward_tensor[0]);
    assert_true(c.forward_error <= c.forward_bound && c.gradient_error <= c.gradient_bound);
    assert_int_equal(c.gradient_error > 0, p.train);
    assert_int_equal(c.gradient_tensor[0] != 0, p.train);
    assert_true(c.gradient_bound < 1e-3);
    if (p.precision == CLRNN_F64)
        assert_true(c.forward_bound < 1e-12 && c.gradient_bound < 1e-11);
}

static void checks_that_pass(void **state)
{
    static const char *const texts[] = {
        "T=3,I=5,H=7,mode=train",
        "T=7,N=8,I=17,H=33,L=2,D=2,mode=train,lengths=ragged,P=5",
        "cell=gru,T=9,N=3,I=33,H=17,mode=train",
        "cell=gru,T=9,N=3,I=33,H=17,mode=train,reset=after,update=keeps,bias=0",
        "cell=rnn,T=9,N=17,I=65,H=65,mode=infer",
        "cell=rnn,T=9,N=2,I=1,H=93,L=3,mode=train,act=relu,strategy=stepwise,gemm=clblast",
        "cell=gru,T=300,N=2,I=4,H=33,mode=train",
        "cell=lstm,T=100,N=1,I=1,H=40,mode=stream,block=64",
        "cell=lstm,T=9,N=3,I=5,H=33,L=2,P=17,mode=stream,block=4",
        "cell=gru,T=7,N=2,I=5,H=7,mode=stream,strategy=stepwise,block=1",
        "cell=rnn,T=5,N=2,I=5,H=7,mode=stream",
    };
    for (size_t i = 0; i < COUNT(texts); i++) {
        char text[256];
        if (strstr(texts[i], "gemm=clblast") && !test_has(*state, TEST_CLBLAST))
            continue;
        assert_passes(*state, texts[i], i);
        snprintf(text, sizeof text, "%s,precision=f64", texts[i]);
        if (clrnn_context_device(*state)->fp64)
            assert_passes(*state, text, i);
    }
}

/* Outputs that are small because the terms of their sums cancel, or because a function lets little
 * of them through: no arithmetic that rounds is as exact as they are small. */
static void small_outputs(void **state)
{
    static const char *const texts[] = {
        "cell=rnn,T=9,N=2,I=32,H=1,L=2,D=2,act=relu,gate_clip=1.51,bias=0,lengths=ragged,resets=1",
        "cell=rnn,T=9,N=2,I=32,H=1,D=2,act=relu,bias=0,lengths=ragged",
        "cell=rnn,T=4,N=2,I=32,H=1,D=2,mode=train,act_f=relu,lengths=ragged",
    };
    for (size_t i = 0; i < COUNT(texts); i++)
        assert_passes(*state, texts[i], 1);
}

static double largest(const double *values, size_t count)
{
    double most = 0;
    for (size_t i = 0; i < count; i++)
        most = fmax(most, fabs(values[i]));
    return most;
}

/* By how much more than their size outputs move when inputs are rounded: it must not excuse what is
 * wrong elsewhere. */
static double moved_of(const char *text, int output)
{
    const clrnn_problem p = parse(text);
    clr_arrays a = {.problem = &p};
    assert_int_equal(clr_network_init(&p.network, NULL, &a.network), CLRNN_OK);
    assert_true(clr_arrays_make(&a, 1));
    assert_int_equal(clr_arrays_expect(&a, NULL), CLRNN_OK);
    assert_int_equal(clr_arrays_move(&a, NULL), CLRNN_OK);
    const size_t count = a.out_count[output];
    const double moved = largest(a.moved[output], count) / largest(a.expected[output], count);
    clr_arrays_free(&a);
    return moved;
}

static void what_rounding_moves(void **state)
{
    static const char *const ordinary[] = {"cell=lstm,T=9,N=3,I=33,H=17,L=2,D=2,mode=train",
                                           "cell=gru,T=9,N=3,I=33,H=17,mode=train",
                                           "cell=rnn,T=9,N=3,I=33,H=17,mode=train,precision=f64"};
    (void)state;
    for (size_t i = 0; i < COUNT(ordinary); i++)
        for (int output = 0; output < OUTPUTS; output++)
            if (strstr(ordinary[i], "lstm") || (output != CN && output != DC0))
                assert_true(moved_of(ordinary[i], output) < 4);
    assert_true(moved_of("cell=rnn,T=9,N=2,I=32,H=1,D=2,act=relu,bias=0,lengths=ragged", Y) > 8);
}

/* Other numbers for another seed, the same for the same. */
static void seeds(void **state)
{
    const clrnn_problem p = parse("T=5,N=3,I=17,H=17,mode=train");
    clrnn_check c[3];
    for (int i = 0; i < 3; i++)
        assert_int_equal(clrnn_problem_check(*state, &p, (uint64_t)i % 2, &c[i]), CLRNN_OK);
    assert_true(c[0].forward_error != c[1].forward_error);
    assert_true(c[0].forward_error == c[2].forward_error);
    assert_true(c[0].gradient_error == c[2].gradient_error);
}

static void checks_that_cannot_be_made(void **state)
{
    clrnn_context *context = *state;
    clrnn_problem p = parse("T=3,I=5,H=7,mode=train");
    clrnn_check c;
    memset(&c, 0x55, sizeof c);
    const clrnn_check before = c;
    assert_int_equal(clrnn_problem_check(NULL, &p, 1, &c), CLRNN_ERR_ARGUMENT);
    assert_int_equal(clrnn_problem_check(context, NULL, 1, &c), CLRNN_ERR_ARGUMENT);
    assert_error_contains("is NULL");
    assert_int_equal(clrnn_problem_check(context, &p, 1, NULL), CLRNN_ERR_ARGUMENT);
    assert_error_contains("is NULL");
    p.steps = 0;
    assert_int_equal(clrnn_problem_check(context, &p, 1, &c), CLRNN_ERR_RANGE);
    assert_error_contains("max_steps is 0");
    p.train = false, p.block = 2;
    assert_int_equal(clrnn_problem_check(context, &p, 1, &c), CLRNN_ERR_RANGE);
    assert_error_contains("max_steps is 0");
    p.steps = 3;
    p.network.bidirectional = true;
    assert_int_equal(clrnn_problem_check(context, &p, 1, &c), CLRNN_ERR_ARGUMENT);
    assert_error_contains("bidirectional");
    p.network.bidirectional = false, p.ragged = true;
    assert_int_equal(clrnn_problem_check(context, &p, 1, &c), CLRNN_ERR_ARGUMENT);
    assert_error_contains("no lengths");
    p.ragged = false, p.train = true;
    assert_int_equal(clrnn_problem_check(context, &p, 1, &c), CLRNN_ERR_ARGUMENT);
    assert_error_contains("trains");
    p.block = 0;
    assert_int_equal(clrnn_problem_check(context, &p, 1, NULL), CLRNN_ERR_ARGUMENT);
    const bool fp64 = context->info.fp64;
    context->info.fp64 = false;
    p.precision = CLRNN_F64;
    assert_int_equal(clrnn_problem_check(context, &p, 1, &c), CLRNN_ERR_UNSUPPORTED);
    assert_error_contains("no double precision");
    context->info.fp64 = fp64;
    assert_memory_equal(&c, &before, sizeof c);
}

/* Memory that fails in turn: reported, and nothing is left behind. */
static void checks_that_fail_in_turn(void **state)
{
    static const char *const texts[] = {"T=2,N=2,I=2,H=2,mode=train,lengths=ragged",
                                        "T=3,N=2,I=2,H=2,mode=stream,block=2"};
    for (size_t i = 0; i < COUNT(texts); i++) {
        const clrnn_problem p = parse(texts[i]);
        clrnn_status status;
        long k = 0;
        do {
            clrnn_check c;
            clr_fault_inject(CLR_FAULT_MEMORY, ++k);
            status = clrnn_problem_check(*state, &p, 1, &c);
            clr_fault_inject(CLR_FAULT_MEMORY, 0);
            if (status != CLRNN_OK) {
                assert_int_equal(status, CLRNN_ERR_MEMORY);
                assert_true(strstr(test_last_error, "memory") ||
                            strstr(test_last_error, "CL_OUT_OF_HOST_MEMORY") ||
                            strstr(test_last_error, "no room for a buffer"));
                test_last_error[0] = 0;
            }
        } while (status != CLRNN_OK && k < 1000);
        assert_true(k > 20 && k < 1000);
    }
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, test_open, test_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults),
        cmocka_unit_test(every_key),
        cmocka_unit_test(round_trips),
        cmocka_unit_test(short_buffers),
        cmocka_unit_test(bad_strings),
        cmocka_unit_test(what_rounding_moves),
        cmocka_unit_test(too_long_and_missing),
        TEST(checks_that_pass),
        TEST(small_outputs),
        TEST(seeds),
        TEST(checks_that_cannot_be_made),
        TEST(checks_that_fail_in_turn),
    };
    return cmocka_run_group_tests_name("problem", tests, NULL, NULL);
}
