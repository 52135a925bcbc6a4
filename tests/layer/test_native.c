/* SPDX-License-Identifier: MIT
 * tests/layer/test_native.c - the native device computes the same bits as PoCL: kernels are the
 * same files, and the order of every sum is fixed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <clrnn/plan.h>
#include <clrnn/problem.h>

#include "device/buffer.h"
#include "device/native.h"
#include "math/loss.h"
#include "support.h"

static clrnn_context *contexts[2];

static int open_both(void **state)
{
    (void)state;
    static const char *const names[] = {"native", "pocl"};
    if (!clr_native_driver()) {
        printf("%s: skipped\n", clr_native_text());
        exit(77);
    }
    for (int i = 0; i < 2; i++) {
        clrnn_context_desc desc = {.device = names[i], .log = test_log, .cache_dir = ""};
        if (clrnn_context_create(&desc, &contexts[i]) == CLRNN_OK)
            continue;
        printf("no device %s: skipped\n", names[i]);
        exit(77);
    }
    return 0;
}

static int close_both(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++)
        clrnn_context_destroy(&contexts[i]);
    return 0;
}

/* One array of a problem, as bytes. */
typedef struct array {
    void *data;
    size_t bytes;
} array;

static array make(size_t count, bool twice, uint64_t seed, double scale)
{
    double *numbers = test_random(count, seed, scale);
    array a = {calloc(count + 1, sizeof(double)), count * (twice ? sizeof(double) : sizeof(float))};
    assert_non_null(a.data);
    for (size_t i = 0; i < count; i++)
        if (twice)
            ((double *)a.data)[i] = numbers[i];
        else
            ((float *)a.data)[i] = (float)numbers[i];
    free(numbers);
    return a;
}

enum { X, H0, C0, DY, DHN, DCN, W, Y, HN, CN, DX, DH0, DC0, DW, ARRAYS };

/* Run it forward, and back if it trains, from numbers that depend on the problem alone. */
static void run(clrnn_context *context, const clrnn_problem *p, array arrays[ARRAYS])
{
    const clrnn_network_desc *n = &p->network;
    const bool twice = p->precision == CLRNN_F64, lstm = n->cell == CLRNN_CELL_LSTM;
    const clrnn_plan_desc desc = {.network = *n,
                                  .max_steps = p->steps,
                                  .max_batch = p->batch,
                                  .train = p->train,
                                  .precision = p->precision,
                                  .strategy = p->strategy,
                                  .gemm = CLRNN_GEMM_PACKED,
                                  .weights = p->weights};
    const size_t D = n->bidirectional ? 2 : 1, L = n->num_layers ? n->num_layers : 1;
    const size_t H = n->hidden_size, R = n->proj_size ? n->proj_size : H;
    const size_t rows = (size_t)p->steps * p->batch, cells = L * D * p->batch;
    clrnn_plan *plan = NULL;
    uint32_t lengths[64];
    if (clrnn_plan_create(context, &desc, &plan) != CLRNN_OK)
        fail_msg("no plan: %s", test_last_error);
    const size_t weights = clrnn_plan_get_info(plan)->weight_count;
    const size_t counts[ARRAYS] = {[X] = rows * n->input_size,
                                   [H0] = cells * R,
                                   [C0] = cells * H,
                                   [DY] = rows * D * R,
                                   [DHN] = cells * R,
                                   [DCN] = cells * H,
                                   [W] = weights,
                                   [Y] = rows * D * R,
                                   [HN] = cells * R,
                                   [CN] = cells * H,
                                   [DX] = rows * n->input_size,
                                   [DH0] = cells * R,
                                   [DC0] = cells * H,
                                   [DW] = weights};
    for (int i = 0; i < ARRAYS; i++)
        arrays[i] = make(counts[i], twice, (uint64_t)i + 1, i == W ? 0.3 : i < Y ? 1 : 0);
    for (uint32_t i = 0; i < p->batch; i++)
        lengths[i] = (i * 5 + 2) % (p->steps + 1);
    clrnn_host_io io = {.lengths = p->ragged ? lengths : NULL,
                        .x = arrays[X].data,
                        .h0 = arrays[H0].data,
                        .c0 = lstm ? arrays[C0].data : NULL,
                        .y = arrays[Y].data,
                        .hn = arrays[HN].data,
                        .cn = lstm ? arrays[CN].data : NULL,
                        .dy = arrays[DY].data,
                        .dhn = arrays[DHN].data,
                        .dcn = lstm ? arrays[DCN].data : NULL,
                        .dx = arrays[DX].data,
                        .dh0 = arrays[DH0].data,
                        .dc0 = lstm ? arrays[DC0].data : NULL,
                        .dweights = arrays[DW].data};
    assert_int_equal(clrnn_plan_set_weights_host(plan, arrays[W].data), CLRNN_OK);
    assert_int_equal(clrnn_forward_host(plan, &io), CLRNN_OK);
    if (p->train)
        assert_int_equal(clrnn_backward_host(plan, &io), CLRNN_OK);
    clrnn_plan_destroy(&plan);
}

