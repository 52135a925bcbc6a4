/* SPDX-License-Identifier: MIT
 * cl/ctc.cl - connectionist temporal classification (Graves et al. 2006): the loss of sequences of
 * labels that nobody has aligned with the steps, and its gradient.
 *
 * After cl/prelude.cl, cl/elementary.cl, cl/loss.cl. Class 0 is the blank. A sequence of C labels
 * has P = 2C+1 states, blank l_1 blank l_2 .. blank; a path through them begins in state 0 or 1,
 * ends in one of the last two, and from step to step stays, goes to the next state, or leaves out a
 * blank between labels that differ. With y = softmax(x):
 *     alpha_t(s) = y_t(l_s) * sum of alpha_{t-1} over s, s-1 and s-2 where that may be left
 *     beta_t(s)  = sum of beta_{t+1}(r) y_{t+1}(l_r) over r = s, s+1 and s+2 the same
 *     loss = -log(alpha_{T-1}(P-1) + alpha_{T-1}(P-2))
 *     g_t(s) = alpha_t(s) beta_t(s) / (its sum over s)
 *     dx_t(k) = (y_t(k) - sum of g_t(s) over the states of label k) * scale
 * alpha and beta are kept as logarithms less the largest of their step, so that neither very long
 * nor very unlikely sequences leave the range of REAL.
 *
 * A group takes one sequence; its items share states, classes. Sums go through states in order.
 * Proven by: tests/train/test_ctc.c against host/reference/ctc.c. */

/* paths, for each sequence: T_n, C_n, and then for each of its up to S labels: the label; where the
 * same one comes next, or -1; whether it is the first of its kind. */
#define PATH_SIZE(S) (2 + 3 * (S))

static inline REAL log_add(REAL a, REAL b)
{
    REAL most = fmax(a, b), least = a < b ? a : b;
    return most == (REAL)-INFINITY ? most : most + real_log(1 + real_exp(least - most));
}

/* State s: its label, and whether a path may come to it from s-2. */
static inline uint label_of(global const int *labels, uint s)
{
    return s % 2 ? (uint)labels[3 * (s / 2)] : 0u;
}

static inline bool leaves_out(global const int *labels, uint s)
{
    return s % 2 && s > 1 && labels[3 * (s / 2)] != labels[3 * (s / 2 - 1)];
}

/* log of what comes to state s of alpha from a step before; of what goes on from s in beta, whose
 * numbers have been multiplied by y. */
static inline REAL from_before(global const REAL *alpha, global const int *labels, uint s)
{
    REAL sum = alpha[s];
    if (s > 0)
        sum = log_add(sum, alpha[s - 1]);
    return leaves_out(labels, s) ? log_add(sum, alpha[s - 2]) : sum;
}

static inline REAL to_after(global const REAL *beta, global const int *labels, uint s, uint P)
{
    REAL sum = beta[s];
    if (s + 1 < P)
        sum = log_add(sum, beta[s + 1]);
    return s + 2 < P && leaves_out(labels, s + 2) ? log_add(sum, beta[s + 2]) : sum;
}

/* norms[row] = log of the sum of exp(x[k]).  logits: [rows, O].  Global size [rows * WG]. */
GROUP void log_sums(global const REAL *logits, uint O, global REAL *norms)
{
    local REAL scratch[WG];
    uint i = get_local_id(0);
    global const REAL *x = logits + get_group_id(0) * O;
    REAL m;
    REAL s = exp_sum(x, O, scratch, &m);
    if (i == 0)
        norms[get_group_id(0)] = m + real_log(s);
}

/* Take the largest of P numbers from each; gives it to all items. */
static inline REAL lower(global REAL *v, uint P, local REAL *scratch)
{
    REAL part = -INFINITY;
    for (uint s = get_local_id(0); s < P; s += WG)
        part = fmax(part, v[s]);
    REAL most = group_max(scratch, part);
    for (uint s = get_local_id(0); s < P; s += WG)
        v[s] -= most;
    barrier(CLK_GLOBAL_MEM_FENCE);
    return most;
}

/* What is known of one sequence. */
typedef struct ctc_row {
    global const REAL *x, *norms; /* step 0; steps are N rows apart */
    global const int *labels;
    size_t x_step, norm_step;
    uint P, W; /* states, and from one step of alpha to the next */
} ctc_row;

static inline REAL log_y(const ctc_row *r, uint t, uint s)
{
    return r->x[t * r->x_step + label_of(r->labels, s)] - r->norms[t * r->norm_step];
}

