/* SPDX-License-Identifier: MIT
 * tests/gate.c - see tests/gate.h. */
#include "gate.h"

#include "device/context.h"
#include "support.h"

static void pass(void *user, const char *name)
{
    test_gate *gate = user;
    (void)name;
    pthread_mutex_lock(&gate->lock);
    bool first = gate->builds++ == 0;
    pthread_cond_broadcast(&gate->changed);
    while (first && !gate->open)
        pthread_cond_wait(&gate->changed, &gate->lock);
    pthread_mutex_unlock(&gate->lock);
}

void test_gate_shut(clrnn_context *context, test_gate *gate)
{
    *gate = (test_gate){.builds = 0};
    pthread_mutex_init(&gate->lock, NULL);
    pthread_cond_init(&gate->changed, NULL);
    context->before_build_user = gate;
    context->before_build = pass;
}

void test_gate_await(test_gate *gate)
{
    pthread_mutex_lock(&gate->lock);
    while (gate->builds == 0)
        pthread_cond_wait(&gate->changed, &gate->lock);
    pthread_mutex_unlock(&gate->lock);
}

void test_gate_open(test_gate *gate)
{
    pthread_mutex_lock(&gate->lock);
    gate->open = true;
    pthread_cond_broadcast(&gate->changed);
    pthread_mutex_unlock(&gate->lock);
}

int test_gate_remove(clrnn_context *context, test_gate *gate)
{
    context->before_build = NULL;
    pthread_cond_destroy(&gate->changed);
    pthread_mutex_destroy(&gate->lock);
    return gate->builds;
}

cl_event test_queue_hold(clrnn_context *context)
{
    cl_int code = CL_SUCCESS;
    if (!test_has(context, TEST_USER_EVENTS))
        return NULL;
    cl_event held = clCreateUserEvent(context->context, &code);
    assert_int_equal(code, CL_SUCCESS);
    assert_int_equal(clEnqueueBarrierWithWaitList(context->queue, 1, &held, NULL), CL_SUCCESS);
    return held;
}

void test_queue_release(cl_event held)
{
    if (!held)
        return;
    assert_int_equal(clSetUserEventStatus(held, CL_COMPLETE), CL_SUCCESS);
    assert_int_equal(clReleaseEvent(held), CL_SUCCESS);
}
