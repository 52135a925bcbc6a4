# SPDX-License-Identifier: MIT
"""Deliberate bugs of plans of graphs and of models that are read: tools/mutations.py."""

GRAPHS = [
    ("conv-turns-any-last-axis", "test_random_graphs", [
        ("host/graph/window.c", "w->out_size[1] == 1 && w->kernel_size[1] == 1)", "w->out_size[1] == 1)")]),
    ("reduce-side-first", "test_graph_reduce", [
        ("cl/reduce.cl", " + first * r.stride[last];", ";")]),
    ("graph-smooth-plane-of-the-first-k", "test_random_graphs", [
        ("cl/conv.cl", "k->plane[axis] -= wraps ? (uint)w->step[axis] : 0;", "k->plane[axis] = 0;")]),
    ("graph-smooth-stays-in-its-plane", "test_random_graphs", [
        ("cl/conv.cl", "k->at[axis] += wraps;", "")]),
    ("graph-smooth-plane-of-b-alone", "test_random_graphs", [
        ("cl/conv.cl", "(k->plane[0] * w->planes + k->plane[1])", "k->plane[1]")]),
    ("graph-smooth-joined-without-gaps", "test_random_graphs", [
        ("cl/conv.cl", "*n += r->pitch - *column;", "*n += r->pitch - *column - 1;")]),
    ("graph-smooth-joined-loads-the-first-run", "test_random_graphs", [
        ("cl/conv.cl", "VSTORE(load_some(y + i, run - i), partial + n + i);",
         "VSTORE(load_some(y + i, run - i), partial + i);")]),
    ("graph-smooth-joined-from-column-0", "test_random_graphs", [
        ("cl/conv.cl", "{(uint)w->joined, lb, B, pitch}", "{(uint)w->joined, 0, B, pitch}")]),
    ("graph-apart-places-of-row-0", "test_random_graphs", [
        ("cl/conv.cl", "x + v.x_at + row * v.x_outer + ", "x + v.x_at + ")]),
    ("graph-apart-channel-0", "test_random_graphs", [
        ("cl/conv.cl", "((size_t)group * C + c) * v.x_channel", "(size_t)group * C * v.x_channel")]),
    ("graph-apart-bias-of-group-0", "test_random_graphs", [
        ("cl/conv.cl", "padded, bias + w.bias_at + unit,", "padded, bias + w.bias_at,")]),
    ("graph-pad-every-other-of-the-first", "test_random_graphs", [
        ("cl/pad.cl", "high = vload8(0, from + 7);", "high = vload8(0, from + 6);")]),
    ("graph-pad-last-vector-early", "test_random_graphs", [
        ("cl/pad.cl", "vload8(0, from + count - 8), 0, to + count - 8", "vload8(0, from + count - 9), 0, to + count - 8")]),
    ("graph-pad-others-last-vector-early", "test_random_graphs", [
        ("cl/pad.cl", "load_others(from + 2 * (count - 8))", "load_others(from + (count - 8))")]),
    ("reduce-side-blocks", "test_graph_reduce", [
        ("cl/reduce.cl", "    for (uint i = 0; adds && i < SUM_LANES; i++)\n        lanes[0][i] += lanes[1][i];\n", "")]),
    ("reduce-side-loses-nan", "test_graph_reduce", [
        ("cl/reduce.cl", "total =\n                    (value != value) | (largest", "total = (largest")]),
    ("reduce-row-loses-nan", "test_graph_reduce", [
        ("cl/reduce.cl", "v = (value != value) | (largest", "v = (largest")]),
    ("reduce-row-without-its-end", "test_graph_reduce", [
        ("cl/reduce.cl", "        v[i] = x[i];\n    return vload8", "        v[i] = x[0];\n    return vload8")]),
    ("reduce-lanes-of-the-last-block", "test_graph_reduce", [
        ("cl/reduce.cl", "        s->total[i] += s->block[i];\n", "")]),
    ("norm-row-without-its-end", "test_random_graphs", [
        ("cl/normalize.cl", "v[i] = x[k + i] - mean;", "v[i] = x[k] - mean;")]),
    ("graph-narrow-by-the-present-T", "test_random_graphs", [
        ("host/graph/node_conv.c", "        if (axis == y->steps || axis == y->batch || axis == x->steps || axis == x->batch)\n            return false;\n", "")]),
    ("graph-shares-what-no-longer-is-alike", "test_graph_share", [
        ("host/graph/plan.c", "    clr_plan_share_again(plan, from);\n", "")]),
    ("graph-shares-what-is-not-made-yet", "test_graph_share", [
        ("host/graph/share.c", "maker == CLR_NO_VALUE || maker < leader;", "maker == CLR_NO_VALUE || maker < i;")]),
    ("graph-shares-whatever-function", "test_graph_share", [
        ("host/graph/share.c", "d->function == e->function && ", "")]),
    ("graph-shared-values-have-no-place-yet", "test_graph_share", [
        ("host/graph/share.c", "            plan->values[plan->nodes[k].node.first_value].maker = i;\n", "")]),
    ("graph-implicit-padding-is-left", "test_random_graphs", [
        ("host/graph/implicit.c", "clr_implicit_count(run, axes) * real);", "0);")]),
    ("graph-implicit-group-0", "test_random_graphs", [
        ("host/graph/node_conv.c", "windows.at += windows.k_stride[0]", "windows.at += 0")]),
    ("graph-implicit-channels-forwards", "test_graph_slices", [
        ("host/graph/node_conv.c", "windows.k_stride[0] * channels;", "windows.k_stride[0] * channels * s.groups / s.groups;")]),
    ("graph-implicit-steps-of-1", "test_random_graphs", [
        ("host/graph/implicit.c", "w.step[i] * w.x_stride[i]", "w.x_stride[i]")]),
    ("graph-implicit-product-wherever", "test_random_graphs", [
        ("host/graph/node_conv.c", "return clr_strides_are_flat(&y, &run->out[0]);", "return true;")]),
    ("windows-in-one-line", "test_random_graphs", [
        ("cl/gemm_windows.cl", "    i->digit[1] += line;\n", "")]),
    ("windows-of-the-last-values-of-k", "test_random_graphs", [
        ("cl/gemm_windows.cl", "min(n1 - n, (uint)TILE_N), k > 0);", "min(n1 - n, (uint)TILE_N), 0);")]),
    ("windows-rows-of-the-first-tile", "test_random_graphs", [
        ("cl/gemm_windows.cl", "windows_places(m, rows, w.size", "windows_places(m0, rows, w.size")]),
    ("graph-stack-whatever-cells", "test_graph_stack", [
        ("host/graph/stack.c", "!same_cells(&node->desc.network, &next->desc.network) ||", "node->desc.network.cell != next->desc.network.cell ||")]),
    ("graph-stack-whatever-parameters-follow", "test_graph_stack", [
        ("host/graph/stack.c", "end_of(plan, last) != begin_of(plan, reader))", "end_of(plan, last) > begin_of(plan, reader))")]),
    ("graph-stack-with-states-asked-for", "test_graph_stack", [
        ("host/graph/stack.c", "!is_plain(plan, next) ||", "")]),
    ("graph-stack-through-any-view", "test_graph_stack", [
        ("host/graph/stack.c", " &&\n           clr_strides_are_flat(&behind->view, b);", ";")]),
    ("graph-stack-where-layers-have-plans", "test_graph_stack", [
        ("host/graph/plan.c", "run.node->kind->create && !plan->nodes[i].silent", "run.node->kind->create")]),
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
    ("graph-function-past-lengths-that-end", "test_graph_fold", [
        ("host/graph/behind.c", "node->outputs == 1 && x->lengths == y->lengths &&", "node->outputs == 1 &&")]),
    ("graph-folds-along-the-axis-it-was", "test_graph_fold", [
        ("host/graph/behind.c", "    if (made == behind->value)\n        return (int32_t)axis;",
         "    if (made == behind->value || axis < shapes[behind->value].rank)\n        return (int32_t)axis;")]),
    ("graph-view-makes-what-it-read", "test_graph_fold", [
        ("host/graph/behind.c", "    plan->nodes[behind->maker].node.first_value = y;\n", "")]),
    ("graph-turned-for-whoever-reads", "test_graph_fold", [
        ("host/graph/fuse.c", "!(node->kind->strided & 1) &&\n                   clr_strides_are_flat(&view, &s->shapes[v]);",
         "!(node->kind->strided & 1);")]),
    ("graph-turned-but-finished-flat", "test_graph_fold", [
        ("host/graph/window.c", "        clr_window_turned(a, &run->out[0], l.out_stride);\n        turn(", "        turn(")]),
    ("graph-turned-without-its-bias", "test_graph_fold", [
        ("host/graph/window.c", "            swap(&l->stride[k][i], &l->stride[k][i + 1]);\n", "            swap(&l->stride[0][i], &l->stride[0][i + 1 + 0 * k]);\n")]),
    ("graph-axes-of-one-are-counted", "test_graph_fold", [
        ("host/graph/node_axes.c", "        while (i < x->rank && x->size[i] == 1)\n            i++;\n", "")]),
    ("graph-run-of-a-window-past-the-end", "test_random_graphs", [
        ("cl/window.cl", "bool inside = a < w.x_size[0] && b < w.x_size[1] && b + far < w.x_size[1];",
         "bool inside = a < w.x_size[0] && b < w.x_size[1];")]),
    ("graph-joins-axes-that-lie-apart", "test_graph_fold", [
        ("host/graph/window.c", "    if (w->x_stride[0] != w->x_size[1] * w->x_stride[1])\n        return;\n", "")]),
    ("graph-joins-axes-that-are-stepped-over", "test_graph_fold", [
        ("host/graph/window.c", "w->kernel_size[i] != 1 || w->step[i] != 1 || w->x_size[i] != w->out_size[i]", "w->kernel_size[i] != 1")]),
    ("graph-picks-none-from-the-end", "test_graph_picks", [
        ("cl/window.cl", "long place = id < 0 ? (long)id + (long)K : id;", "long place = id;")]),
    ("graph-picks-a-row-too-early", "test_graph_picks", [
        ("cl/window.cl", "copy_run(x + place * inner + i, y + column, count);", "copy_run(x + place * inner, y + column, count);")]),
    ("graph-windows-over-it-from-0", "test_random_graphs", [
        ("cl/window.cl", "return dilation == 1 ? (at + pad) % step : 0;", "return dilation == 1 ? at % step : 0;")]),
    ("graph-windows-over-it-by-step", "test_random_graphs", [
        ("cl/window.cl", "every_b = w.dilation[1] == 1 ? w.step[1] : 1;", "every_b = w.step[1];")]),
    ("graph-run-of-a-window-begins-anew", "test_random_graphs", [
        ("cl/window.cl", "column < end; kb = 0)", "column < end; kb = first % KB)")]),
    ("graph-folds-what-an-output-shows", "test_graph_fold", [
        ("host/graph/readers.c", "value->readers == 1 && !value->is_output ?", "value->readers == 1 ?")]),
    ("graph-folds-into-the-wrong-channel", "test_graph_fold", [
        ("host/graph/fold.c", "steps[e / c.within % c.units + e / c.span * c.units]", "steps[e / c.within % c.units]")]),
    ("graph-folds-along-other-axes", "test_graph_fold", [
        ("host/graph/fold.c", "i + y->rank - c->rank == axis && ", "")]),
    ("graph-folds-a-norm-of-other-axes", "test_graph_fold", [
        ("host/graph/fold.c", "node->desc.axis) == axis;", "node->desc.axis) < 8;")]),
    ("graph-folds-c-by-x-as-x-by-c", "test_graph_fold", [
        ("host/graph/fold.c", "(node->desc.kind == CLRNN_NODE_DIV && k == 0) ||", "")]),
    ("graph-folds-x-from-c-as-c-from-x", "test_graph_fold", [
        ("host/graph/fold.c", "second ? (step){1, -number} : (step){-1, number};", "(step){1, -number};")]),
    ("graph-composes-whatever-number", "test_graph_fold", [
        ("host/graph/compose.c", "!takes_numbers(l->function) ||", "true ||")]),
    ("graph-composes-what-others-read", "test_graph_fold", [
        ("host/graph/compose.c", "clr_plan_only_reader(plan, v) == CLR_NO_VALUE ? CLR_NO_VALUE : ", "")]),
    ("graph-x-of-parts-is-gone", "test_graph_fold", [
        ("host/graph/lay_out.c", "        find_last(plan, &plan->nodes[i].node, i, lasts);\n", "")]),
    ("onnx-scatter-computed-not-from-the-end", "test_onnx_most", [
        ("host/format/onnx/scatter.c", "(double)k - (i ? (double)K : 0);", "(double)k + (i ? (double)K : 0);")]),
    ("onnx-scatter-computed-keeps-nothing", "test_onnx_most", [
        ("host/format/onnx/scatter.c", "(uint32_t[]){any, at, in[0]}, 3,", "(uint32_t[]){any, at, none}, 3,")]),
    ("graph-output-named-as-another-input", "test_graph_errors", [
        ("host/graph/ends.c", " && graph->inputs[i] != at)", " && at == CLR_NO_VALUE)")]),
    ("graph-stream-block-of-nothing-is-the-largest", "test_graph_swap", [
        ("host/graph/stream_swap.c", " || (io && io->steps == CLRNN_NONE)", "")]),
    ("graph-evaluates-what-was", "test_graph_score", [
        ("host/train/graph_pass.c", "status = clrnn_graph_plan_set_parameters(learner->evaluation, now);",
         "status = CLRNN_OK;")]),
    ("onnx-diagonal-of-one-axis", "test_onnx_ops", [
        ("host/format/onnx/einsum.c", "CLRNN_TO_END, across + 1, *at, at)", "CLRNN_TO_END, across, *at, at)")]),
    ("onnx-trace-keeps-its-letter", "test_onnx_ops", [
        ("host/format/onnx/einsum.c", "1 + is_twice(&in[k], letter)", "1")]),
    ("onnx-einsum-sums-what-is-read-later", "test_onnx_body", [
        ("host/format/onnx/einsum.c", "(!strchr(out->axes, c) && !count_of(later, laters, c))", "!strchr(out->axes, c)")]),
    ("torch-slope-of-what-is-above", "test_pytorch", [
        ("host/format/chain.c", "{-1, -1}, {2, -1}, {3, 0}, {1, 4}}", "{-1, -1}, {2, -1}, {1, 0}, {1, 4}}")]),
    ("torch-crf-a-part-of-the-graph", "test_pytorch", [
        ("host/format/chain.c", "    put_unused(json, modules);\n", "")]),
    ("torch-conv-turned-by-its-own-bias", "test_pytorch", [
        ("host/format/modules.c", "const bool turned = bias && !is_shape", "const bool turned = bias && is_shape")]),
    ("graph-empty-after-another", "test_graph_lengths", [
        ("host/graph/pass.c", "plan->ran = plan->empty = false;", "plan->ran = false;")]),
    ("graph-empty-output-believed", "test_graph_lengths", [
        ("host/graph/empty.c", "if (count_of(plan, v) > 0)", "if (false)")]),
]
