/* SPDX-License-Identifier: MIT
 * cl/activation.cl - the functions of gates, forward and backward, on VEC units: the usual ones,
 * and with OPTION_RARE those that the launch says, of sums that are clipped. After cl/cell.cl,
 * before the cell.
 *
 * Backward, from dy = dLoss/dy of y = f(x): dLoss/dx; selected, never multiplied by 0, where the
 * slope is 0. At a corner it is that of the flatter side.
 * Proven by: tests/layer against host/reference/activation.c. */

/* What a launch says. */
typedef struct cell_values {
    REAL gate_clip, cell_clip; /* infinite: none */
    uint function[CELL_FUNCTIONS];
    REAL alpha[CELL_FUNCTIONS], beta[CELL_FUNCTIONS];
    REAL zone, zone_cell; /* zoneout: its probabilities, and what draws: cl/zoneout.cl */
    ulong zone_key;
    uint zone_index, zone_drawn;
} cell_values;

/* x within +-clip. NaN stays, since it compares false. */
static inline REALV clipped(REALV x, REAL clip)
{
    x = x > (REALV)clip ? (REALV)clip : x;
    return x < (REALV)-clip ? (REALV)-clip : x;
}

static inline REALV clipped_back(REALV x, REAL clip, REALV dy)
{
    dy = x > (REALV)clip ? (REALV)0 : dy;
    return x < (REALV)-clip ? (REALV)0 : dy;
}

/* e^x - 1 of x <= 0, without cancellation. */
static inline REALV exp_minus_1(REALV x)
{
    REALV t = real_tanh(x * (REALV)0.5f);
    return DIVIDE(t + t, (REALV)1 - t);
}

/* log(1 + e^x) = max(x, 0) + log(1 + u), u = e^-|x|, and log(1 + u) = 2 atanh(s), s = u/(2 + u), at
 * most 1/3: the series of atanh. */
#define ATANH_TERMS (REAL_IS_DOUBLE ? 17 : 8)
static inline REALV softplus(REALV x)
{
    REALV scale, part = exp_parts(exp_kept(-fabs(x)), &scale), u = part * scale;
    REALV s = DIVIDE(u, u + (REALV)2), z = s * s, sum = (REALV)0;
    for (int k = ATANH_TERMS; k >= 0; k--)
        sum = fma(sum, z, (REALV)((REAL)1 / (REAL)(2 * k + 1)));
    return (x < (REALV)0 ? (REALV)0 : x) + (s + s) * sum;
}

/* Not in line: once for each gate of each place where a cell is computed would be most of what is
 * compiled. (In large groups it is: with a pointer to local memory PoCL 3.1 does not compile it.)
 */
#if defined(WG) && WG > 1 || defined(ROWS_ITEM)
#define APART
#else
#define APART NO_INLINE
#endif

static inline APART REALV function_of(uint function, REAL alpha, REAL beta, REALV x)
{
    const REALV a = (REALV)alpha, b = (REALV)beta, zero = (REALV)0, one = (REALV)1;
    REALV y = x;
    switch (function) {
    case FN_RELU:
        return x < zero ? zero : x;
    case FN_TANH:
        return real_tanh(x);
    case FN_SIGMOID:
        return sigm(x);
    case FN_AFFINE:
        return a * x + b;
    case FN_LEAKY_RELU:
        return x < zero ? a * x : x;
    case FN_THRESHOLDED_RELU:
        return x < a ? zero : x;
    case FN_SCALED_TANH:
        return a * real_tanh(b * x);
    case FN_HARD_SIGMOID:
        y = a * x + b;
        y = y < zero ? zero : y;
        return y > one ? one : y;
    case FN_ELU:
        return x < zero ? a * exp_minus_1(x) : x;
    case FN_SOFTSIGN:
        return DIVIDE(x, one + fabs(x));
    default:
        return softplus(x);
    }
}

static inline APART REALV function_back(uint function, REAL alpha, REAL beta, REALV x, REALV dy)
{
    const REALV a = (REALV)alpha, b = (REALV)beta, zero = (REALV)0, one = (REALV)1;
    REALV y;
    switch (function) {
    case FN_RELU:
        return x <= zero ? zero : dy;
    case FN_TANH:
        y = real_tanh(x);
        return dy * (one - y * y);
    case FN_SIGMOID:
        y = sigm(x);
        return dy * y * (one - y);
    case FN_AFFINE:
        return dy * a;
    case FN_LEAKY_RELU:
        return x <= zero ? dy * a : dy;
    case FN_THRESHOLDED_RELU:
        return x <= a ? zero : dy;
    case FN_SCALED_TANH:
        y = real_tanh(b * x);
        return dy * a * b * (one - y * y);
    case FN_HARD_SIGMOID:
        y = a * x + b;
        dy = y <= zero ? zero : dy;
        return y >= one ? zero : dy * a;
    case FN_ELU:
        return x <= zero ? dy * a * (exp_minus_1(x) + one) : dy;
    case FN_SOFTSIGN:
        y = one + fabs(x);
        return DIVIDE(dy, y * y);
    default:
        return dy * sigm(x);
    }
}

/* The function number `which` of a cell, usually the logistic one or tanh, of the sum x. */
static inline REALV gate_value(uint options, const cell_values *v, int which, bool logistic,
                               REALV x)
{
    if (options & OPTION_RARE)
        return function_of(v->function[which], v->alpha[which], v->beta[which],
                           clipped(x, v->gate_clip));
    return logistic ? sigm(x) : real_tanh(x);
}

/* dLoss/dx from dy; s: x, or usually y. */
static inline REALV gate_back(uint options, const cell_values *v, int which, bool logistic, REALV s,
                              REALV dy)
{
    if (options & OPTION_RARE)
        return clipped_back(s, v->gate_clip,
                            function_back(v->function[which], v->alpha[which], v->beta[which],
                                          clipped(s, v->gate_clip), dy));
    return logistic ? dy * s * ((REALV)1 - s) : dy * ((REALV)1 - s * s);
}

/* What is kept of a gate for the way back, and the gate again. */
static inline REALV gate_kept(uint options, REALV x, REALV y)
{
    return options & OPTION_RARE ? x : y;
}

static inline REALV gate_again(uint options, const cell_values *v, int which, bool logistic,
                               REALV s)
{
    return options & OPTION_RARE ? gate_value(options, v, which, logistic, s) : s;
}
