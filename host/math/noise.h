/* SPDX-License-Identifier: MIT
 * math/noise.h - weights of a step that differ from the parameters (cl/noise.cl). */
#ifndef CLR_MATH_NOISE_H
#define CLR_MATH_NOISE_H

#include <clrnn/context.h>
#include <clrnn/network.h>

/* One thread at a time. */
typedef struct clr_noise {
    clrnn_context *context;
    clrnn_precision precision;
    cl_kernel noise, drop;
} clr_noise;

/* Keys of a draw: clr_weight_noise, clr_weight_drop_factor. */
typedef struct clr_noise_key {
    uint64_t seed;
    uint32_t index;
} clr_noise_key;

/** Build; on failure everything is released.
 *  Returns: CLRNN_OK, CLRNN_ERR_BUILD, CLRNN_ERR_OPENCL, CLRNN_ERR_MEMORY */
clrnn_status clr_noise_init(clrnn_context *context, clrnn_precision precision, clr_noise *noise);

/** Accepts one that is zero. */
void clr_noise_free(clr_noise *noise);

/** w[e] += deviation * clr_weight_noise(e), and w[e] *= clr_weight_drop_factor(p, e), for elements
 *  e = first .. first+count-1 of the parameters w. */
clrnn_status clr_noise_add(clr_noise *noise, cl_mem w, size_t first, size_t count, double deviation,
                           clr_noise_key key);
clrnn_status clr_noise_drop(clr_noise *noise, cl_mem w, size_t first, size_t count, float p,
                            clr_noise_key key);

#endif
