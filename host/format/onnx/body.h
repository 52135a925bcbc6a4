/* SPDX-License-Identifier: MIT
 * format/onnx/body.h - operators that are several others of ONNX: said one by one, each folded
 * where its inputs are known and built where they are not. */
#ifndef CLR_FORMAT_ONNX_BODY_H
#define CLR_FORMAT_ONNX_BODY_H

#include "format/onnx/onnx.h"

#define ONNX_NOTHING UINT32_MAX /* a value that is left out */

/* An attribute: a whole number, or where `ints` is given a list of `count`. */
typedef struct onnx_given {
    const char *name; /* NULL: none */
    int64_t i;
    const int64_t *ints;
    size_t count;
} onnx_given;

/* Values by number, which the body owns. Once `status` is an error nothing more is done. */
typedef struct onnx_body {
    onnx_node *n;
    onnx_value *value; /* [count] */
    uint32_t count, capacity;
    clrnn_status status;
} onnx_body;

/** One operator as opset 18 has it, over values (NULL: left out), and its first output, which the
 *  caller frees. */
clrnn_status clr_onnx_apply(onnx_node *n, const char *op, onnx_given given,
                            const onnx_value *const *in, size_t count, onnx_value *out);

/** The same over numbers of the body's values; the number of the result. */
uint32_t clr_onnx_say(onnx_body *b, const char *op, onnx_given given, const uint32_t *in,
                      size_t count);
#define ONNX_SAY(b, op, given, ...)                             \
    clr_onnx_say(b, op, given, (const uint32_t[]){__VA_ARGS__}, \
                 sizeof((const uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t))
#define ONNX_PLAIN ((onnx_given){0})

/** Input k of the node (ONNX_NOTHING where it is left out); a known number, or list of such. */
uint32_t clr_onnx_say_input(onnx_body *b, uint32_t k);
uint32_t clr_onnx_say_number(onnx_body *b, onnx_type type, double x);
uint32_t clr_onnx_say_list(onnx_body *b, const int64_t *list, size_t count);

/** Elements begin .. end of an axis, every step-th. */
uint32_t clr_onnx_say_cut(onnx_body *b, uint32_t x, int64_t axis, int64_t begin, int64_t end,
                          int64_t step);

/** How many axes a value has, the size of one in both worlds, and as a number, which it must be (0
 *  and an error). */
uint32_t clr_onnx_say_rank(const onnx_body *b, uint32_t x);
void clr_onnx_say_sizes(const onnx_body *b, uint32_t x, uint32_t axis, uint64_t size[ONNX_WORLDS]);
uint64_t clr_onnx_say_size(onnx_body *b, uint32_t x, int64_t axis);

/** Output k is value x. */
void clr_onnx_say_output(onnx_body *b, uint32_t k, uint32_t x);

/** Free the values. Returns: its status. */
clrnn_status clr_onnx_body_end(onnx_body *b);

#endif
