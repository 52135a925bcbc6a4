/* SPDX-License-Identifier: MIT
 * model/pickle_globals.c - see model/pickle_globals.h. */
#include "model/pickle_globals.h"

#include <string.h>

#include "base/checked.h"
#include "base/log.h"
#include "model/tensors.h"

/* --- what fits ------------------------------------------------------------------------------- */

static clrnn_status wrong(const clr_pickle_call *c, const char *what)
{
    return clr_fail(c->log, CLRNN_ERR_FORMAT, "%s: damaged: %s", c->file, what);
}

static clrnn_status no_memory(const clr_pickle_call *c)
{
    return clr_fail(c->log, c->arena->full ? CLRNN_ERR_FORMAT : CLRNN_ERR_MEMORY,
                    "%s: its objects need too much memory", c->file);
}

/* Argument i, if it is of that kind; else NULL. */
static const clr_pickled *arg(const clr_pickle_call *c, uint32_t i, clr_pickled_kind kind)
{
    const clr_pickled *value = i < c->args->count ? c->args->items[i] : NULL;
    return value && value->kind == kind ? value : NULL;
}

static bool is_size(const clr_pickled *value)
{
    return value && value->kind == CLR_PICKLED_INTEGER && value->integer >= 0 &&
           (uint64_t)value->integer <= CLR_MAX_DIMENSION;
}

static bool take_sizes(const clr_pickled *tuple, uint64_t out[CLRNN_MAX_RANK])
{
    for (uint32_t i = 0; i < tuple->count; i++) {
        if (!is_size(tuple->items[i]))
            return false;
        out[i] = (uint64_t)tuple->items[i]->integer;
    }
    return true;
}

/* Whether all elements lie within the storage. */
static bool lies_within(const clr_tensor_ref *t, uint64_t elements)
{
    clr_size last = clr_size_of(t->offset);
    bool empty = false;
    for (uint32_t i = 0; i < t->rank; i++) {
        empty = empty || t->shape[i] == 0;
        last = clr_size_add(
            last, clr_size_mul(clr_size_of(t->stride[i]), t->shape[i] ? t->shape[i] - 1 : 0));
    }
    return empty || (!last.overflow && last.value < elements);
}

/* --- calls ----------------------------------------------------------------------------------- */

/* OrderedDict() or OrderedDict([(key, value)..]) */
static clrnn_status call_dict(clr_pickle_call *c)
{
    const clr_pickled *pairs = arg(c, 0, CLR_PICKLED_LIST);
    c->result->kind = CLR_PICKLED_DICT;
    if (c->args->count == 0)
        return CLRNN_OK;
    if (c->args->count != 1 || !pairs)
        return wrong(c, "arguments of OrderedDict");
    c->result->items = clr_arena_get(c->arena, 2 * (size_t)pairs->count * sizeof(clr_pickled *));
    if (!c->result->items)
        return no_memory(c);
    for (uint32_t i = 0; i < pairs->count; i++) {
        const clr_pickled *pair = pairs->items[i];
        if ((pair->kind != CLR_PICKLED_TUPLE && pair->kind != CLR_PICKLED_LIST) || pair->count != 2)
            return wrong(c, "arguments of OrderedDict");
        c->result->items[2 * i] = pair->items[0];
        c->result->items[2 * i + 1] = pair->items[1];
    }
    c->result->count = c->result->room = 2 * pairs->count;
    return CLRNN_OK;
}

/* defaultdict(list): what makes missing values is not looked at. */
static clrnn_status call_empty_dict(clr_pickle_call *c)
{
    c->result->kind = CLR_PICKLED_DICT;
    return CLRNN_OK;
}

/* A number, a set or bytes of Python's or NumPy's, as checkpoints have them beside the tensors. */
static clrnn_status call_other(clr_pickle_call *c)
{
    c->result->kind = CLR_PICKLED_OTHER;
    return CLRNN_OK;
}

