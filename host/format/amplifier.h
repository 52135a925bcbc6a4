/* SPDX-License-Identifier: MIT
 * format/amplifier.h - what models of amplifiers do around their layers. Of several channels that
 * come in the first is the sound; others are settings. */
#ifndef CLR_FORMAT_AMPLIFIER_H
#define CLR_FORMAT_AMPLIFIER_H

#include <clrnn/graph.h>

/** A node of this name: the sound of the value `from` that many dB louder (0 from -90 on). */
clrnn_status clr_amplifier_gain(clrnn_graph *graph, const char *name, const char *from,
                                double decibels);

/** A node "skip": the sound of `x` added to `from`. */
clrnn_status clr_amplifier_skip(clrnn_graph *graph, const char *from, const char *x);

/* These nodes found again in a graph. */
typedef struct clr_amplifier {
    bool skip;
    double in_gain, out_gain; /* dB; 0: none */
    uint32_t first, end;      /* the layers' nodes: first, .., end - 1 */
    const char *x, *y;        /* what the first of them reads, and what the graph makes of it all */
} clr_amplifier;

/** What of them there is around the nodes of a graph that reads `input` alone; the same nodes would
 *  be made again, with the same bits. */
clr_amplifier clr_amplifier_find(const clrnn_graph *graph, const char *input);

#endif
