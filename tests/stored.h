/* SPDX-License-Identifier: MIT
 * tests/stored.h - weights as they are kept in fewer bits (clrnn_storage in clrnn/network.h),
 * computed on the host by arithmetic, without a look at bits. */
#ifndef TEST_STORED_H
#define TEST_STORED_H

#include "support.h"

#include <clrnn/network.h>

#define TEST_STORAGES 4
extern const char *const test_storage_names[TEST_STORAGES];

/** Each number, which must be one of float, becomes what is kept of it. matrix: in and out
 *  [rows,columns]. */
void test_store(clrnn_storage storage, double *matrix, size_t rows, size_t columns);

/** The same for every matrix of a network's canonical weights. */
void test_store_weights(clrnn_storage storage, const clrnn_network_desc *network, double *weights);

#endif
