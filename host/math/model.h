/* SPDX-License-Identifier: MIT
 * math/model.h - kernels that feed symbols to a network (cl/model.cl).
 *
 * V symbols, E embedding width; position p = t*N + n counts up to rows = T*N. */
#ifndef CLR_MATH_MODEL_H
#define CLR_MATH_MODEL_H

#include <clrnn/context.h>
#include <clrnn/network.h>

/* One thread at a time. */
typedef struct clr_symbols {
    clrnn_context *context;
    cl_kernel one_hot, gather, gradient;
} clr_symbols;

/** Build; on failure everything is released. Returns: CLRNN_OK, CLRNN_ERR_BUILD, CLRNN_ERR_OPENCL,
 *  CLRNN_ERR_MEMORY */
clrnn_status clr_symbols_init(clrnn_context *context, clrnn_precision precision,
                              clr_symbols *symbols);

/** Accepts one that is zero. */
void clr_symbols_free(clr_symbols *symbols);

/** x(p,v) = 1 if ids[p] == v, else 0.  ids: [rows] cl_int, x: out [rows,V]. */
clrnn_status clr_one_hot(clr_symbols *symbols, cl_mem ids, size_t rows, size_t vocabulary,
                         cl_mem x);

/** x(p,:) = table(ids[p],:).  table: [V,E] from table_offset, ids: [rows] cl_int, each 0..V-1,
 *  x: out [rows,E]. */
clrnn_status clr_embedding_gather(clr_symbols *symbols, cl_mem table, size_t table_offset,
                                  cl_mem ids, size_t rows, size_t width, cl_mem x);

/** dtable(v,:) = sum of dx(p,:) over the positions p of symbol v, in the order in which they are
 *  listed; 0 for a symbol without positions.  dx: [T*N,E]; starts: [V+1] cl_uint, the positions of
 * v are positions[starts[v]] to positions[starts[v+1] - 1]; dtable: out [V,E] from dtable_offset.
 */
clrnn_status clr_embedding_gradient(clr_symbols *symbols, cl_mem dx, cl_mem starts,
                                    cl_mem positions, size_t vocabulary, size_t width,
                                    cl_mem dtable, size_t dtable_offset);

#endif
