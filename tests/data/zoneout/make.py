# SPDX-License-Identifier: MIT
"""Write the files of this folder: networks with zoneout and recurrent dropout as PyTorch's autograd
computes them.

usage: make.py FOLDER    (PyTorch 2, float64)

Cells and the generator of what is drawn (Philox4x32-10, SEED and INDEX; keys and counters as
clrnn/network.h and host/base/philox.h say) are written out here, apart from anything of this
library; numbers have 17 digits.
"""
import json
import sys
from pathlib import Path

import torch

CASES = {
    "lstm_drawn": {"cell": "lstm", "zoneout": 0.25, "zoneout_cell": 0.375, "peepholes": True},
    "lstm_drawn_proj_bi_stack2": {"cell": "lstm", "proj_size": 3, "num_layers": 2, "bidirectional": True,
                                  "zoneout": 0.375, "zoneout_cell": 0.25, "recurrent_dropout": 0.25,
                                  "lengths": [5, 0, 3]},
    "lstm_expected": {"cell": "lstm", "zoneout": 0.25, "zoneout_cell": 0.375, "recurrent_dropout": 0.5,
                      "drawn": False},
    "gru_before_drawn": {"cell": "gru", "reset": "before", "update": "replaces", "zoneout": 0.25,
                         "recurrent_dropout": 0.375, "lengths": [2, 5, 4]},
    "gru_after_drawn_bi": {"cell": "gru", "reset": "after", "update": "keeps", "bidirectional": True,
                           "zoneout": 0.5, "recurrent_dropout": 0.25},
    "gru_before_expected": {"cell": "gru", "reset": "before", "update": "replaces", "zoneout": 0.5,
                            "drawn": False},
    "rnn_drawn": {"cell": "rnn", "zoneout": 0.25},
    "rnn_drawn_dropout": {"cell": "rnn", "recurrent_dropout": 0.5, "hidden_size": 9},
}
GATES = {"rnn": 1, "gru": 3, "lstm": 4}


M32, M64 = 2**32 - 1, 2**64 - 1
SEED, INDEX = 0x123456789ABCDEF, 7


def philox(key, counter):
    k0, k1 = key & M32, key >> 32
    c = list(counter)
    for _ in range(10):
        a, b = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
        c = [(b >> 32) ^ c[1] ^ k0, b & M32, (a >> 32) ^ c[3] ^ k1, a & M32]
        k0, k1 = (k0 + 0x9E3779B9) & M32, (k1 + 0xBB67AE85) & M32
    return c


def uniform(purpose, cell, which, n, t, unit):
    key = ((SEED ^ int.from_bytes(purpose, "big")) + cell * 0x9E3779B97F4A7C15) & M64
    return (philox(key, [unit // 4 | which, n, t, INDEX])[unit % 4] >> 8) / 2**24


def kept(c, name, cell, n, t, units):
    """What of a state stays."""
    p = c.get(name, 0)
    if not c["drawn"]:
        return torch.full((units,), float(p))
    which = 2**31 if name == "zoneout_cell" else 0
    return torch.tensor([float(uniform(b"zoneout\0", cell, which, n, t, j) < p) for j in range(units)])


def factors(c, cell, n, units):
    p = c.get("recurrent_dropout", 0)
    if not c["drawn"] or not p:
        return torch.ones(units)
    return torch.tensor([0. if uniform(b"rec drop", cell, 0, n, 0, j) < p else 1 / (1 - p)
                         for j in range(units)])


def step(c, p, x, h, cell, m):
    """One step of a row, without zoneout: (h, c) after it. m: factors of what U multiplies."""
    a = x @ p["weight_ih"].T + p["bias_ih"]
    H = c["hidden_size"]
    before = c["cell"] == "gru" and c["reset"] == "before"
    rows = 2 * H if before else GATES[c["cell"]] * H
    u = (h * m) @ p["weight_hh"][:rows].T + p["bias_hh"][:rows]
    if c["cell"] == "rnn":
        return torch.tanh(a + u), cell
    if c["cell"] == "lstm":
        i, f, g, o = (a + u).split(H, -1)
        if c.get("peepholes"):
            p_i, p_f, p_o = p["weight_peephole"].split(H)
            i, f = i + p_i * cell, f + p_f * cell
        cell = torch.sigmoid(f) * cell + torch.sigmoid(i) * torch.tanh(g)
        if c.get("peepholes"):
            o = o + p_o * cell
        h = torch.sigmoid(o) * torch.tanh(cell)
        return h @ p["weight_hr"].T if c["proj_size"] else h, cell
    r = torch.sigmoid(a[..., :H] + u[..., :H])
    z = torch.sigmoid(a[..., H:2 * H] + u[..., H:2 * H])
    if before:
        n = torch.tanh(a[..., 2 * H:] + (r * h * m) @ p["weight_hh"][rows:].T + p["bias_hh"][rows:])
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
                    new_h, new_cell = step(c, p, below[t], h, cell, factors(c, k, n, len(h)))
                    stays = kept(c, "zoneout", k, n, t, len(h))
                    h = stays * h + (1 - stays) * new_h
                    if cell is not None:
                        stays = kept(c, "zoneout_cell", k, n, t, len(cell))
                        cell = stays * cell + (1 - stays) * new_cell
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
         "batch_first": False, "T": 5, "N": 3, "lengths": None, "drawn": True, **c}
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
