/* SPDX-License-Identifier: MIT
 * layer/way.h - the fastest way of running a plan that clrnn_tune found, kept in the cache folder.
 */
#ifndef CLR_LAYER_WAY_H
#define CLR_LAYER_WAY_H

#include <clrnn/tune.h>

/** Whether the fastest way of running such plans here is known. Threads: any. */
bool clr_way_load(const clrnn_context *context, const clrnn_plan_desc *desc, clrnn_way *way);

/** Keep it. Returns: CLRNN_OK (also without a cache folder), CLRNN_ERR_MEMORY, CLRNN_ERR_IO. */
clrnn_status clr_way_store(const clrnn_context *context, const clrnn_plan_desc *desc,
                           const clrnn_way *way);

#endif
