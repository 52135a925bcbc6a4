/* SPDX-License-Identifier: MIT
 * tests/format/test_onnx_body.c - ONNX: what a Cast to 16 bits rounds, sequences, and operators
 * that are several others. */
#include "format/imported.h"
#include "format/ops.h"
#include "support.h"

#include <math.h>

/* A node with one attribute ("": none). */
static proto made(const char *op, const char *const *in, size_t count, const char *y,
                  const char *attribute, int64_t value)
{
    proto node = proto_node(op, y, in, count, &y, 1);
    if (*attribute)
        proto_attribute_integer(&node, attribute, value);
    return node;
}

#define MADE(op, y, attribute, value, ...)  \
    made(op, (const char *[]){__VA_ARGS__}, \
         sizeof((const char *[]){__VA_ARGS__}) / sizeof(const char *), y, attribute, value)

/* --- Cast ------------------------------------------------------------------------------------- */

enum { HALF = 10, BRAIN = 16 };

/* Ties, what is denormal there, and what is nearly too large; who computes sees what was there
 * before, who moves does not. */
static void test_cast(void **state)
{
    static const double x[] = {1 + 0x1p-11, 1 + 0x3p-11, 0x1.8p-24, 65519, -0.1, 3};
    static const double half[] = {1, 1 + 0x1p-9, 0x1p-23, 65504, -0x1.998p-4, 3};
    static const double brain[] = {1, 1, 0x1.8p-24, 65536, -0x1.9ap-4, 3};
    static const int64_t shape[] = {6};
    for (int way = 0; way < 6; way++) {
        const bool brainy = way == 1, computed = way == 2, moved = way == 3, folded = way == 5;
        double wanted[6];
        proto graph = ops_begin(1, shape, false);
        ops_tensor(&graph, "w", 1, 1, (const uint64_t[]){6}, x);
        ops_tensor(&graph, "all", 7, 1, (const uint64_t[]){1}, (const double[]){-1});
        if (folded)
            ops_node(&graph, MADE("Sub", "zero", "", 0, "x", "x"));
        ops_node(&graph, MADE("Cast", way == 4 ? "y" : "a", "to", brainy ? BRAIN : HALF,
                              folded ? "w" : "x"));
        if (computed)
            ops_node(&graph, MADE("Neg", "y", "", 0, "a"));
        else if (moved)
            ops_node(&graph, MADE("Reshape", "b", "", 0, "a", "all"));
        if (moved)
            ops_node(&graph, MADE("Neg", "y", "", 0, "b"));
        else if (folded)
            ops_node(&graph, MADE("Add", "y", "", 0, "zero", "a"));
        else if (way < 2)
            ops_node(&graph, MADE("Cast", "y", "to", 1, "a"));
        for (int i = 0; i < 6; i++)
            wanted[i] = computed ? -x[i] : moved ? -half[i] : brainy ? brain[i] : half[i];
        ops_expect(state, &graph, x, NULL, wanted, 6);
    }
}

/* To the type of a value: of a known one, of what is made of it, of what is computed; what is known
 * is rounded at once. */
static void test_cast_like(void **state)
{
    static const double x[] = {1 + 0x3p-11, -0.1}, brain[] = {1, -0x1.9ap-4};
    static const double half[] = {1 + 0x1p-9, -0x1.998p-4};
    static const int64_t shape[] = {2};
    for (int way = 0; way < 6; way++) {
        const bool brainy = way & 1, known = way >= 4;
        const char *const like = way < 2 ? "a" : way < 4 ? "b" : "c";
        proto graph = ops_begin(1, shape, false);
        ops_tensor(&graph, "w", 1, 1, (const uint64_t[]){2}, x);
        ops_node(&graph, MADE("Cast", "a", "to", brainy ? BRAIN : HALF, "w"));
        ops_node(&graph, MADE("Concat", "b", "axis", 0, "a", "a"));
        ops_node(&graph, MADE("Cast", "c", "to", brainy ? BRAIN : HALF, "x"));
        ops_node(&graph, MADE("CastLike", "d", "", 0, known ? "w" : "x", like));
        ops_node(&graph, MADE("Sub", "zero", "", 0, "x", "x"));
        ops_node(&graph, MADE("Cast", "e", "to", 1, "d"));
        ops_node(&graph, MADE("Add", "y", "", 0, "e", "zero"));
        ops_expect(state, &graph, x, NULL, brainy ? brain : half, 2);
    }
}

