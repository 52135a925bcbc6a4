/* SPDX-License-Identifier: MIT
 * format/arch.c - see format/arch.h. */
#include "format/arch.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "format/fill.h"
#include "model/graph_description.h"

/* Where a message comes from. */
typedef struct arch {
    const clrnn_log *log;
    const char *where; /* the path, or "arch" */
    cJSON *root;
} arch;

/* Beside what clr_graph_build knows, and looks at. */
static clrnn_status check_fields(const arch *a)
{
    static const char *const fields[] = {"graph",   "inputs", "nodes",      "outputs",
                                         "tensors", "unused", "sample_rate"};
    for (const cJSON *i = a->root->child; i; i = i->next) {
        bool known = false;
        for (size_t k = 0; k < sizeof fields / sizeof *fields; k++)
            known = known || strcmp(fields[k], i->string) == 0;
        if (!known)
            return clr_fail(a->log, CLRNN_ERR_FORMAT, "%s: %s: there is no such field", a->where,
                            clr_show(i->string).text);
    }
    const cJSON *tensors = cJSON_GetObjectItemCaseSensitive(a->root, "tensors");
    return !tensors || cJSON_IsObject(tensors)
               ? CLRNN_OK
               : clr_fail(a->log, CLRNN_ERR_FORMAT, "%s: tensors is no object", a->where);
}

clrnn_status clr_arch_read(const clrnn_import_desc *desc, const clrnn_log *log, char **text,
                           cJSON **root)
{
    const bool is_text = desc->arch[strspn(desc->arch, " \t\r\n")] == '{';
    void *data = NULL;
    size_t size = strlen(desc->arch);
    clrnn_status status = CLRNN_OK;
    *root = NULL;
    if (!is_text)
        status = clr_file_read(desc->arch, log, &data, &size);
    else if (!(data = clr_strdup(desc->arch)))
        status = clr_fail(log, CLRNN_ERR_MEMORY, "arch: out of memory");
    *text = data;
    if (status != CLRNN_OK)
        return status;
    *root = clr_json_parse(data, size);
    return cJSON_IsObject(*root) ? CLRNN_OK
                                 : clr_fail(log, CLRNN_ERR_FORMAT, "%s: no JSON object",
                                            is_text ? "arch" : desc->arch);
}

clrnn_status clr_arch_import(const clrnn_import_desc *desc, const clrnn_tensors *set,
                             const char *file, const clrnn_log *log, clrnn_graph **graph)
{
    const bool is_text = desc->arch[strspn(desc->arch, " \t\r\n")] == '{';
    arch a = {.log = log, .where = is_text ? "arch" : desc->arch};
    char *text = NULL;
    clrnn_status status = clr_arch_read(desc, log, &text, &a.root);
    if (status == CLRNN_OK)
        status = check_fields(&a);
    if (status == CLRNN_OK)
        status = clr_graph_build(text, desc->precision, log, graph);
    const clr_fill_source source = {.set = set,
                                    .file = file,
                                    .prefix = desc->prefix,
                                    .tensors = cJSON_GetObjectItemCaseSensitive(a.root, "tensors"),
                                    .unused = cJSON_GetObjectItemCaseSensitive(a.root, "unused")};
    if (status == CLRNN_OK)
        status = clr_graph_fill(*graph, &source, log);
    cJSON_Delete(a.root);
    free(text);
    return status;
}
