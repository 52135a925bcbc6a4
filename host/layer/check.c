/* SPDX-License-Identifier: MIT
 * layer/check.c - see layer/check.h: a problem run on the device and in the reference. */
#include "layer/check.h"

#include <clrnn/stream.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "base/log.h"
#include "device/context.h"
#include "layer/check_arrays.h"
#include "layer/plan.h"
#include "layer/strategy.h"

/* The whole sequence in blocks, the last of which may be shorter. */
static clrnn_status run_stream(clr_arrays *a, clrnn_plan *plan)
{
    const clrnn_problem *p = a->problem;
    size_t x_step = (size_t)p->batch * a->network.desc.input_size * plan->real_bytes;
    size_t y_step = (size_t)p->batch * a->network.state_size * plan->real_bytes;
    bool memory = a->network.has_cell_state;
    clrnn_stream *stream = NULL;
    if (p->ragged)
        return clr_fail(&plan->context->log, CLRNN_ERR_ARGUMENT, "check: a stream has no lengths");
    clrnn_status status = clrnn_stream_create(plan, &stream);
    if (status == CLRNN_OK)
        status = clrnn_stream_set_state(stream, a->device_in[H0], memory ? a->device_in[C0] : NULL);
    for (uint32_t t = 0, steps; t < p->steps && status == CLRNN_OK; t += steps) {
        steps = p->steps - t < p->block ? p->steps - t : p->block;
        status = clrnn_stream_process(stream, (char *)a->device_in[X] + t * x_step, steps,
                                      (char *)a->device_out[Y] + t * y_step);
    }
    if (status == CLRNN_OK)
        status =
            clrnn_stream_get_state(stream, a->device_out[HN], memory ? a->device_out[CN] : NULL);
    clrnn_stream_destroy(&stream);
    return status;
}

/* A pass, with its way back. given: with all inputs; else x is what the outputs are filled with. */
static clrnn_status run_pass(clr_arrays *a, clrnn_plan *plan, bool given)
{
    const clrnn_problem *p = a->problem;
    bool memory = a->network.has_cell_state;
    const clrnn_host_io io = {.steps = p->steps,
                              .batch = p->batch,
                              .lengths = p->ragged ? a->lengths : NULL,
                              .mask = p->mask ? a->mask : NULL,
                              .resets = p->resets ? a->resets : NULL,
                              .repeat = p->mask == 2,
                              .x = given ? a->device_in[X] : a->device_out[DX],
                              .h0 = given ? a->device_in[H0] : NULL,
                              .c0 = given && memory ? a->device_in[C0] : NULL,
                              .y = a->device_out[Y],
                              .hn = a->device_out[HN],
                              .cn = memory ? a->device_out[CN] : NULL,
                              .dy = given ? a->device_in[DY] : NULL,
                              .dhn = given ? a->device_in[DHN] : NULL,
                              .dcn = given && memory ? a->device_in[DCN] : NULL,
                              .dx = given ? a->device_out[DX] : NULL,
                              .dh0 = a->device_out[DH0],
                              .dc0 = memory ? a->device_out[DC0] : NULL,
                              .dweights = a->device_out[DWEIGHTS]};
    clrnn_status status = p->block ? run_stream(a, plan) : clrnn_forward_host(plan, &io);
    return status == CLRNN_OK && p->train ? clrnn_backward_host(plan, &io) : status;
}

/* Fill what comes out, so that what a pass leaves out is seen. */
static void fill_outputs(clr_arrays *a, int byte)
{
    for (int i = 0; i < clr_arrays_outputs(a); i++)
        memset(a->device_out[i], byte, a->out_count[i] * sizeof(double));
}

static void force(clrnn_plan *plan, const struct clr_partition *partition)
{
    if (plan->strategy->force)
        plan->strategy->force(plan, partition);
}

/* A pass; `again`: after one that was the same but for the partition, so that there is one of zeros
 * in between: what that left of states and activations must not pass for this one's. */
