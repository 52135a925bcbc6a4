/* SPDX-License-Identifier: MIT
 * tests/layer/partitions.c - see tests/layer/partitions.h. */
#include "layer/partitions.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "device/buffer.h"

int test_open_persistent(void **state)
{
    int result = test_open(state);
    if (!test_has_way(*state, PERSISTENT)) {
        printf("no CPU device: skipped\n");
        test_close(state);
        exit(77);
    }
    return result;
}

static void same(const char *what, const char *tensor, const double *a, const double *b,
                 size_t count)
{
    if (!a != !b)
        fail_msg("%s: only one side has %s", what, tensor);
    for (size_t i = 0; a && i < count; i++)
        if (memcmp(&a[i], &b[i], sizeof *a) != 0 && !(isnan(a[i]) && isnan(b[i])))
            fail_msg("%s: %s[%zu] is %.17g, should be %.17g", what, tensor, i, a[i], b[i]);
}

void test_same_bits(const char *what, const test_inputs *in, const test_outputs *a,
                    const test_outputs *b)
{
    test_sizes s = test_sizes_of(in);
    same(what, "y", a->y, b->y, s.y);
    same(what, "hn", a->hn, b->hn, s.h);
    same(what, "cn", a->cn, b->cn, s.c);
    same(what, "dx", a->dx, b->dx, s.x);
    same(what, "dh0", a->dh0, b->dh0, s.h);
    same(what, "dc0", a->dc0, b->dc0, s.c);
    same(what, "dweights", a->dweights, b->dweights, s.weights);
}

clrnn_plan *test_stepwise(clrnn_context *context, const test_inputs *in, clrnn_precision precision,
                          bool train)
{
    const clrnn_plan_desc desc = test_plan_desc(in, precision, train, STEPWISE_PACKED);
    return test_plan_make(context, &desc, in);
}

clrnn_plan *test_persistent(clrnn_context *context, const test_inputs *in,
                            clrnn_precision precision, bool train, const clr_partition *cut)
{
    const clrnn_plan_desc desc = test_plan_desc(in, precision, train, PERSISTENT);
    clrnn_plan *plan = test_plan_make(context, &desc, in);
    assert_string_equal(clrnn_plan_get_info(plan)->strategy, "persistent");
    test_force(plan, cut);
    return plan;
}

void test_force(clrnn_plan *plan, const clr_partition *cut)
{
    if (plan->strategy->force)
        plan->strategy->force(plan, cut);
}

const clr_partition *test_forced(const clrnn_plan *plan)
{
    return plan->strategy->force ? clr_scanner_of(plan)->forced : NULL;
}

/* Other numbers through the plan, so that nothing of an equal pass before can pass for a result. */
static void disturb(clrnn_plan *plan, const test_inputs *in)
{
    const clr_partition *cut = test_forced(plan);
    test_sizes s = test_sizes_of(in);
    test_inputs other = *in;
    other.x = test_random(s.x, 1, 0.5);
    other.dy = test_random(s.y, 2, 0.5);
    other.h0 = test_random(s.h, 3, 0.5);
    test_force(plan, NULL);
    test_outputs ignored = test_run(plan, &other);
    test_force(plan, cut);
    test_outputs_free(&ignored);
    free(other.x);
    free(other.dy);
    free(other.h0);
}

void test_run_same(const char *what, clrnn_plan *plan, const test_inputs *in,
                   const test_outputs *expected)
{
    char text[256];
    const clr_partition *cut = test_forced(plan);
    disturb(plan, in);
    test_outputs got = test_run(plan, in);
    snprintf(text, sizeof text,
             "%s %s, I %u H %u R %u L %u D %u, T %u N %u%s, cut %u x %u, %u spins", what,
             test_precision_name(plan->desc.precision), in->desc.input_size, in->desc.hidden_size,
             plan->network.state_size, plan->network.layers, plan->network.directions, in->steps,
             in->batch, in->lengths ? " ragged" : "", cut ? cut->row_parts : 0,
             cut ? cut->unit_parts : 0, cut ? cut->most_spins : 0);
    test_same_bits(text, in, &got, expected);
    test_outputs_free(&got);
}

clrnn_network_desc test_sized_form(size_t form, uint32_t inputs, uint32_t hidden,
                                   uint32_t projected)
{
    clrnn_network_desc desc = test_forms[form].desc;
    desc.input_size = inputs;
    desc.hidden_size = hidden;
    if (desc.proj_size)
        desc.proj_size = projected < hidden ? projected : hidden - 1;
    return desc;
}

uint32_t test_fallbacks(clrnn_plan *plan)
{
    static cl_int sync[SYNC_INTS];
    assert_int_equal(
        clr_buffer_read(plan->context, clr_scanner_of(plan)->kernels.sync, 0, sizeof sync, sync),
        CLRNN_OK);
    for (size_t i = 0; i < COUNT(sync); i++)
        if (i != SYNC_FALLBACKS && (i < SYNC_DONE || i >= SYNC_CLAIMS) && sync[i] != 0)
            fail_msg("int %zu of the array where groups wait is %d after a pass", i, sync[i]);
    assert_int_equal(sync[SYNC_FALLBACKS], *clr_scanner_of(plan)->kernels.fallbacks);
    return (uint32_t)sync[SYNC_FALLBACKS];
}
