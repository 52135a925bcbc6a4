/* SPDX-License-Identifier: MIT
 * format/onnx/known.c - operators that are computed where their inputs are known, and nowhere else:
 * bits of whole numbers, unit matrices, where an array is not 0, the matrix of a mel scale. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "format/onnx/onnx.h"

/* --- bits ------------------------------------------------------------------------------------- */

/* Doubles hold whole numbers up to here; types are not told apart, so a shift to the left must fit
 * the narrowest. */
#define MOST_WHOLE  9007199254740992.0
#define MOST_NARROW 255

static bool combine(const char *op, int64_t a, int64_t b, bool left, double *out)
{
    if (strcmp(op, "BitShift") == 0) {
        if (a < 0 || b < 0)
            return false;
        *out = b > 62 ? 0 : left ? (double)a * (double)(INT64_C(1) << b) : (double)(a >> b);
        return !left || (*out <= MOST_NARROW && (b < 8 || a == 0));
    }
    *out = strcmp(op, "BitwiseAnd") == 0  ? (double)(a & b)
           : strcmp(op, "BitwiseOr") == 0 ? (double)(a | b)
                                          : (double)(a ^ b);
    return true;
}

static clrnn_status bits_fold(onnx_node *n, const onnx_array *const *in, onnx_array *out)
{
    char direction[32] = "";
    const bool shift = strcmp(n->op, "BitShift") == 0;
    clrnn_status status = shift ? clr_onnx_word(n, "direction", "", direction) : CLRNN_OK;
    const bool left = strcmp(direction, "LEFT") == 0;
    *out = (onnx_array){.type = ONNX_INT};
    if (status == CLRNN_OK && shift && !left && strcmp(direction, "RIGHT") != 0)
        status = clr_onnx_fail(n, CLRNN_ERR_FORMAT, "direction '%s'", direction);
    if (status == CLRNN_OK && !clr_onnx_broadcast(in[0], in[1], out))
        status = clr_onnx_fail(n, CLRNN_ERR_FORMAT, "its inputs cannot be broadcast to one shape");
    out->filled = in[0]->filled && in[1]->filled;
    if (status == CLRNN_OK)
        status = clr_onnx_allocate(n, out);
    for (size_t i = 0; status == CLRNN_OK && i < (out->filled ? 1 : clr_onnx_count(out)); i++) {
        const double a = clr_onnx_at(in[0], clr_onnx_broadcast_at(out, i, in[0]));
        const double b = clr_onnx_at(in[1], clr_onnx_broadcast_at(out, i, in[1]));
        if (!(fabs(a) < MOST_WHOLE && fabs(b) < MOST_WHOLE) ||
            !combine(n->op, (int64_t)a, (int64_t)b, left, &out->data[i]))
            status = clr_onnx_fail(n, CLRNN_ERR_UNSUPPORTED,
                                   "of %g and %g: that may not fit their type", a, b);
    }
    return status;
}

/* --- shapes and places ------------------------------------------------------------------------ */

/* Ones on diagonal k of a matrix of the shape of the input, whose values do not matter. */
static clrnn_status eye_build(onnx_node *n)
{
    onnx_array a = {.type = n->in[0]->type, .rank = 2};
    int64_t k = 0, type = 0;
    uint64_t size[2] = {0};
    clrnn_status status = clr_onnx_integer(n, "k", 0, &k);
    if (status == CLRNN_OK)
        status = clr_onnx_integer(n, "dtype", 0, &type);
    if (status == CLRNN_OK && type &&
        !clr_onnx_type_of(type < INT32_MAX ? (int32_t)type : 0, &a.type))
        status = clr_onnx_fail(n, CLRNN_ERR_UNSUPPORTED, "of type %lld", (long long)type);
    if (status == CLRNN_OK && n->in[0]->known)
        status = clr_onnx_need_same(n, 0, "shape");
    if (status != CLRNN_OK)
        return status;
    const uint32_t rank =
        n->in[0]->known ? n->in[0]->array[0].rank : clr_onnx_shape(n, n->in[0]->at)->rank;
    for (uint32_t i = 0; i < rank && i < 2; i++) {
        size[i] =
            n->in[0]->known ? n->in[0]->array[0].size[i] : clr_onnx_size(n, n->in[0]->at, i, 0);
        if (!n->in[0]->known && size[i] != clr_onnx_size(n, n->in[0]->at, i, 1))
            return clr_onnx_fail(n, CLRNN_ERR_NEEDS_SIZE,
                                 "its shape depends on T or N: give the axes of the model numbers");
    }
    if (rank != 2)
        return clr_onnx_fail(n, CLRNN_ERR_FORMAT, "of %u axes", rank);
    memcpy(a.size, size, sizeof size);
    status = clr_onnx_allocate(n, &a);
    for (size_t i = 0; status == CLRNN_OK && i < clr_onnx_count(&a); i++)
        a.data[i] = (int64_t)(i % size[1]) - (int64_t)(i / size[1]) == k;
    if (status == CLRNN_OK)
        clr_onnx_set_known(n, 0, &a, NULL);
    return status;
}

