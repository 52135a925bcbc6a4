/* SPDX-License-Identifier: MIT
 * tests/api/cases.h - each pointer of each exported function as NULL, the others as they should be.
 *
 * A case is CASE(function, parameter, holds): `holds` makes the call, and is true if it did what it
 * should. tests/api/cases.py knows from the headers which cases there must be. */
#ifndef TEST_API_CASES_H
#define TEST_API_CASES_H

#include "api/format_cases.h"
#include "api/graph_cases.h"
#include "api/graph_trainer_cases.h"
#include "api/trace_cases.h"

/* An error with a reason in the log; the same where the call has no log to send it to. */
#define REFUSED(call) (test_last_error[0] = 0, (call) == CLRNN_ERR_ARGUMENT && test_last_error[0])
#define MUTE(call)    ((call) == CLRNN_ERR_ARGUMENT)
#define FINE(call)    ((call) == CLRNN_OK)
#define IGNORED(call) ((call), true)

#define CONTEXT_CASES(CASE)                                                                        \
    CASE(clrnn_devices_list, log, FINE(clrnn_devices_list(NULL, &o.devices, &o.count)))            \
    CASE(clrnn_devices_list, devices, REFUSED(clrnn_devices_list(&test_log, NULL, &o.count)))      \
    CASE(clrnn_devices_list, count, REFUSED(clrnn_devices_list(&test_log, &o.none, NULL)))         \
    CASE(clrnn_devices_free, devices, IGNORED(clrnn_devices_free(NULL)))                           \
    CASE(clrnn_context_create, desc, FINE(clrnn_context_create(NULL, &o.usual)))                   \
    CASE(clrnn_context_create, context, REFUSED(clrnn_context_create(&o.opening, NULL)))           \
    CASE(clrnn_context_destroy, context, IGNORED(clrnn_context_destroy(NULL)))                     \
    CASE(clrnn_context_device, context, !clrnn_context_device(NULL))                               \
    CASE(clrnn_context_cl, context, !clrnn_context_cl(NULL))                                       \
    CASE(clrnn_context_queue, context, !clrnn_context_queue(NULL))                                 \
    CASE(clrnn_context_finish, context, MUTE(clrnn_context_finish(NULL)))                          \
    CASE(clrnn_context_report, context, MUTE(clrnn_context_report(NULL, &o.report)))               \
    CASE(clrnn_context_report, report, REFUSED(clrnn_context_report(o.context, NULL)))             \
    CASE(clrnn_devices_report, log, FINE(clrnn_devices_report(NULL, &o.report)))                   \
    CASE(clrnn_devices_report, report, REFUSED(clrnn_devices_report(&test_log, NULL)))             \
    CASE(clrnn_report_destroy, report, IGNORED(clrnn_report_destroy(NULL)))                        \
    CASE(clrnn_report_count, report, clrnn_report_count(NULL) == 0)                                \
    CASE(clrnn_report_at, report, !clrnn_report_at(NULL, 0))                                       \
    CASE(clrnn_report_format, report, clrnn_report_format(NULL, CLRNN_REPORT_TEXT, o.text, 8) < 0) \
    CASE(clrnn_report_format, text, clrnn_report_format(o.report, CLRNN_REPORT_JSON, NULL, 0) > 0)

#define NETWORK_CASES(CASE)                                                                        \
    CASE(clrnn_network_weights, desc,                                                              \
         REFUSED(clrnn_network_weights(NULL, &test_log, &o.count, &o.count)))                      \
    CASE(clrnn_network_weights, log,                                                               \
         FINE(clrnn_network_weights(&o.planned.network, NULL, &o.count, &o.count)))                \
    CASE(clrnn_network_weights, tensors,                                                           \
         FINE(clrnn_network_weights(&o.planned.network, &test_log, NULL, &o.count)))               \
    CASE(clrnn_network_weights, elements,                                                          \
         FINE(clrnn_network_weights(&o.planned.network, &test_log, &o.count, NULL)))               \
    CASE(clrnn_network_weight, desc, REFUSED(clrnn_network_weight(NULL, &test_log, 0, &o.weight))) \
    CASE(clrnn_network_weight, log,                                                                \
         FINE(clrnn_network_weight(&o.planned.network, NULL, 0, &o.weight)))                       \
    CASE(clrnn_network_weight, info,                                                               \
         REFUSED(clrnn_network_weight(&o.planned.network, &test_log, 0, NULL)))

