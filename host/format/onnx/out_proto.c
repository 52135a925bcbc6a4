/* SPDX-License-Identifier: MIT
 * format/onnx/out_proto.c - messages of a model to be written: nodes, attributes, initializers. */
#include "format/onnx/out.h"

#include <stdarg.h>
#include <string.h>

/* --- lists ------------------------------------------------------------------------------------ */

/* The old array stays in the arena: together they are no more than the new one. */
void clr_out_append(onnx_out *out, onnx_list *list, void *item)
{
    if (list->count == list->capacity) {
        const size_t capacity = list->capacity ? 2 * list->capacity : 8;
        void **items = clr_out_get(out, capacity, sizeof *items);
        if (!items)
            return;
        if (list->count)
            memcpy(items, list->items, list->count * sizeof *items);
        list->items = items;
        list->capacity = capacity;
    }
    list->items[list->count++] = item;
}

/* One more pointer in an array of a message; these are short. */
static void **grown(onnx_out *out, void *items, size_t count)
{
    void **more = clr_out_get(out, count + 1, sizeof *more);
    if (more && count)
        memcpy(more, items, count * sizeof *more);
    return more;
}

void clr_out_property(onnx_out *out, ClrOnnx__Model *model, const char *key, const char *value)
{
    ClrOnnx__StringPair *pair = clr_out_get(out, 1, sizeof *pair);
    void **all = grown(out, model->metadata_props, model->n_metadata_props);
    if (!pair || !all)
        return;
    clr_onnx__string_pair__init(pair);
    pair->key = clr_out_copy(out, key);
    pair->value = clr_out_copy(out, value);
    all[model->n_metadata_props++] = pair;
    model->metadata_props = (ClrOnnx__StringPair **)all;
}

/* --- nodes ------------------------------------------------------------------------------------ */

void clr_out_output(onnx_out *out, ClrOnnx__Node *node, const char *name)
{
    void **all = node ? grown(out, node->output, node->n_output) : NULL;
    if (!all)
        return;
    all[node->n_output++] = clr_out_copy(out, name ? name : "");
    node->output = (char **)all;
}

ClrOnnx__Node *clr_out_op(onnx_out *out, const char *op, const char *y, unsigned count, ...)
{
    ClrOnnx__Node *node = clr_out_get(out, 1, sizeof *node);
    char **inputs = clr_out_get(out, count + 1, sizeof *inputs);
    va_list names;
    if (!node || !inputs)
        return NULL;
    clr_onnx__node__init(node);
    va_start(names, count);
    for (unsigned i = 0; i < count; i++) {
        const char *name = va_arg(names, const char *);
        inputs[i] = clr_out_copy(out, name ? name : "");
        if (*inputs[i]) /* what is left out at the end is not there */
            node->n_input = i + 1;
    }
    va_end(names);
    node->input = inputs;
    node->op_type = clr_out_copy(out, op);
    node->name = clr_out_copy(out, clr_out_fresh(out));
    clr_out_output(out, node, y);
    clr_out_append(out, &out->nodes, node);
    return node;
}

const char *clr_out_made(onnx_out *out, const char *op, const char *a, const char *b)
{
    const char *y = clr_out_fresh(out);
    (void)clr_out_op(out, op, y, 2, a, b);
    return y;
}

/* --- attributes ------------------------------------------------------------------------------- */

enum { A_FLOAT = 1, A_INT = 2, A_STRING = 3, A_FLOATS = 6, A_INTS = 7, A_STRINGS = 8 };

static ClrOnnx__Attribute *attribute(onnx_out *out, ClrOnnx__Node *node, const char *name, int type)
{
    ClrOnnx__Attribute *a = clr_out_get(out, 1, sizeof *a);
    void **all = node ? grown(out, node->attribute, node->n_attribute) : NULL;
    if (!a || !all)
        return NULL;
    clr_onnx__attribute__init(a);
    a->name = clr_out_copy(out, name);
    a->has_type = true;
    a->type = type;
    all[node->n_attribute++] = a;
    node->attribute = (ClrOnnx__Attribute **)all;
    return a;
}

