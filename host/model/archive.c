/* SPDX-License-Identifier: MIT
 * model/archive.c - see model/archive.h. */
#include "model/archive.h"

#include <zip.h>

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "model/tensors.h"

bool clr_zip_is(const void *data, size_t bytes)
{
    return bytes >= 4 && (memcmp(data, "PK\3\4", 4) == 0 || memcmp(data, "PK\5\6", 4) == 0);
}

clrnn_status clr_zip_open(const void *data, size_t bytes, const char *file, const clrnn_log *log,
                          clr_zip *zip)
{
    zip_error_t error;
    zip_error_init(&error);
    zip_source_t *source = zip_source_buffer_create(data, bytes, 0, &error);
    zip_t *archive = source ? zip_open_from_source(source, ZIP_RDONLY, &error) : NULL;
    clrnn_status status = CLRNN_OK;
    *zip = (clr_zip){.archive = archive, .file = file, .log = log, .bytes = bytes};
    if (archive)
        zip->entries = zip_get_num_entries(archive, 0);
    else
        status = clr_fail(log, CLRNN_ERR_FORMAT, "%s: not a ZIP archive: %s", file,
                          zip_error_strerror(&error));
    if (!archive && source)
        zip_source_free(source);
    zip_error_fini(&error);
    return status;
}

void clr_zip_close(clr_zip *zip)
{
    if (zip->archive)
        zip_discard(zip->archive);
    zip->archive = NULL;
}

clrnn_status clr_zip_at(const clr_zip *zip, uint64_t index, clr_zip_entry *entry)
{
    zip_stat_t about;
    const zip_uint64_t needed = ZIP_STAT_NAME | ZIP_STAT_SIZE;
    zip_stat_init(&about);
    if (zip_stat_index(zip->archive, index, 0, &about) || (about.valid & needed) != needed)
        return clr_fail(zip->log, CLRNN_ERR_FORMAT, "%s: entry %llu is damaged", zip->file,
                        (unsigned long long)index);
    *entry = (clr_zip_entry){about.name, index, about.size};
    return CLRNN_OK;
}

bool clr_zip_find(const clr_zip *zip, const char *name, clr_zip_entry *entry)
{
    const zip_int64_t index = zip_name_locate(zip->archive, name, ZIP_FL_ENC_RAW);
    return index >= 0 && clr_zip_at(zip, (uint64_t)index, entry) == CLRNN_OK;
}

clrnn_status clr_zip_read(const clr_zip *zip, const clr_zip_entry *about, void **data)
{
    *data = about->size < SIZE_MAX ? clr_calloc((size_t)about->size + 1, 1) : NULL;
    if (!*data)
        return clr_fail(zip->log, CLRNN_ERR_MEMORY, "%s: no memory for %s", zip->file,
                        clr_show(about->name).text);
    zip_file_t *entry = zip_fopen_index(zip->archive, about->index, 0);
    zip_int64_t got = entry ? zip_fread(entry, *data, about->size) : -1;
    char more;
    if (got >= 0 && zip_fread(entry, &more, 1) != 0)
        got = -1; /* the checksum is looked at behind the last byte */
    if (entry)
        zip_fclose(entry);
    if (got == (zip_int64_t)about->size)
        return CLRNN_OK;
    free(*data);
    *data = NULL;
    return clr_fail(zip->log, CLRNN_ERR_FORMAT, "%s: %s is damaged: %s", zip->file,
                    clr_show(about->name).text, zip_strerror(zip->archive));
}

/* --- writing ---------------------------------------------------------------------------------- */

static bool add_part(zip_t *archive, const clr_zip_part *part)
{
    zip_buffer_fragment_t fragments[2];
    for (int i = 0; i < 2; i++)
        fragments[i] =
            (zip_buffer_fragment_t){(zip_uint8_t *)(uintptr_t)part->pieces[i], part->sizes[i]};
    zip_source_t *source = zip_source_buffer_fragment(archive, fragments, 2, 0);
    const zip_int64_t at =
        source ? zip_file_add(archive, part->name, source, ZIP_FL_ENC_UTF_8) : -1;
    if (at < 0 && source)
        zip_source_free(source);
    return at >= 0 && zip_set_file_compression(archive, (zip_uint64_t)at, ZIP_CM_STORE, 0) == 0 &&
           zip_file_set_dostime(archive, (zip_uint64_t)at, 0, 0x21, 0) == 0; /* 1980-01-01 */
}

/* The bytes of an archive that has been closed, to be freed. */
static void *take_bytes(zip_source_t *source, size_t *size)
{
    zip_stat_t about;
    zip_stat_init(&about);
    if (zip_source_stat(source, &about) || !(about.valid & ZIP_STAT_SIZE) ||
        zip_source_open(source))
        return NULL;
    *size = (size_t)about.size;
    void *data = clr_calloc(*size, 1);
    if (data && zip_source_read(source, data, about.size) != (zip_int64_t)about.size) {
        free(data);
        data = NULL;
    }
    zip_source_close(source);
    return data;
}

clrnn_status clr_zip_write(const char *path, const clr_zip_part *parts, size_t count,
                           const clrnn_log *log)
{
    zip_error_t error;
    zip_error_init(&error);
    zip_source_t *source = zip_source_buffer_create(NULL, 0, 0, &error);
    zip_t *archive = source ? zip_open_from_source(source, ZIP_TRUNCATE, &error) : NULL;
    bool good = archive != NULL;
    if (good)
        zip_source_keep(source);
    for (size_t i = 0; i < count && good; i++)
        good = add_part(archive, &parts[i]);
    const bool closed = good && zip_close(archive) == 0;
    if (archive && !closed)
        zip_discard(archive);
    size_t size = 0;
    void *data = closed ? take_bytes(source, &size) : NULL;
    if (source)
        zip_source_free(source);
    zip_error_fini(&error);
    const clr_piece piece = {data, size};
    clrnn_status status = data ? clr_file_write(path, &piece, 1, log)
                               : clr_fail(log, CLRNN_ERR_MEMORY, "%s: no memory for it", path);
    free(data);
    return status;
}
