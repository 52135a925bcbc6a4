/* SPDX-License-Identifier: MIT
 * tests/graph/test_elementary.c - exp, log, powers and the normal distribution of graphs, by
 * cl/elementary.cl: how near they are, what becomes of special numbers, and that their bits are the
 * same on every device. */
#include "support.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <clrnn/graph_plan.h>

#include "base/digest.h"
#include "device/arithmetic.h"
#include "graph/drawn.h"

enum { COUNT = 4096 };

/* y = function(a), or a to the power of b, of COUNT numbers. */
typedef struct machine {
    clrnn_graph *graph;
    clrnn_graph_plan *plan;
    bool is_double;
} machine;

static machine make(clrnn_context *context, clrnn_precision precision, const clrnn_node_desc *node)
{
    machine m = {.is_double = precision == CLRNN_F64};
    const clrnn_graph_input_desc a = {.name = "a", .rank = 1, .shape = {COUNT}},
                                 b = {.name = "b", .rank = 1, .shape = {COUNT}};
    assert_int_equal(clrnn_graph_create(&test_log, &(clrnn_graph_desc){precision}, &m.graph),
                     CLRNN_OK);
    assert_int_equal(clrnn_graph_input(m.graph, &a), CLRNN_OK);
    assert_int_equal(clrnn_graph_input(m.graph, &b), CLRNN_OK);
    assert_int_equal(clrnn_graph_add(m.graph, node, NULL), CLRNN_OK);
    assert_int_equal(clrnn_graph_output(m.graph, "y", NULL), CLRNN_OK);
    assert_int_equal(clrnn_graph_plan_create(context, m.graph,
                                             &(clrnn_graph_plan_desc){.max_steps = 0}, &m.plan),
                     CLRNN_OK);
    return m;
}

static void stop(machine *m)
{
    clrnn_graph_plan_destroy(&m->plan);
    clrnn_graph_destroy(&m->graph);
}

/* Arrays of floats or doubles. */
static void run(const machine *m, const void *a, const void *b, void *y)
{
    const clrnn_graph_source in[] = {{"a", a}, {"b", b}};
    const clrnn_graph_sink out = {"y", y};
    const clrnn_graph_io io = {.inputs = in, .outputs = &out, .input_count = 2, .output_count = 1};
    assert_int_equal(clrnn_graph_plan_forward(m->plan, &io), CLRNN_OK);
}

/* Numbers as they are kept; rounded to floats where these are wanted. */
static void pack(const machine *m, const double *from, void *to)
{
    for (size_t i = 0; i < COUNT; i++)
        if (m->is_double)
            ((double *)to)[i] = from[i];
        else
            ((float *)to)[i] = (float)from[i];
}

static double at(const machine *m, const void *values, size_t i)
{
    return m->is_double ? ((const double *)values)[i] : (double)((const float *)values)[i];
}

/* How many units in the last place got is off; of denormal results, in theirs. */
static double units(const machine *m, double got, long double wanted)
{
    const double digits = m->is_double ? 53 : 24, least = m->is_double ? -1074 : -149;
    int exponent;
    if (isnan(got) || isinf(got))
        return (isnan(got) && isnan(wanted)) ||
                       (isinf(got) &&
                        fabsl(wanted) > (m->is_double ? DBL_MAX : (long double)FLT_MAX))
                   ? 0
                   : INFINITY;
    (void)frexpl(wanted, &exponent);
    const double unit = fmax((double)exponent - digits, least);
    return (double)(fabsl((long double)got - wanted) / ldexpl(1, (int)unit));
}

typedef long double exact_function(long double a, long double b);

static long double exact_exp(long double a, long double b)
{
    (void)b;
    return expl(a);
}

static long double exact_log(long double a, long double b)
{
    (void)b;
    return logl(a);
}

static long double exact_gelu(long double a, long double b)
{
    (void)b;
    return a / 2 * erfcl(-a / sqrtl(2));
}

static long double exact_pow(long double a, long double b)
{
    return powl(a, b);
}

