/* SPDX-License-Identifier: MIT
 * reference/ctc.c - see reference/ctc.h. */
#include "reference/ctc.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/memory.h"

/* One sequence: states s = 0..P-1 are blank, label, blank, label, .., blank. */
typedef struct ctc {
    const int32_t *labels;
    size_t T, O, P;
    double *log_y;        /* [T,O], log softmax */
    double *alpha, *beta; /* [T,P], logarithms */
} ctc;

static size_t label_of(const ctc *c, size_t s)
{
    return s % 2 ? (size_t)c->labels[s / 2] : 0;
}

/* Whether a path may go from s-2 to s: past a blank between labels that differ. */
static bool skips(const ctc *c, size_t s)
{
    return s % 2 && s > 1 && c->labels[s / 2] != c->labels[s / 2 - 1];
}

static double log_add(double a, double b)
{
    const double most = fmax(a, b);
    return most == -INFINITY ? most : most + log1p(exp(fmin(a, b) - most));
}

/* log y_t(k) = x[k] - log(sum of exp(x)) */
static void log_softmax(ctc *c, const double *logits, size_t stride)
{
    for (size_t t = 0; t < c->T; t++) {
        const double *x = logits + t * stride;
        double most = -INFINITY, sum = 0;
        for (size_t k = 0; k < c->O; k++)
            most = x[k] > most || isnan(x[k]) ? x[k] : most;
        for (size_t k = 0; k < c->O; k++)
            sum += exp(x[k] - most);
        for (size_t k = 0; k < c->O; k++)
            c->log_y[t * c->O + k] = x[k] - most - log(sum);
    }
}

/* alpha_0(s) = y_0(l_s) for s = 0 and 1;
 * alpha_t(s) = y_t(l_s) (alpha_{t-1}(s) + alpha_{t-1}(s-1) + [skips] alpha_{t-1}(s-2)) */
static void forward(ctc *c)
{
    for (size_t t = 0; t < c->T; t++)
        for (size_t s = 0; s < c->P; s++) {
            const double *before = c->alpha + (t ? t - 1 : 0) * c->P;
            double sum = s < 2 ? 0 : -INFINITY;
            if (t) {
                sum = before[s];
                sum = s > 0 ? log_add(sum, before[s - 1]) : sum;
                sum = skips(c, s) ? log_add(sum, before[s - 2]) : sum;
            }
            c->alpha[t * c->P + s] = sum + c->log_y[t * c->O + label_of(c, s)];
        }
}

/* beta_{T-1}(s) = 1 for the last two states;
 * beta_t(s) = sum over r = s, s+1, [skips] s+2 of beta_{t+1}(r) y_{t+1}(l_r) */
static void backward(ctc *c)
{
    for (size_t t = c->T; t-- > 0;)
        for (size_t s = 0; s < c->P; s++) {
            const double *after = c->beta + (t + 1) * c->P;
            double sum = s + 2 >= c->P ? 0 : -INFINITY;
            for (size_t r = s; t + 1 < c->T && r < c->P && r <= s + 2; r++) {
                const double y = c->log_y[(t + 1) * c->O + label_of(c, r)];
                sum = r == s                      ? after[r] + y
                      : r == s + 1 || skips(c, r) ? log_add(sum, after[r] + y)
                                                  : sum;
            }
            c->beta[t * c->P + s] = sum;
        }
}

/* dx_t(k) = y_t(k) - sum over s of label k of alpha_t(s) beta_t(s) / p */
static void gradient(const ctc *c, double log_p, double *dlogits)
{
    for (size_t t = 0; t < c->T; t++) {
        double *dx = dlogits + t * c->O;
        for (size_t k = 0; k < c->O; k++)
            dx[k] = exp(c->log_y[t * c->O + k]);
        for (size_t s = 0; s < c->P; s++)
            dx[label_of(c, s)] -= exp(c->alpha[t * c->P + s] + c->beta[t * c->P + s] - log_p);
    }
}

clrnn_status clr_reference_ctc(const double *logits, size_t stride, size_t T, size_t O,
                               const int32_t *labels, size_t count, double *loss, double *dlogits)
{
    ctc c = {.labels = labels, .T = T, .O = O, .P = 2 * count + 1};
    c.log_y = clr_calloc(T * O, sizeof *c.log_y);
    c.alpha = clr_calloc(T * c.P, sizeof *c.alpha);
    c.beta = clr_calloc(T * c.P, sizeof *c.beta);
    const bool room = c.log_y && c.alpha && c.beta;
    if (room) {
        log_softmax(&c, logits, stride);
        forward(&c);
        const double *last = c.alpha + (T - 1) * c.P;
        const double log_p = c.P > 1 ? log_add(last[c.P - 1], last[c.P - 2]) : last[0];
        *loss = -log_p;
        if (dlogits) {
            backward(&c);
            gradient(&c, log_p, dlogits);
        }
    }
    free(c.log_y);
    free(c.alpha);
    free(c.beta);
    return room ? CLRNN_OK : CLRNN_ERR_MEMORY;
}
