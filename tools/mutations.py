# SPDX-License-Identifier: MIT
"""The deliberate bugs of tools/mutate: at least one for each kernel file and each reference cell.

A row: name, the tests that must all fail, and one or more (file, text, what takes its place); the
text is found exactly once in the file.
"""
from mutations_cells import CELLS
from mutations_files import FILES
from mutations_fused import MUTATIONS_FUSED
from mutations_graphs import GRAPHS
from mutations_models import MODELS
from mutations_resident import MUTATIONS_RESIDENT
from mutations_streams import STREAMS

LSTM, GRU, RNN, STEP = "cl/lstm.cl", "cl/gru.cl", "cl/rnn.cl", "cl/stepwise.cl"
SCAN, PERSISTENT = "cl/scan", "cl/persistent"
PARTITION = "cl/partition.cl"
REF = "host/reference/"

MUTATIONS = [
    # The three that a port gets wrong most often.
    ("issue-lstm-gate-order", "test_vectors", [
        (LSTM, "i_below = sigm_below(a_i), f = sigm(a_f)",
         "i_below = sigm_below(a_f), f = sigm(a_i)")]),
    ("issue-gru-update-sign", "test_vectors", [
        (GRU, "return options & OPTION_KEEPS ? z : (REALV)1 - z;",
         "return options & OPTION_KEEPS ? (REALV)1 - z : z;"),
        (GRU, "return options & OPTION_KEEPS ? (REALV)1 - z : z;\n}\n\nstatic inline REALV cell",
         "return options & OPTION_KEEPS ? z : (REALV)1 - z;\n}\n\nstatic inline REALV cell")]),
    ("issue-gru-reset-form", "test_vectors", [
        ("host/shape/cell.c", "&cell->forms[value_of(", "&cell->forms[!value_of("),
        ("host/shape/cell.c", ".defined = CLRNN_RESET_BEFORE", ".defined = CLRNN_RESET_AFTER")]),

    # The persistent strategy.
    ("persistent-missing-grid barrier", "test_persistent", [
        (PARTITION, "*counter < target; spins++", "*counter < 0; spins++")]),
    ("persistent-fallback-from-start", "test_timeout", [
        (PARTITION, "!fallback || (uint)*done_of(m, group) <= phase", "!fallback || phase > 0")]),
    ("persistent-flag-stays", "test_timeout", [
        (PARTITION, "    m->sync[SYNC_FLAG] = 0;\n", "")]),
    ("persistent-grid barrier-backward", "test_persistent", [
        (SCAN + "_backward.cl", "return backward_part(options, phase) == part_recurrent",
         "return backward_part(options, phase) >= part_cell")]),
    ("persistent-fallback-leaves-one", "test_timeout", [
        (PARTITION, "fallback || m->single_group ? team_size(m) :",
         "fallback || m->single_group ? team_size(m) - 1 :")]),
    ("persistent-counters-stay", "test_timeout", [
        (PARTITION, "        *counter_of(m, group) = 0;\n", "        ;\n")]),
    ("persistent-places-overlap", "test_persistent", [
        (SCAN + "_launch.cl", "(SYNC_COUNTERS + MOST_GROUPS * SYNC_LINE)",
         "(SYNC_COUNTERS + SYNC_LINE)")]),
    ("persistent-nobody-fallbacks", "test_timeout", [
        (PARTITION, "            return last;\n", "            return false;\n")]),
    ("persistent-left-stays", "test_timeout", [
        (PARTITION, "    m->sync[SYNC_LEFT] = 0;\n", "")]),
    ("persistent-shares", "test_persistent", [
        (PARTITION, "return (uint)((ulong)whole * (part + 1) / parts);",
         "return (uint)((ulong)whole * (part + 1) / parts) - (part == 1 && parts > 2);")]),
    ("persistent-slot", "test_persistent", [
        (SCAN + "_launch.cl", "return (t + 1 - down) % slots;", "return (t + 1) % slots;")]),
    ("persistent-panels-of-a-gate", "test_persistent", [
        (PERSISTENT + "_forward.cl", "gate_step = panels_of(w->H) * panel_size",
         "gate_step = w->H / TILE_N * panel_size")]),
    ("persistent-one-row", "test_persistent", [
        (PERSISTENT + "_row.cl", "k0 + b == 0 ? part : sum[g][0][j] + part", "part")]),
    ("persistent-second-launch", "test_many_steps", [
        ("host/layer/scan.c", "w->end - done - steps", "w->end - steps")]),
    ("persistent-block-of-inputs", "test_timeout", [
        (PERSISTENT + "_input.cl", "room = w->save_gates ? begin : 0", "room = w->save_gates ? begin : 1")]),
    ("persistent-block-downwards", "test_timeout", [
        (SCAN + ".cl", "return w->down ? w->count - last : first;", "return first;")]),
    ("persistent-pairs-of-chains", "test_persistent", [
        (PERSISTENT + "_row.cl", "a[k0 + b * count + k]", "a[k0 + k]")]),
    ("persistent-four-chains", "test_persistent", [
        (PERSISTENT + ".cl", "K - k >= 4 * chain; k += 4 * chain",
         "K - k >= 4 * chain; k += 5 * chain")]),
    ("tile-in-one-chain", "test_packed", [
        ("cl/tile_product.cl", "k0 < count; k0 += chain", "k0 < count; k0 += count")]),
    ("chains-of-another-length", "test_packed", [
        ("cl/sums.cl", "(K) > 1024 ? 64 : 32", "(K) >= 1024 ? 64 : 32")]),
    ("chains-of-the-longest", "test_packed", [
        ("cl/sums.cl", "(K) > 2048 ? 128", "(K) > 4096 ? 128")]),
    ("persistent-rows-of-a-part", "test_persistent", [
        ("cl/prelude.cl", "load_8(p + 8, count - min(count, 8u))",
         "load_8(p + 4, count - min(count, 8u))")]),
    ("persistent-last-launch-back", "test_many_steps", [
        ("host/layer/scan.c", "bool down = w->down != back;",
         "bool down = w->down;")]),
    ("persistent-claims-stay", "test_timeout", [
        (PARTITION, "        *claims_of(m, group) = 0;\n", "        ;\n")]),
    ("persistent-inputs-of-a-claim", "test_persistent", [
        (PERSISTENT + "_forward.cl", "row_part, m->row_parts, panel, panel + 1);",
         "row_part, m->row_parts, panel0, panel0 + 1);")]),
    ("stack-without-lag", "test_stack", [
        (PERSISTENT + "_forward.cl", "lag = l.stacked ? l.block * parts : 0",
         "lag = l.stacked ? parts : 0")]),
    ("stack-meets-nobody", "test_stack", [
        (PARTITION, "(l->stacked ? l->used : 1) * l->unit_parts", "l->unit_parts")]),
    ("stack-shares-gates", "test_stack", [
        ("host/shape/layout.c", ": layer % 2;", ": 0;")]),
    ("arrays-in-place", "test_in_place", [
        ("host/layer/host_io.c",
         "works && !(other && other < end && begin < other + array_bytes(plan, pass, j))",
         "works")]),
    ("config-of-another-network", "test_tune_files", [
        ("host/layer/exec_config.c", "if (clr_option_get(n, &clr_options[i]))", "if (!n)")]),

    # The other kernels.
    ("gemm-padding", "test_gemm", [
        ("cl/gemm.cl", "load_some(c + j * VEC, columns - min(columns, (uint)(j * VEC)));",
         "load_some(c + j * VEC, columns < TILE_N ? 0 : TILE_N);")]),
    ("gemm-narrow-tiles", "test_gemm", [
        ("cl/gemm.cl", "at[i] = row / TILE_M * tile_stride + row % TILE_M * row_stride;",
         "at[i] = row * row_stride;")]),
    ("gemm-narrow-adds", "test_gemm", [
        ("cl/gemm.cl", "for (uint n = 0; add && n < columns; n++)", "for (uint n = 0; add && n < 1; n++)")]),
    ("gemm-narrow-chains", "test_packed", [
        ("cl/gemm.cl", "k < min(K, k0 + chain); k++, a += k_stride) {\n            const NARROWV", "k < K && (k0 = k, 1); k++, a += k_stride) {\n            const NARROWV")]),
    ("gemm-blocks-of-k", "test_gemm", [
        ("cl/gemm.cl", "add = accumulate || k > 0;", "add = accumulate;")]),
    ("graph-shapes-of-another-block", "test_graph_stream", [
        ("host/graph/pass.c", "plan->steps == steps && plan->batch == batch",
         "plan->batch == batch")]),
    ("waiting-keeps-the-processor", "test_threads", [
        (PARTITION, "        YIELD();", "        ;")]),
    ("gemm-another-a-again", "test_packed", [
        ("host/math/packed.c", "g->same_a && p->holds_a", "p->holds_a")]),
    ("gemm-a-not-held", "test_packed", [
        ("host/math/packed.c", "g->same_a && p->holds_a", "g->same_a")]),
    ("gemm-height-of-a-tile", "test_packed", [
        ("cl/gemm.cl", "else if (height <= 3)", "else if (height <= 4)")]),
    ("storage-scale-of-another", "test_stored_products test_stored_plans", [
        ("cl/storage.cl", "(global const float *)panel + column", "(global const float *)panel")]),
    ("storage-ties-away-from-even", "test_storage", [
        ("cl/convert.cl", "bits + 0x7fff + (bits >> 16 & 1)", "bits + 0x8000")]),
    ("storage-hides-nan", "test_storage test_stored_plans", [
        ("cl/convert.cl", "0x1p-100f) : NAN", "0x1p-100f) : 1")]),
    ("storage-panels-overlap", "test_storage", [
        ("cl/storage.cl", "(((K) + 3) / 4 * 4 + PANEL_HEAD)", "((K) + PANEL_HEAD - 1)")]),
    ("storage-step-of-a-gate", "test_stored_plans", [
        (PERSISTENT + "_forward.cl", "(size_t)PANEL_ROWS(w->R) * TILE_N", "(size_t)w->R * TILE_N")]),
    ("tile-rows", "test_gemm", [
        ("cl/tile_product.cl", "min((uint)i, rows - 1) * row_stride", "0 * row_stride")]),
    ("sequence-sum-skips-a-row", "test_sequence", [
        ("cl/sequence.cl", "    for (uint r = first; r < last; r++) {\n        if (width",
         "    for (uint r = first + 1; r < last; r++) {\n        if (width")]),
    ("sequence-dropout-factor", "test_sequence", [
        ("cl/sequence.cl", "DIVIDE((REAL)1, (REAL)1 - (REAL)p)", "(REAL)1")]),
    ("dropout-variational", "test_sequence test_plan", [
        ("cl/sequence.cl", "uint t = variational ? 0 : row / N;", "uint t = row / N;")]),
    ("dropout-variational-node", "test_random_graphs", [
        ("cl/map.cl", "variational ? 0 : (uint)t, index)", "(uint)t, index)")]),
    ("dropout-of-the-input-back", "test_model_gradient", [
        ("host/model/forward.c", "status = drop_input(pass, pass->dx);", "status = CLRNN_OK;")]),
    ("noise-mean", "test_noise", [("cl/noise.cl", " - 262140;", " - 262144;")]),
    ("noise-on-the-parameters", "test_noise", [
        ("host/train/perturb.c", "    exchange(trainer);\n    clrnn_status status = /*",
         "    p->in_use = false;\n    clrnn_status status = /*")]),
    ("noise-moves-what-stands-still", "test_noise", [
        ("host/train/perturb.c",
         "status = clr_extents_copy(trainer, &trainer->untrained.extents, parameters, p->weights);",
         "status = CLRNN_OK;")]),
    ("drop-connect-gradient", "test_noise test_model_gradient", [
        ("host/train/perturb.c", "status == CLRNN_OK ? drop(trainer, trainer->gradient) : status;",
         "status;")]),
    ("drop-connect-of-all", "test_noise", [
        ("host/train/learner_model.c", "info->recurrent = strncmp(", "info->recurrent = true || strncmp(")]),
    ("sequence-mask", "test_sequence", [
        ("cl/sequence.cl", "r / N < (uint)lengths", "r / N <= (uint)lengths")]),
    ("philox-rounds", "test_sequence", [("cl/philox.cl", "round < 10", "round < 9")]),
    ("model-one-hot", "test_model", [
        ("cl/model.cl", "(uint)ids[p] == v ?", "(uint)ids[p] == v + 1 ?")]),
    ("model-embedding-gradient", "test_model", [
        ("cl/model.cl", "i < starts[v + 1]", "i + 1 < starts[v + 1]")]),
    ("loss-gradient", "test_loss", [("cl/loss.cl", ", s) - hit)", ", s))")]),
    ("loss-largest", "test_loss", [
        ("cl/loss.cl", "real_log(s) - (x[target] - m)", "real_log(s) - x[target]")]),
    ("loss-mean-squared", "test_loss", [("cl/loss.cl", "DIVIDE(2 * error, (REAL)O)", "DIVIDE(error, (REAL)O)")]),
    ("loss-missing-barrier", "test_loss", [
        ("cl/loss.cl", "        barrier(CLK_LOCAL_MEM_FENCE);\n        if (i < step)\n"
         "            scratch[i] += scratch[i + step];\n",
         "        if (i < step)\n            scratch[i] += scratch[i + step];\n")]),
    ("adam-bias-correction", "test_optimizer", [("cl/optimizer.cl", "DIVIDE(m1, c1)", "m1")]),
    ("adamw-decay", "test_optimizer", [("cl/optimizer.cl", " - decay * w[i]", "")]),
    ("sgd-momentum", "test_optimizer", [("cl/optimizer.cl", "w[i] -= rate * u[i];",
                                         "w[i] -= rate * gradient;")]),
    ("rmsprop-root", "test_optimizer", [
        ("cl/optimizer.cl", "ROOT(v1) + epsilon", "v1 + epsilon")]),
    ("clipping", "test_optimizer", [
        ("cl/optimizer.cl", "g * norm[1] * DIVIDE(clip, norm[0])", "g * norm[1] * clip")]),
    ("clipping-of-extremes", "test_optimizer", [
        ("cl/optimizer.cl", "norm[0] > clip * norm[1]", "norm[0] > clip")]),
    ("norm-overflows", "test_sums test_batch", [
        ("cl/loss.cl", "plain = sum >= (REAL)0x1p-60f && sum <= (REAL)0x1p100f;", "plain = true;")]),
    ("norm-of-other-exponents", "test_sums", [
        ("cl/loss.cl", "ldexp(pairs[2 * i], -2 * above)", "ldexp(pairs[2 * i], -above)")]),

    # The host's part of a pass.
    ("backward-second-direction", "test_vectors", [
        ("host/layer/backward.c", ".accumulate = b->scan.direction == 1,", "")]),
    ("backward-reversed-states", "test_vectors", [
        ("host/layer/backward.c", "w->layer, w->direction, w->down),",
         "w->layer, w->direction, 0),")]),
    ("backward-dropout-layer", "test_plan", [
        ("host/layer/backward.c", "clr_drop_of(plan, io, layer - 1)", "clr_drop_of(plan, io, layer)")]),
    ("backward-padding-of-x", "test_passes", [
        ("host/layer/backward.c", "if (!b->pass.ragged)\n        return CLRNN_OK;\n",
         "if (b->pass.batch)\n        return CLRNN_OK;\n")]),
    ("backward-transposed-panels", "test_vectors", [
        ("host/math/packed.c", "transposed ? 1 : b.stride, transposed ? b.stride : 1,",
         "transposed ? b.stride : 1, transposed ? 1 : b.stride,")]),
    ("weights-step-of-a-gate", "test_weights test_persistent", [
        ("host/layer/weights.c", "begin + f->at + gate * f->numbers", "begin + f->at")]),
    ("weights-of-another-layer", "test_weights", [
        ("host/layer/weights.c", "(cell - D) * w->cell[1]", "(cell - D) * w->cell[0]")]),
    ("model-parameters-stay", "test_model", [
        ("host/model/forward.c", "pass->version != model->version)", "pass->version == 0)")]),
    ("forget-bias", "test_parameters", [
        ("host/shape/cell.c", ".admits = 0, .usual = 1}", ".admits = 0, .usual = 0}")]),
    ("mask-of-values", "test_batch test_trainer", [
        ("host/train/learner_model.c", "const int32_t *targets = batch->targets;",
         "const int32_t *targets =\n"
         "        trainer->desc.loss == CLRNN_LOSS_CROSS_ENTROPY ? batch->targets : NULL;")]),
    ("option-not-used", "test_trainer_errors", [
        ("host/train/options.c", "return used || value == 0 ?", "return used || value < 1 ?")]),
    ("dropout-of-one-layer", "test_plan_errors test_trainer_errors", [
        ("host/layer/create.c", "d->network.num_layers < 2)", "d->network.num_layers < 1)")]),
    ("step-waits", "test_batch", [
        ("host/device/buffer.c", "return copy_in(context, buffer, offset, bytes, data, CL_FALSE, done)",
         "return copy_in(context, buffer, offset, bytes, data, CL_TRUE, done)")]),
    ("upload-used-too-early", "test_upload test_batch", [
        ("host/device/upload.c", "*free = code == CL_SUCCESS && state <= CL_COMPLETE;",
         "*free = code == CL_SUCCESS;")]),
    ("null-text", "test_null", [
        ("host/train/text.c", "    if (!text)\n        return 0;\n    return validation",
         "    return validation")]),
    ("config-of-1024-weights", "test_tune_files", [
        ("host/layer/exec_config.c", "one_of(w->kept, clr_exec_config_kept,",
         "w->kept && one_of(32, clr_exec_config_kept,")]),
    ("clblast-cache-cleared", "test_gemm", [
        ("host/math/gemm.c", "    clr_packed_free(&gemms->packed);\n}",
         "    int CLBlastClearCache(void);\n    clr_packed_free(&gemms->packed);\n"
         "    (void)CLBlastClearCache();\n}")]),
    ("carried-state", "test_trainer", [
        ("host/train/learner_model.c", "    stream->started = status == CLRNN_OK;\n", "")]),
    ("permuted-each-its-own", "test_data", [
        ("host/train/data_permute.c", "sequence + t * I, x + order[t] * I,",
         "sequence + t * I, x + order[(t + n) % T] * I,")]),
    ("carried-average-back", "test_graph_carry", [
        ("cl/ema.cl", "y[y_at + at - inner] : begin;", "y[y_at + at - inner] : (REAL)0;")]),
    ("carried-states-of-the-graph-begin", "test_graph_carry", [
        ("host/graph/node_recurrent.c", "        status = clr_carry_clear(run);\n", "")]),
    ("carried-states-of-the-graph", "test_graph_carry test_graph_trainer", [
        ("host/train/graph_carry.c", "plan->begun = !reset &&", "plan->begun =")]),
    ("not-finite-steps-after", "test_not_finite", [
        ("cl/optimizer.cl", "return watch[0] != 0;", "return false;")]),
    ("not-finite-loss-alone", "test_not_finite", [
        ("cl/optimizer.cl", "bool good_loss = is_finite(loss[0]);", "bool good_loss = true;")]),
    ("not-finite-gradient-alone", "test_not_finite", [
        ("cl/optimizer.cl", "if (good_loss && is_finite(norm[0]))", "if (good_loss)")]),
    ("not-finite-steps-counted", "test_not_finite", [
        ("host/train/finite.c", "    trainer->steps_done = watch[0] - 1;\n", "")]),
    ("not-finite-states-carried", "test_not_finite", [
        ("host/train/finite.c", "trainer->training.started = false;", "")]),
    ("not-finite-saved", "test_not_finite", [
        ("host/train/finite.c", "if (at < tensor->count)", "if (at > tensor->count)")]),
    ("targets-not-shifted", "test_text", [
        ("host/train/text.c", "part->symbols[position + 1]", "part->symbols[position]")]),

    # Files.
    ("file-read-only-replaced", "test_file", [
        ("host/base/file_posix.c", "if (!may_replace(p))", "if (p->old.st_size < 0)")]),
    ("file-link-from-here", "test_file", [
        ("host/base/file_posix.c", "*link == '/' || !slash ? 0 :", "*link == '/' || slash ? 0 :")]),
    ("cache-follows-links", "test_cache", [
        ("host/device/binary_cache.c", "clr_file_write_nofollow(", "clr_file_write(")]),
    ("cache-reads-links", "test_cache", [
        ("host/device/binary_cache.c", "clr_file_read_nofollow(", "clr_file_read(")]),
    ("left-over-of-the-living", "test_left_over", [
        ("host/base/temporary_posix.c", "is_dead(process, &about) && ", "")]),
    ("left-over-locked", "test_left_over", [
        ("host/base/temporary_posix.c", " && is_unlocked(file)", "")]),
    ("left-over-of-a-younger", "test_left_over", [
        ("host/base/temporary_posix.c", "return began_after(process, about);", "return false;")]),

    # Which tensors a model is made of.
    ("prefix-stays-in-names", "test_prefix", [
        ("host/model/prefix.c", "        tensor.name += length;\n", "")]),
    ("prefix-not-tried", "test_prefix", [
        ("host/model/prefix.c", "status == CLRNN_OK && p->count++ < MOST_PREFIXES",
         "status != CLRNN_OK && p->count++ < MOST_PREFIXES")]),

    # Why a call failed.
    ("device-variable-not-named", "test_select", [
        ("host/device/select.c", 'named ? VARIABLE "=" : ""', '""')]),
    ("wrong-argument-named", "test_arguments", [
        ("host/train/trainer.c", '"clrnn_trainer_step", trainer ? "batch" : "trainer"',
         '"clrnn_trainer_step", trainer ? "trainer" : "batch"')]),
    ("no-right-device-in-silence", "test_no_right_device", [
        ("host/layer/open.c", 'return clr_fail(&desc->log, status,\n                    "of %zu',
         'return clr_fail(NULL, status,\n                    "of %zu')]),
    ("no-memory-in-silence", "test_reasons", [
        ("host/layer/open.c", ": clr_fail(&desc->log, CLRNN_ERR_MEMORY,\n",
         ": clr_fail(NULL, CLRNN_ERR_MEMORY,\n")]),

    # Passes that do not wait, weights whole or lost, what the self-test runs.
    ("pass-not-flushed", "test_async", [
        ("host/layer/pass.c", ": clr_flush(plan->context);", ": CLRNN_OK;")]),
    ("wait-list-ignored", "test_async", [
        ("host/layer/pass.c", "if (io->wait_count > 0)\n        status",
         "if (io->wait_count > 1000)\n        status")]),
    ("half-of-the-weights", "test_half_way", [
        ("host/layer/plan.c", "    if (plan->weights_lost)\n        clr_buffer_destroy",
         "    if (0)\n        clr_buffer_destroy")]),
    ("half-of-the-parameters", "test_parameters", [
        ("host/model/model.c", "status == CLRNN_OK ? 0 : model->version;", "0;")]),
    ("self-test-of-one-row", "test_wrong_kernels", [
        ("host/layer/miniature.c", "                    {false, 1, 1, 5, 1},\n", "")]),
    ("self-test-of-many-units", "test_wrong_kernels", [
        ("host/layer/miniature.c", "{true, 1, 2, 5, 1},\n                    {true, 1, 1, 6, 5}};",
         "};")]),
    ("mute-device-fails-its-platform", "test_drivers", [
        ("host/device/list.c", "    if (ends_list(status))\n        return clr_fail(log",
         "    if (status != CLRNN_OK)\n        return clr_fail(log")]),
    ("self-test-without-long-loops", "test_wrong_kernels", [
        ("host/layer/self_test.c", "check->passed = counted == turns;", "check->passed = true;")]),
    ("self-test-without-partitions", "test_wrong_kernels", [
        ("host/layer/miniature.c", "        list_partitions(plan, &partitions);",
         "        partitions.list[0] = NULL, partitions.count = 1;")]),

    # The reference itself: PyTorch's numbers and finite differences.
    ("ref-lstm-gate-order", "test_reference", [
        (REF + "lstm.c", "a_i[j] = a[0]", "a_i[j] = a[1]"),
        (REF + "lstm.c", "a_f[j] = a[1]", "a_f[j] = a[0]")]),
    ("ref-lstm-backward", "test_reference test_gradients", [
        (REF + "lstm.c", "dc = s->dc[j] + dz[j]", "dc = dz[j]")]),
    ("ref-peephole-state", "test_reference test_gradients", [
        (REF + "lstm.c", "peephole_backward(l, 2, j, da[3], c);",
         "peephole_backward(l, 2, j, da[3], c_prev);"),
        (REF + "lstm.c", "peephole(l, 2, j, s->c[j])", "peephole(l, 2, j, s->c_prev[j])")]),
    ("ref-peephole-backward", "test_gradients", [
        (REF + "lstm.c", "dc * f + peephole(l, 0, j, da[0])", "dc * f")]),
    ("ref-gru-update-sign", "test_reference", [
        (REF + "gru.c", "keep = replaces ? 1 - z : z, take = replaces ? z : 1 - z;",
         "keep = replaces ? z : 1 - z, take = replaces ? 1 - z : z;")]),
    ("ref-gru-reset-form", "test_reference", [
        (REF + "gru.c", "*q = a_n + H;\n", "*q = a_n + H;\n    before = !before;\n")]),
    ("ref-gru-backward", "test_reference test_gradients", [
        (REF + "gru.c", ": da_n[j] * q[j];", ": da_n[j] * s->h_prev[j];")]),
    ("ref-relu", "test_reference", [
        (REF + "function.c", "        return x < 0 ? 0 : x;", "        return x;")]),
    ("ref-tanh-backward", "test_reference test_gradients", [
        (REF + "function.c", "        return 1 - tanh(x) * tanh(x);", "        return 1 - tanh(x);")]),
    ("ref-clip-backward", "test_gradients", [
        (REF + "activation.c", "(x > clip || x < -clip) ? 0 : dy", "x > clip ? 0 : dy")]),
    ("ref-coupled-backward", "test_gradients", [
        (REF + "lstm.c", "? dc * (g - c_prev) : dc * g;", "? dc * g : dc * g;")]),
    ("ref-repeated-gradient", "test_gradients", [
        (REF + "reference.c", "dy[i] + tr->last[i];", "dy[i];")]),
    ("ref-reset-gradient", "test_gradients", [
        (REF + "reference.c", ".dh_prev = reset ? tr->lost : tr->dh + k * R,",
         ".dh_prev = tr->dh + k * R,")]),
    ("ref-reversed-length", "test_reference", [
        (REF + "reference.c", "? p->length - 1 - k", "? p->io->steps - 1 - k")]),

    # Other drivers, and other processes.
    ("drivers-say-lines", "test_drivers", [
        ("host/device/ask.c", 'clr_copy_line(out, room, text + strspn(text, " \\t\\r\\n"));',
         '(void)room, (void)memcpy(out, text, strlen(text) + 1);')]),
    ("drivers-text-wraps", "test_drivers", [("host/device/ask.c", "if (size > most_text)", "if (false)")]),
    ("drivers-count-for-ever", "test_drivers", [("host/device/list.c", "if (count > most_listed)", "if (false)")]),
    ("drivers-gone-platform", "test_drivers", [
        ("host/device/list.c", "while (found && !ids[found - 1])", "while (found > 1 && !ids[found - 1])")]),
    ("pool-forked-joins", "test_pool", [
        ("host/base/pool.c", "p->started && p->process == clr_process()", "p->started > 0")]),
    ("no-fence-no-refusal", "test_resident", [
        ("host/layer/resident.c", "if (!context->info.device_fence)", "if (false)")]),
    ("work-group-fences-are-enough", "test_limits", [
        ("host/device/compiler.c", "both = ORDER_ACQ_REL | SCOPE_DEVICE", "both = ORDER_ACQ_REL")]),
    ("int8-hides-infinity", "test_storage", [
        ("cl/convert.cl", "finite = finite && is_finite(number);", "finite = finite && true;")]),
    ("digest-sees-sign-of-zero", "test_base", [
        ("host/base/digest.h", "numbers[i] == 0 ? 0 : numbers[i]", "numbers[i]")]),
    ("division-one-step-less", "test_division", [
        ("cl/prelude.cl", "fabs(fma(-b, other, a)) < fabs(rest) ? other : q", "q")]),
] + CELLS + MODELS + FILES + GRAPHS + MUTATIONS_FUSED + MUTATIONS_RESIDENT + STREAMS
