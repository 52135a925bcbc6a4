/* SPDX-License-Identifier: MIT
 * cl/map_functions.cl - the functions of one number and the combinations of two or three that nodes
 * of a graph compute element by element. In cl/nodes.cl, before cl/map.cl.
 *
 * Proven by: tests/graph/ against host/reference/. */
#if REAL_IS_DOUBLE
#define SQRT_2_OVER_PI   0.79788456080286535588
#define TWO_OVER_SQRT_PI 1.12837916709551257390
#define GELU_CUBE        0.044715
#else
#define SQRT_2_OVER_PI   0.79788456080286535588f
#define TWO_OVER_SQRT_PI 1.12837916709551257390f
#define GELU_CUBE        0.044715f
#endif

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

/* The nearest number of float16, ties to even: in integers, as cl/convert.cl. Infinity and NaN
 * stay. */
static inline REAL to_f16(REAL number)
{
    float x = number;
    uint bits = as_uint(x), size = bits & 0x7fffffff;
    if (size >= 0x7f800000)
        return number;
    if (size < 0x38800000) /* below 2^-14: in units of 2^-24, by adding 0.5 */
        return copysign((float)(as_uint(as_float(size) + 0.5f) - 0x3f000000) * 0x1p-24f, x);
    size = (size + 0xfff + (size >> 13 & 1)) & 0xffffe000;
    return as_float((bits & 0x80000000) | (size < 0x47800000 ? size : 0x7f800000));
}

static inline REAL to_bf16(REAL number)
{
    uint bits = as_uint((float)number);
    return (bits & 0x7fffffff) >= 0x7f800000
               ? number
               : (REAL)as_float((bits + 0x7fff + (bits >> 16 & 1)) & 0xffff0000);
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
    case FN_TO_F16:
        return to_f16(x);
    case FN_TO_BF16:
        return to_bf16(x);
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

static inline REAL combine_of(ulong combine, REAL a, REAL b, REAL c)
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
    default:
        return a;
    }
}
