/* SPDX-License-Identifier: MIT
 * tests/math/prepared.c - see tests/math/prepared.h. */
#include "math/prepared.h"

#include "device/buffer.h"
#include "support.h"

const clrnn_gemm choices[] = {CLRNN_GEMM_PACKED, CLRNN_GEMM_CLBLAST};

size_t choice_count(const clrnn_context *context)
{
    return test_has(context, TEST_CLBLAST) ? 2 : 1;
}

clrnn_status prepared_pack(clr_gemms *gemms, clr_matrix b, bool transposed, size_t n, size_t k,
                           clr_packed_matrix *prepared)
{
    const clr_packing *packing = clr_packing_of(gemms);
    const size_t bytes = packing->bytes(gemms, n, k);
    const size_t at = packing->apart ? 0 : 4 * (size_t)gemms->packed.tile_n;
    clrnn_status status = CLRNN_OK;
    prepared->from = b;
    prepared->transposed = transposed;
    prepared->n = n;
    prepared->k = k;
    prepared->at = at;
    if (!prepared->buffer && bytes)
        status = clr_buffer_create(gemms->context,
                                   bytes + at * clr_storage_bytes(gemms->storage, gemms->precision),
                                   &prepared->buffer);
    return status == CLRNN_OK ? packing->pack(gemms, prepared) : status;
}

void prepared_free(clr_packed_matrix *prepared)
{
    clr_buffer_destroy(&prepared->buffer);
}
