# SPDX-License-Identifier: MIT
"""Operators element by element, products, norms, what is made of a whole axis."""
import numpy as np

from draw import op

# --- functions of one number ----------------------------------------------------------------------

UNARY = {  # least opset, range, attributes (drawn or left out)
    "Abs": (7, -2, 2, {}), "Neg": (7, -2, 2, {}), "Relu": (7, -2, 2, {}), "LeakyRelu": (7, -2, 2, {"alpha": (-1, 1)}),
    "Elu": (7, -2, 2, {"alpha": (0.1, 2)}), "Selu": (7, -2, 2, {"alpha": (0.5, 2), "gamma": (0.5, 2)}),
    "ThresholdedRelu": (10, -2, 2, {"alpha": (-1, 1)}), "HardSigmoid": (7, -4, 4, {"alpha": (0.1, 1), "beta": (0, 1)}),
    "HardSwish": (14, -5, 5, {}), "Mish": (18, -4, 4, {}), "Swish": (24, -4, 4, {"alpha": (0.5, 2)}),
    "Celu": (12, -2, 2, {"alpha": (0.3, 2)}), "Shrink": (9, -2, 2, {"bias": (-0.5, 0.5), "lambd": (0, 1)}),
    "Sigmoid": (7, -8, 8, {}), "Tanh": (7, -4, 4, {}), "Softplus": (7, -9, 9, {}), "Softsign": (7, -4, 4, {}),
    "Exp": (7, -3, 3, {}), "Log": (7, 0.1, 9, {}), "Sqrt": (7, 0, 9, {}), "Reciprocal": (7, 0.2, 3, {}),
    "Sign": (9, -2, 2, {}), "Floor": (7, -9, 9, {}), "Ceil": (7, -9, 9, {}), "Erf": (9, -3, 3, {}),
    "Sin": (7, -6, 6, {}), "Cos": (7, -6, 6, {}), "Tan": (7, -1.2, 1.2, {}), "Sinh": (9, -3, 3, {}),
    "Cosh": (9, -3, 3, {}), "Asinh": (9, -3, 3, {}), "Acosh": (9, 1, 5, {}), "Atanh": (9, -0.9, 0.9, {}),
    "Asin": (7, -1, 1, {}), "Acos": (7, -1, 1, {}), "Atan": (7, -5, 5, {}), "Round": (11, -5, 5, {}),
    "Identity": (7, -2, 2, {})}


def unary(name, low, high, attributes):
    def draw(c):
        kind = c.one_of("f4", "f4", "f4", "f4", "f8", "f2")
        if name in ("Abs", "Neg", "Sign", "Identity") and c.chance(0.2):
            kind = c.one_of("i4", "i8")
        x = c.reals(c.sizes(c.below(5)), low, high, kind=kind)
        given = {k: c.real(*bounds) for k, bounds in attributes.items() if c.chance(0.7)}
        c.give(c.node(name, [x], **given))
    return draw


for _name, (_since, _low, _high, _attributes) in UNARY.items():
    op(_name, _since)(unary(_name, _low, _high, _attributes))


@op("Gelu", 20)
def gelu(c):
    c.give(c.node("Gelu", [c.reals(c.sizes(3), -4, 4)], approximate=c.one_of(None, "none", "tanh")))


def odd(name, attributes):
    def draw(c):
        x = c.array(c.sizes(2), -2, 2, "f4")
        for strange in (np.nan, np.inf, -np.inf):
            x = np.where(c.random.random(x.shape) < 0.2, np.float32(strange), x).astype("f4")
        given = {a: c.below(2) for a in attributes if c.chance(0.6)}
        c.give(c.node(name, [c.value(x, False)], **given))
    return draw


op("IsNaN", 9)(odd("IsNaN", []))
op("IsInf", 10)(odd("IsInf", ["detect_negative", "detect_positive"]))


