# SPDX-License-Identifier: MIT
"""clrnn train --data, --task and clrnn predict: arrays in, a model, its answers, and what is wrong."""
import json
import math
import os
import random
import shlex
import signal
import subprocess
import zipfile

import arrays
import harness
from harness import fails, passes, read, tensors_of

GRU = "--cell gru --hidden 8 --lr 0.02".split()


def npy(path, shape, values, dtype="F32"):
    arrays.write_npy(path, shape, values, dtype)


def write_classes(count=60, steps=7, batch_first=True, ragged=False):
    """Sequences of 2 inputs whose class, 0 to 2, is told by their first step alone."""
    source = random.Random(3)
    rows, targets, lengths = [], [], []
    for _ in range(count):
        label = source.randrange(3)
        length = source.randrange(2, steps + 1) if ragged else steps
        row = [[source.uniform(-0.1, 0.1), source.uniform(-0.1, 0.1)] for _ in range(steps)]
        row[0][0] += label - 1
        rows.append(row)
        targets.append(label)
        lengths.append(length)
    order = rows if batch_first else [[rows[n][t] for n in range(count)] for t in range(steps)]
    flat = [v for a in order for b in a for v in b]
    npy("x.npy", (count, steps, 2) if batch_first else (steps, count, 2), flat)
    npy("y.npy", (count,), targets, "I32")
    npy("n.npy", (count,), lengths, "I32")
    return rows, targets, lengths


def write_sine(path="s.csv", rows=160, extra=""):
    with open(path, "w", encoding="utf-8") as f:
        f.write("DATE,A,B\n")
        for t in range(rows):
            f.write(f"d{t},{math.sin(t / 3):.6f},{5 + 2 * math.cos(t / 3):.6f}\n")
        f.write(extra)


def test_data_classes():
    for batch_first, ragged in [(True, False), (False, True)]:
        write_classes(batch_first=batch_first, ragged=ragged)
        shape = ["--batch-first"] if batch_first else []
        lengths = ["--lengths", "n.npy"] if ragged else []
        out = passes("train", "--data", "x.npy", "--targets", "y.npy", *shape, *lengths, *GRU,
                     *"--steps 150 --json --force --save m.safetensors".split())
        summary = json.loads(out)
        assert summary["loss"] == "cross_entropy" and summary["steps"] == 150, summary
        assert summary["validation"]["accuracy"] == 1, summary
        assert summary["mean"]["accuracy"] < 0.7, summary
        passes("predict", "m.safetensors", "--data", "x.npy", *shape, *lengths, "--out", "c.npy",
               "--probabilities", "p.csv", "--force")
        told = arrays.read_npy("c.npy")
        truth = arrays.read_npy("y.npy")
        assert tuple(told[0]) == (60,) and list(told[1]) == list(truth[1])
        with open("p.csv", encoding="utf-8") as f:
            lines = f.read().splitlines()
        assert lines[0] == "sequence,0,1,2" and len(lines) == 61, lines[:2]
        for n, line in enumerate(lines[1:]):
            cells = [float(v) for v in line.split(",")]
            assert cells[0] == n and abs(sum(cells[1:]) - 1) < 1e-6
            assert cells[1:].index(max(cells[1:])) == truth[1][n]


def test_data_values_return_to_their_scale():
    """Targets of mean 1000: predictions are of the same scale, whatever the model works with."""
    source = random.Random(5)
    x = [[[source.uniform(0, 50)] for _ in range(5)] for _ in range(80)]
    y = [1000 + 3 * row[-1][0] for row in x]
    npy("x.npy", (80, 5, 1), [v for r in x for s in r for v in s])
    npy("y.npy", (80,), y)
    for loss in ["mean_squared", "mean_absolute", "huber"]:
        passes("train", "--data", "x.npy", "--targets", "y.npy", "--batch-first", *GRU, "--loss", loss,
               *"--steps 400 --force --save m.safetensors".split())
        passes("predict", "m.safetensors", "--data", "x.npy", "--batch-first", "--out", "t.npy")
        told = arrays.read_npy("t.npy")
        assert tuple(told[0]) == (80,), told[0]
        worst = max(abs(a - b) for a, b in zip(told[1], y))
        assert worst < 30, (loss, worst)  # the targets reach over 150
    names = harness.tensors_of("m.safetensors")
    assert {"scale.x_mean", "scale.x_deviation", "scale.y_mean", "scale.y_deviation"} <= set(names)


def test_data_missing_targets():
    """What is missing, as NaN or by a mask, is as if it were not there: the same bits."""
    source = random.Random(6)
    x = [source.uniform(-1, 1) for _ in range(4 * 6 * 2)]
    y = [source.uniform(-1, 1) for _ in range(4 * 6)]
    gaps = [1 if source.random() < 0.6 else 0 for _ in y]
    npy("x.npy", (4, 6, 2), x)
    npy("nan.npy", (4, 6), [v if g else math.nan for v, g in zip(y, gaps)])
    npy("wild.npy", (4, 6), [v if g else 1e6 for v, g in zip(y, gaps)])
    npy("mask.npy", (4, 6), gaps, "I32")
    common = ["--data", "x.npy", *GRU, "--steps", "5", "--validation", "0"]
    passes("train", *common, "--targets", "nan.npy", "--save", "a.safetensors")
    passes("train", *common, "--targets", "wild.npy", "--mask", "mask.npy", "--save", "b.safetensors")
    a, b = arrays.read_safetensors("a.safetensors"), arrays.read_safetensors("b.safetensors")
    assert a == b
    npy("none.npy", (4, 6), [math.nan] * 24)
    fails(2, "train", *common, "--targets", "none.npy", "--save", "c.safetensors", says="missing")


