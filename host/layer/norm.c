/* SPDX-License-Identifier: MIT
 * layer/norm.c - see layer/norm.h. */
#include "layer/norm.h"

#include <string.h>

/* --- where what lies ------------------------------------------------------------------------- */

/* An array of numbers that are normalised: its name in the layout, its gain and bias among the
 * weights, the first of its columns and how many. */
typedef struct clr_norm_form {
    clr_normed hat, scale;
    size_t gain, bias, column, columns;
} clr_norm_form;

static clr_norm_form form_of_x(const clrnn_plan *plan, const clr_scan *w)
{
    const clr_network *n = &plan->network;
    const clr_cell_weights at = clr_network_cell(n, w->layer, w->direction);
    return (clr_norm_form){.hat = CLR_NORMED_X,
                           .scale = CLR_NORMED_SCALES,
                           .gain = at.ln_ih,
                           .bias = CLR_ABSENT,
                           .columns = (size_t)n->gates * n->desc.hidden_size};
}

static clr_norm_form form_of_u(const clrnn_plan *plan, const clr_scan *w, uint32_t phase)
{
    const clr_network *n = &plan->network;
    const clr_cell_weights at = clr_network_cell(n, w->layer, w->direction);
    const size_t H = n->desc.hidden_size, column = n->form->phase[phase].first * H;
    return (clr_norm_form){.hat = CLR_NORMED_U,
                           .scale = (clr_normed)(CLR_NORMED_U_SCALE + phase),
                           .gain = at.ln_hh + column,
                           .bias = CLR_ABSENT,
                           .column = column,
                           .columns = n->form->phase[phase].count * H};
}

static clr_norm_form form_of_c(const clrnn_plan *plan, const clr_scan *w)
{
    const clr_cell_weights at = clr_network_cell(&plan->network, w->layer, w->direction);
    return (clr_norm_form){.hat = CLR_NORMED_C,
                           .scale = CLR_NORMED_C_SCALE,
                           .gain = at.ln_c,
                           .bias = at.bias_ln_c,
                           .columns = plan->network.desc.hidden_size};
}

static size_t normed_at(const clrnn_plan *plan, const clr_scan *w, uint32_t t, clr_normed what)
{
    return w->workspace_at + clr_layout_normed(w->layout, &plan->network, w->layer, w->direction,
                                               t - w->gates_first, what);
}

/* So many steps from step t on. resets: what was reset does not count either. */
static clr_normed_rows rows_of(const clrnn_plan *plan, const clr_scan *w, uint32_t t,
                               uint32_t steps, const clr_norm_form *f, bool resets)
{
    const size_t N = w->layout->batch, base = plan->weights.offset;
    clr_normed_rows r = {.rows = steps * N,
                         .K = f->columns,
                         .epsilon = plan->network.epsilon,
                         .parameters = plan->weights.buffer,
                         .gain = base + f->gain,
                         .has_bias = f->bias != CLR_ABSENT,
                         .first = t * N,
                         .batch = N,
                         .live.lengths = w->lengths};
    if (r.has_bias)
        r.bias = base + f->bias;
    if (w->flagged) {
        r.live.bits = FLAG_LIVE | (resets ? FLAG_RESET : 0);
        r.live.want = FLAG_LIVE;
    }
    if (plan->desc.train) {
        r.kept = w->workspace;
        r.hat = normed_at(plan, w, t, f->hat) + f->column;
        r.scale = normed_at(plan, w, t, f->scale);
        r.stride = plan->network.normed;
    }
    return r;
}

/* --- forward --------------------------------------------------------------------------------- */

clrnn_status clr_norm_inputs(clrnn_plan *plan, const clr_scan *w)
{
    const clr_network *n = &plan->network;
    if (!n->normed)
        return CLRNN_OK;
    const clr_norm_form f = form_of_x(plan, w);
    const clr_normed_rows rows = rows_of(plan, w, w->begin, w->end - w->begin, &f, false);
    const size_t at =
        clr_layout_gates(w->layout, n, w->layer, w->direction, w->begin - w->gates_first);
    const clr_matrix gates = {w->workspace, w->workspace_at + at, f.columns};
    return clr_norm_rows(&plan->norms, &rows, gates, gates);
}

clrnn_status clr_norm_sums(clrnn_plan *plan, const clr_scan *w, uint32_t t, uint32_t phase,
                           cl_mem sums)
{
    const clr_network *n = &plan->network;
    if (!n->normed)
        return CLRNN_OK;
    const clr_norm_form f = form_of_u(plan, w, phase);
    const clr_normed_rows rows = rows_of(plan, w, t, 1, &f, phase == 0);
    const clr_matrix m = {sums, f.column, (size_t)n->gates * n->desc.hidden_size};
    return clr_norm_rows(&plan->norms, &rows, m, m);
}

clrnn_status clr_norm_cell(clrnn_plan *plan, const clr_scan *w, uint32_t t, clrnn_slice c,
                           clr_matrix to, bool keep)
{
    const clr_norm_form f = form_of_c(plan, w);
    clr_normed_rows rows = rows_of(plan, w, t, 1, &f, false);
    if (!keep)
        rows.kept = NULL;
    return clr_norm_rows(&plan->norms, &rows, (clr_matrix){c.buffer, c.offset, f.columns}, to);
}

/* --- back ------------------------------------------------------------------------------------ */

