/* SPDX-License-Identifier: MIT
 * tests/gate.h - what takes as long as the test wants: building a program, work in a queue. */
#ifndef TEST_GATE_H
#define TEST_GATE_H

#include <pthread.h>

#include <clrnn/context.h>

/* Holds the first thread that is about to build a program; those after it pass. */
typedef struct test_gate {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    int builds; /* that came by so far */
    bool open;
} test_gate;

/** Put a gate before the builds of a context; it must live as long as these. */
void test_gate_shut(clrnn_context *context, test_gate *gate);

/** Wait until a build is held. */
void test_gate_await(test_gate *gate);

/** Let it go on. */
void test_gate_open(test_gate *gate);

/** Remove the gate. Returns how many builds came by. */
int test_gate_remove(clrnn_context *context, test_gate *gate);

/** Whatever is enqueued from now on waits for test_queue_release, which takes the event. NULL where
 *  commands are done at once (without TEST_USER_EVENTS). */
cl_event test_queue_hold(clrnn_context *context);
void test_queue_release(cl_event held);

#endif
