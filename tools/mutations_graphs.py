# SPDX-License-Identifier: MIT
"""Deliberate bugs of plans of graphs and of models that are read: tools/mutations.py."""

GRAPHS = [
    ("graph-narrow-by-the-present-T", "test_random_graphs", [
        ("host/graph/node_conv.c", "        if (axis == y->steps || axis == y->batch)\n            return false;\n", "")]),
    ("graph-shares-what-no-longer-is-alike", "test_graph_share", [
        ("host/graph/plan.c", "    clr_plan_share_again(plan, from);\n", "")]),
    ("graph-shares-what-is-not-made-yet", "test_graph_share", [
        ("host/graph/share.c", "maker == CLR_NO_VALUE || maker < leader;", "maker == CLR_NO_VALUE || maker < i;")]),
    ("graph-shares-whatever-function", "test_graph_share", [
        ("host/graph/share.c", "d->function == e->function && ", "")]),
    ("graph-shared-values-have-no-place-yet", "test_graph_share", [
        ("host/graph/share.c", "            plan->values[plan->nodes[k].node.first_value].maker = i;\n", "")]),
    ("graph-product-has-rows-of-others", "test_graph_lengths", [
        ("host/graph/node_matmul.c", "const int first = !ragged[0] && ragged[1],", "const int first = 0,")]),
    ("graph-product-back-past-lengths", "test_graph_lengths", [
        ("host/graph/node_matmul.c", "                                  .crosses = true,\n", "")]),
    ("graph-one-row-is-elsewhere", "test_graph_lengths", [
        ("host/graph/infer.c", "    s->steps = value->shape.steps;\n    s->batch = value->shape.batch;\n", "")]),
    ("graph-padding-of-nothing", "test_graph_lengths", [
        ("host/graph/pass.c", "lengths || clr_infer_empties(g, plan->shapes);", "lengths != NULL;")]),
    ("graph-stream-pads-each-block", "test_graph_stream test_drawn_streams", [
        ("host/graph/node_conv.c", "const bool pads = !d->causal && (d->pad_begin[0] || d->pad_end[0]);", "const bool pads = false;")]),
    ("graph-window-keeps-rows", "test_graph_lengths", [
        ("host/graph/window.c", "            out.batch = CLR_NO_AXIS;", "            ")]),
    ("graph-rows-that-are-not-there", "test_graph_errors", [
        ("host/graph/infer.c", "if (fixed && s->size[i] != value->shape.size[i])", "if (fixed && s->size[i] == 0)")]),
    ("onnx-diagonal-of-one-axis", "test_onnx_ops", [
        ("host/format/onnx_einsum.c", "CLRNN_TO_END, across + 1, *at, at)", "CLRNN_TO_END, across, *at, at)")]),
    ("onnx-trace-keeps-its-letter", "test_onnx_ops", [
        ("host/format/onnx_einsum.c", "!is_twice(&in[0], c) && !is_twice(&in[1], c) && ", "")]),
    ("torch-conv-turned-by-its-own-bias", "test_pytorch", [
        ("host/format/modules.c", "const bool turned = bias && !is_shape", "const bool turned = bias && is_shape")]),
]
