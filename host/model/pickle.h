/* SPDX-License-Identifier: MIT
 * model/pickle.h - what torch.save has written, as values, and nothing that would run.
 *
 * A pickle is a program for a stack machine that may call any function there is. This one knows the
 * opcodes that build values (protocol 2 to 5), and of functions and classes ("globals") those of
 * PyTorch's that make tensors, storages, sizes and ordered dictionaries; those of Python's and
 * NumPy's that make sets, bytes and single numbers are known, and make nothing. Every other is
 * refused by its name, whether or not it would have been called. */
#ifndef CLR_MODEL_PICKLE_H
#define CLR_MODEL_PICKLE_H

#include <clrnn/tensors.h>

#include "base/arena.h"

typedef enum clr_pickled_kind {
    CLR_PICKLED_NONE,
    CLR_PICKLED_BOOL,
    CLR_PICKLED_INTEGER,
    CLR_PICKLED_REAL,
    CLR_PICKLED_TEXT,
    CLR_PICKLED_BYTES,
    CLR_PICKLED_LIST,
    CLR_PICKLED_TUPLE,
    CLR_PICKLED_DICT,  /* items: key, value, key, value.. */
    CLR_PICKLED_OTHER, /* a number, a set or bytes, of which nothing is kept */
    CLR_PICKLED_GLOBAL,
    CLR_PICKLED_STORAGE,
    CLR_PICKLED_TENSOR
} clr_pickled_kind;

/* Where a tensor's elements lie: the entry data/KEY of the archive. */
typedef struct clr_storage_ref {
    const char *key;
    clrnn_dtype dtype;
    bool untyped; /* dtype is U8, and says nothing */
    uint64_t count;
    bool is_view;                 /* of another storage, as old files have them */
    const void *data;             /* where the reader has found it; NULL: in the archive */
    struct clr_storage_ref *next; /* all that a pickle names, the newest first */
} clr_storage_ref;

typedef struct clr_tensor_ref {
    const clr_storage_ref *storage;
    clrnn_dtype dtype;
    uint64_t offset; /* elements; all that shape and stride lead to lies within the storage */
    uint32_t rank;
    uint64_t shape[CLRNN_MAX_RANK], stride[CLRNN_MAX_RANK];
} clr_tensor_ref;

typedef struct clr_pickled clr_pickled;
struct clr_pickled {
    clr_pickled_kind kind;
    union {
        int64_t integer; /* of BOOL, too */
        double real;
        struct {
            const char *text; /* a 0 behind it */
            size_t size;
        };
        struct {
            clr_pickled **items;
            uint32_t count, room;
        };
        const struct clr_pickle_global *global;
        clr_storage_ref *storage;
        clr_tensor_ref *tensor;
    };
};

/**
 * Run a pickle. Values may be part of several others, or of themselves: who walks over them counts
 * depth and steps.
 *
 * arena: holds all values; its limit is that of the file
 * file:  its name in messages
 * used:     NULL, or receives the bytes that the pickle has, for another may follow
 * storages: NULL, or receives all that it names
 * Returns: CLRNN_OK; CLRNN_ERR_FORMAT (damaged; or a global or opcode that is refused: the log
 *          names it); CLRNN_ERR_UNSUPPORTED (a type of elements or rank that there is not here);
 *          CLRNN_ERR_MEMORY (also where the arena's limit is reached)
 */
clrnn_status clr_pickle_run(const void *data, size_t bytes, const char *file, const clrnn_log *log,
                            clr_arena *arena, clr_pickled **result, size_t *used,
                            clr_storage_ref **storages);

/** The value of a text key of a DICT, the last one if there are several; NULL if there is none, or
 *  it is no DICT. */
clr_pickled *clr_pickled_get(const clr_pickled *dict, const char *key);

#endif
