/* SPDX-License-Identifier: MIT
 * math/resident.c - see math/resident.h: fitting a network into registers and local memory. */
#include "math/resident.h"

#include "base/log.h"
#include "device/compiler.h"
#include "device/launch.h"
#include "math/cell.h"
#include "math/packed.h"
#include "math/sources.h"

/* In floats. Of 128 clang spills 73 to 79 registers on every part of AMD's, Intel's compiler 177 to
 * 266, and ptxas leaves none of 255 free; of 64 only Intel's spills any, 22 to 54, and only for two
 * products in a step (tools/offline). */
enum { most_kept = 64, least_kept = 16, cpu_kept = 8 };

/* How long the sums of the two products of a step are (the second may be absent, 0). */
typedef struct clr_lengths {
    uint32_t first, second;
} clr_lengths;

static clr_lengths lengths_of(const clr_network *n, bool back)
{
    uint32_t H = n->desc.hidden_size, R = n->state_size;
    bool projected = n->desc.proj_size > 0;
    if (back)
        return (clr_lengths){n->form->phase[0].count * H, n->form->phases > 1 ? H
                                                          : projected         ? R
                                                                              : 0};
    return (clr_lengths){R, n->form->phases > 1 || projected ? H : 0};
}

/* Share `budget` weights: TAKE columns of the first product, one of the second, KEPT of each. */
static void share_out(clr_lengths k, uint32_t budget, clr_scan_kernel *out)
{
    uint32_t lane = LANE_OF(k.first);
    if (k.second) {
        out->take = lane <= budget / 4 ? 2 : 1;
        out->kept = budget / 2 / out->take;
    } else {
        /* A number read from local memory is multiplied by two columns or more; with one of 64
         * clang copies 11 registers of an MI210 to others (tools/offline). */
        out->take = lane <= budget / 4 ? 4 : 2;
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

/* Drivers align the local memory of each argument. */
static size_t aligned(size_t bytes)
{
    return (bytes + 127) / 128 * 128;
}

/* Whether the local memory of a group is enough for `rows` rows at once. */
static bool has_room(const clr_persistent *p, const clr_scan_kernel *k, uint32_t rows)
{
    size_t real = real_bytes(p->kind.precision);
    size_t arguments =
        aligned(rows * k->numbers * real) + aligned((size_t)rows * k->take * p->kind.items * real);
    return k->own_bytes + arguments <= p->context->info.local_memory;
}

/* Lay out the kernel of one way through time; its own local memory is not yet known. */
static void lay_out(const clr_persistent *p, bool back, uint32_t budget, clr_scan_kernel *kernel)
{
    const clr_lengths k = lengths_of(p->network, back);
    share_out(k, budget, kernel);
    kernel->numbers = numbers_of(k, kernel->kept);
    kernel->own_bytes = 0;
}

/* Whether it is worth building for this size of group: there is room for the arguments alone. */
static bool may_fit(const clr_persistent *p, uint32_t budget)
{
    bool fits = p->kind.items <= p->context->info.max_work_group;
    for (int back = 0; back <= p->kind.train; back++) {
        clr_scan_kernel kernel;
        lay_out(p, back, budget, &kernel);
        fits = fits && has_room(p, &kernel, 1);
    }
    return fits;
}

static clrnn_status build(clr_persistent *p, bool back, uint32_t budget, clr_scan_kernel *kernel)
{
    const clr_source *const sources[] = {&clr_cl_storage,
                                         &clr_cl_scan_launch,
                                         &clr_cl_scan,
                                         back ? &clr_cl_scan_backward : &clr_cl_scan_forward,
                                         &clr_cl_partition,
                                         &clr_cl_resident,
                                         back ? &clr_cl_resident_backward
                                              : &clr_cl_resident_forward};
    lay_out(p, back, budget, kernel);
    const clr_define own[] = {{"WG", (long)p->kind.items},
                              {"TAKE", (long)kernel->take},
                              {"KEPT", (long)kernel->kept},
                              {"TILE_N", (long)p->tile_n},
                              /* A program for each network: PoCL 6 does not compile one for all of
                               * those with rare options. */
                              {"OPTIONS", (long)clr_cell_options(p->network)},
                              {CLR_LANGUAGE, clr_fence_language(&p->context->info)}};
    cl_program program = NULL;
    clrnn_status status =
        clr_cell_program(p->context, p->network, p->kind.precision, p->kind.storage, sources,
                         CLR_COUNT(sources), own, CLR_COUNT(own), &program);
    if (status == CLRNN_OK)
        status = clr_kernel_create(
            p->context, program, back ? "resident_backward" : "resident_forward", &kernel->kernel);
    if (status == CLRNN_OK)
        status = clr_kernel_local(p->context, kernel->kernel, &kernel->own_bytes);
    return status;
}

/* The same, with half of the budget while registers do not suffice, if that is not told. */
static clrnn_status build_one(clr_persistent *p, bool back, uint32_t budget)
{
    clr_scan_kernel *kernel = back ? &p->backward : &p->forward;
    bool cpu = p->context->info.type & CL_DEVICE_TYPE_CPU;
    clrnn_status status = build(p, back, budget, kernel);
    while (status == CLRNN_OK && !p->kind.kept && !cpu && budget > least_kept &&
           clr_kernel_spilled(p->context, kernel->kernel) > 0) {
        budget /= 2;
        clr_kernel_destroy(&kernel->kernel);
        status = build(p, back, budget, kernel);
    }
    return status;
}

static bool all_have_room(const clr_persistent *p, uint32_t rows)
{
    return has_room(p, &p->forward, rows) && (!p->kind.train || has_room(p, &p->backward, rows));
}

clrnn_status clr_resident_build(clr_persistent *p)
{
    const uint32_t budget =
        p->kind.kept ? p->kind.kept : largest_budget(p->context, p->kind.precision);
    clrnn_status status = CLRNN_OK;
    for (; p->kind.items >= CLR_RESIDENT_LEAST; p->kind.items /= 2) {
        if (!may_fit(p, budget))
            continue;
        for (int back = 0; back <= p->kind.train && status == CLRNN_OK; back++)
            status = build_one(p, back, budget);
        if (status != CLRNN_OK)
            return status;
        if (all_have_room(p, 1)) {
            clr_log(&p->context->log, CLRNN_LOG_DEBUG,
                    "resident: %u work-items, each with %u x %u weights in registers; %zu bytes of "
                    "local memory before those of rows",
                    p->kind.items, p->forward.take, p->forward.kept, p->forward.own_bytes);
            return CLRNN_OK;
        }
        clr_kernel_destroy(&p->forward.kernel);
        clr_kernel_destroy(&p->backward.kernel);
    }
    return CLRNN_ERR_UNSUPPORTED;
}

clrnn_status clr_resident_try(clrnn_context *context, const clr_network *network,
                              const clr_scan_kind *kind)
{
    clr_persistent p = {.context = context,
                        .network = network,
                        .kind = *kind,
                        .tile_n = clr_packed_width(context, kind->precision)};
    clrnn_status status = clr_resident_build(&p);
    clr_kernel_destroy(&p.forward.kernel);
    clr_kernel_destroy(&p.backward.kernel);
    return status;
}

uint32_t clr_resident_units(const clr_persistent *p, bool back)
{
    const clr_network *n = p->network;
    const clr_scan_kernel *k = back ? &p->backward : &p->forward;
    uint32_t columns = p->kind.items / LANES_OF(lengths_of(n, back).first) * k->take;
    return columns / (back ? 1 : n->form->phase[0].count);
}

uint32_t clr_resident_rows(const clr_persistent *p, uint32_t N)
{
    return N > 1 && all_have_room(p, LANE_ROWS) ? LANE_ROWS : 1;
}
