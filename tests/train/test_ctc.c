/* SPDX-License-Identifier: MIT
 * tests/train/test_ctc.c - label sequences: the float64 reference against PyTorch's numbers, all
 * paths and central differences; the kernels against the reference; decoding against all labels. */
#include "kinds.h"

#include <clrnn/ctc.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ctc_pytorch.h"
#include "device/buffer.h"
#include "device/context.h"
#include "math/ctc.h"
#include "reference/ctc.h"
#include "train/decode.h"

/* --- the reference -------------------------------------------------------------------------- */

static void reference_is_pytorch(void **state)
{
    double loss, dx[TORCH_T * TORCH_O];
    (void)state;
    for (size_t n = 0; n < TORCH_N; n++) {
        assert_int_equal(clr_reference_ctc(torch_x + n * TORCH_O, TORCH_N * TORCH_O,
                                           torch_lengths[n], TORCH_O, torch_labels[n],
                                           torch_counts[n], &loss, dx),
                         CLRNN_OK);
        assert_true(fabs(loss - torch_loss[n]) < 1e-12 * torch_loss[n]);
        for (size_t t = 0; t < torch_lengths[n]; t++)
            for (size_t k = 0; k < TORCH_O; k++)
                assert_true(fabs(dx[t * TORCH_O + k] - torch_dx[(t * TORCH_N + n) * TORCH_O + k]) <
                            1e-13);
    }
}

/* The labels that a path stands for: equal neighbours are one, blanks none. */
static uint32_t collapse(const uint32_t *path, uint32_t T, int32_t *labels)
{
    uint32_t count = 0;
    for (uint32_t t = 0; t < T; t++)
        if (path[t] && (t == 0 || path[t] != path[t - 1]))
            labels[count++] = (int32_t)path[t];
    return count;
}

enum { FEW = 5, KINDS_OF = 3, PATHS = 243 }; /* T, O and O^T */

/* log p of each path number; its labels. */
static double path_of(const double *log_y, uint32_t number, int32_t *labels, uint32_t *count)
{
    uint32_t path[FEW];
    double p = 0;
    for (uint32_t t = 0; t < FEW; t++, number /= KINDS_OF) {
        path[t] = number % KINDS_OF;
        p += log_y[t * KINDS_OF + path[t]];
    }
    *count = collapse(path, FEW, labels);
    return p;
}

static void log_softmax(double *x, size_t rows, size_t O)
{
    for (size_t row = 0; row < rows; row++, x += O) {
        double sum = 0;
        for (size_t k = 0; k < O; k++)
            sum += exp(x[k]);
        for (size_t k = 0; k < O; k++)
            x[k] -= log(sum);
    }
}

/* p of labels is the sum over all paths that stand for them, and the likeliest labels are those
 * that a search finds which leaves nothing out. */
static void all_paths(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 20; seed++) {
        double *x = test_random(FEW * KINDS_OF, seed, 2), best = 0, log_p = 0, loss;
        int32_t labels[FEW], other[FEW], most[FEW] = {0}, told[FEW];
        uint32_t count, other_count, most_count = 0, told_count;
        log_softmax(x, FEW, KINDS_OF);
        for (uint32_t i = 0; i < PATHS; i++) {
            double p = 0;
            (void)path_of(x, i, labels, &count);
            for (uint32_t j = 0; j < PATHS; j++) {
                const double q = path_of(x, j, other, &other_count);
                if (count == other_count && !memcmp(labels, other, count * sizeof *labels))
                    p += exp(q);
            }
            assert_int_equal(
                clr_reference_ctc(x, KINDS_OF, FEW, KINDS_OF, labels, count, &loss, NULL),
                CLRNN_OK);
            assert_true(fabs(exp(-loss) - p) < 1e-12);
            if (p > best) {
                best = p;
                most_count = count;
                memcpy(most, labels, sizeof most);
            }
        }
        assert_int_equal(clrnn_ctc_decode(x, FEW, KINDS_OF, 1000, told, &told_count, &log_p),
                         CLRNN_OK);
        assert_int_equal(told_count, most_count);
        assert_memory_equal(told, most, told_count * sizeof *told);
        assert_true(fabs(exp(log_p) - best) < 1e-12);
        free(x);
    }
}

