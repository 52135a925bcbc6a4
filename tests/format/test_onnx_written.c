/* SPDX-License-Identifier: MIT
 * tests/format/test_onnx_written.c - graphs written as ONNX: read back with the same bits, and as
 * the file of a stranger with the same outputs; what has no form, what goes wrong on the way.
 *
 * usage: test_onnx_written [FIRST COUNT [FOLDER [KIND]]]    the seeds to draw; with FOLDER each
 * graph, which begins with a node of this kind, is left there for another program: SEED.onnx, and
 * SEED.safetensors with its inputs, outputs by the reference ("out."), and by the device ("own.")
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support.h"

#include <clrnn/format.h>

#include "base/file.h"
#include "base/memory.h"
#include "graph/drawn.h"
#include "graph/kind.h"
#include "model/graph_description.h"

static uint64_t first = 1;
static uint32_t count = 300;
static const char *folder;
static int first_kind = CLRNN_NODE_KINDS;

static const char *path_of(const char *name)
{
    static char path[600];
    snprintf(path, sizeof path, "%s/%s", test_folder(), name);
    return path;
}

static clrnn_graph *read_back(const char *path, const clrnn_import_desc *desc)
{
    clrnn_graph *back = NULL;
    if (clrnn_graph_import(path, desc, &test_log, &back) != CLRNN_OK)
        fail_msg("%s", test_last_error);
    return back;
}

/* --- drawn -------------------------------------------------------------------------------------
 */

/* Written; false where a node has no form, which the message must say. */
static bool written(const drawn_graph *d, const char *path)
{
    d->graph->log = test_log;
    const clrnn_status status = clrnn_graph_export(d->graph, path, "onnx");
    if (status == CLRNN_OK)
        return true;
    if (status != CLRNN_ERR_UNSUPPORTED || !strstr(test_last_error, "ONNX has no form of")) {
        drawn_print(d);
        fail_msg("seed %llu: %s", (unsigned long long)d->seed, test_last_error);
    }
    return false;
}

/* The same nodes with the same parameters, to the bit. */
static void assert_same(const clrnn_graph *a, const clrnn_graph *b)
{
    char *x = NULL, *y = NULL;
    assert_int_equal(clr_graph_describe(a, &test_log, &x), CLRNN_OK);
    assert_int_equal(clr_graph_describe(b, &test_log, &y), CLRNN_OK);
    assert_string_equal(x, y);
    assert_int_equal(a->precision, b->precision);
    assert_int_equal(a->elements, b->elements);
    if (a->elements)
        assert_memory_equal(a->data, b->data, a->elements * clr_graph_real(a));
    free(x);
    free(y);
}

static void round_trip(const drawn_graph *d, uint32_t *refused)
{
    const char *path = path_of("drawn.onnx");
    const clrnn_import_desc desc = {.precision = d->graph->precision};
    if (!written(d, path)) {
        ++*refused;
        return;
    }
    clrnn_graph *back = read_back(path, &desc);
    assert_same(d->graph, back);
    clrnn_graph_destroy(&back);
}

static void test_same_bits(void **state)
{
    uint32_t refused = 0;
    (void)state;
    for (uint32_t i = 0; i < count; i++) {
        drawn_graph d = draw_graph(first + i, i % 3 ? CLRNN_F32 : CLRNN_F64, 10, CLRNN_NODE_KINDS);
        round_trip(&d, &refused);
        drawn_free(&d);
    }
    if (count >= 100)
        assert_true(refused < count / 10);
}

static void test_every_kind(void **state)
{
    (void)state;
    for (int kind = 0; kind < CLRNN_NODE_KINDS; kind++) {
        uint32_t refused = 0;
        for (uint64_t seed = 1; seed <= 20; seed++) {
            drawn_graph d = draw_graph(seed, CLRNN_F32, 1, (clrnn_node_kind)kind);
            round_trip(&d, &refused);
            drawn_free(&d);
        }
        assert_true(refused < 10);
    }
}

/* --- as a stranger's ---------------------------------------------------------------------------
 */

