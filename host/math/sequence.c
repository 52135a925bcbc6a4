/* SPDX-License-Identifier: MIT
 * math/sequence.c - one typed function for each kernel of cl/sequence.cl. */
#include "math/sequence.h"

#include "base/checked.h"
#include "base/log.h"
#include "device/buffer.h"
#include "device/launch.h"
#include "math/sources.h"

enum { sum_rows = 64 }; /* SUM_ROWS */

static size_t real_size(const clr_sequence *s)
{
    return s->precision == CLRNN_F64 ? sizeof(cl_double) : sizeof(cl_float);
}

/* SUM_COLUMNS: on a CPU the numbers of a cache line. */
static uint32_t sum_columns(const clrnn_context *context, clrnn_precision precision)
{
    bool cpu = context->info.type & CL_DEVICE_TYPE_CPU;
    return !cpu ? 1 : precision == CLRNN_F64 ? 8 : 16;
}

clrnn_status clr_sequence_init(clrnn_context *context, clrnn_precision precision,
                               clr_sequence *sequence)
{
    const clr_source *sources[] = {&clr_cl_prelude, &clr_cl_philox, &clr_cl_sequence};
    const clr_define defines[] = {{"REAL_IS_DOUBLE", precision == CLRNN_F64},
                                  {"SUM_ROWS", sum_rows},
                                  {"SUM_COLUMNS", sum_columns(context, precision)}};
    clr_sequence s = {.context = context, .precision = precision};
    const clr_kernel_place kernels[] = {{"take_lengths", &s.take_lengths},
                                        {"mask", &s.mask},
                                        {"fill", &s.fill},
                                        {"fill_back", &s.fill_back},
                                        {"add_halves", &s.add_halves},
                                        {"dropout", &s.dropout},
                                        {"drop_rows", &s.drop_rows},
                                        {"column_sums", &s.sums},
                                        {"column_products", &s.products},
                                        {"column_sums_finish", &s.sums_finish},
                                        {"add_row", &s.add_row}};
    const clrnn_status status =
        clr_program_kernels(context, sources, CLR_COUNT(sources), defines, CLR_COUNT(defines),
                            kernels, CLR_COUNT(kernels));
    *sequence = s;
    return status;
}

void clr_sequence_free(clr_sequence *sequence)
{
    clr_kernel_destroy(&sequence->take_lengths);
    clr_kernel_destroy(&sequence->mask);
    clr_kernel_destroy(&sequence->fill);
    clr_kernel_destroy(&sequence->fill_back);
    clr_kernel_destroy(&sequence->add_halves);
    clr_kernel_destroy(&sequence->dropout);
    clr_kernel_destroy(&sequence->drop_rows);
    clr_kernel_destroy(&sequence->sums);
    clr_kernel_destroy(&sequence->products);
    clr_kernel_destroy(&sequence->sums_finish);
    clr_kernel_destroy(&sequence->add_row);
    clr_buffer_destroy(&sequence->partial);
    sequence->partial_bytes = 0;
}

/* Scratch memory that only grows; earlier work that uses the old buffer keeps it alive. */
static clrnn_status reserve_partial(clr_sequence *s, size_t rows, size_t columns)
{
    clr_size bytes = clr_size_mul(clr_size_mul(clr_size_of(rows), columns), real_size(s));
    if (bytes.overflow)
        return clr_fail(
            &s->context->log, CLRNN_ERR_RANGE,
            "sums of %zu columns in %zu blocks of rows are more than memory can address", columns,
            rows);
    if (bytes.value <= s->partial_bytes)
        return CLRNN_OK;
    clr_buffer_destroy(&s->partial);
    s->partial_bytes = 0;
    clrnn_status status = clr_buffer_create(s->context, bytes.value, &s->partial);
    if (status == CLRNN_OK)
        s->partial_bytes = bytes.value;
    return status;
}

static size_t blocks_of(size_t rows)
{
    return (rows + sum_rows - 1) / sum_rows;
}

clrnn_status clr_column_sums(clr_sequence *s, clr_matrix a, size_t rows, size_t columns, cl_mem out,
                             size_t out_offset, bool accumulate)
{
    size_t width = sum_columns(s->context, s->precision);
    clrnn_status status = reserve_partial(s, blocks_of(rows), columns);
    if (status != CLRNN_OK)
        return status;
    const clr_arg args[] = {CLR_ARG_MEM(a.buffer),   CLR_ARG_ULONG(a.offset),
                            CLR_ARG_ULONG(a.stride), CLR_ARG_MEM(s->partial),
                            CLR_ARG_UINT(columns),   CLR_ARG_UINT(rows)};
    const clr_range range = {{(columns + width - 1) / width, blocks_of(rows)}, {0, 0}};
    status = clr_launch(s->context, s->sums, range, args, CLR_COUNT(args));
    if (status == CLRNN_OK)
        status = clr_column_sums_again(s, rows, columns, out, out_offset, accumulate);
    return status;
}

