/* SPDX-License-Identifier: MIT
 * tests/layer/test_slices.c - passes on the caller's device buffers: every array a slice of one
 * large buffer with guard bands around it, slices that are too short, accumulation, events. */
#include "layer/device.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "device/buffer.h"
#include "layer/plan.h"

enum { T = 5, N = 3, GUARD = 13, PATTERN = 0xff };
static const uint32_t ragged[N] = {3, 5, 1};

enum { X, H0, C0, DY, DHN, DCN, WEIGHTS, INPUTS };
enum { Y = INPUTS, HN, CN, DX, DH0, DC0, DWEIGHTS, RESERVE, ARRAYS };
static const char *const names[ARRAYS] = {"x",   "h0",      "c0",  "dy",       "dhn",
                                          "dcn", "weights", "y",   "hn",       "cn",
                                          "dx",  "dh0",     "dc0", "dweights", "reserve"};

/* A pass whose arrays all lie in one buffer, GUARD elements apart. */
typedef struct arena {
    clrnn_context *context;
    clrnn_precision precision;
    clrnn_plan *plan;
    test_inputs in;
    size_t bytes; /* of an element */
    size_t count[ARRAYS], offset[ARRAYS], total;
    cl_mem buffer;
    unsigned char *start; /* what the buffer held at first */
} arena;

static void lay_out(arena *a)
{
    test_sizes s = test_sizes_of(&a->in);
    const size_t counts[ARRAYS] = {[X] = s.x,
                                   [H0] = s.h,
                                   [C0] = s.c,
                                   [DY] = s.y,
                                   [DHN] = s.h,
                                   [DCN] = s.c,
                                   [WEIGHTS] = s.weights,
                                   [Y] = s.y,
                                   [HN] = s.h,
                                   [CN] = s.c,
                                   [DX] = s.x,
                                   [DH0] = s.h,
                                   [DC0] = s.c,
                                   [DWEIGHTS] = s.weights,
                                   [RESERVE] =
                                       clrnn_plan_get_info(a->plan)->reserve_bytes / a->bytes};
    a->total = GUARD;
    for (int i = 0; i < ARRAYS; i++) {
        a->count[i] = counts[i];
        a->offset[i] = a->total;
        a->total += counts[i] + GUARD;
    }
}

static arena open_arena(clrnn_context *context, size_t form, clrnn_precision precision, bool train,
                        size_t config)
{
    clrnn_network_desc network = test_form(form, 2, form % 2);
    arena a = {.context = context,
               .precision = precision,
               .bytes = precision == CLRNN_F64 ? sizeof(double) : sizeof(float),
               .in = test_inputs_random(&network, T, N, ragged, form, 0.8)};
    const clrnn_plan_desc desc = test_plan_desc(&a.in, precision, train, config);
    assert_int_equal(clrnn_plan_create(context, &desc, &a.plan), CLRNN_OK);
    lay_out(&a);
    a.start = malloc(a.total * a.bytes);
    assert_non_null(a.start);
    memset(a.start, PATTERN, a.total * a.bytes);
    const double *const values[INPUTS] = {a.in.x,   a.in.h0,  a.in.c0,     a.in.dy,
                                          a.in.dhn, a.in.dcn, a.in.weights};
    for (int i = 0; i < INPUTS; i++) {
        void *encoded = test_encode(values[i], a.count[i], precision);
        if (encoded)
            memcpy(a.start + a.offset[i] * a.bytes, encoded, a.count[i] * a.bytes);
        free(encoded);
    }
    assert_int_equal(clr_buffer_create(context, a.total * a.bytes, &a.buffer), CLRNN_OK);
    assert_int_equal(clr_buffer_write(context, a.buffer, 0, a.total * a.bytes, a.start), CLRNN_OK);
    return a;
}

static void close_arena(arena *a)
{
    clrnn_plan_destroy(&a->plan);
    clr_buffer_destroy(&a->buffer);
    test_inputs_free(&a->in);
    free(a->start);
}

static clrnn_slice slice(const arena *a, int i)
{
    return a->count[i] ? (clrnn_slice){a->buffer, a->offset[i]} : (clrnn_slice){0};
}

