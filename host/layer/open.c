/* SPDX-License-Identifier: MIT
 * layer/open.c - opening a context: the best device that computes right. */
#include "layer/open.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "device/context.h"
#include "device/list.h"
#include "device/select.h"
#include "layer/self_test.h"

/* A problem in miniature that every device must get right. */
static clrnn_status try_device(clrnn_context *context)
{
    const clrnn_plan_desc tiny = {.network = {.input_size = 1, .hidden_size = 1}};
    return clr_self_test(context, &tiny, CLRNN_STRATEGY_STEPWISE);
}

clrnn_status clr_open_best(const clrnn_context_desc *desc, const clrnn_device_info *devices,
                           const size_t *order, size_t matches, clrnn_context **context)
{
    clrnn_status status = CLRNN_ERR_NO_DEVICE;
    for (size_t i = 0; i < matches; i++) {
        status = clr_context_open(desc, &devices[order[i]], context);
        if (status == CLRNN_OK && matches > 1)
            status = try_device(*context);
        if (status == CLRNN_OK)
            break;
        clrnn_context_destroy(context);
        clr_log(&desc->log, CLRNN_LOG_WARN, "device %s is not used: %s", devices[order[i]].name,
                clrnn_status_text(status));
    }
    if (status == CLRNN_ERR_SELF_TEST) /* any other failure has given its reason */
        return clr_fail(&desc->log, status,
                        "of %zu devices that match none can be used: %s, driver %s, computes wrong "
                        "results; choose another device",
                        matches, devices[order[matches - 1]].name,
                        devices[order[matches - 1]].driver);
    return status;
}

clrnn_status clrnn_context_create(const clrnn_context_desc *desc, clrnn_context **context)
{
    const clrnn_context_desc defaults = {0};
    clrnn_device_info *devices = NULL;
    size_t count = 0, matches = 0, *order = NULL;
    clrnn_status status = CLRNN_ERR_ARGUMENT;
    desc = desc ? desc : &defaults;
    if (!context)
        return clr_fail(&desc->log, CLRNN_ERR_ARGUMENT, "clrnn_context_create: context is NULL");
    *context = NULL;
    if (desc->context || desc->queue) {
        clrnn_device_info info;
        memset(&info, 0, sizeof info);
        status = desc->queue ? clr_queue_device(&desc->log, desc->queue, &info) : CLRNN_OK;
        return status == CLRNN_OK ? clr_context_open(desc, &info, context) : status;
    }
    status = clrnn_devices_list(&desc->log, &devices, &count);
    if (status != CLRNN_OK)
        goto done;
    order = clr_calloc(count, sizeof *order);
    if (!order) {
        status = clr_fail(&desc->log, CLRNN_ERR_MEMORY, "context: no memory to order %zu devices",
                          count);
        goto done;
    }
    status = clr_select(desc->device, devices, count, &desc->log, order, &matches);
    if (status == CLRNN_OK)
        status = clr_open_best(desc, devices, order, matches, context);
done:
    free(order);
    clrnn_devices_free(&devices);
    return status;
}
