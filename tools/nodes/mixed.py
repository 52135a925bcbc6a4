# SPDX-License-Identifier: MIT
"""Graphs of several nodes as exporters write them: sequences through layers, shapes that are computed, If, Loop, Scan,
functions."""
import numpy as np
from onnx import TensorProto, helper, numpy_helper

from draw import op

TIME, ROWS = "seq_len", "batch"


class Flow:
    """A value on its way: its name, whether its axes are [T,N,F], [N,T,F] or [N,F], and their sizes."""
    def __init__(self, c):
        self.c, self.T, self.N, self.F = c, c.between(2, 6), c.between(1, 3), c.between(1, 6)
        self.axes = c.one_of("TNF", "NTF")
        self.name = self.c.value(self.c.array(self.shape()), False)
        dims = [{"T": TIME, "N": ROWS, "F": self.F}[a] for a in self.axes]
        if c.chance(0.7):
            c.infos[-1] = helper.make_tensor_value_info(self.name, TensorProto.FLOAT, dims)
        self.before = []  # (name, axes, F) of earlier values

    def shape(self):
        return [{"T": self.T, "N": self.N, "F": self.F}[a] for a in self.axes]

    def to(self, name, axes=None, F=None):
        self.before.append((self.name, self.axes, self.F))
        self.name, self.axes, self.F = name, axes or self.axes, F or self.F

    def node(self, name, inputs, **attributes):
        return self.c.node(name, inputs, **attributes)

    def weight(self, shape):
        """Within the model; sometimes of float16, and cast."""
        c = self.c
        if c.chance(0.1):
            return self.node("Cast", [c.value(c.array(shape, -1, 1, "f2"), True)], to=1)
        return c.reals(shape, -1, 1, True)

    def turn(self, axes):
        if self.axes != axes:
            self.to(self.node("Transpose", [self.name], perm=[self.axes.index(a) for a in axes]), axes)

    def sizes(self):
        """The sizes of its axes, each as a list of one number that is computed."""
        c = self.c
        shape = self.node("Shape", [self.name])
        if c.chance():
            return {a: self.node("Gather", [shape, c.ints([i])], axis=0) for i, a in enumerate(self.axes)}
        if c.opset >= 10:
            return {a: self.node("Slice", [shape, c.ints([i]), c.ints([i + 1]), c.ints([0])]) for i, a in enumerate(self.axes)}
        return {a: self.node("Slice", [shape], starts=[i], ends=[i + 1], axes=[0]) for i, a in enumerate(self.axes)}

    def unsqueeze(self, name, axes):
        return self.node("Unsqueeze", [name], axes=axes) if self.c.opset < 13 else \
            self.node("Unsqueeze", [name, self.c.ints(axes)])

    def squeeze(self, name, axes):
        return self.node("Squeeze", [name], axes=axes) if self.c.opset < 13 else \
            self.node("Squeeze", [name, self.c.ints(axes)])


# --- steps: each takes the flow on, or leaves it where it does not fit -----------------------------


def function(f):
    name = f.c.one_of("Relu", "Tanh", "Sigmoid", "Elu", "Softplus", "LeakyRelu", "Abs", "Neg")
    f.to(f.node(name, [f.name]))


def written(f):
    """GELU, SiLU, hard swish as exporters write them."""
    c, x = f.c, f.name
    kind = c.below(3)
    number = lambda v: c.value(np.float32(v), True)  # noqa: E731
    if kind == 0 and c.opset >= 9:
        e = f.node("Add", [f.node("Erf", [f.node("Div", [x, number(np.sqrt(2))])]), number(1)])
        f.to(f.node("Mul", [f.node("Mul", [x, e]), number(0.5)]))
    elif kind == 1:
        f.to(f.node("Mul", [x, f.node("Sigmoid", [x])]))
    else:
        f.to(f.node("Sub", [f.node("Exp", [f.node("Neg", [f.node("Abs", [x])])]), number(0.25)]))


def arithmetic(f):
    c = f.c
    other = c.one_of(f.weight([f.F]), f.weight([]), f.weight([1, f.F]))
    pair = [f.name, other] if c.chance(0.7) else [other, f.name]
    f.to(f.node(c.one_of("Add", "Mul", "Sub"), pair))


def product(f):
    F = f.c.between(1, 6)
    name = f.node("MatMul", [f.name, f.weight([f.F, F])])
    f.to(f.node("Add", [name, f.weight([F])]) if f.c.chance() else name, F=F)


def gemm(f):
    if f.axes != "NF":
        return
    F = f.c.between(1, 6)
    turned = f.c.below(2)
    f.to(f.node("Gemm", [f.name, f.weight([F, f.F] if turned else [f.F, F]), f.weight([F])], transB=turned), F=F)