/* For each axis a row: where along it the elements are that are not 0, in their order. */
static clrnn_status non_zero_fold(onnx_node *n, const onnx_array *const *in, onnx_array *out)
{
    const size_t count = clr_onnx_count(in[0]);
    size_t found = 0, at = 0, stride = count;
    for (size_t i = 0; i < count; i++)
        found += clr_onnx_at(in[0], i) != 0;
    *out = (onnx_array){.type = ONNX_INT, .rank = 2, .size = {in[0]->rank, found}};
    clrnn_status status = clr_onnx_allocate(n, out);
    for (uint32_t axis = 0; axis < in[0]->rank && status == CLRNN_OK; axis++) {
        stride /= (size_t)(in[0]->size[axis] ? in[0]->size[axis] : 1);
        for (size_t i = 0; i < count; i++)
            if (clr_onnx_at(in[0], i) != 0)
                out->data[at++] = (double)(i / stride % in[0]->size[axis]);
    }
    return status;
}

/* --- mel -------------------------------------------------------------------------------------- */

static double mel_of(double hertz)
{
    return 2595 * log10(1 + hertz / 700);
}

/* Where bands begin: bands + 2 edges, as far apart in mel, as numbers of a bin. */
static clrnn_status mel_edges(onnx_node *n, const double *x, int64_t *edges)
{
    const double low = mel_of(x[3]), step = (mel_of(x[4]) - low) / (x[0] + 2);
    for (int64_t i = 0; i < (int64_t)x[0] + 2; i++) {
        const double hertz = 700 * (pow(10, ((double)i * step + low) / 2595) - 1);
        edges[i] = (int64_t)floor((x[1] + 1) * hertz / x[2]);
        if (edges[i] < 0 || edges[i] > (int64_t)x[1] / 2)
            return clr_onnx_fail(n, CLRNN_ERR_FORMAT, "a band that ends at bin %lld of %lld",
                                 (long long)edges[i], (long long)x[1] / 2 + 1);
    }
    return CLRNN_OK;
}

/* [bins, bands]: triangles, from an edge up to the next and down to the one after it. */
static clrnn_status mel_fold(onnx_node *n, const onnx_array *const *in, onnx_array *out)
{
    double x[5]; /* bands, length of the transform, samples a second, lowest and highest edge */
    int64_t *edges = NULL, type = 1;
    clrnn_status status = clr_onnx_integer(n, "output_datatype", 1, &type); /* some real one */
    for (int k = 0; k < 5 && status == CLRNN_OK; k++) {
        x[k] = clr_onnx_count(in[k]) == 1 ? in[k]->data[0] : -1;
        if (!(x[k] >= (k < 3) && x[k] <= 1e6))
            status = clr_onnx_fail(n, CLRNN_ERR_FORMAT, "input %d is no such number", k);
    }
    if (status != CLRNN_OK)
        return status;
    const size_t bands = (size_t)x[0];
    *out = (onnx_array){.type = ONNX_REAL, .rank = 2, .size = {(uint64_t)x[1] / 2 + 1, bands}};
    edges = clr_calloc(bands + 2, sizeof *edges);
    status = edges ? mel_edges(n, x, edges) : clr_onnx_fail(n, CLRNN_ERR_MEMORY, "out of memory");
    if (status == CLRNN_OK)
        status = clr_onnx_allocate(n, out);
    for (size_t i = 0; i < bands && status == CLRNN_OK; i++) {
        const int64_t low = edges[i], middle = edges[i + 1], high = edges[i + 2];
        for (int64_t j = low; j <= middle; j++)
            out->data[(size_t)j * bands + i] =
                middle > low ? (double)(j - low) / (double)(middle - low) : 1;
        for (int64_t j = middle; j < high; j++)
            out->data[(size_t)j * bands + i] = (double)(high - j) / (double)(high - middle);
    }
    free(edges);
    return status;
}

const onnx_op clr_onnx_ops_known[] = {{"BitwiseAnd", 2, 2, 1, bits_fold, NULL, false},
                                      {"BitwiseOr", 2, 2, 1, bits_fold, NULL, false},
                                      {"BitwiseXor", 2, 2, 1, bits_fold, NULL, false},
                                      {"BitShift", 2, 2, 1, bits_fold, NULL, false},
                                      {"EyeLike", 1, 1, 1, NULL, eye_build, false},
                                      {"NonZero", 1, 1, 1, non_zero_fold, NULL, false},
                                      {"MelWeightMatrix", 5, 5, 1, mel_fold, NULL, false},
                                      {0}};
