/* SPDX-License-Identifier: MIT
 * math/persistent.c - see math/persistent.h. */
#include "math/persistent.h"

#include <stdlib.h>

#include "base/log.h"
#include "base/memory.h"
#include "device/buffer.h"
#include "device/launch.h"
#include "math/cell.h"
#include "math/packed.h"
#include "math/sources.h"

/* SYNC_LINE and the places of cl/persistent.cl; at most so many groups. */
enum { sync_line = 16, sync_repairs = 1, most_groups = 256 };
enum { sync_ints = sync_line * (1 + most_groups) + most_groups };

static clrnn_status build(clr_persistent *p, clrnn_precision precision, clrnn_storage storage,
                          const clr_source *walk, const char *name, cl_kernel *kernel,
                          cl_kernel *probe)
{
    const clr_source *const strategy[] = {&clr_cl_storage, &clr_cl_tile, &clr_cl_walks,
                                          &clr_cl_persistent, walk};
    cl_program program = NULL;
    clrnn_status status = clr_cell_program(p->context, p->network, precision, storage,
                                           clr_packed_vector(p->context, precision), strategy,
                                           CLR_COUNT(strategy), &program);
    if (status == CLRNN_OK)
        status = clr_kernel_create(p->context, program, name, kernel);
    if (status == CLRNN_OK && probe)
        status = clr_kernel_create(p->context, program, "persistent_probe", probe);
    return status;
}

clrnn_status clr_persistent_init(clrnn_context *context, const clr_network *network,
                                 clrnn_precision precision, clrnn_storage storage, bool train,
                                 clr_persistent *persistent)
{
    clr_persistent p = {.context = context,
                        .network = network,
                        .tile_n = 2 * clr_packed_vector(context, precision),
                        .repairs = clr_calloc(1, sizeof *p.repairs)};
    if (!p.repairs)
        return clr_fail(&context->log, CLRNN_ERR_MEMORY, "persistent: out of memory");
    clrnn_status status = build(&p, precision, storage, &clr_cl_persistent_forward,
                                "persistent_forward", &p.forward, &p.probe);
    if (status == CLRNN_OK && train)
        status = build(&p, precision, storage, &clr_cl_persistent_backward, "persistent_backward",
                       &p.backward, NULL);
    if (status == CLRNN_OK)
        status = clr_buffer_create(context, sync_ints * sizeof(cl_int), &p.sync);
    if (status == CLRNN_OK)
        status = clr_buffer_zero(context, p.sync, 0, sync_ints * sizeof(cl_int));
    if (status != CLRNN_OK)
        clr_persistent_free(&p);
    *persistent = p;
    return status;
}

void clr_persistent_free(clr_persistent *persistent)
{
    clr_kernel_destroy(&persistent->forward);
    clr_kernel_destroy(&persistent->backward);
    clr_kernel_destroy(&persistent->probe);
    clr_buffer_destroy(&persistent->sync);
    free(persistent->repairs);
    persistent->repairs = NULL;
}

/* Do `groups` groups meet? */
static clrnn_status try_meeting(clr_persistent *p, uint32_t groups, bool *met)
{
    const uint32_t spins = 1u << 20; /* some tens of milliseconds */
    const clr_arg args[] = {CLR_ARG_MEM(p->sync), CLR_ARG_INT(groups), CLR_ARG_UINT(spins)};
    const size_t bytes = (sync_line + 1) * sizeof(cl_int);
    cl_int flag = 0;
    clrnn_status status =
        clr_launch(p->context, p->probe, (clr_range){{groups, 1}, {1, 1}}, args, CLR_COUNT(args));
    if (status == CLRNN_OK)
        status = clr_buffer_read(p->context, p->sync, 0, sizeof flag, &flag);
    if (status == CLRNN_OK)
        status = clr_buffer_zero(p->context, p->sync, 0, bytes);
    *met = flag == 0;
    return status;
}

clrnn_status clr_persistent_probe(clr_persistent *p, uint32_t most, uint32_t *together)
{
    clrnn_status status = CLRNN_OK;
    uint32_t groups = most < most_groups ? most : most_groups;
    for (; groups > 1 && status == CLRNN_OK; groups--) {
        bool met = true;
        for (int again = 0; again < 4 && met && status == CLRNN_OK; again++)
            status = try_meeting(p, groups, &met);
        if (met)
            break;
    }
    *together = groups ? groups : 1;
    return status;
}

