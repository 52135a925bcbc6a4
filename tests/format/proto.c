/* SPDX-License-Identifier: MIT
 * tests/format/proto.c - see tests/format/proto.h. */
#include "format/proto.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support.h"

/* --- fields ----------------------------------------------------------------------------------- */

static void append(proto *p, const void *data, size_t size)
{
    if (p->size + size > p->room) {
        p->room = 2 * (p->size + size) + 64;
        p->data = realloc(p->data, p->room);
        assert_non_null(p->data);
    }
    if (size)
        memcpy(p->data + p->size, data, size);
    p->size += size;
}

static void varint(proto *p, uint64_t value)
{
    do {
        const unsigned char byte = (unsigned char)((value & 127) | (value > 127 ? 128 : 0));
        append(p, &byte, 1);
        value >>= 7;
    } while (value);
}

void proto_integer(proto *p, uint32_t field, int64_t value)
{
    varint(p, (uint64_t)field << 3);
    varint(p, (uint64_t)value);
}

void proto_real(proto *p, uint32_t field, float value)
{
    varint(p, (uint64_t)field << 3 | 5);
    append(p, &value, sizeof value);
}

void proto_bytes(proto *p, uint32_t field, const void *data, size_t size)
{
    varint(p, (uint64_t)field << 3 | 2);
    varint(p, size);
    append(p, data, size);
}

void proto_string(proto *p, uint32_t field, const char *text)
{
    proto_bytes(p, field, text, strlen(text));
}

void proto_message(proto *p, uint32_t field, proto *child)
{
    proto_bytes(p, field, child->data, child->size);
    free(child->data);
    *child = (proto){0};
}

/* --- attributes: name 1, f 2, i 3, s 4, floats 7, ints 8, strings 9, type 20 ------------------ */

static void finish(proto *node, const char *name, proto *a, int type)
{
    proto_string(a, 1, name);
    proto_integer(a, 20, type);
    proto_message(node, 5, a);
}

void proto_attribute_integer(proto *node, const char *name, int64_t value)
{
    proto a = {0};
    proto_integer(&a, 3, value);
    finish(node, name, &a, 2);
}

void proto_attribute_real(proto *node, const char *name, float value)
{
    proto a = {0};
    proto_real(&a, 2, value);
    finish(node, name, &a, 1);
}

void proto_attribute_word(proto *node, const char *name, const char *value)
{
    proto a = {0};
    proto_string(&a, 4, value);
    finish(node, name, &a, 3);
}

void proto_attribute_words(proto *node, const char *name, const char *const *words, size_t count)
{
    proto a = {0};
    for (size_t i = 0; i < count; i++)
        proto_string(&a, 9, words[i]);
    finish(node, name, &a, 8);
}

void proto_attribute_integers(proto *node, const char *name, const int64_t *values, size_t count)
{
    proto a = {0};
    for (size_t i = 0; i < count; i++)
        proto_integer(&a, 8, values[i]);
    finish(node, name, &a, 7);
}

void proto_attribute_reals(proto *node, const char *name, const float *values, size_t count)
{
    proto a = {0};
    for (size_t i = 0; i < count; i++)
        proto_real(&a, 7, values[i]);
    finish(node, name, &a, 6);
}

/* --- models ----------------------------------------------------------------------------------- */

proto proto_tensor(const char *name, int data_type, uint32_t rank, const uint64_t *shape,
                   const double *values)
{
    proto t = {0}, raw = {0};
    size_t count = 1;
    for (uint32_t i = 0; i < rank; i++) {
        proto_integer(&t, 1, (int64_t)shape[i]);
        count *= (size_t)shape[i];
    }
    for (size_t i = 0; i < count; i++) {
        const float real = (float)values[i];
        const int32_t narrow = (int32_t)values[i];
        const int64_t wide = (int64_t)values[i];
        append(&raw,
               data_type == 1   ? (const void *)&real
               : data_type == 6 ? (const void *)&narrow
                                : &wide,
               data_type == 7 ? 8 : 4);
    }
    proto_integer(&t, 2, data_type);
    proto_string(&t, 8, name);
    proto_bytes(&t, 9, raw.data, raw.size);
    free(raw.data);
    return t;
}

proto proto_value(const char *name, int data_type, uint32_t rank, const int64_t *shape)
{
    proto value = {0}, type = {0}, tensor = {0}, axes = {0};
    char open[24];
    for (uint32_t i = 0; i < rank; i++) {
        proto dim = {0};
        snprintf(open, sizeof open, "d%lld", (long long)-shape[i]);
        if (shape[i] < 0)
            proto_string(&dim, 2, open);
        else
            proto_integer(&dim, 1, shape[i]);
        proto_message(&axes, 1, &dim);
    }
    proto_integer(&tensor, 1, data_type);
    proto_message(&tensor, 2, &axes);
    proto_message(&type, 1, &tensor);
    proto_string(&value, 1, name);
    proto_message(&value, 2, &type);
    return value;
}

proto proto_node(const char *op, const char *name, const char *const *inputs, size_t input_count,
                 const char *const *outputs, size_t output_count)
{
    proto node = {0};
    for (size_t i = 0; i < input_count; i++)
        proto_string(&node, 1, inputs[i]);
    for (size_t i = 0; i < output_count; i++)
        proto_string(&node, 2, outputs[i]);
    proto_string(&node, 3, name);
    proto_string(&node, 4, op);
    return node;
}

proto proto_model(proto *graph, int64_t opset)
{
    proto model = {0}, set = {0};
    proto_integer(&model, 1, 8);
    proto_string(graph, 2, "test");
    proto_message(&model, 7, graph);
    proto_string(&set, 1, "");
    proto_integer(&set, 2, opset);
    proto_message(&model, 8, &set);
    return model;
}

const char *proto_save(proto *p, const char *name)
{
    static char path[4096];
    snprintf(path, sizeof path, "%s/%s", test_folder(), name);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(p->data, 1, p->size, file), p->size);
    assert_int_equal(fclose(file), 0);
    free(p->data);
    *p = (proto){0};
    return path;
}
