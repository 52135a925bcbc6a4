/* SPDX-License-Identifier: MIT
 * tests/layer/test_timeout.c - groups of a launch that wait for one another in vain: since there
 * are more of them than run at the same time, since they wait too shortly, since the device is busy
 * with something else. The result must not change by a bit, and the device then gets one group. */
#include "layer/partitions.h"

#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/memory.h"
#include "device/buffer.h"
#include "device/context.h"
#include "gate.h"

/* --- every form --------------------------------------------------------------------------- */

enum { T = 6, N = 3 };

/* A form whose units fill several panels, two layers, odd ones bidirectional. */
static test_inputs inputs_of(size_t form, uint64_t seed)
{
    static const uint32_t ragged[N] = {6, 0, 4};
    clrnn_network_desc desc = test_sized_form(form, 5, 130, 65);
    desc.num_layers = 2;
    desc.bidirectional = form % 2;
    test_inputs in = test_inputs_random(&desc, T, N, form % 3 ? ragged : NULL, seed + form, 0.1);
    test_inputs_round(&in, CLRNN_F32);
    return in;
}

/* Training and inference in chunks of two steps; how many launches fell back. */
static uint32_t check_form(clrnn_context *context, size_t form, clrnn_precision precision,
                           const clr_partition *list, size_t count)
{
    uint32_t fallbacks = 0;
    test_inputs in = inputs_of(form, 700);
    for (int train = 0; train < 2; train++) {
        clrnn_plan *stepwise = test_stepwise(context, &in, precision, train);
        clrnn_plan *plan = test_persistent(context, &in, precision, train, NULL);
        if (!train)
            plan->chunk = 2;
        test_outputs expected = test_run(stepwise, &in);
        for (size_t i = 0; i < count; i++) {
            test_force(plan, &list[i]);
            test_run_same(test_forms[form].name, plan, &in, &expected);
        }
        fallbacks += test_fallbacks(plan);
        test_outputs_free(&expected);
        clrnn_plan_destroy(&stepwise);
        clrnn_plan_destroy(&plan);
    }
    test_inputs_free(&in);
    return fallbacks;
}

/* More groups than run at the same time. */
static void too_many_groups(void **state)
{
    static const clr_partition list[] = {{.row_parts = 1, .unit_parts = 8, .most_spins = 1000},
                                         {.row_parts = 1, .unit_parts = 8},
                                         {.row_parts = 1, .unit_parts = 8, .steal = true},
                                         {.row_parts = 1, .unit_parts = 64, .most_spins = 1}};
    for (int precision = 0; precision < test_precisions(*state); precision++)
        for (size_t form = 0; form < TEST_FORMS; form++)
            assert_true((precision && !test_varies(*state, form)) ||
                        check_form(*state, form, (clrnn_precision)precision, list, COUNT(list)) >
                            0);
}

/* So few spins that even groups which do run at the same time lose one another, now and then, at
 * any point of the scan. */
static void too_few_spins(void **state)
{
    clr_partition list[60];
    for (size_t k = 0; k < COUNT(list); k++) {
        const size_t i = k % 30;
        list[k] = (clr_partition){.row_parts = 1,
                                  .unit_parts = 2 + i % 3,
                                  .steal = k >= 30,
                                  .most_spins = i < 6 ? i / 3 : 1u << i / 3};
    }
    for (size_t form = 0; form < TEST_FORMS; form++)
        assert_true(check_form(*state, form, CLRNN_F32, list, COUNT(list)) > 0);
}

/* So many rows that input products are computed for one step or a few at a time (all at once in the
 * tests above): groups leave and are replaced within a block and between two, upwards and
 * downwards. */
