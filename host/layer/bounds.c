/* SPDX-License-Identifier: MIT
 * layer/bounds.c - what errors rounding may make: see layer/check.h. */
#include <math.h>

#include "layer/check.h"

/* How much larger errors may be, relative to what comes out, for bounds that leave little of it;
 * for functions without bounds, of whose values the next ones may be a multiple; and for layer
 * norm. */
static double enlarged(const clrnn_network_desc *d)
{
    const float clips[] = {d->gate_clip, d->cell_clip, d->proj_clip};
    double least = 1, more = 1;
    for (size_t i = 0; i < sizeof clips / sizeof *clips; i++)
        if (clips[i] > 0)
            least = fmin(least, clips[i]);
    for (size_t i = CLR_OPTION_ACTIVATIONS; i < CLR_OPTIONS; i++)
        if (clr_option_get(d, &clr_options[i]))
            more = 8;
    if (d->layer_norm) /* makes as much of sums that are nearly alike as of any; few may well be */
        more *= 8 + 64.0 / d->hidden_size;
    return more / least;
}

/* What rounding may do, in units u of half the last place. A gate's sum of k products is off by
 * about u*sqrt(k) (Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., section 2.8) of
 * its size, which grows with k/H by the weights above; states forget faster than they gather error.
 * Gradients pass the same sums, those over the G*H gates, and those over T*N rows. The factors are
 * about five times what was measured for both kinds of products, both types and every form in 120
 * problems, up to H = 512, k = 1016 and T*N = 3300: at most 34 u forward and 58 u backward.
 *
 * Weights kept in fewer bits add to a gate's sum, as it would be without, k errors of either sign,
 * each a part of the largest weight, 1/sqrt(H). */
void clr_check_bounds(const clrnn_problem *problem, const clr_network *n, clrnn_check *check)
{
    static const double stored[] = {[CLRNN_WEIGHTS_F16] = 5 * 0x1p-12,
                                    [CLRNN_WEIGHTS_BF16] = 5 * 0x1p-9,
                                    [CLRNN_WEIGHTS_INT8] = 5 / 254.};
    double u = (problem->precision == CLRNN_F64 ? 0x1p-53 : 0x1p-24) * enlarged(&n->desc);
    double widest = fmax(n->desc.input_size, n->layers > 1 ? n->width : 0);
    double TN = (double)problem->steps * problem->batch;
    double H = n->desc.hidden_size, k = widest + n->state_size + (n->desc.proj_size ? H : 0);
    check->forward_bound = u * (0.75 + 0.25 * n->layers) * (12 + 2 * sqrt(k) + 0.1 * k / sqrt(H));
    check->gradient_bound = 2 * check->forward_bound + u * (4 * sqrt(TN) + 3 * sqrt(n->gates * H));
    double rounding = stored[problem->weights];
    check->storage_bound =
        rounding > 0
            ? check->forward_bound + rounding * (0.75 + 0.25 * n->layers) * (1 + sqrt(k / H))
            : 0;
}