def test_data_forecast():
    write_sine()
    out = passes("train", "--data", "s.csv", *"--columns A-B --forecast 2 --window 9 --season 19".split(),
                 *GRU, *"--test 0.2 --steps 400 --json --save m.safetensors".split())
    summary = json.loads(out)
    assert summary["test"]["rms"] < 0.5 * summary["last_value"]["rms"], summary
    assert summary["test"]["rms"] < 0.5 * summary["mean"]["rms"], summary
    assert summary["last_season"]["rms"] < summary["last_value"]["rms"], summary
    passes("predict", "m.safetensors", "--data", "s.csv", "--out", "f.csv")
    with open("f.csv", encoding="utf-8") as f:
        lines = f.read().splitlines()
    assert len(lines) == 1 + 160 - 9 + 1
    last = [float(v) for v in lines[-1].split(",")]  # two steps after the end
    assert abs(last[1] - math.sin(161 / 3)) < 0.3 and abs(last[2] - 5 - 2 * math.cos(161 / 3)) < 0.6


def test_data_last_value_baseline():
    """Of a straight line the last value is wrong by slope times horizon, exactly."""
    with open("l.csv", "w", encoding="utf-8") as f:
        f.write("".join(f"{3 * t}\n" for t in range(50)))
    summary = json.loads(passes("train", "--data", "l.csv", *"--forecast 4 --window 5 --season 10".split(),
                                *GRU, *"--steps 1 --test 0.2 --json --save m.safetensors".split()))
    assert abs(summary["last_value"]["mean_error"] - 12) < 1e-9, summary
    assert abs(summary["last_season"]["rms"] - 30) < 1e-9, summary


def test_data_flatten_and_group():
    with open("y.csv", "w", encoding="utf-8") as f:
        f.write("YEAR;Q1;Q2\n" + "".join(f"{1950 + i};{2 * i};{2 * i + 1}\n" for i in range(30)))
    summary = json.loads(passes("train", "--data", "y.csv", *"--columns Q1-Q2 --flatten".split(),
                                *"--forecast 1 --window 4 --steps 1 --test 0.2 --json".split(), *GRU,
                                "--save", "m.safetensors"))
    assert summary["last_value"]["mean_error"] == 1, summary
    with open("g.csv", "w", encoding="utf-8") as f:
        f.write("id,a,label\n1,0.5,1\n1,0.1,1\n2,-0.5,0\n3,0.4,1\n3,0.2,1\n3,0.2,1\n")
    summary = json.loads(passes("train", "--data", "g.csv", *"--group id --target-columns label".split(),
                                *"--classes 2 --validation 0 --batch 2 --steps 60 --json".split(), *GRU,
                                "--save", "g.safetensors"))
    assert summary["train"]["counted"] == 6 and summary["train"]["accuracy"] == 1, summary


def write_labelled(path="l.json"):
    source = random.Random(9)
    parts = {}
    for part, count in [("train", 40), ("test", 10)]:
        parts[part] = []
        for _ in range(count):
            label = source.choice(["no", "yes"])
            steps = source.randrange(2, 6)
            sign = 1 if label == "yes" else -1
            parts[part].append({"label": label, "x": [[sign + source.uniform(-0.3, 0.3), 1.0 * t]
                                                      for t in range(steps)]})
    with open(path, "w", encoding="utf-8") as f:
        json.dump(parts, f)


def test_data_labelled_json():
    write_labelled()
    summary = json.loads(passes("train", "--data", "l.json", *GRU, *"--steps 60 --json".split(),
                                "--save", "m.safetensors"))
    assert summary["test"]["accuracy"] == 1 and summary["test"]["counted"] == 10, summary
    passes("predict", "m.safetensors", "--data", "l.json", "--out", "c.csv")
    with open("c.csv", encoding="utf-8") as f:
        rows = [line.strip().split(",") for line in f][1:]
    assert len(rows) == 50 and {name for _, name in rows} == {"no", "yes"}


def test_data_not_finite_says_where():
    """At once, and where it is seen some steps later."""
    npy("x.npy", (6, 5, 1), [1.0] * 30)
    npy("y.npy", (6, 5, 1), [1.0] * 30)
    for every in ("1", "50"):
        fails(1, "train", "--data", "x.npy", "--targets", "y.npy", *"--cell rnn --act relu --hidden 6".split(),
              *"--optimizer sgd --lr 1e20 --clip 0 --standardise none --steps 200 --log l.csv --force".split(),
              "--log-every", every, "--validate-every", every, "--validation", "0", "--save", "m.safetensors",
              says=" (layer 0, step ")
        assert not os.path.exists("m.safetensors")


def test_data_idx():
    """Images as the MNIST files have them: a pixel is a step."""
    source = random.Random(1)
    labels = bytes(source.randrange(2) for _ in range(40))
    pixels = b"".join(bytes([250 * label, 30, 0, 90]) for label in labels)
    with open("images", "wb") as f:
        f.write(bytes([0, 0, 8, 3, 0, 0, 0, 40, 0, 0, 0, 2, 0, 0, 0, 2]) + pixels)
    with open("labels", "wb") as f:
        f.write(bytes([0, 0, 8, 1, 0, 0, 0, 40]) + labels)
    summary = json.loads(passes("train", "--data", "images", "--targets", "labels", *GRU,
                                *"--steps 100 --json --save m.safetensors".split()))
    assert summary["validation"]["accuracy"] == 1, summary
    with open("images", "ab") as f:
        f.write(b"x")
    fails(2, "train", "--data", "images", "--targets", "labels", "--save", "n.safetensors",
          says=["images", "IDX"])


