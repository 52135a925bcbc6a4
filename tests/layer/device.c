/* SPDX-License-Identifier: MIT
 * tests/layer/device.c - see tests/layer/device.h. */
#include "layer/device.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "device/program.h"
#include "layer/plan.h"

const test_config test_configs[TEST_CONFIGS] = {
    {"stepwise clblast", CLRNN_STRATEGY_STEPWISE, CLRNN_GEMM_CLBLAST},
    {"stepwise packed", CLRNN_STRATEGY_STEPWISE, CLRNN_GEMM_PACKED},
    {"resident packed", CLRNN_STRATEGY_RESIDENT, CLRNN_GEMM_PACKED},
    {"persistent packed", CLRNN_STRATEGY_PERSISTENT, CLRNN_GEMM_PACKED},
};

bool test_has_way(clrnn_context *context, size_t config)
{
    const test_config *w = &test_configs[config];
    return (w->gemm != CLRNN_GEMM_CLBLAST || test_has(context, TEST_CLBLAST)) &&
           (w->strategy != CLRNN_STRATEGY_RESIDENT || test_has(context, TEST_RESIDENT)) &&
           (w->strategy != CLRNN_STRATEGY_PERSISTENT || test_has(context, TEST_PERSISTENT));
}

size_t test_next_way(clrnn_context *context, size_t config)
{
    while (config < TEST_CONFIGS && !test_has_way(context, config))
        config++;
    return config;
}

size_t test_config_count(clrnn_context *context)
{
    size_t count = 0;
    for (size_t config = 0; config < TEST_CONFIGS; config++)
        count += test_has_way(context, config);
    return count;
}

size_t test_nth_way(clrnn_context *context, size_t n)
{
    size_t config = test_next_way(context, 0);
    for (n %= test_config_count(context); n > 0; n--)
        config = test_next_way(context, config + 1);
    return config;
}

size_t test_last_way(clrnn_context *context)
{
    return test_nth_way(context, test_config_count(context) - 1);
}

int test_precisions(clrnn_context *context)
{
    return clrnn_context_device(context)->fp64 ? 2 : 1;
}

bool test_varies(clrnn_context *context, size_t form)
{
    return !clr_compiles(context) || test_is_usual(&test_forms[form].desc);
}

size_t test_varied_forms(clrnn_context *context)
{
    size_t count = 0;
    for (size_t form = 0; form < TEST_FORMS; form++)
        count += test_varies(context, form);
    return count;
}

const char *test_precision_name(clrnn_precision precision)
{
    return precision == CLRNN_F64 ? "f64" : "f32";
}

void *test_encode(const double *values, size_t count, clrnn_precision precision)
{
    if (!values)
        return NULL;
    void *encoded = calloc(count + 1, sizeof(double));
    assert_non_null(encoded);
    for (size_t i = 0; i < count; i++)
        if (precision == CLRNN_F64)
            ((double *)encoded)[i] = values[i];
        else
            ((float *)encoded)[i] = (float)values[i];
    return encoded;
}

double *test_decode(const void *values, size_t count, clrnn_precision precision)
{
    if (!values)
        return NULL;
    double *decoded = calloc(count + 1, sizeof *decoded);
    assert_non_null(decoded);
    for (size_t i = 0; i < count; i++)
        decoded[i] = precision == CLRNN_F64 ? ((const double *)values)[i]
                                            : (double)((const float *)values)[i];
    return decoded;
}

void test_inputs_round(test_inputs *in, clrnn_precision precision)
{
    test_sizes s = test_sizes_of(in);
    const struct {
        double *values;
        size_t count;
    } all[] = {{in->weights, s.weights}, {in->x, s.x}, {in->h0, s.h}, {in->dhn, s.h}, {in->c0, s.c},
               {in->dcn, s.c},           {in->dy, s.y}};
    for (size_t i = 0; i < COUNT(all) && precision == CLRNN_F32; i++)
        for (size_t k = 0; k < all[i].count; k++)
            all[i].values[k] = (double)(float)all[i].values[k];
}

clrnn_plan_desc test_plan_desc(const test_inputs *in, clrnn_precision precision, bool train,
                               size_t config)
{
    return (clrnn_plan_desc){.network = in->desc,
                             .max_steps = in->steps,
                             .max_batch = in->batch,
                             .train = train,
                             .precision = precision,
                             .strategy = test_configs[config].strategy,
                             .gemm = test_configs[config].gemm};
}

clrnn_plan *test_plan_make(clrnn_context *context, const clrnn_plan_desc *desc,
                           const test_inputs *in)
{
    clrnn_plan *plan = NULL;
    if (clrnn_plan_create(context, desc, &plan) != CLRNN_OK)
        fail_msg("no plan: %s", test_last_error);
    test_plan_weights(plan, in);
    return plan;
}