@op("Clip")
def clip(c):
    kind = c.one_of("f4", "f4", "f4", "f8", "i4", "i8") if c.opset >= 12 else "f4"
    x = c.reals(c.sizes(c.below(4)), -9, 9, kind=kind)
    low, high = sorted((c.between(-5, 5), c.between(-5, 5))) if kind[0] == "i" else sorted((c.real(-5, 5), c.real(-5, 5)))
    has = c.chance(0.7), c.chance(0.7)
    if c.chance(0.1):
        low = 0
    if c.opset < 11:
        c.give(c.node("Clip", [x], min=float(low) if has[0] else None, max=float(high) if has[1] else None))
        return
    bounds = [c.value(np.asarray(v, kind), c.chance(0.7)) if h else "" for v, h in zip((low, high), has)]
    c.give(c.node("Clip", [x] + bounds if c.chance(0.8) or any(has) else [x]))


# --- of two and more ------------------------------------------------------------------------------


def two_shapes(c, most=5):
    """Shapes that broadcast to one."""
    shape = c.sizes(c.below(5), most)
    def thin():
        thinner = [1 if c.chance(0.3) else d for d in shape]
        return thinner[c.below(len(shape) + 1):] if c.chance(0.4) else thinner
    return (shape, thin()) if c.chance() else (thin(), shape)


def pair(name, kinds, low=-3, high=3, positive=False):
    def draw(c):
        a, b = two_shapes(c)
        allowed = [k for k in kinds if k == "f4" or c.opset >= (13 if name in ("Equal",) else 12) or k in ("?", "i4", "i8")
                   and name in ("Add", "Sub", "Mul", "Div", "And", "Or", "Xor")]
        kind = c.one_of(*allowed)
        x, y = c.array(a, low, high, kind), c.array(b, low, high, kind)
        if positive:  # a divisor
            y = np.where(abs(y) < 0.5, np.asarray(1, kind), y).astype(kind)
        c.give(c.node(name, [c.value(x), c.value(y)]))
    return draw


for _name in ("Add", "Sub", "Mul"):
    op(_name)(pair(_name, ["f4", "f4", "f4", "f8", "i4", "i8"]))
op("Div")(pair("Div", ["f4", "f4", "f8", "i4", "i8"], -9, 9, True))
for _name in ("And", "Or", "Xor"):
    op(_name)(pair(_name, ["?"]))
op("Equal")(pair("Equal", ["f4", "i4", "i8", "?"], -2, 2))
for _name in ("Less", "Greater"):
    op(_name)(pair(_name, ["f4", "f8", "i4", "i8"], -2, 2))
for _name in ("LessOrEqual", "GreaterOrEqual"):
    op(_name, 12)(pair(_name, ["f4", "f8", "i4", "i8"], -2, 2))


@op("Pow")
def power(c):
    a, b = two_shapes(c)
    if c.opset >= 12 and c.chance(0.2):
        c.give(c.node("Pow", [c.reals(a, -3, 3, kind="i4"), c.reals(b, 0, 3, kind="i4")]))
    elif c.chance(0.4):
        c.give(c.node("Pow", [c.reals(a, -2, 2), c.value(c.array(b, 0, 3, "i4").astype("f4"))]))
    else:
        c.give(c.node("Pow", [c.reals(a, 0.1, 3), c.reals(b)]))


@op("Mod", 10)
def modulo(c):
    a, b = two_shapes(c)
    kind = c.one_of("f4", "i4", "i8")
    y = c.array(b, 1, 5, kind) * c.one_of(1, -1)
    c.give(c.node("Mod", [c.reals(a, -9, 9, kind=kind), c.value(y.astype(kind))],
                  fmod=1 if kind == "f4" else c.one_of(None, 0, 1)))


def many(name):
    def draw(c):
        a, b = two_shapes(c)
        kind = c.one_of("f4", "f4", "i4", "i8") if name in ("Min", "Max") and c.opset >= 12 else c.one_of("f4", "f8")
        shapes = [a, b] + [b] * c.below(3)
        if c.opset < 8 or c.chance(0.1):
            shapes = [a] * c.between(1, 4)
        c.give(c.node(name, [c.reals(s, -3, 3, kind=kind) for s in shapes]))
    return draw


for _name in ("Min", "Max", "Sum", "Mean"):
    op(_name)(many(_name))


