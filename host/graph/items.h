/* SPDX-License-Identifier: MIT
 * graph/items.h - where arrays lie in one piece of memory, of which some share a place because they
 * are never there together. */
#ifndef CLR_GRAPH_ITEMS_H
#define CLR_GRAPH_ITEMS_H

#include <clrnn/status.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Something of `count` elements that lies somewhere from one moment to another. */
typedef struct clr_item {
    size_t count, number; /* number: in the order in which they were added */
    uint32_t first, last;
    size_t *place;
} clr_item;

/* Zero-initialise; clr_items_make, then clr_items_free. */
typedef struct clr_items {
    clr_item *all; /* [count] */
    size_t count, room;
} clr_items;

/** Room for so many. False if memory is short. */
bool clr_items_make(clr_items *items, size_t room);
void clr_items_free(clr_items *items);

/** Add one, which *place is told of; it is nowhere (SIZE_MAX) if it has no elements. */
void clr_items_add(clr_items *items, size_t *place, size_t count, uint32_t first, uint32_t last);

/** Give each its place: the largest first, of equal ones the one that was added
 * first, each at the lowest there is. Moments are below
 * `moments`, *total: elements of all. Returns: CLRNN_OK, CLRNN_ERR_MEMORY, CLRNN_ERR_RANGE */
clrnn_status clr_items_place(clr_items *items, uint32_t moments, size_t *total);

#endif
