# SPDX-License-Identifier: MIT
"""Kinds of nodes that move elements: each a method of its name, as include/clrnn/graph.h says what they do."""
import math

import torch

from values import BATCH, REST, STEPS, Value, counted


class Places:
    """What a graph has of them."""

    def _gather(self, d, x, ids):
        axis, shape = x.axis(d.get("axis", 0)), x.data.shape
        at = torch.where(ids.data < 0, ids.data + shape[axis], ids.data)
        there = (at >= 0) & (at < shape[axis])
        y = torch.zeros(shape[:axis] + at.shape + shape[axis + 1:], dtype=x.data.dtype)
        if shape[axis]:
            y = torch.index_select(x.data, axis, torch.where(there, at, 0).flatten()).reshape(y.shape)
        there = there.reshape(at.shape + (1,) * (x.rank - axis - 1))
        roles = {}
        for role in "steps", "batch":
            own, other = getattr(x, role), getattr(ids, role)
            own = None if own is None or own == axis else own if own < axis else own + ids.rank - 1
            roles[role] = own if other is None else axis + other
        lengths = x.lengths if ids.steps is None else ids.lengths
        return Value(torch.where(there, y, 0), x.sizes[:axis] + ids.sizes + x.sizes[axis + 1:], **roles,
                     lengths=lengths)

    def _concat(self, d, *given):
        axis = given[0].axis(d.get("axis", 0))
        sizes = list(given[0].sizes)
        sizes[axis] = sum(v.sizes[axis] for v in given)
        steps, batch = (next((getattr(v, r) for v in given if getattr(v, r) is not None), None)
                        for r in ("steps", "batch"))
        lengths = next((v.lengths for v in given if v.lengths is not None), None)
        return Value(torch.cat([v.data for v in given], axis), sizes, steps, None if batch == axis else batch,
                     None if steps == axis else lengths)

    def _slice(self, d, x, own=None):
        y, sizes, batch, lengths = x.data, list(x.sizes), x.batch, x.lengths
        for axis in sorted(range(d["rank"]), key=lambda i: i != x.steps):  # rows have their lengths before they go
            begin, end, step = (d.get(k, [0] * 8)[axis] for k in ("begin", "end", "step"))
            step = step or 1
            part = slice(None if begin == "end" else begin, None if end == "end" else end, step)
            size = y.shape[axis]
            places = range(*part.indices(size))
            if axis == x.steps and step < 0 and (lengths is not None or own is not None):
                y = self.turned(y, x, axis, -step, lengths, own)
            else:
                y = torch.index_select(y, axis, torch.tensor(list(places), dtype=torch.long))
            whole = len(range(*part.indices(sizes[axis]))) == sizes[axis]
            if axis == x.batch and (not whole or step < 0):
                batch = None
            if axis == x.steps and step < -1:
                lengths = counted(lengths, lambda m, s=-step: (m - 1) // s + 1)
            elif axis == x.steps and len(places) != size:
                last = places.start + len(places) * step
                lengths = counted(lengths, lambda m, p=places, e=last: (m.clamp(max=e) - p.start - 1) // p.step + 1)
            sizes[axis] = len(range(*part.indices(sizes[axis])))
        return x.like(y, sizes=sizes, batch=batch, lengths=lengths)

    def turned(self, y, x, axis, step, lengths, own):
        """From the last step of each row, within its own lengths, and behind them what was there."""
        T, rows = y.shape[axis], x.batch if x.batch is not None else 1 if axis == 0 else 0
        length = torch.full((y.shape[rows],), T) if lengths is None else lengths
        end = length if own is None else torch.minimum(own.data.clamp(min=0), length)
        t = torch.arange((T - 1) // step + 1 if T else 0)[:, None]
        back = end - 1 - t * step
        at = torch.where(back >= 0, back, t * step if own is None else t).clamp(0, max(T - 1, 0))  # [T',N]
        shape = [1] * y.dim()
        shape[axis], shape[rows] = at.shape
        at = (at if axis < rows else at.T).reshape(shape)
        return torch.gather(y, axis, at.expand([len(t) if i == axis else s for i, s in enumerate(y.shape)]))

    def _reshape(self, d, x):
        asked = d.get("shape", [0] * 8)[:d.get("rank", 0)]

        def shape_of(sizes):
            known = {STEPS: x.steps, BATCH: x.batch}
            shape = [sizes[i] if s == 0 else sizes[known[s]] if s in known else s for i, s in enumerate(asked)]
            others = math.prod(s for s in shape if s != REST)
            return [(math.prod(sizes) // others if others else 0) if s == REST else s for s in shape]
        sizes = shape_of(x.sizes)

        def kept(axis, symbol):
            """An axis is itself where it is asked for, with as much before it as it had."""
            for i, s in enumerate(asked):
                if axis is not None and (s == symbol or (s == 0 and i == axis)) and sizes[i] == x.sizes[axis] and \
                        math.prod(sizes[:i]) == math.prod(x.sizes[:axis]):
                    return i
            return None
        return Value(x.data.reshape(shape_of(x.data.shape)), sizes, kept(x.steps, STEPS), kept(x.batch, BATCH),
                     x.lengths)

    def _transpose(self, d, x):
        order = d.get("order", [0] * 8)[:x.rank]
        roles = (None if r is None else order.index(r) for r in (x.steps, x.batch))
        return Value(x.data.permute(order), [x.sizes[i] for i in order], *roles, x.lengths)

    def _pad(self, d, x):
        rank = d.get("rank", 0)
        pads = list(zip(d.get("begin", [0] * 8)[:rank], d.get("end", [0] * 8)[:rank]))
        pads += [(0, 0)] * (x.rank - rank)
        changed = [i for i, pair in enumerate(pads) if any(pair)]
        size = x.data.shape
        y = torch.full([s + b + e for s, (b, e) in zip(size, pads)], float(d.get("value", 0)))
        whole = [(max(b, 0), max(min(s + b, s + b + e), max(b, 0)), b) for s, (b, e) in zip(size, pads)]
        y[tuple(slice(low, high) for low, high, _ in whole)] = x.data[tuple(slice(low - b, high - b)
                                                                          for low, high, b in whole)]
        return Value(y, [s + sum(p) for s, p in zip(x.sizes, pads)], x.steps, None if x.batch in changed else x.batch,
                     None if x.steps in changed else x.lengths)
