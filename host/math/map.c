/* SPDX-License-Identifier: MIT
 * math/map.c - see math/map.h. */
#include "math/map.h"

#include <string.h>

#include "base/log.h"
#include "device/context.h"
#include "device/launch.h"
#include "device/program.h"
#include "math/sources.h"

clrnn_status clr_maps_init(clrnn_context *context, clrnn_precision precision, clr_maps *maps)
{
    const clr_source *sources[] = {&clr_cl_prelude,    &clr_cl_philox,     &clr_cl_function,
                                   &clr_cl_elementary, &clr_cl_map_launch, &clr_cl_nodes};
    /* A CPU takes a chunk of a row at a time. */
    const size_t columns = context->info.type & CL_DEVICE_TYPE_CPU ? 256 : 1;
    const clr_define defines[] = {{"REAL_IS_DOUBLE", precision == CLRNN_F64},
                                  {"MAP_COLUMNS", (long)columns}};
    *maps = (clr_maps){.context = context, .precision = precision, .columns = columns};
    return clr_program_get(context, sources, CLR_COUNT(sources), defines, CLR_COUNT(defines),
                           &maps->program);
}

void clr_maps_free(clr_maps *maps)
{
    for (size_t i = 0; i < maps->kernel_count; i++)
        clr_kernel_destroy(&maps->kernels[i].kernel);
}

/* Of this name, made where it is not there yet. */
static clrnn_status find(clr_maps *m, const char *name, cl_kernel *kernel)
{
    size_t i = 0;
    while (i < m->kernel_count && m->kernels[i].name != name &&
           strcmp(m->kernels[i].name, name) != 0)
        i++;
    if (i == CLR_MAP_KERNELS)
        return clr_fail(&m->context->log, CLRNN_ERR_RANGE, "graph: no room for kernel %s", name);
    clrnn_status status = CLRNN_OK;
    if (i == m->kernel_count) {
        status = clr_kernel_create(m->context, m->program, name, &m->kernels[i].kernel);
        m->kernels[i].name = name;
        m->kernel_count += status == CLRNN_OK;
    }
    *kernel = m->kernels[i].kernel;
    return status;
}

clrnn_status clr_maps_launch(clr_maps *m, const char *name, size_t columns, size_t rows,
                             const clr_arg *args, size_t count)
{
    cl_kernel kernel = NULL;
    clrnn_status status = find(m, name, &kernel);
    return status == CLRNN_OK
               ? clr_launch(m->context, kernel, (clr_range){{columns, rows}, {0, 0}}, args, count)
               : status;
}

#define LAUNCH(m, kernel, columns, rows, args) \
    clr_maps_launch(m, kernel, columns, rows, args, CLR_COUNT(args))

/* Two neighbouring axes of which every array has the second right behind the first. */
static bool are_one(const map_launch *l, cl_ulong i)
{
    bool one = l->out_stride[i] == l->out_stride[i + 1] * l->size[i + 1];
    for (size_t k = 0; k < MAP_INPUTS; k++)
        one = one && l->stride[k][i] == l->stride[k][i + 1] * l->size[i + 1];
    return one;
}

static void remove_axis(map_launch *l, cl_ulong axis)
{
    for (cl_ulong i = axis; i + 1 < l->rank && i + 1 < MAP_AXES; i++) {
        l->size[i] = l->size[i + 1];
        l->out_stride[i] = l->out_stride[i + 1];
        for (size_t k = 0; k < MAP_INPUTS; k++)
            l->stride[k][i] = l->stride[k][i + 1];
    }
    l->rank--;
}

/* The same launch with as few axes as will do, at least one. */
static map_launch simplified(const map_launch *launch_)
{
    map_launch l = *launch_;
    if (l.rank == 0) {
        l.rank = 1;
        l.size[0] = 1;
    }
    for (cl_ulong i = 0; i < l.rank && l.rank > 1;) {
        if (l.size[i] == 1) {
            remove_axis(&l, i);
        } else if (i + 1 < l.rank && are_one(&l, i)) {
            l.size[i + 1] *= l.size[i];
            remove_axis(&l, i);
        } else {
            i++;
        }
    }
    return l;
}

/* The same with the last axis first: see cl/map.cl. */
static map_launch reversed(const map_launch *l)
{
    map_launch r = *l;
    for (cl_ulong i = 0; i < l->rank; i++) {
        const cl_ulong from = l->rank - 1 - i;
        r.size[i] = l->size[from];
        r.out_stride[i] = l->out_stride[from];
        for (size_t k = 0; k < MAP_INPUTS; k++)
            r.stride[k][i] = l->stride[k][from];
    }
    return r;
}

