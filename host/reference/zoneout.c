/* SPDX-License-Identifier: MIT
 * reference/zoneout.c - zoneout (Krueger et al. 2017) around the cells, and the factors of
 * recurrent dropout.
 *
 * With (h~, c~) = cell(x, h_prev, c_prev), and for each unit k = 1 with probability p, else 0, in
 * inference k = p; kc the same of c:
 *     h = k*h_prev + (1-k)*h~        c = kc*c_prev + (1-kc)*c~
 * (h~ is of c~, not of c.) Back:
 *     dh~ = (1-k)*dh   dh_prev += k*dh     dc~ = (1-kc)*dc   dc_prev += kc*dc */
#include "base/philox.h"
#include "reference/pass.h"

static bool is_zoned(const clr_ref_pass *p)
{
    return p->net.desc.zoneout > 0 || p->net.desc.zoneout_cell > 0;
}

/* k of a unit of h, or of c. */
static double kept(const clr_ref_pass *p, uint32_t cell, bool cell_state, size_t t, size_t unit)
{
    const double rate = cell_state ? p->net.desc.zoneout_cell : p->net.desc.zoneout;
    const uint64_t key = clr_cell_key(p->io->dropout_seed, CLR_KEY_ZONEOUT, cell);
    if (!p->io->drawn)
        return rate;
    return clr_zoneout_keeps(rate, key, p->io->dropout_index, cell_state, (uint32_t)t, p->row,
                             (uint32_t)unit)
               ? 1
               : 0;
}

/* Selected where k is 0 or 1: what is left out may be NaN. */
static double mixed(double k, double old, double fresh)
{
    return k == 0 ? fresh : k == 1 ? old : k * old + (1 - k) * fresh;
}

clr_ref_step clr_ref_inner(const clr_ref_pass *p, const clr_ref_trace *tr, size_t k,
                           const clr_ref_step *step)
{
    clr_ref_step inner = *step;
    if (is_zoned(p)) {
        inner.h = tr->new_h + k * p->net.state_size;
        inner.c = tr->new_c + k * p->memory;
        inner.dh = tr->new_dh;
        inner.dc = tr->new_dc;
    }
    return inner;
}

void clr_ref_zone(const clr_ref_pass *p, uint32_t cell, size_t t, const clr_ref_step *inner,
                  const clr_ref_step *step)
{
    for (size_t i = 0; i < p->net.state_size && is_zoned(p); i++)
        step->h[i] = mixed(kept(p, cell, false, t, i), step->h_prev[i], inner->h[i]);
    for (size_t i = 0; i < p->memory && is_zoned(p); i++)
        step->c[i] = mixed(kept(p, cell, true, t, i), step->c_prev[i], inner->c[i]);
}

void clr_ref_zone_back(const clr_ref_pass *p, const clr_ref_trace *tr, uint32_t cell, size_t t,
                       const clr_ref_step *step)
{
    for (size_t i = 0; i < p->net.state_size && is_zoned(p); i++) {
        const double k = kept(p, cell, false, t, i);
        tr->new_dh[i] = mixed(k, 0, step->dh[i]);
        step->dh_prev[i] += mixed(k, step->dh[i], 0);
    }
    for (size_t i = 0; i < p->memory && is_zoned(p); i++) {
        const double k = kept(p, cell, true, t, i);
        tr->new_dc[i] = mixed(k, 0, step->dc[i]);
        step->dc_prev[i] += mixed(k, step->dc[i], 0);
    }
}

const double *clr_ref_factors(const clr_ref_pass *p, const clr_ref_trace *tr, uint32_t cell)
{
    const float rate = p->net.desc.recurrent_dropout;
    const uint64_t key = clr_cell_key(p->io->dropout_seed, CLR_KEY_HIDDEN, cell);
    if (!p->io->drawn || !(rate > 0))
        return NULL;
    for (size_t i = 0; i < p->net.state_size; i++)
        tr->factors[i] = clr_hidden_factor(rate, key, p->io->dropout_index, p->row, (uint32_t)i);
    return tr->factors;
}