/* Outputs by the reference, on the inputs that `of` has by the same names. */
static clr_graph_reference computed(const clrnn_graph *graph, const drawn_graph *d,
                                    const clr_graph_reference *of)
{
    clr_graph_reference r;
    if (clr_graph_reference_make(graph, d->steps, d->batch, NULL, &r) != CLRNN_OK) {
        drawn_print(d);
        fail_msg("seed %llu: %s", (unsigned long long)d->seed, test_last_error);
    }
    drawn_numbers numbers = {d->seed ^ 0x5EED};
    for (uint32_t i = 0; i < graph->input_count; i++) {
        const uint32_t v = graph->inputs[i];
        const uint32_t from = of ? clr_graph_find(of->graph, graph->values[v].name) : 0;
        for (size_t k = 0; k < clr_shape_count(&r.shapes[v]); k++)
            r.values[v][k] = of                           ? of->values[from][k]
                             : graph->values[v].shape.ids ? draw_below(&numbers, 5)
                                                          : (double)(float)draw_real(&numbers);
    }
    assert_int_equal(clr_graph_reference_forward(&r), CLRNN_OK);
    return r;
}

static void compare_outputs(const drawn_graph *d, const clr_graph_reference *a,
                            const clr_graph_reference *b)
{
    for (uint32_t i = 0; i < d->graph->output_count; i++) {
        const clrnn_graph *other = b->graph;
        const uint32_t v = d->graph->outputs[i].value;
        uint32_t k = 0;
        while (k < other->output_count &&
               strcmp(other->outputs[k].name, d->graph->outputs[i].name) != 0)
            k++;
        assert_true(k < other->output_count);
        const uint32_t w = other->outputs[k].value;
        const size_t size = clr_shape_count(&a->shapes[v]);
        assert_int_equal(size, clr_shape_count(&b->shapes[w]));
        const double error = test_error(b->values[w], a->values[v], size);
        if (error <= 2e-5)
            continue;
        drawn_print(d);
        fail_msg("seed %llu: output %s differs by %g", (unsigned long long)d->seed,
                 d->graph->outputs[i].name, error);
    }
}

/* A graph without what its description says: whoever asks for axes by their names gets what the
 * nodes of the file say. known: T and N are numbers. False: the reader knows too little of it. */
static bool meant(const drawn_graph *d, bool known)
{
    const clrnn_import_size axes[] = {{"T", known ? (int64_t)d->steps : CLRNN_STEPS},
                                      {"N", known ? (int64_t)d->batch : CLRNN_BATCH}};
    const clrnn_import_desc desc = {.sizes = axes, .size_count = 2};
    const char *path = path_of("drawn.onnx");
    clrnn_graph *back = NULL;
    if (!written(d, path))
        return false;
    const clrnn_status status = clrnn_graph_import(path, &desc, &test_log, &back);
    if (status != CLRNN_OK) {
        if (getenv("TEST_VERBOSE"))
            fprintf(stderr, "seed %llu: %s\n", (unsigned long long)d->seed, test_last_error);
        assert_int_equal(status, CLRNN_ERR_UNSUPPORTED);
        return false;
    }
    clr_graph_reference a = computed(d->graph, d, NULL), b = computed(back, d, &a);
    compare_outputs(d, &a, &b);
    clr_graph_reference_free(&a);
    clr_graph_reference_free(&b);
    clrnn_graph_destroy(&back);
    return true;
}

static void test_same_meaning(void **state)
{
    uint32_t read = 0;
    (void)state;
    for (uint32_t i = 0; i < count; i++) {
        drawn_graph d = draw_graph(first + i, CLRNN_F32, 6, CLRNN_NODE_KINDS);
        read += meant(&d, false);
        drawn_free(&d);
    }
    if (count >= 100)
        assert_true(read > count / 2);
}

/* --- one graph ---------------------------------------------------------------------------------
 */

static clrnn_graph *network(clrnn_network_desc desc, bool with_states)
{
    clrnn_graph *g = NULL;
    const clrnn_graph_input_desc x = {
        .name = "x", .rank = 3, .shape = {CLRNN_STEPS, CLRNN_BATCH, 3}};
    const clrnn_graph_input_desc h = {.name = "h", .rank = 3, .shape = {1, CLRNN_BATCH, 2}};
    desc.hidden_size = 4;
    assert_int_equal(clrnn_graph_create(&test_log, NULL, &g), CLRNN_OK);
    assert_int_equal(clrnn_graph_input(g, &x), CLRNN_OK);
    if (with_states)
        assert_int_equal(clrnn_graph_input(g, &h), CLRNN_OK);
    const clrnn_node_desc node = {.kind = CLRNN_NODE_RECURRENT,
                                  .name = "rnn",
                                  .network = desc,
                                  .inputs = {"x", with_states ? "h" : NULL}};
    assert_int_equal(clrnn_graph_add(g, &node, NULL), CLRNN_OK);
    assert_int_equal(clrnn_graph_output(g, "y", NULL), CLRNN_OK);
    assert_int_equal(clrnn_graph_initialize(g, 7), CLRNN_OK);
    return g;
}