def test_data_resume():
    """Stopped and gone on with, a training ends with the same bits: parameters, the best ones, and
    the lowered rate."""
    write_classes(ragged=True)
    source = random.Random(4)
    npy("y.npy", (60,), [source.randrange(3) for _ in range(60)], "I32")  # nothing to be learned
    common = ["--data", "x.npy", "--targets", "y.npy", "--batch-first", "--lengths", "n.npy", *GRU,
              *"--batch 8 --validate-every 5 --plateau 1 --seed 4 --validation 0.2 --log-every 5".split()]
    passes("train", *common, "--steps", "60", "--save", "whole.safetensors", "--log", "whole.csv")
    passes("train", *common, "--steps", "25", "--save", "part.safetensors", "--log", "part.csv")
    passes("train", "--data", "x.npy", "--targets", "y.npy", "--lengths", "n.npy", "--log", "part.csv",
           "--resume", "part.safetensors", "--save", "part.safetensors", "--steps", "40")
    # As the command that is printed says it, with all options again.
    passes("train", *common, "--log", "part.csv", "--resume", "part.safetensors", "--save",
           "part.safetensors", "--steps", "60")
    whole, part = (arrays.read_raw(p + ".safetensors") for p in ("whole", "part"))
    different = [n for n in whole[0] if whole[0][n] != part[0].get(n)]
    assert different == [], (different, whole[1], part[1])
    assert [(k, v, part[1].get(k)) for k, v in whole[1].items() if v != part[1].get(k)] == []
    assert float(whole[1]["clrnn.train.learning_rate"]) < 0.02  # the plateau was there
    a, b = ([line.split(",") for line in read(p + ".csv").decode().splitlines()] for p in ("whole", "part"))
    assert len(a) == len(b) == 13
    assert [r[:1] + r[2:] for r in a] == [r[:1] + r[2:] for r in b]


def test_data_resume_with_many_columns():
    """An option of any length is remembered."""
    names = [f"a_column_of_a_long_name_{k}" for k in range(30)]
    source = random.Random(5)
    with open("wide.csv", "w", encoding="utf-8") as f:
        f.write(",".join([*names, "y"]) + "\n")
        for _ in range(20):
            f.write(",".join(f"{source.uniform(-1, 1):.3f}" for _ in range(31)) + "\n")
    train = ["train", "--data", "wide.csv", *GRU, "--forecast", "1", "--window", "4", "--save"]
    columns = ["--columns", ",".join(names[::-1]), "--target-columns", "y"]
    passes(*train, "w.safetensors", *columns, "--steps", "6")
    passes(*train, "p.safetensors", *columns, "--steps", "3")
    passes("train", "--data", "wide.csv", *"--resume p.safetensors --save p.safetensors --steps 6".split())
    assert tensors_of("w.safetensors") == tensors_of("p.safetensors")


def test_data_rate_of_a_resume():
    """Another rate than the first one is taken, in place of the one that a plateau has lowered."""
    write_classes()
    npy("y.npy", (60,), [0, 1, 2] * 20, "I32")
    common = ["--data", "x.npy", "--targets", "y.npy", "--batch-first", *GRU, "--plateau", "1",
              "--validate-every", "2", "--save", "m.safetensors"]
    rate = lambda: float(arrays.read_raw("m.safetensors")[1]["clrnn.train.learning_rate"])
    passes("train", *common, "--steps", "60")
    assert 0 < rate() < 0.02, rate()
    result = harness.clrnn("train", *common, "--lr", "0.5", "--resume", "m.safetensors", "--steps", "61")
    assert result.returncode == 0 and "goes on as 0.5" in result.stderr, result
    assert rate() in (0.5, 0.25), rate()


def test_data_junk():
    """What is nothing of the kind is said in the words of its name."""
    for name in ["j.npy", "j.npz", "j.pt"]:
        for content in [b"", b"junk, a lot of it"]:
            with open(name, "wb") as f:
                f.write(content)
            fails(2, "train", "--data", name, "--targets", name, "--save", "m.safetensors",
                  says=[name + ": not " + name[1:], f"{len(content)} bytes"])


def test_data_plateau_without_validation():
    """What would wait for a validation that never comes is refused."""
    write_classes()
    common = ["train", "--data", "x.npy", "--targets", "y.npy", "--batch-first", *GRU, "--steps", "2",
              "--save", "m.safetensors", "--validation", "0"]
    for option in ["--patience", "--plateau"]:
        fails(2, *common, option, "3", says=[option + " 3", "--validation"])
    npy("p.npy", (60,), [0, 1] * 30, "I32")
    passes(*common, "--patience", "3", "--parts", "p.npy")


def test_data_signal():
    """Ctrl-C saves, and the command that is printed goes on."""
    write_classes()
    command = [harness.path_of_clrnn, "train", "--data", "x.npy", "--targets", "y.npy", "--batch-first",
               *GRU, "--steps", "100000000", "--save", "m.safetensors", "--log", "l.csv"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, encoding="utf-8")
    while not os.path.exists("l.csv") or os.path.getsize("l.csv") < 200:
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    error = process.communicate()[1]
    assert process.returncode == 130 and "--resume m.safetensors" in error, error
    assert "train.parameters" in harness.tensors_of("m.safetensors")


