/* SPDX-License-Identifier: MIT
 * tests/api/format_cases.h - the cases of clrnn/format.h, for tests/api/cases.h. */
#ifndef TEST_API_FORMAT_CASES_H
#define TEST_API_FORMAT_CASES_H

#define FORMAT_CASES(CASE)                                                                        \
    CASE(clrnn_graph_import, path,                                                                \
         REFUSED(clrnn_graph_import(NULL, NULL, &test_log, &o.no_graph)))                         \
    CASE(clrnn_graph_import, desc,                                                                \
         clrnn_graph_import("/missing", NULL, &test_log, &o.no_graph) == CLRNN_ERR_IO)            \
    CASE(clrnn_graph_import, log,                                                                 \
         clrnn_graph_import("/missing", NULL, NULL, &o.no_graph) == CLRNN_ERR_IO)                 \
    CASE(clrnn_graph_import, graph, REFUSED(clrnn_graph_import("/x", NULL, &test_log, NULL)))     \
    CASE(clrnn_graph_export, graph, MUTE(clrnn_graph_export(NULL, "/missing/x.onnx", NULL)))      \
    CASE(clrnn_graph_export, path, REFUSED(clrnn_graph_export(o.graph, NULL, NULL)))              \
    CASE(clrnn_graph_export, format, REFUSED(clrnn_graph_export(o.graph, "/missing/x", NULL)))    \
    CASE(clrnn_format_at, info, !clrnn_format_at(0, NULL))                                        \
    CASE(clrnn_format_inputs, path, REFUSED(clrnn_format_inputs(NULL, &test_log, &o.no_set)))     \
    CASE(clrnn_format_inputs, log, clrnn_format_inputs("/missing", NULL, &o.no_set) != 0)         \
    CASE(clrnn_format_inputs, names, REFUSED(clrnn_format_inputs("/x", &test_log, NULL)))         \
    CASE(clrnn_format_of_file, path, !clrnn_format_of_file(NULL, &test_log))                      \
    CASE(clrnn_onnx_tensor_load, path,                                                            \
         REFUSED(clrnn_onnx_tensor_load(NULL, &test_log, &o.no_set)))                             \
    CASE(clrnn_onnx_tensor_load, log, clrnn_onnx_tensor_load("/missing", NULL, &o.no_set) != 0)   \
    CASE(clrnn_onnx_tensor_load, set, REFUSED(clrnn_onnx_tensor_load("/x", &test_log, NULL)))     \
    CASE(clrnn_format_of_file, log, !clrnn_format_of_file("/missing", NULL))                      \
    CASE(clrnn_ctc_decode, log_y, MUTE(clrnn_ctc_decode(NULL, 1, 2, 0, o.ids, &o.symbols, NULL))) \
    CASE(clrnn_ctc_decode, labels,                                                                \
         MUTE(clrnn_ctc_decode(o.doubles, 1, 2, 0, NULL, &o.symbols, NULL)))                      \
    CASE(clrnn_ctc_decode, count, MUTE(clrnn_ctc_decode(o.doubles, 1, 2, 0, o.ids, NULL, NULL)))  \
    CASE(clrnn_ctc_decode, log_p,                                                                 \
         FINE(clrnn_ctc_decode(o.doubles, 1, 2, 0, o.ids, &o.symbols, NULL)))

#endif
