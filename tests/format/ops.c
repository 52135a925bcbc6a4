/* SPDX-License-Identifier: MIT
 * tests/format/ops.c - see tests/format/ops.h. */
#include "format/ops.h"

#include <math.h>
#include <stdlib.h>

#include "support.h"

#include "format/imported.h"

int64_t ops_opset = 14;
static proto functions[4]; /* of the next model */
static int function_count;

proto ops_begin(uint32_t rank, const int64_t *shape, bool lengths)
{
    static const int64_t rows[] = {-2};
    proto graph = {0}, x = proto_value("x", 1, rank, shape), n = proto_value("lengths", 7, 1, rows);
    proto_message(&graph, 11, &x);
    if (lengths)
        proto_message(&graph, 11, &n);
    else
        free(n.data);
    return graph;
}

void ops_node(proto *graph, proto node)
{
    proto_message(graph, 1, &node);
}

void ops_tensor(proto *graph, const char *name, int type, uint32_t rank, const uint64_t *shape,
                const double *values)
{
    proto tensor = proto_tensor(name, type, rank, shape, values);
    proto_message(graph, 5, &tensor);
}

void ops_own(proto *node)
{
    proto_string(node, 7, "own");
}

void ops_function(const char *name, proto node, const char *attribute, const char *refers,
                  double otherwise)
{
    proto *f = &functions[function_count++], set = {0}, a = {0}, usual = {0};
    proto_string(f, 1, name);
    proto_string(f, 4, "x");
    proto_string(f, 5, "y");
    proto_string(f, 10, "own");
    proto_string(&a, 1, attribute);
    proto_integer(&a, 20, 1);
    proto_string(&a, 21, refers);
    proto_message(&node, 5, &a);
    proto_message(f, 7, &node);
    proto_string(&set, 1, "");
    proto_integer(&set, 2, 14);
    proto_message(f, 9, &set);
    if (otherwise != otherwise)
        return;
    proto_string(&usual, 1, refers);
    proto_real(&usual, 2, (float)otherwise);
    proto_integer(&usual, 20, 1);
    proto_message(f, 11, &usual);
}

proto ops_one(const char *op, const char *a, const char *y)
{
    return proto_node(op, y, (const char *[]){a}, 1, (const char *[]){y}, 1);
}

proto ops_two(const char *op, const char *a, const char *b, const char *y)
{
    return proto_node(op, y, (const char *[]){a, b}, 2, (const char *[]){y}, 1);
}

/* Sizes are for axes that the model leaves open: of both, the first, the second, none. */
static void import(const char *path, bool sized, clrnn_graph **graph)
{
    static const clrnn_import_size sizes[] = {{"d1", CLRNN_STEPS}, {"d2", CLRNN_BATCH}};
    static const uint32_t parts[][2] = {{0, 2}, {0, 1}, {1, 1}, {0, 0}};
    clrnn_status status = CLRNN_ERR_ARGUMENT;
    for (uint32_t i = sized ? 0 : 3; i < 4 && status == CLRNN_ERR_ARGUMENT; i++) {
        const clrnn_import_desc desc = {
            .precision = CLRNN_F64, .sizes = sizes + parts[i][0], .size_count = parts[i][1]};
        status = clrnn_graph_import(path, &desc, &test_log, graph);
    }
    if (status != CLRNN_OK)
        fail_msg("%s", test_last_error);
}

void ops_expect(void **state, proto *graph, const double *x, const double *lengths,
                const double *wanted, size_t count)
{
    proto y = proto_value("y", 1, 0, NULL);
    proto_message(graph, 12, &y);
    proto model = proto_model(graph, ops_opset);
    while (function_count > 0)
        proto_message(&model, 25, &functions[--function_count]);
    const char *path = proto_save(&model, "ops.onnx");
    const imported_array in[] = {{"x", x}, {"lengths", lengths}};
    for (int device = 0; device < 2; device++) {
        clrnn_graph *read = NULL;
        size_t made = 0;
        import(path, !lengths, &read);
        double *got = imported_output(device ? *state : NULL, read, OPS_STEPS, OPS_ROWS, in,
                                      lengths ? 2 : 1, "y", &made);
        assert_int_equal(made, count);
        for (size_t i = 0; i < count; i++)
            if (!(isnan(wanted[i]) ? isnan(got[i])
                                   : got[i] == wanted[i] || fabs(got[i] - wanted[i]) < 1e-12))
                fail_msg("element %zu is %g, not %g", i, got[i], wanted[i]);
        free(got);
        clrnn_graph_destroy(&read);
    }
}
