/* SPDX-License-Identifier: MIT
 * tests/format/equations.c - see tests/format/equations.h. */
#include "format/equations.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

static double apply(const onnx_function *f, double x)
{
    const double a = f->alpha, b = f->beta;
    const char *name = f->name;
    if (strcmp(name, "Sigmoid") == 0)
        return 1 / (1 + exp(-x));
    if (strcmp(name, "Tanh") == 0)
        return tanh(x);
    if (strcmp(name, "Relu") == 0)
        return x > 0 ? x : 0;
    if (strcmp(name, "Affine") == 0)
        return a * x + b;
    if (strcmp(name, "LeakyRelu") == 0)
        return x >= 0 ? x : a * x;
    if (strcmp(name, "ThresholdedRelu") == 0)
        return x >= a ? x : 0;
    if (strcmp(name, "ScaledTanh") == 0)
        return a * tanh(b * x);
    if (strcmp(name, "HardSigmoid") == 0)
        return fmin(fmax(a * x + b, 0), 1);
    if (strcmp(name, "Elu") == 0)
        return x >= 0 ? x : a * (exp(x) - 1);
    if (strcmp(name, "Softsign") == 0)
        return x / (1 + fabs(x));
    return x > 30 ? x : log(1 + exp(x)); /* Softplus */
}

/* The sum of gate g of unit j: W x + R h + Wb + Rb. */
typedef struct sums {
    const onnx_equations *e;
    uint32_t d, G;
    const double *x, *h;
} sums;

static double of_x(const sums *s, uint32_t g, uint32_t j)
{
    const onnx_equations *e = s->e;
    const size_t row = (size_t)s->d * s->G * e->H + (size_t)g * e->H + j;
    double sum = e->B ? e->B[(size_t)s->d * 2 * s->G * e->H + (size_t)g * e->H + j] : 0;
    for (uint32_t i = 0; i < e->I; i++)
        sum += e->W[row * e->I + i] * s->x[i];
    return sum;
}

static double of_h(const sums *s, uint32_t g, uint32_t j, const double *h)
{
    const onnx_equations *e = s->e;
    const size_t row = (size_t)s->d * s->G * e->H + (size_t)g * e->H + j;
    double sum = e->B ? e->B[(size_t)s->d * 2 * s->G * e->H + (size_t)(s->G + g) * e->H + j] : 0;
    for (uint32_t i = 0; i < e->H; i++)
        sum += e->R[row * e->H + i] * h[i];
    return sum;
}

static double clipped(const onnx_equations *e, double x)
{
    return e->clip > 0 ? fmin(fmax(x, -(double)e->clip), (double)e->clip) : x;
}

static void lstm(const sums *s, double *h, double *c, double *next)
{
    const onnx_equations *e = s->e;
    const onnx_function *f = e->functions[s->d];
    const double *p = e->P ? e->P + (size_t)s->d * 3 * e->H : NULL; /* i o f */
    for (uint32_t j = 0; j < e->H; j++) {
        double a[4]; /* i o f c */
        for (uint32_t g = 0; g < 4; g++)
            a[g] = of_x(s, g, j) + of_h(s, g, j, h);
        if (p) {
            a[0] += p[j] * c[j];
            a[2] += p[2 * e->H + j] * c[j];
        }
        const double i = apply(&f[0], clipped(e, a[0]));
        const double forget = e->input_forget ? 1 - i : apply(&f[0], clipped(e, a[2]));
        c[j] = forget * c[j] + i * apply(&f[1], clipped(e, a[3]));
        if (p)
            a[1] += p[e->H + j] * c[j];
        next[j] = apply(&f[0], clipped(e, a[1])) * apply(&f[2], c[j]);
    }
}

static void gru(const sums *s, const double *h, double *next)
{
    const onnx_equations *e = s->e;
    const onnx_function *f = e->functions[s->d];
    double r[64], reset[64];
    for (uint32_t j = 0; j < e->H; j++) {
        r[j] = apply(&f[0], clipped(e, of_x(s, 1, j) + of_h(s, 1, j, h)));
        reset[j] = r[j] * h[j];
    }
    for (uint32_t j = 0; j < e->H; j++) {
        const double z = apply(&f[0], clipped(e, of_x(s, 0, j) + of_h(s, 0, j, h)));
        const double back = e->linear_before_reset ? r[j] * of_h(s, 2, j, h) : of_h(s, 2, j, reset);
        const double n = apply(&f[1], clipped(e, of_x(s, 2, j) + back));
        next[j] = (1 - z) * n + z * h[j];
    }
}

static void rnn(const sums *s, const double *h, double *next)
{
    for (uint32_t j = 0; j < s->e->H; j++)
        next[j] = apply(&s->e->functions[s->d][0], clipped(s->e, of_x(s, 0, j) + of_h(s, 0, j, h)));
}

/* One row of one direction. */
static void walk(const onnx_equations *e, uint32_t d, uint32_t n)
{
    const size_t H = e->H, row = ((size_t)d * e->N + n) * H;
    const uint32_t T = e->lengths ? (uint32_t)e->lengths[n] : e->T;
    double h[64] = {0}, c[64] = {0}, next[64];
    sums s = {.e = e, .d = d, .G = e->cell == 'L' ? 4 : e->cell == 'G' ? 3 : 1};
    if (e->h0)
        memcpy(h, e->h0 + row, H * sizeof *h);
    if (e->c0)
        memcpy(c, e->c0 + row, H * sizeof *c);
    for (uint32_t step = 0; step < T; step++) {
        const uint32_t t = e->reverse || d == 1 ? T - 1 - step : step;
        s.x = e->x + ((size_t)t * e->N + n) * e->I;
        if (e->cell == 'L')
            lstm(&s, h, c, next);
        else if (e->cell == 'G')
            gru(&s, h, next);
        else
            rnn(&s, h, next);
        memcpy(h, next, H * sizeof *h);
        memcpy(e->y + (((size_t)t * e->D + d) * e->N + n) * H, h, H * sizeof *h);
    }
    memcpy(e->h + row, h, H * sizeof *h);
    memcpy(e->c + row, c, H * sizeof *c);
}

void onnx_compute(const onnx_equations *e)
{
    memset(e->y, 0, (size_t)e->T * e->D * e->N * e->H * sizeof *e->y);
    for (uint32_t d = 0; d < e->D; d++)
        for (uint32_t n = 0; n < e->N; n++)
            walk(e, d, n);
}
