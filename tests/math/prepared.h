/* SPDX-License-Identifier: MIT
 * tests/math/prepared.h - op(B) prepared for products, in a buffer of its own. */
#ifndef TEST_MATH_PREPARED_H
#define TEST_MATH_PREPARED_H

#include "math/packing.h"

/* Who makes products, the first choice_count(context) of them on this device. */
extern const clrnn_gemm choices[2];
size_t choice_count(const clrnn_context *context);

/** Pack op(B), [k,n], as the products of `gemms` read it; or pack it anew after its contents
 *  changed (same n and k). Not at the beginning of the buffer where it need not be there.
 *  Zero-initialise `prepared`; release it with prepared_free. */
clrnn_status prepared_pack(clr_gemms *gemms, clr_matrix b, bool transposed, size_t n, size_t k,
                           clr_packed_matrix *prepared);
void prepared_free(clr_packed_matrix *prepared);

#endif
