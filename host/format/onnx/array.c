/* SPDX-License-Identifier: MIT
 * format/onnx/array.c - known arrays: see format/onnx/onnx.h. */
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/memory.h"
#include "format/onnx/onnx.h"

size_t clr_onnx_count(const onnx_array *array)
{
    clr_size count = clr_size_of(1);
    for (uint32_t i = 0; i < array->rank; i++)
        count = clr_size_mul(count, array->size[i]);
    return count.overflow ? SIZE_MAX : count.value;
}

/* What folding may compute at once, and for one model: far more than shapes are, and weights that
 * are moved, which are in the file; but a small file does not make much of nothing. */
enum { AT_ONCE = 1 << 22, IN_ALL = 1 << 26 };

clrnn_status clr_onnx_allocate(onnx_node *n, onnx_array *array)
{
    const size_t count = array->filled ? 1 : clr_onnx_count(array);
    n->m->folded += count;
    const size_t held = n->m->file->bytes;
    if (count > AT_ONCE + 2 * held || n->m->folded > IN_ALL + 16 * (uint64_t)held)
        return clr_onnx_fail(n, n->m->open ? CLRNN_ERR_NEEDS_SIZE : CLRNN_ERR_RANGE,
                             "its result would have too many elements");
    array->data = clr_calloc(count, sizeof *array->data);
    return array->data ? CLRNN_OK : clr_onnx_fail(n, CLRNN_ERR_MEMORY, "no memory for its result");
}

void clr_onnx_array_free(onnx_array *array)
{
    free(array->data);
    array->data = NULL;
}

bool clr_onnx_copy(const onnx_array *from, onnx_array *to)
{
    const size_t count = from->filled ? 1 : clr_onnx_count(from);
    *to = *from;
    to->data = clr_calloc(count, sizeof *to->data);
    if (to->data)
        memcpy(to->data, from->data, count * sizeof *to->data);
    return to->data != NULL;
}

bool clr_onnx_equal(const onnx_array *a, const onnx_array *b)
{
    if (a->rank != b->rank || a->filled != b->filled ||
        memcmp(a->size, b->size, a->rank * sizeof *a->size) != 0)
        return false;
    return memcmp(a->data, b->data, (a->filled ? 1 : clr_onnx_count(a)) * sizeof *a->data) == 0;
}

clrnn_status clr_onnx_spread(onnx_node *n, onnx_array *array)
{
    if (!array->filled)
        return CLRNN_OK;
    onnx_array all = *array;
    all.filled = false;
    clrnn_status status = clr_onnx_allocate(n, &all);
    if (status != CLRNN_OK)
        return status;
    for (size_t i = 0; i < clr_onnx_count(&all); i++)
        all.data[i] = array->data[0];
    clr_onnx_array_free(array);
    *array = all;
    return CLRNN_OK;
}

clrnn_status clr_onnx_axis(const onnx_node *n, int64_t axis, uint32_t rank, uint32_t *out)
{
    if (axis < -(int64_t)rank || axis >= (int64_t)rank)
        return clr_onnx_fail(n, CLRNN_ERR_FORMAT, "axis %lld of an array of %u", (long long)axis,
                             rank);
    *out = (uint32_t)(axis < 0 ? axis + rank : axis);
    return CLRNN_OK;
}

bool clr_onnx_broadcast(const onnx_array *a, const onnx_array *b, onnx_array *out)
{
    out->rank = a->rank > b->rank ? a->rank : b->rank;
    for (uint32_t i = 0; i < out->rank; i++) {
        const uint32_t behind = out->rank - i;
        const uint64_t p = behind <= a->rank ? a->size[a->rank - behind] : 1;
        const uint64_t q = behind <= b->rank ? b->size[b->rank - behind] : 1;
        if (p != q && p != 1 && q != 1)
            return false;
        out->size[i] = p == 1 ? q : p;
    }
    return true;
}

size_t clr_onnx_broadcast_at(const onnx_array *big, size_t element, const onnx_array *small)
{
    size_t at = 0, stride = 1;
    for (uint32_t i = big->rank; i-- > 0;) {
        const size_t index = element % (size_t)big->size[i];
        const uint32_t behind = big->rank - i;
        element /= (size_t)big->size[i];
        if (behind > small->rank)
            break;
        const size_t size = (size_t)small->size[small->rank - behind];
        at += size == 1 ? 0 : index * stride;
        stride *= size;
    }
    return at;
}
