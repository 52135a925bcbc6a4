/* SPDX-License-Identifier: MIT
 * reference/stored.c - see reference/stored.h. */
#include "reference/stored.h"

#include <math.h>

/* To `digits` binary digits after the first, or fewer below 2^least; above `most` to infinity. */
static double round_to(double x, int digits, int least, double most)
{
    if (!isfinite(x) || x == 0)
        return x;
    int exponent = ilogb(x) > least ? ilogb(x) : least;
    double unit = ldexp(1, exponent - digits), rounded = rint(x / unit) * unit;
    return fabs(rounded) > most ? copysign(INFINITY, x) : rounded;
}

static void store_int8(double *row, size_t columns)
{
    float largest = 0;
    bool finite = true;
    for (size_t i = 0; i < columns; i++) {
        largest = fmaxf(largest, fabsf((float)row[i]));
        finite = finite && isfinite(row[i]);
    }
    double scale = (double)fmaxf(largest * (1 / 127.0f), 0x1p-100f);
    for (size_t i = 0; i < columns; i++)
        row[i] = finite ? rint(row[i] / scale) * scale + 0.0 : NAN; /* a whole number has no -0 */
}

double clr_reference_round(clrnn_storage storage, double x)
{
    return storage == CLRNN_WEIGHTS_F16    ? round_to(x, 10, -14, 65504)
           : storage == CLRNN_WEIGHTS_BF16 ? round_to(x, 7, -126, 0x1.fep127)
                                           : x;
}

void clr_reference_store(clrnn_storage storage, double *matrix, size_t rows, size_t columns)
{
    for (size_t i = 0; i < rows * columns; i++)
        matrix[i] = clr_reference_round(storage, matrix[i]);
    for (size_t row = 0; row < rows && storage == CLRNN_WEIGHTS_INT8; row++)
        store_int8(matrix + row * columns, columns);
}

void clr_reference_store_weights(clrnn_storage storage, const clrnn_network_desc *network,
                                 double *weights)
{
    clrnn_weight_info w;
    for (size_t i = 0; clrnn_network_weight(network, NULL, i, &w) == CLRNN_OK; i++)
        if (w.rank == 2)
            clr_reference_store(storage, weights + w.offset, (size_t)w.shape[0],
                                (size_t)w.shape[1]);
}