@op("Not")
def negation(c):
    c.give(c.node("Not", [c.reals(c.sizes(2), kind="?")]))


@op("Where", 9)
def where(c):
    a, b = two_shapes(c)
    kind = c.one_of("f4", "f4", "f8", "i4", "i8", "?")
    c.give(c.node("Where", [c.reals(c.one_of(a, b, []), kind="?"), c.reals(a, kind=kind), c.reals(b, kind=kind)]))


@op("PRelu")
def prelu(c):
    shape = c.sizes(c.between(1, 4))
    slope = [1 if c.chance(0.4) else d for d in shape][c.below(len(shape)):]
    c.give(c.node("PRelu", [c.reals(shape, known=False), c.reals(slope, known=c.chance(0.8))]))


def bitwise(name, since):
    def draw(c):
        a, b = two_shapes(c)
        kind = c.one_of("i4", "i8", "u1") if name != "BitShift" else c.one_of("u1", "u4", "u8")
        x = c.reals(a, 0 if kind[0] == "u" else -99, 99, kind=kind)
        if name == "BitShift":
            c.give(c.node(name, [x, c.reals(b, 0, 4, kind=kind)], direction=c.one_of("LEFT", "RIGHT")))
        else:
            c.give(c.node(name, [x, c.reals(b, 0 if kind[0] == "u" else -99, 99, kind=kind)]))
    op(name, since)(draw)


for _name in ("BitwiseAnd", "BitwiseOr", "BitwiseXor"):
    bitwise(_name, 18)
bitwise("BitShift", 11)

# --- products -------------------------------------------------------------------------------------


@op("Gemm")
def gemm(c):
    M, N, K = c.sizes(3, 6)
    ta, tb = c.below(2), c.below(2)
    kind = c.one_of("f4", "f4", "f4", "f8")
    inputs = [c.reals([K, M] if ta else [M, K], kind=kind), c.reals([N, K] if tb else [K, N], kind=kind)]
    if c.opset < 11 or c.chance(0.8):
        inputs.append(c.reals(c.one_of([N], [1], [], [1, N], [M, 1], [M, N], [1, 1]), kind=kind))
    c.give(c.node("Gemm", inputs, transA=ta or c.one_of(None, 0), transB=tb or c.one_of(None, 0),
                  alpha=c.real() if c.chance() else None, beta=c.real() if c.chance() else None))


@op("MatMul")
def matmul(c):
    M, N, K = c.sizes(3, 6)
    front = c.sizes(c.below(3), 3)
    other = [1 if c.chance(0.3) else d for d in front][c.below(len(front) + 1):]
    a, b = (front, other) if c.chance() else (other, front)
    a, b = a + [M, K], b + [K, N]
    if c.chance(0.15):
        a = [K]
    if c.chance(0.15):
        b = [K]
    kind = c.one_of("f4", "f4", "f4", "f8")
    c.give(c.node("MatMul", [c.reals(a, kind=kind), c.reals(b, kind=kind)]))


@op("Einsum", 12)
def einsum(c):
    equation = c.one_of("ij,jk->ik", "bij,bjk->bik", "bhid,bhjd->bhij", "bthd,bshd->bhts", "ij->ji", "ij->i", "ij->",
                        "i,j->ij", "bij,kj->bik", "...ij,...jk->...ik", "bij,bij->b", "ij,ij->", "bij,jk", "ii->i",
                        "bii->b", "bnd,d->bn", "tbi,hi->tbh", "i,i->", "bij->b", "...i->...", "abc,cde->abde",
                        "bld,bln,bld->bldn", "ij,jk,kl->il", "i,j,k->ijk", "bij,bjk,bkl,bl->bi",
                        "...i,...j,ij->...", "ab,bc,ca", "ii,ij,j->i", "ab,cd,bc->da")
    sizes = {letter: c.between(1, 4) for letter in "abcdefghijklmnopqrstuvwxyz"}
    front = c.sizes(c.below(3), 3)
    shapes = []
    for term in equation.split("->")[0].split(","):
        shapes.append((front if "..." in term else []) + [sizes[l] for l in term if l.isalpha()])
    c.give(c.node("Einsum", [c.reals(s) for s in shapes], equation=equation.replace(",", c.one_of(",", " , "))))


