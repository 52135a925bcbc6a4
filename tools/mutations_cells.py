# SPDX-License-Identifier: MIT
"""Deliberate bugs of cells and their options: tools/mutations.py."""

LSTM, GRU, RNN, STEP = "cl/lstm.cl", "cl/gru.cl", "cl/rnn.cl", "cl/stepwise.cl"
SCAN, PERSISTENT, RESIDENT = "cl/scan", "cl/persistent", "cl/resident"
PARTITION = "cl/partition.cl"
REF = "host/reference/"

CELLS = [
    # The cells on the device.
    ("lstm-forget-gate-backward", "test_vectors", [(LSTM, "*dc = d * f;", "*dc = d * i;")]),
    ("lstm-memory-lane", "test_vectors", [
        (LSTM, "REALV d = *dc;", "REALV d = (REALV)0;")]),
    ("peephole-of-another-gate", "test_vectors test_passes", [
        (LSTM, "a_f += p[1] * *c;", "a_f += p[0] * *c;")]),
    ("peephole-sees-old-state", "test_vectors test_passes", [
        (LSTM, "    *c = f * *c + DIVIDE(g, i_below * g_below);\n    if (peepholes)\n        a_o += p[2] * *c;\n",
         "    if (peepholes)\n        a_o += p[2] * *c;\n"
         "    *c = f * *c + DIVIDE(g, i_below * g_below);\n")]),
    ("peephole-not-in-dc", "test_passes", [
        (LSTM, "*dc += da[0] * p[0] + da[1] * p[1];", "*dc += da[0] * p[0];")]),
    ("peephole-of-o-not-in-dc", "test_passes", [(LSTM, "d += da[3] * p[2];", "d += (REALV)0;")]),
    ("peephole-gradient-state", "test_passes", [
        ("host/layer/backward.c", "p->next ? !w->down : w->down", "w->down")]),
    ("peephole-gradient-gate", "test_passes", [
        ("host/layer/backward.c", "da.offset + p->gate * H", "da.offset + k * H")]),
    ("peephole-gradient-padding", "test_selection test_sequence", [
        ("cl/sequence.cl", "if (!has_lengths || counts(lengths, bits, want, N, r))\n            sum +=",
         "if (true)\n            sum +=")]),
    ("gru-reset-gate-backward", "test_passes", [
        (GRU, "true, s[0], d * h_prev);", "true, s[0], d);")]),
    ("gru-reset-not-applied", "test_passes", [(GRU, "? r * h : u[2];", "? h : u[2];")]),
    ("gru-after-candidate", "test_vectors", [(GRU, "du[2] = da[2] * r;", "du[2] = da[2];")]),
    ("rnn-tanh-backward", "test_vectors", [
        ("cl/activation.cl", ": dy * ((REALV)1 - s * s);", ": dy * ((REALV)1 - s);")]),
    ("rnn-relu-backward", "test_vectors", [
        (RNN, "da[0] = s[0] <= (REALV)0 ? (REALV)0 : dh;", "da[0] = dh;")]),
    ("rnn-relu-multiplies", "test_selection", [
        (RNN, "da[0] = s[0] <= (REALV)0 ? (REALV)0 : dh;",
         "da[0] = dh * (s[0] <= (REALV)0 ? (REALV)0 : (REALV)1);")]),
    ("rnn-relu-hides-nan", "test_passes", [(RNN, "isnan(sum) ? sum : fmax", "fmax")]),
    ("missing-bias", "test_vectors test_persistent", [
        (SCAN + "_forward.cl", "            u[k] += load_some(w->b_hh + column, width);\n", "")]),
    ("state-not-held", "test_passes test_persistent", [
        (SCAN + "_forward.cl", "store_some(live ? h_new : h_old,", "store_some(h_new,")]),
    ("output-not-masked", "test_passes", [
        (SCAN + "_forward.cl", "store_some(live ? h_new : (REALV)0, s->y",
         "store_some(h_new, s->y")]),
    ("gradient-not-masked", "test_passes test_persistent", [
        (SCAN + "_backward.cl", "store_some(live ? a[k] : (REALV)0, da_of",
         "store_some(a[k], da_of")]),
    ("projection-not-held", "test_passes", [
        (SCAN + "_forward.cl", "REALV h = live ? sum : load_some", "REALV h = load_some")]),
    ("stepwise-sums-of-a-phase", "test_vectors", [
        (STEP, "sums[((size_t)n * CELL_GATES + g) * l.H + j]", "sums[(size_t)g * l.H + j]")]),
    ("stepwise-phases-back", "test_passes", [
        (STEP, "if (CELL_PHASES > 1 && phase == 0)", "if (CELL_PHASES > 1 && phase == 1)")]),
    ("stepwise-first-state", "test_passes", [
        ("host/math/scan.c", "(down ? l->count - 1 : 0)", "(down ? 0 : l->count - 1)")]),
    ("prelude-logistic", "test_vectors", [
        ("cl/prelude.cl", "exp_parts(-exp_kept(x), &scale)", "exp_parts(exp_kept(x), &scale)")]),
    ("prelude-tanh", "test_vectors", [
        ("cl/prelude.cl", "(REALV)1.33797068e-1f", "(REALV)1.33e-1f")]),
    ("backward-held-states", "test_selection", [
        ("host/layer/backward.c", "mask_padding(b, h_prev, R, true, &b->plan->masked_h, &h_prev);",
         "CLRNN_OK;")]),

    # Options of cells and passes.
    ("coupled-gates", "test_cell_options test_vectors", [
        (LSTM, "f = options & OPTION_COUPLED ? (REALV)1 - i : gate_value", "f = gate_value")]),
    ("coupled-gates-back", "test_cell_options", [(LSTM, "d * (g - c_prev) : d", "d * g : d")]),
    ("gate-clip", "test_cell_options", [
        ("cl/activation.cl", "v->beta[which],\n                           clipped(x, v->gate_clip));",
         "v->beta[which], x);")]),
    ("gate-clip-back", "test_cell_options", [
        ("cl/activation.cl", "return clipped_back(s, v->gate_clip,\n", "return (\n")]),
    ("cell-clip", "test_cell_options", [(LSTM, "*c = clipped(*c, v->cell_clip);", ";")]),
    ("cell-clip-back", "test_cell_options", [
        (LSTM, "d = clipped_back(f * c_prev + i * g, v->cell_clip, d);", ";")]),
    ("proj-clip", "test_cell_options", [
        (SCAN + "_forward.cl", "sum = clipped(sum, w->proj_clip);", ";")]),
    ("proj-clip-back", "test_cell_options", [
        (SCAN + "_backward.cl", "w->proj_clip ? (REALV)0 : d;", "w->proj_clip ? d : d;")]),
    ("activations-of-a-direction", "test_cell_options test_vectors", [
        ("host/layer/scan.c", "&n->desc, w->direction, i)", "&n->desc, 0, i)")]),
    ("activation-alpha", "test_cell_options", [
        ("cl/activation.cl", "return x < zero ? a * x : x;", "return x < zero ? x : x;")]),
    ("activation-softplus-back", "test_cell_options", [
        ("cl/activation.cl", "return dy * sigm(x);", "return dy;")]),
    ("activation-softplus-far", "test_cell_options", [
        ("cl/activation.cl", "exp_parts(exp_kept(-fabs(x)), &scale)", "exp_parts(-fabs(x), &scale)")]),
    ("one-bias", "test_cell_options test_vectors", [
        (SCAN + "_forward.cl", "if (!(options_of(w->options) & OPTION_ONE_BIAS))", "if (true)")]),
    ("reverse-is-forward", "test_vectors", [
        ("host/shape/network.c", "return network->desc.reverse || direction == 1;",
         "return direction == 1;")]),
    ("merge-forgets-one", "test_cell_options", [("cl/sequence.cl", "a[at] + a[at + K]", "a[at]")]),
    ("mask-repeats-zero", "test_cell_options", [("cl/sequence.cl", "a[at] = last;", "a[at] = 0;")]),
    ("mask-repeats-without-gradient", "test_cell_options", [
        ("cl/sequence.cl", "sum = live ? (REAL)0 : sum;", "sum = 0;")]),
    ("reset-keeps-c", "test_cell_options", [
        (SCAN + "_forward.cl", "if (CELL_MEMORY && !reset)", "if (CELL_MEMORY)")]),
    ("reset-lets-gradients-through", "test_cell_options", [
        (SCAN + "_backward.cl", "if (cut && !projected)\n        dhid = (REALV)0;\n", "")]),
    ("reset-of-initial-state", "test_cell_options", [
        ("host/layer/backward.c", "dh, dh, kept, first, N, N,", "dh, dh, kept, first, 0, N,")]),
    # What a check takes for rounding.
    ("cancelled-sums", "test_problem", [
        ("host/layer/check.c", "    if (c->passed || a->moved[Y])\n", "    if (true)\n")]),
    ("rounding-excuses-all", "test_problem", [
        ("host/layer/check_arrays.c", "a->in[i][k] * (1 + unit_of(a) * r)", "a->in[i][k] + unit_of(a) * 64 * r")]),
    ("norm-variance", "test_norm", [
        ("cl/norm_row.cl", "(x[k] - mean) * (x[k] - mean)", "x[k] * x[k]")]),
    ("norm-back-without-gain", "test_norm", [
        ("cl/norm_row.cl", "lanes[l] += dy[k] * gain[k] * hats[k]", "lanes[l] += dy[k] * hats[k]")]),
    ("norm-epsilon", "test_reference", [
        ("host/shape/network.c", "(double)desc->norm_epsilon : 1e-5", "(double)desc->norm_epsilon : 1e-3")]),
    ("norm-of-what-was-reset", "test_cell_options", [
        ("host/layer/norm.c", "(resets ? FLAG_RESET : 0)", "0")]),
    ("norm-cell-cut", "test_cell_options", [
        (SCAN + "_backward.cl", "dc = cut && !(options & OPTION_NORM) ?", "dc = cut ?")]),
    ("norm-cell-twice", "test_vectors", [
        (LSTM, "if (!(options & OPTION_NORM))", "if (true)")]),
    ("norm-of-inputs-back", "test_vectors", [
        ("host/layer/backward.c", "status = clr_norm_inputs_back(b->plan, &b->scan, da);", ";")]),
    ("norm-of-a-phase", "test_vectors", [
        ("host/layer/norm.c", "(clr_normed)(CLR_NORMED_U_SCALE + phase)", "CLR_NORMED_U_SCALE")]),
    ("zoneout-other-units", "test_vectors", [
        ("cl/zoneout.cl", "uniform(own) < p ?", "uniform(own) >= p ?")]),
    ("zoneout-same-for-c", "test_vectors", [
        ("cl/zoneout.cl", "cell_state ? 0x80000000u : 0", "0")]),
    ("zoneout-same-steps", "test_vectors", [
        ("cl/zoneout.cl", "of_cell, n, t, v->zone_index", "of_cell, n, 0, v->zone_index")]),
    ("zoneout-expectation", "test_vectors", [
        ("host/layer/scan.c", ".zone_drawn = plan->desc.train", ".zone_drawn = true")]),
    ("zoneout-h-back", "test_cell_options test_vectors", [
        (SCAN + "_backward.cl", "dh_direct += dh_old;", ";")]),
    ("zoneout-c-back", "test_cell_options test_vectors", [
        (SCAN + "_backward.cl", "dc += dc_old;", ";")]),
    ("zoneout-projected-back", "test_cell_options test_vectors", [
        (SCAN + "_backward.cl", "live ? rest : d", "live ? (REALV)0 : d")]),
    ("zoneout-of-reset-h", "test_cell_options", [
        (SCAN + "_forward.cl", "        old = (REALV)0;\n", "        ;\n")]),
    ("zoneout-peephole-sees-c", "test_cell_options test_vectors", [
        ("host/layer/backward.c", "p->next && n->desc.zoneout_cell > 0", "false")]),
    ("zoneout-normed-back", "test_cell_options", [
        ("cl/scan_backward.cl", "            d = zone_fresh_back(zone_kept(&v, false, n, s->t, j), d);\n", "            ;\n")]),
    ("zoneout-cells-alike", "test_vectors", [
        ("host/layer/scan.c", "return w->layer * plan->network.directions + w->direction;", "return 0;")]),
    ("zoneout-nodes-alike", "test_graph_dropout", [
        ("host/base/philox.h", "return seed + (uint64_t)number *", "return seed + 0 * (uint64_t)number *")]),
    ("recurrent-dropout-forgets-dU", "test_cell_options test_vectors", [
        ("host/layer/backward.c", "status = drop_hidden(b, &h_prev, R);", ";")]),
    ("recurrent-dropout-candidate-dU", "test_cell_options test_vectors", [
        ("host/layer/backward.c", "status = drop_hidden(b, &saved, H);", ";")]),
    ("recurrent-dropout-back", "test_cell_options test_vectors", [
        ("host/layer/stepwise.c", "clr_drop_hidden(plan, w, dropped, to, accumulate,",
         "clr_drop_hidden(plan, w, dropped, to, false,")]),
    ("recurrent-dropout-refused-nowhere", "test_cell_options", [
        ("host/layer/persistent.c", "desc->train && network->desc.recurrent_dropout > 0", "false")]),
    ("ref-zoneout-backward", "test_gradients test_reference", [
        (REF + "zoneout.c", "mixed(k, step->dc[i], 0)", "0")]),
    ("norm-refused-nowhere", "test_cell_options", [
        ("host/layer/persistent.c", "if (network->normed && desc->weights != CLRNN_WEIGHTS_F32)", "if (false)")]),
    ("norm-of-later-blocks", "test_cell_options", [
        ("cl/persistent_norm_forward.cl", "part == norm_rows && number % w->block == 0", "part == norm_rows && number == 0")]),
    ("norm-of-other-rows", "test_cell_options", [
        ("cl/persistent_norm_forward.cl", "load_some(z + i * stride", "load_some(z + (size_t)i * w->H")]),
    ("norm-back-other-scale", "test_persistent test_cell_options", [
        ("cl/persistent_norm_back.cl", "norms->scales[at + 1 + phase]", "norms->scales[at]")]),
    ("norm-back-z-without-bias", "test_persistent test_cell_options", [
        ("cl/persistent_norm_back.cl", "load_some(norms->bias_c + j, width)", "0")]),
    ("norm-back-of-cell", "test_persistent test_cell_options", [
        ("cl/persistent_backward.cl", "of_cell.c_next = z_kept(w);", "of_cell.c_next = s->c_next;")]),
    ("norm-back-others-rows", "test_persistent", [
        ("cl/persistent_backward.cl", "rows_back(w, &s, part, row0 + unit_part, row_end);", "rows_back(w, &s, part, row0, row1);")]),
    ("norm-of-reset-kept", "test_cell_options", [
        ("cl/persistent_norm_forward.cl", "is_live(w, n, s->t) && !reset", "is_live(w, n, s->t)")]),
    ("norm-back-later-launch", "test_many_steps", [
        ("host/layer/norm.c", "a.dz = clr_flow_of(plan, w).dz + (size_t)t *", "a.dz = clr_flow_of(plan, w).dz + (size_t)0 * t *")]),
    ("norm-back-d-of-other", "test_persistent test_cell_options", [
        ("cl/persistent_backward.cl", "projected ? d_kept(w) : w->dh", "w->dh")]),
    ("ref-norm-backward", "test_gradients", [
        (REF + "product.c", "dy[i] - sum - n->hat[i] * product", "dy[i] - sum")]),
    ("device-lengths-below-0", "test_cell_options", [
        ("cl/sequence.cl", "(uint)max(own[own_at + n], 0)", "(uint)own[own_at + n]")]),
    ("packed-rows-order", "test_packed_rows", [
        ("host/layer/packed_rows.c", "by_step ? i / inner : i % inner", "by_step ? i % inner : i / inner")]),
    ("packed-rows-batch-first", "test_packed_rows", [
        ("host/layer/packed_rows.c", "p->batch_first ? (size_t)n * p->steps + t", "p->batch_first ? (size_t)t * p->batch + n")]),
    ("trace-state-before", "test_trace", [
        ("host/layer/trace.c", "after ? slot_after(", "!after ? slot_after(")]),
    ("trace-gate-of-sum", "test_trace", [
        ("host/layer/trace.c", "if (keeps_sums(n))\n        f.function", "if (false)\n        f.function")]),
    ("trace-coupled", "test_trace", [("cl/trace.cl", "value = (REALV)1 - value;", "value = value;")]),
    ("trace-padding", "test_trace", [
        ("cl/trace.cl", "is_counted(b, lengths, t, n) ? value : (REAL)0", "value")]),
    ("trace-sum-without-peephole", "test_trace", [
        ("cl/trace.cl", "if (s.p != TRACE_NOWHERE)", "if (false)")]),
    ("trace-gradient-through-reset", "test_trace", [
        ("host/layer/state_gradients.c", "if (status == CLRNN_OK && pass->flagged)\n        status = clr_mask",
         "if (false)\n        status = clr_mask")]),
    ("trace-gradient-without-y", "test_trace", [
        ("host/layer/state_gradients.c", "if (!dh.buffer || !w->y.buffer)", "if (true)")]),
    ("trace-saturation", "test_trace", [("cl/trace.cl", "f->above += v > high", "f->above += v >= low")]),
    ("trace-watch-order", "test_trace", [
        ("host/layer/trace_read.c", "? steps - 1 - step : step", "? step : step")]),
]
