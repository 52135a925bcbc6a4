/* SPDX-License-Identifier: MIT
 * tests/format/test_onnx_random.c - ONNX models of one RNN, LSTM or GRU over all of their
 * attributes, against their equations (tests/format/equations.c); by the reference, and some on
 * the device. The seed of one that fails is printed: `test_onnx_random SEED`. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support.h"

#include "format/equations.h"
#include "format/imported.h"
#include "format/proto.h"

enum { MODELS = 3000, ON_DEVICE = 60, MOST = 6 };

static uint64_t first_seed;
static bool one_seed;

static uint64_t state_of;

static uint32_t below(uint32_t n)
{
    state_of = state_of * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)((state_of >> 33) % n);
}

static bool chance(uint32_t percent)
{
    return below(100) < percent;
}

/* A float, so that nothing is rounded. */
static double real(double scale)
{
    return (float)(scale * ((double)below(20001) / 10000 - 1));
}

static double *reals(size_t count, double scale)
{
    double *x = calloc(count + 1, sizeof *x);
    assert_non_null(x);
    for (size_t i = 0; i < count; i++)
        x[i] = real(scale);
    return x;
}

/* --- drawing ---------------------------------------------------------------------------------- */

static const struct {
    const char *name;
    bool alpha, beta;
    float a, b; /* where they are left out */
} known[] = {{"Sigmoid", false, false, 0, 0},      {"Tanh", false, false, 0, 0},
             {"Relu", false, false, 0, 0},         {"Affine", true, true, 1, 0},
             {"LeakyRelu", true, false, 0.01f, 0}, {"ThresholdedRelu", true, false, 1, 0},
             {"ScaledTanh", true, true, 1, 1},     {"HardSigmoid", true, true, 0.2f, 0.5f},
             {"Elu", true, false, 1, 0},           {"Softsign", false, false, 0, 0},
             {"Softplus", false, false, 0, 0}};

typedef struct drawn {
    onnx_equations e;
    bool layout;
    int64_t opset;
    int32_t lengths[MOST];
    proto model;
} drawn;

static uint32_t functions_of(char cell)
{
    return cell == 'L' ? 3 : cell == 'G' ? 2 : 1;
}

/* activations, and as many of alpha and beta as are given: those at the end may be left out. */
static void draw_functions(drawn *d, proto *node)
{
    const uint32_t each = functions_of(d->e.cell), all = each * d->e.D;
    const char *names[6];
    float alphas[6], betas[6];
    size_t alpha_count = 0, beta_count = 0;
    const bool given = chance(60), short_of = chance(30);
    for (uint32_t i = 0; i < all; i++) {
        onnx_function *f = &d->e.functions[i / each][i % each];
        const size_t usual = i % each == 0 && each > 1 ? 0 : 1;
        const size_t which = given ? below(sizeof known / sizeof *known) : usual;
        const bool has = !(short_of && i + 1 == all);
        *f = (onnx_function){known[which].name, known[which].a, known[which].b};
        names[i] = known[which].name;
        if (known[which].alpha && has)
            alphas[alpha_count++] = f->alpha = (float)real(1);
        if (known[which].beta && has)
            betas[beta_count++] = f->beta = (float)real(1);
    }
    if (!given)
        return;
    proto_attribute_words(node, "activations", names, all);
    if (alpha_count)
        proto_attribute_reals(node, "activation_alpha", alphas, alpha_count);
    if (beta_count)
        proto_attribute_reals(node, "activation_beta", betas, beta_count);
}

static void draw_attributes(drawn *d, proto *node)
{
    onnx_equations *e = &d->e;
    const uint32_t direction = below(3);
    e->D = direction == 2 ? 2 : 1;
    e->reverse = direction == 1;
    if (direction || chance(50))
        proto_attribute_word(node, "direction",
                             direction == 2   ? "bidirectional"
                             : direction == 1 ? "reverse"
                                              : "forward");
    draw_functions(d, node);
    if (chance(30)) {
        e->clip = (float)(0.1 + fabs(real(0.8)));
        proto_attribute_real(node, "clip", e->clip);
    }
    if (chance(80))
        proto_attribute_integer(node, "hidden_size", e->H);
    if (d->opset >= 14 && chance(50)) {
        d->layout = chance(50);
        proto_attribute_integer(node, "layout", d->layout);
    }
    if (e->cell == 'L' && chance(30)) {
        e->input_forget = chance(70);
        proto_attribute_integer(node, "input_forget", e->input_forget);
    }
    if (e->cell == 'G' && chance(60)) {
        e->linear_before_reset = chance(60);
        proto_attribute_integer(node, "linear_before_reset", e->linear_before_reset);
    }
}

