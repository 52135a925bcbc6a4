/* SPDX-License-Identifier: MIT
 * format/npz.c - NumPy's .npz as a model: arrays by the names of parameters, and one called
 * "clrnn", the bytes of the graph's description; without it by an architecture, or as a state_dict.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "format/pytorch.h"
#include "format/state_probes.h"
#include "graph/graph.h"
#include "model/archive.h"
#include "model/graph_description.h"
#include "model/tensors.h"

#define DESCRIPTION "clrnn"

/* --- reading ---------------------------------------------------------------------------------- */

/* The description as an architecture, which leaves its own array unused; NULL: no memory. */
static char *architecture(const clrnn_tensor *t)
{
    static const char unused[] = ",\"unused\":[\"" DESCRIPTION "\"]}";
    char *text = clr_calloc(t->bytes + sizeof unused, 1);
    if (!text)
        return NULL;
    memcpy(text, t->data, t->bytes);
    char *last = strrchr(text, '}');
    memcpy(last ? last : text, unused, sizeof unused);
    return text;
}

static clrnn_status read_set(const clrnn_tensors *set, const clr_format_file *file,
                             const clrnn_import_desc *desc, const clrnn_log *log,
                             clrnn_graph **graph)
{
    const clrnn_tensor *description = clrnn_tensors_find(set, DESCRIPTION);
    clrnn_import_desc own = *desc;
    if (desc->arch || !description || description->dtype != CLRNN_DTYPE_U8)
        return clr_state_dict_import(set, file, desc, log, graph);
    char *text = architecture(description);
    own.arch = text;
    clrnn_status status =
        text ? clr_state_dict_import(set, file, &own, log, graph)
             : clr_fail(log, CLRNN_ERR_MEMORY, "%s: no memory for its description", file->path);
    free(text);
    return status;
}

static clrnn_status read(const clr_format_file *file, const clrnn_import_desc *desc,
                         const clrnn_log *log, clrnn_graph **graph)
{
    clrnn_tensors *set = NULL;
    clrnn_status status = clrnn_tensors_parse(file->data, file->bytes, file->path, log, &set);
    if (status == CLRNN_OK)
        status = read_set(set, file, desc, log, graph);
    clrnn_tensors_destroy(&set);
    return status;
}

/* --- writing ---------------------------------------------------------------------------------- */

/* What is written of one array. */
typedef struct array {
    char head[CLR_NPY_HEADER];
    char name[600];
} array;

static bool put_array(array *a, const clrnn_tensor *t, clr_zip_part *part)
{
    const int put = snprintf(a->name, sizeof a->name, "%s.npy", t->name);
    *part = (clr_zip_part){a->name, {a->head, t->data}, {clr_npy_header(t, a->head), t->bytes}};
    return put > 0 && (size_t)put < sizeof a->name;
}

static clrnn_status write_arrays(const clrnn_graph *graph, const char *path, const clrnn_log *log,
                                 const char *description, array *arrays, clr_zip_part *parts)
{
    clrnn_graph_parameter p;
    size_t count = 0;
    clrnn_tensor t = {.name = DESCRIPTION,
                      .dtype = CLRNN_DTYPE_U8,
                      .rank = 1,
                      .shape = {strlen(description)},
                      .bytes = strlen(description),
                      .data = description};
    bool good = put_array(&arrays[count], &t, &parts[count]);
    count++;
    for (size_t i = 0; good && clrnn_graph_parameter_at(graph, i, &p); i++, count++) {
        t = (clrnn_tensor){.name = p.name,
                           .dtype =
                               graph->precision == CLRNN_F64 ? CLRNN_DTYPE_F64 : CLRNN_DTYPE_F32,
                           .rank = p.rank,
                           .bytes = p.count * clr_graph_real(graph),
                           .data = (const char *)graph->data + p.offset * clr_graph_real(graph)};
        memcpy(t.shape, p.shape, sizeof t.shape);
        good = put_array(&arrays[count], &t, &parts[count]);
    }
    return good ? clr_zip_write(path, parts, count, log)
                : clr_fail(log, CLRNN_ERR_UNSUPPORTED, "%s: a name of more than 590 bytes", path);
}

static clrnn_status write(const clrnn_graph *graph, const char *path, const clrnn_log *log)
{
    const size_t count = clrnn_graph_parameters(graph) + 1;
    char *description = NULL;
    array *arrays = clr_calloc(count, sizeof *arrays);
    clr_zip_part *parts = clr_calloc(count, sizeof *parts);
    clrnn_status status = clr_graph_describe(graph, log, &description);
    if (status == CLRNN_OK && (!arrays || !parts))
        status = clr_fail(log, CLRNN_ERR_MEMORY, "%s: no memory for %zu arrays", path, count);
    if (status == CLRNN_OK)
        status = write_arrays(graph, path, log, description, arrays, parts);
    free(description);
    free(arrays);
    free(parts);
    return status;
}

const clr_format clr_format_npz = {.name = "npz",
                                   .summary = "NumPy's .npz, by an architecture",
                                   .endings = {".npz"},
                                   .probe = clr_npz_probe,
                                   .read = read,
                                   .write = write};
