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
#include "base/memory.h"
#include "base/philox.h"
#include "device/context.h"
#include "layer/plan.h"
#include "layer/strategy.h"
#include "reference/reference.h"
#include "reference/stored.h"

/* The arrays, all in float64; what goes in is rounded to the plan's type: both see the same. */
enum { WEIGHTS, X, H0, C0, DY, DHN, DCN, INPUTS };
enum { Y, HN, CN, FORWARD_OUTPUTS, DX = FORWARD_OUTPUTS, DH0, DC0, DWEIGHTS, OUTPUTS };

typedef struct clr_arrays {
    const clrnn_problem *problem;
    clr_network network;
    size_t in_count[INPUTS], out_count[OUTPUTS];
    double *in[INPUTS];
    double *expected[OUTPUTS], *got[OUTPUTS];
    double *unrounded[FORWARD_OUTPUTS]; /* expected of the weights before they are rounded */
    void *device_in[INPUTS], *device_out[OUTPUTS]; /* of the plan's type */
    uint32_t *lengths;
    uint8_t *mask, *resets; /* [T,N] */
} clr_arrays;

static void free_arrays(clr_arrays *a)
{
    for (int i = 0; i < INPUTS; i++) {
        free(a->in[i]);
        free(a->device_in[i]);
    }
    for (int i = 0; i < OUTPUTS; i++) {
        free(a->expected[i]);
        free(a->got[i]);
        free(a->device_out[i]);
    }
    for (int i = 0; i < FORWARD_OUTPUTS; i++)
        free(a->unrounded[i]);
    free(a->lengths);
    free(a->mask);
    free(a->resets);
}

static void set_counts(clr_arrays *a)
{
    const clr_network *n = &a->network;
    size_t TN = (size_t)a->problem->steps * a->problem->batch;
    size_t states = (size_t)n->layers * n->directions * a->problem->batch;
    size_t h = states * n->state_size, c = n->has_cell_state ? states * n->desc.hidden_size : 0;
    a->in_count[WEIGHTS] = a->out_count[DWEIGHTS] = n->weights;
    a->in_count[X] = a->out_count[DX] = TN * n->desc.input_size;
    a->in_count[DY] = a->out_count[Y] = TN * n->width;
    a->in_count[H0] = a->in_count[DHN] = a->out_count[HN] = a->out_count[DH0] = h;
    a->in_count[C0] = a->in_count[DCN] = a->out_count[CN] = a->out_count[DC0] = c;
}

/* Uniform numbers in +-scale, as the device will see them. */
static bool fill(clr_arrays *a, int i, uint64_t seed, double scale)
{
    bool f64 = a->problem->precision == CLRNN_F64;
    a->in[i] = clr_calloc(a->in_count[i], sizeof(double));
    a->device_in[i] = clr_calloc(a->in_count[i], sizeof(double));
    if (!a->in[i] || !a->device_in[i])
        return false;
    for (size_t k = 0; k < a->in_count[i]; k++) {
        const uint32_t counter[4] = {(uint32_t)k, (uint32_t)(k >> 16 >> 16), (uint32_t)i, 0};
        double number = (clr_uniform(clr_philox(seed, counter).word[0]) * 2 - 1) * scale;
        if (f64)
            ((double *)a->device_in[i])[k] = a->in[i][k] = number;
        else
            a->in[i][k] = ((float *)a->device_in[i])[k] = (float)number;
    }
    return true;
}

/* [T,N], of which so many percent are set. */
static bool make_flags(clr_arrays *a, uint8_t **flags, uint64_t seed, uint32_t which, uint32_t part)
{
    const size_t count = (size_t)a->problem->steps * a->problem->batch;
    *flags = clr_calloc(count, 1);
    for (size_t i = 0; *flags && i < count; i++) {
        const uint32_t counter[4] = {(uint32_t)i, 0, which, 0};
        (*flags)[i] = clr_philox(seed, counter).word[0] % 100 < part;
    }
    return *flags != NULL;
}

static bool make_arrays(clr_arrays *a, uint64_t seed)
{
    /* Weights as PyTorch draws them, so that long sequences neither die nor explode. */
    double weight_scale = 1 / sqrt((double)a->network.desc.hidden_size);
    set_counts(a);
    for (int i = 0; i < INPUTS; i++)
        if (!fill(a, i, seed, i == WEIGHTS ? weight_scale : 1))
            return false;
    for (int i = 0; i < OUTPUTS; i++) {
        a->expected[i] = clr_calloc(a->out_count[i], sizeof(double));
        a->got[i] = clr_calloc(a->out_count[i], sizeof(double));
        a->device_out[i] = clr_calloc(a->out_count[i], sizeof(double));
        if (!a->expected[i] || !a->got[i] || !a->device_out[i])
            return false;
    }
    a->lengths = clr_calloc(a->problem->batch, sizeof *a->lengths);
    for (uint32_t n = 0; a->lengths && n < a->problem->batch; n++) {
        const uint32_t counter[4] = {n, 0, INPUTS, 0};
        a->lengths[n] =
            (uint32_t)(clr_philox(seed, counter).word[0] % (a->problem->steps + UINT64_C(1)));
    }
    return a->lengths && make_flags(a, &a->mask, seed, INPUTS + 1, 70) &&
           make_flags(a, &a->resets, seed, INPUTS + 2, 20);
}

