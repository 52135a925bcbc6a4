/* SPDX-License-Identifier: MIT
 * format/onnx/fourier.c - Fourier transforms, as products with their matrices, and windows. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "format/onnx/signal.h"

#define PI 3.14159265358979323846

/* --- short-time ------------------------------------------------------------------------------- */

/* Frames [N, L, 1] to [N, frames, bins, 2]: a convolution with cos and -sin, windowed. */
static clrnn_status stft_weights(onnx_node *n, size_t length, size_t bins, double *weights)
{
    for (size_t b = 0; b < bins; b++)
        for (size_t i = 0; i < length; i++) {
            const double phase = 2 * PI * (double)(b * i % length) / (double)length;
            const double w = clr_onnx_has(n, 2) ? clr_onnx_at(&n->in[2]->array[0], i) : 1;
            weights[b * length + i] = w * cos(phase);
            weights[(bins + b) * length + i] = -w * sin(phase);
        }
    return CLRNN_OK;
}

/* signal [N,L] or [N,L,1] as [N,1,L] */
static clrnn_status signal_in(onnx_node *n, uint32_t *at)
{
    uint32_t last = 2, middle = 1;
    clrnn_status status = clr_onnx_number_in(n, 0, at);
    const uint32_t rank = status == CLRNN_OK ? clr_onnx_shape(n, *at)->rank : 0;
    if (status == CLRNN_OK && rank == 3 && clr_onnx_size(n, *at, 2, 0) != 1)
        status = clr_onnx_fail(n, CLRNN_ERR_UNSUPPORTED, "a complex signal");
    if (status == CLRNN_OK && rank != 2 && rank != 3)
        status = clr_onnx_fail(n, CLRNN_ERR_FORMAT, "a signal of %u axes", rank);
    if (status == CLRNN_OK && rank == 3)
        status = clr_onnx_add_squeeze(n, &last, 1, *at, at);
    return status == CLRNN_OK ? clr_onnx_add_unsqueeze(n, &middle, 1, *at, at) : status;
}

static clrnn_status stft_build(onnx_node *n)
{
    double step = 1, length = 0, *weights = NULL;
    int64_t onesided = 1;
    uint32_t at = 0;
    clrnn_status status = clr_onnx_integer(n, "onesided", 1, &onesided);
    if (status == CLRNN_OK)
        status = clr_onnx_need_number(n, 1, "frame_step", 1, &step);
    if (status == CLRNN_OK && clr_onnx_has(n, 2))
        status = clr_onnx_need_same(n, 2, "window");
    if (status == CLRNN_OK)
        length = clr_onnx_has(n, 2) ? (double)clr_onnx_count(&n->in[2]->array[0]) : 0;
    if (status == CLRNN_OK)
        status = clr_onnx_need_number(n, 3, "frame_length", length, &length);
    if (status == CLRNN_OK &&
        (!(length >= 1 && length <= 65536 && step >= 1 && step <= 1e9) ||
         (clr_onnx_has(n, 2) && (double)clr_onnx_count(&n->in[2]->array[0]) != length)))
        status = clr_onnx_fail(n, CLRNN_ERR_FORMAT, "frames of %g by %g", length, step);
    if (status == CLRNN_OK)
        status = signal_in(n, &at);
    if (status != CLRNN_OK)
        return status;
    const size_t L = (size_t)length, bins = onesided ? L / 2 + 1 : L;
    clrnn_node_desc desc = {.kind = CLRNN_NODE_CONV1D,
                            .units = (uint32_t)(2 * bins),
                            .kernel = {(uint32_t)L},
                            .stride = {(uint32_t)step},
                            .no_bias = true};
    status = clr_onnx_matrix(n, 2 * bins, L, &weights);
    if (status == CLRNN_OK)
        status = stft_weights(n, L, bins, weights);
    if (status == CLRNN_OK)
        status = clr_onnx_add(n, &desc, &at, 1, &at);
    if (status == CLRNN_OK)
        status = clr_onnx_set_parameter(n, "weight", weights, 2 * bins * L);
    free(weights);
    uint64_t sizes[ONNX_WORLDS][4];
    uint64_t *const size[ONNX_WORLDS] = {sizes[0], sizes[1]};
    for (int w = 0; w < ONNX_WORLDS && status == CLRNN_OK; w++) {
        sizes[w][0] = clr_onnx_size(n, at, 0, w);
        sizes[w][1] = 2;
        sizes[w][2] = bins;
        sizes[w][3] = clr_onnx_size(n, at, 2, w);
    }
    if (status == CLRNN_OK)
        status = clr_onnx_add_reshape(n, 4, size, at, &at);
    if (status == CLRNN_OK)
        status = clr_onnx_add_transpose(n, (uint32_t[]){0, 3, 2, 1}, at, &at);
    if (status == CLRNN_OK)
        clr_onnx_set_graph(n, 0, at, ONNX_REAL);
    return status;
}

