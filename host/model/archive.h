/* SPDX-License-Identifier: MIT
 * model/archive.h - ZIP archives in memory, by libzip: NumPy's, PyTorch's and Keras's containers.
 */
#ifndef CLR_MODEL_ARCHIVE_H
#define CLR_MODEL_ARCHIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <clrnn/status.h>

/* An open archive. Zero-initialise. */
typedef struct clr_zip {
    void *archive; /* zip_t */
    const char *file;
    const clrnn_log *log;
    int64_t entries;
    size_t bytes; /* of the file */
} clr_zip;

/* One entry, as the archive says it is. */
typedef struct clr_zip_entry {
    const char *name; /* valid as long as the archive */
    uint64_t index, size;
} clr_zip_entry;

/** What its entries may come to, once unpacked, and what is made of them: a file of weights packs
 *  badly, and what unpacks to much more than its size is made to fill memory. */
static inline uint64_t clr_zip_most(const clr_zip *zip)
{
    return ((uint64_t)64 << 20) + 8 * (uint64_t)zip->bytes;
}

/** Whether a file begins as an archive does. */
bool clr_zip_is(const void *data, size_t bytes);

/**
 * Open; the data must outlive it. file names it in messages.
 * Returns: CLRNN_OK; CLRNN_ERR_FORMAT; CLRNN_ERR_UNSUPPORTED (a build without libzip)
 */
clrnn_status clr_zip_open(const void *data, size_t bytes, const char *file, const clrnn_log *log,
                          clr_zip *zip);
void clr_zip_close(clr_zip *zip);

/** Entry `index`; the one called `name`, false if there is none. */
clrnn_status clr_zip_at(const clr_zip *zip, uint64_t index, clr_zip_entry *entry);
bool clr_zip_find(const clr_zip *zip, const char *name, clr_zip_entry *entry);

/** All its bytes and a 0 behind them, to be freed. Returns: CLRNN_OK, CLRNN_ERR_FORMAT (more or
 *  fewer than it says, or a wrong checksum), CLRNN_ERR_MEMORY */
clrnn_status clr_zip_read(const clr_zip *zip, const clr_zip_entry *entry, void **data);

/* An entry to be written, of pieces one behind the other. */
typedef struct clr_zip_part {
    const char *name;
    const void *pieces[2];
    size_t sizes[2];
} clr_zip_part;

/** A file of these entries, not packed: whole or not at all. The same entries give the same bytes.
 *  Returns: CLRNN_OK, CLRNN_ERR_IO, CLRNN_ERR_MEMORY, CLRNN_ERR_UNSUPPORTED */
clrnn_status clr_zip_write(const char *path, const clr_zip_part *parts, size_t count,
                           const clrnn_log *log);

#endif
