/* SPDX-License-Identifier: MIT
 * tests/layer/test_trace.c - traces of passes against the steps of the float64 reference: gates,
 * sums, states and their gradients; figures against the whole trace; what is not finite is found.
 */
#include "layer/device.h"

#include <clrnn/trace.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "device/buffer.h"
#include "device/program.h"
#include "layer/plan.h"
#include "reference/cell.h"

enum { T = 6, N = 3, KINDS = CLRNN_TRACE_DC + 1 };
static const uint32_t lengths[N] = {4, 6, 0};

static const char *const problems[] = {
    "cell=lstm",
    "cell=lstm,D=2,L=2,peepholes=1",
    "cell=lstm,P=2,D=2,proj_clip=0.1",
    "cell=lstm,coupled=1",
    "cell=lstm,coupled=1,peepholes=1,gate_clip=0.3,cell_clip=0.2,L=2",
    "cell=lstm,D=2,act_f=hard_sigmoid:0.3:0.4,act_g=softsign,act_h=elu:0.7,act_g_back=relu",
    "cell=lstm,D=2,L=2,merge=sum,bias=one",
    "cell=lstm,reverse=1,bias=0",
    "cell=gru,reset=before,L=2",
    "cell=gru,reset=before,D=2,gate_clip=0.2",
    "cell=gru,reset=after,update=keeps,D=2,L=2",
    "cell=gru,reset=after,act_f=affine:0.3:0.4,act_g=elu:0.5,bias=one",
    "cell=rnn,L=2,D=2",
    "cell=rnn,act=relu",
    "cell=rnn,act_f=scaled_tanh:0.5:2,reverse=1",
    "cell=lstm,layer_norm=1,D=2,L=2,peepholes=1",
    "cell=gru,layer_norm=1,L=2",
    "cell=gru,layer_norm=1,reset=after,D=2",
    "cell=rnn,layer_norm=1",
};

/* --- what the reference sees ---------------------------------------------------------------- */

/* [L,D,T,N,units] of each kind; of gates and sums [G] before that. */
typedef struct seen {
    clr_network net;
    double *arrays[KINDS];
} seen;

static size_t units_of(const seen *s, int what)
{
    return what == CLRNN_TRACE_H || what == CLRNN_TRACE_DH ? s->net.state_size
                                                           : s->net.desc.hidden_size;
}

static double *at(const seen *s, int what, const clr_ref_seen *e, uint32_t gate)
{
    const clr_network *n = &s->net;
    size_t row = (((size_t)gate * n->layers + e->layer) * n->directions + e->direction) * T + e->t;
    return s->arrays[what] + (row * N + e->row) * units_of(s, what);
}

/* Slots of the reference's cells begin with the sums, in the order of the gates. */
static void observe(void *observer, const clr_ref_seen *e)
{
    const seen *s = observer;
    const clr_network *n = &s->net;
    const size_t H = n->desc.hidden_size, R = n->state_size;
    for (uint32_t g = 0; g < n->gates && !e->back; g++)
        for (size_t j = 0; j < H; j++) {
            const bool coupled = n->desc.coupled_gates && g == n->cell->keeping.gate;
            const uint32_t from = coupled ? n->cell->keeping.admits : g;
            const double gate =
                clr_ref_gate(e->weights, n->cell->function_of[from], e->step->saved[from * H + j]);
            at(s, CLRNN_TRACE_SUM, e, g)[j] = e->step->saved[g * H + j];
            at(s, CLRNN_TRACE_GATE, e, g)[j] = coupled ? 1 - gate : gate;
        }
    memcpy(at(s, e->back ? CLRNN_TRACE_DH : CLRNN_TRACE_H, e, 0),
           e->back ? e->step->dh : e->step->h, R * sizeof(double));
    if (n->has_cell_state)
        memcpy(at(s, e->back ? CLRNN_TRACE_DC : CLRNN_TRACE_C, e, 0),
               e->back ? e->step->dc : e->step->c, H * sizeof(double));
}

