/* SPDX-License-Identifier: MIT
 * train/options.h - the options of a trainer. */
#ifndef CLR_TRAIN_OPTIONS_H
#define CLR_TRAIN_OPTIONS_H

#include <clrnn/trainer.h>

/* The options that are real numbers from 0 to below `limit`; 0 stands for `fallback`. */
typedef struct clr_number_option {
    const char *name;
    size_t offset; /* of the double in clrnn_trainer_desc */
    double limit, fallback;
    unsigned users; /* the optimisers that use it, bit 1 << clrnn_optimizer for each */
} clr_number_option;

enum { CLR_NUMBER_OPTIONS = 8 };
extern const clr_number_option clr_number_options[CLR_NUMBER_OPTIONS];

static inline double clr_number(const clrnn_trainer_desc *desc, const clr_number_option *option)
{
    return *(const double *)(const void *)((const char *)desc + option->offset);
}

/** Check options and fill in defaults. options: out, unspecified on failure.
 *  Returns: CLRNN_OK, CLRNN_ERR_ARGUMENT, CLRNN_ERR_RANGE (the log names the option) */
clrnn_status clr_options_check(const clrnn_trainer_desc *desc, const clrnn_log *log,
                               clrnn_trainer_desc *options);

/** Learning rate of the step after `done` steps. */
double clr_options_rate(const clrnn_trainer_desc *options, uint64_t done);

/** Whether a loss compares logits with values, [T,N,O], and not with classes. */
static inline bool clr_loss_has_values(clrnn_loss loss)
{
    return loss != CLRNN_LOSS_CROSS_ENTROPY && loss != CLRNN_LOSS_CTC;
}

/** How many values a row of so many outputs is compared with. */
static inline size_t clr_loss_values(clrnn_loss loss, size_t outputs)
{
    return loss == CLRNN_LOSS_GAUSSIAN ? outputs / 2 : outputs;
}

#define CLR_SILENCE 1e-5 /* of a mean square of sound: Wright et al. add as much */

/** Whether a loss looks beyond a row: its rows must be [T,N]. */
static inline bool clr_loss_is_of_sequences(clrnn_loss loss)
{
    return loss == CLRNN_LOSS_ESR || loss == CLRNN_LOSS_CTC;
}

/** "adam", ...: names in checkpoints. */
const char *clr_optimizer_name(clrnn_optimizer optimizer);
const char *clr_loss_name(clrnn_loss loss);
const char *clr_schedule_name(clrnn_schedule schedule);

#endif
