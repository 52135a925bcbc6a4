/* SPDX-License-Identifier: MIT
 * layer/trial.c - see layer/trial.h. */
#include "layer/trial.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/library.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/thread.h"
#include "device/native.h"
#include "layer/self_test.h"

enum { message_room = 1 << 15, usual_timeout_ms = 60000 };

/* Belongs to the calling thread and to the one that tries, and is freed by who leaves last. */
typedef struct clr_trial {
    clrnn_context_desc desc; /* log and cache_dir are the trial's own */
    clrnn_device_info device;
    char *cache_dir;
    bool test;
    clr_lock lock; /* of what follows */
    clr_condition changed;
    bool ended;     /* the result is there */
    bool abandoned; /* nobody waits for it */
    clrnn_context *context;
    clrnn_status status;
    clrnn_report_outcome outcome;
    char reason[CLR_REASON]; /* why it failed: the last error, else what the self-test says */
    /* Messages: a character for the level, text, 0. */
    size_t used;
    char messages[message_room];
} clr_trial;

bool clr_is_devices_fault(clrnn_status status)
{
    return status != CLRNN_OK && status != CLRNN_ERR_ARGUMENT && status != CLRNN_ERR_RANGE;
}

/* Keep a message for the caller's thread. */
static void keep(void *user, clrnn_log_level level, const char *text)
{
    clr_trial *t = user;
    const size_t length = strlen(text) + 2;
    clr_lock_take(&t->lock);
    if (level == CLRNN_LOG_ERROR)
        snprintf(t->reason, sizeof t->reason, "%s", text);
    if (length <= sizeof t->messages - t->used) {
        t->messages[t->used] = (char)level;
        memcpy(t->messages + t->used + 1, text, length - 1);
        t->used += length;
    }
    clr_lock_give(&t->lock);
}

/* What has been kept. That a device fails is no error of the call that tries others. */
static void say(const clr_trial *t, const clrnn_log *log)
{
    const bool others = t->test && clr_is_devices_fault(t->status);
    for (size_t at = 0; at < t->used; at += strlen(t->messages + at + 1) + 2) {
        clrnn_log_level level = (clrnn_log_level)t->messages[at];
        clr_log(log, others && level == CLRNN_LOG_ERROR ? CLRNN_LOG_WARN : level, "%s",
                t->messages + at + 1);
    }
}

static void release(clr_trial *t)
{
    clrnn_context_destroy(&t->context);
    free(t->cache_dir);
    free(t);
}

static clrnn_report_outcome outcome_of(clrnn_status status)
{
    return status == CLRNN_OK              ? CLRNN_REPORT_CHOSEN
           : status == CLRNN_ERR_SELF_TEST ? CLRNN_REPORT_WRONG
           : status == CLRNN_ERR_BUILD     ? CLRNN_REPORT_NOT_BUILT
                                           : CLRNN_REPORT_FAILED;
}

/* A problem in miniature that every device must get right. */
static clrnn_status test_device(clrnn_context *context, char reason[CLR_REASON])
{
    const clrnn_plan_desc tiny = {.network = {.input_size = 1, .hidden_size = 1}};
    clrnn_status status = clr_self_test(context, &tiny, CLRNN_STRATEGY_STEPWISE);
    if (status == CLRNN_ERR_SELF_TEST)
        clr_self_test_reason(context, &tiny, CLRNN_STRATEGY_STEPWISE, reason);
    return status;
}

static void attempt(void *from)
{
    clr_trial *t = from;
    char reason[CLR_REASON] = "";
    clrnn_context *context = NULL;
    clrnn_status status = clr_context_open(&t->desc, &t->device, &context);
    if (status == CLRNN_OK && t->test)
        status = test_device(context, reason);
    if (status != CLRNN_OK)
        clrnn_context_destroy(&context);
    clr_lock_take(&t->lock);
    if (reason[0])
        memcpy(t->reason, reason, sizeof reason);
    t->context = context;
    t->status = status;
    t->outcome = outcome_of(status);
    t->ended = true;
    const bool last = t->abandoned;
    clr_condition_wake(&t->changed);
    clr_lock_give(&t->lock);
    if (last)
        release(t);
}