static void test_no_form(void **state)
{
    static const struct {
        clrnn_network_desc network;
        bool states;
        const char *part;
    } cases[] = {{{.cell_clip = 1}, false, "cell_clip"},
                 {{.proj_size = 2, .proj_clip = 1}, false, "proj_clip"},
                 {{.cell = CLRNN_CELL_GRU, .activations = {{{CLRNN_FN_SOFTSIGN, 0, 0}}}},
                  false,
                  "an update gate that replaces, with the function softsign"},
                 {{.proj_size = 2}, true, "a projection together with an initial state"}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        clrnn_graph *g = network(cases[i].network, cases[i].states);
        const char *path = path_of("none.onnx");
        assert_int_equal(clrnn_graph_export(g, path, NULL), CLRNN_ERR_UNSUPPORTED);
        assert_non_null(strstr(test_last_error, cases[i].part));
        assert_non_null(strstr(test_last_error, "'rnn'"));
        assert_null(strchr(test_last_error, '\n'));
        FILE *file = fopen(path, "rb");
        assert_null(file);
        clrnn_graph_destroy(&g);
    }
}

/* How inference keeps weights stays said, and they are written as they are. */
static void test_storage(void **state)
{
    (void)state;
    clrnn_graph *g = NULL;
    const clrnn_graph_input_desc x = {
        .name = "x", .rank = 3, .shape = {CLRNN_STEPS, CLRNN_BATCH, 3}};
    assert_int_equal(clrnn_graph_create(&test_log, NULL, &g), CLRNN_OK);
    assert_int_equal(clrnn_graph_input(g, &x), CLRNN_OK);
    assert_int_equal(clrnn_graph_add(g,
                                     &(clrnn_node_desc){.kind = CLRNN_NODE_RECURRENT,
                                                        .network = {.hidden_size = 4},
                                                        .weights = CLRNN_WEIGHTS_F16},
                                     NULL),
                     CLRNN_OK);
    assert_int_equal(clrnn_graph_output(g, "y", NULL), CLRNN_OK);
    assert_int_equal(clrnn_graph_initialize(g, 3), CLRNN_OK);
    assert_int_equal(clrnn_graph_export(g, path_of("f16.onnx"), NULL), CLRNN_OK);
    clrnn_graph *back = read_back(path_of("f16.onnx"), NULL);
    assert_same(g, back);
    assert_int_equal(clrnn_graph_node(back, 0)->weights, CLRNN_WEIGHTS_F16);
    clrnn_graph_destroy(&back);
    clrnn_graph_destroy(&g);
}

/* Lengths of a node's own: bounded by 0 and T, also where they say more. */
static clrnn_graph *with_lengths(clrnn_cell cell, bool both)
{
    clrnn_graph *g = NULL;
    const clrnn_graph_input_desc x = {
        .name = "x", .rank = 3, .shape = {CLRNN_BATCH, CLRNN_STEPS, 3}};
    const clrnn_graph_input_desc n = {.name = "n", .rank = 1, .shape = {CLRNN_BATCH}, .ids = true};
    assert_int_equal(clrnn_graph_create(&test_log, NULL, &g), CLRNN_OK);
    assert_int_equal(clrnn_graph_input(g, &x), CLRNN_OK);
    assert_int_equal(clrnn_graph_input(g, &n), CLRNN_OK);
    const clrnn_node_desc node = {.kind = CLRNN_NODE_RECURRENT,
                                  .name = "rnn",
                                  .network = {.cell = cell,
                                              .hidden_size = 4,
                                              .num_layers = 2,
                                              .bidirectional = both,
                                              .reverse = !both},
                                  .inputs = {"x", NULL, NULL, "n"}};
    assert_int_equal(clrnn_graph_add(g, &node, NULL), CLRNN_OK);
    assert_int_equal(clrnn_graph_output(g, "y", NULL), CLRNN_OK);
    assert_int_equal(clrnn_graph_output(g, "h", "rnn.hn"), CLRNN_OK);
    assert_int_equal(clrnn_graph_initialize(g, 11 + (uint64_t)cell), CLRNN_OK);
    return g;
}

