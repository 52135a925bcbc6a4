/* SPDX-License-Identifier: MIT
 * device/no_native.c - in place of the table of native kernels, in a build without clang. */
#include "device/native_kernels.h"

const clr_native_level clr_native_levels[] = {{"none", 1, NULL, 0}};
const uint32_t clr_native_level_count = 0;
