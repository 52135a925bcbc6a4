# SPDX-License-Identifier: MIT
"""Write the files of this folder: layer-normalised networks as PyTorch's autograd computes them.

usage: make.py FOLDER    (PyTorch 2, float64)

The cells are written out here in PyTorch's own operations, layer_norm among them, apart from
anything of this library; numbers have 17 digits.
"""
import json
import sys
from pathlib import Path

import torch

CASES = {
    "rnn": {"cell": "rnn"},
    "rnn_relu_bi": {"cell": "rnn", "nonlinearity": "relu", "bidirectional": True},
    "lstm": {"cell": "lstm"},
    "lstm_ragged_bi_stack2": {"cell": "lstm", "num_layers": 2, "bidirectional": True,
                              "lengths": [5, 0, 3]},
    "lstm_proj_peepholes": {"cell": "lstm", "proj_size": 3, "peepholes": True, "norm_epsilon": 2.0**-7},
    "gru_after_keeps": {"cell": "gru", "reset": "after", "update": "keeps"},
    "gru_after_bi": {"cell": "gru", "reset": "after", "update": "keeps", "bidirectional": True,
                     "bias": False},
    "gru_before_replaces_ragged": {"cell": "gru", "reset": "before", "update": "replaces",
                                   "num_layers": 2, "lengths": [2, 5, 4]},
}
GATES = {"rnn": 1, "gru": 3, "lstm": 4}


def normed(v, gain, epsilon, bias=None):
    return torch.nn.functional.layer_norm(v, v.shape[-1:], gain, bias, epsilon)


def step(c, p, x, h, cell):
    """One step of all rows: (h, c) after it."""
    eps = c.get("norm_epsilon", 1e-5)
    b_ih, b_hh = p.get("bias_ih", 0), p.get("bias_hh", 0)
    a = normed(x @ p["weight_ih"].T, p["weight_ln_ih"], eps) + b_ih
    H = c["hidden_size"]
    before = c["cell"] == "gru" and c["reset"] == "before"
    rows = 2 * H if before else GATES[c["cell"]] * H
    u = normed(h @ p["weight_hh"][:rows].T, p["weight_ln_hh"][:rows], eps)
    u = u + (b_hh[:rows] if c["bias"] else 0)
    if c["cell"] == "rnn":
        return (torch.relu if c["nonlinearity"] == "relu" else torch.tanh)(a + u), cell
    if c["cell"] == "lstm":
        i, f, g, o = (a + u).split(H, -1)
        if c.get("peepholes"):
            p_i, p_f, p_o = p["weight_peephole"].split(H)
            i, f = i + p_i * cell, f + p_f * cell
        cell = torch.sigmoid(f) * cell + torch.sigmoid(i) * torch.tanh(g)
        if c.get("peepholes"):
            o = o + p_o * cell
        z = normed(cell, p["weight_ln_c"], eps, p["bias_ln_c"])
        h = torch.sigmoid(o) * torch.tanh(z)
        return h @ p["weight_hr"].T if c["proj_size"] else h, cell
    r = torch.sigmoid(a[..., :H] + u[..., :H])
    z = torch.sigmoid(a[..., H:2 * H] + u[..., H:2 * H])
    if before:
        q = normed((r * h) @ p["weight_hh"][rows:].T, p["weight_ln_hh"][rows:], eps)
        n = torch.tanh(a[..., 2 * H:] + q + (b_hh[rows:] if c["bias"] else 0))
    else:
        n = torch.tanh(a[..., 2 * H:] + r * u[..., 2 * H:])
    return (h + z * (n - h) if c["update"] == "replaces" else n + z * (h - n)), cell


def shapes(c, layer):
    H, R = c["hidden_size"], c["proj_size"] or c["hidden_size"]
    rows = GATES[c["cell"]] * H
    inputs = c["input_size"] if layer == 0 else R * (2 if c["bidirectional"] else 1)
    yield "weight_ih", (rows, inputs)
    yield "weight_hh", (rows, R)
    if c["bias"]:
        yield "bias_ih", (rows,)
        yield "bias_hh", (rows,)
    if c["proj_size"]:
        yield "weight_hr", (R, H)
    if c.get("peepholes"):
        yield "weight_peephole", (3 * H,)
    yield "weight_ln_ih", (rows,)
    yield "weight_ln_hh", (rows,)
    if c["cell"] == "lstm":
        yield "weight_ln_c", (H,)
        yield "bias_ln_c", (H,)