/* Time in which the whole process stands still is not the driver's: waits are counted. */
static void await(clr_trial *t, uint32_t timeout_ms)
{
    clr_lock_take(&t->lock);
    for (uint32_t waited = 0; !t->ended && waited < timeout_ms; waited += CLR_WAIT_MS)
        clr_condition_wait_some(&t->changed, &t->lock);
    clr_lock_give(&t->lock);
}

static clr_trial *make(const clrnn_context_desc *desc, const clrnn_device_info *device, bool test)
{
    clr_trial *t = clr_calloc(1, sizeof *t);
    if (t && desc->cache_dir)
        t->cache_dir = clr_strdup(desc->cache_dir);
    if (!t || (desc->cache_dir && !t->cache_dir)) {
        free(t);
        return NULL;
    }
    t->desc = *desc;
    t->desc.cache_dir = t->cache_dir;
    t->desc.report = NULL;
    t->desc.log.level = desc->log.level > CLRNN_LOG_ERROR ? desc->log.level : CLRNN_LOG_ERROR;
    t->desc.log.message = keep;
    t->desc.log.user = t;
    t->device = *device;
    t->test = test;
    t->lock = (clr_lock)CLR_LOCK_INIT;
    t->changed = (clr_condition)CLR_CONDITION_INIT;
    return t;
}

/* Somewhere in this library. */
static const char here = 0;

/* The result, once it is there or nobody waits for it any longer. With the lock. */
static clrnn_status conclude(clr_trial *t, const clrnn_context_desc *desc, uint32_t timeout_ms,
                             double seconds, const char *chosen, clrnn_report *report,
                             clrnn_context **context)
{
    if (!t->ended) {
        t->abandoned = true;
        t->outcome = CLRNN_REPORT_TOO_SLOW;
        t->status = CLRNN_ERR_BUILD;
        snprintf(t->reason, sizeof t->reason, "no answer within %u ms: it is left alone",
                 (unsigned)timeout_ms);
        clr_library_stay(&here);
    }
    say(t, &desc->log);
    if (t->ended && t->status == CLRNN_OK) {
        *context = t->context;
        t->context = NULL;
        (*context)->log = desc->log;
        snprintf(t->reason, sizeof t->reason, "%s", chosen);
    }
    clrnn_report_entry *entry =
        clr_report_add_device(report, t->outcome, t->status, &t->device, t->reason);
    if (entry)
        entry->seconds = seconds;
    return t->status;
}

clrnn_status clr_try_device(const clrnn_context_desc *desc, const clrnn_device_info *device,
                            bool test, const char *chosen, clrnn_report *report,
                            clrnn_context **context)
{
    const uint32_t timeout_ms = desc->timeout_ms ? desc->timeout_ms : usual_timeout_ms;
    const double begin = clr_seconds();
    *context = NULL;
    clr_trial *t = make(desc, device, test);
    if (!t)
        return clr_fail(&desc->log, CLRNN_ERR_MEMORY, "context: no memory to try %s", device->name);
    if (test && !clr_is_native(device->device_id) && clr_thread_start_alone(attempt, t))
        await(t, timeout_ms);
    else
        attempt(t);
    clr_lock_take(&t->lock);
    clrnn_status status =
        conclude(t, desc, timeout_ms, clr_seconds() - begin, chosen, report, context);
    if (test && clr_is_devices_fault(status))
        clr_log(&desc->log, CLRNN_LOG_WARN, "device %s (%s, driver %s) is not used: %s: %s",
                device->name, device->platform, device->driver,
                clrnn_report_outcome_words(t->outcome), t->reason);
    const bool mine = t->ended;
    clr_lock_give(&t->lock);
    if (mine)
        release(t);
    return status;
}
