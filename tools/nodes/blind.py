# SPDX-License-Identifier: MIT
"""Whether drawn cases would notice an attribute that is ignored or misread: clrnn is given the model with one attribute
of the node left out or another, and the outputs of the model as it was."""
import collections
import functools
import pathlib
import zlib

import numpy as np
import onnx
from onnx import AttributeProto, helper, numpy_helper
from onnxruntime.capi import onnxruntime_pybind11_state as runtime

from draw import FAMILIES

ROUND = 10  # cases of an operator at a time: what was noticed is not tried again
LEAST = 80  # cases of an operator, though all that was drawn is noticed: some attributes are rarely given

# What cannot matter: (operator or "", attribute): why; with a third word that change alone.
SAME = {
    ("BatchNormalization", "momentum"): "of training",
    ("Dropout", "ratio"): "of training",
    ("Dropout", "seed"): "of training",
    ("", "kernel_shape", "gone"): "as the weights say",
    ("", "hidden_size", "gone"): "as the weights say",
    ("Split", "num_outputs", "gone"): "as many as are named",
    ("", "auto_pad", "VALID gone"): "the same without pads",
    ("", "auto_pad", "VALID as NOTSET"): "the same without pads",
    ("", "output_datatype"): "the numbers are the same in any real type",
    ("", "stash_type", "another"): "of the precision within, which is the graph's",
    ("Attention", "softmax_precision"): "of the precision within, which is the graph's",
    ("TopK", "sorted"): "in any order, which may be this",
    ("Cast", "saturate"): "of float8",
    ("Cast", "round_mode"): "of float8",
    ("MaxPool", "storage_order"): "of indices, which are refused",
    **{("GridSample", "mode", change): "two names of one" for change in (
        "linear as bilinear", "bilinear as linear", "bilinear gone", "linear gone", "cubic as bicubic", "bicubic as cubic")},
    ("Resize", "extrapolation_value"): "of modes that are refused",
    ("Resize", "keep_aspect_ratio_policy"): "others are refused",
}


def bare(name):
    return name.rpartition(".")[2]


@functools.cache
def schemas(name):
    """Of all opsets: {attribute: (its AttributeProto's type, its default or None)}."""
    found = {}
    for schema in runtime.get_all_operator_schema():
        if (schema.domain, schema.name) == (name.rpartition(".")[0], bare(name)):
            for k, v in schema.attributes.items():
                default = AttributeProto.FromString(v._default_value)
                found[k] = int(v.type.value), helper.get_attribute_value(default) if default.type else None
    return found


def of(model, name):
    """The nodes that a case is of, those of inner graphs not."""
    domain = name.rpartition(".")[0]
    return [node for node in model.graph.node if node.op_type == bare(name) and node.domain == domain]


def word(attribute):
    value = helper.get_attribute_value(attribute)
    return value.decode() if isinstance(value, bytes) else None


def others(attribute, words):
    """Other values of it: [(what was done, AttributeProto)]."""
    name, value = attribute.name, helper.get_attribute_value(attribute)
    make = helper.make_attribute
    if attribute.type == AttributeProto.INT:
        return [("another", make(name, 1 - value if value in (0, 1) else value + 1))]
    if attribute.type == AttributeProto.FLOAT:
        return [("another", make(name, value * 1.5 + 0.1))]
    if attribute.type == AttributeProto.STRING:
        rest = sorted(words - {word(attribute)})
        if name == "equation" and rest:  # there are many, and some are one but for letters
            return [("another", make(name, rest[zlib.crc32(value) % len(rest)]))]
        return [(f"{word(attribute)} as {w}", make(name, w)) for w in rest]
    if attribute.type in (AttributeProto.INTS, AttributeProto.FLOATS) and len(value):
        step = 1 if attribute.type == AttributeProto.INTS else 0.25
        more = [v + step if v < 1 << 30 else v - 2**62 for v in value]
        return [("first", make(name, [more[0], *value[1:]])), ("last", make(name, [*value[:-1], more[-1]]))]
    if attribute.type == AttributeProto.STRINGS:
        return [(f"{v.decode()} as another", make(name, [*value[:i], "Relu" if v != b"Relu" else "Tanh", *value[i + 1:]]))
                for i, v in enumerate(value)]
    if attribute.type == AttributeProto.TENSOR:
        x = numpy_helper.to_array(value)
        return [("another", make(name, numpy_helper.from_array(~x if x.dtype == bool else (x + 1).astype(x.dtype), value.name)))]
    return []


def changed(model, name, words):
    """[((operator, attribute, what was done), the model)]"""
    found = []
    for k in range(len(of(model, name))):
        for i, attribute in enumerate(of(model, name)[k].attribute):
            value, default = word(attribute), schemas(name).get(attribute.name, (0, None))[1]
            made = [(f"{value} gone" if value else "gone", None)] if helper.get_attribute_value(attribute) != default else []
            made += others(attribute, words[attribute.name])
            for done, other in made:
                copy = onnx.ModelProto()
                copy.CopyFrom(model)
                node = of(copy, name)[k]
                del node.attribute[i]
                if other is not None:
                    node.attribute.append(other)
                found.append(((name, attribute.name, done), copy))
    return found


