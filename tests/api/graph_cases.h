/* SPDX-License-Identifier: MIT
 * tests/api/graph_cases.h - the cases of clrnn/graph.h and its neighbours, for tests/api/cases.h.
 */
#ifndef TEST_API_GRAPH_CASES_H
#define TEST_API_GRAPH_CASES_H

#define GRAPH_CASES(CASE)                                                                      \
    CASE(clrnn_graph_create, log, FINE(clrnn_graph_create(NULL, NULL, &o.empty)))              \
    CASE(clrnn_graph_create, desc,                                                             \
         (clrnn_graph_destroy(&o.empty), FINE(clrnn_graph_create(&test_log, NULL, &o.empty)))) \
    CASE(clrnn_graph_create, graph, REFUSED(clrnn_graph_create(&test_log, NULL, NULL)))        \
    CASE(clrnn_graph_destroy, graph, IGNORED(clrnn_graph_destroy(NULL)))                       \
    CASE(clrnn_graph_input, graph, MUTE(clrnn_graph_input(NULL, &o.graph_x)))                  \
    CASE(clrnn_graph_input, desc, REFUSED(clrnn_graph_input(o.empty, NULL)))                   \
    CASE(clrnn_graph_add, graph, MUTE(clrnn_graph_add(NULL, &o.graph_node, NULL)))             \
    CASE(clrnn_graph_add, desc, REFUSED(clrnn_graph_add(o.empty, NULL, NULL)))                 \
    CASE(clrnn_graph_add, index,                                                               \
         (clrnn_graph_input(o.empty, &o.graph_x),                                              \
          FINE(clrnn_graph_add(o.empty, &o.graph_node, NULL))))                                \
    CASE(clrnn_graph_output, graph, MUTE(clrnn_graph_output(NULL, "y", NULL)))                 \
    CASE(clrnn_graph_output, name, REFUSED(clrnn_graph_output(o.empty, NULL, NULL)))           \
    CASE(clrnn_graph_output, value, FINE(clrnn_graph_output(o.empty, "y", NULL)))              \
    CASE(clrnn_function_defaults, alpha,                                                       \
         (clrnn_function_defaults(CLRNN_FN_ELU, NULL, &o.number), o.number == 0))              \
    CASE(clrnn_function_defaults, beta,                                                        \
         (clrnn_function_defaults(CLRNN_FN_ELU, &o.number, NULL), o.number == 1))              \
    CASE(clrnn_graph_inputs, graph, clrnn_graph_inputs(NULL) == 0)                             \
    CASE(clrnn_graph_nodes, graph, clrnn_graph_nodes(NULL) == 0)                               \
    CASE(clrnn_graph_sample_rate, graph, clrnn_graph_sample_rate(NULL) == 0)                   \
    CASE(clrnn_graph_set_sample_rate, graph, MUTE(clrnn_graph_set_sample_rate(NULL, 48000)))   \
    CASE(clrnn_graph_outputs, graph, clrnn_graph_outputs(NULL) == 0)                           \
    CASE(clrnn_graph_input_at, graph, !clrnn_graph_input_at(NULL, 0, &o.value_info))           \
    CASE(clrnn_graph_input_at, info, !clrnn_graph_input_at(o.graph, 0, NULL))                  \
    CASE(clrnn_graph_output_at, graph, !clrnn_graph_output_at(NULL, 0, &o.value_info))         \
    CASE(clrnn_graph_output_at, info, !clrnn_graph_output_at(o.graph, 0, NULL))                \
    CASE(clrnn_graph_value, graph, !clrnn_graph_value(NULL, "x", &o.value_info))               \
    CASE(clrnn_graph_value, name, !clrnn_graph_value(o.graph, NULL, &o.value_info))            \
    CASE(clrnn_graph_value, info, !clrnn_graph_value(o.graph, "x", NULL))                      \
    CASE(clrnn_graph_node, graph, !clrnn_graph_node(NULL, 0))

