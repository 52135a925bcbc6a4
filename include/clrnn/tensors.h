/* SPDX-License-Identifier: MIT
 * clrnn/tensors.h - named arrays in files: safetensors and NumPy's .npy.
 *
 * Formats: safetensors (an 8-byte little-endian length, a JSON header, the data) as its README
 * specifies it; .npy version 1.0 to 3.0 as NumPy's NEP 1 and numpy.lib.format specify it. Both are
 * little-endian, C order. Readers treat a file as hostile: every size, offset and count is checked
 * against the file before it is used. Written files appear whole or not at all (a temporary name in
 * the same folder, flushed, then renamed). */
#ifndef CLRNN_TENSORS_H
#define CLRNN_TENSORS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <clrnn/status.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The one list of element types: name, bytes, safetensors' name, .npy's descr ("" = not in .npy).
 */
#define CLRNN_DTYPE_LIST(X) \
    X(F32, 4, "F32", "<f4") \
    X(F64, 8, "F64", "<f8") \
    X(F16, 2, "F16", "<f2") \
    X(BF16, 2, "BF16", "")  \
    X(I8, 1, "I8", "|i1")   \
    X(U8, 1, "U8", "|u1")   \
    X(I16, 2, "I16", "<i2") \
    X(U16, 2, "U16", "<u2") \
    X(I32, 4, "I32", "<i4") \
    X(U32, 4, "U32", "<u4") \
    X(I64, 8, "I64", "<i8") \
    X(U64, 8, "U64", "<u8") \
    X(BOOL, 1, "BOOL", "|b1")

typedef enum clrnn_dtype {
#define CLRNN_DTYPE_ENUM(name, bytes, safetensors, npy) CLRNN_DTYPE_##name,
    CLRNN_DTYPE_LIST(CLRNN_DTYPE_ENUM)
#undef CLRNN_DTYPE_ENUM
        CLRNN_DTYPE_COUNT
} clrnn_dtype;

#define CLRNN_MAX_RANK 8

/* One array. The pointers belong to the set it is in. */
typedef struct clrnn_tensor {
    const char *name;
    clrnn_dtype dtype;
    uint32_t rank;                  /* 0 = a scalar, one element */
    uint64_t shape[CLRNN_MAX_RANK]; /* a dimension may be 0 */
    size_t count;                   /* elements */
    size_t bytes;
    const void *data; /* [count], aligned to 64 bytes */
} clrnn_tensor;

/* A set of named arrays and named strings ("metadata"), in order. */
typedef struct clrnn_tensors clrnn_tensors;

/** Make an empty set. On success *set is the caller's; on failure NULL. Returns: CLRNN_OK,
 *  CLRNN_ERR_ARGUMENT, CLRNN_ERR_MEMORY. `log` is copied and used by all calls on the set. */
CLRNN_API clrnn_status clrnn_tensors_create(const clrnn_log *log, clrnn_tensors **set);

/** Free a set with all its arrays and set the pointer to NULL; NULL is accepted. */
CLRNN_API void clrnn_tensors_destroy(clrnn_tensors **set);

/**
 * Read a whole file: .npy when it begins with NumPy's magic string, .npz or what torch.save has
 * written when it is a ZIP archive (or as it wrote before 1.6), else safetensors. An .npy file
 * gives one tensor, named "" (the empty name). Of PyTorch's files nothing is run, and numbers and
 * texts become metadata.
 *
 * Ownership: on success *set is the caller's; on failure NULL.
 * Threads:   any; one call at a time for each set, reading a set is free of races.
 * Returns:   CLRNN_OK
 *            CLRNN_ERR_IO           it cannot be opened or read; the log gives the system's reason
 *            CLRNN_ERR_FORMAT       damaged or of another kind; the log names file and field
 *            CLRNN_ERR_UNSUPPORTED  safetensors, .npz or PyTorch's in a build without it; a
 *                                   type that there is not
 *            CLRNN_ERR_MEMORY
 */
CLRNN_API clrnn_status clrnn_tensors_load(const char *path, const clrnn_log *log,
                                          clrnn_tensors **set);

