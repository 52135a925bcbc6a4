/* SPDX-License-Identifier: MIT
 * tests/layer/test_in_place.c - host arrays that lie over one another: a state that goes out where
 * it came in, outputs over inputs, in part or as a whole. The same bits as with arrays of their
 * own. */
#include <stdlib.h>
#include <string.h>

#include "layer/device.h"

enum { N = 3 };

/* A network whose x and y have the same size, so that one may lie where the other is. large:
 * several panels of units, and if there is more than one step, several blocks of them. */
static test_inputs inputs_of(size_t form, bool bidirectional, bool one_step, bool large)
{
    clrnn_network_desc desc = test_form(form, large ? 1 : 2, bidirectional);
    const uint32_t steps = one_step ? 1 : large ? 70 : 5;
    if (large) {
        desc.hidden_size = 70;
        desc.proj_size = desc.proj_size ? 37 : 0;
    }
    desc.input_size =
        (desc.proj_size ? desc.proj_size : desc.hidden_size) * (bidirectional ? 2 : 1);
    test_inputs in = test_inputs_random(&desc, steps, N, NULL, 20 + form, large ? 0.1 : 0.8);
    test_inputs_round(&in, CLRNN_F32);
    return in;
}

static void *copy_of(const void *data, size_t count)
{
    float *copy = calloc(2 * count, sizeof *copy); /* and room behind it */
    assert_non_null(copy);
    memcpy(copy, data, count * sizeof *copy);
    return copy;
}

static void assert_bits(const char *what, const void *got, const void *expected, size_t count)
{
    if (memcmp(got, expected, count * sizeof(float)) != 0)
        fail_msg("%s differs from the one with arrays of their own", what);
}

/* y lies `shift` numbers behind the beginning of x. */
static void check_forward(clrnn_plan *plan, const test_host *own, size_t shift)
{
    const test_sizes *s = &own->sizes;
    float *x = copy_of(own->io.x, s->x), *h = copy_of(own->io.h0, s->h);
    float *c = s->c ? copy_of(own->io.c0, s->c) : NULL;
    clrnn_host_io io = {.x = x, .h0 = h, .c0 = c, .y = x + shift, .hn = h, .cn = c};
    assert_int_equal(clrnn_forward_host(plan, &io), CLRNN_OK);
    assert_bits("y", io.y, own->io.y, s->y);
    assert_bits("hn", io.hn, own->io.hn, s->h);
    if (c)
        assert_bits("cn", io.cn, own->io.cn, s->c);
    free(x);
    free(h);
    free(c);
}

static void check_backward(clrnn_plan *plan, const test_host *own)
{
    const test_sizes *s = &own->sizes;
    float *d = copy_of(own->io.dy, s->y), *dh = copy_of(own->io.dhn, s->h);
    float *dc = s->c ? copy_of(own->io.dcn, s->c) : NULL;
    clrnn_host_io io = own->io;
    io.dy = io.dx = d;
    io.dhn = io.dh0 = dh;
    io.dcn = io.dc0 = dc;
    io.dweights = copy_of(own->io.dweights, s->weights);
    assert_int_equal(clrnn_forward_host(plan, &own->io), CLRNN_OK);
    assert_int_equal(clrnn_backward_host(plan, &io), CLRNN_OK);
    assert_bits("dx", io.dx, own->io.dx, s->x);
    assert_bits("dh0", io.dh0, own->io.dh0, s->h);
    if (dc)
        assert_bits("dc0", io.dc0, own->io.dc0, s->c);
    assert_bits("dweights", io.dweights, own->io.dweights, s->weights);
    free(d);
    free(dh);
    free(dc);
    free(io.dweights);
}

static void in_place(void **state)
{
    for (size_t config = test_next_way(*state, 0); config < TEST_CONFIGS;
         config = test_next_way(*state, config + 1))
        for (size_t form = 0; form < TEST_FORMS; form++)
            for (int variant = 0; variant < 8; variant++) {
                test_inputs in = inputs_of(form, variant & 1, !(variant & 2), variant & 4);
                for (int train = 0; train < 2; train++) {
                    const clrnn_plan_desc desc = test_plan_desc(&in, CLRNN_F32, train == 1, config);
                    clrnn_plan *plan = test_plan_make(*state, &desc, &in);
                    test_host own = test_host_make(plan, &in);
                    assert_int_equal(clrnn_forward_host(plan, &own.io), CLRNN_OK);
                    if (train)
                        assert_int_equal(clrnn_backward_host(plan, &own.io), CLRNN_OK);
                    check_forward(plan, &own, 0);
                    check_forward(plan, &own, 1);
                    check_forward(plan, &own, own.sizes.x - 1);
                    check_forward(plan, &own, own.sizes.x);
                    if (train)
                        check_backward(plan, &own);
                    test_host_free(&own);
                    clrnn_plan_destroy(&plan);
                }
                test_inputs_free(&in);
            }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(in_place, test_open, test_close)};
    return cmocka_run_group_tests_name("in place", tests, NULL, NULL);
}
