/* SPDX-License-Identifier: MIT
 * cl/map.cl - the nodes of a graph that compute element by element, broadcast or moved along
 * strides. In cl/nodes.cl.
 *
 *     MAP_COLUMNS  elements of the last axis that a work-item computes: many on a CPU
 *     CHUNK        of them so many step by step
 *
 * Proven by: tests/graph/ against host/reference/. */
#ifndef MAP_COLUMNS
#define MAP_COLUMNS 1
#endif
#define CHUNK       (MAP_COLUMNS < 64 ? MAP_COLUMNS : 64)
#define CHUNK_IN_16 (MAP_COLUMNS >= 64)

#define REAL16 CLR_PASTE(REAL_NAME, 16)

static inline bool live_of(map_lengths w, global const int *lengths, ulong i)
{
    if (!w.some)
        return true;
    ulong t = i / w.t_stride % w.t_size, n = i / w.n_stride % w.n_size;
    return t < (ulong)lengths[w.lengths_at + n];
}

/* Whether element i of a [..T..N..] is of its row's last step. */
static inline bool last_of(map_lengths w, global const int *lengths, ulong i)
{
    ulong t = i / w.t_stride % w.t_size, n = i / w.n_stride % w.n_size;
    return t + 1 == (w.some ? (ulong)lengths[w.lengths_at + n] : w.t_size);
}

/* The index along an axis of this size, the last one of a number that becomes that of the others:
 * by 32 bits where these do, since 64 take four times as long to divide. */
static inline ulong index_off(ulong *number, ulong size)
{
    ulong others = (*number | size) >> 32 ? *number / size : (ulong)((uint)*number / (uint)size);
    ulong index = *number - others * size;
    *number = others;
    return index;
}

/* Where the element of this number, counted row-major over the axes, lies in an array. */
static inline size_t place_of(ulong rank, const ulong *size, const ulong *stride, ulong number)
{
    size_t at = 0;
    for (ulong i = rank; i-- > 0;)
        at += index_off(&number, size[i]) * stride[i];
    return at;
}

/* --- a chunk of a row, step by step --------------------------------------------------------------
 * Each step is a loop of its own over the whole chunk, whose count a compiler knows, so that it is
 * a few vector operations; what lies behind the end of a row is computed with it, and not stored.
 */

#define EACH(value)                  \
    for (uint i = 0; i < CHUNK; i++) \
    v[i] = (value)
#define EACH_OF(count, value)          \
    for (uint i = 0; i < (count); i++) \
    v[i] = (value)

#if CHUNK_IN_16
/* In vectors, which a compiler makes of a loop only if it knows that arrays do not overlap. Each
 * returns how many of the first `count` it has done. */
static inline uint chunk_load_run(REAL *v, global const REAL *p, uint count)
{
    uint i = 0;
    for (; i + 16 <= count; i += 16)
        vstore16(vload16(0, p + i), 0, v + i);
    return i;
}

/* Every other number, as of pooling; none behind the last is read. */
static inline uint chunk_load_others(REAL *v, global const REAL *p, uint count)
{
    uint i = 0;
    for (; i + 16 <= count; i += 16) {
        REAL16 low = vload16(0, p + 2 * i), high = vload16(0, p + 2 * i + 15);
        vstore16((REAL16)(low.even, high.odd), 0, v + i);
    }
    return i;
}

static inline uint chunk_store_run(const REAL *v, global REAL *p, uint count)
{
    uint i = 0;
    for (; i + 16 <= count; i += 16)
        vstore16(vload16(0, v + i), 0, p + i);
    return i;
}
#else
static inline uint chunk_load_run(REAL *v, global const REAL *p, uint count)
{
    EACH_OF(count, p[i]);
    return count;
}

static inline uint chunk_load_others(REAL *v, global const REAL *p, uint count)
{
    EACH_OF(count, p[2 * i]);
    return count;
}

static inline uint chunk_store_run(const REAL *v, global REAL *p, uint count)
{
    for (uint i = 0; i < count; i++)
        p[i] = v[i];
    return count;
}
#endif