static void best_path(void **state)
{
    /* 1 1 blank 1 2 2 blank: 1 1 2 */
    static const uint32_t steps[] = {1, 1, 0, 1, 2, 2, 0};
    double y[7 * 3], p;
    int32_t labels[7];
    uint32_t count;
    (void)state;
    for (size_t t = 0; t < 7; t++)
        for (uint32_t k = 0; k < 3; k++)
            y[t * 3 + k] = log(k == steps[t] ? 0.8 : 0.1);
    for (uint32_t beam = 0; beam < 3; beam++) {
        assert_int_equal(clrnn_ctc_decode(y, 7, 3, beam, labels, &count, &p), CLRNN_OK);
        assert_int_equal(count, 3);
        assert_true(labels[0] == 1 && labels[1] == 1 && labels[2] == 2);
        assert_true(beam || fabs(p - 7 * log(0.8)) < 1e-12);
    }
    y[4] = NAN;
    assert_int_equal(clrnn_ctc_decode(y, 7, 3, 0, labels, &count, &p), CLRNN_ERR_ARGUMENT);
    assert_int_equal(count, 0);
    assert_int_equal(clrnn_ctc_decode(y, 7, 1, 0, labels, &count, &p), CLRNN_ERR_ARGUMENT);
    assert_int_equal(clrnn_ctc_decode(NULL, 7, 3, 0, labels, &count, &p), CLRNN_ERR_ARGUMENT);
}

static void edits(void **state)
{
    static const int32_t kitten[] = {11, 9, 20, 20, 5, 14}, sitting[] = {19, 9, 20, 20, 9, 14, 7};
    uint32_t row[8];
    (void)state;
    assert_int_equal(clr_edit_distance(kitten, 6, sitting, 7, row), 3);
    assert_int_equal(clr_edit_distance(kitten, 0, sitting, 7, row), 7);
    assert_int_equal(clr_edit_distance(kitten, 6, sitting, 0, row), 6);
    assert_int_equal(clr_edit_distance(kitten, 6, kitten, 6, row), 0);
}

/* --- the kernels ---------------------------------------------------------------------------- */

typedef struct problem {
    size_t T, N, O, S;
    double size; /* of the logits */
} problem;

/* Labels of sequence n of a problem: as many as fit, with equal ones side by side. */
static size_t labels_of(const problem *p, size_t n, size_t steps, int32_t *labels)
{
    size_t count = 0, needed = 0;
    for (size_t j = 0; j < p->S; j++) {
        const int32_t label = (int32_t)(1 + (j * (n + 2) / 3 + n) % (p->O - 1));
        needed += 1 + (j && label == labels[j - 1]);
        if (needed > steps)
            break;
        labels[count++] = label;
    }
    return n % 5 == 4 ? 0 : count;
}

/* One path as host and kernel agree on it. */
static void put_path(int32_t *path, size_t steps, const int32_t *labels, size_t count)
{
    path[0] = (int32_t)steps;
    path[1] = (int32_t)count;
    for (size_t j = 0; j < count; j++) {
        path[2 + 3 * j] = labels[j];
        path[3 + 3 * j] = -1;
        path[4 + 3 * j] = 1;
        for (size_t k = j; k-- > 0 && path[4 + 3 * j];)
            if (labels[k] == labels[j]) {
                path[3 + 3 * k] = (int32_t)j;
                path[4 + 3 * j] = 0;
            }
    }
}

/* What both precisions and group sizes must give: losses [T,N], dx [T,N,O], and paths. */
static void expect(const problem *p, const double *x, double scale, double *losses, double *dx,
                   int32_t *paths)
{
    double *one = calloc(p->T * p->O, sizeof *one);
    int32_t *labels = calloc(p->S + 1, sizeof *labels);
    assert_true(one && labels);
    for (size_t n = 0; n < p->N; n++) {
        const size_t steps = n % 3 == 2 ? n % 2 ? p->T / 2 : 0 : p->T;
        const size_t count = labels_of(p, n, steps, labels);
        put_path(paths + n * clr_ctc_path_size(p->S), steps, labels, count);
        if (steps == 0)
            continue;
        assert_int_equal(clr_reference_ctc(x + n * p->O, p->N * p->O, steps, p->O, labels, count,
                                           &losses[n], one),
                         CLRNN_OK);
        for (size_t t = 0; t < steps; t++)
            for (size_t k = 0; k < p->O; k++)
                dx[(t * p->N + n) * p->O + k] = one[t * p->O + k] * scale;
    }
    free(one);
    free(labels);
}

