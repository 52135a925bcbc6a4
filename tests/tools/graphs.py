# SPDX-License-Identifier: MIT
"""clrnn train, predict and bench of graphs: files whose nodes are any, fine-tuned from the shell."""
import json
import math
import os

import arrays
import harness
from harness import fails, passes

from data import npy, write_classes

COMMON = ["--data", "x.npy", "--targets", "y.npy", "--batch-first", "--lr", "0.02"]


def write_graph(path="g.safetensors", shape=(-1, -2, 2), end="log_softmax", units=3, seed=1):
    """conv1d, batch norm, LSTM, dense, a (log) softmax, time-major or not; drawn at random."""
    nodes = [{"kind": "conv1d", "name": "front", "inputs": ["x"], "units": 4, "kernel": [2, 1],
              "causal": True, "function": "tanh"},
             {"kind": "batch_norm", "name": "norm", "inputs": ["front"], "axis": -1},
             {"kind": "recurrent", "name": "rnn", "inputs": ["norm"],
              "network": {"cell": "lstm", "hidden_size": 6, "num_layers": 1}},
             {"kind": "dense", "name": "head", "inputs": ["rnn"], "units": units},
             {"kind": end, "name": "end", "inputs": ["head"], "axis": -1}]
    description = {"graph": 1, "inputs": [{"name": "x", "shape": list(shape), "ids": False}],
                   "nodes": nodes, "outputs": [{"name": "all", "value": "rnn"},
                                               {"name": "y", "value": "end"}]}
    shapes = {"front.weight": (4, 2, 2), "front.bias": (4,), "norm.weight": (4,), "norm.bias": (4,),
              "norm.running_mean": (4,), "norm.running_var": (4,), "rnn.weight_ih_l0": (24, 4),
              "rnn.weight_hh_l0": (24, 6), "rnn.bias_ih_l0": (24,), "rnn.bias_hh_l0": (24,),
              "head.weight": (units, 6), "head.bias": (units,)}
    tensors = {}
    for i, (name, s) in enumerate(shapes.items()):
        numbers = arrays.numbers(seed + i, s, 0.5)
        values = list(numbers[1] if isinstance(numbers, tuple) else numbers)
        if "norm." in name:
            values = [1.0 if "var" in name or "weight" in name else 0.0] * arrays.count(s)
        tensors[name] = (s, values)
    text = json.dumps(description, separators=(",", ":"))
    arrays.write_safetensors(path, tensors, {"clrnn": text})


def test_graph_fine_tune():
    """From the shell, in any layout, with what ends in probabilities or their logarithms."""
    _, truth, _ = write_classes(ragged=True)
    losses = []
    for shape, end in [((-1, -2, 2), "log_softmax"), ((-2, -1, 2), "softmax")]:
        write_graph(shape=shape, end=end)
        summary = json.loads(passes("train", *COMMON, "--model", "g.safetensors", "--lengths", "n.npy",
                                    *"--output y --steps 150 --json --force --save m.safetensors".split()))
        assert summary["nodes"] == 5 and summary["output"] == "y" and "cell" not in summary, summary
        assert summary["loss"] == "cross_entropy" and summary["validation"]["accuracy"] == 1, summary
        losses.append(summary["train_loss"])
        passes("predict", "m.safetensors", "--data", "x.npy", "--batch-first", "--lengths", "n.npy",
               "--out", "c.npy", "--probabilities", "p.npy")
        assert list(arrays.read_npy("c.npy")[1]) == truth
        p = arrays.read_npy("p.npy")[1]
        for n, label in enumerate(truth):
            assert abs(sum(p[3 * n:3 * n + 3]) - 1) < 1e-5 and p[3 * n + label] > 0.5
        found = json.loads(passes("info", "m.safetensors", "--json"))
        assert found["kind"] == "graph" and [n["name"] for n in found["nodes"]][:2] == ["front", "norm"]
    assert abs(losses[0] - losses[1]) < 1e-4 * losses[0], losses