static void blocks_of_steps(void **state)
{
    static const uint32_t rows[] = {30, 45, 97};
    clr_partition list[24];
    for (size_t i = 0; i < COUNT(list); i++)
        list[i] = (clr_partition){
            .row_parts = 1, .unit_parts = 2 + i % 3, .steal = i >= 12, .most_spins = 1u << i % 12};
    for (size_t form = 0; form < TEST_FORMS; form++)
        for (size_t r = 0; r < COUNT(rows); r++) {
            clrnn_network_desc desc = test_sized_form(form, 5, 70, 40);
            desc.bidirectional = true;
            test_inputs in = test_inputs_random(&desc, 7, rows[r], NULL, 750 + form, 0.1);
            test_inputs_round(&in, CLRNN_F32);
            for (int train = 0; train < 2; train++) {
                clrnn_plan *stepwise = test_stepwise(*state, &in, CLRNN_F32, train);
                clrnn_plan *plan = test_persistent(*state, &in, CLRNN_F32, train, NULL);
                test_outputs expected = test_run(stepwise, &in);
                for (size_t i = 0; i < COUNT(list); i++) {
                    test_force(plan, &list[i]);
                    test_run_same(test_forms[form].name, plan, &in, &expected);
                }
                const clr_partition by_rows = {.row_parts = 4, .unit_parts = 1};
                test_force(plan, &by_rows);
                test_run_same(test_forms[form].name, plan, &in, &expected);
                assert_true(test_fallbacks(plan) > 0);
                test_outputs_free(&expected);
                clrnn_plan_destroy(&stepwise);
                clrnn_plan_destroy(&plan);
            }
            test_inputs_free(&in);
        }
}

/* --- what follows ------------------------------------------------------------------------- */

/* A log that counts what was said of groups. */
static void count_reports(void *user, clrnn_log_level level, const char *text)
{
    if (level == CLRNN_LOG_INFO && strstr(text, "waited for one another in vain"))
        ++*(int *)user;
}

/* A timeout is logged once, and then there are no grid barriers for a while: no launch has to fall
 * back again, not of this plan and not of a new one. */
static void timeout_is_noticed(void **state)
{
    const clr_partition many = {.row_parts = 1, .unit_parts = 8};
    clrnn_context *context = *state;
    int reports = 0;
    test_inputs in = inputs_of(2, 800);
    clrnn_plan *plan = test_persistent(context, &in, CLRNN_F32, true, NULL);
    test_outputs expected = test_run(plan, &in);
    context->log = (clrnn_log){CLRNN_LOG_INFO, count_reports, &reports};
    context->co_resident = 2; /* where there is one compute unit, it was 1 before */

    test_host host = test_host_make(plan, &in);
    const uint32_t before = test_fallbacks(plan); /* on a busy machine more than 0 */
    test_force(plan, &many);
    assert_int_equal(clrnn_forward_host(plan, &host.io), CLRNN_OK);
    assert_int_equal(reports, 1);
    assert_true(context->back_off_last > 0);
    const uint32_t forward = test_fallbacks(plan);
    assert_in_range(forward, before + 1, before + 2); /* a launch for each layer */
    assert_int_equal(clrnn_backward_host(plan, &host.io), CLRNN_OK);
    assert_int_equal(reports, 2);
    const uint32_t fallbacks = test_fallbacks(plan);
    assert_in_range(fallbacks, forward + 1, forward + 2);
    test_outputs got = test_host_outputs(&host);
    test_same_bits("timeout", &in, &got, &expected);
    test_host_free(&host);

    test_force(plan, NULL);
    test_run_same("after it", plan, &in, &expected);
    assert_int_equal(test_fallbacks(plan), fallbacks);
    clrnn_plan *other = test_persistent(context, &in, CLRNN_F32, true, NULL);
    test_run_same("another plan", other, &in, &expected);
    assert_int_equal(test_fallbacks(other), 0);
    clrnn_plan_destroy(&other);
    clrnn_plan_destroy(&plan);
    assert_int_equal(reports, 2);
    context->log = test_log;
    test_outputs_free(&got);
    test_outputs_free(&expected);
    test_inputs_free(&in);
}