static clrnn_forward_io forward_io(const arena *a)
{
    return (clrnn_forward_io){.lengths = ragged,
                              .x = slice(a, X),
                              .h0 = slice(a, H0),
                              .c0 = slice(a, C0),
                              .y = slice(a, Y),
                              .hn = slice(a, HN),
                              .cn = slice(a, CN),
                              .reserve = slice(a, RESERVE)};
}

static clrnn_backward_io backward_io(const arena *a)
{
    return (clrnn_backward_io){.forward = forward_io(a),
                               .dy = slice(a, DY),
                               .dhn = slice(a, DHN),
                               .dcn = slice(a, DCN),
                               .dx = slice(a, DX),
                               .dh0 = slice(a, DH0),
                               .dc0 = slice(a, DC0),
                               .dweights = slice(a, DWEIGHTS)};
}

/* The whole buffer. To be freed. */
static unsigned char *contents(const arena *a)
{
    unsigned char *now = malloc(a->total * a->bytes);
    assert_non_null(now);
    assert_int_equal(clr_buffer_read(a->context, a->buffer, 0, a->total * a->bytes, now), CLRNN_OK);
    return now;
}

/* Nothing may have changed but the arrays first..ARRAYS-1. */
static void assert_untouched(const arena *a, const unsigned char *now, int first)
{
    size_t at = 0;
    for (int i = first; i <= ARRAYS; i++) {
        size_t end = (i < ARRAYS ? a->offset[i] : a->total) * a->bytes;
        for (; at < end; at++)
            if (now[at] != a->start[at])
                fail_msg("byte %zu was written, %zu before %s", at, end - at,
                         i < ARRAYS ? names[i] : "the end");
        at += i < ARRAYS ? a->count[i] * a->bytes : 0;
    }
}

static double *array_of(const arena *a, const unsigned char *now, int i)
{
    return a->count[i] ? test_decode(now + a->offset[i] * a->bytes, a->count[i], a->precision)
                       : NULL;
}

static test_outputs outputs_of(const arena *a, const unsigned char *now)
{
    bool train = a->count[RESERVE] > 0;
    return (test_outputs){.y = array_of(a, now, Y),
                          .hn = array_of(a, now, HN),
                          .cn = array_of(a, now, CN),
                          .dx = train ? array_of(a, now, DX) : NULL,
                          .dh0 = train ? array_of(a, now, DH0) : NULL,
                          .dc0 = train ? array_of(a, now, DC0) : NULL,
                          .dweights = train ? array_of(a, now, DWEIGHTS) : NULL};
}

/* --- one buffer --------------------------------------------------------------------------- */

static void check_one_buffer(clrnn_context *context, size_t form, clrnn_precision precision,
                             bool train, size_t config)
{
    arena a = open_arena(context, form, precision, train, config);
    const clrnn_forward_io forward = forward_io(&a);
    const clrnn_backward_io backward = backward_io(&a);
    test_inputs_round(&a.in, precision);
    test_outputs expected = test_reference(&a.in);
    assert_int_equal(clrnn_plan_set_weights(a.plan, slice(&a, WEIGHTS)), CLRNN_OK);
    assert_int_equal(clrnn_forward(a.plan, &forward, NULL), CLRNN_OK);
    if (train)
        assert_int_equal(clrnn_backward(a.plan, &backward, NULL), CLRNN_OK);
    unsigned char *now = contents(&a);
    assert_untouched(&a, now, INPUTS);
    test_outputs got = outputs_of(&a, now);
    bool f64 = precision == CLRNN_F64;
    test_compare(test_forms[form].name, &a.in, &got, &expected, f64 ? 5e-15 : 1e-6,
                 f64 ? 2e-14 : 4e-6);
    test_outputs_free(&got);
    test_outputs_free(&expected);
    free(now);
    close_arena(&a);
}

static void one_buffer_for_everything(void **state)
{
    for (int precision = 0; precision < test_precisions(*state); precision++)
        for (size_t config = test_next_way(*state, 0); config < TEST_CONFIGS;
             config = test_next_way(*state, config + 1))
            for (size_t form = 0; form < TEST_FORMS; form++) {
                if (precision && (config == RESIDENT || !test_varies(*state, form)))
                    continue; /* test_resident has them */
                check_one_buffer(*state, form, (clrnn_precision)precision, false, config);
                check_one_buffer(*state, form, (clrnn_precision)precision, true, config);
            }
}

