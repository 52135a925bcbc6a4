# SPDX-License-Identifier: MIT
"""clrnn inspect and clrnn compare: the numbers, the pictures, the report, and what is wrong."""
import json
import math
import os
import random
import re
import struct

import arrays
from arrays import write_npy, write_safetensors
from harness import clrnn, fails, passes, read, tensors_of, write_text

H, I, T = 3, 2, 6


def sigmoid(x):
    return 1 / (1 + math.exp(-x))


def make_lstm(path="m.safetensors"):
    """A model of random weights; (weights by name as rows, its input, rows of x)."""
    source = random.Random(5)
    shapes = {"rnn.weight_ih_l0": (4 * H, I), "rnn.weight_hh_l0": (4 * H, H),
              "rnn.bias_ih_l0": (4 * H,), "rnn.bias_hh_l0": (4 * H,),
              "head.weight": (2, H), "head.bias": (2,)}
    tensors = {name: (shape, [source.uniform(-1, 1) for _ in range(math.prod(shape))])
               for name, shape in shapes.items()}
    write_safetensors(path, tensors)
    x = [[source.uniform(-2, 2) for _ in range(I)] for _ in range(T)]
    return tensors, x


def lstm_gates(tensors, x):
    """[T][4][H] activated gates of the LSTM, in the order i f g o."""
    def row(name, r, v):
        shape, values = tensors[name]
        return sum(values[r * shape[1] + k] * v[k] for k in range(shape[1]))
    h, c, gates = [0] * H, [0] * H, []
    for step in x:
        sums = [row("rnn.weight_ih_l0", r, step) + row("rnn.weight_hh_l0", r, h) +
                tensors["rnn.bias_ih_l0"][1][r] + tensors["rnn.bias_hh_l0"][1][r]
                for r in range(4 * H)]
        i, f, g, o = ([(math.tanh if k == 2 else sigmoid)(a) for a in sums[k * H:(k + 1) * H]]
                      for k in range(4))
        c = [f[j] * c[j] + i[j] * g[j] for j in range(H)]
        h = [o[j] * math.tanh(c[j]) for j in range(H)]
        gates.append([i, f, g, o])
    return gates


def near(a, b):
    assert len(a) == len(b), (a, b)
    for x, y in zip(a, b):
        assert abs(x - y) <= 1e-5 * max(1, abs(y)), (a, b)


def write_x(x, rows=1, path="x.npy"):
    """[T,N,I] whose last row is x, the others something else."""
    write_npy(path, (len(x), rows, len(x[0])),
              [v if n == rows - 1 else 9.0 for step in x for n in range(rows) for v in step])


def test_inspect_numbers():
    tensors, x = make_lstm()
    write_x(x, rows=2)
    gates = lstm_gates(tensors, x)
    seen = json.loads(passes(*"inspect m.safetensors --in x.npy --row 1 --json".split()))
    assert seen["cell"] == "lstm" and seen["steps"] == T and seen["units"] == H, seen
    assert seen["watch"] == "all is finite", seen
    for k, gate in enumerate(seen["gates"]):
        values = [v for step in gates for v in step[k]]
        low = -0.95 if gate["name"] == "g" else 0.05
        assert gate["name"] == "ifgo"[k]
        near([gate["mean"], gate["least"], gate["most"]],
             [sum(values) / len(values), min(values), max(values)])
        near([gate["below"], gate["above"]], [sum(v < low for v in values) / len(values),
                                              sum(v > 0.95 for v in values) / len(values)])
        near(gate["by_step"], [sum(step[k]) / H for step in gates])
    kept = [sum(step[1][j] for step in gates) / T for j in range(H)]
    near(seen["half_lives"], [math.log(0.5) / math.log(f) for f in kept])
    assert seen["order"] == sorted(range(H), key=lambda j: -kept[j]), seen
    # Part of the steps is that part.
    part = json.loads(passes(*"inspect m.safetensors --in x.npy --row 1 --first 2 --steps 3 --json"
                             .split()))
    near(part["gates"][1]["by_step"], seen["gates"][1]["by_step"][2:5])
    # The same with the sequences first.
    write_npy("n.npy", (2, len(x), len(x[0])), [9.0] * len(x) * len(x[0]) + [v for step in x for v in step])
    first = json.loads(passes(*"inspect m.safetensors --in n.npy --batch-first --row 1 --json".split()))
    assert first == seen, first
    fails(2, *"inspect m.safetensors --in n.npy --row 2 --batch-first --json".split(), says="no --row 2")
    fails(2, *f"inspect m.safetensors --in n.npy --row {len(x)} --json".split(), says="add --batch-first")