def test_graph_freeze_and_resume():
    """Stopped and gone on with, the same bits; what is frozen stays."""
    write_classes()
    write_graph()
    common = [*COMMON, "--batch", "8", "--output", "y", "--validate-every", "5", "--seed", "4"]
    start = [*common, "--model", "g.safetensors"]
    passes("train", *start, "--steps", "20", "--save", "whole.safetensors")
    passes("train", *start, "--steps", "10", "--save", "part.safetensors")
    passes("train", *COMMON[:4], "--resume", "part.safetensors", "--save", "part.safetensors",
           "--steps", "20")
    whole, part = (arrays.read_raw(p + ".safetensors") for p in ("whole", "part"))
    assert [n for n in whole[0] if whole[0][n] != part[0].get(n)] == []
    assert whole[1]["clrnn.data.output"] == "y" and whole[1]["clrnn.train.step"] == "20"
    passes("train", *start, *"--steps 5 --freeze front. --freeze norm. --validation 0".split(),
           "--save", "f.safetensors")
    before, after = (arrays.read_safetensors(p) for p in ("g.safetensors", "f.safetensors"))
    for name in before:
        assert (before[name] == after[name]) == name.startswith(("front.", "norm.")), name
    result = harness.clrnn("train", *common, "--steps", "30", "--save", "n.safetensors",
                           "--resume", "f.safetensors", "--seed", "5")
    assert result.returncode == 2 and "seed" in result.stderr, result


def test_graph_bench():
    """A graph, and a model as one, as a whole: its passes, training steps, blocks."""
    write_graph(shape=(-2, -1, 2))
    for problem, runs_as in [("T=20,N=3", "infer"), ("T=20,N=3,mode=train", "train"),
                             ("T=64,N=2,mode=stream,block=16", "stream")]:
        r = json.loads(passes("bench", "--model", "g.safetensors", "--problem", problem, "--json"))
        assert r["problem"].startswith("g.safetensors T=") and f"mode={runs_as}" in r["problem"], r
        assert r["passed"] and r["runs"] >= 5 and 0 < r["min_ms"] <= r["median_ms"], r
        assert r["max_error"] is None or 0 < r["max_error"] < 1e-4, r
        assert ("p999_us" in r) == (runs_as == "stream"), r
    lines = passes("bench", "--model", "g.safetensors").splitlines()
    assert len(lines) == 3 and "g.safetensors T=100,N=1,mode=infer" in lines[2], lines
    arrays.write_safetensors("m.safetensors", arrays.make_weights("gru", 3, 5, 2))
    r = json.loads(passes("bench", "--model", "m.safetensors", "--json"))
    assert r["passed"] and r["strategy"], r
    fails(2, "bench", "--model", "g.safetensors", "--problem", "T=3,H=4", says=["--problem T=3,H=4", "H"])
    fails(2, "bench", "--model", "missing.safetensors", says="missing.safetensors")


def test_graph_table():
    """Node, shape, parameters, how weights are kept; with a device also what runs there."""
    write_graph()
    text = passes("info", "g.safetensors")
    lines = [line.split() for line in text.splitlines()]
    assert ["name", "kind", "shape", "parameters", "storage", "reads"] in lines, text
    rnn, = [line for line in lines if line[:2] == ["rnn", "recurrent,"]]
    assert rnn == ["rnn", "recurrent,", "lstm", "[T,N,6]", "288", "f32", "norm"], rnn
    text = passes("info", "g.safetensors", "--device", "auto")
    header, = [line.split() for line in text.splitlines() if "reads" in line]
    assert header == ["name", "kind", "shape", "parameters", "storage", "strategy", "reads"]
    rnn, = [line.split() for line in text.splitlines() if line.split()[:2] == ["rnn", "recurrent,"]]
    assert rnn[6] in ("stepwise", "persistent", "resident"), rnn
    nodes = json.loads(passes("info", "g.safetensors", "--json", "--device", "auto"))["nodes"]
    assert [n.get("storage") for n in nodes] == [None, None, "f32", None, None], nodes
    assert nodes[2]["strategy"] == rnn[6] and nodes[2]["cell"] == rnn[2], nodes


def described(nodes, outputs, shape=(-1, -2, 2)):
    """A file of a graph without parameters of its own: to be refused before they are looked for."""
    text = json.dumps({"graph": 1, "inputs": [{"name": "x", "shape": list(shape), "ids": False}],
                       "nodes": nodes, "outputs": outputs}, separators=(",", ":"))
    arrays.write_safetensors("b.safetensors", {"none": ((1,), [0.0])}, {"clrnn": text})


