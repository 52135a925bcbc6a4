/* SPDX-License-Identifier: MIT
 * cl/model.cl - symbols as the input of a network: one-hot vectors, embedding rows, and the
 * gradient of the embedding.
 *
 * After cl/prelude.cl. V symbols, E embedding width; position p = t*N + n counts up to rows = T*N.
 * Symbols are 0..V-1: the host has checked them.
 *
 *     one_hot               x(p,v) = 1 if ids[p] == v, else 0
 *     embedding_gather      x(p,e) = table(ids[p],e)
 *     embedding_gradient    dtable(v,e) = sum of dx(p,e) over all p with ids[p] == v
 *
 * The gradient is a scatter with collisions. The host turns it into a gather: a counting sort lists
 * the positions of each symbol in ascending order, so each element has one owner, who adds in a
 * fixed order, without atomics. Proven by: tests/model/test_model.c against host/reference. */

/* x: [rows, V].  Global size [V, rows]. */
kernel void one_hot(global const int *ids, global REAL *x, uint V, uint rows)
{
    uint v = get_global_id(0), p = get_global_id(1);
    if (v < V && p < rows)
        x[(size_t)p * V + v] = (uint)ids[p] == v ? (REAL)1 : (REAL)0;
}

/* table: [V, E] from table_at, x: [rows, E].  Global size [E, rows]. */
kernel void embedding_gather(global const REAL *table, ulong table_at, global const int *ids,
                             global REAL *x, uint E, uint rows)
{
    uint e = get_global_id(0), p = get_global_id(1);
    if (e < E && p < rows)
        x[(size_t)p * E + e] = table[table_at + (size_t)ids[p] * E + e];
}

/* positions[starts[v]] to positions[starts[v+1] - 1] are those of symbol v; a symbol that does not
 * occur has gradient 0.  dx: [T*N, E], starts: [V+1], dtable: [V, E] from dtable_at.
 * Global size [E, V]. */
kernel void embedding_gradient(global const REAL *dx, global const uint *starts,
                               global const uint *positions, global REAL *dtable, ulong dtable_at,
                               uint E, uint V)
{
    uint e = get_global_id(0), v = get_global_id(1);
    if (e >= E || v >= V)
        return;
    REAL sum = 0;
    for (uint i = starts[v]; i < starts[v + 1]; i++)
        sum += dx[(size_t)positions[i] * E + e];
    dtable[dtable_at + (size_t)v * E + e] = sum;
}
