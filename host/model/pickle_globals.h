/* SPDX-License-Identifier: MIT
 * model/pickle_globals.h - the functions and classes that a pickle may name. */
#ifndef CLR_MODEL_PICKLE_GLOBALS_H
#define CLR_MODEL_PICKLE_GLOBALS_H

#include "model/pickle.h"

/* What a call has. */
typedef struct clr_pickle_call {
    const clrnn_log *log;
    const char *file;
    clr_arena *arena;
    const clr_pickled *args; /* a TUPLE */
    clr_pickled *result;     /* out: zeroed, to be filled */
} clr_pickle_call;

typedef struct clr_pickle_global {
    const char *module, *name;
    clrnn_status (*call)(clr_pickle_call *call); /* NULL: it is not called */
    int dtype;                                   /* of a storage or dtype, else -1 */
    bool is_storage;
} clr_pickle_global;

/** The one of that name, or NULL. */
const clr_pickle_global *clr_pickle_global_find(const char *module, const char *name);

/** torch.save's persistent id, ('storage', class, key, location, count), as a STORAGE. */
clrnn_status clr_pickle_storage(clr_pickle_call *call);

#endif
