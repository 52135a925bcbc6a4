/* SPDX-License-Identifier: MIT
 * cl/trace.cl - what a pass has left in the reserve, read again: gates, the sums before them, and
 * what there is to say of many of them. After cl/prelude.cl, cl/function.cl, cl/cell.cl,
 * cl/activation.cl, cl/scan_launch.cl and cl/trace_launch.cl.
 *
 * Proven by: tests/layer/test_trace.c against host/reference/. */
static inline size_t in_view(trace_view v, uint t, uint n)
{
    return v.at + t * v.step + n * v.row;
}

/* Whether step t of row n, counted from the first that are wanted, counts. */
static inline bool is_counted(trace_block b, global const int *lengths, uint t, uint n)
{
    const size_t step = b.first_step + t, row = b.first_row + n;
    if (!b.has_lengths)
        return true;
    return b.has_lengths == HAS_FLAGS ? lengths[step * b.batch + row] & FLAG_LIVE
                                      : step < (size_t)(uint)lengths[row];
}

/* out [steps,rows,units] = the array; with a function f, f of it; with `complement` 1 minus that; 0
 * where it does not count.  Global size [units, steps*rows]. */
kernel void trace_values(global const REAL *from, trace_view view, trace_block b,
                         global const int *lengths, uint function, REAL alpha, REAL beta,
                         REAL gate_clip, uint complement, global REAL *out)
{
    uint j = get_global_id(0), row = get_global_id(1);
    if (j >= b.units || row >= b.steps * b.rows)
        return;
    uint t = row / (uint)b.rows, n = row % (uint)b.rows;
    REALV value = from[in_view(view, t, n) + j];
    if (function)
        value = function_of(function, alpha, beta, clipped(value, gate_clip));
    if (complement)
        value = (REALV)1 - value;
    out[(size_t)row * b.units + j] = is_counted(b, lengths, t, n) ? value : (REAL)0;
}

/* The same of the sum that a gate is a function of, from what it was made of. */
kernel void trace_sums(global const REAL *x, global const REAL *workspace,
                       global const REAL *weights, trace_sum s, trace_block b,
                       global const int *lengths, global REAL *out)
{
    uint j = get_global_id(0), row = get_global_id(1);
    if (j >= b.units || row >= b.steps * b.rows)
        return;
    uint t = row / (uint)b.rows, n = row % (uint)b.rows;
    REAL sum = s.b_ih == TRACE_NOWHERE ? (REAL)0 : weights[s.b_ih + j];
    REAL recurrent = s.b_hh == TRACE_NOWHERE ? (REAL)0 : weights[s.b_hh + j];
    for (ulong i = 0; i < s.inputs; i++)
        sum = fma(weights[s.w_ih + j * s.inputs + i], x[in_view(s.x, t, n) + i], sum);
    if (s.u.at != TRACE_NOWHERE)
        recurrent = workspace[in_view(s.u, t, n) + j] * workspace[in_view(s.r, t, n) + j];
    else
        for (ulong i = 0; i < s.width; i++)
            recurrent = fma(weights[s.w_hh + j * s.width + i], workspace[in_view(s.v, t, n) + i],
                            recurrent);
    sum += recurrent;
    if (s.p != TRACE_NOWHERE)
        sum += weights[s.p + j] * workspace[in_view(s.c, t, n) + j];
    out[(size_t)row * b.units + j] = is_counted(b, lengths, t, n) ? sum : (REAL)0;
}

/* to(t,n,j) += from(t,n,j) where it counts.  Global size [units, steps*rows]. */
kernel void trace_add(global const REAL *from, trace_view source, global REAL *to,
                      trace_view target, trace_block b, global const int *lengths)
{
    uint j = get_global_id(0), row = get_global_id(1);
    if (j >= b.units || row >= b.steps * b.rows)
        return;
    uint t = row / (uint)b.rows, n = row % (uint)b.rows;
    if (is_counted(b, lengths, t, n))
        to[in_view(target, t, n) + j] += from[in_view(source, t, n) + j];
}

/* What is said of a [steps,rows,units]. `k`: the unit or step at hand. */
typedef struct trace_figures {
    REAL sum, lost, squares, least, most, below, above, wild, all;
} trace_figures;

static inline void count_in(trace_figures *f, REAL v, REAL low, REAL high)
{
    f->all += 1;
    if (!is_finite(v)) {
        f->wild += 1;
        return;
    }
    REAL next = f->sum + v; /* Neumaier's */
    f->lost += fabs(f->sum) >= fabs(v) ? (f->sum - next) + v : (v - next) + f->sum;
    f->sum = next;
    f->least = v < f->least ? v : f->least;
    f->most = v > f->most ? v : f->most;
    f->below += v < low ? 1 : 0;
    f->above += v > high ? 1 : 0;
}

/* Figures of a [steps,rows,units]: with by_unit those of each unit, else of each step; what does
 * not count is left out, what is not finite only counted. Squares are of what the largest makes 1,
 * which neither overflow nor vanish.  From a[out] on: [units or steps,TRACE_FIGURES], in the order
 * of trace_figures. Always summed in the same order.  Global size [units or steps, 1]. */
kernel void trace_reduce(global REAL *a, trace_block b, global const int *lengths, uint by_unit,
                         REAL low, REAL high, ulong out)
{
    uint k = get_global_id(0);
    if (k >= (by_unit ? b.units : b.steps))
        return;
    trace_figures f = {0, 0, 0, INFINITY, -INFINITY, 0, 0, 0, 0};
    const uint outer = by_unit ? b.steps : 1, inner = by_unit ? 1 : b.units;
    REAL largest = 0;
    for (uint twice = 0; twice < 2; twice++) {
        for (uint r = 0; r < outer * b.rows; r++) {
            uint t = by_unit ? r / (uint)b.rows : k, n = r % (uint)b.rows;
            global const REAL *at = a + (t * b.rows + n) * b.units + (by_unit ? k : 0);
            for (uint u = 0; u < inner && is_counted(b, lengths, t, n); u++) {
                if (twice && is_finite(at[u])) {
                    REAL part = DIVIDE(at[u], largest);
                    f.squares = fma(part, part, f.squares);
                } else if (!twice) {
                    count_in(&f, at[u], low, high);
                }
            }
        }
        largest = f.most > -f.least ? f.most : -f.least;
        if (!(largest > 0)) /* all are 0, or there are none */
            break;
    }
    const REAL figures[TRACE_FIGURES] = {f.sum,   f.lost,  f.squares, f.least, f.most,
                                         f.below, f.above, f.wild,    f.all};
    for (uint i = 0; i < TRACE_FIGURES; i++)
        a[out + (size_t)k * TRACE_FIGURES + i] = figures[i];
}
