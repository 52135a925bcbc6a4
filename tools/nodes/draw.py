# SPDX-License-Identifier: MIT
"""A case while it is drawn: arrays that are inputs of the model or within it, nodes, and what ONNX Runtime, or where
that refuses it ONNX's own evaluator, makes of them."""
import warnings

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

OPSETS = list(range(7, 29))
FAMILIES = {}  # name of an operator: (least opset, function that draws a case of it)


def op(name, since=7):
    """A decorator: the function draws a case of this operator."""
    def note(function):
        FAMILIES[name] = (since, function)
        return function
    return note


class Case:
    def __init__(self, seed, name):
        self.random = np.random.default_rng(seed)
        self.name = name
        self.feeds, self.weights, self.infos, self.nodes, self.outputs = {}, [], [], [], []
        self.functions, self.domains = [], {}
        self.count = 0
        since = FAMILIES[name][0] if name in FAMILIES else 7
        self.opset = int(self.random.choice([o for o in OPSETS if o >= since]))

    # --- chance -----------------------------------------------------------------------------------

    def chance(self, share=0.5):
        return self.random.random() < share

    def below(self, n):
        return int(self.random.integers(n))

    def between(self, low, high):
        return int(self.random.integers(low, high + 1))

    def one_of(self, *choices):
        return choices[self.below(len(choices))]

    def real(self, low=-2.0, high=2.0):
        """As a float of 32 bits."""
        return float(np.float32(self.random.uniform(low, high)))

    def sizes(self, rank, most=5, zero=0.0):
        return [0 if self.chance(zero) else 1 if self.chance(0.2) else self.between(1, most) for _ in range(rank)]

    # --- arrays -----------------------------------------------------------------------------------

    def array(self, shape, low=-2, high=2, kind="f4"):
        if kind == "?":
            return self.random.random(shape) < 0.5
        if np.dtype(kind).kind in "iu":
            return self.random.integers(low, high + 1, shape).astype(kind)
        x = np.asarray(self.random.uniform(low, high, shape))
        if self.chance(0.2):  # equal numbers, and 0
            x = np.clip(np.round(x), np.ceil(low), np.floor(high))
        return x.astype(kind)

    def fresh(self, letter="v"):
        self.count += 1
        return f"{letter}{self.count}"

    def value(self, x, known=None, kind=None):
        """An array as an input of the model, or within it (known). kind: as ONNX's type, where NumPy has none."""
        name = self.fresh("x")
        x = np.asarray(x)
        if known is None:
            known = self.chance(0.3)
        if known and kind == TensorProto.BFLOAT16:
            self.weights.append(helper.make_tensor(name, kind, x.shape, x.astype("f4").ravel()))
        elif known and self.chance(0.2) and self.opset >= 9:
            self.nodes.append(helper.make_node("Constant", [], [name], value=numpy_helper.from_array(x, name)))
        elif known:
            self.weights.append(numpy_helper.from_array(x, name))
        else:
            dims = [f"{name}_{i}" if self.chance(0.15) else d for i, d in enumerate(x.shape)]
            self.infos.append(helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(x.dtype), dims))
            self.feeds[name] = x
        return name

    def reals(self, shape, low=-2, high=2, known=None, kind="f4"):
        return self.value(self.array(shape, low, high, kind), known)

    def ints(self, numbers, known=True, kind="i8"):
        return self.value(np.asarray(numbers, kind), known)

    # --- nodes ------------------------------------------------------------------------------------

    def node(self, name, inputs, outputs=1, domain="", **attributes):
        """Names of its outputs ("" left out), or of the one."""
        names = [self.fresh() for _ in range(outputs)] if isinstance(outputs, int) else outputs
        self.nodes.append(helper.make_node(name, inputs, names, domain=domain, name=self.fresh("n"),
                                           **{k: v for k, v in attributes.items() if v is not None}))
        return names[0] if outputs == 1 else names

    def give(self, *names):
        self.outputs += [name for name in names if name]

    def model(self):
        graph = helper.make_graph(self.nodes, "g", self.infos,
                                  [onnx.ValueInfoProto(name=name) for name in self.outputs], self.weights)
        opsets = [helper.make_opsetid("", self.opset)] + [helper.make_opsetid(d, v) for d, v in self.domains.items()]
        return helper.make_model(graph, opset_imports=opsets, functions=self.functions,
                                 ir_version=3 if self.opset < 9 else min(10, 4 + (self.opset - 9) // 2))


# --- what it should give --------------------------------------------------------------------------




# Of which ONNX's own evaluator leaves attributes out.
UNSOUND = {"RNN", "LSTM", "GRU", "MaxPool", "AveragePool", "LpPool", "Hardmax", "Resize", "Upsample"}


def time_first(model):
    """The model with transposes around recurrent nodes of layout 1, which ONNX Runtime does not know."""
    found = onnx.ModelProto()
    found.CopyFrom(model)
    del found.graph.node[:]
    for node in model.graph.node:
        if node.op_type not in ("RNN", "LSTM", "GRU") or not any(a.name == "layout" and a.i for a in node.attribute):
            found.graph.node.append(node)
            continue
        turned = onnx.NodeProto()
        turned.CopyFrom(node)
        kept = [a for a in node.attribute if a.name != "layout"]
        del turned.attribute[:]
        turned.attribute.extend(kept)
        for k in (0, 5, 6):
            if k < len(node.input) and node.input[k]:
                turned.input[k] = f"{node.input[k]}_turned"
                found.graph.node.append(helper.make_node("Transpose", [node.input[k]], [turned.input[k]], perm=[1, 0, 2]))
        turned.output[:] = [name and f"{name}_turned" for name in node.output]
        found.graph.node.append(turned)
        for k, name in enumerate(node.output):
            if name:
                found.graph.node.append(helper.make_node("Transpose", [turned.output[k]], [name],
                                                         perm=[1, 0, 2] if k else [2, 0, 1, 3]))
    return found


def expected(model, feeds):
    """Who computed it ("" nobody could, and why), and the outputs."""
    settings = onnxruntime.SessionOptions()
    settings.log_severity_level = 4
    settings.intra_op_num_threads = 1
    settings.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    why = ""
    for stand_in in (model, time_first(model)):
        try:
            session = onnxruntime.InferenceSession(stand_in.SerializeToString(), settings, ["CPUExecutionProvider"])
            return "onnxruntime", session.run(None, feeds)
        except Exception as error:  # noqa: BLE001 - whatever it refuses
            why = why or str(error)
    if any(node.op_type in UNSOUND for node in model.graph.node):
        return "", why.splitlines()[0][:300]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return "onnx", ReferenceEvaluator(model).run(None, feeds)
    except Exception as error:  # noqa: BLE001
        return "", f"{why.splitlines()[0][:300]} | {str(error)[:100]}"


def exact(model, feeds):
    """By ONNX's own evaluator in float64, where it can: what single precision loses it does not."""
    wide = onnx.ModelProto()
    wide.CopyFrom(model)
    for t in wide.graph.initializer:
        if t.data_type == TensorProto.FLOAT:
            t.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(t).astype("f8"), t.name))
    for a in (a for node in wide.graph.node if node.op_type == "Constant" for a in node.attribute):
        if a.HasField("t") and a.t.data_type == TensorProto.FLOAT:
            a.t.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(a.t).astype("f8"), a.t.name))
    if any(node.op_type in UNSOUND for node in model.graph.node):
        return None
    try:
        found = ReferenceEvaluator(wide).run(None, {k: x.astype("f8") if x.dtype == np.float32 else x
                                                    for k, x in feeds.items()})
    except Exception:  # noqa: BLE001
        return None
    return found if all(np.asarray(y).dtype != np.float32 for y in found) else None


def largest(y):
    """The largest finite value of a real output; 1 of others, which are compared as they are."""
    y = np.asarray(y)
    if y.dtype.kind not in "fV" or not y.size:
        return 1.0
    x = abs(y.astype("f8"))
    return float(x[np.isfinite(x)].max(initial=0))