def test_inspect_watch():
    """A number that is not finite is named with its place."""
    _, x = make_lstm()
    x[3][1] = math.inf
    write_x(x)
    seen = json.loads(passes(*"inspect m.safetensors --in x.npy --json".split()))
    assert seen["watch"] == "layer 0, step 3, row 0: input of unit 1 is inf", seen["watch"]


def has_pictures():
    make_lstm("p.safetensors")
    write_npy("p.npy", (1, 2), [0.5, 0.5])
    result = clrnn(*"inspect p.safetensors --in p.npy -o p.png".split())
    assert result.returncode == 0 or "made without cairo" in result.stderr, result.stderr
    return result.returncode == 0


def test_inspect_pictures():
    if not has_pictures():
        fails(2, *"inspect p.safetensors --in p.npy -o q.svg".split(), says="made without cairo")
        return
    write_text()
    for cell in ("rnn", "gru", "lstm"):
        passes(*f"train --text text.txt --cell {cell} --hidden 5 --seq 8 --batch 2 --steps 3 "
               f"--save {cell}.safetensors".split())
        for end, begin in ((".png", b"\x89PNG\r\n\x1a\n"), (".svg", b"<?xml")):
            out = passes("inspect", f"{cell}.safetensors", "--text", "text.txt", "-o", cell + end)
            assert read(cell + end).startswith(begin) and cell + end in out
    width, height = struct.unpack(">II", read("lstm.png")[16:24])
    assert width == 2400 and height > 1000
    passes(*"inspect rnn.safetensors --gradients --with gru.safetensors lstm.safetensors --text "
           "text.txt --out flow.png".split())
    assert read("flow.png").startswith(b"\x89PNG")
    fails(2, *"inspect lstm.safetensors --text text.txt -o lstm.png".split(), says="--force")
    passes(*"inspect lstm.safetensors --text text.txt -o lstm.png --force".split())


def test_inspect_terminal():
    write_text()
    passes(*"train --text text.txt --cell gru --hidden 5 --seq 8 --batch 2 --steps 3 --save "
           "m.safetensors".split())
    out = passes(*"inspect m.safetensors --text text.txt --steps 20".split())
    lines = out.splitlines()
    text = read("text.txt").decode()[:20].replace("\n", ".")
    assert lines[0].startswith("m.safetensors: gru, layer 0 of 1, 5 units, steps 0-19"), lines[0]
    assert lines[1].split("text ")[1] == text, lines[1]
    assert all(re.search(rf"^ +{name} [ ▁▂▃▄▅▆▇█]{{20}}$", out, re.M) for name in "rznh"), out
    assert "half-lives" in out


def test_inspect_characters():
    """Of UTF-8 each character is shown over its bytes, in blocks as in a picture; what is none is not."""
    text = "Größe 大きさ é€😀. "
    with open("u.txt", "wb") as f:
        f.write((text * 20).encode() + b"\xc3(\xff")
    passes(*"train --text u.txt --cell rnn --hidden 4 --seq 8 --batch 2 --steps 2 --save u.safetensors".split())
    out = passes(*"inspect u.safetensors --text u.txt --steps 34".split())
    assert out.splitlines()[1].split("text ")[1] == "Grö ß e 大 き さ  é €  😀  . " + "Grö .", out
    size = 20 * len(text.encode()) + 3
    out = passes(*f"inspect u.safetensors --text u.txt --first {size - 5} --steps 5".split())
    assert out.splitlines()[1].split("text ")[1] == ". .(.", out
    if has_pictures():
        passes(*"inspect u.safetensors --text u.txt --steps 34 -o u.svg".split())


