/* SPDX-License-Identifier: MIT
 * model/pickle_stack.c - see model/pickle_stack.h. */
#include "model/pickle_stack.h"

#include <string.h>

#include "base/log.h"

void clr_pickle_fail(clr_pickle_machine *m, const char *what)
{
    if (m->status == CLRNN_OK)
        m->status = clr_fail(m->log, CLRNN_ERR_FORMAT, "%s: damaged: %s at byte %zu of data.pkl",
                             m->file, what, (size_t)(m->at - m->begin));
}

void clr_pickle_no_memory(clr_pickle_machine *m)
{
    if (m->status != CLRNN_OK)
        return;
    m->status =
        m->arena->full
            ? clr_fail(m->log, CLRNN_ERR_FORMAT,
                       "%s: refused: its objects need more than %zu bytes", m->file, m->arena->most)
            : clr_fail(m->log, CLRNN_ERR_MEMORY, "%s: no memory for its objects", m->file);
}

/* --- values ---------------------------------------------------------------------------------- */

static bool grow(clr_pickle_machine *m, clr_pickle_list *l, size_t room)
{
    clr_pickled **larger = clr_arena_get(m->arena, room * sizeof(clr_pickled *));
    if (!larger) {
        clr_pickle_no_memory(m);
        return false;
    }
    if (l->count > 0)
        memcpy(larger, l->items, l->count * sizeof(clr_pickled *));
    l->items = larger;
    l->room = room;
    return true;
}

void clr_pickle_push(clr_pickle_machine *m, clr_pickled *value)
{
    if (value && (m->stack.count < m->stack.room || grow(m, &m->stack, 2 * m->stack.room + 64)))
        m->stack.items[m->stack.count++] = value;
}

clr_pickled *clr_pickle_make(clr_pickle_machine *m, clr_pickled_kind kind)
{
    clr_pickled *value = clr_arena_get(m->arena, sizeof *value);
    if (value)
        value->kind = kind;
    else
        clr_pickle_no_memory(m);
    return value;
}

/* The lowest height that the stack may have: that of the last mark. */
static size_t floor_of(const clr_pickle_machine *m)
{
    return m->mark_count ? m->marks[m->mark_count - 1] : 0;
}

/* A value that can be read whatever failed. */
static clr_pickled nothing;

clr_pickled *clr_pickle_pop(clr_pickle_machine *m)
{
    if (m->stack.count > floor_of(m))
        return m->stack.items[--m->stack.count];
    clr_pickle_fail(m, "nothing on the stack");
    return &nothing;
}

clr_pickled *clr_pickle_top(clr_pickle_machine *m)
{
    if (m->stack.count > floor_of(m))
        return m->stack.items[m->stack.count - 1];
    clr_pickle_fail(m, "nothing on the stack");
    return &nothing;
}

void clr_pickle_push_mark(clr_pickle_machine *m, unsigned none)
{
    (void)none;
    if (m->mark_count == m->mark_room) {
        const size_t room = 2 * m->mark_room + 16;
        size_t *larger = clr_arena_get(m->arena, room * sizeof *larger);
        if (!larger) {
            clr_pickle_no_memory(m);
            return;
        }
        if (m->mark_count > 0)
            memcpy(larger, m->marks, m->mark_count * sizeof *larger);
        m->marks = larger;
        m->mark_room = room;
    }
    m->marks[m->mark_count++] = m->stack.count;
}

/* The height of the last mark, which is gone then. */
size_t clr_pickle_pop_mark(clr_pickle_machine *m)
{
    if (m->mark_count > 0)
        return m->marks[--m->mark_count];
    clr_pickle_fail(m, "no mark on the stack");
    return m->stack.count;
}

/* Append values to a LIST, TUPLE or DICT. */
void clr_pickle_append(clr_pickle_machine *m, clr_pickled *to, clr_pickled *const *items,
                       size_t count)
{
    if (count > UINT32_MAX / 4 || to->count > UINT32_MAX / 4) {
        clr_pickle_no_memory(m);
        return;
    }
    if (to->count + count > to->room) {
        const size_t room = 2 * (size_t)to->count + count;
        clr_pickled **larger = clr_arena_get(m->arena, room * sizeof *larger);
        if (!larger) {
            clr_pickle_no_memory(m);
            return;
        }
        if (to->count > 0)
            memcpy(larger, to->items, to->count * sizeof *larger);
        to->items = larger;
        to->room = (uint32_t)room;
    }
    if (count > 0)
        memcpy(to->items + to->count, items, count * sizeof *items);
    to->count += (uint32_t)count;
}

/* What lies above the last mark, as a new value. */
void clr_pickle_collect(clr_pickle_machine *m, clr_pickled_kind kind)
{
    const size_t from = clr_pickle_pop_mark(m);
    clr_pickled *value = clr_pickle_make(m, kind);
    if (kind == CLR_PICKLED_DICT && (m->stack.count - from) % 2)
        clr_pickle_fail(m, "a key without value");
    if (value && m->status == CLRNN_OK && m->stack.count > from)
        clr_pickle_append(m, value, m->stack.items + from, m->stack.count - from);
    m->stack.count = from;
    clr_pickle_push(m, value);
}

/* The newest `count` of the stack, as a tuple. */
void clr_pickle_collect_tuple(clr_pickle_machine *m, uint32_t count)
{
    clr_pickled *value = clr_pickle_make(m, CLR_PICKLED_TUPLE), *items[3];
    for (uint32_t i = count; i-- > 0;)
        items[i] = clr_pickle_pop(m);
    if (value && m->status == CLRNN_OK)
        clr_pickle_append(m, value, items, count);
    clr_pickle_push(m, value);
}

/* What lies above the last mark goes to the LIST or DICT below it. */
void clr_pickle_append_all(clr_pickle_machine *m, clr_pickled_kind kind)
{
    const size_t from = clr_pickle_pop_mark(m);
    const size_t count = m->stack.count - from;
    m->stack.count = from;
    clr_pickled *to = clr_pickle_top(m);
    if (to->kind != kind || (kind == CLR_PICKLED_DICT && count % 2))
        clr_pickle_fail(m, "what is appended to is another thing");
    if (m->status == CLRNN_OK)
        clr_pickle_append(m, to, m->stack.items + from, count);
}

/* --- what is kept -------------------------------------------------------------------------- */

void clr_pickle_put_memo(clr_pickle_machine *m, uint64_t index)
{
    clr_pickled *value = clr_pickle_top(m);
    if (index >= m->memo.room &&
        (index > UINT32_MAX || !grow(m, &m->memo, 2 * (size_t)index + 64))) {
        clr_pickle_no_memory(m);
        return;
    }
    m->memo.items[index] = value;
    if (index >= m->memo.count)
        m->memo.count = (size_t)index + 1;
}

void clr_pickle_get_memo(clr_pickle_machine *m, uint64_t index)
{
    if (index >= m->memo.count || !m->memo.items[index])
        clr_pickle_fail(m, "a value that was not kept");
    else
        clr_pickle_push(m, m->memo.items[index]);
}