/* Numbers from low to high, evenly or by their logarithms. */
static void check(clrnn_context *context, clrnn_precision precision, const clrnn_node_desc *node,
                  exact_function *exact, const double range[2], const double powers[2],
                  double bound)
{
    machine m = make(context, precision, node);
    static double a[COUNT], b[COUNT], x[COUNT], z[COUNT], y[COUNT];
    drawn_numbers numbers = {7};
    double worst = 0;
    size_t where = 0;
    for (size_t i = 0; i < COUNT; i++) {
        const double part = ((double)i + (draw_real(&numbers) + 1) / 2) / COUNT;
        a[i] = powers ? exp(range[0] + part * (range[1] - range[0]))
                      : range[0] + part * (range[1] - range[0]);
        b[i] = powers ? powers[0] + (draw_real(&numbers) + 1) / 2 * (powers[1] - powers[0]) : 0;
    }
    pack(&m, a, x);
    pack(&m, b, z);
    run(&m, x, z, y);
    for (size_t i = 0; i < COUNT; i++) {
        const double off = units(&m, at(&m, y, i), exact(at(&m, x, i), at(&m, z, i)));
        where = off > worst ? i : where;
        worst = fmax(worst, off);
    }
    if (!(worst <= bound))
        fail_msg("%g units at %a, %a: %a, bound %g", worst, at(&m, x, where), at(&m, z, where),
                 at(&m, y, where), bound);
    stop(&m);
}

static const clrnn_node_desc exp_node = {
    .kind = CLRNN_NODE_ACTIVATION, .inputs = {"a"}, .function = CLRNN_FN_EXP};
static const clrnn_node_desc log_node = {
    .kind = CLRNN_NODE_ACTIVATION, .inputs = {"a"}, .function = CLRNN_FN_LOG};
static const clrnn_node_desc gelu_node = {
    .kind = CLRNN_NODE_ACTIVATION, .inputs = {"a"}, .function = CLRNN_FN_GELU};
static const clrnn_node_desc pow_node = {.kind = CLRNN_NODE_POW, .inputs = {"a", "b"}};

static void near(clrnn_context *context, clrnn_precision p)
{
    const bool d = p == CLRNN_F64;
    const double all[2] = {d ? -744 : -103, d ? 709.7 : 88.7}, small[2] = {-1, 1};
    const double tail[2] = {d ? -37 : -13, 9}, middle[2] = {-1.4, 1.4}, one[2] = {-3, 3};
    const double wide[2] = {d ? -300 : -30, d ? 300 : 30}, by[2] = {-2.2, 2.2}, far[2] = {-20, 20};
    check(context, p, &exp_node, exact_exp, all, NULL, 2);
    check(context, p, &exp_node, exact_exp, small, NULL, 2);
    check(context, p, &log_node, exact_log, (double[2]){d ? 1e-320 : 1e-44, 1e-30}, NULL, 1.5);
    check(context, p, &log_node, exact_log, (double[2]){0.4, 2.5}, NULL, d ? 2.5 : 1.5);
    check(context, p, &log_node, exact_log, (double[2]){1, 1e30}, NULL, 1.5);
    check(context, p, &gelu_node, exact_gelu, middle, NULL, 16);
    check(context, p, &gelu_node, exact_gelu, tail, NULL, d ? 2000 : 400);
    check(context, p, &pow_node, exact_pow, one, far, d ? 30 : 6);
    check(context, p, &pow_node, exact_pow, wide, by, d ? 30 : 8);
}

static void near_singly(void **state)
{
    near(*state, CLRNN_F32);
}

static void near_doubly(void **state)
{
    if (!device_fuses_doubles(*state))
        skip();
    near(*state, CLRNN_F64);
}

/* As C has them. */
static void special(clrnn_context *context, clrnn_precision p)
{
    const double inf = INFINITY;
    const double pairs[][2] = {
        {0, 3},       {0, -3},     {0, 0},      {0, 0.5},     {0, 20},    {0, -20},  {-2, 3},
        {-2, 2},      {-2, 0.5},   {-2, 17},    {-2, 18},     {-2, -17},  {1, inf},  {1, NAN},
        {NAN, 0},     {NAN, 1},    {2, NAN},    {-1, inf},    {-1, -inf}, {2, inf},  {2, -inf},
        {0.5, inf},   {0.5, -inf}, {inf, 2},    {inf, -2},    {inf, 0.3}, {-inf, 3}, {-inf, 2},
        {-inf, 2.5},  {-inf, -17}, {4, 0.5},    {2, 0.5},     {10, -1},   {3, 16},   {3, -5},
        {1e-40, 1.5}, {1e30, 1.2}, {1e30, 3.7}, {1e-30, 3.7}, {7, 1000},  {7, -1000}};
    const double numbers[] = {0,      -0.0, inf,   -inf,  NAN,    1,     -1,    89.5,   88.72,
                              -104.5, -110, 1e-45, 1e300, -1e300, 710.5, 709.7, -745.2, -746.5};
    static double a[COUNT], b[COUNT], x[COUNT], z[COUNT], y[COUNT];
    machine m = make(context, p, &pow_node);
    memset(a, 0, sizeof a);
    memset(b, 0, sizeof b);
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        a[i] = pairs[i][0];
        b[i] = pairs[i][1];
    }
    pack(&m, a, x);
    pack(&m, b, z);
    run(&m, x, z, y);
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        const long double wanted = powl(at(&m, x, i), at(&m, z, i));
        const double got = at(&m, y, i);
        if (units(&m, got, wanted) > 4 || (!isnan(got) && !signbit(got) != !signbit(wanted)))
            fail_msg("pow(%g, %g) is %g", a[i], b[i], got);
    }
    stop(&m);
    for (int log = 0; log < 2; log++) {
        m = make(context, p, log ? &log_node : &exp_node);
        memcpy(a, numbers, sizeof numbers);
        pack(&m, a, x);
        run(&m, x, z, y);
        for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
            const long double v = at(&m, x, i), wanted = log ? logl(v) : expl(v);
            if (units(&m, at(&m, y, i), wanted) > 2)
                fail_msg("%s(%g) is %g", log ? "log" : "exp", a[i], at(&m, y, i));
        }
        stop(&m);
    }
}