static void compare(const char *text)
{
    static const char *const names[ARRAYS] = {"x", "h0", "c0", "dy", "dhn", "dcn", "weights",
                                              "y", "hn", "cn", "dx", "dh0", "dc0", "dweights"};
    clrnn_problem problem;
    array arrays[2][ARRAYS];
    assert_int_equal(clrnn_problem_parse(text, &test_log, &problem), CLRNN_OK);
    assert_true(problem.batch <= 64);
    for (int i = 0; i < 2; i++)
        run(contexts[i], &problem, arrays[i]);
    for (int k = 0; k < ARRAYS; k++) {
        if (memcmp(arrays[0][k].data, arrays[1][k].data, arrays[0][k].bytes) != 0)
            fail_msg("%s: %s differs", text, names[k]);
        free(arrays[0][k].data);
        free(arrays[1][k].data);
    }
}

static void same_bits(void **state)
{
    static const char *const cells[] = {
        "lstm", "lstm,P=6",           "gru", "gru,update=keeps,bias=0", "gru,reset=after",
        "rnn",  "rnn,act=relu,bias=0"};
    static const char *const sizes[] = {
        "T=7,N=3,I=5,H=13,mode=train", "T=6,N=17,I=4,H=40,L=2,D=2,lengths=ragged,mode=train",
        "T=5,N=6,I=7,H=33,mode=train,precision=f64", "T=11,N=1,I=3,H=64,L=2"};
    static const char *const strategies[] = {"persistent", "stepwise"};
    (void)state;
    for (size_t c = 0; c < sizeof cells / sizeof *cells; c++)
        for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++)
            for (size_t w = 0; w < 2; w++) {
                char text[160];
                snprintf(text, sizeof text, "cell=%s,%s,strategy=%s", cells[c], sizes[s],
                         strategies[w]);
                compare(text);
            }
}

static void same_bits_of_stored_weights(void **state)
{
    static const char *const cells[] = {"lstm", "lstm,P=9", "gru", "gru,reset=after", "rnn"};
    static const char *const storages[] = {"f16", "bf16", "int8"};
    (void)state;
    for (size_t c = 0; c < sizeof cells / sizeof *cells; c++)
        for (size_t s = 0; s < sizeof storages / sizeof *storages; s++)
            for (int batch = 1; batch <= 5; batch += 4) {
                char text[160];
                snprintf(text, sizeof text, "cell=%s,T=5,N=%d,I=9,H=37,weights=%s", cells[c], batch,
                         storages[s]);
                compare(text);
            }
}

/* Networks that one group scans for one row, of widths that fill vectors and that do not, and of
 * few inputs and many. */