static clrnn_status run_device(clr_arrays *a, clrnn_plan *plan,
                               const struct clr_partition *partition, bool again)
{
    const bool f64 = a->problem->precision == CLRNN_F64;
    clrnn_status status = CLRNN_OK;
    force(plan, NULL);
    fill_outputs(a, 0);
    if (again)
        status = run_pass(a, plan, false);
    force(plan, partition);
    fill_outputs(a, 0xff); /* NaN */
    if (status == CLRNN_OK)
        status = run_pass(a, plan, true);
    for (int i = 0; i < clr_arrays_outputs(a); i++)
        for (size_t k = 0; k < a->out_count[i]; k++)
            a->got[i][k] =
                f64 ? ((double *)a->device_out[i])[k] : (double)((float *)a->device_out[i])[k];
    return status;
}

/* The largest |number| that is finite. */
static double largest_of(const double *values, size_t count)
{
    double largest = 0;
    for (size_t k = 0; k < count; k++)
        if (isfinite(values[k]))
            largest = fmax(largest, fabs(values[k]));
    return largest;
}

/* Largest |got-expected| over the largest |expected|; infinite where NaN or infinities differ. A
 * few numbers may all happen to be small, differences of large ones: they are held against a part
 * of `most`, the largest that goes in or comes out. moved: clr_arrays_move of these numbers, or
 * NULL; held against that the error is one that rounding of the inputs makes, too. (Some multiple
 * of `most` at most: where the next jump of a slope is near, nothing tells an error from another
 * side.)
 */
static double error_of(const double *got, const double *expected, const double *moved, size_t count,
                       double most)
{
    const double most_moved = 16;
    double worst = 0, largest = largest_of(expected, count);
    for (size_t k = 0; k < count; k++) {
        if (isnan(got[k]) != isnan(expected[k]) || (isfinite(got[k]) != isfinite(expected[k])) ||
            (isinf(expected[k]) && got[k] != expected[k]))
            return INFINITY;
        if (isfinite(expected[k]))
            worst = fmax(worst, fabs(got[k] - expected[k]));
    }
    if (count < 16)
        largest = fmax(largest, most / 4);
    if (moved)
        largest = fmax(largest, fmin(largest_of(moved, count), most_moved * most));
    return worst == 0 ? 0 : worst / (largest > 0 ? largest : 1);
}

static void keep_worst(double error, const char *name, double *worst, char tensor[48])
{
    if (error > *worst || !tensor[0]) {
        *worst = fmax(error, *worst);
        snprintf(tensor, 48, "%s", name);
    }
}

/* The worst of outputs first..end-1, of which inputs in_first..in_end-1 are the kind. Returns the
 * largest number of that kind. */
static double compare_some(const clr_arrays *a, double *const expected[], int first, int end,
                           int in_first, int in_end, double *worst, char tensor[48])
{
    static const char *const names[OUTPUTS] = {"y", "hn", "cn", "dx", "dh0", "dc0", NULL};
    double most = 0;
    for (int i = first; i < end; i++)
        most = fmax(most, largest_of(expected[i], a->out_count[i]));
    for (int i = in_first; i < in_end; i++)
        most = fmax(most, largest_of(a->in[i], a->in_count[i]));
    for (int i = first; i < end && i < DWEIGHTS; i++)
        if (a->out_count[i])
            keep_worst(error_of(a->got[i], expected[i], a->moved[i], a->out_count[i], most),
                       names[i], worst, tensor);
    return most;
}

static void compare_gradients(const clr_arrays *a, double *worst, char tensor[48])
{
    double most = compare_some(a, a->expected, DX, OUTPUTS, DY, INPUTS, worst, tensor);
    const double *moved = a->moved[DWEIGHTS];
    clrnn_weight_info w;
    for (size_t i = 0; clrnn_network_weight(&a->problem->network, NULL, i, &w) == CLRNN_OK; i++)
        keep_worst(error_of(a->got[DWEIGHTS] + w.offset, a->expected[DWEIGHTS] + w.offset,
                            moved ? moved + w.offset : NULL, w.count, most),
                   w.name, worst, tensor);
}

