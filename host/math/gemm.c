/* SPDX-License-Identifier: MIT
 * math/gemm.c - the choice between CLBlast and our own kernels. */
#include "math/gemm.h"

#include "base/checked.h"
#include "base/log.h"
#include "base/memory.h"
#include "device/buffer.h"
#include "math/clblast.h"

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
        status = clr_clblast_run(context, gemms->precision, &one);
    }
    clr_buffer_destroy(&scratch);
    return status;
}

/* One work-item for each group suits a device whose compute units are cores. There our kernels are
 * about ten times as fast as CLBlast, at every size (tools/bench/results); and they serve where
 * there is no CLBlast. */
static clrnn_status choose(const clrnn_context *context, clrnn_gemm choice, bool *own)
{
    const char *reason = NULL;
    *own = choice == CLRNN_GEMM_PACKED ||
           (choice == CLRNN_GEMM_AUTO && context->info.type & CL_DEVICE_TYPE_CPU);
    if (*own || clr_clblast_usable(context, &reason))
        return CLRNN_OK;
    if (choice == CLRNN_GEMM_CLBLAST)
        return clr_fail(&context->log, CLRNN_ERR_UNSUPPORTED,
                        "plan: gemm clblast cannot be had on %s: %s", context->info.name, reason);
    clr_log(&context->log, CLRNN_LOG_INFO, "no CLBlast (%s): products by our own kernels", reason);
    *own = true;
    return CLRNN_OK;
}

clrnn_status clr_gemms_init(clrnn_context *context, clrnn_precision precision,
                            clrnn_storage storage, clrnn_gemm choice, clr_gemms *gemms)
{
    clr_gemms g = {.context = context, .precision = precision, .storage = storage};
    clrnn_status status = choose(context, choice, &g.own);
    if (status == CLRNN_OK)
        status = clr_packed_init(context, precision, storage, &g.packed);
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

size_t clr_gemms_index_range(const clr_gemms *gemms)
{
    return gemms->own ? SIZE_MAX : CLR_CLBLAST_INDEX_RANGE;
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
    return gemms->own ? clr_packed_run(&gemms->packed, &g)
                      : clr_clblast_run(gemms->context, gemms->precision, &g);
}