/* What the reports said of how many launches. */
typedef struct said {
    int count;
    unsigned launches[4];
} said;

static void keep_report(void *user, clrnn_log_level level, const char *text)
{
    said *r = user;
    const char *found = strstr(text, "in ");
    if (level == CLRNN_LOG_INFO && strstr(text, "waited for one another in vain") && r->count < 4)
        (void)sscanf(found, "in %u launches", &r->launches[r->count++]);
}

/* A plan whose groups wait in vain, and its x on the device. */
static clrnn_plan *timeout_plan(clrnn_context *context, const test_inputs *in,
                                const clr_partition *cut, clrnn_forward_io *io)
{
    clrnn_plan *plan = test_persistent(context, in, CLRNN_F32, false, cut);
    test_sizes s = test_sizes_of(in);
    float *x = test_encode(in->x, s.x, CLRNN_F32);
    *io = (clrnn_forward_io){.steps = in->steps};
    assert_int_equal(clr_buffer_create(context, s.x * sizeof *x, &io->x.buffer), CLRNN_OK);
    assert_int_equal(clr_buffer_write(context, io->x.buffer, 0, s.x * sizeof *x, x), CLRNN_OK);
    free(x);
    return plan;
}

/* With buffers on the device nobody waits: it is noticed by the next pass, which does not either,
 * or at the end. */
static void timeout_is_noticed_without_a_wait(void **state)
{
    const clr_partition many = {.row_parts = 1, .unit_parts = 8};
    clrnn_context *context = *state;
    int reports = 0;
    test_inputs in = inputs_of(0, 850);
    clrnn_forward_io io;
    clrnn_plan *plan = timeout_plan(context, &in, &many, &io);
    context->log = (clrnn_log){CLRNN_LOG_INFO, count_reports, &reports};
    context->co_resident = 2;
    context->back_off_last = 0;
    assert_int_equal(clrnn_forward(plan, &io, NULL), CLRNN_OK);
    assert_int_equal(clrnn_context_finish(context), CLRNN_OK);
    assert_int_equal(reports, 0);
    const long waits = context->waits;
    assert_int_equal(clrnn_forward(plan, &io, NULL), CLRNN_OK);
    assert_int_equal(reports, 1);
    assert_true(context->back_off_last > 0);
    assert_int_equal(context->waits, waits);
    clrnn_plan_destroy(&plan);
    assert_int_equal(reports, 2);
    context->log = test_log;
    clr_buffer_destroy(&io.x.buffer);
    test_inputs_free(&in);
}

/* Passes that are enqueued before the first one has come to its end: none is left out. */
static void timeouts_of_many_passes(void **state)
{
    test_need(*state, TEST_USER_EVENTS);
    const clr_partition many = {.row_parts = 1, .unit_parts = 8};
    clrnn_context *context = *state;
    said r = {0};
    test_inputs in = inputs_of(0, 850);
    clrnn_forward_io io;
    clrnn_plan *plan = timeout_plan(context, &in, &many, &io);
    context->log = (clrnn_log){CLRNN_LOG_INFO, keep_report, &r};
    cl_event held = test_queue_hold(context);
    for (int pass = 0; pass < 3; pass++)
        assert_int_equal(clrnn_forward(plan, &io, NULL), CLRNN_OK);
    assert_int_equal(r.count, 0);
    test_queue_release(held);
    assert_int_equal(clrnn_context_finish(context), CLRNN_OK);
    test_force(plan, NULL);
    context->back_off_until = INFINITY; /* so that this one has no grid barrier */
    assert_int_equal(clrnn_forward(plan, &io, NULL), CLRNN_OK);
    assert_int_equal(r.count, 1); /* of the first pass, with a launch for each layer */
    assert_in_range(r.launches[0], 1, 2);
    const uint32_t fallbacks = test_fallbacks(plan);
    assert_in_range(fallbacks, 3, 6);
    clrnn_plan_destroy(&plan);
    assert_int_equal(r.count, 2);
    assert_int_equal(r.launches[0] + r.launches[1], fallbacks);
    context->log = test_log;
    context->back_off_until = 0;
    clr_buffer_destroy(&io.x.buffer);
    test_inputs_free(&in);
}

