/* SPDX-License-Identifier: MIT
 * model/source.c - models from files and from named tensors, all of them or those of a prefix. */
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "device/context.h"
#include "model/description.h"
#include "model/model.h"
#include "model/prefix.h"
#include "model/tensors.h"

/* --- where a message comes from --- */

/* A log that puts the file's name and the prefix before each line. */
typedef struct named_log {
    const clrnn_log *to;
    char where[512];
} named_log;

static void forward(void *user, clrnn_log_level level, const char *text)
{
    const named_log *named = user;
    clr_log(named->to, level, "%s%s", named->where, text);
}

static clrnn_log name_log(named_log *named, const clrnn_model_source *source, const clrnn_log *log)
{
    const char *path = source->path ? source->path : "", *prefix = source->prefix;
    bool both = *path && prefix && *prefix;
    named->to = log;
    named->where[0] = 0;
    if (prefix && *prefix)
        snprintf(named->where, sizeof named->where, "%.300s%sprefix \"%s\": ", path,
                 both ? ", " : "", clr_show(prefix).text);
    else if (*path)
        snprintf(named->where, sizeof named->where, "%.400s: ", path);
    return (clrnn_log){log ? log->level : CLRNN_LOG_NONE, forward, named};
}

/* --- reading --- */

/* What a source holds. */
typedef struct found {
    clrnn_tensors *file;      /* if the source is a path; owned */
    clrnn_tensors *part;      /* if it has a prefix; owned */
    named_log named;          /* of the part */
    const clrnn_tensors *set; /* of the model */
    clrnn_model_desc desc;
    uint8_t vocabulary[256];
    const char *names; /* what the network's names begin with in the set */
} found;

static clrnn_status check_source(const clrnn_model_source *source, const char *call,
                                 const clrnn_log *log)
{
    if (!source)
        return clr_fail(log, CLRNN_ERR_ARGUMENT, "%s: source is NULL", call);
    if (!source->path == !source->tensors)
        return clr_fail(log, CLRNN_ERR_ARGUMENT, "%s: path and tensors of the source are %s", call,
                        source->path ? "both given, give one of them" : "both NULL, give one");
    return CLRNN_OK;
}

/* Call release_found also on failure. */
static clrnn_status read_source(const clrnn_model_source *source, const clrnn_log *log, found *f)
{
    bool whole = !source->prefix || !*source->prefix;
    clrnn_status status = CLRNN_OK;
    *f = (found){.names = ""};
    const clrnn_log own = name_log(&f->named, source, log);
    if (source->path)
        status = clrnn_tensors_load(source->path, log, &f->file);
    const clrnn_tensors *all = source->path ? f->file : source->tensors;
    if (status == CLRNN_OK && !whole)
        status = clr_tensors_part(all, source->prefix, &own, &f->part);
    if (status != CLRNN_OK)
        return status;
    f->set = whole ? all : f->part;
    if (!clr_has_network(f->set))
        return clr_fail_without_network(all, &own);
    status = clr_description_read(f->set, &own, &f->desc, f->vocabulary, &f->names);
    f->desc.precision = source->precision;
    return status;
}

static void release_found(found *f)
{
    clrnn_tensors_destroy(&f->part);
    clrnn_tensors_destroy(&f->file);
}

clrnn_status clrnn_model_describe(const clrnn_model_source *source, const clrnn_log *log,
                                  clrnn_model_desc *desc, uint8_t vocabulary[256])
{
    if (!desc || !vocabulary)
        return clr_fail(log, CLRNN_ERR_ARGUMENT, "clrnn_model_describe: %s is NULL",
                        desc ? "vocabulary" : "desc");
    found f;
    clrnn_status status = check_source(source, "clrnn_model_describe", log);
    if (status != CLRNN_OK)
        return status;
    status = read_source(source, log, &f);
    if (status == CLRNN_OK) {
        *desc = f.desc;
        memcpy(vocabulary, f.vocabulary, sizeof f.vocabulary);
        desc->vocabulary = f.desc.vocabulary ? vocabulary : NULL;
    }
    release_found(&f);
    return status;
}

clrnn_status clrnn_model_open(clrnn_context *context, const clrnn_model_source *source,
                              clrnn_model **model)
{
    if (model)
        *model = NULL;
    if (!context || !model)
        return clr_fail(context ? &context->log : NULL, CLRNN_ERR_ARGUMENT,
                        "clrnn_model_open: %s is NULL", context ? "model" : "context");
    found f;
    clrnn_status status = check_source(source, "clrnn_model_open", &context->log);
    if (status != CLRNN_OK)
        return status;
    status = read_source(source, &context->log, &f);
    if (status == CLRNN_OK)
        status = clr_model_make(context, &f.desc, f.set, f.names, model);
    release_found(&f);
    return status;
}

clrnn_status clrnn_model_from_tensors(clrnn_context *context, const clrnn_tensors *set,
                                      clrnn_precision precision, clrnn_model **model)
{
    const clrnn_model_source source = {.tensors = set, .precision = precision};
    if (model)
        *model = NULL;
    if (!context || !set || !model)
        return clr_fail(context ? &context->log : NULL, CLRNN_ERR_ARGUMENT,
                        "clrnn_model_from_tensors: %s is NULL",
                        !context ? "context"
                        : !set   ? "set"
                                 : "model");
    return clrnn_model_open(context, &source, model);
}

clrnn_status clrnn_model_load(clrnn_context *context, const char *path, clrnn_precision precision,
                              clrnn_model **model)
{
    const clrnn_model_source source = {.path = path, .precision = precision};
    if (model)
        *model = NULL;
    if (!context || !path || !model)
        return clr_fail(context ? &context->log : NULL, CLRNN_ERR_ARGUMENT,
                        "clrnn_model_load: %s is NULL",
                        !context ? "context"
                        : !path  ? "path"
                                 : "model");
    return clrnn_model_open(context, &source, model);
}
