# SPDX-License-Identifier: MIT
"""Training a character model end to end: `clrnn train` against the same loop in PyTorch.

Both read the same batches of this project's sources (streams side by side, the state carried from
batch to batch), with Adam and clipping. First PyTorch starts from the weights that clrnn starts
from, and the losses of the first steps must agree; then both are timed in turn.
"""
import csv
import json
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from timing import settle

BATCH, SEQ, CLIP, RATE = 32, 64, 1.0, 0.002
CHECKED_STEPS, TOLERANCE = 20, 1e-4
TURN_SECONDS = 1.0
PARAMETERS = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")


@dataclass(frozen=True)
class TextProblem:
    cell: str
    hidden: int
    embedding: int  # 0: one-hot
    layers: int = 1
    validation: float = 0  # part held out

    def label(self):
        inputs = f"embedding={self.embedding}" if self.embedding else "one-hot"
        return f"{self.cell} T={SEQ} N={BATCH} H={self.hidden} {inputs}"


def problems(quick):
    if quick:
        return [TextProblem("gru", 128, 32), TextProblem("lstm", 128, 0)]
    return [TextProblem(cell, hidden, embedding) for cell in ("lstm", "gru")
            for hidden in (128, 256) for embedding in (0, 32)]


def project_text(root):
    return b"".join(path.read_bytes() for folder, kind in
                    (("host", "*.c"), ("host", "*.h"), ("include", "*.h"), ("cl", "*.cl"))
                    for path in sorted((root / folder).rglob(kind)))


def read_safetensors(path):
    data = path.read_bytes()
    size = int.from_bytes(data[:8], "little")
    header = json.loads(data[8:8 + size])
    return {name: np.frombuffer(data[8 + size:][slice(*entry["data_offsets"])], "<f4")
            .reshape(entry["shape"]).copy()
            for name, entry in header.items() if name != "__metadata__" and entry["dtype"] == "F32"}


class Batches:
    """The batches of clrnn_text_batch, from their description in clrnn/text.h: of what is to train
    on, or with `held_out` of the part that is not."""

    def __init__(self, text, validation=0.0, held_out=False):
        symbols, data = np.unique(np.frombuffer(text, np.uint8), return_inverse=True)
        self.vocabulary = len(symbols)
        training = len(data) - int(len(data) * validation)
        data = data[training:] if held_out else data[:training]
        length = len(data) // BATCH
        self.streams = torch.from_numpy(data[:BATCH * length].reshape(BATCH, length).T.copy())
        self.count = (length - 1) // SEQ

    def at(self, index):
        """ids [T,N], targets [T,N], and whether the text begins anew."""
        k = index % self.count
        piece = self.streams[k * SEQ:(k + 1) * SEQ + 1]
        return piece[:-1], piece[1:], k == 0


class TorchText:
    library = "torch"

    def __init__(self, problem, batches, weights, threads):
        p, v = problem, batches.vocabulary
        self.batches, self.threads, self.step, self.state = batches, threads, 0, None
        kind = torch.nn.LSTM if p.cell == "lstm" else torch.nn.GRU
        self.embedding = torch.nn.Embedding(v, p.embedding) if p.embedding else None
        self.network = kind(p.embedding or v, p.hidden, p.layers)
        self.head = torch.nn.Linear(p.hidden, v)
        self.load(weights)
        parts = [self.embedding, self.network, self.head]
        self.parameters = [q for part in parts if part is not None for q in part.parameters()]
        self.adam = torch.optim.Adam(self.parameters, lr=RATE, fused=True)

    def load(self, weights):
        names = [f"{name}_l{k}" for k in range(self.network.num_layers) for name in PARAMETERS]
        pairs = [(f"rnn.{name}", getattr(self.network, name)) for name in names]
        pairs += [("head.weight", self.head.weight), ("head.bias", self.head.bias)]
        if self.embedding is not None:
            pairs.append(("embedding.weight", self.embedding.weight))
        with torch.no_grad():
            for name, parameter in pairs:
                parameter.copy_(torch.from_numpy(weights[name]))

    def inputs(self, ids):
        if self.embedding is not None:
            return self.embedding(ids)
        return torch.nn.functional.one_hot(ids, self.batches.vocabulary).float()

    def loss(self, batch, state):
        """The mean of a batch, and the state after it."""
        ids, targets, anew = batch
        y, state = self.network(self.inputs(ids), None if anew else state)
        state = tuple(s.detach() for s in state) if isinstance(state, tuple) else state.detach()
        logits = self.head(y).flatten(0, 1)
        return torch.nn.functional.cross_entropy(logits, targets.flatten()), state

    @torch.no_grad()
    def validate(self, held_out):
        """Bits a character of the held-out text, from its beginning."""
        state, total = None, 0.0
        for k in range(held_out.count):
            loss, state = self.loss(held_out.at(k), state)
            total += float(loss)
        return total / held_out.count / np.log(2)

    def train(self):
        """One step; the loss before it, as a tensor."""
        loss, self.state = self.loss(self.batches.at(self.step), self.state)
        self.adam.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.parameters, CLIP)
        self.adam.step()
        self.step += 1
        return loss.detach()

    def turn(self, steps):
        """Characters/s over `steps` steps, after one that is not timed."""
        torch.set_num_threads(self.threads)
        self.train()
        begun = time.perf_counter()
        for _ in range(steps):
            loss = self.train()
        loss.item()
        return steps * SEQ * BATCH / (time.perf_counter() - begun)


