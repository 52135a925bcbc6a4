/* SPDX-License-Identifier: MIT
 * tests/vectors.h - what goes into a pass and comes out of it, and passes that PyTorch computed
 * (tests/data/pytorch) or others (tests/data/peepholes). Arrays are float64 and [T,N,*], letters as
 * in clrnn/network.h. */
#ifndef TEST_VECTORS_H
#define TEST_VECTORS_H

#include "reference/reference.h"

/* Every cell in every form; sizes but P are left out. */
#define TEST_FORMS 9
extern const struct test_form {
    const char *name;
    clrnn_network_desc desc;
} test_forms[TEST_FORMS];

/** The form of its cell that others are variants of. */
bool test_is_usual(const clrnn_network_desc *desc);

/** One of them with I 3, H 4 (P 2), and the layers and directions wanted. */
clrnn_network_desc test_form(size_t index, uint32_t layers, bool bidirectional);

/** A network of pairs as in problem strings, of the keys cell, D, L, P, bias, reverse, merge and
 *  those of options; I 3, H 4. */
clrnn_network_desc test_network(const char *pairs);

/* What goes into forward and backward. c0 and dcn are NULL without LSTM. */
typedef struct test_inputs {
    clrnn_network_desc desc;
    uint32_t steps, batch; /* T, N */
    uint32_t *lengths;     /* [N], or NULL: all T */
    uint8_t *mask;         /* [T,N] or NULL, as the two of clrnn_forward_io */
    uint8_t *resets;
    bool repeat;
    double *weights;  /* canonical */
    double *x;        /* [T,N,I] */
    double *h0, *dhn; /* [L*D,N,R] */
    double *c0, *dcn; /* [L*D,N,H] */
    double *dy;       /* [T,N,D*R] */
} test_inputs;

/* What comes out of them. cn and dc0 are NULL without LSTM. */
typedef struct test_outputs {
    double *y, *hn, *cn;
    double *dx, *dh0, *dc0, *dweights;
} test_outputs;

/* Elements of each array. */
typedef struct test_sizes {
    size_t weights;
    size_t x; /* also dx */
    size_t h; /* h0, hn, dh0, dhn */
    size_t c; /* c0, cn, dc0, dcn; 0 without LSTM */
    size_t y; /* also dy */
} test_sizes;

test_sizes test_sizes_of(const test_inputs *in);

/** Pseudo-random inputs in +-1 and weights in +-scale. lengths: [N], copied, or NULL. */
test_inputs test_inputs_random(const clrnn_network_desc *desc, uint32_t steps, uint32_t batch,
                               const uint32_t *lengths, uint64_t seed, double scale);
void test_inputs_free(test_inputs *in);

/** Room for what comes out, filled with NaN: what a pass leaves out is noticed. */
test_outputs test_outputs_make(const test_inputs *in);
void test_outputs_free(test_outputs *out);

/**
 * The worst test_error over all outputs, each weight tensor by itself; arrays that are NULL on
 * either side are left out.
 * tensor: receives the name of the worst ("y", "dc0", "dweight_hh_l0", ...)
 */
double test_outputs_error(const test_inputs *in, const test_outputs *got,
                          const test_outputs *expected, char tensor[64]);

/** Both as the arguments of the reference, and what the reference makes of the inputs. */
clr_reference_io test_reference_io(const test_inputs *in, const test_outputs *out);
test_outputs test_reference(const test_inputs *in);

/* One file. */
typedef struct test_vector {
    char name[64];
    bool batch_first; /* in the file; not here */
    bool whole;       /* the file has everything; else what it has not is NULL */
    test_inputs in;
    test_outputs expected;
} test_vector;

#define TEST_VECTOR_COUNT 40
extern const char *const test_vector_names[TEST_VECTOR_COUNT];

/* LSTMs with peepholes, of which others wrote y or hn. */
#define TEST_PEEPHOLE_COUNT 4
extern const char *const test_peephole_names[TEST_PEEPHOLE_COUNT];

/* Networks with layer norm, all of it; of double precision. */
#define TEST_NORMED_COUNT 8
extern const char *const test_normed_names[TEST_NORMED_COUNT];

/* What is drawn in tests and for the files below. */
#define TEST_DROPOUT_SEED  0x123456789abcdefu
#define TEST_DROPOUT_INDEX 7u

/* Networks with zoneout and recurrent dropout, all of it; of double precision. */
#define TEST_ZONED_COUNT 8
extern const char *const test_zoned_names[TEST_ZONED_COUNT];

/** Read a file by its name in the lists above; whatever is wrong with it fails the test. drawn:
 * out, as in training, by the seed and index above. */
test_vector test_vector_load(const char *name);
test_vector test_peephole_load(const char *name);
test_vector test_normed_load(const char *name);
test_vector test_zoned_load(const char *name, bool *drawn);
void test_vector_free(test_vector *vector);

#endif