static void test_lengths(void **state)
{
    (void)state;
    for (int i = 0; i < 6; i++) {
        drawn_graph d = {.seed = (uint64_t)i,
                         .graph = with_lengths((clrnn_cell)(i / 2), i % 2),
                         .steps = 3,
                         .batch = 7};
        uint32_t refused = 0;
        round_trip(&d, &refused);
        assert_int_equal(refused, 0);
        assert_true(meant(&d, true));
        drawn_free(&d);
    }
}

/* --- names -------------------------------------------------------------------------------------
 */

/* x -> a -> b, with outputs under names of other values. */
static clrnn_graph *chain(const char *out_a, const char *out_b)
{
    clrnn_graph *g = NULL;
    const clrnn_graph_input_desc x = {
        .name = "x", .rank = 3, .shape = {CLRNN_STEPS, CLRNN_BATCH, 3}};
    assert_int_equal(clrnn_graph_create(&test_log, NULL, &g), CLRNN_OK);
    assert_int_equal(clrnn_graph_input(g, &x), CLRNN_OK);
    for (int i = 0; i < 2; i++)
        assert_int_equal(clrnn_graph_add(g,
                                         &(clrnn_node_desc){.kind = CLRNN_NODE_DENSE,
                                                            .name = i ? "b" : "a",
                                                            .units = i ? 2 : 4},
                                         NULL),
                         CLRNN_OK);
    assert_int_equal(clrnn_graph_output(g, out_a, "a"), CLRNN_OK);
    assert_int_equal(clrnn_graph_output(g, out_b, "b"), CLRNN_OK);
    assert_int_equal(clrnn_graph_initialize(g, 5), CLRNN_OK);
    return g;
}

static void test_names(void **state)
{
    static const char *const names[][2] = {
        {"a", "b"},          {"b", "a"},         {"b", "y"},        {"y", "a"},
        {"a#weight", "a#0"}, {"a##0", "b#bias"}, {"b.weight", "x#"}};
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        clrnn_graph *g = chain(names[i][0], names[i][1]);
        drawn_graph d = {.seed = i, .graph = g, .steps = 3, .batch = 2};
        uint32_t refused = 0;
        round_trip(&d, &refused);
        assert_int_equal(refused, 0);
        assert_true(meant(&d, false));
        clrnn_graph_destroy(&g);
    }
}

static void test_bad_names(void **state)
{
    static const struct {
        const char *name, *part;
    } cases[] = {{"x", "is an input and, of another value, an output"},
                 {"\xff", "no UTF-8"},
                 {"####################", "too many '#'"}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        clrnn_graph *g = chain("y", cases[i].name);
        assert_int_equal(clrnn_graph_export(g, path_of("names.onnx"), NULL), CLRNN_ERR_UNSUPPORTED);
        assert_non_null(strstr(test_last_error, cases[i].part));
        clrnn_graph_destroy(&g);
    }
}

/* --- a file that somebody has changed ----------------------------------------------------------
 */

static char *bytes_of(const char *path, size_t *size)
{
    void *data = NULL;
    assert_int_equal(clr_file_read(path, &test_log, &data, size), CLRNN_OK);
    return data;
}

static void put_bytes(const char *path, const void *data, size_t size)
{
    const clr_piece piece = {data, size};
    assert_int_equal(clr_file_write(path, &piece, 1, &test_log), CLRNN_OK);
}

static char *find_bytes(char *data, size_t size, const void *what, size_t length)
{
    for (size_t i = 0; i + length <= size; i++)
        if (memcmp(data + i, what, length) == 0)
            return data + i;
    fail_msg("what was looked for is not there");
    return NULL;
}