# --- of an axis -----------------------------------------------------------------------------------


def along(name):
    def draw(c):
        shape = c.sizes(c.between(1, 4))
        axis = c.one_of(None, *range(0 if c.opset < 11 else -len(shape), len(shape)))
        if axis is None and c.opset < 13 and len(shape) == 1:
            axis = 0
        c.give(c.node(name, [c.reals(shape, -4, 4, kind=c.one_of("f4", "f4", "f8"))], axis=axis))
    return draw


for _name in ("Softmax", "LogSoftmax", "Hardmax"):
    op(_name)(along(_name))


@op("LpNormalization")
def lp_norm(c):
    shape = c.sizes(c.between(1, 4))
    c.give(c.node("LpNormalization", [c.reals(shape, 0.2, 2, known=False)], p=c.one_of(None, 1, 2),
                  axis=c.one_of(None, *range(-len(shape), len(shape)))))


@op("CumSum", 11)
def cumsum(c):
    shape = c.sizes(c.between(1, 4))
    c.give(c.node("CumSum", [c.reals(shape, kind=c.one_of("f4", "f4", "i4", "i8")),
                             c.ints(c.between(-len(shape), len(shape) - 1), kind=c.one_of("i4", "i8"))],
                  exclusive=c.one_of(None, 0, 1), reverse=c.one_of(None, 0, 1)))


@op("TopK")
def top(c):
    shape = c.sizes(c.between(1, 3), 6)
    at = c.below(len(shape))
    k = c.between(1, shape[at])
    x = c.random.permutation(int(np.prod(shape))).reshape(shape).astype("f4")
    axis = c.one_of(at, at - len(shape)) if c.opset >= 10 else at
    given = {"axis": None if axis == -1 and c.chance() else axis}
    if c.opset >= 11:
        given.update(largest=c.one_of(None, 0, 1), sorted=1)
    inputs = [c.value(x, False)] + ([c.ints([k])] if c.opset >= 10 else [])
    c.give(*c.node("TopK", inputs, 2, k=k if c.opset < 10 else None, **given))


REDUCE_INPUT = {"ReduceSum": 13}  # opset from which axes are an input; else 18


def reduce(name, low=-2, high=2):
    def draw(c):
        c.opset = c.between(18, 24) if c.chance(0.3) else c.opset
        shape = c.sizes(c.below(5), 4)
        axes = sorted(c.random.permutation(len(shape))[:c.between(1, max(1, len(shape)))].tolist())
        axes = [a - len(shape) if c.opset >= 11 and c.chance(0.4) else a for a in axes]
        keep = c.one_of(None, 0, 1)
        kind = c.one_of("f4", "f4", "f8", "i4") if name in ("ReduceSum", "ReduceMax", "ReduceMin", "ReduceProd") \
            else c.one_of("f4", "f4", "f8") if name in ("ReduceMean",) else "f4"
        x = c.reals(shape, low, high, kind=kind)
        given = c.chance(0.7) and axes
        if c.opset < REDUCE_INPUT.get(name, 18):
            c.give(c.node(name, [x], axes=axes if given else None, keepdims=keep))
            return
        inputs = [x] + ([c.ints(axes)] if given else [c.ints([])] if c.chance() else [""] if c.chance() else [])
        c.give(c.node(name, inputs, keepdims=keep, noop_with_empty_axes=c.one_of(None, 0, 1)))
    return draw


for _name in ("ReduceSum", "ReduceMean", "ReduceMax", "ReduceMin", "ReduceProd", "ReduceL1", "ReduceL2",
              "ReduceSumSquare", "ReduceLogSumExp"):
    op(_name)(reduce(_name))
op("ReduceLogSum")(reduce("ReduceLogSum", 0.1, 2))


