/* SPDX-License-Identifier: MIT
 * math/packed.c - see math/packed.h. */
#include "math/packed.h"

#include "base/checked.h"
#include "base/log.h"
#include "device/buffer.h"
#include "device/launch.h"
#include "math/scan.h"
#include "math/sources.h"
#include "math/storage.h"

/* TILE_M and TILE_K, and how many of the device's vectors a panel is wide: six rows by two vectors,
 * so that twelve accumulators, two vectors of B and one of A fit sixteen registers. Measured on two
 * cores with AVX-512: 6x2x16 200, 12x2x16 140, 6x2x8 110 GFLOP/s; CLBlast 15. */
enum { tile_m = 6, tile_vectors = 2, tile_k = 128 };

enum { pack_k = 256 }; /* PACK_K of cl/pack.cl */

/* A transposed A is read where it lies if its rows are no longer than these bytes for eight panels,
 * or more for fewer: of longer ones the second cache level keeps too few until the next panel
 * passes (training, H = 64, 256, 512, 1024: 19 and 7 % faster than packed, the same, 8 % slower).
 */
enum { near_bytes = 8 * 4096 };

/* Rows of A that stay in the second cache level while the panels pass. */
enum { most_rows = 16 * tile_m };

static size_t round_up(size_t value, size_t to)
{
    return (value + to - 1) / to * to;
}

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

uint32_t clr_packed_width(const clrnn_context *context, clrnn_precision precision)
{
    uint32_t own = context->info.vector_width / (precision == CLRNN_F64 ? 2 : 1);
    return tile_vectors * (own >= 16 ? 16 : own >= 8 ? 8 : own >= 4 ? 4 : 1);
}

uint32_t clr_packed_vector(const clrnn_context *context, clrnn_precision precision)
{
    uint32_t width = clr_packed_width(context, precision);
    return width >= 16 ? 16 : width >= 8 ? 8 : 1;
}

bool clr_packed_has_conv(const clr_packed *packed)
{
    return packed->storage == CLRNN_WEIGHTS_F32 &&
           clr_packed_vector(packed->context, packed->precision) > 1;
}

static clrnn_status build(clrnn_context *context, const clr_source *const *sources,
                          size_t source_count, const clr_define *defines, size_t define_count,
                          const char *name, cl_kernel *kernel)
{
    cl_program program = NULL;
    clrnn_status status =
        clr_program_get(context, sources, source_count, defines, define_count, &program);
    return status == CLRNN_OK ? clr_kernel_create(context, program, name, kernel) : status;
}

static clrnn_status prepare_pack(clr_packed *p)
{
    const clr_source *const sources[] = {&clr_cl_prelude, &clr_cl_pack};
    const clr_define defines[] = {{"REAL_IS_DOUBLE", p->precision == CLRNN_F64}};
    if (p->pack)
        return CLRNN_OK;
    return build(p->context, sources, CLR_COUNT(sources), defines, CLR_COUNT(defines),
                 "pack_panels", &p->pack);
}

clrnn_status clr_packed_share(clr_packed *packed, cl_program program)
{
    clr_kernel_destroy(&packed->pack);
    return clr_kernel_create(packed->context, program, "pack_panels", &packed->pack);
}

clrnn_status clr_packed_share_lanes(clr_packed *packed, cl_program program)
{
    clr_kernel_destroy(&packed->lanes);
    return clr_kernel_create(packed->context, program, "pack_lanes", &packed->lanes);
}

clrnn_status clr_packed_kernel(clr_packed *p, const char *name, cl_kernel *kernel)
{
    const clr_source *const sources[] = {&clr_cl_prelude, &clr_cl_function,   &clr_cl_storage,
                                         &clr_cl_tile,    &clr_cl_map_launch, &clr_cl_gemm};
    const uint32_t vector = clr_packed_vector(p->context, p->precision);
    const clr_define defines[] = {{"REAL_IS_DOUBLE", p->precision == CLRNN_F64},
                                  {"VEC", (long)vector},
                                  {"STORAGE", p->storage},
                                  {"TILE_M", tile_m},
                                  {"TILE_V", (long)(p->tile_n / vector)},
                                  {"TILE_K", tile_k}};
    if (*kernel)
        return CLRNN_OK;
    return build(p->context, sources, CLR_COUNT(sources), defines, CLR_COUNT(defines), name,
                 kernel);
}

