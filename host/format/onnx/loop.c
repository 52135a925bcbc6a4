/* SPDX-License-Identifier: MIT
 * format/onnx/loop.c - Loop and Scan, step by step. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "format/onnx/inner.h"
#include "format/onnx/slice.h"

/* --- what steps make -------------------------------------------------------------------------- */

/* Value number k of a list of such as a value of the graph, with a new axis of size 1. */
static clrnn_status as_slice(onnx_node *n, onnx_value *value, uint32_t axis, uint32_t *at)
{
    onnx_node inner = *n;
    onnx_value *in[] = {value};
    inner.in = in;
    inner.inputs = 1;
    clrnn_status status = clr_onnx_number_in(&inner, 0, at);
    return status == CLRNN_OK ? clr_onnx_add_unsqueeze(n, &axis, 1, *at, at) : status;
}

/* All steps' outputs joined along a new axis, into output k of the node. */
static clrnn_status stack(onnx_node *n, uint32_t k, uint32_t axis, bool backwards,
                          onnx_value *steps, size_t stride, size_t count)
{
    uint32_t *parts = clr_calloc(count, sizeof *parts), at = 0;
    clrnn_status status = parts ? CLRNN_OK : clr_onnx_fail(n, CLRNN_ERR_MEMORY, "out of memory");
    for (size_t i = 0; i < count && status == CLRNN_OK; i++)
        status = as_slice(n, &steps[i * stride], axis, &parts[backwards ? count - 1 - i : i]);
    if (status == CLRNN_OK)
        status = clr_onnx_join(n, axis, parts, (uint32_t)count, &at);
    if (status == CLRNN_OK)
        clr_onnx_set_graph(n, k, at, steps[0].type);
    free(parts);
    return status;
}

static onnx_value number_value(double x, onnx_type type)
{
    onnx_value value = {.known = true, .same = true, .type = type, .at = CLR_NO_VALUE};
    onnx_array *a = &value.array[0];
    a->type = type;
    a->data = clr_calloc(1, sizeof *a->data);
    if (a->data)
        a->data[0] = x;
    value.array[1] = *a;
    return value;
}

/* --- Loop and Scan ---------------------------------------------------------------------------- */

#define MOST_STEPS 100000

/* A loop that is being unrolled: `states` values go from step to step, `rows` are collected. */
typedef struct steps {
    const ClrOnnx__Graph *body;
    size_t states, rows, taken, capacity;
    onnx_value *state; /* [states] */
    onnx_value *row;   /* [capacity][rows] */
} steps;

/* What is collected of no steps has no elements. */
static clrnn_status has_rows(onnx_node *n, const steps *s)
{
    return s->rows && !s->taken ? clr_onnx_fail(n, CLRNN_ERR_UNSUPPORTED, "it makes no steps")
                                : CLRNN_OK;
}

static clrnn_status begin_steps(onnx_node *n, steps *s, size_t first)
{
    s->state = clr_onnx_new_values(s->states);
    clrnn_status status = s->state ? CLRNN_OK : clr_onnx_fail(n, CLRNN_ERR_MEMORY, "out of memory");
    for (size_t i = 0; i < s->states && status == CLRNN_OK; i++)
        status = clr_onnx_has(n, (uint32_t)(first + i))
                     ? clr_onnx_copy_value(n, n->in[first + i], "", &s->state[i])
                     : clr_onnx_fail(n, CLRNN_ERR_FORMAT, "a state is missing");
    return status;
}

/* Room for the rows of one more. */
static clrnn_status grow_steps(onnx_node *n, steps *s)
{
    const size_t capacity = s->capacity ? 2 * s->capacity : 16;
    onnx_value *row = NULL;
    if (s->taken < s->capacity)
        return CLRNN_OK;
    if (s->taken >= MOST_STEPS)
        return clr_onnx_fail(n, CLRNN_ERR_UNSUPPORTED, "more than %d steps", MOST_STEPS);
    row = clr_onnx_new_values(s->rows * capacity);
    if (!row)
        return clr_onnx_fail(n, CLRNN_ERR_MEMORY, "out of memory");
    if (s->row)
        memcpy(row, s->row, s->rows * s->capacity * sizeof *row);
    free(s->row);
    s->row = row;
    s->capacity = capacity;
    return CLRNN_OK;
}

static void end_steps(steps *s)
{
    clr_onnx_free_values(s->state, s->states);
    clr_onnx_free_values(s->row, s->rows * s->capacity);
}

