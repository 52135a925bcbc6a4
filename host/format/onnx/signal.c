/* SPDX-License-Identifier: MIT
 * format/onnx/signal.c - operators that are a product with a matrix which is known: CumSum, Resize,
 * Upsample. */
#include "format/onnx/signal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "format/onnx/pick.h"

/* --- a matrix along an axis ------------------------------------------------------------------- */

/* The axis goes last, and comes back. */
clrnn_status clr_onnx_along(onnx_node *n, uint32_t axis, const double *matrix, size_t rows,
                            uint32_t in, uint32_t *at)
{
    const uint32_t rank = clr_onnx_shape(n, in)->rank;
    const size_t columns = (size_t)clr_onnx_size(n, in, axis, 0);
    uint32_t order[CLRNN_MOST_AXES];
    clrnn_node_desc desc = {.kind = CLRNN_NODE_DENSE, .units = (uint32_t)rows, .no_bias = true};
    for (uint32_t i = 0; i < rank; i++)
        order[i] = i;
    order[axis] = rank - 1;
    order[rank - 1] = axis;
    clrnn_status status = clr_onnx_add_transpose(n, order, in, at);
    if (status == CLRNN_OK)
        status = clr_onnx_add(n, &desc, at, 1, at);
    if (status == CLRNN_OK)
        status = clr_onnx_set_parameter(n, "weight", matrix, rows * columns);
    return status == CLRNN_OK ? clr_onnx_add_transpose(n, order, *at, at) : status;
}

clrnn_status clr_onnx_fixed(onnx_node *n, uint32_t at, uint32_t axis, size_t *size)
{
    *size = (size_t)clr_onnx_size(n, at, axis, 0);
    if (*size == clr_onnx_size(n, at, axis, 1) && *size > 0 && *size <= 1u << 16)
        return CLRNN_OK;
    return clr_onnx_fail(n, CLRNN_ERR_NEEDS_SIZE,
                         "along an axis that is T or N, or too long: give the axes numbers");
}

clrnn_status clr_onnx_matrix(onnx_node *n, size_t rows, size_t columns, double **matrix)
{
    const bool fits = rows > 0 && rows <= 1u << 16 && rows * columns <= (size_t)1 << 27;
    *matrix = fits ? clr_calloc(rows * columns, sizeof **matrix) : NULL;
    return *matrix
               ? CLRNN_OK
               : clr_onnx_fail(n, CLRNN_ERR_UNSUPPORTED, "a matrix of %zu by %zu", rows, columns);
}

static clrnn_status cumulate_build(onnx_node *n)
{
    int64_t exclusive = 0, reverse = 0;
    double where = 0, *matrix = NULL;
    uint32_t at = 0, axis = 0;
    size_t size = 0;
    clrnn_status status = clr_onnx_integer(n, "exclusive", 0, &exclusive);
    if (status == CLRNN_OK)
        status = clr_onnx_integer(n, "reverse", 0, &reverse);
    if (status == CLRNN_OK)
        status = clr_onnx_need_number(n, 1, "axis", 0, &where);
    if (status == CLRNN_OK)
        status = clr_onnx_number_in(n, 0, &at);
    if (status == CLRNN_OK)
        status = clr_onnx_axis(n, (int64_t)where, clr_onnx_shape(n, at)->rank, &axis);
    if (status == CLRNN_OK)
        status = clr_onnx_fixed(n, at, axis, &size);
    if (status == CLRNN_OK)
        status = clr_onnx_matrix(n, size, size, &matrix);
    for (size_t i = 0; i < size && status == CLRNN_OK; i++)
        for (size_t k = 0; k < size; k++)
            matrix[i * size + k] =
                reverse ? (exclusive ? k > i : k >= i) : (exclusive ? k < i : k <= i);
    if (status == CLRNN_OK)
        status = clr_onnx_along(n, axis, matrix, size, at, &at);
    if (status == CLRNN_OK)
        clr_onnx_set_graph(n, 0, at, n->in[0]->type);
    free(matrix);
    return status;
}

/* --- resizing --------------------------------------------------------------------------------- */

typedef struct resizing {
    char mode[32], transform[32], nearest[32];
    bool cubic, inside;            /* inside: what is outside does not count */
    double a;                      /* of the cubic */
    double scale[CLRNN_MOST_AXES]; /* 1: as it is */
    size_t size[CLRNN_MOST_AXES];
} resizing;

/* The axes that scales or sizes are of: all, unless the attribute says them. */
static clrnn_status read_axes(onnx_node *n, uint32_t rank, uint32_t axes[CLRNN_MOST_AXES],
                              uint32_t *count)
{
    int64_t given[CLRNN_MOST_AXES];
    clrnn_status status = clr_onnx_integers(n, "axes", CLRNN_MOST_AXES, given, count);
    for (uint32_t i = 0; i < *count && status == CLRNN_OK; i++)
        status = clr_onnx_axis(n, given[i], rank, &axes[i]);
    if (*count == 0)
        for (; *count < rank; ++*count)
            axes[*count] = *count;
    return status;
}