static clrnn_status call_size(clr_pickle_call *c)
{
    const clr_pickled *sizes = arg(c, 0, CLR_PICKLED_TUPLE);
    if (c->args->count != 1 || !sizes)
        return wrong(c, "arguments of torch.Size");
    *c->result = *sizes;
    return CLRNN_OK;
}

/* torch.device('cuda', 0): its name. */
static clrnn_status call_device(clr_pickle_call *c)
{
    const clr_pickled *name = arg(c, 0, CLR_PICKLED_TEXT);
    if (!name)
        return wrong(c, "arguments of torch.device");
    *c->result = *name;
    return CLRNN_OK;
}

static clrnn_status make_tensor(clr_pickle_call *c, int dtype)
{
    const clr_pickled *storage = arg(c, 0, CLR_PICKLED_STORAGE),
                      *offset = arg(c, 1, CLR_PICKLED_INTEGER),
                      *shape = arg(c, 2, CLR_PICKLED_TUPLE), *stride = arg(c, 3, CLR_PICKLED_TUPLE);
    if (!storage || !is_size(offset) || !shape || !stride || shape->count != stride->count)
        return wrong(c, "a tensor without storage, offset, size and stride");
    if (shape->count > CLRNN_MAX_RANK)
        return clr_fail(c->log, CLRNN_ERR_UNSUPPORTED, "%s: a tensor of %u axes, more than %d",
                        c->file, shape->count, CLRNN_MAX_RANK);
    clr_tensor_ref *t = clr_arena_get(c->arena, sizeof *t);
    if (!t)
        return no_memory(c);
    const clr_storage_ref *s = storage->storage;
    t->storage = s;
    t->dtype = dtype < 0 ? s->dtype : (clrnn_dtype)dtype;
    t->offset = (uint64_t)offset->integer;
    t->rank = shape->count;
    const uint64_t bytes = s->count * clr_dtypes[s->dtype].bytes;
    if (!take_sizes(shape, t->shape) || !take_sizes(stride, t->stride) ||
        !lies_within(t, bytes / clr_dtypes[t->dtype].bytes))
        return wrong(c, "a tensor that does not lie within its storage");
    c->result->kind = CLR_PICKLED_TENSOR;
    c->result->tensor = t;
    return CLRNN_OK;
}

/* (storage, offset, size, stride[, requires_grad, backward_hooks[, metadata]]) */
static clrnn_status call_tensor(clr_pickle_call *c)
{
    const clr_pickled *storage = arg(c, 0, CLR_PICKLED_STORAGE);
    if (storage && storage->storage->untyped)
        return wrong(c, "a tensor whose storage has no type");
    return make_tensor(c, -1);
}

/* (storage, offset, size, stride, requires_grad, backward_hooks, dtype[, metadata]) */
static clrnn_status call_typed_tensor(clr_pickle_call *c)
{
    const clr_pickled *dtype = arg(c, 6, CLR_PICKLED_GLOBAL);
    if (!dtype || dtype->global->dtype < 0 || dtype->global->is_storage)
        return wrong(c, "a tensor without dtype");
    return make_tensor(c, dtype->global->dtype);
}

/* (tensor, requires_grad, backward_hooks) */
static clrnn_status call_parameter(clr_pickle_call *c)
{
    const clr_pickled *tensor = arg(c, 0, CLR_PICKLED_TENSOR);
    if (!tensor)
        return wrong(c, "a parameter without tensor");
    *c->result = *tensor;
    return CLRNN_OK;
}

