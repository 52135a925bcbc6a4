/* SPDX-License-Identifier: MIT
 * tests/stored.c - see tests/stored.h. */
#include "stored.h"

const char *const test_storage_names[TEST_STORAGES] = {"f32", "f16", "bf16", "int8"};