/* Scales, or sizes, of the inputs where this opset has them: one of an axis that stays as it is
 * may depend on T or N. */
static clrnn_status read_sizes(onnx_node *n, uint32_t at, resizing *r)
{
    const uint32_t rank = clr_onnx_shape(n, at)->rank;
    const bool sizes = clr_onnx_has(n, 3);
    const uint32_t k = sizes ? 3 : n->m->opset < 11 ? 1 : 2;
    double numbers[CLRNN_MOST_AXES], *world[ONNX_WORLDS] = {numbers, numbers};
    uint32_t axes[CLRNN_MOST_AXES], axis_count = 0, count = 0;
    clrnn_status status = clr_onnx_reals(n, "scales", rank, numbers, &count); /* before opset 9 */
    if (status == CLRNN_OK)
        status = read_axes(n, rank, axes, &axis_count);
    if (status == CLRNN_OK && count == 0 && !clr_onnx_has(n, k))
        status = clr_onnx_fail(n, CLRNN_ERR_FORMAT, "neither scales nor sizes");
    if (status == CLRNN_OK && count == 0) {
        status = clr_onnx_need(n, k, sizes ? "sizes" : "scales");
        for (int w = 0; w < ONNX_WORLDS && status == CLRNN_OK; w++) {
            onnx_array *a = &n->in[k]->array[w];
            status = clr_onnx_spread(n, a);
            world[w] = a->data;
            if (status == CLRNN_OK && w > 0 && clr_onnx_count(a) != count)
                status = clr_onnx_fail(n, CLRNN_ERR_NEEDS_SIZE,
                                       "how many sizes there are depends on T or N: give the axes "
                                       "of the model numbers");
            count = (uint32_t)clr_onnx_count(a);
        }
    }
    if (status == CLRNN_OK && count != axis_count)
        status =
            clr_onnx_fail(n, CLRNN_ERR_FORMAT, "%u sizes or scales of %u axes", count, axis_count);
    for (uint32_t i = 0; i < rank; i++)
        r->scale[i] = 1;
    for (uint32_t i = 0; i < count && status == CLRNN_OK; i++) {
        const uint32_t axis = axes[i];
        const double x = world[0][i], other = world[1][i];
        const double own = (double)clr_onnx_size(n, at, axis, 0);
        const bool stays = sizes && x == own && other == (double)clr_onnx_size(n, at, axis, 1);
        if (!stays && x != other)
            return clr_onnx_fail(n, CLRNN_ERR_NEEDS_SIZE,
                                 "a size depends on T or N: give the axes of the model numbers");
        if (!stays && !(x > 0 && x <= 65536))
            return clr_onnx_fail(n, CLRNN_ERR_FORMAT, "a size or scale of %g", x);
        r->scale[axis] = stays ? 1 : sizes ? x / own : x;
        r->size[axis] = (size_t)(sizes ? x : floor(own * x));
    }
    return status;
}

/* Where in the input element i of the result lies. */
static clrnn_status place_of(const onnx_node *n, const resizing *r, uint32_t axis, size_t own,
                             size_t i, double *x)
{
    const double s = r->scale[axis], to = (double)r->size[axis];
    if (strcmp(r->transform, "half_pixel") == 0)
        *x = ((double)i + 0.5) / s - 0.5;
    else if (strcmp(r->transform, "pytorch_half_pixel") == 0)
        *x = to > 1 ? ((double)i + 0.5) / s - 0.5 : 0;
    else if (strcmp(r->transform, "asymmetric") == 0)
        *x = (double)i / s;
    else if (strcmp(r->transform, "align_corners") == 0)
        *x = to > 1 ? (double)i * ((double)own - 1) / (to - 1) : 0;
    else
        return clr_onnx_fail(n, CLRNN_ERR_UNSUPPORTED, "coordinate_transformation_mode '%s'",
                             r->transform);
    return CLRNN_OK;
}

static double nearest(const resizing *r, double x)
{
    if (strcmp(r->nearest, "floor") == 0)
        return floor(x);
    if (strcmp(r->nearest, "ceil") == 0)
        return ceil(x);
    if (strcmp(r->nearest, "round_prefer_ceil") == 0)
        return floor(x + 0.5);
    return ceil(x - 0.5);
}

static size_t bounded(double x, double last)
{
    return (size_t)(x < 0 ? 0 : x > last ? last : x);
}

/* Keys's cubic of a distance. */
static double cubic(const resizing *r, double d)
{
    const double a = r->a;
    return d <= 1  ? ((a + 2) * d - (a + 3)) * d * d + 1
           : d < 2 ? a * (((d - 5) * d + 8) * d - 4)
                   : 0;
}