#define GRAPH_PARAMETER_CASES(CASE)                                                         \
    CASE(clrnn_graph_parameters, graph, clrnn_graph_parameters(NULL) == 0)                  \
    CASE(clrnn_graph_parameter_count, graph, clrnn_graph_parameter_count(NULL) == 0)        \
    CASE(clrnn_graph_parameter_at, graph, !clrnn_graph_parameter_at(NULL, 0, &o.parameter)) \
    CASE(clrnn_graph_parameter_at, parameter, !clrnn_graph_parameter_at(o.graph, 0, NULL))  \
    CASE(clrnn_graph_parameter_find, graph,                                                 \
         !clrnn_graph_parameter_find(NULL, "n.weight", &o.parameter))                       \
    CASE(clrnn_graph_parameter_find, name,                                                  \
         !clrnn_graph_parameter_find(o.graph, NULL, &o.parameter))                          \
    CASE(clrnn_graph_parameter_find, parameter,                                             \
         !clrnn_graph_parameter_find(o.graph, "n.weight", NULL))                            \
    CASE(clrnn_graph_data, graph, !clrnn_graph_data(NULL))                                  \
    CASE(clrnn_graph_set_parameter, graph,                                                  \
         MUTE(clrnn_graph_set_parameter(NULL, "n.weight", o.doubles, 4)))                   \
    CASE(clrnn_graph_set_parameter, name,                                                   \
         REFUSED(clrnn_graph_set_parameter(o.graph, NULL, o.doubles, 4)))                   \
    CASE(clrnn_graph_set_parameter, values,                                                 \
         REFUSED(clrnn_graph_set_parameter(o.graph, "n.weight", NULL, 4)))                  \
    CASE(clrnn_graph_set_tensor, graph,                                                     \
         MUTE(clrnn_graph_set_tensor(NULL, "n.weight", clrnn_tensors_at(o.set, 0))))        \
    CASE(clrnn_graph_set_tensor, name,                                                      \
         REFUSED(clrnn_graph_set_tensor(o.graph, NULL, clrnn_tensors_at(o.set, 0))))        \
    CASE(clrnn_graph_set_tensor, tensor,                                                    \
         REFUSED(clrnn_graph_set_tensor(o.graph, "n.weight", NULL)))                        \
    CASE(clrnn_graph_initialize, graph, MUTE(clrnn_graph_initialize(NULL, 1)))              \
    CASE(clrnn_graph_save, graph, MUTE(clrnn_graph_save(NULL, "/missing/x")))               \
    CASE(clrnn_graph_save, path, REFUSED(clrnn_graph_save(o.graph, NULL)))                  \
    CASE(clrnn_graph_load, path,                                                            \
         REFUSED(clrnn_graph_load(NULL, CLRNN_F32, &test_log, &o.no_graph)))                \
    CASE(clrnn_graph_load, log,                                                             \
         clrnn_graph_load("/missing", CLRNN_F32, NULL, &o.no_graph) == CLRNN_ERR_IO)        \
    CASE(clrnn_graph_load, graph, REFUSED(clrnn_graph_load("/x", CLRNN_F32, &test_log, NULL)))

#define GRAPH_PLAN_CASES(CASE)                                                                  \
    CASE(clrnn_graph_plan_create, context,                                                      \
         MUTE(clrnn_graph_plan_create(NULL, o.graph, &o.graph_planned, &o.no_graph_plan)))      \
    CASE(clrnn_graph_plan_create, graph,                                                        \
         REFUSED(clrnn_graph_plan_create(o.context, NULL, &o.graph_planned, &o.no_graph_plan))) \
    CASE(clrnn_graph_plan_create, desc,                                                         \
         REFUSED(clrnn_graph_plan_create(o.context, o.graph, NULL, &o.no_graph_plan)))          \
    CASE(clrnn_graph_plan_create, plan,                                                         \
         REFUSED(clrnn_graph_plan_create(o.context, o.graph, &o.graph_planned, NULL)))          \
    CASE(clrnn_graph_plan_destroy, plan, IGNORED(clrnn_graph_plan_destroy(NULL)))               \
    CASE(clrnn_graph_plan_set_parameters, plan,                                                 \
         MUTE(clrnn_graph_plan_set_parameters(NULL, o.numbers)))                                \
    CASE(clrnn_graph_plan_set_parameters, from,                                                 \
         REFUSED(clrnn_graph_plan_set_parameters(o.graph_plan, NULL)))                          \
    CASE(clrnn_graph_plan_get_parameters, plan,                                                 \
         MUTE(clrnn_graph_plan_get_parameters(NULL, o.room)))                                   \
    CASE(clrnn_graph_plan_get_parameters, to,                                                   \
         REFUSED(clrnn_graph_plan_get_parameters(o.graph_plan, NULL)))                          \
    CASE(clrnn_graph_plan_shape, plan,                                                          \
         MUTE(clrnn_graph_plan_shape(NULL, "x", 1, 1, &o.symbols, o.axes)))                     \
    CASE(clrnn_graph_plan_shape, name,                                                          \
         REFUSED(clrnn_graph_plan_shape(o.graph_plan, NULL, 1, 1, &o.symbols, o.axes)))         \
    CASE(clrnn_graph_plan_shape, rank,                                                          \
         REFUSED(clrnn_graph_plan_shape(o.graph_plan, "x", 1, 1, NULL, o.axes)))                \
    CASE(clrnn_graph_plan_forward, plan, MUTE(clrnn_graph_plan_forward(NULL, &o.graph_io)))     \
    CASE(clrnn_graph_plan_forward, io, REFUSED(clrnn_graph_plan_forward(o.graph_plan, NULL)))   \
    CASE(clrnn_graph_plan_backward, plan, MUTE(clrnn_graph_plan_backward(NULL, &o.graph_back))) \
    CASE(clrnn_graph_plan_backward, gradients,                                                  \
         REFUSED(clrnn_graph_plan_backward(o.graph_plan, NULL)))                                \
    CASE(clrnn_graph_plan_get_info, plan, !clrnn_graph_plan_get_info(NULL))                     \
    CASE(clrnn_graph_plan_node_info, plan, !clrnn_graph_plan_node_info(NULL, 0))

