/* SPDX-License-Identifier: MIT
 * tests/train/kinds.c - see tests/train/kinds.h. */
#include "kinds.h"

#include <math.h>

#include "device/context.h"

double unit(clrnn_precision precision)
{
    return precision == CLRNN_F64 ? ldexp(1, -53) : ldexp(1, -24);
}

void each_kind(clrnn_context *context, size_t max_count, void (*test)(clr_loss *loss))
{
    for (int p = 0; p < precisions(context); p++)
        for (int gpu = 0; gpu < (test_has(context, TEST_COMPILER) ? 2 : 1); gpu++) {
            clr_loss loss;
            context->info.type = gpu ? CL_DEVICE_TYPE_GPU : CL_DEVICE_TYPE_CPU;
            assert_int_equal(clr_loss_init(context, (clrnn_precision)p, max_count, &loss),
                             CLRNN_OK);
            assert_int_equal(loss.group, gpu ? 64 : 1);
            test(&loss);
            clr_loss_free(&loss);
        }
}