def added(model, name, attribute, kind):
    """The model with an attribute that is drawn nowhere: refused as unknown, if it is not read."""
    values = {1: 1.0, 2: 1, 3: "x", 6: [1.0], 7: [1], 8: ["x"]}
    if kind not in values:
        return None
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    of(copy, name)[0].attribute.append(helper.make_attribute(attribute, values[kind]))
    return copy


def excuse(key):
    name, attribute, done = key
    for wanted, why in SAME.items():
        if wanted[0] in ("", name) and wanted[1] == attribute and (len(wanted) == 2 or wanted[2] == done):
            return why
    return ""


def missed(kinds, key):
    return not sum(kinds[key][1:]) and not excuse(key)


def blind(wishes, folder, draw_all, write, run, judge):
    """The table; how many attributes no case notices."""
    kinds = collections.defaultdict(lambda: [0, 0, 0])  # of a change: tried, differs, refused
    words = collections.defaultdict(lambda: collections.defaultdict(set))
    models = {}
    first, last = wishes.seed, wishes.seed + wishes.count
    every = wishes.names or sorted(FAMILIES)
    for wishes.seed in range(first, last, ROUND):
        wishes.names = [n for n in every if wishes.seed < first + LEAST or any(missed(kinds, k) for k in kinds if k[0] == n)]
        if not wishes.names:
            break
        wishes.count = min(ROUND, last - wishes.seed)
        base = folder / str(wishes.seed)
        cases, _ = draw_all(wishes, base / "as-drawn", lambda path, *case: models.__setitem__(str(path), case))
        tried = {}
        for path, (name, _, most, bound) in cases.items():
            for node in of(models[path][0], name):
                for a in node.attribute:
                    words[name][a.name] |= {word(a)} - {None}
        for path, (name, _, most, bound) in cases.items():
            model, feeds, outputs = models.pop(path)
            if name not in models:
                models[name] = model, feeds, outputs
            for i, (key, copy) in enumerate(changed(model, name, words[name])):
                if missed(kinds, key):
                    where = base / f"{pathlib.Path(path).name}-{i}"
                    write(where, copy, feeds, outputs)
                    tried[str(where)] = key, most, bound
        for result in run(wishes, base) if tried else []:
            key, most, bound = tried[result["case"]]
            verdict = judge(result, most, bound)
            kinds[key][0] += 1
            kinds[key][1] += verdict == "FAILED"
            kinds[key][2] += verdict == "refused"
    wishes.names = every
    return table(kinds, unread(wishes, folder / "unread", models, kinds, write, run))


def unread(wishes, folder, models, kinds, write, run):
    """Attributes of ONNX that are drawn nowhere, though they are read."""
    tried, drawn = {}, {key[:2] for key in kinds}
    for name in wishes.names or sorted(FAMILIES):
        for attribute, (kind, _) in schemas(name).items():
            fresh = name in models and (name, attribute) not in drawn and not excuse((name, attribute, "gone"))
            copy = added(models[name][0], name, attribute, kind) if fresh else None
            if copy is not None:
                where = folder / f"{name}-{attribute}"
                write(where, copy, *models[name][1:])
                tried[str(where)] = name, attribute
    return [tried[r["case"]] for r in (run(wishes, folder) if tried else [])
            if f"'{tried[r['case']][1]}' is unknown" not in r["reason"]]


def table(kinds, never):
    pairs = collections.defaultdict(list)
    for key in kinds:
        pairs[key[:2]].append(key)
    bad, excused = 0, 0
    for pair, keys in sorted(pairs.items()):
        blank = [key[2] for key in keys if missed(kinds, key)]
        why = {excuse(key) for key in keys} - {""}
        bad, excused = bad + bool(blank), excused + bool(why)
        print(f"{pair[0]:28s} {pair[1]:32s} {len(keys):3d} changes, {sum(kinds[k][1] > 0 for k in keys):3d} differ "
              f"{sum(not kinds[k][1] and kinds[k][2] > 0 for k in keys):3d} refused"
              + (f"; same: {', '.join(sorted(why))}" if why else "")
              + (f"; NOT NOTICED: {', '.join(blank)}" if blank else ""))
    for name, attribute in never:
        print(f"{name:28s} {attribute:32s} READ, AND NEVER DRAWN")
    print(f"{len(pairs)} attributes of {len({p[0] for p in pairs})} operators, {len(kinds)} changes: of {bad} attributes some "
          f"change is not noticed, {len(never)} are read and never drawn; {excused} of which some cannot matter")
    return bad + len(never)
