/* SPDX-License-Identifier: MIT
 * base/names.h - numbers by name: names get 0, 1, .. as they are added, the last of several that
 * are the same is found, and they are taken away from the end. */
#ifndef CLR_BASE_NAMES_H
#define CLR_BASE_NAMES_H

#include <stdbool.h>
#include <stdint.h>

#define CLR_NO_NAME UINT32_MAX

typedef struct clr_name {
    const char *text; /* the caller's, while it is here */
    uint32_t hash, next;
} clr_name;

/* Zero-initialise; free with clr_names_free. */
typedef struct clr_names {
    clr_name *all;   /* [count] */
    uint32_t *heads; /* [chains] the last of each, and one more */
    uint32_t count, room, chains;
} clr_names;

/** Add a name. False if memory is short. */
bool clr_names_add(clr_names *names, const char *text);

/** Its number, or CLR_NO_NAME. */
uint32_t clr_names_find(const clr_names *names, const char *text);

/** Leave the first `count`. */
void clr_names_cut(clr_names *names, uint32_t count);

void clr_names_free(clr_names *names);

#endif
