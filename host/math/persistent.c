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
#include "math/resident.h"
#include "math/sources.h"

static clrnn_status build_alone(clr_persistent *p, bool back)
{
    const clr_source *const sources[] = {&clr_cl_pack,
                                         &clr_cl_storage,
                                         &clr_cl_tile,
                                         &clr_cl_scan_launch,
                                         &clr_cl_scan,
                                         back ? &clr_cl_scan_backward : &clr_cl_scan_forward,
                                         &clr_cl_partition,
                                         &clr_cl_persistent,
                                         back ? &clr_cl_persistent_backward
                                              : &clr_cl_persistent_input,
                                         &clr_cl_persistent_forward};
    const size_t source_count = CLR_COUNT(sources) - back;
    const uint32_t vector = clr_packed_vector(p->context, p->kind.precision);
    clr_define own[5] = {{"VEC", (long)vector}, {"TILE_V", (long)(p->tile_n / vector)}};
    size_t own_count = 2;
    if (p->kind.rows)
        own[own_count++] = (clr_define){"ROWS", (long)p->kind.rows};
    if (p->network->normed)
        own[own_count++] = (clr_define){"LAYER_NORM", 1};
    if (p->network->normed && !clr_compiles(p->context)) /* else clr_cell_program says it */
        own[own_count++] = (clr_define){"RARE", 1};
    cl_program program = NULL;
    clrnn_status status =
        clr_cell_program(p->context, p->network, p->kind.precision, p->kind.storage, sources,
                         source_count, own, own_count, &program);
    if (status == CLRNN_OK)
        status = clr_kernel_create(p->context, program,
                                   back ? "persistent_backward" : "persistent_forward",
                                   back ? &p->backward.kernel : &p->forward.kernel);
    p->packs = program;
    return status;
}

/* What scans one row by one group, where kernels are compiled ahead of time: a compiler would take
 * longer for one more than it saves. (Nor where registers hold four numbers: there is none.) A
 * vector is a panel, two chains of sums, or half of one if the units are an odd number of chains.
 */
static clrnn_status build_single(clr_persistent *p)
{
    const clr_source *const sources[] = {&clr_cl_pack,
                                         &clr_cl_storage,
                                         &clr_cl_tile,
                                         &clr_cl_scan_launch,
                                         &clr_cl_scan,
                                         &clr_cl_scan_forward,
                                         &clr_cl_partition,
                                         &clr_cl_persistent,
                                         &clr_cl_persistent_input,
                                         &clr_cl_persistent_single};
    const uint32_t chain = p->tile_n / 2;
    const uint32_t chains = (p->network->desc.hidden_size + chain - 1) / chain;
    const uint32_t vector = chains % 2 ? chain : p->tile_n;
    const clr_define own[] = {{"VEC", (long)vector}, {"TILE_V", (long)(p->tile_n / vector)}};
    cl_program program = NULL;
    if (clr_compiles(p->context) || p->tile_n < 16 || p->kind.train ||
        p->kind.precision != CLRNN_F32 || p->kind.storage != CLRNN_WEIGHTS_F32)
        return CLRNN_OK;
    clrnn_status status =
        clr_cell_program(p->context, p->network, p->kind.precision, p->kind.storage, sources,
                         CLR_COUNT(sources), own, CLR_COUNT(own), &program);
    return status == CLRNN_OK
               ? clr_kernel_create(p->context, program, "persistent_single", &p->forward.single)
               : status;
}

clrnn_status clr_persistent_init(clrnn_context *context, const clr_network *network,
                                 const clr_scan_kind *kind, clr_persistent *persistent)
{
    clr_persistent p = {.context = context,
                        .network = network,
                        .kind = *kind,
                        .tile_n = clr_packed_width(context, kind->precision),
                        .fallbacks = clr_calloc(1, sizeof *p.fallbacks)};
    if (!p.fallbacks)
        return clr_fail(&context->log, CLRNN_ERR_MEMORY, "persistent: out of memory");
    clrnn_status status = CLRNN_OK;
    if (kind->items > 1)
        status = clr_resident_build(&p);
    for (int back = 0; back <= kind->train && kind->items == 1 && status == CLRNN_OK; back++)
        status = build_alone(&p, back);
    if (kind->items == 1 && status == CLRNN_OK)
        status = build_single(&p);
    if (status == CLRNN_OK)
        status = clr_buffer_create(context, SYNC_INTS * sizeof(cl_int), &p.sync);
    if (status == CLRNN_OK)
        status = clr_buffer_zero(context, p.sync, 0, SYNC_INTS * sizeof(cl_int));
    if (status != CLRNN_OK)
        clr_persistent_free(&p);
    *persistent = p;
    return status;
}