/* Weights that were trained elsewhere are those of the graph. */
static void test_changed_weight(void **state)
{
    (void)state;
    clrnn_graph *g = network((clrnn_network_desc){.cell = CLRNN_CELL_GRU}, false);
    const float own = 0.123456f, other = -7.5f;
    size_t size = 0;
    ((float *)g->data)[0] = own; /* of r, which stays as it is */
    const char *path = path_of("changed.onnx");
    assert_int_equal(clrnn_graph_export(g, path, NULL), CLRNN_OK);
    char *data = bytes_of(path, &size);
    memcpy(find_bytes(data, size, &own, sizeof own), &other, sizeof other);
    put_bytes(path, data, size);
    free(data);
    clrnn_graph *back = read_back(path, NULL);
    ((float *)g->data)[0] = other;
    assert_same(g, back);
    clrnn_graph_destroy(&back);
    clrnn_graph_destroy(&g);
}

/* Where a node is another one now the description says nothing any more. */
static void test_changed_node(void **state)
{
    (void)state;
    clrnn_graph *g = NULL;
    const clrnn_graph_input_desc x = {.name = "x", .rank = 1, .shape = {3}};
    size_t size = 0;
    assert_int_equal(clrnn_graph_create(&test_log, NULL, &g), CLRNN_OK);
    assert_int_equal(clrnn_graph_input(g, &x), CLRNN_OK);
    assert_int_equal(
        clrnn_graph_add(
            g, &(clrnn_node_desc){.kind = CLRNN_NODE_ACTIVATION, .function = CLRNN_FN_TANH}, NULL),
        CLRNN_OK);
    assert_int_equal(clrnn_graph_output(g, "y", NULL), CLRNN_OK);
    const char *path = path_of("node.onnx");
    assert_int_equal(clrnn_graph_export(g, path, NULL), CLRNN_OK);
    char *data = bytes_of(path, &size);
    memcpy(find_bytes(data, size, "Tanh", 4), "Ceil", 4);
    put_bytes(path, data, size);
    free(data);
    clrnn_graph *back = read_back(path, NULL);
    assert_int_equal(clrnn_graph_node(back, 0)->function, CLRNN_FN_CEIL);
    clrnn_graph_destroy(&back);
    clrnn_graph_destroy(&g);
}

/* --- what goes wrong ---------------------------------------------------------------------------
 */

static void test_full_disk(void **state)
{
    (void)state;
    clrnn_graph *g = chain("y", "z");
    const char *path = path_of("full.onnx");
    put_bytes(path, "before", 6);
    clr_fault_inject(CLR_FAULT_WRITE, 1);
    assert_int_equal(clrnn_graph_export(g, path, NULL), CLRNN_ERR_IO);
    clr_fault_inject(CLR_FAULT_WRITE, 0);
    size_t size = 0;
    char *data = bytes_of(path, &size);
    assert_int_equal(size, 6);
    assert_memory_equal(data, "before", 6);
    free(data);
    assert_int_equal(clrnn_graph_export(g, path_of("no/such/folder.onnx"), NULL), CLRNN_ERR_IO);
    clrnn_graph_destroy(&g);
}

static void test_no_memory(void **state)
{
    (void)state;
    clrnn_graph *g = chain("y", "z"), *back = NULL;
    const char *path = path_of("memory.onnx");
    clrnn_status status = CLRNN_ERR_MEMORY;
    for (long k = 1; status != CLRNN_OK; k++) {
        assert_true(k < 1000);
        clr_fault_inject(CLR_FAULT_MEMORY, -k);
        status = clrnn_graph_export(g, path, NULL);
        clr_fault_inject(CLR_FAULT_MEMORY, 0);
        assert_true(status == CLRNN_OK || status == CLRNN_ERR_MEMORY);
    }
    status = CLRNN_ERR_MEMORY;
    for (long k = 1; status != CLRNN_OK; k++) {
        assert_true(k < 3000);
        clr_fault_inject(CLR_FAULT_MEMORY, -k);
        status = clrnn_graph_import(path, NULL, &test_log, &back);
        clr_fault_inject(CLR_FAULT_MEMORY, 0);
        assert_true(status == CLRNN_OK || !back);
    }
    assert_same(g, back);
    clrnn_graph_destroy(&back);
    clrnn_graph_destroy(&g);
}

/* --- for others --------------------------------------------------------------------------------
 */