def recurrent(f):
    c = f.c
    if f.axes == "NF":
        return
    f.turn("TNF")
    cell = c.one_of("RNN", "GRU", "LSTM")
    G, H = {"RNN": 1, "GRU": 3, "LSTM": 4}[cell], c.between(1, 5)
    D = c.one_of(1, 1, 2)
    inputs = [f.name, f.weight([D, G * H, f.F]), f.weight([D, G * H, H]), f.weight([D, 2 * G * H])]
    if c.chance(0.4) and c.opset >= 9:  # zeros of a shape that is computed
        shape = f.node("Concat", [c.ints([D]), f.sizes()["N"], c.ints([H])], axis=0)
        zeros = f.node("ConstantOfShape", [shape])
        inputs += ["", zeros] + ([zeros] if cell == "LSTM" else [])
    y, h = c.fresh(), c.fresh()
    c.node(cell, inputs, [y, h], hidden_size=H, direction="bidirectional" if D == 2 else None,
           linear_before_reset=c.one_of(0, 1) if cell == "GRU" else None)
    if D == 1 and c.chance(0.3):
        f.to(f.squeeze(h, [0]), "NF", H)
    elif D == 1:
        f.to(f.squeeze(y, [1]), F=H)
    else:
        turned = f.node("Transpose", [y], perm=[0, 2, 1, 3])
        f.to(f.node("Reshape", [turned, c.ints([0, 0, -1])]), F=2 * H)