/* --- of whole axes ---------------------------------------------------------------------------- */

typedef struct transform {
    uint32_t axis;
    size_t size, length, bins, parts; /* of the axis; of the transform; real and imaginary parts */
    bool inverse;
} transform;

/* DFT's axis is an attribute up to opset 19, then an input. */
static clrnn_status read_transform(onnx_node *n, uint32_t x, transform *t)
{
    const bool old = n->m->opset < 20;
    const uint32_t rank = clr_onnx_shape(n, x)->rank;
    int64_t where = 1, inverse = 0, onesided = 0;
    double number = -2, length = 0;
    clrnn_status status = old ? clr_onnx_integer(n, "axis", 1, &where)
                              : clr_onnx_need_number(n, 2, "axis", -2, &number);
    if (status == CLRNN_OK)
        status = clr_onnx_integer(n, "inverse", 0, &inverse);
    if (status == CLRNN_OK)
        status = clr_onnx_integer(n, "onesided", 0, &onesided);
    if (status == CLRNN_OK && rank < 2)
        status = clr_onnx_fail(n, CLRNN_ERR_FORMAT, "its input has %u axes", rank);
    if (status == CLRNN_OK)
        status = clr_onnx_axis(n, old ? where : (int64_t)number, rank, &t->axis);
    if (status == CLRNN_OK)
        status = clr_onnx_fixed(n, x, rank - 1, &t->parts);
    if (status == CLRNN_OK && (t->parts > 2 || t->axis == rank - 1))
        status = clr_onnx_fail(n, CLRNN_ERR_FORMAT, "its last axis is not that of complex numbers");
    if (status == CLRNN_OK && inverse && onesided)
        status = clr_onnx_fail(n, CLRNN_ERR_UNSUPPORTED, "onesided and inverse");
    if (status == CLRNN_OK)
        status = clr_onnx_fixed(n, x, t->axis, &t->size);
    if (status == CLRNN_OK)
        status = clr_onnx_need_number(n, 1, "dft_length", (double)t->size, &length);
    if (status == CLRNN_OK && !(length >= 1 && length <= 65536))
        status = clr_onnx_fail(n, CLRNN_ERR_FORMAT, "dft_length of %g", length);
    t->inverse = inverse != 0;
    t->length = status == CLRNN_OK ? (size_t)length : 0;
    t->bins = onesided ? t->length / 2 + 1 : t->length;
    return status;
}

/* X = sum x e^(-i phase), or the other way x = sum X e^(i phase) / length, as one matrix over
 * samples and parts [bins*2, size*parts]. What is longer than the transform is cut off. */
static void transform_matrix(const transform *t, double *matrix)
{
    const size_t columns = t->size * t->parts;
    const double sign = t->inverse ? 1 : -1, scale = t->inverse ? 1 / (double)t->length : 1;
    for (size_t b = 0; b < t->bins; b++)
        for (size_t i = 0; i < t->size && i < t->length; i++) {
            const double phase = 2 * PI * (double)(b * i % t->length) / (double)t->length;
            double *real = matrix + 2 * b * columns + i * t->parts, *imaginary = real + columns;
            real[0] = scale * cos(phase);
            imaginary[0] = scale * sign * sin(phase);
            if (t->parts == 2) {
                real[1] = -imaginary[0];
                imaginary[1] = real[0];
            }
        }
}

