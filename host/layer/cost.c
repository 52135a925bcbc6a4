/* SPDX-License-Identifier: MIT
 * layer/cost.c - see layer/cost.h: the clocks of a step, as in tools/roofline. */
#include "layer/cost.h"

#include <math.h>

#include "math/fused.h"
#include "math/resident.h"
#include "math/scan.h"

/* A GPU of today, in clocks, and in multiply-adds and bytes of local memory a clock of a compute
 * unit. */
static const double lanes = 128, local_bytes = 128;
/* Bytes a clock from its largest cache, of each unit while all read and at most; clocks of a
 * launch, a grid barrier, a barrier, a read of that cache. Assumed: no GPU has been measured yet.
 */
static const double near_bytes = 20, most_bytes = 64, launch = 4500, meet = 2000, barrier = 45,
                    latency = 600;
enum { items = CLR_RESIDENT_MOST, simd = 32, number = sizeof(cl_float) };

static uint32_t smaller(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

static uint32_t larger(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

static uint32_t parts_of(uint32_t whole, uint32_t part)
{
    return (whole + part - 1) / part;
}

static double most_of(double a, double b, double c)
{
    const double ab = a > b ? a : b;
    return ab > c ? ab : c;
}

/* cl/resident.cl, cut as by math/resident.c and layer/resident.c; of a cell with two phases its
 * products as one. units: of the device, for one direction. */
static double of_resident(const clr_network *n, uint32_t units, uint32_t N)
{
    const uint32_t H = n->desc.hidden_size, K = n->state_size, gates = n->gates;
    const uint32_t k_lanes = LANES_OF(K), lane = LONGEST_OF(K) * ROUNDS_OF(K);
    const uint32_t places = items / k_lanes;
    const bool beside = gates == 3 || n->form->phases > 1 || n->desc.proj_size;
    const uint32_t take = clr_resident_take(gates);
    const uint32_t kept =
        smaller(lane, (beside ? CLR_RESIDENT_KEPT_BESIDE : CLR_RESIDENT_KEPT) / take);
    const uint32_t at_once = larger(places * take / gates, 1);
    const uint32_t blocks = parts_of(N, LANE_ROWS), fewest = parts_of(H, at_once);
    const uint32_t spread =
        larger(smaller(units / blocks, parts_of(H, CLR_RESIDENT_LEAST_UNITS)), fewest);
    const uint32_t unit_parts = smaller(spread, units);
    const uint32_t row_parts = larger(smaller(units / unit_parts, blocks), 1);
    const uint32_t own = parts_of(H, unit_parts), passes = parts_of(own, at_once);
    const uint32_t rows = parts_of(N, row_parts);
    /* Of a pass, if a group has not units enough for all its work-items; and what a unit of the
     * device gets of what all read together. */
    const double used = own < at_once ? (double)own / at_once : 1;
    const double share = near_bytes * units / (unit_parts * row_parts);
    const double bytes = share < most_bytes ? share : most_bytes;
    double clocks = 2 * barrier + latency + (unit_parts > 1 ? n->form->phases * meet : 0);
    for (int last = 0; last < 2; last++) { /* all blocks of rows but the last one, and that */
        const uint32_t full = rows / LANE_ROWS, rest = rows % LANE_ROWS;
        const double height = last ? rest : LANE_ROWS, times = last ? rest > 0 : full;
        const double multiplied = used * items * take * height * lane / lanes;
        const double read = used * items / simd * height * lane / 4;
        const double brought = used * items * take * number / bytes;
        const double waited = ceil(height * lane / (places * LANE_BROUGHT)) * latency;
        const double summed = used * places * take * height * k_lanes * number / local_bytes;
        clocks += times * (waited + most_of(multiplied, read, brought * (lane - kept)) +
                           (passes - 1) * most_of(multiplied, read, brought * lane) +
                           passes * (summed + 2 * barrier));
    }
    return clocks;
}

/* cl/fused_product.cl. */
static double of_fused(const clr_network *n, uint32_t units, uint32_t N)
{
    const uint32_t columns = n->gates * n->desc.hidden_size;
    const uint32_t rows = clr_fused_rows(CLRNN_F32, N), item = rows / FUSED_SIDE;
    const uint32_t width = n->gates == 3 ? 3 * FUSED_SIDE : 4 * FUSED_SIDE;
    const uint32_t groups = parts_of(columns, width) * parts_of(N, rows);
    const uint32_t turns = parts_of(groups, units);
    const double share = near_bytes * units / smaller(groups, units);
    const double bytes = share < most_bytes ? share : most_bytes;
    const double multiplied = items * item * 4 / lanes;
    const double read = (double)items / simd * (2 + parts_of(item, 4));
    const double brought = 4 * FUSED_SIDE * number / bytes;
    const double tiles = parts_of(n->state_size, FUSED_SIDE);
    return turns * (n->state_size * most_of(multiplied, read, brought) + tiles * barrier) +
           n->form->phases * launch + 2 * latency;
}

bool clr_resident_is_faster(const clr_network *network, uint32_t compute_units, uint32_t rows)
{
    const uint32_t units = larger(compute_units / (network->desc.bidirectional ? 2 : 1), 1);
    return of_resident(network, units, rows) <= of_fused(network, units, rows);
}
