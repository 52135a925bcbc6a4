/* SPDX-License-Identifier: MIT
 * math/gemm.c - the choice between CLBlast and our own kernels, and the calls of CLBlast. */
#include "math/gemm.h"

#include <clblast_c.h>

#include "base/checked.h"
#include "base/log.h"
#include "base/memory.h"
#include "device/buffer.h"

static CLBlastTranspose transposed(bool yes)
{
    return yes ? CLBlastTransposeYes : CLBlastTransposeNo;
}

/* CLBlast's kernels get sizes and offsets as 32-bit int, unchecked. */
static const size_t clblast_reach = INT32_MAX;

/* Whether every element of a stored [rows,columns] can be reached. */
static bool reachable(const clr_matrix *m, size_t rows, size_t columns)
{
    clr_size end = clr_size_mul(clr_size_of(m->stride), rows - 1);
    end = clr_size_add(clr_size_add(end, clr_size_of(m->offset)), clr_size_of(columns));
    return !end.overflow && end.value <= clblast_reach;
}

static bool all_reachable(const clr_gemm *g)
{
    size_t a_rows = g->transpose_a ? g->k : g->m, a_columns = g->transpose_a ? g->m : g->k;
    size_t b_rows = g->transpose_b ? g->n : g->k, b_columns = g->transpose_b ? g->k : g->n;
    return reachable(&g->a, a_rows, a_columns) && reachable(&g->b, b_rows, b_columns) &&
           reachable(&g->c, g->m, g->n);
}

static clrnn_status run_clblast(clr_gemms *gemms, const clr_gemm *g)
{
    if (!all_reachable(g))
        return clr_fail(
            &gemms->context->log, CLRNN_ERR_RANGE,
            "CLBlast: product %zux%zux%zu reaches beyond 2^31 elements of a buffer: use "
            "a smaller model, batch or number of steps",
            g->m, g->n, g->k);
    cl_command_queue queue = gemms->context->queue;
    CLBlastTranspose ta = transposed(g->transpose_a), tb = transposed(g->transpose_b);
    CLBlastStatusCode code = CLBlastTempBufferAllocFailure;
    if (clr_fault_hit(CLR_FAULT_OPENCL))
        ; /* as if CLBlast had found no memory */
    else if (gemms->precision == CLRNN_F64)
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
    return clr_fail(&gemms->context->log, CLRNN_ERR_OPENCL,
                    "CLBlast: product %zux%zux%zu failed: code %d", g->m, g->n, g->k, (int)code);
}

/* CLBlast compiles a routine at its first call, whatever the sizes. It keeps what it compiled, and
 * with it the OpenCL context, for the whole process; only its own CLBlastClearCache ends that, for
 * everybody who uses CLBlast, so it is the application's to call. */
static clrnn_status warm_up_clblast(clr_gemms *gemms)
{
    clrnn_context *context = gemms->context;
    cl_mem scratch = NULL;
    clrnn_status status = clr_buffer_create(context, 3 * sizeof(cl_double), &scratch);
    if (status == CLRNN_OK)
        status = clr_buffer_zero(context, scratch, 0, 3 * sizeof(cl_double));
    if (status == CLRNN_OK) {
        const clr_gemm one = {.m = 1,
                              .n = 1,
                              .k = 1,
                              .a = {scratch, 0, 1},
                              .b = {scratch, 1, 1},
                              .c = {scratch, 2, 1}};
        status = run_clblast(gemms, &one);
    }
    clr_buffer_destroy(&scratch);
    return status;
}

clrnn_status clr_gemms_init(clrnn_context *context, clrnn_precision precision,
                            clrnn_storage storage, clrnn_gemm choice, clr_gemms *gemms)
{
    /* One work-item for each group suits a device whose compute units are cores. There our kernels
     * are about ten times as fast as CLBlast, at every size (tools/bench/results). */
    clr_gemms g = {.context = context,
                   .precision = precision,
                   .storage = storage,
                   .own = choice == CLRNN_GEMM_PACKED ||
                          (choice == CLRNN_GEMM_AUTO && context->info.type & CL_DEVICE_TYPE_CPU)};
    clrnn_status status = clr_packed_init(context, precision, storage, &g.packed);
    *gemms = g;
    return status;
}

clrnn_status clr_gemms_prepare(clr_gemms *gemms)
{
    return gemms->own ? clr_packed_prepare(&gemms->packed) : warm_up_clblast(gemms);
}

void clr_gemms_free(clr_gemms *gemms)
{
    clr_packed_free(&gemms->packed);
}

const char *clr_gemms_name(const clr_gemms *gemms)
{
    return gemms->own ? "packed" : "clblast";
}

size_t clr_gemms_reach(const clr_gemms *gemms)
{
    return gemms->own ? SIZE_MAX : clblast_reach;
}

/* What is kept for CLBlast are floats [n,k]. */
static void take_prepared(clr_gemm *g)
{
    const clr_packed_matrix *p = g->prepared;
    g->b = p->buffer ? (clr_matrix){p->buffer, p->at, p->k} : p->from;
    g->transpose_b = p->buffer ? true : p->transposed;
    g->n = p->n;
    g->k = p->k;
}

clrnn_status clr_gemm_run(clr_gemms *gemms, const clr_gemm *gemm)
{
    clr_gemm g = *gemm;
    if (g.prepared)
        take_prepared(&g);
    if (g.m == 0 || g.n == 0)
        return CLRNN_OK;
    if (!g.prepared && gemms->storage != CLRNN_WEIGHTS_F32)
        return clr_fail(&gemms->context->log, CLRNN_ERR_ARGUMENT,
                        "product %zux%zux%zu: only prepared operands are stored", g.m, g.n, g.k);
    return gemms->own ? clr_packed_run(&gemms->packed, &g) : run_clblast(gemms, &g);
}
