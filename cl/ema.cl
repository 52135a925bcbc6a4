/* SPDX-License-Identifier: MIT
 * cl/ema.cl - exponential moving averages along time, with a learned rate for each channel. In
 * cl/nodes.cl.
 *
 *     y_t = y_{t-1} + a (x_t - y_{t-1}),  a = sigm(rate),  y_{-1} = 0 or a state that was kept
 * Backward, from dy:
 *     g_t = dy_t + (1 - a) g_{t+1};  dx_t = a g_t;  drate = a (1 - a) sum of g_t (x_t - y_{t-1})
 *
 * A series is what has all indices but t alike: the elements i/inner*T*inner + i%inner + t*inner of
 * an array [..,T,inner], of channel i/stride%C.
 * Proven by: tests/graph/ against host/reference/node_ema.c. */

/* state: [series], in and out; has_state 0: zeros, and none. Global size [series]. */
kernel void ema(global const REAL *x, ulong x_at, global REAL *y, ulong y_at,
                global const REAL *rates, ulong rates_at, global REAL *state, ulong state_at,
                uint has_state, global const int *lengths, map_lengths within, ulong T, ulong inner,
                ulong count, ulong C, ulong stride)
{
    size_t i = get_global_id(0);
    if (i >= count)
        return;
    const REAL a = sigm(rates[rates_at + i / stride % C]);
    REAL h = has_state ? state[state_at + i] : (REAL)0;
    ulong at = i / inner * T * inner + i % inner;
    for (ulong t = 0; t < T; t++, at += inner) {
        bool live = live_of(within, lengths, at);
        if (live)
            h = fma(a, x[x_at + at] - h, h);
        y[y_at + at] = live ? h : (REAL)0;
    }
    if (has_state)
        state[state_at + i] = h;
}

/* slopes: out [series], the sum in drate of each; wants_dx 0: there is no dx; state: [series], with
 * has_state what the average began with. Global size [series]. */
kernel void ema_back(global const REAL *x, ulong x_at, global const REAL *y, ulong y_at,
                     global const REAL *rates, ulong rates_at, global const REAL *dy, ulong dy_at,
                     global REAL *dx, ulong dx_at, uint wants_dx, global REAL *slopes,
                     ulong slopes_at, global const REAL *state, ulong state_at, uint has_state,
                     global const int *lengths, map_lengths within, ulong T, ulong inner,
                     ulong count, ulong C, ulong stride)
{
    size_t i = get_global_id(0);
    if (i >= count)
        return;
    const REAL a = sigm(rates[rates_at + i / stride % C]);
    const ulong first = i / inner * T * inner + i % inner;
    const REAL begin = has_state ? state[state_at + i] : (REAL)0;
    REAL g = 0, sum = 0;
    for (ulong t = T; t-- > 0;) {
        ulong at = first + t * inner;
        bool live = live_of(within, lengths, at);
        if (live) {
            REAL before = t > 0 ? y[y_at + at - inner] : begin;
            g = fma(1 - a, g, dy[dy_at + at]);
            sum = fma(g, x[x_at + at] - before, sum);
        }
        if (wants_dx)
            dx[dx_at + at] = live ? a * g : (REAL)0;
    }
    slopes[slopes_at + i] = a * (1 - a) * sum;
}

/* drates = the sum of the slopes of each channel's series. Global size [C]. */
kernel void ema_rates(global const REAL *slopes, ulong slopes_at, global REAL *drates,
                      ulong drates_at, ulong count, ulong C, ulong stride)
{
    size_t c = get_global_id(0);
    if (c >= C)
        return;
    REAL sum = 0;
    for (ulong begin = c * stride; begin < count; begin += C * stride)
        for (ulong i = begin; i < begin + stride; i++)
            sum += slopes[slopes_at + i];
    drates[drates_at + c] = sum;
}