void clr_persistent_free(clr_persistent *persistent)
{
    clr_kernel_destroy(&persistent->forward.kernel);
    clr_kernel_destroy(&persistent->forward.single);
    clr_kernel_destroy(&persistent->backward.kernel);
    clr_buffer_destroy(&persistent->sync);
    clr_event_destroy(&persistent->reading);
    free(persistent->fallbacks);
    persistent->fallbacks = NULL;
}

bool clr_persistent_is_single(const clr_persistent *p, uint32_t rows, size_t inputs)
{
    /* More rows share what is read of the weights, and that of a larger network is the most. */
    const uint32_t most_rows = 3;
    const uint64_t few_weights = 1u << 14, H = p->network->desc.hidden_size;
    if (!p->forward.single || H > SINGLE_UNITS ||
        clr_cell_options(p->network) & (OPTION_PROJECTED | OPTION_RARE))
        return false;
    return rows == 1 || (rows <= most_rows && inputs <= SINGLE_INPUTS &&
                         p->network->gates * H * H <= few_weights);
}

/* Whether each group scans its rows as cl/persistent_single.cl does. */
static bool is_single(const clr_persistent *p, const scan_launch *l)
{
    const uint32_t rows = (l->N + l->row_parts - 1) / l->row_parts;
    size_t inputs = 0;
    for (uint32_t i = 0; i < l->used; i++)
        inputs = l->scans[i].I > inputs ? l->scans[i].I : inputs;
    return l->count > 0 && l->unit_parts == 1 && (!l->stacked || l->single_group) &&
           !l->has_lengths && !l->save_gates && clr_persistent_is_single(p, rows, inputs);
}

enum { most_args = 20 };

/* Enqueue a scan. args: all but the last ones, with room for those: of resident its local memory.
 */
static clrnn_status run(clr_persistent *p, const clr_scan_kernel *k, const scan_launch *l,
                        clr_arg args[most_args], size_t count)
{
    size_t items = p->kind.items;
    size_t groups = l->single_group ? 1 : (size_t)l->used * l->row_parts * l->unit_parts;
    bool waits = !l->single_group && (l->unit_parts > 1 || l->stacked);
    if (items > 1) {
        const clr_resident_room room = clr_resident_room_of(p, k == &p->backward, l->N);
        args[count++] = CLR_ARG_LOCAL(room.from_bytes);
        args[count++] = CLR_ARG_LOCAL(room.part_bytes);
    }
    cl_kernel kernel = k == &p->forward && is_single(p, l) ? k->single : k->kernel;
    const clr_range range = {{groups * items, 1}, {items, 1}};
    clrnn_status status = clr_launch(p->context, kernel, range, args, count);
    p->unread = p->unread || (status == CLRNN_OK && waits && l->count > 0);
    if (k == &p->forward) {
        p->last = status == CLRNN_OK && !waits ? kernel : NULL;
        p->last_range = range;
    }
    return status;
}

bool clr_persistent_again(clr_persistent *p, clrnn_status *status)
{
    if (p->last)
        *status = clr_launch_again(p->context, p->last, p->last_range, 0, NULL, 0);
    return p->last != NULL;
}

/* Whether the last reading is still under way. */
static bool is_reading(clr_persistent *p)
{
    if (p->reading && clr_event_happened(p->reading))
        clr_event_destroy(&p->reading);
    return p->reading != NULL;
}

clrnn_status clr_persistent_report(clr_persistent *p)
{
    if (!p->unread || is_reading(p))
        return CLRNN_OK;
    clrnn_status status =
        clr_buffer_read_event(p->context, p->sync, SYNC_FALLBACKS * sizeof(cl_int), sizeof(cl_int),
                              p->fallbacks, &p->reading);
    p->unread = status != CLRNN_OK;
    return status;
}