#define GRAPH_STREAM_CASES(CASE)                                                                   \
    CASE(clrnn_graph_stream_create, context,                                                       \
         MUTE(clrnn_graph_stream_create(NULL, o.graph, &o.graph_streamed, &o.no_graph_stream)))    \
    CASE(clrnn_graph_stream_create, graph,                                                         \
         REFUSED(                                                                                  \
             clrnn_graph_stream_create(o.context, NULL, &o.graph_streamed, &o.no_graph_stream)))   \
    CASE(clrnn_graph_stream_create, desc,                                                          \
         REFUSED(clrnn_graph_stream_create(o.context, o.graph, NULL, &o.no_graph_stream)))         \
    CASE(clrnn_graph_stream_create, stream,                                                        \
         REFUSED(clrnn_graph_stream_create(o.context, o.graph, &o.graph_streamed, NULL)))          \
    CASE(clrnn_graph_stream_destroy, stream, IGNORED(clrnn_graph_stream_destroy(NULL)))            \
    CASE(clrnn_graph_stream_process, stream, MUTE(clrnn_graph_stream_process(NULL, &o.graph_io)))  \
    CASE(clrnn_graph_stream_process, io,                                                           \
         REFUSED(clrnn_graph_stream_process(o.graph_stream, NULL)))                                \
    CASE(clrnn_graph_stream_reset, stream, MUTE(clrnn_graph_stream_reset(NULL, 0)))                \
    CASE(clrnn_graph_stream_state_count, stream, clrnn_graph_stream_state_count(NULL) == 0)        \
    CASE(clrnn_graph_stream_get_state, stream,                                                     \
         MUTE(clrnn_graph_stream_get_state(NULL, 0, o.room)))                                      \
    CASE(clrnn_graph_stream_get_state, state,                                                      \
         REFUSED(clrnn_graph_stream_get_state(o.graph_stream, 0, NULL)))                           \
    CASE(clrnn_graph_stream_set_state, stream,                                                     \
         MUTE(clrnn_graph_stream_set_state(NULL, 0, o.numbers)))                                   \
    CASE(clrnn_graph_stream_set_state, state,                                                      \
         REFUSED(clrnn_graph_stream_set_state(o.graph_stream, 0, NULL)))                           \
    CASE(clrnn_graph_stream_fork, stream, MUTE(clrnn_graph_stream_fork(NULL, &o.no_graph_stream))) \
    CASE(clrnn_graph_stream_fork, fork, REFUSED(clrnn_graph_stream_fork(o.graph_stream, NULL)))    \
    CASE(clrnn_graph_stream_set_parameters, stream,                                                \
         MUTE(clrnn_graph_stream_set_parameters(NULL, o.numbers)))                                 \
    CASE(clrnn_graph_stream_set_parameters, from,                                                  \
         REFUSED(clrnn_graph_stream_set_parameters(o.graph_stream, NULL)))                         \
    CASE(clrnn_graph_stream_save, stream, MUTE(clrnn_graph_stream_save(NULL, "/missing/x")))       \
    CASE(clrnn_graph_stream_save, path, REFUSED(clrnn_graph_stream_save(o.graph_stream, NULL)))    \
    CASE(clrnn_graph_stream_load, stream, MUTE(clrnn_graph_stream_load(NULL, "/missing")))         \
    CASE(clrnn_graph_stream_load, path, REFUSED(clrnn_graph_stream_load(o.graph_stream, NULL)))    \
    CASE(clrnn_graph_stream_process_rows, stream,                                                  \
         MUTE(clrnn_graph_stream_process_rows(NULL, 1, o.rows_in, o.rows_out)))                    \
    CASE(clrnn_graph_stream_process_rows, x,                                                       \
         REFUSED(clrnn_graph_stream_process_rows(o.graph_stream, 1, NULL, o.rows_out)))            \
    CASE(clrnn_graph_stream_process_rows, y,                                                       \
         REFUSED(clrnn_graph_stream_process_rows(o.graph_stream, 1, o.rows_in, NULL)))             \
    CASE(clrnn_graph_stream_capture_rest, stream, MUTE(clrnn_graph_stream_capture_rest(NULL, 0)))  \
    CASE(clrnn_graph_stream_set_rest, stream, MUTE(clrnn_graph_stream_set_rest(NULL, o.numbers)))  \
    CASE(clrnn_graph_stream_set_rest, state,                                                       \
         FINE(clrnn_graph_stream_set_rest(o.graph_stream, NULL)))                                  \
    CASE(clrnn_graph_stream_offer, stream,                                                         \
         MUTE(clrnn_graph_stream_offer(NULL, &o.no_graph_stream, 0)))                              \
    CASE(clrnn_graph_stream_offer, next,                                                           \
         REFUSED(clrnn_graph_stream_offer(o.graph_stream, NULL, 0)))                               \
    CASE(clrnn_graph_stream_collect, stream, !clrnn_graph_stream_collect(NULL))

#endif
