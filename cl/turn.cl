/* SPDX-License-Identifier: MIT
 * cl/turn.cl - time backwards within the length of each row. In cl/nodes.cl, after cl/map.cl.
 *
 *     y[t,n] = x[end_n - 1 - t*step, n], 0 from there on where there is none; its gradient moves
 *     back the same way
 *
 * Proven by: tests/graph/ against host/reference/node_move.c. */

/* Where the element of this number of y lies in x. False: it lies nowhere. */
static inline bool turned_place(const turn_launch *m, global const int *lengths,
                                global const int *own, ulong number, size_t *at)
{
    ulong t = 0, n = 0;
    *at = m->x_at;
    for (ulong i = m->rank; i-- > 0;) {
        ulong index = index_off(&number, m->size[i]);
        if (i == m->t_axis)
            t = index;
        else
            *at += index * m->x_stride[i];
        if (i == m->n_axis)
            n = m->n_begin + index * m->n_step;
    }
    ulong length = m->some ? (ulong)lengths[m->lengths_at + n] : m->T, end = length;
    if (m->own)
        end = min(end, (ulong)max(own[m->own_at + n], 0));
    bool turns = t * m->step < end;
    *at += (turns ? end - 1 - t * m->step : t) * m->x_stride[m->t_axis];
    return turns || (m->own && t < length);
}

/* x and y of one type; own: [N], any buffer where there are none. Global size [count]. */
#define TURN(NAME, TYPE)                                                        \
    kernel void NAME(global TYPE *x, global TYPE *y, global const int *lengths, \
                     global const int *own, turn_launch m)                      \
    {                                                                           \
        size_t at, i = get_global_id(0);                                        \
        if (i >= m.count)                                                       \
            return;                                                             \
        bool there = turned_place(&m, lengths, own, i, &at);                    \
        if (!m.back)                                                            \
            y[m.y_at + i] = there ? x[at] : (TYPE)0;                            \
        else if (there)                                                         \
            x[at] = y[m.y_at + i];                                              \
    }
TURN(turn, REAL)
TURN(turn_ids, int)