static clrnn_status run_reference(clr_arrays *a, const clrnn_log *log)
{
    const clrnn_problem *p = a->problem;
    bool memory = a->network.has_cell_state;
    clr_reference_io io = {.steps = p->steps,
                           .batch = p->batch,
                           .lengths = p->ragged ? a->lengths : NULL,
                           .mask = p->mask ? a->mask : NULL,
                           .resets = p->resets ? a->resets : NULL,
                           .repeat = p->mask == 2,
                           .drawn = p->train,
                           .weights = a->in[WEIGHTS],
                           .x = a->in[X],
                           .h0 = a->in[H0],
                           .c0 = memory ? a->in[C0] : NULL,
                           .y = a->expected[Y],
                           .hn = a->expected[HN],
                           .cn = memory ? a->expected[CN] : NULL};
    if (!p->train)
        return clr_reference_forward(&p->network, &io, log);
    io.dy = a->in[DY];
    io.dhn = a->in[DHN];
    io.dcn = memory ? a->in[DCN] : NULL;
    io.dx = a->expected[DX];
    io.dh0 = a->expected[DH0];
    io.dc0 = memory ? a->expected[DC0] : NULL;
    io.dweights = a->expected[DWEIGHTS];
    return clr_reference_backward(&p->network, &io, log);
}

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

/* How many of the outputs there are. */
static int outputs_of(const clr_arrays *a)
{
    return a->problem->train ? OUTPUTS : FORWARD_OUTPUTS;
}

/* Fill what comes out, so that what a pass leaves out is seen. */
static void fill_outputs(clr_arrays *a, int byte)
{
    for (int i = 0; i < outputs_of(a); i++)
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
    for (int i = 0; i < outputs_of(a); i++)
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
 * of `most`, the largest that goes in or comes out. */
static double error_of(const double *got, const double *expected, size_t count, double most)
{
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
            keep_worst(error_of(a->got[i], expected[i], a->out_count[i], most), names[i], worst,
                       tensor);
    return most;
}

static void compare_gradients(const clr_arrays *a, double *worst, char tensor[48])
{
    double most = compare_some(a, a->expected, DX, OUTPUTS, DY, INPUTS, worst, tensor);
    clrnn_weight_info w;
    for (size_t i = 0; clrnn_network_weight(&a->problem->network, NULL, i, &w) == CLRNN_OK; i++)
        keep_worst(
            error_of(a->got[DWEIGHTS] + w.offset, a->expected[DWEIGHTS] + w.offset, w.count, most),
            w.name, worst, tensor);
}

static uint64_t digest_of(const clr_arrays *a, int first, int end)
{
    uint64_t digest = CLR_DIGEST_START;
    for (int i = first; i < end; i++)
        digest = clr_digest(digest, a->got[i], a->out_count[i]);
    return digest;
}

/* What is expected of the weights as they are, and of what is kept of them. */
static clrnn_status expect(clr_arrays *a, const clrnn_log *log)
{
    clrnn_status status = run_reference(a, log);
    if (status != CLRNN_OK || a->problem->weights == CLRNN_WEIGHTS_F32)
        return status;
    for (int i = 0; i < FORWARD_OUTPUTS; i++) {
        a->unrounded[i] = clr_calloc(a->out_count[i], sizeof(double));
        if (!a->unrounded[i])
            return clr_fail(log, CLRNN_ERR_MEMORY, "check: out of memory");
        memcpy(a->unrounded[i], a->expected[i], a->out_count[i] * sizeof(double));
    }
    clr_reference_store_weights(a->problem->weights, &a->problem->network, a->in[WEIGHTS]);
    return run_reference(a, log);
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

clrnn_status clr_check_partitions(clrnn_context *context, const clrnn_problem *problem,
                                  uint64_t seed, clrnn_plan *plan,
                                  const struct clr_partition *const *partitions, size_t count,
                                  clrnn_check *check)
{
    clr_arrays a = {.problem = problem};
    clrnn_check c = {0};
    clrnn_status status = clr_network_init(&problem->network, &context->log, &a.network);
    if (status == CLRNN_OK && !make_arrays(&a, seed))
        status = clr_fail(&context->log, CLRNN_ERR_MEMORY, "check: out of memory");
    if (status == CLRNN_OK)
        status = clrnn_plan_set_weights_host(plan, a.device_in[WEIGHTS]);
    if (status == CLRNN_OK)
        status = expect(&a, &context->log);
    clr_check_bounds(problem, &a.network, &c);
    for (size_t i = 0; i < count && status == CLRNN_OK; i++)
        if ((status = run_device(&a, plan, partitions[i], i > 0)) == CLRNN_OK)
            compare(&a, &c);
    force(plan, NULL);
    if (status == CLRNN_OK) {
        c.forward_digest = digest_of(&a, 0, FORWARD_OUTPUTS);
        c.gradient_digest = problem->train ? digest_of(&a, FORWARD_OUTPUTS, OUTPUTS) : 0;
        *check = c;
    }
    free_arrays(&a);
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