clrnn_status clr_packed_prepare(clr_packed *p)
{
    return clr_packed_kernel(p, "gemm", &p->gemm);
}

clrnn_status clr_packed_init(clrnn_context *context, clrnn_precision precision,
                             clrnn_storage storage, clr_packed *packed)
{
    clr_packed p = {.context = context,
                    .precision = precision,
                    .storage = storage,
                    .tile_n = clr_packed_width(context, precision)};
    clrnn_status status = CLRNN_OK;
    if (storage != CLRNN_WEIGHTS_F32)
        status = clr_converter_init(context, storage, &p.converter);
    *packed = p;
    return status;
}

void clr_packed_free(clr_packed *packed)
{
    clr_kernel_destroy(&packed->pack);
    clr_kernel_destroy(&packed->lanes);
    clr_kernel_destroy(&packed->gemm);
    clr_kernel_destroy(&packed->gemm_of_windows);
    clr_kernel_destroy(&packed->conv);
    clr_kernel_destroy(&packed->conv_apart);
    clr_converter_free(&packed->converter);
    clr_buffer_destroy(&packed->scratch[0]);
    clr_buffer_destroy(&packed->scratch[1]);
    packed->scratch_bytes[0] = packed->scratch_bytes[1] = 0;
}

size_t clr_packed_panel_count(const clr_packed *packed, uint32_t width, size_t n, size_t k)
{
    return round_up(n, width) * clr_storage_rows(packed->storage, k);
}

/* Panels `width` wide of a matrix whose element (k,n) is at k*k_stride + n*n_stride. */
static clrnn_status pack(clr_packed *p, clr_matrix from, size_t k_stride, size_t n_stride,
                         cl_mem panels, size_t panels_at, size_t width, size_t n, size_t k)
{
    const clr_arg args[] = {CLR_ARG_MEM(from.buffer), CLR_ARG_ULONG(from.offset),
                            CLR_ARG_ULONG(k_stride),  CLR_ARG_ULONG(n_stride),
                            CLR_ARG_MEM(panels),      CLR_ARG_ULONG(panels_at),
                            CLR_ARG_UINT(width),      CLR_ARG_UINT(n),
                            CLR_ARG_UINT(k)};
    size_t columns = round_up(n, width) / width, blocks = round_up(k, pack_k) / pack_k;
    clrnn_status status = prepare_pack(p);
    if (status == CLRNN_OK)
        status = clr_launch(p->context, p->pack, (clr_range){{columns, blocks}, {1, 1}}, args,
                            CLR_COUNT(args));
    return status;
}

clrnn_status clr_packed_pack(clr_packed *packed, uint32_t width, clr_matrix b, bool transposed,
                             size_t n, size_t k, cl_mem panels, size_t panels_at)
{
    if (packed->storage != CLRNN_WEIGHTS_F32)
        return clr_converter_pack(&packed->converter, b, transposed, n, k, width, panels,
                                  panels_at);
    return pack(packed, b, transposed ? 1 : b.stride, transposed ? b.stride : 1, panels, panels_at,
                width, n, k);
}

size_t clr_packed_lane_count(const clr_packed *packed, size_t n, size_t k)
{
    const size_t piece = PIECE_BYTES / clr_storage_bytes(packed->storage, packed->precision);
    const size_t head = packed->storage == CLRNN_WEIGHTS_INT8 ? LANES_HEAD(n) : 0;
    return (head + CHAINS_OF(k) * PIECES_OF(k, piece) * n) * piece;
}