static seen see(const test_inputs *in)
{
    seen s = {0};
    test_outputs out = test_outputs_make(in);
    clr_reference_io io = test_reference_io(in, &out);
    assert_int_equal(clr_network_init(&in->desc, NULL, &s.net), CLRNN_OK);
    const size_t most = (size_t)s.net.gates * s.net.layers * s.net.directions * T * N * 8;
    for (int i = 0; i < KINDS; i++) {
        s.arrays[i] = calloc(most, sizeof(double));
        assert_non_null(s.arrays[i]);
    }
    io.observe = observe;
    io.observer = &s;
    assert_int_equal(clr_reference_backward(&in->desc, &io, &test_log), CLRNN_OK);
    test_outputs_free(&out);
    return s;
}

static void seen_free(seen *s)
{
    for (int i = 0; i < KINDS; i++)
        free(s->arrays[i]);
}

/* --- passes ---------------------------------------------------------------------------------- */

/* Which steps: 0 all, 1 lengths, 2 a mask and resets. */
static test_inputs inputs_of(const char *pairs, int steps, clrnn_precision precision)
{
    const clrnn_network_desc desc = test_network(pairs);
    test_inputs in = test_inputs_random(&desc, T, N, steps == 1 ? lengths : NULL, 5, 0.7);
    if (steps == 2) {
        in.mask = calloc(T, N);
        in.resets = calloc(T, N);
        assert_true(in.mask && in.resets);
        for (size_t i = 0; i < (size_t)T * N; i++) {
            in.mask[i] = i % 5 != 3;
            in.resets[i] = i % 7 == 4;
        }
    }
    test_inputs_round(&in, precision);
    return in;
}

static clrnn_plan *plan_of(clrnn_context *context, const test_inputs *in, clrnn_precision precision,
                           size_t config)
{
    clrnn_plan_desc desc = test_plan_desc(in, precision, true, config);
    desc.resets = in->resets != NULL;
    if (in->desc.layer_norm) /* which not every strategy has */
        desc.strategy = CLRNN_STRATEGY_AUTO;
    return test_plan_make(context, &desc, in);
}

static bool counts(const test_inputs *in, size_t t, size_t n)
{
    return (!in->lengths || t < in->lengths[n]) && (!in->mask || in->mask[t * N + n]);
}

/* Read all of one kind; to be freed. */
static double *read_all(clrnn_plan *plan, const clrnn_trace_pass *pass, int what, uint32_t gate,
                        size_t count)
{
    const clrnn_trace_select select = {.what = (clrnn_traced)what, .gate = gate};
    void *raw = calloc(count, sizeof(double));
    assert_non_null(raw);
    if (clrnn_trace_read(plan, pass, &select, raw) != CLRNN_OK)
        fail_msg("%s", test_last_error);
    double *values = test_decode(raw, count, plan->desc.precision);
    free(raw);
    return values;
}

static void compare(const char *pairs, const test_inputs *in, const seen *s, clrnn_plan *plan,
                    const clrnn_trace_pass *pass, int what, double bound)
{
    const clr_network *n = &s->net;
    const size_t width = units_of(s, what), cells = (size_t)n->layers * n->directions;
    const bool gates = what == CLRNN_TRACE_GATE || what == CLRNN_TRACE_SUM;
    for (uint32_t g = 0; g < (gates ? n->gates : 1); g++) {
        double *got = read_all(plan, pass, what, g, cells * T * N * width);
        const double *expected = s->arrays[what] + g * cells * T * N * width;
        double largest = 1;
        for (size_t i = 0; i < cells * T * N * width; i++)
            largest = fmax(largest, fabs(expected[i]));
        for (size_t i = 0; i < cells * T * N * width; i++) {
            const size_t t = i / width / N % T, row = i / width % N;
            if (!counts(in, t, row) && !gates)
                continue; /* states stay; gates are 0 on both sides */
            if (!(fabs(got[i] - expected[i]) <= bound * largest))
                fail_msg("%s: kind %d, gate %u, step %zu, row %zu: %.9g, not %.9g", pairs, what, g,
                         t, row, got[i], expected[i]);
        }
        free(got);
    }
}

