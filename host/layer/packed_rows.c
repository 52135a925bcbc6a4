/* SPDX-License-Identifier: MIT
 * layer/packed_rows.c - see clrnn/pack.h. */
#include <clrnn/pack.h>

#include <string.h>

#include "base/checked.h"
#include "base/log.h"

static uint32_t length_of(const clrnn_packing *p, uint32_t n)
{
    return p->lengths ? p->lengths[n] : p->steps;
}

static clrnn_status check(const clrnn_packing *p, const clrnn_log *log)
{
    if (!p)
        return clr_fail(log, CLRNN_ERR_ARGUMENT, "packed rows: packing is NULL");
    if ((unsigned)p->order > CLRNN_PACKED_BY_SEQUENCE)
        return clr_fail(log, CLRNN_ERR_ARGUMENT, "packed rows: order %d is unknown, not in 0..%d",
                        (int)p->order, CLRNN_PACKED_BY_SEQUENCE);
    if (p->row_bytes == 0)
        return clr_fail(log, CLRNN_ERR_ARGUMENT, "packed rows: row_bytes is 0");
    if (clr_size_mul(clr_size_mul(clr_size_of(p->steps), p->batch), p->row_bytes).overflow)
        return clr_fail(
            log, CLRNN_ERR_RANGE,
            "packed rows: T=%u, N=%u rows of %zu bytes are more than memory can address", p->steps,
            p->batch, p->row_bytes);
    for (uint32_t n = 0; n < p->batch; n++)
        if (length_of(p, n) > p->steps)
            return clr_fail(log, CLRNN_ERR_RANGE,
                            "packed rows: lengths[%u] is %u, more than the %u steps", n,
                            length_of(p, n), p->steps);
    return CLRNN_OK;
}

static clrnn_status check_array(const void *array, const char *name, const clrnn_log *log)
{
    return array ? CLRNN_OK : clr_fail(log, CLRNN_ERR_ARGUMENT, "packed rows: %s is NULL", name);
}

clrnn_status clrnn_pack_count(const clrnn_packing *p, const clrnn_log *log, size_t *rows)
{
    size_t count = 0;
    clrnn_status status = check(p, log);
    if (status == CLRNN_OK)
        status = check_array(rows, "rows", log);
    for (uint32_t n = 0; status == CLRNN_OK && n < p->batch; n++)
        count += length_of(p, n);
    if (status == CLRNN_OK)
        *rows = count;
    return status;
}

/* Where step t of sequence n lies in a padded array, in bytes. */
static size_t padded_at(const clrnn_packing *p, uint32_t t, uint32_t n)
{
    const size_t row = p->batch_first ? (size_t)n * p->steps + t : (size_t)t * p->batch + n;
    return row * p->row_bytes;
}

/* The steps of all sequences in the order of the packing, also those that there are not. */
static void step_at(const clrnn_packing *p, size_t i, uint32_t *t, uint32_t *n)
{
    const bool by_step = p->order == CLRNN_PACKED_BY_STEP;
    const size_t inner = by_step ? p->batch : p->steps;
    *t = (uint32_t)(by_step ? i / inner : i % inner);
    *n = (uint32_t)(by_step ? i % inner : i / inner);
}

clrnn_status clrnn_pack_rows(const clrnn_packing *p, const clrnn_log *log, const void *padded,
                             void *packed)
{
    char *to = packed;
    clrnn_status status = check(p, log);
    if (status == CLRNN_OK)
        status = check_array(padded, "padded", log);
    if (status == CLRNN_OK)
        status = check_array(packed, "packed", log);
    const size_t all = status == CLRNN_OK ? (size_t)p->steps * p->batch : 0;
    for (size_t i = 0; i < all; i++) {
        uint32_t t, n;
        step_at(p, i, &t, &n);
        if (t >= length_of(p, n))
            continue;
        memcpy(to, (const char *)padded + padded_at(p, t, n), p->row_bytes);
        to += p->row_bytes;
    }
    return status;
}

static void pad(const clrnn_packing *p, const void *padding, void *row)
{
    if (padding)
        memcpy(row, padding, p->row_bytes);
    else
        memset(row, 0, p->row_bytes);
}

clrnn_status clrnn_unpack_rows(const clrnn_packing *p, const clrnn_log *log, const void *packed,
                               const void *padding, void *padded)
{
    const char *from = packed;
    clrnn_status status = check(p, log);
    if (status == CLRNN_OK)
        status = check_array(packed, "packed", log);
    if (status == CLRNN_OK)
        status = check_array(padded, "padded", log);
    const size_t all = status == CLRNN_OK ? (size_t)p->steps * p->batch : 0;
    for (size_t i = 0; i < all; i++) {
        uint32_t t, n;
        step_at(p, i, &t, &n);
        char *row = (char *)padded + padded_at(p, t, n);
        if (t >= length_of(p, n)) {
            pad(p, padding, row);
            continue;
        }
        memcpy(row, from, p->row_bytes);
        from += p->row_bytes;
    }
    return status;
}