#define PACK_CASES(CASE)                                                                         \
    CASE(clrnn_pack_count, packing, REFUSED(clrnn_pack_count(NULL, &test_log, &o.count)))        \
    CASE(clrnn_pack_count, log, FINE(clrnn_pack_count(&o.packing, NULL, &o.count)))              \
    CASE(clrnn_pack_count, rows, REFUSED(clrnn_pack_count(&o.packing, &test_log, NULL)))         \
    CASE(clrnn_pack_rows, packing, REFUSED(clrnn_pack_rows(NULL, &test_log, o.numbers, o.room))) \
    CASE(clrnn_pack_rows, log, FINE(clrnn_pack_rows(&o.packing, NULL, o.numbers, o.room)))       \
    CASE(clrnn_pack_rows, padded, REFUSED(clrnn_pack_rows(&o.packing, &test_log, NULL, o.room))) \
    CASE(clrnn_pack_rows, packed,                                                                \
         REFUSED(clrnn_pack_rows(&o.packing, &test_log, o.numbers, NULL)))                       \
    CASE(clrnn_unpack_rows, packing,                                                             \
         REFUSED(clrnn_unpack_rows(NULL, &test_log, o.numbers, NULL, o.room)))                   \
    CASE(clrnn_unpack_rows, log,                                                                 \
         FINE(clrnn_unpack_rows(&o.packing, NULL, o.numbers, NULL, o.room)))                     \
    CASE(clrnn_unpack_rows, packed,                                                              \
         REFUSED(clrnn_unpack_rows(&o.packing, &test_log, NULL, NULL, o.room)))                  \
    CASE(clrnn_unpack_rows, padding,                                                             \
         FINE(clrnn_unpack_rows(&o.packing, &test_log, o.numbers, NULL, o.room)))                \
    CASE(clrnn_unpack_rows, padded,                                                              \
         REFUSED(clrnn_unpack_rows(&o.packing, &test_log, o.numbers, NULL, NULL)))

#define PLAN_CASES(CASE)                                                                           \
    CASE(clrnn_plan_create, context, MUTE(clrnn_plan_create(NULL, &o.planned, &o.no_plan)))        \
    CASE(clrnn_plan_create, desc, REFUSED(clrnn_plan_create(o.context, NULL, &o.no_plan)))         \
    CASE(clrnn_plan_create, plan, REFUSED(clrnn_plan_create(o.context, &o.planned, NULL)))         \
    CASE(clrnn_plan_destroy, plan, IGNORED(clrnn_plan_destroy(NULL)))                              \
    CASE(clrnn_plan_get_info, plan, !clrnn_plan_get_info(NULL))                                    \
    CASE(clrnn_plan_set_weights, plan, MUTE(clrnn_plan_set_weights(NULL, o.x)))                    \
    CASE(clrnn_plan_set_weights, weights,                                                          \
         REFUSED(clrnn_plan_set_weights(o.plan, (clrnn_slice){0})))                                \
    CASE(clrnn_plan_set_weights_host, plan, MUTE(clrnn_plan_set_weights_host(NULL, o.numbers)))    \
    CASE(clrnn_plan_set_weights_host, weights, REFUSED(clrnn_plan_set_weights_host(o.plan, NULL))) \
    CASE(clrnn_forward, plan, MUTE(clrnn_forward(NULL, &o.there.forward, NULL)))                   \
    CASE(clrnn_forward, io, REFUSED(clrnn_forward(o.plan, NULL, NULL)))                            \
    CASE(clrnn_forward, done, FINE(clrnn_forward(o.plan, &o.there.forward, NULL)))                 \
    CASE(clrnn_backward, plan, MUTE(clrnn_backward(NULL, &o.there, NULL)))                         \
    CASE(clrnn_backward, io, REFUSED(clrnn_backward(o.plan, NULL, NULL)))                          \
    CASE(clrnn_backward, done, FINE(clrnn_backward(o.plan, &o.there, NULL)))                       \
    CASE(clrnn_forward_host, plan, MUTE(clrnn_forward_host(NULL, &o.here)))                        \
    CASE(clrnn_forward_host, io, REFUSED(clrnn_forward_host(o.plan, NULL)))                        \
    CASE(clrnn_backward_host, plan, MUTE(clrnn_backward_host(NULL, &o.here)))                      \
    CASE(clrnn_backward_host, io, REFUSED(clrnn_backward_host(o.plan, NULL)))