/* One step: `in` has room for what comes first, then states, then what comes last. */
static clrnn_status take_step(onnx_node *n, steps *s, onnx_value *in, size_t before, size_t behind,
                              onnx_value *out, size_t first_out)
{
    clrnn_status status = grow_steps(n, s);
    for (size_t i = 0; i < s->states && status == CLRNN_OK; i++) {
        in[before + i] = s->state[i];
        s->state[i] = (onnx_value){.at = CLR_NO_VALUE};
    }
    if (status == CLRNN_OK)
        status = clr_onnx_walk_inner(n, s->body, in, before + s->states + behind, out);
    for (size_t i = 0; i < s->states && status == CLRNN_OK; i++) {
        s->state[i] = out[first_out + i];
        out[first_out + i] = (onnx_value){.at = CLR_NO_VALUE};
    }
    for (size_t i = 0; i < s->rows && status == CLRNN_OK; i++) {
        s->row[s->taken * s->rows + i] = out[first_out + s->states + i];
        out[first_out + s->states + i] = (onnx_value){.at = CLR_NO_VALUE};
    }
    s->taken += status == CLRNN_OK;
    return status;
}

static clrnn_status known_truth(onnx_node *n, const onnx_value *value, bool *truth)
{
    onnx_node inner = *n;
    onnx_value copy = *value, *in[] = {&copy};
    double x = 1;
    inner.in = in;
    inner.inputs = 1;
    clrnn_status status = clr_onnx_need_number(&inner, 0, "condition", 1, &x);
    if (value->tensor && status == CLRNN_OK)
        clr_onnx_array_free(&copy.array[0]);
    *truth = x != 0;
    return status;
}

static clrnn_status run_loop(onnx_node *n, steps *s, double most, bool go)
{
    const size_t inputs = 2 + s->states, outputs = 1 + s->states + s->rows;
    onnx_value *in = clr_onnx_new_values(inputs), *out = clr_onnx_new_values(outputs);
    clrnn_status status =
        in && out ? CLRNN_OK : clr_onnx_fail(n, CLRNN_ERR_MEMORY, "out of memory");
    while (status == CLRNN_OK && go && (double)s->taken < most) {
        in[0] = number_value((double)s->taken, ONNX_INT);
        in[1] = number_value(1, ONNX_BOOL);
        status = take_step(n, s, in, 2, 0, out, 1);
        if (status == CLRNN_OK)
            status = known_truth(n, &out[0], &go);
        if (out[0].known)
            clr_onnx_value_free(&out[0]);
        out[0] = (onnx_value){.at = CLR_NO_VALUE};
    }
    clr_onnx_free_values(in, inputs);
    clr_onnx_free_values(out, outputs);
    return status;
}

static clrnn_status loop_build(onnx_node *n)
{
    double most = INFINITY, go = 1;
    steps s = {.states = n->inputs > 2 ? n->inputs - 2 : 0};
    clrnn_status status = clr_onnx_inner_graph(n, "body", &s.body);
    if (status == CLRNN_OK)
        status = clr_onnx_need_number(n, 0, "count of steps", INFINITY, &most);
    if (status == CLRNN_OK)
        status = clr_onnx_need_number(n, 1, "condition", 1, &go);
    if (status != CLRNN_OK)
        return status;
    if (s.body->n_input != 2 + s.states || s.body->n_output < 1 + s.states ||
        s.body->n_output - 1 != n->outputs)
        return clr_onnx_fail(n, CLRNN_ERR_FORMAT, "its body has other inputs or outputs");
    s.rows = s.body->n_output - 1 - s.states;
    status = begin_steps(n, &s, 2);
    if (status == CLRNN_OK)
        status = run_loop(n, &s, most, go != 0);
    if (status == CLRNN_OK)
        status = has_rows(n, &s);
    for (uint32_t k = 0; k < s.states && status == CLRNN_OK; k++)
        status = clr_onnx_set_alias(n, k, &s.state[k]);
    for (uint32_t k = 0; k < s.rows && status == CLRNN_OK; k++)
        status = stack(n, (uint32_t)s.states + k, 0, false, s.row + k, s.rows, s.taken);
    end_steps(&s);
    return status;
}

/* Which axis and way each of Scan's rows goes. */
typedef struct ways {
    int64_t in_axis[ONNX_MOST_OUT], out_axis[ONNX_MOST_OUT];
    int64_t in_back[ONNX_MOST_OUT], out_back[ONNX_MOST_OUT];
} ways;

static clrnn_status read_ways(onnx_node *n, ways *w)
{
    static const char *const names[] = {"scan_input_axes", "scan_output_axes",
                                        "scan_input_directions", "scan_output_directions"};
    int64_t *const lists[] = {w->in_axis, w->out_axis, w->in_back, w->out_back};
    uint32_t count = 0;
    clrnn_status status = CLRNN_OK;
    memset(w, 0, sizeof *w);
    for (int i = 0; i < 4 && status == CLRNN_OK; i++)
        status = clr_onnx_integers(n, names[i], ONNX_MOST_OUT, lists[i], &count);
    return status;
}

/* Row t of input k. */
static clrnn_status scan_row(onnx_node *n, uint32_t k, uint32_t axis, int64_t t, onnx_value *row)
{
    uint32_t at = 0;
    clrnn_status status = clr_onnx_number_in(n, k, &at);
    if (status == CLRNN_OK)
        status = clr_onnx_cut(n, axis, t, t + 1, 1, at, &at);
    if (status == CLRNN_OK)
        status = clr_onnx_add_squeeze(n, &axis, 1, at, &at);
    *row = (onnx_value){.at = at, .type = n->in[k]->type, .origins = n->in[k]->origins};
    return status;
}