static size_t rows_of(const map_launch *l)
{
    size_t rows = 1;
    for (cl_ulong i = 0; i + 1 < l->rank; i++)
        rows *= (size_t)l->size[i];
    return rows;
}

clrnn_status clr_map(clr_maps *m, const map_launch *given, cl_mem out, const cl_mem in[3],
                     double alpha, double beta)
{
    const map_launch ordered = simplified(given), l = reversed(&ordered);
    const size_t last = (size_t)l.size[0];
    const clr_arg args[] = {CLR_ARG_MEM(out),
                            CLR_ARG_MEM(in[0]),
                            CLR_ARG_MEM(in[1] ? in[1] : in[0]),
                            CLR_ARG_MEM(in[2] ? in[2] : in[0]),
                            CLR_ARG_MEM(m->lengths ? m->lengths : in[0]),
                            CLR_ARG_STRUCT(l),
                            CLR_ARG_REAL(m->precision, alpha),
                            CLR_ARG_REAL(m->precision, beta)};
    return LAUNCH(m, "map", (last + m->columns - 1) / m->columns, rows_of(&ordered), args);
}

clrnn_status clr_map_of_terms(clr_maps *m, const map_launch *given, const map_terms *terms,
                              cl_mem out, cl_mem in, double alpha, double beta)
{
    const map_launch ordered = simplified(given), l = reversed(&ordered);
    const size_t last = (size_t)l.size[0];
    const clr_arg args[] = {CLR_ARG_MEM(out),
                            CLR_ARG_MEM(in),
                            CLR_ARG_MEM(m->lengths ? m->lengths : in),
                            CLR_ARG_STRUCT(l),
                            CLR_ARG_STRUCT(*terms),
                            CLR_ARG_REAL(m->precision, alpha),
                            CLR_ARG_REAL(m->precision, beta)};
    return LAUNCH(m, "map_of_terms", (last + m->columns - 1) / m->columns, rows_of(&ordered), args);
}

clrnn_status clr_map_ids(clr_maps *m, const map_launch *given, cl_mem out, cl_mem in)
{
    const map_launch l = simplified(given);
    const clr_arg args[] = {CLR_ARG_MEM(out), CLR_ARG_MEM(in),
                            CLR_ARG_MEM(m->lengths ? m->lengths : in), CLR_ARG_STRUCT(l)};
    return LAUNCH(m, "map_ids", (size_t)l.size[l.rank - 1], rows_of(&l), args);
}

clrnn_status clr_turn(clr_maps *m, const turn_launch *l, bool ids, cl_mem x, cl_mem y, cl_mem own)
{
    cl_mem lengths = m->lengths ? m->lengths : x;
    const clr_arg args[] = {CLR_ARG_MEM(x), CLR_ARG_MEM(y), CLR_ARG_MEM(lengths),
                            CLR_ARG_MEM(own ? own : lengths), CLR_ARG_STRUCT(*l)};
    return LAUNCH(m, ids ? "turn_ids" : "turn", (size_t)l->count, 1, args);
}

clrnn_status clr_cast(clr_maps *m, bool from_ids, size_t count, clrnn_slice x, clrnn_slice y)
{
    const clr_arg args[] = {CLR_ARG_MEM(y.buffer), CLR_ARG_ULONG(y.offset), CLR_ARG_MEM(x.buffer),
                            CLR_ARG_ULONG(x.offset), CLR_ARG_ULONG(count)};
    return count ? LAUNCH(m, from_ids ? "cast_ids" : "cast_numbers", count, 1, args) : CLRNN_OK;
}

clrnn_status clr_map_dropout(clr_maps *m, const map_launch *l, cl_mem out, cl_mem in,
                             const clr_drop *drop)
{
    const clr_arg args[] = {CLR_ARG_MEM(out),
                            CLR_ARG_MEM(in),
                            CLR_ARG_MEM(m->lengths ? m->lengths : in),
                            CLR_ARG_STRUCT(*l),
                            CLR_ARG_FLOAT(drop->p),
                            CLR_ARG_UINT(drop->seed),
                            CLR_ARG_UINT(drop->seed >> 32),
                            CLR_ARG_UINT(drop->index),
                            CLR_ARG_UINT(drop->layer),
                            CLR_ARG_UINT(drop->variational)};
    return LAUNCH(m, "map_dropout", (size_t)l->size[0], 1, args);
}

/* Whether elements are reduced side by side: enough of them on the last axis that stays. */
static bool is_side(const clr_maps *m, const reduce_launch *l)
{
    const bool may = l->operation == REDUCE_SUM || l->operation == REDUCE_MEAN ||
                     l->operation == REDUCE_MAX || l->operation == REDUCE_MIN;
    return m->columns > 1 && may && !l->within.some && l->rank > 0 && l->size[l->rank - 1] >= 4;
}

