/* SPDX-License-Identifier: MIT
 * layer/miniature.h - the problems of a self-test. */
#ifndef CLR_LAYER_MINIATURE_H
#define CLR_LAYER_MINIATURE_H

#include <clrnn/problem.h>

/** Run all the problems in miniature of one kind of kernels: as `tiny`, in whatever way users run
 *  them. *check: of the first that failed, else of the last. Returns: CLRNN_OK, also where one
 *  failed; or why it could not run. */
clrnn_status clr_miniature_check(clrnn_context *context, const clrnn_problem *tiny,
                                 clrnn_check *check);

#endif