/* (Gradients of steps beyond a sequence's end are sums of zeros, whose sign is a compiler's choice
 * where it takes x + 0 for x.) */
static uint64_t digest_of(const clr_arrays *a, int first, int end)
{
    uint64_t digest = CLR_DIGEST_START;
    for (int i = first; i < end; i++)
        digest = clr_digest_values(digest, a->got[i], a->out_count[i]);
    return digest;
}

/* How far a pass is off both; the worst so far is kept. */
static void compare(const clr_arrays *a, clrnn_check *c)
{
    if (a->problem->weights != CLRNN_WEIGHTS_F32)
        compare_some(a, a->unrounded, Y, FORWARD_OUTPUTS, X, DY, &c->storage_error,
                     c->storage_tensor);
    compare_some(a, a->expected, Y, FORWARD_OUTPUTS, X, DY, &c->forward_error, c->forward_tensor);
    if (a->problem->train)
        compare_gradients(a, &c->gradient_error, c->gradient_tensor);
    c->passed = c->forward_error <= c->forward_bound && c->storage_error <= c->storage_bound &&
                c->gradient_error <= c->gradient_bound;
}

/* What is off by more than its size allows is held against what it is made of. */
static clrnn_status compare_twice(clr_arrays *a, const clrnn_log *log, clrnn_check *c)
{
    const clrnn_check before = *c;
    compare(a, c);
    if (c->passed || a->moved[Y])
        return CLRNN_OK;
    clrnn_status status = clr_arrays_move(a, log);
    *c = before;
    compare(a, c);
    return status;
}

clrnn_status clr_check_partitions(clrnn_context *context, const clrnn_problem *problem,
                                  uint64_t seed, clrnn_plan *plan,
                                  const struct clr_partition *const *partitions, size_t count,
                                  clrnn_check *check)
{
    clr_arrays a = {.problem = problem};
    clrnn_check c = {0};
    clrnn_status status = clr_network_init(&problem->network, &context->log, &a.network);
    if (status == CLRNN_OK && !clr_arrays_make(&a, seed))
        status = clr_fail(&context->log, CLRNN_ERR_MEMORY, "check: out of memory");
    if (status == CLRNN_OK)
        status = clrnn_plan_set_weights_host(plan, a.device_in[WEIGHTS]);
    if (status == CLRNN_OK)
        status = clr_arrays_expect(&a, &context->log);
    clr_check_bounds(problem, &a.network, &c);
    for (size_t i = 0; i < count && status == CLRNN_OK; i++)
        if ((status = run_device(&a, plan, partitions[i], i > 0)) == CLRNN_OK)
            status = compare_twice(&a, &context->log, &c);
    force(plan, NULL);
    if (status == CLRNN_OK) {
        c.forward_digest = digest_of(&a, 0, FORWARD_OUTPUTS);
        c.gradient_digest = problem->train ? digest_of(&a, FORWARD_OUTPUTS, OUTPUTS) : 0;
        *check = c;
    }
    clr_arrays_free(&a);
    return status;
}

clrnn_status clr_check_plan(clrnn_context *context, const clrnn_problem *problem, uint64_t seed,
                            clrnn_plan *plan, clrnn_check *check)
{
    const struct clr_partition *const partitions[] = {NULL};
    return clr_check_partitions(context, problem, seed, plan, partitions, 1, check);
}

clrnn_plan_desc clr_problem_plan(const clrnn_problem *problem)
{
    bool blocks = problem->block && problem->block < problem->steps;
    return (clrnn_plan_desc){.network = problem->network,
                             .max_steps = blocks ? problem->block : problem->steps,
                             .max_batch = problem->batch,
                             .train = problem->train,
                             .precision = problem->precision,
                             .strategy = problem->strategy,
                             .gemm = problem->gemm,
                             .weights = problem->weights,
                             .resets = problem->resets};
}
