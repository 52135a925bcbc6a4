/* SPDX-License-Identifier: MIT
 * tests/format/ops.h - small graphs of ONNX, operator by operator, and what must come out. */
#ifndef TEST_FORMAT_OPS_H
#define TEST_FORMAT_OPS_H

#include "format/proto.h"

/** T and N of open axes. */
enum { OPS_STEPS = 5, OPS_ROWS = 3 };

/** The opset of the next model: 14, unless a test sets and resets it. */
extern int64_t ops_opset;

/** x of these axes (-1: T, -2: N), and perhaps `lengths` [N]; nodes and tensors are added. */
proto ops_begin(uint32_t rank, const int64_t *shape, bool lengths);
void ops_node(proto *graph, proto node);
void ops_tensor(proto *graph, const char *name, int type, uint32_t rank, const uint64_t *shape,
                const double *values);

/** The next model has this function: NAME(x) -> y of domain "own", a node OP whose attribute refers
 *  to attribute `refers` of the call, which is `otherwise` by default unless that is NAN. */
void ops_function(const char *name, proto node, const char *attribute, const char *refers,
                  double otherwise);

/** The domain "own" of a node. */
void ops_own(proto *node);

/** A node of one input; of two. */
proto ops_one(const char *op, const char *a, const char *y);
proto ops_two(const char *op, const char *a, const char *b, const char *y);

/** y of the graph, which is freed, is this, by the reference and on the device. Axes -1 and -2 are
 * T and N; with lengths it is these that tell. */
void ops_expect(void **state, proto *graph, const double *x, const double *lengths,
                const double *wanted, size_t count);

#endif
