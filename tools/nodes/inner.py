# SPDX-License-Identifier: MIT
"""Graphs within nodes: If, Loop, Scan with every attribute."""
import numpy as np

from draw import op
from mixed import graph_of


@op("If", 11)
def branch(c):
    shape = c.sizes(2)
    x, names = c.reals(shape, known=False), [c.fresh(), c.fresh()]
    then = graph_of(c, [], [(names[0], 1, 2)], lambda c: c.node("Tanh", [x], [names[0]]))
    other = graph_of(c, [], [(names[1], 1, 2)], lambda c: c.node("Neg", [x], [names[1]]))
    c.give(c.node("If", [c.value(np.asarray(c.chance()), True)], then_branch=then, else_branch=other))


@op("Loop", 11)
def loop(c):
    """A state, and rows; until a count or a condition ends it, the smaller first."""
    shape = c.sizes(2)
    x, most, ends = c.reals(shape, known=False), c.between(1, 4), c.between(1, 4)
    times, go, h, y, row, more = (c.fresh("l") for _ in range(6))

    def body(c):
        c.node("Add", [c.node("Tanh", [h]), c.node("Cast", [times], to=1)], [y])
        c.node("Mul", [h, x], [row])
        if c.chance():
            c.node("Less", [times, c.ints(ends)], [more])
        else:
            c.node("Identity", [go], [more])
    inner = graph_of(c, [(times, 7, 0), (go, 9, 0), (h, 1, 2)], [(more, 9, 0), (y, 1, 2), (row, 1, 2)], body)
    c.give(*c.node("Loop", [c.ints(most), c.value(np.asarray(True), True), c.reals(shape)], 2, body=inner))


@op("Scan", 9)
def scan(c):
    """A state and one or two sequences, each along its axis and either way; rows stacked along any axis, either way."""
    T, shape, count = c.between(1, 5), c.sizes(c.between(1, 2)), c.between(1, 2)
    rank = len(shape)
    signed = lambda a: a - rank - 1 if c.opset >= 11 and c.chance(0.3) else a  # noqa: E731
    axes, out = [c.below(rank + 1) for _ in range(count)], c.below(rank + 1)
    sequences = [c.reals(shape[:a] + [T] + shape[a:], known=False) for a in axes]
    h, y, row, *xs = (c.fresh("s") for _ in range(3 + count))

    def body(c):
        c.node("Tanh", [c.node("Add", [c.node("Sum", xs), c.node("Mul", [h, xs[0]])])], [y])
        c.node("Sub", [h, xs[-1]], [row])
    inner = graph_of(c, [(n, 1, rank) for n in [h] + xs], [(y, 1, rank), (row, 1, rank)], body)
    given = {"scan_input_axes": [signed(a) for a in axes] if any(axes) or c.chance() else None,
             "scan_output_axes": [signed(out)] if out or c.chance() else None,
             "scan_input_directions": [c.below(2) for _ in range(count)] if c.chance(0.7) else None,
             "scan_output_directions": [c.below(2)] if c.chance() else None}
    c.give(*c.node("Scan", [c.reals(shape)] + sequences, 2, body=inner, num_scan_inputs=count, **given))