def test_graph_bad_files():
    """What cannot be: one line that names the node, from whichever command reads it."""
    def dense(name, reads):
        return {"kind": "dense", "name": name, "inputs": [reads], "units": 2}
    y = [{"name": "y", "value": "b"}]
    for nodes, outputs, says in [
            ([dense("a", "b"), dense("b", "a")], y, ["node 'a' (dense)", "'b'", "no node before it"]),
            ([dense("a", "a"), dense("b", "a")], y, ["node 'a' (dense)", "no circles"]),
            ([dense("a", "x"), dense("b", "z")], y, ["node 'b' (dense)", "'z'"]),
            ([dense("a", "x"), dense("a", "x")], y, ["'a' already", "(dense)"]),
            ([dense("a", "x"), {"kind": "softmax", "name": "b", "inputs": ["a"], "axis": 3}], y,
             ["node 'b' (softmax)", "[T,N,2]", "axis 3"]),
            ([dense("a", "x"), {"kind": "dense", "name": "c", "inputs": ["a"], "units": 3},
              {"kind": "add", "name": "b", "inputs": ["a", "c"]}], y,
             ["node 'b' (add)", "[T,N,2] and [T,N,3]"]),
            ([dense("b", "x")], y + y, ["'y'", "already", "'b'"]),
            ([dense("b", "x")], [{"name": "x", "value": "b"}], ["output 'x'", "name of an input"]),
            ([dense("a", "x")], y, ["'b'"])]:
        described(nodes, outputs)
        for command in [["info", "b.safetensors"], ["bench", "--model", "b.safetensors"]]:
            fails(2, *command, says=says)
    # what only a stream cannot do
    nodes = [{"kind": "recurrent", "name": "rnn", "inputs": ["x"],
              "network": {"cell": "gru", "hidden_size": 3, "num_layers": 1, "bidirectional": True}}]
    text = json.dumps({"graph": 1, "inputs": [{"name": "x", "shape": [-1, -2, 2], "ids": False}],
                       "nodes": nodes, "outputs": [{"name": "y", "value": "rnn"}]},
                      separators=(",", ":"))
    tensors = {}
    for end in ["", "_reverse"]:
        tensors |= {f"rnn.weight_ih_l0{end}": arrays.numbers(1, (9, 2)),
                    f"rnn.weight_hh_l0{end}": arrays.numbers(2, (9, 3)),
                    f"rnn.bias_ih_l0{end}": arrays.numbers(3, (9,)),
                    f"rnn.bias_hh_l0{end}": arrays.numbers(4, (9,))}
    arrays.write_safetensors("t.safetensors", tensors, {"clrnn": text})
    passes("bench", "--model", "t.safetensors", "--problem", "T=3")
    fails(2, "bench", "--model", "t.safetensors", "--problem", "T=8,mode=stream,block=4",
          says=["node 'rnn' (recurrent)", "backward direction"])


def test_graph_ids():
    """Ids may come as numbers, but whole ones."""
    text = json.dumps({"graph": 1, "inputs": [{"name": "x", "shape": [-1, -2], "ids": True}],
                       "nodes": [{"kind": "one_hot", "name": "hot", "inputs": ["x"], "vocabulary": 3}],
                       "outputs": [{"name": "y", "value": "hot"}]}, separators=(",", ":"))
    arrays.write_safetensors("g.safetensors", {"none": ((1,), [0.0])}, {"clrnn": text})
    npy("x.npy", (3, 1), [0, 2, 1])
    passes("run", "g.safetensors", "--in", "x.npy", "--out", "y=y.npy")
    for wrong in [0.5, math.nan]:
        npy("x.npy", (3, 1), [0, wrong, 1])
        fails(2, "run", "g.safetensors", "--in", "x.npy", "--out", "y=z.npy", says="'x' takes whole numbers")
    npy("x.npy", (3, 1), [0, math.inf, 1])
    fails(2, "run", "g.safetensors", "--in", "x.npy", "--out", "y=z.npy", says="not in 0..2")


def test_graph_bad():
    write_classes()
    write_graph()
    start = [*COMMON, "--model", "g.safetensors", "--save", "m.safetensors"]
    for extra, says in [(["--output", "z"], ["--output z", "no such output"]),
                        ([], ["2 inputs and gives 6 outputs at 'all'", "2 and 3"]),
                        (["--output", "y", "--hidden", "6"], ["--hidden", "graph"]),
                        (["--output", "y", "--dropout", "0.1"], ["--dropout 0.1", "layers"]),
                        (["--output", "y", "--input-dropout", "0.1"], ["--input-dropout", "graph"]),
                        (["--output", "y", "--freeze", "foot."], ["foot.", "front.weight"])]:
        fails(2, "train", *start, *extra, says=says)
    fails(2, "train", *COMMON, "--output", "y", "--save", "m.safetensors", says="--model")
    npy("x.npy", (60, 7, 3), [0.5] * 60 * 21)
    fails(2, "train", *start, "--output", "y", says="2 inputs")
    assert not os.path.exists("m.safetensors")