def arg(name):
    def draw(c):
        shape = c.sizes(c.between(1, 4))
        x = c.value(c.array(shape, -1, 1, "i4").astype("f4")) if c.chance() else c.reals(shape)  # equal ones
        c.give(c.node(name, [x], axis=c.one_of(None, *range(0 if c.opset < 11 else -len(shape), len(shape))),
                      keepdims=c.one_of(None, 0, 1),
                      select_last_index=c.one_of(None, 0, 1) if c.opset >= 12 else None))
    return draw


op("ArgMax")(arg("ArgMax"))
op("ArgMin")(arg("ArgMin"))

# --- norms ----------------------------------------------------------------------------------------


def image(c, least=1, most=3):
    return [c.between(1, 3), c.between(1, 5)] + [c.between(least, 6) for _ in range(c.between(1, most - 1))]


@op("BatchNormalization")
def batch_norm(c):
    shape = image(c, most=4) if c.chance(0.8) else [c.between(1, 4), c.between(1, 5)]
    C = shape[1]
    known = c.chance(0.8)
    numbers = [c.reals([C], known=known), c.reals([C], known=known), c.reals([C], known=known),
               c.reals([C], 0.2, 2, known=known)]
    given = {"epsilon": c.one_of(None, 1e-3, 0.1), "momentum": c.one_of(None, 0.5)}
    if c.opset < 9:
        given["spatial"] = c.one_of(None, 1)
    if c.opset >= 14:
        given["training_mode"] = c.one_of(None, 0)
    c.give(c.node("BatchNormalization", [c.reals(shape, known=False)] + numbers, **given))


@op("InstanceNormalization")
def instance_norm(c):
    shape = image(c, 2, 4)
    C = shape[1]
    c.give(c.node("InstanceNormalization", [c.reals(shape, known=False), c.reals([C]), c.reals([C])],
                  epsilon=c.one_of(None, 1e-3, 0.1)))


@op("LayerNormalization", 17)
def layer_norm(c):
    shape = c.sizes(c.between(1, 4)) + [c.between(2, 6)]
    axis = c.between(-len(shape), len(shape) - 1)
    rest = shape[axis:]
    inputs = [c.reals(shape, known=False), c.reals(rest)] + ([c.reals(rest)] if c.chance(0.7) else [])
    names = c.node("LayerNormalization", inputs, c.between(2, 3), axis=None if axis == -1 and c.chance() else axis,
                   epsilon=c.one_of(None, 1e-3, 0.1), stash_type=c.one_of(None, 1))
    c.give(*(names if isinstance(names, list) else [names]))


@op("RMSNormalization", 23)
def rms_norm(c):
    shape = c.sizes(c.between(1, 3)) + [c.between(2, 6)]
    axis = c.between(-len(shape), len(shape) - 1)
    c.give(c.node("RMSNormalization", [c.reals(shape, known=False), c.reals(shape[axis:])],
                  axis=axis, epsilon=c.one_of(None, 1e-3, 0.1), stash_type=c.one_of(None, 1)))


@op("GroupNormalization", 18)
def group_norm(c):
    groups = c.between(1, 3)
    C = groups * c.between(1, 3)
    shape = [c.between(1, 3), C] + [c.between(2, 5) for _ in range(c.between(1, 2))]
    each = groups if c.opset < 21 else C
    c.give(c.node("GroupNormalization", [c.reals(shape, known=False), c.reals([each]), c.reals([each])],
                  num_groups=groups, epsilon=c.one_of(None, 1e-3), stash_type=c.one_of(None, 1) if c.opset >= 21 else None))


@op("LRN")
def lrn(c):
    shape = [c.between(1, 3), c.between(1, 5), c.between(1, 5), c.between(1, 5)]
    c.give(c.node("LRN", [c.reals(shape, known=False)], size=c.one_of(1, 3, 5), alpha=c.one_of(None, 0.5),
                  beta=c.one_of(None, 0.5), bias=c.one_of(None, 2.0)))


@op("MeanVarianceNormalization", 9)
def mean_variance(c):
    shape = [c.between(2, 4) for _ in range(4)]
    axes = sorted(c.random.permutation(4)[:c.between(1, 4)].tolist())
    c.give(c.node("MeanVarianceNormalization", [c.reals(shape, known=False)], axes=axes if c.chance(0.7) else None))
