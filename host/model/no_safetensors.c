/* SPDX-License-Identifier: MIT
 * model/no_safetensors.c - in place of safetensors.c, json.c and description.c, where cJSON is
 * missing. */
#include "base/log.h"
#include "model/description.h"
#include "model/graph_description.h"
#include "model/tensors.h"

static clrnn_status unsupported(const clrnn_log *log, const char *what)
{
    return clr_fail(log, CLRNN_ERR_UNSUPPORTED,
                    "%s: this build of the library has no safetensors; build it with cJSON", what);
}

clrnn_status clr_safetensors_read(clrnn_tensors *set, const void *data, size_t bytes,
                                  const char *file)
{
    (void)data;
    (void)bytes;
    return unsupported(&set->log, file);
}

clrnn_status clr_safetensors_write(const clrnn_tensors *set, const char *path)
{
    return unsupported(&set->log, path);
}

clrnn_status clr_description_write(const clrnn_model_desc *desc, const clrnn_log *log, char **json)
{
    (void)desc;
    *json = NULL;
    return unsupported(log, "description of a model");
}

clrnn_status clr_description_read(const clrnn_tensors *set, const clrnn_log *log,
                                  clrnn_model_desc *desc, uint8_t vocabulary[256],
                                  const char **prefix)
{
    (void)set;
    (void)desc;
    (void)vocabulary;
    (void)prefix;
    return unsupported(log, "description of a model");
}

clrnn_status clr_graph_describe(const clrnn_graph *graph, const clrnn_log *log, char **json)
{
    (void)graph;
    *json = NULL;
    return unsupported(log, "description of a graph");
}

bool clr_graph_is_description(const char *json)
{
    (void)json;
    return false;
}

clrnn_status clr_graph_build(const char *json, clrnn_precision precision, const clrnn_log *log,
                             clrnn_graph **graph)
{
    (void)json;
    (void)precision;
    *graph = NULL;
    return unsupported(log, "description of a graph");
}
