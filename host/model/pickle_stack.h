/* SPDX-License-Identifier: MIT
 * model/pickle_stack.h - the stack machine of pickles: its values, stack, marks and memo. */
#ifndef CLR_MODEL_PICKLE_STACK_H
#define CLR_MODEL_PICKLE_STACK_H

#include "model/pickle.h"

/* An array of pointers in the arena. */
typedef struct clr_pickle_list {
    clr_pickled **items;
    size_t count, room;
} clr_pickle_list;

typedef struct clr_pickle_machine {
    const clrnn_log *log;
    const char *file;
    clr_arena *arena;
    const unsigned char *begin, *at, *end;
    clr_pickle_list stack, memo;
    size_t *marks; /* [mark_count] heights of the stack */
    size_t mark_count, mark_room;
    bool stopped;
    clr_storage_ref *storages;
    clrnn_status status; /* of the first failure; later steps then do nothing */
} clr_pickle_machine;

/* After the first failure functions do nothing that matters, and what they return can be read. */

/** Damaged, at this byte. */
void clr_pickle_fail(clr_pickle_machine *m, const char *what);
void clr_pickle_no_memory(clr_pickle_machine *m);

/** A zeroed value; NULL after a failure. */
clr_pickled *clr_pickle_make(clr_pickle_machine *m, clr_pickled_kind kind);

/** push of NULL does nothing. */
void clr_pickle_push(clr_pickle_machine *m, clr_pickled *value);
clr_pickled *clr_pickle_pop(clr_pickle_machine *m);
clr_pickled *clr_pickle_top(clr_pickle_machine *m);

void clr_pickle_push_mark(clr_pickle_machine *m, unsigned none);
/** The height of the last mark, which is gone then. */
size_t clr_pickle_pop_mark(clr_pickle_machine *m);

/** Append values to a LIST, TUPLE or DICT. */
void clr_pickle_append(clr_pickle_machine *m, clr_pickled *to, clr_pickled *const *items,
                       size_t count);

/** What lies above the last mark, or the newest `count` (at most 3) as a tuple, as a new value. */
void clr_pickle_collect(clr_pickle_machine *m, clr_pickled_kind kind);
void clr_pickle_collect_tuple(clr_pickle_machine *m, uint32_t count);

/** What lies above the last mark goes to the LIST or DICT below it. */
void clr_pickle_append_all(clr_pickle_machine *m, clr_pickled_kind kind);

/** Keep the top of the stack under a number; push what was kept. */
void clr_pickle_put_memo(clr_pickle_machine *m, uint64_t index);
void clr_pickle_get_memo(clr_pickle_machine *m, uint64_t index);

#endif
