/* SPDX-License-Identifier: MIT
 * base/arena.c - see base/arena.h. */
#include "base/arena.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

enum { ALIGNMENT = 16, BLOCK = 1 << 15 };

struct clr_arena_block {
    struct clr_arena_block *next;
    size_t size;
};

/* Bytes before what a block holds. */
static const size_t head = (sizeof(struct clr_arena_block) + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;

void *clr_arena_get(clr_arena *arena, size_t bytes)
{
    arena->full = bytes > arena->most || arena->used > arena->most - bytes;
    if (arena->full)
        return NULL;
    bytes = (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    if (!arena->blocks || bytes > arena->left) {
        const size_t size = bytes > BLOCK ? bytes : BLOCK;
        struct clr_arena_block *block = clr_calloc(head + size, 1);
        if (!block)
            return NULL;
        *block = (struct clr_arena_block){arena->blocks, size};
        arena->blocks = block;
        arena->left = size;
    }
    char *at = (char *)arena->blocks + head + arena->blocks->size - arena->left;
    arena->left -= bytes;
    arena->used += bytes;
    return at;
}

char *clr_arena_copy(clr_arena *arena, const char *text, size_t size)
{
    char *copy = size < SIZE_MAX ? clr_arena_get(arena, size + 1) : NULL;
    if (copy && size > 0)
        memcpy(copy, text, size);
    return copy;
}

void clr_arena_free(clr_arena *arena)
{
    while (arena->blocks) {
        struct clr_arena_block *next = arena->blocks->next;
        free(arena->blocks);
        arena->blocks = next;
    }
    *arena = (clr_arena){.most = arena->most};
}
