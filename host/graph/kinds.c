/* SPDX-License-Identifier: MIT
 * graph/kinds.c - the table of kinds, and the names of kinds and functions. */
#include "graph/kind.h"

static const clr_kind *const kinds[CLRNN_NODE_KINDS] = {
#define CLR_KIND_AT(id, name) [CLRNN_NODE_##id] = &clr_kind_##name,
    CLRNN_NODE_LIST(CLR_KIND_AT)
#undef CLR_KIND_AT
};

const clr_kind *clr_kind_of(clrnn_node_kind kind)
{
    return (unsigned)kind < CLRNN_NODE_KINDS ? kinds[kind] : NULL;
}
