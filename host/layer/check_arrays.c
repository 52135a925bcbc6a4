/* SPDX-License-Identifier: MIT
 * layer/check_arrays.c - see layer/check_arrays.h. */
#include "layer/check_arrays.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "base/philox.h"
#include "reference/reference.h"
#include "reference/stored.h"

void clr_arrays_free(clr_arrays *a)
{
    for (int i = 0; i < INPUTS; i++) {
        free(a->in[i]);
        free(a->device_in[i]);
    }
    for (int i = 0; i < OUTPUTS; i++) {
        free(a->expected[i]);
        free(a->got[i]);
        free(a->moved[i]);
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

bool clr_arrays_make(clr_arrays *a, uint64_t seed)
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

int clr_arrays_outputs(const clr_arrays *a)
{
    return a->problem->train ? OUTPUTS : FORWARD_OUTPUTS;
}

clrnn_status clr_arrays_expect(clr_arrays *a, const clrnn_log *log)
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

/* --- how well the outputs are determined ----------------------------------------------------- */

/* u of the type that a device computes in; of double so much more that the reference's own rounding
 * does not count. */
static double unit_of(const clr_arrays *a)
{
    return a->problem->precision == CLRNN_F64 ? 0x1p-40 : 0x1p-24;
}

/* to = from, each number times 1 + u r with a random r in +-1. */
static void stir(const clr_arrays *a, int i, uint32_t round, double *to)
{
    for (size_t k = 0; k < a->in_count[i]; k++) {
        const uint32_t counter[4] = {(uint32_t)k, (uint32_t)(k >> 16 >> 16), (uint32_t)i, round};
        const double r = clr_uniform(clr_philox(1, counter).word[0]) * 2 - 1;
        to[k] = a->in[i][k] * (1 + unit_of(a) * r);
    }
}

/* other: arrays of its own for what goes in and for what is expected, all else as in a. */
static clrnn_status move_once(clr_arrays *a, clr_arrays *other, uint32_t round,
                              const clrnn_log *log)
{
    for (int i = 0; i < INPUTS; i++)
        stir(a, i, round, other->in[i]);
    clrnn_status status = run_reference(other, log);
    for (int i = 0; i < clr_arrays_outputs(a) && status == CLRNN_OK; i++)
        for (size_t k = 0; k < a->out_count[i]; k++)
            a->moved[i][k] =
                fmax(a->moved[i][k], fabs(other->expected[i][k] - a->expected[i][k]) / unit_of(a));
    return status;
}

clrnn_status clr_arrays_move(clr_arrays *a, const clrnn_log *log)
{
    enum { rounds = 4 };
    clr_arrays other = *a;
    bool made = true;
    for (int i = 0; i < INPUTS; i++)
        made = (other.in[i] = clr_calloc(a->in_count[i], sizeof(double))) && made;
    for (int i = 0; i < OUTPUTS; i++) {
        made = (other.expected[i] = clr_calloc(a->out_count[i], sizeof(double))) && made;
        made = (a->moved[i] = clr_calloc(a->out_count[i], sizeof(double))) && made;
    }
    clrnn_status status = made ? CLRNN_OK : clr_fail(log, CLRNN_ERR_MEMORY, "check: out of memory");
    for (uint32_t round = 0; round < rounds && status == CLRNN_OK; round++)
        status = move_once(a, &other, round, log);
    for (int i = 0; i < INPUTS; i++)
        free(other.in[i]);
    for (int i = 0; i < OUTPUTS; i++)
        free(other.expected[i]);
    return status;
}
