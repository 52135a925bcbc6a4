/* SPDX-License-Identifier: MIT
 * cl/optimizer.cl - one step of an optimiser over all parameters, as one flat array.
 *
 * After cl/prelude.cl. w: parameters, g: gradient (left as it is), both [count]; norm: [2], the
 * Euclidean norm of g times a power of two, and that power (cl/loss.cl), read only if clip > 0 or
 * `watch`. Global size [count].
 * watch: NULL, or [2]: the first step that was not finite, or 0, and whether its loss was not; then
 * loss: [1], and step is the number of this one, from 1.
 * Formulas: clrnn_optimizer in include/clrnn/trainer.h.
 * Proven by: tests/train/test_optimizer.c against float64 on the host. */

/* An element of a gradient whose norm becomes at most clip; a norm that is NaN makes all NaN. */
static inline REAL clipped(REAL g, REAL clip, global const REAL *norm)
{
    bool longer = norm[0] > clip * norm[1] || !is_finite(norm[0]);
    return clip > 0 && longer ? g * norm[1] * DIVIDE(clip, norm[0]) : g;
}

/* Whether this step must leave everything as it is: its loss or gradient is not finite, or those of
 * a step before it were not. All work-items decide alike, and none reads what another writes. */
static inline bool stands_still(size_t i, global ulong *watch, global const REAL *loss,
                                global const REAL *norm, ulong step)
{
    if (!watch)
        return false;
    bool good_loss = is_finite(loss[0]);
    if (good_loss && is_finite(norm[0]))
        return watch[0] != 0;
    if (i == 0 && watch[0] == 0) {
        watch[0] = step;
        watch[1] = !good_loss;
    }
    return true;
}

/*     u = momentum*u + g
 *     w = w - rate*u */
kernel void sgd(global REAL *w, global const REAL *g, global REAL *u, global const REAL *norm,
                ulong count, REAL clip, REAL rate, global ulong *watch, global const REAL *loss,
                ulong step, REAL momentum)
{
    size_t i = get_global_id(0);
    if (i >= count || stands_still(i, watch, loss, norm, step))
        return;
    REAL gradient = clipped(g[i], clip, norm);
    u[i] = momentum * u[i] + gradient;
    w[i] -= rate * u[i];
}

/* With c1 = 1-b1^k, c2 = 1-b2^k, d1 = 1-b1, d2 = 1-b2 and decay = rate*weight_decay (0 for Adam,
 * else AdamW), all computed on the host in double:
 *     m = b1*m + d1*g
 *     v = b2*v + d2*g^2
 *     w = w - decay*w - rate * (m/c1) / (sqrt(v/c2) + epsilon) */
kernel void adam(global REAL *w, global const REAL *g, global REAL *m, global REAL *v,
                 global const REAL *norm, ulong count, REAL clip, REAL rate, global ulong *watch,
                 global const REAL *loss, ulong step, REAL b1, REAL d1, REAL c1, REAL b2, REAL d2,
                 REAL c2, REAL epsilon, REAL decay)
{
    size_t i = get_global_id(0);
    if (i >= count || stands_still(i, watch, loss, norm, step))
        return;
    REAL gradient = clipped(g[i], clip, norm);
    REAL m1 = b1 * m[i] + d1 * gradient;
    REAL v1 = b2 * v[i] + d2 * gradient * gradient;
    m[i] = m1;
    v[i] = v1;
    w[i] = w[i] - decay * w[i] - DIVIDE(rate * DIVIDE(m1, c1), ROOT(DIVIDE(v1, c2)) + epsilon);
}

/* With d = 1-rho:
 *     v = rho*v + d*g^2
 *     w = w - rate * g / (sqrt(v) + epsilon) */
kernel void rmsprop(global REAL *w, global const REAL *g, global REAL *v, global const REAL *norm,
                    ulong count, REAL clip, REAL rate, global ulong *watch, global const REAL *loss,
                    ulong step, REAL rho, REAL d, REAL epsilon)
{
    size_t i = get_global_id(0);
    if (i >= count || stands_still(i, watch, loss, norm, step))
        return;
    REAL gradient = clipped(g[i], clip, norm);
    REAL v1 = rho * v[i] + d * gradient * gradient;
    v[i] = v1;
    w[i] -= DIVIDE(rate * gradient, ROOT(v1) + epsilon);
}

/* What no optimiser moves becomes what it was after the forward pass, or before it where a step was
 * not finite; `count` elements of each from `first` on.  Global size [count]. */
kernel void settle(global REAL *w, global const REAL *after, global const REAL *before, ulong first,
                   ulong count, global const ulong *watch)
{
    size_t i = get_global_id(0);
    if (i < count)
        w[first + i] = watch[0] ? before[first + i] : after[first + i];
}