def test_inspect_gradients():
    """h_t = tanh(h_{t-1}/2) near 0: with each step back the norm halves."""
    n = 4
    write_safetensors("m.safetensors", {
        "weight_ih_l0": ((n, 1), [0.0] * n),
        "weight_hh_l0": ((n, n), [0.5 if i % (n + 1) == 0 else 0.0 for i in range(n * n)]),
        "bias_ih_l0": ((n,), [0.0] * n), "bias_hh_l0": ((n,), [0.0] * n)},
        {"clrnn": json.dumps({"cell": "rnn", "input_size": 1, "hidden_size": n})})
    write_npy("x.npy", (12, 1), [1.0] * 12)
    flow, = json.loads(passes(*"inspect m.safetensors --in x.npy --gradients --json".split()))
    near(flow["dh"], [2 * 0.5 ** k for k in range(12)])  # of signs, n of them, the norm is 2
    out = passes(*"inspect m.safetensors --in x.npy --gradients".split())
    assert re.search(r"^8 +7\.81e-03", out, re.M), out


def test_inspect_errors():
    _, x = make_lstm()
    write_x(x)
    write_npy("wide.npy", (3, 5), [0.0] * 15)
    for line, says in [("", "no model given"),
                       ("m.safetensors", "add --text FILE or --in FILE"),
                       ("m.safetensors --in x.npy --text x.npy", "both given"),
                       ("m.safetensors --in missing.npy", "missing.npy"),
                       ("m.safetensors --in wide.npy", "[T,N,2]"),
                       ("m.safetensors --in x.npy --row 1", "no --row 1"),
                       ("m.safetensors --in x.npy --first 6", "no --first 6"),
                       ("m.safetensors --in x.npy --layer 1", "1 layers"),
                       ("m.safetensors --in x.npy --direction backward", "one direction"),
                       ("m.safetensors --in x.npy --node other", "no recurrent node other"),
                       ("m.safetensors --in x.npy --first 19999 --steps 9", "at most 20000"),
                       ("m.safetensors --in x.npy --with m.safetensors", "--gradients"),
                       ("m.safetensors --text x.npy", "takes numbers"),
                       ("x.npy --in x.npy", "no format that is known")]:
        fails(2, "inspect", *line.split(), says=says)


SMALL = "--steps 6 --batch 2 --seeds 2 --log-every 2 --validate-every 3".split()


def check_report(folder):
    page = read(f"{folder}/report.html").decode()
    assert page.startswith("<!doctype html>") and "prefers-color-scheme: dark" in page
    assert not re.search(r"""(src|href|srcset)=["'](?!data:)""", page), "it stands alone"
    assert "http" not in page.replace("http-equiv", "")
    for title in ("RNN", "GRU", "GRU, reset after", "LSTM"):
        assert f"<b>{title}</b>" in page
    return page


