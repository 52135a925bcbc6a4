/* SPDX-License-Identifier: MIT
 * model/tensors.h - the inside of a set of tensors, for the readers and writers of file formats. */
#ifndef CLR_MODEL_TENSORS_H
#define CLR_MODEL_TENSORS_H

#include <clrnn/tensors.h>

#include "model/archive.h"

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "arrays are kept in the byte order of their files, which is little-endian"
#endif

struct clr_block;

typedef struct clr_metadata {
    const char *key, *value;
} clr_metadata;

struct clrnn_tensors {
    clrnn_log log;
    struct clr_block *blocks; /* all memory that names, strings, tensors and data point to */
    clrnn_tensor **tensors;   /* [count], in the order of adding */
    clrnn_tensor **by_name;   /* [count], sorted by name */
    size_t count, capacity;
    clr_metadata *metadata; /* [metadata_count], in the order of setting */
    size_t metadata_count, metadata_capacity;
};

/* One element type in the files; [CLRNN_DTYPE_COUNT]. */
typedef struct clr_dtype_info {
    const char *name; /* in messages and safetensors */
    const char *npy;  /* "" = .npy lacks it */
    size_t bytes;
} clr_dtype_info;
extern const clr_dtype_info clr_dtypes[CLRNN_DTYPE_COUNT];

/* The largest dimension: every integer up to here is exact as a JSON number. */
#define CLR_MAX_DIMENSION ((UINT64_C(1) << 53) - 1)

#define CLR_ALIGNMENT 64

/* Bytes rounded up, so that what follows is aligned too. */
static inline size_t clr_aligned(size_t bytes)
{
    return (bytes + CLR_ALIGNMENT - 1) / CLR_ALIGNMENT * CLR_ALIGNMENT;
}

/** Zeroed memory that lives as long as the set, aligned to 64 bytes; NULL if there is none. */
void *clr_tensors_keep(clrnn_tensors *set, size_t bytes);

/** Fill in count and bytes from dtype, rank and shape; false if a dimension or the product is too
 *  large. */
bool clr_tensor_measure(clrnn_tensor *tensor);

/** Append a copy of `tensor`, whose name and data are kept by the set or outlive it. Call
 *  clr_tensors_sort after the last. Returns: CLRNN_OK, CLRNN_ERR_MEMORY (logged) */
clrnn_status clr_tensors_append(clrnn_tensors *set, const clrnn_tensor *tensor);

/** Restore by_name; the name that two tensors share, or NULL. */
const char *clr_tensors_sort(clrnn_tensors *set);

/** Where a tensor is in by_name; count if there is none of that name. */
size_t clr_tensors_position(const clrnn_tensors *set, const char *name);

/** Append a metadata string; both strings are kept by the set. The key must be new.
 *  Returns: CLRNN_OK, CLRNN_ERR_MEMORY (logged) */
clrnn_status clr_metadata_append(clrnn_tensors *set, const char *key, const char *value);

bool clr_utf8_valid(const char *text, size_t size);

/* A name from a file made fit for a message: one line, at most CLR_SHOWN bytes and "...". */
#define CLR_SHOWN 96
typedef struct clr_shown {
    char text[CLR_SHOWN + 8];
} clr_shown;
clr_shown clr_show(const char *name);

/** "[3,4]": a shape in messages and in JSON. */
typedef struct clr_shape_text {
    char text[CLRNN_MAX_RANK * 21 + 3];
} clr_shape_text;
clr_shape_text clr_show_shape(uint32_t rank, const uint64_t *shape);

/** Read a whole file from memory into an empty set. `file` names it in messages.
 *  Returns: CLRNN_OK, CLRNN_ERR_FORMAT, CLRNN_ERR_MEMORY, CLRNN_ERR_UNSUPPORTED; on failure the set
 * is fit for destruction only. */
clrnn_status clr_npy_read(clrnn_tensors *set, const void *data, size_t bytes, const char *file);
clrnn_status clr_safetensors_read(clrnn_tensors *set, const void *data, size_t bytes,
                                  const char *file);

#define CLR_TORCH_PROGRAM "/archive_format" /* how an entry of what torch.export saves ends */

/** The same of an open archive: NumPy's; PyTorch's, whose data.pkl clr_torch_find finds, if it is
 *  one. */
clrnn_status clr_npz_read(clrnn_tensors *set, const clr_zip *zip);
bool clr_torch_find(const clr_zip *zip, clr_zip_entry *pickle);
clrnn_status clr_torch_read(clrnn_tensors *set, const clr_zip *zip, const clr_zip_entry *pickle);

/** Whether a file is PyTorch's old container, which clr_torch_read_old reads; or begins as a pickle
 *  does, whoever made it. */
bool clr_torch_is_old(const void *data, size_t bytes);
clrnn_status clr_torch_read_old(clrnn_tensors *set, const void *data, size_t bytes,
                                const char *file);
bool clr_is_pickle(const void *data, size_t bytes);

/** What stands before the data in an .npy file, into `head`: its bytes; 0: the format has no such
 *  type. */
enum { CLR_NPY_HEADER = 384 };
size_t clr_npy_header(const clrnn_tensor *tensor, char head[CLR_NPY_HEADER]);

/** Write a file. Returns: as clrnn_tensors_save. */
clrnn_status clr_npy_write(const clrnn_tensors *set, const char *path);
clrnn_status clr_safetensors_write(const clrnn_tensors *set, const char *path);

#endif