def run(c, params, x, h0, c0):
    """y, hn, cn of rows of their own lengths."""
    D, N, T = 2 if c["bidirectional"] else 1, c["N"], c["T"]
    rows, ends_h, ends_c = [], {}, {}
    for n in range(N):
        length = c["lengths"][n] if c["lengths"] else T
        below = [x[t, n] for t in range(length)]
        for layer in range(c["num_layers"]):
            outs = [[] for _ in range(length)]
            for d in range(D):
                k = layer * D + d
                suffix = f"_l{layer}" + ("_reverse" if d else "")
                p = {name[: -len(suffix)]: v for name, v in params.items()
                     if name.endswith(suffix)}
                h, cell = h0[k, n], c0[k, n] if c0 is not None else None
                for t in (range(length - 1, -1, -1) if d else range(length)):
                    h, cell = step(c, p, below[t], h, cell)
                    outs[t].append(h)
                ends_h[k, n], ends_c[k, n] = h, cell
            below = [torch.cat(o) for o in outs]
        R = (c["proj_size"] or c["hidden_size"]) * D
        rows.append(torch.stack(below + [torch.zeros(R)] * (T - length)))
    L = c["num_layers"] * D
    hn = torch.stack([torch.stack([ends_h[k, n] for n in range(N)]) for k in range(L)])
    cn = c0 is not None and torch.stack(
        [torch.stack([ends_c[k, n] for n in range(N)]) for k in range(L)])
    return torch.stack(rows, 1), hn, cn


def listed(v):
    return {"shape": list(v.shape), "data": v.detach().flatten().tolist()}


def make(name, c, folder, seed):
    torch.manual_seed(seed)
    c = {"nonlinearity": "tanh" if c["cell"] == "rnn" else None, "input_size": 4, "hidden_size": 5,
         "num_layers": 1, "proj_size": 0, "bidirectional": False, "bias": True,
         "batch_first": False, "T": 5, "N": 3, "lengths": None, "layer_norm": True, **c}
    D, lstm = 2 if c["bidirectional"] else 1, c["cell"] == "lstm"
    R = c["proj_size"] or c["hidden_size"]

    def draw(*shape):
        return (torch.rand(*shape) * 2 - 1).requires_grad_()
    params = {f"{tensor}_l{layer}" + ("_reverse" if d else ""): draw(*shape)
              for layer in range(c["num_layers"]) for d in range(D)
              for tensor, shape in shapes(c, layer)}
    states = (c["num_layers"] * D, c["N"])
    x, h0 = draw(c["T"], c["N"], c["input_size"]), draw(*states, R)
    c0 = draw(*states, c["hidden_size"]) if lstm else None
    y, hn, cn = run(c, params, x, h0, c0)
    dy, dhn = draw(*y.shape), draw(*hn.shape)
    loss = (y * dy).sum() + (hn * dhn).sum()
    if lstm:
        dcn = draw(*cn.shape)
        loss = loss + (cn * dcn).sum()
    loss.backward()
    c.update(x=listed(x), h0=listed(h0), y=listed(y), hn=listed(hn), dy=listed(dy), dhn=listed(dhn),
             dx=listed(x.grad), dh0=listed(h0.grad),
             params={k: listed(v) for k, v in params.items()},
             dparams={k: listed(v.grad) for k, v in params.items()})
    if lstm:
        c.update(c0=listed(c0), cn=listed(cn), dcn=listed(dcn), dc0=listed(c0.grad))
    (folder / f"{name}.json").write_text(json.dumps(c) + "\n", encoding="ascii")


if __name__ == "__main__":
    torch.set_default_dtype(torch.float64)
    for i, (case, options) in enumerate(CASES.items()):
        make(case, options, Path(sys.argv[1]), i)