#define STREAM_CASES(CASE)                                                                     \
    CASE(clrnn_stream_create, plan, MUTE(clrnn_stream_create(NULL, &o.no_stream)))             \
    CASE(clrnn_stream_create, stream, REFUSED(clrnn_stream_create(o.streaming, NULL)))         \
    CASE(clrnn_stream_destroy, stream, IGNORED(clrnn_stream_destroy(NULL)))                    \
    CASE(clrnn_stream_process, stream, MUTE(clrnn_stream_process(NULL, o.numbers, 1, o.room))) \
    CASE(clrnn_stream_process, x, REFUSED(clrnn_stream_process(o.stream, NULL, 1, o.room)))    \
    CASE(clrnn_stream_process, y, REFUSED(clrnn_stream_process(o.stream, o.numbers, 1, NULL))) \
    CASE(clrnn_stream_reset, stream, MUTE(clrnn_stream_reset(NULL)))                           \
    CASE(clrnn_stream_set_state, stream, MUTE(clrnn_stream_set_state(NULL, o.numbers, NULL)))  \
    CASE(clrnn_stream_set_state, h, FINE(clrnn_stream_set_state(o.stream, NULL, o.numbers)))   \
    CASE(clrnn_stream_set_state, c, FINE(clrnn_stream_set_state(o.stream, o.numbers, NULL)))   \
    CASE(clrnn_stream_get_state, stream, MUTE(clrnn_stream_get_state(NULL, o.room, NULL)))     \
    CASE(clrnn_stream_get_state, h, FINE(clrnn_stream_get_state(o.stream, NULL, o.room)))      \
    CASE(clrnn_stream_get_state, c, FINE(clrnn_stream_get_state(o.stream, o.room, NULL)))

#define PROBLEM_CASES(CASE)                                                                        \
    CASE(clrnn_problem_parse, text, REFUSED(clrnn_problem_parse(NULL, &test_log, &o.problem)))     \
    CASE(clrnn_problem_parse, log, FINE(clrnn_problem_parse("H=3,I=2,T=1", NULL, &o.problem)))     \
    CASE(clrnn_problem_parse, problem, REFUSED(clrnn_problem_parse("H=3", &test_log, NULL)))       \
    CASE(clrnn_problem_format, problem,                                                            \
         clrnn_problem_format(NULL, o.text, sizeof o.text) == 0 && o.text[0] == 0)                 \
    CASE(clrnn_problem_format, text,                                                               \
         clrnn_problem_format(&o.problem, NULL, 9) == clrnn_problem_format(&o.problem, NULL, 0))   \
    CASE(clrnn_problem_check, context, MUTE(clrnn_problem_check(NULL, &o.problem, 1, &o.check)))   \
    CASE(clrnn_problem_check, problem, REFUSED(clrnn_problem_check(o.context, NULL, 1, &o.check))) \
    CASE(clrnn_problem_check, check, REFUSED(clrnn_problem_check(o.context, &o.problem, 1, NULL)))

#define BUFFER_CASES(CASE)                                                                         \
    CASE(clrnn_buffer_create, context, MUTE(clrnn_buffer_create(NULL, 4, &o.no_buffer)))           \
    CASE(clrnn_buffer_create, buffer, REFUSED(clrnn_buffer_create(o.context, 4, NULL)))            \
    CASE(clrnn_buffer_destroy, buffer, (clrnn_buffer_destroy(NULL), true))                         \
    CASE(clrnn_buffer_write, context, MUTE(clrnn_buffer_write(NULL, o.x.buffer, 0, 4, o.room)))    \
    CASE(clrnn_buffer_write, from, REFUSED(clrnn_buffer_write(o.context, o.x.buffer, 0, 4, NULL))) \
    CASE(clrnn_buffer_read, context, MUTE(clrnn_buffer_read(NULL, o.x.buffer, 0, 4, o.room)))      \
    CASE(clrnn_buffer_read, to, REFUSED(clrnn_buffer_read(o.context, o.x.buffer, 0, 4, NULL)))

#define TUNE_CASES(CASE)                                                          \
    CASE(clrnn_tune, context, MUTE(clrnn_tune(NULL, &o.planned, &o.tuning)))      \
    CASE(clrnn_tune, desc, REFUSED(clrnn_tune(o.context, NULL, &o.tuning)))       \
    CASE(clrnn_tune, tuning, REFUSED(clrnn_tune(o.context, &o.planned, NULL)))    \
    CASE(clrnn_tuning_destroy, tuning, (clrnn_tuning_destroy(NULL), true))        \
    CASE(clrnn_tuning_config, tuning, clrnn_tuning_config(NULL, 0) == NULL)       \
    CASE(clrnn_exec_config_seconds, config, clrnn_exec_config_seconds(NULL) == 0) \
    CASE(clrnn_exec_config_format, config,                                        \
         clrnn_exec_config_format(NULL, o.text, sizeof o.text) == -1)             \
    CASE(clrnn_exec_config_format, text,                                          \
         clrnn_exec_config_format(&o.config, NULL, 9) ==                          \
             clrnn_exec_config_format(&o.config, NULL, 0))

