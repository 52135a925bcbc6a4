/* SPDX-License-Identifier: MIT
 * math/fused.c - see math/fused.h. */
#include "math/fused.h"

#include "device/launch.h"
#include "device/program.h"
#include "math/cell.h"
#include "math/sources.h"

enum { side = FUSED_SIDE, items = side * side, columns = FUSED_COLUMNS, most_args = 16 };

/* Of 128 rows three reads of local memory serve 32 multiply-adds, of 64 two serve 16; but half as
 * many groups must still be enough for a device, which they are of this many rows. (Counted. In
 * double 128 rows spill 39 to 100 registers of AMD's parts: tools/offline.) */
enum { usual_rows = 64, many_rows = 512 };

uint32_t clr_fused_rows(clrnn_precision precision, uint32_t batch)
{
    uint32_t rows = side;
    while (rows < usual_rows && rows < batch)
        rows *= 2;
    return batch > many_rows && precision == CLRNN_F32 ? CLR_FUSED_MOST_ROWS : rows;
}

uint32_t clr_fused_batch(uint32_t rows)
{
    return rows == CLR_FUSED_MOST_ROWS ? many_rows + 6 : rows == usual_rows ? rows + 6 : rows - 6;
}

/* Two tiles, and in the same place at the end all sums. */
static size_t local_bytes(clrnn_precision precision, uint32_t rows)
{
    const size_t tiles = FUSED_NUMBERS(rows);
    const size_t sums = (size_t)rows * side * columns;
    return (tiles > sums ? tiles : sums) *
           (precision == CLRNN_F64 ? sizeof(cl_double) : sizeof(cl_float));
}

/* --- packing --------------------------------------------------------------------------------- */

static size_t panels_bytes(const clr_gemms *g, size_t n, size_t k)
{
    return clr_packed_panel_count(&g->packed, side, n, k) *
           clr_storage_bytes(g->storage, g->precision);
}

static bool whole_panels(const clr_gemms *g, size_t n)
{
    (void)g;
    return n % side == 0;
}

static clrnn_status pack_panels(clr_gemms *g, const clr_packed_matrix *m)
{
    return clr_packed_pack(&g->packed, side, m->from, m->transposed, m->n, m->k, m->buffer, m->at);
}

const clr_packing clr_packing_fused = {
    .bytes = panels_bytes, .seamless = whole_panels, .pack = pack_panels};

/* --- kernels --------------------------------------------------------------------------------- */

const char *clr_fused_refuses(const clrnn_context *context, clrnn_precision precision)
{
    if (context->info.max_work_group < items)
        return "it needs work-groups of 256 work-items, more than the device has; use stepwise";
    if (context->info.local_memory < local_bytes(precision, side))
        return "a tile of what it multiplies does not fit the local memory of a work-group; use "
               "stepwise";
    return NULL;
}

static clrnn_status build(clr_fused *k, clrnn_storage storage, bool back)
{
    const clr_source *const sources[] = {
        &clr_cl_storage, &clr_cl_scan_launch,
        &clr_cl_scan,    back ? &clr_cl_scan_backward : &clr_cl_scan_forward,
        &clr_cl_fused,   back ? &clr_cl_fused_backward : &clr_cl_fused_forward};
    const clr_define own[] = {{"ROWS_ITEM", (long)(k->rows / side)}};
    const clr_kernel_place forward[] = {{"fused_forward", &k->forward},
                                        {"fused_forward_second", &k->second}};
    const clr_kernel_place backward[] = {{"fused_backward_first", &k->back_first},
                                         {"fused_backward", &k->back},
                                         {"fused_backward_second", &k->back_second}};
    const bool second = k->network->form->phases > 1 || k->network->desc.proj_size > 0;
    cl_program program = NULL;
    clrnn_status status = clr_cell_program(k->context, k->network, k->precision, storage, sources,
                                           CLR_COUNT(sources), own, CLR_COUNT(own), &program);
    if (status == CLRNN_OK)
        status = clr_kernels_create(k->context, program, back ? backward : forward,
                                    (back ? 2 : 1) + second);
    return status;
}