/* [a,b,row] as [b,a,row]. */
static double *swapped(const double *from, size_t a, size_t b, size_t row)
{
    double *to = calloc(a * b * row + 1, sizeof *to);
    assert_non_null(to);
    for (size_t i = 0; i < a; i++)
        for (size_t j = 0; j < b; j++)
            memcpy(to + (j * a + i) * row, from + (i * b + j) * row, row * sizeof *to);
    return to;
}

static void add_tensor(proto *graph, const char *name, int type, uint32_t rank,
                       const uint64_t *shape, const double *values)
{
    proto t = proto_tensor(name, type, rank, shape, values);
    proto_message(graph, 5, &t);
}

/* A state in the layout of the file. */
static const double *draw_state(drawn *d, proto *graph, const char *name)
{
    const onnx_equations *e = &d->e;
    double *h = reals((size_t)e->D * e->N * e->H, 0.8);
    double *ordered = d->layout ? swapped(h, e->D, e->N, e->H) : NULL;
    add_tensor(graph, name, 1, 3,
               d->layout ? (uint64_t[]){e->N, e->D, e->H} : (uint64_t[]){e->D, e->N, e->H},
               ordered ? ordered : h);
    free(ordered);
    return h;
}

static void draw_tensors(drawn *d, proto *graph, const char *inputs[8])
{
    onnx_equations *e = &d->e;
    const uint64_t G = e->cell == 'L' ? 4 : e->cell == 'G' ? 3 : 1;
    e->W = reals((size_t)(e->D * G * e->H * e->I), 0.7);
    e->R = reals((size_t)(e->D * G * e->H * e->H), 0.7);
    add_tensor(graph, "W", 1, 3, (uint64_t[]){e->D, G * e->H, e->I}, e->W);
    add_tensor(graph, "R", 1, 3, (uint64_t[]){e->D, G * e->H, e->H}, e->R);
    inputs[1] = "W";
    inputs[2] = "R";
    if (chance(70)) {
        e->B = reals((size_t)(e->D * 2 * G * e->H), 0.5);
        add_tensor(graph, "B", 1, 2, (uint64_t[]){e->D, 2 * G * e->H}, e->B);
        inputs[3] = "B";
    }
    if (chance(40)) {
        double lengths[MOST];
        for (uint32_t n = 0; n < e->N; n++)
            lengths[n] = d->lengths[n] = (int32_t)below(e->T + 1);
        e->lengths = d->lengths;
        add_tensor(graph, "lengths", 6, 1, (uint64_t[]){e->N}, lengths);
        inputs[4] = "lengths";
    }
    if (chance(50)) {
        e->h0 = draw_state(d, graph, "h0");
        inputs[5] = "h0";
    }
    if (e->cell == 'L' && chance(50)) {
        e->c0 = draw_state(d, graph, "c0");
        inputs[6] = "c0";
    }
    if (e->cell == 'L' && chance(40)) {
        e->P = reals((size_t)(e->D * 3 * e->H), 0.7);
        add_tensor(graph, "P", 1, 2, (uint64_t[]){e->D, 3 * e->H}, e->P);
        inputs[7] = "P";
    }
}

