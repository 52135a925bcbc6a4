/* SPDX-License-Identifier: MIT
 * cl/persistent_norm.cl - where a scan with layer norm finds what it has for that: for
 * cl/persistent_norm_forward.cl and cl/persistent_norm_back.cl, which include it. */
#include "norm_row.cl"

static inline void norms_begin(scan *w, const norm_launch *l, const norm_arrays *at,
                               global const REAL *weights, global REAL *workspace,
                               global REAL *sums)
{
    scan_norms *n = &w->norms;
    n->gain_x = weights + at->gain_x;
    n->gain_u = weights + at->gain_u;
    n->gain_c = weights + at->gain_c;
    n->bias_c = weights + at->bias_c;
    n->sums = sums + at->sums;
    n->hat_x = workspace + at->hat_x;
    n->hat_u = workspace + at->hat_u;
    n->hat_c = workspace + at->hat_c;
    n->scales = workspace + at->scales;
    n->scale_c = workspace + at->scale_c;
    n->stride = l->stride;
    n->keep = l->keep;
    n->epsilon = real_of(l->epsilon);
}

/* Of step `index` and row n: how far from those of step 0 and row 0 what is kept lies. */
static inline size_t kept_at(const scan *w, uint index, uint n)
{
    return ((size_t)index * w->N + n) * w->norms.stride;
}