/* Whatever call fails in a pass, among them the launch of a fallback: the next pass is right. */
static void failures_leave_nothing_behind(void **state)
{
    const clr_partition many = {.row_parts = 1, .unit_parts = 8, .most_spins = 100};
    const clrnn_network_desc desc = test_sized_form(4, 5, 65, 0);
    test_inputs in = test_inputs_random(&desc, 3, 2, NULL, 900, 0.1);
    clrnn_plan *plan = test_stepwise(*state, &in, CLRNN_F32, true);
    test_outputs expected = test_run(plan, &in);
    clrnn_plan_destroy(&plan);
    plan = test_persistent(*state, &in, CLRNN_F32, true, &many);
    test_host host = test_host_make(plan, &in);
    clrnn_status status = CLRNN_ERR_OPENCL;
    long k = 0;
    for (; status != CLRNN_OK && k < 2000; k++) {
        clr_fault_inject(CLR_FAULT_OPENCL, -(k + 1));
        status = clrnn_forward_host(plan, &host.io);
        if (status == CLRNN_OK)
            status = clrnn_backward_host(plan, &host.io);
        clr_fault_inject(CLR_FAULT_OPENCL, 0);
        test_run_same("after a failure", plan, &in, &expected);
    }
    assert_int_equal(status, CLRNN_OK);
    assert_true(k > 100);
    test_host_free(&host);
    clrnn_plan_destroy(&plan);
    test_outputs_free(&expected);
    test_inputs_free(&in);
}

/* --- a device that is busy ---------------------------------------------------------------- */

/* As many groups as the plan chooses where so many are co-resident, or are said to be; then two. */
static void as_the_plan_chooses(clrnn_context *context)
{
    const clr_partition pair = {.row_parts = 1, .unit_parts = 2, .most_spins = 1u << 17};
    for (size_t form = 0; form < TEST_FORMS; form++) {
        test_inputs in = inputs_of(form, 1000);
        clrnn_plan *plan = test_stepwise(context, &in, CLRNN_F32, true);
        test_outputs expected = test_run(plan, &in);
        clrnn_plan_destroy(&plan);
        plan = test_persistent(context, &in, CLRNN_F32, true, NULL);
        const uint32_t own = context->co_resident;
        for (uint32_t co_resident = own; co_resident < own + 4; co_resident++) {
            context->co_resident = co_resident;
            context->back_off_until = 0;
            test_run_same(test_forms[form].name, plan, &in, &expected);
        }
        context->co_resident = own;
        test_force(plan, &pair);
        test_run_same(test_forms[form].name, plan, &in, &expected);
        clrnn_plan_destroy(&plan);
        test_outputs_free(&expected);
        test_inputs_free(&in);
    }
}

static void as_chosen(void **state)
{
    as_the_plan_chooses(*state);
}

static pid_t busy[64];
static size_t busy_count;

/* Other processes have all cores. */
static void busy_cores(void **state)
{
    const uint32_t units = clrnn_context_device(*state)->compute_units;
    while (busy_count < COUNT(busy) && busy_count < units) {
        pid_t child = fork();
        if (child == 0) {
            alarm(120); /* should nobody end it */
            for (volatile unsigned spins = 0;; spins++)
                ;
        }
        assert_true(child > 0);
        busy[busy_count++] = child;
    }
    as_the_plan_chooses(*state);
}

/* Whatever came of it. */
static int close_busy(void **state)
{
    for (; busy_count > 0; busy_count--) {
        kill(busy[busy_count - 1], SIGKILL);
        waitpid(busy[busy_count - 1], NULL, 0);
    }
    return test_close(state);
}

