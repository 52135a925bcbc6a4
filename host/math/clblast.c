/* SPDX-License-Identifier: MIT
 * math/clblast.c - see math/clblast.h. */
#include "math/clblast.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/library.h"
#include "base/lock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/os.h"
#include "device/program.h"

/* Of CLBlast's C interface (clblast_c.h, as it has been since its version 1.0): its enumerations
 * are ints. */
enum { ROW_MAJOR = 101, NOT_TRANSPOSED = 111, TRANSPOSED = 112 };

typedef int clr_sgemm(int, int, int, size_t, size_t, size_t, float, cl_mem, size_t, size_t, cl_mem,
                      size_t, size_t, float, cl_mem, size_t, size_t, cl_command_queue *,
                      cl_event *);
typedef int clr_dgemm(int, int, int, size_t, size_t, size_t, double, cl_mem, size_t, size_t, cl_mem,
                      size_t, size_t, double, cl_mem, size_t, size_t, cl_command_queue *,
                      cl_event *);

/* Of the whole process, as a library that is loaded is. */
static struct {
    clr_lock lock;
    bool tried;
    char reason[600];
    clr_sgemm *sgemm;
    clr_dgemm *dgemm;
} clblast = {.lock = CLR_LOCK_INIT};

/* The first of the files that can be opened, or NULL. */
static clr_library *open_first(const char *const *file)
{
    clr_library *library = NULL;
    for (; *file && !library; file++) {
        char why[320];
        library = clr_library_open(*file, why, sizeof why);
        if (library)
            clblast.reason[0] = 0;
        else
            clr_library_reason(clblast.reason, sizeof clblast.reason, why);
    }
    return library;
}

static void load(void)
{
    char text[CLR_VARIABLE_ROOM];
    const char *wanted = clr_variable("CLRNN_CLBLAST", text);
    if (wanted && strcmp(wanted, "off") == 0) {
        snprintf(clblast.reason, sizeof clblast.reason, "it is off (CLRNN_CLBLAST)");
        return;
    }
    const char *const alone[] = {wanted, NULL};
    clr_library *library = open_first(wanted && *wanted ? alone : clr_clblast_files);
    void *single = library ? clr_library_symbol(library, "CLBlastSgemm") : NULL;
    void *twice = library ? clr_library_symbol(library, "CLBlastDgemm") : NULL;
    if (library && !(single && twice))
        snprintf(clblast.reason, sizeof clblast.reason, "it has no CLBlastSgemm or CLBlastDgemm");
    if (!single || !twice)
        return;
    memcpy(&clblast.sgemm, &single, sizeof single);
    memcpy(&clblast.dgemm, &twice, sizeof twice);
}

bool clr_clblast_usable(const clrnn_context *context, const char **reason)
{
    if (!clr_compiles(context)) {
        if (reason)
            *reason = "the native device has products of its own";
        return false;
    }
    clr_lock_take(&clblast.lock);
    if (!clblast.tried)
        load();
    clblast.tried = true;
    clr_lock_give(&clblast.lock);
    if (reason)
        *reason = clblast.reason;
    return clblast.dgemm != NULL;
}

/* Whether every element of a stored [rows,columns] can be reached. */
static bool reachable(const clr_matrix *m, size_t rows, size_t columns)
{
    clr_size end = clr_size_mul(clr_size_of(m->stride), rows - 1);
    end = clr_size_add(clr_size_add(end, clr_size_of(m->offset)), clr_size_of(columns));
    return !end.overflow && end.value <= CLR_CLBLAST_INDEX_RANGE;
}

static bool all_reachable(const clr_gemm *g)
{
    size_t a_rows = g->transpose_a ? g->k : g->m, a_columns = g->transpose_a ? g->m : g->k;
    size_t b_rows = g->transpose_b ? g->n : g->k, b_columns = g->transpose_b ? g->k : g->n;
    return reachable(&g->a, a_rows, a_columns) && reachable(&g->b, b_rows, b_columns) &&
           reachable(&g->c, g->m, g->n);
}

static int transposed(bool yes)
{
    return yes ? TRANSPOSED : NOT_TRANSPOSED;
}

clrnn_status clr_clblast_run(clrnn_context *context, clrnn_precision precision, const clr_gemm *g)
{
    if (!all_reachable(g))
        return clr_fail(
            &context->log, CLRNN_ERR_RANGE,
            "CLBlast: product %zux%zux%zu reaches beyond 2^31 elements of a buffer: use "
            "a smaller model, batch or number of steps",
            g->m, g->n, g->k);
    cl_command_queue queue = context->queue;
    int ta = transposed(g->transpose_a), tb = transposed(g->transpose_b),
        code = CL_OUT_OF_RESOURCES;
    if (clr_fault_hit(CLR_FAULT_OPENCL))
        ; /* as if CLBlast had found no memory */
    else if (precision == CLRNN_F64)
        code = clblast.dgemm(ROW_MAJOR, ta, tb, g->m, g->n, g->k, 1.0, g->a.buffer, g->a.offset,
                             g->a.stride, g->b.buffer, g->b.offset, g->b.stride,
                             g->accumulate ? 1.0 : 0.0, g->c.buffer, g->c.offset, g->c.stride,
                             &queue, NULL);
    else
        code = clblast.sgemm(ROW_MAJOR, ta, tb, g->m, g->n, g->k, 1.0f, g->a.buffer, g->a.offset,
                             g->a.stride, g->b.buffer, g->b.offset, g->b.stride,
                             g->accumulate ? 1.0f : 0.0f, g->c.buffer, g->c.offset, g->c.stride,
                             &queue, NULL);
    if (code == CL_SUCCESS)
        return CLRNN_OK;
    return clr_fail(&context->log, CLRNN_ERR_OPENCL, "CLBlast: product %zux%zux%zu failed: code %d",
                    g->m, g->n, g->k, code);
}
