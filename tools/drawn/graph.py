# SPDX-License-Identifier: MIT
"""A graph in PyTorch, float64, as include/clrnn/graph.h says what its nodes do: shapes with T and N, lengths that
flow through, nothing past them. Each kind is a method of its name."""
import math

import numpy as np
import torch
import torch.nn.functional as F

import noise
from functions import function_of
from places import Places
from recurrent import Stack
from values import BATCH, STEPS, SYMBOLS, Value, counted, moved

COMPARE = {"less": torch.lt, "less_equal": torch.le, "equal": torch.eq, "not_equal": torch.ne,
           "greater": torch.gt, "greater_equal": torch.ge}
MAP = {"add": torch.add, "sub": torch.sub, "mul": torch.mul, "div": torch.div, "min": torch.minimum,
       "max": torch.maximum, "pow": torch.pow}


class Graph(Places):
    def __init__(self, about, parameters, given, lengths):
        """given: steps, batch, train, seed, index of the pass."""
        self.about, self.parameters, self.given = about, parameters, given
        self.lengths = torch.full((given["batch"],), given["steps"]) if lengths is None else lengths
        self.values, self.number = {}, 0

    def run(self, inputs):
        for i in self.about["inputs"]:
            s = i["shape"]
            self.values[i["name"]] = Value(inputs[i["name"]], [SYMBOLS.get(k, k) for k in s],
                                           s.index(STEPS) if STEPS in s else None,
                                           s.index(BATCH) if BATCH in s else None, self.lengths).cut()
        for self.number, d in enumerate(self.about["nodes"]):
            given = [self.values[name] if name else None for name in d["inputs"]]
            made = getattr(self, "_" + d["kind"])(d, *given)
            made = made if isinstance(made, tuple) else (made,)
            for value, name in zip(made, ("", ".hn", ".cn")):
                self.values[d["name"] + name] = value.cut()
        return {o["name"]: self.values[o["value"]] for o in self.about["outputs"]}

    def parameter(self, d, name):
        return self.parameters.get(f"{d['name']}.{name}")

    # --- element by element

    def mapped(self, compute, *given):
        """Of what is not within the lengths nothing is computed: its slope may be infinite."""
        first = given[0]
        for other in given[1:]:
            rank = max(first.rank, other.rank)
            roles = {}
            for role in "steps", "batch":
                at = [(getattr(v, role), v.rank) for v in (first, other)]
                roles[role] = next((a + rank - r for a, r in at if a is not None), None)
            lengths = other.lengths if first.lengths is None else first.lengths
            sizes = torch.broadcast_shapes(first.sizes, other.sizes)
            shape = torch.broadcast_shapes(first.data.shape, other.data.shape)
            first = Value(torch.empty(shape, device="meta"), sizes, **roles, lengths=lengths)
        live = first.live()
        data = [torch.broadcast_to(v.data, first.data.shape) for v in given]
        if live is not None:
            data = [torch.where(live, x, torch.ones((), dtype=x.dtype)) for x in data]
        return first.like(compute(*data))

    def applied(self, d, value):
        return self.mapped(function_of(d), value)

    def _activation(self, d, x):
        return self.applied(d, x)

    def __getattr__(self, name):
        if name[1:] in MAP:
            return lambda d, a, b: self.mapped(MAP[name[1:]], a, b)
        raise AttributeError(name)

    def _compare(self, d, a, b):
        compare = COMPARE[d.get("comparison", "less")]
        return self.mapped(lambda x, y: compare(x, y).double(), a, b)

    def _select(self, d, condition, a, b):
        return self.mapped(lambda c, x, y: torch.where(c != 0, x, y), condition, self.mapped(lambda x, _: x, a, b),
                           self.mapped(lambda _, y: y, a, b))

    def _expand(self, d, x):
        given = {STEPS: self.given["steps"], BATCH: self.given["batch"], 0: 1}
        shape = d.get("shape", [0] * 8)[:d.get("rank", 0)]
        to = Value(torch.empty([given.get(s, s) for s in shape], device="meta"), [SYMBOLS.get(s, s or 1) for s in shape],
                   shape.index(STEPS) if STEPS in shape else None, shape.index(BATCH) if BATCH in shape else None,
                   self.lengths)
        to.data = torch.zeros(to.data.shape, dtype=x.data.dtype)
        return self.mapped(lambda v, _: v, x, to)

    def _dropout(self, d, x):
        p = d.get("probability", 0)
        if not self.given["train"] or p == 0:
            return x.like(x.data)
        index = np.indices(x.data.shape)
        unit, zero = 0, np.zeros(x.data.shape, "i8")
        for i, size in enumerate(x.data.shape):
            if i not in (x.steps, x.batch):
                unit = unit * size + index[i]
        t = zero if x.steps is None or d.get("variational") else index[x.steps]
        n = zero if x.batch is None else index[x.batch]
        kept = noise.factors(p, self.given["seed"], self.given["index"], zero + unit, n, t, self.number)
        return x.like(x.data * torch.from_numpy(kept))

    def _cast(self, d, x):
        if not x.data.is_floating_point():
            return x.like(x.data.double())
        whole = torch.nan_to_num(x.data.detach().trunc(), 0.0).clamp(-2**31, 2**31 - 1)
        return x.like(whole.long())

    def _constant(self, d):
        value = self.parameter(d, "value")
        return Value(value.clone(), value.shape)

    # --- products

    def _dense(self, d, x):
        y = F.linear(x.data, self.parameter(d, "weight"), self.parameter(d, "bias"))
        return self.applied(d, x.like(y, sizes=x.sizes[:-1] + (d["units"],)))

    def _embedding(self, d, ids):
        return ids.like(F.embedding(ids.data, self.parameter(d, "weight")), sizes=ids.sizes + (d["units"],))

    def _one_hot(self, d, ids):
        return ids.like(F.one_hot(ids.data, d["vocabulary"]).double(), sizes=ids.sizes + (d["vocabulary"],))

    def _matmul(self, d, a, b):
        one = torch.zeros(())
        outer = [Value(one.expand(v.data.shape[:-2]), v.sizes[:-2], *(r if r is not None and r < v.rank - 2 else None
                                                                      for r in (v.steps, v.batch))) for v in (a, b)]
        both = self.mapped(lambda x, _: x, *outer)
        rank, places = both.rank + 2, []
        for right, v in enumerate((a, b)):
            kept = {v.rank - 2 + right: rank - 2 + right, **{i: i + rank - v.rank for i in range(v.rank - 2)}}
            places.append([kept.get(v.steps), kept.get(v.batch)])
        lengths = [v.lengths if None not in p else None for v, p in zip((a, b), places)]
        if lengths[0] is None and lengths[1] is not None:
            places.reverse()
        roles = [next((r for r in pair if r is not None), None) for pair in zip(*places)]
        return Value(a.data @ b.data, both.sizes + (a.sizes[-2], b.sizes[-1]), *roles,
                     next((m for m in lengths if m is not None), None))

    # --- windows

    def window(self, d, x):
        """Axes N (or None), channels, and those of the window."""
        if d["kind"].endswith("2d"):
            return 0, 1, (2, 3)
        at = x.rank - 1 if x.steps is None else x.steps
        outer = x.batch
        if outer is None and x.rank == 3:
            outer = 1 if at == 0 else 0
        return outer, next(i for i in range(x.rank) if i not in (at, outer)), (at,)

    def convolved(self, d, x, transposed):
        outer, channel, spaces = self.window(d, x)
        count = len(spaces)
        kernel, stride, dilation, begin, end, extra = ([*d.get(key, [0, 0])][:count] for key in (
            "kernel", "stride", "dilation", "pad_begin", "pad_end", "extra"))
        order = ([] if outer is None else [outer]) + [channel, *spaces]
        v = x.data.permute(order)
        v = v[None] if outer is None else v
        weight, bias = self.parameter(d, "weight"), self.parameter(d, "bias")
        wishes = {"stride": stride, "dilation": dilation, "groups": d["groups"]}
        if transposed:
            v = getattr(F, f"conv_transpose{count}d")(v, weight, **wishes)
            pads = [(-b, e - p) for b, p, e in zip(begin, end, extra)]
            v = F.pad(v, [n for pair in reversed(pads) for n in pair])
            v = v if bias is None else v + bias.reshape(-1, *[1] * count)
        else:
            pads = list(zip(begin, end))
            v = getattr(F, f"conv{count}d")(F.pad(v, [n for pair in reversed(pads) for n in pair]), weight, bias, **wishes)
        v = v[0] if outer is None else v
        sizes, lengths, batch = list(x.sizes), x.lengths, x.batch
        sizes[channel] = d["units"]
        for i, at in enumerate(spaces):
            extent = (kernel[i] - 1) * dilation[i] + 1

            def size_of(m, i=i, extent=extent):
                if transposed:
                    return (m - 1) * stride[i] + extent - begin[i] - end[i] + extra[i]
                return (m + begin[i] + end[i] - extent) // stride[i] + 1
            if at == batch and (kernel[i] > 1 or size_of(sizes[at]) != sizes[at]):
                batch = None  # rows that are made of several
            sizes[at] = size_of(sizes[at])
            if at == x.steps:
                lengths = counted(lengths, size_of)
        v = v.permute([order.index(i) for i in range(x.rank)])
        return self.applied(d, x.like(v, sizes=sizes, batch=batch, lengths=lengths))

    def _conv1d(self, d, x):
        return self.convolved(d, x, False)

    def _conv_transpose1d(self, d, x):
        return self.convolved(d, x, True)

    _conv2d, _conv_transpose2d = _conv1d, _conv_transpose1d

    # --- norms, softmax, means

    def soft(self, d, x, function):
        """Among what is within the lengths."""
        axis, live = x.axis(d.get("axis", 0)), x.live()
        v = x.data
        if live is not None and axis in (x.steps, x.batch):
            some = live.any(axis, keepdim=True)
            v = torch.where(live | ~some, v, -math.inf)
        return x.like(function(v, axis))

    def _softmax(self, d, x):
        return self.soft(d, x, F.softmax)

    def _log_softmax(self, d, x):
        return self.soft(d, x, F.log_softmax)

    def _layer_norm(self, d, x):
        rank = d.get("rank", 1)
        return x.like(F.layer_norm(x.data, x.data.shape[x.rank - rank:], self.parameter(d, "weight"),
                                   self.parameter(d, "bias"), d["epsilon"]))

    def _batch_norm(self, d, x):
        axis, live = x.axis(d.get("axis", 0)), x.live()
        moving = [self.parameter(d, "running_" + k) for k in ("mean", "var")]
        affine = {k: self.parameter(d, k) for k in ("weight", "bias")}
        order = [i for i in range(x.rank) if i != axis] + [axis]
        v = x.data.permute(order)
        if v.numel() == 0:
            return x.like(x.data)
        y, v = torch.zeros_like(v), v.reshape(-1, v.shape[-1])
        chosen = torch.ones(x.data.shape, dtype=bool) if live is None else live.expand(x.data.shape)
        chosen = chosen.permute(order).reshape(v.shape).all(-1)
        if chosen.any():
            rows = v[chosen]
            if self.given["train"] and len(rows) == 1:  # PyTorch refuses: the variance of one is 0
                for old, new in zip(moving, (rows[0].detach(), torch.zeros(()))):
                    old.data.lerp_(new.expand_as(old).to(old.dtype), d["momentum"])
                # Its gradient is 0 but for weight and bias.
                rows = (rows - rows) * affine["weight"] + affine["bias"] if affine["weight"] is not None else rows - rows
            else:
                rows = F.batch_norm(rows, *moving, **affine, training=self.given["train"], momentum=d["momentum"],
                                    eps=d["epsilon"])
            y = torch.zeros_like(v).index_put((chosen,), rows).reshape(y.shape)
        return x.like(y.permute([order.index(i) for i in range(x.rank)]))

    def reduced(self, d, x, axes, how):
        live = x.live()
        shape = x.data.shape
        inside = torch.ones(shape, dtype=bool) if live is None else live.expand(shape)
        order = [i for i in range(x.rank) if i not in axes] + axes
        kept = [shape[i] for i in order[:-len(axes)]]
        v = x.data.permute(order).reshape(*kept, math.prod(shape[i] for i in axes))
        inside = inside.permute(order).reshape(v.shape)
        count = inside.sum(-1)
        if how in ("sum", "mean"):
            y = torch.where(inside, v, 0).sum(-1)
            y = y / count.clamp(min=1) if how == "mean" else y
        elif v.shape[-1] == 0:
            y = torch.zeros(kept, dtype=v.dtype)
        elif how == "last":
            y = torch.gather(v, -1, (count - 1).clamp(min=0)[..., None])[..., 0]
        else:
            other = torch.where(inside, v, -math.inf if how == "max" else math.inf)
            y = (other.max(-1) if how == "max" else other.min(-1)).values
        y = torch.where(count > 0, y, 0.0)
        sizes = [s for i, s in enumerate(x.sizes) if i not in axes]
        steps, batch = moved(x.steps, axes), moved(x.batch, axes)
        if d.get("keep_axes"):
            for i in axes:
                y, sizes = y.unsqueeze(i), sizes[:i] + [1] + sizes[i:]
            steps, batch = (None if r in axes else r for r in (x.steps, x.batch))
        return Value(y, sizes, steps, batch, x.lengths)

    def _pool(self, d, x):
        return self.reduced(d, x, [x.steps], d.get("reduction", "mean"))

    def _reduce(self, d, x):
        return self.reduced(d, x, sorted(set(d.get("order", [0] * 8)[:d["rank"]])), d.get("reduction", "mean"))

    # --- along time

    def _ema(self, d, x):
        axis = x.axis(d.get("axis", 0))
        shape = [1] * x.rank
        shape[axis] = -1
        a = torch.sigmoid(self.parameter(d, "rate")).reshape(shape).select(x.steps, 0)
        y, all_of_it = torch.zeros(()), []
        for v in x.data.unbind(x.steps):
            y = y + a * (v - y)
            all_of_it.append(y)
        return x.like(torch.stack(all_of_it, x.steps) if all_of_it else x.data)

    def _recurrent(self, d, x, h0=None, c0=None, lengths=None, mask=None):
        network = d["network"]
        time = x.steps if x.steps is not None else 1 if x.rank == 3 and x.batch == 0 else 0
        rows = None if x.rank == 2 else 1 if time == 0 else 0
        v = x.data[:, None] if rows is None else x.data.transpose(0, 1) if time else x.data
        T, N, _ = v.shape
        within = torch.full((N,), T) if x.lengths is None else x.lengths
        if lengths is not None:
            within = torch.minimum(within, lengths.data.clamp(min=0))
        counts = torch.arange(T)[:, None] < within
        if mask is not None:
            m = mask.data != 0
            rows_first = time == 1
            if mask.steps is not None:
                rows_first = mask.steps == 1
            elif mask.batch is not None:
                rows_first = mask.batch == 0
            counts = counts & (m[:, None] if m.dim() == 1 else m.T if rows_first else m)
        prefix = d["name"] + "."
        weights = {k[len(prefix):]: w for k, w in self.parameters.items() if k.startswith(prefix)}
        drawn = (noise.node_seed(self.given["seed"], self.number), self.given["index"]) if self.given["train"] else None
        stack = Stack(network, weights, drawn)
        LD, R = stack.L * stack.D, network.get("proj_size") or network["hidden_size"]
        h = torch.zeros(LD, N, R, dtype=v.dtype) if h0 is None else h0.data
        c = torch.zeros(LD, N, network["hidden_size"], dtype=v.dtype) if c0 is None else c0.data
        y, hn, cn = stack.run(v, h, c, counts, d.get("repeat", False), d.get("value", 0.0))
        y = y[:, 0] if rows is None else y.transpose(0, 1) if time else y
        states = [Value(s, [LD, x.sizes[rows] if rows is not None else 1, s.shape[-1]], None,
                        None if x.batch is None else 1) for s in (hn, cn)]
        return (x.like(y, sizes=x.sizes[:-1] + (y.shape[-1],)), *states[:2 if network["cell"] == "lstm" else 1])