static inline void chunk_load(REAL *v, global const REAL *p, ulong stride, uint count)
{
    if (count == CHUNK && stride == 1) {
        chunk_load_run(v, p, CHUNK);
    } else if (count == CHUNK && stride == 2) {
        chunk_load_others(v, p, CHUNK);
    } else if (stride == 0) {
        REAL one = *p;
        EACH(one);
    } else {
        uint begun = stride == 1   ? chunk_load_run(v, p, count)
                     : stride == 2 ? chunk_load_others(v, p, count)
                                   : 0;
        for (uint i = begun; i < count; i++)
            v[i] = p[i * stride];
        for (uint i = count; i < CHUNK; i++)
            v[i] = (REAL)0;
    }
}

static inline void chunk_store(const REAL *v, global REAL *p, ulong stride, uint count)
{
    uint begun = 0;
    if (count == CHUNK && stride == 1)
        begun = chunk_store_run(v, p, CHUNK);
    else if (stride == 1)
        begun = chunk_store_run(v, p, count);
    for (uint i = begun; i < count; i++)
        p[i * stride] = v[i];
}

/* v = combine(v, b, c): the usual ones without a choice inside the loop. */
#define COMBINE_EACH(COMBINE)                           \
    case COMBINE:                                       \
        EACH(combine_of(COMBINE, v[i], b[i], (REAL)0)); \
        break
static inline void chunk_combine(REAL *v, const REAL *b, const REAL *c, ulong combine, uint count)
{
    switch ((uint)combine) {
        COMBINE_EACH(COMBINE_ADD);
        COMBINE_EACH(COMBINE_SUB);
        COMBINE_EACH(COMBINE_MUL);
        COMBINE_EACH(COMBINE_DIV);
        COMBINE_EACH(COMBINE_MIN);
        COMBINE_EACH(COMBINE_MAX);
#if defined(COMPILED_AHEAD) && !REAL_IS_DOUBLE
        COMBINE_EACH(COMBINE_LESS);
        COMBINE_EACH(COMBINE_GREATER);
        COMBINE_EACH(COMBINE_EQUAL);
        COMBINE_EACH(COMBINE_WHERE);
        COMBINE_EACH(COMBINE_WHERE_NOT);
    case COMBINE_SELECT:
        EACH(combine_of(COMBINE_SELECT, v[i], b[i], c[i]));
        break;
#endif
    case COMBINE_MUL_ADD:
        EACH(combine_of(COMBINE_MUL_ADD, v[i], b[i], c[i]));
        break;
    default:
        EACH_OF(count, combine_of(combine, v[i], b[i], c[i]));
    }
}

/* v = function(v). Ahead of time the usual ones have code of their own, in single precision more.
 */
#define FUNCTION_EACH(FUNCTION)                         \
    case FUNCTION:                                      \
        EACH(function_of(FUNCTION, v[i], alpha, beta)); \
        break
static NO_INLINE void chunk_function(REAL *v, ulong function, REAL alpha, REAL beta, uint count)
{
    switch ((uint)function) {
        FUNCTION_EACH(FN_RELU);
#if defined(COMPILED_AHEAD)
        FUNCTION_EACH(FN_TANH);
        FUNCTION_EACH(FN_SIGMOID);
        FUNCTION_EACH(FN_AFFINE);
#endif
#if defined(COMPILED_AHEAD) && !REAL_IS_DOUBLE
        FUNCTION_EACH(FN_LEAKY_RELU);
        FUNCTION_EACH(FN_HARD_SIGMOID);
        FUNCTION_EACH(FN_ELU);
        FUNCTION_EACH(FN_SILU);
        FUNCTION_EACH(FN_HARD_SWISH);
        FUNCTION_EACH(FN_CLIP);
        FUNCTION_EACH(FN_SQUARE);
        FUNCTION_EACH(FN_EXP);
        FUNCTION_EACH(FN_LOG);
        FUNCTION_EACH(FN_SQRT);
        FUNCTION_EACH(FN_ABS);
        FUNCTION_EACH(FN_NEGATE);
        FUNCTION_EACH(FN_RECIPROCAL);
        FUNCTION_EACH(FN_SOFTPLUS);
        FUNCTION_EACH(FN_SOFTSIGN);
        FUNCTION_EACH(FN_SELU);
        FUNCTION_EACH(FN_GELU_TANH);
        FUNCTION_EACH(FN_MISH);
        FUNCTION_EACH(FN_FLOOR);
        FUNCTION_EACH(FN_ROUND);
        FUNCTION_EACH(FN_NOT);
    case FN_GELU:
        EACH(v[i] * inline_normal_share(v[i]));
        break;
    case FN_ERF:
        EACH(inline_erf(v[i]));
        break;
#endif
    default:
        EACH_OF(count, function_of(function, v[i], alpha, beta));
    }
}

