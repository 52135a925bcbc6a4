/* SPDX-License-Identifier: MIT
 * format/onnx/parse.c - from bytes to messages, by protobuf-c, which recurses as deep as a file
 * says and takes the memory that it says: so the nesting is looked at before, and memory is
 * counted. */
#include <stdlib.h>

#include "base/memory.h"
#include "format/onnx/onnx.h"

/* --- nesting ---------------------------------------------------------------------------------- */

typedef enum level { MODEL, FUNCTION, GRAPH, NODE, ATTRIBUTE, LEAF } level;

/* What a field of a message holds. */
static level child_of(level parent, uint64_t field)
{
    switch (parent) {
    case MODEL:
        return field == 7 ? GRAPH : field == 25 ? FUNCTION : LEAF;
    case FUNCTION:
        return field == 7 ? NODE : field == 11 ? ATTRIBUTE : LEAF;
    case GRAPH:
        return field == 1 ? NODE : LEAF;
    case NODE:
        return field == 5 ? ATTRIBUTE : LEAF;
    case ATTRIBUTE:
        return field == 6 || field == 11 ? GRAPH : LEAF;
    default:
        return LEAF;
    }
}

static bool varint(const unsigned char *data, size_t *at, size_t end, uint64_t *value)
{
    *value = 0;
    for (unsigned shift = 0; shift < 64 && *at < end; shift += 7) {
        const unsigned char byte = data[(*at)++];
        *value |= (uint64_t)(byte & 127) << shift;
        if (byte < 128)
            return true;
    }
    return false;
}

/* Past a field's value that is no message. */
static bool skip(const unsigned char *data, size_t *at, size_t end, uint64_t type)
{
    uint64_t value = 0;
    if (type == 0)
        return varint(data, at, end, &value);
    const size_t bytes = type == 1 ? 8 : type == 5 ? 4 : 0;
    if (bytes == 0 || end - *at < bytes)
        return false;
    *at += bytes;
    return true;
}

/* Walk all messages that can hold others. False: damaged; *deep: nested too deep. */
static bool check_nesting(const clr_format_file *file, bool *deep)
{
    struct {
        level level;
        size_t end;
    } stack[4 * ONNX_MOST_NEST] = {{MODEL, file->bytes}};
    size_t top = 0, at = 0;
    *deep = false;
    for (;;) {
        while (top > 0 && at == stack[top].end)
            top--;
        if (at == stack[top].end)
            return true;
        uint64_t key = 0, size = 0;
        if (!varint(file->data, &at, stack[top].end, &key))
            return false;
        if ((key & 7) != 2) {
            if (!skip(file->data, &at, stack[top].end, key & 7))
                return false;
            continue;
        }
        if (!varint(file->data, &at, stack[top].end, &size) || size > stack[top].end - at)
            return false;
        const level child = child_of(stack[top].level, key >> 3);
        if (child == LEAF) {
            at += (size_t)size;
            continue;
        }
        *deep = ++top == sizeof stack / sizeof *stack;
        if (*deep)
            return false;
        stack[top].level = child;
        stack[top].end = at + (size_t)size;
    }
}

/* --- memory ----------------------------------------------------------------------------------- */

/* Each block has its size before it. */
typedef struct budget {
    size_t left;
} budget;

enum { HEAD = 16 };

static void *take(void *user, size_t bytes)
{
    budget *b = user;
    if (bytes > SIZE_MAX - HEAD || bytes + HEAD > b->left)
        return NULL;
    char *block = clr_calloc(bytes + HEAD, 1);
    if (!block)
        return NULL;
    b->left -= bytes + HEAD;
    return block + HEAD;
}

static void release(void *user, void *block)
{
    (void)user;
    if (block)
        free((char *)block - HEAD);
}

/* A model holds about as much as its file does, and a hostile one up to a hundred times. */
static size_t allowance(size_t bytes)
{
    const size_t least = (size_t)32 << 20;
    return bytes > (SIZE_MAX - least) / 6 ? SIZE_MAX : least + 6 * bytes;
}

/* Old files list weights among the inputs, too: what is left are those that want a value. */
static bool drop_weights(ClrOnnx__Graph *g, ProtobufCAllocator *allocator)
{
    clr_names names = {0};
    size_t left = 0;
    bool fine = true;
    for (size_t i = 0; i < g->n_initializer && fine; i++)
        fine = !g->initializer[i]->name || clr_names_add(&names, g->initializer[i]->name);
    for (size_t i = 0; i < g->n_input && fine; i++) {
        ClrOnnx__ValueInfo *info = g->input[i];
        if (info->name && clr_names_find(&names, info->name) != CLR_NO_NAME)
            clr_onnx__value_info__free_unpacked(info, allocator);
        else
            g->input[left++] = info;
    }
    if (fine)
        g->n_input = left;
    clr_names_free(&names);
    return fine;
}

clrnn_status clr_onnx_parse(const clr_format_file *file, const clrnn_log *log,
                            ClrOnnx__Model **model)
{
    bool deep = false;
    *model = NULL;
    if (!check_nesting(file, &deep))
        return clr_fail(log, CLRNN_ERR_FORMAT,
                        deep ? "%s: its graphs are nested deeper than any model's"
                             : "%s: damaged: it is no ONNX model",
                        file->path);
    budget left = {allowance(file->bytes)};
    ProtobufCAllocator allocator = {take, release, &left};
    *model = clr_onnx__model__unpack(&allocator, file->bytes, file->data);
    if (!*model)
        return clr_fail(log, CLRNN_ERR_FORMAT, "%s: damaged: it is no ONNX model", file->path);
    if ((*model)->graph && !drop_weights((*model)->graph, &allocator)) {
        clr_onnx_free_model(*model);
        *model = NULL;
        return clr_fail(log, CLRNN_ERR_MEMORY, "%s: out of memory", file->path);
    }
    return CLRNN_OK;
}

void clr_onnx_free_model(ClrOnnx__Model *model)
{
    ProtobufCAllocator allocator = {take, release, NULL};
    if (model)
        clr_onnx__model__free_unpacked(model, &allocator);
}
