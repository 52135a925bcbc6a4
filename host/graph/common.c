/* SPDX-License-Identifier: MIT
 * graph/common.c - what kinds of nodes have in common: messages, broadcasting, launches. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "graph/kind.h"
#include "math/packing.h"

clrnn_status clr_node_fail(const clrnn_log *log, const clrnn_node_desc *desc, clrnn_status status,
                           const char *format, ...)
{
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    for (char *c = text; *c; c++) /* of a name that it reads: a message is one line */
        if ((unsigned char)*c < ' ' || *c == 127)
            *c = '?';
    const char *kind = clrnn_node_kind_name(desc->kind);
    return clr_fail(log, status, "node '%s' (%s): %s", desc->name ? desc->name : "?",
                    kind ? kind : "?", text);
}

enum { MESSAGE_ROOM = 256 };

/* Keeps a message, so that it can stand behind the node's name. */
static void keep_message(void *user, clrnn_log_level level, const char *text)
{
    (void)level;
    snprintf(user, MESSAGE_ROOM, "%s", text);
}

clrnn_status clr_node_network(const clr_infer *infer, clr_network *network)
{
    char why[MESSAGE_ROOM] = "";
    const clrnn_log kept = {CLRNN_LOG_ERROR, keep_message, why};
    const clrnn_status status = clr_network_init(&infer->desc->network, &kept, network);
    return status == CLRNN_OK ? CLRNN_OK
                              : clr_node_fail(infer->log, infer->desc, status,
                                              "its network is not possible: %s", why);
}

void clr_infer_rule(clr_infer *infer, clr_shape *out, uint64_t limit, int64_t up, int64_t add,
                    int64_t stride)
{
    if (infer->in[0]->lengths == CLR_ALL_STEPS)
        return;
    infer->has_rule = true;
    infer->rule = (clr_length_rule){infer->in[0]->lengths, limit, up, add, stride};
    out->lengths = infer->own_rule;
}

static int32_t from_the_end(int32_t axis, uint32_t rank)
{
    return axis == CLR_NO_AXIS ? INT32_MIN : (int32_t)rank - axis;
}

/* The role of an axis of the result: that of either, which must not contradict. */
static bool merge_role(int32_t a, uint32_t a_rank, int32_t b, uint32_t b_rank, uint32_t rank,
                       int32_t *role)
{
    int32_t x = from_the_end(a, a_rank), y = from_the_end(b, b_rank);
    if (x != INT32_MIN && y != INT32_MIN && x != y)
        return false;
    x = x == INT32_MIN ? y : x;
    *role = x == INT32_MIN ? CLR_NO_AXIS : (int32_t)rank - x;
    return true;
}

bool clr_broadcast(const clr_shape *a, const clr_shape *b, clr_shape *out)
{
    const uint32_t rank = a->rank > b->rank ? a->rank : b->rank;
    clr_shape o = {.rank = rank, .lengths = a->lengths};
    if (!merge_role(a->steps, a->rank, b->steps, b->rank, rank, &o.steps) ||
        !merge_role(a->batch, a->rank, b->batch, b->rank, rank, &o.batch))
        return false;
    for (uint32_t i = 0; i < rank; i++) { /* from the last axis */
        uint64_t x = i < a->rank ? a->size[a->rank - 1 - i] : 1;
        uint64_t y = i < b->rank ? b->size[b->rank - 1 - i] : 1;
        int32_t at = (int32_t)(rank - 1 - i);
        /* T or N on one side alone: the other is repeated, whatever T is. */
        if (x != y && x != 1 && y != 1)
            return false;
        o.size[at] = x == 1 ? y : x;
    }
    if (a->lengths == CLR_ALL_STEPS)
        o.lengths = b->lengths;
    *out = o;
    return true;
}

map_lengths clr_within(const clr_run *run, const clr_shape *shape)
{
    const size_t count = clr_shape_count(shape);
    map_lengths w = {.t_stride = count ? count : 1,
                     .t_size = 1,
                     .n_stride = count ? count : 1,
                     .n_size = 1,
                     .some = run->ragged && shape->steps != CLR_NO_AXIS &&
                             shape->lengths != CLR_ALL_STEPS};
    if (shape->steps != CLR_NO_AXIS) {
        w.t_stride = clr_shape_stride(shape, (uint32_t)shape->steps);
        w.t_size = shape->size[shape->steps];
    }
    if (shape->batch != CLR_NO_AXIS) {
        w.n_stride = clr_shape_stride(shape, (uint32_t)shape->batch);
        w.n_size = shape->size[shape->batch];
    }
    if (w.some)
        w.lengths_at = shape->lengths * run->lengths_stride;
    return w;
}

