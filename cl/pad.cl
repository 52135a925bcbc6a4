/* SPDX-License-Identifier: MIT
 * cl/pad.cl - runs of numbers along the last axis of an array over which a window slides, with its
 * padding. In cl/window.cl and cl/conv.cl, after cl/map_launch.cl. */

/* In vectors, as most runs are as short as a panel is wide; the last vector does some numbers again
 * that are done, so that none is left over. */
static NO_INLINE void copy_run(global const REAL *from, global REAL *to, ulong count)
{
    ulong i = 0;
    for (; i + 16 <= count; i += 16)
        vstore16(vload16(0, from + i), 0, to + i);
    for (; i + 8 <= count; i += 8)
        vstore8(vload8(0, from + i), 0, to + i);
    if (i < count && count >= 8) {
        vstore8(vload8(0, from + count - 8), 0, to + count - 8);
        return;
    }
    for (; i < count; i++)
        to[i] = from[i];
}

static inline void clear_run(global REAL *to, ulong count)
{
    ulong i = 0;
    for (; i + 8 <= count; i += 8)
        vstore8((REAL8)0, 0, to + i);
    for (; i < count; i++)
        to[i] = (REAL)0;
}

/* Every other of 15 numbers. */
static inline REAL8 load_others(global const REAL *from)
{
    REAL8 low = vload8(0, from), high = vload8(0, from + 7);
    return (REAL8)(low.even, high.odd);
}

static inline void copy_every(global const REAL *from, ulong every, global REAL *to, ulong count)
{
    ulong i = 0;
    if (every == 1) {
        copy_run(from, to, count);
        return;
    }
    for (; every == 2 && i + 8 <= count; i += 8)
        vstore8(load_others(from + 2 * i), 0, to + i);
    if (every == 2 && i < count && count >= 8) {
        vstore8(load_others(from + 2 * (count - 8)), 0, to + count - 8);
        return;
    }
    for (; i < count; i++)
        to[i] = from[i * every];
}

/* `count` neighbouring windows along the last axis, whose element is at b, b + step, .. of a row of
 * x; b may lie before it. */
static NO_INLINE void window_run(global const REAL *row, global REAL *to, const window_launch *w,
                                 long b, ulong count)
{
    const long size = (long)w->x_size[1], step = (long)w->step[1], stride = (long)w->x_stride[1];
    if (step == 1 && stride == 1 && b >= 0 && (ulong)b + count <= (ulong)size) {
        copy_run(row + b, to, count); /* most */
        return;
    }
    ulong low = b < 0 ? (ulong)(step - 1 - b) : 0, high = size > b ? (ulong)(size - b) : 0;
    low = min(step == 1 ? low : low / (ulong)step, count);
    high = min(step == 1 ? high : (high + (ulong)step - 1) / (ulong)step, count);
    high = high < low ? low : high;
    clear_run(to, low);
    copy_every(row + (b + (long)low * step) * stride, (ulong)(step * stride), to + low, high - low);
    clear_run(to + high, count - high);
}

static inline ulong planes_count(const window_planes *p)
{
    return p->count[0] * p->count[1] * p->size[0] * p->size[1];
}

/* A channel of x with the padding that windows see, every step-th line and column in a plane of its
 * own. */
static inline void pad_planes(global const REAL *x, global REAL *padded, const window_launch *w,
                              const window_planes *p)
{
    for (ulong pa = 0; pa < p->count[0]; pa++)
        for (ulong pb = 0; pb < p->count[1]; pb++)
            for (ulong line = 0; line < p->size[0]; line++, padded += p->size[1]) {
                ulong a = line * w->step[0] + pa - w->pad[0];
                if (a < w->x_size[0])
                    window_run(x + a * w->x_stride[0], padded, w, (long)pb - (long)w->pad[1],
                               p->size[1]);
                else
                    clear_run(padded, p->size[1]);
            }
}