/* What one of two threads does: the same pass again and again, which must not change by a bit. */
typedef struct job {
    clrnn_plan *plan;
    clrnn_host_io io; /* of the first pass */
    float *again;     /* y of the others */
    size_t bytes;     /* of y */
    int differences;
} job;

static void *run_job(void *argument)
{
    job *j = argument;
    clrnn_host_io io = {.x = j->io.x, .h0 = j->io.h0, .c0 = j->io.c0, .y = j->io.y};
    for (int i = 0; i < 30; i++) {
        if (clrnn_forward_host(j->plan, &io) != CLRNN_OK ||
            (i && memcmp(j->io.y, j->again, j->bytes) != 0))
            j->differences++;
        io.y = j->again;
    }
    return NULL;
}

/* Two threads, each with a context of its own, so that groups of the one keep those of the other
 * from running. */
static void two_threads(void **state)
{
    void *contexts[2] = {*state, NULL};
    test_host hosts[2];
    job jobs[2];
    pthread_t threads[2];
    test_inputs in = inputs_of(2, 1100);
    free(in.lengths); /* jobs are without */
    in.lengths = NULL;
    test_open_persistent(&contexts[1]);
    clrnn_plan *plan = test_stepwise(*state, &in, CLRNN_F32, false);
    test_outputs expected = test_run(plan, &in);
    clrnn_plan_destroy(&plan);
    for (int i = 0; i < 2; i++) {
        plan = test_persistent(contexts[i], &in, CLRNN_F32, false, NULL);
        hosts[i] = test_host_make(plan, &in);
        jobs[i] = (job){plan, hosts[i].io, NULL, hosts[i].sizes.y * sizeof(float), 0};
        jobs[i].again = calloc(hosts[i].sizes.y, sizeof(float));
        assert_non_null(jobs[i].again);
    }
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, run_job, &jobs[i]), 0);
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    for (int i = 0; i < 2; i++) {
        double *y = test_decode(hosts[i].io.y, hosts[i].sizes.y, CLRNN_F32);
        assert_int_equal(jobs[i].differences, 0);
        assert_memory_equal(y, expected.y, hosts[i].sizes.y * sizeof *y);
        free(y);
        free(jobs[i].again);
        test_host_free(&hosts[i]);
        clrnn_plan_destroy(&jobs[i].plan);
    }
    clrnn_context *other = contexts[1];
    clrnn_context_destroy(&other);
    test_outputs_free(&expected);
    test_inputs_free(&in);
}

static const char *own_path;

/* A device of one thread, on which no two groups are co-resident: the same tests in a process of
 * its own. */
static void one_thread(void **state)
{
    (void)state;
    pid_t child = fork();
    if (child == 0) {
        setenv("POCL_MAX_PTHREAD_COUNT", "1", 1);
        execl(own_path, own_path, "few", (char *)NULL);
        _exit(127);
    }
    int status = -1;
    assert_true(child > 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, test_open_persistent, test_close)

int main(int argc, char **argv)
{
    const struct CMUnitTest few[] = {
        TEST(as_chosen),
        TEST(too_many_groups),
        TEST(too_few_spins),
        TEST(timeout_is_noticed),
    };
    const struct CMUnitTest all[] = {
        TEST(as_chosen),
        TEST(too_many_groups),
        TEST(too_few_spins),
        TEST(blocks_of_steps),
        TEST(timeout_is_noticed),
        TEST(timeout_is_noticed_without_a_wait),
        TEST(timeouts_of_many_passes),
        TEST(failures_leave_nothing_behind),
        cmocka_unit_test_setup_teardown(busy_cores, test_open_persistent, close_busy),
        TEST(two_threads),
        TEST(one_thread),
    };
    own_path = argv[0];
    return argc > 1 ? cmocka_run_group_tests_name("timeout, one thread", few, NULL, NULL)
                    : cmocka_run_group_tests_name("timeout", all, NULL, NULL);
}