/**
 * Read a table of numbers: values between commas, semicolons or tabs, the first line of names
 * unless it is of numbers. What is empty, NA or NaN is NaN. Gives one tensor named "", F64
 * [rows,columns], and metadata "columns", their names between commas.
 *
 * columns: those to read, between commas: a name, a number from 1, or from one to another, as
 *          "JAN-DEC" or "2-"; "!" before them: all others. NULL = all. In the order given.
 * Ownership, threads: as clrnn_tensors_load.
 * Returns: as clrnn_tensors_load; CLRNN_ERR_FORMAT names line and column of what is no number;
 *          CLRNN_ERR_ARGUMENT (no such column: the log lists them)
 */
CLRNN_API clrnn_status clrnn_csv_load(const char *path, const char *columns, const clrnn_log *log,
                                      clrnn_tensors **set);

/**
 * Read one column as words: the tensor "", F64 [rows,1], says which of the words that differ, from
 * 0 on in their order, numbers before others; NaN where clrnn_csv_load has NaN. Metadata "words":
 * those that differ, a line each; "columns": the column's name.
 *
 * column: as there, of one column.
 * Ownership, threads: as clrnn_tensors_load.
 * Returns: as clrnn_csv_load; CLRNN_ERR_FORMAT also for words of 120 bytes and more, or of several
 *          lines; CLRNN_ERR_ARGUMENT also for several columns
 */
CLRNN_API clrnn_status clrnn_csv_load_words(const char *path, const char *column,
                                            const clrnn_log *log, clrnn_tensors **set);

/** clrnn_tensors_load from memory; `name` stands for the path in messages. */
CLRNN_API clrnn_status clrnn_tensors_parse(const void *data, size_t bytes, const char *name,
                                           const clrnn_log *log, clrnn_tensors **set);

/**
 * Write a set to a file: .npy when the path ends in ".npy" (exactly one tensor, no metadata), else
 * safetensors. The old file, if any, survives every failure.
 *
 * Returns: CLRNN_OK, CLRNN_ERR_IO, CLRNN_ERR_MEMORY, CLRNN_ERR_UNSUPPORTED (a dtype that .npy
 * lacks, or safetensors in a build without it), CLRNN_ERR_ARGUMENT (.npy and not one tensor)
 */
CLRNN_API clrnn_status clrnn_tensors_save(const clrnn_tensors *set, const char *path);

/** How many tensors; tensor `index` or NULL; the tensor called `name` or NULL. */
CLRNN_API size_t clrnn_tensors_count(const clrnn_tensors *set);
CLRNN_API const clrnn_tensor *clrnn_tensors_at(const clrnn_tensors *set, size_t index);
CLRNN_API const clrnn_tensor *clrnn_tensors_find(const clrnn_tensors *set, const char *name);

/** A metadata string, or NULL; valid until the set changes. */
CLRNN_API const char *clrnn_tensors_metadata(const clrnn_tensors *set, const char *key);

/** The key of metadata string `index`, in the order of the file, or NULL past the last one; value
 *  (unless NULL): out, the string. Valid until the set changes. */
CLRNN_API const char *clrnn_tensors_metadata_at(const clrnn_tensors *set, size_t index,
                                                const char **value);

/**
 * Add an array (copied; data NULL = zeros) or set a metadata string (copied).
 * Returns: CLRNN_OK, CLRNN_ERR_ARGUMENT (the name exists, or is not UTF-8), CLRNN_ERR_RANGE (rank
 * or size), CLRNN_ERR_MEMORY; on failure the set is unchanged.
 */
CLRNN_API clrnn_status clrnn_tensors_add(clrnn_tensors *set, const char *name, clrnn_dtype dtype,
                                         uint32_t rank, const uint64_t *shape, const void *data);
CLRNN_API clrnn_status clrnn_tensors_set_metadata(clrnn_tensors *set, const char *key,
                                                  const char *value);

/** Elements as double or float: out[i] = data[i] for i < count. Every dtype; I64 and U64 round.
 *  Nothing is written if a pointer is NULL. */
CLRNN_API void clrnn_tensor_to_f64(const clrnn_tensor *tensor, double *out);
CLRNN_API void clrnn_tensor_to_f32(const clrnn_tensor *tensor, float *out);

/** The name of a dtype ("F32"), never NULL. */
CLRNN_API const char *clrnn_dtype_name(clrnn_dtype dtype);

#ifdef __cplusplus
}
#endif
#endif
