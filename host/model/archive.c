/* SPDX-License-Identifier: MIT
 * model/archive.c - see model/archive.h. */
#include "model/archive.h"

#include <zip.h>

#include <stdlib.h>
#include <string.h>

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