/* Gates, sums and states of a pass on host memory. */
static void check_forward(clrnn_context *context, const char *pairs, int steps,
                          clrnn_precision precision, size_t config)
{
    test_inputs in = inputs_of(pairs, steps, precision);
    clrnn_plan *plan = plan_of(context, &in, precision, config);
    test_host host = test_host_make(plan, &in);
    seen s = see(&in);
    const clrnn_trace_pass pass = {.host = &host.io};
    const double bound = precision == CLRNN_F64 ? 1e-12 : 1e-5;
    assert_int_equal(clrnn_forward_host(plan, &host.io), CLRNN_OK);
    for (int what = 0; what <= CLRNN_TRACE_C; what++)
        if (what != CLRNN_TRACE_C || s.net.has_cell_state)
            compare(pairs, &in, &s, plan, &pass, what, bound);
    seen_free(&s);
    test_host_free(&host);
    clrnn_plan_destroy(&plan);
    test_inputs_free(&in);
}

static void forward(void **state)
{
    clrnn_context *context = *state;
    const size_t some = clr_compiles(context) ? 2 : COUNT(problems);
    for (size_t i = 0; i < some; i++)
        for (int p = 0; p < (some == COUNT(problems) ? test_precisions(context) : 1); p++)
            check_forward(context, problems[i], (int)(i + (size_t)p) % 3, (clrnn_precision)p,
                          test_nth_way(context, i));
}

/* --- gradients ------------------------------------------------------------------------------- */

/* Arrays of a pass in device memory. */
typedef struct device_pass {
    clrnn_backward_io io;
    void *dweights;
    size_t bytes;
} device_pass;

static clrnn_slice send(clrnn_context *context, const double *values, size_t count,
                        clrnn_precision precision)
{
    clrnn_slice slice = {NULL, 0};
    const size_t bytes = count * (precision == CLRNN_F64 ? sizeof(double) : sizeof(float));
    void *raw = test_encode(values, count, precision);
    if (count == 0)
        return slice;
    assert_int_equal(clr_buffer_create(context, bytes, &slice.buffer), CLRNN_OK);
    if (raw)
        assert_int_equal(clr_buffer_write(context, slice.buffer, 0, bytes, raw), CLRNN_OK);
    free(raw);
    return slice;
}

/* Forward and back; `traced`: with the gradients of the states. */
static device_pass run(clrnn_plan *plan, const test_inputs *in, bool traced)
{
    clrnn_context *c = plan->context;
    const clrnn_precision p = plan->desc.precision;
    const test_sizes s = test_sizes_of(in);
    device_pass d = {.bytes = s.weights * plan->real_bytes, .dweights = calloc(s.weights, 8)};
    assert_non_null(d.dweights);
    d.io.forward = (clrnn_forward_io){.lengths = in->lengths,
                                      .mask = in->mask,
                                      .resets = in->resets,
                                      .x = send(c, in->x, s.x, p),
                                      .h0 = send(c, in->h0, s.h, p),
                                      .c0 = send(c, in->c0, s.c, p)};
    assert_int_equal(clr_buffer_create(c, plan->info.reserve_bytes, &d.io.forward.reserve.buffer),
                     CLRNN_OK);
    d.io.dy = send(c, in->dy, s.y, p);
    d.io.dhn = send(c, in->dhn, s.h, p);
    d.io.dcn = send(c, in->dcn, s.c, p);
    d.io.dweights = send(c, NULL, s.weights, p);
    if (traced) {
        d.io.dh = send(c, NULL, T * s.h, p);
        d.io.dc = send(c, NULL, T * s.c, p);
    }
    assert_int_equal(clrnn_forward(plan, &d.io.forward, NULL), CLRNN_OK);
    if (clrnn_backward(plan, &d.io, NULL) != CLRNN_OK)
        fail_msg("%s", test_last_error);
    assert_int_equal(clr_buffer_read(c, d.io.dweights.buffer, 0, d.bytes, d.dweights), CLRNN_OK);
    return d;
}

static void device_pass_free(device_pass *d)
{
    clrnn_slice *slices[] = {
        &d->io.forward.x, &d->io.forward.h0, &d->io.forward.c0, &d->io.forward.reserve,
        &d->io.dy,        &d->io.dhn,        &d->io.dcn,        &d->io.dweights,
        &d->io.dh,        &d->io.dc};
    for (size_t i = 0; i < COUNT(slices); i++)
        clr_buffer_destroy(&slices[i]->buffer);
    free(d->dweights);
}

