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

/* Numbers along an axis are added in SUM_LANES sums, number k to that of k % SUM_LANES, each of
 * blocks of SUM_BLOCK, and these by halves: the same wherever they lie and on every device, and in
 * vectors where there are some. */
#define SUM_LANES  8
#define LANE_BLOCK (SUM_LANES * SUM_BLOCK)

static inline REAL lanes_sum(REAL8 v)
{
    REAL4 half_of = v.lo + v.hi;
    return (half_of.s0 + half_of.s2) + (half_of.s1 + half_of.s3);
}

/* One by one: to a lane of `block`, of the blocks before the sums so far. */
typedef struct lane_sums {
    REAL total[SUM_LANES], block[SUM_LANES];
} lane_sums;

static inline void lanes_begin(lane_sums *s)
{
    for (uint i = 0; i < SUM_LANES; i++)
        s->total[i] = s->block[i] = 0;
}

static inline void lanes_add(lane_sums *s, ulong k, REAL value)
{
    for (uint i = 0; k % LANE_BLOCK == 0 && i < SUM_LANES; i++) {
        s->total[i] += s->block[i];
        s->block[i] = 0;
    }
    s->block[k % SUM_LANES] += value;
}

static inline REAL lanes_end(const lane_sums *s)
{
    return lanes_sum(vload8(0, s->total) + vload8(0, s->block));
}

/* The next numbers of a row, of which `count` are left; behind its end 0. */
static inline REAL8 lanes_load(global const REAL *x, ulong count)
{
    REAL v[SUM_LANES] = {0};
    if (count >= SUM_LANES)
        return vload8(0, x);
    for (uint i = 0; i < (uint)count; i++)
        v[i] = x[i];
    return vload8(0, v);
}

static NO_INLINE REAL row_sum(global const REAL *x, ulong K)
{
    REAL8 total = (REAL8)0;
    for (ulong first = 0; first < K; first += LANE_BLOCK) {
        REAL8 block = (REAL8)0;
        for (ulong k = first; k < min(K, first + LANE_BLOCK); k += SUM_LANES)
            block += lanes_load(x + k, K - k);
        total += block;
    }
    return lanes_sum(total);
}

/* The largest or least number of a row; NaN if one is. Of none: `begin`. */
static NO_INLINE REAL row_extreme(global const REAL *x, ulong K, bool largest, REAL begin)
{
    REAL8 v = (REAL8)begin;
    REAL lanes[SUM_LANES], best = begin;
    ulong k = 0;
    for (; k + SUM_LANES <= K; k += SUM_LANES) {
        const REAL8 value = vload8(0, x + k);
        v = (value != value) | (largest ? value > v : value < v) ? value : v;
    }
    vstore8(v, 0, lanes);
    for (uint i = 0; i < SUM_LANES && k > 0; i++)
        best = isnan(lanes[i]) || (largest ? lanes[i] > best : lanes[i] < best) ? lanes[i] : best;
    for (; k < K; k++)
        best = isnan(x[k]) || (largest ? x[k] > best : x[k] < best) ? x[k] : best;
    return best;
}

/* What is reduced are neighbours. */
static inline bool is_row(const reduce_launch *r)
{
    return r->inner_rank == 1 && r->inner_stride[0] == 1 && r->inner_count > 0 &&
           r->operation <= REDUCE_MIN;
}

static inline REAL row_reduced(global const REAL *a, const reduce_launch *r)
{
    if (r->operation > REDUCE_SUM)
        return row_extreme(a, r->inner_count, r->operation == REDUCE_MAX, *a);
    const REAL sum = row_sum(a, r->inner_count);
    return r->operation == REDUCE_MEAN ? DIVIDE(sum, (REAL)r->inner_count) : sum;
}

/* out[o] = operation over the inner axes of a, of what is within the lengths; 0 of nothing.
 * Global size [count, 1]. */
kernel void reduce(global REAL *out, global const REAL *a, global const int *lengths,
                   reduce_launch r)
{
    ulong o = get_global_id(0), counted = 0;
    if (o >= r.count)
        return;
    size_t begin = outer_at(&r, o);
    const bool adds = r.operation <= REDUCE_SUM;
    REAL total = 0;
    if (is_row(&r) && !r.within.some) {
        out[r.out_at + o] = row_reduced(a + r.a_at + begin, &r);
        return;
    }
    lane_sums sums;
    lanes_begin(&sums);
    for (ulong j = 0; j < r.inner_count; j++) {
        size_t at = begin + inner_at(&r, j);
        if (!live_of(r.within, lengths, at))
            continue;
        REAL value = a[r.a_at + at];
        if (adds)
            lanes_add(&sums, counted, value);
        else if (counted == 0 || r.operation == REDUCE_LAST || isnan(value) ||
                 (r.operation == REDUCE_MAX ? value > total : value < total))
            total = value;
        counted++;
    }
    if (adds)
        total = lanes_end(&sums);
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
    if (is_row(&r)) {
        _Pragma("nounroll") for (uint i = 0; i < count; i++) out[r.out_at + row * S + first + i] =
            row_reduced(a + i * r.stride[last], &r);
        return;
    }
    REAL16 total = (REAL16)0, lanes[2][SUM_LANES];
    for (uint i = 0; i < SUM_LANES; i++)
        lanes[0][i] = lanes[1][i] = (REAL16)0;
    for (ulong j0 = 0; j0 < r.inner_count; j0 += SUM_LANES) {
        for (uint i = 0; adds && j0 % LANE_BLOCK == 0 && i < SUM_LANES; i++) {
            lanes[0][i] += lanes[1][i];
            lanes[1][i] = (REAL16)0;
        }
        _Pragma("nounroll") for (uint i = 0; i < SUM_LANES && j0 + i < r.inner_count; i++)
        {
            const ulong j = j0 + i;
            const size_t at = r.inner_rank == 1 ? j * r.inner_stride[0] : inner_at(&r, j);
            const REAL16 value = side_load(a + at, r.stride[last], count);
            if (adds)
                lanes[1][i] += value;
            else if (j == 0)
                total = value;
            else
                total =
                    (value != value) | (largest ? value > total : value < total) ? value : total;
        }
    }
    for (uint i = 0; adds && i < SUM_LANES; i++)
        lanes[0][i] += lanes[1][i];
    for (uint h = SUM_LANES / 2; adds && h > 0; h /= 2)
        for (uint i = 0; i < h; i++)
            lanes[0][i] += lanes[0][i + h];
    if (adds)
        total = lanes[0][0];
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