/* hn and cn in the place of h0 and c0: state that is carried on. */
static void states_in_place(void **state)
{
    for (size_t config = test_next_way(*state, 0); config < TEST_CONFIGS;
         config = test_next_way(*state, config + 1))
        for (size_t form = 0; form < TEST_FORMS; form++) {
            arena a = open_arena(*state, form, CLRNN_F32, false, config);
            clrnn_forward_io io = forward_io(&a);
            assert_int_equal(clrnn_plan_set_weights(a.plan, slice(&a, WEIGHTS)), CLRNN_OK);
            assert_int_equal(clrnn_forward(a.plan, &io, NULL), CLRNN_OK);
            io.hn = io.h0;
            io.cn = io.c0;
            assert_int_equal(clrnn_forward(a.plan, &io, NULL), CLRNN_OK);
            unsigned char *now = contents(&a);
            assert_memory_equal(now + a.offset[H0] * a.bytes, now + a.offset[HN] * a.bytes,
                                a.count[HN] * a.bytes);
            assert_memory_equal(now + a.offset[C0] * a.bytes, now + a.offset[CN] * a.bytes,
                                a.count[CN] * a.bytes);
            free(now);
            close_arena(&a);
        }
}

/* --- accumulation, repetition, events ----------------------------------------------------- */

/* A second backward pass with `accumulate` doubles the weight gradients, and only those; one
 * without overwrites them. The reserve is not changed. */
static void accumulate(void **state)
{
    for (size_t config = test_next_way(*state, 0); config < TEST_CONFIGS;
         config = test_next_way(*state, config + 1))
        for (size_t form = 0; form < TEST_FORMS; form++) {
            arena a = open_arena(*state, form, CLRNN_F32, true, config);
            const clrnn_forward_io forward = forward_io(&a);
            clrnn_backward_io backward = backward_io(&a);
            assert_int_equal(clrnn_plan_set_weights(a.plan, slice(&a, WEIGHTS)), CLRNN_OK);
            assert_int_equal(clrnn_forward(a.plan, &forward, NULL), CLRNN_OK);
            unsigned char *now[4];
            now[0] = contents(&a);
            for (int pass = 1; pass < 4; pass++) {
                backward.accumulate = pass == 2;
                assert_int_equal(clrnn_backward(a.plan, &backward, NULL), CLRNN_OK);
                now[pass] = contents(&a);
            }
            assert_memory_equal(now[3], now[1], a.total * a.bytes);
            assert_memory_equal(now[3] + a.offset[RESERVE] * a.bytes,
                                now[0] + a.offset[RESERVE] * a.bytes, a.count[RESERVE] * a.bytes);
            assert_memory_equal(now[2], now[1], a.offset[DWEIGHTS] * a.bytes);
            double *once = array_of(&a, now[1], DWEIGHTS), *twice = array_of(&a, now[2], DWEIGHTS);
            double *expected = array_of(&a, now[1], DWEIGHTS);
            for (size_t i = 0; i < a.count[DWEIGHTS]; i++)
                expected[i] += once[i];
            assert_true(test_error(twice, expected, a.count[DWEIGHTS]) < 1e-6);
            free(once);
            free(twice);
            free(expected);
            for (int i = 0; i < 4; i++)
                free(now[i]);
            close_arena(&a);
        }
}

static void completion_events(void **state)
{
    arena a = open_arena(*state, 2, CLRNN_F32, true, 1);
    const clrnn_forward_io forward = forward_io(&a);
    const clrnn_backward_io backward = backward_io(&a);
    cl_event done[2] = {NULL, NULL};
    assert_int_equal(clrnn_plan_set_weights(a.plan, slice(&a, WEIGHTS)), CLRNN_OK);
    assert_int_equal(clrnn_forward(a.plan, &forward, &done[0]), CLRNN_OK);
    assert_int_equal(clrnn_backward(a.plan, &backward, &done[1]), CLRNN_OK);
    assert_non_null(done[0]);
    assert_non_null(done[1]);
    assert_int_equal(clWaitForEvents(2, done), CL_SUCCESS);
    for (int i = 0; i < 2; i++) {
        cl_int status = 1;
        assert_int_equal(clGetEventInfo(done[i], CL_EVENT_COMMAND_EXECUTION_STATUS, sizeof status,
                                        &status, NULL),
                         CL_SUCCESS);
        assert_int_equal(status, CL_COMPLETE);
        assert_int_equal(clReleaseEvent(done[i]), CL_SUCCESS);
    }
    close_arena(&a);
}