static void check_gradients(clrnn_context *context, const char *pairs, int steps,
                            clrnn_precision precision, size_t config)
{
    test_inputs in = inputs_of(pairs, steps, precision);
    clrnn_plan *plan = plan_of(context, &in, precision, config);
    seen s = see(&in);
    device_pass plain = run(plan, &in, false), traced = run(plan, &in, true);
    const clrnn_trace_pass pass = {
        .forward = &traced.io.forward, .dh = traced.io.dh, .dc = traced.io.dc};
    const double bound = precision == CLRNN_F64 ? 1e-12 : 1e-5;
    assert_memory_equal(plain.dweights, traced.dweights, plain.bytes);
    compare(pairs, &in, &s, plan, &pass, CLRNN_TRACE_DH, bound);
    if (s.net.has_cell_state)
        compare(pairs, &in, &s, plan, &pass, CLRNN_TRACE_DC, bound);
    device_pass_free(&plain);
    device_pass_free(&traced);
    seen_free(&s);
    clrnn_plan_destroy(&plan);
    test_inputs_free(&in);
}

static void gradients(void **state)
{
    clrnn_context *context = *state;
    const size_t some = clr_compiles(context) ? 2 : COUNT(problems);
    for (size_t i = 0; i < some; i++)
        for (int p = 0; p < (some == COUNT(problems) ? test_precisions(context) : 1); p++)
            check_gradients(context, problems[i], (int)(i + (size_t)p) % 3, (clrnn_precision)p,
                            test_nth_way(context, i + 1));
}

/* --- selections and figures ------------------------------------------------------------------ */

/* A pass of two layers and directions, traced. */
typedef struct setting {
    test_inputs in;
    clrnn_plan *plan;
    test_host host;
    clrnn_trace_pass pass;
} setting;

static void open_pass(clrnn_context *context, const char *pairs, setting *s)
{
    s->in = inputs_of(pairs, 1, CLRNN_F32);
    s->plan = plan_of(context, &s->in, CLRNN_F32, test_last_way(context));
    s->host = test_host_make(s->plan, &s->in);
    s->pass = (clrnn_trace_pass){.host = &s->host.io};
    assert_int_equal(clrnn_forward_host(s->plan, &s->host.io), CLRNN_OK);
}

static void close_pass(setting *s)
{
    test_host_free(&s->host);
    clrnn_plan_destroy(&s->plan);
    test_inputs_free(&s->in);
}

/* Parts of all ranges are those of the whole, for gates and for sums. */
static void selections(void **state)
{
    enum { L = 2, D = 2, H = 4 };
    setting s;
    open_pass(*state, "cell=lstm,L=2,D=2,peepholes=1", &s);
    for (int what = 0; what <= CLRNN_TRACE_C; what++) {
        const clrnn_trace_select part = {.what = (clrnn_traced)what,
                                         .gate = 3,
                                         .layers = {1, 1},
                                         .directions = {1, 0},
                                         .steps = {2, 3},
                                         .rows = {1, 2},
                                         .units = {1, 2}};
        double *whole = read_all(s.plan, &s.pass, what, 3, L * D * T * N * H);
        float got[3 * 2 * 2];
        assert_int_equal(clrnn_trace_read(s.plan, &s.pass, &part, got), CLRNN_OK);
        for (size_t i = 0; i < COUNT(got); i++) {
            const size_t t = 2 + i / 4, n = 1 + i / 2 % 2, j = 1 + i % 2;
            const double expected = whole[(((1 * D + 1) * T + t) * N + n) * H + j];
            assert_true(got[i] == (float)expected);
        }
        free(whole);
    }
    close_pass(&s);
}

static void check_figures(const clrnn_trace_figures *f, const double *v, size_t count,
                          size_t stride_outer, size_t inner, const bool *live)
{
    double sum = 0, squares = 0, least = INFINITY, most = -INFINITY, below = 0, above = 0, all = 0;
    for (size_t i = 0; i < count; i++) {
        const size_t k = i / inner * stride_outer + i % inner;
        if (!live[k / 4])
            continue;
        sum += v[k];
        squares += v[k] * v[k];
        least = fmin(least, v[k]);
        most = fmax(most, v[k]);
        below += v[k] < (double)0.4f;
        above += v[k] > (double)0.6f;
        all++;
    }
    assert_true(f->count == all && f->not_finite == 0);
    if (all == 0) {
        assert_true(isnan(f->mean) && isnan(f->least) && isnan(f->most) && f->norm == 0);
        return;
    }
    assert_true(fabs(f->mean - sum / all) <= 1e-6);
    assert_true(fabs(f->norm - sqrt(squares)) <= 1e-5);
    assert_true(f->least == least && f->most == most);
    assert_true(fabs(f->below - below / all) <= 1e-9 && fabs(f->above - above / all) <= 1e-9);
}