static void add(clrnn_tensors *set, const char *prefix, const char *name, const clr_shape *shape,
                const double *data)
{
    char full[300];
    const size_t size = clr_shape_count(shape);
    float *narrow = calloc(size + 1, sizeof *narrow);
    int32_t *ids = calloc(size + 1, sizeof *ids);
    for (size_t i = 0; i < size; i++) {
        narrow[i] = (float)data[i];
        ids[i] = shape->ids ? (int32_t)data[i] : 0;
    }
    snprintf(full, sizeof full, "%s.%s", prefix, name);
    assert_int_equal(clrnn_tensors_add(set, full, shape->ids ? CLRNN_DTYPE_I32 : CLRNN_DTYPE_F32,
                                       shape->rank, shape->size,
                                       shape->ids ? (void *)ids : (void *)narrow),
                     CLRNN_OK);
    free(narrow);
    free(ids);
}

static void leave(void **state, const drawn_graph *d)
{
    char path[600];
    const clrnn_graph *g = d->graph;
    clrnn_tensors *set = NULL;
    snprintf(path, sizeof path, "%s/%llu.onnx", folder, (unsigned long long)d->seed);
    if (!written(d, path))
        return;
    drawn_pass pass = drawn_run(d, *state, false);
    assert_int_equal(clrnn_tensors_create(&test_log, &set), CLRNN_OK);
    for (uint32_t i = 0; i < g->input_count; i++) {
        const uint32_t v = g->inputs[i];
        add(set, "in", g->values[v].name, &pass.reference.shapes[v], pass.reference.values[v]);
    }
    for (uint32_t i = 0; i < g->output_count; i++) {
        const uint32_t v = g->outputs[i].value;
        const char *name = g->outputs[i].name;
        add(set, "out", name, &pass.reference.shapes[v], pass.reference.values[v]);
        add(set, "own", name, &pass.reference.shapes[v], pass.outputs[i]);
    }
    snprintf(path, sizeof path, "%s/%llu.safetensors", folder, (unsigned long long)d->seed);
    assert_int_equal(clrnn_tensors_save(set, path), CLRNN_OK);
    clrnn_tensors_destroy(&set);
    drawn_pass_free(d, &pass);
}

static void test_leave(void **state)
{
    for (uint32_t i = 0; folder && i < count; i++) {
        drawn_graph d = draw_graph(first + i, CLRNN_F32, first_kind == CLRNN_NODE_KINDS ? 8 : 2,
                                   (clrnn_node_kind)first_kind);
        free(d.lengths); /* those of a pass are no part of a graph */
        d.lengths = NULL;
        leave(state, &d);
        drawn_free(&d);
    }
    for (int i = 0; folder && first_kind == CLRNN_NODE_KINDS && i < 6; i++) {
        drawn_graph d = {.seed = 1000000u + (uint64_t)i,
                         .graph = with_lengths((clrnn_cell)(i / 2), i % 2),
                         .steps = 3,
                         .batch = 7};
        leave(state, &d);
        drawn_free(&d);
    }
}

int main(int argc, char **argv)
{
    if (argc > 1)
        first = strtoull(argv[1], NULL, 10);
    if (argc > 2)
        count = (uint32_t)strtoul(argv[2], NULL, 10);
    folder = argc > 3 ? argv[3] : NULL;
    for (int kind = 0; argc > 4 && kind < CLRNN_NODE_KINDS; kind++)
        if (strcmp(argv[4], clrnn_node_kind_name((clrnn_node_kind)kind)) == 0)
            first_kind = kind;
    const struct CMUnitTest for_others[] = {
        cmocka_unit_test_setup_teardown(test_leave, test_open, test_close)};
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same_bits),      cmocka_unit_test(test_every_kind),
        cmocka_unit_test(test_same_meaning),   cmocka_unit_test(test_no_form),
        cmocka_unit_test(test_lengths),        cmocka_unit_test(test_storage),
        cmocka_unit_test(test_names),          cmocka_unit_test(test_bad_names),
        cmocka_unit_test(test_changed_weight), cmocka_unit_test(test_changed_node),
        cmocka_unit_test(test_full_disk),      cmocka_unit_test(test_no_memory),
    };
    return folder ? cmocka_run_group_tests(for_others, NULL, NULL)
                  : cmocka_run_group_tests(tests, NULL, NULL);
}
