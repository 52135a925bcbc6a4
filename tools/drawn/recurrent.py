# SPDX-License-Identifier: MIT
"""Recurrent stacks step by step from the equations of include/clrnn/network.h; those without options through
PyTorch's own modules."""
import numpy as np
import torch
import torch.nn.functional as F

import noise
from functions import activation_of

USUAL = {"lstm": ("sigmoid", "tanh", "tanh"), "gru": ("sigmoid", "tanh"), "rnn": ("tanh",)}
PLAIN = {"cell", "hidden_size", "num_layers", "bidirectional", "bias", "proj_size"}


def clip(x, bound):
    return torch.clamp(x, -bound, bound) if bound else x


class Cell:
    """One layer and direction."""

    def __init__(self, network, weights, layer, direction):
        self.n, self.kind = network, network["cell"]
        self.back = bool(direction) or network.get("reverse", False)
        suffix = f"_l{layer}" + ("_reverse" if direction else "")
        self.w = {name[:-len(suffix)]: w for name, w in weights.items() if name.endswith(suffix)}
        self.H = network["hidden_size"]
        names = list(USUAL[self.kind])
        if network.get("nonlinearity") == "relu":
            names[0] = "relu"
        which = ("f", "g", "h")[:len(names)]
        # A reversed direction alone is the first one.
        own = [network.get(f"activation_{k}" + ("_reverse" if direction else ""), "usual") for k in which]
        self.functions = [activation_of(a if b == "usual" else b) for a, b in zip(names, own)]
        self.factors = None

    def number(self, name):
        return float(np.float32(self.n.get(name, 0)))

    def gate(self, which, a):
        return self.functions[which](clip(a, self.number("gate_clip")))

    def bias(self, which, rows=slice(None)):
        return self.w[which][rows] if which in self.w else 0.0

    def norm(self, a, gain, rows=slice(None)):
        if "weight_ln_ih" not in self.w:
            return a
        epsilon = self.number("norm_epsilon") or 1e-5
        return F.layer_norm(a, a.shape[-1:], eps=epsilon) * self.w[gain][rows]

    def inputs(self, x):
        return self.norm(x @ self.w["weight_ih"].T, "weight_ln_ih") + self.bias("bias_ih")

    def recurrent(self, h, first=0, last=None):
        rows = slice(first * self.H, None if last is None else last * self.H)
        h = h if self.factors is None else h * self.factors
        return self.norm(h @ self.w["weight_hh"][rows].T, "weight_ln_hh", rows) + self.bias("bias_hh", rows)

    def lstm(self, x, h, c):
        p_i, p_f, p_o = self.w["weight_peephole"].chunk(3) if "weight_peephole" in self.w else (0.0, 0.0, 0.0)
        a_i, a_f, a_g, a_o = (self.inputs(x) + self.recurrent(h)).chunk(4, -1)
        i = self.gate(0, a_i + p_i * c)
        f = 1 - i if self.n.get("coupled_gates") else self.gate(0, a_f + p_f * c)
        c = clip(f * c + i * self.gate(1, a_g), self.number("cell_clip"))
        o = self.gate(0, a_o + p_o * c)
        z = c
        if "weight_ln_c" in self.w:
            z = self.norm(c, "weight_ln_c") + self.w["bias_ln_c"]
        m = o * self.functions[2](z)
        if "weight_hr" in self.w:
            m = m @ self.w["weight_hr"].T
            bound = self.number("proj_clip")
            m = F.hardtanh(m, -bound, bound) if bound else m  # no gradient at the bound
        return m, c

    def gru(self, x, h, c):
        a_r, a_z, a_n = self.inputs(x).chunk(3, -1)
        if self.n.get("reset", "before") == "before":
            u_r, u_z = self.recurrent(h, 0, 2).chunk(2, -1)
            r = self.gate(0, a_r + u_r)
            n = self.gate(1, a_n + self.recurrent(r * h, 2))
        else:
            u_r, u_z, u_n = self.recurrent(h).chunk(3, -1)
            r = self.gate(0, a_r + u_r)
            n = self.gate(1, a_n + r * u_n)
        z = self.gate(0, a_z + u_z)
        return (z * h + (1 - z) * n if self.n.get("update") == "keeps" else (1 - z) * h + z * n), c

    def rnn(self, x, h, c):
        return self.gate(0, self.inputs(x) + self.recurrent(h)), c