#define TENSORS_CASES(CASE)                                                                        \
    CASE(clrnn_tensors_create, log, FINE(clrnn_tensors_create(NULL, &o.another)))                  \
    CASE(clrnn_tensors_create, set, REFUSED(clrnn_tensors_create(&test_log, NULL)))                \
    CASE(clrnn_tensors_destroy, set, IGNORED(clrnn_tensors_destroy(NULL)))                         \
    CASE(clrnn_tensors_load, path, REFUSED(clrnn_tensors_load(NULL, &test_log, &o.no_set)))        \
    CASE(clrnn_tensors_load, log, clrnn_tensors_load("/missing", NULL, &o.no_set) == CLRNN_ERR_IO) \
    CASE(clrnn_tensors_load, set, REFUSED(clrnn_tensors_load("/missing", &test_log, NULL)))        \
    CASE(clrnn_csv_load, path, REFUSED(clrnn_csv_load(NULL, NULL, &test_log, &o.no_set)))          \
    CASE(clrnn_csv_load, columns,                                                                  \
         clrnn_csv_load("/missing", NULL, &test_log, &o.no_set) == CLRNN_ERR_IO)                   \
    CASE(clrnn_csv_load, log, clrnn_csv_load("/missing", "a", NULL, &o.no_set) == CLRNN_ERR_IO)    \
    CASE(clrnn_csv_load, set, REFUSED(clrnn_csv_load("/missing", NULL, &test_log, NULL)))          \
    CASE(clrnn_csv_load_words, path,                                                               \
         REFUSED(clrnn_csv_load_words(NULL, "a", &test_log, &o.no_set)))                           \
    CASE(clrnn_csv_load_words, column,                                                             \
         REFUSED(clrnn_csv_load_words("/missing", NULL, &test_log, &o.no_set)))                    \
    CASE(clrnn_csv_load_words, log,                                                                \
         clrnn_csv_load_words("/missing", "a", NULL, &o.no_set) == CLRNN_ERR_IO)                   \
    CASE(clrnn_csv_load_words, set,                                                                \
         REFUSED(clrnn_csv_load_words("/missing", "a", &test_log, NULL)))                          \
    CASE(clrnn_tensors_parse, data,                                                                \
         REFUSED(clrnn_tensors_parse(NULL, 9, "name", &test_log, &o.no_set)))                      \
    CASE(clrnn_tensors_parse, name,                                                                \
         REFUSED(clrnn_tensors_parse("?", 1, NULL, &test_log, &o.no_set)))                         \
    CASE(clrnn_tensors_parse, log,                                                                 \
         clrnn_tensors_parse("?", 1, "name", NULL, &o.no_set) != CLRNN_OK)                         \
    CASE(clrnn_tensors_parse, set, REFUSED(clrnn_tensors_parse("?", 1, "name", &test_log, NULL)))  \
    CASE(clrnn_tensors_save, set, MUTE(clrnn_tensors_save(NULL, "/missing/x.npy")))                \
    CASE(clrnn_tensors_save, path, REFUSED(clrnn_tensors_save(o.set, NULL)))                       \
    CASE(clrnn_tensors_count, set, clrnn_tensors_count(NULL) == 0)                                 \
    CASE(clrnn_tensors_at, set, !clrnn_tensors_at(NULL, 0))                                        \
    CASE(clrnn_tensors_find, set, !clrnn_tensors_find(NULL, "x"))                                  \
    CASE(clrnn_tensors_find, name, !clrnn_tensors_find(o.set, NULL))                               \
    CASE(clrnn_tensors_metadata, set, !clrnn_tensors_metadata(NULL, "key"))                        \
    CASE(clrnn_tensors_metadata, key, !clrnn_tensors_metadata(o.set, NULL))                        \
    CASE(clrnn_tensors_metadata_at, set, !clrnn_tensors_metadata_at(NULL, 0, &o.value))            \
    CASE(clrnn_tensors_metadata_at, value,                                                         \
         clrnn_tensors_metadata_at(o.set, 0, NULL) ==                                              \
             clrnn_tensors_metadata_at(o.set, 0, &o.value))                                        \
    CASE(clrnn_tensors_add, set,                                                                   \
         MUTE(clrnn_tensors_add(NULL, "y", CLRNN_DTYPE_F32, 1, o.shape, o.numbers)))               \
    CASE(clrnn_tensors_add, name,                                                                  \
         REFUSED(clrnn_tensors_add(o.set, NULL, CLRNN_DTYPE_F32, 1, o.shape, o.numbers)))          \
    CASE(clrnn_tensors_add, shape,                                                                 \
         REFUSED(clrnn_tensors_add(o.set, "y", CLRNN_DTYPE_F32, 1, NULL, o.numbers)))              \
    CASE(clrnn_tensors_add, data,                                                                  \
         FINE(clrnn_tensors_add(o.set, "zeros", CLRNN_DTYPE_F32, 1, o.shape, NULL)))               \
    CASE(clrnn_tensors_set_metadata, set, MUTE(clrnn_tensors_set_metadata(NULL, "key", "value")))  \
    CASE(clrnn_tensors_set_metadata, key, REFUSED(clrnn_tensors_set_metadata(o.set, NULL, "v")))   \
    CASE(clrnn_tensors_set_metadata, value, REFUSED(clrnn_tensors_set_metadata(o.set, "k", NULL))) \
    CASE(clrnn_tensor_to_f64, tensor, IGNORED(clrnn_tensor_to_f64(NULL, o.doubles)))               \
    CASE(clrnn_tensor_to_f64, out, IGNORED(clrnn_tensor_to_f64(clrnn_tensors_at(o.set, 0), NULL))) \
    CASE(clrnn_tensor_to_f32, tensor, IGNORED(clrnn_tensor_to_f32(NULL, o.room)))                  \
    CASE(clrnn_tensor_to_f32, out, IGNORED(clrnn_tensor_to_f32(clrnn_tensors_at(o.set, 0), NULL)))