static void same_bits_of_one_row(void **state)
{
    static const char *const cells[] = {"lstm",
                                        "lstm,peepholes=1",
                                        "lstm,bias=0",
                                        "gru",
                                        "gru,update=keeps,reset=after",
                                        "gru,bias=0",
                                        "rnn",
                                        "rnn,act=relu"};
    static const int widths[] = {1, 5, 8, 13, 16, 17, 24, 31, 40, 48, 64, 80, 100, 129, 256};
    (void)state;
    for (size_t c = 0; c < sizeof cells / sizeof *cells; c++)
        for (size_t h = 0; h < sizeof widths / sizeof *widths; h++) {
            static const char *const more[] = {"I=1", "I=5", "I=3,D=2", "I=4,L=2"};
            char text[160];
            snprintf(text, sizeof text, "cell=%s,T=9,N=1,H=%d,%s,strategy=persistent", cells[c],
                     widths[h], more[(c + h) % 4]);
            compare(text);
        }
}

/* Networks of so many inputs that their products come first, from all groups. */
static void same_bits_of_many_inputs(void **state)
{
    static const char *const cells[] = {"lstm", "lstm,peepholes=1", "gru,reset=after", "rnn"};
    static const char *const more[] = {"H=64", "H=32,weights=f16", "H=64,weights=int8",
                                       "H=32,precision=f64", "H=48,L=3"};
    (void)state;
    for (size_t c = 0; c < sizeof cells / sizeof *cells; c++)
        for (size_t m = 0; m < sizeof more / sizeof *more; m++) {
            char text[160];
            snprintf(text, sizeof text, "cell=%s,T=260,N=1,I=520,%s,strategy=persistent", cells[c],
                     more[m]);
            compare(text);
        }
}

/* Losses and gradients of rows of logits on one of the devices. */
static void run_loss(clrnn_context *context, clrnn_precision precision, const array *x,
                     const int32_t *targets, size_t rows, size_t outputs, array out[2])
{
    clr_loss loss;
    cl_mem buffers[4] = {NULL};
    const size_t bytes[4] = {x->bytes, rows * sizeof *targets, out[0].bytes, out[1].bytes};
    assert_int_equal(clr_loss_init(context, precision, 1, &loss), CLRNN_OK);
    for (int i = 0; i < 4; i++)
        assert_int_equal(clr_buffer_create(context, bytes[i], &buffers[i]), CLRNN_OK);
    assert_int_equal(clr_buffer_write(context, buffers[0], 0, bytes[0], x->data), CLRNN_OK);
    assert_int_equal(clr_buffer_write(context, buffers[1], 0, bytes[1], targets), CLRNN_OK);
    assert_int_equal(clr_loss_cross_entropy(&loss, buffers[0], buffers[1], rows, outputs, 0.125,
                                            buffers[2], buffers[3]),
                     CLRNN_OK);
    for (int i = 0; i < 2; i++)
        assert_int_equal(clr_buffer_read(context, buffers[2 + i], 0, bytes[2 + i], out[i].data),
                         CLRNN_OK);
    for (int i = 0; i < 4; i++)
        clr_buffer_destroy(&buffers[i]);
    clr_loss_free(&loss);
}

static void same_bits_of_losses(void **state)
{
    enum { rows = 200, outputs = 65 };
    static int32_t targets[rows];
    (void)state;
    for (size_t row = 0; row < rows; row++)
        targets[row] = (int32_t)(row * 7 % outputs);
    for (int twice = 0; twice < 2; twice++) {
        array x = make(rows * outputs, twice, 5, 30), out[2][2];
        for (int i = 0; i < 2; i++) {
            out[i][0] = make(rows, twice, 1, 0);
            out[i][1] = make(rows * outputs, twice, 1, 0);
            run_loss(contexts[i], twice ? CLRNN_F64 : CLRNN_F32, &x, targets, rows, outputs,
                     out[i]);
        }
        for (int k = 0; k < 2; k++)
            assert_memory_equal(out[0][k].data, out[1][k].data, out[0][k].bytes);
        for (int k = 0; k < 4; k++)
            free(out[k / 2][k % 2].data);
        free(x.data);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_bits),
        cmocka_unit_test(same_bits_of_one_row),
        cmocka_unit_test(same_bits_of_many_inputs),
        cmocka_unit_test(same_bits_of_stored_weights),
        cmocka_unit_test(same_bits_of_losses),
    };
    return cmocka_run_group_tests(tests, open_both, close_both);
}
