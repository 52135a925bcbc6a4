/* SPDX-License-Identifier: MIT
 * tests/layer/tuned.h - contexts with a cache folder of their own, and a small plan to be tuned. */
#ifndef TEST_LAYER_TUNED_H
#define TEST_LAYER_TUNED_H

#include "layer/exec_config.h"
#include "layer/partitions.h"

/* What was said about the strategy of the last plan; how often something was ignored or compiled.
 */
typedef struct heard {
    char strategy[512];
    int ignored, compiled;
} heard;

#define SCAN     .strategy = CLRNN_STRATEGY_PERSISTENT, .gemm = CLRNN_GEMM_PACKED
#define RESIDENT .strategy = CLRNN_STRATEGY_RESIDENT, .gemm = CLRNN_GEMM_CLBLAST

/** A context on the same device with this cache folder; "" is none. Its log goes to *h. */
clrnn_context *open_with(const clrnn_context *like, heard *h, const char *folder);

/** The path of a folder that does not exist yet, in a static buffer. */
const char *fresh_folder(void);

clrnn_plan_desc small_plan(bool train);

/** A plan that must be possible. */
clrnn_plan *plan_of(clrnn_context *context, const clrnn_plan_desc *desc);

#endif