clrnn_status clr_reduce(clr_maps *m, const reduce_launch *l, cl_mem out, cl_mem in)
{
    if (is_side(m, l)) {
        const size_t last = (size_t)l->size[l->rank - 1];
        const clr_arg args[] = {CLR_ARG_MEM(out), CLR_ARG_MEM(in), CLR_ARG_STRUCT(*l)};
        return LAUNCH(m, "reduce_side", (last + 15) / 16, (size_t)l->count / last, args);
    }
    const clr_arg args[] = {CLR_ARG_MEM(out), CLR_ARG_MEM(in),
                            CLR_ARG_MEM(m->lengths ? m->lengths : in), CLR_ARG_STRUCT(*l)};
    return LAUNCH(m, "reduce", (size_t)l->count, 1, args);
}

clrnn_status clr_reduce_back(clr_maps *m, const reduce_launch *l, clrnn_slice dx, cl_mem in,
                             clrnn_slice y, clrnn_slice dy)
{
    const clr_arg args[] = {CLR_ARG_MEM(dx.buffer),   CLR_ARG_ULONG(dx.offset),
                            CLR_ARG_MEM(in),          CLR_ARG_MEM(y.buffer),
                            CLR_ARG_ULONG(y.offset),  CLR_ARG_MEM(dy.buffer),
                            CLR_ARG_ULONG(dy.offset), CLR_ARG_MEM(m->lengths ? m->lengths : in),
                            CLR_ARG_STRUCT(*l)};
    return LAUNCH(m, "reduce_back", (size_t)l->count, 1, args);
}

#define SLICE(s)      CLR_ARG_MEM((s).buffer), CLR_ARG_ULONG((s).offset)
#define LENGTHS(m, s) CLR_ARG_MEM((m)->lengths ? (m)->lengths : (s).buffer)
/* One that may be absent, and one that stands in its place. */
#define OR(s, other) \
    CLR_ARG_MEM((s).buffer ? (s).buffer : (other).buffer), CLR_ARG_ULONG((s).offset)

clrnn_status clr_softmax(clr_maps *m, const clr_folded *s, bool logarithm, clrnn_slice x,
                         clrnn_slice y)
{
    const clr_arg args[] = {SLICE(x),
                            SLICE(y),
                            LENGTHS(m, x),
                            CLR_ARG_STRUCT(s->within),
                            CLR_ARG_UINT(logarithm),
                            CLR_ARG_ULONG(s->K),
                            CLR_ARG_ULONG(s->inner),
                            CLR_ARG_ULONG(s->outer)};
    return LAUNCH(m, "softmax", s->inner, s->outer, args);
}

clrnn_status clr_softmax_back(clr_maps *m, const clr_folded *s, bool logarithm, clrnn_slice y,
                              clrnn_slice dy, clrnn_slice dx)
{
    const clr_arg args[] = {SLICE(y),
                            SLICE(dy),
                            SLICE(dx),
                            LENGTHS(m, y),
                            CLR_ARG_STRUCT(s->within),
                            CLR_ARG_UINT(logarithm),
                            CLR_ARG_ULONG(s->K),
                            CLR_ARG_ULONG(s->inner),
                            CLR_ARG_ULONG(s->outer)};
    return LAUNCH(m, "softmax_back", s->inner, s->outer, args);
}

clrnn_status clr_layer_norm(clr_maps *m, const clr_folded *s, double epsilon, clr_affine affine,
                            clrnn_slice x, clrnn_slice y, clrnn_slice kept)
{
    const clr_arg args[] = {SLICE(x),
                            OR(affine.weight, x),
                            CLR_ARG_ULONG(affine.bias.offset),
                            CLR_ARG_UINT(affine.weight.buffer != NULL),
                            SLICE(y),
                            OR(kept, y),
                            CLR_ARG_UINT(kept.buffer != NULL),
                            LENGTHS(m, x),
                            CLR_ARG_STRUCT(s->within),
                            CLR_ARG_REAL(m->precision, epsilon),
                            CLR_ARG_ULONG(s->K),
                            CLR_ARG_ULONG(s->outer)};
    return LAUNCH(m, "layer_norm", 1, s->outer, args);
}

