/* SPDX-License-Identifier: MIT
 * tests/format/equations.h - RNN, LSTM and GRU as ONNX's operators define them, in float64 and in
 * their own layouts: nothing of it is shared with the library. */
#ifndef TEST_FORMAT_EQUATIONS_H
#define TEST_FORMAT_EQUATIONS_H

#include <stdbool.h>
#include <stdint.h>

/* One of the functions that ONNX knows, by name. */
typedef struct onnx_function {
    const char *name;
    float alpha, beta;
} onnx_function;

/* One node. Arrays as in files: W [D,G*H,I], R [D,G*H,H], B [D,2*G*H], P [D,3*H], x [T,N,I],
 * h0, c0 [D,N,H]; NULL: left out. */
typedef struct onnx_equations {
    char cell; /* 'L', 'G', 'R' */
    uint32_t T, N, I, H, D;
    bool reverse; /* of one direction */
    bool linear_before_reset, input_forget;
    float clip; /* 0: none */
    onnx_function functions[2][3];
    const double *W, *R, *B, *P, *x, *h0, *c0;
    const int32_t *lengths;
    double *y, *h, *c; /* out [T,D,N,H], [D,N,H], [D,N,H] */
} onnx_equations;

void onnx_compute(const onnx_equations *e);

#endif
