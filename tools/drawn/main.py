# SPDX-License-Identifier: MIT
"""tools/drawn/graphs [OPTION]... - graphs drawn at random (tests/graph/drawn.c: up to ten nodes of all kinds, every
layout, sequences of different lengths, masks, dropout), each made again in PyTorch, float64: every output, and where
nodes all go back every gradient by parameters and inputs and what batch norm has moved, within 1e-9.

What is nothing but rounding is told apart: where an error is more than that, PyTorch computes again with every number
that goes in moved by its last bits, and the graph counts as `ill` if that alone changes as much; `infinite` are
those that leave the numbers, whose gradients are not compared. Prints a table by the kind of the first node; of a
graph that differs the line to run it again. Exit: 0, 1 if one differs, 2 bad use."""
import argparse
import collections
import json
import os
import pathlib
import struct
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
BOUND, LEAST = 1e-9, 1e-3
TYPES = {"F64": "f8", "I32": "i4", "U32": "u4"}
NUDGES = 3  # bits


def stop(text):
    print(f"graphs: {text}", file=sys.stderr)
    sys.exit(2)


def options():
    parser = argparse.ArgumentParser(prog="graphs", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build", help="the build folder (build)")
    parser.add_argument("--seed", type=int, default=1, help="of the first graph (1)")
    parser.add_argument("--count", type=int, default=1000, help="graphs that begin with any kind (1000)")
    parser.add_argument("--each", type=int, help="those that begin with each kind (count/10)")
    parser.add_argument("--kind", help="only those that begin with this one")
    parser.add_argument("--verbose", action="store_true", help="every error of a graph that differs")
    parser.add_argument("--keep", type=pathlib.Path, help="leave the files of graphs that differ in this folder")
    wishes = parser.parse_args()
    wishes.each = wishes.count // 10 if wishes.each is None else wishes.each
    wishes.program = wishes.build / "tests" / "test_random_graphs"
    if not wishes.program.exists():
        stop(f"{wishes.program} is not there: build with -Dtests=enabled")
    return wishes


WISHES = options()
import numpy as np  # noqa: E402
import torch  # noqa: E402

from graph import Graph  # noqa: E402

torch.set_num_threads(1)
torch.set_default_dtype(torch.float64)


def read(path):
    """Arrays, and metadata, of a file that tests/graph/left.h describes."""
    data = path.read_bytes()
    size, = struct.unpack("<Q", data[:8])
    header = json.loads(data[8:8 + size])
    about = {k: json.loads(v) for k, v in header.pop("__metadata__").items()}
    arrays = {}
    for name, t in header.items():
        begin, end = (8 + size + at for at in t["data_offsets"])
        arrays[name] = np.frombuffer(data[begin:end], TYPES[t["dtype"]]).reshape(t["shape"])
    return arrays, about


def named(arrays, prefix):
    return {k[len(prefix):]: v for k, v in arrays.items() if k.startswith(prefix)}


def compute(arrays, about, nudge=None):
    """Outputs, gradients by names as in the file, and whether all numbers on the way are finite."""
    def tensor(v):
        if v.dtype != np.float64:
            return torch.tensor(v.astype("i8"))
        if nudge is not None:
            v = v * (1 + 2.0**-52 * nudge.integers(-NUDGES, NUDGES + 1, v.shape))
        return torch.tensor(v, requires_grad=True)
    own = {n["name"] for n in about["clrnn"]["nodes"]}
    parameters = {k: tensor(v) for k, v in arrays.items() if k.split(".")[0] in own}
    for name, p in parameters.items():
        if name.endswith((".running_mean", ".running_var")):
            p.requires_grad_(False)
    inputs = {k: tensor(v) for k, v in named(arrays, "in.").items()}
    lengths = torch.tensor(arrays["lengths"].astype("i8")) if "lengths" in arrays else None
    graph = Graph(about["clrnn"], parameters, about["pass"], lengths)
    outputs = graph.run(inputs)
    made = {"own." + k: v.data for k, v in outputs.items()}
    fine = all(bool(torch.isfinite(v.data).all()) for v in graph.values.values())
    if about["pass"]["train"] and fine:
        between = [v.data for v in graph.values.values() if v.data.requires_grad]
        for v in between:
            v.retain_grad()
        loss = sum((v.data * torch.tensor(arrays["dout." + k])).sum() for k, v in outputs.items()
                   if v.data.requires_grad)
        if isinstance(loss, torch.Tensor):
            loss.backward()
        fine = all(v.grad is None or bool(torch.isfinite(v.grad).all()) for v in between)
        constant = {n["name"] + ".value" for n in about["clrnn"]["nodes"] if n["kind"] == "constant" and
                    not n.get("trainable")}
        for prefix, of in ("din.", inputs), ("d.", parameters):
            for name, v in of.items():
                if prefix + name in arrays:
                    there = v.grad is not None and name not in constant
                    made[prefix + name] = v.grad if there else torch.zeros(v.shape)
        for name, p in parameters.items():
            made["after." + name] = p
    return {k: v.detach().numpy() for k, v in made.items()}, fine


def difference(a, b):
    """The largest one over the largest number, or 1/1000: what cancels out is nothing but rounding."""
    a, b = np.asarray(a, "f8"), np.asarray(b, "f8")
    if a.shape != b.shape or not np.array_equal(np.isnan(a), np.isnan(b)):
        return np.inf
    beyond = ~np.isfinite(b)
    if np.isfinite(a[beyond]).any() or not np.isfinite(a[~beyond]).all():  # of which sign is that of a 0
        return np.inf
    a, b = a[~beyond], b[~beyond]
    return float(abs(a - b).max(initial=0) / max(LEAST, abs(b).max(initial=0)))


def judge(path):
    """ok, ill, infinite or differs; the largest error; all of them by name."""
    arrays, about = read(path)
    made, fine = compute(arrays, about)
    errors = {k: difference(arrays[k], v) for k, v in made.items() if fine or k.startswith("own.")}
    worst = max(errors.values(), default=0)
    if worst <= BOUND:
        return ("ok" if fine else "infinite"), worst, errors
    moved = dict.fromkeys(errors, 0.0)
    for seed in range(4):
        other, _ = compute(arrays, about, np.random.default_rng(seed))
        for k in errors:
            moved[k] = max(moved[k], difference(other[k], made[k]) if k in other else np.inf)
    ill = all(e <= max(BOUND, 4 * moved[k]) for k, e in errors.items())
    return ("ill" if ill else "differs"), worst, {k: f"{e:.2g} (rounding {moved[k]:.2g})" for k, e in errors.items()}


def draw(folder, kind, count):
    folder.mkdir()
    done = subprocess.run([WISHES.program, str(WISHES.seed), str(count), folder, *([kind] if kind else [])],
                          capture_output=True, text=True, check=False,
                          env=dict(os.environ, CLRNN_DEVICE=os.environ.get("CLRNN_DEVICE", "native")))
    if done.returncode:
        stop(f"{WISHES.program} failed: {done.stdout}{done.stderr}")


def row_of(folder, kind, count):
    """A row of the table; how many differ."""
    draw(folder, kind, count)
    counts, worst, trained = collections.Counter(), 0.0, 0
    for path in sorted(folder.glob("*.safetensors"), key=lambda p: int(p.stem)):
        try:
            verdict, error, errors = judge(path)
        except Exception as problem:  # pylint: disable=broad-except
            verdict, error, errors = "differs", np.inf, {"PyTorch": repr(problem)}
        counts[verdict] += 1
        worst = max(worst, error) if verdict == "ok" else worst
        trained += verdict in ("ok", "ill") and read(path)[1]["pass"]["train"]
        if verdict == "differs":
            again = f"--seed {path.stem} --count 1 --each 0" + (f" --kind {kind}" if kind else "")
            print(f"seed {path.stem}: differs by {error:.3g}: again with `tools/drawn/graphs {again} --verbose`",
                  file=sys.stderr)
            if WISHES.keep:
                WISHES.keep.mkdir(exist_ok=True)
                (WISHES.keep / f"{kind or 'any'}-{path.name}").write_bytes(path.read_bytes())
            if WISHES.verbose:
                arrays, about = read(path)
                print(json.dumps(about, indent=1), *(f"{k}: {e}" for k, e in errors.items()), sep="\n")
        path.unlink()
    print(f"{kind or 'any':18} {sum(counts.values()):7} {trained:7} {worst:9.1e} {counts['ill']:5} "
          f"{counts['infinite']:8} {counts['differs']:7}", flush=True)
    return counts


def kinds():
    text = (ROOT / "include" / "clrnn" / "graph.h").read_text(encoding="utf-8")
    body = text[text.index("#define CLRNN_NODE_LIST"):text.index("typedef enum clrnn_node_kind")]
    return [line.split(",")[1].split(")")[0].strip() for line in body.splitlines() if "X(" in line and "," in line]


def main():
    if WISHES.kind and WISHES.kind not in kinds():
        stop(f"there is no kind '{WISHES.kind}': {' '.join(kinds())}")
    rows = [(WISHES.kind, WISHES.count)] if WISHES.kind else [(None, WISHES.count)] + [
        (kind, WISHES.each) for kind in kinds() if WISHES.each]
    total = collections.Counter()
    print(f"{'first node':18} {'graphs':>7} {'back':>7} {'error':>9} {'ill':>5} {'infinite':>8} {'differs':>7}")
    with tempfile.TemporaryDirectory(prefix="clrnn-graphs-") as name:
        for kind, count in rows:
            total += row_of(pathlib.Path(name) / (kind or "any"), kind, count)
    return 1 if total["differs"] or total["ok"] < sum(total.values()) / 2 else 0


if __name__ == "__main__":
    sys.exit(main())
