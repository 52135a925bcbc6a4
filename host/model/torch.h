/* SPDX-License-Identifier: MIT
 * model/torch.h - a file of torch.save while it is read: tensors first, then their data. */
#ifndef CLR_MODEL_TORCH_H
#define CLR_MODEL_TORCH_H

#include "model/archive.h"
#include "model/pickle.h"

enum { CLR_TORCH_NAME = 512 };

/* A file that is read. */
typedef struct clr_torch {
    clrnn_tensors *set;
    const clr_zip *zip;        /* NULL: of the old container, where storages have their data */
    const char *file, *folder; /* what the names of the entries begin with */
    clr_arena arena;
    clr_tensor_ref **refs; /* [set->count], as set->tensors; in the arena */
    size_t room;
    size_t steps;
    uint64_t left; /* bytes that tensors may take yet */
    char name[CLR_TORCH_NAME];
} clr_torch;

/* What values may take: those of a thousand layers take a few MB. */
#define CLR_TORCH_VALUES ((size_t)96 << 20)

/** Find the tensors in what the pickle has made. Returns: CLRNN_OK, CLRNN_ERR_FORMAT (also if there
 *  are none), CLRNN_ERR_MEMORY */
clrnn_status clr_torch_find_tensors(clr_torch *r, const clr_pickled *root);

clrnn_status clr_torch_no_memory(const clr_torch *r);

/** Read the storages, and give the tensors of the set, which are all there, their data. Returns:
 *  CLRNN_OK, CLRNN_ERR_FORMAT, CLRNN_ERR_MEMORY */
clrnn_status clr_torch_read_data(clr_torch *r);

#endif
