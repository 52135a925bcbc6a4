/* SPDX-License-Identifier: MIT
 * layer/exec_config.h - one way of running a plan, and the fastest one kept in the cache folder. */
#ifndef CLR_LAYER_EXEC_CONFIG_H
#define CLR_LAYER_EXEC_CONFIG_H

#include <clrnn/tune.h>

/* clrnn_exec_config_format says what each member means; 0 where it has no meaning. */
struct clrnn_exec_config {
    clrnn_strategy strategy;
    clrnn_gemm gemm;
    uint32_t row_parts, unit_parts;
    uint32_t kept;
    uint32_t rows, steals, layers;
    double seconds;
};

/* What clrnn_tune tries of the numbers that kernels are compiled for; a kept config has no others.
 */
enum { CLR_EXEC_CONFIG_KEPT = 3, CLR_EXEC_CONFIG_ROWS = 2 };
extern const uint32_t clr_exec_config_kept[CLR_EXEC_CONFIG_KEPT]; /* f32; half of it in f64 */
extern const uint32_t
    clr_exec_config_rows[CLR_EXEC_CONFIG_ROWS]; /* besides 0, if the device has a compiler */

/** Whether the fastest way of running such plans here is known; it is one that clrnn_tune could
 *  have found here. Threads: any. */
bool clr_exec_config_load(const clrnn_context *context, const clrnn_plan_desc *desc,
                          clrnn_exec_config *config);

/** Keep it. Returns: CLRNN_OK (also without a cache folder), CLRNN_ERR_MEMORY, CLRNN_ERR_IO. */
clrnn_status clr_exec_config_store(const clrnn_context *context, const clrnn_plan_desc *desc,
                                   const clrnn_exec_config *config);

#endif
