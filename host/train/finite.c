/* SPDX-License-Identifier: MIT
 * train/finite.c - numbers that are not finite: seen before they are kept. */
#include <inttypes.h>
#include <math.h>

#include "base/log.h"
#include "device/buffer.h"
#include "train/options.h"
#include "train/trainer.h"

clrnn_status clr_watch_read(clrnn_trainer *trainer)
{
    return clr_buffer_read_async(trainer->context, trainer->watch, 0, sizeof trainer->watched,
                                 trainer->watched);
}

clrnn_status clr_finite_steps(clrnn_trainer *trainer)
{
    clrnn_context *context = trainer->context;
    const cl_ulong watch[2] = {trainer->watched[0], trainer->watched[1]};
    if (!watch[0])
        return CLRNN_OK;
    char fault[CLR_FAULT_TEXT] = "";
    clrnn_status status = clr_buffer_zero(context, trainer->watch, 0, sizeof watch);
    if (status != CLRNN_OK)
        return status;
    if (trainer->in_step && watch[0] == trainer->steps_done) /* else other passes came after it */
        trainer->learner->fault(trainer, fault);
    trainer->watched[0] = 0;
    trainer->steps_done = watch[0] - 1;
    trainer->training.started = false; /* its states are those of the steps that did not count */
    return clr_fail(&context->log, CLRNN_ERR_NOT_FINITE,
                    "the %s of step %" PRIu64 " is not finite, at a learning rate of %g%s%s%s",
                    watch[1] ? "loss" : "gradient", (uint64_t)watch[0],
                    clr_options_rate(&trainer->desc, watch[0] - 1), *fault ? " (" : "", fault,
                    *fault ? ")" : "");
}

/* Index of the first of [count] numbers that is not finite, or `count`. */
static uint64_t first_bad(const clrnn_tensor *tensor)
{
    const float *f = tensor->data;
    const double *d = tensor->data;
    uint64_t i = 0;
    if (tensor->dtype == CLRNN_DTYPE_F32)
        while (i < tensor->count && isfinite(f[i]))
            i++;
    else if (tensor->dtype == CLRNN_DTYPE_F64)
        while (i < tensor->count && isfinite(d[i]))
            i++;
    else
        return tensor->count;
    return i;
}

clrnn_status clr_finite_tensors(const clrnn_tensors *set, const char *what, const clrnn_log *log)
{
    for (size_t i = 0; i < clrnn_tensors_count(set); i++) {
        const clrnn_tensor *tensor = clrnn_tensors_at(set, i);
        uint64_t at = first_bad(tensor);
        if (at < tensor->count)
            return clr_fail(log, CLRNN_ERR_NOT_FINITE,
                            "%s: element %" PRIu64 " of %s is not finite", what, at, tensor->name);
    }
    return CLRNN_OK;
}
