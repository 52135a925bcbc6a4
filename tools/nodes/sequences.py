# SPDX-License-Identifier: MIT
"""Sequences of arrays, from the node that makes one to the arrays that come of it."""
import numpy as np

from draw import op


def ends(c, seq, count, same):
    """What is made of a sequence; same: whether its items have one shape but for an axis (its number, its rank)."""
    if same and c.chance(0.6):
        axis, rank = same
        c.give(c.node("ConcatFromSequence", [seq], axis=axis - (rank if c.chance(0.3) else 0), new_axis=c.one_of(None, 0)))
    for _ in range(c.between(1, 2)):
        at = c.between(-count, count - 1)
        c.give(c.node("SequenceAt", [seq, c.ints(at, kind=c.one_of("i4", "i8"))]))
    if c.chance(0.3):
        c.give(c.node("SequenceLength", [seq]))


@op("SplitToSequence", 11)
def split(c):
    shape = c.sizes(c.between(1, 3), 7)
    at = c.below(len(shape))
    x = c.reals(shape, kind=c.one_of("f4", "f4", "i8"))
    axis = None if at == 0 and c.chance() else at - (len(shape) if c.chance(0.3) else 0)
    kind = c.below(3)
    keep = c.one_of(None, 0, 1) if kind == 0 else c.one_of(None, 1)  # ONNX Runtime looks at it with sizes, too
    if kind == 0:
        seq, count = c.node("SplitToSequence", [x], axis=axis, keepdims=keep), shape[at]
    elif kind == 1:
        each = c.between(1, shape[at])
        seq, count = c.node("SplitToSequence", [x, c.ints(each)], axis=axis, keepdims=keep), -(-shape[at] // each)
    else:
        count = c.between(1, min(3, shape[at]))
        cuts = np.sort(c.random.permutation(shape[at] - 1)[:count - 1]) + 1
        seq = c.node("SplitToSequence", [x, c.ints(np.diff([0, *cuts, shape[at]]))], axis=axis, keepdims=keep)
    ends(c, seq, count, (at, len(shape)) if kind or keep != 0 else None)


@op("SequenceInsert", 11)
def insert(c):
    shape = c.sizes(c.between(1, 3))
    make = lambda: c.reals(shape, known=c.chance(0.4))  # noqa: E731
    if c.chance():
        seq, count = c.node("SequenceConstruct", [make() for _ in range(c.between(1, 3))]), 0
        count = len(c.nodes[-1].input)
    else:
        seq, count = c.node("SequenceEmpty", [], dtype=c.one_of(None, 1)), 0
    for _ in range(c.between(1, 3)):
        place = [c.ints(c.between(-count, count))] if c.chance(0.6) else []
        seq, count = c.node("SequenceInsert", [seq, make()] + place), count + 1
    if count > 1 and c.chance():
        seq = c.node("SequenceErase", [seq] + ([c.ints(c.between(-count, count - 1))] if c.chance(0.7) else []))
        count -= 1
    if c.chance(0.2):
        seq = c.node("Identity", [seq]) if c.opset >= 14 else seq
    ends(c, seq, count, (c.below(len(shape)), len(shape)))


@op("ConcatFromSequence", 11)
def join(c):
    shape = c.sizes(c.between(1, 3))
    seq = c.node("SequenceConstruct", [c.reals(shape) for _ in range(c.between(1, 4))])
    fresh = c.one_of(None, 0, 1)
    rank = len(shape) + (fresh == 1)
    c.give(c.node("ConcatFromSequence", [seq], axis=c.between(-rank, rank - 1), new_axis=fresh))