#define MODEL_CASES(CASE)                                                                          \
    CASE(clrnn_model_create, context, MUTE(clrnn_model_create(NULL, &o.modelled, 1, &o.no_model))) \
    CASE(clrnn_model_create, desc, REFUSED(clrnn_model_create(o.context, NULL, 1, &o.no_model)))   \
    CASE(clrnn_model_create, model, REFUSED(clrnn_model_create(o.context, &o.modelled, 1, NULL)))  \
    CASE(clrnn_model_from_tensors, context,                                                        \
         MUTE(clrnn_model_from_tensors(NULL, o.set, CLRNN_F32, &o.no_model)))                      \
    CASE(clrnn_model_from_tensors, set,                                                            \
         REFUSED(clrnn_model_from_tensors(o.context, NULL, CLRNN_F32, &o.no_model)))               \
    CASE(clrnn_model_from_tensors, model,                                                          \
         REFUSED(clrnn_model_from_tensors(o.context, o.set, CLRNN_F32, NULL)))                     \
    CASE(clrnn_model_load, context,                                                                \
         MUTE(clrnn_model_load(NULL, "/missing", CLRNN_F32, &o.no_model)))                         \
    CASE(clrnn_model_load, path,                                                                   \
         REFUSED(clrnn_model_load(o.context, NULL, CLRNN_F32, &o.no_model)))                       \
    CASE(clrnn_model_load, model,                                                                  \
         REFUSED(clrnn_model_load(o.context, "/missing", CLRNN_F32, NULL)))                        \
    CASE(clrnn_model_open, context, MUTE(clrnn_model_open(NULL, &o.missing, &o.no_model)))         \
    CASE(clrnn_model_open, source, REFUSED(clrnn_model_open(o.context, NULL, &o.no_model)))        \
    CASE(clrnn_model_open, model, REFUSED(clrnn_model_open(o.context, &o.missing, NULL)))          \
    CASE(clrnn_model_describe, source,                                                             \
         REFUSED(clrnn_model_describe(NULL, &test_log, &o.described, o.vocabulary)))               \
    CASE(clrnn_model_describe, desc,                                                               \
         REFUSED(clrnn_model_describe(&o.missing, &test_log, NULL, o.vocabulary)))                 \
    CASE(clrnn_model_describe, log,                                                                \
         clrnn_model_describe(&o.missing, NULL, &o.described, o.vocabulary) == CLRNN_ERR_IO)       \
    CASE(clrnn_model_to_tensors, model, MUTE(clrnn_model_to_tensors(NULL, o.set)))                 \
    CASE(clrnn_model_to_tensors, set, REFUSED(clrnn_model_to_tensors(o.model, NULL)))              \
    CASE(clrnn_model_save, model, MUTE(clrnn_model_save(NULL, "/missing/x.safetensors")))          \
    CASE(clrnn_model_save, path, REFUSED(clrnn_model_save(o.model, NULL)))                         \
    CASE(clrnn_model_destroy, model, IGNORED(clrnn_model_destroy(NULL)))                           \
    CASE(clrnn_model_get_desc, model, !clrnn_model_get_desc(NULL))                                 \
    CASE(clrnn_model_parameter_count, model, clrnn_model_parameter_count(NULL) == 0)               \
    CASE(clrnn_model_get_parameters, model, MUTE(clrnn_model_get_parameters(NULL, o.room)))        \
    CASE(clrnn_model_get_parameters, parameters,                                                   \
         REFUSED(clrnn_model_get_parameters(o.model, NULL)))                                       \
    CASE(clrnn_model_set_parameters, model, MUTE(clrnn_model_set_parameters(NULL, o.numbers)))     \
    CASE(clrnn_model_set_parameters, parameters,                                                   \
         REFUSED(clrnn_model_set_parameters(o.model, NULL)))                                       \
    CASE(clrnn_model_forward, model, MUTE(clrnn_model_forward(NULL, &o.whole)))                    \
    CASE(clrnn_model_forward, io, REFUSED(clrnn_model_forward(o.model, NULL)))                     \
    CASE(clrnn_model_set_strategy, model,                                                          \
         MUTE(clrnn_model_set_strategy(NULL, CLRNN_STRATEGY_STEPWISE)))                            \
    CASE(clrnn_model_set_storage, model, MUTE(clrnn_model_set_storage(NULL, CLRNN_WEIGHTS_F16)))   \
    CASE(clrnn_model_plan_info, model, !clrnn_model_plan_info(NULL))