/* (The scale of a column is found once, by one work-item.) */
clrnn_status clr_packed_lanes(clr_packed *packed, clr_matrix b, bool transposed, size_t n, size_t k,
                              cl_mem lanes, size_t at)
{
    const clr_arg args[] = {CLR_ARG_MEM(b.buffer),
                            CLR_ARG_ULONG(b.offset),
                            CLR_ARG_ULONG(transposed ? 1 : b.stride),
                            CLR_ARG_ULONG(transposed ? b.stride : 1),
                            CLR_ARG_MEM(lanes),
                            CLR_ARG_ULONG(at),
                            CLR_ARG_UINT(n),
                            CLR_ARG_UINT(k)};
    const size_t at_once = packed->storage == CLRNN_WEIGHTS_INT8 ? 1 : LANES_OF(k);
    return clr_launch(packed->context, packed->lanes, (clr_range){{n, at_once}, {0, 0}}, args,
                      CLR_COUNT(args));
}

/* Scratch memory that only grows; work enqueued before keeps the old buffer alive. */
static clrnn_status reserve(clr_packed *p, int which, size_t elements)
{
    clr_size bytes = clr_size_mul(clr_size_of(elements), p->precision == CLRNN_F64 ? 8 : 4);
    if (bytes.overflow)
        return clr_fail(&p->context->log, CLRNN_ERR_RANGE,
                        "product: %zu numbers to pack are more than memory can address", elements);
    if (bytes.value <= p->scratch_bytes[which])
        return CLRNN_OK;
    clr_buffer_destroy(&p->scratch[which]);
    p->scratch_bytes[which] = 0;
    clrnn_status status = clr_buffer_create(p->context, bytes.value, &p->scratch[which]);
    if (status == CLRNN_OK)
        p->scratch_bytes[which] = bytes.value;
    return status;
}

/* Multiply-adds that one core does in a few microseconds, less than the waking of another takes. */
enum { few = 1 << 18 };

/* High enough to use a panel often, and enough of them for all compute units, a few each so that
 * they finish together; twice as many where few of them do not come out even; one of what is soon
 * done. */
void clr_packed_blocks(const clr_packed *p, const clr_gemm *g, size_t *block_m, size_t *block_n)
{
    const size_t units = p->context->info.compute_units ? p->context->info.compute_units : 1;
    const size_t m = round_up(g->m, tile_m), n = round_up(g->n, p->tile_n);
    if (m <= few && n <= few && g->k <= few && (uint64_t)m * n <= few / (g->k ? g->k : 1)) {
        *block_m = m;
        *block_n = n;
        return;
    }
    *block_m = smaller(m, most_rows);
    size_t down = round_up(g->m, *block_m) / *block_m;
    size_t across = (4 * units + down - 1) / down;
    if (down * across < 8 * units && down * across % units)
        across *= 2;
    *block_n = round_up((g->n + across - 1) / across, p->tile_n);
}

/* How the kernel reads A. */
typedef struct clr_reading {
    clr_matrix a;
    size_t tile_stride, row_stride, k_stride;
} clr_reading;

/* A transposed A: where it lies, or packed into tiles, unless it was for the product before. */
static clrnn_status read_transposed(clr_packed *p, const clr_gemm *g, clr_reading *r)
{
    const size_t bytes = g->a.stride * (p->precision == CLRNN_F64 ? 8 : 4);
    const bool again = g->same_a && p->holds_a;
    p->holds_a = again || bytes * (round_up(g->n, p->tile_n) / p->tile_n) > near_bytes;
    if (!p->holds_a) {
        *r = (clr_reading){g->a, tile_m, 1, g->a.stride};
        return CLRNN_OK;
    }
    clrnn_status status = again ? CLRNN_OK : reserve(p, 0, round_up(g->m, tile_m) * g->k);
    if (status == CLRNN_OK && !again)
        status = pack(p, g->a, g->a.stride, 1, p->scratch[0], 0, tile_m, g->m, g->k);
    p->holds_a = status == CLRNN_OK;
    *r = (clr_reading){{p->scratch[0], 0, 0}, tile_m * g->k, 1, tile_m};
    return status;
}

