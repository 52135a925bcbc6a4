/* SPDX-License-Identifier: MIT
 * graph/counted.h - which steps of a recurrent node count, where nodes before it compute that. */
#ifndef CLR_GRAPH_COUNTED_H
#define CLR_GRAPH_COUNTED_H

#include "graph/kind.h"

/* Inputs of the node, and how they look to it. */
enum { CLR_COUNTED_LENGTHS = 3, CLR_COUNTED_MASK = 4 };

/* Lengths and mask of a node's own in host memory, from forward to backward. NULL: it has none. */
typedef struct clr_counted {
    int32_t *ids;      /* [N], as they are read */
    uint32_t *lengths; /* [N] */
    void *numbers;     /* [T,N] or [N,T], as they are read */
    uint8_t *mask;     /* [T,N] */
} clr_counted;

/** See that lengths and mask suit x of T steps and N rows, of which it has `rank` axes, and that
 *  there is something to repeat or to pad. first: time is the first of x's axes. */
clrnn_status clr_counted_check(const clr_infer *infer, uint64_t T, uint64_t N, bool first);

/** Memory for at most T steps and N rows. false: there is none. Ownership: clr_counted_free. */
bool clr_counted_make(const clr_run *run, uint64_t T, uint64_t N, clr_counted *counted);
void clr_counted_free(clr_counted *counted);

/** Read them, once they are computed: a wait. pass: the lengths of the pass, or NULL. */
clrnn_status clr_counted_read(const clr_run *run, uint32_t T, uint32_t N, bool first,
                              const uint32_t *pass, clr_counted *counted);

#endif