#define TRAINER_CASES(CASE)                                                                        \
    CASE(clrnn_trainer_create, model, MUTE(clrnn_trainer_create(NULL, &o.training, &o.nobody)))    \
    CASE(clrnn_trainer_create, desc, REFUSED(clrnn_trainer_create(o.model, NULL, &o.nobody)))      \
    CASE(clrnn_trainer_create, trainer, REFUSED(clrnn_trainer_create(o.model, &o.training, NULL))) \
    CASE(clrnn_trainer_destroy, trainer, IGNORED(clrnn_trainer_destroy(NULL)))                     \
    CASE(clrnn_trainer_step, trainer, MUTE(clrnn_trainer_step(NULL, &o.batch.io, &o.number)))      \
    CASE(clrnn_trainer_step, batch, REFUSED(clrnn_trainer_step(o.trainer, NULL, &o.number)))       \
    CASE(clrnn_trainer_step, loss, FINE(clrnn_trainer_step(o.trainer, &o.batch.io, NULL)))         \
    CASE(clrnn_trainer_differentiate, trainer,                                                     \
         MUTE(clrnn_trainer_differentiate(NULL, &o.batch.io, &o.number, o.doubles)))               \
    CASE(clrnn_trainer_differentiate, batch,                                                       \
         REFUSED(clrnn_trainer_differentiate(o.trainer, NULL, &o.number, o.doubles)))              \
    CASE(clrnn_trainer_differentiate, loss,                                                        \
         REFUSED(clrnn_trainer_differentiate(o.trainer, &o.batch.io, NULL, o.doubles)))            \
    CASE(clrnn_trainer_differentiate, norm,                                                        \
         REFUSED(clrnn_trainer_differentiate(o.trainer, &o.batch.io, &o.number, NULL)))            \
    CASE(clrnn_trainer_evaluate, trainer,                                                          \
         MUTE(clrnn_trainer_evaluate(NULL, &o.batch.io, &o.number, &o.counted)))                   \
    CASE(clrnn_trainer_evaluate, batch,                                                            \
         REFUSED(clrnn_trainer_evaluate(o.trainer, NULL, &o.number, &o.counted)))                  \
    CASE(clrnn_trainer_evaluate, loss_sum,                                                         \
         REFUSED(clrnn_trainer_evaluate(o.trainer, &o.batch.io, NULL, &o.counted)))                \
    CASE(clrnn_trainer_evaluate, count,                                                            \
         REFUSED(clrnn_trainer_evaluate(o.trainer, &o.batch.io, &o.number, NULL)))                 \
    CASE(clrnn_trainer_steps_done, trainer, clrnn_trainer_steps_done(NULL) == 0)                   \
    CASE(clrnn_trainer_trained_count, trainer, clrnn_trainer_trained_count(NULL) == 0)             \
    CASE(clrnn_trainer_learning_rate, trainer, clrnn_trainer_learning_rate(NULL) == 0)             \
    CASE(clrnn_trainer_gradient_norm, trainer, MUTE(clrnn_trainer_gradient_norm(NULL, &o.number))) \
    CASE(clrnn_trainer_gradient_norm, norm, REFUSED(clrnn_trainer_gradient_norm(o.trainer, NULL))) \
    CASE(clrnn_trainer_get_gradient, trainer, MUTE(clrnn_trainer_get_gradient(NULL, o.room)))      \
    CASE(clrnn_trainer_get_gradient, gradient,                                                     \
         REFUSED(clrnn_trainer_get_gradient(o.trainer, NULL)))                                     \
    CASE(clrnn_trainer_save, trainer, MUTE(clrnn_trainer_save(NULL, "/missing/x")))                \
    CASE(clrnn_trainer_save, path, REFUSED(clrnn_trainer_save(o.trainer, NULL)))                   \
    CASE(clrnn_trainer_resume, trainer, MUTE(clrnn_trainer_resume(NULL, "/missing")))              \
    CASE(clrnn_trainer_resume, path, REFUSED(clrnn_trainer_resume(o.trainer, NULL)))               \
    CASE(clrnn_trainer_to_tensors, trainer, MUTE(clrnn_trainer_to_tensors(NULL, o.set)))           \
    CASE(clrnn_trainer_to_tensors, set, REFUSED(clrnn_trainer_to_tensors(o.trainer, NULL)))        \
    CASE(clrnn_trainer_from_tensors, trainer,                                                      \
         MUTE(clrnn_trainer_from_tensors(NULL, o.set, "name")))                                    \
    CASE(clrnn_trainer_from_tensors, set,                                                          \
         REFUSED(clrnn_trainer_from_tensors(o.trainer, NULL, "name")))                             \
    CASE(clrnn_trainer_from_tensors, name,                                                         \
         REFUSED(clrnn_trainer_from_tensors(o.trainer, o.set, NULL)))                              \
    CASE(clrnn_trainer_set_learning_rate, trainer,                                                 \
         MUTE(clrnn_trainer_set_learning_rate(NULL, 0.1)))                                         \
    CASE(clrnn_trainer_freeze, trainer, MUTE(clrnn_trainer_freeze(NULL, "rnn.")))                  \
    CASE(clrnn_trainer_freeze, prefix, REFUSED(clrnn_trainer_freeze(o.trainer, NULL)))

