/* SPDX-License-Identifier: MIT
 * tests/model/passes.h - one pass through a model on the device, and the same by host/reference and
 * a plain head in float64. Every array returned is to be freed. */
#ifndef TEST_MODEL_PASSES_H
#define TEST_MODEL_PASSES_H

#include "support.h"

#include "model/init.h"
#include "model/model.h"
#include "model/pass.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

/** `values` in another precision; NULL gives NULL. The original is rounded to it. [count] */
void *encode(double *values, size_t count, clrnn_precision precision);
double *decode(const void *values, size_t count, clrnn_precision precision);

/** All parameters of a model. [m->count] */
double *parameters_of(const clrnn_model *m);

/* A model with every kind of tensor. */
extern const clrnn_model_desc full_model;

/** A model with fresh weights, or the test fails. */
clrnn_model *create(clrnn_context *context, const clrnn_model_desc *desc, uint64_t seed);

typedef struct problem {
    const char *name;
    clrnn_model_desc desc;
    uint32_t steps, batch;
    const uint32_t *lengths;
    bool initial_state;
} problem;

/* Elements of the arrays of one pass. */
typedef struct sizes {
    size_t rows, inputs, width, x, h, c, y, logits, count;
} sizes;

sizes sizes_of(const clrnn_model *m, const problem *p);

/* Inputs of one pass and, of the host or the device, its outputs. */
typedef struct arrays {
    double *x; /* NULL with symbols */
    int32_t *ids;
    double *h0, *c0;
    double *dout; /* dlogits, 0 past a length; without a head dy */
    double *y, *logits, *hn, *cn, *gradient;
} arrays;

void release(arrays *a);

/** Pseudo-random inputs. The last symbol never occurs, and padding is out of range. */
arrays inputs_of(const clrnn_model *m, const problem *p);

/** Forward and backward in float64 with the plainest loops. w: parameters [count] */
void on_host(const clrnn_model *m, const problem *p, arrays *a, const double *w);

/** The same by a training pass, made for more steps and rows than it gets. Rounds the inputs. */
void on_device(clrnn_model *m, const problem *p, arrays *a);

/** Fails, naming the problem, if test_error is above the bound. */
void check(const problem *p, const char *what, const double *device, const double *host,
           size_t count, double bound);

#endif
