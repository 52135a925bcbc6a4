/* SPDX-License-Identifier: MIT
 * cl/reduce.cl - the nodes of a graph that reduce axes. In cl/nodes.cl, after cl/map.cl.
 *
 * Proven by: tests/graph/ against host/reference/. */

/* Where element j of the inner axes lies, and where o of those that stay. */
static inline size_t inner_at(const reduce_launch *r, ulong j)
{
    return place_of(r->inner_rank, r->inner_size, r->inner_stride, j);
}

static inline size_t outer_at(const reduce_launch *r, ulong o)
{
    return place_of(r->rank, r->size, r->stride, o);
}

#define SUM_BLOCK 64 /* one sum of so many, then a sum of these */

/* out[o] = operation over the inner axes of a, of what is within the lengths; 0 of nothing.
 * Global size [count, 1]. */
kernel void reduce(global REAL *out, global const REAL *a, global const int *lengths,
                   reduce_launch r)
{
    ulong o = get_global_id(0), counted = 0;
    if (o >= r.count)
        return;
    size_t begin = outer_at(&r, o);
    REAL total = 0, block = 0;
    for (ulong j = 0; j < r.inner_count; j++) {
        size_t at = begin + inner_at(&r, j);
        if (j % SUM_BLOCK == 0) {
            total = r.operation <= REDUCE_SUM ? total + block : total;
            block = 0;
        }
        if (!live_of(r.within, lengths, at))
            continue;
        REAL value = a[r.a_at + at];
        if (r.operation <= REDUCE_SUM)
            block += value;
        else if (counted == 0 || r.operation == REDUCE_LAST || isnan(value) ||
                 (r.operation == REDUCE_MAX ? value > total : value < total))
            total = value;
        counted++;
    }
    if (r.operation <= REDUCE_SUM)
        total += block;
    if (r.operation == REDUCE_MEAN && counted)
        total = DIVIDE(total, (REAL)counted);
    out[r.out_at + o] = r.operation == REDUCE_COUNT ? (REAL)counted : total;
}

#if CHUNK_IN_16
/* Numbers of `count` neighbours. */
static inline REAL16 side_load(global const REAL *p, ulong stride, uint count)
{
    REAL v[16] = {0};
    if (stride == 1 && count == 16)
        return vload16(0, p);
    for (uint i = 0; i < count; i++)
        v[i] = p[i * stride];
    return vload16(0, v);
}

/* The same of 16 elements of out side by side, neighbours on the last axis that stays: sums, means,
 * maxima and minima where lengths say nothing. Each has the order of the kernel before. Global size
 * [last axis that stays in 16, product of the others that do]. */
kernel LONG_ITEMS void reduce_side(global REAL *out, global const REAL *a, reduce_launch r)
{
    const ulong last = r.rank - 1, S = r.size[last], first = get_global_id(0) * 16;
    const ulong row = get_global_id(1);
    if (first >= S || row >= r.count / S)
        return;
    const uint count = (uint)min(S - first, (ulong)16);
    a += r.a_at + place_of(last, r.size, r.stride, row) + first * r.stride[last];
    const bool adds = r.operation <= REDUCE_SUM, largest = r.operation == REDUCE_MAX;
    REAL16 total = (REAL16)0, block = (REAL16)0;
    for (ulong j = 0; j < r.inner_count; j++) {
        const size_t at = r.inner_rank == 1 ? j * r.inner_stride[0] : inner_at(&r, j);
        const REAL16 value = side_load(a + at, r.stride[last], count);
        if (adds && j % SUM_BLOCK == 0) {
            total += block;
            block = (REAL16)0;
        }
        if (adds)
            block += value;
        else if (j == 0)
            total = value;
        else
            total = (value != value) | (largest ? value > total : value < total) ? value : total;
    }
    if (adds)
        total += block;
    REAL v[16];
    vstore16(total, 0, v);
    out += r.out_at + row * S + first;
    const bool mean = r.operation == REDUCE_MEAN && r.inner_count;
    for (uint i = 0; i < count; i++)
        out[i] = mean ? DIVIDE(v[i], (REAL)r.inner_count) : v[i];
}
#endif

/* The gradient of a maximum or minimum: all of dy goes to the first element that is it. dx: row-
 * major as a, 0 elsewhere. y, dy: [count] from y_at, dy_at. Global size [count, 1]. */
kernel void reduce_back(global REAL *dx, ulong dx_at, global const REAL *a, global const REAL *y,
                        ulong y_at, global const REAL *dy, ulong dy_at, global const int *lengths,
                        reduce_launch r)
{
    ulong o = get_global_id(0);
    if (o >= r.count)
        return;
    size_t begin = outer_at(&r, o);
    bool found = false;
    for (ulong j = 0; j < r.inner_count; j++) {
        size_t at = begin + inner_at(&r, j);
        bool it = !found && live_of(r.within, lengths, at) && a[r.a_at + at] == y[y_at + o];
        dx[dx_at + at] = it ? dy[dy_at + o] : (REAL)0;
        found = found || it;
    }
}