#define TEXT_CASES(CASE)                                                                          \
    CASE(clrnn_text_create, bytes,                                                                \
         REFUSED(clrnn_text_create(NULL, 9, &o.cut, &test_log, &o.no_text)))                      \
    CASE(clrnn_text_create, desc,                                                                 \
         REFUSED(clrnn_text_create("text", 4, NULL, &test_log, &o.no_text)))                      \
    CASE(clrnn_text_create, log, FINE(clrnn_text_create("text", 4, &o.cut, NULL, &o.third)))      \
    CASE(clrnn_text_create, text, REFUSED(clrnn_text_create("text", 4, &o.cut, &test_log, NULL))) \
    CASE(clrnn_text_destroy, text, IGNORED(clrnn_text_destroy(NULL)))                             \
    CASE(clrnn_text_vocabulary, text,                                                             \
         (o.symbols = 7, !clrnn_text_vocabulary(NULL, &o.symbols) && o.symbols == 0))             \
    CASE(clrnn_text_vocabulary, size, clrnn_text_vocabulary(o.writing, NULL)[0] == 'e')           \
    CASE(clrnn_text_batches, text, clrnn_text_batches(NULL, false) == 0)                          \
    CASE(clrnn_text_batch, text,                                                                  \
         IGNORED(clrnn_text_batch(NULL, false, 0, o.ids, o.targets, &o.reset)))                   \
    CASE(clrnn_text_batch, ids,                                                                   \
         IGNORED(clrnn_text_batch(o.writing, false, 0, NULL, o.targets, &o.reset)))               \
    CASE(clrnn_text_batch, targets,                                                               \
         IGNORED(clrnn_text_batch(o.writing, false, 0, o.ids, NULL, &o.reset)))                   \
    CASE(clrnn_text_batch, reset,                                                                 \
         IGNORED(clrnn_text_batch(o.writing, false, 0, o.ids, o.targets, NULL)))                  \
    CASE(clrnn_text_unigram_bits, text, clrnn_text_unigram_bits(NULL) == 0)