/* --- sequences -------------------------------------------------------------------------------- */

/* x in front of its parts 1 and 3 4, of which one is taken out again. */
static void test_sequence(void **state)
{
    static const double x[] = {1, 3, 4}, joined[] = {1, 3, 4, 3, 4}, first[] = {1, 3, 4};
    static const double last[] = {3, 4}, stacked[] = {1, 3, 4, 1, 3, 4}, count[] = {3};
    static const int64_t shape[] = {3};
    static const double *const wanted[] = {joined, first, last, count, stacked};
    static const size_t sizes[] = {5, 3, 2, 1, 6};
    for (int way = 0; way < 5; way++) {
        proto graph = ops_begin(1, shape, false);
        ops_tensor(&graph, "parts", 7, 1, (const uint64_t[]){2}, (const double[]){1, 2});
        ops_tensor(&graph, "0", 7, 0, NULL, (const double[]){0});
        ops_tensor(&graph, "-2", 7, 0, NULL, (const double[]){-2});
        ops_tensor(&graph, "-1", 7, 0, NULL, (const double[]){-1});
        ops_node(&graph, MADE("SplitToSequence", "s", "axis", 0, "x", "parts"));
        ops_node(&graph, MADE("SequenceInsert", "t", "", 0, "s", "x", "0"));
        ops_node(&graph, MADE("SequenceErase", "u", "", 0, "t", "-2"));
        ops_node(&graph, MADE("SequenceConstruct", "v", "", 0, "x", "x"));
        if (way == 0)
            ops_node(&graph, MADE("ConcatFromSequence", "y", "axis", 0, "u"));
        else if (way < 3)
            ops_node(&graph, MADE("SequenceAt", "y", "", 0, "u", way == 1 ? "0" : "-1"));
        else if (way == 3)
            ops_node(&graph, MADE("SequenceLength", "y", "", 0, "t"));
        if (way == 4) {
            proto node = MADE("ConcatFromSequence", "y", "axis", -2, "v");
            proto_attribute_integer(&node, "new_axis", 1);
            ops_node(&graph, node);
        }
        ops_expect(state, &graph, x, NULL, wanted[way], sizes[way]);
    }
}

/* --- loops ------------------------------------------------------------------------------------ */

/* y: all of x + w, x + 2 w, .. after so many steps, added. */
static proto loop_of(double count, const double *w)
{
    static const int64_t shape[] = {2};
    proto graph = ops_begin(1, shape, false), body = {0}, a = {0};
    proto inputs[] = {proto_value("i", 7, 0, NULL), proto_value("go", 9, 0, NULL),
                      proto_value("s", 1, 1, shape)};
    proto outputs[] = {proto_value("on", 9, 0, NULL), proto_value("t", 1, 1, shape),
                       proto_value("row", 1, 1, shape)};
    ops_node(&body, MADE("Identity", "on", "", 0, "go"));
    ops_node(&body, MADE("Add", "t", "", 0, "s", "w"));
    ops_node(&body, MADE("Identity", "row", "", 0, "t"));
    for (int i = 0; i < 3; i++)
        proto_message(&body, 11, &inputs[i]);
    for (int i = 0; i < 3; i++)
        proto_message(&body, 12, &outputs[i]);
    ops_tensor(&graph, "count", 7, 0, NULL, &count);
    ops_tensor(&graph, "w", 1, 1, (const uint64_t[]){2}, w);
    ops_tensor(&graph, "0", 7, 1, (const uint64_t[]){1}, (const double[]){0});
    proto loop = proto_node("Loop", "the loop", (const char *[]){"count", "", "x"}, 3,
                            (const char *[]){"last", "all"}, 2);
    proto_string(&a, 1, "body");
    proto_message(&a, 6, &body);
    proto_integer(&a, 20, 5);
    proto_message(&loop, 5, &a);
    ops_node(&graph, loop);
    ops_node(&graph, MADE("ReduceSum", "y", "keepdims", 0, "all", "0"));
    return graph;
}

