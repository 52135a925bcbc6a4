/* SPDX-License-Identifier: MIT
 * math/scan.c - see math/scan.h. */
#include "math/scan.h"

static clrnn_slice c_after(cl_mem workspace, const scan_launch *l, cl_uint t)
{
    const scan_arrays *at = &l->scans[0];
    const size_t slot = slot_after(t, (cl_uint)at->down, l->slots);
    return (clrnn_slice){workspace, at->c + slot * l->N * l->H};
}

clr_step clr_step_forward_of(const clr_network *n, const clr_forward_scan *w, uint32_t index)
{
    const scan_launch *l = &w->launch;
    const scan_arrays *at = &l->scans[0];
    const cl_uint down = (cl_uint)at->down, t = (cl_uint)at->first_t + index;
    const size_t N = l->N, saved = (size_t)n->saved * l->H;
    const bool first = index == (down ? l->count - 1 : 0);
    clr_step s = {.h_prev = {w->workspace, at->h + slot_before(t, down, l->slots) * N * l->R},
                  .saved = {w->workspace,
                            at->saved + (l->saved_steps ? index % l->saved_steps : 0) * N * saved}};
    if (first)
        s.h_prev = (clrnn_slice){w->h_first, at->h_first};
    s.c_next = index == (down ? 0 : l->count - 1) ? (clrnn_slice){w->c_last, at->c_last}
                                                  : c_after(w->workspace, l, t);
    return s;
}

clr_step clr_step_back_of(const clr_network *n, const clr_backward_scan *w, uint32_t index)
{
    const scan_launch *l = &w->launch;
    const scan_arrays *at = &l->scans[0];
    const size_t row = (size_t)index * l->N;
    return (clr_step){.dproj = {w->dproj, at->dproj + row * l->R},
                      .du = {n->form->two_inputs ? w->du : w->da, at->da + row * n->gates * l->H},
                      .dh = {w->dh, at->dh},
                      .c_next = c_after(w->workspace, l, (cl_uint)at->first_t + index)};
}

size_t clr_forward_args(const clr_forward_scan *w, clr_arg args[CLR_FORWARD_ARGS])
{
    const cl_mem arrays[CLR_FORWARD_ARGS] = {w->h_first, w->c_first, w->h_last,
                                             w->c_last,  w->y,       w->lengths};
    for (size_t i = 0; i < CLR_FORWARD_ARGS; i++)
        args[i] = CLR_ARG_SOME(arrays[i], w->workspace);
    return CLR_FORWARD_ARGS;
}

size_t clr_backward_args(const clr_backward_scan *w, clr_arg args[CLR_BACKWARD_ARGS])
{
    const cl_mem arrays[CLR_BACKWARD_ARGS] = {w->dy, w->dh, w->dc,     w->dproj,
                                              w->da, w->du, w->lengths};
    for (size_t i = 0; i < CLR_BACKWARD_ARGS; i++)
        args[i] = CLR_ARG_SOME(arrays[i], w->workspace);
    return CLR_BACKWARD_ARGS;
}
