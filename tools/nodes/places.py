# SPDX-License-Identifier: MIT
"""Operators that move, cut, make and pick elements."""
import numpy as np
from onnx import TensorProto, helper, numpy_helper

from draw import op

KIND = ("f4", "f4", "f4", "f8", "i8", "i4", "?")


@op("Concat")
def concat(c):
    shape = c.sizes(c.between(1, 4))
    at = c.below(len(shape))
    kind = c.one_of(*KIND)
    shapes = [[c.between(0 if c.chance(0.1) else 1, 4) if i == at else d for i, d in enumerate(shape)]
              for _ in range(c.between(1, 4))]
    c.give(c.node("Concat", [c.reals(s, kind=kind) for s in shapes], axis=at - len(shape) if c.opset >= 11 and
                  c.chance(0.3) else at))


@op("Split")
def split(c):
    shape = c.sizes(c.between(1, 4), 7)
    at = c.below(len(shape))
    x = c.reals(shape, kind=c.one_of("f4", "i8"), known=False)
    axis = None if at == 0 and c.chance() else at - len(shape) if c.opset >= 11 and c.chance(0.3) else at
    parts = c.between(1, min(4, shape[at]))
    cuts = np.sort(c.random.permutation(shape[at] - 1)[:parts - 1]) + 1
    sizes = np.diff([0, *cuts, shape[at]]).tolist()
    if c.chance(0.1):
        sizes[-1:] = [sizes[-1], 0]
    count = len(sizes)
    even = -(-shape[at] // count)  # the last may have fewer
    given = c.chance(0.6) or 0 in sizes or (shape[at] % count and c.opset < 18) or even * (count - 1) >= shape[at]
    if c.opset < 13:
        names = c.node("Split", [x], [c.fresh() for _ in range(count)], axis=axis, split=sizes if given else None)
    else:
        names = c.node("Split", [x] + ([c.ints(sizes)] if given else []), [c.fresh() for _ in range(count)], axis=axis,
                       num_outputs=count if not given and c.opset >= 18 else None)
    c.give(*names)


@op("Slice")
def slices(c):
    shape = c.sizes(c.between(1, 4), 7)
    axes = sorted(c.random.permutation(len(shape))[:c.between(1, len(shape))].tolist())
    steps = [c.one_of(1, 1, 2, 3, -1, -2) if c.opset >= 10 else 1 for _ in axes]
    starts, ends = [], []
    for a, s in zip(axes, steps):
        low, high = sorted((c.between(0, shape[a]), c.between(0, shape[a] + 2)))
        low, high = (low, high) if s > 0 else (high, low)
        if c.chance(0.3):
            low = low - shape[a] - 1
        if c.chance(0.2):
            high = np.iinfo("i8").max if s > 0 else np.iinfo("i8").min
        elif c.chance(0.2):
            high -= shape[a]
        starts.append(low)
        ends.append(int(high))
    x = c.reals(shape, kind=c.one_of("f4", "f4", "i8"), known=c.chance(0.2))
    whole = axes == list(range(len(shape))) and c.chance()
    if c.opset < 10:
        c.give(c.node("Slice", [x], starts=starts, ends=ends, axes=None if whole else axes))
        return
    axes = [a - len(shape) if c.opset >= 11 and c.chance(0.3) else a for a in axes]
    kind = c.one_of("i8", "i8", "i4")
    ends = np.clip(ends, np.iinfo(kind).min, np.iinfo(kind).max)
    inputs = [x, c.ints(starts, kind=kind), c.ints(ends, kind=kind), "" if whole else c.ints(axes, kind=kind)]
    if set(steps) != {1} or c.chance():
        inputs.append(c.ints(steps, kind=kind))
    while not inputs[-1]:
        inputs.pop()
    c.give(c.node("Slice", inputs))


@op("Gather")
def gather(c):
    shape = c.sizes(c.between(1, 3))
    at = c.below(len(shape))
    known, table = c.chance(0.3), c.chance(0.3)
    least = -shape[at] if c.opset >= 11 and (known or not table) else 0  # of a table ids are checked
    ids = c.array(c.sizes(c.below(3)), least, shape[at] - 1, c.one_of("i8", "i4"))
    c.give(c.node("Gather", [c.reals(shape, kind=c.one_of("f4", "f4", "i8"), known=table), c.value(ids, known)],
                  axis=None if at == 0 and c.chance() else at - (len(shape) if c.chance(0.3) else 0)))


@op("GatherElements", 11)
def gather_elements(c):
    shape = c.sizes(c.between(1, 3))
    at = c.below(len(shape))
    wanted = [c.between(1, d + 2) if i == at else c.between(1, d) for i, d in enumerate(shape)]
    ids = c.array(wanted, -shape[at], shape[at] - 1, c.one_of("i8", "i4"))
    c.give(c.node("GatherElements", [c.reals(shape), c.value(ids, c.chance())],
                  axis=None if at == 0 and c.chance() else at - (len(shape) if c.chance(0.3) else 0)))


@op("GatherND", 11)
def gather_nd(c):
    shape = c.sizes(c.between(1, 4))
    shared = c.one_of(None, 0, c.below(len(shape))) if c.opset >= 12 else None
    own = shape[shared or 0:]
    front = shape[:shared or 0] + c.sizes(c.between(0 if shared else 1, 2), 3)
    ids = np.stack([c.array(front, -d, d - 1, "i8") for d in own[:c.between(1, len(own))]], -1)
    c.give(c.node("GatherND", [c.reals(shape), c.value(ids, c.chance())], batch_dims=shared))


@op("GridSample", 16)
def grid_sample(c):
    c.opset = max(c.opset, 16)
    new = c.opset >= 20
    space = c.one_of(2, 2, 3) if new else 2
    ways = ["linear", "nearest", "cubic"] if new else ["bilinear", "nearest", "bicubic"]
    mode = c.one_of(None, *ways[:2 if space == 3 else 3])
    N = c.between(1, 3)
    grid = c.array([N] + c.sizes(space, 4) + [space], -1.9, 1.9)
    if c.chance(0.3):
        grid *= 3
    c.give(c.node("GridSample", [c.reals([N, c.between(1, 3)] + c.sizes(space, 5)), c.value(grid, c.chance(0.3))], mode=mode,
                  padding_mode=c.one_of(None, "zeros", "border", "reflection"), align_corners=c.one_of(None, 0, 1)))


@op("ScatterElements", 11)
def scatter_elements(c):
    shape = c.sizes(c.between(1, 3))
    at = c.below(len(shape))
    wanted = [c.between(1, d) for d in shape]
    ids = np.stack([c.random.permutation(shape[at])[:wanted[at]] for _ in range(int(np.prod(wanted)) // wanted[at])])
    rest = [d for i, d in enumerate(wanted) if i != at]
    ids = np.moveaxis(ids.reshape(rest + [wanted[at]]), -1, at).astype("i8")
    reduction = c.one_of(None, "none", "add", "mul", *(["max", "min"] if c.opset >= 18 else [])) if c.opset >= 16 else None
    c.give(c.node("ScatterElements", [c.reals(shape), c.value(ids, c.chance(0.7)), c.reals(wanted)], reduction=reduction,
                  axis=None if at == 0 and c.chance() else at - (len(shape) if c.chance(0.3) else 0)))


@op("Scatter", 9)
def scatter(c):
    c.opset = c.one_of(9, 10)
    shape = c.sizes(c.between(1, 3))
    at = c.below(len(shape))
    wanted = [1 if i == at else c.between(1, d) for i, d in enumerate(shape)]
    c.give(c.node("Scatter", [c.reals(shape), c.value(c.array(wanted, 0, shape[at] - 1, "i8"), c.chance(0.7)), c.reals(wanted)],
                  axis=None if at == 0 and c.chance() else at))


@op("ScatterND", 11)
def scatter_nd(c):
    shape = c.sizes(c.between(1, 3))
    depth = c.between(1, len(shape))
    every = np.stack(np.unravel_index(c.random.permutation(int(np.prod(shape[:depth]))), shape[:depth]), -1)
    ids = every[:c.between(1, len(every))].astype("i8")
    reduction = c.one_of(None, "none", "add", "mul", *(["max", "min"] if c.opset >= 18 else [])) if c.opset >= 16 else None
    c.give(c.node("ScatterND", [c.reals(shape), c.value(ids, c.chance(0.8)), c.reals([len(ids)] + shape[depth:])],
                  reduction=reduction))


@op("Transpose")
def transpose(c):
    shape = c.sizes(c.between(1, 5), 4)
    c.give(c.node("Transpose", [c.reals(shape, kind=c.one_of("f4", "i8"))],
                  perm=c.random.permutation(len(shape)).tolist() if c.chance(0.8) else None))


@op("Squeeze")
def squeeze(c):
    shape = c.sizes(c.between(1, 4))
    axes = [i for i in range(len(shape)) if c.chance(0.4)]
    for i in axes:
        shape[i] = 1
    signed = [a - len(shape) if c.opset >= 11 and c.chance(0.3) else a for a in axes]
    x = c.reals(shape)
    given = bool(axes) and c.chance(0.8)
    if c.opset < 13:
        c.give(c.node("Squeeze", [x], axes=signed if given else None))
    else:
        c.give(c.node("Squeeze", [x] + ([c.ints(signed)] if given else [])))


@op("Unsqueeze")
def unsqueeze(c):
    shape = c.sizes(c.below(4))
    rank = len(shape) + c.between(1, 2)
    axes = c.random.permutation(rank)[:rank - len(shape)].tolist()
    axes = [a - rank if c.opset >= 11 and c.chance(0.3) else a for a in axes]
    x = c.reals(shape)
    c.give(c.node("Unsqueeze", [x], axes=axes) if c.opset < 13 else c.node("Unsqueeze", [x, c.ints(axes)]))


def factored(c, count, rank):
    sizes = []
    for _ in range(rank - 1):
        divisors = [d for d in range(1, count + 1) if count % d == 0]
        sizes.append(c.one_of(*divisors))
        count //= sizes[-1]
    return sizes + [count]


@op("Reshape")
def reshape(c):
    shape = c.sizes(c.below(5))
    wanted = factored(c, int(np.prod(shape)), c.between(1, 4))
    for i in range(min(len(shape), len(wanted))):
        if wanted[i] == shape[i] and c.chance():
            wanted[i] = 0
    allow = c.one_of(None, 0) if c.opset >= 14 else None
    if c.chance():
        wanted[c.below(len(wanted))] = -1
    if not shape and c.chance(0.2):
        wanted = []
    c.give(c.node("Reshape", [c.reals(shape, kind=c.one_of("f4", "f4", "i8")), c.ints(wanted, c.chance(0.8))],
                  allowzero=allow))


@op("Flatten")
def flatten(c):
    shape = c.sizes(c.between(1, 4))
    c.give(c.node("Flatten", [c.reals(shape)],
                  axis=c.one_of(None, *range(-len(shape) if c.opset >= 11 else 0, len(shape) + 1))))


@op("Expand", 8)
def expand(c):
    shape = c.sizes(c.below(4))
    wanted = [c.between(1, 4) if d == 1 else c.one_of(1, d) for d in shape]
    wanted = c.sizes(c.below(2)) + wanted if c.chance(0.7) else wanted[c.below(len(wanted) + 1):]
    c.give(c.node("Expand", [c.reals(shape, kind=c.one_of("f4", "i8", "?")), c.ints(wanted, c.chance(0.8))]))


@op("Tile")
def tile(c):
    shape = c.sizes(c.between(1, 4), 4)
    c.give(c.node("Tile", [c.reals(shape, kind=c.one_of("f4", "i8")), c.ints([c.between(1, 3) for _ in shape])]))


@op("Pad")
def pad(c):
    shape = [d + 2 for d in c.sizes(c.between(1, 4))]
    if c.chance(0.2):
        c.opset = c.between(7, 10)  # where the number is an attribute
    modes = [None, "constant", "reflect", "edge"] + (["wrap"] if c.opset >= 19 else [])
    mode = c.one_of(*modes)
    least = -1 if mode in (None, "constant") else 0
    pads = [c.between(least, 2) if c.chance(0.5) else 0 for _ in range(2 * len(shape))]
    x = c.reals(shape, known=c.chance(0.1))
    number = c.real()
    if c.opset < 11:
        c.give(c.node("Pad", [x], pads=pads, mode=mode, value=number if c.chance() else None))
        return
    inputs = [x, c.ints(pads), c.value(np.float32(number), c.chance(0.8)) if c.chance() else ""]
    if c.opset >= 18 and c.chance(0.4):
        axes = sorted(c.random.permutation(len(shape))[:c.between(1, len(shape))].tolist())
        inputs[1] = c.ints([pads[a] for a in axes] + [pads[a + len(shape)] for a in axes])
        inputs.append(c.ints([a - len(shape) if c.chance(0.3) else a for a in axes]))
    while not inputs[-1]:
        inputs.pop()
    c.give(c.node("Pad", inputs, mode=mode))


@op("Shape")
def shape_of(c):
    given = {}
    if c.opset >= 15:
        given = {"start": c.one_of(None, -2, 0, 1), "end": c.one_of(None, -1, 1, 3, 9)}
    c.give(c.node("Shape", [c.reals(c.sizes(c.below(5)))], **given))


@op("Size")
def size(c):
    c.give(c.node("Size", [c.reals(c.sizes(c.below(4)))]))


@op("Range", 11)
def numbers(c):
    kind = c.one_of("i8", "i4", "f4")
    step = c.one_of(1, 2, -1, -3)
    start, count = c.between(-3, 3), c.between(0, 6)
    c.give(c.node("Range", [c.ints(v, c.chance(0.7), kind) for v in (start, start + step * count, step)]))


@op("ConstantOfShape", 9)
def constant_of(c):
    kind = c.one_of("f4", "i8", "?", "f8")
    value = numpy_helper.from_array(c.array([1], kind=kind)) if c.chance(0.8) else None
    c.give(c.node("ConstantOfShape", [c.ints(c.sizes(c.below(4)), c.chance(0.7))], value=value))


@op("Constant", 9)
def constant(c):
    kind = c.below(5) if c.opset >= 12 else 0
    given = [{"value": numpy_helper.from_array(c.array(c.sizes(c.below(3))))}, {"value_float": c.real()},
             {"value_floats": [c.real(), c.real()]}, {"value_int": c.between(-9, 9)}, {"value_ints": [3, -4]}][kind]
    c.give(c.node("Constant", [], **given))


@op("EyeLike", 9)
def eye(c):
    kind, dtype = c.one_of("f4", "i8"), c.one_of(None, 1, 7, 11)
    y = c.node("EyeLike", [c.reals(c.sizes(2), kind=kind)], k=c.one_of(None, -1, 0, 1, 2), dtype=dtype)
    made = {None: kind, 1: "f4", 7: "i8", 11: "f8"}[dtype]
    c.give(c.node("Div", [y, c.value(np.asarray(2, made))]) if c.chance() else y)  # whole, or not


@op("OneHot", 9)
def one_hot(c):
    depth = c.between(1, 5)
    ids = c.array(c.sizes(c.between(1, 2)), -depth, depth - 1, "i8")
    kind = c.one_of("f4", "i8")
    c.give(c.node("OneHot", [c.value(ids), c.ints(depth if c.chance() else [depth]), c.value(c.array([2], -3, 3, kind), True)],
                  axis=c.one_of(None, -1, *range(ids.ndim + 1))))


@op("Trilu", 14)
def trilu(c):
    shape = c.sizes(c.between(2, 4))
    c.give(c.node("Trilu", [c.reals(shape)] + ([c.ints(c.between(-3, 3))] if c.chance(0.7) else []),
                  upper=c.one_of(None, 0, 1)))


@op("DepthToSpace")
def depth_to_space(c):
    b = c.between(1, 3)
    c.give(c.node("DepthToSpace", [c.reals([c.between(1, 2), b * b * c.between(1, 3), c.between(1, 4), c.between(1, 4)])],
                  blocksize=b, mode=c.one_of(None, "DCR", "CRD") if c.opset >= 11 else None))


@op("SpaceToDepth")
def space_to_depth(c):
    b = c.between(1, 3)
    c.opset = 28 if c.chance(0.3) else c.opset  # the first with a mode
    c.give(c.node("SpaceToDepth", [c.reals([c.between(1, 2), c.between(1, 3), b * c.between(1, 3), b * c.between(1, 3)])],
                  blocksize=b, mode=c.one_of(None, "DCR", "CRD") if c.opset >= 28 else None))


@op("ReverseSequence", 10)
def reverse(c):
    T, N = c.between(1, 5), c.between(1, 4)
    first = c.chance()
    shape = ([N, T] if first else [T, N]) + c.sizes(c.below(3))
    given = {} if not first and c.chance() else {"batch_axis": 0 if first else 1, "time_axis": 1 if first else 0}
    c.give(c.node("ReverseSequence", [c.reals(shape, known=False), c.ints(c.array([N], 1, T, "i8"), c.chance())], **given))


@op("Compress", 9)
def compress(c):
    shape = c.sizes(c.between(1, 3))
    axis = c.one_of(None, *range(len(shape)))
    room = int(np.prod(shape)) if axis is None else shape[axis]
    chosen = c.array([c.between(1, room)], kind="?")
    chosen[c.below(len(chosen))] = True
    c.give(c.node("Compress", [c.reals(shape), c.value(chosen, True)], axis=axis))


@op("Dropout")
def dropout(c):
    x = c.reals(c.sizes(3))
    both = c.one_of(1, 2)
    if c.opset < 12:
        names = c.node("Dropout", [x], 1, ratio=c.one_of(None, 0.3))
        both = 1
    else:
        inputs = [x] + ([c.value(np.float32(0.4), True)] if c.chance() else [])
        if len(inputs) == 2 and c.chance():
            inputs.append(c.value(np.asarray(False), True))
        names = c.node("Dropout", inputs, both)
    c.give(*([names] if both == 1 else names))


@op("NonZero", 9)
def non_zero(c):
    c.give(c.node("NonZero", [c.value(c.array(c.sizes(c.between(1, 3)), 0, 1, "i8"), True)]))
