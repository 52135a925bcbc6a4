/* SPDX-License-Identifier: MIT
 * tests/layer/test_many_steps.c - more steps than the persistent strategy scans in one launch. The
 * directions of a network, in step and each over several launches, against the same directions by
 * themselves, scanned upwards: the same bits. */
#include <stdlib.h>
#include <string.h>

#include "layer/partitions.h"

/* [count] numbers of one step each, `steps` of them, the last step first. */
static double *reversed(const double *values, size_t steps, size_t count)
{
    double *out = calloc(steps * count, sizeof *out);
    assert_non_null(out);
    for (size_t t = 0; t < steps; t++)
        memcpy(out + t * count, values + (steps - 1 - t) * count, count * sizeof *out);
    return out;
}

/* The columns of one direction of y or dy [T,2*H]. */
static double *columns_of(const double *both, size_t steps, size_t width, size_t direction)
{
    double *out = calloc(steps * width, sizeof *out);
    assert_non_null(out);
    for (size_t t = 0; t < steps; t++)
        memcpy(out + t * width, both + (2 * t + direction) * width, width * sizeof *out);
    return out;
}

/* One direction of bidirectional inputs with N = 1, as a network of its own; the backward one gets
 * the sequence reversed. */
static test_inputs direction_of(const test_inputs *in, size_t direction)
{
    clrnn_network_desc desc = in->desc;
    desc.bidirectional = false;
    test_inputs one = test_inputs_random(&desc, in->steps, 1, NULL, 1, 1); /* overwritten below */
    test_sizes s = test_sizes_of(&one);
    size_t T = in->steps, H = desc.hidden_size;
    memcpy(one.weights, in->weights + direction * s.weights, s.weights * sizeof(double));
    memcpy(one.h0, in->h0 + direction * s.h, s.h * sizeof(double));
    memcpy(one.dhn, in->dhn + direction * s.h, s.h * sizeof(double));
    free(one.x);
    free(one.dy);
    double *x = reversed(in->x, T, desc.input_size), *dy = columns_of(in->dy, T, H, direction);
    double *dy_back = reversed(dy, T, H);
    if (direction == 0)
        memcpy(x, in->x, s.x * sizeof *x);
    one.x = x;
    one.dy = direction ? dy_back : dy;
    free(direction ? dy : dy_back);
    return one;
}

/* One direction alone has the bits it has beside the other. Inferring it takes two calls; training
 * adds its dx to `dx`. */
static void check_direction(clrnn_context *context, const test_inputs *in, const test_outputs *both,
                            size_t direction, bool train, double *dx)
{
    size_t T = in->steps, H = in->desc.hidden_size, I = in->desc.input_size;
    test_inputs one = direction_of(in, direction);
    clrnn_plan *plan = test_persistent(context, &one, CLRNN_F32, train, NULL);
    double *own = columns_of(both->y, T, H, direction), *back = reversed(own, T, H);
    const double *y = direction ? back : own;
    const size_t calls[] = {train ? T : T / 3, train ? 0 : T - T / 3};
    for (size_t i = 0, t = 0; i < COUNT(calls) && calls[i]; t += calls[i++]) {
        one.steps = (uint32_t)calls[i];
        memmove(one.x, one.x + t * I, calls[i] * I * sizeof *one.x);
        test_outputs part = test_run(plan, &one);
        assert_memory_equal(part.y, y + t * H, calls[i] * H * sizeof *y);
        memcpy(one.h0, part.hn, H * sizeof *y);
        if (train) {
            double *dx_back = reversed(part.dx, T, I);
            assert_memory_equal(part.dh0, both->dh0 + direction * H, H * sizeof *y);
            for (size_t k = 0; k < T * I; k++)
                dx[k] = (double)(float)(dx[k] + (direction ? dx_back : part.dx)[k]);
            free(dx_back);
        }
        test_outputs_free(&part);
    }
    assert_memory_equal(one.h0, both->hn + direction * H, H * sizeof *y);
    free(own);
    free(back);
    clrnn_plan_destroy(&plan);
    test_inputs_free(&one);
}