clrnn_status clr_pickle_storage(clr_pickle_call *c)
{
    const clr_pickled *word = arg(c, 0, CLR_PICKLED_TEXT), *type = arg(c, 1, CLR_PICKLED_GLOBAL),
                      *key = arg(c, 2, CLR_PICKLED_TEXT);
    if (!word || strcmp(word->text, "storage") != 0 || !type || !type->global->is_storage || !key ||
        c->args->count < 5 || !is_size(c->args->items[4]))
        return wrong(c, "a persistent id that is no storage");
    clr_storage_ref *s = clr_arena_get(c->arena, sizeof *s);
    if (!s)
        return no_memory(c);
    s->key = key->text;
    s->dtype = (clrnn_dtype)type->global->dtype;
    s->untyped = strcmp(type->global->name, "UntypedStorage") == 0;
    s->count = (uint64_t)c->args->items[4]->integer;
    if (s->count > (UINT64_C(1) << 60) / clr_dtypes[s->dtype].bytes)
        return wrong(c, "the size of a storage");
    s->is_view = c->args->count > 5 && c->args->items[5]->kind != CLR_PICKLED_NONE;
    c->result->kind = CLR_PICKLED_STORAGE;
    c->result->storage = s;
    return CLRNN_OK;
}

/* --- the table ------------------------------------------------------------------------------- */

#define CALL(module, name, call)      \
    {                                 \
        module, name, call, -1, false \
    }
#define OTHER(name) CALL("__builtin__", name, call_other), CALL("builtins", name, call_other)
#define STORAGE(name, dtype)                                     \
    {                                                            \
        "torch", name "Storage", NULL, CLRNN_DTYPE_##dtype, true \
    }
#define DTYPE(name, dtype)                              \
    {                                                   \
        "torch", name, NULL, CLRNN_DTYPE_##dtype, false \
    }

static const clr_pickle_global globals[] = {
    CALL("collections", "OrderedDict", call_dict),
    CALL("collections", "defaultdict", call_empty_dict),
    CALL("collections", "Counter", call_other),
    OTHER("list"),
    OTHER("dict"),
    OTHER("int"),
    OTHER("float"),
    OTHER("set"),
    OTHER("frozenset"),
    OTHER("complex"),
    OTHER("bytearray"),
    CALL("_codecs", "encode", call_other),
    CALL("numpy", "dtype", call_other),
    CALL("numpy.core.multiarray", "scalar", call_other),
    CALL("numpy._core.multiarray", "scalar", call_other),
    CALL("torch", "Size", call_size),
    CALL("torch", "device", call_device),
    CALL("torch._utils", "_rebuild_tensor", call_tensor),
    CALL("torch._utils", "_rebuild_tensor_v2", call_tensor),
    CALL("torch._utils", "_rebuild_tensor_v3", call_typed_tensor),
    CALL("torch._utils", "_rebuild_parameter", call_parameter),
    STORAGE("Float", F32),
    STORAGE("Double", F64),
    STORAGE("Half", F16),
    STORAGE("BFloat16", BF16),
    STORAGE("Char", I8),
    STORAGE("Byte", U8),
    STORAGE("Short", I16),
    STORAGE("Int", I32),
    STORAGE("Long", I64),
    STORAGE("Bool", BOOL),
    STORAGE("Untyped", U8),
    {"torch.storage", "UntypedStorage", NULL, CLRNN_DTYPE_U8, true},
    DTYPE("float32", F32),
    DTYPE("float64", F64),
    DTYPE("float16", F16),
    DTYPE("bfloat16", BF16),
    DTYPE("int8", I8),
    DTYPE("uint8", U8),
    DTYPE("int16", I16),
    DTYPE("uint16", U16),
    DTYPE("int32", I32),
    DTYPE("uint32", U32),
    DTYPE("int64", I64),
    DTYPE("uint64", U64),
    DTYPE("bool", BOOL),
};

const clr_pickle_global *clr_pickle_global_find(const char *module, const char *name)
{
    for (size_t i = 0; i < sizeof globals / sizeof globals[0]; i++)
        if (strcmp(globals[i].module, module) == 0 && strcmp(globals[i].name, name) == 0)
            return &globals[i];
    return NULL;
}