map_launch clr_launch_over(const clr_run *run, const clr_shape *shape, clrnn_slice out)
{
    map_launch l = {.rank = shape->rank, .out_at = out.offset, .within = clr_within(run, shape)};
    for (uint32_t i = 0; i < shape->rank; i++) {
        l.size[i] = shape->size[i];
        l.out_stride[i] = clr_shape_stride(shape, i);
    }
    return l;
}

void clr_launch_takes(map_launch *launch, uint32_t k, const clr_shape *over, const clr_shape *shape,
                      clrnn_slice in)
{
    launch->at[k] = in.offset;
    for (uint32_t i = 0; i < over->rank; i++) {
        uint32_t missing = over->rank - shape->rank;
        bool there = i >= missing && shape->size[i - missing] != 1;
        launch->stride[k][i] = there ? clr_shape_stride(shape, i - missing) : 0;
    }
}

void clr_launch_reads(const clr_run *run, map_launch *launch, uint32_t k, const clr_shape *over,
                      uint32_t input)
{
    const clr_shape *shape = &run->in[input];
    const uint32_t missing = over->rank - shape->rank;
    clr_launch_takes(launch, k, over, shape, run->x[input]);
    for (uint32_t i = missing; i < over->rank; i++)
        if (shape->size[i - missing] != 1)
            launch->stride[k][i] = run->strides[input]->stride[i - missing];
}

map_terms clr_terms_joined(const map_terms *terms, const map_terms *others, size_t behind)
{
    map_terms all = *terms;
    for (cl_ulong k = 0; k < others->count && all.count < MAP_TERMS; k++)
        all.at[all.count++] = others->at[k] + behind;
    return all;
}

clr_strides clr_strides_of(const clr_shape *shape)
{
    clr_strides view = {.begin = 0};
    for (uint32_t i = 0; i < shape->rank; i++)
        view.stride[i] = clr_shape_stride(shape, i);
    return view;
}

/* Along an axis of one element nobody goes. */
bool clr_strides_are_flat(const clr_strides *view, const clr_shape *shape)
{
    for (uint32_t i = 0; i < shape->rank; i++)
        if (shape->size[i] != 1 && view->stride[i] != clr_shape_stride(shape, i))
            return false;
    return true;
}

clrnn_status clr_move(clr_run *run, const map_launch *launch, cl_mem out, cl_mem in, bool ids)
{
    const cl_mem all[MAP_INPUTS] = {in, NULL, NULL};
    return ids ? clr_map_ids(&run->tools->maps, launch, out, in)
               : clr_map(&run->tools->maps, launch, out, all, 1, 0);
}

clrnn_status clr_sum_to(clr_run *run, const clr_shape *big, clrnn_slice g, const clr_shape *small,
                        clrnn_slice dx)
{
    reduce_launch r = {.count = clr_shape_count(small),
                       .inner_count = 1,
                       .out_at = dx.offset,
                       .a_at = g.offset,
                       .operation = REDUCE_SUM};
    uint32_t missing = big->rank - small->rank;
    for (uint32_t i = 0; i < big->rank; i++) {
        bool kept = i >= missing && small->size[i - missing] == big->size[i];
        if (kept) {
            r.size[r.rank] = big->size[i];
            r.stride[r.rank++] = clr_shape_stride(big, i);
        } else {
            r.inner_size[r.inner_rank] = big->size[i];
            r.inner_stride[r.inner_rank++] = clr_shape_stride(big, i);
            r.inner_count *= big->size[i];
        }
    }
    return clr_reduce(&run->tools->maps, &r, dx.buffer, g.buffer);
}

static bool is_prepared(const clr_tools *tools, size_t n, size_t k)
{
    return clr_packing_of(&tools->gemms)->bytes(&tools->gemms, n, k) > 0;
}

size_t clr_prepared_count(const clr_tools *tools, size_t n, size_t k)
{
    return clr_packing_of(&tools->gemms)->bytes(&tools->gemms, n, k) / clr_tools_real(tools);
}

clrnn_status clr_times_weight(clr_run *run, clr_matrix a, const gemm_windows *windows, size_t m,
                              clr_matrix b, size_t n, size_t k, size_t at, clr_matrix c)
{
    clr_gemms *gemms = &run->tools->gemms;
    const bool prepared = is_prepared(run->tools, n, k);
    const clr_packed_matrix weight = {.from = b,
                                      .transposed = true,
                                      .n = n,
                                      .k = k,
                                      .buffer = prepared ? run->lasting.buffer : NULL,
                                      .at = run->lasting.offset + at};
    const clr_gemm gemm = {
        .m = m, .n = n, .k = k, .a = a, .c = c, .prepared = &weight, .windows = windows};
    clrnn_status status = CLRNN_OK;
    if (prepared && !run->packed)
        status = clr_packing_of(gemms)->pack(gemms, &weight);
    return status == CLRNN_OK ? clr_gemm_run(gemms, &gemm) : status;
}