static void compare(const double *got, const double *wanted, size_t count, double absolute,
                    double relative, const char *what)
{
    for (size_t i = 0; i < count; i++)
        if (!(fabs(got[i] - wanted[i]) <= absolute + relative * fabs(wanted[i])))
            fail_msg("%s[%zu] is %.17g, not %.17g", what, i, got[i], wanted[i]);
}

static void check_problem(clr_ctc *ctc, const problem *p)
{
    clrnn_context *context = ctc->context;
    const size_t rows = p->T * p->N, count = rows * p->O;
    const double u = unit(ctc->precision), scale = array_round(ctc->precision, 0.37);
    double *x = test_random(count, 5 + p->T, p->size);
    double *losses = calloc(rows, sizeof *losses), *dx = calloc(count, sizeof *dx);
    const size_t path_count = p->N * clr_ctc_path_size(p->S);
    int32_t *paths = calloc(path_count, sizeof *paths);
    assert_true(losses && dx && paths);
    for (size_t i = 0; i < count; i++)
        x[i] = array_round(ctc->precision, x[i]);
    expect(p, x, scale, losses, dx, paths);
    array logits = array_make(context, ctc->precision, x, count);
    cl_mem device_paths = NULL;
    assert_int_equal(clr_buffer_create(context, path_count * sizeof *paths, &device_paths),
                     CLRNN_OK);
    assert_int_equal(clr_buffer_write(context, device_paths, 0, path_count * sizeof *paths, paths),
                     CLRNN_OK);
    for (int gradient = 0; gradient < 2; gradient++) {
        array l = array_make(context, ctc->precision, NULL, rows);
        array d = array_make(context, ctc->precision, NULL, count);
        assert_int_equal(clr_ctc_run(ctc, logits.buffer, device_paths, p->T, p->N, p->O, p->S,
                                     scale, l.buffer, gradient ? d.buffer : NULL),
                         CLRNN_OK);
        double *got_l = array_read(&l), *got_d = array_read(&d);
        /* a step adds up to three logarithms of about the size of the logits */
        compare(got_l, losses, rows, 16 * u, 8 * u * (1 + p->size), "loss");
        if (gradient)
            compare(got_d, dx, count, (16 + 4 * p->size) * u * (double)p->T, 0, "dx");
        free(got_l);
        free(got_d);
        array_free(&l);
        array_free(&d);
    }
    clr_buffer_destroy(&device_paths);
    array_free(&logits);
    free(x);
    free(losses);
    free(dx);
    free(paths);
}

static void kernels(void **state)
{
    static const problem problems[] = {{1, 1, 2, 1, 2},   {2, 3, 3, 1, 2},    {7, 6, 3, 3, 4},
                                       {17, 5, 65, 6, 2}, {60, 4, 9, 20, 3},  {300, 2, 30, 70, 8},
                                       {40, 3, 5, 0, 2},  {33, 3, 4, 33, 40}, {9, 500, 6, 3, 3}};
    clrnn_context *context = *state;
    for (int p = 0; p < precisions(context); p++)
        for (int gpu = 0; gpu < (test_has(context, TEST_COMPILER) ? 2 : 1); gpu++) {
            clr_ctc ctc;
            context->info.type = gpu ? CL_DEVICE_TYPE_GPU : CL_DEVICE_TYPE_CPU;
            assert_int_equal(clr_ctc_init(context, (clrnn_precision)p, &ctc), CLRNN_OK);
            for (size_t i = 0; i < sizeof problems / sizeof *problems; i++)
                check_problem(&ctc, &problems[i]);
            clr_ctc_free(&ctc);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reference_is_pytorch),
        cmocka_unit_test(all_paths),
        cmocka_unit_test(best_path),
        cmocka_unit_test(edits),
        cmocka_unit_test_setup_teardown(kernels, test_open, test_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
