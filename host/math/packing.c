/* SPDX-License-Identifier: MIT
 * math/packing.c - see math/packing.h. */
#include "math/packing.h"

#include "math/scan.h"

/* --- panels ---------------------------------------------------------------------------------- */

static size_t panels_bytes(const clr_gemms *g, size_t n, size_t k)
{
    return clr_packed_panel_count(&g->packed, g->packed.tile_n, n, k) *
           clr_storage_bytes(g->storage, g->precision);
}

/* No panel has columns of two of them. */
static bool whole_panels(const clr_gemms *g, size_t n)
{
    return n % g->packed.tile_n == 0;
}

static clrnn_status pack_panels(clr_gemms *g, const clr_packed_matrix *m)
{
    return clr_packed_pack(&g->packed, g->packed.tile_n, m->from, m->transposed, m->n, m->k,
                           m->buffer, m->at);
}

const clr_packing clr_packing_panels = {
    .bytes = panels_bytes, .seamless = whole_panels, .pack = pack_panels};

/* --- lanes ----------------------------------------------------------------------------------- */

static size_t lanes_bytes(const clr_gemms *g, size_t n, size_t k)
{
    return clr_packed_lane_count(&g->packed, n, k) * clr_storage_bytes(g->storage, g->precision);
}

static clrnn_status pack_lanes(clr_gemms *g, const clr_packed_matrix *m)
{
    return clr_packed_lanes(&g->packed, m->from, m->transposed, m->n, m->k, m->buffer, m->at);
}

const clr_packing clr_packing_lanes = {
    .alignment = PIECE_BYTES, .bytes = lanes_bytes, .pack = pack_lanes};

/* --- floats ---------------------------------------------------------------------------------- */

static size_t floats_bytes(const clr_gemms *g, size_t n, size_t k)
{
    (void)g;
    return n * k * sizeof(cl_float);
}

static clrnn_status pack_floats(clr_gemms *g, const clr_packed_matrix *m)
{
    return clr_converter_round(&g->packed.converter, m->from, m->transposed, m->n, m->k, m->buffer);
}

const clr_packing clr_packing_floats = {.apart = true, .bytes = floats_bytes, .pack = pack_floats};

/* --- as they are ----------------------------------------------------------------------------- */

static size_t no_bytes(const clr_gemms *g, size_t n, size_t k)
{
    (void)g;
    (void)n;
    (void)k;
    return 0;
}

static clrnn_status pack_nothing(clr_gemms *g, const clr_packed_matrix *m)
{
    (void)g;
    (void)m;
    return CLRNN_OK;
}

const clr_packing clr_packing_none = {.bytes = no_bytes, .pack = pack_nothing};

const clr_packing *clr_packing_of(const clr_gemms *gemms)
{
    return gemms->own                            ? &clr_packing_panels
           : gemms->storage != CLRNN_WEIGHTS_F32 ? &clr_packing_floats
                                                 : &clr_packing_none;
}
