/* SPDX-License-Identifier: MIT
 * model/descriptions.h - sets of tensors that describe models, and what must be read from them. */
#ifndef TEST_MODEL_DESCRIPTIONS_H
#define TEST_MODEL_DESCRIPTIONS_H

#include "support.h"

#include "model/description.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* LSTM, I = 6, H = 5, two layers, both directions, embedding of 6 symbols, head of 3. */
extern const clrnn_model_desc lstm_desc;
/* GRU, I = 4, H = 5. */
extern const clrnn_model_desc gru_desc;

clrnn_tensors *new_set(void);

/** Add zeros of type F32. */
void add_zeros(clrnn_tensors *set, const char *name, uint32_t rank, uint64_t rows,
               uint64_t columns);

/** The tensors of a model, without any JSON. */
clrnn_tensors *tensors_of(const clrnn_model_desc *desc, const char *prefix);

/** Fails unless exactly this description is read. */
void assert_reads(const clrnn_tensors *set, const clrnn_model_desc *expected,
                  const char *expected_prefix);

/** Fails unless reading is refused with an error that contains `error`, and changes nothing. */
void assert_refused(const clrnn_tensors *set, const char *error);

#endif