def convolution(f):
    c = f.c
    if f.axes == "NF":
        return
    f.turn("NTF")
    name, F, k = f.node("Transpose", [f.name], perm=[0, 2, 1]), c.between(1, 5), c.between(1, 3)
    pads = [k - 1, 0] if c.chance() else [(k - 1) // 2, k - 1 - (k - 1) // 2]
    name = f.node("Conv", [name, f.weight([F, f.F, k]), f.weight([F])], pads=pads)
    if c.chance(0.4):
        name = c.node("BatchNormalization", [name, f.weight([F]), f.weight([F]), f.weight([F]),
                                             c.reals([F], 0.3, 1, True)])
    f.to(f.node("Transpose", [name], perm=[0, 2, 1]), F=F)


def norm(f):
    c = f.c
    if c.opset >= 17 and c.chance():
        f.to(c.node("LayerNormalization", [f.name, f.weight([f.F]), f.weight([f.F])], epsilon=0.01))
        return
    last = len(f.axes) - 1
    given = {"axes": [last]} if c.opset < 18 else {}
    more = [c.ints([last])] if c.opset >= 18 else []
    centred = f.node("Sub", [f.name, f.node("ReduceMean", [f.name] + more, **given)])
    square = f.node("Mul", [centred, centred])
    spread = f.node("Add", [f.node("ReduceMean", [square] + more, **given), c.value(np.float32(0.01), True)])
    f.to(f.node("Div", [centred, f.node("Sqrt", [spread])]))


def softmax(f):
    if f.axes == "NF" or f.c.opset >= 13:
        f.to(f.node(f.c.one_of("Softmax", "LogSoftmax"), [f.name], axis=len(f.axes) - 1 if f.c.chance() or f.c.opset < 11 else -1))


def residual(f):
    same = [name for name, axes, F in f.before if axes == f.axes and F == f.F]
    if same:
        f.to(f.node(f.c.one_of("Add", "Mul", "Max"), [f.name, f.c.one_of(*same)]))


def joined(f):
    fits = [(name, F) for name, axes, F in f.before if axes == f.axes]
    if fits:
        name, F = f.c.one_of(*fits)
        f.to(f.node("Concat", [f.name, name], axis=len(f.axes) - 1), F=f.F + F)


def gated(f):
    c = f.c
    if f.F % 2:
        return
    a, b = c.node("Split", [f.name] + ([c.ints([f.F // 2] * 2)] if c.opset >= 13 else []), 2, axis=len(f.axes) - 1)
    f.to(f.node("Mul", [a, f.node("Sigmoid", [b])]), F=f.F // 2)


def last(f):
    c = f.c
    if f.axes == "NF":
        return
    at = f.axes.index("T")
    kind = c.below(4)
    if kind == 0:
        f.to(f.node("Gather", [f.name, c.ints(-1 if c.opset >= 11 else f.T - 1)], axis=at), "NF")
    elif kind == 1:
        if c.opset >= 10:
            name = f.node("Slice", [f.name, c.ints([-1]), c.ints([np.iinfo("i8").max]), c.ints([at])])
        else:
            name = f.node("Slice", [f.name], starts=[-1], ends=[np.iinfo("i4").max], axes=[at])
        f.to(f.squeeze(name, [at]), "NF")
    else:
        name = c.one_of("ReduceMean", "ReduceMax")
        given = {"axes": [at]} if c.opset < 18 else {}
        f.to(f.node(name, [f.name] + ([c.ints([at])] if c.opset >= 18 else []), keepdims=0, **given), "NF")


def reshaped(f):
    """All rows and steps as one axis, a product, and back, by sizes that are computed."""
    c = f.c
    if f.axes == "NF":
        return
    sizes, F = f.sizes(), c.between(1, 5)
    flat = f.node("Reshape", [f.name, c.ints([-1, f.F])])
    made = f.node("Gemm", [flat, f.weight([f.F, F]), f.weight([F])])
    shape = f.node("Concat", [sizes[f.axes[0]], sizes[f.axes[1]], c.ints([F])], axis=0)
    f.to(f.node("Reshape", [made, shape]), F=F)


def attention(f):
    if f.axes == "NF":
        return
    f.turn("NTF")
    c = f.c
    D = c.between(1, 4)
    q, k, v = (f.node("MatMul", [f.name, f.weight([f.F, D])]) for _ in range(3))
    scores = f.node("MatMul", [q, f.node("Transpose", [k], perm=[0, 2, 1])])
    share = f.node("Softmax", [f.node("Mul", [scores, f.weight([])])], axis=2)
    f.to(f.node("MatMul", [share, v]), F=D)


def masked(f):
    c = f.c
    if c.opset < 9:
        return
    mask = f.node("Greater", [f.name, f.weight([])])
    f.to(f.node("Where", [mask, f.name, f.weight([f.F])]))


def graph_of(c, inputs, outputs, make):
    """An inner graph: make(c) adds nodes to c; what it adds is taken out again."""
    before = len(c.nodes)
    make(c)
    nodes, c.nodes = c.nodes[before:], c.nodes[:before]
    infos = lambda names: [helper.make_tensor_value_info(n, t, [None] * r) for n, t, r in names]  # noqa: E731
    return helper.make_graph(nodes, c.fresh("g"), infos(inputs), infos(outputs))


def chosen(f):
    """If: by a constant, or by a size."""
    c = f.c
    if c.opset < 11:
        return
    if c.chance():
        condition = c.value(np.asarray(c.chance()), True)
    else:
        size = f.squeeze(f.sizes()[f.axes[0]], [0])
        condition = f.node("Equal", [size, c.ints(c.one_of(1, f.N, f.T))])
    names = [c.fresh(), c.fresh()]
    then = graph_of(c, [], [(names[0], 1, len(f.axes))], lambda c: c.node("Tanh", [f.name], [names[0]]))
    other = graph_of(c, [], [(names[1], 1, len(f.axes))], lambda c: c.node("Neg", [f.name], [names[1]]))
    f.to(c.node("If", [condition], then_branch=then, else_branch=other))


def looped(f):
    """Loop: a few times the same, or until the condition."""
    c = f.c
    if c.opset < 11 or f.axes == "NF":
        return
    h, y, more = c.fresh("h"), c.fresh("h"), c.fresh("q")
    W = f.weight([f.F, f.F])
    times, condition = c.fresh("i"), c.fresh("q")

    def body(c):
        c.node("Tanh", [c.node("MatMul", [h, W])], [y])
        c.node("Identity", [condition], [more])
    inner = graph_of(c, [(times, 7, 0), (condition, 9, 0), (h, 1, 3)], [(more, 9, 0), (y, 1, 3)], body)
    f.to(c.node("Loop", [c.ints(c.between(1, 3)), c.value(np.asarray(True), True), f.name], body=inner))


def scanned(f):
    """Scan over time: a cell written out."""
    c = f.c
    if c.opset < 11 or f.axes == "NF":
        return
    f.turn("TNF")
    H = c.between(1, 4)
    W, U = f.weight([f.F, H]), f.weight([H, H])
    start = c.value(np.zeros([f.N, H], "f4"), True)
    h, x, y, out = (c.fresh("h") for _ in range(4))

    def body(c):
        c.node("Tanh", [c.node("Add", [c.node("MatMul", [x, W]), c.node("MatMul", [h, U])])], [y])
        c.node("Identity", [y], [out])
    inner = graph_of(c, [(h, 1, 2), (x, 1, 2)], [(y, 1, 2), (out, 1, 2)], body)
    names = c.node("Scan", [start, f.name], 2, body=inner, num_scan_inputs=1,
                   scan_input_directions=c.one_of(None, [0], [1]))
    f.to(names[1], F=H)


def called(f):
    """A function of the model, with an attribute."""
    c = f.c
    if c.opset < 17:
        return
    if not c.functions:
        scaled = helper.make_node("LeakyRelu", ["x"], ["a"])
        scaled.attribute.append(helper.make_attribute("alpha", 0.0))
        scaled.attribute[0].ClearField("f")
        scaled.attribute[0].ref_attr_name = "slope"
        c.functions.append(helper.make_function(
            "own", "Leak", ["x", "b"], ["y"], [scaled, helper.make_node("Add", ["a", "b"], ["y"])],
            [helper.make_opsetid("", c.opset)], ["slope"]))
        c.domains["own"] = 1
    f.to(c.node("Leak", [f.name, f.weight([f.F])], domain="own", slope=c.real(0, 1)))


STEPS = [function, written, arithmetic, product, gemm, recurrent, recurrent, convolution, norm, softmax, residual, joined,
         gated, last, reshaped, attention, masked, chosen, looped, scanned, called]


@op("(graph)")
def graph(c):
    f = Flow(c)
    while len(c.nodes) < 3 or c.chance(0.75) and len(c.nodes) < 40:
        c.one_of(*STEPS)(f)
    c.give(f.name)
    if len(f.before) > 1 and c.chance(0.3):
        kept = [name for name, _, _ in f.before[1:]]
        c.give(c.one_of(*kept))