clrnn_status clr_fused_init(clrnn_context *context, const clr_network *network,
                            clrnn_precision precision, clrnn_storage storage, bool train,
                            uint32_t batch, clr_fused *fused)
{
    clr_fused k = {.context = context,
                   .network = network,
                   .precision = precision,
                   .rows = clr_fused_rows(precision, batch)};
    while (k.rows > side && local_bytes(precision, k.rows) > context->info.local_memory)
        k.rows /= 2;
    clrnn_status status = build(&k, storage, false);
    if (status == CLRNN_OK && train)
        status = build(&k, storage, true);
    if (status != CLRNN_OK)
        clr_fused_free(&k);
    *fused = k;
    return status;
}

void clr_fused_free(clr_fused *k)
{
    clr_kernel_destroy(&k->forward);
    clr_kernel_destroy(&k->second);
    clr_kernel_destroy(&k->back_first);
    clr_kernel_destroy(&k->back);
    clr_kernel_destroy(&k->back_second);
}

/* Groups side by side of a direction, for products of `gates` columns to each of `units`. */
static uint32_t tiles_of(uint32_t units, uint32_t gates)
{
    const uint32_t blocks = gates == 1 ? columns : gates == 2 ? columns / 2 : 1;
    return (units + side * blocks - 1) / (side * blocks);
}

/* Enqueue a kernel for a step: its `count` arrays, then the number of the step, which is all that
 * is new after the first one of a launch. args: with room for what follows. */
static clrnn_status run(const clr_fused *k, cl_kernel kernel, const scan_launch *l, uint32_t tiles,
                        clr_arg args[most_args], size_t count, uint32_t number)
{
    const size_t arrays = count, down = (l->N + k->rows - 1) / k->rows;
    const clr_range range = {{(size_t)l->used * tiles * items, down}, {items, 1}};
    args[count++] = CLR_ARG_UINT(number);
    if (number > 0)
        return clr_launch_again(k->context, kernel, range, arrays, &args[arrays], 1);
    args[count++] = CLR_ARG_UINT(tiles);
    args[count++] = CLR_ARG_STRUCT(*l);
    args[count++] = CLR_ARG_LOCAL(local_bytes(k->precision, k->rows));
    return clr_launch(k->context, kernel, range, args, count);
}

clrnn_status clr_fused_forward(clr_fused *k, const clr_forward_scan *w, uint32_t index,
                               uint32_t phase)
{
    const clr_cell_form *form = k->network->form;
    const scan_launch *l = &w->launch;
    const uint32_t gates = phase < form->phases ? form->phase[phase].count : 1;
    const uint32_t tiles = tiles_of(phase < form->phases ? l->H : l->R, gates);
    clr_arg args[most_args] = {CLR_ARG_MEM(w->panels), CLR_ARG_MEM(w->weights),
                               CLR_ARG_MEM(w->workspace)};
    const size_t count = 3 + clr_forward_args(w, args + 3);
    return run(k, phase ? k->second : k->forward, l, tiles, args, count, index);
}

static clrnn_status run_back(clr_fused *k, const clr_backward_scan *w, uint32_t number,
                             bool recurrent)
{
    const scan_launch *l = &w->launch;
    const uint32_t tiles = tiles_of(recurrent ? l->R : l->H, 1);
    clr_arg args[most_args] = {CLR_ARG_MEM(w->panels), CLR_ARG_MEM(w->weights),
                               CLR_ARG_MEM(w->workspace)};
    const size_t count = 3 + clr_backward_args(w, args + 3);
    return run(k, recurrent ? k->back : k->back_second, l, tiles, args, count, number);
}

clrnn_status clr_fused_back_first(clr_fused *k, const clr_backward_scan *w)
{
    const scan_launch *l = &w->launch;
    clr_arg args[most_args] = {CLR_ARG_MEM(w->weights), CLR_ARG_MEM(w->workspace)};
    size_t count = 2 + clr_backward_args(w, args + 2);
    args[count++] = CLR_ARG_STRUCT(*l);
    const clr_range range = {{(size_t)l->used * l->R, l->N}, {0, 0}};
    return clr_launch(k->context, k->back_first, range, args, count);
}

clrnn_status clr_fused_back(clr_fused *k, const clr_backward_scan *w, uint32_t number)
{
    return run_back(k, w, number, true);
}

clrnn_status clr_fused_back_second(clr_fused *k, const clr_backward_scan *w, uint32_t number)
{
    return run_back(k, w, number, false);
}
