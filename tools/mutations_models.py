# SPDX-License-Identifier: MIT
"""Deliberate bugs of graphs, devices that are tried, and training on data: tools/mutations.py."""

MODELS = [
    # Models of others: sizes that are asked for, what a message tells.
    ("keras-size-of-any-axis", "test_keras_files", [
        ("host/format/keras/input.c", " && strcmp(axis + length, \"[1]\") == 0", "")]),
    ("keras-size-not-asked-for", "test_keras_files", [
        ("host/format/keras/topology.c", "wishes->size_count > 0 || ", "")]),
    ("torch-unknown-module-as-rnn", "test_pytorch", [
        ("host/format/chain.c", "m->is & CLR_IS_UNKNOWN ? \"?\" : \"rnn\"", "\"rnn\"")]),
    ("torch-program-of-no-format", "test_pytorch", [
        ("host/format/state_probes.c", "clr_zip_has(file, CLR_TORCH_PROGRAM, true) ||", "")]),
    # Graphs: kernels of nodes, lengths, states of streams, memory.
    ("graph-gelu-derivative", "test_graph_gradients", [
        ("cl/map_functions.cl", "return normal_share(x) + x * (REAL)0.5", "return normal_share(x) + (REAL)0.5")]),
    ("graph-map-forgets-lengths", "test_random_graphs", [
        ("cl/map.cl", "    if (m->within.some)\n", "    if (false)\n")]),
    ("graph-view-nobody-can-read", "test_random_graphs", [
        ("host/graph/fuse.c", "!(node->kind->strided >> k & 1))", "node->kind->forward == NULL)")]),
    ("graph-view-past-lengths", "test_random_graphs", [
        ("host/graph/fuse.c", "return y->lengths == CLR_ALL_STEPS || y->lengths == x->lengths;",
         "return x->rank + y->rank > 0;")]),
    ("graph-view-of-freed-memory", "test_random_graphs", [
        ("host/graph/lay_out.c", "            last[plan->values[v].of] = i + 1;", "            last[v] = i + 1;")]),
    ("graph-function-of-one-of-two", "test_random_graphs", [
        ("host/graph/readers.c", "return value->readers == 1 && !value", "return value->readers && !value")]),
    ("graph-function-without-alpha", "test_random_graphs", [
        ("host/graph/fuse.c", "    node->desc.alpha = taken->desc.alpha;\n", "")]),
    ("graph-identity-of-terms", "test_graph_terms", [
        ("host/graph/fuse.c", "== CLR_NO_VALUE || plan->nodes[i].taken)", "== CLR_NO_VALUE)")]),
    ("graph-terms-lie-at-the-first", "test_graph_terms", [
        ("host/graph/common.c", "others->at[k] + behind;", "others->at[k] + 0 * behind;")]),
    ("graph-terms-that-others-read", "test_graph_terms", [
        ("host/graph/fuse.c", "            !is_joined(plan, node->first_value, node->desc.kind, s))",
         "            !s->T)")]),
    ("graph-terms-without-the-second", "test_graph_terms", [
        ("cl/map.cl", "uint k = 1; k < (uint)terms->count", "uint k = 2; k < (uint)terms->count")]),
    ("graph-conv-finishes-row-0", "test_random_graphs", [
        ("host/graph/window.c", "    l.out_at += row * stride;\n", "")]),
    ("graph-smooth-without-its-padding", "test_random_graphs", [
        ("cl/pad.cl", "(long)pb - (long)w->pad[1]", "(long)pb")]),
    ("graph-smooth-reads-row-0", "test_random_graphs", [
        ("cl/conv.cl", "x + row * w->x_row + ", "x + ")]),
    ("graph-smooth-writes-first-rows", "test_random_graphs", [
        ("host/graph/smooth.c", "run->y[0].offset + first * d->units * positions,", "run->y[0].offset + 0 * first,")]),
    ("graph-smooth-bias-of-group-0", "test_random_graphs", [
        ("cl/conv.cl", "CONV_M)(a, from, at, bias + unit,", "CONV_M)(a, from, at, bias + m,")]),
    ("graph-smooth-weights-of-group-0", "test_random_graphs", [
        ("cl/conv.cl", "a = weight + unit * window + k;", "a = weight + (size_t)m * window + k;")]),
    ("graph-smooth-channels-of-group-0", "test_random_graphs", [
        ("cl/conv.cl", "group * w->channels * w->x_channel;", "0 * group;")]),
    ("graph-smooth-forgets-blocks-of-k", "test_random_graphs", [
        ("cl/conv_tile.cl", "if (p->add && (uint)i < p->rows)", "if (p->add && p->rows == 0)")]),
    ("graph-smooth-relu-too-early", "test_random_graphs", [
        ("cl/conv.cl", "last ? *end : none,", "*end,")]),
    ("graph-every-other-of-the-first", "test_random_graphs", [
        ("cl/map.cl", "vload16(0, p + 2 * i + 15)", "vload16(0, p + 2 * i + 14)")]),
    ("graph-mean-counts-padding", "test_random_graphs", [
        ("cl/reduce.cl", "        total = DIVIDE(total, (REAL)counted);",
         "        total = DIVIDE(total, (REAL)r.inner_count);")]),
    ("graph-softmax-counts-padding", "test_random_graphs", [
        ("cl/normalize.cl", "        if (live_of(within, lengths, begin + k * inner))\n            lanes_add",
         "        if (true)\n            lanes_add")]),
    ("graph-running-variance-biased", "test_graph_pytorch", [
        ("cl/normalize.cl", "count > 1 ? DIVIDE(var, (REAL)(count - 1)) : var", "DIVIDE(var, (REAL)count)")]),
    ("graph-window-dilation", "test_random_graphs test_graph_pytorch", [
        ("cl/window.cl", "ka * w.dilation[0] - w.pad[0]", "ka - w.pad[0]")]),
    ("graph-window-counts-on", "test_random_graphs", [
        ("cl/window.cl", "ulong c = first / (KA * KB), ka", "ulong c = 0, ka")]),
    ("graph-stream-begins-with-zeros", "test_graph_stream", [
        ("host/graph/stream_begins.c", "        if (begin_of(run->node, k) != CLR_NO_VALUE)",
         "        if (false)")]),
    ("graph-past-of-whole-block", "test_graph_stream", [
        ("cl/window.cl", "length = has_lengths ? (ulong)lengths[lengths_at + n] : T;", "length = T;")]),
    ("graph-stream-resets-all", "test_graph_stream test_graph_swap test_rows", [
        ("host/graph/stream.c", "const bool all = row == CLRNN_ALL_ROWS;", "const bool all = !to_rest;")]),
    ("graph-second-gradient-lost", "test_random_graphs", [
        ("host/graph/pass.c", "            status = add_gradient(plan, &run, k);",
         "            status = CLRNN_OK;")]),
    ("graph-memory-shared-too-early", "test_random_graphs", [
        ("host/graph/lay_out.c", "            last = end - made;", "            last = made + 1;")]),
    # Time backwards, and T as a number.
    ("turn-forgets-lengths", "test_graph_slices test_random_graphs", [
        ("cl/turn.cl", "ulong length = m->some ? (ulong)lengths[m->lengths_at + n] : m->T", "ulong length = m->T")]),
    ("turn-moves-what-is-behind", "test_graph_slices", [
        ("cl/turn.cl", "(turns ? end - 1 - t * m->step : t)", "(turns ? end - 1 - t * m->step : 0)")]),
    ("turn-gradient-forward", "test_graph_slices", [
        ("host/graph/node_slice.c", "return turn(run, run->dx[X], run->dy[0], true);",
         "return turn(run, run->dx[X], run->dy[0], false);")]),
    ("turn-step-lost", "test_graph_slices", [
        ("host/graph/node_slice.c", "l.step = (cl_ulong)-r.step;", "l.step = 1;")]),
    ("onnx-transform-backwards", "test_onnx_ops", [
        ("host/format/onnx/fourier.c", "sign = t->inverse ? 1 : -1", "sign = t->inverse ? -1 : 1")]),
    ("onnx-one-hot-not-from-the-end", "test_onnx_ops", [
        ("host/format/onnx/layout.c", "(size_t)depth, -depth, &from_end", "(size_t)depth, 0, &from_end")]),
    ("onnx-depth-in-one-order", "test_onnx_ops", [
        ("host/format/onnx/layout.c", "{0, 1, 4, 2, 5, 3}", "{0, 3, 4, 1, 5, 2}")]),
    ("onnx-wrap-before-the-cut", "test_onnx_ops", [
        ("host/format/onnx/move.c", 'strcmp(p.mode, "wrap") == 0;', "false;")]),
    ("onnx-group-scale-of-channels", "test_onnx_ops", [
        ("host/format/onnx/norm.c", "n->m->opset < 21", "n->m->opset < 11")]),
    ("graph-no-word-for-infinity", "test_graph_files", [
        ("host/model/graph_describe.c", "isfinite(value)", "!isnan(value)")]),
    ("graph-beyond-rank", "test_graph_errors", [
        ("host/graph/members.c", "ranked && i >= desc->rank", "ranked && i > 7")]),
    ("graph-no-end-of-anything", "test_graph_errors", [
        ("host/graph/members.c", "!(to_end && value == CLRNN_TO_END)", "value != CLRNN_TO_END")]),
    ("onnx-number-without-what-is-added", "test_onnx_ops", [
        ("host/format/onnx/build.c", "    if (status == CLRNN_OK && more != 0)\n        status = clr_onnx_add_pair",
         "    if (false)\n        status = clr_onnx_add_pair")]),
    ("onnx-reverse-axes", "test_onnx_ops", [
        ("host/format/onnx/reverse.c", "clr_onnx_integer(n, \"time_axis\", 0, &time)",
         "clr_onnx_integer(n, \"batch_axis\", 0, &time)")]),
    # A node kind of its own, and functions of our own.
    ("ema-forgets-lengths", "test_random_graphs", [
        ("cl/ema.cl", "y[y_at + at] = live ? h : (REAL)0;", "y[y_at + at] = h;")]),
    ("ema-state-of-whole-block", "test_graph_stream", [
        ("cl/ema.cl", "        if (live)\n            h = fma(a, x[x_at + at] - h, h);",
         "        h = fma(a, (live ? x[x_at + at] : (REAL)0) - h, h);")]),
    ("ema-rate-of-another-channel", "test_random_graphs", [
        ("cl/ema.cl", "begin += C * stride)", "begin += stride)")]),
    ("pow-without-low-part", "test_elementary", [
        ("cl/elementary.cl", "rest = fma(b, high, -product) + b * low;", "rest = 0 * low;")]),
    ("exp-of-denormals", "test_elementary", [
        ("cl/elementary.cl", "part * up * (REAL)FAR_DOWN : (REAL)0", "part * up * 0 : (REAL)0")]),
    ("log-of-denormals", "test_elementary", [
        ("cl/elementary.cl", "    REAL y = log_with(denormal ? x * TWO_TO_64 : x, denormal ? (REAL)-64 : (REAL)0);", "    REAL y = log_with(x, (REAL)0);")]),
    ("share-by-one-side", "test_elementary", [
        ("cl/elementary.cl", "return x > 0 ? 1 - tail : tail;", "return 1 - tail;")]),
    # ONNX: each attribute and input of the cells, what is known, hostile files.
    ("onnx-lstm-gate-order", "test_onnx_random", [
        ("host/format/onnx/recurrent.c", "lstm_gates[] = {0, 2, 3, 1}", "lstm_gates[] = {0, 1, 3, 2}")]),
    ("onnx-gru-gate-order", "test_onnx_random", [
        ("host/format/onnx/recurrent.c", "gru_gates[] = {1, 0, 2}", "gru_gates[] = {0, 1, 2}")]),
    ("onnx-peephole-order", "test_onnx_random", [
        ("host/format/onnx/recurrent.c", "peephole_gates[] = {0, 2, 1}", "peephole_gates[] = {0, 1, 2}")]),
    ("onnx-one-bias-twice", "test_onnx_random", [
        ("host/format/onnx/recurrent.c", "(2 * d + 1) * GH", "2 * d * GH")]),
    ("onnx-layout-of-y-alone", "test_onnx_random", [
        ("host/format/onnx/recurrent.c", "c->layout ? (uint32_t[]){1, 0, 2, 3} : (uint32_t[]){0, 2, 1, 3}",
         "(uint32_t[]){0, 2, 1, 3}")]),
    ("onnx-no-layout", "test_onnx_random", [
        ("host/format/onnx/cell.c", "status = read_flag(n, \"layout\", &c->layout);",
         "status = read_flag(n, \"layout\", &flag);")]),
    ("onnx-no-lengths", "test_onnx_random", [
        ("host/format/onnx/recurrent.c", "return clr_onnx_ids_in(n, LENGTHS, at);", "return CLRNN_OK;")]),
    ("onnx-no-initial-c", "test_onnx_random", [
        ("host/format/onnx/recurrent.c", "c.gates == 4 ? C0 : 99", "99")]),
    ("onnx-no-clip", "test_onnx_random", [
        ("host/format/onnx/cell.c", "c->network.gate_clip = (float)clip;", "c->network.gate_clip = 0;")]),
    ("onnx-no-reverse", "test_onnx_random", [
        ("host/format/onnx/cell.c", "strcmp(word, \"reverse\") == 0;", "false;\n    if (strcmp(word, \"reverse\") == 0)\n        return CLRNN_OK;")]),
    ("onnx-no-input-forget", "test_onnx_random", [
        ("host/format/onnx/cell.c", "&c->network.coupled_gates", "&flag")]),
    ("onnx-reset-always-before", "test_onnx_random", [
        ("host/format/onnx/cell.c", "flag ? CLRNN_RESET_AFTER : CLRNN_RESET_BEFORE", "CLRNN_RESET_BEFORE")]),
    ("onnx-alpha-for-all", "test_onnx_random", [
        ("host/format/onnx/cell.c", "if (functions[which].alpha && s->alpha_at", "if (s->alpha_at")]),
    ("onnx-beta-left-out", "test_onnx_random", [
        ("host/format/onnx/cell.c", "        beta = s->beta[s->beta_at++];", "        s->beta_at++;")]),
    ("onnx-functions-of-one-direction", "test_onnx_random", [
        ("host/format/onnx/cell.c", "const uint32_t d = i / each;", "const uint32_t d = 0;")]),
    ("onnx-unknown-attribute-passes", "test_onnx", [
        ("host/format/onnx/ops.c", "        status = clr_onnx_check_attributes(n);", "        status = CLRNN_OK;")]),
    ("onnx-nested-without-end", "test_onnx", [
        ("host/format/onnx/parse.c", "*deep = ++top == sizeof stack / sizeof *stack;",
         "*deep = false;\n        top += top + 1 < sizeof stack / sizeof *stack;")]),
    ("onnx-data-outside", "test_onnx", [
        ("host/format/onnx/tensor.c", "if (part == 2 && strncmp(path, \"..\", 2) == 0)", "if (part == 99)")]),
    ("graph-own-lengths-lost", "test_onnx_random", [
        ("host/graph/node_recurrent.c", "own->lengths ? own->lengths : pass_lengths(run)", "pass_lengths(run)")]),
    # Steps that masks leave out.
    ("graph-mask-in-one-order", "test_graph_masks", [
        ("host/graph/counted.c", "time_first ? i : i % N * T + i / N", "time_first ? i : i")]),
    ("graph-repeats-past-lengths", "test_graph_masks", [
        ("host/graph/node_recurrent.c", "return other && l.within.some ?", "return !run ?")]),
    ("graph-mask-lost", "test_graph_masks", [
        ("host/graph/node_recurrent.c", ".mask = own->mask,", ".mask = NULL,")]),
    ("graph-reshape-forgets-merged-time", "test_graph_errors", [
        ("host/graph/node_axes.c", "is_again(d, i, CLRNN_STEPS, in->steps)", "is_again(d, i, CLRNN_STEPS, 0)")]),
    ("graph-twins-stay", "test_graph_share", [
        ("host/graph/share.c", "plan->nodes[i].twins = same_parameters(plan, twin, i, parameters);",
         "plan->nodes[i].twins = true;")]),
    ("graph-twins-of-other-work", "test_graph_share", [
        ("host/graph/share.c", "if (same_work(plan, i, seen[k]) && same_parameters(", "if (same_parameters(")]),
    ("graph-conv-window-short", "test_random_graphs", [
        ("cl/pad.cl", "high = size > b ? (ulong)(size - b) : 0;", "high = size > b ? (ulong)(size - b - 1) : 0;")]),
    # Streams of whole models.
    ("stream-rest-of-row-0", "test_graph_swap", [
        ("host/graph/stream.c", "at = place->state[part] + (all ? 0 : row * p->inner);",
         "at = place->state[part];")]),
    ("stream-fork-without-rest", "test_graph_swap", [
        ("host/graph/stream.c", "clr_buffer_copy(plan->context, stream->rest, 0, other->rest, 0,\n"
         "                                 stream->count * plan->real);", "CLRNN_OK;")]),
    ("stream-taken-while-it-fades", "test_graph_swap", [
        ("host/graph/stream_swap.c", "if (stream->fading || atomic_load(&stream->retired))",
         "if (atomic_load(&stream->retired))")]),
    ("stream-fade-begins-anew", "test_graph_swap", [
        ("host/graph/stream_swap.c", "done = (double)stream->faded + (double)t + 1;",
         "done = (double)t + 1;")]),
    ("stream-never-fades", "test_graph_swap", [
        ("host/graph/stream_swap.c", "    a->rest = b->rest;\n", "    a->rest = b->rest;\n    b->fade_steps = 0;\n")]),
    ("stream-idle-row-goes-on", "test_graph_swap", [
        ("host/graph/stream_rows.c", "stream->row_lengths[n] = x[n] ? T : 0;",
         "stream->row_lengths[n] = T;")]),
    # Training graphs.
    ("trainer-means-of-bad-steps", "test_graph_trainer", [
        ("cl/optimizer.cl", "watch[0] ? before[first + i] : after[first + i]", "after[first + i]")]),
    ("trainer-decays-means", "test_graph_trainer", [
        ("host/train/trainer.c", "        status = clr_untrained_keep(trainer);\n",
         "        status = CLRNN_OK;\n")]),
    ("trainer-differentiate-moves-means", "test_graph_trainer", [
        ("host/train/trainer.c",
         "    if (status == CLRNN_OK)\n        status = clr_untrained_undo(trainer);\n", "")]),
    ("trainer-last-class-axis-alone", "test_graph_trainer", [
        ("host/train/graph_pass.c", "(i / rows->inner * rows->O + k) * rows->inner + i % rows->inner",
         "i * rows->O + k")]),
    ("trainer-one-gradient-of-an-output", "test_graph_trainer", [
        ("host/train/graph_pass.c", "place->written ? COMBINE_ADD : COMBINE_FIRST", "COMBINE_FIRST")]),
    ("trainer-counts-what-was-sent", "test_graph_trainer", [
        ("host/train/graph_pass.c", "clr_objective_count(trainer, o, target->values, classes, &all)",
         "clr_objective_count(trainer, o, values, classes, &all)")]),
    ("trainer-counts-in-one-layout", "test_graph_trainer", [
        ("host/train/loss.c", "first + k * rows->inner", "first + k")]),
    ("trainer-unweighted-gradient", "test_graph_trainer", [
        ("host/train/graph_pass.c", "wanted ? trainer->objectives[i].factor / weight", "wanted ? 1 / weight")]),
    ("trainer-ends-where-classes-weigh-0", "test_steps", [
        ("host/train/loss.c", "any = any || tally->each[i].count > 0;", "any = any || tally->each[i].weight > 0;")]),
    ("trainer-divides-by-a-weight-of-0", "test_steps", [
        ("host/train/learner_model.c", "tally->each[0].weight > 0 ? 1 / tally->each[0].weight : 0",
         "1 / tally->each[0].weight")]),
    ("graph-dropout-of-all", "test_graph_errors", [
        ("host/graph/node_map.c", "(float)desc->probability < 1)", "desc->probability < 1)")]),
    ("trainer-own-gradient-past-lengths", "test_graph_trainer", [
        ("host/train/graph_pass.c",
         "status = clr_plan_mask(plan, own->value, plan->values[own->value].gradient);",
         "status = CLRNN_OK;")]),
    ("trainer-first-target-for-last", "test_graph_trainer", [
        ("host/train/graph_batch.c", "uint32_t t = batch->lengths ? batch->lengths[n] : s->T;",
         "uint32_t t = s->T;")]),
    ("trainer-resumes-in-old-weights", "test_graph_checkpoint", [
        ("host/train/learner_graph.c", "    trainer->graph->plan->packed = false;\n", "")]),
    ("trainer-evaluates-old-weights", "test_graph_trainer", [
        ("host/train/graph_pass.c", "learner->evaluated == learner->version)", "learner->evaluated)")]),

    ("graph-lengths-of-stride", "test_network", [
        ("host/shape/value.c", "(uint64_t)(sum / rule->stride) + 1", "(uint64_t)sum + 1")]),

    ("version-number", "test_base", [
        ("host/base/version.c", "return CLRNN_VERSION;", "return CLRNN_VERSION_MINOR;")]),

    # Devices that are tried, and who runs the groups of native.
    ("wrong-device-is-taken", "test_drivers", [
        ("host/layer/trial.c", "status = test_device(context, reason);",
         "(void)test_device(context, reason);")]),
    ("report-without-self-tests", "test_drivers", [
        ("host/layer/report.c", "        clr_report_add_self_tests(made, context);\n", "")]),
    ("first-plan-stays", "test_drivers", [
        ("host/layer/open.c", "if (!context->movable || atomic_load(&context->fixed))",
         "if (!context->movable || !atomic_load(&context->fixed))")]),
    ("report-unescaped", "test_drivers", [
        ("host/device/report_format.c", """*text == '"' || *text == '\\\\'""", """*text == '"'""")]),
    ("pool-repeats-a-task", "test_threads", [
        ("host/base/pool.c", "jobs->task(jobs->data, next);", "jobs->task(jobs->data, index);")]),

    # How weights are drawn, what of a batch counts, and data sets.
    ("init-gru-lets-go", "test_init", [
        ("host/shape/cell.c", ".keeping = {.sign = -1,", ".keeping = {.sign = 1,")]),
    ("init-chrono-too-long", "test_init", [
        ("host/model/init.c", "init->longest_lag - 2)", "init->longest_lag * 2)")]),
    ("loss-huber-slope", "test_steps", [
        ("cl/loss.cl", "*dx = near ? e : e > 0 ? delta : -delta;", "*dx = e;")]),
    ("loss-missing-counted", "test_steps", [
        ("host/train/loss.c", "elements ? present(", "!elements ? present(")]),
    ("loss-class-weight-of-gradient", "test_steps", [
        ("cl/loss.cl", "dlogits[row * O + k] *= weight;", "dlogits[row * O + k] *= (REAL)1;")]),
    ("loss-gaussian-slope", "test_model_gradient", [
        ("cl/loss.cl", "DIVIDE(spread, v) * (1 - r) / 2", "(1 - r)")]),
    ("loss-gaussian-variance", "test_values", [("cl/loss.cl", "(real_log(v) + r) / 2", "real_log(v) + r")]),
    ("loss-emphasis-of-the-next", "test_model_gradient", [
        ("cl/loss.cl", "p - emphasis * q + dc * means[j]", "p + dc * means[j]")]),
    ("loss-emphasis-of-errors-alone", "test_values", [
        ("host/train/loss.c", "is ? y - o->pre_emphasis * before : 0", "is ? y : 0")]),
    ("ctc-equal-labels-touch", "test_ctc", [
        ("cl/ctc.cl", "s % 2 && s > 1 && labels[3 * (s / 2)] != labels[3 * (s / 2 - 1)]", "s % 2 && s > 1")]),
    ("ctc-blank-counted-once", "test_ctc", [("cl/ctc.cl", "uint b = 2; b < r->P", "uint b = 4; b < r->P")]),
    ("ctc-equal-labels-counted-once", "test_ctc", [("cl/ctc.cl", "sum += g[2 * j + 1];", "sum += 0;")]),
    ("ctc-missing-steps", "test_values", [
        ("host/train/loss_paths.c", "needed += j && label ==", "needed += 0 && label ==")]),
    ("ctc-search-merges-labels", "test_ctc", [
        ("host/train/decode.c", "k == last ? e->blank : total(e)", "total(e)")]),
    ("not-finite-says-nowhere", "test_not_finite", [
        ("host/train/finite.c", "watch[0] == trainer->steps_done", "watch[0] > trainer->steps_done")]),
    ("empty-pass-of-rows-with-steps", "test_cell_options", [
        ("host/layer/empty.c", "        if (lengths[n])\n", "        if (lengths[n] > plan->desc.max_steps)\n")]),
    ("frozen-is-counted-as-trained", "test_steps", [
        ("host/train/freeze.c", "        if (!is_among(&trainer->frozen.extents, &info) &&\n",
         "        if (info.count &&\n")]),
    ("frozen-after-parameters-are-set", "test_steps", [
        ("host/train/freeze.c", "frozen->extents.count == 0 || frozen->version == version",
         "frozen->extents.count == 0 || frozen->version")]),
    ("data-scaled-by-all", "test_data", [
        ("host/train/data_split.c",
         "        measure(data, x_row, false, I, &data->x_scale);\n        apply(",
         "        data->x_scale.deviation[0] = 1;\n        apply(")]),
    ("data-window-a-step-late", "test_data", [
        ("host/train/data_read.c", "last ? first + W - 1 : first", "last ? first + W : first + 1")]),
    ("data-order-without-pass", "test_data", [
        ("host/train/data_batch.c", "shuffle(data->order, count, data->seed, 0x0de5, pass)",
         "shuffle(data->order, count, data->seed, 0x0de5, 0)")]),
    # Readers and writers of other programs' models.
    ("pickle-runs-any-global", "test_pytorch test_hostile_models", [
        ("host/model/pickle.c", "    if (!global) {", "    if (false) {")]),
    ("torch-strides-ignored", "test_pytorch", [
        ("host/model/torch_data.c", "    if (t->count > 0 && is_contiguous(ref))", "    if (t->count > 0)")]),
    ("torch-offset-ignored", "test_pytorch", [
        ("host/model/torch_data.c", "memcpy(data, storage + ref->offset * element, t->bytes);",
         "memcpy(data, storage, t->bytes);")]),
    ("torch-expands-without-limit", "test_hostile_models", [
        ("host/model/torch.c", "!clr_tensor_measure(&tensor) || tensor.bytes > r->left",
         "!clr_tensor_measure(&tensor)")]),
    ("chain-takes-any-order", "test_pytorch", [
        ("host/format/chain.c", "if (s.found != 1 || s.trials >= MOST_TRIALS)", "if (s.found == 0)"),
        ("host/format/modules.c", "m->is = CLR_IS_CONV;", "m->is = CLR_IS_NORM;")]),
    ("tensors-left-over", "test_pytorch", [
        ("host/format/fill.c", "        status = check_rest(&f);", "        status = CLRNN_OK;")]),
    ("nam-begins-with-zeros", "test_amplifiers", [
        ("host/format/nam.c", "memcpy(m->h0 + l * H, from, H * sizeof *from);", "")]),
    ("onnx-out-lstm-gate-order", "test_onnx_written", [
        ("host/format/onnx/out_recurrent.c", "{0, 3, 1, 2}", "{0, 1, 3, 2}")]),
    ("onnx-out-gru-gate-order", "test_onnx_written", [
        ("host/format/onnx/out_recurrent.c", "{1, 0, 2}, {0}, 2}", "{0, 1, 2}, {0}, 2}")]),
    ("onnx-out-peephole-order", "test_onnx_written", [
        ("host/format/onnx/out_recurrent.c", "{0, 2, 1}, 3}", "{0, 1, 2}, 3}")]),
    ("onnx-out-gate-not-turned", "test_onnx_written", [
        ("host/format/onnx/out_proto.c", "p.negated ? -value : value", "value")]),
    ("onnx-out-turns-any-function", "test_onnx_written_errors", [
        ("host/format/onnx/out_recurrent.c", "return turns || !clr_cell", "return !turns || turns || !clr_cell")]),
    ("onnx-out-clip-lost", "test_onnx_written", [
        ("host/format/onnx/out_recurrent.c", "if (n->gate_clip > 0)", "if (n->gate_clip > 1e30f)")]),
    ("onnx-out-coupled-lost", "test_onnx_written", [
        ("host/format/onnx/out_recurrent.c", "    if (n->coupled_gates)", "    if (n->coupled_gates && !n->peepholes && n->reverse)")]),
    ("onnx-out-lengths-not-bounded", "test_onnx_written", [
        ("host/format/onnx/out_recurrent.c", "return clr_out_made(out, \"Min\",", "return clr_out_made(out, \"Max\",")]),
    ("onnx-out-names-collide", "test_onnx_written_errors", [
        ("host/format/onnx/out.c", "if (strstr(g->outputs[i].name, out->mark))", "if (!g->outputs[i].name)")]),
    ("onnx-restores-what-changed", "test_onnx_written_errors", [
        ("host/format/onnx/restore.c", "same = memcmp(x, y, size) == 0;", "same = true;")]),
    ("onnx-restores-without-sign", "test_onnx_written", [
        ("host/format/onnx/restore.c", "p->negated ? -value : value", "value")]),
    ("gate-not-turned", "test_written", [
        ("host/format/pytorch_write.c", "        turn_gate(cell, p, values);", "        (void)turn_gate;")]),
    ("rtneural-kernel-not-turned", "test_written", [
        ("host/format/rtneural_write.c", "clr_rtneural_row(w, at + i * K + k, node->units, inner * K);",
         "clr_rtneural_row(w, at + i, node->units, inner);")]),
    # Where the largest are, powers, indices, names.
    ("onnx-top-takes-it-again", "test_onnx_most", [
        ("host/format/onnx/most.c", "(uint32_t[]){here, low, x}", "(uint32_t[]){here, x, x}")]),
    ("onnx-top-without-order", "test_onnx_most", [
        ("host/format/onnx/most.c", "-1, (double)t->K, ids[i], &ids[i]", "1, 0, ids[i], &ids[i]")]),
    ("onnx-hardmax-of-all-equal", "test_onnx_most", [
        ("host/format/onnx/most.c", "(uint32_t[]){at, *rank}, 2, here", "(uint32_t[]){x, *most}, 2, here")]),
    ("onnx-root-of-two", "test_onnx_most", [
        ("host/format/onnx/powers.c", "1.0 / (double)p, in, at", "0.5, in, at")]),
    ("onnx-lrn-to-the-other-side", "test_onnx_most", [
        ("host/format/onnx/powers.c", "pad.begin[1] = (size - 1) / 2;", "pad.begin[1] = size / 2;")]),
    ("onnx-mean-variance-without-mean", "test_onnx_most", [
        ("host/format/onnx/powers.c", "CLRNN_NODE_SUB, x, at, &x", "CLRNN_NODE_SUB, x, at, &at")]),
    ("onnx-scatter-first-update-alone", "test_onnx_most", [
        ("host/format/onnx/scatter.c", "done < s->count && count", "done < s->count && count && round < 1")]),
    ("onnx-scatter-no-reduction", "test_onnx_most", [
        ("host/format/onnx/scatter.c", "*kind = words[i].kind;", "*kind = CLRNN_NODE_KINDS;")]),
    ("onnx-compress-all", "test_onnx_most", [
        ("host/format/onnx/pick.c", "if (clr_onnx_at(condition, i) != 0)", "if (clr_onnx_at(condition, i) < 9)")]),
    ("onnx-same-padding-grows", "test_onnx_most", [
        ("host/format/onnx/conv.c", "grows ? (uint32_t)-cut : 0", "(uint32_t)-cut * (1 + grows)")]),
    ("onnx-conv-by-without-dilation", "test_onnx_most", [
        ("host/format/onnx/conv_by.c", "(last - k) * c->w.dilation[i];", "last - k;")]),
    ("onnx-conv-by-the-first-group", "test_onnx_most", [
        ("host/format/onnx/conv_by.c", "(int64_t)(g * c->channels)", "(int64_t)(0 * c->channels)"),
        ("host/format/onnx/conv_by.c", "((g + 1) * c->channels)", "((0 * g + 1) * c->channels)")]),
    ("onnx-conv-by-place-backwards", "test_onnx_most", [
        ("host/format/onnx/conv_by.c", "c->w.stride[i], *under, under);", "c->w.stride[i] + k, *under, under);")]),
    # What programs have in common is compiled once, but only where all that it stands on is the same.
    ("native-shared-by-text", "test_plan", [
        ("tools/native.py", "[*speed, self.before, text]", "[*speed, text]")]),
    ("native-long-as-light", "test_device", [
        ("host/device/native_program.c", "[CLR_NATIVE_LONG] = 1 << 9", "[CLR_NATIVE_LONG] = 1 << 13")]),
    ("onnx-arc-far-as-near", "test_onnx_ops", [
        ("host/format/onnx/arc.c", "(uint32_t[]){large, other, at}, 3, &at", "(uint32_t[]){large, at, at}, 3, &at")]),
    ("npz-bomb", "test_hostile_models", [
        ("host/model/npz.c", "if (entry.size > *left)", "if (entry.size > *left && entry.size == 0)")]),
    ("torch-names-of-all-keys", "test_pytorch test_hostile_models", [
        ("host/model/torch.c", "else if (!only && !is_alone(value))", "else if (is_alone(value))")]),
]
