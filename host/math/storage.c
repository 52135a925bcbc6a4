/* SPDX-License-Identifier: MIT
 * math/storage.c - see math/storage.h. */
#include "math/storage.h"

#include "device/buffer.h"
#include "device/launch.h"
#include "math/sources.h"

size_t clr_storage_bytes(clrnn_storage storage, clrnn_precision precision)
{
    static const size_t bytes[] = {
        [CLRNN_WEIGHTS_F16] = 2, [CLRNN_WEIGHTS_BF16] = 2, [CLRNN_WEIGHTS_INT8] = 1};
    if (storage != CLRNN_WEIGHTS_F32)
        return bytes[storage];
    return precision == CLRNN_F64 ? sizeof(cl_double) : sizeof(cl_float);
}

size_t clr_storage_rows(clrnn_storage storage, size_t k)
{
    const size_t head = sizeof(cl_float); /* rows of bytes: one scale for each column */
    return storage == CLRNN_WEIGHTS_INT8 ? head + (k + 3) / 4 * 4 : k;
}

clrnn_status clr_converter_init(clrnn_context *context, clrnn_storage storage,
                                clr_converter *converter)
{
    const clr_source *const sources[] = {&clr_cl_prelude, &clr_cl_storage, &clr_cl_convert};
    const clr_define defines[] = {{"STORAGE", storage}};
    clr_converter s = {.context = context, .storage = storage};
    const clr_kernel_place kernels[] = {{"store_panels", &s.panels},
                                        {"load_columns", &s.columns},
                                        {"store_numbers", &s.numbers_in},
                                        {"load_numbers", &s.numbers_out}};
    const clrnn_status status =
        clr_program_kernels(context, sources, CLR_COUNT(sources), defines, CLR_COUNT(defines),
                            kernels, storage == CLRNN_WEIGHTS_INT8 ? 2 : 4);
    *converter = s;
    return status;
}

void clr_converter_free(clr_converter *converter)
{
    clr_kernel_destroy(&converter->panels);
    clr_kernel_destroy(&converter->columns);
    clr_kernel_destroy(&converter->numbers_in);
    clr_kernel_destroy(&converter->numbers_out);
}

clrnn_status clr_converter_pack(clr_converter *converter, clr_matrix b, bool transposed, size_t n,
                                size_t k, size_t width, cl_mem panels, size_t panels_at)
{
    const clr_arg args[] = {CLR_ARG_MEM(b.buffer),
                            CLR_ARG_ULONG(b.offset),
                            CLR_ARG_ULONG(transposed ? 1 : b.stride),
                            CLR_ARG_ULONG(transposed ? b.stride : 1),
                            CLR_ARG_MEM(panels),
                            CLR_ARG_ULONG(panels_at),
                            CLR_ARG_UINT(width),
                            CLR_ARG_UINT(n),
                            CLR_ARG_UINT(k)};
    const size_t columns = (n + width - 1) / width * width;
    return clr_launch(converter->context, converter->panels, (clr_range){{columns, 1}, {0, 0}},
                      args, CLR_COUNT(args));
}

clrnn_status clr_converter_round(clr_converter *converter, clr_matrix b, bool transposed, size_t n,
                                 size_t k, cl_mem rounded)
{
    const size_t bytes = n * clr_storage_rows(converter->storage, k) *
                         clr_storage_bytes(converter->storage, CLRNN_F32);
    cl_mem panels = NULL;
    clrnn_status status = clr_buffer_create(converter->context, bytes, &panels);
    if (status == CLRNN_OK)
        status = clr_converter_pack(converter, b, transposed, n, k, 1, panels, 0);
    if (status == CLRNN_OK) {
        const clr_arg args[] = {CLR_ARG_MEM(panels), CLR_ARG_MEM(rounded), CLR_ARG_UINT(n),
                                CLR_ARG_UINT(k)};
        status = clr_launch(converter->context, converter->columns, (clr_range){{n, 1}, {0, 0}},
                            args, CLR_COUNT(args));
    }
    clr_buffer_destroy(&panels); /* work enqueued keeps it alive */
    return status;
}

clrnn_status clr_converter_narrow(clr_converter *converter, cl_mem numbers, size_t count,
                                  cl_mem stored, size_t stored_at)
{
    const clr_arg args[] = {CLR_ARG_MEM(numbers), CLR_ARG_MEM(stored), CLR_ARG_ULONG(stored_at),
                            CLR_ARG_ULONG(count)};
    return clr_launch(converter->context, converter->numbers_in, (clr_range){{count, 1}, {0, 0}},
                      args, CLR_COUNT(args));
}

clrnn_status clr_converter_widen(clr_converter *converter, cl_mem stored, size_t stored_at,
                                 size_t count, cl_mem numbers)
{
    const clr_arg args[] = {CLR_ARG_MEM(stored), CLR_ARG_ULONG(stored_at), CLR_ARG_MEM(numbers),
                            CLR_ARG_ULONG(count)};
    return clr_launch(converter->context, converter->numbers_out, (clr_range){{count, 1}, {0, 0}},
                      args, CLR_COUNT(args));
}