/* As computed from the whole trace. */
static void figures(void **state)
{
    enum { D = 2, H = 4 };
    setting s;
    open_pass(*state, "cell=gru,D=2", &s);
    clrnn_trace_figures got[D * T];
    bool live[T * N];
    for (size_t i = 0; i < T * N; i++)
        live[i] = counts(&s.in, i / N, i % N);
    const clrnn_trace_select select = {.gate = 1, .low = 0.4f, .high = 0.6f};
    double *v = read_all(s.plan, &s.pass, CLRNN_TRACE_GATE, 1, D * T * N * H);
    assert_int_equal(clrnn_trace_measure(s.plan, &s.pass, &select, CLRNN_TRACE_WHOLE, got),
                     CLRNN_OK);
    for (size_t d = 0; d < D; d++)
        check_figures(&got[d], v + d * T * N * H, T * N * H, 0, T * N * H, live);
    assert_int_equal(clrnn_trace_measure(s.plan, &s.pass, &select, CLRNN_TRACE_STEP, got),
                     CLRNN_OK);
    for (size_t i = 0; i < D * T; i++)
        check_figures(&got[i], v + i * N * H, N * H, 0, N * H, live + i % T * N);
    assert_int_equal(clrnn_trace_measure(s.plan, &s.pass, &select, CLRNN_TRACE_UNIT, got),
                     CLRNN_OK);
    double half[D * H];
    assert_int_equal(clrnn_trace_half_lives(s.plan, &s.pass, &select, half), CLRNN_OK);
    for (size_t i = 0; i < D * H; i++) {
        check_figures(&got[i], v + i / H * T * N * H + i % H, T * N, H, 1, live);
        assert_true(fabs(half[i] - log(0.5) / log(1 - got[i].mean)) <= 1e-6 * half[i]);
    }
    free(v);
    close_pass(&s);
}

/* --- what is not finite ---------------------------------------------------------------------- */

static void watch(void **state)
{
    setting s;
    clrnn_trace_fault fault;
    char text[128];
    open_pass(*state, "cell=lstm,L=2,D=2", &s);
    assert_int_equal(clrnn_trace_watch(s.plan, &s.pass, &fault), CLRNN_OK);
    assert_false(fault.found);
    assert_int_equal(clrnn_trace_fault_text(s.plan, &fault, text, sizeof text), CLRNN_OK);
    assert_string_equal(text, "all is finite");
    /* Past row 0's length nothing is read; within row 1's it is. */
    float *x = (float *)(uintptr_t)s.host.io.x;
    x[(5 * N + 0) * 3 + 1] = NAN;
    assert_int_equal(clrnn_forward_host(s.plan, &s.host.io), CLRNN_OK);
    assert_int_equal(clrnn_trace_watch(s.plan, &s.pass, &fault), CLRNN_OK);
    assert_false(fault.found);
    x[(2 * N + 1) * 3 + 2] = INFINITY;
    assert_int_equal(clrnn_forward_host(s.plan, &s.host.io), CLRNN_OK);
    assert_int_equal(clrnn_trace_watch(s.plan, &s.pass, &fault), CLRNN_OK);
    assert_true(fault.found && fault.what == CLRNN_TRACE_X && fault.layer == 0 && fault.row == 1 &&
                fault.step == 2 && fault.unit == 2 && isinf(fault.value));
    assert_int_equal(clrnn_trace_fault_text(s.plan, &fault, text, sizeof text), CLRNN_OK);
    assert_string_equal(text, "layer 0, step 2, row 1: input of unit 2 is inf");
    close_pass(&s);
}