bool clr_persistent_fallbacks(clr_persistent *p, uint32_t *fallbacks)
{
    if (is_reading(p))
        return false;
    *fallbacks = p->fallbacks ? (uint32_t)*p->fallbacks : 0;
    return true;
}

/* The part of a launch that its shares are. */
static void fill(const clr_persistent *p, bool back, scan_launch *l, const clr_partition *s)
{
    l->used = s->scans;
    l->stacked = s->stacked;
    l->single_group = s->single_group;
    l->steal = s->steal && s->unit_parts > 1 && l->H <= CLAIMS;
    l->row_parts = s->row_parts;
    l->unit_parts = s->unit_parts;
    l->most_spins = s->most_spins;
    if (p->kind.items > 1) {
        const clr_resident_room room = clr_resident_room_of(p, back, l->N);
        l->rows = room.rows;
        l->tile = room.tile;
    }
}

clrnn_status clr_persistent_forward(clr_persistent *p, clr_forward_scan *w, const clr_partition *s)
{
    fill(p, false, &w->launch, s);
    clr_arg args[most_args] = {CLR_ARG_MEM(w->panels), CLR_ARG_MEM(w->weights),
                               CLR_ARG_MEM(w->workspace), CLR_ARG_SOME(w->x, w->workspace)};
    size_t count = 4 + clr_forward_args(w, args + 4);
    args[count++] = CLR_ARG_MEM(p->sync);
    if (p->network->normed) {
        args[count++] = CLR_ARG_MEM(w->sums);
        args[count++] = CLR_ARG_STRUCT(w->norms);
    }
    args[count++] = CLR_ARG_STRUCT(w->launch);
    return run(p, &p->forward, &w->launch, args, count);
}

clrnn_status clr_persistent_backward(clr_persistent *p, clr_backward_scan *w,
                                     const clr_partition *s)
{
    fill(p, true, &w->launch, s);
    clr_arg args[most_args] = {CLR_ARG_MEM(w->panels), CLR_ARG_MEM(w->weights),
                               CLR_ARG_MEM(w->workspace)};
    size_t count = 3 + clr_backward_args(w, args + 3);
    args[count++] = CLR_ARG_MEM(p->sync);
    if (p->network->normed) {
        args[count++] = CLR_ARG_MEM(w->sums);
        args[count++] = CLR_ARG_MEM(w->dsums);
        args[count++] = CLR_ARG_SOME(w->dz, w->dsums);
        args[count++] = CLR_ARG_STRUCT(w->norms);
    }
    args[count++] = CLR_ARG_STRUCT(w->launch);
    return run(p, &p->backward, &w->launch, args, count);
}

/* Do `groups` groups run at the same time? A launch without steps is nothing but a grid barrier. */
static clrnn_status try_grid_barrier(clr_persistent *p, uint32_t groups, bool *met)
{
    const clr_partition partition = {.scans = 1,
                                     .row_parts = 1,
                                     .unit_parts = groups,
                                     .most_spins = p->kind.items > 1 ? 1u << 14 : 1u << 20};
    clr_forward_scan scan = {.panels = p->sync,
                             .weights = p->sync,
                             .workspace = p->sync,
                             .sums = p->sync,
                             .launch = {.N = 1}};
    const size_t bytes = (SYNC_COUNTERS + 1) * sizeof(cl_int);
    cl_int flag = 0;
    clrnn_status status = clr_persistent_forward(p, &scan, &partition);
    if (status == CLRNN_OK)
        status = clr_buffer_read(p->context, p->sync, 0, sizeof flag, &flag);
    if (status == CLRNN_OK)
        status = clr_buffer_zero(p->context, p->sync, 0, bytes);
    *met = flag == 0;
    return status;
}

clrnn_status clr_persistent_probe(clr_persistent *p, uint32_t most, uint32_t *co_resident)
{
    clrnn_status status = CLRNN_OK;
    uint32_t groups = most < MOST_GROUPS ? most : MOST_GROUPS;
    for (; groups > 1 && status == CLRNN_OK; groups -= groups > 8 ? groups / 4 : 1) {
        bool met = true;
        for (int again = 0; again < 4 && met && status == CLRNN_OK; again++)
            status = try_grid_barrier(p, groups, &met);
        if (met)
            break;
    }
    *co_resident = groups ? groups : 1;
    return status;
}