static void special_singly(void **state)
{
    special(*state, CLRNN_F32);
}

static void special_doubly(void **state)
{
    if (!device_fuses_doubles(*state))
        skip();
    special(*state, CLRNN_F64);
}

/* --- float16 and bfloat16 --------------------------------------------------------------------- */

/* What bits of 16 mean, with infinity's exponent counted on; the next number of them is one unit
 * away. */
static double narrow(uint32_t bits, bool half, double *unit)
{
    const int digits = half ? 10 : 7, bias = half ? 15 : 127;
    const int exponent = (int)(bits >> digits) & (2 * bias + 1);
    const int fraction = (int)bits & ((1 << digits) - 1);
    *unit = ldexp(1, (exponent ? exponent : 1) - bias - digits);
    return *unit * (fraction + (exponent ? 1 << digits : 0)) * (bits & 0x8000 ? -1 : 1);
}

/* Each number of 16 bits; the middle to the next, which goes to the even one; floats beside both.
 */
static void check_narrow(clrnn_context *context, clrnn_precision precision, bool half)
{
    static double numbers[COUNT], wanted[COUNT], x[COUNT], z[COUNT], y[COUNT];
    const clrnn_node_desc node = {.kind = CLRNN_NODE_ACTIVATION,
                                  .inputs = {"a"},
                                  .function = half ? CLRNN_FN_TO_F16 : CLRNN_FN_TO_BF16};
    const uint32_t infinite = half ? 0x7c00 : 0x7f80;
    machine m = make(context, precision, &node);
    for (uint32_t first = 0; first < 65536; first += COUNT / 4) {
        for (uint32_t i = 0; i < COUNT; i++) {
            double unit, after;
            const uint32_t bits = first + i / 4;
            const double number = narrow(bits, half, &unit), next = narrow(bits + 1, half, &after);
            const float middle = (float)(number + copysign(unit / 2, number));
            const bool known = (bits & 0x7fff) < infinite;
            const double up = ((bits + 1) & 0x7fff) < infinite ? next : copysign(INFINITY, number);
            const double to[] = {number, bits & 1 ? up : number, up, number};
            const double from[] = {number, (double)middle,
                                   (double)nextafterf(middle, copysignf(INFINITY, middle)),
                                   (double)nextafterf(middle, 0)};
            numbers[i] = known ? from[i % 4] : i & 1 ? NAN : copysign(INFINITY, number);
            wanted[i] = known ? to[i % 4] : numbers[i];
        }
        pack(&m, numbers, x);
        run(&m, x, z, y);
        for (size_t i = 0; i < COUNT; i++) {
            const double got = at(&m, y, i);
            if (isnan(wanted[i]) ? !isnan(got)
                                 : got != wanted[i] || !signbit(got) != !signbit(wanted[i]))
                fail_msg("%s of %a is %a, not %a", half ? "f16" : "bf16", numbers[i], got,
                         wanted[i]);
        }
    }
    stop(&m);
}

static void narrower(void **state)
{
    if (!device_keeps_denormals(*state))
        skip();
    for (int half = 0; half < 2; half++) {
        check_narrow(*state, CLRNN_F32, half);
        if (device_fuses_doubles(*state))
            check_narrow(*state, CLRNN_F64, half);
    }
}

/* --- bits ------------------------------------------------------------------------------------ */