/* A kernel argument must be some buffer even where the kernel does not look at it. */
static cl_mem some(cl_mem wanted, cl_mem other)
{
    return wanted ? wanted : other;
}

/* Make up for a repair that could not be enqueued: `sync` as it leaves it, but for what it does. */
static clrnn_status settle(clr_persistent *p)
{
    const size_t flag = sizeof(cl_int), counters = sync_line * sizeof(cl_int);
    clrnn_status status = clr_buffer_zero(p->context, p->sync, 0, flag);
    if (status == CLRNN_OK)
        status =
            clr_buffer_zero(p->context, p->sync, counters, sync_ints * sizeof(cl_int) - counters);
    p->unsettled = status != CLRNN_OK;
    return status;
}

/* The walk, and the repair if groups meet: the last argument of both kernels tells them apart. */
static clrnn_status run(clr_persistent *p, cl_kernel kernel, const clr_shares *s, clr_arg *args,
                        size_t count)
{
    size_t groups = (size_t)s->directions * s->row_shares * s->unit_shares;
    clrnn_status status = p->unsettled ? settle(p) : CLRNN_OK;
    args[count - 1] = CLR_ARG_UINT(0);
    if (status == CLRNN_OK)
        status = clr_launch(p->context, kernel, (clr_range){{groups, 1}, {1, 1}}, args, count);
    if (status == CLRNN_OK && s->unit_shares > 1) {
        args[count - 1] = CLR_ARG_UINT(1);
        status = clr_launch(p->context, kernel, (clr_range){{1, 1}, {1, 1}}, args, count);
        p->unsettled = status != CLRNN_OK;
        if (status == CLRNN_OK)
            status = clr_buffer_read_async(p->context, p->sync, sync_repairs * sizeof(cl_int),
                                           sizeof(cl_int), p->repairs);
    }
    return status;
}

/* The part of a launch that its shares are. */
static void fill(walk_launch *l, const clr_shares *s)
{
    l->directions = s->directions;
    l->row_shares = s->row_shares;
    l->unit_shares = s->unit_shares;
    l->most_spins = s->most_spins;
}

clrnn_status clr_persistent_forward(clr_persistent *p, clr_forward_walk *w, const clr_shares *s)
{
    fill(&w->launch, s);
    w->launch.has_y = w->y != NULL;
    w->launch.has_lengths = w->lengths != NULL;
    clr_arg args[] = {CLR_ARG_MEM(w->panels),
                      CLR_ARG_MEM(w->weights),
                      CLR_ARG_MEM(w->store),
                      CLR_ARG_MEM(w->x),
                      CLR_ARG_MEM(some(w->h_first, w->store)),
                      CLR_ARG_MEM(some(w->c_first, w->store)),
                      CLR_ARG_MEM(some(w->h_last, w->store)),
                      CLR_ARG_MEM(some(w->c_last, w->store)),
                      CLR_ARG_MEM(some(w->y, w->store)),
                      CLR_ARG_MEM(some(w->lengths, w->store)),
                      CLR_ARG_MEM(p->sync),
                      CLR_ARG_STRUCT(w->launch),
                      CLR_ARG_UINT(0)};
    return run(p, p->forward, s, args, CLR_COUNT(args));
}

clrnn_status clr_persistent_backward(clr_persistent *p, clr_backward_walk *w, const clr_shares *s)
{
    fill(&w->launch, s);
    w->launch.has_y = w->dy != NULL;
    w->launch.has_lengths = w->lengths != NULL;
    clr_arg args[] = {CLR_ARG_MEM(w->panels),
                      CLR_ARG_MEM(w->store),
                      CLR_ARG_MEM(some(w->dy, w->store)),
                      CLR_ARG_MEM(w->dh),
                      CLR_ARG_MEM(some(w->dc, w->store)),
                      CLR_ARG_MEM(some(w->dproj, w->store)),
                      CLR_ARG_MEM(w->da),
                      CLR_ARG_MEM(some(w->du, w->store)),
                      CLR_ARG_MEM(some(w->lengths, w->store)),
                      CLR_ARG_MEM(p->sync),
                      CLR_ARG_STRUCT(w->launch),
                      CLR_ARG_UINT(0)};
    return run(p, p->backward, s, args, CLR_COUNT(args));
}
