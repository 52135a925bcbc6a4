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
    const clr_zip *zip;
    const char *file, *folder; /* what the names of the entries begin with */
    clr_arena arena;
    clr_tensor_ref **refs; /* [set->count], as set->tensors; in the arena */
    size_t room;
    size_t steps;
    uint64_t left; /* bytes that tensors may take yet */
    char name[CLR_TORCH_NAME];
} clr_torch;

clrnn_status clr_torch_no_memory(const clr_torch *r);

/** Read the storages, and give the tensors of the set, which are all there, their data. Returns:
 *  CLRNN_OK, CLRNN_ERR_FORMAT, CLRNN_ERR_MEMORY */
clrnn_status clr_torch_read_data(clr_torch *r);

#endif
