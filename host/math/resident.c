/* SPDX-License-Identifier: MIT
 * math/resident.c - see math/resident.h: fitting a network into registers and local memory. */
#include "math/resident.h"

#include "base/log.h"
#include "device/launch.h"
#include "math/cell.h"
#include "math/sources.h"

enum { most_kept = 128, least_kept = 16, cpu_kept = 8 }; /* floats */

/* How long the sums of the two products of a step are (the second may be absent, 0). */
typedef struct clr_lengths {
    uint32_t first, second;
} clr_lengths;

static clr_lengths lengths_of(const clr_network *n, bool back)
{
    uint32_t H = n->desc.hidden_size, R = n->state;
    bool projected = n->desc.proj_size > 0;
    if (back)
        return (clr_lengths){n->form->phase[0].count * H, n->form->phases > 1 ? H
                                                          : projected         ? R
                                                                              : 0};
    return (clr_lengths){R, n->form->phases > 1 || projected ? H : 0};
}

/* Share `budget` weights: TAKE columns of the first product, one of the second, KEPT of each. */
static void share_out(clr_lengths k, uint32_t budget, clr_walk_kernel *out)
{
    uint32_t lane = LANE_OF(k.first);
    if (k.second) {
        out->take = lane <= budget / 4 ? 2 : 1;
        out->kept = budget / 2 / out->take;
    } else {
        out->take = lane <= budget / 4 ? 4 : lane <= budget / 2 ? 2 : 1;
        out->kept = budget / out->take;
    }
}

/* Numbers in local memory for one row of the longer product. */
static size_t numbers_of(clr_lengths k, uint32_t kept)
{
    size_t most = 0;
    for (int i = 0; i < 2; i++) {
        uint32_t K = i ? k.second : k.first, lane = LANE_OF(K);
        size_t numbers = (size_t)LANES_OF(K) * (lane > kept ? lane : kept);
        most = numbers > most ? numbers : most;
    }
    return most;
}

static size_t real_bytes(clrnn_precision precision)
{
    return precision == CLRNN_F64 ? sizeof(cl_double) : sizeof(cl_float);
}

/* The most weights that a work-item is asked to keep, if nothing is said. A CPU has few registers,
 * and there this strategy is for tests. */
static uint32_t largest_budget(const clrnn_context *context, clrnn_precision precision)
{
    bool cpu = context->info.type & CL_DEVICE_TYPE_CPU;
    return (cpu ? cpu_kept : most_kept) / (precision == CLRNN_F64 ? 2 : 1);
}

/* Local memory that `rows` rows at once take. */
static size_t local_bytes(clr_lengths k, uint32_t budget, uint32_t items, uint32_t rows,
                          clrnn_precision precision)
{
    clr_walk_kernel kernel;
    share_out(k, budget, &kernel);
    return rows * (numbers_of(k, kernel.kept) + (size_t)kernel.take * items) *
           real_bytes(precision);
}

/* All but what a kernel itself and some drivers take. */
static size_t local_room(const clrnn_context *context)
{
    const size_t others = 256;
    return context->info.local_memory > others ? (size_t)context->info.local_memory - others : 0;
}

uint32_t clr_resident_items(const clrnn_context *context, const clr_network *network,
                            clrnn_precision precision, bool train)
{
    const uint32_t least = 4 * MOST_LANES; /* CELL_GATES of each lane */
    const uint32_t budget = largest_budget(context, precision);
    for (uint32_t items = 256; items >= least; items /= 2) {
        bool fits = items <= context->info.max_work_group;
        for (int back = 0; back <= train; back++)
            fits = fits && local_bytes(lengths_of(network, back), budget, items, 1, precision) <=
                               local_room(context);
        if (fits)
            return items;
    }
    return 0;
}

static clrnn_status build(clr_persistent *p, bool back, uint32_t budget, clr_walk_kernel *kernel)
{
    const clr_source *const sources[] = {&clr_cl_storage,
                                         &clr_cl_walk_launch,
                                         &clr_cl_walk,
                                         back ? &clr_cl_walk_backward : &clr_cl_walk_forward,
                                         &clr_cl_partition,
                                         &clr_cl_resident,
                                         back ? &clr_cl_resident_backward
                                              : &clr_cl_resident_forward};
    const clr_lengths k = lengths_of(p->network, back);
    share_out(k, budget, kernel);
    kernel->numbers = numbers_of(k, kernel->kept);
    const clr_define own[] = {{"WG", (long)p->kind.items},
                              {"TAKE", (long)kernel->take},
                              {"KEPT", (long)kernel->kept},
                              {"TILE_N", (long)p->tile_n}};
    cl_program program = NULL;
    clrnn_status status =
        clr_cell_program(p->context, p->network, p->kind.precision, p->kind.storage, sources,
                         CLR_COUNT(sources), own, CLR_COUNT(own), &program);
    if (status == CLRNN_OK)
        status = clr_kernel_create(
            p->context, program, back ? "resident_backward" : "resident_forward", &kernel->kernel);
    return status;
}

clrnn_status clr_resident_build(clr_persistent *p, bool back)
{
    clr_walk_kernel *kernel = back ? &p->backward : &p->forward;
    uint32_t budget = p->kind.kept ? p->kind.kept : largest_budget(p->context, p->kind.precision);
    bool cpu = p->context->info.type & CL_DEVICE_TYPE_CPU;
    clrnn_status status = build(p, back, budget, kernel);
    while (status == CLRNN_OK && !p->kind.kept && !cpu && budget > least_kept &&
           clr_kernel_spilled(p->context, kernel->kernel) > 0) {
        budget /= 2;
        clr_kernel_destroy(&kernel->kernel);
        status = build(p, back, budget, kernel);
    }
    if (status == CLRNN_OK)
        clr_log(&p->context->log, CLRNN_LOG_DEBUG,
                "resident: %u work-items, each with %u x %u weights in registers", p->kind.items,
                kernel->take, kernel->kept);
    return status;
}

uint32_t clr_resident_units(const clr_persistent *p, bool back)
{
    const clr_network *n = p->network;
    const clr_walk_kernel *k = back ? &p->backward : &p->forward;
    uint32_t columns = p->kind.items / LANES_OF(lengths_of(n, back).first) * k->take;
    return columns / (back ? 1 : n->form->phase[0].count);
}

uint32_t clr_resident_rows(const clr_persistent *p, uint32_t N)
{
    const clr_walk_kernel *const kernels[] = {&p->forward, &p->backward};
    if (N == 1)
        return 1;
    for (int back = 0; back <= p->kind.train; back++) {
        const clr_walk_kernel *k = kernels[back];
        size_t row = k->numbers + (size_t)k->take * p->kind.items;
        if (LANE_ROWS * row * real_bytes(p->kind.precision) > local_room(p->context))
            return 1;
    }
    return LANE_ROWS;
}
