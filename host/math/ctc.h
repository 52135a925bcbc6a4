/* SPDX-License-Identifier: MIT
 * math/ctc.h - connectionist temporal classification on the device (cl/ctc.cl). */
#ifndef CLR_MATH_CTC_H
#define CLR_MATH_CTC_H

#include <clrnn/context.h>
#include <clrnn/network.h>

/* The kernels, and their scratch memory, which grows as batches need it. One thread at a time. */
typedef struct clr_ctc {
    clrnn_context *context;
    clrnn_precision precision;
    cl_kernel log_sums, ctc;
    size_t group; /* work-items that share a sequence */
    cl_mem norms, work;
    size_t norms_bytes, work_bytes;
} clr_ctc;

/** Numbers of a path of at most S labels in `paths`: T_n, C_n, and for each label itself, where the
 *  same one comes next (or -1), whether it is the first of its kind. */
static inline size_t clr_ctc_path_size(size_t S)
{
    return 2 + 3 * S;
}

/** Build; on failure everything is released.
 *  Returns: CLRNN_OK, CLRNN_ERR_BUILD, CLRNN_ERR_OPENCL, CLRNN_ERR_MEMORY */
clrnn_status clr_ctc_init(clrnn_context *context, clrnn_precision precision, clr_ctc *ctc);

/** Accepts one that is zero. */
void clr_ctc_free(clr_ctc *ctc);

/** losses = -log p(labels | logits), all of a sequence's in its first step; dlogits = its gradient
 *  times scale, 0 past a length.
 *  logits: [T,N,O]; paths: [N, clr_ctc_path_size(S)] cl_int; losses: out [T,N]; dlogits: out
 *  [T,N,O], not over logits, or NULL.
 *  Returns: CLRNN_OK, CLRNN_ERR_RANGE (scratch of more than memory can address), CLRNN_ERR_MEMORY,
 *  CLRNN_ERR_OPENCL */
clrnn_status clr_ctc_run(clr_ctc *ctc, cl_mem logits, cl_mem paths, size_t T, size_t N, size_t O,
                         size_t S, double scale, cl_mem losses, cl_mem dlogits);

#endif