void test_plan_weights(clrnn_plan *plan, const test_inputs *in)
{
    void *weights = test_encode(in->weights, test_sizes_of(in).weights, plan->desc.precision);
    assert_int_equal(clrnn_plan_set_weights_host(plan, weights), CLRNN_OK);
    free(weights);
}

/* Room for an output; what a pass leaves out stays NaN. */
static void *room(size_t count, clrnn_precision precision)
{
    size_t bytes = (count + 1) * (precision == CLRNN_F64 ? sizeof(double) : sizeof(float));
    void *array = malloc(bytes);
    assert_non_null(array);
    return memset(array, 0xff, bytes);
}

test_host test_host_make(const clrnn_plan *plan, const test_inputs *in)
{
    clrnn_precision p = plan->desc.precision;
    test_sizes s = test_sizes_of(in);
    test_host host = {.precision = p, .sizes = s};
    host.io = (clrnn_host_io){.steps = in->steps,
                              .batch = in->batch,
                              .lengths = in->lengths,
                              .mask = in->mask,
                              .resets = in->resets,
                              .repeat = in->repeat,
                              .x = test_encode(in->x, s.x, p),
                              .h0 = test_encode(in->h0, s.h, p),
                              .c0 = test_encode(in->c0, s.c, p),
                              .y = room(s.y, p),
                              .hn = room(s.h, p),
                              .cn = s.c ? room(s.c, p) : NULL,
                              .dropout_seed = TEST_DROPOUT_SEED,
                              .dropout_index = TEST_DROPOUT_INDEX};
    if (plan->desc.train) {
        host.io.dy = test_encode(in->dy, s.y, p);
        host.io.dhn = test_encode(in->dhn, s.h, p);
        host.io.dcn = test_encode(in->dcn, s.c, p);
        host.io.dx = room(s.x, p);
        host.io.dh0 = room(s.h, p);
        host.io.dc0 = s.c ? room(s.c, p) : NULL;
        host.io.dweights = room(s.weights, p);
    }
    return host;
}

void test_host_free(test_host *host)
{
    clrnn_host_io *io = &host->io;
    const void *const in[] = {io->x, io->h0, io->c0, io->dy, io->dhn, io->dcn};
    void *const out[] = {io->y, io->hn, io->cn, io->dx, io->dh0, io->dc0, io->dweights};
    for (size_t i = 0; i < COUNT(in); i++)
        free((void *)(uintptr_t)in[i]);
    for (size_t i = 0; i < COUNT(out); i++)
        free(out[i]);
    *host = (test_host){0};
}

test_outputs test_host_outputs(const test_host *host)
{
    const clrnn_host_io *io = &host->io;
    const test_sizes *s = &host->sizes;
    clrnn_precision p = host->precision;
    return (test_outputs){.y = test_decode(io->y, s->y, p),
                          .hn = test_decode(io->hn, s->h, p),
                          .cn = test_decode(io->cn, s->c, p),
                          .dx = test_decode(io->dx, s->x, p),
                          .dh0 = test_decode(io->dh0, s->h, p),
                          .dc0 = test_decode(io->dc0, s->c, p),
                          .dweights = test_decode(io->dweights, s->weights, p)};
}

test_outputs test_run(clrnn_plan *plan, const test_inputs *in)
{
    test_host host = test_host_make(plan, in);
    assert_int_equal(clrnn_forward_host(plan, &host.io), CLRNN_OK);
    if (plan->desc.train)
        assert_int_equal(clrnn_backward_host(plan, &host.io), CLRNN_OK);
    test_outputs out = test_host_outputs(&host);
    test_host_free(&host);
    return out;
}

test_outputs test_reference_dropout(const test_inputs *in, float dropout, bool variational)
{
    test_outputs out = test_outputs_make(in);
    clr_reference_io io = test_reference_io(in, &out);
    io.dropout = dropout;
    io.variational = variational;
    io.dropout_seed = TEST_DROPOUT_SEED;
    io.dropout_index = TEST_DROPOUT_INDEX;
    assert_int_equal(clr_reference_backward(&in->desc, &io, &test_log), CLRNN_OK);
    return out;
}

double test_compare(const char *what, const test_inputs *in, const test_outputs *got,
                    const test_outputs *expected, double forward, double gradient)
{
    char tensor[64];
    const test_outputs y = {.y = got->y, .hn = got->hn, .cn = got->cn};
    const test_outputs d = {
        .dx = got->dx, .dh0 = got->dh0, .dc0 = got->dc0, .dweights = got->dweights};
    double error = test_outputs_error(in, &y, expected, tensor);
    if (!(error <= forward))
        fail_msg("%s: %s is off by %.3g, bound %.3g", what, tensor, error, forward);
    double worst = error;
    error = test_outputs_error(in, &d, expected, tensor);
    if (!(error <= gradient))
        fail_msg("%s: %s is off by %.3g, bound %.3g", what, tensor, error, gradient);
    return fmax(worst, error);
}
