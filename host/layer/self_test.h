/* SPDX-License-Identifier: MIT
 * layer/self_test.h - whether a device computes right. */
#ifndef CLR_LAYER_SELF_TEST_H
#define CLR_LAYER_SELF_TEST_H

#include <clrnn/plan.h>

#include "device/context.h"

/** Run the self-test of the kernels of such plans on this device, once for each context.
 *  Returns: CLRNN_OK, CLRNN_ERR_SELF_TEST (not logged as an error), or why it could not run. */
clrnn_status clr_self_test(clrnn_context *context, const clrnn_plan_desc *desc,
                           clrnn_strategy strategy);

typedef enum clr_verdict { CLR_UNTESTED, CLR_PASSED, CLR_FAILED } clr_verdict;

/** What that self-test has said on this context so far. */
clr_verdict clr_self_test_verdict(clrnn_context *context, const clrnn_plan_desc *desc,
                                  clrnn_strategy strategy);

/** Why it failed: what is wrong by how much, or what does not compile; "" where it has not. */
void clr_self_test_reason(clrnn_context *context, const clrnn_plan_desc *desc,
                          clrnn_strategy strategy, char reason[CLR_REASON]);

/** Take it as said. Returns: CLRNN_OK, CLRNN_ERR_MEMORY. */
clrnn_status clr_self_test_note(clrnn_context *context, const clrnn_plan_desc *desc,
                                clrnn_strategy strategy, bool passed);

#endif
