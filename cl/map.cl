/* SPDX-License-Identifier: MIT
 * cl/map.cl - the nodes of a graph that compute element by element, broadcast or moved along
 * strides. In cl/nodes.cl.
 *
 *     MAP_COLUMNS  elements of the last axis that a work-item computes: many on a CPU
 *
 * Proven by: tests/graph/ against host/reference/. */
#ifndef MAP_COLUMNS
#define MAP_COLUMNS 1
#endif

#if REAL_IS_DOUBLE
#define SQRT_2_OVER_PI   0.79788456080286535588
#define TWO_OVER_SQRT_PI 1.12837916709551257390
#define GELU_CUBE        0.044715
#else
#define SQRT_2_OVER_PI   0.79788456080286535588f
#define TWO_OVER_SQRT_PI 1.12837916709551257390f
#define GELU_CUBE        0.044715f
#endif

static inline bool live_of(map_lengths w, global const int *lengths, ulong i)
{
    if (!w.some)
        return true;
    ulong t = i / w.t_stride % w.t_size, n = i / w.n_stride % w.n_size;
    return t < (ulong)lengths[w.lengths_at + n];
}

static inline REAL softplus(REAL x)
{
    return fmax(x, (REAL)0) + real_log((REAL)1 + real_exp(-fabs(x)));
}

/* x Phi(x) has the derivative Phi(x) + x phi(x); by tanh it has its own. */
static inline REAL gelu_inner(REAL x)
{
    return real_tanh(SQRT_2_OVER_PI * (x + GELU_CUBE * x * x * x));
}

static inline REAL clipped(REAL x, REAL low, REAL high)
{
    return x < low ? low : x > high ? high : x; /* NaN stays */
}

static inline REAL function_of(ulong function, REAL x, REAL alpha, REAL beta)
{
    switch ((uint)function) {
    case FN_TANH:
        return real_tanh(x);
    case FN_SIGMOID:
        return sigm(x);
    case FN_RELU:
        return x < 0 ? (REAL)0 : x;
    case FN_AFFINE:
        return alpha * x + beta;
    case FN_LEAKY_RELU:
        return x < 0 ? alpha * x : x;
    case FN_THRESHOLDED_RELU:
        return x < alpha ? (REAL)0 : x;
    case FN_SCALED_TANH:
        return alpha * real_tanh(beta * x);
    case FN_HARD_SIGMOID:
        return clipped(alpha * x + beta, (REAL)0, (REAL)1);
    case FN_ELU:
        return x < 0 ? alpha * (real_exp(x) - (REAL)1) : x;
    case FN_SOFTSIGN:
        return DIVIDE(x, (REAL)1 + fabs(x));
    case FN_SOFTPLUS:
        return softplus(x);
    case FN_SELU:
        return beta * (x < 0 ? alpha * (real_exp(x) - (REAL)1) : x);
    case FN_GELU:
        return x * normal_share(x);
    case FN_GELU_TANH:
        return (REAL)0.5f * x * ((REAL)1 + gelu_inner(x));
    case FN_SILU:
        return x * sigm(alpha * x);
    case FN_HARD_SWISH:
        return x * clipped(DIVIDE(x, (REAL)6) + (REAL)0.5f, (REAL)0, (REAL)1);
    case FN_MISH:
        return x * real_tanh(softplus(x));
    case FN_CLIP:
        return clipped(x, alpha, beta);
    case FN_EXP:
        return any_exp(x);
    case FN_LOG:
        return any_log(x);
    case FN_SQRT:
        return ROOT(x);
    case FN_SQUARE:
        return x * x;
    case FN_ABS:
        return fabs(x);
    case FN_NEGATE:
        return -x;
    case FN_RECIPROCAL:
        return DIVIDE((REAL)1, x);
    case FN_SIGN:
        return x > 0 ? (REAL)1 : x < 0 ? (REAL)-1 : x;
    case FN_FLOOR:
        return floor(x);
    case FN_CEIL:
        return ceil(x);
    case FN_NOT:
        return x == 0 ? (REAL)1 : (REAL)0;
    case FN_ERF:
        return real_erf(x);
    case FN_SIN:
        return sin(x);
    case FN_COS:
        return cos(x);
    case FN_ROUND:
        return rint(x);
    default:
        return x;
    }
}