def interrupted(*args, after):
    """What a training says that gets Ctrl-C at the first step printed by seed number `after`."""
    process = subprocess.Popen([harness.path_of_clrnn, "train", *args], stderr=subprocess.PIPE,
                               stdout=subprocess.PIPE, encoding="utf-8")
    models = 0
    for line in process.stdout:
        models += line.startswith("model")
        if models == after and line.startswith("step"):
            process.send_signal(signal.SIGINT)
            break
    error = process.communicate()[1]
    assert process.returncode == 130, error
    return error


def test_data_printed_command():
    """The command that is printed is one that goes on, whatever the one before began with."""
    write_classes()
    data = ["--data", "x.npy", "--targets", "y.npy", "--batch-first"]
    passes("train", *data, *GRU, "--steps", "2", "--save", "first.safetensors")
    for begin in (["--model", "first.safetensors"], ["--model=first.safetensors", "--force"],
                  [*GRU, "--seeds", "3", "--seed", "5"]):
        error = interrupted(*data, *begin, "--steps", "100000000", "--save", "m.safetensors", after=1)
        words = shlex.split(error.split("to continue")[1].split(": ", 1)[1])
        words[words.index("100000000")] = "1"  # it has done more
        assert words[:2] == ["clrnn", "train"], error
        passes(*words[1:])
        os.remove("m.safetensors")


def test_data_foreign_model():
    """A model of another program is taken as it is, or converted: the same bits."""
    write_classes()
    names = {"rnn": "encoder.gru", "head": "encoder.fc"}
    weights = arrays.make_weights("gru", 2, 5, 3)
    arrays.write_safetensors("foreign.safetensors", {names[n.split(".")[0]] + "." + n.split(".")[1]: v
                                                     for n, v in weights.items()})
    passes("convert", "foreign.safetensors", "graph.safetensors")
    for model in ("foreign", "graph"):
        passes("train", "--data", "x.npy", "--targets", "y.npy", "--batch-first", "--steps", "20", "--model",
               model + ".safetensors", "--freeze", "encoder.gru.", "--save", model + "-on.safetensors")
    assert read("foreign-on.safetensors") == read("graph-on.safetensors")
    told = arrays.read_safetensors("foreign-on.safetensors")
    assert told["encoder.gru.weight_hh_l0"] == weights["rnn.weight_hh_l0"]
    assert told["encoder.fc.weight"] != weights["head.weight"]


def test_data_seeds_go_on():
    """A file of --seeds is that of one: going on with it is what that one would have done."""
    write_classes()
    npy("y.npy", (60,), [0, 1, 2] * 20, "I32")
    common = ["--data", "x.npy", "--targets", "y.npy", "--batch-first", "--cell", "gru", "--hidden",
              "4", "--batch", "8", "--validate-every", "5"]
    for seed in range(40, 60):  # one of whose two seeds the second is the better one, early and late
        for steps in ("10", "15"):
            passes("train", *common, "--seeds", "2", "--seed", str(seed), "--steps", steps, "--force",
                   "--save", f"{steps}.safetensors")
        short, long = (arrays.read_raw(f"{steps}.safetensors") for steps in ("10", "15"))
        if short[1]["clrnn.train.seed"] == long[1]["clrnn.train.seed"] == str(seed + 1):
            break
    else:
        assert False, "no such seed"
    passes("train", "--data", "x.npy", "--targets", "y.npy", "--resume", "10.safetensors", "--steps",
           "15", "--save", "10.safetensors")
    assert read("10.safetensors") == read("15.safetensors")
    # In a seed that is not better than one before it nothing is there to go on with.
    hard = ["--data", "x.npy", "--targets", "y.npy", "--batch-first", *GRU]
    npy("y.npy", (60,), [0] * 60, "I32")
    error = interrupted(*hard, "--seeds", "2", "--steps", "3000", "--validate-every", "300",
                        "--save", "s.safetensors", after=2)
    assert "of seed 1; s.safetensors is of a seed before it" in error, error


def test_data_early_stop_keeps_the_best():
    """Labels that mean nothing: after a while validation becomes worse, and the best is kept."""
    source = random.Random(2)
    npy("x.npy", (40, 4, 3), [source.gauss(0, 1) for _ in range(480)])
    npy("y.npy", (40,), [source.randrange(2) for _ in range(40)], "I32")
    common = ["--data", "x.npy", "--targets", "y.npy", "--batch-first", "--hidden", "16", "--lr", "0.03",
              *"--validation 0.3 --validate-every 2 --json".split()]
    summary = json.loads(passes("train", *common, *"--steps 1000 --patience 5".split(), "--save",
                                "m.safetensors"))
    assert summary["stopped_early"] and summary["steps"] == summary["best_step"] + 10, summary
    assert abs(summary["validation"]["loss"] - summary["validation_loss"]) < 1e-6, summary
    again = json.loads(passes("train", *common, "--steps", str(summary["best_step"]), "--save",
                              "b.safetensors"))
    assert again["best_step"] == summary["best_step"], again
    a, b = (arrays.read_safetensors(p) for p in ("m.safetensors", "b.safetensors"))
    for name in a:
        if name.startswith(("rnn.", "head.")):
            assert a[name] == b[name], name
    assert a["train.parameters"] != b["train.parameters"]


