# SPDX-License-Identifier: MIT
"""The problems that are compared, in named sets, and the numbers they are run on.

Letters as in include/clrnn/network.h: T steps, N sequences, I inputs, H hidden units, L layers,
D directions, G gates. A GRU is PyTorch's: it resets after the product and keeps.
"""
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

SHAPES = Path(__file__).resolve().parent / "shapes"
GATES = {"lstm": 4, "gru": 3, "rnn": 1}
REAL_BYTES = 4


@dataclass(frozen=True)
class Problem:
    cell: str
    T: int
    N: int
    I: int  # noqa: E741
    H: int
    L: int = 1
    D: int = 1
    train: bool = False
    act: str = "tanh"  # RNN only

    @property
    def gates(self):
        return GATES[self.cell]

    @property
    def states(self):
        """Names of the final states."""
        return ("hn", "cn") if self.cell == "lstm" else ("hn",)

    def string(self):
        """As clrnn_problem_parse reads it."""
        extra = {"gru": ",reset=after,update=keeps", "rnn": f",act={self.act}"}.get(self.cell, "")
        return (f"cell={self.cell},T={self.T},N={self.N},I={self.I},H={self.H},L={self.L},"
                f"D={self.D},mode={'train' if self.train else 'infer'}{extra}")

    def label(self):
        sizes = f"H={self.H}" if self.I == self.H else f"I={self.I} H={self.H}"
        more = "".join(f" {k}={v}" for k, v in (("L", self.L), ("D", self.D)) if v > 1)
        return f"{self.cell} T={self.T} N={self.N} {sizes}{more}" + " train" * self.train

    def width(self, layer):
        """Inputs of a layer."""
        return self.D * self.H if layer else self.I

    def weight_shapes(self):
        """Shapes in the canonical order, which is PyTorch's."""
        rows = self.gates * self.H
        return [shape for layer in range(self.L) for _ in range(self.D)
                for shape in ((rows, self.width(layer)), (rows, self.H), (rows,), (rows,))]

    def recurrent_bytes(self):
        """Weights that every step needs."""
        return self.L * self.D * self.gates * self.H * self.H * REAL_BYTES

    def products(self):
        """Matrix products as (m, k, n, how often): [m,k] times [k,n]."""
        rows, out = self.T * self.N, []
        g = self.gates * self.H
        for layer in range(self.L):
            i = self.width(layer)
            out += [(rows, i, g, self.D), (self.N, self.H, g, self.D * self.T)]
            if self.train:  # dx, dW, dU, and dh of each step
                out += [(rows, g, i, self.D), (g, rows, i, self.D), (g, rows, self.H, self.D),
                        (self.N, g, self.H, self.D * self.T)]
        return out

    def operations(self):
        return sum(2 * m * k * n * times for m, k, n, times in self.products())

    def memory_bytes(self):
        """About what three libraries together hold, inputs and all."""
        weights = sum(self.gates * self.H * (self.width(k) + self.H) * self.D
                      for k in range(self.L))
        rows = self.T * self.N
        values = rows * (6 * self.I + self.L * self.D * self.H * (4 * self.gates + 8))
        return REAL_BYTES * (values + weights * (14 if self.train else 10))

    def numbers(self, seed=1):
        """Pseudo-random x [T,N,I], dy [T,N,D*H] and weights (a list in canonical order)."""
        random = np.random.default_rng(seed)
        bound = self.H ** -0.5
        x = random.standard_normal((self.T, self.N, self.I), np.float32)
        dy = random.standard_normal((self.T, self.N, self.D * self.H), np.float32)
        weights = [((random.random(shape, np.float32) * 2 - 1) * bound).astype(np.float32)
                   for shape in self.weight_shapes()]
        return x, dy, weights


def infer1(quick):
    if quick:
        return [Problem("lstm", 100, 1, 64, 64), Problem("gru", 100, 1, 256, 256)]
    return [Problem(cell, 100, 1, h, h) for cell in ("lstm", "gru")
            for h in (64, 128, 256, 512, 1024, 2048)]


def batch(quick):
    if quick:
        return [Problem("lstm", 50, 16, 128, 128), Problem("gru", 50, 4, 256, 256)]
    return ([Problem("lstm", 50, n, h, h) for n in (4, 16, 32, 64, 128)
             for h in (128, 256, 512, 1024)] +
            [Problem("gru", 50, n, h, h) for n in (16, 64) for h in (256, 1024)])


def train(quick):
    if quick:
        return [Problem("lstm", 50, 16, 256, 256, train=True),
                Problem("gru", 20, 16, 128, 128, train=True)]
    return ([Problem("lstm", 50, n, h, h, train=True) for n in (16, 32, 64)
             for h in (256, 512, 1024)] +
            [Problem("gru", 50, 32, h, h, train=True) for h in (256, 512, 1024)])


def long(quick):
    return [Problem("lstm", t, 1, 64, 64) for t in (1000, 10000 if quick else 100000)]


def stream(quick):
    """Blocks as of sound: T is a block."""
    sizes = (8, 40) if quick else (8, 16, 24, 40, 64)
    return [Problem(cell, 64, 1, 1, h) for cell in ("lstm", "gru") for h in sizes]


def read(name):
    with open(SHAPES / name, encoding="utf-8") as file:
        return json.load(file)


def few(problems, quick):
    """For a quick look, the first small ones."""
    return [p for p in problems if p.operations() < 2e9][:3] if quick else problems


def deepbench(quick):
    """Training sizes train, inference sizes infer; a vanilla RNN has a ReLU."""
    table = read("deepbench.json")
    kinds = {"inference_device_set": False, "inference_server_set": False, "training_set": True}
    problems = [Problem("rnn" if cell == "vanilla" else cell, t, n, h, h, train=training,
                        act="relu")
                for kind, training in kinds.items() for cell, h, n, t in table[kind]]
    return few(list(dict.fromkeys(problems)), quick)


def benchdnn_cell(row):
    if row["alg"]:
        return {"VANILLA_LSTM": "lstm", "LBR_GRU": "gru"}[row["alg"]]
    name = row["file"]  # these lists are used with several cells; their names say the usual one
    return "rnn" if "deepspeech" in name else "gru" if name.endswith("gru") else "lstm"


def benchdnn(quick):
    """Those that are networks elsewhere too: the state is as wide as the layer."""
    table = read("benchdnn.json")
    rows = [dict(zip(table["columns"], row)) for row in table["problems"]]
    problems = [Problem(benchdnn_cell(r), r["t"], r["mb"], r["slc"], r["dhc"], r["l"],
                        2 if r["direction"] == "concat" else 1,
                        r["prop"] == "BWD_DW" or r["file"] == "shapes_training", "relu")
                for r in rows if r["sic"] == r["dic"] == r["dhc"]]
    return few(list(dict.fromkeys(problems)), quick)


SETS = {"infer1": infer1, "batch": batch, "train": train, "long": long, "stream": stream,
        "deepbench": deepbench, "benchdnn": benchdnn}