static inline REAL derivative_of(ulong function, REAL x, REAL alpha, REAL beta)
{
    REAL s;
    switch ((uint)function) {
    case FN_TANH:
        s = real_tanh(x);
        return (REAL)1 - s * s;
    case FN_SIGMOID:
        s = sigm(x);
        return s * ((REAL)1 - s);
    case FN_RELU:
        return x <= 0 ? (REAL)0 : (REAL)1;
    case FN_AFFINE:
        return alpha;
    case FN_LEAKY_RELU:
        return x <= 0 ? alpha : (REAL)1;
    case FN_THRESHOLDED_RELU:
        return x <= alpha ? (REAL)0 : (REAL)1;
    case FN_SCALED_TANH:
        s = real_tanh(beta * x);
        return alpha * beta * ((REAL)1 - s * s);
    case FN_HARD_SIGMOID:
        s = alpha * x + beta;
        return s <= 0 || s >= 1 ? (REAL)0 : alpha;
    case FN_ELU:
        return x <= 0 ? alpha * real_exp(x) : (REAL)1;
    case FN_SOFTSIGN:
        s = (REAL)1 + fabs(x);
        return DIVIDE((REAL)1, s * s);
    case FN_SOFTPLUS:
        return sigm(x);
    case FN_SELU:
        return beta * (x <= 0 ? alpha * real_exp(x) : (REAL)1);
    case FN_GELU:
        return normal_share(x) + x * (REAL)0.5f * SQRT_2_OVER_PI * real_exp((REAL)-0.5f * x * x);
    case FN_GELU_TANH:
        s = gelu_inner(x);
        return (REAL)0.5f * ((REAL)1 + s) + (REAL)0.5f * x * ((REAL)1 - s * s) * SQRT_2_OVER_PI *
                                                ((REAL)1 + (REAL)3 * GELU_CUBE * x * x);
    case FN_SILU:
        s = sigm(alpha * x);
        return s + alpha * x * s * ((REAL)1 - s);
    case FN_HARD_SWISH:
        return x < -3 ? (REAL)0 : x > 3 ? (REAL)1 : DIVIDE(x, (REAL)3) + (REAL)0.5f;
    case FN_MISH:
        s = real_tanh(softplus(x));
        return s + x * ((REAL)1 - s * s) * sigm(x);
    case FN_CLIP:
        return x < alpha || x > beta ? (REAL)0 : (REAL)1;
    case FN_EXP:
        return any_exp(x);
    case FN_LOG:
        return DIVIDE((REAL)1, x);
    case FN_SQRT:
        return DIVIDE((REAL)0.5f, ROOT(x));
    case FN_SQUARE:
        return (REAL)2 * x;
    case FN_ABS:
        return x > 0 ? (REAL)1 : x < 0 ? (REAL)-1 : (REAL)0;
    case FN_NEGATE:
        return (REAL)-1;
    case FN_RECIPROCAL:
        return DIVIDE((REAL)-1, x * x);
    case FN_SIGN:
    case FN_FLOOR:
    case FN_CEIL:
    case FN_NOT:
    case FN_ROUND:
        return (REAL)0;
    case FN_ERF:
        return TWO_OVER_SQRT_PI * real_exp(-x * x);
    case FN_SIN:
        return cos(x);
    case FN_COS:
        return -sin(x);
    default:
        return (REAL)1;
    }
}

#define TRUTH(condition) ((condition) ? (REAL)1 : (REAL)0)