static drawn draw(uint64_t seed)
{
    static const int64_t opsets[] = {7, 11, 13, 14, 17, 22};
    static const char *const ops[] = {"LSTM", "GRU", "RNN"};
    const char *inputs[8] = {"x", "", "", "", "", "", "", ""}, *outputs[] = {"Y", "Y_h", "Y_c"};
    drawn d = {.opset = 0};
    proto graph = {0}, attributes = {0};
    state_of = seed * UINT64_C(0x9E3779B97F4A7C15) + 1;
    const char *op = ops[below(3)];
    d.opset = opsets[below(6)];
    d.e = (onnx_equations){.cell = *op,
                           .T = 1 + below(MOST),
                           .N = 1 + below(4),
                           .I = 1 + below(5),
                           .H = 1 + below(MOST)};
    draw_attributes(&d, &attributes);
    draw_tensors(&d, &graph, inputs);
    size_t used = 8;
    while (used > 3 && !*inputs[used - 1])
        used--;
    proto node = proto_node(op, "cell", inputs, used, outputs, d.e.cell == 'L' ? 3 : 2);
    node.data = realloc(node.data, node.size + attributes.size + 1);
    assert_non_null(node.data);
    if (attributes.size)
        memcpy(node.data + node.size, attributes.data, attributes.size);
    node.size += attributes.size;
    free(attributes.data);
    proto_message(&graph, 1, &node);
    const bool open = chance(50); /* T and N by number, or open */
    const bool rows = open && !d.e.h0 && !d.e.c0 && !d.e.lengths;
    const int64_t T = open ? -1 : (int64_t)d.e.T, N = rows ? -2 : (int64_t)d.e.N;
    proto x =
        proto_value("x", 1, 3, d.layout ? (int64_t[]){N, T, d.e.I} : (int64_t[]){T, N, d.e.I});
    proto_message(&graph, 11, &x);
    for (size_t k = 0; k < (d.e.cell == 'L' ? 3u : 2u); k++) {
        proto y = proto_value(outputs[k], 1, 1, (int64_t[]){-9});
        proto_message(&graph, 12, &y);
    }
    d.model = proto_model(&graph, d.opset);
    return d;
}

/* --- comparing -------------------------------------------------------------------------------- */

/* An output in the layout of the file against [.., rows of H]. */
static void check(clrnn_context *context, const drawn *d, clrnn_graph *graph, const char *name,
                  const double *x, const double *wanted, uint32_t axes, uint64_t seed)
{
    const onnx_equations *e = &d->e;
    const imported_array in = {"x", x};
    size_t count = 0;
    double *y = imported_output(context, graph, e->T, e->N, &in, 1, name, &count);
    double *ordered = NULL;
    if (d->layout && axes == 4) { /* [T,D,N,H] to [N,T,D,H] */
        double *rows = swapped(wanted, (size_t)e->T * e->D, e->N, e->H);
        ordered = rows;
    } else if (d->layout) {
        ordered = swapped(wanted, e->D, e->N, e->H);
    }
    const double error = test_error(y, ordered ? ordered : wanted, count);
    if (!(error <= 1e-9))
        fail_msg("seed %llu: %s differs by %g", (unsigned long long)seed, name, error);
    free(ordered);
    free(y);
}

static void run_one(clrnn_context *context, uint64_t seed)
{
    drawn d = draw(seed);
    onnx_equations *e = &d.e;
    if (e->lengths)
        e->lengths = d.lengths; /* which have moved with it */
    const size_t states = (size_t)e->D * e->N * e->H;
    double *x = reals((size_t)e->T * e->N * e->I, 1);
    double *y = reals((size_t)e->T * states, 0), *h = reals(states, 0), *c = reals(states, 0);
    clrnn_graph *graph = NULL;
    e->x = x;
    e->y = y;
    e->h = h;
    e->c = c;
    onnx_compute(e);
    double *given = d.layout ? swapped(x, e->T, e->N, e->I) : NULL;
    const clrnn_import_desc desc = {.precision = CLRNN_F64};
    if (clrnn_graph_import(proto_save(&d.model, "drawn.onnx"), &desc, &test_log, &graph) !=
        CLRNN_OK)
        fail_msg("seed %llu: %s", (unsigned long long)seed, test_last_error);
    check(context, &d, graph, "Y", given ? given : x, y, 4, seed);
    check(context, &d, graph, "Y_h", given ? given : x, h, 3, seed);
    if (e->cell == 'L')
        check(context, &d, graph, "Y_c", given ? given : x, c, 3, seed);
    clrnn_graph_destroy(&graph);
    const double *const all[] = {e->W, e->R, e->B, e->P, e->h0, e->c0, x, y, h, c, given};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        free((void *)all[i]);
}

static void test_reference(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < (one_seed ? 1 : MODELS); i++)
        run_one(NULL, first_seed + i);
}

static void test_device(void **state)
{
    clrnn_context *context = *state;
    if (!clrnn_context_device(context)->fp64)
        skip();
    for (uint64_t i = 0; i < (one_seed ? 1 : ON_DEVICE); i++)
        run_one(context, first_seed + i);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reference),
        cmocka_unit_test_setup_teardown(test_device, test_open, test_close)};
    one_seed = argc > 1;
    first_seed = one_seed ? strtoull(argv[1], NULL, 10) : 0;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