static clrnn_status run_scan(onnx_node *n, steps *s, const ways *w, size_t scanned, uint64_t T)
{
    const size_t inputs = s->states + scanned, outputs = s->states + s->rows;
    onnx_value *in = clr_onnx_new_values(inputs), *out = clr_onnx_new_values(outputs);
    clrnn_status status =
        in && out ? CLRNN_OK : clr_onnx_fail(n, CLRNN_ERR_MEMORY, "out of memory");
    for (uint64_t t = 0; t < T && status == CLRNN_OK; t++) {
        for (uint32_t i = 0; i < scanned && status == CLRNN_OK; i++) {
            const uint32_t k = (uint32_t)s->states + i;
            uint32_t axis = 0, at = 0;
            status = clr_onnx_number_in(n, k, &at);
            if (status == CLRNN_OK)
                status = clr_onnx_axis(n, w->in_axis[i], clr_onnx_shape(n, at)->rank, &axis);
            if (status == CLRNN_OK)
                status = scan_row(n, k, axis, (int64_t)(w->in_back[i] ? T - 1 - t : t), &in[k]);
        }
        if (status == CLRNN_OK)
            status = take_step(n, s, in, 0, scanned, out, 0);
    }
    clr_onnx_free_values(in, inputs);
    clr_onnx_free_values(out, outputs);
    return status;
}

/* As many steps as there are rows. */
static clrnn_status scan_length(onnx_node *n, const ways *w, uint32_t first, uint64_t *T)
{
    uint32_t at = 0, axis = 0;
    clrnn_status status = clr_onnx_number_in(n, first, &at);
    if (status == CLRNN_OK)
        status = clr_onnx_axis(n, w->in_axis[0], clr_onnx_shape(n, at)->rank, &axis);
    if (status != CLRNN_OK)
        return status;
    *T = clr_onnx_size(n, at, axis, 0);
    if (*T != clr_onnx_size(n, at, axis, 1))
        return clr_onnx_fail(n, CLRNN_ERR_NEEDS_SIZE,
                             "as many steps as T or N: give the axes of the model numbers");
    return CLRNN_OK;
}

static clrnn_status scan_build(onnx_node *n)
{
    ways w;
    int64_t scanned = 0;
    uint64_t T = 0;
    steps s = {0};
    clrnn_status status = clr_onnx_inner_graph(n, "body", &s.body);
    if (status == CLRNN_OK && n->m->opset < 9)
        status = clr_onnx_fail(n, CLRNN_ERR_UNSUPPORTED, "in this opset it is another one");
    if (status == CLRNN_OK)
        status = clr_onnx_integer(n, "num_scan_inputs", 0, &scanned);
    if (status == CLRNN_OK)
        status = read_ways(n, &w);
    if (status == CLRNN_OK && (scanned < 1 || scanned > n->inputs || scanned > ONNX_MOST_OUT))
        status = clr_onnx_fail(n, CLRNN_ERR_FORMAT, "num_scan_inputs is %lld", (long long)scanned);
    if (status != CLRNN_OK)
        return status;
    s.states = n->inputs - (size_t)scanned;
    if (s.body->n_input != n->inputs || s.body->n_output != n->outputs ||
        s.body->n_output < s.states)
        return clr_onnx_fail(n, CLRNN_ERR_FORMAT, "its body has other inputs or outputs");
    s.rows = s.body->n_output - s.states;
    status = scan_length(n, &w, (uint32_t)s.states, &T);
    if (status == CLRNN_OK)
        status = begin_steps(n, &s, 0);
    if (status == CLRNN_OK)
        status = run_scan(n, &s, &w, (size_t)scanned, T);
    if (status == CLRNN_OK)
        status = has_rows(n, &s);
    for (uint32_t k = 0; k < s.states && status == CLRNN_OK; k++)
        status = clr_onnx_set_alias(n, k, &s.state[k]);
    for (uint32_t k = 0; k < s.rows && status == CLRNN_OK; k++) {
        onnx_value *rows = s.row + k;
        uint32_t axis = 0;
        status = clr_onnx_axis(n, w.out_axis[k], clr_onnx_rank(n, rows) + 1, &axis);
        if (status == CLRNN_OK)
            status =
                stack(n, (uint32_t)s.states + k, axis, w.out_back[k] != 0, rows, s.rows, s.taken);
    }
    end_steps(&s);
    return status;
}

const onnx_op clr_onnx_ops_loop[] = {{"Loop", 0, 65536, ONNX_MOST_OUT, NULL, loop_build, true},
                                     {"Scan", 0, 65536, ONNX_MOST_OUT, NULL, scan_build, true},
                                     {0}};