/* The weights [own] of what is at a place. */
static void weigh(const resizing *r, double x, size_t own, double *row)
{
    const double last = (double)own - 1;
    if (!r->cubic) {
        x = x < 0 ? 0 : x > last ? last : x;
        row[bounded(floor(x), last)] += 1 - (x - floor(x));
        row[bounded(floor(x) + 1, last)] += x - floor(x);
        return;
    }
    double sum = 0;
    for (double tap = floor(x) - 1; tap <= floor(x) + 2; tap++)
        if (!r->inside || (tap >= 0 && tap <= last)) {
            row[bounded(tap, last)] += cubic(r, fabs(x - tap));
            sum += cubic(r, fabs(x - tap));
        }
    for (size_t k = 0; k < own && r->inside; k++)
        row[k] /= sum;
}

static clrnn_status resize_axis(onnx_node *n, const resizing *r, uint32_t axis, uint32_t in,
                                uint32_t *at)
{
    size_t own = 0;
    double *matrix = NULL, x = 0;
    const bool weighed = strcmp(r->mode, "nearest") != 0;
    clrnn_status status = clr_onnx_fixed(n, in, axis, &own);
    const size_t rows = r->size[axis], columns = weighed ? own : 1;
    if (status == CLRNN_OK)
        status = clr_onnx_matrix(n, rows, columns, &matrix);
    for (size_t i = 0; i < rows && status == CLRNN_OK; i++) {
        status = place_of(n, r, axis, own, i, &x);
        if (weighed)
            weigh(r, x, own, matrix + i * own);
        else
            matrix[i] = (double)bounded(nearest(r, x), (double)own - 1);
    }
    if (status == CLRNN_OK)
        status = weighed ? clr_onnx_along(n, axis, matrix, rows, in, at)
                         : clr_onnx_pick(n, axis, matrix, rows, in, at);
    free(matrix);
    return status;
}

/* How it is done, by its attributes. */
static clrnn_status read_way(onnx_node *n, resizing *r)
{
    const bool old = n->m->opset < 11;
    char policy[32] = "";
    double unused = 0;
    int64_t outside = 0, antialias = 0;
    clrnn_status status = clr_onnx_word(n, "mode", "nearest", r->mode);
    if (status == CLRNN_OK)
        status = clr_onnx_word(n, "coordinate_transformation_mode",
                               old ? "asymmetric" : "half_pixel", r->transform);
    if (status == CLRNN_OK)
        status = clr_onnx_word(n, "nearest_mode", old ? "floor" : "round_prefer_floor", r->nearest);
    if (status == CLRNN_OK)
        status = clr_onnx_word(n, "keep_aspect_ratio_policy", "stretch", policy);
    if (status == CLRNN_OK)
        status = clr_onnx_real(n, "cubic_coeff_a", -0.75, &r->a);
    if (status == CLRNN_OK)
        status = clr_onnx_real(n, "extrapolation_value", 0, &unused); /* of another transform */
    if (status == CLRNN_OK)
        status = clr_onnx_integer(n, "exclude_outside", 0, &outside);
    if (status == CLRNN_OK)
        status = clr_onnx_integer(n, "antialias", 0, &antialias);
    r->cubic = strcmp(r->mode, "cubic") == 0;
    r->inside = outside != 0;
    if (status == CLRNN_OK && !r->cubic && strcmp(r->mode, "nearest") && strcmp(r->mode, "linear"))
        status = clr_onnx_fail(n, CLRNN_ERR_UNSUPPORTED, "mode '%s'", r->mode);
    if (status == CLRNN_OK && (antialias || (outside && !r->cubic)))
        status = clr_onnx_fail(n, CLRNN_ERR_UNSUPPORTED, "mode '%s' with %s", r->mode,
                               antialias ? "antialias" : "exclude_outside");
    if (status == CLRNN_OK && strcmp(policy, "stretch") != 0)
        status = clr_onnx_fail(n, CLRNN_ERR_UNSUPPORTED, "keep_aspect_ratio_policy '%s'", policy);
    return status;
}

static clrnn_status resize_build(onnx_node *n)
{
    resizing r = {.mode = ""};
    uint32_t at = 0;
    clrnn_status status = read_way(n, &r);
    if (status == CLRNN_OK)
        status = clr_onnx_number_in(n, 0, &at);
    if (status == CLRNN_OK)
        status = read_sizes(n, at, &r);
    const uint32_t rank = status == CLRNN_OK ? clr_onnx_shape(n, at)->rank : 0;
    for (uint32_t i = 0; i < rank && status == CLRNN_OK; i++)
        if (r.scale[i] != 1)
            status = resize_axis(n, &r, i, at, &at);
    if (status == CLRNN_OK)
        clr_onnx_set_graph(n, 0, at, n->in[0]->type);
    return status;
}

const onnx_op clr_onnx_ops_signal[] = {{"CumSum", 2, 2, 1, NULL, cumulate_build, false},
                                       {"Resize", 1, 4, 1, NULL, resize_build, false},
                                       {"Upsample", 1, 2, 1, NULL, resize_build, false},
                                       {0}};