/* Several thousand steps are as many nodes, of a small file; millions are refused. */
static void test_unrolled(void **state)
{
    enum { STEPS = 5000 };
    static const double x[] = {1, -3}, w[] = {0.5, 0.25}, all = STEPS * (STEPS + 1) / 2;
    const double wanted[] = {STEPS * x[0] + all * w[0], STEPS * x[1] + all * w[1]};
    proto graph = loop_of(STEPS, w);
    clrnn_graph *read = NULL;
    ops_expect(state, &graph, x, NULL, wanted, 2);
    graph = loop_of(1e6, w);
    proto model = proto_model(&graph, 14);
    assert_int_equal(clrnn_graph_import(proto_save(&model, "long.onnx"), NULL, &test_log, &read),
                     CLRNN_ERR_UNSUPPORTED);
    assert_error_contains("too many nodes: 40");
}

/* --- several operators ------------------------------------------------------------------------ */

/* Pairs are halves or neighbours; the fifth number stays; angles by a row of a table. */
static void test_rotary(void **state)
{
    enum { D = 5, R = 4 };
    static const int64_t shape[] = {1, 1, 1, D};
    static const double x[] = {1, 2, 3, 4, 5}, c[] = {9, 9, 0.5, 2}, s[] = {9, 9, -1, 3};
    ops_opset = 23;
    for (int neighbours = 0; neighbours < 2; neighbours++) {
        double wanted[D] = {0, 0, 0, 0, x[4]};
        for (int i = 0; i < R / 2; i++) {
            const int a = neighbours ? 2 * i : i, b = neighbours ? 2 * i + 1 : i + R / 2;
            wanted[a] = x[a] * c[2 + i] - x[b] * s[2 + i];
            wanted[b] = x[a] * s[2 + i] + x[b] * c[2 + i];
        }
        proto graph = ops_begin(4, shape, false);
        ops_tensor(&graph, "c", 1, 2, (const uint64_t[]){2, 2}, c);
        ops_tensor(&graph, "s", 1, 2, (const uint64_t[]){2, 2}, s);
        ops_tensor(&graph, "at", 7, 2, (const uint64_t[]){1, 1}, (const double[]){1});
        proto node = MADE("RotaryEmbedding", "y", "interleaved", neighbours, "x", "c", "s", "at");
        proto_attribute_integer(&node, "rotary_embedding_dim", R);
        ops_node(&graph, node);
        ops_expect(state, &graph, x, NULL, wanted, D);
    }
    ops_opset = 14;
}