def test_data_seeds():
    write_classes()
    text = passes("train", "--data", "x.npy", "--targets", "y.npy", "--batch-first", *GRU,
                  *"--steps 40 --seeds 3 --seed 5 --json --save m.safetensors".split())
    summary = json.loads(text)
    assert [s["seed"] for s in summary["seeds"]] == [5, 6, 7]
    losses = [s["validation"]["loss"] for s in summary["seeds"]]
    assert len(set(losses)) == 3
    assert abs(summary["loss"]["mean"] - sum(losses) / 3) < 1e-9
    assert summary["loss"]["deviation"] > 0
    best = min(summary["seeds"], key=lambda s: s["validation_loss"])["seed"]
    assert arrays.read_raw("m.safetensors")[1]["clrnn.train.seed"] == str(best)


def test_data_fine_tune_and_freeze():
    write_classes()
    common = ["--data", "x.npy", "--targets", "y.npy", "--batch-first", "--lr", "0.02", "--validation",
              "0"]
    passes("train", *common, *"--cell gru --hidden 8 --steps 5 --save m.safetensors".split())
    passes("train", *common, *"--model m.safetensors --steps 5 --freeze rnn. --save f.safetensors".split())
    before, after = (arrays.read_safetensors(p) for p in ("m.safetensors", "f.safetensors"))
    for name in before:
        if name.startswith("rnn.") or name.startswith("scale."):
            assert before[name] == after[name], name
    assert before["head.weight"] != after["head.weight"]
    fails(2, "train", *common, *"--model m.safetensors --freeze foot. --save g.safetensors".split(),
          says=["foot.", "head.weight"])
    fails(2, "train", *common, *"--model m.safetensors --freeze rnn. head. --save g.safetensors".split(),
          says="--freeze leaves nothing to train")
    # what goes on leaves the same tensors as they are, or those that it names itself
    freeze = ["--freeze", "rnn.weight", "head.bias", "rnn.bias_hh"]
    passes("train", *common, "--model", "m.safetensors", *freeze, *"--steps 4 --save g.safetensors".split())
    passes("train", *common, *"--resume g.safetensors --steps 9 --save g.safetensors".split())
    passes("train", *common, "--model", "m.safetensors", *freeze, *"--steps 9 --save w.safetensors".split())
    gone_on = tensors_of("g.safetensors")
    assert gone_on == tensors_of("w.safetensors")
    for name, values in arrays.read_safetensors("g.safetensors").items():
        frozen = name.startswith(("rnn.weight", "head.bias", "rnn.bias_hh", "scale."))
        assert name not in before or (values == before[name]) == frozen, name
    passes("train", *common, "--resume", "g.safetensors", "--freeze", "rnn.",
           *"--steps 12 --save o.safetensors".split())
    other = tensors_of("o.safetensors")
    assert other["head.bias"] != gone_on["head.bias"]
    assert other["rnn.bias_ih_l0"] == gone_on["rnn.bias_ih_l0"]
    os.remove("g.safetensors")
    fails(2, "train", *common, *"--model m.safetensors --hidden 9 --save g.safetensors".split(),
          says="another model")
    assert not os.path.exists("g.safetensors")


def test_data_class_weights():
    """Of two classes that nothing tells apart the frequent one is told, unless weights say else."""
    npy("x.npy", (40, 2, 1), [1.0] * 80)
    npy("y.npy", (40,), [0] * 30 + [1] * 10, "I32")
    common = ["--data", "x.npy", "--targets", "y.npy", "--batch-first", *GRU, "--steps", "200",
              "--validation", "0", "--standardise", "none", "--force", "--save", "m.safetensors"]
    for weights, expected in [([], 0.75), (["--class-weights", "balanced"], 0.5),
                              (["--class-weights", "1,9"], 0.25)]:
        passes("train", *common, *weights)
        passes("predict", "m.safetensors", "--data", "x.npy", "--batch-first", "--probabilities", "p.npy")
        share = arrays.read_npy("p.npy")[1][0]
        assert abs(share - expected) < 0.04, (weights, share)
    for weights in ["1", "1,2,3", "1,x", "1,-2", ""]:
        result = harness.clrnn("train", *common, "--class-weights", weights)
        assert result.returncode == 2 and len(result.stderr.splitlines()) == 1, result


def test_data_class_that_weighs_nothing():
    """Batches of it alone end no training, of a model or of a graph, and teach nothing."""
    npy("x.npy", (40, 2, 1), [1.0] * 80)
    npy("y.npy", (40,), [0] * 30 + [1] * 10, "I32")
    common = ["--data", "x.npy", "--targets", "y.npy", "--batch-first", "--lr", "0.02", "--batch", "4",
              "--steps", "200", "--class-weights", "0,1", "--standardise", "none", "--force"]
    passes("train", *common, "--cell", "gru", "--hidden", "8", "--save", "m.safetensors")
    passes("convert", "m.safetensors", "g.npz")
    passes("convert", "g.npz", "g.safetensors")
    passes("train", *common, "--model", "g.safetensors", "--steps", "20", "--save", "h.safetensors")
    for model in ["m.safetensors", "h.safetensors"]:
        passes("predict", model, "--data", "x.npy", "--batch-first", "--probabilities", "p.npy")
        assert arrays.read_npy("p.npy")[1][1] > 0.9, model


