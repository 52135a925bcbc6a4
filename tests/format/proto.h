/* SPDX-License-Identifier: MIT
 * tests/format/proto.h - messages of protobuf, written field by field, and ONNX models of them. */
#ifndef TEST_FORMAT_PROTO_H
#define TEST_FORMAT_PROTO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A message under construction. Zero-initialise; free `data`. */
typedef struct proto {
    unsigned char *data;
    size_t size, room;
} proto;

void proto_integer(proto *p, uint32_t field, int64_t value);
void proto_real(proto *p, uint32_t field, float value);
void proto_bytes(proto *p, uint32_t field, const void *data, size_t size);
void proto_string(proto *p, uint32_t field, const char *text);

/** A message within; it is freed. */
void proto_message(proto *p, uint32_t field, proto *child);

/** Attributes of a node under construction, by ONNX's numbers. */
void proto_attribute_integer(proto *node, const char *name, int64_t value);
void proto_attribute_real(proto *node, const char *name, float value);
void proto_attribute_word(proto *node, const char *name, const char *value);
void proto_attribute_words(proto *node, const char *name, const char *const *words, size_t count);
void proto_attribute_integers(proto *node, const char *name, const int64_t *values, size_t count);
void proto_attribute_reals(proto *node, const char *name, const float *values, size_t count);

/** A tensor of floats (data_type 1) or whole numbers (6 int32, 7 int64) as raw data. */
proto proto_tensor(const char *name, int data_type, uint32_t rank, const uint64_t *shape,
                   const double *values);

/** An input or output of a graph; an axis below 0 is open, named "d1" by its number. */
proto proto_value(const char *name, int data_type, uint32_t rank, const int64_t *shape);

/** A node with inputs and outputs, "" left out, to which attributes are added. */
proto proto_node(const char *op, const char *name, const char *const *inputs, size_t input_count,
                 const char *const *outputs, size_t output_count);

/** A model around a graph, which is freed. */
proto proto_model(proto *graph, int64_t opset);

/** Write a message to a file of test_folder(), free it, and return the path in a static buffer. */
const char *proto_save(proto *p, const char *name);

#endif
