/* SPDX-License-Identifier: MIT
 * math/sources.h - the embedded .cl files; one line for each file of cl/. */
#ifndef CLR_MATH_SOURCES_H
#define CLR_MATH_SOURCES_H

#include "device/program.h"
#include "shape/cell.h"

extern const clr_source clr_cl_prelude;  /* REAL, load and store: first in every program */
extern const clr_source clr_cl_function; /* also C: their numbers; before activation and map */
extern const clr_source clr_cl_philox;
extern const clr_source clr_cl_storage; /* how weights are kept: before store and tile */
extern const clr_source clr_cl_convert;
extern const clr_source clr_cl_pack; /* the same for storage as it is */
extern const clr_source clr_cl_tile; /* the inner tile of products: before gemm and persistent */
extern const clr_source clr_cl_gemm;
extern const clr_source clr_cl_cell;       /* also C: math/cell.h reads it; before the cells */
extern const clr_source clr_cl_activation; /* functions of gates: after it */
extern const clr_source clr_cl_zoneout;    /* after it and philox */
/* Cells: exactly one in a strategy's program. */
#define CLR_CELL_SOURCE(id, name) extern const clr_source clr_cl_##name;
CLR_CELLS(CLR_CELL_SOURCE)
#undef CLR_CELL_SOURCE
extern const clr_source clr_cl_scan_launch; /* also C: math/scan.h reads it */
extern const clr_source clr_cl_scan;        /* all strategies: then one or both of the next two */
extern const clr_source clr_cl_scan_forward;
extern const clr_source clr_cl_scan_backward;
extern const clr_source clr_cl_stepwise;         /* after both; the others after one: */
extern const clr_source clr_cl_partition;        /* many steps in one launch */
extern const clr_source clr_cl_persistent;       /* after tile and that; before the others */
extern const clr_source clr_cl_persistent_input; /* before either of the next two */
extern const clr_source clr_cl_persistent_forward;
extern const clr_source clr_cl_persistent_single;
extern const clr_source clr_cl_persistent_backward;
extern const clr_source clr_cl_lanes;    /* weights for resident: after storage or convert */
extern const clr_source clr_cl_resident; /* in place of tile and persistent */
extern const clr_source clr_cl_resident_forward;
extern const clr_source clr_cl_resident_backward;
extern const clr_source clr_cl_fused; /* one step, whose product ends in the cell */
extern const clr_source clr_cl_fused_forward;
extern const clr_source clr_cl_fused_backward;
extern const clr_source clr_cl_sequence;     /* whole sequences: masks, dropout, column sums */
extern const clr_source clr_cl_norm;         /* layer norm of rows */
extern const clr_source clr_cl_trace_launch; /* also C: math/trace.h reads it */
extern const clr_source clr_cl_trace;        /* what a pass left, read again */
extern const clr_source clr_cl_elementary;   /* exp, log and the like: before nodes and loss */
extern const clr_source clr_cl_map_launch;   /* also C: math/map.h reads it; before nodes */
extern const clr_source clr_cl_nodes;        /* graphs: the kernels of all kinds of nodes */
extern const clr_source clr_cl_model;        /* embedding, one-hot, bias of the head */
extern const clr_source clr_cl_loss;
extern const clr_source clr_cl_ctc; /* after loss */
extern const clr_source clr_cl_optimizer;
extern const clr_source clr_cl_noise; /* weights of a step; after philox */
extern const clr_source clr_cl_turns; /* by itself */

#endif
