/* SPDX-License-Identifier: MIT
 * tests/support.h - what most tests need: a device, a log that remembers, numbers, comparisons. */
#ifndef TEST_SUPPORT_H
#define TEST_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <clrnn/context.h>

#include "shape/network.h"

/* A log for the code under test: remembers the last error, and prints to stderr if TEST_VERBOSE. */
extern const clrnn_log test_log;
extern char test_last_error[8192];

/* cmocka setup and teardown of a test on a device: *state is a clrnn_context on the device that
 * CLRNN_DEVICE selects (else "auto"), whose name and driver are printed once. Without any device
 * the program exits with 77 (skip). Teardown fails if an OpenCL object is still alive. */
int test_open(void **state);
int test_close(void **state);

/* What some devices have not, so that tests run over what is there. */
typedef enum test_part {
    TEST_DRIVER,      /* whose memory is not ours */
    TEST_COMPILER,    /* sources become programs at run time */
    TEST_USER_EVENTS, /* clCreateUserEvent, which holds up a queue */
    TEST_CLBLAST,
    TEST_DOUBLES,
    TEST_RESIDENT,  /* the strategy: work-groups of many work-items */
    TEST_FUSED,     /* the strategy: work-groups of 256 */
    TEST_PERSISTENT /* the strategy: a processor's */
} test_part;

/** Whether a device has it. This is the place that knows. */
bool test_has(const clrnn_context *context, test_part part);

/** skip() unless it has: for tests of nothing else. Before a test makes anything. */
void test_need(const clrnn_context *context, test_part part);

/** Fails unless an error was logged that contains `part`; forgets it. */
void assert_error_contains(const char *part);

/** Pseudo-random numbers in +-scale, the same for the same seed. [count], to be freed. */
double *test_random(size_t count, uint64_t seed, double scale);

/** Largest |a-b| over the largest |b| of the tensor (1 if b is all zero). NaN or infinity at
 *  different places gives infinity. */
double test_error(const double *a, const double *b, size_t count);

/** A path of tests/data, in a static buffer. */
const char *test_data(const char *name);

/** A fresh folder under $TMPDIR or /tmp for one test program, removed at exit. */
const char *test_folder(void);

#endif
