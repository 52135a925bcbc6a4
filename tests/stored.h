/* SPDX-License-Identifier: MIT
 * tests/stored.h - the storages of weights (clrnn_storage in clrnn/network.h), by number. */
#ifndef TEST_STORED_H
#define TEST_STORED_H

#include "support.h"

#include "reference/stored.h"

#define TEST_STORAGES 4
extern const char *const test_storage_names[TEST_STORAGES];

#endif
