# SPDX-License-Identifier: MIT
"""clrnn train and predict with the losses of label sequences, of sound, and with a variance; notes."""
import json
import math
import random
import struct
import wave

import arrays
import harness
from data import npy
from harness import fails, passes, read

GRU = "--cell gru --hidden 16 --lr 0.02".split()


def write_labels(count=120, steps=16, most=3):
    """A pulse of input l-1 says that label l comes: anywhere, in order."""
    source = random.Random(11)
    x = [[[source.uniform(-0.1, 0.1) for _ in range(3)] for _ in range(steps)] for _ in range(count)]
    labels = []
    for row in x:
        places = sorted(source.sample(range(1, steps // 2), source.randint(1, most)))
        labels.append([source.randint(1, 3) for _ in places])
        for place, label in zip(places, labels[-1]):
            row[2 * place][label - 1] += 2
    npy("x.npy", (count, steps, 3), [v for row in x for step in row for v in step])
    npy("y.npy", (count, most), [v for row in labels for v in row + [0] * (most - len(row))], "I32")
    return labels


def test_loss_ctc():
    labels = write_labels()
    data = ["--data", "x.npy", "--batch-first"]
    out = passes("train", *data, "--targets", "y.npy", "--loss", "ctc", *GRU,
                 *"--epochs 25 --test 0.2 --json --save m.safetensors".split())
    summary = json.loads(out)
    assert summary["loss"] == "ctc" and summary["test"]["accuracy"] > 0.9, summary
    assert summary["test"]["loss"] < 0.2 * summary["mean"]["loss"], summary
    for beam in ([], ["--beam", "6"]):
        passes("predict", "m.safetensors", *data, "--out", "l.csv", "--force", *beam)
        with open("l.csv", encoding="utf-8") as f:
            lines = f.read().splitlines()
        assert lines[0] == "sequence,labels" and len(lines) == 121
        told = [[int(v) for v in line.split(",")[1].split()] for line in lines[1:]]
        right = sum(a == b for a, b in zip(told, labels))
        assert right > 100, (beam, right)
    passes("predict", "m.safetensors", *data, "--out", "l.npy", "--probabilities", "p.npy")
    shape, values = arrays.read_npy("l.npy")[:2]
    width = max(len(t) for t in told)
    assert tuple(shape) == (120, width)
    shape = arrays.read_npy("p.npy")[0]
    assert tuple(shape) == (120, 16, 4)


def test_loss_ctc_bad():
    write_labels(count=4)
    train = ["train", "--data", "x.npy", "--batch-first", "--loss", "ctc", *GRU, "--steps", "2",
             "--save", "m.safetensors", "--targets"]
    for values, says in [([1, 0, 2] + [1] * 9, "label 2 behind"),
                         ([1.5] + [1] * 11, "no class"),
                         ([0] * 12, "missing")]:
        npy("b.npy", (4, 3), values)
        fails(2, *train, "b.npy", says=says)
    npy("b.npy", (4, 9), [1] * 36)  # 17 steps with blanks between
    fails(2, *train, "b.npy", says="need 17 steps")
    npy("b.npy", (3, 3), [1] * 9)
    fails(2, *train, "b.npy", says="[N,S]")
    fails(2, *train, "y.npy", "--target-at", "last", says="whole sequences")
    npy("y2.npy", (4,), [0, 1, 0, 1], "I32")
    passes("train", "--data", "x.npy", "--batch-first", *GRU, "--steps", "2", "--targets", "y2.npy", "--save",
           "m.safetensors", "--validation", "0")
    fails(2, "predict", "m.safetensors", "--data", "x.npy", "--batch-first", "--out", "o.npy", "--beam", "3",
          says="--loss ctc")


def test_loss_gaussian():
    """The noise is small for negative x and large else: so are the deviations."""
    source = random.Random(4)
    x = [source.uniform(-1, 1) for _ in range(300 * 4)]
    y = [1000 + 50 * v + source.gauss(0, 1 if v < 0 else 20) for v in x]
    npy("x.npy", (300, 4, 1), x)
    npy("y.npy", (300, 4, 1), y)
    out = passes("train", "--data", "x.npy", "--targets", "y.npy", "--batch-first", "--loss", "gaussian", *GRU,
                 *"--epochs 40 --json --save m.safetensors".split())
    summary = json.loads(out)
    assert summary["validation"]["loss"] < summary["mean"]["loss"] - 0.5, summary
    passes("predict", "m.safetensors", "--data", "x.npy", "--batch-first", "--out", "g.csv")
    with open("g.csv", encoding="utf-8") as f:
        lines = f.read().splitlines()
    assert lines[0] == "sequence,step,mean0,deviation0"
    cells = [[float(v) for v in line.split(",")] for line in lines[1:]]
    low = [c[3] for c, v in zip(cells, x) if v < -0.3]
    high = [c[3] for c, v in zip(cells, x) if v > 0.3]
    assert sum(high) / len(high) > 4 * sum(low) / len(low), (low[:3], high[:3])
    assert max(abs(c[2] - 1000 - 50 * v) for c, v in zip(cells, x)) < 40


def write_sound(path, values, channels=1):
    with wave.open(path, "wb") as f:
        f.setnchannels(channels)
        f.setsampwidth(2)
        f.setframerate(44100)
        f.writeframes(b"".join(struct.pack("<h", int(v * 32767)) for v in values))


def test_loss_sound():
    """An amplifier: 16,050 samples of a tone, and what tanh makes of them."""
    tone = [0.6 * math.sin(t * 0.05) * math.sin(t * 0.0007) for t in range(16050)]
    write_sound("in.wav", tone)
    write_sound("out.wav", [0.5 * math.tanh(3 * v) for v in tone])
    train = ["train", "--data", "in.wav", "--targets", "out.wav", "--loss", "esr", *GRU, "--save", "m.safetensors"]
    result = harness.clrnn(*train, *"--window 200 --batch 8 --epochs 6 --test 0.2 --json".split())
    if "libsndfile" in result.stderr:
        assert result.returncode == 2
        return
    assert result.returncode == 0 and not result.stderr, result
    summary = json.loads(result.stdout)
    assert summary["test"]["loss"] < 0.1 < 0.5 < summary["mean"]["loss"], summary
    set = harness.tensors_of("m.safetensors")
    assert not any(name.startswith("scale.") for name in set), list(set)
    passes("predict", "m.safetensors", "--data", "in.wav", "--out", "o.npy")
    assert tuple(arrays.read_npy("o.npy")[0])[:2] == (1, 16050)
    before = read("m.safetensors")
    fails(2, *train, "--force", "--window", "20000", says="do not fill one sequence")
    write_sound("short.wav", tone[:900])
    fails(2, "train", "--data", "in.wav", "--targets", "short.wav", "--loss", "esr", "--window", "200", *GRU,
          "--save", "m.safetensors", "--force", says="targets has shape")
    with open("no.wav", "wb") as f:
        f.write(b"RIFF no sound")
    fails(2, "train", "--data", "no.wav", "--targets", "out.wav", *GRU, "--save", "m.safetensors", "--force",
          says="no.wav")
    assert read("m.safetensors") == before


def test_notes():
    """Two notes that alternate: after a while each step is told from the one before."""
    song = [[60, 64], [62]] * 6
    with open("songs.json", "w", encoding="utf-8") as f:
        json.dump({"train": [song] * 8, "valid": [song[1:]] * 2, "test": [song] * 2}, f)
    out = passes("train", "--data", "songs.json", *GRU, *"--epochs 300 --batch 4 --json --save m.safetensors".split())
    summary = json.loads(out)
    assert summary["loss"] == "binary" and summary["test"]["loss"] < 0.5, summary
    assert summary["mean"]["loss"] > 1.5, summary
    for bad, says in [([[[60], [20]]], "a note that is not 21 to 108"), ([[[60], ["C"]]], "a note"),
                      ([[[60]]], "two steps"), ([[[60], 61]], "no list of notes")]:
        with open("bad.json", "w", encoding="utf-8") as f:
            json.dump({"train": bad}, f)
        fails(2, "train", "--data", "bad.json", *GRU, "--save", "b.safetensors", says=says)


def test_loss_options():
    write_labels(count=4)
    npy("y.npy", (4, 16, 3), [0.5] * (4 * 16 * 3))
    same = ["train", "--data", "x.npy", "--targets", "y.npy", "--batch-first", *GRU, "--save", "m.safetensors"]
    fails(2, *same, "--pre-emphasis", "0.5", says="add --loss esr")
    fails(2, *same, "--dc-weight", "1", says="add --loss esr")
    fails(2, *same, "--window", "8", says="--window")