void clr_out_int(onnx_out *out, ClrOnnx__Node *node, const char *name, int64_t value)
{
    ClrOnnx__Attribute *a = attribute(out, node, name, A_INT);
    if (!a)
        return;
    a->has_i = true;
    a->i = value;
}

void clr_out_float(onnx_out *out, ClrOnnx__Node *node, const char *name, double value)
{
    ClrOnnx__Attribute *a = attribute(out, node, name, A_FLOAT);
    if (!a)
        return;
    a->has_f = true;
    a->f = (float)value;
}

void clr_out_ints(onnx_out *out, ClrOnnx__Node *node, const char *name, const int64_t *values,
                  size_t count)
{
    ClrOnnx__Attribute *a = attribute(out, node, name, A_INTS);
    int64_t *own = clr_out_get(out, count, sizeof *own);
    if (!a || !own)
        return;
    memcpy(own, values, count * sizeof *own);
    a->ints = own;
    a->n_ints = count;
}

void clr_out_floats(onnx_out *out, ClrOnnx__Node *node, const char *name, const float *values,
                    size_t count)
{
    ClrOnnx__Attribute *a = attribute(out, node, name, A_FLOATS);
    float *own = clr_out_get(out, count, sizeof *own);
    if (!a || !own)
        return;
    memcpy(own, values, count * sizeof *own);
    a->floats = own;
    a->n_floats = count;
}

static ProtobufCBinaryData bytes_of(onnx_out *out, const char *text)
{
    char *copy = clr_out_copy(out, text);
    return (ProtobufCBinaryData){strlen(copy), (uint8_t *)copy};
}

void clr_out_word(onnx_out *out, ClrOnnx__Node *node, const char *name, const char *value)
{
    ClrOnnx__Attribute *a = attribute(out, node, name, A_STRING);
    if (!a)
        return;
    a->has_s = true;
    a->s = bytes_of(out, value);
}

void clr_out_words(onnx_out *out, ClrOnnx__Node *node, const char *name, const char *const *values,
                   size_t count)
{
    ClrOnnx__Attribute *a = attribute(out, node, name, A_STRINGS);
    ProtobufCBinaryData *own = clr_out_get(out, count, sizeof *own);
    if (!a || !own)
        return;
    for (size_t i = 0; i < count; i++)
        own[i] = bytes_of(out, values[i]);
    a->strings = own;
    a->n_strings = count;
}

/* --- initializers ----------------------------------------------------------------------------- */

static size_t bytes_of_type(int32_t type)
{
    return type == ONNX_INT64 || type == ONNX_DOUBLE ? 8 : 4;
}

static ClrOnnx__Tensor *tensor(onnx_out *out, const char *name, int32_t type, uint32_t rank,
                               const int64_t *dims)
{
    ClrOnnx__Tensor *t = clr_out_get(out, 1, sizeof *t);
    int64_t *own = clr_out_get(out, rank + 1, sizeof *own);
    size_t count = 1; /* SIZE_MAX: more than there can be, which is refused below */
    for (uint32_t i = 0; i < rank; i++)
        count = dims[i] && count > SIZE_MAX / (size_t)dims[i] ? SIZE_MAX : count * (size_t)dims[i];
    uint8_t *data = clr_out_get(out, count, bytes_of_type(type));
    if (!t || !own || !data)
        return NULL;
    clr_onnx__tensor__init(t);
    for (uint32_t i = 0; i < rank; i++)
        own[i] = dims[i];
    t->n_dims = rank;
    t->dims = own;
    t->has_data_type = t->has_raw_data = true;
    t->data_type = type;
    t->name = clr_out_copy(out, name);
    t->raw_data = (ProtobufCBinaryData){count * bytes_of_type(type), data};
    clr_out_append(out, &out->tensors, t);
    return t;
}

