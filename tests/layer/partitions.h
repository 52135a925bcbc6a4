/* SPDX-License-Identifier: MIT
 * tests/layer/partitions.h - the persistent strategy, its launches cut into groups as told, against
 * the stepwise one with the same products: the same bits. */
#ifndef TEST_LAYER_PARTITIONS_H
#define TEST_LAYER_PARTITIONS_H

#include "layer/device.h"
#include "layer/scanner.h"
#include "layer/strategy.h"

/** test_open, for tests of the persistent strategy: where it cannot run there is nothing to do. */
int test_open_persistent(void **state);

/** Fails, naming `what` and the tensor, unless both passes have the same bits in every output. Any
 *  NaN equals any other. */
void test_same_bits(const char *what, const test_inputs *in, const test_outputs *a,
                    const test_outputs *b);

/** A training plan (`train`) or one for inference of either strategy, with the weights of `in`. */
clrnn_plan *test_stepwise(clrnn_context *context, const test_inputs *in, clrnn_precision precision,
                          bool train);

/** cut: how launches are cut, must live as long as the plan; NULL = as the plan chooses. */
clrnn_plan *test_persistent(clrnn_context *context, const test_inputs *in,
                            clrnn_precision precision, bool train, const clr_partition *cut);

/** Cut every launch so from now on (its scans left out); NULL: as the plan chooses. Of a plan whose
 *  strategy cuts nothing the first does nothing and the second is NULL. */
void test_force(clrnn_plan *plan, const clr_partition *cut);
const clr_partition *test_forced(const clrnn_plan *plan);

/** Run `plan`, which must have the bits of `expected`; before it other inputs, so that what it kept
 *  of an equal pass cannot hide a mistake. */
void test_run_same(const char *what, clrnn_plan *plan, const test_inputs *in,
                   const test_outputs *expected);

/** One of test_forms with sizes of its own; a projection gets `projected` units, at most H-1. */
clrnn_network_desc test_sized_form(size_t form, uint32_t inputs, uint32_t hidden,
                                   uint32_t projected);

/** Launches of this plan that fell back. Fails if the last one did not leave the place where
 *  groups meet as the next one needs it: no flag, every counter 0. */
uint32_t test_fallbacks(clrnn_plan *plan);

#endif
