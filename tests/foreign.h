/* SPDX-License-Identifier: MIT
 * tests/foreign.h - what other libraries wrote of networks with options (tests/data/options). */
#ifndef TEST_FOREIGN_H
#define TEST_FOREIGN_H

#include "vectors.h"

/* A network, its inputs and what another library makes of them (tests/data/options); what a file
 * has not is NULL. */
typedef struct test_foreign {
    char name[128];
    test_inputs in;
    test_outputs expected;
} test_foreign;

/** All cases of a file of that folder, "keras.json"; whatever is wrong with it fails the test. */
test_foreign *test_foreign_load(const char *file, size_t *count);
void test_foreign_free(test_foreign *cases, size_t count);

#endif