static const char *filled_with(ClrOnnx__Tensor *t, const void *data)
{
    if (!t)
        return "";
    memcpy(t->raw_data.data, data, t->raw_data.len);
    return t->name;
}

const char *clr_out_shape(onnx_out *out, const int64_t *values, size_t count)
{
    const int64_t dims[] = {(int64_t)count};
    return filled_with(tensor(out, clr_out_fresh(out), ONNX_INT64, 1, dims), values);
}

const char *clr_out_index(onnx_out *out, int64_t value)
{
    return filled_with(tensor(out, clr_out_fresh(out), ONNX_INT64, 0, NULL), &value);
}

const char *clr_out_whole(onnx_out *out, const int32_t *values, size_t count)
{
    const int64_t dims[] = {(int64_t)count};
    return filled_with(tensor(out, clr_out_fresh(out), ONNX_INT32, 1, dims), values);
}

/* An element of the type that is written. */
static void put(const onnx_out *out, ClrOnnx__Tensor *t, size_t at, double value)
{
    const float narrow = (float)value;
    if (out->precision == CLRNN_F64)
        memcpy(t->raw_data.data + at * sizeof value, &value, sizeof value);
    else
        memcpy(t->raw_data.data + at * sizeof narrow, &narrow, sizeof narrow);
}

const char *clr_out_filled(onnx_out *out, uint32_t rank, const int64_t *dims, double value)
{
    ClrOnnx__Tensor *t = tensor(out, clr_out_fresh(out), clr_out_type(out), rank, dims);
    if (!t)
        return "";
    for (size_t i = 0; i < t->raw_data.len / bytes_of_type(t->data_type); i++)
        put(out, t, i, value);
    return t->name;
}

const char *clr_out_real(onnx_out *out, double value)
{
    return clr_out_filled(out, 0, NULL, value);
}

ClrOnnx__Tensor *clr_out_tensor(onnx_out *out, const char *suffix, uint32_t rank,
                                const int64_t *dims)
{
    return tensor(out, clr_out_named(out, suffix), clr_out_type(out), rank, dims);
}

/* --- pieces ----------------------------------------------------------------------------------- */

static bool room_for_piece(onnx_out *out)
{
    if (out->piece_count < out->piece_capacity)
        return true;
    const size_t capacity = out->piece_capacity ? 2 * out->piece_capacity : 16;
    onnx_piece *more = clr_out_get(out, capacity, sizeof *more);
    if (!more)
        return false;
    if (out->piece_count)
        memcpy(more, out->pieces, out->piece_count * sizeof *more);
    out->pieces = more;
    out->piece_capacity = capacity;
    return true;
}

void clr_out_piece(onnx_out *out, onnx_piece p)
{
    if (out->status != CLRNN_OK || !room_for_piece(out))
        return;
    p.tensor = out->tensors.count - 1;
    ClrOnnx__Tensor *t = out->tensors.items[p.tensor];
    for (size_t r = 0; r < p.rows; r++)
        for (size_t c = 0; c < p.cols; c++) {
            const size_t at = p.from + (p.transposed ? c * p.rows + r : r * p.cols + c);
            const double value = clr_graph_get(out->graph, at);
            put(out, t, p.to + r * p.cols + c, p.negated ? -value : value);
        }
    out->pieces[out->piece_count++] = p;
}

const char *clr_out_parameter(onnx_out *out, const char *leaf)
{
    const clrnn_graph_parameter *p = clr_out_find(out, leaf);
    int64_t dims[CLRNN_MOST_AXES] = {0};
    for (uint32_t i = 0; p && i < p->rank; i++)
        dims[i] = (int64_t)p->shape[i];
    const ClrOnnx__Tensor *t = p ? clr_out_tensor(out, leaf, p->rank, dims) : NULL;
    if (!t)
        return "";
    clr_out_piece(out, (onnx_piece){.from = p->offset, .rows = 1, .cols = p->count});
    return t->name;
}