/* Two heads of queries share one of keys and values; one key was there before. */
static void test_attention(void **state)
{
    enum { HEADS = 2, T = 2, D = 2, KEYS = 3 };
    static const int64_t shape[] = {1, T, HEADS * D};
    static const double x[] = {0.5, -1, 2, 0.25, 1, 1.5, -0.5, 0.75};
    static const double keys[] = {1, -0.5, 0.25, 2, -1, 0.5}, values[] = {1, 2, -3, 4, 5, -6};
    static const double cap = 1.5, bias[] = {0, 1, 0, 0, 0.5, 0};
    ops_opset = 23;
    for (int way = 0; way < 4; way++) {
        const bool causal = way & 1, capped = way & 2;
        const double scale = capped ? 0.5 : 1 / sqrt(D);
        double wanted[T * HEADS * D];
        for (int t = 0; t < T; t++)
            for (int h = 0; h < HEADS; h++) {
                double share[KEYS], sum = 0;
                for (int k = 0; k < KEYS; k++) {
                    double score = 0;
                    for (int d = 0; d < D; d++)
                        score += x[(t * HEADS + h) * D + d] * keys[k * D + d] * scale;
                    score = (capped ? cap * tanh(score / cap) : score) + bias[t * KEYS + k];
                    sum += share[k] = causal && k > t + 1 ? 0 : exp(score);
                }
                for (int d = 0; d < D; d++) {
                    double *y = &wanted[(t * HEADS + h) * D + d];
                    *y = 0;
                    for (int k = 0; k < KEYS; k++)
                        *y += share[k] / sum * values[k * D + d];
                }
            }
        proto graph = ops_begin(3, shape, false);
        ops_tensor(&graph, "k", 1, 3, (const uint64_t[]){1, 2, D}, keys + D);
        ops_tensor(&graph, "v", 1, 3, (const uint64_t[]){1, 2, D}, values + D);
        ops_tensor(&graph, "bias", 1, 2, (const uint64_t[]){T, KEYS}, bias);
        ops_tensor(&graph, "pk", 1, 4, (const uint64_t[]){1, 1, 1, D}, keys);
        ops_tensor(&graph, "pv", 1, 4, (const uint64_t[]){1, 1, 1, D}, values);
        proto node =
            MADE("Attention", "y", "q_num_heads", HEADS, "x", "k", "v", "bias", "pk", "pv");
        proto_attribute_integer(&node, "kv_num_heads", 1);
        proto_attribute_integer(&node, "is_causal", causal);
        if (capped) {
            proto_attribute_real(&node, "scale", 0.5f);
            proto_attribute_real(&node, "softcap", (float)cap);
        }
        ops_node(&graph, node);
        ops_expect(state, &graph, x, NULL, wanted, T * HEADS * D);
    }
    ops_opset = 14;
}

/* Of three keys a row has two, of which a mask hides one of the first query and both of the second;
 * scores that are capped and masked, and shares. */
static void test_hidden_keys(void **state)
{
    enum { T = 2, KEYS = 3 };
    static const int64_t shape[] = {1, 1, T, 1};
    static const double x[] = {1, -2}, keys[] = {0.5, 1, 9}, values[] = {3, 5, 7};
    static const double mask[] = {1, 0, 1, 0, 0, 1}, lengths[] = {2};
    static const double y[] = {3, 0}, share[] = {1, 0, 0, 0, 0, 0},
                        scores[] = {0.5, 1, 9, -1, -2, -18};
    ops_opset = 24;
    for (int way = 0; way < 3; way++) {
        static const char *const outputs[][4] = {{"y", "", "", "w"}, {"o", "", "", "y"}};
        proto graph = ops_begin(4, shape, false);
        ops_tensor(&graph, "k", 1, 4, (const uint64_t[]){1, 1, KEYS, 1}, keys);
        ops_tensor(&graph, "v", 1, 4, (const uint64_t[]){1, 1, KEYS, 1}, values);
        ops_tensor(&graph, "m", 1, 2, (const uint64_t[]){T, KEYS}, mask);
        ops_tensor(&graph, "used", 7, 1, (const uint64_t[]){1}, lengths);
        ops_node(&graph, MADE("Cast", "mask", "to", 9, "m"));
        proto node =
            proto_node("Attention", "n", (const char *[]){"x", "k", "v", "mask", "", "", "used"}, 7,
                       outputs[way > 0], 4);
        proto_attribute_integer(&node, "qk_matmul_output_mode", way == 1 ? 3 : 0);
        ops_node(&graph, node);
        ops_expect(state, &graph, x, NULL,
                   way == 0   ? y
                   : way == 1 ? share
                              : scores,
                   way == 0 ? T : T * KEYS);
    }
    ops_opset = 14;
}

