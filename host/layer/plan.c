/* SPDX-License-Identifier: MIT
 * layer/plan.c - see layer/plan.h; how plans are made: layer/create.c. */
#include "layer/plan.h"

#include <stdlib.h>

#include "base/checked.h"
#include "base/log.h"
#include "device/buffer.h"
#include "device/context.h"
#include "layer/staging.h"
#include "layer/strategy.h"

clrnn_status clr_plan_allocate(clrnn_plan *plan, cl_mem *buffer, uint64_t rows, uint64_t elements)
{
    clr_size bytes = clr_size_mul(clr_size_mul(clr_size_of(rows), elements), plan->real_bytes);
    if (bytes.overflow)
        return clr_fail(
            &plan->context->log, CLRNN_ERR_RANGE,
            "plan: work memory of %llu x %llu numbers of %zu bytes is more than memory can address",
            (unsigned long long)rows, (unsigned long long)elements, plan->real_bytes);
    clrnn_status status = clr_buffer_create(plan->context, bytes.value, buffer);
    plan->info.work_bytes += status == CLRNN_OK ? bytes.value : 0;
    return status;
}

clrnn_status clr_plan_report(clrnn_plan *plan)
{
    return plan->strategy->report ? plan->strategy->report(plan) : CLRNN_OK;
}

void clr_plan_poll_errors(clrnn_plan *plan)
{
    if (plan->strategy->poll_errors)
        plan->strategy->poll_errors(plan);
}

void clrnn_plan_destroy(clrnn_plan **plan)
{
    if (!plan || !*plan)
        return;
    clrnn_plan *p = *plan;
    (void)clrnn_context_finish(p->context);
    if (clr_plan_report(p) == CLRNN_OK) /* what was not read since a reading was under way */
        (void)clrnn_context_finish(p->context);
    clr_plan_poll_errors(p);
    p->strategy->release(p);
    clr_uploads_free(&p->uploads);
    clr_sequence_free(&p->sequence);
    clr_norms_free(&p->norms);
    clr_tracer_free(&p->tracer);
    clr_converter_free(&p->sequence_converter);
    clr_weights_free(&p->packed);
    clr_gemms_free(&p->gemms);
    cl_mem *const buffers[] = {&p->weights.buffer,
                               &p->lengths,
                               &p->flags,
                               &p->apart,
                               &p->filled,
                               &p->workspace,
                               &p->da,
                               &p->du,
                               &p->dh,
                               &p->dc,
                               &p->dproj,
                               &p->zeros,
                               &p->dy[0],
                               &p->dy[1],
                               &p->masked_x,
                               &p->masked_h,
                               &p->wide_x,
                               &p->wide_y,
                               &p->traced,
                               &p->dsums,
                               &p->dz};
    for (size_t i = 0; i < sizeof buffers / sizeof *buffers; i++)
        clr_buffer_destroy(buffers[i]);
    clr_staging_free(&p->staging);
    free(p);
    *plan = NULL;
}

const clrnn_plan_info *clrnn_plan_get_info(const clrnn_plan *plan)
{
    return plan ? &plan->info : NULL;
}

clrnn_status clr_slice_check(const clrnn_plan *plan, clrnn_slice slice, size_t count, size_t bytes,
                             const char *name)
{
    if (!slice.buffer)
        return CLRNN_OK;
    size_t have = clr_buffer_size(slice.buffer) / bytes;
    if (slice.offset > have || count > have - slice.offset)
        return clr_fail(&plan->context->log, CLRNN_ERR_RANGE,
                        "slice %s: needs %zu elements from offset %zu, the buffer holds %zu", name,
                        count, slice.offset, have);
    return CLRNN_OK;
}

clrnn_status clr_plan_check_weights(const clrnn_plan *plan, const char *who)
{
    if (plan->weights.buffer)
        return CLRNN_OK;
    return clr_fail(&plan->context->log, CLRNN_ERR_ARGUMENT, "%s: the plan has no weights%s", who,
                    plan->weights_lost ? ": setting others failed half-way; set them again"
                                       : " yet");
}

/* There are none until all of the new ones are packed: a mixture with the old ones, which nobody
 * would notice, never. */
static clrnn_status replace_weights(clrnn_plan *plan, clrnn_slice weights)
{
    if (weights.buffer != plan->weights.buffer)
        clr_buffer_destroy(&plan->weights.buffer);
    plan->repeatable = 0;
    plan->weights = weights;
    clrnn_status status = clr_weights_pack(&plan->packed, weights);
    plan->weights_lost = status != CLRNN_OK;
    if (plan->weights_lost)
        clr_buffer_destroy(&plan->weights.buffer);
    return status;
}

clrnn_status clrnn_plan_set_weights(clrnn_plan *plan, clrnn_slice weights)
{
    if (!plan)
        return CLRNN_ERR_ARGUMENT;
    if (!weights.buffer)
        return clr_fail(&plan->context->log, CLRNN_ERR_ARGUMENT, "plan: weights are absent");
    clrnn_status status =
        clr_slice_check(plan, weights, plan->network.weights, plan->real_bytes, "weights");
    if (status == CLRNN_OK && weights.buffer != plan->weights.buffer)
        status = clr_buffer_retain(plan->context, weights.buffer);
    return status == CLRNN_OK ? replace_weights(plan, weights) : status;
}

clrnn_status clrnn_plan_set_weights_host(clrnn_plan *plan, const void *weights)
{
    if (!plan)
        return CLRNN_ERR_ARGUMENT;
    if (!weights)
        return clr_fail(&plan->context->log, CLRNN_ERR_ARGUMENT, "plan: weights are NULL");
    size_t bytes = plan->network.weights * plan->real_bytes;
    clrnn_slice own = {0};
    clrnn_status status = clr_buffer_create(plan->context, bytes, &own.buffer);
    if (status == CLRNN_OK)
        status = clr_buffer_write(plan->context, own.buffer, 0, bytes, weights);
    if (status == CLRNN_OK)
        status = clrnn_plan_set_weights(plan, own);
    clr_buffer_destroy(&own.buffer); /* the plan has retained it */
    return status;
}
