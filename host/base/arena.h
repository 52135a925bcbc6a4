/* SPDX-License-Identifier: MIT
 * base/arena.h - many small pieces of memory that are freed together, with a limit: what a hostile
 * file makes a reader build. */
#ifndef CLR_BASE_ARENA_H
#define CLR_BASE_ARENA_H

#include <stdbool.h>
#include <stddef.h>

struct clr_arena_block;

/* Zero-initialise, then set most. */
typedef struct clr_arena {
    size_t most; /* bytes that all pieces may take together */
    size_t used;
    bool full;   /* out: more than `most` was asked for */
    size_t left; /* of the newest block */
    struct clr_arena_block *blocks;
} clr_arena;

/** Zeroed memory, aligned to 16 bytes, that lives as long as the arena; NULL if there is none, or
 *  it would be more than `most`. Threads: one at a time for each arena. */
void *clr_arena_get(clr_arena *arena, size_t bytes);

/** A copy with a 0 behind it; NULL as clr_arena_get. */
char *clr_arena_copy(clr_arena *arena, const char *text, size_t size);

void clr_arena_free(clr_arena *arena);

#endif
