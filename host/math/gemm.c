/* SPDX-License-Identifier: MIT
 * math/gemm.c - matrix products by CLBlast. */
#include "math/gemm.h"

#include <clblast_c.h>
#include <stdatomic.h>

#include "base/log.h"
#include "base/memory.h"
#include "device/buffer.h"

/* Contexts that have used CLBlast, which keeps compiled programs, and with them OpenCL contexts,
 * for the whole process: the last one clears that. */
static atomic_int users;

static void release(clrnn_context *context)
{
    (void)context;
    if (atomic_fetch_sub(&users, 1) == 1)
        (void)CLBlastClearCache();
}

static CLBlastTranspose transposed(bool yes)
{
    return yes ? CLBlastTransposeYes : CLBlastTransposeNo;
}

clrnn_status clr_gemm_run(clrnn_context *context, clrnn_precision precision, const clr_gemm *g)
{
    if (g->m == 0 || g->n == 0)
        return CLRNN_OK;
    cl_command_queue queue = context->queue;
    CLBlastTranspose ta = transposed(g->transpose_a), tb = transposed(g->transpose_b);
    CLBlastStatusCode code = CLBlastTempBufferAllocFailure;
    if (clr_fault_hit(CLR_FAULT_OPENCL))
        ; /* as if CLBlast had found no memory */
    else if (precision == CLRNN_F64)
        code = CLBlastDgemm(CLBlastLayoutRowMajor, ta, tb, g->m, g->n, g->k, 1.0, g->a.buffer,
                            g->a.offset, g->a.stride, g->b.buffer, g->b.offset, g->b.stride,
                            g->accumulate ? 1.0 : 0.0, g->c.buffer, g->c.offset, g->c.stride,
                            &queue, NULL);
    else
        code = CLBlastSgemm(CLBlastLayoutRowMajor, ta, tb, g->m, g->n, g->k, 1.0f, g->a.buffer,
                            g->a.offset, g->a.stride, g->b.buffer, g->b.offset, g->b.stride,
                            g->accumulate ? 1.0f : 0.0f, g->c.buffer, g->c.offset, g->c.stride,
                            &queue, NULL);
    if (code == CLBlastSuccess)
        return CLRNN_OK;
    return clr_fail(&context->log, CLRNN_ERR_OPENCL, "CLBlast: product %zux%zux%zu failed: code %d",
                    g->m, g->n, g->k, (int)code);
}

clrnn_status clr_gemm_warm_up(clrnn_context *context, clrnn_precision precision)
{
    clr_lock_take(&context->lock);
    if (!context->at_destroy)
        atomic_fetch_add(&users, 1);
    context->at_destroy = release;
    clr_lock_give(&context->lock);

    /* CLBlast compiles a routine at its first call, whatever the sizes. */
    cl_mem scratch = NULL;
    clrnn_status status = clr_buffer_create(context, 3 * sizeof(cl_double), &scratch);
    if (status == CLRNN_OK)
        status = clr_buffer_zero(context, scratch, 0, 3 * sizeof(cl_double));
    if (status == CLRNN_OK) {
        clr_gemm one = {.m = 1,
                        .n = 1,
                        .k = 1,
                        .a = {scratch, 0, 1},
                        .b = {scratch, 1, 1},
                        .c = {scratch, 2, 1}};
        status = clr_gemm_run(context, precision, &one);
    }
    clr_buffer_destroy(&scratch);
    return status;
}

const char *clr_gemm_name(const clrnn_context *context)
{
    (void)context;
    return "clblast";
}
