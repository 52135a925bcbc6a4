/* SPDX-License-Identifier: MIT
 * graph/counted.c - see graph/counted.h. */
#include "graph/counted.h"

#include <stdlib.h>

#include "base/checked.h"
#include "base/memory.h"
#include "device/buffer.h"

/* --- shapes ---------------------------------------------------------------------------------- */

/* Whether time is the first of the mask's axes: as symbols say, else as in x. */
static bool is_time_first(const clr_shape *mask, bool first)
{
    return mask->rank == 1              ? true
           : mask->steps != CLR_NO_AXIS ? mask->steps == 0
           : mask->batch != CLR_NO_AXIS ? mask->batch == 1
                                        : first;
}

static bool suits(const clr_shape *mask, uint32_t rank, uint64_t T, uint64_t N, bool first)
{
    if (mask->rank + 1 != rank)
        return false;
    const int32_t time = is_time_first(mask, first) ? 0 : 1;
    return mask->size[time] == T && (mask->rank == 1 || mask->size[1 - time] == N);
}

clrnn_status clr_counted_check(const clr_infer *infer, uint64_t T, uint64_t N, bool first)
{
    const clr_shape *lengths = infer->in[CLR_COUNTED_LENGTHS], *mask = infer->in[CLR_COUNTED_MASK];
    const clrnn_node_desc *desc = infer->desc;
    if (lengths && (lengths->rank != 1 || lengths->size[0] != N))
        return clr_node_fail(infer->log, desc, CLRNN_ERR_ARGUMENT,
                             "lengths is %s, but must be [N] with the N of x",
                             clr_value_text(lengths).text);
    if (mask && !suits(mask, infer->in[0]->rank, T, N, first))
        return clr_node_fail(infer->log, desc, CLRNN_ERR_ARGUMENT,
                             "mask is %s, but must be T and, if x has it, N of x",
                             clr_value_text(mask).text);
    if (desc->repeat && desc->value != 0)
        return clr_node_fail(infer->log, desc, CLRNN_ERR_ARGUMENT,
                             "repeat and value are both set: steps left out have one of them");
    if ((desc->repeat || desc->value != 0) && !lengths && !mask)
        return clr_node_fail(infer->log, desc, CLRNN_ERR_ARGUMENT,
                             "%s is set, but neither mask nor lengths leave steps out",
                             desc->repeat ? "repeat" : "value");
    return CLRNN_OK;
}

/* --- memory ---------------------------------------------------------------------------------- */

static bool has(const clr_run *run, uint32_t input)
{
    return input < run->node->input_count && run->node->inputs[input] != CLR_NO_VALUE;
}

bool clr_counted_make(const clr_run *run, uint64_t T, uint64_t N, clr_counted *counted)
{
    const clr_size steps = clr_size_mul(clr_size_of(T), N);
    const bool lengths = has(run, CLR_COUNTED_LENGTHS), mask = has(run, CLR_COUNTED_MASK);
    *counted = (clr_counted){.ids = NULL};
    if (steps.overflow)
        return false;
    if (lengths) {
        counted->ids = clr_calloc(N, sizeof *counted->ids);
        counted->lengths = clr_calloc(N, sizeof *counted->lengths);
    }
    if (mask) {
        counted->numbers = clr_calloc(steps.value, clr_tools_real(run->tools));
        counted->mask = clr_calloc(steps.value, sizeof *counted->mask);
    }
    return (!lengths || (counted->ids && counted->lengths)) &&
           (!mask || (counted->numbers && counted->mask));
}

void clr_counted_free(clr_counted *counted)
{
    free(counted->ids);
    free(counted->lengths);
    free(counted->numbers);
    free(counted->mask);
    *counted = (clr_counted){.ids = NULL};
}

/* --- reading --------------------------------------------------------------------------------- */

/* Lengths: bounded by T, and by those of the pass. */
static clrnn_status read_lengths(const clr_run *run, uint32_t T, uint32_t N, const uint32_t *pass,
                                 clr_counted *counted)
{
    const clrnn_slice from = run->x[CLR_COUNTED_LENGTHS];
    clrnn_status status =
        clr_buffer_read(run->tools->context, from.buffer, from.offset * sizeof(cl_int),
                        N * sizeof(cl_int), counted->ids);
    for (uint32_t n = 0; n < N && status == CLRNN_OK; n++) {
        const uint32_t most = pass && pass[n] < T ? pass[n] : T;
        counted->lengths[n] = counted->ids[n] < 0                ? 0
                              : (uint32_t)counted->ids[n] > most ? most
                                                                 : (uint32_t)counted->ids[n];
    }
    return status;
}

/* NaN is a number that is not 0. */
static bool is_set(const clr_run *run, const void *numbers, size_t i)
{
    return run->tools->precision == CLRNN_F64 ? ((const double *)numbers)[i] != 0
                                              : ((const float *)numbers)[i] != 0;
}

static clrnn_status read_mask(const clr_run *run, uint32_t T, uint32_t N, bool first,
                              clr_counted *counted)
{
    const clrnn_slice from = run->x[CLR_COUNTED_MASK];
    const bool time_first = is_time_first(&run->in[CLR_COUNTED_MASK], first);
    const size_t real = clr_tools_real(run->tools), count = (size_t)T * N;
    clrnn_status status = clr_buffer_read(run->tools->context, from.buffer, from.offset * real,
                                          count * real, counted->numbers);
    for (size_t i = 0; i < count && status == CLRNN_OK; i++)
        counted->mask[i] = is_set(run, counted->numbers, time_first ? i : i % N * T + i / N);
    return status;
}

clrnn_status clr_counted_read(const clr_run *run, uint32_t T, uint32_t N, bool first,
                              const uint32_t *pass, clr_counted *counted)
{
    clrnn_status status = counted->lengths ? read_lengths(run, T, N, pass, counted) : CLRNN_OK;
    return status == CLRNN_OK && counted->mask ? read_mask(run, T, N, first, counted) : status;
}