def test_compare_text():
    write_text()
    out = passes("compare", "--text", "text.txt", "--hidden", "6", "--seq", "8", *SMALL, "-o", "d")
    assert out.count("\n") == 5 and "d/report.html" in out, out
    page = check_report("d")
    found = json.loads(read("d/results.json"))
    assert found["command"].startswith("clrnn compare --text text.txt") and found["seeds"] == 2
    assert found["command"] in page
    by_name = {c["name"]: c for c in found["cells"]}
    assert list(by_name) == ["rnn", "gru", "gru-after", "lstm"]
    network = {}
    for name, cell in by_name.items():
        assert cell["hidden"] == 6 and len(cell["runs"]) == 2
        for run in cell["runs"]:
            path = f"d/models/{name}-{run['seed']}.safetensors"
            weights = {k: v for k, v in tensors_of(path).items() if not k.startswith("train.")}
            network[name] = sum(arrays.count(v[1]) for k, v in weights.items()
                                if k.startswith(("rnn.weight", "rnn.bias")))
            assert run["course"]["step"][-1] == 6 and run["steps"] == 6
            assert run["loss"] == run["course"]["held_out"][-1] or \
                abs(run["loss"] - run["course"]["held_out"][-1]) < 1e-6
            assert len(run["gradients_first"][0]["dh"]) == 8
            assert os.path.exists(f"d/models/{name}-{run['seed']}-first.safetensors")
        mean = sum(r["loss"] for r in cell["runs"]) / 2
        near([cell["loss"]["mean"]], [mean])
    assert network["gru"] * 4 == network["lstm"] * 3 and network["rnn"] * 4 == network["lstm"]
    # The same again gives the same numbers; and a report is not lost.
    fails(2, "compare", "--text", "text.txt", *SMALL, "-o", "d", says="--force")
    passes("compare", "--text", "text.txt", "--hidden", "6", "--seq", "8", *SMALL, "-o", "e")
    again = json.loads(read("e/results.json"))
    assert [c["loss"] for c in again["cells"]] == [c["loss"] for c in found["cells"]]


def test_compare_budget():
    write_text()
    passes("compare", "--text", "text.txt", "--parameters", "2000", "--seq", "8", *SMALL, "-o", "d")
    cells = json.loads(read("d/results.json"))["cells"]
    assert all(abs(c["parameters"] - 2000) < 150 for c in cells), cells
    assert cells[0]["hidden"] > cells[1]["hidden"] > cells[3]["hidden"]


def test_compare_tasks():
    out = json.loads(passes("compare", "--task", "recall", "--length", "6", "--hidden", "5",
                            *SMALL, "--lags", "3,5", "--lag-steps", "4", "--json", "-o", "d"))
    assert out["cells"][0]["accuracy"]["mean"] is not None and "longest_lag" in out["cells"][0]
    assert abs(out["cells"][0]["runs"][0]["baseline"] - math.log(8)) < 0.1
    check_report("d")


def test_compare_data():
    source = random.Random(2)
    write_npy("x.npy", (20, 5, 2), [source.uniform(-1, 1) for _ in range(200)])
    write_npy("y.npy", (20,), [source.uniform(-1, 1) for _ in range(20)])
    passes("compare", "--data", "x.npy", "--batch-first", "--targets", "y.npy", "--hidden", "4",
           *SMALL, "-o", "d")
    check_report("d")


def test_compare_errors():
    write_text()
    for line, says in [("--text text.txt", "add -o DIR"),
                       ("-o d", "--text FILE, --data FILE and --task NAME"),
                       ("--text text.txt --task recall -o d", "one of"),
                       ("--text text.txt --hidden 3 --parameters 100 -o d", "leave one out"),
                       ("--text text.txt --lags 5,3 -o d", "rising"),
                       ("--text missing.txt -o d", "missing.txt"),
                       ("--text text.txt -o text.txt", "cannot make the folder"),
                       ("--text text.txt --save x -o d", "--save")]:
        fails(2, "compare", *line.split(), says=says)


def test_compare_replaces():
    write_text()
    os.mkdir("e")
    with open("e/results.json", "w", encoding="utf-8") as file:
        file.write("mine")
    line = ["compare", "--text", "text.txt", "--hidden", "3", "--seq", "8", *SMALL, "-o", "e"]
    fails(2, *line, says="-o e: there is results.json in it; add --force")
    assert read("e/results.json") == b"mine" and os.listdir("e") == ["results.json"]
    passes(*line, "--force")
    os.rename("text.txt", "e/logs/gru-1.csv")
    line[2] = "e/logs/gru-1.csv"
    before = read(line[2])
    fails(2, *line, "--force", says="are the same file")
    assert read(line[2]) == before
