# SPDX-License-Identifier: MIT
"""Deliberate bugs of the readers of Keras's and PyTorch's files: tools/mutations.py."""

FILES = [
    ("pickle-missing-values-lost", "test_pytorch", [
        ("host/model/pickle_globals.c", 'CALL("collections", "defaultdict", call_empty_dict)',
         'CALL("collections", "defaultdict", call_other)')]),
    ("pickle-number-without-state", "test_pytorch", [
        ("host/model/pickle.c", "object->kind != CLR_PICKLED_OTHER &&", "")]),
    ("file-part-from-the-begin", "test_file", [
        ("host/base/file_posix.c", "if (bytes && p->offset && lseek", "if (bytes && p->offset > SIZE_MAX / 2 && lseek")]),
    ("rtneural-prelu-not-one-layer", "test_amplifiers", [
        ("host/format/rtneural_write.c", "i += PRELU_NODES - 1;", "i += PRELU_NODES - 2;")]),
    ("rtneural-prelu-of-another-row", "test_amplifiers", [
        ("host/format/rtneural_write.c", 'clrnn_graph_node(g, i), "value"),\n                     (size_t)alpha.shape[0], 1)',
         'clrnn_graph_node(g, i), "value") + 1, (size_t)alpha.shape[0], 0)')]),
    ("keras-damaged-not-said", "test_keras", [
        ("host/format/keras/calls.c", '"%s: damaged: %s"', '"%s: %s"')]),
    ("keras-backwards-not-turned", "test_keras_files", [
        ("host/format/keras/recurrent.c", "clr_keras_cut(k, out->name, 1, -1, CLRNN_TO_END, -1,",
         "clr_keras_cut(k, out->name, 1, 0, CLRNN_TO_END, 1,")]),
    ("keras-same-begins-with-more", "test_keras_files", [
        ("host/format/keras/window.c", "*begin = (uint32_t)(all / 2);", "*begin = (uint32_t)(all - all / 2);")]),
    ("keras-cut-at-the-wrong-end", "test_keras_files", [
        ("host/format/keras/window.c", "d->pad_begin[i] = same ? over / 2 : 0;",
         "d->pad_begin[i] = same ? over - over / 2 + 1 : 0;")]),
    ("keras-kernel-of-depthwise-swapped", "test_keras_files", [
        ("host/format/keras/window.c", "add_with_weights(k, &w, w.in, multiplier, false)",
         "add_with_weights(k, &w, w.in, multiplier, true)")]),
    ("keras-pool-max-is-sum", "test_keras_files", [
        ("host/format/keras/pool.c", ".max = strncmp(k->type, \"Max\", 3) == 0", ".max = !k->type[0]")]),
    ("keras-corner-without-threshold", "test_keras_files", [
        ("host/format/keras/bent.c", "-slope * threshold, x, &below", "0 * threshold, x, &below")]),
    ("keras-variance-as-deviation", "test_keras_files", [
        ("host/format/keras/bent.c", "1 / fmax(sqrt(scale[i]), 1e-7)", "1 / fmax(scale[i], 1e-7)")]),
    ("keras-heads-not-scaled", "test_keras_files", [
        ("host/format/keras/attend.c", "1 / sqrt(h->width)", "1 / (double)(h->width)")]),
    ("keras-keys-are-values-of-heads", "test_keras_files", [
        ("host/format/keras/attend.c", "take_heads(k, h, 2, 1, &value)", "take_heads(k, h, 1, 1, &value)")]),
    ("keras-weights-of-the-first-inner-layer", "test_keras_files", [
        ("host/format/keras/weights.c", "k->outer ? k->name : NULL, first + i", "NULL, first + i")]),
    ("keras-inner-model-of-the-outer-key", "test_keras_files", [
        ("host/format/keras/topology.c", 'sizeof b.k.root, "%s/", k->key)', 'sizeof b.k.root, "%s", k->root)')]),
    ("pytorch-length-of-another-row", "test_pytorch", [
        ("host/format/weight_norm.c", "if (p->g->shape[axis] != 1)", "if (p->g->shape[axis] == 1)")]),
    ("pytorch-direction-not-divided", "test_pytorch", [
        ("host/format/weight_norm.c", " / sqrt(squares[length_of(p, i)]);", ";")]),
    ("pytorch-loss-is-the-model", "test_pytorch", [
        ("host/model/torch.c", "|| (has_tensors(root) && !has_tensors(next)))", "|| has_tensors(root))")]),
    ("keras-mask-of-all-inputs", "test_keras_files", [
        ("host/format/keras/mask.c", "k->before_3 ? CLRNN_NODE_MIN : CLRNN_NODE_MAX", "CLRNN_NODE_MIN")]),
    ("keras-both-directions-repeat", "test_keras_files", [
        ("host/format/keras/both.c", "f[i].zeros = f[i].sequences;", "f[i].zeros = !f[i].sequences;")]),
    ("keras-mean-of-masked-steps", "test_keras_files", [
        ("host/format/keras/pool.c", "    if (k->mask[0] && !max)\n", "    if (!k->node[0] && !max)\n")]),
    ("keras-masked-steps-are-zero", "test_keras", [
        ("host/format/keras/recurrent.c", "k->mask[0] && !f->zeros;", "!k->node[0];")]),
    ("keras-masked-first-is-state", "test_keras_files", [
        ("host/format/keras/recurrent.c", "f->backwards && !k->mask[0]", "f->backwards && k->node[0]")]),
    ("keras-second-cell-of-the-first-weights", "test_keras_files", [
        ("host/format/keras/recurrent.c", "before += strcmp(f->types[j], type) == 0;", "before += 0;")]),
    ("keras-states-of-the-other-direction", "test_keras_files", [
        ("host/format/keras/both.c", "d ? 1 + clr_keras_all_states(&f[0]) : 1;", "1;")]),
    ("keras-cudnn-gates-not-turned", "test_keras_files", [
        ("host/format/keras/cells.c", "const size_t at = h * in + i;", "const size_t at = i * H + h;")]),
    ("keras-cudnn-one-bias", "test_keras_files", [
        ("host/format/keras/cells.c", "w->bias[i] += w->bias[wide + i];", "w->bias[i] += 0;")]),
    ("keras-steps-of-steps-not-turned", "test_keras_files", [
        ("host/format/keras/recurrent.c", "s->turned = s->rows != CLRNN_BATCH && !s->whole;", "s->turned = false;")]),
    ("keras-attention-sees-what-is-masked", "test_keras_files", [
        ("host/format/keras/dot.c", "if (!k->inputs[i].mask[0] || same)", "if (k->node[0] || same)")]),
    ("keras-attention-looks-ahead", "test_keras_files", [
        ("host/format/keras/dot.c", "for (uint64_t j = 0; j <= i && j < shape[2]; j++)",
         "for (uint64_t j = 0; j <= i + 1 && j < shape[2]; j++)")]),
    ("keras-masked-query-answers", "test_keras_files", [
        ("host/format/keras/attend.c", "if (status == CLRNN_OK && *mask)\n        status = clr_keras_select",
         "if (status != CLRNN_OK && *mask)\n        status = clr_keras_select")]),
    ("keras-number-behind-the-value", "test_keras_files", [
        ("host/format/keras/ops.c", "&x[k->number_first ? 0 : 1]);\n        x[k->number_first ? 1 : 0]",
         "&x[1]);\n        x[0]")]),
    ("keras-item-before-the-end", "test_keras_files", [
        ("host/format/keras/item.c", "t->cut.end[t->at] = at == -1 ? CLRNN_TO_END : at + 1;",
         "t->cut.end[t->at] = CLRNN_TO_END;")]),
    ("keras-gates-as-pytorch", "test_keras_files test_amplifiers", [
        ("host/format/keras/cell.c", '== 3 ? "zrn" :', '== 3 ? "rzn" :')]),
    ("keras-second-bias-lost", "test_amplifiers test_keras_files", [
        ("host/format/keras/cell.c", "k->two_biases && k->bias ? ", "false ? ")]),
    ("keras-hard-sigmoid-of-2", "test_keras_files", [
        ("host/format/keras/config.c", "newer ? 1.0 / 6 : functions[i].alpha", "functions[i].alpha")]),
    ("keras-half-of-average-lost", "test_keras_files", [
        ("host/format/keras/both.c", 'return status == CLRNN_OK && strcmp(mode, "ave") == 0',
         'return status == CLRNN_OK && strcmp(mode, "av") == 0')]),
    ("onnx-function-without-its-usual", "test_onnx_most", [
        ("host/format/onnx/attribute.c", "i < f->n_attribute_proto && !found;", "i < 0 && !found;")]),
    ("onnx-function-as-the-first", "test_onnx_most", [
        ("host/format/onnx/attribute.c", "if (clr_onnx_same(f->name, n->op) && ", "if (")]),
    ("onnx-lower-bound-counts", "test_onnx_more", [
        ("host/format/onnx/math.c", "*low = a > b ? b : a;", "*low = a;")]),
    ("onnx-nothing-cut-for-padding", "test_onnx_more", [
        ("host/format/onnx/window.c", "if (before < 0 && pooling)", "if (before < -size)")]),
    ("onnx-transposed-window-forwards", "test_onnx_most", [
        ("host/format/onnx/conv.c", "* window + window - 1 - k] = W->data[e];", "* window + k] = W->data[e];")]),
    ("onnx-transposed-groups-as-one", "test_onnx_most", [
        ("host/format/onnx/conv.c", "plain[((g * M + m) * C + c) * window", "plain[(m * C * groups + g * C + c) * window")]),
    ("onnx-transposed-cut-too-much", "test_onnx_most", [
        ("host/format/onnx/conv.c", "w->stride[i] != 1 || begin[i] < 0 || end[i] < 0 ||", "w->stride[i] != 1 ||")]),
    ("onnx-data-behind-a-link", "test_onnx", [
        ("host/format/onnx/tensor.c", "link = clr_is_link(path);", "link = false;")]),
    ("onnx-convolutions-cut-too", "test_onnx_more", [
        ("host/format/onnx/window.c", "if (before < 0 && pooling)", "if (before < 0)")]),
    ("onnx-dots-of-nothing", "test_onnx_more", [
        ("host/format/onnx/onnx.h", "(uint32_t)value->tensor->n_dims", "0u")]),
    ("onnx-factor-of-0-is-1", "test_onnx_more", [
        ("host/format/onnx/build.c", "function == CLRNN_FN_AFFINE && alpha == 0 && beta == 0", "false")]),
    ("onnx-old-scales-lost", "test_onnx_more", [
        ("host/format/onnx/signal.c", '"scales", rank, numbers, &count); /', '"scale", rank, numbers, &count); /')]),
    ("onnx-values-not-asked-for", "test_onnx_more", [
        ("host/format/onnx/ops.c", "n->unfolded && !op->build; i++)", "n->unfolded && op->build; i++)")]),
    ("onnx-shift-the-other-way", "test_onnx_more", [
        ("host/format/onnx/known.c", "*out = b > 62 ? 0 : left ?", "*out = b > 62 ? 0 : !left ?")]),
    ("onnx-bits-of-either", "test_onnx_more", [
        ("host/format/onnx/known.c", "(double)(a | b)", "(double)(a ^ b)")]),
    ("onnx-eye-in-the-middle", "test_onnx_more", [
        ("host/format/onnx/known.c", "(int64_t)(i / size[1]) == k;", "(int64_t)(i / size[1]) == 0;")]),
    ("onnx-not-0-by-elements", "test_onnx_more", [
        ("host/format/onnx/known.c", "(double)(i / stride % in[0]->size[axis])", "(double)(i % in[0]->size[axis])")]),
    ("onnx-mel-one-edge-less", "test_onnx_more", [
        ("host/format/onnx/known.c", "(mel_of(x[4]) - low) / (x[0] + 2)", "(mel_of(x[4]) - low) / (x[0] + 1)")]),
    ("onnx-fused-second-number", "test_onnx_more", [
        ("host/format/onnx/fused.c", "out[1] = list[1];", "out[1] = 1;")]),
    ("onnx-fused-as-it-is", "test_onnx_more", [
        ("host/format/onnx/product.c", "operand(n, 0, flags[0] != 0, &a)", "operand(n, 0, false, &a)")]),
    ("onnx-fused-without-factor", "test_onnx_more", [
        ("host/format/onnx/product.c", "flags[1] != 0, alpha, NULL, a, &at)", "flags[1] != 0, 1, NULL, a, &at)")]),
    ("onnx-fast-gelu-by-erf", "test_onnx_more", [
        ("host/format/onnx/fused.c", "fast ? CLRNN_FN_GELU_TANH : CLRNN_FN_GELU", "CLRNN_FN_GELU")]),
    ("onnx-quick-gelu-as-usual", "test_onnx_more", [
        ("host/format/onnx/fused.c", "CLRNN_FN_AFFINE, alpha, 0, x, &at)", "CLRNN_FN_AFFINE, 1.702, 0, x, &at)")]),
    ("onnx-skip-without-bias", "test_onnx_more", [
        ("host/format/onnx/fused.c", "CLRNN_NODE_ADD, simple ? 3 : 4, &sum)", "CLRNN_NODE_ADD, 9, &sum)")]),
    ("onnx-sequence-as-tensor", "test_onnx_more", [
        ("host/format/onnx/axes.c", "if (other_type(info->type))", "if (!info && other_type(info->type))")]),
    ("onnx-mean-square-is-variance", "test_onnx_most", [
        ("host/format/onnx/rms.c", "clr_onnx_add_function(n, CLRNN_FN_SQUARE, 0, 0, in, at)",
         "clr_onnx_add_function(n, CLRNN_FN_ABS, 0, 0, in, at)")]),
    ("keras-windows-without-end", "test_keras", [
        ("host/format/keras/pool.c", "k->windows > MOST_WINDOWS", "k->windows > UINT32_MAX - 1")]),
    ("h5-follows-loops", "test_hostile_models", [
        ("host/format/hdf5/object.c", "h->objects++ == MOST_OBJECTS || depth > MOST_DEPTH", "false"),
        ("host/format/hdf5/h5.c", "r->objects++ == MOST_OBJECTS || depth > MOST_DEPTH", "false")]),
    ("h5-table-of-nothing", "test_keras_files", [
        ("host/format/hdf5/object.c", "return none[0] || none[1] ?", "return false ?")]),
    ("h5-free-room-in-circles", "test_keras_files", [
        ("host/format/hdf5/members.c", "for (uint64_t left = n->bytes; free_at != 1;",
         "for (uint64_t left = n->bytes; false && free_at != 1;")]),
    ("h5-any-count-of-members", "test_keras_files", [
        ("host/format/hdf5/members.c", "if (count > 2 * h->leaf)", "if (false)")]),
    ("h5-texts-believed", "test_keras_files", [
        ("host/format/hdf5/data.c", "return !base || texts_are_sound(h, at + place, count, base);", "return true;")]),
    ("h5-longer-texts", "test_keras_files", [
        ("host/format/hdf5/data.c", "if (wanted && held != bytes)", "if (wanted && held < bytes)")]),
    ("f16-ties-away", "test_elementary", [
        ("cl/map_functions.cl", "(size + 0xfff + (size >> 13 & 1))", "(size + 0x1000)")]),
    ("f16-denormals-of-half-the-size", "test_elementary", [
        ("cl/map_functions.cl", "0x3f000000) * 0x1p-24f", "0x3f000000) * 0x1p-25f")]),
    ("f16-never-infinite", "test_elementary", [
        ("cl/map_functions.cl", "size < 0x47800000 ? size : 0x7f800000", "size")]),
    ("bf16-cut-off", "test_elementary", [
        ("cl/map_functions.cl", "(bits + 0x7fff + (bits >> 16 & 1)) & 0xffff0000", "bits & 0xffff0000")]),
    ("rounding-ends-gradients", "test_graph_gradients", [
        ("cl/map_functions.cl", "    case FN_ROUND:\n        return (REAL)0;",
         "    case FN_ROUND:\n    case FN_TO_F16:\n        return (REAL)0;")]),
    ("onnx-cast-rounds-nothing", "test_onnx_body", [
        ("host/format/onnx/cast.c", "if (value.rounds == CLRNN_FN_IDENTITY)", "if (k < n->inputs)")]),
    ("onnx-cast-of-known-rounds-nothing", "test_onnx_body", [
        ("host/format/onnx/cast.c", "clr_ref_function(rounds, 0, 0, x)", "x + 0 * rounds")]),
    ("onnx-computing-sees-rounding", "test_onnx_body", [
        ("host/format/onnx/ops.c", "n->in[i] && op->sees", "n->in[i]")]),
    ("onnx-moving-sees-no-rounding", "test_onnx_body", [
        ("host/format/onnx/shape.c", '{"Reshape", 2, 2, 1, reshape_fold, reshape_build, true}', '{"Reshape", 2, 2, 1, reshape_fold, reshape_build}')]),
    ("onnx-brain-is-half", "test_onnx_body", [
        ("host/format/onnx/tensor.c", "data_type == 16 ? CLRNN_FN_TO_BF16", "data_type == 16 ? CLRNN_FN_TO_F16")]),
    ("onnx-item-behind", "test_onnx_body", [
        ("host/format/onnx/list.c", "i == at ? list->own : from->item[i < at ? i : i - 1]",
         "i == from->count ? list->own : from->item[i]")]),
    ("onnx-another-item-erased", "test_onnx_body", [
        ("host/format/onnx/list.c", "from->item[i < at ? i : i + 1]", "from->item[i]")]),
    ("onnx-items-side-by-side", "test_onnx_body", [
        ("host/format/onnx/list.c", "parts[i] = fresh ? &wide[i] : from->item[i];", "parts[i] = from->item[i];")]),
    ("onnx-pairs-are-halves", "test_onnx_body", [
        ("host/format/onnx/attend.c", "cosine, sine, neighbours != 0, R)", "cosine, sine, false, R)")]),
    ("onnx-angles-of-the-first-row", "test_onnx_body", [
        ("host/format/onnx/attend.c", "ids = clr_onnx_say_input(b, 3);", "ids = clr_onnx_say_number(b, ONNX_INT, 0);")]),
    ("onnx-causal-forgets-the-past", "test_onnx_body", [
        ("host/format/onnx/attend.c", "if (a.causal && clr_onnx_has(n, 4))", "if (!n)")]),
    ("onnx-blind-rows-are-nan", "test_onnx_body", [
        ("host/format/onnx/attend.c", "    if (!guarded)\n", "    if (b)\n")]),
    ("onnx-keys-behind-the-used", "test_onnx_body", [
        ("host/format/onnx/attend.c", "const uint32_t used = clr_onnx_say_input(b, 6);",
         "const uint32_t used = ONNX_NOTHING;")]),
    ("onnx-scores-of-another-stage", "test_onnx_body", [
        ("host/format/onnx/attend.c", "stage[a->mode]", "stage[3 - a->mode]")]),
    ("onnx-attention-without-cap", "test_onnx_body", [
        ("host/format/onnx/attend.c", "if (a->cap > 0) {", "if (a->cap < 0) {")]),
    ("onnx-attention-without-scale", "test_onnx_body", [
        ("host/format/onnx/attend.c", "a->scale != 0 ? a->scale : 1 / sqrt(D)", "1 / sqrt(D)")]),
    ("onnx-products-of-what-follows", "test_onnx_body", [
        ("host/format/onnx/attend.c", "reverse ? K - 1 - i : i;", "i;")]),
    ("onnx-products-with-itself", "test_onnx_body", [
        ("host/format/onnx/attend.c", "exclusive ? before : with;", "with;")]),
    ("onnx-value-cut-to-a-whole-number", "test_onnx_more", [
        ("host/format/onnx/read.c", "k < t->count && a->type == ONNX_INT;", "k < 0 * t->count;")]),
    ("onnx-size-asked-of-numbers", "test_onnx", [
        ("host/format/onnx/build.c", "status = n->m->open ? CLRNN_ERR_NEEDS_SIZE", "status = n->m ? CLRNN_ERR_NEEDS_SIZE")]),
    ("names-of-what-is-gone", "test_base", [
        ("host/base/names.c", "names->heads[last->hash & (names->chains - 1)] = last->next;", "(void)last;")]),
    ("rtneural-any-sum-is-a-skip", "test_amplifiers", [
        ("host/format/amplifier.c", "is_pair(add, CLRNN_NODE_ADD, from, cut ? sound->name : a->x)",
         "add->kind == CLRNN_NODE_ADD")]),
    ("onnx-grid-product-beyond-the-picture", "test_onnx_lookup", [
        ("host/format/onnx/grid.c", 'hit = two(b, "And", hit, r->inside);', 'hit = two(b, "And", hit, hit);')]),
    ("onnx-resize-cubic-counts-outside", "test_onnx_lookup", [
        ("host/format/onnx/signal.c", "if (!r->inside || (tap >= 0 && tap <= last))", "if (tap >= -2 * last)")]),
    ("onnx-norm-over-steps-without-mean", "test_onnx_most", [
        ("host/format/onnx/rms.c", "clr_onnx_add_pair(n, CLRNN_NODE_SUB, in, mean, &mean);\n    return status == CLRNN_OK ? clr_onnx_add_rms(n, axis, epsilon, mean, at) : status;",
         "clr_onnx_add_pair(n, CLRNN_NODE_SUB, in, mean, &mean);\n    return status == CLRNN_OK ? clr_onnx_add_rms(n, axis, epsilon, in, at) : status;")]),
    ("onnx-resize-of-the-first-axes", "test_onnx_lookup", [
        ("host/format/onnx/signal.c", "const uint32_t axis = axes[i];", "const uint32_t axis = i;")]),
    ("keras-2-calls-from-0", "test_keras_files", [
        ("host/format/keras/calls.c", "b->calls[i].number + b->calls[i].first == h->call", "b->calls[i].number == h->call")]),
    ("keras-2-argument-keeps-its-name", "test_keras_files", [
        ("host/format/keras/tensorflow.c", "add(config, f->becomes, argument)", "add(config, f->argument, argument)")]),
    ("graph-equal-items-by-address", "test_items", [
        ("host/graph/items.c", "return x->number < y->number ? -1 : x->number > y->number;",
         "return x->place < y->place ? -1 : x->place > y->place;")]),
    ("graph-lasting-items-overlap", "test_onnx_body", [
        ("host/graph/items.c", "at = behind(list, t, t->lasting, own, at);", "(void)t->lasting;")]),
    ("graph-reader-of-what-is-left-out", "test_graph_fold", [
        ("host/graph/readers.c", "value->readers += more ? 1 : UINT32_MAX;", "value->readers += more ? 1 : 0;")]),
    ("graph-first-part-is-the-last", "test_graph_fold", [
        ("host/graph/fold.c", "j <= plan->nodes[i].last_part; j++)", "j <= i + 1; j++)")]),
    ("graph-last-that-is-led-lost", "test_graph_share", [
        ("host/graph/share.c", "i <= place->last_led && status", "i < place->last_led && status")]),
    ("onnx-weights-are-inputs", "test_onnx", [
        ("host/format/onnx/parse.c", "if (info->name && clr_names_find(&names, info->name) != CLR_NO_NAME)", "if (!info)")]),
    ("onnx-loop-loses-rows", "test_onnx_body", [
        ("host/format/onnx/loop.c", "memcpy(row, s->row, s->rows * s->capacity * sizeof *row);", "(void)row;")]),
    ("amplifier-settings-are-louder", "test_amplifiers", [
        ("host/format/amplifier.c", "gains[i] = i == 0 ? gain : 1;", "gains[i] = gain;")]),
    ("amplifier-settings-are-added", "test_amplifiers", [
        ("host/format/amplifier.c", "if (channels_of(graph, x) > channels) {", "if (channels_of(graph, x) < channels) {")]),
    ("amplifier-adds-what-is-not-louder", "test_amplifiers", [
        ("host/format/rtneural.c", 'a.in_gain != 0 ? "in_gain" : "x");', '"x");')]),
    ("keras-config-beside-not-known", "test_keras_files", [
        ("host/format/keras/file.c", 'const bool config = cJSON_HasObjectItem(root, "class_name");', 'const bool config = cJSON_HasObjectItem(root, "class");')]),
    ("onnx-cast-like-does-not-round", "test_onnx_body", [
        ("host/format/onnx/cast.c", "*to == ONNX_REAL ? n->in[1]->bits : CLRNN_FN_IDENTITY", "CLRNN_FN_IDENTITY")]),
    ("onnx-type-of-the-inputs-lost", "test_onnx_body", [
        ("host/format/onnx/ops.c", "            n->bits = n->in[i]->bits;", "            n->bits = CLRNN_FN_IDENTITY;")]),
    ("onnx-computed-index-from-the-begin", "test_onnx_lookup", [
        ("host/format/onnx/lookup.c", 'ONNX_SAY(b, "Where", ONNX_PLAIN, negative, moved, ids)',
         'ONNX_SAY(b, "Where", ONNX_PLAIN, negative, ids, ids)')]),
    ("onnx-computed-index-not-checked", "test_onnx_lookup", [
        ("host/format/onnx/lookup.c", "inside, place, number(b, all))", "inside, place, place)")]),
    ("onnx-computed-index-data-not-cut", "test_onnx_lookup", [
        ("host/format/onnx/lookup.c", "x = clr_onnx_say_cut(b, x, i, 0, (int64_t)wanted[0], 1);", "(void)x;")]),
    ("onnx-named-rows-of-the-first", "test_onnx_lookup", [
        ("host/format/onnx/lookup.c", "for (uint32_t i = 0; i < shared; i++)", "for (uint32_t i = 0; i < shared * 0; i++)")]),
    ("onnx-grid-always-aligned", "test_onnx_lookup", [
        ("host/format/onnx/grid.c", "    if (s->align)\n", "    if (s->align || s->taps)\n")]),
    ("onnx-grid-mirrors-at-the-middle", "test_onnx_lookup", [
        ("host/format/onnx/grid.c", "low = s->align ? 0 : -0.5,", "low = 0,")]),
    ("onnx-grid-axes-in-their-order", "test_onnx_lookup", [
        ("host/format/onnx/grid.c", "at = s->space - 1 - i;", "at = i;")]),
    ("onnx-grid-of-the-first-picture", "test_onnx_lookup", [
        ("host/format/onnx/grid.c", "clr_onnx_say_steps(b, all / inner, inner,", "clr_onnx_say_steps(b, all / inner, 0,")]),
    ("onnx-grid-cubic-a-tap-late", "test_onnx_lookup", [
        ("host/format/onnx/grid.c", "(s->way == CUBIC ? 1.0 : 0.0)", "0.0")]),
    ("graph-gather-gradient-none-from-the-end", "test_graph_picks", [
        ("cl/window.cl", "if (ids[m] == (int)k || ids[m] == (int)k - (int)K)", "if (ids[m] == (int)k)")]),
]