/* Two directions with more steps than one launch scans. */
static void more_steps_than_a_launch(void **state)
{
    enum { T = (1 << 16) + 9 };
    static const clrnn_network_desc list[] = {
        {.cell = CLRNN_CELL_GRU, .input_size = 2, .hidden_size = 3, .bidirectional = true},
        {.cell = CLRNN_CELL_RNN, .input_size = 1, .hidden_size = 2, .bidirectional = true}};
    for (size_t i = 0; i < COUNT(list); i++)
        for (int train = 0; train < 2; train++) {
            test_inputs in = test_inputs_random(&list[i], T, 1, NULL, 300 + i, 1);
            test_inputs_round(&in, CLRNN_F32);
            test_sizes s = test_sizes_of(&in);
            clrnn_plan *plan = test_persistent(*state, &in, CLRNN_F32, train == 1, NULL);
            test_outputs both = test_run(plan, &in);
            double *dx = calloc(s.x, sizeof *dx);
            assert_non_null(dx);
            for (size_t d = 0; d < 2; d++)
                check_direction(*state, &in, &both, d, train == 1, dx);
            if (train)
                assert_memory_equal(dx, both.dx, s.x * sizeof *dx);
            free(dx);
            clrnn_plan_destroy(&plan);
            test_outputs_free(&both);
            test_inputs_free(&in);
        }
}

/* A budget that has room for one step of a launch, and for a few, in every form, also with layer
 * norm, both directions and with grid barriers: the bits of the stepwise strategy. */
static void launches_of_few_steps(void **state)
{
    static const uint32_t lengths[] = {7, 0, 4};
    static const clr_partition partitions[] = {
        {.row_parts = 1, .unit_parts = 1},
        {.row_parts = 3, .unit_parts = 1},
        {.row_parts = 1, .unit_parts = 2, .most_spins = 1u << 17}};
    for (size_t form = 0; form < TEST_FORMS + CLRNN_CELL_RNN + 1; form++)
        for (int train = 0; train < 2; train++) {
            const bool normed = form >= TEST_FORMS;
            clrnn_network_desc desc = test_sized_form(normed ? 0 : form, 5, 40, 34);
            if (normed)
                desc = (clrnn_network_desc){.cell = (clrnn_cell)(form - TEST_FORMS),
                                            .input_size = 5,
                                            .hidden_size = 40,
                                            .layer_norm = true};
            desc.num_layers = 2;
            desc.bidirectional = true;
            test_inputs in =
                test_inputs_random(&desc, 7, 3, form % 2 ? lengths : NULL, 400 + form, 0.3);
            test_inputs_round(&in, CLRNN_F32);
            clrnn_plan *plan = test_stepwise(*state, &in, CLRNN_F32, train == 1);
            test_outputs expected = test_run(plan, &in);
            clrnn_plan_destroy(&plan);
            for (size_t c = 0; c < COUNT(partitions); c++) {
                plan = test_persistent(*state, &in, CLRNN_F32, train == 1, &partitions[c]);
                const clr_network *n = &plan->network;
                double step = 2.0 * n->gates * 40 * n->state_size * 2 * 3; /* without inputs */
                const double budgets[] = {1, 2.5 * step, 9 * step};
                for (size_t b = 0; b < COUNT(budgets); b++) {
                    clr_scanner_of(plan)->launch_operations = budgets[b];
                    test_run_same(normed ? "layer norm" : test_forms[form].name, plan, &in,
                                  &expected);
                }
                clrnn_plan_destroy(&plan);
            }
            test_outputs_free(&expected);
            test_inputs_free(&in);
        }
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, test_open_persistent, test_close)

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(more_steps_than_a_launch), TEST(launches_of_few_steps)};
    return cmocka_run_group_tests_name("many steps", tests, NULL, NULL);
}
