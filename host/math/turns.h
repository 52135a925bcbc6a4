/* SPDX-License-Identifier: MIT
 * math/turns.h - whether a device's loops go on to their end (cl/turns.cl). */
#ifndef CLR_MATH_TURNS_H
#define CLR_MATH_TURNS_H

#include <clrnn/context.h>

/** Have one work-item count the turns of a loop, and wait. *counted: `turns`, if loops go on to
 *  their end. Returns: CLRNN_OK, CLRNN_ERR_BUILD, CLRNN_ERR_MEMORY, CLRNN_ERR_OPENCL. */
clrnn_status clr_turns_count(clrnn_context *context, uint32_t turns, uint32_t *counted);

#endif