#define DATA_CASES(CASE)                                                                           \
    CASE(clrnn_data_create, desc, REFUSED(clrnn_data_create(NULL, &test_log, &o.no_data)))         \
    CASE(clrnn_data_create, log, MUTE(clrnn_data_create(&o.no_arrays, NULL, &o.no_data)))          \
    CASE(clrnn_data_create, data, REFUSED(clrnn_data_create(&o.no_arrays, &test_log, NULL)))       \
    CASE(clrnn_data_create_task, desc,                                                             \
         REFUSED(clrnn_data_create_task(NULL, &test_log, &o.no_data)))                             \
    CASE(clrnn_data_create_task, log,                                                              \
         FINE(clrnn_data_create_task(&o.adding, NULL, &o.other_data)))                             \
    CASE(clrnn_data_create_task, data,                                                             \
         REFUSED(clrnn_data_create_task(&o.adding, &test_log, NULL)))                              \
    CASE(clrnn_data_destroy, data, IGNORED(clrnn_data_destroy(NULL)))                              \
    CASE(clrnn_data_get_info, data, !clrnn_data_get_info(NULL))                                    \
    CASE(clrnn_data_permute, data, MUTE(clrnn_data_permute(NULL, 1)))                              \
    CASE(clrnn_data_split, data, MUTE(clrnn_data_split(NULL, &o.split)))                           \
    CASE(clrnn_data_split, split, REFUSED(clrnn_data_split(o.data, NULL)))                         \
    CASE(clrnn_data_standardise, data, MUTE(clrnn_data_standardise(NULL, true, false)))            \
    CASE(clrnn_data_scaling_to_tensors, data, MUTE(clrnn_data_scaling_to_tensors(NULL, o.set)))    \
    CASE(clrnn_data_scaling_to_tensors, set, REFUSED(clrnn_data_scaling_to_tensors(o.data, NULL))) \
    CASE(clrnn_data_scaling_from_tensors, data,                                                    \
         MUTE(clrnn_data_scaling_from_tensors(NULL, o.set)))                                       \
    CASE(clrnn_data_scaling_from_tensors, set,                                                     \
         REFUSED(clrnn_data_scaling_from_tensors(o.data, NULL)))                                   \
    CASE(clrnn_data_class_counts, data, IGNORED(clrnn_data_class_counts(NULL, &o.counted)))        \
    CASE(clrnn_data_class_counts, counts, IGNORED(clrnn_data_class_counts(o.data, NULL)))          \
    CASE(clrnn_data_batches, data, clrnn_data_batches(NULL, CLRNN_PART_TRAIN) == 0)                \
    CASE(clrnn_data_batch, data, MUTE(clrnn_data_batch(NULL, CLRNN_PART_TRAIN, 0, &o.filled)))     \
    CASE(clrnn_data_batch, batch, REFUSED(clrnn_data_batch(o.data, CLRNN_PART_TRAIN, 0, NULL)))    \
    CASE(clrnn_data_score, data, MUTE(clrnn_data_score(NULL, o.model, CLRNN_PART_TEST, &o.score))) \
    CASE(clrnn_data_score, model,                                                                  \
         REFUSED(clrnn_data_score(o.data, NULL, CLRNN_PART_TEST, &o.score)))                       \
    CASE(clrnn_data_score, score,                                                                  \
         REFUSED(clrnn_data_score(o.data, o.model, CLRNN_PART_TEST, NULL)))                        \
    CASE(clrnn_data_baseline, data,                                                                \
         MUTE(clrnn_data_baseline(NULL, CLRNN_PART_TEST, CLRNN_BASELINE_MEAN, 0, &o.score)))       \
    CASE(clrnn_data_baseline, score,                                                               \
         REFUSED(clrnn_data_baseline(o.data, CLRNN_PART_TEST, CLRNN_BASELINE_MEAN, 0, NULL)))      \
    CASE(clrnn_data_predict, data, MUTE(clrnn_data_predict(NULL, o.model, o.doubles)))             \
    CASE(clrnn_data_predict, model, REFUSED(clrnn_data_predict(o.data, NULL, o.doubles)))          \
    CASE(clrnn_data_predict, out, REFUSED(clrnn_data_predict(o.data, o.model, NULL)))

#define ALL_CASES(CASE)         \
    CONTEXT_CASES(CASE)         \
    NETWORK_CASES(CASE)         \
    PACK_CASES(CASE)            \
    PLAN_CASES(CASE)            \
    STREAM_CASES(CASE)          \
    PROBLEM_CASES(CASE)         \
    BUFFER_CASES(CASE)          \
    TUNE_CASES(CASE)            \
    TENSORS_CASES(CASE)         \
    MODEL_CASES(CASE)           \
    TRAINER_CASES(CASE)         \
    DATA_CASES(CASE)            \
    TEXT_CASES(CASE)            \
    GRAPH_CASES(CASE)           \
    GRAPH_PARAMETER_CASES(CASE) \
    FORMAT_CASES(CASE)          \
    GRAPH_PLAN_CASES(CASE)      \
    GRAPH_STREAM_CASES(CASE)    \
    GRAPH_TRAINER_CASES(CASE)   \
    TRACE_CASES(CASE)

#endif