class Stack:
    """y [T,N,D*R], hn, cn of x [T,N,I], h0, c0; counts [T,N] says which steps do."""

    def __init__(self, network, weights, drawn):
        self.n, self.drawn = network, drawn
        self.L, self.D = network["num_layers"], 2 if network["bidirectional"] else 1
        self.cells = [Cell(network, weights, i // self.D, i % self.D) for i in range(self.L * self.D)]
        self.weights = weights

    def is_plain(self, counts, repeat):
        """PyTorch's own modules do all of it, but rows without any step."""
        n = self.n
        usual = n["cell"] != "gru" or (n.get("reset") == "after" and n.get("update") == "keeps")
        lengths = counts.sum(0)
        counted = torch.arange(len(counts))[:, None] < lengths
        return (usual and not repeat and set(n) <= PLAIN | {"reset", "update", "nonlinearity"}
                and bool((counted == counts).all()) and bool((lengths > 0).all()))

    def by_module(self, x, h0, c0, counts):
        n = self.n
        wishes = {"proj_size": n["proj_size"]} if "proj_size" in n else {}
        if "nonlinearity" in n:
            wishes["nonlinearity"] = n["nonlinearity"]
        module = getattr(torch.nn, n["cell"].upper())(x.shape[-1], n["hidden_size"], self.L, bias=n["bias"],
                                                      bidirectional=self.D == 2, dtype=x.dtype, **wishes)
        packed = torch.nn.utils.rnn.pack_padded_sequence(x, counts.sum(0), enforce_sorted=False)
        y, state = torch.func.functional_call(module, self.weights, (packed, (h0, c0) if n["cell"] == "lstm" else h0))
        y, _ = torch.nn.utils.rnn.pad_packed_sequence(y, total_length=len(x))
        return (y, *state) if n["cell"] == "lstm" else (y, state, c0)

    def zoned(self, index, which, t, old, new):
        """Units of h or c that keep their old value; their expectation where nothing is drawn."""
        rate = self.cells[index].number("zoneout_cell" if which else "zoneout")
        if rate == 0:
            return new
        if self.drawn is None:
            return rate * old + (1 - rate) * new
        key = noise.cell_key(self.drawn[0], noise.ZONEOUT, index)
        rows, units = np.arange(old.shape[0])[:, None], np.arange(old.shape[1])
        kept = noise.uniform(key, self.drawn[1], units, rows, t, which << 31) < rate
        return torch.where(torch.from_numpy(kept), old, new)

    def direction(self, index, x, h, c, counts, repeat):
        cell = self.cells[index]
        if self.drawn is not None and cell.n.get("recurrent_dropout"):
            key = noise.cell_key(self.drawn[0], noise.HIDDEN, index)
            cell.factors = torch.from_numpy(noise.factors(cell.n["recurrent_dropout"], key, self.drawn[1],
                                                          np.arange(h.shape[1]), np.arange(len(h))[:, None], 0))
        y, last = [None] * len(x), torch.zeros_like(h)
        for t in reversed(range(len(x))) if cell.back else range(len(x)):
            new_h, new_c = getattr(cell, cell.kind)(x[t], h, c)
            new_h, new_c = self.zoned(index, 0, t, h, new_h), self.zoned(index, 1, t, c, new_c)
            live = counts[t][:, None]
            h, c, last = torch.where(live, new_h, h), torch.where(live, new_c, c), torch.where(live, new_h, last)
            y[t] = last if repeat else torch.where(live, new_h, 0.0)
        return torch.stack(y), h, c

    def run(self, x, h0, c0, counts, repeat=False, value=0.0):
        """What does not count is `value` in y, or with repeat what came before, as each direction goes."""
        if self.is_plain(counts, repeat):
            y, hn, cn = self.by_module(x, h0, c0, counts)
            return torch.where(counts[..., None], y, value), hn, cn
        hs, cs = [], []
        for layer in range(self.L):
            parts = []
            for index in range(layer * self.D, (layer + 1) * self.D):
                y, h, c = self.direction(index, x, h0[index], c0[index], counts, repeat and layer + 1 == self.L)
                parts.append(y)
                hs.append(h)
                cs.append(c)
            x = sum(parts) if self.n.get("merge") == "sum" else torch.cat(parts, -1)
        y = x if repeat else torch.where(counts[..., None], x, value)
        return y, torch.stack(hs), torch.stack(cs)
