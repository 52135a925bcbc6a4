/* SPDX-License-Identifier: MIT
 * reference/product.c - what a step multiplies, W x and U h, and layer norm (Ba, Kiros, Hinton
 * 2016) of these and of the cell state. */
#include <math.h>
#include <string.h>

#include "reference/cell.h"

/* --- layer norm ------------------------------------------------------------------------------ */

/* An array that is normalised; bias may be NULL. */
typedef struct ref_norm {
    const double *gain, *bias; /* [count] */
    double *dgain, *dbias;
    double *hat, *scale; /* [count], [1]: what forward leaves */
    size_t count;
} ref_norm;

/* mean = sum v / count    variance = sum (v - mean)^2 / count    scale = 1/sqrt(variance + epsilon)
 * hat = (v - mean)*scale    y = gain*hat + bias.  y may be v. */
static void normalize(const ref_norm *n, double epsilon, const double *v, double *y)
{
    double mean = 0, variance = 0;
    for (size_t i = 0; i < n->count; i++)
        mean += v[i] / (double)n->count;
    for (size_t i = 0; i < n->count; i++)
        variance += (v[i] - mean) * (v[i] - mean) / (double)n->count;
    *n->scale = 1 / sqrt(variance + epsilon);
    for (size_t i = 0; i < n->count; i++) {
        n->hat[i] = (v[i] - mean) * *n->scale;
        y[i] = n->gain[i] * n->hat[i] + (n->bias ? n->bias[i] : 0);
    }
}

/* dgain += dy*hat    dbias += dy    and with d = dy*gain
 * dv = scale*(d - sum d / count - hat * sum (d*hat) / count), in place of dy */
static void normalize_backward(const ref_norm *n, double *dy)
{
    double sum = 0, product = 0;
    for (size_t i = 0; i < n->count; i++) {
        n->dgain[i] += dy[i] * n->hat[i];
        if (n->dbias)
            n->dbias[i] += dy[i];
        dy[i] *= n->gain[i];
        sum += dy[i] / (double)n->count;
        product += dy[i] * n->hat[i] / (double)n->count;
    }
    for (size_t i = 0; i < n->count; i++)
        dy[i] = *n->scale * (dy[i] - sum - n->hat[i] * product);
}

/* Where in a step's normed lies what: hats of W x, of U h and of c, then the scale of each, that of
 * U h for each phase. */
static size_t rows_of(const clr_ref_layer *l)
{
    return l->gates * l->hidden;
}

static double *scales_of(const clr_ref_layer *l, const clr_ref_step *s)
{
    return s->normed + 2 * rows_of(l) + l->hidden;
}

static ref_norm norm_of_x(const clr_ref_layer *l, const clr_ref_step *s)
{
    return (ref_norm){.gain = l->ln_ih,
                      .bias = l->b_ih,
                      .dgain = l->dln_ih,
                      .dbias = l->db_ih,
                      .hat = s->normed,
                      .scale = scales_of(l, s),
                      .count = rows_of(l)};
}

static ref_norm norm_of_h(const clr_ref_layer *l, const clr_ref_step *s, uint32_t phase,
                          size_t first, size_t count)
{
    return (ref_norm){.gain = l->ln_hh + first,
                      .bias = l->b_hh ? l->b_hh + first : NULL,
                      .dgain = l->dln_hh + first,
                      .dbias = l->db_hh ? l->db_hh + first : NULL,
                      .hat = s->normed + rows_of(l) + first,
                      .scale = scales_of(l, s) + 1 + phase,
                      .count = count};
}

static ref_norm norm_of_c(const clr_ref_layer *l, const clr_ref_step *s)
{
    return (ref_norm){.gain = l->ln_c,
                      .bias = l->bias_ln_c,
                      .dgain = l->dln_c,
                      .dbias = l->dbias_ln_c,
                      .hat = s->normed + 2 * rows_of(l),
                      .scale = scales_of(l, s) + CLR_NORM_SCALES - 1,
                      .count = l->hidden};
}

/* --- W x and U h ----------------------------------------------------------------------------- */

void clr_ref_input_sums(const clr_ref_layer *l, const clr_ref_step *s)
{
    const double *bias = l->ln_ih ? NULL : l->b_ih;
    for (size_t r = 0; r < rows_of(l); r++)
        s->a[r] = affine(l->w_ih, bias, s->x, r, l->inputs);
    if (l->ln_ih) {
        const ref_norm n = norm_of_x(l, s);
        normalize(&n, l->epsilon, s->a, s->a);
    }
}

void clr_ref_input_sums_back(const clr_ref_layer *l, const clr_ref_step *s)
{
    double *bias = l->ln_ih ? NULL : l->db_ih;
    if (l->ln_ih) {
        const ref_norm n = norm_of_x(l, s);
        normalize_backward(&n, s->a);
    }
    for (size_t r = 0; r < rows_of(l); r++)
        affine_backward(l->w_ih, s->x, r, l->inputs, s->a[r], l->dw_ih, bias, s->dx);
}

void clr_ref_recurrent_sums(const clr_ref_layer *l, const clr_ref_step *s, uint32_t phase,
                            size_t first, size_t count, const double *h)
{
    const double *bias = l->ln_hh ? NULL : l->b_hh;
    for (size_t r = first; r < first + count; r++) {
        double sum = bias ? bias[r] : 0;
        for (size_t i = 0; i < l->state_size; i++)
            sum += l->w_hh[r * l->state_size + i] * (l->factors ? l->factors[i] * h[i] : h[i]);
        s->u[r] = sum;
    }
    if (l->ln_hh) {
        const ref_norm n = norm_of_h(l, s, phase, first, count);
        normalize(&n, l->epsilon, s->u + first, s->u + first);
    }
}

void clr_ref_recurrent_sums_back(const clr_ref_layer *l, const clr_ref_step *s, uint32_t phase,
                                 size_t first, size_t count, const double *h, double *dh)
{
    double *bias = l->ln_hh ? NULL : l->db_hh;
    if (l->ln_hh) {
        const ref_norm n = norm_of_h(l, s, phase, first, count);
        normalize_backward(&n, s->u + first);
    }
    for (size_t r = first; r < first + count; r++) {
        for (size_t i = 0; i < l->state_size; i++) {
            const double factor = l->factors ? l->factors[i] : 1;
            l->dw_hh[r * l->state_size + i] += s->u[r] * factor * h[i];
            dh[i] += l->w_hh[r * l->state_size + i] * s->u[r] * factor;
        }
        if (bias)
            bias[r] += s->u[r];
    }
}

/* --- the cell state -------------------------------------------------------------------------- */

void clr_ref_cell_state(const clr_ref_layer *l, const clr_ref_step *s, double *z)
{
    memcpy(z, s->c, l->hidden * sizeof *z);
    if (l->ln_c) {
        const ref_norm n = norm_of_c(l, s);
        normalize(&n, l->epsilon, z, z);
    }
}

void clr_ref_cell_state_back(const clr_ref_layer *l, const clr_ref_step *s, double *dz)
{
    if (l->ln_c) {
        const ref_norm n = norm_of_c(l, s);
        normalize_backward(&n, dz);
    }
}