static inline REAL combine_of(ulong combine, REAL a, REAL b, REAL c, bool last)
{
    switch ((uint)combine) {
    case COMBINE_ADD:
        return a + b;
    case COMBINE_SUB:
        return a - b;
    case COMBINE_MUL:
        return a * b;
    case COMBINE_DIV:
        return DIVIDE(a, b);
    case COMBINE_MIN:
        return a < b || isnan(a) ? a : b;
    case COMBINE_MAX:
        return a > b || isnan(a) ? a : b;
    case COMBINE_POW:
        return any_pow(a, b);
    case COMBINE_LESS:
        return TRUTH(a < b);
    case COMBINE_LESS_EQUAL:
        return TRUTH(a <= b);
    case COMBINE_EQUAL:
        return TRUTH(a == b);
    case COMBINE_NOT_EQUAL:
        return TRUTH(a != b);
    case COMBINE_GREATER:
        return TRUTH(a > b);
    case COMBINE_GREATER_EQUAL:
        return TRUTH(a >= b);
    case COMBINE_SELECT:
        return a != 0 ? b : c;
    case COMBINE_MUL_ADD:
        return a * b + c;
    case COMBINE_WHERE:
        return a != 0 ? b : (REAL)0;
    case COMBINE_WHERE_NOT:
        return a != 0 ? (REAL)0 : b;
    case COMBINE_DIV_BACK:
        return DIVIDE(-(a * b), c * c);
    case COMBINE_LAST:
        return last ? a : (REAL)0;
    default:
        return a;
    }
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

/* Elements first..end of a row where all that is asked is one of these combinations, and relu of
 * it: most of what an epilogue, a pooling or a transposition does, without a choice inside the
 * loop. False: it is not. */
#define MAP_RELU(value) (relu && (value) < 0 ? (REAL)0 : (value))
#define MAP_EACH(COMBINE)                                                           \
    if (flat && sb)                                                                 \
        for (ulong k = first; k < end; k++) {                                       \
            REAL value = combine_of(COMBINE, a[k], b[k], (REAL)0, false);           \
            out[k] = MAP_RELU(value);                                               \
        }                                                                           \
    else if (flat) { /* one of all: a bias */                                       \
        REAL one = *b;                                                              \
        for (ulong k = first; k < end; k++) {                                       \
            REAL value = combine_of(COMBINE, a[k], one, (REAL)0, false);            \
            out[k] = MAP_RELU(value);                                               \
        }                                                                           \
    } else                                                                          \
        for (ulong k = first; k < end; k++) {                                       \
            REAL value = combine_of(COMBINE, a[k * sa], b[k * sb], (REAL)0, false); \
            out[k * to] = MAP_RELU(value);                                          \
        }
static inline bool map_simply(global REAL *out, global const REAL *a, global const REAL *b,
                              const map_launch *m, ulong first, ulong end)
{
    ulong last = m->rank - 1, to = m->out_stride[last], sa = m->stride[0][last];
    ulong sb = m->stride[1][last];
    bool relu = m->function == FN_RELU, flat = to == 1 && sa == 1 && sb <= 1;
    if (m->combine == COMBINE_FIRST) { /* b is not looked at */
        b = a;
        sb = sa;
        flat = to == 1 && sa == 1;
    }
    if (m->within.some || m->gradient || (m->function != FN_IDENTITY && !relu))
        return false;
    switch ((uint)m->combine) {
    case COMBINE_FIRST:
        MAP_EACH(COMBINE_FIRST)
        return true;
    case COMBINE_ADD:
        MAP_EACH(COMBINE_ADD)
        return true;
    case COMBINE_SUB:
        MAP_EACH(COMBINE_SUB)
        return true;
    case COMBINE_MUL:
        MAP_EACH(COMBINE_MUL)
        return true;
    case COMBINE_MAX:
        MAP_EACH(COMBINE_MAX)
        return true;
    default:
        return false;
    }
}

/* out = function(combine(a, b, c)), 0 past a row's length. Arrays may be the same where their
 * strides are. Global size [last axis in MAP_COLUMNS, product of the others]. */
kernel void map(global REAL *out, global const REAL *a, global const REAL *b, global const REAL *c,
                global const int *lengths, map_launch m, REAL alpha, REAL beta)
{
    ulong last = m.rank - 1, first = (ulong)get_global_id(0) * MAP_COLUMNS, row = get_global_id(1);
    ulong K = m.size[last], rows = 1;
    for (ulong i = 0; i < last; i++)
        rows *= m.size[i];
    if (first >= K || row >= rows)
        return;
    out += m.out_at;
    a += m.at[0];
    b += m.at[1];
    c += m.at[2];
    for (ulong i = last, left = row; i-- > 0;) { /* as place_of, of all at once */
        ulong at = index_off(&left, m.size[i]);
        out += at * m.out_stride[i];
        a += at * m.stride[0][i];
        b += at * m.stride[1][i];
        c += at * m.stride[2][i];
    }
    ulong end = min(K, first + MAP_COLUMNS);
    if (map_simply(out, a, b, &m, first, end))
        return;
    for (ulong k = first; k < end; k++) {
        ulong i = row * K + k;
        REAL value = 0, third = c[k * m.stride[2][last]];
        if (live_of(m.within, lengths, i)) {
            bool at_last = m.combine == COMBINE_LAST && last_of(m.within, lengths, i);
            value = combine_of(m.combine, a[k * m.stride[0][last]], b[k * m.stride[1][last]], third,
                               at_last);
            value = m.gradient ? third * derivative_of(m.function, value, alpha, beta)
                               : function_of(m.function, value, alpha, beta);
        }
        out[k * m.out_stride[last]] = value;
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
