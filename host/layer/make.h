/* SPDX-License-Identifier: MIT
 * layer/make.h - making a plan whose strategy has been chosen. */
#ifndef CLR_LAYER_MAKE_H
#define CLR_LAYER_MAKE_H

#include "layer/exec_config.h"

/** A plan without the self-test of its kernels: what the self-test itself uses. `desc` has been
 *  checked, and says a strategy. config: as measured, or all zeros. Returns: as
 *  clrnn_plan_create. */
clrnn_status clr_plan_create_untested(clrnn_context *context, const clrnn_plan_desc *desc,
                                      const clrnn_exec_config *config, clrnn_plan **plan);

#endif
