/* SPDX-License-Identifier: MIT
 * graph/build.c - see graph/build.h. */
#include "graph/build.h"

#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/log.h"
#include "base/memory.h"

void clr_node_free(clr_node *node)
{
    free((char *)node->desc.name);
    for (uint32_t i = 0; i < CLRNN_MOST_INPUTS; i++)
        free((char *)node->desc.inputs[i]);
}

/* How many elements an array of `count` has room for: an eighth more at most, so that what grows by
 * one is not copied each time. */
static size_t room_of(size_t count)
{
    size_t step = 16;
    while (step <= count / 16) /* the same from one power of two to the next */
        step *= 2;
    return count > SIZE_MAX - step ? count : (count + step - 1) / step * step;
}

/* Room for `more` elements behind `count`. */
bool clr_graph_grow(void **array, size_t count, size_t more, size_t size)
{
    const clr_size all = clr_size_add(clr_size_of(count), clr_size_of(more ? more : 1));
    if (*array && !all.overflow && all.value <= room_of(count))
        return true;
    clr_size bytes = clr_size_mul(clr_size_of(all.overflow ? 0 : room_of(all.value)), size);
    bytes.overflow = bytes.overflow || all.overflow;
    void *grown =
        bytes.overflow || clr_fault_hit(CLR_FAULT_MEMORY) ? NULL : realloc(*array, bytes.value);
    if (grown)
        *array = grown;
    return grown != NULL;
}

clrnn_status clr_graph_no_memory(const clrnn_graph *graph, const char *what)
{
    return clr_fail(&graph->log, CLRNN_ERR_MEMORY, "graph: no memory for %s", what);
}

clrnn_status clr_graph_check_open(const clrnn_graph *graph)
{
    if (atomic_load(&graph->users) == 1)
        return CLRNN_OK;
    return clr_fail(&graph->log, CLRNN_ERR_ARGUMENT,
                    "graph: a plan has been made of it, so nothing can be added");
}

clrnn_status clr_graph_check_bytes(const clrnn_graph *graph, const char *what, const char *name)
{
    for (const char *c = name; c && *c; c++)
        if ((unsigned char)*c < ' ' || *c == 127)
            return clr_fail(&graph->log, CLRNN_ERR_ARGUMENT,
                            "graph: byte %d cannot be in the name of %s", *c, what);
    return CLRNN_OK;
}

/* A name that may be taken: no '#', which begins numbers. */
clrnn_status clr_graph_check_name(const clrnn_graph *graph, const char *what, const char *name)
{
    clrnn_status status = clr_graph_check_bytes(graph, what, name);
    if (status != CLRNN_OK)
        return status;
    if (!name || !*name || strchr(name, '#'))
        return clr_fail(&graph->log, CLRNN_ERR_ARGUMENT, "graph: '%s' cannot be the name of %s",
                        name ? name : "", what);
    if (clr_graph_find(graph, name) == CLR_NO_VALUE)
        return CLRNN_OK;
    return clr_fail(&graph->log, CLRNN_ERR_ARGUMENT,
                    "graph: there is a value '%s' already, so %s cannot have this name", name,
                    what);
}

/* What a node reads where it says nothing: what the node before made, or the first input. */
uint32_t clr_graph_default(const clrnn_graph *graph)
{
    if (graph->node_count > 0)
        return graph->nodes[graph->node_count - 1].first_value;
    return graph->input_count > 0 ? graph->inputs[0] : CLR_NO_VALUE;
}