class OurText:
    library, threads = "ours", 0

    def __init__(self, problem, command, selector, folder, *options):
        self.folder = folder
        self.base = [str(command), "train", "--text", str(folder / "text"), "--json",
                     "--cell", problem.cell, "--hidden", str(problem.hidden),
                     "--embedding", str(problem.embedding), "--batch", str(BATCH),
                     "--layers", str(problem.layers), "--validation", str(problem.validation),
                     "--seq", str(SEQ), "--optimizer", "adam", "--clip", str(CLIP),
                     "--save-every", "0"]
        if problem.cell == "gru":
            self.base += ["--reset", "after", "--update", "keeps"]
        self.base += options
        if selector:
            self.base += ["--device", selector]

    @staticmethod
    def summary(command):
        result = subprocess.run(command, capture_output=True, text=True, check=False)
        if result.returncode:
            sys.exit(f"peers: {' '.join(command)} failed: {result.stderr}")
        return json.loads(result.stdout)

    def run(self, steps, rate=RATE, *more):
        """The summary of a training; the model is in the folder."""
        for name in ("model.safetensors", "log.csv"):  # existing files are not replaced unasked
            (self.folder / name).unlink(missing_ok=True)
        return self.summary([*self.base, "--steps", str(steps), "--lr", str(rate), "--save",
                             str(self.folder / "model.safetensors"), *more])

    def first_weights(self):
        """Those that a training begins with: what a step of no length leaves."""
        self.run(1, 1e-30)
        return read_safetensors(self.folder / "model.safetensors")

    def losses(self, steps):
        log = self.folder / "log.csv"
        self.run(steps, RATE, "--log-every", "1", "--log", str(log))
        with open(log, encoding="utf-8") as file:
            return [float(row["loss_nats"]) for row in csv.DictReader(file)]

    def turn(self, steps):
        return self.run(steps + 1, RATE, "--log-every", "1000000")["characters_per_second"]


def disagreement(ours, peer, steps=CHECKED_STEPS):
    """Largest relative difference of the first losses."""
    peer.step, peer.state = 0, None
    wanted = [float(peer.train()) for _ in range(steps)]
    got = ours.losses(steps)
    if len(got) != len(wanted):
        return float("inf")
    return float(np.max(np.abs(np.subtract(got, wanted)) / wanted))


def compare(problem, root, build, selector, thread_counts, turns):
    """{"error", "where", "times": as alternate, if the losses agree}."""
    text = project_text(root)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "text").write_bytes(text)
        ours = OurText(problem, build / "tools" / "clrnn", selector, folder)
        weights, batches = ours.first_weights(), Batches(text)
        peers = [TorchText(problem, batches, weights, n) for n in thread_counts]
        error = disagreement(ours, peers[0])
        out = {"error": error, "where": f"loss of the first {CHECKED_STEPS} steps"}
        if error < TOLERANCE:
            out["times"] = alternate([ours, *peers], turns)
    return out


def alternate(runners, turns):
    """(runner, seconds for each step, turn by turn) of each, in turn."""
    rate = max(runner.turn(8) for runner in runners[1:])
    steps = max(16, int(TURN_SECONDS * rate / (SEQ * BATCH)))
    times = {i: (runner, []) for i, runner in enumerate(runners)}
    for _ in range(turns):
        for runner, seconds in times.values():
            settle()
            seconds.append(SEQ * BATCH / runner.turn(steps))
    return times