/* The last two axes as one of `size`, or the last one as two of which the second is 2. */
static clrnn_status regroup(onnx_node *n, bool join, size_t size, uint32_t in, uint32_t *at)
{
    uint64_t sizes[ONNX_WORLDS][CLRNN_MOST_AXES];
    uint64_t *const to[ONNX_WORLDS] = {sizes[0], sizes[1]};
    const uint32_t rank = clr_onnx_shape(n, in)->rank, kept = rank - (join ? 2 : 1);
    for (int w = 0; w < ONNX_WORLDS; w++) {
        for (uint32_t i = 0; i < kept; i++)
            sizes[w][i] = clr_onnx_size(n, in, i, w);
        sizes[w][kept] = size;
        sizes[w][kept + 1] = 2; /* where it is split */
    }
    return clr_onnx_add_reshape(n, join ? kept + 1 : kept + 2, to, in, at);
}

static clrnn_status dft_build(onnx_node *n)
{
    transform t = {0};
    double *matrix = NULL;
    uint32_t at = 0, order[CLRNN_MOST_AXES];
    clrnn_status status = clr_onnx_number_in(n, 0, &at);
    if (status == CLRNN_OK)
        status = read_transform(n, at, &t);
    if (status != CLRNN_OK)
        return status;
    const uint32_t rank = clr_onnx_shape(n, at)->rank;
    for (uint32_t i = 0; i < rank; i++) /* samples go beside the parts */
        order[i] = i == t.axis ? rank - 2 : i == rank - 2 ? t.axis : i;
    status = clr_onnx_matrix(n, 2 * t.bins, t.size * t.parts, &matrix);
    if (status == CLRNN_OK) {
        transform_matrix(&t, matrix);
        status = clr_onnx_add_transpose(n, order, at, &at);
    }
    if (status == CLRNN_OK)
        status = regroup(n, true, t.size * t.parts, at, &at);
    if (status == CLRNN_OK)
        status = clr_onnx_along(n, rank - 2, matrix, 2 * t.bins, at, &at);
    if (status == CLRNN_OK)
        status = regroup(n, false, t.bins, at, &at);
    if (status == CLRNN_OK)
        status = clr_onnx_add_transpose(n, order, at, &at);
    if (status == CLRNN_OK)
        clr_onnx_set_graph(n, 0, at, ONNX_REAL);
    free(matrix);
    return status;
}

/* --- windows ---------------------------------------------------------------------------------- */

/* a - b cos(phase) + c cos(2 phase) */
static clrnn_status window_fold(onnx_node *n, const onnx_array *const *in, onnx_array *out)
{
    static const struct {
        const char *op;
        double a, b, c;
    } windows[] = {{"HannWindow", 0.5, 0.5, 0},
                   {"HammingWindow", 25 / 46., 21 / 46., 0},
                   {"BlackmanWindow", 0.42, 0.5, 0.08}};
    size_t kind = 0;
    int64_t periodic = 1, type = 1;
    clrnn_status status = clr_onnx_integer(n, "periodic", 1, &periodic);
    if (status == CLRNN_OK)
        status = clr_onnx_integer(n, "output_datatype", 1, &type); /* some real one */
    if (status == CLRNN_OK &&
        (clr_onnx_count(in[0]) != 1 || !(in[0]->data[0] >= 1) || !(in[0]->data[0] <= 1 << 24)))
        status = clr_onnx_fail(n, CLRNN_ERR_FORMAT, "its size is none");
    if (status != CLRNN_OK)
        return status;
    while (strcmp(windows[kind].op, n->op) != 0)
        kind++;
    *out = (onnx_array){.type = ONNX_REAL, .rank = 1, .size = {(uint64_t)in[0]->data[0]}};
    status = clr_onnx_allocate(n, out);
    const double all =
        periodic || out->size[0] == 1 ? (double)out->size[0] : (double)out->size[0] - 1;
    for (size_t i = 0; i < out->size[0] && status == CLRNN_OK; i++) {
        const double phase = 2 * PI * (double)i / all;
        out->data[i] =
            windows[kind].a - windows[kind].b * cos(phase) + windows[kind].c * cos(2 * phase);
    }
    return status;
}

const onnx_op clr_onnx_ops_fourier[] = {{"STFT", 2, 4, 1, NULL, stft_build, false},
                                        {"DFT", 1, 3, 1, NULL, dft_build, false},
                                        {"HannWindow", 1, 1, 1, window_fold, NULL, false},
                                        {"HammingWindow", 1, 1, 1, window_fold, NULL, false},
                                        {"BlackmanWindow", 1, 1, 1, window_fold, NULL, false},
                                        {0}};