/* --- refusals ----------------------------------------------------------------------------- */

/* The slice at `at` of an io becomes one element too short for its array, at the end of a buffer of
 * its own, or begins past the end of one. */
static void check_too_short(arena *a, const void *io, size_t io_bytes, size_t at, int i, bool back)
{
    union {
        clrnn_forward_io forward;
        clrnn_backward_io backward;
    } copy;
    char expected[64];
    snprintf(expected, sizeof expected, "slice %s: needs %zu elements", names[i], a->count[i]);
    for (int past = 0; past < 2; past++) {
        cl_mem small = NULL;
        assert_int_equal(clr_buffer_create(a->context, (a->count[i] + 6) * a->bytes, &small),
                         CLRNN_OK);
        const clrnn_slice bad = {small, past ? SIZE_MAX - 1 : 7};
        memcpy(&copy, io, io_bytes);
        memcpy((char *)&copy + at, &bad, sizeof bad);
        clrnn_status status = back ? clrnn_backward(a->plan, &copy.backward, NULL)
                                   : clrnn_forward(a->plan, &copy.forward, NULL);
        assert_int_equal(status, CLRNN_ERR_RANGE);
        assert_error_contains(expected);
        clr_buffer_destroy(&small);
    }
    unsigned char *now = contents(a); /* nothing was written anywhere */
    assert_memory_equal(now, a->start, a->total * a->bytes);
    free(now);
}

static void slices_too_short(void **state)
{
    static const struct {
        int array;
        size_t at;
    } forward[] = {{X, offsetof(clrnn_forward_io, x)},
                   {H0, offsetof(clrnn_forward_io, h0)},
                   {C0, offsetof(clrnn_forward_io, c0)},
                   {Y, offsetof(clrnn_forward_io, y)},
                   {HN, offsetof(clrnn_forward_io, hn)},
                   {CN, offsetof(clrnn_forward_io, cn)},
                   {RESERVE, offsetof(clrnn_forward_io, reserve)}},
      backward[] = {{DY, offsetof(clrnn_backward_io, dy)},
                    {DHN, offsetof(clrnn_backward_io, dhn)},
                    {DCN, offsetof(clrnn_backward_io, dcn)},
                    {DX, offsetof(clrnn_backward_io, dx)},
                    {DH0, offsetof(clrnn_backward_io, dh0)},
                    {DC0, offsetof(clrnn_backward_io, dc0)},
                    {DWEIGHTS, offsetof(clrnn_backward_io, dweights)}};
    arena a = open_arena(*state, 3, CLRNN_F32, true, 1);
    const clrnn_forward_io io = forward_io(&a);
    const clrnn_backward_io back = backward_io(&a);
    const clrnn_slice weights = {a.buffer, a.total - a.count[WEIGHTS] + 1};
    assert_int_equal(clrnn_plan_set_weights(a.plan, weights), CLRNN_ERR_RANGE);
    assert_error_contains("slice weights");
    assert_int_equal(clrnn_forward(a.plan, &io, NULL), CLRNN_ERR_ARGUMENT);
    assert_error_contains("no weights");
    assert_int_equal(clrnn_plan_set_weights(a.plan, slice(&a, WEIGHTS)), CLRNN_OK);
    for (size_t i = 0; i < COUNT(forward); i++) {
        check_too_short(&a, &io, sizeof io, forward[i].at, forward[i].array, false);
        check_too_short(&a, &back, sizeof back,
                        offsetof(clrnn_backward_io, forward) + forward[i].at, forward[i].array,
                        true);
    }
    for (size_t i = 0; i < COUNT(backward); i++)
        check_too_short(&a, &back, sizeof back, backward[i].at, backward[i].array, true);
    close_arena(&a);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, test_open, test_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(one_buffer_for_everything), TEST(states_in_place),  TEST(accumulate),
        TEST(completion_events),         TEST(slices_too_short),
    };
    return cmocka_run_group_tests_name("slices", tests, NULL, NULL);
}