/* The panels of op(B): prepared, or packed now. */
static clrnn_status panels_of(clr_packed *p, const clr_gemm *g, clr_matrix *panels)
{
    if (g->prepared && g->prepared->buffer) {
        *panels = (clr_matrix){g->prepared->buffer, g->prepared->at, 0};
        return CLRNN_OK;
    }
    clrnn_status status = reserve(p, 1, clr_packed_panel_count(p, p->tile_n, g->n, g->k));
    if (status == CLRNN_OK)
        status = clr_packed_pack(p, p->tile_n, g->b, g->transpose_b, g->n, g->k, p->scratch[1], 0);
    *panels = (clr_matrix){p->scratch[1], 0, 0};
    return status;
}

/* The product of a matrix. */
static clrnn_status run_matrix(clr_packed *p, const clr_gemm *g, clr_matrix panels, size_t block_m,
                               size_t block_n, clr_range range)
{
    clr_reading r = {g->a, tile_m * g->a.stride, g->a.stride, 1};
    clrnn_status status = clr_packed_prepare(p);
    if (status == CLRNN_OK && g->transpose_a)
        status = read_transposed(p, g, &r);
    const clr_arg args[] = {CLR_ARG_MEM(r.a.buffer),      CLR_ARG_ULONG(r.a.offset),
                            CLR_ARG_ULONG(r.tile_stride), CLR_ARG_ULONG(r.row_stride),
                            CLR_ARG_ULONG(r.k_stride),    CLR_ARG_MEM(panels.buffer),
                            CLR_ARG_ULONG(panels.offset), CLR_ARG_MEM(g->c.buffer),
                            CLR_ARG_ULONG(g->c.offset),   CLR_ARG_ULONG(g->c.stride),
                            CLR_ARG_UINT(g->accumulate),  CLR_ARG_UINT(block_m),
                            CLR_ARG_UINT(block_n),        CLR_ARG_UINT(g->m),
                            CLR_ARG_UINT(g->n),           CLR_ARG_UINT(g->k)};
    return status == CLRNN_OK ? clr_launch(p->context, p->gemm, range, args, CLR_COUNT(args))
                              : status;
}

/* The product of what is under windows. */
static clrnn_status run_windows(clr_packed *p, const clr_gemm *g, clr_matrix panels, size_t block_m,
                                size_t block_n, clr_range range)
{
    clrnn_status status = clr_packed_kernel(p, "gemm_of_windows", &p->gemm_of_windows);
    const clr_arg args[] = {
        CLR_ARG_MEM(g->a.buffer),     CLR_ARG_STRUCT(*g->windows), CLR_ARG_MEM(panels.buffer),
        CLR_ARG_ULONG(panels.offset), CLR_ARG_MEM(g->c.buffer),    CLR_ARG_ULONG(g->c.offset),
        CLR_ARG_ULONG(g->c.stride),   CLR_ARG_UINT(block_m),       CLR_ARG_UINT(block_n),
        CLR_ARG_UINT(g->m),           CLR_ARG_UINT(g->n),          CLR_ARG_UINT(g->k)};
    return status == CLRNN_OK
               ? clr_launch(p->context, p->gemm_of_windows, range, args, CLR_COUNT(args))
               : status;
}

clrnn_status clr_packed_run(clr_packed *p, const clr_gemm *g)
{
    clr_matrix panels;
    size_t block_m = 0, block_n = 0;
    clrnn_status status = panels_of(p, g, &panels);
    clr_packed_blocks(p, g, &block_m, &block_n);
    const clr_range range = {{(g->n + block_n - 1) / block_n, (g->m + block_m - 1) / block_m},
                             {1, 1}};
    if (status != CLRNN_OK)
        return status;
    return g->windows ? run_windows(p, g, panels, block_m, block_n, range)
                      : run_matrix(p, g, panels, block_m, block_n, range);
}