clrnn_status clr_layer_norm_back(clr_maps *m, const clr_folded *s, clr_affine affine,
                                 clrnn_slice kept, clrnn_slice dy, clrnn_slice dx)
{
    const clr_arg args[] = {SLICE(dy),
                            OR(affine.weight, dy),
                            CLR_ARG_UINT(affine.weight.buffer != NULL),
                            SLICE(kept),
                            SLICE(dx),
                            CLR_ARG_ULONG(s->K),
                            CLR_ARG_ULONG(s->outer)};
    return LAUNCH(m, "layer_norm_back", 1, s->outer, args);
}

clrnn_status clr_channel_statistics(clr_maps *m, const clr_folded *s, double momentum,
                                    clr_affine running, clrnn_slice x, clrnn_slice statistics)
{
    const clr_arg args[] = {SLICE(x),
                            SLICE(running.weight),
                            CLR_ARG_ULONG(running.bias.offset),
                            CLR_ARG_REAL(m->precision, momentum),
                            SLICE(statistics),
                            LENGTHS(m, x),
                            CLR_ARG_STRUCT(s->within),
                            CLR_ARG_ULONG(s->K),
                            CLR_ARG_ULONG(s->inner),
                            CLR_ARG_ULONG(s->outer)};
    return LAUNCH(m, "channel_statistics", s->K, 1, args);
}

clrnn_status clr_channel_fold(clr_maps *m, size_t channels, double epsilon, clr_affine from,
                              clr_affine affine, clrnn_slice folded)
{
    const clr_arg args[] = {SLICE(from.weight),
                            CLR_ARG_ULONG(from.bias.offset),
                            OR(affine.weight, from.weight),
                            CLR_ARG_ULONG(affine.bias.offset),
                            CLR_ARG_UINT(affine.weight.buffer != NULL),
                            CLR_ARG_REAL(m->precision, epsilon),
                            SLICE(folded),
                            CLR_ARG_ULONG(channels)};
    return LAUNCH(m, "channel_fold", channels, 1, args);
}

clrnn_status clr_channel_back(clr_maps *m, const clr_folded *s, double epsilon, clr_affine affine,
                              clrnn_slice statistics, clrnn_slice x, clrnn_slice dy, clrnn_slice dx,
                              clr_affine gradient)
{
    const clr_arg args[] = {SLICE(x),
                            SLICE(dy),
                            OR(affine.weight, x),
                            CLR_ARG_UINT(affine.weight.buffer != NULL),
                            SLICE(statistics),
                            CLR_ARG_REAL(m->precision, epsilon),
                            OR(dx, x),
                            CLR_ARG_UINT(dx.buffer != NULL),
                            OR(gradient.weight, x),
                            CLR_ARG_ULONG(gradient.bias.offset),
                            LENGTHS(m, x),
                            CLR_ARG_STRUCT(s->within),
                            CLR_ARG_ULONG(s->K),
                            CLR_ARG_ULONG(s->inner),
                            CLR_ARG_ULONG(s->outer)};
    return LAUNCH(m, "channel_back", s->K, 1, args);
}

clrnn_status clr_pick(clr_maps *m, const clr_folded *s, size_t M, clrnn_slice x, clrnn_slice ids,
                      clrnn_slice y)
{
    const clr_arg args[] = {SLICE(x),
                            SLICE(ids),
                            SLICE(y),
                            LENGTHS(m, x),
                            CLR_ARG_STRUCT(s->within),
                            CLR_ARG_ULONG(s->K),
                            CLR_ARG_ULONG(s->inner),
                            CLR_ARG_ULONG(M),
                            CLR_ARG_ULONG(s->outer)};
    const size_t columns = (M * s->inner + m->columns - 1) / m->columns;
    return LAUNCH(m, "pick", columns, s->outer, args);
}

clrnn_status clr_pick_hot(clr_maps *m, const map_lengths *within, size_t V, size_t M,
                          clrnn_slice ids, clrnn_slice y)
{
    const clr_arg args[] = {SLICE(ids),       SLICE(y),
                            LENGTHS(m, y),    CLR_ARG_STRUCT(*within),
                            CLR_ARG_ULONG(V), CLR_ARG_ULONG(M)};
    return LAUNCH(m, "pick_hot", V, M, args);
}

clrnn_status clr_pick_back(clr_maps *m, const clr_folded *s, size_t M, clrnn_slice dy,
                           clrnn_slice ids, clrnn_slice dx)
{
    const clr_arg args[] = {SLICE(dy),
                            SLICE(ids),
                            SLICE(dx),
                            CLR_ARG_ULONG(s->K),
                            CLR_ARG_ULONG(s->inner),
                            CLR_ARG_ULONG(M),
                            CLR_ARG_ULONG(s->outer)};
    return LAUNCH(m, "pick_back", s->K * s->inner, s->outer, args);
}