def test_data_labels():
    """Several labels of a step may be true."""
    source = random.Random(8)
    x = [source.uniform(-1, 1) for _ in range(30 * 6 * 2)]
    y = [int(v > 0) for v in x]
    npy("x.npy", (30, 6, 2), x)
    npy("y.npy", (30, 6, 2), y)
    summary = json.loads(passes("train", "--data", "x.npy", "--targets", "y.npy", "--batch-first", *GRU,
                                *"--loss binary --steps 200 --json --save m.safetensors".split()))
    assert summary["validation"]["accuracy"] > 0.9, summary
    passes("predict", "m.safetensors", "--data", "x.npy", "--batch-first", "--probabilities", "p.npy")
    told = arrays.read_npy("p.npy")
    assert tuple(told[0]) == (30, 6, 2) and all(0 < p < 1 for p in told[1])


def test_data_bad():
    """One line each; nothing is written."""
    write_classes()
    good = ["--data", "x.npy", "--targets", "y.npy", "--batch-first"]
    save = ["--steps", "2", "--save", "m.safetensors"]
    npy("nan.npy", (60, 7, 2), [math.nan if i == 33 else 0.5 for i in range(840)])
    fails(2, "train", "--data", "nan.npy", *good[2:], *save, says=["nan", "step 2 of sequence 2", "input 1"])
    fails(2, "train", *good, "--classes", "2", *save, says=["target 2", "below 2"])
    npy("neg.npy", (60,), [0.5] * 60)
    fails(2, "train", "--data", "x.npy", "--targets", "neg.npy", "--batch-first", "--classes", "3", *save,
          says="0.5")
    npy("long.npy", (60,), [7] * 59 + [8], "I32")
    fails(2, "train", *good, "--lengths", "long.npy", *save, says=["length 8", "sequence 59", "T=7"])
    npy("zero.npy", (60,), [0] * 60, "I32")
    fails(2, "train", *good, "--lengths", "zero.npy", *save, says="length 0")
    npy("few.npy", (59,), [0] * 59, "I32")
    fails(2, "train", "--data", "x.npy", "--targets", "few.npy", "--batch-first", *save,
          says=["[59]", "N=60"])
    fails(2, "train", *good, "--lengths", "few.npy", *save, says=["[59]", "N=60"])
    fails(2, "train", *good, "--parts", "few.npy", *save, says=["[59]", "N=60"])
    npy("parts.npy", (60,), [3] * 60, "I32")
    fails(2, "train", *good, "--parts", "parts.npy", *save, says="part 3 of sequence 0")
    fails(2, "train", *good, "--test", "0.01", *save, says=["60 sequences", "test"])
    fails(2, "train", *good, "--test", "0.7", "--validation", "0.4", *save, says="below 1")
    fails(2, "train", "--data", "x.npy", "--batch-first", *save, says="--targets")
    fails(2, "train", "--data", "missing.npy", *save, says="missing.npy")
    fails(2, "train", *good, "--columns", "A", *save, says="no .csv")
    write_sine("t.csv", 40, "d99,oops,1\n")
    series = ["--forecast", "1", "--window", "5"]
    fails(2, "train", "--data", "t.csv", "--columns", "A", *series, *save,
          says=["t.csv", "line 42", "column A", "oops"])
    fails(2, "train", "--data", "t.csv", *series, *save, says=["column DATE", "d0"])
    fails(2, "train", "--data", "t.csv", "--columns", "Z", *series, *save, says=["\"Z\"", "DATE, A, B"])
    write_sine("t.csv", 40, "d99,1\n")
    fails(2, "train", "--data", "t.csv", "--columns", "A", *series, *save, says=["line 42", "2 columns"])
    write_sine("t.csv", 8)
    fails(2, "train", "--data", "t.csv", "--columns", "A", "--forecast", "4", "--window", "6", *save,
          says="no window")
    write_sine("t.csv", 40, "d99,,1\n")
    fails(2, "train", "--data", "t.csv", "--columns", "A", *series, *save, says="nan")
    with open("j.json", "w", encoding="utf-8") as f:
        f.write('{"train":[{"label":"a","x":[[1,2],[3]]}]}')
    fails(2, "train", "--data", "j.json", *save, says="step of 1 numbers")
    assert not os.path.exists("m.safetensors")


def test_data_options_that_do_nothing():
    write_classes()
    harness.write_text()
    good = ["--data", "x.npy", "--targets", "y.npy", "--batch-first"]
    save = ["--steps", "2", "--save", "m.safetensors"]
    for options, says in [(["--seq", "3"], "--seq"), (["--window", "3"], "--forecast"),
                          (["--length", "9"], "--task"), (["--text", "text.txt"], "--text"),
                          (["--act", "relu"], "--cell rnn"), (["--epochs", "3"], "--steps"),
                          (["--huber-delta", "-1"], "--huber-delta"), (["--init", "chrono"], "longest_lag"),
                          (["--init", "irnn"], "RNN"), (["--update-bias", "1"], "GRU"),
                          (["--step-every", "3"], ["step_every is 3", "constant schedule"]),
                          (["--schedule", "cosine", "--step-factor", "0.5"],
                           ["step_factor is 0.5", "cosine schedule"]),
                          (["--schedule", "step"], "step_every is 0"),
                          (["--validation", "0.001"], "left to validate (validation is 0.001; 0 holds"),
                          (["--layer-norm", "--zoneout", "0.1,0.2"], ["zoneout_cell is 0.2", "new c"]),
                          (["--resume", "x", "--model", "y"], "leave one")]:
        fails(2, "train", *good, *options, *save, says=says)
    fails(2, "train", "--text", "text.txt", "--patience", "3", *save, says="--text")
    fails(2, "train", "--data", "text.txt", "--targets", "y.npy", *save, says="--text learns")
    fails(2, "train", *good, "--epochs", "0", *save[2:], says="--epochs 0")
    fails(2, "compare", *good, "--output", "y", "-o", "report", says="--output is not an option")
    write_sine("t.csv", 40)
    table = ["--data", "t.csv", "--columns", "A", "--target-columns", "B", *save]
    fails(2, "train", *table, says=["t.csv is one sequence", "--group", "--validation 0"])
    passes("train", *table, "--validation", "0")
    os.remove("m.safetensors")
    fails(2, "train", "--task", "adding", "--data", "x.npy", *save, says="--data is not of a task")
    fails(2, "train", "--task", "none", *save, says="adding")
    fails(2, "train", *save, says="--task NAME")
    assert not os.path.exists("m.safetensors")


