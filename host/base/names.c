/* SPDX-License-Identifier: MIT
 * base/names.c - see base/names.h. */
#include "base/names.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

static uint32_t hash_of(const char *text)
{
    uint32_t hash = 2166136261u;
    for (; *text; text++)
        hash = (hash ^ (unsigned char)*text) * 16777619u;
    return hash ^ hash >> 15;
}

static void link_name(clr_names *names, uint32_t i)
{
    uint32_t *head = &names->heads[names->all[i].hash & (names->chains - 1)];
    names->all[i].next = *head;
    *head = i + 1;
}

/* Twice as many, and as many chains. */
static bool grow(clr_names *names)
{
    const uint32_t room = names->room ? 2 * names->room : 64;
    clr_name *all = room > names->room ? clr_calloc(room, sizeof *all) : NULL;
    uint32_t *heads = all ? clr_calloc(room, sizeof *heads) : NULL;
    if (!heads) {
        free(all);
        return false;
    }
    if (names->count)
        memcpy(all, names->all, names->count * sizeof *all);
    free(names->all);
    free(names->heads);
    names->all = all;
    names->heads = heads;
    names->room = names->chains = room;
    for (uint32_t i = 0; i < names->count; i++)
        link_name(names, i);
    return true;
}

bool clr_names_add(clr_names *names, const char *text)
{
    if (names->count == names->room && !grow(names))
        return false;
    names->all[names->count] = (clr_name){.text = text, .hash = hash_of(text)};
    link_name(names, names->count++);
    return true;
}

uint32_t clr_names_find(const clr_names *names, const char *text)
{
    const uint32_t hash = hash_of(text);
    uint32_t i = names->chains ? names->heads[hash & (names->chains - 1)] : 0;
    while (i && (names->all[i - 1].hash != hash || strcmp(names->all[i - 1].text, text) != 0))
        i = names->all[i - 1].next;
    return i ? i - 1 : CLR_NO_NAME;
}

void clr_names_cut(clr_names *names, uint32_t count)
{
    while (names->count > count) {
        const clr_name *last = &names->all[--names->count];
        names->heads[last->hash & (names->chains - 1)] = last->next;
    }
}

void clr_names_free(clr_names *names)
{
    free(names->all);
    free(names->heads);
    *names = (clr_names){0};
}