clrnn_status clr_norm_cell_back(clrnn_plan *plan, const clr_scan *w, uint32_t t, clr_matrix dc)
{
    const clr_norm_form f = form_of_c(plan, w);
    const clr_normed_rows rows = rows_of(plan, w, t, 1, &f, false);
    const size_t dz = clr_flow_of(plan, w).dz + t * w->layout->batch * f.columns;
    return clr_norm_rows_back(&plan->norms, &rows, (clr_matrix){plan->dz, dz, f.columns}, dc, true);
}

clrnn_status clr_norm_sums_back(clrnn_plan *plan, const clr_scan *w, uint32_t t, uint32_t phase,
                                clrnn_slice du)
{
    const clr_network *n = &plan->network;
    if (!n->normed)
        return CLRNN_OK;
    const size_t columns = (size_t)n->gates * n->desc.hidden_size;
    const clr_norm_form f = form_of_u(plan, w, phase);
    const clr_normed_rows rows = rows_of(plan, w, t, 1, &f, true);
    const clr_matrix from = {du.buffer, du.offset + f.column, columns};
    const clr_matrix to = {plan->dsums, du.offset + f.column, columns};
    return clr_norm_rows_back(&plan->norms, &rows, from, to, false);
}

/* Of gain, and of bias if there is one: sums of dy*hat, and of dy. */
static clrnn_status gradients_of(clrnn_plan *plan, const clr_scan *w, const clr_norm_form *f,
                                 clr_matrix dy, clrnn_slice to, bool accumulate)
{
    const size_t N = w->layout->batch, rows = (size_t)(w->end - w->begin) * N;
    const clr_matrix hat = {w->workspace, normed_at(plan, w, w->begin, f->hat) + f->column,
                            plan->network.normed};
    const clr_live all = {NULL, 0, 0}; /* where a step does not count both are 0 */
    clrnn_status status = clr_column_products(&plan->sequence, dy, hat, all, N, rows, f->columns,
                                              to.buffer, to.offset + f->gain, accumulate);
    if (status == CLRNN_OK && f->bias != CLR_ABSENT)
        status = clr_column_sums(&plan->sequence, dy, rows, f->columns, to.buffer,
                                 to.offset + f->bias, accumulate);
    return status;
}

clrnn_status clr_norm_gradients(clrnn_plan *plan, const clr_scan *w, clr_matrix da, clr_matrix du,
                                clrnn_slice dweights, bool accumulate)
{
    const clr_network *n = &plan->network;
    if (!n->normed)
        return CLRNN_OK;
    const clr_norm_form x = form_of_x(plan, w), c = form_of_c(plan, w);
    const size_t first = du.offset;
    clrnn_status status = gradients_of(plan, w, &x, da, dweights, accumulate);
    for (uint32_t i = 0; i < n->form->phases && status == CLRNN_OK; i++) {
        const clr_norm_form u = form_of_u(plan, w, i);
        du.offset = first + u.column;
        status = gradients_of(plan, w, &u, du, dweights, accumulate);
    }
    const clr_matrix dz = {plan->dz, clr_flow_of(plan, w).dz, c.columns};
    return status == CLRNN_OK && n->has_cell_state
               ? gradients_of(plan, w, &c, dz, dweights, accumulate)
               : status;
}

clrnn_status clr_norm_inputs_back(clrnn_plan *plan, const clr_scan *w, clr_matrix da)
{
    if (!plan->network.normed)
        return CLRNN_OK;
    const clr_norm_form f = form_of_x(plan, w);
    const clr_normed_rows rows = rows_of(plan, w, w->begin, w->end - w->begin, &f, false);
    return clr_norm_rows_back(&plan->norms, &rows, da, da, false);
}

/* --- for kernels that scan many steps -------------------------------------------------------- */

static norm_arrays arrays_of(const clrnn_plan *plan, const clr_scan *w, size_t number, uint32_t t)
{
    const clr_network *n = &plan->network;
    const clr_cell_weights at = clr_network_cell(n, w->layer, w->direction);
    const size_t base = plan->weights.offset;
    norm_arrays a = {.gain_x = base + at.ln_ih,
                     .gain_u = base + at.ln_hh,
                     .sums = number * plan->desc.max_batch * n->gates * n->desc.hidden_size};
    if (n->has_cell_state) {
        a.gain_c = base + at.ln_c;
        a.bias_c = base + at.bias_ln_c;
    }
    if (plan->desc.train) {
        a.hat_x = normed_at(plan, w, t, CLR_NORMED_X);
        a.hat_u = normed_at(plan, w, t, CLR_NORMED_U);
        a.hat_c = normed_at(plan, w, t, CLR_NORMED_C);
        a.scales = normed_at(plan, w, t, CLR_NORMED_SCALES);
        a.scale_c = normed_at(plan, w, t, CLR_NORMED_C_SCALE);
        a.dz = clr_flow_of(plan, w).dz + (size_t)t * w->layout->batch * n->desc.hidden_size;
    }
    return a;
}

norm_launch clr_norm_launch_of(const clrnn_plan *plan, const clr_scan *scans, size_t count,
                               const scan_launch *l)
{
    const double wide = plan->network.epsilon;
    const float narrow = (float)wide;
    norm_launch n = {.stride = plan->network.normed, .keep = plan->desc.train};
    if (!plan->network.normed)
        return n;
    if (plan->desc.precision == CLRNN_F64)
        memcpy(&n.epsilon, &wide, sizeof wide);
    else
        memcpy(&n.epsilon, &narrow, sizeof narrow);
    for (size_t i = 0; i < count; i++)
        n.scans[i] = arrays_of(plan, &scans[i], i, (uint32_t)l->scans[i].first_t);
    return n;
}
