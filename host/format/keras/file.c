/* SPDX-License-Identifier: MIT
 * format/keras/file.c - Keras's files: .keras, a ZIP archive of config.json and model.weights.h5;
 * .h5 with the config as a text in it; and .h5 of weights alone, whose config is given as what
 * model.to_json() writes, or which an architecture has to name. */
#include <stdlib.h>
#include <string.h>

#include "format/arch.h"
#include "format/fill.h"
#include "format/format.h"
#include "format/hdf5/h5.h"
#include "format/keras/keras.h"
#include "format/numbers.h"
#include "format/state_probes.h"
#include "model/archive.h"
#include "model/tensors.h"

/* "2.15.0" is before 3; where nothing is said, too. */
static bool is_before_3(const char *version)
{
    return !version || atoi(version) < 3;
}

static clrnn_status parse(const char *text, size_t size, const char *file, const clrnn_log *log,
                          cJSON **root)
{
    *root = size <= CLR_MOST_JSON ? clr_json_parse(text, size) : NULL;
    return cJSON_IsObject(*root)
               ? CLRNN_OK
               : clr_fail(log, CLRNN_ERR_FORMAT, "%s: damaged: its config is no JSON object", file);
}

/* --- .keras ----------------------------------------------------------------------------------- */

/* An entry whose size is sane. */
static clrnn_status read_entry(const clr_zip *zip, const char *name, uint64_t most,
                               clr_zip_entry *entry, void **data)
{
    if (!clr_zip_find(zip, name, entry))
        return clr_fail(zip->log, CLRNN_ERR_FORMAT, "%s: damaged: there is no %s", zip->file, name);
    if (entry->size > most || entry->size > clr_zip_most(zip))
        return clr_fail(zip->log, CLRNN_ERR_FORMAT, "%s: refused: %s would unpack to %llu bytes",
                        zip->file, name, (unsigned long long)entry->size);
    return clr_zip_read(zip, entry, data);
}

static clrnn_status read_version(const clr_zip *zip, bool *before_3)
{
    clr_zip_entry entry;
    void *text = NULL;
    cJSON *root = NULL;
    clrnn_status status = read_entry(zip, "metadata.json", CLR_MOST_JSON, &entry, &text);
    if (status == CLRNN_OK)
        status = parse(text, (size_t)entry.size, zip->file, zip->log, &root);
    *before_3 =
        is_before_3(cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(root, "keras_version")));
    cJSON_Delete(root);
    free(text);
    return status;
}

static clrnn_status read_archive(const clr_zip *zip, const clrnn_import_desc *desc,
                                 clrnn_graph **graph)
{
    clr_zip_entry entry;
    void *text = NULL, *data = NULL;
    cJSON *root = NULL;
    clrnn_tensors *weights = NULL;
    bool before_3 = false;
    clrnn_status status = read_version(zip, &before_3);
    if (status == CLRNN_OK)
        status = read_entry(zip, "config.json", CLR_MOST_JSON, &entry, &text);
    if (status == CLRNN_OK)
        status = parse(text, (size_t)entry.size, zip->file, zip->log, &root);
    if (status == CLRNN_OK)
        status = read_entry(zip, "model.weights.h5", UINT64_MAX, &entry, &data);
    if (status == CLRNN_OK)
        status = clr_h5_read(data, (size_t)entry.size, zip->file, zip->log, &weights);
    free(data);
    if (status == CLRNN_OK)
        status = clr_keras_build(root, weights, before_3, zip->file, desc, zip->log, graph);
    clrnn_tensors_destroy(&weights);
    cJSON_Delete(root);
    free(text);
    return status;
}

/* --- .h5 -------------------------------------------------------------------------------------- */

static clrnn_status without_config(const clrnn_tensors *weights, const clr_format_file *file,
                                   const clrnn_log *log)
{
    char text[2048];
    clr_list_tensors(weights, NULL, text, sizeof text);
    return clr_fail(log, CLRNN_ERR_FORMAT,
                    "%s: weights without a config; give what model.to_json() says (--arch "
                    "FILE.json), or an architecture whose \"tensors\" name them, or save the whole "
                    "model (model.save): %s",
                    file->path, text);
}

/* By an architecture, which may be Keras's own config: of Keras 3 if it says its module. */
static clrnn_status by_arch(const clrnn_tensors *weights, const clr_format_file *file,
                            const clrnn_import_desc *desc, const clrnn_log *log,
                            clrnn_graph **graph)
{
    char *text = NULL;
    cJSON *root = NULL;
    clrnn_status status = clr_arch_read(desc, log, &text, &root);
    const bool config = cJSON_HasObjectItem(root, "class_name");
    const bool before_3 = !cJSON_HasObjectItem(root, "module");
    if (status == CLRNN_OK)
        status = config ? clr_keras_build(root, weights, before_3, file->path, desc, log, graph)
                        : clr_arch_import(desc, weights, file->path, log, graph);
    cJSON_Delete(root);
    free(text);
    return status;
}

static clrnn_status read_h5(const clr_format_file *file, const clrnn_import_desc *desc,
                            const clrnn_log *log, clrnn_graph **graph)
{
    clrnn_tensors *weights = NULL;
    cJSON *root = NULL;
    clrnn_status status = clr_h5_read(file->data, file->bytes, file->path, log, &weights);
    const char *config = clrnn_tensors_metadata(weights, "@model_config");
    const char *version = clrnn_tensors_metadata(weights, "@keras_version");
    if (!version)
        version = clrnn_tensors_metadata(weights, "model_weights@keras_version");
    if (status == CLRNN_OK && desc->arch)
        status = by_arch(weights, file, desc, log, graph);
    else if (status == CLRNN_OK && !config)
        status = without_config(weights, file, log);
    else if (status == CLRNN_OK) {
        status = parse(config, strlen(config), file->path, log, &root);
        if (status == CLRNN_OK)
            status =
                clr_keras_build(root, weights, is_before_3(version), file->path, desc, log, graph);
    }
    cJSON_Delete(root);
    clrnn_tensors_destroy(&weights);
    return status;
}

static clrnn_status read(const clr_format_file *file, const clrnn_import_desc *desc,
                         const clrnn_log *log, clrnn_graph **graph)
{
    clr_zip zip;
    if (clr_h5_is(file->data, file->bytes))
        return read_h5(file, desc, log, graph);
    clrnn_status status = clr_zip_open(file->data, file->bytes, file->path, log, &zip);
    if (status == CLRNN_OK)
        status = read_archive(&zip, desc, graph);
    clr_zip_close(&zip);
    return status;
}

const clr_format clr_format_keras = {.name = "keras",
                                     .summary = "Keras's .keras and .h5",
                                     .endings = {".keras", ".h5", ".hdf5"},
                                     .sized = true,
                                     .probe = clr_keras_probe,
                                     .read = read};