static inline bool reads_third(ulong combine)
{
    return combine == COMBINE_SELECT || combine == COMBINE_MUL_ADD || combine == COMBINE_DIV_BACK;
}

/* out = v, 0 past a row's length. */
static inline void chunk_end(REAL *v, global REAL *out, global const int *lengths,
                             const map_launch *m, ulong number, uint count)
{
    if (m->within.some)
        EACH_OF(count, live_of(m->within, lengths, number + i) ? v[i] : (REAL)0);
    chunk_store(v, out, m->out_stride[0], count);
}

/* A chunk of out, whose first element has this number. The arrays: from its first element on. */
static inline void map_chunk(global REAL *out, global const REAL *a, global const REAL *b,
                             global const REAL *c, global const int *lengths, const map_launch *m,
                             REAL alpha, REAL beta, ulong number, uint count)
{
    REAL v[CHUNK], second[CHUNK], third[CHUNK];
    chunk_load(v, a, m->stride[0][0], count);
    if (m->gradient || reads_third(m->combine))
        chunk_load(third, c, m->stride[2][0], count);
    if (m->combine == COMBINE_LAST) {
        EACH_OF(count, last_of(m->within, lengths, number + i) ? v[i] : (REAL)0);
    } else if (m->combine != COMBINE_FIRST) {
        chunk_load(second, b, m->stride[1][0], count);
        chunk_combine(v, second, third, m->combine, count);
    }
    if (m->gradient)
        EACH_OF(count, third[i] * derivative_of(m->function, v[i], alpha, beta));
    else if (m->function != FN_IDENTITY)
        chunk_function(v, m->function, alpha, beta, count);
    chunk_end(v, out, lengths, m, number, count);
}

/* out = function(combine(a, b, c)), 0 past a row's length. Arrays may be the same where their
 * strides are. Axes are the other way round here, the last one first, and there are always
 * MAP_AXES: so nothing of m is found by a number that a compiler does not know, and it becomes
 * registers. Global size [last axis in MAP_COLUMNS, product of the others]. */
kernel LONG_ITEMS void map(global REAL *out, global const REAL *a, global const REAL *b,
                           global const REAL *c, global const int *lengths, map_launch m,
                           REAL alpha, REAL beta)
{
    ulong first = (ulong)get_global_id(0) * MAP_COLUMNS, row = get_global_id(1), left = row;
    ulong K = m.size[0];
    if (first >= K)
        return;
    out += m.out_at + first * m.out_stride[0];
    a += m.at[0] + first * m.stride[0][0];
    b += m.at[1] + first * m.stride[1][0];
    c += m.at[2] + first * m.stride[2][0];
    UNROLL for (uint i = 1; i < MAP_AXES; i++) if (i < m.rank)
    {
        ulong at = index_off(&left, m.size[i]);
        out += at * m.out_stride[i];
        a += at * m.stride[0][i];
        b += at * m.stride[1][i];
        c += at * m.stride[2][i];
    }
    if (left > 0) /* no such row */
        return;
    for (ulong end = min(K, first + MAP_COLUMNS); first < end; first += CHUNK) {
        map_chunk(out, a, b, c, lengths, &m, alpha, beta, row * K + first,
                  (uint)min(end - first, (ulong)CHUNK));
        out += CHUNK * m.out_stride[0];
        a += CHUNK * m.stride[0][0];
        b += CHUNK * m.stride[1][0];
        c += CHUNK * m.stride[2][0];
    }
}

