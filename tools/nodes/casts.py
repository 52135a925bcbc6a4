# SPDX-License-Identifier: MIT
"""Cast and CastLike, between all types."""
import numpy as np
from onnx import TensorProto

from draw import op

KINDS = {"f4": 1, "f8": 11, "f2": 10, "bf": 16, "i1": 3, "u1": 2, "i4": 6, "i8": 7, "?": 9}


@op("Cast")
def cast(c):
    kind, to = c.one_of("f4", "f4", "f8", "f2", "i4", "i8", "?", "u1"), c.one_of(*KINDS)
    if to == "bf" and c.opset < 13:
        to = "f2"
    x = c.reals(c.sizes(c.below(4)), 0 if "u1" in (kind, to) else -9, 9, kind=kind)
    y = c.node("Cast", [x], to=KINDS[to])
    c.give(c.node("Cast", [y], to=1) if to == "bf" or c.chance(0.5) else y)


@op("CastLike", 15)
def cast_like(c):
    kind, to = c.one_of("f4", "f4", "f2", "i4", "i8", "?"), c.one_of("f4", "f8", "f2", "f2", "bf", "bf", "i4", "i8", "?")
    x = c.reals(c.sizes(2), -9, 9, kind=kind)
    like = c.value(np.ones(2), True, TensorProto.BFLOAT16) if to == "bf" else c.reals([2], 1, 1, kind=to)
    if to in ("f2", "bf") and c.chance():  # it says it by what is made of it
        like = c.node("Unsqueeze", [like, c.ints([0])]) if c.chance() else c.node("Concat", [like, like], axis=0)
    y = c.node("CastLike", [x, like])
    c.give(c.node("Cast", [y], to=1) if to == "bf" or c.chance() else y)
