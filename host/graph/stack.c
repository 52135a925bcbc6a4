/* SPDX-License-Identifier: MIT
 * graph/stack.c - recurrent nodes one behind the other, as exporters write the layers of a stack:
 * a plan that does not train runs them as one stack, whose layers can be scanned side by side.
 *
 * Two layers are a stack if their cells are the same, nobody sees what is between them, states
 * begin with zeros and are not asked for, and the weights of the second follow those of the first
 * in the parameters, as those of a stack do. */
#include <string.h>

#include "graph/behind.h"
#include "shape/cell.h"

/* Whether two networks differ in layers and inputs alone, and go one way in time. */
static bool same_cells(const clrnn_network_desc *a, const clrnn_network_desc *b)
{
    for (uint32_t i = 0; i < CLR_OPTIONS; i++)
        if (memcmp((const char *)a + clr_options[i].offset, (const char *)b + clr_options[i].offset,
                   clr_options[i].size) != 0)
            return false;
    return a->cell == b->cell && a->hidden_size == b->hidden_size && a->proj_size == b->proj_size &&
           !a->bidirectional && !b->bidirectional && a->reverse == b->reverse &&
           a->no_bias == b->no_bias && a->single_bias == b->single_bias;
}

/* Whether a node gives nothing but y, of nothing but x. */
static bool is_plain(const clrnn_graph_plan *plan, const clr_node *node)
{
    for (uint32_t k = 1; k < node->input_count; k++)
        if (node->inputs[k] != CLR_NO_VALUE)
            return false;
    for (uint32_t k = 1; k < node->outputs; k++)
        if (plan->values[plan->graph->nodes[node->number].first_value + k].wanted)
            return false;
    return !node->desc.repeat && node->desc.value == 0;
}

/* Where the parameters of node i of the graph begin, and end. */
static size_t begin_of(const clrnn_graph_plan *plan, uint32_t i)
{
    return plan->graph->parameters[plan->graph->nodes[i].first_parameter].info.offset;
}

static size_t end_of(const clrnn_graph_plan *plan, uint32_t i)
{
    const clr_node *node = &plan->graph->nodes[i];
    const size_t last = node->first_parameter + (size_t)node->parameters - 1;
    return plan->graph->parameters[last].info.offset + plan->graph->parameters[last].info.count;
}

/* Whether the value behind is y, as it is. */
static bool is_same(const clr_shape *shapes, uint32_t y, const clr_behind *behind)
{
    if (y == behind->value)
        return true;
    const clr_shape *a = &shapes[y], *b = &shapes[behind->value];
    return a->rank == b->rank && a->steps == b->steps && a->batch == b->batch &&
           memcmp(a->size, b->size, a->rank * sizeof *a->size) == 0 &&
           clr_strides_are_flat(&behind->view, b);
}

void clr_plan_stack(clrnn_graph_plan *plan, const clr_shape *shapes, uint32_t i)
{
    clr_node *node = &plan->nodes[i].node;
    uint32_t last = i; /* of the nodes that are in it */
    clr_behind behind;
    if (plan->stream || plan->carries || plan->nodes[i].silent ||
        node->desc.kind != CLRNN_NODE_RECURRENT || !is_plain(plan, node))
        return;
    while (clr_plan_behind(plan, shapes, i, &behind)) {
        const uint32_t reader = behind.reader;
        const clr_node *next = &plan->nodes[reader].node;
        if (next->desc.kind != CLRNN_NODE_RECURRENT || !is_plain(plan, next) ||
            !same_cells(&node->desc.network, &next->desc.network) ||
            node->desc.weights != next->desc.weights ||
            !is_same(shapes, node->first_value, &behind) ||
            end_of(plan, last) != begin_of(plan, reader))
            return;
        clr_plan_make_behind(plan, &behind);
        node->desc.network.num_layers += next->desc.network.num_layers;
        plan->nodes[reader].into = i;
        clr_plan_leave_readers(plan, reader);
        plan->nodes[reader].silent = plan->nodes[reader].taken = true;
        last = reader;
    }
}
