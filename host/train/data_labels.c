/* SPDX-License-Identifier: MIT
 * train/data_labels.c - the labels of a sequence, for a loss that aligns them itself. */
#include <inttypes.h>
#include <math.h>

#include "base/log.h"
#include "train/data_set.h"

clrnn_status clr_data_place_labels(const clrnn_data *d, uint32_t n, const double *labels,
                                   uint64_t S, uint32_t T, double *out)
{
    uint64_t count = 0, needed = 0;
    while (count < S && labels[count] > 0) {
        needed += 1 + (count && labels[count] == labels[count - 1]);
        count++;
    }
    for (uint64_t j = count; j < S; j++)
        if (labels[j] > 0)
            return clr_fail(&d->log, CLRNN_ERR_RANGE,
                            "data: sequence %" PRIu32 " has label %g behind one that is %g; labels "
                            "begin at 1, 0 is the blank",
                            n, labels[j], labels[count]);
    if (needed > d->examples[n].length)
        return clr_fail(&d->log, CLRNN_ERR_RANGE,
                        "data: the %" PRIu64 " labels of sequence %" PRIu32 " need %" PRIu64
                        " steps (a blank parts equal ones), but it has %" PRIu32,
                        count, n, needed, d->examples[n].length);
    for (uint32_t t = 0; t < T; t++)
        out[t] = t < count ? labels[t] : NAN;
    return CLRNN_OK;
}
