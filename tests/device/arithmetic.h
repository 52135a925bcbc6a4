/* SPDX-License-Identifier: MIT
 * tests/device/arithmetic.h - how a device computes, where drivers take liberties. */
#ifndef TEST_DEVICE_ARITHMETIC_H
#define TEST_DEVICE_ARITHMETIC_H

#include "support.h"

/** Whether numbers below the smallest normal float are what they are to a fma, or 0. */
bool device_keeps_denormals(clrnn_context *context);

/** Whether it has doubles and their fma rounds once; some drivers say that it does, and round
 * twice. */
bool device_fuses_doubles(clrnn_context *context);

/** Whether -0 + 0 is 0; some drivers take x + 0 for x. */
bool device_adds_zero(clrnn_context *context);

/** Whether a loop that adds numbers adds them one after the other; Intel's compiler for CPUs adds
 * lanes of a vector first. */
bool device_adds_in_order(clrnn_context *context);

#endif