static void add_value(clrnn_graph *graph, clrnn_node_desc node, const char *name)
{
    node.name = name;
    assert_int_equal(clrnn_graph_add(graph, &node, NULL), CLRNN_OK);
    assert_int_equal(clrnn_graph_output(graph, name, NULL), CLRNN_OK);
}

/* Every function but the sine and the cosine, which are the driver's; quotients, powers, softmaxes,
 * norms. */
static clrnn_graph *everything(void)
{
    clrnn_graph *g = NULL;
    const clrnn_graph_input_desc x = {.name = "x", .rank = 2, .shape = {CLRNN_STEPS, 32}};
    const clrnn_node_desc pairs[] = {{.kind = CLRNN_NODE_DIV, .inputs = {"x", "f29"}},
                                     {.kind = CLRNN_NODE_POW, .inputs = {"f23", "x"}},
                                     {.kind = CLRNN_NODE_SOFTMAX, .inputs = {"x"}, .axis = 1},
                                     {.kind = CLRNN_NODE_LOG_SOFTMAX, .inputs = {"x"}, .axis = 1},
                                     {.kind = CLRNN_NODE_LAYER_NORM, .inputs = {"x"}},
                                     {.kind = CLRNN_NODE_BATCH_NORM, .inputs = {"x"}, .axis = 1},
                                     {.kind = CLRNN_NODE_EMA, .inputs = {"x"}, .axis = 1}};
    static char names[64][8];
    size_t used = 0;
    assert_int_equal(clrnn_graph_create(&test_log, NULL, &g), CLRNN_OK);
    assert_int_equal(clrnn_graph_input(g, &x), CLRNN_OK);
    for (uint32_t f = 0; f < CLRNN_FUNCTIONS; f++) {
        snprintf(names[used], 8, "f%u", f);
        if (f == CLRNN_FN_SIN || f == CLRNN_FN_COS)
            continue;
        add_value(g,
                  (clrnn_node_desc){.kind = CLRNN_NODE_ACTIVATION,
                                    .inputs = {"x"},
                                    .function = (clrnn_function)f},
                  names[used++]);
    }
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        snprintf(names[used], 8, "p%zu", i);
        add_value(g, pairs[i], names[used++]);
    }
    return g;
}

/* Of all outputs, as the native device of x86-64-v4 has them. */
#define BITS UINT64_C(0x12820cb94ff6f812)

static void same_bits(void **state)
{
    enum { STEPS = 50, WIDTH = 32, SIZE = STEPS * WIDTH };
    static float x[SIZE], y[SIZE];
    clrnn_graph *graph = NULL;
    clrnn_graph_plan *plan = NULL;
    drawn_numbers numbers = {3};
    uint64_t digest = CLR_DIGEST_START;
    clrnn_value_info info;
    if (!device_keeps_denormals(*state) || !device_adds_zero(*state) ||
        !device_adds_in_order(*state)) /* the sums of softmax */
        skip();
    for (size_t i = 0; i < SIZE; i++)
        x[i] = (float)(draw_real(&numbers) * (i % 3 ? 4 : 60));
    graph = everything();
    assert_int_equal(
        clrnn_graph_plan_create(*state, graph, &(clrnn_graph_plan_desc){.max_steps = STEPS}, &plan),
        CLRNN_OK);
    for (uint32_t i = 0; clrnn_graph_output_at(graph, i, &info); i++) {
        const clrnn_graph_io io = {.inputs = &(clrnn_graph_source){"x", x},
                                   .outputs = &(clrnn_graph_sink){info.name, y},
                                   .input_count = 1,
                                   .output_count = 1};
        assert_int_equal(clrnn_graph_plan_forward(plan, &io), CLRNN_OK);
        for (size_t k = 0; k < SIZE; k++) {
            const double number = (double)y[k];
            digest = clr_digest(digest, &number, 1);
        }
        if (getenv("TEST_VERBOSE"))
            fprintf(stderr, "%s %016llx\n", info.name, (unsigned long long)digest);
    }
    if (digest != BITS)
        fail_msg("digest %016llx", (unsigned long long)digest);
    clrnn_graph_plan_destroy(&plan);
    clrnn_graph_destroy(&graph);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(near_singly, test_open, test_close),
        cmocka_unit_test_setup_teardown(near_doubly, test_open, test_close),
        cmocka_unit_test_setup_teardown(special_singly, test_open, test_close),
        cmocka_unit_test_setup_teardown(special_doubly, test_open, test_close),
        cmocka_unit_test_setup_teardown(narrower, test_open, test_close),
        cmocka_unit_test_setup_teardown(same_bits, test_open, test_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