clrnn_status clr_column_sums_again(clr_sequence *s, size_t rows, size_t columns, cl_mem out,
                                   size_t out_offset, bool accumulate)
{
    const clr_arg args[] = {CLR_ARG_MEM(s->partial),  CLR_ARG_UINT(blocks_of(rows)),
                            CLR_ARG_MEM(out),         CLR_ARG_ULONG(out_offset),
                            CLR_ARG_UINT(accumulate), CLR_ARG_UINT(columns)};
    return clr_launch(s->context, s->sums_finish, (clr_range){{columns, 1}, {0, 0}}, args,
                      CLR_COUNT(args));
}

clrnn_status clr_column_products(clr_sequence *s, clr_matrix a, clr_matrix b, clr_live live,
                                 size_t batch, size_t rows, size_t columns, cl_mem out,
                                 size_t out_offset, bool accumulate)
{
    clrnn_status status = reserve_partial(s, blocks_of(rows), columns);
    if (status != CLRNN_OK)
        return status;
    const clr_arg args[] = {CLR_ARG_MEM(a.buffer),
                            CLR_ARG_ULONG(a.offset),
                            CLR_ARG_ULONG(a.stride),
                            CLR_ARG_MEM(b.buffer),
                            CLR_ARG_ULONG(b.offset),
                            CLR_ARG_ULONG(b.stride),
                            CLR_ARG_MEM(live.lengths ? live.lengths : a.buffer),
                            CLR_ARG_UINT(live.lengths != NULL),
                            CLR_ARG_UINT(live.bits),
                            CLR_ARG_UINT(live.want),
                            CLR_ARG_MEM(s->partial),
                            CLR_ARG_UINT(columns),
                            CLR_ARG_UINT(batch),
                            CLR_ARG_UINT(rows)};
    const clr_range range = {{columns, blocks_of(rows)}, {0, 0}};
    status = clr_launch(s->context, s->products, range, args, CLR_COUNT(args));
    if (status == CLRNN_OK)
        status = clr_column_sums_again(s, rows, columns, out, out_offset, accumulate);
    return status;
}

clrnn_status clr_add_row(clr_sequence *s, clr_matrix a, size_t rows, size_t columns, cl_mem row,
                         size_t row_offset)
{
    const clr_arg args[] = {CLR_ARG_MEM(a.buffer),     CLR_ARG_ULONG(a.offset),
                            CLR_ARG_ULONG(a.stride),   CLR_ARG_MEM(row),
                            CLR_ARG_ULONG(row_offset), CLR_ARG_UINT(columns),
                            CLR_ARG_UINT(rows)};
    return clr_launch(s->context, s->add_row, (clr_range){{columns, rows}, {0, 0}}, args,
                      CLR_COUNT(args));
}

clrnn_status clr_take_lengths(clr_sequence *s, clrnn_slice own, cl_mem to, size_t steps,
                              size_t batch)
{
    const clr_arg args[] = {CLR_ARG_MEM(own.buffer), CLR_ARG_ULONG(own.offset), CLR_ARG_MEM(to),
                            CLR_ARG_UINT(steps), CLR_ARG_UINT(batch)};
    return clr_launch(s->context, s->take_lengths, (clr_range){{batch, 1}, {0, 0}}, args,
                      CLR_COUNT(args));
}

clrnn_status clr_mask(clr_sequence *s, clr_matrix from, clr_matrix to, clr_live live, size_t first,
                      size_t rows, size_t batch, size_t columns, float other)
{
    const clr_arg args[] = {
        CLR_ARG_MEM(from.buffer),  CLR_ARG_ULONG(from.offset), CLR_ARG_ULONG(from.stride),
        CLR_ARG_MEM(to.buffer),    CLR_ARG_ULONG(to.offset),   CLR_ARG_ULONG(to.stride),
        CLR_ARG_MEM(live.lengths), CLR_ARG_UINT(live.bits),    CLR_ARG_UINT(live.want),
        CLR_ARG_UINT(first),       CLR_ARG_FLOAT(other),       CLR_ARG_UINT(columns),
        CLR_ARG_UINT(batch),       CLR_ARG_UINT(rows)};
    return clr_launch(s->context, s->mask, (clr_range){{columns, rows}, {0, 0}}, args,
                      CLR_COUNT(args));
}