/* The same of `terms` of one array, whose first element a is. */
static inline void terms_chunk(global REAL *out, global const REAL *a, global const int *lengths,
                               const map_launch *m, const map_terms *terms, REAL alpha, REAL beta,
                               ulong number, uint count)
{
    REAL v[CHUNK], other[CHUNK];
    chunk_load(v, a + terms->at[0], m->stride[0][0], count);
    for (uint k = 1; k < (uint)terms->count; k++) {
        chunk_load(other, a + terms->at[k], m->stride[0][0], count);
        chunk_combine(v, other, other, m->combine, count);
    }
    if (m->function != FN_IDENTITY)
        chunk_function(v, m->function, alpha, beta, count);
    chunk_end(v, out, lengths, m, number, count);
}

/* out = function(combine of all terms), 0 past a row's length; axes and global size as above. */
kernel LONG_ITEMS void map_of_terms(global REAL *out, global const REAL *a,
                                    global const int *lengths, map_launch m, map_terms terms,
                                    REAL alpha, REAL beta)
{
    ulong first = (ulong)get_global_id(0) * MAP_COLUMNS, row = get_global_id(1), left = row;
    ulong K = m.size[0];
    if (first >= K)
        return;
    out += m.out_at + first * m.out_stride[0];
    a += m.at[0] + first * m.stride[0][0];
    UNROLL for (uint i = 1; i < MAP_AXES; i++) if (i < m.rank)
    {
        ulong at = index_off(&left, m.size[i]);
        out += at * m.out_stride[i];
        a += at * m.stride[0][i];
    }
    if (left > 0) /* no such row */
        return;
    for (ulong end = min(K, first + MAP_COLUMNS); first < end; first += CHUNK) {
        terms_chunk(out, a, lengths, &m, &terms, alpha, beta, row * K + first,
                    (uint)min(end - first, (ulong)CHUNK));
        out += CHUNK * m.out_stride[0];
        a += CHUNK * m.stride[0][0];
    }
}

/* out[i] = a[i] * clr_dropout_factor(p, seed, index, layer, t, n, unit), where within.t_* and n_*
 * say t and n of i, and unit counts the elements of one t and n: i without them. variational: what
 * t = 0 has, for every t.
 * Global size [count, 1]. */
kernel void map_dropout(global REAL *out, global const REAL *a, global const int *lengths,
                        map_launch m, float p, uint seed_low, uint seed_high, uint index,
                        uint layer, uint variational)
{
    ulong i = get_global_id(0), count = m.size[0];
    if (i >= count)
        return;
    map_lengths w = m.within;
    ulong t = i / w.t_stride % w.t_size, n = i / w.n_stride % w.n_size;
    /* The number of i among those of its t and n: that of the array without these two axes. */
    bool t_first = w.t_stride > w.n_stride || (w.t_stride == w.n_stride && w.t_size > w.n_size);
    ulong big = t_first ? w.t_stride : w.n_stride, big_size = t_first ? w.t_size : w.n_size;
    ulong small = t_first ? w.n_stride : w.t_stride, small_size = t_first ? w.n_size : w.t_size;
    ulong unit = i % small + small * (i / (small * small_size) % (big / (small * small_size)) +
                                      big / (small * small_size) * (i / (big * big_size)));
    uint4 bits =
        philox((uint2)(seed_low, seed_high), (uint4)((uint)(unit / 4) + (layer << 24), (uint)n,
                                                     variational ? 0 : (uint)t, index));
    uint word[4] = {bits.x, bits.y, bits.z, bits.w};
    REAL kept = DIVIDE((REAL)1, (REAL)1 - (REAL)p);
    REAL factor = uniform(word[unit % 4]) < (REAL)p ? (REAL)0 : kept;
    out[m.out_at + i] = live_of(w, lengths, i) ? a[m.at[0] + i] * factor : (REAL)0;
}