static void test_products(void **state)
{
    static const int64_t shape[] = {2, 3};
    static const double x[] = {2, -1, 3, 0.5, 4, -2};
    for (int way = 0; way < 4; way++) {
        const bool exclusive = way & 1, reverse = way & 2;
        double wanted[6];
        for (int row = 0; row < 2; row++)
            for (int i = 0; i < 3; i++) {
                double *y = &wanted[row * 3 + i];
                *y = 1;
                for (int k = 0; k < 3; k++)
                    if (reverse ? k > i : k < i)
                        *y *= x[row * 3 + k];
                *y *= exclusive ? 1 : x[row * 3 + i];
            }
        proto graph = ops_begin(2, shape, false);
        ops_tensor(&graph, "axis", 7, 0, NULL, (const double[]){-1});
        proto node = MADE("CumProd", "y", "exclusive", exclusive, "x", "axis");
        proto_attribute_integer(&node, "reverse", reverse);
        ops_node(&graph, node);
        ops_expect(state, &graph, x, NULL, wanted, 6);
    }
}

/* Einsum of three and four operands, one after the other: what a later one reads is kept until
 * then.
 */
static void test_several_terms(void **state)
{
    static const struct {
        const char *equation, *in[4];
        size_t inputs;
    } cases[] = {{"bi,ij,j->b", {"x", "m", "v"}, 3},
                 {"bi,bj,ij->b", {"x", "x", "m"}, 3},
                 {"bi,ij,jk,k->b", {"x", "m", "m", "v"}, 4},
                 {"bi,i,ij", {"x", "v", "m"}, 3},
                 {"...i,i,ij->...j", {"x", "v", "m"}, 3}};
    static const int64_t shape[] = {-2, 2};
    static const double x[] = {1, 2, 3, 4, 5, 6}, m[2][2] = {{1, 2}, {3, -4}}, v[] = {1, -0.5};
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        double wanted[OPS_ROWS * 2] = {0};
        for (int e = 0; e < OPS_ROWS * 8; e++) {
            const int b = e / 8, i = e / 4 % 2, j = e / 2 % 2, k = e % 2;
            const double *row = x + 2 * b;
            wanted[c < 3 ? b : 2 * b + j] += c == 0   ? row[i] * m[i][j] * v[j] / 2
                                             : c == 1 ? row[i] * row[j] * m[i][j] / 2
                                             : c == 2 ? row[i] * m[i][j] * m[j][k] * v[k]
                                                      : row[i] * v[i] * m[i][j] / 2;
        }
        proto graph = ops_begin(2, shape, false);
        proto node =
            proto_node("Einsum", "n", cases[c].in, cases[c].inputs, (const char *const[]){"y"}, 1);
        proto_attribute_word(&node, "equation", cases[c].equation);
        ops_tensor(&graph, "m", 1, 2, (const uint64_t[]){2, 2}, m[0]);
        ops_tensor(&graph, "v", 1, 1, (const uint64_t[]){2}, v);
        ops_node(&graph, node);
        ops_expect(state, &graph, x, NULL, wanted, c < 3 ? OPS_ROWS : OPS_ROWS * 2);
    }
}

int main(void)
{
#define ON_DEVICE(test) cmocka_unit_test_setup_teardown(test, test_open, test_close)
    const struct CMUnitTest tests[] = {
        ON_DEVICE(test_cast),        ON_DEVICE(test_cast_like), ON_DEVICE(test_unrolled),
        ON_DEVICE(test_sequence),    ON_DEVICE(test_rotary),    ON_DEVICE(test_attention),
        ON_DEVICE(test_hidden_keys), ON_DEVICE(test_products),  ON_DEVICE(test_several_terms)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