clrnn_status clr_repeat_last(clr_sequence *s, clr_matrix a, clr_live live, bool down, size_t steps,
                             size_t batch, size_t columns)
{
    const clr_arg args[] = {
        CLR_ARG_MEM(a.buffer),     CLR_ARG_ULONG(a.offset), CLR_ARG_ULONG(a.stride),
        CLR_ARG_MEM(live.lengths), CLR_ARG_UINT(live.bits), CLR_ARG_UINT(down),
        CLR_ARG_UINT(columns),     CLR_ARG_UINT(batch),     CLR_ARG_UINT(steps)};
    return clr_launch(s->context, s->fill, (clr_range){{columns, batch}, {0, 0}}, args,
                      CLR_COUNT(args));
}

clrnn_status clr_repeat_last_back(clr_sequence *s, clr_matrix from, clr_matrix to, clr_live live,
                                  bool down, size_t steps, size_t batch, size_t columns)
{
    const clr_arg args[] = {
        CLR_ARG_MEM(from.buffer),  CLR_ARG_ULONG(from.offset), CLR_ARG_ULONG(from.stride),
        CLR_ARG_MEM(to.buffer),    CLR_ARG_ULONG(to.offset),   CLR_ARG_ULONG(to.stride),
        CLR_ARG_MEM(live.lengths), CLR_ARG_UINT(live.bits),    CLR_ARG_UINT(down),
        CLR_ARG_UINT(columns),     CLR_ARG_UINT(batch),        CLR_ARG_UINT(steps)};
    return clr_launch(s->context, s->fill_back, (clr_range){{columns, batch}, {0, 0}}, args,
                      CLR_COUNT(args));
}

clrnn_status clr_add_halves(clr_sequence *s, clrnn_slice a, clrnn_slice to, size_t rows,
                            size_t columns)
{
    const clr_arg args[] = {CLR_ARG_MEM(a.buffer),  CLR_ARG_ULONG(a.offset),
                            CLR_ARG_MEM(to.buffer), CLR_ARG_ULONG(to.offset),
                            CLR_ARG_UINT(columns),  CLR_ARG_UINT(rows)};
    return clr_launch(s->context, s->add_halves, (clr_range){{columns, rows}, {0, 0}}, args,
                      CLR_COUNT(args));
}

clrnn_status clr_dropout(clr_sequence *s, clr_matrix a, size_t steps, size_t batch, size_t columns,
                         const clr_drop *drop)
{
    const clr_arg args[] = {
        CLR_ARG_MEM(a.buffer),     CLR_ARG_ULONG(a.offset),   CLR_ARG_ULONG(a.stride),
        CLR_ARG_FLOAT(drop->p),    CLR_ARG_UINT(drop->seed),  CLR_ARG_UINT(drop->seed >> 32),
        CLR_ARG_UINT(drop->index), CLR_ARG_UINT(drop->layer), CLR_ARG_UINT(drop->variational),
        CLR_ARG_UINT(columns),     CLR_ARG_UINT(batch),       CLR_ARG_UINT(steps * batch)};
    return clr_launch(s->context, s->dropout,
                      (clr_range){{(columns + 3) / 4, steps * batch}, {0, 0}}, args,
                      CLR_COUNT(args));
}

clrnn_status clr_drop_rows(clr_sequence *s, clr_matrix from, clr_matrix to, bool add, size_t rows,
                           size_t batch, size_t columns, const clr_drop *drop)
{
    const clr_arg args[] = {
        CLR_ARG_MEM(from.buffer),  CLR_ARG_ULONG(from.offset), CLR_ARG_ULONG(from.stride),
        CLR_ARG_MEM(to.buffer),    CLR_ARG_ULONG(to.offset),   CLR_ARG_ULONG(to.stride),
        CLR_ARG_FLOAT(drop->p),    CLR_ARG_UINT(drop->seed),   CLR_ARG_UINT(drop->seed >> 32),
        CLR_ARG_UINT(drop->index), CLR_ARG_UINT(add),          CLR_ARG_UINT(columns),
        CLR_ARG_UINT(batch),       CLR_ARG_UINT(rows)};
    return clr_launch(s->context, s->drop_rows, (clr_range){{(columns + 3) / 4, rows}, {0, 0}},
                      args, CLR_COUNT(args));
}
