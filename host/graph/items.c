/* SPDX-License-Identifier: MIT
 * graph/items.c - see graph/items.h. */
#include "graph/items.h"

#include <stdlib.h>

#include "base/checked.h"
#include "base/memory.h"

bool clr_items_make(clr_items *list, size_t room)
{
    *list = (clr_items){.all = clr_calloc(room, sizeof *list->all), .room = room};
    return list->all != NULL;
}

void clr_items_free(clr_items *list)
{
    free(list->all);
    list->all = NULL;
}

void clr_items_add(clr_items *list, size_t *place, size_t count, uint32_t first, uint32_t last)
{
    *place = SIZE_MAX;
    if (count == 0 || list->count == list->room)
        return;
    list->all[list->count] = (clr_item){(count + 15) / 16 * 16, list->count, first, last, place};
    list->count++;
}

static int by_size(const void *a, const void *b)
{
    const clr_item *x = a, *y = b;
    if (x->count != y->count)
        return x->count < y->count ? 1 : -1;
    return x->number < y->number ? -1 : x->number > y->number;
}

/* --- who is there at the same time ------------------------------------------------------------
 * Items that have a place, by blocks of moments: each is in all of those that it is there in, or,
 * if they are many, among the lasting ones. */

enum { BLOCK = 64, FEW_BLOCKS = 4 };

typedef struct entry {
    uint32_t item, next; /* next: one more than its number */
} entry;

typedef struct timetable {
    entry *all;
    uint32_t *heads, *tails; /* [lasting + 1] one more than the number of an entry */
    uint32_t count, lasting; /* the list behind those of the blocks */
} timetable;

static bool make_timetable(timetable *t, size_t count, uint32_t moments)
{
    t->lasting = moments / BLOCK + 1;
    t->heads = clr_calloc(t->lasting + 1, sizeof *t->heads);
    t->tails = clr_calloc(t->lasting + 1, sizeof *t->tails);
    t->all = clr_calloc(count * (FEW_BLOCKS + 1), sizeof *t->all);
    return t->heads && t->tails && t->all;
}

static void free_timetable(timetable *t)
{
    free(t->heads);
    free(t->tails);
    free(t->all);
}

static void note_in(timetable *t, uint32_t block, uint32_t number)
{
    t->all[t->count++] = (entry){.item = number};
    if (t->tails[block])
        t->all[t->tails[block] - 1].next = t->count;
    else
        t->heads[block] = t->count;
    t->tails[block] = t->count;
}

static void note(timetable *t, const clr_item *i, uint32_t number)
{
    const uint32_t first = i->first / BLOCK, last = i->last / BLOCK;
    if (last - first > FEW_BLOCKS)
        note_in(t, t->lasting, number);
    else
        for (uint32_t b = first; b <= last; b++)
            note_in(t, b, number);
}

/* A place behind all items of a list that are there at the same time and stand in the way. */
static size_t behind(const clr_items *list, const timetable *t, uint32_t block, const clr_item *own,
                     size_t at)
{
    for (uint32_t e = t->heads[block]; e; e = t->all[e - 1].next) {
        const clr_item *other = &list->all[t->all[e - 1].item];
        const bool together = other->first <= own->last && own->first <= other->last;
        if (together && at < *other->place + other->count && *other->place < at + own->count)
            at = *other->place + other->count;
    }
    return at;
}

/* The lowest place where an item fits among those that have one. */
static size_t lowest(const clr_items *list, const timetable *t, const clr_item *own)
{
    size_t at = 0, before;
    do {
        before = at;
        at = behind(list, t, t->lasting, own, at);
        for (uint32_t b = own->first / BLOCK; b <= own->last / BLOCK; b++)
            at = behind(list, t, b, own, at);
    } while (at != before);
    return at;
}

clrnn_status clr_items_place(clr_items *list, uint32_t moments, size_t *total)
{
    clr_size end = clr_size_of(0);
    timetable t = {0};
    clrnn_status status = make_timetable(&t, list->count, moments) ? CLRNN_OK : CLRNN_ERR_MEMORY;
    qsort(list->all, list->count, sizeof *list->all, by_size);
    for (size_t i = 0; i < list->count && status == CLRNN_OK; i++) {
        const size_t at = *list->all[i].place = lowest(list, &t, &list->all[i]);
        clr_size own = clr_size_add(clr_size_of(at), clr_size_of(list->all[i].count));
        end = own.overflow || own.value > end.value ? own : end;
        status = end.overflow ? CLRNN_ERR_RANGE : CLRNN_OK;
        note(&t, &list->all[i], (uint32_t)i);
    }
    free_timetable(&t);
    *total = end.value;
    return status;
}