/* A weight that is NaN shows in its gate, and where the scan first comes by. */
static void watch_gates(void **state)
{
    setting s;
    clrnn_trace_fault fault;
    char text[128];
    clrnn_weight_info w;
    open_pass(*state, "cell=lstm,L=2,D=2", &s);
    /* bias_ih of layer 1, backward: the eighth group of four tensors */
    assert_int_equal(clrnn_network_weight(&s.in.desc, &test_log, 3 * 4 + 2, &w), CLRNN_OK);
    assert_string_equal(w.name, "bias_ih_l1_reverse");
    s.in.weights[w.offset + 1 * 4 + 3] = NAN;
    test_plan_weights(s.plan, &s.in);
    assert_int_equal(clrnn_forward_host(s.plan, &s.host.io), CLRNN_OK);
    assert_int_equal(clrnn_trace_watch(s.plan, &s.pass, &fault), CLRNN_OK);
    assert_int_equal(clrnn_trace_fault_text(s.plan, &fault, text, sizeof text), CLRNN_OK);
    assert_non_null(strstr(text, "layer 1, backward, step 5, row 1: gate f of unit 3 is "));
    close_pass(&s);
}

/* --- errors ---------------------------------------------------------------------------------- */

static void refused(clrnn_plan *plan, const clrnn_trace_pass *pass, clrnn_trace_select select,
                    clrnn_status status, const char *reason)
{
    float out[8];
    assert_int_equal(clrnn_trace_read(plan, pass, &select, out), status);
    assert_error_contains(reason);
}

static void errors(void **state)
{
    setting s;
    double half[8];
    open_pass(*state, "cell=rnn", &s);
    const clrnn_trace_select none = {0};
    refused(s.plan, &s.pass, (clrnn_trace_select){.gate = 1}, CLRNN_ERR_RANGE, "gate 1");
    refused(s.plan, &s.pass, (clrnn_trace_select){.what = CLRNN_TRACE_C}, CLRNN_ERR_ARGUMENT,
            "LSTM");
    refused(s.plan, &s.pass, (clrnn_trace_select){.what = CLRNN_TRACE_DH}, CLRNN_ERR_ARGUMENT,
            "dh is asked for");
    refused(s.plan, &s.pass, (clrnn_trace_select){.what = (clrnn_traced)9}, CLRNN_ERR_ARGUMENT,
            "nothing that can be traced");
    refused(s.plan, &s.pass, (clrnn_trace_select){.steps = {T, 0}}, CLRNN_ERR_RANGE, "steps");
    refused(s.plan, &s.pass, (clrnn_trace_select){.rows = {1, N}}, CLRNN_ERR_RANGE, "rows");
    refused(s.plan, &s.pass, (clrnn_trace_select){.units = {0, 9}}, CLRNN_ERR_RANGE, "units");
    refused(s.plan, &(clrnn_trace_pass){0}, none, CLRNN_ERR_ARGUMENT, "nowhere");
    assert_int_equal(clrnn_trace_half_lives(s.plan, &s.pass, &none, half), CLRNN_ERR_ARGUMENT);
    assert_error_contains("no gate that keeps");
    clrnn_plan_destroy(&s.plan);
    s.plan = plan_of(*state, &s.in, CLRNN_F32, test_last_way(*state));
    refused(s.plan, &s.pass, none, CLRNN_ERR_ARGUMENT, "no forward pass");
    clrnn_plan_destroy(&s.plan);
    const clrnn_plan_desc desc = test_plan_desc(&s.in, CLRNN_F32, false, test_last_way(*state));
    s.plan = test_plan_make(*state, &desc, &s.in);
    refused(s.plan, &s.pass, none, CLRNN_ERR_ARGUMENT, "does not train");
    close_pass(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(forward, test_open, test_close),
        cmocka_unit_test_setup_teardown(gradients, test_open, test_close),
        cmocka_unit_test_setup_teardown(selections, test_open, test_close),
        cmocka_unit_test_setup_teardown(figures, test_open, test_close),
        cmocka_unit_test_setup_teardown(watch, test_open, test_close),
        cmocka_unit_test_setup_teardown(watch_gates, test_open, test_close),
        cmocka_unit_test_setup_teardown(errors, test_open, test_close),
    };
    return cmocka_run_group_tests_name("traces", tests, NULL, NULL);
}
