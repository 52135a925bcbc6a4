/* SPDX-License-Identifier: MIT
 * verify_digest.h - digests of what problems give, for `clrnn verify --digest`. */
#ifndef VERIFY_DIGEST_H
#define VERIFY_DIGEST_H

#include "tool.h"

/* As clrnn_strategy; f64, storages. */
enum { TOOL_DIGEST_STRATEGIES = CLRNN_STRATEGY_FUSED + 1, TOOL_DIGEST_KINDS = 5 };

/* What the problems of one strategy and one kind of numbers come to, in order. */
typedef struct tool_digest {
    unsigned problems;
    uint64_t forward, gradients;
} tool_digest;

typedef struct tool_digests {
    tool_digest of[TOOL_DIGEST_STRATEGIES][TOOL_DIGEST_KINDS];
} tool_digests;

/** Add a problem that says its strategy; one that does not adds nothing. */
void tool_digest_add(tool_digests *digests, const clrnn_problem *problem, const clrnn_check *check);

/** The digests of one problem, into its object. */
void tool_digest_json(const clrnn_check *check, cJSON *object);

/** The same as a line on stdout. */
void tool_digest_print(const clrnn_check *check);

/** All of them, and last what those come to that every device has, stepwise in other numbers than
 *  f64: a list in the object of a device; NULL: lines on stdout. */
void tool_digest_report(const tool_digests *digests, cJSON *device);

#endif
