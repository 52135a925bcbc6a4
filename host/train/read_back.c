/* SPDX-License-Identifier: MIT
 * train/read_back.c - what of a trainer can be read back. */
#include "base/log.h"
#include "device/buffer.h"
#include "train/options.h"
#include "train/trainer.h"

static const clrnn_log *log_of(const clrnn_trainer *trainer)
{
    return trainer ? &trainer->context->log : NULL;
}

clrnn_status clr_trainer_numbers(const clrnn_trainer *trainer, cl_mem buffer, size_t count,
                                 double values[])
{
    float floats[CLRNN_MOST_LOSSES + 1] = {0};
    bool is_double = trainer->precision == CLRNN_F64;
    clrnn_status status = clr_buffer_read(trainer->context, buffer, 0, count * trainer->real,
                                          is_double ? (void *)values : (void *)floats);
    for (size_t i = 0; i < count && !is_double; i++)
        values[i] = (double)floats[i];
    if (status == CLRNN_OK && trainer->learner->poll)
        trainer->learner->poll(trainer);
    return status;
}

clrnn_status clr_trainer_norm(const clrnn_trainer *trainer, double *norm)
{
    double scaled[2] = {0, 1};
    clrnn_status status = clr_trainer_numbers(trainer, trainer->norm, 2, scaled);
    if (status == CLRNN_OK)
        *norm = scaled[0] / scaled[1]; /* in double: it may be more than a float holds */
    return status;
}

uint64_t clrnn_trainer_steps_done(const clrnn_trainer *trainer)
{
    return trainer ? trainer->steps_done : 0;
}

double clrnn_trainer_learning_rate(const clrnn_trainer *trainer)
{
    return trainer ? clr_options_rate(&trainer->desc, trainer->steps_done) : 0;
}

clrnn_status clrnn_trainer_gradient_norm(clrnn_trainer *trainer, double *norm)
{
    if (!trainer || !norm)
        return clr_fail(log_of(trainer), CLRNN_ERR_ARGUMENT,
                        "clrnn_trainer_gradient_norm: %s is NULL", trainer ? "norm" : "trainer");
    clrnn_status status =
        clr_norm(&trainer->loss, trainer->gradient, trainer->count, trainer->norm);
    return status == CLRNN_OK ? clr_trainer_norm(trainer, norm) : status;
}

clrnn_status clrnn_trainer_get_gradient(clrnn_trainer *trainer, void *gradient)
{
    if (!trainer || !gradient)
        return clr_fail(log_of(trainer), CLRNN_ERR_ARGUMENT,
                        "clrnn_trainer_get_gradient: %s is NULL", trainer ? "gradient" : "trainer");
    return clr_buffer_read(trainer->context, trainer->gradient, 0, trainer->count * trainer->real,
                           gradient);
}

clrnn_status clrnn_trainer_get_parameters(clrnn_trainer *trainer, void *parameters)
{
    if (!trainer || !parameters)
        return clr_fail(log_of(trainer), CLRNN_ERR_ARGUMENT,
                        "clrnn_trainer_get_parameters: %s is NULL",
                        trainer ? "parameters" : "trainer");
    return clr_buffer_read(trainer->context, *trainer->parameters, 0,
                           trainer->count * trainer->real, parameters);
}

clrnn_status clrnn_trainer_set_parameters(clrnn_trainer *trainer, const void *parameters)
{
    if (!trainer || !parameters)
        return clr_fail(log_of(trainer), CLRNN_ERR_ARGUMENT,
                        "clrnn_trainer_set_parameters: %s is NULL",
                        trainer ? "parameters" : "trainer");
    if (trainer->model)
        return clrnn_model_set_parameters(trainer->model, parameters);
    trainer->learner->changed(trainer);
    return clr_buffer_write(trainer->context, *trainer->parameters, 0,
                            trainer->count * trainer->real, parameters);
}