/* alpha: out [steps, W]. Returns log p, to all items. */
static inline REAL go_forward(const ctc_row *r, uint steps, global REAL *alpha, local REAL *scratch)
{
    REAL total = 0;
    for (uint t = 0; t < steps; t++) {
        global REAL *now = alpha + (size_t)t * r->W;
        for (uint s = get_local_id(0); s < r->P; s += WG) {
            REAL before = t       ? from_before(now - r->W, r->labels, s)
                          : s < 2 ? (REAL)0
                                  : (REAL)-INFINITY;
            now[s] = before + log_y(r, t, s);
        }
        barrier(CLK_GLOBAL_MEM_FENCE);
        total += lower(now, r->P, scratch);
    }
    global const REAL *last = alpha + (size_t)(steps - 1) * r->W;
    REAL end = r->P > 1 ? log_add(last[r->P - 1], last[r->P - 2]) : last[0];
    return total + end;
}

/* alpha of a step becomes g of it. beta: [P] */
static inline void join(const ctc_row *r, global REAL *alpha, global const REAL *beta,
                        local REAL *scratch)
{
    for (uint s = get_local_id(0); s < r->P; s += WG)
        alpha[s] += beta[s];
    barrier(CLK_GLOBAL_MEM_FENCE);
    (void)lower(alpha, r->P, scratch);
    REAL part = 0;
    for (uint s = get_local_id(0); s < r->P; s += WG) {
        alpha[s] = real_exp(alpha[s]);
        part += alpha[s];
    }
    REAL sum = group_sum(scratch, part);
    for (uint s = get_local_id(0); s < r->P; s += WG)
        alpha[s] = DIVIDE(alpha[s], sum);
    barrier(CLK_GLOBAL_MEM_FENCE);
}

/* dx: out [O], of a step with g as join left it. */
static inline void gradient_of(const ctc_row *r, uint t, uint O, global const REAL *g, REAL scale,
                               global REAL *dx)
{
    for (uint k = get_local_id(0); k < O; k += WG)
        dx[k] = real_exp(r->x[t * r->x_step + k] - r->norms[t * r->norm_step]) * scale;
    barrier(CLK_GLOBAL_MEM_FENCE);
    for (uint s = get_local_id(0); s < r->P; s += WG) {
        REAL sum = g[s];
        if (s % 2 ? !r->labels[3 * (s / 2) + 2] : s > 0)
            continue; /* an earlier state of the same label adds it up */
        if (s % 2)
            for (int j = r->labels[3 * (s / 2) + 1]; j >= 0; j = r->labels[3 * j + 1])
                sum += g[2 * j + 1];
        else
            for (uint b = 2; b < r->P; b += 2)
                sum += g[b];
        dx[label_of(r->labels, s)] -= sum * scale;
    }
    barrier(CLK_GLOBAL_MEM_FENCE);
}

/* logits: [T, N, O]; norms: [T, N], of log_sums; paths: [N, PATH_SIZE(S)]; work: [N, T+2, 2S+1];
 * scratch: [WG], an argument since PoCL 3.1 has all threads share a local array of this kernel;
 * losses: out [T, N], all of a sequence's in its first step; dlogits: out [T, N, O] or NULL. A
 * sequence of T_n = 0 costs nothing.  Global size [N * WG]. */
GROUP void ctc(global const REAL *logits, global const REAL *norms, global const int *paths, uint T,
               uint N, uint O, uint S, REAL scale, global REAL *work, local REAL *scratch,
               global REAL *losses, global REAL *dlogits)
{
    uint i = get_local_id(0);
    size_t n = get_group_id(0);
    global const int *path = paths + n * PATH_SIZE(S);
    uint steps = path[0], P = 2 * (uint)path[1] + 1, W = 2 * S + 1;
    ctc_row r = {logits + n * O, norms + n, path + 2, (size_t)N * O, N, P, W};
    global REAL *alpha = work + n * (T + 2) * W;
    REAL p = steps ? go_forward(&r, steps, alpha, scratch) : (REAL)0;
    for (uint t = i; t < T; t += WG)
        losses[(size_t)t * N + n] = t ? (REAL)0 : -p;
    if (!dlogits)
        return;
    for (uint t = steps; t < T; t++)
        for (uint k = i; k < O; k += WG)
            dlogits[((size_t)t * N + n) * O + k] = 0;
    for (uint t = steps; t-- > 0;) {
        global REAL *beta = alpha + (size_t)(T + t % 2) * W,
                    *next = alpha + (size_t)(T + 1 - t % 2) * W;
        for (uint s = i; s < P; s += WG) /* next has been multiplied by y */
            beta[s] = t + 1 < steps ? to_after(next, r.labels, s, P)
                      : s + 2 >= P  ? (REAL)0
                                    : (REAL)-INFINITY;
        barrier(CLK_GLOBAL_MEM_FENCE);
        (void)lower(beta, P, scratch);
        join(&r, alpha + (size_t)t * W, beta, scratch);
        gradient_of(&r, t, O, alpha + (size_t)t * W, scale, dlogits + ((size_t)t * N + n) * O);
        for (uint s = i; s < P; s += WG)
            beta[s] += log_y(&r, t, s);
        barrier(CLK_GLOBAL_MEM_FENCE);
    }
}