def test_data_task():
    levels = {"adding": 1 / 6, "copy": 10 * math.log(8) / 25, "recall": math.log(8), "parity": math.log(2)}
    for task, level in levels.items():
        out = passes("train", "--task", task, *GRU,
                     *"--length 5 --steps 3 --json --force --save m.safetensors".split())
        summary = json.loads(out)
        assert abs(summary["not_learned"]["loss"] - level) < 1e-9, (task, summary)
    out = passes("train", "--task", "recall", *GRU, *"--length 4 --steps 200 --save m.safetensors".split(),
                 "--force")
    assert "not learned" in out
    summary = json.loads(passes("train", "--task", "brackets", *GRU, "--force", "--json",
                                *"--length 12 --steps 300 --save m.safetensors".split()))
    assert summary["test"]["loss"] < 0.7 * summary["not_learned"]["loss"], summary
    assert summary["test"]["accuracy"] > summary["not_learned"]["accuracy"] > 0.2, summary
    description = json.loads(arrays.read_raw("m.safetensors")[1]["clrnn"])
    assert description["init"] == "chrono" and description["longest_lag"] == 12


def write_digits(count=150, header=True, label=True, path="digits.csv"):
    """Images of 3 x 3 of a bar in one of three rows, as scikit-learn's frame has them."""
    source = random.Random(4)
    with open(path, "w", encoding="utf-8") as f:
        if header:
            f.write(",".join([f"pixel_{i}" for i in range(9)] + ["target"] * label) + "\n")
        labels = []
        for _ in range(count):
            labels.append(source.randrange(3))
            pixels = [16 if i // 3 == labels[-1] else source.randrange(3) for i in range(9)]
            f.write(",".join(map(str, pixels + labels[-1:] * label)) + "\n")
    return labels


def test_data_digits():
    """Rows of pixels, one a step, in their order and in another; the same for a fresh start, a resume
    and predict."""
    train = ["train", *GRU, "--batch", "16", "--lr", "0.02", "--force"]
    labels = write_digits()
    for task in ["digits", "permuted"]:
        summary = json.loads(passes(*train, "--task", task, "--data", "digits.csv", "--steps", "200", "--json",
                                    "--save", "m.safetensors"))
        assert summary["validation"]["accuracy"] > 0.9, summary
        assert abs(summary["not_learned"]["loss"] - math.log(3)) < 0.1, summary
        assert 0.1 < summary["not_learned"]["accuracy"] < 0.7, summary
        for label in [True, False]:
            write_digits(header=label, label=label, path="new.csv")
            passes("predict", "m.safetensors", "--data", "new.csv", "--out", "p.csv", "--force")
            with open("p.csv", encoding="utf-8") as f:
                told = [line.split(",")[-1].strip() for line in f]
            right = sum(a == str(b) for a, b in zip(told[-len(labels):], labels))
            assert right > 0.95 * len(labels), (task, label, right, told[:5])
    description = json.loads(arrays.read_raw("m.safetensors")[1]["clrnn"])
    assert description["init"] == "chrono" and description["longest_lag"] == 9
    write_digits(header=False)
    whole = [*train, "--task", "permuted", "--data", "digits.csv"]
    passes(*whole, "--steps", "40", "--save", "whole.safetensors")
    passes(*whole, "--steps", "15", "--save", "part.safetensors")
    passes("train", "--data", "digits.csv", "--resume", "part.safetensors", "--save", "part.safetensors",
           "--steps", "40")
    assert harness.tensors_of("whole.safetensors") == harness.tensors_of("part.safetensors")
    passes(*train, "--task", "digits", "--data", "digits.csv", "--steps", "40", "--save", "other.safetensors")
    assert harness.tensors_of("whole.safetensors") != harness.tensors_of("other.safetensors")


def test_data_digits_bad():
    write_digits()
    start = ["train", "--task", "permuted", "--steps", "1", "--save", "n.safetensors"]
    fails(2, *start, says=["--task permuted", "--data FILE"])
    fails(2, *start, "--data", "digits.csv", "--length", "9", says="--length")
    fails(2, *start, "--data", "digits.csv", "--target-columns", "target", says="--target-columns")
    fails(2, *start, "--data", "nobody.csv", says="nobody.csv")
    for row, says in [("1,2,3.5", "3.5"), ("1,2,-1", "-1"), ("1,2,x", "x"), ("1,2,256", "256")]:
        with open("bad.csv", "w", encoding="utf-8") as f:
            f.write("a,b,label\n1,2,0\n3,4,1\n" + row + "\n")
        fails(2, *start, "--data", "bad.csv", says=["bad.csv", says])
    with open("bad.csv", "w", encoding="utf-8") as f:
        f.write("a,label\n1,0\n2,1\n")
    fails(2, *start, "--data", "bad.csv", says="too few")
    passes("train", *GRU, "--task", "digits", "--data", "digits.csv", "--steps", "2", "--save", "m.safetensors")
    fails(2, "predict", "m.safetensors", "--data", "bad.csv", "--out", "p.csv", says="another number")
    assert not os.path.exists("n.safetensors")


def test_data_init():
    write_classes()
    good = ["--data", "x.npy", "--targets", "y.npy", "--batch-first", "--steps", "1", "--hidden", "8",
            "--lr", "1e-30", "--force", "--save", "m.safetensors"]
    for options, expected in [([], {"init": "orthogonal", "forget_bias": 1}),
                              (["--init", "pytorch"], {"init": "pytorch"}),
                              (["--init", "keras"], {"init": "keras", "forget_bias": 1}),
                              (["--forget-bias", "2.5"], {"init": "orthogonal", "forget_bias": 2.5}),
                              (["--cell", "gru", "--update-bias", "3"],
                               {"init": "orthogonal", "forget_bias": 3}),
                              (["--init", "chrono", "--longest-lag", "30"],
                               {"init": "chrono", "longest_lag": 30}),
                              (["--cell", "rnn", "--act", "relu", "--init", "irnn"], {"init": "irnn"})]:
        passes("train", *good, *options)
        description = json.loads(arrays.read_raw("m.safetensors")[1]["clrnn"])
        assert expected.items() <= description.items(), (options, description)


def test_data_schedules():
    write_classes()
    for schedule, rates in [
            ("--schedule step --step-every 2 --step-factor 0.5", [1, 1, 0.5, 0.5, 0.25, 0.25]),
            ("--schedule one_cycle", None), ("--schedule cosine --warmup 2", None)]:
        passes("train", "--data", "x.npy", "--targets", "y.npy", "--batch-first", "--hidden", "4", "--force",
               *"--lr 1 --steps 6 --optimizer sgd --log-every 1 --log l.csv --save m.safetensors".split(),
               *schedule.split())
        with open("l.csv", encoding="utf-8") as f:
            found = [float(line.split(",")[6]) for line in f.read().splitlines()[1:]]
        assert len(found) == 6 and max(found) <= 1, found
        assert rates is None or found == rates, found


def test_predict_bad():
    write_classes()
    passes("train", "--data", "x.npy", "--targets", "y.npy", "--batch-first", *GRU, "--steps", "2", "--save",
           "m.safetensors")
    harness.write_text()
    passes("train", "--text", "text.txt", *"--hidden 4 --batch 2 --seq 8 --steps 1 --save t.safetensors".split())
    good = ["--data", "x.npy", "--batch-first"]
    fails(2, "predict", "t.safetensors", *good, "--out", "o.npy", says="clrnn run")
    fails(2, "predict", "m.safetensors", *good, says="--out")
    fails(2, "predict", "m.safetensors", "--out", "o.npy", says="--data")
    fails(2, "predict", *good, "--out", "o.npy", says=["no model", "clrnn predict --help"])
    fails(2, "predict", "m.safetensors", *good, "--out", "o.txt", says=".npy or .csv")
    fails(2, "predict", "m.safetensors", *good, "--out", "x.npy", says="same file")
    npy("wide.npy", (3, 4, 5), [0.0] * 60)
    fails(2, "predict", "m.safetensors", "--data", "wide.npy", "--out", "o.npy", says=["scale.x_mean", "inputs", "[2]"])
    npy("nan.npy", (3, 4, 2), [math.nan] * 24)
    fails(2, "predict", "m.safetensors", "--data", "nan.npy", "--out", "o.npy", says="nan")
    before = read("y.npy")
    fails(2, "predict", "m.safetensors", *good, "--out", "missing/o.npy", says="missing")
    assert read("y.npy") == before and not os.path.exists("o.npy")


def test_data_npz():
    """All arrays in one file, as numpy.savez writes them."""
    write_classes(ragged=True)
    with zipfile.ZipFile("all.npz", "w") as archive:
        for name, path in [("x", "x.npy"), ("targets", "y.npy"), ("lengths", "n.npy")]:
            archive.write(path, name + ".npy", zipfile.ZIP_DEFLATED if name == "x" else zipfile.ZIP_STORED)
    options = [*GRU, *"--batch-first --steps 5".split()]
    result = harness.clrnn("train", "--data", "all.npz", *options, "--save", "a.safetensors")
    if "libzip" in result.stderr:
        assert result.returncode == 2
        return
    assert result.returncode == 0 and result.stderr == "", result
    passes("train", "--data", "x.npy", "--targets", "y.npy", "--lengths", "n.npy", *options, "--save",
           "b.safetensors")
    assert arrays.read_safetensors("a.safetensors") == arrays.read_safetensors("b.safetensors")
    whole = read("all.npz")
    for at in range(10, len(whole), 97):  # damaged anywhere: an error, or a table that still is one
        with open("bad.npz", "wb") as f:
            f.write(whole[:at] + bytes([whole[at] ^ 0x55]) + whole[at + 1:])
        result = harness.clrnn("info", "bad.npz")
        assert result.returncode in (0, 2) and len(result.stderr.splitlines()) <= 1, result
    with open("bad.npz", "wb") as f:
        f.write(whole[:len(whole) // 2])
    fails(2, "train", "--data", "bad.npz", *options, "--save", "c.safetensors", says="bad.npz")
