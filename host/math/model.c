/* SPDX-License-Identifier: MIT
 * math/model.c - see math/model.h: one typed function for each kernel of cl/model.cl. */
#include "math/model.h"

#include "device/launch.h"
#include "device/program.h"
#include "math/sources.h"

clrnn_status clr_symbols_init(clrnn_context *context, clrnn_precision precision,
                              clr_symbols *symbols)
{
    const clr_source *sources[] = {&clr_cl_prelude, &clr_cl_model};
    clr_define defines[] = {{"REAL_IS_DOUBLE", precision == CLRNN_F64}};
    const clr_kernel_place kernels[] = {{"one_hot", &symbols->one_hot},
                                        {"embedding_gather", &symbols->gather},
                                        {"embedding_gradient", &symbols->gradient}};
    *symbols = (clr_symbols){.context = context};
    return clr_program_kernels(context, sources, CLR_COUNT(sources), defines, CLR_COUNT(defines),
                               kernels, CLR_COUNT(kernels));
}

void clr_symbols_free(clr_symbols *symbols)
{
    clr_kernel_destroy(&symbols->one_hot);
    clr_kernel_destroy(&symbols->gather);
    clr_kernel_destroy(&symbols->gradient);
}

clrnn_status clr_one_hot(clr_symbols *symbols, cl_mem ids, size_t rows, size_t vocabulary, cl_mem x)
{
    clr_range range = {{vocabulary, rows}, {0, 0}};
    clr_arg args[] = {CLR_ARG_MEM(ids), CLR_ARG_MEM(x), CLR_ARG_UINT(vocabulary),
                      CLR_ARG_UINT(rows)};
    return clr_launch(symbols->context, symbols->one_hot, range, args, CLR_COUNT(args));
}

clrnn_status clr_embedding_gather(clr_symbols *symbols, cl_mem table, size_t table_offset,
                                  cl_mem ids, size_t rows, size_t width, cl_mem x)
{
    clr_range range = {{width, rows}, {0, 0}};
    clr_arg args[] = {CLR_ARG_MEM(table), CLR_ARG_ULONG(table_offset), CLR_ARG_MEM(ids),
                      CLR_ARG_MEM(x),     CLR_ARG_UINT(width),         CLR_ARG_UINT(rows)};
    return clr_launch(symbols->context, symbols->gather, range, args, CLR_COUNT(args));
}

clrnn_status clr_embedding_gradient(clr_symbols *symbols, cl_mem dx, cl_mem starts,
                                    cl_mem positions, size_t vocabulary, size_t width,
                                    cl_mem dtable, size_t dtable_offset)
{
    clr_range range = {{width, vocabulary}, {0, 0}};
    clr_arg args[] = {CLR_ARG_MEM(dx),         CLR_ARG_MEM(starts),          CLR_ARG_MEM(positions),
                      CLR_ARG_MEM(dtable),     CLR_ARG_ULONG(dtable_offset), CLR_ARG_UINT(width),
                      CLR_ARG_UINT(vocabulary)};
    return clr_launch(symbols->context, symbols->gradient, range, args, CLR_COUNT(args));
}
