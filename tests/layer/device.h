/* SPDX-License-Identifier: MIT
 * tests/layer/device.h - test_inputs through a plan on the device. */
#ifndef TEST_LAYER_DEVICE_H
#define TEST_LAYER_DEVICE_H

#include "support.h"
#include "vectors.h"

#include <clrnn/plan.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

/** How many precisions the device has: CLRNN_F32, and CLRNN_F64 with fp64. */
int test_precisions(clrnn_context *context);

/** Whether tests of every form take this one in all variants: in double precision, without biases.
 * Where each is a program that takes seconds to compile, they take one form of each cell so, and
 * the others in single precision with biases: type and bias are the same code in all. */
bool test_varies(clrnn_context *context, size_t form);

/** How many do. */
size_t test_varied_forms(clrnn_context *context);

/** "f32" or "f64" */
const char *test_precision_name(clrnn_precision precision);

/* What a plan can be made of. */
typedef struct test_config {
    const char *name;
    clrnn_strategy strategy;
    clrnn_gemm gemm;
} test_config;

enum { STEPWISE_CLBLAST, STEPWISE_PACKED, RESIDENT, PERSISTENT, TEST_CONFIGS };
extern const test_config test_configs[TEST_CONFIGS];

/** Whether this device has it (test_has), and how many of them it has. */
bool test_has_way(clrnn_context *context, size_t config);
size_t test_config_count(clrnn_context *context);

/** The first one from `config` on that it has, TEST_CONFIGS if there is none: a loop over all of
 * them is for (size_t config = test_next_way(context, 0); config < TEST_CONFIGS;
 *       config = test_next_way(context, config + 1)). */
size_t test_next_way(clrnn_context *context, size_t config);

/** The n-th that it has, counting round and round; and the last. */
size_t test_nth_way(clrnn_context *context, size_t n);
size_t test_last_way(clrnn_context *context);

/** Elements in a precision, and back. NULL gives NULL, else to be freed. */
void *test_encode(const double *values, size_t count, clrnn_precision precision);
double *test_decode(const void *values, size_t count, clrnn_precision precision);

/** Round all inputs to the precision, so that device and reference see the same numbers. */
void test_inputs_round(test_inputs *in, clrnn_precision precision);

/** The plan for these inputs: T and N are its largest. config: an index of test_configs. */
clrnn_plan_desc test_plan_desc(const test_inputs *in, clrnn_precision precision, bool train,
                               size_t config);

/** Make a plan with the weights of `in` set; whatever goes wrong fails the test. */
clrnn_plan *test_plan_make(clrnn_context *context, const clrnn_plan_desc *desc,
                           const test_inputs *in);

/** Give a plan the weights of `in`. */
void test_plan_weights(clrnn_plan *plan, const test_inputs *in);

/* The arrays of a pass as the plan takes them, in its precision. */
typedef struct test_host {
    clrnn_precision precision;
    test_sizes sizes;
    clrnn_host_io io;
} test_host;

/** Inputs encoded, outputs filled with NaN; those of backward only if the plan trains. */
test_host test_host_make(const clrnn_plan *plan, const test_inputs *in);
void test_host_free(test_host *host);

/** What the arrays hold; NULL where there is none. */
test_outputs test_host_outputs(const test_host *host);

/** clrnn_forward_host, and clrnn_backward_host if the plan trains, drawn by TEST_DROPOUT_SEED and
 *  TEST_DROPOUT_INDEX; must succeed. */
test_outputs test_run(clrnn_plan *plan, const test_inputs *in);

/** What the reference makes of the inputs with the dropout of a plan. */
test_outputs test_reference_dropout(const test_inputs *in, float dropout, bool variational);

/** Fails, naming `what` and the tensor, unless every forward output is within `forward` and every
 *  gradient within `gradient` of what is expected (test_error). Returns the worst error. */
double test_compare(const char *what, const test_inputs *in, const test_outputs *got,
                    const test_outputs *expected, double forward, double gradient);

#endif
