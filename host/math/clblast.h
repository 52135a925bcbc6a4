/* SPDX-License-Identifier: MIT
 * math/clblast.h - CLBlast, opened at run time by the first plan that wants it. */
#ifndef CLR_MATH_CLBLAST_H
#define CLR_MATH_CLBLAST_H

#include "math/gemm.h"

/** Whether CLBlast can be used in this context: it is there, and the device is an OpenCL driver's.
 *  reason: out if not NULL, why not; static storage. Threads: any. */
bool clr_clblast_usable(const clrnn_context *context, const char **reason);

/* Its kernels get sizes and offsets as 32-bit int, unchecked: no element of a buffer beyond this.
 */
#define CLR_CLBLAST_INDEX_RANGE ((size_t)INT32_MAX)

/** Enqueue a product, whose operands are not prepared. Returns: CLRNN_OK, CLRNN_ERR_RANGE,
 *  CLRNN_ERR_OPENCL. */
clrnn_status clr_clblast_run(clrnn_context *context, clrnn_precision precision,
                             const clr_gemm *gemm);

#endif
