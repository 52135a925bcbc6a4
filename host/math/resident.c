/* SPDX-License-Identifier: MIT
 * math/resident.c - see math/resident.h: fitting a network into registers and local memory. */
#include "math/resident.h"

#include "base/log.h"
#include "device/compiler.h"
#include "device/launch.h"
#include "math/cell.h"
#include "math/sources.h"
#include "math/storage.h"

/* As CLR_RESIDENT_KEPT, for numbers in double; for those that are widened when they are multiplied;
 * the fewest after spills; and on a CPU. */
enum { most_double = 64, most_stored = 32, least_kept = 16, cpu_kept = 8 };

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

static size_t real_bytes(clrnn_precision precision)
{
    return precision == CLRNN_F64 ? sizeof(cl_double) : sizeof(cl_float);
}

static uint32_t smaller(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

static uint32_t larger(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

/* PIECE of cl/storage.cl. */
static uint32_t piece_of(const clr_persistent *p)
{
    return (uint32_t)(PIECE_BYTES / clr_storage_bytes(p->kind.storage, p->kind.precision));
}

uint32_t clr_resident_take(uint32_t gates)
{
    return gates == 3 ? 6 : 4;
}

/* TAKE_2. Two columns of one gate in double or in 16 bits: of four an MI210 copies 5 or 6 registers
 * of a GRU to others (tools/offline). */
static uint32_t second_take(const clr_persistent *p, uint32_t gates)
{
    const size_t bytes = clr_storage_bytes(p->kind.storage, p->kind.precision);
    return gates == 1 && (bytes == sizeof(cl_double) || bytes == sizeof(cl_half))
               ? 2
               : clr_resident_take(gates);
}

/* The weights that a work-item is asked to keep: what is told, or the most. A CPU has few
 * registers, and there this strategy is for tests. */
static uint32_t budget_of(const clr_persistent *p, bool back)
{
    const bool twice = p->kind.precision == CLRNN_F64;
    if (p->kind.kept)
        return p->kind.kept;
    if (p->context->info.type & CL_DEVICE_TYPE_CPU)
        return cpu_kept / (twice ? 2 : 1);
    if (p->kind.storage != CLRNN_WEIGHTS_F32)
        return most_stored;
    if (twice)
        return most_double / 2;
    const bool beside =
        lengths_of(p->network, back).second ||
        clr_resident_take(back ? 1 : p->network->form->phase[0].count) != clr_resident_take(1) ||
        clr_cell_options(p->network) & OPTION_RARE;
    return beside ? CLR_RESIDENT_KEPT_BESIDE : CLR_RESIDENT_KEPT;
}

/* The pieces of a column that are kept, of `pieces` for all columns: no more than every chain has.
 */
static uint32_t kept_of(const clr_persistent *p, uint32_t pieces, uint32_t take)
{
    return larger(smaller(pieces / take, LEAST_CHAIN / piece_of(p)), 1);
}

/* Share `budget` weights out, the same way for all sizes: so what is built for one stands for
 * others (layer/self_test.c). */
static void share_out(const clr_persistent *p, bool back, uint32_t budget, clr_scan_kernel *out)
{
    const clr_network *n = p->network;
    const bool two = lengths_of(n, back).second;
    const uint32_t pieces = (uint32_t)(budget * real_bytes(p->kind.precision) / PIECE_BYTES);
    out->take[0] = clr_resident_take(back ? 1 : n->form->phase[0].count);
    out->take[1] = second_take(p, back || n->form->phases == 1 ? 1 : n->form->phase[1].count);
    out->kept[0] = kept_of(p, two ? pieces / 2 : pieces, out->take[0]);
    out->kept[1] = two ? kept_of(p, pieces / 2, larger(out->take[1], clr_resident_take(1))) : 1;
}

/* Drivers align the local memory of each argument. */
static size_t aligned(size_t bytes)
{
    return (bytes + 127) / 128 * 128;
}

/* Bytes of what is multiplied, one row, `tile` pieces of each chain at once: as product_begin. */
static size_t from_bytes(const clr_persistent *p, bool back, const clr_scan_kernel *kernel,
                         uint32_t tile)
{
    const clr_lengths k = lengths_of(p->network, back);
    const uint32_t piece = piece_of(p);
    const size_t wide = PIECE_BYTES / real_bytes(p->kind.precision);
    size_t most = 0;
    for (int i = 0; i < 2; i++) {
        const uint32_t K = i ? k.second : k.first;
        const size_t pieces = larger(smaller(PIECES_OF(K, piece), tile), kernel->kept[i]);
        const size_t bytes = LANES_OF(K) * (pieces * piece / wide | 1) * PIECE_BYTES;
        most = K && bytes > most ? bytes : most;
    }
    return most;
}

/* The pieces of the longest chain, and those that must be there at once. */
static uint32_t longest_tile(const clr_persistent *p, bool back)
{
    const clr_lengths k = lengths_of(p->network, back);
    return larger(PIECES_OF(k.first, piece_of(p)), PIECES_OF(k.second, piece_of(p)));
}

static uint32_t least_tile(const clr_scan_kernel *kernel)
{
    return larger(kernel->kept[0], kernel->kept[1]);
}

/* The largest tile for so many rows, or 0. */
static uint32_t tile_for(const clr_persistent *p, bool back, const clr_scan_kernel *kernel,
                         size_t part_bytes, uint32_t rows)
{
    const size_t all = p->context->info.local_memory;
    const uint32_t least = least_tile(kernel);
    for (uint32_t tile = larger(longest_tile(p, back), least);; tile = (tile + 1) / 2) {
        if (tile < least)
            tile = least;
        if (kernel->own_bytes + aligned(rows * from_bytes(p, back, kernel, tile)) +
                aligned(part_bytes) <=
            all)
            return tile;
        if (tile == least)
            return 0;
    }
}

/* The room of a kernel for up to `most` rows. */
static clr_resident_room room_for(const clr_persistent *p, bool back, const clr_scan_kernel *kernel,
                                  uint32_t most)
{
    const size_t sums =
        larger(kernel->take[0], lengths_of(p->network, back).second ? kernel->take[1] : 0);
    clr_resident_room room = {.rows = 0};
    for (uint32_t rows = most; rows && !room.rows; rows--) {
        const size_t part = rows * sums * p->kind.items * real_bytes(p->kind.precision);
        const uint32_t tile = tile_for(p, back, kernel, part, rows);
        if (tile)
            room = (clr_resident_room){rows, tile, rows * from_bytes(p, back, kernel, tile), part};
    }
    return room;
}

clr_resident_room clr_resident_room_of(const clr_persistent *p, bool back, uint32_t N)
{
    return room_for(p, back, back ? &p->backward : &p->forward, smaller(N ? N : 1, LANE_ROWS));
}

/* Whether it is worth building for this size of group: there is room for the arguments alone. */
static bool may_fit(const clr_persistent *p)
{
    bool fits = p->kind.items <= p->context->info.max_work_group;
    for (int back = 0; back <= p->kind.train; back++) {
        clr_scan_kernel kernel = {.own_bytes = 0};
        share_out(p, back, budget_of(p, back), &kernel);
        fits = fits && room_for(p, back, &kernel, 1).rows;
    }
    return fits;
}

static clrnn_status build(clr_persistent *p, bool back, uint32_t budget, clr_scan_kernel *kernel)
{
    const bool stored = p->kind.storage != CLRNN_WEIGHTS_F32; /* else there is no conversion */
    const clr_source *const sources[] = {
        &clr_cl_storage,
        &clr_cl_convert,
        &clr_cl_scan_launch,
        &clr_cl_lanes,
        &clr_cl_scan,
        back ? &clr_cl_scan_backward : &clr_cl_scan_forward,
        &clr_cl_partition,
        &clr_cl_resident,
        back ? &clr_cl_resident_backward : &clr_cl_resident_forward};
    const clr_source *used[CLR_COUNT(sources)];
    size_t count = 0;
    for (size_t i = 0; i < CLR_COUNT(sources); i++)
        if (stored || sources[i] != &clr_cl_convert)
            used[count++] = sources[i];
    share_out(p, back, budget, kernel);
    kernel->own_bytes = 0;
    const clr_define own[] = {{"WG", (long)p->kind.items},
                              {"TAKE", (long)kernel->take[0]},
                              {"KEPT", (long)kernel->kept[0]},
                              {"TAKE_2", (long)kernel->take[1]},
                              {"KEPT_2", (long)kernel->kept[1]},
                              /* A program for each network: PoCL 6 does not compile one for all of
                               * those with rare options. */
                              {"OPTIONS", (long)clr_cell_options(p->network)},
                              {CLR_LANGUAGE, clr_fence_language(&p->context->info)}};
    cl_program program = NULL;
    clrnn_status status =
        clr_cell_program(p->context, p->network, p->kind.precision, p->kind.storage, used, count,
                         own, CLR_COUNT(own), &program);
    if (status == CLRNN_OK)
        status = clr_kernel_create(
            p->context, program, back ? "resident_backward" : "resident_forward", &kernel->kernel);
    if (status == CLRNN_OK)
        status = clr_kernel_local(p->context, kernel->kernel, &kernel->own_bytes);
    if (!back)
        p->packs = program;
    return status;
}

/* The same, with half of the budget while registers do not suffice, if that is not told. */
static clrnn_status build_one(clr_persistent *p, bool back)
{
    uint32_t budget = budget_of(p, back);
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

static bool has_room(const clr_persistent *p)
{
    return clr_resident_room_of(p, false, 1).rows &&
           (!p->kind.train || clr_resident_room_of(p, true, 1).rows);
}

clrnn_status clr_resident_build(clr_persistent *p)
{
    clrnn_status status = CLRNN_OK;
    for (; p->kind.items >= CLR_RESIDENT_LEAST; p->kind.items /= 2) {
        if (!may_fit(p))
            continue;
        for (int back = 0; back <= p->kind.train && status == CLRNN_OK; back++)
            status = build_one(p, back);
        if (status != CLRNN_OK)
            return status;
        if (has_room(p)) {
            clr_log(&p->context->log, CLRNN_LOG_DEBUG,
                    "resident: %u work-items, each with %u x %u weights in registers; %zu bytes of "
                    "local memory before those of rows",
                    p->kind.items, p->forward.take[0], p->forward.kept[0] * piece_of(p),
                    p->forward.own_bytes);
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
    clr_persistent p = {.context = context, .network = network, .kind = *kind};
    clrnn_status status = clr_resident_build(&p);
    clr_kernel_destroy(&p.forward.kernel);
    clr_kernel_destroy(&p.backward.kernel);
    return status;
}

uint32_t clr_resident_units(const clr_persistent *p, bool back)
{
    const clr_network *n = p->network;
    const clr_scan_kernel *k = back ? &p->backward : &p->forward;
    const uint32_t places = p->kind.items / LANES_OF(lengths_of(n, back).first);
    return places * k->take[0] / (back ? 1 : n->form->phase[0].count);
}
