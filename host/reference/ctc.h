/* SPDX-License-Identifier: MIT
 * reference/ctc.h - connectionist temporal classification in float64: what cl/ctc.cl is judged
 * against. */
#ifndef CLR_REFERENCE_CTC_H
#define CLR_REFERENCE_CTC_H

#include <clrnn/status.h>

#include <stddef.h>
#include <stdint.h>

/**
 * -log p(labels | softmax of the logits), Graves et al. 2006: infinite where no path exists, as of
 * labels that need more steps.
 *
 * logits:  [T,O], step t from logits + t*stride on; T from 1 on
 * labels:  [count], each 1..O-1; class 0 is the blank
 * loss:    out
 * dlogits: out [T,O], dense, its gradient; NaN without a path; or NULL
 * Returns: CLRNN_OK, CLRNN_ERR_MEMORY
 */
clrnn_status clr_reference_ctc(const double *logits, size_t stride, size_t T, size_t O,
                               const int32_t *labels, size_t count, double *loss, double *dlogits);

#endif
