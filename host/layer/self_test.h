/* SPDX-License-Identifier: MIT
 * layer/self_test.h - whether a device computes right. */
#ifndef CLR_LAYER_SELF_TEST_H
#define CLR_LAYER_SELF_TEST_H

#include <clrnn/plan.h>

/** Run the self-test of the kernels of such plans on this device, once for each context.
 *  Returns: CLRNN_OK, CLRNN_ERR_SELF_TEST (not logged as an error), or why it could not run. */
clrnn_status clr_self_test(clrnn_context *context, const clrnn_plan_desc *desc,
                           clrnn_strategy strategy);

/** Where the results of such self-tests are kept, 2 bits for each family of kernels. */
uint64_t *clr_self_test_results(clrnn_context *context, const clrnn_plan_desc *desc,
                                clrnn_strategy strategy);

#endif
