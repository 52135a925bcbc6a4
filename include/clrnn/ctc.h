/* SPDX-License-Identifier: MIT
 * clrnn/ctc.h - labels of what a network trained with CLRNN_LOSS_CTC gives. */
#ifndef CLRNN_CTC_H
#define CLRNN_CTC_H

#include <clrnn/status.h>

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * The labels of one sequence, class 0 being the blank: of the most probable path, with equal
 * neighbours as one and blanks left out (beam 0, "greedy"); or the most probable of those that a
 * search finds which keeps the `beam` most probable beginnings after each step (prefix search,
 * Graves 2012, Hannun et al. 2014), so all of them where `beam` is large enough.
 *
 * log_y:  [steps,O] logarithms of probabilities; logits do for beam 0
 * labels: out [steps], of which *count are set
 * log_p:  out, of the path (beam 0) or the labels as far as the search has seen it; or NULL
 * Threads: any. Returns: CLRNN_OK; CLRNN_ERR_ARGUMENT (NULL, O below 2, a NaN in log_y);
 *          CLRNN_ERR_MEMORY. On failure *count is 0
 */
CLRNN_API clrnn_status clrnn_ctc_decode(const double *log_y, uint32_t steps, uint32_t O,
                                        uint32_t beam, int32_t *labels, uint32_t *count,
                                        double *log_p);

#ifdef __cplusplus
}
#endif
#endif
